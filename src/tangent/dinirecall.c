/*
  The last solve of each direction, remembered: the same right-hand side at the same point has the same solution. Compared by
  value, after the norms, which are known by then, have met; so one that is new costs no reduction, and two copies.
*/
#include "../private/diniengineimpl.h"

/* Nothing is remembered: another J or another point, or a solver that somebody wants to see at work */
PetscErrorCode DiniEngineForget_Private(Dini dini, DiniDirection direction)
{
  PetscFunctionBegin;
  dini->engine->last[direction].norm = 0.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEngineForgetAll_Private(Dini dini)
{
  PetscFunctionBegin;
  for (int d = 0; d < 2; d++) {
    PetscCall(DiniEngineForget_Private(dini, (DiniDirection)d));
    PetscCall(VecDestroy(&dini->engine->last[d].b));
    PetscCall(VecDestroy(&dini->engine->last[d].x));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x for b of this norm, where the last solve had the same b at this point and met as tight a tolerance */
PetscErrorCode DiniEngineRecall_Private(Dini dini, DiniDirection direction, Vec b, PetscReal norm, Vec x,
                                        PetscBool *known)
{
  DiniEngine      e    = dini->engine;
  const DiniLast *last = &e->last[direction];

  PetscFunctionBegin;
  *known = PETSC_FALSE;
  if (dini->linearsolve[direction])
    PetscFunctionReturn(PETSC_SUCCESS); /* what that would say is the application's to know */
  if (!(last->norm > 0.0) || norm != last->norm || last->point != dini->point || last->rtol > e->rtol[direction])
    PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecEqual(b, last->b, known));
  if (!*known) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecCopy(last->x, x));
  PetscCall(PetscObjectStateIncrease((PetscObject)x)); /* VecCopy() takes cached norms along, rank by rank */
  dini->lastrelative = last->relative;
  dini->lasterror    = last->error;
  dini->lastkind     = last->kind;
  dini->reason       = direction == DINI_TANGENT ? DINI_CONVERGED_TANGENT : DINI_CONVERGED_ADJOINT;
  dini->recalled     = PETSC_TRUE;
  dini->stats.recalls++;
  PetscCall(PetscInfo(dini, "%s solve: the right-hand side is the last one's, and so is the solution\n",
                      DiniOperations[DINI_OPERATION_TANGENT + direction]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEngineRemember_Private(Dini dini, DiniDirection direction, Vec b, Vec x,
                                          const DiniSolveStatus *status)
{
  DiniLast *last = &dini->engine->last[direction];

  PetscFunctionBegin;
  last->norm = 0.0;
  if (!status->good) PetscFunctionReturn(PETSC_SUCCESS);
  if (!last->b) PetscCall(VecDuplicate(dini->u, &last->b));
  if (!last->x) PetscCall(VecDuplicate(dini->u, &last->x));
  PetscCall(VecCopy(b, last->b));
  PetscCall(VecCopy(x, last->x));
  last->norm     = status->bnorm;
  last->relative = status->relative;
  last->error    = status->error;
  last->kind     = dini->lastkind;
  last->rtol     = dini->engine->rtol[direction];
  last->point    = dini->point;
  PetscFunctionReturn(PETSC_SUCCESS);
}
