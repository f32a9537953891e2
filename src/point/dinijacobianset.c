/* Where J comes from: setters, options, view. */
#include "../private/diniimpl.h"

/**
  @brief Chooses where the Jacobian J = dF/du comes from.
  @level{intermediate}

  Logically Collective. Differences are central, from the same residual as everything else, and verified by a product with J
  at each point. The matrix that a solver iterates with then serves as preconditioner only.

  @param[in] dini the Dini
  @param[in] type DINI_JACOBIAN_AUTO (default): the given one where it is dF/du; where the solver's own is not, or where
                  there is none, differences in the order below. DINI_JACOBIAN_GIVEN: nothing else.
                  DINI_JACOBIAN_COLORING: coloured differences on the pattern of the solver's DM, or of the matrix P of
                  DiniSetJacobian() or of the solver. DINI_JACOBIAN_FD: a pair of residuals for each unknown, up to
                  DiniSetJacobianMaxColumns() unknowns. DINI_JACOBIAN_MF: products only, no adjoints
  @return 0 or a PETSc error code; PETSC_ERR_ARG_OUTOFRANGE for another value

  Options: `-dini_jacobian_type <auto|given|coloring|fd|mf>`.

  @see DiniSetJacobian(), DiniGetJacobian()
*/
PetscErrorCode DiniSetJacobianType(Dini dini, DiniJacobianType type)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniSetJacobianType()"));
  PetscCheck(type >= DINI_JACOBIAN_AUTO && type <= DINI_JACOBIAN_MF, PetscObjectComm((PetscObject)dini),
             PETSC_ERR_ARG_OUTOFRANGE, "There is no type number %d of Jacobian", (int)type);
  if (type == dini->source.type) PetscFunctionReturn(PETSC_SUCCESS);
  dini->source.type = type;
  dini->guarded     = PETSC_FALSE;
  if (dini->stage == DINI_STAGE_LINEARIZED) dini->stage = DINI_STAGE_SOLVED;
  PetscCall(DiniJacobianReset_Private(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Tells where the Jacobian comes from.
  @level{intermediate}

  Not Collective.

  @param[in]  dini the Dini
  @param[out] type what is in use since the first derivative; before it, what DiniSetJacobianType() was given
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniGetJacobianType(Dini dini, DiniJacobianType *type)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  *type = dini->source.used != DINI_JACOBIAN_AUTO ? dini->source.used : dini->source.type;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Bounds the size of problem whose Jacobian may be made by a difference of F for each unknown.
  @level{advanced}

  Logically Collective.

  @param[in] dini the Dini
  @param[in] max  most unknowns, initially 64; 0 forbids it
  @return 0 or a PETSc error code; PETSC_ERR_ARG_OUTOFRANGE for a negative bound

  Options: `-dini_jacobian_max_columns`.

  @see DiniSetJacobianType()
*/
PetscErrorCode DiniSetJacobianMaxColumns(Dini dini, PetscInt max)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniSetJacobianMaxColumns()"));
  PetscCheck(max >= 0, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_OUTOFRANGE,
             "The most unknowns to take a difference each for are %" PetscInt_FMT "; they can not be negative", max);
  dini->source.maxcolumns = max;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniJacobianSetFromOptions_Private(Dini dini, DiniOptionItems PetscOptionsObject)
{
  PetscInt         max  = dini->source.maxcolumns;
  DiniJacobianType type = dini->source.type;

  PetscFunctionBegin;
  PetscCall(PetscOptionsEnum("-dini_jacobian_type", "Where the Jacobian comes from", "DiniSetJacobianType",
                             DiniJacobianTypes, (PetscEnum)type, (PetscEnum *)&type, NULL));
  PetscCall(DiniSetJacobianType(dini, type));
  PetscCall(PetscOptionsInt("-dini_jacobian_max_columns", "Most unknowns to take a difference each for",
                            "DiniSetJacobianMaxColumns", max, &max, NULL));
  PetscCall(DiniSetJacobianMaxColumns(dini, max));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniJacobianView_Private(Dini dini, PetscViewer viewer)
{
  const DiniJacobianSource *s = &dini->source;

  PetscFunctionBegin;
  if (s->used == DINI_JACOBIAN_AUTO) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscViewerASCIIPrintf(
      viewer, "Jacobian: %s%s\n", s->used == DINI_JACOBIAN_GIVEN ? "as given" : DiniWays_Private[s->way],
      s->used == DINI_JACOBIAN_GIVEN && s->differenced ? ", by differences of its own" : ""));
  if (s->error > 0.0)
    PetscCall(
        PetscViewerASCIIPrintf(viewer, "Jacobian: misses another difference by a relative %.1e\n", (double)s->error));
  if (s->used == DINI_JACOBIAN_GIVEN && s->way)
    PetscCall(PetscViewerASCIIPrintf(viewer, "Jacobian of adjoints: %s\n", DiniWays_Private[s->way]));
  if (s->why[0]) PetscCall(PetscViewerASCIIPrintf(viewer, "Jacobian, what did not serve: %s\n", s->why));
  PetscFunctionReturn(PETSC_SUCCESS);
}
