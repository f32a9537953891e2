/* Set-up: what the type needs, and the layout of the state, which the first solution fixes. */
#include "../private/diniparameterimpl.h"

/**
  @brief Checks that a Dini has what its type needs. DiniSolve() and DiniAttach() call it.
  @level{intermediate}

  Collective.

  @param[in] dini the Dini
  @return 0 or a PETSc error code; PETSC_ERR_ORDER, with the call that is missing, when something is
*/
PetscErrorCode DiniSetUp(Dini dini)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  if (dini->setup) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(((PetscObject)dini)->type_name, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "%s has no solver; call DiniSetSNES(), DiniSetKSP(), DiniSetFixedPoint(), or DiniSetType() with DINISHELL",
             DiniLabel_Private(dini));
  PetscTryTypeMethod(dini, setup);
  dini->setup = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A first state that turned out to be none, such as one of the wrong size, does not fix the layout of the next. */
static PetscErrorCode DiniForgetLayout(Dini dini, Vec u)
{
  PetscBool any;

  PetscFunctionBegin;
  if (!u || dini->u || dini->n == PETSC_DECIDE || DiniNested_Private(dini)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniCheckComm_Private(dini, (PetscObject)u, "The state u"));
  PetscCall(DiniOtherLayout_Private(PetscObjectComm((PetscObject)dini), (PetscObject)u, dini->n, -1, &any));
  if (!any) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniReset_Private(dini));
  PetscCall(DiniSetUp(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A u that is a parameter's Vec would be differentiated as a constant of itself */
static PetscErrorCode DiniRefuseParameter(Dini dini, Vec u)
{
  PetscFunctionBegin;
  for (PetscInt p = 0; p < dini->nparams; p++)
    PetscCheck(u != dini->params[p]->m, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_IDN,
               "%s: the state u is the Vec of parameter \"%s\"; they have to be different ones",
               DiniLabel_Private(dini), dini->params[p]->name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The first solution seen fixes the layout of u; later ones must have it. */
PetscErrorCode DiniSetUpLayout_Private(Dini dini, Vec u)
{
  PetscFunctionBegin;
  PetscCall(DiniRefuseParameter(dini, u));
  PetscCall(DiniForgetLayout(dini, u));
  if (dini->n == PETSC_DECIDE) {
    PetscCheck(u, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_NULL, "%s: The state u is NULL",
               DiniLabel_Private(dini));
    PetscCall(DiniCheckComm_Private(dini, (PetscObject)u, "The state u"));
    PetscCall(VecDuplicate(u, &dini->r));
    PetscCall(VecDuplicate(u, &dini->lambda));
    PetscCall(VecDuplicate(u, &dini->ucopy));
    PetscCall(VecDuplicate(u, &dini->w[0]));
    PetscCall(VecDuplicate(u, &dini->w[1]));
    PetscCall(VecGetLocalSize(u, &dini->n));
    PetscCall(VecGetSize(u, &dini->N));
  } else {
    PetscCall(DiniCheckLayout_Private(dini, u, dini->n, dini->N, "The state u", "the state of the first solve"));
    PetscCall(DiniCheckState_Private(dini, u, "The state u of a later solve"));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
