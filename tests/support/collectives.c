/* MPI's collectives, counted. PETSc's headers would put macros in place of these names, so they are not included. */
#include <mpi.h>
#include "collectives.h"

static Collectives count;

Collectives CollectivesCount(void)
{
  return count;
}

int MPI_Allreduce(const void *send, void *recv, int n, MPI_Datatype type, MPI_Op op, MPI_Comm comm)
{
  count.reductions++;
  return PMPI_Allreduce(send, recv, n, type, op, comm);
}

int MPI_Iallreduce(const void *send, void *recv, int n, MPI_Datatype type, MPI_Op op, MPI_Comm comm,
                   MPI_Request *request)
{
  count.reductions++;
  return PMPI_Iallreduce(send, recv, n, type, op, comm, request);
}

int MPI_Reduce(const void *send, void *recv, int n, MPI_Datatype type, MPI_Op op, int root, MPI_Comm comm)
{
  count.reductions++;
  return PMPI_Reduce(send, recv, n, type, op, root, comm);
}

int MPI_Scan(const void *send, void *recv, int n, MPI_Datatype type, MPI_Op op, MPI_Comm comm)
{
  count.scans++;
  return PMPI_Scan(send, recv, n, type, op, comm);
}

int MPI_Exscan(const void *send, void *recv, int n, MPI_Datatype type, MPI_Op op, MPI_Comm comm)
{
  count.scans++;
  return PMPI_Exscan(send, recv, n, type, op, comm);
}

int MPI_Bcast(void *buffer, int n, MPI_Datatype type, int root, MPI_Comm comm)
{
  count.others++;
  return PMPI_Bcast(buffer, n, type, root, comm);
}

int MPI_Barrier(MPI_Comm comm)
{
  count.others++;
  return PMPI_Barrier(comm);
}

int MPI_Allgather(const void *send, int n, MPI_Datatype type, void *recv, int m, MPI_Datatype rtype, MPI_Comm comm)
{
  count.others++;
  return PMPI_Allgather(send, n, type, recv, m, rtype, comm);
}

int MPI_Comm_dup(MPI_Comm comm, MPI_Comm *copy)
{
  count.others++;
  return PMPI_Comm_dup(comm, copy);
}
