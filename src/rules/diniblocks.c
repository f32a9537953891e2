/* Many columns, by blocks of -dini_block_size: each with right-hand sides R and solutions X of its own. */
#include "../private/diniimpl.h"

/* body for the columns first to first + count of n, block by block; an error ends it, with nothing left behind */
PetscErrorCode DiniEachBlock_Private(Dini dini, PetscInt n, DiniBlockFn *body, void *ctx)
{
  PetscErrorCode failed = PETSC_SUCCESS;
  PetscInt       size;
  Mat            R, X;

  PetscFunctionBegin;
  PetscCall(DiniEngineGetBlockSize_Private(dini->engine, &size));
  for (PetscInt first = 0; first < n && !failed; first += size) {
    const PetscInt count = PetscMin(size, n - first);

    PetscCall(MatCreateDense(PetscObjectComm((PetscObject)dini), dini->n, PETSC_DECIDE, dini->N, count, NULL, &R));
    PetscCall(MatDuplicate(R, MAT_DO_NOT_COPY_VALUES, &X));
    failed = (*body)(dini, first, count, R, X, ctx);
    PetscCall(MatDestroy(&R));
    PetscCall(MatDestroy(&X));
  }
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}
