/* Coloured differences held against one at half their steps, and the columns of rows that disagree at others: dinirefine.c */
#include "../private/dinicoloringimpl.h"

/* c->one = where the columns move to, and their images in c->ghosth */
PetscErrorCode DiniColoringProbe_Private(DiniColoring c, Vec point)
{
  PetscScalar *a;
  PetscInt     first;

  PetscFunctionBegin;
  PetscCall(VecGetOwnershipRange(point, &first, NULL));
  PetscCall(VecGetArrayWrite(c->one, &a));
  for (PetscInt j = 0; j < c->ncols; j++) a[j] = DiniColumnProbe_Private(&c->columns[j], first + j);
  PetscCall(VecRestoreArrayWrite(c->one, &a));
  PetscCall(DiniColoringToGhosts_Private(c, c->ghosth));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What rows miss; c->ghostw: 1 for columns of rows that miss too much; worst: of all ranks */
static PetscErrorCode DiniColoringMisses(Dini dini, DiniColoring c, Vec point, PetscReal *worst)
{
  const PetscScalar *found, *d;
  PetscScalar       *suspects;
  PetscBool          finite;

  PetscFunctionBegin;
  PetscCall(VecSet(c->ghostw, 0.0));
  PetscCall(DiniColoringProbe_Private(c, point));
  PetscCall(DiniProbe_Private(dini, c->scheme, c->one, &finite));
  *worst = 0.0;
  if (!finite) PetscFunctionReturn(PETSC_SUCCESS); /* the columns move out of F's domain together */
  PetscCall(VecGetArrayRead(dini->w[1], &found));
  PetscCall(VecGetArrayRead(c->ghosth, &d));
  PetscCall(VecGetArray(c->ghostw, &suspects));
  for (PetscInt r = 0; r < c->nrows; r++) {
    PetscScalar expected = 0.0;
    PetscReal   size     = 0.0, miss;

    for (PetscInt k = c->rowptr[r]; k < c->rowptr[r + 1]; k++) {
      expected += c->values[k] * d[c->ghost[k]];
      size += PetscAbsScalar(c->values[k] * d[c->ghost[k]]);
    }
    if (!(c->rowsizes[r] > 0.0)) continue;
    miss   = DiniProbeRow_Private(expected, found[r], size, c->rowsizes[r]);
    *worst = PetscMax(*worst, miss);
    if (miss <= DINI_CLOSE) continue;
    for (PetscInt k = c->rowptr[r]; k < c->rowptr[r + 1]; k++) suspects[c->ghost[k]] = 1.0;
  }
  PetscCall(VecRestoreArray(c->ghostw, &suspects));
  PetscCall(VecRestoreArrayRead(c->ghosth, &d));
  PetscCall(VecRestoreArrayRead(dini->w[1], &found));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, worst, 1, MPIU_REAL, MPIU_MAX, PetscObjectComm((PetscObject)dini)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Columns that are to be taken again, first by shorter steps, in a second pass by longer ones: those of the rows that miss, and
  those that F hardly moves with; *any on any rank
*/
static PetscErrorCode DiniColoringSuspects(Dini dini, DiniColoring c, int pass, PetscReal misses, PetscBool *any)
{
  const PetscScalar *suspect;
  PetscBool          mine = PETSC_FALSE;

  PetscFunctionBegin;
  if (misses > DINI_CLOSE) {
    PetscCall(VecSet(c->one, 0.0));
    PetscCall(VecScatterBegin(c->scatter, c->ghostw, c->one, ADD_VALUES, SCATTER_REVERSE));
    PetscCall(VecScatterEnd(c->scatter, c->ghostw, c->one, ADD_VALUES, SCATTER_REVERSE));
    PetscCall(VecGetArrayRead(c->one, &suspect));
    for (PetscInt j = 0; j < c->ncols; j++) {
      DiniColumn *column = &c->columns[j];

      if (!(PetscRealPart(suspect[j]) > 0.0) || !column->kept || column->usedformula != DINI_FORMULA_CENTRAL) continue;
      if (!pass) DiniColumnSuspect_Private(column);
      else if (!DiniColumnFar_Private(column, 0.1 * misses, misses)) continue;
      mine = PETSC_TRUE;
    }
    PetscCall(VecRestoreArrayRead(c->one, &suspect));
  }
  for (PetscInt j = 0; j < c->ncols && !pass; j++)
    if (DiniColumnInsensitive_Private(&c->columns[j])) mine = PETSC_TRUE;
  PetscCall(MPIU_Allreduce(&mine, any, 1, DINI_MPI_BOOL, MPI_LOR, PetscObjectComm((PetscObject)dini)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The columns of a round by how far they are from what has been kept; c->one: 1 where the new values take its place */
static PetscErrorCode DiniColoringRefine(Dini dini, DiniColoring c, PetscBool *any, PetscBool *changed)
{
  const PetscScalar *sum;
  PetscScalar       *keep;
  PetscReal         *sums[3];
  PetscBool          mine[2] = {PETSC_FALSE, PETSC_FALSE}, all[2];

  PetscFunctionBegin;
  PetscCall(PetscMalloc3(c->ncols, &sums[0], c->ncols, &sums[1], c->ncols, &sums[2]));
  for (int what = 0; what < 3; what++) {
    PetscCall(DiniColoringSum_Private(c, (DiniSum)((int)DINI_SUM_APART + what)));
    PetscCall(VecGetArrayRead(c->one, &sum));
    for (PetscInt j = 0; j < c->ncols; j++) sums[what][j] = PetscRealPart(sum[j]);
    PetscCall(VecRestoreArrayRead(c->one, &sum));
  }
  PetscCall(VecGetArrayWrite(c->one, &keep));
  for (PetscInt j = 0; j < c->ncols; j++) {
    const PetscReal apart = DiniApart_Private(sums[0][j], sums[1][j]);

    keep[j] = 0.0;
    if (!c->columns[j].pending) continue;
    if (DiniColumnRefine_Private(&c->columns[j], apart, (PetscBool)(sums[2][j] > 0.0))) {
      keep[j] = 1.0;
      mine[1] = PETSC_TRUE;
    }
    if (c->columns[j].pending) mine[0] = PETSC_TRUE;
  }
  PetscCall(VecRestoreArrayWrite(c->one, &keep));
  PetscCall(PetscFree3(sums[0], sums[1], sums[2]));
  PetscCall(MPIU_Allreduce(mine, all, 2, DINI_MPI_BOOL, MPI_LOR, PetscObjectComm((PetscObject)dini)));
  *any = all[0];
  if (all[1]) *changed = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The worst column of all ranks: its error, and what an error message tells of it */
static PetscErrorCode DiniColoringWorst(Dini dini, DiniColoring c, DiniScheme *scheme, Vec point)
{
  MPI_Comm           comm = PetscObjectComm((PetscObject)dini);
  const PetscScalar *v;
  PetscInt           first, worst = -1, entry;

  PetscFunctionBegin;
  scheme->error = 0.0;
  for (PetscInt j = 0; j < c->ncols; j++) {
    const DiniColumn *column = &c->columns[j];

    if (!column->kept || !(column->error > scheme->error)) continue;
    scheme->error = column->error;
    worst         = j;
  }
  scheme->worst.error = scheme->error;
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &scheme->error, 1, MPIU_REAL, MPIU_MAX, comm));
  if (!(scheme->error > DINI_ROUGH)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecGetOwnershipRange(point, &first, NULL));
  entry = worst >= 0 && scheme->worst.error == scheme->error ? first + worst : -1;
  PetscCall(MPIU_Allreduce(&entry, &scheme->worst.entry, 1, MPIU_INT, MPI_MAX, comm));
  scheme->worst.value = scheme->worst.h = scheme->worst.search = 0.0;
  if (entry == scheme->worst.entry) {
    PetscCall(VecGetArrayRead(point, &v));
    scheme->worst.value = PetscRealPart(v[worst]);
    PetscCall(VecRestoreArrayRead(point, &v));
    scheme->worst.h      = c->columns[worst].used;
    scheme->worst.search = (PetscReal)c->columns[worst].search;
  }
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &scheme->worst.value, 3, MPIU_REAL, MPIU_SUM, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* After the rounds of a fill at the point. Two residuals, where nothing is amiss */
PetscErrorCode DiniColoringVerify_Private(Dini dini, DiniColoring c, DiniScheme *scheme, Vec point, PetscInt active[])
{
  PetscBool any = scheme->judged, bad = PETSC_FALSE, changed = PETSC_FALSE;
  PetscReal misses;

  PetscFunctionBegin;
  c->scheme = scheme;
  PetscCall(DiniColoringRowSizes_Private(c, scheme));
  PetscCall(DiniColoringMisses(dini, c, point, &misses));
  for (int pass = 0; pass < 2 && any && !changed; pass++) { /* the second one where nothing has helped */
    PetscCall(DiniColoringSuspects(dini, c, pass, misses, &any));
    if (!any) break;
    PetscCall(PetscInfo(dini, "Differences in %s miss one at half their steps by %g\n", scheme->what, (double)misses));
    for (PetscBool more = PETSC_TRUE; more;) {
      PetscCall(DiniColoringRound_Private(dini, c, active));
      for (PetscInt q = 0; q < c->ncolors; q++)
        if (active[q]) PetscCall(DiniColoringColor_Private(dini, c, scheme, q, &bad, NULL, NULL));
      PetscCall(DiniColoringRefine(dini, c, &more, &changed));
      PetscCall(DiniColoringKeep_Private(c));
    }
    PetscCall(DiniColoringMisses(dini, c, point, &misses));
  }
  PetscCall(DiniColoringWorst(dini, c, scheme, point));
  scheme->missed = misses;
  PetscCall(DiniColoringLost_Private(dini, c, scheme, point, active));
  PetscCall(PetscInfo(dini, "Differences in %s are good to %g by columns, and rows to %g\n", scheme->what,
                      (double)scheme->error, (double)scheme->missed));
  PetscFunctionReturn(PETSC_SUCCESS);
}
