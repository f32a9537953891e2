/*
  What differences leave open in F_m x or F_m^H x, which may be far more of what is left of the product than it is of F_m: terms
  cancel, their errors do not. An entry is off by what its column is, by what rows miss, and by rounding of its row, and these
  errors know nothing of each other: squares are summed.
*/
#include "../private/diniparameterimpl.h"
#include "../private/dinicoloringimpl.h"

/* Is F_m filled by Dini's differences? */
PetscBool DiniOwnDifferences_Private(DiniParameter par)
{
  return (PetscBool)(par->kind->fill == DiniParameterFill_FD || par->kind->fill == DiniParameterFill_Coloring);
}

/* Do steps leave rounding of the row? Complex ones leave none, and those along which F is affine are as long as m */
static PetscBool DiniRounds(DiniParameter par)
{
  return (PetscBool)(par->difference != DINI_DIFFERENCE_COMPLEX && !par->affine);
}

/* By rounding, of an entry that the step h has found in a row of that size; 0: not known */
static PetscReal Rounding(PetscReal row, PetscReal h)
{
  DiniEntry e;

  DiniEntryStart_Private(row, h, &e);
  return e.error;
}

/* Where F does not move at all it does not round either */
static PetscReal EntryDoubt(PetscReal value, PetscReal relative, PetscReal rounding)
{
  return value > 0.0 ? relative * value + rounding : 0.0;
}

