/*
  What a TS comes to, as it goes: a monitor hears of each accepted state. BDF methods begin with half a step of backward Euler, of which
  no monitor hears: its state is that of the last but one solve in the first step.
*/
#include "../private/dinitsimpl.h"

static PetscErrorCode DiniTSListenerDestroy(DiniMonitorDestroyArgument address)
{
  DiniTSListener *listener = *(DiniTSListener **)address;

  PetscFunctionBegin;
  if (!--listener->refs) PetscCall(PetscFree(listener));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static DiniTS *DiniTSHeard(void *ctx)
{
  const DiniTSListener *listener = (DiniTSListener *)ctx;

  return listener->dini ? ((Dini_Chain *)listener->dini->data)->ts : NULL;
}

/* Iterates of the first step: the last one of each solve is its solution */
static PetscErrorCode DiniTSHearIterate(SNES snes, PetscInt its, PetscReal fnorm, void *ctx)
{
  DiniTS *data = DiniTSHeard(ctx);
  Vec     u, older;

  PetscFunctionBegin;
  (void)fnorm;
  if (!data || !data->follows) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(SNESGetSolution(snes, &u));
  if (!data->latest) {
    PetscCall(VecDuplicate(u, &data->latest));
    PetscCall(VecDuplicate(u, &data->half));
  }
  if (its == 0) {
    older        = data->half;
    data->half   = data->latest;
    data->latest = older;
    data->iterates++;
  }
  PetscCall(VecCopy(u, data->latest));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Step 0, or one at which the application goes on */
static PetscErrorCode DiniTSHearBegin(Dini dini, Dini_Chain *ctx, PetscInt step, PetscReal t, Vec u)
{
  DiniTS      *data = ctx->ts;
  SNES         snes;
  DiniTSMethod method;
  PetscBool    renewed;

  PetscFunctionBegin;
  if (!data->solving) PetscCall(DiniChainForget_Private(dini, ctx));
  PetscCall(DiniTSGetMethod_Private(dini, data->ts, &method));
  PetscCall(DiniTSRenewed_Private(data, &renewed));
  if (renewed || method.bdf != data->method.bdf || method.order != data->method.order)
    PetscCall(DiniTSUnbuild_Private(ctx));
  data->method = method;
  if (!ctx->nprevious) ctx->nprevious = method.order > 1 ? method.order + 1 : 1;
  PetscCall(DiniChainBegin_Private(dini, ctx, t, u));
  ctx->hidden        = method.order > 1;
  data->interpolated = data->jumped = PETSC_FALSE;
  data->iterates                    = 0;
  data->follows                     = (PetscBool)(method.bdf && method.order > 1);
  data->step                        = step;
  if (step == 0) {
    data->t0 = t;
    PetscCall(TSGetTimeStep(data->ts, &data->dt0));
    data->starts = PETSC_TRUE;
  }
  if (!data->follows || data->listener->refs > 2) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TSGetSNES(data->ts, &snes));
  PetscCall(SNESMonitorSet(snes, DiniTSHearIterate, data->listener, DiniTSListenerDestroy));
  data->listener->refs++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same step again, as after an event: has its state been changed? */
static PetscErrorCode DiniTSHearAgain(Dini_Chain *ctx, PetscReal t, Vec u)
{
  PetscBool same;
  Vec       last;

  PetscFunctionBegin;
  PetscCall(DiniTrajectoryState_Private(&ctx->trajectory[0], ctx->N, &last));
  PetscCall(VecEqual(last, u, &same));
  if (same || ctx->ts->jumped) PetscFunctionReturn(PETSC_SUCCESS);
  ctx->ts->jumped = PETSC_TRUE;
  ctx->ts->jump   = t;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniTSHear(TS ts, PetscInt step, PetscReal t, Vec u, void *listener)
{
  Dini        dini = ((DiniTSListener *)listener)->dini;
  Dini_Chain *ctx;
  DiniTS     *data = DiniTSHeard(listener);

  PetscFunctionBegin;
  if (!data || data->ts != ts) PetscFunctionReturn(PETSC_SUCCESS);
  ctx = (Dini_Chain *)dini->data;
  if (step < 0) {
    data->interpolated = PETSC_TRUE;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (ctx->recording && step == data->step && (step > 0 || t == ctx->t[ctx->N])) {
    PetscCall(DiniTSHearAgain(ctx, t, u));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (!ctx->recording || step != data->step + 1) {
    PetscCall(DiniTSHearBegin(dini, ctx, step, t, u));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (data->follows) {
    data->follows = PETSC_FALSE;
    PetscCheck(data->iterates > 1, PetscObjectComm((PetscObject)ts), PETSC_ERR_SUP,
               "%s: The solver of the TS does not tell of the half step that BDF begins with: leave its monitors alone",
               DiniLabel_Private(dini));
    PetscCall(DiniChainRecord_Private(dini, ctx, 0.5 * (ctx->t[0] + t), data->half));
  }
  PetscCall(DiniChainRecord_Private(dini, ctx, t, u));
  data->step = step;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From now on, as long as both are there */
PetscErrorCode DiniTSListen_Private(Dini dini, TS ts)
{
  DiniTS *data = ((Dini_Chain *)dini->data)->ts;

  PetscFunctionBegin;
  if (data->listener) { /* of another TS before */
    data->listener->dini = NULL;
    if (!--data->listener->refs) PetscCall(PetscFree(data->listener));
  }
  PetscCall(PetscNew(&data->listener));
  data->listener->dini = dini;
  data->listener->refs = 2;
  PetscCall(TSMonitorSet(ts, DiniTSHear, data->listener, DiniTSListenerDestroy));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What has been heard is a trajectory of the parameters as they are */
PetscErrorCode DiniTSFinish_Private(Dini dini, Dini_Chain *ctx)
{
  DiniTS *data = ctx->ts;

  PetscFunctionBegin;
  PetscCheck(
      ctx->recording && ctx->N > 0, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
      "%s: No step of the TS has been recorded: it takes none, or its monitors have been cancelled since DiniSetTS() "
      "(-ts_monitor_cancel)",
      DiniLabel_Private(dini));
  PetscCheck(!data->interpolated, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
             "%s: The final state of the TS is interpolated, so that it solves no step; choose "
             "TSSetExactFinalTime(ts, TS_EXACTFINALTIME_MATCHSTEP), or -ts_exact_final_time matchstep",
             DiniLabel_Private(dini));
  PetscCheck(!data->jumped, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
             "%s: The state has been changed at t = %g, between two steps of the TS, as by an event: that is not "
             "differentiated",
             DiniLabel_Private(dini), (double)data->jump);
  PetscCall(DiniTSBuild_Private(dini, ctx));
  PetscCall(DiniChainRecorded_Private(dini, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}
