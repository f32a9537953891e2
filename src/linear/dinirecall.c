/*
  The last solve of each direction, remembered: the same right-hand side at the same point has the same solution. Compared by
  value, after the norms, which are known by then, have met; so one that is new costs no reduction, and two copies.
*/
#include "../private/diniengineimpl.h"

/* Nothing is remembered: another J or another point, or a solver that somebody wants to see at work */
PetscErrorCode DiniEngineForget_Private(DiniEngine e, DiniDirection direction)
{
  PetscFunctionBegin;
  e->last[direction].norm = 0.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEngineForgetAll_Private(DiniEngine e)
{
  PetscFunctionBegin;
  for (int d = 0; d < 2; d++) {
    PetscCall(DiniEngineForget_Private(e, (DiniDirection)d));
    PetscCall(VecDestroy(&e->last[d].b));
    PetscCall(VecDestroy(&e->last[d].x));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x for b of this norm, where the last solve had the same b at this point and met as tight a tolerance */
PetscErrorCode DiniEngineRecall_Private(DiniEngine e, DiniDirection direction, Vec b, PetscReal norm, Vec x,
                                        DiniSolveResult *result, PetscBool *known)
{
  const DiniLast *last = &e->last[direction];

  PetscFunctionBegin;
  *known = PETSC_FALSE;
  if (!(last->norm > 0.0) || norm != last->norm || last->point != e->point || last->rtol > e->rtol[direction])
    PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecEqual(b, last->b, known));
  if (!*known) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecCopy(last->x, x));
  PetscCall(PetscObjectStateIncrease((PetscObject)x)); /* VecCopy() takes cached norms along, rank by rank */
  result->relative = last->relative;
  result->error    = last->error;
  result->kind     = last->kind;
  PetscCall(PetscInfo(e, "%s solve: the right-hand side is the last one's, and so is the solution\n",
                      DiniOperations[DINI_OPERATION_TANGENT + direction]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEngineRemember_Private(DiniEngine e, DiniDirection direction, Vec b, Vec x,
                                          const DiniSolveResult *result)
{
  DiniLast *last = &e->last[direction];

  PetscFunctionBegin;
  last->norm = 0.0;
  if (!result->good) PetscFunctionReturn(PETSC_SUCCESS);
  if (!last->b) PetscCall(VecDuplicate(e->u, &last->b));
  if (!last->x) PetscCall(VecDuplicate(e->u, &last->x));
  PetscCall(VecCopy(b, last->b));
  PetscCall(VecCopy(x, last->x));
  last->norm     = result->bnorm;
  last->relative = result->relative;
  last->error    = result->error;
  last->kind     = result->kind;
  last->rtol     = e->rtol[direction];
  last->point    = e->point;
  PetscFunctionReturn(PETSC_SUCCESS);
}
