static char help[] =
    "The transposed apply of a Schur fieldsplit is that of the multiplicative one before PETSc 3.20. As the only solver it\n\
gives a wrong adjoint with a positive reason. Dini's is right.\n";

#include "table/table.h"

/* exact: one application solves */
#define SCHUR                                                                                                          \
  "-ksp_type preonly -pc_type fieldsplit -pc_fieldsplit_type schur -pc_fieldsplit_schur_fact_type full "               \
  "-fieldsplit_u_ksp_type preonly -fieldsplit_u_pc_type redundant "                                                    \
  "-fieldsplit_p_ksp_rtol 1e-13 -fieldsplit_p_pc_type none"

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  /* a debugging PETSc stops there with an error about a Mat without a type: not silent, and not to be tried */
  PetscCall(TableSilent("saddle", SCHUR, (PetscBool)!PetscDefined(USE_DEBUG), (PetscBool)PETSC_VERSION_LT(3, 20, 0)));
  PetscCall(PetscFinalize());
  return 0;
}
