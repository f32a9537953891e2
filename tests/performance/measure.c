/* Times of the three ways in one process, alternating, so that a slow moment of the machine hits all of them. */
#include "benchmark.h"

#define MAX_REPEAT 101

typedef struct {
  PetscInt  n;
  PetscReal forward[METHOD_MAX][MAX_REPEAT], gradient[METHOD_MAX][MAX_REPEAT], again[METHOD_MAX][MAX_REPEAT];
  PetscInt  iterations[METHOD_MAX];
  DiniRung  rung;                          /* of Dini's gradient at a new point */
  PetscReal difference[METHOD_MAX], first; /* first: Dini's gradient in the warm-up, with its guards, over forward */
} Times;

static PetscErrorCode Repeats(PetscInt *n)
{
  PetscFunctionBeginUser;
  *n = 5;
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-repeat", n, NULL));
  PetscCheck(*n >= 1 && *n <= MAX_REPEAT, PETSC_COMM_WORLD, PETSC_ERR_ARG_OUTOFRANGE, "-repeat is between 1 and %d",
             MAX_REPEAT);
  PetscFunctionReturn(0);
}

static PetscErrorCode Median(PetscInt n, const PetscReal values[], PetscReal *median)
{
  PetscReal sorted[MAX_REPEAT];

  PetscFunctionBeginUser;
  PetscCall(PetscArraycpy(sorted, values, n));
  PetscCall(PetscSortReal(n, sorted));
  *median = 0.5 * (sorted[(n - 1) / 2] + sorted[n / 2]);
  PetscFunctionReturn(0);
}

/* "nan" where nothing was measured */
static PetscErrorCode RowMedian(Row *row, const char name[], PetscInt n, const PetscReal values[])
{
  PetscReal median = 0.0;

  PetscFunctionBeginUser;
  if (n > 0) {
    PetscCall(Median(n, values, &median));
    PetscCall(RowReal(row, name, median));
  } else PetscCall(RowText(row, name, "nan"));
  PetscFunctionReturn(0);
}

/* The median of the ratios of each repetition, with least and greatest */
static PetscErrorCode RowRatio(Row *row, const char name[], PetscInt n, const PetscReal over[], const PetscReal under[])
{
  PetscReal ratio[MAX_REPEAT], least = PETSC_MAX_REAL, greatest = 0.0;
  char      text[64];

  PetscFunctionBeginUser;
  for (PetscInt r = 0; r < n; r++) {
    ratio[r] = over[r] / under[r];
    least    = PetscMin(least, ratio[r]);
    greatest = PetscMax(greatest, ratio[r]);
  }
  PetscCall(RowMedian(row, name, n, ratio));
  PetscCall(PetscSNPrintf(text, sizeof(text), "%s_min", name));
  PetscCall(RowMedian(row, text, PetscMin(n, 1), &least));
  PetscCall(PetscSNPrintf(text, sizeof(text), "%s_max", name));
  PetscCall(RowMedian(row, text, PetscMin(n, 1), &greatest));
  PetscFunctionReturn(0);
}

static PetscErrorCode WarmUp(Bench *bench, Times *times)
{
  PetscFunctionBeginUser;
  for (Method method = 0; method < METHOD_MAX; method++) {
    PetscCall(BenchRun(bench, method, PETSC_TRUE));
    if (method == METHOD_DINI) times->first = (PetscReal)(bench->gradient / bench->forward);
    PetscCall(BenchDifference(bench, method, &times->difference[method]));
  }
  PetscFunctionReturn(0);
}

/* The counters of one gradient: all of them together, divided by their number */
static PetscErrorCode RowCounters(Row *row, const DiniStatistics *stats, DiniRung rung)
{
  const PetscReal points = (PetscReal)stats->linearizations;

  PetscFunctionBeginUser;
  PetscCall(RowReal(row, "jacobian_assemblies", stats->jacobian_assemblies / points));
  PetscCall(RowReal(row, "pc_setups", stats->pc_setups / points));
  PetscCall(RowReal(row, "factorizations", stats->factorizations / points));
  PetscCall(RowReal(row, "residuals", stats->residuals / points));
  PetscCall(RowReal(row, "refreshes", stats->refreshes / points));
  PetscCall(RowReal(row, "adjoint_residual", stats->adjoint_residual));
  PetscCall(RowText(row, "rung", DiniRungs[rung]));
  PetscFunctionReturn(0);
}

