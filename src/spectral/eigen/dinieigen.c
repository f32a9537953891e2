/* DINIEPS, DINIPEP and DININEP: pairs of T(lambda; m) x = 0. F(u, m) = sum_k c_k M_k(m) u with the coefficients in focus. */
#include "../../private/dinieigenimpl.h"

static PetscErrorCode DiniSetUp_Eigen(Dini dini)
{
  Dini_Eigen *ctx = (Dini_Eigen *)dini->data;

  PetscFunctionBegin;
  PetscCheck(ctx->solver, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "This Dini of type \"%s\" has no eigensolver; call DiniSetEPS(), DiniSetPEP() or DiniSetNEP()",
             ctx->kind->type);
  PetscCheck(!dini->solve, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
             "DiniSetSolve() hands over one state, and an eigenproblem has many: solve with the %s yourself and call "
             "DiniEigenAttach()",
             ctx->kind->type);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniCopiesDestroy_Eigen(Dini_Eigen *ctx)
{
  PetscFunctionBegin;
  for (PetscInt k = 0; k < DINI_EIGEN_TERMS; k++) PetscCall(MatDestroy(&ctx->copy[k]));
  ctx->copystamp = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniResidual_Eigen(Dini dini, Vec u, Vec F)
{
  Dini_Eigen  *ctx                 = (Dini_Eigen *)dini->data;
  DiniComplex  c[DINI_EIGEN_TERMS] = {{0.0, 0.0}};
  DiniEigenVec x = {u, NULL}, y = {F, NULL};
  Mat         *M;

  PetscFunctionBegin;
  PetscCheck(ctx->nfocus, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "No eigenpair is known yet, without which T(lambda; m) u has no lambda; call DiniEigenSolve(), or "
             "DiniEigenAttach() after a solve of your own");
  PetscCall(DiniEigenTermsNow_Private(dini, &M));
  for (PetscInt k = 0; k < ctx->nterms; k++) c[k] = DiniCxOf(ctx->focus[k], 0.0);
  PetscCall(DiniEigenMult_Private(dini, M, PETSC_FALSE, c, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Solves, or takes what the application has solved; the matrices are then those of the point */
static PetscErrorCode DiniFindPairs_Eigen(Dini dini, PetscInt *its, PetscInt *nconv, PetscBool *good, const char **why)
{
  Dini_Eigen *ctx = (Dini_Eigen *)dini->data;

  PetscFunctionBegin;
  ctx->stamp = 0;
  if (!ctx->attaching) {
    if (ctx->assemble) PetscCall(DiniEigenAssemble_Private(dini, ctx->M));
    PetscCall((*ctx->kind->setterms)(ctx->solver, ctx->nterms, ctx->M));
    PetscCall((*ctx->kind->solve)(ctx->solver));
    PetscCall(DiniEigenRemember_Private(dini));
  }
  PetscCall((*ctx->kind->outcome)(ctx->solver, its, nconv, good, why));
  PetscCall((*ctx->kind->hermitian)(ctx->solver, &ctx->hermitian));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The state u is the vector of the selected mode. Its values on entry do not matter. */
static PetscErrorCode DiniSolve_Eigen(Dini dini, Vec u, DiniForwardResult *result)
{
  Dini_Eigen *ctx = (Dini_Eigen *)dini->data;
  PetscInt    nconv;
  PetscBool   good;

  PetscFunctionBegin;
  ctx->pairstamp  = 0;
  ctx->kmode      = -1;
  result->options = ((PetscObject)dini)->type_name;
  PetscCall(DiniFindPairs_Eigen(dini, &result->its, &nconv, &good, &result->why));
  if (!good) PetscFunctionReturn(PETSC_SUCCESS);
  if (nconv < 1) {
    result->why = "no converged pair";
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(DiniEigenSettle_Private(dini)); /* attached pairs are held against what the callback gives */
  PetscCall(DiniEigenCollect_Private(dini, ctx->M, nconv, &result->reason, &result->why));
  if (result->reason < 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(ctx->selected < ctx->nmodes, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_OUTOFRANGE,
             "Mode %" PetscInt_FMT " is selected (DiniSetEigenMode()) of %" PetscInt_FMT
             " that were found; ask for more (EPSSetDimensions() and the like)",
             ctx->selected, ctx->nmodes);
  PetscCall(VecCopy(ctx->modes[ctx->selected].x.r, u));
  PetscCall(DiniEigenFocusSelected_Private(dini));
  ctx->pairstamp = dini->mstamp;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniSetFromOptions_Eigen(Dini dini, DiniOptionItems PetscOptionsObject)
{
  Dini_Eigen *ctx = (Dini_Eigen *)dini->data;
  PetscReal   gap = ctx->gaprtol, overlap = ctx->minoverlap;
  PetscInt    mode     = ctx->selected;
  PetscBool   tracking = ctx->tracking, set[2];

  PetscFunctionBegin;
  PetscCall(PetscOptionsReal("-dini_eigen_gap", "Relative gap below which eigenvalues form a cluster",
                             "DiniSetEigenGap", gap, &gap, &set[0]));
  if (set[0]) PetscCall(DiniSetEigenGap(dini, gap));
  PetscCall(PetscOptionsBool("-dini_eigen_track", "Number modes by their vectors of the solve before",
                             "DiniSetEigenTracking", tracking, &tracking, &set[0]));
  PetscCall(PetscOptionsReal("-dini_eigen_min_overlap", "Overlap below which a tracked mode counts as lost",
                             "DiniSetEigenTracking", overlap, &overlap, &set[1]));
  if (set[0] || set[1]) PetscCall(DiniSetEigenTracking(dini, tracking, overlap));
  PetscCall(PetscOptionsInt("-dini_eigen_mode", "Mode whose vector is the state u", "DiniSetEigenMode", mode, &mode,
                            &set[0]));
  if (set[0]) PetscCall(DiniSetEigenMode(dini, mode));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniView_Eigen(Dini dini, PetscViewer viewer)
{
  Dini_Eigen *ctx = (Dini_Eigen *)dini->data;

  PetscFunctionBegin;
  PetscCall(PetscViewerASCIIPrintf(viewer, "forward solver: %s %s, %s\n", ctx->kind->type,
                                   ctx->solver && ctx->solver->type_name ? ctx->solver->type_name : "not set",
                                   ctx->assemble ? "assembled at the current parameters" : "with its own matrices"));
  PetscCall(PetscViewerASCIIPrintf(viewer,
                                   "eigenpairs: %" PetscInt_FMT ", %s, clusters below a relative gap of %g, tracking "
                                   "%s, the state is mode %" PetscInt_FMT "\n",
                                   ctx->nmodes, ctx->hermitian ? "Hermitian" : "general", (double)ctx->gaprtol,
                                   ctx->tracking ? "on" : "off", ctx->selected));
  PetscCall(PetscViewerASCIIPushTab(viewer));
  for (PetscInt i = 0; i < ctx->nmodes; i++)
    PetscCall(PetscViewerASCIIPrintf(viewer,
                                     "mode %" PetscInt_FMT ": lambda %.10g%+.10gi, error %.1e, gap %.1e, cluster "
                                     "%" PetscInt_FMT "\n",
                                     i, (double)ctx->modes[i].lambda.re, (double)ctx->modes[i].lambda.im,
                                     (double)ctx->modes[i].error, (double)ctx->modes[i].gap, ctx->modes[i].cluster));
  PetscCall(PetscViewerASCIIPopTab(viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniReset_Eigen(Dini dini)
{
  Dini_Eigen *ctx = (Dini_Eigen *)dini->data;

  PetscFunctionBegin;
  PetscCall(DiniEigenLinearReset_Private(dini));
  PetscCall(DiniCopiesDestroy_Eigen(ctx));
  for (int i = 0; i < 2; i++) PetscCall(VecDestroy(&ctx->w[i]));
  PetscCall(VecDestroy(&ctx->u));
  PetscCall(DiniModesDestroy_Private(ctx->nmodes, &ctx->modes));
  PetscCall(PetscFree(ctx->members));
  ctx->nmodes = ctx->nfocus = 0;
  ctx->stamp = ctx->pairstamp = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniDestroy_Eigen(Dini dini)
{
  Dini_Eigen *ctx = (Dini_Eigen *)dini->data;

  PetscFunctionBegin;
  PetscCall(DiniReset_Eigen(dini));
  for (PetscInt k = 0; k < ctx->nterms; k++) PetscCall(MatDestroy(&ctx->M[k]));
  PetscCall(PetscObjectDereference(ctx->solver));
  PetscCall(PetscFree(dini->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniCreateKind_Eigen(Dini dini, const DiniEigenSolver *kind)
{
  Dini_Eigen *ctx;

  PetscFunctionBegin;
  PetscCall(PetscNew(&ctx));
  dini->data                = ctx;
  ctx->kind                 = kind;
  ctx->gaprtol              = 1e-4;
  ctx->minoverlap           = 0.5;
  ctx->kmode                = -1;
  dini->ops->setup          = DiniSetUp_Eigen;
  dini->ops->setfromoptions = DiniSetFromOptions_Eigen;
  dini->ops->solve          = DiniSolve_Eigen;
  dini->ops->residual       = DiniResidual_Eigen;
  dini->ops->home           = DiniHome_Eigen;
  dini->ops->jvp            = DiniJVP_Eigen;
  dini->ops->vjp            = DiniVJP_Eigen;
  dini->ops->view           = DiniView_Eigen;
  dini->ops->reset          = DiniReset_Eigen;
  dini->ops->destroy        = DiniDestroy_Eigen;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniCreate_EPS(Dini dini)
{
  PetscFunctionBegin;
  PetscCall(DiniCreateKind_Eigen(dini, &DiniEigenSolvers[0]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniCreate_PEP(Dini dini)
{
  PetscFunctionBegin;
  PetscCall(DiniCreateKind_Eigen(dini, &DiniEigenSolvers[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniCreate_NEP(Dini dini)
{
  PetscFunctionBegin;
  PetscCall(DiniCreateKind_Eigen(dini, &DiniEigenSolvers[2]));
  PetscFunctionReturn(PETSC_SUCCESS);
}
