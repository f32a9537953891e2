/*
  Many right-hand sides at once.

  With a factorisation at hand the engine solves a block of them; whatever column is not good enough after that is solved for by
  itself, from where the block has brought it. Without: column by column, each from the best combination of the columns before
  it, so that equal and parallel ones cost a product and no iteration.
*/
#include "../private/diniimpl.h"

/* Each column by itself, from a guess: of the block solve (good: nothing left to do), or, with a basis, of those before it */
static PetscErrorCode DiniEachColumn(Dini dini, DiniDirection direction, Mat B, Mat X, DiniSpan *basis, Vec b, Vec x,
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
    if (basis) PetscCall(DiniSpanGuess_Private(basis, X, j, x, &guess));
    else {
      PetscCall(DiniGetColumn_Private(X, j, x));
      guess = PETSC_TRUE;
    }
    PetscCall(DiniLinearSolveGuess_Private(dini, direction, b, x, guess, &good[j]));
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
  DiniSpan       basis;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(VecDuplicate(dini->u, &b));
  PetscCall(VecDuplicate(dini->u, &x));
  if (!fromblock) PetscCall(DiniSpanCreate_Private(B, &basis));
  failed = DiniEachColumn(dini, direction, B, X, fromblock ? NULL : &basis, b, x, good);
  if (!fromblock) PetscCall(DiniSpanDestroy_Private(&basis));
  PetscCall(VecDestroy(&b));
  PetscCall(VecDestroy(&x));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* By a factorisation where there is one; alone: the columns have still to be solved, one by one and from nothing */
static PetscErrorCode DiniSolveBlock(Dini dini, DiniDirection direction, Mat B, Mat X, const PetscReal bnorm[],
                                     PetscBool good[], PetscBool *alone)
{
  const PetscLogEvent event = direction == DINI_TANGENT ? DINI_Tangent : DINI_Adjoint;
  DiniEngine          e;
  PetscInt            n, iterations;
  PetscBool           finite = PETSC_TRUE;

  PetscFunctionBegin;
  *alone = PETSC_TRUE;
  PetscCall(MatGetSize(B, NULL, &n));
  for (PetscInt j = 0; j < n; j++) finite = (PetscBool)(finite && !PetscIsInfOrNanReal(bnorm[j]));
  PetscCall(DiniIterations_Private(dini, &iterations));
  if (n < 2 || !finite || dini->linearsolve[direction] || iterations) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniLinear_Private(dini, &e));
  PetscCall(PetscLogEventBegin(event, dini, 0, 0, 0));
  PetscCall(DiniEngineBlockSolve_Private(e, direction, B, X, bnorm, good, alone));
  PetscCall(PetscLogEventEnd(event, dini, 0, 0, 0));
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
PetscErrorCode DiniLinearMatSolve_Private(Dini dini, DiniDirection direction, Mat B, Mat X, PetscBool good[])
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
