/* Left vectors, y^H T(lambda) = 0, scaled to y^H D x = 1; and the guard against an eigenvalue that was not found. */
#include "../../private/dinieigenimpl.h"

#define DINI_EIGEN_CONDITION 1e7 /* |y| |D x| from which an eigenvalue counts as defective */

/* |y^H T| relative to the terms in it */
static PetscErrorCode DiniLeftResidual_Eigen(Dini dini, DiniMode *mode, DiniEigenVec y, DiniEigenVec work,
                                             PetscReal *relative)
{
  Dini_Eigen *ctx                 = (Dini_Eigen *)dini->data;
  DiniComplex c[DINI_EIGEN_TERMS] = {{0.0, 0.0}}, dc[DINI_EIGEN_TERMS] = {{0.0, 0.0}};
  PetscReal   residual, size                                           = 0.0;

  PetscFunctionBegin;
  PetscCall(DiniEigenCoefficients_Private(dini, mode->lambda, c, dc));
  PetscCall(DiniEigenMult_Private(dini, ctx->M, PETSC_TRUE, c, y, work));
  PetscCall(DiniEigenVecNorm_Private(work, &residual));
  for (PetscInt k = 0; k < ctx->nterms; k++) {
    DiniComplex one[DINI_EIGEN_TERMS] = {{0.0, 0.0}};
    PetscReal   norm;

    one[k].re = 1.0;
    PetscCall(DiniEigenMult_Private(dini, ctx->M, PETSC_TRUE, one, y, work));
    PetscCall(DiniEigenVecNorm_Private(work, &norm));
    size += DiniCxAbs(c[k]) * norm;
  }
  *relative = size > 0.0 ? residual / size : residual;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The solver's own left vector, where it computes them and its residual is good */
static PetscErrorCode DiniLeftOfSolver_Eigen(Dini dini, DiniMode *mode, DiniEigenVec work, PetscBool *has)
{
  Dini_Eigen  *ctx = (Dini_Eigen *)dini->data;
  DiniEigenVec y   = {NULL, NULL};
  PetscReal    relative;

  PetscFunctionBegin;
  PetscCall(DiniEigenVecCreate_Private(mode->x.r, (PetscBool)!PetscDefined(USE_COMPLEX), &y));
  PetscCall((*ctx->kind->left)(ctx->solver, mode->index, y.r, y.i, has));
  if (*has) {
    PetscCall(DiniEigenVecCopy_Private(y, mode->y));
    PetscCall(DiniLeftResidual_Eigen(dini, mode, mode->y, work, &relative));
    PetscCall(PetscInfo(dini, "Left vector of the solver has a relative residual %g\n", (double)relative));
    *has = (PetscBool)(relative <= PetscMin(dini->attachrtol, 1e-6));
  }
  PetscCall(DiniEigenVecDestroy_Private(&y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* K^H y = q has the left vector for its solution: (T^H y) + alpha q (p^H y) = q with T^H y = 0 */
static PetscErrorCode DiniLeftOfSolve_Eigen(Dini dini, PetscInt i)
{
  Dini_Eigen *ctx = (Dini_Eigen *)dini->data;

  PetscFunctionBegin;
  PetscCall(DiniEigenLinearize_Private(dini, i));
  PetscCall(DiniEigenLinearSolve_Private(dini, DINI_ADJOINT, ctx->q, ctx->modes[i].y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rayleigh-like: the error of lambda from x and y together; and y^H D x = 1 */
static PetscErrorCode DiniScaleLeft_Eigen(Dini dini, PetscInt i, DiniEigenVec work)
{
  Dini_Eigen *ctx  = (Dini_Eigen *)dini->data;
  DiniMode   *mode = &ctx->modes[i];
  DiniComplex dot  = {0.0, 0.0};
  PetscReal   ynorm, pnorm;

  PetscFunctionBegin;
  PetscCall(DiniEigenD_Private(dini, mode, mode->x, work));
  PetscCall(DiniEigenVecDot_Private(work, mode->y, &dot)); /* y^H D x */
  PetscCall(DiniEigenVecNorm_Private(mode->y, &ynorm));
  PetscCall(DiniEigenVecNorm_Private(work, &pnorm));
  PetscCheck(DiniCxAbs(dot) * DINI_EIGEN_CONDITION > ynorm * pnorm, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
             "Eigenvalue %" PetscInt_FMT
             " (%g%+gi) is defective or nearly so: y^H T'(lambda) x is %g of |y||T' x|, and "
             "its derivative grows without bound there",
             i, (double)mode->lambda.re, (double)mode->lambda.im, (double)(DiniCxAbs(dot) / (ynorm * pnorm)));
  PetscCall(DiniEigenVecScale_Private(mode->y, DiniCxConj(DiniCxInverse(dot))));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniMakeLeft_Eigen(Dini dini, PetscInt i, PetscBool solve, DiniEigenVec work)
{
  Dini_Eigen *ctx  = (Dini_Eigen *)dini->data;
  DiniMode   *mode = &ctx->modes[i];
  PetscReal   relative;
  PetscBool   has = ctx->hermitian;

  PetscFunctionBegin;
  if (has) PetscCall(DiniEigenVecCopy_Private(mode->x, mode->y));
  else {
    PetscCall(DiniLeftOfSolver_Eigen(dini, mode, work, &has));
    PetscCheck(has || solve, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
               "The cluster of eigenvalue %" PetscInt_FMT
               " needs left vectors from the solver: EPSSetTwoSided() with krylovschur",
               i);
    if (!has) PetscCall(DiniLeftOfSolve_Eigen(dini, i));
  }
  PetscCall(DiniLeftResidual_Eigen(dini, mode, mode->y, work, &relative));
  PetscCheck(relative <= PetscMax(dini->attachrtol, 1e4 * PETSC_MACHINE_EPSILON) ||
                 DiniCxAbs(mode->lambda) <= 1e4 * mode->error,
             PetscObjectComm((PetscObject)dini), PETSC_ERR_NOT_CONVERGED,
             "The left vector of eigenvalue %" PetscInt_FMT " has a relative residual |y^H T| of %g, above %g%s", i,
             (double)relative, (double)dini->attachrtol,
             ctx->hermitian ? ": matrices that were declared Hermitian (EPSSetProblemType()) are not" : "");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y of a simple eigenvalue, made once a point */
PetscErrorCode DiniEigenLeft_Private(Dini dini, PetscInt i)
{
  DiniMode      *mode = &((Dini_Eigen *)dini->data)->modes[i];
  DiniEigenVec   work;
  PetscErrorCode failed;

  PetscFunctionBegin;
  if (mode->y.r) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniEigenVecCreate_Private(mode->x.r, (PetscBool)(mode->x.i != NULL), &mode->y));
  PetscCall(DiniEigenVecCreate_Private(mode->x.r, (PetscBool)(mode->x.i != NULL), &work));
  failed = DiniMakeLeft_Eigen(dini, i, PETSC_TRUE, work);
  if (!failed) failed = DiniScaleLeft_Eigen(dini, i, work);
  PetscCall(DiniEigenVecDestroy_Private(&work));
  if (failed) PetscCall(DiniEigenVecDestroy_Private(&mode->y));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* W := W^{-1}, n x n by rows, by Gauss-Jordan with row pivots; the smallest pivot relative to the largest entry */
static PetscErrorCode DiniInvert_Eigen(PetscInt n, DiniComplex W[], PetscReal *pivot)
{
  DiniComplex *X;
  PetscReal    largest = 0.0;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(n * n, &X));
  for (PetscInt i = 0; i < n * n; i++) largest = PetscMax(largest, DiniCxAbs(W[i]));
  for (PetscInt i = 0; i < n; i++) X[i * n + i].re = 1.0;
  *pivot = PETSC_INFINITY;
  for (PetscInt k = 0; k < n; k++) {
    PetscInt    p       = k;
    DiniComplex inverse = {0.0, 0.0};

    for (PetscInt i = k + 1; i < n; i++)
      if (DiniCxAbs(W[i * n + k]) > DiniCxAbs(W[p * n + k])) p = i;
    *pivot = PetscMin(*pivot, DiniCxAbs(W[p * n + k]) / largest);
    if (!(*pivot > 0.0)) break;
    inverse = DiniCxInverse(W[p * n + k]);
    for (PetscInt j = 0; j < n; j++) {
      const DiniComplex w = W[p * n + j], x = X[p * n + j];

      W[p * n + j] = W[k * n + j];
      X[p * n + j] = X[k * n + j];
      W[k * n + j] = DiniCxMul(inverse, w);
      X[k * n + j] = DiniCxMul(inverse, x);
    }
    for (PetscInt i = 0; i < n; i++) {
      const DiniComplex f = W[i * n + k];

      if (i == k) continue;
      for (PetscInt j = 0; j < n; j++) {
        W[i * n + j] = DiniCxSub(W[i * n + j], DiniCxMul(f, W[k * n + j]));
        X[i * n + j] = DiniCxSub(X[i * n + j], DiniCxMul(f, X[k * n + j]));
      }
    }
  }
  PetscCall(PetscArraycpy(W, X, n * n));
  PetscCall(PetscFree(X));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* W_ij = y_i^H D x_j, and y_j := sum_i conj(W^{-1}_ji) y_i, so that y_j^H D x_l = delta_jl */
static PetscErrorCode DiniDualize_Eigen(Dini dini, PetscInt n, const PetscInt member[], DiniComplex W[],
                                        DiniEigenVec y[], DiniEigenVec work)
{
  Dini_Eigen *ctx   = (Dini_Eigen *)dini->data;
  PetscReal   pivot = 0.0;

  PetscFunctionBegin;
  for (PetscInt j = 0; j < n; j++) {
    PetscCall(DiniEigenD_Private(dini, &ctx->modes[member[j]], ctx->modes[member[j]].x, work));
    for (PetscInt i = 0; i < n; i++) PetscCall(DiniEigenVecDot_Private(work, y[i], &W[i * n + j]));
  }
  PetscCall(DiniInvert_Eigen(n, W, &pivot));
  PetscCheck(pivot * DINI_EIGEN_CONDITION > 1.0, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
             "The cluster of eigenvalue %" PetscInt_FMT " is defective: its vectors depend on each other (pivot %g)",
             member[0], (double)pivot);
  for (PetscInt j = 0; j < n; j++) {
    PetscCall(DiniEigenVecScale_Private(ctx->modes[member[j]].y, DiniCx(0.0, 0.0)));
    for (PetscInt i = 0; i < n; i++)
      PetscCall(DiniEigenVecAXPY_Private(ctx->modes[member[j]].y, DiniCxConj(W[j * n + i]), y[i]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The left vectors of a whole cluster, dual to its right ones; all of its members have parts where one has */
PetscErrorCode DiniEigenDual_Private(Dini dini, PetscInt cluster)
{
  Dini_Eigen    *ctx = (Dini_Eigen *)dini->data;
  PetscInt       n   = 0, *member;
  DiniComplex   *W;
  DiniEigenVec  *y, work;
  PetscErrorCode failed = PETSC_SUCCESS;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < ctx->nmodes; i++) n += ctx->modes[i].cluster == cluster;
  PetscCall(PetscMalloc3(n, &member, n * n, &W, n, &y));
  n = 0;
  for (PetscInt i = 0; i < ctx->nmodes; i++)
    if (ctx->modes[i].cluster == cluster) member[n++] = i;
  if (!ctx->modes[member[0]].y.r) {
    const PetscBool split = (PetscBool)!PetscDefined(USE_COMPLEX);
    Vec             like  = ctx->modes[member[0]].x.r;

    PetscCall(DiniEigenVecCreate_Private(like, split, &work));
    for (PetscInt j = 0; j < n; j++) {
      DiniMode    *mode = &ctx->modes[member[j]];
      DiniEigenVec part = {work.r, mode->x.i ? work.i : NULL};

      PetscCall(DiniEigenVecCreate_Private(like, split, &y[j]));
      PetscCall(DiniEigenVecCreate_Private(like, (PetscBool)(mode->x.i != NULL), &mode->y));
      if (!failed) failed = DiniMakeLeft_Eigen(dini, member[j], PETSC_FALSE, part);
      if (!failed) failed = DiniEigenVecCopy_Private(mode->y, y[j]);
      PetscCall(DiniEigenVecDestroy_Private(&mode->y));
      PetscCall(DiniEigenVecCreate_Private(like, split, &mode->y));
    }
    if (!failed) failed = DiniDualize_Eigen(dini, n, member, W, y, work);
    for (PetscInt j = 0; j < n; j++) {
      PetscCall(DiniEigenVecDestroy_Private(&y[j]));
      if (failed) PetscCall(DiniEigenVecDestroy_Private(&ctx->modes[member[j]].y));
    }
    PetscCall(DiniEigenVecDestroy_Private(&work));
  }
  PetscCall(PetscFree3(member, W, y));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* z without its part along the members of the mode's cluster: z -= sum_j x_j (y_j^H D z), as y_j^H D x_l = delta_jl; then D z */
static PetscErrorCode DiniProject_Eigen(Dini dini, DiniMode *mode, DiniEigenVec z, DiniEigenVec Dz)
{
  Dini_Eigen *ctx = (Dini_Eigen *)dini->data;

  PetscFunctionBegin;
  for (PetscInt j = 0; j < ctx->nmodes; j++) {
    DiniMode   *member = &ctx->modes[j];
    DiniComplex dot    = {0.0, 0.0};

    if (member->cluster != mode->cluster) continue;
    PetscCall(DiniEigenD_Private(dini, member, z, Dz));
    PetscCall(DiniEigenVecDot_Private(Dz, member->y, &dot));
    PetscCall(DiniEigenVecAXPY_Private(z, DiniCx(-dot.re, -dot.im), member->x));
  }
  PetscCall(DiniEigenD_Private(dini, mode, z, Dz));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Inverse iteration at the shift of K, beside the cluster: |T z| / |D z| tends to the distance of the nearest other eigenvalue */
static PetscErrorCode DiniInverseIteration_Eigen(Dini dini, DiniMode *mode, Vec s, Vec b, DiniEigenVec z,
                                                 DiniEigenVec Dz, PetscReal *gap)
{
  const int          steps  = 3;
  Dini_Eigen        *ctx    = (Dini_Eigen *)dini->data;
  KSPConvergedReason reason = KSP_CONVERGED_ITERATING;
  PetscReal          norm, all;

  PetscFunctionBegin;
  *gap = PETSC_INFINITY;
  PetscCall(VecSet(s, 0.0));
  PetscCall(DiniRandomDirection_Private(dini, 33, s, s));
  for (int step = 0;; step++) {
    PetscCall(DiniNorm_Private(s, &all));
    PetscCall(DiniEigenVecSplit_Private(s, z));
    PetscCall(DiniProject_Eigen(dini, mode, z, Dz));
    PetscCall(DiniEigenVecNorm_Private(z, &norm));
    if (reason < 0 || !(norm > 1e-6 * all)) break; /* there is no other eigenvalue, or none can be looked for */
    if (step == steps) {
      PetscCall(DiniEigenVecNorm_Private(Dz, &all));
      PetscCall(DiniEigenMult_Private(dini, ctx->M, PETSC_FALSE, ctx->c, z, Dz));
      PetscCall(DiniEigenVecNorm_Private(Dz, &norm));
      if (all > 0.0) *gap = norm / all;
      break;
    }
    PetscCall(DiniEigenVecScale_Private(Dz, DiniCx(1.0 / norm, 0.0)));
    PetscCall(DiniEigenVecJoin_Private(Dz, b));
    PetscCall(KSPSolve(ctx->ksp, b, s));
    PetscCall(KSPGetConvergedReason(ctx->ksp, &reason));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Is an eigenvalue that the solver was not asked for, or has missed, so near that this one is not simple, or that its cluster
  is not complete? Part of the guard: once a mode and point, at the price of one factorisation, which derivatives of vectors
  need anyway.
*/
PetscErrorCode DiniEigenProbe_Private(Dini dini, PetscInt i)
{
  Dini_Eigen    *ctx  = (Dini_Eigen *)dini->data;
  DiniMode      *mode = &ctx->modes[i];
  DiniEigenVec   z, Dz;
  Vec            s, b;
  PetscReal      gap, allowed = DiniEigenThreshold_Private(ctx, mode, mode);
  PetscErrorCode failed;

  PetscFunctionBegin;
  if (!dini->guard || mode->probed) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniEigenLinearize_Private(dini, i));
  PetscCall(DiniEigenVecCreate_Private(mode->x.r, (PetscBool)(mode->x.i != NULL), &z));
  PetscCall(DiniEigenVecCreate_Private(mode->x.r, (PetscBool)(mode->x.i != NULL), &Dz));
  PetscCall(VecDuplicate(ctx->like, &s));
  PetscCall(VecDuplicate(ctx->like, &b));
  failed = DiniInverseIteration_Eigen(dini, mode, s, b, z, Dz, &gap);
  PetscCall(VecDestroy(&s));
  PetscCall(VecDestroy(&b));
  PetscCall(DiniEigenVecDestroy_Private(&z));
  PetscCall(DiniEigenVecDestroy_Private(&Dz));
  PetscCall(failed);
  PetscCall(PetscInfo(dini, "The nearest other eigenvalue to %g%+gi is about %g away\n", (double)mode->lambda.re,
                      (double)mode->lambda.im, (double)gap));
  PetscCheck(
      gap > allowed, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
      "Eigenvalue %" PetscInt_FMT " (%g%+gi) has another one within a gap of %g that the solver has not returned, "
      "so that it is not simple, or its cluster not complete. Ask for more pairs (EPSSetDimensions() and the like)",
      i, (double)mode->lambda.re, (double)mode->lambda.im, (double)gap);
  mode->probed = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}
