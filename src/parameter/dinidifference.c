/* Differences of F in the parameters: the step rule, the residual beside the point, products. */
#include "../private/diniparameterimpl.h"

/* A direction in which each entry moves by as much as its step, in units of eps^(1/3): F has been seen to be smooth there */
PetscErrorCode DiniParameterSteps_Private(DiniParameter par, Vec dm)
{
  const PetscReal unit = PetscPowReal(PETSC_MACHINE_EPSILON, 1.0 / 3.0);
  PetscScalar    *a;
  PetscInt        first;

  PetscFunctionBegin;
  if (par->affine || par->difference != DINI_DIFFERENCE_CENTRAL || !(par->coloring || par->columns))
    PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecGetOwnershipRange(dm, &first, NULL));
  PetscCall(VecGetArray(dm, &a));
  for (PetscInt j = 0; j < par->n; j++) {
    const DiniColumn *c    = par->coloring ? DiniColoringColumn_Private(par->coloring, j) : &par->columns[first + j];
    const PetscReal   size = PetscAbsScalar(a[j]);

    if (!c->kept || !(size > 0.0)) continue;
    a[j] *= PetscAbsReal(c->used) / (unit * size);
    if (c->usedformula == DINI_FORMULA_ONESIDED) a[j] = c->used / unit;
  }
  PetscCall(VecRestoreArray(dm, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What rounding of the rows leaves of y, a difference along a direction, in each field */
static PetscErrorCode DiniDirectionLost(Dini dini, const DiniScheme *scheme, const DiniColumn *c, Vec y,
                                        PetscReal *lost)
{
  const PetscReal    size = PetscAbsReal(c->first) / scheme->step;
  const PetscScalar *rows, *a;
  unsigned char     *field;
  PetscReal         *sums;
  PetscInt           n;

  PetscFunctionBegin;
  *lost = 0.0;
  if (!scheme->probed || !scheme->rows || c->failed) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniEngineSaidFields_Private(dini->engine, PETSC_FALSE, &n, &field));
  PetscCall(PetscCalloc1(3 * n, &sums));
  PetscCall(VecGetArrayRead(scheme->rows, &rows));
  PetscCall(VecGetArrayRead(y, &a));
  for (PetscInt i = 0; i < dini->n; i++) {
    const PetscReal row = PetscRealPart(rows[i]);
    DiniEntry       e;

    DiniEntryStart_Private(row, c->used, &e);
    DiniLostAdd_Private(&sums[3 * (size_t)field[i]], PetscAbsScalar(a[i]), e.error, row, size);
  }
  PetscCall(VecRestoreArrayRead(y, &a));
  PetscCall(VecRestoreArrayRead(scheme->rows, &rows));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, sums, (PetscMPIInt)(3 * n), MPIU_REAL, MPIU_SUM,
                           PetscObjectComm((PetscObject)dini)));
  for (PetscInt f = 0; f < n; f++) *lost = PetscMax(*lost, DiniLost_Private(&sums[3 * (size_t)f]));
  PetscCall(PetscFree(sums));
  PetscCall(PetscFree(field));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The tangent of a block too large for dense columns: one difference along the direction itself. */
static PetscErrorCode DiniDirectionalMult(Mat Fm, Vec x, Vec y)
{
  DiniParameter par;
  Dini          dini;
  PetscReal     relative, own, lost;
  DiniScheme    scheme;
  DiniColumn    column;

  PetscFunctionBegin;
  PetscCall(DiniShellContext_Private(Fm, &par));
  dini = par->dini;
  PetscCall(DiniRelativeSize_Private(x, par->copy, 0.0, PETSC_MAX_REAL, &relative, &own));
  PetscCall(VecSet(y, 0.0));
  if (relative == 0.0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniParameterScheme_Private(dini, par, &scheme));
  PetscCall(DiniSchemeRows_Private(dini, &scheme));
  DiniColumnStart_Private(&scheme, scheme.step / relative, own > 0.0 ? 1.0 / own : 0.0, &column);
  column.entry = PETSC_FALSE;
  PetscCall(DiniDifferenceAlong_Private(dini, &scheme, x, &column, y));
  if (scheme.judged && !column.failed && column.usedformula == DINI_FORMULA_CENTRAL) {
    DiniColumnSuspect_Private(&column);
    PetscCall(DiniRefineAlong_Private(dini, &scheme, scheme.rows, x, &column, y));
    par->error = PetscMax(par->error, column.error);
  }
  PetscCall(DiniDirectionLost(dini, &scheme, &column, y, &lost));
  par->lost = PetscMax(par->lost, lost);
  PetscCall(DiniHome_Private(dini));
  if (column.failed) PetscCall(DiniColumnFailed_Private(dini, &scheme, -1, 0.0, column.h));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniParameterCreate_FD(Dini dini, DiniParameter par, Mat *Fm)
{
  MPI_Comm comm = PetscObjectComm((PetscObject)dini);

  PetscFunctionBegin;
  if (par->N <= par->maxcolumns) {
    PetscCall(MatCreateDense(comm, dini->n, par->n, dini->N, par->N, NULL, Fm));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscInfo(dini,
                      "Parameter \"%s\" has %" PetscInt_FMT " entries, too many for dense columns: tangents only\n",
                      par->name, par->N));
  PetscCall(MatCreateShell(comm, dini->n, par->n, dini->N, par->N, par, Fm));
  PetscCall(MatShellSetOperation(*Fm, MATOP_MULT, (void (*)(void))DiniDirectionalMult));
  PetscFunctionReturn(PETSC_SUCCESS);
}
