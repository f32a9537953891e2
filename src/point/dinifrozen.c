/* When what is given is held against differences again: what is right at one point may have been frozen there. */
#include "../private/diniimpl.h"

/*
  A new point: at the second one, the fourth, the sixteenth ..., what is given is held against differences again, since what is
  right at the first point may have been frozen there
*/
PetscErrorCode DiniJacobianDue_Private(Dini dini)
{
  DiniJacobianSource *s = &dini->source;

  PetscFunctionBegin;
  s->newpoint = PETSC_TRUE;
  s->asks     = (PetscBool)(++s->points >= s->due);
  if (s->asks) s->due = s->points < 2 ? 2 : s->points < 4 ? 4 : 4 * s->points;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Has what is given the numbers of the point before, though u has moved? */
PetscErrorCode DiniJacobianSuspect_Private(Dini dini, Mat given, PetscBool *suspect)
{
  DiniJacobianSource *s   = &dini->source;
  uint64_t            sum = 0;

  PetscFunctionBegin;
  *suspect = PETSC_FALSE;
  if (!given || !dini->guard || dini->beside || !s->newpoint) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniVecSum_Private(dini->u, &sum));
  PetscCall(DiniSteady_Private(PetscObjectComm((PetscObject)dini),
                               (PetscBool)(dini->held.A == given && dini->held.known), sum, dini->held.sum, &s->steady,
                               suspect));
  PetscFunctionReturn(PETSC_SUCCESS);
}
