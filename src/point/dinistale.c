/*
  What derivatives rest on, and whether it is still there: u and the parameters by value, since the object state of a Vec does
  not move when an application writes into its own array; matrices by their states; and |F(u, m)|, which tells of a number
  that is no parameter.
*/
#include "../private/diniparameterimpl.h"

/* Local numbers of those that are looked at: u, A and b of a linear system, J, bounds, then all blocks, then their F_m */
enum { LOOK_U, LOOK_SYSTEM, LOOK_B, LOOK_J, LOOK_BOUNDS, LOOK_BLOCKS };

/* Has v other values than its copy? What this rank knows. On a GPU the values are not fetched unless the state has moved. */
PetscErrorCode DiniVecDiffers_Private(Vec v, Vec copy, PetscBool moved, PetscBool *differs)
{
  const PetscScalar *a, *b;
  PetscOffloadMask   mask;
  PetscBool          nest, same = PETSC_TRUE;
  PetscInt           n, parts;
  Vec               *from, *to;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)v, VECNEST, &nest));
  *differs = PETSC_FALSE;
  if (nest) {
    PetscCall(VecNestGetSubVecs(v, &parts, &from));
    PetscCall(VecNestGetSubVecs(copy, NULL, &to));
    for (PetscInt i = 0; i < parts && !*differs; i++)
      PetscCall(DiniVecDiffers_Private(from[i], to[i], PETSC_TRUE, differs));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(VecGetOffloadMask(v, &mask));
  if (mask == PETSC_OFFLOAD_GPU && !moved) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecGetLocalSize(v, &n));
  PetscCall(VecGetArrayRead(v, &a));
  PetscCall(VecGetArrayRead(copy, &b));
  if (a != b) PetscCall(PetscArraycmp(a, b, n, &same));
  PetscCall(VecRestoreArrayRead(copy, &b));
  PetscCall(VecRestoreArrayRead(v, &a));
  *differs = (PetscBool)!same;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniBlockDiffers(DiniParameter par, PetscBool *differs)
{
  PetscObjectState state;

  PetscFunctionBegin;
  *differs = (PetscBool)(par->scalar && *par->scalar != par->value);
  if (*differs || !par->copy) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscObjectStateGet((PetscObject)par->m, &state));
  PetscCall(DiniVecDiffers_Private(par->m, par->copy, (PetscBool)(state != par->state), differs));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The name of a block, active or not, that has other values than those remembered, or NULL. One reduction. */
PetscErrorCode DiniParameterChanged_Private(Dini dini, const char **culprit)
{
  PetscInt mine = -1, last;

  PetscFunctionBegin;
  *culprit = NULL;
  for (PetscInt p = 0; p < dini->nparams; p++) {
    PetscBool differs;

    PetscCall(DiniBlockDiffers(dini->params[p], &differs));
    if (differs) mine = p;
  }
  if (!dini->nparams) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MPIU_Allreduce(&mine, &last, 1, MPIU_INT, MPI_MAX, PetscObjectComm((PetscObject)dini)));
  if (last >= 0) *culprit = dini->params[last]->name;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Refuses when a block has changed */
