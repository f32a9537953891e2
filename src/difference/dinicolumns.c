/* F_m by dense columns, a difference each, held against one in which all of them move: see dinirefine.c */
#include "../private/diniparameterimpl.h"

PetscErrorCode DiniUnitVector_Private(DiniParameter par, PetscInt j, Vec e)
{
  PetscInt     first;
  PetscScalar *a;

  PetscFunctionBegin;
  PetscCall(VecGetOwnershipRange(e, &first, NULL));
  PetscCall(VecSet(e, 0.0));
  if (j >= first && j < first + par->n) {
    PetscCall(VecGetArray(e, &a)); /* VecSetValue() is not for nests */
    a[j - first] = 1.0;
    PetscCall(VecRestoreArray(e, &a));
  }
  PetscCall(PetscObjectStateIncrease((PetscObject)e)); /* on all ranks */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The first step of column j, on all ranks; e becomes its unit vector */
static PetscErrorCode DiniStartColumn(Dini dini, DiniParameter par, const DiniScheme *scheme, const PetscReal sizes[],
                                      PetscInt j, Vec e)
{
  PetscInt           first;
  PetscReal          told[2] = {0.0, 0.0};
  DiniColumn        *c       = &par->columns[j];
  const PetscScalar *m;

  PetscFunctionBegin;
  PetscCall(DiniUnitVector_Private(par, j, e));
  PetscCall(VecGetOwnershipRange(e, &first, NULL));
  if (j >= first && j < first + par->n) {
    PetscCall(VecGetArrayRead(par->copy, &m));
    told[0] = DiniExactStep_Private(m[j - first], scheme->step * sizes[j - first]);
    told[1] = PetscAbsScalar(m[j - first]);
    PetscCall(VecRestoreArrayRead(par->copy, &m));
  }
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, told, 2, MPIU_REAL, MPIU_SUM, PetscObjectComm((PetscObject)dini)));
  if (dini->beside && par->columnspoint == dini->point) {
    const signed char formula = c->usedformula;

    DiniColumnStart_Private(scheme, c->used, told[1], c); /* as the point has found it */
    c->formula = formula;
  } else DiniColumnStart_Private(scheme, told[0], told[1], c);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The sizes of rows of F where nobody knows them: by what the columns make of them */
