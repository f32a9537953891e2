/* The relation that an application gives a Dini, apart from what belongs to one type. Setters do no work. */
#include "../private/diniimpl.h"

/**
  @brief Gives the residual F(u, m) of types without a solver object, or replaces that of a type that has one.
  @level{intermediate}

  Logically Collective.

  @param[in] dini the Dini
  @param[in] fn   computes F at u and the current parameters; u is read-only and has the layout of the state, as has F
  @param[in] ctx  context of fn, may be NULL
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniSetResidual(Dini dini, DiniResidualFn *fn, void *ctx)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniSetResidual()"));
  dini->residual    = fn;
  dini->residualctx = ctx;
  PetscCall(DiniInvalidate_Private(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives the Jacobian J = dF/du of types without a solver object, or replaces that of a type that has one.
  @level{intermediate}

  Logically Collective. A SNES that iterates with a Picard or an otherwise approximate matrix stays as it is: the exact J
  given here is what derivatives use, and the preconditioner of the SNES still serves. A J that is not dF/du is an error. With
  DiniSetJacobianType() DINI_JACOBIAN_COLORING and no fn, an assembled AIJ matrix gives its pattern only.

  @param[in] dini the Dini
  @param[in] J    matrix with the layout of the state in rows and columns; may be a shell with a transposed product
  @param[in] P    matrix the preconditioner is built from, NULL for J
  @param[in] fn   fills J and P at u, NULL when they are constant
  @param[in] ctx  context of fn, may be NULL
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniSetJacobian(Dini dini, Mat J, Mat P, DiniJacobianFn *fn, void *ctx)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniSetJacobian()"));
  PetscCheck(J, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_NULL, "DiniSetJacobian() needs a matrix J");
  PetscCall(DiniCheckComm_Private(dini, (PetscObject)J, "The Jacobian J"));
  if (!P) P = J;
  PetscCall(DiniCheckComm_Private(dini, (PetscObject)P, "The matrix P that the preconditioner is built from"));
  PetscCall(PetscObjectReference((PetscObject)J));
  PetscCall(PetscObjectReference((PetscObject)P));
  PetscCall(MatDestroy(&dini->Juser));
  PetscCall(MatDestroy(&dini->Puser));
  dini->Juser       = J;
  dini->Puser       = P;
  dini->jacobian    = fn;
  dini->jacobianctx = ctx;
  PetscCall(DiniInvalidate_Private(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Replaces the forward solve, whatever the type.
  @level{intermediate}

  Logically Collective. The state it returns is accepted like one given to DiniAttach(): by the size of F(u, m).

  @param[in] dini the Dini
  @param[in] fn   finds u at the current parameters, initial guess in, solution out; NULL for the type's own solve
  @param[in] ctx  context of fn, may be NULL
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniSetSolve(Dini dini, DiniSolveFn *fn, void *ctx)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniSetSolve()"));
  dini->solve    = fn;
  dini->solvectx = ctx;
  PetscCall(DiniInvalidate_Private(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniSetLinearSolve(Dini dini, DiniDirection direction, DiniLinearSolveFn *fn, void *ctx)
{
  PetscFunctionBegin;
  PetscCall(DiniEngineForget_Private(dini->engine, direction));
  dini->linearsolve[direction]    = fn;
  dini->linearsolvectx[direction] = ctx;
  PetscCall(PetscObjectStateIncrease((PetscObject)dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Replaces the tangent solve J x = r by the application's own, whatever the type.
  @level{advanced}

  Logically Collective. Its answers are verified: by the true residual where J is known, by a difference of F otherwise.

  @param[in] dini the Dini
  @param[in] fn   finds x, which is zero on entry; NULL for Dini's own solve
  @param[in] ctx  context of fn, may be NULL
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniSetTangentSolve(Dini dini, DiniLinearSolveFn *fn, void *ctx)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniSetTangentSolve()"));
  PetscCall(DiniSetLinearSolve(dini, DINI_TANGENT, fn, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Replaces the adjoint solve J^H lambda = g by the application's own, whatever the type.
  @level{advanced}

  Logically Collective. Its answers are verified: by the true residual where J is known; otherwise by
  <v, g> = <J v, lambda> for one random v, with J v by a difference of F.

  @param[in] dini the Dini
  @param[in] fn   finds lambda, which is zero on entry; NULL for Dini's own solve
  @param[in] ctx  context of fn, may be NULL
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniSetAdjointSolve(Dini dini, DiniLinearSolveFn *fn, void *ctx)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniSetAdjointSolve()"));
  PetscCall(DiniSetLinearSolve(dini, DINI_ADJOINT, fn, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}
