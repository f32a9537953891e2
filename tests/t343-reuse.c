static char help[] =
    "-dini_reuse: when the preconditioner is set up at the solution, counted; and forward solves that keep theirs.\n";

#include "support/fixtures.h"

#define GRADIENTS 12

static PetscErrorCode TestPolicy(const char options[], PetscInt least, PetscInt most)
{
  Transport      t;
  Vec            ubar, mbar, ref;
  DiniStatistics s;

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(TransportCreate(12, 11, &t));
  PetscCall(SNESSetTolerances(t.snes, 0.0, 1e-3, 0.0, 50, 1000)); /* a last step that leaves a stale factor behind */
  PetscCall(TransportDini(&t, DINIPARAMETERMATRIX));
  PetscCall(VecDuplicate(t.m, &mbar));
  PetscCall(VecDuplicate(t.m, &ref));
  PetscCall(DiniSolve(t.dini, t.u));
  for (PetscInt k = 0; k < GRADIENTS; k++) {
    PetscCall(DiniTestVec(t.u, 10 + k, &ubar));
    PetscCall(DiniVJP(t.dini, ubar, mbar));
    PetscCall(TransportReferenceVJP(&t, ubar, ref));
    PetscCall(DiniTestVecsClose(mbar, ref, 1e-8, options));
    PetscCall(VecDestroy(&ubar));
  }
  PetscCall(DiniGetStatistics(t.dini, &s));
  DiniTestTrue(s.refreshes >= least && s.refreshes <= most,
               "%s: %" PetscInt_FMT " refreshes, expected %" PetscInt_FMT " to %" PetscInt_FMT, options, s.refreshes,
               least, most);
  DiniTestCount(s.pc_setups, s.refreshes, "set-ups, all of them refreshes");
  DiniTestCount(s.jacobian_assemblies, 1, "Jacobian assemblies");
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&ref));
  PetscCall(TransportDestroy(&t));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Twelve forward solves on a path of parameters: kept preconditioners change neither states nor derivatives. */
static PetscErrorCode TestForward(DiniType type)
{
  Linear         l[2];
  Vec            ubar, mbar[2];
  DiniStatistics s;

  PetscFunctionBeginUser;
  for (int k = 0; k < 2; k++) {
    KSP ksp;
    PC  pc;

    PetscCall(LinearCreate(60, &l[k]));
    PetscCall(LinearDini(&l[k], type, DINIPARAMETERMATRIX));
    if (k) PetscCall(DiniSetForwardReuse(l[k].dini, PETSC_TRUE));
    ksp = l[k].ksp;
    if (l[k].snes) PetscCall(SNESGetKSP(l[k].snes, &ksp));
    PetscCall(KSPSetType(ksp, KSPGMRES));
    PetscCall(KSPGetPC(ksp, &pc));
    PetscCall(PCSetType(pc, PCBJACOBI));
    PetscCall(KSPSetTolerances(ksp, 1e-12, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
    PetscCall(VecDuplicate(l[k].m, &mbar[k]));
  }
  PetscCall(DiniTestVec(l[0].u, 2, &ubar));
  for (PetscInt i = 0; i < 12; i++) {
    for (int k = 0; k < 2; k++) {
      PetscCall(VecShift(l[k].m, 0.01));
      PetscCall(DiniSolve(l[k].dini, l[k].u));
      PetscCall(DiniVJP(l[k].dini, ubar, mbar[k]));
    }
    PetscCall(DiniTestVecsClose(l[0].u, l[1].u, 1e-8, "state, preconditioner kept or not"));
    PetscCall(DiniTestVecsClose(mbar[0], mbar[1], 1e-8, "VJP, preconditioner kept or not"));
  }
  PetscCall(DiniGetStatistics(l[0].dini, &s));
  DiniTestCount(s.forward_kept, 0, "kept preconditioners that nobody asked for");
  PetscCall(DiniGetStatistics(l[1].dini, &s));
  DiniTestTrue(s.forward_kept > 0, "No forward solve has kept its preconditioner");
  DiniTestCount(s.forward_failures, 0, "failed forward solves");
  for (int k = 0; k < 2; k++) {
    PetscCall(VecDestroy(&mbar[k]));
    PetscCall(LinearDestroy(&l[k]));
  }
  PetscCall(VecDestroy(&ubar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  Transport t;
  DiniReuse reuse;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestPolicy("-pc_type redundant -dini_reuse always", 0, 0));
  PetscCall(TestPolicy("-pc_type redundant -dini_reuse never", 1, 1));
  PetscCall(TestPolicy("-pc_type redundant", 0, 1)); /* by the clock: at most once at a point */
  PetscCall(TestForward(DINIKSP));
  PetscCall(TestForward(DINISNES));
  PetscCall(TransportCreate(4, 4, &t));
  PetscCall(TransportDini(&t, DINIPARAMETERMATRIX));
  PetscCall(DiniGetReuse(t.dini, &reuse));
  DiniTestTrue(reuse == DINI_REUSE_AUTO, "The policy of a new object is %s", DiniReuses[reuse]);
  DiniTestExpect(DiniSetReuse(t.dini, (DiniReuse)7), PETSC_ERR_ARG_OUTOFRANGE, "7");
  PetscCall(TransportDestroy(&t));
  PetscCall(PetscFinalize());
  return 0;
}
