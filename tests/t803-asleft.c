static char help[] =
    "The application's objects after derivatives: solvers have their own matrices, and no object state is turned back, so that\n\
what others have cached by state stays right.\n";

#include "support/fixtures.h"
#include <petsc/private/petscimpl.h> /* object states */

/* ---- A KSP whose Dini has a Jacobian matrix of its own, and sets the preconditioner up at each point ---- */

static PetscErrorCode OwnJacobian(Dini dini, Vec u, Mat J, Mat P, void *ctx)
{
  Linear *l = (Linear *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  (void)u;
  (void)P;
  PetscCall(LinearAssemble(l, J, l->c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestKSP(const char pctype[], DiniReuse reuse)
{
  Linear    l;
  Vec       ubar, mbar, expected, x, again;
  Mat       J, A, P, before;
  PC        pc;
  PetscBool same;

  PetscFunctionBeginUser;
  PetscCall(LinearCreate(8, &l));
  PetscCall(KSPGetPC(l.ksp, &pc));
  PetscCall(PCSetType(pc, pctype));
  PetscCall(MatDuplicate(l.A, MAT_COPY_VALUES, &J));
  PetscCall(LinearDini(&l, DINIKSP, DINIPARAMETERMATRIX));
  PetscCall(DiniSetJacobian(l.dini, J, NULL, OwnJacobian, &l));
  PetscCall(DiniSetReuse(l.dini, reuse));
  PetscCall(DiniTestVec(l.u, 1, &ubar));
  PetscCall(VecDuplicate(l.m, &mbar));
  PetscCall(VecDuplicate(l.m, &expected));
  PetscCall(VecDuplicate(l.u, &x));
  PetscCall(VecDuplicate(l.u, &again));
  for (int k = 0; k < 2; k++) {
    PetscCall(VecShift(l.m, 0.25));
    PetscCall(DiniSolve(l.dini, l.u));
    PetscCall(KSPSolve(l.ksp, ubar, x));
    PetscCall(DiniVJP(l.dini, ubar, mbar));
    PetscCall(DiniTestReferenceVJP(l.A, l.Fm, ubar, expected));
    PetscCall(DiniTestVecsClose(mbar, expected, 1e-8, "VJP with a Jacobian of its own"));
    PetscCall(KSPGetOperators(l.ksp, &A, &P));
    DiniTestTrue(A == l.A && P == l.A, "The KSP has other operators after a VJP");
    PetscCall(KSPSolve(l.ksp, ubar, again));
    PetscCall(DiniTestVecsClose(again, x, 1e-9, "a solve of the application's after a VJP"));
    PetscCall(MatDuplicate(J, MAT_COPY_VALUES, &before)); /* the next solve assembles into A, not into J */
    PetscCall(VecShift(l.m, 0.25));
    PetscCall(DiniSolve(l.dini, l.u));
    PetscCall(MatEqual(J, before, &same));
    DiniTestTrue(same, "A solve has written into the Jacobian of the application");
    PetscCall(MatMult(l.A, l.u, x));
    PetscCall(DiniTestVecsClose(x, l.b, 1e-8, "the state of another solve"));
    PetscCall(MatDestroy(&before));
  }
  PetscCall(MatDestroy(&J));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&expected));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&again));
  PetscCall(LinearDestroy(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A SNES that lags its Jacobian: Dini's J is a copy, which is no matrix of the KSP */
static PetscErrorCode TestLagged(const char pctype[])
{
  Cubic c;
  Vec   ubar, mbar, x, again;
  Mat   A[2], P[2];
  KSP   ksp;
  PC    pc;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(8, 0.25, &c));
  PetscCall(SNESSetLagJacobian(c.snes, 3));
  PetscCall(SNESGetKSP(c.snes, &ksp));
  PetscCall(KSPSetTolerances(ksp, 1e-12, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, pctype));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERMATRIX));
  PetscCall(DiniSetReuse(c.dini, DINI_REUSE_NEVER));
  PetscCall(DiniTestVec(c.u, 1, &ubar));
  PetscCall(VecDuplicate(c.m, &mbar));
  PetscCall(VecDuplicate(c.u, &x));
  PetscCall(VecDuplicate(c.u, &again));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(KSPGetOperators(ksp, &A[0], &P[0]));
  PetscCall(KSPSolve(ksp, ubar, x));
  PetscCall(DiniVJP(c.dini, ubar, mbar));
  PetscCall(KSPGetOperators(ksp, &A[1], &P[1]));
  DiniTestTrue(A[0] == A[1] && P[0] == P[1], "The KSP of a lagged SNES has other operators after a VJP");
  PetscCall(KSPSolve(ksp, ubar, again));
  PetscCall(DiniTestVecsClose(again, x, 1e-9, "a solve with the lagged Jacobian after a VJP"));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&again));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- A cache by object state ---- */

