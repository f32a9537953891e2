static char help[] =
    "The estimated error of a gradient, of its worst field, is within a factor of ten of the true one.\n";

#include "support/units.h"

/* Truths below this are rounding, which is the estimate's too */
#define FLOOR (1000.0 * PETSC_MACHINE_EPSILON)

static PetscErrorCode Honest(Units *s, PetscInt mask, PetscInt seed, Vec v, Vec w, PetscReal rtol)
{
  DiniStatistics stats;
  PetscReal      error;

  PetscFunctionBeginUser;
  PetscCall(UnitsDirection(s, PETSC_TRUE, mask, seed, v));
  PetscCall(DiniVJP(s->dini, v, w));
  PetscCall(UnitsError(s, PETSC_TRUE, mask, seed, w, &error));
  PetscCall(DiniGetStatistics(s->dini, &stats));
  DiniTestTrue(stats.gradient_error <= 10.0 * PetscMax(error, FLOOR) &&
                   error <= 10.0 * PetscMax(stats.gradient_error, FLOOR),
               "fields %" PetscInt_FMT ", columns %g, tolerance %g: the error is %g, estimated %g", mask,
               (double)s->column[1], (double)rtol, (double)error, (double)stats.gradient_error);
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  const PetscReal ratios[] = {1.0, 1e-8}, rtols[] = {1e-4, 1e-7, 1e-10};
  PetscBool       forgive; /* the ladder may come to a companion that PETSc can not set up */

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscOptionsHasName(NULL, NULL, "-forgive", &forgive));
  for (int k = 0; k < 2; k++) {
    for (int r = 0; r < 3; r++) {
      Units s = {.N        = 12,
                 .nfields  = 2,
                 .row      = {1.0, 1.0},
                 .column   = {1.0, 1.0 / ratios[k]},
                 .coupling = 0.01,
                 .said     = PETSC_TRUE};
      Vec   v, w;

      PetscCall(UnitsCreate(&s));
      PetscCall(DiniSetTolerances(s.dini, PETSC_DEFAULT, rtols[r]));
      PetscCall(VecDuplicate(s.u, &v));
      PetscCall(VecDuplicate(s.u, &w));
      for (PetscInt seed = 0; seed < 3; seed++)
        for (PetscInt mask = 3; mask > 0; mask--) PetscCall(Honest(&s, mask, seed, v, w, rtols[r]));
      PetscCall(VecDestroy(&v));
      PetscCall(VecDestroy(&w));
      PetscCall(UnitsDestroy(&s));
    }
  }
  if (forgive) PetscCall(DiniTestForgiveLeaks());
  PetscCall(PetscFinalize());
  return 0;
}
