/* The Laplace approximation of a posterior: what it is told. */
#include "../../private/diniposteriorimpl.h"

/**
  @brief Sets the prior: a Gaussian with this precision.
  @level{intermediate}

  Logically Collective.

  @param[in] post   the posterior
  @param[in] R      the prior's precision, Hermitian and positive definite, rows and columns laid out as a flat parameter vector;
                    NULL for the identity, where the parameters are whitened; a reference is kept
  @param[in] inside is 1/2 |m - m0|_R^2 a part of the objective (times the factor of DiniPosteriorSetScale())?
  @return 0 or a PETSc error code

  @see DiniPosteriorSetPriorRoot(), DiniPosteriorGetPriorKSP()
*/
PetscErrorCode DiniPosteriorSetPrior(DiniPosterior post, Mat R, PetscBool inside)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(post, DINI_POSTERIOR_CLASSID, 1);
  if (R) PetscCall(PetscObjectReference((PetscObject)R));
  PetscCall(MatDestroy(&post->R));
  post->R      = R;
  post->inside = inside;
  PetscCall(KSPDestroy(&post->ksp));
  PetscCall(DiniPosteriorReset(post));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Sets a root of the prior's covariance, S with S S^H = R^{-1}.
  @level{intermediate}

  Logically Collective. DiniPosteriorSample() needs it unless the precision is the identity; DiniPosteriorGetVariance() takes it
  instead of solving with R.

  @param[in] post the posterior
  @param[in] S    rows laid out as a flat parameter vector, any columns; NULL to forget it; a reference is kept
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniPosteriorSetPriorRoot(DiniPosterior post, Mat S)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(post, DINI_POSTERIOR_CLASSID, 1);
  if (S) PetscCall(PetscObjectReference((PetscObject)S));
  PetscCall(MatDestroy(&post->S));
  PetscCall(VecDestroy(&post->deviate));
  post->S = S;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives the KSP that solves with the prior's precision.
  @level{advanced}

  Collective. By default conjugate gradients to 1e-12 with PETSc's preconditioner for R, none for a shell or a multiple of the
  identity.

  @param[in]  post the posterior, after DiniPosteriorSetPrior() with a matrix
  @param[out] ksp  the solver; belongs to the posterior
  @return 0 or a PETSc error code; PETSC_ERR_ORDER where the precision is the identity

  Options: prefix `-dini_posterior_prior_`.
