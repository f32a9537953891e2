/* What an application may change between solve and derivative, by every route; and calls on the objects themselves */
#include "derive.h"

static PetscErrorCode ChangeParameters(App *app)
{
  PetscInt       route     = RandomInt(&app->random, 3);
  const PetscInt only      = RandomInt(&app->random, 2) ? RandomInt(&app->random, app->R.nb) : -1;
  PetscScalar    q[FUZZ_M] = {0.0};

  PetscFunctionBeginUser;
  if (FuzzAvoids(app, "raw")) route = 0;
  FuzzSay(app, "  the application changes parameters by route %d\n", (int)route);
  PetscCall(ParametersGather(app, q));
  for (PetscInt k = 0; k < app->R.M; k++)
    q[k] =
        app->R.shape[RelationBlock(&app->R, k)] == SHAPE_RHS ? 1.1 * q[k] : RelationParameter(&app->R, k, &app->random);
  for (PetscInt b = 0; b < app->R.nb; b++)
    if (only < 0 || only == b) PetscCall(BlockWrite(&app->block[b], q, route));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetParameters(App *app, Handle *handle)
{
  PetscScalar q[FUZZ_M] = {0.0};
  Vec         m;

  PetscFunctionBeginUser;
  FuzzSay(app, "  DiniSetParameters()\n");
  PetscCall(ParametersGather(app, q));
  for (PetscInt k = 0; k < app->R.M; k++)
    if (app->R.shape[RelationBlock(&app->R, k)] != SHAPE_RHS) q[k] = RelationParameter(&app->R, k, &app->random);
  PetscCall(DeriveFlat(app, handle, q, PETSC_FALSE, &m));
  if (!m) PetscFunctionReturn(PETSC_SUCCESS);
  (void)FuzzTry(app, "DiniSetParameters", DiniSetParameters(handle->dini, m));
  PetscCall(VecDestroy(&m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* u behind Dini's back: as PETSc wants it, or through the array that it lies on */
static PetscErrorCode ChangeState(App *app, Handle *handle)
{
  PetscScalar v[FUZZ_N] = {0.0};

  PetscFunctionBeginUser;
  PetscCall(AppState(app, handle->u, v));
  for (PetscInt j = 0; j < app->R.N; j++) v[j] = 1.3 * v[j] + 0.1;
  if (handle->raw && RandomInt(&app->random, 2) && !FuzzAvoids(app, "raw")) {
    FuzzSay(app, "  the application writes u raw\n");
    for (PetscInt i = 0; i < app->n; i++) handle->raw[i] = app->R.c[app->start + i] * v[app->start + i];
  } else {
    FuzzSay(app, "  the application writes u\n");
    PetscCall(AppWriteState(app, v, handle->u));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J at another u, by the application's own call */
static PetscErrorCode OtherJacobian(App *app)
{
  PetscScalar v[FUZZ_N] = {0.0};
  Vec         u;
  Mat         J, P;

  PetscFunctionBeginUser;
  if (!app->snes || app->jacobian > JACOBIAN_APPROXIMATE) PetscFunctionReturn(PETSC_SUCCESS);
  FuzzSay(app, "  SNESComputeJacobian() at another u\n");
  for (PetscInt j = 0; j < app->R.N; j++) v[j] = app->R.v[j] + 1.0;
  PetscCall(VecDuplicate(app->f, &u));
  PetscCall(AppWriteState(app, v, u));
  PetscCall(SNESSetSolution(app->snes, u));
  PetscCall(SNESSetUp(app->snes));
  PetscCall(SNESGetJacobian(app->snes, &J, &P, NULL, NULL));
  PetscCall(SNESComputeJacobian(app->snes, u, J, P));
  PetscCall(VecDestroy(&u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The application's own solve with the same solver, elsewhere */
static PetscErrorCode OtherSolve(App *app)
{
  PetscScalar v[FUZZ_N] = {0.0};
  Vec         u;

  PetscFunctionBeginUser;
  for (PetscInt j = 0; j < app->R.N; j++) v[j] = 0.5 * app->R.v[j] + 0.3;
  PetscCall(VecDuplicate(app->f, &u));
  PetscCall(AppWriteState(app, v, u));
  if (app->snes) {
    FuzzSay(app, "  SNESSolve() by the application\n");
    (void)SNESSolve(app->snes, NULL, u);
  } else if (app->ksp) {
    FuzzSay(app, "  KSPSolve() by the application\n");
    (void)KSPSolve(app->ksp, app->f, u);
  }
  PetscCall(VecDestroy(&u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Spoil(App *app)
{
  const PetscInt b = RandomInt(&app->random, app->R.nb);

  PetscFunctionBeginUser;
  if (RandomInt(&app->random, 2) && app->block[b].Fm && app->block[b].way != WAY_CONSTANT) {
    FuzzSay(app, "  MatScale() of F_m of b%d\n", (int)b);
    PetscCall(MatScale(app->block[b].Fm, 1.7));
  } else if (app->jacobian != JACOBIAN_SHELL && app->R.type != TYPE_FIXEDPOINT) {
    FuzzSay(app, "  MatScale() of J\n");
    PetscCall(MatScale(app->J, 1.7));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ResetSolver(App *app)
{
  PetscFunctionBeginUser;
  if (app->snes) {
    FuzzSay(app, "  SNESReset()\n");
    PetscCall(SNESReset(app->snes));
    PetscCall(SNESDestroy(&app->snes));
  }
  if (app->ksp) {
    FuzzSay(app, "  KSPReset() and its operators again\n");
    PetscCall(KSPReset(app->ksp));
    PetscCall(KSPSetOperators(app->ksp, app->J, app->J));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Second(App *app)
{
  Handle *handle = &app->handle[1];

  PetscFunctionBeginUser;
  if (handle->dini) PetscFunctionReturn(PETSC_SUCCESS);
  FuzzSay(app, "  a second Dini on the same solver\n");
  if (FuzzTry(app, "a second Dini", HandleCreate(app, handle)) != RIGHT) {
    PetscCall(HandleDestroy(app, handle));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(Forward(app, handle));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Again(App *app, Handle *handle)
{
  PetscFunctionBeginUser;
  FuzzSay(app, "  destroyed and created again\n");
  PetscCall(HandleDestroy(app, handle));
  if (FuzzTry(app, "a Dini once more", HandleCreate(app, handle)) != RIGHT) PetscCall(HandleDestroy(app, handle));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Check(App *app, Handle *handle)
{
  PetscViewer viewer;
  Outcome     outcome;

  PetscFunctionBeginUser;
  FuzzSay(app, "  DiniCheck()\n");
  PetscCall(PetscViewerASCIIOpen(app->comm, "/dev/null", &viewer));
  outcome = FuzzTry(app, "DiniCheck", DiniCheck(handle->dini, viewer));
  PetscCall(PetscViewerDestroy(&viewer));
  if (outcome == RIGHT) app->count[RIGHT]++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Has any of the Dinis been at a point already? */
static PetscErrorCode Linearized(App *app, PetscBool *yes)
{
  DiniStatistics s;

  PetscFunctionBeginUser;
  *yes = PETSC_FALSE;
  for (int k = 0; k < 2; k++) {
    if (!app->handle[k].dini) continue;
    PetscCall(DiniGetStatistics(app->handle[k].dini, &s));
    if (s.jacobian_assemblies > 0 || s.linearizations > 0 || app->handle[k].assembled) *yes = PETSC_TRUE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Has it, at its point? */
static PetscErrorCode LinearizedThere(Handle *handle, PetscBool *yes)
{
  DiniStatistics s;

  PetscFunctionBeginUser;
  PetscCall(DiniGetStatistics(handle->dini, &s));
  *yes = (PetscBool)(s.linearizations != handle->linearizations);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is there a derivative at a point that nobody may have linearized at yet? */
static PetscBool Pinned(const App *app)
{
  for (int k = 0; k < 2; k++)
    for (PetscInt p = 0; p < FUZZ_PINS; p++)
      if (app->handle[k].pin[p]) return PETSC_TRUE;
  return PETSC_FALSE;
}

/*
  A solution with any context, such as zero, as far as a solver can tell: the derivative is that of the relation as it is now, or
  as it was when it was linearized there
*/
static PetscErrorCode Same(App *app, PetscBool *any)
{
  PetscScalar G[FUZZ_N];
  PetscReal   size[FUZZ_N], worst;

  PetscFunctionBeginUser;
  *any = PETSC_FALSE;
  for (int k = 0; k < 2; k++) {
    Point    *at         = &app->handle[k].at;
    PetscBool linearized = PETSC_FALSE;

    if (!app->handle[k].dini || !at->valid) continue;
    PetscCall(LinearizedThere(&app->handle[k], &linearized));
    if (linearized) continue;
    RelationValue(&app->R, app->context, at->v, at->q, G, size);
    worst = 0.0;
    for (PetscInt i = 0; i < app->R.N; i++) worst = PetscMax(worst, PetscAbsScalar(G[i]) / (size[i] + 1e-8));
    if (worst > (app->R.wide ? PETSC_MAX_REAL : 1e-5)) continue;
    (void)OracleAt(&app->R, app->context, at->v, at->q, at);
    *any = PETSC_TRUE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode Change(App *app, Handle *handle)
{
  PetscBool linearized = PETSC_FALSE, same;
  PetscReal factor;

  PetscFunctionBeginUser;
  switch (RandomInt(&app->random, 24)) {
  case 0:
  case 1:
  case 2:
    PetscCall(SetParameters(app, handle));
    break;
  case 3:
    if (FuzzAvoids(app, "context") || app->demands.unverified) break; /* without guards nobody looks */
    if (app->R.type == TYPE_FIXEDPOINT && app->jacobian == JACOBIAN_SHELL)
      break; /* products would read it: docs/errors.rst */
    if (app->handle[0].unknown || app->handle[1].unknown || Pinned(app)) break;
    PetscCall(Linearized(app, &linearized));
    if (app->R.type == TYPE_KSP && linearized) break; /* so would an assembly that is not repeated: docs/errors.rst */
    factor = RandomInt(&app->random, 2) ? 1.2 : 1.0 / 1.2;
    app->context *= factor;
    PetscCall(Same(app, &same));
    if (same && app->R.type == TYPE_KSP) { /* likewise */
      app->context /= factor;
      PetscCall(Same(app, &same));
    } else FuzzSay(app, "  a number in the application's context changes\n");
    break;
  case 4:
  case 5:
    PetscCall(ChangeState(app, handle));
    break;
  case 6:
    if (!FuzzAvoids(app, "spoil")) PetscCall(OtherJacobian(app));
    break;
  case 7:
    if (!FuzzAvoids(app, "spoil")) PetscCall(OtherSolve(app));
    break;
  case 8:
  case 9:
    if (!FuzzAvoids(app, "spoil")) PetscCall(Spoil(app));
    break;
  case 10:
  case 11:
    if (!FuzzAvoids(app, "second")) PetscCall(Second(app));
    break;
  case 12:
    FuzzSay(app, "  DiniReset()\n");
    if (FuzzTry(app, "DiniReset", DiniReset(handle->dini)) == RIGHT) handle->at.valid = handle->unknown = PETSC_FALSE;
    break;
  case 13:
    if (app->ksp) PetscCall(ResetSolver(app));
    break;
  case 14:
    PetscCall(Again(app, handle));
    break;
  case 15:
    FuzzSay(app, "  DiniSetFromOptions() once more\n");
    (void)FuzzTry(app, "DiniSetFromOptions", DiniSetFromOptions(handle->dini));
    break;
  case 16:
    PetscCall(Check(app, handle));
    break;
  case 17:
    FuzzSay(app, "  DiniResetStatistics()\n");
    PetscCall(LinearizedThere(handle, &linearized));
    handle->linearizations = linearized ? -1 : 0;
    PetscCall(Linearized(app, &handle->assembled));
    (void)FuzzTry(app, "DiniResetStatistics", DiniResetStatistics(handle->dini));
    break;
  default:
    PetscCall(ChangeParameters(app));
    break;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
