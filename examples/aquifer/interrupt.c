/* A signal ends an inversion after the iteration that it meets, and what there is by then is reported and written. It may reach
   one rank or all: Tao's convergence test asks them once an iteration. The signals are SIGINT; SIGTERM, which Open MPI's mpiexec
   makes of Ctrl-C; and SIGUSR1, which batch systems send ahead of the end of the time, and mpiexec passes on. */
#include "aquifer.h"
#include <signal.h>

enum { PATIENCE = 3 }; /* the signal after so many ends the program at once */

static const int signals[] = {SIGINT, SIGTERM, SIGUSR1};

/* All that a handler may touch, and it is handed no context */
static volatile sig_atomic_t caught, count;

static void Catch(int number)
{
  caught = number;
  if (++count >= PATIENCE) (void)signal(number, SIG_DFL);
}

void InterruptWatch(PetscBool watch)
{
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(signals); k++) (void)signal(signals[k], watch ? Catch : SIG_DFL);
}

/* The signal that has reached any rank, or 0 */
PetscErrorCode InterruptGet(MPI_Comm comm, int *number)
{
  PetscFunctionBeginUser;
  *number = (int)caught;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, number, 1, MPI_INT, MPI_MAX, comm));
  PetscFunctionReturn(0);
}

/* Tao's convergence test. -aquifer_check_interrupt: the last rank alone gets a signal */
PetscErrorCode InterruptTest(Tao tao, void *ctx)
{
  Inversion         *inv = (Inversion *)ctx;
  MPI_Comm           comm;
  PetscMPIInt        rank, size;
  PetscInt           its;
  TaoConvergedReason reason;

  PetscFunctionBeginUser;
  PetscCall(PetscObjectGetComm((PetscObject)tao, &comm));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(TaoDefaultConvergenceTest(tao, NULL));
  PetscCall(TaoGetSolutionStatus(tao, &its, NULL, NULL, NULL, NULL, &reason));
  if (its > 0 && its == inv->options->check_interrupt && rank == size - 1) (void)raise(SIGINT);
  PetscCall(InterruptGet(comm, &inv->signal));
  if (inv->signal && reason == TAO_CONTINUE_ITERATING) PetscCall(TaoSetConvergedReason(tao, TAO_CONVERGED_USER));
  PetscFunctionReturn(0);
}
