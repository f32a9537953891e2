/* Preconditioners that go wrong: diagonal scaling with a fault that is switched on and off. */
#include "fixtures.h"

const char *const FaultyPCNames[] = {
    "none",          "wrong transpose", "zero transpose",    "spoils its input",         "NaN at times",
    "NaN transpose", "drifts",          "fails on one rank", "set-up fails on one rank", "returns an error"};

static PetscErrorCode Mine(PC pc, PetscBool *last)
{
  PetscMPIInt rank, size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PetscObjectComm((PetscObject)pc), &rank));
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)pc), &size));
  *last = (PetscBool)(rank == size - 1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Everything of this rank's part becomes value. */
static PetscErrorCode Poison(Vec y, PetscReal value)
{
  PetscScalar *a;
  PetscInt     n;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(y, &n));
  PetscCall(VecGetArray(y, &a));
  for (PetscInt i = 0; i < n; i++) a[i] = value;
  PetscCall(VecRestoreArray(y, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUp(PC pc)
{
  FaultyPC *f;
  Mat       P;
  PetscBool last;

  PetscFunctionBeginUser;
  PetscCall(PCShellGetContext(pc, &f));
  PetscCall(PCGetOperators(pc, NULL, &P));
  PetscCall(Mine(pc, &last));
  if (!f->d) PetscCall(MatCreateVecs(P, NULL, &f->d));
  PetscCall(MatGetDiagonal(P, f->d));
  PetscCall(VecReciprocal(f->d));
  PetscCall(PCSetFailedReason(pc, PC_NOERROR));
  if (f->armed && f->fault == FAULTYPC_SETUP_ONE && last) PetscCall(PCSetFailedReason(pc, PC_FACTOR_NUMERIC_ZEROPIVOT));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Fault of an apply in either direction; y is the right answer on entry. */
static PetscErrorCode Spoil(PC pc, FaultyPC *f, PetscBool transposed, Vec x, Vec y)
{
  PetscBool last;

  PetscFunctionBeginUser;
  if (!f->armed) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Mine(pc, &last));
  f->applies++;
  switch (f->fault) {
  case FAULTYPC_TRANSPOSE_WRONG: /* not a multiple of the right one, and not near it */
    if (transposed) PetscCall(VecPointwiseMult(y, y, f->w));
    break;
  case FAULTYPC_TRANSPOSE_ZERO:
    if (transposed) PetscCall(VecSet(y, 0.0));
    break;
  case FAULTYPC_SPOIL:
    if (transposed) PetscCall(VecSet(x, 0.0));
    break;
  case FAULTYPC_NAN:
    if (f->applies % 7 == 0 && last) PetscCall(Poison(y, NAN));
    break;
  case FAULTYPC_TRANSPOSE_NAN:
    if (transposed && last) PetscCall(Poison(y, NAN));
    break;
  case FAULTYPC_DRIFT:
    PetscCall(VecScale(y, 1.0 + 0.05 * (PetscReal)(f->applies % 11)));
    break;
  case FAULTYPC_ONE:
    if (last) {
      PetscCall(PCSetFailedReason(pc, PC_SUBPC_ERROR));
      PetscCall(Poison(y, PETSC_INFINITY));
    }
    break;
  case FAULTYPC_ERROR:
    SETERRQ(PetscObjectComm((PetscObject)pc), PETSC_ERR_USER, "An error from the preconditioner");
  default:
    break;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Apply(PC pc, Vec x, Vec y)
{
  FaultyPC *f;

  PetscFunctionBeginUser;
  PetscCall(PCShellGetContext(pc, &f));
  PetscCall(VecPointwiseMult(y, x, f->d));
  PetscCall(Spoil(pc, f, PETSC_FALSE, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ApplyTranspose(PC pc, Vec x, Vec y)
{
  FaultyPC *f;

  PetscFunctionBeginUser;
  PetscCall(PCShellGetContext(pc, &f));
  PetscCall(VecPointwiseMult(y, x, f->d));
  if (f->fault == FAULTYPC_TRANSPOSE_WRONG && !f->w) PetscCall(DiniTestVec(y, 77, &f->w));
  PetscCall(Spoil(pc, f, PETSC_TRUE, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FaultyPCSet(PC pc, FaultyPCFault fault, FaultyPC *f)
{
  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(f, sizeof(*f)));
  f->fault = fault;
  PetscCall(PCSetType(pc, PCSHELL));
  PetscCall(PCShellSetContext(pc, f));
  PetscCall(PCShellSetSetUp(pc, SetUp));
  PetscCall(PCShellSetApply(pc, Apply));
  PetscCall(PCShellSetApplyTranspose(pc, ApplyTranspose));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FaultyPCDestroy(FaultyPC *f)
{
  PetscFunctionBeginUser;
  PetscCall(VecDestroy(&f->d));
  PetscCall(VecDestroy(&f->w));
  PetscFunctionReturn(PETSC_SUCCESS);
}
