#include "dense.h"
#include "eigen.h"

PetscErrorCode DenseCreate(PetscInt M, PetscInt N, Dense *A)
{
  PetscFunctionBeginUser;
  A->M = M;
  A->N = N;
  PetscCall(PetscCalloc1(M * N, &A->a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DenseFill(PetscInt M, PetscInt N, DenseFn *entry, Dense *A)
{
  PetscFunctionBeginUser;
  PetscCall(DenseCreate(M, N, A));
  for (PetscInt j = 0; j < N; j++)
    for (PetscInt i = 0; i < M; i++) A->a[i + j * M] = entry(i, j, N);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DenseDestroy(Dense *A)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(A->a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DenseProduct(const Dense *A, const Dense *B, Dense *C)
{
  PetscFunctionBeginUser;
  PetscCall(DenseCreate(A->M, B->N, C));
  for (PetscInt j = 0; j < B->N; j++)
    for (PetscInt k = 0; k < A->N; k++)
      for (PetscInt i = 0; i < A->M; i++) C->a[i + j * C->M] += A->a[i + k * A->M] * B->a[k + j * B->M];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DenseSingularValues(const Dense *A, PetscReal **sigma)
{
  const PetscInt count = PetscMin(A->M, A->N);
  Mat            mat;
  SVD            svd;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(count, sigma));
  PetscCall(MatCreateSeqDense(PETSC_COMM_SELF, A->M, A->N, A->a, &mat));
  PetscCall(SVDCreate(PETSC_COMM_SELF, &svd));
  PetscCall(SVDSetOperators(svd, mat, NULL));
  PetscCall(SVDSetType(svd, SVDLAPACK));
  PetscCall(SVDSolve(svd));
  for (PetscInt i = 0; i < count; i++) PetscCall(SVDGetSingularTriplet(svd, i, &(*sigma)[i], NULL, NULL));
  PetscCall(SVDDestroy(&svd));
  PetscCall(MatDestroy(&mat));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Column j of A is what fn makes of the unit vector e_j */
static PetscErrorCode Columns(Vec e, Vec y, PetscErrorCode (*fn)(void *, Vec, Vec), void *ctx, Dense *A)
{
  PetscInt M, N;

  PetscFunctionBeginUser;
  PetscCall(VecGetSize(y, &M));
  PetscCall(VecGetSize(e, &N));
  PetscCall(DenseCreate(M, N, A));
  for (PetscInt j = 0; j < N; j++) {
    PetscScalar *column;

    PetscCall(VecSet(e, 0.0));
    PetscCall(ShiftEntry(e, j, 1.0));
    PetscCall(fn(ctx, e, y));
    PetscCall(GatherAll(y, &column));
    PetscCall(PetscArraycpy(&A->a[(size_t)(j * M)], column, M));
    PetscCall(PetscFree(column));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Reference(void *ctx, Vec x, Vec y)
{
  Mat *J = (Mat *)ctx;

  PetscFunctionBeginUser;
  PetscCall(DiniTestReferenceJVP(J[0], J[1], x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Product(void *ctx, Vec x, Vec y)
{
  PetscFunctionBeginUser;
  PetscCall(DiniJVP((Dini)ctx, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DenseDerivative(Mat J, Mat Fm, Dense *A)
{
  Mat both[2] = {J, Fm};
  Vec x, y;

  PetscFunctionBeginUser;
  PetscCall(MatCreateVecs(Fm, &x, &y));
  PetscCall(Columns(x, y, Reference, both, A));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DenseJVPs(Dini dini, Dense *A)
{
  Mat D;
  Vec x, y;

  PetscFunctionBeginUser;
  PetscCall(DiniGetDerivative(dini, &D));
  PetscCall(MatCreateVecs(D, &x, &y));
  PetscCall(Columns(x, y, Product, dini, A));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DenseMat(PetscInt m, PetscInt n, PetscInt M, PetscInt N, DenseFn *entry, Mat *A)
{
  PetscInt lo, hi;

  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, m, n, M, N, N, NULL, N, NULL, A));
  PetscCall(MatGetOwnershipRange(*A, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++)
    for (PetscInt j = 0; j < N; j++) {
      const PetscScalar a = entry(i, j, N);

      if (a != 0.0 || i == j) PetscCall(MatSetValue(*A, i, j, a, INSERT_VALUES));
    }
  PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The largest entries of A v - s u and of A^H u - s v, and how far the vectors are from length 1 */
static PetscReal Mismatch(const Dense *A, PetscReal s, const PetscScalar *u, const PetscScalar *v)
{
  PetscReal worst = 0.0, nu = 0.0, nv = 0.0;

  for (PetscInt i = 0; i < A->M; i++) {
    PetscScalar sum = -s * u[i];

    for (PetscInt j = 0; j < A->N; j++) sum += A->a[i + j * A->M] * v[j];
    worst = PetscMax(worst, PetscAbsScalar(sum));
    nu += PetscRealPart(PetscConj(u[i]) * u[i]);
  }
  for (PetscInt j = 0; j < A->N; j++) {
    PetscScalar sum = -s * v[j];

    for (PetscInt i = 0; i < A->M; i++) sum += PetscConj(A->a[i + j * A->M]) * u[i];
    worst = PetscMax(worst, PetscAbsScalar(sum));
    nv += PetscRealPart(PetscConj(v[j]) * v[j]);
  }
  return PetscMax(worst, s * PetscMax(PetscAbsReal(nu - 1.0), PetscAbsReal(nv - 1.0)));
}

PetscErrorCode DenseExpect(const Dense *A, SVD svd, PetscInt count, PetscReal rtol, const char what[])
{
  PetscReal *sigma;
  PetscInt   nconv;
  Mat        op;
  Vec        u, v;

  PetscFunctionBeginUser;
  PetscCall(DenseSingularValues(A, &sigma));
  PetscCall(SVDGetConverged(svd, &nconv));
  DiniTestTrue(nconv >= count, "%s: %" PetscInt_FMT " singular values, expected %" PetscInt_FMT, what, nconv, count);
  PetscCall(SVDGetOperators(svd, &op, NULL));
  PetscCall(MatCreateVecs(op, &v, &u));
  for (PetscInt i = 0; i < nconv; i++) {
    PetscScalar *ua, *va;
    PetscReal    s, off;

    PetscCall(SVDGetSingularTriplet(svd, i, &s, u, v));
    DiniTestClose(s, sigma[i], 0.0, rtol * sigma[0], what);
    PetscCall(GatherAll(u, &ua));
    PetscCall(GatherAll(v, &va));
    off = Mismatch(A, s, ua, va);
    DiniTestTrue(off <= rtol * sigma[0], "%s: triplet %" PetscInt_FMT " of value %g is off by %g", what, i, (double)s,
                 (double)off);
    PetscCall(PetscFree(ua));
    PetscCall(PetscFree(va));
  }
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&v));
  PetscCall(PetscFree(sigma));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SystemCreate(PetscInt N, DenseFn *entry, System *s)
{
  PetscInt p;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(s, sizeof(*s)));
  PetscCall(DenseMat(PETSC_DECIDE, PETSC_DECIDE, N, N, entry, &s->A));
  PetscCall(MatCreateVecs(s->A, &s->u, &s->b));
  PetscCall(DiniTestFill(s->b, 3));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &s->ksp));
  PetscCall(KSPSetOperators(s->ksp, s->A, s->A));
  PetscCall(KSPSetTolerances(s->ksp, 1e-13, PETSC_DEFAULT, PETSC_DEFAULT, 1000));
  PetscCall(KSPSetFromOptions(s->ksp));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &s->dini));
  PetscCall(DiniSetKSP(s->dini, s->ksp));
  PetscCall(DiniSetLinearSystem(s->dini, s->b, NULL, NULL));
  PetscCall(DiniAddParameter(s->dini, "b", s->b, &p));
  PetscCall(DiniSetTolerances(s->dini, 1e-12, 1e-12));
  PetscCall(DiniSetFromOptions(s->dini));
  PetscCall(DiniSolve(s->dini, s->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SystemDestroy(System *s)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&s->dini));
  PetscCall(KSPDestroy(&s->ksp));
  PetscCall(MatDestroy(&s->A));
  PetscCall(VecDestroy(&s->u));
  PetscCall(VecDestroy(&s->b));
  PetscFunctionReturn(PETSC_SUCCESS);
}
