#include "fixtures.h"

PetscErrorCode FitCreate(PetscInt M, PetscInt N, const char type[], PetscBool block, Fit *f)
{
  PetscInt lo, hi, p;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(f, sizeof(*f)));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, M, N, 3, NULL, 3, NULL, &f->A));
  PetscCall(MatGetOwnershipRange(f->A, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) {
    PetscCall(MatSetValue(f->A, i, i % N, DiniTestScalar(2.0 + 0.1 * (PetscReal)i, 0.4), ADD_VALUES));
    if (N > 1) PetscCall(MatSetValue(f->A, i, (i + 1) % N, DiniTestScalar(-0.7, 0.5), ADD_VALUES));
    if (N > 2) PetscCall(MatSetValue(f->A, i, (2 * i) % N, DiniTestScalar(0.3, -0.2), ADD_VALUES));
  }
  PetscCall(MatAssemblyBegin(f->A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(f->A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatCreateVecs(f->A, &f->u, &f->b));
  PetscCall(VecDuplicate(f->b, &f->r));
  PetscCall(DiniTestFill(f->b, 3));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &f->ksp));
  PetscCall(KSPSetOperators(f->ksp, f->A, f->A));
  PetscCall(KSPSetType(f->ksp, type));
  PetscCall(KSPSetTolerances(f->ksp, 1e-14, 1e-300, PETSC_DEFAULT, 200));
  {
    PC pc;

    PetscCall(KSPGetPC(f->ksp, &pc));
    PetscCall(PCSetType(pc, PCNONE));
  }
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &f->dini));
  PetscCall(DiniSetKSP(f->dini, f->ksp));
  PetscCall(DiniSetLinearSystem(f->dini, f->b, NULL, NULL));
  if (block) PetscCall(DiniAddParameter(f->dini, "b", f->b, &p));
  PetscCall(DiniSetFromOptions(f->dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FitSolve(Fit *f)
{
  PetscFunctionBeginUser;
  PetscCall(VecSet(f->u, 0.0));
  PetscCall(DiniSolve(f->dini, f->u));
  PetscCall(MatMult(f->A, f->u, f->r));
  PetscCall(VecAXPY(f->r, -1.0, f->b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FitDestroy(Fit *f)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&f->dini));
  PetscCall(KSPDestroy(&f->ksp));
  PetscCall(MatDestroy(&f->A));
  PetscCall(VecDestroy(&f->b));
  PetscCall(VecDestroy(&f->u));
  PetscCall(VecDestroy(&f->r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A^H A by PETSc's product of assembled matrices, otherwise than the library makes it */
PetscErrorCode FitNormal(Mat A, Mat *J)
{
  Mat AH;

  PetscFunctionBeginUser;
  PetscCall(MatHermitianTranspose(A, MAT_INITIAL_MATRIX, &AH));
  PetscCall(MatMatMult(AH, A, MAT_INITIAL_MATRIX, PETSC_DEFAULT, J));
  PetscCall(MatDestroy(&AH));
  PetscFunctionReturn(PETSC_SUCCESS);
}
