static char help[] =
    "Several objectives of one state, states predicted by the tangent, and what Hessian products learn and leave.\n";

#include "support/fixtures.h"

typedef struct {
  Transport *t;
  PetscInt k; /* J_k = Re sum of w_k conj(u), w_k = DiniTestFill() with seed 40 + k; for k = 1 and a quarter of sum m */
} Weighted;

static PetscErrorCode Value(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  Vec         w;
  PetscScalar product;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(DiniTestVec(u, 40 + ((Weighted *)ctx)->k, &w));
  PetscCall(VecDot(u, w, &product));
  *value = PetscRealPart(product);
  if (((Weighted *)ctx)->k == 1) {
    PetscCall(VecSum(((Weighted *)ctx)->t->m, &product));
    *value += 0.25 * PetscRealPart(product);
  }
  PetscCall(VecDestroy(&w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini, (void)u;
  PetscCall(DiniTestFill(dJdu, 40 + ((Weighted *)ctx)->k));
  if (((Weighted *)ctx)->k == 1) PetscCall(VecSet(dJdm, 0.25)); /* one of them sees m itself as well */
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestObjectives(const char options[])
{
  Transport      t;
  Weighted       w[3];
  Vec            m, g, ref;
  Mat            G;
  PetscInt       n, N, count;
  PetscReal      values[3], value;
  DiniStatistics s;

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(TransportCreate(8, 7, &t));
  PetscCall(TransportDini(&t, DINIPARAMETERMATRIX));
  PetscCall(DiniCreateParameterVec(t.dini, &m));
  DiniTestExpect(DiniComputeObjectives(t.dini, m, values, NULL), PETSC_ERR_ORDER, "DiniAddObjective()");
  for (PetscInt k = 0; k < 3; k++) {
    PetscInt o;

    w[k].t = &t;
    w[k].k = k;
    PetscCall(DiniAddObjective(t.dini, "weighted", Value, Gradient, &w[k], &o));
    DiniTestCount(o, k, "number of an objective");
  }
  PetscCall(DiniGetNumberObjectives(t.dini, &count));
  DiniTestCount(count, 3, "objectives");
  DiniTestExpect(DiniComputeObjectives(t.dini, m, values, NULL), PETSC_ERR_ORDER, "DiniSetState()");
  PetscCall(DiniSetState(t.dini, t.u));
  PetscCall(VecGetLocalSize(m, &n));
  PetscCall(VecGetSize(m, &N));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, n, PETSC_DECIDE, N, 3, NULL, &G));
  PetscCall(DiniComputeObjectives(t.dini, m, values, G));
  PetscCall(DiniGetStatistics(t.dini, &s));
  DiniTestCount(s.forward_solves, 1, "forward solves for three objectives");
  DiniTestCount(s.adjoint_solves, 3, "adjoint solves for three objectives");
  PetscCall(VecDuplicate(m, &ref));
  for (PetscInt k = 0; k < 3; k++) { /* one at a time */
    PetscCall(DiniSetObjective(t.dini, Value, Gradient, &w[k]));
    PetscCall(DiniComputeObjectiveAndGradient(t.dini, m, &value, ref));
    DiniTestClose(value, values[k], 1e-12, 0.0, "value of an objective");
    PetscCall(MatDenseGetColumnVecRead(G, k, &g));
    PetscCall(DiniTestVecsClose(g, ref, 1e-8, "gradient of an objective"));
    PetscCall(MatDenseRestoreColumnVecRead(G, k, &g));
  }
  PetscCall(MatDestroy(&G));
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&ref));
  PetscCall(TransportDestroy(&t));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A path of parameters with and without prediction: the same states in fewer Newton steps, the same gradients. */
