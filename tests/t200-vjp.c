static char help[] = "JVP and VJP against closed forms, reference solves and each other, for every type of Dini.\n";

#include "support/fixtures.h"

/* With a = 0 the derivative is diagonal: du = dm / (1 + 3 u^2), mbar = ubar / conj(1 + 3 u^2). */
static PetscErrorCode TestClosedForm(DiniType type, DiniParameterType kind)
{
  Cubic c;
  Vec   ubar, mbar, dm, du, expected;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(11, 0.0, &c));
  PetscCall(CubicDini(&c, type, kind));
  PetscCall(DiniTestFill(c.m, 11));
  PetscCall(VecShift(c.m, 3.0));
  PetscCall(VecDuplicate(c.u, &expected));
  PetscCall(VecDuplicate(c.u, &du));
  PetscCall(VecDuplicate(c.m, &mbar));
  PetscCall(DiniTestVec(c.m, 12, &dm));
  PetscCall(DiniTestVec(c.u, 13, &ubar));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniJVP(c.dini, dm, du));
  PetscCall(DiniVJP(c.dini, ubar, mbar));
  PetscCall(VecPointwiseMult(expected, c.u, c.u));
  PetscCall(VecScale(expected, 3.0));
  PetscCall(VecShift(expected, 1.0));
  PetscCall(VecPointwiseDivide(c.d, dm, expected));
  PetscCall(DiniTestVecsClose(du, c.d, 1e-9, "closed-form JVP"));
  PetscCall(VecConjugate(expected));
  PetscCall(VecPointwiseDivide(c.d, ubar, expected));
  PetscCall(DiniTestVecsClose(mbar, c.d, 1e-9, "closed-form VJP"));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&expected));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* At three points one after the other, so that whatever is kept from the point before would show. */
static PetscErrorCode TestPoints(DiniType type)
{
  Cubic c;
  Vec   ubar, mbar, dm, du, lambda, r, ubar0, dm0;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(11, DiniTestScalar(0.7, 0.6), &c));
  PetscCall(CubicDini(&c, type, DINIPARAMETERMATRIX));
  PetscCall(VecDuplicate(c.u, &lambda));
  PetscCall(VecDuplicate(c.u, &r));
  PetscCall(VecDuplicate(c.u, &du));
  PetscCall(VecDuplicate(c.m, &mbar));
  for (PetscInt k = 0; k < 3; k++) {
    PetscCall(DiniTestVec(c.m, 14 + k, &dm));
    PetscCall(DiniTestVec(c.u, 24 + k, &ubar));
    PetscCall(DiniTestVec(c.m, 14 + k, &dm0));
    PetscCall(DiniTestVec(c.u, 24 + k, &ubar0));
    PetscCall(DiniTestFill(c.m, 34 + k));
    PetscCall(VecShift(c.m, 2.0 + (PetscReal)k));
    PetscCall(DiniSolve(c.dini, c.u));
    for (int again = 0; again < 2; again++) { /* the second time from what was kept */
      PetscCall(DiniVJP(c.dini, ubar, mbar));
      PetscCall(DiniJVP(c.dini, dm, du));
      PetscCall(CubicJacobian(&c, c.u, c.J)); /* for shell this is the very Mat: the same values */
      PetscCall(DiniTestDirectSolve(c.J, PETSC_TRUE, ubar, lambda));
      PetscCall(DiniTestVecsClose(mbar, lambda, 1e-9, "VJP at one of several points"));
      PetscCall(DiniTestDirectSolve(c.J, PETSC_FALSE, dm, r));
      PetscCall(DiniTestVecsClose(du, r, 1e-9, "JVP at one of several points"));
      /* a lost transpose would show: J^{-T} and J^{-1} differ on this vector */
      PetscCall(DiniTestDirectSolve(c.J, PETSC_FALSE, ubar, r));
      PetscCall(DiniTestVecsDiffer(r, lambda, 1e-3, "transposed and plain solve"));
      PetscCall(DiniTestVecsClose(ubar, ubar0, 0.0, "ubar after the VJP"));
      PetscCall(DiniTestVecsClose(dm, dm0, 0.0, "dm after the JVP"));
    }
    PetscCall(DiniTestDotProduct(c.dini, 1e-9));
    PetscCall(VecDestroy(&ubar));
    PetscCall(VecDestroy(&dm));
    PetscCall(VecDestroy(&ubar0));
    PetscCall(VecDestroy(&dm0));
  }
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&lambda));
  PetscCall(VecDestroy(&r));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A nonlinear PDE with convection. Linearity of both maps comes for free. */
static PetscErrorCode TestTransport(void)
{
  Transport   t;
  Vec         ubar, mbar, dm, du, du_ref, mbar_ref;
  PetscScalar scale = DiniTestScalar(-2.5, 1.5);

  PetscFunctionBeginUser;
  PetscCall(TransportCreate(13, 9, &t));
  PetscCall(TransportDini(&t, DINIPARAMETERMATRIX));
  PetscCall(DiniSolve(t.dini, t.u));
  PetscCall(DiniTestVec(t.m, 15, &dm));
  PetscCall(DiniTestVec(t.u, 16, &ubar));
  PetscCall(VecDuplicate(t.u, &du));
  PetscCall(VecDuplicate(t.m, &mbar));
  PetscCall(VecDuplicate(t.u, &du_ref));
  PetscCall(VecDuplicate(t.m, &mbar_ref));
  PetscCall(DiniJVP(t.dini, dm, du));
  PetscCall(DiniVJP(t.dini, ubar, mbar));
  PetscCall(TransportReferenceJVP(&t, dm, du_ref));
  PetscCall(TransportReferenceVJP(&t, ubar, mbar_ref));
  PetscCall(DiniTestVecsClose(du, du_ref, 1e-8, "JVP of the transport problem"));
  PetscCall(DiniTestVecsClose(mbar, mbar_ref, 1e-8, "VJP of the transport problem"));
  PetscCall(DiniTestDotProduct(t.dini, 1e-8));
  PetscCall(VecScale(dm, scale));
  PetscCall(VecScale(ubar, scale));
  PetscCall(DiniJVP(t.dini, dm, du));
  PetscCall(DiniVJP(t.dini, ubar, mbar));
  PetscCall(VecScale(du_ref, scale));
  PetscCall(VecScale(mbar_ref, scale));
  PetscCall(DiniTestVecsClose(du, du_ref, 1e-8, "JVP of a multiple"));
  PetscCall(DiniTestVecsClose(mbar, mbar_ref, 1e-8, "VJP of a multiple"));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&du_ref));
  PetscCall(VecDestroy(&mbar_ref));
  PetscCall(TransportDestroy(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  const DiniType          types[] = {DINISNES, DINISHELL};
  const DiniParameterType kinds[] = {DINIPARAMETERRHS, DINIPARAMETERMATRIX, DINIPARAMETEROPERATOR};

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (int t = 0; t < 2; t++) {
    for (int k = 0; k < 3; k++) PetscCall(TestClosedForm(types[t], kinds[k]));
    PetscCall(TestPoints(types[t]));
  }
  PetscCall(TestTransport());
  PetscCall(PetscFinalize());
  return 0;
}
