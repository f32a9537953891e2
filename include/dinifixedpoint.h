/**
  @file dinifixedpoint.h
  @brief Fixed points u = G(u, m) as relations. Included by dini.h.
*/
#pragma once
#include <dini.h>

/*
  Fixed points
  ------------
  Codes that iterate u <- G(u, m) until u stands still: F(u, m) = u - G(u, m), so J = I - G_u and F_m = -G_m. The iteration
  is never looked at; what is asked for is one step, G, and products with G_u and its adjoint, where the code has them.
*/

/** How the linear systems of a fixed point are solved, see DiniSetFixedPointMethod(). */
typedef enum {
  DINI_FIXEDPOINT_KRYLOV, /**< a Krylov method on I - G_u and its adjoint: G need not contract */
  DINI_FIXEDPOINT_ITERATE /**< x <- b + G_u x, or lambda <- g + G_u^H lambda: G has to contract */
} DiniFixedPointMethod;
DINI_PUBLIC const char *const DiniFixedPointMethods[]; /**< names of its values, as in options */

/** Where the derivative G_u of a fixed-point map comes from, see DiniSetFixedPointDerivative(). */
typedef enum {
  DINI_FIXEDPOINT_AUTO,     /**< the first of the following that has been given */
  DINI_FIXEDPOINT_MATRIX,   /**< a matrix filled by a callback, or constant */
  DINI_FIXEDPOINT_OPERATOR, /**< callbacks for the products with G_u and with its adjoint */
  DINI_FIXEDPOINT_COLORING, /**< a preallocated pattern filled by coloured differences of G */
  DINI_FIXEDPOINT_FD        /**< differences of G: dense columns for small states, else directional, tangents only */
} DiniFixedPointDerivative;
DINI_PUBLIC const char *const DiniFixedPointDerivatives[]; /**< names of its values, as in options */

/** Callback of DiniSetFixedPoint(): G = G(u, m) at the current parameters; u is read-only. */
typedef PetscErrorCode DiniFixedPointFn(Dini dini, Vec u, Vec G, void *ctx);
/** Callback of DiniSetFixedPointOperator(): y = G_u x, or y = G_u^H x, at u and the current parameters. */
typedef PetscErrorCode DiniFixedPointApplyFn(Dini dini, Vec u, Vec x, Vec y, void *ctx);
/** Callback of DiniSetFixedPointJacobian(): fills Gu = dG/du at u and the current parameters. */
typedef PetscErrorCode DiniFixedPointJacobianFn(Dini dini, Vec u, Mat Gu, void *ctx);

// the map, and who iterates it where the application has no loop of its own
DINI_PUBLIC PetscErrorCode DiniSetFixedPoint(Dini, DiniFixedPointFn *, void *);
DINI_PUBLIC PetscErrorCode DiniGetFixedPointSNES(Dini, SNES *);

// its derivative G_u
DINI_PUBLIC PetscErrorCode DiniSetFixedPointOperator(Dini, DiniFixedPointApplyFn *, DiniFixedPointApplyFn *, void *);
DINI_PUBLIC PetscErrorCode DiniSetFixedPointJacobian(Dini, Mat, DiniFixedPointJacobianFn *, void *);
DINI_PUBLIC PetscErrorCode DiniSetFixedPointDerivative(Dini, DiniFixedPointDerivative);
DINI_PUBLIC PetscErrorCode DiniSetFixedPointMaxColumns(Dini, PetscInt);

// how x = r + G_u x and its adjoint are solved, and how fast an iteration would be
DINI_PUBLIC PetscErrorCode DiniSetFixedPointMethod(Dini, DiniFixedPointMethod);
DINI_PUBLIC PetscErrorCode DiniSetFixedPointMaxIterations(Dini, PetscInt); // of DINI_FIXEDPOINT_ITERATE
DINI_PUBLIC PetscErrorCode DiniGetContractionRate(Dini, PetscReal *);
