static char help[] =
    "Random problems, held against what is known of them without Dini.\n"
    "  -mode <relation> relations, solvers and sequences of calls against dense derivatives; continuation: "
    "DiniContinue()\n"
    "                  on known diagrams; and with SLEPc posterior: Gaussian ones against closed forms; eigen: "
    "derivatives\n"
    "                  of eigenpairs against perturbation theory\n"
    "  -first <1>      seed of the first case\n"
    "  -cases <100>    number of cases\n"
    "  -seed <n>       one case, described as it runs\n"
    "  -journal <file> gets the seed of each case before it runs\n"
    "  -limit <60>     seconds that a case may take\n"
    "  -refusals       lists what was refused, and how often\n"
    "  -avoid <words>  leaves out: monitor, units, spread, range, context, raw, ghosted, nested, fault, spoil, "
    "extreme,\n"
    "                  hessian, second\n"
    "Exits with 1 where a result was wrong, an error was not Dini's own, or was raised on some ranks only.\n";

#include "modes.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef PetscErrorCode CaseFn(App *);

typedef struct {
  CaseFn   *mode;
  PetscInt  first, cases, limit;
  PetscBool one, refusals;
  char      avoid[160];
  char      journal[PETSC_MAX_PATH_LEN];
} Run;

/* for the signal handler only, which may write and nothing else */
static const App *running;
static char       crash[80], hang[80];

static void Stopped(int signal)
{
  const char *text = signal == SIGALRM ? hang : crash;

  if (running && write(STDERR_FILENO, running->text, running->length) < 0) _exit(70);
  if (write(STDERR_FILENO, text, sizeof(crash)) < 0) _exit(70);
  _exit(signal == SIGALRM ? 72 : 71);
}

