static char help[] =
    "The reduced gradient against central differences of the objective, entry by entry, and its cost.\n";

#include "support/fixtures.h"

static PetscErrorCode Create(Transport *t, PetscInt p[2], Vec *m)
{
  PetscFunctionBeginUser;
  PetscCall(TransportCreate(5, 4, t));
  PetscCall(TransportDini(t, DINIPARAMETERMATRIX));
  PetscCall(DiniAddScalarParameter(t->dini, "peclet", &t->peclet, &p[0]));
  PetscCall(DiniAddScalarParameter(t->dini, "reaction", &t->reaction, &p[1]));
  PetscCall(DiniSetParameterAffine(t->dini, p[0], PETSC_TRUE));
  PetscCall(DiniSetParameterAffine(t->dini, p[1], PETSC_TRUE));
  PetscCall(DiniSetState(t->dini, t->u));
  PetscCall(DiniSetObjective(t->dini, TransportObjective, TransportObjectiveGradient, t));
  PetscCall(DiniCreateParameterVec(t->dini, m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* (J(m + h d) - J(m - h d)) / 2 h in each coordinate, along 1 and, in complex builds, along i: dJ = Re <g, dm>. */
static PetscErrorCode Differences(Dini dini, Vec m, Vec g)
{
  const PetscReal h = 1e-4;
  Vec             trial;
  PetscInt        N, lo, hi;
  PetscReal       f[2], part[2] = {0.0, 0.0};

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(m, &trial));
  PetscCall(VecGetSize(m, &N));
  PetscCall(VecGetOwnershipRange(m, &lo, &hi));
  for (PetscInt j = 0; j < N; j++) {
    for (int k = 0; k < (PetscDefined(USE_COMPLEX) ? 2 : 1); k++) {
      for (int sign = 0; sign < 2; sign++) {
        const PetscReal s = sign ? -h : h;

        PetscCall(VecCopy(m, trial));
        if (j >= lo && j < hi) PetscCall(VecSetValue(trial, j, k ? DiniTestScalar(0.0, s) : s, ADD_VALUES));
        PetscCall(VecAssemblyBegin(trial));
        PetscCall(VecAssemblyEnd(trial));
        PetscCall(DiniComputeObjective(dini, trial, &f[sign]));
      }
      part[k] = (f[0] - f[1]) / (2.0 * h);
    }
    if (j >= lo && j < hi) PetscCall(VecSetValue(g, j, DiniTestScalar(part[0], part[1]), INSERT_VALUES));
    PetscCall(VecAssemblyBegin(g));
    PetscCall(VecAssemblyEnd(g));
  }
  PetscCall(VecDestroy(&trial));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestGradient(void)
{
  Transport t;
  Vec       m, g, differences, m0;
  PetscInt  p[2];
  PetscReal f, again;

  PetscFunctionBeginUser;
  PetscCall(Create(&t, p, &m));
  PetscCall(VecDuplicate(m, &g));
  PetscCall(VecDuplicate(m, &m0));
  PetscCall(VecDuplicate(m, &differences));
  PetscCall(VecCopy(m, m0));
  for (PetscInt k = 0; k < 2; k++) {
    PetscCall(VecShift(m, 0.1 * (PetscReal)k));
    PetscCall(DiniComputeObjectiveAndGradient(t.dini, m, &f, g));
    PetscCall(Differences(t.dini, m, differences));
    PetscCall(DiniTestVecsClose(g, differences, 1e-6, "gradient and differences"));
    /* the value is that of the callback at the solution of the forward problem */
    PetscCall(DiniComputeObjective(t.dini, m, &again));
    DiniTestClose(f, again, 1e-10, 0.0, "objective, with and without gradient");
    PetscCall(TransportObjective(t.dini, t.u, &again, &t));
    DiniTestClose(f, again, 1e-10, 0.0, "objective by the library and by hand");
  }
  /* the field alone: a gradient with the block's own layout */
  PetscCall(DiniSetParameterActive(t.dini, p[0], PETSC_FALSE));
  PetscCall(DiniSetParameterActive(t.dini, p[1], PETSC_FALSE));
  {
    Vec field, gfield, part;

    PetscCall(DiniCreateParameterVec(t.dini, &field));
    PetscCall(VecDuplicate(field, &gfield));
    PetscCall(DiniComputeObjectiveAndGradient(t.dini, field, &f, gfield));
    PetscCall(DiniSetParameterActive(t.dini, p[0], PETSC_TRUE));
    PetscCall(DiniSetParameterActive(t.dini, p[1], PETSC_TRUE));
    PetscCall(DiniComputeObjectiveAndGradient(t.dini, m, &f, g));
    PetscCall(DiniGetParameterSubVec(t.dini, g, t.p, &part));
    PetscCall(DiniTestVecsClose(gfield, part, 1e-8, "gradient of the field alone"));
    PetscCall(DiniRestoreParameterSubVec(t.dini, g, t.p, &part));
    PetscCall(VecDestroy(&field));
    PetscCall(VecDestroy(&gfield));
  }
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&m0));
  PetscCall(VecDestroy(&g));
  PetscCall(VecDestroy(&differences));
  PetscCall(TransportDestroy(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Value and gradient in any order cost one forward solve a point. */
static PetscErrorCode TestCost(void)
{
  Transport      t;
  Vec            m, g;
  PetscInt       p[2];
  PetscReal      f, f2;
  DiniStatistics s;

  PetscFunctionBeginUser;
  PetscCall(Create(&t, p, &m));
  PetscCall(VecDuplicate(m, &g));
  PetscCall(DiniComputeObjectiveAndGradient(t.dini, m, &f, g));
  PetscCall(DiniComputeObjective(t.dini, m, &f2));
  PetscCall(DiniComputeObjectiveAndGradient(t.dini, m, &f2, g));
  DiniTestClose(f, f2, 1e-14, 0.0, "objective twice at one point");
  DiniTestExpect(DiniComputeObjective(t.dini, NULL, &f2), PETSC_ERR_ARG_NULL, "The parameter vector is NULL");
  DiniTestExpect(DiniComputeObjectiveAndGradient(t.dini, NULL, &f2, g), PETSC_ERR_ARG_NULL,
                 "The parameter vector is NULL");
  PetscCall(DiniGetStatistics(t.dini, &s));
  DiniTestCount(s.forward_solves, 1, "forward solves at one point");
  DiniTestCount(s.jacobian_assemblies, 1, "Jacobian assemblies at one point");
  PetscCall(VecShift(m, 0.1));
  PetscCall(DiniComputeObjective(t.dini, m, &f));
  PetscCall(DiniComputeObjectiveAndGradient(t.dini, m, &f, g));
  PetscCall(DiniGetStatistics(t.dini, &s));
  DiniTestCount(s.forward_solves, 2, "forward solves at two points");
  DiniTestTrue(PetscAbsReal(f - f2) > 1e-6, "The objective does not change with the parameters");
  /* what the objective reads besides u and m is not Dini's: a change of m behind its back is seen */
  PetscCall(VecShift(t.m, 0.3));
  PetscCall(DiniComputeObjective(t.dini, m, &f2));
  DiniTestClose(f, f2, 1e-9, 0.0, "objective after the block was changed behind Dini's back");
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&g));
  PetscCall(TransportDestroy(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestMisuse(void)
{
  Transport t;
  Vec       m, g, u, wrong;
  PetscReal f;
  PetscBool has;

  PetscFunctionBeginUser;
  PetscCall(TransportCreate(5, 4, &t));
  PetscCall(TransportDini(&t, DINIPARAMETERMATRIX));
  PetscCall(VecDuplicate(t.m, &m));
  PetscCall(VecCopy(t.m, m));
  PetscCall(VecDuplicate(m, &g));
  PetscCall(DiniHasObjective(t.dini, &has));
  DiniTestTrue(!has, "A new Dini has an objective");
  DiniTestExpect(DiniComputeObjective(t.dini, m, &f), PETSC_ERR_ORDER, "DiniSetObjective()");
  PetscCall(DiniSetObjective(t.dini, TransportObjective, TransportObjectiveGradient, &t));
  PetscCall(DiniHasObjective(t.dini, &has));
  DiniTestTrue(has, "DiniSetObjective() has set no objective");
  DiniTestExpect(DiniComputeObjective(t.dini, m, &f), PETSC_ERR_ORDER, "DiniSetState()");
  PetscCall(DiniSetState(t.dini, t.u));
  PetscCall(DiniGetState(t.dini, &u));
  DiniTestTrue(u == t.u, "DiniGetState() gives another Vec");
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, PETSC_DECIDE, 7, &wrong));
  DiniTestExpect(DiniComputeObjective(t.dini, wrong, &f), PETSC_ERR_ARG_SIZ, "7");
  DiniTestExpect(DiniComputeObjectiveAndGradient(t.dini, m, &f, wrong), PETSC_ERR_ARG_SIZ, "7");
  PetscCall(DiniComputeObjective(t.dini, m, &f));
  t.objective = FAULT_NAN;
  PetscCall(VecShift(m, 0.01));
  DiniTestExpect(DiniComputeObjective(t.dini, m, &f), PETSC_ERR_FP, "bjective");
  t.objective = FAULT_NONE;
  PetscCall(DiniComputeObjectiveAndGradient(t.dini, m, &f, g));
  PetscCall(
      DiniSetObjective(t.dini, TransportObjective, NULL, &t)); /* a value alone is legal, a gradient then is not */
  PetscCall(DiniComputeObjective(t.dini, m, &f));
  DiniTestExpect(DiniComputeObjectiveAndGradient(t.dini, m, &f, g), PETSC_ERR_ORDER, "DiniSetObjective()");
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&g));
  PetscCall(VecDestroy(&wrong));
  PetscCall(TransportDestroy(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Size(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)ctx;
  PetscCall(VecNorm(u, NORM_INFINITY, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The state does not belong to blocks that the application has written to since, active or not. u + u^3 = m */
static PetscErrorCode TestWritten(void)
{
  Cubic     c;
  Vec       other, m;
  PetscReal value;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(4, 0.0, &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERRHS));
  PetscCall(VecDuplicate(c.m, &other));
  PetscCall(VecSet(other, 1.0));
  PetscCall(DiniAddParameter(c.dini, "other", other, NULL));
  PetscCall(DiniSetParameterType(c.dini, 1, DINIPARAMETERZERO));
  PetscCall(DiniSetState(c.dini, c.u));
  PetscCall(DiniSetObjective(c.dini, Size, NULL, NULL));
  PetscCall(DiniCreateParameterVec(c.dini, &m));
  PetscCall(DiniComputeObjective(c.dini, m, &value));
  DiniTestClose(value, 1.0, 1e-10, 0.0, "u for m = 2");
  PetscCall(VecSet(c.m, 10.0));
  PetscCall(DiniGetParameters(c.dini, m));
  PetscCall(DiniComputeObjective(c.dini, m, &value));
  DiniTestClose(value, 2.0, 1e-10, 0.0, "u for m = 10");
  PetscCall(VecDestroy(&m));
  PetscCall(DiniSetParameterActive(c.dini, 0, PETSC_FALSE));
  PetscCall(DiniCreateParameterVec(c.dini, &m));
  PetscCall(DiniComputeObjective(c.dini, m, &value));
  PetscCall(VecSet(c.m, 2.0));
  PetscCall(DiniComputeObjective(c.dini, m, &value));
  DiniTestClose(value, 1.0, 1e-10, 0.0, "u for an inactive m = 2");
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&other));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestGradient());
  PetscCall(TestCost());
  PetscCall(TestMisuse());
  PetscCall(TestWritten());
  PetscCall(PetscFinalize());
  return 0;
}
