/**
  @file dinitrust.h
  @brief Whether a derivative can be trusted, and what it has cost: checks, errors, counters, monitors. Included by dini.h.
*/
#pragma once
#include <dini.h>

/*
  Checks and errors
  -----------------
  A derivative is right to its tolerance, or an error says why there is none. DiniCheck(), or -dini_check, holds all
  derivatives against independent ways to the same numbers; the guard does a little of that at the first derivative by
  itself.
*/

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

// is it right?
DINI_PUBLIC PetscErrorCode DiniCheck(Dini, PetscViewer);
DINI_PUBLIC PetscErrorCode DiniSetGuard(Dini, PetscBool);
DINI_PUBLIC PetscErrorCode DiniSetAttachTolerances(Dini, PetscReal, PetscReal);

// why is there none?
DINI_PUBLIC PetscErrorCode DiniSetErrorIfNotConverged(Dini, PetscBool); // or ask for the reason after each call
DINI_PUBLIC PetscErrorCode DiniGetConvergedReason(Dini, DiniConvergedReason *);
DINI_PUBLIC PetscErrorCode DiniConvergedReasonString(DiniConvergedReason, const char **);

/*
  Counters and monitors
  ---------------------
  What has been paid, and how well it went. -dini_view prints the counters, -dini_monitor a line for each operation.
*/

/** The operations that monitors and statistics tell apart, see DiniMonitorSet(). */
typedef enum {
  DINI_OPERATION_FORWARD,   /**< forward solve or attach */
  DINI_OPERATION_LINEARIZE, /**< J and F_m at the solution */
  DINI_OPERATION_TANGENT,   /**< J x = r */
  DINI_OPERATION_ADJOINT    /**< J^H lambda = g */
} DiniOperation;
DINI_PUBLIC const char *const DiniOperations[]; /**< names of the values of DiniOperation, as in options */

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
      gradient_error; /**< estimated relative error of the last mbar: of its adjoint solve, and by that of the state; after
                           DiniAdjointSolve() what residual and J make of lambda */
  PetscReal tangent_error; /**< the same of the last du, of its worst field: of its tangent solve, and by the state's;
                                after DiniTangentSolve() what residual and J make of du */
  PetscReal second_error;  /**< the same of the last DiniSecondJVP(), DiniHVP() or DiniMatHVP(): of its differences of
                               first-order products, of the solves for its factors, and by the state's */
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

/** Callback of DiniMonitorSet(): called after each operation with its iterations and true relative residual. */
typedef PetscErrorCode DiniMonitorFn(Dini dini, DiniOperation operation, PetscInt its, PetscReal rnorm, void *ctx);

// counters
DINI_PUBLIC PetscErrorCode DiniGetStatistics(Dini, DiniStatistics *);
DINI_PUBLIC PetscErrorCode DiniResetStatistics(Dini);

// monitors
DINI_PUBLIC PetscErrorCode DiniMonitorSet(Dini, DiniMonitorFn *, void *, PetscErrorCode (*)(void **));
DINI_PUBLIC PetscErrorCode DiniMonitorCancel(Dini);
DINI_PUBLIC PetscErrorCode DiniMonitorDefault(Dini, DiniOperation, PetscInt, PetscReal, void *);
