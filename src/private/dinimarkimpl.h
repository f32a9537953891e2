/* Private to the library: matrices that others may write into. Included by diniimpl.h. */
#pragma once
#include <stdint.h>

/* A matrix that others may write into, as it was when it was what derivatives rest on */
typedef struct {
  Mat              A; /* a reference, or NULL */
  PetscObjectState state;
  PetscBool        known; /* its numbers can be looked at */
  uint64_t         sum;   /* of them, on this rank */
  Vec              w, Aw; /* a product, where they can not; NULL: none has been taken */
} DiniMark;

/* Numbers that a callback fills, on this rank, and those of what they may depend on, at the last point */
typedef struct {
  PetscBool known, constant; /* constant: they have been right at two points without a change */
  uint64_t  from, sum;
} DiniSteady;

#define DINI_RESTS_ON "dini_rests_on" /* a matrix of the application's that a shell of Dini's multiplies with */

DINI_INTERN PetscErrorCode DiniMatState_Private(Mat, PetscObjectState *sum);
DINI_INTERN PetscErrorCode DiniMatCopies_Private(Mat, PetscBool *copies);
DINI_INTERN PetscErrorCode DiniMatCopy_Private(Mat A, Mat B, MatStructure);
DINI_INTERN PetscErrorCode DiniFilled_Private(Mat);
DINI_INTERN PetscErrorCode DiniMark_Private(Mat, DiniMark *);
DINI_INTERN PetscErrorCode DiniMarkAgain_Private(DiniMark *);
DINI_INTERN PetscErrorCode DiniMarkMoved_Private(const DiniMark *, PetscBool values, PetscBool *moved);
DINI_INTERN PetscErrorCode DiniMarkProduct_Private(Dini, DiniMark *);
DINI_INTERN PetscErrorCode DiniMarkProductMoved_Private(const DiniMark *, PetscBool *moved);
DINI_INTERN PetscErrorCode DiniMatParts_Private(Mat, PetscInt *n, Mat **parts, Vec *vec);
DINI_INTERN PetscErrorCode DiniMatSum_Private(Mat, PetscBool *known, uint64_t *sum);
DINI_INTERN PetscErrorCode DiniVecSum_Private(Vec, uint64_t *sum);
DINI_INTERN PetscErrorCode DiniSteady_Private(MPI_Comm, PetscBool known, uint64_t from, uint64_t sum, DiniSteady *,
                                              PetscBool *suspect);
DINI_INTERN PetscErrorCode DiniMatStamp_Private(Mat, PetscObjectState *stamp);
DINI_INTERN PetscErrorCode DiniShellContext_Private(Mat, void *ctx);
DINI_INTERN PetscErrorCode DiniShellDestroy_Private(Mat *, const void *owner);
