static char help[] = "Least squares in use: parameters that A and b are assembled from, systems that are written to, "
                     "and what is refused.\n";

#include "support/fixtures.h"

/* A and b belong to the application, which writes to both: the same u, and another J */
static PetscErrorCode TestScaled(void)
{
  Fit f;
  Vec ubar, lambda, expected;
  Mat J;

  PetscFunctionBeginUser;
  PetscCall(FitCreate(9, 4, KSPLSQR, PETSC_FALSE, &f));
  PetscCall(FitSolve(&f));
  PetscCall(DiniTestVec(f.u, 5, &ubar));
  PetscCall(VecDuplicate(f.u, &lambda));
  PetscCall(VecDuplicate(f.u, &expected));
  for (PetscInt k = 0; k < 2; k++) {
    if (k) {
      PetscCall(MatScale(f.A, 2.0));
      PetscCall(VecScale(f.b, 2.0));
    }
    PetscCall(FitNormal(f.A, &J));
    PetscCall(DiniTestDirectSolve(J, PETSC_TRUE, ubar, expected));
    PetscCall(DiniAdjointSolve(f.dini, ubar, lambda));
    PetscCall(DiniTestVecsClose(lambda, expected, 1e-8, "adjoint solve with A and b scaled"));
    PetscCall(MatDestroy(&J));
  }
  PetscCall(VecScale(f.b, 2.0));
  DiniTestExpect(DiniAdjointSolve(f.dini, ubar, lambda), PETSC_ERR_ARG_WRONGSTATE,
                 "The right-hand side b of the linear");
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&lambda));
  PetscCall(VecDestroy(&expected));
  PetscCall(FitDestroy(&f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- Parameters that A and b are assembled from ---- */

static PetscErrorCode Assemble(Dini dini, Mat A, Mat P, Vec b, void *ctx)
{
  const PetscScalar m = *(PetscScalar *)ctx;
  PetscInt          lo, hi, M, N;

  PetscFunctionBeginUser;
  (void)dini;
  (void)P;
  PetscCall(MatGetSize(A, &M, &N));
  PetscCall(MatGetOwnershipRange(A, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) {
    const PetscReal x = (PetscReal)(i + 1) / (PetscReal)M;

    for (PetscInt j = 0; j < N; j++) /* exponentials in m x: a fit of amplitudes */
      PetscCall(MatSetValue(A, i, j, PetscExpScalar(-(PetscReal)(j + 1) * m * x), INSERT_VALUES));
    PetscCall(VecSetValue(b, i, PetscSinScalar(3.0 * x + m), INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscCall(VecAssemblyBegin(b));
  PetscCall(VecAssemblyEnd(b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestParameter(void)
{
  const PetscReal h = 1e-4;
  Fit             f;
  Mat             A;
  Vec             ubar, mbar;
  PetscInt        p, lo, hi;
  PetscScalar     m = 2.0, side[2], found = 0.0;

  PetscFunctionBeginUser;
  PetscCall(FitCreate(9, 2, KSPLSQR, PETSC_FALSE, &f));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, 9, 2, 2, NULL, 2, NULL, &A));
  PetscCall(KSPSetOperators(f.ksp, A, A));
  PetscCall(MatDestroy(&f.A));
  f.A = A;
  PetscCall(DiniSetLinearSystem(f.dini, f.b, Assemble, &m));
  PetscCall(DiniAddScalarParameter(f.dini, "rate", &m, &p));
  PetscCall(FitSolve(&f));
  PetscCall(DiniTestVec(f.u, 6, &ubar));
  PetscCall(DiniCreateParameterVec(f.dini, &mbar));
  if (PetscDefined(USE_COMPLEX)) {
    DiniTestExpect(DiniVJP(f.dini, ubar, mbar), PETSC_ERR_SUP, "holomorphic");
  } else {
    PetscCall(DiniVJP(f.dini, ubar, mbar));
    for (PetscInt s = 0; s < 2; s++) {
      m = 2.0 + (s ? -h : h);
      PetscCall(FitSolve(&f));
      PetscCall(VecDot(f.u, ubar, &side[s]));
    }
    PetscCall(VecGetOwnershipRange(mbar, &lo, &hi));
    if (hi > lo) {
      const PetscInt zero = 0;

      PetscCall(VecGetValues(mbar, 1, &zero, &found));
    }
    PetscCallMPI(MPI_Bcast(&found, 1, MPIU_SCALAR, 0, PETSC_COMM_WORLD));
    DiniTestClose(PetscRealPart(found), PetscRealPart(side[0] - side[1]) / (2.0 * h), 1e-6, 0.0,
                  "gradient in a rate of a fit");
  }
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(FitDestroy(&f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- What is refused ---- */

static PetscErrorCode TestRefused(void)
{
  Fit      f;
  Vec      ubar, v;
  Mat      Abar, B, U;
  PetscInt lo, hi;

  PetscFunctionBeginUser;
  PetscCall(FitCreate(3, 6, KSPLSQR, PETSC_TRUE, &f));
  DiniTestExpect(DiniSolve(f.dini, f.u), PETSC_ERR_SUP, "A A^H y = b");
  PetscCall(FitDestroy(&f));
  /* the last column is twice the first */
  PetscCall(FitCreate(8, 4, KSPLSQR, PETSC_TRUE, &f));
  PetscCall(MatSetOption(f.A, MAT_NEW_NONZERO_ALLOCATION_ERR, PETSC_FALSE));
  PetscCall(MatGetOwnershipRange(f.A, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) {
    PetscCall(MatSetValue(f.A, i, 0, 1.0 + (PetscReal)i, INSERT_VALUES));
    PetscCall(MatSetValue(f.A, i, 3, 2.0 + 2.0 * (PetscReal)i, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(f.A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(f.A, MAT_FINAL_ASSEMBLY));
  PetscCall(FitSolve(&f));
  PetscCall(DiniTestVec(f.u, 6, &ubar));
  PetscCall(VecDuplicate(f.b, &v));
  PetscCall(MatDuplicate(f.A, MAT_DO_NOT_COPY_VALUES, &Abar));
  DiniTestExpect(DiniMatrixVJP(f.dini, ubar, Abar), PETSC_ERR_NOT_CONVERGED, "dependent columns");
  DiniTestExpect(DiniVJP(f.dini, ubar, v), PETSC_ERR_NOT_CONVERGED, "dependent columns");
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&v));
  PetscCall(MatDestroy(&Abar));
  PetscCall(FitDestroy(&f));
  PetscCall(FitCreate(4, 4, KSPLSQR, PETSC_TRUE, &f));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, 4, 2, NULL, &B));
  PetscCall(MatDuplicate(B, MAT_DO_NOT_COPY_VALUES, &U));
  DiniTestExpect(DiniMatSolve(f.dini, B, U), PETSC_ERR_SUP, "least-squares");
  PetscCall(MatDestroy(&B));
  PetscCall(MatDestroy(&U));
  PetscCall(FitDestroy(&f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestScaled());
  PetscCall(TestParameter());
  PetscCall(TestRefused());
  PetscCall(PetscFinalize());
  return 0;
}
