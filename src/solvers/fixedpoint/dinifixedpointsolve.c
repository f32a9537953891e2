/* The forward iteration of a fixed point without one of the application's: a SNES on u - G(u, m), plain unless told otherwise. */
#include "../../private/dinifixedpointimpl.h"

static PetscErrorCode DiniSNESFunction_FixedPoint(SNES snes, Vec u, Vec F, void *ctx)
{
  PetscReal norm;

  PetscFunctionBegin;
  (void)snes;
  PetscCall(DiniResidual_Private((Dini)ctx, u, F, &norm)); /* NaN is for the SNES to see */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* PETSc's own test; and what rounding in u - G(u, m) can not tell from zero is zero, as at a warm start */
static PetscErrorCode DiniSNESConverged_FixedPoint(SNES snes, PetscInt it, PetscReal xnorm, PetscReal gnorm,
                                                   PetscReal f, SNESConvergedReason *reason, void *ctx)
{
  Vec       u;
  PetscReal norm;

  PetscFunctionBegin;
  PetscCall(SNESConvergedDefault(snes, it, xnorm, gnorm, f, reason, ctx));
  if (*reason) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(SNESGetSolution(snes, &u));
  PetscCall(DiniNorm_Private(u, &norm));
  if (f <= 10.0 * PETSC_MACHINE_EPSILON * norm) *reason = SNES_CONVERGED_FNORM_RELATIVE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniFixedPointCreateSNES_Private(Dini dini)
{
  Dini_FixedPoint *ctx = (Dini_FixedPoint *)dini->data;
  SNESLineSearch   search;
  const char      *prefix;

  PetscFunctionBegin;
  PetscCall(SNESCreate(PetscObjectComm((PetscObject)dini), &ctx->snes));
  PetscCall(PetscObjectIncrementTabLevel((PetscObject)ctx->snes, (PetscObject)dini, 1));
  PetscCall(PetscObjectGetOptionsPrefix((PetscObject)dini, &prefix));
  PetscCall(SNESSetOptionsPrefix(ctx->snes, prefix));
  PetscCall(SNESAppendOptionsPrefix(ctx->snes, "dini_fixedpoint_"));
  PetscCall(SNESSetType(ctx->snes, SNESNRICHARDSON));
  PetscCall(SNESGetLineSearch(ctx->snes, &search));
  PetscCall(SNESLineSearchSetType(search, DINI_LINESEARCH_NONE)); /* u - F(u, m), which is G(u, m) */
  PetscCall(SNESSetTolerances(ctx->snes, 1e-50, 1e-12, 0.0, 10000, 1000000));
  PetscCall(SNESSetDivergenceTolerance(ctx->snes, 1e10)); /* a G_u that is not normal grows before it contracts */
  PetscCall(SNESSetConvergenceTest(ctx->snes, DiniSNESConverged_FixedPoint, NULL, NULL));
  if (dini->fromoptions) PetscCall(SNESSetFromOptions(ctx->snes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniSolve_FixedPoint(Dini dini, Vec u, DiniForwardResult *result)
{
  Dini_FixedPoint    *ctx = (Dini_FixedPoint *)dini->data;
  SNESConvergedReason stopped;
  PetscErrorCode      failed;
  PetscReal           claimed, norm, unorm;

  PetscFunctionBegin;
  result->options = "dini_fixedpoint_snes";
  if (!ctx->snes) PetscCall(DiniFixedPointCreateSNES_Private(dini));
  if (!ctx->F) PetscCall(VecDuplicate(u, &ctx->F));
  PetscCall(SNESSetFunction(ctx->snes, ctx->F, DiniSNESFunction_FixedPoint, dini));
  failed = SNESSolve(ctx->snes, NULL, u);
  if (failed) PetscCall(SNESDestroy(&ctx->snes)); /* half-way through an iteration: the next solve begins anew */
  PetscCall(failed);
  PetscCall(SNESGetConvergedReason(ctx->snes, &stopped));
  PetscCall(SNESGetIterationNumber(ctx->snes, &result->its));
  PetscCall(SNESGetFunctionNorm(ctx->snes, &claimed));
  if (stopped > 0) result->reason = DINI_CONVERGED_FORWARD;
  else result->reason = stopped == DINI_SNES_NAN ? DINI_DIVERGED_NAN : DINI_DIVERGED_FORWARD;
  result->why = SNESConvergedReasons[stopped];
  dini->fnorm = claimed;
  if (stopped <= 0) PetscFunctionReturn(PETSC_SUCCESS);
  /* accelerated iterations know |F| of a combination of iterates: |F| of the one that they return is measured */
  PetscCall(DiniResidual_Private(dini, u, ctx->F, &norm));
  PetscCall(DiniNorm_Private(u, &unorm));
  dini->fnorm = dini->fsolve = norm;
  if (norm <= 10.0 * claimed + 100.0 * PETSC_MACHINE_EPSILON * unorm) PetscFunctionReturn(PETSC_SUCCESS);
  result->reason = PetscIsInfOrNanReal(norm) ? DINI_DIVERGED_NAN : DINI_DIVERGED_FORWARD_RESIDUAL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives the SNES that iterates u <- G(u, m) where the application has no iteration of its own.
  @level{advanced}

  Collective on the first call, which creates it. Its residual is u - G(u, m); initially it is of type nrichardson with line
  search basic, the plain iteration, with rtol 1e-12 and no test of the step, since derivatives want a tight solution. Call
  it after DiniSetFromOptions(), and again after DiniReset().

  @param[in]  dini the Dini, of type DINIFIXEDPOINT
  @param[out] snes the solver, not to be destroyed; its residual is set by the Dini
  @return 0 or a PETSc error code; PETSC_ERR_ORDER for other types

  Options: `-dini_fixedpoint_snes_type <nrichardson|anderson|ngmres>`, `-dini_fixedpoint_snes_rtol`,
  `-dini_fixedpoint_snes_monitor` and so on.

  @see DiniSetFixedPoint(), DiniSetSolve()
*/
PetscErrorCode DiniGetFixedPointSNES(Dini dini, SNES *snes)
{
  PetscBool is;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(PetscObjectTypeCompare((PetscObject)dini, DINIFIXEDPOINT, &is));
  PetscCheck(is, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "DiniGetFixedPointSNES() goes with DiniSetFixedPoint(); call that first, or DiniGetSNES()");
  if (!((Dini_FixedPoint *)dini->data)->snes) PetscCall(DiniFixedPointCreateSNES_Private(dini));
  *snes = ((Dini_FixedPoint *)dini->data)->snes;
  PetscFunctionReturn(PETSC_SUCCESS);
}
