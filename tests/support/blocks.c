#include "blocks.h"

static PetscReal Well(const Blocks *c, PetscInt i, PetscInt w)
{
  const PetscReal d = (PetscReal)i - (PetscReal)(w + 1) * (PetscReal)c->n / (NWELLS + 1.0);

  return 1.0 / (1.0 + d * d);
}

/* Neighbours of a point: their states, and the conductivities of the faces with their derivatives in log k here and there */
typedef struct {
  PetscScalar u[2], k[2], dkhere[2], dkthere[2];
} Faces;

static void BlocksFaces(const Blocks *c, PetscInt i, const PetscScalar u[], PetscScalar *const m[], Faces *f)
{
  const PetscScalar here = PetscExpScalar(m[i][0]);

  for (PetscInt side = 0; side < 2; side++) {
    const PetscInt  j   = side ? i + 1 : i - 1;
    const PetscBool end = (PetscBool)(j < 0 || j >= c->n);

    f->u[side]       = end ? c->ends[side] : u[j];
    f->k[side]       = end ? here : 0.5 * (here + PetscExpScalar(m[j][0]));
    f->dkhere[side]  = end ? here : 0.5 * here;
    f->dkthere[side] = end ? 0.0 : 0.5 * PetscExpScalar(m[j][0]);
  }
}

typedef struct {
  DMDALocalInfo info;
  Vec           ul, ml;
  PetscScalar  *u, **m, *f;
} Arrays;

