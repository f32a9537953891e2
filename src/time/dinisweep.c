/*
  Products with F_m = -du_N/dm of a chain. With the step's J_n = dR/du_{n+1}, and its derivatives A_{n,k} to u_{n-k} and B_n to m,

    J_n du_{n+1} = -sum over k of A_{n,k} du_{n-k} - B_n dm                       forwards, from du_0, and

    J_n^H lambda_{n+1} = ubar_{n+1},  ubar_{n-k} -= A_{n,k}^H lambda_{n+1},  mbar -= B_n^H lambda_{n+1}     back, from ubar_N:

  one tangent or adjoint of the step each, at the states of the trajectory, whose residuals are looked at on the way.
*/
#include "../private/dinichainimpl.h"

#define NOISY 1e-4 /* whatever steps tell of themselves: differences of products that are worse tell nothing */

/* The step at u_{n+1} = next. What has been recorded and does not solve it is an error that names it */
PetscErrorCode DiniChainAttach_Private(Dini dini, Dini_Chain *ctx, const Vec window[], PetscInt n, Vec next)
{
  PetscBool      accepted = PETSC_FALSE;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(DiniChainPlace_Private(dini, ctx, window, n));
  PetscCall(VecCopy(next, ctx->w[0]));
  PetscCall(PetscObjectStateIncrease((PetscObject)ctx->w[0]));
  PetscCall(DiniSetErrorIfNotConverged(ctx->step,
                                       PETSC_FALSE)); /* the error that it would raise does not know which step it is */
  failed = DiniAttach_Private(ctx->step, ctx->w[0], &accepted);
  PetscCall(DiniSetErrorIfNotConverged(ctx->step, PETSC_TRUE));
  PetscCall(failed);
  PetscCheck(
      accepted, PetscObjectComm((PetscObject)dini), PETSC_ERR_NOT_CONVERGED,
      "%s: Step %" PetscInt_FMT " of %" PetscInt_FMT ", from t = %g, is not solved by the state that follows it in the "
      "trajectory. Something that the step reads has changed since, which is no parameter of the chain and is not "
      "set by DiniSetChainStep(); or what has been recorded is another state",
      DiniLabel_Private(dini), n, ctx->N, (double)ctx->t[n]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The oldest of pending becomes the newest, and zero */
static PetscErrorCode DiniSweepRotate(Dini_Chain *ctx, PetscBool forwards)
{
  Vec *v = ctx->pending, moved = v[forwards ? ctx->nprevious : 0];

  PetscFunctionBegin;
  if (forwards)
    for (PetscInt k = ctx->nprevious; k > 0; k--) v[k] = v[k - 1];
  else
    for (PetscInt k = 0; k < ctx->nprevious; k++) v[k] = v[k + 1];
  v[forwards ? 0 : ctx->nprevious] = moved;
  PetscCall(VecSet(moved, 0.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The window of the chain's own at u_0 */
static PetscErrorCode DiniSweepInitial(Dini_Chain *ctx)
{
  PetscFunctionBegin;
  for (PetscInt k = 0; k < ctx->nprevious; k++) {
    PetscCall(VecCopy(ctx->u0, ctx->window[k]));
    PetscCall(PetscObjectStateIncrease((PetscObject)ctx->window[k]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* next = u_{n+1}, which is not kept, by another solve */
static PetscErrorCode DiniSweepAgain(Dini dini, Dini_Chain *ctx, PetscInt n)
{
  PetscBool converged;

  PetscFunctionBegin;
  PetscCall(DiniChainAdvance_Private(dini, ctx, ctx->window, n, ctx->next, &converged));
  ctx->replays++;
  PetscCheck(converged, PetscObjectComm((PetscObject)dini), PETSC_ERR_NOT_CONVERGED,
             "%s: A step that has been solved does not converge when it is solved again: %s", DiniLabel_Private(dini),
             ctx->why);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* next, where all steps lead that have been solved again: is it the state that they led to before? */
static PetscErrorCode DiniSweepSame(Dini dini, Dini_Chain *ctx, const DiniTrajectory *along)
{
  PetscReal apart, norm;
  Vec       last;

  PetscFunctionBegin;
  PetscCall(DiniTrajectoryState_Private(along, ctx->N, &last));
  PetscCall(VecWAXPY(ctx->w[0], -1.0, last, ctx->next));
  PetscCall(DiniNorm_Private(ctx->w[0], &apart));
  PetscCall(DiniNorm_Private(last, &norm));
  PetscCheck(
      apart <= ctx->step->attachrtol * norm, PetscObjectComm((PetscObject)dini), PETSC_ERR_NOT_CONVERGED,
      "%s: The steps, solved again, lead to another state than before: it is off by a relative %g. Something that they "
      "read has changed since, which is no parameter of the chain and is not set by DiniSetChainStep(); or what has "
      "been recorded are other steps",
      DiniLabel_Private(dini), (double)(apart / norm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* pending[0] = du_N along dm[p] in the blocks of the chain, NULL for those that stay; pending[k]: du_{n-k} */
static PetscErrorCode DiniSweepForwards(Dini dini, Dini_Chain *ctx, const DiniTrajectory *along, const Vec dm[])
{
  PetscBool good = PETSC_TRUE;

  PetscFunctionBegin;
  PetscCall(DiniChainOpen_Private(dini, ctx));
  PetscCall(VecSet(ctx->bar, 0.0));
  for (PetscInt k = 0; k <= ctx->nprevious; k++) PetscCall(VecSet(ctx->pending[k], 0.0));
  for (PetscInt p = 0; p < ctx->nmap; p++) {
    if (!dm[p]) continue;
    if (ctx->map[p] >= 0) PetscCall(DiniChainPut_Private(ctx, ctx->map[p], dm[p], ctx->bar));
    for (PetscInt k = 0; k <= ctx->nprevious && ctx->map[p] == DINI_CHAIN_INITIAL; k++) /* before u_0 there is u_0 */
      PetscCall(VecAXPY(ctx->pending[k], 1.0, dm[p]));
  }
  for (PetscInt n = 0; n < ctx->N; n++) {
    for (PetscInt k = 0; k < ctx->nprevious; k++)
      PetscCall(DiniChainPut_Private(ctx, ctx->previous[k], ctx->pending[k], ctx->bar));
    if (n) PetscCall(DiniChainShift_Private(ctx, ctx->next));
    else PetscCall(DiniSweepInitial(ctx));
    if (ctx->slots) PetscCall(DiniSweepAgain(dini, ctx, n));
    else PetscCall(VecCopy(along->u[n + 1], ctx->next));
    PetscCall(DiniChainAttach_Private(dini, ctx, ctx->window, n, ctx->next));
    PetscCall(DiniJVP_Private(ctx->step, ctx->bar, ctx->w[1], &good));
    ctx->error    = PetscMax(ctx->error, ctx->step->stats.tangent_error);
    ctx->residual = PetscMax(ctx->residual, ctx->step->lastrelative);
    PetscCall(DiniSweepRotate(ctx, PETSC_TRUE));
    PetscCall(VecCopy(ctx->w[1], ctx->pending[0]));
    PetscCall(PetscObjectStateIncrease((PetscObject)ctx->pending[0]));
  }
  PetscCall(DiniSweepSame(dini, ctx, along));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The adjoint of one step: from the cotangent of u_{n+1} to those of the states that it reads, and of the parameters */
static PetscErrorCode DiniSweepStep(Dini dini, Dini_Chain *ctx, const Vec window[], PetscInt n)
{
  PetscBool good = PETSC_TRUE;
  PetscReal norm;

  PetscFunctionBegin;
  PetscCall(DiniNormMax_Private(ctx->pending[0], &norm));
  if (norm == 0.0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniChainAttach_Private(dini, ctx, window, n, ctx->next));
  PetscCall(DiniVJP_Private(ctx->step, DINI_ADJOINT_HERMITIAN, ctx->pending[0], ctx->bar, &good));
  ctx->error    = PetscMax(ctx->error, ctx->step->stats.gradient_error);
  ctx->residual = PetscMax(ctx->residual, ctx->step->lastrelative);
  for (PetscInt k = 0; k < ctx->nprevious; k++) /* before u_0 there is u_0 */
    PetscCall(DiniChainAdd_Private(ctx, ctx->previous[k], ctx->bar, ctx->pending[PetscMin(k, n) + 1]));
  for (PetscInt p = 0; p < ctx->nmap; p++)
    if (ctx->map[p] >= 0) PetscCall(DiniChainAdd_Private(ctx, ctx->map[p], ctx->bar, ctx->back.mbar[p]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The objective in time has been summed up in the march, and again now: it must not have changed in between */
static PetscErrorCode DiniSweepValue(Dini dini, const Dini_Chain *ctx, const DiniTrajectory *along, PetscReal value)
{
  const PetscReal most = PetscMax(PetscAbsReal(value), PetscAbsReal(along->value));

  PetscFunctionBegin;
  if (!ctx->slots || along->terms != ctx->terms) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(
      PetscAbsReal(value - along->value) <= ctx->step->attachrtol * most, PetscObjectComm((PetscObject)dini),
      PETSC_ERR_ARG_WRONGSTATE,
      "%s: The objective in time is %g, and was %g when the chain was marched: it has changed since, or is not the "
      "same at the same states. With checkpoints it is summed up then; call DiniSolve() after changing it",
      DiniLabel_Private(dini), (double)value, (double)along->value);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  back.mbar = (du_N/dm)^H lambda, of all blocks; without lambda, the sum of (du_n/dm)^H dJ/du_n of the objective in time.
  pending[k]: cotangents of u_{n+1-k}
*/
static PetscErrorCode DiniSweepBackwards(Dini dini, Dini_Chain *ctx, DiniTrajectory *along, Vec lambda)
{
  PetscReal value = 0.0;
  Vec       window[DINI_CHAIN_MOST], last;

  PetscFunctionBegin;
  PetscCall(DiniChainOpen_Private(dini, ctx));
  for (PetscInt p = 0; p < ctx->nmap; p++) PetscCall(VecSet(ctx->back.mbar[p], 0.0));
  for (PetscInt k = 0; k <= ctx->nprevious; k++) PetscCall(VecSet(ctx->pending[k], 0.0));
  if (lambda) PetscCall(VecCopy(lambda, ctx->pending[0]));
  PetscCall(PetscObjectStateIncrease((PetscObject)ctx->pending[0]));
  PetscCall(DiniTrajectoryState_Private(along, ctx->N, &last));
  PetscCall(VecCopy(last, ctx->next));
  for (PetscInt n = ctx->N - 1; n >= 0; n--) {
    PetscCall(PetscObjectStateIncrease((PetscObject)ctx->next));
    if (!lambda) PetscCall(DiniChainTerm_Private(dini, ctx, n + 1, ctx->next, &value, ctx->pending[0]));
    PetscCall(DiniTrajectoryWindow_Private(dini, ctx, along, n, window));
    if (!lambda)
      PetscCall(DiniChainTerms_Private(ctx, n, window[0], ctx->next, &value, ctx->pending[1], ctx->pending[0]));
    PetscCall(DiniSweepStep(dini, ctx, window, n));
    PetscCall(DiniSweepRotate(ctx, PETSC_FALSE));
    PetscCall(VecCopy(window[0], ctx->next));
  }
  if (!lambda) PetscCall(DiniChainTerm_Private(dini, ctx, 0, ctx->next, &value, ctx->pending[0]));
  if (!lambda) PetscCall(DiniSweepValue(dini, ctx, along, value));
  for (PetscInt p = 0; p < ctx->nmap; p++)
    if (ctx->map[p] == DINI_CHAIN_INITIAL) PetscCall(VecCopy(ctx->pending[0], ctx->back.mbar[p]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A step beside the point has no solution: NaN, as outside of the domain of any other F, so that a shorter way is taken */
static PetscErrorCode DiniSweepNowhere(Dini_Chain *ctx, PetscBool forwards)
{
  PetscFunctionBegin;
  PetscCall(PetscInfo(ctx->step, "No trajectory beside the point: %s\n", ctx->why));
  if (forwards) PetscCall(VecSet(ctx->pending[0], (PetscScalar)NAN));
  for (PetscInt p = 0; p < ctx->nmap && !forwards; p++) PetscCall(VecSet(ctx->back.mbar[p], (PetscScalar)NAN));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Forwards along dm, or without it back. Errors of the step are errors here, whatever it has been told */
static PetscErrorCode DiniSweep(Dini dini, Dini_Chain *ctx, const Vec dm[], Vec lambda)
{
  DiniTrajectory *along;
  PetscBool       converged, erroriffail;
  PetscErrorCode  failed;

  PetscFunctionBegin;
  PetscCall(DiniChainFind_Private(dini, ctx, &along, &converged));
  if (!converged && dini->beside) {
    PetscCall(DiniSweepNowhere(ctx, (PetscBool)(dm != NULL)));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCheck(converged, PetscObjectComm((PetscObject)dini), PETSC_ERR_NOT_CONVERGED,
             "%s: There is no trajectory at these parameters: %s", DiniLabel_Private(dini), ctx->why);
  PetscCheck(dini->beside || along == &ctx->trajectory[0], PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONGSTATE,
             "%s: The initial state of the chain, or a parameter of its step, has been changed since the solve; call "
             "DiniSolve() again",
             DiniLabel_Private(dini));
  ctx->error = ctx->residual = 0.0;
  erroriffail                = ctx->step->erroriffail;
  PetscCall(DiniSetErrorIfNotConverged(ctx->step, PETSC_TRUE));
  failed = dm ? DiniSweepForwards(dini, ctx, along, dm) : DiniSweepBackwards(dini, ctx, along, lambda);
  PetscCall(DiniSetErrorIfNotConverged(ctx->step, erroriffail));
  PetscCall(failed);
  for (PetscInt q = 0; q < dini->nparams;
       q++) { /* what all products of this chain are good to, and what differences of them see */
    DiniParameter par = dini->params[q];

    if (!dm || dm[q]) par->carried = PetscMax(par->carried, ctx->error);
    par->noise = PetscMax(par->noise, PetscMax(DiniProductNoise_Private(ctx->step), PetscMin(ctx->residual, NOISY)));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniChainSweep_Private(Dini dini, Dini_Chain *ctx, Vec lambda)
{
  PetscFunctionBegin;
  PetscCall(DiniSweep(dini, ctx, NULL, lambda));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniChainWhich(Dini dini, Dini_Chain *ctx, Vec m, PetscInt *p)
{
  PetscFunctionBegin;
  *p = -1;
  for (PetscInt q = 0; q < ctx->nmap; q++)
    if (dini->params[q]->m == m) *p = q;
  PetscCheck(*p >= 0, PetscObjectComm((PetscObject)dini), PETSC_ERR_PLIB, "%s: no block of the chain",
             DiniLabel_Private(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = F_m x of one block */
PetscErrorCode DiniChainApply_Private(Dini dini, Vec u, Vec m, Vec x, Vec y, void *unused)
{
  Dini_Chain    *ctx = (Dini_Chain *)dini->data;
  PetscInt       p;
  Vec           *dm;
  PetscErrorCode failed;

  PetscFunctionBegin;
  (void)u, (void)unused;
  PetscCall(DiniChainWhich(dini, ctx, m, &p));
  PetscCall(PetscCalloc1(ctx->nmap, &dm));
  dm[p]  = x;
  failed = DiniSweep(dini, ctx, dm, NULL);
  PetscCall(PetscFree(dm));
  PetscCall(failed);
  PetscCall(VecAXPBY(y, -1.0, 0.0, ctx->pending[0]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = sum of F_m x over all blocks that move, by one sweep */
PetscErrorCode DiniParameterMult_Chain(Dini dini, const Vec x[], Vec y)
{
  Dini_Chain *ctx = (Dini_Chain *)dini->data;

  PetscFunctionBegin;
  PetscCall(DiniSweep(dini, ctx, x, NULL));
  PetscCall(VecAXPBY(y, -1.0, 0.0, ctx->pending[0]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = F_m^H x of one block: the sweep serves all of them */
PetscErrorCode DiniChainApplyAdjoint_Private(Dini dini, Vec u, Vec m, Vec x, Vec y, void *unused)
{
  Dini_Chain *ctx = (Dini_Chain *)dini->data;
  uint64_t    stamp;
  PetscInt    p;
  PetscBool   mine, all;

  PetscFunctionBegin;
  (void)u, (void)unused;
  PetscCall(DiniChainWhich(dini, ctx, m, &p));
  PetscCall(DiniChainStamp_Private(dini, ctx, &stamp));
  PetscCall(DiniVecSum_Private(x, &stamp));
  mine = (PetscBool)(ctx->back.valid && ctx->back.stamp == stamp && ctx->back.call == dini->calls);
  PetscCall(MPIU_Allreduce(&mine, &all, 1, DINI_MPI_BOOL, MPI_LAND, PetscObjectComm((PetscObject)dini)));
  if (!all) {
    ctx->back.valid = PETSC_FALSE;
    PetscCall(DiniChainSweep_Private(dini, ctx, x));
    ctx->back.stamp = stamp;
    ctx->back.call  = dini->calls;
    ctx->back.valid = PETSC_TRUE;
  }
  PetscCall(VecAXPBY(y, -1.0, 0.0, ctx->back.mbar[p]));
  PetscFunctionReturn(PETSC_SUCCESS);
}
