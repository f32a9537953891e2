/* A relation that has changed. */
#include "../private/diniimpl.h"

/* The solution belongs to a relation that has just changed. The next derivative needs a solve. */
PetscErrorCode DiniInvalidate_Private(Dini dini)
{
  PetscFunctionBegin;
  dini->stage   = DINI_STAGE_NEW;
  dini->guarded = PETSC_FALSE;
  dini->relation++;
  PetscCall(DiniJacobianReset_Private(dini));
  PetscCall(DiniParameterForget_Private(dini));
  PetscCall(PetscObjectStateIncrease((PetscObject)dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}
