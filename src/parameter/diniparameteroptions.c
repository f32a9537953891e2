/* How F_m of a block is obtained: kinds, options, view. */
#include "../private/diniparameterimpl.h"

/**
  @brief Chooses how F_m of a block is obtained.

  Logically Collective. The default is by what has been given, in this order: a matrix with a fill callback
  (DINIPARAMETERMATRIX), products (DINIPARAMETEROPERATOR), a matrix without a callback (DINIPARAMETERCOLORING), nothing
  (DINIPARAMETERFD).

  @param[in] dini the Dini
  @param[in] p    number of the block
  @param[in] type DINIPARAMETERMATRIX, DINIPARAMETEROPERATOR, DINIPARAMETERCOLORING, DINIPARAMETERFD, DINIPARAMETERRHS or
                  DINIPARAMETERZERO
  @return 0 or a PETSc error code; PETSC_ERR_ARG_UNKNOWN_TYPE for another name

  Option: `-dini_parameter_<name>_type <matrix|operator|coloring|fd|rhs|zero>`.
*/
PetscErrorCode DiniSetParameterType(Dini dini, PetscInt p, DiniParameterType type)
{
  DiniParameter            par;
  const DiniParameterKind *kind;
  PetscBool                same = PETSC_FALSE;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniGetParameter_Private(dini, p, &par));
  for (kind = DiniParameterKinds; kind->name && !same; kind++) PetscCall(PetscStrcmp(kind->name, type, &same));
  PetscCheck(same, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_UNKNOWN_TYPE,
             "Unknown type \"%s\" of parameter \"%s\"; it is one of matrix, operator, coloring, fd, rhs, zero",
             type ? type : "NULL", par->name);
  PetscCall(PetscStrncpy(par->type, type, sizeof(par->type)));
  PetscCall(DiniParameterDrop_Private(dini, par));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniParameterGetKind_Private(Dini dini, DiniParameter par, const DiniParameterKind **kind)
{
  const char *type = par->type;
  PetscBool   same;

  PetscFunctionBegin;
  (void)dini;
  if (!type[0]) {
    if (par->Fmuser && par->fill) type = DINIPARAMETERMATRIX;
    else if (par->apply || par->applyadjoint) type = DINIPARAMETEROPERATOR;
    else if (par->Fmuser) type = DINIPARAMETERCOLORING;
    else type = DINIPARAMETERFD;
  }
  for (*kind = DiniParameterKinds; (*kind)->name; (*kind)++) {
    PetscCall(PetscStrcmp((*kind)->name, type, &same));
    if (same) break;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Tells how F_m of a block is obtained.

  Not Collective.

  @param[in]  dini the Dini
  @param[in]  p    number of the block
  @param[out] type the type set or, when none was set, the one that follows from what was given
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniGetParameterType(Dini dini, PetscInt p, DiniParameterType *type)
{
  DiniParameter            par;
  const DiniParameterKind *kind;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniGetParameter_Private(dini, p, &par));
  PetscCall(DiniParameterGetKind_Private(dini, par, &kind));
  *type = kind->name;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Chooses the differences of F that give F_m of types DINIPARAMETERFD and DINIPARAMETERCOLORING.

  Logically Collective. The step for entry m_j is `step` times max(|m_j|, max|m| / 10), or `step` when m is zero. The
  default step is eps^(1/2) for forward and eps^(1/3) for central differences, which balances rounding and truncation. Put
  parameters of unlike size into blocks of their own.

  @param[in] dini       the Dini
  @param[in] p          number of the block
  @param[in] difference DINI_DIFFERENCE_CENTRAL (default) or DINI_DIFFERENCE_FORWARD
  @param[in] step       relative step, 0 or PETSC_DEFAULT for the default
  @return 0 or a PETSc error code; PETSC_ERR_ARG_OUTOFRANGE for a negative step or another kind

  Options: `-dini_parameter_<name>_difference <forward|central>`, `-dini_parameter_<name>_step`.
*/
PetscErrorCode DiniSetParameterDifference(Dini dini, PetscInt p, DiniDifference difference, PetscReal step)
{
  DiniParameter par;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniGetParameter_Private(dini, p, &par));
  if (step == PETSC_DEFAULT) step = 0.0;
  PetscCheck(step >= 0.0, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_OUTOFRANGE,
             "Relative step %g for differences in parameter \"%s\" must be positive, or 0 for the default",
             (double)step, par->name);
  PetscCall(DiniCheckEnum_Private(dini, (int)difference, DiniDifferences, "kind of differences"));
  par->difference = difference;
  par->step       = step;
  PetscCall(DiniParameterDrop_Private(dini, par));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Says that F is affine in a block, so that one difference with a large step is exact to rounding.

  Logically Collective.

  @param[in] dini   the Dini
  @param[in] p      number of the block
  @param[in] affine PETSC_TRUE when F(u, m) = A(u) m + c(u) in this block
  @return 0 or a PETSc error code

  Option: `-dini_parameter_<name>_affine`.
*/
PetscErrorCode DiniSetParameterAffine(Dini dini, PetscInt p, PetscBool affine)
{
  DiniParameter par;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniGetParameter_Private(dini, p, &par));
  par->affine = affine;
  PetscCall(DiniParameterDrop_Private(dini, par));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Bounds the number of dense columns that type DINIPARAMETERFD may store.

  Logically Collective. A larger block still has tangents, each by one difference along its direction, but no adjoint.

  @param[in] dini the Dini
  @param[in] p    number of the block
  @param[in] max  largest global size of the block, default 64
  @return 0 or a PETSc error code; PETSC_ERR_ARG_OUTOFRANGE for a negative bound

  Option: `-dini_parameter_<name>_max_columns`.
*/
PetscErrorCode DiniSetParameterMaxColumns(Dini dini, PetscInt p, PetscInt max)
{
  DiniParameter par;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniGetParameter_Private(dini, p, &par));
  PetscCheck(max >= 0, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_OUTOFRANGE,
             "Bound %" PetscInt_FMT " on the dense columns of parameter \"%s\" must not be negative", max, par->name);
  par->maxcolumns = max;
  PetscCall(DiniParameterDrop_Private(dini, par));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniParameterOptions(Dini dini, PetscInt p, DiniOptionItems PetscOptionsObject)
{
  DiniParameter     par = dini->params[p];
  char              option[256], type[32];
  DiniParameterType deflt;
  PetscBool         set, more, flag;
  PetscReal         step = par->step;
  PetscInt          max;
  DiniDifference    difference = par->difference;

  PetscFunctionBegin;
#define DiniParameterOption(what)                                                                                      \
  PetscCall(PetscSNPrintf(option, sizeof(option), "-dini_parameter_%s_" what, par->name))
  DiniParameterOption("type");
  PetscCall(DiniGetParameterType(dini, p, &deflt));
  PetscCall(PetscOptionsString(option, "How F_m is obtained: matrix, operator, coloring, fd, rhs, zero",
                               "DiniSetParameterType", deflt, type, sizeof(type), &set));
  if (set) PetscCall(DiniSetParameterType(dini, p, type));
  DiniParameterOption("difference");
  PetscCall(PetscOptionsEnum(option, "Differences of F", "DiniSetParameterDifference", DiniDifferences,
                             (PetscEnum)difference, (PetscEnum *)&difference, &set));
  DiniParameterOption("step");
  PetscCall(
      PetscOptionsReal(option, "Relative step, 0 for the rule", "DiniSetParameterDifference", step, &step, &more));
  if (set || more) PetscCall(DiniSetParameterDifference(dini, p, difference, step));
  DiniParameterOption("affine");
  PetscCall(PetscOptionsBool(option, "F is affine in the block", "DiniSetParameterAffine", par->affine, &flag, &set));
  if (set) PetscCall(DiniSetParameterAffine(dini, p, flag));
  DiniParameterOption("max_columns");
  PetscCall(
      PetscOptionsInt(option, "Bound on dense columns", "DiniSetParameterMaxColumns", par->maxcolumns, &max, &set));
  if (set) PetscCall(DiniSetParameterMaxColumns(dini, p, max));
  DiniParameterOption("active");
  PetscCall(PetscOptionsBool(option, "The block is a variable", "DiniSetParameterActive", par->active, &flag, &set));
  if (set) PetscCall(DiniSetParameterActive(dini, p, flag));
#undef DiniParameterOption
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniParameterSetFromOptions_Private(Dini dini, DiniOptionItems PetscOptionsObject)
{
  PetscFunctionBegin;
  for (PetscInt p = 0; p < dini->nparams; p++) PetscCall(DiniParameterOptions(dini, p, PetscOptionsObject));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniParameterView_Private(Dini dini, PetscViewer viewer)
{
  PetscFunctionBegin;
  for (PetscInt p = 0; p < dini->nparams; p++) {
    DiniParameter            par = dini->params[p];
    const DiniParameterKind *kind;

    PetscCall(DiniParameterGetKind_Private(dini, par, &kind));
    PetscCall(PetscViewerASCIIPrintf(viewer,
                                     "parameter %" PetscInt_FMT " \"%s\": size %" PetscInt_FMT ", %s, F_m by type %s",
                                     p, par->name, par->N, par->active ? "active" : "inactive", kind->name));
    PetscCall(PetscViewerASCIIUseTabs(viewer, PETSC_FALSE));
    if (kind->fill == DiniParameterFill_FD || kind->fill == DiniParameterFill_Coloring)
      PetscCall(PetscViewerASCIIPrintf(viewer, " (%s differences)",
                                       par->affine ? "exact affine" : DiniDifferences[par->difference]));
    PetscCall(PetscViewerASCIIPrintf(viewer, "\n"));
    PetscCall(PetscViewerASCIIUseTabs(viewer, PETSC_TRUE));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
