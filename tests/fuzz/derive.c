/* Derivatives by vectors: each is held against the dense one at the point of the last solve, or refused */
#include "derive.h"
#include <string.h>

#define FAINT 1e-8

PetscErrorCode DeriveFlat(App *app, Handle *handle, const PetscScalar q[], PetscBool dual, Vec *flat)
{
  PetscInt N;

  PetscFunctionBeginUser;
  *flat = NULL;
  if (FuzzTry(app, "DiniCreateParameterVec", DiniCreateParameterVec(handle->dini, flat)) != RIGHT) {
    *flat = NULL;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(VecGetSize(*flat, &N));
  PetscCheck(N == app->R.M, app->comm, PETSC_ERR_PLIB, "A flat vector of %d for %d parameters", (int)N, (int)app->R.M);
  PetscCall(ParametersWriteFlat(app, q, dual, *flat));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What Dini itself says of the derivative that it has just returned; zero where it says nothing */
PetscErrorCode DeriveTold(App *app, Handle *handle, const char what[])
{
  DiniStatistics s;

  PetscFunctionBeginUser;
  app->told = 0.0;
  PetscCall(DiniGetStatistics(handle->dini, &s));
  if (strstr(what, "JVP") || strstr(what, "TangentSolve")) app->told = s.tangent_error;
  else if (strstr(what, "VJP") || strstr(what, "Objective") || strstr(what, "AdjointSolve"))
    app->told = s.gradient_error;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DeriveAnswered(App *app, Handle *handle, const char what[], PetscErrorCode ierr, PetscBool *yes)
{
  DiniConvergedReason reason;
  PetscScalar         v[FUZZ_N] = {0.0}, q[FUZZ_M] = {0.0};

  PetscFunctionBeginUser;
  *yes = PETSC_FALSE;
  if (FuzzEnd(app, what, ierr) != RIGHT) PetscFunctionReturn(PETSC_SUCCESS);
  if (app->demands.soft) {
    PetscCall(DiniGetConvergedReason(handle->dini, &reason));
    if (reason < 0) {
      app->count[REFUSED]++;
      FuzzSay(app, "    refused: reason %d\n", (int)reason);
      PetscFunctionReturn(PETSC_SUCCESS);
    }
  }
  PetscCall(DeriveTold(app, handle, what));
  if (handle->unknown) { /* whatever u and m are now */
    PetscCall(AppState(app, handle->u, v));
    PetscCall(ParametersGather(app, q));
    (void)OracleAt(&app->R, app->context, v, q, &handle->at);
    handle->unknown = PETSC_FALSE;
  }
  if (!handle->at.valid) FuzzFail(app, WRONG, what, "a derivative where there is no solution");
  *yes = handle->at.valid;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscReal Extreme(App *app)
{
  static const PetscReal scales[] = {1e-150, 1e-60, 1e60, 1e150};

  const PetscReal scale = RandomChance(&app->random, 0.06) ? scales[RandomInt(&app->random, 4)] : 1.0;

  if (FuzzAvoids(app, "extreme")) return 1.0;
  app->unit = PetscMax(app->unit, scale);
  return scale;
}

void DeriveDirection(App *app, PetscScalar dq[])
{
  const PetscReal scale         = Extreme(app);
  PetscReal       block[FUZZ_B] = {0.0};

  for (PetscInt b = 0; b < app->R.nb; b++)
    block[b] = RandomChance(&app->random, 0.15)  ? 0.0
               : RandomChance(&app->random, 0.2) ? RandomPower(&app->random, -8.0, 0.0)
                                                 : 1.0;
  for (PetscInt k = 0; k < app->R.M; k++)
    dq[k] = scale * block[RelationBlock(&app->R, k)] * RandomScalar(&app->random, app->R.imaginary);
}

void DeriveCotangent(App *app, PetscScalar g[])
{
  const PetscReal scale = Extreme(app);
  const PetscInt  only  = RandomChance(&app->random, 0.3) ? RandomInt(&app->random, app->R.N) : -1;
  PetscReal       field[3];

  for (PetscInt f = 0; f < 3; f++)
    field[f] = RandomChance(&app->random, 0.15) ? RandomPower(&app->random, -8.0, 0.0) : 1.0;
  for (PetscInt j = 0; j < app->R.N; j++) {
    g[j] = scale * field[j % app->R.fields] * RandomScalar(&app->random, app->R.imaginary);
    if (only >= 0 && j != only) g[j] = 0.0;
  }
}

void DeriveJVP(const Relation *R, const Point *at, const PetscScalar dq[], PetscScalar dv[], PetscReal size[])
{
  for (PetscInt j = 0; j < R->N; j++) {
    dv[j]   = 0.0;
    size[j] = 0.0;
    for (PetscInt k = 0; k < R->M; k++) {
      dv[j] += at->D[j][k] * dq[k];
      size[j] += at->size[j][k] * PetscAbsScalar(dq[k]);
    }
  }
}

void DeriveVJP(const Relation *R, const Point *at, PetscBool plain, const PetscScalar g[], PetscScalar mbar[],
               PetscReal size[])
{
  for (PetscInt k = 0; k < R->M; k++) {
    mbar[k] = 0.0;
    size[k] = 0.0;
    for (PetscInt j = 0; j < R->N; j++) {
      mbar[k] += (plain ? at->D[j][k] : PetscConj(at->D[j][k])) * g[j];
      size[k] += at->size[j][k] * PetscAbsScalar(g[j]);
    }
  }
}

/* Is some F_m made of differences, whose rounding is that of all terms of a row? */
PetscBool DeriveDifferenced(const App *app)
{
  for (PetscInt b = 0; b < app->R.nb; b++)
    if (app->block[b].way == WAY_FD || app->block[b].way == WAY_COLORING) return PETSC_TRUE;
  return PETSC_FALSE;
}

/* Field by field where they are of unlike units, as a residual is judged */
void DeriveCompareState(App *app, const char what[], const PetscScalar got[], const PetscScalar right[],
                        const PetscReal size[], PetscReal tolerance)
{
  PetscInt group[FUZZ_N];

  for (PetscInt j = 0; j < app->R.N; j++) group[j] = RelationUnits(&app->R, j);
  if (DeriveDifferenced(app)) tolerance = PetscMax(tolerance, 1e-5);
  FuzzCompare(app, what, OracleDistance(app->R.N, got, right, size, app->R.N, group), tolerance);
}

/* got, but for blocks that are faint: less of the largest than a relative residual leaves, so that an error may only be told */
static void Distinct(const App *app, const PetscScalar got[], const PetscScalar right[], const PetscReal size[],
                     PetscScalar plain[])
{
  PetscReal block[FUZZ_B] = {0.0}, largest = 0.0;

  for (PetscInt k = 0; k < app->R.M; k++) {
    const PetscInt b = RelationBlock(&app->R, k);

    block[b] = PetscMax(block[b], size[k]);
    largest  = PetscMax(largest, size[k]);
  }
  for (PetscInt k = 0; k < app->R.M; k++)
    plain[k] = block[RelationBlock(&app->R, k)] < FAINT * largest ? right[k] : got[k];
}

void DeriveCompareParameters(App *app, const char what[], const PetscScalar got[], const PetscScalar right[],
                             const PetscReal size[], PetscReal tolerance)
{
  PetscInt    group[FUZZ_M];
  PetscScalar plain[FUZZ_M];
  PetscReal   seen[FUZZ_M], largest = 0.0, all;

  for (PetscInt k = 0; k < app->R.M; k++) {
    group[k] = RelationBlock(&app->R, k);
    largest  = PetscMax(largest, size[k]);
    seen[k]  = size[k];
  }
  if (largest == 0.0) /* nothing is coupled */
    for (PetscInt k = 0; k < app->R.M; k++) seen[k] = 0.01 * app->unit;
  if (DeriveDifferenced(app)) /* beyond the last digit of what else F is made of */
    for (PetscInt k = 0; k < app->R.M; k++)
      if (size[k] > 0.0) seen[k] = PetscMax(size[k], (app->demands.unverified ? 1e-4 : 1e-12) * largest);
  Distinct(app, got, right, size, plain);
  all = OracleDistance(app->R.M, got, right, seen, app->R.nb, group);
  if (all <= tolerance || !FuzzTold(app, all)) FuzzCompare(app, what, all, tolerance);
  else FuzzCompare(app, what, OracleDistance(app->R.M, plain, right, seen, app->R.nb, group), tolerance);
}

PetscErrorCode DeriveWriteCotangent(App *app, const PetscScalar g[], Vec ubar)
{
  PetscScalar *local;

  PetscFunctionBeginUser;
  PetscCall(VecGetArray(ubar, &local));
  for (PetscInt i = 0; i < app->n; i++) local[i] = g[app->start + i] / app->R.c[app->start + i];
  PetscCall(VecRestoreArray(ubar, &local));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DeriveTangents(App *app, Handle *handle)
{
  PetscScalar dq[FUZZ_M] = {0.0}, dv[FUZZ_N], got[FUZZ_N];
  PetscReal   size[FUZZ_N];
  PetscBool   yes;
  Vec         dm, du;

  PetscFunctionBeginUser;
  DeriveDirection(app, dq);
  PetscCall(DeriveFlat(app, handle, dq, PETSC_FALSE, &dm));
  if (!dm) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecDuplicate(app->f, &du));
  FuzzBegin(app, "DiniJVP");
  PetscCall(DeriveAnswered(app, handle, "DiniJVP", DiniJVP(handle->dini, dm, du), &yes));
  if (yes) {
    PetscCall(AppState(app, du, got));
    DeriveJVP(&app->R, &handle->at, dq, dv, size);
    DeriveCompareState(app, "DiniJVP", got, dv, size, app->demands.tolerance);
  }
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OneVJP(App *app, Handle *handle, const char what[], const PetscScalar g[], Vec ubar, Vec mbar)
{
  PetscScalar right[FUZZ_M], got[FUZZ_M];
  PetscReal   size[FUZZ_M];
  PetscBool   yes;

  PetscFunctionBeginUser;
  FuzzBegin(app, what);
  PetscCall(DeriveAnswered(app, handle, what, DiniVJP(handle->dini, ubar, mbar), &yes));
  if (yes) {
    PetscCall(ParametersReadFlat(app, mbar, PETSC_TRUE, got));
    DeriveVJP(&app->R, &handle->at, app->demands.plain, g, right, size);
    DeriveCompareParameters(app, what, got, right, size, app->demands.tolerance);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DeriveAdjoints(App *app, Handle *handle, PetscBool again)
{
  PetscScalar g[FUZZ_N] = {0.0}, zero[FUZZ_M] = {0.0};
  Vec         mbar, ubar;

  PetscFunctionBeginUser;
  DeriveCotangent(app, g);
  PetscCall(DeriveFlat(app, handle, zero, PETSC_FALSE, &mbar));
  if (!mbar) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecDuplicate(app->f, &ubar));
  PetscCall(DeriveWriteCotangent(app, g, ubar));
  PetscCall(OneVJP(app, handle, "DiniVJP", g, ubar, mbar));
  if (again) PetscCall(OneVJP(app, handle, "DiniVJP of the same cotangent", g, ubar, mbar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&ubar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J x = r and J^H lambda = g: x = c G_v^{-1} (r / units of the row) */
PetscErrorCode DeriveSolves(App *app, Handle *handle, PetscBool adjoint)
{
  const Relation *R         = &app->R;
  const char     *what      = adjoint ? "DiniAdjointSolve" : "DiniTangentSolve";
  PetscScalar     g[FUZZ_N] = {0.0}, right[FUZZ_N], got[FUZZ_N], *local;
  PetscReal       size[FUZZ_N];
  PetscBool       yes;
  Vec             r, x;

  PetscFunctionBeginUser;
  DeriveCotangent(app, g);
  PetscCall(VecDuplicate(app->f, &r));
  PetscCall(VecDuplicate(app->f, &x));
  PetscCall(VecGetArray(r, &local));
  for (PetscInt i = 0; i < app->n; i++)
    local[i] = adjoint ? g[app->start + i] / R->c[app->start + i] : g[app->start + i] * R->r[app->start + i];
  PetscCall(VecRestoreArray(r, &local));
  FuzzBegin(app, what);
  PetscCall(DeriveAnswered(
      app, handle, what, adjoint ? DiniAdjointSolve(handle->dini, r, x) : DiniTangentSolve(handle->dini, r, x), &yes));
  if (yes) {
    PetscCall(AppGather(app, x, got));
    for (PetscInt i = 0; i < R->N; i++) {
      got[i]   = adjoint ? got[i] * R->r[i] : got[i] / R->c[i];
      right[i] = size[i] = 0.0;
      for (PetscInt j = 0; j < R->N; j++) {
        const PetscScalar entry = !adjoint             ? handle->at.inverse[i][j]
                                  : app->demands.plain ? handle->at.inverse[j][i]
                                                       : PetscConj(handle->at.inverse[j][i]);

        right[i] += entry * g[j];
        size[i] += PetscAbsScalar(entry) * PetscAbsScalar(g[j]);
      }
    }
    DeriveCompareState(app, what, got, right, size, app->demands.tolerance);
  }
  PetscCall(VecDestroy(&r));
  PetscCall(VecDestroy(&x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- a monitor that differentiates in the middle of a solve ---- */
static PetscErrorCode FuzzMonitor(Dini dini, DiniOperation operation, PetscInt its, PetscReal norm, void *ctx)
{
  App           *app    = (App *)ctx;
  const Trace    outer  = app->trace;
  const Injected fault  = app->fault;
  Handle        *handle = &app->handle[0];

  PetscFunctionBeginUser;
  (void)its, (void)norm;
  if (handle->dini != dini) handle = &app->handle[1];
  if (app->depth || !app->armed || operation < DINI_OPERATION_TANGENT) PetscFunctionReturn(PETSC_SUCCESS);
  app->depth++;
  app->armed--;
  app->fault.kind = FAULT_OFF;
  FuzzSay(app, "    a monitor of %s differentiates\n", DiniOperations[operation]);
  PetscCall(DeriveAdjoints(app, handle, PETSC_FALSE));
  app->trace = outer;
  app->fault = fault;
  app->depth--;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DeriveInMonitor(App *app, Handle *handle)
{
  PetscFunctionBeginUser;
  if (!handle->monitored &&
      FuzzTry(app, "DiniMonitorSet", DiniMonitorSet(handle->dini, FuzzMonitor, app, NULL)) == RIGHT)
    handle->monitored = PETSC_TRUE;
  app->armed = 1;
  if (RandomInt(&app->random, 3)) PetscCall(DeriveAdjoints(app, handle, PETSC_FALSE));
  else PetscCall(DeriveTangents(app, handle));
  app->armed = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode Derive(App *app, Handle *handle)
{
  PetscFunctionBeginUser;
  switch (RandomInt(&app->random, 26)) {
  case 0:
  case 1:
  case 2:
  case 3:
    PetscCall(DeriveTangents(app, handle));
    break;
  case 4:
    PetscCall(DeriveAdjoints(app, handle, PETSC_TRUE));
    break;
  case 5:
    PetscCall(DeriveSolves(app, handle, PETSC_FALSE));
    break;
  case 6:
    PetscCall(DeriveSolves(app, handle, PETSC_TRUE));
    break;
  case 7:
    PetscCall(DeriveBlocks(app, handle, PETSC_FALSE));
    break;
  case 8:
  case 9:
    PetscCall(DeriveBlocks(app, handle, PETSC_TRUE));
    break;
  case 10:
    PetscCall(DeriveMat(app, handle));
    break;
  case 11:
  case 12:
    PetscCall(DerivePin(app, handle));
    break;
  case 13:
  case 14:
  case 15:
    PetscCall(DerivePinned(app, handle));
    break;
  case 16:
    PetscCall(DeriveEntries(app, handle));
    break;
  case 17:
    PetscCall(DeriveObjective(app, handle));
    break;
  case 18:
    PetscCall(DeriveObjectives(app, handle));
    break;
  case 19:
    if (!FuzzAvoids(app, "hessian")) PetscCall(DeriveHessian(app, handle));
    break;
  case 20:
    if (!FuzzAvoids(app, "monitor")) PetscCall(DeriveInMonitor(app, handle));
    break;
  default:
    PetscCall(DeriveAdjoints(app, handle, PETSC_FALSE));
    break;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
