static char help[] =
    "A singular J is called singular: null spaces that nobody has attached, wrong ones, parameters that take F outside the\n\
range; one verdict for tangents and adjoints.\n";

#include "support/fixtures.h"

/* ---- Null spaces: A u = b on a ring, A = D T with the periodic Laplacian T: A 1 = 0 and D^-1 1 is the left null vector ---- */

typedef struct {
  Mat  A;
  Vec  u, b, left;
  KSP  ksp;
  Dini dini;
} Ring;

typedef enum { NONE, RIGHT, BOTH, WRONG, WRONGLEFT, NEAR } Spaces;

static PetscErrorCode Attach(Ring *r, Spaces spaces, Vec wrong)
{
  MatNullSpace constant, left, other;

  PetscFunctionBeginUser;
  PetscCall(MatNullSpaceCreate(PETSC_COMM_WORLD, PETSC_TRUE, 0, NULL, &constant));
  PetscCall(MatNullSpaceCreate(PETSC_COMM_WORLD, PETSC_FALSE, 1, &r->left, &left));
  PetscCall(MatNullSpaceCreate(PETSC_COMM_WORLD, PETSC_FALSE, 1, &wrong, &other));
  if (spaces == RIGHT || spaces == BOTH || spaces == WRONGLEFT) PetscCall(MatSetNullSpace(r->A, constant));
  if (spaces == WRONG) PetscCall(MatSetNullSpace(r->A, other));
  if (spaces == BOTH || spaces == WRONG) PetscCall(MatSetTransposeNullSpace(r->A, left));
  if (spaces == WRONGLEFT) PetscCall(MatSetTransposeNullSpace(r->A, other));
  if (spaces == NEAR) PetscCall(MatSetNearNullSpace(r->A, other));
  PetscCall(MatNullSpaceDestroy(&constant));
  PetscCall(MatNullSpaceDestroy(&left));
  PetscCall(MatNullSpaceDestroy(&other));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* symmetric: D = 1; shift on the diagonal of T makes A regular */
static PetscErrorCode RingCreate(PetscInt N, PetscBool symmetric, PetscReal shift, Spaces spaces, PCType type, Ring *r)
{
  PetscInt    lo, hi;
  PetscReal   norm;
  PetscScalar part;
  Vec         wrong;
  PC          pc;

  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, 3, NULL, 3, NULL, &r->A));
  PetscCall(MatCreateVecs(r->A, &r->u, &r->b));
  PetscCall(VecDuplicate(r->b, &r->left));
  PetscCall(MatGetOwnershipRange(r->A, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) {
    const PetscScalar d = symmetric ? 1.0 : DiniTestScalar(1.0 + 0.1 * (PetscReal)(i % 7), 0.2);

    PetscCall(MatSetValue(r->A, i, i, d * (2.0 + shift), INSERT_VALUES));
    PetscCall(MatSetValue(r->A, i, (i + 1) % N, -d, INSERT_VALUES));
    PetscCall(MatSetValue(r->A, i, (i + N - 1) % N, -d, INSERT_VALUES));
    PetscCall(VecSetValue(r->left, i, 1.0 / d, INSERT_VALUES)); /* plainly transposed */
  }
  PetscCall(MatAssemblyBegin(r->A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(r->A, MAT_FINAL_ASSEMBLY));
  PetscCall(VecAssemblyBegin(r->left));
  PetscCall(VecAssemblyEnd(r->left));
  PetscCall(VecNormalize(r->left, &norm));
  PetscCall(DiniTestVec(r->u, 9, &wrong));
  PetscCall(VecNormalize(wrong, &norm));
  PetscCall(Attach(r, spaces, wrong));
  PetscCall(VecDestroy(&wrong));
  /* a right-hand side in the range */
  PetscCall(DiniTestFill(r->u, 3));
  PetscCall(VecSum(r->u, &part));
  PetscCall(VecShift(r->u, -part / (PetscReal)N));
  PetscCall(MatMult(r->A, r->u, r->b));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &r->ksp));
  PetscCall(KSPSetOperators(r->ksp, r->A, r->A));
  PetscCall(KSPSetType(r->ksp, KSPGMRES));
  PetscCall(KSPSetTolerances(r->ksp, 1e-10, 1e-50, PETSC_DEFAULT, 500));
  PetscCall(KSPGetPC(r->ksp, &pc));
  PetscCall(PCSetType(pc, type));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &r->dini));
  PetscCall(DiniSetKSP(r->dini, r->ksp));
  PetscCall(DiniSetLinearSystem(r->dini, r->b, NULL, NULL));
  PetscCall(DiniAddParameter(r->dini, "b", r->b, NULL));
  PetscCall(DiniSetFromOptions(r->dini));
  PetscCall(DiniAttach(r->dini, r->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RingDestroy(Ring *r)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&r->dini));
  PetscCall(KSPDestroy(&r->ksp));
  PetscCall(MatDestroy(&r->A));
  PetscCall(VecDestroy(&r->u));
  PetscCall(VecDestroy(&r->b));
  PetscCall(VecDestroy(&r->left));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Nobody has said that A is singular: both directions say it, whichever comes first, also of what lies in the range */
