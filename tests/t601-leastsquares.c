static char help[] =
    "Least squares: u minimises |A u - b|, and its derivative in A and b, the term of the residual included, against\n\
references from the normal equations, differences of solutions, and square systems solved otherwise.\n";

#include "support/fixtures.h"

/* Re sum_ij conj(B_ij) A_ij of two matrices of one pattern */
static PetscErrorCode Inner(Mat A, Mat B, PetscReal *product)
{
  PetscInt lo, hi, n, nn;

  PetscFunctionBeginUser;
  *product = 0.0;
  PetscCall(MatGetOwnershipRange(A, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) {
    const PetscScalar *a, *b;

    PetscCall(MatGetRow(A, i, &n, NULL, &a));
    PetscCall(MatGetRow(B, i, &nn, NULL, &b));
    for (PetscInt k = 0; k < n; k++) *product += PetscRealPart(a[k] * PetscConj(b[k]));
    PetscCall(MatRestoreRow(B, i, &nn, NULL, &b));
    PetscCall(MatRestoreRow(A, i, &n, NULL, &a));
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, product, 1, MPIU_REAL, MPIU_SUM, PETSC_COMM_WORLD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckVJP(Fit *f, Vec ubar, Mat J, PetscBool plain)
{
  Mat Abar;
  Vec g, lambda, q, bbar, left[2], right[2];

  PetscFunctionBeginUser;
  PetscCall(MatDuplicate(f->A, MAT_DO_NOT_COPY_VALUES, &Abar));
  PetscCall(VecDuplicate(f->u, &g));
  PetscCall(VecDuplicate(f->u, &lambda));
  PetscCall(VecDuplicate(f->b, &q));
  PetscCall(VecDuplicate(f->b, &bbar));
  PetscCall(VecCopy(ubar, g));
  if (plain) PetscCall(VecConjugate(g));
  PetscCall(DiniTestDirectSolve(J, PETSC_TRUE, g, lambda));
  PetscCall(MatMult(f->A, lambda, q));
  left[0] = f->r, right[0] = lambda;
  left[1] = q, right[1] = f->u;
  PetscCall(DiniMatrixVJP(f->dini, ubar, Abar));
  PetscCall(DiniTestOuter(Abar, 2, left, right, plain, -1, 1e-8, "entries of A in least squares"));
  PetscCall(DiniVJP(f->dini, ubar, bbar)); /* A (A^H A)^{-1} ubar */
  if (plain) PetscCall(VecConjugate(bbar));
  PetscCall(DiniTestVecsClose(bbar, q, 1e-8, "bbar in least squares"));
  PetscCall(MatDestroy(&Abar));
  PetscCall(VecDestroy(&g));
  PetscCall(VecDestroy(&lambda));
  PetscCall(VecDestroy(&q));
  PetscCall(VecDestroy(&bbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The solution with A + h dA, from its normal equations and without Dini */
static PetscErrorCode Moved(Fit *f, Mat dA, PetscReal h, Vec u)
{
  Mat A, J;
  Vec g;

  PetscFunctionBeginUser;
  PetscCall(MatDuplicate(f->A, MAT_COPY_VALUES, &A));
  PetscCall(MatAXPY(A, h, dA, SAME_NONZERO_PATTERN));
  PetscCall(FitNormal(A, &J));
  PetscCall(VecDuplicate(u, &g));
  PetscCall(MatMultHermitianTranspose(A, f->b, g));
  PetscCall(DiniTestDirectSolve(J, PETSC_FALSE, g, u));
  PetscCall(VecDestroy(&g));
  PetscCall(MatDestroy(&J));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckJVP(Fit *f, Vec ubar, Mat J)
{
  const PetscReal h = 1e-5;
  Mat             dA, Abar;
  Vec             du, plus, minus, rows, columns, g, db;
  PetscScalar     forward;
  PetscReal       adjoint;

  PetscFunctionBeginUser;
  PetscCall(MatDuplicate(f->A, MAT_COPY_VALUES, &dA));
  PetscCall(MatDuplicate(f->A, MAT_DO_NOT_COPY_VALUES, &Abar));
  PetscCall(DiniTestVec(f->b, 21, &rows));
  PetscCall(DiniTestVec(f->u, 22, &columns));
  PetscCall(MatDiagonalScale(dA, rows, columns));
  PetscCall(VecDuplicate(f->u, &du));
  PetscCall(VecDuplicate(f->u, &plus));
  PetscCall(VecDuplicate(f->u, &minus));
  PetscCall(VecDuplicate(f->u, &g));
  PetscCall(DiniTestVec(f->b, 23, &db));
  PetscCall(DiniMatrixJVP(f->dini, dA, du));
  PetscCall(Moved(f, dA, h, plus));
  PetscCall(Moved(f, dA, -h, minus));
  PetscCall(VecAXPY(plus, -1.0, minus));
  PetscCall(VecScale(plus, 0.5 / h));
  PetscCall(DiniTestVecsClose(du, plus, 1e-6, "MatrixJVP in least squares and a difference of solutions"));
  PetscCall(DiniMatrixVJP(f->dini, ubar, Abar));
  PetscCall(Inner(dA, Abar, &adjoint));
  PetscCall(VecDot(du, ubar, &forward));
  DiniTestClose(PetscRealPart(forward), adjoint, 1e-7, 1e-10, "dot product in least squares");
  PetscCall(DiniJVP(f->dini, db, du)); /* (A^H A)^{-1} A^H db */
  PetscCall(MatMultHermitianTranspose(f->A, db, g));
  PetscCall(DiniTestDirectSolve(J, PETSC_FALSE, g, plus));
  PetscCall(DiniTestVecsClose(du, plus, 1e-8, "JVP in b"));
  PetscCall(MatDestroy(&dA));
  PetscCall(MatDestroy(&Abar));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&plus));
  PetscCall(VecDestroy(&minus));
  PetscCall(VecDestroy(&rows));
  PetscCall(VecDestroy(&columns));
  PetscCall(VecDestroy(&g));
  PetscCall(VecDestroy(&db));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestFit(PetscInt M, PetscInt N, const char type[])
{
  Fit       f;
  Vec       ubar;
  Mat       J;
  PetscReal norm;

  PetscFunctionBeginUser;
  PetscCall(FitCreate(M, N, type, PETSC_TRUE, &f));
  PetscCall(FitSolve(&f));
  PetscCall(VecNorm(f.r, NORM_2, &norm));
  DiniTestTrue(M == N || norm > 0.01, "No residual that could matter: %g", (double)norm);
  PetscCall(DiniTestVec(f.u, 5, &ubar));
  PetscCall(FitNormal(f.A, &J));
  PetscCall(CheckVJP(&f, ubar, J, PETSC_FALSE));
  PetscCall(DiniSetAdjointType(f.dini, DINI_ADJOINT_TRANSPOSE));
  PetscCall(CheckVJP(&f, ubar, J, PETSC_TRUE));
  PetscCall(DiniSetAdjointType(f.dini, DINI_ADJOINT_HERMITIAN));
  PetscCall(CheckJVP(&f, ubar, J));
  /* another A, of the same pattern, and the derivatives go with it */
  PetscCall(MatScale(f.A, DiniTestScalar(1.5, 0.5)));
  PetscCall(MatDestroy(&J));
  PetscCall(FitNormal(f.A, &J));
  PetscCall(FitSolve(&f));
  PetscCall(CheckVJP(&f, ubar, J, PETSC_FALSE));
  /* both scaled alike: the same u, and another J */
  PetscCall(MatScale(f.A, 2.0));
  PetscCall(VecScale(f.b, 2.0));
  PetscCall(VecScale(f.r, 2.0));
  PetscCall(MatScale(J, 4.0));
  DiniTestExpect(DiniVJP(f.dini, ubar, f.b), PETSC_ERR_ARG_WRONGSTATE, "\"b\"");
  PetscCall(FitSolve(&f));
  PetscCall(CheckVJP(&f, ubar, J, PETSC_FALSE));
  /* A touched by hand */
  PetscCall(MatScale(f.A, 1.001));
  DiniTestExpect(DiniTangentSolve(f.dini, ubar, f.u), PETSC_ERR_ARG_WRONGSTATE, "The matrix A of the linear system");
  PetscCall(MatDestroy(&J));
  PetscCall(VecDestroy(&ubar));
  PetscCall(FitDestroy(&f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A square nonsingular A: the root found by least squares has the derivatives of the root */
static PetscErrorCode TestSquare(PetscInt N)
{
  Fit  fit, root;
  Vec  ubar, one, two;
  Mat  A[2];
  Fit *f[2] = {&fit, &root};

  PetscFunctionBeginUser;
  PetscCall(FitCreate(N, N, KSPLSQR, PETSC_TRUE, &fit));
  PetscCall(FitCreate(N, N, KSPGMRES, PETSC_TRUE, &root));
  PetscCall(DiniTestVec(fit.u, 5, &ubar));
  PetscCall(VecDuplicate(fit.b, &one));
  PetscCall(VecDuplicate(fit.b, &two));
  for (PetscInt k = 0; k < 2; k++) {
    PetscCall(FitSolve(f[k]));
    PetscCall(DiniVJP(f[k]->dini, ubar, k ? two : one));
    PetscCall(MatDuplicate(fit.A, MAT_DO_NOT_COPY_VALUES, &A[k]));
    PetscCall(DiniMatrixVJP(f[k]->dini, ubar, A[k]));
  }
  PetscCall(DiniTestVecsClose(one, two, 1e-8, "bbar by least squares and by GMRES"));
  PetscCall(DiniTestMatsClose(A[0], A[1], 1e-8, "Abar by least squares and by GMRES"));
  PetscCall(MatDestroy(&A[0]));
  PetscCall(MatDestroy(&A[1]));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&one));
  PetscCall(VecDestroy(&two));
  PetscCall(FitDestroy(&fit));
  PetscCall(FitDestroy(&root));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestFit(1, 1, KSPLSQR));
  PetscCall(TestFit(3, 1, KSPLSQR));
  PetscCall(TestFit(5, 2, KSPCGLS));
  PetscCall(TestFit(9, 5, KSPLSQR));
  PetscCall(TestFit(10, 7, KSPCGLS));
  PetscCall(DiniTestOptionsSet("-dini_direct_max 0 -dini_pc_type jacobi")); /* A^H A by products */
  PetscCall(TestFit(9, 5, KSPLSQR));
  PetscCall(DiniTestOptionsClear("-dini_direct_max -dini_pc_type"));
  for (PetscInt N = 1; N <= 10; N += 3) PetscCall(TestSquare(N));
  PetscCall(PetscFinalize());
  return 0;
}
