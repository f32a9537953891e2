/*
  One step of a TS as a relation of its own, made of the TS's callbacks: R = F(t, U, Udot) / a + gamma F(t_n, u_n, 0) in which U and
  Udot are combinations of u_{n+1} and the states before. It is solved again where states beside the point, or not kept, are asked for,
  by a SNES with the TS's own KSP.

    theta            U = theta u_{n+1} + (1 - theta) u_n                    Udot = (u_{n+1} - u_n) / dt
    theta, endpoint  U = u_{n+1},  gamma = (1 - theta) / theta              Udot = (u_{n+1} - u_n) / (theta dt)
    BDF of order k   U = u_{n+1}                                            Udot = p'(t_{n+1}), p through the last k + 1 states

  A BDF of order 2 and more begins with half a step of backward Euler, whose state is the second one of the chain and takes part in
  the formulas as if it came before u_0.
*/
#include "../private/dinitsimpl.h"

/* ---- The formula ---- */

/* Derivatives at x[0] of the Lagrange polynomials through x[0..n] */
static void LagrangeSlopes(PetscInt n, const PetscReal x[], PetscReal d[])
{
  for (PetscInt k = 0; k <= n; k++) {
    d[k] = 0.0;
    for (PetscInt j = 0; j <= n; j++) {
      PetscReal product = 1.0;

      if (j == k) continue;
      for (PetscInt i = 0; i <= n; i++)
        if (i != k && i != j) product *= (x[0] - x[i]) / (x[k] - x[i]);
      d[k] += product / (x[k] - x[j]);
    }
  }
}

/* Values at t of the Lagrange polynomials through x[1..n] */
static void LagrangeValues(PetscInt n, const PetscReal x[], PetscReal t, PetscReal v[])
{
  for (PetscInt k = 1; k <= n; k++) {
    v[k] = 1.0;
    for (PetscInt i = 1; i <= n; i++)
      if (i != k) v[k] *= (t - x[i]) / (x[k] - x[i]);
  }
}

/* Number of the i-th of the last states, before step n: those after the first half step, then u_0, then the half step */
static PetscInt StateBefore(PetscInt n, PetscInt i)
{
  const PetscInt at = n + 1 - i;

  return at < 2 ? 1 - at : at;
}

/* k of the last states in the formula, and one more in the guess that a BDF takes, unless that is further back than a step reads */
static void PlaceBDF(const Dini_Chain *ctx, PetscInt n, DiniTSScheme *now)
{
  const PetscInt order = ctx->ts->method.order, k = PetscMin(n + 1, order);
  PetscInt       most                   = PetscMin(n + 1, order + 1);
  PetscReal      x[DINI_CHAIN_MOST + 1] = {now->t}, d[DINI_CHAIN_MOST + 1] = {0.0};

  if (n - StateBefore(n, most) > order) most--;
  for (PetscInt i = 1; i <= most; i++) x[i] = ctx->t[StateBefore(n, i)];
  LagrangeSlopes(k, x, d);
  now->w = d[0];
  for (PetscInt i = 1; i <= k; i++) now->W[n - StateBefore(n, i)] = d[i];
  LagrangeValues(most, x, now->t, d);
  now->guess[0] = 0.0;
  for (PetscInt i = 1; i <= most; i++) now->guess[n - StateBefore(n, i)] = d[i];
}

