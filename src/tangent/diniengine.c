/* The engine's life: what it is told, what it builds and drops, how it prints itself. */
#include "../private/diniengineimpl.h"

PetscErrorCode DiniEngineCreate_Private(Dini dini)
{
  PetscFunctionBegin;
  PetscCall(PetscNew(&dini->engine));
  dini->engine->rtol[DINI_TANGENT]  = 1e-10;
  dini->engine->rtol[DINI_ADJOINT]  = 1e-10;
  dini->engine->asked[DINI_TANGENT] = dini->engine->rtol[DINI_TANGENT];
  dini->engine->asked[DINI_ADJOINT] = dini->engine->rtol[DINI_ADJOINT];
  dini->engine->directmax           = 200000;
  dini->engine->blocksize           = 32;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEngineReset_Private(Dini dini)
{
  DiniEngine e = dini->engine;

  PetscFunctionBegin;
  for (int d = 0; d < 2; d++) {
    PetscCall(DiniEngineDestroyKSP_Private(&e->ksp[d]));
    PetscCall(DiniEngineDestroyKSP_Private(&e->gmres[d]));
    PetscCall(MatNullSpaceDestroy(&e->null[d]));
    e->ready[d]    = PETSC_FALSE;
    e->start[d]    = DINI_RUNG_NONE;
    e->freshits[d] = 0;
  }
  PetscCall(DiniEngineDropCompanion_Private(dini));
  PetscCall(PCDestroy(&e->pc));
  PetscCall(PCDestroy(&e->direct));
  PetscCall(MatDestroy(&e->J));
  PetscCall(MatDestroy(&e->P));
  PetscCall(MatDestroy(&e->JH));
  PetscCall(MatDestroy(&e->PH));
  PetscCall(MatDestroy(&e->AH));
  PetscCall(VecDestroy(&e->b));
  PetscCall(VecDestroy(&e->e));
  PetscCall(VecDestroy(&e->c));
  PetscCall(VecDestroy(&e->projected));
  PetscCall(DiniEngineForgetAll_Private(dini));
  PetscCall(DiniEngineForgetFields_Private(dini));
  e->transposed  = DINI_TRANSPOSED_UNKNOWN;
  e->regular     = PETSC_FALSE;
  e->statefields = 0;
  e->singular[0] = 0;
  e->ownpc = e->fresh = e->broken = e->stood = e->decided = e->companionready = e->companionfailed = e->directready =
      PETSC_FALSE;
  e->extra = e->setupseconds = 0.0;
  e->overspent               = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEngineDestroy_Private(Dini dini)
{
  PetscFunctionBegin;
  PetscCall(DiniEngineReset_Private(dini));
  PetscCall(PetscFree(dini->engine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Takes note of J and P at a new point; everything else waits for the first solve. */
PetscErrorCode DiniEngineLinearize_Private(Dini dini, Mat J, Mat P)
{
  DiniEngine e = dini->engine;

  PetscFunctionBegin;
  if (!e->b) {
    PetscCall(VecDuplicate(dini->u, &e->b));
    PetscCall(VecDuplicate(dini->u, &e->e));
    if (PetscDefined(USE_COMPLEX)) PetscCall(VecDuplicate(dini->u, &e->c));
  }
  for (int d = 0; d < 2; d++) PetscCall(DiniEngineForget_Private(dini, (DiniDirection)d));
  e->ready[DINI_TANGENT] = e->ready[DINI_ADJOINT] = e->fresh = e->broken = PETSC_FALSE;
  e->companionready = e->companionfailed = e->directready = e->determines = PETSC_FALSE;
  e->singular[0]                                                          = 0;
  e->extra                                                                = 0.0;
  e->overspent                                                            = 0;
  e->blocksready[DINI_TANGENT] = e->blocksready[DINI_ADJOINT] = PETSC_FALSE;
  if (J != e->J || !e->fieldssaid) PetscCall(DiniEngineForgetFields_Private(dini));
  if (!J) PetscFunctionReturn(PETSC_SUCCESS);
  if (J != e->J || P != e->P) {
    PetscCall(MatDestroy(&e->JH));
    PetscCall(MatDestroy(&e->PH));
    PetscCall(MatDestroy(&e->AH));
    PetscCall(DiniEngineDropCompanion_Private(dini));
    PetscCall(PCDestroy(&e->direct));
    e->decided = PETSC_FALSE;
  }
  PetscCall(PetscObjectReference((PetscObject)J));
  PetscCall(PetscObjectReference((PetscObject)P));
  PetscCall(MatDestroy(&e->J));
  PetscCall(MatDestroy(&e->P));
  e->J = J;
  e->P = P;
  PetscCall(DiniEngineNullSpaces_Private(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEngineGetJacobian_Private(Dini dini, Mat *J, Mat *P)
{
  PetscFunctionBegin;
  *J = dini->engine->J;
  *P = dini->engine->P;
  PetscFunctionReturn(PETSC_SUCCESS);
}
