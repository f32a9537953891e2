/* The ladder: where a linear solve looks for its answer, from free to dear, and the bound on what a rung may cost. */
#include "../private/diniengineimpl.h"

#define DINI_BOUND_REFINE       6 /* refinement with a factorisation: past this, a Krylov method is better */
#define DINI_BOUND_KEPT         300
#define DINI_BOUND_UNTRANSPOSED 100

typedef struct {
  void     *inner; /* of PETSc's own test */
  PetscInt  bound;
  PetscReal first; /* residual norm at the first iteration */
  PetscReal least; /* the smallest one, and when it was last clearly undercut */
  PetscInt  since;
} DiniBound;

/* Iterations without a gain of 2 % after which a method that minimises its residual, or another one, is stopped */
#define DINI_STALL_MINIMAL 200
#define DINI_STALL         1000

static PetscErrorCode DiniStalled(KSP ksp, PetscInt it, PetscReal rnorm, DiniBound *bound, PetscBool *stalled)
{
  PetscBool minimal = PETSC_FALSE;

  PetscFunctionBegin;
  if (it == 0 || rnorm < 0.98 * bound->least) {
    bound->least = rnorm;
    bound->since = it;
  }
  if (it - bound->since == DINI_STALL_MINIMAL)
    PetscCall(PetscObjectTypeCompareAny((PetscObject)ksp, &minimal, KSPGMRES, KSPFGMRES, ""));
  *stalled = (PetscBool)(minimal || it - bound->since >= DINI_STALL);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* After PETSc's own test: stops a Krylov method which at its present rate would need more iterations than the bound. */
static PetscErrorCode DiniConvergedBounded(KSP ksp, PetscInt it, PetscReal rnorm, KSPConvergedReason *reason, void *ctx)
{
  DiniBound *bound = (DiniBound *)ctx;
  PetscReal  rtol, rate, expected;
  PetscBool  stalled = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(KSPConvergedDefault(ksp, it, rnorm, reason, bound->inner));
  PetscCall(DiniStalled(ksp, it, rnorm, bound, &stalled));
  if (!*reason && stalled) *reason = KSP_DIVERGED_ITS;
  if (it == 0) bound->first = rnorm;
  if (*reason || !bound->bound || !(rnorm > 0.0)) PetscFunctionReturn(PETSC_SUCCESS);
  /* Krylov methods get faster as they go: no forecast before a third of the bound */
  if (bound->bound > DINI_BOUND_REFINE ? 3 * it < bound->bound || it % 10 : it < 2) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(KSPGetTolerances(ksp, &rtol, NULL, NULL, NULL));
  rate     = PetscLogReal(rnorm / bound->first) / (PetscReal)it;
  expected = rate < 0.0 ? PetscLogReal(rtol) / rate : PETSC_INFINITY;
  if (expected > (PetscReal)bound->bound) {
    PetscCall(PetscInfo(ksp, "Stopped at iteration %" PetscInt_FMT ": at this rate it would take %g\n", it,
                        (double)expected));
    *reason = KSP_DIVERGED_ITS;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniBoundDestroy(DiniDestroyArgument ctx)
{
  DiniBound *bound = (DiniBound *)DiniDestroyed(ctx);

  PetscFunctionBegin;
  PetscCall(DiniConvergedDefaultDestroy(&bound->inner));
  PetscCall(PetscFree(bound));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Sets the bound of a KSP of Dini's, 0 for none. A convergence test that the user has chosen stays as it is. */
static PetscErrorCode DiniSetBound(KSP ksp, PetscInt iterations)
{
  DiniBound *bound;
  void      *ctx = NULL;
  PetscErrorCode (*test)(KSP, PetscInt, PetscReal, KSPConvergedReason *, void *);

  PetscFunctionBegin;
  PetscCall(KSPGetConvergenceTest(ksp, &test, &ctx, NULL));
  if (test == KSPConvergedDefault) {
    PetscCall(PetscNew(&bound));
    PetscCall(KSPConvergedDefaultCreate(&bound->inner));
    PetscCall(KSPSetConvergenceTest(ksp, DiniConvergedBounded, bound, DiniBoundDestroy));
    ctx = bound;
  } else if (test != DiniConvergedBounded) PetscFunctionReturn(PETSC_SUCCESS);
  ((DiniBound *)ctx)->bound = iterations;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Does this rung exist here? Collectively the same answer: it hangs on types, options and agreed flags only. */
static PetscErrorCode DiniApplies(DiniEngine e, DiniDirection direction, DiniRung rung, const DiniSolveResult *status,
                                  PetscBool *yes)
{
  PetscBool adjoint = (PetscBool)(direction == DINI_ADJOINT), own, flexible, gmres;
  PetscBool usable; /* M or M^H of the forward PC */

  PetscFunctionBegin;
  PetscCall(DiniEngineOwnsPC_Private(e, direction, &own));
  usable = (PetscBool)(!own && !(adjoint && e->transpose == DINI_TRANSPOSE_EXPLICIT) &&
                       (!adjoint || e->symmetric || e->transposed != DINI_TRANSPOSED_NONE));
  *yes   = PETSC_FALSE;
  switch (rung) {
  case DINI_RUNG_KEPT:
    *yes = usable;
    break;
  case DINI_RUNG_GMRES:
    PetscCall(PetscObjectTypeCompare((PetscObject)e->ksp[direction], KSPFGMRES, &flexible));
    PetscCall(PetscObjectTypeCompare((PetscObject)e->ksp[direction], KSPGMRES, &gmres));
    *yes = (PetscBool)(usable && !flexible && (!gmres || status->stalled)); /* what GMRES finds slow, FGMRES does too */
    break;
  case DINI_RUNG_UNTRANSPOSED:
    *yes = (PetscBool)(adjoint && !own && !e->symmetric && e->transpose == DINI_TRANSPOSE_AUTO);
    break;
  case DINI_RUNG_REFRESHED:
    *yes = (PetscBool)(usable && !e->fresh);
    break;
  case DINI_RUNG_EXPLICIT:
    *yes = (PetscBool)(own ||
                       (adjoint && (e->transpose == DINI_TRANSPOSE_AUTO || e->transpose == DINI_TRANSPOSE_EXPLICIT)));
    if (adjoint && *yes) PetscCall(DiniTransposable_Private(e->P, yes));
    if (adjoint && e->companionfailed) *yes = PETSC_FALSE;
    break;
  case DINI_RUNG_DIRECT:
    if (e->N <= e->directmax && (!adjoint || e->transpose == DINI_TRANSPOSE_AUTO))
      PetscCall(DiniEngineGetDirect_Private(e, yes)); /* finds out whether there is one, factorises later */
    break;
  default:
    break;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A stale preconditioner is given up when it needs three times what a fresh one is thought to need, and 300 iterations. */
static PetscErrorCode DiniKeptBound(DiniEngine e, DiniDirection direction, PetscInt *bound)
{
  PetscInt fresh;

  PetscFunctionBegin;
  PetscCall(DiniEngineFreshIterations_Private(e, direction, &fresh));
  *bound = PetscMax(DINI_BOUND_KEPT, 3 * fresh);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What a rung preconditions with */
DiniApply DiniEngineRungApply_Private(DiniEngine e, DiniDirection direction, DiniRung rung)
{
  const PetscBool adjoint = (PetscBool)(direction == DINI_ADJOINT);

  if (rung == DINI_RUNG_UNTRANSPOSED) return DINI_APPLY_FORWARD;
  if (rung == DINI_RUNG_EXPLICIT) return DINI_APPLY_COMPANION;
  if (rung == DINI_RUNG_DIRECT) return adjoint ? DINI_APPLY_DIRECT_ADJOINT : DINI_APPLY_DIRECT;
  return adjoint && !e->symmetric ? DINI_APPLY_ADJOINT : DINI_APPLY_FORWARD;
}

/* The KSP of a rung, its preconditioner set to what the rung stands for, and the iterations it may take */
static PetscErrorCode DiniRungSolver(DiniEngine e, DiniDirection direction, DiniRung rung, KSP *ksp, PetscInt *bound)
{
  PetscBool adjoint = (PetscBool)(direction == DINI_ADJOINT), cg, richardson, failed;

  PetscFunctionBegin;
  *ksp = e->ksp[direction];
  PetscCall(PetscObjectTypeCompare((PetscObject)*ksp, KSPRICHARDSON, &richardson));
  *bound = richardson ? DINI_BOUND_REFINE : 0;
  switch (rung) {
  case DINI_RUNG_KEPT:
    if (richardson) break;
    if (!e->fresh || (adjoint && !e->symmetric && e->transposed == DINI_TRANSPOSED_INEXACT))
      PetscCall(DiniKeptBound(e, direction, bound));
    break;
  case DINI_RUNG_GMRES:
    PetscCall(DiniEngineGetGMRES_Private(e, direction, ksp));
    *bound = 0;
    if (!e->fresh) PetscCall(DiniKeptBound(e, direction, bound));
    break;
  case DINI_RUNG_UNTRANSPOSED:
    if (!richardson) *bound = DINI_BOUND_UNTRANSPOSED;
    PetscCall(PetscObjectTypeCompare((PetscObject)*ksp, KSPCG, &cg));
    if (cg) PetscCall(DiniEngineGetGMRES_Private(e, direction, ksp));
    break;
  case DINI_RUNG_REFRESHED:
    PetscCall(DiniEngineSetUpPC_Private(e, PETSC_TRUE));
    e->stats->refreshes++;
    break;
  case DINI_RUNG_EXPLICIT:
    *bound = 0;
    if (adjoint) PetscCall(DiniEngineGetCompanion_Private(e, ksp));
    break;
  case DINI_RUNG_DIRECT:
    *bound = 0;
    PetscCall(DiniEngineSetUpDirect_Private(e, &failed));
    PetscCall(DiniEngineGetGMRES_Private(e, direction, ksp));
    if (failed) *ksp = NULL;
    break;
  default:
    break;
  }
  if (*ksp) PetscCall(DiniEngineSetApply_Private(*ksp, DiniEngineRungApply_Private(e, direction, rung)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEngineTryRung_Private(DiniEngine e, DiniDirection direction, DiniRung rung, Vec b, Vec x,
                                         DiniSolveResult *status)
{
  KSP                ksp;
  DiniFrozen         frozen;
  PetscErrorCode     failed;
  KSPConvergedReason reason = KSP_DIVERGED_PC_FAILED;
  PetscInt           bound = 0, before = status->its;
  PetscBool          applies, usespc, factors;
  char               line[256];

  PetscFunctionBegin;
  PetscCall(DiniApplies(e, direction, rung, status, &applies));
  if (!applies) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniRungSolver(e, direction, rung, &ksp, &bound));
  if (!ksp) {
    PetscCall(
        PetscSNPrintf(line, sizeof(line), "%s%s: can not be set up", status->tried[0] ? "; " : "", DiniRungs[rung]));
    PetscCall(DiniAppend_Private(status->tried, sizeof(status->tried), line));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  usespc        = (PetscBool)(rung != DINI_RUNG_EXPLICIT && rung != DINI_RUNG_DIRECT);
  status->rung  = rung;
  status->moves = PETSC_FALSE; /* of this rung */
  status->error = 0.0;
  PetscCall(PetscObjectTypeCompare((PetscObject)ksp, KSPRICHARDSON, &factors));
  status->groups = (PetscBool)(!factors && !status->loose); /* with a factorisation residuals are rounding */
  if (!usespc || !e->broken) {
    PetscCall(DiniFreeze_Private(e->pc, &frozen));
    failed = DiniSetBound(ksp, bound);
    if (!failed) failed = DiniEngineRefine_Private(e, direction, ksp, b, x, status, &reason);
    if (!failed) failed = DiniEngineConfirm_Private(e, direction, ksp, b, x, status);
    PetscCall(DiniThaw_Private(&frozen));
    PetscCall(failed);
  }
  if (reason != KSP_DIVERGED_PC_FAILED && reason != KSP_DIVERGED_NANORINF) status->ran = PETSC_TRUE;
  status->rungits = status->its - before;
  status->stalled = (PetscBool)(reason > 0 && !status->good);
  status->guess =
      (PetscBool)(!status->good && status->relative < 0.5); /* what a rung has brought, the next goes on from */
  PetscCall(PetscSNPrintf(line, sizeof(line), "%s%s: %s after %" PetscInt_FMT " iterations, true relative residual %g",
                          status->tried[0] ? "; " : "", DiniRungs[rung], KSPConvergedReasons[reason], status->rungits,
                          (double)status->relative));
  PetscCall(DiniAppend_Private(status->tried, sizeof(status->tried), line));
  if (status->moves && PetscIsInfReal(status->error))
    PetscCall(
        DiniAppend_Private(status->tried, sizeof(status->tried), ", but what is left of it can not be solved for"));
  else if (status->moves) {
    PetscCall(PetscSNPrintf(line, sizeof(line), ", but a correction moves its worst field by a relative %g",
                            (double)status->error));
    PetscCall(DiniAppend_Private(status->tried, sizeof(status->tried), line));
  }
  PetscCall(PetscInfo(e, "%s solve, rung %s\n", DiniOperations[DINI_OPERATION_TANGENT + direction], line));
  PetscCall(DiniEngineLookSingular_Private(e, direction, b, x, status));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Begins where the last solve of this direction ended, goes up, and then tries what lies below. */
PetscErrorCode DiniEngineClimb_Private(DiniEngine e, DiniDirection direction, Vec b, Vec x, DiniSolveResult *status)
{
  DiniRung start = e->start[direction] ? e->start[direction] : DINI_RUNG_KEPT;

  PetscFunctionBegin;
  if (start == DINI_RUNG_REFRESHED && e->fresh) start = DINI_RUNG_KEPT; /* it has been refreshed at this very point */
  for (int rung = start; rung < DINI_RUNG_MAX && !status->good && !e->singular[0]; rung++)
    PetscCall(DiniEngineTryRung_Private(e, direction, (DiniRung)rung, b, x, status));
  for (int rung = DINI_RUNG_KEPT; rung < (int)start && !status->good && !e->singular[0]; rung++)
    PetscCall(DiniEngineTryRung_Private(e, direction, (DiniRung)rung, b, x, status));
  if (status->good) e->start[direction] = status->rung;
  else if (!status->ran && status->tried[0] && !e->singular[0]) PetscCall(DiniEngineSingularBare_Private(e));
  if (!status->tried[0])
    PetscCall(PetscSNPrintf(status->tried, sizeof(status->tried),
                            "none of the rungs that are allowed exists for a preconditioning matrix of type %s%s",
                            ((PetscObject)e->P)->type_name,
                            direction == DINI_ADJOINT ? "; -dini_transpose auto allows all" : ""));
  PetscFunctionReturn(PETSC_SUCCESS);
}
