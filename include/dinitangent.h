/**
  @file dinitangent.h
  @brief How tangent and adjoint systems are solved: how well, with which preconditioner, and how J^H is applied.
  Included by dini.h.
*/
#pragma once
#include <dini.h>

/*
  Tangent and adjoint solves
  --------------------------
  J x = r and J^H lambda = g are solved with what the forward solve has left behind, and judged by their true residual.
  Nothing here has to be called: the defaults climb from what is free to what is dear, and every choice is an option, too.
*/

/** How J^H is applied in an adjoint solve, see DiniSetTranspose(). */
typedef enum {
  DINI_TRANSPOSE_AUTO,     /**< symmetric where the matrix says it is Hermitian, native otherwise */
  DINI_TRANSPOSE_NATIVE,   /**< products with J^H, and the transposed apply of the forward preconditioner */
  DINI_TRANSPOSE_EXPLICIT, /**< an assembled J^H with a preconditioner of its own, -dini_adjoint_pc_type */
  DINI_TRANSPOSE_SYMMETRIC /**< J^H = J: nothing is transposed (checked by a product) */
} DiniTranspose;
DINI_PUBLIC const char *const DiniTransposes[]; /**< names of the values of DiniTranspose, as in options */

/** Which adjoint DiniVJP() applies in complex builds, see DiniSetAdjointType(). Real builds know only one. */
typedef enum {
  DINI_ADJOINT_HERMITIAN, /**< the adjoint for the inner product y^H x */
  DINI_ADJOINT_TRANSPOSE  /**< the plain transpose, the convention of AD tools for holomorphic maps */
} DiniAdjointType;
DINI_PUBLIC const char *const DiniAdjointTypes[]; /**< names of the values of DiniAdjointType, as in options */

/** When the preconditioner that the forward solve has left behind is set up again at the solution, see DiniSetReuse(). */
typedef enum {
  DINI_REUSE_AUTO,   /**< once the iterations it costs beyond a fresh one's have cost as much as a set-up */
  DINI_REUSE_ALWAYS, /**< only when it fails */
  DINI_REUSE_NEVER   /**< at each new point */
} DiniReuse;
DINI_PUBLIC const char *const DiniReuses[]; /**< names of the values of DiniReuse, as in options */

/** Callback of DiniSetTangentSolve() and DiniSetAdjointSolve(): x with J x = r, or J^H x = r. */
typedef PetscErrorCode DiniLinearSolveFn(Dini dini, Vec r, Vec x, void *ctx);

// how well
DINI_PUBLIC PetscErrorCode DiniSetTolerances(Dini, PetscReal, PetscReal); // of tangents, of adjoints
DINI_PUBLIC PetscErrorCode DiniGetTolerances(Dini, PetscReal *, PetscReal *);
DINI_PUBLIC PetscErrorCode DiniSetGradientTolerance(Dini, PetscReal);

// what is kept from one solve to the next, and what is done with a state that is loose
DINI_PUBLIC PetscErrorCode DiniSetReuse(Dini, DiniReuse);
DINI_PUBLIC PetscErrorCode DiniGetReuse(Dini, DiniReuse *);
DINI_PUBLIC PetscErrorCode DiniSetForwardReuse(Dini, PetscBool);
DINI_PUBLIC PetscErrorCode DiniSetPolish(Dini, PetscBool);

// the adjoint
DINI_PUBLIC PetscErrorCode DiniSetTranspose(Dini, DiniTranspose);
DINI_PUBLIC PetscErrorCode DiniSetAdjointType(Dini, DiniAdjointType);

// bounds on what is factorised and solved at once
DINI_PUBLIC PetscErrorCode DiniSetDirectMax(Dini, PetscInt);
DINI_PUBLIC PetscErrorCode DiniSetBlockSize(Dini, PetscInt);

// solves of the application's own, and a look at Dini's
DINI_PUBLIC PetscErrorCode DiniSetTangentSolve(Dini, DiniLinearSolveFn *, void *);
DINI_PUBLIC PetscErrorCode DiniSetAdjointSolve(Dini, DiniLinearSolveFn *, void *);
DINI_PUBLIC PetscErrorCode DiniGetTangentKSP(Dini, KSP *);
DINI_PUBLIC PetscErrorCode DiniGetAdjointKSP(Dini, KSP *);
