/* Private to the library: how near J is to a singular matrix, and paths that end where it is. */
#pragma once
#include <dini.h>
#include "dinicompat.h"

/* How DiniContinue() goes along a path: set by the user; zero stands for what the way to the target gives */
typedef struct {
  PetscReal           step, minstep, rtol, back;
  PetscInt            maxsteps, folds; /* so many folds are gone round */
  PetscBool           print;
  DiniContinuationFn *monitor;
  void               *ctx;
  PetscInt            nfolds; /* gone round in the last one: */
  PetscReal          *fold;   /* where */
} DiniContinuation;

/* The smallest and the largest singular value of J at the point; SLEPc finds them */
typedef struct {
  PetscErrorCode (*compute)(Dini); /* NULL without SLEPc */
  PetscBool  requested, busy;
  PetscBool  verified; /* else smin is a bound from above */
  PetscInt64 point;    /* where they belong, 0: none */
  PetscReal  smin, smax;
  Vec        left, right; /* J right = smin left, J^H left = smin right; NULL where smin is a bound */
} DiniCondition;

/* conditioning: they do nothing where -dini_condition has not asked for it */
DINI_INTERN PetscErrorCode DiniConditionSetFromOptions_Private(Dini, DiniOptionItems);
DINI_INTERN PetscErrorCode DiniConditionAvailable_Private(Dini);
DINI_INTERN PetscErrorCode DiniConditionLinearized_Private(Dini);
DINI_INTERN PetscErrorCode DiniConditionHint_Private(Dini, char text[], size_t size);
DINI_INTERN PetscErrorCode DiniConditionView_Private(Dini, PetscViewer);
DINI_INTERN PetscErrorCode DiniConditionReset_Private(Dini);
#if defined(DINI_HAVE_SLEPC)
DINI_INTERN PetscErrorCode DiniCondition_SLEPc(Dini);
#endif

/* continuation */
DINI_INTERN PetscErrorCode DiniContinuationSetFromOptions_Private(Dini, DiniOptionItems);
