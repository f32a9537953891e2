static char help[] =
    "BoomerAMG's transposed apply gives zero, spoils its right-hand side, and KSPSolveTranspose() reports success\n\
(PETSc 3.16.0 to 3.23.4). Dini's adjoint is right.\n";

#include "table/table.h"

int main(int argc, char **argv)
{
  PetscBool has;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscHasExternalPackage("hypre", &has));
  if (has)
    PetscCall(TableSilent("boundary", "-ksp_type gmres -pc_type hypre -pc_hypre_type boomeramg", PETSC_TRUE,
                          (PetscBool)PETSC_VERSION_LT(3, 23, 5)));
  if (has)
    PetscCall(TableSilent("elasticity", "-ksp_type gmres -pc_type hypre -pc_hypre_type boomeramg", PETSC_TRUE,
                          (PetscBool)PETSC_VERSION_LT(3, 23, 5)));
  PetscCall(PetscFinalize());
  return has ? 0 : DINI_TEST_SKIPPED;
}
