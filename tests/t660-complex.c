static char help[] = "Complex scalars: both adjoints through each door against closed forms, and the complex step.\n";

#include "support/fixtures.h"

/* ---- Closed forms: J upper bidiagonal ---- */

/* Every rank's copy of v */
static PetscErrorCode Gather(Vec v, PetscScalar x[])
{
  VecScatter         scatter;
  Vec                all;
  PetscInt           n;
  const PetscScalar *a;

  PetscFunctionBeginUser;
  PetscCall(VecScatterCreateToAll(v, &scatter, &all));
  PetscCall(VecScatterBegin(scatter, v, all, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(scatter, v, all, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecGetSize(v, &n));
  PetscCall(VecGetArrayRead(all, &a));
  PetscCall(PetscArraycpy(x, a, n));
  PetscCall(VecRestoreArrayRead(all, &a));
  PetscCall(VecScatterDestroy(&scatter));
  PetscCall(VecDestroy(&all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Scatter(const PetscScalar x[], Vec v)
{
  PetscInt lo, hi;

  PetscFunctionBeginUser;
  PetscCall(VecGetOwnershipRange(v, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) PetscCall(VecSetValue(v, i, x[i], INSERT_VALUES));
  PetscCall(VecAssemblyBegin(v));
  PetscCall(VecAssemblyEnd(v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x with J x = b, J = diag(1 + 3 u^2) + a S; backwards */
static PetscErrorCode Tangent(const Cubic *c, Vec b, Vec x)
{
  PetscInt     N;
  PetscScalar *u, *r;

  PetscFunctionBeginUser;
  PetscCall(VecGetSize(b, &N));
  PetscCall(PetscMalloc2(N, &u, N, &r));
  PetscCall(Gather(c->u, u));
  PetscCall(Gather(b, r));
  for (PetscInt i = N - 1; i >= 0; i--) r[i] = (r[i] - (i + 1 < N ? c->a * r[i + 1] : 0.0)) / (1.0 + 3.0 * u[i] * u[i]);
  PetscCall(Scatter(r, x));
  PetscCall(PetscFree2(u, r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x with J^H x = b, or J^T x = b; forwards */
static PetscErrorCode Adjoint(const Cubic *c, PetscBool hermitian, Vec b, Vec x)
{
  const PetscScalar a = hermitian ? PetscConj(c->a) : c->a;
  PetscInt          N;
  PetscScalar      *u, *r;

  PetscFunctionBeginUser;
  PetscCall(VecGetSize(b, &N));
  PetscCall(PetscMalloc2(N, &u, N, &r));
  PetscCall(Gather(c->u, u));
  PetscCall(Gather(b, r));
  for (PetscInt i = 0; i < N; i++) {
    const PetscScalar d = 1.0 + 3.0 * u[i] * u[i];

    r[i] = (r[i] - (i > 0 ? a * r[i - 1] : 0.0)) / (hermitian ? PetscConj(d) : d);
  }
  PetscCall(Scatter(r, x));
  PetscCall(PetscFree2(u, r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F_m = -1, so mbar is the adjoint solution itself. Through each door, in each convention, for the whole vector. */
static PetscErrorCode TestClosedForms(PetscInt N, DiniType type, DiniParameterType kind)
{
  Cubic    c;
  Vec      ubar, expected, found, column;
  Mat      D, Ubar, Mbar, C;
  PetscInt n;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(N, DiniTestScalar(0.3, -0.8), &c));
  PetscCall(DiniTestFill(c.m, 17));
  PetscCall(CubicDini(&c, type, kind));
  PetscCall(VecSet(c.u, DiniTestScalar(0.1, 0.1)));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniTestVec(c.u, 18, &ubar));
  PetscCall(VecDuplicate(c.u, &expected));
  PetscCall(VecDuplicate(c.u, &found));
  PetscCall(DiniGetDerivative(c.dini, &D));
  PetscCall(Tangent(&c, ubar, expected));
  PetscCall(DiniJVP(c.dini, ubar, found));
  PetscCall(DiniTestVecsClose(found, expected, 1e-8, "JVP"));
  PetscCall(MatMult(D, ubar, found));
  PetscCall(DiniTestVecsClose(found, expected, 1e-8, "MatMult of the derivative"));
  PetscCall(DiniTangentSolve(c.dini, ubar, found));
  PetscCall(DiniTestVecsClose(found, expected, 1e-8, "tangent solve"));
  PetscCall(VecGetLocalSize(c.u, &n));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, n, PETSC_DECIDE, N, 3, NULL, &Ubar));
  PetscCall(MatDuplicate(Ubar, MAT_DO_NOT_COPY_VALUES, &Mbar));
  for (PetscInt j = 0; j < 3; j++) { /* two are the same but for a complex factor: a block solves them together */
    PetscCall(MatDenseGetColumnVecWrite(Ubar, j, &column));
    PetscCall(DiniTestFill(column, j == 2 ? 19 : 18));
    if (j == 1) PetscCall(VecScale(column, DiniTestScalar(0.6, 0.8)));
    PetscCall(MatDenseRestoreColumnVecWrite(Ubar, j, &column));
  }
  for (int adjoint = 0; adjoint < 2; adjoint++) {
    const PetscBool hermitian = (PetscBool)(adjoint == DINI_ADJOINT_HERMITIAN);

    PetscCall(DiniSetAdjointType(c.dini, (DiniAdjointType)adjoint));
    PetscCall(Adjoint(&c, hermitian, ubar, expected));
    PetscCall(DiniVJP(c.dini, ubar, found));
    PetscCall(DiniTestVecsClose(found, expected, 1e-8, "VJP"));
    PetscCall(DiniAdjointSolve(c.dini, ubar, found));
    PetscCall(DiniTestVecsClose(found, expected, 1e-8, "adjoint solve"));
    PetscCall(DiniSetGradientTolerance(c.dini, 1e-9));
    PetscCall(DiniVJP(c.dini, ubar, found));
    PetscCall(DiniSetGradientTolerance(c.dini, 0.0));
    PetscCall(DiniTestVecsClose(found, expected, 1e-8, "VJP to a tolerance of its own"));
    if (hermitian) PetscCall(MatMultHermitianTranspose(D, ubar, found));
    else PetscCall(MatMultTranspose(D, ubar, found));
    PetscCall(DiniTestVecsClose(found, expected, 1e-8, "the derivative as a Mat"));
    PetscCall(DiniMatVJP(c.dini, Ubar, Mbar));
    if (hermitian) C = NULL;
    else PetscCall(MatTransposeMatMult(D, Ubar, MAT_INITIAL_MATRIX, PETSC_DEFAULT, &C));
    for (PetscInt j = 0; j < 3; j++) {
      PetscCall(MatDenseGetColumnVecRead(Ubar, j, &column));
      PetscCall(Adjoint(&c, hermitian, column, expected));
      PetscCall(MatDenseRestoreColumnVecRead(Ubar, j, &column));
      PetscCall(MatDenseGetColumnVecRead(Mbar, j, &column));
      PetscCall(DiniTestVecsClose(column, expected, 1e-8, "DiniMatVJP"));
      PetscCall(MatDenseRestoreColumnVecRead(Mbar, j, &column));
      if (!C) continue;
      PetscCall(MatDenseGetColumnVecRead(C, j, &column));
      PetscCall(DiniTestVecsClose(column, expected, 1e-8, "MatTransposeMatMult of the derivative"));
      PetscCall(MatDenseRestoreColumnVecRead(C, j, &column));
    }
    PetscCall(MatDestroy(&C));
  }
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&expected));
  PetscCall(VecDestroy(&found));
  PetscCall(MatDestroy(&Ubar));
  PetscCall(MatDestroy(&Mbar));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

#if defined(PETSC_USE_COMPLEX)
/* du of a real problem to rounding: Im u(m + i h dm) / h, by Newton steps that no library takes part in */
static PetscErrorCode TestComplexStep(PetscInt N)
{
  const PetscReal h = 1e-20;
  Cubic           c;
  Vec             dm, du, u, F, step;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(N, 0.4, &c));
  PetscCall(DiniTestFill(c.m, 46));
  PetscCall(VecRealPart(c.m));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERRHS));
  PetscCall(DiniSetTolerances(c.dini, 1e-13, PETSC_DEFAULT));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniTestVec(c.m, 47, &dm));
  PetscCall(VecRealPart(dm));
  PetscCall(VecDuplicate(c.u, &du));
  PetscCall(VecDuplicate(c.u, &u));
  PetscCall(VecDuplicate(c.u, &F));
  PetscCall(VecDuplicate(c.u, &step));
  PetscCall(DiniJVP(c.dini, dm, du));
  PetscCall(VecCopy(c.u, u));
  PetscCall(VecAXPY(c.m, h * PETSC_i, dm));
  for (int k = 0; k < 3; k++) { /* J is upper bidiagonal: back substitution keeps the parts apart */
    PetscCall(CubicResidual(&c, u, F));
    PetscCall(VecCopy(u, c.u));
    PetscCall(Tangent(&c, F, step));
    PetscCall(VecAXPY(u, -1.0, step));
  }
  PetscCall(VecImaginaryPart(u));
  PetscCall(VecScale(u, 1.0 / h));
  PetscCall(DiniTestVecsClose(du, u, 1e-12, "tangent against a complex step"));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&F));
  PetscCall(VecDestroy(&step));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}
#endif

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (PetscInt N = 1; N <= 10; N++) {
    PetscCall(TestClosedForms(N, DINISNES, DINIPARAMETERRHS));
    if (N % 3 != 1) continue;
    PetscCall(TestClosedForms(N, DINISHELL, DINIPARAMETERMATRIX));
    PetscCall(TestClosedForms(N, DINISNES, DINIPARAMETEROPERATOR));
    PetscCall(TestClosedForms(N, DINISNES, DINIPARAMETERCOLORING));
    PetscCall(TestClosedForms(N, DINISNES, NULL));
  }
#if defined(PETSC_USE_COMPLEX)
  for (PetscInt N = 1; N <= 10; N += 3) PetscCall(TestComplexStep(N));
#endif
  PetscCall(PetscFinalize());
  return 0;
}
