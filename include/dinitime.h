/**
  @file dinitime.h
  @brief Derivatives through time: chains of implicit steps. Included by dini.h.
*/
#pragma once
#include <dini.h>
#include <petscts.h>

/*
  Chains
  ------
  R(u_{n+1}; u_n, u_{n-1}, ..., m, t_n) = 0 for n = 0 .. N-1 defines u_N as a function of u_0 and m: a relation like any other,
  F(u, m) = u - u_N(u_0, m), whose state is the last one. The step is a Dini of any type in which the earlier states are
  parameter blocks. Tangents march along the steps and adjoints back, one tangent or adjoint solve a step, and every step that
  has been recorded is verified, by its residual, before it is differentiated.
*/

/** Most earlier states that a step may read. */
#define DINI_CHAIN_MOST 8

/** Callback of DiniSetChainStep(): before step n, from t to t + dt, whether forwards, beside the point or in a sweep back. */
typedef PetscErrorCode DiniChainStepFn(Dini chain, PetscInt n, PetscReal t, PetscReal dt, void *ctx);

/**
  Callback of DiniSetChainObjective(): adds to *value what state n at time t has of the objective, and to dJdu, unless that is
  NULL, its derivative; u is read-only.
*/
typedef PetscErrorCode DiniChainObjectiveFn(Dini chain, PetscInt n, PetscReal t, Vec u, PetscReal *value, Vec dJdu,
                                            void *ctx);

// what a chain is made of
DINI_PUBLIC PetscErrorCode DiniSetChain(Dini, Dini, PetscInt);
DINI_PUBLIC PetscErrorCode DiniAddChainHistory(Dini, PetscInt);
DINI_PUBLIC PetscErrorCode DiniSetChainInitial(Dini, Vec);
DINI_PUBLIC PetscErrorCode DiniSetChainTimes(Dini, PetscInt, const PetscReal[]);
DINI_PUBLIC PetscErrorCode DiniSetChainStep(Dini, DiniChainStepFn *, void *);

// a TS as it is
DINI_PUBLIC PetscErrorCode DiniSetTS(Dini, TS);
DINI_PUBLIC PetscErrorCode DiniGetTS(Dini, TS *);

// how many states are kept
DINI_PUBLIC PetscErrorCode DiniSetCheckpoints(Dini, PetscInt);
DINI_PUBLIC PetscErrorCode DiniGetCheckpoints(Dini, PetscInt *, PetscReal *, PetscInt64 *);

// a loop of the application's own
DINI_PUBLIC PetscErrorCode DiniChainBegin(Dini, PetscReal, Vec);
DINI_PUBLIC PetscErrorCode DiniChainRecord(Dini, PetscReal, Vec);
DINI_PUBLIC PetscErrorCode DiniChainEnd(Dini);

// objectives in time
DINI_PUBLIC PetscErrorCode DiniSetChainObjective(Dini, DiniChainObjectiveFn *, void *);
DINI_PUBLIC PetscErrorCode DiniAddChainObservation(Dini, PetscReal, Mat, Vec, Vec);

// between two states
DINI_PUBLIC PetscErrorCode DiniCreatePropagator(Dini, PetscInt, PetscInt, Mat *);

// what has come of it
DINI_PUBLIC PetscErrorCode DiniGetChainStep(Dini, Dini *);
DINI_PUBLIC PetscErrorCode DiniGetChainLength(Dini, PetscInt *);
DINI_PUBLIC PetscErrorCode DiniGetChainState(Dini, PetscInt, PetscReal *, Vec *);
