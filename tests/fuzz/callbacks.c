/* What a Dini is given for the parameters: updates, and F_m in every way that it takes it */
#include "app.h"

static PetscErrorCode FuzzUpdate(Dini dini, Vec m, void *ctx)
{
  Block    *block = (Block *)ctx;
  PetscBool nan;

  PetscFunctionBeginUser;
  (void)dini;
  if (block->store == STORE_COPY) PetscCall(AppGather(block->app, m, block->copy));
  if (block->store == STORE_GHOSTED) {
    PetscCall(VecGhostUpdateBegin(m, INSERT_VALUES, SCATTER_FORWARD));
    PetscCall(VecGhostUpdateEnd(m, INSERT_VALUES, SCATTER_FORWARD));
  }
  PetscCall(FuzzInject(block->app, AT_UPDATE, &nan));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* r G_q / d of this block at (u, m) on every rank */
static PetscErrorCode DenseFm(Block *block, Vec u, Vec m, PetscScalar Fm[FUZZ_N][FUZZ_M])
{
  App           *app   = block->app;
  const PetscInt first = app->R.first[block->b];
  PetscScalar    v[FUZZ_N], q[FUZZ_M], Gq[FUZZ_N][FUZZ_M];

  PetscFunctionBeginUser;
  PetscCall(AppState(app, u, v));
  PetscCall(ParametersRead(app, q));
  PetscCall(AppGather(app, m, &q[first]));
  for (PetscInt k = first; k < first + block->n; k++) q[k] /= app->R.d[k];
  RelationInParameters(&app->R, v, q, Gq);
  for (PetscInt i = 0; i < app->R.N; i++)
    for (PetscInt k = 0; k < block->n; k++) Fm[i][k] = app->R.r[i] * Gq[i][first + k] / app->R.d[first + k];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FuzzFill(Dini dini, Vec u, Vec m, Mat Fm, void *ctx)
{
  Block      *block = (Block *)ctx;
  App        *app   = block->app;
  PetscScalar values[FUZZ_N][FUZZ_M];
  PetscBool   nan;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(DenseFm(block, u, m, values));
  for (PetscInt i = app->start; i < app->start + app->n; i++)
    for (PetscInt column = 0; column < block->n; column++) {
      const PetscInt k = block->order[column];

      if (RelationDepends(&app->R, i, app->R.first[block->b] + k))
        PetscCall(MatSetValue(Fm, i, column, values[i][k], INSERT_VALUES));
    }
  PetscCall(MatAssemblyBegin(Fm, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(Fm, MAT_FINAL_ASSEMBLY));
  PetscCall(FuzzInject(app, AT_PARAMETER, &nan));
  if (app->fault.fired && app->fault.kind <= FAULT_NAN_ONE) PetscCall(MatScale(Fm, nan ? NAN : 1.0)); /* on all ranks */
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FuzzApply(Dini dini, Vec u, Vec m, Vec x, Vec y, void *ctx)
{
  Block      *block = (Block *)ctx;
  App        *app   = block->app;
  PetscScalar values[FUZZ_N][FUZZ_M], all[FUZZ_M], *local;
  PetscBool   nan;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(DenseFm(block, u, m, values));
  PetscCall(AppGather(app, x, all));
  PetscCall(FuzzInject(app, AT_PARAMETER, &nan));
  PetscCall(VecGetArray(y, &local));
  for (PetscInt i = 0; i < app->n; i++) {
    local[i] = nan ? NAN : 0.0;
    for (PetscInt k = 0; k < block->n; k++) local[i] += values[app->start + i][k] * all[k];
  }
  PetscCall(VecRestoreArray(y, &local));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FuzzApplyAdjoint(Dini dini, Vec u, Vec m, Vec x, Vec y, void *ctx)
{
  Block      *block = (Block *)ctx;
  App        *app   = block->app;
  PetscScalar values[FUZZ_N][FUZZ_M], all[FUZZ_N], *local;
  PetscInt    mine[FUZZ_M], n, done = 0, parts = 1, count;
  PetscBool   nan, nested;
  Vec        *part = &y;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(DenseFm(block, u, m, values));
  PetscCall(AppGather(app, x, all));
  PetscCall(FuzzInject(app, AT_PARAMETER, &nan));
  PetscCall(BlockOwned(block, &n, mine));
  PetscCall(PetscObjectTypeCompare((PetscObject)y, VECNEST, &nested));
  if (nested) PetscCall(VecNestGetSubVecs(y, &parts, &part));
  for (PetscInt p = 0; p < parts; p++) {
    PetscCall(VecGetLocalSize(part[p], &count));
    PetscCall(VecGetArray(part[p], &local));
    for (PetscInt k = 0; k < count; k++) {
      local[k] = nan ? NAN : 0.0;
      for (PetscInt i = 0; i < app->R.N; i++) local[k] += PetscConj(values[i][mine[done]]) * all[i];
      done++;
    }
    PetscCall(VecRestoreArray(part[p], &local));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ParametersAdd(App *app, Dini dini)
{
  PetscInt p;

  PetscFunctionBeginUser;
  for (PetscInt b = 0; b < app->R.nb; b++) {
    Block *block = &app->block[b];

    if (block->store == STORE_NUMBER) PetscCall(DiniAddScalarParameter(dini, block->name, &block->number, &p));
    else PetscCall(DiniAddParameter(dini, block->name, block->m, &p));
    if (block->store == STORE_COPY || (block->store == STORE_GHOSTED && b % 2))
      PetscCall(DiniSetParameterUpdate(dini, p, FuzzUpdate, block));
    switch (block->way) {
    case WAY_MATRIX:
      PetscCall(DiniSetParameterJacobian(dini, p, block->Fm, FuzzFill, block));
      break;
    case WAY_CONSTANT:
      PetscCall(DiniSetParameterJacobian(dini, p, block->Fm, NULL, NULL));
      PetscCall(DiniSetParameterType(dini, p, DINIPARAMETERMATRIX));
      break;
    case WAY_OPERATOR:
      PetscCall(DiniSetParameterOperator(dini, p, FuzzApply, FuzzApplyAdjoint, block));
      break;
    case WAY_COLORING:
      PetscCall(DiniSetParameterJacobian(dini, p, block->Fm, NULL, NULL));
      break;
    case WAY_RHS:
      PetscCall(DiniSetParameterType(dini, p, DINIPARAMETERRHS));
      break;
    case WAY_ZERO:
      PetscCall(DiniSetParameterType(dini, p, DINIPARAMETERZERO));
      break;
    default:
      break;
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
