/*
  Memory in PetscMalloc(), high-water marks: of the forward solve, and of what each way to the gradient adds to it. External
  packages allocate on their own: a factorisation by MUMPS is not seen here.
*/
#include "benchmark.h"

static const char *const methods[] = {"expert", "naive", "dini"};

/* The peak of a forward solve and of what follows it, both above the memory of a program that has not solved yet */
static PetscErrorCode Peak(MPI_Comm comm, Method method, PetscBool gradient, PetscLogDouble *peak, PetscInt *n)
{
  Bench bench;

  PetscFunctionBeginUser;
  PetscCall(BenchCreate(comm, &bench));
  PetscCall(VecGetLocalSize(bench.problem.u, n));
  PetscCall(PetscMallocPushMaximumUsage(0));
  PetscCall(BenchForward(&bench, method));
  if (gradient) PetscCall(BenchGradient(&bench, method, PETSC_FALSE));
  PetscCall(PetscMallocPopMaximumUsage(0, peak));
  PetscCall(BenchDestroy(&bench));
  PetscFunctionReturn(0);
}

PetscErrorCode MeasureMemory(MPI_Comm comm, Row *row)
{
  PetscLogDouble forward, peak, resident;
  PetscBool      counts;
  PetscInt       n;
  char           name[32];

  PetscFunctionBeginUser;
  PetscCall(PetscMallocGetDebug(&counts, NULL, NULL));
  PetscCheck(counts, comm, PETSC_ERR_USER_INPUT, "-mode memory needs PETSc to count: run with -malloc_dump");
  PetscCall(PetscMemorySetGetMaximumUsage());
#if !defined(PetscLogMemory)   /* a constant in builds without logging */
  PetscLogMemory = PETSC_TRUE; /* else nothing is counted between push and pop */
#endif
  PetscCall(Peak(comm, METHOD_EXPERT, PETSC_FALSE, &forward, &n)); /* what PETSc allocates once, it has now */
  PetscCall(Peak(comm, METHOD_EXPERT, PETSC_FALSE, &forward, &n));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &forward, 1, MPI_DOUBLE, MPI_MAX, comm));
  PetscCall(RowReal(row, "forward_megabytes", (PetscReal)(forward / 1e6)));
  for (Method method = 0; method < METHOD_MAX; method++) {
    PetscCall(Peak(comm, method, PETSC_TRUE, &peak, &n));
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &peak, 1, MPI_DOUBLE, MPI_MAX, comm));
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &n, 1, MPIU_INT, MPI_MAX, comm));
    PetscCall(PetscSNPrintf(name, sizeof(name), "%s_vectors", methods[method]));
    PetscCall(RowReal(row, name, (PetscReal)((peak - forward) / (sizeof(PetscScalar) * (double)n))));
  }
  PetscCall(PetscMemoryGetMaximumUsage(&resident));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &resident, 1, MPI_DOUBLE, MPI_MAX, comm));
  PetscCall(RowReal(row, "resident_megabytes", (PetscReal)(resident / 1e6)));
  PetscFunctionReturn(0);
}
