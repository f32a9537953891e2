/* Linear relations with Gaussian priors: a posterior that is known. gauss.c is numbers, gaussproblem.c and posterior.c PETSc. */
#pragma once
#include "modes.h"

#define GAUSS_N 60                /* most parameters */
#define GAUSS_U (2 * GAUSS_N + 5) /* most states: the data, and some that nobody sees */

typedef enum { PRIOR_PLAIN, PRIOR_PRECISION, PRIOR_ROOT, PRIORS } Prior;

/*
  A u = B m + c, and the objective (sum_i w_i |u_i - d_i|^2 + |m - m0|_R^2) / 2 s, the second term where it is inside: the
  precision of the posterior is G^H W G + R, G = A^{-1} B.
*/
typedef struct {
  App        *app;
  PetscInt    N, D, U;
  Prior       prior;
  PetscBool   inside;
  PetscReal   s, w[GAUSS_U];
  PetscScalar A[GAUSS_U][GAUSS_U], B[GAUSS_U][GAUSS_N], c[GAUSS_U], d[GAUSS_U], m0[GAUSS_N];
  PetscScalar R[GAUSS_N][GAUSS_N], S[GAUSS_N][GAUSS_N];                            /* S S^H = R^{-1} */
  PetscScalar G[GAUSS_U][GAUSS_N], inverse[GAUSS_N][GAUSS_N], C[GAUSS_N][GAUSS_N]; /* R^{-1} and (G^H W G + R)^{-1} */
  PetscReal   lambda[GAUSS_N]; /* of G^H W G against R, the largest first */
  Vec         m, u, F;
  Mat         matA, matR, matS, Fm;
  SNES        snes;
  Dini        dini;
} Gauss;

extern PetscErrorCode GaussDraw(Gauss *, Random *);
/* R (m - m0), and its product with m - m0 */
extern PetscReal      GaussPrior(const Gauss *, const PetscScalar m[], PetscScalar r[]);
extern PetscErrorCode FuzzGaussCreate(Gauss *); /* through FuzzTry() */
extern PetscErrorCode GaussDestroy(Gauss *);
