static char help[] =
    "A forward solve that can have no solution says why: A is singular, or a test has passed too early.\n";

#include "support/dinitest.h"

/* -u'' with u' = 0 at both ends, or u = 0 at one: constants are a null space, or not */
static PetscErrorCode Fill(PetscInt N, PetscBool singular, Mat A)
{
  PetscInt lo, hi;

  PetscFunctionBeginUser;
  PetscCall(MatGetOwnershipRange(A, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) {
    const PetscInt cols[] = {i - 1, i, i + 1};
    PetscScalar    row[]  = {-1.0, 0.0, -1.0};
    const PetscInt first = i == 0, n = 3 - first - (i == N - 1);

    row[1] = (PetscReal)((i > 0) + (i < N - 1)) + (i == 0 && !singular ? 1.0 : 0.0);
    PetscCall(MatSetValues(A, 1, &i, n, &cols[first], &row[first], INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  Mat A;
  Vec b;
} System;

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  System *s = (System *)ctx;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(MatMult(s->A, u, F));
  PetscCall(VecAXPY(F, -1.0, s->b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Constant(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  PetscFunctionBeginUser;
  (void)snes, (void)u, (void)J, (void)ctx;
  PetscCall(MatAssemblyBegin(P, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(P, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* b is e_0, of which the constant part lies outside the range; by a KSP of this type, or by a SNES of one linear solve */
static PetscErrorCode Unreachable(KSPType type, PetscBool singular, PetscBool snes, PetscReal rtol, const char words[],
                                  const char never[])
{
  const PetscInt N = 8;
  System         s;
  Vec            u;
  KSP            ksp;
  SNES           solver = NULL;
  Dini           dini;
  PC             pc;

  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, 3, NULL, 2, NULL, &s.A));
  PetscCall(Fill(N, singular, s.A));
  PetscCall(MatCreateVecs(s.A, &u, &s.b));
  PetscCall(VecSet(s.b, 0.0));
  PetscCall(VecSetValue(s.b, 0, 1.0, INSERT_VALUES));
  PetscCall(VecAssemblyBegin(s.b));
  PetscCall(VecAssemblyEnd(s.b));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  if (snes) {
    PetscCall(SNESCreate(PETSC_COMM_WORLD, &solver));
    PetscCall(SNESSetType(solver, SNESKSPONLY));
    PetscCall(SNESSetFunction(solver, NULL, Residual, &s));
    PetscCall(SNESSetJacobian(solver, s.A, s.A, Constant, NULL));
    PetscCall(SNESGetKSP(solver, &ksp));
    PetscCall(PetscObjectReference((PetscObject)ksp));
    PetscCall(DiniSetSNES(dini, solver));
  } else {
    PetscCall(KSPCreate(PETSC_COMM_WORLD, &ksp));
    PetscCall(KSPSetOperators(ksp, s.A, s.A));
  }
  PetscCall(KSPSetType(ksp, type));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCNONE));
  PetscCall(KSPSetTolerances(ksp, rtol, 1e-50, PETSC_DEFAULT, N - 1)); /* one more, and GMRES breaks down */
  PetscCall(KSPSetConvergenceTest(ksp, KSPConvergedSkip, NULL, NULL)); /* so many iterations, whatever they bring */
  if (rtol > 0.1) PetscCall(KSPSetTolerances(ksp, rtol, 1e-50, PETSC_DEFAULT, 2));
  if (!snes) PetscCall(DiniSetKSP(dini, ksp));
  if (!snes) PetscCall(DiniSetLinearSystem(dini, s.b, NULL, NULL));
  PetscCall(DiniAddParameter(dini, "b", s.b, NULL));
  PetscCall(VecSet(u, 0.0));
  DiniTestExpect(DiniSolve(dini, u), PETSC_ERR_NOT_CONVERGED, words);
  {
    char *found;

    PetscCall(PetscStrstr(DiniTestMessages(), never, &found));
    DiniTestTrue(!found, "%s: \"%s\" in %s", type, never, DiniTestMessages());
  }
  PetscCall(DiniDestroy(&dini));
  PetscCall(KSPDestroy(&ksp));
  PetscCall(SNESDestroy(&solver));
  PetscCall(MatDestroy(&s.A));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&s.b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  const char *singular = "A is singular, and b has a part outside its range";

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(Unreachable(KSPGMRES, PETSC_TRUE, PETSC_FALSE, 1e-6, singular, "Lower -ksp_rtol"));
  PetscCall(Unreachable(KSPLSQR, PETSC_TRUE, PETSC_FALSE, 1e-6, singular, "Lower -ksp_rtol"));
  PetscCall(Unreachable(KSPGMRES, PETSC_TRUE, PETSC_TRUE, 1e-6, singular, "Lower -ksp_rtol"));
  PetscCall(Unreachable(KSPLSQR, PETSC_FALSE, PETSC_FALSE, 0.5, "Lower -ksp_rtol", "dependent"));
  PetscCall(Unreachable(KSPGMRES, PETSC_FALSE, PETSC_FALSE, 0.5, "Lower -ksp_rtol", "singular"));
  PetscCall(Unreachable(KSPGMRES, PETSC_FALSE, PETSC_TRUE, 0.5, "Lower -ksp_rtol", "singular"));
  PetscCall(PetscFinalize());
  return 0;
}
