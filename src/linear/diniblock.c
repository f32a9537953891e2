/*
  Many right-hand sides at once, with a factorisation: block solves of the columns that are not multiples of others, refined
  together by the true residuals.
*/
#include "../private/diniengineimpl.h"
#include <petsctime.h>

#define DINI_BLOCK_PASSES 6

/* The factor that single solves would use now, and whether its transpose; NULL when they use none, or none for blocks */
static PetscErrorCode DiniGetFactor(DiniEngine e, DiniDirection direction, Mat *F, PetscBool *transpose)
{
  PC        pc = e->pc;
  KSP       ksp;
  PetscBool own, factored, failed, plain, takes;

  PetscFunctionBegin;
  *F         = NULL;
  *transpose = (PetscBool)(direction == DINI_ADJOINT && !e->symmetric);
  PetscCall(DiniEngineOwnsPC_Private(e, direction, &own));
  PetscCall(DiniEngineTakesPlain_Private(e, &plain));
  if (!plain || e->null[0] || e->singular[0] || (own && direction == DINI_TANGENT)) PetscFunctionReturn(PETSC_SUCCESS);
  if (e->start[direction] == DINI_RUNG_DIRECT) {
    PetscCall(DiniEngineSetUpDirect_Private(e, &failed));
    if (failed) PetscFunctionReturn(PETSC_SUCCESS);
    pc = e->direct;
  } else if (direction == DINI_ADJOINT &&
             (own || e->transpose == DINI_TRANSPOSE_EXPLICIT || e->start[direction] == DINI_RUNG_EXPLICIT)) {
    PetscCall(DiniEngineGetCompanion_Private(e, &ksp));
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
static PetscErrorCode DiniBlockResidual(DiniEngine e, DiniDirection direction, Mat B, Mat X, const PetscReal bnorm[],
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
    failed = DiniEngineMult_Private(e, direction, x, r);
    if (!failed) PetscCall(VecAYPX(r, -1.0, b));
    if (!failed && fields) failed = DiniEngineJudge_Private(e, direction, b, x, r, &fields[j], &relative[j], NULL);
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
static PetscErrorCode DiniRefine(DiniEngine e, DiniDirection direction, DiniFactorSolve *f, Mat B, Mat X,
                                 PetscInt *passes, PetscBool good[])
{
  PetscInt  n, left;
  PetscReal worst, previous = 1.0;

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
    PetscCall(DiniBlockResidual(e, direction, B, X, f->bnorm, f->R, f->fields, f->relative));
    worst = 0.0;
    left  = 0;
    for (PetscInt j = 0; j < n; j++) {
      const PetscReal relative = f->relative[j];

      good[j] = (PetscBool)(relative <= e->rtol[direction]);
      if (good[j] && f->fields) f->relative[j] = f->fields[j].relative;
      if (!good[j]) left++;
      worst = relative > worst || PetscIsInfOrNanReal(relative) ? relative : worst;
    }
    PetscCall(
        PetscInfo(e, "Block of %" PetscInt_FMT " %s solves, pass %" PetscInt_FMT ": worst true relative residual %g\n",
                  n, DiniOperations[DINI_OPERATION_TANGENT + direction], *passes, (double)worst));
    if (!left || !(worst < 0.3 * previous)) break;
    previous = worst;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniSolveFactor(DiniEngine e, DiniDirection direction, Mat F, PetscBool transpose, Mat B, Mat X,
                                      const PetscReal bnorm[], PetscBool good[])
{
  DiniFactorSolve f = {.F = F, .transpose = transpose, .bnorm = bnorm};
  PetscInt        n, before = e->start[direction];
  PetscLogDouble  start, end;
  DiniSolveResult status = {0};
  PetscErrorCode  failed;

  PetscFunctionBegin;
  PetscCall(PetscTime(&start));
  PetscCall(MatGetSize(B, NULL, &n));
  PetscCall(PetscCalloc1(n, &f.relative));
  PetscCall(DiniEngineFindFields_Private(e));
  if (e->nfields > 1) PetscCall(PetscCalloc1(n, &f.fields));
  PetscCall(MatDuplicate(B, MAT_COPY_VALUES, &f.R));
  PetscCall(MatDuplicate(B, MAT_DO_NOT_COPY_VALUES, &f.E));
  failed = DiniRefine(e, direction, &f, B, X, &status.its, good);
  PetscCall(MatDestroy(&f.R));
  PetscCall(MatDestroy(&f.E));
  PetscCall(PetscTime(&end));
  status.its  = PetscMin(status.its, DINI_BLOCK_PASSES);
  status.rung = before ? (DiniRung)before : DINI_RUNG_KEPT;
  for (PetscInt j = 0; j < n && !failed; j++) {
    if (!good[j] || bnorm[j] == 0.0) continue;
    status.good     = PETSC_TRUE;
    status.relative = f.relative[j];
    status.kind     = DiniEngineKind_Private(e, &status);
    if (e->up.monitor)
      failed = (*e->up.monitor)(e->up.ctx, direction, &status, (PetscReal)(end - start) / (PetscReal)n);
  }
  PetscCall(PetscFree(f.relative));
  PetscCall(PetscFree(f.fields));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same for the columns that are not multiples of others; those get a multiple of the solution, still to be verified. */
static PetscErrorCode DiniSolveDistinct(DiniEngine e, DiniDirection direction, Mat F, PetscBool transpose, Mat B, Mat X,
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
  PetscCall(DiniSpanDistinct_Private(B, like, factor, &distinct));
  if (distinct == n) failed = DiniSolveFactor(e, direction, F, transpose, B, X, bnorm, good);
  else {
    PetscCall(VecDuplicate(e->b, &x));
    PetscCall(MatCreateDense(PetscObjectComm((PetscObject)e), e->n, PETSC_DECIDE, e->N, distinct, NULL, &R));
    PetscCall(MatDuplicate(R, MAT_DO_NOT_COPY_VALUES, &S));
    for (PetscInt j = 0; j < n; j++) {
      if (like[j] != j) continue;
      PetscCall(DiniGetColumn_Private(B, j, x));
      PetscCall(DiniSetColumn_Private(R, k, PETSC_FALSE, x));
      norms[k++] = bnorm[j];
    }
    if (distinct) failed = DiniSolveFactor(e, direction, F, transpose, R, S, norms, right);
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
PetscErrorCode DiniEngineBlockSolve_Private(DiniEngine e, DiniDirection direction, Mat B, Mat X,
                                            const PetscReal bnorm[], PetscBool good[], PetscBool *alone)
{
  Mat            F         = NULL;
  PetscBool      transpose = PETSC_FALSE;
  DiniFrozen     frozen;
  PetscErrorCode failed;

  PetscFunctionBegin;
  *alone      = PETSC_TRUE;
  e->pcfailed = PETSC_FALSE;
  PetscCall(DiniEnginePrepare_Private(e, direction));
  PetscCall(DiniEngineReuse_Private(e, direction));
  if (!e->pcfailed) PetscCall(DiniGetFactor(e, direction, &F, &transpose));
  if (!F) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniFreeze_Private(e->pc, &frozen));
  failed = DiniSolveDistinct(e, direction, F, transpose, B, X, bnorm, good);
  PetscCall(DiniThaw_Private(&frozen));
  PetscCall(failed);
  *alone = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}