PetscErrorCode DiniParameterUnchanged_Private(Dini dini)
{
  const char *culprit;

  PetscFunctionBegin;
  PetscCall(DiniParameterChanged_Private(dini, &culprit));
  PetscCheck(
      !culprit, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONGSTATE,
      "%s: Parameter \"%s\" has been changed since the solve, so u no longer belongs to it; call DiniSolve() again",
      DiniLabel_Private(dini), culprit);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is J the matrix of the type's own system, whose numbers it has just looked at? */
static PetscErrorCode DiniLookedAt(Dini dini, PetscBool *looked)
{
  KSP ksp = NULL;
  Mat A   = NULL;

  PetscFunctionBegin;
  if (dini->system && dini->ops->getksp) PetscUseTypeMethod(dini, getksp, &ksp);
  if (ksp) PetscCall(KSPGetOperators(ksp, &A, NULL));
  *looked = (PetscBool)(A && A == dini->held.A);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Flags of all ranks, and with them what a call asks ahead, once J is there: by one reduction */
static PetscErrorCode DiniLookAll(Dini dini, PetscInt n, PetscInt moved[])
{
  const PetscBool linearized = (PetscBool)(dini->stage == DINI_STAGE_LINEARIZED);
  PetscBool       any        = PETSC_FALSE;
  PetscReal      *sums;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1((size_t)n + DINI_AHEAD, &sums));
  for (PetscInt k = 0; k < n; k++) sums[k] = moved[k] ? 1.0 : 0.0;
  if (linearized) PetscCall(DiniAheadMine_Private(dini, &sums[n]));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, sums, (PetscMPIInt)(n + DINI_AHEAD), MPIU_REAL, MPIU_SUM,
                           PetscObjectComm((PetscObject)dini)));
  for (PetscInt k = 0; k < n; k++) {
    moved[k] = sums[k] > 0.0;
    if (moved[k]) any = PETSC_TRUE;
  }
  if (linearized && !any) PetscCall(DiniAheadTold_Private(dini, &sums[n], PETSC_TRUE));
  PetscCall(PetscFree(sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One pass over the values, one reduction: moved[] of all ranks */
static PetscErrorCode DiniLook(Dini dini, PetscInt moved[])
{
  const PetscInt   n         = dini->nparams;
  PetscBool        system[2] = {PETSC_FALSE, PETSC_FALSE}, differs, looked = PETSC_FALSE;
  PetscObjectState state;

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(moved, LOOK_BLOCKS + 2 * n));
  PetscCall(PetscObjectStateGet((PetscObject)dini->u, &state));
  PetscCall(DiniVecDiffers_Private(dini->u, dini->ucopy, (PetscBool)(state != dini->ustate), &differs));
  moved[LOOK_U] = differs;
  if (dini->system) PetscCall((*dini->system->touched)(dini, system));
  moved[LOOK_SYSTEM] = system[0];
  moved[LOOK_B]      = system[1];
  if (dini->stage == DINI_STAGE_LINEARIZED) {
    PetscCall(DiniLookedAt(dini, &looked));
    PetscCall(DiniMarkMoved_Private(&dini->held, (PetscBool)!looked, &differs));
    moved[LOOK_J] = differs;
  }
  PetscCall(DiniFilterDiffers_Private(dini, &differs));
  moved[LOOK_BOUNDS] = differs;
  for (PetscInt p = 0; p < n; p++) {
    DiniParameter par = dini->params[p];

    PetscCall(DiniBlockDiffers(par, &differs));
    moved[LOOK_BLOCKS + p] = differs;
    if (!par->current) continue;
    PetscCall(DiniMarkMoved_Private(&par->held, PETSC_TRUE, &differs));
    moved[LOOK_BLOCKS + n + p] = differs;
  }
  PetscCall(DiniLookAll(dini, LOOK_BLOCKS + 2 * n, moved));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Somebody has written into J: it is made again at the point. One that nobody makes is held against F again, or refused. */
PetscErrorCode DiniJacobianMoved_Private(Dini dini)
{
  const PetscBool constant = (PetscBool)(dini->Juser ? !dini->jacobian : !dini->ops->pattern);

  PetscFunctionBegin;
  PetscCheck(dini->guard || !dini->Juser || dini->jacobian, PetscObjectComm((PetscObject)dini),
             PETSC_ERR_ARG_WRONGSTATE,
             "%s: somebody has written into the Jacobian since the derivatives were taken, and there is no callback to "
             "fill it again; solve again, or give DiniSetJacobian() a callback",
             DiniLabel_Private(dini));
  PetscCall(PetscInfo(dini, "Somebody has written into the Jacobian: it is assembled again at the point\n"));
  if (constant) dini->guarded = PETSC_FALSE;
  if (dini->held.A) PetscCall(PetscObjectStateIncrease((PetscObject)dini->held.A)); /* where it went past PETSc */
  dini->stage = DINI_STAGE_SOLVED;
  dini->stats.relinearizations++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Somebody has written into an F_m: likewise */
PetscErrorCode DiniParameterMoved_Private(Dini dini, DiniParameter par)
{
  const PetscBool constant = (PetscBool)(par->Fmuser && !par->fill && par->held.A == par->Fmuser);

  PetscFunctionBegin;
  PetscCheck(dini->guard || !constant, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONGSTATE,
             "%s: somebody has written into F_m of parameter \"%s\" since the derivatives were taken, and there is no "
             "callback to fill it again; solve again, or give DiniSetParameterJacobian() a callback",
             DiniLabel_Private(dini), par->name);
  PetscCall(PetscInfo(dini, "Somebody has written into F_m of parameter \"%s\": it is filled again\n", par->name));
  if (constant) par->guarded = PETSC_FALSE;
  if (par->held.A) PetscCall(PetscObjectStateIncrease((PetscObject)par->held.A)); /* where it went past PETSc */
  par->current = PETSC_FALSE;
  dini->stats.relinearizations++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Refuses a point that is not there any more, and says who moved; matrices that have moved are made again. */
static PetscErrorCode DiniJudge(Dini dini, PetscInt moved[])
{
  const PetscInt n         = dini->nparams;
  PetscBool      system[2] = {(PetscBool)(moved[LOOK_SYSTEM] != 0), (PetscBool)(moved[LOOK_B] != 0)}, product;

  PetscFunctionBegin;
  PetscCheck(
      !moved[LOOK_U], PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONGSTATE,
      "%s: The state u has been changed since the solve, so its derivative is no longer known; call DiniSolve() or "
      "DiniAttach() again, or give DiniSolve() a Vec that nobody else writes to",
      DiniLabel_Private(dini));
  for (PetscInt p = 0; p < n; p++) {
    DiniParameter par = dini->params[p];

    PetscCheck(
        !moved[LOOK_BLOCKS + p], PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONGSTATE,
        "%s: Parameter \"%s\" has been changed since the solve, so u no longer belongs to it; call DiniSolve() again",
        DiniLabel_Private(dini), par->name);
    PetscCall(PetscObjectStateGet((PetscObject)par->m, &par->state));
  }
  PetscCall(PetscObjectStateGet((PetscObject)dini->u, &dini->ustate));
  if (moved[LOOK_BOUNDS]) PetscCall(DiniFilterUnchanged_Private(dini));
  if (dini->mstamp != dini->mpoint) { /* the application was last handed others, as by DiniComputeResidual() */
    PetscCall(DiniParameterPush_Private(dini));
    dini->mstamp = dini->mpoint;
  }
  if (system[0] || system[1]) PetscCall((*dini->system->recheck)(dini, system));
  PetscCall(DiniHome_Private(dini));
  if (!moved[LOOK_J] && dini->stage == DINI_STAGE_LINEARIZED) {
    PetscCall(DiniMarkProductMoved_Private(&dini->held, &product));
    moved[LOOK_J] = product;
  }
  if (moved[LOOK_J] && dini->stage == DINI_STAGE_LINEARIZED) PetscCall(DiniJacobianMoved_Private(dini));
  else if (moved[LOOK_J]) dini->stats.relinearizations++;
  for (PetscInt p = 0; p < n; p++)
    if (moved[LOOK_BLOCKS + n + p] && dini->params[p]->current)
      PetscCall(DiniParameterMoved_Private(dini, dini->params[p]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniCheckPoint_Private(Dini dini)
{
  PetscInt      *moved;
  PetscErrorCode failed;

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
  PetscCall(PetscMalloc1((size_t)LOOK_BLOCKS + 2 * (size_t)dini->nparams, &moved));
  failed = DiniLook(dini, moved);
  if (!failed) failed = DiniJudge(dini, moved);
  PetscCall(PetscFree(moved));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Back at the point: what can not be copied, and has been assembled beside it, is assembled there again. */
PetscErrorCode DiniHome_Private(Dini dini)
{
  PetscBool moved = PETSC_FALSE;

  PetscFunctionBegin;
  PetscTryTypeMethod(dini, home, &moved);
  if (moved && dini->stage == DINI_STAGE_LINEARIZED) PetscCall(DiniMark_Private(dini->held.A, &dini->held));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Does u still solve the relation? |F(u, m)| is held against what the solve has left; F stays, for whoever asks next. A
  hundredth of the tolerance of attached states leaves room for residuals that are not the same twice, such as those with an
  iteration inside. A linear system is assembled again for it, but not at each point: that would cost what an adjoint solve does.
*/
PetscErrorCode DiniStillSolves_Private(Dini dini, PetscBool *solves)
{
  const PetscBool renew = (PetscBool)(!dini->guarded || dini->linearized == dini->point);
  PetscReal       norm, scale, before = dini->fpoint;

  PetscFunctionBegin;
  *solves = PETSC_TRUE;
  if (!(dini->guard || dini->inside) || dini->ops->jvp || !(dini->residual || dini->ops->residual))
    PetscFunctionReturn(PETSC_SUCCESS);
  if (!dini->active) {
    if (!dini->F) PetscCall(VecDuplicate(dini->u, &dini->F));
    dini->hasF = PETSC_FALSE;
    if (renew && dini->system) PetscCall((*dini->system->renew)(dini));
    PetscCall(DiniResidual_Private(dini, dini->u, dini->F, &norm));
    if (PetscIsInfOrNanReal(norm)) PetscCall(DiniResidual_Private(dini, dini->u, dini->F, NULL)); /* says so */
    dini->hasF  = PETSC_TRUE;
    dini->fnorm = dini->stats.forward_residual = norm;
    if (before < 0.0) dini->fpoint = norm;
    if (before < 0.0 || norm <= PetscMax(10.0 * before, dini->attachatol)) PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (renew && dini->system) PetscCall((*dini->system->renew)(dini));
  PetscCall(
      DiniAcceptState_Private(dini, dini->u, (dini->active ? 1.0 : 1e-2) * dini->attachrtol, &norm, &scale, solves));
  if (before >= 0.0 && norm <= 10.0 * before) *solves = PETSC_TRUE;
  PetscCall(PetscInfo(dini, "|F(u, m)| was %g and is %g: %s\n", (double)before, (double)norm,
                      *solves ? "still a solution" : "no solution any more"));
  PetscFunctionReturn(PETSC_SUCCESS);
}
