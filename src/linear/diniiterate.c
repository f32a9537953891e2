/*
  The plain iteration x <- b + (I - J) x, or lambda <- g + (I - J)^H lambda: for a fixed point u = G(u, m) that is one product
  with G_u or G_u^H a step, with a stopping rule of its own: the true residual.

  Christianson, "Reverse accumulation and attractive fixed points", Optimization Methods and Software 3 (1994) 311-326.
*/
#include "../private/diniengineimpl.h"

#define DINI_GROWTH 1e10 /* of the residual: far beyond what a G_u that is not normal does before it contracts */
#define DINI_STILL  20   /* iterations without progress, after which rounding is suspected */

#define ITERATE_ROUNDING (10.0 * PETSC_MACHINE_EPSILON) /* of a relative residual */

/* The residual at two earlier iterations: rates are geometric means over at least half of them, beyond any transient */
typedef struct {
  PetscInt  old, recent;
  PetscReal rold, rrecent;
} DiniRate;

static PetscReal DiniRateUpdate(DiniRate *rate, PetscInt it, PetscReal norm)
{
  if (it >= 2 * PetscMax(rate->recent, 1)) {
    rate->old     = rate->recent;
    rate->rold    = rate->rrecent;
    rate->recent  = it;
    rate->rrecent = norm;
  }
  return it > rate->old ? PetscPowReal(norm / rate->rold, 1.0 / (PetscReal)(it - rate->old)) : 0.0;
}

static PetscErrorCode DiniIterationFailed(DiniEngine e, PetscInt max, DiniSolveResult *status)
{
  const char *why = "the map contracts too slowly";

  PetscFunctionBegin;
  if (!(status->rate < 1.0)) why = "the map does not contract here";
  PetscCall(PetscSNPrintf(status->tried, sizeof(status->tried),
                          "%s, its rate is %g (1 and more diverges), so the plain iteration came to a true relative "
                          "residual of %g in %" PetscInt_FMT " steps (-dini_fixedpoint_max_it %" PetscInt_FMT ")",
                          why, (double)status->rate, (double)status->relative, status->its, max));
  PetscCall(PetscInfo(e, "Plain iteration: %s\n", status->tried));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* e->b holds b - A x: the step, and the true residual that decides when to stop, are the same vector */
PetscErrorCode DiniEngineIterate_Private(DiniEngine e, DiniDirection direction, PetscInt max, Vec b, Vec x,
                                         DiniSolveResult *status)
{
  DiniRate  rate = {0};
  PetscReal best;
  PetscInt  since   = 0;
  PetscBool settled = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(DiniEngineNeedProduct_Private(e, direction));
  PetscCall(DiniEngineBegin_Private(e, direction, b, x, status));
  status->rung = DINI_RUNG_ITERATION;
  best = rate.rold = rate.rrecent = status->relative;
  while (status->its < max && status->relative < DINI_GROWTH) {
    if (status->good &&
        (status->its || status->relative <= ITERATE_ROUNDING)) /* a guess may have left entries at zero */
      PetscCall(
          DiniEngineSettled_Private(e, direction, b, x, e->b, 1.0 - PetscMin(status->rate, 0.99), status, &settled));
    if (settled) break; /* in every field, too */
    PetscCall(VecAXPY(x, 1.0, e->b));
    PetscCall(DiniEngineResidual_Private(e, direction, b, x, status));
    status->its++;
    status->rate = DiniRateUpdate(&rate, status->its, status->relative);
    since        = status->relative < best ? 0 : since + 1;
    best         = PetscMin(best, status->relative);
    if (since >= DINI_STILL && status->good) break;
    if (since != DINI_STILL) continue;
    PetscCall(DiniEngineAtRounding_Private(e, direction, x, status));
    if (status->good) settled = PETSC_TRUE;
    if (status->good) break; /* the residual has given way to a work vector */
    PetscCall(DiniEngineResidual_Private(e, direction, b, x, status));
  }
  if (!settled && status->good && status->its == max)
    PetscCall(
        DiniEngineSettled_Private(e, direction, b, x, e->b, 1.0 - PetscMin(status->rate, 0.99), status, &settled));
  if (!settled && e->nfields > 1) status->good = PETSC_FALSE; /* a field that goes on moving */
  if (!status->good) PetscCall(DiniIterationFailed(e, max, status));
  else
    PetscCall(PetscInfo(e, "Plain iteration: true relative residual %g in %" PetscInt_FMT " steps, rate %g\n",
                        (double)status->relative, status->its, (double)status->rate));
  PetscFunctionReturn(PETSC_SUCCESS);
}
