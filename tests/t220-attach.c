static char help[] =
    "Derivatives at a solution that another program has found: without a forward solve, but not unchecked.\n";

#include "support/fixtures.h"

static PetscErrorCode TestAttach(DiniType type)
{
  Cubic          c;
  Vec            ubar, mbar, lambda;
  DiniStatistics s;
  PetscReal      norm;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(9, DiniTestScalar(0.5, 0.4), &c));
  PetscCall(SNESSolve(c.snes, NULL, c.u)); /* elsewhere */
  c.solves = 0;
  PetscCall(CubicDini(&c, type, DINIPARAMETERMATRIX));
  PetscCall(DiniAttach(c.dini, c.u));
  PetscCall(DiniTestVec(c.u, 91, &ubar));
  PetscCall(VecDuplicate(c.m, &mbar));
  PetscCall(VecDuplicate(c.u, &lambda));
  PetscCall(DiniVJP(c.dini, ubar, mbar));
  PetscCall(DiniTestDotProduct(c.dini, 1e-9));
  PetscCall(CubicJacobian(&c, c.u, c.J));
  PetscCall(DiniTestDirectSolve(c.J, PETSC_TRUE, ubar, lambda));
  PetscCall(DiniTestVecsClose(mbar, lambda, 1e-9, "VJP at an attached state"));
  PetscCall(DiniGetStatistics(c.dini, &s));
  DiniTestCount(s.forward_solves + c.solves, 0, "forward solves");
  PetscCall(CubicResidual(&c, c.u, lambda));
  PetscCall(VecNorm(lambda, NORM_2, &norm));
  DiniTestClose(norm, s.forward_residual, 1e-6, 1e-15, "forward residual in the statistics");
  /* not a solution: refused, and the object has no point then */
  PetscCall(VecShift(c.u, 0.1));
  DiniTestExpect(DiniAttach(c.dini, c.u), PETSC_ERR_NOT_CONVERGED, "F(u, m)");
  DiniTestExpect(DiniVJP(c.dini, ubar, mbar), PETSC_ERR_ORDER, "DiniAttach()");
  PetscCall(VecShift(c.u, -0.1));
  PetscCall(DiniAttach(c.dini, c.u));
  PetscCall(DiniVJP(c.dini, ubar, mbar));
  PetscCall(CubicJacobian(&c, c.u, c.J));
  PetscCall(DiniTestDirectSolve(c.J, PETSC_TRUE, ubar, lambda));
  PetscCall(DiniTestVecsClose(mbar, lambda, 1e-9, "VJP after a refused attach"));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&lambda));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The tolerance is the user's: what is refused at 1e-6 passes at 1e-2. */
static PetscErrorCode TestTolerance(void)
{
  Cubic c;
  Vec   ubar, mbar, expected;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(9, 0.0, &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERRHS));
  PetscCall(VecSet(c.u, 1.0 + 1e-4));
  DiniTestExpect(DiniAttach(c.dini, c.u), PETSC_ERR_NOT_CONVERGED, "-dini_attach_rtol");
  PetscCall(DiniSetAttachTolerances(c.dini, 1e-2, PETSC_DEFAULT));
  PetscCall(DiniAttach(c.dini, c.u));
  PetscCall(DiniTestVec(c.u, 92, &ubar));
  PetscCall(DiniTestVec(c.u, 92, &expected));
  PetscCall(VecDuplicate(c.m, &mbar));
  PetscCall(DiniVJP(c.dini, ubar, mbar));
  PetscCall(VecScale(expected, 1.0 / (1.0 + 3.0 * PetscSqr(1.0 + 1e-4)))); /* the derivative there, not at the root */
  PetscCall(DiniTestVecsClose(mbar, expected, 1e-9, "VJP at an inexact state"));
  PetscCall(DiniSetAttachTolerances(c.dini, 1e-14, 0.5));
  PetscCall(DiniAttach(c.dini, c.u)); /* absolute */
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&expected));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A linear system that the application has solved with its own KSP, before Dini was created. */
static PetscErrorCode TestKSP(void)
{
  Linear l;
  Vec    ubar, mbar, mbar_ref;

  PetscFunctionBeginUser;
  PetscCall(LinearCreate(12, &l));
  PetscCall(LinearAssemble(&l, l.A, l.b));
  PetscCall(KSPSolve(l.ksp, l.b, l.u));
  PetscCall(LinearDini(&l, DINIKSP, DINIPARAMETERMATRIX));
  PetscCall(DiniAttach(l.dini, l.u));
  PetscCall(DiniTestVec(l.u, 93, &ubar));
  PetscCall(VecDuplicate(l.m, &mbar));
  PetscCall(VecDuplicate(l.m, &mbar_ref));
  PetscCall(DiniVJP(l.dini, ubar, mbar));
  PetscCall(LinearAssemble(&l, l.B, l.c));
  PetscCall(LinearFill(&l, l.u, l.m, l.Fm));
  PetscCall(DiniTestReferenceVJP(l.B, l.Fm, ubar, mbar_ref));
  PetscCall(DiniTestVecsClose(mbar, mbar_ref, 1e-9, "VJP of an attached linear system"));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&mbar_ref));
  PetscCall(LinearDestroy(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestAttach(DINISNES));
  PetscCall(TestAttach(DINISHELL));
  PetscCall(TestTolerance());
  PetscCall(TestKSP());
  PetscCall(PetscFinalize());
  return 0;
}
