/* The same adjoint by PETSc's own transposed solve and by Dini. */
#include "table.h"

/* KSPSolveTranspose() with whatever the forward solve has left, as is commonly done; the caller's vectors are copies. */
static PetscErrorCode Naive(TableProblem *t, Vec lambda, PetscBool *claims, PetscBool *spoils)
{
  Vec                g, before;
  KSPConvergedReason reason;
  PetscReal          distance;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(t->ubar, &g));
  PetscCall(VecDuplicate(t->ubar, &before));
  PetscCall(VecCopy(t->ubar, g));
  PetscCall(VecConjugate(g));
  PetscCall(VecCopy(g, before));
  PetscCall(VecSet(lambda, 0.0));
  PetscCall(KSPSolveTranspose(t->ksp, g, lambda));
  PetscCall(KSPGetConvergedReason(t->ksp, &reason));
  PetscCall(DiniTestDistance(g, before, &distance));
  PetscCall(VecConjugate(lambda));
  PetscCall(VecDestroy(&g));
  PetscCall(VecDestroy(&before));
  *claims = (PetscBool)(reason > 0);
  *spoils = (PetscBool) !(distance == 0.0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TableSilent(const char problem[], const char options[], PetscBool attempt, PetscBool expected)
{
  TableProblem t;
  Vec          reference, mbar, naive;
  PetscBool    claims = PETSC_FALSE, spoils = PETSC_FALSE, wrong;
  PetscReal    distance;

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(TableProblemCreate(PETSC_COMM_WORLD, problem, &t));
  PetscCall(VecDuplicate(t.u, &reference));
  PetscCall(VecDuplicate(t.u, &naive));
  PetscCall(VecDuplicate(t.b, &mbar));
  PetscCall(TableReference(&t, reference));
  PetscCall(TableProblemSetSolver(&t));
  PetscCall(TableProblemSetDini(&t));
  PetscCall(VecSet(t.u, 0.0));
  PetscCall(DiniSolve(t.dini, t.u));
  if (attempt) PetscCall(Naive(&t, naive, &claims, &spoils));
  PetscCall(DiniTestDistance(naive, reference, &distance));
  wrong = (PetscBool) !(distance < 1e-3);
  if (claims && wrong && !expected)
    PetscCall(
        PetscPrintf(PETSC_COMM_WORLD, "PETSc's own solve is wrong by %g in this release too\n", (double)distance));
  if (attempt && !wrong) PetscCall(PetscPrintf(PETSC_COMM_WORLD, "PETSc's own solve is right in this release\n"));
  if (spoils) PetscCall(PetscPrintf(PETSC_COMM_WORLD, "PETSc's own solve overwrites the right-hand side\n"));
  if (attempt && expected)
    DiniTestTrue(claims && wrong, "PETSc's own solve is off by %g and %s", (double)distance,
                 claims ? "claims to have converged" : "says that it failed");
  for (int k = 0; k < 2; k++) {
    PetscCall(VecSet(mbar, NAN));
    PetscCall(DiniVJP(t.dini, t.ubar, mbar));
    PetscCall(DiniTestVecsClose(mbar, reference, 1e-8, options));
  }
  PetscCall(VecDestroy(&reference));
  PetscCall(VecDestroy(&naive));
  PetscCall(VecDestroy(&mbar));
  PetscCall(TableProblemDestroy(&t));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}
