static char help[] =
    "Each rung of the ladder answers where the ones below it can not, is remembered, and is forgotten on reset.\n";

#include "support/fixtures.h"

/* Derivatives at two points with these options: the rung of the adjoint solves, and full vectors against references. */
static PetscErrorCode TestRung(const char options[], DiniRung expected, PetscInt setups)
{
  Transport      t;
  Vec            ubar, mbar, ref;
  DiniStatistics s;

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(TransportCreate(8, 7, &t));
  PetscCall(TransportDini(&t, DINIPARAMETERMATRIX));
  PetscCall(DiniTestVec(t.u, 1, &ubar));
  PetscCall(VecDuplicate(t.m, &mbar));
  PetscCall(VecDuplicate(t.m, &ref));
  for (PetscInt k = 0; k < 2; k++) {
    PetscInt its;

    PetscCall(VecShift(t.m, 0.2 * (PetscReal)k));
    PetscCall(DiniSolve(t.dini, t.u));
    PetscCall(DiniResetStatistics(t.dini));
    PetscCall(DiniVJP(t.dini, ubar, mbar));
    PetscCall(TransportReferenceVJP(&t, ubar, ref));
    PetscCall(DiniTestVecsClose(mbar, ref, 1e-8, options));
    PetscCall(DiniGetStatistics(t.dini, &s));
    DiniTestTrue(s.adjoint_rung == expected, "%s: answered on rung %s, expected %s", options, DiniRungs[s.adjoint_rung],
                 DiniRungs[expected]);
    DiniTestCount(s.rungs[expected], 1, "solves on the rung");
    if (setups >= 0) DiniTestCount(s.pc_setups, setups, "preconditioner set-ups of Dini's own");
    its = s.adjoint_iterations;
    /* the second gradient at a point begins where the first one ended: no rung below is tried, nothing is set up again */
    PetscCall(DiniVJP(t.dini, ubar, mbar));
    PetscCall(DiniTestVecsClose(mbar, ref, 1e-8, "second VJP"));
    PetscCall(DiniGetStatistics(t.dini, &s));
    DiniTestTrue(s.adjoint_iterations - its <= its, "%s: the second gradient takes more iterations than the first",
                 options);
    if (setups >= 0) DiniTestCount(s.pc_setups, setups, "set-ups after a second gradient");
  }
  PetscCall(DiniTestDotProduct(t.dini, 1e-8));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&ref));
  PetscCall(TransportDestroy(&t));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What does not lead to an answer is in the message, rung by rung; with the limit lifted the object serves again. */
static PetscErrorCode TestEnd(void)
{
  const char          options[] = "-pc_type jacobi -dini_adjoint_ksp_max_it 3 -dini_direct_max 0";
  Transport           t;
  Vec                 ubar, mbar, ref;
  DiniConvergedReason reason;

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(TransportCreate(8, 7, &t));
  PetscCall(TransportDini(&t, DINIPARAMETERMATRIX));
  PetscCall(DiniTestVec(t.u, 1, &ubar));
  PetscCall(VecDuplicate(t.m, &mbar));
  PetscCall(VecDuplicate(t.m, &ref));
  PetscCall(DiniSolve(t.dini, t.u));
  DiniTestExpect(DiniVJP(t.dini, ubar, mbar), PETSC_ERR_NOT_CONVERGED, "kept: DIVERGED_ITS after 3 iterations");
  DiniTestExpect(DiniVJP(t.dini, ubar, mbar), PETSC_ERR_NOT_CONVERGED, "untransposed: DIVERGED_ITS");
  DiniTestExpect(DiniVJP(t.dini, ubar, mbar), PETSC_ERR_NOT_CONVERGED, "explicit: DIVERGED_ITS");
  PetscCall(DiniSetErrorIfNotConverged(t.dini, PETSC_FALSE));
  PetscCall(DiniVJP(t.dini, ubar, mbar));
  PetscCall(DiniGetConvergedReason(t.dini, &reason));
  DiniTestTrue(reason == DINI_DIVERGED_ADJOINT, "Reason %d after a ladder without an end", (int)reason);
  PetscCall(DiniSetErrorIfNotConverged(t.dini, PETSC_TRUE));
  PetscCall(DiniSetDirectMax(t.dini, 1000));
  PetscCall(DiniVJP(t.dini, ubar, mbar));
  PetscCall(TransportReferenceVJP(&t, ubar, ref));
  PetscCall(DiniTestVecsClose(mbar, ref, 1e-8, "VJP by the last rung"));
  DiniTestExpect(DiniSetDirectMax(t.dini, -1), PETSC_ERR_ARG_OUTOFRANGE, "-1");
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&ref));
  PetscCall(TransportDestroy(&t));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The forward CG does not see that the boundary rows break the symmetry; the adjoint's CG would. */
