/* The values of the parameters: handed to the application, taken from it, remembered with the solution. */
#include "../private/diniparameterimpl.h"

/* Hands the values of one block to the application. Every push makes a new stamp: assembled operators know by it. */
PetscErrorCode DiniParameterPushOne_Private(Dini dini, DiniParameter par)
{
  char what[256];

  PetscFunctionBegin;
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

PetscErrorCode DiniParameterRemember_Private(Dini dini)
{
  PetscFunctionBegin;
  for (PetscInt p = 0; p < dini->nparams; p++) {
    DiniParameter par = dini->params[p];

    if (!par->copy) PetscCall(VecDuplicate(par->m, &par->copy));
    PetscCall(VecCopy(par->m, par->copy));
    PetscCall(PetscObjectStateGet((PetscObject)par->m, &par->state));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Refuses when a block no longer has the values the solution belongs to. One reduction, more only when someone touched. */
PetscErrorCode DiniParameterUnchanged_Private(Dini dini)
{
  PetscInt   *touched, n = dini->nparams;
  const char *culprit = NULL;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(2 * n, &touched));
  for (PetscInt p = 0; p < n; p++) {
    DiniParameter    par = dini->params[p];
    PetscObjectState state;

    PetscCall(PetscObjectStateGet((PetscObject)par->m, &state));
    touched[p] = state != par->state || (par->scalar && *par->scalar != par->value);
  }
  if (n)
    PetscCall(
        MPIU_Allreduce(touched, touched + n, (PetscMPIInt)n, MPIU_INT, MPI_MAX, PetscObjectComm((PetscObject)dini)));
  for (PetscInt p = 0; p < n; p++) {
    DiniParameter par = dini->params[p];
    PetscBool     same, differs = PETSC_FALSE;

    if (!touched[n + p]) continue;
    PetscCall(VecEqual(par->m, par->copy, &same));
    if (par->scalar) PetscCall(DiniScalarDiffers(dini, par, &differs));
    if (!same || differs) culprit = par->name;
    else PetscCall(PetscObjectStateGet((PetscObject)par->m, &par->state));
  }
  PetscCall(PetscFree(touched));
  PetscCheck(
      !culprit, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONGSTATE,
      "%s: Parameter \"%s\" has been changed since the solve, so u no longer belongs to it; call DiniSolve() again",
      DiniLabel_Private(dini), culprit);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The point is gone, and every F_m with it. */
PetscErrorCode DiniParameterForget_Private(Dini dini)
{
  PetscFunctionBegin;
  for (PetscInt p = 0; p < dini->nparams; p++) dini->params[p]->current = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}
