/* Coloured differences by fields: entries that rounding hides, at longer steps: dinilost.c */
#include "../private/dinicoloringimpl.h"

/* The entries of a matrix by row fields and column fields */
typedef struct {
  PetscInt       nrow, ncol;
  unsigned char *row, *own; /* fields of the rows, and of the columns owned here */
  PetscInt      *col;       /* of the columns seen here */
  PetscReal     *h, *size;  /* their steps, and what they are measured by */
  PetscReal     *sums;
  PetscBool     *lost; /* by row field and column field */
  DiniEntry     *entries;
} DiniBlocks;

static PetscErrorCode DiniBlocksDestroy(DiniBlocks *b)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(b->row));
  PetscCall(PetscFree(b->own));
  PetscCall(PetscFree3(b->col, b->h, b->size));
  PetscCall(PetscFree2(b->sums, b->lost));
  PetscCall(PetscFree(b->entries));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Fields of a state, components of the block size of a parameter */
static PetscErrorCode DiniBlocksColumns(Dini dini, DiniColoring c, Vec point, DiniBlocks *b)
{
  PetscInt bs;

  PetscFunctionBegin;
  if (point == dini->u) {
    b->ncol = b->nrow;
    PetscCall(PetscMalloc1(c->ncols, &b->own));
    PetscCall(PetscArraycpy(b->own, b->row, c->ncols));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(VecGetBlockSize(point, &bs));
  b->ncol = bs >= 1 && bs <= DINI_MAX_FIELDS ? bs : 1;
  PetscCall(PetscMalloc1(c->ncols, &b->own));
  for (PetscInt j = 0; j < c->ncols; j++) b->own[j] = (unsigned char)(j % b->ncol);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What belongs to the columns to whoever has rows of them */
static PetscErrorCode DiniBlocksGhosts(DiniColoring c, DiniBlocks *b)
{
  const PetscScalar *ghosts;
  PetscScalar       *a;
  PetscInt           n;

  PetscFunctionBegin;
  PetscCall(VecGetLocalSize(c->ghostw, &n));
  PetscCall(PetscMalloc3(n, &b->col, n, &b->h, n, &b->size));
  for (int what = 0; what < 2; what++) {
    PetscCall(VecGetArrayWrite(c->one, &a));
    for (PetscInt j = 0; j < c->ncols; j++)
      a[j] = what ? (PetscReal)b->own[j] : c->columns[j].kept ? c->columns[j].used : 0.0;
    PetscCall(VecRestoreArrayWrite(c->one, &a));
    PetscCall(DiniColoringToGhosts_Private(c, c->ghostw));
    PetscCall(VecGetArrayRead(c->ghostw, &ghosts));
    for (PetscInt g = 0; g < n; g++) {
      if (what) b->col[g] = (PetscInt)PetscRealPart(ghosts[g]);
      else b->h[g] = PetscAbsScalar(ghosts[g]);
    }
    PetscCall(VecRestoreArrayRead(c->ghostw, &ghosts));
  }
  PetscCall(VecGetArrayRead(c->ghostsize, &ghosts));
  for (PetscInt g = 0; g < n; g++) b->size[g] = PetscAbsScalar(ghosts[g]);
  PetscCall(VecRestoreArrayRead(c->ghostsize, &ghosts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniBlocksCreate(Dini dini, DiniColoring c, Vec point, DiniBlocks *b)
{
  PetscFunctionBegin;
  PetscCall(DiniBlocksColumns(dini, c, point, b));
  PetscCall(DiniBlocksGhosts(c, b));
  PetscCall(PetscMalloc2(3 * b->nrow * b->ncol, &b->sums, b->nrow * b->ncol, &b->lost));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Only where some of them are lost: they take more room than the matrix */
static PetscErrorCode DiniBlocksEntries(DiniColoring c, DiniBlocks *b)
{
  const PetscInt nnz = c->rowptr[c->nrows];

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(nnz, &b->entries));
  for (PetscInt k = 0; k < nnz; k++) DiniEntryStart_Private(c->rowsizes[c->row[k]], b->h[c->ghost[k]], &b->entries[k]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscInt DiniFieldBlock(DiniColoring c, const DiniBlocks *b, PetscInt k)
{
  return (PetscInt)b->row[c->row[k]] * b->ncol + b->col[c->ghost[k]];
}

/* What the blocks are known to; one reduction */
static PetscErrorCode DiniBlocksSum(Dini dini, DiniColoring c, DiniBlocks *b, PetscReal *worst, PetscBool *any)
{
  const PetscInt n = b->nrow * b->ncol;

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(b->sums, 3 * n));
  for (PetscInt k = 0; k < c->rowptr[c->nrows]; k++) {
    const PetscReal row = c->rowsizes[c->row[k]];
    DiniEntry       e;

    if (b->entries) e = b->entries[k];
    else DiniEntryStart_Private(row, b->h[c->ghost[k]], &e);
    DiniLostAdd_Private(&b->sums[3 * (size_t)DiniFieldBlock(c, b, k)], PetscAbsScalar(c->values[k]), e.error, row,
                        b->size[c->ghost[k]]);
  }
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, b->sums, (PetscMPIInt)(3 * n), MPIU_REAL, MPIU_SUM,
                           PetscObjectComm((PetscObject)dini)));
  *worst = 0.0;
  *any   = PETSC_FALSE;
  for (PetscInt i = 0; i < n; i++) {
    *worst     = PetscMax(*worst, DiniLost_Private(&b->sums[3 * (size_t)i]));
    b->lost[i] = DiniIsLost_Private(&b->sums[3 * (size_t)i]);
    if (b->lost[i]) *any = PETSC_TRUE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Columns with entries in a block that is lost, at so many times their steps; *any on any rank, and the colours */
static PetscErrorCode DiniBlocksRound(Dini dini, DiniColoring c, const DiniBlocks *b, PetscReal factor,
                                      PetscInt active[], PetscBool *any)
{
  PetscFunctionBegin;
  for (PetscInt j = 0; j < c->ncols; j++) {
    PetscBool lost = PETSC_FALSE;

    for (PetscInt f = 0; f < b->nrow; f++)
      if (b->lost[f * b->ncol + b->own[j]]) lost = PETSC_TRUE;
    c->columns[j].pending = PETSC_FALSE;
    if (lost) (void)DiniColumnLonger_Private(&c->columns[j], factor);
  }
  PetscCall(DiniColoringRound_Private(dini, c, active));
  *any = PETSC_FALSE;
  for (PetscInt q = 0; q < c->ncolors; q++)
    if (active[q]) *any = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Entry by entry; *any: some value is another one now, on any rank */
static PetscErrorCode DiniBlocksTake(Dini dini, DiniColoring c, DiniBlocks *b, PetscBool *any)
{
  const PetscScalar *h;
  PetscBool          mine = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(c->ghosth, &h));
  for (PetscInt k = 0; k < c->rowptr[c->nrows]; k++) {
    DiniEntry *e = &b->entries[k];

    if (h[c->ghost[k]] == 0.0 || e->stopped || !b->lost[DiniFieldBlock(c, b, k)]) continue;
    if (c->second[k] < 0.0) e->stopped = PETSC_TRUE; /* NaN */
    else if (DiniEntryFarther_Private(e, PetscAbsScalar(c->tried[k] - c->values[k]))) {
      c->values[k] = c->tried[k];
      mine         = PETSC_TRUE;
    }
  }
  PetscCall(VecRestoreArrayRead(c->ghosth, &h));
  PetscCall(MPIU_Allreduce(&mine, any, 1, DINI_MPI_BOOL, MPI_LOR, PetscObjectComm((PetscObject)dini)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniColoringFind(Dini dini, DiniColoring c, DiniScheme *scheme, DiniBlocks *b, PetscInt active[])
{
  PetscBool any, bad = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(DiniBlocksSum(dini, c, b, &scheme->lost, &any));
  if (!any || !scheme->judged) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniBlocksEntries(c, b));
  PetscCall(PetscInfo(dini, "Differences in %s are lost in rounding to a relative %g in a field\n", scheme->what,
                      (double)scheme->lost));
  for (PetscReal factor = DINI_STEP_FACTOR; any; factor *= DINI_STEP_FACTOR) {
    PetscCall(DiniBlocksRound(dini, c, b, factor, active, &any));
    if (!any) break;
    for (PetscInt q = 0; q < c->ncolors; q++)
      if (active[q]) PetscCall(DiniColoringColor_Private(dini, c, scheme, q, &bad, NULL, NULL));
    PetscCall(DiniBlocksTake(dini, c, b, &any));
  }
  for (PetscInt j = 0; j < c->ncols; j++) c->columns[j].pending = PETSC_FALSE;
  PetscCall(DiniBlocksSum(dini, c, b, &scheme->lost, &any));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the entries of the fill are known to, where a field is lost by more than DINI_DOUBTFUL */
static PetscErrorCode DiniBlocksErrors(DiniColoring c, const DiniBlocks *b, PetscReal lost)
{
  const PetscInt nnz = c->rowptr[c->nrows];

  PetscFunctionBegin;
  PetscCall(PetscFree(c->errors));
  if (!(lost > DINI_DOUBTFUL) || !b->entries) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(nnz, &c->errors));
  for (PetscInt k = 0; k < nnz; k++) c->errors[k] = c->values[k] != (PetscScalar)0.0 ? b->entries[k].error : 0.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = E x with E of the size of what the entries are off by; *any: on all ranks, is there such a thing? */
PetscErrorCode DiniColoringErrors_Private(DiniColoring c, Vec x, Vec y, PetscBool *any)
{
  const PetscScalar *ghosts;
  PetscScalar       *a;

  PetscFunctionBegin;
  *any = (PetscBool)(c->lost > DINI_DOUBTFUL);
  if (!*any) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecCopy(x, c->one));
  PetscCall(DiniColoringToGhosts_Private(c, c->ghostw));
  PetscCall(VecGetArrayRead(c->ghostw, &ghosts));
  PetscCall(VecGetArrayWrite(y, &a));
  for (PetscInt r = 0; r < c->nrows; r++) {
    a[r] = 0.0;
    for (PetscInt k = c->rowptr[r]; k < c->rowptr[r + 1] && c->errors; k++) a[r] += c->errors[k] * ghosts[c->ghost[k]];
  }
  PetscCall(VecRestoreArrayWrite(y, &a));
  PetscCall(VecRestoreArrayRead(c->ghostw, &ghosts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* After a fill has been verified: scheme->lost, which costs residuals where fields are lost only */
PetscErrorCode DiniColoringLost_Private(Dini dini, DiniColoring c, DiniScheme *scheme, Vec point, PetscInt active[])
{
  DiniBlocks     b      = {0};
  PetscErrorCode failed = PETSC_SUCCESS;

  PetscFunctionBegin;
  PetscCall(DiniEngineSaidFields_Private(dini->engine, scheme->judged, &b.nrow, &b.row));
  if (b.nrow > 1 || !scheme->judged) { /* else the columns know */
    PetscCall(DiniBlocksCreate(dini, c, point, &b));
    failed = DiniColoringFind(dini, c, scheme, &b, active);
    if (!failed) failed = DiniBlocksErrors(c, &b, scheme->lost);
  }
  PetscCall(DiniBlocksDestroy(&b));
  PetscCall(failed);
  PetscCall(PetscInfo(dini, "Differences in %s are good to %g by fields\n", scheme->what, (double)scheme->lost));
  PetscFunctionReturn(PETSC_SUCCESS);
}
