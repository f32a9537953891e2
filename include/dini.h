/**
  @file dini.h
  @brief Everything an application needs of Dini: implicit differentiation of PETSc solves.

  A relation F(u, m) = 0 defines the state u as a function of the parameters m. Dini takes the solver that finds u,
  treats it as opaque, and differentiates u(m) by the implicit function theorem: with J = dF/du and F_m = dF/dm at the
  solution, du/dm = -J^{-1} F_m.
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

#define DINI_VERSION_MAJOR    0 /**< changes with incompatible releases */
#define DINI_VERSION_MINOR    1 /**< changes with new features */
#define DINI_VERSION_SUBMINOR 0 /**< changes with repairs */

/** An implicitly defined map m -> u(m) and its derivatives; a PETSc object. */
typedef struct _p_Dini *Dini;

/** Name of the kind of solver behind a Dini, see DiniSetType(). */
typedef const char *DiniType;
#define DINISNES       "snes"       /**< a SNES: F and J are the SNES's own */
#define DINIKSP        "ksp"        /**< a KSP: F(u, m) = A(m) u - b(m) */
#define DINISHELL      "shell"      /**< callbacks for the residual, the Jacobian and the solve */
#define DINIFIXEDPOINT "fixedpoint" /**< a map: u = G(u, m), so F(u, m) = u - G(u, m) */

/** Name of the way a block's F_m is obtained, see DiniSetParameterType(). */
typedef const char *DiniParameterType;
#define DINIPARAMETERMATRIX   "matrix"   /**< a matrix filled by a callback, or constant */
#define DINIPARAMETEROPERATOR "operator" /**< callbacks for the products with F_m and with its adjoint */
#define DINIPARAMETERCOLORING "coloring" /**< a preallocated pattern filled by coloured differences of F */
#define DINIPARAMETERFD       "fd"       /**< dense columns by differences of F, for small blocks */
#define DINIPARAMETERRHS      "rhs"      /**< F(u, m) = G(u) - m, so F_m = -I */
#define DINIPARAMETERZERO     "zero"     /**< declared not to enter F, such as an initial guess: F_m = 0 */

/** Stands for all active blocks where a block is asked for, see DiniCreateDerivative(). */
#define DINI_ALL_PARAMETERS (-1)

/** Which differences of F approximate F_m, see DiniSetParameterDifference(). */
typedef enum {
  DINI_DIFFERENCE_FORWARD, /**< one residual a column or colour, error O(h) */
  DINI_DIFFERENCE_CENTRAL, /**< two residuals a column or colour, error O(h^2) */
  DINI_DIFFERENCE_COMPLEX  /**< Im F(u, m + i h dm) / h: real problems in complex builds, exact to rounding */
} DiniDifference;
DINI_PUBLIC const char *const DiniDifferences[]; /**< names of the values of DiniDifference, as in options */

/** Where J = dF/du comes from, see DiniSetJacobianType(). */
typedef enum {
  DINI_JACOBIAN_AUTO,     /**< the given one where it is dF/du, differences of F where it is not */
  DINI_JACOBIAN_GIVEN,    /**< that of DiniSetJacobian() or of the solver; an error where it is not dF/du */
  DINI_JACOBIAN_COLORING, /**< coloured differences of F, on the pattern of a mesh or of the given matrix */
  DINI_JACOBIAN_FD,       /**< a difference of F for each column, for small problems */
  DINI_JACOBIAN_MF        /**< products by differences of F: tangents only */
} DiniJacobianType;
DINI_PUBLIC const char *const DiniJacobianTypes[]; /**< names of the values of DiniJacobianType, as in options */

/** How J^H is applied in an adjoint solve, see DiniSetTranspose(). */
typedef enum {
  DINI_TRANSPOSE_AUTO,     /**< symmetric where the matrix says it is Hermitian, native otherwise */
  DINI_TRANSPOSE_NATIVE,   /**< products with J^H, and the transposed apply of the forward preconditioner */
  DINI_TRANSPOSE_EXPLICIT, /**< an assembled J^H with a preconditioner of its own, -dini_adjoint_pc_type */
  DINI_TRANSPOSE_SYMMETRIC /**< J^H = J: nothing is transposed (checked by a product) */
} DiniTranspose;
DINI_PUBLIC const char *const DiniTransposes[]; /**< names of the values of DiniTranspose, as in options */