*/
PetscErrorCode DiniPosteriorGetPriorKSP(DiniPosterior post, KSP *ksp)
{
  PetscBool plain;
  PC        pc;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(post, DINI_POSTERIOR_CLASSID, 1);
  PetscCheck(post->R, PetscObjectComm((PetscObject)post), PETSC_ERR_ORDER,
             "%s: the precision of the prior is the identity, which needs no solver; DiniPosteriorSetPrior() sets "
             "another one",
             DiniLabel_Private(post->dini));
  if (!post->ksp) {
    PetscCall(KSPCreate(PetscObjectComm((PetscObject)post), &post->ksp));
    PetscCall(KSPSetOptionsPrefix(post->ksp, ((PetscObject)post)->prefix));
    PetscCall(KSPAppendOptionsPrefix(post->ksp, "dini_posterior_prior_"));
    PetscCall(KSPSetType(post->ksp, KSPCG));
    PetscCall(KSPSetTolerances(post->ksp, 1e-12, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
    PetscCall(KSPSetErrorIfNotConverged(post->ksp, PETSC_TRUE));
    PetscCall(PetscObjectTypeCompareAny((PetscObject)post->R, &plain, MATSHELL, MATCONSTANTDIAGONAL, ""));
    PetscCall(KSPGetPC(post->ksp, &pc));
    if (plain) PetscCall(PCSetType(pc, PCNONE)); /* no other fits */
    PetscCall(KSPSetFromOptions(post->ksp));
  }
  PetscCall(KSPSetOperators(post->ksp, post->R, post->R)); /* an EPS that used it has reset it when it went */
  *ksp = post->ksp;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Sets the factor s by which the objective is the negative logarithm of the posterior.
  @level{intermediate}

  Logically Collective. It is 1 for the sum of half the squared residuals, each over its standard deviation, and the number of
  data for the mean.

  @param[in] post the posterior
  @param[in] s    positive
  @return 0 or a PETSc error code; PETSC_ERR_ARG_OUTOFRANGE unless s is positive
*/
PetscErrorCode DiniPosteriorSetScale(DiniPosterior post, PetscReal s)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(post, DINI_POSTERIOR_CLASSID, 1);
  PetscCheck(s > 0.0 && !PetscIsInfOrNanReal(s), PetscObjectComm((PetscObject)post), PETSC_ERR_ARG_OUTOFRANGE,
             "%s: the factor of the objective is %g; it must be positive", DiniLabel_Private(post->dini), (double)s);
  post->scale  = s;
  post->solved = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Chooses how the eigenpairs are found.
  @level{intermediate}

  Logically Collective.

  @param[in] post   the posterior
  @param[in] method DINI_POSTERIOR_EPS (default) or DINI_POSTERIOR_RANDOMIZED
  @return 0 or a PETSc error code; PETSC_ERR_ARG_OUTOFRANGE for a method that is none

  Option: `-dini_posterior_method <eps|randomized>`.
*/
PetscErrorCode DiniPosteriorSetMethod(DiniPosterior post, DiniPosteriorMethod method)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(post, DINI_POSTERIOR_CLASSID, 1);
  PetscCheck((int)method >= DINI_POSTERIOR_EPS && (int)method <= DINI_POSTERIOR_RANDOMIZED,
             PetscObjectComm((PetscObject)post), PETSC_ERR_ARG_OUTOFRANGE, "There is no method number %d", (int)method);
  post->method = method;
  post->solved = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Sets which eigenpairs are kept.
  @level{intermediate}

  Logically Collective. A pair that is left out takes lambda/(1 + lambda) off the relative reduction of variance in its
  direction. Without a limit the pairs are found down to the threshold, and that is the most the variances are too large by.

  @param[in] post      the posterior
  @param[in] most      no more than so many pairs; PETSC_DECIDE (default): as many as there are above the threshold
  @param[in] threshold smallest size of lambda, positive; initially 0.01
  @return 0 or a PETSc error code; PETSC_ERR_ARG_OUTOFRANGE for other values

  Options: `-dini_posterior_dimension`, `-dini_posterior_threshold`.
*/
PetscErrorCode DiniPosteriorSetDimension(DiniPosterior post, PetscInt most, PetscReal threshold)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(post, DINI_POSTERIOR_CLASSID, 1);
  PetscCheck(most == PETSC_DECIDE || most > 0, PetscObjectComm((PetscObject)post), PETSC_ERR_ARG_OUTOFRANGE,
             "%s: %" PetscInt_FMT " eigenpairs; it must be a positive number, or PETSC_DECIDE",
             DiniLabel_Private(post->dini), most);
  PetscCheck(threshold > 0.0 && !PetscIsInfOrNanReal(threshold), PetscObjectComm((PetscObject)post),
             PETSC_ERR_ARG_OUTOFRANGE, "%s: the threshold of the eigenvalues is %g; it must be positive",
             DiniLabel_Private(post->dini), (double)threshold);
  post->most      = most;
  post->threshold = threshold;
  post->solved    = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Sets how exact the eigenpairs must be.
  @level{advanced}

  Logically Collective. The residual A v - lambda R v, in the norm of R^{-1}, bounds the error of lambda; it must not exceed
  the tolerance times max(1, |lambda|).

  @param[in] post  the posterior
  @param[in] rtol  positive and below 1; initially 1e-4
  @param[in] maxit most rounds of the randomized method or of enlarging the basis; initially 20
  @return 0 or a PETSc error code; PETSC_ERR_ARG_OUTOFRANGE for other values

  Options: `-dini_posterior_rtol`, `-dini_posterior_max_it`.
*/
PetscErrorCode DiniPosteriorSetTolerance(DiniPosterior post, PetscReal rtol, PetscInt maxit)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(post, DINI_POSTERIOR_CLASSID, 1);
  PetscCheck(rtol > 0.0 && rtol < 1.0 && maxit > 0, PetscObjectComm((PetscObject)post), PETSC_ERR_ARG_OUTOFRANGE,
             "%s: tolerance %g and %" PetscInt_FMT
             " rounds; the first must lie between 0 and 1, the second be positive",
             DiniLabel_Private(post->dini), (double)rtol, maxit);
  post->rtol   = rtol;
  post->maxit  = maxit;
  post->solved = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Sets how many columns the randomized method takes beyond those asked for.
  @level{advanced}

  Logically Collective.

  @param[in] post         the posterior
  @param[in] oversampling at least 1; initially 10
  @return 0 or a PETSc error code; PETSC_ERR_ARG_OUTOFRANGE for less

  Option: `-dini_posterior_oversampling`.
*/
PetscErrorCode DiniPosteriorSetOversampling(DiniPosterior post, PetscInt oversampling)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(post, DINI_POSTERIOR_CLASSID, 1);
  PetscCheck(oversampling > 0, PetscObjectComm((PetscObject)post), PETSC_ERR_ARG_OUTOFRANGE,
             "%s: an oversampling of %" PetscInt_FMT "; at least 1 is needed", DiniLabel_Private(post->dini),
             oversampling);
  post->oversampling = oversampling;
  post->solved       = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Sets what the options database says.
  @level{intermediate}

  Collective.

  @param[in] post the posterior
  @return 0 or a PETSc error code

  Options: `-dini_posterior_method`, `-dini_posterior_dimension`, `-dini_posterior_threshold`, `-dini_posterior_rtol`,
  `-dini_posterior_max_it`, `-dini_posterior_oversampling`, `-dini_posterior_view`; those of the EPS have the prefix
  `-dini_posterior_`, as in `-dini_posterior_eps_type lobpcg`.
*/
PetscErrorCode DiniPosteriorSetFromOptions(DiniPosterior post)
{
  DiniPosteriorMethod method;
  PetscInt            most, maxit, oversampling;
  PetscReal           threshold, rtol;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(post, DINI_POSTERIOR_CLASSID, 1);
  method = post->method, most = post->most, maxit = post->maxit, oversampling = post->oversampling;
  threshold = post->threshold, rtol = post->rtol;
  PetscObjectOptionsBegin((PetscObject)post);
  PetscCall(PetscOptionsEnum("-dini_posterior_method", "How the eigenpairs are found", "DiniPosteriorSetMethod",
                             DiniPosteriorMethods, (PetscEnum)method, (PetscEnum *)&method, NULL));
  PetscCall(PetscOptionsInt("-dini_posterior_dimension", "Most eigenpairs, -1 for all above the threshold",
                            "DiniPosteriorSetDimension", most, &most, NULL));
  PetscCall(PetscOptionsReal("-dini_posterior_threshold", "Smallest eigenvalue kept", "DiniPosteriorSetDimension",
                             threshold, &threshold, NULL));
  PetscCall(PetscOptionsReal("-dini_posterior_rtol", "Tolerance of the eigenpairs", "DiniPosteriorSetTolerance", rtol,
                             &rtol, NULL));
  PetscCall(PetscOptionsInt("-dini_posterior_max_it", "Most rounds", "DiniPosteriorSetTolerance", maxit, &maxit, NULL));
  PetscCall(PetscOptionsInt("-dini_posterior_oversampling", "Additional columns of the randomized method",
                            "DiniPosteriorSetOversampling", oversampling, &oversampling, NULL));
  PetscOptionsEnd();
  PetscCall(DiniPosteriorSetMethod(post, method));
  PetscCall(DiniPosteriorSetDimension(post, most, threshold));
  PetscCall(DiniPosteriorSetTolerance(post, rtol, maxit));
  PetscCall(DiniPosteriorSetOversampling(post, oversampling));
  PetscFunctionReturn(PETSC_SUCCESS);
}
