static char help[] =
    "What the gradient with respect to every stored entry of A in A u = b costs, against one refactorisation.\n"
    "  A: -Laplace(u) + c . grad u by five points on an n x n grid (-grid), nonsymmetric.\n"
    "  -repeat <5>   repetitions: A is written to, solved with, and differentiated, each time anew\n"
    "  -csv <file>   appends a line to the file. The program fails when the gradient is wrong.\n"
    "  Try:  ./benchmark_entries -grid 500 -pc_type lu -pc_factor_mat_solver_type mumps -ksp_type preonly\n\n";

#include "benchmark.h"
#include <petsctime.h>

#define MAX_REPEAT 101

typedef struct {
  PetscInt grid, repeat;
  Mat      A, Abar;
  Vec      b, u, ubar;
  KSP      ksp;
  Dini     dini;
} Entries;

static PetscErrorCode Create(MPI_Comm comm, Entries *e)
{
  const PetscReal wind[2] = {20.0, -10.0};
  PetscReal       h;
  PetscInt        lo, hi, n;
  PetscScalar     size;

  PetscFunctionBeginUser;
  e->grid   = 100;
  e->repeat = 5;
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-grid", &e->grid, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-repeat", &e->repeat, NULL));
  PetscCheck(e->repeat >= 1 && e->repeat <= MAX_REPEAT, comm, PETSC_ERR_ARG_OUTOFRANGE, "-repeat is between 1 and %d",
             MAX_REPEAT);
  n = e->grid;
  h = 1.0 / (PetscReal)(n + 1);
  PetscCall(MatCreateAIJ(comm, PETSC_DECIDE, PETSC_DECIDE, n * n, n * n, 5, NULL, 2, NULL, &e->A));
  PetscCall(MatGetOwnershipRange(e->A, &lo, &hi));
  for (PetscInt row = lo; row < hi; row++) {
    const PetscInt i = row % n, j = row / n;

    PetscCall(MatSetValue(e->A, row, row, 4.0, INSERT_VALUES));
    if (i > 0) PetscCall(MatSetValue(e->A, row, row - 1, -1.0 - 0.5 * h * wind[0], INSERT_VALUES));
    if (i < n - 1) PetscCall(MatSetValue(e->A, row, row + 1, -1.0 + 0.5 * h * wind[0], INSERT_VALUES));
    if (j > 0) PetscCall(MatSetValue(e->A, row, row - n, -1.0 - 0.5 * h * wind[1], INSERT_VALUES));
    if (j < n - 1) PetscCall(MatSetValue(e->A, row, row + n, -1.0 + 0.5 * h * wind[1], INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(e->A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(e->A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatDuplicate(e->A, MAT_DO_NOT_COPY_VALUES, &e->Abar));
  PetscCall(MatCreateVecs(e->A, &e->u, &e->b));
  PetscCall(VecDuplicate(e->u, &e->ubar));
  size = h * h;
  PetscCall(VecSet(e->b, size));
  PetscCall(VecSet(e->ubar, size)); /* the mean of u */
  PetscCall(KSPCreate(comm, &e->ksp));
  PetscCall(KSPSetOperators(e->ksp, e->A, e->A));
  PetscCall(KSPSetFromOptions(e->ksp));
  PetscCall(DiniCreate(comm, &e->dini));
  PetscCall(DiniSetKSP(e->dini, e->ksp));
  PetscCall(DiniSetLinearSystem(e->dini, e->b, NULL, NULL));
  PetscCall(DiniSetFromOptions(e->dini));
  PetscFunctionReturn(0);
}

static PetscErrorCode Destroy(Entries *e)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&e->dini));
  PetscCall(KSPDestroy(&e->ksp));
  PetscCall(MatDestroy(&e->A));
  PetscCall(MatDestroy(&e->Abar));
  PetscCall(VecDestroy(&e->b));
  PetscCall(VecDestroy(&e->u));
  PetscCall(VecDestroy(&e->ubar));
  PetscFunctionReturn(0);
}

/* u scales as 1 / A, so that sum_ij A_ij conj(Abar_ij) = -<ubar, u> */
static PetscErrorCode Check(const Entries *e)
{
  MPI_Comm    comm = PetscObjectComm((PetscObject)e->A);
  PetscInt    lo, hi, n;
  PetscScalar sum = 0.0, mean;

  PetscFunctionBeginUser;
  PetscCall(MatGetOwnershipRange(e->A, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) {
    const PetscScalar *a, *abar;

    PetscCall(MatGetRow(e->A, i, &n, NULL, &a));
    PetscCall(MatGetRow(e->Abar, i, NULL, NULL, &abar));
    for (PetscInt k = 0; k < n; k++) sum += a[k] * PetscConj(abar[k]);
    PetscCall(MatRestoreRow(e->Abar, i, NULL, NULL, &abar));
    PetscCall(MatRestoreRow(e->A, i, &n, NULL, &a));
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPIU_SCALAR, MPIU_SUM, comm));
  PetscCall(VecDot(e->u, e->ubar, &mean));
  PetscCheck(PetscAbsScalar(sum + mean) < 1e-7 * PetscAbsScalar(mean), comm, PETSC_ERR_PLIB,
             "The gradient in the entries of A is wrong: %g where it should be %g", (double)PetscRealPart(sum),
             (double)-PetscRealPart(mean));
  PetscFunctionReturn(0);
}

