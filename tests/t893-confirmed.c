static char help[] =
    "Krylov methods and fields of unlike units, of whose residuals norms see the largest only: a solution is right in every field,\n\
or refused, however small its residual is.\n";

#include "support/dinitest.h"

#define N      7
#define FIELDS 2
#define RIGHT  1e-6

/* A = C B C^{-1}, as of I - G_u for a map G, where B couples some of the unknowns by numbers near one, and C holds the units */
typedef struct {
  PetscReal unit[FIELDS];
  PetscBool assembled;   /* A itself is there, and can be factorised */
  Mat       B, A, shell; /* the shell is all that anybody sees of A */
  Vec       u, b, x, y;
  KSP       ksp;
  Dini      dini;
} Map;

static PetscReal Number(PetscInt seed, PetscInt i)
{
  return cos(12.9898 * (double)(i + 1) + 78.233 * (double)(seed + 1));
}

static PetscReal Unit(const Map *m, PetscInt i)
{
  return m->unit[i % FIELDS];
}

static PetscErrorCode Scale(Map *m, Vec v, PetscBool divide)
{
  PetscScalar *a;
  PetscInt     lo, hi;

  PetscFunctionBeginUser;
  PetscCall(VecGetOwnershipRange(v, &lo, &hi));
  PetscCall(VecGetArray(v, &a));
  for (PetscInt i = lo; i < hi; i++) a[i - lo] *= divide ? 1.0 / Unit(m, i) : Unit(m, i);
  PetscCall(VecRestoreArray(v, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Mult(Mat shell, Vec x, Vec y)
{
  Map *m;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(shell, &m));
  PetscCall(MatMult(m->A, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MultTranspose(Mat shell, Vec x, Vec y)
{
  Map *m;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(shell, &m));
  PetscCall(MatMultTranspose(m->A, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MapCreate(PetscInt seed, Map *m)
{
  Mat     *mats[2] = {&m->B, &m->A};
  PetscInt lo, hi;

  PetscFunctionBeginUser;
  for (int k = 0; k < 2; k++) {
    PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, N, NULL, N, NULL, mats[k]));
    PetscCall(MatGetOwnershipRange(*mats[k], &lo, &hi));
    for (PetscInt i = lo; i < hi; i++)
      for (PetscInt j = 0; j < N; j++) {
        const PetscScalar value = i == j ? 1.0 + 0.1 * Number(seed, i) : Number(seed, N * i + j) > 0.8 ? -0.4 : 0.0;

        PetscCall(MatSetValue(*mats[k], i, j, k ? value * (Unit(m, i) / Unit(m, j)) : value, INSERT_VALUES));
      }
    PetscCall(MatAssemblyBegin(*mats[k], MAT_FINAL_ASSEMBLY));
    PetscCall(MatAssemblyEnd(*mats[k], MAT_FINAL_ASSEMBLY));
  }
  PetscCall(MatCreateVecs(m->A, &m->u, &m->b));
  PetscCall(VecDuplicate(m->u, &m->x));
  PetscCall(VecDuplicate(m->u, &m->y));
  PetscCall(DiniTestFill(m->u, seed));
  PetscCall(MatMult(m->B, m->u, m->b));
  PetscCall(Scale(m, m->u, PETSC_FALSE));
  PetscCall(Scale(m, m->b, PETSC_FALSE));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &m->ksp));
  PetscCall(VecGetLocalSize(m->u, &lo));
  PetscCall(MatCreateShell(PETSC_COMM_WORLD, lo, lo, N, N, m, &m->shell));
  PetscCall(MatShellSetOperation(m->shell, MATOP_MULT, (void (*)(void))Mult));
  PetscCall(MatShellSetOperation(m->shell, MATOP_MULT_TRANSPOSE, (void (*)(void))MultTranspose));
  PetscCall(KSPSetOperators(m->ksp, m->assembled ? m->A : m->shell, m->assembled ? m->A : m->shell));
  PetscCall(KSPSetFromOptions(m->ksp));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &m->dini));
  PetscCall(DiniSetKSP(m->dini, m->ksp));
  PetscCall(DiniSetLinearSystem(m->dini, m->b, NULL, NULL));
  PetscCall(DiniAddParameter(m->dini, "b", m->b, NULL));
  PetscCall(DiniSetParameterType(m->dini, 0, DINIPARAMETERRHS));
  PetscCall(DiniSetFromOptions(m->dini));
  PetscCall(DiniAttach(m->dini, m->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MapDestroy(Map *m)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&m->dini));
  PetscCall(KSPDestroy(&m->ksp));
  PetscCall(MatDestroy(&m->shell));
  PetscCall(MatDestroy(&m->A));
  PetscCall(MatDestroy(&m->B));
  PetscCall(VecDestroy(&m->u));
  PetscCall(VecDestroy(&m->b));
  PetscCall(VecDestroy(&m->x));
  PetscCall(VecDestroy(&m->y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The largest error of the fields, each relative to its own size, of found; the right-hand side, in no unit, is in m->x */
static PetscErrorCode Error(Map *m, PetscBool adjoint, Vec found, PetscReal *error)
{
  const PetscScalar *a, *b;
  PetscReal          mine[2 * FIELDS] = {0.0}, all[2 * FIELDS];
  PetscInt           lo, hi;

  PetscFunctionBeginUser;
  PetscCall(DiniTestDirectSolve(m->B, adjoint, m->x, m->y));
  PetscCall(VecCopy(found, m->x));
  PetscCall(Scale(m, m->x, (PetscBool)!adjoint));
  PetscCall(VecGetOwnershipRange(found, &lo, &hi));
  PetscCall(VecGetArrayRead(m->x, &a));
  PetscCall(VecGetArrayRead(m->y, &b));
  for (PetscInt i = lo; i < hi; i++) {
    PetscReal *field = &mine[2 * (size_t)(i % FIELDS)];

    field[0] = PetscMax(field[0], PetscAbsScalar(a[i - lo] - b[i - lo]));
    field[1] = PetscMax(field[1], PetscAbsScalar(b[i - lo]));
  }
  PetscCall(VecRestoreArrayRead(m->y, &b));
  PetscCall(VecRestoreArrayRead(m->x, &a));
  PetscCallMPI(MPI_Allreduce(mine, all, 2 * FIELDS, MPIU_REAL, MPIU_MAX, PETSC_COMM_WORLD));
  *error = 0.0;
  for (size_t f = 0; f < FIELDS; f++)
    if (all[2 * f + 1] > 0.0) *error = PetscMax(*error, all[2 * f] / all[2 * f + 1]); /* else at rest */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A right-hand side with a single entry, or all, one field of which may be faint */
static PetscErrorCode Solve(Map *m, PetscBool adjoint, PetscInt only, PetscReal faint, PetscInt tally[2])
{
  PetscScalar   *a;
  PetscInt       lo, hi;
  PetscErrorCode ierr;
  PetscReal      error;
  Vec            b, x;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(m->u, &b));
  PetscCall(VecDuplicate(m->u, &x));
  PetscCall(VecGetOwnershipRange(m->x, &lo, &hi));
  PetscCall(VecGetArray(m->x, &a));
  for (PetscInt i = lo; i < hi; i++)
    a[i - lo] = only >= 0 && i != only ? 0.0 : (i % FIELDS ? faint : 1.0) * Number(only, i);
  PetscCall(VecRestoreArray(m->x, &a));
  PetscCall(VecCopy(m->x, b));
  PetscCall(Scale(m, b, adjoint));
  PetscCall(DiniTestCatch());
  ierr = adjoint ? DiniAdjointSolve(m->dini, b, x) : DiniTangentSolve(m->dini, b, x);
  PetscCall(DiniTestRelease());
  tally[0]++;
  if (ierr) tally[1]++;
  DiniTestTrue(!ierr || ierr == PETSC_ERR_NOT_CONVERGED, "error %d of a solve", (int)ierr);
  if (!ierr) PetscCall(Error(m, adjoint, x, &error));
  DiniTestTrue(ierr || error <= RIGHT, "%s solve, entry %d, faint %g, units %g: off by %g",
               adjoint ? "adjoint" : "tangent", (int)only, (double)faint, (double)m->unit[1], (double)error);
  PetscCall(VecDestroy(&b));
  PetscCall(VecDestroy(&x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A rung whose corrections do not settle gives way to a factorisation, and what it has told of itself goes with it */
static PetscErrorCode Report(Map *m, PetscBool adjoint, PetscInt *direct)
{
  DiniStatistics s;
  PetscScalar   *a;
  PetscInt       lo, hi;
  PetscReal      error, claimed;
  Vec            b, x;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(m->u, &b));
  PetscCall(VecDuplicate(m->u, &x));
  PetscCall(VecGetOwnershipRange(m->x, &lo, &hi));
  PetscCall(VecGetArray(m->x, &a));
  for (PetscInt i = lo; i < hi; i++) a[i - lo] = (i % FIELDS ? 1e-6 : 1.0) * Number(3, i);
  PetscCall(VecRestoreArray(m->x, &a));
  PetscCall(VecCopy(m->x, b));
  PetscCall(Scale(m, b, adjoint));
  if (adjoint) PetscCall(DiniVJP(m->dini, b, x));
  else PetscCall(DiniJVP(m->dini, b, x));
  PetscCall(Error(m, adjoint, x, &error));
  PetscCall(DiniGetStatistics(m->dini, &s));
  claimed = adjoint ? s.gradient_error : s.tangent_error;
  *direct += s.rungs[DINI_RUNG_DIRECT];
  DiniTestTrue(error <= RIGHT, "%s solve of an assembled A: off by %g", adjoint ? "adjoint" : "tangent", (double)error);
  DiniTestTrue(claimed >= 0.0 && claimed <= RIGHT && error <= 10.0 * claimed + 1e-11, "%g off, and %g is claimed",
               (double)error, (double)claimed);
  PetscCall(VecDestroy(&b));
  PetscCall(VecDestroy(&x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  static const PetscReal units[]  = {1e-8, 1e8, 1e-6, 1e6};
  PetscInt               tally[2] = {0, 0}, direct = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscOptionsSetValue(NULL, "-dini_direct_max", "0"));
  PetscCall(PetscOptionsSetValue(NULL, "-pc_type", "none"));
  for (PetscInt seed = 90; seed < 96; seed++) {
    Map m = {.unit = {1.0, units[seed % 4]}};

    PetscCall(MapCreate(seed, &m));
    for (int adjoint = 0; adjoint < 2; adjoint++) {
      PetscCall(Solve(&m, (PetscBool)adjoint, -1, 1.0, tally));
      PetscCall(Solve(&m, (PetscBool)adjoint, -1, 1e-6, tally));
      PetscCall(Solve(&m, (PetscBool)adjoint, seed % N, 1.0, tally));
    }
    PetscCall(MapDestroy(&m));
  }
  DiniTestTrue(2 * tally[1] < tally[0], "%d of %d solves are refused", (int)tally[1], (int)tally[0]);
  PetscCall(PetscOptionsClearValue(NULL, "-dini_direct_max"));
  PetscCall(PetscOptionsSetValue(NULL, "-dini_transpose", "auto"));
  for (PetscInt seed = 90; seed < 96; seed++) {
    Map m = {.unit = {1.0, units[seed % 4]}, .assembled = PETSC_TRUE};

    PetscCall(MapCreate(seed, &m));
    PetscCall(Report(&m, PETSC_TRUE, &direct));
    PetscCall(Report(&m, PETSC_FALSE, &direct));
    PetscCall(MapDestroy(&m));
  }
  DiniTestTrue(direct > 0, "no solve has come to a factorisation");
  PetscCall(PetscFinalize());
  return 0;
}
