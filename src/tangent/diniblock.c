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

/* Each column by itself, from a guess: of the block solve (good: nothing left to do), or, with a basis, of those before it */
static PetscErrorCode DiniEachColumn(Dini dini, DiniDirection direction, Mat B, Mat X, DiniBasis *basis, Vec b, Vec x,
                                     PetscBool good[])
{
  DiniConvergedReason all = DINI_CONVERGED_ITERATING;
  PetscInt            n;
  PetscBool           guess;

  PetscFunctionBegin;
  PetscCall(MatGetSize(B, NULL, &n));
  for (PetscInt j = 0; j < n; j++) {
    if (!basis && good[j]) continue;
    PetscCall(DiniGetColumn_Private(B, j, b));
    if (basis) PetscCall(DiniBasisGuess_Private(basis, X, j, x, &guess));
    else {
      PetscCall(DiniGetColumn_Private(X, j, x));
      guess = PETSC_TRUE;
    }
    PetscCall(DiniEngineSolveGuess_Private(dini, direction, b, x, guess));
    good[j] = (PetscBool)(dini->reason >= 0);
    if (all >= 0) all = dini->reason; /* of the first column that has failed, where one has */
    PetscCall(DiniSetColumn_Private(X, j, PETSC_FALSE, x));
    if (basis && !good[j] && basis->size && basis->column[basis->size - 1] == j) basis->size--;
  }
  if (all != DINI_CONVERGED_ITERATING) dini->reason = all;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniSolveColumns(Dini dini, DiniDirection direction, Mat B, Mat X, PetscBool fromblock,
                                       PetscBool good[])
{
  Vec            b, x;
  DiniBasis      basis;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(VecDuplicate(dini->engine->b, &b));
  PetscCall(VecDuplicate(dini->engine->b, &x));
  if (!fromblock) PetscCall(DiniBasisCreate_Private(B, &basis));
  failed = DiniEachColumn(dini, direction, B, X, fromblock ? NULL : &basis, b, x, good);
  if (!fromblock) PetscCall(DiniBasisDestroy_Private(&basis));
  PetscCall(VecDestroy(&b));
  PetscCall(VecDestroy(&x));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- A factorisation ---- */

/* The factor that single solves would use now, and whether its transpose; NULL when they use none, or none for blocks */
static PetscErrorCode DiniGetFactor(Dini dini, DiniDirection direction, Mat *F, PetscBool *transpose)
{
  DiniEngine e  = dini->engine;
  PC         pc = e->pc;
  KSP        ksp;
  PetscBool  own, factored, failed, plain, takes;

  PetscFunctionBegin;
  *F         = NULL;
  *transpose = (PetscBool)(direction == DINI_ADJOINT && !e->symmetric);
  PetscCall(DiniEngineOwnsPC_Private(dini, direction, &own));
  PetscCall(DiniEngineTakesPlain_Private(dini, &plain));
  if (!plain || e->null[0] || e->singular[0] || (own && direction == DINI_TANGENT)) PetscFunctionReturn(PETSC_SUCCESS);
  if (e->start[direction] == DINI_RUNG_DIRECT) {
    PetscCall(DiniEngineSetUpDirect_Private(dini, &failed));
    if (failed) PetscFunctionReturn(PETSC_SUCCESS);
    pc = e->direct;
  } else if (direction == DINI_ADJOINT &&
             (own || e->transpose == DINI_TRANSPOSE_EXPLICIT || e->start[direction] == DINI_RUNG_EXPLICIT)) {
    PetscCall(DiniEngineGetCompanion_Private(dini, &ksp));
    if (!ksp) PetscFunctionReturn(PETSC_SUCCESS);
    if (own) PetscCall(KSPGetPC(ksp, &pc));
    else pc = e->companionpc;
    *transpose = PETSC_FALSE;
  } else if (*transpose && e->transposed != DINI_TRANSPOSED_EXACT) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscObjectTypeCompareAny((PetscObject)pc, &factored, PCLU, PCCHOLESKY, ""));
  if (!factored) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniFactorTakesBlocks_Private(pc, &takes));
  if (takes) PetscCall(PCFactorGetMatrix(pc, F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* R = B - A X, column by column, and the relative norms of its columns, of the worst field where there are several */
static PetscErrorCode DiniBlockResidual(Dini dini, DiniDirection direction, Mat B, Mat X, const PetscReal bnorm[],
                                        Mat R, DiniFieldNorms fields[], PetscReal relative[])
{
  PetscInt       n;
  Vec            b, x, r;
  PetscErrorCode failed = PETSC_SUCCESS;

  PetscFunctionBegin;
  PetscCall(MatGetSize(B, NULL, &n));
  for (PetscInt j = 0; j < n && !failed; j++) {
    PetscCall(MatDenseGetColumnVecRead(B, j, &b));
    PetscCall(MatDenseGetColumnVecRead(X, j, &x));
    PetscCall(MatDenseGetColumnVecWrite(R, j, &r));
    failed = DiniEngineMult_Private(dini, direction, x, r);
    if (!failed) PetscCall(VecAYPX(r, -1.0, b));
    if (!failed && fields) failed = DiniEngineJudge_Private(dini, direction, b, x, r, &fields[j], &relative[j]);
    PetscCall(MatDenseRestoreColumnVecWrite(R, j, &r));
    PetscCall(MatDenseRestoreColumnVecRead(X, j, &x));
    PetscCall(MatDenseRestoreColumnVecRead(B, j, &b));
  }
  PetscCall(failed);
  if (fields) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatGetColumnNorms(R, NORM_2, relative));
  for (PetscInt j = 0; j < n; j++) relative[j] = bnorm[j] > 0.0 ? relative[j] / bnorm[j] : 0.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What a block solve by a factor works with */
typedef struct {
  Mat              F, R, E; /* the factor, the residuals, their corrections */
  PetscBool        transpose;
  const PetscReal *bnorm;
  PetscReal       *relative;
  DiniFieldNorms  *fields; /* NULL where there is one */
} DiniFactorSolve;

/* X by the factor with refinement; good[j] where the true residual of column j has met the tolerance */
static PetscErrorCode DiniRefine(Dini dini, DiniDirection direction, DiniFactorSolve *f, Mat B, Mat X, PetscInt *passes,
                                 PetscBool good[])
{
  DiniEngine e = dini->engine;
  PetscInt   n, left;
  PetscReal  worst, previous = 1.0;

  PetscFunctionBegin;
  PetscCall(MatGetSize(B, NULL, &n));
  PetscCall(MatZeroEntries(X));
  for (*passes = 1; *passes <= DINI_BLOCK_PASSES; (*passes)++) {
    if (f->transpose) {
      if (PetscDefined(USE_COMPLEX)) PetscCall(MatConjugate(f->R));
      PetscCall(MatMatSolveTranspose(f->F, f->R, f->E));
      if (PetscDefined(USE_COMPLEX)) PetscCall(MatConjugate(f->E));
    } else PetscCall(MatMatSolve(f->F, f->R, f->E));
    PetscCall(MatAXPY(X, 1.0, f->E, SAME_NONZERO_PATTERN));
    PetscCall(DiniBlockResidual(dini, direction, B, X, f->bnorm, f->R, f->fields, f->relative));
    worst = 0.0;
    left  = 0;
    for (PetscInt j = 0; j < n; j++) {
      const PetscReal relative = f->relative[j];

      good[j] = (PetscBool)(relative <= e->rtol[direction]);
      if (good[j] && f->fields) f->relative[j] = f->fields[j].relative;
      if (!good[j]) left++;
      worst = relative > worst || PetscIsInfOrNanReal(relative) ? relative : worst;
    }
    PetscCall(PetscInfo(
        dini, "Block of %" PetscInt_FMT " %s solves, pass %" PetscInt_FMT ": worst true relative residual %g\n", n,
        DiniOperations[DINI_OPERATION_TANGENT + direction], *passes, (double)worst));
    if (!left || !(worst < 0.3 * previous)) break;
    previous = worst;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniSolveFactor(Dini dini, DiniDirection direction, Mat F, PetscBool transpose, Mat B, Mat X,
                                      const PetscReal bnorm[], PetscBool good[])
{
  DiniFactorSolve f = {.F = F, .transpose = transpose, .bnorm = bnorm};
  PetscInt        n, before = dini->engine->start[direction];
  PetscLogDouble  start, end;
  DiniSolveStatus status = {0};
  PetscErrorCode  failed;

  PetscFunctionBegin;
  PetscCall(PetscTime(&start));
  PetscCall(MatGetSize(B, NULL, &n));
  PetscCall(PetscCalloc1(n, &f.relative));
  PetscCall(DiniEngineFindFields_Private(dini));
  if (dini->engine->nfields > 1) PetscCall(PetscCalloc1(n, &f.fields));
  PetscCall(MatDuplicate(B, MAT_COPY_VALUES, &f.R));
  PetscCall(MatDuplicate(B, MAT_DO_NOT_COPY_VALUES, &f.E));
  failed = DiniRefine(dini, direction, &f, B, X, &status.its, good);
  PetscCall(MatDestroy(&f.R));
  PetscCall(MatDestroy(&f.E));
  PetscCall(PetscTime(&end));
  status.its  = PetscMin(status.its, DINI_BLOCK_PASSES);
  status.rung = before ? (DiniRung)before : DINI_RUNG_KEPT;
  for (PetscInt j = 0; j < n && !failed; j++) {
    if (!good[j] || bnorm[j] == 0.0) continue;
    status.good     = PETSC_TRUE;
    status.relative = f.relative[j];
    failed          = DiniEngineRecord_Private(dini, direction, &status, (PetscReal)(end - start) / (PetscReal)n);
  }
  PetscCall(PetscFree(f.relative));
  PetscCall(PetscFree(f.fields));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same for the columns that are not multiples of others; those get a multiple of the solution, still to be verified. */
static PetscErrorCode DiniSolveDistinct(Dini dini, DiniDirection direction, Mat F, PetscBool transpose, Mat B, Mat X,
                                        const PetscReal bnorm[], PetscBool good[])
{
  PetscInt       n, distinct = 0, k = 0, *like;
  PetscScalar   *factor;
  PetscReal     *norms;
  PetscBool     *right;
  Mat            R = NULL, S = NULL;
  Vec            x      = NULL;
  PetscErrorCode failed = PETSC_SUCCESS;

  PetscFunctionBegin;
  PetscCall(MatGetSize(B, NULL, &n));
  PetscCall(PetscMalloc4(n, &like, n, &factor, n, &norms, n, &right));
  PetscCall(DiniBasisDistinct_Private(B, like, factor, &distinct));
  if (distinct == n) failed = DiniSolveFactor(dini, direction, F, transpose, B, X, bnorm, good);
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
    if (distinct) failed = DiniSolveFactor(dini, direction, F, transpose, R, S, norms, right);
    k = 0;
    for (PetscInt j = 0; j < n && !failed; j++) {
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
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* By a factorisation where there is one; alone: the columns have still to be solved, one by one and from nothing */
static PetscErrorCode DiniSolveBlock(Dini dini, DiniDirection direction, Mat B, Mat X, const PetscReal bnorm[],
                                     PetscBool good[], PetscBool *alone)
{
  const PetscLogEvent event = direction == DINI_TANGENT ? DINI_Tangent : DINI_Adjoint;
  DiniEngine          e     = dini->engine;
  PetscInt            n, iterations;
  Mat                 F      = NULL;
  PetscBool           finite = PETSC_TRUE, transpose = PETSC_FALSE;
  DiniFrozen          frozen;
  PetscErrorCode      failed;

  PetscFunctionBegin;
  *alone = PETSC_TRUE;
  PetscCall(MatGetSize(B, NULL, &n));
  for (PetscInt j = 0; j < n; j++) finite = (PetscBool)(finite && !PetscIsInfOrNanReal(bnorm[j]));
  PetscCall(DiniEngineIterations_Private(dini, &iterations));
  if (n > 1 && finite && !dini->linearsolve[direction] && !iterations) {
    PetscCall(DiniEnginePrepare_Private(dini, direction));
    PetscCall(DiniEngineReuse_Private(dini, direction));
    if (dini->reason != DINI_DIVERGED_PC_FAILED) PetscCall(DiniGetFactor(dini, direction, &F, &transpose));
  }
  if (!F) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscLogEventBegin(event, dini, 0, 0, 0));
  PetscCall(DiniFreeze_Private(e->pc, &frozen));
  failed = DiniSolveDistinct(dini, direction, F, transpose, B, X, bnorm, good);
  PetscCall(DiniThaw_Private(&frozen));
  PetscCall(failed);
  PetscCall(PetscLogEventEnd(event, dini, 0, 0, 0));
  *alone = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The norms of the columns; those far from one are divided by a unit of their own */
static PetscErrorCode DiniTakeUnits(Mat B, PetscReal bnorm[], PetscReal unit[])
{
  PetscInt n;
  Vec      b;

  PetscFunctionBegin;
  PetscCall(MatGetSize(B, NULL, &n));
  PetscCall(MatGetColumnNorms(B, NORM_2, bnorm));
  for (PetscInt j = 0; j < n; j++) {
    unit[j] = 1.0;
    if (bnorm[j] > 1e-30 && bnorm[j] < 1e100) continue;
    PetscCall(MatDenseGetColumnVec(B, j, &b));
    PetscCall(DiniNorm_Private(b, &bnorm[j]));
    unit[j] = DiniUnit_Private(bnorm[j]);
    if (unit[j] != 1.0) PetscCall(VecScale(b, 1.0 / unit[j]));
    bnorm[j] /= unit[j];
    PetscCall(MatDenseRestoreColumnVec(B, j, &b));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniReturnUnits(Dini dini, Mat B, Mat X, const PetscReal unit[])
{
  PetscInt       n;
  Vec            b, x;
  PetscErrorCode failed = PETSC_SUCCESS;

  PetscFunctionBegin;
  PetscCall(MatGetSize(X, NULL, &n));
  for (PetscInt j = 0; j < n && !failed; j++) {
    if (unit[j] == 1.0) continue;
    PetscCall(MatDenseGetColumnVec(B, j, &b));
    PetscCall(VecScale(b, unit[j]));
    PetscCall(MatDenseRestoreColumnVec(B, j, &b));
    PetscCall(MatDenseGetColumnVec(X, j, &x));
    failed = DiniScaleBack_Private(dini, unit[j], x, "A column of the result");
    PetscCall(MatDenseRestoreColumnVec(X, j, &x));
  }
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  A X = B for dense B and X with the layout of the state in their rows; good[j] tells whether column j is right, and the
  others are NaN. B is put back. Without DiniSetErrorIfNotConverged(dini, PETSC_FALSE) a column that fails is an error.
*/
PetscErrorCode DiniEngineMatSolve_Private(Dini dini, DiniDirection direction, Mat B, Mat X, PetscBool good[])
{
  PetscInt       n;
  PetscReal     *bnorm, *unit;
  PetscBool      alone;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(DiniJacobianStays_Private(dini, &alone));
  if (alone) PetscCall(DiniLinearize_Private(dini));
  dini->reason = DINI_CONVERGED_ITERATING; /* what an earlier solve has come to is not asked here */
  PetscCall(MatGetSize(B, NULL, &n));
  PetscCall(PetscMalloc2(n, &bnorm, n, &unit));
  PetscCall(DiniTakeUnits(B, bnorm, unit));
  failed = DiniSolveBlock(dini, direction, B, X, bnorm, good, &alone);
  if (!failed) failed = DiniSolveColumns(dini, direction, B, X, (PetscBool)!alone, good);
  if (!failed) failed = DiniReturnUnits(dini, B, X, unit);
  PetscCall(PetscFree2(bnorm, unit));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}
