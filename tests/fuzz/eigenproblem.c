/* The application of mode "eigen": matrices, F_m, and a solver with options of its own */
#include "eigen.h"

static PetscErrorCode FuzzAssemble(Dini dini, PetscInt nmats, Mat M[], void *ctx)
{
  Eigen      *e = (Eigen *)ctx;
  PetscScalar m[SPECTRUM_K];
  PetscInt    lo, hi;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(AppGather(e->S.app, e->m, m));
  for (int which = 0; which < nmats; which++) {
    PetscCall(MatGetOwnershipRange(M[which], &lo, &hi));
    for (PetscInt i = lo; i < hi; i++)
      for (PetscInt j = 0; j < e->S.n; j++)
        PetscCall(MatSetValue(M[which], i, j, SpectrumEntry(&e->S, which, m, i, j), INSERT_VALUES));
    PetscCall(MatAssemblyBegin(M[which], MAT_FINAL_ASSEMBLY));
    PetscCall(MatAssemblyEnd(M[which], MAT_FINAL_ASSEMBLY));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F_m = c_0 A_m u + c_1 B_m u */
static PetscErrorCode FuzzEigenFill(Dini dini, Vec u, Vec m, Mat Fm, void *ctx)
{
  const Eigen       *e = (const Eigen *)ctx;
  const PetscScalar *c;
  PetscScalar        all[SPECTRUM_N], now[SPECTRUM_K];
  PetscInt           lo, hi;

  PetscFunctionBeginUser;
  PetscCall(DiniGetEigenCoefficients(dini, NULL, &c));
  PetscCall(AppGather(e->S.app, u, all));
  PetscCall(AppGather(e->S.app, m, now));
  PetscCall(MatGetOwnershipRange(Fm, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++)
    for (PetscInt k = 0; k < e->S.K; k++) {
      PetscScalar sum = 0.0;

      for (PetscInt j = 0; j < e->S.n; j++) {
        sum += c[0] * SpectrumSlope(&e->S, 0, now, k, i, j) * all[j];
        if (e->S.general) sum += c[1] * SpectrumSlope(&e->S, 1, now, k, i, j) * all[j];
      }
      PetscCall(MatSetValue(Fm, i, k, sum, INSERT_VALUES));
    }
  PetscCall(MatAssemblyBegin(Fm, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(Fm, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void DrawSolver(Eigen *e, Random *random)
{
  e->fills  = RandomChance(random, 0.5);
  e->wanted = RandomInt(random, 3) ? e->S.n : 1 + RandomInt(random, e->S.n);
  e->invert = RandomChance(random, 0.4);
  e->twice  = (PetscBool)(!e->S.hermitian && RandomChance(random, 0.4));
  e->target = e->S.scale * RandomSigned(random, 0.0, 2.0);
  FuzzSay(e->S.app, "  %d wanted%s%s, F_m %s\n", (int)e->wanted, e->invert ? " near a target" : "",
          e->twice ? ", two-sided" : "", e->fills ? "given" : "by differences");
}

PetscErrorCode EigenCreateEPS(Eigen *e, EPS *eps)
{
  App *app = e->S.app;
  ST   st;
  KSP  ksp;
  PC   pc;

  PetscFunctionBeginUser;
  PetscCall(EPSCreate(app->comm, eps));
  PetscCall(EPSSetOperators(*eps, e->M[0], e->M[1]));
  PetscCall(EPSSetProblemType(*eps, e->S.hermitian ? (e->S.general ? EPS_GHEP : EPS_HEP)
                                                   : (e->S.general ? EPS_GNHEP : EPS_NHEP)));
  PetscCall(EPSSetTolerances(*eps, 1e-12, 500));
  PetscCall(EPSSetDimensions(*eps, e->wanted, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(EPSSetTwoSided(*eps, e->twice));
  PetscCall(EPSGetST(*eps, &st));
  if (e->invert) {
    PetscCall(EPSSetTarget(*eps, e->target));
    PetscCall(EPSSetWhichEigenpairs(*eps, EPS_TARGET_MAGNITUDE));
    PetscCall(STSetType(st, STSINVERT));
  }
  PetscCall(STGetKSP(st, &ksp));
  PetscCall(KSPSetType(ksp, KSPPREONLY));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, app->size > 1 ? PCREDUNDANT : PCLU));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FuzzEigenCreate(Eigen *e)
{
  Spectrum *S   = &e->S;
  App      *app = S->app;
  PetscInt  n, k;

  PetscFunctionBeginUser;
  DrawSolver(e, &app->random);
  PetscCall(ModeVec(app, S->K, &e->m));
  PetscCall(ModeVec(app, S->n, &e->u));
  if (!S->hermitian) { /* where a rank has no rows, SLEPc (3.18) calls LAPACK with a leading dimension of zero, and hangs */
    PetscCall(VecDestroy(&e->u));
    PetscCall(VecCreateMPI(app->comm, PETSC_DECIDE, S->n, &e->u));
  }
  PetscCall(ModeWrite(app, S->m, e->m));
  PetscCall(VecGetLocalSize(e->u, &n));
  PetscCall(VecGetLocalSize(e->m, &k));
  for (int which = 0; which <= (S->general ? 1 : 0); which++)
    PetscCall(MatCreateAIJ(app->comm, n, n, S->n, S->n, S->n, NULL, S->n, NULL, &e->M[which]));
  PetscCall(FuzzAssemble(NULL, S->general ? 2 : 1, e->M, e));
  PetscCall(MatCreateDense(app->comm, n, k, S->n, S->K, NULL, &e->Fm));
  PetscCall(EigenCreateEPS(e, &e->eps));
  PetscCall(DiniCreate(app->comm, &e->dini));
  PetscCall(DiniSetEPS(e->dini, e->eps));
  PetscCall(DiniSetEigenSystem(e->dini, FuzzAssemble, e));
  PetscCall(DiniAddParameter(e->dini, "m", e->m, NULL));
  if (e->fills) PetscCall(DiniSetParameterJacobian(e->dini, 0, e->Fm, FuzzEigenFill, e));
  PetscCall(DiniSetFromOptions(e->dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EigenDestroy(Eigen *e)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&e->dini));
  PetscCall(EPSDestroy(&e->eps));
  PetscCall(VecDestroy(&e->m));
  PetscCall(VecDestroy(&e->u));
  PetscCall(MatDestroy(&e->M[0]));
  PetscCall(MatDestroy(&e->M[1]));
  PetscCall(MatDestroy(&e->Fm));
  PetscFunctionReturn(PETSC_SUCCESS);
}
