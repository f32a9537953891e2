static char help[] =
    "What a gradient costs: Dini against the adjoint that an expert writes by hand, and against the forward solve.\n"
    "  diffusion:  -div((1 + u^2) grad u) = m                       on the unit square or cube (-dim), u = 0 around "
    "it\n"
    "  advection:  -nu Laplace(u_c) + ((w + u) . grad) u_c = m_c    c = 1, 2, on the unit square, u = 0 around it\n"
    "  m: a field, or -p coefficients of as many slices. Options of the solver are PETSc's own.\n"
    "  -mode time    medians of -repeat repetitions, and 16 objectives at once (-objectives)\n"
    "  -mode memory  high-water marks; needs -malloc_dump\n"
    "  -mode model   counts of flops, messages, words and reductions\n"
    "  -mode packages  solvers that this PETSc has, of those that the benchmark uses\n"
    "  -csv <file>   appends a line to the file. The program fails when gradients disagree.\n"
    "  Try:  mpiexec -n 2 ./benchmark -grid 128 -pc_type gamg\n\n";

#include "benchmark.h"

typedef enum { MODE_TIME, MODE_MEMORY, MODE_MODEL, MODE_PACKAGES } Mode;

static const char *const modes[] = {"time", "memory", "model", "packages", "Mode", "MODE_", NULL};

/* Each name with its value, one a line */
static PetscErrorCode RowPrint(MPI_Comm comm, const Row *row)
{
  char **names, **values;
  int    n, m;

  PetscFunctionBeginUser;
  PetscCall(PetscStrToArray(row->names, ',', &n, &names));
  PetscCall(PetscStrToArray(row->values, ',', &m, &values));
  PetscCheck(n == m, comm, PETSC_ERR_PLIB, "%d names for %d values", n, m);
  for (int k = 0; k < n; k++)
    PetscCall(PetscPrintf(comm, "%s%s %s", k ? (k % 6 ? "  " : "\n  ") : "", names[k], values[k]));
  PetscCall(PetscPrintf(comm, "\n"));
  PetscCall(PetscStrToArrayDestroy(n, names));
  PetscCall(PetscStrToArrayDestroy(m, values));
  PetscFunctionReturn(0);
}

static PetscErrorCode PrintPackages(MPI_Comm comm)
{
  PetscFunctionBeginUser;
#if defined(PETSC_HAVE_MUMPS)
  PetscCall(PetscPrintf(comm, "mumps\n"));
#endif
#if defined(PETSC_HAVE_HYPRE)
  PetscCall(PetscPrintf(comm, "hypre\n"));
#endif
  PetscFunctionReturn(0);
}

static PetscErrorCode Measure(MPI_Comm comm, Mode mode)
{
  Bench bench;
  Row   row;
  char  csv[PETSC_MAX_PATH_LEN] = "";

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsGetString(NULL, NULL, "-csv", csv, sizeof(csv), NULL));
  PetscCall(BenchCreate(comm, &bench));
  PetscCall(RowConfiguration(&row, &bench));
  if (mode == MODE_TIME) {
    PetscCall(MeasureTime(&bench, &row));
    PetscCall(MeasureObjectives(&bench, &row));
  } else if (mode == MODE_MODEL) PetscCall(MeasureModel(&bench, &row));
  PetscCall(BenchDestroy(&bench));
  if (mode == MODE_MEMORY) PetscCall(MeasureMemory(comm, &row));
  PetscCall(RowPrint(comm, &row));
  if (csv[0]) PetscCall(RowAppend(comm, &row, csv));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  PetscEnum mode = (PetscEnum)MODE_TIME;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscOptionsGetEnum(NULL, NULL, "-mode", modes, &mode, NULL));
  if ((Mode)mode == MODE_PACKAGES) PetscCall(PrintPackages(PETSC_COMM_WORLD));
  else PetscCall(Measure(PETSC_COMM_WORLD, (Mode)mode));
  PetscCall(PetscFinalize());
  return 0;
}
