/* What the user tells the engine, by function or by option, and what it prints. */
#include "../private/diniengineimpl.h"

PetscErrorCode DiniEngineSetFromOptions_Private(DiniEngine e, DiniOptionItems PetscOptionsObject)
{
  DiniTranspose transpose = e->transpose;
  DiniReuse     reuse     = e->reuse;
  PetscInt      directmax = e->directmax, blocksize = e->blocksize;
  PetscReal     tangent = e->asked[DINI_TANGENT], adjoint = e->asked[DINI_ADJOINT];
  PetscBool     set;

  PetscFunctionBegin;
  PetscCall(PetscOptionsReal("-dini_tangent_rtol", "Accepted true relative residual of J x = r", "DiniSetTolerances",
                             tangent, &tangent, NULL));
  PetscCall(PetscOptionsReal("-dini_adjoint_rtol", "Accepted true relative residual of J^H lambda = g",
                             "DiniSetTolerances", adjoint, &adjoint, NULL));
  PetscCall(DiniEngineSetTolerances_Private(e, tangent, adjoint));
  PetscCall(PetscOptionsEnum("-dini_transpose", "How J^H is applied", "DiniSetTranspose", DiniTransposes,
                             (PetscEnum)transpose, (PetscEnum *)&transpose, &set));
  if (set) PetscCall(DiniEngineSetTranspose_Private(e, transpose));
  PetscCall(PetscOptionsEnum("-dini_reuse", "When the forward preconditioner is set up again", "DiniSetReuse",
                             DiniReuses, (PetscEnum)reuse, (PetscEnum *)&reuse, &set));
  if (set) PetscCall(DiniEngineSetReuse_Private(e, reuse));
  PetscCall(PetscOptionsInt("-dini_direct_max", "Most unknowns for which J may be factorised as a last resort",
                            "DiniSetDirectMax", directmax, &directmax, &set));
  if (set) PetscCall(DiniEngineSetDirectMax_Private(e, directmax));
  PetscCall(PetscOptionsInt("-dini_block_size", "Most right-hand sides that are solved together", "DiniSetBlockSize",
                            blocksize, &blocksize, &set));
  if (set) PetscCall(DiniEngineSetBlockSize_Private(e, blocksize));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* PETSC_DEFAULT leaves one as it is */
PetscErrorCode DiniEngineSetTolerances_Private(DiniEngine e, PetscReal tangent, PetscReal adjoint)
{
  const PetscReal rtol[2] = {tangent == PETSC_DEFAULT ? e->asked[0] : tangent,
                             adjoint == PETSC_DEFAULT ? e->asked[1] : adjoint};

  PetscFunctionBegin;
  for (int d = 0; d < 2; d++) {
    PetscCheck(rtol[d] > 0.0 && rtol[d] < 1.0, PetscObjectComm((PetscObject)e), PETSC_ERR_ARG_OUTOFRANGE,
               "The accepted true relative residual of %s solves is %g; it must lie between 0 and 1",
               DiniOperations[DINI_OPERATION_TANGENT + d], (double)rtol[d]);
    PetscCall(DiniEngineRenewKSPs_Private(e, (DiniDirection)d, e->rtol[d], rtol[d]));
    if (rtol[d] != e->asked[d]) PetscCall(DiniEngineForget_Private(e, (DiniDirection)d));
    e->asked[d] = rtol[d];
    e->rtol[d]  = rtol[d];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* As the user has them */
PetscErrorCode DiniEngineGetTolerances_Private(DiniEngine e, PetscReal *tangent, PetscReal *adjoint)
{
  PetscFunctionBegin;
  if (tangent) *tangent = e->asked[DINI_TANGENT];
  if (adjoint) *adjoint = e->asked[DINI_ADJOINT];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of the call under way */
PetscReal DiniEngineTolerance_Private(DiniEngine e, DiniDirection direction)
{
  return e->rtol[direction];
}

PetscErrorCode DiniEngineSetTranspose_Private(DiniEngine e, DiniTranspose transpose)
{
  PetscFunctionBegin;
  if (transpose != e->transpose) { /* the adjoint KSP is made for one method */
    PetscCall(DiniEngineForget_Private(e, DINI_ADJOINT));
    PetscCall(DiniEngineDestroyKSP_Private(&e->ksp[DINI_ADJOINT]));
    PetscCall(DiniEngineDestroyKSP_Private(&e->gmres[DINI_ADJOINT]));
    e->ready[DINI_ADJOINT] = e->decided = PETSC_FALSE;
    e->start[DINI_ADJOINT]              = DINI_RUNG_NONE;
  }
  e->transpose = transpose;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEngineSetReuse_Private(DiniEngine e, DiniReuse reuse)
{
  PetscFunctionBegin;
  e->reuse = reuse;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEngineGetReuse_Private(DiniEngine e, DiniReuse *reuse)
{
  PetscFunctionBegin;
  *reuse = e->reuse;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEngineSetDirectMax_Private(DiniEngine e, PetscInt max)
{
  PetscFunctionBegin;
  PetscCheck(max >= 0, PetscObjectComm((PetscObject)e), PETSC_ERR_ARG_OUTOFRANGE,
             "The most unknowns to factorise J for are %" PetscInt_FMT "; they can not be negative", max);
  e->directmax = max;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEngineSetBlockSize_Private(DiniEngine e, PetscInt size)
{
  PetscFunctionBegin;
  PetscCheck(size > 0, PetscObjectComm((PetscObject)e), PETSC_ERR_ARG_OUTOFRANGE,
             "Blocks of %" PetscInt_FMT " right-hand sides can not be; the size must be positive", size);
  e->blocksize = size;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Who asks for the solver wants to see it at work, perhaps changed */
PetscErrorCode DiniEngineGetKSP_Private(DiniEngine e, DiniDirection direction, KSP *ksp)
{
  PetscFunctionBegin;
  PetscCall(DiniEngineForget_Private(e, direction));
  PetscCall(DiniEnginePrepare_Private(e, direction));
  *ksp = e->ksp[direction];
  PetscCall(DiniEngineSetApply_Private(*ksp, DiniEngineApplies_Private(e, direction)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEngineGetDirectMax_Private(DiniEngine e, PetscInt *max)
{
  PetscFunctionBegin;
  *max = e->directmax;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEngineGetBlockSize_Private(DiniEngine e, PetscInt *size)
{
  PetscFunctionBegin;
  *size = e->blocksize;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEngineView_Private(DiniEngine e, PetscViewer viewer)
{
  static const char *const transposed[] = {"not probed", "not used", "inexact", "exact"};
  PCType                   type         = NULL;

  PetscFunctionBegin;
  if (e->pc) {
    PetscCall(PCGetType(e->pc, &type));
    PetscCall(PetscViewerASCIIPrintf(viewer, "preconditioner: %s, %s, reuse %s\n", type ? type : "not set up",
                                     e->ownpc ? "Dini's own" : "the forward solver's", DiniReuses[e->reuse]));
  }
  PetscCall(PetscViewerASCIIPrintf(viewer, "accepted true relative residuals: tangent %g, adjoint %g\n",
                                   (double)e->asked[DINI_TANGENT], (double)e->asked[DINI_ADJOINT]));
  if (e->decided && e->symmetric)
    PetscCall(
        PetscViewerASCIIPrintf(viewer, "transpose: %s, nothing needs transposing\n", DiniTransposes[e->transpose]));
  else
    PetscCall(PetscViewerASCIIPrintf(viewer, "transpose: %s, transposed apply of the preconditioner %s\n",
                                     DiniTransposes[e->transpose], transposed[e->transposed]));
  for (int d = 0; d < 2; d++) {
    KSPType ksptype;

    if (!e->ksp[d]) continue;
    PetscCall(KSPGetType(e->ksp[d], &ksptype));
    PetscCall(PetscViewerASCIIPrintf(viewer, "%s solver: %s, next solve begins on rung %s\n",
                                     DiniOperations[DINI_OPERATION_TANGENT + d], ksptype,
                                     DiniRungs[e->start[d] ? e->start[d] : DINI_RUNG_KEPT]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
