/*
  J a = -F_m dm1
  J b = -F_m dm2
  J w = -(F_uu[a, b] + F_um[a, dm2] + F_mu[dm1, b] + F_mm[dm1, dm2])
*/
#include "../private/diniimpl.h"
#include <math.h>

/* t: a and b */
static PetscErrorCode DiniSolves(Dini dini, Vec dm1, Vec dm2, const Vec t[2], Vec r, Vec w, PetscReal *error,
                                 PetscBool *good)
{
  Vec       a = t[0], b = t[1];
  PetscReal left;

  PetscFunctionBegin;
  PetscCall(DiniRuleJVP_Private(dini, dm1, a, good));
  left = DiniSolveError_Private(dini);
  if (!*good) PetscFunctionReturn(PETSC_SUCCESS);
  if (dm1 == dm2) PetscCall(VecCopy(a, b));
  else PetscCall(DiniRuleJVP_Private(dini, dm2, b, good));
  left = PetscMax(left, DiniSolveError_Private(dini));
  if (!*good) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniSecondTangent_Private(dini, left, (Vec[4]){a, b, dm1, dm2}, r, error));
  PetscCall(VecScale(r, -1.0));
  PetscCall(DiniLinearSolve_Private(dini, DINI_TANGENT, r, w, good));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* r: the right-hand side of w, good to a relative error by differences */
PetscErrorCode DiniRuleSecondJVP_Private(Dini dini, Vec dm1, Vec dm2, Vec r, Vec w, PetscReal *error, PetscBool *good)
{
  Vec            t[2];
  PetscErrorCode failed;

  PetscFunctionBegin;
  for (int i = 0; i < 2; i++) PetscCall(VecDuplicate(dini->u, &t[i]));
  failed = DiniSolves(dini, dm1, dm2, t, r, w, error, good);
  for (int i = 0; i < 2; i++) PetscCall(VecDestroy(&t[i]));
  PetscCall(failed);
  if (!*good) PetscCall(VecSet(w, NAN)); /* nobody shall take it for a derivative */
  PetscFunctionReturn(PETSC_SUCCESS);
}
