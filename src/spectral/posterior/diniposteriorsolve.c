/*
  The dominant eigenpairs A v = lambda R v of the data-misfit Hessian against the prior's precision.

  Both methods make a basis V, V^H R V = I, and end with Rayleigh and Ritz in it: T = V^H A V, one block of products. The same
  block gives the residuals A v - lambda R v, so each pair that is kept has been verified.
*/
#include "../../private/diniposteriorimpl.h"
#include <math.h>

PetscErrorCode DiniPosteriorApplyPrecision_Private(DiniPosterior post, Vec x, Vec y)
{
  PetscFunctionBegin;
  if (post->R) PetscCall(MatMult(post->R, x, y));
  else PetscCall(VecCopy(x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniPosteriorApplyInverse_Private(DiniPosterior post, Vec x, Vec y)
{
  KSP ksp;

  PetscFunctionBegin;
  if (!post->R) {
    PetscCall(VecCopy(x, y));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(DiniPosteriorGetPriorKSP(post, &ksp));
  PetscCall(KSPSolve(ksp, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = A x = s H x, less R x where the objective has the prior's term in it; y has H x already */
static PetscErrorCode DiniMisfit_Posterior(DiniPosterior post, Vec x, Vec y)
{
  PetscFunctionBegin;
  PetscCall(VecScale(y, post->scale));
  if (post->inside && post->R) {
    PetscCall(MatMult(post->R, x, post->w[2]));
    PetscCall(VecAXPY(y, -1.0, post->w[2]));
  } else if (post->inside) PetscCall(VecAXPY(y, -1.0, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniMult_Posterior(Mat A, Vec x, Vec y)
{
  DiniPosterior       post;
  DiniConvergedReason reason;

  PetscFunctionBegin;
  PetscCall(MatShellGetContext(A, &post));
  PetscCall(DiniHVP(post->dini, x, y));
  PetscCall(DiniGetConvergedReason(post->dini, &reason));
  PetscCheck(reason > 0, PetscObjectComm((PetscObject)post), PETSC_ERR_NOT_CONVERGED,
             "%s: a solve of a Hessian product has failed; without the product there are no eigenpairs",
             DiniLabel_Private(post->dini));
  PetscCall(DiniMisfit_Posterior(post, x, y));
  post->products++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Y = A X for dense matrices */
static PetscErrorCode DiniMatMult_Posterior(Mat A, Mat X, Mat Y, void *ctx)
{
  DiniPosterior post;
  PetscInt      n;
  Vec           x, y;

  PetscFunctionBegin;
  (void)ctx;
  PetscCall(MatShellGetContext(A, &post));
  PetscCall(MatGetSize(X, NULL, &n));
  PetscCall(DiniMatHVP(post->dini, X, Y));
  for (PetscInt j = 0; j < n; j++) {
    PetscCall(MatDenseGetColumnVecRead(X, j, &x));
    PetscCall(MatDenseGetColumnVec(Y, j, &y));
    PetscCall(DiniMisfit_Posterior(post, x, y));
    PetscCall(MatDenseRestoreColumnVec(Y, j, &y));
    PetscCall(MatDenseRestoreColumnVecRead(X, j, &x));
  }
  post->products += n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniOperator_Posterior(DiniPosterior post)
{
  PetscInt n;

  PetscFunctionBegin;
  PetscCall(VecGetLocalSize(post->w[0], &n));
  PetscCall(MatCreateShell(PetscObjectComm((PetscObject)post), n, n, post->N, post->N, post, &post->A));
  PetscCall(MatShellSetOperation(post->A, MATOP_MULT, (void (*)(void))DiniMult_Posterior));
  PetscCall(
      MatShellSetMatProductOperation(post->A, MATPRODUCT_AB, NULL, DiniMatMult_Posterior, NULL, MATDENSE, MATDENSE));
  PetscCall(MatSetOption(post->A, MAT_HERMITIAN, PETSC_TRUE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Columns first to last - 1 of A V */
PetscErrorCode DiniPosteriorMisfit_Private(DiniPosterior post, BV V, BV AV, PetscInt first, PetscInt last)
{
  Mat            X, Y;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(BVSetActiveColumns(V, first, last));
  PetscCall(BVSetActiveColumns(AV, first, last));
  PetscCall(BVGetMat(V, &X));
  PetscCall(BVGetMat(AV, &Y));
  failed = DiniMatMult_Posterior(post->A, X, Y, NULL);
  PetscCall(BVRestoreMat(V, &X));
  PetscCall(BVRestoreMat(AV, &Y));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniGrow_Posterior(DiniPosterior post, BV *bv, PetscInt k)
{
  PetscInt has;

  PetscFunctionBegin;
  if (!*bv) {
    PetscCall(BVCreate(PetscObjectComm((PetscObject)post), bv));
    PetscCall(BVSetOptionsPrefix(*bv, ((PetscObject)post)->prefix));
    PetscCall(BVAppendOptionsPrefix(*bv, "dini_posterior_"));
    PetscCall(BVSetSizesFromVec(*bv, post->w[0], k));
    PetscCall(BVSetFromOptions(*bv));
  }
  PetscCall(BVGetSizes(*bv, NULL, NULL, &has));
  if (has < k) PetscCall(BVResize(*bv, k, PETSC_TRUE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Room for k columns */
PetscErrorCode DiniPosteriorBasis_Private(DiniPosterior post, PetscInt k)
{
  PetscFunctionBegin;
  PetscCall(DiniGrow_Posterior(post, &post->V, k));
  PetscCall(DiniGrow_Posterior(post, &post->AV, k));
  if (post->R) PetscCall(DiniGrow_Posterior(post, &post->RV, k));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Columns first to last - 1 against all before them: V^H R V = I. A column that depends on the others becomes a random one */
PetscErrorCode DiniPosteriorOrthonormalize_Private(DiniPosterior post, PetscInt first, PetscInt last)
{
  PetscFunctionBegin;
  PetscCall(BVSetActiveColumns(post->V, 0, last));
  PetscCall(BVSetMatrix(post->V, post->R, PETSC_FALSE));
  for (PetscInt j = first; j < last; j++) PetscCall(BVOrthonormalizeColumn(post->V, j, PETSC_TRUE, NULL, NULL));
  PetscCall(BVSetMatrix(post->V, NULL, PETSC_FALSE));
  for (PetscInt j = first; j < last && post->R; j++) {
    Vec v, r;

    PetscCall(BVGetColumn(post->V, j, &v));
    PetscCall(BVGetColumn(post->RV, j, &r));
    PetscCall(MatMult(post->R, v, r));
    PetscCall(BVRestoreColumn(post->RV, j, &r));
    PetscCall(BVRestoreColumn(post->V, j, &v));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  The Hermitian part of T, and the size of the rest against it: what A and the linear solves leave of its symmetry. Where the
  prior, 1 in this basis, is a part of the objective, the products are of that size too, however little the data say.
*/
static PetscErrorCode DiniSymmetrize_Posterior(DiniPosterior post, Mat T, PetscInt k)
{
  PetscScalar *t;
  PetscReal    size = post->inside ? 1.0 : 0.0, off = 0.0;
  PetscInt     ld;

  PetscFunctionBegin;
  PetscCall(MatDenseGetLDA(T, &ld));
  PetscCall(MatDenseGetArray(T, &t));
  for (PetscInt j = 0; j < k; j++) {
    for (PetscInt i = 0; i <= j; i++) {
      const PetscScalar a = t[i + j * ld], b = PetscConj(t[j + i * ld]), mean = 0.5 * (a + b);

      size          = PetscMax(size, PetscAbsScalar(mean));
      off           = PetscMax(off, 0.5 * PetscAbsScalar(a - b));
      t[i + j * ld] = mean;
      t[j + i * ld] = PetscConj(mean);
    }
  }
  PetscCall(MatDenseRestoreArray(T, &t));
  post->asymmetry = size > 0.0 ? off / size : 0.0;
  PetscCheck(post->asymmetry < 1e-2, PetscObjectComm((PetscObject)post), PETSC_ERR_NOT_CONVERGED,
             "%s: the Hessian is not symmetric, by %g of its size. Second derivatives by differences of a J that is "
             "itself differenced need a -dini_hessian_step; callbacks for them must be symmetric",
             DiniLabel_Private(post->dini), (double)post->asymmetry);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* T = Q diag(lambda) Q^H by decreasing |lambda|: the same numbers on all ranks, those of the first one */
static PetscErrorCode DiniSmall_Posterior(DiniPosterior post, Mat T, PetscInt k, Mat Q)
{
  EPS          eps;
  PetscScalar *q, lambda;
  PetscInt     nconv, ld;
  PetscMPIInt  count;
  Vec          x;

  PetscFunctionBegin;
  PetscCall(EPSCreate(PETSC_COMM_SELF, &eps));
  PetscCall(EPSSetOperators(eps, T, NULL));
  PetscCall(EPSSetProblemType(eps, EPS_HEP));
  PetscCall(EPSSetType(eps, EPSLAPACK));
  PetscCall(EPSSetWhichEigenpairs(eps, EPS_LARGEST_MAGNITUDE));
  PetscCall(EPSSetDimensions(eps, k, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(EPSSolve(eps));
  PetscCall(EPSGetConverged(eps, &nconv));
  PetscCheck(nconv >= k, PetscObjectComm((PetscObject)post), PETSC_ERR_LIB,
             "LAPACK has found %" PetscInt_FMT " of %" PetscInt_FMT " eigenvalues", nconv, k);
  for (PetscInt j = 0; j < k; j++) {
    PetscCall(MatDenseGetColumnVecWrite(Q, j, &x));
    PetscCall(EPSGetEigenpair(eps, j, &lambda, NULL, x, NULL));
    PetscCall(MatDenseRestoreColumnVecWrite(Q, j, &x));
    post->lambda[j] = PetscRealPart(lambda);
  }
  PetscCall(EPSDestroy(&eps));
  PetscCall(MatDenseGetLDA(Q, &ld));
  PetscCall(MatDenseGetArray(Q, &q));
  PetscCall(PetscMPIIntCast(ld * k, &count));
  PetscCallMPI(MPI_Bcast(q, count, MPIU_SCALAR, 0, PetscObjectComm((PetscObject)post)));
  PetscCallMPI(MPI_Bcast(post->lambda, (PetscMPIInt)k, MPIU_REAL, 0, PetscObjectComm((PetscObject)post)));
  PetscCall(MatDenseRestoreArray(Q, &q));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* |A v - lambda R v| in the norm of R^{-1} */
static PetscErrorCode DiniResidual_Posterior(DiniPosterior post, PetscInt j, PetscReal *residual)
{
  Vec         r = post->w[0], s = post->w[1], v;
  PetscScalar square;
  BV          B = post->R ? post->RV : post->V;

  PetscFunctionBegin;
  PetscCall(BVCopyVec(post->AV, j, r));
  PetscCall(BVGetColumn(B, j, &v));
  PetscCall(VecAXPY(r, -post->lambda[j], v));
  PetscCall(BVRestoreColumn(B, j, &v));
  PetscCall(DiniPosteriorApplyInverse_Private(post, r, s));
  PetscCall(VecDot(r, s, &square));
  *residual = PetscSqrtReal(PetscAbsScalar(square));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniRotate_Posterior(DiniPosterior post, PetscInt k, Mat T, Mat Q)
{
  BV all[3] = {post->V, post->AV, post->RV};

  PetscFunctionBegin;
  for (int b = 0; b < 3; b++)
    if (all[b]) PetscCall(BVSetActiveColumns(all[b], 0, k));
  PetscCall(BVDot(post->AV, post->V, T));
  PetscCall(DiniSymmetrize_Posterior(post, T, k));
  PetscCall(PetscFree2(post->lambda, post->error));
  PetscCall(PetscMalloc2(k, &post->lambda, k, &post->error));
  PetscCall(DiniSmall_Posterior(post, T, k, Q));
  for (int b = 0; b < 3; b++)
    if (all[b]) PetscCall(BVMultInPlace(all[b], Q, 0, k));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The first k columns of V, AV and RV become the Ritz vectors, by decreasing |lambda| */
PetscErrorCode DiniPosteriorRitz_Private(DiniPosterior post, PetscInt k)
{
  Mat            T, Q;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(MatCreateSeqDense(PETSC_COMM_SELF, k, k, NULL, &T));
  PetscCall(MatCreateSeqDense(PETSC_COMM_SELF, k, k, NULL, &Q));
  failed = DiniRotate_Posterior(post, k, T, Q);
  PetscCall(MatDestroy(&T));
  PetscCall(MatDestroy(&Q));
  PetscCall(failed);
  for (PetscInt j = 0; j < k; j++) {
    PetscCall(DiniResidual_Posterior(post, j, &post->error[j]));
    PetscCheck(!PetscIsInfOrNanReal(post->error[j]), PetscObjectComm((PetscObject)post), PETSC_ERR_FP,
               "%s: NaN or Inf in a product with the Hessian or the precision of the prior",
               DiniLabel_Private(post->dini));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniPrepare_Posterior(DiniPosterior post)
{
  MPI_Comm        comm = PetscObjectComm((PetscObject)post);
  PetscInt        n, m, N, M;
  DiniHessianType type;

  PetscFunctionBegin;
  PetscCall(DiniPosteriorReset(post));
  PetscCall(DiniGetHessianType(post->dini, &type));
  PetscCheck(!PetscDefined(USE_COMPLEX) || type == DINI_HESSIAN_GAUSS_NEWTON, comm, PETSC_ERR_SUP,
             "%s: with complex scalars the \"%s\" Hessian is linear over the reals only and has no eigenpairs; use "
             "-dini_hessian_type gauss_newton",
             DiniLabel_Private(post->dini), DiniHessianTypes[type]);
  PetscCall(DiniCreateParameterVec(post->dini, &post->w[0]));
  for (int k = 1; k < 3; k++) PetscCall(VecDuplicate(post->w[0], &post->w[k]));
  PetscCall(VecGetSize(post->w[0], &post->N));
  PetscCall(VecGetLocalSize(post->w[0], &n));
  for (int k = 0; k < 2; k++) {
    Mat       given = k ? post->S : post->R;
    PetscBool wrong, any;

    if (!given) continue;
    PetscCall(MatGetLocalSize(given, &m, NULL));
    PetscCall(MatGetSize(given, &M, &N));
    wrong = (PetscBool)(m != n || (!k && N != M));
    PetscCall(MPIU_Allreduce(&wrong, &any, 1, DINI_MPI_BOOL, MPI_LOR, comm));
    PetscCheck(!any, comm, PETSC_ERR_ARG_SIZ,
               "%s: the %s of the prior is %" PetscInt_FMT " x %" PetscInt_FMT
               "; its rows must be laid out as the flat parameter vector of %" PetscInt_FMT
               " entries, see DiniCreateParameterVec()",
               DiniLabel_Private(post->dini), k ? "root" : "precision", M, N, post->N);
  }
  post->products = post->its = 0;
  PetscCall(DiniOperator_Posterior(post));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Computes the dominant eigenpairs of the data-misfit Hessian relative to the prior's precision.
  @level{intermediate}

  Collective. A v = lambda R v, where A is the Hessian of the objective at the last solution times the factor, less R where the
  prior is a part of the objective. Each pair is verified: |A v - lambda R v| in the norm of R^{-1} is at most the tolerance
  times max(1, |lambda|), and V^H R V = I. The costs are two linear solves a product, and solves with R. Pairs of either sign
  are kept; lambda <= -1 is an error, for there the Hessian is not that of a minimum.

  @param[in] post the posterior, its Dini at the minimum of its objective: after TaoSolve() or DiniComputeObjective(), say
  @return 0 or a PETSc error code; those of DiniMatHVP(), PETSC_ERR_NOT_CONVERGED when pairs can not be verified,
          PETSC_ERR_ARG_OUTOFRANGE for lambda <= -1, PETSC_ERR_ARG_SIZ for a prior of another layout, PETSC_ERR_SUP in
          complex builds unless the Hessian is the Gauss-Newton one

  Options: those of DiniPosteriorSetFromOptions().

  @see DiniPosteriorGetEigenvalues(), DiniPosteriorGetVariance(), DiniPosteriorSample(), DiniPosteriorGetInformationGain()
*/
PetscErrorCode DiniPosteriorSolve(DiniPosterior post)
{
  PetscReal least = 0.0;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(post, DINI_POSTERIOR_CLASSID, 1);
  PetscCall(DiniPrepare_Posterior(post));
  if (post->method == DINI_POSTERIOR_RANDOMIZED) PetscCall(DiniPosteriorSolve_Randomized(post));
  else PetscCall(DiniPosteriorSolve_EPS(post));
  for (PetscInt j = 0; j < post->n; j++) least = PetscMin(least, post->lambda[j]);
  PetscCheck(
      least > -1.0, PetscObjectComm((PetscObject)post), PETSC_ERR_ARG_OUTOFRANGE,
      "%s: the Hessian of the negative log posterior is not positive definite, 1 + lambda = %g in one direction: "
      "this is not a minimum. Optimise further, or take -dini_hessian_type gauss_newton",
      DiniLabel_Private(post->dini), (double)(1.0 + least));
  post->solved = PETSC_TRUE;
  PetscCall(PetscObjectViewFromOptions((PetscObject)post, NULL, "-dini_posterior_view"));
  PetscFunctionReturn(PETSC_SUCCESS);
}
