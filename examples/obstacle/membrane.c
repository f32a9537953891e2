/* The obstacle problem by five-point differences on the nodes inside the unit square, and the SNES that solves it. */
#include "membrane.h"

/* F = -tension Laplace(u) - load, times the area of a cell */
static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  const Membrane *m = (const Membrane *)ctx;
  DMDALocalInfo   info;
  PetscScalar   **x, **f, **load;
  Vec             local;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(DMDAGetLocalInfo(m->da, &info));
  PetscCall(DMGetLocalVector(m->da, &local));
  PetscCall(DMGlobalToLocal(m->da, u, INSERT_VALUES, local));
  PetscCall(DMDAVecGetArrayRead(m->da, local, &x));
  PetscCall(DMDAVecGetArrayRead(m->da, m->load, &load));
  PetscCall(DMDAVecGetArray(m->da, F, &f));
  for (PetscInt j = info.ys; j < info.ys + info.ym; j++) {
    for (PetscInt i = info.xs; i < info.xs + info.xm; i++) {
      const PetscReal   hx = 1.0 / (info.mx + 1.0), hy = 1.0 / (info.my + 1.0);
      const PetscScalar w = i > 0 ? x[j][i - 1] : 0.0, e = i < info.mx - 1 ? x[j][i + 1] : 0.0;
      const PetscScalar s = j > 0 ? x[j - 1][i] : 0.0, n = j < info.my - 1 ? x[j + 1][i] : 0.0;

      f[j][i] =
          m->tension * (hy / hx * (2.0 * x[j][i] - w - e) + hx / hy * (2.0 * x[j][i] - s - n)) - hx * hy * load[j][i];
    }
  }
  PetscCall(DMDAVecRestoreArray(m->da, F, &f));
  PetscCall(DMDAVecRestoreArrayRead(m->da, m->load, &load));
  PetscCall(DMDAVecRestoreArrayRead(m->da, local, &x));
  PetscCall(DMRestoreLocalVector(m->da, &local));
  PetscFunctionReturn(0);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  const Membrane *m = (const Membrane *)ctx;
  DMDALocalInfo   info;

  PetscFunctionBeginUser;
  (void)snes, (void)u, (void)J;
  PetscCall(DMDAGetLocalInfo(m->da, &info));
  for (PetscInt j = info.ys; j < info.ys + info.ym; j++) {
    for (PetscInt i = info.xs; i < info.xs + info.xm; i++) {
      const PetscReal   hx = 1.0 / (info.mx + 1.0), hy = 1.0 / (info.my + 1.0);
      const PetscScalar x = -m->tension * hy / hx, y = -m->tension * hx / hy;
      MatStencil        row = {.i = i, .j = j}, column[5] = {row, row, row, row, row};
      PetscScalar       a[5] = {-2.0 * (x + y)};
      PetscInt          n    = 1;

      if (i > 0) column[n].i--, a[n++] = x;
      if (i < info.mx - 1) column[n].i++, a[n++] = x;
      if (j > 0) column[n].j--, a[n++] = y;
      if (j < info.my - 1) column[n].j++, a[n++] = y;
      PetscCall(MatSetValuesStencil(P, 1, &row, n, column, a, INSERT_VALUES));
    }
  }
  PetscCall(MatAssemblyBegin(P, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(P, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(0);
}

/* A dome that is off the middle, so that nothing is symmetric */
static PetscErrorCode SetDome(Membrane *m)
{
  DMDALocalInfo info;
  PetscScalar **a;

  PetscFunctionBeginUser;
  PetscCall(DMDAGetLocalInfo(m->da, &info));
  PetscCall(DMDAVecGetArray(m->da, m->obstacle, &a));
  for (PetscInt j = info.ys; j < info.ys + info.ym; j++) {
    for (PetscInt i = info.xs; i < info.xs + info.xm; i++) {
      const PetscReal x = (i + 1.0) / (info.mx + 1.0) - 0.45, y = (j + 1.0) / (info.my + 1.0) - 0.53;

      a[j][i] = 0.15 - 2.0 * x * x - 3.0 * y * y;
    }
  }
  PetscCall(DMDAVecRestoreArray(m->da, m->obstacle, &a));
  PetscFunctionReturn(0);
}

PetscErrorCode MembraneCreate(MPI_Comm comm, Membrane *m)
{
  PetscFunctionBeginUser;
  m->tension = 1.0;
  PetscCall(DMDACreate2d(comm, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DMDA_STENCIL_STAR, 11, 9, PETSC_DECIDE, PETSC_DECIDE,
                         1, 1, NULL, NULL, &m->da));
  PetscCall(DMSetFromOptions(m->da));
  PetscCall(DMSetUp(m->da));
  PetscCall(DMCreateMatrix(m->da, &m->J));
  PetscCall(DMCreateGlobalVector(m->da, &m->load));
  PetscCall(VecDuplicate(m->load, &m->obstacle));
  PetscCall(VecDuplicate(m->load, &m->above));
  PetscCall(VecDuplicate(m->load, &m->F));
  PetscCall(VecSet(m->load, -2.0));
  PetscCall(VecSet(m->above, PETSC_INFINITY));
  PetscCall(SetDome(m));
  PetscCall(SNESCreate(comm, &m->snes));
  PetscCall(SNESSetType(m->snes, SNESVINEWTONRSLS));
  PetscCall(SNESSetFunction(m->snes, m->F, Residual, m));
  PetscCall(SNESSetJacobian(m->snes, m->J, m->J, Jacobian, m));
  PetscCall(SNESVISetVariableBounds(m->snes, m->obstacle, m->above));
  PetscCall(SNESSetTolerances(m->snes, 1e-13, 1e-13, 0.0, 100, 10000));
  PetscCall(SNESSetFromOptions(m->snes));
  PetscFunctionReturn(0);
}

PetscErrorCode MembraneDestroy(Membrane *m)
{
  PetscFunctionBeginUser;
  PetscCall(SNESDestroy(&m->snes));
  PetscCall(MatDestroy(&m->J));
  PetscCall(VecDestroy(&m->load));
  PetscCall(VecDestroy(&m->obstacle));
  PetscCall(VecDestroy(&m->above));
  PetscCall(VecDestroy(&m->F));
  PetscCall(DMDestroy(&m->da));
  PetscFunctionReturn(0);
}
