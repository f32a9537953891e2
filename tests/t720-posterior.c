static char help[] =
    "The posterior of independent parameters: eigenvalues, variances, samples, gain in information in closed form.\n";

#include "support/fixtures.h"
#include <dinislepc.h>

/*
  u + u^3 = m on every row, so du/dm = 1/J with J = 1 + 3 u^2. The objective is 1/2 sum_i w_i |u_i - d|^2, and with the prior
  inside 1/2 sum_i r_i |m_i|^2 too. Gauss-Newton: lambda_i = w_i/(|J_i|^2 r_i), variance 1/(r_i (1 + lambda_i)).
*/
typedef struct {
  Cubic     cubic;
  Vec       w, r, lambda; /* the closed form of the eigenvalues, by row */
  PetscReal s;            /* the negative log posterior is so many times the objective */
  PetscBool inside;
} Rows;

static PetscErrorCode Value(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  Rows       *rows = (Rows *)ctx;
  Vec         a, b;
  PetscScalar square;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecDuplicate(u, &a));
  PetscCall(VecDuplicate(u, &b));
  PetscCall(VecCopy(u, a));
  PetscCall(VecShift(a, -0.5));
  PetscCall(VecPointwiseMult(b, rows->w, a));
  PetscCall(VecDot(b, a, &square));
  *value = 0.5 * PetscRealPart(square);
  if (rows->inside) {
    PetscCall(VecPointwiseMult(b, rows->r, rows->cubic.m));
    PetscCall(VecDot(b, rows->cubic.m, &square));
    *value += 0.5 * PetscRealPart(square) / rows->s;
  }
  PetscCall(VecDestroy(&a));
  PetscCall(VecDestroy(&b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  Rows *rows = (Rows *)ctx;
  Vec   part;

  PetscFunctionBeginUser;
  PetscCall(VecCopy(u, dJdu));
  PetscCall(VecShift(dJdu, -0.5));
  PetscCall(VecPointwiseMult(dJdu, rows->w, dJdu));
  if (rows->inside) {
    PetscCall(DiniGetParameterSubVec(dini, dJdm, 0, &part));
    PetscCall(VecPointwiseMult(part, rows->r, rows->cubic.m));
    PetscCall(VecScale(part, 1.0 / rows->s));
    PetscCall(DiniRestoreParameterSubVec(dini, dJdm, 0, &part));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Precisions fall by row as 2^-i, from s w = 40: half of the eigenvalues are below the threshold where N is 20 */
static PetscErrorCode RowsCreate(PetscInt N, PetscReal s, PetscBool whitened, PetscBool inside, Rows *rows)
{
  PetscInt           lo, hi;
  PetscScalar       *w, *r, *m, *l;
  const PetscScalar *u;
  Vec                mflat;
  PetscReal          value;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(N, 0.0, &rows->cubic));
  PetscCall(CubicDini(&rows->cubic, DINISNES, DINIPARAMETERMATRIX));
  rows->s      = s;
  rows->inside = inside;
  PetscCall(VecDuplicate(rows->cubic.m, &rows->w));
  PetscCall(VecDuplicate(rows->cubic.m, &rows->r));
  PetscCall(VecDuplicate(rows->cubic.m, &rows->lambda));
  PetscCall(VecGetOwnershipRange(rows->w, &lo, &hi));
  PetscCall(VecGetArray(rows->w, &w));
  PetscCall(VecGetArray(rows->r, &r));
  PetscCall(VecGetArray(rows->cubic.m, &m));
  for (PetscInt i = lo; i < hi; i++) {
    w[i - lo] = 40.0 / s * PetscPowReal(2.0, -(PetscReal)((3 * i) % N));
    r[i - lo] = whitened ? 1.0 : 1.0 + 0.5 * PetscSinReal((PetscReal)i);
    m[i - lo] = DiniTestScalar(0.2 + 0.1 * (PetscReal)(i % 3), 0.1);
  }
  PetscCall(VecRestoreArray(rows->w, &w));
  PetscCall(VecRestoreArray(rows->r, &r));
  PetscCall(VecRestoreArray(rows->cubic.m, &m));
  PetscCall(DiniSetState(rows->cubic.dini, rows->cubic.u));
  PetscCall(DiniSetObjective(rows->cubic.dini, Value, Gradient, rows));
  PetscCall(DiniSetHessianType(rows->cubic.dini, DINI_HESSIAN_GAUSS_NEWTON));
  PetscCall(DiniCreateParameterVec(rows->cubic.dini, &mflat));
  PetscCall(DiniComputeObjective(rows->cubic.dini, mflat, &value));
  PetscCall(VecDestroy(&mflat));
  PetscCall(VecGetArrayRead(rows->w, (const PetscScalar **)&w));
  PetscCall(VecGetArrayRead(rows->r, (const PetscScalar **)&r));
  PetscCall(VecGetArrayRead(rows->cubic.u, &u));
  PetscCall(VecGetArray(rows->lambda, &l));
  for (PetscInt i = 0; i < hi - lo; i++) {
    const PetscScalar J = 1.0 + 3.0 * u[i] * u[i];

    l[i] = s * w[i] / (r[i] * PetscSqr(PetscAbsScalar(J)));
  }
  PetscCall(VecRestoreArray(rows->lambda, &l));
  PetscCall(VecRestoreArrayRead(rows->w, (const PetscScalar **)&w));
  PetscCall(VecRestoreArrayRead(rows->r, (const PetscScalar **)&r));
  PetscCall(VecRestoreArrayRead(rows->cubic.u, &u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RowsDestroy(Rows *rows)
{
  PetscFunctionBeginUser;
  PetscCall(VecDestroy(&rows->w));
  PetscCall(VecDestroy(&rows->r));
  PetscCall(VecDestroy(&rows->lambda));
  PetscCall(CubicDestroy(&rows->cubic));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Diagonal(Vec d, PetscReal power, Mat *A)
{
  PetscInt n, N;
  Vec      v;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(d, &n));
  PetscCall(VecGetSize(d, &N));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, n, n, N, N, 1, NULL, 0, NULL, A));
  PetscCall(MatSetUp(*A));
  PetscCall(VecDuplicate(d, &v));
  PetscCall(VecCopy(d, v));
  PetscCall(VecPow(v, power));
  PetscCall(MatDiagonalSet(*A, v, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(VecDestroy(&v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Prior(Rows *rows, DiniPosterior post, PetscBool whitened)
{
  Mat R, S;

  PetscFunctionBeginUser;
  if (whitened) {
    PetscCall(DiniPosteriorSetPrior(post, NULL, rows->inside));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(Diagonal(rows->r, 1.0, &R));
  PetscCall(Diagonal(rows->r, -0.5, &S));
  PetscCall(DiniPosteriorSetPrior(post, R, rows->inside));
  PetscCall(DiniPosteriorSetPriorRoot(post, S));
  PetscCall(MatDestroy(&R));
  PetscCall(MatDestroy(&S));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The closed form, largest first, on every rank; how many are at least the threshold */
static PetscErrorCode Sorted(Rows *rows, PetscReal threshold, PetscReal **sorted, PetscInt *large)
{
  Vec                all;
  VecScatter         scatter;
  const PetscScalar *l;
  PetscInt           N;

  PetscFunctionBeginUser;
  PetscCall(VecScatterCreateToAll(rows->lambda, &scatter, &all));
  PetscCall(VecScatterBegin(scatter, rows->lambda, all, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(scatter, rows->lambda, all, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecGetSize(all, &N));
  PetscCall(PetscMalloc1(N, sorted));
  PetscCall(VecGetArrayRead(all, &l));
  for (PetscInt i = 0; i < N; i++) (*sorted)[i] = -PetscRealPart(l[i]);
  PetscCall(VecRestoreArrayRead(all, &l));
  PetscCall(PetscSortReal(N, *sorted));
  for (PetscInt i = 0; i < N; i++) (*sorted)[i] = -(*sorted)[i];
  for (*large = 0; *large < N && (*sorted)[*large] >= threshold;) (*large)++;
  PetscCall(VecScatterDestroy(&scatter));
  PetscCall(VecDestroy(&all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* 1/(r (1 + lambda)) by row, lambda below the threshold left out */
static PetscErrorCode Variances(Rows *rows, PetscReal threshold, Vec v)
{
  const PetscScalar *r, *l;
  PetscScalar       *a;
  PetscInt           n;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(v, &n));
  PetscCall(VecGetArrayRead(rows->r, &r));
  PetscCall(VecGetArrayRead(rows->lambda, &l));
  PetscCall(VecGetArray(v, &a));
  for (PetscInt i = 0; i < n; i++) a[i] = 1.0 / (r[i] * (1.0 + (PetscRealPart(l[i]) < threshold ? 0.0 : l[i])));
  PetscCall(VecRestoreArray(v, &a));
  PetscCall(VecRestoreArrayRead(rows->r, &r));
  PetscCall(VecRestoreArrayRead(rows->lambda, &l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A sample is the prior's sample of the same number, with each row scaled by (1 + lambda)^{-1/2} */
static PetscErrorCode Samples(DiniPosterior post, Vec variance)
{
  Vec       x, y, s;
  PetscReal size, sum = 0.0, squares = 0.0;
  PetscInt  N;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(variance, &x));
  PetscCall(VecDuplicate(variance, &y));
  PetscCall(VecDuplicate(variance, &s));
  PetscCall(VecGetSize(x, &N));
  PetscCall(VecCopy(variance, s)); /* y = sqrt(variance) z with z the sample over its standard deviation */
  PetscCall(VecSqrtAbs(s));
  for (PetscInt number = 0; number < 400 / N; number++) {
    PetscScalar total;

    PetscCall(DiniPosteriorSample(post, number, x));
    PetscCall(VecPointwiseDivide(y, x, s));
    PetscCall(VecSum(y, &total));
    PetscCall(VecNorm(y, NORM_2, &size));
    sum += PetscRealPart(total), squares += size * size;
  }
  N *= 400 / N; /* 400 numbers or so */
  DiniTestClose(sum / (PetscReal)N, 0.0, 0.0, 0.15, "mean of standardised samples");
  DiniTestClose(squares / (PetscReal)N, 1.0, 0.0, 0.25, "variance of standardised samples");
  PetscCall(DiniPosteriorSample(post, 3, x));
  PetscCall(DiniPosteriorSample(post, 3, y));
  PetscCall(DiniTestVecsClose(x, y, 0.0, "samples of one number"));
  PetscCall(DiniPosteriorSample(post, 4, y));
  PetscCall(DiniTestVecsDiffer(x, y, 0.1, "samples of two numbers"));
  PetscCall(VecPointwiseDivide(y, x, s));
  PetscCall(DiniPosteriorSetScale(post, 1e-12)); /* no data: the prior's */
  PetscCall(DiniPosteriorSetPrior(post, NULL, PETSC_FALSE));
  PetscCall(DiniPosteriorSetPriorRoot(post, NULL));
  PetscCall(DiniPosteriorSolve(post));
  PetscCall(DiniPosteriorSample(post, 3, x));
  PetscCall(DiniTestVecsClose(x, y, 1e-6, "a standardised sample and its z"));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&y));
  PetscCall(VecDestroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gain(DiniPosterior post, const PetscReal sorted[], PetscInt large, Vec r)
{
  PetscReal   gain, expected, logs = 0.0, trace = 0.0;
  Vec         shift, work;
  PetscScalar square;

  PetscFunctionBeginUser;
  for (PetscInt j = 0; j < large; j++) logs += PetscLogReal(1.0 + sorted[j]), trace += sorted[j] / (1.0 + sorted[j]);
  PetscCall(DiniPosteriorGetInformationGain(post, NULL, &gain, &expected));
  DiniTestClose(gain, 0.5 * (logs - trace), 1e-6, 1e-12, "gain in information");
  DiniTestClose(expected, 0.5 * logs, 1e-6, 1e-12, "expected gain in information");
  PetscCall(DiniTestVec(r, 7, &shift));
  PetscCall(VecDuplicate(shift, &work));
  PetscCall(VecPointwiseMult(work, r, shift));
  PetscCall(VecDot(work, shift, &square));
  PetscCall(DiniPosteriorGetInformationGain(post, shift, &gain, NULL));
  DiniTestClose(gain, 0.5 * (logs - trace + PetscRealPart(square)), 1e-6, 1e-12, "gain in information with a shift");
  PetscCall(VecDestroy(&shift));
  PetscCall(VecDestroy(&work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Test(PetscInt N, PetscReal s, PetscBool whitened, PetscBool inside, DiniPosteriorMethod method)
{
  const PetscReal  threshold = 0.01;
  Rows             rows;
  DiniPosterior    post;
  PetscReal       *sorted, cut;
  const PetscReal *lambda;
  PetscInt         large, n;
  Vec              variance, expected, v, Rv;
  PetscScalar      dot;

  PetscFunctionBeginUser;
  PetscCall(RowsCreate(N, s, whitened, inside, &rows));
  PetscCall(DiniPosteriorCreate(rows.cubic.dini, &post));
  PetscCall(DiniPosteriorSetMethod(post, method));
  PetscCall(DiniPosteriorSetScale(post, s));
  PetscCall(DiniPosteriorSetTolerance(post, 1e-7, 40));
  PetscCall(Prior(&rows, post, whitened));
  PetscCall(DiniPosteriorSetFromOptions(post));
  PetscCall(DiniPosteriorSolve(post));
  PetscCall(Sorted(&rows, threshold, &sorted, &large));
  PetscCall(DiniPosteriorGetEigenvalues(post, &n, &lambda, &cut));
  DiniTestCount(n, large, "eigenvalues above the threshold");
  for (PetscInt j = 0; j < n; j++) DiniTestClose(lambda[j], sorted[j], 1e-6, 0.0, "eigenvalue");
  DiniTestClose(cut, large < N ? sorted[large] : 0.0, 1e-2, 1e-12, "the largest left out");

  PetscCall(VecDuplicate(rows.r, &variance));
  PetscCall(VecDuplicate(rows.r, &expected));
  PetscCall(VecDuplicate(rows.r, &v));
  PetscCall(VecDuplicate(rows.r, &Rv));
  PetscCall(Variances(&rows, threshold, expected));
  PetscCall(DiniPosteriorGetVariance(post, NULL, NULL, variance));
  PetscCall(DiniTestVecsClose(variance, expected, 1e-6, "variances and their closed form"));
  PetscCall(VecCopy(rows.r, v));
  PetscCall(VecReciprocal(v));
  PetscCall(VecSet(variance, 0.0));
  PetscCall(DiniPosteriorGetVariance(post, NULL, v, variance));
  PetscCall(DiniTestVecsClose(variance, expected, 1e-6, "variances from those of the prior"));
  for (PetscInt j = 0; j < PetscMin(n, 3); j++) {
    PetscCall(DiniPosteriorGetEigenvector(post, j, v));
    PetscCall(VecPointwiseMult(Rv, rows.r, v));
    PetscCall(VecDot(Rv, v, &dot));
    DiniTestClose(PetscRealPart(dot), 1.0, 1e-10, 0.0, "length of an eigenvector in the precision");
  }
  PetscCall(Gain(post, sorted, large, rows.r));
  PetscCall(Samples(post, expected));
  PetscCall(PetscFree(sorted));
  PetscCall(VecDestroy(&variance));
  PetscCall(VecDestroy(&expected));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&Rv));
  PetscCall(DiniPosteriorDestroy(&post));
  PetscCall(RowsDestroy(&rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Eigenvalues that are shared by many vectors: each copy counts, and a Krylov method is shown one of them */
static PetscErrorCode TestCopies(DiniPosteriorMethod method)
{
  const PetscInt   N = 90;
  Rows             rows;
  DiniPosterior    post;
  const PetscReal *lambda;
  PetscInt         lo, hi, n;
  PetscReal        value, u;
  Vec              m;

  PetscFunctionBeginUser;
  PetscCall(RowsCreate(N, 1.0, PETSC_TRUE, PETSC_FALSE, &rows));
  PetscCall(DiniCreateParameterVec(rows.cubic.dini, &m));
  PetscCall(VecSet(m, 2.0)); /* u = 1, J = 4 */
  PetscCall(VecGetOwnershipRange(rows.w, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++)
    PetscCall(VecSetValue(rows.w, i, i % 9 == 0 ? 160.0 : i % 9 == 1 ? 32.0 : i % 9 == 2 ? 1.6 : 0.0, INSERT_VALUES));
  PetscCall(VecAssemblyBegin(rows.w));
  PetscCall(VecAssemblyEnd(rows.w));
  PetscCall(DiniComputeObjective(rows.cubic.dini, m, &u));
  PetscCall(DiniPosteriorCreate(rows.cubic.dini, &post));
  PetscCall(DiniPosteriorSetMethod(post, method));
  PetscCall(DiniPosteriorSolve(post));
  PetscCall(DiniPosteriorGetEigenvalues(post, &n, &lambda, NULL));
  DiniTestCount(n, 30, "eigenvalues with their copies");
  for (PetscInt j = 0; j < n; j++) {
    value = j < 10 ? 10.0 : j < 20 ? 2.0 : 0.1;
    DiniTestClose(lambda[j], value, 1e-4, 0.0, "eigenvalue with copies");
  }
  PetscCall(VecDestroy(&m));
  PetscCall(DiniPosteriorDestroy(&post));
  PetscCall(RowsDestroy(&rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (int method = 0; method < 2; method++) {
    PetscCall(TestCopies((DiniPosteriorMethod)method));
    PetscCall(Test(1, 1.0, PETSC_TRUE, PETSC_FALSE, (DiniPosteriorMethod)method));
    PetscCall(Test(2, 1.0, PETSC_FALSE, PETSC_TRUE, (DiniPosteriorMethod)method));
    PetscCall(Test(7, 3.0, PETSC_FALSE, PETSC_FALSE, (DiniPosteriorMethod)method));
    PetscCall(Test(20, 1.0, PETSC_TRUE, PETSC_TRUE, (DiniPosteriorMethod)method));
    PetscCall(Test(46, 2.0, PETSC_FALSE, PETSC_TRUE, (DiniPosteriorMethod)method));
    PetscCall(Test(52, 5.0, PETSC_TRUE, PETSC_FALSE, (DiniPosteriorMethod)method));
  }
  PetscCall(PetscFinalize());
  return 0;
}
