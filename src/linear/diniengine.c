/* The engine's life: what it is told, what it builds and drops, how it prints itself. */
#include "../private/diniengineimpl.h"

PetscClassId DINI_ENGINE_CLASSID = 0;

/* stats is counted into, and stays the owner's */
PetscErrorCode DiniEngineCreate_Private(MPI_Comm comm, const DiniEngineCallbacks *up, DiniStatistics *stats,
                                        DiniEngine *engine)
{
  DiniEngine e;

  PetscFunctionBegin;
  if (!DINI_ENGINE_CLASSID) PetscCall(PetscClassIdRegister("Dini Engine", &DINI_ENGINE_CLASSID));
  PetscCall(PetscHeaderCreate(e, DINI_ENGINE_CLASSID, "DiniEngine", "Solves with J and J^H", "Dini", comm,
                              DiniEngineDestroy_Private, DiniEngineView_Private));
  e->up                  = *up;
  e->stats               = stats;
  e->terms.label         = "This engine";
  e->terms.guard         = PETSC_TRUE;
  e->rtol[DINI_TANGENT]  = 1e-10;
  e->rtol[DINI_ADJOINT]  = 1e-10;
  e->asked[DINI_TANGENT] = e->rtol[DINI_TANGENT];
  e->asked[DINI_ADJOINT] = e->rtol[DINI_ADJOINT];
  e->directmax           = 200000;
  e->blocksize           = 32;
  *engine                = e;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEngineSetTerms_Private(DiniEngine e, const DiniEngineTerms *terms)
{
  PetscObject self   = (PetscObject)e;
  const char *prefix = terms->owner ? terms->owner->prefix : self->prefix;
  PetscBool   same;

  PetscFunctionBegin;
  e->terms = *terms;
  PetscCall(PetscStrcmp(prefix, self->prefix, &same));
  if (!same) PetscCall(PetscObjectSetOptionsPrefix(self, prefix));
  if (!terms->owner) PetscFunctionReturn(PETSC_SUCCESS);
  self->tablevel = terms->owner->tablevel;
  if (self->options != terms->owner->options) PetscCall(PetscObjectSetOptions(self, terms->owner->options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A state, whose layout right-hand sides and solutions have */
PetscErrorCode DiniEngineSetState_Private(DiniEngine e, Vec u)
{
  PetscFunctionBegin;
  PetscCall(PetscObjectReference((PetscObject)u));
  PetscCall(VecDestroy(&e->u));
  e->u = u;
  PetscCall(VecGetLocalSize(u, &e->n));
  PetscCall(VecGetSize(u, &e->N));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEngineReset_Private(DiniEngine e)
{

  PetscFunctionBegin;
  for (int d = 0; d < 2; d++) {
    PetscCall(DiniEngineDestroyKSP_Private(&e->ksp[d]));
    PetscCall(DiniEngineDestroyKSP_Private(&e->gmres[d]));
    PetscCall(MatNullSpaceDestroy(&e->null[d]));
    e->ready[d]    = PETSC_FALSE;
    e->start[d]    = DINI_RUNG_NONE;
    e->freshits[d] = 0;
  }
  PetscCall(DiniEngineDropCompanion_Private(e));
  PetscCall(PCDestroy(&e->pc));
  PetscCall(PCDestroy(&e->direct));
  PetscCall(MatDestroy(&e->J));
  PetscCall(MatDestroy(&e->P));
  PetscCall(MatDestroy(&e->JH));
  PetscCall(MatDestroy(&e->PH));
  PetscCall(MatDestroy(&e->AH));
  PetscCall(VecDestroy(&e->u));
  PetscCall(VecDestroy(&e->b));
  PetscCall(VecDestroy(&e->e));
  PetscCall(VecDestroy(&e->c));
  PetscCall(VecDestroy(&e->projected));
  PetscCall(DiniEngineForgetAll_Private(e));
  PetscCall(DiniEngineForgetFields_Private(e));
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

PetscErrorCode DiniEngineDestroy_Private(DiniEngine *e)
{
  PetscFunctionBegin;
  if (!*e) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniEngineReset_Private(*e));
  PetscCall(PetscHeaderDestroy(e));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J and P have entries that the forward solver's matrix lacks: what has been made of that is no place to begin, if it need not be */
PetscErrorCode DiniEngineBeginDirect_Private(DiniEngine e)
{
  PetscFunctionBegin;
  for (int d = 0; d < 2; d++) e->start[d] = DINI_RUNG_DIRECT;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Takes note of J and P at a new point; everything else waits for the first solve. */
PetscErrorCode DiniEngineLinearize_Private(DiniEngine e, Mat J, Mat P, PetscInt64 point)
{

  PetscFunctionBegin;
  if (!e->b) {
    PetscCall(VecDuplicate(e->u, &e->b));
    PetscCall(VecDuplicate(e->u, &e->e));
    if (PetscDefined(USE_COMPLEX)) PetscCall(VecDuplicate(e->u, &e->c));
  }
  for (int d = 0; d < 2; d++) PetscCall(DiniEngineForget_Private(e, (DiniDirection)d));
  e->ready[DINI_TANGENT] = e->ready[DINI_ADJOINT] = e->fresh = e->broken = PETSC_FALSE;
  e->companionready = e->companionfailed = e->directready = PETSC_FALSE;
  e->point                                                = point;
  e->singular[0]                                          = 0;
  e->extra                                                = 0.0;
  e->overspent                                            = 0;
  e->blocksready[DINI_TANGENT] = e->blocksready[DINI_ADJOINT] = PETSC_FALSE;
  if (J != e->J || !e->fieldssaid) PetscCall(DiniEngineForgetFields_Private(e));
  if (!J) PetscFunctionReturn(PETSC_SUCCESS);
  if (J != e->J || P != e->P) {
    PetscCall(MatDestroy(&e->JH));
    PetscCall(MatDestroy(&e->PH));
    PetscCall(MatDestroy(&e->AH));
    PetscCall(DiniEngineDropCompanion_Private(e));
    PetscCall(PCDestroy(&e->direct));
    e->decided = PETSC_FALSE;
  }
  PetscCall(PetscObjectReference((PetscObject)J));
  PetscCall(PetscObjectReference((PetscObject)P));
  PetscCall(MatDestroy(&e->J));
  PetscCall(MatDestroy(&e->P));
  e->J = J;
  e->P = P;
  PetscCall(DiniEngineNullSpaces_Private(e));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEngineGetJacobian_Private(DiniEngine e, Mat *J, Mat *P)
{
  PetscFunctionBegin;
  *J = e->J;
  *P = e->P;
  PetscFunctionReturn(PETSC_SUCCESS);
}
