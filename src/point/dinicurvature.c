/*
  Double roots. Where J v is so small that F bends more within a step than J v moves it, a one-sided difference tells of
  the bend alone. A central one tells J from a wrong J, and the bend that J is singular, or as good as singular, here.
*/
#include "../private/diniimpl.h"

#define CURVATURE_STEP   1e-4
#define CURVATURE_FACTOR 10.0
#define CURVATURE_RTOL   1e-4

/*
  F at u in w[0], y = J v; spoils w[1] and even. agrees: a central difference along v is J v to CURVATURE_RTOL. Refuses where
  what is even in the step exceeds all that is odd.
*/
PetscErrorCode DiniGuardCurvature_Private(Dini dini, Vec v, Vec y, Vec even, PetscBool *agrees)
{
  const PetscReal h = CURVATURE_STEP;
  PetscReal       ynorm, odd, bend, error, norm;

  PetscFunctionBegin;
  *agrees = PETSC_FALSE;
  PetscCall(VecWAXPY(dini->r, h, v, dini->u));
  PetscCall(DiniResidual_Private(dini, dini->r, even, &norm));
  PetscCall(VecWAXPY(dini->r, -h, v, dini->u));
  PetscCall(DiniResidual_Private(dini, dini->r, dini->w[1], &odd));
  if (PetscIsInfOrNanReal(norm) || PetscIsInfOrNanReal(odd)) PetscFunctionReturn(PETSC_SUCCESS); /* out of F's domain */
  PetscCall(VecAYPX(dini->w[1], -1.0, even)); /* twice the odd part */
  PetscCall(VecAXPY(even, -0.5, dini->w[1]));
  PetscCall(VecAXPY(even, -1.0, dini->w[0]));
  PetscCall(VecScale(dini->w[1], 0.5 / h));
  PetscCall(DiniNorm_Private(even, &bend));
  PetscCall(DiniNorm_Private(dini->w[1], &odd));
  PetscCall(DiniNorm_Private(y, &ynorm));
  PetscCall(VecAXPY(dini->w[1], -1.0, y));
  PetscCall(DiniNorm_Private(dini->w[1], &error));
  *agrees =
      (PetscBool)(error <= CURVATURE_RTOL * PetscMax(odd, ynorm) + 100.0 * PETSC_MACHINE_EPSILON * bend / (h * h));
  PetscCall(PetscInfo(dini, "Along a random direction F changes by %g h, and bends by %g at h = %g; J v %s\n",
                      (double)odd, (double)bend, (double)h, *agrees ? "agrees" : "disagrees"));
  PetscCheck(
      dini->lenient || !*agrees || !(bend > CURVATURE_FACTOR * h * PetscMax(odd, ynorm)), /* a path looks for itself */
      PetscObjectComm((PetscObject)dini), PETSC_ERR_NOT_CONVERGED,
      "%s: J is singular at this solution, or as good as singular: along a random direction |J v| = %g, which F's "
      "curvature exceeds %g times within a relative step of %g. This is a double root or the like, where u(m) has no "
      "derivative; see that F is not a square of the equation that is meant, and that m is no point where two "
      "solutions meet",
      DiniLabel_Private(dini), (double)ynorm, (double)(ynorm > 0.0 ? bend / (h * ynorm) : PETSC_INFINITY), (double)h);
  PetscFunctionReturn(PETSC_SUCCESS);
}
