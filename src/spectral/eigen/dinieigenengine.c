/*
  Who solves with K, the bordered operator at a pair, and with K^H: an engine of the eigenproblem's own, which verifies each solve
  in the true residual. Its options have the prefix eigen_.
*/
#include "../../private/dinieigenimpl.h"
#include <petsctime.h>

/* The solver whose preconditioner is kept */
static PetscErrorCode DiniForward_Eigen(void *ctx, KSP *ksp)
{
  *ksp = ((Dini_Eigen *)ctx)->ksp;
  return PETSC_SUCCESS;
}

static PetscErrorCode DiniEngineOptions_Eigen(Dini_Eigen *ctx, DiniOptionItems PetscOptionsObject)
{
  PetscFunctionBegin;
  PetscCall(DiniEngineSetFromOptions_Private(ctx->engine, PetscOptionsObject));
  PetscCall(PetscOptionsBool("-dini_monitor", "Print a line per linear solve of the eigenproblem", "DiniMonitorSet",
                             PETSC_FALSE, &ctx->monitored, NULL));
  PetscCall(PetscOptionsName("-dini_converged_reason", "Print why each of them ended", "DiniGetConvergedReason",
                             &ctx->reasons));
  PetscCall(PetscOptionsName("-dini_view", "Print who has solved the linear systems of the eigenproblem", "DiniView",
                             &ctx->viewed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniEngineSetFromOptions_Eigen(Dini dini)
{
  Dini_Eigen    *ctx    = (Dini_Eigen *)dini->data;
  PetscErrorCode failed = PETSC_SUCCESS;

  PetscFunctionBegin;
  PetscObjectOptionsBegin((PetscObject)ctx->engine);
  if (!failed) failed = DiniEngineOptions_Eigen(ctx, PetscOptionsObject);
  PetscOptionsEnd();
  PetscCall(failed);
  PetscCall(DiniWarnOptionsOf_Private(dini, ((PetscObject)ctx->engine)->prefix, PETSC_FALSE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* For K, whose preconditioner is that of the KSP, made from P */
PetscErrorCode DiniEigenEngineCreate_Private(Dini dini, Mat P)
{
  Dini_Eigen               *ctx   = (Dini_Eigen *)dini->data;
  const DiniEngineCallbacks up    = {.ctx = ctx, .forward = DiniForward_Eigen};
  const DiniEngineTerms     terms = {
          .label = DiniLabel_Private(dini), .fromoptions = dini->fromoptions, .forward = PETSC_TRUE};
  PetscReal  rtol[2];
  DiniEngine e;

  PetscFunctionBegin;
  PetscCall(DiniEngineCreate_Private(PetscObjectComm((PetscObject)dini), &up, &dini->stats, &ctx->engine));
  e = ctx->engine;
  PetscCall(PetscObjectIncrementTabLevel((PetscObject)e, (PetscObject)dini, 1));
  PetscCall(PetscObjectSetOptionsPrefix((PetscObject)e, ((PetscObject)dini)->prefix));
  PetscCall(PetscObjectAppendOptionsPrefix((PetscObject)e, "eigen_"));
  PetscCall(DiniEngineSetTerms_Private(e, &terms));
  PetscCall(DiniGetTolerances(dini, &rtol[DINI_TANGENT], &rtol[DINI_ADJOINT]));
  PetscCall(DiniEngineSetTolerances_Private(e, rtol[DINI_TANGENT], rtol[DINI_ADJOINT]));
  if (dini->fromoptions) PetscCall(DiniEngineSetFromOptions_Eigen(dini));
  PetscCall(DiniEngineSetState_Private(e, ctx->like));
  PetscCall(DiniEngineLinearize_Private(e, ctx->K, P, 1));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniEngineShow_Eigen(DiniEngine e)
{
  PetscObject object = (PetscObject)e;
  PetscViewer viewer;
  PetscBool   set, ascii;

  PetscFunctionBegin;
  PetscCall(PetscOptionsCreateViewer(PetscObjectComm(object), object->options, object->prefix, "-dini_view", &viewer,
                                     NULL, &set));
  if (!set) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscObjectTypeCompare((PetscObject)viewer, PETSCVIEWERASCII, &ascii));
  if (ascii) {
    PetscCall(PetscObjectPrintClassNamePrefixType(object, viewer));
    PetscCall(PetscViewerASCIIPushTab(viewer));
    PetscCall(DiniEngineView_Private(e, viewer));
    PetscCall(PetscViewerASCIIPopTab(viewer));
  }
  PetscCall(PetscViewerDestroy(&viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEigenEngineDestroy_Private(Dini dini)
{
  Dini_Eigen *ctx = (Dini_Eigen *)dini->data;

  PetscFunctionBegin;
  if (!ctx->engine) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniWarnOptionsOf_Private(dini, ((PetscObject)ctx->engine)->prefix, PETSC_TRUE));
  if (ctx->viewed) PetscCall(DiniEngineShow_Eigen(ctx->engine));
  PetscCall(DiniEngineDestroy_Private(&ctx->engine));
  ctx->monitored = ctx->reasons = ctx->viewed = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A solve has ended */
static PetscErrorCode DiniEngineSolved_Eigen(Dini dini, DiniDirection direction, const DiniSolveResult *result,
                                             PetscReal seconds)
{
  Dini_Eigen    *ctx    = (Dini_Eigen *)dini->data;
  const char    *what   = DiniOperations[DINI_OPERATION_TANGENT + direction], *text;
  const char    *prefix = ((PetscObject)ctx->engine)->prefix;
  const MPI_Comm comm   = PetscObjectComm((PetscObject)dini);

  PetscFunctionBegin;
  PetscCall(DiniEngineCount_Private(ctx->engine, direction, result, seconds));
  PetscCall(DiniConvergedReasonString(DiniEngineReason_Private(direction, result), &text));
  if (ctx->monitored)
    PetscCall(PetscPrintf(comm, "  %sDini %-9s %3" PetscInt_FMT " its, true relative residual %g, rung %s\n", prefix,
                          what, result->its, (double)result->relative,
                          DiniRungs[result->good ? result->rung : DINI_RUNG_NONE]));
  if (ctx->reasons)
    PetscCall(
        PetscPrintf(comm, "  %sDini %s solve: %s, iterations %" PetscInt_FMT "\n", prefix, what, text, result->its));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* K x = b / unit or K^H x = b / unit, right to the tolerance or not at all; b, of this norm, has numbers of a size that can be worked with */
static PetscErrorCode DiniEngineSolve_Eigen(Dini dini, DiniDirection direction, Vec b, PetscReal norm, Vec x)
{
  const PetscLogEvent event  = direction == DINI_TANGENT ? DINI_Tangent : DINI_Adjoint;
  DiniEngine          e      = ((Dini_Eigen *)dini->data)->engine;
  DiniSolveResult     result = {.bnorm = norm, .relative = 1.0};
  PetscLogDouble      start, end;
  PetscBool           known;
  Vec                 rhs;

  PetscFunctionBegin;
  PetscCall(DiniEngineRecall_Private(e, direction, b, norm, x, &result, &known));
  dini->lastrelative = result.relative;
  dini->lasterror    = result.error;
  if (known) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscTime(&start));
  PetscCall(PetscLogEventBegin(event, dini, b, x, 0));
  PetscCall(DiniEngineCompatible_Private(e, direction, b, &rhs));
  PetscCall(DiniEngineSolve_Private(e, direction, rhs, x, &result));
  PetscCall(PetscLogEventEnd(event, dini, b, x, 0));
  PetscCall(PetscTime(&end));
  PetscCall(DiniEngineSolved_Eigen(dini, direction, &result, (PetscReal)(end - start)));
  if (!result.good || DiniEngineSingular_Private(e)[0]) PetscCall(DiniEngineRefuse_Private(e, direction, &result, ""));
  PetscCall(DiniEngineRemember_Private(e, direction, b, x, &result));
  dini->lastrelative = result.relative;
  dini->lasterror    = result.error;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same for any b */
static PetscErrorCode DiniEngineSolveAny_Eigen(Dini dini, DiniDirection direction, Vec b, Vec x)
{
  const PetscBool tangent = (PetscBool)(direction == DINI_TANGENT);
  PetscReal       norm, unit = 1.0;
  Vec             scaled = b;
  PetscErrorCode  failed;

  PetscFunctionBegin;
  PetscCall(DiniCheckFinite_Private(
      dini, b, tangent ? "The right-hand side of the tangent solve" : "The right-hand side of the adjoint solve",
      &norm));
  dini->lastrelative = dini->lasterror = 0.0;
  if (norm == 0.0) PetscCall(VecSet(x, 0.0));
  if (norm == 0.0) PetscFunctionReturn(PETSC_SUCCESS);
  if (DiniUnit_Private(norm) != 1.0) PetscCall(DiniTakeUnit_Private(b, &unit, &scaled));
  failed = DiniEngineSolve_Eigen(dini, direction, scaled, norm / unit, x);
  PetscCall(DiniReturnUnit_Private(b, &scaled));
  PetscCall(failed);
  PetscCall(DiniScaleBack_Private(dini, unit, x,
                                  tangent ? "The result of the tangent solve" : "The result of the adjoint solve"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* K x = r or K^H x = r at the mode of DiniEigenLinearize_Private() */
PetscErrorCode DiniEigenLinearSolve_Private(Dini dini, DiniDirection direction, DiniEigenVec r, DiniEigenVec x)
{
  Dini_Eigen    *ctx = (Dini_Eigen *)dini->data;
  Vec            b, y;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(VecDuplicate(ctx->like, &b));
  PetscCall(VecDuplicate(ctx->like, &y));
  failed = DiniEigenVecJoin_Private(r, b);
  if (!failed) failed = DiniEngineSolveAny_Eigen(dini, direction, b, y);
  if (!failed) failed = DiniEigenVecSplit_Private(y, x);
  PetscCall(VecDestroy(&b));
  PetscCall(VecDestroy(&y));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}