static PetscErrorCode TestPredict(void)
{
  Transport      t[2];
  Vec            m, g[2];
  PetscReal      f[2];
  DiniStatistics s[2];

  PetscFunctionBeginUser;
  for (int k = 0; k < 2; k++) {
    PetscCall(TransportCreate(8, 7, &t[k]));
    PetscCall(SNESSetTolerances(t[k].snes, 0.0, 0.0, 0.0, 50, 1000));
    PetscCall(SNESSetTolerances(t[k].snes, 1e-9, 1e-30, 0.0, 50, 1000));
    PetscCall(TransportDini(&t[k], DINIPARAMETERMATRIX));
    PetscCall(DiniSetState(t[k].dini, t[k].u));
    PetscCall(DiniSetObjective(t[k].dini, TransportObjective, TransportObjectiveGradient, &t[k]));
    if (k) PetscCall(DiniSetPredict(t[k].dini, PETSC_TRUE));
  }
  PetscCall(DiniCreateParameterVec(t[0].dini, &m));
  for (int k = 0; k < 2; k++) PetscCall(VecDuplicate(m, &g[k]));
  for (PetscInt i = 0; i < 8; i++) {
    for (int k = 0; k < 2; k++) PetscCall(DiniComputeObjectiveAndGradient(t[k].dini, m, &f[k], g[k]));
    DiniTestClose(f[0], f[1], 1e-7, 0.0, "objective, state predicted or not");
    PetscCall(DiniTestVecsClose(g[0], g[1], 1e-6, "gradient, state predicted or not"));
    PetscCall(VecShift(m, 0.03));
  }
  for (int k = 0; k < 2; k++) PetscCall(DiniGetStatistics(t[k].dini, &s[k]));
  DiniTestCount(s[0].predictions, 0, "predictions that nobody asked for");
  DiniTestCount(s[1].predictions, 7, "predictions");
  DiniTestTrue(s[1].predictions_accepted > 0, "No prediction was taken");
  DiniTestTrue(s[1].forward_iterations < s[0].forward_iterations,
               "%" PetscInt_FMT " Newton steps with prediction, %" PetscInt_FMT " without", s[1].forward_iterations,
               s[0].forward_iterations);
  for (int k = 0; k < 2; k++) {
    PetscCall(VecDestroy(&g[k]));
    PetscCall(TransportDestroy(&t[k]));
  }
  PetscCall(VecDestroy(&m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode HalfHessian(Dini dini, Vec u, Vec lambda, Vec du, Vec dm, Vec hu, Vec hm, void *ctx)
{
  PetscFunctionBeginUser;
  PetscCall(CurvedResidualHessian(dini, u, lambda, du, dm, hu, hm, ctx));
  PetscCall(VecScale(hu, 0.5));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A zero direction tells nothing of a callback: the next one still finds it out. */
static PetscErrorCode TestZeroDirection(void)
{
  Curved    c;
  Vec       m, v, Hv;
  PetscReal value, norm;

  PetscFunctionBeginUser;
  PetscCall(CurvedCreate(5, &c));
  PetscCall(CurvedDini(&c, DINIPARAMETERMATRIX));
  PetscCall(DiniSetResidualHessian(c.dini, HalfHessian, &c));
  PetscCall(DiniCreateParameterVec(c.dini, &m));
  PetscCall(DiniTestVec(m, 5, &v));
  PetscCall(VecDuplicate(m, &Hv));
  PetscCall(DiniComputeObjective(c.dini, m, &value));
  PetscCall(VecSet(m, 0.0));
  PetscCall(DiniHVP(c.dini, m, Hv));
  PetscCall(VecNorm(Hv, NORM_INFINITY, &norm));
  DiniTestClose(norm, 0.0, 0.0, 0.0, "H 0");
  DiniTestExpect(DiniHVP(c.dini, v, Hv), PETSC_ERR_ARG_WRONG, "DiniSetResidualHessian()");
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&Hv));
  PetscCall(CurvedDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode InnerMult(Mat A, Vec x, Vec y)
{
  Mat B;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(A, &B));
  PetscCall(MatMult(B, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode InnerMultTranspose(Mat A, Vec x, Vec y)
{
  Mat B;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(A, &B));
  PetscCall(MatMultTranspose(B, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode InnerJacobian(Dini dini, Vec u, Mat J, Mat P, void *ctx)
{
  Curved *c = (Curved *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  (void)P;
  PetscCall(SNESComputeJacobian(c->snes, u, c->J, c->J));
  PetscCall(MatAssemblyBegin(J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(J, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J of blocks that are shells: their values are not those of a copy, and belong to the point again after a product. */
static PetscErrorCode TestNestOfShells(void)
{
  Curved c;
  Mat    S, J;
  Vec    v, Hv, before, after;

  PetscFunctionBeginUser;
  PetscCall(CurvedCreate(6, &c));
  PetscCall(CurvedDini(&c, DINIPARAMETERMATRIX));
  PetscCall(VecDuplicate(c.u, &before));
  {
    PetscInt n, N;

    PetscCall(VecGetLocalSize(c.u, &n));
    PetscCall(VecGetSize(c.u, &N));
    PetscCall(MatCreateShell(PETSC_COMM_WORLD, n, n, N, N, c.J, &S));
  }
  PetscCall(MatShellSetOperation(S, MATOP_MULT, (void (*)(void))InnerMult));
  PetscCall(MatShellSetOperation(S, MATOP_MULT_TRANSPOSE, (void (*)(void))InnerMultTranspose));
  PetscCall(MatCreateNest(PETSC_COMM_WORLD, 1, NULL, 1, NULL, &S, &J));
  PetscCall(DiniSetJacobian(c.dini, J, J, InnerJacobian, &c));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniTestVec(c.m, 5, &v));
  PetscCall(VecDuplicate(v, &Hv));
  PetscCall(VecDuplicate(v, &after));
  PetscCall(DiniJVP(c.dini, v, before));
  PetscCall(DiniHVP(c.dini, v, Hv));
  PetscCall(DiniJVP(c.dini, v, after));
  PetscCall(DiniTestVecsClose(before, after, 1e-10, "a tangent after a Hessian product, with a nest of shells"));
  PetscCall(MatDestroy(&S));
  PetscCall(MatDestroy(&J));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&Hv));
  PetscCall(VecDestroy(&before));
  PetscCall(VecDestroy(&after));
  PetscCall(CurvedDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  Curved  *c;
  PetscInt adjoints, wrong; /* adjoint solves, and the one that is wrong; negative for none */
} Solves;

static PetscErrorCode CurvedF(Dini dini, Vec u, Vec F, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(CurvedResidual(((Solves *)ctx)->c, u, F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CurvedSolve(Dini dini, Vec u, void *ctx)
{
  Curved *c = ((Solves *)ctx)->c;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(SNESSolve(c->snes, NULL, u));
  PetscCall(SNESComputeJacobian(c->snes, u, c->J, c->J));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CurvedTangent(Dini dini, Vec r, Vec x, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(DiniTestDirectSolve(((Solves *)ctx)->c->J, PETSC_FALSE, r, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CurvedAdjoint(Dini dini, Vec g, Vec x, void *ctx)
{
  Solves *s = (Solves *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(DiniTestDirectSolve(s->c->J, PETSC_TRUE, g, x));
  if (s->adjoints++ == s->wrong) PetscCall(VecScale(x, 2.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Nobody but the application's solves knows J: second derivatives come from callbacks. A lambda that has failed gives NaN. */
static PetscErrorCode TestOwnSolves(void)
{
  Curved    c;
  Solves    s = {&c, 0, -1};
  Vec       v, Hv, expected;
  PetscReal norm;

  PetscFunctionBeginUser;
  PetscCall(CurvedCreate(5, &c));
  PetscCall(CurvedDini(&c, DINIPARAMETERMATRIX));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniTestVec(c.m, 5, &v));
  PetscCall(VecDuplicate(v, &Hv));
  PetscCall(VecDuplicate(v, &expected));
  PetscCall(DiniHVP(c.dini, v, expected));
  PetscCall(DiniDestroy(&c.dini));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &c.dini));
  PetscCall(DiniSetType(c.dini, DINISHELL));
  PetscCall(DiniSetResidual(c.dini, CurvedF, &s));
  PetscCall(DiniSetSolve(c.dini, CurvedSolve, &s));
  PetscCall(DiniSetTangentSolve(c.dini, CurvedTangent, &s));
  PetscCall(DiniSetAdjointSolve(c.dini, CurvedAdjoint, &s));
  PetscCall(DiniAddParameter(c.dini, "m", c.m, NULL));
  PetscCall(DiniSetObjective(c.dini, CurvedObjective, CurvedObjectiveGradient, &c));
  PetscCall(DiniSetObjectiveHessian(c.dini, CurvedObjectiveHessian, &c));
  PetscCall(DiniSolve(c.dini, c.u));
  DiniTestExpect(DiniHVP(c.dini, v, Hv), PETSC_ERR_SUP, "DiniSetResidualHessian()");
  PetscCall(DiniSetResidualHessian(c.dini, CurvedResidualHessian, &c));
  PetscCall(DiniHVP(c.dini, v, Hv));
  PetscCall(DiniTestVecsClose(Hv, expected, 1e-6, "H v by the application's own solves and callbacks"));
  PetscCall(DiniSetErrorIfNotConverged(c.dini, PETSC_FALSE));
  PetscCall(DiniSolve(c.dini, c.u));
  s.wrong = s.adjoints;
  PetscCall(DiniHVP(c.dini, v, Hv));
  PetscCall(VecNorm(Hv, NORM_2, &norm));
  DiniTestTrue(PetscIsInfOrNanReal(norm), "H v without a lambda has the norm %g", (double)norm);
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&Hv));
  PetscCall(VecDestroy(&expected));
  PetscCall(CurvedDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestZeroDirection());
  PetscCall(TestNestOfShells());
  PetscCall(TestOwnSolves());
  PetscCall(TestObjectives("-pc_type bjacobi"));
  PetscCall(TestObjectives("-pc_type redundant"));
  PetscCall(TestPredict());
  PetscCall(PetscFinalize());
  return 0;
}