/* y = size sqrt(squares) on this rank */
static PetscErrorCode DiniRoots(PetscReal size, const PetscReal squares[], Vec y)
{
  PetscScalar *a;
  PetscInt     n;

  PetscFunctionBegin;
  PetscCall(VecGetLocalSize(y, &n));
  PetscCall(VecGetArrayWrite(y, &a));
  for (PetscInt i = 0; i < n; i++) a[i] = size * PetscSqrtReal(squares[i]);
  PetscCall(VecRestoreArrayWrite(y, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Dense columns; x: of this rank, times scale */
static PetscErrorCode DiniColumnsDoubt(Dini dini, DiniParameter par, PetscBool adjoint, const PetscScalar x[],
                                       PetscReal scale, PetscReal columns[], PetscReal rows[])
{
  const PetscScalar *A, *sizes = NULL;
  const PetscBool    known = (PetscBool)(DiniRounds(par) && dini->rows && dini->rowspoint == dini->point);
  MPI_Comm           comm  = PetscObjectComm((PetscObject)dini);
  PetscInt           lda, first;

  PetscFunctionBegin;
  PetscCall(VecGetOwnershipRange(par->copy, &first, NULL));
  if (!adjoint) {
    for (PetscInt j = 0; j < par->n; j++) columns[first + j] = PetscAbsScalar(scale * x[j]);
    PetscCall(MPIU_Allreduce(MPI_IN_PLACE, columns, (PetscMPIInt)par->N, MPIU_REAL, MPIU_SUM, comm));
  }
  if (known) PetscCall(VecGetArrayRead(dini->rows, &sizes));
  PetscCall(MatDenseGetLDA(par->Fm, &lda));
  PetscCall(MatDenseGetArrayRead(par->Fm, &A));
  for (PetscInt j = 0; j < par->N; j++) {
    const DiniColumn *c        = &par->columns[j];
    const PetscReal   relative = PetscMax(c->error, par->missed);

    for (PetscInt i = 0; i < dini->n && c->kept; i++) {
      const PetscReal own      = par->errors ? par->errors[(size_t)i + (size_t)j * (size_t)dini->n] : -1.0;
      const PetscReal rounding = own >= 0.0 ? own : sizes ? Rounding(PetscRealPart(sizes[i]), c->used) : 0.0;
      const PetscReal e        = EntryDoubt(PetscAbsScalar(A[(size_t)i + (size_t)j * (size_t)lda]), relative, rounding);

      if (adjoint) columns[j] += PetscSqr(e * PetscAbsScalar(scale * x[i]));
      else rows[i] += PetscSqr(e * columns[j]);
    }
  }
  PetscCall(MatDenseRestoreArrayRead(par->Fm, &A));
  if (known) PetscCall(VecRestoreArrayRead(dini->rows, &sizes));
  if (adjoint) PetscCall(MPIU_Allreduce(MPI_IN_PLACE, columns, (PetscMPIInt)par->N, MPIU_REAL, MPIU_SUM, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = sqrt(|E|^2 |x|^2), or with E^H, for the E that F_m of dense columns may be off by */
static PetscErrorCode DiniDenseDoubt(Dini dini, DiniParameter par, PetscBool adjoint, PetscReal size, Vec x, Vec y)
{
  const PetscScalar *a;
  PetscReal         *columns, *rows;
  PetscInt           first;

  PetscFunctionBegin;
  PetscCall(VecGetOwnershipRange(par->copy, &first, NULL));
  PetscCall(PetscCalloc2(par->N, &columns, dini->n, &rows));
  PetscCall(VecGetArrayRead(x, &a));
  PetscCall(DiniColumnsDoubt(dini, par, adjoint, a, 1.0 / size, columns, rows));
  PetscCall(VecRestoreArrayRead(x, &a));
  PetscCall(DiniRoots(size, adjoint ? columns + first : rows, y));
  PetscCall(PetscFree2(columns, rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The columns' steps and errors to whoever has rows of them */
static PetscErrorCode DiniColoringKnown(DiniColoring c)
{
  PetscScalar *a;

  PetscFunctionBegin;
  for (int what = 0; what < 2; what++) {
    PetscCall(VecGetArrayWrite(c->one, &a));
    for (PetscInt j = 0; j < c->ncols; j++)
      a[j] = !c->columns[j].kept ? 0.0 : what ? c->columns[j].error : c->columns[j].used;
    PetscCall(VecRestoreArrayWrite(c->one, &a));
    PetscCall(DiniColoringToGhosts_Private(c, what ? c->ghostformula : c->ghosth));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same of coloured differences, whose rows miss so much; x and y may be laid out as nothing else here is */
PetscErrorCode DiniColoringDoubt_Private(DiniColoring c, PetscReal missed, PetscBool rounds, PetscBool adjoint,
                                         PetscReal size, Vec x, Vec y)
{
  const PetscScalar *a, *h, *errors;
  PetscScalar       *ghosts;
  PetscReal         *rows;

  PetscFunctionBegin;
  PetscCall(DiniColoringKnown(c));
  PetscCall(VecSet(c->ghostw, 0.0));
  if (!adjoint) {
    PetscCall(VecCopy(x, c->one));
    PetscCall(DiniColoringToGhosts_Private(c, c->ghostw));
  }
  PetscCall(PetscCalloc1(c->nrows, &rows));
  PetscCall(VecGetArrayRead(x, &a));
  PetscCall(VecGetArrayRead(c->ghosth, &h));
  PetscCall(VecGetArrayRead(c->ghostformula, &errors));
  PetscCall(VecGetArray(c->ghostw, &ghosts));
  for (PetscInt k = 0; k < c->rowptr[c->nrows]; k++) {
    const PetscInt  g = c->ghost[k], r = c->row[k];
    const PetscReal own = c->errors ? c->errors[k] : Rounding(c->rowsizes[r], PetscRealPart(h[g]));
    const PetscReal e =
        EntryDoubt(PetscAbsScalar(c->values[k]), PetscMax(PetscRealPart(errors[g]), missed), rounds ? own : 0.0);

    if (adjoint) ghosts[g] += PetscSqr(e * PetscAbsScalar(a[r] / size));
    else rows[r] += PetscSqr(e * PetscAbsScalar(ghosts[g] / size));
  }
  PetscCall(VecRestoreArray(c->ghostw, &ghosts));
  PetscCall(VecRestoreArrayRead(c->ghostformula, &errors));
  PetscCall(VecRestoreArrayRead(c->ghosth, &h));
  PetscCall(VecRestoreArrayRead(x, &a));
  if (adjoint) {
    PetscCall(VecSet(c->one, 0.0));
    PetscCall(VecScatterBegin(c->scatter, c->ghostw, c->one, ADD_VALUES, SCATTER_REVERSE));
    PetscCall(VecScatterEnd(c->scatter, c->ghostw, c->one, ADD_VALUES, SCATTER_REVERSE));
    PetscCall(VecCopy(c->one, y));
    PetscCall(VecSqrtAbs(y));
    PetscCall(VecScale(y, size));
  } else PetscCall(DiniRoots(size, rows, y));
  PetscCall(PetscFree(rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What F_m x, or F_m^H x, may be off by; x has the layout of the block or the state. *known: not for products along directions */
PetscErrorCode DiniParameterDoubt_Private(Dini dini, DiniParameter par, PetscBool adjoint, Vec x, Vec y,
                                          PetscBool *known)
{
  PetscReal size;

  PetscFunctionBegin;
  PetscCall(VecSet(y, 0.0));
  PetscCall(DiniNormMax_Private(x, &size));
  *known = (PetscBool)(par->coloring || par->columns || size == 0.0);
  if (!*known || size == 0.0 || PetscIsInfOrNanReal(size)) PetscFunctionReturn(PETSC_SUCCESS);
  if (par->coloring)
    PetscCall(DiniColoringDoubt_Private(par->coloring, par->missed, DiniRounds(par), adjoint, size, x, y));
  else PetscCall(DiniDenseDoubt(dini, par, adjoint, size, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}
