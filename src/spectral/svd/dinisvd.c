/* The operator A = B (du/dm) S, and a SLEPc SVD on it. */
#include "../../private/dinisvdimpl.h"

/* A product with a Mat of the application's */
PetscErrorCode DiniSVDApply_Private(DiniSVD *ctx, Mat M, PetscBool adjoint, const char what[], Vec x, Vec y)
{
  PetscFunctionBegin;
  if (adjoint) DiniCallUserOpen(ctx->dini, DINI_DOOR_DERIVATIVES, what, MatMultHermitianTranspose(M, x, y));
  else DiniCallUserOpen(ctx->dini, DINI_DOOR_DERIVATIVES, what, MatMult(M, x, y));
  PetscCall(DiniCheckFinite_Private(ctx->dini, y, what, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniSeen_SVD(DiniSVD *ctx, Vec x, Vec y)
{
  PetscReal in, out;

  PetscFunctionBegin;
  PetscCall(DiniNorm_Private(x, &in));
  PetscCall(DiniNorm_Private(y, &out));
  if (in > 0.0) ctx->seen = PetscMax(ctx->seen, out / in);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A x = B (du/dm) S x */
static PetscErrorCode DiniForward_SVD(DiniSVD *ctx, Vec x, Vec y)
{
  PetscFunctionBegin;
  if (ctx->S) PetscCall(DiniSVDApply_Private(ctx, ctx->S, PETSC_FALSE, DINI_SVD_S, x, ctx->dm));
  PetscCall(MatMult(ctx->D, ctx->S ? ctx->dm : x, ctx->B ? ctx->du : y));
  if (ctx->B) PetscCall(DiniSVDApply_Private(ctx, ctx->B, PETSC_FALSE, DINI_SVD_B, ctx->du, y));
  PetscCall(DiniSeen_SVD(ctx, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A^H y = S^H (du/dm)^H B^H y */
static PetscErrorCode DiniAdjoint_SVD(DiniSVD *ctx, Vec y, Vec x)
{
  PetscFunctionBegin;
  if (ctx->B) PetscCall(DiniSVDApply_Private(ctx, ctx->B, PETSC_TRUE, DINI_SVD_B_ADJOINT, y, ctx->du));
  PetscCall(MatMultHermitianTranspose(ctx->D, ctx->B ? ctx->du : y, ctx->S ? ctx->dm : x));
  if (ctx->S) PetscCall(DiniSVDApply_Private(ctx, ctx->S, PETSC_TRUE, DINI_SVD_S_ADJOINT, ctx->dm, x));
  PetscCall(DiniSeen_SVD(ctx, y, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniMult_SVD(Mat A, Vec x, Vec y)
{
  DiniSVD *ctx;

  PetscFunctionBegin;
  PetscCall(MatShellGetContext(A, &ctx));
  PetscCall(DiniSVDHold_Private(ctx, DiniForward_SVD, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniMultAdjoint_SVD(Mat A, Vec y, Vec x)
{
  DiniSVD *ctx;

  PetscFunctionBegin;
  PetscCall(MatShellGetContext(A, &ctx));
  PetscCall(DiniSVDHold_Private(ctx, DiniAdjoint_SVD, y, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Y = M X, or M^H X, column by column: the dear products are those of du/dm. A block product could not be left together where
  the application's fails on one rank.
*/
PetscErrorCode DiniSVDApplyColumns_Private(DiniSVD *ctx, Mat M, PetscBool adjoint, const char what[], Mat X, Mat *Y)
{
  PetscInt       count, m, n, Mg, N;
  Vec            x, y;
  PetscErrorCode failed = PETSC_SUCCESS;

  PetscFunctionBegin;
  PetscCall(MatGetLocalSize(M, &m, &n));
  PetscCall(MatGetSize(M, &Mg, &N));
  PetscCall(MatGetSize(X, NULL, &count));
  PetscCall(
      MatCreateDense(PetscObjectComm((PetscObject)M), adjoint ? n : m, PETSC_DECIDE, adjoint ? N : Mg, count, NULL, Y));
  PetscCall(MatCreateVecs(M, adjoint ? &y : &x, adjoint ? &x : &y));
  for (PetscInt j = 0; j < count && !failed; j++) {
    PetscCall(DiniGetColumn_Private(X, j, x));
    failed = DiniSVDApply_Private(ctx, M, adjoint, what, x, y);
    if (!failed) PetscCall(DiniSetColumn_Private(*Y, j, PETSC_FALSE, y));
  }
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&y));
  PetscCall(MatAssemblyBegin(*Y, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*Y, MAT_FINAL_ASSEMBLY));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* M[0] = S X, M[1] = D S X, M[2] = B D S X, and NULL where the factor is the identity */
static PetscErrorCode DiniProducts_SVD(DiniSVD *ctx, Mat X, Mat M[3])
{
  PetscFunctionBegin;
  if (ctx->S) PetscCall(DiniSVDApplyColumns_Private(ctx, ctx->S, PETSC_FALSE, DINI_SVD_S, X, &M[0]));
  PetscCall(MatMatMult(ctx->D, M[0] ? M[0] : X, MAT_INITIAL_MATRIX, PETSC_DEFAULT, &M[1]));
  if (ctx->B) PetscCall(DiniSVDApplyColumns_Private(ctx, ctx->B, PETSC_FALSE, DINI_SVD_B, M[1], &M[2]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* C = A X for dense X: the directions are solved for together */
static PetscErrorCode DiniProduct_SVD(Mat A, Mat X, Mat C, void *unused)
{
  DiniSVD *ctx;

  PetscFunctionBegin;
  (void)unused;
  PetscCall(MatShellGetContext(A, &ctx));
  PetscCall(DiniSVDHoldBlock_Private(ctx, DiniProducts_SVD, X, C));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniDestroy_SVD(Mat A)
{
  DiniSVD *ctx;

  PetscFunctionBegin;
  PetscCall(MatShellGetContext(A, &ctx));
  PetscCall(MatDestroy(&ctx->D));
  PetscCall(MatDestroy(&ctx->B));
  PetscCall(MatDestroy(&ctx->S));
  PetscCall(VecDestroy(&ctx->du));
  PetscCall(VecDestroy(&ctx->dm));
  PetscCall(DiniDestroy(&ctx->dini));
  PetscCall(PetscFree(ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A Mat of the application's that is applied both ways; its rows (of S) or columns (of B) are n of N */
static PetscErrorCode DiniCheckFactor_SVD(Dini dini, Mat M, PetscBool rows, PetscInt n, PetscInt N, const char what[])
{
  PetscInt  local[2], global[2];
  PetscBool transposes, hermitian, any;

  PetscFunctionBegin;
  PetscCall(DiniCheckComm_Private(dini, (PetscObject)M, what));
  PetscCall(MatGetLocalSize(M, &local[0], &local[1]));
  PetscCall(MatGetSize(M, &global[0], &global[1]));
  PetscCall(
      DiniOtherLayout_Private(PetscObjectComm((PetscObject)dini), (PetscObject)M, rows ? n : -1, rows ? -1 : n, &any));
  PetscCheck(!any, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_SIZ,
             "%s: the %s of %s must have the layout of %s: here %" PetscInt_FMT " of %" PetscInt_FMT
             " on this rank, and there %" PetscInt_FMT " of %" PetscInt_FMT "; create it with these sizes",
             DiniLabel_Private(dini), rows ? "rows" : "columns", what,
             rows ? "a flat parameter vector, DiniCreateParameterVec()" : "the state u", local[!rows], global[!rows], n,
             N);
  PetscCall(MatHasOperation(M, MATOP_MULT_TRANSPOSE, &transposes));
  PetscCall(MatHasOperation(M, MATOP_MULT_HERMITIAN_TRANSPOSE, &hermitian));
  PetscCheck(transposes || (PetscDefined(USE_COMPLEX) && hermitian), PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
             "%s: %s has no MatMultTranspose(), and singular values need products both ways; give it that operation",
             DiniLabel_Private(dini), what);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniSetOperations_SVD(Mat A)
{
  PetscFunctionBegin;
  PetscCall(MatShellSetOperation(A, MATOP_DESTROY, (void (*)(void))DiniDestroy_SVD));
  PetscCall(MatShellSetOperation(A, MATOP_MULT, (void (*)(void))DiniMult_SVD));
  PetscCall(MatShellSetOperation(A, DINI_SVD_MULT_ADJOINT, (void (*)(void))DiniMultAdjoint_SVD));
  PetscCall(MatShellSetOperation(A, MATOP_TRANSPOSE, (void (*)(void))DiniSVDTranspose_Private));
  PetscCall(MatShellSetMatProductOperation(A, MATPRODUCT_AB, NULL, DiniProduct_SVD, NULL, MATDENSE, MATDENSE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniCreateOperator_SVD(Dini dini, Mat B, Mat S, Mat *A)
{
  DiniSVD *ctx;
  Mat      D;
  PetscInt m, n, M, N;

  PetscFunctionBegin;
  PetscCall(DiniCheckPoint_Private(dini));
  PetscCall(DiniParameterLayout_Private(dini, &n, &N));
  if (B) PetscCall(DiniCheckFactor_SVD(dini, B, PETSC_FALSE, dini->n, dini->N, "the operator B on the state"));
  if (S) PetscCall(DiniCheckFactor_SVD(dini, S, PETSC_TRUE, n, N, "the operator S on the parameters"));
  PetscCall(DiniCreateDerivative(dini, DINI_ALL_PARAMETERS, &D));
  PetscCall(PetscNew(&ctx));
  PetscCall(PetscObjectReference((PetscObject)dini));
  PetscCall(PetscObjectReference((PetscObject)B));
  PetscCall(PetscObjectReference((PetscObject)S));
  ctx->dini = dini;
  ctx->D    = D;
  ctx->B    = B;
  ctx->S    = S;
  PetscCall(MatCreateVecs(ctx->D, &ctx->dm, &ctx->du));
  PetscCall(MatGetLocalSize(B ? B : ctx->D, &m, NULL));
  PetscCall(MatGetSize(B ? B : ctx->D, &M, NULL));
  PetscCall(MatGetLocalSize(S ? S : ctx->D, NULL, &n));
  PetscCall(MatGetSize(S ? S : ctx->D, NULL, &N));
  PetscCall(MatCreateShell(PetscObjectComm((PetscObject)dini), m, n, M, N, ctx, A));
  PetscCall(DiniSetOperations_SVD(*A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Creates a SLEPc SVD for the singular values of B (du/dm) S: which combinations of parameters matter, and how much.
  @level{intermediate}

  Collective. With B an observation over its noise and S a root of the prior covariance, singular values above 1 belong to
  the combinations of parameters that the data inform more than the prior does; with the root of a norm of the state and the
  inverse root of one of the parameters, the first right vector is the optimal perturbation. The right vectors v are in the
  columns of S: the parameters change by S v, the state by s times u, or rather B du = s u.

  The operator stays at the present point, as that of DiniCreateDerivative(). Each product costs a tangent or an adjoint
  solve, on the factorisation or preconditioner that there is. The caller sets options, solves with DiniSVDSolve(), reads
  the triplets by SVDGetSingularTriplet() and destroys it. The type is SVDTRLANCZOS unless the caller sets another.

  @param[in]  dini the Dini, after DiniSolve() or DiniAttach()
  @param[in]  B    columns laid out as the state, any number of rows; referenced. NULL: the identity
  @param[in]  S    rows laid out as a flat parameter vector, any number of columns; referenced. NULL: the identity
  @param[out] svd  with its operator, and the Dini's prefix followed by dini_
  @return 0 or a PETSc error code; PETSC_ERR_ORDER before a solve, PETSC_ERR_ARG_SIZ for a wrong layout, PETSC_ERR_SUP for
          a B or S without a transposed product, and for blocks of DiniSetParameterReal() in complex builds

  Options, read by SVDSetFromOptions(): `-dini_svd_nsv`, `-dini_svd_tol`, `-dini_svd_type` and the others of an SVD.

  @see DiniSVDSolve(), DiniCreateDerivative()
*/
PetscErrorCode DiniCreateSVD(Dini dini, Mat B, Mat S, SVD *svd)
{
  Mat         A;
  PetscBool   real;
  const char *prefix;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniParameterAnyReal_Private(dini, &real));
  PetscCheck(!PetscDefined(USE_COMPLEX) || !real, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
             "%s has a block that is real in a complex build, so du/dm is linear over the real numbers only and has no "
             "complex singular values; where the state is real too leave out DiniSetParameterReal(), else use a real "
             "build with real and imaginary parts as unknowns",
             DiniLabel_Private(dini));
  PetscCall(DiniCreateOperator_SVD(dini, B, S, &A));
  PetscCall(SVDCreate(PetscObjectComm((PetscObject)dini), svd));
  PetscCall(SVDSetOperators(*svd, A, NULL));
  PetscCall(MatDestroy(&A));
  PetscCall(SVDSetProblemType(*svd, SVD_STANDARD));
  PetscCall(SVDSetType(*svd, SVDTRLANCZOS));
  PetscCall(PetscObjectGetOptionsPrefix((PetscObject)dini, &prefix));
  PetscCall(SVDSetOptionsPrefix(*svd, prefix));
  PetscCall(SVDAppendOptionsPrefix(*svd, "dini_"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The operator of an SVD of DiniCreateSVD(), and what it is made of */
PetscErrorCode DiniSVDGet_Private(SVD svd, Mat *A, DiniSVD **ctx)
{
  Mat       second;
  PetscBool shell;
  void (*mult)(void) = NULL;

  PetscFunctionBegin;
  PetscCall(SVDGetOperators(svd, A, &second));
  PetscCheck(*A, PetscObjectComm((PetscObject)svd), PETSC_ERR_ORDER,
             "This SVD has no operator; create it with DiniCreateSVD()");
  PetscCall(PetscObjectTypeCompare((PetscObject)*A, MATSHELL, &shell));
  if (shell) PetscCall(MatShellGetOperation(*A, MATOP_MULT, &mult));
  PetscCheck(mult == (void (*)(void))DiniMult_SVD && !second, PetscObjectComm((PetscObject)svd), PETSC_ERR_ARG_WRONG,
             "The operators of this SVD are not those of DiniCreateSVD(); solve others with SVDSolve()");
  PetscCall(MatShellGetContext(*A, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}
