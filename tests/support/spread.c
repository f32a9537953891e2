#include "spread.h"

static PetscErrorCode Exponential(Spread *s, Vec m, Vec E)
{
  PetscFunctionBeginUser;
  (void)s;
  PetscCall(VecCopy(m, E));
  PetscCall(VecScale(E, 0.5));
  PetscCall(VecExp(E));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What is not said stays an exact real: PetscPowScalar() would leave rounding in the imaginary part */
static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  Spread            *s = (Spread *)ctx;
  const PetscScalar *ua, *Ga;
  PetscScalar       *Fa;
  PetscInt           n;

  PetscFunctionBeginUser;
  (void)snes;
  s->residuals++;
  PetscCall(Exponential(s, s->m, s->E));
  PetscCall((*s->fn)(s->E, s->G, s->ctx));
  PetscCall(VecGetLocalSize(u, &n));
  PetscCall(VecGetArrayRead(u, &ua));
  PetscCall(VecGetArrayRead(s->G, &Ga));
  PetscCall(VecGetArray(F, &Fa));
  for (PetscInt i = 0; i < n; i++) Fa[i] = ua[i] + 0.1 * ua[i] * ua[i] * ua[i] - (1.0 + 0.2 * ua[i]) * Ga[i];
  PetscCall(VecRestoreArray(F, &Fa));
  PetscCall(VecRestoreArrayRead(s->G, &Ga));
  PetscCall(VecRestoreArrayRead(u, &ua));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  Spread            *s = (Spread *)ctx;
  const PetscScalar *ua, *Ga;
  PetscInt           first, last;

  PetscFunctionBeginUser;
  (void)snes;
  (void)J;
  PetscCall(Exponential(s, s->m, s->E));
  PetscCall((*s->fn)(s->E, s->G, s->ctx));
  PetscCall(VecGetOwnershipRange(u, &first, &last));
  PetscCall(VecGetArrayRead(u, &ua));
  PetscCall(VecGetArrayRead(s->G, &Ga));
  for (PetscInt i = first; i < last; i++)
    PetscCall(MatSetValue(P, i, i, 1.0 + 0.3 * ua[i - first] * ua[i - first] - 0.2 * Ga[i - first], INSERT_VALUES));
  PetscCall(VecRestoreArrayRead(s->G, &Ga));
  PetscCall(VecRestoreArrayRead(u, &ua));
  PetscCall(MatAssemblyBegin(P, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(P, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SpreadCreate(Vec u, Vec m, PetscBool real, SpreadFn *fn, void *ctx, Spread *s)
{
  PetscInt n;
  KSP      ksp;
  PC       pc;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(s, sizeof(*s)));
  s->fn  = fn;
  s->ctx = ctx;
  PetscCall(PetscObjectReference((PetscObject)u));
  PetscCall(PetscObjectReference((PetscObject)m));
  s->u = u;
  s->m = m;
  PetscCall(VecSet(u, 0.0));
  PetscCall(DiniTestFill(m, 1));
  if (real) PetscCall(VecRealPart(m));
  PetscCall(VecDuplicate(m, &s->E));
  PetscCall(VecDuplicate(u, &s->G));
  PetscCall(VecGetLocalSize(u, &n));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, n, n, PETSC_DETERMINE, PETSC_DETERMINE, 1, NULL, 0, NULL, &s->J));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &s->snes));
  PetscCall(SNESSetFunction(s->snes, NULL, Residual, s));
  PetscCall(SNESSetJacobian(s->snes, s->J, s->J, Jacobian, s));
  PetscCall(SNESSetTolerances(s->snes, 1e-14, 1e-13, 0.0, 50, 1000));
  PetscCall(SNESGetKSP(s->snes, &ksp));
  PetscCall(KSPSetType(ksp, KSPPREONLY));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCJACOBI));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &s->dini));
  PetscCall(DiniSetSNES(s->dini, s->snes));
  PetscCall(DiniAddParameter(s->dini, "m", m, NULL));
  PetscCall(DiniSetFromOptions(s->dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SpreadDestroy(Spread *s)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&s->dini));
  PetscCall(SNESDestroy(&s->snes));
  PetscCall(MatDestroy(&s->J));
  PetscCall(VecDestroy(&s->u));
  PetscCall(VecDestroy(&s->m));
  PetscCall(VecDestroy(&s->E));
  PetscCall(VecDestroy(&s->G));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* column j = -(1 + u/5) S e_j exp(m_j / 2) / 2 */
