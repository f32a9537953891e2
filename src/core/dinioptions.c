/* What can be set on a Dini from code or from the options database, apart from the relation itself. */
#include "../private/diniimpl.h"

/**
  @brief Sets the prefix of all options of a Dini, of its linear solvers and of its parameters.
  @level{intermediate}

  Logically Collective.

  @param[in] dini   the Dini
  @param[in] prefix the prefix, without a leading hyphen
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniSetOptionsPrefix(Dini dini, const char prefix[])
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(PetscObjectSetOptionsPrefix((PetscObject)dini, prefix));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Appends to the prefix of all options of a Dini.
  @level{intermediate}

  Logically Collective.

  @param[in] dini   the Dini
  @param[in] prefix what to append
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniAppendOptionsPrefix(Dini dini, const char prefix[])
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(PetscObjectAppendOptionsPrefix((PetscObject)dini, prefix));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Tells the prefix of all options of a Dini.
  @level{intermediate}

  Not Collective.

  @param[in]  dini   the Dini
  @param[out] prefix the prefix, not to be freed
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniGetOptionsPrefix(Dini dini, const char *prefix[])
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(PetscObjectGetOptionsPrefix((PetscObject)dini, prefix));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Asked before PETSc makes the viewer, which may open a file or a window */
static PetscErrorCode DiniOptionsCheck(Dini dini, DiniOptionItems PetscOptionsObject)
{
  PetscObject object                    = (PetscObject)dini;
  char        value[PETSC_MAX_PATH_LEN] = "";
  PetscBool   asked, set, file, ascii;

  PetscFunctionBegin;
  PetscCall(PetscOptionsName("-dini_check", "Check the derivatives before the first one is used", "DiniCheck", &asked));
  if (!asked) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscOptionsGetString(object->options, object->prefix, "-dini_check", value, sizeof(value), &set));
  PetscCall(PetscStrbeginswith(value, ":", &file));
  PetscCall(PetscStrbeginswith(value, "ascii:", &ascii));
  if (!ascii) PetscCall(PetscStrcmp(value, "ascii", &ascii));
  PetscCheck(
      !value[0] || file || ascii, PetscObjectComm(object), PETSC_ERR_SUP,
      "%s: -dini_check %s: the check prints text; leave the value out for standard output, or name a text file, as "
      "in -dini_check ascii:check.txt",
      DiniLabel_Private(dini), value);
  PetscCall(PetscViewerDestroy(&dini->checkviewer));
  PetscCall(PetscOptionsCreateViewer(PetscObjectComm(object), object->options, object->prefix, "-dini_check",
                                     &dini->checkviewer, NULL, &dini->checkrequested));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What stands between PETSc's macros of begin and end, which an error must not jump over */
