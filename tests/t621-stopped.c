static char help[] =
    "Where a SNES has stopped: solutions that are none, solves that need no iteration, and what Dini says of J.\n";

#include "support/fixtures.h"

/* Solves, and differentiates where it can: right, or the error with these words */
static PetscErrorCode TestStop(ChainGives gives, const char options[], PetscReal start, const char words[])
{
  Chain               c;
  Vec                 x, mbar, expected;
  PetscErrorCode      ierr;
  PetscBool           right;
  DiniConvergedReason reason;

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(ChainCreate(11, gives, &c));
  PetscCall(ChainDini(&c));
  PetscCall(VecSet(c.u, start));
  PetscCall(DiniTestCatch());
  ierr = DiniSolve(c.dini, c.u);
  PetscCall(DiniTestRelease());
  right = (PetscBool)!ierr;
  DiniTestTrue(right == (PetscBool)!words, "%s: %s: %s", options, right ? "accepted" : "refused", DiniTestMessages());
  if (words) {
    DiniTestTrue(ierr == PETSC_ERR_NOT_CONVERGED, "%s: error %d", options, (int)ierr);
    PetscCall(DiniTestTextHas(DiniTestMessages(), words));
    PetscCall(DiniGetConvergedReason(c.dini, &reason));
    DiniTestTrue(reason == DINI_DIVERGED_FORWARD_RESIDUAL, "%s: reason %d", options, (int)reason);
    PetscCall(DiniSetErrorIfNotConverged(c.dini, PETSC_FALSE));
    PetscCall(VecSet(c.u, start));
    PetscCall(DiniSolve(c.dini, c.u));
    PetscCall(DiniGetConvergedReason(c.dini, &reason));
    DiniTestTrue(reason == DINI_DIVERGED_FORWARD_RESIDUAL, "%s: reason %d without errors", options, (int)reason);
  } else {
    PetscCall(DiniTestVec(c.u, 3, &x));
    PetscCall(VecDuplicate(c.u, &mbar));
    PetscCall(VecDuplicate(c.u, &expected));
    PetscCall(DiniVJP(c.dini, x, mbar));
    PetscCall(ChainReference(&c, PETSC_TRUE, x, expected));
    PetscCall(DiniTestVecsClose(mbar, expected, 1e-7, options));
    PetscCall(VecDestroy(&x));
    PetscCall(VecDestroy(&mbar));
    PetscCall(VecDestroy(&expected));
  }
  PetscCall(ChainDestroy(&c));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A SNES that says "converged" says it of |F| only with some of its reasons. */
static PetscErrorCode TestStops(void)
{
  PetscFunctionBeginUser;
  PetscCall(TestStop(CHAIN_CALLBACK, "-snes_type ksponly", 0.5, "CONVERGED_ITS"));
  PetscCall(TestStop(CHAIN_CALLBACK, "-snes_type ksptransposeonly", 0.5, "CONVERGED_ITS"));
  PetscCall(TestStop(CHAIN_CALLBACK, "-snes_stol 0.5", 0.5, "CONVERGED_SNORM_RELATIVE"));
  PetscCall(TestStop(CHAIN_CALLBACK, "-snes_stol 1e-7", 0.5, NULL));
  PetscCall(TestStop(CHAIN_CALLBACK, "-snes_convergence_test skip -snes_max_it 1", 0.5, "CONVERGED_ITS"));
  PetscCall(
      TestStop(CHAIN_CALLBACK, "-snes_convergence_test skip -snes_max_it 12 -snes_linesearch_type basic", 0.5, NULL));
  PetscCall(TestStop(CHAIN_NONE, "-snes_type nrichardson -snes_stol 0.9", 0.5, "CONVERGED_SNORM_RELATIVE"));
  if (!PetscDefined(USE_COMPLEX)) { /* the secants of PETSc's NGS are real */
    PetscCall(TestStop(CHAIN_LOCAL_F, "-snes_type ngs -snes_ngs_secant -snes_norm_schedule none -snes_max_it 1", 0.5,
                       "CONVERGED_ITS"));
    PetscCall(
        TestStop(CHAIN_LOCAL_F, "-snes_type ngs -snes_ngs_secant -snes_norm_schedule none -snes_max_it 40", 0.5, NULL));
  }
  PetscCall(TestStop(CHAIN_LOCAL, "-snes_type nasm -snes_norm_schedule none -snes_max_it 60 -snes_nasm_type basic", 0.5,
                     NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One linear solve is as good as its KSP, where the relation is linear. */
static PetscErrorCode TestLinear(void)
{
  const char options[] = "-snes_type ksponly -ksp_rtol 1e-5";
  Linear     l;
  Vec        x, mbar;

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(LinearCreate(12, &l));
  PetscCall(LinearDini(&l, DINISNES, DINIPARAMETERMATRIX));
  PetscCall(SNESSetFromOptions(l.snes));
  PetscCall(DiniSolve(l.dini, l.u));
  PetscCall(DiniTestVec(l.u, 3, &x));
  PetscCall(VecDuplicate(l.m, &mbar));
  PetscCall(DiniVJP(l.dini, x, mbar));
  PetscCall(DiniTestDotProduct(l.dini, 1e-8));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&mbar));
  PetscCall(LinearDestroy(&l));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The application's own loop around F, right or not */
static PetscErrorCode ShellSolve(SNES snes, Vec u)
{
  Chain *c;
  Mat    J;
  Vec    F, d;

  PetscFunctionBeginUser;
  PetscCall(SNESShellGetContext(snes, &c));
  PetscCall(MatDuplicate(c->A, MAT_COPY_VALUES, &J));
  PetscCall(VecDuplicate(u, &F));
  PetscCall(VecDuplicate(u, &d));
  for (PetscInt k = 0; k < c->residuals; k++) { /* so many steps */
    PetscCall(SNESComputeFunction(snes, u, F));
    c->residuals--;
    PetscCall(ChainJacobian(c, u, J));
    PetscCall(DiniTestDirectSolve(J, PETSC_FALSE, F, d));
    PetscCall(VecAXPY(u, -1.0, d));
  }
  PetscCall(VecDestroy(&F));
  PetscCall(VecDestroy(&d));
  PetscCall(MatDestroy(&J));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestShell(ChainGives gives)
{
  const char options[] = "-snes_type shell";
  Chain      c;
  Vec        x, mbar, expected;

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(ChainCreate(7, gives, &c));
  PetscCall(SNESShellSetSolve(c.snes, ShellSolve));
  PetscCall(SNESShellSetContext(c.snes, &c));
  PetscCall(ChainDini(&c));
  c.residuals = 1;
  DiniTestExpect(DiniSolve(c.dini, c.u), PETSC_ERR_NOT_CONVERGED, "CONVERGED_ITS");
  c.residuals = 9;
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniTestVec(c.u, 3, &x));
  PetscCall(VecDuplicate(c.u, &mbar));
  PetscCall(VecDuplicate(c.u, &expected));
  PetscCall(DiniVJP(c.dini, x, mbar));
  PetscCall(ChainReference(&c, PETSC_TRUE, x, expected));
  PetscCall(DiniTestVecsClose(mbar, expected, 1e-7, options));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&expected));
  PetscCall(ChainDestroy(&c));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From the solution: no iteration, so no J, no preconditioner, of whatever type; each is made once, and counted. */
static PetscErrorCode TestZero(ChainGives gives, const char options[], PetscInt assemblies)
{
  Chain          c;
  Vec            x, mbar, expected;
  PetscInt       its;
  DiniStatistics s;

  PetscFunctionBeginUser;
  PetscCall(ChainCreate(9, CHAIN_CALLBACK, &c)); /* finds the solution */
  PetscCall(ChainDini(&c));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(VecDuplicate(c.u, &expected));
  PetscCall(VecCopy(c.u, expected));
  PetscCall(ChainDestroy(&c));
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(ChainCreate(9, gives, &c));
  PetscCall(SNESSetTolerances(c.snes, 1e-9, 1e-9, 0.0, 50, 1000));
  PetscCall(ChainDini(&c));
  PetscCall(VecCopy(expected, c.u));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(SNESGetIterationNumber(c.snes, &its));
  DiniTestCount(its, 0, options);
  PetscCall(DiniTestVec(c.u, 3, &x));
  PetscCall(VecDuplicate(c.u, &mbar));
  for (int k = 0; k < 2; k++) {
    PetscCall(DiniVJP(c.dini, x, mbar));
    PetscCall(ChainReference(&c, PETSC_TRUE, x, expected));
    PetscCall(DiniTestVecsClose(mbar, expected, 1e-7, options));
  }
  PetscCall(DiniGetStatistics(c.dini, &s));
  DiniTestCount(s.jacobian_assemblies, assemblies, options);
  DiniTestCount(s.pc_setups, 1, options);
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&expected));
  PetscCall(ChainDestroy(&c));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* At u = 0 the frozen matrix is dF/du, and passes the guard; at the next point it is not. */
static PetscErrorCode TestFromZero(void)
{
  Chain            c;
  Vec              x, mbar, expected, m;
  DiniJacobianType used;

  PetscFunctionBeginUser;
  PetscCall(ChainCreate(9, CHAIN_FROZEN, &c));
  PetscCall(DiniTestVec(c.u, 3, &x));
  PetscCall(VecDuplicate(c.u, &mbar));
  PetscCall(VecDuplicate(c.u, &expected));
  PetscCall(VecDuplicate(c.m, &m));
  PetscCall(VecCopy(c.m, m));
  PetscCall(VecSet(c.m, 0.0));
  PetscCall(ChainDini(&c));
  for (int k = 0; k < 2; k++) {
    PetscCall(DiniSolve(c.dini, c.u));
    PetscCall(DiniVJP(c.dini, x, mbar));
    PetscCall(ChainReference(&c, PETSC_TRUE, x, expected));
    PetscCall(DiniTestVecsClose(mbar, expected, 1e-7, k ? "VJP at u" : "VJP at u = 0"));
    PetscCall(DiniGetJacobianType(c.dini, &used));
    DiniTestTrue(used == (k ? DINI_JACOBIAN_COLORING : DINI_JACOBIAN_GIVEN), "J is of type %s",
                 DiniJacobianTypes[used]);
    PetscCall(VecCopy(m, c.m));
  }
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&expected));
  PetscCall(ChainDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The user is told: by DiniView() and by DiniCheck(), which checks the J that derivatives use. */
static PetscErrorCode TestTold(void)
{
  Chain          c;
  PetscViewer    viewer;
  char           text[16384];
  Vec            x, mbar;
  DiniStatistics s;

  PetscFunctionBeginUser;
  PetscCall(ChainCreate(9, CHAIN_PICARD, &c));
  PetscCall(SNESSetTolerances(c.snes, 1e-14, 1e-14, 0.0, 200, 5000));
  PetscCall(ChainDini(&c));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniTestTextOpen(&viewer));
  PetscCall(DiniCheck(c.dini, viewer));
  PetscCall(DiniTestTextClose(&viewer, text, sizeof(text)));
  PetscCall(DiniTestTextHas(text, "coloured differences on the pattern of the given matrix"));
  PetscCall(DiniTestVec(c.u, 3, &x));
  PetscCall(VecDuplicate(c.u, &mbar));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniVJP(c.dini, x, mbar));
  PetscCall(DiniGetStatistics(c.dini, &s));
  DiniTestCount(s.pc_setups, 0, "set-ups, with Picard's preconditioner to hand");
  PetscCall(DiniTestTextOpen(&viewer));
  PetscCall(DiniView(c.dini, viewer));
  PetscCall(DiniTestTextClose(&viewer, text, sizeof(text)));
  PetscCall(DiniTestTextHas(text, "coloured differences on the pattern of the given matrix"));
  PetscCall(DiniTestTextHas(text, "a Picard or otherwise approximate matrix"));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&mbar));
  PetscCall(ChainDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ShellMult(Mat J, Vec x, Vec y)
{
  Chain *c;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(J, &c));
  PetscCall(MatMult(c->Jown, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FillBoth(Dini dini, Vec u, Mat J, Mat P, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)J;
  PetscCall(ChainJacobian((Chain *)ctx, u, P));
  PetscCall(ChainJacobian((Chain *)ctx, u, ((Chain *)ctx)->Jown));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What DiniSetJacobian() may be given: a J that has a product only, a pattern only, both beside a SNES without any. */
static PetscErrorCode TestGiven(PetscBool pattern)
{
  Chain            c;
  Mat              J, P;
  Vec              x, y, expected;
  DiniJacobianType used;
  PetscInt         n;
  const char       options[] = "-snes_type anderson";

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(ChainCreate(8, CHAIN_NONE, &c));
  PetscCall(ChainDini(&c));
  PetscCall(DiniSetJacobianMaxColumns(c.dini, 0));
  PetscCall(MatDuplicate(c.A, MAT_DO_NOT_COPY_VALUES, &P));
  PetscCall(VecGetLocalSize(c.u, &n));
  PetscCall(MatCreateShell(PETSC_COMM_WORLD, n, n, 8, 8, &c, &J));
  PetscCall(MatShellSetOperation(J, MATOP_MULT, (void (*)(void))ShellMult));
  if (pattern) PetscCall(DiniSetJacobian(c.dini, P, NULL, NULL, NULL));
  else PetscCall(DiniSetJacobian(c.dini, J, P, FillBoth, &c));
  if (pattern) PetscCall(DiniSetJacobianType(c.dini, DINI_JACOBIAN_COLORING));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniTestVec(c.u, 3, &x));
  PetscCall(VecDuplicate(c.u, &y));
  PetscCall(VecDuplicate(c.u, &expected));
  for (int k = 0; k < 3; k++) {
    PetscCall(ChainReference(&c, (PetscBool)(k % 2), x, expected));
    if (k % 2) PetscCall(DiniVJP(c.dini, x, y));
    else PetscCall(DiniJVP(c.dini, x, y));
    PetscCall(DiniTestVecsClose(y, expected, 1e-7, pattern ? "from a pattern" : "from a product"));
  }
  PetscCall(DiniGetJacobianType(c.dini, &used));
  DiniTestTrue(used == (pattern ? DINI_JACOBIAN_COLORING : DINI_JACOBIAN_GIVEN), "J is of type %s",
               DiniJacobianTypes[used]);
  PetscCall(MatDestroy(&J));
  PetscCall(MatDestroy(&P));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&y));
  PetscCall(VecDestroy(&expected));
  PetscCall(ChainDestroy(&c));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestStops());
  PetscCall(TestLinear());
  PetscCall(TestShell(CHAIN_CALLBACK));
  PetscCall(TestShell(CHAIN_NONE));
  PetscCall(TestZero(CHAIN_CALLBACK, "-snes_type newtonls", 1));
  PetscCall(TestZero(CHAIN_CALLBACK, "-snes_type newtonls -ksp_type preonly -pc_type redundant", 1));
  PetscCall(TestZero(CHAIN_CALLBACK, "-snes_type ngmres", 1));
  PetscCall(TestZero(CHAIN_NONE, "-snes_type qn", 1));
  PetscCall(TestZero(CHAIN_LOCAL_F, "-snes_type anderson", 1));
  PetscCall(TestZero(CHAIN_PICARD, "-snes_type newtonls", 1));
  PetscCall(TestGiven(PETSC_FALSE));
  PetscCall(TestGiven(PETSC_TRUE));
  PetscCall(TestFromZero());
  PetscCall(TestTold());
  PetscCall(PetscFinalize());
  return 0;
}
