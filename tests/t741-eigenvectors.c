static char help[] =
    "Derivatives of eigenvectors: closed form, differences in full vectors, adjoints, phase, the state of a Dini.\n";

#include "support/eigen.h"

/* Two coupled oscillators: (cos t, sin t) with tan 2t = 2 b/(a - d) for [a b; b d] */
static PetscScalar Coupled(PetscInt i, PetscInt j, const PetscScalar m[])
{
  return i != j ? m[1] : i ? m[2] : m[0];
}

static PetscErrorCode TestOscillators(void)
{
  const PetscScalar m[] = {3.0, 0.7, 1.0};
  const PetscReal   a = 3.0, b = 0.7, d = 1.0, t = 0.5 * PetscAtanReal(2.0 * b / (a - d));
  const PetscReal   r     = (a - d) * (a - d) + 4.0 * b * b;
  const PetscReal   dt[3] = {-b / r, (a - d) / r, b / r}; /* dt/da, dt/db, dt/dd */
  Small             small;
  Vec               dm, dx, expected;
  PetscInt          i;

  PetscFunctionBeginUser;
  PetscCall(SmallCreate(2, 3, m, Coupled, EPS_HEP, &small));
  PetscCall(DiniEigenSolve(small.dini));
  PetscCall(MatCreateVecs(small.A, &dx, NULL));
  PetscCall(VecDuplicate(dx, &expected));
  PetscCall(DiniCreateParameterVec(small.dini, &dm));
  PetscCall(NearestPair(small.dini, 0.5 * (a + d + PetscSqrtReal(r)), 0.0, &i));
  for (PetscInt k = 0; k < 3; k++) {
    PetscCall(VecSet(dm, 0.0));
    PetscCall(ShiftEntry(dm, k, 1.0));
    PetscCall(DiniEigenvectorJVP(small.dini, i, dm, dx, NULL));
    PetscCall(VecSet(expected, 0.0));
    PetscCall(ShiftEntry(expected, 0, -PetscSinReal(t) * dt[k]));
    PetscCall(ShiftEntry(expected, 1, PetscCosReal(t) * dt[k]));
    PetscCall(DiniTestVecsClose(dx, expected, 1e-8, "derivative of the mode of two oscillators"));
  }
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&dx));
  PetscCall(VecDestroy(&expected));
  PetscCall(SmallDestroy(&small));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The vector at the present parameters in the phase of the reference: x0^H B0 x, or x0^H x, real and positive */
