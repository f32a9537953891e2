/* A chain of implicit steps with known derivatives: a reaction and diffusion on a line, by backward Euler or BDF2. */
#pragma once
#include "dinitest.h"

/*
  u' = -p u - q u^3 + D u + f cos(t), D the second difference on a line of 3 cells a rank, in a0 u_{n+1} + a1 u_n + a2 u_{n-1} = h u'
*/
typedef struct {
  PetscInt    N;      /* steps */
  PetscBool   second; /* BDF2, but for the first step */
  PetscReal   h, t1, a[3];
  PetscReal   hidden; /* added to the right-hand side: no parameter */
  PetscReal   fails;  /* from this time on there is NaN; 0: never */
  PetscScalar p, q;   /* p: a parameter of the chain; q: a constant */
  Mat         D, J;
  Vec         f, u0, u, before, older, w;
  PetscReal   times[41];
  SNES        snes;
  Dini        step, chain;
  PetscInt    pp, pf, p0; /* blocks of the chain: p, f, u_0 */
  PetscInt    placed;     /* calls of the step callback */
} Marching;

/* The step as a Dini by a SNES, and the chain of it, with N steps of unlike sizes; blocks p, f and, with initial, u_0 */
extern PetscErrorCode MarchingCreate(PetscInt N, PetscBool second, PetscBool initial, Marching *);
extern PetscErrorCode MarchingDestroy(Marching *);
/* The loop of an application that knows nothing of a chain: from u_0 through all steps; with record, each state is handed over */
extern PetscErrorCode MarchingLoop(Marching *, PetscBool record, Vec u);
/* Sets the step from t to t + dt, the n-th */
extern PetscErrorCode MarchingPlace(Marching *, PetscInt n, PetscReal t, PetscReal dt);
