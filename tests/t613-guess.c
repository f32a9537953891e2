static char help[] =
    "Columns solved one after the other by plain iteration: a guess from those before that is good in the norm has entries that are\n\
still zero.\n";

#include "support/fixedmap.h"

#define FAINT 1e-13 /* what the second column has beside the first: below what its norm is solved to */

static PetscErrorCode SetColumn(Mat A, PetscInt j, Vec v)
{
  Vec column;

  PetscFunctionBeginUser;
  PetscCall(MatDenseGetColumnVecWrite(A, j, &column));
  PetscCall(VecCopy(v, column));
  PetscCall(MatDenseRestoreColumnVecWrite(A, j, &column));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Each entry in its own units: the map couples none of the first half of the planes to the others */
static PetscErrorCode Expect(Vec found, Vec expected, const char what[])
{
  const PetscScalar *a, *b;
  PetscInt           n;
  PetscReal          worst = 0.0;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(found, &n));
  PetscCall(VecGetArrayRead(found, &a));
  PetscCall(VecGetArrayRead(expected, &b));
  for (PetscInt i = 0; i < n; i++)
    if (PetscAbsScalar(b[i]) > 0.0) worst = PetscMax(worst, PetscAbsScalar(a[i] - b[i]) / PetscAbsScalar(b[i]));
  PetscCall(VecRestoreArrayRead(expected, &b));
  PetscCall(VecRestoreArrayRead(found, &a));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &worst, 1, MPIU_REAL, MPIU_MAX, PETSC_COMM_WORLD));
  DiniTestTrue(worst < 1e-2, "%s: an entry is off by a relative %g", what, (double)worst);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestFaint(PetscBool tangent)
{
  FixedMap f;
  Vec      first, second, found, expected;
  Mat      in, out;
  PetscInt lo, hi, n, N;

  PetscFunctionBeginUser;
  PetscCall(FixedMapCreate(12, FIXEDMAP_ROTATION, 0.1, 0.0, &f));
  PetscCall(FixedMapDini(&f, DINI_FIXEDPOINT_MATRIX));
  PetscCall(DiniSetFixedPointMethod(f.dini, DINI_FIXEDPOINT_ITERATE));
  PetscCall(DiniSolve(f.dini, f.u));
  PetscCall(VecDuplicate(f.u, &first));
  PetscCall(VecDuplicate(f.u, &second));
  PetscCall(VecDuplicate(f.u, &found));
  PetscCall(VecDuplicate(f.u, &expected));
  PetscCall(VecGetOwnershipRange(f.u, &lo, &hi));
  PetscCall(VecGetSize(f.u, &N));
  PetscCall(VecGetLocalSize(f.u, &n));
  for (PetscInt i = lo; i < hi; i++) {
    PetscCall(VecSetValue(first, i, i < N / 2 ? 1.0 : 0.0, INSERT_VALUES));
    PetscCall(VecSetValue(second, i, i < N / 2 ? 1.0 : FAINT, INSERT_VALUES));
  }
  PetscCall(VecAssemblyBegin(first));
  PetscCall(VecAssemblyEnd(first));
  PetscCall(VecAssemblyBegin(second));
  PetscCall(VecAssemblyEnd(second));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, n, PETSC_DECIDE, N, 2, NULL, &in));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, n, PETSC_DECIDE, N, 2, NULL, &out));
  PetscCall(SetColumn(in, 0, first));
  PetscCall(SetColumn(in, 1, second));
  PetscCall(MatAssemblyBegin(in, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(in, MAT_FINAL_ASSEMBLY));
  PetscCall(MatZeroEntries(out));
  if (tangent) PetscCall(DiniMatJVP(f.dini, in, out));
  else PetscCall(DiniMatVJP(f.dini, in, out));
  for (PetscInt j = 0; j < 2; j++) {
    Vec b = j ? second : first;

    PetscCall(MatGetColumnVector(out, found, j));
    PetscCall(FixedMapReference(&f, tangent ? b : first, tangent ? expected : found, tangent ? first : b,
                                tangent ? found : expected));
    PetscCall(MatGetColumnVector(out, found, j));
    PetscCall(Expect(found, expected, tangent ? "a tangent" : "a gradient"));
  }
  PetscCall(MatDestroy(&in));
  PetscCall(MatDestroy(&out));
  PetscCall(VecDestroy(&first));
  PetscCall(VecDestroy(&second));
  PetscCall(VecDestroy(&found));
  PetscCall(VecDestroy(&expected));
  PetscCall(FixedMapDestroy(&f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestFaint(PETSC_TRUE));
  PetscCall(TestFaint(PETSC_FALSE));
  PetscCall(PetscFinalize());
  return 0;
}
