static char help[] =
    "What Dini tells of the errors of derivatives bounds them: of a direction that is scaled inside, of one that is asked for\n\
again, of a solve alone, and where one-sided differences have taken over.\n";

#include "support/dinitest.h"

/* ---- A u = b: du/db = A^-1, and b = A x has the derivative x ---- */

#define N 64

typedef struct {
  Mat  A;
  Vec  u, b, x, rhs, y; /* y is to be x, from rhs = A x or A^H x */
  KSP  ksp;
  Dini dini;
} Line;

static PetscErrorCode LineCreate(PetscReal shift, Line *l)
{
  PetscInt lo, hi;
  PC       pc;

  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, 3, NULL, 2, NULL, &l->A));
  PetscCall(MatGetOwnershipRange(l->A, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++)
    for (PetscInt j = PetscMax(i - 1, 0); j <= PetscMin(i + 1, N - 1); j++)
      PetscCall(MatSetValue(l->A, i, j, i == j ? 2.0 + shift : -1.0, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(l->A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(l->A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatCreateVecs(l->A, &l->u, &l->b));
  PetscCall(VecDuplicate(l->u, &l->x));
  PetscCall(VecDuplicate(l->u, &l->rhs));
  PetscCall(VecDuplicate(l->u, &l->y));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &l->ksp));
  PetscCall(KSPSetOperators(l->ksp, l->A, l->A));
  PetscCall(KSPSetType(l->ksp, KSPGMRES));
  PetscCall(KSPGetPC(l->ksp, &pc));
  PetscCall(PCSetType(pc, PCNONE));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &l->dini));
  PetscCall(DiniSetKSP(l->dini, l->ksp));
  PetscCall(DiniSetLinearSystem(l->dini, l->b, NULL, NULL));
  PetscCall(DiniAddParameter(l->dini, "b", l->b, NULL));
  PetscCall(DiniTestFill(l->u, 1));
  PetscCall(MatMult(l->A, l->u, l->b));
  PetscCall(DiniAttach(l->dini, l->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode LineDestroy(Line *l)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&l->dini));
  PetscCall(KSPDestroy(&l->ksp));
  PetscCall(MatDestroy(&l->A));
  PetscCall(VecDestroy(&l->u));
  PetscCall(VecDestroy(&l->b));
  PetscCall(VecDestroy(&l->x));
  PetscCall(VecDestroy(&l->rhs));
  PetscCall(VecDestroy(&l->y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x of the wave number; a large one is rough, and its residual as large as its error */
static PetscErrorCode Wave(Line *l, PetscReal number, PetscReal part)
{
  PetscScalar *a;
  PetscInt     lo, n;

  PetscFunctionBeginUser;
  PetscCall(DiniTestFill(l->x, 3));
  PetscCall(VecScale(l->x, part));
  PetscCall(VecGetOwnershipRange(l->x, &lo, NULL));
  PetscCall(VecGetLocalSize(l->x, &n));
  PetscCall(VecGetArray(l->x, &a));
  for (PetscInt i = 0; i < n; i++)
    a[i] += PetscSinReal(PETSC_PI * number * ((PetscReal)(lo + i) + 1.0) / (PetscReal)(N + 1));
  PetscCall(VecRestoreArray(l->x, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef enum { JVP, VJP, TANGENT, ADJOINT } Way;

static const char *const ways[] = {"DiniJVP()", "DiniVJP()", "DiniTangentSolve()", "DiniAdjointSolve()"};

static PetscBool Backward(Way way)
{
  return (PetscBool)(way == VJP || way == ADJOINT);
}

/* y from rhs, and what is told of it */
static PetscErrorCode Derivative(Dini dini, Way way, Vec rhs, Vec y, PetscReal *told)
{
  DiniStatistics stats;

  PetscFunctionBeginUser;
  if (way == JVP) PetscCall(DiniJVP(dini, rhs, y));
  if (way == VJP) PetscCall(DiniVJP(dini, rhs, y));
  if (way == TANGENT) PetscCall(DiniTangentSolve(dini, rhs, y));
  if (way == ADJOINT) PetscCall(DiniAdjointSolve(dini, rhs, y));
  PetscCall(DiniGetStatistics(dini, &stats));
  *told = Backward(way) ? stats.gradient_error : stats.tangent_error;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The derivative that is x of a right-hand side of that size: its relative error in the worst entry, and what is told of it */
static PetscErrorCode Ask(Line *l, Way way, PetscReal size, PetscReal *error, PetscReal *told)
{
  PetscReal norm;

  PetscFunctionBeginUser;
  if (Backward(way)) PetscCall(MatMultHermitianTranspose(l->A, l->x, l->rhs));
  else PetscCall(MatMult(l->A, l->x, l->rhs));
  PetscCall(VecScale(l->rhs, size));
  PetscCall(Derivative(l->dini, way, l->rhs, l->y, told));
  PetscCall(VecScale(l->y, 1.0 / size));
  PetscCall(VecAXPY(l->y, -1.0, l->x));
  PetscCall(VecNorm(l->y, NORM_INFINITY, error));
  PetscCall(VecNorm(l->x, NORM_INFINITY, &norm));
  *error /= norm;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of a size that numbers are scaled for, or a solve alone: in an object that is new, and after what was far better, or worse */
static PetscErrorCode TestLine(Way way, PetscReal size, PetscReal rtol, PetscReal before)
{
  const PetscReal floor = 1e-13;
  Line            l;
  PetscReal       error, told, last = 0.0;

  PetscFunctionBeginUser;
  PetscCall(LineCreate(0.1, &l));
  if (before > 0.0) {
    PetscCall(DiniSetTolerances(l.dini, before, before));
    PetscCall(Wave(&l, 7.0, 1.0));
    PetscCall(Ask(&l, Backward(way) ? VJP : JVP, 1.0, &error, &last));
  }
  PetscCall(DiniSetTolerances(l.dini, rtol, rtol));
  PetscCall(Wave(&l, 2.0, 1.0));
  PetscCall(Ask(&l, way, size, &error, &told));
  DiniTestTrue(told > 0.0 && error <= 15.0 * told && told <= 100.0 * PetscMax(error, floor),
               "%s of size %g, tolerance %g: the error is %g, told %g; %g of the one before", ways[way], (double)size,
               (double)rtol, (double)error, (double)told, (double)last);
  PetscCall(VecSet(l.rhs, 0.0));
  PetscCall(Derivative(l.dini, way, l.rhs, l.y, &told));
  DiniTestTrue(told == 0.0, "%s of zero: told %g", ways[way], (double)told);
  PetscCall(LineDestroy(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The second right-hand side has an error that the first one's residuals tell less of; it is not less for being asked for again */
static PetscErrorCode TestAgain(Way way)
{
  Line           l;
  DiniStatistics stats;
  PetscReal      error, told, again;

  PetscFunctionBeginUser;
  PetscCall(LineCreate(0.0, &l));
  PetscCall(DiniSetTolerances(l.dini, 1e-3, 1e-3));
  PetscCall(Wave(&l, 60.0, 0.01));
  PetscCall(Ask(&l, way, 1.0, &error, &told));
  PetscCall(Wave(&l, 1.0, 1.0));
  PetscCall(Ask(&l, way, 1.0, &error, &told));
  DiniTestTrue(error > 1e-6 && error <= 10.0 * told, "%s: the error is %g, told %g", ways[way], (double)error,
               (double)told);
  for (int k = 0; k < 4; k++) {
    PetscCall(Ask(&l, way, 1.0, &error, &again));
    DiniTestTrue(again >= told && error <= 10.0 * again, "%s: the error is %g, told %g, and %g when asked for again",
                 ways[way], (double)error, (double)told, (double)again);
  }
  PetscCall(DiniGetStatistics(l.dini, &stats));
  DiniTestCount((PetscInt)stats.recalls, 4, "derivatives that were known");
  PetscCall(LineDestroy(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- Cells of two unknowns: a + 0.3 b - p = 0 and b + b^3/10 - 0.2 a - q = 0, with noise in the first one ---- */

#define CELLS 4 /* on each rank */

typedef struct {
  PetscReal noise;
  Mat       J;
  Vec       u, m, rhs, y;
  SNES      snes;
  Dini      dini;
} Cells;

static PetscErrorCode Left(const Cells *s, Vec u, Vec F)
{
  const PetscScalar *a;
  PetscScalar       *f;

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(u, &a));
  PetscCall(VecGetArray(F, &f));
  for (PetscInt i = 0; i < 2 * CELLS; i += 2) {
    f[i]     = a[i] + 0.3 * a[i + 1] + s->noise * PetscSinReal(1e16 * PetscRealPart(a[i])); /* another one at each a */
    f[i + 1] = a[i + 1] + 0.1 * a[i + 1] * a[i + 1] * a[i + 1] - 0.2 * a[i];
  }
  PetscCall(VecRestoreArray(F, &f));
  PetscCall(VecRestoreArrayRead(u, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  const Cells *s = (const Cells *)ctx;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(Left(s, u, F));
  PetscCall(VecAXPY(F, -1.0, s->m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* At u of a size, with the m that makes F zero */
static PetscErrorCode CellsMove(Cells *s, PetscReal size)
{
  PetscFunctionBeginUser;
  PetscCall(DiniTestFill(s->u, 5));
  PetscCall(VecShift(s->u, 2.0));
  PetscCall(VecScale(s->u, size));
  PetscCall(Left(s, s->u, s->m));
  PetscCall(DiniAttach(s->dini, s->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CellsCreate(PetscReal noise, const char options[], Cells *s)
{
  PetscInt lo;

  PetscFunctionBeginUser;
  s->noise = noise;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, 2 * CELLS, PETSC_DETERMINE, &s->u));
  PetscCall(VecDuplicate(s->u, &s->m));
  PetscCall(VecDuplicate(s->u, &s->rhs));
  PetscCall(VecDuplicate(s->u, &s->y));
  PetscCall(
      MatCreateAIJ(PETSC_COMM_WORLD, 2 * CELLS, 2 * CELLS, PETSC_DETERMINE, PETSC_DETERMINE, 2, NULL, 0, NULL, &s->J));
  PetscCall(VecGetOwnershipRange(s->u, &lo, NULL));
  for (PetscInt i = lo; i < lo + 2 * CELLS; i++)
    for (PetscInt j = i - i % 2; j < i - i % 2 + 2; j++) PetscCall(MatSetValue(s->J, i, j, 1.0, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(s->J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(s->J, MAT_FINAL_ASSEMBLY));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &s->snes));
  PetscCall(SNESSetFunction(s->snes, NULL, Residual, s));
  PetscCall(SNESSetJacobian(s->snes, s->J, s->J, NULL, NULL));
  PetscCall(SNESSetFromOptions(s->snes));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &s->dini));
  PetscCall(DiniSetSNES(s->dini, s->snes));
  PetscCall(DiniAddParameter(s->dini, "m", s->m, NULL));
  PetscCall(DiniSetParameterType(s->dini, 0, DINIPARAMETERRHS));
  PetscCall(DiniSetFromOptions(s->dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CellsDestroy(const char options[], Cells *s)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&s->dini));
  PetscCall(SNESDestroy(&s->snes));
  PetscCall(MatDestroy(&s->J));
  PetscCall(VecDestroy(&s->u));
  PetscCall(VecDestroy(&s->m));
  PetscCall(VecDestroy(&s->rhs));
  PetscCall(VecDestroy(&s->y));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of y, which is to be J^-1 rhs or J^-H rhs with the J of what is smooth in F: the error of the worst entry by the largest one */
static PetscErrorCode CellsError(Cells *s, PetscBool adjoint, PetscReal *error)
{
  const PetscScalar *a, *b, *y;
  PetscReal          worst[2] = {0.0, 0.0};

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(s->u, &a));
  PetscCall(VecGetArrayRead(s->rhs, &b));
  PetscCall(VecGetArrayRead(s->y, &y));
  for (PetscInt i = 0; i < 2 * CELLS; i += 2) {
    const PetscScalar k = 1.0 + 0.3 * a[i + 1] * a[i + 1], J11 = adjoint ? PetscConj(k) : k, det = J11 + 0.06;
    const PetscReal   J01 = adjoint ? -0.2 : 0.3, J10 = adjoint ? 0.3 : -0.2;
    const PetscScalar x[2] = {(J11 * b[i] - J01 * b[i + 1]) / det, (b[i + 1] - J10 * b[i]) / det};

    for (int n = 0; n < 2; n++) {
      worst[0] = PetscMax(worst[0], PetscAbsScalar(y[i + n] - x[n]));
      worst[1] = PetscMax(worst[1], PetscAbsScalar(x[n]));
    }
  }
  PetscCall(VecRestoreArrayRead(s->y, &y));
  PetscCall(VecRestoreArrayRead(s->rhs, &b));
  PetscCall(VecRestoreArrayRead(s->u, &a));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, worst, 2, MPIU_REAL, MPIU_MAX, PETSC_COMM_WORLD));
  *error = worst[0] / worst[1];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CellsAsk(Cells *s, Way way, PetscReal *error, PetscReal *told)
{
  PetscFunctionBeginUser;
  PetscCall(DiniTestFill(s->rhs, 11 + (PetscInt)way));
  PetscCall(Derivative(s->dini, way, s->rhs, s->y, told));
  PetscCall(CellsError(s, Backward(way), error));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CellsText(Cells *s, char text[], size_t size)
{
  PetscViewer viewer;

  PetscFunctionBeginUser;
  PetscCall(DiniTestTextOpen(&viewer));
  PetscCall(DiniView(s->dini, viewer));
  PetscCall(DiniTestTextClose(&viewer, text, size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Dini's own differences are refused, the long one-sided steps that the SNES takes serve: they are told to be no better */
static PetscErrorCode TestTakenOver(Way first)
{
  const char options[] = "-snes_fd_color -mat_fd_coloring_err 0.1", words[] = "are apart by a relative ";
  Cells      s;
  PetscReal  error, told;
  double     rough = 0.0;
  char       text[8192];
  char      *found;

  PetscFunctionBeginUser;
  PetscCall(CellsCreate(1e-4, options, &s));
  for (int point = 0; point < 3; point++) {
    PetscCall(CellsMove(&s, 1.0 + 0.05 * point));
    for (int way = 0; way < 4; way++) {
      PetscCall(CellsAsk(&s, (Way)((first + way) % 4), &error, &told));
      PetscCall(CellsText(&s, text, sizeof(text)));
      PetscCall(DiniTestTextHas(text, "Jacobian: as given, by differences of its own"));
      if (!point) {
        PetscCall(PetscStrstr(text, words, &found));
        DiniTestTrue(found && sscanf(found + sizeof(words) - 1, "%lf", &rough) == 1, "nothing is rough in:\n%s", text);
      }
      DiniTestTrue(error > 1e-5 && error <= 10.0 * told && told >= 0.9 * rough,
                   "point %d, %s: the error is %g, told %g where own differences are good to %g", point,
                   ways[(first + way) % 4], (double)error, (double)told, rough);
    }
  }
  PetscCall(CellsDestroy(options, &s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What J by Dini's differences is good to is told of the first derivative, whichever that is */
static PetscErrorCode TestDifferences(Way way)
{
  const char options[] = "-snes_fd_color";
  Cells      s;
  PetscReal  error, told;

  PetscFunctionBeginUser;
  PetscCall(CellsCreate(1e-11, options, &s));
  PetscCall(CellsMove(&s, 1.0));
  PetscCall(CellsAsk(&s, way, &error, &told));
  DiniTestTrue(error > 1e-10 && error <= 10.0 * told && told <= 1000.0 * error,
               "%s by differences: the error is %g, told %g", ways[way], (double)error, (double)told);
  PetscCall(CellsDestroy(options, &s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (int way = 0; way < 4; way++) {
    const PetscReal size = way < 2 ? 1e-200 : 1.0;

    PetscCall(TestLine((Way)way, size, 1e-3, 0.0));
    PetscCall(TestLine((Way)way, size, 1e-3, 1e-12));
    PetscCall(TestLine((Way)way, size, 1e-10, 1e-2));
    PetscCall(TestLine((Way)way, 1.0 / size, 1e-3, 1e-12));
    PetscCall(TestDifferences((Way)way));
  }
  PetscCall(TestAgain(JVP));
  PetscCall(TestAgain(VJP));
  for (int way = 0; way < 4; way++) PetscCall(TestTakenOver((Way)way));
  PetscCall(PetscFinalize());
  return 0;
}