/* -assert_kept: a gradient costs one assembly of J and no set-up of a preconditioner. */
static PetscErrorCode CheckCounters(Bench *bench, const DiniStatistics *stats)
{
  PetscBool kept = PETSC_FALSE;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsGetBool(NULL, NULL, "-assert_kept", &kept, NULL));
  if (!kept) PetscFunctionReturn(0);
  PetscCheck(stats->jacobian_assemblies == stats->linearizations && !stats->pc_setups && !stats->factorizations,
             PetscObjectComm((PetscObject)bench->dini), PETSC_ERR_PLIB,
             "%" PetscInt_FMT " points of differentiation took %" PetscInt_FMT " assemblies of J, %" PetscInt_FMT
             " preconditioner set-ups and %" PetscInt_FMT " factorizations",
             stats->linearizations, stats->jacobian_assemblies, stats->pc_setups, stats->factorizations);
  PetscCheck(stats->adjoint_rung == DINI_RUNG_KEPT, PetscObjectComm((PetscObject)bench->dini), PETSC_ERR_PLIB,
             "The adjoint came from rung %s", DiniRungs[stats->adjoint_rung]);
  PetscFunctionReturn(0);
}

static PetscErrorCode Repeat(Bench *bench, Times *times)
{
  PetscFunctionBeginUser;
  for (PetscInt r = 0; r < times->n; r++) {
    for (PetscInt k = 0; k < METHOD_MAX; k++) {
      const Method method = (Method)((r + k) % METHOD_MAX);

      PetscCall(BenchRun(bench, method, PETSC_TRUE));
      times->forward[method][r]  = (PetscReal)bench->forward;
      times->gradient[method][r] = (PetscReal)bench->gradient;
      times->again[method][r]    = (PetscReal)bench->again;
      times->iterations[method]  = bench->iterations;
      if (method == METHOD_DINI) times->rung = bench->rung;
    }
    for (Method method = 0; method < METHOD_MAX; method++) {
      PetscReal difference;

      PetscCall(BenchDifference(bench, method, &difference));
      times->difference[method] = PetscMax(times->difference[method], difference);
    }
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MeasureTime(Bench *bench, Row *row)
{
  Times         *times;
  DiniStatistics stats;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&times));
  PetscCall(Repeats(&times->n));
  PetscCall(WarmUp(bench, times));
  PetscCall(DiniResetStatistics(bench->dini));
  PetscCall(Repeat(bench, times));
  PetscCall(DiniGetStatistics(bench->dini, &stats));
  PetscCall(CheckCounters(bench, &stats));

  PetscCall(RowInteger(row, "repeat", times->n));
  PetscCall(RowInteger(row, "newton_iterations", bench->newton));
  PetscCall(RowInteger(row, "forward_iterations", bench->krylov));
  PetscCall(RowInteger(row, "expert_iterations", times->iterations[METHOD_EXPERT]));
  PetscCall(RowInteger(row, "naive_iterations", times->iterations[METHOD_NAIVE]));
  PetscCall(RowInteger(row, "dini_iterations", times->iterations[METHOD_DINI]));
  PetscCall(RowMedian(row, "forward_s", times->n, times->forward[METHOD_DINI]));
  PetscCall(RowMedian(row, "expert_s", times->n, times->gradient[METHOD_EXPERT]));
  PetscCall(RowMedian(row, "naive_s", times->n, times->gradient[METHOD_NAIVE]));
  PetscCall(RowMedian(row, "dini_s", times->n, times->gradient[METHOD_DINI]));
  PetscCall(RowMedian(row, "expert_second_s", times->n, times->again[METHOD_EXPERT]));
  PetscCall(RowMedian(row, "dini_second_s", times->n, times->again[METHOD_DINI]));
  PetscCall(RowRatio(row, "dini_expert", times->n, times->gradient[METHOD_DINI], times->gradient[METHOD_EXPERT]));
  PetscCall(RowRatio(row, "dini_naive", times->n, times->gradient[METHOD_DINI], times->gradient[METHOD_NAIVE]));
  PetscCall(RowRatio(row, "gradient_forward", times->n, times->gradient[METHOD_DINI], times->forward[METHOD_DINI]));
  PetscCall(RowRatio(row, "second_forward", times->n, times->again[METHOD_DINI], times->forward[METHOD_DINI]));
  PetscCall(RowReal(row, "first_forward", times->first));
  PetscCall(RowReal(row, "naive_difference", times->difference[METHOD_NAIVE]));
  PetscCall(RowReal(row, "dini_difference", times->difference[METHOD_DINI]));
  PetscCall(RowCounters(row, &stats, times->rung));
  PetscCall(PetscFree(times));
  PetscFunctionReturn(0);
}

