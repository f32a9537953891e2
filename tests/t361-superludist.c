static char help[] = "SuperLU_DIST solves with A when asked for A^T, and reports success. Dini's adjoint is right.\n\
One factorisation a process: Debian's build crashes at a second one, in plain PETSc as well.\n";

#include "table/table.h"

/*
  Inside another preconditioner, where no other package can be put in its place, and deflation takes it by itself: a second
  factorisation, on the explicit transpose, would break the heap. So there is none, and the adjoint goes another way.
*/
static PetscErrorCode TestInside(const char problem[], const char options[])
{
  char explicit[512];
  TableProblem p;
  TableResult  r;
  Vec          reference;

  PetscFunctionBeginUser;
  PetscCall(TableProblemCreate(PETSC_COMM_WORLD, problem, &p));
  PetscCall(VecDuplicate(p.u, &reference));
  PetscCall(TableReference(&p, reference));
  PetscCall(TableProblemDestroy(&p));
  PetscCall(TableRun(problem, options, reference, &r));
  DiniTestTrue(r.outcome == TABLE_RIGHT && r.rung != DINI_RUNG_EXPLICIT, "%s: %s on rung %s: %s", options,
               TableOutcomes[r.outcome], DiniRungs[r.rung], r.message);
  PetscCall(PetscSNPrintf(explicit, sizeof(explicit), "%s -dini_transpose explicit", options));
  PetscCall(TableRun(problem, explicit, reference, &r));
  DiniTestTrue(r.outcome == TABLE_ERROR, "%s: %s on rung %s: %s", explicit, TableOutcomes[r.outcome], DiniRungs[r.rung],
               r.message);
  PetscCall(VecDestroy(&reference));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscBool has, inside = PETSC_FALSE;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscHasExternalPackage("superlu_dist", &has));
  PetscCall(PetscOptionsGetBool(NULL, NULL, "-inside", &inside, NULL));
  if (has && inside) {
    PetscCall(TestInside("elasticity",
                         "-pc_type fieldsplit -pc_fieldsplit_block_size 2 -ksp_type fgmres -fieldsplit_0_ksp_type "
                         "preonly -fieldsplit_0_pc_type lu -fieldsplit_0_pc_factor_mat_solver_type superlu_dist "
                         "-fieldsplit_1_pc_type jacobi"));
    PetscCall(TestInside("spd", "-pc_type deflation"));
  } else if (has)
    PetscCall(TableSilent("saddle", "-ksp_type preonly -pc_type lu -pc_factor_mat_solver_type superlu_dist", PETSC_TRUE,
                          (PetscBool)PETSC_VERSION_LT(3, 25, 0)));
  PetscCall(PetscFinalize());
  return has ? 0 : DINI_TEST_SKIPPED;
}
