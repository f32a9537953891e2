#include "fixtures.h"

static PetscErrorCode SetUp(PC pc)
{
  CountingPC *c;
  Mat         P;

  PetscFunctionBeginUser;
  PetscCall(PCShellGetContext(pc, &c));
  PetscCall(PCGetOperators(pc, NULL, &P));
  if (!c->d) PetscCall(MatCreateVecs(P, NULL, &c->d));
  PetscCall(MatGetDiagonal(P, c->d));
  PetscCall(VecReciprocal(c->d));
  c->setups++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Apply(PC pc, Vec x, Vec y)
{
  CountingPC *c;

  PetscFunctionBeginUser;
  PetscCall(PCShellGetContext(pc, &c));
  c->applies++;
  PetscCall(VecPointwiseMult(y, x, c->d));
  PetscCall(VecScale(y, c->apply_scale));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A wrong transpose is not a multiple of the right one: its entries alternate. */
static PetscErrorCode ApplyTranspose(PC pc, Vec x, Vec y)
{
  CountingPC  *c;
  PetscScalar *a;
  PetscInt     n;

  PetscFunctionBeginUser;
  PetscCall(PCShellGetContext(pc, &c));
  c->transposes++;
  PetscCall(VecPointwiseMult(y, x, c->d));
  PetscCall(VecGetLocalSize(y, &n));
  PetscCall(VecGetArray(y, &a));
  for (PetscInt i = 0; i < n; i += 2) a[i] *= c->transpose_scale;
  PetscCall(VecRestoreArray(y, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode CountingPCSet(PC pc, CountingPC *c)
{
  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(c, sizeof(*c)));
  c->transpose_scale = 1.0;
  c->apply_scale     = 1.0;
  PetscCall(PCSetType(pc, PCSHELL));
  PetscCall(PCShellSetContext(pc, c));
  PetscCall(PCShellSetSetUp(pc, SetUp));
  PetscCall(PCShellSetApply(pc, Apply));
  PetscCall(PCShellSetApplyTranspose(pc, ApplyTranspose));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode CountingPCDestroy(CountingPC *c)
{
  PetscFunctionBeginUser;
  PetscCall(VecDestroy(&c->d));
  PetscFunctionReturn(PETSC_SUCCESS);
}
