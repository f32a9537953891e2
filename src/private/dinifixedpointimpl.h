/* Private to the type fixedpoint: u = G(u, m). */
#pragma once
#include "diniimpl.h"

typedef struct {
  /* set by the user */
  DiniFixedPointDerivative derivative;
  DiniFixedPointMethod     method;
  PetscInt                 maxiterations, maxcolumns;
  Mat                      Gu;

  /* user functions */
  DiniFixedPointFn         *map;
  void                     *mapctx;
  DiniFixedPointApplyFn    *apply[2]; /* indexed by DiniDirection */
  void                     *applyctx;
  DiniFixedPointJacobianFn *fill;
  void                     *fillctx;

  /* children and work, dropped by DiniReset() */
  SNES         snes;     /* the forward iteration */
  Vec          F;        /* its residual */
  Mat          J;        /* I - G_u: a shell, or assembled */
  Mat          dense;    /* J from products with it, where an adjoint needs one and has none */
  DiniColoring coloring; /* of the pattern of Gu, or of a full J */
  Vec          w[2];     /* states beside the point and conjugates, their residuals */

  /* status */
  DiniFixedPointDerivative kind;    /* of J */
  PetscObjectState         pattern; /* of Gu when J was made */
} Dini_FixedPoint;

DINI_INTERN PetscErrorCode DiniFixedPointMap_Private(Dini, Vec u, Vec G);
DINI_INTERN PetscErrorCode DiniSolve_FixedPoint(Dini, Vec u, DiniForwardResult *);
DINI_INTERN PetscErrorCode DiniFixedPointCreateSNES_Private(Dini);
DINI_INTERN void           DiniFixedPointIterate_Private(Dini);
DINI_INTERN PetscErrorCode DiniFixedPointKind_Private(Dini, DiniFixedPointDerivative *);
DINI_INTERN PetscErrorCode DiniJacobian_FixedPoint(Dini, Vec u, Mat *J, Mat *P);
DINI_INTERN PetscErrorCode DiniFixedPointWork_Private(Dini);
DINI_INTERN PetscErrorCode DiniFixedPointShell_Private(Dini, PetscBool transposes);
DINI_INTERN PetscErrorCode DiniFixedPointDense_Private(Dini, Mat J, Mat *dense);
DINI_INTERN PetscErrorCode DiniFixedPointColor_Private(Dini);
DINI_INTERN PetscErrorCode DiniFixedPointColumns_Private(Dini);
DINI_INTERN PetscErrorCode DiniAssembled_FixedPoint(Dini, Mat *J);
DINI_INTERN PetscErrorCode DiniSetFromOptions_FixedPoint(Dini, DiniOptionItems);
DINI_INTERN PetscErrorCode DiniMeasureContraction_Private(Dini, Mat J);
