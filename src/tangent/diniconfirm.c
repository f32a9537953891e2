/*
  Is x as good as its residual is small? Where fields have units of their own, or one drives another only a little, residuals
  that are small by field may leave x wrong in the field that matters. So a solution that a Krylov method has found is corrected
  by a loose solve for its residual, A e = b - A x, until no field of x moves any more; where one goes on moving, the rung has
  failed, whatever the residual says. Where nobody tells fields apart, groups of entries of x that are orders of magnitude
  smaller than others are corrected likewise; but some may be zero, and small by rounding alone, so what is left there
  is reported and not refused. With a factorisation residuals are rounding.
*/
#include "../private/diniengineimpl.h"
#include <math.h>

#define CONFIRM_RTOL     0.1                           /* one digit */
#define CONFIRM_MAX      5                             /* corrections */
#define CONFIRM_ROOM     100.0                         /* times the tolerance: what a field may be off by */
#define CONFIRM_ROUNDING (1e3 * PETSC_MACHINE_EPSILON) /* of a relative residual */
#define CONFIRM_BEST     1e-9                          /* but no less is asked for */

static PetscReal DiniLimit(Dini dini, DiniDirection direction)
{
  return PetscMax(CONFIRM_BEST, CONFIRM_ROOM * dini->engine->rtol[direction]);
}

/* Is e / part, what x is thought to be off by, small enough in every field? */
PetscErrorCode DiniEngineSettled_Private(Dini dini, DiniDirection direction, Vec b, Vec x, Vec e, PetscReal part,
                                         DiniSolveStatus *status, PetscBool *settled)
{
  PetscReal moved;

  PetscFunctionBegin;
  PetscCall(DiniEngineFieldError_Private(dini, direction, b, x, e, &moved));
  status->error = moved / part;
  *settled      = (PetscBool)(status->error <= DiniLimit(dini, direction));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* e = A^{-1} r to one digit in every field, where that can be had; r is spoilt */
static PetscErrorCode DiniConfirmStep(Dini dini, DiniDirection direction, KSP ksp, Vec r, Vec e,
                                      DiniSolveStatus *status, PetscBool *good)
{
  DiniEngine         engine = dini->engine;
  const PetscReal    before = engine->rtol[direction];
  DiniSolveStatus    step   = {.bnorm = 1.0, .relative = 1.0, .loose = PETSC_TRUE, .rung = status->rung};
  KSPConvergedReason reason;
  PetscReal          norm;
  PetscErrorCode     failed;

  PetscFunctionBegin;
  PetscCall(DiniNorm_Private(r, &norm));
  PetscCall(VecSet(e, 0.0));
  *good = PETSC_TRUE;
  if (!(norm > 0.0)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecScale(r, 1.0 / norm));
  engine->rtol[direction] = CONFIRM_RTOL;
  failed                  = DiniEngineRefine_Private(dini, direction, ksp, r, e, &step, &reason);
  if (!failed && !step.good) { /* a KSP that sees another norm may stop too early: to the end, then */
    step.loose = PETSC_FALSE;
    step.guess = PETSC_TRUE;
    failed     = DiniEngineRefine_Private(dini, direction, ksp, r, e, &step, &reason);
  }
  engine->rtol[direction] = before;
  PetscCall(failed);
  PetscCall(VecScale(e, norm));
  status->its += step.its;
  *good = step.good;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniConfirm(Dini dini, DiniDirection direction, KSP ksp, Vec b, Vec x, Vec r, Vec e,
                                  DiniSolveStatus *status)
{
  const PetscReal limit = DiniLimit(dini, direction);
  PetscReal       moved = INFINITY, before;
  PetscBool       good = PETSC_TRUE, rounding = PETSC_FALSE;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < CONFIRM_MAX; k++) {
    PetscCall(DiniEngineMult_Private(dini, direction, x, r)); /* the engine's own may be a work vector by now */
    PetscCall(VecAYPX(r, -1.0, b));
    PetscCall(DiniConfirmStep(dini, direction, ksp, r, e, status, &good));
    if (!good) break;
    before = moved;
    PetscCall(DiniEngineFieldError_Private(dini, direction, b, x, e, &moved));
    rounding = (PetscBool)(k && status->relative <= CONFIRM_ROUNDING && moved > 0.5 * before);
    if (rounding) break;            /* A is so ill-conditioned that nothing better can be had */
    if (k && moved <= limit) break; /* the first one may have seen the largest field alone */
    PetscCall(VecAXPY(x, 1.0, e));
    PetscCall(DiniEngineProject_Private(dini, direction, x));
    PetscCall(DiniEngineResidual_Private(dini, direction, b, x, status));
    if (!status->good) PetscCall(DiniEngineAtRounding_Private(dini, direction, x, status));
    if (status->good) continue;
    PetscCall(VecAXPY(x, -1.0, e));
    status->good = (PetscBool)(dini->engine->nfields < 2); /* it was, and nobody has asked for more */
    good         = PETSC_FALSE;
    break;
  }
  PetscCall(PetscInfo(dini, "A correction moves the worst field of the %s solution by a relative %g\n",
                      DiniOperations[DINI_OPERATION_TANGENT + direction], (double)moved));
  status->error = good ? moved : 0.0;
  if (dini->engine->nfields < 2 || (good && (rounding || moved <= limit))) PetscFunctionReturn(PETSC_SUCCESS);
  status->error = good ? moved : INFINITY;
  status->good  = PETSC_FALSE;
  status->moves = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* After a solve on a rung that its residual calls good, x is corrected, or not good any more */
PetscErrorCode DiniEngineConfirm_Private(Dini dini, DiniDirection direction, KSP ksp, Vec b, Vec x,
                                         DiniSolveStatus *status)
{
  PetscBool      factors, several = PETSC_TRUE;
  PetscErrorCode failed;
  Vec            r, e;

  PetscFunctionBegin;
  if (!status->good || status->loose) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscObjectTypeCompare((PetscObject)ksp, KSPRICHARDSON, &factors));
  if (factors) PetscFunctionReturn(PETSC_SUCCESS);
  if (dini->engine->nfields < 2) PetscCall(DiniEngineGroups_Private(dini, x, &several));
  if (!several) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecDuplicate(b, &r));
  PetscCall(VecDuplicate(b, &e));
  failed = DiniConfirm(dini, direction, ksp, b, x, r, e, status);
  PetscCall(VecDestroy(&r));
  PetscCall(VecDestroy(&e));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}
