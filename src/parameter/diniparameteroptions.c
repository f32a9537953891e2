/* How F_m of a block is obtained: kinds, options, view. */
#include "../private/diniparameterimpl.h"

/**
  @brief Chooses how F_m of a block is obtained.
  @level{intermediate}

  Logically Collective. The default is by what has been given, in this order: a matrix with a fill callback
  (DINIPARAMETERMATRIX), products (DINIPARAMETEROPERATOR), a matrix without a callback (DINIPARAMETERCOLORING). Where
  nothing has been given it is DINIPARAMETERRHS for a block whose Vec is the right-hand side of DiniSetLinearSystem(), else
  DINIPARAMETERFD; from the first solve on, for a block that is too large for dense columns and lives on a DM related to that
  of the state, DINIPARAMETERCOLORING with the pattern that follows from the DMs.

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
  PetscCall(DiniIdle_Private(dini, "DiniSetParameterType()"));
  PetscCall(DiniGetParameter_Private(dini, p, &par));
  for (kind = DiniParameterKinds; kind->name && !same; kind++) PetscCall(PetscStrcmp(kind->name, type, &same));
  PetscCheck(same, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_UNKNOWN_TYPE,
             "Unknown type \"%s\" of parameter \"%s\"; it is one of matrix, operator, coloring, fd, rhs, zero",
             type ? type : "NULL", par->name);
  PetscCall(PetscStrncpy(par->type, type, sizeof(par->type)));
  PetscCall(DiniParameterDrop_Private(dini, par));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Dense columns are right whatever the residual couples, so a pattern is looked for only where they are too many. */
