static char help[] = "Left vectors, the solver behind an eigenproblem's Dini, a posterior that is reset.\n";

#include "support/eigen.h"
#include "support/fixtures.h"

/* [4 m0 0; 1 2 m1; 0 1 -1], of which no two eigenvalues meet */
static PetscScalar Entry(PetscInt i, PetscInt j, const PetscScalar m[])
{
  const PetscScalar diagonal[] = {4.0, 2.0, -1.0};

  if (i == j) return diagonal[i];
  if (j == i + 1) return m[i];
  return i == j + 1 ? 1.0 : 0.0;
}

/* y^H A = lambda y^H, y^H x = 1, and with them dlambda/dm_k = y^H (dA/dm_k) x, conj(y_k) x_{k+1} */
static PetscErrorCode TestLeft(void)
{
  const PetscScalar m[] = {0.5, 0.25};
  Small             small;
  Vec               x, y, z, dm;
  PetscScalar       lambda, imag, dot, dlambda, *ally, *allx;
  PetscReal         norm;
  PetscInt          n;

  PetscFunctionBeginUser;
  PetscCall(SmallCreate(3, 2, m, Entry, EPS_NHEP, &small));
  PetscCall(DiniEigenSolve(small.dini));
  PetscCall(DiniGetNumberEigenpairs(small.dini, &n));
  DiniTestTrue(n >= 1, "No eigenpair was found");
  PetscCall(MatCreateVecs(small.A, &x, &y));
  PetscCall(VecDuplicate(x, &z));
  PetscCall(DiniCreateParameterVec(small.dini, &dm));
  for (PetscInt i = 0; i < n; i++) {
    PetscCall(DiniGetEigenpair(small.dini, i, &lambda, &imag, x, NULL));
    PetscCall(DiniGetLeftEigenvector(small.dini, i, y, NULL));
    PetscCall(MatMultHermitianTranspose(small.A, y, z));
    PetscCall(VecAXPY(z, -PetscConj(lambda), y));
    PetscCall(VecNorm(z, NORM_2, &norm));
    DiniTestTrue(norm < 1e-8, "|A^H y - conj(lambda) y| = %g", (double)norm);
    PetscCall(VecDot(x, y, &dot));
    DiniTestClose(PetscAbsScalar(dot - 1.0), 0.0, 0.0, 1e-9, "y^H x - 1");
    PetscCall(GatherAll(x, &allx));
    PetscCall(GatherAll(y, &ally));
    for (PetscInt k = 0; k < 2; k++) {
      PetscCall(VecSet(dm, 0.0));
      PetscCall(ShiftEntry(dm, k, 1.0));
      PetscCall(DiniEigenvalueJVP(small.dini, i, dm, &dlambda, NULL));
      DiniTestClose(PetscAbsScalar(dlambda - PetscConj(ally[k]) * allx[k + 1]), 0.0, 0.0, 1e-8,
                    "derivative of the eigenvalue, less that by the left vector");
    }
    PetscCall(PetscFree(allx));
    PetscCall(PetscFree(ally));
  }
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&y));
  PetscCall(VecDestroy(&z));
  PetscCall(VecDestroy(&dm));
  PetscCall(SmallDestroy(&small));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The solver that was set is the one behind the Dini, and no other */
static PetscErrorCode TestSolvers(void)
{
  EPS  eps, e;
  PEP  pep, p;
  NEP  nep, n;
  Dini dini;
  Mat  A, M[3];
  FN   f[2];

  PetscFunctionBeginUser;
  PetscCall(MatCreateConstantDiagonal(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, 4, 4, 2.0, &A));
  for (int k = 0; k < 3; k++) M[k] = A;
  for (int k = 0; k < 2; k++) {
    PetscCall(FNCreate(PETSC_COMM_WORLD, &f[k]));
    PetscCall(FNSetType(f[k], FNEXP));
  }
  PetscCall(EPSCreate(PETSC_COMM_WORLD, &eps));
  PetscCall(PEPCreate(PETSC_COMM_WORLD, &pep));
  PetscCall(NEPCreate(PETSC_COMM_WORLD, &nep));
  PetscCall(EPSSetOperators(eps, A, NULL));
  PetscCall(PEPSetOperators(pep, 3, M));
  PetscCall(NEPSetSplitOperator(nep, 2, M, f, SAME_NONZERO_PATTERN));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  for (int k = 0; k < 3; k++) {
    if (k == 0) PetscCall(DiniSetEPS(dini, eps));
    if (k == 1) PetscCall(DiniSetPEP(dini, pep));
    if (k == 2) PetscCall(DiniSetNEP(dini, nep));
    PetscCall(DiniGetEPS(dini, &e));
    PetscCall(DiniGetPEP(dini, &p));
    PetscCall(DiniGetNEP(dini, &n));
    DiniTestTrue(e == (k == 0 ? eps : NULL) && p == (k == 1 ? pep : NULL) && n == (k == 2 ? nep : NULL),
                 "Solver %d is not the one behind the Dini", k);
  }
  PetscCall(DiniDestroy(&dini));
  PetscCall(EPSDestroy(&eps));
  PetscCall(PEPDestroy(&pep));
  PetscCall(NEPDestroy(&nep));
  for (int k = 0; k < 2; k++) PetscCall(FNDestroy(&f[k]));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Value(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)ctx;
  PetscCall(VecNorm(u, NORM_2, value));
  *value *= 0.5 * *value;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)dJdm;
  (void)ctx;
  PetscCall(VecCopy(u, dJdu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* u = 1 everywhere, J = 4, so all Gauss-Newton eigenvalues are 1/16 */
static PetscErrorCode TestPosterior(void)
{
  Cubic            c;
  DiniPosterior    post;
  const PetscReal *lambda;
  PetscReal        cut;
  PetscInt         n;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(6, 0.0, &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERMATRIX));
  PetscCall(DiniSetState(c.dini, c.u));
  PetscCall(DiniSetObjective(c.dini, Value, Gradient, NULL));
  PetscCall(DiniSetHessianType(c.dini, DINI_HESSIAN_GAUSS_NEWTON));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniPosteriorCreate(c.dini, &post));
  PetscCall(DiniPosteriorSetPrior(post, NULL, PETSC_FALSE));
  PetscCall(DiniPosteriorSetDimension(post, 6, 1e-3));
  for (int k = 0; k < 2; k++) {
    DiniTestExpect(DiniPosteriorGetEigenvalues(post, &n, &lambda, &cut), PETSC_ERR_ORDER, "DiniPosteriorSolve()");
    PetscCall(DiniPosteriorSolve(post));
    PetscCall(DiniPosteriorGetEigenvalues(post, &n, &lambda, &cut));
    DiniTestTrue(n >= 1, "No eigenvalue of the posterior");
    DiniTestClose(lambda[0], 0.0625, 1e-8, 0.0, k ? "eigenvalue after a reset" : "eigenvalue");
    PetscCall(DiniPosteriorReset(post));
  }
  PetscCall(DiniPosteriorDestroy(&post));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(SlepcInitialize(&argc, &argv, NULL, help));
  PetscCall(TestLeft());
  PetscCall(TestSolvers());
  PetscCall(TestPosterior());
  PetscCall(SlepcFinalize());
  return 0;
}
