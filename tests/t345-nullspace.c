static char help[] =
    "Singular Jacobians with null spaces: lambda and derivatives on any number of ranks, and what is refused.\n";

#include "support/fixtures.h"

/*
  A u = B m with A = T D, T the periodic Laplacian on N points and D a diagonal, so that null(A) = D^-1 1 and
  null(A^H) = 1: two spaces. B m = m - mean(m) stays in the range.
*/
typedef struct {
  Mat  A, B;
  Vec  right, b, m, u;
  KSP  ksp;
  Dini dini;
} Ring;

static PetscErrorCode RingRHS(Dini dini, Mat A, Mat P, Vec b, void *ctx)
{
  Ring *r = (Ring *)ctx;

  PetscFunctionBeginUser;
  (void)dini, (void)A, (void)P;
  PetscCall(MatMult(r->B, r->m, b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RingFill(Dini dini, Vec u, Vec m, Mat Fm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini, (void)u, (void)m;
  PetscCall(MatCopy(((Ring *)ctx)->B, Fm, SAME_NONZERO_PATTERN));
  PetscCall(MatScale(Fm, -1.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RingCreate(PetscInt N, PetscBool left, Ring *r)
{
  MatNullSpace null;
  PetscInt     lo, hi;
  PetscReal    norm;
  PC           pc;
  Mat          Fm;

  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, 3, NULL, 3, NULL, &r->A));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, NULL, &r->B));
  PetscCall(MatCreateVecs(r->A, &r->u, &r->b));
  PetscCall(VecDuplicate(r->b, &r->m));
  PetscCall(VecDuplicate(r->b, &r->right));
  PetscCall(MatGetOwnershipRange(r->A, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) {
    const PetscInt cols[] = {i, (i + 1) % N, (i + N - 1) % N};

    for (int k = 0; k < 3; k++) {
      PetscScalar d = DiniTestScalar(1.0 + 0.05 * (PetscReal)cols[k], 0.3);

      PetscCall(MatSetValue(r->A, i, cols[k], (k ? -1.0 : 2.0) * d, INSERT_VALUES));
    }
    PetscCall(VecSetValue(r->right, i, 1.0 / DiniTestScalar(1.0 + 0.05 * (PetscReal)i, 0.3), INSERT_VALUES));
    for (PetscInt j = 0; j < N; j++)
      PetscCall(MatSetValue(r->B, i, j, (i == j ? 1.0 : 0.0) - 1.0 / (PetscReal)N, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(r->A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(r->A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyBegin(r->B, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(r->B, MAT_FINAL_ASSEMBLY));
  PetscCall(VecAssemblyBegin(r->right));
  PetscCall(VecAssemblyEnd(r->right));
  PetscCall(VecNormalize(r->right, &norm));
  PetscCall(MatNullSpaceCreate(PETSC_COMM_WORLD, PETSC_FALSE, 1, &r->right, &null));
  PetscCall(MatSetNullSpace(r->A, null));
  PetscCall(MatNullSpaceDestroy(&null));
  if (left) {
    PetscCall(MatNullSpaceCreate(PETSC_COMM_WORLD, PETSC_TRUE, 0, NULL, &null));
    PetscCall(MatSetTransposeNullSpace(r->A, null));
    PetscCall(MatNullSpaceDestroy(&null));
  }
  PetscCall(DiniTestFill(r->m, 3));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &r->ksp));
  PetscCall(KSPSetOperators(r->ksp, r->A, r->A));
  PetscCall(KSPSetType(r->ksp, KSPGMRES));
  PetscCall(KSPSetTolerances(r->ksp, 1e-12, PETSC_DEFAULT, PETSC_DEFAULT, 1000));
  PetscCall(KSPGetPC(r->ksp, &pc));
  PetscCall(PCSetType(pc, PCJACOBI));
  PetscCall(KSPSetFromOptions(r->ksp));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &r->dini));
  PetscCall(DiniSetKSP(r->dini, r->ksp));
  PetscCall(DiniSetLinearSystem(r->dini, r->b, RingRHS, r));
  PetscCall(DiniAddParameter(r->dini, "m", r->m, NULL));
  PetscCall(MatDuplicate(r->B, MAT_COPY_VALUES, &Fm));
  PetscCall(DiniSetParameterJacobian(r->dini, 0, Fm, RingFill, r));
  PetscCall(MatDestroy(&Fm));
  PetscCall(DiniSetFromOptions(r->dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RingDestroy(Ring *r)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&r->dini));
  PetscCall(KSPDestroy(&r->ksp));
  PetscCall(MatDestroy(&r->A));
  PetscCall(MatDestroy(&r->B));
  PetscCall(VecDestroy(&r->right));
  PetscCall(VecDestroy(&r->b));
  PetscCall(VecDestroy(&r->m));
  PetscCall(VecDestroy(&r->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ubar without its part along the null space */
static PetscErrorCode Orthogonal(Ring *r, PetscInt seed, Vec *ubar)
{
  PetscScalar part;

  PetscFunctionBeginUser;
  PetscCall(DiniTestVec(r->u, seed, ubar));
  PetscCall(VecDot(*ubar, r->right, &part));
  PetscCall(VecAXPY(*ubar, -part, r->right));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestDerivatives(const char options[])
{
  Ring        r;
  Vec         ubar, mbar, dm, du, lambda, Jdu, Fdm, JHl;
  PetscScalar a, b;

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(RingCreate(24, PETSC_TRUE, &r));
  PetscCall(DiniSolve(r.dini, r.u));
  PetscCall(Orthogonal(&r, 5, &ubar));
  PetscCall(DiniTestVec(r.m, 6, &dm));
  PetscCall(VecDuplicate(r.m, &mbar));
  PetscCall(VecDuplicate(r.u, &du));
  PetscCall(VecDuplicate(r.u, &lambda));
  PetscCall(VecDuplicate(r.u, &Jdu));
  PetscCall(VecDuplicate(r.u, &JHl));
  PetscCall(VecDuplicate(r.u, &Fdm));
  PetscCall(DiniJVP(r.dini, dm, du));
  PetscCall(DiniVJP(r.dini, ubar, mbar));
  PetscCall(DiniAdjointSolve(r.dini, ubar, lambda));
  /* the equations hold, and what they leave free is zero */
  PetscCall(MatMult(r.A, du, Jdu));
  PetscCall(MatMult(r.B, dm, Fdm));
  PetscCall(DiniTestVecsClose(Jdu, Fdm, 1e-8, "J du = -F_m dm"));
  PetscCall(VecDot(du, r.right, &a));
  DiniTestClose(PetscAbsScalar(a), 0.0, 0.0, 1e-9, "du along the null space");
  PetscCall(MatMultHermitianTranspose(r.A, lambda, JHl));
  PetscCall(DiniTestVecsClose(JHl, ubar, 1e-8, "J^H lambda = ubar"));
  PetscCall(VecSum(lambda, &a));
  DiniTestClose(PetscAbsScalar(a), 0.0, 0.0, 1e-8, "lambda along the transposed null space");
  PetscCall(VecDot(du, ubar, &a));
  PetscCall(VecDot(dm, mbar, &b));
  DiniTestClose(PetscAbsScalar(a - b), 0.0, 0.0, 1e-8 * PetscAbsScalar(a), "dot product");
  /* an objective that sees the constant of u is refused, with the size of what it sees */
  PetscCall(VecAXPY(ubar, 1.0, r.right));
  DiniTestExpect(DiniVJP(r.dini, ubar, mbar), PETSC_ERR_ARG_INCOMP, "null space of J");
  PetscCall(VecAXPY(ubar, -1.0, r.right));
  PetscCall(DiniVJP(r.dini, ubar, mbar)); /* and the object serves on */
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&lambda));
  PetscCall(VecDestroy(&Jdu));
  PetscCall(VecDestroy(&JHl));
  PetscCall(VecDestroy(&Fdm));
  PetscCall(RingDestroy(&r));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The transposed null space is another one, and nobody has told */
static PetscErrorCode TestMissing(void)
{
  Ring r;
  Vec  ubar, mbar;

  PetscFunctionBeginUser;
  PetscCall(RingCreate(24, PETSC_FALSE, &r));
  PetscCall(DiniSolve(r.dini, r.u));
  PetscCall(Orthogonal(&r, 5, &ubar));
  PetscCall(VecDuplicate(r.m, &mbar));
  DiniTestExpect(DiniVJP(r.dini, ubar, mbar), PETSC_ERR_ARG_INCOMP, "MatSetTransposeNullSpace()");
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(RingDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestDerivatives("-pc_type jacobi"));
  PetscCall(TestDerivatives("-pc_type none -dini_direct_max 0"));
  PetscCall(TestDerivatives("-pc_type jacobi -dini_transpose explicit"));
  PetscCall(TestMissing());
  PetscCall(PetscFinalize());
  return 0;
}
