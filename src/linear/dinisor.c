/* SOR of the forward solver, and what it divides by. */
#include "../private/diniengineimpl.h"

/* Eisenstat's trick changes the operator of the KSP that it is in, which a companion is not: it is SOR otherwise */
PetscErrorCode DiniAvoidTrick_Private(PC pc)
{
  PetscBool trick;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)pc, PCEISENSTAT, &trick));
  if (trick) PetscCall(PCSetType(pc, PCSOR));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Eisenstat's trick works on the operator of its KSP, and is not to be applied by itself: SOR, of which it is a form, stands in for it */
PetscErrorCode DiniEngineStandIn_Private(DiniEngine e, PC trick)
{
  PetscReal omega;
  PetscBool is = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(PCEisenstatGetOmega(trick, &omega));
  if (e->pc && e->ownpc) PetscCall(PetscObjectTypeCompare((PetscObject)e->pc, PCSOR, &is));
  if (!is) {
    PetscCall(PCDestroy(&e->pc));
    PetscCall(PCCreate(PetscObjectComm((PetscObject)e), &e->pc));
    PetscCall(PCSetType(e->pc, PCSOR));
    PetscCall(PCSORSetSymmetric(e->pc, SOR_LOCAL_SYMMETRIC_SWEEP));
    PetscCall(PCSetOperators(e->pc, e->J, e->P));
    e->ownpc   = PETSC_TRUE;
    e->decided = PETSC_FALSE;
  }
  PetscCall(PCSORSetOmega(e->pc, omega));
  PetscCall(PetscStrncpy(e->pctype, PCSOR, sizeof(e->pctype)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* SOR of an AIJ matrix divides by the diagonal when it is applied, and raises an error then: a zero on it is a set-up
   that has failed. Equal rows, one below the other, are divided by as a block; other types divide by blocks (BAIJ), or by what
   their application knows (a shell). */
PetscErrorCode DiniEngineDivides_Private(DiniEngine e, PetscBool *zero)
{
  const PetscScalar *d;
  PetscBool          sor, aij, mine = PETSC_FALSE;
  PetscInt           n, blocks;
  Mat                A;
  Vec                diagonal;

  PetscFunctionBegin;
  *zero = PETSC_FALSE;
  PetscCall(PetscObjectTypeCompare((PetscObject)e->pc, PCSOR, &sor));
  PetscCall(PetscObjectBaseTypeCompareAny((PetscObject)e->P, &aij, MATSEQAIJ, MATMPIAIJ, ""));
  if (!sor || !aij) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatGetDiagonalBlock(e->P, &A));
  PetscCall(MatInodeGetInodeSizes(A, &blocks, NULL, NULL));
  PetscCall(MatCreateVecs(e->P, NULL, &diagonal));
  PetscCall(MatGetDiagonal(e->P, diagonal));
  PetscCall(VecGetLocalSize(diagonal, &n));
  PetscCall(VecGetArrayRead(diagonal, &d));
  for (PetscInt i = 0; i < n && !blocks; i++)
    if (d[i] == (PetscScalar)0.0) mine = PETSC_TRUE;
  PetscCall(VecRestoreArrayRead(diagonal, &d));
  PetscCall(VecDestroy(&diagonal));
  PetscCall(MPIU_Allreduce(&mine, zero, 1, DINI_MPI_BOOL, MPI_LOR, PetscObjectComm((PetscObject)e)));
  PetscFunctionReturn(PETSC_SUCCESS);
}
