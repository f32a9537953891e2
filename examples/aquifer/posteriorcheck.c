/* -aquifer_check_posterior: variances by other ways. Those of the field, with a solve for each node instead of the prior's
   modes. Those of the heads at the wells in use, without eigenpairs:

   Under the prior the heads have the covariance K = L L^T/weight, to first order, and measuring them with the error sigma
   leaves  K - K (K + sigma^2)^{-1} K:  a matrix with a row for each well, whatever the grid. The Gauss-Newton posterior has the
   same covariance; the pairs that it leaves out make variances too large by at most cut/(1 + cut) of the prior's. */
#include "posterior.h"

/* K on every rank, from the rows of L */
static PetscErrorCode CreatePriorCovariance(Inversion *inv, const Prediction *p, PetscInt n, Mat *K)
{
  PetscScalar *k;
  PetscInt     lo, hi;
  Vec          e, *row;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicateVecs(inv->x, n, &row));
  PetscCall(MatCreateVecs(p->L, NULL, &e));
  PetscCall(VecGetOwnershipRange(e, &lo, &hi));
  for (PetscInt i = 0; i < n; i++) {
    PetscCall(VecSet(e, 0.0));
    if (i >= lo && i < hi) PetscCall(VecSetValue(e, i, 1.0, INSERT_VALUES));
    PetscCall(VecAssemblyBegin(e));
    PetscCall(VecAssemblyEnd(e));
    PetscCall(MatMultTranspose(p->L, e, row[i]));
  }
  PetscCall(MatCreateSeqDense(PETSC_COMM_SELF, n, n, NULL, K));
  PetscCall(MatDenseGetArrayWrite(*K, &k));
  for (PetscInt i = 0; i < n; i++) PetscCall(VecMDot(row[i], n, row, &k[(size_t)i * (size_t)n]));
  PetscCall(MatDenseRestoreArrayWrite(*K, &k));
  PetscCall(MatAssemblyBegin(*K, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*K, MAT_FINAL_ASSEMBLY));
  PetscCall(MatScale(*K, 1 / inv->weight));
  PetscCall(VecDestroy(&e));
  PetscCall(VecDestroyVecs(n, &row));
  PetscFunctionReturn(0);
}

/* X = (K + sigma^2)^{-1} K */
static PetscErrorCode CreateGain(Mat K, PetscReal sigma, Mat *X)
{
  Mat           A, F;
  MatFactorInfo info;
  IS            rows, columns;

  PetscFunctionBeginUser;
  PetscCall(MatDuplicate(K, MAT_COPY_VALUES, &A));
  PetscCall(MatShift(A, sigma * sigma));
  PetscCall(MatGetOrdering(A, MATORDERINGNATURAL, &rows, &columns));
  PetscCall(MatFactorInfoInitialize(&info));
  PetscCall(MatGetFactor(A, MATSOLVERPETSC, MAT_FACTOR_LU, &F));
  PetscCall(MatLUFactorSymbolic(F, A, rows, columns, &info));
  PetscCall(MatLUFactorNumeric(F, A, &info));
  PetscCall(MatDuplicate(K, MAT_DO_NOT_COPY_VALUES, X));
  PetscCall(MatMatSolve(F, K, *X));
  PetscCall(MatDestroy(&F));
  PetscCall(MatDestroy(&A));
  PetscCall(ISDestroy(&rows));
  PetscCall(ISDestroy(&columns));
  PetscFunctionReturn(0);
}

