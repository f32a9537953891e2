/*
  A^H as a matrix of its own. Where A has fewer rows than columns, as with a few sensors, SLEPc works on A^H; a virtual one has
  no products with many vectors in complex builds of PETSc 3.18, and would solve for them one by one in others.
*/
#include "../../private/dinisvdimpl.h"

typedef struct {
  Mat       A;    /* a reference */
  PetscBool conj; /* A^H; else A^T, what MatTranspose() makes before MatHermitianTranspose() conjugates it */
} DiniSVDAdjoint;

/* y = A^H x, or A^T x = conj(A^H conj(x)) */
static PetscErrorCode DiniAdjointMult_SVD(Mat AT, Vec x, Vec y)
{
  DiniSVDAdjoint *ctx;

  PetscFunctionBegin;
  PetscCall(MatShellGetContext(AT, &ctx));
  if (ctx->conj) PetscCall(MatMultHermitianTranspose(ctx->A, x, y));
  else PetscCall(MatMultTranspose(ctx->A, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* M[0] = B^H X, M[1] = D^H M[0], M[2] = S^H M[1]; NULL where the factor is the identity. D has products with D^T, hence conj */
static PetscErrorCode DiniAdjointProducts_SVD(DiniSVD *ctx, Mat X, Mat M[3])
{
  PetscFunctionBegin;
  if (ctx->B) PetscCall(DiniSVDApplyColumns_Private(ctx, ctx->B, PETSC_TRUE, DINI_SVD_B_ADJOINT, X, &M[0]));
  else PetscCall(MatDuplicate(X, MAT_COPY_VALUES, &M[0]));
  PetscCall(MatConjugate(M[0]));
  PetscCall(MatTransposeMatMult(ctx->D, M[0], MAT_INITIAL_MATRIX, PETSC_DEFAULT, &M[1]));
  PetscCall(MatConjugate(M[1]));
  if (ctx->S) PetscCall(DiniSVDApplyColumns_Private(ctx, ctx->S, PETSC_TRUE, DINI_SVD_S_ADJOINT, M[1], &M[2]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* C = A^H X for dense X, in one block of adjoint solves */
static PetscErrorCode DiniAdjointProduct_SVD(Mat AT, Mat X, Mat C, void *unused)
{
  DiniSVDAdjoint *adjoint;
  DiniSVD        *ctx;

  PetscFunctionBegin;
  (void)unused;
  PetscCall(MatShellGetContext(AT, &adjoint));
  PetscCall(MatShellGetContext(adjoint->A, &ctx));
  PetscCheck(adjoint->conj || !PetscDefined(USE_COMPLEX), PetscObjectComm((PetscObject)AT), PETSC_ERR_SUP,
             "Products of many vectors are those of A^H; make it with MatHermitianTranspose()");
  PetscCall(DiniSVDHoldBlock_Private(ctx, DiniAdjointProducts_SVD, X, C));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* (A^H)^H x = A x, and (A^T)^H x = conj(A conj(x)), which nobody needs */
static PetscErrorCode DiniAdjointMultAdjoint_SVD(Mat AT, Vec x, Vec y)
{
  DiniSVDAdjoint *ctx;

  PetscFunctionBegin;
  PetscCall(MatShellGetContext(AT, &ctx));
  PetscCheck(ctx->conj || !PetscDefined(USE_COMPLEX), PetscObjectComm((PetscObject)AT), PETSC_ERR_SUP,
             "Products are those of A; make A^H with MatHermitianTranspose()");
  PetscCall(MatMult(ctx->A, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniAdjointConjugate_SVD(Mat AT)
{
  DiniSVDAdjoint *ctx;

  PetscFunctionBegin;
  PetscCall(MatShellGetContext(AT, &ctx));
  ctx->conj = (PetscBool)!ctx->conj;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniAdjointDestroy_SVD(Mat AT)
{
  DiniSVDAdjoint *ctx;

  PetscFunctionBegin;
  PetscCall(MatShellGetContext(AT, &ctx));
  PetscCall(MatDestroy(&ctx->A));
  PetscCall(PetscFree(ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* MATOP_TRANSPOSE of the operator */
PetscErrorCode DiniSVDTranspose_Private(Mat A, MatReuse reuse, Mat *AT)
{
  DiniSVDAdjoint *ctx;
  PetscInt        m, n, M, N;

  PetscFunctionBegin;
  PetscCheck(reuse == MAT_INITIAL_MATRIX, PetscObjectComm((PetscObject)A), PETSC_ERR_SUP,
             "The transpose of B (du/dm) S is a new Mat; call with MAT_INITIAL_MATRIX");
  PetscCall(MatGetLocalSize(A, &m, &n));
  PetscCall(MatGetSize(A, &M, &N));
  PetscCall(PetscNew(&ctx));
  PetscCall(PetscObjectReference((PetscObject)A));
  ctx->A = A;
  PetscCall(MatCreateShell(PetscObjectComm((PetscObject)A), n, m, N, M, ctx, AT));
  PetscCall(MatShellSetOperation(*AT, MATOP_DESTROY, (void (*)(void))DiniAdjointDestroy_SVD));
  PetscCall(MatShellSetOperation(*AT, MATOP_CONJUGATE, (void (*)(void))DiniAdjointConjugate_SVD));
  PetscCall(MatShellSetOperation(*AT, MATOP_MULT, (void (*)(void))DiniAdjointMult_SVD));
  PetscCall(MatShellSetOperation(*AT, DINI_SVD_MULT_ADJOINT, (void (*)(void))DiniAdjointMultAdjoint_SVD));
  PetscCall(MatShellSetMatProductOperation(*AT, MATPRODUCT_AB, NULL, DiniAdjointProduct_SVD, NULL, MATDENSE, MATDENSE));
  PetscFunctionReturn(PETSC_SUCCESS);
}