/* Seconds of a set-up of the forward solver for new values of A, of the solve, and of the gradient */
static PetscErrorCode Run(Entries *e, PetscReal *setup, PetscReal *forward, PetscReal *gradient, PetscReal *adjoint)
{
  MPI_Comm       comm = PetscObjectComm((PetscObject)e->A);
  PetscLogDouble start, seconds;
  DiniStatistics before, after;
  PC             pc;

  PetscFunctionBeginUser;
  PetscCall(KSPGetPC(e->ksp, &pc));
  PetscCall(PCSetOperators(pc, e->A, e->A));
  PetscCall(MatScale(e->A, 1.01)); /* new values, the same pattern */
  PetscCall(Clock(comm, &start));
  PetscCall(PCSetUp(pc));
  PetscCall(Elapsed(comm, start, &seconds));
  *setup = (PetscReal)seconds;
  PetscCall(Clock(comm, &start));
  PetscCall(DiniSolve(e->dini, e->u));
  PetscCall(Elapsed(comm, start, &seconds));
  *forward = (PetscReal)seconds;
  PetscCall(DiniGetStatistics(e->dini, &before));
  PetscCall(Clock(comm, &start));
  PetscCall(DiniMatrixVJP(e->dini, e->ubar, e->Abar));
  PetscCall(Elapsed(comm, start, &seconds));
  *gradient = (PetscReal)seconds;
  PetscCall(DiniGetStatistics(e->dini, &after));
  *adjoint = after.adjoint_seconds - before.adjoint_seconds;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, adjoint, 1, MPIU_REAL, MPIU_MAX, comm));
  PetscCall(Check(e));
  PetscFunctionReturn(0);
}

static PetscErrorCode RowSpread(Row *row, const char name[], PetscInt n, PetscReal values[])
{
  char text[64];

  PetscFunctionBeginUser;
  PetscCall(PetscSortReal(n, values));
  PetscCall(RowReal(row, name, 0.5 * (values[(n - 1) / 2] + values[n / 2])));
  PetscCall(PetscSNPrintf(text, sizeof(text), "%s_min", name));
  PetscCall(RowReal(row, text, values[0]));
  PetscCall(PetscSNPrintf(text, sizeof(text), "%s_max", name));
  PetscCall(RowReal(row, text, values[n - 1]));
  PetscFunctionReturn(0);
}

static PetscErrorCode Measure(MPI_Comm comm)
{
  Entries        e;
  Row            row = {0};
  PetscReal      setup[MAX_REPEAT], forward[MAX_REPEAT], gradient[MAX_REPEAT], adjoint[MAX_REPEAT], ratio[MAX_REPEAT];
  PetscReal      first[4];
  MatInfo        info;
  PetscMPIInt    ranks;
  DiniStatistics s;
  char           csv[PETSC_MAX_PATH_LEN] = "", label[64] = "default";

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsGetString(NULL, NULL, "-csv", csv, sizeof(csv), NULL));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-label", label, sizeof(label), NULL));
  PetscCall(Create(comm, &e));
  PetscCall(Run(&e, &first[0], &first[1], &first[2], &first[3])); /* analysis and guards */
  for (PetscInt r = 0; r < e.repeat; r++) {
    PetscCall(Run(&e, &setup[r], &forward[r], &gradient[r], &adjoint[r]));
    ratio[r] = gradient[r] / setup[r];
  }
  PetscCall(DiniGetStatistics(e.dini, &s));
  PetscCheck(s.factorizations == 0, comm, PETSC_ERR_PLIB, "%" PetscInt_FMT " factorisations for gradients",
             s.factorizations);
  PetscCall(MatGetInfo(e.A, MAT_GLOBAL_SUM, &info));
  PetscCallMPI(MPI_Comm_size(comm, &ranks));
  PetscCall(RowInteger(&row, "grid", e.grid));
  PetscCall(RowInteger(&row, "unknowns", e.grid * e.grid));
  PetscCall(RowInteger(&row, "entries", (PetscInt)info.nz_used));
  PetscCall(RowInteger(&row, "ranks", ranks));
  PetscCall(RowText(&row, "solver", label));
  PetscCall(RowReal(&row, "first_setup_s", first[0]));
  PetscCall(RowReal(&row, "first_gradient_s", first[2]));
  PetscCall(RowSpread(&row, "gradient_setup", e.repeat, ratio));
  PetscCall(RowSpread(&row, "setup_s", e.repeat, setup));
  PetscCall(RowSpread(&row, "forward_s", e.repeat, forward));
  PetscCall(RowSpread(&row, "gradient_s", e.repeat, gradient));
  PetscCall(RowSpread(&row, "adjoint_s", e.repeat, adjoint));
  PetscCall(PetscPrintf(comm, "%s\n%s\n", row.names, row.values));
  if (csv[0]) PetscCall(RowAppend(comm, &row, csv));
  PetscCall(Destroy(&e));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(Measure(PETSC_COMM_WORLD));
  PetscCall(PetscFinalize());
  return 0;
}
