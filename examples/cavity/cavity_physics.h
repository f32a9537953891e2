/* Heat and flow in a cavity with a moving lid: the part that both programs share. README.md derives the equations. */
#pragma once
#include <petscdmda.h>
#include <petscsnes.h>

#if !defined(SNESLINESEARCHNONE) /* its name before PETSc 3.26 */
  #define SNESLINESEARCHNONE SNESLINESEARCHBASIC
#endif

/* What the program is run for. Each is linear in the unknowns: a product of the solution with a vector of weights. */
typedef enum { CAVITY_NUSSELT, CAVITY_NUSSELT_COLD, CAVITY_DRAG } CavityNumber;
extern const char *const CavityNumbers[];

typedef struct {
  DM           da;
  PetscScalar  lid_velocity, prandtl, grashof;
  PetscBool    smooth_lid; /* the lid's speed is 16 x^2 (1 - x)^2 of lid_velocity instead of all of it */
  CavityNumber number;     /* the number to compute */
  PetscReal    expect;     /* its known value, 0 if there is none */
} Cavity;

extern PetscErrorCode CavityCreate(MPI_Comm, Cavity *);
extern PetscErrorCode CavityDestroy(Cavity *);
extern PetscErrorCode CavityCreateWeights(const Cavity *, CavityNumber, Vec *);
extern PetscErrorCode CavityReport(const Cavity *, Vec, PetscScalar);
