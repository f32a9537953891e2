/* J du = -F_m dm */
#include "../private/diniimpl.h"

PetscErrorCode DiniRuleJVP_Private(Dini dini, Vec dm, Vec du)
{
  PetscBool zero;

  PetscFunctionBegin;
  if (dini->ops->jvp) {
    PetscUseTypeMethod(dini, jvp, dm, du);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(DiniParameterApply_Private(dini, dm, dini->r, &zero));
  if (zero) PetscCall(VecSet(du, 0.0));
  else {
    PetscCall(VecScale(dini->r, -1.0));
    PetscCall(DiniEngineSolve_Private(dini, DINI_TANGENT, dini->r, du));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
