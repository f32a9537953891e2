/**
  @file dinislepc.h
  @brief Derivatives of eigenvalues and eigenvectors, and singular values of derivatives: what Dini offers where it has been built with SLEPc.

  An eigenproblem T(lambda; m) x = 0 with T = sum_k c_k(lambda) M_k(m): A x = lambda B x has c = (1, -lambda). Dini takes
  the EPS, PEP or NEP that finds the pairs, treats it as opaque, and differentiates each simple pair, and the mean of each
  cluster, with respect to the parameters. It also gives the singular values of the derivative of any solve.
*/
#pragma once
#include <dini.h>
#include <slepceps.h>
#include <slepcnep.h>
#include <slepcpep.h>
#include <slepcsvd.h>

#define DINIEPS "eps" /**< an EPS: A(m) x = lambda B(m) x */
#define DINIPEP "pep" /**< a PEP: sum_k lambda^k A_k(m) x = 0 */
#define DININEP "nep" /**< a NEP in split form: sum_k f_k(lambda) A_k(m) x = 0 */

/** Callback of DiniSetEigenSystem(): fills the n matrices of the eigenproblem at the current parameters. */
typedef PetscErrorCode DiniEigenSystemFn(Dini dini, PetscInt n, Mat M[], void *ctx);

/* the eigenproblem and its solver */
DINI_PUBLIC PetscErrorCode DiniSetEPS(Dini, EPS);
DINI_PUBLIC PetscErrorCode DiniGetEPS(Dini, EPS *);
DINI_PUBLIC PetscErrorCode DiniSetPEP(Dini, PEP);
DINI_PUBLIC PetscErrorCode DiniGetPEP(Dini, PEP *);
DINI_PUBLIC PetscErrorCode DiniSetNEP(Dini, NEP);
DINI_PUBLIC PetscErrorCode DiniGetNEP(Dini, NEP *);
DINI_PUBLIC PetscErrorCode DiniSetEigenSystem(Dini, DiniEigenSystemFn *, void *);
DINI_PUBLIC PetscErrorCode DiniGetEigenCoefficients(Dini, PetscInt *, const PetscScalar *[]);
DINI_PUBLIC PetscErrorCode DiniSetEigenGap(Dini, PetscReal);
DINI_PUBLIC PetscErrorCode DiniSetEigenTracking(Dini, PetscBool, PetscReal);
DINI_PUBLIC PetscErrorCode DiniSetEigenMode(Dini, PetscInt);

/* eigenproblems: solve, attach */
DINI_PUBLIC PetscErrorCode DiniEigenSolve(Dini);
DINI_PUBLIC PetscErrorCode DiniEigenAttach(Dini);
DINI_PUBLIC PetscErrorCode DiniGetNumberEigenpairs(Dini, PetscInt *);
DINI_PUBLIC PetscErrorCode DiniGetEigenpair(Dini, PetscInt, PetscScalar *, PetscScalar *, Vec, Vec);
DINI_PUBLIC PetscErrorCode DiniGetLeftEigenvector(Dini, PetscInt, Vec, Vec);
DINI_PUBLIC PetscErrorCode DiniGetEigenOverlap(Dini, PetscInt, PetscReal *);
DINI_PUBLIC PetscErrorCode DiniGetEigenCluster(Dini, PetscInt, PetscInt *, const PetscInt *[], PetscReal *);

/* eigenproblems: differentiate */
DINI_PUBLIC PetscErrorCode DiniEigenvalueJVP(Dini, PetscInt, Vec, PetscScalar *, PetscScalar *);
DINI_PUBLIC PetscErrorCode DiniEigenvalueVJP(Dini, PetscInt, PetscScalar, PetscScalar, Vec);
DINI_PUBLIC PetscErrorCode DiniEigenClusterJVP(Dini, PetscInt, Vec, PetscScalar *, PetscScalar *);
DINI_PUBLIC PetscErrorCode DiniEigenClusterVJP(Dini, PetscInt, PetscScalar, PetscScalar, Vec);
DINI_PUBLIC PetscErrorCode DiniEigenvectorJVP(Dini, PetscInt, Vec, Vec, Vec);
DINI_PUBLIC PetscErrorCode DiniEigenvectorVJP(Dini, PetscInt, Vec, Vec, Vec);

/* the spectrum of the derivative: singular values of B (du/dm) S */
DINI_PUBLIC PetscErrorCode DiniCreateSVD(Dini, Mat B, Mat S, SVD *);
DINI_PUBLIC PetscErrorCode DiniSVDSolve(SVD, PetscInt *);
