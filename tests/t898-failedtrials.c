static char help[] =
    "Solves that fail on a zero pivot, and what comes after: the next solve at better parameters does not fail too, whatever\n\
the preconditioner and the Krylov method, in a row of solves, behind a failed adjoint, and in an optimisation.\n";

#include "support/dinitest.h"

#define N 6

/* diag(m) u = 1: u = 1/m, du/dm = -1/m^2; or by Newton's method diag(u) u = m: du/dm = 1/(2 u) */
typedef struct {
  PetscBool newton;
  Mat       A;
  Vec       m, u, w, goal;
  KSP       ksp;
  SNES      snes;
  Dini      dini;
} Diagonal;

static PetscErrorCode Assemble(Dini dini, Mat A, Mat P, Vec b, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)P;
  PetscCall(MatDiagonalSet(A, ((Diagonal *)ctx)->m, INSERT_VALUES));
  PetscCall(VecSet(b, 1.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(VecPointwiseMult(F, u, u));
  PetscCall(VecAXPY(F, -1.0, ((Diagonal *)ctx)->m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  Diagonal *d = (Diagonal *)ctx;

  PetscFunctionBeginUser;
  (void)snes;
  (void)P;
  PetscCall(VecCopy(u, d->w));
  PetscCall(VecScale(d->w, 2.0));
  PetscCall(MatDiagonalSet(J, d->w, INSERT_VALUES));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(PetscBool newton, const char pctype[], const char ksptype[], Diagonal *d)
{
  PC pc;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(d, sizeof(*d)));
  d->newton = newton;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, 1, NULL, 0, NULL, &d->A));
  PetscCall(MatCreateVecs(d->A, &d->u, &d->w));
  PetscCall(VecDuplicate(d->u, &d->m));
  PetscCall(VecDuplicate(d->u, &d->goal));
  PetscCall(VecSet(d->m, 2.0));
  PetscCall(MatDiagonalSet(d->A, d->m, INSERT_VALUES));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &d->dini));
  if (newton) {
    PetscCall(SNESCreate(PETSC_COMM_WORLD, &d->snes));
    PetscCall(SNESSetFunction(d->snes, d->w, Residual, d));
    PetscCall(SNESSetJacobian(d->snes, d->A, d->A, Jacobian, d));
    PetscCall(SNESSetTolerances(d->snes, 1e-30, 1e-12, 1e-14, 50, PETSC_DEFAULT));
    PetscCall(VecDestroy(&d->w));
    PetscCall(VecDuplicate(d->u, &d->w));
    PetscCall(SNESGetKSP(d->snes, &d->ksp));
    PetscCall(PetscObjectReference((PetscObject)d->ksp));
    PetscCall(DiniSetSNES(d->dini, d->snes));
  } else {
    PetscCall(KSPCreate(PETSC_COMM_WORLD, &d->ksp));
    PetscCall(KSPSetOperators(d->ksp, d->A, d->A));
    PetscCall(DiniSetKSP(d->dini, d->ksp));
    PetscCall(DiniSetLinearSystem(d->dini, d->w, Assemble, d));
  }
  PetscCall(KSPSetType(d->ksp, ksptype));
  PetscCall(KSPSetTolerances(d->ksp, 1e-12, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(KSPGetPC(d->ksp, &pc));
  PetscCall(PCSetType(pc, pctype));
  PetscCall(DiniAddParameter(d->dini, "m", d->m, NULL));
  PetscCall(DiniSetErrorIfNotConverged(d->dini, PETSC_FALSE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Diagonal *d)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&d->dini));
  PetscCall(KSPDestroy(&d->ksp));
  PetscCall(SNESDestroy(&d->snes));
  PetscCall(MatDestroy(&d->A));
  PetscCall(VecDestroy(&d->m));
  PetscCall(VecDestroy(&d->u));
  PetscCall(VecDestroy(&d->w));
  PetscCall(VecDestroy(&d->goal));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Solves at m, from the guess: it fails or not, and where it does not the VJP of ones is right */
static PetscErrorCode Solve(Diagonal *d, PetscReal m, PetscReal guess, PetscBool fails, const char what[])
{
  Vec            mbar, ubar, right;
  DiniStatistics before, after;
  PetscReal      slope = d->newton ? 0.5 / PetscSqrtReal(m) : -1.0 / (m * m);

  PetscFunctionBeginUser;
  PetscCall(DiniGetStatistics(d->dini, &before));
  PetscCall(VecSet(d->m, m));
  PetscCall(VecSet(d->u, guess));
  PetscCall(DiniSolve(d->dini, d->u));
  PetscCall(DiniGetStatistics(d->dini, &after));
  DiniTestTrue(after.forward_failures - before.forward_failures == (fails ? 1 : 0), "%s, m = %g: %d failed solves",
               what, (double)m, (int)(after.forward_failures - before.forward_failures));
  if (fails) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecDuplicate(d->m, &mbar));
  PetscCall(VecDuplicate(d->m, &ubar));
  PetscCall(VecDuplicate(d->m, &right));
  PetscCall(VecSet(ubar, 1.0));
  PetscCall(VecSet(right, slope));
  PetscCall(DiniVJP(d->dini, ubar, mbar));
  PetscCall(DiniTestVecsClose(mbar, right, 1e-8, what));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&right));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A zero matrix among good ones */
