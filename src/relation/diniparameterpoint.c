/* The values of the parameters: handed to the application, taken from it, remembered with the solution. */
#include "../private/diniparameterimpl.h"

/* Hands the values of one block to the application. Every push makes a new stamp: assembled operators know by it. */
PetscErrorCode DiniParameterPushOne_Private(Dini dini, DiniParameter par)
{
  char what[256];

  PetscFunctionBegin;
  PetscCall(DiniGhosts_Private(par->m));
  if (par->scalar) {
    const PetscScalar *a;
    PetscInt           n;
    PetscScalar        value = 0.0;

    PetscCall(VecGetLocalSize(par->m, &n));
    PetscCall(VecGetArrayRead(par->m, &a));
    if (n) value = a[0];
    PetscCall(VecRestoreArrayRead(par->m, &a));
    PetscCallMPI(MPI_Bcast(&value, 1, MPIU_SCALAR, 0, PetscObjectComm((PetscObject)dini)));
    *par->scalar = par->value = value;
  }
  if (par->update) {
    PetscCall(PetscSNPrintf(what, sizeof(what), "The update callback of parameter \"%s\" (DiniSetParameterUpdate())",
                            par->name));
    DiniCallUserReads(dini, par->m, what, (*par->update)(dini, par->m, par->updatectx));
  }
  dini->mstamp = ++dini->mlast;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniParameterPush_Private(Dini dini)
{
  PetscFunctionBegin;
  for (PetscInt p = 0; p < dini->nparams; p++) PetscCall(DiniParameterPushOne_Private(dini, dini->params[p]));
  if (!dini->nparams) dini->mstamp = ++dini->mlast; /* a solve without parameters has a system of its own, too */
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniScalarDiffers(Dini dini, DiniParameter par, PetscBool *differs)
{
  PetscBool mine = (PetscBool)(*par->scalar != par->value);

  PetscFunctionBegin;
  PetscCall(MPIU_Allreduce(&mine, differs, 1, DINI_MPI_BOOL, MPI_LOR, PetscObjectComm((PetscObject)dini)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Takes over scalars that the application has changed in its own variables; the value on rank 0 counts. */
PetscErrorCode DiniParameterPull_Private(Dini dini)
{
  PetscBool differs;

  PetscFunctionBegin;
  for (PetscInt p = 0; p < dini->nparams; p++) {
    DiniParameter par = dini->params[p];
    PetscScalar   value;

    if (!par->scalar) continue;
    PetscCall(DiniScalarDiffers(dini, par, &differs));
    if (!differs) continue;
    value = *par->scalar;
    PetscCallMPI(MPI_Bcast(&value, 1, MPIU_SCALAR, 0, PetscObjectComm((PetscObject)dini)));
    PetscCall(VecSet(par->m, value));
    PetscCall(DiniParameterPushOne_Private(dini, par));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is an active block declared real? Then the adjoint is that for the real part of the inner product. */
PetscErrorCode DiniParameterAnyReal_Private(Dini dini, PetscBool *real)
{
  PetscFunctionBegin;
  *real = PETSC_FALSE;
  for (PetscInt p = 0; p < dini->nparams; p++)
    if (dini->params[p]->active && dini->params[p]->real) *real = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* v, flat, without its imaginary parts in real blocks: a derivative with respect to real numbers has none */
PetscErrorCode DiniParameterRealPart_Private(Dini dini, Vec v)
{
  PetscScalar *a;
  PetscInt     offset = 0;
  PetscBool    any;

  PetscFunctionBegin;
  PetscCall(DiniParameterAnyReal_Private(dini, &any));
  if (!PetscDefined(USE_COMPLEX) || !any) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecGetArray(v, &a));
  for (PetscInt p = 0; p < dini->nparams; p++) {
    if (!dini->params[p]->active) continue;
    for (PetscInt i = 0; i < dini->params[p]->n && dini->params[p]->real; i++)
      a[offset + i] = PetscRealPart(a[offset + i]);
    offset += dini->params[p]->n;
  }
  PetscCall(VecRestoreArray(v, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Refuses imaginary parts where the block has been declared real */
PetscErrorCode DiniParameterCheckReal_Private(Dini dini, DiniParameter par, Vec v, const char what[])
{
  PetscBool real;

  PetscFunctionBegin;
  if (!PetscDefined(USE_COMPLEX) || !par->real) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniIsReal_Private(v, &real));
  PetscCheck(real, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
             "%s has imaginary parts, where parameter \"%s\" is real by DiniSetParameterReal()", what, par->name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniParameterRemember_Private(Dini dini)
{
  PetscFunctionBegin;
  for (PetscInt p = 0; p < dini->nparams; p++) {
    DiniParameter par = dini->params[p];

    if (!par->copy) PetscCall(VecDuplicate(par->m, &par->copy));
    PetscCall(DiniParameterCheckReal_Private(dini, par, par->m, "A value of the block"));
    PetscCall(VecCopy(par->m, par->copy));
    PetscCall(PetscObjectStateGet((PetscObject)par->m, &par->state));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The point is gone, and F and every F_m with it. */
PetscErrorCode DiniParameterForget_Private(Dini dini)
{
  PetscFunctionBegin;
  dini->hasF = PETSC_FALSE;
  for (PetscInt p = 0; p < dini->nparams; p++) dini->params[p]->current = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Two blocks in one memory would each be moved by the other's differences. */
PetscErrorCode DiniParameterRefuseAlias_Private(Dini dini, const char name[], Vec m)
{
  PetscFunctionBegin;
  for (PetscInt p = 0; p < dini->nparams; p++) {
    const PetscScalar *a, *b;
    PetscBool          mine = (PetscBool)(m == dini->params[p]->m), any, nest[2];

    PetscCall(PetscObjectTypeCompare((PetscObject)m, VECNEST, &nest[0]));
    PetscCall(PetscObjectTypeCompare((PetscObject)dini->params[p]->m, VECNEST, &nest[1]));
    if (m != dini->params[p]->m && !nest[0] && !nest[1]) {
      PetscInt n;

      PetscCall(VecGetLocalSize(m, &n));
      PetscCall(VecGetArrayRead(m, &a));
      PetscCall(VecGetArrayRead(dini->params[p]->m, &b));
      mine = (PetscBool)(n && dini->params[p]->n && a < b + dini->params[p]->n && b < a + n);
      PetscCall(VecRestoreArrayRead(dini->params[p]->m, &b));
      PetscCall(VecRestoreArrayRead(m, &a));
    }
    PetscCall(MPIU_Allreduce(&mine, &any, 1, DINI_MPI_BOOL, MPI_LOR, PetscObjectComm((PetscObject)dini)));
    PetscCheck(!any, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_IDN,
               "%s: parameter \"%s\" shares its Vec, or the memory of it, with parameter \"%s\": each would change "
               "with the other, so neither has a derivative of its own. Add it once",
               DiniLabel_Private(dini), name, dini->params[p]->name);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
