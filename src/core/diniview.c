/* How a Dini prints itself. */
#include "../private/diniimpl.h"

PetscErrorCode DiniViewStatistics_Private(Dini dini, PetscViewer viewer)
{
  const DiniStatistics *s = &dini->stats;

  PetscFunctionBegin;
  PetscCall(PetscViewerASCIIPrintf(viewer, "statistics:\n"));
  PetscCall(PetscViewerASCIIPushTab(viewer));
  PetscCall(PetscViewerASCIIPrintf(viewer,
                                   "forward solves %" PetscInt_FMT " (%" PetscInt_FMT " failed, %" PetscInt_FMT
                                   " iterations), |F| at the present state %g, %.3g s\n",
                                   s->forward_solves, s->forward_failures, s->forward_iterations,
                                   (double)s->forward_residual, (double)s->forward_seconds));
  PetscCall(PetscViewerASCIIPrintf(viewer,
                                   "linearizations %" PetscInt_FMT ": Jacobian assemblies %" PetscInt_FMT
                                   ", preconditioner set-ups %" PetscInt_FMT " (factorisations %" PetscInt_FMT
                                   ", refreshes %" PetscInt_FMT "), F_m fills %" PetscInt_FMT
                                   ", residuals %" PetscInt_FMT ", %.3g s\n",
                                   s->linearizations, s->jacobian_assemblies, s->pc_setups, s->factorizations,
                                   s->refreshes, s->parameter_assemblies, s->residuals, (double)s->linearize_seconds));
  PetscCall(PetscViewerASCIIPrintf(
      viewer,
      "tangent solves %" PetscInt_FMT " (%" PetscInt_FMT " iterations), worst true relative residual %g, %.3g s\n",
      s->tangent_solves, s->tangent_iterations, (double)s->tangent_residual, (double)s->tangent_seconds));
  PetscCall(PetscViewerASCIIPrintf(
      viewer,
      "adjoint solves %" PetscInt_FMT " (%" PetscInt_FMT " iterations), worst true relative residual %g, %.3g s\n",
      s->adjoint_solves, s->adjoint_iterations, (double)s->adjoint_residual, (double)s->adjoint_seconds));
  if (s->relinearizations)
    PetscCall(PetscViewerASCIIPrintf(viewer,
                                     "made again at their points, because somebody else had written into them: "
                                     "%" PetscInt_FMT " matrices\n",
                                     s->relinearizations));
  if (s->recalls)
    PetscCall(PetscViewerASCIIPrintf(viewer, "solves answered by the one before %" PetscInt_FMT "\n", s->recalls));
  if (s->hessian_products)
    PetscCall(PetscViewerASCIIPrintf(viewer, "Hessian products %" PetscInt_FMT "\n", s->hessian_products));
  if (s->predictions)
    PetscCall(PetscViewerASCIIPrintf(viewer, "predictions %" PetscInt_FMT ", taken %" PetscInt_FMT "\n", s->predictions,
                                     s->predictions_accepted));
  if (s->polishes)
    PetscCall(PetscViewerASCIIPrintf(viewer, "polished states %" PetscInt_FMT ", kept %" PetscInt_FMT "\n", s->polishes,
                                     s->polishes_accepted));
  PetscCall(PetscViewerASCIIPrintf(
      viewer, "estimated errors: objective %g (lambda^H F), gradient %g (relative), tangent %g (relative), ",
      (double)s->objective_error, (double)s->gradient_error, (double)s->tangent_error));
  if (s->second_error > 0.0)
    PetscCall(PetscViewerASCIIPrintf(viewer, "second order %g (relative), ", (double)s->second_error));
  if (s->state_error >= 0.0)
    PetscCall(PetscViewerASCIIPrintf(viewer, "of which the state %g\n", (double)s->state_error));
  else PetscCall(PetscViewerASCIIPrintf(viewer, "without that of the state\n"));
  for (int rung = 0; rung < DINI_RUNG_MAX; rung++)
    if (s->rungs[rung])
      PetscCall(PetscViewerASCIIPrintf(viewer, "rung %s: %" PetscInt_FMT " solves\n", DiniRungs[rung], s->rungs[rung]));
  PetscCall(PetscViewerASCIIPopTab(viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniViewRelation(Dini dini, PetscViewer viewer)
{
  static const char *const stages[] = {"not solved", "solved", "linearized"};
  const char              *reason;

  PetscFunctionBegin;
  PetscCall(DiniConvergedReasonString(dini->reason, &reason));
  PetscCall(PetscViewerASCIIPrintf(viewer, "state: %s, last reason %s\n", stages[dini->stage], reason));
  if (dini->N > 0) PetscCall(PetscViewerASCIIPrintf(viewer, "unknowns: %" PetscInt_FMT "\n", dini->N));
  if (dini->solve) PetscCall(PetscViewerASCIIPrintf(viewer, "forward solve: by the application\n"));
  if (dini->linearsolve[DINI_TANGENT])
    PetscCall(PetscViewerASCIIPrintf(viewer, "tangent solve: by the application, verified\n"));
  if (dini->linearsolve[DINI_ADJOINT])
    PetscCall(PetscViewerASCIIPrintf(viewer, "adjoint solve: by the application, verified\n"));
  DiniEachFeature(view, dini, viewer);
  if (PetscDefined(USE_COMPLEX))
    PetscCall(PetscViewerASCIIPrintf(viewer, "adjoint: %s\n", DiniAdjointTypes[dini->adjointtype]));
  PetscCall(PetscViewerASCIIPrintf(viewer, "guard: %s\n", !dini->guard ? "off" : dini->guarded ? "passed" : "on"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Prints a Dini: relation, parameters, linear solvers and statistics.
  @level{beginner}

  Collective.

  @param[in] dini   the Dini
  @param[in] viewer an ASCII viewer, NULL for standard output; other viewers print nothing
  @return 0 or a PETSc error code

  Option: `-dini_view` prints the object when it is destroyed.
*/
PetscErrorCode DiniView(Dini dini, PetscViewer viewer)
{
  PetscBool ascii;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  if (!viewer) PetscCall(PetscViewerASCIIGetStdout(PetscObjectComm((PetscObject)dini), &viewer));
  PetscCall(PetscObjectTypeCompare((PetscObject)viewer, PETSCVIEWERASCII, &ascii));
  if (!ascii) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscObjectPrintClassNamePrefixType((PetscObject)dini, viewer));
  PetscCall(PetscViewerASCIIPushTab(viewer));
  PetscCall(DiniViewRelation(dini, viewer));
  PetscCall(DiniJacobianView_Private(dini, viewer));
  PetscCall(DiniParameterView_Private(dini, viewer));
  PetscCall(DiniEngineView_Private(dini->engine, viewer));
  PetscCall(DiniConditionView_Private(dini, viewer));
  PetscTryTypeMethod(dini, view, viewer);
  PetscCall(DiniFilterView_Private(dini, viewer));
  PetscCall(DiniViewStatistics_Private(dini, viewer));
  PetscCall(PetscViewerASCIIPopTab(viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Prints a Dini when an option asks for it.
  @level{intermediate}

  Collective.

  @param[in] dini the Dini
  @param[in] obj  object that provides the prefix, NULL for the Dini itself
  @param[in] name the option, such as "-my_view"
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniViewFromOptions(Dini dini, PetscObject obj, const char name[])
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(PetscObjectViewFromOptions((PetscObject)dini, obj, name));
  PetscFunctionReturn(PETSC_SUCCESS);
}
