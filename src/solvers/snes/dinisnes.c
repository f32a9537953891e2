/* DINISNES: u comes from a SNES, F and J are the SNES's own. */
#include "../../private/diniactiveimpl.h"
#include "../../private/dinisnesimpl.h"
#include <petsctime.h>

static PetscErrorCode DiniIsVI_SNES(SNES snes, PetscBool *vi)
{
  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompareAny((PetscObject)snes, vi, SNESVINEWTONRSLS, SNESVINEWTONSSLS, ""));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniNeedSNES_Private(Dini dini, SNES *snes)
{
  PetscBool vi;

  PetscFunctionBegin;
  *snes = ((Dini_SNES *)dini->data)->snes;
  PetscCheck(*snes, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "%s, of type \"snes\", has no SNES; call DiniSetSNES()", DiniLabel_Private(dini));
  PetscCall(DiniIsVI_SNES(*snes, &vi));
  PetscCheck(!dini->setup || vi == (PetscBool)(dini->active != NULL), PetscObjectComm((PetscObject)dini),
             PETSC_ERR_ARG_WRONGSTATE,
             "%s: the SNES has become, or ceased to be, the solver of a variational inequality since DiniSetUp(): its "
             "type is now %s. Call DiniReset() after SNESSetType()",
             DiniLabel_Private(dini), ((PetscObject)*snes)->type_name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The PC of a variational inequality's solver belongs to other entries, or to another matrix, than those of the solution. */
static PetscErrorCode DiniSetUp_SNES(Dini dini)
{
  SNES      snes;
  PetscBool vi;

  PetscFunctionBegin;
  PetscCall(DiniNeedSNES_Private(dini, &snes));
  PetscCall(DiniIsVI_SNES(snes, &vi));
  if (vi) PetscCall(DiniActiveCreate_Private(dini, snes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  SNESSolve() lends the callback of F and the methods of the DM to the solver of a variational inequality, which gives them
  back at its end, but not when an error cuts it short.
*/
static PetscErrorCode DiniCall_SNES(Dini dini, SNES snes, Vec u)
{
  DiniSNESFunctionFn *before = NULL, *after;
  void               *ctx    = NULL;
  DM                  dm;
  PetscErrorCode      failed;

  PetscFunctionBegin;
  if (dini->active) PetscCall(SNESGetFunction(snes, NULL, &before, &ctx));
  failed = DiniSNESSolve_Private(dini, snes, u);
  if (dini->active && failed) {
    PetscCall(SNESGetFunction(snes, NULL, &after, NULL));
    if (after != before) PetscCall(SNESSetFunction(snes, NULL, before, ctx));
    PetscCall(SNESGetDM(snes, &dm));
    PetscCall(DiniDMLeaveInequality_Private(dm));
  }
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Solves with the preconditioner that there is, for all Newton steps, or as the SNES does by itself; *its counts on */
static PetscErrorCode DiniSolveKept_SNES(Dini dini, SNES snes, Vec u, PetscBool keep, PetscInt *its,
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
  failed = DiniCall_SNES(dini, snes, u);
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

/*
  Newton's tests of |F| are the user's own tolerance. Any other reason (a small step, so many iterations) tells nothing of
  |F|, and solvers with a nonlinear preconditioner may have tested another function: there F itself decides, by the SNES's
  norm where it was that of F, else like that of a state found elsewhere. One linear solve is judged like one of type ksp.
*/
static PetscErrorCode DiniAccept_SNES(Dini dini, SNES snes, SNESConvergedReason stopped, Vec u,
                                      DiniConvergedReason *reason)
{
  Dini_SNES      *ctx    = (Dini_SNES *)dini->data;
  const PetscBool tested = (PetscBool)(stopped == SNES_CONVERGED_FNORM_ABS || stopped == SNES_CONVERGED_FNORM_RELATIVE);
  PetscBool       newton, linear, npc, accepted, ew;
  PetscReal       fnorm, scale, rtol = dini->attachrtol, krtol;
  KSP             ksp;
  Mat             J;

  PetscFunctionBegin;
  *reason = DINI_CONVERGED_FORWARD;
  PetscCall(SNESHasNPC(snes, &npc));
  PetscCall(PetscObjectTypeCompareAny((PetscObject)snes, &newton, SNESNEWTONLS, SNESNEWTONTR, SNESNEWTONTRDC,
                                      SNESVINEWTONRSLS, ""));
  PetscCall(PetscObjectTypeCompare((PetscObject)snes, SNESKSPONLY, &linear));
  if (newton && tested && !npc) PetscFunctionReturn(PETSC_SUCCESS);
  if (tested && !dini->active) { /* a semismooth method tests another function, which bounds far away can hide F in */
    PetscCall(DiniResidual_Private(dini, u, dini->w[0], &fnorm));
    accepted = (PetscBool)(fnorm <= 2.0 * ctx->fnorm);
    PetscCall(PetscInfo(dini, "The SNES says |F| = %g, F itself %g\n", (double)ctx->fnorm, (double)fnorm));
    if (accepted) ctx->fnorm = fnorm;
    if (accepted) PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(SNESKSPGetUseEW(snes, &ew));
  if (linear && !ew) { /* as type ksp has it: the KSP may have tested a preconditioned norm, which is off by orders */
    PetscCall(SNESGetKSP(snes, &ksp));
    PetscCall(KSPGetTolerances(ksp, &krtol, NULL, NULL, NULL));
    rtol = PetscMax(rtol, PetscMin(0.1, 1000.0 * krtol));
  }
  PetscCall(DiniAcceptState_Private(dini, u, rtol, &ctx->fnorm, &scale, &accepted));
  PetscCall(PetscInfo(dini, "The SNES stopped with %s: |F| = %g where |J u| is about %g, %s\n",
                      SNESConvergedReasons[stopped], (double)ctx->fnorm, (double)scale,
                      accepted ? "accepted" : "refused"));
  if (accepted) PetscFunctionReturn(PETSC_SUCCESS);
  *reason = DINI_DIVERGED_FORWARD_RESIDUAL;
  PetscCall(SNESGetJacobian(snes, &J, NULL, NULL, NULL));
  if (!linear || !J) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniResidual_Private(dini, u, dini->w[0], NULL));
  PetscCall(DiniForwardSingular_Private(dini, J, dini->w[0]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniSolve_SNES(Dini dini, Vec u, DiniForwardResult *result)
{
  SNES                snes;
  SNESConvergedReason stopped = SNES_CONVERGED_ITERATING;
  KSP                 ksp;
  PetscBool           keep;
  Mat                 J;

  PetscFunctionBegin;
  result->options = "snes";
  PetscCall(DiniNeedSNES_Private(dini, &snes));
  PetscCall(SNESGetJacobian(snes, &J, NULL, NULL, NULL));
  if (J) PetscCall(DiniCheckMatLayout_Private(dini, u, J, "the Jacobian of the SNES"));
  PetscCall(DiniCheckRHS_SNES(dini, snes));
  PetscCall(SNESGetKSP(snes, &ksp));
  PetscCall(DiniForwardKeeps_Private(dini, ksp, &keep));
  if (keep) { /* a guess to come back to */
    PetscCall(VecCopy(u, dini->w[0]));
    PetscCall(DiniSolveKept_SNES(dini, snes, u, PETSC_TRUE, &result->its, &stopped));
    if (stopped < 0) PetscCall(VecCopy(dini->w[0], u));
  }
  if (!keep || stopped < 0) PetscCall(DiniSolveKept_SNES(dini, snes, u, PETSC_FALSE, &result->its, &stopped));
  result->why = SNESConvergedReasons[stopped];
  PetscCall(SNESGetFunctionNorm(snes, &((Dini_SNES *)dini->data)->fnorm));
  if (stopped > 0) PetscCall(DiniAccept_SNES(dini, snes, stopped, u, &result->reason));
  else result->reason = stopped == DINI_SNES_NAN ? DINI_DIVERGED_NAN : DINI_DIVERGED_FORWARD;
  result->fnorm = ((Dini_SNES *)dini->data)->fnorm;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* NULL where the SNES solves no linear system with J, so that the KSP it carries along is nobody's choice */
static PetscErrorCode DiniGetKSP_SNES(Dini dini, KSP *ksp)
{
  SNES      snes = ((Dini_SNES *)dini->data)->snes;
  PetscBool left;

  PetscFunctionBegin;
  *ksp = NULL;
  PetscCall(DiniLeftPreconditioned_SNES(snes, &left));
  if (DiniSNESUsesKSP_Private(snes) && !left && !dini->active) PetscCall(SNESGetKSP(snes, ksp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One linear solve is its KSP's to test */
static PetscErrorCode DiniForwardSolver_SNES(Dini dini, KSP *ksp, SNES *snes)
{
  PetscBool linear;

  PetscFunctionBegin;
  *ksp  = NULL;
  *snes = ((Dini_SNES *)dini->data)->snes;
  PetscCall(PetscObjectTypeCompare((PetscObject)*snes, SNESKSPONLY, &linear));
  if (linear) PetscCall(SNESGetKSP(*snes, ksp));
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

static PetscErrorCode DiniReset_SNES(Dini dini)
{
  Dini_SNES *ctx = (Dini_SNES *)dini->data;

  PetscFunctionBegin;
  PetscCall(MatDestroy(&ctx->J));
  PetscCall(MatDestroy(&ctx->P));
  PetscCall(MatDestroy(&ctx->made));
  PetscCall(DiniResetRHS_SNES(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniDestroy_SNES(Dini dini)
{
  PetscFunctionBegin;
  PetscCall(PetscObjectComposeFunction((PetscObject)dini, "DiniGetSNES_C", NULL));
  PetscCall(DiniReset_SNES(dini));
  PetscCall(VecDestroy(&((Dini_SNES *)dini->data)->given));
  PetscCall(SNESDestroy(&((Dini_SNES *)dini->data)->snes));
  PetscCall(PetscFree(dini->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniGetSNES_SNES(Dini dini, SNES *snes)
{
  PetscFunctionBegin;
  *snes = ((Dini_SNES *)dini->data)->snes;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniCreate_SNES(Dini dini)
{
  Dini_SNES *ctx;

  PetscFunctionBegin;
  PetscCall(PetscNew(&ctx));
  dini->data               = ctx;
  dini->ops->setup         = DiniSetUp_SNES;
  dini->ops->solve         = DiniSolve_SNES;
  dini->ops->residual      = DiniResidual_SNES;
  dini->ops->jacobian      = DiniJacobian_SNES;
  dini->ops->pattern       = DiniPattern_SNES;
  dini->ops->point         = DiniRememberRHS_SNES;
  dini->ops->forwardsolver = DiniForwardSolver_SNES;
  dini->ops->getksp        = DiniGetKSP_SNES;
  dini->ops->view          = DiniView_SNES;
  dini->ops->parameterkind = DiniParameterKind_SNES;
  dini->ops->reset         = DiniReset_SNES;
  dini->ops->destroy       = DiniDestroy_SNES;
  PetscCall(PetscObjectComposeFunction((PetscObject)dini, "DiniGetSNES_C", DiniGetSNES_SNES));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Makes the SNES that an application runs the solver behind a Dini, of type DINISNES.
  @level{beginner}

  Collective. F and J are the SNES's own; J is assembled anew at the solution for derivatives, whatever the SNES lags. The
  SNES is left as it was found. A right-hand side that it holds, from the application's SNESSolve(snes, b, u), is heeded, see
  DiniSetRHS().

  @param[in] dini the Dini
  @param[in] snes solver with residual and Jacobian set; referenced
  @return 0 or a PETSc error code

  @see DiniSetKSP(), DiniSetRHS(), DiniAddParameter(), DiniSolve()
*/
PetscErrorCode DiniSetSNES(Dini dini, SNES snes)
{
  Dini_SNES *ctx;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniSetSNES()"));
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
  @level{intermediate}

  Not Collective.

  @param[in]  dini the Dini
  @param[out] snes the SNES, NULL when the Dini is of another type
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniGetSNES(Dini dini, SNES *snes)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  *snes = NULL;
  PetscTryMethod(dini, "DiniGetSNES_C", (Dini, SNES *), (dini, snes));
  PetscFunctionReturn(PETSC_SUCCESS);
}
