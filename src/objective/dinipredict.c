/* u(m) + (du/dm) dm from the linearization at the last state, as an initial guess for the next one. */
#include "../private/diniimpl.h"

#define DINI_PREDICT_RTOL 1e-1 /* of a guess that is second order in dm anyway */

/* *guess is NULL where nothing can be predicted; it never fails an optimisation */
PetscErrorCode DiniPredict_Private(Dini dini, Vec m, Vec *guess)
{
  const PetscBool policy = dini->erroriffail;
  PetscReal       rtol;
  PetscErrorCode  failed;
  PetscBool       same;
  Vec             u, dm, du;

  PetscFunctionBegin;
  *guess = NULL;
  PetscCall(DiniGetSolution(dini, &u));
  if (!u || u != dini->state) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecEqual(u, dini->ucopy, &same));
  if (!same) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniCreateParameterVec(dini, &dm));
  PetscCall(VecAYPX(dm, -1.0, m));
  PetscCall(VecDuplicate(u, &du));
  PetscCall(DiniGetTolerances(dini, &rtol, NULL));
  PetscCall(DiniSetTolerances(dini, PetscMax(rtol, DINI_PREDICT_RTOL), PETSC_DEFAULT));
  dini->erroriffail = PETSC_FALSE;
  failed            = DiniJVP(dini, dm, du);
  dini->erroriffail = policy;
  PetscCall(DiniSetTolerances(dini, rtol, PETSC_DEFAULT));
  PetscCall(VecDestroy(&dm));
  if (failed || dini->reason < 0) PetscCall(VecDestroy(&du));
  PetscCall(failed);
  if (!du) PetscFunctionReturn(PETSC_SUCCESS);
  dini->stats.predictions++;
  PetscCall(VecAXPY(du, 1.0, u));
  *guess = du;
  PetscFunctionReturn(PETSC_SUCCESS);
}