static PetscErrorCode TestBrokenSymmetry(void)
{
  const PetscInt N = 40;
  Mat            A;
  KSP            ksp;
  PC             pc;
  Vec            b, u, ubar, mbar, ref, lambda;
  Dini           dini;
  PetscInt       lo, hi;
  PetscBool      right;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, 3, NULL, 2, NULL, &A));
  PetscCall(MatGetOwnershipRange(A, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) {
    if (i == 0 || i == N - 1) {
      PetscCall(MatSetValue(A, i, i, 1.0, INSERT_VALUES));
      continue;
    }
    PetscCall(MatSetValue(A, i, i, 2.1, INSERT_VALUES));
    PetscCall(MatSetValue(A, i, i - 1, -1.0, INSERT_VALUES));
    PetscCall(MatSetValue(A, i, i + 1, -1.0, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatCreateVecs(A, &u, &b));
  PetscCall(DiniTestFill(b, 4));
  if (lo == 0) PetscCall(VecSetValue(b, 0, 0.0, INSERT_VALUES)); /* boundary values as the initial guess has them */
  if (hi == N) PetscCall(VecSetValue(b, N - 1, 0.0, INSERT_VALUES));
  PetscCall(VecAssemblyBegin(b));
  PetscCall(VecAssemblyEnd(b));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &ksp));
  PetscCall(KSPSetOperators(ksp, A, A));
  PetscCall(KSPSetType(ksp, KSPCG));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCJACOBI));
  PetscCall(KSPSetTolerances(ksp, 1e-12, 1e-50, PETSC_DEFAULT, 1000));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetKSP(dini, ksp));
  PetscCall(DiniSetLinearSystem(dini, b, NULL, NULL));
  PetscCall(DiniAddParameter(dini, "b", b, NULL));
  PetscCall(DiniSetParameterType(dini, 0, DINIPARAMETERRHS));
  PetscCall(DiniSolve(dini, u));
  PetscCall(DiniTestVec(u, 5, &ubar));
  PetscCall(VecDuplicate(b, &mbar));
  PetscCall(VecDuplicate(b, &ref));
  PetscCall(VecDuplicate(b, &lambda));
  PetscCall(DiniVJP(dini, ubar, mbar));
  PetscCall(DiniTestDirectSolve(A, PETSC_TRUE, ubar, ref));
  PetscCall(DiniTestVecsClose(mbar, ref, 1e-8, "adjoint of a matrix with Dirichlet rows"));
  /* the matrix claims to be symmetric: CG fails, or finds a wrong lambda, and the ladder goes on */
  PetscCall(MatSetOption(A, PetscDefined(USE_COMPLEX) ? MAT_HERMITIAN : MAT_SYMMETRIC, PETSC_TRUE));
  PetscCall(DiniReset(dini));
  PetscCall(DiniSolve(dini, u));
  PetscCall(DiniTestCatch());
  ierr = DiniVJP(dini, ubar, mbar); /* or the guard finds the claim out, where PETSc's own products follow it */
  PetscCall(DiniTestRightOrError(ierr, mbar, ref, 1e-8, "adjoint of a matrix that claims to be symmetric", &right));
  DiniTestTrue(right || PetscDefined(USE_COMPLEX), "The false claim gives an error: %s", DiniTestMessages());
  PetscCall(DiniDestroy(&dini));
  PetscCall(KSPDestroy(&ksp));
  PetscCall(MatDestroy(&A));
  PetscCall(VecDestroy(&b));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&ref));
  PetscCall(VecDestroy(&lambda));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscBool has;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestRung("-pc_type bjacobi -sub_pc_type lu -ksp_type gmres", DINI_RUNG_KEPT, 0));
  PetscCall(TestRung("-pc_type jacobi -dini_adjoint_ksp_type cg -dini_adjoint_ksp_max_it 200 -dini_direct_max 0",
                     DINI_RUNG_GMRES, 0));
  PetscCall(TestRung("-pc_type sor", DINI_RUNG_UNTRANSPOSED, 0));
  PetscCall(TestRung("-pc_type gamg -mg_levels_pc_type sor", DINI_RUNG_UNTRANSPOSED, 0));
  PetscCall(TestRung("-pc_type bjacobi -sub_pc_type lu -dini_transpose explicit", DINI_RUNG_EXPLICIT, 1));
  PetscCall(TestRung("-pc_type gamg -dini_transpose explicit", DINI_RUNG_EXPLICIT, 1));
  PetscCall(TestRung("-pc_type jacobi -dini_adjoint_pc_type bjacobi", DINI_RUNG_EXPLICIT, 1));
  PetscCall(PetscHasExternalPackage("mumps", &has));
  if (has) PetscCall(TestRung("-pc_type jacobi -dini_adjoint_ksp_max_it 2", DINI_RUNG_DIRECT, -1));
  PetscCall(TestEnd());
  PetscCall(TestBrokenSymmetry());
  PetscCall(PetscFinalize());
  return 0;
}
