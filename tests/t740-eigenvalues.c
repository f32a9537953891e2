static char help[] = "Derivatives of eigenvalues: closed forms, differences, and what is refused.\n";

#include "support/eigen.h"

/* A uniform string: lambda_j and its derivatives by stiffness and mass of each element, from the sines */
static PetscErrorCode TestString(PetscInt N, DiniParameterType kind)
{
  Spring          chain;
  Vec             g, part, expected;
  const PetscReal h = 1.0 / (PetscReal)(N + 1);

  PetscFunctionBeginUser;
  PetscCall(SpringCreate(N, PETSC_FALSE, PETSC_FALSE, &chain));
  PetscCall(SpringDini(&chain, kind));
  PetscCall(DiniEigenSolve(chain.dini));
  PetscCall(DiniCreateParameterVec(chain.dini, &g));
  PetscCall(VecDuplicate(chain.m[0], &expected));
  for (PetscInt j = 0; j < PetscMin(N, 4); j++) {
    const PetscReal t = (PetscReal)(j + 1) * PETSC_PI * h, c = PetscCosReal(t);
    const PetscReal lambda = 6.0 / (h * h) * (1.0 - c) / (2.0 + c);
    const PetscReal norm2  = h / 6.0 * (4.0 + 2.0 * c) * (PetscReal)(N + 1) / 2.0; /* x^T B x of the sines */
    PetscScalar     found, sum;

    PetscCall(DiniGetEigenpair(chain.dini, j, &found, NULL, NULL, NULL));
    DiniTestClose(PetscRealPart(found), lambda, 1e-10, 0.0, "eigenvalue of a string");
    PetscCall(DiniEigenvalueVJP(chain.dini, j, 1.0, 0.0, g));
    for (int block = 0; block < 2; block++) {
      PetscInt lo, hi;

      PetscCall(VecGetOwnershipRange(expected, &lo, &hi));
      for (PetscInt e = lo; e < hi; e++) {
        const PetscReal a = PetscSinReal((PetscReal)e * t), b = PetscSinReal((PetscReal)(e + 1) * t);
        const PetscReal value = block ? -lambda * h / 3.0 * (a * a + a * b + b * b) : (a - b) * (a - b) / h;

        PetscCall(VecSetValue(expected, e, value / norm2, INSERT_VALUES));
      }
      PetscCall(VecAssemblyBegin(expected));
      PetscCall(VecAssemblyEnd(expected));
      PetscCall(DiniGetParameterSubVec(chain.dini, g, block, &part));
      PetscCall(DiniTestVecsClose(part, expected, 1e-6, "gradient of an eigenvalue and its closed form"));
      PetscCall(VecSum(part, &sum)); /* lambda is homogeneous in k and in rho */
      DiniTestClose(PetscRealPart(sum), block ? -lambda : lambda, 1e-7, 0.0, "sum of the gradient of an eigenvalue");
      PetscCall(DiniRestoreParameterSubVec(chain.dini, g, block, &part));
    }
  }
  PetscCall(VecDestroy(&g));
  PetscCall(VecDestroy(&expected));
  PetscCall(SpringDestroy(&chain));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Nonuniform chains against central differences of the eigenvalues, and JVP against VJP */
static PetscErrorCode TestDifferences(PetscBool convection, PetscBool standard, const char options[])
{
  const PetscReal h = 1e-5;
  const PetscInt  N = 7;
  Spring          chain;
  Vec             dm, g, m, trial;

  PetscFunctionBeginUser;
  if (options) PetscCall(DiniTestOptionsSet(options));
  PetscCall(SpringCreate(N, convection, standard, &chain));
  PetscCall(SpringDini(&chain, DINIPARAMETERMATRIX));
  for (int k = 0; k < 3; k++) {
    PetscCall(DiniTestFill(chain.m[k], 7 + k));
    if (!convection) PetscCall(VecRealPart(chain.m[k]));
    PetscCall(VecScale(chain.m[k], k == 2 ? 5.0 : 0.3));
    if (k < 2) PetscCall(VecShift(chain.m[k], 1.0));
  }
  PetscCall(DiniCreateParameterVec(chain.dini, &m));
  PetscCall(VecDuplicate(m, &trial));
  PetscCall(VecDuplicate(m, &g));
  PetscCall(DiniTestVec(m, 44, &dm));
  if (!convection) PetscCall(VecRealPart(dm));
  PetscCall(DiniGetParameters(chain.dini, m));
  for (PetscInt j = 0; j < 2; j++) {
    PetscScalar lambda, imag, d, di, dot, plus, minus, w = DiniTestScalar(0.6, -0.8);

    PetscCall(DiniSetParameters(chain.dini, m));
    PetscCall(DiniEigenSolve(chain.dini));
    PetscCall(DiniGetEigenpair(chain.dini, j, &lambda, &imag, NULL, NULL));
    PetscCall(DiniEigenvalueJVP(chain.dini, j, dm, &d, &di));
    PetscCall(DiniEigenvalueVJP(chain.dini, j, w, 0.0, g));
    PetscCall(VecDot(dm, g, &dot)); /* g^H dm = <w, dlambda> */
    DiniTestClose(PetscAbsScalar(dot - PetscConj(w) * d), 0.0, 0.0, 1e-11 * PetscAbsScalar(lambda),
                  "<w, JVP> = <VJP, dm>");
    if (PetscDefined(USE_COMPLEX)) { /* the other convention: mbar_j = w dlambda/dm_j */
      PetscCall(DiniSetAdjointType(chain.dini, DINI_ADJOINT_TRANSPOSE));
      PetscCall(DiniEigenvalueVJP(chain.dini, j, w, 0.0, g));
      PetscCall(VecTDot(dm, g, &dot));
      DiniTestClose(PetscAbsScalar(dot - w * d), 0.0, 0.0, 1e-11 * PetscAbsScalar(lambda), "w JVP = VJP^T dm");
      PetscCall(DiniSetAdjointType(chain.dini, DINI_ADJOINT_HERMITIAN));
    }
    PetscCall(VecWAXPY(trial, h, dm, m));
    PetscCall(DiniSetParameters(chain.dini, trial));
    PetscCall(DiniEigenSolve(chain.dini));
    PetscCall(DiniGetEigenpair(chain.dini, j, &plus, NULL, NULL, NULL));
    PetscCall(VecWAXPY(trial, -h, dm, m));
    PetscCall(DiniSetParameters(chain.dini, trial));
    PetscCall(DiniEigenSolve(chain.dini));
    PetscCall(DiniGetEigenpair(chain.dini, j, &minus, NULL, NULL, NULL));
    DiniTestClose(PetscAbsScalar((plus - minus) / (2.0 * h) - d), 0.0, 0.0, 1e-6 * PetscAbsScalar(lambda),
                  "derivative of an eigenvalue and differences");
    DiniTestTrue(PetscAbsScalar(d) > 1e-4 * PetscAbsScalar(lambda), "The direction does nothing to the eigenvalue");
  }
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&trial));
  PetscCall(VecDestroy(&g));
  PetscCall(VecDestroy(&dm));
  PetscCall(SpringDestroy(&chain));
  if (options) PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Not normal: the eigenvalues are the diagonal, left and right vectors are far apart */
