/* The nodes of the domain on a DMDA, and the ring of boundary nodes as a vector that follows their owners. */
#include "aquifer.h"

PetscBool GridOnBoundary(const Grid *g, PetscInt i, PetscInt j)
{
  return (PetscBool)(i == 0 || j == 0 || i == g->nx - 1 || j == g->ny - 1);
}

/* Indices of this rank's boundary node k */
void GridGetBoundaryPoint(const Grid *g, PetscInt k, PetscInt *i, PetscInt *j)
{
  *i = g->xs + g->bnode[k] % g->xm;
  *j = g->ys + g->bnode[k] / g->xm;
}

static PetscErrorCode NumberBoundary(Grid *g)
{
  PetscInt     start = 0, n = 0;
  Vec          number;
  PetscScalar *value;
  MPI_Comm     comm;

  PetscFunctionBeginUser;
  PetscCall(PetscObjectGetComm((PetscObject)g->da, &comm));
  for (PetscInt j = g->ys; j < g->ys + g->ym; j++)
    for (PetscInt i = g->xs; i < g->xs + g->xm; i++) n += GridOnBoundary(g, i, j);
  PetscCall(PetscMalloc1(n, &g->bnode));
  g->nb = 0;
  for (PetscInt k = 0; k < g->xm * g->ym; k++)
    if (GridOnBoundary(g, g->xs + k % g->xm, g->ys + k / g->xm)) g->bnode[g->nb++] = k;
  PetscCallMPI(MPI_Scan(&g->nb, &start, 1, MPIU_INT, MPI_SUM, comm));
  start -= g->nb;
  PetscCall(DMGetGlobalVector(g->da, &number));
  PetscCall(VecSet(number, -1.0));
  PetscCall(VecGetArray(number, &value));
  for (PetscInt k = 0; k < g->nb; k++) value[g->bnode[k]] = (PetscScalar)(start + k);
  PetscCall(VecRestoreArray(number, &value));
  PetscCall(DMCreateLocalVector(g->da, &g->number));
  PetscCall(DMGlobalToLocal(g->da, number, INSERT_VALUES, g->number));
  PetscCall(DMRestoreGlobalVector(g->da, &number));
  PetscFunctionReturn(0);
}

static PetscErrorCode FillIn(Grid *g)
{
  PetscFunctionBeginUser;
  PetscCall(DMDAGetInfo(g->da, NULL, &g->nx, &g->ny, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL));
  PetscCall(DMDAGetCorners(g->da, &g->xs, &g->ys, NULL, &g->xm, &g->ym, NULL));
  g->dx = (g->domain[1] - g->domain[0]) / (PetscReal)(g->nx - 1);
  g->dy = (g->domain[3] - g->domain[2]) / (PetscReal)(g->ny - 1);
  PetscCall(DMDASetUniformCoordinates(g->da, g->domain[0], g->domain[1], g->domain[2], g->domain[3], 0.0, 0.0));
  PetscCall(NumberBoundary(g));
  PetscFunctionReturn(0);
}

PetscErrorCode GridCreate(MPI_Comm comm, const PetscReal domain[4], const PetscInt cells[2], Grid *g)
{
  PetscFunctionBeginUser;
  PetscCall(PetscArraycpy(g->domain, domain, 4));
  PetscCall(DMDACreate2d(comm, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DMDA_STENCIL_STAR, cells[0] + 1, cells[1] + 1,
                         PETSC_DECIDE, PETSC_DECIDE, 1, 1, NULL, NULL, &g->da));
  PetscCall(DMSetUp(g->da));
  PetscCall(FillIn(g));
  PetscFunctionReturn(0);
}

/* Every cell in four, with the same division among the ranks */
PetscErrorCode GridRefine(const Grid *coarse, Grid *g)
{
  MPI_Comm comm;

  PetscFunctionBeginUser;
  PetscCall(PetscArraycpy(g->domain, coarse->domain, 4));
  PetscCall(PetscObjectGetComm((PetscObject)coarse->da, &comm));
  PetscCall(DMRefine(coarse->da, comm, &g->da));
  PetscCall(FillIn(g));
  PetscFunctionReturn(0);
}

PetscErrorCode GridDestroy(Grid *g)
{
  PetscFunctionBeginUser;
  PetscCall(VecDestroy(&g->number));
  PetscCall(PetscFree(g->bnode));
  PetscCall(DMDestroy(&g->da));
  PetscFunctionReturn(0);
}

PetscErrorCode GridCreateBoundaryVec(const Grid *g, Vec *hb)
{
  MPI_Comm comm;

  PetscFunctionBeginUser;
  PetscCall(PetscObjectGetComm((PetscObject)g->da, &comm));
  PetscCall(VecCreateMPI(comm, g->nb, 2 * (g->nx + g->ny) - 4, hb));
  PetscFunctionReturn(0);
}

/* Copies between the ring and the boundary nodes of a field; the field's inner nodes stay */
PetscErrorCode GridBoundaryToField(const Grid *g, Vec hb, Vec field)
{
  const PetscScalar *from;
  PetscScalar       *to;

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(hb, &from));
  PetscCall(VecGetArray(field, &to));
  for (PetscInt k = 0; k < g->nb; k++) to[g->bnode[k]] = from[k];
  PetscCall(VecRestoreArray(field, &to));
  PetscCall(VecRestoreArrayRead(hb, &from));
  PetscFunctionReturn(0);
}

PetscErrorCode GridFieldToBoundary(const Grid *g, Vec field, Vec hb)
{
  const PetscScalar *from;
  PetscScalar       *to;

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(field, &from));
  PetscCall(VecGetArrayWrite(hb, &to));
  for (PetscInt k = 0; k < g->nb; k++) to[k] = from[g->bnode[k]];
  PetscCall(VecRestoreArrayWrite(hb, &to));
  PetscCall(VecRestoreArrayRead(field, &from));
  PetscFunctionReturn(0);
}
