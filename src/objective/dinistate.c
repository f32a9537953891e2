/* The state that objectives are evaluated at: solved for, from where the last solve or a prediction has brought it. */
#include "../private/diniimpl.h"

/* Is the state already the solution at m? Line searches ask for value and gradient at one point one after the other. */
static PetscErrorCode DiniSolvedAt(Dini dini, Vec m, PetscBool *solved)
{
  Vec         u, current;
  PetscBool   same;
  const char *changed;

  PetscFunctionBegin;
  *solved = PETSC_FALSE;
  PetscCall(DiniGetSolution(dini, &u));
  if (!u || u != dini->state) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecEqual(u, dini->ucopy, &same));
  if (!same) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniParameterChanged_Private(dini, &changed)); /* by the application, blocks that are not active too */
  if (changed) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniCreateParameterVec(dini, &current));
  PetscCall(VecEqual(current, m, solved));
  PetscCall(VecDestroy(&current));
  if (!*solved) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniStillSolves_Private(dini, solved)); /* a number that is no parameter may be another one */
  dini->verified = *solved;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The prediction becomes the initial guess when it is the better one at the new parameters, by two residuals. */
static PetscErrorCode DiniTakePrediction(Dini dini, Vec predicted)
{
  PetscReal      old = PETSC_INFINITY, new = PETSC_INFINITY;
  PetscErrorCode failed;
  Vec            F;

  PetscFunctionBegin;
  PetscCall(VecDuplicate(predicted, &F));
  failed = DiniResidual_Private(dini, dini->state, F, &old);
  if (!failed) failed = DiniResidual_Private(dini, predicted, F, &new);
  if (failed) PetscCall(VecDestroy(&predicted));
  if (failed) PetscCall(VecDestroy(&F));
  PetscCall(failed);
  if (new < old || (PetscIsInfOrNanReal(old) && !PetscIsInfOrNanReal(new))) {
    PetscCall(VecCopy(predicted, dini->state));
    dini->stats.predictions_accepted++;
  }
  PetscCall(PetscInfo(dini, "Predicted state: |F| %g instead of %g\n", (double)new, (double)old));
  PetscCall(VecDestroy(&F));
  PetscCall(VecDestroy(&predicted));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* u(m) in the state. After a failure the state is the last good one; where that is tolerated, *converged tells. */
PetscErrorCode DiniSolveAt_Private(Dini dini, Vec m, PetscBool tolerated, PetscBool *converged)
{
  const PetscBool policy = dini->erroriffail;
  PetscErrorCode  failed;
  PetscBool       solved;
  Vec             before, predicted = NULL;

  PetscFunctionBegin;
  PetscCheck(dini->state, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "%s: There is no state to solve for; call DiniSetState() with an initial guess", DiniLabel_Private(dini));
  *converged = PETSC_TRUE;
  PetscCall(DiniCheckFlat_Private(dini, m, "The parameter vector"));
  PetscCall(DiniSolvedAt(dini, m, &solved));
  if (solved) PetscFunctionReturn(PETSC_SUCCESS);
  if (dini->predict) PetscCall(DiniPredict_Private(dini, m, &predicted));
  failed = DiniParameterSet_Private(dini, m);
  if (!failed) failed = DiniParameterPush_Private(dini);
  if (failed) PetscCall(VecDestroy(&predicted));
  PetscCall(failed);
  PetscCall(VecDuplicate(dini->state, &before));
  PetscCall(VecCopy(dini->state, before));
  if (predicted) failed = DiniTakePrediction(dini, predicted);
  if (failed) PetscCall(VecDestroy(&before));
  PetscCall(failed);
  if (tolerated) dini->erroriffail = PETSC_FALSE;
  dini->told        = PETSC_TRUE; /* above */
  failed            = DiniSolve_Private(dini, dini->state, converged);
  dini->told        = PETSC_FALSE;
  dini->erroriffail = policy;
  if (failed || !*converged) PetscCall(VecCopy(before, dini->state));
  PetscCall(VecDestroy(&before));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Chooses whether the state at new parameters is predicted, as the initial guess of its solve.
  @level{intermediate}

  Logically Collective. In DiniComputeObjective() and what is built on it, such as an optimisation with Tao. The guess is u +
  (du/dm) dm by a loose tangent solve with the kept preconditioner; for type ksp, where such a solve would cost what it saves,
  it is the combination of the last nine states whose parameters come nearest to the new ones, at no solve. It is taken only
  where it lowers |F|, at two residuals; DiniStatistics counts predictions made and taken. The adjoint solve of a gradient
  begins with the lambda of the one before.

  @param[in] dini    the Dini
  @param[in] predict PETSC_TRUE to predict, initially PETSC_FALSE
  @return 0 or a PETSc error code

  Options: `-dini_predict`.
*/
PetscErrorCode DiniSetPredict(Dini dini, PetscBool predict)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  dini->predict = predict;
  PetscFunctionReturn(PETSC_SUCCESS);
}
