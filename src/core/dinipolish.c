/*
  What the forward solve has left in the state, on request taken out by one Newton correction.

  With du = J^{-1} F(u, m), u - du is good to the square of the error of u. What is left in derivatives: dinistateerror.c.
*/
#include "../private/diniimpl.h"

#define POLISH_RTOL 1e-6 /* of the correction: a state good to 1e-6 becomes good to rounding */
#define POLISH_MAX  4

/* correction = J^{-1} F; converged false where it can not be had. No error of the solve, and no trace in reason and residuals */
static PetscErrorCode DiniCorrection(Dini dini, Vec F, Vec correction, PetscBool *converged)
{
  const PetscBool           errors = dini->erroriffail;
  const DiniConvergedReason reason = dini->reason;
  const PetscReal  norm = dini->lastnorm, relative = dini->lastrelative, told = dini->lasterror, unit = dini->lastunit;
  const PetscReal  worst = dini->stats.tangent_residual;
  const PetscInt64 kind  = dini->lastkind;
  PetscReal        tangentrtol;
  PetscErrorCode   failed;

  PetscFunctionBegin;
  PetscCall(DiniGetTolerances(dini, &tangentrtol, NULL));
  PetscCall(DiniSetTolerances(dini, PetscMax(POLISH_RTOL, tangentrtol), PETSC_DEFAULT));
  dini->erroriffail            = PETSC_FALSE;
  failed                       = DiniLinearSolve_Private(dini, DINI_TANGENT, F, correction, converged);
  dini->erroriffail            = errors;
  *converged                   = (PetscBool)(!failed && *converged);
  dini->reason                 = reason;
  dini->lastnorm               = norm;
  dini->lastrelative           = relative;
  dini->lasterror              = told;
  dini->lastunit               = unit;
  dini->lastkind               = kind;
  dini->stats.tangent_residual = worst;
  PetscCall(DiniSetTolerances(dini, tangentrtol, PETSC_DEFAULT));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* u - J^{-1} F in u where that lowers F, of the worst field; stateerror: of the u that is left */
static PetscErrorCode DiniPolishOnce(Dini dini, Vec u, Vec F, Vec du, Vec before, PetscBool *accepted)
{
  const char *field;
  PetscReal   norm, new, old, left, error;
  PetscBool   good;

  PetscFunctionBegin;
  *accepted = PETSC_FALSE;
  PetscCall(DiniResidual_Private(dini, u, F, &norm));
  if (norm <= 20.0 * PETSC_MACHINE_EPSILON * dini->scale) PetscFunctionReturn(PETSC_SUCCESS); /* nothing but rounding */
  PetscCall(DiniEngineJudgeState_Private(dini->engine, dini->u, F, 0.0, &old, &good, &field));
  if (good) PetscFunctionReturn(PETSC_SUCCESS);
  dini->stats.polishes++;
  PetscCall(DiniCorrection(dini, F, du, &good));
  if (!good) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniEngineFieldError_Private(dini->engine, DINI_TANGENT, F, u, du, &error));
  PetscCall(VecCopy(u, before));
  PetscCall(VecAXPY(u, -1.0, du));
  PetscCall(DiniResidual_Private(dini, u, F, &new));
  *accepted = (PetscBool)!PetscIsInfOrNanReal(new);
  left      = old;
  if (*accepted) PetscCall(DiniEngineStateFalls_Private(dini->engine, F, &left));
  *accepted = (PetscBool)(*accepted && left < old);
  PetscCall(PetscInfo(dini, "Polished by a relative %g: |F| from %g to %g, of its terms %g to %g, %s\n", (double)error,
                      (double)norm, (double)new, (double)old, (double)left, *accepted ? "taken" : "put back"));
  if (!*accepted) PetscCall(VecCopy(before, u));
  dini->stateerror = error * (*accepted ? left / old : 1.0);
  if (*accepted) dini->fnorm = dini->stats.forward_residual = new;
  if (*accepted) dini->stats.polishes_accepted++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniPolishHere(Dini dini, Vec u, Vec F, Vec du, Vec before, PetscBool *accepted)
{
  Mat J, P;

  PetscFunctionBegin;
  PetscCall(DiniLinearize_Private(dini));
  PetscCall(DiniEngineGetJacobian_Private(dini->engine, &J, &P));
  PetscCheck(J, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
             "%s: -dini_polish needs J, by which it judges its correction, and nobody has given it",
             DiniLabel_Private(dini));
  PetscCall(DiniPolishOnce(dini, u, F, du, before, accepted));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* After a forward solve, with u the point: another point, a better one, unless |F| would not fall */
PetscErrorCode DiniPolish_Private(Dini dini, Vec u)
{
  PetscErrorCode failed   = PETSC_SUCCESS;
  PetscBool      accepted = PETSC_TRUE;
  PetscReal      error;
  Vec            F, du, before;

  PetscFunctionBegin;
  if (!dini->polish) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(!dini->active && !dini->ops->jvp, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
             "%s: -dini_polish is not for %s: tighten the forward solve instead", DiniLabel_Private(dini),
             dini->active ? "variational inequalities, whose bounds a correction would leave" : "eigenproblems");
  PetscCall(VecDuplicate(u, &F));
  PetscCall(VecDuplicate(u, &du));
  PetscCall(VecDuplicate(u, &before));
  dini->polishing = PETSC_TRUE;
  for (int k = 0; k < POLISH_MAX && accepted && !failed; k++) {
    failed = DiniPolishHere(dini, u, F, du, before, &accepted);
    error  = dini->stateerror;
    if (!failed && accepted) failed = DiniSetPoint_Private(dini, u);
    dini->stateerror = error;
    if (error >= 0.0 && error <= dini->promise) break; /* the next one would cost another J */
  }
  dini->polishing = PETSC_FALSE;
  PetscCall(VecDestroy(&F));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&before));
  PetscCall(failed);
  if (dini->stage == DINI_STAGE_LINEARIZED) PetscCall(DiniPromiseKept_Private(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Chooses whether the state of a forward solve is corrected once more before it is differentiated at.
  @level{intermediate}

  Logically Collective. A gradient is at least as wrong as the state that it is taken at: a forward solve to 1e-2 leaves errors of 1e-3
  in it. One correction u <- u - J^{-1} F(u, m), with the preconditioner that the forward solve has built, makes a state that is
  good to e good to e^2. It is taken where it lowers |F|, and put back where it does not; DiniStatistics counts both, and its
  state_error is what is left. It costs one more assembly of J and a tangent solve for each DiniSolve(), whose u gets the
  corrected values; up to three corrections more where u is still not what the forward tolerance promises. States of DiniAttach() are left as they are. It applies to every type but eigenproblems and variational
  inequalities, which refuse it.

  @param[in] dini   the Dini
  @param[in] polish PETSC_TRUE to correct, initially PETSC_FALSE
  @return 0 or a PETSc error code

  Options: `-dini_polish`.

  @see DiniSolve(), DiniGetStatistics()
*/
PetscErrorCode DiniSetPolish(Dini dini, PetscBool polish)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  dini->polish = polish;
  PetscFunctionReturn(PETSC_SUCCESS);
}
