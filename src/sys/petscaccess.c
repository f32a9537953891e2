/* What PETSc keeps to itself: the one file that includes its private headers of solvers and preconditioners. */
#include "../private/petscaccess.h"
#include <petsc/private/pcmgimpl.h>
#include <petsc/private/snesimpl.h>

/* ---- SNES ---- */

PetscBool DiniSNESUsesKSP_Private(SNES snes)
{
  return snes->usesksp;
}

void DiniSNESBounds_Private(SNES snes, Vec bounds[2])
{
  bounds[0] = snes->xl;
  bounds[1] = snes->xu;
}

DiniBoundsFn *DiniSNESComputesBounds_Private(SNES snes)
{
  return snes->usersetbounds ? NULL : snes->ops->computevariablebounds;
}

PetscReal DiniSNESBoundTolerance_Private(SNES snes)
{
  return snes->vizerotolerance;
}

PetscErrorCode DiniDMLeaveInequality_Private(DM dm)
{
  PetscFunctionBegin;
  PetscCall(PetscObjectCompose((PetscObject)dm, "VI", NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

Vec DiniSNESLendRHS_Private(SNES snes, Vec b)
{
  Vec before = snes->vec_rhs;

  snes->vec_rhs = b;
  return before;
}

/* SNESComputeJacobianDefaultColor() may take the last F for a base */
PetscErrorCode DiniSNESReturnRHS_Private(SNES snes, Vec b)
{
  PetscFunctionBegin;
  if (snes->vec_func && snes->vec_rhs) PetscCall(VecAXPY(snes->vec_func, 1.0, snes->vec_rhs));
  if (snes->vec_func && b) PetscCall(VecAXPY(snes->vec_func, -1.0, b));
  PetscCall(PetscObjectReference((PetscObject)b));
  PetscCall(VecDestroy(&snes->vec_rhs));
  snes->vec_rhs = b;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniDMHasColoring_Private(DM dm, PetscBool *has)
{
  PetscObject coloring;

  PetscFunctionBegin;
  PetscCall(PetscObjectQuery((PetscObject)dm, "DMDASNES_FDCOLORING", &coloring));
  *has = (PetscBool)(coloring != NULL);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniMatGetState_Private(Mat A, Vec *u)
{
  PetscFunctionBegin;
  PetscCall(PetscObjectQuery((PetscObject)A, "__SNES_latest_X", (PetscObject *)u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniMatSetState_Private(Mat A, Vec u)
{
  PetscFunctionBegin;
  PetscCall(PetscObjectCompose((PetscObject)A, "__SNES_latest_X", (PetscObject)u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- KSP, PC ---- */

void DiniKSPSetHelped_Private(KSP ksp, PetscBool helped)
{
  ((PetscObject)ksp)->optionsprinted = helped;
}

PetscBool DiniPCIsSetUp_Private(PC pc)
{
  return (PetscBool)(pc->setupcalled != 0);
}

PetscBool DiniPCHasFailed_Private(PC pc)
{
  return (PetscBool)(pc->failedreason != PC_NOERROR);
}

PetscBool DiniPCIsFrom_Private(PC pc, Mat P, PetscObjectState state)
{
  return (PetscBool)(pc->setupcalled && pc->pmat == P && DiniPCMatState(pc) == state);
}

void DiniPCMoveState_Private(PC pc, Mat P, PetscObjectState before, PetscObjectState now)
{
  if (pc->pmat == P && DiniPCMatState(pc) == before) DiniPCMatState(pc) = now;
}

PetscErrorCode DiniPCGiveBack_Private(PC pc)
{
  PC_MG_Levels *finest       = ((PC_MG *)pc->data)->levels[((PC_MG *)pc->data)->nlevels - 1];
  const KSP     smoothers[2] = {finest->smoothd, finest->smoothu ? finest->smoothu : finest->smoothd};
  PetscBool     changes      = PETSC_FALSE; /* such a smoother works on a copy, which is the multigrid's own */
  PC            smoother;

  PetscFunctionBegin;
  for (int i = 0; i < 2 && !changes; i++) {
    PetscCall(KSPGetPC(smoothers[i], &smoother));
    PetscTryMethod(smoother, "PCPreSolveChangeRHS_C", (PC, PetscBool *), (smoother, &changes));
  }
  if (changes) PetscFunctionReturn(PETSC_SUCCESS);
  finest->b = NULL;
  finest->B = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscInt DiniPCLevels_Private(PC pc)
{
  return ((PC_MG *)pc->data)->nlevels;
}

DiniLevel DiniPCLevel_Private(PC pc, PetscInt l)
{
  const PC_MG_Levels *level = ((PC_MG *)pc->data)->levels[l];

  return (DiniLevel){.down        = level->smoothd,
                     .up          = level->smoothu,
                     .A           = level->A,
                     .interpolate = level->interpolate,
                     .restrct     = level->restrct};
}
