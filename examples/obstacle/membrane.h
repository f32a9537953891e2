/* A membrane over an obstacle: what a program has before it meets Dini. */
#pragma once
#include <petscsnes.h>
#include <petscdmda.h>

typedef struct {
  DM          da;
  PetscScalar tension;
  Vec         load;            /* downward where it is negative */
  Vec         obstacle, above; /* the bounds of u: a dome, and nothing */
  Vec         F;
  Mat         J;
  SNES        snes;
} Membrane;

extern PetscErrorCode MembraneCreate(MPI_Comm, Membrane *);
extern PetscErrorCode MembraneDestroy(Membrane *);
