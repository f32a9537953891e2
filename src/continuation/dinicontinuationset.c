/* What can be set on a continuation, from code or from the options database, and what its end is called. */
#include "../private/diniimpl.h"

/**
  @brief Sets the steps of DiniContinue().
  @level{intermediate}

  Logically Collective.

  @param[in] dini     the Dini
  @param[in] step     first step of the parameter, positive, in its units; 0 (initially): a twentieth of the way
  @param[in] minstep  smallest step, in the units of the parameter; 0 (initially): 1e-8 of the way,
                      and 1e-6 of it is near enough to a fold or a bifurcation at zero
  @param[in] maxsteps most steps, those that are taken back included; initially 200
  @param[in] rtol     how near to a fold or a bifurcation the path ends, relative to its location; initially 1e-4
  @return 0 or a PETSc error code; PETSC_ERR_ARG_OUTOFRANGE for values that make no sense

  PETSC_DEFAULT leaves a value as it is.

  Options: `-dini_continuation_step`, `-dini_continuation_min_step`, `-dini_continuation_max_steps`,
  `-dini_continuation_rtol`.
*/
PetscErrorCode DiniSetContinuation(Dini dini, PetscReal step, PetscReal minstep, PetscInt maxsteps, PetscReal rtol)
{
  DiniContinuation *c;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  c = &dini->continuation;
  if (step == PETSC_DEFAULT) step = c->step;
  if (minstep == PETSC_DEFAULT) minstep = c->minstep;
  if (maxsteps == PETSC_DEFAULT) maxsteps = c->maxsteps;
  if (rtol == PETSC_DEFAULT) rtol = c->rtol;
  PetscCheck(step >= 0.0 && minstep >= 0.0 && !PetscIsInfOrNanReal(step) && !PetscIsInfOrNanReal(minstep),
             PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_OUTOFRANGE,
             "%s: The steps %g and %g of a continuation must be positive, or 0 for those that the way to the target "
             "gives; they are sizes, the target gives the direction",
             DiniLabel_Private(dini), (double)step, (double)minstep);
  PetscCheck(step == 0.0 || minstep <= step, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_OUTOFRANGE,
             "%s: The smallest step %g of a continuation is larger than the first one, %g", DiniLabel_Private(dini),
             (double)minstep, (double)step);
  PetscCheck(maxsteps > 0, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_OUTOFRANGE,
             "%s: A continuation in at most %" PetscInt_FMT " steps goes nowhere", DiniLabel_Private(dini), maxsteps);
  PetscCheck(rtol > 0.0 && rtol < 1.0, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_OUTOFRANGE,
             "%s: The relative tolerance %g of a fold must lie between 0 and 1", DiniLabel_Private(dini), (double)rtol);
  c->step     = step;
  c->minstep  = minstep;
  c->maxsteps = maxsteps;
  c->rtol     = rtol;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Sets how many folds DiniContinue() goes round.
  @level{intermediate}

  Logically Collective. At a fold the parameter turns back, and the path goes on along the other branch, with the parameter running the
  other way: behind an odd number of folds to `back` (DINI_CONTINUATION_RETURN), behind an even one to the target again, as
  on the S of a hysteresis. The forward solve itself is asked for the solution on the other side, from a guess
  that the fold's shape gives; where it does not get there, as a fixed-point iteration on an unstable branch, the path ends with
  DINI_CONTINUATION_DIVERGED_FOLD.

  @param[in] dini  the Dini
  @param[in] folds most folds to go round; initially 0: the first one ends the path
  @param[in] back  where a path that runs back ends, in units of the parameter, not between its beginning and its target;
                   PETSC_INFINITY (initially): at the value that it began at
  @return 0 or a PETSc error code; PETSC_ERR_ARG_OUTOFRANGE for a negative number, or NaN

  Options: `-dini_continuation_folds`, `-dini_continuation_back`.

  @see DiniContinue(), DiniGetContinuationFolds()
*/
PetscErrorCode DiniSetContinuationFolds(Dini dini, PetscInt folds, PetscReal back)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCheck(folds >= 0, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_OUTOFRANGE,
             "%s: %" PetscInt_FMT " folds can not be gone round; 0 ends the path at the first one",
             DiniLabel_Private(dini), folds);
  PetscCheck(!PetscIsNanReal(back), PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_OUTOFRANGE,
             "%s: A path can not run back to %g", DiniLabel_Private(dini), (double)back);
  dini->continuation.folds = folds;
  dini->continuation.back  = back;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gets the folds that the last DiniContinue() has gone round.
  @level{intermediate}

  Not Collective.

  @param[in]  dini  the Dini
  @param[out] n     their number, without the one that may have ended the path
  @param[out] folds values of the parameter there, in their order on the path; valid until the next DiniContinue(); may be NULL
  @return 0 or a PETSc error code

  @see DiniSetContinuationFolds()
*/
PetscErrorCode DiniGetContinuationFolds(Dini dini, PetscInt *n, const PetscReal *folds[])
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  *n = dini->continuation.nfolds;
  if (folds) *folds = dini->continuation.fold;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives a function that DiniContinue() calls at each solution on the path, the first one included.
  @level{intermediate}

  Logically Collective. The Dini is at that solution: DiniJVP(), DiniVJP() and, with SLEPc, DiniComputeCondition() may be
  called. DiniSolve(), DiniAttach() and changes of parameters may not.

  @param[in] dini    the Dini
  @param[in] monitor the function; NULL for none
  @param[in] ctx     its context, may be NULL
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniContinuationMonitorSet(Dini dini, DiniContinuationFn *monitor, void *ctx)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  dini->continuation.monitor = monitor;
  dini->continuation.ctx     = ctx;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniContinuationSetFromOptions_Private(Dini dini, DiniOptionItems PetscOptionsObject)
{
  DiniContinuation c = dini->continuation;

  PetscFunctionBegin;
  PetscOptionsHeadBegin(PetscOptionsObject, "Continuation");
  PetscCall(PetscOptionsReal("-dini_continuation_step", "First step of the parameter", "DiniSetContinuation", c.step,
                             &c.step, NULL));
  PetscCall(PetscOptionsReal("-dini_continuation_min_step", "Smallest step of the parameter", "DiniSetContinuation",
                             c.minstep, &c.minstep, NULL));
  PetscCall(PetscOptionsInt("-dini_continuation_max_steps", "Most steps", "DiniSetContinuation", c.maxsteps,
                            &c.maxsteps, NULL));
  PetscCall(PetscOptionsReal("-dini_continuation_rtol", "How near to a fold the path ends", "DiniSetContinuation",
                             c.rtol, &c.rtol, NULL));
  PetscCall(DiniSetContinuation(dini, c.step, c.minstep, c.maxsteps, c.rtol));
  PetscCall(PetscOptionsInt("-dini_continuation_folds", "Folds to go round", "DiniSetContinuationFolds", c.folds,
                            &c.folds, NULL));
  PetscCall(PetscOptionsReal("-dini_continuation_back", "Where a path that runs back ends", "DiniSetContinuationFolds",
                             c.back, &c.back, NULL));
  PetscCall(DiniSetContinuationFolds(dini, c.folds, c.back));
  PetscCall(PetscOptionsBool("-dini_continuation_monitor", "Print a line per step", "DiniContinuationMonitorSet",
                             c.print, &dini->continuation.print, NULL));
  PetscOptionsHeadEnd();
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From the one with the smallest number, -5, up */
static const char *const DiniContinuationReasons[] = {
    "DIVERGED_FOLD", "DIVERGED_STEPS", "DIVERGED_BRANCH", "DIVERGED_TANGENT", "DIVERGED_FORWARD", "ITERATING", "TARGET",
    "FOLD",          "BIFURCATION",    "RETURN"};

/**
  @brief Text of the reason why a continuation ended, of the form "FOLD".
  @level{intermediate}

  Not Collective.

  @param[in]  reason the reason
  @param[out] text   its text, not to be freed
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniContinuationReasonString(DiniContinuationReason reason, const char **text)
{
  PetscFunctionBegin;
  *text = reason < DINI_CONTINUATION_DIVERGED_FOLD || reason > DINI_CONTINUATION_RETURN
              ? "unknown reason"
              : DiniContinuationReasons[(int)reason - (int)DINI_CONTINUATION_DIVERGED_FOLD];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniCreate_Continuation(Dini dini)
{
  PetscFunctionBegin;
  dini->continuation.rtol     = 1e-4;
  dini->continuation.maxsteps = 200;
  dini->continuation.back     = PETSC_INFINITY;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniDestroy_Continuation(Dini dini)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(dini->continuation.fold));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const DiniFeature DiniFeatureContinuation = {.name           = "continuation",
                                             .create         = DiniCreate_Continuation,
                                             .destroy        = DiniDestroy_Continuation,
                                             .setfromoptions = DiniContinuationSetFromOptions_Private};
