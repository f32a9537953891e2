static char help[] =
    "Least squares: u minimises |A u - b|, and its derivative in A and b, the term of the residual included, against\n\
references from the normal equations, differences of solutions, and square systems solved otherwise.\n";

#include "support/fixtures.h"

typedef struct {
  Mat  A;
  Vec  b, u, r; /* r = A u - b */
  KSP  ksp;
  Dini dini;
} Fit;

/* M x N: a band, with complex entries; rows beyond the columns make a residual */
static PetscErrorCode FitCreate(PetscInt M, PetscInt N, const char type[], PetscBool dini, Fit *f)
{
  PetscInt lo, hi, p;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(f, sizeof(*f)));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, M, N, 3, NULL, 3, NULL, &f->A));
  PetscCall(MatGetOwnershipRange(f->A, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) {
    PetscCall(MatSetValue(f->A, i, i % N, DiniTestScalar(2.0 + 0.1 * (PetscReal)i, 0.4), ADD_VALUES));
    if (N > 1) PetscCall(MatSetValue(f->A, i, (i + 1) % N, DiniTestScalar(-0.7, 0.5), ADD_VALUES));
    if (N > 2) PetscCall(MatSetValue(f->A, i, (2 * i) % N, DiniTestScalar(0.3, -0.2), ADD_VALUES));
  }
  PetscCall(MatAssemblyBegin(f->A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(f->A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatCreateVecs(f->A, &f->u, &f->b));
  PetscCall(VecDuplicate(f->b, &f->r));
  PetscCall(DiniTestFill(f->b, 3));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &f->ksp));
  PetscCall(KSPSetOperators(f->ksp, f->A, f->A));
  PetscCall(KSPSetType(f->ksp, type));
  PetscCall(KSPSetTolerances(f->ksp, 1e-14, 1e-300, PETSC_DEFAULT, 200));
  {
    PC pc;

    PetscCall(KSPGetPC(f->ksp, &pc));
    PetscCall(PCSetType(pc, PCNONE));
  }
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &f->dini));
  PetscCall(DiniSetKSP(f->dini, f->ksp));
  PetscCall(DiniSetLinearSystem(f->dini, f->b, NULL, NULL));
  if (dini) PetscCall(DiniAddParameter(f->dini, "b", f->b, &p));
  PetscCall(DiniSetFromOptions(f->dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FitSolve(Fit *f)
{
  PetscFunctionBeginUser;
  PetscCall(VecSet(f->u, 0.0));
  PetscCall(DiniSolve(f->dini, f->u));
  PetscCall(MatMult(f->A, f->u, f->r));
  PetscCall(VecAXPY(f->r, -1.0, f->b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FitDestroy(Fit *f)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&f->dini));
  PetscCall(KSPDestroy(&f->ksp));
  PetscCall(MatDestroy(&f->A));
  PetscCall(VecDestroy(&f->b));
  PetscCall(VecDestroy(&f->u));
  PetscCall(VecDestroy(&f->r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A^H A by PETSc's product of assembled matrices, otherwise than the library makes it */
static PetscErrorCode Normal(Mat A, Mat *J)
{
  Mat AH;

  PetscFunctionBeginUser;
  PetscCall(MatHermitianTranspose(A, MAT_INITIAL_MATRIX, &AH));
  PetscCall(MatMatMult(AH, A, MAT_INITIAL_MATRIX, PETSC_DEFAULT, J));
  PetscCall(MatDestroy(&AH));
  PetscFunctionReturn(PETSC_SUCCESS);
}

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
  PetscCall(DiniTestOuter(Abar, 2, -1.0, left, right, plain, -1, 1e-8, "entries of A in least squares"));
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
  PetscCall(Normal(A, &J));
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
  PetscCall(Normal(f.A, &J));
  PetscCall(CheckVJP(&f, ubar, J, PETSC_FALSE));
  PetscCall(DiniSetAdjointType(f.dini, DINI_ADJOINT_TRANSPOSE));
  PetscCall(CheckVJP(&f, ubar, J, PETSC_TRUE));
  PetscCall(DiniSetAdjointType(f.dini, DINI_ADJOINT_HERMITIAN));
  PetscCall(CheckJVP(&f, ubar, J));
  /* another A, of the same pattern, and the derivatives go with it */
  PetscCall(MatScale(f.A, DiniTestScalar(1.5, 0.5)));
  PetscCall(MatDestroy(&J));
  PetscCall(Normal(f.A, &J));
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
    PetscCall(Normal(f.A, &J));
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
  PetscCall(TestFit(1, 1, KSPLSQR));
  PetscCall(TestFit(3, 1, KSPLSQR));
  PetscCall(TestFit(5, 2, KSPCGLS));
  PetscCall(TestFit(9, 5, KSPLSQR));
  PetscCall(TestFit(10, 7, KSPCGLS));
  PetscCall(DiniTestOptionsSet("-dini_direct_max 0 -dini_pc_type jacobi")); /* A^H A by products */
  PetscCall(TestFit(9, 5, KSPLSQR));
  PetscCall(DiniTestOptionsClear("-dini_direct_max -dini_pc_type"));
  for (PetscInt N = 1; N <= 10; N += 3) PetscCall(TestSquare(N));
  PetscCall(TestScaled());
  PetscCall(TestParameter());
  PetscCall(TestRefused());
  PetscCall(PetscFinalize());
  return 0;
}
