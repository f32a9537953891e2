/* Reset and death of a Dini. */
#include "../private/diniimpl.h"

PetscErrorCode DiniReset_Private(Dini dini)
{
  PetscFunctionBegin;
  PetscCall(DiniInvalidate_Private(dini));
  PetscTryTypeMethod(dini, reset);
  PetscCall(DiniFilterDestroy_Private(dini));
  PetscCall(DiniMark_Private(NULL, &dini->held));
  PetscCall(DiniEngineReset_Private(dini->engine));
  PetscCall(DiniParameterReset_Private(dini));
  PetscCall(DiniProductsRelease_Private(&dini->D));
  DiniEachFeature(reset, dini);
  PetscCall(DiniConditionReset_Private(dini));
  PetscCall(VecDestroy(&dini->u));
  PetscCall(VecDestroy(&dini->ucopy));
  PetscCall(VecDestroy(&dini->r));
  PetscCall(VecDestroy(&dini->lambda));
  PetscCall(VecDestroy(&dini->w[0]));
  PetscCall(VecDestroy(&dini->w[1]));
  PetscCall(VecDestroy(&dini->c));
  PetscCall(VecDestroy(&dini->F));
  PetscCall(VecDestroy(&dini->Fbeside));
  PetscCall(VecDestroy(&dini->rows));
  PetscCall(DiniRangeDestroy_Private(&dini->source.range));
  dini->rowspoint = -1;
  dini->hasF      = PETSC_FALSE;
  dini->hasvalue  = PETSC_FALSE;
  dini->gain      = 0.0;
  dini->fnorm     = 0.0;
  PetscCall(PetscMemzero(dini->accuracy, sizeof(dini->accuracy)));
  PetscCall(PetscMemzero(&dini->stateaccuracy, sizeof(dini->stateaccuracy)));
  dini->rate = -1.0;
  PetscCall(PetscMemzero(&dini->forward, sizeof(dini->forward)));
  dini->n      = PETSC_DECIDE;
  dini->N      = 0;
  dini->setup  = PETSC_FALSE;
  dini->reason = DINI_CONVERGED_ITERATING;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Drops what a Dini has built (solution, linear solvers, work vectors) and keeps what it was given.
  @level{intermediate}

  Collective. For use when the size of the problem changes; parameters, callbacks and options stay.

  @param[in] dini the Dini
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniReset(Dini dini)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniReset()"));
  PetscCall(DiniReset_Private(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Drops one reference to a Dini and frees it when that was the last.
  @level{beginner}

  Collective. With `-dini_view` the object is printed before it goes, so that its statistics are complete.

  @param[in,out] dini the Dini, NULL on return
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniDestroy(Dini *dini)
{
  PetscFunctionBegin;
  if (!*dini) PetscFunctionReturn(PETSC_SUCCESS);
  PetscValidHeaderSpecific(*dini, DINI_CLASSID, 1);
  if (((PetscObject)*dini)->refct == 1) PetscCall(DiniIdle_Private(*dini, "DiniDestroy()"));
  if (--((PetscObject)*dini)->refct > 0) {
    *dini = NULL;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(DiniWarnOptions_Private(*dini, PETSC_TRUE));
  ((PetscObject)*dini)->refct = 1; /* viewing a dying object must not see a reference count of zero */
  if ((*dini)->viewrequested) PetscCall(PetscObjectViewFromOptions((PetscObject)*dini, NULL, "-dini_view"));
  PetscCall(DiniReset_Private(*dini));
  ((PetscObject)*dini)->refct = 0;
  if ((*dini)->ops->destroy) PetscCall((*(*dini)->ops->destroy)(*dini));
  PetscCall(DiniMonitorCancel(*dini));
  PetscCall(DiniParameterDestroy_Private(*dini));
  PetscCall(DiniEngineDestroy_Private(&(*dini)->engine));
  DiniEachFeature(destroy, *dini);
  PetscCall(PetscViewerDestroy(&(*dini)->checkviewer));
  PetscCall(VecDestroy(&(*dini)->state));
  PetscCall(MatDestroy(&(*dini)->Juser));
  PetscCall(MatDestroy(&(*dini)->Puser));
  PetscCall(PetscHeaderDestroy(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}
