/* Private to the library: Mats that are nothing but products. Included by diniimpl.h. */
#pragma once
#include "dinidefs.h"

/*
  What such a Mat does: the derivative, the Hessian, a derivative pinned to a point. Its owner is the Dini, or what the Mat has for
  itself; an owner that goes before the Mat, or before a MatDuplicate() of it, leaves one that says so.
*/
typedef struct {
  const char *what, *again; /* how views and errors call it, and the call that gives another one */
  PetscErrorCode (*mult)(void *owner, Vec x, Vec y);
  /* the plain transpose, always: MatMultHermitianTranspose() conjugates around it; NULL: there is none */
  PetscErrorCode (*multtranspose)(void *owner, Vec x, Vec y);
  /* of dense matrices; the result is made by PETSc, which also applies a MatScale() of the Mat afterwards */
  PetscErrorCode (*matmult)(void *owner, Mat X, Mat Y);
  PetscErrorCode (*transposematmult)(void *owner, Mat X, Mat Y); /* may be NULL */
  PetscErrorCode (*destroy)(void *owner);                        /* the owner goes with the Mat; NULL: it does not */
} DiniProductOps;

DINI_INTERN PetscErrorCode DiniProductsCreate_Private(PetscObject like, const PetscInt rows[2],
                                                      const PetscInt columns[2], const DiniProductOps *, void *owner,
                                                      Mat *);
DINI_INTERN PetscErrorCode DiniProductsOwner_Private(Mat, void *owner);
DINI_INTERN PetscErrorCode DiniProductsMoved_Private(Mat);
DINI_INTERN PetscErrorCode DiniProductsRelease_Private(Mat *);
