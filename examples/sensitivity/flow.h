/* Steady flow through a porous layer, and a few wells that measure the head. */
#pragma once
#include <dinislepc.h>
#include <petscdmda.h>

#if PETSC_VERSION_LT(3, 19, 0) && !defined(PETSC_SUCCESS)
  #define PETSC_SUCCESS 0
#endif

#define WELLS 6

/*
  -div(e^m grad u) = 0 on 2 km x 1 km: u = 1 at the west end, u = 0 at the east end, no flow through the other sides. On each
  node of a DMDA the fluxes to its neighbours, with the mean of e^m of both nodes, sum up to zero.
*/
typedef struct {
  DM        da, coarse;
  PetscReal hx, hy;
  Vec       m, u;           /* log-conductivity and head */
  SNES      snes;           /* finds u */
  Mat       B;              /* head at the wells over the error of a measurement */
  Mat       S;              /* m from values at the nodes of the coarse grid, each of standard deviation 1 */
  PetscReal well[WELLS][2]; /* km */
} Flow;

extern PetscErrorCode FlowCreate(MPI_Comm, Flow *);
extern PetscErrorCode FlowDestroy(Flow *);

/* Rank 0 writes blocks for gnuplot: x, y, m and n fields on the grid; the wells; n values */
extern PetscErrorCode FlowWrite(Flow *, const char file[], PetscInt n, Vec fields[], const PetscReal values[]);
