/*
  Unstructured meshes: two DMPlex on one topology, as DMClone() makes them, each with a section of its own. The residual at a
  mesh point reads the block on the closures of the points adjacent to it: for finite elements all of the cells around it,
  for finite volumes the cells behind its faces, by DMSetBasicAdjacency() of the state's DM.
*/
#include "../private/diniparameterimpl.h"
#include <petscdmplex.h>

/* The same points with the same cones on this rank: then point numbers mean the same in both */
static PetscErrorCode DiniSameTopology(DM a, DM b, PetscBool *same)
{
  PetscInt start[2], end[2];

  PetscFunctionBegin;
  PetscCall(DMPlexGetChart(a, &start[0], &end[0]));
  PetscCall(DMPlexGetChart(b, &start[1], &end[1]));
  *same = (PetscBool)(start[0] == start[1] && end[0] == end[1]);
  for (PetscInt p = start[0]; p < end[0] && *same; p++) {
    PetscInt        n[2];
    const PetscInt *cone[2];

    PetscCall(DMPlexGetConeSize(a, p, &n[0]));
    PetscCall(DMPlexGetConeSize(b, p, &n[1]));
    PetscCall(DMPlexGetCone(a, p, &cone[0]));
    PetscCall(DMPlexGetCone(b, p, &cone[1]));
    if (n[0] != n[1]) *same = PETSC_FALSE;
    for (PetscInt k = 0; k < n[0] && *same; k++) *same = (PetscBool)(cone[0][k] == cone[1][k]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniPatternRelated_Plex(DM state, DM block, PetscBool *related)
{
  PetscBool mine;

  PetscFunctionBegin;
  PetscCall(DiniSameTopology(state, block, &mine));
  PetscCall(MPIU_Allreduce(&mine, related, 1, DINI_MPI_BOOL, MPI_LAND, PetscObjectComm((PetscObject)state)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  PetscSection local, global;
  PetscInt     largest; /* unknowns at a point, at most */
} DiniPlexView;

static PetscErrorCode DiniPlexViewGet(DM dm, DiniPlexView *v)
{
  PetscFunctionBegin;
  PetscCall(DMGetLocalSection(dm, &v->local));
  PetscCall(DMGetGlobalSection(dm, &v->global));
  PetscCall(PetscSectionGetMaxDof(v->local, &v->largest));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Global numbers of the unconstrained unknowns at a point, whoever owns it: PETSc marks others' by -(offset + 1) */
static PetscErrorCode DiniPlexPoint(const DiniPlexView *v, PetscInt p, PetscInt *n, PetscInt ix[])
{
  PetscInt start, end, dof, constrained, offset;

  PetscFunctionBegin;
  *n = 0;
  PetscCall(PetscSectionGetChart(v->local, &start, &end));
  if (p < start || p >= end) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscSectionGetDof(v->local, p, &dof));
  if (!dof) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscSectionGetConstraintDof(v->local, p, &constrained));
  PetscCall(PetscSectionGetOffset(v->global, p, &offset));
  if (offset < 0) offset = -(offset + 1);
  *n = dof - constrained;
  for (PetscInt k = 0; k < *n; k++) ix[k] = offset + k;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* rows x the block's unknowns in the closure of q */
static PetscErrorCode DiniPlexClosure(DM dm, const DiniPlexView *b, PetscInt q, PetscInt nrows, const PetscInt rows[],
                                      PetscInt cols[], const PetscScalar zeros[], Mat entries)
{
  PetscInt nclosure, *closure = NULL, ncols;

  PetscFunctionBegin;
  PetscCall(DMPlexGetTransitiveClosure(dm, q, PETSC_TRUE, &nclosure, &closure));
  for (PetscInt k = 0; k < 2 * nclosure; k += 2) { /* points and orientations, in turn */
    PetscCall(DiniPlexPoint(b, closure[k], &ncols, cols));
    PetscCall(MatSetValues(entries, nrows, rows, ncols, cols, zeros, INSERT_VALUES));
  }
  PetscCall(DMPlexRestoreTransitiveClosure(dm, q, PETSC_TRUE, &nclosure, &closure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Every rank contributes what its own cells couple, to rows of points that others own, too. */
PetscErrorCode DiniPatternFill_Plex(DM state, DM block, Mat entries)
{
  DiniPlexView s, b;
  PetscInt     start, end, nadjacent, *adjacent = NULL, *rows, *cols;
  PetscScalar *zeros;

  PetscFunctionBegin;
  PetscCall(DiniPlexViewGet(state, &s));
  PetscCall(DiniPlexViewGet(block, &b));
  PetscCall(PetscMalloc2(s.largest, &rows, b.largest, &cols));
  PetscCall(PetscCalloc1(s.largest * b.largest, &zeros));
  PetscCall(PetscSectionGetChart(s.local, &start, &end));
  for (PetscInt p = start; p < end; p++) {
    PetscInt nrows;

    PetscCall(DiniPlexPoint(&s, p, &nrows, rows));
    if (!nrows) continue;
    nadjacent = PETSC_DETERMINE;
    PetscCall(DMPlexGetAdjacency(state, p, &nadjacent, &adjacent));
    for (PetscInt k = 0; k < nadjacent; k++)
      PetscCall(DiniPlexClosure(state, &b, adjacent[k], nrows, rows, cols, zeros, entries));
  }
  PetscCall(PetscFree(adjacent));
  PetscCall(PetscFree2(rows, cols));
  PetscCall(PetscFree(zeros));
  PetscFunctionReturn(PETSC_SUCCESS);
}
