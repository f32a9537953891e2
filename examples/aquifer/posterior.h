/* What the files of -aquifer_posterior share: the Laplace approximation, where Dini has been built with SLEPc. */
#pragma once
#include "aquifer.h"
#include <dinislepc.h>

/* L = B D: the heads at wells as a linear function of the unknowns; rows are wells in the order of Observation.id */
typedef struct {
  Mat L, B, D; /* D = du/dxi */
  Vec u;
} Prediction;

PetscErrorCode PosteriorCreate(Inversion *, DiniPosterior *);
PetscErrorCode PosteriorCheck(Inversion *, const Wells *, DiniPosterior, Mat, Vec);
PetscErrorCode PredictionCreate(Inversion *, const Wells *, PetscBool, Prediction *);
PetscErrorCode PredictionDestroy(Prediction *);
