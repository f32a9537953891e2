/*
  The Laplace approximation of a posterior: life.

  The negative logarithm of the posterior is s J(u(m), m), with the prior's 1/2 |m - m0|_R^2 among it. About its minimum the
  posterior is Gaussian with the precision R + A, A = H_misfit. Of the pairs A v = lambda R v, V^H R V = I, few have a lambda
  that is not small: the data speak about those directions, and about the others the prior.
*/
#include "../../private/diniposteriorimpl.h"

PetscClassId      DINI_POSTERIOR_CLASSID = 0;
const char *const DiniPosteriorMethods[] = {"eps", "randomized", "DiniPosteriorMethod", "DINI_POSTERIOR_", NULL};

/**
  @brief Creates the Laplace approximation of the posterior of a Dini's parameters.
  @level{intermediate}

  Collective. The objective of DiniSetObjective(), times the factor of DiniPosteriorSetScale(), is the negative logarithm of the
  posterior up to a constant. The prior is Gaussian, see DiniPosteriorSetPrior(). After an optimisation, at the minimum:
  DiniPosteriorSolve(), then variances, samples, the gain in information.

  @param[in]  dini    the Dini, with an objective; a reference is kept
  @param[out] newpost the object; free it with DiniPosteriorDestroy()
  @return 0 or a PETSc error code

  Options: those of DiniPosteriorSetFromOptions(), with the prefix of the Dini.

  @see DiniPosteriorSolve(), DiniGetHessian()
*/
PetscErrorCode DiniPosteriorCreate(Dini dini, DiniPosterior *newpost)
{
  DiniPosterior post;
  const char   *prefix;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  *newpost = NULL;
  PetscCall(SlepcInitializeNoArguments()); /* nothing if SLEPc is there already */
  PetscCall(PetscHeaderCreate(post, DINI_POSTERIOR_CLASSID, "DiniPosterior", "Laplace approximation of a posterior",
                              "Dini", PetscObjectComm((PetscObject)dini), DiniPosteriorDestroy, DiniPosteriorView));
  PetscCall(PetscObjectReference((PetscObject)dini));
  post->dini = dini;
  PetscCall(PetscObjectGetOptionsPrefix((PetscObject)dini, &prefix));
  PetscCall(PetscObjectSetOptionsPrefix((PetscObject)post, prefix));
  post->scale        = 1.0;
  post->most         = PETSC_DECIDE;
  post->threshold    = 0.01;
  post->rtol         = 1e-4;
  post->oversampling = 10;
  post->maxit        = 20;
  PetscCall(PetscObjectChangeTypeName((PetscObject)post, "laplace"));
  *newpost = post;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Drops what a posterior has computed and keeps what it was given.
  @level{intermediate}

  Collective.

  @param[in] post the posterior
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniPosteriorReset(DiniPosterior post)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(post, DINI_POSTERIOR_CLASSID, 1);
  PetscCall(EPSDestroy(&post->eps));
  PetscCall(MatDestroy(&post->A));
  PetscCall(BVDestroy(&post->V));
  PetscCall(BVDestroy(&post->AV));
  PetscCall(BVDestroy(&post->RV));
  for (int k = 0; k < 3; k++) PetscCall(VecDestroy(&post->w[k]));
  PetscCall(VecDestroy(&post->deviate));
  PetscCall(PetscFree2(post->lambda, post->error));
  post->solved = PETSC_FALSE;
  post->n      = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Drops one reference to a posterior and frees it when that was the last.
  @level{intermediate}

  Collective.

  @param[in,out] post the posterior, NULL on return
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniPosteriorDestroy(DiniPosterior *post)
{
  PetscFunctionBegin;
  if (!*post) PetscFunctionReturn(PETSC_SUCCESS);
  PetscValidHeaderSpecific(*post, DINI_POSTERIOR_CLASSID, 1);
  if (--((PetscObject)*post)->refct > 0) {
    *post = NULL;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(DiniPosteriorReset(*post));
  PetscCall(KSPDestroy(&(*post)->ksp));
  PetscCall(MatDestroy(&(*post)->R));
  PetscCall(MatDestroy(&(*post)->S));
  PetscCall(DiniDestroy(&(*post)->dini));
  PetscCall(PetscHeaderDestroy(post));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Prints what a posterior is made of.
  @level{intermediate}

  Collective.

  @param[in] post   the posterior
  @param[in] viewer an ASCII viewer, NULL for standard output
  @return 0 or a PETSc error code

  Option: `-dini_posterior_view`, after DiniPosteriorSolve().
*/
PetscErrorCode DiniPosteriorView(DiniPosterior post, PetscViewer viewer)
{
  DiniHessianType type;
  PetscBool       ascii;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(post, DINI_POSTERIOR_CLASSID, 1);
  if (!viewer) PetscCall(PetscViewerASCIIGetStdout(PetscObjectComm((PetscObject)post), &viewer));
  PetscCall(PetscObjectTypeCompare((PetscObject)viewer, PETSCVIEWERASCII, &ascii));
  if (!ascii) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscObjectPrintClassNamePrefixType((PetscObject)post, viewer));
  PetscCall(PetscViewerASCIIPushTab(viewer));
  PetscCall(DiniGetHessianType(post->dini, &type));
  PetscCall(PetscViewerASCIIPrintf(
      viewer, "Hessian: %s, times %g; prior: %s, %s the objective\n", DiniHessianTypes[type], (double)post->scale,
      post->R ? "the precision given" : "standard normal", post->inside ? "inside" : "outside"));
  PetscCall(PetscViewerASCIIPrintf(viewer, "method: %s, tolerance %g\n", DiniPosteriorMethods[post->method],
                                   (double)post->rtol));
  if (post->solved) {
    PetscCall(PetscViewerASCIIPrintf(viewer,
                                     "eigenpairs: %" PetscInt_FMT " of %" PetscInt_FMT ", those left out below %g",
                                     post->n, post->N, (double)post->cut));
    if (post->n)
      PetscCall(PetscViewerASCIIPrintf(viewer, "; from %g to %g, worst residual %g", (double)post->lambda[0],
                                       (double)post->lambda[post->n - 1], (double)post->residual));
    PetscCall(PetscViewerASCIIPrintf(viewer, "\nHessian products: %" PetscInt_FMT ", asymmetry %g\n", post->products,
                                     (double)post->asymmetry));
  } else PetscCall(PetscViewerASCIIPrintf(viewer, "not solved\n"));
  PetscCall(PetscViewerASCIIPopTab(viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}
