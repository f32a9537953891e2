/* Where derivatives are taken: forward solve, attach. */
#include "../private/diniparameterimpl.h"
#include <petsctime.h>

static PetscErrorCode DiniComputeResidual_Call(Dini dini, Vec u, Vec F)
{
  PetscFunctionBegin;
  PetscCall(DiniSetUp(dini));
  PetscCall(DiniSetUpLayout_Private(dini, u));
  PetscCall(DiniCheckState_Private(dini, F, "The residual F"));
  PetscCall(DiniParameterPull_Private(dini));
  PetscCall(DiniParameterPush_Private(dini));
  PetscCall(DiniResidual_Private(dini, u, F, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Computes the residual F(u, m) at the current parameters.
  @level{intermediate}

  Collective.

  @param[in]  dini the Dini
  @param[in]  u    state
  @param[out] F    residual, with the layout of the state
  @return 0 or a PETSc error code; PETSC_ERR_FP when F has NaN or Inf in it
*/
PetscErrorCode DiniComputeResidual(Dini dini, Vec u, Vec F)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  DiniServe(dini, "DiniComputeResidual()", DINI_DOOR_RESIDUALS, DiniComputeResidual_Call(dini, u, F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Derivatives belong to these values of u and m; whoever changes them is found out by object state and by value. */
PetscErrorCode DiniSetPoint_Private(Dini dini, Vec u)
{
  PetscFunctionBegin;
  PetscCall(PetscObjectReference((PetscObject)u));
  PetscCall(VecDestroy(&dini->u));
  dini->u = u;
  PetscCall(DiniEngineSetState_Private(dini->engine, u));
  PetscCall(DiniGhosts_Private(u));
  PetscCall(VecCopy(u, dini->ucopy));
  PetscCall(PetscObjectStateGet((PetscObject)u, &dini->ustate));
  PetscCall(DiniParameterForget_Private(dini));
  PetscCall(DiniParameterRemember_Private(dini));
  PetscCall(DiniFilterRemember_Private(dini));
  dini->mpoint = dini->mstamp;
  PetscTryTypeMethod(dini, point);
  PetscCall(DiniProductsMoved_Private(dini->D));
  PetscCall(DiniProductsMoved_Private(dini->hessian.H));
  dini->fpoint     = dini->fsolve;
  dini->fsolve     = -1.0;
  dini->stage      = DINI_STAGE_SOLVED;
  dini->hasF       = PETSC_FALSE;
  dini->stateerror = -1.0;
  dini->statebend  = -1.0;
  dini->elsewhere  = PETSC_FALSE;
  dini->point++;
  dini->hessian.rtol = 0.0;
  dini->rateknown    = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniForwardFailed(Dini dini, DiniConvergedReason reason, PetscInt its)
{
  DiniEngine e;

  PetscFunctionBegin;
  dini->stage  = DINI_STAGE_NEW;
  dini->reason = reason;
  dini->stats.forward_failures++;
  PetscCall(DiniLinear_Private(dini, &e));
  PetscCall(DiniEngineMend_Private(e));
  PetscCall(DiniMonitor_Private(dini, DINI_OPERATION_FORWARD, its, dini->fnorm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniAcceptOrFail(Dini dini, Vec u, const char whose[], DiniConvergedReason good,
                                       PetscBool *accepted)
{
  PetscReal fnorm, scale;

  PetscFunctionBegin;
  PetscCall(DiniAcceptState_Private(dini, u, dini->attachrtol, &fnorm, &scale, accepted));
  if (*accepted) {
    dini->fsolve  = fnorm;
    dini->reason  = good;
    dini->promise = dini->attachrtol;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(DiniForwardFailed(dini, DINI_DIVERGED_FORWARD_RESIDUAL, 0));
  PetscCheck(!dini->erroriffail, PetscObjectComm((PetscObject)dini), PETSC_ERR_NOT_CONVERGED,
             "%s: %s is not a solution: |F(u, m)| = %g where |J u| is about %g, so its relative size %g exceeds %g. "
             "Solve more "
             "tightly, check that m and the residual belong together, or accept it with -dini_attach_rtol",
             DiniLabel_Private(dini), whose, (double)fnorm, (double)scale,
             (double)(scale > 0.0 ? fnorm / scale : PETSC_INFINITY), (double)dini->attachrtol);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The solve of the type; its result is held to what it promises */
static PetscErrorCode DiniForwardOfType(Dini dini, Vec u, DiniForwardResult *result)
{
  PetscFunctionBegin;
  PetscCheck(dini->ops->solve, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "%s, of type \"%s\", has no solve of its own; call DiniSetSolve(), or DiniAttach() at a known solution",
             DiniLabel_Private(dini), ((PetscObject)dini)->type_name);
  PetscUseTypeMethod(dini, solve, u, result);
  dini->stats.forward_iterations += result->its;
  dini->forward.steps += result->its;
  if (!(result->fnorm < 0.0)) { /* NaN is known, too */
    dini->fnorm = result->fnorm;
    if (!dini->residual) dini->fsolve = dini->fnorm;
  }
  dini->stats.forward_residual = dini->fnorm;
  if (result->reason <= 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniCheckFinite_Private(dini, u, "The state u from the forward solve", NULL));
  PetscCall(DiniForwardPromise_Private(dini));
  dini->reason = result->reason;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniForward(Dini dini, Vec u, PetscInt *its, PetscBool *converged)
{
  DiniForwardResult result    = {.reason = DINI_DIVERGED_FORWARD, .why = "no reason of its own", .fnorm = -1.0};
  char              look[128] = "";
  DiniEngine        e;

  PetscFunctionBegin;
  *its           = 0;
  dini->cause[0] = 0;
  PetscCall(DiniLinear_Private(dini, &e));
  PetscCall(DiniEngineBeforeForward_Private(e));
  if (dini->solve) {
    DiniCallUserOpen(dini, DINI_DOOR_RESIDUALS, "The solve callback (DiniSetSolve())",
                     (*dini->solve)(dini, u, dini->solvectx));
    PetscCall(DiniCheckFinite_Private(dini, u, "The state from the solve callback (DiniSetSolve())", NULL));
    PetscCall(DiniAcceptOrFail(dini, u, "The state from the solve callback", DINI_CONVERGED_FORWARD, converged));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(DiniForwardOfType(dini, u, &result));
  *its       = result.its;
  *converged = (PetscBool)(result.reason > 0);
  if (*converged) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniForwardFailed(dini, result.reason, *its));
  if (result.options)
    PetscCall(PetscSNPrintf(look, sizeof(look), "; look at it with -%s_monitor -%s_converged_reason", result.options,
                            result.options));
  if (dini->erroriffail && (result.reason == DINI_DIVERGED_FORWARD_RESIDUAL || dini->cause[0]))
    PetscCall(DiniForwardRefused_Private(dini, result.why, *its));
  PetscCheck(!dini->erroriffail, PetscObjectComm((PetscObject)dini),
             result.reason == DINI_DIVERGED_NAN ? PETSC_ERR_FP : PETSC_ERR_NOT_CONVERGED,
             "%s: The forward solve (%s) stopped with %s after %" PetscInt_FMT
             " iterations%s, so there is no solution to differentiate at%s",
             DiniLabel_Private(dini), ((PetscObject)dini)->type_name, result.why, *its,
             result.reason == DINI_DIVERGED_NAN ? ": its residual or assembly callback gives NaN or Inf" : "", look);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* After an error out of the forward solver */
PetscErrorCode DiniForwardHalfway_Private(Dini dini)
{
  DiniEngine e;

  PetscFunctionBegin;
  PetscCall(DiniLinear_Private(dini, &e));
  PetscCall(DiniEngineGiveBack_Private(e));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Callbacks read the parameters: one that is written to during a solve belongs to no solution. */
static PetscErrorCode DiniParametersStay(Dini dini)
{
  const char *culprit;

  PetscFunctionBegin;
  PetscCall(DiniParameterChanged_Private(dini, &culprit));
  PetscCheck(
      !culprit, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONGSTATE,
      "%s: Parameter \"%s\" has been changed during the solve, by the residual or another callback: u belongs to "
      "no value of it. Callbacks must only read parameters; keep what they compute in variables of their own",
      DiniLabel_Private(dini), culprit);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniSolve_Call(Dini dini, Vec u, PetscBool *converged)
{
  PetscInt       its, locks;
  PetscErrorCode failed;
  PetscLogDouble start, end;

  PetscFunctionBegin;
  PetscCall(DiniSetUp(dini));
  PetscCall(DiniSetUpLayout_Private(dini, u));
  dini->stage = DINI_STAGE_NEW;
  PetscCall(DiniParameterPull_Private(dini));
  if (!dini->told) PetscCall(DiniParameterPush_Private(dini));
  PetscCall(DiniParameterRemember_Private(dini));
  dini->fsolve = -1.0;
  PetscCall(PetscTime(&start));
  PetscCall(PetscLogEventBegin(DINI_Solve, dini, u, 0, 0));
  PetscCall(VecLockGet(u, &locks));
  failed = DiniForward(dini, u, &its, converged);
  PetscCall(DiniUnlock_Private(u, locks)); /* a solver that fails half-way leaves its solution locked */
  if (failed) PetscCall(DiniForwardHalfway_Private(dini));
  PetscCall(failed);
  PetscCall(PetscLogEventEnd(DINI_Solve, dini, u, 0, 0));
  PetscCall(PetscTime(&end));
  dini->stats.forward_seconds += (PetscReal)(end - start);
  dini->forward.seconds += (PetscReal)(end - start);
  if (!*converged) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniParametersStay(dini));
  dini->stats.forward_solves++;
  PetscCall(DiniSetPoint_Private(dini, u));
  PetscCall(DiniPolish_Private(dini, u));
  PetscCall(DiniMonitor_Private(dini, DINI_OPERATION_FORWARD, its, dini->fnorm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where errors are off, *converged tells whether there is a solution */
PetscErrorCode DiniSolve_Private(Dini dini, Vec u, PetscBool *converged)
{
  PetscFunctionBegin;
  *converged = PETSC_FALSE;
  DiniServe(dini, "DiniSolve()", DINI_DOOR_NEVER, DiniSolve_Call(dini, u, converged));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Finds u with F(u, m) = 0 at the current parameters and makes it the point of differentiation.
  @level{beginner}

  Collective. The Dini keeps a reference to u and a copy of its values, and refuses derivatives when u or a parameter has
  been changed since.

  @param[in]     dini the Dini
  @param[in,out] u    initial guess on entry, solution on return
  @return 0 or a PETSc error code; PETSC_ERR_NOT_CONVERGED with the solver's reason when it fails

  Options: `-dini_converged_reason`, `-dini_polish`, and the solver's own.

  @see DiniAttach(), DiniSetPolish(), DiniJVP(), DiniVJP(), DiniSetErrorIfNotConverged()
*/
PetscErrorCode DiniSolve(Dini dini, Vec u)
{
  PetscBool converged;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniSolve_Private(dini, u, &converged));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniAttach_Call(Dini dini, Vec u, PetscBool *accepted)
{
  PetscFunctionBegin;
  PetscCall(DiniSetUp(dini));
  PetscCall(DiniSetUpLayout_Private(dini, u));
  dini->stage = DINI_STAGE_NEW;
  PetscCall(DiniParameterPull_Private(dini));
  PetscCall(DiniParameterPush_Private(dini));
  PetscCall(DiniAcceptOrFail(dini, u, "The attached state", DINI_CONVERGED_ATTACHED, accepted));
  if (!*accepted) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniSetPoint_Private(dini, u));
  PetscCall(DiniMonitor_Private(dini, DINI_OPERATION_FORWARD, 0, dini->fnorm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniAttach_Private(Dini dini, Vec u, PetscBool *accepted)
{
  PetscFunctionBegin;
  *accepted = PETSC_FALSE;
  DiniServe(dini, "DiniAttach()", DINI_DOOR_NEVER, DiniAttach_Call(dini, u, accepted));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Makes a solution found elsewhere the point of differentiation.
  @level{beginner}

  Collective. Checks that F(u, m) = 0 to the tolerances of DiniSetAttachTolerances(), at two residual evaluations.

  @param[in] dini the Dini
  @param[in] u    the solution at the current parameters; referenced
  @return 0 or a PETSc error code; PETSC_ERR_NOT_CONVERGED, with the sizes, when F(u, m) is not small enough

  Options: `-dini_attach_rtol`, `-dini_attach_atol`.
*/
PetscErrorCode DiniAttach(Dini dini, Vec u)
{
  PetscBool accepted;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniAttach_Private(dini, u, &accepted));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives the state at which derivatives are taken.
  @level{beginner}

  Not Collective.

  @param[in]  dini the Dini
  @param[out] u    the Vec of the last successful DiniSolve() or DiniAttach(), not to be destroyed; NULL before, and after a
                   pinned derivative has taken the Dini elsewhere
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniGetSolution(Dini dini, Vec *u)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  *u = dini->stage == DINI_STAGE_NEW || dini->elsewhere ? NULL : dini->u;
  PetscFunctionReturn(PETSC_SUCCESS);
}
