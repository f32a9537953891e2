/*
  What the forward solve has left in the state: measured, and on request taken out by one Newton correction.

  With du = J^{-1} F(u, m), u - du is good to the square of the error of u. A gradient at u has a relative error like that of u,
  which no adjoint solve can tell.
*/
#include "../private/diniimpl.h"

#define POLISH_RTOL   1e-6 /* of the correction: a state good to 1e-6 becomes good to rounding */
#define ESTIMATE_RTOL 0.1  /* one digit of an error is enough */
#define LOOSE_RTOL    1e-7 /* |F| / |J u|: below, that itself is the estimate, at no cost */

/* correction = J^{-1} F to rtol; converged false where it can not be had. No error of the solve, and no trace in the reason */
static PetscErrorCode DiniCorrection(Dini dini, Vec F, PetscReal rtol, Vec correction, PetscBool *converged)
{
  const PetscBool           errors = dini->erroriffail;
  const DiniConvergedReason reason = dini->reason;
  const PetscReal           norm = dini->lastnorm, relative = dini->lastrelative, unit = dini->lastunit;
  const PetscInt64          kind = dini->lastkind;
  PetscReal                 tangentrtol;
  PetscErrorCode            failed;

  PetscFunctionBegin;
  PetscCall(DiniGetTolerances(dini, &tangentrtol, NULL));
  PetscCall(DiniSetTolerances(dini, PetscMax(rtol, tangentrtol), PETSC_DEFAULT));
  dini->erroriffail  = PETSC_FALSE;
  failed             = DiniEngineSolve_Private(dini, DINI_TANGENT, F, correction);
  dini->erroriffail  = errors;
  *converged         = (PetscBool)(!failed && dini->reason > 0);
  dini->reason       = reason;
  dini->lastnorm     = norm;
  dini->lastrelative = relative;
  dini->lastunit     = unit;
  dini->lastkind     = kind;
  PetscCall(DiniSetTolerances(dini, tangentrtol, PETSC_DEFAULT));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* u - J^{-1} F in u where that lowers |F|; error: of the u that is left, relative */
static PetscErrorCode DiniPolishOnce(Dini dini, Vec u, Vec F, Vec du, Vec before, PetscBool *accepted)
{
  PetscReal norm, new, unorm, dnorm;
  PetscBool converged;

  PetscFunctionBegin;
  *accepted = PETSC_FALSE;
  PetscCall(DiniResidual_Private(dini, u, F, NULL));
  PetscCall(DiniNorm_Private(F, &norm));
  if (norm <= 20.0 * PETSC_MACHINE_EPSILON * dini->scale) PetscFunctionReturn(PETSC_SUCCESS); /* nothing but rounding */
  dini->stats.polishes++;
  PetscCall(DiniCorrection(dini, F, POLISH_RTOL, du, &converged));
  if (!converged) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecCopy(u, before));
  PetscCall(VecAXPY(u, -1.0, du));
  PetscCall(DiniNorm_Private(u, &unorm));
  PetscCall(DiniNorm_Private(du, &dnorm));
  PetscCall(DiniResidual_Private(dini, u, F, &new));
  *accepted = (PetscBool)(new < norm); /* false for NaN */
  PetscCall(PetscInfo(dini, "Polished by a relative %g: |F| from %g to %g, %s\n",
                      (double)(unorm > 0.0 ? dnorm / unorm : dnorm), (double)norm, (double)new,
                      *accepted ? "taken" : "put back"));
  if (!*accepted) PetscCall(VecCopy(before, u));
  dini->stateerror = (unorm > 0.0 ? dnorm / unorm : dnorm) * (*accepted ? new / norm : 1.0);
  if (*accepted) dini->fnorm = dini->stats.forward_residual = new;
  if (*accepted) dini->stats.polishes_accepted++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* After a forward solve, with u the point: another point, a better one, unless |F| would not fall */
PetscErrorCode DiniPolish_Private(Dini dini, Vec u)
{
  PetscErrorCode failed;
  PetscBool      accepted;
  PetscReal      error;
  Vec            F, du, before;
  Mat            J, P;

  PetscFunctionBegin;
  if (!dini->polish) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(!dini->active && !dini->ops->jvp, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
             "%s: -dini_polish is not for %s: tighten the forward solve instead", DiniLabel_Private(dini),
             dini->active ? "variational inequalities, whose bounds a correction would leave" : "eigenproblems");
  PetscCall(DiniLinearize_Private(dini));
  PetscCall(DiniEngineGetJacobian_Private(dini, &J, &P));
  PetscCheck(J || dini->linearsolve[DINI_TANGENT], PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
             "%s: -dini_polish solves with J, and nobody has given J or DiniSetTangentSolve()",
             DiniLabel_Private(dini));
  PetscCall(VecDuplicate(u, &F));
  PetscCall(VecDuplicate(u, &du));
  PetscCall(VecDuplicate(u, &before));
  failed = DiniPolishOnce(dini, u, F, du, before, &accepted);
  PetscCall(VecDestroy(&F));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&before));
  PetscCall(failed);
  error = dini->stateerror;
  if (accepted) PetscCall(DiniSetPoint_Private(dini, u));
  dini->stateerror = error;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  The relative error of u, once for a point: |F| / |J u| where that is small, else |J^{-1} F| / |u| by a loose tangent solve.
  It stays unknown, which is a negative number, without the guard, which knows |J u|, and for singular J.
*/
PetscErrorCode DiniEstimateState_Private(Dini dini)
{
  const PetscReal fnorm = dini->fnorm;
  PetscReal       unorm, dnorm;
  PetscErrorCode  failed;
  PetscBool       converged, singular;
  Vec             F, du;
  Mat             J, P;

  PetscFunctionBegin;
  if (dini->stateerror >= 0.0 || !(dini->scale > 0.0)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniEngineIsSingular_Private(dini, &singular));
  PetscCall(DiniEngineGetJacobian_Private(dini, &J, &P));
  if (singular || !J) PetscFunctionReturn(PETSC_SUCCESS);
  if (fnorm <= LOOSE_RTOL * dini->scale || dini->linearsolve[DINI_TANGENT]) {
    dini->stateerror = fnorm / dini->scale;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(DiniPointStep_Private(dini, &F));
  PetscCall(VecDuplicate(dini->u, &du));
  failed = DiniCorrection(dini, F, ESTIMATE_RTOL, du, &converged);
  if (!failed) failed = DiniNorm_Private(dini->u, &unorm);
  if (!failed) failed = DiniNorm_Private(du, &dnorm);
  PetscCall(VecDestroy(&du));
  PetscCall(failed);
  dini->stateerror = converged ? (unorm > 0.0 ? dnorm / unorm : dnorm) : fnorm / dini->scale;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Chooses whether the state of a forward solve is corrected once more before it is differentiated at.

  Logically Collective. A gradient is as wrong as the state that it is taken at: a forward solve to 1e-2 leaves errors of 1e-3
  in it. One correction u <- u - J^{-1} F(u, m), with the preconditioner that the forward solve has built, makes a state that is
  good to e good to e^2. It is taken where it lowers |F|, and put back where it does not; DiniStatistics counts both, and its
  state_error is what is left. It costs one more assembly of J and a tangent solve for each DiniSolve(), whose u gets the
  corrected values. States of DiniAttach() are left as they are. It applies to every type but eigenproblems and variational
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
