/*
  J du = -F_m v
  J^H mu = J_uu du + J_um v - (F_uu du + F_um v)^H lambda
  H v = J_mu du + J_mm v - (F_mu du + F_mm v)^H lambda - F_m^H mu,  with J^H lambda = J_u
*/
#include "../private/diniimpl.h"
#include <math.h>

static PetscErrorCode DiniHVPAt(Dini dini, Vec v, Vec Hv, Vec du, Vec hu, Vec mu, Vec hm, PetscBool *good)
{
  PetscReal error[2], norm[2];

  PetscFunctionBegin;
  PetscCall(DiniRuleJVP_Private(dini, v, du, good));
  if (!*good) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniSecond_Private(dini, DiniSolveError_Private(dini), du, v, hu, hm, error));
  PetscCall(DiniLinearSolve_Private(dini, DINI_ADJOINT, hu, mu, good));
  if (!*good) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniParameterApplyAdjoint_Private(dini, mu, Hv));
  PetscCall(VecAYPX(Hv, -1.0, hm));
  PetscCall(DiniNorm_Private(hu, &norm[0]));
  PetscCall(DiniNorm_Private(Hv, &norm[1]));
  PetscCall(DiniEstimateSecond_Private(
      dini, DINI_ADJOINT, DiniShare_Private(error[0], norm[0]) + DiniShare_Private(error[1], norm[1]), hu, mu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniRuleHVP_Private(Dini dini, Vec v, Vec Hv)
{
  Vec            du, hu, mu, hm, scaled;
  PetscReal      unit;
  PetscBool      good;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(VecDuplicate(dini->u, &du));
  PetscCall(VecDuplicate(dini->u, &hu));
  PetscCall(VecDuplicate(dini->u, &mu));
  PetscCall(VecDuplicate(v, &hm));
  PetscCall(DiniTakeUnit_Private(v, &unit, &scaled));
  failed = DiniHVPAt(dini, scaled, Hv, du, hu, mu, hm, &good);
  PetscCall(DiniReturnUnit_Private(v, &scaled));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&hu));
  PetscCall(VecDestroy(&mu));
  PetscCall(VecDestroy(&hm));
  PetscCall(failed);
  PetscCall(DiniScaleBack_Private(dini, unit, Hv, "The result Hv"));
  if (!good) PetscCall(VecSet(Hv, NAN)); /* nobody shall take it for a derivative */
  PetscFunctionReturn(PETSC_SUCCESS);
}
