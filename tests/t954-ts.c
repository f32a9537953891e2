static char help[] = "A TS as it is: methods, forms of the equation and masses, against differences of TSSolve().\n";

#include "support/stepping.h"

typedef struct {
  const char  *options;
  SteppingForm form;
  SteppingMass mass;
} Case;

static const Case cases[] = {
    {"-ts_type beuler", STEPPING_IMPLICIT, STEPPING_ONE},
    {"-ts_type beuler", STEPPING_RHS, STEPPING_ONE},
    {"-ts_type beuler", STEPPING_BOTH, STEPPING_DIAGONAL},
    {"-ts_type beuler", STEPPING_COLOURED, STEPPING_DIAGONAL},
    {"-ts_type beuler", STEPPING_IMPLICIT, STEPPING_STATE},
    {"-ts_type beuler", STEPPING_IMPLICIT, STEPPING_SINGULAR},
    {"-ts_type beuler", STEPPING_COLOURED, STEPPING_STATE},
    {"-ts_type cn", STEPPING_IMPLICIT, STEPPING_ONE},
    {"-ts_type cn", STEPPING_RHS, STEPPING_ONE},
    {"-ts_type cn", STEPPING_BOTH, STEPPING_DIAGONAL},
    {"-ts_type cn", STEPPING_COLOURED, STEPPING_ONE},
    {"-ts_type theta -ts_theta_theta 0.5", STEPPING_IMPLICIT, STEPPING_STATE},
    {"-ts_type theta -ts_theta_theta 0.7", STEPPING_RHS, STEPPING_ONE},
    {"-ts_type theta -ts_theta_theta 0.6", STEPPING_BOTH, STEPPING_DIAGONAL},
    {"-ts_type theta -ts_theta_theta 0.6 -ts_theta_endpoint", STEPPING_RHS, STEPPING_ONE},
    {"-ts_type theta -ts_theta_theta 0.5", STEPPING_COLOURED, STEPPING_STATE},
    {"-ts_type bdf -ts_bdf_order 1", STEPPING_IMPLICIT, STEPPING_ONE},
    {"-ts_type bdf -ts_bdf_order 2", STEPPING_RHS, STEPPING_ONE},
    {"-ts_type bdf -ts_bdf_order 2", STEPPING_IMPLICIT, STEPPING_STATE},
    {"-ts_type bdf -ts_bdf_order 3", STEPPING_BOTH, STEPPING_DIAGONAL},
    {"-ts_type bdf -ts_bdf_order 4", STEPPING_IMPLICIT, STEPPING_SINGULAR},
    {"-ts_type bdf -ts_bdf_order 5", STEPPING_COLOURED, STEPPING_ONE},
    {"-ts_type bdf -ts_bdf_order 6", STEPPING_IMPLICIT, STEPPING_DIAGONAL},
};

static PetscErrorCode TestCase(const Case *c)
{
  char     options[256], what[300];
  Stepping s;
  Vec      dm, du, expected, again;

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(options, sizeof(options), "%s -ts_adapt_type none", c->options));
  PetscCall(PetscSNPrintf(what, sizeof(what), "%s, form %d, mass %d", c->options, (int)c->form, (int)c->mass));
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(SteppingCreate(c->form, c->mass, &s));
  PetscCall(VecDuplicate(s.u, &du));
  PetscCall(VecDuplicate(s.u, &again));
  PetscCall(VecDuplicate(s.u, &expected));
  PetscCall(DiniCreateParameterVec(s.dini, &dm));
  PetscCall(DiniTestFill(dm, 6));
  PetscCall(SteppingDifferences(&s, dm, 1e-3, expected));
  PetscCall(SteppingSolve(&s, s.u)); /* the application's own */
  PetscCall(DiniAttach(s.dini, s.u));
  PetscCall(DiniJVP(s.dini, dm, du));
  PetscCall(DiniTestVecsClose(du, expected, 1e-8, what));
  PetscCall(DiniTestDotProduct(s.dini, 1e-10));
  PetscCall(DiniSolve(s.dini, again));
  PetscCall(DiniTestVecsClose(again, s.u, 1e-14, what));
  PetscCall(DiniJVP(s.dini, dm, du));
  PetscCall(DiniTestVecsClose(du, expected, 1e-8, what));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&again));
  PetscCall(VecDestroy(&expected));
  PetscCall(SteppingDestroy(&s));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(cases); i++) PetscCall(TestCase(&cases[i]));
  PetscCall(PetscFinalize());
  return 0;
}
