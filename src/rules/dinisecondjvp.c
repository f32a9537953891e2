/*
  J a = -F_m dm1
  J b = -F_m dm2
  J w = -(F_uu[a, b] + F_um[a, dm2] + F_mu[dm1, b] + F_mm[dm1, dm2])
*/
#include "../private/diniimpl.h"
#include <math.h>

static PetscErrorCode DiniSolves(Dini dini, Vec dm1, Vec dm2, Vec a, Vec b, Vec r, Vec w, PetscReal *error,
                                 PetscBool *good)
{
  PetscFunctionBegin;
  PetscCall(DiniRuleJVP_Private(dini, dm1, a, good));
  if (!*good) PetscFunctionReturn(PETSC_SUCCESS);
  if (dm1 == dm2) PetscCall(VecCopy(a, b));
  else PetscCall(DiniRuleJVP_Private(dini, dm2, b, good));
  if (!*good) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniSecondTangent_Private(dini, a, dm1, b, dm2, r, error));
  PetscCall(VecScale(r, -1.0));
  PetscCall(DiniLinearSolve_Private(dini, DINI_TANGENT, r, w, good));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* r: the right-hand side of w, good to a relative error by differences */
PetscErrorCode DiniRuleSecondJVP_Private(Dini dini, Vec dm1, Vec dm2, Vec r, Vec w, PetscReal *error, PetscBool *good)
{
  Vec            a, b;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(VecDuplicate(dini->u, &a));
  PetscCall(VecDuplicate(dini->u, &b));
  failed = DiniSolves(dini, dm1, dm2, a, b, r, w, error, good);
  PetscCall(VecDestroy(&a));
  PetscCall(VecDestroy(&b));
  PetscCall(failed);
  if (!*good) PetscCall(VecSet(w, NAN)); /* nobody shall take it for a derivative */
  PetscFunctionReturn(PETSC_SUCCESS);
}
