/* Dense columns of differences by fields of their rows: entries that rounding hides, at longer steps: dinilost.c */
#include "../private/diniparameterimpl.h"

/* The columns by row fields, and one of them at work */
typedef struct {
  PetscInt           nfields;
  unsigned char     *field; /* of the rows */
  const PetscScalar *rows;  /* their sizes */
  PetscReal         *sums;  /* by columns and fields */
  DiniEntry         *entries;
} DiniLostColumns;

static void SumColumn(Dini dini, const DiniLostColumns *l, PetscReal size, const PetscScalar value[], PetscReal sums[])
{
  for (PetscInt f = 0; f < 3 * l->nfields; f++) sums[f] = 0.0;
  for (PetscInt i = 0; i < dini->n; i++)
    DiniLostAdd_Private(&sums[3 * (size_t)l->field[i]], PetscAbsScalar(value[i]), l->entries[i].error,
                        PetscRealPart(l->rows[i]), size);
}

static void StartEntries(Dini dini, const DiniLostColumns *l, const DiniColumn *c)
{
  for (PetscInt i = 0; i < dini->n; i++) DiniEntryStart_Private(PetscRealPart(l->rows[i]), c->used, &l->entries[i]);
}

/* Entries of a column in fields that are lost, by ever longer steps along e; sums: of the column */
static PetscErrorCode DiniColumnFind(Dini dini, const DiniScheme *scheme, const DiniLostColumns *l, DiniColumn *c,
                                     Vec e, const PetscReal sums[], PetscScalar value[])
{
  PetscBool lost[DINI_MAX_FIELDS], any = PETSC_TRUE;

  PetscFunctionBegin;
  for (PetscInt f = 0; f < l->nfields; f++) lost[f] = DiniIsLost_Private(&sums[3 * (size_t)f]);
  for (PetscReal factor = DINI_STEP_FACTOR; any && DiniColumnLonger_Private(c, factor); factor *= DINI_STEP_FACTOR) {
    const PetscScalar *one, *two;
    PetscReal          norm[2];

    PetscCall(DiniShifted_Private(dini, scheme, c->h, e, dini->w[1], &norm[0]));
    PetscCall(DiniShifted_Private(dini, scheme, -c->h, e, dini->w[0], &norm[1]));
    if (PetscIsInfOrNanReal(norm[0]) || PetscIsInfOrNanReal(norm[1])) break;
    any = PETSC_FALSE;
    PetscCall(VecGetArrayRead(dini->w[0], &two));
    PetscCall(VecGetArrayRead(dini->w[1], &one));
    for (PetscInt i = 0; i < dini->n; i++) {
      const PetscScalar tried = (one[i] - two[i]) / (2.0 * c->h);

      if (!lost[l->field[i]] || l->entries[i].stopped) continue;
      if (!DiniEntryFarther_Private(&l->entries[i], PetscAbsScalar(tried - value[i]))) continue;
      value[i] = tried;
      any      = PETSC_TRUE;
    }
    PetscCall(VecRestoreArrayRead(dini->w[1], &one));
    PetscCall(VecRestoreArrayRead(dini->w[0], &two));
    PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &any, 1, DINI_MPI_BOOL, MPI_LOR, PetscObjectComm((PetscObject)dini)));
  }
  c->pending = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What is known of the entries of the column, which have taken steps of their own */
static PetscErrorCode DiniKeepErrors(Dini dini, DiniParameter par, const DiniLostColumns *l, PetscInt j)
{
  const size_t n = (size_t)dini->n;

  PetscFunctionBegin;
  if (!par->errors) {
    PetscCall(PetscMalloc1(n * (size_t)par->N, &par->errors));
    for (size_t i = 0; i < n * (size_t)par->N; i++) par->errors[i] = -1.0;
  }
  for (size_t i = 0; i < n; i++) par->errors[i + (size_t)j * n] = l->entries[i].error;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One reduction for all columns, where nothing is lost */
static PetscErrorCode DiniColumnsFind(Dini dini, DiniParameter par, DiniScheme *scheme, const DiniLostColumns *l, Vec e,
                                      PetscScalar *A, PetscInt lda)
{
  MPI_Comm       comm = PetscObjectComm((PetscObject)dini);
  const PetscInt n    = 3 * l->nfields;

  PetscFunctionBegin;
  PetscCall(PetscFree(par->errors));
  for (PetscInt j = 0; j < par->N; j++) {
    StartEntries(dini, l, &par->columns[j]);
    SumColumn(dini, l, PetscAbsReal(par->columns[j].first) / scheme->step, A + (size_t)j * (size_t)lda,
              &l->sums[(size_t)j * (size_t)n]);
  }
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, l->sums, (PetscMPIInt)(par->N * n), MPIU_REAL, MPIU_SUM, comm));
  for (PetscInt j = 0; j < par->N; j++) {
    DiniColumn *c    = &par->columns[j];
    PetscReal  *sums = &l->sums[(size_t)j * (size_t)n];
    PetscBool   lost = PETSC_FALSE;

    if (!c->kept) continue;
    for (PetscInt f = 0; f < l->nfields; f++) lost = (PetscBool)(lost || DiniIsLost_Private(&sums[3 * (size_t)f]));
    if (lost && scheme->judged) {
      StartEntries(dini, l, c);
      PetscCall(DiniUnitVector_Private(par, j, e));
      PetscCall(DiniColumnFind(dini, scheme, l, c, e, sums, A + (size_t)j * (size_t)lda));
      PetscCall(DiniKeepErrors(dini, par, l, j));
      SumColumn(dini, l, PetscAbsReal(c->first) / scheme->step, A + (size_t)j * (size_t)lda, sums);
      PetscCall(MPIU_Allreduce(MPI_IN_PLACE, sums, (PetscMPIInt)n, MPIU_REAL, MPIU_SUM, comm));
    }
    for (PetscInt f = 0; f < l->nfields; f++)
      scheme->lost = PetscMax(scheme->lost, DiniLost_Private(&sums[3 * (size_t)f]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* After the columns have been verified: scheme->lost, which costs residuals where fields are lost only */
PetscErrorCode DiniColumnsLost_Private(Dini dini, DiniParameter par, DiniScheme *scheme, Mat Fm, Vec rows, Vec e)
{
  DiniLostColumns l = {0};
  PetscErrorCode  failed;
  PetscScalar    *A;
  PetscInt        lda;

  PetscFunctionBegin;
  PetscCall(DiniEngineSaidFields_Private(dini->engine, scheme->judged, &l.nfields, &l.field));
  if (scheme->judged && l.nfields < 2) { /* the columns know */
    PetscCall(PetscFree(l.field));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscMalloc2(3 * l.nfields * par->N, &l.sums, dini->n, &l.entries));
  PetscCall(MatDenseGetLDA(Fm, &lda));
  PetscCall(MatDenseGetArray(Fm, &A));
  PetscCall(VecGetArrayRead(rows, &l.rows));
  failed = DiniColumnsFind(dini, par, scheme, &l, e, A, lda);
  PetscCall(VecRestoreArrayRead(rows, &l.rows));
  PetscCall(MatDenseRestoreArray(Fm, &A));
  PetscCall(PetscFree2(l.sums, l.entries));
  PetscCall(PetscFree(l.field));
  PetscCall(failed);
  PetscCall(PetscInfo(dini, "Differences in %s are good to %g by fields\n", scheme->what, (double)scheme->lost));
  PetscFunctionReturn(PETSC_SUCCESS);
}
