/* Faults of the application, put in on purpose, and the verdict on each call: right, refused, named, or a failure */
#include "app.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TOLD_FACTOR 10.0 /* between what Dini says of an error and the truth */
#define TOLD_MOST   1e-2 /* of errors that may be told and not refused */

static const char *const outcomes[] = {
    "right", "told", "refused", "named", "WRONG", "RAW ERROR", "ERROR ON SOME RANKS"};

void FuzzSay(App *app, const char format[], ...)
{
  va_list list;
  int     written;

  if (app->length >= FUZZ_TEXT - 1) return;
  va_start(list, format);
  /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is */
  written = vsnprintf(app->text + app->length, FUZZ_TEXT - app->length, format, list);
  va_end(list);
  if (app->talk && !app->rank) fputs(app->text + app->length, stdout), fflush(stdout);
  app->length = PetscMin(app->length + (size_t)PetscMax(written, 0), FUZZ_TEXT - 1);
}

/* Remembers messages instead of printing them: the last one is what the caller would read first */
PetscErrorCode FuzzHandler(MPI_Comm comm, int line, const char *function, const char *file, PetscErrorCode n,
                           PetscErrorType type, const char *message, void *ctx)
{
  App *app = (App *)ctx;

  (void)comm;
  if (app->talk && !app->trace.dini && !app->trace.own && type == PETSC_ERROR_REPEAT)
    FuzzSay(app, "      from %s() at %s:%d\n", function ? function : "?", file ? file : "?", line);
  if (type == PETSC_ERROR_INITIAL && message) {
    const PetscBool dini = (PetscBool)(function && !strncmp(function, "Dini", 4));

    app->trace.raised++;
    app->trace.dini = dini;
    if (function && !strncmp(function, "Fuzz", 4)) app->trace.own = PETSC_TRUE;
    (void)snprintf(app->trace.text, sizeof(app->trace.text), "%s", message);
    (void)snprintf(app->trace.function, sizeof(app->trace.function), "%s", function ? function : "");
  }
  return n;
}

PetscBool FuzzAvoids(const App *app, const char what[])
{
  return (PetscBool)(app->avoid && strstr(app->avoid, what));
}

void FuzzBegin(App *app, const char what[])
{
  FuzzSay(app, "    %s\n", what);
  app->trace = (Trace){0};
  app->told  = 0.0;
}

void FuzzFail(App *app, Outcome outcome, const char what[], const char why[])
{
  app->count[outcome]++;
  FuzzSay(app, "    *** %s: %s\n", outcomes[outcome], why);
  if (!app->failure[0])
    (void)snprintf(app->failure, sizeof(app->failure), "%s at step %d, %s: %s", outcomes[outcome], (int)app->step, what,
                   why);
}

/* What PETSc's own solvers say of a matrix, in a forward solve of the application */
static PetscBool PETScSays(const Trace *trace)
{
  return (PetscBool)(strstr(trace->text, "Zero diagonal on row") || strstr(trace->text, "singular value as zero") ||
                     strstr(trace->text, "Cannot embed PCPreSolve"));
}

Outcome FuzzEnd(App *app, const char what[], PetscErrorCode ierr)
{
  const int mine[3] = {ierr ? 1 : 0, ierr ? 0 : 1,
                       ierr && (app->trace.dini || app->trace.own || PETScSays(&app->trace)) ? 1 : 0};
  int     all[3];
  Outcome outcome;
  char    why[900];

  (void)MPI_Allreduce(mine, all, 3, MPI_INT, MPI_MAX, app->comm);
  if (!all[0]) {
    if (app->fault.fired) FuzzSay(app, "    succeeds, whatever was injected\n");
    return RIGHT;
  }
  (void)snprintf(why, sizeof(why), "%d, [%s] %.640s", (int)ierr, app->trace.function, app->trace.text);
  if (all[1]) outcome = ONESIDED;
  else if (!all[2]) outcome = RAW;
  else outcome = app->fault.fired ? NAMED : REFUSED;
  if (outcome >= WRONG) FuzzFail(app, outcome, what, why);
  else {
    app->count[outcome]++;
    FuzzSay(app, "    %s: %s\n", outcomes[outcome], why);
    if (outcome == REFUSED && !app->refusal[0])
      (void)snprintf(app->refusal, sizeof(app->refusal), "%s: %.560s", what, app->trace.text);
  }
  app->fault.kind  = FAULT_OFF;
  app->fault.fired = PETSC_FALSE;
  return outcome;
}

/* At the end of a callback, after its last collective call: a NaN to write, or an error */
PetscErrorCode FuzzInject(App *app, FaultPlace place, PetscBool *nan)
{
  Injected *fault = &app->fault;
  PetscBool mine;

  PetscFunctionBeginUser;
  *nan = PETSC_FALSE;
  if (fault->kind == FAULT_OFF || fault->place != place || fault->wait-- > 0) PetscFunctionReturn(PETSC_SUCCESS);
  fault->fired = PETSC_TRUE;
  mine = (PetscBool)(app->rank == fault->rank || fault->kind == FAULT_NAN_ALL || fault->kind == FAULT_ERROR_ALL);
  if (fault->kind == FAULT_NAN_ALL || fault->kind == FAULT_NAN_ONE) *nan = mine;
  else PetscCheck(!mine, PETSC_COMM_SELF, PETSC_ERR_USER, "Injected into the application, place %d", (int)place);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscBool FuzzTold(const App *app, PetscReal distance)
{
  return (PetscBool)(distance <= TOLD_FACTOR * app->told);
}

/* Right, or within a factor of ten of the error that Dini itself reports, or wrong */
void FuzzCompare(App *app, const char what[], PetscReal distance, PetscReal tolerance)
{
  char why[160];

  app->worst = PetscMax(app->worst, distance / tolerance);
  FuzzSay(app, "    %s: off by %.1e\n", what, (double)distance);
  if (distance <= tolerance) {
    app->count[RIGHT]++;
    return;
  }
  if ((distance <= TOLD_MOST || app->demands.unverified) && FuzzTold(app, distance)) {
    FuzzSay(app, "    which is told: %.1e\n", (double)app->told);
    app->count[TOLD]++;
    return;
  }
  (void)snprintf(why, sizeof(why), "off by %.3g of its size, tolerance %.1g, told %.1g", (double)distance,
                 (double)tolerance, (double)app->told);
  FuzzFail(app, WRONG, what, why);
}
