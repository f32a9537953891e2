/*
  Coloured differences, in rounds: all columns first, then those whose step was not good, see dinisteps.c, colours without such
  columns left out. What a column has seen is summed over its rows, wherever they are, and judged by the rank that owns it.
*/
#include "../private/dinicoloringimpl.h"

/* h_j = step size_j, so that v_j + h_j is exact in floating point; or the steps that the point has found */
static PetscErrorCode DiniColoringStart(Dini dini, DiniColoring c, const DiniScheme *scheme, Vec point)
{
  const PetscScalar *v;
  PetscReal         *sizes;

  PetscFunctionBegin;
  if (dini->beside && c->point == dini->point) {
    for (PetscInt j = 0; j < c->ncols; j++) {
      const signed char formula = c->columns[j].usedformula;

      DiniColumnStart_Private(scheme, c->columns[j].used, c->columns[j].own, &c->columns[j]);
      c->columns[j].formula = formula;
    }
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscMalloc1(c->ncols, &sizes));
  PetscCall(DiniSizes_Private(point, scheme->nought, sizes));
  PetscCall(VecGetArrayRead(point, &v));
  for (PetscInt j = 0; j < c->ncols; j++)
    DiniColumnStart_Private(scheme, DiniExactStep_Private(v[j], scheme->step * sizes[j]), PetscAbsScalar(v[j]),
                            &c->columns[j]);
  PetscCall(VecRestoreArrayRead(point, &v));
  PetscCall(PetscFree(sizes));
  c->point = dini->point;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniColoringToGhosts_Private(DiniColoring c, Vec ghosts)
{
  PetscFunctionBegin;
  PetscCall(VecScatterBegin(c->scatter, c->one, ghosts, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(c->scatter, c->one, ghosts, INSERT_VALUES, SCATTER_FORWARD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Steps and formulas of the round to whoever has rows of the columns; active: which colours it takes */
PetscErrorCode DiniColoringRound_Private(Dini dini, DiniColoring c, PetscInt active[])
{
  PetscScalar *a;

  PetscFunctionBegin;
  for (PetscInt q = 0; q < c->ncolors; q++) active[q] = 0;
  PetscCall(VecGetArrayWrite(c->one, &a));
  for (PetscInt j = 0; j < c->ncols; j++) {
    a[j] = c->columns[j].pending ? c->columns[j].h : 0.0;
    if (c->columns[j].pending) active[c->own[j]] = 1 + (c->columns[j].formula == DINI_FORMULA_ONESIDED);
  }
  PetscCall(VecRestoreArrayWrite(c->one, &a));
  PetscCall(DiniColoringToGhosts_Private(c, c->ghosth));
  PetscCall(VecGetArrayWrite(c->one, &a));
  for (PetscInt j = 0; j < c->ncols; j++) a[j] = (PetscReal)c->columns[j].formula;
  PetscCall(VecRestoreArrayWrite(c->one, &a));
  PetscCall(DiniColoringToGhosts_Private(c, c->ghostformula));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, active, (PetscMPIInt)c->ncolors, MPIU_INT, MPI_MAX,
                           PetscObjectComm((PetscObject)dini)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Largest |f| of all rows, and of those that the pattern does not couple with colour q; entries of a colour go by rows */
static PetscErrorCode DiniColoringStray(DiniColoring c, PetscInt q, const PetscScalar one[], const PetscScalar two[],
                                        PetscReal *all, PetscReal *stray)
{
  PetscInt i = c->colorptr[q];

  PetscFunctionBegin;
  for (PetscInt r = 0; r < c->nrows; r++) {
    const PetscReal size = PetscAbsScalar(one[r] - (two ? two[r] : 0.0));
    const PetscBool seen = (PetscBool)(i < c->colorptr[q + 1] && c->row[c->nz[i]] == r);

    if (seen) i++; /* a row has one entry of a colour at most */
    if (PetscIsInfOrNanReal(size)) continue;
    *all = PetscMax(*all, size);
    if (!seen) *stray = PetscMax(*stray, size);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Entries of colour q that the round takes, from F in w[1] and w[0]; nan: by entry, counted */
static PetscErrorCode DiniColoringEntries(Dini dini, DiniColoring c, const DiniScheme *scheme, PetscInt q,
                                          PetscInt nan[2], PetscReal *all, PetscReal *stray)
{
  const PetscScalar *one, *two, *base = NULL, *h, *formula;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(dini->w[1], &one));
  PetscCall(VecGetArrayRead(dini->w[0], &two));
  PetscCall(VecGetArrayRead(c->ghosth, &h));
  PetscCall(VecGetArrayRead(c->ghostformula, &formula));
  if (scheme->base) PetscCall(VecGetArrayRead(scheme->base, &base));
  for (PetscInt i = c->colorptr[q]; i < c->colorptr[q + 1]; i++) {
    const PetscInt k = c->nz[i], g = c->ghost[k], r = c->row[k];
    DiniColumn     column;
    PetscScalar    second;
    int            bad;

    if (h[g] == 0.0) continue;
    column.h       = PetscRealPart(h[g]);
    column.formula = (signed char)PetscRealPart(formula[g]);
    bad            = PetscIsInfOrNanScalar(one[r]) ? 1 : 0;
    if (column.formula != DINI_FORMULA_FORWARD && PetscIsInfOrNanScalar(two[r])) bad += 2;
    nan[0] += bad & 1;
    nan[1] += bad >> 1;
    c->tried[k]  = bad ? 0.0 : DiniColumnValue_Private(&column, one[r], two[r], base ? base[r] : 0.0, &second);
    c->second[k] = bad ? -(PetscReal)bad : PetscAbsScalar(second);
  }
  if (all) PetscCall(DiniColoringStray(c, q, one, scheme->formula == DINI_FORMULA_FORWARD ? base : two, all, stray));
  if (scheme->base) PetscCall(VecRestoreArrayRead(scheme->base, &base));
  PetscCall(VecRestoreArrayRead(c->ghostformula, &formula));
  PetscCall(VecRestoreArrayRead(c->ghosth, &h));
  PetscCall(VecRestoreArrayRead(dini->w[0], &two));
  PetscCall(VecRestoreArrayRead(dini->w[1], &one));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* NaN in rows that no column of the colour is in: a residual that has failed as a whole, so all of them are to blame */
static PetscErrorCode DiniColoringBlame(Dini dini, DiniColoring c, PetscInt q, const PetscReal norm[2], PetscInt nan[2])
{
  const PetscScalar *h;
  int                bad = 0;

  PetscFunctionBegin;
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, nan, 2, MPIU_INT, MPI_SUM, PetscObjectComm((PetscObject)dini)));
  for (int side = 0; side < 2; side++)
    if (PetscIsInfOrNanReal(norm[side]) && !nan[side]) bad += 1 + side;
  if (!bad) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecGetArrayRead(c->ghosth, &h));
  for (PetscInt i = c->colorptr[q]; i < c->colorptr[q + 1]; i++)
    if (h[c->ghost[c->nz[i]]] != 0.0) c->second[c->nz[i]] = -(PetscReal)bad;
  PetscCall(VecRestoreArrayRead(c->ghosth, &h));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniColoringColor_Private(Dini dini, DiniColoring c, DiniScheme *scheme, PetscInt q, PetscBool *bad,
                                         PetscReal *all, PetscReal *stray)
{
  PetscScalar *one, *two;
  PetscReal    norm[2] = {0.0, 0.0};
  PetscInt     nan[2]  = {0, 0};

  PetscFunctionBegin;
  PetscCall(VecGetArrayWrite(c->one, &one));
  PetscCall(VecGetArrayWrite(c->two, &two));
  for (PetscInt j = 0; j < c->ncols; j++) {
    const DiniColumn *column = &c->columns[j];

    one[j] = column->pending && (PetscInt)c->own[j] == q ? column->h : 0.0;
    two[j] = DiniColumnFactor_Private(column, 1) * one[j];
  }
  PetscCall(VecRestoreArrayWrite(c->two, &two));
  PetscCall(VecRestoreArrayWrite(c->one, &one));
  PetscCall(DiniShifted_Private(dini, scheme, 1.0, c->one, dini->w[1], &norm[0]));
  if (scheme->formula != DINI_FORMULA_FORWARD)
    PetscCall(DiniShifted_Private(dini, scheme, 1.0, c->two, dini->w[0], &norm[1]));
  PetscCall(DiniColoringEntries(dini, c, scheme, q, nan, all, stray));
  if (!PetscIsInfOrNanReal(norm[0]) && !PetscIsInfOrNanReal(norm[1])) PetscFunctionReturn(PETSC_SUCCESS);
  *bad = PETSC_TRUE;
  PetscCall(DiniColoringBlame(dini, c, q, norm, nan));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What each column is measured by, to whoever has rows of it */
static PetscErrorCode DiniColoringSizes(DiniColoring c, const DiniScheme *scheme)
{
  PetscScalar *a;

  PetscFunctionBegin;
  PetscCall(VecGetArrayWrite(c->one, &a));
  for (PetscInt j = 0; j < c->ncols; j++) a[j] = PetscAbsReal(c->columns[j].first) / scheme->step;
  PetscCall(VecRestoreArrayWrite(c->one, &a));
  PetscCall(DiniColoringToGhosts_Private(c, c->ghostsize));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Sizes of the rows, where nobody knows better: by what is known of the columns now. A column whose first step was many times
  its own length may have made its rows look large, and curvature in them small.
*/
PetscErrorCode DiniColoringRowSizes_Private(DiniColoring c, const DiniScheme *scheme)
{
  const PetscScalar *a, *h;

  PetscFunctionBegin;
  if (scheme->rows) {
    PetscCall(VecGetArrayRead(scheme->rows, &a));
    for (PetscInt r = 0; r < c->nrows; r++) c->rowsizes[r] = PetscRealPart(a[r]);
    PetscCall(VecRestoreArrayRead(scheme->rows, &a));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(VecGetArrayRead(c->ghostsize, &a));
  PetscCall(VecGetArrayRead(c->ghosth, &h));
  for (PetscInt r = 0; r < c->nrows; r++) {
    c->rowsizes[r] = 0.0;
    for (PetscInt k = c->rowptr[r]; k < c->rowptr[r + 1]; k++) {
      const PetscBool now = (PetscBool)(h[c->ghost[k]] != 0.0 && c->second[k] >= 0.0);

      c->rowsizes[r] += PetscAbsScalar((now ? c->tried[k] : c->values[k]) * a[c->ghost[k]]);
    }
  }
  PetscCall(VecRestoreArrayRead(c->ghosth, &h));
  PetscCall(VecRestoreArrayRead(c->ghostsize, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscReal DiniColoringTerm(DiniColoring c, PetscInt k, PetscReal h, DiniSum what)
{
  const int bad = c->second[k] < 0.0 ? (int)-c->second[k] : 0;
  PetscReal row;

  if (what == DINI_SUM_BAD_ONE) return (PetscReal)(bad & 1);
  if (what == DINI_SUM_BAD_TWO) return (PetscReal)(bad >> 1);
  if (what == DINI_SUM_BAD) return (PetscReal)bad;
  row = c->rowsizes[c->row[k]];
  if (bad || !(row > 0.0)) return 0.0;
  if (what == DINI_SUM_APART) return PetscSqr(PetscAbsScalar(c->tried[k] - c->values[k]) / row);
  if (what == DINI_SUM_VALUE) return PetscSqr(PetscAbsScalar(c->values[k]) / row);
  return PetscSqr((what == DINI_SUM_FIRST ? PetscAbsScalar(2.0 * c->tried[k] * h) : c->second[k]) / row);
}

/* c->one = sums over the rows of each column, wherever they are */
PetscErrorCode DiniColoringSum_Private(DiniColoring c, DiniSum what)
{
  const PetscScalar *h;
  PetscScalar       *a;

  PetscFunctionBegin;
  PetscCall(VecSet(c->ghostw, 0.0));
  PetscCall(VecSet(c->one, 0.0));
  PetscCall(VecGetArrayRead(c->ghosth, &h));
  PetscCall(VecGetArray(c->ghostw, &a));
  for (PetscInt k = 0; k < c->rowptr[c->nrows]; k++)
    if (h[c->ghost[k]] != 0.0) a[c->ghost[k]] += DiniColoringTerm(c, k, PetscRealPart(h[c->ghost[k]]), what);
  PetscCall(VecRestoreArray(c->ghostw, &a));
  PetscCall(VecRestoreArrayRead(c->ghosth, &h));
  PetscCall(VecScatterBegin(c->scatter, c->ghostw, c->one, ADD_VALUES, SCATTER_REVERSE));
  PetscCall(VecScatterEnd(c->scatter, c->ghostw, c->one, ADD_VALUES, SCATTER_REVERSE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The columns of the round by what they have seen; c->one: 1 where the new values are to be kept */
static PetscErrorCode DiniColoringJudge(DiniColoring c, const DiniScheme *scheme, PetscBool bad)
{
  const PetscScalar *sum;
  PetscScalar       *keep;
  DiniSeen          *seen;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(c->ncols, &seen));
  for (int what = scheme->judged ? DINI_SUM_FIRST : DINI_SUM_BAD_ONE;
       what <= (bad ? DINI_SUM_BAD_TWO : DINI_SUM_SECOND); what++) {
    PetscCall(DiniColoringSum_Private(c, (DiniSum)what));
    PetscCall(VecGetArrayRead(c->one, &sum));
    for (PetscInt j = 0; j < c->ncols; j++) {
      const PetscReal s = PetscRealPart(sum[j]);

      if (what == DINI_SUM_FIRST) seen[j].first = PetscSqrtReal(s);
      else if (what == DINI_SUM_SECOND) seen[j].second = PetscSqrtReal(s);
      else seen[j].bad[what - DINI_SUM_BAD_ONE] = (PetscBool)(s > 0.0);
    }
    PetscCall(VecRestoreArrayRead(c->one, &sum));
  }
  PetscCall(VecGetArrayWrite(c->one, &keep));
  for (PetscInt j = 0; j < c->ncols; j++)
    keep[j] = c->columns[j].pending && DiniColumnJudge_Private(scheme, &seen[j], &c->columns[j]) ? 1.0 : 0.0;
  PetscCall(VecRestoreArrayWrite(c->one, &keep));
  PetscCall(PetscFree(seen));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniColoringKeep_Private(DiniColoring c)
{
  const PetscScalar *keep;

  PetscFunctionBegin;
  PetscCall(DiniColoringToGhosts_Private(c, c->ghostw));
  PetscCall(VecGetArrayRead(c->ghostw, &keep));
  for (PetscInt k = 0; k < c->rowptr[c->nrows]; k++)
    if (PetscRealPart(keep[c->ghost[k]]) > 0.0) c->values[k] = c->tried[k];
  PetscCall(VecRestoreArrayRead(c->ghostw, &keep));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* How many columns want another round; an error where one has no derivative */
static PetscErrorCode DiniColoringPending(Dini dini, DiniColoring c, const DiniScheme *scheme, Vec point,
                                          PetscBool *any)
{
  const PetscScalar *v;
  PetscInt           first, mine[2] = {-1, 0}, all[2];
  PetscReal          told[2] = {0.0, 0.0};

  PetscFunctionBegin;
  PetscCall(VecGetOwnershipRange(point, &first, NULL));
  for (PetscInt j = 0; j < c->ncols; j++) {
    if (c->columns[j].pending) mine[1] = 1;
    if (c->columns[j].failed) mine[0] = first + j;
  }
  PetscCall(MPIU_Allreduce(mine, all, 2, MPIU_INT, MPI_MAX, PetscObjectComm((PetscObject)dini)));
  *any = (PetscBool)(all[1] > 0);
  if (all[0] < 0) PetscFunctionReturn(PETSC_SUCCESS);
  if (mine[0] == all[0]) {
    PetscCall(VecGetArrayRead(point, &v));
    told[0] = PetscRealPart(v[mine[0] - first]);
    told[1] = c->columns[mine[0] - first].h;
    PetscCall(VecRestoreArrayRead(point, &v));
  }
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, told, 2, MPIU_REAL, MPIU_SUM, PetscObjectComm((PetscObject)dini)));
  PetscCall(DiniColumnFailed_Private(dini, scheme, all[0], told[0], told[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniColoringRounds(Dini dini, DiniColoring c, DiniScheme *scheme, Vec point, PetscInt active[],
                                         PetscReal *all, PetscReal *stray)
{
  PetscBool pending = PETSC_TRUE, bad = PETSC_FALSE;

  PetscFunctionBegin;
  for (int round = 0; pending; round++) {
    bad = PETSC_FALSE;
    PetscCall(DiniColoringRound_Private(dini, c, active));
    for (PetscInt q = 0; q < c->ncolors; q++) {
      if (!active[q]) continue;
      if (active[q] > 1 && !scheme->base) PetscCall(DiniPointResidual_Private(dini, &scheme->base));
      PetscCall(DiniColoringColor_Private(dini, c, scheme, q, &bad, round ? NULL : all, stray));
    }
    if (!round && (scheme->judged || scheme->probed)) PetscCall(DiniColoringSizes(c, scheme));
    if (scheme->judged) PetscCall(DiniColoringRowSizes_Private(c, scheme));
    PetscCall(DiniColoringJudge(c, scheme, bad));
    if (round || bad) PetscCall(DiniColoringKeep_Private(c));
    else PetscCall(PetscArraycpy(c->values, c->tried, c->rowptr[c->nrows]));
    pending = PETSC_FALSE;
    if (scheme->judged || bad) PetscCall(DiniColoringPending(dini, c, scheme, point, &pending));
  }
  if (scheme->probed) PetscCall(DiniColoringVerify_Private(dini, c, scheme, point, active));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  The entries of A, by differences at the point, which is laid out as the columns. all, stray: of this rank, the largest change
  of F, and of rows that the pattern does not couple with what has changed; or NULL
*/
PetscErrorCode DiniColoringFill_Private(Dini dini, DiniColoring c, DiniScheme *scheme, Vec point, Mat A, PetscReal *all,
                                        PetscReal *stray)
{
  PetscInt      *active;
  PetscBool      same, there;
  PetscErrorCode failed = PETSC_SUCCESS;

  PetscFunctionBegin;
  PetscCall(DiniColoringSteady_Private(dini, c, scheme, point, A, &same, &there));
  if (there) PetscFunctionReturn(PETSC_SUCCESS);
  if (!same) {
    PetscCall(DiniSchemeRows_Private(dini, scheme));
    PetscCall(DiniColoringStart(dini, c, scheme, point));
    PetscCall(PetscArrayzero(c->values, c->rowptr[c->nrows]));
    PetscCall(PetscMalloc1(c->ncolors, &active));
    failed = DiniColoringRounds(dini, c, scheme, point, active, all, stray);
    PetscCall(PetscFree(active));
    if (failed) c->point = -1;
    if (failed) c->fills = 0;
    PetscCall(failed);
    PetscCall(DiniColoringCompare_Private(dini, c, scheme));
  }
  for (PetscInt i = 0; i < c->nrows; i++) {
    const PetscInt row = c->first + i, start = c->rowptr[i];

    PetscCall(MatSetValues(A, 1, &row, c->rowptr[i + 1] - start, c->cols + start, c->values + start, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscCall(DiniMark_Private(A, &c->filled));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Column j of those owned here */
const DiniColumn *DiniColoringColumn_Private(DiniColoring c, PetscInt j)
{
  return &c->columns[j];
}

/* Columns on all ranks, and those of them whose steps the last fill has changed. Collective */
PetscErrorCode DiniColoringCounts_Private(Dini dini, DiniColoring c, PetscInt *ncolors, PetscInt counts[2])
{
  PetscFunctionBegin;
  *ncolors = c->ncolors;
  PetscCall(DiniColumnCounts_Private(c->columns, c->ncols, counts));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, counts, 2, MPIU_INT, MPI_SUM, PetscObjectComm((PetscObject)dini)));
  PetscFunctionReturn(PETSC_SUCCESS);
}
