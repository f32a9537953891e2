static char help[] =
    "The error of a state, where J is conditioned otherwise than where it was measured: the derivative's own solve\n"
    "tells, and it is measured again, once for a point; where nothing has changed nothing is.\n";

#include "support/bent.h"

/* Points of which only the first was one to be measured at, by the count */
static PetscErrorCode Honest(BentKind kind, const PetscReal m[], PetscReal off, int adjoints)
{
  Bent           b;
  DiniStatistics s;
  PetscReal      error, reported;

  PetscFunctionBeginUser;
  PetscCall(BentCreate(kind, 4, 1e-8, &b));
  PetscCall(DiniSetAttachTolerances(b.dini, PETSC_DEFAULT, 1.0));
  for (int k = 0; k < 3; k++) {
    for (int again = 0; again < 2; again++) {
      const PetscBool adjoint = (PetscBool)(((adjoints >> k) & 1) != again);

      if (!again) PetscCall(BentAttach(&b, m[k], off * (BentState(kind, m[k]) - 1.0)));
      PetscCall(BentDerivative(&b, m[k], adjoint, &error, &reported));
      PetscCall(DiniGetStatistics(b.dini, &s));
      error = off * (BentState(kind, m[k]) - 1.0);
      DiniTestTrue(s.state_error <= 10.0 * error && s.state_error >= 0.1 * error,
                   "kind %d, m = %g, point %d, %s: u is off by %g, reported %g", (int)kind, (double)m[k], k,
                   adjoint ? "gradient" : "tangent", (double)error, (double)s.state_error);
      DiniTestTrue(reported >= 0.5 * off, "m = %g, %s: reported %g", (double)m[k], adjoint ? "gradient" : "tangent",
                   (double)reported);
    }
  }
  PetscCall(BentDestroy(&b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where the state is measured F is evaluated once more; at the second point and the fourth the guards evaluate it, too */
static PetscErrorCode Cost(void)
{
  const PetscReal m[]    = {1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.01, 0.009};
  const PetscInt  more[] = {1, 0, 0, 1, 0, 0, 1, 0};
  Bent            b;
  DiniStatistics  s;
  PetscInt        usual = 0;
  PetscReal       error, reported;

  PetscFunctionBeginUser;
  PetscCall(BentCreate(BENT_FOLD, 4, 1e-8, &b));
  for (int k = 0; k < 8; k++) {
    PetscCall(BentAttach(&b, m[k], 1e-9));
    PetscCall(DiniResetStatistics(b.dini));
    PetscCall(BentDerivative(&b, m[k], PETSC_TRUE, &error, &reported));
    PetscCall(BentDerivative(&b, m[k], PETSC_TRUE, &error, &reported));
    PetscCall(DiniGetStatistics(b.dini, &s));
    if (k == 2) usual = s.residuals;
    if (k == 3) DiniTestTrue(s.residuals > usual + more[k], "%" PetscInt_FMT " residuals", s.residuals);
    if (k > 1 && k != 3) DiniTestCount(s.residuals, usual + more[k], "residuals at a point");
  }
  PetscCall(BentDestroy(&b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  const PetscReal down[] = {1.0, 1e-6, 1e-10}, up[] = {1e-10, 1e-4, 4.0}, cubes[] = {1.0, 1e-3, 1e-6};

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (int adjoints = 0; adjoints < 8; adjoints++) PetscCall(Honest(BENT_FOLD, down, 1e-4, adjoints));
  PetscCall(Honest(BENT_FOLD, up, 1e-4, 7));
  PetscCall(Honest(BENT_CUBE, cubes, 1e-6, 7));
  PetscCall(Cost());
  PetscCall(PetscFinalize());
  return 0;
}
