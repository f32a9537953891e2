static char help[] = "Is J regular? What asks that in an adjoint solve preconditions with M^H, as the solve before it: "
                     "M may be of no use\n"
                     "there, and would cost more than the gradient.\n";

#include "support/fixtures.h"

/* How often M and M^H have been applied after the first adjoint solve */
static PetscErrorCode First(const char guard[], PetscInt *applies, PetscInt *transposes)
{
  Cubic      c;
  CountingPC count;
  KSP        ksp;
  PC         pc;
  Vec        ubar, lambda;

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(guard));
  PetscCall(CubicCreate(12, 0.5, &c));
  PetscCall(SNESGetKSP(c.snes, &ksp));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(CountingPCSet(pc, &count));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERMATRIX));
  PetscCall(DiniTestVec(c.u, 5, &ubar));
  PetscCall(VecDuplicate(c.u, &lambda));
  PetscCall(DiniSolve(c.dini, c.u));
  count.applies = count.transposes = 0;
  PetscCall(DiniAdjointSolve(c.dini, ubar, lambda));
  *applies    = count.applies;
  *transposes = count.transposes;
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&lambda));
  PetscCall(CubicDestroy(&c));
  PetscCall(CountingPCDestroy(&count));
  PetscCall(DiniTestOptionsClear(guard));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscInt with[2], without[2];

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(First("-dini_guard 1", &with[0], &with[1]));
  PetscCall(First("-dini_guard 0", &without[0], &without[1]));
  DiniTestCount(with[0], without[0], "applications of M");
  DiniTestTrue(with[1] > without[1],
               "M^H has been applied %" PetscInt_FMT " times, and %" PetscInt_FMT " without a guard", with[1],
               without[1]);
  PetscCall(PetscFinalize());
  return 0;
}
