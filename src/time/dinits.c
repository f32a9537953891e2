/*
  DINITS: a TS of an application as it is. Its steps are those of a chain: what the TS comes to is recorded as it goes, whoever calls
  TSSolve(), and the relation of a step is made of the TS's own callbacks (dinitsstep.c), so that each recorded state is held against
  its residual before it is differentiated.
*/
#include "../private/dinitsimpl.h"

PetscErrorCode DiniTSGetMethod_Private(Dini dini, TS ts, DiniTSMethod *method)
{
  PetscBool theta, bdf;
  TSType    type;

  PetscFunctionBegin;
  *method = (DiniTSMethod){.order = 1, .theta = 1.0};
  PetscCall(TSGetType(ts, &type));
  PetscCall(PetscObjectTypeCompareAny((PetscObject)ts, &theta, TSBEULER, TSTHETA, TSCN, ""));
  PetscCall(PetscObjectTypeCompare((PetscObject)ts, TSBDF, &bdf));
  PetscCheck(theta || bdf, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
             "%s: A TS of type %s is not differentiated; those of types beuler, theta, cn and bdf are. Choose one with "
             "-ts_type, or record a loop of your own (DiniSetChain())",
             DiniLabel_Private(dini), type ? type : "not set");
  method->bdf = bdf;
  if (bdf) PetscCall(TSBDFGetOrder(ts, &method->order));
  else {
    PetscCall(TSThetaGetTheta(ts, &method->theta));
    PetscCall(TSThetaGetEndpoint(ts, &method->endpoint));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The application may not have chosen a type yet */
static PetscErrorCode DiniSetUp_TS(Dini dini)
{
  Dini_Chain *ctx = (Dini_Chain *)dini->data;

  PetscFunctionBegin;
  PetscCheck(ctx->ts->ts, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "%s, of type \"ts\", has no TS; call DiniSetTS()", DiniLabel_Private(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From where it starts, which is where it was when it began with step 0 */
static PetscErrorCode DiniTSRewind(DiniTS *data)
{
  PetscInt step;

  PetscFunctionBegin;
  PetscCall(TSGetStepNumber(data->ts, &step));
  if (step == 0 || !data->starts) {
    PetscCall(TSGetTime(data->ts, &data->t0));
    PetscCall(TSGetTimeStep(data->ts, &data->dt0));
    data->starts = PETSC_TRUE;
  }
  PetscCall(TSSetStepNumber(data->ts, 0));
  PetscCall(TSSetTime(data->ts, data->t0));
  PetscCall(TSSetTimeStep(data->ts, data->dt0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniSolve_TS(Dini dini, Vec u, DiniForwardResult *result)
{
  Dini_Chain       *ctx  = (Dini_Chain *)dini->data;
  DiniTS           *data = ctx->ts;
  TSConvergedReason reason;
  PetscErrorCode    failed;

  PetscFunctionBegin;
  PetscCheck(
      ctx->u0, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
      "%s, of type \"ts\", has no state to begin with; call DiniSetChainInitial(), or TSSolve() and DiniAttach()",
      DiniLabel_Private(dini));
  PetscCheck(u != ctx->u0, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_IDN,
             "%s: The state u is the initial state, which would be lost in a solve; give DiniSolve() a Vec of its own",
             DiniLabel_Private(dini));
  for (int k = 0; k < DINI_CHAIN_TRAJECTORIES; k++) ctx->trajectory[k].valid = PETSC_FALSE;
  ctx->recording = PETSC_FALSE;
  PetscCall(VecCopy(ctx->u0, u));
  PetscCall(PetscObjectStateIncrease((PetscObject)u));
  PetscCall(DiniTSRewind(data));
  PetscCall(TSSetErrorIfStepFails(data->ts, PETSC_FALSE)); /* an optimiser comes back from a trial that fails */
  data->solving = PETSC_TRUE;
  failed        = TSSolve(data->ts, u);
  data->solving = PETSC_FALSE;
  PetscCall(TSSetErrorIfStepFails(data->ts, PETSC_TRUE));
  PetscCall(failed);
  PetscCall(TSGetStepNumber(data->ts, &result->its));
  PetscCall(TSGetConvergedReason(data->ts, &reason));
  result->why     = TSConvergedReasons[reason];
  result->options = "ts";
  if (reason < 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniTSFinish_Private(dini, ctx));
  result->reason = DINI_CONVERGED_FORWARD;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the application's own TSSolve() has come to becomes a trajectory when somebody asks for its residual */
static PetscErrorCode DiniResidual_TS(Dini dini, Vec u, Vec F)
{
  Dini_Chain *ctx = (Dini_Chain *)dini->data;

  PetscFunctionBegin;
  if (ctx->recording && !ctx->ts->solving) PetscCall(DiniTSFinish_Private(dini, ctx));
  PetscCheck(ctx->step, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "%s: No step of the TS has been recorded; call TSSolve() after DiniSetTS(), or DiniSolve()",
             DiniLabel_Private(dini));
  PetscCall(DiniResidual_Chain(dini, u, F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniView_TS(Dini dini, PetscViewer viewer)
{
  const DiniTS *data = ((Dini_Chain *)dini->data)->ts;
  TSType        type = NULL;

  PetscFunctionBegin;
  if (data->ts) PetscCall(TSGetType(data->ts, &type));
  PetscCall(PetscViewerASCIIPrintf(viewer, "forward solver: TS %s\n", type ? type : "not set"));
  if (data->method.bdf)
    PetscCall(
        PetscViewerASCIIPrintf(viewer, "  differentiated as BDF of order %" PetscInt_FMT "\n", data->method.order));
  else
    PetscCall(PetscViewerASCIIPrintf(viewer, "  differentiated as theta method with theta = %g%s\n",
                                     (double)data->method.theta, data->method.endpoint ? ", at the end points" : ""));
  PetscCall((*data->view)(dini, viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniReset_TS(Dini dini)
{
  Dini_Chain *ctx = (Dini_Chain *)dini->data;

  PetscFunctionBegin;
  PetscCall((*ctx->ts->reset)(dini));
  PetscCall(DiniTSUnbuild_Private(ctx));
  ctx->recording = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniDestroy_TS(Dini dini)
{
  Dini_Chain *ctx                 = (Dini_Chain *)dini->data;
  DiniTS     *data                = ctx->ts;
  PetscErrorCode (*destroy)(Dini) = data->destroy;

  PetscFunctionBegin;
  PetscCall(DiniReset_TS(dini));
  if (data->listener) {
    data->listener->dini = NULL;
    if (!--data->listener->refs) PetscCall(PetscFree(data->listener));
  }
  PetscCall(TSDestroy(&data->ts));
  PetscCall(PetscFree(ctx->ts));
  PetscCall((*destroy)(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniCreate_TS(Dini dini)
{
  Dini_Chain *ctx;

  PetscFunctionBegin;
  PetscCall(DiniCreate_Chain(dini));
  ctx = (Dini_Chain *)dini->data;
  PetscCall(PetscNew(&ctx->ts));
  ctx->place          = DiniTSPlace_Private;
  ctx->guess          = DiniTSGuess_Private;
  ctx->ts->view       = dini->ops->view;
  ctx->ts->reset      = dini->ops->reset;
  ctx->ts->destroy    = dini->ops->destroy;
  dini->ops->setup    = DiniSetUp_TS;
  dini->ops->solve    = DiniSolve_TS;
  dini->ops->residual = DiniResidual_TS;
  dini->ops->view     = DiniView_TS;
  dini->ops->reset    = DiniReset_TS;
  dini->ops->destroy  = DiniDestroy_TS;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Makes the TS that an application runs the solver behind a Dini, of type DINITS.
  @level{beginner}

  Collective. The state is that at the end of the TS's steps, as a function of the parameters and of the initial state. The TS is
  left as it is: each step that it takes is recorded by a monitor, whether the application calls TSSolve(), and then DiniAttach()
  with the state at the end, or DiniSolve() does, from the Vec of DiniSetChainInitial(). Steps of an adaptive TS are those that it
  has accepted, and are constants in derivatives. What is said of chains holds: objectives and observations in time,
  checkpoints, initial states as parameters.

  A parameter is added to the Dini alone. Its derivative is taken by differences of the TS's residual; J and what a step reads
  of earlier states come of TSSetIJacobian() and TSSetRHSJacobian(), else of differences too.

  Types beuler, theta, cn and bdf, with any mass: F(t, u, du/dt) = G(t, u) as the TS has it. Each state is held against the
  residual of its step before that is differentiated, so that what a TS does besides (events that change the state, a
  final state that is interpolated) is an error that names the step.

  @param[in] dini the Dini
  @param[in] ts   solver with its residual set; referenced
  @return 0 or a PETSc error code; PETSC_ERR_SUP, when derivatives are first asked for, for a TS of another type

  Options: `-step_` begins those of the solver that solves a step again, and of its Dini: `-step_snes_rtol`, `-step_dini_reuse`.

  @see DiniSetChainInitial(), DiniAddChainObservation(), DiniSetCheckpoints(), DiniGetChainState()
*/
PetscErrorCode DiniSetTS(Dini dini, TS ts)
{
  Dini_Chain *ctx;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniSetTS()"));
  PetscCheck(ts, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_NULL, "DiniSetTS() got no TS");
  PetscCall(DiniCheckComm_Private(dini, (PetscObject)ts, "The TS"));
  PetscCall(DiniSetType(dini, DINITS));
  ctx = (Dini_Chain *)dini->data;
  PetscCall(DiniReset(dini));
  if (ctx->ts->ts == ts) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscObjectReference((PetscObject)ts));
  PetscCall(TSDestroy(&ctx->ts->ts));
  ctx->ts->ts     = ts;
  ctx->ts->starts = PETSC_FALSE;
  PetscCall(DiniTSListen_Private(dini, ts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives the TS behind a Dini.
  @level{intermediate}

  Not Collective.

  @param[in]  dini the Dini
  @param[out] ts   the TS, NULL when the Dini is of another type
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniGetTS(Dini dini, TS *ts)
{
  PetscBool is;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(PetscObjectTypeCompare((PetscObject)dini, DINITS, &is));
  *ts = is ? ((Dini_Chain *)dini->data)->ts->ts : NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}
