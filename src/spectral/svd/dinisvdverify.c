/* Singular triplets held against products of their own. */
#include "../../private/dinisvdimpl.h"

/* After an error, too, DiniTripletsDestroy_Private() gives back what there is */
PetscErrorCode DiniTripletsCreate_Private(SVD svd, Mat A, DiniTriplets *t)
{
  PetscInt count;

  PetscFunctionBegin;
  PetscCall(SVDGetConverged(svd, &count));
  t->count = count;
  PetscCall(MatCreateVecs(A, &t->x, &t->y));
  PetscCall(VecDuplicateVecs(t->y, count, &t->U));
  PetscCall(VecDuplicateVecs(t->x, count, &t->V));
  PetscCall(PetscMalloc5(count, &t->sigma, count, &t->left, count, &t->right, count, &t->forward, count, &t->back));
  for (PetscInt i = 0; i < count; i++) PetscCall(SVDGetSingularTriplet(svd, i, &t->sigma[i], t->U[i], t->V[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniTripletsDestroy_Private(DiniTriplets *t)
{
  PetscFunctionBegin;
  if (t->U) PetscCall(VecDestroyVecs(t->count, &t->U));
  if (t->V) PetscCall(VecDestroyVecs(t->count, &t->V));
  PetscCall(PetscFree5(t->sigma, t->left, t->right, t->forward, t->back));
  PetscCall(VecDestroy(&t->x));
  PetscCall(VecDestroy(&t->y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* |A v - s u| and |A^H u - s v|, and |A v| and |A^H u| themselves */
PetscErrorCode DiniTripletsMeasure_Private(Mat A, DiniTriplets *t)
{
  PetscFunctionBegin;
  for (PetscInt i = 0; i < t->count; i++) {
    PetscCall(MatMult(A, t->V[i], t->y));
    PetscCall(DiniNorm_Private(t->y, &t->forward[i]));
    PetscCall(VecAXPY(t->y, -t->sigma[i], t->U[i]));
    PetscCall(DiniNorm_Private(t->y, &t->left[i]));
    PetscCall(MatMultHermitianTranspose(A, t->U[i], t->x));
    PetscCall(DiniNorm_Private(t->x, &t->back[i]));
    PetscCall(VecAXPY(t->x, -t->sigma[i], t->V[i]));
    PetscCall(DiniNorm_Private(t->x, &t->right[i]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  max(s_i, s_j) |x_i^H x_j - delta_ij|, the largest of all pairs of values above the bound: two copies of one vector would
  count a combination of parameters twice. Small values leave their vectors less determined, hence the weight.
*/
static PetscErrorCode DiniTripletsOrthogonality_SVD(const DiniTriplets *t, PetscReal bound, PetscReal *worst)
{
  PetscScalar dot;

  PetscFunctionBegin;
  *worst = 0.0;
  for (PetscInt i = 0; i < t->count; i++) {
    for (PetscInt j = 0; j <= i; j++) {
      if (t->sigma[i] <= bound || t->sigma[j] <= bound) continue;
      for (int side = 0; side < 2; side++) {
        const Vec *X = side ? t->V : t->U;
        PetscReal  error;

        PetscCall(VecDot(X[i], X[j], &dot));
        error = PetscMax(t->sigma[i], t->sigma[j]) * PetscAbsScalar(dot - (i == j ? 1.0 : 0.0));
        if (!(error <= *worst)) *worst = error; /* NaN as well */
      }
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Bounds are relative to the largest |A x| / |x| seen, by the solver's products and those here: s_1, from below */
PetscErrorCode DiniTripletsVerify_Private(DiniSVD *ctx, Mat A, const DiniTriplets *t, PetscReal rtol, PetscInt *nonzero)
{
  const PetscReal bound = rtol * ctx->seen;
  PetscReal       worst;

  PetscFunctionBegin;
  *nonzero = 0;
  for (PetscInt i = 0; i < t->count; i++) {
    const PetscBool zero  = (PetscBool)(t->sigma[i] <= bound);
    const PetscReal error = zero ? PetscMin(t->forward[i], t->back[i]) : PetscMax(t->left[i], t->right[i]);

    PetscCheck(error <= (zero ? 2.0 : 1.0) * bound, PetscObjectComm((PetscObject)A), PETSC_ERR_NOT_CONVERGED,
               "%s: singular triplet %" PetscInt_FMT " is not verified: s = %g, |A v - s u| = %g, |A^H u - s v| = %g, "
               "where %g is asked for, %g of the largest singular value. Tighten -dini_tangent_rtol and "
               "-dini_adjoint_rtol, take -dini_svd_type trlanczos, or ask for less with -dini_svd_tol",
               DiniLabel_Private(ctx->dini), i, (double)t->sigma[i], (double)t->left[i], (double)t->right[i],
               (double)bound, (double)rtol);
    if (!zero) ++*nonzero;
  }
  PetscCall(DiniTripletsOrthogonality_SVD(t, bound, &worst));
  PetscCheck(worst <= 10.0 * bound, PetscObjectComm((PetscObject)A), PETSC_ERR_NOT_CONVERGED,
             "%s: the singular vectors are not orthonormal: off by %g, where %g is allowed, %g of the largest singular "
             "value. Take -dini_svd_type trlanczos without -dini_svd_trlanczos_oneside, or ask for less with "
             "-dini_svd_tol",
             DiniLabel_Private(ctx->dini), (double)worst, (double)(10.0 * bound), (double)(10.0 * rtol));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x without its components along X */
static PetscErrorCode DiniProjectOut_SVD(PetscInt count, const Vec X[], Vec x)
{
  PetscScalar dot;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < count; i++) {
    PetscCall(VecDot(x, X[i], &dot));
    PetscCall(VecAXPY(x, -dot, X[i]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Has the solver passed over a value above the least one that it returns? A Krylov space of one vector holds one combination
  only of vectors that share a singular value. Power iteration in the complement of the vectors found bounds what is left from
  below: it can tell that there is one, not that there is none.
*/
PetscErrorCode DiniTripletsMissed_Private(DiniSVD *ctx, Mat A, const DiniTriplets *t, PetscReal rtol)
{
  const PetscReal bound = rtol * ctx->seen;
  PetscReal       least = PETSC_MAX_REAL, left = 0.0, norm;
  PetscInt        M, N;

  PetscFunctionBegin;
  PetscCall(MatGetSize(A, &M, &N));
  if (!ctx->dini->guard || t->count >= PetscMin(M, N)) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt i = 0; i < t->count; i++) least = PetscMin(least, t->sigma[i]);
  PetscCall(DiniSVDRandom_Private(ctx, 17, t->x));
  for (int step = 0; step < 3; step++) {
    PetscCall(DiniProjectOut_SVD(t->count, t->V, t->x));
    PetscCall(DiniProjectOut_SVD(t->count, t->V, t->x)); /* what rounding has left */
    PetscCall(DiniNorm_Private(t->x, &norm));
    if (!(norm > 0.0)) break;
    PetscCall(VecScale(t->x, 1.0 / norm));
    PetscCall(MatMult(A, t->x, t->y));
    PetscCall(DiniNorm_Private(t->y, &norm));
    left = PetscMax(left, norm);
    if (norm <= bound) break; /* nothing but rounding, which has components along V */
    PetscCall(MatMultHermitianTranspose(A, t->y, t->x));
  }
  PetscCheck(left <= least + 10.0 * bound, PetscObjectComm((PetscObject)A), PETSC_ERR_NOT_CONVERGED,
             "%s: the SVD has passed over a singular value: beside the %" PetscInt_FMT " returned, the least of which "
             "is %g, there is one of at least %g. Equal values need -dini_svd_type randomized, or a larger "
             "-dini_svd_ncv",
             DiniLabel_Private(ctx->dini), t->count, (double)least, (double)left);
  PetscFunctionReturn(PETSC_SUCCESS);
}
