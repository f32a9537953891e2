/*
  What the pairs say, with W = R^{-1} - V D V^H, D = diag(lambda / (1 + lambda)), the covariance of the posterior:
  variances, samples, the gain in information.
*/
#include "../../private/diniposteriorimpl.h"
#include <math.h>

static PetscErrorCode DiniReady_Posterior(DiniPosterior post)
{
  PetscFunctionBegin;
  PetscCheck(post->solved, PetscObjectComm((PetscObject)post), PETSC_ERR_ORDER,
             "%s: there are no eigenpairs; call DiniPosteriorSolve() first", DiniLabel_Private(post->dini));
  PetscCall(BVSetActiveColumns(post->V, 0, post->n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* v is laid out as a flat parameter vector, and is none of those in use here */
static PetscErrorCode DiniCheckVec_Posterior(DiniPosterior post, Vec v, const char what[])
{
  PetscInt  n;
  PetscBool any;

  PetscFunctionBegin;
  PetscCheck(v, PetscObjectComm((PetscObject)post), PETSC_ERR_ARG_NULL, "%s: %s is NULL", DiniLabel_Private(post->dini),
             what);
  PetscCall(VecGetLocalSize(post->w[0], &n));
  PetscCall(DiniOtherLayout_Private(PetscObjectComm((PetscObject)post), (PetscObject)v, n, -1, &any));
  PetscCheck(!any, PetscObjectComm((PetscObject)post), PETSC_ERR_ARG_SIZ,
             "%s: %s is not laid out as the flat parameter vector of %" PetscInt_FMT
             " entries, see DiniCreateParameterVec()",
             DiniLabel_Private(post->dini), what, post->N);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives the eigenvalues of the data-misfit Hessian relative to the prior's precision.
  @level{intermediate}

  Not Collective. lambda is the precision that the data have in the direction of its vector, over that of the prior: the
  variance there is 1/(1 + lambda) of the prior's.

  @param[in]  post   the posterior, after DiniPosteriorSolve()
  @param[out] n      how many there are
  @param[out] lambda the eigenvalues by decreasing size, not to be freed; may be NULL
  @param[out] cut    size of the largest one left out, the bound of what is neglected; may be NULL
  @return 0 or a PETSc error code; PETSC_ERR_ORDER before DiniPosteriorSolve()
*/
PetscErrorCode DiniPosteriorGetEigenvalues(DiniPosterior post, PetscInt *n, const PetscReal *lambda[], PetscReal *cut)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(post, DINI_POSTERIOR_CLASSID, 1);
  PetscCall(DiniReady_Posterior(post));
  *n = post->n;
  if (lambda) *lambda = post->lambda;
  if (cut) *cut = post->cut;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives an eigenvector of the data-misfit Hessian relative to the prior's precision.
  @level{intermediate}

  Collective. They are orthonormal in the precision, V^H R V = I, so that each has the prior's standard deviation in its
  direction for its length.

  @param[in]  post the posterior, after DiniPosteriorSolve()
  @param[in]  j    number of the pair, from 0
  @param[out] v    the vector, a flat parameter vector
  @return 0 or a PETSc error code; PETSC_ERR_ARG_OUTOFRANGE when there is no such pair
*/
PetscErrorCode DiniPosteriorGetEigenvector(DiniPosterior post, PetscInt j, Vec v)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(post, DINI_POSTERIOR_CLASSID, 1);
  PetscCall(DiniReady_Posterior(post));
  PetscCheck(j >= 0 && j < post->n, PetscObjectComm((PetscObject)post), PETSC_ERR_ARG_OUTOFRANGE,
             "%s: eigenpair %" PetscInt_FMT " asked for; there are %" PetscInt_FMT, DiniLabel_Private(post->dini), j,
             post->n);
  PetscCall(DiniCheckVec_Posterior(post, v, "the eigenvector"));
  PetscCall(BVCopyVec(post->V, j, v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y -= V diag(f(lambda)) V^H x */
static PetscErrorCode DiniSubtract_Posterior(DiniPosterior post, Vec x, PetscReal (*f)(PetscReal), Vec y)
{
  PetscScalar *c;

  PetscFunctionBegin;
  if (!post->n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(post->n, &c));
  PetscCall(BVDotVec(post->V, x, c)); /* v_j^H x */
  for (PetscInt j = 0; j < post->n; j++) c[j] *= f(post->lambda[j]);
  PetscCall(BVMultVec(post->V, -1.0, 1.0, y, c));
  PetscCall(PetscFree(c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscReal DiniReduction_Posterior(PetscReal lambda)
{
  return lambda / (1.0 + lambda);
}

static PetscReal DiniRootReduction_Posterior(PetscReal lambda)
{
  return 1.0 - 1.0 / PetscSqrtReal(1.0 + lambda);
}

/**
  @brief Applies the covariance of the posterior, (R + A)^{-1} = R^{-1} - V diag(lambda/(1 + lambda)) V^H.
  @level{intermediate}

  Collective. One solve with the prior's precision.

  @param[in]  post the posterior, after DiniPosteriorSolve()
  @param[in]  x    a flat parameter vector
  @param[out] y    the covariance times x, a flat parameter vector
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniPosteriorApplyCovariance(DiniPosterior post, Vec x, Vec y)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(post, DINI_POSTERIOR_CLASSID, 1);
  PetscCall(DiniReady_Posterior(post));
  PetscCall(DiniCheckVec_Posterior(post, x, "the vector to apply the covariance to"));
  PetscCall(DiniCheckVec_Posterior(post, y, "the result of the covariance"));
  PetscCheck(x != y, PetscObjectComm((PetscObject)post), PETSC_ERR_ARG_IDN,
             "DiniPosteriorApplyCovariance() needs two different vectors");
  PetscCall(DiniPosteriorApplyInverse_Private(post, x, y));
  PetscCall(DiniSubtract_Posterior(post, x, DiniReduction_Posterior, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The prior's variance of <l, m>: |S^H l|^2, or l^H R^{-1} l */
static PetscErrorCode DiniPriorVariance_Posterior(DiniPosterior post, Vec l, PetscReal *variance)
{
  PetscFunctionBegin;
  if (post->S) {
    PetscReal norm;

    if (!post->deviate) PetscCall(MatCreateVecs(post->S, &post->deviate, NULL));
    PetscCall(MatMultHermitianTranspose(post->S, l, post->deviate));
    PetscCall(VecNorm(post->deviate, NORM_2, &norm));
    *variance = norm * norm;
  } else {
    PetscScalar square;

    PetscCall(DiniPosteriorApplyInverse_Private(post, l, post->w[1]));
    PetscCall(VecDot(post->w[1], l, &square));
    *variance = PetscRealPart(square);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Row after row; e is a unit vector of the rows */
static PetscErrorCode DiniPriorVariances_Posterior(DiniPosterior post, Mat L, Vec e, Vec variance)
{
  PetscInt  lo, hi, rows;
  PetscReal value = 0.0;

  PetscFunctionBegin;
  if (!L && !post->R) {
    PetscCall(VecSet(variance, 1.0));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(VecGetOwnershipRange(variance, &lo, &hi));
  PetscCall(VecGetSize(variance, &rows));
  for (PetscInt i = 0; i < rows; i++) {
    PetscCall(VecSet(e, 0.0));
    if (i >= lo && i < hi) PetscCall(VecSetValue(e, i, 1.0, INSERT_VALUES));
    PetscCall(VecAssemblyBegin(e));
    PetscCall(VecAssemblyEnd(e));
    if (L) PetscCall(MatMultHermitianTranspose(L, e, post->w[0]));
    PetscCall(DiniPriorVariance_Posterior(post, L ? post->w[0] : e, &value));
    if (i >= lo && i < hi) PetscCall(VecSetValue(variance, i, value, INSERT_VALUES));
  }
  PetscCall(VecAssemblyBegin(variance));
  PetscCall(VecAssemblyEnd(variance));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* variance -= sum_j lambda_j/(1 + lambda_j) |L v_j|^2; what was there and what is left must be variances */
static PetscErrorCode DiniReduce_Posterior(DiniPosterior post, Mat L, Vec e, Vec variance)
{
  PetscScalar       *s;
  const PetscScalar *y;
  PetscInt           n;
  PetscReal          least[2] = {0.0, 0.0}, all[2], *before;

  PetscFunctionBegin;
  PetscCall(VecGetLocalSize(variance, &n));
  PetscCall(PetscMalloc1(n, &before));
  PetscCall(VecGetArray(variance, &s));
  for (PetscInt i = 0; i < n; i++) before[i] = PetscRealPart(s[i]);
  for (PetscInt j = 0; j < post->n; j++) {
    PetscCall(BVCopyVec(post->V, j, post->w[0]));
    if (L) PetscCall(MatMult(L, post->w[0], e));
    PetscCall(VecGetArrayRead(L ? e : post->w[0], &y));
    for (PetscInt i = 0; i < n; i++) s[i] -= DiniReduction_Posterior(post->lambda[j]) * PetscSqr(PetscAbsScalar(y[i]));
    PetscCall(VecRestoreArrayRead(L ? e : post->w[0], &y));
  }
  for (PetscInt i = 0; i < n; i++) {
    if (!(before[i] >= 0.0)) least[0] = -1.0;
    if (!(PetscRealPart(s[i]) >= -1e-8 * before[i])) least[1] = -1.0;
    s[i] = PetscMax(PetscRealPart(s[i]), 0.0);
  }
  PetscCall(VecRestoreArray(variance, &s));
  PetscCall(PetscFree(before));
  PetscCall(MPIU_Allreduce(least, all, 2, MPIU_REAL, MPIU_MIN, PetscObjectComm((PetscObject)post)));
  PetscCheck(all[0] >= 0.0 && all[1] >= 0.0, PetscObjectComm((PetscObject)post), PETSC_ERR_ARG_OUTOFRANGE,
             "%s: the variances under the %s are negative or NaN: %s", DiniLabel_Private(post->dini),
             all[0] < 0.0 ? "prior" : "posterior",
             all[0] < 0.0 ? "the vector given, or the prior's precision or root, is wrong"
                          : "the variances under the prior do not belong to this prior and these rows");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniVariances_Posterior(DiniPosterior post, Mat L, Vec prior, Vec e, Vec variance)
{
  PetscFunctionBegin;
  if (prior) PetscCall(VecCopy(prior, variance));
  else PetscCall(DiniPriorVariances_Posterior(post, L, e, variance));
  PetscCall(DiniReduce_Posterior(post, L, e, variance));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Computes variances under the posterior: of the parameters, or of what depends on them linearly.
  @level{intermediate}

  Collective. Var(L m)_i = Var_prior(L m)_i - sum_j lambda_j/(1 + lambda_j) |(L v_j)_i|^2. With L = B du/dm, the derivative of
  DiniCreateDerivative() behind observations B, these are the variances of predictions. They are too large, never too small, by
  the pairs left out: at most cut/(1 + cut) of the prior's, see DiniPosteriorGetEigenvalues().

  @param[in]  post     the posterior, after DiniPosteriorSolve()
  @param[in]  L        columns laid out as a flat parameter vector, with MatMult() and, without prior, MatMultHermitianTranspose();
                       NULL for the identity
  @param[in]  prior    the variances under the prior, if known; NULL: one product with L^H and one with S^H, or one solve with R,
                       for each row
  @param[out] variance laid out as the rows of L; units of L m, squared
  @return 0 or a PETSc error code; PETSC_ERR_ARG_OUTOFRANGE when a variance is negative or NaN
*/
PetscErrorCode DiniPosteriorGetVariance(DiniPosterior post, Mat L, Vec prior, Vec variance)
{
  PetscErrorCode failed;
  PetscInt       n[4] = {0, 0, 0, 0};
  PetscBool      wrong, any;
  Vec            e;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(post, DINI_POSTERIOR_CLASSID, 1);
  PetscCall(DiniReady_Posterior(post));
  PetscCheck(variance, PetscObjectComm((PetscObject)post), PETSC_ERR_ARG_NULL, "%s: the vector of variances is NULL",
             DiniLabel_Private(post->dini));
  PetscCall(VecGetLocalSize(post->w[0], &n[0]));
  PetscCall(VecGetLocalSize(variance, &n[1]));
  n[2] = n[3] = n[0];
  if (L) PetscCall(MatGetLocalSize(L, &n[2], &n[3]));
  wrong = (PetscBool)(n[2] != n[1] || n[3] != n[0]);
  if (prior) {
    PetscCall(VecGetLocalSize(prior, &n[0]));
    wrong = (PetscBool)(wrong || n[0] != n[1]);
  }
  PetscCall(MPIU_Allreduce(&wrong, &any, 1, DINI_MPI_BOOL, MPI_LOR, PetscObjectComm((PetscObject)post)));
  PetscCheck(!any, PetscObjectComm((PetscObject)post), PETSC_ERR_ARG_SIZ,
             "%s: the variances, those of the prior and the rows of L must be laid out alike, and the columns of L as "
             "the flat parameter vector of %" PetscInt_FMT " entries",
             DiniLabel_Private(post->dini), post->N);
  PetscCall(VecDuplicate(variance, &e));
  failed = DiniVariances_Posterior(post, L, prior, e, variance);
  PetscCall(VecDestroy(&e));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Uniform in (0, 1), a function of its arguments alone; the mixing is that of the generator splitmix64 */
static double DiniUniform_Posterior(PetscInt number, PetscInt64 i)
{
  unsigned long long x = (unsigned long long)number * 0xd1342543de82ef95ULL + (unsigned long long)i;

  for (int k = 0; k < 2; k++) {
    x += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    x ^= x >> 31;
  }
  return ((double)(x >> 11) + 0.5) / 9007199254740992.0;
}

/* Standard normal, by Box and Muller: entry i of sample number is the same on any number of ranks */
static PetscErrorCode DiniNormal_Posterior(PetscInt number, Vec z)
{
  PetscScalar *a;
  PetscInt     lo, hi;

  PetscFunctionBegin;
  PetscCall(VecGetOwnershipRange(z, &lo, &hi));
  PetscCall(VecGetArrayWrite(z, &a));
  for (PetscInt i = lo; i < hi; i++)
    a[i - lo] = (PetscReal)(sqrt(-2.0 * log(DiniUniform_Posterior(number, 2 * (PetscInt64)i))) *
                            cos(2.0 * M_PI * DiniUniform_Posterior(number, 2 * (PetscInt64)i + 1)));
  PetscCall(VecRestoreArrayWrite(z, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Draws a sample of the posterior, as the deviation from its mean.
  @level{intermediate}

  Collective. x = (I - V diag(1 - (1 + lambda)^{-1/2}) V^H R) S z with z standard normal. Entry i of z is a function of the
  number and of i alone, the same on any number of ranks; complex builds draw real z too.

  @param[in]  post   the posterior, after DiniPosteriorSolve(), with DiniPosteriorSetPriorRoot() unless the precision is the
                     identity
  @param[in]  number of the sample; equal numbers are equal samples
  @param[out] x      a flat parameter vector; add the parameters at the minimum
  @return 0 or a PETSc error code; PETSC_ERR_ORDER without a root
*/
PetscErrorCode DiniPosteriorSample(DiniPosterior post, PetscInt number, Vec x)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(post, DINI_POSTERIOR_CLASSID, 1);
  PetscCall(DiniReady_Posterior(post));
  PetscCall(DiniCheckVec_Posterior(post, x, "the sample"));
  PetscCheck(post->S || !post->R, PetscObjectComm((PetscObject)post), PETSC_ERR_ORDER,
             "%s: samples need a root S of the prior's covariance, S S^H = R^{-1}; call DiniPosteriorSetPriorRoot()",
             DiniLabel_Private(post->dini));
  if (post->S) {
    if (!post->deviate) PetscCall(MatCreateVecs(post->S, &post->deviate, NULL));
    PetscCall(DiniNormal_Posterior(number, post->deviate));
    PetscCall(MatMult(post->S, post->deviate, x));
  } else PetscCall(DiniNormal_Posterior(number, x));
  PetscCall(DiniPosteriorApplyPrecision_Private(post, x, post->w[0]));
  PetscCall(DiniSubtract_Posterior(post, post->w[0], DiniRootReduction_Posterior, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Computes what the data have told: the divergence of the posterior from the prior, in nats.
  @level{intermediate}

  Collective. Kullback and Leibler's 1/2 (sum_j [ln(1 + lambda_j) - lambda_j/(1 + lambda_j)] + |shift|_R^2). Over the data that
  the prior expects, its mean is 1/2 sum_j ln(1 + lambda_j) for a linear model, which optimal designs maximise. A bit is ln 2.

  @param[in]  post     the posterior, after DiniPosteriorSolve()
  @param[in]  shift    the mean of the posterior less that of the prior, a flat parameter vector; NULL: zero
  @param[out] gain     the divergence; may be NULL
  @param[out] expected its mean; may be NULL
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniPosteriorGetInformationGain(DiniPosterior post, Vec shift, PetscReal *gain, PetscReal *expected)
{
  PetscReal   logs = 0.0, trace = 0.0;
  PetscScalar square = 0.0;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(post, DINI_POSTERIOR_CLASSID, 1);
  PetscCall(DiniReady_Posterior(post));
  for (PetscInt j = 0; j < post->n; j++) {
    logs += (PetscReal)log1p((double)post->lambda[j]);
    trace += DiniReduction_Posterior(post->lambda[j]);
  }
  if (shift) {
    PetscCall(DiniCheckVec_Posterior(post, shift, "the shift of the mean"));
    PetscCall(DiniPosteriorApplyPrecision_Private(post, shift, post->w[0]));
    PetscCall(VecDot(post->w[0], shift, &square));
  }
  if (gain) *gain = 0.5 * (logs - trace + PetscRealPart(square));
  if (expected) *expected = 0.5 * logs;
  PetscFunctionReturn(PETSC_SUCCESS);
}
