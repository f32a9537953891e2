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

static PetscReal DiniLimit(DiniEngine e, DiniDirection direction)
{
  return PetscMax(CONFIRM_BEST, CONFIRM_ROOM * e->rtol[direction]);
}

/* Is e / part, what x is thought to be off by, small enough in every field? */
PetscErrorCode DiniEngineSettled_Private(DiniEngine e, DiniDirection direction, Vec b, Vec x, Vec d, PetscReal part,
                                         DiniSolveResult *status, PetscBool *settled)
{
  PetscReal moved;

  PetscFunctionBegin;
  PetscCall(DiniEngineFieldError_Private(e, direction, b, x, d, &moved));
  status->error = moved / part;
  *settled      = (PetscBool)(status->error <= DiniLimit(e, direction));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* e = A^{-1} r to one digit in every field, where that can be had; r is spoilt */
static PetscErrorCode DiniConfirmStep(DiniEngine e, DiniDirection direction, KSP ksp, Vec r, Vec d,
                                      DiniSolveResult *status, PetscBool *good)
{
  const PetscReal    before = e->rtol[direction];
  DiniSolveResult    step   = {.bnorm = 1.0, .relative = 1.0, .loose = PETSC_TRUE, .rung = status->rung};
  KSPConvergedReason reason;
  PetscReal          norm;
  PetscErrorCode     failed;

  PetscFunctionBegin;
  PetscCall(DiniNorm_Private(r, &norm));
  PetscCall(VecSet(d, 0.0));
  *good = PETSC_TRUE;
  if (!(norm > 0.0)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecScale(r, 1.0 / norm));
  e->rtol[direction] = CONFIRM_RTOL;
  failed             = DiniEngineRefine_Private(e, direction, ksp, r, d, &step, &reason);
  if (!failed && !step.good) { /* a KSP that sees another norm may stop too early: to the end, then */
    step.loose = PETSC_FALSE;
    step.guess = PETSC_TRUE;
    failed     = DiniEngineRefine_Private(e, direction, ksp, r, d, &step, &reason);
  }
  e->rtol[direction] = before;
  PetscCall(failed);
  PetscCall(VecScale(d, norm));
  status->its += step.its;
  *good = step.good;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniConfirm(DiniEngine e, DiniDirection direction, KSP ksp, Vec b, Vec x, Vec r, Vec d,
                                  DiniSolveResult *status)
{
  const PetscReal limit = DiniLimit(e, direction);
  PetscReal       moved = INFINITY, before;
  PetscBool       good = PETSC_TRUE, rounding = PETSC_FALSE;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < CONFIRM_MAX; k++) {
    PetscCall(DiniEngineMult_Private(e, direction, x, r)); /* the engine's own may be a work vector by now */
    PetscCall(VecAYPX(r, -1.0, b));
    PetscCall(DiniConfirmStep(e, direction, ksp, r, d, status, &good));
    if (!good) break;
    before = moved;
    PetscCall(DiniEngineFieldError_Private(e, direction, b, x, d, &moved));
    rounding = (PetscBool)(k && status->relative <= CONFIRM_ROUNDING && moved > 0.5 * before);
    if (rounding) break;            /* A is so ill-conditioned that nothing better can be had */
    if (k && moved <= limit) break; /* the first one may have seen the largest field alone */
    PetscCall(VecAXPY(x, 1.0, d));
    PetscCall(DiniEngineProject_Private(e, direction, x));
    PetscCall(DiniEngineResidual_Private(e, direction, b, x, status));
    if (!status->good) PetscCall(DiniEngineAtRounding_Private(e, direction, x, status));
    if (status->good) continue;
    PetscCall(VecAXPY(x, -1.0, d));
    status->good = (PetscBool)(e->nfields < 2); /* it was, and nobody has asked for more */
    good         = PETSC_FALSE;
    break;
  }
  PetscCall(PetscInfo(e, "A correction moves the worst field of the %s solution by a relative %g\n",
                      DiniOperations[DINI_OPERATION_TANGENT + direction], (double)moved));
  status->error = good ? moved : 0.0;
  if (!good)
    e->regular = PETSC_FALSE; /* not even one digit for a right-hand side of rounding: a random one will tell */
  if (e->nfields < 2 || (good && (rounding || moved <= limit))) PetscFunctionReturn(PETSC_SUCCESS);
  status->error = good ? moved : INFINITY;
  status->good  = PETSC_FALSE;
  status->moves = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* After a solve on a rung that its residual calls good, x is corrected, or not good any more */
PetscErrorCode DiniEngineConfirm_Private(DiniEngine e, DiniDirection direction, KSP ksp, Vec b, Vec x,
                                         DiniSolveResult *status)
{
  PetscErrorCode failed;
  Vec            r, d;

  PetscFunctionBegin;
  if (!status->good || status->loose || !status->groups) PetscFunctionReturn(PETSC_SUCCESS);
  if (e->nfields < 2 && !status->several) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecDuplicate(b, &r));
  PetscCall(VecDuplicate(b, &d));
  failed            = DiniConfirm(e, direction, ksp, b, x, r, d, status);
  status->unwritten = PETSC_FALSE; /* not known since the last of its solves */
  PetscCall(VecDestroy(&r));
  PetscCall(VecDestroy(&d));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}