PetscErrorCode SpreadReference(Spread *s, Mat *Fm)
{
  PetscInt n, N, nu, Nu, first, last;
  Vec      e, column, factor;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(s->m, &n));
  PetscCall(VecGetSize(s->m, &N));
  PetscCall(VecGetLocalSize(s->u, &nu));
  PetscCall(VecGetSize(s->u, &Nu));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, nu, n, Nu, N, NULL, Fm));
  PetscCall(Exponential(s, s->m, s->E));
  PetscCall(VecGetOwnershipRange(s->m, &first, &last));
  PetscCall(VecDuplicate(s->m, &e));
  PetscCall(VecDuplicate(s->u, &factor));
  PetscCall(VecCopy(s->u, factor));
  PetscCall(VecScale(factor, 0.2));
  PetscCall(VecShift(factor, 1.0));
  for (PetscInt j = 0; j < N; j++) {
    PetscCall(VecSet(e, 0.0));
    if (j >= first && j < last) PetscCall(VecSetValue(e, j, -0.5, INSERT_VALUES));
    PetscCall(VecAssemblyBegin(e));
    PetscCall(VecAssemblyEnd(e));
    PetscCall(VecPointwiseMult(e, e, s->E));
    PetscCall((*s->fn)(e, s->G, s->ctx));
    PetscCall(MatDenseGetColumnVecWrite(*Fm, j, &column));
    PetscCall(VecPointwiseMult(column, factor, s->G));
    PetscCall(MatDenseRestoreColumnVecWrite(*Fm, j, &column));
  }
  PetscCall(MatAssemblyBegin(*Fm, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*Fm, MAT_FINAL_ASSEMBLY));
  PetscCall(VecDestroy(&e));
  PetscCall(VecDestroy(&factor));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The diagonal of J, by itself */
static PetscErrorCode Diagonal(Spread *s, Vec d)
{
  Vec square;

  PetscFunctionBeginUser;
  PetscCall(Exponential(s, s->m, s->E));
  PetscCall((*s->fn)(s->E, s->G, s->ctx));
  PetscCall(VecDuplicate(s->u, &square));
  PetscCall(VecPointwiseMult(square, s->u, s->u));
  PetscCall(VecCopy(s->G, d));
  PetscCall(VecScale(d, -0.2));
  PetscCall(VecShift(d, 1.0));
  PetscCall(VecAXPY(d, 0.3, square));
  PetscCall(VecDestroy(&square));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SpreadCheck(Spread *s, PetscReal rtol, const char what[])
{
  Mat      Fm, reference, dense;
  Vec      dm, ubar, du, mbar, du_ref, mbar_ref, d, w;
  PetscInt p;

  PetscFunctionBeginUser;
  PetscCall(DiniSolve(s->dini, s->u));
  PetscCall(DiniFindParameter(s->dini, "m", &p));
  PetscCall(DiniTestVec(s->m, 41, &dm));
  PetscCall(DiniTestVec(s->u, 42, &ubar));
  PetscCall(VecDuplicate(s->u, &du));
  PetscCall(VecDuplicate(s->m, &mbar));
  PetscCall(DiniJVP(s->dini, dm, du));
  PetscCall(DiniVJP(s->dini, ubar, mbar));
  PetscCall(DiniGetParameterJacobian(s->dini, p, &Fm));

  PetscCall(SpreadReference(s, &reference));
  PetscCall(MatConvert(Fm, MATDENSE, MAT_INITIAL_MATRIX, &dense));
  PetscCall(DiniTestMatsClose(dense, reference, rtol, what));
  PetscCall(MatDestroy(&dense));

  PetscCall(VecDuplicate(s->u, &d));
  PetscCall(VecDuplicate(s->u, &w));
  PetscCall(VecDuplicate(s->u, &du_ref));
  PetscCall(VecDuplicate(s->m, &mbar_ref));
  PetscCall(Diagonal(s, d));
  PetscCall(MatMult(reference, dm, du_ref));
  PetscCall(VecPointwiseDivide(du_ref, du_ref, d));
  PetscCall(VecScale(du_ref, -1.0));
  PetscCall(DiniTestVecsClose(du, du_ref, rtol, what));
  PetscCall(VecConjugate(d)); /* mbar = -F_m^H J^{-H} ubar */
  PetscCall(VecPointwiseDivide(w, ubar, d));
  PetscCall(MatMultHermitianTranspose(reference, w, mbar_ref));
  PetscCall(VecScale(mbar_ref, -1.0));
  PetscCall(DiniTestVecsClose(mbar, mbar_ref, rtol, what));
  PetscCall(MatDestroy(&reference));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&du_ref));
  PetscCall(VecDestroy(&mbar_ref));
  PetscCall(VecDestroy(&d));
  PetscCall(VecDestroy(&w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SpreadColors(Spread *s, PetscInt *ncolors)
{
  Mat            Fm;
  PetscInt       p;
  DiniStatistics before, after;

  PetscFunctionBeginUser;
  PetscCall(DiniFindParameter(s->dini, "m", &p));
  PetscCall(DiniSetGuard(s->dini, PETSC_FALSE));
  PetscCall(DiniSetParameterDifference(s->dini, p, DINI_DIFFERENCE_FORWARD, PETSC_DEFAULT));
  PetscCall(DiniSolve(s->dini, s->u));
  PetscCall(DiniGetStatistics(s->dini, &before));
  PetscCall(DiniGetParameterJacobian(s->dini, p, &Fm));
  PetscCall(DiniGetStatistics(s->dini, &after));
  *ncolors = after.residuals - before.residuals - 3; /* F at the point, and all columns together */
  PetscCall(DiniSetGuard(s->dini, PETSC_TRUE));
  PetscCall(DiniSetParameterDifference(s->dini, p, DINI_DIFFERENCE_CENTRAL, PETSC_DEFAULT));
  PetscFunctionReturn(PETSC_SUCCESS);
}
