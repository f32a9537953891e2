/* Eigenproblems A(m) x = lambda B(m) x whose pairs are known. spectrum.c is numbers, eigenproblem.c and eigen.c SLEPc. */
#pragma once
#include "modes.h"
#include <complex.h>

#define SPECTRUM_N 10 /* most unknowns */
#define SPECTRUM_K 4  /* most parameters */

typedef double _Complex Cx;
typedef PetscScalar SpectrumMatrix[SPECTRUM_N][SPECTRUM_N];

/* A = A_0 + sum_k (m_k A_k + m_k^2 A2_k / 2), B alike, at m with A X = B X diag(lambda), Y^H B X = I */
typedef struct {
  App           *app;
  PetscInt       n, K;
  PetscBool      hermitian, general; /* general: there is a B */
  SpectrumMatrix A0, B0, A[SPECTRUM_K], A2[SPECTRUM_K], B[SPECTRUM_K];
  PetscScalar    m[SPECTRUM_K];
  PetscReal      scale;                                                                    /* of the eigenvalues */
  Cx             lambda[SPECTRUM_N], X[SPECTRUM_N][SPECTRUM_N], Y[SPECTRUM_N][SPECTRUM_N]; /* vectors in columns */
} Spectrum;

extern PetscErrorCode SpectrumDraw(Spectrum *, Random *);
/* A (which 0) or B at m, and its derivative in m_k, entry by entry */
extern PetscScalar SpectrumEntry(const Spectrum *, int which, const PetscScalar m[], PetscInt i, PetscInt j);
extern PetscScalar SpectrumSlope(const Spectrum *, int which, const PetscScalar m[], PetscInt k, PetscInt i,
                                 PetscInt j);
/* The eigenvalue nearest to this one, and the distance from it to the next */
extern PetscInt SpectrumNearest(const Spectrum *, Cx lambda, PetscReal *gap);
/* dlambda_j/dm_k, and the size of its terms */
extern Cx SpectrumValue(const Spectrum *, PetscInt j, PetscInt k, PetscReal *size);
/* dx/dm_k of this vector x of lambda_j, which has its length and its phase by Dini's convention */
extern void SpectrumVector(const Spectrum *, PetscInt j, PetscInt k, const Cx x[], Cx dx[]);
