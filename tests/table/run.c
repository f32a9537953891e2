/* One case: forward solve, VJP, comparison, forward solve again. Nothing that goes wrong in it goes further. */
#include "table.h"

const char *const TableOutcomes[] = {"right", "error",         "forward fails", "not applicable",
                                     "WRONG", "UNCLEAR ERROR", "BROKEN"};

/* The error raised last: PETSc's libraries and Dini raise, callers repeat */
typedef struct {
  char message[1024], function[128];
} Raised;

static PetscErrorCode Record(MPI_Comm comm, int line, const char fun[], const char file[], PetscErrorCode code,
                             PetscErrorType type, const char message[], void *ctx)
{
  Raised *r = (Raised *)ctx;

  (void)comm;
  (void)line;
  (void)file;
  if (type == PETSC_ERROR_INITIAL) {
    size_t n = 0;

    for (; message && message[n] && n < sizeof(r->message) - 1; n++) r->message[n] = message[n];
    r->message[n] = 0;
    for (n = 0; fun && fun[n] && n < sizeof(r->function) - 1; n++) r->function[n] = fun[n];
    r->function[n] = 0;
  }
  return code;
}

/* Takes the options out again; after a failure some have never been read, and that is no fault. */
static PetscErrorCode ClearOptions(const char options[], PetscBool *unread)
{
  char    **tokens;
  int       n;
  int       counted, used;
  PetscBool mine, optional;

  PetscFunctionBeginUser;
  *unread = PETSC_FALSE;
  PetscCall(PetscStrToArray(options, ' ', &n, &tokens));
  for (int i = 0; i < n; i++) {
    if (tokens[i][0] != '-' || (tokens[i][1] >= '0' && tokens[i][1] <= '9')) continue;
    PetscCall(PetscOptionsUsed(NULL, tokens[i] + 1, &mine)); /* some ranks may have no part in the solver */
    counted = (int)mine;
    PetscCallMPI(MPI_Allreduce(&counted, &used, 1, MPI_INT, MPI_MAX, PETSC_COMM_WORLD));
    PetscCall(PetscStrncmp(tokens[i], "-mat_partitioning", 17, &optional)); /* not read on one rank */
    if (!used && !optional) *unread = PETSC_TRUE;
    PetscCall(PetscOptionsClearValue(NULL, tokens[i]));
  }
  PetscCall(PetscStrToArrayDestroy(n, tokens));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Has every rank the same code? */
static PetscErrorCode Collective(PetscErrorCode ierr, PetscBool *same)
{
  int mine[2] = {(int)ierr, -(int)ierr}, all[2];

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Allreduce(mine, all, 2, MPI_INT, MPI_MAX, PETSC_COMM_WORLD));
  *same = (PetscBool)(all[0] == -all[1]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Finish(TableResult *r, TableOutcome outcome, const char what[], const Raised *raised)
{
  PetscFunctionBeginUser;
  r->outcome = outcome;
  PetscCall(PetscSNPrintf(r->message, sizeof(r->message), "%s%s%s%s%s", what, raised && what[0] ? ": " : "",
                          raised ? raised->function : "", raised ? ": " : "", raised ? raised->message : ""));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Judge(TableProblem *t, Vec reference, PetscErrorCode ierr, Vec mbar, const Raised *raised,
                            TableResult *r)
{
  DiniStatistics s;
  PetscBool      same, ours;

  PetscFunctionBeginUser;
  PetscCall(DiniGetStatistics(t->dini, &s));
  r->rung     = s.adjoint_rung;
  r->adjoint  = s.adjoint_iterations;
  r->residual = s.adjoint_residual;
  PetscCall(Collective(ierr, &same));
  PetscCall(PetscStrncmp(raised->function, "Dini", 4, &ours));
  r->abandoned = (PetscBool)(!same || (ierr && !ours));
  if (!same) PetscCall(Finish(r, TABLE_BROKEN, "the ranks disagree about an error", raised));
  else if (ierr) PetscCall(Finish(r, ours && raised->message[0] ? TABLE_ERROR : TABLE_RAW, "", raised));
  else {
    PetscCall(DiniTestDistance(mbar, reference, &r->distance));
    PetscCall(Finish(r, r->distance <= 1e-8 ? TABLE_RIGHT : TABLE_WRONG, "", NULL));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The forward solve must find the same solution again, as if there had been no derivative. */
static PetscErrorCode Again(TableProblem *t, Raised *raised, TableResult *r)
{
  Vec            first;
  PetscReal      distance;
  PetscBool      same;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(t->u, &first));
  PetscCall(VecCopy(t->u, first));
  PetscCall(VecSet(t->u, 0.0));
  raised->message[0] = raised->function[0] = 0;
  ierr                                     = DiniSolve(t->dini, t->u);
  PetscCall(Collective(ierr, &same));
  r->abandoned = (PetscBool)(ierr || !same);
  if (r->abandoned) PetscCall(Finish(r, TABLE_BROKEN, "the next forward solve fails", raised));
  else {
    PetscCall(DiniTestDistance(t->u, first, &distance));
    if (!(distance <= 1e-6)) PetscCall(Finish(r, TABLE_BROKEN, "the next forward solve differs", NULL));
  }
  PetscCall(VecDestroy(&first));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A forward solve may claim what is not so: nothing is learnt about the adjoint from such a state. */
static PetscErrorCode ForwardResidual(TableProblem *t, PetscReal *relative)
{
  Vec       F;
  PetscReal bnorm;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(t->b, &F));
  PetscCall(DiniComputeResidual(t->dini, t->u, F));
  PetscCall(VecNorm(F, NORM_2, relative));
  PetscCall(VecNorm(t->b, NORM_2, &bnorm));
  *relative /= bnorm;
  PetscCall(VecDestroy(&F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Body(TableProblem *t, Vec reference, Raised *raised, TableResult *r)
{
  Vec            mbar;
  PC             pc;
  const char    *type;
  PetscBool      same, ours;
  PetscReal      relative;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  ierr = TableProblemSetSolver(t);
  if (!ierr) ierr = TableProblemSetDini(t);
  PetscCall(Collective(ierr, &same));
  if (ierr || !same) {
    PetscCall(Finish(r, same ? TABLE_FORWARD : TABLE_BROKEN, "set-up", raised));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(KSPGetType(t->ksp, &type));
  PetscCall(PetscStrncpy(r->ksp, type ? type : "", sizeof(r->ksp)));
  ierr = DiniSetUp(t->dini); /* refuses what is no solve of A u = b */
  PetscCall(Collective(ierr, &same));
  if (ierr || !same) {
    PetscCall(Finish(r, same ? TABLE_ERROR : TABLE_BROKEN, "", raised));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(VecSet(t->u, 0.0));
  ierr = DiniSolve(t->dini, t->u);
  PetscCall(KSPGetPC(t->ksp, &pc));
  PetscCall(PCGetType(pc, &type));
  PetscCall(PetscStrncpy(r->pc, type ? type : "", sizeof(r->pc)));
  PetscCall(KSPGetIterationNumber(t->ksp, &r->forward));
  PetscCall(Collective(ierr, &same));
  if (ierr || !same) { /* an error on some ranks only is PETSc's own here, and belongs to the forward solve */
    PetscCall(PetscStrncmp(raised->function, "Dini", 4, &ours));
    r->abandoned = (PetscBool)!ours; /* PETSc's objects may crash when they are destroyed after an error inside them */
    PetscCall(Finish(r, TABLE_FORWARD, same ? "" : "on some ranks only", raised));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(ForwardResidual(t, &relative));
  if (!(relative < 1e-3)) {
    PetscCall(Finish(r, TABLE_FORWARD, "", NULL));
    PetscCall(PetscSNPrintf(r->message, sizeof(r->message), "says it converged, with a relative residual of %.1e",
                            (double)relative));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  raised->message[0] = raised->function[0] = 0;
  PetscCall(VecDuplicate(t->b, &mbar));
  ierr = DiniVJP(t->dini, t->ubar, mbar);
  PetscCall(Judge(t, reference, ierr, mbar, raised, r));
  if (r->outcome == TABLE_RIGHT || r->outcome == TABLE_ERROR) PetscCall(Again(t, raised, r));
  PetscCall(VecDestroy(&mbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TableRun(const char problem[], const char options[], Vec reference, TableResult *r)
{
  TableProblem   t;
  MPI_Comm       comm; /* of the case's own: what an error leaves under way disturbs nobody else */
  Raised         raised = {{0}, {0}};
  PetscBool      unread, same;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(r, sizeof(*r)));
  PetscCallMPI(MPI_Comm_dup(PETSC_COMM_WORLD, &comm));
  PetscCall(PetscOptionsInsertString(NULL, options));
  PetscCall(TableProblemCreate(comm, problem, &t));
  PetscCall(PetscPushErrorHandler(Record, &raised));
  PetscCall(Body(&t, reference, &raised, r));
  if (!r->abandoned) {
    ierr = TableProblemDestroy(&t);
    PetscCall(Collective(ierr, &same));
    if (ierr || !same) PetscCall(Finish(r, TABLE_BROKEN, "the objects cannot be destroyed", &raised));
  }
  PetscCall(PetscPopErrorHandler());
  PetscCall(ClearOptions(options, &unread));
  if (unread && r->outcome == TABLE_RIGHT) PetscCall(Finish(r, TABLE_BROKEN, "an option was never read", NULL));
  if (r->outcome == TABLE_RIGHT) PetscCallMPI(MPI_Comm_free(&comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}
