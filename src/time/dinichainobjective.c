/*
  Objectives in time: sums over the states of a chain, of a function of each and of misfits to data at any times, between which
  states go in a straight line. To the rest of Dini that is an objective of the parameters alone, J(u_N, m) with dJ/du = 0: one
  sweep back takes the cotangents of all states along, and second derivatives are differences of it.
*/
#include "../private/dinichainimpl.h"

/* Times are the same to rounding */
static PetscReal DiniChainSlack(const Dini_Chain *ctx, PetscInt n)
{
  return 1e-10 * PetscMax(PetscAbsReal(ctx->t[0]), PetscAbsReal(ctx->t[n]));
}

/* Is there a place for each observation? */
static PetscErrorCode DiniObservationsFit(Dini dini, const Dini_Chain *ctx)
{
  const PetscReal first = ctx->t[0] - DiniChainSlack(ctx, 0), last = ctx->t[ctx->N] + DiniChainSlack(ctx, ctx->N);

  PetscFunctionBegin;
  for (PetscInt i = 0; i < ctx->nobservations; i++)
    PetscCheck(ctx->observation[i].t >= first && ctx->observation[i].t <= last, PetscObjectComm((PetscObject)dini),
               PETSC_ERR_ARG_OUTOFRANGE, "%s: There is an observation at t = %g, and the chain goes from %g to %g",
               DiniLabel_Private(dini), (double)ctx->observation[i].t, (double)ctx->t[0], (double)ctx->t[ctx->N]);
  for (PetscInt k = 0; k < ctx->N && ctx->nobservations; k++)
    PetscCheck(ctx->t[k + 1] > ctx->t[k], PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
               "%s: Observations at times need times that grow: the chain goes from %g to %g in step %" PetscInt_FMT,
               DiniLabel_Private(dini), (double)ctx->t[k], (double)ctx->t[k + 1], k);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Does an observation lie between states n and n + 1, the first one of which is the other interval's? By theta, 1 at the end */
static PetscBool DiniObservationWithin(const Dini_Chain *ctx, const DiniObservation *o, PetscInt n, PetscReal *theta)
{
  if (o->t > ctx->t[n + 1] + DiniChainSlack(ctx, n + 1)) return PETSC_FALSE;
  if (n > 0 && o->t <= ctx->t[n] + DiniChainSlack(ctx, n)) return PETSC_FALSE;
  *theta = PetscMax(0.0, PetscMin(1.0, (o->t - ctx->t[n]) / (ctx->t[n + 1] - ctx->t[n])));
  return PETSC_TRUE;
}

/* r = H u(t) - d */
static PetscErrorCode DiniObservationMisfit(Dini_Chain *ctx, const DiniObservation *o, PetscReal theta, Vec u, Vec next)
{
  PetscFunctionBegin;
  if (!ctx->w[1]) PetscCall(VecDuplicate(ctx->u0, &ctx->w[1]));
  PetscCall(VecAXPBYPCZ(ctx->w[1], 1.0 - theta, theta, 0.0, u, next));
  if (o->H) PetscCall(MatMult(o->H, ctx->w[1], o->r));
  else PetscCall(VecCopy(ctx->w[1], o->r));
  PetscCall(PetscObjectStateIncrease((PetscObject)o->r));
  PetscCall(VecAXPY(o->r, -1.0, o->d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* r = weight r, or a copy of that in the Vec of weighted ones */
static PetscErrorCode DiniObservationWeigh(const DiniObservation *o)
{
  PetscFunctionBegin;
  if (o->weight) PetscCall(VecPointwiseMult(o->wr, o->weight, o->r));
  else PetscCall(VecCopy(o->r, o->wr));
  PetscCall(PetscObjectStateIncrease((PetscObject)o->wr));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What state n has of the objective by itself: *value += that, and g += its derivative, unless that is NULL */
PetscErrorCode DiniChainTerm_Private(Dini dini, Dini_Chain *ctx, PetscInt n, Vec u, PetscReal *value, Vec g)
{
  const char     what[] = "The objective in time (DiniSetChainObjective())";
  const PetscInt number = n > 0 ? n - ctx->hidden : 0;

  PetscFunctionBegin;
  if (!ctx->objective || (ctx->hidden && n == 1)) PetscFunctionReturn(PETSC_SUCCESS);
  DiniCallUserReads(dini, u, what, (*ctx->objective)(dini, number, ctx->t[n], u, value, g, ctx->objectivectx));
  if (g) PetscCall(DiniCheckFinite_Private(dini, g, what, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What observations between u = u_n and next = u_{n+1} have, and the derivatives by both */
PetscErrorCode DiniChainTerms_Private(Dini_Chain *ctx, PetscInt n, Vec u, Vec next, PetscReal *value, Vec g, Vec gnext)
{
  PetscFunctionBegin;
  for (PetscInt i = 0; i < ctx->nobservations; i++) {
    const DiniObservation *o = &ctx->observation[i];
    PetscReal              theta;
    PetscScalar            dot;

    if (!DiniObservationWithin(ctx, o, n, &theta)) continue;
    PetscCall(DiniObservationMisfit(ctx, o, theta, u, next));
    PetscCall(DiniObservationWeigh(o));
    PetscCall(VecDot(o->r, o->wr, &dot));
    *value += 0.5 * PetscRealPart(dot);
    if (!g) continue;
    if (o->H) PetscCall(MatMultHermitianTranspose(o->H, o->wr, ctx->w[1]));
    else PetscCall(VecCopy(o->wr, ctx->w[1]));
    PetscCall(VecAXPY(g, 1.0 - theta, ctx->w[1]));
    PetscCall(VecAXPY(gnext, theta, ctx->w[1]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where all states are kept they are asked; else it has been summed up in the march */
static PetscErrorCode DiniValue_Chain(Dini dini, Vec u, PetscReal *value, void *data)
{
  Dini_Chain     *ctx = (Dini_Chain *)data;
  DiniTrajectory *along;
  PetscBool       converged;

  PetscFunctionBegin;
  (void)u;
  PetscCall(DiniChainFind_Private(dini, ctx, &along, &converged));
  if (converged && ctx->slots && along->terms != ctx->terms)
    PetscCall(DiniChainMarch_Private(dini, ctx, along, &converged));
  PetscCheck(converged, PetscObjectComm((PetscObject)dini), PETSC_ERR_NOT_CONVERGED,
             "%s: There is no trajectory at these parameters: %s", DiniLabel_Private(dini), ctx->why);
  PetscCall(DiniObservationsFit(dini, ctx));
  *value = along->value;
  if (ctx->slots) PetscFunctionReturn(PETSC_SUCCESS);
  *value = 0.0;
  PetscCall(DiniChainTerm_Private(dini, ctx, 0, along->u[0], value, NULL));
  for (PetscInt n = 0; n < ctx->N; n++) {
    PetscCall(DiniChainTerm_Private(dini, ctx, n + 1, along->u[n + 1], value, NULL));
    PetscCall(DiniChainTerms_Private(ctx, n, along->u[n], along->u[n + 1], value, NULL, NULL));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* dJdu stays zero: the state at the end is one of all */
static PetscErrorCode DiniGradient_Chain(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *data)
{
  Dini_Chain *ctx    = (Dini_Chain *)data;
  PetscInt    offset = 0;

  PetscFunctionBegin;
  (void)u, (void)dJdu;
  ctx->back.valid = PETSC_FALSE;
  PetscCall(DiniObservationsFit(dini, ctx));
  PetscCall(DiniChainSweep_Private(dini, ctx, NULL));
  for (PetscInt p = 0; p < dini->nparams; p++) {
    DiniParameter par = dini->params[p];

    if (!par->active) continue;
    if (!par->x) PetscCall(VecDuplicate(par->m, &par->x));
    PetscCall(VecCopy(ctx->back.mbar[p], par->x));
    PetscCall(DiniParameterGive_Private(par, dJdm, offset));
    offset += par->n;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Sets an objective that is a sum over the states of a chain.
  @level{beginner}

  Logically Collective. J = sum over n = 0 .. N of what the callback adds for state n: weights of a quadrature in time are its own.
  It becomes the objective of the Dini, together with the data of DiniAddChainObservation(), in place of that of DiniSetObjective():
  gradients, Hessian products and Tao go by the functions for these.

  @param[in] dini the Dini, after DiniSetChain()
  @param[in] fn   adds the value of state n, and to dJdu, unless that is NULL, its derivative; NULL for none
  @param[in] ctx  context of fn, may be NULL
  @return 0 or a PETSc error code

  @see DiniAddChainObservation(), DiniComputeObjectiveAndGradient(), DiniHVP()
*/
PetscErrorCode DiniSetChainObjective(Dini dini, DiniChainObjectiveFn *fn, void *ctx)
{
  Dini_Chain *data;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniSetChainObjective()"));
  PetscCall(DiniChainGet_Private(dini, "DiniSetChainObjective()", &data));
  data->objective    = fn;
  data->objectivectx = ctx;
  data->terms++;
  PetscCall(DiniSetObjective(dini, DiniValue_Chain, DiniGradient_Chain, data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Adds data at a time to the objective of a chain: half the weighted square of H u(t) - d.
  @level{beginner}

  Collective. Between two states u(t) goes in a straight line, whose derivative is taken as it is. See DiniSetChainObjective().

  @param[in] dini   the Dini, after DiniSetChain()
  @param[in] t      the time, from the first to the last of the chain's
  @param[in] H      what is observed of the state; NULL: all of it; referenced
  @param[in] d      the data, of the layout of H u; referenced
  @param[in] weight one weight, such as 1 over the variance, for each; NULL: all are one; referenced
  @return 0 or a PETSc error code; PETSC_ERR_ARG_OUTOFRANGE, at the first value, for a time that is none of the chain's
*/
PetscErrorCode DiniAddChainObservation(Dini dini, PetscReal t, Mat H, Vec d, Vec weight)
{
  Dini_Chain      *ctx;
  DiniObservation *o;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniAddChainObservation()"));
  PetscCall(DiniChainGet_Private(dini, "DiniAddChainObservation()", &ctx));
  PetscCheck(d, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_NULL, "An observation needs its data");
  PetscCall(DiniCheckComm_Private(dini, (PetscObject)d, "The data"));
  PetscCall(PetscCalloc1(ctx->nobservations + 1, &o));
  PetscCall(PetscArraycpy(o, ctx->observation, ctx->nobservations));
  PetscCall(PetscFree(ctx->observation));
  ctx->observation = o;
  o += ctx->nobservations++;
  PetscCall(PetscObjectReference((PetscObject)d));
  if (H) PetscCall(PetscObjectReference((PetscObject)H));
  if (weight) PetscCall(PetscObjectReference((PetscObject)weight));
  *o = (DiniObservation){.t = t, .H = H, .d = d, .weight = weight};
  PetscCall(VecDuplicate(d, &o->r));
  PetscCall(VecDuplicate(d, &o->wr));
  ctx->terms++;
  PetscCall(DiniSetObjective(dini, DiniValue_Chain, DiniGradient_Chain, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniObservationsDestroy_Private(Dini_Chain *ctx)
{
  PetscFunctionBegin;
  for (PetscInt i = 0; i < ctx->nobservations; i++) {
    DiniObservation *o = &ctx->observation[i];

    PetscCall(MatDestroy(&o->H));
    PetscCall(VecDestroy(&o->d));
    PetscCall(VecDestroy(&o->weight));
    PetscCall(VecDestroy(&o->r));
    PetscCall(VecDestroy(&o->wr));
  }
  PetscCall(PetscFree(ctx->observation));
  ctx->nobservations = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}
