static char help[] =
    "Objectives in time: a running one, and data at any times, with gradients and Hessian products against an "
    "application's own loop.\n";

#include "support/marching.h"

#define STEPS 8
#define DATA  3

typedef struct {
  Marching m;
  Mat      H; /* the first cell of each rank */
  Vec      d[DATA], weight, y, u[STEPS + 1];
} Case;

static const PetscReal when[DATA] = {0.0, 0.317,
                                     1.0}; /* parts of the way: the beginning, between two states, the end */

/* The running part: trapezoidal weights, |u|^2/2 */
static PetscReal Weight(const Marching *m, PetscInt n)
{
  return 0.5 * (m->times[PetscMin(n + 1, m->N)] - m->times[PetscMax(n - 1, 0)]);
}

static PetscErrorCode Running(Dini chain, PetscInt n, PetscReal t, Vec u, PetscReal *value, Vec dJdu, void *ctx)
{
  const Marching *m = &((Case *)ctx)->m;
  PetscReal       norm;

  PetscFunctionBeginUser;
  (void)chain;
  DiniTestClose(t, m->times[n], 1e-14, 0.0, "the time of a state");
  PetscCall(VecNorm(u, NORM_2, &norm));
  *value += Weight(m, n) * 0.5 * norm * norm;
  if (dJdu) PetscCall(VecAXPY(dJdu, Weight(m, n), u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CaseCreate(PetscBool second, Case *c)
{
  PetscInt lo, row;

  PetscFunctionBeginUser;
  PetscCall(MarchingCreate(STEPS, second, PETSC_TRUE, &c->m));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, 1, 3, PETSC_DETERMINE, PETSC_DETERMINE, 1, NULL, 1, NULL, &c->H));
  PetscCall(MatGetOwnershipRange(c->H, &row, NULL));
  PetscCall(MatGetOwnershipRangeColumn(c->H, &lo, NULL));
  PetscCall(MatSetValue(c->H, row, lo, 2.0, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(c->H, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(c->H, MAT_FINAL_ASSEMBLY));
  PetscCall(MatCreateVecs(c->H, NULL, &c->y));
  PetscCall(VecDuplicate(c->y, &c->weight));
  PetscCall(VecSet(c->weight, 3.0));
  for (int n = 0; n <= STEPS; n++) PetscCall(VecDuplicate(c->m.u, &c->u[n]));
  PetscCall(DiniSetChainObjective(c->m.chain, Running, c));
  for (int i = 0; i < DATA; i++) {
    PetscCall(DiniTestVec(i == 2 ? c->m.u : c->y, 30 + i, &c->d[i])); /* all of the last state */
    PetscCall(DiniAddChainObservation(c->m.chain, when[i] * c->m.times[STEPS], i == 2 ? NULL : c->H, c->d[i],
                                      i == 1 ? c->weight : NULL));
  }
  PetscCall(DiniSetState(c->m.chain, c->m.u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CaseDestroy(Case *c)
{
  PetscFunctionBeginUser;
  for (int i = 0; i < DATA; i++) PetscCall(VecDestroy(&c->d[i]));
  for (int n = 0; n <= STEPS; n++) PetscCall(VecDestroy(&c->u[n]));
  PetscCall(MatDestroy(&c->H));
  PetscCall(VecDestroy(&c->weight));
  PetscCall(VecDestroy(&c->y));
  PetscCall(MarchingDestroy(&c->m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The whole objective by a loop of the application's own */
static PetscErrorCode Objective(Case *c, Vec at, PetscReal *value)
{
  Marching *m = &c->m;
  Vec       u = m->u, r;

  PetscFunctionBeginUser;
  PetscCall(DiniSetParameters(m->chain, at));
  PetscCall(VecCopy(m->u0, c->u[0]));
  for (PetscInt n = 0; n < STEPS; n++) {
    PetscCall(VecCopy(c->u[n], m->before));
    PetscCall(VecCopy(c->u[PetscMax(n - 1, 0)], m->older));
    PetscCall(MarchingPlace(m, n, m->times[n], m->times[n + 1] - m->times[n]));
    PetscCall(VecCopy(c->u[n], u));
    PetscCall(SNESSolve(m->snes, NULL, u));
    PetscCall(VecCopy(u, c->u[n + 1]));
  }
  *value = 0.0;
  for (PetscInt n = 0; n <= STEPS; n++) PetscCall(Running(m->chain, n, m->times[n], c->u[n], value, NULL, c));
  for (int i = 0; i < DATA; i++) {
    const PetscReal t = when[i] * m->times[STEPS];
    PetscInt        k = 0;
    PetscReal       theta, norm;

    while (k < STEPS - 1 && t > m->times[k + 1]) k++;
    theta = (t - m->times[k]) / (m->times[k + 1] - m->times[k]);
    PetscCall(VecAXPBYPCZ(u, 1.0 - theta, theta, 0.0, c->u[k], c->u[k + 1]));
    PetscCall(VecDuplicate(c->d[i], &r));
    if (i == 2) PetscCall(VecCopy(u, r));
    else PetscCall(MatMult(c->H, u, r));
    PetscCall(VecAXPY(r, -1.0, c->d[i]));
    PetscCall(VecNorm(r, NORM_2, &norm));
    PetscCall(VecDestroy(&r));
    *value += 0.5 * (i == 1 ? 3.0 : 1.0) * norm * norm;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Value and gradient along dm, to fourth order, and H dm against gradients */
static PetscErrorCode Test(PetscBool second)
{
  static const PetscReal weight[] = {1.0 / 12.0, -2.0 / 3.0, 0.0, 2.0 / 3.0, -1.0 / 12.0};
  const PetscReal        h        = 2e-3;
  const char            *what     = second ? "BDF2" : "backward Euler";
  Case                   c;
  Vec                    at, shifted, dm, g, Hv, expected;
  PetscReal              value, other, slope = 0.0;
  PetscScalar            found;

  PetscFunctionBeginUser;
  PetscCall(CaseCreate(second, &c));
  PetscCall(DiniCreateParameterVec(c.m.chain, &at));
  PetscCall(VecDuplicate(at, &shifted));
  PetscCall(VecDuplicate(at, &g));
  PetscCall(VecDuplicate(at, &Hv));
  PetscCall(VecDuplicate(at, &expected));
  PetscCall(VecSet(expected, 0.0));
  PetscCall(DiniTestVec(at, 6, &dm));
  if (PetscDefined(USE_COMPLEX)) PetscCall(VecRealPart(dm));
  for (int k = 0; k < 5; k++) {
    PetscCall(VecWAXPY(shifted, h * (PetscReal)(k - 2), dm, at));
    PetscCall(Objective(&c, shifted, &value));
    slope += weight[k] / h * value;
    PetscCall(VecSet(c.m.u, 0.1));
    PetscCall(DiniComputeObjectiveAndGradient(c.m.chain, shifted, &other, g));
    DiniTestClose(other, value, 1e-10, 0.0, what);
    PetscCall(VecAXPY(expected, weight[k] / h, g));
  }
  PetscCall(DiniComputeObjectiveAndGradient(c.m.chain, at, &other, g));
  PetscCall(VecDot(dm, g, &found));
  DiniTestClose(PetscRealPart(found), slope, 1e-7, 0.0, what);
  PetscCall(DiniHVP(c.m.chain, dm, Hv));
  PetscCall(DiniTestVecsClose(Hv, expected, 2e-6, what));
  PetscCall(VecDestroy(&at));
  PetscCall(VecDestroy(&shifted));
  PetscCall(VecDestroy(&g));
  PetscCall(VecDestroy(&Hv));
  PetscCall(VecDestroy(&expected));
  PetscCall(VecDestroy(&dm));
  PetscCall(CaseDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestMisuse(void)
{
  Case      c;
  Vec       at, g;
  PetscReal value;

  PetscFunctionBeginUser;
  PetscCall(CaseCreate(PETSC_FALSE, &c));
  DiniTestExpect(DiniAddChainObservation(c.m.chain, 0.1, NULL, NULL, NULL), PETSC_ERR_ARG_NULL, "data");
  PetscCall(DiniAddChainObservation(c.m.chain, 99.0, NULL, c.d[2], NULL));
  PetscCall(DiniCreateParameterVec(c.m.chain, &at));
  PetscCall(VecDuplicate(at, &g));
  DiniTestExpect(DiniComputeObjectiveAndGradient(c.m.chain, at, &value, g), PETSC_ERR_ARG_OUTOFRANGE, "t = 99");
  PetscCall(VecDestroy(&at));
  PetscCall(VecDestroy(&g));
  PetscCall(CaseDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(Test(PETSC_FALSE));
  PetscCall(Test(PETSC_TRUE));
  PetscCall(TestMisuse());
  PetscCall(PetscFinalize());
  return 0;
}
