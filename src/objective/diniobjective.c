/* Objectives J(u(m), m) and their reduced gradient. */
#include "../private/diniimpl.h"
#include <math.h>

/**
  @brief Gives the Vec that objectives solve for: the initial guess of the first solve, the warm start of the next ones.
  @level{beginner}

  Logically Collective.

  @param[in] dini the Dini
  @param[in] u    the state; referenced. After a solve that failed it holds the last good state again
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniSetState(Dini dini, Vec u)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniSetState()"));
  PetscCheck(u, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_NULL, "The state is NULL");
  PetscCall(DiniCheckComm_Private(dini, (PetscObject)u, "The state"));
  PetscCall(PetscObjectReference((PetscObject)u));
  PetscCall(VecDestroy(&dini->state));
  dini->state = u;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives back the Vec of DiniSetState().
  @level{intermediate}

  Not Collective.

  @param[in]  dini the Dini
  @param[out] u    the state, NULL when none was set
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniGetState(Dini dini, Vec *u)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  *u = dini->state;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniCreateOne(const char name[], DiniObjectiveFn *value, DiniObjectiveGradientFn *gradient,
                                    void *ctx, DiniObjective *objective)
{
  PetscFunctionBegin;
  PetscCall(PetscNew(objective));
  PetscCall(PetscStrallocpy(name, &(*objective)->name));
  (*objective)->value    = value;
  (*objective)->gradient = gradient;
  (*objective)->ctx      = ctx;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniDestroyOne(DiniObjective *objective)
{
  PetscFunctionBegin;
  if (*objective) PetscCall(PetscFree((*objective)->name));
  PetscCall(PetscFree(*objective));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniObjectiveDestroy_Private(Dini dini)
{
  PetscFunctionBegin;
  PetscCall(DiniDestroyOne(&dini->objective));
  PetscCall(MatDestroy(&dini->hessian.prior));
  for (PetscInt o = 0; o < dini->nobjectives; o++) PetscCall(DiniDestroyOne(&dini->objectives[o]));
  PetscCall(PetscFree(dini->objectives));
  dini->nobjectives = dini->maxobjectives = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives an objective J(u, m) by its value and its partial derivatives.
  @level{beginner}

  Logically Collective. The callbacks read the parameters from the application's own blocks, which hold the values u belongs
  to. In complex builds dJ = Re(<dJdu, du> + <dJdm, dm>) with the inner product y^H x.

  @param[in] dini     the Dini
  @param[in] value    computes J, the same on every rank
  @param[in] gradient fills dJdu, with the layout of the state, and dJdm, a flat parameter vector
                      (DiniGetParameterSubVec() gives its blocks); both are zero on entry; NULL for values only
  @param[in] ctx      context of both, may be NULL
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniSetObjective(Dini dini, DiniObjectiveFn *value, DiniObjectiveGradientFn *gradient, void *ctx)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniSetObjective()"));
  dini->hessian.point            = 0; /* its lambda is another's */
  dini->hessian.objectiveguarded = PETSC_FALSE;
  if (!value) {
    PetscCall(DiniDestroyOne(&dini->objective));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (!dini->objective) PetscCall(DiniCreateOne("objective", value, gradient, ctx, &dini->objective));
  dini->objective->value    = value;
  dini->objective->gradient = gradient;
  dini->objective->ctx      = ctx;
  dini->objective->tries    = 0;
  dini->objective->visits   = PETSC_FALSE;
  dini->objective->inside   = PETSC_FALSE;
  dini->objective->bentat   = 0.0;
  dini->objective->bend     = 0.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Tells whether a Dini has an objective.
  @level{advanced}

  Not Collective.

  @param[in]  dini the Dini
  @param[out] has  PETSC_TRUE after DiniSetObjective()
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniHasObjective(Dini dini, PetscBool *has)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  *has = (PetscBool)(dini->objective != NULL);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Adds a further objective of the same state, for DiniComputeObjectives().
  @level{intermediate}

  Logically Collective. The objective of DiniSetObjective(), which optimisers minimise, is not among them.

  @param[in]  dini     the Dini
  @param[in]  name     how errors call it
  @param[in]  value    computes J, the same on every rank
  @param[in]  gradient fills its partial derivatives, as in DiniSetObjective(); NULL for values only
  @param[in]  ctx      context of both, may be NULL
  @param[out] o        its number, may be NULL
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniAddObjective(Dini dini, const char name[], DiniObjectiveFn *value, DiniObjectiveGradientFn *gradient,
                                void *ctx, PetscInt *o)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniAddObjective()"));
  PetscCheck(value && name, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_NULL,
             "An objective needs a name and a callback for its value");
  if (dini->nobjectives == dini->maxobjectives) {
    PetscInt       max = PetscMax(4, 2 * dini->maxobjectives);
    DiniObjective *more;

    PetscCall(PetscCalloc1(max, &more));
    for (PetscInt i = 0; i < dini->nobjectives; i++) more[i] = dini->objectives[i];
    PetscCall(PetscFree(dini->objectives));
    dini->objectives    = more;
    dini->maxobjectives = max;
  }
  PetscCall(DiniCreateOne(name, value, gradient, ctx, &dini->objectives[dini->nobjectives]));
  if (o) *o = dini->nobjectives;
  dini->nobjectives++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Tells how many objectives DiniAddObjective() has added.
  @level{intermediate}

  Not Collective.

  @param[in]  dini the Dini
  @param[out] n    their number
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniGetNumberObjectives(Dini dini, PetscInt *n)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  *n = dini->nobjectives;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniObjectiveValue_Private(Dini dini, DiniObjective objective, PetscReal *value)
{
  const PetscInt64 visits = dini->visits;
  PetscReal        extremes[2], all[2];

  PetscFunctionBegin;
  PetscCall(DiniGhosts_Private(dini->state)); /* beside the point, too */
  DiniCallUserReadsOpen(dini, dini->state, DINI_DOOR_DERIVATIVES,
                        "The objective callback (DiniSetObjective(), DiniAddObjective())",
                        (*objective->value)(dini, dini->state, value, objective->ctx));
  if (dini->visits != visits) objective->visits = PETSC_TRUE;
  extremes[0] = PetscIsInfOrNanReal(*value) ? PETSC_MAX_REAL : *value;
  extremes[1] = -extremes[0];
  PetscCall(MPIU_Allreduce(extremes, all, 2, MPIU_REAL, MPIU_MAX, PetscObjectComm((PetscObject)dini)));
  PetscCheck(all[0] < PETSC_MAX_REAL, PetscObjectComm((PetscObject)dini), PETSC_ERR_FP,
             "%s: The callback of objective \"%s\" returned NaN or Inf", DiniLabel_Private(dini), objective->name);
  PetscCheck(
      all[0] + all[1] <= 1e-8 * PetscMax(PetscAbsReal(all[0]), PetscAbsReal(all[1])),
      PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_INCOMP,
      "%s: The callback of objective \"%s\" returned values from %g to %g on different ranks; reduce it over the "
      "communicator",
      DiniLabel_Private(dini), objective->name, (double)-all[1], (double)all[0]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniObjectivePartials_Private(Dini dini, DiniObjective objective, Vec dJdu, Vec dJdm)
{
  const PetscInt64 visits = dini->visits;

  PetscFunctionBegin;
  PetscCheck(objective->gradient, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "%s: Objective \"%s\" has no partial derivatives; give the gradient callback to DiniSetObjective() or "
             "DiniAddObjective()",
             DiniLabel_Private(dini), objective->name);
  PetscCall(VecSet(dJdu, 0.0));
  PetscCall(VecSet(dJdm, 0.0));
  PetscCall(DiniGhosts_Private(dini->state));
  DiniCallUserReadsOpen(dini, dini->state, DINI_DOOR_DERIVATIVES,
                        "The objective gradient callback (DiniSetObjective())",
                        (*objective->gradient)(dini, dini->state, dJdu, dJdm, objective->ctx));
  if (dini->visits != visits) objective->inside = PETSC_TRUE;
  if (dini->beside) { /* who takes differences looks for NaN, and comes nearer */
    PetscCall(DiniParameterRealPart_Private(dini, dJdm));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(DiniCheckFinite_Private(dini, dJdu, "dJ/du, from the objective gradient callback,", NULL));
  PetscCall(DiniCheckFinite_Private(dini, dJdm, "dJ/dm, from the objective gradient callback,", NULL));
  PetscCall(DiniParameterRealPart_Private(dini, dJdm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* g = dJ/dm - F_m^H lambda with J^H lambda = dJ/du. Where errors are off, *good tells whether it is one */
static PetscErrorCode DiniReducedGradient(Dini dini, Vec g, PetscBool *good)
{
  const PetscBool outside =
      (PetscBool)(!dini->call && !dini->visitor); /* else lambda is that of the outer call again */
  PetscBool      known;                           /* and belongs to it: a type with a rule of its own leaves none */
  Vec            dJdu, dJdm;
  PetscErrorCode failed;

  PetscFunctionBegin;
  *good = PETSC_FALSE;
  PetscCall(DiniCheckRequested_Private(dini));
  PetscCall(VecDuplicate(dini->state, &dJdu));
  PetscCall(DiniCreateParameterVec(dini, &dJdm));
  failed = DiniObjectivePartials_Private(dini, dini->objective, dJdu, dJdm);
  if (dini->predict && outside) dini->guess = dini->history.lambda;
  dini->cotangents = &dini->objective;
  if (!failed) failed = DiniVJP_Private(dini, DINI_ADJOINT_HERMITIAN, dJdu, g, good);
  dini->cotangents = NULL;
  dini->guess      = NULL;
  known            = (PetscBool)(!failed && outside && *good && !dini->ops->vjp);
  if (known && dini->predict) {
    if (!dini->history.lambda) failed = VecDuplicate(dini->lambda, &dini->history.lambda);
    if (!failed) failed = VecCopy(dini->lambda, dini->history.lambda);
  }
  if (!failed) failed = VecAXPY(g, 1.0, dJdm);
  /* Hessian products at this point begin with it; not with a loose one */
  if (!failed && known && dini->hessian.lambda && dini->gradientrtol == 0.0) {
    failed = VecCopy(dini->lambda, dini->hessian.lambda);
    if (!failed) failed = DiniHessianOf_Private(dini, dJdu);
    dini->hessian.point = dini->point;
    dini->hessian.left  = DiniSolveError_Private(dini);
  }
  if (!failed && known) failed = DiniEstimateObjective_Private(dini);
  if (!failed && known) failed = DiniObjectiveGuard_Private(dini, dini->objective, dJdu, dJdm);
  if (!failed && !dini->ops->vjp) dini->stats.gradient_error += dini->objective->error;
  PetscCall(VecDestroy(&dJdu));
  PetscCall(VecDestroy(&dJdm));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  The value and, for g, the gradient. Where failures are tolerated, a point at which a solve fails has an infinite value and
  a zero gradient; the state is the last good one.
*/
PetscErrorCode DiniEvaluate_Private(Dini dini, Vec m, PetscBool tolerated, PetscReal *value, Vec g)
{
  const PetscBool policy = dini->erroriffail;
  PetscErrorCode  failed = PETSC_SUCCESS;
  PetscBool       converged;

  PetscFunctionBegin;
  PetscCheck(dini->objective, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "%s: There is no objective; call DiniSetObjective()", DiniLabel_Private(dini));
  PetscCall(DiniSolveAt_Private(dini, m, tolerated, &converged));
  if (converged && g && tolerated) PetscCall(DiniTrial_Private(dini, &converged));
  if (converged) {
    failed = DiniObjectiveValue_Private(dini, dini->objective, value);
    if (g && !failed) {
      if (tolerated) dini->erroriffail = PETSC_FALSE;
      failed            = DiniReducedGradient(dini, g, &converged);
      dini->erroriffail = policy;
    }
    dini->verified = PETSC_FALSE;
    PetscCall(failed);
  }
  if (converged) {
    dini->lastvalue = *value;
    dini->hasvalue  = PETSC_TRUE;
  } else {
    *value = INFINITY;
    if (g) PetscCall(VecSet(g, 0.0));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Computes J(u(m), m): sets the parameters, solves for the state, evaluates.
  @level{beginner}

  Collective. Nothing is solved when the state belongs to m already.

  @param[in]  dini  the Dini, with DiniSetState() and DiniSetObjective()
  @param[in]  m     flat parameter vector
  @param[out] value the objective; infinity when the forward solve fails and DiniSetErrorIfNotConverged() is off
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniComputeObjective(Dini dini, Vec m, PetscReal *value)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniEvaluate_Private(dini, m, PETSC_FALSE, value, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Computes J(u(m), m) and its reduced gradient g = dJ/dm - F_m^H lambda with J^H lambda = dJ/du.
  @level{beginner}

  Collective. One forward solve, unless the state belongs to m already, and one adjoint solve.

  @param[in]  dini  the Dini, with DiniSetState() and DiniSetObjective()
  @param[in]  m     flat parameter vector
  @param[out] value the objective; infinity when a solve fails and DiniSetErrorIfNotConverged() is off
  @param[out] g     gradient, a flat parameter vector; units of J per unit of m; zero when the value is infinite
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniComputeObjectiveAndGradient(Dini dini, Vec m, PetscReal *value, Vec g)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCheck(g, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_NULL,
             "There is no Vec for the gradient; see DiniComputeObjective()");
  PetscCall(DiniEvaluate_Private(dini, m, PETSC_FALSE, value, g));
  PetscFunctionReturn(PETSC_SUCCESS);
}