static PetscErrorCode DiniOptions(Dini dini, DiniOptionItems PetscOptionsObject)
{
  char      type[256];
  PetscReal gradientrtol = dini->gradientrtol;
  PetscBool set, flag;

  PetscFunctionBegin;
  PetscCall(PetscOptionsFList("-dini_type", "Kind of solver behind the object", "DiniSetType", DiniList,
                              ((PetscObject)dini)->type_name ? ((PetscObject)dini)->type_name : DINISNES, type,
                              sizeof(type), &set));
  if (set) PetscCall(DiniSetType(dini, type));
  PetscCall(PetscOptionsEnum("-dini_adjoint_type", "Adjoint or plain transpose in complex builds", "DiniSetAdjointType",
                             DiniAdjointTypes, (PetscEnum)dini->adjointtype, (PetscEnum *)&dini->adjointtype, NULL));
  {
    PetscReal rtol = dini->attachrtol, atol = dini->attachatol;

    PetscCall(PetscOptionsReal("-dini_attach_rtol", "|F| accepted at attach, relative to |J u|",
                               "DiniSetAttachTolerances", rtol, &rtol, NULL));
    PetscCall(
        PetscOptionsReal("-dini_attach_atol", "|F| accepted at attach", "DiniSetAttachTolerances", atol, &atol, NULL));
    PetscCall(DiniSetAttachTolerances(dini, rtol, atol));
  }
  PetscCall(PetscOptionsReal("-dini_gradient_rtol", "Relative accuracy of gradients", "DiniSetGradientTolerance",
                             gradientrtol, &gradientrtol, &set));
  if (set) PetscCall(DiniSetGradientTolerance(dini, gradientrtol));
  PetscCall(PetscOptionsBool("-dini_polish", "States are corrected after their forward solve", "DiniSetPolish",
                             dini->polish, &dini->polish, NULL));
  PetscCall(PetscOptionsBool("-dini_predict", "Initial guesses by the tangent", "DiniSetPredict", dini->predict,
                             &dini->predict, NULL));
  {
    PetscBool reuse = dini->reuseforward;

    PetscCall(PetscOptionsBool("-dini_reuse_forward", "Forward solves keep the preconditioner of the one before",
                               "DiniSetForwardReuse", reuse, &reuse, &set));
    if (set) PetscCall(DiniSetForwardReuse(dini, reuse));
  }
  PetscCall(PetscOptionsBool("-dini_guard", "Compare J and F_m with a difference of F once", "DiniSetGuard",
                             dini->guard, &dini->guard, NULL));
  PetscCall(PetscOptionsBool("-dini_error_if_not_converged", "A solve that fails is an error",
                             "DiniSetErrorIfNotConverged", dini->errorasked, &dini->errorasked, NULL));
  dini->erroriffail = dini->errorasked;
  PetscCall(DiniJacobianSetFromOptions_Private(dini, PetscOptionsObject));
  DiniEachFeature(setfromoptions, dini, PetscOptionsObject);
  PetscCall(DiniConditionSetFromOptions_Private(dini, PetscOptionsObject));
  PetscCall(DiniLinearSetFromOptions_Private(dini, PetscOptionsObject));
  PetscCall(DiniParameterSetFromOptions_Private(dini, PetscOptionsObject));
  PetscTryTypeMethod(dini, setfromoptions, PetscOptionsObject);
  PetscCall(
      PetscOptionsBool("-dini_monitor", "Print a line per operation", "DiniMonitorSet", PETSC_FALSE, &flag, &set));
  if (set && flag) PetscCall(DiniMonitorSet(dini, DiniMonitorDefault, NULL, NULL));
  PetscCall(PetscOptionsName("-dini_converged_reason", "Print why each solve ended", "DiniGetConvergedReason",
                             &dini->reasonrequested));
  PetscCall(PetscOptionsName("-dini_view", "Print the object when it is destroyed", "DiniView", &dini->viewrequested));
  PetscCall(DiniOptionsCheck(dini, PetscOptionsObject));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Configures a Dini from the options database. Call it after the parameters have been added.
  @level{beginner}

  Collective. An option that begins as Dini's do and means nothing is named on standard error, with the nearest name that does.

  @param[in] dini the Dini
  @return 0 or a PETSc error code; PETSC_ERR_ARG_OUTOFRANGE for a value that makes no sense

  Options:
  - `-dini_type <snes|ksp|fixedpoint|shell>`, with SLEPc also `<eps|pep|nep>`: the kind of solver, DiniSetType()
  - `-dini_adjoint_type <hermitian|transpose>`: DiniSetAdjointType()
  - `-dini_guard <true>`: DiniSetGuard()
  - `-dini_error_if_not_converged <true>`: DiniSetErrorIfNotConverged()
  - `-dini_view`: print the object when it is destroyed
  - `-dini_monitor`: print a line per operation
  - `-dini_converged_reason`: print why each solve ended
  - `-dini_condition`, with SLEPc: print the singular values of J after each linearization, DiniComputeCondition()
  - `-dini_check [ascii:file]`: run DiniCheck() once, before the first derivative
  - `-dini_attach_rtol <1e-6>`, `-dini_attach_atol <1e-50>`: DiniSetAttachTolerances()
  - `-dini_polish <false>`: DiniSetPolish()
  - `-dini_predict <false>`: DiniSetPredict()
  - `-dini_reuse_forward <false>`: DiniSetForwardReuse()
  - `-dini_jacobian_type <auto|given|coloring|fd|mf>`, `-dini_jacobian_max_columns <64>`: DiniSetJacobianType(),
    DiniSetJacobianMaxColumns()
  - `-dini_parameter_<name>_...`: DiniSetParameterType(), DiniSetParameterDifference(), DiniSetParameterAffine(),
    DiniSetParameterReal(), DiniSetParameterMaxColumns(), DiniSetParameterActive()
  - `-dini_tangent_rtol`, `-dini_adjoint_rtol <1e-10>`: accepted true relative residuals, DiniSetTolerances()
  - `-dini_gradient_rtol <0>`: DiniSetGradientTolerance()
  - `-dini_transpose <auto|native|explicit|symmetric>`: DiniSetTranspose()
  - `-dini_reuse <auto|always|never>`, `-dini_direct_max <200000>`, `-dini_block_size <32>`: DiniSetReuse(),
    DiniSetDirectMax(), DiniSetBlockSize()
  - `-dini_tangent_ksp_...`, `-dini_adjoint_ksp_...`: Dini's own linear solvers
  - `-dini_adjoint_pc_...`, `-dini_direct_pc_...`, `-dini_pc_...`: preconditioners of the assembled transpose, of the last
    resort, and where no forward preconditioner fits J
  - `-dini_hessian_type <full|gauss_newton|blend>`, `-dini_hessian_blend <0.5>`, `-dini_hessian_step`:
    DiniSetHessianType(), DiniSetHessianBlend(), DiniSetHessianStep()
  - `-dini_continuation_step`, `-dini_continuation_min_step`, `-dini_continuation_max_steps <200>`,
    `-dini_continuation_rtol <1e-4>`: DiniSetContinuation(); `-dini_continuation_monitor`: print a line per step
  - `-dini_fixedpoint_...`: DiniSetFixedPointDerivative(), DiniSetFixedPointMaxColumns(), DiniSetFixedPointMethod(),
    DiniSetFixedPointMaxIterations(), DiniGetFixedPointSNES()
  - `-dini_weak_activity <inactive|active|error>`, `-dini_weak_activity_rtol <1e-8>`: DiniSetWeakActivity()
  - `-dini_eigen_...`, with SLEPc: DiniSetEigenMode(), DiniSetEigenGap(), DiniSetEigenTracking()
  - `-eigen_ksp_...`, `-eigen_pc_...`, `-eigen_dini_...`, with SLEPc: the linear systems of eigenproblems
*/
PetscErrorCode DiniSetFromOptions(Dini dini)
{
  PetscErrorCode failed = PETSC_SUCCESS;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniSetFromOptions()"));
  dini->fromoptions = PETSC_TRUE;
  PetscObjectOptionsBegin((PetscObject)dini);
  if (!failed) failed = DiniOptions(dini, PetscOptionsObject);
  PetscOptionsEnd();
  PetscCall(failed);
  PetscCall(DiniWarnOptions_Private(dini, PETSC_FALSE));
  PetscCall(DiniConditionAvailable_Private(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Sets how large |F(u, m)| may be at a state found elsewhere.
  @level{intermediate}

  Logically Collective. Applies to DiniAttach(), to states from DiniSetSolve(), and where a SNES has stopped without having
  tested |F|. The scale of the relative tolerance is |J u|, the size of the terms of F that cancel at a solution, measured
  by one difference of F. Pairs of eigenproblems have to meet rtol in their residual relative to its terms.

  @param[in] dini the Dini
  @param[in] rtol relative tolerance, initially 1e-6; PETSC_INFINITY accepts everything, PETSC_DEFAULT leaves it as it is
  @param[in] atol absolute tolerance, in units of F; PETSC_DEFAULT leaves it as it is
  @return 0 or a PETSc error code; PETSC_ERR_ARG_OUTOFRANGE for a negative tolerance

  Options: `-dini_attach_rtol`, `-dini_attach_atol`.
*/
PetscErrorCode DiniSetAttachTolerances(Dini dini, PetscReal rtol, PetscReal atol)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  if (rtol == PETSC_DEFAULT) rtol = dini->attachrtol;
  if (atol == PETSC_DEFAULT) atol = dini->attachatol;
  PetscCheck(rtol >= 0.0 && atol >= 0.0, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_OUTOFRANGE,
             "Attach tolerances %g and %g must not be negative", (double)rtol, (double)atol);
  dini->attachrtol = rtol;
  dini->attachatol = atol;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Chooses the adjoint of DiniVJP() and DiniAdjointSolve() in complex builds.
  @level{intermediate}

  Logically Collective.

  @param[in] dini the Dini
  @param[in] type DINI_ADJOINT_HERMITIAN (default), for which <ubar, JVP dm> = <VJP ubar, dm> with the inner product
                  y^H x; or DINI_ADJOINT_TRANSPOSE, J^T lambda = ubar and mbar = -F_m^T lambda
  @return 0 or a PETSc error code; PETSC_ERR_ARG_OUTOFRANGE for another value

  Option: `-dini_adjoint_type <hermitian|transpose>`. Gradients of objectives are Hermitian whatever is set here.

  @see DiniSetParameterReal()
*/
PetscErrorCode DiniSetAdjointType(Dini dini, DiniAdjointType type)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniCheckEnum_Private(dini, (int)type, DiniAdjointTypes, "adjoint type"));
  dini->adjointtype = type;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Switches the comparison of J and F_m with differences of F at the first linearization on or off.
  @level{advanced}

  Logically Collective. The guard costs a handful of residuals once per object. It catches Picard and other approximate
  Jacobians, forgotten update callbacks, parameters that the residual never reads, and incomplete patterns.

  @param[in] dini  the Dini
  @param[in] guard PETSC_TRUE (default) or PETSC_FALSE
  @return 0 or a PETSc error code

  Option: `-dini_guard <true|false>`.
*/
PetscErrorCode DiniSetGuard(Dini dini, PetscBool guard)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  dini->guard = guard;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Chooses between an error and a reason when a solve fails.
  @level{intermediate}

  Logically Collective. Without errors, a failed solve leaves a negative DiniGetConvergedReason(); a failed forward solve
  leaves no point to differentiate at, and a failed tangent or adjoint solve fills its result with NaN, so that it can not
  pass for a derivative.

  @param[in] dini the Dini
  @param[in] flag PETSC_TRUE (default) or PETSC_FALSE
  @return 0 or a PETSc error code

  Option: `-dini_error_if_not_converged <true|false>`.
*/
PetscErrorCode DiniSetErrorIfNotConverged(Dini dini, PetscBool flag)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  dini->erroriffail = dini->errorasked = flag;
  PetscFunctionReturn(PETSC_SUCCESS);
}
