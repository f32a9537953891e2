static char help[] = "What a Dini of an eigenproblem refuses, on all ranks, and that it is fit for use afterwards.\n";

#include "support/eigen.h"

static PetscErrorCode Good(Spring *chain, Vec g)
{
  PetscScalar lambda, sum;
  Vec         part;

  PetscFunctionBeginUser;
  PetscCall(DiniEigenSolve(chain->dini));
  PetscCall(DiniGetEigenpair(chain->dini, 0, &lambda, NULL, NULL, NULL));
  PetscCall(DiniEigenvalueVJP(chain->dini, 0, 1.0, 0.0, g));
  PetscCall(DiniGetParameterSubVec(chain->dini, g, 0, &part));
  PetscCall(VecSum(part, &sum));
  PetscCall(DiniRestoreParameterSubVec(chain->dini, g, 0, &part));
  DiniTestClose(PetscRealPart(sum), PetscRealPart(lambda), 1e-7, 0.0, "the gradient after an error");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestPoint(void)
{
  Spring      chain;
  Vec         g, u, v, dm, du;
  Mat         D;
  PetscScalar lambda;
  PetscInt    n;
  char        text[8192];
  PetscViewer viewer;

  PetscFunctionBeginUser;
  PetscCall(SpringCreate(9, PETSC_FALSE, PETSC_FALSE, &chain));
  PetscCall(SpringDini(&chain, DINIPARAMETERMATRIX));
  PetscCall(DiniCreateParameterVec(chain.dini, &g));
  PetscCall(DiniGetNumberEigenpairs(chain.dini, &n));
  DiniTestCount(n, 0, "pairs before a solve");
  DiniTestExpect(DiniEigenvalueVJP(chain.dini, 0, 1.0, 0.0, g), PETSC_ERR_ORDER, "no solution to differentiate at");
  PetscCall(MatCreateVecs(chain.A, &u, &v));
  PetscCall(VecSet(u, 1.0));
  DiniTestExpect(DiniAttach(chain.dini, u), PETSC_ERR_ORDER, "DiniEigenAttach()");
  PetscCall(Good(&chain, g));
  DiniTestExpect(DiniEigenvalueVJP(chain.dini, 99, 1.0, 0.0, g), PETSC_ERR_ARG_OUTOFRANGE, "no eigenpair 99");
  DiniTestExpect(DiniEigenvalueVJP(chain.dini, -1, 1.0, 0.0, g), PETSC_ERR_ARG_OUTOFRANGE, "no eigenpair -1");
  DiniTestExpect(DiniEigenvalueVJP(chain.dini, 0, 1.0, 0.0, u), PETSC_ERR_ARG_SIZ, "The result mbar");
  DiniTestExpect(DiniEigenvalueVJP(chain.dini, 0, 1.0, 0.0, NULL), PETSC_ERR_ARG_NULL, "The result mbar");
  DiniTestExpect(DiniEigenvectorVJP(chain.dini, 0, g, NULL, g), PETSC_ERR_ARG_SIZ, "The cotangent xbar");
  DiniTestExpect(DiniTangentSolve(chain.dini, u, v), PETSC_ERR_ORDER, "no Jacobian");
  DiniTestExpect(DiniSetEigenMode(chain.dini, -2), PETSC_ERR_ARG_OUTOFRANGE, "no mode -2");
  DiniTestExpect(DiniSetEigenTracking(chain.dini, PETSC_TRUE, 2.0), PETSC_ERR_ARG_OUTOFRANGE, "between 0 and 1");
  PetscCall(DiniSetEigenMode(chain.dini, 77));
  DiniTestExpect(DiniEigenSolve(chain.dini), PETSC_ERR_ARG_OUTOFRANGE, "Mode 77 is selected");
  PetscCall(DiniSetEigenMode(chain.dini, 0));
  PetscCall(Good(&chain, g));
  /* a derivative that is pinned to pairs which are gone */
  PetscCall(DiniCreateDerivative(chain.dini, DINI_ALL_PARAMETERS, &D));
  PetscCall(VecDuplicate(g, &dm)); /* newer PETSc leaves it locked after an error */
  PetscCall(VecDuplicate(v, &du));
  PetscCall(VecSet(dm, 1.0));
  PetscCall(MatMult(D, dm, du));
  PetscCall(VecShift(chain.m[1], 0.1));
  PetscCall(Good(&chain, g));
  DiniTestExpect(MatMult(D, dm, du), PETSC_ERR_SUP, "at its last solution alone");
  PetscCall(MatDestroy(&D));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(Good(&chain, g));
  /* parameters and matrices that have moved on */
  PetscCall(VecShift(chain.m[1], 0.1));
  DiniTestExpect(DiniEigenvalueVJP(chain.dini, 0, 1.0, 0.0, g), PETSC_ERR_ARG_WRONGSTATE, "\"rho\" has been changed");
  PetscCall(Good(&chain, g));
  PetscCall(MatScale(chain.B, 2.0));
  DiniTestExpect(DiniGetEigenpair(chain.dini, 0, &lambda, NULL, NULL, NULL), PETSC_ERR_ARG_WRONGSTATE,
                 "A matrix of the eps");
  PetscCall(Good(&chain, g));
  PetscCall(DiniTestTextOpen(&viewer));
  PetscCall(DiniView(chain.dini, viewer));
  PetscCall(DiniTestTextClose(&viewer, text, sizeof(text)));
  PetscCall(DiniTestTextHas(text, "forward solver: eps krylovschur, assembled at the current parameters"));
  PetscCall(DiniTestTextHas(text, "mode 0: lambda "));
  /* another type knows nothing of this */
  PetscCall(DiniDestroy(&chain.dini));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &chain.dini));
  PetscCall(DiniSetType(chain.dini, DINISHELL));
  DiniTestExpect(DiniEigenSolve(chain.dini), PETSC_ERR_ORDER, "DiniEigenSolve() is for eigenproblems");
  PetscCall(DiniSetType(chain.dini, DINIEPS));
  DiniTestExpect(DiniEigenSolve(chain.dini), PETSC_ERR_ORDER, "has no eigensolver");
  DiniTestExpect(DiniSetEPS(chain.dini, NULL), PETSC_ERR_ARG_NULL, "NULL");
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&g));
  PetscCall(SpringDestroy(&chain));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestSolves(void)
{
  Spring chain;
  Vec    g;

  PetscFunctionBeginUser;
  PetscCall(SpringCreate(40, PETSC_FALSE, PETSC_FALSE, &chain));
  PetscCall(SpringDini(&chain, DINIPARAMETERMATRIX));
  PetscCall(DiniCreateParameterVec(chain.dini, &g));
  /* a solver that gives up, and one that is content too early */
  PetscCall(EPSSetDimensions(chain.eps, 4, 6, 6));
  PetscCall(EPSSetTarget(chain.eps, 300.0));
  PetscCall(EPSSetTolerances(chain.eps, 1e-13, 1));
  DiniTestExpect(DiniEigenSolve(chain.dini), PETSC_ERR_NOT_CONVERGED, "DIVERGED_ITS");
  DiniTestExpect(DiniEigenvalueVJP(chain.dini, 0, 1.0, 0.0, g), PETSC_ERR_ORDER, "no solution");
  PetscCall(EPSSetTolerances(chain.eps, 0.5, 100));
  PetscCall(EPSSetConvergenceTest(chain.eps, EPS_CONV_ABS));
  DiniTestExpect(DiniEigenSolve(chain.dini), PETSC_ERR_NOT_CONVERGED, "-dini_attach_rtol");
  PetscCall(EPSSetConvergenceTest(chain.eps, EPS_CONV_REL));
  PetscCall(EPSSetTolerances(chain.eps, 1e-13, 500));
  PetscCall(EPSSetTarget(chain.eps, 0.1));
  PetscCall(EPSSetDimensions(chain.eps, 4, 20, 20));
  PetscCall(Good(&chain, g));
  /* pairs of another solve than the parameters */
  PetscCall(DiniEigenAttach(chain.dini));
  PetscCall(VecScale(chain.m[0], 1.5));
  DiniTestExpect(DiniEigenAttach(chain.dini), PETSC_ERR_NOT_CONVERGED, "of pair 0");
  PetscCall(VecScale(chain.m[0], 1.0 / 1.5));
  PetscCall(DiniEigenAttach(chain.dini));
  {
    DiniConvergedReason reason;

    PetscCall(DiniGetConvergedReason(chain.dini, &reason));
    DiniTestCount((PetscInt)reason, DINI_CONVERGED_ATTACHED, "reason after an attach");
  }
  PetscCall(DiniEigenvalueVJP(chain.dini, 0, 1.0, 0.0, g));
  PetscCall(VecDestroy(&g));
  PetscCall(SpringDestroy(&chain));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J = Re <w, x> of the first eigenvector */
static PetscErrorCode Value(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  Vec         w;
  PetscScalar dot;

  PetscFunctionBeginUser;
  (void)dini;
  (void)ctx;
  PetscCall(DiniTestVec(u, 50, &w));
  PetscCall(VecDot(u, w, &dot));
  *value = PetscRealPart(dot);
  PetscCall(VecDestroy(&w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)u;
  (void)dJdm;
  (void)ctx;
  PetscCall(DiniTestFill(dJdu, 50));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An objective of an eigenvector has its gradient, and no Hessian */
static PetscErrorCode TestObjective(void)
{
  const PetscReal h = 1e-5;
  Spring          chain;
  Vec             u, m, dm, shifted, g;
  PetscReal       value, sides[2];
  PetscScalar     slope;

  PetscFunctionBeginUser;
  PetscCall(SpringCreate(12, PETSC_FALSE, PETSC_FALSE, &chain));
  PetscCall(SpringDini(&chain, DINIPARAMETERMATRIX));
  PetscCall(MatCreateVecs(chain.A, &u, NULL));
  PetscCall(DiniSetState(chain.dini, u));
  PetscCall(DiniSetObjective(chain.dini, Value, Gradient, NULL));
  PetscCall(DiniCreateParameterVec(chain.dini, &m));
  PetscCall(VecDuplicate(m, &shifted));
  PetscCall(VecDuplicate(m, &g));
  PetscCall(DiniTestVec(m, 51, &dm));
  if (PetscDefined(USE_COMPLEX)) PetscCall(VecRealPart(dm));
  PetscCall(DiniComputeObjectiveAndGradient(chain.dini, m, &value, g));
  PetscCall(VecDot(dm, g, &slope));
  DiniTestExpect(DiniHVP(chain.dini, dm, shifted), PETSC_ERR_SUP, "first derivatives only");
  for (int side = 0; side < 2; side++) {
    PetscCall(VecWAXPY(shifted, side ? -h : h, dm, m));
    PetscCall(DiniComputeObjective(chain.dini, shifted, &sides[side]));
  }
  DiniTestClose(PetscRealPart(slope), 0.5 * (sides[0] - sides[1]) / h, 1e-5, 1e-9,
                "slope of an eigenvector's objective");
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&shifted));
  PetscCall(VecDestroy(&g));
  PetscCall(SpringDestroy(&chain));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F_m that forgets the coefficients, and NaN in the matrices */
static PetscErrorCode TestCallbacks(void)
{
  Spring chain;
  Vec    g;

  PetscFunctionBeginUser;
  PetscCall(SpringCreate(7, PETSC_FALSE, PETSC_FALSE, &chain));
  PetscCall(SpringDini(&chain, DINIPARAMETERMATRIX));
  chain.forgetful = PETSC_TRUE;
  PetscCall(DiniCreateParameterVec(chain.dini, &g));
  PetscCall(DiniEigenSolve(chain.dini));
  DiniTestExpect(DiniEigenvalueVJP(chain.dini, 0, 1.0, 0.0, g), PETSC_ERR_ARG_WRONG, "F_m of parameter \"rho\"");
  chain.forgetful = PETSC_FALSE;
  PetscCall(Good(&chain, g));
  PetscCall(VecDestroy(&g));
  PetscCall(SpringDestroy(&chain));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Declared Hermitian and not: the vectors SLEPc returns are none of A, or their left ones are not they */
static PetscScalar Skewed(PetscInt i, PetscInt j, const PetscScalar m[])
{
  return i == j ? m[0] + (PetscReal)i : j > i ? 0.4 * m[1] : 0.0;
}

static PetscErrorCode TestFalseSymmetry(void)
{
  const PetscScalar m[] = {1.0, 1.0};
  Small             small;
  Vec               g;
  PetscErrorCode    ierr;
  PetscInt          n;

  PetscFunctionBeginUser;
  PetscCall(SmallCreate(6, 2, m, Skewed, EPS_HEP, &small));
  PetscCall(DiniCreateParameterVec(small.dini, &g));
  PetscCall(DiniTestCatch());
  ierr = DiniEigenSolve(small.dini);
  PetscCall(DiniTestRelease());
  PetscCall(DiniGetNumberEigenpairs(small.dini, &n));
  DiniTestTrue(ierr || n > 0, "A solve without an error has found no pair");
  for (PetscInt i = 0; i < n && !ierr; i++)
    DiniTestExpectAny(DiniEigenvalueVJP(small.dini, i, 1.0, 0.0, g), "declared Hermitian");
  PetscCall(VecDestroy(&g));
  PetscCall(SmallDestroy(&small));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A complex pair has two parts, in real builds */
static PetscScalar Rotating(PetscInt i, PetscInt j, const PetscScalar m[])
{
  if (i / 2 != j / 2) return 0.0;
  return i == j ? m[0] + (PetscReal)(i / 2) : i % 2 ? m[1] : -m[1];
}

static PetscErrorCode TestParts(void)
{
  const PetscScalar m[] = {1.0, 2.0};
  Small             small;
  Vec               g, u;

  PetscFunctionBeginUser;
  if (PetscDefined(USE_COMPLEX)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(SmallCreate(8, 2, m, Rotating, EPS_NHEP, &small));
  PetscCall(DiniCreateParameterVec(small.dini, &g));
  PetscCall(MatCreateVecs(small.A, &u, NULL));
  PetscCall(DiniSolve(small.dini, u));
  DiniTestExpect(DiniEigenvectorJVP(small.dini, 0, g, u, NULL), PETSC_ERR_ARG_NULL, "needs an imaginary part");
  DiniTestExpect(DiniVJP(small.dini, u, g), PETSC_ERR_SUP, "one of a complex pair");
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&g));
  PetscCall(SmallDestroy(&small));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscCall(SlepcInitialize(&argc, &argv, NULL, help));
  PetscCall(TestPoint());
  PetscCall(TestSolves());
  PetscCall(TestObjective());
  PetscCall(TestCallbacks());
  PetscCall(TestFalseSymmetry());
  PetscCall(TestParts());
  PetscCall(SlepcFinalize());
  return 0;
}
