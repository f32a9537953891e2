#include "units.h"

/* Row i of B: a field's own equation, convective, and what the other fields of the point put into it */
static PetscErrorCode Row(Units *s, PetscInt i, PetscInt *n, PetscInt cols[], PetscScalar values[])
{
  const PetscInt k = s->nfields, f = i % k;

  PetscFunctionBeginUser;
  *n        = 0;
  cols[0]   = i;
  values[0] = DiniTestScalar(2.4 + 0.1 * (PetscReal)f, 0.2);
  *n        = 1;
  if (i >= k) {
    cols[*n]       = i - k;
    values[(*n)++] = DiniTestScalar(-1.2, 0.1);
  }
  if (i + k < s->N * k) {
    cols[*n]       = i + k;
    values[(*n)++] = DiniTestScalar(-1.0, 0.0);
  }
  for (PetscInt g = 0; g < k; g++) {
    if (g == f) continue;
    cols[*n]       = i - f + g;
    values[(*n)++] = s->coupling * DiniTestScalar(1.0 + 0.5 * (PetscReal)f, -0.3);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Fill(Units *s, PetscReal off, PetscBool units, Mat A)
{
  PetscInt lo, hi;

  PetscFunctionBeginUser;
  PetscCall(MatGetOwnershipRange(A, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) {
    PetscInt    n, cols[6];
    PetscScalar values[6];

    PetscCall(Row(s, i, &n, cols, values));
    values[0] *= 1.0 + off;
    for (PetscInt k = 0; k < n && units; k++) values[k] *= s->row[i % s->nfields] * s->column[cols[k] % s->nfields];
    PetscCall(MatSetValues(A, 1, &i, n, cols, values, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* v times, or with divide by, the unit of each field */
static PetscErrorCode Scale(Units *s, Vec v, const PetscReal unit[], PetscBool divide)
{
  PetscScalar *a;
  PetscInt     lo, hi;

  PetscFunctionBeginUser;
  PetscCall(VecGetOwnershipRange(v, &lo, &hi));
  PetscCall(VecGetArray(v, &a));
  for (PetscInt i = lo; i < hi; i++) {
    if (divide) a[i - lo] /= unit[i % s->nfields];
    else a[i - lo] *= unit[i % s->nfields];
  }
  PetscCall(VecRestoreArray(v, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode UnitsDirection(Units *s, PetscBool adjoint, PetscInt mask, PetscInt seed, Vec v)
{
  PetscScalar *a;
  PetscInt     lo, hi;

  PetscFunctionBeginUser;
  PetscCall(DiniTestFill(v, seed));
  PetscCall(VecGetOwnershipRange(v, &lo, &hi));
  PetscCall(VecGetArray(v, &a));
  for (PetscInt i = lo; i < hi; i++)
    if (!(mask & (1 << (i % s->nfields)))) a[i - lo] = 0.0;
  PetscCall(VecRestoreArray(v, &a));
  PetscCall(Scale(s, v, adjoint ? s->column : s->row, PETSC_FALSE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode UnitsError(Units *s, PetscBool adjoint, PetscInt mask, PetscInt seed, Vec found, PetscReal *error)
{
  const PetscScalar *x, *y;
  PetscInt           lo, hi;
  PetscReal          mine[6] = {0.0}, all[6];

  PetscFunctionBeginUser;
  PetscCall(UnitsDirection(s, adjoint, mask, seed, s->x));
  PetscCall(Scale(s, s->x, adjoint ? s->column : s->row, PETSC_TRUE));
  PetscCall(DiniTestDirectSolve(s->B, adjoint, s->x, s->y));
  PetscCall(VecCopy(found, s->x));
  PetscCall(Scale(s, s->x, adjoint ? s->row : s->column, PETSC_FALSE));
  PetscCall(VecGetOwnershipRange(found, &lo, &hi));
  PetscCall(VecGetArrayRead(s->x, &x));
  PetscCall(VecGetArrayRead(s->y, &y));
  for (PetscInt i = 0; i < hi - lo; i++) {
    const PetscInt  f = (lo + i) % s->nfields;
    const PetscReal d = PetscAbsScalar(x[i] - y[i]);

    mine[f]     = d <= mine[f] ? mine[f] : PetscIsInfOrNanReal(d) ? PETSC_INFINITY : d;
    mine[3 + f] = PetscMax(mine[3 + f], PetscAbsScalar(y[i]));
  }
  PetscCall(VecRestoreArrayRead(s->x, &x));
  PetscCall(VecRestoreArrayRead(s->y, &y));
  PetscCallMPI(MPI_Allreduce(mine, all, 6, MPIU_REAL, MPIU_MAX, PETSC_COMM_WORLD));
  *error = 0.0;
  for (PetscInt f = 0; f < s->nfields; f++)
    if (all[3 + f] > 0.0) *error = PetscMax(*error, all[f] / all[3 + f]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode UnitsCreate(Units *s)
{
  Mat     *mats[3] = {&s->B, &s->A, &s->P};
  PetscInt n = PETSC_DECIDE, points = PETSC_DECIDE;

  PetscFunctionBeginUser;
  PetscCall(PetscSplitOwnership(PETSC_COMM_WORLD, &points, &s->N));
  n = points * s->nfields;
  for (int k = 0; k < 3; k++) {
    PetscCall(MatCreate(PETSC_COMM_WORLD, mats[k]));
    PetscCall(MatSetSizes(*mats[k], n, n, PETSC_DETERMINE, PETSC_DETERMINE));
    PetscCall(MatSetType(*mats[k], MATAIJ));
    if (s->said && k) PetscCall(MatSetBlockSize(*mats[k], s->nfields));
    PetscCall(MatSeqAIJSetPreallocation(*mats[k], 6, NULL));
    PetscCall(MatMPIAIJSetPreallocation(*mats[k], 6, NULL, 6, NULL));
    PetscCall(Fill(s, k == 2 ? 1e-5 : 0.0, (PetscBool)(k > 0), *mats[k]));
  }
  PetscCall(MatCreateVecs(s->A, &s->u, &s->b));
  PetscCall(VecDuplicate(s->u, &s->x));
  PetscCall(VecDuplicate(s->u, &s->y));
  PetscCall(UnitsDirection(s, PETSC_FALSE, 7, 11, s->b));
  PetscCall(VecCopy(s->b, s->x));
  PetscCall(Scale(s, s->x, s->row, PETSC_TRUE));
  PetscCall(DiniTestDirectSolve(s->B, PETSC_FALSE, s->x, s->u));
  PetscCall(Scale(s, s->u, s->column, PETSC_TRUE));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &s->ksp));
  PetscCall(KSPSetOperators(s->ksp, s->A, s->P));
  PetscCall(KSPSetFromOptions(s->ksp));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &s->dini));
  PetscCall(DiniSetKSP(s->dini, s->ksp));
  PetscCall(DiniSetLinearSystem(s->dini, s->b, NULL, NULL));
  PetscCall(DiniAddParameter(s->dini, "b", s->b, NULL));
  PetscCall(DiniSetParameterType(s->dini, 0, DINIPARAMETERRHS));
  PetscCall(DiniSetFromOptions(s->dini));
  PetscCall(DiniAttach(s->dini, s->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode UnitsDestroy(Units *s)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&s->dini));
  PetscCall(KSPDestroy(&s->ksp));
  PetscCall(MatDestroy(&s->A));
  PetscCall(MatDestroy(&s->B));
  PetscCall(MatDestroy(&s->P));
  PetscCall(VecDestroy(&s->u));
  PetscCall(VecDestroy(&s->b));
  PetscCall(VecDestroy(&s->x));
  PetscCall(VecDestroy(&s->y));
  PetscFunctionReturn(PETSC_SUCCESS);
}
