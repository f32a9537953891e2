/* Type ksp: what the application gives. */
#include "../../private/dinikspimpl.h"

/**
  @brief Makes a KSP the solver behind a Dini, of type DINIKSP: F(u, m) = A(m) u - b(m) with the KSP's operators.
  @level{beginner}

  Collective. Follow it with DiniSetLinearSystem(). A least-squares KSP, KSPLSQR or KSPCGLS, makes it the relation
  F(u, m) = A^H (A u - b) = 0 where A has more rows than columns; its columns have to be independent, or A carries its null
  space (MatSetNullSpace(), before the first DiniSolve()), which makes u the solution of least norm.

  @param[in] dini the Dini
  @param[in] ksp  solver with its operators set; referenced
  @return 0 or a PETSc error code

  @see DiniSetLinearSystem(), DiniSetSNES()
*/
PetscErrorCode DiniSetKSP(Dini dini, KSP ksp)
{
  Dini_KSP *ctx;
  PetscBool A, P;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniSetKSP()"));
  PetscCheck(ksp, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_NULL, "DiniSetKSP() got no KSP");
  PetscCall(DiniCheckComm_Private(dini, (PetscObject)ksp, "The KSP"));
  PetscCall(KSPGetOperatorsSet(ksp, &A, &P));
  PetscCheck(A && P, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "The KSP has no operators; call KSPSetOperators() before DiniSetKSP()");
  PetscCall(DiniSetType(dini, DINIKSP));
  ctx = (Dini_KSP *)dini->data;
  PetscCall(PetscObjectReference((PetscObject)ksp));
  PetscCall(KSPDestroy(&ctx->ksp));
  ctx->ksp = ksp;
  PetscCall(DiniReset(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives the KSP behind a Dini.
  @level{intermediate}

  Not Collective.

  @param[in]  dini the Dini
  @param[out] ksp  the KSP, NULL when the Dini is of another type
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniGetKSP(Dini dini, KSP *ksp)
{
  PetscBool is;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(PetscObjectTypeCompare((PetscObject)dini, DINIKSP, &is));
  *ksp = is ? ((Dini_KSP *)dini->data)->ksp : NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives the right-hand side of a linear system, and how A and b follow from the parameters.
  @level{beginner}

  Logically Collective.

  @param[in] dini the Dini, of type DINIKSP
  @param[in] b    right-hand side; referenced. It may itself be a parameter block: DiniAddParameter() with this very Vec knows
                  F_b, as type DINIPARAMETERRHS
  @param[in] fn   assembles A, P and b at the current parameters; it must write into the matrices and the vector it is
                  handed, which are copies of the KSP's when differences are taken. NULL when A and b are constant, or
                  belong to the application
  @param[in] ctx  context of fn, may be NULL
  @return 0 or a PETSc error code; PETSC_ERR_ORDER when the Dini is not of type DINIKSP
*/
PetscErrorCode DiniSetLinearSystem(Dini dini, Vec b, DiniLinearSystemFn *fn, void *ctx)
{
  Dini_KSP *data;
  PetscBool is;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniSetLinearSystem()"));
  PetscCall(PetscObjectTypeCompare((PetscObject)dini, DINIKSP, &is));
  PetscCheck(is, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "DiniSetLinearSystem() goes with DiniSetKSP(); call that first");
  PetscCheck(b, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_NULL, "The right-hand side b is NULL");
  PetscCall(DiniCheckComm_Private(dini, (PetscObject)b, "The right-hand side b"));
  data = (Dini_KSP *)dini->data;
  PetscCall(PetscObjectReference((PetscObject)b));
  PetscCall(VecDestroy(&data->b));
  data->b           = b;
  data->assemble    = fn;
  data->assemblectx = ctx;
  PetscCall(DiniReset(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}
