/* DINIEPS, DINIPEP and DININEP: pairs of T(lambda; m) x = 0. F(u, m) = sum_k c_k M_k(m) u with the coefficients in focus. */
#include "../private/dinieigenimpl.h"

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

static PetscErrorCode DiniCopiesDestroy(Dini_Eigen *ctx)
{
  PetscFunctionBegin;
  for (PetscInt k = 0; k < DINI_EIGEN_TERMS; k++) PetscCall(MatDestroy(&ctx->copy[k]));
  ctx->copystamp = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = sum_k c_k M_k x, or its adjoint sum_k conj(c_k) M_k^H x; x and y have both parts or neither */
PetscErrorCode DiniEigenMult_Private(Dini dini, const Mat M[], PetscBool adjoint, const DiniComplex c[], DiniEigenVec x,
                                     DiniEigenVec y)
{
  Dini_Eigen *ctx = (Dini_Eigen *)dini->data;

  PetscFunctionBegin;
  if (!ctx->w[0])
    for (int i = 0; i < 2; i++) PetscCall(VecDuplicate(x.r, &ctx->w[i]));
  PetscCall(VecSet(y.r, 0.0));
  if (y.i) PetscCall(VecSet(y.i, 0.0));
  for (PetscInt k = 0; k < ctx->nterms; k++) {
    const DiniComplex ck     = adjoint ? DiniCxConj(c[k]) : c[k];
    DiniEigenVec      w      = {ctx->w[0], x.i ? ctx->w[1] : NULL};
    const Vec         from[] = {x.r, x.i}, to[] = {w.r, w.i};

    if (ck.re == 0.0 && ck.im == 0.0) continue;
    for (int part = 0; part < (x.i ? 2 : 1); part++) {
      if (!M[k]) PetscCall(VecCopy(from[part], to[part]));
      else if (adjoint) PetscCall(MatMultHermitianTranspose(M[k], from[part], to[part]));
      else PetscCall(MatMult(M[k], from[part], to[part]));
    }
    PetscCall(DiniEigenVecAXPY_Private(y, ck, w));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEigenCoefficients_Private(Dini dini, DiniComplex lambda, DiniComplex c[], DiniComplex dc[])
{
  Dini_Eigen *ctx = (Dini_Eigen *)dini->data;

  PetscFunctionBegin;
  PetscCall((*ctx->kind->coefficients)(ctx->solver, ctx->nterms, lambda, c, dc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = D x with D = -T'(lambda) at the mode's lambda */
PetscErrorCode DiniEigenD_Private(Dini dini, DiniMode *mode, DiniEigenVec x, DiniEigenVec y)
{
  Dini_Eigen *ctx                 = (Dini_Eigen *)dini->data;
  DiniComplex c[DINI_EIGEN_TERMS] = {{0.0, 0.0}}, dc[DINI_EIGEN_TERMS] = {{0.0, 0.0}};

  PetscFunctionBegin;
  PetscCall(DiniEigenCoefficients_Private(dini, mode->lambda, c, dc));
  PetscCall(DiniEigenMult_Private(dini, ctx->M, PETSC_FALSE, dc, x, y));
  PetscCall(DiniEigenVecScale_Private(y, DiniCx(-1.0, 0.0)));
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
static PetscErrorCode DiniFindPairs(Dini dini, PetscInt *its, PetscInt *nconv, PetscBool *good, const char **why)
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
static PetscErrorCode DiniSolve_Eigen(Dini dini, Vec u, PetscInt *its, DiniConvergedReason *reason, const char **why)
{
  Dini_Eigen *ctx = (Dini_Eigen *)dini->data;
  Mat        *M;
  PetscInt    nconv;
  PetscBool   good;

  PetscFunctionBegin;
  ctx->pairstamp = 0;
  ctx->kmode     = -1;
  *reason        = DINI_DIVERGED_FORWARD;
  PetscCall(DiniFindPairs(dini, its, &nconv, &good, why));
  if (!good) PetscFunctionReturn(PETSC_SUCCESS);
  if (nconv < 1) {
    *why = "no converged pair";
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(DiniEigenTermsNow_Private(
      dini, &M)); /* attached pairs are held against new matrices: their solver's may be stale */
  PetscCall(DiniEigenCollect_Private(dini, M, nconv, reason, why));
  PetscCall(DiniEigenRemember_Private(dini));
  if (*reason < 0) PetscFunctionReturn(PETSC_SUCCESS);
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
  PetscCall(DiniEigenLinearReset_Private(ctx));
  PetscCall(DiniCopiesDestroy(ctx));
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

static PetscErrorCode DiniCreateEigen(Dini dini, const DiniEigenSolver *kind)
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
  PetscCall(DiniCreateEigen(dini, &DiniEigenSolvers[0]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniCreate_PEP(Dini dini)
{
  PetscFunctionBegin;
  PetscCall(DiniCreateEigen(dini, &DiniEigenSolvers[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniCreate_NEP(Dini dini)
{
  PetscFunctionBegin;
  PetscCall(DiniCreateEigen(dini, &DiniEigenSolvers[2]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The data of an eigenproblem; `caller` is a public function, for the message */
PetscErrorCode DiniGetEigen_Private(Dini dini, const char caller[], Dini_Eigen **ctx)
{
  PetscBool is;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompareAny((PetscObject)dini, &is, DINIEPS, DINIPEP, DININEP, ""));
  PetscCheck(is, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "%s is for eigenproblems; call DiniSetEPS(), DiniSetPEP() or DiniSetNEP() first", caller);
  *ctx = (Dini_Eigen *)dini->data;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same at a point whose pairs are known and still belong to matrices and parameters */
PetscErrorCode DiniGetModes_Private(Dini dini, const char caller[], Dini_Eigen **eigen)
{
  Dini_Eigen *ctx;
  PetscBool   mine = PETSC_FALSE, any;

  PetscFunctionBegin;
  PetscCall(DiniGetEigen_Private(dini, caller, eigen));
  ctx = *eigen;
  PetscCall(DiniCheckPoint_Private(dini));
  PetscCheck(ctx->pairstamp && ctx->pairstamp == dini->mstamp, PetscObjectComm((PetscObject)dini),
             PETSC_ERR_ARG_WRONGSTATE,
             "The eigenpairs belong to earlier parameters; call DiniEigenSolve() or DiniEigenAttach() again");
  for (PetscInt k = 0; k < ctx->nmats; k++) {
    PetscObjectState state;

    PetscCall(DiniMatStamp_Private(ctx->M[k], &state));
    if (state != ctx->state[k]) mine = PETSC_TRUE;
  }
  PetscCall(MPIU_Allreduce(&mine, &any, 1, DINI_MPI_BOOL, MPI_LOR, PetscObjectComm((PetscObject)dini)));
  PetscCheck(!any, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONGSTATE,
             "A matrix of the %s has been changed since the solve, so that the pairs no longer belong to it; call "
             "DiniEigenSolve() again",
             ctx->kind->type);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniGetMode_Private(Dini dini, PetscInt i, const char caller[], Dini_Eigen **ctx, DiniMode **mode)
{
  PetscFunctionBegin;
  PetscCall(DiniGetModes_Private(dini, caller, ctx));
  PetscCheck(i >= 0 && i < (*ctx)->nmodes, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_OUTOFRANGE,
             "There is no eigenpair %" PetscInt_FMT " among the %" PetscInt_FMT
             " found; ask for more with EPSSetDimensions() and the like",
             i, (*ctx)->nmodes);
  *mode = &(*ctx)->modes[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}
