/*
  The plain iteration x <- b + (I - J) x, or lambda <- g + (I - J)^H lambda: for a fixed point u = G(u, m) that is one product
  with G_u or G_u^H a step, with a stopping rule of its own: the true residual.

  Christianson, "Reverse accumulation and attractive fixed points", Optimization Methods and Software 3 (1994) 311-326.
*/
#include "../private/diniengineimpl.h"

#define DINI_GROWTH 1e10 /* of the residual: far beyond what a G_u that is not normal does before it contracts */
#define DINI_STILL  20   /* iterations without progress, after which rounding is suspected */

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

/* How many plain iterations a linear solve may take; 0 where the ladder does it */
PetscErrorCode DiniEngineIterations_Private(Dini dini, PetscInt *max)
{
  PetscFunctionBegin;
  *max = 0;
  PetscTryTypeMethod(dini, iterations, max);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniIterationFailed(Dini dini, PetscInt max, DiniSolveStatus *status)
{
  const char *why = "the map contracts too slowly";

  PetscFunctionBegin;
  if (!(dini->rate < 1.0)) why = "the map does not contract here";
  PetscCall(PetscSNPrintf(status->tried, sizeof(status->tried),
                          "%s, its rate is %g (1 and more diverges), so the plain iteration came to a true relative "
                          "residual of %g in %" PetscInt_FMT " steps (-dini_fixedpoint_max_it %" PetscInt_FMT ")",
                          why, (double)dini->rate, (double)status->relative, status->its, max));
  PetscCall(PetscInfo(dini, "Plain iteration: %s\n", status->tried));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* e->b holds b - A x: the step, and the true residual that decides when to stop, are the same vector */
PetscErrorCode DiniEngineIterate_Private(Dini dini, DiniDirection direction, PetscInt max, Vec b, Vec x,
                                         DiniSolveStatus *status)
{
  DiniEngine e    = dini->engine;
  DiniRate   rate = {0};
  PetscReal  best;
  PetscInt   since   = 0;
  PetscBool  settled = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(DiniEngineNeedProduct_Private(dini, direction));
  PetscCall(DiniEngineBegin_Private(dini, direction, b, x, status));
  status->rung = DINI_RUNG_ITERATION;
  best = rate.rold = rate.rrecent = status->relative;
  while (status->its < max && status->relative < DINI_GROWTH) {
    if (status->good)
      PetscCall(
          DiniEngineSettled_Private(dini, direction, b, x, e->b, 1.0 - PetscMin(dini->rate, 0.99), status, &settled));
    if (settled) break; /* in every field, too */
    PetscCall(VecAXPY(x, 1.0, e->b));
    PetscCall(DiniEngineResidual_Private(dini, direction, b, x, status));
    status->its++;
    dini->rate = DiniRateUpdate(&rate, status->its, status->relative);
    since      = status->relative < best ? 0 : since + 1;
    best       = PetscMin(best, status->relative);
    if (since >= DINI_STILL && status->good) break;
    if (since != DINI_STILL) continue;
    PetscCall(DiniEngineAtRounding_Private(dini, direction, x, status));
    if (status->good) settled = PETSC_TRUE;
    if (status->good) break; /* the residual has given way to a work vector */
    PetscCall(DiniEngineResidual_Private(dini, direction, b, x, status));
  }
  if (!settled && status->good && status->its == max)
    PetscCall(
        DiniEngineSettled_Private(dini, direction, b, x, e->b, 1.0 - PetscMin(dini->rate, 0.99), status, &settled));
  if (!settled && e->nfields > 1) status->good = PETSC_FALSE; /* a field that goes on moving */
  dini->rateknown = (PetscBool)(status->its > 0);
  if (!status->good) PetscCall(DiniIterationFailed(dini, max, status));
  else
    PetscCall(PetscInfo(dini, "Plain iteration: true relative residual %g in %" PetscInt_FMT " steps, rate %g\n",
                        (double)status->relative, status->its, (double)dini->rate));
  PetscFunctionReturn(PETSC_SUCCESS);
}
