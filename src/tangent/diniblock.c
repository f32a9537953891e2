/*
  Many right-hand sides at once.

  With a factorisation at hand: block solves with it of the columns that are not multiples of others, refined together by
  the true residuals; whatever column is not good enough after that goes up the ladder by itself, from where the block has
  brought it. Without: column by column, each from
  the best combination of the columns before it, so that equal and parallel ones cost a product and no iteration.
*/
#include "../private/diniengineimpl.h"
#include <petsctime.h>

#define DINI_BLOCK_PASSES 6

/* ---- Columns ---- */

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
  if (!fromblock) PetscCall(DiniBasisCreate_Private(B, &basis));
  for (PetscInt j = 0; j < n; j++) {
    if (fromblock && good[j]) continue;
    PetscCall(DiniGetColumn_Private(B, j, b));
    if (fromblock) {
      PetscCall(DiniGetColumn_Private(X, j, x));
      guess = PETSC_TRUE;
    } else PetscCall(DiniBasisGuess_Private(&basis, X, j, x, &guess));
    PetscCall(DiniEngineSolveGuess_Private(dini, direction, b, x, guess));
    good[j] = (PetscBool)(dini->reason >= 0);
    PetscCall(DiniSetColumn_Private(X, j, PETSC_FALSE, x));
    if (!fromblock && !good[j] && basis.size && basis.column[basis.size - 1] == j) basis.size--;
  }
  if (!fromblock) PetscCall(DiniBasisDestroy_Private(&basis));
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

/* The same for the columns that are not multiples of others; those get a multiple of the solution, still to be verified. */
static PetscErrorCode DiniSolveDistinct(Dini dini, DiniDirection direction, Mat F, PetscBool transpose, Mat B, Mat X,
                                        const PetscReal bnorm[], PetscBool good[])
{
  PetscInt     n, distinct = 0, k = 0, *like;
  PetscScalar *factor;
  PetscReal   *norms;
  PetscBool   *right;
  Mat          R, S;
  Vec          x;

  PetscFunctionBegin;
  PetscCall(MatGetSize(B, NULL, &n));
  PetscCall(PetscMalloc4(n, &like, n, &factor, n, &norms, n, &right));
  PetscCall(DiniBasisDistinct_Private(B, like, factor, &distinct));
  if (distinct == n) PetscCall(DiniSolveFactor(dini, direction, F, transpose, B, X, bnorm, good));
  else {
    PetscCall(VecDuplicate(dini->engine->b, &x));
    PetscCall(MatCreateDense(PetscObjectComm((PetscObject)dini), dini->n, PETSC_DECIDE, dini->N, distinct, NULL, &R));
    PetscCall(MatDuplicate(R, MAT_DO_NOT_COPY_VALUES, &S));
    for (PetscInt j = 0; j < n; j++) {
      if (like[j] != j) continue;
      PetscCall(DiniGetColumn_Private(B, j, x));
      PetscCall(DiniSetColumn_Private(R, k, PETSC_FALSE, x));
      norms[k++] = bnorm[j];
    }
    if (distinct) PetscCall(DiniSolveFactor(dini, direction, F, transpose, R, S, norms, right));
    k = 0;
    for (PetscInt j = 0; j < n; j++) {
      if (like[j] == j) PetscCall(DiniGetColumn_Private(S, k, x));
      else if (like[j] < 0) PetscCall(VecSet(x, 0.0));
      else {
        PetscCall(DiniGetColumn_Private(X, like[j], x));
        PetscCall(VecScale(x, factor[j]));
      }
      PetscCall(DiniSetColumn_Private(X, j, PETSC_FALSE, x));
      good[j] = (PetscBool)(like[j] < 0 || (like[j] == j && right[k]));
      if (like[j] == j) k++;
    }
    PetscCall(MatDestroy(&R));
    PetscCall(MatDestroy(&S));
    PetscCall(VecDestroy(&x));
  }
  PetscCall(PetscFree4(like, factor, norms, right));
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
  PetscInt            n, iterations;
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
  PetscCall(DiniEngineIterations_Private(dini, &iterations));
  if (n > 1 && finite && !dini->linearsolve[direction] && !iterations) {
    PetscCall(DiniEnginePrepare_Private(dini, direction));
    PetscCall(DiniEngineReuse_Private(dini, direction));
    if (dini->reason != DINI_DIVERGED_PC_FAILED) PetscCall(DiniGetFactor(dini, direction, &F, &transpose));
  }
  if (F) {
    PetscCall(PetscLogEventBegin(event, dini, 0, 0, 0));
    PetscCall(DiniFreeze_Private(e->pc, &frozen));
    failed = DiniSolveDistinct(dini, direction, F, transpose, B, X, bnorm, good);
    PetscCall(DiniThaw_Private(&frozen));
    PetscCall(failed);
    PetscCall(PetscLogEventEnd(event, dini, 0, 0, 0));
    alone = PETSC_FALSE;
  }
  PetscCall(PetscFree(bnorm));
  PetscCall(DiniSolveColumns(dini, direction, B, X, (PetscBool)!alone, good));
  PetscFunctionReturn(PETSC_SUCCESS);
}
