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
  PetscBool rows;        /* asked for: each row is to be told, where it needs longer steps, too */
  PetscBool own;         /* asked for: nobody knows what rounding in a row may be; only where differences are smooth */
  PetscReal loose;       /* asked for: what is let pass, in units of the terms of a row */
  PetscReal seen;        /* rows: by how much they miss differences, chance included */
  PetscBool coarse;      /* there are rows that short steps do not tell anything of */
  PetscReal step;        /* the first one */
  PetscInt  part;        /* the one along which it is wrong; -1: all together */
} DiniSlope;

#define SLOPE_COARSE 1e-4 /* relative: differences that are no better can not vouch for a product */

#define DINI_MAX_PARTS 32 /* more are taken together */

typedef struct {
  DiniParts parts;
  Vec      *y, *other;   /* along the direction, and along another one, restricted to each part */
  Vec       v;           /* that direction where it is another one than the parts have come from, or NULL */
  Vec       terms;       /* what rows of F are made of */
  PetscReal rtol, loose; /* beyond which a product is wrong, and what one may miss of the terms of a row */

  DiniTransposeTest
       test; /* of the worst block of A between a field of its rows and a part, where A can only be applied */
  char between[200];
} DiniPartProducts;

DINI_INTERN PetscErrorCode DiniPartsOfState_Private(Dini, Mat J, DiniParts *);
DINI_INTERN PetscErrorCode DiniPartsOfBlock_Private(Dini, DiniParameter, DiniParts *);
DINI_INTERN PetscErrorCode DiniPartName_Private(Dini, const DiniParts *, PetscInt k, char name[], size_t size);
DINI_INTERN PetscErrorCode DiniPartOnly_Private(const DiniParts *, PetscInt k, Vec from, Vec to);
DINI_INTERN PetscErrorCode DiniPartProductsCreate_Private(Dini, Mat A, Vec v, Vec w, Vec Av, Vec Aw, Vec rows,
                                                          DiniPartProducts *);
DINI_INTERN PetscErrorCode DiniGuardPartTransposes_Private(Dini, Mat A, const char what[], const DiniPartProducts *);
DINI_INTERN PetscErrorCode DiniPartProductsDestroy_Private(DiniPartProducts *);
DINI_INTERN PetscErrorCode DiniGuardParts_Private(Dini, const DiniPartProducts *, DiniShift *residual, Vec v, void *ctx,
                                                  DiniSlope *worst);

DINI_INTERN PetscErrorCode DiniGuardSlope_Private(Dini, DiniShift *residual, Vec direction, void *ctx, Vec y, Vec other,
                                                  Vec terms, DiniSlope *);
DINI_INTERN PetscErrorCode DiniSlopeTell_Private(Dini, const char what[], const DiniSlope *);
DINI_INTERN PetscErrorCode DiniShiftState_Private(Dini, PetscReal h, Vec v, void *ctx);
DINI_INTERN PetscErrorCode DiniGuardJacobian_Private(Dini, Mat J, PetscBool fields, PetscReal loose, DiniSlope *);
DINI_INTERN PetscErrorCode DiniGuardFields_Private(Dini, Mat J, PetscReal loose, DiniSlope *);
DINI_INTERN PetscErrorCode DiniCompareComponents_Private(Dini, DiniParameter, DiniSlope *, char name[], size_t size);
DINI_INTERN PetscErrorCode DiniGuardHolomorphic_Private(Dini, DiniShift *residual, Vec v, void *ctx, Vec d,
                                                        PetscBool *holomorphic);
DINI_INTERN PetscErrorCode DiniGuardStays_Private(Dini, Mat A, const char what[], DiniShift *residual, Vec v, void *ctx,
                                                  Vec Av, Vec work);
DINI_INTERN PetscErrorCode DiniTestTranspose_Private(Dini, Mat A, Vec v, Vec Av, Vec w, Vec AHw, DiniTransposeTest *);
DINI_INTERN PetscErrorCode DiniGuardTranspose_Private(Dini, Mat A, const char what[], const DiniTransposeTest *);
