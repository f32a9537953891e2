static char help[] = "Least-squares KSPs on a square A: a root, whose condition is not squared.\n";

#include "support/fixtures.h"

/* A = I + ones above the diagonal of a size that gives about this condition; b is a block */
typedef struct {
  Mat  A;
  Vec  b, u;
  KSP  ksp;
  Dini dini;
} Square;

/* diag(1 ... 1/condition) between two shears, so that rows and columns are of one size */
static PetscErrorCode SquareCreate(PetscInt N, PetscReal condition, KSPType type, Square *s)
{
  PetscInt lo, hi;

  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, 2, NULL, 1, NULL, &s->A));
  PetscCall(MatCreateVecs(s->A, &s->u, &s->b));
  PetscCall(MatGetOwnershipRange(s->A, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) {
    PetscReal d = PetscPowReal(condition, -(PetscReal)i / (PetscReal)(N - 1));

    PetscCall(MatSetValue(s->A, i, i, DiniTestScalar(d, 0.3 * d), INSERT_VALUES));
    if (i + 1 < N) PetscCall(MatSetValue(s->A, i, i + 1, 0.4 * d, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(s->A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(s->A, MAT_FINAL_ASSEMBLY));
  PetscCall(DiniTestFill(s->b, 3));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &s->ksp));
  PetscCall(KSPSetOperators(s->ksp, s->A, s->A));
  PetscCall(KSPSetType(s->ksp, type));
  PetscCall(KSPSetTolerances(s->ksp, 1e-10, 1e-300, PETSC_DEFAULT, 20000));
  {
    PC pc;

    PetscCall(KSPGetPC(s->ksp, &pc));
    PetscCall(PCSetType(pc, PCNONE));
  }
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &s->dini));
  PetscCall(DiniSetKSP(s->dini, s->ksp));
  PetscCall(DiniSetLinearSystem(s->dini, s->b, NULL, NULL));
  PetscCall(DiniAddParameter(s->dini, "b", s->b, NULL));
  PetscCall(DiniSetFromOptions(s->dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SquareDestroy(Square *s)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&s->dini));
  PetscCall(KSPDestroy(&s->ksp));
  PetscCall(MatDestroy(&s->A));
  PetscCall(VecDestroy(&s->u));
  PetscCall(VecDestroy(&s->b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The gradient as good as A's own condition lets it be: u = A^-1 b by a solve of the test's, attached */
static PetscErrorCode TestCondition(PetscReal condition, KSPType type)
{
  Square s;
  Vec    ubar, mbar, expected, dm, du;

  PetscFunctionBeginUser;
  PetscCall(SquareCreate(12, condition, type, &s));
  PetscCall(DiniTestDirectSolve(s.A, PETSC_FALSE, s.b, s.u));
  PetscCall(DiniAttach(s.dini, s.u));
  PetscCall(DiniTestVec(s.u, 5, &ubar));
  PetscCall(DiniTestVec(s.b, 6, &dm));
  PetscCall(VecDuplicate(s.b, &mbar));
  PetscCall(VecDuplicate(s.b, &expected));
  PetscCall(VecDuplicate(s.u, &du));
  PetscCall(DiniVJP(s.dini, ubar, mbar));
  PetscCall(DiniTestDirectSolve(s.A, PETSC_TRUE, ubar, expected));
  PetscCall(DiniTestVecsClose(mbar, expected, 1e-9, "gradient of a square least-squares system"));
  PetscCall(DiniJVP(s.dini, dm, du));
  PetscCall(DiniTestDirectSolve(s.A, PETSC_FALSE, dm, expected));
  PetscCall(DiniTestVecsClose(du, expected, 1e-9, "tangent of a square least-squares system"));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&expected));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(SquareDestroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* With a solve of its own, and with a preconditioning matrix that is A^H A */
static PetscErrorCode TestSolve(KSPType type)
{
  Square         s;
  Vec            ubar, mbar, expected;
  Mat            P, AH;
  DiniStatistics stats;

  PetscFunctionBeginUser;
  PetscCall(SquareCreate(8, 10.0, type, &s));
  PetscCall(MatHermitianTranspose(s.A, MAT_INITIAL_MATRIX, &AH));
  PetscCall(MatMatMult(AH, s.A, MAT_INITIAL_MATRIX, PETSC_DEFAULT, &P));
  PetscCall(KSPSetOperators(s.ksp, s.A, P));
  PetscCall(VecSet(s.u, 0.0));
  PetscCall(DiniSolve(s.dini, s.u));
  PetscCall(DiniTestVec(s.u, 5, &ubar));
  PetscCall(VecDuplicate(s.b, &mbar));
  PetscCall(VecDuplicate(s.b, &expected));
  PetscCall(DiniVJP(s.dini, ubar, mbar));
  PetscCall(DiniTestDirectSolve(s.A, PETSC_TRUE, ubar, expected));
  PetscCall(DiniTestVecsClose(mbar, expected, 1e-8, "gradient after a least-squares solve"));
  PetscCall(DiniGetStatistics(s.dini, &stats));
  DiniTestTrue(stats.forward_residual <= 1e-6, "|A u - b| = %g at a root", (double)stats.forward_residual);
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&expected));
  PetscCall(MatDestroy(&P));
  PetscCall(MatDestroy(&AH));
  PetscCall(SquareDestroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Dependent columns leave a residual, or one of many roots */
static PetscErrorCode TestSingular(PetscBool consistent)
{
  Square   s;
  Vec      ubar, mbar;
  PetscInt lo, hi;

  PetscFunctionBeginUser;
  PetscCall(SquareCreate(8, 10.0, KSPLSQR, &s));
  PetscCall(MatGetOwnershipRange(s.A, &lo, &hi));
  if (lo == 0 && hi > 0) { /* row 0 becomes zero */
    PetscCall(MatSetValue(s.A, 0, 0, 0.0, INSERT_VALUES));
    PetscCall(MatSetValue(s.A, 0, 1, 0.0, INSERT_VALUES));
    if (consistent) PetscCall(VecSetValue(s.b, 0, 0.0, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(s.A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(s.A, MAT_FINAL_ASSEMBLY));
  PetscCall(VecAssemblyBegin(s.b));
  PetscCall(VecAssemblyEnd(s.b));
  PetscCall(VecSet(s.u, 0.0));
  if (!consistent) DiniTestExpect(DiniSolve(s.dini, s.u), PETSC_ERR_NOT_CONVERGED, "columns are dependent");
  else {
    PetscCall(DiniSolve(s.dini, s.u));
    PetscCall(DiniTestVec(s.u, 5, &ubar));
    PetscCall(VecDuplicate(s.b, &mbar));
    DiniTestExpect(DiniVJP(s.dini, ubar, mbar), PETSC_ERR_NOT_CONVERGED, "dependent columns");
    PetscCall(VecDestroy(&ubar));
    PetscCall(VecDestroy(&mbar));
  }
  PetscCall(SquareDestroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestCondition(1e5, KSPLSQR));
  PetscCall(TestCondition(1e6, KSPLSQR));
  PetscCall(TestCondition(1e7, KSPCGLS));
  PetscCall(TestSolve(KSPLSQR));
  PetscCall(TestSolve(KSPCGLS));
  PetscCall(TestSingular(PETSC_FALSE));
  PetscCall(TestSingular(PETSC_TRUE));
  PetscCall(PetscFinalize());
  return 0;
}
