/* Private to src/spectral: the operator A = B (du/dm) S whose singular values are wanted. */
#pragma once
#include "diniimpl.h"
#include <dinislepc.h>

typedef struct {
  Dini      dini;   /* a reference */
  Mat       D;      /* du/dm, pinned */
  Mat       B, S;   /* references, or NULL for the identity */
  Vec       du;     /* D S x, where there is a B */
  Vec       dm;     /* S x, where there is an S */
  PetscBool inside; /* SLEPc is at work */
  int       failed; /* the error of a product meanwhile, 0 for none */
  PetscReal seen;   /* largest |A x| / |x| of any product so far: from below, the largest singular value */
} DiniSVD;

/* The operation behind MatMultHermitianTranspose(), which real builds do without */
#if defined(PETSC_USE_COMPLEX)
  #define DINI_SVD_MULT_ADJOINT MATOP_MULT_HERMITIAN_TRANSPOSE
#else
  #define DINI_SVD_MULT_ADJOINT MATOP_MULT_TRANSPOSE
#endif

/* How errors call products with the application's factors */
#define DINI_SVD_B         "MatMult() of the operator B on the state"
#define DINI_SVD_S         "MatMult() of the operator S on the parameters"
#define DINI_SVD_B_ADJOINT "MatMultHermitianTranspose() of the operator B on the state"
#define DINI_SVD_S_ADJOINT "MatMultHermitianTranspose() of the operator S on the parameters"

/* What the solver has returned, sorted as the solver does */
typedef struct {
  PetscInt   count;
  PetscReal *sigma;
  Vec       *U, *V;
  PetscReal *left, *right;   /* |A v - s u| and |A^H u - s v| */
  PetscReal *forward, *back; /* |A v| and |A^H u| */
  Vec        x, y;           /* work, in the domain of A and in its range */
} DiniTriplets;

/* Tolerance where the caller sets none */
#define DINI_SVD_TOL 1e-8

/* Ten times what the solver was asked for: its estimates are not made of true residuals */
#define DINI_SVD_SLACK 10.0

/* Largest relative disagreement of <B x, y> and <x, B^H y> */
#define DINI_SVD_ADJOINT_RTOL 1e-6

typedef PetscErrorCode DiniSVDVecFn(DiniSVD *, Vec, Vec);
typedef PetscErrorCode DiniSVDMatFn(DiniSVD *, Mat, Mat M[3]);

DINI_INTERN PetscErrorCode DiniSVDApplyColumns_Private(DiniSVD *, Mat M, PetscBool adjoint, const char what[], Mat X,
                                                       Mat *Y);
DINI_INTERN PetscErrorCode DiniSVDHold_Private(DiniSVD *, DiniSVDVecFn *, Vec, Vec);
DINI_INTERN PetscErrorCode DiniSVDHoldBlock_Private(DiniSVD *, DiniSVDMatFn *, Mat, Mat);
DINI_INTERN PetscErrorCode DiniSVDTranspose_Private(Mat A, MatReuse, Mat *AT);
DINI_INTERN PetscErrorCode DiniSVDApply_Private(DiniSVD *, Mat M, PetscBool adjoint, const char what[], Vec x, Vec y);
DINI_INTERN PetscErrorCode DiniSVDGet_Private(SVD, Mat *A, DiniSVD **);
DINI_INTERN PetscErrorCode DiniSVDRandom_Private(DiniSVD *, PetscInt seed, Vec);
DINI_INTERN PetscErrorCode DiniTripletsCreate_Private(SVD, Mat A, DiniTriplets *);
DINI_INTERN PetscErrorCode DiniTripletsMeasure_Private(Mat A, DiniTriplets *);
DINI_INTERN PetscErrorCode DiniTripletsDestroy_Private(DiniTriplets *);
DINI_INTERN PetscErrorCode DiniTripletsVerify_Private(DiniSVD *, Mat A, const DiniTriplets *, PetscReal rtol,
                                                      PetscInt *nonzero);
DINI_INTERN PetscErrorCode DiniTripletsMissed_Private(DiniSVD *, Mat A, const DiniTriplets *, PetscReal rtol);
