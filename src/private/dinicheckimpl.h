/* Private to src/check: what a check knows, and how it reports. */
#pragma once
#include "diniimpl.h"

typedef enum {
  DINI_VERDICT_OK,
  DINI_VERDICT_LOOSE, /* the forward solve is too loose for the test to tell */
  DINI_VERDICT_WRONG
} DiniVerdict;

typedef struct {
  PetscViewer viewer;
  Vec         home;                /* the application's state, which is not written to */
  PetscReal   fpoint;              /* |F(u, m)| at it, as the solve has left it */
  Vec         u, m;                /* its values, and the flat parameters */
  PetscReal   error;               /* |J^{-1} F(u, m)|: how far u is from the solution */
  Vec         w;                   /* J(u) = Re <w, u> where there is no objective of the application's */
  PetscInt    tests, wrong, loose; /* verdicts */
  PetscReal   excess;              /* by how much the forward solves are too loose for the test at hand */
  char        first[256];          /* the first wrong one */
} DiniChecking;

DINI_INTERN PetscErrorCode DiniCheckVerdict_Private(Dini, DiniChecking *, DiniVerdict, const char what[]);
DINI_INTERN PetscErrorCode DiniCheckError_Private(Dini, Vec u, PetscReal *error, Vec correction);
DINI_INTERN PetscErrorCode DiniCheckTaylor_Private(Dini, DiniChecking *, PetscInt p);
DINI_INTERN PetscErrorCode DiniCheckFields_Private(Dini, DiniChecking *, Mat J);
DINI_INTERN PetscErrorCode DiniCheckComponents_Private(Dini, DiniChecking *, PetscInt p);
DINI_INTERN PetscErrorCode DiniCheckDirection_Private(Dini, PetscInt p, Vec dm);
