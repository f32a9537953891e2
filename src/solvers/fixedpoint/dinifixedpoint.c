/* DINIFIXEDPOINT: u = G(u, m), however it is iterated, so F(u, m) = u - G(u, m), J = I - G_u and F_m = -G_m. */
#include "../../private/dinifixedpointimpl.h"

static PetscErrorCode DiniSetUp_FixedPoint(Dini dini)
{
  Dini_FixedPoint *ctx = (Dini_FixedPoint *)dini->data;

  PetscFunctionBegin;
  PetscCheck(ctx->map, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "%s, of type \"fixedpoint\", has no map G(u, m); call DiniSetFixedPoint()", DiniLabel_Private(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniFixedPointMap_Private(Dini dini, Vec u, Vec G)
{
  Dini_FixedPoint *ctx = (Dini_FixedPoint *)dini->data;

  PetscFunctionBegin;
  DiniCallUserReads(dini, u, "The map G (DiniSetFixedPoint())", (*ctx->map)(dini, u, G, ctx->mapctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F = u - G(u, m) */
static PetscErrorCode DiniResidual_FixedPoint(Dini dini, Vec u, Vec F)
{
  PetscFunctionBegin;
  PetscCall(DiniFixedPointMap_Private(dini, u, F));
  PetscCall(VecAYPX(F, -1.0, u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniIterations_FixedPoint(Dini dini, PetscInt *max)
{
  Dini_FixedPoint *ctx = (Dini_FixedPoint *)dini->data;

  PetscFunctionBegin;
  *max = ctx->method == DINI_FIXEDPOINT_ITERATE ? ctx->maxiterations : 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniView_FixedPoint(Dini dini, PetscViewer viewer)
{
  Dini_FixedPoint         *ctx = (Dini_FixedPoint *)dini->data;
  DiniFixedPointDerivative kind;
  SNESType                 type = NULL;

  PetscFunctionBegin;
  if (ctx->snes) PetscCall(SNESGetType(ctx->snes, &type));
  PetscCall(DiniFixedPointKind_Private(dini, &kind));
  if (!dini->solve)
    PetscCall(PetscViewerASCIIPrintf(viewer, "forward solver: SNES %s on u - G(u, m)\n", type ? type : "not set up"));
  if (dini->rate < 0.0) PetscCall(PetscViewerASCIIPrintf(viewer, "contraction rate: not measured\n"));
  else
    PetscCall(PetscViewerASCIIPrintf(viewer, "contraction rate: %g%s\n", (double)dini->rate,
                                     dini->rateknown ? "" : ", at an earlier state"));
  PetscCall(PetscViewerASCIIPrintf(viewer, "G_u: by %s\n", DiniFixedPointDerivatives[kind]));
  if (ctx->method == DINI_FIXEDPOINT_KRYLOV) PetscCall(PetscViewerASCIIPrintf(viewer, "linear solves: krylov\n"));
  else
    PetscCall(PetscViewerASCIIPrintf(viewer, "linear solves: iterate, at most %" PetscInt_FMT " steps\n",
                                     ctx->maxiterations));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniForwardSolver_FixedPoint(Dini dini, KSP *ksp, SNES *snes)
{
  PetscFunctionBegin;
  *ksp  = NULL;
  *snes = ((Dini_FixedPoint *)dini->data)->snes;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniReset_FixedPoint(Dini dini)
{
  Dini_FixedPoint *ctx = (Dini_FixedPoint *)dini->data;

  PetscFunctionBegin;
  PetscCall(SNESDestroy(&ctx->snes));
  PetscCall(VecDestroy(&ctx->F));
  PetscCall(DiniShellDestroy_Private(&ctx->J, dini));
  PetscCall(MatDestroy(&ctx->dense));
  PetscCall(DiniColoringDestroy_Private(&ctx->coloring));
  PetscCall(VecDestroy(&ctx->w[0]));
  PetscCall(VecDestroy(&ctx->w[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniDestroy_FixedPoint(Dini dini)
{
  PetscFunctionBegin;
  PetscCall(DiniReset_FixedPoint(dini));
  PetscCall(MatDestroy(&((Dini_FixedPoint *)dini->data)->Gu));
  PetscCall(PetscFree(dini->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniCreate_FixedPoint(Dini dini)
{
  Dini_FixedPoint *ctx;

  PetscFunctionBegin;
  PetscCall(PetscNew(&ctx));
  ctx->maxiterations        = 10000;
  ctx->maxcolumns           = 64;
  dini->data                = ctx;
  dini->ops->setup          = DiniSetUp_FixedPoint;
  dini->ops->solve          = DiniSolve_FixedPoint;
  dini->ops->residual       = DiniResidual_FixedPoint;
  dini->ops->forwardsolver  = DiniForwardSolver_FixedPoint;
  dini->ops->jacobian       = DiniJacobian_FixedPoint;
  dini->ops->assembled      = DiniAssembled_FixedPoint;
  dini->ops->iterations     = DiniIterations_FixedPoint;
  dini->ops->setfromoptions = DiniSetFromOptions_FixedPoint;
  dini->ops->view           = DiniView_FixedPoint;
  dini->ops->reset          = DiniReset_FixedPoint;
  dini->ops->destroy        = DiniDestroy_FixedPoint;
  PetscFunctionReturn(PETSC_SUCCESS);
}
