/* Private to the library: products held against differences of F. */
#pragma once
#include "diniparameterimpl.h"

/* F shifted by h along the direction, in w[1]; may be NaN */
typedef PetscErrorCode DiniShift(Dini, PetscReal h, Vec direction, void *ctx);

/* <w, A v> and <A^H w, v>: how far apart, and their size */
typedef struct {
  PetscReal apart, size;
} DiniTransposeTest;

/* A product held against differences of F; relative to the rows */
typedef struct {
  PetscReal wrong;       /* by how much it misses them, where it is more than chance: it is not the derivative then */
  PetscReal apart;       /* what else they disagree by, for the error of what is computed with it */
  PetscReal error;       /* what the differences are good to, in the worst row; 0 where nobody had to ask */
  PetscReal bend;        /* of F within the first step, in units of its slope */
  PetscReal corner;      /* the same where it does not fall with the step: F is not smooth */
  PetscBool moved;       /* F changes at all */
  PetscBool values;      /* F has values beside the point */
  PetscBool informative; /* in some row */
  PetscBool lost;        /* at some step F had no values */
  PetscBool few;         /* asked for: a derivative that is zero, and seen to be, is no reason for more steps */
} DiniSlope;

DINI_INTERN PetscErrorCode DiniGuardSlope_Private(Dini, DiniShift *residual, Vec direction, void *ctx, Vec y, Vec other,
                                                  Vec terms, DiniSlope *);
DINI_INTERN PetscErrorCode DiniSlopeTell_Private(Dini, const char what[], const DiniSlope *);
DINI_INTERN PetscErrorCode DiniGuardJacobian_Private(Dini, Mat J, DiniSlope *);
DINI_INTERN PetscErrorCode DiniGuardHolomorphic_Private(Dini, DiniShift *residual, Vec v, void *ctx, Vec d,
                                                        PetscBool *holomorphic);
DINI_INTERN PetscErrorCode DiniGuardStays_Private(Dini, Mat A, const char what[], DiniShift *residual, Vec v, void *ctx,
                                                  Vec Av, Vec work);
DINI_INTERN PetscErrorCode DiniTestTranspose_Private(Dini, Mat A, Vec v, Vec Av, Vec w, Vec AHw, DiniTransposeTest *);
DINI_INTERN PetscErrorCode DiniGuardTranspose_Private(Dini, Mat A, const char what[], const DiniTransposeTest *);
