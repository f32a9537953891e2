/* The pairs that a solve has found: normalised, checked in the residual, sorted into clusters, followed from solve to solve. */
#include "../../private/dinieigenimpl.h"
#include <math.h>

#define DINI_EIGEN_INFINITE 1e-10 /* |D x| below this part of what D does to a random vector is zero */

PetscErrorCode DiniModesDestroy_Private(PetscInt n, DiniMode **modes)
{
  PetscFunctionBegin;
  for (PetscInt i = 0; i < n; i++) {
    PetscCall(DiniEigenVecDestroy_Private(&(*modes)[i].x));
    PetscCall(DiniEigenVecDestroy_Private(&(*modes)[i].y));
    PetscCall(DiniEigenVecDestroy_Private(&(*modes)[i].lost));
  }
  PetscCall(PetscFree(*modes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An eigenvalue where B is singular comes out as 1e17 or Inf, and says nothing about the others */
static PetscErrorCode DiniFindInfinite_Eigen(Dini dini, DiniMode *mode, DiniEigenVec work)
{
  DiniEigenVec v = {NULL, NULL};
  PetscReal    dnorm, norm, vdnorm, vnorm;

  PetscFunctionBegin;
  mode->infinite = (PetscBool)(PetscIsInfReal(mode->lambda.re) || PetscIsInfReal(mode->lambda.im));
  if (mode->infinite || PetscIsInfOrNanReal(DiniCxAbs(mode->lambda))) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniEigenVecNorm_Private(mode->x, &norm));
  PetscCall(DiniEigenD_Private(dini, mode, mode->x, work));
  PetscCall(DiniEigenVecNorm_Private(work, &dnorm));
  PetscCall(DiniEigenVecCreate_Private(mode->x.r, (PetscBool)(mode->x.i != NULL), &v));
  PetscCall(DiniRandomDirection_Private(dini, 31, v.r, v.r));
  PetscCall(DiniEigenVecNorm_Private(v, &vnorm));
  PetscCall(DiniEigenD_Private(dini, mode, v, work));
  PetscCall(DiniEigenVecNorm_Private(work, &vdnorm));
  PetscCall(DiniEigenVecDestroy_Private(&v));
  mode->infinite = (PetscBool)(vdnorm > 0.0 && dnorm * vnorm <= DINI_EIGEN_INFINITE * vdnorm * norm);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x^H B x = 1 in Hermitian problems, x^H x = 1 in others; the largest entry real and positive */
static PetscErrorCode DiniNormalize_Eigen(Dini dini, DiniMode *mode, DiniEigenVec work, PetscReal *norm)
{
  Dini_Eigen *ctx = (Dini_Eigen *)dini->data;
  DiniComplex dot = {0.0, 0.0};

  PetscFunctionBegin;
  PetscCall(DiniEigenVecNorm_Private(mode->x, norm));
  if (ctx->hermitian && !mode->infinite && *norm > 0.0 && !PetscIsInfOrNanReal(*norm)) {
    PetscCall(DiniEigenD_Private(dini, mode, mode->x, work));
    PetscCall(DiniEigenVecDot_Private(work, mode->x, &dot));
    *norm = dot.re > 0.0 ? PetscSqrtReal(dot.re) : NAN;
  }
  if (!(*norm > 0.0) || PetscIsInfOrNanReal(*norm)) {
    *norm = NAN;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(DiniEigenVecScale_Private(mode->x, DiniCx(1.0 / *norm, 0.0)));
  PetscCall(DiniEigenVecPhase_Private(mode->x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* sum_k |c_k| |M_k x|, the size of the terms that cancel in T x */
static PetscErrorCode DiniSizeOfTerms_Eigen(Dini dini, const Mat M[], const DiniComplex c[], DiniEigenVec x,
                                            DiniEigenVec work, PetscReal *size)
{
  Dini_Eigen *ctx = (Dini_Eigen *)dini->data;

  PetscFunctionBegin;
  *size = 0.0;
  for (PetscInt k = 0; k < ctx->nterms; k++) {
    DiniComplex one[DINI_EIGEN_TERMS] = {{0.0, 0.0}};
    PetscReal   norm;

    one[k].re = 1.0;
    PetscCall(DiniEigenMult_Private(dini, M, PETSC_FALSE, one, x, work));
    PetscCall(DiniEigenVecNorm_Private(work, &norm));
    *size += DiniCxAbs(c[k]) * norm;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  |T x| relative to the terms in it. Near lambda = 0 those vanish too: what rounding in the terms of a random vector could
  do is no error either.
*/
static PetscErrorCode DiniCheckPair_Eigen(Dini dini, const Mat M[], DiniMode *mode, DiniEigenVec work,
                                          PetscReal *relative)
{
  DiniComplex  c[DINI_EIGEN_TERMS] = {{0.0, 0.0}}, dc[DINI_EIGEN_TERMS] = {{0.0, 0.0}};
  DiniEigenVec v = {NULL, NULL};
  PetscReal    residual, size, dnorm, vnorm, vsize;

  PetscFunctionBegin;
  PetscCall(DiniEigenCoefficients_Private(dini, mode->lambda, c, dc));
  PetscCall(PetscArraycpy(mode->c, c, DINI_EIGEN_TERMS));
  PetscCall(PetscArraycpy(mode->dc, dc, DINI_EIGEN_TERMS));
  PetscCall(DiniEigenMult_Private(dini, M, PETSC_FALSE, dc, mode->x, work));
  PetscCall(DiniEigenVecNorm_Private(work, &dnorm));
  PetscCall(DiniSizeOfTerms_Eigen(dini, M, c, mode->x, work, &size));
  PetscCall(DiniEigenMult_Private(dini, M, PETSC_FALSE, c, mode->x, work));
  PetscCall(DiniEigenVecNorm_Private(work, &residual));
  mode->error = residual / dnorm;
  *relative   = size > 0.0 ? residual / size : residual;
  if (*relative > dini->attachrtol) {
    PetscCall(DiniEigenVecCreate_Private(mode->x.r, (PetscBool)(mode->x.i != NULL), &v));
    PetscCall(DiniRandomDirection_Private(dini, 31, v.r, v.r));
    PetscCall(DiniEigenVecNorm_Private(v, &vnorm));
    PetscCall(DiniSizeOfTerms_Eigen(dini, M, c, v, work, &vsize));
    PetscCall(DiniEigenVecNorm_Private(mode->x, &size));
    if (residual <= 1e4 * PETSC_MACHINE_EPSILON * vsize * size / vnorm) *relative = 0.0;
    PetscCall(DiniEigenVecDestroy_Private(&v));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniTakePair_Eigen(Dini dini, PetscInt i, Vec xr, Vec xi, DiniMode *mode)
{
  Dini_Eigen  *ctx = (Dini_Eigen *)dini->data;
  PetscScalar  kr, ki = 0.0;
  DiniEigenVec x = {xr, NULL};

  PetscFunctionBegin;
  PetscCall((*ctx->kind->pair)(ctx->solver, i, &kr, &ki, xr, xi));
  mode->lambda = DiniCxOf(kr, ki);
  if (ctx->hermitian) mode->lambda.im = 0.0;
  mode->index   = i;
  mode->overlap = 1.0;
  if (!PetscDefined(USE_COMPLEX) && mode->lambda.im != 0.0) x.i = xi;
  PetscCall(DiniEigenVecCreate_Private(xr, (PetscBool)(x.i != NULL), &mode->x));
  PetscCall(DiniEigenVecCopy_Private(x, mode->x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* w: four vectors of work */
static PetscErrorCode DiniTakePairs_Eigen(Dini dini, const Mat M[], PetscInt n, Vec w[], DiniConvergedReason *reason)
{
  Dini_Eigen *ctx = (Dini_Eigen *)dini->data;
  PetscReal   norm, relative = 0.0;

  PetscFunctionBegin;
  *reason = DINI_CONVERGED_FORWARD;
  for (PetscInt i = 0; i<n && * reason> 0; i++) {
    DiniMode    *mode = &ctx->modes[i];
    DiniEigenVec work = {w[2], NULL};

    PetscCall(DiniTakePair_Eigen(dini, i, w[0], w[1], mode));
    if (mode->x.i) work.i = w[3];
    PetscCall(DiniFindInfinite_Eigen(dini, mode, work));
    PetscCall(DiniNormalize_Eigen(dini, mode, work, &norm));
    if (mode->infinite) relative = 0.0; /* that has been looked at */
    else if (!PetscIsInfOrNanReal(norm)) PetscCall(DiniCheckPair_Eigen(dini, M, mode, work, &relative));
    if (PetscIsInfOrNanReal(norm) || PetscIsInfOrNanReal(relative)) {
      *reason = DINI_DIVERGED_NAN;
      PetscCall(PetscSNPrintf(ctx->why, sizeof(ctx->why), "NaN, Inf or no length (x^H B x) in pair %" PetscInt_FMT, i));
    } else if (!(relative <= dini->attachrtol)) {
      *reason = DINI_DIVERGED_FORWARD_RESIDUAL;
      PetscCall(PetscSNPrintf(ctx->why, sizeof(ctx->why),
                              "|T(lambda) x| of pair %" PetscInt_FMT " a relative %g, above %g (-dini_attach_rtol),", i,
                              (double)relative, (double)dini->attachrtol));
    }
    dini->fnorm = dini->stats.forward_residual = i ? PetscMax(dini->fnorm, mode->error) : mode->error;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The n pairs of the solver become the modes. With tracking on they take the places of those of the solve before. */
PetscErrorCode DiniEigenCollect_Private(Dini dini, const Mat M[], PetscInt n, DiniConvergedReason *reason,
                                        const char **why)
{
  Dini_Eigen    *ctx  = (Dini_Eigen *)dini->data;
  DiniMode      *old  = ctx->modes;
  PetscInt       nold = ctx->nmodes;
  Vec            w[4];
  PetscErrorCode failed;

  PetscFunctionBegin;
  *why        = ctx->why;
  ctx->nmodes = 0;
  ctx->modes  = NULL;
  PetscCall(PetscCalloc1(n, &ctx->modes));
  ctx->nmodes = n;
  PetscCall(MatCreateVecs(ctx->M[0], &w[0], NULL));
  for (int k = 1; k < 4; k++) PetscCall(VecDuplicate(w[0], &w[k]));
  failed = DiniTakePairs_Eigen(dini, M, n, w, reason);
  for (int k = 0; k < 4; k++) PetscCall(VecDestroy(&w[k]));
  if (failed || *reason < 0) { /* the last good ones stay, for the tracking of the next solve */
    PetscCall(DiniModesDestroy_Private(n, &ctx->modes));
    ctx->modes  = old;
    ctx->nmodes = nold;
    PetscCall(failed);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(DiniEigenGaps_Private(dini));
  if (ctx->tracking && nold) {
    PetscCall(DiniEigenTrack_Private(dini, nold, old));
    PetscCall(DiniEigenGaps_Private(dini));
    if (ctx->selected < n && ctx->modes[ctx->selected].overlap < ctx->minoverlap) {
      *reason = DINI_DIVERGED_FORWARD;
      PetscCall(PetscSNPrintf(ctx->why, sizeof(ctx->why),
                              "mode %" PetscInt_FMT " lost: its overlap with the one tracked is %g, below %g",
                              ctx->selected, (double)ctx->modes[ctx->selected].overlap, (double)ctx->minoverlap));
    }
  }
  PetscCall(DiniModesDestroy_Private(nold, &old));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Two eigenvalues closer than this count as one cluster: by the relative gap that was set, and by their own errors, since the
  error of a vector is that of its eigenvalue over the gap.
*/
PetscReal DiniEigenThreshold_Private(const Dini_Eigen *ctx, const DiniMode *a, const DiniMode *b)
{
  const PetscReal size = PetscMax(DiniCxAbs(a->lambda), DiniCxAbs(b->lambda)), error = PetscMax(a->error, b->error);

  return PetscMax(ctx->gaprtol * size, 1e4 * error);
}

PetscErrorCode DiniEigenGaps_Private(Dini dini)
{
  Dini_Eigen    *ctx = (Dini_Eigen *)dini->data;
  const PetscInt n   = ctx->nmodes;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < n; i++) {
    ctx->modes[i].cluster = i;
    ctx->modes[i].gap     = PETSC_INFINITY;
  }
  for (PetscInt i = 0; i < n; i++) {
    for (PetscInt j = 0; j < n; j++) {
      DiniMode       *a = &ctx->modes[i], *b = &ctx->modes[j];
      const PetscReal gap = DiniCxAbs(DiniCxSub(a->lambda, b->lambda));

      if (i == j || a->infinite || b->infinite) continue;
      a->gap = PetscMin(a->gap, gap);
      if (gap <= DiniEigenThreshold_Private(ctx, a, b)) {
        const PetscInt from = PetscMax(a->cluster, b->cluster), to = PetscMin(a->cluster, b->cluster);

        for (PetscInt k = 0; k < n; k++)
          if (ctx->modes[k].cluster == from) ctx->modes[k].cluster = to;
      }
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Refuses what only a simple eigenvalue has */
PetscErrorCode DiniEigenSimple_Private(Dini dini, PetscInt i, const char what[])
{
  Dini_Eigen *ctx  = (Dini_Eigen *)dini->data;
  DiniMode   *mode = &ctx->modes[i];
  PetscInt    n    = 0;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < ctx->nmodes; k++)
    if (ctx->modes[k].cluster == mode->cluster) n++;
  PetscCheck(!mode->infinite, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
             "%s: Eigenvalue %" PetscInt_FMT
             " (%g%+gi) is infinite, as B x = 0 (or the like), and has no %s. Ask the solver "
             "for those that are nearest to a target",
             DiniLabel_Private(dini), i, (double)mode->lambda.re, (double)mode->lambda.im, what);
  PetscCheck(
      n == 1, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
      "Eigenvalue %" PetscInt_FMT " (%g%+gi) is one of a cluster of %" PetscInt_FMT
      " with a gap of %g, so that its %s is not defined by itself: members mix under any change of the parameters. "
      "Take "
      "the derivative of their mean (DiniEigenClusterVJP()), solve more tightly, or, if this gap is real and wide "
      "enough for you, lower -dini_eigen_gap below %g",
      i, (double)mode->lambda.re, (double)mode->lambda.im, n, (double)mode->gap, what,
      (double)(mode->gap / PetscMax(PETSC_SMALL, DiniCxAbs(mode->lambda))));
  PetscCheck(mode->overlap >= ctx->minoverlap, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONGSTATE,
             "Mode %" PetscInt_FMT
             " has been lost: its overlap with the one tracked is %g, below %g. Ask the solver for more pairs, take "
             "smaller steps, or switch tracking off (-dini_eigen_track 0)",
             i, (double)mode->overlap, (double)ctx->minoverlap);
  PetscFunctionReturn(PETSC_SUCCESS);
}
