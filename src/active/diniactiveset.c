/* The active set as an application sees it, and the guards of its bounds. */
#include "../private/diniactiveimpl.h"
#include "../private/diniparameterimpl.h"

static const char *const bounds[] = {"lower", "upper"};

/* Refuses bounds that somebody has changed since the solve. A solver may have touched them without changing them. */
PetscErrorCode DiniActiveUnchanged_Private(Dini dini)
{
  Vec       bound[2];
  PetscBool same;

  PetscFunctionBegin;
  PetscCall(DiniActiveBounds_Private(dini, bound));
  for (int i = 0; i < 2; i++) {
    PetscCall(VecEqual(bound[i], dini->active->copy[i], &same));
    PetscCheck(same, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONGSTATE,
               "The %s bound of the SNES has been changed since the solve, so u no longer belongs to it; call "
               "DiniSolve() again",
               bounds[i]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Have the bounds other values than at the solution? What this rank knows */
PetscErrorCode DiniActiveDiffers_Private(Dini dini, PetscBool *differs)
{
  Vec bound[2];

  PetscFunctionBegin;
  *differs = PETSC_FALSE;
  if (!dini->active) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniActiveBounds_Private(dini, bound));
  for (int i = 0; i < 2 && !*differs; i++)
    PetscCall(DiniVecDiffers_Private(bound[i], dini->active->copy[i], PETSC_FALSE, differs));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* At shifted values of a block: bounds that have moved with it are a dependence that nobody differentiates. */
PetscErrorCode DiniActiveShifted_Private(Dini dini, DiniParameter par)
{
  DiniActive    a       = dini->active;
  DiniBoundsFn *compute = a ? DiniSNESComputesBounds_Private(a->snes) : NULL;
  Vec           bound[2];
  PetscBool     same;

  PetscFunctionBegin;
  if (!a || dini->stage == DINI_STAGE_NEW) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniActiveBounds_Private(dini, bound));
  if (compute) { /* SNES calls it once; its own stay as they are */
    bound[DINI_LOWER] = a->w[0];
    bound[DINI_UPPER] = a->w[1];
    DiniCallUser(dini, "The bounds callback of the SNES", (*compute)(a->snes, bound[DINI_LOWER], bound[DINI_UPPER]));
  }
  for (int i = 0; i < 2; i++) {
    PetscBool block = PETSC_FALSE; /* Dini itself moves it */

    for (PetscInt p = 0; p < dini->nparams; p++)
      if (bound[i] == dini->params[p]->m) block = PETSC_TRUE;
    if (block) continue;
    PetscCall(VecEqual(bound[i], a->copy[i], &same));
    PetscCheck(same, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
               "Parameter \"%s\" changes the %s bound of the SNES, and Dini does not know how. Make the Vec of the "
               "bound itself a parameter (SNESVISetVariableBounds() and DiniAddParameter() with the same Vec), and "
               "apply the chain rule from there",
               par->name, bounds[i]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Once a block, or again: does it reach the bounds by a way of its own? Also those are asked that are declared not to enter F. */
PetscErrorCode DiniActiveGuard_Private(Dini dini, PetscBool again)
{
  PetscErrorCode failed;
  PetscReal      norm;
  Vec            dm;

  PetscFunctionBegin;
  if (!dini->active) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt p = 0; p < dini->nparams; p++) {
    DiniParameter par = dini->params[p];

    if (!par->active || (par->boundsguarded && !again)) continue;
    par->boundsguarded = PETSC_FALSE;
    PetscCall(VecDuplicate(par->m, &dm));
    failed = DiniRandomDirection_Private(dini, 4, par->copy, dm);
    if (!failed) failed = DiniParameterShifted_Private(dini, par, dini->u, 1e-4, dm, dini->w[1], &norm);
    PetscCall(VecDestroy(&dm));
    PetscCall(failed);
    par->boundsguarded = PETSC_TRUE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniActiveView_Private(Dini dini, PetscViewer viewer)
{
  const DiniActive a = dini->active;

  PetscFunctionBegin;
  if (!a) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscViewerASCIIPrintf(viewer, "variational inequality: "));
  PetscCall(PetscViewerASCIIUseTabs(viewer, PETSC_FALSE));
  if (a->held)
    PetscCall(PetscViewerASCIIPrintf(viewer,
                                     "%" PetscInt_FMT " of %" PetscInt_FMT " entries held at a bound, %" PetscInt_FMT
                                     " weakly active (%s)\n",
                                     a->counts[0], dini->N, a->counts[1], DiniWeakActivities[dini->weakactivity]));
  else
    PetscCall(PetscViewerASCIIPrintf(viewer, "not differentiated yet, weakly active entries: %s\n",
                                     DiniWeakActivities[dini->weakactivity]));
  PetscCall(PetscViewerASCIIUseTabs(viewer, PETSC_TRUE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives the active set of a variational inequality at the solution: which entries a bound holds, and which ones are
  weakly active, so that u(m) has only directional derivatives there.
  @level{intermediate}

  Collective. The sets are index sets of global numbers, each rank's its own entries; ISGetSize() counts them.

  @param[in]  dini the Dini, of type snes with a SNES of type vinewtonrsls or vinewtonssls, after DiniSolve() or DiniAttach()
  @param[out] held entries whose derivative is that of their bound; not to be destroyed, valid until the next linearization;
                   may be NULL
  @param[out] weak entries at a bound with F = 0, to what the forward solve and rounding allow to tell: among those held
                   under DINI_WEAK_ACTIVITY_ACTIVE, not otherwise; likewise
  @return 0 or a PETSc error code; PETSC_ERR_ARG_WRONG when the Dini solves no variational inequality

  @see DiniSetWeakActivity()
*/
PetscErrorCode DiniGetActiveSet(Dini dini, IS *held, IS *weak)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniLinearize_Private(dini));
  PetscCheck(dini->active, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
             "Only a variational inequality has an active set: type snes with a SNES of type vinewtonrsls or "
             "vinewtonssls");
  if (held) *held = dini->active->held;
  if (weak) *weak = dini->active->weak;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Chooses what derivatives make of weakly active entries of a variational inequality, and which ones count as such.
  @level{intermediate}

  Logically Collective. An entry is weakly active when it is at a bound and its F is zero, both to the larger of rtol times
  |J_ii| |u|, of ten times what the forward solve has left, and of rounding. u(m) has only directional derivatives there;
  treating the entry as inactive gives the one along directions that free it, treating it as active that along directions
  that press it against the bound.

  @param[in] dini     the Dini
  @param[in] activity DINI_WEAK_ACTIVITY_INACTIVE (initially), DINI_WEAK_ACTIVITY_ACTIVE, or DINI_WEAK_ACTIVITY_ERROR to
                      refuse derivatives there
  @param[in] rtol     relative tolerance, initially 1e-8; PETSC_DEFAULT leaves it as it is
  @return 0 or a PETSc error code; PETSC_ERR_ARG_OUTOFRANGE for a negative tolerance

  Options: `-dini_weak_activity <inactive|active|error>`, `-dini_weak_activity_rtol`.

  @see DiniGetActiveSet()
*/
PetscErrorCode DiniSetWeakActivity(Dini dini, DiniWeakActivity activity, PetscReal rtol)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniSetWeakActivity()"));
  if (rtol == PETSC_DEFAULT) rtol = dini->weakrtol;
  PetscCheck(rtol >= 0.0, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_OUTOFRANGE,
             "The tolerance of weak activity is %g; it must not be negative", (double)rtol);
  dini->weakactivity = activity;
  dini->weakrtol     = rtol;
  if (dini->active) { /* another active set */
    if (dini->stage == DINI_STAGE_LINEARIZED) dini->stage = DINI_STAGE_SOLVED;
    dini->hasF          = PETSC_FALSE;
    dini->hessian.point = 0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniSetFromOptions_Active(Dini dini, DiniOptionItems PetscOptionsObject)
{
  DiniWeakActivity weak = dini->weakactivity;
  PetscReal        rtol = dini->weakrtol;

  PetscFunctionBegin;
  PetscCall(PetscOptionsEnum("-dini_weak_activity", "Weakly active entries of a variational inequality",
                             "DiniSetWeakActivity", DiniWeakActivities, (PetscEnum)weak, (PetscEnum *)&weak, NULL));
  PetscCall(PetscOptionsReal("-dini_weak_activity_rtol", "What is zero at a bound, relative to |J_ii| |u|",
                             "DiniSetWeakActivity", rtol, &rtol, NULL));
  PetscCall(DiniSetWeakActivity(dini, weak, rtol));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniCreate_Active(Dini dini)
{
  PetscFunctionBegin;
  dini->weakrtol = 1e-8;
  PetscFunctionReturn(PETSC_SUCCESS);
}

const DiniFeature DiniFeatureActive = {
    .name = "active set", .create = DiniCreate_Active, .setfromoptions = DiniSetFromOptions_Active};
