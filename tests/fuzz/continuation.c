/* DiniContinue() on known diagrams, hidden among other unknowns: where it says that a path ends, and what it leaves there */
#include "path.h"
#include <stdio.h>

static PetscErrorCode State(const Path *path, Vec u, PetscScalar z[])
{
  PetscScalar all[PATH_N];

  PetscFunctionBeginUser;
  PetscCall(AppGather(path->app, u, all));
  for (PetscInt i = 0; i < path->N; i++) {
    z[i] = 0.0;
    for (PetscInt j = 0; j < path->N; j++) z[i] += path->inverse[i][j] * all[j] / path->c[j];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteState(const Path *path, const PetscScalar z[], Vec u)
{
  PetscScalar all[PATH_N];

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < path->N; i++) {
    all[i] = 0.0;
    for (PetscInt j = 0; j < path->N; j++) all[i] += path->c[i] * path->T[i][j] * z[j];
  }
  PetscCall(ModeWrite(path->app, all, u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* v_i = r_i sum_k Q_ik G_k */
static PetscErrorCode WriteRows(const Path *path, const PetscScalar G[], Vec v)
{
  PetscScalar all[PATH_N];

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < path->N; i++) {
    all[i] = 0.0;
    for (PetscInt k = 0; k < path->N; k++) all[i] += path->r[i] * path->Q[i][k] * G[k];
  }
  PetscCall(ModeWrite(path->app, all, v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscReal Now(const Path *path)
{
  return (PetscRealPart(path->m) - path->offset) / path->unit;
}

static PetscErrorCode FuzzPathResidual(SNES snes, Vec u, Vec F, void *ctx)
{
  const Path *path = (const Path *)ctx;
  PetscScalar z[PATH_N], G[PATH_N], Gz[PATH_N][PATH_N], Gt[PATH_N];

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(State(path, u, z));
  PathValue(path, Now(path), z, G, Gz, Gt);
  PetscCall(WriteRows(path, G, F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FuzzPathJacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  const Path *path = (const Path *)ctx;
  PetscScalar z[PATH_N], G[PATH_N], Gz[PATH_N][PATH_N], Gt[PATH_N], QG[PATH_N];
  PetscInt    lo, hi;

  PetscFunctionBeginUser;
  (void)snes, (void)J;
  PetscCall(State(path, u, z));
  PathValue(path, Now(path), z, G, Gz, Gt);
  PetscCall(MatGetOwnershipRange(P, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) {
    for (PetscInt k = 0; k < path->N; k++) {
      QG[k] = 0.0;
      for (PetscInt l = 0; l < path->N; l++) QG[k] += path->Q[i][l] * Gz[l][k];
    }
    for (PetscInt j = 0; j < path->N; j++) {
      PetscScalar sum = 0.0;

      for (PetscInt k = 0; k < path->N; k++) sum += QG[k] * path->inverse[k][j];
      PetscCall(MatSetValue(P, i, j, path->r[i] * sum / path->c[j], INSERT_VALUES));
    }
  }
  PetscCall(MatAssemblyBegin(P, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(P, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FuzzPathFill(Dini dini, Vec u, Vec m, Mat Fm, void *ctx)
{
  const Path *path = (const Path *)ctx;
  PetscScalar z[PATH_N], G[PATH_N], Gz[PATH_N][PATH_N], Gt[PATH_N];
  Vec         column;

  PetscFunctionBeginUser;
  (void)dini, (void)m;
  PetscCall(State(path, u, z));
  PathValue(path, Now(path), z, G, Gz, Gt);
  for (PetscInt i = 0; i < path->N; i++) Gt[i] /= path->unit;
  PetscCall(MatDenseGetColumnVecWrite(Fm, 0, &column));
  PetscCall(WriteRows(path, Gt, column));
  PetscCall(MatDenseRestoreColumnVecWrite(Fm, 0, &column));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FuzzPathCreate(Path *path)
{
  App            *app = path->app;
  const PetscBool bt = RandomChance(&app->random, 0.7), fills = RandomChance(&app->random, 0.5);
  PetscScalar     z[PATH_N];
  PetscReal       gy;
  PetscInt        n;
  SNESLineSearch  search;
  KSP             ksp;
  PC              pc;

  PetscFunctionBeginUser;
  PetscCall(ModeVec(app, path->N, &path->u));
  PetscCall(VecDuplicate(path->u, &path->F));
  PetscCall(VecGetLocalSize(path->u, &n));
  PetscCall(MatCreateAIJ(app->comm, n, n, path->N, path->N, path->N, NULL, path->N, NULL, &path->J));
  PetscCall(MatCreateDense(app->comm, n, PETSC_DECIDE, path->N, 1, NULL, &path->Fm));
  PetscCall(SNESCreate(app->comm, &path->snes));
  PetscCall(SNESSetFunction(path->snes, path->F, FuzzPathResidual, path));
  PetscCall(SNESSetJacobian(path->snes, path->J, path->J, FuzzPathJacobian, path));
  PetscCall(SNESSetTolerances(path->snes, bt ? 1e-13 : 1e-300, 1e-12, 1e-12, 50, 10000));
  PetscCall(SNESGetLineSearch(path->snes, &search));
  PetscCall(SNESLineSearchSetType(search, bt ? SNESLINESEARCHBT : SNESLINESEARCHBASIC));
  PetscCall(SNESGetKSP(path->snes, &ksp));
  PetscCall(KSPSetTolerances(ksp, 1e-12, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, app->size > 1 ? PCREDUNDANT : PCLU));
  PetscCall(DiniCreate(app->comm, &path->dini));
  PetscCall(DiniSetSNES(path->dini, path->snes));
  PetscCall(DiniAddScalarParameter(path->dini, "other", &path->other, NULL));
  PetscCall(DiniAddScalarParameter(path->dini, "m", &path->m, &n));
  if (fills) PetscCall(DiniSetParameterJacobian(path->dini, n, path->Fm, FuzzPathFill, path));
  PetscCall(DiniSetContinuation(path->dini, path->step, PETSC_DEFAULT, PETSC_DEFAULT, path->rtol));
  PetscCall(DiniSetFromOptions(path->dini));
  path->m = path->offset;
  PetscCheck(PathTruth(path, 0.0, z, &gy), app->comm, PETSC_ERR_PLIB, "The path has no beginning");
  PetscCall(WriteState(path, z, path->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PathDestroy(Path *path)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&path->dini));
  PetscCall(SNESDestroy(&path->snes));
  PetscCall(MatDestroy(&path->J));
  PetscCall(MatDestroy(&path->Fm));
  PetscCall(VecDestroy(&path->u));
  PetscCall(VecDestroy(&path->F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is u that of the path at the value which m has? */
static PetscErrorCode CheckPlace(Path *path, PetscBool *right)
{
  PetscScalar z[PATH_N], truth[PATH_N];
  PetscReal   gy, distance = PETSC_INFINITY;
  char        why[200];

  PetscFunctionBeginUser;
  PetscCall(State(path, path->u, z));
  *right = PathTruth(path, Now(path), truth, &gy);
  if (*right) {
    distance = ModeDistance(path->N, z, truth, 1.0);
    *right   = (PetscBool)(distance <= 1e-7 + 1e-7 / gy);
  }
  FuzzSay(path->app, "    ends at t = %.10g, off by %.1e\n", (double)Now(path), (double)distance);
  (void)snprintf(why, sizeof(why), "not on the path at t = %.10g: off by %.3g, the path has an end at %.10g",
                 (double)Now(path), (double)distance, (double)path->t);
  if (!*right) FuzzFail(path->app, WRONG, "DiniContinue", why);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* du/dt at the end, in the unknowns' own norm */
static PetscErrorCode CheckTangent(Path *path)
{
  App           *app = path->app;
  const PetscInt N   = path->N;
  PetscScalar    z[PATH_N], G[PATH_N], Gz[PATH_N][PATH_N], Gt[PATH_N], A[PATH_N * PATH_N], found[PATH_N], right[PATH_N];
  Vec            dm, part, du;
  DiniStatistics statistics;

  PetscFunctionBeginUser;
  PetscCall(DiniCreateParameterVec(path->dini, &dm));
  PetscCall(VecDuplicate(path->u, &du));
  PetscCall(VecSet(dm, 0.0));
  PetscCall(DiniGetParameterSubVec(path->dini, dm, 1, &part));
  PetscCall(VecSet(part, path->unit));
  PetscCall(DiniRestoreParameterSubVec(path->dini, dm, 1, &part));
  if (FuzzTry(app, "DiniJVP", DiniJVP(path->dini, dm, du)) == RIGHT) {
    PetscCall(State(path, path->u, z));
    PathValue(path, Now(path), z, G, Gz, Gt);
    for (PetscInt i = 0; i < N; i++)
      for (PetscInt j = 0; j < N; j++) A[i * N + j] = -Gz[i][j];
    PetscCheck(ModeSolve(N, 1, A, Gt), app->comm, PETSC_ERR_PLIB, "G_z is singular at the target");
    for (PetscInt i = 0; i < N; i++) {
      right[i] = 0.0;
      for (PetscInt j = 0; j < N; j++) right[i] += path->c[i] * path->T[i][j] * Gt[j];
    }
    PetscCall(AppGather(app, du, found));
    PetscCall(DiniGetStatistics(path->dini, &statistics));
    app->told = statistics.tangent_error;
    FuzzCompare(app, "the tangent at the end", ModeDistance(N, found, right, 0.0), path->rows ? 1e-3 : 1e-5);
  }
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Verdict(Path *path, DiniContinuationReason reason, PetscReal reached)
{
  static const DiniContinuationReason right[] = {DINI_CONTINUATION_TARGET, DINI_CONTINUATION_FOLD,
                                                 DINI_CONTINUATION_BIFURCATION, DINI_CONTINUATION_BIFURCATION};
  App                                *app     = path->app;
  const PetscReal                     place   = path->offset + path->unit * path->t;
  const PetscReal tolerance = 2.0 * PetscMax(path->rtol * PetscAbsReal(place), 1e-6 * PetscAbsReal(path->unit));
  PetscBool       good = PETSC_FALSE, there = (PetscBool)(PetscAbsReal(reached - place) <= tolerance);
  const char     *text;
  char            why[300];

  PetscFunctionBeginUser;
  PetscCall(DiniContinuationReasonString(reason, &text));
  FuzzSay(app, "    %s at t = %.10g\n", text, (double)((reached - path->offset) / path->unit));
  PetscCall(CheckPlace(path, &good));
  if (!good) PetscFunctionReturn(PETSC_SUCCESS);
  if (reason < 0) {
    app->count[NAMED]++;
    if (!app->refusal[0])
      (void)snprintf(app->refusal, sizeof(app->refusal), "%s: %s", path->curve[path->first].name, text);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (reason == right[path->end] && there) app->count[RIGHT]++;
  else {
    (void)snprintf(why, sizeof(why), "%s at t = %.10g, right is %s at %.10g +- %.1g, %s", text,
                   (double)((reached - path->offset) / path->unit),
                   path->end == END_NONE       ? "TARGET"
                   : path->end == END_FOLD     ? "FOLD"
                   : path->end == END_CROSSING ? "BIFURCATION"
                                               : "another end",
                   (double)path->t, (double)(tolerance / PetscAbsReal(path->unit)), path->curve[path->first].name);
    if (path->end == END_OTHER && there) app->count[REFUSED]++;
    else FuzzFail(app, WRONG, "DiniContinue", why);
  }
  if (reason == DINI_CONTINUATION_TARGET) PetscCall(CheckTangent(path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Over to the branch that crosses: a solution, and not of the path */
static PetscErrorCode CheckBranch(Path *path, PetscReal reached)
{
  App            *app  = path->app;
  const PetscInt  side = RandomInt(&app->random, 2) ? 1 : -1;
  PetscScalar     z[PATH_N], truth[PATH_N], G[PATH_N], Gz[PATH_N][PATH_N], Gt[PATH_N];
  PetscReal       gy, worst = 0.0, distance = PETSC_INFINITY;
  PetscBool       good;
  DiniBifurcation kind;
  char            why[200];

  PetscFunctionBeginUser;
  if (FuzzTry(app, "DiniSwitchBranch",
              DiniSwitchBranch(path->dini, 1, reached, 0.003 * PetscAbsReal(path->unit), side, path->u, &kind)) !=
      RIGHT)
    PetscFunctionReturn(PETSC_SUCCESS);
  FuzzSay(app, "    %s, side %d, at t = %.10g\n", DiniBifurcations[kind], (int)side, (double)Now(path));
  if (kind == DINI_BIFURCATION_NONE) {
    app->count[NAMED]++;
    PetscCall(CheckPlace(path, &good));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(State(path, path->u, z));
  PathValue(path, Now(path), z, G, Gz, Gt);
  for (PetscInt i = 0; i < path->N; i++) worst = PetscMax(worst, PetscAbsScalar(G[i]));
  if (PathTruth(path, Now(path), truth, &gy)) distance = ModeDistance(path->N, z, truth, 1.0);
  if (worst <= 1e-6 && distance > 1e-5) app->count[RIGHT]++;
  else {
    (void)snprintf(why, sizeof(why), "|G| is %.3g, and the old branch as near as %.3g", (double)worst,
                   (double)distance);
    FuzzFail(app, WRONG, "DiniSwitchBranch", why);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ModeContinuation(App *app)
{
  static const char *const ends[] = {"the target", "a fold", "a crossing", "another end"};
  DiniContinuationReason   reason;
  PetscReal                reached;
  Path                    *path;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&path));
  path->app = app;
  PathDraw(path, &app->random);
  for (PetscInt k = 0; k < path->actives; k++)
    FuzzSay(app, "  %s from %g, %g to %g\n", path->curve[k].name, (double)path->curve[k].nu, (double)path->curve[k].y,
            (double)path->target[k]);
  FuzzSay(app, "  m from %g to %g, the first step %g; %s at t = %.10g\n", (double)path->offset,
          (double)(path->offset + path->unit), (double)path->step, ends[path->end], (double)path->t);
  if (FuzzTry(app, "creation", FuzzPathCreate(path)) == RIGHT &&
      FuzzTry(app, "DiniContinue",
              DiniContinue(path->dini, 1, path->offset + path->unit, path->u, &reached, &reason)) == RIGHT) {
    PetscCall(Verdict(path, reason, reached));
    if (reason == DINI_CONTINUATION_BIFURCATION && path->end == END_CROSSING && !app->failure[0])
      PetscCall(CheckBranch(path, reached));
  }
  PetscCall(PathDestroy(path));
  PetscCall(PetscFree(path));
  PetscFunctionReturn(PETSC_SUCCESS);
}
