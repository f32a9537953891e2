/*
  Errors of products while SLEPc is at work. Its solvers can be neither used nor destroyed after an error in their midst, so it
  is kept from them: they go on with another operator that costs nothing, and the error is raised when they are done.
*/
#include "../../private/dinisvdimpl.h"

/* y = K x with K_ii = 4^-i, i the number of a local pair of entries counted over all ranks: symmetric, and soon converged */
static PetscErrorCode DiniStandIn_SVD(DiniSVD *ctx, Vec x, Vec y)
{
  PetscInt           nx, ny;
  PetscMPIInt        rank, size;
  const PetscScalar *xa;
  PetscScalar       *ya;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PetscObjectComm((PetscObject)ctx->dini), &rank));
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)ctx->dini), &size));
  PetscCall(VecGetLocalSize(x, &nx));
  PetscCall(VecGetLocalSize(y, &ny));
  PetscCall(VecGetArrayRead(x, &xa));
  PetscCall(VecGetArrayWrite(y, &ya));
  for (PetscInt i = 0; i < ny; i++) ya[i] = i < nx ? xa[i] * PetscPowReal(0.25, (PetscReal)(i * size + rank)) : 0.0;
  PetscCall(VecRestoreArrayWrite(y, &ya));
  PetscCall(VecRestoreArrayRead(x, &xa));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = fn(x), or what stands in for it */
PetscErrorCode DiniSVDHold_Private(DiniSVD *ctx, DiniSVDVecFn *fn, Vec x, Vec y)
{
  PetscInt locks;

  PetscFunctionBegin;
  if (!ctx->failed) {
    PetscErrorCode failed;

    PetscCall(VecLockGet(x, &locks));
    failed = (*fn)(ctx, x, y);
    if (!failed) PetscFunctionReturn(PETSC_SUCCESS);
    PetscCall(DiniUnlock_Private(x, locks)); /* by products that failed */
    PetscCall(DiniUnlock_Private(ctx->du, 0));
    PetscCall(DiniUnlock_Private(ctx->dm, 0));
    if (!ctx->inside) PetscCall(failed);
    ctx->failed = (int)failed;
  }
  PetscCall(DiniStandIn_SVD(ctx, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The last of the products that fn makes */
static PetscErrorCode DiniBlock_SVD(DiniSVD *ctx, DiniSVDMatFn *fn, Mat X, Mat Y)
{
  Mat            M[3] = {NULL, NULL, NULL};
  PetscErrorCode failed;

  PetscFunctionBegin;
  failed = (*fn)(ctx, X, M);
  if (!failed) failed = DiniMatCopy_Private(M[2] ? M[2] : M[1], Y, SAME_NONZERO_PATTERN);
  for (int k = 0; k < 3; k++) PetscCall(MatDestroy(&M[k]));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Y = fn(X) for many columns, or what stands in for it */
PetscErrorCode DiniSVDHoldBlock_Private(DiniSVD *ctx, DiniSVDMatFn *fn, Mat X, Mat Y)
{
  PetscInt count;
  Vec      x, y;

  PetscFunctionBegin;
  if (!ctx->failed) {
    PetscErrorCode failed = DiniBlock_SVD(ctx, fn, X, Y);

    if (!failed) PetscFunctionReturn(PETSC_SUCCESS);
    if (!ctx->inside) PetscCall(failed);
    ctx->failed = (int)failed;
  }
  PetscCall(MatGetSize(X, NULL, &count));
  PetscCall(MatCreateVecs(X, NULL, &x));
  PetscCall(MatCreateVecs(Y, NULL, &y));
  for (PetscInt j = 0; j < count; j++) {
    PetscCall(DiniGetColumn_Private(X, j, x));
    PetscCall(DiniStandIn_SVD(ctx, x, y));
    PetscCall(DiniSetColumn_Private(Y, j, PETSC_FALSE, y));
  }
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&y));
  PetscCall(MatAssemblyBegin(Y, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(Y, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}
