static char help[] =
    "A TS as it is: objectives in time and their Hessian products, checkpoints, and what derivatives cost.\n";

#include "support/stepping.h"

#define DATA 3

typedef struct {
  Stepping s;
  Vec      d[DATA];
} Case;

/* The running part: |u_n|^2/2 over the number of the state and one */
static PetscErrorCode Running(Dini dini, PetscInt n, PetscReal t, Vec u, PetscReal *value, Vec dJdu, void *ctx)
{
  const Case     *c      = (Case *)ctx;
  const PetscReal weight = 1.0 / (PetscReal)(n + 1);
  PetscReal       norm;

  PetscFunctionBeginUser;
  (void)dini;
  DiniTestClose(t, (PetscReal)n * c->s.dt, 1e-12, 1e-12, "the time of a state");
  PetscCall(VecNorm(u, NORM_2, &norm));
  *value += weight * 0.5 * norm * norm;
  if (dJdu) PetscCall(VecAXPY(dJdu, weight, u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CaseCreate(const char options[], PetscInt slots, Case *c)
{
  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(SteppingCreate(STEPPING_IMPLICIT, STEPPING_STATE, &c->s));
  PetscCall(DiniTestOptionsClear(options));
  PetscCall(DiniSetCheckpoints(c->s.dini, slots));
  PetscCall(DiniSetChainObjective(c->s.dini, Running, c));
  for (int i = 0; i < DATA; i++) {
    PetscCall(DiniTestVec(c->s.u, 30 + i, &c->d[i]));
    PetscCall(DiniAddChainObservation(c->s.dini, 0.37 * c->s.t1 * (PetscReal)i, NULL, c->d[i], NULL));
  }
  PetscCall(DiniSetState(c->s.dini, c->s.u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CaseDestroy(Case *c)
{
  PetscFunctionBeginUser;
  for (int i = 0; i < DATA; i++) PetscCall(VecDestroy(&c->d[i]));
  PetscCall(SteppingDestroy(&c->s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* g . dm of values, and H dm of gradients, by differences of fourth order */
static PetscErrorCode Differences(Case *c, Vec at, Vec dm, PetscReal *slope, Vec Hdm)
{
  static const PetscReal weight[] = {1.0 / 12.0, -2.0 / 3.0, 0.0, 2.0 / 3.0, -1.0 / 12.0};
  const PetscReal        h        = 2e-3;
  Vec                    shifted, g;
  PetscReal              value;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(at, &shifted));
  PetscCall(VecDuplicate(at, &g));
  PetscCall(VecSet(Hdm, 0.0));
  *slope = 0.0;
  for (int k = 0; k < 5; k++) {
    PetscCall(VecWAXPY(shifted, h * (PetscReal)(k - 2), dm, at));
    PetscCall(DiniComputeObjectiveAndGradient(c->s.dini, shifted, &value, g));
    *slope += weight[k] / h * value;
    PetscCall(VecAXPY(Hdm, weight[k] / h, g));
  }
  PetscCall(VecDestroy(&g));
  PetscCall(VecDestroy(&shifted));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The gradient and a Hessian product with so many checkpoints; at first against differences */
static PetscErrorCode Derive(const char options[], PetscInt slots, PetscBool compare, Vec *g, Vec *Hdm)
{
  Case        c;
  Vec         at, dm, expected;
  PetscReal   value, slope;
  PetscScalar dot;

  PetscFunctionBeginUser;
  PetscCall(CaseCreate(options, slots, &c));
  PetscCall(DiniCreateParameterVec(c.s.dini, &at));
  PetscCall(DiniGetParameters(c.s.dini, at));
  PetscCall(DiniTestVec(at, 6, &dm));
  if (PetscDefined(USE_COMPLEX)) PetscCall(VecRealPart(dm));
  PetscCall(VecDuplicate(at, g));
  PetscCall(VecDuplicate(at, Hdm));
  PetscCall(VecDuplicate(at, &expected));
  if (compare) PetscCall(Differences(&c, at, dm, &slope, expected));
  PetscCall(DiniComputeObjectiveAndGradient(c.s.dini, at, &value, *g));
  PetscCall(DiniHVP(c.s.dini, dm, *Hdm));
  if (compare) {
    PetscCall(VecDot(dm, *g, &dot));
    DiniTestClose(PetscRealPart(dot), slope, 1e-8, 0.0, options);
    PetscCall(DiniTestVecsClose(*Hdm, expected, 1e-6, options));
  }
  PetscCall(VecDestroy(&at));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&expected));
  PetscCall(CaseDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestObjective(const char options[])
{
  Vec g[3], Hdm[3];

  PetscFunctionBeginUser;
  PetscCall(Derive(options, 0, PETSC_TRUE, &g[0], &Hdm[0]));
  for (int k = 1; k < 3; k++) {
    PetscCall(Derive(options, k + 1, PETSC_FALSE, &g[k], &Hdm[k]));
    PetscCall(DiniTestVecsClose(g[k], g[0], 1e-10, options));
    PetscCall(DiniTestVecsClose(Hdm[k], Hdm[0], 1e-6, options));
  }
  for (int k = 0; k < 3; k++) {
    PetscCall(VecDestroy(&g[k]));
    PetscCall(VecDestroy(&Hdm[k]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* H dm along p where the steps have no solution a little further: that is no error, and differences come nearer */
static PetscErrorCode TestEdge(void)
{
  Case      c;
  Vec       at, dm, g, Hdm[2], block;
  PetscReal value;

  PetscFunctionBeginUser;
  PetscCall(CaseCreate("-ts_adapt_type none", 0, &c));
  PetscCall(DiniCreateParameterVec(c.s.dini, &at));
  PetscCall(VecDuplicate(at, &dm));
  PetscCall(VecDuplicate(at, &g));
  PetscCall(VecSet(dm, 0.0));
  PetscCall(DiniGetParameterSubVec(c.s.dini, dm, 0, &block));
  PetscCall(VecSet(block, 1.0));
  PetscCall(DiniRestoreParameterSubVec(c.s.dini, dm, 0, &block));
  for (int k = 0; k < 2; k++) {
    PetscCall(VecDuplicate(at, &Hdm[k]));
    PetscCall(DiniComputeObjectiveAndGradient(c.s.dini, at, &value, g));
    c.s.edge = k ? PetscRealPart(c.s.p) + 5e-5 : 0.0;
    PetscCall(DiniHVP(c.s.dini, dm, Hdm[k]));
    c.s.edge = 0.0;
  }
  PetscCall(DiniTestVecsClose(Hdm[1], Hdm[0], 1e-3, "at an edge"));
  for (int k = 0; k < 2; k++) PetscCall(VecDestroy(&Hdm[k]));
  PetscCall(VecDestroy(&at));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&g));
  PetscCall(CaseDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An adjoint, when guards are done: one of each step, no step solved again, and no more set-ups than there are steps */
static PetscErrorCode TestCost(void)
{
  Stepping       s;
  Dini           step;
  DiniStatistics before, after;
  Vec            mbar, ubar, half;
  PetscInt       n, jacobians;
  TS             ts;
  PetscReal      t;

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet("-ts_adapt_type none -ts_type bdf"));
  PetscCall(SteppingCreate(STEPPING_IMPLICIT, STEPPING_ONE, &s));
  PetscCall(DiniTestOptionsClear("-ts_adapt_type none -ts_type bdf"));
  PetscCall(DiniGetTS(s.dini, &ts));
  DiniTestTrue(ts == s.ts, "another TS");
  PetscCall(DiniSolve(s.dini, s.u));
  PetscCall(DiniGetChainLength(s.dini, &n));
  DiniTestCount(n, 8, "steps");
  PetscCall(DiniGetChainState(s.dini, 1, &t, &half));
  DiniTestClose(t, 0.1, 1e-14, 0.0, "the time after one step");
  PetscCall(DiniCreateParameterVec(s.dini, &mbar));
  PetscCall(DiniTestVec(s.u, 8, &ubar));
  PetscCall(DiniVJP(s.dini, ubar, mbar));
  PetscCall(DiniGetChainStep(s.dini, &step));
  PetscCall(DiniTestFill(ubar, 9));
  PetscCall(DiniGetStatistics(step, &before));
  jacobians = s.jacobians;
  PetscCall(DiniVJP(s.dini, ubar, mbar));
  PetscCall(DiniGetStatistics(step, &after));
  DiniTestCount(after.adjoint_solves - before.adjoint_solves, n + 1, "adjoints of a step, one of them half");
  DiniTestCount(after.forward_solves - before.forward_solves, 0, "steps solved again");
  DiniTestCount(s.jacobians - jacobians, 3 * (n + 1), "calls for J: at the step's shift, at zero, and far");
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&ubar));
  PetscCall(SteppingDestroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestObjective("-ts_adapt_type none -ts_type theta -ts_theta_theta 0.5"));
  PetscCall(TestObjective("-ts_adapt_type none -ts_type bdf -ts_bdf_order 3"));
  PetscCall(TestEdge());
  PetscCall(TestCost());
  PetscCall(PetscFinalize());
  return 0;
}
