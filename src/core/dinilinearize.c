/* The linearization at the solution: J now, each F_m when a rule first needs it. */
#include "../private/diniimpl.h"
#include <petsctime.h>

/* Refuses a point that is not there any more, and says who moved. */
PetscErrorCode DiniCheckPoint_Private(Dini dini)
{
  PetscObjectState state;
  PetscBool        touched, any, same;

  PetscFunctionBegin;
  PetscCheck(dini->stage != DINI_STAGE_NEW, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "%s: There is no solution to differentiate at; call DiniSolve() or DiniAttach() first, again after a "
             "change of the "
             "problem, and look at DiniGetConvergedReason()",
             DiniLabel_Private(dini));
  PetscCheck(!dini->elsewhere, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONGSTATE,
             "%s has been taken to another point by a derivative that is pinned there (DiniCreateDerivative()); call "
             "DiniSolve() or DiniAttach() again",
             DiniLabel_Private(dini));
  PetscCall(PetscObjectStateGet((PetscObject)dini->u, &state));
  touched = (PetscBool)(state != dini->ustate);
  PetscCall(MPIU_Allreduce(&touched, &any, 1, DINI_MPI_BOOL, MPI_LOR, PetscObjectComm((PetscObject)dini)));
  if (any) {
    PetscCall(VecEqual(dini->u, dini->ucopy, &same));
    PetscCheck(
        same, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONGSTATE,
        "%s: The state u has been changed since the solve, so its derivative is no longer known; call DiniSolve() or "
        "DiniAttach() again, or give DiniSolve() a Vec that nobody else writes to",
        DiniLabel_Private(dini));
    dini->ustate = state;
  }
  PetscCall(DiniParameterUnchanged_Private(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Assembles J at u: the application's own J where it gave one, else the type's. NULL when nobody knows J. */
PetscErrorCode DiniAssembleJacobian_Private(Dini dini, Mat *J, Mat *P)
{
  PetscInt m, n;

  PetscFunctionBegin;
  *J = *P = NULL;
  if (dini->Juser) {
    *J = dini->Juser;
    *P = dini->Puser;
    if (dini->jacobian) {
      DiniCallUserReads(dini, dini->u, "The Jacobian callback (DiniSetJacobian())",
                        (*dini->jacobian)(dini, dini->u, *J, *P, dini->jacobianctx));
      dini->stats.jacobian_assemblies++;
    }
  } else if (dini->ops->jacobian) PetscUseTypeMethod(dini, jacobian, dini->u, J, P);
  if (*J) {
    PetscBool wrong, any;

    PetscCall(MatGetLocalSize(*J, &m, &n));
    wrong = (PetscBool)(m != dini->n || n != dini->n);
    PetscCall(MPIU_Allreduce(&wrong, &any, 1, DINI_MPI_BOOL, MPI_LOR, PetscObjectComm((PetscObject)dini)));
    PetscCheck(!any, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_SIZ,
               "%s: The Jacobian has %" PetscInt_FMT " local rows and %" PetscInt_FMT
               " local columns where the state has %" PetscInt_FMT " local entries",
               DiniLabel_Private(dini), m, n, dini->n);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Lazy: a Dini that is only ever solved never assembles a second Jacobian. */
PetscErrorCode DiniLinearize_Private(Dini dini)
{
  Mat            J, P;
  PetscLogDouble start, end;

  PetscFunctionBegin;
  PetscCall(DiniCheckPoint_Private(dini));
  if (dini->stage == DINI_STAGE_LINEARIZED) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscTime(&start));
  PetscCall(PetscLogEventBegin(DINI_Linearize, dini, dini->u, 0, 0));
  PetscCall(DiniAssembleJacobian_Private(dini, &J, &P));
  PetscCheck(
      J || dini->ops->jvp || (dini->linearsolve[DINI_TANGENT] || dini->linearsolve[DINI_ADJOINT]),
      PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
      "%s: nobody has given the Jacobian dF/du of this Dini of type \"%s\"; call DiniSetJacobian(), or solve the "
      "linear systems yourself with DiniSetTangentSolve() and DiniSetAdjointSolve()",
      DiniLabel_Private(dini), ((PetscObject)dini)->type_name);
  PetscCall(DiniEngineLinearize_Private(dini, J, P));
  if (dini->guard && !dini->guarded && J) PetscCall(DiniGuardJacobian_Private(dini, J));
  PetscCall(PetscLogEventEnd(DINI_Linearize, dini, dini->u, 0, 0));
  PetscCall(PetscTime(&end));
  dini->stats.linearizations++;
  dini->stats.linearize_seconds += (PetscReal)(end - start);
  dini->stage   = DINI_STAGE_LINEARIZED;
  dini->guarded = PETSC_TRUE;
  PetscCall(DiniMonitor_Private(dini, DINI_OPERATION_LINEARIZE, 0, 0.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives the Jacobian J = dF/du at the solution, assembled.

  Collective.

  @param[in]  dini the Dini, after DiniSolve() or DiniAttach()
  @param[out] J    the Jacobian, not to be destroyed or changed; NULL when only the application's own linear solves know it
  @param[out] P    the matrix preconditioners are built from, may be NULL if not wanted
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniGetJacobian(Dini dini, Mat *J, Mat *P)
{
  Mat Pmat;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniLinearize_Private(dini));
  PetscCall(DiniEngineGetJacobian_Private(dini, J, P ? P : &Pmat));
  PetscFunctionReturn(PETSC_SUCCESS);
}