/** Which adjoint DiniVJP() applies in complex builds, see DiniSetAdjointType(). Real builds know only one. */
typedef enum {
  DINI_ADJOINT_HERMITIAN, /**< the adjoint for the inner product y^H x */
  DINI_ADJOINT_TRANSPOSE  /**< the plain transpose, the convention of AD tools for holomorphic maps */
} DiniAdjointType;
DINI_PUBLIC const char *const DiniAdjointTypes[]; /**< names of the values of DiniAdjointType, as in options */

/** What a Dini did last, or why it refused, see DiniGetConvergedReason(). Negative means no derivative. */
typedef enum {
  DINI_CONVERGED_ITERATING       = 0,  /**< nothing has been solved yet */
  DINI_CONVERGED_FORWARD         = 1,  /**< the last forward solve converged */
  DINI_CONVERGED_ATTACHED        = 2,  /**< the last attached state satisfies F(u, m) = 0 */
  DINI_CONVERGED_TANGENT         = 3,  /**< the last tangent solve met its tolerance in the true residual */
  DINI_CONVERGED_ADJOINT         = 4,  /**< the last adjoint solve met its tolerance in the true residual */
  DINI_DIVERGED_FORWARD          = -1, /**< the forward solve did not converge */
  DINI_DIVERGED_FORWARD_RESIDUAL = -2, /**< |F(u, m)| is too large for a solution */
  DINI_DIVERGED_TANGENT          = -3, /**< a tangent solve missed its tolerance */
  DINI_DIVERGED_ADJOINT          = -4, /**< an adjoint solve missed its tolerance */
  DINI_DIVERGED_NAN              = -5, /**< a callback or a solve produced NaN or Inf */
  DINI_DIVERGED_PC_FAILED        = -6  /**< the preconditioner of J could not be set up, such as a zero pivot */
} DiniConvergedReason;
/** Text of a reason, of the form "CONVERGED_ADJOINT". */
DINI_PUBLIC PetscErrorCode DiniConvergedReasonString(DiniConvergedReason, const char **);

/** The operations that monitors and statistics tell apart, see DiniMonitorSet(). */
typedef enum {
  DINI_OPERATION_FORWARD,   /**< forward solve or attach */
  DINI_OPERATION_LINEARIZE, /**< J and F_m at the solution */
  DINI_OPERATION_TANGENT,   /**< J x = r */
  DINI_OPERATION_ADJOINT    /**< J^H lambda = g */
} DiniOperation;
DINI_PUBLIC const char *const DiniOperations[]; /**< names of the values of DiniOperation, as in options */

/** What derivatives make of weakly active entries of a variational inequality, see DiniSetWeakActivity(). */
typedef enum {
  DINI_WEAK_ACTIVITY_INACTIVE, /**< they are free: the derivative along directions that lift them off the bound */
  DINI_WEAK_ACTIVITY_ACTIVE,   /**< they follow the bound: along directions that press them against it */
  DINI_WEAK_ACTIVITY_ERROR     /**< there is no derivative */
} DiniWeakActivity;
DINI_PUBLIC const char *const DiniWeakActivities[]; /**< names of the values of DiniWeakActivity, as in options */

/** When the preconditioner that the forward solve has left behind is set up again at the solution, see DiniSetReuse(). */
typedef enum {
  DINI_REUSE_AUTO,   /**< once the iterations it costs beyond a fresh one's have cost as much as a set-up */
  DINI_REUSE_ALWAYS, /**< only when it fails */
  DINI_REUSE_NEVER   /**< at each new point */
} DiniReuse;
DINI_PUBLIC const char *const DiniReuses[]; /**< names of the values of DiniReuse, as in options */

