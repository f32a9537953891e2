static char help[] =
    "SuperLU_DIST solves with A when asked for A^T, and reports success. Dini's adjoint is right or an error.\n\
One factorisation a process: Debian's build crashes at a second one, in plain PETSc as well.\n";

#include "support/fixtures.h"

int main(int argc, char **argv)
{
  Linear         l;
  PC             pc;
  Vec            ubar, mbar, lambda;
  PetscBool      has, right;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscHasExternalPackage("superlu_dist", &has));
  if (has) {
    PetscCall(LinearCreate(12, &l));
    PetscCall(DiniCreate(PETSC_COMM_WORLD, &l.dini));
    PetscCall(KSPSetType(l.ksp, KSPPREONLY));
    PetscCall(KSPGetPC(l.ksp, &pc));
    PetscCall(PCSetType(pc, PCLU));
    PetscCall(PCFactorSetMatSolverType(pc, MATSOLVERSUPERLU_DIST));
    PetscCall(DiniSetKSP(l.dini, l.ksp));
    PetscCall(DiniSetLinearSystem(l.dini, l.b, NULL, NULL));
    PetscCall(DiniAddParameter(l.dini, "b", l.b, NULL));
    PetscCall(DiniSetParameterType(l.dini, 0, DINIPARAMETERRHS));
    PetscCall(DiniSetFromOptions(l.dini));
    PetscCall(DiniSolve(l.dini, l.u));
    PetscCall(DiniTestVec(l.u, 1, &ubar));
    PetscCall(VecDuplicate(l.b, &mbar));
    PetscCall(VecDuplicate(l.u, &lambda));
    PetscCall(DiniTestDirectSolve(l.A, PETSC_TRUE, ubar, lambda));
    PetscCall(DiniTestCatch());
    ierr = DiniVJP(l.dini, ubar, mbar);
    PetscCall(DiniTestRightOrError(ierr, mbar, lambda, 1e-9, "superlu_dist", &right));
    PetscCall(VecDestroy(&ubar));
    PetscCall(VecDestroy(&mbar));
    PetscCall(VecDestroy(&lambda));
    PetscCall(LinearDestroy(&l));
  }
  PetscCall(PetscFinalize());
  return 0;
}
