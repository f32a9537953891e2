static char help[] =
    "Counters count and steer nothing: results are the same when a monitor sets them to zero at every call.\n";

#include "support/fixtures.h"

static PetscErrorCode Zero(Dini dini, DiniOperation operation, PetscInt its, PetscReal rnorm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)operation;
  (void)its;
  (void)rnorm;
  ++*(PetscInt *)ctx;
  PetscCall(DiniResetStatistics(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Minimisation with trial solves that fail: where the first has succeeded, the line search copes with the others. */
static PetscErrorCode TaoRun(PetscBool zero, Vec *solution)
{
  Transport          t;
  Tao                tao;
  Vec                m;
  PetscInt           calls = 0;
  TaoConvergedReason reason;

  PetscFunctionBeginUser;
  PetscCall(TransportCreate(5, 4, &t));
  t.alpha = 0.5;
  PetscCall(
      SNESSetTolerances(t.snes, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT, 6, PETSC_DEFAULT)); /* far off: failure */
  PetscCall(TransportDini(&t, DINIPARAMETERMATRIX));
  PetscCall(DiniSetState(t.dini, t.u));
  PetscCall(DiniSetObjective(t.dini, TransportObjective, TransportObjectiveGradient, &t));
  if (zero) PetscCall(DiniMonitorSet(t.dini, Zero, &calls, NULL));
  PetscCall(TaoCreate(PETSC_COMM_WORLD, &tao));
  PetscCall(TaoSetType(tao, TAOLMVM));
  PetscCall(TaoSetTolerances(tao, 1e-5, 0.0, 0.0));
  PetscCall(DiniSetTao(t.dini, tao));
  PetscCall(TaoSolve(tao));
  PetscCall(TaoGetConvergedReason(tao, &reason));
  DiniTestTrue(reason > 0, "Tao stops with %d", (int)reason);
  PetscCall(TaoGetSolution(tao, &m));
  PetscCall(VecDuplicate(m, solution));
  PetscCall(VecCopy(m, *solution));
  DiniTestTrue(!zero || calls > 4, "The monitor was called %" PetscInt_FMT " times", calls);
  PetscCall(TaoDestroy(&tao));
  PetscCall(TransportDestroy(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A trial point outside the domain, after counters have been set to zero: tolerated all the same */
static PetscErrorCode TestTrial(void)
{
  Transport t;
  Tao       tao;
  Vec       m, g;
  PetscReal f[2];

  PetscFunctionBeginUser;
  PetscCall(TransportCreate(5, 4, &t));
  PetscCall(TransportDini(&t, DINIPARAMETERMATRIX));
  PetscCall(DiniSetState(t.dini, t.u));
  PetscCall(DiniSetObjective(t.dini, TransportObjective, TransportObjectiveGradient, &t));
  PetscCall(TaoCreate(PETSC_COMM_WORLD, &tao));
  PetscCall(TaoSetType(tao, TAOLMVM));
  PetscCall(DiniSetTao(t.dini, tao));
  PetscCall(DiniCreateParameterVec(t.dini, &m));
  PetscCall(VecDuplicate(m, &g));
  PetscCall(TaoComputeObjectiveAndGradient(tao, m, &f[0], g));
  PetscCall(DiniResetStatistics(t.dini));
  PetscCall(SNESSetTolerances(t.snes, 1e-12, 1e-12, 0.0, 0, 1000)); /* every solve fails now */
  PetscCall(VecShift(m, 0.5));
  PetscCall(TaoComputeObjectiveAndGradient(tao, m, &f[1], g));
  DiniTestClose(f[1], f[0] + 9.0 * PetscAbsReal(f[0]), 1e-12, 0.0, "value at a trial point that fails");
  PetscCall(DiniReset(t.dini)); /* nothing is known: an optimisation can not start here */
  DiniTestExpectAny(TaoComputeObjectiveAndGradient(tao, m, &f[1], g), "forward solve");
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&g));
  PetscCall(TaoDestroy(&tao));
  PetscCall(TransportDestroy(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestTao(void)
{
  Vec m[2];

  PetscFunctionBeginUser;
  for (int k = 0; k < 2; k++) PetscCall(TaoRun((PetscBool)k, &m[k]));
  PetscCall(DiniTestVecsClose(m[0], m[1], 1e-12, "the minimum, counters zeroed or not"));
  for (int k = 0; k < 2; k++) PetscCall(VecDestroy(&m[k]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A pinned derivative goes back to its point: that F is as small there as it was is state, not a counter. */
static PetscErrorCode TestPinned(void)
{
  Cubic    c[2];
  Mat      D[2];
  Vec      ubar, mbar[2];
  PetscInt calls = 0;

  PetscFunctionBeginUser;
  for (int k = 0; k < 2; k++) {
    PetscCall(CubicCreate(9, 0.0, &c[k]));
    PetscCall(SNESSetTolerances(c[k].snes, 1e-4, 1e-4, 0.0, 50, 1000)); /* |F| far above rounding */
    PetscCall(CubicDini(&c[k], DINISNES, DINIPARAMETERMATRIX));
    if (k) PetscCall(DiniMonitorSet(c[k].dini, Zero, &calls, NULL));
    PetscCall(DiniSetAttachTolerances(c[k].dini, 0.0, 0.0));
    PetscCall(DiniSolve(c[k].dini, c[k].u));
    if (k) PetscCall(DiniResetStatistics(c[k].dini));
    PetscCall(DiniCreateDerivative(c[k].dini, 0, &D[k]));
    PetscCall(VecShift(c[k].m, 0.25));
    PetscCall(DiniSolve(c[k].dini, c[k].u));
    PetscCall(VecDuplicate(c[k].m, &mbar[k]));
  }
  PetscCall(DiniTestVec(c[0].u, 3, &ubar));
  for (int k = 0; k < 2; k++) PetscCall(MatMultTranspose(D[k], ubar, mbar[k]));
  PetscCall(DiniTestVecsClose(mbar[0], mbar[1], 1e-12, "a pinned product, counters zeroed or not"));
  DiniTestTrue(calls > 2, "The monitor was called %" PetscInt_FMT " times", calls);
  PetscCall(VecDestroy(&ubar));
  for (int k = 0; k < 2; k++) {
    PetscCall(MatDestroy(&D[k]));
    PetscCall(VecDestroy(&mbar[k]));
    PetscCall(CubicDestroy(&c[k]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Someone writes the same values into A of a loosely solved system: still the one that u belongs to */
static PetscErrorCode TestLinear(void)
{
  Linear   l[2];
  Vec      ubar, mbar[2];
  PetscInt calls = 0;

  PetscFunctionBeginUser;
  for (int k = 0; k < 2; k++) {
    PetscCall(LinearCreate(12, &l[k]));
    PetscCall(LinearDini(&l[k], DINIKSP, DINIPARAMETERMATRIX));
    PetscCall(KSPSetTolerances(l[k].ksp, 1e-6, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
    if (k) PetscCall(DiniMonitorSet(l[k].dini, Zero, &calls, NULL));
    PetscCall(DiniSolve(l[k].dini, l[k].u));
    if (k) PetscCall(DiniResetStatistics(l[k].dini));
    PetscCall(VecDuplicate(l[k].m, &mbar[k]));
  }
  PetscCall(DiniTestVec(l[0].u, 3, &ubar));
  for (int k = 0; k < 2; k++) {
    PetscCall(MatScale(l[k].A, 2.0));
    PetscCall(MatScale(l[k].A, 0.5)); /* the same values */
    PetscCall(DiniVJP(l[k].dini, ubar, mbar[k]));
  }
  PetscCall(DiniTestVecsClose(mbar[0], mbar[1], 1e-12, "VJP of a linear system, counters zeroed or not"));
  PetscCall(VecDestroy(&ubar));
  for (int k = 0; k < 2; k++) {
    PetscCall(VecDestroy(&mbar[k]));
    PetscCall(LinearDestroy(&l[k]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Gradients to an accuracy of their own, whose estimate is in the statistics; Hessian products; a fixed number of solves */
static PetscErrorCode TestAccuracy(void)
{
  Curved   c[2];
  Vec      ubar, mbar[2], hv[2];
  PetscInt calls = 0;

  PetscFunctionBeginUser;
  for (int k = 0; k < 2; k++) {
    PetscCall(CurvedCreate(7, &c[k]));
    PetscCall(CurvedDini(&c[k], DINIPARAMETERMATRIX));
    PetscCall(DiniSetState(c[k].dini, c[k].u));
    PetscCall(DiniSetObjective(c[k].dini, CurvedObjective, CurvedObjectiveGradient, &c[k]));
    PetscCall(DiniSetGradientTolerance(c[k].dini, 1e-8));
    if (k) PetscCall(DiniMonitorSet(c[k].dini, Zero, &calls, NULL));
    PetscCall(DiniSolve(c[k].dini, c[k].u));
    PetscCall(VecDuplicate(c[k].m, &mbar[k]));
    PetscCall(VecDuplicate(c[k].m, &hv[k]));
  }
  PetscCall(DiniTestVec(c[0].u, 3, &ubar));
  for (int k = 0; k < 2; k++) {
    PetscCall(DiniVJP(c[k].dini, ubar, mbar[k]));
    PetscCall(DiniHVP(c[k].dini, mbar[k], hv[k]));
  }
  PetscCall(DiniTestVecsClose(mbar[0], mbar[1], 1e-12, "a gradient to its tolerance, counters zeroed or not"));
  PetscCall(DiniTestVecsClose(hv[0], hv[1], 1e-10, "a Hessian product, counters zeroed or not"));
  PetscCall(VecDestroy(&ubar));
  for (int k = 0; k < 2; k++) {
    PetscCall(VecDestroy(&mbar[k]));
    PetscCall(VecDestroy(&hv[k]));
    PetscCall(CurvedDestroy(&c[k]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  if (!PetscDefined(USE_COMPLEX)) { /* PETSc has no Tao types there */
    PetscCall(TestTrial());
    PetscCall(TestTao());
  }
  PetscCall(TestPinned());
  PetscCall(TestLinear());
  PetscCall(TestAccuracy());
  PetscCall(PetscFinalize());
  return 0;
}
