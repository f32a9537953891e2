/* The linearization at the solution: J now, each F_m when a rule first needs it. */
#include "../private/diniimpl.h"
#include <petsctime.h>

/* J and P at the point, as the linear systems have them; *first: the guards have not been passed yet */
static PetscErrorCode DiniTakeJacobian(Dini dini)
{
  const PetscBool first = (PetscBool)!dini->guarded;
  DiniEngine      e;
  Mat             J, P, A, B; /* of F, and of the linear systems */

  PetscFunctionBegin;
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
  B = J ? P : NULL; /* nobody is to precondition what nobody knows */
  PetscCall(DiniFilterReduce_Private(dini, &A, &B));
  PetscCall(DiniLinear_Private(dini, &e));
  PetscCall(DiniEngineLinearize_Private(e, A, B, dini->point));
  if (DiniJacobianFuller_Private(dini)) PetscCall(DiniEngineBeginDirect_Private(e));
  dini->determines = PETSC_FALSE;
  if (dini->doubted != dini->source.rangestate) PetscCall(DiniEngineDoubt_Private(e));
  dini->doubted = dini->source.rangestate;
  if (dini->guard) PetscCall(DiniFilterGuard_Private(dini, first));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Has J been written to since it was marked? With values: past PETSc, too */
static PetscErrorCode DiniJacobianMoves(Dini dini, PetscBool values, PetscBool *any)
{
  PetscBool mine;

  PetscFunctionBegin;
  PetscCall(DiniMarkMoved_Private(&dini->held, values, &mine));
  PetscCall(MPIU_Allreduce(&mine, any, 1, DINI_MPI_BOOL, MPI_LOR, PetscObjectComm((PetscObject)dini)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  J stays that of the point: a residual that also writes into it spoils it when F is evaluated beside the point, as the guards
  do. It is filled again then, after them.
*/
static PetscErrorCode DiniKeepJacobian(Dini dini)
{
  const PetscBool guarded = dini->guarded; /* else F has been evaluated beside the point, as where it is asked again */
  const PetscInt  range   = dini->source.rangestate;
  Mat             J, P;
  PetscBool       moved = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(DiniMark_Private(NULL, &dini->held));
  PetscCall(DiniTakeJacobian(dini)); /* marks what it has been given */
  PetscCall(DiniEngineGetJacobian_Private(dini->engine, &J, &P));
  PetscCall(DiniFilterFull_Private(dini, &J, &P));
  if (dini->held.A && J == dini->held.A && dini->callouts != dini->heldsince) {
    PetscCall(DiniJacobianMoves(dini, (PetscBool)(!guarded || range != dini->source.rangestate), &moved));
    if (moved) PetscCall(DiniTakeJacobian(dini));
    if (moved) PetscCall(DiniJacobianMoves(dini, PETSC_TRUE, &moved));
    PetscCheck(!moved || dini->active, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
               "%s: The Jacobian does not stay at its point: evaluating F writes into it. Give derivatives a matrix of "
               "their own, with DiniSetJacobian()",
               DiniLabel_Private(dini));
  }
  if (moved || J != dini->held.A) PetscCall(DiniMark_Private(J, &dini->held));
  if (!dini->source.used || dini->source.used == DINI_JACOBIAN_GIVEN)
    PetscCall(DiniMarkProduct_Private(dini, &dini->held));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Refuses a u that solves the relation no more; once a call */
PetscErrorCode DiniRefuseStale_Private(Dini dini)
{
  const PetscReal  before = dini->fpoint;
  const PetscInt64 seen   = dini->seen;
  PetscBool        solves;

  PetscFunctionBegin;
  dini->seen = dini->calls;
  if (dini->verified || (dini->stage == DINI_STAGE_LINEARIZED && seen == dini->calls))
    PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniStillSolves_Private(dini, &solves));
  if (!solves && dini->stage == DINI_STAGE_LINEARIZED) dini->stage = DINI_STAGE_SOLVED; /* asked again at each call */
  PetscCheck(solves, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONGSTATE,
             "%s: The state u is no solution any more: |F(u, m)| was %g after the solve and is %g. F depends on "
             "something that has been changed since and is no parameter; call DiniSolve() again, or accept it with "
             "-dini_attach_rtol",
             DiniLabel_Private(dini), (double)before, (double)dini->stats.forward_residual);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniLinearizeNow(Dini dini)
{
  const PetscBool again = (PetscBool)(dini->linearized == dini->point);
  PetscLogDouble  start, end;

  PetscFunctionBegin;
  PetscCall(PetscTime(&start));
  PetscCall(PetscLogEventBegin(DINI_Linearize, dini, dini->u, 0, 0));
  PetscCall(DiniRefuseStale_Private(dini));
  if (!again) PetscCall(DiniJacobianDue_Private(dini));
  PetscCall(DiniKeepJacobian(dini));
  if (!again) PetscCall(DiniPromiseKept_Private(dini));
  if (!again) PetscCall(DiniJacobianKnown_Private(dini));
  if (dini->system && dini->system->linearized) PetscCall((*dini->system->linearized)(dini));
  PetscCall(PetscLogEventEnd(DINI_Linearize, dini, dini->u, 0, 0));
  PetscCall(PetscTime(&end));
  if (!again) dini->stats.linearizations++;
  dini->stats.linearize_seconds += (PetscReal)(end - start);
  dini->stage      = DINI_STAGE_LINEARIZED;
  dini->linearized = dini->point;
  PetscCall(DiniMonitor_Private(dini, DINI_OPERATION_LINEARIZE, 0, 0.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is J applied by differences of F, as F is now? Then it follows what is no parameter */
static PetscErrorCode DiniJacobianReads(Dini dini, PetscBool *reads)
{
  const DiniJacobianSource *s = &dini->source;
  Mat                       J, P;

  PetscFunctionBegin;
  *reads = (PetscBool)(s->used == DINI_JACOBIAN_MF);
  if (s->used != DINI_JACOBIAN_GIVEN) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniEngineGetJacobian_Private(dini->engine, &J, &P));
  if (J) PetscCall(PetscObjectTypeCompare((PetscObject)J, MATMFFD, reads));
  if (s->differenced && !s->filled && !dini->ops->pattern) *reads = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Lazy: a Dini that is only ever solved never assembles a second Jacobian. A monitor may have written into the one it was shown */
PetscErrorCode DiniLinearize_Private(Dini dini)
{
  PetscBool reads = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(DiniCheckPoint_Private(dini));
  if (dini->stage == DINI_STAGE_LINEARIZED) PetscCall(DiniJacobianReads(dini, &reads));
  if (reads) PetscCall(DiniRefuseStale_Private(dini));
  if (dini->stage == DINI_STAGE_LINEARIZED) PetscFunctionReturn(PETSC_SUCCESS);
  if (dini->call) dini->call->ahead.stays = PETSC_FALSE; /* that was said of another J */
  PetscCall(DiniLinearizeNow(dini));
  if (dini->stage != DINI_STAGE_LINEARIZED) PetscCall(DiniLinearizeNow(dini));
  PetscCheck(
      dini->stage == DINI_STAGE_LINEARIZED, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONGSTATE,
      "%s: a monitor (DiniMonitorSet()) writes into the Jacobian each time that it is told of a linearization; give "
      "derivatives a matrix of their own, with DiniSetJacobian()",
      DiniLabel_Private(dini));
  PetscCall(DiniConditionLinearized_Private(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Before each solve: filling F_m, or a callback, may have written into J. Work vectors of the caller are left alone. */
PetscErrorCode DiniJacobianStays_Private(Dini dini, PetscBool *moved)
{
  DiniAhead *ahead = dini->call ? &dini->call->ahead : NULL;

  PetscFunctionBegin;
  *moved = PETSC_FALSE;
  if (ahead && ahead->stays) {
    ahead->stays = PETSC_FALSE;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (dini->stage == DINI_STAGE_LINEARIZED && dini->held.A) PetscCall(DiniJacobianMoves(dini, PETSC_FALSE, moved));
  if (*moved) PetscCall(DiniJacobianMoved_Private(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniGetJacobian_Call(Dini dini, Mat *J, Mat *P)
{
  PetscFunctionBegin;
  PetscCall(DiniLinearize_Private(dini));
  PetscCall(DiniEngineGetJacobian_Private(dini->engine, J, P));
  PetscCall(DiniFilterFull_Private(dini, J, P));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives the Jacobian J = dF/du at the solution, assembled.
  @level{advanced}

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
