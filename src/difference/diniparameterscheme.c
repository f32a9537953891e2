/* How F is differenced in a block of parameters: the step rule, the residual beside the point, and a refusal. */
#include "../private/diniparameterimpl.h"
#include "../private/dinistepsimpl.h"

/*
  F(u, m + h direction) in F, with the values of m put back whatever happens. A caller that takes the norm copes with NaN.
  The shifted values are made in the application's own Vec, since its residual may read that.
*/
PetscErrorCode DiniParameterShifted_Private(Dini dini, DiniParameter par, Vec u, PetscScalar h, Vec direction, Vec F,
                                            PetscReal *norm)
{
  const PetscInt64 stamp = dini->mstamp;
  PetscErrorCode   failed;
  PetscInt         locked;

  PetscFunctionBegin;
  PetscCall(VecLockGet(par->m, &locked));
  PetscCheck(!locked, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONGSTATE,
             "%s: The Vec of parameter \"%s\" is locked by the application, so no difference of F can be taken in it",
             DiniLabel_Private(dini), par->name);
  PetscCall(VecWAXPY(par->m, h, direction, par->copy));
  PetscCall(DiniGhosts_Private(par->m));
  failed = DiniParameterPushOne_Private(dini, par);
  if (!failed) failed = DiniFilterShifted_Private(dini, par);
  if (!failed) failed = DiniResidual_Private(dini, u, F, norm);
  PetscCall(VecCopy(par->copy, par->m));
  PetscCall(DiniGhosts_Private(par->m));
  PetscCall(PetscObjectStateGet((PetscObject)par->m, &par->state));
  if (failed) (void)DiniParameterPushOne_Private(dini, par); /* the first error is the one to report */
  else failed = DiniParameterPushOne_Private(dini, par);
  PetscCall(failed);
  dini->mstamp = stamp; /* the values are those of the stamp again */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The relative step, see DiniSetParameterDifference() for the rule */
static PetscReal DiniRelativeStep(DiniParameter par)
{
  const PetscReal eps = PETSC_MACHINE_EPSILON;

  if (par->step > 0.0) return par->step;
  if (par->difference == DINI_DIFFERENCE_COMPLEX) return eps; /* nothing is subtracted: the smaller the better */
  if (par->affine) return 1.0;
  return par->difference == DINI_DIFFERENCE_CENTRAL ? PetscPowReal(eps, 1.0 / 3.0) : PetscSqrtReal(eps);
}

static PetscErrorCode DiniBlockShifted(Dini dini, void *ctx, PetscReal factor, Vec direction, Vec F, PetscReal *norm)
{
  DiniParameter par = (DiniParameter)ctx;

  PetscFunctionBegin;
  if (par->difference == DINI_DIFFERENCE_COMPLEX)
    PetscCall(DiniComplexStep_Private(dini, par, factor, direction, F, norm));
  else PetscCall(DiniParameterShifted_Private(dini, par, dini->u, factor, direction, F, norm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* How F is differenced in this block. Where it is affine one difference is exact; complex steps have nothing to subtract. */
PetscErrorCode DiniParameterScheme_Private(Dini dini, DiniParameter par, DiniScheme *scheme)
{
  const PetscBool complexstep = (PetscBool)(par->difference == DINI_DIFFERENCE_COMPLEX);
  const PetscBool central     = (PetscBool)(par->difference == DINI_DIFFERENCE_CENTRAL && !par->affine);

  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(par->what, sizeof(par->what), "parameter \"%s\"", par->name));
  PetscCall(PetscSNPrintf(par->cure, sizeof(par->cure),
                          "give F_m to DiniSetParameterJacobian(), or another step with -dini_parameter_%s_step",
                          par->name));
  scheme->what    = par->what;
  scheme->cure    = par->cure;
  scheme->shifted = DiniBlockShifted;
  scheme->ctx     = par;
  scheme->formula = central ? DINI_FORMULA_CENTRAL : DINI_FORMULA_FORWARD;
  scheme->step    = DiniRelativeStep(par);
  scheme->nought  = 0.0;
  scheme->judged  = (PetscBool)(central && !dini->beside && par->step == 0.0);
  scheme->probed  = (PetscBool)(!complexstep && !par->affine && !dini->beside);
  scheme->sized   = scheme->probed;
  scheme->error = scheme->missed = scheme->lost = 0.0;
  scheme->base = scheme->rows = NULL;
  if (complexstep) PetscCall(DiniComplexStepBase_Private(dini, par));
  else if (!central || scheme->judged) PetscCall(DiniPointResidual_Private(dini, &scheme->base));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* After a fill: what it is good to, and a refusal of what nobody could use */
PetscErrorCode DiniParameterSmooth_Private(Dini dini, DiniParameter par, const DiniScheme *scheme)
{
  PetscFunctionBegin;
  if (dini->beside) PetscFunctionReturn(PETSC_SUCCESS); /* the errors are those of the point */
  par->error  = PetscMax(scheme->error, scheme->missed);
  par->missed = scheme->missed;
  par->lost   = scheme->lost;
  if (!dini->guard || !scheme->judged) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(!(scheme->error > DINI_ROUGH) || scheme->worst.search == (PetscReal)DINI_SEARCH_NONE ||
                 scheme->worst.search == (PetscReal)DINI_SEARCH_FAR,
             PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
             "%s: F_m of parameter \"%s\" (type \"%s\") is not dF/dm: differences by steps about %g in its entry "
             "%" PetscInt_FMT
             ", whose value is %g, disagree by a relative %g. F is not smooth here, or noisy, as with an "
             "inner iteration. Give F_m to DiniSetParameterJacobian(), or another step with -dini_parameter_%s_step",
             DiniLabel_Private(dini), par->name, par->kind->name, (double)PetscAbsReal(scheme->worst.h),
             scheme->worst.entry, (double)scheme->worst.value, (double)scheme->error, par->name);
  PetscFunctionReturn(PETSC_SUCCESS);
}
