static char help[] =
    "Checkpoints of chains: the least number of steps that are solved again, as published, and the same "
    "derivatives with any number of them.\n";

#include "support/marching.h"

#define STEPS 14

/* Forward steps of the binomial schedule, Griewank and Walther (2000); those of the march itself are among them */
static PetscErrorCode TestCounts(void)
{
  static const struct {
    PetscInt  steps, slots;
    PetscReal forward;
  } published[] = {{10, 3, 15.0},   {15, 5, 23.0},    {30, 3, 85.0},      {50, 5, 122.0},
                   {100, 5, 316.0}, {100, 10, 222.0}, {1000, 10, 3636.0}, {7, 1, 21.0}};
  Marching  m;
  PetscInt  slots;
  PetscReal again;

  PetscFunctionBeginUser;
  PetscCall(MarchingCreate(3, PETSC_FALSE, PETSC_FALSE, &m));
  for (size_t i = 0; i < sizeof(published) / sizeof(published[0]); i++) {
    PetscCall(DiniSetChainTimes(m.chain, published[i].steps, NULL));
    PetscCall(DiniSetCheckpoints(m.chain, published[i].slots));
    PetscCall(DiniGetCheckpoints(m.chain, &slots, &again, NULL));
    DiniTestCount(slots, published[i].slots, "checkpoints");
    DiniTestClose(again + (PetscReal)(published[i].steps - 1), published[i].forward, 0.0, 0.0, "forward steps");
  }
  PetscCall(MarchingDestroy(&m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J = sum |u_n|^2/2 */
static PetscErrorCode Running(Dini chain, PetscInt n, PetscReal t, Vec u, PetscReal *value, Vec dJdu, void *ctx)
{
  PetscReal norm;

  PetscFunctionBeginUser;
  (void)chain, (void)n, (void)t;
  PetscCall(VecNorm(u, NORM_2, &norm));
  *value += *(PetscReal *)ctx * 0.5 * norm * norm;
  if (dJdu) PetscCall(VecAXPY(dJdu, *(PetscReal *)ctx, u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  Vec       du, mbar, again, g, Hv;
  PetscReal value;
  PetscInt  solves, second; /* of the step, for an adjoint and for another one */
} Results;

static PetscErrorCode ResultsDestroy(Results *r)
{
  PetscFunctionBeginUser;
  PetscCall(VecDestroy(&r->du));
  PetscCall(VecDestroy(&r->mbar));
  PetscCall(VecDestroy(&r->again));
  PetscCall(VecDestroy(&r->g));
  PetscCall(VecDestroy(&r->Hv));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All kinds of derivatives, with so many checkpoints */
static PetscErrorCode Derive(PetscBool second, PetscBool record, PetscInt slots, Results *r)
{
  PetscReal      scale = 0.3;
  Marching       m;
  DiniStatistics before, after;
  Vec            dm, ubar, at, d;

  PetscFunctionBeginUser;
  PetscCall(MarchingCreate(STEPS, second, PETSC_TRUE, &m));
  PetscCall(DiniSetCheckpoints(m.chain, slots));
  if (record) PetscCall(MarchingLoop(&m, PETSC_TRUE, m.u));
  else PetscCall(DiniSolve(m.chain, m.u));
  PetscCall(DiniCreateParameterVec(m.chain, &r->mbar));
  PetscCall(VecDuplicate(r->mbar, &r->g));
  PetscCall(VecDuplicate(r->mbar, &r->again));
  PetscCall(VecDuplicate(r->mbar, &r->Hv));
  PetscCall(DiniTestVec(r->mbar, 6, &dm));
  if (PetscDefined(USE_COMPLEX)) PetscCall(VecRealPart(dm));
  PetscCall(DiniTestVec(m.u, 4, &ubar));
  PetscCall(VecDuplicate(m.u, &r->du));
  for (int k = 0; k < 2; k++) { /* guards are behind it then: they look at the first point and at the second */
    PetscCall(DiniVJP(m.chain, ubar, r->mbar));
    if (record) PetscCall(MarchingLoop(&m, PETSC_TRUE, m.u));
    else PetscCall(DiniSolve(m.chain, m.u));
  }
  PetscCall(DiniGetStatistics(m.step, &before));
  PetscCall(DiniVJP(m.chain, ubar, r->mbar));
  PetscCall(DiniGetStatistics(m.step, &after));
  r->solves = after.forward_solves - before.forward_solves;
  PetscCall(DiniTestFill(ubar, 5)); /* another one: checkpoints are laid anew */
  PetscCall(DiniVJP(m.chain, ubar, r->again));
  PetscCall(DiniGetStatistics(m.step, &before));
  r->second = before.forward_solves - after.forward_solves;
  PetscCall(DiniJVP(m.chain, dm, r->du));
  PetscCall(DiniSetChainObjective(m.chain, Running, &scale));
  PetscCall(DiniTestVec(m.u, 12, &d));
  PetscCall(DiniAddChainObservation(m.chain, 0.4 * m.times[STEPS], NULL, d, NULL));
  PetscCall(DiniSetState(m.chain, m.u));
  PetscCall(DiniCreateParameterVec(m.chain, &at));
  PetscCall(DiniComputeObjectiveAndGradient(m.chain, at, &r->value, r->g));
  PetscCall(DiniHVP(m.chain, dm, r->Hv));
  PetscCall(VecDestroy(&at));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&d));
  PetscCall(MarchingDestroy(&m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Test(PetscBool second, PetscBool record)
{
  static const PetscInt slots[] = {1, 2, 3, 6, STEPS, 3 * STEPS};
  Results               all;

  PetscFunctionBeginUser;
  PetscCall(Derive(second, record, 0, &all));
  DiniTestCount(all.solves, 0, "steps solved again with all states kept");
  for (int i = 0; i < 6; i++) {
    Results   r;
    PetscReal again;
    char      what[128];

    PetscCall(PetscSNPrintf(what, sizeof(what), "%s, %s, %" PetscInt_FMT " checkpoints", second ? "BDF2" : "Euler",
                            record ? "recorded" : "marched", slots[i]));
    PetscCall(Derive(second, record, slots[i], &r));
    PetscCall(DiniTestVecsClose(r.mbar, all.mbar, 1e-9, what));
    PetscCall(DiniTestVecsClose(r.again, all.again, 1e-9, what));
    PetscCall(DiniTestVecsClose(r.du, all.du, 1e-9, what));
    PetscCall(DiniTestVecsClose(r.g, all.g, 1e-9, what));
    PetscCall(DiniTestVecsClose(r.Hv, all.Hv, 1e-6, what));
    DiniTestClose(r.value, all.value, 1e-11, 0.0, what);
    {
      Marching m;

      PetscCall(MarchingCreate(STEPS, second, PETSC_FALSE, &m));
      PetscCall(DiniSetCheckpoints(m.chain, slots[i]));
      PetscCall(DiniGetCheckpoints(m.chain, NULL, &again, NULL));
      PetscCall(MarchingDestroy(&m));
    }
    if (!record) DiniTestCount(r.solves, (PetscInt)again, what);
    if (!record) DiniTestCount(r.second, (PetscInt)again + STEPS - 1, what);
    PetscCall(ResultsDestroy(&r));
  }
  PetscCall(ResultsDestroy(&all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The objective's own numbers change after the march, in which it has been summed up */
static PetscErrorCode TestChanged(void)
{
  PetscReal scale = 0.3, value;
  Marching  m;
  Vec       at, g;

  PetscFunctionBeginUser;
  PetscCall(MarchingCreate(5, PETSC_FALSE, PETSC_TRUE, &m));
  PetscCall(DiniSetCheckpoints(m.chain, 2));
  PetscCall(DiniSetChainObjective(m.chain, Running, &scale));
  PetscCall(DiniSetState(m.chain, m.u));
  PetscCall(DiniCreateParameterVec(m.chain, &at));
  PetscCall(VecDuplicate(at, &g));
  PetscCall(DiniComputeObjectiveAndGradient(m.chain, at, &value, g));
  PetscCall(DiniSolve(m.chain, m.u));
  scale = 0.4;
  DiniTestExpect(DiniHVP(m.chain, at, g), PETSC_ERR_ARG_WRONGSTATE, "objective in time");
  DiniTestExpect(DiniSetCheckpoints(m.chain, -1), PETSC_ERR_ARG_OUTOFRANGE, "-1");
  PetscCall(VecDestroy(&at));
  PetscCall(VecDestroy(&g));
  PetscCall(MarchingDestroy(&m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestCounts());
  for (int second = 0; second < 2; second++)
    for (int record = 0; record < 2; record++) PetscCall(Test((PetscBool)second, (PetscBool)record));
  PetscCall(TestChanged());
  PetscCall(PetscFinalize());
  return 0;
}
