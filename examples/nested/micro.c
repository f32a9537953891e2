/* The inner relation, and the matrix of the outer one. */
#include "micro.h"

static PetscErrorCode MicroResidual(SNES snes, Vec v, Vec F, void *ctx)
{
  Micro *micro = (Micro *)ctx;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(VecPointwiseMult(F, v, v));
  PetscCall(VecPointwiseMult(F, F, v));
  PetscCall(VecPointwiseMult(F, F, micro->m));
  PetscCall(VecAXPY(F, 1.0, v));
  PetscCall(VecAXPY(F, -1.0, micro->u));
  PetscFunctionReturn(0);
}

static PetscErrorCode MicroJacobian(SNES snes, Vec v, Mat J, Mat P, void *ctx)
{
  Micro *micro = (Micro *)ctx;
  Vec    d;

  PetscFunctionBeginUser;
  (void)snes, (void)J;
  PetscCall(VecDuplicate(v, &d));
  PetscCall(VecPointwiseMult(d, v, v));
  PetscCall(VecPointwiseMult(d, d, micro->m));
  PetscCall(VecScale(d, 3.0));
  PetscCall(VecShift(d, 1.0));
  PetscCall(MatDiagonalSet(P, d, INSERT_VALUES));
  PetscCall(VecDestroy(&d));
  PetscFunctionReturn(0);
}

/* F_m = v^3 */
static PetscErrorCode MicroFill(Dini dini, Vec v, Vec m, Mat Fm, void *ctx)
{
  Vec d;

  PetscFunctionBeginUser;
  (void)dini, (void)m, (void)ctx;
  PetscCall(VecDuplicate(v, &d));
  PetscCall(VecPointwiseMult(d, v, v));
  PetscCall(VecPointwiseMult(d, d, v));
  PetscCall(MatDiagonalSet(Fm, d, INSERT_VALUES));
  PetscCall(VecDestroy(&d));
  PetscFunctionReturn(0);
}

static PetscErrorCode MicroDini(Micro *micro)
{
  MPI_Comm comm = PetscObjectComm((PetscObject)micro->v);
  SNES     snes;
  Mat      J, Fm;
  PetscInt n;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(micro->v, &n));
  PetscCall(MatCreateAIJ(comm, n, n, PETSC_DETERMINE, PETSC_DETERMINE, 1, NULL, 0, NULL, &J));
  PetscCall(MatCreateAIJ(comm, n, n, PETSC_DETERMINE, PETSC_DETERMINE, 1, NULL, 0, NULL, &Fm));
  PetscCall(SNESCreate(comm, &snes));
  PetscCall(SNESSetOptionsPrefix(snes, "micro_"));
  PetscCall(SNESSetFunction(snes, NULL, MicroResidual, micro));
  PetscCall(SNESSetJacobian(snes, J, J, MicroJacobian, micro));
  PetscCall(SNESSetTolerances(snes, 1e-13, 1e-13, 0.0, PETSC_DEFAULT, PETSC_DEFAULT)); /* noise in the outer residual */
  PetscCall(SNESSetFromOptions(snes));
  PetscCall(DiniCreate(comm, &micro->dini));
  PetscCall(PetscObjectSetName((PetscObject)micro->dini, "micro"));
  PetscCall(DiniSetOptionsPrefix(micro->dini, "micro_"));
  PetscCall(DiniSetSNES(micro->dini, snes));
  PetscCall(DiniAddParameter(micro->dini, "u", micro->u, &micro->blocku));
  PetscCall(DiniSetParameterType(micro->dini, micro->blocku, DINIPARAMETERRHS));
  PetscCall(DiniAddParameter(micro->dini, "m", micro->m, &micro->blockm));
  PetscCall(DiniSetParameterJacobian(micro->dini, micro->blockm, Fm, MicroFill, NULL));
  PetscCall(DiniSetFromOptions(micro->dini));
  PetscCall(SNESDestroy(&snes));
  PetscCall(MatDestroy(&J));
  PetscCall(MatDestroy(&Fm));
  PetscFunctionReturn(0);
}

/* m = 1 + x */
PetscErrorCode MicroCreate(MPI_Comm comm, PetscInt n, Micro *micro)
{
  PetscInt first, last;

  PetscFunctionBeginUser;
  PetscCall(VecCreateMPI(comm, PETSC_DECIDE, n, &micro->v));
  PetscCall(VecDuplicate(micro->v, &micro->u));
  PetscCall(VecDuplicate(micro->v, &micro->m));
  PetscCall(VecGetOwnershipRange(micro->m, &first, &last));
  for (PetscInt i = first; i < last; i++)
    PetscCall(VecSetValue(micro->m, i, 1.0 + (i + 1.0) / (n + 1.0), INSERT_VALUES));
  PetscCall(VecAssemblyBegin(micro->m));
  PetscCall(VecAssemblyEnd(micro->m));
  PetscCall(MicroDini(micro));
  PetscFunctionReturn(0);
}

PetscErrorCode MicroSolve(Micro *micro, Vec u)
{
  PetscFunctionBeginUser;
  PetscCall(VecCopy(u, micro->u));
  PetscCall(DiniSolve(micro->dini, micro->v));
  PetscFunctionReturn(0);
}

PetscErrorCode MicroDestroy(Micro *micro)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&micro->dini));
  PetscCall(VecDestroy(&micro->u));
  PetscCall(VecDestroy(&micro->m));
  PetscCall(VecDestroy(&micro->v));
  PetscFunctionReturn(0);
}

PetscErrorCode LaplacianCreate(Vec like, Mat *A)
{
  PetscInt  first, last, n, local;
  PetscReal h2;

  PetscFunctionBeginUser;
  PetscCall(VecGetSize(like, &n));
  PetscCall(VecGetLocalSize(like, &local));
  PetscCall(MatCreateAIJ(PetscObjectComm((PetscObject)like), local, local, n, n, 3, NULL, 2, NULL, A));
  PetscCall(MatGetOwnershipRange(*A, &first, &last));
  h2 = (n + 1.0) * (n + 1.0);
  for (PetscInt i = first; i < last; i++) {
    PetscCall(MatSetValue(*A, i, i, 2.0 * h2, INSERT_VALUES));
    if (i > 0) PetscCall(MatSetValue(*A, i, i - 1, -h2, INSERT_VALUES));
    if (i < n - 1) PetscCall(MatSetValue(*A, i, i + 1, -h2, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(0);
}
