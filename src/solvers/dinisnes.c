/* DINISNES: u comes from a SNES, F and J are the SNES's own. */
#include "../private/diniimpl.h"
#include <petsctime.h>

typedef struct {
  SNES          snes;
  Mat           J, P;    /* Dini's own copies, where the SNES lags its Jacobian and must find its old one again */
  Mat           colored; /* J by coloured differences, where the SNES's own is matrix-free */
  MatFDColoring coloring;
} Dini_SNES;

static PetscErrorCode DiniNeedSNES(Dini dini, SNES *snes)
{
  PetscFunctionBegin;
  *snes = ((Dini_SNES *)dini->data)->snes;
  PetscCheck(*snes, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "%s, of type \"snes\", has no SNES; call DiniSetSNES()", DiniLabel_Private(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniSetUp_SNES(Dini dini)
{
  SNES      snes;
  PetscBool vi;
  SNESType  type;

  PetscFunctionBegin;
  PetscCall(DiniNeedSNES(dini, &snes));
  PetscCall(SNESGetType(snes, &type));
  PetscCall(PetscObjectTypeCompareAny((PetscObject)snes, &vi, SNESVINEWTONRSLS, SNESVINEWTONSSLS, ""));
  PetscCheck(
      !vi, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
      "A SNES of type %s solves a variational inequality, whose solution is not defined by F(u, m) = 0, so its "
      "derivative "
      "is not -J^{-1} F_m; give the reduced relation with DiniSetResidual() and DiniSetJacobian() to type \"shell\"",
      type);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Solves with the preconditioner that there is, for all Newton steps, or as the SNES does by itself; *its counts on */
static PetscErrorCode DiniSolveKept(Dini dini, SNES snes, Vec u, PetscBool keep, PetscInt *its,
                                    SNESConvergedReason *stopped)
{
  PetscInt       lag, n, linear;
  PetscLogDouble start, end;
  PetscErrorCode failed;
  PetscReal      step;

  PetscFunctionBegin;
  PetscCall(SNESGetLagPreconditioner(snes, &lag));
  if (keep) PetscCall(SNESSetLagPreconditioner(snes, -1));
  PetscCall(PetscTime(&start));
  failed = SNESSolve(snes, NULL, u);
  if (keep) PetscCall(SNESSetLagPreconditioner(snes, lag));
  PetscCall(failed);
  PetscCall(PetscTime(&end));
  PetscCall(SNESGetConvergedReason(snes, stopped));
  PetscCall(SNESGetIterationNumber(snes, &n));
  PetscCall(SNESGetLinearSolveIterations(snes, &linear));
  *its += n;
  if (!dini->reuseforward) PetscFunctionReturn(PETSC_SUCCESS);
  step = n > 0 ? (PetscReal)(end - start) / (PetscReal)n : 0.0; /* holds one set-up: the most that one can cost */
  if (keep || n > 0) PetscCall(DiniForwardSpent_Private(dini, keep, n > 0 ? linear / n : 0, step, step));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniSolve_SNES(Dini dini, Vec u, PetscInt *its, DiniConvergedReason *reason, const char **why)
{
  SNES                snes;
  SNESConvergedReason stopped = SNES_CONVERGED_ITERATING;
  KSP                 ksp;
  PetscBool           keep;
  Mat                 J;

  PetscFunctionBegin;
  PetscCall(DiniNeedSNES(dini, &snes));
  PetscCall(SNESGetJacobian(snes, &J, NULL, NULL, NULL));
  if (J) PetscCall(DiniCheckMatLayout_Private(dini, u, J, "the Jacobian of the SNES"));
  PetscCall(SNESGetKSP(snes, &ksp));
  PetscCall(DiniForwardKeeps_Private(dini, ksp, &keep));
  if (keep) { /* a guess to come back to */
    PetscCall(VecCopy(u, dini->w[0]));
    PetscCall(DiniSolveKept(dini, snes, u, PETSC_TRUE, its, &stopped));
    if (stopped < 0) PetscCall(VecCopy(dini->w[0], u));
  }
  if (!keep || stopped < 0) PetscCall(DiniSolveKept(dini, snes, u, PETSC_FALSE, its, &stopped));
  if (stopped > 0) *reason = DINI_CONVERGED_FORWARD;
  else *reason = stopped == DINI_SNES_NAN ? DINI_DIVERGED_NAN : DINI_DIVERGED_FORWARD;
  *why = SNESConvergedReasons[stopped];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniResidualNorm_SNES(Dini dini, PetscReal *norm)
{
  PetscFunctionBegin;
  PetscCall(SNESGetFunctionNorm(((Dini_SNES *)dini->data)->snes, norm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniResidual_SNES(Dini dini, Vec u, Vec F)
{
  SNES snes;

  PetscFunctionBegin;
  PetscCall(DiniNeedSNES(dini, &snes));
  DiniCallUserReads(dini, u, "The residual callback of the SNES", SNESComputeFunction(snes, u, F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniSNESMatrices(SNES snes, Mat *J, Mat *P)
{
  PetscFunctionBegin;
  PetscCall(SNESGetJacobian(snes, J, P, NULL, NULL));
  if (!*J || !*P) { /* not set up yet, or of a type that never forms a Jacobian and has made no room for it */
    PetscCall(SNESSetUp(snes));
    PetscCall(SNESSetUpMatrices(snes));
    PetscCall(SNESGetJacobian(snes, J, P, NULL, NULL));
  }
  PetscCheck(*J && *P, PetscObjectComm((PetscObject)snes), PETSC_ERR_ORDER,
             "The SNES has no Jacobian; call SNESSetJacobian() or DiniSetJacobian(), or run with -snes_fd_color");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  J at u by the callback of the SNES itself: SNESComputeJacobian() may leave it out (lags, a nonlinear preconditioner on the
  left), touches the reuse flag of the KSP, and calls collectives after a callback that has failed on one rank alone.
*/
static PetscErrorCode DiniComputeJacobian(Dini dini, SNES snes, Vec u, Mat J, Mat P)
{
  DiniSNESJacobianFn *compute;
  void               *ctx;

  PetscFunctionBegin;
  PetscCall(SNESGetJacobian(snes, NULL, NULL, &compute, &ctx));
  PetscCheck(
      compute, PetscObjectComm((PetscObject)snes), PETSC_ERR_ORDER,
      "The SNES has a matrix but no callback for the Jacobian; give SNESSetJacobian() one, or call DiniSetJacobian()");
  PetscCall(PetscLogEventBegin(DINI_SNESJacobian, snes, u, J, P));
  DiniCallUserReads(dini, u, "The Jacobian callback of the SNES", (*compute)(snes, u, J, P, ctx));
  PetscCall(PetscLogEventEnd(DINI_SNESJacobian, snes, u, J, P));
  PetscCall(
      PetscObjectCompose((PetscObject)P, "__SNES_latest_X", (PetscObject)u)); /* some preconditioners ask for it */
  dini->stats.jacobian_assemblies++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* old = the values of A; where there is an old already they are put back into A */
static PetscErrorCode DiniSwap(Mat A, Mat *copy, PetscBool back)
{
  PetscFunctionBegin;
  if (!*copy) PetscCall(MatDuplicate(A, MAT_COPY_VALUES, copy));
  else if (back) PetscCall(MatCopy(*copy, A, SAME_NONZERO_PATTERN));
  else PetscCall(MatCopy(A, *copy, SAME_NONZERO_PATTERN));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Newton leaves J of its last step behind, so J is assembled again at u, in place. A SNES that lags its Jacobian must find
  its old values again: there the new ones go into copies, and the old ones back where they were. The assembly itself always
  uses the SNES's own matrices, since colourings and many callbacks know no others.
*/
static PetscErrorCode DiniJacobian_SNES(Dini dini, Vec u, Mat *J, Mat *P)
{
  Dini_SNES *ctx = (Dini_SNES *)dini->data;
  SNES       snes;
  PetscInt   lag;
  Mat        oldJ = NULL, oldP = NULL, A, B;
  PetscBool  mffd;

  PetscFunctionBegin;
  PetscCall(DiniNeedSNES(dini, &snes));
  PetscCall(DiniSNESMatrices(snes, &A, &B));
  PetscCall(PetscObjectTypeCompare((PetscObject)A, MATMFFD, &mffd));
  PetscCall(SNESGetLagJacobian(snes, &lag));
  *J = A;
  *P = B;
  if (lag == 1) {
    PetscCall(DiniComputeJacobian(dini, snes, u, A, B));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (A != B && !mffd) PetscCall(DiniSwap(A, &oldJ, PETSC_FALSE));
  if (!mffd || A != B) PetscCall(DiniSwap(B, &oldP, PETSC_FALSE));
  {
    PetscErrorCode failed = DiniComputeJacobian(dini, snes, u, A, B);

    if (!failed && oldJ) failed = DiniSwap(A, &ctx->J, PETSC_FALSE);
    if (!failed && oldP) failed = DiniSwap(B, &ctx->P, PETSC_FALSE);
    if (oldJ) PetscCall(DiniSwap(A, &oldJ, PETSC_TRUE));
    if (oldP) PetscCall(DiniSwap(B, &oldP, PETSC_TRUE));
    PetscCall(MatDestroy(&oldJ));
    PetscCall(MatDestroy(&oldP));
    PetscCall(failed);
  }
  if (ctx->P) *P = ctx->P;
  if (A == B) *J = *P;
  else if (ctx->J) *J = ctx->J;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniGetKSP_SNES(Dini dini, KSP *ksp)
{
  PetscFunctionBegin;
  PetscCall(SNESGetKSP(((Dini_SNES *)dini->data)->snes, ksp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniView_SNES(Dini dini, PetscViewer viewer)
{
  SNES     snes = ((Dini_SNES *)dini->data)->snes;
  SNESType type = NULL;

  PetscFunctionBegin;
  if (snes) PetscCall(SNESGetType(snes, &type));
  PetscCall(PetscViewerASCIIPrintf(viewer, "forward solver: SNES %s\n", type ? type : "not set"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniAssembled_SNES(Dini dini, Vec u, Mat *J)
{
  Dini_SNES *ctx = (Dini_SNES *)dini->data;

  PetscFunctionBegin;
  PetscCall(DiniColorJacobian_SNES(dini, ctx->snes, u, &ctx->colored, &ctx->coloring));
  *J = ctx->colored;
  PetscCall(PetscObjectReference((PetscObject)*J));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniReset_SNES(Dini dini)
{
  Dini_SNES *ctx = (Dini_SNES *)dini->data;

  PetscFunctionBegin;
  PetscCall(MatDestroy(&ctx->J));
  PetscCall(MatDestroy(&ctx->P));
  PetscCall(MatDestroy(&ctx->colored));
  PetscCall(MatFDColoringDestroy(&ctx->coloring));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniDestroy_SNES(Dini dini)
{
  PetscFunctionBegin;
  PetscCall(DiniReset_SNES(dini));
  PetscCall(SNESDestroy(&((Dini_SNES *)dini->data)->snes));
  PetscCall(PetscFree(dini->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniCreate_SNES(Dini dini)
{
  Dini_SNES *ctx;

  PetscFunctionBegin;
  PetscCall(PetscNew(&ctx));
  dini->data              = ctx;
  dini->ops->setup        = DiniSetUp_SNES;
  dini->ops->solve        = DiniSolve_SNES;
  dini->ops->residual     = DiniResidual_SNES;
  dini->ops->residualnorm = DiniResidualNorm_SNES;
  dini->ops->jacobian     = DiniJacobian_SNES;
  dini->ops->assembled    = DiniAssembled_SNES;
  dini->ops->getksp       = DiniGetKSP_SNES;
  dini->ops->view         = DiniView_SNES;
  dini->ops->reset        = DiniReset_SNES;
  dini->ops->destroy      = DiniDestroy_SNES;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Makes the SNES that an application runs the solver behind a Dini, of type DINISNES.

  Collective. F and J are the SNES's own; J is assembled anew at the solution for derivatives, whatever the SNES lags. The
  SNES is left as it was found.

  @param[in] dini the Dini
  @param[in] snes solver with residual and Jacobian set; referenced
  @return 0 or a PETSc error code

  @see DiniSetKSP(), DiniAddParameter(), DiniSolve()
*/
PetscErrorCode DiniSetSNES(Dini dini, SNES snes)
{
  Dini_SNES *ctx;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCheck(snes, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_NULL, "DiniSetSNES() got no SNES");
  PetscCall(DiniCheckComm_Private(dini, (PetscObject)snes, "The SNES"));
  PetscCall(DiniSetType(dini, DINISNES));
  ctx = (Dini_SNES *)dini->data;
  PetscCall(PetscObjectReference((PetscObject)snes));
  PetscCall(SNESDestroy(&ctx->snes));
  ctx->snes = snes;
  PetscCall(DiniReset(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives the SNES behind a Dini.

  Not Collective.

  @param[in]  dini the Dini
  @param[out] snes the SNES, NULL when the Dini is of another type
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniGetSNES(Dini dini, SNES *snes)
{
  PetscBool is;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(PetscObjectTypeCompare((PetscObject)dini, DINISNES, &is));
  *snes = is ? ((Dini_SNES *)dini->data)->snes : NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}
