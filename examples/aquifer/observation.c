/* Heads at the wells by bilinear interpolation, and the misfit. */
#include "aquifer.h"

/* Cell of a well: its lower left node, and the place in the cell in units of the cell */
static void Locate(const Grid *g, const Well *w, PetscInt *i, PetscInt *j, PetscReal *s, PetscReal *t)
{
  const PetscReal x = (w->x - g->domain[0]) / g->dx, y = (w->y - g->domain[2]) / g->dy;

  *i = PetscClipInterval((PetscInt)x, 0, g->nx - 2);
  *j = PetscClipInterval((PetscInt)y, 0, g->ny - 2);
  *s = x - (PetscReal)*i;
  *t = y - (PetscReal)*j;
}

static PetscBool Mine(const Grid *g, PetscInt i, PetscInt j)
{
  return (PetscBool)(i >= g->xs && i < g->xs + g->xm && j >= g->ys && j < g->ys + g->ym);
}

/* The same division of the grid with corner ghosts: the upper right node of a cell may belong to the diagonal rank */
static PetscErrorCode CreateBox(const Grid *g, DM *box)
{
  const PetscInt *lx, *ly;
  PetscInt        px, py;

  PetscFunctionBeginUser;
  PetscCall(DMDAGetInfo(g->da, NULL, NULL, NULL, NULL, &px, &py, NULL, NULL, NULL, NULL, NULL, NULL, NULL));
  PetscCall(DMDAGetOwnershipRanges(g->da, &lx, &ly, NULL));
  PetscCall(DMDACreate2d(PetscObjectComm((PetscObject)g->da), DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DMDA_STENCIL_BOX,
                         g->nx, g->ny, px, py, 1, 1, lx, ly, box));
  PetscCall(DMSetUp(*box));
  PetscFunctionReturn(0);
}

/* Rows of B: the wells of this rank, in the order of the file */
static PetscErrorCode FillRows(const Grid *g, const Wells *wells, Observation *ob)
{
  DM                     box;
  ISLocalToGlobalMapping map;
  PetscInt               row, gxs, gys, gxm;

  PetscFunctionBeginUser;
  PetscCall(CreateBox(g, &box));
  PetscCall(DMGetLocalToGlobalMapping(box, &map));
  PetscCall(DMDAGetGhostCorners(box, &gxs, &gys, NULL, &gxm, NULL, NULL));
  PetscCall(MatGetOwnershipRange(ob->B, &row, NULL));
  for (PetscInt k = 0; k < ob->n; k++, row++) {
    const Well *w = &wells->well[ob->id[k]];
    PetscInt    i, j, col[4];
    PetscReal   s, t;
    PetscScalar v[4];

    Locate(g, w, &i, &j, &s, &t);
    for (PetscInt c = 0; c < 4; c++) {
      col[c] = (j - gys + c / 2) * gxm + i - gxs + c % 2;
      v[c]   = (c % 2 ? s : 1 - s) * (c / 2 ? t : 1 - t);
    }
    PetscCall(ISLocalToGlobalMappingApply(map, 4, col, col));
    PetscCall(MatSetValues(ob->B, 1, &row, 4, col, v, INSERT_VALUES));
    PetscCall(VecSetValue(ob->data, row, w->head, INSERT_VALUES));
    PetscCall(VecSetValue(ob->used, row, w->used ? 1.0 : 0.0, INSERT_VALUES));
  }
  PetscCall(DMDestroy(&box));
  PetscFunctionReturn(0);
}

PetscErrorCode ObservationCreate(const Grid *g, const Wells *wells, Observation *ob)
{
  MPI_Comm comm = PetscObjectComm((PetscObject)g->da);

  PetscFunctionBeginUser;
  ob->n = ob->total = 0;
  PetscCall(PetscMalloc1(wells->n, &ob->id));
  for (PetscInt k = 0; k < wells->n; k++) {
    PetscInt  i, j;
    PetscReal s, t;

    Locate(g, &wells->well[k], &i, &j, &s, &t);
    if (Mine(g, i, j)) ob->id[ob->n++] = k;
    if (wells->well[k].used) ob->total++;
  }
  PetscCall(MatCreateAIJ(comm, ob->n, g->xm * g->ym, PETSC_DETERMINE, PETSC_DETERMINE, 4, NULL, 4, NULL, &ob->B));
  PetscCall(MatCreateVecs(ob->B, NULL, &ob->data));
  PetscCall(VecDuplicate(ob->data, &ob->used));
  PetscCall(VecDuplicate(ob->data, &ob->residual));
  PetscCall(FillRows(g, wells, ob));
  PetscCall(MatAssemblyBegin(ob->B, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(ob->B, MAT_FINAL_ASSEMBLY));
  PetscCall(VecAssemblyBegin(ob->data));
  PetscCall(VecAssemblyEnd(ob->data));
  PetscCall(VecAssemblyBegin(ob->used));
  PetscCall(VecAssemblyEnd(ob->used));
  PetscFunctionReturn(0);
}

/* residual = B head - data at all wells; rms over those in use */
PetscErrorCode ObservationMisfit(Observation *ob, Vec head, PetscReal *rms)
{
  Vec       r;
  PetscReal norm;

  PetscFunctionBeginUser;
  PetscCall(MatMult(ob->B, head, ob->residual));
  PetscCall(VecAXPY(ob->residual, -1.0, ob->data));
  PetscCall(VecDuplicate(ob->residual, &r));
  PetscCall(VecPointwiseMult(r, ob->used, ob->residual));
  PetscCall(VecNorm(r, NORM_2, &norm));
  PetscCall(VecDestroy(&r));
  *rms = norm / PetscSqrtReal((PetscReal)ob->total);
  PetscFunctionReturn(0);
}

/* g = factor B^T residual, with the residual of the last ObservationMisfit(), over the wells in use */
PetscErrorCode ObservationMisfitGradient(Observation *ob, PetscReal factor, Vec g)
{
  Vec r;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(ob->residual, &r));
  PetscCall(VecPointwiseMult(r, ob->used, ob->residual));
  PetscCall(VecScale(r, factor));
  PetscCall(MatMultTranspose(ob->B, r, g));
  PetscCall(VecDestroy(&r));
  PetscFunctionReturn(0);
}

/* hu = factor B^T B du, over the wells in use */
PetscErrorCode ObservationMisfitHessian(Observation *ob, PetscReal factor, Vec du, Vec hu)
{
  Vec r;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(ob->residual, &r));
  PetscCall(MatMult(ob->B, du, r));
  PetscCall(VecPointwiseMult(r, ob->used, r));
  PetscCall(VecScale(r, factor));
  PetscCall(MatMultTranspose(ob->B, r, hu));
  PetscCall(VecDestroy(&r));
  PetscFunctionReturn(0);
}

PetscErrorCode ObservationDestroy(Observation *ob)
{
  PetscFunctionBeginUser;
  PetscCall(MatDestroy(&ob->B));
  PetscCall(VecDestroy(&ob->data));
  PetscCall(VecDestroy(&ob->used));
  PetscCall(VecDestroy(&ob->residual));
  PetscCall(PetscFree(ob->id));
  PetscFunctionReturn(0);
}
