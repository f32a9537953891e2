/* -dini_check: the checks before the first derivative. */
#include "../private/diniimpl.h"

static PetscErrorCode DiniFirstDerivative_Check(Dini dini)
{
  PetscFunctionBegin;
  PetscCall(DiniCheck(dini, dini->checkviewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const DiniFeature DiniFeatureCheck = {.name = "check", .firstderivative = DiniFirstDerivative_Check};
