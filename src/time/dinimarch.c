/*
  A chain and its step: which block of the one is which of the other, and how the step comes from one state to the next. Earlier states
  are handed about as a window, u_n, u_{n-1}, ..., as many as a step reads.
*/
#include "../private/dinichainimpl.h"

/* ---- Blocks of the chain and of its step ---- */

static PetscErrorCode DiniChainBlock(Dini dini, Dini_Chain *ctx, DiniParameter par, PetscInt *to)
{
  PetscBool zero;

  PetscFunctionBegin;
  *to = DINI_CHAIN_NOWHERE;
  if (par->m == ctx->u0) *to = DINI_CHAIN_INITIAL;
  for (PetscInt q = 0; q < ctx->step->nparams && *to == DINI_CHAIN_NOWHERE; q++) {
    const DiniParameter other = ctx->step->params[q];

    if (other->m == par->m || (par->scalar && other->scalar == par->scalar)) *to = q;
  }
  PetscCall(PetscStrcmp(par->type, DINIPARAMETERZERO, &zero));
  PetscCheck(
      *to != DINI_CHAIN_NOWHERE || zero, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
      "%s: Parameter \"%s\" of the chain is neither its initial state (DiniSetChainInitial()) nor a parameter of "
      "its step. Add the same Vec, or the same variable, to both",
      DiniLabel_Private(dini), par->name);
  for (PetscInt k = 0; k < ctx->nprevious; k++)
    PetscCheck(
        *to != ctx->previous[k], PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
        "%s: Parameter \"%s\" of the chain is where its step reads an earlier state, which is no parameter of the "
        "chain",
        DiniLabel_Private(dini), par->name);
  PetscCheck(*to < 0 || ctx->step->params[*to]->active, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
             "%s: Parameter \"%s\" of the chain is inactive in its step, so that there is no derivative; call "
             "DiniSetParameterActive() there",
             DiniLabel_Private(dini), par->name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniChainUnmap_Private(Dini_Chain *ctx)
{
  PetscFunctionBegin;
  for (PetscInt p = 0; p < ctx->nmap; p++) PetscCall(VecDestroy(&ctx->back.mbar[p]));
  PetscCall(PetscFree(ctx->back.mbar));
  PetscCall(PetscFree(ctx->map));
  ctx->nmap       = 0;
  ctx->back.valid = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The step's earlier states are written to in a march, so no other Vec can be one of them */
PetscErrorCode DiniChainApart_Private(Dini dini, const Dini_Chain *ctx, Vec v, const char what[])
{
  PetscFunctionBegin;
  for (PetscInt k = 0; k < ctx->nprevious; k++)
    PetscCheck(v != ctx->step->params[ctx->previous[k]]->m, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_IDN,
               "%s: %s is the Vec from which the step reads an earlier state, parameter \"%s\": a chain writes into "
               "that. Give it "
               "a Vec of its own",
               DiniLabel_Private(dini), what, ctx->step->params[ctx->previous[k]]->name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Which block of the step each of the chain is; their F_m are sweeps, but for what the application has given itself */
PetscErrorCode DiniChainMap_Private(Dini dini, Dini_Chain *ctx)
{
  PetscFunctionBegin;
  PetscCall(DiniChainUnmap_Private(ctx));
  ctx->nmap = dini->nparams;
  PetscCall(PetscMalloc1(ctx->nmap, &ctx->map));
  PetscCall(PetscCalloc1(ctx->nmap, &ctx->back.mbar));
  for (PetscInt p = 0; p < ctx->nmap; p++) {
    DiniParameter par = dini->params[p];

    PetscCall(DiniChainBlock(dini, ctx, par, &ctx->map[p]));
    PetscCall(VecDuplicate(par->m, &ctx->back.mbar[p]));
    if (par->Fmuser || par->type[0]) continue;
    par->apply        = DiniChainApply_Private;
    par->applyadjoint = DiniChainApplyAdjoint_Private;
    par->together     = PETSC_TRUE;
  }
  PetscCall(DiniChainApart_Private(dini, ctx, ctx->u0, "The initial state"));
  for (PetscInt k = 0; k < ctx->nprevious; k++)
    PetscCheck(
        ctx->step->params[ctx->previous[k]]->active, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
        "%s: Parameter \"%s\" of the step, an earlier state, is inactive, so that nothing would be carried from one "
        "step to the next; call DiniSetParameterActive()",
        DiniLabel_Private(dini), ctx->step->params[ctx->previous[k]]->name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of the values of u_0, of the chain's parameters and of all others of the step, on this rank */
PetscErrorCode DiniChainStamp_Private(Dini dini, Dini_Chain *ctx, uint64_t *stamp)
{
  PetscFunctionBegin;
  if (ctx->nmap != dini->nparams) PetscCall(DiniChainMap_Private(dini, ctx));
  *stamp = 0;
  PetscCall(DiniVecSum_Private(ctx->u0, stamp));
  for (PetscInt p = 0; p < dini->nparams; p++) PetscCall(DiniVecSum_Private(dini->params[p]->m, stamp));
  for (PetscInt q = 0; q < ctx->step->nparams; q++) {
    PetscBool of = PETSC_FALSE; /* the chain, or an earlier state */

    for (PetscInt k = 0; k < ctx->nprevious; k++) of = (PetscBool)(of || ctx->previous[k] == q);
    for (PetscInt p = 0; p < ctx->nmap; p++) of = (PetscBool)(of || ctx->map[p] == q);
    if (!of) PetscCall(DiniVecSum_Private(ctx->step->params[q]->m, stamp));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- One step ---- */

/* The step's parameters as they are, and as the chain has them */
PetscErrorCode DiniChainOpen_Private(Dini dini, Dini_Chain *ctx)
{
  Dini step = ctx->step;

  PetscFunctionBegin;
  if (ctx->nmap != dini->nparams) PetscCall(DiniChainMap_Private(dini, ctx));
  if (!ctx->flat) PetscCall(DiniCreateParameterVec(step, &ctx->flat));
  if (!ctx->bar) PetscCall(VecDuplicate(ctx->flat, &ctx->bar));
  for (int k = 0; k < 2; k++)
    if (!ctx->w[k]) PetscCall(VecDuplicate(ctx->u0, &ctx->w[k]));
  for (PetscInt k = 0; k <= ctx->nprevious; k++)
    if (!ctx->pending[k]) PetscCall(VecDuplicate(ctx->u0, &ctx->pending[k]));
  for (PetscInt k = 0; k < ctx->nprevious; k++)
    if (!ctx->window[k]) PetscCall(VecDuplicate(ctx->u0, &ctx->window[k]));
  if (!ctx->next) PetscCall(VecDuplicate(ctx->u0, &ctx->next));
  step->fronts = PETSC_TRUE;
  for (PetscInt q = 0; q < step->nparams; q++) /* a block may act in some of the steps only */
    step->params[q]->seenzero = PETSC_TRUE;
  PetscCall(DiniGetParameters(step, ctx->flat));
  for (PetscInt p = 0; p < dini->nparams; p++)
    if (ctx->map[p] >= 0) PetscCall(DiniChainPut_Private(ctx, ctx->map[p], dini->params[p]->m, ctx->flat));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscInt DiniChainOffset(const Dini_Chain *ctx, PetscInt q)
{
  PetscInt offset = 0;

  for (PetscInt k = 0; k < q; k++)
    if (ctx->step->params[k]->active) offset += ctx->step->params[k]->n;
  return offset;
}

/* Block q of a flat vector of the step = v */
PetscErrorCode DiniChainPut_Private(Dini_Chain *ctx, PetscInt q, Vec v, Vec flat)
{
  DiniParameter par = ctx->step->params[q];

  PetscFunctionBegin;
  if (!par->x) PetscCall(VecDuplicate(par->m, &par->x));
  PetscCall(VecCopy(v, par->x));
  PetscCall(DiniParameterGive_Private(par, flat, DiniChainOffset(ctx, q)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* v += block q of a flat vector of the step */
PetscErrorCode DiniChainAdd_Private(Dini_Chain *ctx, PetscInt q, Vec flat, Vec v)
{
  DiniParameter par = ctx->step->params[q];

  PetscFunctionBegin;
  PetscCall(DiniParameterTake_Private(par, flat, DiniChainOffset(ctx, q)));
  PetscCall(VecAXPY(v, 1.0, par->x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What a block of the step holds, for the callback must not write to it: a scalar's variable, else the state of the Vec */
typedef struct {
  PetscScalar      value;
  PetscObjectState state;
} DiniHolding;

static PetscErrorCode DiniChainHoldings(const Dini_Chain *ctx, DiniHolding holds[])
{
  PetscFunctionBegin;
  for (PetscInt q = 0; q < ctx->step->nparams; q++) {
    const DiniParameter par = ctx->step->params[q];

    holds[q] = (DiniHolding){.value = par->scalar ? *par->scalar : 0.0};
    if (!par->scalar) PetscCall(PetscObjectStateGet((PetscObject)par->m, &holds[q].state));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  A block that the callback writes to would be given back what it was by the chain, which sets all that are active: that is an error, and
  not another trajectory than the callback means. Earlier states are the chain's to set anyhow
*/
static PetscErrorCode DiniChainUnwritten(Dini dini, Dini_Chain *ctx, const DiniHolding before[])
{
  const Dini   step = ctx->step;
  DiniHolding *now;
  PetscMPIInt *moved;

  PetscFunctionBegin;
  PetscCall(PetscCalloc2(step->nparams, &now, step->nparams, &moved));
  PetscCall(DiniChainHoldings(ctx, now));
  for (PetscInt q = 0; q < step->nparams; q++)
    moved[q] = step->params[q]->active && (now[q].value != before[q].value || now[q].state != before[q].state);
  for (PetscInt k = 0; k < ctx->nprevious; k++) moved[ctx->previous[k]] = 0;
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, moved, (PetscMPIInt)step->nparams, MPI_INT, MPI_MAX,
                           PetscObjectComm((PetscObject)dini)));
  for (PetscInt q = 0; q < step->nparams; q++) {
    const DiniParameter par  = step->params[q];
    PetscBool           same = PETSC_FALSE;

    if (moved[q] && !par->scalar) { /* the same values once more are no harm */
      if (!par->x) PetscCall(VecDuplicate(par->m, &par->x));
      PetscCall(DiniParameterTake_Private(par, ctx->flat, DiniChainOffset(ctx, q)));
      PetscCall(VecEqual(par->x, par->m, &same));
    }
    PetscCheck(
        !moved[q] || same, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
        "%s: The step callback (DiniSetChainStep()) writes to parameter \"%s\" of the step, which the chain sets. "
        "Let it set a variable that is no parameter of the step; or take the parameter out of the step with "
        "DiniSetParameterActive()",
        DiniLabel_Private(dini), par->name);
  }
  PetscCall(PetscFree2(now, moved));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniChainCallback(Dini dini, Dini_Chain *ctx, PetscInt n)
{
  DiniHolding *before;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(ctx->step->nparams, &before));
  PetscCall(DiniChainHoldings(ctx, before));
  DiniCallUser(dini, "The step callback (DiniSetChainStep())",
               (*ctx->fn)(dini, n, ctx->t[n], ctx->t[n + 1] - ctx->t[n], ctx->fnctx));
  PetscCall(DiniChainUnwritten(dini, ctx, before));
  PetscCall(PetscFree(before));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The step is about to go from u_n to u_{n+1}: its earlier states, and what the application sets */
PetscErrorCode DiniChainPlace_Private(Dini dini, Dini_Chain *ctx, const Vec window[], PetscInt n)
{
  PetscFunctionBegin;
  if (ctx->place) PetscCall((*ctx->place)(ctx, n));
  if (ctx->fn) PetscCall(DiniChainCallback(dini, ctx, n));
  for (PetscInt k = 0; k < ctx->nprevious; k++)
    PetscCall(DiniChainPut_Private(ctx, ctx->previous[k], window[k], ctx->flat));
  PetscCall(DiniSetParameters(ctx->step, ctx->flat));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniChainSolve(Dini_Chain *ctx, Vec u, PetscBool *converged)
{
  const PetscBool erroriffail = ctx->step->erroriffail;
  PetscErrorCode  failed;

  PetscFunctionBegin;
  PetscCall(DiniSetErrorIfNotConverged(ctx->step, PETSC_FALSE));
  failed = DiniSolve_Private(ctx->step, u, converged);
  PetscCall(DiniSetErrorIfNotConverged(ctx->step, erroriffail));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* next = u_{n+1}, of the step at its point. A step that fails is no error, and ctx->why says which */
PetscErrorCode DiniChainAdvance_Private(Dini dini, Dini_Chain *ctx, const Vec window[], PetscInt n, Vec next,
                                        PetscBool *converged)
{
  const char         *text;
  DiniConvergedReason reason;

  PetscFunctionBegin;
  PetscCall(DiniChainPlace_Private(dini, ctx, window, n));
  if (ctx->guess) PetscCall((*ctx->guess)(ctx, window, ctx->w[0]));
  else PetscCall(VecCopy(window[0], ctx->w[0])); /* always the same guess, so that noise is the same beside the point */
  PetscCall(PetscObjectStateIncrease((PetscObject)ctx->w[0]));
  PetscCall(DiniChainSolve(ctx, ctx->w[0], converged));
  if (*converged) {
    PetscCall(VecCopy(ctx->w[0], next));
    PetscCall(PetscObjectStateIncrease((PetscObject)next));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(DiniGetConvergedReason(ctx->step, &reason));
  PetscCall(DiniConvergedReasonString(reason, &text));
  PetscCall(PetscSNPrintf(ctx->why, sizeof(ctx->why), "step %" PetscInt_FMT " of %" PetscInt_FMT ", from t = %g, %s", n,
                          ctx->N, (double)ctx->t[n], text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The window of the chain's own goes on by a state */
PetscErrorCode DiniChainShift_Private(Dini_Chain *ctx, Vec next)
{
  const Vec oldest = ctx->window[ctx->nprevious - 1];

  PetscFunctionBegin;
  for (PetscInt k = ctx->nprevious - 1; k > 0; k--) ctx->window[k] = ctx->window[k - 1];
  ctx->window[0] = oldest;
  PetscCall(VecCopy(next, oldest));
  PetscCall(PetscObjectStateIncrease((PetscObject)oldest));
  PetscFunctionReturn(PETSC_SUCCESS);
}
