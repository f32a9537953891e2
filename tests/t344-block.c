static char help[] = "Many right-hand sides: block solves, and columns that are zero, equal or parallel.\n";

#include "support/fixtures.h"

#define COLUMNS 7

/* Columns 0, 1, 4 and 6 are of their own; 2 is zero, 3 is column 0 again, 5 is parallel to column 1 */
static PetscErrorCode Fill(Mat X)
{
  PetscFunctionBeginUser;
  for (PetscInt j = 0; j < COLUMNS; j++) {
    Vec x;

    PetscCall(MatDenseGetColumnVecWrite(X, j, &x));
    if (j == 2) PetscCall(VecSet(x, 0.0));
    else PetscCall(DiniTestFill(x, j == 3 ? 700 : j == 5 ? 701 : 700 + j));
    if (j == 5) PetscCall(VecScale(x, DiniTestScalar(-2.5, 0.7)));
    PetscCall(MatDenseRestoreColumnVecWrite(X, j, &x));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Compare(Transport *t, Mat X, Mat Y, PetscBool adjoint, const char options[])
{
  Vec x, y, ref;

  PetscFunctionBeginUser;
  for (PetscInt j = 0; j < COLUMNS; j++) {
    if (j == 2) continue;
    PetscCall(MatDenseGetColumnVecRead(X, j, &x));
    PetscCall(MatDenseGetColumnVecRead(Y, j, &y));
    PetscCall(VecDuplicate(y, &ref));
    if (adjoint) PetscCall(TransportReferenceVJP(t, x, ref));
    else PetscCall(TransportReferenceJVP(t, x, ref));
    PetscCall(DiniTestVecsClose(y, ref, 1e-8, options));
    PetscCall(VecDestroy(&ref));
    PetscCall(MatDenseRestoreColumnVecRead(Y, j, &y));
    PetscCall(MatDenseRestoreColumnVecRead(X, j, &x));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestColumns(const char options[], PetscBool factored)
{
  Transport      t;
  Mat            X, Y;
  PetscInt       n, N, before, after, single;
  Vec            x, y;
  DiniStatistics s;

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(TransportCreate(9, 8, &t));
  PetscCall(SNESSetTolerances(t.snes, 0.0, 1e-5, 0.0, 50, 1000)); /* the factor is not quite that of J */
  PetscCall(TransportDini(&t, DINIPARAMETERMATRIX));
  PetscCall(DiniSolve(t.dini, t.u));
  PetscCall(VecGetLocalSize(t.u, &n));
  PetscCall(VecGetSize(t.u, &N));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, n, PETSC_DECIDE, N, COLUMNS, NULL, &X));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, n, PETSC_DECIDE, N, COLUMNS, NULL, &Y));
  PetscCall(Fill(X));
  /* one solve alone, for its iterations */
  PetscCall(DiniTestVec(t.u, 799, &x));
  PetscCall(VecDuplicate(t.m, &y));
  PetscCall(DiniVJP(t.dini, x, y));
  PetscCall(DiniGetStatistics(t.dini, &s));
  single = s.adjoint_iterations;
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&y));
  for (int adjoint = 0; adjoint < 2; adjoint++) {
    PetscCall(DiniResetStatistics(t.dini));
    PetscCall(DiniTestEvent("MatMatSolve", &before));
    if (adjoint) PetscCall(DiniMatVJP(t.dini, X, Y));
    else PetscCall(DiniMatJVP(t.dini, X, Y));
    PetscCall(DiniTestEvent("MatMatSolve", &after));
    PetscCall(Compare(&t, X, Y, (PetscBool)adjoint, options));
    PetscCall(DiniGetStatistics(t.dini, &s));
    DiniTestCount(adjoint ? s.adjoint_solves : s.tangent_solves, COLUMNS - 1, "solves, one column being zero");
    DiniTestCount(s.pc_setups, 0, "set-ups for a block");
    if (factored) {
      DiniTestTrue(after > before && after - before <= 6, "%s: %" PetscInt_FMT " block solves", options,
                   after - before);
      /* equal and parallel columns take no part in them */
      DiniTestCount(adjoint ? s.adjoint_iterations : s.tangent_iterations, 4 * (after - before),
                    "refinements of four columns of their own");
    } else if (adjoint) { /* equal and parallel columns take no iteration */
      DiniTestTrue(s.adjoint_iterations <= 4 * single + 8,
                   "%s: %" PetscInt_FMT " iterations for four columns of %" PetscInt_FMT, options, s.adjoint_iterations,
                   single);
    }
  }
  PetscCall(MatDestroy(&X));
  PetscCall(MatDestroy(&Y));
  PetscCall(TransportDestroy(&t));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A column that fails: an error, or NaN in that column alone when the reason is asked for */
static PetscErrorCode TestFailure(void)
{
  const char options[] = "-pc_type jacobi -dini_adjoint_ksp_max_it 3 -dini_direct_max 0 -dini_block_size 2";
  Transport  t;
  Mat        X, Y;
  Vec        x;
  PetscInt   n, N;
  PetscReal  norms[4];

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(TransportCreate(9, 8, &t));
  PetscCall(TransportDini(&t, DINIPARAMETERMATRIX));
  PetscCall(DiniSolve(t.dini, t.u));
  PetscCall(VecGetLocalSize(t.u, &n));
  PetscCall(VecGetSize(t.u, &N));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, n, PETSC_DECIDE, N, 4, NULL, &X));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, n, PETSC_DECIDE, N, 4, NULL, &Y));
  PetscCall(MatDenseGetColumnVecWrite(X, 1, &x));
  PetscCall(DiniTestFill(x, 3));
  PetscCall(MatDenseRestoreColumnVecWrite(X, 1, &x));
  PetscCall(DiniSetErrorIfNotConverged(t.dini, PETSC_FALSE));
  PetscCall(DiniMatVJP(t.dini, X, Y));
  PetscCall(MatGetColumnNorms(Y, NORM_2, norms));
  DiniTestTrue(norms[0] == 0.0 && norms[2] == 0.0 && norms[3] == 0.0, "Zero columns became %g %g %g", (double)norms[0],
               (double)norms[2], (double)norms[3]);
  DiniTestTrue(PetscIsInfOrNanReal(norms[1]), "A column that failed has norm %g", (double)norms[1]);
  PetscCall(MatDestroy(&X));
  PetscCall(MatDestroy(&Y));
  PetscCall(TransportDestroy(&t));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscMPIInt size;
  PetscBool   mumps;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscLogDefaultBegin());
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  if (size == 1) PetscCall(TestColumns("-pc_type lu -ksp_type preonly", PETSC_TRUE));
  PetscCall(PetscHasExternalPackage("mumps", &mumps));
  if (mumps) PetscCall(TestColumns("-pc_type lu -pc_factor_mat_solver_type mumps -ksp_type preonly", PETSC_TRUE));
  PetscCall(TestColumns("-pc_type bjacobi", PETSC_FALSE));
  PetscCall(TestColumns("-pc_type jacobi -dini_transpose explicit", PETSC_FALSE));
  PetscCall(TestFailure());
  PetscCall(PetscFinalize());
  return 0;
}
