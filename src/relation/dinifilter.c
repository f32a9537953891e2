/* The filter of the object, where it has one: entries that a bound holds follow it, and the rest solves F = 0. */
#include "../private/diniimpl.h"

PetscErrorCode DiniFilterDestroy_Private(Dini dini)
{
  PetscFunctionBegin;
  if (dini->filter) PetscCall((*dini->filter->destroy)(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniFilterNatural_Private(Dini dini, Vec u, Vec F, PetscReal scale)
{
  PetscFunctionBegin;
  if (dini->filter) PetscCall((*dini->filter->natural)(dini, u, F, scale));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniFilterRemember_Private(Dini dini)
{
  PetscFunctionBegin;
  if (dini->filter) PetscCall((*dini->filter->remember)(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniFilterUnchanged_Private(Dini dini)
{
  PetscFunctionBegin;
  if (dini->filter) PetscCall((*dini->filter->unchanged)(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniFilterDiffers_Private(Dini dini, PetscBool *differs)
{
  PetscFunctionBegin;
  *differs = PETSC_FALSE;
  if (dini->filter) PetscCall((*dini->filter->differs)(dini, differs));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniFilterShifted_Private(Dini dini, DiniParameter par)
{
  PetscFunctionBegin;
  if (dini->filter) PetscCall((*dini->filter->shifted)(dini, par));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniFilterGuard_Private(Dini dini, PetscBool again)
{
  PetscFunctionBegin;
  if (dini->filter) PetscCall((*dini->filter->guard)(dini, again));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniFilterReduce_Private(Dini dini, Mat *J, Mat *P)
{
  PetscFunctionBegin;
  if (dini->filter) PetscCall((*dini->filter->reduce)(dini, J, P));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniFilterFull_Private(Dini dini, Mat *J, Mat *P)
{
  PetscFunctionBegin;
  if (dini->filter) PetscCall((*dini->filter->full)(dini, J, P));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniFilterProject_Private(Dini dini, Vec v)
{
  PetscFunctionBegin;
  if (dini->filter) PetscCall((*dini->filter->project)(dini, v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniFilterPart_Private(Dini dini, Vec v, Vec *part)
{
  PetscFunctionBegin;
  *part = v;
  if (dini->filter) PetscCall((*dini->filter->part)(dini, v, part));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniFilterTangent_Private(Dini dini, Vec m, Vec dm, Vec y, PetscBool *zero)
{
  PetscFunctionBegin;
  if (dini->filter) PetscCall((*dini->filter->tangent)(dini, m, dm, y, zero));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniFilterAdjoint_Private(Dini dini, Vec m, Vec lambda, Vec part, Vec mbar)
{
  PetscFunctionBegin;
  if (dini->filter) PetscCall((*dini->filter->adjoint)(dini, m, lambda, part, mbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniFilterStep_Private(Dini dini, Vec u, Vec F)
{
  PetscFunctionBegin;
  if (dini->filter) PetscCall((*dini->filter->step)(dini, u, F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniFilterView_Private(Dini dini, PetscViewer viewer)
{
  PetscFunctionBegin;
  if (dini->filter) PetscCall((*dini->filter->view)(dini, viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniFilterWork_Private(Dini dini, Vec *work[DINI_MAX_WORK], int *n)
{
  PetscFunctionBegin;
  if (dini->filter) PetscCall((*dini->filter->work)(dini, work, n));
  PetscFunctionReturn(PETSC_SUCCESS);
}
