/*
  Trajectories: the states of a chain at one set of parameters, found by marching or recorded from a loop of the application's. All of
  them are kept, or those at checkpoints, from which others are marched to again. Which one belongs to the parameters of now is told
  by their values, so that differences beside the point march once each.
*/
#include "../private/dinichainimpl.h"

/* ---- Room ---- */

static PetscErrorCode DiniTrajectoryFreeSlots(DiniTrajectory *along)
{
  PetscFunctionBegin;
  for (PetscInt i = 0; along->slot && i <= along->nslots; i++) {
    for (PetscInt k = 0; k < along->width; k++) PetscCall(VecDestroy(&along->slot[i].u[k]));
    PetscCall(PetscFree(along->slot[i].u));
  }
  PetscCall(PetscFree(along->slot));
  PetscCall(VecDestroy(&along->last));
  along->nslots = along->width = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniTrajectoryDestroy_Private(DiniTrajectory *along)
{
  PetscFunctionBegin;
  for (PetscInt n = 0; n < along->size; n++) PetscCall(VecDestroy(&along->u[n]));
  PetscCall(PetscFree(along->u));
  PetscCall(DiniTrajectoryFreeSlots(along));
  along->n = along->size = 0;
  along->valid           = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Room for u_0 .. u_n */
static PetscErrorCode DiniTrajectoryExtend(const Dini_Chain *ctx, DiniTrajectory *along, PetscInt n)
{
  Vec *u;

  PetscFunctionBegin;
  if (n < along->size) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscCalloc1(n + 1, &u));
  for (PetscInt k = 0; k <= n; k++) {
    if (k < along->size) u[k] = along->u[k];
    else PetscCall(VecDuplicate(ctx->u0, &u[k]));
  }
  PetscCall(PetscFree(along->u));
  along->u    = u;
  along->size = n + 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniTrajectorySlots(const Dini_Chain *ctx, DiniTrajectory *along)
{
  PetscFunctionBegin;
  if (along->nslots != ctx->slots || along->width != ctx->nprevious) {
    PetscCall(DiniTrajectoryFreeSlots(along));
    PetscCall(PetscCalloc1(ctx->slots + 1, &along->slot)); /* the last one is for the state before the last */
    along->nslots = ctx->slots;
    along->width  = ctx->nprevious;
    for (PetscInt i = 0; i <= along->nslots; i++) PetscCall(PetscCalloc1(along->width, &along->slot[i].u));
  }
  for (PetscInt i = 0; i <= along->nslots; i++) along->slot[i].n = -1;
  if (!along->last) PetscCall(VecDuplicate(ctx->u0, &along->last));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- Checkpoints ---- */

/* The window of the chain's own is that at state n */
static PetscErrorCode DiniTrajectoryFill(const Dini_Chain *ctx, const DiniTrajectory *along, PetscInt n,
                                         DiniCheckpoint *slot)
{
  PetscFunctionBegin;
  slot->n = n;
  for (PetscInt k = 0; k < along->width; k++) {
    if (!slot->u[k]) PetscCall(VecDuplicate(ctx->u0, &slot->u[k]));
    PetscCall(VecCopy(ctx->window[k], slot->u[k]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Into a slot that is free, where there is one */
static PetscErrorCode DiniTrajectoryKeep(const Dini_Chain *ctx, DiniTrajectory *along, PetscInt n)
{
  DiniCheckpoint *slot = NULL;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < along->nslots; i++) {
    if (along->slot[i].n == n) PetscFunctionReturn(PETSC_SUCCESS);
    if (!slot && along->slot[i].n < 0) slot = &along->slot[i];
  }
  if (slot) PetscCall(DiniTrajectoryFill(ctx, along, n, slot));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscInt DiniTrajectoryFree(const DiniTrajectory *along)
{
  PetscInt free = 0;

  for (PetscInt i = 0; i < along->nslots; i++) free += along->slot[i].n < 0;
  return free;
}

/* The next state to be kept on the way from n, which is, where all before `end` are to be had in reverse */
static PetscInt DiniTrajectoryNext(const DiniTrajectory *along, PetscInt n, PetscInt end)
{
  const PetscInt free = DiniTrajectoryFree(along);

  return free < 1 || end - n < 2 ? end : n + DiniScheduleSplit_Private(end - n, free + 1);
}

/* The window at state n, u_n, u_{n-1}, ..., from the last checkpoint before it; those behind it are free from now on */
PetscErrorCode DiniTrajectoryWindow_Private(Dini dini, Dini_Chain *ctx, DiniTrajectory *along, PetscInt n, Vec window[])
{
  const DiniCheckpoint *from = NULL;
  PetscBool             converged;
  PetscInt              keep;

  PetscFunctionBegin;
  if (!ctx->slots) {
    for (PetscInt k = 0; k < ctx->nprevious; k++) window[k] = along->u[PetscMax(n - k, 0)];
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (PetscInt i = 0; i <= along->nslots; i++) {
    if (along->slot[i].n > n) along->slot[i].n = -1;
    if (along->slot[i].n >= 0 && (!from || along->slot[i].n > from->n)) from = &along->slot[i];
  }
  PetscCheck(from, PetscObjectComm((PetscObject)dini), PETSC_ERR_PLIB, "%s: no checkpoint", DiniLabel_Private(dini));
  for (PetscInt k = 0; k < ctx->nprevious; k++) {
    PetscCall(VecCopy(from->u[k], ctx->window[k]));
    PetscCall(PetscObjectStateIncrease((PetscObject)ctx->window[k]));
  }
  keep = DiniTrajectoryNext(along, from->n, n + 1);
  for (PetscInt at = from->n; at < n;) {
    PetscCall(DiniChainAdvance_Private(dini, ctx, ctx->window, at, ctx->w[1], &converged));
    ctx->replays++;
    PetscCheck(converged, PetscObjectComm((PetscObject)dini), PETSC_ERR_NOT_CONVERGED,
               "%s: A step that has been solved does not converge when it is solved again from a checkpoint: %s",
               DiniLabel_Private(dini), ctx->why);
    PetscCall(DiniChainShift_Private(ctx, ctx->w[1]));
    if (++at != keep) continue;
    PetscCall(DiniTrajectoryKeep(ctx, along, at));
    keep = DiniTrajectoryNext(along, at, n + 1);
  }
  for (PetscInt k = 0; k < ctx->nprevious; k++) window[k] = ctx->window[k];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A state that is there; NULL where it is not kept */
PetscErrorCode DiniTrajectoryState_Private(const DiniTrajectory *along, PetscInt n, Vec *u)
{
  PetscFunctionBegin;
  *u = NULL;
  if (!along->nslots) *u = along->u[n];
  else if (n == along->n) *u = along->last;
  for (PetscInt i = 0; along->nslots && i <= along->nslots && !*u; i++)
    if (along->slot[i].n == n) *u = along->slot[i].u[0];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- A march, and a loop that is recorded ---- */

/* At u_0 */
PetscErrorCode DiniTrajectoryBegin_Private(Dini_Chain *ctx, DiniTrajectory *along, Vec u0)
{
  PetscFunctionBegin;
  along->valid  = PETSC_FALSE;
  along->n      = 0;
  along->value  = 0.0;
  along->stride = 1;
  along->terms  = ctx->terms;
  if (!ctx->slots) {
    PetscCall(DiniTrajectoryFreeSlots(along));
    PetscCall(DiniTrajectoryExtend(ctx, along, PetscMax(0, ctx->N)));
    PetscCall(VecCopy(u0, along->u[0]));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(DiniTrajectorySlots(ctx, along));
  for (PetscInt k = 0; k < ctx->nprevious; k++) {
    if (!ctx->window[k]) PetscCall(VecDuplicate(ctx->u0, &ctx->window[k]));
    PetscCall(VecCopy(u0, ctx->window[k]));
    PetscCall(PetscObjectStateIncrease((PetscObject)ctx->window[k]));
  }
  PetscCall(DiniTrajectoryKeep(ctx, along, 0));
  PetscCall(VecCopy(u0, along->last));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  The next state of a loop that is recorded. Nobody knows how many there will be: every stride-th one is kept, and when all slots are
  taken every other one of these goes
*/
PetscErrorCode DiniTrajectoryAppend_Private(Dini dini, Dini_Chain *ctx, DiniTrajectory *along, Vec u)
{
  PetscFunctionBegin;
  if (!ctx->slots) {
    if (along->n + 1 >= along->size)
      PetscCall(DiniTrajectoryExtend(ctx, along, PetscMax(2 * along->size, along->n + 1)));
    PetscCall(VecCopy(u, along->u[++along->n]));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (along->n == 0) PetscCall(DiniChainTerm_Private(dini, ctx, 0, ctx->window[0], &along->value, NULL));
  PetscCall(DiniChainTerm_Private(dini, ctx, along->n + 1, u, &along->value, NULL));
  PetscCall(DiniChainTerms_Private(ctx, along->n, ctx->window[0], u, &along->value, NULL, NULL));
  PetscCall(DiniTrajectoryFill(ctx, along, along->n, &along->slot[along->nslots]));
  PetscCall(DiniChainShift_Private(ctx, u));
  PetscCall(VecCopy(u, along->last));
  along->n++;
  if (along->n % along->stride) PetscFunctionReturn(PETSC_SUCCESS);
  if (DiniTrajectoryFree(along) < 1) {
    along->stride *= 2;
    for (PetscInt i = 0; i < along->nslots; i++)
      if (along->slot[i].n % along->stride) along->slot[i].n = -1;
  }
  if (along->n % along->stride == 0) PetscCall(DiniTrajectoryKeep(ctx, along, along->n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* With all states kept */
static PetscErrorCode DiniMarchAll(Dini dini, Dini_Chain *ctx, DiniTrajectory *along, PetscBool *converged)
{
  Vec window[DINI_CHAIN_MOST];

  PetscFunctionBegin;
  for (PetscInt n = 0; n < ctx->N && *converged; n++) {
    PetscCall(DiniTrajectoryWindow_Private(dini, ctx, along, n, window));
    PetscCall(DiniChainAdvance_Private(dini, ctx, window, n, along->u[n + 1], converged));
    if (*converged) along->n = n + 1;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* With those at checkpoints; the objective in time is summed up on the way */
static PetscErrorCode DiniMarchSome(Dini dini, Dini_Chain *ctx, DiniTrajectory *along, PetscBool *converged)
{
  PetscInt keep = DiniTrajectoryNext(along, 0, ctx->N);

  PetscFunctionBegin;
  PetscCall(DiniChainTerm_Private(dini, ctx, 0, ctx->window[0], &along->value, NULL));
  for (PetscInt n = 0; n < ctx->N && *converged; n++) {
    PetscCall(DiniChainAdvance_Private(dini, ctx, ctx->window, n, along->last, converged));
    if (!*converged) break;
    along->n = n + 1;
    PetscCall(DiniChainTerm_Private(dini, ctx, n + 1, along->last, &along->value, NULL));
    PetscCall(DiniChainTerms_Private(ctx, n, ctx->window[0], along->last, &along->value, NULL, NULL));
    if (n == ctx->N - 1) PetscCall(DiniTrajectoryFill(ctx, along, n, &along->slot[along->nslots]));
    PetscCall(DiniChainShift_Private(ctx, along->last));
    if (n + 1 != keep || keep == ctx->N) continue;
    PetscCall(DiniTrajectoryKeep(ctx, along, keep));
    keep = DiniTrajectoryNext(along, keep, ctx->N);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From u_0, with the parameters as they are. A step that fails is no error */
PetscErrorCode DiniChainMarch_Private(Dini dini, Dini_Chain *ctx, DiniTrajectory *along, PetscBool *converged)
{
  PetscFunctionBegin;
  *converged = PETSC_TRUE;
  PetscCall(DiniChainOpen_Private(dini, ctx));
  PetscCall(DiniTrajectoryBegin_Private(ctx, along, ctx->u0));
  if (ctx->slots) PetscCall(DiniMarchSome(dini, ctx, along, converged));
  else PetscCall(DiniMarchAll(dini, ctx, along, converged));
  if (!*converged) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniChainStamp_Private(dini, ctx, &along->stamp));
  along->valid = PETSC_TRUE;
  along->used  = ++ctx->clock;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The trajectory at the parameters as they are, marched where there is none */
PetscErrorCode DiniChainFind_Private(Dini dini, Dini_Chain *ctx, DiniTrajectory **here, PetscBool *converged)
{
  PetscMPIInt     mine[DINI_CHAIN_TRAJECTORIES], all[DINI_CHAIN_TRAJECTORIES];
  uint64_t        stamp;
  DiniTrajectory *oldest = &ctx->trajectory[1];

  PetscFunctionBegin;
  PetscCall(DiniChainStamp_Private(dini, ctx, &stamp));
  for (int k = 0; k < DINI_CHAIN_TRAJECTORIES; k++) {
    DiniTrajectory *along = &ctx->trajectory[k];

    mine[k] = along->valid && along->stamp == stamp;
    if (k && (!along->valid ? oldest->valid : oldest->valid && along->used < oldest->used)) oldest = along;
  }
  PetscCall(MPIU_Allreduce(mine, all, DINI_CHAIN_TRAJECTORIES, MPI_INT, MPI_MIN, PetscObjectComm((PetscObject)dini)));
  *here = NULL;
  for (int k = 0; k < DINI_CHAIN_TRAJECTORIES && !*here; k++)
    if (all[k]) *here = &ctx->trajectory[k];
  *converged = PETSC_TRUE;
  if (*here) (*here)->used = ++ctx->clock;
  else {
    *here = oldest;
    PetscCall(DiniChainMarch_Private(dini, ctx, oldest, converged));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