/** Where a tangent or adjoint solve found its answer, from free to dear; see DiniStatistics and the guide. */
typedef enum {
  DINI_RUNG_NONE,      /**< no solve yet, or none that succeeded */
  DINI_RUNG_USER,      /**< the application's own solve, DiniSetTangentSolve() or DiniSetAdjointSolve() */
  DINI_RUNG_ITERATION, /**< plain iteration with G_u or G_u^H, DiniSetFixedPointMethod() */
  DINI_RUNG_KEPT,      /**< the forward preconditioner as the forward solve left it; transposed in an adjoint solve */
  DINI_RUNG_GMRES,     /**< the same under flexible GMRES, where another Krylov method failed */
  DINI_RUNG_UNTRANSPOSED, /**< adjoint only: the forward preconditioner itself, on J^H */
  DINI_RUNG_REFRESHED,    /**< the forward preconditioner set up again at the solution */
  DINI_RUNG_EXPLICIT,     /**< adjoint only: the assembled transpose with a preconditioner of its own */
  DINI_RUNG_DIRECT,       /**< a factorisation of J made for the purpose */
  DINI_RUNG_MAX           /**< number of rungs */
} DiniRung;
DINI_PUBLIC const char *const DiniRungs[]; /**< names of the values of DiniRung */

/** What an object has spent and how well it did, since its creation or DiniResetStatistics(). */
typedef struct {
  PetscInt  forward_solves;      /**< successful forward solves */
  PetscInt  forward_failures;    /**< forward solves that did not converge */
  PetscInt  forward_iterations;  /**< Newton (or, for type ksp, Krylov) iterations in them, where known */
  PetscInt  forward_kept;        /**< forward solves with the preconditioner of the one before, DiniSetForwardReuse() */
  PetscInt  linearizations;      /**< points at which derivatives were asked for */
  PetscInt  relinearizations;    /**< J or an F_m made again at its point, because somebody else had written into it */
  PetscInt  jacobian_assemblies; /**< assemblies of J that Dini asked for, beyond those of the forward solves */
  PetscInt  pc_setups;           /**< preconditioner set-ups that Dini asked for, beyond those of the forward solves */
  PetscInt  factorizations;      /**< those of them that factorised J */
  PetscInt  residuals;           /**< residual evaluations that Dini asked for: guards, attach and differences */
  PetscInt  parameter_assemblies; /**< fills of F_m, all blocks */
  PetscInt  tangent_solves;       /**< tangent solves with a right-hand side that is not zero */
  PetscInt  tangent_iterations;   /**< Krylov iterations in them */
  PetscInt  adjoint_solves;       /**< adjoint solves with a right-hand side that is not zero */
  PetscInt  adjoint_iterations;   /**< Krylov iterations in them */
  PetscInt  refreshes;            /**< solves that the kept preconditioner failed, so that it was set up afresh */
  PetscInt  rungs[DINI_RUNG_MAX]; /**< accepted tangent and adjoint solves, by where they found their answer */
  DiniRung  tangent_rung;         /**< where the last tangent solve found its answer */
  DiniRung  adjoint_rung;         /**< where the last adjoint solve found its answer */
  PetscInt  predictions;          /**< initial guesses by the tangent, see DiniSetPredict() */
  PetscInt  predictions_accepted; /**< those of them that lowered |F| and were taken */
  PetscInt  polishes;             /**< states corrected after their forward solve, see DiniSetPolish() */
  PetscInt  polishes_accepted;    /**< those of them in which |F| has fallen, so that they were kept */
  PetscInt  hessian_products;     /**< products with the Hessian of the objective, DiniHVP() */
  PetscReal objective_error;      /**< |lambda^H F(u, m)| of the last gradient: what the forward solve has left in J */
  PetscReal
      gradient_error; /**< estimated relative error of the last mbar: of its adjoint solve, and by that of the state */
  PetscReal tangent_error; /**< the same of the last du, of its worst field: of its tangent solve, and by the state's */
  PetscReal state_error;   /**< estimated relative error of the state at the last derivative, |J^{-1} F| / |u|, of its
                                    worst field; negative: not known */
  PetscReal forward_residual;  /**< |F(u, m)| at the present state, 2-norm */
  PetscReal tangent_residual;  /**< worst true relative residual of an accepted tangent solve */
  PetscReal adjoint_residual;  /**< worst true relative residual of an accepted adjoint solve */
  PetscReal forward_seconds;   /**< wall time in forward solves, this rank */
  PetscInt  recalls;           /**< solves answered from memory: the right-hand side of the one before, at its point */
  PetscReal linearize_seconds; /**< wall time in linearizations, this rank */
  PetscReal tangent_seconds;   /**< wall time in tangent solves, this rank */
  PetscReal adjoint_seconds;   /**< wall time in adjoint solves, this rank */
} DiniStatistics;

