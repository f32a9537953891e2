/**
  @file dinislepc.h
  @brief Eigenvalues and eigenvectors, singular values of J and of du/dm, uncertainty: what Dini offers where it is built
  with SLEPc.

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

/*
  Eigenproblems
  -------------
  A Dini takes the eigensolver that the application runs, an EPS, a PEP or a NEP in split form, and a callback that fills
  its matrices at the current parameters. Options of the linear solves begin with eigen_.
*/

#define DINIEPS "eps" /**< an EPS: A(m) x = lambda B(m) x */
#define DINIPEP "pep" /**< a PEP: sum_k lambda^k A_k(m) x = 0 */
#define DININEP "nep" /**< a NEP in split form: sum_k f_k(lambda) A_k(m) x = 0 */

/** Callback of DiniSetEigenSystem(): fills the n matrices of the eigenproblem at the current parameters. */
typedef PetscErrorCode DiniEigenSystemFn(Dini dini, PetscInt n, Mat M[], void *ctx);

// the solver, and its matrices
DINI_PUBLIC PetscErrorCode DiniSetEPS(Dini, EPS);
DINI_PUBLIC PetscErrorCode DiniGetEPS(Dini, EPS *);
DINI_PUBLIC PetscErrorCode DiniSetPEP(Dini, PEP);
DINI_PUBLIC PetscErrorCode DiniGetPEP(Dini, PEP *);
DINI_PUBLIC PetscErrorCode DiniSetNEP(Dini, NEP);
DINI_PUBLIC PetscErrorCode DiniGetNEP(Dini, NEP *);
DINI_PUBLIC PetscErrorCode DiniSetEigenSystem(Dini, DiniEigenSystemFn *, void *);
DINI_PUBLIC PetscErrorCode DiniGetEigenCoefficients(Dini, PetscInt *, const PetscScalar *[]);

// close eigenvalues, modes through crossings, the mode that is the state of DiniSolve()
DINI_PUBLIC PetscErrorCode DiniSetEigenGap(Dini, PetscReal);
DINI_PUBLIC PetscErrorCode DiniSetEigenTracking(Dini, PetscBool, PetscReal);
DINI_PUBLIC PetscErrorCode DiniSetEigenMode(Dini, PetscInt);

/*
  Eigenpairs
  ----------
  All converged pairs of a solve are the point of differentiation. Pairs are numbered from 0 in the solver's order, or keep
  their numbers with DiniSetEigenTracking().
*/

// the point
DINI_PUBLIC PetscErrorCode DiniEigenSolve(Dini);
DINI_PUBLIC PetscErrorCode DiniEigenAttach(Dini);

// what has been found
DINI_PUBLIC PetscErrorCode DiniGetNumberEigenpairs(Dini, PetscInt *);
DINI_PUBLIC PetscErrorCode DiniGetEigenpair(Dini, PetscInt, PetscScalar *, PetscScalar *, Vec, Vec);
DINI_PUBLIC PetscErrorCode DiniGetLeftEigenvector(Dini, PetscInt, Vec, Vec);
DINI_PUBLIC PetscErrorCode DiniGetEigenOverlap(Dini, PetscInt, PetscReal *);
DINI_PUBLIC PetscErrorCode DiniGetEigenCluster(Dini, PetscInt, PetscInt *, const PetscInt *[], PetscReal *);

/*
  Derivatives of eigenpairs
  -------------------------
  Of a simple eigenvalue, of its eigenvector, and of the mean of a cluster, whose members have no derivatives by
  themselves. A complex number takes two arguments in real builds, its real and its imaginary part.
*/

DINI_PUBLIC PetscErrorCode DiniEigenvalueJVP(Dini, PetscInt, Vec, PetscScalar *, PetscScalar *);
DINI_PUBLIC PetscErrorCode DiniEigenvalueVJP(Dini, PetscInt, PetscScalar, PetscScalar, Vec);
DINI_PUBLIC PetscErrorCode DiniEigenClusterJVP(Dini, PetscInt, Vec, PetscScalar *, PetscScalar *);
DINI_PUBLIC PetscErrorCode DiniEigenClusterVJP(Dini, PetscInt, PetscScalar, PetscScalar, Vec);
DINI_PUBLIC PetscErrorCode DiniEigenvectorJVP(Dini, PetscInt, Vec, Vec, Vec);
DINI_PUBLIC PetscErrorCode DiniEigenvectorVJP(Dini, PetscInt, Vec, Vec, Vec);