PetscErrorCode DiniTSPlace_Private(Dini_Chain *ctx, PetscInt n)
{
  const DiniTSMethod *method = &ctx->ts->method;
  const PetscReal     dt = ctx->t[n + 1] - ctx->t[n], theta = method->theta;
  DiniTSScheme       *now = &ctx->ts->now;

  PetscFunctionBegin;
  *now = (DiniTSScheme){.n = n, .t = ctx->t[n + 1], .t0 = ctx->t[n], .a = 1.0, .guess = {1.0}};
  if (method->bdf && method->order > 1 && n > 0) {
    PlaceBDF(ctx, n, now);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (method->endpoint) {
    now->w     = 1.0 / (theta * dt);
    now->gamma = (1.0 - theta) / theta;
  } else {
    now->t    = ctx->t[n] + theta * dt;
    now->a    = theta;
    now->A[0] = 1.0 - theta;
    now->w    = 1.0 / dt;
  }
  now->W[0] = -now->w;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the TS begins with to solve the step, so that another solve comes to the same solution where there are several */
PetscErrorCode DiniTSGuess_Private(const Dini_Chain *ctx, const Vec window[], Vec u)
{
  PetscFunctionBegin;
  PetscCall(VecAXPBY(u, ctx->ts->now.guess[0], 0.0, window[0]));
  for (PetscInt k = 1; k < ctx->nprevious; k++)
    if (ctx->ts->now.guess[k] != 0.0) PetscCall(VecAXPY(u, ctx->ts->now.guess[k], window[k]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* U and Udot of u_{n+1} = u */
PetscErrorCode DiniTSStage_Private(DiniTS *data, Vec u)
{
  const DiniTSScheme *now = &data->now;

  PetscFunctionBegin;
  PetscCall(VecAXPBY(data->U, now->a, 0.0, u));
  PetscCall(VecAXPBY(data->Udot, now->w, 0.0, u));
  for (PetscInt k = 0; k < DINI_CHAIN_MOST; k++) {
    if (now->A[k] != 0.0) PetscCall(VecAXPY(data->U, now->A[k], data->previous[k]));
    if (now->W[k] != 0.0) PetscCall(VecAXPY(data->Udot, now->W[k], data->previous[k]));
  }
  PetscCall(PetscObjectStateIncrease((PetscObject)data->U));
  PetscCall(PetscObjectStateIncrease((PetscObject)data->Udot));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniTSResidual(SNES snes, Vec u, Vec F, void *ctx)
{
  DiniTS             *data = (DiniTS *)ctx;
  const DiniTSScheme *now  = &data->now;

  PetscFunctionBegin;
  (void)snes;
  PetscCall(DiniTSStage_Private(data, u));
  PetscCall(TSComputeIFunction(data->ts, now->t, data->U, data->Udot, F, PETSC_FALSE));
  if (now->a != 1.0) PetscCall(VecScale(F, 1.0 / now->a));
  if (now->gamma == 0.0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecCopy(data->previous[0], data->U));
  PetscCall(VecZeroEntries(data->Udot));
  PetscCall(PetscObjectStateIncrease((PetscObject)data->U));
  PetscCall(TSComputeIFunction(data->ts, now->t0, data->U, data->Udot, data->w, PETSC_FALSE));
  PetscCall(VecAXPY(F, now->gamma, data->w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- The step ---- */

static PetscErrorCode DiniTSPrefix(Dini dini, char prefix[], size_t length)
{
  const char *mine;

  PetscFunctionBegin;
  PetscCall(DiniGetOptionsPrefix(dini, &mine));
  PetscCall(PetscSNPrintf(prefix, length, "%sstep_", mine ? mine : ""));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A mesh of the TS's, which knows nothing of its solvers; none where the TS has none */
static PetscErrorCode DiniTSMesh(DiniTS *data, SNES snes)
{
  DM        dm, mine;
  PetscBool shell;

  PetscFunctionBegin;
  PetscCall(TSGetDM(data->ts, &dm));
  PetscCall(PetscObjectTypeCompare((PetscObject)dm, DMSHELL, &shell));
  if (shell) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DMClone(dm, &mine));
  PetscCall(SNESSetDM(snes, mine));
  PetscCall(DMDestroy(&mine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniTSSolver(Dini dini, DiniTS *data)
{
  char      prefix[256];
  SNES      its;
  KSP       ksp;
  PetscReal atol, rtol, stol;
  PetscInt  maxit;

  PetscFunctionBegin;
  PetscCall(DiniTSPrefix(dini, prefix, sizeof(prefix)));
  PetscCall(SNESCreate(PetscObjectComm((PetscObject)dini), &data->snes));
  PetscCall(SNESSetOptionsPrefix(data->snes, prefix));
  PetscCall(DiniTSMesh(data, data->snes));
  PetscCall(SNESSetFunction(data->snes, NULL, DiniTSResidual, data));
  if (data->J) PetscCall(SNESSetJacobian(data->snes, data->J, data->P, DiniTSJacobian_Private, data));
  else if (data->like)
    PetscCall(SNESSetJacobian(data->snes, data->like, data->like, SNESComputeJacobianDefaultColor, NULL));
  PetscCall(TSGetSNES(data->ts, &its));
  PetscCall(SNESGetTolerances(its, &atol, &rtol, &stol, &maxit, NULL));
  PetscCall(
      SNESSetTolerances(data->snes, atol, PetscMin(rtol, 1e-8), PetscMin(stol, 1e-8), PetscMax(maxit, 50), 10000));
  PetscCall(SNESSetFromOptions(data->snes));
  PetscCall(SNESGetKSP(its, &ksp));
  PetscCall(SNESSetKSP(data->snes, ksp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The application's parameters are those of the chain: its update callback is called for these */
static PetscErrorCode DiniTSUpdate(Dini step, Vec m, void *ctx)
{
  const DiniParameter par = (DiniParameter)ctx;

  PetscFunctionBegin;
  (void)step;
  if (par->update) PetscCall((*par->update)(par->dini, m, par->updatectx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Those of the chain that the step does not have yet */
static PetscErrorCode DiniTSParameters(Dini dini, Dini_Chain *ctx)
{
  Dini step = ctx->step;

  PetscFunctionBegin;
  for (PetscInt p = 0; p < dini->nparams; p++) {
    const DiniParameter par = dini->params[p];
    PetscBool           has = (PetscBool)(par->m == ctx->u0);
    PetscInt            q;

    for (q = 0; q < step->nparams && !has; q++)
      has = (PetscBool)(step->params[q]->m == par->m || (par->scalar && step->params[q]->scalar == par->scalar));
    if (has) continue;
    if (par->scalar) PetscCall(DiniAddScalarParameter(step, par->name, par->scalar, &q));
    else PetscCall(DiniAddParameter(step, par->name, par->m, &q));
    if (par->update) PetscCall(DiniSetParameterUpdate(step, q, DiniTSUpdate, par));
    step->params[q]->real       = par->real;
    step->params[q]->difference = par->difference;
    step->params[q]->step       = par->step;
    step->params[q]->maxcolumns = par->maxcolumns;
    PetscCall(VecDestroy(&ctx->flat));
    PetscCall(VecDestroy(&ctx->bar));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Earlier states with the mesh of the TS, where it has one: their derivatives may be differences on it */
static PetscErrorCode DiniTSPrevious(Dini_Chain *ctx)
{
  DiniTS   *data = ctx->ts;
  DM        dm;
  PetscBool shell;

  PetscFunctionBegin;
  PetscCall(TSGetDM(data->ts, &dm));
  PetscCall(PetscObjectTypeCompare((PetscObject)dm, DMSHELL, &shell));
  for (PetscInt k = 0; k < ctx->nprevious; k++) {
    if (shell) PetscCall(VecDuplicate(ctx->u0, &data->previous[k]));
    else PetscCall(DMCreateGlobalVector(dm, &data->previous[k]));
    PetscCall(VecCopy(ctx->u0, data->previous[k]));
  }
  PetscCall(VecDuplicate(ctx->u0, &data->U));
  PetscCall(VecDuplicate(ctx->u0, &data->Udot));
  PetscCall(VecDuplicate(ctx->u0, &data->w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniTSBuild_Private(Dini dini, Dini_Chain *ctx)
{
  DiniTS   *data = ctx->ts;
  char      prefix[256], name[32];
  PetscReal rtol[2];

  PetscFunctionBegin;
  if (!ctx->step) {
    PetscCall(DiniTSPrevious(ctx));
    PetscCall(DiniTSCallbacks_Private(data));
    PetscCall(DiniTSSolver(dini, data));
    PetscCall((*dini->another)(PetscObjectComm((PetscObject)dini), &ctx->step));
    PetscCall(DiniTSPrefix(dini, prefix, sizeof(prefix)));
    PetscCall(DiniSetOptionsPrefix(ctx->step, prefix));
    PetscCall(DiniSetSNES(ctx->step, data->snes));
    for (PetscInt k = 0; k < ctx->nprevious; k++) {
      PetscCall(PetscSNPrintf(name, sizeof(name), "before_%" PetscInt_FMT, k + 1));
      PetscCall(DiniAddParameter(ctx->step, name, data->previous[k], &ctx->previous[k]));
    }
    PetscCall(DiniTSBlocks_Private(ctx->step, ctx));
    PetscCall(DiniTSParameters(dini, ctx));
    PetscCall(DiniGetTolerances(dini, &rtol[0], &rtol[1]));
    PetscCall(DiniSetTolerances(ctx->step, rtol[0], rtol[1]));
    PetscCall(DiniSetFromOptions(ctx->step));
  } else PetscCall(DiniTSParameters(dini, ctx));
  PetscCall(DiniChainSetUp_Private(dini, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniTSUnbuild_Private(Dini_Chain *ctx)
{
  DiniTS *data = ctx->ts;

  PetscFunctionBegin;
  PetscCall(DiniChainUnmap_Private(ctx));
  PetscCall(VecDestroy(&ctx->flat));
  PetscCall(VecDestroy(&ctx->bar));
  for (int k = 0; k < DINI_CHAIN_MOST; k++) {
    PetscCall(VecDestroy(&ctx->window[k]));
    PetscCall(VecDestroy(&data->previous[k]));
  }
  for (int k = 0; k <= DINI_CHAIN_MOST; k++) PetscCall(VecDestroy(&ctx->pending[k]));
  PetscCall(DiniDestroy(&ctx->step));
  PetscCall(SNESDestroy(&data->snes));
  ctx->nprevious = 0;
  PetscCall(VecDestroy(&data->U));
  PetscCall(VecDestroy(&data->Udot));
  PetscCall(VecDestroy(&data->w));
  PetscCall(VecDestroy(&data->latest));
  PetscCall(VecDestroy(&data->half));
  PetscCall(DiniTSMatsDestroy_Private(&data->stage));
  PetscCall(DiniTSMatsDestroy_Private(&data->begin));
  PetscCall(MatDestroy(&data->J));
  PetscCall(MatDestroy(&data->P));
  PetscCall(MatDestroy(&data->like));
  PetscFunctionReturn(PETSC_SUCCESS);
}