static PetscErrorCode Aligned(Dini dini, PetscInt i, Vec reference[2], Vec x[2])
{
  PetscScalar rr, ii = 0.0, ri = 0.0, ir = 0.0;

  PetscFunctionBeginUser;
  PetscCall(DiniGetEigenpair(dini, i, NULL, NULL, x[0], x[1]));
  PetscCall(VecDot(x[0], reference[0], &rr));
  if (PetscDefined(USE_COMPLEX)) {
    PetscCall(VecScale(x[0], PetscConj(rr) / PetscAbsScalar(rr)));
  } else {
    Vec       copy;
    PetscReal re, im, size;

    PetscCall(VecDot(x[1], reference[1], &ii));
    PetscCall(VecDot(x[1], reference[0], &ir));
    PetscCall(VecDot(x[0], reference[1], &ri));
    re   = PetscRealPart(rr + ii);
    im   = PetscRealPart(ir - ri);
    size = PetscSqrtReal(re * re + im * im);
    PetscCall(VecDuplicate(x[0], &copy));
    PetscCall(VecCopy(x[0], copy));
    PetscCall(VecAXPBY(x[0], im / size, re / size, x[1])); /* times (re - i im)/size */
    PetscCall(VecAXPBY(x[1], -im / size, re / size, copy));
    PetscCall(VecDestroy(&copy));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* dx of mode i against central differences, every entry of both parts, and <xbar, JVP dm> = <VJP xbar, dm> */
static PetscErrorCode CompareDifferences(Dini dini, PetscInt i, Mat B, Vec m, Vec dm)
{
  const PetscReal h = 1e-5;
  Vec             trial, g, reference[2], x[2], plus[2], dx[2], xbar[2];
  PetscScalar     forward[2] = {0.0, 0.0}, adjoint;

  PetscFunctionBeginUser;
  PetscCall(DiniSetParameters(dini, m));
  PetscCall(DiniEigenSolve(dini));
  PetscCall(VecDuplicate(m, &trial));
  PetscCall(VecDuplicate(m, &g));
  {
    Vec u;

    PetscCall(DiniGetSolution(dini, &u));
    for (int k = 0; k < 2; k++) {
      PetscCall(VecDuplicate(u, &reference[k]));
      PetscCall(VecDuplicate(u, &x[k]));
      PetscCall(VecDuplicate(u, &plus[k]));
      PetscCall(VecDuplicate(u, &dx[k]));
      PetscCall(DiniTestVec(u, 300 + k, &xbar[k]));
    }
  }
  PetscCall(DiniGetEigenpair(dini, i, NULL, NULL, reference[0], reference[1]));
  PetscCall(DiniEigenvectorJVP(dini, i, dm, dx[0], dx[1]));
  PetscCall(DiniEigenvectorVJP(dini, i, xbar[0], xbar[1], g));
  for (int k = 0; k < (PetscDefined(USE_COMPLEX) ? 1 : 2); k++) PetscCall(VecDot(dx[k], xbar[k], &forward[k]));
  PetscCall(VecDot(dm, g, &adjoint));
  DiniTestClose(PetscAbsScalar(forward[0] + forward[1] - adjoint), 0.0, 0.0, 1e-8 * (1.0 + PetscAbsScalar(adjoint)),
                "<xbar, JVP dm> and <VJP xbar, dm> of an eigenvector");
  if (B) { /* the phase is measured with B at the point */
    PetscCall(MatMult(B, reference[0], x[0]));
    PetscCall(VecCopy(x[0], reference[0]));
    PetscCall(MatMult(B, reference[1], x[0]));
    PetscCall(VecCopy(x[0], reference[1]));
  }
  PetscCall(VecWAXPY(trial, h, dm, m));
  PetscCall(DiniSetParameters(dini, trial));
  PetscCall(DiniEigenSolve(dini));
  PetscCall(Aligned(dini, i, reference, plus));
  PetscCall(VecWAXPY(trial, -h, dm, m));
  PetscCall(DiniSetParameters(dini, trial));
  PetscCall(DiniEigenSolve(dini));
  PetscCall(Aligned(dini, i, reference, x));
  for (int k = 0; k < 2; k++) {
    PetscReal norm;

    PetscCall(VecAXPBY(plus[k], -1.0 / (2.0 * h), 1.0 / (2.0 * h), x[k]));
    PetscCall(VecNorm(plus[k], NORM_INFINITY, &norm));
    if (k == 0 || norm > 1e-10)
      PetscCall(DiniTestVecsClose(dx[k], plus[k], 2e-6, "derivative of an eigenvector and differences"));
  }
  PetscCall(DiniSetParameters(dini, m));
  for (int k = 0; k < 2; k++) {
    PetscCall(VecDestroy(&reference[k]));
    PetscCall(VecDestroy(&x[k]));
    PetscCall(VecDestroy(&plus[k]));
    PetscCall(VecDestroy(&dx[k]));
    PetscCall(VecDestroy(&xbar[k]));
  }
  PetscCall(VecDestroy(&trial));
  PetscCall(VecDestroy(&g));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestChain(PetscBool convection, PetscBool standard, const char options[])
{
  Spring chain;
  Vec    m, dm;

  PetscFunctionBeginUser;
  if (options) PetscCall(DiniTestOptionsSet(options));
  PetscCall(SpringCreate(6, convection, standard, &chain));
  PetscCall(SpringDini(&chain, DINIPARAMETERMATRIX));
  for (int k = 0; k < 3; k++) {
    PetscCall(DiniTestFill(chain.m[k], 17 + k));
    if (!convection) PetscCall(VecRealPart(chain.m[k]));
    PetscCall(VecScale(chain.m[k], k == 2 ? 3.0 : 0.3));
    if (k < 2) PetscCall(VecShift(chain.m[k], 1.0));
  }
  PetscCall(DiniCreateParameterVec(chain.dini, &m));
  PetscCall(DiniGetParameters(chain.dini, m));
  PetscCall(DiniTestVec(m, 45, &dm));
  if (!convection) PetscCall(VecRealPart(dm));
  for (PetscInt i = 0; i < 2; i++) {
    Mat B0 = NULL;

    if (!convection && !standard) { /* B at m */
      PetscCall(DiniSetParameters(chain.dini, m));
      PetscCall(DiniEigenSolve(chain.dini));
      PetscCall(MatDuplicate(chain.B, MAT_COPY_VALUES, &B0));
    }
    PetscCall(CompareDifferences(chain.dini, i, B0, m, dm));
    PetscCall(MatDestroy(&B0));
  }
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&dm));
  PetscCall(SpringDestroy(&chain));
  if (options) PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Two complex pairs and a real eigenvalue, coupled: in real builds the vectors have two parts */
static PetscScalar Pairs(PetscInt i, PetscInt j, const PetscScalar m[])
{
  const PetscScalar a[5][5] = {{m[0], -m[1], 0.3, 0.0, 0.1},
                               {m[1], m[0], m[4], 0.2, 0.0},
                               {0.1, 0.0, m[2], -m[3], 0.4},
                               {0.0, m[4] * m[4], m[3] * m[3], m[2], 0.0},
                               {0.2, 0.1, 0.0, 0.3, m[5]}};

  return a[i][j];
}

static PetscErrorCode TestPairs(void)
{
  const PetscScalar m0[] = {0.5, 1.2, -1.0, 1.5, 0.4, 3.0};
  Small             small;
  Vec               m, dm;
  PetscInt          n;

  PetscFunctionBeginUser;
  PetscCall(SmallCreate(5, 6, m0, Pairs, EPS_NHEP, &small));
  PetscCall(DiniSetEigenTracking(small.dini, PETSC_TRUE, 0.9)); /* of equal magnitude: the order of a pair is open */
  PetscCall(DiniEigenSolve(small.dini));
  PetscCall(DiniGetNumberEigenpairs(small.dini, &n));
  DiniTestCount(n, 5, "pairs");
  PetscCall(VecDuplicate(small.m, &m));
  PetscCall(VecCopy(small.m, m));
  PetscCall(DiniTestVec(m, 46, &dm));
  for (PetscInt i = 0; i < n; i++) PetscCall(CompareDifferences(small.dini, i, NULL, m, dm));
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&dm));
  PetscCall(SmallDestroy(&small));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The selected mode is the state: DiniJVP(), DiniVJP(), their matrices and the derivative as a Mat give the same */
static PetscErrorCode TestState(void)
{
  Spring      chain;
  Vec         u, x, dm, du, dx, ubar, mbar, g;
  Mat         D, dM, dU;
  PetscScalar dot;

  PetscFunctionBeginUser;
  PetscCall(SpringCreate(6, PETSC_FALSE, PETSC_FALSE, &chain));
  PetscCall(SpringDini(&chain, DINIPARAMETERMATRIX));
  PetscCall(DiniSetEigenMode(chain.dini, 1));
  PetscCall(MatCreateVecs(chain.A, &u, NULL));
  PetscCall(DiniSolve(chain.dini, u));
  PetscCall(VecDuplicate(u, &x));
  PetscCall(VecDuplicate(u, &du));
  PetscCall(VecDuplicate(u, &dx));
  PetscCall(DiniGetEigenpair(chain.dini, 1, NULL, NULL, x, NULL));
  PetscCall(DiniTestVecsClose(u, x, 1e-15, "the state and the selected vector"));
  PetscCall(MatMult(chain.B, x, dx));
  PetscCall(VecDot(dx, x, &dot));
  DiniTestClose(PetscRealPart(dot), 1.0, 1e-12, 0.0, "x^H B x");
  PetscCall(DiniCreateParameterVec(chain.dini, &dm));
  PetscCall(DiniTestFill(dm, 5));
  PetscCall(VecDuplicate(dm, &mbar));
  PetscCall(VecDuplicate(dm, &g));
  PetscCall(DiniTestVec(u, 6, &ubar));
  PetscCall(DiniJVP(chain.dini, dm, du));
  PetscCall(DiniEigenvectorJVP(chain.dini, 1, dm, dx, NULL));
  PetscCall(DiniTestVecsClose(du, dx, 1e-13, "DiniJVP() and DiniEigenvectorJVP()"));
  PetscCall(DiniVJP(chain.dini, ubar, mbar));
  PetscCall(DiniEigenvectorVJP(chain.dini, 1, ubar, NULL, g));
  PetscCall(DiniTestVecsClose(mbar, g, 1e-13, "DiniVJP() and DiniEigenvectorVJP()"));
  PetscCall(DiniTestDotProduct(chain.dini, 1e-8));
  PetscCall(DiniGetDerivative(chain.dini, &D));
  PetscCall(MatMult(D, dm, dx));
  PetscCall(DiniTestVecsClose(du, dx, 1e-13, "DiniJVP() and the derivative as a Mat"));
  PetscCall(MatMultHermitianTranspose(D, ubar, g));
  PetscCall(DiniTestVecsClose(mbar, g, 1e-13, "DiniVJP() and the adjoint of the Mat"));
  {
    PetscInt n, N;
    Vec      column;

    PetscCall(VecGetLocalSize(dm, &n));
    PetscCall(VecGetSize(dm, &N));
    PetscCall(MatCreateDense(PETSC_COMM_WORLD, n, PETSC_DECIDE, N, 2, NULL, &dM));
    PetscCall(VecGetLocalSize(u, &n));
    PetscCall(VecGetSize(u, &N));
    PetscCall(MatCreateDense(PETSC_COMM_WORLD, n, PETSC_DECIDE, N, 2, NULL, &dU));
    for (PetscInt j = 0; j < 2; j++) {
      PetscCall(MatDenseGetColumnVecWrite(dM, j, &column));
      PetscCall(VecCopy(dm, column));
      PetscCall(MatDenseRestoreColumnVecWrite(dM, j, &column));
    }
    PetscCall(MatAssemblyBegin(dM, MAT_FINAL_ASSEMBLY));
    PetscCall(MatAssemblyEnd(dM, MAT_FINAL_ASSEMBLY));
    PetscCall(DiniMatJVP(chain.dini, dM, dU));
    PetscCall(MatDenseGetColumnVecRead(dU, 1, &column));
    PetscCall(DiniTestVecsClose(du, column, 1e-13, "DiniJVP() and DiniMatJVP()"));
    PetscCall(MatDenseRestoreColumnVecRead(dU, 1, &column));
    for (PetscInt j = 0; j < 2; j++) {
      PetscCall(MatDenseGetColumnVecWrite(dU, j, &column));
      PetscCall(VecCopy(ubar, column));
      PetscCall(MatDenseRestoreColumnVecWrite(dU, j, &column));
    }
    PetscCall(DiniMatVJP(chain.dini, dU, dM));
    PetscCall(MatDenseGetColumnVecRead(dM, 1, &column));
    PetscCall(DiniTestVecsClose(mbar, column, 1e-13, "DiniVJP() and DiniMatVJP()"));
    PetscCall(MatDenseRestoreColumnVecRead(dM, 1, &column));
    PetscCall(MatDestroy(&dM));
    PetscCall(MatDestroy(&dU));
  }
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&dx));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&g));
  PetscCall(SpringDestroy(&chain));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscMPIInt size;

  PetscCall(SlepcInitialize(&argc, &argv, NULL, help));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  if (size <= 2) PetscCall(TestOscillators());
  PetscCall(TestChain(PETSC_FALSE, PETSC_FALSE, NULL));
  PetscCall(TestChain(PETSC_FALSE, PETSC_TRUE, NULL));
  PetscCall(TestChain(PETSC_TRUE, PETSC_FALSE, NULL));
  PetscCall(TestChain(PETSC_TRUE, PETSC_TRUE, NULL));
  PetscCall(TestChain(PETSC_FALSE, PETSC_FALSE, "-dini_eigen_track"));
  PetscCall(TestChain(PETSC_TRUE, PETSC_TRUE, "-eps_two_sided"));
  PetscCall(TestChain(PETSC_TRUE, PETSC_FALSE, "-eigen_pc_type jacobi"));
  PetscCall(TestPairs());
  PetscCall(TestState());
  PetscCall(SlepcFinalize());
  return 0;
}
