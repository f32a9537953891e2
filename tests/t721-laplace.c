static char help[] =
    "The posterior of a PDE's parameters: identities with Hessian products, predictions, costs, and misuse.\n";

#include "support/fixtures.h"
#include <dinislepc.h>

static PetscErrorCode Solve(Transport *t, PetscInt nx, PetscInt ny)
{
  Vec       m;
  PetscReal value;

  PetscFunctionBeginUser;
  PetscCall(TransportCreate(nx, ny, t));
  t->alpha = 0.05;
  PetscCall(TransportDini(t, DINIPARAMETERMATRIX));
  PetscCall(DiniSetState(t->dini, t->u));
  PetscCall(DiniSetObjective(t->dini, TransportObjective, TransportObjectiveGradient, t));
  PetscCall(DiniSetHessianType(t->dini, DINI_HESSIAN_GAUSS_NEWTON));
  PetscCall(DiniCreateParameterVec(t->dini, &m));
  PetscCall(VecSet(m, 0.1));
  PetscCall(DiniComputeObjective(t->dini, m, &value));
  PetscCall(VecDestroy(&m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* alpha s I plus, to have a prior that is no multiple of the identity, the Laplacian of the grid */
static PetscErrorCode Precision(Transport *t, PetscReal diagonal, PetscReal offdiagonal, Mat *R)
{
  PetscInt lo, hi, N;

  PetscFunctionBeginUser;
  PetscCall(VecGetOwnershipRange(t->m, &lo, &hi));
  PetscCall(VecGetSize(t->m, &N));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, hi - lo, hi - lo, N, N, 3, NULL, 2, NULL, R));
  for (PetscInt i = lo; i < hi; i++) {
    const PetscScalar right = DiniTestScalar(-offdiagonal, 0.3 * offdiagonal);

    PetscCall(MatSetValue(*R, i, i, diagonal + 2.5 * offdiagonal, INSERT_VALUES));
    if (i + 1 < N) PetscCall(MatSetValue(*R, i, i + 1, right, INSERT_VALUES));
    if (i > 0) PetscCall(MatSetValue(*R, i, i - 1, PetscConj(right), INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(*R, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*R, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The prior's own term in the objective is alpha/2 |m|^2: inside with R = s alpha I, or beside it with the other R */
static PetscErrorCode Posterior(Transport *t, PetscReal s, PetscBool inside, DiniPosteriorMethod method,
                                DiniPosterior *post)
{
  Mat R;

  PetscFunctionBeginUser;
  PetscCall(Precision(t, s * t->alpha, inside ? 0.0 : 0.3, &R));
  PetscCall(DiniPosteriorCreate(t->dini, post));
  PetscCall(DiniPosteriorSetMethod(*post, method));
  PetscCall(DiniPosteriorSetScale(*post, s));
  PetscCall(DiniPosteriorSetPrior(*post, R, inside));
  PetscCall(MatDestroy(&R));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* (s H [+ R]) C x = x, when no pair is left out: C is the inverse of the Hessian of the negative log posterior */
static PetscErrorCode TestInverse(PetscBool inside, DiniPosteriorMethod method, DiniHessianType type)
{
  const PetscReal s = type == DINI_HESSIAN_FULL ? 1.0 : 40.0; /* away from a minimum the full one may be indefinite */
  Transport       t;
  DiniPosterior   post;
  Mat             R;
  Vec             x, y, z, w;

  PetscFunctionBeginUser;
  PetscCall(Solve(&t, 5, 4));
  PetscCall(DiniSetHessianType(t.dini, type));
  PetscCall(Posterior(&t, s, inside, method, &post));
  PetscCall(DiniPosteriorSetDimension(post, PETSC_DECIDE, 1e-12));
  PetscCall(DiniPosteriorSolve(post));
  PetscCall(DiniTestVec(t.m, 11, &x));
  PetscCall(VecDuplicate(x, &y));
  PetscCall(VecDuplicate(x, &z));
  PetscCall(VecDuplicate(x, &w));
  PetscCall(DiniPosteriorApplyCovariance(post, x, y));
  PetscCall(DiniHVP(t.dini, y, z));
  PetscCall(VecScale(z, s));
  if (!inside) {
    PetscCall(Precision(&t, s * t.alpha, 0.3, &R));
    PetscCall(MatMult(R, y, w));
    PetscCall(VecAXPY(z, 1.0, w));
    PetscCall(MatDestroy(&R));
  }
  PetscCall(DiniTestVecsClose(z, x, 1e-5, "the Hessian times the covariance, and the identity"));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&y));
  PetscCall(VecDestroy(&z));
  PetscCall(VecDestroy(&w));
  PetscCall(DiniPosteriorDestroy(&post));
  PetscCall(TransportDestroy(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Variances of B u at first order: with L = B du/dm they are the diagonal of L C L^H */
static PetscErrorCode TestPredictions(void)
{
  Transport     t;
  DiniPosterior post;
  Mat           D;
  Vec           variance, prior, e, w, c;
  PetscInt      lo, hi, rows;

  PetscFunctionBeginUser;
  PetscCall(Solve(&t, 4, 3));
  PetscCall(Posterior(&t, 40.0, PETSC_FALSE, DINI_POSTERIOR_EPS, &post));
  PetscCall(DiniPosteriorSetDimension(post, PETSC_DECIDE, 1e-12));
  PetscCall(DiniPosteriorSolve(post));
  PetscCall(DiniGetDerivative(t.dini, &D));
  PetscCall(VecDuplicate(t.u, &variance));
  PetscCall(VecDuplicate(t.u, &prior));
  PetscCall(VecDuplicate(t.u, &e));
  PetscCall(VecDuplicate(t.m, &w));
  PetscCall(VecDuplicate(t.m, &c));
  PetscCall(DiniPosteriorGetVariance(post, D, NULL, variance));
  PetscCall(VecGetOwnershipRange(e, &lo, &hi));
  PetscCall(VecGetSize(e, &rows));
  for (PetscInt i = 0; i < rows; i++) {
    PetscScalar value;

    PetscCall(VecSet(e, 0.0));
    if (i >= lo && i < hi) PetscCall(VecSetValue(e, i, 1.0, INSERT_VALUES));
    PetscCall(VecAssemblyBegin(e));
    PetscCall(VecAssemblyEnd(e));
    PetscCall(DiniVJP(t.dini, e, w));
    PetscCall(DiniPosteriorApplyCovariance(post, w, c));
    PetscCall(VecDot(c, w, &value));
    if (i >= lo && i < hi) PetscCall(VecSetValue(prior, i, value, INSERT_VALUES));
  }
  PetscCall(VecAssemblyBegin(prior));
  PetscCall(VecAssemblyEnd(prior));
  PetscCall(DiniTestVecsClose(variance, prior, 1e-6, "variances of predictions, by rows and by columns"));
  PetscCall(VecSet(prior, 0.0)); /* a prior that is surer than the posterior */
  DiniTestExpect(DiniPosteriorGetVariance(post, D, prior, variance), PETSC_ERR_ARG_OUTOFRANGE, "do not belong");
  PetscCall(VecDestroy(&variance));
  PetscCall(VecDestroy(&prior));
  PetscCall(VecDestroy(&e));
  PetscCall(VecDestroy(&w));
  PetscCall(VecDestroy(&c));
  PetscCall(DiniPosteriorDestroy(&post));
  PetscCall(TransportDestroy(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Both methods find the same; what the threshold leaves out is below it; no set-up and no factorisation beyond the first */
static PetscErrorCode TestMethods(void)
{
  Transport        t;
  DiniPosterior    post[2];
  PetscInt         n[2];
  const PetscReal *lambda[2];
  PetscReal        cut[2];
  DiniStatistics   before, after;

  PetscFunctionBeginUser;
  PetscCall(Solve(&t, 8, 7));
  PetscCall(DiniGetStatistics(t.dini, &before));
  for (int k = 0; k < 2; k++) {
    PetscCall(Posterior(&t, 40.0, PETSC_TRUE, (DiniPosteriorMethod)k, &post[k]));
    PetscCall(DiniPosteriorSetTolerance(post[k], 1e-6, 40));
    PetscCall(DiniPosteriorSetDimension(post[k], PETSC_DECIDE, 1e-2));
    PetscCall(DiniPosteriorSolve(post[k]));
    PetscCall(DiniPosteriorGetEigenvalues(post[k], &n[k], &lambda[k], &cut[k]));
    DiniTestTrue(cut[k] < 1e-2, "left out %g", (double)cut[k]);
    DiniTestTrue(n[k] > 3 && n[k] < 56, "%" PetscInt_FMT " eigenvalues", n[k]);
  }
  DiniTestCount(n[0], n[1], "eigenvalues by the two methods");
  for (PetscInt j = 0; j < n[0]; j++)
    DiniTestClose(lambda[0][j], lambda[1][j], 1e-5, 1e-7, "eigenvalues by two methods");
  PetscCall(DiniGetStatistics(t.dini, &after));
  DiniTestCount(after.factorizations - before.factorizations, 0, "factorisations");
  DiniTestTrue(after.pc_setups - before.pc_setups <= 1, "%" PetscInt_FMT " set-ups of the preconditioner",
               after.pc_setups - before.pc_setups);
  DiniTestTrue(after.hessian_products - before.hessian_products > 0, "no products counted");
  PetscCall(DiniPosteriorSetDimension(post[1], 2, 1e-2)); /* asked for fewer than there are */
  PetscCall(DiniPosteriorSolve(post[1]));
  PetscCall(DiniPosteriorGetEigenvalues(post[1], &n[1], &lambda[1], &cut[1]));
  DiniTestCount(n[1], 2, "eigenvalues asked for");
  DiniTestClose(cut[1], lambda[0][2], 0.1, 0.0, "the first eigenvalue left out");
  for (int k = 0; k < 2; k++) PetscCall(DiniPosteriorDestroy(&post[k]));
  PetscCall(TransportDestroy(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestOptions(void)
{
  Transport     t;
  DiniPosterior post;
  PetscViewer   viewer;
  char          text[4096];

  PetscFunctionBeginUser;
  PetscCall(
      DiniTestOptionsSet("-dini_posterior_method randomized -dini_posterior_dimension 3 -dini_posterior_threshold "
                         "1e-3 -dini_posterior_rtol 1e-3 -dini_posterior_max_it 30 -dini_posterior_oversampling 4"));
  PetscCall(Solve(&t, 5, 4));
  PetscCall(Posterior(&t, 40.0, PETSC_TRUE, DINI_POSTERIOR_EPS, &post));
  PetscCall(DiniPosteriorSetFromOptions(post));
  PetscCall(DiniTestTextOpen(&viewer));
  PetscCall(DiniPosteriorView(post, viewer));
  PetscCall(DiniPosteriorSolve(post));
  PetscCall(DiniPosteriorView(post, viewer));
  PetscCall(DiniTestTextClose(&viewer, text, sizeof(text)));
  PetscCall(DiniTestTextHas(text, "not solved"));
  PetscCall(DiniTestTextHas(text, "method: randomized, tolerance 0.001"));
  PetscCall(DiniTestTextHas(text, "eigenpairs: 3 of 20"));
  PetscCall(DiniPosteriorDestroy(&post));
  PetscCall(TransportDestroy(&t));
  PetscCall(
      DiniTestOptionsClear("-dini_posterior_method randomized -dini_posterior_dimension 3 -dini_posterior_threshold "
                           "1e-3 -dini_posterior_rtol 1e-3 -dini_posterior_max_it 30 -dini_posterior_oversampling 4"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestMisuse(void)
{
  Transport        t, other;
  DiniPosterior    post;
  Mat              R, wrong;
  Vec              x, y;
  PetscInt         n;
  KSP              ksp;
  const PetscReal *lambda;

  PetscFunctionBeginUser;
  PetscCall(Solve(&t, 5, 4));
  PetscCall(Solve(&other, 3, 3));
  PetscCall(Precision(&other, 1.0, 0.0, &wrong));
  PetscCall(Precision(&t, 1.0, 0.1, &R));
  PetscCall(DiniPosteriorCreate(t.dini, &post));
  DiniTestExpect(DiniPosteriorGetEigenvalues(post, &n, &lambda, NULL), PETSC_ERR_ORDER, "DiniPosteriorSolve()");
  DiniTestExpect(DiniPosteriorSample(post, 0, t.m), PETSC_ERR_ORDER, "DiniPosteriorSolve()");
  DiniTestExpect(DiniPosteriorGetPriorKSP(post, &ksp), PETSC_ERR_ORDER, "identity");
  DiniTestExpect(DiniPosteriorSetScale(post, 0.0), PETSC_ERR_ARG_OUTOFRANGE, "positive");
  DiniTestExpect(DiniPosteriorSetScale(post, NAN), PETSC_ERR_ARG_OUTOFRANGE, "positive");
  DiniTestExpect(DiniPosteriorSetDimension(post, 0, 0.1), PETSC_ERR_ARG_OUTOFRANGE, "PETSC_DECIDE");
  DiniTestExpect(DiniPosteriorSetDimension(post, 3, -0.1), PETSC_ERR_ARG_OUTOFRANGE, "threshold");
  DiniTestExpect(DiniPosteriorSetTolerance(post, 2.0, 3), PETSC_ERR_ARG_OUTOFRANGE, "between 0 and 1");
  DiniTestExpect(DiniPosteriorSetOversampling(post, 0), PETSC_ERR_ARG_OUTOFRANGE, "at least 1");
  DiniTestExpect(DiniPosteriorSetMethod(post, (DiniPosteriorMethod)7), PETSC_ERR_ARG_OUTOFRANGE, "method number 7");
  PetscCall(DiniPosteriorSetPrior(post, wrong, PETSC_FALSE));
  DiniTestExpect(DiniPosteriorSolve(post), PETSC_ERR_ARG_SIZ, "DiniCreateParameterVec()");
  PetscCall(DiniPosteriorSetPrior(post, R, PETSC_FALSE));
  PetscCall(DiniPosteriorSetPriorRoot(post, wrong));
  DiniTestExpect(DiniPosteriorSolve(post), PETSC_ERR_ARG_SIZ, "root");
  PetscCall(DiniPosteriorSetPriorRoot(post, NULL));
  PetscCall(DiniPosteriorSolve(post));
  PetscCall(VecDuplicate(t.m, &x));
  PetscCall(VecDuplicate(t.m, &y));
  DiniTestExpect(DiniPosteriorSample(post, 0, x), PETSC_ERR_ORDER, "DiniPosteriorSetPriorRoot()");
  DiniTestExpect(DiniPosteriorApplyCovariance(post, other.m, y), PETSC_ERR_ARG_SIZ, "laid out");
  DiniTestExpect(DiniPosteriorApplyCovariance(post, x, x), PETSC_ERR_ARG_IDN, "two different");
  DiniTestExpect(DiniPosteriorGetVariance(post, NULL, NULL, other.m), PETSC_ERR_ARG_SIZ, "laid out");
  DiniTestExpect(DiniPosteriorGetVariance(post, wrong, NULL, other.m), PETSC_ERR_ARG_SIZ, "laid out");
  PetscCall(DiniPosteriorGetEigenvalues(post, &n, &lambda, NULL));
  DiniTestExpect(DiniPosteriorGetEigenvector(post, n, x), PETSC_ERR_ARG_OUTOFRANGE, "there are");
  PetscCall(VecSet(x, NAN));
  DiniTestExpect(DiniPosteriorGetVariance(post, NULL, x, y), PETSC_ERR_ARG_OUTOFRANGE, "NaN");
  if (PetscDefined(USE_COMPLEX)) {
    PetscCall(DiniSetHessianType(t.dini, DINI_HESSIAN_FULL));
    DiniTestExpect(DiniPosteriorSolve(post), PETSC_ERR_SUP, "gauss_newton");
    PetscCall(DiniSetHessianType(t.dini, DINI_HESSIAN_GAUSS_NEWTON));
  }
  PetscCall(DiniPosteriorSetTolerance(post, 1e-15, 2)); /* what no pair can keep */
  DiniTestExpect(DiniPosteriorSolve(post), PETSC_ERR_NOT_CONVERGED, "-dini_posterior_rtol");
  PetscCall(DiniPosteriorSetTolerance(post, 1e-4, 20));
  t.objective = FAULT_NAN;
  PetscCall(DiniPosteriorSolve(post)); /* the value is not asked for again */
  t.objective = FAULT_NONE;
  PetscCall(DiniReset(t.dini));
  DiniTestExpectAny(DiniPosteriorSolve(post), "DiniSolve()");
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&y));
  PetscCall(MatDestroy(&R));
  PetscCall(MatDestroy(&wrong));
  PetscCall(DiniPosteriorDestroy(&post));
  PetscCall(TransportDestroy(&t));
  PetscCall(TransportDestroy(&other));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* u + u^3 = m and 1/2 |u + 30|^2: the full Hessian is negative here */
static PetscErrorCode FarValue(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini, (void)u, (void)ctx;
  *value = 1.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FarGradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini, (void)dJdm, (void)ctx;
  PetscCall(VecCopy(u, dJdu));
  PetscCall(VecShift(dJdu, 30.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestIndefinite(void)
{
  Cubic         c;
  DiniPosterior post;
  Vec           m;
  PetscReal     value;

  PetscFunctionBeginUser;
  if (PetscDefined(USE_COMPLEX)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(CubicCreate(3, 0.0, &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERMATRIX));
  PetscCall(DiniSetState(c.dini, c.u));
  PetscCall(DiniSetObjective(c.dini, FarValue, FarGradient, NULL));
  PetscCall(DiniCreateParameterVec(c.dini, &m));
  PetscCall(VecSet(m, 2.0)); /* u = 1, u' = 1/4, u'' = -6/64: H = 1/16 - 31 * 6/64 */
  PetscCall(DiniComputeObjective(c.dini, m, &value));
  PetscCall(DiniPosteriorCreate(c.dini, &post));
  DiniTestExpect(DiniPosteriorSolve(post), PETSC_ERR_ARG_OUTOFRANGE, "not a minimum");
  PetscCall(DiniSetHessianType(c.dini, DINI_HESSIAN_GAUSS_NEWTON));
  PetscCall(DiniPosteriorSolve(post));
  PetscCall(DiniPosteriorDestroy(&post));
  PetscCall(VecDestroy(&m));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (int k = 0; k < 4; k++)
    PetscCall(TestInverse((PetscBool)(k % 2), (DiniPosteriorMethod)(k / 2), DINI_HESSIAN_GAUSS_NEWTON));
  if (!PetscDefined(USE_COMPLEX)) PetscCall(TestInverse(PETSC_FALSE, DINI_POSTERIOR_EPS, DINI_HESSIAN_FULL));
  PetscCall(TestPredictions());
  PetscCall(TestMethods());
  PetscCall(TestOptions());
  PetscCall(TestMisuse());
  PetscCall(TestIndefinite());
  PetscCall(PetscFinalize());
  return 0;
}
