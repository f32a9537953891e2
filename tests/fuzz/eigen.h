/* An EPS and its Dini, from a Spectrum */
#pragma once
#include "spectrum.h"
#include <dinislepc.h>

typedef struct {
  Spectrum  S;
  PetscBool fills, invert, twice; /* F_m is given; inverses at a target; left vectors too */
  PetscInt  wanted;
  PetscReal target;
  Vec       m, u;
  Mat       M[2], Fm;
  EPS       eps;
  Dini      dini;
} Eigen;

extern PetscErrorCode EigenCreateEPS(Eigen *, EPS *);
extern PetscErrorCode FuzzEigenCreate(Eigen *); /* through FuzzTry() */
extern PetscErrorCode EigenDestroy(Eigen *);