#define ENTRIES 256

typedef struct {
  Curved          *c;
  PetscInt         n;
  Mat              A[ENTRIES];
  PetscObjectState state[ENTRIES];
  PetscReal        norm[ENTRIES];
} Cache;

/* What somebody would do who keeps a factorisation, say: the same state must mean the same values */
static PetscErrorCode Look(Cache *cache, Mat A)
{
  PetscObjectState state;
  PetscReal        norm;

  PetscFunctionBeginUser;
  PetscCall(PetscObjectStateGet((PetscObject)A, &state));
  PetscCall(MatNorm(A, NORM_FROBENIUS, &norm));
  for (PetscInt k = 0; k < cache->n; k++)
    if (A == cache->A[k] && state == cache->state[k])
      DiniTestClose(norm, cache->norm[k], 1e-15, 0.0, "norm of a matrix with an object state that has been seen");
  if (cache->n == ENTRIES) PetscFunctionReturn(PETSC_SUCCESS);
  cache->A[cache->n]      = A;
  cache->state[cache->n]  = state;
  cache->norm[cache->n++] = norm;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Called beside the point as well */
static PetscErrorCode CachingGradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  Cache *cache = (Cache *)ctx;

  PetscFunctionBeginUser;
  PetscCall(Look(cache, cache->c->J));
  PetscCall(CurvedObjectiveGradient(dini, u, dJdu, dJdm, cache->c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Value(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  PetscFunctionBeginUser;
  PetscCall(CurvedObjective(dini, u, value, ((Cache *)ctx)->c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestStates(void)
{
  Curved           c;
  Cache            cache = {0};
  Vec              v, Hv, g;
  PetscReal        value;
  PetscObjectState last[2] = {0, 0}, now[2];
  DiniStatistics   s;

  PetscFunctionBeginUser;
  PetscCall(CurvedCreate(6, &c));
  PetscCall(CurvedDini(&c, DINIPARAMETERMATRIX));
  cache.c = &c;
  PetscCall(DiniSetObjective(c.dini, Value, CachingGradient, &cache));
  PetscCall(DiniCreateParameterVec(c.dini, &v));
  PetscCall(VecDuplicate(v, &Hv));
  PetscCall(VecDuplicate(v, &g));
  PetscCall(DiniComputeObjectiveAndGradient(c.dini, v, &value, g));
  PetscCall(DiniHVP(c.dini, g, Hv)); /* set-ups once */
  PetscCall(DiniResetStatistics(c.dini));
  for (int k = 0; k < 4; k++) {
    PetscCall(DiniTestFill(v, 5 + k));
    PetscCall(DiniHVP(c.dini, v, Hv));
    PetscCall(Look(&cache, c.J));
    PetscCall(Look(&cache, c.Fm));
    PetscCall(PetscObjectStateGet((PetscObject)c.J, &now[0]));
    PetscCall(PetscObjectStateGet((PetscObject)c.Fm, &now[1]));
    for (int i = 0; i < 2; i++) DiniTestTrue(now[i] >= last[i], "An object state has been turned back");
    last[0] = now[0];
    last[1] = now[1];
  }
  PetscCall(DiniGetStatistics(c.dini, &s));
  DiniTestCount(s.pc_setups, 0, "set-ups of preconditioners for more Hessian products at a point");
  DiniTestCount(s.relinearizations, 0, "matrices made again because Dini itself has written into them");
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&Hv));
  PetscCall(VecDestroy(&g));
  PetscCall(CurvedDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestKSP(PCJACOBI, DINI_REUSE_NEVER));
  PetscCall(TestKSP(PCBJACOBI, DINI_REUSE_NEVER));
  PetscCall(TestKSP(PCBJACOBI, DINI_REUSE_AUTO));
  PetscCall(TestLagged(PCJACOBI));
  PetscCall(TestLagged(PCBJACOBI));
  PetscCall(TestStates());
  PetscCall(PetscFinalize());
  return 0;
}
