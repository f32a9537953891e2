/* A loop of the application's own, recorded state by state. */
#include "../private/dinichainimpl.h"

/* t[n] = t, where there are n steps so far */
static PetscErrorCode DiniChainTimes(Dini_Chain *ctx, PetscInt n, PetscReal t)
{
  PetscReal *times;

  PetscFunctionBegin;
  if (n >= ctx->roomfort) {
    ctx->roomfort = PetscMax(16, 2 * n);
    PetscCall(PetscMalloc1(ctx->roomfort, &times));
    if (n > 0) PetscCall(PetscArraycpy(times, ctx->t, n));
    PetscCall(PetscFree(ctx->t));
    ctx->t = times;
  }
  ctx->t[n] = t;
  ctx->N    = n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From u at t on */
PetscErrorCode DiniChainBegin_Private(Dini dini, Dini_Chain *ctx, PetscReal t, Vec u)
{
  PetscFunctionBegin;
  PetscCall(DiniCheckComm_Private(dini, (PetscObject)u, "The initial state"));
  if (!ctx->u0) PetscCall(VecDuplicate(u, &ctx->u0));
  if (u != ctx->u0) PetscCall(VecCopy(u, ctx->u0));
  PetscCall(PetscObjectStateIncrease((PetscObject)ctx->u0));
  PetscCall(DiniChainTimes(ctx, 0, t));
  PetscCall(DiniTrajectoryBegin_Private(ctx, &ctx->trajectory[0], u));
  ctx->recording = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The next state, u at t */
PetscErrorCode DiniChainRecord_Private(Dini dini, Dini_Chain *ctx, PetscReal t, Vec u)
{
  PetscInt n, N;

  PetscFunctionBegin;
  PetscCall(VecGetLocalSize(ctx->u0, &n));
  PetscCall(VecGetSize(ctx->u0, &N));
  PetscCall(DiniCheckLayout_Private(dini, u, n, N, "The recorded state", "the initial state"));
  PetscCall(DiniChainTimes(ctx, ctx->N + 1, t));
  PetscCall(DiniTrajectoryAppend_Private(dini, ctx, &ctx->trajectory[0], u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* They are a trajectory, of the parameters as they are */
PetscErrorCode DiniChainRecorded_Private(Dini dini, Dini_Chain *ctx)
{
  PetscFunctionBegin;
  ctx->recording = PETSC_FALSE;
  PetscCall(DiniParameterPull_Private(ctx->step)); /* scalars of its own, as the application has them */
  PetscCall(DiniChainStamp_Private(dini, ctx, &ctx->trajectory[0].stamp));
  ctx->trajectory[0].valid = PETSC_TRUE;
  ctx->trajectory[0].used  = ++ctx->clock;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Begins to record a loop of the application's own.
  @level{beginner}

  Collective. In place of DiniSolve(): the application marches as it always did, and hands over each state.

  @param[in] dini the Dini, after DiniSetChain()
  @param[in] t    the time at the beginning
  @param[in] u    the state there; copied, into the Vec of DiniSetChainInitial() where there is one
  @return 0 or a PETSc error code

  @see DiniChainRecord(), DiniChainEnd()
*/
PetscErrorCode DiniChainBegin(Dini dini, PetscReal t, Vec u)
{
  Dini_Chain *ctx;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniChainBegin()"));
  PetscCall(DiniChainGetOwn_Private(dini, "DiniChainBegin()", &ctx));
  PetscCall(DiniCheckComm_Private(dini, (PetscObject)u, "The initial state"));
  PetscCall(DiniChainForget_Private(dini, ctx));
  PetscCall(DiniChainBegin_Private(dini, ctx, t, u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Records a state that the application's loop has accepted.
  @level{beginner}

  Collective.

  @param[in] dini the Dini, after DiniChainBegin()
  @param[in] t    the time of this state
  @param[in] u    the state, which solves the step from the one before; copied
  @return 0 or a PETSc error code; PETSC_ERR_ORDER without DiniChainBegin(), PETSC_ERR_ARG_SIZ for another layout
*/
PetscErrorCode DiniChainRecord(Dini dini, PetscReal t, Vec u)
{
  Dini_Chain *ctx;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniChainRecord()"));
  PetscCall(DiniChainGetOwn_Private(dini, "DiniChainRecord()", &ctx));
  PetscCheck(ctx->recording, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "%s: No loop is being recorded; call DiniChainBegin()", DiniLabel_Private(dini));
  PetscCall(DiniChainRecord_Private(dini, ctx, t, u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Ends a loop that has been recorded: its last state is the point of differentiation.
  @level{beginner}

  Collective. The states belong to the parameters as they are now. Each is held against the residual of its step before
  that is differentiated: one that does not solve it is an error that names the step.

  @param[in] dini the Dini, after DiniChainBegin() and DiniChainRecord()
  @return 0 or a PETSc error code; PETSC_ERR_ORDER where nothing has been recorded

  @see DiniJVP(), DiniVJP(), DiniComputeObjectiveAndGradient()
*/
PetscErrorCode DiniChainEnd(Dini dini)
{
  Dini_Chain *ctx;
  Vec         u, last;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniChainEnd()"));
  PetscCall(DiniChainGetOwn_Private(dini, "DiniChainEnd()", &ctx));
  PetscCheck(ctx->recording && ctx->N > 0, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "%s: No step has been recorded; call DiniChainBegin(), and DiniChainRecord() after each step",
             DiniLabel_Private(dini));
  PetscCall(DiniSetUp(dini));
  PetscCall(DiniParameterPull_Private(dini));
  PetscCall(DiniParameterPush_Private(dini));
  PetscCall(DiniChainRecorded_Private(dini, ctx));
  PetscCall(DiniTrajectoryState_Private(&ctx->trajectory[0], ctx->N, &last));
  PetscCall(VecDuplicate(last, &u));
  PetscCall(VecCopy(last, u));
  PetscCall(PetscObjectStateIncrease((PetscObject)u));
  PetscCall(DiniAttach(dini, u));
  PetscCall(VecDestroy(&u));
  PetscFunctionReturn(PETSC_SUCCESS);
}
