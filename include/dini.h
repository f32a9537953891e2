/**
  @file dini.h
  @brief Dini, implicit differentiation of PETSc solves: the object, the relation and its solver, the derivative. It
  includes all that an application needs; dinislepc.h is for what needs SLEPc.

  A relation F(u, m) = 0 defines the state u as a function of the parameters m. Dini takes the solver that finds u,
  treats it as opaque, and differentiates u(m) by the implicit function theorem: with J = dF/du and F_m = dF/dm at the
  solution, du/dm = -J^{-1} F_m.

  A first gradient takes these calls, in this order; each has its manual page at its definition in src/:

    DiniCreate(comm, &dini);                             an object
    DiniSetSNES(dini, snes);                             the solver that the code runs today
    DiniAddParameter(dini, "log_k", m, NULL);            what u depends on                        diniparameter.h
    DiniSetFromOptions(dini);                            -dini_...
    DiniSolve(dini, u);                                  in place of SNESSolve()
    DiniCreateParameterVec(dini, &gradient);             a vector over all parameters             diniparameter.h
    DiniVJP(dini, dJdu, gradient);                       the gradient: one adjoint solve
    DiniDestroy(&dini);
*/
#pragma once
#include <petscsnes.h>
#include <petsctao.h>

#if !defined(PETSC_USE_REAL_DOUBLE)
  #error "Dini needs a PETSc in double precision (--with-precision=double): its tolerances and steps are made for that"
#endif

#if defined(__cplusplus)
  #define DINI_EXTERN extern "C"
#else
  #define DINI_EXTERN extern
#endif
/** Marks what the library exports; every other symbol is hidden. */
#define DINI_PUBLIC DINI_EXTERN __attribute__((visibility("default")))

/*
  The Dini object
  ---------------
  Created on the communicator of the solver, configured, used at any number of solutions, destroyed. A program may have
  several, and one may stand in the residual of another.
*/

#define DINI_VERSION_MAJOR    0 /**< changes with incompatible releases */
#define DINI_VERSION_MINOR    1 /**< changes with new features */
#define DINI_VERSION_SUBMINOR 0 /**< changes with repairs */

/** An implicitly defined map m -> u(m) and its derivatives; a PETSc object. */
typedef struct _p_Dini *Dini;

/** Name of the kind of solver behind a Dini, see DiniSetType(). DiniSetSNES() and its like choose it by themselves. */
typedef const char *DiniType;
#define DINISNES       "snes"       /**< a SNES: F and J are the SNES's own */
#define DINIKSP        "ksp"        /**< a KSP: F(u, m) = A(m) u - b(m) */
#define DINISHELL      "shell"      /**< callbacks for the residual, the Jacobian and the solve */
#define DINIFIXEDPOINT "fixedpoint" /**< a map: u = G(u, m), so F(u, m) = u - G(u, m) */
#define DINICHAIN      "chain"      /**< steps in time, one after the other: F(u, m) = u - u_N(u_0, m) */
#define DINITS         "ts"         /**< a TS as it is: the chain of its steps */

// from birth to death
DINI_PUBLIC PetscErrorCode DiniCreate(MPI_Comm, Dini *);
DINI_PUBLIC PetscErrorCode DiniSetFromOptions(Dini); // after the parameters have been added: they have options, too
DINI_PUBLIC PetscErrorCode DiniSetUp(Dini);
DINI_PUBLIC PetscErrorCode DiniReset(Dini);
DINI_PUBLIC PetscErrorCode DiniDestroy(Dini *);

// the kind of solver
DINI_PUBLIC PetscErrorCode DiniSetType(Dini, DiniType);
DINI_PUBLIC PetscErrorCode DiniGetType(Dini, DiniType *);

// the prefix that tells the options of several objects apart
DINI_PUBLIC PetscErrorCode DiniSetOptionsPrefix(Dini, const char[]);
DINI_PUBLIC PetscErrorCode DiniAppendOptionsPrefix(Dini, const char[]);
DINI_PUBLIC PetscErrorCode DiniGetOptionsPrefix(Dini, const char *[]);

// what it is made of, and what it has cost: -dini_view
DINI_PUBLIC PetscErrorCode DiniView(Dini, PetscViewer);
DINI_PUBLIC PetscErrorCode DiniViewFromOptions(Dini, PetscObject, const char[]);

/*
  Plugging in a solver
  --------------------
  Who finds u, and who knows F and J. A SNES or a KSP knows both. Another solver gives F by DiniSetResidual(), J by
  DiniSetJacobian() or by differences, and either solves in DiniSetSolve() or has solved before DiniAttach(). Fixed points
  are in dinifixedpoint.h, assembled linear systems in dinilinear.h, eigensolvers in dinislepc.h.
*/

/** Where J = dF/du comes from, see DiniSetJacobianType(). */
typedef enum {
  DINI_JACOBIAN_AUTO,     /**< the given one where it is dF/du, differences of F where it is not */
  DINI_JACOBIAN_GIVEN,    /**< that of DiniSetJacobian() or of the solver; an error where it is not dF/du */
  DINI_JACOBIAN_COLORING, /**< coloured differences of F, on the pattern of a mesh or of the given matrix */
  DINI_JACOBIAN_FD,       /**< a difference of F for each column, for small problems */
  DINI_JACOBIAN_MF        /**< products by differences of F: tangents only */
} DiniJacobianType;
DINI_PUBLIC const char *const DiniJacobianTypes[]; /**< names of the values of DiniJacobianType, as in options */

