/* A case: solves, derivatives and changes in random order, with faults in between */
#include "derive.h"

static void DrawFault(App *app, PetscBool forward)
{
  static const char *const kinds[]  = {"", "NaN on all ranks", "NaN on one rank", "an error on all ranks",
                                       "an error on one rank"};
  static const char *const places[] = {"residual", "Jacobian", "F_m", "update", "solve", "objective"};
  static const FaultPlace  likely[] = {AT_RESIDUAL,  AT_RESIDUAL, AT_RESIDUAL, AT_JACOBIAN, AT_PARAMETER,
                                       AT_PARAMETER, AT_UPDATE,   AT_SOLVE,    AT_OBJECTIVE};
  Injected                *fault    = &app->fault;
  const PetscBool petsc = (PetscBool)(app->R.type == TYPE_SNES && (forward || app->jacobian > JACOBIAN_APPROXIMATE));

  *fault = (Injected){FAULT_OFF, AT_RESIDUAL, 0, 0, PETSC_FALSE};
  if (!RandomChance(&app->random, 0.15) || FuzzAvoids(app, "fault")) return;
  fault->kind  = (FaultKind)(1 + RandomInt(&app->random, FAULT_KINDS - 1));
  fault->place = likely[RandomInt(&app->random, 9)];
  fault->wait  = RandomInt(&app->random, 5);
  fault->rank  = (PetscMPIInt)RandomInt(&app->random, app->size);
  /* PETSc's own solvers do not agree on errors, and hang: docs/errors.rst */
  if (fault->kind == FAULT_ERROR_ONE && petsc) fault->kind = FAULT_ERROR_ALL;
  if (fault->kind >= FAULT_ERROR_ALL && forward && petsc) { /* and leave their colourings unfit for use */
    fault->kind = FAULT_OFF;
    return;
  }
  FuzzSay(app, "  fault: %s out of %s, after %d calls\n", kinds[fault->kind], places[fault->place], (int)fault->wait);
}

/* Is F(u, m) as small as a solution asks, row by row? Rows of unlike units are the solver's own affair. */
static PetscErrorCode Solved(App *app, Handle *handle, const char what[])
{
  PetscScalar    v[FUZZ_N] = {0.0}, q[FUZZ_M] = {0.0}, G[FUZZ_N];
  PetscReal      size[FUZZ_N], worst          = 0.0;
  char           why[160];
  DiniStatistics s;

  PetscFunctionBeginUser;
  PetscCall(AppState(app, handle->u, v));
  PetscCall(ParametersGather(app, q));
  RelationValue(&app->R, app->context, v, q, G, size);
  for (PetscInt i = 0; i < app->R.N; i++) {
    if (PetscAbsScalar(G[i]) > 1e-14) worst = PetscMax(worst, PetscAbsScalar(G[i]) / (size[i] + 1e-8));
    if (PetscIsInfOrNanScalar(G[i])) worst = PETSC_INFINITY;
  }
  (void)OracleAt(&app->R, app->context, v, q, &handle->at);
  handle->unknown = PETSC_FALSE;
  PetscCall(DiniGetStatistics(handle->dini, &s));
  handle->linearizations = s.linearizations;
  if (worst > (app->R.wide ? PETSC_MAX_REAL : 2e-3)) {
    (void)PetscSNPrintf(why, sizeof(why), "accepted a state with a residual of %g of its terms", (double)worst);
    FuzzFail(app, WRONG, what, why);
    for (PetscInt j = 0; j < app->R.N; j++)
      FuzzSay(app, "      v %g, at the start %g, G %g\n", (double)PetscRealPart(v[j]),
              (double)PetscRealPart(app->R.v[j]), (double)PetscRealPart(G[j]));
  } else app->count[RIGHT]++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Guess(App *app, Handle *handle)
{
  PetscScalar v[FUZZ_N] = {0.0};
  PetscBool   bad       = PETSC_FALSE;

  PetscFunctionBeginUser;
  PetscCall(AppState(app, handle->u, v));
  for (PetscInt j = 0; j < app->R.N; j++) bad = (PetscBool)(bad || PetscIsInfOrNanScalar(v[j]));
  if (handle->at.valid && !bad && RandomChance(&app->random, 0.4)) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt j = 0; j < app->R.N; j++) v[j] = 0.9 * app->R.v[j] + 0.02;
  PetscCall(AppWriteState(app, v, handle->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Attach(App *app, Handle *handle)
{
  const PetscBool beside    = RandomChance(&app->random, 0.2);
  PetscScalar     v[FUZZ_N] = {0.0}, q[FUZZ_M] = {0.0};
  PetscBool       yes;

  PetscFunctionBeginUser;
  PetscCall(ParametersGather(app, q));
  for (PetscInt j = 0; j < app->R.N; j++) v[j] = app->R.v[j];
  if (!OracleSolve(&app->R, app->context, v, q)) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt j = 0; j < app->R.N && beside; j++) v[j] = 1.05 * v[j] + 0.03;
  FuzzSay(app, "  attach %s\n", beside ? "beside a solution" : "");
  PetscCall(AppWriteState(app, v, handle->u));
  handle->at.valid = PETSC_TRUE; /* any: Solved() says which */
  FuzzBegin(app, "DiniAttach");
  PetscCall(DeriveAnswered(app, handle, "DiniAttach", DiniAttach(handle->dini, handle->u), &yes));
  handle->at.valid = PETSC_FALSE;
  if (yes) PetscCall(Solved(app, handle, "DiniAttach"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode Forward(App *app, Handle *handle)
{
  PetscBool yes;

  PetscFunctionBeginUser;
  if (RandomChance(&app->random, 0.2)) PetscCall(Attach(app, handle));
  else {
    PetscCall(Guess(app, handle));
    FuzzSay(app, "  solve\n");
    handle->unknown  = PETSC_FALSE;
    handle->at.valid = PETSC_TRUE;
    FuzzBegin(app, "DiniSolve");
    PetscCall(DeriveAnswered(app, handle, "DiniSolve", DiniSolve(handle->dini, handle->u), &yes));
    handle->at.valid = PETSC_FALSE;
    if (yes) PetscCall(Solved(app, handle, "DiniSolve"));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SequenceRun(App *app)
{
  const PetscInt steps  = 4 + RandomInt(&app->random, 10);
  Handle        *handle = &app->handle[0];

  PetscFunctionBeginUser;
  if (FuzzTry(app, "creating a Dini", HandleCreate(app, handle)) != RIGHT) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Forward(app, handle));
  for (app->step = 1; app->step <= steps; app->step++) {
    const PetscReal what = RandomReal(&app->random, 0.0, 1.0);

    handle = &app->handle[app->handle[1].dini ? RandomInt(&app->random, 2) : 0];
    if (!handle->dini) handle = &app->handle[handle == &app->handle[0] ? 1 : 0];
    if (!handle->dini || app->count[ONESIDED]) break;
    FuzzSay(app, "  step %d, Dini %d\n", (int)app->step, (int)(handle - app->handle));
    if (what < 0.55) {
      DrawFault(app, PETSC_FALSE);
      PetscCall(Derive(app, handle));
    } else if (what < 0.78) PetscCall(Change(app, handle));
    else {
      DrawFault(app, PETSC_TRUE);
      PetscCall(Forward(app, handle));
    }
    app->fault.kind = FAULT_OFF;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
