static char help[] = "Without SLEPc -dini_condition says what it needs, and everything else works.\n";

#include "support/fixtures.h"

int main(int argc, char **argv)
{
  Cubic c;
  Vec   r, x;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(CubicCreate(5, 0.0, &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERMATRIX));
  PetscCall(PetscOptionsInsertString(NULL, "-dini_condition"));
  DiniTestExpect(DiniSetFromOptions(c.dini), PETSC_ERR_SUP, "-dini_condition needs SLEPc");
  PetscCall(DiniTestOptionsClear("-dini_condition"));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniTestVec(c.u, 3, &r));
  PetscCall(VecDuplicate(r, &x));
  PetscCall(DiniTangentSolve(c.dini, r, x));
  PetscCall(VecDestroy(&r));
  PetscCall(VecDestroy(&x));
  PetscCall(CubicDestroy(&c));
  PetscCall(PetscFinalize());
  return 0;
}
