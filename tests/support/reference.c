/* Derivatives by a second path: factorisations of copies of J that no other object sees. */
#include "dinitest.h"

/* Every rank gathers the whole of C and r, and solves for itself: no parallel solver is trusted. */
static PetscErrorCode FactorSolve(Mat C, Vec r, Vec x)
{
  Mat               *all;
  IS                 is;
  VecScatter         scatter;
  Vec                rs, xs;
  KSP                ksp;
  PC                 pc;
  const PetscScalar *from;
  PetscScalar       *to;
  PetscInt           N, lo, hi;

  PetscFunctionBeginUser;
  PetscCall(MatGetSize(C, &N, NULL));
  PetscCall(ISCreateStride(PETSC_COMM_SELF, N, 0, 1, &is));
  PetscCall(MatCreateSubMatrices(C, 1, &is, &is, MAT_INITIAL_MATRIX, &all));
  PetscCall(VecScatterCreateToAll(r, &scatter, &rs));
  PetscCall(VecScatterBegin(scatter, r, rs, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(scatter, r, rs, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecDuplicate(rs, &xs));
  PetscCall(KSPCreate(PETSC_COMM_SELF, &ksp));
  PetscCall(KSPSetOptionsPrefix(ksp, "dini_test_reference_"));
  PetscCall(KSPSetOperators(ksp, all[0], all[0]));
  PetscCall(KSPSetType(ksp, KSPGMRES)); /* a few steps refine the solution */
  PetscCall(KSPSetTolerances(ksp, 1e-14, 1e-300, PETSC_DEFAULT, 3));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCLU));
  PetscCall(KSPSolve(ksp, rs, xs));
  PetscCall(VecGetOwnershipRange(x, &lo, &hi));
  PetscCall(VecGetArrayRead(xs, &from));
  PetscCall(VecGetArray(x, &to));
  PetscCall(PetscArraycpy(to, from + lo, hi - lo));
  PetscCall(VecRestoreArray(x, &to));
  PetscCall(VecRestoreArrayRead(xs, &from));
  PetscCall(KSPDestroy(&ksp));
  PetscCall(VecDestroy(&xs));
  PetscCall(VecDestroy(&rs));
  PetscCall(VecScatterDestroy(&scatter));
  PetscCall(MatDestroySubMatrices(1, &all));
  PetscCall(ISDestroy(&is));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniTestDirectSolve(Mat J, PetscBool adjoint, Vec r, Vec x)
{
  Mat       C;
  Vec       s;
  PetscReal ns, nr;

  PetscFunctionBeginUser;
  if (adjoint) PetscCall(MatHermitianTranspose(J, MAT_INITIAL_MATRIX, &C));
  else PetscCall(MatDuplicate(J, MAT_COPY_VALUES, &C));
  PetscCall(FactorSolve(C, r, x));
  PetscCall(VecDuplicate(r, &s));
  PetscCall(MatMult(C, x, s));
  PetscCall(VecAXPY(s, -1.0, r));
  PetscCall(VecNorm(s, NORM_2, &ns));
  PetscCall(VecNorm(r, NORM_2, &nr));
  DiniTestTrue(ns <= 1e-11 * nr, "The reference solve itself is off by %g", (double)(ns / nr));
  PetscCall(VecDestroy(&s));
  PetscCall(MatDestroy(&C));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniTestReferenceJVP(Mat J, Mat Fm, Vec dm, Vec du)
{
  Vec r;

  PetscFunctionBeginUser;
  PetscCall(MatCreateVecs(Fm, NULL, &r));
  PetscCall(MatMult(Fm, dm, r));
  PetscCall(VecScale(r, -1.0));
  PetscCall(DiniTestDirectSolve(J, PETSC_FALSE, r, du));
  PetscCall(VecDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniTestReferenceVJP(Mat J, Mat Fm, Vec ubar, Vec mbar)
{
  Vec lambda;

  PetscFunctionBeginUser;
  PetscCall(MatCreateVecs(Fm, NULL, &lambda));
  PetscCall(DiniTestDirectSolve(J, PETSC_TRUE, ubar, lambda));
  PetscCall(MatMultHermitianTranspose(Fm, lambda, mbar));
  PetscCall(VecScale(mbar, -1.0));
  PetscCall(VecDestroy(&lambda));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The largest error and the largest entry of the rows of this rank; all[k] is the whole of r_k */
static PetscErrorCode OuterRows(Mat A, PetscInt n, const Vec l[], const Vec all[], PetscBool plain, PetscReal size[2],
                                PetscInt *entries)
{
  PetscInt           lo, hi, count;
  const PetscInt    *columns;
  const PetscScalar *values, *left, *right;

  PetscFunctionBeginUser;
  *entries = 0;
  PetscCall(MatGetOwnershipRange(A, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) {
    PetscCall(MatGetRow(A, i, &count, &columns, &values));
    for (PetscInt c = 0; c < count; c++) {
      PetscScalar expected = 0.0;

      for (PetscInt k = 0; k < n; k++) {
        PetscCall(VecGetArrayRead(l[k], &left));
        PetscCall(VecGetArrayRead(all[k], &right));
        expected -= left[i - lo] * PetscConj(right[columns[c]]);
        PetscCall(VecRestoreArrayRead(all[k], &right));
        PetscCall(VecRestoreArrayRead(l[k], &left));
      }
      if (plain) expected = PetscConj(expected);
      size[0] = PetscMax(size[0], PetscAbsScalar(values[c] - expected));
      if (values[c] != values[c]) size[0] = PETSC_MAX_REAL;
      size[1] = PetscMax(size[1], PetscAbsScalar(expected));
    }
    *entries += count;
    PetscCall(MatRestoreRow(A, i, &count, &columns, &values));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniTestOuter(Mat A, PetscInt n, const Vec l[], const Vec r[], PetscBool plain, PetscInt entries,
                             PetscReal rtol, const char what[])
{
  VecScatter scatter;
  Vec       *all;
  PetscReal  size[2] = {0.0, 0.0};
  PetscInt   count;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, &all));
  for (PetscInt k = 0; k < n; k++) {
    PetscCall(VecScatterCreateToAll(r[k], &scatter, &all[k]));
    PetscCall(VecScatterBegin(scatter, r[k], all[k], INSERT_VALUES, SCATTER_FORWARD));
    PetscCall(VecScatterEnd(scatter, r[k], all[k], INSERT_VALUES, SCATTER_FORWARD));
    PetscCall(VecScatterDestroy(&scatter));
  }
  PetscCall(OuterRows(A, n, l, all, plain, size, &count));
  for (PetscInt k = 0; k < n; k++) PetscCall(VecDestroy(&all[k]));
  PetscCall(PetscFree(all));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, size, 2, MPIU_REAL, MPIU_MAX, PETSC_COMM_WORLD));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &count, 1, MPIU_INT, MPI_SUM, PETSC_COMM_WORLD));
  if (entries >= 0) DiniTestCount(count, entries, what);
  DiniTestTrue(size[1] > 0.0, "%s: no entries, or all zero", what);
  DiniTestTrue(size[0] <= rtol * size[1], "%s: an entry is off by %g where the largest is %g", what, (double)size[0],
               (double)size[1]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniTestDotProduct(Dini dini, PetscReal rtol)
{
  Vec         u, dm, mbar, du, ubar;
  PetscScalar forward, adjoint;
  PetscReal   size, other;

  PetscFunctionBeginUser;
  PetscCall(DiniGetSolution(dini, &u));
  PetscCall(DiniCreateParameterVec(dini, &dm));
  PetscCall(DiniTestFill(dm, 101));
  PetscCall(VecDuplicate(dm, &mbar));
  PetscCall(DiniTestVec(u, 202, &ubar));
  PetscCall(VecDuplicate(u, &du));
  PetscCall(DiniJVP(dini, dm, du));
  PetscCall(DiniVJP(dini, ubar, mbar));
  PetscCall(VecDot(du, ubar, &forward)); /* ubar^H du */
  PetscCall(VecDot(dm, mbar, &adjoint)); /* mbar^H dm */
  PetscCall(VecNorm(du, NORM_2, &size));
  PetscCall(VecNorm(ubar, NORM_2, &other));
  DiniTestTrue(PetscAbsScalar(forward) > 1e-6 * size * other, "Dot product: the directions are orthogonal by accident");
  DiniTestClose(PetscRealPart(forward), PetscRealPart(adjoint), 0.0, rtol * size * other, "dot product, real part");
  DiniTestClose(PetscImaginaryPart(forward), PetscImaginaryPart(adjoint), 0.0, rtol * size * other,
                "dot product, imaginary part");
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&ubar));
  PetscFunctionReturn(PETSC_SUCCESS);
}
