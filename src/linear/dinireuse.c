/*
  Keep the forward preconditioner, or set it up again at the solution?

  The kept one is free and costs iterations, a fresh one costs a set-up. Not knowing how many solves will come, refreshing
  when the iterations spent beyond a fresh one's have cost as much as the set-up would is never worse than twice the best
  choice in hindsight. The seconds that this compares are those of the slowest rank, so that all ranks decide alike.
*/
#include "../private/diniengineimpl.h"

#define DINI_PATIENCE 20 /* extra iterations at a point before clocks are looked at: small problems time nothing */

/* Iterations that a fresh PC would need: one with a factorisation, else the fewest seen, else what the forward solve says */
PetscErrorCode DiniEngineFreshIterations_Private(DiniEngine e, DiniDirection direction, PetscInt *its)
{
  KSP       ksp = NULL;
  PetscBool factored;
  PetscReal rtol, more;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompareAny((PetscObject)e->pc, &factored, PCLU, PCCHOLESKY, PCQR, PCSVD, PCREDUNDANT, ""));
  *its = 1;
  if (factored) PetscFunctionReturn(PETSC_SUCCESS);
  if (e->freshits[direction]) {
    *its = e->freshits[direction];
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(DiniEngineGetForward_Private(e, &ksp));
  if (!ksp) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(KSPGetIterationNumber(ksp, its));
  PetscCall(KSPGetTolerances(ksp, &rtol, NULL, NULL, NULL));
  more = rtol > 0.0 && rtol < 1.0 ? PetscLogReal(0.5 * e->rtol[direction]) / PetscLogReal(rtol) : 1.0;
  *its = PetscMax(1, (PetscInt)((PetscReal)*its * PetscMax(1.0, more)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Before a solve: refreshes the PC when its policy says so. */
PetscErrorCode DiniEngineReuse_Private(DiniEngine e, DiniDirection direction)
{
  PetscReal mine[2], all[2];
  PetscBool own;

  PetscFunctionBegin;
  PetscCall(DiniEngineOwnsPC_Private(e, direction, &own));
  if (e->fresh || own || e->reuse == DINI_REUSE_ALWAYS) PetscFunctionReturn(PETSC_SUCCESS);
  if (direction == DINI_ADJOINT && !e->symmetric && e->transposed == DINI_TRANSPOSED_NONE)
    PetscFunctionReturn(PETSC_SUCCESS);
  if (e->reuse == DINI_REUSE_AUTO) {
    Mat P;

    PetscCall(PCGetOperators(e->pc, NULL, &P));
    if (P != e->P) PetscFunctionReturn(PETSC_SUCCESS); /* a lagged SNES counts on its PC as it is */
    if (e->overspent < DINI_PATIENCE) PetscFunctionReturn(PETSC_SUCCESS);
    mine[0] = e->extra;
    mine[1] = e->terms.testseconds[1] > 0.0 ? e->terms.testseconds[1] : e->setupseconds;
    if (mine[1] <= 0.0) mine[1] = e->terms.stepseconds; /* a Newton step holds one set-up */
    PetscCall(MPIU_Allreduce(mine, all, 2, MPIU_REAL, MPIU_MAX, PetscObjectComm((PetscObject)e)));
    if (all[0] < all[1] || all[1] <= 0.0) PetscFunctionReturn(PETSC_SUCCESS);
    PetscCall(PetscInfo(e,
                        "The kept preconditioner has cost %g s in extra iterations, a set-up costs %g s: refreshed\n",
                        (double)all[0], (double)all[1]));
  }
  PetscCall(DiniEngineSetUpPC_Private(e, PETSC_TRUE));
  e->stats->refreshes++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscReal DiniSecondsEach(DiniEngine e, const DiniSolveResult *status)
{
  return e->terms.testseconds[0] > 0.0 ? e->terms.testseconds[0] : status->seconds / (PetscReal)status->rungits;
}

/* After a solve: what has keeping the PC cost? */
PetscErrorCode DiniEngineSpent_Private(DiniEngine e, DiniDirection direction, const DiniSolveResult *status)
{
  PetscInt fresh;

  PetscFunctionBegin;
  if (status->rung == DINI_RUNG_KEPT || status->rung == DINI_RUNG_GMRES || status->rung == DINI_RUNG_REFRESHED) {
    if (e->fresh) {
      if (status->good) e->freshits[direction] = PetscMax(1, status->rungits);
    } else if (status->rungits > 0) {
      PetscCall(DiniEngineFreshIterations_Private(e, direction, &fresh));
      if (status->rungits > fresh) {
        e->overspent += status->rungits - fresh;
        e->extra += DiniSecondsEach(e, status) * (PetscReal)(status->rungits - fresh);
      }
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
