/*
  Which unknowns share a unit? Residuals are judged field by field, so that no field hides behind one of larger numbers.

  A field is a part of a VECNEST, a field of the DM that the state comes from, or a component of its block size. Where nobody
  says anything, unknowns whose rows or columns of J differ by orders of magnitude, with nothing in between, are told apart.
*/
#include "../private/diniengineimpl.h"
#include <math.h>

#define DINI_GAP      2 /* so many empty bins, a factor of 16 at least, part two kinds of rows */
#define DINI_WIDE_GAP 5 /* the same of a solution's entries, of which some are small by chance: 1000 */
#define DINI_SAMPLES  3 /* random products for the sizes of rows that can not be looked at */

PetscErrorCode DiniEngineForgetFields_Private(DiniEngine e)
{

  PetscFunctionBegin;
  e->nfields = 0;
  PetscCall(PetscFree(e->field));
  PetscCall(PetscFree(e->fieldname));
  for (int d = 0; d < 2; d++) {
    PetscCall(PetscFree(e->blocks[d]));
    e->blocksready[d] = PETSC_FALSE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* v without the fields that are not kept; *field: of its first local entry, and then of the one behind its last */
PetscErrorCode DiniRestrict_Private(Vec v, const unsigned char **field, const PetscBool keep[])
{
  PetscBool    nest;
  PetscInt     n;
  Vec         *parts;
  PetscScalar *a;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)v, VECNEST, &nest));
  if (nest) {
    PetscCall(VecNestGetSubVecs(v, &n, &parts));
    for (PetscInt i = 0; i < n; i++) PetscCall(DiniRestrict_Private(parts[i], field, keep));
    PetscCall(PetscObjectStateIncrease((PetscObject)v));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(VecGetLocalSize(v, &n));
  PetscCall(VecGetArray(v, &a));
  for (PetscInt i = 0; i < n; i++)
    if (!keep[(*field)[i]]) a[i] = 0.0;
  PetscCall(VecRestoreArray(v, &a));
  *field += n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- By the sizes of rows and columns ---- */

/* Adds the sums of absolute values of a sequential AIJ matrix to those of its rows and columns */
static PetscErrorCode DiniAddSums(Mat A, PetscReal rows[], PetscReal cols[])
{
  PetscInt           n;
  const PetscInt    *ia, *ja;
  const PetscScalar *a;
  PetscBool          done;

  PetscFunctionBegin;
  PetscCall(MatGetRowIJ(A, 0, PETSC_FALSE, PETSC_FALSE, &n, &ia, &ja, &done));
  PetscCall(MatSeqAIJGetArrayRead(A, &a));
  for (PetscInt i = 0; i < n; i++) {
    PetscReal sum = 0.0;

    for (PetscInt k = ia[i]; k < ia[i + 1]; k++) {
      const PetscReal size = PetscAbsScalar(a[k]);

      sum += size;
      cols[ja[k]] += size;
    }
    rows[i] += sum;
  }
  PetscCall(MatSeqAIJRestoreArrayRead(A, &a));
  PetscCall(MatRestoreRowIJ(A, 0, PETSC_FALSE, PETSC_FALSE, &n, &ia, &ja, &done));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Sums of absolute values over the local rows, and over the local columns */
static PetscErrorCode DiniSums(DiniEngine e, Mat A, PetscReal rows[], PetscReal cols[])
{
  Mat                diagonal = A, other = NULL;
  const PetscInt    *map = NULL;
  PetscInt           ghosts;
  PetscBool          seq;
  PetscReal         *sums;
  PetscScalar       *values;
  const PetscScalar *c;
  Vec                column;

  PetscFunctionBegin;
  PetscCall(PetscObjectBaseTypeCompare((PetscObject)A, MATSEQAIJ, &seq));
  if (!seq) PetscCall(MatMPIAIJGetSeqAIJ(A, &diagonal, &other, &map));
  PetscCall(DiniAddSums(diagonal, rows, cols));
  if (!other) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatGetSize(other, NULL, &ghosts));
  PetscCall(PetscCalloc1(ghosts, &sums));
  PetscCall(PetscMalloc1(ghosts, &values));
  PetscCall(DiniAddSums(other, rows, sums));
  for (PetscInt k = 0; k < ghosts; k++) values[k] = sums[k];
  PetscCall(VecDuplicate(e->b, &column));
  PetscCall(VecSet(column, 0.0));
  PetscCall(VecSetValues(column, ghosts, map, values, ADD_VALUES));
  PetscCall(VecAssemblyBegin(column));
  PetscCall(VecAssemblyEnd(column));
  PetscCall(VecGetArrayRead(column, &c));
  for (PetscInt i = 0; i < e->n; i++) cols[i] += PetscRealPart(c[i]);
  PetscCall(VecRestoreArrayRead(column, &c));
  PetscCall(VecDestroy(&column));
  PetscCall(PetscFree(sums));
  PetscCall(PetscFree(values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same by products with random vectors, to within a small factor */
static PetscErrorCode DiniProductSums(DiniEngine e, DiniDirection direction, PetscReal sums[])
{
  Vec                v, y;
  const PetscScalar *a;

  PetscFunctionBegin;
  PetscCall(VecDuplicate(e->b, &v));
  PetscCall(VecDuplicate(e->b, &y));
  for (PetscInt sample = 0; sample < DINI_SAMPLES; sample++) {
    PetscCall(VecSet(y, 0.0));
    PetscCall(DiniRandom_Private(40 + sample, v));
    PetscCall(DiniEngineMult_Private(e, direction, v, y));
    PetscCall(VecGetArrayRead(y, &a));
    for (PetscInt i = 0; i < e->n; i++) sums[i] = PetscMax(sums[i], PetscAbsScalar(a[i]));
    PetscCall(VecRestoreArrayRead(y, &a));
  }
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscInt DiniBin(PetscReal size)
{
  int exponent;

  if (!(size > 0.0)) return 0;
  (void)frexp((double)size, &exponent);
  return PetscMax(1, PetscMin(DINI_BINS - 1, (exponent + DINI_BINS) / 2));
}

/* kind[bin]: bins between gaps are of one kind; the number of kinds */
static PetscInt DiniKinds(const unsigned char occupied[], PetscInt gap, PetscInt kind[])
{
  PetscInt kinds = 0, empty = gap;

  for (PetscInt bin = 0; bin < DINI_BINS; bin++) {
    if (occupied[bin] && empty >= gap) kinds++;
    empty     = occupied[bin] ? 0 : empty + 1;
    kind[bin] = PetscMax(0, kinds - 1);
    if (bin == 0 && occupied[0]) empty = gap; /* zero is a kind of its own */
  }
  return kinds;
}

/* How many entries of x, on this rank, are of which size */
PetscErrorCode DiniEngineCountGroups_Private(DiniEngine e, Vec x, PetscReal count[DINI_BINS])
{
  const PetscScalar *a;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(x, &a));
  for (PetscInt i = 0; i < e->n; i++) count[DiniBin(PetscAbsScalar(a[i]))] += 1.0;
  PetscCall(VecRestoreArrayRead(x, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* By what all ranks have counted: groups that are orders of magnitude apart, each of a hundredth of them? A norm sees one only */
PetscBool DiniEngineSeveral_Private(DiniEngine e, const PetscReal count[DINI_BINS])
{
  PetscInt      kind[DINI_BINS], kinds, groups = 0;
  PetscReal     size[DINI_BINS]     = {0.0};
  unsigned char occupied[DINI_BINS] = {0};

  for (PetscInt bin = 1; bin < DINI_BINS; bin++) occupied[bin] = (unsigned char)(count[bin] > 0.0);
  kinds = DiniKinds(occupied, DINI_WIDE_GAP, kind);
  for (PetscInt bin = 1; bin < DINI_BINS; bin++) size[kind[bin]] += count[bin];
  for (PetscInt k = 0; k < kinds; k++) groups += size[k] > 0.0 && size[k] >= (PetscReal)(e->N / 100);
  return (PetscBool)(groups > 1);
}

/* The largest |e| / |x| over groups of entries of x that are alike, where nobody has told fields apart: largest entries of each */
PetscErrorCode DiniEngineGroupError_Private(DiniEngine e, Vec x, Vec d, PetscReal *error)
{
  unsigned char      mine[DINI_BINS] = {0}, all[DINI_BINS];
  PetscInt           kind[DINI_BINS], kinds;
  PetscReal          sizes[2 * DINI_MAX_FIELDS] = {0.0}, most[2 * DINI_MAX_FIELDS];
  const PetscScalar *a, *b;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(x, &a));
  PetscCall(VecGetArrayRead(d, &b));
  for (PetscInt i = 0; i < e->n; i++) mine[DiniBin(PetscAbsScalar(a[i]))] = 1;
  mine[0] = 0;
  PetscCall(MPIU_Allreduce(mine, all, DINI_BINS, MPI_UNSIGNED_CHAR, MPI_MAX, PetscObjectComm((PetscObject)e)));
  kinds = PetscMin(DINI_MAX_FIELDS, DiniKinds(all, DINI_WIDE_GAP, kind));
  for (PetscInt i = 0; i < e->n; i++) {
    const PetscInt k = PetscMin(kind[DiniBin(PetscAbsScalar(a[i]))], DINI_MAX_FIELDS - 1);

    PetscReal *size = &sizes[2 * (size_t)k];

    size[0] = PetscMax(size[0], PetscAbsScalar(a[i]));
    size[1] = PetscMax(size[1], PetscAbsScalar(b[i]));
  }
  PetscCall(VecRestoreArrayRead(d, &b));
  PetscCall(VecRestoreArrayRead(x, &a));
  PetscCall(MPIU_Allreduce(sizes, most, 2 * DINI_MAX_FIELDS, MPIU_REAL, MPIU_MAX, PetscObjectComm((PetscObject)e)));
  *error = 0.0;
  for (PetscInt k = 0; k < kinds; k++)
    if (most[2 * (size_t)k] > 0.0) *error = PetscMax(*error, most[2 * (size_t)k + 1] / most[2 * (size_t)k]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniFieldsOfSizes(DiniEngine e, const PetscReal rows[], const PetscReal cols[])
{
  unsigned char mine[2][DINI_BINS], all[2][DINI_BINS];
  PetscInt      kind[2][DINI_BINS], kinds[2];

  PetscFunctionBegin;
  PetscCall(PetscMemzero(mine, sizeof(mine)));
  for (PetscInt i = 0; i < e->n; i++) mine[0][DiniBin(rows[i])] = mine[1][DiniBin(cols[i])] = 1;
  PetscCall(MPIU_Allreduce(mine, all, 2 * DINI_BINS, MPI_UNSIGNED_CHAR, MPI_MAX, PetscObjectComm((PetscObject)e)));
  for (int k = 0; k < 2; k++) kinds[k] = DiniKinds(all[k], DINI_GAP, kind[k]);
  if (kinds[0] * kinds[1] > DINI_MAX_FIELDS) { /* no pattern to be seen */
    PetscCall(DiniEngineAllocateFields_Private(e, 1));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(DiniEngineAllocateFields_Private(e, kinds[0] * kinds[1]));
  for (PetscInt i = 0; i < e->n; i++)
    e->field[i] = (unsigned char)(kind[0][DiniBin(rows[i])] * kinds[1] + kind[1][DiniBin(cols[i])]);
  for (PetscInt b = DINI_BINS - 1; b >= 0; b--)
    for (PetscInt c = DINI_BINS - 1; c >= 0; c--)
      if (all[0][b] && all[1][c])
        PetscCall(PetscSNPrintf(e->fieldname[kind[0][b] * kinds[1] + kind[1][c]], sizeof(e->fieldname[0]),
                                "of rows of J from %.0e, columns from %.0e",
                                b ? ldexp(0.5, (int)(2 * b - DINI_BINS)) : 0.0,
                                c ? ldexp(0.5, (int)(2 * c - DINI_BINS)) : 0.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniFieldsFound(DiniEngine e)
{
  PetscReal *rows, *cols;
  PetscBool  aij[2], has;

  PetscFunctionBegin;
  PetscCall(PetscCalloc2(e->n, &rows, e->n, &cols));
  PetscCall(PetscObjectBaseTypeCompareAny((PetscObject)e->J, &aij[0], MATSEQAIJ, MATMPIAIJ, ""));
  PetscCall(PetscObjectBaseTypeCompareAny((PetscObject)e->P, &aij[1], MATSEQAIJ, MATMPIAIJ, ""));
  if (aij[0] || aij[1]) PetscCall(DiniSums(e, aij[0] ? e->J : e->P, rows, cols));
  else {
    PetscCall(DiniHasAdjoint_Private(e->J, &has));
    if (has) PetscCall(DiniProductSums(e, DINI_ADJOINT, cols));
    PetscCall(MatHasOperation(e->J, MATOP_MULT, &has));
    if (has) PetscCall(DiniProductSums(e, DINI_TANGENT, rows));
  }
  PetscCall(DiniFieldsOfSizes(e, rows, cols));
  PetscCall(PetscFree2(rows, cols));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Once for a point; what the application says holds for as long as J does */
PetscErrorCode DiniEngineFindFields_Private(DiniEngine e)
{

  PetscFunctionBegin;
  if (e->nfields) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniEngineFieldsKnown_Private(e, e->J));
  e->fieldssaid = (PetscBool)(e->nfields > 0);
  if (!e->nfields) PetscCall(DiniFieldsFound(e));
  if (e->nfields > 1)
    for (PetscInt f = 0; f < e->nfields; f++)
      PetscCall(PetscInfo(e, "Field %" PetscInt_FMT " of %" PetscInt_FMT ": %s\n", f, e->nfields, e->fieldname[f]));
  PetscFunctionReturn(PETSC_SUCCESS);
}
