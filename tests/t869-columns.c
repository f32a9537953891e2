static char help[] =
    "How each column of DiniMatSolve() went: DiniGetMatSolveColumn(), and the column that an error names.\n";

#include "support/dinitest.h"

typedef struct {
  Mat  A, B, U;
  KSP  ksp;
  Vec  b;
  Dini dini;
} Columns;

/* A = diag(1 ... N) */
static PetscErrorCode ColumnsCreate(PetscInt N, PetscInt n, KSPType type, PCType pctype, PetscInt maxits, Columns *c)
{
  PetscInt lo, hi;
  PC       pc;

  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, 1, NULL, 0, NULL, &c->A));
  PetscCall(MatGetOwnershipRange(c->A, &lo, &hi));
  PetscCall(MatCreateVecs(c->A, &c->b, NULL));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, hi - lo, PETSC_DECIDE, N, n, NULL, &c->B));
  for (PetscInt i = lo; i < hi; i++) {
    PetscCall(MatSetValue(c->A, i, i, 1.0 + (PetscReal)i, INSERT_VALUES));
    /* column k is a sum of the first k unit vectors, so that GMRES and CG want k iterations */
    for (PetscInt k = 0; k < n; k++) PetscCall(MatSetValue(c->B, i, k, i < k ? 1.0 : 0.0, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(c->A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(c->A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyBegin(c->B, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(c->B, MAT_FINAL_ASSEMBLY));
  PetscCall(MatDuplicate(c->B, MAT_DO_NOT_COPY_VALUES, &c->U));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &c->ksp));
  PetscCall(KSPSetOperators(c->ksp, c->A, c->A));
  PetscCall(KSPSetType(c->ksp, type));
  PetscCall(KSPSetTolerances(c->ksp, 1e-12, PETSC_DEFAULT, PETSC_DEFAULT, maxits));
  PetscCall(KSPGetPC(c->ksp, &pc));
  PetscCall(PCSetType(pc, pctype));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &c->dini));
  PetscCall(DiniSetKSP(c->dini, c->ksp));
  PetscCall(DiniSetLinearSystem(c->dini, c->b, NULL, NULL));
  PetscCall(DiniSetFromOptions(c->dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ColumnsDestroy(Columns *c)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&c->dini));
  PetscCall(KSPDestroy(&c->ksp));
  PetscCall(MatDestroy(&c->A));
  PetscCall(MatDestroy(&c->B));
  PetscCall(MatDestroy(&c->U));
  PetscCall(VecDestroy(&c->b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Column k of a Krylov method takes k iterations, a factorisation one for all */
static PetscErrorCode TestConverged(KSPType type, PCType pctype, PetscBool direct)
{
  Columns            c;
  KSPConvergedReason reason;
  PetscInt           its;
  PetscReal          relative;
  DiniStatistics     stats;

  PetscFunctionBeginUser;
  PetscCall(ColumnsCreate(6, 4, type, pctype, 50, &c));
  DiniTestExpect(DiniGetMatSolveColumn(c.dini, 0, NULL, NULL, NULL), PETSC_ERR_ORDER, "DiniMatSolve() first");
  PetscCall(DiniMatSolve(c.dini, c.B, c.U));
  for (PetscInt k = 0; k < 4; k++) {
    PetscCall(DiniGetMatSolveColumn(c.dini, k, &reason, &its, &relative));
    DiniTestTrue(reason > 0, "column %d: %s", (int)k, KSPConvergedReasons[reason]);
    if (!direct) DiniTestCount(its, k, "iterations of a column");
    DiniTestTrue(relative <= 1e-11, "column %d: relative residual %g", (int)k, (double)relative);
  }
  PetscCall(DiniGetStatistics(c.dini, &stats));
  if (!direct) DiniTestCount((PetscInt)stats.forward_iterations, 0 + 1 + 2 + 3, "iterations of all columns");
  PetscCall(DiniGetMatSolveColumn(c.dini, 3, NULL, NULL, NULL));
  DiniTestExpect(DiniGetMatSolveColumn(c.dini, 4, NULL, NULL, NULL), PETSC_ERR_ARG_OUTOFRANGE, "no column 4");
  DiniTestExpect(DiniGetMatSolveColumn(c.dini, -1, NULL, NULL, NULL), PETSC_ERR_ARG_OUTOFRANGE, "no column -1");
  PetscCall(ColumnsDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Two iterations are enough for columns 0 to 2 and not for column 3; column 4 is not tried */
static PetscErrorCode TestFailed(PetscBool errors)
{
  Columns             c;
  KSPConvergedReason  reason;
  DiniConvergedReason all;
  PetscInt            its;
  PetscReal           relative;

  PetscFunctionBeginUser;
  if (!errors) PetscCall(DiniTestOptionsSet("-dini_error_if_not_converged 0"));
  PetscCall(ColumnsCreate(6, 5, KSPGMRES, PCNONE, 2, &c));
  PetscCall(MatZeroEntries(c.U));
  if (errors) DiniTestExpect(DiniMatSolve(c.dini, c.B, c.U), PETSC_ERR_NOT_CONVERGED, "column 3 of 5");
  else {
    PetscCall(DiniMatSolve(c.dini, c.B, c.U));
    PetscCall(DiniGetConvergedReason(c.dini, &all));
    DiniTestTrue(all < 0, "a column has failed");
    PetscCall(DiniTestOptionsClear("-dini_error_if_not_converged"));
  }
  for (PetscInt k = 0; k < 5; k++) {
    PetscCall(DiniGetMatSolveColumn(c.dini, k, &reason, &its, &relative));
    if (k < 3) DiniTestTrue(reason > 0 && relative <= 1e-11, "column %d has converged", (int)k);
    if (k == 3) DiniTestTrue(reason == KSP_DIVERGED_ITS && relative > 1e-3, "column 3 has failed");
    if (k == 4) DiniTestTrue(reason == KSP_CONVERGED_ITERATING && relative == 1.0, "column 4 has not been tried");
    DiniTestCount(its, k < 3 ? k : k == 3 ? 2 : 0, "iterations of a column");
  }
  /* more iterations, and the old verdict is gone */
  PetscCall(KSPSetTolerances(c.ksp, 1e-12, PETSC_DEFAULT, PETSC_DEFAULT, 20));
  PetscCall(DiniMatSolve(c.dini, c.B, c.U));
  PetscCall(DiniGetMatSolveColumn(c.dini, 4, &reason, NULL, &relative));
  DiniTestTrue(reason > 0 && relative <= 1e-11, "column 4 has converged");
  PetscCall(ColumnsDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* NaN in one column of a block that is solved at once */
static PetscErrorCode TestNaN(void)
{
  Columns   c;
  PetscInt  lo, hi;
  PetscReal relative;

  PetscFunctionBeginUser;
  PetscCall(ColumnsCreate(6, 3, KSPPREONLY, PCJACOBI, 50, &c));
  PetscCall(MatGetOwnershipRange(c.B, &lo, &hi));
  if (lo == 0 && hi > 0) PetscCall(MatSetValue(c.B, 0, 1, (PetscScalar)NAN, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(c.B, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(c.B, MAT_FINAL_ASSEMBLY));
  DiniTestExpect(DiniMatSolve(c.dini, c.B, c.U), PETSC_ERR_FP, "column 1 of 3");
  PetscCall(DiniGetMatSolveColumn(c.dini, 1, NULL, NULL, &relative));
  DiniTestTrue(PetscIsInfOrNanReal(relative), "NaN is in column 1");
  PetscCall(DiniGetMatSolveColumn(c.dini, 2, NULL, NULL, &relative));
  DiniTestTrue(relative <= 1e-14, "column 2 is right");
  PetscCall(ColumnsDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestType(void)
{
  Dini dini;

  PetscFunctionBeginUser;
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetType(dini, DINISHELL));
  DiniTestExpect(DiniGetMatSolveColumn(dini, 0, NULL, NULL, NULL), PETSC_ERR_SUP, "DiniGetMatSolveColumn() is about");
  PetscCall(DiniDestroy(&dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestConverged(KSPGMRES, PCNONE, PETSC_FALSE));
  PetscCall(TestConverged(KSPCG, PCNONE, PETSC_FALSE));
  PetscCall(TestConverged(KSPPREONLY, PCJACOBI, PETSC_TRUE));
  PetscCall(TestFailed(PETSC_TRUE));
  PetscCall(TestFailed(PETSC_FALSE));
  PetscCall(TestNaN());
  PetscCall(TestType());
  PetscCall(PetscFinalize());
  return 0;
}
