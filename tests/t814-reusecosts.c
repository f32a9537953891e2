static char help[] =
    "The rule of -dini_reuse auto and of -dini_reuse_forward by costs that the test sets in place of the clock.\n";

#include "support/fixtures.h"

typedef struct {
  PetscInt its[64], n, refreshed; /* iterations of each adjoint solve, and the first that found a new preconditioner */
} Watch;

static PetscErrorCode Monitor(Dini dini, DiniOperation operation, PetscInt its, PetscReal rnorm, void *ctx)
{
  Watch         *w = (Watch *)ctx;
  DiniStatistics s;

  PetscFunctionBeginUser;
  (void)rnorm;
  if (operation != DINI_OPERATION_ADJOINT) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniGetStatistics(dini, &s));
  if (s.refreshes && w->refreshed < 0) w->refreshed = w->n;
  w->its[w->n++] = its;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  A fresh factorisation takes one iteration. With c seconds an iteration and s a set-up, the rule refreshes before the first
  solve that finds at least 20 extra iterations spent, and c times as many at least s.
*/
static PetscErrorCode TestAuto(PetscReal iteration, PetscReal setup)
{
  Transport t;
  Vec       ubar, mbar, ref;
  Watch     w     = {.refreshed = -1};
  PetscInt  extra = 0, expected = -1;
  char      options[256];

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(options, sizeof(options),
                          "-pc_type redundant -dini_test_iteration_seconds %g -dini_test_setup_seconds %g",
                          (double)iteration, (double)setup));
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(TransportCreate(9, 8, &t));
  PetscCall(SNESSetTolerances(t.snes, 0.0, 1e-3, 0.0, 50, 1000)); /* a last step that leaves a stale factor behind */
  PetscCall(TransportDini(&t, DINIPARAMETERMATRIX));
  PetscCall(DiniMonitorSet(t.dini, Monitor, &w, NULL));
  PetscCall(VecDuplicate(t.m, &mbar));
  PetscCall(VecDuplicate(t.m, &ref));
  PetscCall(DiniSolve(t.dini, t.u));
  for (PetscInt k = 0; k < 24; k++) {
    PetscCall(DiniTestVec(t.u, 10 + k, &ubar));
    PetscCall(DiniVJP(t.dini, ubar, mbar));
    PetscCall(VecDestroy(&ubar));
  }
  DiniTestCount(w.n, 24, "adjoint solves");
  for (PetscInt k = 0; k < w.n && expected < 0; k++) {
    if (extra >= 20 && (PetscReal)extra * iteration >= setup) expected = k;
    extra += w.its[k] - 1;
  }
  DiniTestTrue(extra >= 20, "The kept factorisation is not stale: %" PetscInt_FMT " extra iterations", extra);
  DiniTestTrue(w.refreshed == expected, "%s: refreshed before solve %" PetscInt_FMT ", expected %" PetscInt_FMT,
               options, w.refreshed, expected);
  if (expected >= 0) DiniTestCount(w.its[expected], 1, "iterations with the new factorisation");
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&ref));
  PetscCall(TransportDestroy(&t));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Forward solves: a set-up that costs nothing is made each time, one that costs everything never again */
static PetscErrorCode TestForward(PetscReal setup, PetscInt least, PetscInt most)
{
  Linear         l;
  DiniStatistics s;
  KSP            ksp;
  PC             pc;
  char           options[256];
  PetscMPIInt    size;

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(options, sizeof(options),
                          "-dini_reuse_forward -dini_test_iteration_seconds 1 -dini_test_setup_seconds %g",
                          (double)setup));
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(LinearCreate(60, &l));
  PetscCall(LinearDini(&l, DINIKSP, DINIPARAMETERMATRIX));
  ksp = l.ksp;
  PetscCall(KSPSetType(ksp, KSPGMRES));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(PCSetType(pc, size > 1 ? PCREDUNDANT : PCLU)); /* one iteration, and more with a stale one */
  PetscCall(KSPSetTolerances(ksp, 1e-10, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  for (int i = 0; i < 12; i++) {
    PetscCall(VecShift(l.m, 0.02));
    PetscCall(VecSet(l.u, 0.0));
    PetscCall(DiniSolve(l.dini, l.u));
  }
  PetscCall(DiniGetStatistics(l.dini, &s));
  DiniTestTrue(s.forward_kept >= least && s.forward_kept <= most,
               "A set-up of %g: %" PetscInt_FMT " kept, expected %" PetscInt_FMT " to %" PetscInt_FMT, (double)setup,
               s.forward_kept, least, most);
  PetscCall(LinearDestroy(&l));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestAuto(1.0, 1e-3));     /* as soon as clocks are looked at: after 20 */
  PetscCall(TestAuto(1.0, 30.0));     /* once the set-up has been spent */
  PetscCall(TestAuto(1e-3, 1e3));     /* never */
  PetscCall(TestForward(1e-6, 5, 6)); /* every other one: kept once, found dear, built again */
  PetscCall(TestForward(1e6, 11, 11));
  PetscCall(PetscFinalize());
  return 0;
}
