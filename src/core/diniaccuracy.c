/* How good is a gradient? What the forward solve has left in the objective, and the adjoint solve in the gradient. */
#include "../private/diniimpl.h"
#include <math.h>

#define DINI_CORRECTION_RTOL 0.1 /* of the solve that estimates an error: one digit of it is enough */
#define DINI_MAX_CORRECTIONS 4

/* J(u) - J(u(m)) is lambda^H F(u, m) to first order, with the lambda of the last adjoint solve. */
PetscErrorCode DiniEstimateObjective_Private(Dini dini)
{
  PetscScalar product;
  Vec         F = NULL;

  PetscFunctionBegin;
  PetscCall(DiniPointStep_Private(dini, &F));
  PetscCall(VecDot(F, dini->lambda, &product));
  dini->stats.objective_error = PetscAbsReal(PetscRealPart(product));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One more adjoint solve, for the residual of lambda: lambda and mbar corrected, and the size of what has been added */
static PetscErrorCode DiniCorrect(Dini dini, Vec ubar, Vec mbar, Vec r, Vec e, Vec delta, PetscReal *relative,
                                  PetscBool *good)
{
  Mat J, P;

  PetscFunctionBegin;
  PetscCall(DiniEngineGetJacobian_Private(dini->engine, &J,
                                          &P)); /* an adjoint solve may have put an assembled one in its place */
  PetscCall(MatMultHermitianTranspose(J, dini->lambda, r));
  PetscCall(VecAYPX(r, -1.0, ubar));
  PetscCall(DiniLinearSolve_Private(dini, DINI_ADJOINT, r, e, good));
  *relative = PETSC_INFINITY;
  if (!*good) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniParameterApplyAdjoint_Private(dini, e, delta));
  PetscCall(VecAXPY(dini->lambda, 1.0, e));
  PetscCall(VecAXPY(mbar, -1.0, delta));
  PetscCall(DiniPartError_Private(dini, delta, mbar, relative));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  mbar to a relative error of its own, dini->gradientrtol: a loose adjoint solve first, and then solves for its residual
  until what they change in mbar is small enough. The tolerance of the adjoint solves plays no part.
*/
PetscErrorCode DiniAccurateVJP_Private(Dini dini, Vec ubar, Vec mbar, PetscBool *found)
{
  const PetscReal wanted = dini->gradientrtol;
  PetscReal       error = PETSC_INFINITY, relative = PETSC_INFINITY, unorm = 0.0;
  DiniAccuracy    once = {0};
  PetscBool       good;
  DiniTolerances  before;
  PetscErrorCode  failed;
  Mat             J, P;
  Vec             r, e, delta;

  PetscFunctionBegin;
  *found = PETSC_FALSE;
  PetscCall(DiniEngineGetJacobian_Private(dini->engine, &J, &P));
  if (!J) { /* the application's own solves: no residual to correct by */
    PetscCall(DiniRuleVJP_Private(dini, ubar, mbar, found));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(VecDuplicate(dini->u, &r));
  PetscCall(VecDuplicate(dini->u, &e));
  PetscCall(VecDuplicate(mbar, &delta));
  PetscCall(DiniEngineUseTolerances_Private(dini->engine, 0.0, PetscMin(wanted, DINI_CORRECTION_RTOL), &before));
  failed = DiniRuleVJP_Private(dini, ubar, mbar, &good);
  PetscCall(DiniEngineRestoreTolerances_Private(dini->engine, &before));
  PetscCall(DiniEngineUseTolerances_Private(dini->engine, 0.0, DINI_CORRECTION_RTOL, &before));
  for (int k = 0; k < DINI_MAX_CORRECTIONS && !failed && good; k++) {
    failed = DiniCorrect(dini, ubar, mbar, r, e, delta, &relative, &good);
    error  = DINI_CORRECTION_RTOL * relative;
    if (error <= wanted) break;
  }
  PetscCall(DiniEngineRestoreTolerances_Private(dini->engine, &before));
  dini->stats.gradient_error = error;
  if (!failed && good) failed = DiniNorm_Private(ubar, &unorm);
  if (!failed && good) {
    dini->lastnorm = unorm; /* and not of the last correction */
    failed         = DiniAddGradientDoubt_Private(dini, &once, PETSC_TRUE, ubar, mbar, &dini->stats.gradient_error);
  }
  PetscCall(VecDestroy(&r));
  PetscCall(VecDestroy(&e));
  PetscCall(VecDestroy(&delta));
  PetscCall(failed);
  if (good && error <= wanted) {
    *found = PETSC_TRUE;
    PetscCall(DiniAddStateError_Private(dini, DINI_ADJOINT, ubar, unorm, dini->lambda,
                                        &dini->stats.gradient_error)); /* that is the forward solve's to lower */
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (good) dini->reason = DINI_DIVERGED_ADJOINT;
  PetscCheck(!dini->erroriffail, PetscObjectComm((PetscObject)dini), PETSC_ERR_NOT_CONVERGED,
             "%s: The gradient has an estimated relative error of %g where -dini_gradient_rtol asks for %g; a tighter "
             "adjoint solve does not lower it",
             DiniLabel_Private(dini), (double)error, (double)wanted);
  PetscCall(VecSet(mbar, NAN));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Asks for gradients of a relative accuracy of their own, instead of adjoint solves to a tolerance.
  @level{intermediate}

  Logically Collective. The error of mbar is estimated by an adjoint solve for the residual of lambda, which also corrects it,
  until the estimate is below the tolerance. Loose gradients then take loose adjoint solves, and ill-conditioned ones as
  tight ones as they need.

  @param[in] dini the Dini
  @param[in] rtol relative accuracy of mbar and of reduced gradients, in the 2-norm; 0 (initially): the tolerance of
                  DiniSetTolerances() decides
  @return 0 or a PETSc error code; PETSC_ERR_ARG_OUTOFRANGE unless 0 <= rtol < 1

  Options: `-dini_gradient_rtol`.
*/
PetscErrorCode DiniSetGradientTolerance(Dini dini, PetscReal rtol)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCheck(rtol >= 0.0 && rtol < 1.0, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_OUTOFRANGE,
             "The relative accuracy of gradients is %g; it must lie between 0 and 1", (double)rtol);
  dini->gradientrtol = rtol;
  PetscFunctionReturn(PETSC_SUCCESS);
}
