/* A TS of an application that knows nothing of derivatives: a reaction and diffusion on a line, in the forms a TS takes. */
#pragma once
#include "dinitest.h"
#include <petscts.h>

typedef enum {
  STEPPING_IMPLICIT, /* TSSetIFunction() and TSSetIJacobian() */
  STEPPING_RHS,      /* TSSetRHSFunction() and TSSetRHSJacobian() */
  STEPPING_BOTH,     /* diffusion in the one, all else in the other */
  STEPPING_COLOURED  /* TSSetIFunction(), and the Jacobian by PETSc's differences */
} SteppingForm;

typedef enum { STEPPING_ONE, STEPPING_DIAGONAL, STEPPING_STATE, STEPPING_SINGULAR } SteppingMass;

/* M u' = -p u - q u^3 + D u + f cos(t) on a line of 3 cells a rank, D diffusion and, but for -stepping_skew 0, some advection; in M, by mass: 1, a diagonal, 1 + u^2, a diagonal with zeros */
typedef struct {
  SteppingForm form;
  SteppingMass mass;
  PetscReal    t1, dt;
  PetscReal    edge;   /* above this p there is NaN; 0: nowhere */
  PetscReal    hidden; /* added to the right-hand side: no parameter */
  PetscScalar  p, q;   /* p: a parameter; q: a constant, 0 for a linear one */
  Mat          D, J, G;
  Vec          f, u0, u, w;
  TS           ts;
  Dini         dini;
  PetscInt     jacobians; /* calls of the application's callbacks for J */
} Stepping;

/* The TS, to time t1 with steps of size dt, with options from the database; and a Dini of it with blocks p, f and u_0 */
extern PetscErrorCode SteppingCreate(SteppingForm, SteppingMass, Stepping *);
extern PetscErrorCode SteppingDestroy(Stepping *);
/* What the application does: from u_0 to the end. The Dini hears of it */
extern PetscErrorCode SteppingSolve(Stepping *, Vec u);
/* du_N along dm by central differences of that, of fourth order */
extern PetscErrorCode SteppingDifferences(Stepping *, Vec dm, PetscReal h, Vec du);