/** Callback of DiniSetSolve(): u holds the initial guess on entry and the solution on return. */
typedef PetscErrorCode DiniSolveFn(Dini dini, Vec u, void *ctx);
/** Callback of DiniSetResidual(): F = F(u, m) at the current parameters. */
typedef PetscErrorCode DiniResidualFn(Dini dini, Vec u, Vec F, void *ctx);
/** Callback of DiniSetJacobian(): J = dF/du at u, and P what the preconditioner is built from (may be J). */
typedef PetscErrorCode DiniJacobianFn(Dini dini, Vec u, Mat J, Mat P, void *ctx);
/** Callback of DiniSetTangentSolve() and DiniSetAdjointSolve(): x with J x = r, or J^H x = r. */
typedef PetscErrorCode DiniLinearSolveFn(Dini dini, Vec r, Vec x, void *ctx);
/** Callback of DiniSetParameterUpdate(): hands the block's new values m to the application's residual. */
typedef PetscErrorCode DiniParameterUpdateFn(Dini dini, Vec m, void *ctx);
/** Callback of DiniSetParameterJacobian(): fills Fm = dF/dm for one block at (u, m). */
typedef PetscErrorCode DiniParameterJacobianFn(Dini dini, Vec u, Vec m, Mat Fm, void *ctx);
/** Callback of DiniSetParameterOperator(): y = F_m x, or y = F_m^H x, for one block at (u, m). */
typedef PetscErrorCode DiniParameterApplyFn(Dini dini, Vec u, Vec m, Vec x, Vec y, void *ctx);
/** Callback of DiniMonitorSet(): called after each operation with its iterations and true relative residual. */
typedef PetscErrorCode DiniMonitorFn(Dini dini, DiniOperation operation, PetscInt its, PetscReal rnorm, void *ctx);

/** Class id of Dini objects. */
DINI_PUBLIC PetscClassId DINI_CLASSID;

/* package */
DINI_PUBLIC PetscErrorCode DiniInitializePackage(void);
DINI_PUBLIC PetscErrorCode DiniFinalizePackage(void);
DINI_PUBLIC PetscErrorCode DiniRegister(const char[], PetscErrorCode (*)(Dini));

/* life cycle */
DINI_PUBLIC PetscErrorCode DiniCreate(MPI_Comm, Dini *);
DINI_PUBLIC PetscErrorCode DiniSetType(Dini, DiniType);
DINI_PUBLIC PetscErrorCode DiniGetType(Dini, DiniType *);
DINI_PUBLIC PetscErrorCode DiniSetOptionsPrefix(Dini, const char[]);
DINI_PUBLIC PetscErrorCode DiniAppendOptionsPrefix(Dini, const char[]);
DINI_PUBLIC PetscErrorCode DiniGetOptionsPrefix(Dini, const char *[]);
DINI_PUBLIC PetscErrorCode DiniSetFromOptions(Dini);
DINI_PUBLIC PetscErrorCode DiniSetUp(Dini);
DINI_PUBLIC PetscErrorCode DiniView(Dini, PetscViewer);
DINI_PUBLIC PetscErrorCode DiniViewFromOptions(Dini, PetscObject, const char[]);
DINI_PUBLIC PetscErrorCode DiniReset(Dini);
DINI_PUBLIC PetscErrorCode DiniDestroy(Dini *);

