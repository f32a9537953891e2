/* Private to src/spectral: the Laplace approximation of a posterior. */
#pragma once
#include "diniimpl.h"
#include <dinislepc.h>
#include <petsc/private/petscimpl.h>

struct _p_DiniPosterior {
  PETSCHEADER(int);
  /* set by the user */
  Dini                dini;
  Mat                 R, S; /* precision of the prior and a root of its inverse; NULL: identity */
  PetscBool           inside;
  PetscReal           scale;
  DiniPosteriorMethod method;
  PetscInt            most; /* pairs; PETSC_DECIDE: until the threshold is met */
  PetscReal           threshold, rtol;
  PetscInt            oversampling, maxit;

  /* children and work */
  KSP ksp; /* R x = b */
  EPS eps;
  Mat A;         /* H_misfit */
  Vec w[3];      /* flat parameter vectors */
  BV  V, AV, RV; /* the basis, A V, and R V (NULL for the identity) */
  Vec deviate;   /* of the prior's root */

  /* results */
  PetscBool  solved;
  PetscInt   n;                        /* pairs kept: columns of V */
  PetscInt   N;                        /* unknowns */
  PetscReal *lambda;                   /* of the columns of V, by decreasing size */
  PetscReal *error;                    /* of each: |A v - lambda R v| in the norm of R^{-1} */
  PetscReal  cut, residual, asymmetry; /* largest size left out; worst residual; |T - T^H| / |T| */
  PetscInt   its, products;
};

DINI_INTERN PetscErrorCode DiniPosteriorApplyPrecision_Private(DiniPosterior, Vec x, Vec y);
DINI_INTERN PetscErrorCode DiniPosteriorApplyInverse_Private(DiniPosterior, Vec x, Vec y);
DINI_INTERN PetscErrorCode DiniPosteriorMisfit_Private(DiniPosterior, BV V, BV AV, PetscInt first, PetscInt last);
DINI_INTERN PetscErrorCode DiniPosteriorRitz_Private(DiniPosterior, PetscInt k);
DINI_INTERN PetscErrorCode DiniPosteriorBasis_Private(DiniPosterior, PetscInt k);
DINI_INTERN PetscErrorCode DiniPosteriorOrthonormalize_Private(DiniPosterior, PetscInt first, PetscInt last);
DINI_INTERN PetscErrorCode DiniPosteriorSolve_Randomized(DiniPosterior);
DINI_INTERN PetscErrorCode DiniPosteriorSolve_EPS(DiniPosterior);
