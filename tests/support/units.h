#pragma once
#include "dinitest.h"

/*
  A u = b with A = R B C, where B couples two or three fields, interlaced, whose numbers are near one, and R and C are the units of
  the equations and of the unknowns, one for each field. b is the parameter, so that the VJP is A^{-H}, the JVP A^{-1}. The
  matrix that preconditions is as far from A as a relative 1e-5.
*/
typedef struct {
  PetscInt  N, nfields;
  PetscReal row[3], column[3];
  PetscReal coupling;
  PetscBool said; /* the fields are the block size */
  Mat       B, A, P;
  Vec       u, b, x, y; /* x, y: in no unit */
  KSP       ksp;
  Dini      dini;
} Units;

/* Set N, nfields, row, column, coupling and said; N points */
extern PetscErrorCode UnitsCreate(Units *);
extern PetscErrorCode UnitsDestroy(Units *);
/* v = seed'th direction with the fields of mask, in the units of C (a cotangent) or R (a right-hand side), or their inverses */
extern PetscErrorCode UnitsDirection(Units *, PetscBool adjoint, PetscInt mask, PetscInt seed, Vec v);
/* The largest error over the fields, each relative to its own size, of A^{-1} or A^{-H} of that direction */
extern PetscErrorCode UnitsError(Units *, PetscBool adjoint, PetscInt mask, PetscInt seed, Vec found, PetscReal *error);
