static char help[] =
    "What A says of its own symmetry is used where it is true, and nothing is transposed then; in complex builds a symmetric\n\
A is not its own adjoint.\n";

#include "support/fixtures.h"

/* A tridiagonal pattern's entries */
static PetscInt Entries(PetscInt N)
{
  return 3 * N - 2;
}

/* Abar = -lambda u^H, with lambda by a factorisation of its own */
static PetscErrorCode CheckBar(Linear *l, Vec ubar, Mat Abar, PetscInt entries, PetscBool plain, const char what[])
{
  Vec g, lambda;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(ubar, &g));
  PetscCall(VecCopy(ubar, g));
  if (plain) PetscCall(VecConjugate(g));
  PetscCall(VecDuplicate(ubar, &lambda));
  PetscCall(DiniTestDirectSolve(l->A, PETSC_TRUE, g, lambda));
  PetscCall(DiniMatrixVJP(l->dini, ubar, Abar));
  PetscCall(DiniTestOuter(Abar, 1, &lambda, &l->u, plain, entries, 1e-9, what));
  PetscCall(VecDestroy(&g));
  PetscCall(VecDestroy(&lambda));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Tridiagonal with A_ij = conj(A_ji) or A_ij = A_ji, and a real or complex diagonal */
static PetscErrorCode SymmetricMatrix(PetscInt N, PetscBool hermitian, Mat *A)
{
  PetscInt lo, hi;

  PetscFunctionBeginUser;
  (void)hermitian; /* in real builds both are the same */
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, 3, NULL, 2, NULL, A));
  PetscCall(MatGetOwnershipRange(*A, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) {
    PetscCall(MatSetValue(*A, i, i, DiniTestScalar(3.0 + 0.2 * (PetscReal)i, hermitian ? 0.0 : 0.7), INSERT_VALUES));
    if (i + 1 < N) PetscCall(MatSetValue(*A, i, i + 1, DiniTestScalar(-1.0, 0.5), INSERT_VALUES));
    if (i > 0) PetscCall(MatSetValue(*A, i, i - 1, DiniTestScalar(-1.0, hermitian ? -0.5 : 0.5), INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Right with any flag that is true, and nothing is transposed where the flag says that A is its own adjoint. */
static PetscErrorCode TestSymmetry(PetscBool hermitian, MatOption option, PetscBool own)
{
  Linear     l = {0};
  KSP        ksp;
  PC         pc;
  CountingPC count;
  Vec        ubar;
  Mat        Abar;
  PetscBool  cg;

  PetscFunctionBeginUser;
  PetscCall(SymmetricMatrix(10, hermitian, &l.A));
  PetscCall(MatSetOption(l.A, option, PETSC_TRUE));
  PetscCall(MatCreateVecs(l.A, &l.u, &l.b));
  PetscCall(DiniTestFill(l.b, 4));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &l.ksp));
  PetscCall(KSPSetOperators(l.ksp, l.A, l.A));
  PetscCall(KSPSetType(l.ksp, hermitian ? KSPCG : KSPGMRES));
  PetscCall(KSPSetTolerances(l.ksp, 1e-13, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(KSPGetPC(l.ksp, &pc));
  PetscCall(CountingPCSet(pc, &count));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &l.dini));
  PetscCall(DiniSetKSP(l.dini, l.ksp));
  PetscCall(DiniSetLinearSystem(l.dini, l.b, NULL, NULL));
  PetscCall(DiniSetFromOptions(l.dini));
  PetscCall(DiniSolve(l.dini, l.u));
  PetscCall(DiniTestVec(l.u, 5, &ubar));
  PetscCall(MatDuplicate(l.A, MAT_DO_NOT_COPY_VALUES, &Abar));
  PetscCall(CheckBar(&l, ubar, Abar, Entries(10), PETSC_FALSE, "entries of a symmetric A"));
  PetscCall(DiniSetAdjointType(l.dini, DINI_ADJOINT_TRANSPOSE));
  PetscCall(CheckBar(&l, ubar, Abar, Entries(10), PETSC_TRUE, "entries of a symmetric A, plain transpose"));
  if (own) {
    DiniTestCount(count.transposes, 0, "transposed applications of the preconditioner");
    PetscCall(DiniGetAdjointKSP(l.dini, &ksp));
    PetscCall(PetscObjectTypeCompare((PetscObject)ksp, KSPCG, &cg));
    DiniTestTrue(cg, "The adjoint of a Hermitian system under CG is not solved by CG");
  } else DiniTestTrue(count.transposes > 0, "A matrix that is not its own adjoint was taken for one");
  PetscCall(MatDestroy(&Abar));
  PetscCall(VecDestroy(&ubar));
  PetscCall(DiniDestroy(&l.dini));
  PetscCall(KSPDestroy(&l.ksp));
  PetscCall(MatDestroy(&l.A));
  PetscCall(VecDestroy(&l.u));
  PetscCall(VecDestroy(&l.b));
  PetscCall(CountingPCDestroy(&count));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A that stores one triangle, and a pattern that stores both: every entry counts as independent */
static PetscErrorCode TestTriangle(void)
{
  Linear l = {0};
  Mat    S, Abar;
  PC     pc;
  Vec    ubar;

  PetscFunctionBeginUser;
  PetscCall(SymmetricMatrix(9, PETSC_TRUE, &l.A));
  PetscCall(MatSetOption(l.A, PetscDefined(USE_COMPLEX) ? MAT_HERMITIAN : MAT_SYMMETRIC, PETSC_TRUE));
  PetscCall(MatConvert(l.A, MATSBAIJ, MAT_INITIAL_MATRIX, &S));
  PetscCall(MatCreateVecs(l.A, &l.u, &l.b));
  PetscCall(DiniTestFill(l.b, 4));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &l.ksp));
  PetscCall(KSPSetOperators(l.ksp, S, S));
  PetscCall(KSPSetType(l.ksp, KSPCG));
  PetscCall(KSPSetTolerances(l.ksp, 1e-13, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(KSPGetPC(l.ksp, &pc));
  PetscCall(PCSetType(pc, PCJACOBI));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &l.dini));
  PetscCall(DiniSetKSP(l.dini, l.ksp));
  PetscCall(DiniSetLinearSystem(l.dini, l.b, NULL, NULL));
  PetscCall(DiniSetFromOptions(l.dini));
  PetscCall(DiniSolve(l.dini, l.u));
  PetscCall(DiniTestVec(l.u, 5, &ubar));
  PetscCall(MatDuplicate(l.A, MAT_DO_NOT_COPY_VALUES, &Abar));
  PetscCall(CheckBar(&l, ubar, Abar, Entries(9), PETSC_FALSE, "entries of an A that stores one triangle"));
  DiniTestExpect(DiniMatrixVJP(l.dini, ubar, S), PETSC_ERR_SUP, "one triangle");
  PetscCall(MatDestroy(&Abar));
  PetscCall(VecDestroy(&ubar));
  PetscCall(DiniDestroy(&l.dini));
  PetscCall(KSPDestroy(&l.ksp));
  PetscCall(MatDestroy(&S));
  PetscCall(MatDestroy(&l.A));
  PetscCall(VecDestroy(&l.u));
  PetscCall(VecDestroy(&l.b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestSymmetry(PETSC_TRUE, MAT_HERMITIAN, PETSC_TRUE));
  PetscCall(TestSymmetry(PETSC_TRUE, MAT_STRUCTURALLY_SYMMETRIC, PETSC_FALSE));
  if (!PetscDefined(USE_COMPLEX)) {
    PetscCall(TestSymmetry(PETSC_TRUE, MAT_SPD, PETSC_TRUE));
    PetscCall(TestSymmetry(PETSC_TRUE, MAT_SYMMETRIC, PETSC_TRUE));
  } else PetscCall(TestSymmetry(PETSC_FALSE, MAT_SYMMETRIC, PETSC_FALSE)); /* A^H = conj(A) */
  PetscCall(TestTriangle());
  PetscCall(PetscFinalize());
  return 0;
}