static PetscErrorCode DiniColumnRows(DiniParameter par, Mat Fm, PetscReal step, Vec rows)
{
  const PetscScalar *A;
  PetscScalar       *a;
  PetscInt           n, lda;

  PetscFunctionBegin;
  PetscCall(VecSet(rows, 0.0));
  PetscCall(VecGetLocalSize(rows, &n));
  PetscCall(MatDenseGetLDA(Fm, &lda));
  PetscCall(MatDenseGetArrayRead(Fm, &A));
  PetscCall(VecGetArray(rows, &a));
  for (PetscInt j = 0; j < par->N; j++)
    for (PetscInt i = 0; i < n; i++)
      a[i] += PetscAbsScalar(A[i + j * lda]) * PetscAbsReal(par->columns[j].first) / step;
  PetscCall(VecRestoreArray(rows, &a));
  PetscCall(MatDenseRestoreArrayRead(Fm, &A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* How far rows are off when all columns move, d; suspects: columns of those that are, on all ranks */
static PetscErrorCode DiniColumnMisses(Dini dini, DiniParameter par, DiniScheme *scheme, Mat Fm, Vec rows, Vec d,
                                       PetscInt suspects[])
{
  const PetscScalar *A, *found, *terms;
  PetscScalar       *a;
  PetscInt           first, lda;
  PetscBool          finite;

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(suspects, par->N));
  PetscCall(VecGetOwnershipRange(d, &first, NULL));
  PetscCall(VecGetArray(d, &a));
  for (PetscInt j = 0; j < par->n; j++) a[j] = DiniColumnProbe_Private(&par->columns[first + j], first + j);
  PetscCall(VecRestoreArray(d, &a));
  PetscCall(DiniProbe_Private(dini, scheme, d, &finite));
  scheme->missed = 0.0;
  if (!finite) PetscFunctionReturn(PETSC_SUCCESS); /* the columns move out of F's domain together */
  PetscCall(MatDenseGetLDA(Fm, &lda));
  PetscCall(MatDenseGetArrayRead(Fm, &A));
  PetscCall(VecGetArrayRead(dini->w[1], &found));
  PetscCall(VecGetArrayRead(rows, &terms));
  for (PetscInt i = 0; i < dini->n; i++) {
    PetscScalar expected = 0.0;
    PetscReal   size     = 0.0, miss;

    for (PetscInt j = 0; j < par->N; j++) {
      const PetscScalar term = A[i + j * lda] * DiniColumnProbe_Private(&par->columns[j], j);

      expected += term;
      size += PetscAbsScalar(term);
    }
    if (!(PetscRealPart(terms[i]) > 0.0)) continue;
    miss           = DiniProbeRow_Private(expected, found[i], size, PetscRealPart(terms[i]));
    scheme->missed = PetscMax(scheme->missed, miss);
    if (miss <= DINI_CLOSE) continue;
    for (PetscInt j = 0; j < par->N; j++)
      if (A[i + j * lda] != (PetscScalar)0.0) suspects[j] = 1;
  }
  PetscCall(VecRestoreArrayRead(rows, &terms));
  PetscCall(VecRestoreArrayRead(dini->w[1], &found));
  PetscCall(MatDenseRestoreArrayRead(Fm, &A));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &scheme->missed, 1, MPIU_REAL, MPIU_MAX, PetscObjectComm((PetscObject)dini)));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, suspects, (PetscMPIInt)par->N, MPIU_INT, MPI_MAX,
                           PetscObjectComm((PetscObject)dini)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Columns that are to be taken again */
typedef struct {
  PetscInt *suspects; /* by rows that miss */
  Vec       rows, e;  /* work */
  int       pass;
  PetscBool any, changed; /* there were any; values are others now */
} DiniAgain;

/* The suspects by other steps, first by shorter ones, in a second pass by longer ones */
static PetscErrorCode DiniColumnsAgain(Dini dini, DiniParameter par, DiniScheme *scheme, Mat Fm, DiniAgain *again)
{
  PetscFunctionBegin;
  again->any = PETSC_FALSE;
  for (PetscInt j = 0; j < par->N; j++) {
    DiniColumn    *c = &par->columns[j];
    PetscErrorCode failed;
    Vec            column;

    if (!c->kept || c->usedformula != DINI_FORMULA_CENTRAL) continue;
    if (again->suspects[j] && !again->pass) DiniColumnSuspect_Private(c);
    else if (again->suspects[j] ? !DiniColumnFar_Private(c, 0.1 * scheme->missed, scheme->missed)
                                : again->pass || !DiniColumnInsensitive_Private(c))
      continue;
    PetscCall(DiniUnitVector_Private(par, j, again->e));
    PetscCall(MatDenseGetColumnVec(Fm, j, &column));
    failed = DiniRefineAlong_Private(dini, scheme, again->rows, again->e, c, column);
    PetscCall(MatDenseRestoreColumnVec(Fm, j, &column));
    PetscCall(failed);
    again->any = PETSC_TRUE;
    if (c->search > DINI_SEARCH_FIRST && c->search != DINI_SEARCH_TURNED) again->changed = PETSC_TRUE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniColumnsWorst(Dini dini, DiniParameter par, DiniScheme *scheme)
{
  PetscInt           first;
  const PetscScalar *m;

  PetscFunctionBegin;
  scheme->worst.entry = -1;
  for (PetscInt j = 0; j < par->N; j++) {
    const DiniColumn *c = &par->columns[j];

    if (!c->kept || !(c->error > scheme->error)) continue;
    scheme->error        = c->error;
    scheme->worst.entry  = j;
    scheme->worst.h      = c->used;
    scheme->worst.search = (PetscReal)c->search;
  }
  if (!(scheme->error > DINI_ROUGH)) PetscFunctionReturn(PETSC_SUCCESS);
  scheme->worst.value = 0.0;
  PetscCall(VecGetOwnershipRange(par->copy, &first, NULL));
  PetscCall(VecGetArrayRead(par->copy, &m));
  if (scheme->worst.entry >= first && scheme->worst.entry < first + par->n)
    scheme->worst.value = PetscRealPart(m[scheme->worst.entry - first]);
  PetscCall(VecRestoreArrayRead(par->copy, &m));
  PetscCall(
      MPIU_Allreduce(MPI_IN_PLACE, &scheme->worst.value, 1, MPIU_REAL, MPIU_SUM, PetscObjectComm((PetscObject)dini)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Two residuals, where nothing is amiss */
static PetscErrorCode DiniColumnsVerify(Dini dini, DiniParameter par, DiniScheme *scheme, Mat Fm, Vec e)
{
  DiniAgain      again = {.e = e, .any = scheme->judged};
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(par->N, &again.suspects));
  PetscCall(VecDuplicate(dini->u, &again.rows));
  if (scheme->rows) PetscCall(VecCopy(scheme->rows, again.rows));
  else PetscCall(DiniColumnRows(par, Fm, scheme->step, again.rows));
  failed = DiniColumnMisses(dini, par, scheme, Fm, again.rows, e, again.suspects);
  for (; again.pass < 2 && again.any && !again.changed && !failed; again.pass++) { /* the second where nothing helped */
    failed = DiniColumnsAgain(dini, par, scheme, Fm, &again);
    if (!failed && again.any) failed = DiniColumnMisses(dini, par, scheme, Fm, again.rows, e, again.suspects);
  }
  if (!failed) failed = DiniColumnsLost_Private(dini, par, scheme, Fm, again.rows, e);
  PetscCall(VecDestroy(&again.rows));
  PetscCall(PetscFree(again.suspects));
  PetscCall(failed);
  PetscCall(DiniColumnsWorst(dini, par, scheme));
  PetscCall(PetscInfo(dini, "Differences in %s are good to %g by columns, and rows to %g\n", scheme->what,
                      (double)scheme->error, (double)scheme->missed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniFillColumns(Dini dini, DiniParameter par, Mat Fm, const PetscReal sizes[], Vec e)
{
  DiniScheme scheme;

  PetscFunctionBegin;
  PetscCall(DiniParameterScheme_Private(dini, par, &scheme));
  PetscCall(DiniSchemeRows_Private(dini, &scheme));
  for (PetscInt j = 0; j < par->N; j++) {
    DiniColumn    *c = &par->columns[j];
    Vec            column;
    PetscErrorCode failed;

    PetscCall(DiniStartColumn(dini, par, &scheme, sizes, j, e));
    PetscCall(MatDenseGetColumnVecWrite(Fm, j, &column));
    failed = DiniDifferenceAlong_Private(dini, &scheme, e, c, column);
    PetscCall(MatDenseRestoreColumnVecWrite(Fm, j, &column));
    PetscCall(failed);
    if (c->failed) PetscCall(DiniColumnFailed_Private(dini, &scheme, j, c->own, c->h));
  }
  if (scheme.probed) PetscCall(DiniColumnsVerify(dini, par, &scheme, Fm, e));
  par->columnspoint = dini->point;
  PetscCall(DiniParameterSmooth_Private(dini, par, &scheme));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniParameterFill_FD(Dini dini, DiniParameter par, Mat Fm)
{
  Vec            e;
  PetscReal     *sizes;
  PetscBool      dense;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompareAny((PetscObject)Fm, &dense, MATSEQDENSE, MATMPIDENSE, ""));
  if (!dini->beside) par->error = par->missed = par->lost = 0.0;
  if (!dense) PetscFunctionReturn(PETSC_SUCCESS); /* by directions */
  if (!par->columns) PetscCall(PetscCalloc1(par->N, &par->columns));
  PetscCall(PetscMalloc1(par->n, &sizes));
  PetscCall(VecDuplicate(par->m, &e));
  failed = DiniSizes_Private(par->copy, 0.0, sizes);
  if (!failed) failed = DiniFillColumns(dini, par, Fm, sizes, e);
  PetscCall(VecDestroy(&e));
  PetscCall(PetscFree(sizes));
  PetscCall(failed);
  PetscCall(MatAssemblyBegin(Fm, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(Fm, MAT_FINAL_ASSEMBLY));
  dini->stats.parameter_assemblies++;
  PetscFunctionReturn(PETSC_SUCCESS);
}
