/*
  Calls from inside calls. A callback of the application may call the Dini that called it: a monitor that takes a gradient,
  say. Results belong to the call, so a call from inside another one works in vectors of its own, to the tolerances that the
  application has set, and leaves the outer one as it was.

  Doors tell where that can be. While a callback runs in which nothing is half done, its door is open; elsewhere (a residual
  beside the point, a product inside a Krylov method) it is shut, and a call from there is refused. Nothing from inside a call
  may move its point, change its relation or free its Dini.
*/
#include "../private/diniimpl.h"

#define DINI_MAX_NESTING 4

/* Every vector in which a call works */
static PetscErrorCode DiniWork(Dini dini, Vec *work[DINI_MAX_WORK], int *n)
{
  PetscFunctionBegin;
  *n           = 0;
  work[(*n)++] = &dini->r;
  work[(*n)++] = &dini->lambda;
  work[(*n)++] = &dini->w[0];
  work[(*n)++] = &dini->w[1];
  work[(*n)++] = &dini->c;
  PetscCall(DiniFilterWork_Private(dini, work, n));
  PetscCall(DiniEngineWork_Private(dini->engine, work, n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniPutAside(Dini dini, DiniCall *call)
{
  Vec *work[DINI_MAX_WORK];
  int  n = 0;

  PetscFunctionBegin;
  PetscCall(DiniWork(dini, work, &n));
  for (int i = 0; i < n; i++) {
    call->work[i] = *work[i];
    if (*work[i]) PetscCall(VecDuplicate(call->work[i], work[i]));
  }
  call->lastnorm     = dini->lastnorm;
  call->lastrelative = dini->lastrelative;
  call->lasterror    = dini->lasterror;
  call->lastrung     = dini->lastrung;
  call->lastunit     = dini->lastunit;
  call->lastkind     = dini->lastkind;
  call->erroriffail  = dini->erroriffail;
  call->hessianrtol  = dini->hessian.rtol;
  call->guess        = dini->guess;
  dini->erroriffail  = dini->errorasked;
  dini->hessian.rtol = 0.0;
  dini->guess        = NULL;
  PetscCall(DiniEngineUseTolerances_Private(dini->engine, 0.0, 0.0, &call->tolerances));
  call->aside = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What was not there before stays: it is no work of the outer call's */
static PetscErrorCode DiniTakeBack(Dini dini, DiniCall *call)
{
  Vec *work[DINI_MAX_WORK];
  int  n = 0;

  PetscFunctionBegin;
  PetscCall(DiniWork(dini, work, &n));
  for (int i = 0; i < n; i++) {
    if (!call->work[i]) continue;
    PetscCall(VecDestroy(work[i]));
    *work[i] = call->work[i];
  }
  dini->lastnorm     = call->lastnorm;
  dini->lastrelative = call->lastrelative;
  dini->lasterror    = call->lasterror;
  dini->lastrung     = call->lastrung;
  dini->lastunit     = call->lastunit;
  dini->lastkind     = call->lastkind;
  dini->erroriffail  = call->erroriffail;
  dini->hessian.rtol = call->hessianrtol;
  dini->guess        = call->guess;
  PetscCall(DiniEngineRestoreTolerances_Private(dini->engine, &call->tolerances));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A call named `what` begins. Inside another one it needs a door; at the top it has all it wants. */
PetscErrorCode DiniBegin_Private(Dini dini, const char what[], DiniDoor needs, DiniCall *call)
{
  const PetscBool inside = (PetscBool)(dini->call || dini->visitor);
  const DiniDoor  door   = dini->door;

  PetscFunctionBegin;
  if (inside && needs > door) PetscCall(DiniIdle_Private(dini, what));
  if (inside && needs == DINI_DOOR_DERIVATIVES) dini->visits++;
  PetscCall(PetscMemzero(call, sizeof(*call)));
  if (!inside) dini->calls++;
  call->what    = what;
  call->outer   = dini->call;
  call->visitor = dini->visitor;
  call->door    = door;
  call->depth   = inside ? (dini->call ? dini->call->depth : 0) + 1 : 0;
  PetscCheck(
      call->depth <= DINI_MAX_NESTING, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONGSTATE,
      "%s: %s has been called from inside %d calls, each from a callback of the one before: a callback that calls "
      "itself",
      DiniLabel_Private(dini), what, call->depth);
  if (inside && needs == DINI_DOOR_DERIVATIVES) PetscCall(DiniPutAside(dini, call));
  dini->call    = call;
  dini->visitor = NULL;
  dini->door    = DINI_DOOR_SHUT;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEnd_Private(Dini dini, DiniCall *call)
{
  PetscFunctionBegin;
  dini->call    = call->outer;
  dini->visitor = call->visitor;
  dini->door    = call->door;
  if (call->aside) PetscCall(DiniTakeBack(dini, call));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is the call under way one from inside a callback? */
PetscBool DiniNested_Private(Dini dini)
{
  return (PetscBool)(dini->call && dini->call->depth > 0);
}

/* Refuses `what` while a callback of a call of this Dini is running. */
PetscErrorCode DiniIdle_Private(Dini dini, const char what[])
{
  const char *visitor = dini->visitor ? dini->visitor : "a callback";
  PetscBool   begins;

  PetscFunctionBegin;
  if (!dini->call && !dini->visitor) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscStrncmp(visitor, "The ", 4, &begins)); /* as errors of its own begin */
  SETERRQ(PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONGSTATE,
          "%s: %s has been called from inside %s%s%s%s of the same Dini, which can not go on with what it would leave "
          "behind; call it when that has returned%s",
          DiniLabel_Private(dini), what, begins ? "the " : "", visitor + (begins ? 4 : 0), dini->call ? " during " : "",
          dini->call ? dini->call->what : "",
          dini->door == DINI_DOOR_SHUT ? ", or from a monitor (DiniMonitorSet()) where it is a derivative" : "");
}
