static char help[] =
    "A relative tolerance that a start far away has met, without a solution: refused, and cured by -dini_polish.\n";

#include "support/fixedmap.h"

static PetscErrorCode Start(Cubic *c, PetscReal from, PetscReal rtol)
{
  PetscFunctionBeginUser;
  PetscCall(SNESSetTolerances(c->snes, 1e-50, rtol, 0.0, 100, 10000));
  PetscCall(VecSet(c->u, from));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestSNES(PetscReal from, PetscReal rtol)
{
  Cubic          c;
  Vec            ubar, mbar, exact;
  DiniStatistics s;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(6, DiniTestScalar(0.5, 0.0), &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERRHS));
  PetscCall(DiniTestVec(c.u, 5, &ubar));
  PetscCall(VecDuplicate(c.m, &mbar));
  PetscCall(VecDuplicate(c.m, &exact));
  PetscCall(Start(&c, 0.0, 1e-13));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniVJP(c.dini, ubar, exact));
  PetscCall(Start(&c, from, rtol));
  PetscCall(DiniSolve(c.dini, c.u));
  DiniTestExpect(DiniVJP(c.dini, ubar, mbar), PETSC_ERR_NOT_CONVERGED, "-dini_polish, start nearer");
  DiniTestExpect(DiniJVP(c.dini, mbar, ubar), PETSC_ERR_ORDER, "no solution to differentiate at");
  PetscCall(DiniSetPolish(c.dini, PETSC_TRUE));
  PetscCall(Start(&c, from, rtol));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniVJP(c.dini, ubar, mbar));
  PetscCall(DiniGetStatistics(c.dini, &s));
  PetscCall(DiniTestVecsClose(mbar, exact, 10.0 * s.gradient_error, "gradient of a polished state"));
  DiniTestTrue(s.polishes_accepted >= 1, "%" PetscInt_FMT " polishes", s.polishes_accepted);
  PetscCall(DiniSetPolish(c.dini, PETSC_FALSE)); /* whoever wants it as it is says so */
  PetscCall(DiniSetAttachTolerances(c.dini, 1.0, PETSC_DEFAULT));
  PetscCall(Start(&c, from, rtol));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniVJP(c.dini, ubar, mbar));
  PetscCall(DiniGetStatistics(c.dini, &s));
  DiniTestTrue(s.gradient_error > 10.0 * rtol, "an accepted state is said to be good to %g", (double)s.gradient_error);
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&exact));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestSNES(1e2, 1e-8));
  PetscCall(TestSNES(30.0, 1e-6));
  PetscCall(PetscFinalize());
  return 0;
}
