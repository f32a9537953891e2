/* Objectives, Hessians and predictions as a feature of a Dini. */
#include "../private/diniimpl.h"

static PetscErrorCode DiniView_Objective(Dini dini, PetscViewer viewer)
{
  const DiniHessian *hessian = &dini->hessian;

  PetscFunctionBegin;
  if (!dini->objective) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscViewerASCIIPrintf(viewer, "objective: by the application\n"));
  PetscCall(PetscViewerASCIIPrintf(viewer, "Hessian: %s", DiniHessianTypes[hessian->type]));
  if (hessian->type == DINI_HESSIAN_BLEND)
    PetscCall(PetscViewerASCIIPrintf(viewer, " of %g of the full one", (double)hessian->blend));
  PetscCall(PetscViewerASCIIPrintf(viewer, ", second derivatives of the objective by %s",
                                   hessian->objective ? "callback" : "differences"));
  if (hessian->type != DINI_HESSIAN_GAUSS_NEWTON)
    PetscCall(PetscViewerASCIIPrintf(viewer, ", of F by %s", hessian->residual ? "callback" : "differences"));
  PetscCall(PetscViewerASCIIPrintf(viewer, "\n"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniCreate_Objective(Dini dini)
{
  PetscFunctionBegin;
  dini->hessian.blend = 0.5;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniReset_Objective(Dini dini)
{
  PetscFunctionBegin;
  PetscCall(DiniHessianReset_Private(dini));
  PetscCall(DiniHistoryReset_Private(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const DiniFeature DiniFeatureObjective = {.name           = "objective",
                                          .create         = DiniCreate_Objective,
                                          .setfromoptions = DiniHessianSetFromOptions_Private,
                                          .view           = DiniView_Objective,
                                          .reset          = DiniReset_Objective,
                                          .destroy        = DiniObjectiveDestroy_Private};
