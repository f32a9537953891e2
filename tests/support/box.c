#include "fixtures.h"

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  Box *b = (Box *)ctx;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(VecPointwiseMult(b->w, u, u));
  PetscCall(VecPointwiseMult(b->w, b->w, u));
  PetscCall(VecAYPX(b->w, b->cube, u));
  PetscCall(MatMult(b->T, b->w, F));
  PetscCall(VecAXPY(F, -1.0, b->m));
  PetscCall(VecShift(F, -b->e));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  Box *b = (Box *)ctx;

  PetscFunctionBeginUser;
  (void)snes;
  (void)J;
  PetscCall(MatCopy(b->T, P, SAME_NONZERO_PATTERN));
  PetscCall(VecPointwiseMult(b->w, u, u));
  PetscCall(VecScale(b->w, 3.0 * b->cube));
  PetscCall(VecShift(b->w, 1.0));
  PetscCall(MatDiagonalScale(P, NULL, b->w)); /* what couples entries is nonlinear too */
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BoxCreate(PetscInt N, PetscReal off, PetscReal cube, SNESType type, Box *b)
{
  PetscInt  lo, hi;
  PetscBool plain;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(b, sizeof(*b)));
  b->off  = off;
  b->cube = cube;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, 3, NULL, 2, NULL, &b->T));
  PetscCall(MatGetOwnershipRange(b->T, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) {
    PetscCall(MatSetValue(b->T, i, i, 2.0 + 0.1 * (PetscReal)(i % 4), INSERT_VALUES));
    if (i > 0) PetscCall(MatSetValue(b->T, i, i - 1, -off, INSERT_VALUES));
    if (i + 1 < N) PetscCall(MatSetValue(b->T, i, i + 1, -0.5 * off, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(b->T, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(b->T, MAT_FINAL_ASSEMBLY));
  PetscCall(MatDuplicate(b->T, MAT_COPY_VALUES, &b->J));
  PetscCall(MatCreateVecs(b->T, &b->u, &b->m));
  PetscCall(VecDuplicate(b->u, &b->lower));
  PetscCall(VecDuplicate(b->u, &b->upper));
  PetscCall(VecDuplicate(b->u, &b->F)); /* SNESVISetVariableBounds() asks for it */
  PetscCall(VecDuplicate(b->u, &b->w));
  PetscCall(VecSet(b->lower, PETSC_NINFINITY));
  PetscCall(VecSet(b->upper, PETSC_INFINITY));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &b->snes));
  PetscCall(SNESSetType(b->snes, type));
  PetscCall(SNESSetFunction(b->snes, b->F, Residual, b));
  PetscCall(SNESSetJacobian(b->snes, b->J, b->J, Jacobian, b));
  PetscCall(SNESSetTolerances(b->snes, 1e-13, 1e-14, 0.0, 100, 1000));
  PetscCall(PetscStrcmp(type, SNESNEWTONLS, &plain)); /* refuses bounds */
  if (!plain) PetscCall(SNESVISetVariableBounds(b->snes, b->lower, b->upper));
  PetscCall(SNESSetFromOptions(b->snes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BoxDini(Box *b)
{
  PetscFunctionBeginUser;
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &b->dini));
  PetscCall(DiniSetSNES(b->dini, b->snes));
  PetscCall(DiniAddParameter(b->dini, "m", b->m, &b->p));
  PetscCall(DiniSetParameterType(b->dini, b->p, DINIPARAMETERRHS));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BoxDestroy(Box *b)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&b->dini));
  PetscCall(SNESDestroy(&b->snes));
  PetscCall(MatDestroy(&b->T));
  PetscCall(MatDestroy(&b->J));
  PetscCall(MatDestroy(&b->Fm));
  PetscCall(VecDestroy(&b->u));
  PetscCall(VecDestroy(&b->m));
  PetscCall(VecDestroy(&b->lower));
  PetscCall(VecDestroy(&b->upper));
  PetscCall(VecDestroy(&b->F));
  PetscCall(VecDestroy(&b->w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BoxFill(Vec v, PetscInt seed)
{
  PetscFunctionBeginUser;
  PetscCall(DiniTestFill(v, seed));
  PetscCall(VecRealPart(v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BoxExpect(Dini dini, PetscInt nheld, PetscInt nweak)
{
  IS       held, weak;
  PetscInt n;

  PetscFunctionBeginUser;
  PetscCall(DiniGetActiveSet(dini, &held, &weak));
  PetscCall(ISGetSize(held, &n));
  DiniTestCount(n, nheld, "entries held at a bound");
  PetscCall(ISGetSize(weak, &n));
  DiniTestCount(n, nweak, "weakly active entries");
  PetscFunctionReturn(PETSC_SUCCESS);
}
