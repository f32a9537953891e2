static char help[] = "Derivatives of polynomial and nonlinear eigenvalues: closed forms and differences.\n";

#include "support/eigen.h"

/* lambda^2 M + lambda C + K with M = I, C = diag(c), K = tridiag(-s, k_i, -s); or -lambda I + K + e^{-lambda} C */
typedef struct {
  PetscInt    N;
  PetscScalar s;
  Mat         M[3]; /* K, C, M or identity */
  Vec         k, c;
  Dini        dini;
} Damped;

static PetscErrorCode Fill(Damped *damped, Mat K, Mat C)
{
  PetscScalar *k, *c;
  PetscInt     lo, hi;

  PetscFunctionBeginUser;
  PetscCall(GatherAll(damped->k, &k));
  PetscCall(GatherAll(damped->c, &c));
  PetscCall(MatGetOwnershipRange(K, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) {
    PetscCall(MatSetValue(K, i, i, k[i], INSERT_VALUES));
    if (i > 0) PetscCall(MatSetValue(K, i, i - 1, -damped->s, INSERT_VALUES));
    if (i < damped->N - 1) PetscCall(MatSetValue(K, i, i + 1, -damped->s, INSERT_VALUES));
    PetscCall(MatSetValue(C, i, i, c[i], INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(K, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(K, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyBegin(C, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(C, MAT_FINAL_ASSEMBLY));
  PetscCall(PetscFree(k));
  PetscCall(PetscFree(c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A PEP has K, C, M; the NEP has I, K, C */
static PetscErrorCode AssemblePEP(Dini dini, PetscInt n, Mat M[], void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)n;
  PetscCall(Fill((Damped *)ctx, M[0], M[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AssembleNEP(Dini dini, PetscInt n, Mat M[], void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)n;
  PetscCall(Fill((Damped *)ctx, M[1], M[2]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(PetscInt N, PetscScalar s, PetscReal k0, PetscReal c0, Damped *damped)
{
  PetscInt lo, hi;

  PetscFunctionBeginUser;
  damped->N = N;
  damped->s = s;
  for (int i = 0; i < 3; i++)
    PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, 3, NULL, 3, NULL, &damped->M[i]));
  PetscCall(MatCreateVecs(damped->M[0], &damped->k, &damped->c));
  PetscCall(VecGetOwnershipRange(damped->k, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) {
    PetscCall(VecSetValue(damped->k, i, k0 * (1.0 + 0.8 * (PetscReal)i), INSERT_VALUES));
    PetscCall(VecSetValue(damped->c, i, c0 * (1.0 + 0.1 * (PetscReal)(i * i % 5)), INSERT_VALUES));
    PetscCall(MatSetValue(damped->M[2], i, i, 1.0, INSERT_VALUES));
  }
  PetscCall(VecAssemblyBegin(damped->k));
  PetscCall(VecAssemblyEnd(damped->k));
  PetscCall(VecAssemblyBegin(damped->c));
  PetscCall(VecAssemblyEnd(damped->c));
  PetscCall(MatAssemblyBegin(damped->M[2], MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(damped->M[2], MAT_FINAL_ASSEMBLY));
  PetscCall(Fill(damped, damped->M[0], damped->M[1]));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &damped->dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddParameters(Damped *damped)
{
  PetscFunctionBeginUser;
  PetscCall(DiniAddParameter(damped->dini, "k", damped->k, NULL));
  PetscCall(DiniAddParameter(damped->dini, "c", damped->c, NULL));
  for (PetscInt p = 0; p < 2; p++) PetscCall(DiniSetParameterAffine(damped->dini, p, PETSC_TRUE));
  PetscCall(DiniSetFromOptions(damped->dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Damped *damped)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&damped->dini));
  for (int i = 0; i < 3; i++) PetscCall(MatDestroy(&damped->M[i]));
  PetscCall(VecDestroy(&damped->k));
  PetscCall(VecDestroy(&damped->c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An eigenvalue as (re, im) in either build */
static PetscErrorCode Eigenvalue(Dini dini, PetscInt i, PetscReal lambda[2])
{
  PetscScalar r, im;

  PetscFunctionBeginUser;
  PetscCall(DiniGetEigenpair(dini, i, &r, &im, NULL, NULL));
  lambda[0] = PetscRealPart(r);
  lambda[1] = PetscDefined(USE_COMPLEX) ? PetscImaginaryPart(r) : PetscRealPart(im);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Along a real dm: JVP against differences of the nearest eigenvalue, and VJP against JVP, real and imaginary part */
static PetscErrorCode Compare(Damped *damped, PetscInt i)
{
  const PetscReal h    = 1e-5;
  Dini            dini = damped->dini;
  Vec             m, trial, dm, g;
  PetscScalar     d, di, dot;
  PetscReal       lambda[2] = {0.0, 0.0}, shifted[2][2] = {{0.0}}, found[2], difference[2];

  PetscFunctionBeginUser;
  PetscCall(DiniCreateParameterVec(dini, &m));
  PetscCall(DiniGetParameters(dini, m));
  PetscCall(VecDuplicate(m, &trial));
  PetscCall(VecDuplicate(m, &g));
  PetscCall(DiniTestVec(m, 61, &dm));
  PetscCall(VecRealPart(dm));
  PetscCall(Eigenvalue(dini, i, lambda));
  PetscCall(DiniEigenvalueJVP(dini, i, dm, &d, &di));
  found[0] = PetscRealPart(d);
  found[1] = PetscDefined(USE_COMPLEX) ? PetscImaginaryPart(d) : PetscRealPart(di);
  for (int part = 0; part < 2; part++) {
    PetscCall(DiniEigenvalueVJP(dini, i, part ? DiniTestScalar(0.0, 1.0) : 1.0, part, g));
    PetscCall(VecDot(dm, g, &dot));
    DiniTestClose(PetscRealPart(dot), found[part], 1e-9, 1e-10, "JVP and VJP of a polynomial eigenvalue");
  }
  for (int sign = 0; sign < 2; sign++) {
    PetscInt  n;
    PetscReal best = PETSC_INFINITY;

    PetscCall(VecWAXPY(trial, sign ? -h : h, dm, m));
    PetscCall(DiniSetParameters(dini, trial));
    PetscCall(DiniEigenSolve(dini));
    PetscCall(DiniGetNumberEigenpairs(dini, &n));
    for (PetscInt j = 0; j < n; j++) {
      PetscReal near[2] = {0.0, 0.0}, distance;

      PetscCall(Eigenvalue(dini, j, near));
      distance = PetscAbsReal(near[0] - lambda[0]) + PetscAbsReal(near[1] - lambda[1]);
      if (distance >= best) continue;
      best             = distance;
      shifted[sign][0] = near[0];
      shifted[sign][1] = near[1];
    }
  }
  for (int part = 0; part < 2; part++) {
    difference[part] = (shifted[0][part] - shifted[1][part]) / (2.0 * h);
    DiniTestClose(found[part], difference[part], 1e-6, 1e-6, "polynomial eigenvalue and differences");
  }
  PetscCall(DiniSetParameters(dini, m));
  PetscCall(DiniEigenSolve(dini));
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&trial));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&g));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Uncoupled: lambda^2 + c lambda + k = 0 in each row, dlambda/dk = -1/(2 lambda + c), dlambda/dc = -lambda/(2 lambda + c) */
static PetscErrorCode TestQuadratic(PetscInt N, PetscReal coupling)
{
  Damped   damped;
  PEP      pep;
  Vec      g, part, expected;
  PetscInt n;

  PetscFunctionBeginUser;
  PetscCall(Create(N, coupling, 2.0, 0.5, &damped));
  PetscCall(PEPCreate(PETSC_COMM_WORLD, &pep));
  PetscCall(PEPSetOperators(pep, 3, damped.M));
  PetscCall(PEPSetProblemType(pep, PEP_GENERAL));
  PetscCall(PEPSetDimensions(pep, 2 * N, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(PEPSetTolerances(pep, 1e-13, 500));
  PetscCall(PEPSetFromOptions(pep));
  PetscCall(DiniSetPEP(damped.dini, pep));
  PetscCall(DiniSetEigenSystem(damped.dini, AssemblePEP, &damped));
  PetscCall(AddParameters(&damped));
  PetscCall(DiniEigenSolve(damped.dini));
  PetscCall(DiniGetNumberEigenpairs(damped.dini, &n));
  DiniTestCount(n, 2 * N, "eigenvalues of a quadratic problem");
  PetscCall(DiniCreateParameterVec(damped.dini, &g));
  PetscCall(VecDuplicate(damped.k, &expected));
  if (coupling == 0.0) {
    for (PetscInt row = 0; row < N; row++) {
      const PetscReal k = 2.0 * (1.0 + 0.8 * (PetscReal)row), c = 0.5 * (1.0 + 0.1 * (PetscReal)(row * row % 5));
      const PetscReal lr = -0.5 * c, li = PetscSqrtReal(k - 0.25 * c * c);
      PetscInt        i;

      PetscCall(NearestPair(damped.dini, lr, li, &i));
      for (int weight = 0; weight < 2; weight++) { /* Re lambda, Im lambda; 2 lambda + c = 2 i li */
        const PetscReal dk[] = {0.0, 0.5 / li}, dc[] = {-0.5, 0.5 * lr / li};

        PetscCall(DiniEigenvalueVJP(damped.dini, i, weight ? DiniTestScalar(0.0, 1.0) : 1.0, weight, g));
        for (PetscInt block = 0; block < 2; block++) {
          PetscReal distance;

          PetscCall(VecSet(expected, 0.0));
          PetscCall(ShiftEntry(expected, row, block ? dc[weight] : dk[weight]));
          PetscCall(DiniGetParameterSubVec(damped.dini, g, block, &part));
          PetscCall(VecRealPart(part));
          PetscCall(VecAXPY(expected, -1.0, part));
          PetscCall(VecNorm(expected, NORM_INFINITY, &distance));
          DiniTestClose(distance, 0.0, 0.0, 1e-8, "gradient of a damped oscillator's eigenvalue");
          PetscCall(DiniRestoreParameterSubVec(damped.dini, g, block, &part));
        }
      }
    }
  } else
    for (PetscInt i = 0; i < 2; i++) PetscCall(Compare(&damped, i));
  PetscCall(VecDestroy(&g));
  PetscCall(VecDestroy(&expected));
  PetscCall(PEPDestroy(&pep));
  PetscCall(Destroy(&damped));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* lambda = k + c e^{-lambda}, uncoupled: dlambda/dk = 1/(1 + c e^{-lambda}) */
static PetscErrorCode TestDelay(PetscInt N, PetscReal coupling)
{
  Damped      damped;
  NEP         nep;
  FN          f[3];
  Mat         T[3];
  PetscScalar one = 1.0, coefficients[] = {-1.0, 0.0};

  PetscFunctionBeginUser;
  PetscCall(Create(N, coupling, 1.0, 0.3, &damped));
  T[0] = damped.M[2];
  T[1] = damped.M[0];
  T[2] = damped.M[1];
  for (int i = 0; i < 3; i++) PetscCall(FNCreate(PETSC_COMM_WORLD, &f[i]));
  PetscCall(FNSetType(f[0], FNRATIONAL)); /* -lambda, 1, e^{-lambda} */
  PetscCall(FNRationalSetNumerator(f[0], 2, coefficients));
  PetscCall(FNSetType(f[1], FNRATIONAL));
  PetscCall(FNRationalSetNumerator(f[1], 1, &one));
  PetscCall(FNSetType(f[2], FNEXP));
  PetscCall(FNSetScale(f[2], -1.0, 1.0));
  PetscCall(NEPCreate(PETSC_COMM_WORLD, &nep));
  PetscCall(NEPSetSplitOperator(nep, 3, T, f, DIFFERENT_NONZERO_PATTERN));
  PetscCall(NEPSetType(nep, NEPRII));
  PetscCall(NEPSetTarget(nep, 1.0));
  PetscCall(NEPSetTolerances(nep, 1e-13, 100));
  PetscCall(NEPSetFromOptions(nep));
  {
    KSP         ksp;
    PC          pc;
    PetscMPIInt size;

    PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
    PetscCall(NEPRIIGetKSP(nep, &ksp));
    PetscCall(KSPSetType(ksp, KSPPREONLY));
    PetscCall(KSPGetPC(ksp, &pc));
    PetscCall(PCSetType(pc, PCLU));
    if (size > 1) PetscCall(PCFactorSetMatSolverType(pc, MATSOLVERMUMPS));
  }
  PetscCall(DiniSetNEP(damped.dini, nep));
  PetscCall(DiniSetEigenSystem(damped.dini, AssembleNEP, &damped));
  PetscCall(AddParameters(&damped));
  PetscCall(DiniEigenSolve(damped.dini));
  if (coupling == 0.0) {
    PetscReal lambda[2] = {0.0, 0.0}, root = 1.0;
    Vec       g, part, expected;

    for (int it = 0; it < 50; it++)
      root -= (root - 1.0 - 0.3 * PetscExpReal(-root)) / (1.0 + 0.3 * PetscExpReal(-root));
    PetscCall(Eigenvalue(damped.dini, 0, lambda));
    DiniTestClose(lambda[0], root, 1e-9, 0.0, "eigenvalue of a delay equation");
    PetscCall(DiniCreateParameterVec(damped.dini, &g));
    PetscCall(DiniEigenvalueVJP(damped.dini, 0, 1.0, 0.0, g));
    PetscCall(VecDuplicate(damped.k, &expected));
    for (PetscInt block = 0; block < 2; block++) {
      const PetscReal e = PetscExpReal(-root);

      PetscCall(VecSet(expected, 0.0));
      PetscCall(ShiftEntry(expected, 0, (block ? e : 1.0) / (1.0 + 0.3 * e)));
      PetscCall(DiniGetParameterSubVec(damped.dini, g, block, &part));
      PetscCall(DiniTestVecsClose(part, expected, 1e-7, "gradient of a delay equation's eigenvalue"));
      PetscCall(DiniRestoreParameterSubVec(damped.dini, g, block, &part));
    }
    /* a function that is another one now: its derivative would go with the left vector of the old one */
    PetscCall(FNSetScale(f[2], -1.0, 1.1));
    DiniTestExpect(DiniEigenvalueVJP(damped.dini, 0, 1.0, 0.0, g), PETSC_ERR_ARG_WRONGSTATE, "a function of its terms");
    PetscCall(FNSetScale(f[2], -1.0, 1.0));
    PetscCall(DiniEigenvalueVJP(damped.dini, 0, 1.0, 0.0, g));
    PetscCall(VecDestroy(&g));
    PetscCall(VecDestroy(&expected));
  } else PetscCall(Compare(&damped, 0));
  for (int i = 0; i < 3; i++) PetscCall(FNDestroy(&f[i]));
  PetscCall(NEPDestroy(&nep));
  PetscCall(Destroy(&damped));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscCall(SlepcInitialize(&argc, &argv, NULL, help));
  PetscCall(TestQuadratic(4, 0.0));
  PetscCall(TestQuadratic(5, 0.7));
  PetscCall(TestDelay(4, 0.0));
  PetscCall(TestDelay(5, 0.2));
  PetscCall(SlepcFinalize());
  return 0;
}