/* the relation and its solver */
DINI_PUBLIC PetscErrorCode DiniSetSNES(Dini, SNES);
DINI_PUBLIC PetscErrorCode DiniGetSNES(Dini, SNES *);
DINI_PUBLIC PetscErrorCode DiniSetRHS(Dini, Vec);
DINI_PUBLIC PetscErrorCode DiniSetKSP(Dini, KSP);
DINI_PUBLIC PetscErrorCode DiniGetKSP(Dini, KSP *);
DINI_PUBLIC PetscErrorCode DiniSetResidual(Dini, DiniResidualFn *, void *);
DINI_PUBLIC PetscErrorCode DiniSetJacobian(Dini, Mat, Mat, DiniJacobianFn *, void *);
DINI_PUBLIC PetscErrorCode DiniSetJacobianType(Dini, DiniJacobianType);
DINI_PUBLIC PetscErrorCode DiniGetJacobianType(Dini, DiniJacobianType *);
DINI_PUBLIC PetscErrorCode DiniSetJacobianMaxColumns(Dini, PetscInt);
DINI_PUBLIC PetscErrorCode DiniSetSolve(Dini, DiniSolveFn *, void *);
DINI_PUBLIC PetscErrorCode DiniSetTangentSolve(Dini, DiniLinearSolveFn *, void *);
DINI_PUBLIC PetscErrorCode DiniSetAdjointSolve(Dini, DiniLinearSolveFn *, void *);

/* parameters */
DINI_PUBLIC PetscErrorCode DiniAddParameter(Dini, const char[], Vec, PetscInt *);
DINI_PUBLIC PetscErrorCode DiniAddScalarParameter(Dini, const char[], PetscScalar *, PetscInt *);
DINI_PUBLIC PetscErrorCode DiniGetNumberParameters(Dini, PetscInt *);
DINI_PUBLIC PetscErrorCode DiniFindParameter(Dini, const char[], PetscInt *);
DINI_PUBLIC PetscErrorCode DiniGetParameter(Dini, PetscInt, const char *[], Vec *);
DINI_PUBLIC PetscErrorCode DiniSetParameterUpdate(Dini, PetscInt, DiniParameterUpdateFn *, void *);
DINI_PUBLIC PetscErrorCode DiniSetParameterJacobian(Dini, PetscInt, Mat, DiniParameterJacobianFn *, void *);
DINI_PUBLIC PetscErrorCode DiniSetParameterOperator(Dini, PetscInt, DiniParameterApplyFn *, DiniParameterApplyFn *,
                                                    void *);
DINI_PUBLIC PetscErrorCode DiniSetParameterType(Dini, PetscInt, DiniParameterType);
DINI_PUBLIC PetscErrorCode DiniGetParameterType(Dini, PetscInt, DiniParameterType *);
DINI_PUBLIC PetscErrorCode DiniSetParameterDifference(Dini, PetscInt, DiniDifference, PetscReal);
DINI_PUBLIC PetscErrorCode DiniSetParameterAffine(Dini, PetscInt, PetscBool);
DINI_PUBLIC PetscErrorCode DiniSetParameterReal(Dini, PetscInt, PetscBool);
DINI_PUBLIC PetscErrorCode DiniSetParameterMaxColumns(Dini, PetscInt, PetscInt);
DINI_PUBLIC PetscErrorCode DiniSetParameterActive(Dini, PetscInt, PetscBool);
DINI_PUBLIC PetscErrorCode DiniGetParameterActive(Dini, PetscInt, PetscBool *);
DINI_PUBLIC PetscErrorCode DiniCreateParameterVec(Dini, Vec *);
DINI_PUBLIC PetscErrorCode DiniSetParameters(Dini, Vec);
DINI_PUBLIC PetscErrorCode DiniGetParameters(Dini, Vec);
DINI_PUBLIC PetscErrorCode DiniGetParameterSubVec(Dini, Vec, PetscInt, Vec *);
DINI_PUBLIC PetscErrorCode DiniRestoreParameterSubVec(Dini, Vec, PetscInt, Vec *);

