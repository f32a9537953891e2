static char help[] =
    "Calls in the wrong order or at the wrong point: code and words on every rank, and the object serves afterwards.\n";

#include "support/fixtures.h"

typedef struct {
  Cubic c;
  Vec   ubar, mbar, dm, du;
} Case;

static PetscErrorCode CaseCreate(DiniType type, DiniParameterType kind, Case *k)
{
  PetscFunctionBeginUser;
  PetscCall(CubicCreate(9, DiniTestScalar(0.5, 0.3), &k->c));
  PetscCall(CubicDini(&k->c, type, kind));
  PetscCall(DiniTestVec(k->c.u, 1, &k->ubar));
  PetscCall(DiniTestVec(k->c.m, 2, &k->dm));
  PetscCall(VecDuplicate(k->c.m, &k->mbar));
  PetscCall(VecDuplicate(k->c.u, &k->du));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The object still works: a solve and a VJP against the reference. */
static PetscErrorCode CaseServes(Case *k)
{
  Mat J;

  PetscFunctionBeginUser;
  PetscCall(DiniSolve(k->c.dini, k->c.u));
  PetscCall(DiniVJP(k->c.dini, k->ubar, k->mbar));
  PetscCall(MatDuplicate(k->c.S, MAT_DO_NOT_COPY_VALUES, &J));
  PetscCall(CubicJacobian(&k->c, k->c.u, J));
  PetscCall(DiniTestDirectSolve(J, PETSC_TRUE, k->ubar, k->du));
  PetscCall(DiniTestVecsClose(k->mbar, k->du, 1e-6, "VJP after an error"));
  PetscCall(MatDestroy(&J));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CaseDestroy(Case *k)
{
  PetscFunctionBeginUser;
  PetscCall(VecDestroy(&k->ubar));
  PetscCall(VecDestroy(&k->dm));
  PetscCall(VecDestroy(&k->mbar));
  PetscCall(VecDestroy(&k->du));
  PetscCall(CubicDestroy(&k->c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestBeforeSolve(DiniType type)
{
  Case k;
  Mat  M;

  PetscFunctionBeginUser;
  PetscCall(CaseCreate(type, DINIPARAMETERRHS, &k));
  DiniTestExpect(DiniVJP(k.c.dini, k.ubar, k.mbar), PETSC_ERR_ORDER, "DiniSolve()");
  DiniTestExpect(DiniJVP(k.c.dini, k.dm, k.du), PETSC_ERR_ORDER, "DiniSolve()");
  DiniTestExpect(DiniTangentSolve(k.c.dini, k.dm, k.du), PETSC_ERR_ORDER, "DiniSolve()");
  DiniTestExpect(DiniAdjointSolve(k.c.dini, k.dm, k.du), PETSC_ERR_ORDER, "DiniSolve()");
  DiniTestExpect(DiniGetJacobian(k.c.dini, &M, NULL), PETSC_ERR_ORDER, "DiniSolve()");
  DiniTestExpect(DiniGetParameterJacobian(k.c.dini, k.c.p, &M), PETSC_ERR_ORDER, "DiniSolve()");
  DiniTestExpect(DiniGetDerivative(k.c.dini, &M), PETSC_ERR_ORDER, "DiniSolve()");
  DiniTestExpect(DiniCheck(k.c.dini, PETSC_VIEWER_STDOUT_WORLD), PETSC_ERR_ORDER, "DiniSolve()");
  PetscCall(CaseServes(&k));
  PetscCall(CaseDestroy(&k));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What was solved for is no longer what is asked: refused by name, whether or not something was derived before. */
static PetscErrorCode TestChanged(DiniType type, PetscBool derived)
{
  Case k;

  PetscFunctionBeginUser;
  PetscCall(CaseCreate(type, DINIPARAMETERMATRIX, &k));
  PetscCall(DiniSolve(k.c.dini, k.c.u));
  if (derived) PetscCall(DiniVJP(k.c.dini, k.ubar, k.mbar));
  PetscCall(VecShift(k.c.m, 1e-3));
  DiniTestExpect(DiniVJP(k.c.dini, k.ubar, k.mbar), PETSC_ERR_ARG_WRONGSTATE, "\"m\"");
  DiniTestExpect(DiniJVP(k.c.dini, k.dm, k.du), PETSC_ERR_ARG_WRONGSTATE, "\"m\"");
  PetscCall(CaseServes(&k));
  PetscCall(VecShift(k.c.u, 1e-3));
  DiniTestExpect(DiniVJP(k.c.dini, k.ubar, k.mbar), PETSC_ERR_ARG_WRONGSTATE, "u has been changed");
  DiniTestExpect(DiniJVP(k.c.dini, k.dm, k.du), PETSC_ERR_ARG_WRONGSTATE, "u has been changed");
  PetscCall(CaseServes(&k));
  /* one entry on one rank */
  {
    PetscInt N;

    PetscCall(VecGetSize(k.c.m, &N));
    PetscCall(VecSetValue(k.c.m, N - 1, 2.5, INSERT_VALUES));
    PetscCall(VecAssemblyBegin(k.c.m));
    PetscCall(VecAssemblyEnd(k.c.m));
  }
  DiniTestExpect(DiniVJP(k.c.dini, k.ubar, k.mbar), PETSC_ERR_ARG_WRONGSTATE, "\"m\"");
  PetscCall(CaseServes(&k));
  /* new values through DiniSetParameters() */
  PetscCall(VecSet(k.dm, 1.5));
  PetscCall(DiniSetParameters(k.c.dini, k.dm));
  DiniTestExpectAny(DiniVJP(k.c.dini, k.ubar, k.mbar), "DiniSolve()");
  PetscCall(CaseServes(&k));
  PetscCall(CaseDestroy(&k));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestUnconverged(void)
{
  Case                k;
  DiniConvergedReason reason;
  DiniStatistics      s;

  PetscFunctionBeginUser;
  PetscCall(CaseCreate(DINISNES, DINIPARAMETERRHS, &k));
  PetscCall(SNESSetTolerances(k.c.snes, 1e-14, 1e-14, 0.0, 1, 1000));
  DiniTestExpect(DiniSolve(k.c.dini, k.c.u), PETSC_ERR_NOT_CONVERGED, "DIVERGED_MAX_IT");
  PetscCall(DiniGetConvergedReason(k.c.dini, &reason));
  DiniTestTrue(reason == DINI_DIVERGED_FORWARD, "Reason %d after a failed forward solve", (int)reason);
  PetscCall(DiniGetStatistics(k.c.dini, &s));
  DiniTestCount(s.forward_failures, 1, "forward failures");
  DiniTestCount(s.forward_solves, 0, "forward solves");
  DiniTestExpect(DiniVJP(k.c.dini, k.ubar, k.mbar), PETSC_ERR_ORDER, "");
  /* without the error: the reason tells, and derivatives stay refused */
  PetscCall(DiniSetErrorIfNotConverged(k.c.dini, PETSC_FALSE));
  PetscCall(VecSet(k.c.u, 0.0));
  PetscCall(DiniSolve(k.c.dini, k.c.u));
  PetscCall(DiniGetConvergedReason(k.c.dini, &reason));
  DiniTestTrue(reason == DINI_DIVERGED_FORWARD, "Reason %d after a failed forward solve", (int)reason);
  DiniTestExpect(DiniVJP(k.c.dini, k.ubar, k.mbar), PETSC_ERR_ORDER, "");
  PetscCall(SNESSetTolerances(k.c.snes, 1e-14, 1e-14, 0.0, 50, 1000));
  PetscCall(CaseServes(&k));
  /* a failure after a success: the point of the success must not serve */
  PetscCall(SNESSetTolerances(k.c.snes, 1e-14, 1e-14, 0.0, 1, 1000));
  PetscCall(VecSet(k.c.m, 30.0));
  PetscCall(DiniSolve(k.c.dini, k.c.u));
  DiniTestExpect(DiniVJP(k.c.dini, k.ubar, k.mbar), PETSC_ERR_ORDER, "");
  PetscCall(SNESSetTolerances(k.c.snes, 1e-14, 1e-14, 0.0, 50, 1000));
  PetscCall(CaseServes(&k));
  PetscCall(CaseDestroy(&k));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode NoJacobianResidual(Dini dini, Vec u, Vec F, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(CubicResidual((Cubic *)ctx, u, F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ExactJacobian(Dini dini, Vec u, Mat J, Mat P, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)J;
  PetscCall(CubicJacobian((Cubic *)ctx, u, P));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Nothing(Dini dini, Vec u, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)ctx;
  PetscCall(VecSet(u, 1.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Each missing piece is named, with the call that gives it. */
static PetscErrorCode TestMissing(void)
{
  Cubic c;
  Dini  dini;
  Vec   v, w;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(9, 0.0, &c));
  PetscCall(VecDuplicate(c.u, &v));
  PetscCall(VecSet(c.u, 1.0));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  DiniTestExpect(DiniSolve(dini, c.u), PETSC_ERR_ORDER, "DiniSetSNES()");
  DiniTestExpect(DiniAttach(dini, c.u), PETSC_ERR_ORDER, "DiniSet");
  DiniTestExpect(DiniSetType(dini, "nosuch"), PETSC_ERR_ARG_UNKNOWN_TYPE, "nosuch");
  PetscCall(DiniSetType(dini, DINISNES));
  DiniTestExpect(DiniSolve(dini, c.u), PETSC_ERR_ORDER, "DiniSetSNES()");
  PetscCall(DiniSetType(dini, DINIKSP));
  DiniTestExpect(DiniSolve(dini, c.u), PETSC_ERR_ORDER, "DiniSet");
  PetscCall(DiniSetType(dini, DINISHELL));
  DiniTestExpect(DiniSolve(dini, c.u), PETSC_ERR_ORDER, "DiniSetResidual()");
  PetscCall(DiniSetResidual(dini, NoJacobianResidual, &c));
  DiniTestExpect(DiniSolve(dini, c.u), PETSC_ERR_ORDER, "DiniSetSolve()");
  PetscCall(DiniSetSolve(dini, Nothing, NULL));
  PetscCall(DiniSolve(dini, c.u));
  PetscCall(VecDuplicate(c.u, &w));
  PetscCall(VecSet(w, 1.0));
  DiniTestExpect(DiniVJP(dini, w, v), PETSC_ERR_ORDER, "DiniSetJacobian()");
  PetscCall(DiniSetJacobian(dini, c.J, c.J, ExactJacobian, &c));
  PetscCall(DiniSolve(dini, c.u));
  DiniTestExpect(DiniVJP(dini, w, v), PETSC_ERR_ORDER, "DiniAddParameter()");
  PetscCall(DiniAddParameter(dini, "m", c.m, NULL));
  PetscCall(DiniSetParameterType(dini, 0, DINIPARAMETERMATRIX));
  PetscCall(DiniSolve(dini, c.u));
  DiniTestExpect(DiniVJP(dini, w, v), PETSC_ERR_ORDER, "DiniSetParameterJacobian()");
  PetscCall(DiniSetParameterType(dini, 0, DINIPARAMETEROPERATOR));
  PetscCall(DiniSolve(dini, c.u));
  DiniTestExpect(DiniVJP(dini, w, v), PETSC_ERR_ORDER, "DiniSetParameterOperator()");
  PetscCall(DiniSetParameterType(dini, 0, DINIPARAMETERRHS));
  PetscCall(DiniSolve(dini, c.u));
  PetscCall(DiniVJP(dini, w, v)); /* nothing is missing any more */
  PetscCall(VecScale(w, 0.25));
  PetscCall(DiniTestVecsClose(v, w, 1e-9, "VJP with all pieces"));
  PetscCall(VecDestroy(&w));
  PetscCall(DiniDestroy(&dini));
  PetscCall(VecDestroy(&v));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F = u^2 - m at m = 0 is solved by u = 0, where J = 0. */
static PetscErrorCode SquareResidual(Dini dini, Vec u, Vec F, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecPointwiseMult(F, u, u));
  PetscCall(VecAXPY(F, -1.0, ((Cubic *)ctx)->m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SquareJacobian(Dini dini, Vec u, Mat J, Mat P, void *ctx)
{
  Vec d = ((Cubic *)ctx)->d;

  PetscFunctionBeginUser;
  (void)dini;
  (void)J;
  PetscCall(MatZeroEntries(P));
  PetscCall(VecCopy(u, d));
  PetscCall(VecScale(d, 2.0));
  PetscCall(MatDiagonalSet(P, d, INSERT_VALUES));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestSingular(const char options[])
{
  Cubic c;
  Dini  dini;
  Vec   ubar, mbar;

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(CubicCreate(9, 0.0, &c));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetType(dini, DINISHELL));
  PetscCall(DiniSetResidual(dini, SquareResidual, &c));
  PetscCall(DiniSetJacobian(dini, c.J, c.J, SquareJacobian, &c));
  PetscCall(DiniAddParameter(dini, "m", c.m, NULL));
  PetscCall(DiniSetParameterType(dini, 0, DINIPARAMETERRHS));
  PetscCall(DiniSetFromOptions(dini));
  PetscCall(DiniTestVec(c.u, 3, &ubar));
  PetscCall(VecDuplicate(c.m, &mbar));
  PetscCall(VecSet(c.m, 0.0));
  PetscCall(VecSet(c.u, 0.0));
  PetscCall(DiniAttach(dini, c.u));
  DiniTestExpectAny(DiniVJP(dini, ubar, mbar), "");
  PetscCall(VecSet(c.m, 4.0)); /* u = 2, J = 4 */
  PetscCall(VecSet(c.u, 2.0));
  PetscCall(DiniAttach(dini, c.u));
  PetscCall(DiniVJP(dini, ubar, mbar));
  PetscCall(VecScale(ubar, 0.25));
  PetscCall(DiniTestVecsClose(mbar, ubar, 1e-9, "VJP after a singular point"));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(DiniDestroy(&dini));
  PetscCall(CubicDestroy(&c));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A SNES that becomes the solver of a variational inequality after the set-up is another relation. */
static PetscErrorCode TestVI(void)
{
  Case k;

  PetscFunctionBeginUser;
  PetscCall(CaseCreate(DINISNES, DINIPARAMETERRHS, &k));
  PetscCall(DiniSetUp(k.c.dini));
  PetscCall(SNESSetType(k.c.snes, SNESVINEWTONRSLS));
  {
    PetscErrorCode ierr;

    PetscCall(DiniTestCatch());
    ierr = DiniSolve(k.c.dini, k.c.u);
    if (!ierr) ierr = DiniVJP(k.c.dini, k.ubar, k.mbar);
    PetscCall(
        DiniTestCaught(ierr, PETSC_ERR_ARG_WRONGSTATE, "vinewtonrsls", "a variational inequality", __FILE__, __LINE__));
  }
  PetscCall(SNESSetType(k.c.snes, SNESNEWTONLS));
  PetscCall(CaseServes(&k));
  PetscCall(CaseDestroy(&k));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestBeforeSolve(DINISNES));
  PetscCall(TestBeforeSolve(DINISHELL));
  for (int derived = 0; derived < 2; derived++) {
    PetscCall(TestChanged(DINISNES, (PetscBool)derived));
    PetscCall(TestChanged(DINISHELL, (PetscBool)derived));
  }
  PetscCall(TestUnconverged());
  PetscCall(TestMissing());
  PetscCall(TestSingular(""));
  PetscCall(TestSingular("-dini_pc_type none"));
  PetscCall(TestSingular("-dini_pc_type redundant"));
  PetscCall(TestVI());
  PetscCall(PetscFinalize());
  return 0;
}
