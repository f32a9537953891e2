#include "fixtures.h"

static PetscErrorCode Raise(Fault fault, MPI_Comm comm)
{
  PetscMPIInt rank, size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCheck(fault != FAULT_ERROR, PETSC_COMM_SELF, PETSC_ERR_USER, "the callback broke everywhere");
  PetscCheck(fault != FAULT_ERROR_ONE || rank < size - 1, PETSC_COMM_SELF, PETSC_ERR_USER,
             "the callback broke on the last rank");
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FaultInject(Fault fault, Vec v)
{
  PetscInt lo, hi, N;

  PetscFunctionBeginUser;
  PetscCall(VecGetSize(v, &N));
  PetscCall(VecGetOwnershipRange(v, &lo, &hi));
  if (fault == FAULT_NAN) {
    PetscScalar *a;

    PetscCall(VecGetArray(v, &a)); /* on all ranks: their norms are cached together */
    if (lo < hi && hi == N) a[hi - lo - 1] = (PetscScalar)NAN;
    PetscCall(VecRestoreArray(v, &a));
  }
  if (fault == FAULT_WRONG) PetscCall(VecScale(v, 1.5));
  PetscCall(Raise(fault, PetscObjectComm((PetscObject)v)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FaultInjectMat(Fault fault, Mat A)
{
  Vec d;

  PetscFunctionBeginUser;
  if (fault == FAULT_NAN || fault == FAULT_WRONG) { /* a wrong diagonal is wrong for any fixture */
    PetscCall(MatCreateVecs(A, NULL, &d));
    PetscCall(MatGetDiagonal(A, d));
    PetscCall(FaultInject(fault, d));
    PetscCall(MatDiagonalSet(A, d, INSERT_VALUES));
    PetscCall(VecDestroy(&d));
  }
  PetscCall(Raise(fault, PetscObjectComm((PetscObject)A)));
  PetscFunctionReturn(PETSC_SUCCESS);
}
