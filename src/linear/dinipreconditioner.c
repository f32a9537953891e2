/*
  The forward preconditioner in Dini's own solves: kept as the forward solve left it, applied as M, M^H or both.

  It sits behind a PCSHELL, so that Dini's KSPs never replace its operators, and it carries PETSc's reuse flag only while a
  solve of Dini's is running.
*/
#include "../private/diniengineimpl.h"
#include "../private/petscaccess.h"
#include <petsctime.h>

/* The forward solver; NULL: there is none, or it has not been used */
PetscErrorCode DiniEngineGetForward_Private(DiniEngine e, KSP *ksp)
{
  PetscFunctionBegin;
  *ksp = NULL;
  if (e->terms.forward && e->up.forward) PetscCall((*e->up.forward)(e->up.ctx, ksp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A preconditioner of P to be kept, in place of that of a forward solver */
PetscErrorCode DiniEngineSetPC_Private(DiniEngine e, PC pc)
{
  PetscFunctionBegin;
  PetscCall(PetscObjectReference((PetscObject)pc));
  PetscCall(PCDestroy(&e->pc));
  e->pc    = pc;
  e->ownpc = e->decided = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEngineGetPC_Private(DiniEngine e)
{
  KSP         ksp = NULL;
  PC          pc;
  PCType      type;
  PetscBool   same, trick = PETSC_FALSE;
  const char *prefix;

  PetscFunctionBegin;
  PetscCall(DiniEngineGetForward_Private(e, &ksp));
  if (ksp) PetscCall(KSPGetPC(ksp, &pc));
  if (ksp) PetscCall(PetscObjectTypeCompare((PetscObject)pc, PCEISENSTAT, &trick));
  if (trick) PetscCall(DiniEngineStandIn_Private(e, pc));
  else if (ksp) {
    if (pc != e->pc) {
      PetscCall(PetscObjectReference((PetscObject)pc));
      PetscCall(PCDestroy(&e->pc));
      e->pc      = pc;
      e->decided = PETSC_FALSE;
    }
    PetscCall(PCGetType(pc, &type));
    PetscCall(PetscStrcmp(type, e->pctype, &same));
    if (!same) e->decided = PETSC_FALSE; /* PCSetType() since */
    PetscCall(PetscStrncpy(e->pctype, type ? type : "", sizeof(e->pctype)));
    e->ownpc = PETSC_FALSE;
  } else if (!e->pc) {
    PetscCall(PCCreate(PetscObjectComm((PetscObject)e), &e->pc));
    PetscCall(PetscObjectGetOptionsPrefix((PetscObject)e, &prefix));
    PetscCall(PCSetOptionsPrefix(e->pc, prefix));
    PetscCall(PCAppendOptionsPrefix(e->pc, "dini_"));
    PetscCall(PCSetOperators(e->pc, e->J, e->P));
    PetscCall(PCSetFromOptions(e->pc));
    PetscCall(DiniAvoidTrick_Private(e->pc));
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
  mine = DiniPCIsFrom_Private(e->pc, e->P, state);
  PetscCall(MPIU_Allreduce(&mine, fresh, 1, DINI_MPI_BOOL, MPI_LAND, PetscObjectComm((PetscObject)e->pc)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Has the set-up failed on any rank, as with a zero pivot? */
PetscErrorCode DiniEnginePCFailed_Private(DiniEngine e, PC pc, PetscBool *failed)
{
  PCFailedReason reason;
  int            mine, any;

  PetscFunctionBegin;
  PetscCall(PCGetFailedReason(pc, &reason));
  mine = reason != PC_NOERROR;
  PetscCall(MPIU_Allreduce(&mine, &any, 1, MPI_INT, MPI_MAX, PetscObjectComm((PetscObject)e)));
  *failed = (PetscBool)(any != 0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What Dini's preconditioners were made of has been written to and has its values back: they are good for the new state. */
PetscErrorCode DiniEngineSameValues_Private(DiniEngine e, Mat A, PetscObjectState before)
{
  PC               pcs[4] = {e->pc, e->direct, NULL, NULL};
  PetscObjectState state;

  PetscFunctionBegin;
  PetscCall(PetscObjectStateGet((PetscObject)A, &state));
  for (int d = 0; d < 2; d++)
    if (e->ksp[d]) PetscCall(KSPGetPC(e->ksp[d], &pcs[2 + d]));
  for (int i = 0; i < 4; i++)
    if (pcs[i]) DiniPCMoveState_Private(pcs[i], A, before, state);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What a preconditioner asks of a matrix that can only be applied; others have their entries */
static const struct {
  PCType       type;
  MatOperation needs;
} DiniNeeds[] = {{PCJACOBI, MATOP_GET_DIAGONAL},
                 {PCBJACOBI, MATOP_GET_DIAGONAL_BLOCK},
                 {PCSOR, MATOP_SOR},
                 {PCEISENSTAT, MATOP_SOR},
                 {PCASM, MATOP_CREATE_SUBMATRICES},
                 {PCGASM, MATOP_CREATE_SUBMATRICES},
                 {PCLU, MATOP_GET_ROW},
                 {PCCHOLESKY, MATOP_GET_ROW},
                 {PCQR, MATOP_GET_ROW},
                 {PCILU, MATOP_GET_ROW},
                 {PCICC, MATOP_GET_ROW},
                 {PCSVD, MATOP_GET_ROW},
                 {PCPBJACOBI, MATOP_GET_ROW},
                 {PCVPBJACOBI, MATOP_GET_ROW},
                 {PCGAMG, MATOP_GET_ROW},
                 {PCHYPRE, MATOP_GET_ROW},
                 {PCML, MATOP_GET_ROW},
                 {PCREDUNDANT, MATOP_GET_ROW}};

/* Can it be set up from P? Asked beforehand: an error out of a set-up leaves it half-way. */
static PetscErrorCode DiniSuits(DiniEngine e)
{
  PetscBool   hollow, is, has;
  const char *prefix;
  PCType      type;
  MatType     mattype;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompareAny((PetscObject)e->P, &hollow, MATSHELL, MATMFFD, MATLRC, MATCOMPOSITE,
                                      MATTRANSPOSEVIRTUAL, MATHERMITIANTRANSPOSEVIRTUAL, ""));
  if (!hollow) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PCGetType(e->pc, &type));
  PetscCall(MatGetType(e->P, &mattype));
  PetscCall(PCGetOptionsPrefix(e->pc, &prefix));
  for (size_t i = 0; type && i < PETSC_STATIC_ARRAY_LENGTH(DiniNeeds); i++) {
    PetscCall(PetscStrcmp(type, DiniNeeds[i].type, &is));
    if (!is) continue;
    PetscCall(MatHasOperation(e->P, DiniNeeds[i].needs, &has));
    PetscCheck(has, PetscObjectComm((PetscObject)e), PETSC_ERR_SUP,
               "%s: The preconditioner (type %s) reads entries of its matrix, which is of type %s and can only be "
               "applied. Give derivatives a P with entries, with DiniSetJacobian(), take differences with "
               "-dini_jacobian_type coloring or fd, or choose -%spc_type none",
               e->terms.label, type, mattype, prefix ? prefix : "");
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Sets the PC up from J and P. That of a solver keeps the solver's own matrices, which it sets up from when it solves next. */
static PetscErrorCode DiniSetUpFrom(DiniEngine e)
{
  Mat       A = NULL, B = NULL;
  PetscInt  n = 0;
  PetscBool set;

  PetscFunctionBegin;
  PetscCall(PCGetOperatorsSet(e->pc, NULL, &set));
  if (set) PetscCall(PCGetOperators(e->pc, &A, &B));
  if (set) PetscCall(MatGetLocalSize(A, &n, NULL));
  if (n < 0) set = PETSC_FALSE; /* what KSPGetOperators() has made up for somebody who asked too early: of no size */
  if (set && !e->ownpc && (A != e->J || B != e->P)) {
    PetscErrorCode failed;

    PetscCall(PetscObjectReference((PetscObject)A));
    PetscCall(PetscObjectReference((PetscObject)B));
    PetscCall(PCSetOperators(e->pc, e->J, e->P));
    failed = PCSetUp(e->pc);
    if (!failed) failed = DiniSetUpInside_Private(e->pc);
    PetscCall(PCSetOperators(e->pc, A, B));
    PetscCall(MatDestroy(&A));
    PetscCall(MatDestroy(&B));
    PetscCall(failed);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PCSetOperators(e->pc, e->J, e->P));
  PetscCall(PCSetUp(e->pc));
  PetscCall(DiniSetUpInside_Private(e->pc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The application may have reset its solver since (KSPReset(), SNESReset()), and the preconditioner with it: begin anew. */
PetscErrorCode DiniEngineStands_Private(DiniEngine e)
{

  PetscFunctionBegin;
  if (!e->stood || DiniPCIsSetUp_Private(e->pc)) PetscFunctionReturn(PETSC_SUCCESS);
  e->stood = e->fresh = e->decided = e->ready[DINI_TANGENT] = e->ready[DINI_ADJOINT] = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Makes sure that there is a preconditioner to apply, and builds it at the point when asked to or when nobody has yet. */
PetscErrorCode DiniEngineSetUpPC_Private(DiniEngine e, PetscBool refresh)
{
  PetscBool      reuse, factored;
  PetscLogDouble start, end;

  PetscFunctionBegin;
  if (!e->fresh) PetscCall(DiniIsFresh(e, &e->fresh));
  e->stood = PETSC_TRUE;
  if (e->fresh || (DiniPCIsSetUp_Private(e->pc) && !refresh)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(
      PetscInfo(e, "Setting up the preconditioner at the solution: %s\n",
                DiniPCIsSetUp_Private(e->pc) ? "the kept one no longer serves" : "the forward solve has built none"));
  PetscCall(DiniSuits(e));
  PetscCall(PetscTime(&start));
  PetscCall(PCGetReusePreconditioner(e->pc, &reuse));
  PetscCall(PCSetReusePreconditioner(e->pc, PETSC_FALSE));
  if (e->mend) PetscCall(DiniEngineMend_Private(e));
  PetscCall(DiniSetUpFrom(e));
  PetscCall(PCSetReusePreconditioner(e->pc, reuse));
  PetscCall(PetscObjectTypeCompareAny((PetscObject)e->pc, &factored, PCLU, PCCHOLESKY, PCQR, ""));
  PetscCall(PetscTime(&end));
  e->setupseconds = (PetscReal)(end - start);
  e->extra        = 0.0;
  e->overspent    = 0;
  e->stats->pc_setups++;
  if (factored) e->stats->factorizations++;
  e->fresh = PETSC_TRUE;
  PetscCall(DiniEnginePCFailed_Private(e, e->pc, &e->broken));
  if (!e->broken) PetscCall(DiniEngineDivides_Private(e, &e->broken));
  if (e->broken && e->ownpc) { /* no later set-up inherits what this one has left */
    e->stood = PETSC_FALSE;
    PetscCall(PCReset(e->pc));
    PetscCall(PCSetFailedReason(e->pc, PC_NOERROR)); /* which PCReset() leaves */
  }
  e->mend = (PetscBool)(e->broken && !e->ownpc);
  if (e->broken) e->pcfailed = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = M^H x; in complex builds the copy also keeps PETSc's hands off x */
PetscErrorCode DiniEngineApplyAdjoint_Private(DiniEngine e, PC pc, Vec x, Vec y)
{
  PetscFunctionBegin;
#if defined(PETSC_USE_COMPLEX)
  PetscInt       locks;
  PetscErrorCode failed;

  PetscCall(DiniCopy_Private(x, e->c));
  PetscCall(VecConjugate(e->c));
  PetscCall(VecLockGet(e->c, &locks));
  failed = DiniEnginePCApply_Private(pc, PETSC_TRUE, e->c, y);
  PetscCall(DiniUnlock_Private(e->c, locks));
  PetscCall(failed);
  PetscCall(VecConjugate(y));
#else
  (void)e;
  PetscCall(DiniEnginePCApply_Private(pc, PETSC_TRUE, x, y));
#endif
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What stands behind the PCSHELL of one of Dini's KSPs; e is NULL where the KSP has outlived it */
typedef struct {
  DiniEngine e;
  DiniApply  apply;
} DiniShell;

static PetscErrorCode DiniShellApply(PC pc, Vec x, Vec y)
{
  DiniShell *shell;
  DiniEngine e;

  PetscFunctionBegin;
  PetscCall(PCShellGetContext(pc, &shell));
  PetscCheck(shell->e, PetscObjectComm((PetscObject)pc), PETSC_ERR_ARG_WRONGSTATE,
             "The Dini of this KSP has been destroyed or reset; ask it for the KSP again, with DiniGetTangentKSP()");
  e = shell->e;
  switch (shell->apply) {
  case DINI_APPLY_FORWARD:
    PetscCall(DiniEnginePCApply_Private(e->pc, PETSC_FALSE, x, y));
    break;
  case DINI_APPLY_ADJOINT:
    PetscCall(DiniEngineApplyAdjoint_Private(shell->e, e->pc, x, y));
    break;
  case DINI_APPLY_DIRECT:
    PetscCall(DiniEnginePCApply_Private(e->direct, PETSC_FALSE, x, y));
    break;
  case DINI_APPLY_DIRECT_ADJOINT:
    PetscCall(DiniEngineApplyAdjoint_Private(shell->e, e->direct, x, y));
    break;
  case DINI_APPLY_COMPANION:
    PetscCall(DiniEnginePCApply_Private(e->companionpc, PETSC_FALSE, x, y));
    break;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniShellFree(PC pc)
{
  DiniShell *shell;

  PetscFunctionBegin;
  PetscCall(PCShellGetContext(pc, &shell));
  PetscCall(PetscFree(shell));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* That of a KSP of Dini's, or NULL where the user has chosen a preconditioner in its place */
static PetscErrorCode DiniGetShell(KSP ksp, DiniShell **shell)
{
  PetscBool is;
  PC        pc;

  PetscFunctionBegin;
  *shell = NULL;
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PetscObjectTypeCompare((PetscObject)pc, PCSHELL, &is));
  if (is) PetscCall(PCShellGetContext(pc, shell));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the preconditioner of a KSP stands for from now on */
PetscErrorCode DiniEngineSetApply_Private(KSP ksp, DiniApply apply)
{
  DiniShell *shell;

  PetscFunctionBegin;
  PetscCall(DiniGetShell(ksp, &shell));
  if (shell) shell->apply = apply;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The forward preconditioner as a direction has it, where M^H is known to be none: M */
DiniApply DiniEngineApplies_Private(DiniEngine e, DiniDirection direction)
{
  return direction == DINI_ADJOINT && !e->symmetric && e->transposed >= DINI_TRANSPOSED_INEXACT ? DINI_APPLY_ADJOINT
                                                                                                : DINI_APPLY_FORWARD;
}

/* Destroys a KSP of Dini's; where the application has kept it, its preconditioner knows nobody from now on */
PetscErrorCode DiniEngineDestroyKSP_Private(KSP *ksp)
{
  DiniShell *shell;

  PetscFunctionBegin;
  if (!*ksp) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniGetShell(*ksp, &shell));
  if (shell) shell->e = NULL;
  PetscCall(KSPDestroy(ksp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEngineSetShell_Private(DiniEngine e, PC pc)
{
  DiniShell *shell;

  PetscFunctionBegin;
  PetscCall(PetscNew(&shell));
  shell->e = e;
  PetscCall(PCSetType(pc, PCSHELL));
  PetscCall(PCShellSetContext(pc, shell));
  PetscCall(PCShellSetDestroy(pc, DiniShellFree));
  PetscCall(PCShellSetName(pc, "the preconditioner of the Dini"));
  PetscCall(PCShellSetApply(pc, DiniShellApply));
  PetscFunctionReturn(PETSC_SUCCESS);
}
