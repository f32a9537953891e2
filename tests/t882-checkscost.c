static char help[] =
    "What the checks cost at a point like others: three residuals, no solve but the gradient's, no set-up.\n";

#include "support/fixedmap.h"

static const char *const events[2] = {"KSPSolve", "PCSetUp"};

static PetscErrorCode Counts(PetscInt counts[2])
{
  PetscFunctionBeginUser;
  for (int k = 0; k < 2; k++) PetscCall(DiniTestEvent(events[k], &counts[k]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Points 3 and 5: the errors of 1 (state and gradient), 2 and 4 have been measured */
static PetscErrorCode Points(DiniType type)
{
  Cubic          c;
  Vec            ubar, mbar;
  PetscInt       before[2], after[2];
  DiniStatistics s;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(8, 0.5, &c));
  PetscCall(CubicDini(&c, type, DINIPARAMETERRHS));
  PetscCall(SNESSetTolerances(c.snes, 1e-50, 1e-12, 0.0, 50, 1000));
  PetscCall(DiniTestVec(c.u, 5, &ubar));
  PetscCall(VecDuplicate(c.m, &mbar));
  for (int point = 1; point <= 5; point++) {
    PetscCall(VecShift(c.m, 0.01));
    PetscCall(DiniSolve(c.dini, c.u));
    PetscCall(DiniResetStatistics(c.dini));
    PetscCall(Counts(before));
    PetscCall(DiniVJP(c.dini, ubar, mbar));
    PetscCall(Counts(after));
    PetscCall(DiniGetStatistics(c.dini, &s));
    if (point != 3 && point != 5) continue;
    DiniTestCount(s.residuals, 3, "residuals at a point"); /* two beside it, for what is declared of the block */
    DiniTestCount(s.jacobian_assemblies, 1, "assemblies of J");
    DiniTestCount(s.pc_setups, 0, "set-ups");
    DiniTestCount(s.tangent_solves, 0, "tangent solves");
    DiniTestCount(after[0] - before[0], 1, "linear solves");
    DiniTestCount(after[1] - before[1], 0, "PCSetUp");
    PetscCall(Counts(before));
    PetscCall(VecScale(ubar, 1.1));
    PetscCall(DiniVJP(c.dini, ubar, mbar)); /* another one at the point: its own solve, and nothing else */
    PetscCall(Counts(after));
    PetscCall(DiniGetStatistics(c.dini, &s));
    DiniTestCount(s.residuals, 3, "residuals after a second gradient");
    DiniTestCount(after[0] - before[0], 1, "linear solves in a second gradient");
  }
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscLogDefaultBegin());
  PetscCall(Points(DINISNES));
  PetscCall(PetscFinalize());
  return 0;
}