static PetscScalar Triangular(PetscInt i, PetscInt j, const PetscScalar m[])
{
  return i == j ? m[i] : j > i ? 3.0 * m[3] * (PetscReal)(i + j) : 0.0;
}

static PetscErrorCode TestTriangular(const char options[])
{
  const PetscScalar m[] = {1.0, 2.5, DiniTestScalar(4.0, 1.0), 0.8};
  Small             small;
  Vec               g, expected;

  PetscFunctionBeginUser;
  if (options) PetscCall(DiniTestOptionsSet(options));
  PetscCall(SmallCreate(3, 4, m, Triangular, EPS_NHEP, &small));
  PetscCall(DiniEigenSolve(small.dini));
  PetscCall(DiniCreateParameterVec(small.dini, &g));
  PetscCall(VecDuplicate(g, &expected));
  for (PetscInt k = 0; k < 3; k++) {
    PetscInt i;

    PetscCall(NearestPair(small.dini, PetscRealPart(m[k]), PetscImaginaryPart(m[k]), &i));
    PetscCall(DiniEigenvalueVJP(small.dini, i, 1.0, 0.0, g));
    PetscCall(VecSet(expected, 0.0));
    PetscCall(ShiftEntry(expected, k, 1.0));
    PetscCall(DiniTestVecsClose(g, expected, 1e-8, "gradient of a triangular matrix's eigenvalue"));
  }
  PetscCall(VecDestroy(&g));
  PetscCall(VecDestroy(&expected));
  PetscCall(SmallDestroy(&small));
  if (options) PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* s +- i w and r, mixed by the third column: m = (s, w, r) */
static PetscScalar Rotating(PetscInt i, PetscInt j, const PetscScalar m[])
{
  const PetscScalar a[3][3] = {{m[0], -m[1], 1.0}, {m[1], m[0], 2.0 + m[2]}, {0.0, 0.0, m[2]}};

  return a[i][j];
}

/* Gradients of Re lambda, Im lambda and |lambda|; parameters are real */
static PetscErrorCode TestComplexPair(const char options[])
{
  const PetscReal   s = 0.4, w = 1.3, size = PetscSqrtReal(s * s + w * w);
  const PetscScalar m[] = {s, w, 3.0};
  Small             small;
  Vec               g, expected, dm;

  PetscFunctionBeginUser;
  if (options) PetscCall(DiniTestOptionsSet(options));
  PetscCall(SmallCreate(3, 3, m, Rotating, EPS_NHEP, &small));
  PetscCall(DiniEigenSolve(small.dini));
  PetscCall(DiniCreateParameterVec(small.dini, &g));
  PetscCall(VecDuplicate(g, &expected));
  PetscCall(VecDuplicate(g, &dm));
  for (int sign = -1; sign <= 1; sign += 2) {
    const PetscReal weights[3][2] = {{1.0, 0.0}, {0.0, 1.0}, {s / size, sign * w / size}};
    const PetscReal answers[3][2] = {{1.0, 0.0}, {0.0, sign}, {s / size, w / size}};
    PetscInt        i;

    PetscCall(NearestPair(small.dini, s, sign * w, &i));
    for (int what = 0; what < 3; what++) {
      PetscCall(
          DiniEigenvalueVJP(small.dini, i, DiniTestScalar(weights[what][0], weights[what][1]), weights[what][1], g));
      PetscCall(VecRealPart(g));
      PetscCall(VecSet(expected, 0.0));
      for (PetscInt k = 0; k < 2; k++) PetscCall(ShiftEntry(expected, k, answers[what][k]));
      PetscCall(DiniTestVecsClose(g, expected, 1e-8, "gradient of a complex eigenvalue"));
    }
    for (PetscInt k = 0; k < 3; k++) {
      PetscScalar d, di;
      PetscReal   dr, dimag;

      PetscCall(VecSet(dm, 0.0));
      PetscCall(ShiftEntry(dm, k, 1.0));
      PetscCall(DiniEigenvalueJVP(small.dini, i, dm, &d, &di));
      dr    = PetscRealPart(d);
      dimag = PetscDefined(USE_COMPLEX) ? PetscImaginaryPart(d) : PetscRealPart(di);
      DiniTestClose(dr, k == 0 ? 1.0 : 0.0, 0.0, 1e-8, "derivative of Re lambda");
      DiniTestClose(dimag, k == 1 ? sign : 0.0, 0.0, 1e-8, "derivative of Im lambda");
    }
  }
  PetscCall(VecDestroy(&g));
  PetscCall(VecDestroy(&expected));
  PetscCall(VecDestroy(&dm));
  PetscCall(SmallDestroy(&small));
  if (options) PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A Hermitian eigenvalue costs no linear solve, and F_m one fill */
static PetscErrorCode TestCost(void)
{
  Spring         chain;
  Vec            g;
  DiniStatistics before, after;

  PetscFunctionBeginUser;
  PetscCall(SpringCreate(9, PETSC_FALSE, PETSC_FALSE, &chain));
  PetscCall(SpringDini(&chain, DINIPARAMETERMATRIX));
  PetscCall(DiniEigenSolve(chain.dini));
  PetscCall(DiniCreateParameterVec(chain.dini, &g));
  PetscCall(DiniEigenvalueVJP(chain.dini, 1, 1.0, 0.0, g)); /* guards */
  PetscCall(DiniGetStatistics(chain.dini, &before));
  PetscCall(DiniEigenvalueVJP(chain.dini, 1, 1.0, 0.0, g));
  PetscCall(DiniGetStatistics(chain.dini, &after));
  DiniTestCount(after.tangent_solves + after.adjoint_solves, 0, "solves for a Hermitian eigenvalue");
  DiniTestCount(after.factorizations - before.factorizations, 0, "factorisations for a Hermitian eigenvalue");
  DiniTestCount(after.parameter_assemblies - before.parameter_assemblies, 2, "fills of F_m for a gradient");
  DiniTestCount(after.forward_solves, 1, "forward solves");
  PetscCall(VecDestroy(&g));
  PetscCall(SpringDestroy(&chain));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscMPIInt size;

  PetscCall(SlepcInitialize(&argc, &argv, NULL, help));
  for (PetscInt N = 2; N <= 10; N += 4) PetscCall(TestString(N, DINIPARAMETERMATRIX));
  PetscCall(TestString(3, DINIPARAMETERFD));
  PetscCall(TestString(5, DINIPARAMETERCOLORING));
  PetscCall(TestString(1, DINIPARAMETERMATRIX));
  PetscCall(TestDifferences(PETSC_FALSE, PETSC_FALSE, NULL));
  PetscCall(TestDifferences(PETSC_FALSE, PETSC_TRUE, NULL));
  PetscCall(TestDifferences(PETSC_TRUE, PETSC_FALSE, NULL));
  PetscCall(TestDifferences(PETSC_TRUE, PETSC_TRUE, "-eps_two_sided"));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  if (size <= 3) { /* LAPACK aborts inside SLEPc's nonsymmetric solvers on a rank without rows */
    PetscCall(TestTriangular(NULL));
    PetscCall(TestTriangular("-eps_two_sided"));
    PetscCall(TestComplexPair(NULL));
    PetscCall(TestComplexPair("-eps_two_sided"));
  }
  PetscCall(TestCost());
  PetscCall(SlepcFinalize());
  return 0;
}
