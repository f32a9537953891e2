/* Two chemicals that react and diffuse, Gray and Scott's model: no part of it knows of derivatives. */
#pragma once
#include <petscdmda.h>
#include <petscts.h>
#if PETSC_VERSION_LT(3, 19, 0) && !defined(PETSC_SUCCESS)
  #define PETSC_SUCCESS 0
#endif

/*
  u_t = Du Laplace(u) - u v^2 + f (1 - u),  v_t = Dv Laplace(v) + u v^2 - (f + k) v  on a square with walls. The feed rate f is a
  field, the rest are numbers.
*/
typedef struct {
  DM          da, fields; /* of (u, v), and of fields of numbers on the same grid */
  PetscReal   side;
  PetscScalar Du, Dv, kill;
  Vec         feed;
} Transient;

extern PetscErrorCode TransientCreate(MPI_Comm, Transient *);
extern PetscErrorCode TransientDestroy(Transient *);
/* A square of v in the middle of u = 1 */
extern PetscErrorCode TransientInitial(const Transient *, Vec u);
/* weights . u is the mean of v */
extern PetscErrorCode TransientWeights(const Transient *, Vec *weights);
