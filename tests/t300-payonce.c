static char help[] =
    "A gradient costs one assembly of J and no set-up of a preconditioner, by three independent accounts:\n\
PETSc's log events, the callbacks' own counters, and the statistics. The preconditioner comes from the command line.\n";

#include "support/fixtures.h"

/* What a preconditioner's set-up cannot hide: factorisations, coarsening, Galerkin products; and copies of the operator. */
static const char *const events[] = {"MatLUFactorNum", "MatLUFactorSym", "MatILUFactorSym", "MatILUFactor",
                                     "MatLUFactor",    "PCSetUp_GAMG+",  "MatPtAPNumeric",  "MatPtAPSymbolic",
                                     "MatTranspose",   "MatGetSubMats"};
#define NEVENTS ((PetscInt)(sizeof(events) / sizeof(*events)))

typedef struct {
  PetscInt jacobian, costly[sizeof(events) / sizeof(*events)];
} Account;

static PetscErrorCode AccountTake(Account *a)
{
  PetscFunctionBeginUser;
  PetscCall(DiniTestEvent("SNESJacobianEval", &a->jacobian));
  for (PetscInt k = 0; k < NEVENTS; k++) PetscCall(DiniTestEvent(events[k], &a->costly[k]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AccountCheck(const Account *before, PetscInt jacobians)
{
  Account now;

  PetscFunctionBeginUser;
  PetscCall(AccountTake(&now));
  DiniTestCount(now.jacobian - before->jacobian, jacobians, "logged Jacobian evaluations");
  for (PetscInt k = 0; k < NEVENTS; k++) DiniTestCount(now.costly[k] - before->costly[k], 0, events[k]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestSNES(void)
{
  Transport      t;
  Account        account;
  Vec            ubar, mbar, dm, du, mbar_ref;
  DiniStatistics s;
  PetscInt       jacobians, total = 0;

  PetscFunctionBeginUser;
  PetscCall(TransportCreate(17, 13, &t));
  PetscCall(TransportDini(&t, DINIPARAMETERMATRIX));
  PetscCall(DiniTestVec(t.u, 1, &ubar));
  PetscCall(DiniTestVec(t.m, 2, &dm));
  PetscCall(VecDuplicate(t.m, &mbar));
  PetscCall(VecDuplicate(t.m, &mbar_ref));
  PetscCall(VecDuplicate(t.u, &du));
  for (PetscInt k = 0; k < 3; k++) { /* the first time with guards, then without */
    PetscCall(VecShift(t.m, 0.05 * (PetscReal)k));
    PetscCall(DiniSolve(t.dini, t.u));
    jacobians = t.jacobians;
    PetscCall(AccountTake(&account));
    PetscCall(DiniVJP(t.dini, ubar, mbar));
    PetscCall(AccountCheck(&account, 1));
    DiniTestCount(t.jacobians - jacobians, 1, "calls of the Jacobian callback for a VJP");
    PetscCall(DiniVJP(t.dini, ubar, mbar)); /* more derivatives at the same point cost no assembly at all */
    PetscCall(DiniJVP(t.dini, dm, du));
    PetscCall(AccountCheck(&account, 1));
    DiniTestCount(t.jacobians - jacobians, 1, "calls of the Jacobian callback for four derivatives");
    total++;
    PetscCall(DiniGetStatistics(t.dini, &s));
    DiniTestCount(s.jacobian_assemblies, total, "Jacobian assemblies in the statistics");
    DiniTestCount(s.linearizations, total, "linearizations in the statistics");
    DiniTestCount(s.pc_setups, 0, "preconditioner set-ups in the statistics");
    DiniTestCount(s.factorizations, 0, "factorisations in the statistics");
    DiniTestCount(s.refreshes, 0, "refreshes in the statistics");
    DiniTestCount(t.fills, total, "fills of F_m");
    DiniTestCount(s.parameter_assemblies, total, "fills of F_m in the statistics");
    DiniTestTrue(s.adjoint_residual <= 1e-10, "Adjoint residual %g", (double)s.adjoint_residual);
  }
  /* cheap is not enough */
  PetscCall(TransportReferenceVJP(&t, ubar, mbar_ref));
  PetscCall(DiniTestVecsClose(mbar, mbar_ref, 1e-8, "VJP"));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&mbar_ref));
  PetscCall(VecDestroy(&du));
  PetscCall(TransportDestroy(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A gradient through the objective: as many forward solves as points, one assembly each. */
static PetscErrorCode TestObjective(void)
{
  Transport      t;
  Account        account;
  Vec            m, g;
  PetscReal      f;
  DiniStatistics s;
  PetscInt       newton;

  PetscFunctionBeginUser;
  PetscCall(TransportCreate(17, 13, &t));
  PetscCall(TransportDini(&t, DINIPARAMETERMATRIX));
  PetscCall(DiniSetState(t.dini, t.u));
  PetscCall(DiniSetObjective(t.dini, TransportObjective, TransportObjectiveGradient, &t));
  PetscCall(DiniCreateParameterVec(t.dini, &m));
  PetscCall(VecDuplicate(m, &g));
  PetscCall(DiniComputeObjective(t.dini, m, &f));
  PetscCall(SNESGetIterationNumber(t.snes, &newton));
  DiniTestCount(t.jacobians, newton, "Jacobians in the forward solve");
  PetscCall(AccountTake(&account));
  PetscCall(DiniComputeObjectiveAndGradient(t.dini, m, &f, g));
  PetscCall(AccountCheck(&account, 1));
  DiniTestCount(t.jacobians, newton + 1, "Jacobians in the forward solve and the gradient");
  PetscCall(DiniGetStatistics(t.dini, &s));
  DiniTestCount(s.forward_solves, 1, "forward solves for a value and a gradient at one point");
  DiniTestCount(s.adjoint_solves, 1, "adjoint solves for a gradient");
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&g));
  PetscCall(TransportDestroy(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A linear system: the forward operator and its preconditioner are those of the solution already. */
static PetscErrorCode TestKSP(void)
{
  Linear         l;
  Account        account;
  Vec            ubar, mbar;
  DiniStatistics s;
  PetscInt       assemblies;

  PetscFunctionBeginUser;
  PetscCall(LinearCreate(40, &l));
  PetscCall(LinearDini(&l, DINIKSP, DINIPARAMETERMATRIX));
  PetscCall(DiniSetGuard(l.dini, PETSC_FALSE));
  PetscCall(DiniTestVec(l.u, 3, &ubar));
  PetscCall(VecDuplicate(l.m, &mbar));
  for (PetscInt k = 0; k < 2; k++) {
    PetscCall(VecShift(l.m, 0.1));
    PetscCall(DiniSolve(l.dini, l.u));
    assemblies = l.assemblies;
    PetscCall(AccountTake(&account));
    PetscCall(DiniVJP(l.dini, ubar, mbar));
    PetscCall(AccountCheck(&account, 0));
    PetscCall(DiniGetStatistics(l.dini, &s));
    DiniTestCount(l.assemblies - assemblies, 0, "assemblies of a linear system for a VJP");
    DiniTestCount(s.jacobian_assemblies, 0, "assemblies in the statistics");
    DiniTestCount(s.pc_setups + s.factorizations + s.refreshes, 0, "set-ups in the statistics");
  }
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(LinearDestroy(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A fourth account, whatever the command line says: a preconditioner that counts its own set-ups. */
static PetscErrorCode TestCountingPC(void)
{
  Cubic      c;
  CountingPC count;
  KSP        ksp;
  PC         pc;
  Vec        ubar, mbar;
  PetscInt   setups;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(11, DiniTestScalar(0.5, 0.3), &c));
  PetscCall(SNESGetKSP(c.snes, &ksp));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(CountingPCSet(pc, &count));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERMATRIX));
  PetscCall(DiniTestVec(c.u, 4, &ubar));
  PetscCall(VecDuplicate(c.m, &mbar));
  for (PetscInt k = 0; k < 2; k++) {
    PetscCall(VecShift(c.m, 0.1));
    PetscCall(DiniSolve(c.dini, c.u));
    setups = count.setups;
    PetscCall(DiniVJP(c.dini, ubar, mbar));
    PetscCall(DiniVJP(c.dini, ubar, mbar));
    DiniTestCount(count.setups - setups, 0, "set-ups of a counting preconditioner");
  }
  DiniTestTrue(count.transposes > 0, "The forward preconditioner's transpose was never applied");
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(CubicDestroy(&c));
  PetscCall(CountingPCDestroy(&count));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscLogDefaultBegin());
  PetscCall(TestSNES());
  PetscCall(TestObjective());
  PetscCall(TestKSP());
  PetscCall(TestCountingPC());
  PetscCall(PetscFinalize());
  return 0;
}
