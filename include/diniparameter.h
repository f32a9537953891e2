/**
  @file diniparameter.h
  @brief Parameters: what the solution depends on, and how the residual depends on it. Included by dini.h.
*/
#pragma once
#include <dini.h>

/*
  Parameters and their values
  ---------------------------
  Parameters come in named blocks: a field (a Vec of the application's, of any layout) or a number in a variable of the
  application's. Blocks are numbered from 0 in the order added. An active block is a variable, an inactive one a constant.
  All active blocks, one after the other, make one flat vector, the shape of dm, mbar and gradients.
*/

/** Callback of DiniSetParameterUpdate(): hands the block's new values m to the application's residual. */
typedef PetscErrorCode DiniParameterUpdateFn(Dini dini, Vec m, void *ctx);

// blocks
DINI_PUBLIC PetscErrorCode DiniAddParameter(Dini, const char[], Vec, PetscInt *);
DINI_PUBLIC PetscErrorCode DiniAddScalarParameter(Dini, const char[], PetscScalar *, PetscInt *);
DINI_PUBLIC PetscErrorCode DiniSetParameterUpdate(Dini, PetscInt, DiniParameterUpdateFn *, void *);
DINI_PUBLIC PetscErrorCode DiniGetNumberParameters(Dini, PetscInt *);
DINI_PUBLIC PetscErrorCode DiniFindParameter(Dini, const char[], PetscInt *);
DINI_PUBLIC PetscErrorCode DiniGetParameter(Dini, PetscInt, const char *[], Vec *);
DINI_PUBLIC PetscErrorCode DiniSetParameterActive(Dini, PetscInt, PetscBool);
DINI_PUBLIC PetscErrorCode DiniGetParameterActive(Dini, PetscInt, PetscBool *);

// the flat vector over all active blocks, and the part of one of them
DINI_PUBLIC PetscErrorCode DiniCreateParameterVec(Dini, Vec *);
DINI_PUBLIC PetscErrorCode DiniSetParameters(Dini, Vec);
DINI_PUBLIC PetscErrorCode DiniGetParameters(Dini, Vec);
DINI_PUBLIC PetscErrorCode DiniGetParameterSubVec(Dini, Vec, PetscInt, Vec *);
DINI_PUBLIC PetscErrorCode DiniRestoreParameterSubVec(Dini, Vec, PetscInt, Vec *);

/*
  The residual's derivative by parameters
  ---------------------------------------
  Who knows F_m = dF/dm of each block. Where nobody says, it comes from differences of F, which need nothing of the
  application. A matrix or products are exact, and cheaper for large blocks.
*/

/** Name of the way a block's F_m is obtained, see DiniSetParameterType(). */
typedef const char *DiniParameterType;
#define DINIPARAMETERMATRIX   "matrix"   /**< a matrix filled by a callback, or constant */
#define DINIPARAMETEROPERATOR "operator" /**< callbacks for the products with F_m and with its adjoint */
#define DINIPARAMETERCOLORING "coloring" /**< a preallocated pattern filled by coloured differences of F */
#define DINIPARAMETERFD       "fd"       /**< dense columns by differences of F, for small blocks */
#define DINIPARAMETERRHS      "rhs"      /**< F(u, m) = G(u) - m, so F_m = -I */
#define DINIPARAMETERZERO     "zero"     /**< declared not to enter F, such as an initial guess: F_m = 0 */

/** Which differences of F approximate F_m, see DiniSetParameterDifference(). */
typedef enum {
  DINI_DIFFERENCE_FORWARD, /**< one residual a column or colour, error O(h) */
  DINI_DIFFERENCE_CENTRAL, /**< two residuals a column or colour, error O(h^2) */
  DINI_DIFFERENCE_COMPLEX  /**< Im F(u, m + i h dm) / h: real problems in complex builds, exact to rounding */
} DiniDifference;
DINI_PUBLIC const char *const DiniDifferences[]; /**< names of the values of DiniDifference, as in options */

/** Callback of DiniSetParameterJacobian(): fills Fm = dF/dm for one block at (u, m). */
typedef PetscErrorCode DiniParameterJacobianFn(Dini dini, Vec u, Vec m, Mat Fm, void *ctx);
/** Callback of DiniSetParameterOperator(): y = F_m x, or y = F_m^H x, for one block at (u, m). */
typedef PetscErrorCode DiniParameterApplyFn(Dini dini, Vec u, Vec m, Vec x, Vec y, void *ctx);

// given by the application
DINI_PUBLIC PetscErrorCode DiniSetParameterJacobian(Dini, PetscInt, Mat, DiniParameterJacobianFn *, void *);
DINI_PUBLIC PetscErrorCode DiniSetParameterOperator(Dini, PetscInt, DiniParameterApplyFn *, DiniParameterApplyFn *,
                                                    void *);

// chosen, where there is a choice
DINI_PUBLIC PetscErrorCode DiniSetParameterType(Dini, PetscInt, DiniParameterType);
DINI_PUBLIC PetscErrorCode DiniGetParameterType(Dini, PetscInt, DiniParameterType *);
DINI_PUBLIC PetscErrorCode DiniSetParameterDifference(Dini, PetscInt, DiniDifference, PetscReal);
DINI_PUBLIC PetscErrorCode DiniSetParameterMaxColumns(Dini, PetscInt, PetscInt); // of DINIPARAMETERFD

// what is known of F, or of the block, beforehand
DINI_PUBLIC PetscErrorCode DiniSetParameterAffine(Dini, PetscInt, PetscBool);
DINI_PUBLIC PetscErrorCode DiniSetParameterReal(Dini, PetscInt, PetscBool);
