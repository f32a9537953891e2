static char help[] =
    "Blocks of right-hand sides that widen and narrow, by each package's factors: tangents, adjoints, forward solves.\n\
One package a process (-pc_factor_mat_solver_type): Debian's SuperLU_DIST survives no second factorisation.\n";

#include "support/dinitest.h"

#define N 24

static PetscErrorCode Tridiagonal(Mat *A)
{
  PetscInt lo, hi;

  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, 3, NULL, 2, NULL, A));
  PetscCall(MatGetOwnershipRange(*A, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) {
    PetscCall(MatSetValue(*A, i, i, DiniTestScalar(2.5, 0.25), INSERT_VALUES));
    if (i) PetscCall(MatSetValue(*A, i, i - 1, -1.0, INSERT_VALUES));
    if (i < N - 1) PetscCall(MatSetValue(*A, i, i + 1, -0.6, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Dense(Vec like, PetscInt columns, PetscInt seed, Mat *X)
{
  PetscInt n;
  Vec      x;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(like, &n));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, n, PETSC_DECIDE, N, columns, NULL, X));
  for (PetscInt j = 0; j < columns; j++) {
    PetscCall(MatDenseGetColumnVecWrite(*X, j, &x));
    PetscCall(DiniTestFill(x, seed + j));
    PetscCall(MatDenseRestoreColumnVecWrite(*X, j, &x));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A Y = X, or A^H Y = X, column by column */
static PetscErrorCode Check(Mat A, PetscBool adjoint, Mat X, Mat Y, const char what[])
{
  PetscInt columns;
  Vec      x, y, Ay;

  PetscFunctionBeginUser;
  PetscCall(MatGetSize(X, NULL, &columns));
  PetscCall(MatCreateVecs(A, &Ay, NULL));
  for (PetscInt j = 0; j < columns; j++) {
    PetscCall(MatDenseGetColumnVecRead(X, j, &x));
    PetscCall(MatDenseGetColumnVecRead(Y, j, &y));
    if (adjoint) PetscCall(MatMultHermitianTranspose(A, y, Ay));
    else PetscCall(MatMult(A, y, Ay));
    PetscCall(DiniTestVecsClose(Ay, x, 1e-8, what));
    PetscCall(MatDenseRestoreColumnVecRead(Y, j, &y));
    PetscCall(MatDenseRestoreColumnVecRead(X, j, &x));
  }
  PetscCall(VecDestroy(&Ay));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Available(PetscBool *yes)
{
  char package[32];

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsGetString(NULL, NULL, "-package", package, sizeof(package), yes));
  if (!*yes) { /* PETSc's own */
    *yes = PETSC_TRUE;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(MatInitializePackage()); /* they register there */
  PetscCall(MatSolverTypeGet(package, MATAIJ, MAT_FACTOR_LU, yes, NULL, NULL));
  if (!*yes) PetscCall(MatSolverTypeGet(package, MATSEQAIJ, MAT_FACTOR_LU, yes, NULL, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Test(void)
{
  static const PetscInt widths[] = {5, 3, 12, 1, 2, 11, 4};
  Mat                   A, X, Y;
  Vec                   b, u;
  KSP                   ksp;
  PC                    pc;
  Dini                  dini;

  PetscFunctionBeginUser;
  PetscCall(Tridiagonal(&A));
  PetscCall(MatCreateVecs(A, &u, &b));
  PetscCall(VecSet(b, 1.0));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &ksp));
  PetscCall(KSPSetOperators(ksp, A, A));
  PetscCall(KSPSetType(ksp, KSPPREONLY));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCLU));
  PetscCall(KSPSetFromOptions(ksp));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetKSP(dini, ksp));
  PetscCall(DiniSetLinearSystem(dini, b, NULL, NULL));
  PetscCall(DiniAddParameter(dini, "b", b, NULL)); /* du/db = A^{-1} */
  PetscCall(DiniSetFromOptions(dini));
  PetscCall(DiniSolve(dini, u));
  for (size_t w = 0; w < PETSC_STATIC_ARRAY_LENGTH(widths); w++) {
    PetscCall(Dense(u, widths[w], 10 * (PetscInt)w, &X));
    PetscCall(MatDuplicate(X, MAT_DO_NOT_COPY_VALUES, &Y));
    PetscCall(DiniMatJVP(dini, X, Y));
    PetscCall(Check(A, PETSC_FALSE, X, Y, "a block of tangents"));
    PetscCall(DiniMatVJP(dini, X, Y));
    PetscCall(Check(A, PETSC_TRUE, X, Y, "a block of adjoints"));
    PetscCall(MatDestroy(&X));
    PetscCall(MatDestroy(&Y));
  }
  PetscCall(DiniDestroy(&dini));
  /* blocks of forward solves, on the same factor */
  for (size_t w = 0; w < PETSC_STATIC_ARRAY_LENGTH(widths); w++) {
    Dini block;

    PetscCall(Dense(u, widths[w], 10 * (PetscInt)w, &X));
    PetscCall(MatDuplicate(X, MAT_DO_NOT_COPY_VALUES, &Y));
    PetscCall(DiniCreate(PETSC_COMM_WORLD, &block));
    PetscCall(DiniSetKSP(block, ksp));
    PetscCall(DiniSetLinearSystem(block, b, NULL, NULL));
    PetscCall(DiniSetFromOptions(block));
    PetscCall(DiniMatSolve(block, X, Y));
    PetscCall(Check(A, PETSC_FALSE, X, Y, "a block of forward solves"));
    PetscCall(DiniDestroy(&block));
    PetscCall(MatDestroy(&X));
    PetscCall(MatDestroy(&Y));
  }
  PetscCall(KSPDestroy(&ksp));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&b));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscBool available;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(Available(&available));
  if (available) PetscCall(Test());
  PetscCall(PetscFinalize());
  return available ? 0 : DINI_TEST_SKIPPED;
}
