/*
  J a = -F_m dm1
  J b = -F_m dm2
  J w = -(F_uu[a, b] + F_um[a, dm2] + F_mu[dm1, b] + F_mm[dm1, dm2])
*/
#include "../private/diniimpl.h"
#include <math.h>

static PetscErrorCode DiniSolves(Dini dini, Vec dm1, Vec dm2, Vec a, Vec b, Vec r, Vec w)
{
  PetscFunctionBegin;
  PetscCall(DiniRuleJVP_Private(dini, dm1, a));
  if (dini->reason < 0) PetscFunctionReturn(PETSC_SUCCESS);
  if (dm1 == dm2) PetscCall(VecCopy(a, b));
  else PetscCall(DiniRuleJVP_Private(dini, dm2, b));
  if (dini->reason < 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniSecondTangent_Private(dini, a, dm1, b, dm2, r));
  PetscCall(VecScale(r, -1.0));
  PetscCall(DiniLinearSolve_Private(dini, DINI_TANGENT, r, w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniRuleSecondJVP_Private(Dini dini, Vec dm1, Vec dm2, Vec w)
{
  Vec            a, b, r;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(VecDuplicate(dini->u, &a));
  PetscCall(VecDuplicate(dini->u, &b));
  PetscCall(VecDuplicate(dini->u, &r));
  failed = DiniSolves(dini, dm1, dm2, a, b, r, w);
  PetscCall(VecDestroy(&a));
  PetscCall(VecDestroy(&b));
  PetscCall(VecDestroy(&r));
  PetscCall(failed);
  if (dini->reason < 0) PetscCall(VecSet(w, NAN)); /* nobody shall take it for a derivative */
  PetscFunctionReturn(PETSC_SUCCESS);
}
