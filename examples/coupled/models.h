/* Two linear problems on one grid, the second of which reads the solution of the first. */
#pragma once
#include <petscdmda.h>
#include <dini.h>

typedef struct {
  DM   da;
  Vec  m, p, c; /* log-conductivity, pressure, concentration */
  Dini flow, transport;
} Models;

extern PetscErrorCode ModelsCreate(MPI_Comm, Models *);
extern PetscErrorCode ModelsDestroy(Models *);
