/* J^H lambda = ubar,  mbar = -F_m^H lambda */
#include "../private/diniimpl.h"
#include <math.h>

PetscErrorCode DiniRuleVJP_Private(Dini dini, Vec ubar, Vec mbar, PetscBool *good)
{
  PetscReal unit;

  PetscFunctionBegin;
  if (dini->ops->vjp) {
    PetscUseTypeMethod(dini, vjp, ubar, mbar);
    *good = PETSC_TRUE; /* or an error */
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (dini->guess) PetscCall(VecCopy(dini->guess, dini->lambda));
  PetscCall(DiniLinearSolveUnit_Private(dini, DINI_ADJOINT, ubar, dini->lambda, (PetscBool)(dini->guess != NULL), &unit,
                                        good));
  if (!*good) PetscCall(VecSet(mbar, NAN)); /* lambda is NaN: keep it away from the application's code */
  else {
    PetscCall(dini->lastnorm > 0.0 ? DiniParameterGradient_Private(dini, dini->lambda, mbar)
                                   : DiniParameterApplyAdjoint_Private(dini, dini->lambda, mbar));
    PetscCall(VecScale(mbar, -1.0));
    if (unit != 1.0 && dini->call) dini->call->ahead.normed = NULL;
    PetscCall(DiniScaleBack_Private(dini, unit, mbar, "The result mbar"));
    if (unit != 1.0) PetscCall(VecScale(dini->lambda, unit));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
