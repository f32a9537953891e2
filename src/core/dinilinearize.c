/* The linearization at the solution: J now, each F_m when a rule first needs it. */
#include "../private/diniimpl.h"
#include <petsctime.h>

/* Refuses a point that is not there any more, and says who moved. */
PetscErrorCode DiniCheckPoint_Private(Dini dini)
{
  PetscObjectState state;
  PetscBool        mine[3] = {PETSC_FALSE}, any[3], same;

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
  mine[0] = (PetscBool)(state != dini->ustate);
  PetscTryTypeMethod(dini, touched, &mine[1]);
  PetscCall(MPIU_Allreduce(mine, any, 3, DINI_MPI_BOOL, MPI_LOR, PetscObjectComm((PetscObject)dini)));
  if (any[0]) {
    PetscCall(VecEqual(dini->u, dini->ucopy, &same));
    PetscCheck(
        same, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONGSTATE,
        "%s: The state u has been changed since the solve, so its derivative is no longer known; call DiniSolve() or "
        "DiniAttach() again, or give DiniSolve() a Vec that nobody else writes to",
        DiniLabel_Private(dini));
    dini->ustate = state;
  }
  PetscCall(DiniParameterUnchanged_Private(dini));
  if (dini->mstamp != dini->mpoint) { /* the application was last handed others, as by DiniComputeResidual() */
    PetscCall(DiniParameterPush_Private(dini));
    dini->mstamp = dini->mpoint;
  }
  if (any[1] || any[2]) PetscUseTypeMethod(dini, recheck, &any[1]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Lazy: a Dini that is only ever solved never assembles a second Jacobian. */
PetscErrorCode DiniLinearize_Private(Dini dini)
{
  Mat            J, P, A, B; /* of F, and of the linear systems */
  PetscBool      first;
  PetscLogDouble start, end;

  PetscFunctionBegin;
  PetscCall(DiniCheckPoint_Private(dini));
  if (dini->stage == DINI_STAGE_LINEARIZED) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscTime(&start));
  PetscCall(PetscLogEventBegin(DINI_Linearize, dini, dini->u, 0, 0));
  first = (PetscBool)!dini->guarded;
  J = P = NULL;
  if (!dini->ops->jvp) PetscCall(DiniJacobianFind_Private(dini, &J, &P));
  PetscCheck(J || dini->ops->jvp || (dini->linearsolve[DINI_TANGENT] || dini->linearsolve[DINI_ADJOINT]),
             PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "%s: nobody has given the Jacobian dF/du of this Dini of type \"%s\"%s%s; call DiniSetJacobian(), see "
             "-dini_jacobian_type for differences of F in its place, or solve the linear systems yourself with "
             "DiniSetTangentSolve() and DiniSetAdjointSolve()",
             DiniLabel_Private(dini), ((PetscObject)dini)->type_name, dini->source.why[0] ? ": " : "",
             dini->source.why);
  A = J;
  B = P;
  PetscCall(DiniActiveReduce_Private(dini, &A, &B));
  PetscCall(DiniEngineLinearize_Private(dini, A, B));
  if (dini->guard) PetscCall(DiniActiveGuard_Private(dini, first));
  PetscTryTypeMethod(dini, linearized);
  PetscCall(PetscLogEventEnd(DINI_Linearize, dini, dini->u, 0, 0));
  PetscCall(PetscTime(&end));
  dini->stats.linearizations++;
  dini->stats.linearize_seconds += (PetscReal)(end - start);
  dini->stage = DINI_STAGE_LINEARIZED;
  PetscCall(DiniMonitor_Private(dini, DINI_OPERATION_LINEARIZE, 0, 0.0));
  PetscCall(DiniConditionLinearized_Private(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniGetJacobian_Call(Dini dini, Mat *J, Mat *P)
{
  PetscFunctionBegin;
  PetscCall(DiniLinearize_Private(dini));
  PetscCall(DiniEngineGetJacobian_Private(dini, J, P));
  PetscCall(DiniActiveFull_Private(dini, J, P));
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
  if (!P) P = &Pmat;
  DiniServe(dini, "DiniGetJacobian()", DINI_DOOR_DERIVATIVES, DiniGetJacobian_Call(dini, J, P));
  PetscFunctionReturn(PETSC_SUCCESS);
}
