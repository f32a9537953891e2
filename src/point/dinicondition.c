/* How near J is to a singular matrix: who asks for it, and who tells. SLEPc computes it, in src/spectral. */
#include "../private/diniimpl.h"

/* Below this ratio of smallest to largest singular value, trouble with a linear solve is J's own */
#define DINI_CONDITION_NEAR 1e-7

PetscErrorCode DiniConditionSetFromOptions_Private(Dini dini, DiniOptionItems PetscOptionsObject)
{
  DiniCondition *c = &dini->condition;

  PetscFunctionBegin;
  PetscCall(PetscOptionsBool("-dini_condition", "Singular values of J after each linearization", "DiniComputeCondition",
                             c->requested, &c->requested, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* After the options have been read: PETSc frees nothing of them when an error comes in between. */
PetscErrorCode DiniConditionAvailable_Private(Dini dini)
{
  const PetscBool wanted = dini->condition.requested;

  PetscFunctionBegin;
  if (!dini->condition.compute) dini->condition.requested = PETSC_FALSE;
  PetscCheck(!wanted || dini->condition.requested, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
             "%s: -dini_condition needs SLEPc, and this Dini has been built without; configure it with -DDINI_SLEPC=ON",
             DiniLabel_Private(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscBool DiniConditionKnown(Dini dini)
{
  return (PetscBool)(dini->condition.point && dini->condition.point == dini->point);
}

/* "smallest singular value 1e-3, largest 8, relative 1.25e-4"; "at most" where it is a bound */
static PetscErrorCode DiniConditionText(Dini dini, char text[], size_t size)
{
  const DiniCondition *c    = &dini->condition;
  const char          *most = c->verified ? "" : "at most ";

  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(text, size, "smallest singular value %s%g, largest %g, relative %s%g", most, (double)c->smin,
                          (double)c->smax, most, (double)(c->smax > 0.0 ? c->smin / c->smax : 0.0)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniConditionLinearized_Private(Dini dini)
{
  const char *prefix = ((PetscObject)dini)->prefix;
  char        text[256];

  PetscFunctionBegin;
  if (!dini->condition.requested || dini->condition.busy || DiniConditionKnown(dini))
    PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall((*dini->condition.compute)(dini));
  PetscCall(DiniConditionText(dini, text, sizeof(text)));
  PetscCall(PetscPrintf(PetscObjectComm((PetscObject)dini), "  %sDini Jacobian: %s\n", prefix ? prefix : "", text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* For a linear solve in trouble: is J to blame? Empty where it is not known. */
PetscErrorCode DiniConditionHint_Private(Dini dini, char text[], size_t size)
{
  const DiniCondition *c = &dini->condition;
  char                 values[192];

  PetscFunctionBegin;
  text[0] = 0;
  if (!c->requested || c->busy || !DiniConditionKnown(dini)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniConditionText(dini, values, sizeof(values)));
  PetscCall(PetscSNPrintf(text, size, ". J %s a bifurcation: %s",
                          c->smin <= DINI_CONDITION_NEAR * c->smax ? "is near"
                          : c->verified                            ? "is not near"
                                                                   : "may be near",
                          values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniConditionView_Private(Dini dini, PetscViewer viewer)
{
  char text[256];

  PetscFunctionBegin;
  if (!DiniConditionKnown(dini)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniConditionText(dini, text, sizeof(text)));
  PetscCall(PetscViewerASCIIPrintf(viewer, "J at this point: %s\n", text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniConditionReset_Private(Dini dini)
{
  PetscFunctionBegin;
  PetscCall(VecDestroy(&dini->condition.left));
  PetscCall(VecDestroy(&dini->condition.right));
  dini->condition.point = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}
