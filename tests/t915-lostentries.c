static char help[] =
    "J and F_m by differences, fields of unlike units: what a row of huge terms leaves of small entries is found by longer\n\
steps, and what is left is told.\n";

#include "support/dinitest.h"
#include <petscdmda.h>
#include <petscdmcomposite.h>

#define CELLS 2 /* on each rank */

/*
  Two fields that the application declares by a block size, with J given, or with F_m coloured, or with neither, by a DMDA, by a
  DMComposite, or not at all
*/
typedef enum { GIVEN, BLOCKS, COLOURED, GRID, COMPOSITE, SILENT, KINDS } Kind;

/* 3 x + g(y) - p/T - 0.02 q y = 0,  3 y + 0.1 y^2 + 0.5 T x - q - 0.1 p y = 0 in each cell */
typedef struct {
  Kind      kind;
  PetscBool curved; /* g = 0.001 exp(3 y) in place of 0.01 y^2 */
  PetscReal T, error;
  size_t    stride, offset; /* of a cell's x, and from there to its y */
  DM        dm;
  Vec       u, m;
  SNES      snes;
  Dini      dini;
} Cells;

static PetscScalar Law(const Cells *c, PetscScalar y, PetscScalar *derivative)
{
  if (c->curved) {
    *derivative = 0.003 * PetscExpScalar(3.0 * y);
    return *derivative / 3.0;
  }
  *derivative = 0.02 * y;
  return 0.01 * y * y;
}

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  const Cells       *c = (const Cells *)ctx;
  const PetscScalar *a, *p;
  PetscScalar       *f;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(VecGetArrayRead(u, &a));
  PetscCall(VecGetArrayRead(c->m, &p));
  PetscCall(VecGetArray(F, &f));
  for (size_t k = 0; k < CELLS; k++) {
    const size_t      i = k * c->stride, j = i + c->offset;
    const PetscScalar x = a[i], y = a[j];
    PetscScalar       slope;

    f[i] = 3.0 * x + Law(c, y, &slope) - p[2 * k] / c->T - 0.02 * p[2 * k + 1] * y;
    f[j] = 3.0 * y + 0.1 * y * y + 0.5 * c->T * x - p[2 * k + 1] - 0.1 * p[2 * k] * y;
  }
  PetscCall(VecRestoreArray(F, &f));
  PetscCall(VecRestoreArrayRead(c->m, &p));
  PetscCall(VecRestoreArrayRead(u, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J of the cell */
static void Slopes(const Cells *c, PetscScalar y, const PetscScalar p[], PetscScalar J[2][2])
{
  PetscScalar slope;

  (void)Law(c, y, &slope);
  J[0][0] = 3.0;
  J[0][1] = slope - 0.02 * p[1];
  J[1][0] = 0.5 * c->T;
  J[1][1] = 3.0 + 0.2 * y - 0.1 * p[0];
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  const Cells       *c = (const Cells *)ctx;
  const PetscScalar *a, *p;
  PetscInt           first;

  PetscFunctionBeginUser;
  (void)snes, (void)P;
  PetscCall(VecGetOwnershipRange(u, &first, NULL));
  PetscCall(VecGetArrayRead(u, &a));
  PetscCall(VecGetArrayRead(c->m, &p));
  for (size_t k = 0; k < CELLS; k++) {
    const PetscInt rows[2] = {first + 2 * (PetscInt)k, first + 2 * (PetscInt)k + 1};
    PetscScalar    block[2][2];

    Slopes(c, a[2 * k + 1], &p[2 * k], block);
    PetscCall(MatSetValues(J, 2, rows, 2, rows, &block[0][0], INSERT_VALUES));
  }
  PetscCall(VecRestoreArrayRead(c->m, &p));
  PetscCall(VecRestoreArrayRead(u, &a));
  PetscCall(MatAssemblyBegin(J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(J, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode State(Cells *c)
{
  DM part;

  PetscFunctionBeginUser;
  c->stride = 2;
  c->offset = 1;
  if (c->kind == GRID || c->kind == COMPOSITE) {
    PetscMPIInt size;
    PetscInt    n[16];

    PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
    for (int r = 0; r < 16; r++) n[r] = CELLS;
    PetscCall(DMDACreate1d(PETSC_COMM_WORLD, DM_BOUNDARY_NONE, CELLS * size, c->kind == GRID ? 2 : 1, 1, n, &part));
    PetscCall(DMSetUp(part));
    if (c->kind == GRID) c->dm = part;
    else {
      PetscCall(DMCompositeCreate(PETSC_COMM_WORLD, &c->dm));
      for (int f = 0; f < 2; f++) PetscCall(DMCompositeAddDM(c->dm, part));
      PetscCall(DMSetUp(c->dm));
      PetscCall(DMDestroy(&part));
      c->stride = 1;
      c->offset = CELLS;
    }
    PetscCall(DMCreateGlobalVector(c->dm, &c->u));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(VecCreate(PETSC_COMM_WORLD, &c->u));
  PetscCall(VecSetSizes(c->u, 2 * CELLS, PETSC_DETERMINE));
  if (c->kind <= COLOURED) PetscCall(VecSetBlockSize(c->u, 2));
  PetscCall(VecSetFromOptions(c->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of J and of F_m, cell by cell */
static PetscErrorCode Pattern(const Cells *c, Mat *A)
{
  PetscInt first;

  PetscFunctionBeginUser;
  PetscCall(VecGetOwnershipRange(c->u, &first, NULL));
  PetscCall(
      MatCreateAIJ(PETSC_COMM_WORLD, 2 * CELLS, 2 * CELLS, PETSC_DETERMINE, PETSC_DETERMINE, 2, NULL, 0, NULL, A));
  for (PetscInt i = 0; i < 2 * CELLS; i++)
    for (PetscInt j = i - i % 2; j < i - i % 2 + 2; j++)
      PetscCall(MatSetValue(*A, first + i, first + j, 0.0, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(Cells *c)
{
  PetscScalar *p;
  Mat          pattern;

  PetscFunctionBeginUser;
  PetscCall(State(c));
  PetscCall(VecCreate(PETSC_COMM_WORLD, &c->m));
  PetscCall(VecSetSizes(c->m, 2 * CELLS, PETSC_DETERMINE));
  PetscCall(VecSetBlockSize(c->m, 2));
  PetscCall(VecSetFromOptions(c->m));
  PetscCall(VecGetArray(c->m, &p));
  for (size_t k = 0; k < CELLS; k++) {
    p[2 * k]     = 1.0 + 0.1 * (PetscReal)k;
    p[2 * k + 1] = 2.0 - 0.1 * (PetscReal)k;
  }
  PetscCall(VecRestoreArray(c->m, &p));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &c->snes));
  PetscCall(SNESSetFunction(c->snes, NULL, Residual, c));
  if (c->dm) PetscCall(SNESSetDM(c->snes, c->dm));
  PetscCall(Pattern(c, &pattern));
  if (c->kind == GIVEN) PetscCall(SNESSetJacobian(c->snes, pattern, pattern, Jacobian, c));
  PetscCall(SNESSetTolerances(c->snes, PETSC_DEFAULT, 1e-13, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(SNESSetFromOptions(c->snes));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &c->dini));
  PetscCall(DiniSetSNES(c->dini, c->snes));
  PetscCall(DiniAddParameter(c->dini, "m", c->m, NULL));
  if (c->kind == COLOURED) PetscCall(DiniSetParameterJacobian(c->dini, 0, pattern, NULL, NULL));
  PetscCall(MatDestroy(&pattern));
  PetscCall(DiniSetFromOptions(c->dini));
  PetscCall(VecSet(c->u, 0.0));
  PetscCall(DiniSolve(c->dini, c->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Cells *c)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&c->dini));
  PetscCall(SNESDestroy(&c->snes));
  PetscCall(DMDestroy(&c->dm));
  PetscCall(VecDestroy(&c->u));
  PetscCall(VecDestroy(&c->m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* d(x, y)/d(p, q) of the cell */
static void Derivative(const Cells *c, const PetscScalar a[], const PetscScalar p[], PetscScalar D[2][2])
{
  const PetscScalar y = a[c->offset];
  PetscScalar       J[2][2], F[2][2], det;

  Slopes(c, y, p, J);
  F[0][0] = -1.0 / c->T;
  F[0][1] = -0.02 * y;
  F[1][0] = -0.1 * y;
  F[1][1] = -1.0;
  det     = J[0][0] * J[1][1] - J[0][1] * J[1][0];
  for (int j = 0; j < 2; j++) {
    D[0][j] = -(J[1][1] * F[0][j] - J[0][1] * F[1][j]) / det;
    D[1][j] = -(J[0][0] * F[1][j] - J[1][0] * F[0][j]) / det;
  }
}

/* The worst error of the two components of v, each relative to its largest entry; w: one of the two fields */
static PetscErrorCode Error(Cells *c, PetscBool adjoint, int which, Vec v, PetscReal *error)
{
  const PetscScalar *a, *p, *found;
  PetscReal          most[4] = {0.0};

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(c->u, &a));
  PetscCall(VecGetArrayRead(c->m, &p));
  PetscCall(VecGetArrayRead(v, &found));
  for (size_t k = 0; k < CELLS; k++) {
    PetscScalar D[2][2];

    Derivative(c, &a[k * c->stride], &p[2 * k], D);
    for (int i = 0; i < 2; i++) {
      const PetscScalar right = adjoint ? D[which][i] : D[i][which];
      const PetscScalar value = adjoint ? found[2 * k + i] : found[k * c->stride + (size_t)i * c->offset];

      most[2 * (size_t)i]     = PetscMax(most[2 * (size_t)i], PetscAbsScalar(value - right));
      most[2 * (size_t)i + 1] = PetscMax(most[2 * (size_t)i + 1], PetscAbsScalar(right));
    }
  }
  PetscCall(VecRestoreArrayRead(v, &found));
  PetscCall(VecRestoreArrayRead(c->m, &p));
  PetscCall(VecRestoreArrayRead(c->u, &a));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, most, 4, MPIU_REAL, MPIU_MAX, PETSC_COMM_WORLD));
  *error = PetscMax(most[0] / most[1], most[2] / most[3]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All products with one field or one component; within what is reported, and that within reason */
static PetscErrorCode Products(Cells *c, PetscReal most)
{
  PetscFunctionBeginUser;
  for (int adjoint = 0; adjoint < 2; adjoint++)
    for (int which = 0; which < 2; which++) {
      const size_t   stride = adjoint ? c->stride : 2, offset = adjoint ? c->offset : 1;
      DiniStatistics s;
      PetscReal      error, told;
      PetscScalar   *a;
      Vec            in, out;

      PetscCall(VecDuplicate(adjoint ? c->u : c->m, &in));
      PetscCall(VecDuplicate(adjoint ? c->m : c->u, &out));
      PetscCall(VecSet(in, 0.0));
      PetscCall(VecGetArray(in, &a));
      for (size_t k = 0; k < CELLS; k++) a[k * stride + (size_t)which * offset] = 1.0;
      PetscCall(VecRestoreArray(in, &a));
      if (adjoint) PetscCall(DiniVJP(c->dini, in, out));
      else PetscCall(DiniJVP(c->dini, in, out));
      PetscCall(DiniGetStatistics(c->dini, &s));
      PetscCall(Error(c, (PetscBool)adjoint, which, out, &error));
      told = adjoint ? s.gradient_error : s.tangent_error;
      DiniTestTrue(error <= 10.0 * told + 1e-9, "kind %d, T %g, %s of %d: off by %g, told %g", (int)c->kind,
                   (double)c->T, adjoint ? "VJP" : "JVP", which, (double)error, (double)told);
      DiniTestTrue(error <= most && told <= 30.0 * most, "kind %d, T %g, %s of %d: off by %g, told %g, expected %g",
                   (int)c->kind, (double)c->T, adjoint ? "VJP" : "JVP", which, (double)error, (double)told,
                   (double)most);
      PetscCall(VecDestroy(&in));
      PetscCall(VecDestroy(&out));
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  static const PetscReal units[] = {1e-8, 1e-6, 1.0}, most[] = {2e-4, 2e-6, 1e-8};

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscOptionsSetValue(NULL, "-dini_polish", NULL));
  for (int kind = 0; kind < KINDS; kind++)
    for (int t = 0; t < 3; t++)
      for (int curved = 0; curved < 2; curved++) {
        Cells c = {.kind = (Kind)kind, .curved = (PetscBool)curved, .T = units[t]};

        if (kind && t == 1) continue;
        PetscCall(Create(&c));
        PetscCall(Products(&c, curved && t < 2 ? 5.0 * most[t] : most[t]));
        PetscCall(Destroy(&c));
      }
  PetscCall(PetscOptionsClearValue(NULL, "-dini_polish"));
  PetscCall(PetscFinalize());
  return 0;
}
