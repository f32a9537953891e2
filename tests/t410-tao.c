static char help[] = "First-order Tao types from the options database; failing trial solves go to the line search.\n";

#include "support/fixtures.h"

typedef struct {
  Transport t;
  PetscInt  values, gradients;
} Counted;

static PetscErrorCode Value(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  PetscFunctionBeginUser;
  ((Counted *)ctx)->values++;
  PetscCall(TransportObjective(dini, u, value, &((Counted *)ctx)->t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  PetscFunctionBeginUser;
  ((Counted *)ctx)->gradients++;
  PetscCall(TransportObjectiveGradient(dini, u, dJdu, dJdm, &((Counted *)ctx)->t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Each type finds the same minimum, one forward and one adjoint solve a trial point. */
static PetscErrorCode TestTypes(const char options[], Vec reference, PetscBool first)
{
  Counted            c;
  Tao                tao;
  Vec                m, g;
  TaoConvergedReason reason;
  DiniStatistics     s;
  PetscReal          f, norm;

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(PetscMemzero(&c, sizeof(c)));
  PetscCall(TransportCreate(5, 4, &c.t));
  c.t.alpha = 0.5; /* few iterations */
  PetscCall(TransportDini(&c.t, DINIPARAMETERMATRIX));
  PetscCall(DiniSetState(c.t.dini, c.t.u));
  PetscCall(DiniSetObjective(c.t.dini, Value, Gradient, &c));
  PetscCall(TaoCreate(PETSC_COMM_WORLD, &tao));
  PetscCall(TaoSetType(tao, TAOLMVM));
  PetscCall(TaoSetTolerances(tao, 1e-6, 0.0, 0.0));
  PetscCall(TaoSetMaximumIterations(tao, 2000));
  PetscCall(DiniSetTao(c.t.dini, tao));
  PetscCall(TaoSetFromOptions(tao));
  PetscCall(TaoSolve(tao));
  PetscCall(TaoGetConvergedReason(tao, &reason));
  DiniTestTrue(reason > 0, "%s: Tao stops with %d", options, (int)reason);
  PetscCall(TaoGetSolution(tao, &m));
  PetscCall(DiniGetStatistics(c.t.dini, &s));
  DiniTestTrue(s.forward_solves <= c.values && s.forward_solves > 2,
               "%s: %" PetscInt_FMT " forward solves for %" PetscInt_FMT " values", options, s.forward_solves,
               c.values);
  c.gradients -= s.adjoint_solves; /* the others tell what an error of u makes of them, beside a few points */
  DiniTestTrue(c.gradients >= 0 && c.gradients <= 5, "%s: %" PetscInt_FMT " gradients more than adjoint solves",
               options, c.gradients);
  DiniTestTrue(s.jacobian_assemblies <= s.forward_solves,
               "%s: %" PetscInt_FMT " assemblies at %" PetscInt_FMT " points", options, s.jacobian_assemblies,
               s.forward_solves);
  PetscCall(VecDuplicate(m, &g));
  PetscCall(DiniComputeObjectiveAndGradient(c.t.dini, m, &f, g));
  PetscCall(VecNorm(g, NORM_2, &norm));
  DiniTestClose(norm, 0.0, 0.0, 1e-5, "gradient at the minimum");
  if (first) PetscCall(VecCopy(m, reference));
  else PetscCall(DiniTestVecsClose(m, reference, 1e-3, options)); /* alpha magnifies the tolerance of the gradient */
  PetscCall(VecDestroy(&g));
  PetscCall(TaoDestroy(&tao));
  PetscCall(TransportDestroy(&c.t));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Tao's own call of the callbacks gives what DiniComputeObjectiveAndGradient() gives. */
static PetscErrorCode TestCallbacks(void)
{
  Transport t;
  Tao       tao;
  Vec       m, g, expected;
  PetscReal f, f_expected;

  PetscFunctionBeginUser;
  PetscCall(TransportCreate(5, 4, &t));
  PetscCall(TransportDini(&t, DINIPARAMETERMATRIX));
  PetscCall(DiniSetState(t.dini, t.u));
  PetscCall(DiniSetObjective(t.dini, TransportObjective, TransportObjectiveGradient, &t));
  PetscCall(TaoCreate(PETSC_COMM_WORLD, &tao));
  PetscCall(DiniSetTao(t.dini, tao));
  PetscCall(DiniTestVec(t.m, 8, &m));
  PetscCall(VecDuplicate(m, &g));
  PetscCall(VecDuplicate(m, &expected));
  PetscCall(DiniComputeObjectiveAndGradient(t.dini, m, &f_expected, expected));
  PetscCall(VecShift(m, 0.1));
  PetscCall(TaoComputeObjective(tao, m, &f));
  PetscCall(VecShift(m, -0.1));
  PetscCall(TaoComputeObjectiveAndGradient(tao, m, &f, g));
  DiniTestClose(f, f_expected, 1e-9, 0.0, "objective by Tao");
  PetscCall(DiniTestVecsClose(g, expected, 1e-7, "gradient by Tao"));
  PetscCall(TaoComputeGradient(tao, m, g));
  PetscCall(DiniTestVecsClose(g, expected, 1e-7, "gradient alone by Tao"));
  PetscCall(TaoDestroy(&tao));
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&g));
  PetscCall(VecDestroy(&expected));
  PetscCall(TransportDestroy(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A start and bounds that the user has given are kept. */
static PetscErrorCode TestBounds(void)
{
  Transport  t;
  Tao        tao;
  Vec        m, lower, upper, start;
  PetscReal  low, high;
  const char options[] = "-tao_type blmvm";

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(TransportCreate(5, 4, &t));
  PetscCall(TransportDini(&t, DINIPARAMETERMATRIX));
  PetscCall(DiniSetState(t.dini, t.u));
  PetscCall(DiniSetObjective(t.dini, TransportObjective, TransportObjectiveGradient, &t));
  PetscCall(DiniCreateParameterVec(t.dini, &start));
  PetscCall(VecDuplicate(start, &lower));
  PetscCall(VecDuplicate(start, &upper));
  PetscCall(VecSet(start, 0.05));
  PetscCall(VecSet(lower, -0.1));
  PetscCall(VecSet(upper, 0.1));
  PetscCall(TaoCreate(PETSC_COMM_WORLD, &tao));
  PetscCall(TaoSetSolution(tao, start));
  PetscCall(TaoSetVariableBounds(tao, lower, upper));
  PetscCall(DiniSetTao(t.dini, tao));
  PetscCall(TaoSetFromOptions(tao));
  PetscCall(TaoSolve(tao));
  PetscCall(TaoGetSolution(tao, &m));
  DiniTestTrue(m == start, "DiniSetTao() has replaced the user's start");
  PetscCall(VecMin(m, NULL, &low));
  PetscCall(VecMax(m, NULL, &high));
  DiniTestTrue(low >= -0.1 - 1e-12 && high <= 0.1 + 1e-12 && (low < -0.0999 || high > 0.0999),
               "Solution between %g and %g, with bounds at 0.1", (double)low, (double)high);
  PetscCall(TaoDestroy(&tao));
  PetscCall(VecDestroy(&start));
  PetscCall(VecDestroy(&lower));
  PetscCall(VecDestroy(&upper));
  PetscCall(TransportDestroy(&t));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  u^2 = m has no solution for m < 0, and a long step from m = 4 towards the minimum of (u - 1/2)^2 lands there: the trial
  solve fails, the line search is told, and the search goes on from the last good state.
*/
typedef struct {
  Vec      u, m, d;
  PetscInt residuals;
} Root;

static PetscErrorCode RootResidual(SNES snes, Vec u, Vec F, void *ctx)
{
  Root *r = (Root *)ctx;

  PetscFunctionBeginUser;
  (void)snes;
  r->residuals++;
  PetscCall(VecPointwiseMult(F, u, u));
  PetscCall(VecAXPY(F, -1.0, r->m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RootJacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  Root *r = (Root *)ctx;

  PetscFunctionBeginUser;
  (void)snes;
  (void)J;
  PetscCall(VecCopy(u, r->d));
  PetscCall(VecScale(r->d, 2.0));
  PetscCall(MatDiagonalSet(P, r->d, INSERT_VALUES));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RootValue(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  PetscReal norm;
  Vec       d = ((Root *)ctx)->d;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecCopy(u, d));
  PetscCall(VecShift(d, -0.5));
  PetscCall(VecNorm(d, NORM_2, &norm));
  *value = 100.0 * norm * norm;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RootGradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)dJdm;
  (void)ctx;
  PetscCall(VecCopy(u, dJdu));
  PetscCall(VecShift(dJdu, -0.5));
  PetscCall(VecScale(dJdu, 200.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestFailingTrials(const char options[], PetscBool must)
{
  Root               r = {NULL, NULL, NULL, 0};
  Mat                J;
  SNES               snes;
  Dini               dini;
  Tao                tao;
  Vec                m, expected;
  TaoConvergedReason reason;
  DiniStatistics     s;
  PetscReal          f0, f;
  PetscInt           lo, hi;

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, PETSC_DECIDE, 6, &r.u));
  PetscCall(VecDuplicate(r.u, &r.m));
  PetscCall(VecDuplicate(r.u, &r.d));
  PetscCall(VecSet(r.m, 4.0));
  PetscCall(VecSet(r.u, 2.0));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, 6, 6, 1, NULL, 0, NULL, &J));
  PetscCall(MatGetOwnershipRange(J, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) PetscCall(MatSetValue(J, i, i, 1.0, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(J, MAT_FINAL_ASSEMBLY));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &snes));
  PetscCall(SNESSetFunction(snes, NULL, RootResidual, &r));
  PetscCall(SNESSetJacobian(snes, J, J, RootJacobian, &r));
  PetscCall(SNESSetTolerances(snes, 1e-12, 1e-12, 0.0, 20, 1000));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetSNES(dini, snes));
  PetscCall(DiniAddParameter(dini, "m", r.m, NULL));
  PetscCall(DiniSetParameterType(dini, 0, DINIPARAMETERRHS));
  PetscCall(DiniSetState(dini, r.u));
  PetscCall(DiniSetObjective(dini, RootValue, RootGradient, &r));
  PetscCall(DiniSetFromOptions(dini));
  PetscCall(TaoCreate(PETSC_COMM_WORLD, &tao));
  PetscCall(TaoSetType(tao, TAOLMVM));
  PetscCall(TaoSetTolerances(tao, 1e-7, 0.0, 0.0));
  PetscCall(DiniSetTao(dini, tao));
  PetscCall(TaoSetFromOptions(tao));
  PetscCall(TaoGetSolution(tao, &m));
  PetscCall(DiniComputeObjective(dini, m, &f0));
  PetscCall(TaoSolve(tao)); /* no error, whatever the outcome */
  PetscCall(TaoGetConvergedReason(tao, &reason));
  PetscCall(DiniGetStatistics(dini, &s));
  DiniTestTrue(s.forward_failures > 0, "%s: no trial solve has failed, so this tests nothing", options);
  PetscCall(DiniComputeObjective(dini, m, &f)); /* the point that Tao stops at has a state */
  DiniTestTrue(f <= f0, "%s: the objective rose from %g to %g", options, (double)f0, (double)f);
  if (must) {
    DiniTestTrue(reason > 0, "%s: Tao stops with %d", options, (int)reason);
    PetscCall(VecDuplicate(m, &expected));
    PetscCall(VecSet(expected, 0.25));
    PetscCall(DiniTestVecsClose(m, expected, 1e-5, options));
    PetscCall(VecDestroy(&expected));
  }
  PetscCall(TaoDestroy(&tao));
  PetscCall(DiniDestroy(&dini));
  PetscCall(SNESDestroy(&snes));
  PetscCall(MatDestroy(&J));
  PetscCall(VecDestroy(&r.u));
  PetscCall(VecDestroy(&r.m));
  PetscCall(VecDestroy(&r.d));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* PETSc registers no types there, as docs/objectives.rst says */
static PetscErrorCode TestNoTypes(void)
{
  Tao tao;

  PetscFunctionBeginUser;
  PetscCall(TaoCreate(PETSC_COMM_WORLD, &tao));
  DiniTestExpectAny(TaoSetType(tao, TAOLMVM), "Unable to find requested Tao type lmvm");
  DiniTestExpectAny(TaoSetType(tao, TAOSHELL), "Unable to find requested Tao type shell");
  PetscCall(TaoDestroy(&tao));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  const char *const types[] = {"-tao_type lmvm", "-tao_type blmvm", "-tao_type cg", "-tao_type bncg",
                               "-tao_type lmvm -tao_ls_type armijo"};
  Transport         t;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestCallbacks());
  if (PetscDefined(USE_COMPLEX)) {
    PetscCall(TestNoTypes());
    PetscCall(PetscFinalize());
    return 0;
  }
  PetscCall(TransportCreate(5, 4, &t));
  for (size_t k = 0; k < sizeof(types) / sizeof(*types); k++) PetscCall(TestTypes(types[k], t.m, (PetscBool)!k));
  PetscCall(TransportDestroy(&t));
  PetscCall(TestBounds());
  PetscCall(TestFailingTrials("-tao_type lmvm -tao_ls_type armijo", PETSC_TRUE));
  PetscCall(TestFailingTrials("-tao_type lmvm", PETSC_FALSE));
  PetscCall(TestFailingTrials("-tao_type blmvm", PETSC_FALSE));
  PetscCall(PetscFinalize());
  return 0;
}