static PetscErrorCode ArraysGet(Blocks *c, Vec u, Arrays *a)
{
  PetscFunctionBeginUser;
  PetscCall(DMDAGetLocalInfo(c->state, &a->info));
  PetscCall(DMGetLocalVector(c->state, &a->ul));
  PetscCall(DMGetLocalVector(c->medium, &a->ml));
  PetscCall(DMGlobalToLocal(c->state, u, INSERT_VALUES, a->ul));
  PetscCall(DMGlobalToLocal(c->medium, c->block[MEDIUM], INSERT_VALUES, a->ml));
  PetscCall(DMDAVecGetArrayRead(c->state, a->ul, &a->u));
  PetscCall(DMDAVecGetArrayDOFRead(c->medium, a->ml, &a->m));
  PetscCall(DMDAVecGetArrayRead(c->state, c->block[LOAD], &a->f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ArraysRestore(Blocks *c, Arrays *a)
{
  PetscFunctionBeginUser;
  PetscCall(DMDAVecRestoreArrayRead(c->state, c->block[LOAD], &a->f));
  PetscCall(DMDAVecRestoreArrayDOFRead(c->medium, a->ml, &a->m));
  PetscCall(DMDAVecRestoreArrayRead(c->state, a->ul, &a->u));
  PetscCall(DMRestoreLocalVector(c->medium, &a->ml));
  PetscCall(DMRestoreLocalVector(c->state, &a->ul));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  Blocks      *c = (Blocks *)ctx;
  Arrays       a;
  Faces        f;
  PetscScalar *Fa;

  PetscFunctionBeginUser;
  (void)snes;
  c->residuals++;
  PetscCall(ArraysGet(c, u, &a));
  PetscCall(DMDAVecGetArray(c->state, F, &Fa));
  for (PetscInt i = a.info.xs; i < a.info.xs + a.info.xm; i++) {
    BlocksFaces(c, i, a.u, a.m, &f);
    Fa[i] = f.k[0] * (a.u[i] - f.u[0]) + f.k[1] * (a.u[i] - f.u[1]) + 0.5 * c->peclet * (f.u[1] - f.u[0]) +
            a.m[i][1] * a.u[i] + c->cubic * a.u[i] * a.u[i] * a.u[i] - a.f[i];
    for (PetscInt w = 0; w < NWELLS; w++) Fa[i] -= c->wells[w] * Well(c, i, w);
  }
  PetscCall(DMDAVecRestoreArray(c->state, F, &Fa));
  PetscCall(ArraysRestore(c, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BlocksJacobian(Blocks *c, Vec u, Mat J)
{
  Arrays a;
  Faces  f;

  PetscFunctionBeginUser;
  PetscCall(MatZeroEntries(J));
  PetscCall(ArraysGet(c, u, &a));
  for (PetscInt i = a.info.xs; i < a.info.xs + a.info.xm; i++) {
    BlocksFaces(c, i, a.u, a.m, &f);
    PetscCall(MatSetValue(J, i, i, f.k[0] + f.k[1] + a.m[i][1] + 3.0 * c->cubic * a.u[i] * a.u[i], INSERT_VALUES));
    if (i > 0) PetscCall(MatSetValue(J, i, i - 1, -f.k[0] - 0.5 * c->peclet, INSERT_VALUES));
    if (i < c->n - 1) PetscCall(MatSetValue(J, i, i + 1, -f.k[1] + 0.5 * c->peclet, INSERT_VALUES));
  }
  PetscCall(ArraysRestore(c, &a));
  PetscCall(MatAssemblyBegin(J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(J, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  PetscFunctionBeginUser;
  (void)snes;
  (void)J;
  PetscCall(BlocksJacobian((Blocks *)ctx, u, P));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The whole of a small Vec, on every rank */
static PetscErrorCode Gather(Vec v, PetscScalar values[])
{
  VecScatter         all;
  Vec                copy;
  const PetscScalar *a;
  PetscInt           n;

  PetscFunctionBeginUser;
  PetscCall(VecScatterCreateToAll(v, &all, &copy));
  PetscCall(VecScatterBegin(all, v, copy, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(all, v, copy, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecGetLocalSize(copy, &n));
  PetscCall(VecGetArrayRead(copy, &a));
  PetscCall(PetscArraycpy(values, a, n));
  PetscCall(VecRestoreArrayRead(copy, &a));
  PetscCall(VecScatterDestroy(&all));
  PetscCall(VecDestroy(&copy));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PushSmall(Dini dini, Vec m, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(Gather(m, (PetscScalar *)ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* dF_i / d(end of this side) */
static PetscScalar EndEntry(const Blocks *c, PetscInt side, const Faces *f)
{
  return -f->k[side] + (side ? 0.5 : -0.5) * c->peclet;
}

static PetscErrorCode FillEnds(Dini dini, Vec u, Vec m, Mat Fm, void *ctx)
{
  Blocks *c = (Blocks *)ctx;
  Arrays  a;
  Faces   f;

  PetscFunctionBeginUser;
  (void)dini;
  (void)m;
  c->fills++;
  PetscCall(ArraysGet(c, u, &a));
  for (PetscInt side = 0; side < 2; side++) {
    const PetscInt i = side ? c->n - 1 : 0;

    if (i < a.info.xs || i >= a.info.xs + a.info.xm) continue;
    BlocksFaces(c, i, a.u, a.m, &f);
    PetscCall(MatSetValue(Fm, i, side, EndEntry(c, side, &f), INSERT_VALUES));
  }
  PetscCall(ArraysRestore(c, &a));
  PetscCall(MatAssemblyBegin(Fm, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(Fm, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ApplyWells(Dini dini, Vec u, Vec m, Vec x, Vec y, void *ctx)
{
  Blocks     *c = (Blocks *)ctx;
  PetscScalar a[NWELLS], *ya;
  PetscInt    first, last;

  PetscFunctionBeginUser;
  (void)dini;
  (void)u;
  (void)m;
  c->applies++;
  PetscCall(Gather(x, a));
  PetscCall(VecGetOwnershipRange(y, &first, &last));
  PetscCall(VecGetArray(y, &ya));
  for (PetscInt i = first; i < last; i++) {
    ya[i - first] = 0.0;
    for (PetscInt w = 0; w < NWELLS; w++) ya[i - first] -= Well(c, i, w) * a[w];
  }
  PetscCall(VecRestoreArray(y, &ya));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ApplyWellsAdjoint(Dini dini, Vec u, Vec m, Vec x, Vec y, void *ctx)
{
  Blocks            *c           = (Blocks *)ctx;
  PetscScalar        sum[NWELLS] = {0.0};
  const PetscScalar *xa;
  PetscInt           first, last;

  PetscFunctionBeginUser;
  (void)dini;
  (void)u;
  (void)m;
  c->applies++;
  PetscCall(VecGetOwnershipRange(x, &first, &last));
  PetscCall(VecGetArrayRead(x, &xa));
  for (PetscInt i = first; i < last; i++)
    for (PetscInt w = 0; w < NWELLS; w++) sum[w] -= Well(c, i, w) * xa[i - first];
  PetscCall(VecRestoreArrayRead(x, &xa));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sum, NWELLS, MPIU_SCALAR, MPIU_SUM, PETSC_COMM_WORLD));
  PetscCall(VecGetOwnershipRange(y, &first, &last));
  for (PetscInt w = first; w < last; w++) PetscCall(VecSetValue(y, w, sum[w], INSERT_VALUES));
  PetscCall(VecAssemblyBegin(y));
  PetscCall(VecAssemblyEnd(y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The last rank alone owns the ends, so that the others own nothing of them. */
static PetscErrorCode CreateBlocks(Blocks *c)
{
  PetscMPIInt rank, size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(DMCreateGlobalVector(c->medium, &c->block[MEDIUM]));
  PetscCall(DMCreateGlobalVector(c->state, &c->block[LOAD]));
  PetscCall(DMCreateGlobalVector(c->state, &c->block[GUESS]));
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, rank == size - 1 ? 2 : 0, 2, &c->block[ENDS]));
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, PETSC_DECIDE, NWELLS, &c->block[WELLS]));
  for (PetscInt b = 0; b < NBLOCKS; b++)
    if (c->block[b]) PetscCall(DiniTestFill(c->block[b], 80 + b));
  PetscCall(VecScale(c->block[MEDIUM], 0.5));
  c->peclet = DiniTestScalar(0.7, 0.1);
  c->cubic  = DiniTestScalar(0.4, -0.2);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BlocksCreate(PetscInt n, Blocks *c)
{
  PetscInt local, ends, p;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(c, sizeof(*c)));
  c->n = n;
  PetscCall(DMDACreate1d(PETSC_COMM_WORLD, DM_BOUNDARY_NONE, n, 1, 1, NULL, &c->state));
  PetscCall(DMSetUp(c->state));
  PetscCall(DMDACreate1d(PETSC_COMM_WORLD, DM_BOUNDARY_NONE, n, 2, 1, NULL, &c->medium));
  PetscCall(DMSetUp(c->medium));
  PetscCall(DMCreateGlobalVector(c->state, &c->u));
  PetscCall(CreateBlocks(c));
  PetscCall(DMCreateMatrix(c->state, &c->J));
  PetscCall(VecGetLocalSize(c->u, &local));
  PetscCall(VecGetLocalSize(c->block[ENDS], &ends));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, local, ends, n, 2, 2, NULL, 2, NULL, &c->Fends));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &c->snes));
  PetscCall(SNESSetDM(c->snes, c->state));
  PetscCall(SNESSetFunction(c->snes, NULL, Residual, c));
  PetscCall(SNESSetJacobian(c->snes, c->J, c->J, Jacobian, c));
  PetscCall(SNESSetTolerances(c->snes, 1e-13, 1e-13, 0.0, 50, 1000));

  PetscCall(DiniCreate(PETSC_COMM_WORLD, &c->dini));
  PetscCall(DiniSetSNES(c->dini, c->snes));
  PetscCall(DiniAddParameter(c->dini, "medium", c->block[MEDIUM], &p));
  PetscCall(DiniSetParameterType(c->dini, p, DINIPARAMETERCOLORING)); /* the pattern is that of the DMs */
  PetscCall(DiniAddParameter(c->dini, "load", c->block[LOAD], &p));
  PetscCall(DiniSetParameterType(c->dini, p, DINIPARAMETERRHS));
  PetscCall(DiniAddScalarParameter(c->dini, "peclet", &c->peclet, &p));
  PetscCall(DiniSetParameterAffine(c->dini, p, PETSC_TRUE));
  PetscCall(DiniAddScalarParameter(c->dini, "cubic", &c->cubic, &p));
  PetscCall(DiniAddParameter(c->dini, "ends", c->block[ENDS], &p));
  PetscCall(DiniSetParameterUpdate(c->dini, p, PushSmall, c->ends));
  PetscCall(DiniSetParameterJacobian(c->dini, p, c->Fends, FillEnds, c));
  PetscCall(DiniAddParameter(c->dini, "wells", c->block[WELLS], &p));
  PetscCall(DiniSetParameterUpdate(c->dini, p, PushSmall, c->wells));
  PetscCall(DiniSetParameterOperator(c->dini, p, ApplyWells, ApplyWellsAdjoint, c));
  PetscCall(DiniAddParameter(c->dini, "guess", c->block[GUESS], &p));
  PetscCall(DiniSetParameterType(c->dini, p, DINIPARAMETERZERO));
  PetscCall(DiniSetFromOptions(c->dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BlocksDestroy(Blocks *c)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&c->dini));
  PetscCall(SNESDestroy(&c->snes));
  PetscCall(MatDestroy(&c->J));
  PetscCall(MatDestroy(&c->Fends));
  for (PetscInt b = 0; b < NBLOCKS; b++) PetscCall(VecDestroy(&c->block[b]));
  PetscCall(VecDestroy(&c->u));
  PetscCall(DMDestroy(&c->state));
  PetscCall(DMDestroy(&c->medium));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* column[b][j]: where entry j of block b is in the flat vector; -1 for inactive blocks */
static PetscErrorCode FlatColumns(Blocks *c, Vec flat, PetscInt *column[])
{
  PetscInt  first, last;
  PetscBool active;
  Vec       numbers, part;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(flat, &numbers));
  PetscCall(VecGetOwnershipRange(numbers, &first, &last));
  for (PetscInt i = first; i < last; i++) PetscCall(VecSetValue(numbers, i, (PetscScalar)(PetscReal)i, INSERT_VALUES));
  PetscCall(VecAssemblyBegin(numbers));
  PetscCall(VecAssemblyEnd(numbers));
  for (PetscInt b = 0; b < NBLOCKS; b++) {
    PetscScalar *values;

    PetscCall(PetscMalloc1(2 * c->n + NWELLS, &values));
    PetscCall(PetscMalloc1(2 * c->n + NWELLS, &column[b]));
    PetscCall(DiniGetParameterActive(c->dini, b, &active));
    for (PetscInt j = 0; j < 2 * c->n + NWELLS; j++) values[j] = -1.0;
    if (active) {
      PetscCall(DiniGetParameterSubVec(c->dini, numbers, b, &part));
      PetscCall(Gather(part, values));
      PetscCall(DiniRestoreParameterSubVec(c->dini, numbers, b, &part));
    }
    for (PetscInt j = 0; j < 2 * c->n + NWELLS; j++) column[b][j] = (PetscInt)PetscRealPart(values[j]);
    PetscCall(PetscFree(values));
  }
  PetscCall(VecDestroy(&numbers));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Negative columns, of inactive blocks, are left out by MatSetValues(). */
PetscErrorCode BlocksReference(Blocks *c, Vec flat, Mat *Fm)
{
  PetscInt *column[NBLOCKS], local, nflat, Nflat;
  Arrays    a;
  Faces     f;

  PetscFunctionBeginUser;
  PetscCall(FlatColumns(c, flat, column));
  PetscCall(VecGetLocalSize(c->u, &local));
  PetscCall(VecGetLocalSize(flat, &nflat));
  PetscCall(VecGetSize(flat, &Nflat));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, local, nflat, c->n, Nflat, NULL, Fm));
  PetscCall(ArraysGet(c, c->u, &a));
  for (PetscInt i = a.info.xs; i < a.info.xs + a.info.xm; i++) {
    const PetscInt own  = 2 * i;
    PetscScalar    here = 0.0;

    BlocksFaces(c, i, a.u, a.m, &f);
    for (PetscInt side = 0; side < 2; side++) {
      const PetscInt j = side ? i + 1 : i - 1, there = 2 * j;

      here += f.dkhere[side] * (a.u[i] - f.u[side]);
      if (j < 0 || j >= c->n) PetscCall(MatSetValue(*Fm, i, column[ENDS][side], EndEntry(c, side, &f), INSERT_VALUES));
      else PetscCall(MatSetValue(*Fm, i, column[MEDIUM][there], f.dkthere[side] * (a.u[i] - f.u[side]), INSERT_VALUES));
    }
    PetscCall(MatSetValue(*Fm, i, column[MEDIUM][own], here, INSERT_VALUES));
    PetscCall(MatSetValue(*Fm, i, column[MEDIUM][own + 1], a.u[i], INSERT_VALUES));
    PetscCall(MatSetValue(*Fm, i, column[LOAD][i], -1.0, INSERT_VALUES));
    PetscCall(MatSetValue(*Fm, i, column[PECLET][0], 0.5 * (f.u[1] - f.u[0]), INSERT_VALUES));
    PetscCall(MatSetValue(*Fm, i, column[CUBIC][0], a.u[i] * a.u[i] * a.u[i], INSERT_VALUES));
    for (PetscInt w = 0; w < NWELLS; w++)
      PetscCall(MatSetValue(*Fm, i, column[WELLS][w], -Well(c, i, w), INSERT_VALUES));
  }
  PetscCall(ArraysRestore(c, &a));
  PetscCall(MatAssemblyBegin(*Fm, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*Fm, MAT_FINAL_ASSEMBLY));
  for (PetscInt b = 0; b < NBLOCKS; b++) PetscCall(PetscFree(column[b]));
  PetscFunctionReturn(PETSC_SUCCESS);
}
