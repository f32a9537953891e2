/* How a posterior's basis is made: by an EPS that is asked for more and more pairs, or by randomized subspace iteration. */
#include "../../private/diniposteriorimpl.h"

#define DINI_POSTERIOR_START 20 /* pairs asked for first */
#define DINI_POSTERIOR_LOOK  3  /* vectors that look for what has been missed */

typedef enum {
  DINI_BASIS_DONE,    /* all pairs asked for are there, and verified */
  DINI_BASIS_ENLARGE, /* there may be more above the threshold */
  DINI_BASIS_IMPROVE  /* some pair above the threshold is not exact enough */
} DiniBasis;

static PetscReal DiniBound_Posterior(DiniPosterior post, PetscInt j)
{
  return post->rtol * PetscMax(1.0, PetscAbsReal(post->lambda[j]));
}

/* A pair below the threshold is known well enough to be left out, by the threshold or by the tolerance of those that stay. */
static PetscBool DiniMayLeave_Posterior(DiniPosterior post, PetscInt j)
{
  return (PetscBool)(PetscAbsReal(post->lambda[j]) + post->error[j] <= 2.0 * post->threshold ||
                     post->error[j] <= DiniBound_Posterior(post, j));
}

/* What the k Ritz pairs are worth; sets the results as they would be kept */
static DiniBasis DiniJudge_Posterior(DiniPosterior post, PetscInt k)
{
  const PetscReal *residual = post->error;
  PetscInt         large    = 0;

  while (large < k && PetscAbsReal(post->lambda[large]) >= post->threshold) large++;
  post->n        = post->most > 0 ? PetscMin(post->most, large) : large;
  post->cut      = post->n < k            ? PetscAbsReal(post->lambda[post->n])
                   : k > 0 && k < post->N ? PetscAbsReal(post->lambda[k - 1])
                                          : 0.0;
  post->residual = 0.0;
  if (large == k && k < post->N && !(post->most > 0 && post->most <= k)) return DINI_BASIS_ENLARGE;
  for (PetscInt j = 0; j < post->n; j++) {
    post->residual = PetscMax(post->residual, residual[j] / PetscMax(1.0, PetscAbsReal(post->lambda[j])));
    if (!(residual[j] <= DiniBound_Posterior(post, j))) return DINI_BASIS_IMPROVE;
  }
  if (post->n < k && post->n == large && !DiniMayLeave_Posterior(post, post->n)) return DINI_BASIS_IMPROVE;
  return DINI_BASIS_DONE;
}

static PetscErrorCode DiniFailed_Posterior(DiniPosterior post, PetscInt k)
{
  const PetscReal *residual = post->error;
  PetscInt         worst    = 0;

  PetscFunctionBegin;
  for (PetscInt j = 0; j < PetscMin(k, post->n + 1); j++) /* the first one left out too */
    if (residual[j] / DiniBound_Posterior(post, j) > residual[worst] / DiniBound_Posterior(post, worst)) worst = j;
  SETERRQ(PetscObjectComm((PetscObject)post), PETSC_ERR_NOT_CONVERGED,
          "%s: after %" PetscInt_FMT " rounds with %" PetscInt_FMT " columns, pair %" PetscInt_FMT
          " with lambda = %g has the residual %g, above %g. More rounds (-dini_posterior_max_it), exacter solves "
          "(-dini_tangent_rtol, -dini_adjoint_rtol), a looser -dini_posterior_rtol or a higher "
          "-dini_posterior_threshold would help",
          DiniLabel_Private(post->dini), post->its, k, worst, (double)post->lambda[worst], (double)residual[worst],
          (double)DiniBound_Posterior(post, worst));
}

