static char help[] = "Singular values of J: closed forms, a dense SVD, the option, solves in trouble, and misuse.\n";

#include "support/fixtures.h"
#include <dinislepc.h>

/* Residuals of the triplet with J itself, and lengths */
static PetscErrorCode Triplet(Mat J, PetscReal sigma, Vec left, Vec right, const char what[])
{
  Vec       w;
  PetscReal norm;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(left, &w));
  PetscCall(VecNorm(left, NORM_2, &norm));
  DiniTestClose(norm, 1.0, 1e-12, 0.0, "length of the left vector");
  PetscCall(VecNorm(right, NORM_2, &norm));
  DiniTestClose(norm, 1.0, 1e-12, 0.0, "length of the right vector");
  PetscCall(MatMult(J, right, w));
  PetscCall(VecAXPY(w, -sigma, left));
  PetscCall(VecNorm(w, NORM_2, &norm));
  DiniTestTrue(norm <= 1e-6 * sigma + 1e-13, "%s: |J v - s u| = %g, s = %g", what, (double)norm, (double)sigma);
  PetscCall(MatMultHermitianTranspose(J, left, w));
  PetscCall(VecAXPY(w, -sigma, right));
  PetscCall(VecNorm(w, NORM_2, &norm));
  DiniTestTrue(norm <= 1e-6 * sigma + 1e-13, "%s: |J^H u - s v| = %g, s = %g", what, (double)norm, (double)sigma);
  PetscCall(VecDestroy(&w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Smallest and largest singular value of a small matrix on one rank, by LAPACK */
static PetscErrorCode Reference(Mat J, PetscReal *smin, PetscReal *smax)
{
  Mat         all, *sub, JtJ, dense;
  IS          rows;
  EPS         eps;
  PetscInt    N, n;
  PetscScalar value;

  PetscFunctionBeginUser;
  PetscCall(MatGetSize(J, &N, NULL));
  PetscCall(ISCreateStride(PETSC_COMM_SELF, N, 0, 1, &rows));
  PetscCall(MatCreateSubMatrices(J, 1, &rows, &rows, MAT_INITIAL_MATRIX, &sub));
  all = sub[0];
  PetscCall(MatConvert(all, MATDENSE, MAT_INITIAL_MATRIX, &dense));
  {
    Mat H;

    PetscCall(MatHermitianTranspose(dense, MAT_INITIAL_MATRIX, &H));
    PetscCall(MatMatMult(H, dense, MAT_INITIAL_MATRIX, PETSC_DEFAULT, &JtJ));
    PetscCall(MatDestroy(&H));
  }
  PetscCall(EPSCreate(PETSC_COMM_SELF, &eps));
  PetscCall(EPSSetOperators(eps, JtJ, NULL));
  PetscCall(EPSSetProblemType(eps, EPS_HEP));
  PetscCall(EPSSetType(eps, EPSLAPACK));
  PetscCall(EPSSetWhichEigenpairs(eps, EPS_SMALLEST_REAL));
  PetscCall(EPSSolve(eps));
  PetscCall(EPSGetConverged(eps, &n));
  PetscCall(EPSGetEigenvalue(eps, 0, &value, NULL));
  *smin = PetscSqrtReal(PetscRealPart(value));
  PetscCall(EPSGetEigenvalue(eps, n - 1, &value, NULL));
  *smax = PetscSqrtReal(PetscRealPart(value));
  PetscCall(EPSDestroy(&eps));
  PetscCall(MatDestroy(&JtJ));
  PetscCall(MatDestroy(&dense));
  PetscCall(MatDestroySubMatrices(1, &sub));
  PetscCall(ISDestroy(&rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Nonsymmetric, complex in complex builds */
static PetscErrorCode TestCubic(PetscInt N)
{
  Cubic          c;
  Vec            left, right;
  PetscReal      smin, smax, smin_ref = 0.0, smax_ref = 0.0;
  DiniStatistics before, after;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(N, DiniTestScalar(0.5, 0.3), &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERMATRIX));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(VecDuplicate(c.u, &left));
  PetscCall(VecDuplicate(c.u, &right));
  PetscCall(DiniComputeCondition(c.dini, &smin, &smax, left, right));
  PetscCall(CubicJacobian(&c, c.u, c.J));
  PetscCall(Reference(c.J, &smin_ref, &smax_ref));
  DiniTestClose(smin, smin_ref, 1e-7, 0.0, "smallest singular value");
  DiniTestClose(smax, smax_ref, 2e-3, 0.0, "largest singular value");
  PetscCall(Triplet(c.J, smin, left, right, "cubic"));
  PetscCall(DiniGetStatistics(c.dini, &before));
  PetscCall(DiniComputeCondition(c.dini, &smin, NULL, NULL, right));
  PetscCall(DiniGetStatistics(c.dini, &after));
  DiniTestCount(after.tangent_solves, before.tangent_solves, "tangent solves of a second call");
  DiniTestClose(smin, smin_ref, 1e-7, 0.0, "smallest singular value, again");
  PetscCall(VecDestroy(&left));
  PetscCall(VecDestroy(&right));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F = D u - m with D = diag(first, 2, 3, ...) and u = 0 at m = 0; a bidiagonal part makes it nonsymmetric */
typedef struct {
  Mat       J;
  Vec       u, m;
  Dini      dini;
  PetscReal first;
} Diagonal;

static PetscErrorCode DiagonalResidual(Dini dini, Vec u, Vec F, void *ctx)
{
  Diagonal *d = (Diagonal *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(MatMult(d->J, u, F));
  PetscCall(VecAXPY(F, -1.0, d->m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiagonalCreate(PetscInt N, PetscReal first, PetscBool upper, Diagonal *d)
{
  PetscInt lo, hi;

  PetscFunctionBeginUser;
  d->first = first;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, 2, NULL, 1, NULL, &d->J));
  PetscCall(MatGetOwnershipRange(d->J, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) {
    PetscCall(MatSetValue(d->J, i, i, i ? (PetscReal)(i + 1) : first, INSERT_VALUES));
    if (upper && i + 1 < N) PetscCall(MatSetValue(d->J, i, i + 1, DiniTestScalar(0.3, 0.4), INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(d->J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(d->J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatCreateVecs(d->J, &d->u, &d->m));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &d->dini));
  PetscCall(DiniSetType(d->dini, DINISHELL));
  PetscCall(DiniSetResidual(d->dini, DiagonalResidual, d));
  PetscCall(DiniSetJacobian(d->dini, d->J, d->J, NULL, NULL));
  PetscCall(DiniAddParameter(d->dini, "m", d->m, NULL));
  PetscCall(DiniSetParameterType(d->dini, 0, DINIPARAMETERRHS));
  PetscCall(DiniSetFromOptions(d->dini));
  PetscCall(DiniAttach(d->dini, d->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiagonalDestroy(Diagonal *d)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&d->dini));
  PetscCall(MatDestroy(&d->J));
  PetscCall(VecDestroy(&d->u));
  PetscCall(VecDestroy(&d->m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* 1, 2, ..., N but for the first: known values, and vectors e_0; down to the brink of what can be solved */
static PetscErrorCode TestDiagonal(PetscInt N, PetscReal first)
{
  Diagonal  d;
  Vec       left, right;
  PetscReal smin, smax;

  PetscFunctionBeginUser;
  PetscCall(DiagonalCreate(N, first, PETSC_FALSE, &d));
  PetscCall(VecDuplicate(d.u, &left));
  PetscCall(VecDuplicate(d.u, &right));
  PetscCall(DiniComputeCondition(d.dini, &smin, &smax, left, right));
  DiniTestClose(smin, PetscMin(first, N > 1 ? 2.0 : first), 1e-9, 0.0, "smallest entry");
  DiniTestClose(smax, PetscMax(first, N > 1 ? (PetscReal)N : first), 2e-3, 0.0, "largest entry");
  PetscCall(Triplet(d.J, smin, left, right, "diagonal"));
  PetscCall(VecDestroy(&left));
  PetscCall(VecDestroy(&right));
  PetscCall(DiagonalDestroy(&d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The option: a line after the linearization, a line in the view, and only one computation at a point */
static PetscErrorCode TestOption(void)
{
  const char     options[] = "-dini_condition";
  Diagonal       d;
  Vec            r, x;
  FILE          *before = PETSC_STDOUT;
  PetscViewer    viewer;
  DiniStatistics stats[2];
  char           text[16384];
  PetscMPIInt    rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(DiagonalCreate(6, 0.125, PETSC_TRUE, &d));
  PetscCall(DiniTestOptionsClear(options));
  PetscCall(DiniTestVec(d.u, 3, &r));
  PetscCall(VecDuplicate(r, &x));
  PETSC_STDOUT = tmpfile();
  PetscCall(DiniTangentSolve(d.dini, r, x));
  PetscCall(DiniGetStatistics(d.dini, &stats[0]));
  PetscCall(DiniAdjointSolve(d.dini, r, x));
  PetscCall(DiniGetStatistics(d.dini, &stats[1]));
  rewind(PETSC_STDOUT);
  PetscCall(PetscMemzero(text, sizeof(text)));
  (void)!fread(text, 1, sizeof(text) - 1, PETSC_STDOUT);
  fclose(PETSC_STDOUT);
  PETSC_STDOUT = before;
  PetscCallMPI(MPI_Bcast(text, sizeof(text), MPI_CHAR, 0, PETSC_COMM_WORLD));
  PetscCall(DiniTestTextHas(text, "Dini Jacobian: smallest singular value 0.12"));
  DiniTestCount(stats[1].tangent_solves, stats[0].tangent_solves, "tangent solves of an adjoint solve");
  DiniTestCount(stats[1].adjoint_solves, stats[0].adjoint_solves + 1, "adjoint solves of an adjoint solve");
  PetscCall(DiniTestTextOpen(&viewer));
  PetscCall(DiniView(d.dini, viewer));
  PetscCall(DiniTestTextClose(&viewer, text, sizeof(text)));
  PetscCall(DiniTestTextHas(text, "J at this point: smallest singular value 0.12"));
  PetscCall(VecDestroy(&r));
  PetscCall(VecDestroy(&x));
  PetscCall(DiagonalDestroy(&d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J is singular: no inverse iteration, no hang, a bound, and the reason in the error of the solve that fails */
static PetscErrorCode TestSingular(PetscInt N)
{
  const char          options[] = "-dini_condition";
  Diagonal            d;
  Vec                 r, x;
  FILE               *before = PETSC_STDOUT;
  DiniConvergedReason reason;

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(DiagonalCreate(N, 0.0, PETSC_FALSE, &d));
  PetscCall(DiniTestOptionsClear(options));
  PetscCall(DiniTestVec(d.u, 3, &r));
  PetscCall(VecDuplicate(r, &x));
  PETSC_STDOUT = tmpfile();
  DiniTestExpect(DiniTangentSolve(d.dini, r, x), PETSC_ERR_NOT_CONVERGED,
                 "near a bifurcation: smallest singular value at most");
  DiniTestExpect(DiniAdjointSolve(d.dini, r, x), PETSC_ERR_NOT_CONVERGED,
                 "near a bifurcation: smallest singular value at most");
  DiniTestExpect(DiniComputeCondition(d.dini, NULL, NULL, NULL, NULL), PETSC_ERR_NOT_CONVERGED, "it is at most");
  fclose(PETSC_STDOUT);
  PETSC_STDOUT = before;
  /* the same object after the matrix has been mended */
  PetscCall(DiniSetErrorIfNotConverged(d.dini, PETSC_TRUE));
  PetscCall(MatShift(d.J, 0.5));
  PetscCall(DiniAttach(d.dini, d.u));
  PETSC_STDOUT = tmpfile();
  PetscCall(DiniTangentSolve(d.dini, r, x));
  fclose(PETSC_STDOUT);
  PETSC_STDOUT = before;
  PetscCall(DiniGetConvergedReason(d.dini, &reason));
  DiniTestTrue(reason == DINI_CONVERGED_TANGENT, "reason %d after a tangent solve", (int)reason);
  {
    PetscReal smin;

    PetscCall(DiniComputeCondition(d.dini, &smin, NULL, NULL, NULL));
    DiniTestClose(smin, 0.5, 1e-8, 0.0, "smallest singular value of the mended matrix");
  }
  PetscCall(VecDestroy(&r));
  PetscCall(VecDestroy(&x));
  PetscCall(DiagonalDestroy(&d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The reason of what came before is not that of the solves within */
static PetscErrorCode TestReason(void)
{
  Diagonal            d;
  DiniConvergedReason reason;
  Vec                 wrong;

  PetscFunctionBeginUser;
  PetscCall(DiagonalCreate(5, 1.0, PETSC_TRUE, &d));
  PetscCall(DiniSetAdjointType(d.dini, DINI_ADJOINT_TRANSPOSE)); /* of no consequence */
  PetscCall(DiniComputeCondition(d.dini, NULL, NULL, NULL, NULL));
  PetscCall(DiniGetConvergedReason(d.dini, &reason));
  DiniTestTrue(reason == DINI_CONVERGED_ATTACHED, "reason %d after an attach", (int)reason);
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, PETSC_DECIDE, 7, &wrong));
  DiniTestExpect(DiniComputeCondition(d.dini, NULL, NULL, wrong, NULL), PETSC_ERR_ARG_SIZ, "The left singular vector");
  DiniTestExpect(DiniComputeCondition(d.dini, NULL, NULL, NULL, wrong), PETSC_ERR_ARG_SIZ, "The right singular vector");
  PetscCall(VecDestroy(&wrong));
  PetscCall(DiniReset(d.dini));
  DiniTestExpect(DiniComputeCondition(d.dini, NULL, NULL, NULL, NULL), PETSC_ERR_ORDER, "DiniSolve() or DiniAttach()");
  PetscCall(DiagonalDestroy(&d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help)); /* not SlepcInitialize(): the application need not know SLEPc */
  PetscCall(TestCubic(1));
  PetscCall(TestCubic(2));
  PetscCall(TestCubic(9));
  PetscCall(TestCubic(40));
  for (PetscInt N = 1; N <= 5; N += 2) {
    PetscCall(TestDiagonal(N, 0.5));
    PetscCall(TestDiagonal(N, 1e-6));
  }
  PetscCall(TestDiagonal(60, 1e-11));
  PetscCall(TestOption());
  PetscCall(TestReason());
  PetscCall(TestSingular(4));
  PetscCall(TestSingular(40));
  PetscCall(PetscFinalize());
  return 0;
}
