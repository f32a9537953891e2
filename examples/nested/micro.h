/* The inner relation of the example: v + m v^3 = u at each node, solved by a SNES, differentiated by a Dini. */
#pragma once
#include <dini.h>

typedef struct {
  Vec      u, m, v; /* its two parameters and its solution */
  Dini     dini;
  PetscInt blocku, blockm;
} Micro;

extern PetscErrorCode MicroCreate(MPI_Comm, PetscInt n, Micro *);
extern PetscErrorCode MicroSolve(Micro *, Vec u); /* v(u, m), from the last v */
extern PetscErrorCode MicroDestroy(Micro *);
extern PetscErrorCode LaplacianCreate(Vec like, Mat *A); /* -u'' on the unit interval, by central differences */
