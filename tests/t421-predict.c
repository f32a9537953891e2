static char help[] = "States of a linear system predicted from the last ones: fewer iterations and no further solve.\n";

#include "support/fixtures.h"

#define STEPS 12

static PetscErrorCode Value(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini, (void)ctx;
  PetscCall(VecNorm(u, NORM_2, value));
  *value *= 0.5 * *value;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini, (void)dJdm, (void)ctx;
  PetscCall(VecCopy(u, dJdu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Update(Dini dini, Vec m, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini, (void)m;
  (*(PetscInt *)ctx)++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(PetscInt N, Linear *l)
{
  PC pc;

  PetscFunctionBeginUser;
  PetscCall(LinearCreate(N, l));
  PetscCall(KSPSetType(l->ksp, KSPGMRES));
  PetscCall(KSPGetPC(l->ksp, &pc));
  PetscCall(PCSetType(pc, PCJACOBI));
  PetscCall(KSPSetTolerances(l->ksp, 1e-10, PETSC_DEFAULT, PETSC_DEFAULT, 200));
  PetscCall(KSPSetInitialGuessNonzero(l->ksp, PETSC_TRUE));
  PetscCall(LinearDini(l, DINIKSP, DINIPARAMETERMATRIX));
  PetscCall(DiniSetState(l->dini, l->u));
  PetscCall(DiniSetObjective(l->dini, Value, Gradient, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A curve in the plane of two directions */
static PetscErrorCode Step(Vec m, Vec a, Vec b, PetscInt i)
{
  const PetscReal t = 0.1 * (PetscReal)i;

  PetscFunctionBeginUser;
  PetscCall(VecSet(m, 1.0));
  PetscCall(VecAXPY(m, 0.2 * PetscSinReal(t), a));
  PetscCall(VecAXPY(m, 0.2 * PetscCosReal(1.3 * t), b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestPath(PetscInt N, PetscBool counts)
{
  Linear         l[2];
  Vec            m, a, b, g[2];
  PetscReal      f[2];
  PetscInt       updates = 0;
  DiniStatistics s[2];

  PetscFunctionBeginUser;
  for (int k = 0; k < 2; k++) {
    PetscCall(Create(N, &l[k]));
    PetscCall(DiniSetPredict(l[k].dini, (PetscBool)k));
  }
  PetscCall(DiniSetParameterUpdate(l[1].dini, 0, Update, &updates));
  PetscCall(DiniCreateParameterVec(l[0].dini, &m));
  PetscCall(DiniTestVec(m, 21, &a));
  PetscCall(DiniTestVec(m, 22, &b));
  for (int k = 0; k < 2; k++) PetscCall(VecDuplicate(m, &g[k]));
  for (PetscInt i = 0; i < STEPS; i++) {
    PetscCall(Step(m, a, b, i));
    for (int k = 0; k < 2; k++) PetscCall(DiniComputeObjective(l[k].dini, m, &f[k]));
    if (i > 1) DiniTestCount(updates, 1, "updates of the parameter for one evaluation");
    for (int k = 0; k < 2; k++) PetscCall(DiniComputeObjectiveAndGradient(l[k].dini, m, &f[k], g[k]));
    DiniTestClose(f[0], f[1], 1e-8, 0.0, "objective, state predicted or not");
    PetscCall(DiniTestVecsClose(g[0], g[1], 1e-7, "gradient, state predicted or not"));
    updates = 0;
  }
  for (int k = 0; k < 2; k++) PetscCall(DiniGetStatistics(l[k].dini, &s[k]));
  DiniTestCount(s[0].predictions, 0, "predictions that nobody asked for");
  DiniTestCount(s[1].predictions, STEPS - 2, "predictions, from the third point on");
  DiniTestCount(s[1].tangent_solves, 0, "tangent solves");
  if (counts) {
    DiniTestTrue(s[1].predictions_accepted >= STEPS - 4, "%" PetscInt_FMT " predictions taken",
                 s[1].predictions_accepted);
    DiniTestTrue((PetscReal)s[1].forward_iterations < 0.85 * (PetscReal)s[0].forward_iterations,
                 "%" PetscInt_FMT " forward iterations with prediction, %" PetscInt_FMT " without",
                 s[1].forward_iterations, s[0].forward_iterations);
    DiniTestTrue(s[1].adjoint_iterations < s[0].adjoint_iterations,
                 "%" PetscInt_FMT " adjoint iterations with prediction, %" PetscInt_FMT " without",
                 s[1].adjoint_iterations, s[0].adjoint_iterations);
  }
  for (int k = 0; k < 2; k++) {
    PetscCall(VecDestroy(&g[k]));
    PetscCall(LinearDestroy(&l[k]));
  }
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&a));
  PetscCall(VecDestroy(&b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Another set of parameters, another relation, or the same point again and again: the history goes, or does no harm */
static PetscErrorCode TestChanges(void)
{
  Linear         l[2];
  Vec            m, g[2], extra;
  PetscReal      f[2];
  PetscInt       p;
  DiniStatistics s;

  PetscFunctionBeginUser;
  for (int k = 0; k < 2; k++) {
    PetscCall(Create(7, &l[k]));
    PetscCall(DiniSetPredict(l[k].dini, (PetscBool)k));
  }
  PetscCall(VecDuplicate(l[0].m, &m));
  for (int k = 0; k < 2; k++) PetscCall(VecDuplicate(m, &g[k]));
  PetscCall(VecDuplicate(m, &extra));
  for (PetscInt i = 0; i < 6; i++) {
    if (i == 3) /* the layout of flat vectors changes, and changes back: what is remembered of it goes */
      for (int k = 0; k < 2; k++) {
        PetscCall(DiniAddParameter(l[k].dini, "idle", extra, &p));
        PetscCall(DiniSetParameterActive(l[k].dini, p, PETSC_FALSE));
      }
    PetscCall(VecSet(m, i == 2 || i == 5 ? 1.1 : 1.0 + 0.05 * (PetscReal)i));
    for (int k = 0; k < 2; k++) PetscCall(DiniComputeObjectiveAndGradient(l[k].dini, m, &f[k], g[k]));
    DiniTestClose(f[0], f[1], 1e-8, 0.0, "objective, state predicted or not");
    PetscCall(DiniTestVecsClose(g[0], g[1], 1e-7, "gradient, state predicted or not"));
  }
  PetscCall(DiniGetStatistics(l[1].dini, &s));
  DiniTestTrue(s.predictions > 0, "no predictions");
  for (int k = 0; k < 2; k++) {
    PetscCall(VecDestroy(&g[k]));
    PetscCall(LinearDestroy(&l[k]));
  }
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&extra));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- Blocks that are read together ---- */

typedef struct {
  Cubic cubic;
  Vec   other;
} Pair;

/* The residual reads the product of both blocks, made when the first one is handed over */
static PetscErrorCode Together(Dini dini, Vec m, void *ctx)
{
  Pair *pair = (Pair *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecPointwiseMult(pair->cubic.backup, m, pair->other));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* u + u^3 = m0 m1: both blocks have their new values before anybody is told */
static PetscErrorCode TestTogether(void)
{
  Pair      pair;
  Vec       m, u;
  PetscReal value, expected;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(4, 0.0, &pair.cubic));
  pair.cubic.seen = pair.cubic.backup;
  PetscCall(VecDuplicate(pair.cubic.m, &pair.other));
  PetscCall(VecSet(pair.other, 1.0));
  PetscCall(CubicDini(&pair.cubic, DINISNES, DINIPARAMETERFD));
  PetscCall(DiniSetParameterUpdate(pair.cubic.dini, 0, Together, &pair));
  PetscCall(DiniAddParameter(pair.cubic.dini, "other", pair.other, NULL));
  PetscCall(DiniSetState(pair.cubic.dini, pair.cubic.u));
  PetscCall(DiniSetObjective(pair.cubic.dini, Value, Gradient, NULL));
  PetscCall(DiniCreateParameterVec(pair.cubic.dini, &m));
  PetscCall(VecSet(m, 2.0)); /* the product is 4, where it was 2 */
  PetscCall(DiniComputeObjective(pair.cubic.dini, m, &value));
  PetscCall(VecDuplicate(pair.cubic.u, &u));
  PetscCall(CubicResidual(&pair.cubic, pair.cubic.u, u)); /* with what the callback has left */
  PetscCall(VecNorm(u, NORM_INFINITY, &expected));
  DiniTestClose(expected, 0.0, 0.0, 1e-8, "residual");
  PetscCall(VecCopy(pair.cubic.u, u));
  PetscCall(VecPointwiseMult(u, u, u));
  PetscCall(VecShift(u, 1.0));
  PetscCall(VecPointwiseMult(u, u, pair.cubic.u));
  PetscCall(VecShift(u, -4.0));
  PetscCall(VecNorm(u, NORM_INFINITY, &value));
  DiniTestClose(value, 0.0, 0.0, 1e-8, "u + u^3 - m0 m1 at the new values of both blocks");
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&pair.other));
  PetscCall(CubicDestroy(&pair.cubic));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestPath(60, PETSC_TRUE));
  PetscCall(TestPath(1, PETSC_FALSE));
  PetscCall(TestPath(3, PETSC_FALSE));
  PetscCall(TestChanges());
  PetscCall(TestTogether());
  PetscCall(PetscFinalize());
  return 0;
}
