#include "flow.h"

#define NOISE 0.01 /* of a measurement, relative to the difference of heads between the ends */

/* a layer of 1 m/day with a tight lens across the flow and a coarse streak above it */
static PetscErrorCode SetConductivity(Flow *flow)
{
  PetscScalar **m;
  PetscInt      xs, ys, xm, ym;

  PetscFunctionBeginUser;
  PetscCall(DMDAGetCorners(flow->da, &xs, &ys, NULL, &xm, &ym, NULL));
  PetscCall(DMDAVecGetArray(flow->da, flow->m, &m));
  for (PetscInt j = ys; j < ys + ym; j++) {
    for (PetscInt i = xs; i < xs + xm; i++) {
      const PetscReal x = (PetscReal)i * flow->hx, y = (PetscReal)j * flow->hy;

      m[j][i] = -3.0 * PetscExpReal(-PetscSqr((x - 1.0) / 0.1) - PetscSqr((y - 0.3) / 0.3)) +
                1.5 * PetscExpReal(-PetscSqr((y - 0.85) / 0.08));
    }
  }
  PetscCall(DMDAVecRestoreArray(flow->da, flow->m, &m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The flux from node a to node b */
static PetscScalar Flux(PetscScalar ma, PetscScalar mb, PetscScalar ua, PetscScalar ub, PetscReal shape)
{
  return 0.5 * (PetscExpScalar(ma) + PetscExpScalar(mb)) * shape * (ua - ub);
}

static PetscErrorCode Residual(DMDALocalInfo *info, PetscScalar **u, PetscScalar **F, void *ctx)
{
  Flow           *flow   = (Flow *)ctx;
  const PetscReal across = flow->hy / flow->hx, along = flow->hx / flow->hy;
  PetscScalar   **m;
  Vec             local;

  PetscFunctionBeginUser;
  PetscCall(DMGetLocalVector(info->da, &local));
  PetscCall(DMGlobalToLocal(info->da, flow->m, INSERT_VALUES, local));
  PetscCall(DMDAVecGetArrayRead(info->da, local, &m));
  for (PetscInt j = info->ys; j < info->ys + info->ym; j++) {
    const PetscReal half = j == 0 || j == info->my - 1 ? 0.5 : 1.0; /* half a cell beside the closed sides */

    for (PetscInt i = info->xs; i < info->xs + info->xm; i++) {
      if (i == 0 || i == info->mx - 1) {
        F[j][i] = u[j][i] - (i ? 0.0 : 1.0);
        continue;
      }
      F[j][i] = half * (Flux(m[j][i], m[j][i - 1], u[j][i], u[j][i - 1], across) +
                        Flux(m[j][i], m[j][i + 1], u[j][i], u[j][i + 1], across));
      if (j > 0) F[j][i] += Flux(m[j][i], m[j - 1][i], u[j][i], u[j - 1][i], along);
      if (j < info->my - 1) F[j][i] += Flux(m[j][i], m[j + 1][i], u[j][i], u[j + 1][i], along);
    }
  }
  PetscCall(DMDAVecRestoreArrayRead(info->da, local, &m));
  PetscCall(DMRestoreLocalVector(info->da, &local));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The SNES of any flow code; J by PETSc's coloured differences */
static PetscErrorCode CreateSolver(Flow *flow)
{
  KSP         ksp;
  PC          pc;
  PetscMPIInt size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)flow->da), &size));
  PetscCall(SNESCreate(PetscObjectComm((PetscObject)flow->da), &flow->snes));
  PetscCall(SNESSetDM(flow->snes, flow->da));
  PetscCall(DMDASNESSetFunctionLocal(flow->da, INSERT_VALUES,
                                     (PetscErrorCode(*)(DMDALocalInfo *, void *, void *, void *))Residual, flow));
  PetscCall(SNESSetTolerances(flow->snes, 1e-12, 1e-12, 1e-12, 10, 1000));
  PetscCall(SNESGetKSP(flow->snes, &ksp));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCLU));
  if (size > 1) PetscCall(PCFactorSetMatSolverType(pc, MATSOLVERMUMPS));
  PetscCall(SNESSetFromOptions(flow->snes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One row a well, all on the first rank: 1/error at its node */
static PetscErrorCode CreateObservation(Flow *flow)
{
  const PetscReal place[WELLS][2] = {{0.4, 0.3}, {0.4, 0.75}, {0.8, 0.25}, {1.2, 0.25}, {1.25, 0.3125}, {1.65, 0.6}};
  PetscInt        n, N, mx;
  PetscMPIInt     rank;
  AO              ao;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PetscObjectComm((PetscObject)flow->da), &rank));
  PetscCall(VecGetLocalSize(flow->u, &n));
  PetscCall(VecGetSize(flow->u, &N));
  PetscCall(DMDAGetInfo(flow->da, NULL, &mx, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL));
  PetscCall(DMDAGetAO(flow->da, &ao));
  PetscCall(
      MatCreateAIJ(PetscObjectComm((PetscObject)flow->da), rank ? 0 : WELLS, n, WELLS, N, 1, NULL, 1, NULL, &flow->B));
  for (PetscInt w = 0; w < WELLS; w++) {
    const PetscInt i = (PetscInt)(place[w][0] / flow->hx + 0.5), j = (PetscInt)(place[w][1] / flow->hy + 0.5);
    PetscInt       column = i + j * mx;

    flow->well[w][0] = (PetscReal)i * flow->hx;
    flow->well[w][1] = (PetscReal)j * flow->hy;
    PetscCall(AOApplicationToPetsc(ao, 1, &column));
    if (rank == 0) PetscCall(MatSetValue(flow->B, w, column, 1.0 / NOISE, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(flow->B, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(flow->B, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FlowCreate(MPI_Comm comm, Flow *flow)
{
  PetscInt mx, my;

  PetscFunctionBeginUser;
  PetscCall(DMDACreate2d(comm, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DMDA_STENCIL_STAR, 65, 33, PETSC_DECIDE,
                         PETSC_DECIDE, 1, 1, NULL, NULL, &flow->da));
  PetscCall(DMDASetRefinementFactor(flow->da, 4, 4, 1));
  PetscCall(DMSetMatType(flow->da, MATAIJ));
  PetscCall(DMSetFromOptions(flow->da));
  PetscCall(DMSetUp(flow->da));
  PetscCall(DMDAGetInfo(flow->da, NULL, &mx, &my, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL));
  flow->hx = 2.0 / (PetscReal)(mx - 1);
  flow->hy = 1.0 / (PetscReal)(my - 1);
  PetscCall(DMCreateGlobalVector(flow->da, &flow->u));
  PetscCall(DMCreateGlobalVector(flow->da, &flow->m));
  PetscCall(SetConductivity(flow));
  PetscCall(CreateSolver(flow));
  PetscCall(CreateObservation(flow));
  PetscCall(DMCoarsen(flow->da, comm, &flow->coarse));
  PetscCall(DMCreateInterpolation(flow->coarse, flow->da, &flow->S, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FlowDestroy(Flow *flow)
{
  PetscFunctionBeginUser;
  PetscCall(SNESDestroy(&flow->snes));
  PetscCall(MatDestroy(&flow->B));
  PetscCall(MatDestroy(&flow->S));
  PetscCall(VecDestroy(&flow->m));
  PetscCall(VecDestroy(&flow->u));
  PetscCall(DMDestroy(&flow->coarse));
  PetscCall(DMDestroy(&flow->da));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All values in the grid's natural order, on rank 0 */
static PetscErrorCode Collect(Flow *flow, Vec v, Vec *all)
{
  Vec        natural;
  VecScatter scatter;

  PetscFunctionBeginUser;
  PetscCall(DMDACreateNaturalVector(flow->da, &natural));
  PetscCall(DMDAGlobalToNaturalBegin(flow->da, v, INSERT_VALUES, natural));
  PetscCall(DMDAGlobalToNaturalEnd(flow->da, v, INSERT_VALUES, natural));
  PetscCall(VecScatterCreateToZero(natural, &scatter, all));
  PetscCall(VecScatterBegin(scatter, natural, *all, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(scatter, natural, *all, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterDestroy(&scatter));
  PetscCall(VecDestroy(&natural));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteGrid(Flow *flow, FILE *f, PetscInt n, Vec all[])
{
  PetscInt mx, size;

  PetscFunctionBeginUser;
  PetscCall(DMDAGetInfo(flow->da, NULL, &mx, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL));
  PetscCall(VecGetLocalSize(all[0], &size)); /* zero but on rank 0 */
  for (PetscInt row = 0; row < size; row++) {
    PetscCall(PetscFPrintf(PETSC_COMM_SELF, f, "%g %g", (double)((PetscReal)(row % mx) * flow->hx),
                           (double)((PetscReal)(row / mx) * flow->hy)));
    for (PetscInt k = 0; k < n; k++) {
      const PetscScalar *a;

      PetscCall(VecGetArrayRead(all[k], &a));
      PetscCall(PetscFPrintf(PETSC_COMM_SELF, f, " %.6e", (double)PetscRealPart(a[row])));
      PetscCall(VecRestoreArrayRead(all[k], &a));
    }
    PetscCall(PetscFPrintf(PETSC_COMM_SELF, f, row % mx == mx - 1 && row < size - 1 ? "\n\n" : "\n"));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FlowWrite(Flow *flow, const char file[], PetscInt n, Vec fields[], const PetscReal values[])
{
  MPI_Comm comm = PetscObjectComm((PetscObject)flow->da);
  FILE    *f;
  Vec     *all;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n + 1, &all));
  PetscCall(Collect(flow, flow->m, &all[0]));
  for (PetscInt k = 0; k < n; k++) PetscCall(Collect(flow, fields[k], &all[k + 1]));
  PetscCall(PetscFOpen(comm, file, "w", &f));
  PetscCall(WriteGrid(flow, f, n + 1, all));
  PetscCall(PetscFPrintf(comm, f, "\n\n"));
  for (PetscInt w = 0; w < WELLS; w++)
    PetscCall(PetscFPrintf(comm, f, "%g %g\n", (double)flow->well[w][0], (double)flow->well[w][1]));
  PetscCall(PetscFPrintf(comm, f, "\n\n"));
  for (PetscInt k = 0; k < n; k++) PetscCall(PetscFPrintf(comm, f, "%" PetscInt_FMT " %g\n", k + 1, (double)values[k]));
  PetscCall(PetscFClose(comm, f));
  for (PetscInt k = 0; k <= n; k++) PetscCall(VecDestroy(&all[k]));
  PetscCall(PetscFree(all));
  PetscFunctionReturn(PETSC_SUCCESS);
}
