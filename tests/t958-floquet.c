static char help[] = "Propagators and SLEPc: Floquet multipliers and the optimal perturbation of a linear diffusion.\n";

#include "support/stepping.h"
#include <slepceps.h>
#include <slepcsvd.h>

static PetscErrorCode Create(const char options[], Stepping *s)
{
  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(SteppingCreate(STEPPING_IMPLICIT, STEPPING_ONE, s));
  PetscCall(DiniTestOptionsClear(options));
  s->q = 0.0;
  PetscCall(DiniSolve(s->dini, s->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of a linear one, backward Euler: (1 + h (p + 1 - cos(k pi / (n + 1))))^-8, and the same for its singular values */
static PetscErrorCode TestSpectrum(void)
{
  Stepping    s;
  Mat         P;
  EPS         eps;
  SVD         svd;
  PetscInt    n;
  PetscScalar found;
  PetscReal   sigma, expected;

  PetscFunctionBeginUser;
  PetscCall(Create("-ts_adapt_type none -stepping_skew 0", &s));
  PetscCall(VecGetSize(s.u, &n));
  expected = PetscPowReal(1.0 + s.dt * (PetscRealPart(s.p) + 1.0 - PetscCosReal(PETSC_PI / (PetscReal)(n + 1))), -8.0);
  PetscCall(DiniCreatePropagator(s.dini, 0, 8, &P));
  PetscCall(EPSCreate(PETSC_COMM_WORLD, &eps));
  PetscCall(EPSSetOperators(eps, P, NULL));
  PetscCall(EPSSetProblemType(eps, EPS_NHEP));
  PetscCall(EPSSolve(eps));
  PetscCall(EPSGetEigenvalue(eps, 0, &found, NULL));
  DiniTestClose(PetscRealPart(found), expected, 1e-8, 0.0, "a Floquet multiplier");
  PetscCall(EPSDestroy(&eps));
  PetscCall(SVDCreate(PETSC_COMM_WORLD, &svd));
  PetscCall(SVDSetOperators(svd, P, NULL));
  PetscCall(SVDSetType(svd, SVDTRLANCZOS));
  PetscCall(SVDSolve(svd));
  PetscCall(SVDGetSingularTriplet(svd, 0, &sigma, NULL, NULL));
  DiniTestClose(sigma, expected, 1e-8, 0.0, "the growth of the optimal perturbation");
  PetscCall(SVDDestroy(&svd));
  PetscCall(MatDestroy(&P));
  PetscCall(SteppingDestroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}
int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(SlepcInitialize(&argc, &argv, NULL, help));
  PetscCall(TestSpectrum());
  PetscCall(SlepcFinalize());
  return 0;
}
