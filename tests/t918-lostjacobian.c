static char help[] =
    "J by differences of an F whose rounding hides what couples two fields: refused where derivatives need it, told where they\n\
do not. And of a map that hardly differs from the identity.\n";

#include "support/dinitest.h"

#define CELLS  6 /* on each rank */
#define WEIGHT (1.0 / 3.0)

/* y of the cell */
static PetscReal Value(PetscInt k)
{
  return 0.7 + 0.01 * PetscSinReal(10.0 * (PetscReal)k);
}

/*
  B (w - 1/3) (2 + y) + K (x - 1) + y - q = 0, y + y^2/2 + (x - 1)/2 - p = 0, w - 1/3 = 0 in each cell, for three fields of a
  block size and m = (p, q). With a B of 1e13 rounding leaves F a digit of y in the first row. x = 1 + (q - y)/K: with K = 1 it
  is all about y, with K = B next to nothing is.
*/
typedef struct {
  PetscReal        B, K;
  DiniJacobianType type;
  Vec              u, m;
  SNES             snes;
  Dini             dini;
} Cells;

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  const Cells       *c = (const Cells *)ctx;
  const PetscScalar *a, *m;
  PetscScalar       *f;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(VecGetArrayRead(u, &a));
  PetscCall(VecGetArrayRead(c->m, &m));
  PetscCall(VecGetArray(F, &f));
  for (size_t k = 0; k < CELLS; k++) {
    const PetscScalar x = a[3 * k], y = a[3 * k + 1], w = a[3 * k + 2];
    const PetscScalar one = c->B * w, two = c->B * (2.0 + y); /* another rounding at each y */

    f[3 * k]     = (one * (2.0 + y) - WEIGHT * two) + (c->K * (x - 1.0) + y - m[2 * k + 1]);
    f[3 * k + 1] = y + 0.5 * y * y + 0.5 * (x - 1.0) - m[2 * k];
    f[3 * k + 2] = w - WEIGHT;
  }
  PetscCall(VecRestoreArray(F, &f));
  PetscCall(VecRestoreArrayRead(c->m, &m));
  PetscCall(VecRestoreArrayRead(u, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ParameterJacobian(Dini dini, Vec u, Vec m, Mat Fm, void *ctx)
{
  PetscInt row, column;

  PetscFunctionBeginUser;
  (void)dini, (void)ctx;
  PetscCall(VecGetOwnershipRange(u, &row, NULL));
  PetscCall(VecGetOwnershipRange(m, &column, NULL));
  for (PetscInt k = 0; k < CELLS; k++) {
    PetscCall(MatSetValue(Fm, row + 3 * k, column + 2 * k + 1, -1.0, INSERT_VALUES));
    PetscCall(MatSetValue(Fm, row + 3 * k + 1, column + 2 * k, -1.0, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(Fm, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(Fm, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The pattern of J, cell by cell: no callback fills it */
static PetscErrorCode Pattern(Cells *c)
{
  PetscInt first;
  Mat      J;

  PetscFunctionBeginUser;
  PetscCall(
      MatCreateAIJ(PETSC_COMM_WORLD, 3 * CELLS, 3 * CELLS, PETSC_DETERMINE, PETSC_DETERMINE, 3, NULL, 0, NULL, &J));
  PetscCall(MatGetOwnershipRange(J, &first, NULL));
  for (PetscInt i = 0; i < 3 * CELLS; i++)
    for (PetscInt j = i - i % 3; j < i - i % 3 + 3; j++)
      PetscCall(MatSetValue(J, first + i, first + j, 0.0, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(J, MAT_FINAL_ASSEMBLY));
  PetscCall(DiniSetJacobian(c->dini, J, J, NULL, NULL));
  PetscCall(MatDestroy(&J));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(Cells *c)
{
  PetscScalar *a;
  Mat          Fm;

  PetscFunctionBeginUser;
  PetscCall(VecCreate(PETSC_COMM_WORLD, &c->u));
  PetscCall(VecSetSizes(c->u, 3 * CELLS, PETSC_DETERMINE));
  PetscCall(VecSetBlockSize(c->u, 3));
  PetscCall(VecSetFromOptions(c->u));
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, 2 * CELLS, PETSC_DETERMINE, &c->m));
  PetscCall(
      MatCreateAIJ(PETSC_COMM_WORLD, 3 * CELLS, 2 * CELLS, PETSC_DETERMINE, PETSC_DETERMINE, 1, NULL, 0, NULL, &Fm));
  PetscCall(VecGetArray(c->m, &a));
  for (size_t k = 0; k < CELLS; k++) {
    a[2 * k]     = Value(k) + 0.5 * Value(k) * Value(k);
    a[2 * k + 1] = Value(k);
  }
  PetscCall(VecRestoreArray(c->m, &a));
  PetscCall(VecGetArray(c->u, &a));
  for (size_t k = 0; k < CELLS; k++) {
    a[3 * k]     = 1.0;
    a[3 * k + 1] = Value(k);
    a[3 * k + 2] = WEIGHT;
  }
  PetscCall(VecRestoreArray(c->u, &a));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &c->snes));
  PetscCall(SNESSetFunction(c->snes, NULL, Residual, c));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &c->dini));
  PetscCall(DiniSetSNES(c->dini, c->snes));
  if (c->type == DINI_JACOBIAN_COLORING) PetscCall(Pattern(c));
  PetscCall(DiniSetJacobianType(c->dini, c->type));
  PetscCall(DiniAddParameter(c->dini, "m", c->m, NULL));
  PetscCall(DiniSetParameterJacobian(c->dini, 0, Fm, ParameterJacobian, NULL));
  PetscCall(MatDestroy(&Fm));
  PetscCall(DiniSetFromOptions(c->dini));
  PetscCall(DiniAttach(c->dini, c->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Cells *c)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&c->dini));
  PetscCall(SNESDestroy(&c->snes));
  PetscCall(VecDestroy(&c->u));
  PetscCall(VecDestroy(&c->m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The VJP of x or of y: its relative error, component by component */
static PetscErrorCode Gradient(Cells *c, int field, PetscErrorCode *ierr, PetscReal *error, PetscReal *told)
{
  PetscReal          most[4] = {0.0};
  const PetscScalar *g;
  PetscScalar       *a;
  DiniStatistics     s;
  Vec                ubar, mbar;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(c->u, &ubar));
  PetscCall(VecDuplicate(c->m, &mbar));
  PetscCall(VecSet(ubar, 0.0));
  PetscCall(VecGetArray(ubar, &a));
  for (size_t k = 0; k < CELLS; k++) a[3 * k + field] = 1.0;
  PetscCall(VecRestoreArray(ubar, &a));
  PetscCall(DiniTestCatch());
  *ierr = DiniVJP(c->dini, ubar, mbar);
  PetscCall(DiniTestRelease());
  PetscCall(DiniGetStatistics(c->dini, &s));
  PetscCall(VecGetArrayRead(mbar, &g));
  for (size_t k = 0; k < CELLS; k++) {
    const PetscReal y = Value(k), det = c->K * (1.0 + y) - 0.5;
    const PetscReal right[2][2] = {{-1.0 / det, (1.0 + y) / det}, {c->K / det, -0.5 / det}};

    for (size_t i = 0; i < 2; i++) {
      most[2 * i]     = PetscMax(most[2 * i], PetscAbsScalar(g[2 * k + (PetscInt)i] - right[field][i]));
      most[2 * i + 1] = PetscMax(most[2 * i + 1], PetscAbsReal(right[field][i]));
    }
  }
  PetscCall(VecRestoreArrayRead(mbar, &g));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, most, 4, MPIU_REAL, MPIU_MAX, PETSC_COMM_WORLD));
  *error = PetscMax(most[0] / most[1], most[2] / most[3]);
  *told  = s.gradient_error;
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All of x depends on what is lost: refused, each time, whatever is asked for, and without guards */
static PetscErrorCode TestNeeded(DiniJacobianType type, PetscBool guard)
{
  Cells          c = {.B = 1e13, .K = 1.0, .type = type};
  PetscErrorCode ierr;
  PetscReal      error, told;

  PetscFunctionBeginUser;
  PetscCall(Create(&c));
  PetscCall(DiniSetGuard(c.dini, guard));
  for (int k = 0; k < 4; k++) {
    PetscCall(Gradient(&c, k % 2, &ierr, &error, &told));
    DiniTestTrue(ierr == PETSC_ERR_FP && strstr(DiniTestMessages(), "lost in rounding"),
                 "type %d, guard %d, field %d, time %d: error %d, off by %g and told %g: %s", (int)type, (int)guard,
                 k % 2, k, (int)ierr, (double)error, (double)told, DiniTestMessages());
  }
  PetscCall(Destroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Next to nothing does: it goes on. What is left of y in x is as wrong as is told, y is right */
static PetscErrorCode TestNeedless(DiniJacobianType type)
{
  Cells          c = {.B = 1e13, .K = 1e13, .type = type};
  PetscErrorCode ierr;
  PetscReal      error, told;

  PetscFunctionBeginUser;
  PetscCall(Create(&c));
  for (int field = 0; field < 2; field++) {
    PetscCall(Gradient(&c, field, &ierr, &error, &told));
    DiniTestTrue(!ierr, "type %d, field %d: refused with %d: %s", (int)type, field, (int)ierr, DiniTestMessages());
    DiniTestTrue((field ? error <= 1e-9 : error > 1e-3) && error <= 3.0 * told && told <= 1.0,
                 "type %d, field %d: off by %g, told %g", (int)type, field, (double)error, (double)told);
  }
  PetscCall(Destroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* G = u - s (u + u^3/3 - m) */
typedef struct {
  PetscReal s;
  Vec       m;
} Step;

static PetscErrorCode Map(Dini dini, Vec u, Vec G, void *ctx)
{
  const Step        *step = (const Step *)ctx;
  const PetscScalar *a, *m;
  PetscScalar       *g;
  PetscInt           n;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecGetLocalSize(u, &n));
  PetscCall(VecGetArrayRead(u, &a));
  PetscCall(VecGetArrayRead(step->m, &m));
  PetscCall(VecGetArray(G, &g));
  for (PetscInt i = 0; i < n; i++) g[i] = a[i] - step->s * (a[i] + a[i] * a[i] * a[i] / 3.0 - m[i]);
  PetscCall(VecRestoreArray(G, &g));
  PetscCall(VecRestoreArrayRead(step->m, &m));
  PetscCall(VecRestoreArrayRead(u, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F_m = -s */
static PetscErrorCode MapParameterJacobian(Dini dini, Vec u, Vec m, Mat Fm, void *ctx)
{
  PetscInt lo, hi;

  PetscFunctionBeginUser;
  (void)dini, (void)u;
  PetscCall(VecGetOwnershipRange(m, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) PetscCall(MatSetValue(Fm, i, i, -((const Step *)ctx)->s, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(Fm, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(Fm, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* dm/du = 1 + u^2. Whether J is refused, and else the error of a gradient and what is told of it */
static PetscErrorCode MapGradient(Step *step, PetscBool guard, PetscErrorCode *ierr, PetscReal *error, PetscReal *told)
{
  const PetscScalar *g;
  PetscScalar       *a, *b;
  DiniStatistics     s;
  PetscInt           lo;
  Vec                u, ubar, mbar;
  Mat                Gu, Fm;
  Dini               dini;

  PetscFunctionBeginUser;
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, CELLS, PETSC_DETERMINE, &u));
  PetscCall(VecDuplicate(u, &step->m));
  PetscCall(VecDuplicate(u, &ubar));
  PetscCall(VecDuplicate(u, &mbar));
  PetscCall(VecGetOwnershipRange(u, &lo, NULL));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, CELLS, CELLS, PETSC_DETERMINE, PETSC_DETERMINE, 1, NULL, 0, NULL, &Gu));
  PetscCall(VecGetArray(u, &a));
  PetscCall(VecGetArray(step->m, &b));
  for (PetscInt i = 0; i < CELLS; i++) {
    a[i] = Value(i);
    b[i] = a[i] + a[i] * a[i] * a[i] / 3.0;
    PetscCall(MatSetValue(Gu, lo + i, lo + i, 0.0, INSERT_VALUES));
  }
  PetscCall(VecRestoreArray(step->m, &b));
  PetscCall(VecRestoreArray(u, &a));
  PetscCall(MatAssemblyBegin(Gu, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(Gu, MAT_FINAL_ASSEMBLY));
  PetscCall(MatDuplicate(Gu, MAT_DO_NOT_COPY_VALUES, &Fm));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetFixedPoint(dini, Map, step));
  PetscCall(DiniSetFixedPointJacobian(dini, Gu, NULL, NULL));
  PetscCall(DiniAddParameter(dini, "m", step->m, NULL));
  PetscCall(DiniSetParameterJacobian(dini, 0, Fm, MapParameterJacobian, step));
  PetscCall(DiniSetFromOptions(dini));
  PetscCall(DiniSetGuard(dini, guard));
  PetscCall(DiniAttach(dini, u));
  PetscCall(VecSet(ubar, 1.0));
  PetscCall(DiniTestCatch());
  *ierr = DiniVJP(dini, ubar, mbar);
  PetscCall(DiniTestRelease());
  PetscCall(DiniGetStatistics(dini, &s));
  *told  = s.gradient_error;
  *error = 0.0;
  PetscCall(VecGetArrayRead(mbar, &g));
  for (PetscInt i = 0; i < CELLS; i++)
    *error = PetscMax(*error, PetscAbsScalar(g[i] * (1.0 + Value(i) * Value(i)) - (PetscScalar)1.0));
  PetscCall(VecRestoreArrayRead(mbar, &g));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, error, 1, MPIU_REAL, MPIU_MAX, PETSC_COMM_WORLD));
  PetscCall(DiniDestroy(&dini));
  PetscCall(MatDestroy(&Gu));
  PetscCall(MatDestroy(&Fm));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&step->m));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* I - G_u is what is left of two ones, and differences know these to 1e-11: refused by 1e-2 of it, told where it is less */
static PetscErrorCode TestMap(PetscBool guard)
{
  static const PetscReal sizes[] = {1e-11, 1e-10, 1e-8, 1e-6, 1e-4, 1e-2, 0.5};

  PetscFunctionBeginUser;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(sizes); k++) {
    const PetscReal known = 1e-11 / sizes[k];
    Step            step  = {.s = sizes[k]};
    PetscErrorCode  ierr;
    PetscReal       error, told;

    PetscCall(MapGradient(&step, guard, &ierr, &error, &told));
    if (known > 1e-2) /* guards have another word for it */
      DiniTestTrue(guard ? ierr != 0 : ierr == PETSC_ERR_FP, "guard %d, s %g: error %d, off by %g and told %g: %s",
                   (int)guard, (double)step.s, (int)ierr, (double)error, (double)told, DiniTestMessages());
    else if (known < 1e-4 || !guard) /* else they may have one, too */
      DiniTestTrue(!ierr && error <= 2.0 * told && told <= 100.0 * known,
                   "guard %d, s %g: error %d, off by %g and told %g: %s", (int)guard, (double)step.s, (int)ierr,
                   (double)error, (double)told, DiniTestMessages());
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  static const DiniJacobianType types[] = {DINI_JACOBIAN_COLORING, DINI_JACOBIAN_FD, DINI_JACOBIAN_AUTO};

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (size_t t = 0; t < PETSC_STATIC_ARRAY_LENGTH(types); t++) {
    PetscCall(TestNeeded(types[t], PETSC_TRUE));
    PetscCall(TestNeeded(types[t], PETSC_FALSE));
    PetscCall(TestNeedless(types[t]));
  }
  PetscCall(TestMap(PETSC_FALSE));
  PetscCall(TestMap(PETSC_TRUE));
  PetscCall(PetscFinalize());
  return 0;
}
