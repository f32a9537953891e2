static char help[] = "Many directions at once: DiniMatJVP and DiniMatVJP agree with one at a time, column by column.\n";

#include "support/fixtures.h"

static PetscErrorCode Dense(Vec like, PetscInt k, Mat *X)
{
  PetscInt n, N;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(like, &n));
  PetscCall(VecGetSize(like, &N));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, n, PETSC_DECIDE, N, k, NULL, X));
  for (PetscInt j = 0; j < k; j++) {
    Vec x;

    PetscCall(MatDenseGetColumnVecWrite(*X, j, &x));
    if (j == 2) PetscCall(VecSet(x, 0.0)); /* a zero column among them */
    else PetscCall(DiniTestFill(x, 500 + j));
    PetscCall(MatDenseRestoreColumnVecWrite(*X, j, &x));
  }
  PetscCall(MatAssemblyBegin(*X, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*X, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckColumns(Dini dini, Mat X, Mat Y, PetscBool adjoint)
{
  PetscInt k;

  PetscFunctionBeginUser;
  PetscCall(MatGetSize(X, NULL, &k));
  for (PetscInt j = 0; j < k; j++) {
    Vec       x, y, z;
    PetscReal norm;

    PetscCall(MatDenseGetColumnVecRead(X, j, &x));
    PetscCall(MatDenseGetColumnVecRead(Y, j, &y));
    PetscCall(VecDuplicate(y, &z));
    if (adjoint) PetscCall(DiniVJP(dini, x, z));
    else PetscCall(DiniJVP(dini, x, z));
    PetscCall(VecNorm(y, NORM_INFINITY, &norm));
    if (j == 2) DiniTestClose(norm, 0.0, 0.0, 0.0, "zero column");
    else PetscCall(DiniTestVecsClose(z, y, 1e-8, adjoint ? "column of the VJP" : "column of the JVP"));
    PetscCall(VecDestroy(&z));
    PetscCall(MatDenseRestoreColumnVecRead(Y, j, &y));
    PetscCall(MatDenseRestoreColumnVecRead(X, j, &x));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Matrices that a callback's error has interrupted serve on, and nothing leaks. */
static PetscErrorCode TestInterrupted(void)
{
  Cubic c;
  Mat   X, Y;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(5, 0.2, &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETEROPERATOR));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(Dense(c.u, 4, &X));
  PetscCall(Dense(c.u, 4, &Y));
  PetscCall(DiniMatVJP(c.dini, X, Y));
  c.fill = FAULT_ERROR_ONE;
  DiniTestExpect(DiniMatVJP(c.dini, X, Y), PETSC_ERR_USER, "DiniSetParameterOperator()");
  DiniTestExpect(DiniMatJVP(c.dini, X, Y), PETSC_ERR_USER, "DiniSetParameterOperator()");
  c.fill = FAULT_NONE;
  PetscCall(DiniMatVJP(c.dini, X, Y));
  PetscCall(CheckColumns(c.dini, X, Y, PETSC_TRUE));
  PetscCall(DiniMatJVP(c.dini, X, Y));
  PetscCall(CheckColumns(c.dini, X, Y, PETSC_FALSE));
  PetscCall(MatDestroy(&X));
  PetscCall(MatDestroy(&Y));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  Transport      t;
  Mat            dM, dU, Ubar, Mbar, wrong;
  Vec            flat;
  PetscInt       p;
  DiniStatistics before, after;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TransportCreate(7, 6, &t));
  PetscCall(TransportDini(&t, DINIPARAMETERMATRIX));
  PetscCall(DiniAddScalarParameter(t.dini, "peclet", &t.peclet, &p)); /* so that the two sides have unlike sizes */
  PetscCall(DiniSolve(t.dini, t.u));
  PetscCall(DiniCreateParameterVec(t.dini, &flat));
  PetscCall(Dense(flat, 4, &dM));
  PetscCall(Dense(t.u, 4, &dU));
  PetscCall(Dense(t.u, 5, &Ubar));
  PetscCall(Dense(flat, 5, &Mbar));
  PetscCall(DiniMatJVP(t.dini, dM, dU));
  PetscCall(DiniMatVJP(t.dini, Ubar, Mbar));
  PetscCall(DiniGetStatistics(t.dini, &before));
  DiniTestCount(before.linearizations, 1, "linearizations for nine directions");
  DiniTestCount(before.tangent_solves, 3, "tangent solves, one column being zero");
  DiniTestCount(before.adjoint_solves, 4, "adjoint solves, one column being zero");
  PetscCall(CheckColumns(t.dini, dM, dU, PETSC_FALSE));
  PetscCall(CheckColumns(t.dini, Ubar, Mbar, PETSC_TRUE));
  PetscCall(DiniGetStatistics(t.dini, &after));
  DiniTestCount(after.jacobian_assemblies, before.jacobian_assemblies, "Jacobian assemblies");
  /* sizes */
  PetscCall(Dense(t.u, 3, &wrong));
  DiniTestExpect(DiniMatJVP(t.dini, dM, wrong), PETSC_ERR_ARG_SIZ, "3");
  DiniTestExpect(DiniMatVJP(t.dini, dM, Mbar), PETSC_ERR_ARG_SIZ, "");
  PetscCall(MatDestroy(&wrong));
  PetscCall(MatDestroy(&dM));
  PetscCall(MatDestroy(&dU));
  PetscCall(MatDestroy(&Ubar));
  PetscCall(MatDestroy(&Mbar));
  PetscCall(VecDestroy(&flat));
  PetscCall(TransportDestroy(&t));
  PetscCall(TestInterrupted());
  PetscCall(PetscFinalize());
  return 0;
}