static PetscErrorCode DiniRandomColumns_Posterior(DiniPosterior post, PetscInt first, PetscInt last)
{
  PetscFunctionBegin;
  for (PetscInt j = first; j < last; j++) PetscCall(BVSetRandomColumn(post->V, j));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* V <- R^{-1} A V, columns first to last - 1 */
static PetscErrorCode DiniIterate_Posterior(DiniPosterior post, PetscInt first, PetscInt last)
{
  PetscFunctionBegin;
  for (PetscInt j = first; j < last; j++) {
    Vec v;

    PetscCall(BVCopyVec(post->AV, j, post->w[0]));
    PetscCall(BVGetColumn(post->V, j, &v));
    PetscCall(DiniPosteriorApplyInverse_Private(post, post->w[0], v));
    PetscCall(BVRestoreColumn(post->V, j, &v));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Randomized subspace iteration, after A. K. Saibaba, J. Lee and P. K. Kitanidis, Numer. Linear Algebra Appl. 23 (2016): a
  random block, two blocks of products, Rayleigh and Ritz; again while a pair is not exact enough.
*/
PetscErrorCode DiniPosteriorSolve_Randomized(DiniPosterior post)
{
  const PetscInt start = (post->most > 0 ? post->most : DINI_POSTERIOR_START) + post->oversampling;
  PetscInt       k = PetscMin(post->N, start), fresh, slow = 0;
  DiniBasis      basis = DINI_BASIS_ENLARGE;

  PetscFunctionBegin;
  for (fresh = 0; post->its < post->maxit && basis != DINI_BASIS_DONE; post->its++) {
    PetscCall(DiniPosteriorBasis_Private(post, k));
    if (fresh < k) { /* new columns: one product of random ones first */
      PetscCall(DiniRandomColumns_Posterior(post, fresh, k));
      if (k < post->N) {
        PetscCall(DiniPosteriorMisfit_Private(post, post->V, post->AV, fresh, k));
        PetscCall(DiniIterate_Posterior(post, fresh, k));
      }
    }
    if (basis == DINI_BASIS_IMPROVE) PetscCall(DiniIterate_Posterior(post, 0, fresh));
    if (basis == DINI_BASIS_IMPROVE) fresh = 0;
    PetscCall(DiniPosteriorOrthonormalize_Private(post, fresh, k));
    PetscCall(DiniPosteriorMisfit_Private(post, post->V, post->AV, fresh, k));
    PetscCall(DiniPosteriorRitz_Private(post, k));
    basis = DiniJudge_Posterior(post, k);
    PetscCall(PetscInfo(post,
                        "round %" PetscInt_FMT ": %" PetscInt_FMT " columns, %" PetscInt_FMT
                        " above the threshold, the next %g, worst residual %g\n",
                        post->its, k, post->n, (double)post->cut, (double)post->residual));
    fresh = k;
    if (basis == DINI_BASIS_ENLARGE || (basis == DINI_BASIS_IMPROVE && ++slow % 3 == 0)) k = PetscMin(post->N, 2 * k);
  }
  if (basis != DINI_BASIS_DONE) PetscCall(DiniFailed_Posterior(post, fresh));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EPSConvergenceTestFn: residuals are judged as those of the Ritz pairs will be, with a tenth of the tolerance */
static PetscErrorCode DiniConverged_Posterior(EPS eps, PetscScalar re, PetscScalar im, PetscReal res, PetscReal *error,
                                              void *ctx)
{
  PetscFunctionBegin;
  (void)eps, (void)im, (void)ctx;
  *error = res / PetscMax(1.0, PetscAbsScalar(re));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniCreateEPS_Posterior(DiniPosterior post)
{
  PetscBool krylov;
  ST        st;
  KSP       ksp;

  PetscFunctionBegin;
  PetscCall(EPSCreate(PetscObjectComm((PetscObject)post), &post->eps));
  PetscCall(EPSSetOptionsPrefix(post->eps, ((PetscObject)post)->prefix));
  PetscCall(EPSAppendOptionsPrefix(post->eps, "dini_posterior_"));
  PetscCall(EPSSetOperators(post->eps, post->A, post->R));
  PetscCall(EPSSetProblemType(post->eps, post->R ? EPS_GHEP : EPS_HEP));
  PetscCall(EPSSetWhichEigenpairs(post->eps, EPS_LARGEST_MAGNITUDE));
  PetscCall(EPSSetTolerances(post->eps, 0.1 * post->rtol, PETSC_DEFAULT));
  if (post->R) {
    PetscCall(DiniPosteriorGetPriorKSP(post, &ksp));
    PetscCall(EPSGetST(post->eps, &st));
    PetscCall(STSetKSP(st, ksp));
  }
  PetscCall(EPSSetType(post->eps, EPSKRYLOVSCHUR));
  /* vectors are purified for the sake of a singular R; where lambda is zero, as with fewer data than parameters, it spoils them */
  PetscCall(EPSSetPurify(post->eps, PETSC_FALSE));
  PetscCall(EPSSetFromOptions(post->eps));
  PetscCall(PetscObjectTypeCompare((PetscObject)post->eps, EPSKRYLOVSCHUR, &krylov));
  if (krylov)
    PetscCall(EPSSetConvergenceTestFunction(post->eps, DiniConverged_Posterior, NULL, NULL)); /* not for all */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Columns k to k + n - 1 of V: the n next pairs, by deflating those that are there */
static PetscErrorCode DiniNext_Posterior(DiniPosterior post, PetscInt k, PetscInt n, PetscInt *got)
{
  EPSConvergedReason reason;
  PetscInt           nconv, ncv = PetscMin(post->N - k, PetscMax(3 * n, n + 15));
  Vec               *known;

  PetscFunctionBegin;
  if (k) {
    PetscCall(VecDuplicateVecs(post->w[0], k, &known));
    for (PetscInt j = 0; j < k; j++) PetscCall(BVCopyVec(post->V, j, known[j]));
    PetscCall(EPSSetDeflationSpace(post->eps, k, known));
    PetscCall(VecDestroyVecs(k, &known));
  }
  PetscCall(EPSSetDimensions(post->eps, n, ncv, ncv)); /* SLEPc keeps the mpd of the solve before */
  PetscCall(EPSSolve(post->eps));
  PetscCall(EPSGetConvergedReason(post->eps, &reason));
  PetscCall(EPSGetConverged(post->eps, &nconv));
  PetscCheck(nconv > 0, PetscObjectComm((PetscObject)post), PETSC_ERR_NOT_CONVERGED,
             "%s: the EPS has found no further pair beyond %" PetscInt_FMT
             ", with the reason %s; see -dini_posterior_eps_monitor, or take -dini_posterior_method randomized",
             DiniLabel_Private(post->dini), k, EPSConvergedReasons[reason]);
  *got = nconv;
  PetscCall(DiniPosteriorBasis_Private(post, k + *got));
  for (PetscInt j = 0; j < *got; j++) {
    PetscCall(EPSGetEigenvector(post->eps, j, post->w[0], NULL));
    PetscCall(BVInsertVec(post->V, k + j, post->w[0]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Has the EPS passed over a pair? A Krylov space grown from one vector has one only of several vectors that share an eigenvalue.
  Two steps of power iteration on a few vectors beside the k found bound the largest of the rest from below; the one that
  sees most is what the EPS begins with next.
*/
static PetscErrorCode DiniLookBeside_Posterior(DiniPosterior post, PetscInt k, PetscReal *largest)
{
  const PetscInt last = PetscMin(post->N, k + DINI_POSTERIOR_LOOK);
  PetscReal      norm;

  PetscFunctionBegin;
  *largest = 0.0;
  if (k == last) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniPosteriorBasis_Private(post, last));
  PetscCall(DiniRandomColumns_Posterior(post, k, last));
  for (int step = 0; step < 2; step++) {
    PetscCall(DiniPosteriorOrthonormalize_Private(post, k, last));
    PetscCall(DiniPosteriorMisfit_Private(post, post->V, post->AV, k, last));
    PetscCall(DiniIterate_Posterior(post, k, last));
  }
  PetscCall(BVSetMatrix(post->V, post->R, PETSC_FALSE));
  for (PetscInt j = k; j < last; j++) {
    PetscCall(BVNormColumn(post->V, j, NORM_2, &norm)); /* |R^{-1} A v| in the norm of R, with |v| = 1 in it */
    if (norm > *largest) PetscCall(BVCopyVec(post->V, j, post->w[1]));
    *largest = PetscMax(*largest, norm);
  }
  PetscCall(BVSetMatrix(post->V, NULL, PETSC_FALSE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* No data at all: A = 0, from which no Krylov space grows */
static PetscErrorCode DiniIsZero_Posterior(DiniPosterior post, PetscBool *zero)
{
  PetscReal norm;

  PetscFunctionBegin;
  PetscCall(DiniPosteriorBasis_Private(post, 1));
  PetscCall(DiniRandomColumns_Posterior(post, 0, 1));
  PetscCall(DiniPosteriorMisfit_Private(post, post->V, post->AV, 0, 1));
  PetscCall(BVNormColumn(post->AV, 0, NORM_2, &norm));
  *zero = (PetscBool)(norm == 0.0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniPosteriorSolve_EPS(DiniPosterior post)
{
  PetscInt  k = 0, n = PetscMin(post->N, post->most > 0 ? post->most : DINI_POSTERIOR_START), got = 0;
  PetscReal beside = 0.0, least;
  DiniBasis basis  = DINI_BASIS_ENLARGE;
  PetscBool zero   = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(DiniIsZero_Posterior(post, &zero));
  if (zero) (void)DiniJudge_Posterior(post, 0);
  if (zero) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniCreateEPS_Posterior(post));
  for (; post->its < post->maxit && basis == DINI_BASIS_ENLARGE; post->its++) {
    if (beside > 0.0) PetscCall(EPSSetInitialSpace(post->eps, 1, &post->w[1]));
    if (k + 2 * n >= post->N) { /* the rest of the space is no dearer */
      got = post->N - k;
      PetscCall(DiniPosteriorBasis_Private(post, post->N));
      PetscCall(DiniRandomColumns_Posterior(post, k, post->N));
    } else PetscCall(DiniNext_Posterior(post, k, n, &got));
    PetscCall(DiniPosteriorOrthonormalize_Private(post, k, k + got));
    PetscCall(DiniPosteriorMisfit_Private(post, post->V, post->AV, k, k + got));
    k += got;
    PetscCall(DiniPosteriorRitz_Private(post, k));
    basis = DiniJudge_Posterior(post, k);
    least = post->n == post->most ? PetscAbsReal(post->lambda[post->n - 1]) : post->threshold;
    if (basis == DINI_BASIS_DONE) PetscCall(DiniLookBeside_Posterior(post, k, &beside));
    PetscCall(PetscInfo(post,
                        "%" PetscInt_FMT " pairs, %" PetscInt_FMT
                        " above the threshold, the next %g, worst residual %g, beside them %g\n",
                        k, post->n, (double)post->cut, (double)post->residual, (double)beside));
    if (basis == DINI_BASIS_DONE && beside > (1.0 + post->rtol) * least) basis = DINI_BASIS_ENLARGE;
    n = k;
  }
  if (basis != DINI_BASIS_DONE) PetscCall(DiniFailed_Posterior(post, k));
  PetscFunctionReturn(PETSC_SUCCESS);
}
