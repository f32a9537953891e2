#include "fixtures.h"

PetscErrorCode ContactResidual(SNES snes, Vec u, Vec F, void *ctx)
{
  Contact *c = (Contact *)ctx;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCheck(!c->fail, PETSC_COMM_SELF, PETSC_ERR_USER, "the obstacle breaks");
  PetscCall(MatMult(c->T, u, F));
  PetscCall(VecAXPY(F, -1.0, c->m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ContactJacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  Contact *c = (Contact *)ctx;

  PetscFunctionBeginUser;
  (void)snes;
  (void)u;
  PetscCall(MatCopy(c->T, J, SAME_NONZERO_PATTERN));
  if (P != J) PetscCall(MatCopy(c->T, P, SAME_NONZERO_PATTERN));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Symmetric: 2 on the diagonal (1 at both ends with no walls, so that constants are its null space), -1 beside it */
PetscErrorCode ContactString(PetscInt N, PetscBool walls, Mat *T)
{
  PetscInt lo, hi;

  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, 3, NULL, 2, NULL, T));
  PetscCall(MatGetOwnershipRange(*T, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) {
    const PetscReal end = walls || N == 1 ? 0.0 : (i == 0 || i == N - 1 ? 1.0 : 0.0);

    PetscCall(MatSetValue(*T, i, i, 2.0 - end, INSERT_VALUES));
    if (i > 0) PetscCall(MatSetValue(*T, i, i - 1, -1.0, INSERT_VALUES));
    if (i + 1 < N) PetscCall(MatSetValue(*T, i, i + 1, -1.0, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(*T, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*T, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ContactCreate(PetscInt N, SNESType type, MatType mtype, PetscBool ownP, Contact *c)
{
  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(c, sizeof(*c)));
  PetscCall(ContactString(N, PETSC_TRUE, &c->T));
  if (mtype) {
    PetscCall(MatSetOption(c->T, MAT_SYMMETRIC, PETSC_TRUE));
    PetscCall(MatConvert(c->T, mtype, MAT_INPLACE_MATRIX, &c->T));
  }
  PetscCall(MatDuplicate(c->T, MAT_COPY_VALUES, &c->J));
  if (ownP) PetscCall(MatDuplicate(c->T, MAT_COPY_VALUES, &c->P));
  else {
    PetscCall(PetscObjectReference((PetscObject)c->J));
    c->P = c->J;
  }
  PetscCall(MatCreateVecs(c->T, &c->u, &c->F));
  PetscCall(VecDuplicate(c->u, &c->m));
  PetscCall(VecDuplicate(c->u, &c->lower));
  PetscCall(VecDuplicate(c->u, &c->upper));
  PetscCall(VecSet(c->m, -1.0));
  PetscCall(VecSet(c->lower, -3.3));
  PetscCall(VecSet(c->upper, PETSC_INFINITY));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &c->snes));
  PetscCall(SNESSetType(c->snes, type));
  PetscCall(SNESSetFunction(c->snes, c->F, ContactResidual, c));
  PetscCall(SNESSetJacobian(c->snes, c->J, c->P, ContactJacobian, c));
  PetscCall(SNESSetTolerances(c->snes, 1e-12, 1e-13, 0.0, 100, 1000));
  PetscCall(SNESVISetVariableBounds(c->snes, c->lower, c->upper));
  PetscCall(SNESSetFromOptions(c->snes));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &c->dini));
  PetscCall(DiniSetSNES(c->dini, c->snes));
  PetscCall(DiniAddParameter(c->dini, "m", c->m, NULL));
  PetscCall(DiniSetParameterType(c->dini, 0, DINIPARAMETERRHS));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ContactDestroy(Contact *c)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&c->dini));
  PetscCall(SNESDestroy(&c->snes));
  PetscCall(MatDestroy(&c->T));
  PetscCall(MatDestroy(&c->J));
  PetscCall(MatDestroy(&c->P));
  PetscCall(VecDestroy(&c->u));
  PetscCall(VecDestroy(&c->F));
  PetscCall(VecDestroy(&c->m));
  PetscCall(VecDestroy(&c->lower));
  PetscCall(VecDestroy(&c->upper));
  PetscCall(VecDestroy(&c->hidden));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* du by central differences of solves; F and the bounds are piecewise linear, so they are exact on one active set */
PetscErrorCode ContactDifferences(Contact *c, Vec dm, Vec du)
{
  const PetscReal h = 1e-4;
  Vec             u;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(c->u, &u));
  PetscCall(VecAXPY(c->m, h, dm));
  PetscCall(VecCopy(c->lower, du));
  PetscCall(SNESSolve(c->snes, NULL, du));
  PetscCall(VecAXPY(c->m, -2.0 * h, dm));
  PetscCall(VecCopy(c->lower, u));
  PetscCall(SNESSolve(c->snes, NULL, u));
  PetscCall(VecAXPY(c->m, h, dm));
  PetscCall(VecAXPY(du, -1.0, u));
  PetscCall(VecScale(du, 0.5 / h));
  PetscCall(VecDestroy(&u));
  PetscFunctionReturn(PETSC_SUCCESS);
}