/*
  Singular values
  ---------------
  Of J: how near the relation is to losing its solution. Of B (du/dm) S: which combinations of parameters matter, and how
  many of them measurements tell apart. B picks or weighs what is seen of the state, S scales the parameters.
*/

// of J: smallest and largest
DINI_PUBLIC PetscErrorCode DiniComputeCondition(Dini, PetscReal *, PetscReal *, Vec, Vec);

// of the derivative, as an SVD of SLEPc
DINI_PUBLIC PetscErrorCode DiniCreateSVD(Dini, Mat B, Mat S, SVD *);
DINI_PUBLIC PetscErrorCode DiniSVDSolve(SVD, PetscInt *);

/*
  Uncertainty
  -----------
  The posterior of the parameters of an inverse problem, as the Gaussian about the minimum of an objective: its precision is
  the Hessian, that of the prior plus that of the misfit, of which the dominant eigenpairs are kept.
*/

/** The Laplace approximation of a posterior, see DiniPosteriorCreate(). */
typedef struct _p_DiniPosterior *DiniPosterior;

/** How the dominant eigenpairs of the data-misfit Hessian are found, see DiniPosteriorSetMethod(). */
typedef enum {
  DINI_POSTERIOR_EPS,       /**< an EPS of SLEPc, by default Krylov-Schur: fewest products, one after the other */
  DINI_POSTERIOR_RANDOMIZED /**< randomized subspace iteration: products in blocks */
} DiniPosteriorMethod;
DINI_PUBLIC const char *const DiniPosteriorMethods[]; /**< names of the values of DiniPosteriorMethod, as in options */
DINI_PUBLIC PetscClassId      DINI_POSTERIOR_CLASSID; /**< class of DiniPosterior */

// from birth to death
DINI_PUBLIC PetscErrorCode DiniPosteriorCreate(Dini, DiniPosterior *);
DINI_PUBLIC PetscErrorCode DiniPosteriorSetFromOptions(DiniPosterior);
DINI_PUBLIC PetscErrorCode DiniPosteriorSolve(DiniPosterior);
DINI_PUBLIC PetscErrorCode DiniPosteriorView(DiniPosterior, PetscViewer);
DINI_PUBLIC PetscErrorCode DiniPosteriorReset(DiniPosterior);
DINI_PUBLIC PetscErrorCode DiniPosteriorDestroy(DiniPosterior *);

// the prior, and the objective's scale
DINI_PUBLIC PetscErrorCode DiniPosteriorSetPrior(DiniPosterior, Mat, PetscBool);
DINI_PUBLIC PetscErrorCode DiniPosteriorSetPriorRoot(DiniPosterior, Mat);
DINI_PUBLIC PetscErrorCode DiniPosteriorGetPriorKSP(DiniPosterior, KSP *);
DINI_PUBLIC PetscErrorCode DiniPosteriorSetScale(DiniPosterior, PetscReal);

// its eigenpairs: how, how many, how exact
DINI_PUBLIC PetscErrorCode DiniPosteriorSetMethod(DiniPosterior, DiniPosteriorMethod);
DINI_PUBLIC PetscErrorCode DiniPosteriorSetDimension(DiniPosterior, PetscInt, PetscReal);
DINI_PUBLIC PetscErrorCode DiniPosteriorSetTolerance(DiniPosterior, PetscReal, PetscInt);
DINI_PUBLIC PetscErrorCode DiniPosteriorSetOversampling(DiniPosterior, PetscInt);

// what it says
DINI_PUBLIC PetscErrorCode DiniPosteriorGetEigenvalues(DiniPosterior, PetscInt *, const PetscReal *[], PetscReal *);
DINI_PUBLIC PetscErrorCode DiniPosteriorGetEigenvector(DiniPosterior, PetscInt, Vec);
DINI_PUBLIC PetscErrorCode DiniPosteriorApplyCovariance(DiniPosterior, Vec, Vec);
DINI_PUBLIC PetscErrorCode DiniPosteriorGetVariance(DiniPosterior, Mat, Vec, Vec);
DINI_PUBLIC PetscErrorCode DiniPosteriorSample(DiniPosterior, PetscInt, Vec);
DINI_PUBLIC PetscErrorCode DiniPosteriorGetInformationGain(DiniPosterior, Vec, PetscReal *, PetscReal *);
