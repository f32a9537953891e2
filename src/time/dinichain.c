/*
  DINICHAIN: the state at the end of a chain of implicit steps, F(u, m) = u - u_N(u_0, m). J is the identity, and products with
  F_m are sweeps along the steps (dinisweep.c), so that every rule for other relations holds for this one: second derivatives
  are differences of first ones between chains that are marched at parameters beside the point.
*/
#include "../private/dinichainimpl.h"

PetscErrorCode DiniChainGet_Private(Dini dini, const char call[], Dini_Chain **ctx)
{
  PetscBool is;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompareAny((PetscObject)dini, &is, DINICHAIN, DINITS, ""));
  PetscCheck(is, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "%s goes with DiniSetChain() or DiniSetTS(); call one of them first", call);
  *ctx = (Dini_Chain *)dini->data;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* For what is a TS's own to decide */
PetscErrorCode DiniChainGetOwn_Private(Dini dini, const char call[], Dini_Chain **ctx)
{
  PetscFunctionBegin;
  PetscCall(DiniChainGet_Private(dini, call, ctx));
  PetscCheck(
      !(*ctx)->ts, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
      "%s: %s does not go with DiniSetTS(): steps and times are those that the TS takes, which are recorded as it "
      "goes",
      DiniLabel_Private(dini), call);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* With a step at hand */
PetscErrorCode DiniChainSetUp_Private(Dini dini, Dini_Chain *ctx)
{
  PetscFunctionBegin;
  PetscCall(DiniSetUp(ctx->step));
  PetscCall(DiniChainMap_Private(dini, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniSetUp_Chain(Dini dini)
{
  Dini_Chain *ctx = (Dini_Chain *)dini->data;

  PetscFunctionBegin;
  PetscCheck(ctx->step, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "%s, of type \"chain\", has no step; call DiniSetChain()", DiniLabel_Private(dini));
  PetscCheck(
      ctx->u0, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
      "%s, of type \"chain\", has no state to begin with; call DiniSetChainInitial(), or record a loop of your own "
      "with DiniChainBegin()",
      DiniLabel_Private(dini));
  PetscCheck(ctx->N > 0, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "%s, of type \"chain\", does not know its steps; call DiniSetChainTimes(), or record a loop of your own "
             "with DiniChainBegin()",
             DiniLabel_Private(dini));
  PetscCall(DiniChainSetUp_Private(dini, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniSolve_Chain(Dini dini, Vec u, DiniForwardResult *result)
{
  Dini_Chain     *ctx   = (Dini_Chain *)dini->data;
  DiniTrajectory *point = &ctx->trajectory[0];
  PetscBool       converged;
  Vec             last;

  PetscFunctionBegin;
  PetscCall(DiniChainApart_Private(dini, ctx, u, "The state u"));
  PetscCheck(u != ctx->u0, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_IDN,
             "%s: The state u is the initial state, which would be lost in a solve; give DiniSolve() a Vec of its own",
             DiniLabel_Private(dini));
  PetscCall(DiniChainMarch_Private(dini, ctx, point, &converged));
  result->its = point->n;
  if (!converged) {
    result->why = ctx->why;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(DiniTrajectoryState_Private(point, ctx->N, &last));
  PetscCall(VecCopy(last, u));
  PetscCall(PetscObjectStateIncrease((PetscObject)u)); /* VecCopy() takes cached norms along, rank by rank */
  result->reason = DINI_CONVERGED_FORWARD;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F = u - u_N; NaN where a step has no solution, as outside of the domain of any other F */
PetscErrorCode DiniResidual_Chain(Dini dini, Vec u, Vec F)
{
  Dini_Chain     *ctx = (Dini_Chain *)dini->data;
  DiniTrajectory *here;
  PetscBool       converged;
  Vec             last;

  PetscFunctionBegin;
  PetscCall(DiniChainFind_Private(dini, ctx, &here, &converged));
  if (converged) PetscCall(DiniTrajectoryState_Private(here, ctx->N, &last));
  if (converged) PetscCall(VecWAXPY(F, -1.0, last, u));
  else PetscCall(VecSet(F, (PetscScalar)NAN));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniIdentityMult(Mat J, Vec x, Vec y)
{
  PetscFunctionBegin;
  (void)J;
  PetscCall(VecCopy(x, y));
  PetscCall(PetscObjectStateIncrease((PetscObject)y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniJacobian_Chain(Dini dini, Vec u, Mat *J, Mat *P)
{
  Dini_Chain *ctx = (Dini_Chain *)dini->data;

  PetscFunctionBegin;
  (void)u;
  if (!ctx->J) {
    PetscCall(MatCreateShell(PetscObjectComm((PetscObject)dini), dini->n, dini->n, dini->N, dini->N, dini, &ctx->J));
    PetscCall(MatShellSetOperation(ctx->J, MATOP_MULT, (void (*)(void))DiniIdentityMult));
    PetscCall(MatShellSetOperation(ctx->J, MATOP_MULT_TRANSPOSE, (void (*)(void))DiniIdentityMult));
  }
  *J = *P = ctx->J;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The trajectory of the new point comes first, where no other one takes its place; those beside the point before go */
static PetscErrorCode DiniPoint_Chain(Dini dini)
{
  Dini_Chain     *ctx = (Dini_Chain *)dini->data;
  DiniTrajectory *here, first = ctx->trajectory[0];
  PetscBool       converged;

  PetscFunctionBegin;
  PetscCall(DiniChainFind_Private(dini, ctx, &here, &converged));
  if (here != &ctx->trajectory[0]) {
    ctx->trajectory[0] = *here;
    *here              = first;
  }
  for (PetscInt p = 0; p < dini->nparams; p++) dini->params[p]->carried = 0.0;
  for (int k = 1; k < DINI_CHAIN_TRAJECTORIES; k++) PetscCall(DiniTrajectoryDestroy_Private(&ctx->trajectory[k]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniView_Chain(Dini dini, PetscViewer viewer)
{
  Dini_Chain *ctx    = (Dini_Chain *)dini->data;
  PetscInt    states = 0;

  PetscFunctionBegin;
  for (int k = 0; k < DINI_CHAIN_TRAJECTORIES; k++) states += ctx->trajectory[k].size;
  PetscCall(PetscViewerASCIIPrintf(
      viewer, "chain: %" PetscInt_FMT " steps, each reads %" PetscInt_FMT " earlier states\n", ctx->N, ctx->nprevious));
  if (ctx->N > 0)
    PetscCall(PetscViewerASCIIPrintf(viewer, "  times: from %g to %g\n", (double)ctx->t[0], (double)ctx->t[ctx->N]));
  if (ctx->slots)
    PetscCall(PetscViewerASCIIPrintf(viewer,
                                     "  checkpoints: %" PetscInt_FMT
                                     ", so that a sweep back solves %g steps again; %" PetscInt64_FMT
                                     " have been, in all sweeps\n",
                                     ctx->slots, (double)DiniChainAgain_Private(ctx), ctx->replays));
  else PetscCall(PetscViewerASCIIPrintf(viewer, "  states kept: all, in %" PetscInt_FMT " Vecs\n", states));
  if (ctx->step) {
    PetscCall(PetscViewerASCIIPrintf(viewer, "  step:\n"));
    PetscCall(PetscViewerASCIIPushTab(viewer));
    PetscCall(DiniView(ctx->step, viewer));
    PetscCall(PetscViewerASCIIPopTab(viewer));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniSetFromOptions_Chain(Dini dini, DiniOptionItems PetscOptionsObject)
{
  Dini_Chain *ctx   = (Dini_Chain *)dini->data;
  PetscInt    slots = ctx->slots;
  PetscBool   set;

  PetscFunctionBegin;
  PetscCall(PetscOptionsInt("-dini_checkpoints", "States of a chain that are kept, 0 for all", "DiniSetCheckpoints",
                            slots, &slots, &set));
  if (set && slots != ctx->slots) PetscCall(DiniSetCheckpoints(dini, slots));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniReset_Chain(Dini dini)
{
  Dini_Chain *ctx = (Dini_Chain *)dini->data;

  PetscFunctionBegin;
  for (int k = 0; k < DINI_CHAIN_TRAJECTORIES; k++) PetscCall(DiniTrajectoryDestroy_Private(&ctx->trajectory[k]));
  PetscCall(DiniChainUnmap_Private(ctx));
  PetscCall(VecDestroy(&ctx->flat));
  PetscCall(VecDestroy(&ctx->bar));
  for (int k = 0; k < 2; k++) PetscCall(VecDestroy(&ctx->w[k]));
  for (int k = 0; k < DINI_CHAIN_MOST; k++) PetscCall(VecDestroy(&ctx->window[k]));
  PetscCall(VecDestroy(&ctx->next));
  for (int k = 0; k <= DINI_CHAIN_MOST; k++) PetscCall(VecDestroy(&ctx->pending[k]));
  PetscCall(MatDestroy(&ctx->J));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniDestroy_Chain(Dini dini)
{
  Dini_Chain *ctx = (Dini_Chain *)dini->data;

  PetscFunctionBegin;
  PetscCall(DiniReset_Chain(dini));
  PetscCall(DiniDestroy(&ctx->step));
  PetscCall(VecDestroy(&ctx->u0));
  PetscCall(PetscFree(ctx->t));
  PetscCall(DiniObservationsDestroy_Private(ctx));
  PetscCall(PetscFree(dini->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniCreate_Chain(Dini dini)
{
  Dini_Chain *ctx;

  PetscFunctionBegin;
  PetscCall(PetscNew(&ctx));
  dini->data                = ctx;
  dini->ops->setup          = DiniSetUp_Chain;
  dini->ops->solve          = DiniSolve_Chain;
  dini->ops->residual       = DiniResidual_Chain;
  dini->ops->jacobian       = DiniJacobian_Chain;
  dini->ops->point          = DiniPoint_Chain;
  dini->ops->parametermult  = DiniParameterMult_Chain;
  dini->ops->setfromoptions = DiniSetFromOptions_Chain;
  dini->ops->view           = DiniView_Chain;
  dini->ops->reset          = DiniReset_Chain;
  dini->ops->destroy        = DiniDestroy_Chain;
  PetscFunctionReturn(PETSC_SUCCESS);
}
