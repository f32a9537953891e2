static char help[] =
    "The ways to apply J^H agree; and with any preconditioner of the forward solve the adjoint is right or an error.\n";

#include "support/fixtures.h"

static PetscErrorCode TestModes(DiniTranspose transpose, const char options[])
{
  Transport t;
  Vec       ubar, mbar, mbar_ref;

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(TransportCreate(8, 7, &t));
  PetscCall(TransportDini(&t, DINIPARAMETERMATRIX));
  PetscCall(DiniSetTranspose(t.dini, transpose));
  PetscCall(DiniTestVec(t.u, 1, &ubar));
  PetscCall(VecDuplicate(t.m, &mbar));
  PetscCall(VecDuplicate(t.m, &mbar_ref));
  for (PetscInt k = 0; k < 2; k++) { /* at a second point, what was transposed at the first must have been renewed */
    PetscCall(VecShift(t.m, 0.3 * (PetscReal)k));
    PetscCall(DiniSolve(t.dini, t.u));
    PetscCall(DiniVJP(t.dini, ubar, mbar));
    PetscCall(TransportReferenceVJP(&t, ubar, mbar_ref));
    PetscCall(DiniTestVecsClose(mbar, mbar_ref, 1e-8, DiniTransposes[transpose]));
    PetscCall(DiniTestDotProduct(t.dini, 1e-8));
  }
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&mbar_ref));
  PetscCall(TransportDestroy(&t));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A Hermitian matrix that says so: nothing is transposed, by PETSc's own account. */
static PetscErrorCode TestHermitian(const char ksptype[], DiniTranspose transpose)
{
  Mat            A;
  KSP            ksp;
  Vec            b, u, ubar, mbar, lambda;
  Dini           dini;
  PetscInt       lo, hi, N = 24, before[2], after[2];
  PC             pc;
  DiniStatistics s;

  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, 3, NULL, 2, NULL, &A));
  PetscCall(MatGetOwnershipRange(A, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) {
    PetscCall(MatSetValue(A, i, i, 2.5 + 0.1 * (PetscReal)i, INSERT_VALUES));
    if (i + 1 < N) PetscCall(MatSetValue(A, i, i + 1, DiniTestScalar(-1.0, 0.3), INSERT_VALUES));
    if (i > 0) PetscCall(MatSetValue(A, i, i - 1, DiniTestScalar(-1.0, -0.3), INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatSetOption(A, MAT_HERMITIAN, PETSC_TRUE));
#if !defined(PETSC_USE_COMPLEX)
  PetscCall(MatSetOption(A, MAT_SYMMETRIC, PETSC_TRUE));
#endif
  PetscCall(MatCreateVecs(A, &u, &b));
  PetscCall(DiniTestFill(b, 4));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &ksp));
  PetscCall(KSPSetOperators(ksp, A, A));
  PetscCall(KSPSetType(ksp, ksptype));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCJACOBI));
  PetscCall(KSPSetTolerances(ksp, 1e-12, 1e-50, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetKSP(dini, ksp));
  PetscCall(DiniSetLinearSystem(dini, b, NULL, NULL));
  PetscCall(DiniAddParameter(dini, "b", b, NULL));
  PetscCall(DiniSetParameterType(dini, 0, DINIPARAMETERRHS));
  PetscCall(DiniSetTranspose(dini, transpose));
  PetscCall(DiniSetFromOptions(dini));
  PetscCall(DiniSolve(dini, u));
  PetscCall(DiniTestVec(u, 5, &ubar));
  PetscCall(VecDuplicate(b, &mbar));
  PetscCall(VecDuplicate(u, &lambda));
  PetscCall(DiniTestEvent("MatMultTranspose", &before[0]));
  PetscCall(DiniTestEvent("MatTranspose", &before[1]));
  PetscCall(DiniVJP(dini, ubar, mbar));
  PetscCall(DiniVJP(dini, ubar, mbar));
  PetscCall(DiniTestEvent("MatMultTranspose", &after[0]));
  PetscCall(DiniTestEvent("MatTranspose", &after[1]));
  PetscCall(DiniGetStatistics(dini, &s));
  if (transpose == DINI_TRANSPOSE_AUTO ||
      transpose == DINI_TRANSPOSE_SYMMETRIC) { /* but for a few products, to verify */
    DiniTestTrue(2 * (after[0] - before[0]) < s.adjoint_iterations,
                 "%" PetscInt_FMT " transposed products in a symmetric problem", after[0] - before[0]);
    DiniTestCount(after[1] - before[1], 0, "matrices transposed in a symmetric problem");
  }
  PetscCall(DiniTestDirectSolve(A, PETSC_TRUE, ubar, lambda));
  PetscCall(DiniTestVecsClose(mbar, lambda, 1e-9, "VJP of a Hermitian system"));
  PetscCall(DiniTestDotProduct(dini, 1e-9));
  PetscCall(VecDestroy(&b));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&lambda));
  PetscCall(DiniDestroy(&dini));
  PetscCall(KSPDestroy(&ksp));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Symmetry is claimed by option for a matrix that has none: right or an error, never J^{-1} for J^{-H}. */
