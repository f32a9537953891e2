/*
  Has somebody written into the values of a matrix past PETSc? MatCreateSeqAIJWithArrays() and its like leave the numbers with
  the application, and an array that has been handed out once is written to for ever: no object state tells of it.

  A sum over the stored numbers tells, at the price of a pass over memory. Types whose numbers can not be looked at are
  multiplied with a fixed vector instead, where that is worth a product.
*/
#include "../private/diniimpl.h"
#include <string.h>

#define LANES 8

/* A polynomial in the words of an array, in lanes, so that memory and not arithmetic bounds it */
static PetscErrorCode DiniSumArray(const PetscScalar *a, PetscCount n, uint64_t *sum)
{
  const uint64_t       odd   = 0x9E3779B97F4A7C15ULL;
  const size_t         words = (size_t)n * sizeof(*a) / sizeof(uint64_t);
  const unsigned char *bytes = (const unsigned char *)a;
  uint64_t             lane[LANES], word[LANES];
  size_t               w = 0;

  PetscFunctionBegin;
  for (int k = 0; k < LANES; k++) lane[k] = *sum + (uint64_t)k;
  for (; w + LANES <= words; w += LANES) {
    memcpy(word, bytes + w * sizeof(uint64_t), sizeof(word));
    for (int k = 0; k < LANES; k++) lane[k] = lane[k] * odd + word[k];
  }
  for (; w < words; w++) {
    memcpy(word, bytes + w * sizeof(uint64_t), sizeof(uint64_t));
    lane[0] = lane[0] * odd + word[0];
  }
  for (int k = 0; k < LANES; k++) *sum = *sum * odd + (lane[k] ^ (lane[k] >> 32));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One sequential part, of a type that keeps its numbers on the host and shows them */
static PetscErrorCode DiniSumPart(Mat A, PetscBool *known, uint64_t *sum)
{
  PetscBool          aij, baij, dense;
  MatInfo            info;
  PetscInt           m, n, lda;
  const PetscScalar *a;
  PetscScalar       *b;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)A, MATSEQAIJ, &aij));
  PetscCall(PetscObjectTypeCompare((PetscObject)A, MATSEQBAIJ, &baij));
  PetscCall(PetscObjectTypeCompare((PetscObject)A, MATSEQDENSE, &dense));
  *known = (PetscBool)(aij || baij || dense);
  if (aij || baij) PetscCall(MatGetInfo(A, MAT_LOCAL, &info));
  if (aij) {
    PetscCall(MatSeqAIJGetArrayRead(A, &a));
    PetscCall(DiniSumArray(a, (PetscCount)info.nz_used, sum));
    PetscCall(MatSeqAIJRestoreArrayRead(A, &a));
  } else if (baij) {
    PetscObjectState state; /* a look moves it since 3.26 */

    PetscCall(PetscObjectStateGet((PetscObject)A, &state));
    PetscCall(MatSeqBAIJGetArray(A, &b));
    PetscCall(DiniSumArray(b, (PetscCount)info.nz_used, sum));
    PetscCall(MatSeqBAIJRestoreArray(A, &b));
    PetscCall(PetscObjectStateSet((PetscObject)A, state));
  } else if (dense) {
    PetscCall(MatGetSize(A, &m, &n));
    PetscCall(MatDenseGetLDA(A, &lda));
    PetscCall(MatDenseGetArrayRead(A, &a));
    for (PetscInt j = 0; j < (lda == m ? PetscMin(n, 1) : n); j++)
      PetscCall(DiniSumArray(a + (size_t)j * (size_t)lda, lda == m ? (PetscCount)m * n : m, sum));
    PetscCall(MatDenseRestoreArrayRead(A, &a));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The numbers of v on this rank, added to *sum */
PetscErrorCode DiniVecSum_Private(Vec v, uint64_t *sum)
{
  const PetscScalar *a;
  PetscInt           n;

  PetscFunctionBegin;
  if (!v) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecGetLocalSize(v, &n));
  PetscCall(VecGetArrayRead(v, &a));
  PetscCall(DiniSumArray(a, n, sum));
  PetscCall(VecRestoreArrayRead(v, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A matrix of its own, not one that refers to others */
static PetscErrorCode DiniSumOwn(Mat A, PetscBool *known, uint64_t *sum)
{
  PetscBool       aij, baij, dense, assembled;
  Mat             diagonal = A, other = NULL;
  const PetscInt *columns;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)A, MATMPIAIJ, &aij));
  PetscCall(PetscObjectTypeCompare((PetscObject)A, MATMPIBAIJ, &baij));
  PetscCall(PetscObjectTypeCompare((PetscObject)A, MATMPIDENSE, &dense));
  PetscCall(MatAssembled(A, &assembled));
  *known = PETSC_FALSE;
  if (!assembled) PetscFunctionReturn(PETSC_SUCCESS);
  if (aij) PetscCall(MatMPIAIJGetSeqAIJ(A, &diagonal, &other, &columns));
  if (baij) PetscCall(MatMPIBAIJGetSeqBAIJ(A, &diagonal, &other, &columns));
  if (dense) PetscCall(MatDenseGetLocalMatrix(A, &diagonal));
  PetscCall(DiniSumPart(diagonal, known, sum));
  if (other && *known) PetscCall(DiniSumPart(other, known, sum));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The numbers of A, and of what A refers to, on this rank. known: they are all there to be looked at, everywhere */
PetscErrorCode DiniMatSum_Private(Mat A, PetscBool *known, uint64_t *sum)
{
  PetscInt n;
  Mat     *parts;
  Vec      vec;

  PetscFunctionBegin;
  *known = PETSC_TRUE;
  if (!A) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniMatParts_Private(A, &n, &parts, &vec));
  if (!n) PetscCall(DiniSumOwn(A, known, sum));
  for (PetscInt i = 0; i < n; i++) {
    PetscBool all;

    PetscCall(DiniMatSum_Private(parts[i], &all, sum));
    *known = (PetscBool)(*known && all);
  }
  PetscCall(DiniVecSum_Private(vec, sum));
  PetscCall(PetscFree(parts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Ax = A x; an error out of a shell leaves x locked */
static PetscErrorCode DiniMarkApply(Mat A, Vec x, Vec Ax)
{
  PetscErrorCode failed;
  PetscInt       locks;

  PetscFunctionBegin;
  PetscCall(VecLockGet(x, &locks));
  failed = MatMult(A, x, Ax);
  PetscCall(DiniUnlock_Private(x, locks));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Where the numbers can not be looked at: what it makes of a vector. Matrices that are differences of F follow F. A guard, since
  a product may cost a solve.
*/
PetscErrorCode DiniMarkProduct_Private(Dini dini, DiniMark *mark)
{
  PetscBool has, differenced;

  PetscFunctionBegin;
  PetscCall(VecDestroy(&mark->w));
  PetscCall(VecDestroy(&mark->Aw));
  if (!mark->A || mark->known || !dini->guard) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscObjectTypeCompare((PetscObject)mark->A, MATMFFD, &differenced));
  PetscCall(MatHasOperation(mark->A, MATOP_MULT, &has));
  if (differenced || !has) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecDuplicate(dini->u, &mark->w));
  PetscCall(VecDuplicate(dini->u, &mark->Aw));
  PetscCall(DiniRandom_Private(21, mark->w));
  PetscCall(DiniMarkApply(mark->A, mark->w, mark->Aw));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same on all ranks; a product with an iteration inside need not be the same twice */
PetscErrorCode DiniMarkProductMoved_Private(const DiniMark *mark, PetscBool *moved)
{
  PetscReal      norm = 0.0, change = 0.0;
  PetscErrorCode failed;
  Vec            y;

  PetscFunctionBegin;
  *moved = PETSC_FALSE;
  if (!mark->w) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecDuplicate(mark->Aw, &y));
  failed = DiniMarkApply(mark->A, mark->w, y);
  if (!failed) failed = VecAXPY(y, -1.0, mark->Aw);
  if (!failed) failed = DiniNorm_Private(mark->Aw, &norm);
  if (!failed) failed = DiniNorm_Private(y, &change);
  PetscCall(VecDestroy(&y));
  PetscCall(failed);
  *moved = (PetscBool) !(change <= DINI_STAYS_RTOL * norm);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  What somebody fills at a new point, where something that it may depend on has moved: has it the numbers of the point before? Then
  it may have been frozen, or is a constant, which is known once it has been right at two points. Collective
*/
PetscErrorCode DiniSteady_Private(MPI_Comm comm, PetscBool known, uint64_t from, uint64_t sum, DiniSteady *steady,
                                  PetscBool *suspect)
{
  PetscBool mine[3], all[3];

  PetscFunctionBegin;
  *suspect = PETSC_FALSE;
  mine[0]  = (PetscBool)(steady->known && steady->from == from); /* nothing has moved here */
  mine[1]  = (PetscBool)(steady->known && steady->sum == sum);
  mine[2]  = known;
  PetscCall(MPIU_Allreduce(mine, all, 3, DINI_MPI_BOOL, MPI_LAND, comm));
  if (all[0] && steady->known) PetscFunctionReturn(PETSC_SUCCESS);
  if (!all[1]) steady->constant = PETSC_FALSE;
  *suspect      = (PetscBool)(all[1] && all[2] && !steady->constant);
  steady->known = all[2];
  steady->from  = from;
  steady->sum   = sum;
  PetscFunctionReturn(PETSC_SUCCESS);
}
