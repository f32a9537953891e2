/*
  What the right-hand sides of a block have to do with each other: guesses from the columns solved before, by least squares
  with a growing Cholesky factor of B^H B, and columns that are multiples of others.
*/
#include "../private/diniengineimpl.h"
#include <petscblaslapack.h>

#define DINI_PARALLEL 1e-14 /* of sin^2 of the angle; what is taken for parallel is still verified by its residual */

PetscErrorCode DiniSpanCreate_Private(Mat B, DiniSpan *basis)
{
  const PetscScalar *b;
  PetscScalar        one = 1.0, zero = 0.0;
  PetscInt           n, m, lda;
  PetscBLASInt       bn, bm, blda;

  PetscFunctionBegin;
  PetscCall(MatGetSize(B, NULL, &n));
  PetscCall(MatGetLocalSize(B, &m, NULL));
  basis->n    = n;
  basis->size = 0;
  PetscCall(PetscCalloc5(n, &basis->column, n * n, &basis->gram, n * n, &basis->L, n, &basis->y, n * n, &basis->mine));
  PetscCall(MatDenseGetLDA(B, &lda));
  PetscCall(PetscBLASIntCast(n, &bn));
  PetscCall(PetscBLASIntCast(m, &bm));
  PetscCall(PetscBLASIntCast(PetscMax(1, lda), &blda));
  PetscCall(MatDenseGetArrayRead(B, &b));
  if (m)
    PetscCallBLAS("BLASgemm", BLASgemm_("C", "N", &bn, &bn, &bm, &one, b, &blda, b, &blda, &zero, basis->mine, &bn));
  PetscCall(MatDenseRestoreArrayRead(B, &b));
  PetscCall(MPIU_Allreduce(basis->mine, basis->gram, (PetscMPIInt)(n * n), MPIU_SCALAR, MPIU_SUM,
                           PetscObjectComm((PetscObject)B)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniSpanDestroy_Private(DiniSpan *basis)
{
  PetscFunctionBegin;
  PetscCall(PetscFree5(basis->column, basis->gram, basis->L, basis->y, basis->mine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x = the combination of solved columns whose right-hand sides come nearest to column j; worth it, or x is left alone */
PetscErrorCode DiniSpanGuess_Private(DiniSpan *basis, Mat X, PetscInt j, Vec x, PetscBool *worth)
{
  const PetscInt n = basis->n, k = basis->size;
  PetscScalar   *row = &basis->L[(size_t)k * (size_t)n], *y = basis->y;
  PetscReal      rest = PetscRealPart(basis->gram[j + j * n]), all = rest;
  Vec            xi;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < k; i++) { /* L y = (b_i^H b_j)_i */
    PetscScalar sum = basis->gram[basis->column[i] + j * n];

    for (PetscInt l = 0; l < i; l++) sum -= basis->L[i * n + l] * y[l];
    y[i] = sum / basis->L[i * n + i];
    rest -= PetscRealPart(y[i] * PetscConj(y[i]));
  }
  *worth = (PetscBool)(k > 0 && rest < 0.25 * all);
  if (rest > 1e-14 * all) { /* a new direction: the next row of L */
    for (PetscInt i = 0; i < k; i++) row[i] = PetscConj(y[i]);
    row[k]           = PetscSqrtReal(rest);
    basis->column[k] = j;
    basis->size++;
  }
  if (!*worth) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt i = k - 1; i >= 0; i--) { /* L^H c = y */
    for (PetscInt l = i + 1; l < k; l++) y[i] -= PetscConj(basis->L[l * n + i]) * y[l];
    y[i] /= PetscConj(basis->L[i * n + i]);
  }
  PetscCall(VecSet(x, 0.0));
  for (PetscInt i = 0; i < k; i++) {
    PetscCall(MatDenseGetColumnVecRead(X, basis->column[i], &xi));
    PetscCall(DiniAXPY_Private(x, y[i], xi));
    PetscCall(MatDenseRestoreColumnVecRead(X, basis->column[i], &xi));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* like[j] is j itself, or an earlier column i with b_j = factor[j] b_i; -1 for a zero column. The count of the first kind. */
PetscErrorCode DiniSpanDistinct_Private(Mat B, PetscInt like[], PetscScalar factor[], PetscInt *distinct)
{
  DiniSpan basis;

  PetscFunctionBegin;
  PetscCall(DiniSpanCreate_Private(B, &basis));
  *distinct = 0;
  for (PetscInt j = 0; j < basis.n; j++) {
    const PetscReal all = PetscRealPart(basis.gram[j + j * basis.n]);

    like[j] = all > 0.0 ? j : -1;
    for (PetscInt i = 0; i < j && like[j] == j; i++) {
      const PetscReal   size = PetscRealPart(basis.gram[i + i * basis.n]);
      const PetscScalar dot  = basis.gram[i + j * basis.n]; /* b_i^H b_j */

      if (like[i] != i || PetscRealPart(dot * PetscConj(dot)) < (1.0 - DINI_PARALLEL) * all * size) continue;
      like[j]   = i;
      factor[j] = dot / size;
    }
    if (like[j] == j) ++*distinct;
  }
  PetscCall(DiniSpanDestroy_Private(&basis));
  PetscFunctionReturn(PETSC_SUCCESS);
}