/* This rank's variances against the diagonal of K - K X; worst[]: too small, and too large beyond the bound, in sigma^2 */
static PetscErrorCode Compare(Mat K, Mat X, PetscReal sigma, PetscReal bound, Vec variance, PetscReal worst[2])
{
  const PetscScalar *k, *x, *v;
  PetscInt           n, lo, hi;

  PetscFunctionBeginUser;
  PetscCall(MatGetSize(K, &n, NULL));
  PetscCall(VecGetOwnershipRange(variance, &lo, &hi));
  PetscCall(MatDenseGetArrayRead(K, &k));
  PetscCall(MatDenseGetArrayRead(X, &x));
  PetscCall(VecGetArrayRead(variance, &v));
  for (PetscInt i = lo; i < hi; i++) {
    PetscReal prior = PetscRealPart(k[i * n + i]), left = prior, excess;

    for (PetscInt j = 0; j < n; j++) left -= PetscRealPart(k[i * n + j] * x[i * n + j]);
    excess   = PetscRealPart(v[i - lo]) - left;
    worst[0] = PetscMax(worst[0], -excess / PetscSqr(sigma));
    worst[1] = PetscMax(worst[1], (excess - bound * prior) / PetscSqr(sigma));
  }
  PetscCall(VecRestoreArrayRead(variance, &v));
  PetscCall(MatDenseRestoreArrayRead(X, &x));
  PetscCall(MatDenseRestoreArrayRead(K, &k));
  PetscFunctionReturn(0);
}

static PetscErrorCode CheckHeads(Inversion *inv, const Wells *wells, DiniPosterior post)
{
  const PetscReal sigma = inv->options->head_error, tolerance = 1e-6;
  MPI_Comm        comm = PetscObjectComm((PetscObject)post);
  Prediction      prediction;
  PetscReal       cut, worst[2] = {0, 0};
  PetscInt        pairs;
  Mat             K, X;
  Vec             variance;

  PetscFunctionBeginUser;
  PetscCall(PredictionCreate(inv, wells, PETSC_TRUE, &prediction));
  PetscCall(MatCreateVecs(prediction.L, NULL, &variance));
  PetscCall(DiniPosteriorGetVariance(post, prediction.L, NULL, variance));
  PetscCall(DiniPosteriorGetEigenvalues(post, &pairs, NULL, &cut));
  PetscCall(CreatePriorCovariance(inv, &prediction, inv->observation.total, &K));
  PetscCall(CreateGain(K, sigma, &X));
  PetscCall(Compare(K, X, sigma, cut / (1 + cut), variance, worst));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, worst, 2, MPIU_REAL, MPIU_MAX, comm));
  PetscCheck(
      worst[0] < tolerance && worst[1] < tolerance, comm, PETSC_ERR_PLIB,
      "variances of heads by eigenpairs are up to %g of head_error^2 below those by the wells' covariance, and %g "
      "further above than the pairs left out allow; at most %g is rounding",
      (double)worst[0], (double)worst[1], (double)tolerance);
  PetscCall(PetscPrintf(comm, "variances of the heads, by eigenpairs and by the wells' covariance: passed\n"));
  PetscCall(MatDestroy(&K));
  PetscCall(MatDestroy(&X));
  PetscCall(VecDestroy(&variance));
  PetscCall(PredictionDestroy(&prediction));
  PetscFunctionReturn(0);
}

static PetscErrorCode CheckField(DiniPosterior post, Mat L, Vec variance)
{
  MPI_Comm  comm = PetscObjectComm((PetscObject)post);
  PetscReal apart;
  Vec       other;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(variance, &other));
  PetscCall(DiniPosteriorGetVariance(post, L, NULL, other));
  PetscCall(VecAXPY(other, -1.0, variance));
  PetscCall(VecPointwiseDivide(other, other, variance));
  PetscCall(VecNorm(other, NORM_INFINITY, &apart));
  PetscCheck(apart < 1e-8, comm, PETSC_ERR_PLIB, "variances of ln T differ by %g from those with a solve for each node",
             (double)apart);
  PetscCall(VecDestroy(&other));
  PetscFunctionReturn(0);
}

/* For the Gauss-Newton Hessian; L and variance: of the field at its nodes */
PetscErrorCode PosteriorCheck(Inversion *inv, const Wells *wells, DiniPosterior post, Mat L, Vec variance)
{
  PetscFunctionBeginUser;
  PetscCall(CheckField(post, L, variance));
  PetscCall(CheckHeads(inv, wells, post));
  PetscFunctionReturn(0);
}
