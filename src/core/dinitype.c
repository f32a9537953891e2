/* The type of a Dini, and what its author gives it: methods and data. */
#include "../private/diniimpl.h"

/**
  @brief Chooses what kind of solver stands behind a Dini.
  @level{intermediate}

  Logically Collective. DiniSetSNES(), DiniSetKSP() and DiniSetFixedPoint() choose the type themselves.

  @param[in] dini the Dini
  @param[in] type DINISNES, DINIKSP, DINIFIXEDPOINT, DINISHELL or a name given to DiniRegister()
  @return 0 or a PETSc error code; PETSC_ERR_ARG_UNKNOWN_TYPE for a name that is not registered

  Option: `-dini_type <snes|ksp|fixedpoint|shell>`.
*/
PetscErrorCode DiniSetType(Dini dini, DiniType type)
{
  PetscErrorCode (*create)(Dini);
  PetscBool same;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCheck(type, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_NULL,
             "The type of a Dini is NULL; use DINISNES, say");
  PetscCall(PetscObjectTypeCompare((PetscObject)dini, type, &same));
  if (same) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniIdle_Private(dini, "DiniSetType()"));
  PetscCall(PetscFunctionListFind(DiniList, type, &create));
  PetscCheck(create, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_UNKNOWN_TYPE,
             "Unknown Dini type \"%s\"; run with -help to see the registered ones", type);
  if (dini->ops->destroy) PetscCall((*dini->ops->destroy)(dini));
  PetscCall(PetscMemzero(dini->ops, sizeof(*dini->ops)));
  dini->data       = NULL;
  dini->system     = NULL;
  dini->iterations = 0;
  PetscCall(PetscObjectChangeTypeName((PetscObject)dini, type));
  PetscCall((*create)(dini));
  PetscCall(DiniReset(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Tells the type of a Dini.
  @level{intermediate}

  Not Collective.

  @param[in]  dini the Dini
  @param[out] type its type, NULL when none has been set
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniGetType(Dini dini, DiniType *type)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  *type = ((PetscObject)dini)->type_name;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives a Dini the methods of its type. For authors of types, from the function that DiniRegister() was given.
  @level{advanced}

  Logically Collective.

  @param[in] dini the Dini
  @param[in] ops  the methods, which are copied
  @return 0 or a PETSc error code; PETSC_ERR_ARG_NULL for no table, PETSC_ERR_ORDER for a Dini that has no type

  @see DiniSetData(), DiniRegister(), DiniOps
*/
PetscErrorCode DiniSetOps(Dini dini, const DiniOps *ops)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCheck(ops, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_NULL, "DiniSetOps() got no table of methods");
  PetscCheck(
      ((PetscObject)dini)->type_name, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
      "%s has no type whose methods these were; call DiniSetOps() from the function that DiniRegister() was given",
      DiniLabel_Private(dini));
  *dini->ops = *ops;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives a Dini what its type has to know. For authors of types.
  @level{advanced}

  Not Collective.

  @param[in] dini the Dini
  @param[in] data the type's to allocate, and to free in DiniOps::destroy
  @return 0 or a PETSc error code

  @see DiniGetData(), DiniSetOps()
*/
PetscErrorCode DiniSetData(Dini dini, void *data)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  dini->data = data;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives back what DiniSetData() was given. For authors of types, in methods of theirs.
  @level{advanced}

  Not Collective.

  @param[in]  dini the Dini, of the author's own type
  @param[out] data address of a pointer to the data; NULL in it where there are none
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniGetData(Dini dini, void *data)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  *(void **)data = dini->data;
  PetscFunctionReturn(PETSC_SUCCESS);
}