static PetscErrorCode TestRow(PetscBool newton, const char pctype[], const char ksptype[])
{
  Diagonal d;
  char     what[128];

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(what, sizeof(what), "%s, %s, %s", newton ? "snes" : "ksp", ksptype, pctype));
  PetscCall(Create(newton, pctype, ksptype, &d));
  PetscCall(Solve(&d, 2.0, 1.0, PETSC_FALSE, what));
  for (int k = 0; k < 2; k++) {
    PetscCall(Solve(&d, newton ? 3.0 : 0.0, 0.0, PETSC_TRUE, what)); /* from u = 0 Newton's first matrix is zero */
    if (k) PetscCall(Solve(&d, newton ? 3.0 : 0.0, 0.0, PETSC_TRUE, what));
    PetscCall(Solve(&d, 1.6, 1.0, PETSC_FALSE, what));
    PetscCall(Solve(&d, 3.0, 1.0, PETSC_FALSE, what));
  }
  PetscCall(Destroy(&d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J at an attached state is zero, and its adjoint fails: the next forward solve knows nothing of it */
static PetscErrorCode TestBehindAdjoint(const char pctype[], const char ksptype[])
{
  Diagonal            d;
  Vec                 ubar, mbar;
  PetscErrorCode      failed;
  DiniConvergedReason reason;

  PetscFunctionBeginUser;
  PetscCall(Create(PETSC_TRUE, pctype, ksptype, &d));
  PetscCall(DiniSetGuard(d.dini, PETSC_FALSE));
  PetscCall(VecDuplicate(d.m, &mbar));
  PetscCall(VecDuplicate(d.m, &ubar));
  PetscCall(VecSet(ubar, 1.0));
  PetscCall(Solve(&d, 2.0, 1.0, PETSC_FALSE, pctype));
  PetscCall(VecSet(d.m, 0.0));
  PetscCall(VecSet(d.u, 0.0));
  PetscCall(DiniTestCatch());
  failed = DiniAttach(d.dini, d.u);
  if (!failed) failed = DiniVJP(d.dini, ubar, mbar);
  PetscCall(DiniTestRelease());
  PetscCall(DiniGetConvergedReason(d.dini, &reason));
  DiniTestTrue(failed || reason < 0, "%s, %s: an adjoint with J = 0", pctype, ksptype);
  PetscCall(Solve(&d, 4.0, 1.0, PETSC_FALSE, pctype));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&ubar));
  PetscCall(Destroy(&d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Objective(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  Vec w;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecDuplicate(u, &w));
  PetscCall(VecWAXPY(w, -1.0, ((Diagonal *)ctx)->goal, u));
  PetscCall(VecNorm(w, NORM_2, value));
  *value = 0.5 * PetscSqr(*value);
  PetscCall(VecDestroy(&w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)dJdm;
  PetscCall(VecWAXPY(dJdu, -1.0, ((Diagonal *)ctx)->goal, u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The value after a failed trial and a good one is what it is without the failed one */
static PetscErrorCode TestTrials(const char pctype[], const char ksptype[])
{
  Diagonal  d;
  Vec       m, g;
  PetscReal value;

  PetscFunctionBeginUser;
  PetscCall(Create(PETSC_FALSE, pctype, ksptype, &d));
  PetscCall(DiniSetState(d.dini, d.u));
  PetscCall(VecSet(d.goal, 1.0));
  PetscCall(DiniSetObjective(d.dini, Objective, Gradient, &d));
  PetscCall(DiniCreateParameterVec(d.dini, &m));
  PetscCall(VecDuplicate(m, &g));
  for (int k = 0; k < 6; k++) {
    const PetscReal at = k % 2 ? 0.0 : 2.0 + k, u = 1.0 / (2.0 + k);

    PetscCall(VecSet(m, at));
    PetscCall(DiniComputeObjectiveAndGradient(d.dini, m, &value, g));
    if (k % 2)
      DiniTestTrue(PetscIsInfOrNanReal(value), "%s, %s: %g at a singular matrix", pctype, ksptype, (double)value);
    else {
      DiniTestClose(value, 0.5 * N * PetscSqr(u - 1.0), 1e-10, 0.0, pctype);
      PetscCall(VecSet(d.goal, -(u - 1.0) * u * u));
      PetscCall(DiniTestVecsClose(g, d.goal, 1e-8, pctype));
      PetscCall(VecSet(d.goal, 1.0));
    }
  }
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&g));
  PetscCall(Destroy(&d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestAll(const char pctype[], const char ksptype[])
{
  PetscFunctionBeginUser;
  PetscCall(TestRow(PETSC_FALSE, pctype, ksptype));
  PetscCall(TestRow(PETSC_TRUE, pctype, ksptype));
  PetscCall(TestBehindAdjoint(pctype, ksptype));
  PetscCall(TestTrials(pctype, ksptype));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  static const char *const ksps[] = {KSPGMRES, KSPFGMRES, KSPCG, KSPBCGS};
  PetscMPIInt              size;
  Mat                      A;
  PetscBool                has;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, 1, NULL, 0, NULL, &A));
  PetscCall(MatGetFactorAvailable(A, size > 1 ? MATSOLVERMUMPS : MATSOLVERPETSC, MAT_FACTOR_LU, &has));
  PetscCall(MatDestroy(&A));
  for (int k = 0; k < 4; k++) {
    if (has) PetscCall(TestAll(PCLU, ksps[k]));
    if (size == 1) PetscCall(TestAll(PCILU, ksps[k]));
    if (size == 1) PetscCall(TestAll(PCCHOLESKY, ksps[k]));
    PetscCall(TestAll(PCBJACOBI, ksps[k]));
    PetscCall(TestAll(PCASM, ksps[k]));
    PetscCall(TestAll(PCJACOBI, ksps[k]));
  }
  PetscCall(PetscFinalize());
  return 0;
}
