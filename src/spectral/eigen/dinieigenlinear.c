/*
  Linear solves at a pair. T(lambda) is singular there, so that K = T + alpha p q^H takes its place, with p = D x and
  q^H x = 1: K x = alpha p, and on the rest K is T. The preconditioner is made from P = T(lambda + delta), with alpha = -delta,
  so that K and P agree in x too. The engine of dinieigenengine.c solves with K and with K^H.
*/
#include "../../private/dinieigenimpl.h"

#define DINI_EIGEN_DIRECT                                                                                              \
  200000 /* unknowns up to which the shifted operator is factorised unless options say otherwise */

PetscErrorCode DiniEigenLinearReset_Private(Dini dini)
{
  Dini_Eigen *ctx = (Dini_Eigen *)dini->data;

  PetscFunctionBegin;
  PetscCall(DiniEigenEngineDestroy_Private(dini));
  PetscCall(KSPDestroy(&ctx->ksp));
  PetscCall(MatDestroy(&ctx->K));
  PetscCall(VecDestroy(&ctx->like));
  PetscCall(DiniEigenVecDestroy_Private(&ctx->p));
  PetscCall(DiniEigenVecDestroy_Private(&ctx->q));
  for (int i = 0; i < 2; i++) PetscCall(DiniEigenVecDestroy_Private(&ctx->e[i]));
  ctx->kmode = -1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = T x + alpha p (q^H x), or y = T^H x + alpha q (p^H x); alpha is real */
static PetscErrorCode DiniBordered_Eigen(Dini dini, PetscBool adjoint, Vec x, Vec y)
{
  Dini_Eigen        *ctx   = (Dini_Eigen *)dini->data;
  const PetscBool    split = (PetscBool)(ctx->p.i != NULL);
  const DiniEigenVec p = adjoint ? ctx->q : ctx->p, q = adjoint ? ctx->p : ctx->q;
  DiniEigenVec       in = ctx->e[0], out = ctx->e[1];
  DiniComplex        dot = {0.0, 0.0};

  PetscFunctionBegin;
  if (split) PetscCall(DiniEigenVecSplit_Private(x, in));
  else {
    in.r  = x;
    out.r = y;
  }
  PetscCall(DiniEigenMult_Private(dini, ctx->M, adjoint, ctx->c, in, out));
  PetscCall(DiniEigenVecDot_Private(in, q, &dot));
  PetscCall(DiniEigenVecAXPY_Private(out, DiniCxMul(ctx->alpha, dot), p));
  if (split) PetscCall(DiniEigenVecJoin_Private(out, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniBorderedMult_Eigen(Mat K, Vec x, Vec y)
{
  Dini dini;

  PetscFunctionBegin;
  PetscCall(MatShellGetContext(K, &dini));
  PetscCall(DiniBordered_Eigen(dini, PETSC_FALSE, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The plain transpose: K^T x = conj(K^H conj(x)) */
static PetscErrorCode DiniBorderedMultTranspose_Eigen(Mat K, Vec x, Vec y)
{
  Dini dini;
  Vec  xc;

  PetscFunctionBegin;
  PetscCall(MatShellGetContext(K, &dini));
  PetscCall(VecDuplicate(x, &xc));
  PetscCall(VecCopy(x, xc));
  PetscCall(VecConjugate(xc));
  PetscCall(DiniBordered_Eigen(dini, PETSC_TRUE, xc, y));
  PetscCall(VecConjugate(y));
  PetscCall(VecDestroy(&xc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniAssembled_Eigen(Dini dini, PetscBool *assembled)
{
  Dini_Eigen *ctx = (Dini_Eigen *)dini->data;

  PetscFunctionBegin;
  *assembled = PETSC_TRUE;
  for (PetscInt k = 0; k < ctx->nmats; k++) {
    PetscBool has;

    PetscCall(MatHasOperation(ctx->M[k], MATOP_GET_ROW, &has));
    if (!has) *assembled = PETSC_FALSE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* sum_k c_k M_k with real or, in complex builds, complex coefficients, as an AIJ matrix without null spaces */
static PetscErrorCode DiniSumTerms_Eigen(Dini dini, const PetscScalar c[], Mat *P)
{
  Dini_Eigen *ctx = (Dini_Eigen *)dini->data;

  PetscFunctionBegin;
  PetscCall(MatConvert(ctx->M[0], MATAIJ, MAT_INITIAL_MATRIX, P));
  PetscCall(
      MatSetOption(*P, MAT_SYMMETRIC, PETSC_FALSE)); /* terms and coefficients decide, nobody has said which way */
  PetscCall(MatScale(*P, c[0]));
  for (PetscInt k = 1; k < ctx->nterms; k++) {
    Mat Mk;

    if (!ctx->M[k]) PetscCall(MatShift(*P, c[k]));
    if (!ctx->M[k] || c[k] == 0.0) continue;
    PetscCall(MatConvert(ctx->M[k], MATAIJ, MAT_INITIAL_MATRIX, &Mk));
    PetscCall(MatAXPY(*P, c[k], Mk, DIFFERENT_NONZERO_PATTERN));
    PetscCall(MatDestroy(&Mk));
  }
  PetscCall(MatSetNullSpace(*P, NULL));
  PetscCall(MatSetTransposeNullSpace(*P, NULL));
  PetscCall(MatSetNearNullSpace(*P, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* T(shift); in real builds with a complex shift the real form [Re, -Im; Im, Re] */
static PetscErrorCode DiniShifted_Eigen(Dini dini, DiniComplex shift, PetscBool split, Mat *P)
{
  Dini_Eigen *ctx                 = (Dini_Eigen *)dini->data;
  DiniComplex c[DINI_EIGEN_TERMS] = {{0.0, 0.0}}, dc[DINI_EIGEN_TERMS] = {{0.0, 0.0}};
  PetscScalar re[DINI_EIGEN_TERMS] = {0.0}, im[DINI_EIGEN_TERMS] = {0.0};
  Mat         block[4], nest;

  PetscFunctionBegin;
  PetscCall(DiniEigenCoefficients_Private(dini, shift, c, dc));
  for (PetscInt k = 0; k < ctx->nterms; k++) {
    re[k] = split ? (PetscScalar)c[k].re : DiniCxScalar(c[k]);
    im[k] = c[k].im;
  }
  PetscCall(DiniSumTerms_Eigen(dini, re, &block[0]));
  if (!split) {
    *P = block[0];
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(DiniSumTerms_Eigen(dini, im, &block[2]));
  PetscCall(MatDuplicate(block[2], MAT_COPY_VALUES, &block[1]));
  PetscCall(MatScale(block[1], -1.0));
  PetscCall(PetscObjectReference((PetscObject)block[0]));
  block[3] = block[0];
  PetscCall(MatCreateNest(PetscObjectComm((PetscObject)dini), 2, NULL, 2, NULL, block, &nest));
  PetscCall(MatConvert(nest, MATAIJ, MAT_INITIAL_MATRIX, P));
  PetscCall(MatDestroy(&nest));
  for (int b = 0; b < 4; b++) PetscCall(MatDestroy(&block[b]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* How far from lambda the preconditioner's shift lies: well inside the gap, downwards, where matrices are definite */
static PetscErrorCode DiniShift_Eigen(Dini dini, DiniMode *mode, PetscReal *delta)
{
  Dini_Eigen *ctx = (Dini_Eigen *)dini->data;
  PetscReal   scale, tnorm, dnorm;

  PetscFunctionBegin;
  scale = mode->gap;
  if (!(scale < PETSC_INFINITY) || scale <= DiniEigenThreshold_Private(ctx, mode, mode))
    scale = DiniCxAbs(mode->lambda); /* alone, or in a cluster */
  if (scale <= 10.0 * mode->error) {
    PetscCall(DiniRandomDirection_Private(dini, 32, mode->x.r, ctx->e[0].r));
    PetscCall(DiniEigenMult_Private(dini, ctx->M, PETSC_FALSE, ctx->c, ctx->e[0], ctx->e[1]));
    PetscCall(DiniEigenVecNorm_Private(ctx->e[1], &tnorm));
    PetscCall(DiniEigenD_Private(dini, mode, ctx->e[0], ctx->e[1]));
    PetscCall(DiniEigenVecNorm_Private(ctx->e[1], &dnorm));
    scale = tnorm > 0.0 && dnorm > 0.0 ? tnorm / dnorm : 1.0;
  }
  *delta = -1e-3 * scale;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniCreateBordered_Eigen(Dini dini, DiniMode *mode)
{
  Dini_Eigen *ctx   = (Dini_Eigen *)dini->data;
  PetscInt    parts = mode->x.i ? 2 : 1, n, N;

  PetscFunctionBegin;
  PetscCall(VecGetLocalSize(mode->x.r, &n));
  PetscCall(VecGetSize(mode->x.r, &N));
  PetscCall(
      MatCreateShell(PetscObjectComm((PetscObject)dini), parts * n, parts * n, parts * N, parts * N, dini, &ctx->K));
  PetscCall(MatShellSetOperation(ctx->K, MATOP_MULT, (void (*)(void))DiniBorderedMult_Eigen));
  PetscCall(MatShellSetOperation(ctx->K, MATOP_MULT_TRANSPOSE, (void (*)(void))DiniBorderedMultTranspose_Eigen));
  if (ctx->hermitian)
    PetscCall(MatSetOption(ctx->K, PetscDefined(USE_COMPLEX) ? MAT_HERMITIAN : MAT_SYMMETRIC, PETSC_TRUE));
  PetscCall(MatCreateVecs(ctx->K, &ctx->like, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A KSP whose preconditioner both the engine and the probe of the gap use; options -eigen_ksp_..., -eigen_pc_... */
static PetscErrorCode DiniCreateShiftedKSP_Eigen(Dini dini, Mat P)
{
  Dini_Eigen *ctx = (Dini_Eigen *)dini->data;
  PC          pc;
  PetscBool   aij, mumps;
  PetscInt    N;
  PetscMPIInt size;

  PetscFunctionBegin;
  PetscCall(KSPCreate(PetscObjectComm((PetscObject)dini), &ctx->ksp));
  PetscCall(KSPSetOptionsPrefix(ctx->ksp, ((PetscObject)dini)->prefix));
  PetscCall(KSPAppendOptionsPrefix(ctx->ksp, "eigen_"));
  PetscCall(KSPSetOperators(ctx->ksp, P, P));
  PetscCall(KSPSetType(ctx->ksp, KSPGMRES));
  PetscCall(KSPSetTolerances(ctx->ksp, 1e-8, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(KSPGetPC(ctx->ksp, &pc));
  PetscCall(MatGetSize(P, &N, NULL));
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)dini), &size));
  PetscCall(PetscObjectBaseTypeCompareAny((PetscObject)P, &aij, MATSEQAIJ, MATMPIAIJ, ""));
  if (!aij) PetscCall(PCSetType(pc, PCNONE));
  else {
    PetscCall(MatGetFactorAvailable(P, MATSOLVERMUMPS, MAT_FACTOR_LU, &mumps));
    if (N <= DINI_EIGEN_DIRECT && (mumps || size == 1)) {
      PetscCall(PCSetType(pc, PCLU));
      if (mumps) PetscCall(PCFactorSetMatSolverType(pc, MATSOLVERMUMPS));
    }
  }
  if (dini->fromoptions) PetscCall(KSPSetFromOptions(ctx->ksp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Makes K that of mode i: p = D x; q = p where x^H B x = 1, else q = x */
PetscErrorCode DiniEigenLinearize_Private(Dini dini, PetscInt i)
{
  Dini_Eigen     *ctx   = (Dini_Eigen *)dini->data;
  DiniMode       *mode  = &ctx->modes[i];
  const PetscBool split = (PetscBool)(mode->x.i != NULL);
  PetscReal       delta = 0.0;
  PetscBool       assembled;
  Mat             P;

  PetscFunctionBegin;
  if (ctx->kmode == i) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniEigenLinearReset_Private(dini));
  PetscCall(DiniEigenVecCreate_Private(mode->x.r, split, &ctx->p));
  PetscCall(DiniEigenVecCreate_Private(mode->x.r, split, &ctx->q));
  for (int k = 0; k < 2; k++) PetscCall(DiniEigenVecCreate_Private(mode->x.r, split, &ctx->e[k]));
  PetscCall(DiniEigenCoefficients_Private(dini, mode->lambda, ctx->c, ctx->dc));
  PetscCall(DiniEigenD_Private(dini, mode, mode->x, ctx->p));
  PetscCall(DiniEigenVecCopy_Private(ctx->hermitian ? ctx->p : mode->x, ctx->q));
  PetscCall(DiniShift_Eigen(dini, mode, &delta));
  ctx->alpha = DiniCx(-delta, 0.0);
  PetscCall(DiniCreateBordered_Eigen(dini, mode));
  PetscCall(DiniAssembled_Eigen(dini, &assembled));
  if (assembled) PetscCall(DiniShifted_Eigen(dini, DiniCx(mode->lambda.re + delta, mode->lambda.im), split, &P));
  else {
    PetscCall(PetscObjectReference((PetscObject)ctx->K));
    P = ctx->K;
  }
  PetscCall(DiniCreateShiftedKSP_Eigen(dini, P));
  PetscCall(DiniEigenEngineCreate_Private(dini, P));
  PetscCall(MatDestroy(&P));
  dini->stats.jacobian_assemblies++;
  ctx->kmode = i;
  PetscFunctionReturn(PETSC_SUCCESS);
}
