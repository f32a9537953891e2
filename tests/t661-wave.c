static char help[] = "A damped wave: real and holomorphic objectives, real parameters, conjugates in F.\n";

#include "support/fixtures.h"

/* ---- A damped wave: (T - (1 + i d) diag(m)) u = f, m = k^2 h^2 ---- */

typedef struct {
  PetscScalar damping;
  PetscReal   conjugate, modulus; /* faults: conj(u) and conj(m) in F */
  PetscBool   approximate;        /* J without what the fault adds along real directions */
  Mat         T, J, Fm;
  Vec         u, m, f, w, d; /* d: data of the objective */
  SNES        snes;
  Dini        dini;
} Wave;

static PetscErrorCode WaveResidual(SNES snes, Vec u, Vec F, void *ctx)
{
  Wave *a = (Wave *)ctx;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(MatMult(a->T, u, F));
  PetscCall(VecPointwiseMult(a->w, a->m, u));
  PetscCall(VecAXPBYPCZ(F, -1.0, -a->damping, 1.0, a->f, a->w));
  PetscCall(VecCopy(u, a->w));
  PetscCall(VecConjugate(a->w));
  PetscCall(VecAXPY(F, a->conjugate, a->w));
  PetscCall(VecCopy(a->m, a->w));
  PetscCall(VecConjugate(a->w));
  PetscCall(VecAXPY(F, a->modulus, a->w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WaveJacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  Wave *a = (Wave *)ctx;

  PetscFunctionBeginUser;
  (void)snes;
  (void)u;
  (void)J;
  PetscCall(MatCopy(a->T, P, SAME_NONZERO_PATTERN));
  PetscCall(VecCopy(a->m, a->w));
  PetscCall(VecScale(a->w, -a->damping));
  if (!a->approximate) PetscCall(VecShift(a->w, a->conjugate)); /* as real differences would have it */
  PetscCall(MatDiagonalSet(P, a->w, ADD_VALUES));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WaveFill(Dini dini, Vec u, Vec m, Mat Fm, void *ctx)
{
  Wave *a = (Wave *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  (void)m;
  PetscCall(VecCopy(u, a->w));
  PetscCall(VecScale(a->w, -a->damping));
  PetscCall(VecShift(a->w, a->modulus));
  PetscCall(MatDiagonalSet(Fm, a->w, INSERT_VALUES));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WaveCreate(PetscInt N, PetscBool real, Wave *a)
{
  PetscInt lo, hi;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(a, sizeof(*a)));
  a->damping = DiniTestScalar(1.0, 0.4);
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, 3, NULL, 2, NULL, &a->T));
  PetscCall(MatGetOwnershipRange(a->T, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) {
    PetscCall(MatSetValue(a->T, i, i, i ? 2.0 : DiniTestScalar(1.0, -0.7), INSERT_VALUES)); /* radiates at one end */
    if (i > 0) PetscCall(MatSetValue(a->T, i, i - 1, -1.0, INSERT_VALUES));
    if (i + 1 < N) PetscCall(MatSetValue(a->T, i, i + 1, -1.0, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(a->T, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(a->T, MAT_FINAL_ASSEMBLY));
  PetscCall(MatDuplicate(a->T, MAT_COPY_VALUES, &a->J));
  PetscCall(MatCreateVecs(a->T, &a->u, &a->m));
  PetscCall(VecDuplicate(a->u, &a->w));
  PetscCall(DiniTestVec(a->u, 41, &a->f));
  PetscCall(DiniTestVec(a->u, 42, &a->d));
  PetscCall(DiniTestFill(a->m, 43));
  PetscCall(VecScale(a->m, 0.2));
  if (real) PetscCall(VecRealPart(a->m));
  PetscCall(VecShift(a->m, 0.5));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, hi - lo, hi - lo, N, N, 1, NULL, 0, NULL, &a->Fm));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &a->snes));
  PetscCall(SNESSetFunction(a->snes, NULL, WaveResidual, a));
  PetscCall(SNESSetJacobian(a->snes, a->J, a->J, WaveJacobian, a));
  PetscCall(SNESSetTolerances(a->snes, 1e-13, 1e-13, 0.0, 200, 10000));
  {
    KSP ksp;
    PC  pc;

    PetscCall(SNESGetKSP(a->snes, &ksp));
    PetscCall(KSPGetPC(ksp, &pc));
    PetscCall(PCSetType(pc, PCJACOBI));
    PetscCall(KSPSetTolerances(ksp, 1e-13, 1e-50, PETSC_DEFAULT, 200));
  }
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &a->dini));
  PetscCall(DiniSetSNES(a->dini, a->snes));
  PetscCall(DiniAddParameter(a->dini, "k2", a->m, NULL));
  PetscCall(DiniSetParameterJacobian(a->dini, 0, a->Fm, WaveFill, a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WaveDestroy(Wave *a)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&a->dini));
  PetscCall(SNESDestroy(&a->snes));
  PetscCall(MatDestroy(&a->T));
  PetscCall(MatDestroy(&a->J));
  PetscCall(MatDestroy(&a->Fm));
  PetscCall(VecDestroy(&a->u));
  PetscCall(VecDestroy(&a->m));
  PetscCall(VecDestroy(&a->f));
  PetscCall(VecDestroy(&a->w));
  PetscCall(VecDestroy(&a->d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* |u - d|^2, real-valued; its dJ/du is 2 (u - d), with dJ = Re (dJ/du)^H du */
static PetscErrorCode Misfit(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  Wave *a = (Wave *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecWAXPY(a->w, -1.0, a->d, u));
  PetscCall(VecNorm(a->w, NORM_2, value));
  *value *= *value;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MisfitGradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  Wave *a = (Wave *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  (void)dJdm;
  PetscCall(VecWAXPY(dJdu, -1.0, a->d, u));
  PetscCall(VecScale(dJdu, 2.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* sum of f_i u_i^2, a holomorphic number of the solution */
static PetscErrorCode Holomorphic(Wave *a, Vec u, PetscScalar *value)
{
  PetscFunctionBeginUser;
  PetscCall(VecPointwiseMult(a->w, u, u));
  PetscCall(VecTDot(a->w, a->f, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The misfit and the holomorphic number at m + h e_j, by a direct solve of another code path */
static PetscErrorCode Shifted(Wave *a, PetscInt j, PetscScalar h, PetscReal *misfit, PetscScalar *number)
{
  Vec      u, old;
  Mat      A;
  PetscInt lo, hi;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(a->u, &u));
  PetscCall(VecDuplicate(a->m, &old));
  PetscCall(VecCopy(a->m, old));
  PetscCall(VecGetOwnershipRange(a->m, &lo, &hi));
  if (j >= lo && j < hi) PetscCall(VecSetValue(a->m, j, h, ADD_VALUES));
  PetscCall(VecAssemblyBegin(a->m));
  PetscCall(VecAssemblyEnd(a->m));
  PetscCall(MatDuplicate(a->T, MAT_COPY_VALUES, &A));
  PetscCall(WaveJacobian(NULL, NULL, NULL, A, a));
  PetscCall(DiniTestDirectSolve(A, PETSC_FALSE, a->f, u));
  PetscCall(Misfit(NULL, u, misfit, a));
  PetscCall(Holomorphic(a, u, number));
  PetscCall(VecCopy(old, a->m));
  PetscCall(MatDestroy(&A));
  PetscCall(VecDestroy(&old));
  PetscCall(VecDestroy(&u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Entry j of v on every rank */
static PetscErrorCode Entry(Vec v, PetscInt j, PetscScalar *value)
{
  PetscInt    lo, hi;
  PetscScalar mine = 0.0;

  PetscFunctionBeginUser;
  PetscCall(VecGetOwnershipRange(v, &lo, &hi));
  if (j >= lo && j < hi) PetscCall(VecGetValues(v, 1, &j, &mine));
  PetscCall(MPIU_Allreduce(&mine, value, 1, MPIU_SCALAR, MPIU_SUM, PETSC_COMM_WORLD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  dJ = Re g^H dm: g_j = dJ/d(Re m_j) + i dJ/d(Im m_j). dh = q^T dm with q from the plain transpose: q_j is the complex
  derivative, the same along both axes.
*/
static PetscErrorCode TestObjectives(PetscInt N)
{
  const PetscReal h = 1e-5;
  Wave            a;
  Vec             g, q, ubar;
  PetscReal       value, plus, minus;
  PetscScalar     gj, qj, up, down;

  PetscFunctionBeginUser;
  PetscCall(WaveCreate(N, PETSC_FALSE, &a));
  PetscCall(DiniSetState(a.dini, a.u));
  PetscCall(DiniSetObjective(a.dini, Misfit, MisfitGradient, &a));
  PetscCall(DiniSetAdjointType(a.dini, DINI_ADJOINT_TRANSPOSE)); /* gradients of objectives do not mind */
  PetscCall(VecDuplicate(a.m, &q));
  PetscCall(VecDuplicate(a.u, &ubar));
  PetscCall(DiniCreateParameterVec(a.dini, &g));
  PetscCall(DiniComputeObjectiveAndGradient(a.dini, g, &value, q));
  PetscCall(VecCopy(q, g));
  PetscCall(VecPointwiseMult(ubar, a.f, a.u)); /* dh/du = 2 f u */
  PetscCall(VecScale(ubar, 2.0));
  PetscCall(DiniVJP(a.dini, ubar, q));
  for (PetscInt j = 0; j < N; j++) {
    PetscCall(Entry(g, j, &gj));
    PetscCall(Entry(q, j, &qj));
    PetscCall(Shifted(&a, j, h, &plus, &up));
    PetscCall(Shifted(&a, j, -h, &minus, &down));
    DiniTestClose(PetscRealPart(gj), 0.5 * (plus - minus) / h, 1e-6, 1e-6, "dJ/d(Re m)");
    DiniTestTrue(PetscAbsScalar(qj - 0.5 * (up - down) / h) <= 1e-6 * (1.0 + PetscAbsScalar(qj)), "dh/dm along 1");
#if defined(PETSC_USE_COMPLEX)
    PetscCall(Shifted(&a, j, h * PETSC_i, &plus, &up));
    PetscCall(Shifted(&a, j, -h * PETSC_i, &minus, &down));
    DiniTestClose(PetscImaginaryPart(gj), 0.5 * (plus - minus) / h, 1e-6, 1e-6, "dJ/d(Im m)");
    DiniTestTrue(PetscAbsScalar(qj - 0.5 * (up - down) / (h * PETSC_i)) <= 1e-6 * (1.0 + PetscAbsScalar(qj)),
                 "dh/dm along i");
#endif
  }
  PetscCall(VecDestroy(&g));
  PetscCall(VecDestroy(&q));
  PetscCall(VecDestroy(&ubar));
  PetscCall(WaveDestroy(&a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A real field in a complex problem: its gradient is the real part, in every door */
static PetscErrorCode TestRealParameter(PetscInt N)
{
  const PetscReal h = 1e-5;
  Wave            a;
  Vec             m, g, full, dm;
  PetscReal       value, plus, minus;
  PetscScalar     gj, unused;
  Mat             Ubar, Mbar;
  PetscInt        n;
  PetscViewer     viewer;
  char            text[16384];

  PetscFunctionBeginUser;
  PetscCall(WaveCreate(N, PETSC_TRUE, &a));
  PetscCall(DiniSetState(a.dini, a.u));
  PetscCall(DiniSetObjective(a.dini, Misfit, MisfitGradient, &a));
  PetscCall(DiniCreateParameterVec(a.dini, &m));
  PetscCall(VecDuplicate(m, &g));
  PetscCall(VecDuplicate(m, &full));
  PetscCall(VecDuplicate(m, &dm));
  PetscCall(DiniComputeObjectiveAndGradient(a.dini, m, &value, full));
  PetscCall(DiniTestOptionsSet("-dini_parameter_k2_real"));
  PetscCall(DiniSetFromOptions(a.dini));
  PetscCall(DiniTestOptionsClear("-dini_parameter_k2_real"));
  PetscCall(DiniComputeObjectiveAndGradient(a.dini, m, &value, g));
  for (PetscInt j = 0; j < N; j++) {
    PetscCall(Entry(g, j, &gj));
    PetscCall(Shifted(&a, j, h, &plus, &unused));
    PetscCall(Shifted(&a, j, -h, &minus, &unused));
    DiniTestClose(PetscRealPart(gj), 0.5 * (plus - minus) / h, 1e-6, 1e-6, "gradient in a real field");
    DiniTestTrue(PetscImaginaryPart(gj) == 0.0, "The gradient in a real field is not real");
  }
#if defined(PETSC_USE_COMPLEX)
  PetscCall(DiniTestVecsDiffer(g, full, 1e-3, "the gradient and its real part")); /* or nothing is tested here */
  PetscCall(DiniTestFill(dm, 44));
  DiniTestExpect(DiniJVP(a.dini, dm, g), PETSC_ERR_ARG_WRONG, "\"k2\" is real by DiniSetParameterReal()");
#endif
  PetscCall(VecRealPart(full));
  PetscCall(DiniTestVecsClose(g, full, 1e-8, "the real part of the gradient"));
  PetscCall(VecGetLocalSize(a.u, &n));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, n, PETSC_DECIDE, N, 2, NULL, &Ubar));
  PetscCall(MatDuplicate(Ubar, MAT_DO_NOT_COPY_VALUES, &Mbar));
  for (PetscInt j = 0; j < 2; j++) {
    Vec column;

    PetscCall(MatDenseGetColumnVecWrite(Ubar, j, &column));
    PetscCall(VecWAXPY(column, -1.0, a.d, a.u));
    PetscCall(VecScale(column, 2.0));
    PetscCall(MatDenseRestoreColumnVecWrite(Ubar, j, &column));
  }
  PetscCall(DiniMatVJP(a.dini, Ubar, Mbar));
  {
    Vec column;

    PetscCall(MatDenseGetColumnVecRead(Mbar, 1, &column));
    PetscCall(DiniTestVecsClose(column, g, 1e-8, "DiniMatVJP in a real field"));
    PetscCall(MatDenseRestoreColumnVecRead(Mbar, 1, &column));
  }
  PetscCall(DiniTestTextOpen(&viewer));
  PetscCall(DiniCheck(a.dini, viewer));
  PetscCall(DiniView(a.dini, viewer));
  PetscCall(DiniTestTextClose(&viewer, text, sizeof(text)));
  PetscCall(DiniTestTextHas(text, "Dini check passed"));
#if defined(PETSC_USE_COMPLEX)
  PetscCall(DiniTestTextHas(text, "active, real, F_m by type matrix"));
  PetscCall(VecSet(a.m, PetscCMPLX(0.5, 0.1)));
  DiniTestExpect(DiniSolve(a.dini, a.u), PETSC_ERR_ARG_WRONG, "has imaginary parts");
#endif
  PetscCall(MatDestroy(&Ubar));
  PetscCall(MatDestroy(&Mbar));
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&g));
  PetscCall(VecDestroy(&full));
  PetscCall(VecDestroy(&dm));
  PetscCall(WaveDestroy(&a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

#if defined(PETSC_USE_COMPLEX)
/* conj(u) in F, with either of the matrices that people give for its Jacobian; conj(m) in F */
static PetscErrorCode TestNotHolomorphic(PetscBool approximate)
{
  Wave a;
  Vec  ubar, mbar;

  PetscFunctionBeginUser;
  PetscCall(WaveCreate(6, PETSC_FALSE, &a));
  a.conjugate   = 0.05;
  a.approximate = approximate;
  PetscCall(DiniTestVec(a.u, 45, &ubar));
  PetscCall(VecDuplicate(a.m, &mbar));
  PetscCall(DiniSolve(a.dini, a.u)); /* Newton does converge, linearly */
  DiniTestExpect(DiniVJP(a.dini, ubar, mbar), PETSC_ERR_ARG_WRONG, "F is not holomorphic in u");
  PetscCall(WaveDestroy(&a));
  PetscCall(WaveCreate(6, PETSC_FALSE, &a));
  a.modulus = 0.3;
  PetscCall(DiniSolve(a.dini, a.u));
  DiniTestExpect(DiniVJP(a.dini, ubar, mbar), PETSC_ERR_ARG_WRONG, "F is not holomorphic in parameter \"k2\"");
  PetscCall(WaveDestroy(&a));
  PetscCall(WaveCreate(6, PETSC_TRUE, &a)); /* along real values conj(m) is m */
  a.modulus = 0.3;
  PetscCall(DiniSetParameterReal(a.dini, 0, PETSC_TRUE));
  PetscCall(DiniSolve(a.dini, a.u));
  PetscCall(DiniVJP(a.dini, ubar, mbar));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(WaveDestroy(&a));
  PetscFunctionReturn(PETSC_SUCCESS);
}
#endif

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (PetscInt N = 1; N <= 10; N += 3) PetscCall(TestObjectives(N));
  PetscCall(TestRealParameter(2));
  PetscCall(TestRealParameter(7));
#if defined(PETSC_USE_COMPLEX)
  PetscCall(TestNotHolomorphic(PETSC_FALSE));
  PetscCall(TestNotHolomorphic(PETSC_TRUE));
#endif
  PetscCall(PetscFinalize());
  return 0;
}
