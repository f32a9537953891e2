static char help[] = "Singular values of du/dm, of observables and of scaled parameters: closed forms and LAPACK.\n";

#include "support/dense.h"
#include "support/eigen.h"

static const char *const types[] = {SVDTRLANCZOS, SVDLANCZOS, SVDCROSS, SVDCYCLIC, SVDRANDOMIZED};

/* an SVD of count values, solved and verified */
static PetscErrorCode Solve(Dini dini, Mat B, Mat S, SVDType type, PetscInt count, PetscReal tol, PetscInt *nonzero,
                            SVD *svd)
{
  PetscFunctionBeginUser;
  PetscCall(DiniCreateSVD(dini, B, S, svd));
  PetscCall(SVDSetType(*svd, type));
  PetscCall(SVDSetDimensions(*svd, count, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(SVDSetTolerances(*svd, tol, 1000));
  PetscCall(SVDSetFromOptions(*svd));
  PetscCall(DiniSVDSolve(*svd, nonzero));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscScalar Laplacian(PetscInt i, PetscInt j, PetscInt N)
{
  (void)N;
  return i == j ? 2.0 : PetscAbsInt(i - j) == 1 ? -1.0 : 0.0;
}

/* du/db = A^{-1} of the string: values 1/(2 - 2 cos t_k), t_k = (k + 1) pi/(N + 1), and both vectors sin(i t_k) */
static PetscErrorCode TestLaplacian(PetscInt N, SVDType type)
{
  System   s;
  SVD      svd;
  Vec      u, v, sine;
  PetscInt lo, hi, nonzero;

  PetscFunctionBeginUser;
  PetscCall(SystemCreate(N, Laplacian, &s));
  PetscCall(Solve(s.dini, NULL, NULL, type, N, 1e-9, &nonzero, &svd));
  DiniTestCount(nonzero, N, "singular values of an inverse that are not zero");
  PetscCall(VecDuplicate(s.u, &u));
  PetscCall(VecDuplicate(s.u, &v));
  PetscCall(VecDuplicate(s.u, &sine));
  PetscCall(VecGetOwnershipRange(sine, &lo, &hi));
  for (PetscInt k = 0; k < N; k++) {
    const PetscReal t = (PetscReal)(k + 1) * PETSC_PI / (PetscReal)(N + 1);
    PetscReal       sigma;
    PetscScalar     phase;

    PetscCall(SVDGetSingularTriplet(svd, k, &sigma, u, v));
    DiniTestClose(sigma, 1.0 / (2.0 - 2.0 * PetscCosReal(t)), 1e-7, 0.0, "singular value of the string");
    for (PetscInt i = lo; i < hi; i++)
      PetscCall(VecSetValue(sine, i, PetscSinReal((PetscReal)(i + 1) * t), INSERT_VALUES));
    PetscCall(VecAssemblyBegin(sine));
    PetscCall(VecAssemblyEnd(sine));
    PetscCall(VecNormalize(sine, NULL));
    PetscCall(VecDot(v, sine, &phase)); /* one phase for both: A v = s u with A positive */
    PetscCall(VecScale(sine, phase));
    PetscCall(DiniTestVecsClose(v, sine, 1e-6, "right vector of the string"));
    PetscCall(DiniTestVecsClose(u, sine, 1e-6, "left vector of the string"));
  }
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&sine));
  PetscCall(SVDDestroy(&svd));
  PetscCall(SystemDestroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* 1, 2, 3, ... with phases: singular values 1, 1/2, 1/3, ... at unit vectors */
static PetscScalar Phases(PetscInt i, PetscInt j, PetscInt N)
{
  const PetscScalar turn = DiniTestScalar(1.0, 2.0); /* of length sqrt(5) in complex builds */

  (void)N;
  if (i != j) return 0.0;
  return i % 2 ? (PetscReal)(i + 1) * turn / PetscAbsScalar(turn) : -(PetscReal)(i + 1);
}

static PetscScalar Skewed(PetscInt i, PetscInt j, PetscInt N)
{
  (void)N;
  if (i == j) return DiniTestScalar(3.0 + 0.2 * (PetscReal)i, 0.5);
  return j == i + 1 ? DiniTestScalar(1.5, -0.8) : i == j + 1 ? DiniTestScalar(-0.4, 0.3) : 0.0;
}

static PetscErrorCode TestSystem(PetscInt N, DenseFn *entry, SVDType type)
{
  System   s;
  SVD      svd;
  Mat      minus;
  Dense    A;
  PetscInt nonzero;

  PetscFunctionBeginUser;
  PetscCall(SystemCreate(N, entry, &s));
  PetscCall(MatDuplicate(s.A, MAT_COPY_VALUES, &minus)); /* F = A u - b */
  PetscCall(MatZeroEntries(minus));
  PetscCall(MatShift(minus, -1.0));
  PetscCall(DenseDerivative(s.A, minus, &A));
  PetscCall(Solve(s.dini, NULL, NULL, type, N, 1e-9, &nonzero, &svd));
  DiniTestCount(nonzero, N, "singular values of an inverse");
  PetscCall(DenseExpect(&A, svd, N, 1e-8, "all values of an inverse"));
  if (entry == Phases) {
    PetscReal sigma;

    for (PetscInt k = 0; k < N; k++) {
      PetscCall(SVDGetSingularTriplet(svd, k, &sigma, NULL, NULL));
      DiniTestClose(sigma, 1.0 / (PetscReal)(k + 1), 0.0, 1e-8, "singular value of a diagonal");
    }
  }
  PetscCall(SVDDestroy(&svd));
  PetscCall(DenseDestroy(&A));
  PetscCall(MatDestroy(&minus));
  PetscCall(SystemDestroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* three sensors, each a weighted sum of the state */
static PetscScalar Sensors(PetscInt i, PetscInt j, PetscInt N)
{
  (void)N;
  return DiniTestScalar(1.0 / (1.0 + PetscSqr((PetscReal)(j - 2 * i))), 0.2 * (PetscReal)i - 0.1 * (PetscReal)j);
}

/* a root that is not symmetric, and has fewer columns than rows */
static PetscScalar Root(PetscInt i, PetscInt j, PetscInt N)
{
  const PetscReal real = i == j ? 2.0 : j > i ? 0.3 * (PetscReal)(i + 1) : -0.1;

  (void)N;
  return DiniTestScalar(real, 0.15 * (PetscReal)(i - j));
}

/* A nonlinear relation whose F_m is no multiple of the identity: D, B D, D S and B D S */
static PetscErrorCode TestCurved(PetscInt N, DiniParameterType kind, SVDType type)
{
  const PetscInt M = 3, K = (N + 1) / 2;
  Curved         c;
  Dense          D, Bd, Sd, BD, A[4];
  Mat            B, S;
  PetscInt       n;

  PetscFunctionBeginUser;
  PetscCall(CurvedCreate(N, &c));
  PetscCall(CurvedDini(&c, kind));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(VecGetLocalSize(c.u, &n));
  PetscCall(DenseMat(PETSC_DECIDE, n, M, N, Sensors, &B));
  PetscCall(DenseMat(n, PETSC_DECIDE, N, K, Root, &S));
  PetscCall(DenseJVPs(c.dini, &D));
  PetscCall(DenseFill(M, N, Sensors, &Bd));
  PetscCall(DenseFill(N, K, Root, &Sd));
  PetscCall(DenseProduct(&Bd, &D, &BD));
  A[0] = D;
  A[1] = BD;
  PetscCall(DenseProduct(&D, &Sd, &A[2]));
  PetscCall(DenseProduct(&BD, &Sd, &A[3]));
  for (int k = 0; k < 4; k++) {
    const PetscInt count = PetscMin(A[k].M, A[k].N);
    SVD            svd;
    PetscInt       nonzero;
    PetscBool      cyclic;

    PetscCall(PetscStrcmp(type, SVDCYCLIC, &cyclic)); /* SLEPc counts its zeros in where the operator is not square */
    if (cyclic && A[k].M != A[k].N) continue;
    PetscCall(Solve(c.dini, k & 1 ? B : NULL, k & 2 ? S : NULL, type, count, 1e-9, &nonzero, &svd));
    DiniTestCount(nonzero, count, "singular values that are not zero");
    PetscCall(DenseExpect(&A[k], svd, count, 1e-8, "all values of a nonlinear relation"));
    PetscCall(SVDDestroy(&svd));
  }
  for (int k = 0; k < 4; k++) PetscCall(DenseDestroy(&A[k]));
  PetscCall(DenseDestroy(&Bd));
  PetscCall(DenseDestroy(&Sd));
  PetscCall(MatDestroy(&B));
  PetscCall(MatDestroy(&S));
  PetscCall(CurvedDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J and F_m of the test's own, through each kind of solver */
static PetscErrorCode TestTypes(DiniType type, PetscInt N)
{
  Linear   l;
  SVD      svd;
  Dense    A;
  PetscInt nonzero;

  PetscFunctionBeginUser;
  PetscCall(LinearCreate(N, &l));
  PetscCall(LinearDini(&l, type, DINIPARAMETERMATRIX));
  PetscCall(DiniSolve(l.dini, l.u));
  PetscCall(LinearAssemble(&l, l.A, l.c));
  PetscCall(LinearFill(&l, l.u, l.m, l.Fm));
  PetscCall(DenseDerivative(l.A, l.Fm, &A));
  PetscCall(Solve(l.dini, NULL, NULL, SVDTRLANCZOS, N, 1e-8, &nonzero, &svd));
  DiniTestCount(nonzero, N, "singular values of a linear system");
  PetscCall(DenseExpect(&A, svd, N, 1e-7, "all values of a linear system"));
  PetscCall(SVDDestroy(&svd));
  PetscCall(DenseDestroy(&A));
  PetscCall(LinearDestroy(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A few of many, by options with the prefix of the Dini, which cost what they must */
static PetscErrorCode TestFew(void)
{
  const PetscInt N = 20;
  Curved         c;
  Dense          A;
  SVD            svd;
  DiniStatistics before, after;
  PetscInt       nonzero, nsv;

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet("-few_dini_svd_nsv 4 -few_dini_svd_tol 1e-9"));
  PetscCall(CurvedCreate(N, &c));
  PetscCall(CurvedDini(&c, DINIPARAMETERMATRIX));
  PetscCall(DiniSetOptionsPrefix(c.dini, "few_"));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DenseJVPs(c.dini, &A));
  PetscCall(DiniGetStatistics(c.dini, &before));
  PetscCall(DiniCreateSVD(c.dini, NULL, NULL, &svd));
  PetscCall(SVDSetFromOptions(svd));
  PetscCall(SVDGetDimensions(svd, &nsv, NULL, NULL));
  DiniTestCount(nsv, 4, "values asked for by an option");
  PetscCall(DiniSVDSolve(svd, &nonzero));
  PetscCall(DiniGetStatistics(c.dini, &after));
  DiniTestTrue(nonzero >= 4, "Only %" PetscInt_FMT " values", nonzero);
  PetscCall(DenseExpect(&A, svd, 4, 1e-8, "four values of twenty"));
  DiniTestCount(after.forward_solves - before.forward_solves, 0, "forward solves of an SVD");
  DiniTestCount(after.jacobian_assemblies - before.jacobian_assemblies, 0, "assemblies of J for an SVD");
  DiniTestCount(after.parameter_assemblies - before.parameter_assemblies, 0, "assemblies of F_m for an SVD");
  DiniTestTrue(after.factorizations - before.factorizations <= 1, "%" PetscInt_FMT " factorisations for an SVD",
               after.factorizations - before.factorizations);
  DiniTestTrue(after.tangent_solves - before.tangent_solves > 4 && after.adjoint_solves - before.adjoint_solves > 4,
               "An SVD without tangent and adjoint solves");
  PetscCall(SVDDestroy(&svd));
  PetscCall(DenseDestroy(&A));
  PetscCall(CurvedDestroy(&c));
  PetscCall(DiniTestOptionsClear("-few_dini_svd_nsv 4 -few_dini_svd_tol 1e-9"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(SlepcInitialize(&argc, &argv, NULL, help));
  for (PetscInt N = 1; N <= 10; N += N < 3 ? 1 : 4) {
    PetscCall(TestLaplacian(N, SVDTRLANCZOS));
    PetscCall(TestSystem(N, Phases, SVDTRLANCZOS));
  }
  for (size_t k = 0; k < sizeof(types) / sizeof(types[0]); k++) {
    PetscCall(TestSystem(4, Skewed, types[k]));
    PetscCall(TestCurved(1, DINIPARAMETERMATRIX, types[k]));
    PetscCall(TestCurved(5, DINIPARAMETERMATRIX, types[k]));
  }
  PetscCall(TestCurved(7, DINIPARAMETEROPERATOR, SVDTRLANCZOS));
  PetscCall(TestTypes(DINIKSP, 6));
  PetscCall(TestTypes(DINISNES, 6));
  PetscCall(TestTypes(DINISHELL, 2));
  PetscCall(TestFew());
  PetscCall(SlepcFinalize());
  return 0;
}
