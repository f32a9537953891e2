/*
  Structured grids: DMDA and DMStag, each with any number of unknowns at a point, as long as grid and distribution agree. The
  residual at a point (of a DMStag: at an element, with the faces, edges and vertices that it owns) reads the block at the
  points within the stencil of the block's DM.
*/
#include "../private/diniparameterimpl.h"
#include <petscdmda.h>
#include <petscdmstag.h>

typedef struct {
  PetscInt       dim, N[3]; /* points of the grid, without the partial ones at the end of a DMStag */
  DMBoundaryType boundary[3];
  PetscInt       first[3], count[3];   /* owned points */
  PetscInt       extra[3];             /* partial points after them */
  PetscInt       gfirst[3], gcount[3]; /* with ghosts: the numbering of local vectors */
  PetscInt       entries;              /* unknowns at a point */
  PetscInt       width;
  PetscBool      star;
} DiniGrid;

static PetscErrorCode DiniGridDMDA(DM da, DiniGrid *g)
{
  DMDAStencilType type;

  PetscFunctionBegin;
  PetscCall(DMDAGetInfo(da, &g->dim, &g->N[0], &g->N[1], &g->N[2], NULL, NULL, NULL, &g->entries, &g->width,
                        &g->boundary[0], &g->boundary[1], &g->boundary[2], &type));
  PetscCall(DMDAGetCorners(da, &g->first[0], &g->first[1], &g->first[2], &g->count[0], &g->count[1], &g->count[2]));
  PetscCall(DMDAGetGhostCorners(da, &g->gfirst[0], &g->gfirst[1], &g->gfirst[2], &g->gcount[0], &g->gcount[1],
                                &g->gcount[2]));
  g->star = (PetscBool)(type == DMDA_STENCIL_STAR);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniGridDMStag(DM stag, DiniGrid *g)
{
  DMStagStencilType type;

  PetscFunctionBegin;
  PetscCall(DMGetDimension(stag, &g->dim));
  PetscCall(DMStagGetGlobalSizes(stag, &g->N[0], &g->N[1], &g->N[2]));
  PetscCall(DMStagGetBoundaryTypes(stag, &g->boundary[0], &g->boundary[1], &g->boundary[2]));
  PetscCall(DMStagGetCorners(stag, &g->first[0], &g->first[1], &g->first[2], &g->count[0], &g->count[1], &g->count[2],
                             &g->extra[0], &g->extra[1], &g->extra[2]));
  PetscCall(DMStagGetGhostCorners(stag, &g->gfirst[0], &g->gfirst[1], &g->gfirst[2], &g->gcount[0], &g->gcount[1],
                                  &g->gcount[2]));
  PetscCall(DMStagGetEntriesPerElement(stag, &g->entries));
  PetscCall(DMStagGetStencilWidth(stag, &g->width));
  PetscCall(DMStagGetStencilType(stag, &type));
  if (type == DMSTAG_STENCIL_NONE) g->width = 0;
  g->star = (PetscBool)(type == DMSTAG_STENCIL_STAR);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Dimensions that the grid does not have are one point wide. */
static PetscErrorCode DiniGridGet(DM dm, DiniGrid *g)
{
  PetscBool da;

  PetscFunctionBegin;
  PetscCall(PetscMemzero(g, sizeof(*g)));
  PetscCall(PetscObjectTypeCompare((PetscObject)dm, DMDA, &da));
  if (da) PetscCall(DiniGridDMDA(dm, g));
  else PetscCall(DiniGridDMStag(dm, g));
  for (PetscInt d = g->dim; d < 3; d++) {
    g->boundary[d] = DM_BOUNDARY_NONE;
    g->first[d] = g->extra[d] = g->gfirst[d] = 0;
    g->N[d] = g->count[d] = g->gcount[d] = 1;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniPatternRelated_Grid(DM state, DM block, PetscBool *related)
{
  DiniGrid  s, b;
  PetscBool mine;

  PetscFunctionBegin;
  PetscCall(DiniGridGet(state, &s));
  PetscCall(DiniGridGet(block, &b));
  mine = (PetscBool)(s.dim == b.dim);
  for (PetscInt d = 0; d < 3; d++)
    if (s.N[d] != b.N[d] || s.boundary[d] != b.boundary[d] || s.first[d] != b.first[d] || s.count[d] != b.count[d])
      mine = PETSC_FALSE;
  PetscCall(MPIU_Allreduce(&mine, related, 1, DINI_MPI_BOOL, MPI_LAND, PetscObjectComm((PetscObject)state)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Global numbers of the unknowns at a point into ix, -1 where there is none; returns how many were written */
static PetscInt DiniGridPoint(const DiniGrid *g, const PetscInt ltog[], const PetscInt p[], PetscInt ix[])
{
  PetscInt local = 0;

  for (PetscInt d = 2; d >= 0; d--) {
    if (p[d] < g->gfirst[d] || p[d] >= g->gfirst[d] + g->gcount[d]) return 0;
    local = local * g->gcount[d] + p[d] - g->gfirst[d];
  }
  for (PetscInt c = 0; c < g->entries; c++) ix[c] = ltog[local * g->entries + c];
  return g->entries;
}

/* Global numbers of the unknowns of the block in the stencil around p */
static PetscInt DiniGridStencil(const DiniGrid *b, const PetscInt ltog[], const PetscInt p[], PetscInt ix[])
{
  const PetscInt w[3] = {b->width, b->dim > 1 ? b->width : 0, b->dim > 2 ? b->width : 0};
  PetscInt       n    = 0;

  for (PetscInt k = -w[2]; k <= w[2]; k++) {
    for (PetscInt j = -w[1]; j <= w[1]; j++) {
      for (PetscInt i = -w[0]; i <= w[0]; i++) {
        const PetscInt q[3] = {p[0] + i, p[1] + j, p[2] + k};

        if (b->star && (i != 0) + (j != 0) + (k != 0) > 1) continue;
        n += DiniGridPoint(b, ltog, q, ix + n);
      }
    }
  }
  return n;
}

static PetscErrorCode DiniGridInsert(const DiniGrid *s, const PetscInt sltog[], const DiniGrid *b,
                                     const PetscInt bltog[], Mat entries)
{
  const PetscInt reach = 2 * b->width + 1;
  PetscInt      *rows, *cols;
  PetscScalar   *zeros;
  const PetscInt largest = reach * reach * reach * b->entries;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(s->entries, &rows, largest, &cols));
  PetscCall(PetscCalloc1(s->entries * largest, &zeros)); /* debug builds look at the values of a pattern, too */
  for (PetscInt k = 0; k < s->count[2] + s->extra[2]; k++) {
    for (PetscInt j = 0; j < s->count[1] + s->extra[1]; j++) {
      for (PetscInt i = 0; i < s->count[0] + s->extra[0]; i++) {
        const PetscInt p[3]  = {s->first[0] + i, s->first[1] + j, s->first[2] + k};
        const PetscInt nrows = DiniGridPoint(s, sltog, p, rows);
        const PetscInt ncols = DiniGridStencil(b, bltog, p, cols);

        PetscCall(MatSetValues(entries, nrows, rows, ncols, cols, zeros, INSERT_VALUES));
      }
    }
  }
  PetscCall(PetscFree2(rows, cols));
  PetscCall(PetscFree(zeros));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniPatternFill_Grid(DM state, DM block, Mat entries)
{
  DiniGrid               s, b;
  ISLocalToGlobalMapping smap, bmap;
  const PetscInt        *sltog, *bltog;

  PetscFunctionBegin;
  PetscCall(DiniGridGet(state, &s));
  PetscCall(DiniGridGet(block, &b));
  PetscCall(DMGetLocalToGlobalMapping(state, &smap));
  PetscCall(DMGetLocalToGlobalMapping(block, &bmap));
  PetscCall(ISLocalToGlobalMappingGetIndices(smap, &sltog));
  PetscCall(ISLocalToGlobalMappingGetIndices(bmap, &bltog));
  PetscCall(DiniGridInsert(&s, sltog, &b, bltog, entries));
  PetscCall(ISLocalToGlobalMappingRestoreIndices(smap, &sltog));
  PetscCall(ISLocalToGlobalMappingRestoreIndices(bmap, &bltog));
  PetscFunctionReturn(PETSC_SUCCESS);
}