static PetscErrorCode TestFalseClaim(PetscBool flag)
{
  Linear         l;
  Vec            ubar, mbar, mbar_ref;
  PetscBool      right;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  PetscCall(LinearCreate(12, &l));
  PetscCall(LinearDini(&l, DINIKSP, DINIPARAMETERMATRIX));
  if (flag) PetscCall(MatSetOption(l.A, MAT_HERMITIAN, PETSC_TRUE)); /* the matrix lies */
  else PetscCall(DiniSetTranspose(l.dini, DINI_TRANSPOSE_SYMMETRIC));
  PetscCall(DiniSolve(l.dini, l.u));
  PetscCall(DiniTestVec(l.u, 6, &ubar));
  PetscCall(VecDuplicate(l.m, &mbar));
  PetscCall(VecDuplicate(l.m, &mbar_ref));
  {
    Mat Fm;

    PetscCall(MatDuplicate(l.B, MAT_DO_NOT_COPY_VALUES, &Fm));
    PetscCall(LinearAssemble(&l, l.B, l.c));
    PetscCall(LinearFill(&l, l.u, l.m, Fm));
    PetscCall(DiniTestReferenceVJP(l.B, Fm, ubar, mbar_ref));
    PetscCall(MatDestroy(&Fm));
  }
  PetscCall(DiniTestCatch());
  ierr = DiniVJP(l.dini, ubar, mbar);
  PetscCall(DiniTestRightOrError(ierr, mbar, mbar_ref, 1e-8, "a false claim of symmetry", &right));
  if (!flag) DiniTestTrue(!right, "A false claim of symmetry is not reported");
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&mbar_ref));
  PetscCall(LinearDestroy(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The preconditioners of petsc-config and of habit. */
static PetscErrorCode TestPreconditioner(const char options[], PetscBool must)
{
  Transport      t;
  Vec            ubar, mbar, mbar_ref;
  PetscBool      right;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(TransportCreate(8, 7, &t));
  PetscCall(TransportDini(&t, DINIPARAMETERMATRIX));
  PetscCall(DiniTestCatch());
  ierr = DiniSolve(t.dini, t.u);
  PetscCall(DiniTestRelease());
  DiniTestTrue(!ierr || !must, "%s: the forward solve fails: %s", options, DiniTestMessages());
  if (!ierr) {
    PetscCall(DiniTestVec(t.u, 1, &ubar));
    PetscCall(VecDuplicate(t.m, &mbar));
    PetscCall(VecDuplicate(t.m, &mbar_ref));
    PetscCall(TransportReferenceVJP(&t, ubar, mbar_ref));
    PetscCall(DiniTestCatch());
    ierr = DiniVJP(t.dini, ubar, mbar);
    PetscCall(DiniTestRightOrError(ierr, mbar, mbar_ref, 1e-8, options, &right));
    if (must) DiniTestTrue(right, "%s fails: %s", options, DiniTestMessages());
    PetscCall(VecDestroy(&ubar));
    PetscCall(VecDestroy(&mbar));
    PetscCall(VecDestroy(&mbar_ref));
  }
  PetscCall(TransportDestroy(&t));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  const char *const must[]  = {"-pc_type none",
                               "-pc_type jacobi",
                               "-pc_type bjacobi",
                               "-pc_type asm",
                               "-pc_type asm -pc_asm_type basic",
                               "-pc_type gamg",
                               "-pc_type redundant",
                               "-ksp_type preonly -pc_type redundant",
                               "-ksp_type bcgs -pc_type bjacobi -sub_pc_type lu",
                               "-pc_type sor -dini_transpose explicit -dini_adjoint_pc_type jacobi"};
  const char *const one[]   = {"-pc_type lu", "-pc_type ilu", "-ksp_type preonly -pc_type lu"};
  const char *const may[]   = {"-pc_type sor",
                               "-pc_type kaczmarz",
                               "-pc_type pbjacobi",
                               "-pc_type gasm",
                               "-pc_type bjacobi -sub_pc_type sor",
                               "-pc_type gamg -mg_levels_pc_type sor",
                               "-pc_type gamg -pc_mg_type full",
                               "-pc_type gamg -pc_mg_type kaskade",
                               "-pc_type gamg -mg_levels_ksp_type gmres",
                               "-pc_type ksp -ksp_ksp_rtol 1e-3",
                               "-pc_type composite -pc_composite_pcs jacobi,bjacobi",
                               "-pc_type composite -pc_composite_type multiplicative -pc_composite_pcs jacobi,bjacobi"};
  const char *const modes[] = {"-pc_type bjacobi", "-pc_type redundant -ksp_type preonly"};
  PetscMPIInt       size;
  PetscBool         has;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscLogDefaultBegin());
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  for (size_t k = 0; k < sizeof(modes) / sizeof(*modes); k++) {
    PetscCall(TestModes(DINI_TRANSPOSE_AUTO, modes[k]));
    PetscCall(TestModes(DINI_TRANSPOSE_NATIVE, modes[k]));
    PetscCall(TestModes(DINI_TRANSPOSE_EXPLICIT, modes[k]));
  }
  for (int k = 0; k < 4; k++) {
    PetscCall(TestHermitian(KSPCG, (DiniTranspose)k));
    PetscCall(TestHermitian(KSPGMRES, (DiniTranspose)k));
  }
  PetscCall(TestFalseClaim(PETSC_FALSE));
  PetscCall(TestFalseClaim(PETSC_TRUE));
  for (size_t k = 0; k < sizeof(must) / sizeof(*must); k++) PetscCall(TestPreconditioner(must[k], PETSC_TRUE));
  if (size == 1)
    for (size_t k = 0; k < sizeof(one) / sizeof(*one); k++) PetscCall(TestPreconditioner(one[k], PETSC_TRUE));
  else PetscCall(TestPreconditioner("-pc_type asm -pc_asm_local_blocks 2 -mat_partitioning_type current", PETSC_FALSE));
  for (size_t k = 0; k < sizeof(may) / sizeof(*may); k++) PetscCall(TestPreconditioner(may[k], PETSC_FALSE));
  PetscCall(PetscHasExternalPackage("mumps", &has));
  if (has) PetscCall(TestPreconditioner("-ksp_type preonly -pc_type lu -pc_factor_mat_solver_type mumps", PETSC_TRUE));
  PetscCall(PetscHasExternalPackage("hypre", &has)); /* its transposed apply is zero, or the wrong one */
  if (has) PetscCall(TestPreconditioner("-pc_type hypre -pc_hypre_type boomeramg", PETSC_FALSE));
  PetscCall(PetscFinalize());
  return 0;
}
