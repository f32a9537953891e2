/* J du = -F_m dm */
#include "../private/diniimpl.h"

static PetscErrorCode DiniTangent(Dini dini, Vec dm, Vec du, PetscBool *good)
{
  PetscBool zero;

  PetscFunctionBegin;
  PetscCall(DiniParameterApply_Private(dini, dm, dini->r, &zero));
  if (zero) {
    PetscCall(VecSet(du, 0.0));
    dini->lastnorm = 0.0;
  } else {
    PetscCall(VecScale(dini->r, -1.0));
    PetscCall(DiniLinearSolve_Private(dini, DINI_TANGENT, dini->r, du, good));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where errors are off, *good tells whether there is a tangent; so in all rules */
PetscErrorCode DiniRuleJVP_Private(Dini dini, Vec dm, Vec du, PetscBool *good)
{
  PetscReal      unit;
  Vec            scaled;
  PetscErrorCode failed;

  PetscFunctionBegin;
  *good = PETSC_TRUE;
  if (dini->ops->jvp) {
    PetscUseTypeMethod(dini, jvp, dm, du);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(DiniTakeUnit_Private(dm, &unit, &scaled));
  failed = DiniTangent(dini, scaled, du, good);
  PetscCall(DiniReturnUnit_Private(dm, &scaled));
  PetscCall(failed);
  PetscCall(DiniScaleBack_Private(dini, unit, du, "The result du"));
  if (unit != 1.0) dini->lastunit = unit;
  PetscFunctionReturn(PETSC_SUCCESS);
}
