/* Blocks of parameters in every kind of storage */
#include "app.h"

static PetscErrorCode GatherIndices(App *app, PetscInt n, const PetscInt mine[], PetscInt all[], PetscInt *start)
{
  PetscMPIInt counts[64], starts[64], local;

  PetscFunctionBeginUser;
  PetscCall(PetscMPIIntCast(n, &local));
  PetscCallMPI(MPI_Allgather(&local, 1, MPI_INT, counts, 1, MPI_INT, app->comm));
  starts[0] = 0;
  for (PetscMPIInt r = 1; r < app->size; r++) starts[r] = starts[r - 1] + counts[r - 1];
  PetscCallMPI(MPI_Allgatherv(mine, local, MPIU_INT, all, counts, starts, MPIU_INT, app->comm));
  *start = starts[app->rank];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BlockOwned(Block *block, PetscInt *n, PetscInt mine[])
{
  PetscInt from, to, before = 0;

  PetscFunctionBeginUser;
  *n = 0;
  if (block->store == STORE_NESTED) {
    for (PetscInt p = 0; p < 2; p++) {
      PetscCall(VecGetOwnershipRange(block->part[p], &from, &to));
      for (PetscInt k = from; k < to; k++) mine[(*n)++] = before + k;
      PetscCall(VecGetSize(block->part[p], &before));
    }
  } else if (block->store == STORE_NUMBER) {
    if (!block->app->rank) mine[(*n)++] = 0;
  } else {
    PetscCall(VecGetOwnershipRange(block->m, &from, &to));
    for (PetscInt k = from; k < to; k++) mine[(*n)++] = k;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ParametersFlat(App *app)
{
  PetscInt mine[FUZZ_M], one[FUZZ_M], n = 0, count, start;

  PetscFunctionBeginUser;
  for (PetscInt b = 0; b < app->R.nb; b++) {
    PetscCall(BlockOwned(&app->block[b], &count, one));
    for (PetscInt k = 0; k < count; k++) mine[n++] = app->R.first[b] + one[k];
  }
  app->nflat = n;
  PetscCall(GatherIndices(app, n, mine, app->flat, &start));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* dual: a gradient, whose units are those of 1/m */
PetscErrorCode ParametersWriteFlat(App *app, const PetscScalar q[], PetscBool dual, Vec flat)
{
  PetscScalar *local;
  PetscInt     from;

  PetscFunctionBeginUser;
  PetscCall(VecGetOwnershipRange(flat, &from, NULL));
  PetscCall(VecGetArray(flat, &local));
  for (PetscInt k = 0; k < app->nflat; k++) {
    const PetscInt p = app->flat[from + k];

    local[k] = dual ? q[p] / app->R.d[p] : q[p] * app->R.d[p];
  }
  PetscCall(VecRestoreArray(flat, &local));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ParametersReadFlat(App *app, Vec flat, PetscBool dual, PetscScalar q[])
{
  PetscScalar all[FUZZ_M];

  PetscFunctionBeginUser;
  PetscCall(AppGather(app, flat, all));
  for (PetscInt k = 0; k < app->R.M; k++) {
    const PetscInt p = app->flat[k];

    q[p] = dual ? all[k] * app->R.d[p] : all[k] / app->R.d[p];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the residual sees: ghost points and copies as they are */
PetscErrorCode ParametersRead(App *app, PetscScalar q[])
{
  PetscFunctionBeginUser;
  for (PetscInt b = 0; b < app->R.nb; b++) {
    Block         *block = &app->block[b];
    const PetscInt first = app->R.first[b];
    PetscScalar   *local;
    Vec            form;
    PetscInt       from, to, at = 0;

    if (block->store == STORE_NUMBER) q[first] = block->number;
    else if (block->store == STORE_COPY)
      for (PetscInt k = 0; k < block->n; k++) q[first + k] = block->copy[k];
    else if (block->store == STORE_GHOSTED) {
      PetscCall(VecGetOwnershipRange(block->m, &from, &to));
      PetscCall(VecGhostGetLocalForm(block->m, &form));
      PetscCall(VecGetArray(form, &local));
      for (PetscInt k = from; k < to; k++) q[first + k] = local[at++];
      for (PetscInt k = 0; k < block->n; k++)
        if (k < from || k >= to) q[first + k] = local[at++];
      PetscCall(VecRestoreArray(form, &local));
      PetscCall(VecGhostRestoreLocalForm(block->m, &form));
    } else PetscCall(AppGather(app, block->m, &q[first]));
    for (PetscInt k = first; k < first + block->n; k++) q[k] /= app->R.d[k];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ParametersGather(App *app, PetscScalar q[])
{
  PetscFunctionBeginUser;
  for (PetscInt b = 0; b < app->R.nb; b++) {
    Block         *block = &app->block[b];
    const PetscInt first = app->R.first[b];

    if (block->store == STORE_NUMBER) q[first] = block->number;
    else PetscCall(AppGather(app, block->m, &q[first]));
    for (PetscInt k = first; k < first + block->n; k++) q[k] /= app->R.d[k];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteLocal(Vec v, const PetscInt indices[], const PetscScalar q[], const PetscReal d[],
                                 PetscBool bump)
{
  PetscScalar       *local;
  const PetscScalar *read;
  PetscInt           n;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(v, &n));
  if (bump) PetscCall(VecGetArray(v, &local));
  else {
    PetscCall(VecGetArrayRead(v, &read));
    local = (PetscScalar *)(uintptr_t)read; /* what an application does that owns the array */
  }
  for (PetscInt k = 0; k < n; k++) local[k] = q[indices[k]] * d[indices[k]];
  if (bump) PetscCall(VecRestoreArray(v, &local));
  else PetscCall(VecRestoreArrayRead(v, &read));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* route 0: as PETSc wants it; 1: behind PETSc's back; 2: by another array */
PetscErrorCode BlockWrite(Block *block, const PetscScalar q[], const PetscInt route)
{
  App         *app          = block->app;
  PetscScalar *swap         = block->raw;
  PetscInt     mine[FUZZ_M] = {0}, n, from;

  PetscFunctionBeginUser;
  if (!block->n) PetscFunctionReturn(PETSC_SUCCESS);
  q += app->R.first[block->b];
  if (block->store == STORE_NUMBER) {
    block->number = q[0] * app->R.d[app->R.first[block->b]];
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(BlockOwned(block, &n, mine));
  if (block->store == STORE_NESTED) {
    for (PetscInt p = 0, done = 0; p < 2; p++, done += from) {
      PetscCall(WriteLocal(block->part[p], mine + done, q, &app->R.d[app->R.first[block->b]], PETSC_TRUE));
      PetscCall(VecGetLocalSize(block->part[p], &from));
    }
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (route == 2 && block->store == STORE_RAW) {
    block->raw   = block->spare;
    block->spare = swap;
    for (PetscInt k = 0; k < n; k++) block->raw[k] = q[mine[k]] * app->R.d[app->R.first[block->b] + mine[k]];
    if (block->placed) PetscCall(VecResetArray(block->m));
    else PetscCall(VecPlaceArray(block->m, block->raw));
    block->placed = (PetscBool)!block->placed;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(WriteLocal(block->m, mine, q, &app->R.d[app->R.first[block->b]],
                       (PetscBool)(route == 0 || block->store != STORE_RAW)));
  if (block->store == STORE_GHOSTED) {
    PetscCall(VecGhostUpdateBegin(block->m, INSERT_VALUES, SCATTER_FORWARD));
    PetscCall(VecGhostUpdateEnd(block->m, INSERT_VALUES, SCATTER_FORWARD));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- making them ---- */
static PetscErrorCode CreateVec(App *app, PetscInt size, Store store, Block *block)
{
  PetscInt n, ghosts[FUZZ_M], count = 0, from = 0;

  PetscFunctionBeginUser;
  RandomLayout(&app->random, size, app->size, app->rank, &n);
  if (store == STORE_NUMBER) PetscFunctionReturn(PETSC_SUCCESS);
  if (store == STORE_NESTED) {
    PetscInt other;

    RandomLayout(&app->random, size / 2, app->size, app->rank, &n);
    RandomLayout(&app->random, size - size / 2, app->size, app->rank, &other);
    PetscCall(VecCreateMPI(app->comm, n, size / 2, &block->part[0]));
    PetscCall(VecCreateMPI(app->comm, other, size - size / 2, &block->part[1]));
    PetscCall(VecCreateNest(app->comm, 2, NULL, block->part, &block->m));
  } else if (store == STORE_GHOSTED) {
    PetscCallMPI(MPI_Exscan(&n, &from, 1, MPIU_INT, MPI_SUM, app->comm));
    if (!app->rank) from = 0;
    for (PetscInt k = 0; k < size; k++)
      if (k < from || k >= from + n) ghosts[count++] = k;
    PetscCall(VecCreateGhost(app->comm, n, size, count, ghosts, &block->m));
  } else if (store == STORE_RAW) {
    PetscCall(PetscCalloc1(n + 1, &block->raw));
    PetscCall(PetscCalloc1(n + 1, &block->spare));
    PetscCall(VecCreateMPIWithArray(app->comm, 1, n, size, block->raw, &block->m));
  } else PetscCall(VecCreateMPI(app->comm, n, size, &block->m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreatePattern(Block *block)
{
  App     *app          = block->app;
  PetscInt mine[FUZZ_M] = {0}, n;

  PetscFunctionBeginUser;
  PetscCall(BlockOwned(block, &n, mine));
  PetscCall(MatCreateAIJ(app->comm, app->n, n, app->R.N, block->n, block->n, NULL, block->n, NULL, &block->Fm));
  PetscCall(MatSetOption(block->Fm, MAT_NEW_NONZERO_ALLOCATION_ERR, PETSC_FALSE));
  for (PetscInt i = app->start; i < app->start + app->n; i++)
    for (PetscInt column = 0; column < block->n; column++)
      if (RelationDepends(&app->R, i, app->R.first[block->b] + block->order[column]))
        PetscCall(MatSetValue(block->Fm, i, column, 0.0, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(block->Fm, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(block->Fm, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Choose(App *app, Block *block)
{
  const Relation *R     = &app->R;
  const Shape     shape = R->shape[block->b];
  PetscBool       free  = PETSC_TRUE;

  for (PetscInt i = 0; i < R->N; i++)
    if (R->product[i] != 0.0 && RelationBlock(R, R->pk[i]) == block->b) free = PETSC_FALSE;
  block->way   = (Way)RandomInt(&app->random, WAY_RHS);
  block->store = (Store)RandomInt(&app->random, STORES);
  if (block->way == WAY_CONSTANT && !(free && shape == SHAPE_LINEAR)) block->way = WAY_MATRIX;
  if (shape == SHAPE_ABSENT) block->way = WAY_ZERO;
  if (shape == SHAPE_RHS && (R->type == TYPE_KSP || RandomChance(&app->random, 0.6))) block->way = WAY_RHS;
  if (block->store == STORE_NUMBER && (block->n != 1 || block->way == WAY_COLORING || block->way == WAY_RHS))
    block->store = STORE_DIRECT;
  if (block->store == STORE_GHOSTED && FuzzAvoids(app, "ghosted")) block->store = STORE_DIRECT;
  if (block->store == STORE_NESTED && (block->n < 2 || FuzzAvoids(app, "nested") || RandomChance(&app->random, 0.7)))
    block->store = STORE_DIRECT;
  if (shape == SHAPE_RHS) block->store = STORE_DIRECT;
}

PetscErrorCode ParametersCreate(App *app)
{
  static const char *const ways[]   = {"matrix", "constant", "operator", "coloring", "fd", "rhs", "zero"};
  static const char *const stores[] = {"direct", "copy", "raw array", "ghosted", "nested", "number"};
  static const char *const shapes[] = {"linear", "square", "exp", "root", "rhs", "absent"};

  PetscFunctionBeginUser;
  for (PetscInt b = 0; b < app->R.nb; b++) {
    Block   *block        = &app->block[b];
    PetscInt mine[FUZZ_M] = {0}, n;

    block->app = app;
    block->b   = b;
    block->n   = app->R.size[b];
    PetscCall(PetscSNPrintf(block->name, sizeof(block->name), "b%" PetscInt_FMT, b));
    Choose(app, block);
    if (app->R.shape[b] == SHAPE_RHS) {
      block->m = app->b;
      PetscCall(PetscObjectReference((PetscObject)app->b));
    } else PetscCall(CreateVec(app, block->n, block->store, block));
    PetscCall(BlockOwned(block, &n, mine));
    PetscCall(GatherIndices(app, n, mine, block->order, &block->start));
    if (block->way < WAY_FD && block->way != WAY_OPERATOR) PetscCall(CreatePattern(block));
    PetscCall(BlockWrite(block, app->R.q, 0));
    for (PetscInt k = 0; k < block->n; k++)
      block->copy[k] = app->R.q[app->R.first[b] + k] * app->R.d[app->R.first[b] + k];
    FuzzSay(app, "  block %s: %s, size %d, F_m %s, %s, unit %.0e\n", block->name, shapes[app->R.shape[b]],
            (int)block->n, ways[block->way], stores[block->store], block->n ? (double)app->R.d[app->R.first[b]] : 0.0);
  }
  for (PetscInt b = 0; b < app->R.nb; b++)
    if (app->block[b].way == WAY_CONSTANT) { /* at any u: it is linear and alone */
      PetscCall(VecSet(app->f, 1.0));
      PetscCall(FuzzFill(NULL, app->f, app->block[b].m ? app->block[b].m : app->f, app->block[b].Fm, &app->block[b]));
    }
  PetscCall(ParametersFlat(app));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ParametersDestroy(App *app)
{
  PetscFunctionBeginUser;
  for (PetscInt b = 0; b < app->R.nb; b++) {
    PetscCall(MatDestroy(&app->block[b].Fm));
    PetscCall(VecDestroy(&app->block[b].m));
    for (PetscInt p = 0; p < 2; p++) PetscCall(VecDestroy(&app->block[b].part[p]));
    PetscCall(PetscFree(app->block[b].raw));
    PetscCall(PetscFree(app->block[b].spare));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