/** Callback of DiniSetResidual(): F = F(u, m) at the current parameters. */
typedef PetscErrorCode DiniResidualFn(Dini dini, Vec u, Vec F, void *ctx);
/** Callback of DiniSetJacobian(): J = dF/du at u, and P what the preconditioner is built from (may be J). */
typedef PetscErrorCode DiniJacobianFn(Dini dini, Vec u, Mat J, Mat P, void *ctx);
/** Callback of DiniSetSolve(): u holds the initial guess on entry and the solution on return. */
typedef PetscErrorCode DiniSolveFn(Dini dini, Vec u, void *ctx);

// the solver that the application runs today
DINI_PUBLIC PetscErrorCode DiniSetSNES(Dini, SNES);
DINI_PUBLIC PetscErrorCode DiniGetSNES(Dini, SNES *);
DINI_PUBLIC PetscErrorCode DiniSetRHS(Dini, Vec); // the b of SNESSolve(snes, b, u)
DINI_PUBLIC PetscErrorCode DiniSetKSP(Dini, KSP);
DINI_PUBLIC PetscErrorCode DiniGetKSP(Dini, KSP *);

// a solver that PETSc does not know, or what it knows done otherwise
DINI_PUBLIC PetscErrorCode DiniSetResidual(Dini, DiniResidualFn *, void *);
DINI_PUBLIC PetscErrorCode DiniSetJacobian(Dini, Mat, Mat, DiniJacobianFn *, void *);
DINI_PUBLIC PetscErrorCode DiniSetSolve(Dini, DiniSolveFn *, void *);

// where J comes from
DINI_PUBLIC PetscErrorCode DiniSetJacobianType(Dini, DiniJacobianType);
DINI_PUBLIC PetscErrorCode DiniGetJacobianType(Dini, DiniJacobianType *);
DINI_PUBLIC PetscErrorCode DiniSetJacobianMaxColumns(Dini, PetscInt); // of DINI_JACOBIAN_FD

/*
  Solving and differentiating
  ---------------------------
  A solution is found, or attached, and is then the point at which everything is differentiated. J and F_m are taken there
  at the first derivative and serve all further ones, until u or m changes. A vector dm or mbar holds all active
  parameters, DiniCreateParameterVec(); du and ubar have the layout of u.
*/

// the point
DINI_PUBLIC PetscErrorCode DiniSolve(Dini, Vec);
DINI_PUBLIC PetscErrorCode DiniAttach(Dini, Vec);
DINI_PUBLIC PetscErrorCode DiniGetSolution(Dini, Vec *);
DINI_PUBLIC PetscErrorCode DiniComputeResidual(Dini, Vec, Vec);

// du = (du/dm) dm by a tangent solve, mbar = (du/dm)^H ubar by an adjoint solve
DINI_PUBLIC PetscErrorCode DiniJVP(Dini, Vec, Vec);
DINI_PUBLIC PetscErrorCode DiniVJP(Dini, Vec, Vec);
DINI_PUBLIC PetscErrorCode DiniMatJVP(Dini, Mat, Mat); // many directions at once, the columns of a dense matrix
DINI_PUBLIC PetscErrorCode DiniMatVJP(Dini, Mat, Mat);
DINI_PUBLIC PetscErrorCode DiniSecondJVP(Dini, Vec, Vec, Vec);

// the parts: J x = r and J^H lambda = g without F_m; J itself, and F_m of a block
DINI_PUBLIC PetscErrorCode DiniTangentSolve(Dini, Vec, Vec);
DINI_PUBLIC PetscErrorCode DiniAdjointSolve(Dini, Vec, Vec);
DINI_PUBLIC PetscErrorCode DiniGetJacobian(Dini, Mat *, Mat *);
DINI_PUBLIC PetscErrorCode DiniGetParameterJacobian(Dini, PetscInt, Mat *);

/*
  The derivative as a Mat
  -----------------------
  du/dm as an operator for PETSc and SLEPc: MatMult() is DiniJVP(), MatMultHermitianTranspose() is DiniVJP(). It moves with
  the Dini, or stays at the point where it was created.
*/

/** Stands for all active blocks where a block is asked for, see DiniCreateDerivative(). */
#define DINI_ALL_PARAMETERS (-1)

DINI_PUBLIC PetscErrorCode DiniGetDerivative(Dini, Mat *);              // at whatever is the present point
DINI_PUBLIC PetscErrorCode DiniCreateDerivative(Dini, PetscInt, Mat *); // at this point, also when the Dini moves on
DINI_PUBLIC PetscErrorCode DiniPinDerivative(Mat);

// the rest of the interface, by subject; each of these may be included alone
#include <diniparameter.h>
#include <dinitangent.h>
#include <dinitrust.h>
#include <dinifixedpoint.h>
#include <dinivariational.h>
#include <dinilinear.h>
#include <diniobjective.h>
#include <dinicontinuation.h>
#include <dinitime.h>
#include <dinitype.h>