PetscErrorCode DiniParameterGetKind_Private(Dini dini, DiniParameter par, const DiniParameterKind **kind)
{
  const char *type = par->type;
  PetscBool   same;

  PetscFunctionBegin;
  if (par->kind) {
    *kind = par->kind;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (!type[0]) {
    if (par->Fmuser && par->fill) type = DINIPARAMETERMATRIX;
    else if (par->apply || par->applyadjoint) type = DINIPARAMETEROPERATOR;
    else if (par->Fmuser) type = DINIPARAMETERCOLORING;
    else {
      PetscBool related = PETSC_FALSE;

      if (par->N > par->maxcolumns) PetscCall(DiniPatternRelated_Private(dini, par, &related, NULL, 0));
      type = related ? DINIPARAMETERCOLORING : DINIPARAMETERFD;
      if (!par->update && !par->scalar) PetscTryTypeMethod(dini, parameterkind, par->m, &type);
    }
  }
  for (*kind = DiniParameterKinds; (*kind)->name; (*kind)++) {
    PetscCall(PetscStrcmp((*kind)->name, type, &same));
    if (same) break;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Tells how F_m of a block is obtained.
  @level{intermediate}

  Collective.

  @param[in]  dini the Dini
  @param[in]  p    number of the block
  @param[out] type the type set or, when none was set, the one that follows from what was given
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniGetParameterType(Dini dini, PetscInt p, DiniParameterType *type)
{
  DiniParameter            par;
  const DiniParameterKind *kind = NULL;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniGetParameter_Private(dini, p, &par));
  PetscCall(DiniParameterGetKind_Private(dini, par, &kind));
  *type = kind->name;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Chooses the differences of F that give F_m of types DINIPARAMETERFD and DINIPARAMETERCOLORING.
  @level{intermediate}

  Logically Collective. The step for entry m_j is `step` times max(|m_j|, t), where t is the geometric mean of the entries of
  the same component of the block size that are not zero, or 1. The default is eps^(1/2) for forward and eps^(1/3) for central
  differences, which balances rounding and truncation. Central differences with the default step look at the curvature of F
  within it, and take the entry again with a shorter one where that is too large; a step that is given is taken as it is. Where
  F is NaN on one side, a one-sided formula of second order takes over; PETSC_ERR_FP, with the entry, where it is on both.

  In complex builds DINI_DIFFERENCE_COMPLEX takes Im F(u, m + i h dm) / h with a step of eps: exact to rounding, at one
  residual a column or colour, for real problems whose residual is analytic in the parameters. State, parameter and
  residual must be real at the point, which is checked; PetscRealPart(), PetscAbsScalar() and comparisons on the way from m
  to F are not analytic, which the guard finds out.

  @param[in] dini       the Dini
  @param[in] p          number of the block
  @param[in] difference DINI_DIFFERENCE_CENTRAL (default), DINI_DIFFERENCE_FORWARD or DINI_DIFFERENCE_COMPLEX
  @param[in] step       relative step, 0 or PETSC_DEFAULT for the default
  @return 0 or a PETSc error code; PETSC_ERR_ARG_OUTOFRANGE for a negative step or another kind, PETSC_ERR_SUP for complex
          steps with real scalars

  Options: `-dini_parameter_<name>_difference <forward|central|complex>`, `-dini_parameter_<name>_step`.
*/
PetscErrorCode DiniSetParameterDifference(Dini dini, PetscInt p, DiniDifference difference, PetscReal step)
{
  DiniParameter par;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniSetParameterDifference()"));
  PetscCall(DiniGetParameter_Private(dini, p, &par));
  if (step == PETSC_DEFAULT) step = 0.0;
  PetscCheck(step >= 0.0, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_OUTOFRANGE,
             "Relative step %g for differences in parameter \"%s\" must be positive, or 0 for the default",
             (double)step, par->name);
  PetscCall(DiniCheckEnum_Private(dini, (int)difference, DiniDifferences, "kind of differences"));
  PetscCheck(difference != DINI_DIFFERENCE_COMPLEX || PetscDefined(USE_COMPLEX), PetscObjectComm((PetscObject)dini),
             PETSC_ERR_SUP,
             "%s: Complex steps in parameter \"%s\" need a PETSc with complex scalars, and this one has real ones; "
             "take central "
             "differences, or declare the block affine where it is",
             DiniLabel_Private(dini), par->name);
  par->difference = difference;
  par->step       = step;
  PetscCall(DiniParameterDrop_Private(dini, par));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Says that F is affine in a block, so that one difference with a large step is exact to rounding.
  @level{advanced}

  Logically Collective.

  @param[in] dini   the Dini
  @param[in] p      number of the block
  @param[in] affine PETSC_TRUE when F(u, m) = A(u) m + c(u) in this block; checked by a difference at each point
  @return 0 or a PETSc error code

  Option: `-dini_parameter_<name>_affine`.
*/
PetscErrorCode DiniSetParameterAffine(Dini dini, PetscInt p, PetscBool affine)
{
  DiniParameter par;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniSetParameterAffine()"));
  PetscCall(DiniGetParameter_Private(dini, p, &par));
  par->affine = affine;
  PetscCall(DiniParameterDrop_Private(dini, par));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Says that a block is real in a complex build: a field of material, a position, a frequency.
  @level{intermediate}

  Logically Collective. F needs a derivative along real changes of the block only. Its part of every cotangent and gradient
  is then the real part, Re(F_m^H lambda) up to the sign: the gradient of a real objective among real values, so that an
  optimiser stays on the real axis. Values and directions with imaginary parts are refused. No effect in real builds.

  @param[in] dini the Dini
  @param[in] p    number of the block
  @param[in] real PETSC_TRUE when the block is real, initially PETSC_FALSE
  @return 0 or a PETSc error code

  Option: `-dini_parameter_<name>_real`.

  @see DiniSetAdjointType()
*/
PetscErrorCode DiniSetParameterReal(Dini dini, PetscInt p, PetscBool real)
{
  DiniParameter par;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniSetParameterReal()"));
  PetscCall(DiniGetParameter_Private(dini, p, &par));
  par->real = real;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Bounds the number of dense columns that type DINIPARAMETERFD may store.
  @level{advanced}

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
  PetscCall(DiniIdle_Private(dini, "DiniSetParameterMaxColumns()"));
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
  DiniParameterOption("real");
  PetscCall(PetscOptionsBool(option, "The block is real", "DiniSetParameterReal", par->real, &flag, &set));
  if (set) PetscCall(DiniSetParameterReal(dini, p, flag));
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

static const char *DiniDifferenceText(DiniParameter par)
{
  if (par->difference == DINI_DIFFERENCE_COMPLEX) return "complex steps";
  if (par->affine) return "exact affine differences";
  return par->difference == DINI_DIFFERENCE_CENTRAL ? "central differences" : "forward differences";
}

static PetscErrorCode DiniDifferencesView(Dini dini, DiniParameter par, PetscViewer viewer)
{
  PetscInt ncolors, counts[2] = {0, 0};

  PetscFunctionBegin;
  if (par->coloring) {
    PetscCall(DiniColoringCounts_Private(dini, par->coloring, &ncolors, counts));
    PetscCall(PetscViewerASCIIPrintf(viewer, ", %" PetscInt_FMT " colors on %s pattern", ncolors,
                                     par->pattern ? "the DMs'" : "the application's"));
  } else if (par->columns) PetscCall(DiniColumnCounts_Private(par->columns, par->N, counts));
  if (counts[0]) PetscCall(PetscViewerASCIIPrintf(viewer, ", %" PetscInt_FMT " entries one-sided", counts[0]));
  if (counts[1]) PetscCall(PetscViewerASCIIPrintf(viewer, ", %" PetscInt_FMT " with shorter steps", counts[1]));
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
                                     "parameter %" PetscInt_FMT " \"%s\": size %" PetscInt_FMT ", %s%s, F_m by type %s",
                                     p, par->name, par->N, par->active ? "active" : "inactive",
                                     PetscDefined(USE_COMPLEX) && par->real ? ", real" : "", kind->name));
    PetscCall(PetscViewerASCIIUseTabs(viewer, PETSC_FALSE));
    if (kind->fill == DiniParameterFill_FD || kind->fill == DiniParameterFill_Coloring)
      PetscCall(PetscViewerASCIIPrintf(viewer, " (%s)", DiniDifferenceText(par)));
    PetscCall(DiniDifferencesView(dini, par, viewer));
    PetscCall(PetscViewerASCIIPrintf(viewer, "\n"));
    PetscCall(PetscViewerASCIIUseTabs(viewer, PETSC_TRUE));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
