/* Private to the library: products held against differences of F. */
#pragma once
#include "diniparameterimpl.h"

/* F shifted by h along the direction, in w[1]; may be NaN */
typedef PetscErrorCode DiniShift(Dini, PetscReal h, Vec direction, void *ctx);

/* <w, A v> and <A^H w, v>: how far apart, and their size */
typedef struct {
  PetscReal apart, size;
} DiniTransposeTest;

DINI_INTERN PetscReal      DiniGuardNoise_Private(Dini);
DINI_INTERN PetscErrorCode DiniGuardCompare_Private(Dini, DiniShift *residual, Vec direction, void *ctx, Vec y,
                                                    PetscBool few, PetscReal *best, PetscBool *moved);
DINI_INTERN PetscErrorCode DiniGuardZero_Private(Dini, DiniShift *residual, Vec direction, void *ctx, Vec y,
                                                 PetscBool *zero);
DINI_INTERN PetscErrorCode DiniGuardHolomorphic_Private(Dini, DiniShift *residual, Vec v, void *ctx, Vec d,
                                                        PetscBool *holomorphic);
DINI_INTERN PetscErrorCode DiniGuardStays_Private(Dini, Mat A, const char what[], DiniShift *residual, Vec v, void *ctx,
                                                  Vec Av, Vec work);
DINI_INTERN PetscErrorCode DiniTestTranspose_Private(Dini, Mat A, Vec v, Vec Av, Vec w, Vec AHw, DiniTransposeTest *);
DINI_INTERN PetscErrorCode DiniGuardTranspose_Private(Dini, Mat A, const char what[], const DiniTransposeTest *);
