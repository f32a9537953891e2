static char help[] = "SuperLU_DIST solves with A when asked for A^T, and reports success. Dini's adjoint is right.\n\
One factorisation a process: Debian's build crashes at a second one, in plain PETSc as well.\n";

#include "table/table.h"

int main(int argc, char **argv)
{
  PetscBool has;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscHasExternalPackage("superlu_dist", &has));
  if (has)
    PetscCall(TableSilent("saddle", "-ksp_type preonly -pc_type lu -pc_factor_mat_solver_type superlu_dist", PETSC_TRUE,
                          (PetscBool)PETSC_VERSION_LT(3, 25, 0)));
  PetscCall(PetscFinalize());
  return has ? 0 : DINI_TEST_SKIPPED;
}
