/**
  @file diniobjective.h
  @brief Objectives of the state, their gradients and Hessians, and Tao. Included by dini.h.
*/
#pragma once
#include <dini.h>

/*
  Objectives and Tao
  ------------------
  A number J(u, m) of the solution, given by its value and its partial derivatives. Dini makes of it the reduced objective
  m -> J(u(m), m) with its gradient, one solve and one adjoint solve, and hands both to a Tao.
*/

/** Callback of DiniSetObjective(): the value J(u, m), the same on every rank. */
typedef PetscErrorCode DiniObjectiveFn(Dini dini, Vec u, PetscReal *value, void *ctx);
/** Callback of DiniSetObjective(): the partial derivatives of J(u, m), both zero on entry. */
typedef PetscErrorCode DiniObjectiveGradientFn(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx);

// the Vec that is solved for, and its initial guesses
DINI_PUBLIC PetscErrorCode DiniSetState(Dini, Vec);
DINI_PUBLIC PetscErrorCode DiniGetState(Dini, Vec *);
DINI_PUBLIC PetscErrorCode DiniSetPredict(Dini, PetscBool);

// the objective, its reduced value and gradient at m
DINI_PUBLIC PetscErrorCode DiniSetObjective(Dini, DiniObjectiveFn *, DiniObjectiveGradientFn *, void *);
DINI_PUBLIC PetscErrorCode DiniHasObjective(Dini, PetscBool *);
DINI_PUBLIC PetscErrorCode DiniComputeObjective(Dini, Vec, PetscReal *);
DINI_PUBLIC PetscErrorCode DiniComputeObjectiveAndGradient(Dini, Vec, PetscReal *, Vec);

// an optimiser that minimises it
DINI_PUBLIC PetscErrorCode DiniSetTao(Dini, Tao);

// further objectives of the same state, their gradients together
DINI_PUBLIC PetscErrorCode DiniAddObjective(Dini, const char[], DiniObjectiveFn *, DiniObjectiveGradientFn *, void *,
                                            PetscInt *);
DINI_PUBLIC PetscErrorCode DiniGetNumberObjectives(Dini, PetscInt *);
DINI_PUBLIC PetscErrorCode DiniComputeObjectives(Dini, Vec, PetscReal[], Mat);

/*
  Hessians
  --------
  Products with the Hessian of the reduced objective: one tangent and one adjoint solve each. Second derivatives that are
  not given are differences of first ones.
*/

/** Which Hessian of the reduced objective, see DiniSetHessianType(). */
typedef enum {
  DINI_HESSIAN_FULL,         /**< exact: with the second derivatives of F paired with lambda */
  DINI_HESSIAN_GAUSS_NEWTON, /**< without them: positive semidefinite where the objective is convex in u and m */
  DINI_HESSIAN_BLEND         /**< Gauss-Newton plus a fraction of the rest, DiniSetHessianBlend() */
} DiniHessianType;
DINI_PUBLIC const char *const DiniHessianTypes[]; /**< names of the values of DiniHessianType, as in options */

/** Callback of DiniSetObjectiveHessian(): hu = J_uu du + J_um dm and hm = J_mu du + J_mm dm, both zero on entry. */
typedef PetscErrorCode DiniObjectiveHessianFn(Dini dini, Vec u, Vec du, Vec dm, Vec hu, Vec hm, void *ctx);
/** Callback of DiniSetResidualHessian(): hu = (F_uu du + F_um dm)^H lambda and hm = (F_mu du + F_mm dm)^H lambda. */
typedef PetscErrorCode DiniResidualHessianFn(Dini dini, Vec u, Vec lambda, Vec du, Vec dm, Vec hu, Vec hm, void *ctx);

// second derivatives of J and F, where the application has them
DINI_PUBLIC PetscErrorCode DiniSetObjectiveHessian(Dini, DiniObjectiveHessianFn *, void *);
DINI_PUBLIC PetscErrorCode DiniSetResidualHessian(Dini, DiniResidualHessianFn *, void *);

// which Hessian, and how its missing parts are made
DINI_PUBLIC PetscErrorCode DiniSetHessianType(Dini, DiniHessianType);
DINI_PUBLIC PetscErrorCode DiniGetHessianType(Dini, DiniHessianType *);
DINI_PUBLIC PetscErrorCode DiniSetHessianBlend(Dini, PetscReal);
DINI_PUBLIC PetscErrorCode DiniSetHessianStep(Dini, PetscReal);
DINI_PUBLIC PetscErrorCode DiniSetHessianPreconditioner(Dini, Mat);

// its products: one, many, as a Mat
DINI_PUBLIC PetscErrorCode DiniHVP(Dini, Vec, Vec);
DINI_PUBLIC PetscErrorCode DiniMatHVP(Dini, Mat, Mat);
DINI_PUBLIC PetscErrorCode DiniGetHessian(Dini, Mat *);
