/* Private to the active set: what a variational inequality l <= u <= h adds to F(u, m) = 0. */
#pragma once
#include "diniimpl.h"
#include "petscaccess.h"

typedef enum { DINI_LOWER, DINI_UPPER } DiniSide;

struct _DiniActive {
  SNES snes;

  /* as of the point */
  Vec       copy[2];    /* of the bounds, by DiniSide */
  PetscInt  n;          /* entries held at a bound, this rank */
  PetscInt *local;      /* their local numbers, ascending */
  DiniSide *side;       /* which bound holds each */
  IS        held, weak; /* global numbers of those entries, and of the weakly active ones */
  PetscInt  counts[2];  /* entries held and weakly active, all ranks */

  /* work */
  Vec              s;    /* |J_ii|: brings u - l to the size of F */
  Vec              w[3]; /* layout of u */
  Mat              J, P; /* of F, references */
  Mat              RJ, RP;
  PetscObjectState patternJ, patternP; /* of J and P when RJ and RP were made; -1: not theirs */
  PetscReal        diagonal;           /* of the rows that are held */
};

DINI_INTERN PetscErrorCode DiniActiveBounds_Private(Dini, Vec bounds[2]);
DINI_INTERN PetscErrorCode DiniActiveFind_Private(Dini, Mat J);

/* The methods of the filter */
DINI_INTERN PetscErrorCode DiniActiveDestroy_Private(Dini);
DINI_INTERN PetscErrorCode DiniActiveNatural_Private(Dini, Vec u, Vec F, PetscReal scale);
DINI_INTERN PetscErrorCode DiniActiveRemember_Private(Dini);
DINI_INTERN PetscErrorCode DiniActiveUnchanged_Private(Dini);
DINI_INTERN PetscErrorCode DiniActiveDiffers_Private(Dini, PetscBool *differs);
DINI_INTERN PetscErrorCode DiniActiveShifted_Private(Dini, DiniParameter);
DINI_INTERN PetscErrorCode DiniActiveGuard_Private(Dini, PetscBool again);
DINI_INTERN PetscErrorCode DiniActiveReduce_Private(Dini, Mat *J, Mat *P);
DINI_INTERN PetscErrorCode DiniActiveFull_Private(Dini, Mat *J, Mat *P);
DINI_INTERN PetscErrorCode DiniActiveProject_Private(Dini, Vec v);
DINI_INTERN PetscErrorCode DiniActivePart_Private(Dini, Vec v, Vec *part);
DINI_INTERN PetscErrorCode DiniActiveTangent_Private(Dini, Vec m, Vec dm, Vec y, PetscBool *zero);
DINI_INTERN PetscErrorCode DiniActiveAdjoint_Private(Dini, Vec m, Vec lambda, Vec part, Vec mbar);
DINI_INTERN PetscErrorCode DiniActiveStep_Private(Dini, Vec u, Vec F);
DINI_INTERN PetscErrorCode DiniActiveView_Private(Dini, PetscViewer);
DINI_INTERN PetscErrorCode DiniActiveCreate_Private(Dini, SNES);