/* The communicator of a case: the world, a copy, one of two halves, or the world in reverse order */
static PetscErrorCode Communicator(Random *random, MPI_Comm *comm)
{
  PetscMPIInt    rank, size;
  const PetscInt pick = RandomInt(random, 6);

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  if (pick == 0) PetscCallMPI(MPI_Comm_split(PETSC_COMM_WORLD, rank % 2, rank, comm));
  else if (pick == 1) PetscCallMPI(MPI_Comm_split(PETSC_COMM_WORLD, 0, size - rank, comm));
  else PetscCallMPI(MPI_Comm_dup(PETSC_COMM_WORLD, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FuzzCase(App *app)
{
  static const char *const types[] = {"snes", "ksp", "fixedpoint", "shell"};
  const Type               type    = (Type)RandomInt(&app->random, 5);
  Point                    at;

  PetscFunctionBeginUser;
  PetscCall(RelationDraw(&app->R, type > TYPE_SHELL ? TYPE_SNES : type, FuzzAvoids(app, "units"),
                         FuzzAvoids(app, "spread"), FuzzAvoids(app, "range"), &app->random));
  FuzzSay(app, "  type %s, %d unknowns in %d fields, %d parameters in %d blocks%s%s%s%s, %d ranks\n",
          types[app->R.type], (int)app->R.N, (int)app->R.fields, (int)app->R.M, (int)app->R.nb,
          app->R.affine ? ", affine in u" : "", app->R.symmetric ? ", symmetric" : "",
          app->R.imaginary ? ", complex" : "", app->R.wide ? ", unlike units" : "", (int)app->size);
  if (!OracleAt(&app->R, 1.0, app->R.v, app->R.q, &at)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(OracleVerify(&app->R, &at));
  PetscCall(OptionsDraw(app));
  FuzzSay(app, "  Jacobian kind %d%s\n", (int)app->jacobian, app->dense ? ", dense" : "");
  PetscCall(AppCreate(app));
  PetscCall(SequenceRun(app));
  PetscCall(AppDestroy(app));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RunCase(PetscInt seed, const Run *run, App *app)
{
  MPI_Comm       comm;
  PetscErrorCode ierr;
  char           why[800];

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(app, sizeof(*app)));
  app->random.state = (uint64_t)seed * 0x2545f4914f6cdd1dULL + 1;
  app->talk         = run->one;
  app->avoid        = run->avoid;
  PetscCall(Communicator(&app->random, &comm));
  app->comm = comm;
  PetscCallMPI(MPI_Comm_rank(comm, &app->rank));
  PetscCallMPI(MPI_Comm_size(comm, &app->size));
  FuzzSay(app, "case %ld\n", (long)seed);
  running = app;
  (void)snprintf(crash, sizeof(crash), "\nFAIL seed %ld: crash on rank %d\n", (long)seed, (int)app->rank);
  (void)snprintf(hang, sizeof(hang), "\nFAIL seed %ld: hang on rank %d\n", (long)seed, (int)app->rank);
  (void)alarm((unsigned)run->limit);
  PetscCall(PetscPushErrorHandler(FuzzHandler, app));
  FuzzBegin(app, "creation");
  ierr = run->mode(app);
  PetscCall(PetscPopErrorHandler());
  (void)alarm(0);
  if (ierr) {
    (void)snprintf(why, sizeof(why), "%d, [%s] %.600s", (int)ierr, app->trace.function, app->trace.text);
    FuzzFail(app, RAW, "a call of the application", why);
  }
  PetscCall(OptionsClear(app));
  running = NULL;
  PetscCallMPI(MPI_Comm_free(&comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The verdict of any rank is that of all: halves of the world may differ */
static PetscErrorCode Report(PetscInt seed, const Run *run, const App *app, PetscInt total[], PetscInt *failed)
{
  PetscInt    count[OUTCOMES];
  PetscMPIInt rank;
  PetscBool   bad;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCallMPI(MPI_Allreduce(app->count, count, OUTCOMES, MPIU_INT, MPI_MAX, PETSC_COMM_WORLD));
  for (int o = 0; o < OUTCOMES; o++) total[o] += count[o];
  bad = (PetscBool)(count[WRONG] || count[RAW] || count[ONESIDED]);
  if (bad) (*failed)++;
  if (app->failure[0] && !app->rank) {
    printf("FAIL seed %ld: %s\n", (long)seed, app->failure);
    (void)fflush(stdout);
  }
  if (run->refusals && app->refusal[0] && !app->rank) printf("refused, seed %ld: %s\n", (long)seed, app->refusal);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Options(Run *run)
{
#if defined(FUZZ_SLEPC)
  static CaseFn *const     modes[] = {FuzzCase, ModeContinuation, ModePosterior, ModeEigen};
  static const char *const names[] = {"relation", "continuation", "posterior", "eigen"};
#else
  static CaseFn *const     modes[] = {FuzzCase, ModeContinuation};
  static const char *const names[] = {"relation", "continuation"};
#endif
  PetscInt seed = 0, mode = 0;

  PetscFunctionBeginUser;
  *run = (Run){.first = 1, .cases = 100, .limit = 60};
  PetscCall(PetscOptionsGetEList(NULL, NULL, "-mode", names, PETSC_STATIC_ARRAY_LENGTH(names), &mode, NULL));
  run->mode = modes[mode];
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-first", &run->first, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-cases", &run->cases, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-limit", &run->limit, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-seed", &seed, &run->one));
  PetscCall(PetscOptionsGetBool(NULL, NULL, "-refusals", &run->refusals, NULL));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-avoid", run->avoid, sizeof(run->avoid), NULL));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-journal", run->journal, sizeof(run->journal), NULL));
  if (run->one) {
    run->first = seed;
    run->cases = 1;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RunAll(const Run *run, PetscInt *failed)
{
  PetscInt    total[OUTCOMES] = {0};
  PetscMPIInt rank, size;
  App        *app;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(PetscNew(&app));
  for (PetscInt seed = run->first; seed < run->first + run->cases; seed++) {
    if (run->journal[0] && !rank) {
      FILE *journal = fopen(run->journal, "w");

      if (journal) {
        (void)fprintf(journal, "%ld\n", (long)seed);
        (void)fclose(journal);
      }
    }
    PetscCall(RunCase(seed, run, app));
    PetscCall(Report(seed, run, app, total, failed));
  }
  PetscCall(PetscFree(app));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD,
                        "fuzz: seeds %" PetscInt_FMT " to %" PetscInt_FMT " on %d ranks: %" PetscInt_FMT
                        " right, %" PetscInt_FMT " told, %" PetscInt_FMT " refused, %" PetscInt_FMT
                        " named, %" PetscInt_FMT " wrong, %" PetscInt_FMT " raw errors, %" PetscInt_FMT
                        " on some ranks only; %" PetscInt_FMT " cases failed\n",
                        run->first, run->first + run->cases - 1, (int)size, total[RIGHT], total[TOLD], total[REFUSED],
                        total[NAMED], total[WRONG], total[RAW], total[ONESIDED], *failed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscInt failed = 0;
  Run      run;

  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscPopSignalHandler());
  for (int s = 0; s < 5; s++) (void)signal((const int[]){SIGSEGV, SIGFPE, SIGABRT, SIGBUS, SIGALRM}[s], Stopped);
  PetscCall(Options(&run));
  PetscCall(RunAll(&run, &failed));
  PetscCall(PetscFinalize());
  return failed ? 1 : 0;
}
