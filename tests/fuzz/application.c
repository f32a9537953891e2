/* The application's residual and Jacobian on distributed vectors, in units */
#include "app.h"

/* All entries of a Vec on every rank; a nest is one part after the other */
PetscErrorCode AppGather(App *app, Vec x, PetscScalar all[])
{
  const PetscScalar *local;
  PetscMPIInt        counts[64], starts[64], mine;
  PetscInt           n, parts = 1, done = 0;
  PetscBool          nested;
  Vec               *part = &x;

  PetscFunctionBeginUser;
  PetscCall(PetscObjectTypeCompare((PetscObject)x, VECNEST, &nested));
  if (nested) PetscCall(VecNestGetSubVecs(x, &parts, &part));
  for (PetscInt p = 0; p < parts; p++) {
    PetscCall(VecGetLocalSize(part[p], &n));
    PetscCall(PetscMPIIntCast(n, &mine));
    PetscCallMPI(MPI_Allgather(&mine, 1, MPI_INT, counts, 1, MPI_INT, app->comm));
    starts[0] = 0;
    for (PetscMPIInt r = 1; r < app->size; r++) starts[r] = starts[r - 1] + counts[r - 1];
    PetscCall(VecGetArrayRead(part[p], &local));
    PetscCallMPI(MPI_Allgatherv(local, mine, MPIU_SCALAR, all + done, counts, starts, MPIU_SCALAR, app->comm));
    PetscCall(VecRestoreArrayRead(part[p], &local));
    done += starts[app->size - 1] + counts[app->size - 1];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode AppState(App *app, Vec u, PetscScalar v[])
{
  PetscFunctionBeginUser;
  PetscCall(AppGather(app, u, v));
  for (PetscInt j = 0; j < app->R.N; j++) v[j] /= app->R.c[j];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode AppWriteState(App *app, const PetscScalar v[], Vec u)
{
  PetscScalar *local;

  PetscFunctionBeginUser;
  PetscCall(VecGetArray(u, &local));
  for (PetscInt i = 0; i < app->n; i++) local[i] = app->R.c[app->start + i] * v[app->start + i];
  PetscCall(VecRestoreArray(u, &local));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F(u, m), or the map u - F(u, m) of a fixed point */
PetscErrorCode AppResidual(App *app, Vec u, Vec F, PetscBool fixedpoint)
{
  PetscScalar v[FUZZ_N], q[FUZZ_M], G[FUZZ_N], *local;
  PetscBool   nan;

  PetscFunctionBeginUser;
  PetscCall(AppState(app, u, v));
  PetscCall(ParametersRead(app, q));
  RelationValue(&app->R, app->context, v, q, G, NULL);
  PetscCall(FuzzInject(app, AT_RESIDUAL, &nan));
  PetscCall(VecGetArray(F, &local));
  for (PetscInt i = 0; i < app->n; i++) {
    const PetscInt row = app->start + i;

    local[i] = fixedpoint ? app->R.c[row] * (v[row] - G[row]) : app->R.r[row] * G[row];
    if (nan) local[i] = NAN;
  }
  PetscCall(VecRestoreArray(F, &local));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J, or I - J of a fixed point; without the derivative of the cubic term where it is not exact */
PetscErrorCode AppFillJacobian(App *app, Vec u, Mat J, PetscBool fixedpoint, PetscBool exact)
{
  const Relation *R = &app->R;
  PetscScalar     v[FUZZ_N], q[FUZZ_M], Gv[FUZZ_N][FUZZ_N];
  PetscBool       nan, shell;

  PetscFunctionBeginUser;
  PetscCall(AppState(app, u, v));
  PetscCall(ParametersRead(app, q));
  if (!exact)
    for (PetscInt j = 0; j < R->N; j++) v[j] *= 0.7;
  RelationInState(R, app->context, v, q, Gv);
  PetscCall(PetscObjectTypeCompare((PetscObject)J, MATSHELL, &shell));
  if (shell) {
    PetscCall(FuzzInject(app, AT_JACOBIAN, &nan));
    for (PetscInt i = 0; i < R->N; i++)
      for (PetscInt j = 0; j < R->N; j++) app->shell[i][j] = nan ? NAN : Gv[i][j];
  } else {
    for (PetscInt i = app->start; i < app->start + app->n; i++)
      for (PetscInt j = 0; j < R->N; j++) {
        const PetscScalar entry = R->r[i] / R->c[j] * Gv[i][j],
                          value = fixedpoint ? (i == j ? 1.0 : 0.0) - entry : entry;

        if (RelationCouples(R, i, j)) PetscCall(MatSetValues(J, 1, &i, 1, &j, &value, INSERT_VALUES));
      }
    PetscCall(MatAssemblyBegin(J, MAT_FINAL_ASSEMBLY));
    PetscCall(MatAssemblyEnd(J, MAT_FINAL_ASSEMBLY));
    PetscCall(FuzzInject(app, AT_JACOBIAN, &nan));
    if (nan) { /* within this rank's diagonal block: nothing is communicated */
      PetscScalar bad = NAN;
      PetscInt    i   = app->start;

      if (app->n) PetscCall(MatSetValues(J, 1, &i, 1, &i, &bad, INSERT_VALUES));
    }
    if (app->fault.fired && app->fault.kind <= FAULT_NAN_ONE) { /* the same on all ranks */
      PetscCall(MatAssemblyBegin(J, MAT_FINAL_ASSEMBLY));
      PetscCall(MatAssemblyEnd(J, MAT_FINAL_ASSEMBLY));
    }
  }
  if (R->symmetric && exact) PetscCall(MatSetOption(J, MAT_SYMMETRIC, PETSC_TRUE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ShellMult(Mat J, Vec x, Vec y)
{
  App        *app;
  PetscScalar all[FUZZ_N] = {0.0}, *local;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(J, &app));
  PetscCall(AppState(app, x, all));
  PetscCall(VecGetArray(y, &local));
  for (PetscInt i = 0; i < app->n; i++) {
    local[i] = 0.0;
    for (PetscInt j = 0; j < app->R.N; j++) local[i] += app->shell[app->start + i][j] * all[j];
    local[i] *= app->R.r[app->start + i];
  }
  PetscCall(VecRestoreArray(y, &local));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ShellMultTranspose(Mat J, Vec x, Vec y)
{
  App        *app;
  PetscScalar all[FUZZ_N] = {0.0}, *local;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(J, &app));
  PetscCall(AppGather(app, x, all));
  PetscCall(VecGetArray(y, &local));
  for (PetscInt j = 0; j < app->n; j++) {
    local[j] = 0.0;
    for (PetscInt i = 0; i < app->R.N; i++) local[j] += app->R.r[i] * app->shell[i][app->start + j] * all[i];
    local[j] /= app->R.c[app->start + j];
  }
  PetscCall(VecRestoreArray(y, &local));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateMatrix(App *app, PetscBool shell, Mat *J)
{
  const Relation *R = &app->R;

  PetscFunctionBeginUser;
  if (shell) {
    PetscCall(MatCreateShell(app->comm, app->n, app->n, R->N, R->N, app, J));
    PetscCall(MatShellSetOperation(*J, MATOP_MULT, (void (*)(void))ShellMult));
    PetscCall(MatShellSetOperation(*J, MATOP_MULT_TRANSPOSE, (void (*)(void))ShellMultTranspose));
    PetscCall(MatSetUp(*J));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (app->dense) PetscCall(MatCreateDense(app->comm, app->n, app->n, R->N, R->N, NULL, J));
  else PetscCall(MatCreateAIJ(app->comm, app->n, app->n, R->N, R->N, R->N, NULL, R->N, NULL, J));
  PetscCall(MatSetOption(*J, MAT_NEW_NONZERO_ALLOCATION_ERR, PETSC_FALSE));
  for (PetscInt i = app->start; i < app->start + app->n; i++)
    for (PetscInt j = 0; j < R->N; j++)
      if (RelationCouples(R, i, j)) PetscCall(MatSetValue(*J, i, j, i == j ? 1.0 : 0.0, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(*J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*J, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode AppCreate(App *app)
{
  PetscFunctionBeginUser;
  app->context = 1.0;
  RandomLayout(&app->random, app->R.N, app->size, app->rank, &app->n);
  PetscCallMPI(MPI_Exscan(&app->n, &app->start, 1, MPIU_INT, MPI_SUM, app->comm));
  if (!app->rank) app->start = 0;
  app->rawstate = RandomChance(&app->random, 0.2);

  PetscCall(VecCreateMPI(app->comm, app->n, app->R.N, &app->f));
  PetscCall(CreateMatrix(app, (PetscBool)(app->jacobian == JACOBIAN_SHELL), &app->J));
  PetscCall(CreateMatrix(app, PETSC_FALSE, &app->Gu));
  PetscCall(VecDuplicate(app->f, &app->b));
  PetscCall(ParametersCreate(app));
  PetscCall(SolversCreate(app));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode AppDestroy(App *app)
{
  PetscFunctionBeginUser;
  for (PetscInt h = 0; h < 2; h++) PetscCall(HandleDestroy(app, &app->handle[h]));
  PetscCall(SNESDestroy(&app->snes));
  PetscCall(KSPDestroy(&app->ksp));
  PetscCall(ParametersDestroy(app));
  PetscCall(MatDestroy(&app->J));
  PetscCall(MatDestroy(&app->Gu));
  PetscCall(VecDestroy(&app->b));
  PetscCall(VecDestroy(&app->f));
  PetscFunctionReturn(PETSC_SUCCESS);
}
