/*
  The forward preconditioner in Dini's own solves: kept as the forward solve left it, applied as M, M^H or both.

  It sits behind a PCSHELL, so that Dini's KSPs never replace its operators, and it carries PETSc's reuse flag only while a
  solve of Dini's is running.
*/
#include "../private/diniengineimpl.h"
#include <petsc/private/pcimpl.h> /* setupcalled and matstate: has the forward solve built the PC, and from which values? */

PetscErrorCode DiniEngineGetPC_Private(Dini dini)
{
  DiniEngine  e   = dini->engine;
  KSP         ksp = NULL;
  PC          pc;
  const char *prefix;

  PetscFunctionBegin;
  if (dini->ops->getksp) PetscUseTypeMethod(dini, getksp, &ksp);
  if (ksp) {
    PetscCall(KSPGetPC(ksp, &pc));
    if (pc != e->pc) {
      PetscCall(PetscObjectReference((PetscObject)pc));
      PetscCall(PCDestroy(&e->pc));
      e->pc     = pc;
      e->probed = PETSC_FALSE;
    }
    e->ownpc = PETSC_FALSE;
  } else if (!e->pc) {
    PetscCall(PCCreate(PetscObjectComm((PetscObject)dini), &e->pc));
    PetscCall(PetscObjectGetOptionsPrefix((PetscObject)dini, &prefix));
    PetscCall(PCSetOptionsPrefix(e->pc, prefix));
    PetscCall(PCAppendOptionsPrefix(e->pc, "dini_"));
    PetscCall(PCSetOperators(e->pc, e->J, e->P));
    PetscCall(PCSetFromOptions(e->pc));
    e->ownpc = PETSC_TRUE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A linear forward solve has built its preconditioner from the very matrix: there is nothing fresher. */
static PetscErrorCode DiniIsFresh(DiniEngine e, PetscBool *fresh)
{
  PetscObjectState state;
  PetscBool        mine;

  PetscFunctionBegin;
  PetscCall(PetscObjectStateGet((PetscObject)e->P, &state));
  mine = (PetscBool)(e->pc->setupcalled && e->pc->pmat == e->P && e->pc->matstate == state);
  PetscCall(MPIU_Allreduce(&mine, fresh, 1, DINI_MPI_BOOL, MPI_LAND, PetscObjectComm((PetscObject)e->pc)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Makes sure that there is a preconditioner to apply, and builds it at the point when asked to or when nobody has yet. */
PetscErrorCode DiniEngineSetUpPC_Private(Dini dini, PetscBool refresh)
{
  DiniEngine     e = dini->engine;
  PetscBool      reuse, factored;
  PCFailedReason mine;
  int            failed, any;

  PetscFunctionBegin;
  if (!e->fresh) PetscCall(DiniIsFresh(e, &e->fresh));
  if (e->fresh || (e->pc->setupcalled && !refresh)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscInfo(dini, "Setting up the preconditioner at the solution: %s\n",
                      e->pc->setupcalled ? "the kept one failed" : "the forward solve has built none"));
  PetscCall(PCSetOperators(e->pc, e->J, e->P));
  PetscCall(PCGetReusePreconditioner(e->pc, &reuse));
  PetscCall(PCSetReusePreconditioner(e->pc, PETSC_FALSE));
  PetscCall(PCSetUp(e->pc));
  PetscCall(PCSetReusePreconditioner(e->pc, reuse));
  PetscCall(PetscObjectTypeCompareAny((PetscObject)e->pc, &factored, PCLU, PCCHOLESKY, PCQR, ""));
  dini->stats.pc_setups++;
  if (factored) dini->stats.factorizations++;
  e->fresh = PETSC_TRUE;
  PetscCall(PCGetFailedReasonRank(e->pc, &mine));
  failed = mine != PC_NOERROR;
  PetscCall(MPIU_Allreduce(&failed, &any, 1, MPI_INT, MPI_MAX, PetscObjectComm((PetscObject)dini)));
  if (any) dini->reason = DINI_DIVERGED_PC_FAILED;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = M^H x; the copy of x also keeps PETSc's hands off the Krylov vectors */
static PetscErrorCode DiniApplyAdjointPC(DiniEngine e, Vec x, Vec y)
{
  PetscFunctionBegin;
#if defined(PETSC_USE_COMPLEX)
  PetscCall(VecCopy(x, e->c));
  PetscCall(VecConjugate(e->c));
  PetscCall(PCApplyTranspose(e->pc, e->c, y));
  PetscCall(VecConjugate(y));
#else
  PetscCall(PCApplyTranspose(e->pc, x, y));
#endif
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniShellTangent(PC shell, Vec x, Vec y)
{
  Dini dini;

  PetscFunctionBegin;
  PetscCall(PCShellGetContext(shell, &dini));
  PetscCall(PCApply(dini->engine->pc, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniShellAdjoint(PC shell, Vec x, Vec y)
{
  Dini dini;

  PetscFunctionBegin;
  PetscCall(PCShellGetContext(shell, &dini));
  if (dini->engine->method == DINI_METHOD_SYMMETRIC) PetscCall(PCApply(dini->engine->pc, x, y));
  else PetscCall(DiniApplyAdjointPC(dini->engine, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEngineSetShell_Private(Dini dini, DiniDirection direction, PC pc)
{
  PetscFunctionBegin;
  PetscCall(PCSetType(pc, PCSHELL));
  PetscCall(PCShellSetContext(pc, dini));
  PetscCall(PCShellSetName(pc, direction == DINI_TANGENT ? "the forward preconditioner"
                                                         : "the forward preconditioner, for J^H"));
  PetscCall(PCShellSetApply(pc, direction == DINI_TANGENT ? DiniShellTangent : DiniShellAdjoint));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniProbe(Dini dini, Vec v, Vec w, Vec Mv, Vec Mw)
{
  DiniEngine  e = dini->engine;
  PetscScalar forward, adjoint;
  PetscReal   nw, nMv, nv, nMw;

  PetscFunctionBegin;
  PetscCall(VecSet(Mv, 0.0));
  PetscCall(DiniRandomDirection_Private(dini, 4, Mv, v));
  PetscCall(DiniRandomDirection_Private(dini, 5, Mv, w));
  PetscCall(VecCopy(v, Mw)); /* a copy each time: some PCs overwrite what they are given */
  PetscCall(PCApply(e->pc, Mw, Mv));
  PetscCall(VecDot(Mv, w, &forward));
  PetscCall(DiniNorm_Private(Mv, &nMv));
  PetscCall(DiniNorm_Private(w, &nw));
  PetscCall(DiniNorm_Private(v, &nv));
  PetscCall(DiniApplyAdjointPC(e, w, Mw));
  PetscCall(VecDot(v, Mw, &adjoint));
  PetscCall(DiniNorm_Private(Mw, &nMw));
  e->transposes = (PetscBool)(PetscAbsScalar(forward - adjoint) <= 1e-8 * PetscMax(nw * nMv, nv * nMw));
  PetscCall(PetscInfo(dini,
                      "Transposed apply of the forward PC: <w, M v> and <M^H w, v> differ by %g, |w||M v| is %g\n",
                      (double)PetscAbsScalar(forward - adjoint), (double)(nw * nMv)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Is the transposed apply of the forward PC that of its apply? That it exists is no evidence: some types return zero, some
  solve with the untransposed factor. <w, M v> = <M^H w, v> tells, once for a PC.
*/
PetscErrorCode DiniEngineProbe_Private(Dini dini)
{
  DiniEngine     e = dini->engine;
  Vec            work[4];
  DiniFrozen     frozen;
  PetscErrorCode failed;

  PetscFunctionBegin;
  if (e->probed) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniEngineTransposable_Private(dini, &e->transposes));
  if (e->transposes) {
    for (int i = 0; i < 4; i++) PetscCall(VecDuplicate(e->b, &work[i]));
    PetscCall(DiniFreeze_Private(e->pc, &frozen));
    failed = DiniProbe(dini, work[0], work[1], work[2], work[3]);
    PetscCall(DiniThaw_Private(&frozen));
    for (int i = 0; i < 4; i++) PetscCall(VecDestroy(&work[i]));
    PetscCall(failed);
  } else PetscCall(PetscInfo(dini, "The forward preconditioner, or one inside it, has no transposed apply\n"));
  e->probed = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}
