/*
  Many right-hand sides at once.

  With a factorisation at hand: block solves with it, refined together by the true residuals; whatever column is not good
  enough after that goes up the ladder by itself, from where the block has brought it. Without: column by column, each from
  the best combination of the columns before it, so that equal and parallel ones cost a product and no iteration.
*/
#include "../private/diniengineimpl.h"
#include <petscblaslapack.h>
#include <petsctime.h>

#define DINI_BLOCK_PASSES 6

/* ---- Guesses from the columns before: least squares by a growing Cholesky factor of B^H B ---- */

typedef struct {
  PetscInt     n, size; /* columns in all, and in the basis */
  PetscInt    *column;  /* of the basis */
  PetscScalar *gram;    /* B^H B, n x n by columns */
  PetscScalar *L;       /* lower triangle of the factor, n x n by rows */
  PetscScalar *y;       /* work, then the coefficients */
  PetscScalar *mine;    /* this rank's part of the sum */
} DiniBasis;

static PetscErrorCode DiniBasisCreate(Mat B, DiniBasis *basis)
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

static PetscErrorCode DiniBasisDestroy(DiniBasis *basis)
{
  PetscFunctionBegin;
  PetscCall(PetscFree5(basis->column, basis->gram, basis->L, basis->y, basis->mine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x = the combination of solved columns whose right-hand sides come nearest to column j; worth it, or x is left alone */
static PetscErrorCode DiniBasisGuess(DiniBasis *basis, Mat X, PetscInt j, Vec x, PetscBool *worth)
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
    PetscCall(VecAXPY(x, y[i], xi));
    PetscCall(MatDenseRestoreColumnVecRead(X, basis->column[i], &xi));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- Columns ---- */

static PetscErrorCode DiniGetColumn(Mat A, PetscInt j, Vec v)
{
  Vec a;

  PetscFunctionBegin;
  PetscCall(MatDenseGetColumnVecRead(A, j, &a));
  PetscCall(VecCopy(a, v));
  PetscCall(PetscObjectStateIncrease((PetscObject)v));
  PetscCall(MatDenseRestoreColumnVecRead(A, j, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniPutColumn(Mat A, PetscInt j, Vec v)
{
  Vec a;

  PetscFunctionBegin;
  PetscCall(MatDenseGetColumnVecWrite(A, j, &a));
  PetscCall(VecCopy(v, a));
  PetscCall(MatDenseRestoreColumnVecWrite(A, j, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Each column by itself, from a guess: of the block solve (good: nothing left to do), or of the columns before it */
static PetscErrorCode DiniSolveColumns(Dini dini, DiniDirection direction, Mat B, Mat X, PetscBool fromblock,
                                       PetscBool good[])
{
  PetscInt  n;
  Vec       b, x;
  DiniBasis basis;
  PetscBool guess;

  PetscFunctionBegin;
  PetscCall(MatGetSize(B, NULL, &n));
  PetscCall(VecDuplicate(dini->engine->b, &b));
  PetscCall(VecDuplicate(dini->engine->b, &x));
  if (!fromblock) PetscCall(DiniBasisCreate(B, &basis));
  for (PetscInt j = 0; j < n; j++) {
    if (fromblock && good[j]) continue;
    PetscCall(DiniGetColumn(B, j, b));
    if (fromblock) {
      PetscCall(DiniGetColumn(X, j, x));
      guess = PETSC_TRUE;
    } else PetscCall(DiniBasisGuess(&basis, X, j, x, &guess));
    PetscCall(DiniEngineSolveGuess_Private(dini, direction, b, x, guess));
    good[j] = (PetscBool)(dini->reason >= 0);
    PetscCall(DiniPutColumn(X, j, x));
    if (!fromblock && !good[j] && basis.size && basis.column[basis.size - 1] == j) basis.size--;
  }
  if (!fromblock) PetscCall(DiniBasisDestroy(&basis));
  PetscCall(VecDestroy(&b));
  PetscCall(VecDestroy(&x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- A factorisation ---- */

/* The factor that single solves would use now, and whether its transpose; NULL when they use none */
static PetscErrorCode DiniGetFactor(Dini dini, DiniDirection direction, Mat *F, PetscBool *transpose)
{
  DiniEngine e  = dini->engine;
  PC         pc = e->pc;
  KSP        ksp;
  PetscBool  own, factored, failed;

  PetscFunctionBegin;
  *F         = NULL;
  *transpose = (PetscBool)(direction == DINI_ADJOINT && !e->symmetric);
  PetscCall(DiniEngineOwnsPC_Private(dini, direction, &own));
  if (e->null[0] || (own && direction == DINI_TANGENT)) PetscFunctionReturn(PETSC_SUCCESS);
  if (e->start[direction] == DINI_RUNG_DIRECT) {
    PetscCall(DiniEngineSetUpDirect_Private(dini, &failed));
    if (failed) PetscFunctionReturn(PETSC_SUCCESS);
    pc = e->direct;
  } else if (direction == DINI_ADJOINT &&
             (own || e->transpose == DINI_TRANSPOSE_EXPLICIT || e->start[direction] == DINI_RUNG_EXPLICIT)) {
    PetscCall(DiniEngineGetCompanion_Private(dini, &ksp));
    if (!ksp) PetscFunctionReturn(PETSC_SUCCESS);
    PetscCall(KSPGetPC(ksp, &pc));
    *transpose = PETSC_FALSE;
  } else if (*transpose && e->transposed != DINI_TRANSPOSED_EXACT) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscObjectTypeCompareAny((PetscObject)pc, &factored, PCLU, PCCHOLESKY, ""));
  if (factored) PetscCall(PCFactorGetMatrix(pc, F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* R = B - A X, column by column, and the relative norms of its columns */
static PetscErrorCode DiniBlockResidual(Dini dini, DiniDirection direction, Mat B, Mat X, const PetscReal bnorm[],
                                        Mat R, PetscReal relative[])
{
  PetscInt n;
  Vec      b, x, r;

  PetscFunctionBegin;
  PetscCall(MatGetSize(B, NULL, &n));
  for (PetscInt j = 0; j < n; j++) {
    PetscCall(MatDenseGetColumnVecRead(B, j, &b));
    PetscCall(MatDenseGetColumnVecRead(X, j, &x));
    PetscCall(MatDenseGetColumnVecWrite(R, j, &r));
    PetscCall(DiniEngineMult_Private(dini, direction, x, r));
    PetscCall(VecAYPX(r, -1.0, b));
    PetscCall(MatDenseRestoreColumnVecWrite(R, j, &r));
    PetscCall(MatDenseRestoreColumnVecRead(X, j, &x));
    PetscCall(MatDenseRestoreColumnVecRead(B, j, &b));
  }
  PetscCall(MatGetColumnNorms(R, NORM_2, relative));
  for (PetscInt j = 0; j < n; j++) relative[j] = bnorm[j] > 0.0 ? relative[j] / bnorm[j] : 0.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* X by the factor F with refinement; good[j] where the true residual of column j has met the tolerance */
static PetscErrorCode DiniSolveFactor(Dini dini, DiniDirection direction, Mat F, PetscBool transpose, Mat B, Mat X,
                                      const PetscReal bnorm[], PetscBool good[])
{
  DiniEngine      e = dini->engine;
  PetscInt        n, left, before;
  Mat             R, E;
  PetscReal      *relative, worst, previous = 1.0;
  PetscLogDouble  start, end;
  DiniSolveStatus status = {0};

  PetscFunctionBegin;
  PetscCall(PetscTime(&start));
  PetscCall(MatGetSize(B, NULL, &n));
  PetscCall(PetscCalloc1(n, &relative));
  PetscCall(MatDuplicate(B, MAT_COPY_VALUES, &R));
  PetscCall(MatDuplicate(B, MAT_DO_NOT_COPY_VALUES, &E));
  PetscCall(MatZeroEntries(X));
  for (PetscInt pass = 0; pass < DINI_BLOCK_PASSES; pass++) {
    if (transpose) {
      if (PetscDefined(USE_COMPLEX)) PetscCall(MatConjugate(R));
      PetscCall(MatMatSolveTranspose(F, R, E));
      if (PetscDefined(USE_COMPLEX)) PetscCall(MatConjugate(E));
    } else PetscCall(MatMatSolve(F, R, E));
    PetscCall(MatAXPY(X, 1.0, E, SAME_NONZERO_PATTERN));
    PetscCall(DiniBlockResidual(dini, direction, B, X, bnorm, R, relative));
    worst = 0.0;
    left  = 0;
    for (PetscInt j = 0; j < n; j++) {
      good[j] = (PetscBool)(relative[j] <= e->rtol[direction]);
      if (!good[j]) left++;
      worst = relative[j] > worst || PetscIsInfOrNanReal(relative[j]) ? relative[j] : worst;
    }
    status.its = pass + 1;
    PetscCall(PetscInfo(
        dini, "Block of %" PetscInt_FMT " %s solves, pass %" PetscInt_FMT ": worst true relative residual %g\n", n,
        DiniOperations[DINI_OPERATION_TANGENT + direction], pass + 1, (double)worst));
    if (!left || !(worst < 0.3 * previous)) break;
    previous = worst;
  }
  PetscCall(MatDestroy(&R));
  PetscCall(MatDestroy(&E));
  PetscCall(PetscTime(&end));
  before      = e->start[direction];
  status.rung = before ? (DiniRung)before : DINI_RUNG_KEPT;
  for (PetscInt j = 0; j < n; j++) {
    if (!good[j] || bnorm[j] == 0.0) continue;
    status.good     = PETSC_TRUE;
    status.relative = relative[j];
    PetscCall(DiniEngineRecord_Private(dini, direction, &status, (PetscReal)(end - start) / (PetscReal)n));
  }
  PetscCall(PetscFree(relative));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  A X = B for dense B and X with the layout of the state in their rows; good[j] tells whether column j is right, and the
  others are NaN. Without DiniSetErrorIfNotConverged(dini, PETSC_FALSE) a column that fails is an error.
*/
PetscErrorCode DiniEngineMatSolve_Private(Dini dini, DiniDirection direction, Mat B, Mat X, PetscBool good[])
{
  const PetscLogEvent event = direction == DINI_TANGENT ? DINI_Tangent : DINI_Adjoint;
  DiniEngine          e     = dini->engine;
  PetscInt            n;
  PetscReal          *bnorm;
  Mat                 F         = NULL;
  PetscBool           transpose = PETSC_FALSE, finite = PETSC_TRUE, alone = PETSC_TRUE;
  DiniFrozen          frozen;
  PetscErrorCode      failed;

  PetscFunctionBegin;
  dini->reason = DINI_CONVERGED_ITERATING; /* what an earlier solve has come to is not asked here */
  PetscCall(MatGetSize(B, NULL, &n));
  PetscCall(PetscMalloc1(n, &bnorm));
  PetscCall(MatGetColumnNorms(B, NORM_2, bnorm));
  for (PetscInt j = 0; j < n; j++) finite = (PetscBool)(finite && !PetscIsInfOrNanReal(bnorm[j]));
  if (n > 1 && finite && !dini->linearsolve[direction]) {
    PetscCall(DiniEnginePrepare_Private(dini, direction));
    PetscCall(DiniEngineReuse_Private(dini, direction));
    if (dini->reason != DINI_DIVERGED_PC_FAILED) PetscCall(DiniGetFactor(dini, direction, &F, &transpose));
  }
  if (F) {
    PetscCall(PetscLogEventBegin(event, dini, 0, 0, 0));
    PetscCall(DiniFreeze_Private(e->pc, &frozen));
    failed = DiniSolveFactor(dini, direction, F, transpose, B, X, bnorm, good);
    PetscCall(DiniThaw_Private(&frozen));
    PetscCall(failed);
    PetscCall(PetscLogEventEnd(event, dini, 0, 0, 0));
    alone = PETSC_FALSE;
  }
  PetscCall(PetscFree(bnorm));
  PetscCall(DiniSolveColumns(dini, direction, B, X, (PetscBool)!alone, good));
  PetscFunctionReturn(PETSC_SUCCESS);
}
