/* What the modes share: vectors and matrices from numbers that every rank has, and comparisons */
#include "modes.h"
#include <stdio.h>

PetscErrorCode ModeVec(App *app, PetscInt N, Vec *v)
{
  PetscInt n;

  PetscFunctionBeginUser;
  RandomLayout(&app->random, N, app->size, app->rank, &n);
  PetscCall(VecCreate(app->comm, v));
  PetscCall(VecSetSizes(*v, n, N));
  PetscCall(VecSetType(*v, VECSTANDARD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ModeMatrix(App *app, Vec rows, Vec columns, PetscBool dense, ModeEntryFn *entry, const void *ctx, Mat *M)
{
  PetscInt m, n, rows_, columns_, lo, hi;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(rows, &m));
  PetscCall(VecGetLocalSize(columns, &n));
  PetscCall(VecGetSize(rows, &rows_));
  PetscCall(VecGetSize(columns, &columns_));
  if (dense) PetscCall(MatCreateDense(app->comm, m, n, rows_, columns_, NULL, M));
  else PetscCall(MatCreateAIJ(app->comm, m, n, rows_, columns_, columns_, NULL, columns_, NULL, M));
  PetscCall(MatGetOwnershipRange(*M, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++)
    for (PetscInt j = 0; j < columns_; j++) {
      const PetscScalar value = entry(i, j, ctx);

      if (value != (PetscScalar)0.0) PetscCall(MatSetValue(*M, i, j, value, INSERT_VALUES));
    }
  PetscCall(MatAssemblyBegin(*M, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*M, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ModeWrite(App *app, const PetscScalar values[], Vec v)
{
  PetscInt     lo, hi;
  PetscScalar *local;

  PetscFunctionBeginUser;
  (void)app;
  PetscCall(VecGetOwnershipRange(v, &lo, &hi));
  PetscCall(VecGetArray(v, &local));
  for (PetscInt i = lo; i < hi; i++) local[i - lo] = values[i];
  PetscCall(VecRestoreArray(v, &local));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscReal ModeDistance(PetscInt n, const PetscScalar a[], const PetscScalar b[], PetscReal size)
{
  PetscReal miss = 0.0;

  for (PetscInt i = 0; i < n; i++) {
    size = PetscMax(size, PetscAbsScalar(b[i]));
    if (!(PetscAbsScalar(a[i] - b[i]) <= miss)) miss = PetscAbsScalar(a[i] - b[i]);
    if (PetscIsInfOrNanScalar(a[i])) return PETSC_INFINITY;
  }
  return size > 0.0 ? miss / size : miss > 0.0 ? PETSC_INFINITY : 0.0;
}

PetscBool ModeSolve(PetscInt n, PetscInt columns, PetscScalar A[], PetscScalar B[])
{
  for (PetscInt k = 0; k < n; k++) {
    PetscInt p = k;

    for (PetscInt i = k + 1; i < n; i++)
      if (PetscAbsScalar(A[i * n + k]) > PetscAbsScalar(A[p * n + k])) p = i;
    if (A[p * n + k] == (PetscScalar)0.0) return PETSC_FALSE;
    for (PetscInt j = 0; j < n && p != k; j++) {
      const PetscScalar a = A[k * n + j];

      A[k * n + j] = A[p * n + j], A[p * n + j] = a;
    }
    for (PetscInt j = 0; j < columns && p != k; j++) {
      const PetscScalar b = B[k * columns + j];

      B[k * columns + j] = B[p * columns + j], B[p * columns + j] = b;
    }
    for (PetscInt i = k + 1; i < n; i++) {
      const PetscScalar f = A[i * n + k] / A[k * n + k];

      for (PetscInt j = k + 1; j < n; j++) A[i * n + j] -= f * A[k * n + j];
      for (PetscInt j = 0; j < columns; j++) B[i * columns + j] -= f * B[k * columns + j];
    }
  }
  for (PetscInt k = n - 1; k >= 0; k--)
    for (PetscInt j = 0; j < columns; j++) {
      for (PetscInt i = k + 1; i < n; i++) B[k * columns + j] -= A[k * n + i] * B[i * columns + j];
      B[k * columns + j] /= A[k * n + k];
    }
  return PETSC_TRUE;
}

void ModeCompare(App *app, const char what[], PetscReal distance, PetscReal tolerance)
{
  char why[160];

  app->worst = PetscMax(app->worst, distance / tolerance);
  FuzzSay(app, "    %s: off by %.1e\n", what, (double)distance);
  if (distance <= tolerance) app->count[RIGHT]++;
  else {
    (void)snprintf(why, sizeof(why), "off by %.3g, tolerance %.1g", (double)distance, (double)tolerance);
    FuzzFail(app, WRONG, what, why);
  }
}
