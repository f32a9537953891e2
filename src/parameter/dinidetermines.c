/* Does a singular J leave the gradient determined? */
#include "../private/diniimpl.h"

/*
  With a null vector w of J^H, F(u, m) = 0 keeps a solution only along dm with w^H F_m dm = 0. Where w^H F_m is not zero lambda,
  known up to w, leaves mbar = -F_m^H lambda undetermined: what tangents are refused for, direction by direction. Once a point,
  by two products with F_m^H.
*/
PetscErrorCode DiniDetermines_Private(Dini dini)
{
  MatNullSpace   null;
  Vec            v, w, vbar, wbar, part;
  PetscReal      vnorm, wnorm, vm, wm;
  const char    *culprit = NULL;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(DiniEngineNullSpace_Private(dini->engine, DINI_ADJOINT, &null));
  if (!dini->guard || !null || dini->determines) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecDuplicate(dini->u, &v));
  PetscCall(VecDuplicate(dini->u, &w));
  PetscCall(DiniCreateParameterVec(dini, &vbar));
  PetscCall(VecDuplicate(vbar, &wbar));
  PetscCall(VecSet(w, 0.0));
  PetscCall(DiniRandom_Private(22, v));
  PetscCall(VecCopy(v, w));
  PetscCall(MatNullSpaceRemove(null, w));
  PetscCall(VecAYPX(w, -1.0, v));
  PetscCall(DiniNorm_Private(v, &vnorm));
  PetscCall(DiniNorm_Private(w, &wnorm));
  failed = DiniParameterApplyAdjoint_Private(dini, v, vbar);
  if (!failed) failed = DiniParameterApplyAdjoint_Private(dini, w, wbar);
  for (PetscInt p = 0; p < dini->nparams && !failed && wnorm > 0.0; p++) {
    const char *name;
    PetscBool   active;

    PetscCall(DiniGetParameter(dini, p, &name, NULL));
    PetscCall(DiniGetParameterActive(dini, p, &active));
    if (!active || culprit) continue;
    PetscCall(DiniGetParameterSubVec(dini, vbar, p, &part));
    PetscCall(DiniNorm_Private(part, &vm));
    PetscCall(DiniRestoreParameterSubVec(dini, vbar, p, &part));
    PetscCall(DiniGetParameterSubVec(dini, wbar, p, &part));
    PetscCall(DiniNorm_Private(part, &wm));
    PetscCall(DiniRestoreParameterSubVec(dini, wbar, p, &part));
    if (wm / wnorm > 1e-7 * (vm / vnorm)) culprit = name;
  }
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&w));
  PetscCall(VecDestroy(&vbar));
  PetscCall(VecDestroy(&wbar));
  PetscCall(failed);
  PetscCheck(
      !culprit, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_INCOMP,
      "%s: J is singular, and a change of parameter \"%s\" takes F outside its range: with the left null vector w, "
      "w^H F_m is not zero, so that F(u, m) = 0 loses its solution and mbar is not determined. Let the residual "
      "take its part along w away for every m, as from a right-hand side whose mean has to vanish",
      DiniLabel_Private(dini), culprit);
  dini->determines = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}