/* Results of the block and of the columns one by one agree */
static PetscErrorCode CompareColumns(Mat block, Mat columns)
{
  PetscReal error, norm;

  PetscFunctionBeginUser;
  PetscCall(MatNorm(columns, NORM_FROBENIUS, &norm));
  PetscCall(MatAXPY(columns, -1.0, block, SAME_NONZERO_PATTERN));
  PetscCall(MatNorm(columns, NORM_FROBENIUS, &error));
  PetscCheck(error < 1e-7 * norm, PetscObjectComm((PetscObject)block), PETSC_ERR_PLIB,
             "DiniMatVJP() and DiniVJP() differ by %g relative", (double)(error / norm));
  PetscFunctionReturn(0);
}

static PetscErrorCode OneByOne(Dini dini, PetscInt n, Mat Ubar, Mat Mbar)
{
  Vec x, y;

  PetscFunctionBeginUser;
  for (PetscInt j = 0; j < n; j++) {
    PetscCall(MatDenseGetColumnVecRead(Ubar, j, &x));
    PetscCall(MatDenseGetColumnVecWrite(Mbar, j, &y));
    PetscCall(DiniVJP(dini, x, y));
    PetscCall(MatDenseRestoreColumnVecWrite(Mbar, j, &y));
    PetscCall(MatDenseRestoreColumnVecRead(Ubar, j, &x));
  }
  PetscCall(MatAssemblyBegin(Mbar, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(Mbar, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(0);
}

/* The gradients of many objectives at a point that is new to each side: one DiniMatVJP(), and as many DiniVJP() */
PetscErrorCode MeasureObjectives(Bench *bench, Row *row)
{
  MPI_Comm       comm = PetscObjectComm((PetscObject)bench->dini);
  PetscInt       n = 16, repeat = 1, rows, parameters;
  PetscReal      block[MAX_REPEAT] = {0.0}, columns[MAX_REPEAT] = {0.0};
  PetscRandom    random;
  PetscLogDouble start, seconds;
  Mat            Ubar, Mbar[2];

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-objectives", &n, NULL));
  PetscCall(RowInteger(row, "objectives", n));
  if (n > 0) {
    PetscCall(PetscOptionsGetInt(NULL, NULL, "-objectives_repeat", &repeat, NULL));
    PetscCheck(repeat >= 1 && repeat <= MAX_REPEAT, comm, PETSC_ERR_ARG_OUTOFRANGE,
               "-objectives_repeat is between 1 and %d", MAX_REPEAT);
    PetscCall(VecGetLocalSize(bench->problem.u, &rows));
    PetscCall(VecGetLocalSize(bench->problem.m, &parameters));
    PetscCall(MatCreateDense(comm, rows, PETSC_DECIDE, PETSC_DETERMINE, n, NULL, &Ubar));
    PetscCall(PetscRandomCreate(comm, &random));
    PetscCall(MatSetRandom(Ubar, random));
    PetscCall(PetscRandomDestroy(&random));
    for (int k = 0; k < 2; k++)
      PetscCall(MatCreateDense(comm, parameters, PETSC_DECIDE, PETSC_DETERMINE, n, NULL, &Mbar[k]));
    for (PetscInt r = -1; r < 2 * repeat; r++) { /* -1 warms the block solve up; then the order alternates */
      const PetscBool single = (PetscBool)(r >= 0 && (r + r / 2) % 2 == 0);

      PetscCall(BenchForward(bench, METHOD_DINI));
      PetscCall(Clock(comm, &start));
      if (single) PetscCall(OneByOne(bench->dini, n, Ubar, Mbar[1]));
      else PetscCall(DiniMatVJP(bench->dini, Ubar, Mbar[0]));
      PetscCall(Elapsed(comm, start, &seconds));
      if (r >= 0) (single ? columns : block)[r / 2] = (PetscReal)seconds;
    }
    PetscCall(CompareColumns(Mbar[0], Mbar[1]));
    PetscCall(MatDestroy(&Mbar[0]));
    PetscCall(MatDestroy(&Mbar[1]));
    PetscCall(MatDestroy(&Ubar));
  }
  if (n <= 0) repeat = 0;
  PetscCall(RowMedian(row, "objectives_block_s", repeat, block));
  PetscCall(RowMedian(row, "objectives_single_s", repeat, columns));
  PetscCall(RowRatio(row, "objectives_ratio", repeat, block, columns));
  PetscFunctionReturn(0);
}