/* solve, attach, differentiate */
DINI_PUBLIC PetscErrorCode DiniSolve(Dini, Vec);
DINI_PUBLIC PetscErrorCode DiniAttach(Dini, Vec);
DINI_PUBLIC PetscErrorCode DiniGetSolution(Dini, Vec *);
DINI_PUBLIC PetscErrorCode DiniComputeResidual(Dini, Vec, Vec);
DINI_PUBLIC PetscErrorCode DiniGetJacobian(Dini, Mat *, Mat *);
DINI_PUBLIC PetscErrorCode DiniGetParameterJacobian(Dini, PetscInt, Mat *);
DINI_PUBLIC PetscErrorCode DiniGetActiveSet(Dini, IS *, IS *);
DINI_PUBLIC PetscErrorCode DiniJVP(Dini, Vec, Vec);
DINI_PUBLIC PetscErrorCode DiniVJP(Dini, Vec, Vec);
DINI_PUBLIC PetscErrorCode DiniSecondJVP(Dini, Vec, Vec, Vec);
DINI_PUBLIC PetscErrorCode DiniMatJVP(Dini, Mat, Mat);
DINI_PUBLIC PetscErrorCode DiniMatVJP(Dini, Mat, Mat);
DINI_PUBLIC PetscErrorCode DiniTangentSolve(Dini, Vec, Vec);
DINI_PUBLIC PetscErrorCode DiniAdjointSolve(Dini, Vec, Vec);
DINI_PUBLIC PetscErrorCode DiniGetDerivative(Dini, Mat *);
DINI_PUBLIC PetscErrorCode DiniCreateDerivative(Dini, PetscInt, Mat *);
DINI_PUBLIC PetscErrorCode DiniPinDerivative(Mat);

/* how the linear solves are done */
DINI_PUBLIC PetscErrorCode DiniSetTolerances(Dini, PetscReal, PetscReal);
DINI_PUBLIC PetscErrorCode DiniSetGradientTolerance(Dini, PetscReal);
DINI_PUBLIC PetscErrorCode DiniGetTolerances(Dini, PetscReal *, PetscReal *);
DINI_PUBLIC PetscErrorCode DiniSetAttachTolerances(Dini, PetscReal, PetscReal);
DINI_PUBLIC PetscErrorCode DiniSetTranspose(Dini, DiniTranspose);
DINI_PUBLIC PetscErrorCode DiniSetReuse(Dini, DiniReuse);
DINI_PUBLIC PetscErrorCode DiniGetReuse(Dini, DiniReuse *);
DINI_PUBLIC PetscErrorCode DiniSetForwardReuse(Dini, PetscBool);
DINI_PUBLIC PetscErrorCode DiniSetPolish(Dini, PetscBool);
DINI_PUBLIC PetscErrorCode DiniSetDirectMax(Dini, PetscInt);
DINI_PUBLIC PetscErrorCode DiniSetBlockSize(Dini, PetscInt);
DINI_PUBLIC PetscErrorCode DiniSetAdjointType(Dini, DiniAdjointType);
DINI_PUBLIC PetscErrorCode DiniGetTangentKSP(Dini, KSP *);
DINI_PUBLIC PetscErrorCode DiniGetAdjointKSP(Dini, KSP *);
DINI_PUBLIC PetscErrorCode DiniSetWeakActivity(Dini, DiniWeakActivity, PetscReal);
DINI_PUBLIC PetscErrorCode DiniSetGuard(Dini, PetscBool);
DINI_PUBLIC PetscErrorCode DiniSetErrorIfNotConverged(Dini, PetscBool);

/* trust */
DINI_PUBLIC PetscErrorCode DiniCheck(Dini, PetscViewer);
DINI_PUBLIC PetscErrorCode DiniGetStatistics(Dini, DiniStatistics *);
DINI_PUBLIC PetscErrorCode DiniResetStatistics(Dini);
DINI_PUBLIC PetscErrorCode DiniGetConvergedReason(Dini, DiniConvergedReason *);
DINI_PUBLIC PetscErrorCode DiniMonitorSet(Dini, DiniMonitorFn *, void *, PetscErrorCode (*)(void **));
DINI_PUBLIC PetscErrorCode DiniMonitorCancel(Dini);
DINI_PUBLIC PetscErrorCode DiniMonitorDefault(Dini, DiniOperation, PetscInt, PetscReal, void *);

// the other rooms of the interface
#include <dinifixedpoint.h>
#include <dinilinear.h>
#include <diniobjective.h>
#include <dinicontinuation.h>
