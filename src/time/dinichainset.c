/* What a chain is told, and what it tells. Setters do no work. */
#include "../private/dinichainimpl.h"

/* Trajectories belong to what was set before */
PetscErrorCode DiniChainForget_Private(Dini dini, Dini_Chain *ctx)
{
  PetscFunctionBegin;
  for (int k = 0; k < DINI_CHAIN_TRAJECTORIES; k++) ctx->trajectory[k].valid = PETSC_FALSE;
  ctx->back.valid = PETSC_FALSE;
  ctx->recording  = PETSC_FALSE;
  PetscCall(DiniInvalidate_Private(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniChainAddPrevious(Dini dini, Dini_Chain *ctx, PetscInt block)
{
  PetscFunctionBegin;
  PetscCheck(block >= 0 && block < ctx->step->nparams, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_OUTOFRANGE,
             "%s: The step has no parameter %" PetscInt_FMT " to read an earlier state from: it has %" PetscInt_FMT
             " of them (DiniAddParameter())",
             DiniLabel_Private(dini), block, ctx->step->nparams);
  PetscCheck(ctx->nprevious < DINI_CHAIN_MOST, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_OUTOFRANGE,
             "%s: A step reads %d earlier states at most", DiniLabel_Private(dini), DINI_CHAIN_MOST);
  for (PetscInt k = 0; k < ctx->nprevious; k++)
    PetscCheck(ctx->previous[k] != block, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
               "%s: Parameter \"%s\" of the step can not be two of its earlier states", DiniLabel_Private(dini),
               ctx->step->params[block]->name);
  ctx->previous[ctx->nprevious++] = block;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives the step of a chain; the Dini becomes of type DINICHAIN.
  @level{beginner}

  Logically Collective. The state is that at the end of N steps, u_N. Parameters of the chain are added to it by
  DiniAddParameter() or DiniAddScalarParameter() with the Vec, or the variable, that the step has, and the initial state, where
  it is to be one, with the Vec of DiniSetChainInitial(). The chain sets the step's parameters as it goes, and solves it from the
  state before as its guess.

  A tangent costs one of each step, an adjoint one of each step, for all blocks together; second
  derivatives are differences of those between chains that are marched beside the point. All states are kept.

  @param[in] dini     the Dini
  @param[in] step     relation R(u_{n+1}; u_n, m) = 0 of one step, of any type, on the same communicator; referenced
  @param[in] previous number of its parameter block that holds u_n, of the layout of the state
  @return 0 or a PETSc error code; PETSC_ERR_ARG_OUTOFRANGE for a block that the step does not have

  @see DiniSetChainInitial(), DiniSetChainTimes(), DiniSetChainStep(), DiniAddChainHistory(), DiniChainBegin()
*/
PetscErrorCode DiniSetChain(Dini dini, Dini step, PetscInt previous)
{
  Dini_Chain *ctx;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscValidHeaderSpecific(step, DINI_CLASSID, 2);
  PetscCall(DiniIdle_Private(dini, "DiniSetChain()"));
  PetscCheck(step != dini, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_IDN,
             "%s: A chain can not be its own step; create another Dini for that", DiniLabel_Private(dini));
  PetscCall(DiniCheckComm_Private(dini, (PetscObject)step, "The step of the chain"));
  PetscCall(DiniSetType(dini, DINICHAIN));
  ctx = (Dini_Chain *)dini->data;
  PetscCall(PetscObjectReference((PetscObject)step));
  PetscCall(DiniDestroy(&ctx->step));
  ctx->step      = step;
  ctx->nprevious = 0;
  PetscCall(DiniChainAddPrevious(dini, ctx, previous));
  PetscCall(DiniReset(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Names a parameter block of the step that holds the state one step further back: u_{n-1}, then u_{n-2}, and so on.
  @level{intermediate}

  Logically Collective. For methods of several steps, and terms with a memory. Before u_0 there is u_0: the first steps are to use a
  formula that reads no more than there is (DiniSetChainStep()), or mean it.

  @param[in] dini  the Dini, after DiniSetChain()
  @param[in] block number of the step's block, of the layout of the state
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniAddChainHistory(Dini dini, PetscInt block)
{
  Dini_Chain *ctx;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniAddChainHistory()"));
  PetscCall(DiniChainGetOwn_Private(dini, "DiniAddChainHistory()", &ctx));
  PetscCall(DiniChainAddPrevious(dini, ctx, block));
  PetscCall(DiniReset(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives the state that a chain begins with.
  @level{beginner}

  Logically Collective. Added to the chain with DiniAddParameter(), this Vec makes the initial state a parameter.

  @param[in] dini the Dini, after DiniSetChain()
  @param[in] u0   the state at the first time; read at each DiniSolve(); referenced
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniSetChainInitial(Dini dini, Vec u0)
{
  Dini_Chain *ctx;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniSetChainInitial()"));
  PetscCall(DiniChainGet_Private(dini, "DiniSetChainInitial()", &ctx));
  PetscCheck(u0, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_NULL, "DiniSetChainInitial() got no Vec");
  PetscCall(DiniCheckComm_Private(dini, (PetscObject)u0, "The initial state"));
  PetscCall(PetscObjectReference((PetscObject)u0));
  PetscCall(VecDestroy(&ctx->u0));
  ctx->u0 = u0;
  PetscCall(DiniReset(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives the number of steps of a chain and their times.
  @level{beginner}

  Logically Collective. The times are handed to the callback of DiniSetChainStep(); a chain does not use them otherwise.

  @param[in] dini the Dini, after DiniSetChain()
  @param[in] n    number of steps, 1 at least
  @param[in] t    n + 1 times, the same on all ranks; copied. NULL: 0, 1, ..., n
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniSetChainTimes(Dini dini, PetscInt n, const PetscReal t[])
{
  Dini_Chain *ctx;
  PetscReal   mine[2] = {(PetscReal)n, -(PetscReal)n}, all[2];

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniSetChainTimes()"));
  PetscCall(DiniChainGetOwn_Private(dini, "DiniSetChainTimes()", &ctx));
  PetscCall(MPIU_Allreduce(mine, all, 2, MPIU_REAL, MPIU_MAX, PetscObjectComm((PetscObject)dini)));
  PetscCheck(n > 0 && all[0] == -all[1], PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_OUTOFRANGE,
             "%s: A chain has one step at least, and the same number on all ranks, and not %" PetscInt_FMT,
             DiniLabel_Private(dini), n);
  PetscCall(PetscFree(ctx->t));
  PetscCall(PetscMalloc1(n + 1, &ctx->t));
  for (PetscInt k = 0; k <= n; k++) ctx->t[k] = t ? t[k] : (PetscReal)k;
  ctx->N        = n;
  ctx->roomfort = n + 1;
  PetscCall(DiniChainForget_Private(dini, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Sets what is called before each step, to set times, step sizes, coefficients and whatever else the step reads.
  @level{beginner}

  Logically Collective. It is called before a step is solved, and again before it is differentiated, in any order of steps, and must
  leave everything that the step reads and is no parameter of it as it was when that step was solved.

  @param[in] dini the Dini, after DiniSetChain()
  @param[in] fn   the callback; NULL for none
  @param[in] ctx  context of fn, may be NULL
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniSetChainStep(Dini dini, DiniChainStepFn *fn, void *ctx)
{
  Dini_Chain *data;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniSetChainStep()"));
  PetscCall(DiniChainGetOwn_Private(dini, "DiniSetChainStep()", &data));
  data->fn    = fn;
  data->fnctx = ctx;
  PetscCall(DiniChainForget_Private(dini, data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Bounds how many states of a chain are kept; others are marched to again.
  @level{intermediate}

  Logically Collective. With s states, the initial one among them, a sweep back over N steps solves t(N, s) - (N - 1) of them again,
  t(n, s) = r n - C(s + r, s + 1) with the least r for which C(s + r, s) >= n: the least number there is (Griewank and Walther, ACM
  TOMS 26, 2000). A sweep forwards solves all N again. A step that reads several earlier states keeps as many Vecs in a
  checkpoint. Of a loop that is recorded, whose length nobody knows, every 2^k-th state is kept.

  @param[in] dini  the Dini, after DiniSetChain()
  @param[in] slots number of states; 0 (default): all
  @return 0 or a PETSc error code

  Option: `-dini_checkpoints`.

  @see DiniGetCheckpoints()
*/
PetscErrorCode DiniSetCheckpoints(Dini dini, PetscInt slots)
{
  Dini_Chain *ctx;
  PetscReal   mine[2] = {(PetscReal)slots, -(PetscReal)slots}, all[2];

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniSetCheckpoints()"));
  PetscCall(DiniChainGet_Private(dini, "DiniSetCheckpoints()", &ctx));
  PetscCall(MPIU_Allreduce(mine, all, 2, MPIU_REAL, MPIU_MAX, PetscObjectComm((PetscObject)dini)));
  PetscCheck(slots >= 0 && all[0] == -all[1], PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_OUTOFRANGE,
             "%s: A chain keeps one state at least, or with 0 all of them, the same number on all ranks, and not "
             "%" PetscInt_FMT,
             DiniLabel_Private(dini), slots);
  ctx->slots = slots;
  PetscCall(DiniReset(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Tells how many states of a chain are kept, and what that costs.
  @level{intermediate}

  Not Collective.

  @param[in]  dini  the Dini, after DiniSetChain()
  @param[out] slots number of states, 0 for all; may be NULL
  @param[out] again steps that a sweep back solves again; may be NULL
  @param[out] done  steps that have been solved again so far, in all sweeps; may be NULL
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniGetCheckpoints(Dini dini, PetscInt *slots, PetscReal *again, PetscInt64 *done)
{
  Dini_Chain *ctx;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniChainGet_Private(dini, "DiniGetCheckpoints()", &ctx));
  if (slots) *slots = ctx->slots;
  if (again) *again = DiniChainAgain_Private(ctx);
  if (done) *done = ctx->replays;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives the step of a chain.
  @level{intermediate}

  Not Collective.

  @param[in]  dini the Dini, after DiniSetChain()
  @param[out] step its step, not to be destroyed
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniGetChainStep(Dini dini, Dini *step)
{
  Dini_Chain *ctx;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniChainGet_Private(dini, "DiniGetChainStep()", &ctx));
  *step = ctx->step;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Tells how many steps a chain has.
  @level{intermediate}

  Not Collective.

  @param[in]  dini the Dini, after DiniSetChain()
  @param[out] n    their number: as set, or recorded so far
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniGetChainLength(Dini dini, PetscInt *n)
{
  Dini_Chain *ctx;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniChainGet_Private(dini, "DiniGetChainLength()", &ctx));
  *n = PetscMax(0, ctx->N - ctx->hidden);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives a state of the last DiniSolve(), or of the loop that was recorded.
  @level{beginner}

  Not Collective.

  @param[in]  dini the Dini
  @param[in]  n    number of the state: 0 is the initial one
  @param[out] t    its time; may be NULL
  @param[out] u    its values, not to be changed or destroyed; may be NULL
  @return 0 or a PETSc error code; PETSC_ERR_ARG_OUTOFRANGE for a state that is not there
*/
PetscErrorCode DiniGetChainState(Dini dini, PetscInt n, PetscReal *t, Vec *u)
{
  Dini_Chain           *ctx;
  const DiniTrajectory *point;
  PetscInt              at, steps;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniChainGet_Private(dini, "DiniGetChainState()", &ctx));
  point = &ctx->trajectory[0];
  steps = point->valid ? point->n - ctx->hidden : 0;
  PetscCheck(point->valid && n >= 0 && n <= steps, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_OUTOFRANGE,
             "%s: There is no state %" PetscInt_FMT " of the chain: it has %" PetscInt_FMT " steps that are solved",
             DiniLabel_Private(dini), n, steps);
  at = n > 0 ? n + ctx->hidden : 0;
  if (t) *t = ctx->t[at];
  if (u) {
    PetscCall(DiniTrajectoryState_Private(point, at, u));
    PetscCheck(*u, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_OUTOFRANGE,
               "%s: State %" PetscInt_FMT " of the chain has not been kept: it has %" PetscInt_FMT
               " checkpoints (DiniSetCheckpoints())",
               DiniLabel_Private(dini), n, ctx->slots);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