static PetscErrorCode TestUnsaid(PetscBool symmetric, PCType type, PetscBool adjointfirst)
{
  Ring           r;
  Vec            v, w, inrange;
  DiniStatistics s;
  PetscInt       its;

  PetscFunctionBeginUser;
  PetscCall(RingCreate(40, symmetric, 0.0, NONE, type, &r));
  PetscCall(DiniTestVec(r.u, 5, &v));
  PetscCall(VecDuplicate(r.u, &w));
  PetscCall(VecDuplicate(r.u, &inrange));
  PetscCall(VecCopy(r.b, inrange));
  if (adjointfirst) {
    DiniTestExpect(DiniVJP(r.dini, v, w), PETSC_ERR_NOT_CONVERGED, "MatSetNullSpace()");
    DiniTestExpect(DiniJVP(r.dini, inrange, w), PETSC_ERR_NOT_CONVERGED, "J is singular");
  } else {
    DiniTestExpect(DiniJVP(r.dini, v, w), PETSC_ERR_NOT_CONVERGED, "MatSetNullSpace()");
    DiniTestExpect(DiniVJP(r.dini, v, w), PETSC_ERR_NOT_CONVERGED, "J is singular");
  }
  PetscCall(DiniGetStatistics(r.dini, &s));
  its = s.tangent_iterations + s.adjoint_iterations;
  DiniTestTrue(its < 1000, "%" PetscInt_FMT " iterations before J is called singular", its);
  DiniTestExpect(DiniVJP(r.dini, v, w), PETSC_ERR_NOT_CONVERGED, "J is singular");
  PetscCall(DiniGetStatistics(r.dini, &s));
  DiniTestCount(s.tangent_iterations + s.adjoint_iterations, its, "iterations once the verdict is known");
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&w));
  PetscCall(VecDestroy(&inrange));
  PetscCall(RingDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What lies in the range has a solution; that it is one of many is said all the same, in both directions */
static PetscErrorCode TestInRange(PetscBool symmetric, PCType type, PetscBool adjoint)
{
  Ring        r;
  Vec         v, w;
  PetscScalar part;

  PetscFunctionBeginUser;
  PetscCall(RingCreate(40, symmetric, 0.0, NONE, type, &r));
  PetscCall(DiniTestVec(r.u, 5, &v));
  PetscCall(VecSum(v, &part));
  PetscCall(VecShift(v, -part / 40.0));
  PetscCall(VecDuplicate(r.u, &w));
  if (adjoint) DiniTestExpect(DiniVJP(r.dini, v, w), PETSC_ERR_NOT_CONVERGED, "J is singular");
  else DiniTestExpect(DiniJVP(r.dini, r.b, w), PETSC_ERR_NOT_CONVERGED, "J is singular");
  DiniTestExpect(DiniJVP(r.dini, r.b, w), PETSC_ERR_NOT_CONVERGED, "J is singular");
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&w));
  PetscCall(RingDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A factorisation that fails, as on a zero pivot, says the same: two equal rows */
static PetscErrorCode TestZeroPivot(PCType type, PetscBool adjoint)
{
  Ring     r;
  Vec      v, w;
  PetscInt lo, hi;

  PetscFunctionBeginUser;
  PetscCall(RingCreate(24, PETSC_FALSE, 0.0, NONE, type, &r));
  PetscCall(MatZeroEntries(r.A));
  PetscCall(MatGetOwnershipRange(r.A, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) {
    PetscCall(MatSetValue(r.A, i, i, i < 2 ? 1.0 : 1.0 + (PetscReal)(i % 5), INSERT_VALUES));
    PetscCall(MatSetValue(r.A, i, i ? i - 1 : 1, i < 2 ? 1.0 : 0.25, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(r.A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(r.A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatMult(r.A, r.u, r.b));
  PetscCall(KSPSetReusePreconditioner(r.ksp, PETSC_FALSE));
  PetscCall(DiniAttach(r.dini, r.u));
  PetscCall(DiniTestVec(r.u, 5, &v));
  PetscCall(VecDuplicate(r.u, &w));
  if (adjoint) DiniTestExpect(DiniVJP(r.dini, v, w), PETSC_ERR_NOT_CONVERGED, "MatSetNullSpace()");
  else DiniTestExpect(DiniJVP(r.dini, v, w), PETSC_ERR_NOT_CONVERGED, "MatSetNullSpace()");
  DiniTestExpect(DiniVJP(r.dini, v, w), PETSC_ERR_NOT_CONVERGED, "J is singular");
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&w));
  PetscCall(RingDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A regular A of a condition of 1e5 is not singular, whatever the ladder has to go through */
static PetscErrorCode TestRegular(PCType type)
{
  Ring r;
  Vec  v, w, expected;

  PetscFunctionBeginUser;
  PetscCall(RingCreate(40, PETSC_FALSE, 1e-5, NONE, type, &r));
  PetscCall(DiniTestVec(r.u, 5, &v));
  PetscCall(VecDuplicate(r.u, &w));
  PetscCall(VecDuplicate(r.u, &expected));
  PetscCall(DiniTestDirectSolve(r.A, PETSC_TRUE, v, expected));
  PetscCall(DiniVJP(r.dini, v, w));
  PetscCall(DiniTestVecsClose(w, expected, 1e-5, "a regular system of a large condition"));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&w));
  PetscCall(VecDestroy(&expected));
  PetscCall(RingDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Nor is one whose solver has been stopped too early, although its residual is all along one slow mode by then */
static PetscErrorCode TestStopped(void)
{
  const char options[] = "-dini_adjoint_ksp_max_it 12 -dini_direct_max 0 -dini_adjoint_ksp_type gmres";
  Ring       r;
  Vec        v, w;

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(RingCreate(24, PETSC_TRUE, 1e-3, NONE, PCNONE, &r));
  PetscCall(DiniTestVec(r.u, 5, &v));
  PetscCall(VecShift(v, 1.0));
  PetscCall(VecDuplicate(r.u, &w));
  PetscCall(DiniSetTranspose(r.dini, DINI_TRANSPOSE_NATIVE));
  DiniTestExpect(DiniVJP(r.dini, v, w), PETSC_ERR_NOT_CONVERGED, "missed the true relative residual");
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&w));
  PetscCall(RingDestroy(&r));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Attached spaces: right, wrong, near */
static PetscErrorCode TestSpaces(void)
{
  Ring r;
  Vec  v, w;

  PetscFunctionBeginUser;
  PetscCall(RingCreate(24, PETSC_FALSE, 0.0, WRONG, PCJACOBI, &r));
  PetscCall(VecDuplicate(r.u, &w));
  DiniTestExpect(DiniVJP(r.dini, r.u, w), PETSC_ERR_ARG_INCOMP, "MatSetNullSpace() is not one of J");
  PetscCall(VecDestroy(&w));
  PetscCall(RingDestroy(&r));

  PetscCall(RingCreate(24, PETSC_FALSE, 0.0, WRONGLEFT, PCJACOBI, &r));
  PetscCall(VecDuplicate(r.u, &w));
  DiniTestExpect(DiniVJP(r.dini, r.u, w), PETSC_ERR_ARG_INCOMP, "MatSetTransposeNullSpace() is not one of its");
  PetscCall(VecDestroy(&w));
  PetscCall(RingDestroy(&r));

  PetscCall(RingCreate(24, PETSC_FALSE, 0.5, NEAR, PCJACOBI, &r)); /* that of a preconditioner: nothing is projected */
  PetscCall(DiniTestVec(r.u, 5, &v));
  PetscCall(VecDuplicate(r.u, &w));
  PetscCall(DiniVJP(r.dini, v, w));
  PetscCall(VecDestroy(&v));
  PetscCall(DiniTestVec(r.u, 5, &v));
  {
    Vec expected;

    PetscCall(VecDuplicate(r.u, &expected));
    PetscCall(DiniTestDirectSolve(r.A, PETSC_TRUE, v, expected));
    PetscCall(DiniTestVecsClose(w, expected, 1e-8, "a near null space"));
    PetscCall(VecDestroy(&expected));
  }
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&w));
  PetscCall(RingDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* With both spaces b still has to stay in the range: bbar = lambda is known up to the left null vector only */
static PetscErrorCode TestInconsistent(PetscBool symmetric)
{
  Ring        r;
  Vec         v, w;
  Mat         U, B;
  PetscScalar part;

  PetscFunctionBeginUser;
  PetscCall(RingCreate(24, symmetric, 0.0, BOTH, PCJACOBI, &r));
  PetscCall(DiniTestVec(r.u, 5, &v)); /* orthogonal to constants */
  PetscCall(VecSum(v, &part));
  PetscCall(VecShift(v, -part / 24.0));
  PetscCall(VecDuplicate(r.u, &w));
  DiniTestExpect(DiniVJP(r.dini, v, w), PETSC_ERR_ARG_INCOMP, "\"b\" takes F outside its range");
  DiniTestExpect(DiniJVP(r.dini, r.left, w), PETSC_ERR_ARG_INCOMP, "outside the range");
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, 24, 2, NULL, &U));
  PetscCall(MatDuplicate(U, MAT_DO_NOT_COPY_VALUES, &B));
  PetscCall(MatZeroEntries(U));
  DiniTestExpect(DiniMatVJP(r.dini, U, B), PETSC_ERR_ARG_INCOMP, "w^H F_m is not zero");
  PetscCall(MatDestroy(&U));
  PetscCall(MatDestroy(&B));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&w));
  PetscCall(RingDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestUnsaid(PETSC_TRUE, PCJACOBI, PETSC_TRUE));
  PetscCall(TestUnsaid(PETSC_TRUE, PCNONE, PETSC_FALSE));
  PetscCall(TestUnsaid(PETSC_FALSE, PCBJACOBI, PETSC_TRUE));
  PetscCall(TestUnsaid(PETSC_FALSE, PCREDUNDANT, PETSC_FALSE));
  PetscCall(TestZeroPivot(PCREDUNDANT, PETSC_TRUE));
  PetscCall(TestZeroPivot(PCREDUNDANT, PETSC_FALSE));
  PetscCall(TestZeroPivot(PCBJACOBI, PETSC_TRUE));
  PetscCall(TestInRange(PETSC_TRUE, PCJACOBI, PETSC_FALSE));
  PetscCall(TestInRange(PETSC_FALSE, PCNONE, PETSC_FALSE));
  PetscCall(TestInRange(PETSC_FALSE, PCBJACOBI, PETSC_TRUE));
  PetscCall(TestRegular(PCJACOBI));
  PetscCall(TestRegular(PCBJACOBI));
  PetscCall(TestStopped());
  PetscCall(TestSpaces());
  PetscCall(TestInconsistent(PETSC_TRUE));
  PetscCall(TestInconsistent(PETSC_FALSE));
  PetscCall(PetscFinalize());
  return 0;
}
