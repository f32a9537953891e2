/* Expected errors: code and words are asserted on every rank. */
#include "dinitest.h"
#if defined(__SANITIZE_ADDRESS__)
  #include <sanitizer/lsan_interface.h>
#else /* what an error leaves behind is not a leak of the test */
  #define __lsan_disable() ((void)0)
  #define __lsan_enable()  ((void)0)
#endif

/* All messages of the errors raised since DiniTestCatch(), one after the other. */
static char messages[8192];
/* Functions that were under way then: a debug PETSc keeps those that an error has left, and takes them for the caller's */
static int depth;

static PetscErrorCode Record(MPI_Comm comm, int line, const char fun[], const char file[], PetscErrorCode code,
                             PetscErrorType type, const char message[], void *ctx)
{
  size_t used = 0;

  (void)comm;
  (void)line;
  (void)fun;
  (void)file;
  (void)ctx;
  if (type == PETSC_ERROR_INITIAL && message) {
    while (messages[used]) used++;
    for (size_t i = 0; message[i] && used < sizeof(messages) - 2; i++) messages[used++] = message[i];
    messages[used++] = '\n';
    messages[used]   = 0;
  }
  return code;
}

PetscErrorCode DiniTestCatch(void)
{
  depth = DiniTestStackDepth();
  PetscFunctionBeginUser;
  messages[0] = 0;
  PetscCall(PetscPushErrorHandler(Record, NULL));
  __lsan_disable();
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Release(void)
{
  PetscFunctionBeginUser;
  __lsan_enable();
  PetscCall(PetscPopErrorHandler());
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniTestRelease(void)
{
  DiniTestStackRestore(depth);
  PetscFunctionBeginUser;
  PetscCall(Release());
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniTestCaught(PetscErrorCode found, PetscErrorCode expected, const char words[], const char call[],
                              const char file[], int line)
{
  char       *at;
  int         good[2], all[2];
  PetscMPIInt rank;

  DiniTestStackRestore(depth);
  PetscFunctionBeginUser;
  PetscCall(Release());
  PetscCall(PetscStrstr(messages, words, &at));
  good[0] = expected ? found == expected : found != 0;
  good[1] = at != NULL;
  PetscCallMPI(MPI_Allreduce(good, all, 1, MPI_INT, MPI_MIN, PETSC_COMM_WORLD));
  PetscCallMPI(MPI_Allreduce(good + 1, all + 1, 1, MPI_INT, expected ? MPI_MIN : MPI_MAX, PETSC_COMM_WORLD));
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  if (!good[0] || !all[1])
    PetscCall(PetscFPrintf(PETSC_COMM_SELF, PETSC_STDERR,
                           "%s:%d rank %d: %s gave %d, expected %d with \"%s\"; messages:\n%s", file, line, rank, call,
                           (int)found, (int)expected, words, messages));
  PetscCallMPI(MPI_Barrier(PETSC_COMM_WORLD));
  DiniTestTrue(all[0] && all[1], "%s:%d: %s did not fail as expected", file, line, call);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniTestForgiveLeaks(void)
{
  PetscFunctionBeginUser;
  PetscCall(PetscOptionsClearValue(NULL, "-malloc_dump"));
  PetscCall(PetscOptionsClearValue(NULL, "-malloc_debug")); /* checks on until the end, where it would dump as well */
  PetscFunctionReturn(PETSC_SUCCESS);
}

const char *DiniTestMessages(void)
{
  return messages;
}

PetscErrorCode DiniTestRightOrError(PetscErrorCode ierr, Vec found, Vec expected, PetscReal rtol, const char what[],
                                    PetscBool *right)
{
  int mine[2], all[2];

  DiniTestStackRestore(depth);
  PetscFunctionBeginUser;
  PetscCall(Release());
  mine[0] = (int)ierr;
  mine[1] = -(int)ierr;
  PetscCallMPI(MPI_Allreduce(mine, all, 2, MPI_INT, MPI_MAX, PETSC_COMM_WORLD));
  DiniTestTrue(all[0] == -all[1], "%s: the error codes of the ranks range from %d to %d", what, -all[1], all[0]);
  *right = (PetscBool)!ierr;
  if (!ierr) PetscCall(DiniTestVecsClose(found, expected, rtol, what));
  PetscFunctionReturn(PETSC_SUCCESS);
}
