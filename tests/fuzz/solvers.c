/* The solver that the application runs, and Dinis on it */
#include "app.h"

static PetscErrorCode FuzzResidualSNES(SNES snes, Vec u, Vec F, void *ctx)
{
  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(AppResidual((App *)ctx, u, F, PETSC_FALSE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FuzzJacobianSNES(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  App *app = (App *)ctx;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(AppFillJacobian(app, u, P, PETSC_FALSE, (PetscBool)(app->jacobian != JACOBIAN_APPROXIMATE)));
  if (J != P) {
    PetscCall(MatAssemblyBegin(J, MAT_FINAL_ASSEMBLY));
    PetscCall(MatAssemblyEnd(J, MAT_FINAL_ASSEMBLY));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FuzzResidualShell(Dini dini, Vec u, Vec F, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(AppResidual((App *)ctx, u, F, PETSC_FALSE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FuzzJacobianShell(Dini dini, Vec u, Mat J, Mat P, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini, (void)P;
  PetscCall(AppFillJacobian((App *)ctx, u, J, PETSC_FALSE, PETSC_TRUE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FuzzMap(Dini dini, Vec u, Vec G, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(AppResidual((App *)ctx, u, G, PETSC_TRUE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FuzzMapJacobian(Dini dini, Vec u, Mat Gu, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(AppFillJacobian((App *)ctx, u, Gu, PETSC_TRUE, PETSC_TRUE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = (I - J) x, or its adjoint, at u */
static PetscErrorCode MapProduct(App *app, Vec u, Vec x, Vec y, PetscBool adjoint)
{
  const Relation *R = &app->R;
  PetscScalar     v[FUZZ_N], q[FUZZ_M], Gv[FUZZ_N][FUZZ_N], all[FUZZ_N], *local;

  PetscFunctionBeginUser;
  PetscCall(AppState(app, u, v));
  PetscCall(ParametersRead(app, q));
  PetscCall(AppGather(app, x, all));
  RelationInState(R, app->context, v, q, Gv);
  PetscCall(VecGetArray(y, &local));
  for (PetscInt i = 0; i < app->n; i++) {
    const PetscInt row = app->start + i;

    local[i] = all[row];
    for (PetscInt j = 0; j < R->N; j++)
      local[i] -= (adjoint ? PetscConj(Gv[j][row]) * R->r[j] / R->c[row] : Gv[row][j] * R->r[row] / R->c[j]) * all[j];
  }
  PetscCall(VecRestoreArray(y, &local));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FuzzMapApply(Dini dini, Vec u, Vec x, Vec y, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(MapProduct((App *)ctx, u, x, y, PETSC_FALSE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FuzzMapApplyAdjoint(Dini dini, Vec u, Vec x, Vec y, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(MapProduct((App *)ctx, u, x, y, PETSC_TRUE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A u = b: b = -F(0, m) where no block is b itself */
static PetscErrorCode FuzzAssemble(Dini dini, Mat A, Mat P, Vec b, void *ctx)
{
  App        *app       = (App *)ctx;
  PetscScalar v[FUZZ_N] = {0.0}, q[FUZZ_M], G[FUZZ_N], *local;
  PetscBool   nan;

  PetscFunctionBeginUser;
  (void)dini, (void)P;
  PetscCall(ParametersRead(app, q)); /* all that is collective comes before faults */
  PetscCall(AppFillJacobian(app, app->f, A, PETSC_FALSE, PETSC_TRUE));
  PetscCall(FuzzInject(app, AT_RESIDUAL, &nan));
  if (app->R.shape[app->R.nb - 1] == SHAPE_RHS) PetscFunctionReturn(PETSC_SUCCESS);
  RelationValue(&app->R, app->context, v, q, G, NULL);
  PetscCall(VecGetArray(b, &local));
  for (PetscInt i = 0; i < app->n; i++) local[i] = nan ? NAN : -app->R.r[app->start + i] * G[app->start + i];
  PetscCall(VecRestoreArray(b, &local));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FuzzSolve(Dini dini, Vec u, void *ctx)
{
  App        *app = (App *)ctx;
  PetscScalar v[FUZZ_N], q[FUZZ_M];
  PetscBool   nan;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(AppState(app, u, v));
  PetscCall(ParametersRead(app, q));
  for (PetscInt j = 0; j < app->R.N; j++) v[j] = app->R.v[j]; /* one root, whatever the guess */
  if (!OracleSolve(&app->R, app->context, v, q)) v[0] = NAN;
  PetscCall(AppWriteState(app, v, u));
  PetscCall(FuzzInject(app, AT_SOLVE, &nan));
  if (app->fault.fired && app->fault.kind <= FAULT_NAN_ONE) PetscCall(VecScale(u, nan ? NAN : 1.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- objectives: the relation's units are not theirs ---- */
static PetscErrorCode ObjectiveValue(App *app, PetscInt which, Vec u, PetscReal *value)
{
  PetscScalar v[FUZZ_N], q[FUZZ_M];
  PetscBool   nan;

  PetscFunctionBeginUser;
  PetscCall(AppState(app, u, v));
  PetscCall(ParametersRead(app, q));
  *value = 0.0;
  for (PetscInt j = 0; j < app->R.N; j++) *value += 0.5 * OracleWeight(which, j) * PetscSqr(PetscAbsScalar(v[j] - 0.5));
  for (PetscInt k = 0; k < app->R.M; k++) *value += 0.05 * PetscSqr(PetscAbsScalar(q[k]));
  PetscCall(FuzzInject(app, AT_OBJECTIVE, &nan));
  if (nan) *value = NAN;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ObjectiveGradient(App *app, PetscInt which, Vec u, Vec gu, Vec gm)
{
  PetscScalar v[FUZZ_N], q[FUZZ_M], *local;

  PetscFunctionBeginUser;
  PetscCall(AppState(app, u, v));
  PetscCall(ParametersRead(app, q));
  PetscCall(VecGetArray(gu, &local));
  for (PetscInt j = 0; j < app->n; j++)
    local[j] = OracleWeight(which, app->start + j) * (v[app->start + j] - 0.5) / app->R.c[app->start + j];
  PetscCall(VecRestoreArray(gu, &local));
  for (PetscInt k = 0; k < app->R.M; k++) q[k] *= 0.1;
  PetscCall(ParametersWriteFlat(app, q, PETSC_TRUE, gm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* one function for each objective: their context is the application's */
#define FUZZ_OBJECTIVE(which)                                                                                          \
  static PetscErrorCode FuzzObjective##which(Dini dini, Vec u, PetscReal *value, void *ctx)                            \
  {                                                                                                                    \
    PetscFunctionBeginUser;                                                                                            \
    (void)dini;                                                                                                        \
    PetscCall(ObjectiveValue((App *)ctx, which, u, value));                                                            \
    PetscFunctionReturn(PETSC_SUCCESS);                                                                                \
  }                                                                                                                    \
  static PetscErrorCode FuzzGradient##which(Dini dini, Vec u, Vec gu, Vec gm, void *ctx)                               \
  {                                                                                                                    \
    PetscFunctionBeginUser;                                                                                            \
    (void)dini;                                                                                                        \
    PetscCall(ObjectiveGradient((App *)ctx, which, u, gu, gm));                                                        \
    PetscFunctionReturn(PETSC_SUCCESS);                                                                                \
  }
FUZZ_OBJECTIVE(0)
FUZZ_OBJECTIVE(1)
FUZZ_OBJECTIVE(2)

/* ---- creating ---- */
PetscErrorCode SolversCreate(App *app)
{
  Mat A = app->J;

  PetscFunctionBeginUser;
  if (app->R.type == TYPE_SNES) {
    PetscCall(SNESCreate(app->comm, &app->snes));
    PetscCall(SNESSetOptionsPrefix(app->snes, "f_"));
    PetscCall(SNESSetFunction(app->snes, app->f, FuzzResidualSNES, app));
    if (app->jacobian != JACOBIAN_NONE && app->jacobian != JACOBIAN_MF)
      PetscCall(SNESSetJacobian(app->snes, A, A, FuzzJacobianSNES, app));
    PetscCall(SNESSetFromOptions(app->snes));
  } else if (app->R.type == TYPE_KSP) {
    PetscCall(KSPCreate(app->comm, &app->ksp));
    PetscCall(KSPSetOptionsPrefix(app->ksp, "f_"));
    PetscCall(KSPSetOperators(app->ksp, A, A));
    PetscCall(KSPSetFromOptions(app->ksp));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GiveFixedPoint(App *app, Dini dini)
{
  PetscFunctionBeginUser;
  PetscCall(DiniSetFixedPoint(dini, FuzzMap, app));
  if (app->jacobian == JACOBIAN_EXACT) PetscCall(DiniSetFixedPointJacobian(dini, app->Gu, FuzzMapJacobian, app));
  else if (app->jacobian == JACOBIAN_FDCOLOR) PetscCall(DiniSetFixedPointJacobian(dini, app->Gu, NULL, NULL));
  else if (app->jacobian == JACOBIAN_SHELL)
    PetscCall(DiniSetFixedPointOperator(dini, FuzzMapApply, FuzzMapApplyAdjoint, app));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HandleCreate(App *app, Handle *handle)
{
  PetscInt o;

  PetscFunctionBeginUser;
  if (!handle->u) {
    if (app->rawstate) {
      PetscCall(PetscCalloc1(app->n + 1, &handle->raw));
      PetscCall(VecCreateMPIWithArray(app->comm, 1, app->n, app->R.N, handle->raw, &handle->u));
    } else PetscCall(VecDuplicate(app->f, &handle->u));
  }
  PetscCall(DiniCreate(app->comm, &handle->dini));
  PetscCall(DiniSetOptionsPrefix(handle->dini, "f_"));
  if (app->R.type == TYPE_SNES) PetscCall(DiniSetSNES(handle->dini, app->snes));
  else if (app->R.type == TYPE_KSP) {
    PetscCall(DiniSetKSP(handle->dini, app->ksp));
    PetscCall(DiniSetLinearSystem(handle->dini, app->b, FuzzAssemble, app));
  } else if (app->R.type == TYPE_FIXEDPOINT) PetscCall(GiveFixedPoint(app, handle->dini));
  else {
    PetscCall(DiniSetType(handle->dini, DINISHELL));
    PetscCall(DiniSetResidual(handle->dini, FuzzResidualShell, app));
    if (app->jacobian != JACOBIAN_NONE) PetscCall(DiniSetJacobian(handle->dini, app->J, NULL, FuzzJacobianShell, app));
    PetscCall(DiniSetSolve(handle->dini, FuzzSolve, app));
  }
  PetscCall(ParametersAdd(app, handle->dini));
  PetscCall(DiniSetState(handle->dini, handle->u));
  PetscCall(DiniSetObjective(handle->dini, FuzzObjective0, FuzzGradient0, app));
  PetscCall(DiniAddObjective(handle->dini, "one", FuzzObjective1, FuzzGradient1, app, &o));
  PetscCall(DiniAddObjective(handle->dini, "two", FuzzObjective2, FuzzGradient2, app, &o));
  PetscCall(DiniSetFromOptions(handle->dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HandleDestroy(App *app, Handle *handle)
{
  (void)app;
  PetscFunctionBeginUser;
  for (PetscInt p = 0; p < FUZZ_PINS; p++) PetscCall(MatDestroy(&handle->pin[p]));
  PetscCall(DiniDestroy(&handle->dini));
  PetscCall(VecDestroy(&handle->u));
  PetscCall(PetscFree(handle->raw));
  handle->at.valid = handle->unknown = handle->monitored = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}
