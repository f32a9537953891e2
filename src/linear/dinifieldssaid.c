/* Fields by what the application says: parts of a VECNEST, fields of a DM, components of a block size; see dinifields.c */
#include "../private/diniengineimpl.h"
#include <petscdmda.h>

PetscErrorCode DiniEngineAllocateFields_Private(DiniEngine e, PetscInt n)
{

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(e->n, &e->field));
  PetscCall(PetscCalloc1(n, &e->fieldname));
  e->nfields = n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniFieldsOfSets(DiniEngine e, PetscInt n, IS is[], char **names)
{
  PetscInt        first, last, size;
  const PetscInt *idx;

  PetscFunctionBegin;
  PetscCall(DiniEngineAllocateFields_Private(e, n));
  PetscCall(VecGetOwnershipRange(e->u, &first, &last));
  for (PetscInt f = 0; f < n; f++) {
    PetscCall(PetscSNPrintf(e->fieldname[f], sizeof(e->fieldname[f]), "\"%s\"", names && names[f] ? names[f] : "?"));
    PetscCall(ISGetLocalSize(is[f], &size));
    PetscCall(ISGetIndices(is[f], &idx));
    for (PetscInt i = 0; i < size; i++)
      if (idx[i] >= first && idx[i] < last) e->field[idx[i] - first] = (unsigned char)f;
    PetscCall(ISRestoreIndices(is[f], &idx));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Fields of a plex's section, parts of a composite */
static PetscErrorCode DiniFieldsOfDM(DiniEngine e, DM dm)
{
  PetscBool knows;
  PetscInt  n     = 0;
  char    **names = NULL;
  IS       *is    = NULL;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompareAny((PetscObject)dm, &knows, DMPLEX, DMCOMPOSITE, DMNETWORK, DMFOREST, DMSTAG, ""));
  if (!knows) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DMCreateFieldDecomposition(dm, &n, &names, &is, NULL));
  if (n >= 1 && n <= DINI_MAX_FIELDS) PetscCall(DiniFieldsOfSets(e, n, is, names));
  for (PetscInt f = 0; f < n; f++) {
    PetscCall(ISDestroy(&is[f]));
    if (names) PetscCall(PetscFree(names[f]));
  }
  PetscCall(PetscFree(names));
  PetscCall(PetscFree(is));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Components of the block size, which a DMDA names */
static PetscErrorCode DiniFieldsOfBlocks(DiniEngine e, DM dm, PetscInt bs)
{
  const char *name = NULL;
  PetscBool   da   = PETSC_FALSE;

  PetscFunctionBegin;
  if (dm) PetscCall(PetscObjectTypeCompare((PetscObject)dm, DMDA, &da));
  PetscCall(DiniEngineAllocateFields_Private(e, bs));
  for (PetscInt f = 0; f < bs; f++) {
    if (da) PetscCall(DMDAGetFieldName(dm, f, &name));
    if (name) PetscCall(PetscSNPrintf(e->fieldname[f], sizeof(e->fieldname[f]), "\"%s\"", name));
    else
      PetscCall(PetscSNPrintf(e->fieldname[f], sizeof(e->fieldname[f]),
                              "%" PetscInt_FMT " of the %" PetscInt_FMT " in a block", f, bs));
  }
  for (PetscInt i = 0; i < e->n; i++) e->field[i] = (unsigned char)(i % bs);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEngineFieldsKnown_Private(DiniEngine e, Mat J)
{
  DM        dm = NULL;
  PetscInt  bs, Jbs = 1;
  PetscBool da = PETSC_FALSE, nest;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)e->u, VECNEST, &nest));
  if (nest) {
    PetscInt parts, size, offset = 0;
    Vec     *v;

    PetscCall(VecNestGetSubVecs(e->u, &parts, &v));
    if (parts > DINI_MAX_FIELDS) PetscFunctionReturn(PETSC_SUCCESS);
    PetscCall(DiniEngineAllocateFields_Private(e, parts));
    for (PetscInt f = 0; f < parts; f++) {
      PetscCall(PetscSNPrintf(e->fieldname[f], sizeof(e->fieldname[f]), "%" PetscInt_FMT " of the nest", f));
      PetscCall(VecGetLocalSize(v[f], &size));
      for (PetscInt i = 0; i < size; i++) e->field[offset + i] = (unsigned char)f;
      offset += size;
    }
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(VecGetDM(e->u, &dm));
  if (!dm && J) PetscCall(MatGetDM(J, &dm));
  if (dm) PetscCall(DiniFieldsOfDM(e, dm));
  if (e->nfields) PetscFunctionReturn(PETSC_SUCCESS);
  if (dm) PetscCall(PetscObjectTypeCompare((PetscObject)dm, DMDA, &da));
  PetscCall(VecGetBlockSize(e->u, &bs));
  if (J) PetscCall(MatGetBlockSize(J, &Jbs));
  bs = PetscMax(bs, Jbs);
  if ((bs > 1 || da) && bs <= DINI_MAX_FIELDS) PetscCall(DiniFieldsOfBlocks(e, dm, bs));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the application says of them, before J is there; where it says nothing one, or each of a few unknowns. To be freed */
PetscErrorCode DiniEngineSaidFields_Private(DiniEngine e, PetscBool each, PetscInt *n, unsigned char *field[])
{
  const PetscBool had = (PetscBool)(e->nfields > 0);
  PetscInt        first;

  PetscFunctionBegin;
  if (!had) PetscCall(DiniEngineFieldsKnown_Private(e, e->J));
  PetscCall(PetscCalloc1(e->n, field));
  *n = 1;
  if (e->nfields && (!had || e->fieldssaid)) {
    *n = e->nfields;
    PetscCall(PetscArraycpy(*field, e->field, e->n));
  }
  if (!had) PetscCall(DiniEngineForgetFields_Private(e));
  if (*n > 1 || !each || e->N > DINI_MAX_FIELDS) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecGetOwnershipRange(e->u, &first, NULL));
  for (PetscInt i = 0; i < e->n; i++) (*field)[i] = (unsigned char)(first + i);
  *n = PetscMax(e->N, 1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the application says, for a J that the engine need not have yet; n is 1 where it says nothing */
PetscErrorCode DiniEngineDeclared_Private(DiniEngine e, Mat J, PetscInt *n, const unsigned char **field)
{

  PetscFunctionBegin;
  *n     = 1;
  *field = NULL;
  if (!e->nfields) {
    PetscCall(DiniEngineFieldsKnown_Private(e, J));
    e->fieldssaid = (PetscBool)(e->nfields > 0);
  }
  if (!e->fieldssaid || e->nfields < 2) PetscFunctionReturn(PETSC_SUCCESS);
  *n     = e->nfields;
  *field = e->field;
  PetscFunctionReturn(PETSC_SUCCESS);
}

const char *DiniEngineFieldName_Private(DiniEngine e, PetscInt f)
{
  return e->fieldname[f];
}
