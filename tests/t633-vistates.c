static char help[] =
    "Variational inequalities: states accepted and refused, hidden bounds, errors inside, an objective.\n";

#include "support/fixtures.h"

/* ---- States ---- */

static PetscErrorCode SolveFor(Dini dini, Vec u, void *ctx)
{
  Contact *c = (Contact *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecSet(u, 0.0));
  PetscCall(SNESSolve(c->snes, NULL, u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestStates(SNESType type)
{
  Contact        c;
  DiniStatistics stats;
  Vec            dm, du, again, v;

  PetscFunctionBeginUser;
  PetscCall(ContactCreate(10, type, NULL, PETSC_FALSE, &c));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniTestVec(c.m, 4, &dm));
  PetscCall(VecDuplicate(c.u, &du));
  PetscCall(VecDuplicate(c.u, &again));
  PetscCall(VecDuplicate(c.u, &v));
  PetscCall(DiniJVP(c.dini, dm, du));
  PetscCall(DiniGetStatistics(c.dini, &stats));
  DiniTestTrue(stats.forward_residual < 1e-6, "The residual of a solution is %g", (double)stats.forward_residual);
  /* found elsewhere, though |F| is of the size of m where the obstacle bears */
  PetscCall(VecCopy(c.u, v));
  PetscCall(DiniAttach(c.dini, v));
  PetscCall(DiniGetStatistics(c.dini, &stats));
  DiniTestTrue(stats.forward_residual < 1e-6, "The residual of an attached solution is %g",
               (double)stats.forward_residual);
  PetscCall(DiniJVP(c.dini, dm, again));
  PetscCall(DiniTestVecsClose(du, again, 1e-8, "tangent at an attached solution"));
  PetscCall(DiniSetSolve(c.dini, SolveFor, &c));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniJVP(c.dini, dm, again));
  PetscCall(DiniTestVecsClose(du, again, 1e-8, "tangent after a solve of the application's own"));
  PetscCall(DiniSetSolve(c.dini, NULL, NULL));
  /* no solutions: below the obstacle, above the solution, and that of F = 0, which the obstacle cuts */
  PetscCall(VecShift(v, -0.1));
  DiniTestExpect(DiniAttach(c.dini, v), PETSC_ERR_NOT_CONVERGED, "is not a solution");
  PetscCall(VecShift(v, 0.2));
  DiniTestExpect(DiniAttach(c.dini, v), PETSC_ERR_NOT_CONVERGED, "is not a solution");
  PetscCall(DiniTestDirectSolve(c.T, PETSC_FALSE, c.m, v));
  DiniTestExpect(DiniAttach(c.dini, v), PETSC_ERR_NOT_CONVERGED, "is not a solution");
  /* the obstacle moves after the solve */
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(VecShift(c.lower, 0.1));
  DiniTestExpect(DiniJVP(c.dini, dm, again), PETSC_ERR_ARG_WRONGSTATE, "The lower bound of the SNES has been changed");
  PetscCall(VecShift(c.lower, -0.1));
  PetscCall(DiniSolve(c.dini, c.u));
  /* an error inside the solve leaves a SNES that still solves */
  c.fail = PETSC_TRUE;
  DiniTestExpectAny(DiniSolve(c.dini, c.u), "");
  c.fail = PETSC_FALSE;
  PetscCall(VecSet(c.u, 0.0));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniJVP(c.dini, dm, again));
  PetscCall(DiniTestVecsClose(du, again, 1e-7, "tangent after an error"));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&again));
  PetscCall(VecDestroy(&v));
  PetscCall(ContactDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  An upper bound of 1e20 is none, but a semismooth method, whose function mixes F with the distance to it, takes any state for a
  solution. DiniSolve() and DiniAttach() are of one mind: what is no solution is refused by both, or it is one.
*/
static PetscErrorCode TestFar(SNESType type, PetscReal upper)
{
  Contact             c;
  Vec                 found;
  DiniConvergedReason solved, attached;

  PetscFunctionBeginUser;
  PetscCall(ContactCreate(10, type, NULL, PETSC_FALSE, &c));
  PetscCall(VecSet(c.upper, upper));
  PetscCall(SNESVISetVariableBounds(c.snes, c.lower, c.upper));
  PetscCall(VecDuplicate(c.u, &found));
  PetscCall(VecCopy(c.u, found));
  PetscCall(DiniSetErrorIfNotConverged(c.dini, PETSC_FALSE));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniGetConvergedReason(c.dini, &solved));
  PetscCall(VecCopy(c.u, found));
  PetscCall(DiniAttach(c.dini, found));
  PetscCall(DiniGetConvergedReason(c.dini, &attached));
  DiniTestTrue((solved > 0) == (attached > 0), "%s, bound %g: solve %d, attach %d", type, (double)upper, (int)solved,
               (int)attached);
  PetscCall(VecDestroy(&found));
  PetscCall(ContactDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

#if defined(PETSC_USE_COMPLEX)
/* Numbers that are not real have no order. */
static PetscErrorCode TestComplex(SNESType type)
{
  Contact c;
  Vec     ubar, mbar;

  PetscFunctionBeginUser;
  PetscCall(ContactCreate(6, type, NULL, PETSC_FALSE, &c));
  PetscCall(VecSet(c.lower, -100.0));
  PetscCall(VecShift(c.m, PetscCMPLX(0.0, 0.3)));
  PetscCall(DiniTestDirectSolve(c.T, PETSC_FALSE, c.m, c.u));
  PetscCall(DiniAttach(c.dini, c.u));
  PetscCall(DiniTestVec(c.u, 4, &ubar));
  PetscCall(VecDuplicate(c.m, &mbar));
  DiniTestExpect(DiniVJP(c.dini, ubar, mbar), PETSC_ERR_ARG_WRONG, "orders real numbers, but u has imaginary parts");
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(ContactDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}
#endif

/* ---- Bounds that hang on parameters by a hidden way ---- */

static PetscErrorCode UpdateObstacle(Dini dini, Vec m, void *ctx)
{
  Contact *c = (Contact *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecCopy(m, c->lower));
  PetscCall(VecScale(c->lower, 2.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestHidden(SNESType type, DiniParameterType kind)
{
  Contact  c;
  Vec      ubar, mbar;
  PetscInt p;

  PetscFunctionBeginUser;
  PetscCall(ContactCreate(7, type, NULL, PETSC_FALSE, &c));
  PetscCall(VecDuplicate(c.u, &c.hidden));
  PetscCall(VecSet(c.hidden, -0.9));
  PetscCall(DiniAddParameter(c.dini, "hidden", c.hidden, &p));
  PetscCall(DiniSetParameterUpdate(c.dini, p, UpdateObstacle, &c));
  PetscCall(DiniSetParameterType(c.dini, p, kind));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniTestVec(c.u, 4, &ubar));
  PetscCall(DiniCreateParameterVec(c.dini, &mbar));
  DiniTestExpect(DiniVJP(c.dini, ubar, mbar), PETSC_ERR_SUP, "Parameter \"hidden\" changes the lower bound");
  DiniTestExpect(DiniVJP(c.dini, ubar, mbar), PETSC_ERR_SUP, "Parameter \"hidden\" changes the lower bound");
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(ContactDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ComputeBounds(SNES snes, Vec lower, Vec upper)
{
  Contact *c;

  PetscFunctionBeginUser;
  PetscCall(SNESGetApplicationContext(snes, &c));
  PetscCall(VecSet(upper, PETSC_INFINITY));
  PetscCall(VecCopy(c->hidden ? c->hidden : c->m, lower));
  if (!c->hidden) PetscCall(VecSet(lower, -3.3));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Bounds from a callback: differentiated where they are constant, refused where they change with a block */
static PetscErrorCode TestCallback(SNESType type, PetscBool hidden)
{
  Contact  c, d;
  Vec      dm, du, expected, mbar;
  PetscInt p;

  PetscFunctionBeginUser;
  PetscCall(ContactCreate(10, type, NULL, PETSC_FALSE, &c));
  PetscCall(ContactCreate(10, type, NULL, PETSC_FALSE, &d));
  PetscCall(SNESReset(c.snes)); /* forgets its bounds */
  PetscCall(SNESSetFunction(c.snes, c.F, ContactResidual, &c));
  PetscCall(SNESSetJacobian(c.snes, c.J, c.P, ContactJacobian, &c));
  PetscCall(SNESSetApplicationContext(c.snes, &c));
  PetscCall(SNESVISetComputeVariableBounds(c.snes, ComputeBounds));
  PetscCall(VecDuplicate(c.u, &du));
  if (hidden) {
    PetscCall(VecDuplicate(c.u, &c.hidden));
    PetscCall(VecSet(c.hidden, -3.3));
    PetscCall(DiniAddParameter(c.dini, "hidden", c.hidden, &p));
    PetscCall(DiniSetParameterType(c.dini, p, DINIPARAMETERZERO));
  }
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniCreateParameterVec(c.dini, &mbar));
  if (hidden) DiniTestExpect(DiniVJP(c.dini, du, mbar), PETSC_ERR_SUP, "Parameter \"hidden\" changes the lower bound");
  else {
    PetscCall(DiniTestVec(c.m, 4, &dm));
    PetscCall(VecDuplicate(c.u, &expected));
    PetscCall(DiniSolve(d.dini, d.u));
    PetscCall(DiniJVP(d.dini, dm, expected));
    PetscCall(DiniJVP(c.dini, dm, du));
    PetscCall(DiniTestVecsClose(du, expected, 1e-8, "tangent with bounds from a callback"));
    PetscCall(VecDestroy(&dm));
    PetscCall(VecDestroy(&expected));
  }
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&mbar));
  PetscCall(ContactDestroy(&c));
  PetscCall(ContactDestroy(&d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- An objective ---- */

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

/* Every entry of the reduced gradient in the obstacle, against differences; and the error estimate of a state that is off */
static PetscErrorCode TestObjective(SNESType type)
{
  const PetscReal h = 1e-4;
  Contact         c;
  PetscInt        p;
  PetscReal       value, plus, minus, truth;
  Vec             m, g, e;
  DiniStatistics  stats;

  PetscFunctionBeginUser;
  PetscCall(ContactCreate(7, type, NULL, PETSC_FALSE, &c));
  PetscCall(VecSet(c.lower, -2.1));
  PetscCall(DiniAddParameter(c.dini, "obstacle", c.lower, &p));
  PetscCall(DiniSetParameterType(c.dini, p, DINIPARAMETERZERO));
  PetscCall(DiniSetState(c.dini, c.u));
  PetscCall(DiniSetObjective(c.dini, Value, Gradient, NULL));
  PetscCall(DiniCreateParameterVec(c.dini, &m));
  PetscCall(VecDuplicate(m, &g));
  PetscCall(VecDuplicate(m, &e));
  PetscCall(DiniComputeObjectiveAndGradient(c.dini, m, &value, g));
  for (PetscInt j = 0; j < 14; j++) {
    PetscScalar slope;

    PetscCall(VecSet(e, 0.0));
    PetscCall(VecSetValue(e, j, 1.0, INSERT_VALUES));
    PetscCall(VecAssemblyBegin(e));
    PetscCall(VecAssemblyEnd(e));
    PetscCall(VecDot(g, e, &slope));
    PetscCall(VecAXPY(m, h, e));
    PetscCall(DiniComputeObjective(c.dini, m, &plus));
    PetscCall(VecAXPY(m, -2.0 * h, e));
    PetscCall(DiniComputeObjective(c.dini, m, &minus));
    PetscCall(VecAXPY(m, h, e));
    DiniTestClose(PetscRealPart(slope), 0.5 * (plus - minus) / h, 1e-5, 1e-6, "gradient against differences");
  }
  PetscCall(DiniComputeObjectiveAndGradient(c.dini, m, &value, g));
  truth = value;
  PetscCall(VecScale(c.u, 1.0 - 1e-6)); /* off the obstacle, and off F = 0: to first order the estimate sees both */
  PetscCall(DiniSetAttachTolerances(c.dini, 1e-3, PETSC_DEFAULT));
  PetscCall(DiniAttach(c.dini, c.u));
  PetscCall(DiniComputeObjectiveAndGradient(c.dini, m, &value, g));
  PetscCall(DiniGetStatistics(c.dini, &stats));
  DiniTestClose(stats.objective_error, PetscAbsReal(value - truth), 1e-3, 0.0, "estimated error of the objective");
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&g));
  PetscCall(VecDestroy(&e));
  PetscCall(ContactDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F is not zero at the point that a pinned derivative goes back to */
static PetscErrorCode TestPinned(SNESType type)
{
  Contact c;
  Mat     D;
  Vec     dm, du, expected;

  PetscFunctionBeginUser;
  PetscCall(ContactCreate(10, type, NULL, PETSC_FALSE, &c));
  PetscCall(VecSet(c.u, 0.0));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniTestVec(c.m, 3, &dm));
  PetscCall(VecRealPart(dm));
  PetscCall(VecDuplicate(dm, &du));
  PetscCall(VecDuplicate(dm, &expected));
  PetscCall(DiniJVP(c.dini, dm, expected));
  PetscCall(DiniCreateDerivative(c.dini, DINI_ALL_PARAMETERS, &D));
  PetscCall(VecScale(c.m, 0.5));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniJVP(c.dini, dm, du));
  PetscCall(DiniTestVecsDiffer(du, expected, 1e-3, "tangents at two points"));
  PetscCall(MatMult(D, dm, du));
  PetscCall(DiniTestVecsClose(du, expected, 1e-8, "a derivative pinned to the first point"));
  PetscCall(MatDestroy(&D));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&expected));
  PetscCall(ContactDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  const SNESType types[] = {SNESVINEWTONRSLS, SNESVINEWTONSSLS};

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (int t = 0; t < 2; t++) {
    PetscCall(TestStates(types[t]));
    PetscCall(TestFar(types[t], 1e20));
    PetscCall(TestFar(types[t], 1e4));
    PetscCall(TestFar(types[t], 10.0));
    PetscCall(TestHidden(types[t], DINIPARAMETERZERO));
    PetscCall(TestHidden(types[t], DINIPARAMETERFD));
    PetscCall(TestCallback(types[t], PETSC_FALSE));
    PetscCall(TestCallback(types[t], PETSC_TRUE));
    PetscCall(TestObjective(types[t]));
    PetscCall(TestPinned(types[t]));
#if defined(PETSC_USE_COMPLEX)
    PetscCall(TestComplex(types[t]));
#endif
  }
  PetscCall(PetscFinalize());
  return 0;
}
