static char help[] = "A field that can not be solved for is named: of a DMDA, of a block size, or by the sizes in J.\n";

#include "support/units.h"
#include <petscdmda.h>

/* One iteration of GMRES, and no factorisation behind it */
static PetscErrorCode Refused(PetscBool da, PetscBool said, const char words[])
{
  Units s = {.N = 6, .nfields = 2, .row = {1.0, 1.0}, .column = {1.0, 1e6}, .coupling = 0.01, .said = said};
  DM    dm;
  Vec   v, w;

  PetscFunctionBeginUser;
  PetscCall(UnitsCreate(&s));
  if (da) {
    PetscCall(DMDACreate1d(PETSC_COMM_WORLD, DM_BOUNDARY_NONE, s.N, 2, 1, NULL, &dm));
    PetscCall(DMSetUp(dm));
    PetscCall(DMDASetFieldName(dm, 0, "saturation"));
    PetscCall(DMDASetFieldName(dm, 1, "pressure"));
    PetscCall(MatSetDM(s.A, dm));
    PetscCall(DMDestroy(&dm));
  }
  PetscCall(VecDuplicate(s.u, &v));
  PetscCall(VecDuplicate(s.u, &w));
  PetscCall(UnitsDirection(&s, PETSC_TRUE, 3, 1, v));
  DiniTestExpect(DiniVJP(s.dini, v, w), PETSC_ERR_NOT_CONVERGED, words);
  PetscCall(DiniSetDirectMax(s.dini, 1000));
  PetscCall(DiniVJP(s.dini, v, w)); /* the last rung knows how */
  {
    PetscReal error;

    PetscCall(UnitsError(&s, PETSC_TRUE, 3, 1, w, &error));
    DiniTestTrue(error <= 1e-8, "after the error: a field is off by %g", (double)error);
  }
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&w));
  PetscCall(UnitsDestroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(Refused(PETSC_TRUE, PETSC_TRUE, "in field \"saturation\" of 2 fields"));
  PetscCall(Refused(PETSC_FALSE, PETSC_TRUE, "in field 0 of the 2 in a block"));
  PetscCall(Refused(PETSC_FALSE, PETSC_FALSE, "in field of rows of J from"));
  PetscCall(PetscFinalize());
  return 0;
}
