/**
  @file dinicontinuation.h
  @brief Continuation through a scalar parameter. Included by dini.h.
*/
#pragma once
#include <dini.h>

/*
  Continuation
  ------------
  The solution is followed through one scalar parameter, step by step, each with the tangent as its predictor: to a target,
  or to the fold or bifurcation that lies before it. DiniComputeCondition() of dinislepc.h tells how near J is to singular.
*/

/** How DiniContinue() ended. Negative: before the target, and not because of what the path does there. */
typedef enum {
  DINI_CONTINUATION_ITERATING   = 0, /**< on the way */
  DINI_CONTINUATION_TARGET      = 1, /**< at the target */
  DINI_CONTINUATION_FOLD        = 2, /**< the path turns back before the target: du/dm is infinite there */
  DINI_CONTINUATION_BIFURCATION = 3, /**< J is singular before the target, and it is no fold: branches cross, say */
  DINI_CONTINUATION_RETURN      = 4, /**< round folds, and back where it shall end, see DiniSetContinuationFolds() */
  DINI_CONTINUATION_DIVERGED_FORWARD = -1, /**< the forward solve fails after the smallest step too */
  DINI_CONTINUATION_DIVERGED_TANGENT = -2, /**< so does the tangent solve, or du/dm grows though J is regular */
  DINI_CONTINUATION_DIVERGED_BRANCH  = -3, /**< the forward solve leaves the branch after the smallest step too */
  DINI_CONTINUATION_DIVERGED_STEPS   = -4, /**< so many steps, or steps so small, do not get there */
  DINI_CONTINUATION_DIVERGED_FOLD    = -5  /**< the path turns back, and the forward solve does not get round */
} DiniContinuationReason;

/** What crosses where DiniContinue() has ended with DINI_CONTINUATION_BIFURCATION, see DiniSwitchBranch(). */
typedef enum {
  DINI_BIFURCATION_NONE          = 0, /**< no other branch has been found */
  DINI_BIFURCATION_TRANSCRITICAL = 1, /**< two branches that go on on both sides */
  DINI_BIFURCATION_PITCHFORK     = 2  /**< the other branch turns back there, and lies on one side */
} DiniBifurcation;
DINI_PUBLIC const char *const DiniBifurcations[]; /**< names of the values of DiniBifurcation */

/** Callback of DiniContinuationMonitorSet(): m, u, du/dm, and the fold in sight or PETSC_INFINITY; all read-only. */
typedef PetscErrorCode DiniContinuationFn(Dini dini, PetscReal m, Vec u, Vec dudm, PetscReal fold, void *ctx);

DINI_PUBLIC PetscErrorCode DiniContinue(Dini, PetscInt, PetscReal, Vec, PetscReal *, DiniContinuationReason *);
DINI_PUBLIC PetscErrorCode DiniSwitchBranch(Dini, PetscInt, PetscReal, PetscReal, PetscInt, Vec, DiniBifurcation *);
DINI_PUBLIC PetscErrorCode DiniSetContinuation(Dini, PetscReal, PetscReal, PetscInt, PetscReal);
DINI_PUBLIC PetscErrorCode DiniSetContinuationFolds(Dini, PetscInt, PetscReal);
DINI_PUBLIC PetscErrorCode DiniGetContinuationFolds(Dini, PetscInt *, const PetscReal *[]);
DINI_PUBLIC PetscErrorCode DiniContinuationMonitorSet(Dini, DiniContinuationFn *, void *);
DINI_PUBLIC PetscErrorCode DiniContinuationReasonString(DiniContinuationReason, const char **);
