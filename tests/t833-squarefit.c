static char help[] = "Least-squares KSPs on a square A: a root, whose condition is not squared.\n";

#include "support/fixtures.h"

/* A u = b with b as a block */
typedef struct {
  Mat  A, inverse;
  Vec  b, u;
  KSP  ksp;
  Dini dini;
} Square;

/* scale (I - 2 v v^T) diag(d) (I - 2 w w^T): no scaling of rows or columns makes it well */
static PetscErrorCode Reflected(PetscInt N, const PetscReal v[], const PetscReal w[], const PetscReal d[],
                                PetscScalar scale, Mat *A)
{
  PetscInt  lo, hi;
  PetscReal vdw = 0.0;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < N; i++) vdw += v[i] * d[i] * w[i];
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, N, NULL, N, NULL, A));
  PetscCall(MatGetOwnershipRange(*A, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++)
    for (PetscInt j = 0; j < N; j++) {
      const PetscReal a =
          (i == j ? d[i] : 0.0) - 2.0 * v[i] * v[j] * d[j] - 2.0 * d[i] * w[i] * w[j] + 4.0 * vdw * v[i] * w[j];

      PetscCall(MatSetValue(*A, i, j, scale * a, INSERT_VALUES));
    }
  PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SquareCreate(PetscInt N, PetscReal condition, KSPType type, Square *s)
{
  const PetscScalar scale = DiniTestScalar(1.0, 0.3);
  PetscReal         vv = 0.0, ww = 0.0, *v, *w, *d, *e;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc4(N, &v, N, &w, N, &d, N, &e));
  for (PetscInt i = 0; i < N; i++) {
    v[i] = 1.0 + 0.3 * (PetscReal)(i % 3);
    w[i] = 1.0 - 0.2 * (PetscReal)(i % 4);
    d[i] = PetscPowReal(condition, -(PetscReal)i / (PetscReal)(N - 1));
    e[i] = 1.0 / d[i];
    vv += v[i] * v[i];
    ww += w[i] * w[i];
  }
  for (PetscInt i = 0; i < N; i++) {
    v[i] /= PetscSqrtReal(vv);
    w[i] /= PetscSqrtReal(ww);
  }
  PetscCall(Reflected(N, v, w, d, scale, &s->A));
  PetscCall(Reflected(N, w, v, e, 1.0 / scale, &s->inverse)); /* reflections are their own inverses */
  PetscCall(PetscFree4(v, w, d, e));
  PetscCall(MatCreateVecs(s->A, &s->u, &s->b));
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
  PetscCall(MatDestroy(&s->inverse));
  PetscCall(VecDestroy(&s->u));
  PetscCall(VecDestroy(&s->b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The gradient is as good as A's own condition lets it be, 1e-16 times 1e7 at most: u = A^-1 b in closed form, attached */
static PetscErrorCode TestCondition(PetscReal condition, KSPType type)
{
  Square s;
  Vec    ubar, mbar, expected, dm, du;

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet("-dini_pc_type redundant"));
  PetscCall(SquareCreate(12, condition, type, &s));
  PetscCall(DiniSetTolerances(s.dini, 1e-13, 1e-13)); /* less than that is rounding */
  PetscCall(MatMult(s.inverse, s.b, s.u));
  PetscCall(DiniAttach(s.dini, s.u));
  PetscCall(DiniTestVec(s.u, 5, &ubar));
  PetscCall(DiniTestVec(s.b, 6, &dm));
  PetscCall(VecDuplicate(s.b, &mbar));
  PetscCall(VecDuplicate(s.b, &expected));
  PetscCall(VecDuplicate(s.u, &du));
  PetscCall(DiniVJP(s.dini, ubar, mbar));
  PetscCall(MatMultHermitianTranspose(s.inverse, ubar, expected));
  PetscCall(DiniTestVecsClose(mbar, expected, 1e-7, "gradient of a square least-squares system"));
  PetscCall(DiniJVP(s.dini, dm, du));
  PetscCall(MatMult(s.inverse, dm, expected));
  PetscCall(DiniTestVecsClose(du, expected, 1e-7, "tangent of a square least-squares system"));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&expected));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(SquareDestroy(&s));
  PetscCall(DiniTestOptionsClear("-dini_pc_type redundant"));
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
    for (PetscInt j = 0; j < 8; j++) PetscCall(MatSetValue(s.A, 0, j, 0.0, INSERT_VALUES));
    if (consistent) PetscCall(VecSetValue(s.b, 0, 0.0, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(s.A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(s.A, MAT_FINAL_ASSEMBLY));
  PetscCall(VecAssemblyBegin(s.b));
  PetscCall(VecAssemblyEnd(s.b));
  PetscCall(VecSet(s.u, 0.0));
  if (!consistent)
    DiniTestExpect(DiniSolve(s.dini, s.u), PETSC_ERR_NOT_CONVERGED, "A is singular, and b has a part outside");
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
