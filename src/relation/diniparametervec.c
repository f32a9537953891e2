/* The flat parameter vector: the local parts of the active blocks, one after the other, so that Tao and SLEPc take it. */
#include "../private/diniparameterimpl.h"

PetscErrorCode DiniParameterLayout_Private(Dini dini, PetscInt *n, PetscInt *N)
{
  PetscFunctionBegin;
  *n = *N = 0;
  for (PetscInt p = 0; p < dini->nparams; p++) {
    if (!dini->params[p]->active) continue;
    *n += dini->params[p]->n;
    *N += dini->params[p]->N;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x = the piece of flat at offset, shaped like the block */
PetscErrorCode DiniParameterTake_Private(DiniParameter par, Vec flat, PetscInt offset)
{
  const PetscScalar *a;
  PetscScalar       *x;

  PetscFunctionBegin;
  if (!par->x) PetscCall(VecDuplicate(par->m, &par->x));
  PetscCall(VecGetArrayRead(flat, &a));
  PetscCall(VecGetArrayWrite(par->x, &x));
  PetscCall(PetscArraycpy(x, a + offset, par->n));
  PetscCall(VecRestoreArrayWrite(par->x, &x));
  PetscCall(VecRestoreArrayRead(flat, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the piece of flat at offset = x */
PetscErrorCode DiniParameterGive_Private(DiniParameter par, Vec flat, PetscInt offset)
{
  const PetscScalar *x;
  PetscScalar       *a;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(par->x, &x));
  PetscCall(VecGetArray(flat, &a));
  PetscCall(PetscArraycpy(a + offset, x, par->n));
  PetscCall(VecRestoreArray(flat, &a));
  PetscCall(VecRestoreArrayRead(par->x, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniCheckFlat(Dini dini, Vec flat)
{
  PetscInt n, N;

  PetscFunctionBegin;
  PetscCall(DiniParameterLayout_Private(dini, &n, &N));
  PetscCall(DiniCheckLayout_Private(dini, flat, n, N, "The parameter vector", "all active parameters"));
  PetscCall(DiniRefuseNest_Private(dini, flat, "The parameter vector"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Creates a flat vector over all active blocks, filled with their current values.
  @level{beginner}

  Collective. On each rank it holds the local parts of the active blocks in the order they were added. With one active block
  it is a duplicate of that block's Vec, but plain where that is a VECNEST.

  @param[in]  dini the Dini
  @param[out] m    the vector; the caller destroys it
  @return 0 or a PETSc error code; PETSC_ERR_ORDER when no block is active
*/
PetscErrorCode DiniCreateParameterVec(Dini dini, Vec *m)
{
  PetscInt      n, N, nactive = 0;
  DiniParameter only = NULL;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  for (PetscInt p = 0; p < dini->nparams; p++) {
    if (!dini->params[p]->active) continue;
    only = dini->params[p];
    nactive++;
  }
  PetscCheck(nactive, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "%s has no active parameter; call DiniAddParameter() first, or DiniSetParameterActive()",
             DiniLabel_Private(dini));
  if (nactive == 1) PetscCall(DiniCreatePlain_Private(only->m, m));
  else {
    PetscCall(DiniParameterLayout_Private(dini, &n, &N));
    PetscCall(VecCreate(PetscObjectComm((PetscObject)dini), m));
    PetscCall(VecSetSizes(*m, n, N));
    PetscCall(VecSetType(*m, VECSTANDARD));
  }
  PetscCall(DiniGetParameters(dini, *m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The values of all active blocks, before anybody is told: an update callback may read other blocks than its own */
PetscErrorCode DiniParameterSet_Private(Dini dini, Vec m)
{
  PetscInt offset = 0;

  PetscFunctionBegin;
  PetscCall(DiniCheckFlat(dini, m));
  PetscCall(DiniCheckFinite_Private(dini, m, "The parameter vector", NULL));
  for (PetscInt p = 0; p < dini->nparams; p++) {
    DiniParameter par = dini->params[p];

    if (!par->active) continue;
    PetscCall(DiniParameterTake_Private(par, m, offset));
    PetscCall(VecCopy(par->x, par->m));
    PetscCall(DiniGhosts_Private(par->m));
    offset += par->n;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Writes a flat vector into the active blocks and hands the values to the application.
  @level{beginner}

  Collective. The next derivative needs a DiniSolve() when this changes a value.

  @param[in] dini the Dini
  @param[in] m    flat parameter vector, see DiniCreateParameterVec()
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniSetParameters(Dini dini, Vec m)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniSetParameters()"));
  PetscCall(DiniParameterSet_Private(dini, m));
  for (PetscInt p = 0; p < dini->nparams; p++)
    if (dini->params[p]->active) PetscCall(DiniParameterPushOne_Private(dini, dini->params[p]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Reads the current values of the active blocks into a flat vector.
  @level{beginner}

  Collective.

  @param[in]  dini the Dini
  @param[out] m    flat parameter vector, see DiniCreateParameterVec()
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniGetParameters(Dini dini, Vec m)
{
  PetscInt offset = 0;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniCheckFlat(dini, m));
  PetscCall(DiniParameterPull_Private(dini));
  for (PetscInt p = 0; p < dini->nparams; p++) {
    DiniParameter par = dini->params[p];

    if (!par->active) continue;
    if (!par->x) PetscCall(VecDuplicate(par->m, &par->x));
    PetscCall(VecCopy(par->m, par->x));
    PetscCall(DiniParameterGive_Private(par, m, offset));
    offset += par->n;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where block p starts in the local part of a flat vector */
static PetscErrorCode DiniParameterOffset(Dini dini, Vec flat, PetscInt p, DiniParameter *par, PetscInt *offset)
{
  PetscFunctionBegin;
  PetscCall(DiniGetParameter_Private(dini, p, par));
  PetscCall(DiniCheckFlat(dini, flat));
  PetscCheck((*par)->active, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
             "%s: Parameter \"%s\" is inactive, so it has no part in a flat parameter vector", DiniLabel_Private(dini),
             (*par)->name);
  *offset = 0;
  for (PetscInt q = 0; q < p; q++)
    if (dini->params[q]->active) *offset += dini->params[q]->n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives one block's part of a flat vector as a Vec shaped like the block.
  @level{beginner}

  Collective. The part shares the memory of the flat vector, but a VECNEST holds copies of its values, which go back when it is
  given back. Give it back with DiniRestoreParameterSubVec().

  @param[in]  dini the Dini
  @param[in]  m    flat parameter vector, see DiniCreateParameterVec(); a gradient, say
  @param[in]  p    number of an active block
  @param[out] part a duplicate of the block's Vec on the memory of m; read-only when m is locked
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniGetParameterSubVec(Dini dini, Vec m, PetscInt p, Vec *part)
{
  DiniParameter par;
  PetscInt      offset = 0, locked;
  PetscBool     nest;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniParameterOffset(dini, m, p, &par, &offset));
  PetscCall(VecDuplicate(par->m, part));
  PetscCall(VecLockGet(m, &locked));
  PetscCall(DiniIsNest_Private(par->m, &nest));
  if (nest) {
    PetscCall(DiniParameterTake_Private(par, m, offset));
    PetscCall(VecCopy(par->x, *part));
    if (locked) PetscCall(VecLockReadPush(*part));
  } else if (locked) {
    const PetscScalar *a;

    PetscCall(VecGetArrayRead(m, &a));
    PetscCall(VecPlaceArray(*part, a + offset));
    PetscCall(VecRestoreArrayRead(m, &a));
    PetscCall(VecLockReadPush(*part));
  } else {
    PetscScalar *a;

    PetscCall(VecGetArray(m, &a));
    PetscCall(VecPlaceArray(*part, a + offset));
    PetscCall(VecRestoreArray(m, &a));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives back what DiniGetParameterSubVec() gave.
  @level{beginner}

  Collective.

  @param[in]     dini the Dini
  @param[in]     m    the flat vector
  @param[in]     p    number of the block
  @param[in,out] part the part, NULL on return
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniRestoreParameterSubVec(Dini dini, Vec m, PetscInt p, Vec *part)
{
  DiniParameter par;
  PetscInt      locked, offset = 0;
  PetscBool     nest;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniParameterOffset(dini, m, p, &par, &offset));
  PetscCall(VecLockGet(*part, &locked));
  PetscCall(DiniIsNest_Private(*part, &nest));
  if (locked) PetscCall(VecLockReadPop(*part));
  else {
    if (nest) PetscCall(VecCopy(*part, par->x));
    if (nest) PetscCall(DiniParameterGive_Private(par, m, offset));
    PetscCall(PetscObjectStateIncrease((PetscObject)m)); /* it may have been written through the part */
  }
  if (!nest) PetscCall(VecResetArray(*part));
  PetscCall(VecDestroy(part));
  PetscFunctionReturn(PETSC_SUCCESS);
}
