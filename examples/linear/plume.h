/* The linear problem A(m) u = b of the example: its grid, its data, its matrix. */
#pragma once
#include <petscdmda.h>
#include <dini.h>

typedef struct {
  DM        da;
  PetscReal wind;
  Vec       m, b, receptor; /* decay rate, source, weights that take the mean in the receptor */
} Plume;

extern PetscErrorCode          PlumeCreate(MPI_Comm, Plume *);
extern PetscErrorCode          PlumeDestroy(Plume *);
extern DiniLinearSystemFn      PlumeAssemble;  /* A at the present m */
extern DiniParameterJacobianFn PlumeFillDecay; /* F_m for F = A(m) u - b */
