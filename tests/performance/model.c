/* Counts, not seconds, for the scaling model: flops, messages, words and reductions of a forward solve and of a gradient. */
#include "benchmark.h"

typedef struct {
  PetscLogDouble flops, messages, bytes, reductions;
} Counts;

/* PETSc's own counters on this process; what MUMPS or hypre send is not in them */
static PetscErrorCode Count(Counts *counts)
{
  PetscFunctionBeginUser;
  PetscCall(PetscGetFlops(&counts->flops));
  counts->messages   = petsc_isend_ct + petsc_send_ct;
  counts->bytes      = petsc_isend_len + petsc_send_len;
  counts->reductions = petsc_allreduce_ct + petsc_gather_ct + petsc_scatter_ct;
  PetscFunctionReturn(0);
}

/* Since the given counts: the sum over processes, and the greatest of one process */
static PetscErrorCode RowCounts(MPI_Comm comm, Row *row, const char what[], const Counts *since)
{
  static const char *const names[] = {"flops", "messages", "words", "reductions"};
  Counts                   now;
  PetscLogDouble           mine[4], sum[4], most[4];
  char                     name[64];

  PetscFunctionBeginUser;
  PetscCall(Count(&now));
  mine[0] = now.flops - since->flops;
  mine[1] = now.messages - since->messages;
  mine[2] = (now.bytes - since->bytes) / (PetscLogDouble)sizeof(PetscScalar);
  mine[3] = now.reductions - since->reductions;
  PetscCallMPI(MPI_Allreduce(mine, sum, 4, MPI_DOUBLE, MPI_SUM, comm));
  PetscCallMPI(MPI_Allreduce(mine, most, 4, MPI_DOUBLE, MPI_MAX, comm));
  for (int k = 0; k < 4; k++) {
    PetscCall(PetscSNPrintf(name, sizeof(name), "%s_%s", what, names[k]));
    PetscCall(RowReal(row, name, (PetscReal)sum[k]));
    PetscCall(PetscSNPrintf(name, sizeof(name), "%s_%s_max", what, names[k]));
    PetscCall(RowReal(row, name, (PetscReal)most[k]));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MeasureModel(Bench *bench, Row *row)
{
  MPI_Comm comm = PetscObjectComm((PetscObject)bench->dini);
  Counts   before;

  PetscFunctionBeginUser;
  PetscCall(BenchRun(bench, METHOD_DINI, PETSC_FALSE)); /* the guards and the probe, once for each object */
  PetscCallMPI(MPI_Barrier(comm));
  PetscCall(Count(&before));
  PetscCall(BenchForward(bench, METHOD_DINI));
  PetscCall(RowCounts(comm, row, "forward", &before));
  PetscCall(Count(&before));
  PetscCall(BenchGradient(bench, METHOD_DINI, PETSC_FALSE));
  PetscCall(RowCounts(comm, row, "gradient", &before));
  PetscCall(RowInteger(row, "newton_iterations", bench->newton));
  PetscCall(RowInteger(row, "forward_iterations", bench->krylov));
  PetscCall(RowInteger(row, "gradient_iterations", bench->iterations));
  PetscFunctionReturn(0);
}
