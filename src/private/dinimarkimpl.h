/* Private to the library: matrices that others may write into. Included by diniimpl.h. */
#pragma once

/* A matrix that others may write into, and its state when it was what derivatives rest on */
typedef struct {
  Mat              A; /* a reference, or NULL */
  PetscObjectState state;
} DiniMark;

#define DINI_RESTS_ON "dini_rests_on" /* a matrix of the application's that a shell of Dini's multiplies with */

DINI_INTERN PetscErrorCode DiniMatState_Private(Mat, PetscObjectState *sum);
DINI_INTERN PetscErrorCode DiniMatCopies_Private(Mat, PetscBool *copies);
DINI_INTERN PetscErrorCode DiniFilled_Private(Mat);
DINI_INTERN PetscErrorCode DiniMark_Private(Mat, DiniMark *);
DINI_INTERN PetscErrorCode DiniMarkMoved_Private(const DiniMark *, PetscBool *moved);
DINI_INTERN PetscErrorCode DiniShellContext_Private(Mat, void *ctx);
DINI_INTERN PetscErrorCode DiniShellDestroy_Private(Mat *, const void *owner);
