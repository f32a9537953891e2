/* DINISHELL: residual, Jacobian and solve are callbacks; the core calls them, so nothing is left to do but to ask for them. */
#include "../../private/diniimpl.h"

static PetscErrorCode DiniSetUp_Shell(Dini dini)
{
  PetscFunctionBegin;
  PetscCheck(dini->residual, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "%s, of type \"shell\", has no residual, without which nothing can be verified; call DiniSetResidual()",
             DiniLabel_Private(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniCreate_Shell(Dini dini)
{
  PetscFunctionBegin;
  dini->ops->setup = DiniSetUp_Shell;
  PetscFunctionReturn(PETSC_SUCCESS);
}
