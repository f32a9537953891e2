#include "plate.h"

/* 1.2 m x 0.8 m of steel, 4 mm thick, with a patch that has lost up to 1 mm */
static PetscErrorCode SetThickness(Plate *plate)
{
  PetscScalar **t;
  PetscInt      xs, ys, xm, ym, mx, my;

  PetscFunctionBeginUser;
  PetscCall(DMDAGetInfo(plate->da, NULL, &mx, &my, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL));
  PetscCall(DMDAGetCorners(plate->da, &xs, &ys, NULL, &xm, &ym, NULL));
  PetscCall(DMDAVecGetArray(plate->da, plate->t, &t));
  for (PetscInt j = ys; j < ys + ym; j++) {
    for (PetscInt i = xs; i < xs + xm; i++) {
      const PetscReal x = plate->lx * (PetscReal)(i + 1) / (PetscReal)(mx + 1) - 0.85;
      const PetscReal y = plate->ly * (PetscReal)(j + 1) / (PetscReal)(my + 1) - 0.25;

      t[j][i] = 4e-3 - 1e-3 * PetscExpReal(-(x * x + y * y) / (2.0 * 0.08 * 0.08));
    }
  }
  PetscCall(DMDAVecRestoreArray(plate->da, plate->t, &t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FillLaplacian(Plate *plate)
{
  PetscInt xs, ys, xm, ym, mx, my;

  PetscFunctionBeginUser;
  PetscCall(DMDAGetInfo(plate->da, NULL, &mx, &my, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL));
  PetscCall(DMDAGetCorners(plate->da, &xs, &ys, NULL, &xm, &ym, NULL));
  const PetscReal hx2 = PetscSqr(plate->lx / (PetscReal)(mx + 1)), hy2 = PetscSqr(plate->ly / (PetscReal)(my + 1));

  for (PetscInt j = ys; j < ys + ym; j++) {
    for (PetscInt i = xs; i < xs + xm; i++) {
      const PetscScalar v[5]  = {1.0 / hy2, 1.0 / hx2, -2.0 / hx2 - 2.0 / hy2, 1.0 / hx2, 1.0 / hy2};
      MatStencil        row   = {0}, col[5];
      const PetscInt    di[5] = {0, -1, 0, 1, 0}, dj[5] = {-1, 0, 0, 0, 1};
      PetscScalar       put[5];
      PetscInt          n = 0;

      row.i = i;
      row.j = j;
      for (int k = 0; k < 5; k++) {
        if (i + di[k] < 0 || i + di[k] >= mx || j + dj[k] < 0 || j + dj[k] >= my) continue; /* w = 0 on the edges */
        col[n]   = row;
        col[n].i = i + di[k];
        col[n].j = j + dj[k];
        put[n++] = v[k];
      }
      PetscCall(MatSetValuesStencil(plate->L, 1, &row, n, col, put, INSERT_VALUES));
    }
  }
  PetscCall(MatAssemblyBegin(plate->L, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(plate->L, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PlateCreate(MPI_Comm comm, Plate *plate)
{
  PetscInt n;

  PetscFunctionBeginUser;
  plate->lx        = 1.2;
  plate->ly        = 0.8;
  plate->density   = 7850.0;
  plate->stiffness = 210e9 / (12.0 * (1.0 - 0.3 * 0.3));
  PetscCall(DMDACreate2d(comm, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DMDA_STENCIL_STAR, 23, 15, PETSC_DECIDE,
                         PETSC_DECIDE, 1, 1, NULL, NULL, &plate->da));
  PetscCall(DMSetMatType(plate->da, MATAIJ));
  PetscCall(DMSetFromOptions(plate->da));
  PetscCall(DMSetUp(plate->da));
  PetscCall(DMCreateGlobalVector(plate->da, &plate->t));
  PetscCall(VecDuplicate(plate->t, &plate->d));
  PetscCall(VecDuplicate(plate->t, &plate->w));
  PetscCall(SetThickness(plate));
  PetscCall(DMCreateMatrix(plate->da, &plate->L));
  PetscCall(FillLaplacian(plate));
  PetscCall(MatDuplicate(plate->L, MAT_COPY_VALUES, &plate->LD));
  PetscCall(MatMatMult(plate->LD, plate->L, MAT_INITIAL_MATRIX, PETSC_DEFAULT, &plate->LDL));
  PetscCall(MatDuplicate(plate->LDL, MAT_COPY_VALUES, &plate->A));
  PetscCall(VecGetLocalSize(plate->t, &n));
  PetscCall(MatCreateAIJ(comm, n, n, PETSC_DETERMINE, PETSC_DETERMINE, 1, NULL, 0, NULL, &plate->B));
  {
    Mat M[2] = {plate->A, plate->B};

    PetscCall(PlateAssemble(NULL, 2, M, plate));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PlateDestroy(Plate *plate)
{
  PetscFunctionBeginUser;
  PetscCall(MatDestroy(&plate->A));
  PetscCall(MatDestroy(&plate->B));
  PetscCall(MatDestroy(&plate->L));
  PetscCall(MatDestroy(&plate->LD));
  PetscCall(MatDestroy(&plate->LDL));
  PetscCall(VecDestroy(&plate->t));
  PetscCall(VecDestroy(&plate->d));
  PetscCall(VecDestroy(&plate->w));
  PetscCall(DMDestroy(&plate->da));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PlateAssemble(Dini dini, PetscInt n, Mat M[], void *ctx)
{
  Plate *plate = (Plate *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  (void)n;
  PetscCall(VecPointwiseMult(plate->d, plate->t, plate->t));
  PetscCall(VecPointwiseMult(plate->d, plate->d, plate->t));
  PetscCall(VecScale(plate->d, plate->stiffness)); /* D = E t^3 / (12 (1 - nu^2)) */
  PetscCall(MatCopy(plate->L, plate->LD, SAME_NONZERO_PATTERN));
  PetscCall(MatDiagonalScale(plate->LD, NULL, plate->d));
  PetscCall(MatMatMult(plate->LD, plate->L, MAT_REUSE_MATRIX, PETSC_DEFAULT, &plate->LDL));
  PetscCall(MatCopy(plate->LDL, M[0], SAME_NONZERO_PATTERN));
  PetscCall(VecAXPBY(plate->d, plate->density, 0.0, plate->t));
  PetscCall(MatDiagonalSet(M[1], plate->d, INSERT_VALUES));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = c0 L ((dD/dt L u) x) + c1 rho u x, entry by entry within the brackets */
PetscErrorCode PlateApply(Dini dini, Vec u, Vec t, Vec x, Vec y, void *ctx)
{
  Plate             *plate = (Plate *)ctx;
  const PetscScalar *c;

  PetscFunctionBeginUser;
  PetscCall(DiniGetEigenCoefficients(dini, NULL, &c));
  PetscCall(MatMult(plate->L, u, plate->w));
  PetscCall(VecPointwiseMult(plate->d, t, t));
  PetscCall(VecPointwiseMult(plate->w, plate->w, plate->d));
  PetscCall(VecPointwiseMult(plate->w, plate->w, x));
  PetscCall(MatMult(plate->L, plate->w, y));
  PetscCall(VecPointwiseMult(plate->w, u, x));
  PetscCall(VecAXPBY(y, c[1] * plate->density, c[0] * 3.0 * plate->stiffness, plate->w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = conj(c0 dD/dt L u) (L x) + conj(c1 rho u) x; L is real and symmetric */
PetscErrorCode PlateApplyAdjoint(Dini dini, Vec u, Vec t, Vec x, Vec y, void *ctx)
{
  Plate             *plate = (Plate *)ctx;
  const PetscScalar *c;

  PetscFunctionBeginUser;
  PetscCall(DiniGetEigenCoefficients(dini, NULL, &c));
  PetscCall(MatMult(plate->L, u, plate->w));
  PetscCall(VecPointwiseMult(plate->d, t, t));
  PetscCall(VecPointwiseMult(plate->w, plate->w, plate->d));
  PetscCall(VecScale(plate->w, c[0] * 3.0 * plate->stiffness));
  PetscCall(VecConjugate(plate->w));
  PetscCall(MatMult(plate->L, x, plate->d));
  PetscCall(VecPointwiseMult(y, plate->w, plate->d));
  PetscCall(VecAXPBY(plate->w, c[1] * plate->density, 0.0, u));
  PetscCall(VecConjugate(plate->w));
  PetscCall(VecPointwiseMult(plate->w, plate->w, x));
  PetscCall(VecAXPY(y, 1.0, plate->w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All values in the grid's natural order, on rank 0 */
static PetscErrorCode Collect(Plate *plate, Vec v, Vec *all)
{
  Vec        natural;
  VecScatter scatter;

  PetscFunctionBeginUser;
  PetscCall(DMDACreateNaturalVector(plate->da, &natural));
  PetscCall(DMDAGlobalToNaturalBegin(plate->da, v, INSERT_VALUES, natural));
  PetscCall(DMDAGlobalToNaturalEnd(plate->da, v, INSERT_VALUES, natural));
  PetscCall(VecScatterCreateToZero(natural, &scatter, all));
  PetscCall(VecScatterBegin(scatter, natural, *all, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(scatter, natural, *all, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterDestroy(&scatter));
  PetscCall(VecDestroy(&natural));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PlateWrite(Plate *plate, const char file[], PetscInt n, Vec fields[])
{
  PetscInt mx, my, size;
  FILE    *f;
  Vec     *all;

  PetscFunctionBeginUser;
  PetscCall(DMDAGetInfo(plate->da, NULL, &mx, &my, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL));
  PetscCall(PetscMalloc1(n + 1, &all));
  PetscCall(Collect(plate, plate->t, &all[0]));
  for (PetscInt k = 0; k < n; k++) PetscCall(Collect(plate, fields[k], &all[k + 1]));
  PetscCall(PetscFOpen(PetscObjectComm((PetscObject)plate->da), file, "w", &f));
  PetscCall(VecGetLocalSize(all[0], &size)); /* zero but on rank 0 */
  for (PetscInt row = 0; row < size; row++) {
    PetscCall(PetscFPrintf(PETSC_COMM_SELF, f, "%g %g",
                           (double)(plate->lx * (PetscReal)(row % mx + 1) / (PetscReal)(mx + 1)),
                           (double)(plate->ly * (PetscReal)(row / mx + 1) / (PetscReal)(my + 1))));
    for (PetscInt k = 0; k <= n; k++) {
      const PetscScalar *a;

      PetscCall(VecGetArrayRead(all[k], &a));
      PetscCall(PetscFPrintf(PETSC_COMM_SELF, f, " %.6e", (double)PetscRealPart(a[row])));
      PetscCall(VecRestoreArrayRead(all[k], &a));
    }
    PetscCall(PetscFPrintf(PETSC_COMM_SELF, f, row % mx == mx - 1 ? "\n\n" : "\n"));
  }
  PetscCall(PetscFClose(PetscObjectComm((PetscObject)plate->da), f));
  for (PetscInt k = 0; k <= n; k++) PetscCall(VecDestroy(&all[k]));
  PetscCall(PetscFree(all));
  PetscFunctionReturn(PETSC_SUCCESS);
}
