/* The linear problem: central differences on the nodes inside the unit square. */
#include "plume.h"

/* v = value in a box of the grid, whose nodes are those inside the square */
static PetscErrorCode SetBox(DM da, PetscReal west, PetscReal east, PetscReal south, PetscReal north, PetscScalar value,
                             Vec v)
{
  DMDALocalInfo info;
  PetscScalar **a;

  PetscFunctionBeginUser;
  PetscCall(DMDAGetLocalInfo(da, &info));
  PetscCall(DMDAVecGetArray(da, v, &a));
  for (PetscInt j = info.ys; j < info.ys + info.ym; j++) {
    for (PetscInt i = info.xs; i < info.xs + info.xm; i++) {
      const PetscReal x = (i + 1.0) / (info.mx + 1.0), y = (j + 1.0) / (info.my + 1.0);

      if (x >= west && x <= east && y >= south && y <= north) a[j][i] = value;
    }
  }
  PetscCall(DMDAVecRestoreArray(da, v, &a));
  PetscFunctionReturn(0);
}

/* A wetland, where decay is fast, lies between source and receptor. */
PetscErrorCode PlumeCreate(MPI_Comm comm, Plume *plume)
{
  PetscScalar sum;

  PetscFunctionBeginUser;
  plume->wind = 20.0;
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-lin_wind", &plume->wind, NULL));
  PetscCall(DMDACreate2d(comm, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DMDA_STENCIL_STAR, 12, 9, PETSC_DECIDE, PETSC_DECIDE,
                         1, 1, NULL, NULL, &plume->da));
  PetscCall(DMSetFromOptions(plume->da));
  PetscCall(DMSetUp(plume->da));
  PetscCall(DMCreateGlobalVector(plume->da, &plume->m));
  PetscCall(VecDuplicate(plume->m, &plume->b));
  PetscCall(VecDuplicate(plume->m, &plume->receptor));
  PetscCall(VecSet(plume->m, 5.0));
  PetscCall(SetBox(plume->da, 0.4, 0.6, 0.2, 0.5, 50.0, plume->m));
  PetscCall(SetBox(plume->da, 0.1, 0.3, 0.3, 0.6, 100.0, plume->b));
  PetscCall(SetBox(plume->da, 0.7, 0.9, 0.4, 0.7, 1.0, plume->receptor));
  PetscCall(VecSum(plume->receptor, &sum));
  PetscCall(VecScale(plume->receptor, 1.0 / sum));
  PetscFunctionReturn(0);
}

PetscErrorCode PlumeDestroy(Plume *plume)
{
  PetscFunctionBeginUser;
  PetscCall(VecDestroy(&plume->m));
  PetscCall(VecDestroy(&plume->b));
  PetscCall(VecDestroy(&plume->receptor));
  PetscCall(DMDestroy(&plume->da));
  PetscFunctionReturn(0);
}

/* A(m) by central differences. b is left alone: it holds the source, which is a parameter itself. */
PetscErrorCode PlumeAssemble(Dini dini, Mat A, Mat P, Vec b, void *ctx)
{
  const Plume  *plume = (const Plume *)ctx;
  DMDALocalInfo info;
  PetscScalar **m;

  PetscFunctionBeginUser;
  (void)dini, (void)P, (void)b;
  PetscCall(DMDAGetLocalInfo(plume->da, &info));
  PetscCall(DMDAVecGetArrayRead(plume->da, plume->m, &m));
  for (PetscInt j = info.ys; j < info.ys + info.ym; j++) {
    for (PetscInt i = info.xs; i < info.xs + info.xm; i++) {
      const PetscReal nx = info.mx + 1.0, ny = info.my + 1.0, c = 0.5 * plume->wind * nx;
      MatStencil      row = {.i = i, .j = j}, column[5] = {row, row, row, row, row};
      PetscScalar     a[5] = {2.0 * (nx * nx + ny * ny) + m[j][i]};
      PetscInt        n    = 1;

      if (i > 0) column[n].i--, a[n++] = -nx * nx - c;
      if (i < info.mx - 1) column[n].i++, a[n++] = -nx * nx + c;
      if (j > 0) column[n].j--, a[n++] = -ny * ny;
      if (j < info.my - 1) column[n].j++, a[n++] = -ny * ny;
      PetscCall(MatSetValuesStencil(A, 1, &row, n, column, a, INSERT_VALUES));
    }
  }
  PetscCall(DMDAVecRestoreArrayRead(plume->da, plume->m, &m));
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(0);
}

/* F_m = diag(u) */
PetscErrorCode PlumeFillDecay(Dini dini, Vec u, Vec m, Mat Fm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini, (void)m, (void)ctx;
  PetscCall(MatDiagonalSet(Fm, u, INSERT_VALUES));
  PetscFunctionReturn(0);
}
