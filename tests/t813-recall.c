static char help[] =
    "A right-hand side that comes again is answered from memory: at its point, to its tolerance, by value.\n";

#include "support/fixtures.h"

static PetscErrorCode Expect(Dini dini, PetscInt tangents, PetscInt adjoints, PetscInt recalls, const char what[])
{
  DiniStatistics s;

  PetscFunctionBeginUser;
  PetscCall(DiniGetStatistics(dini, &s));
  DiniTestTrue(s.tangent_solves == tangents && s.adjoint_solves == adjoints && s.recalls == recalls,
               "%s: %" PetscInt_FMT " tangent and %" PetscInt_FMT " adjoint solves, %" PetscInt_FMT
               " from memory; expected %" PetscInt_FMT ", %" PetscInt_FMT ", %" PetscInt_FMT,
               what, s.tangent_solves, s.adjoint_solves, s.recalls, tangents, adjoints, recalls);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode VJPIsRight(Cubic *c, Vec ubar, Vec mbar, Vec ref, const char what[])
{
  Mat J;

  PetscFunctionBeginUser;
  PetscCall(VecSet(mbar, 7.0));
  PetscCall(DiniVJP(c->dini, ubar, mbar));
  PetscCall(MatDuplicate(c->J, MAT_DO_NOT_COPY_VALUES, &J)); /* J itself is not for others to write into */
  PetscCall(CubicJacobian(c, c->u, J));
  PetscCall(DiniTestReferenceVJP(J, c->Fm, ubar, ref));
  PetscCall(MatDestroy(&J));
  PetscCall(DiniTestVecsClose(mbar, ref, 1e-8, what));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestPoints(void)
{
  Cubic c;
  Vec   ubar, copy, other, mbar, ref, dm, du;
  KSP   ksp;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(9, DiniTestScalar(0.5, 0.2), &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERMATRIX));
  PetscCall(DiniTestVec(c.u, 7, &ubar));
  PetscCall(DiniTestVec(c.u, 7, &copy));
  PetscCall(DiniTestVec(c.u, 8, &other));
  PetscCall(DiniTestVec(c.m, 9, &dm));
  PetscCall(VecDuplicate(c.u, &du));
  PetscCall(VecDuplicate(c.m, &mbar));
  PetscCall(VecDuplicate(c.m, &ref));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(VJPIsRight(&c, ubar, mbar, ref, "the first"));
  PetscCall(VJPIsRight(&c, copy, mbar, ref, "another Vec with the same values"));
  PetscCall(Expect(c.dini, 0, 1, 1, "the same values again"));
  PetscCall(VJPIsRight(&c, other, mbar, ref, "another"));
  PetscCall(Expect(c.dini, 0, 2, 1, "another"));
  PetscCall(VecScale(other, -1.0)); /* of the same norm */
  PetscCall(VJPIsRight(&c, other, mbar, ref, "its negative"));
  PetscCall(Expect(c.dini, 0, 3, 1, "the negative"));
  PetscCall(DiniJVP(c.dini, dm, du));
  PetscCall(DiniJVP(c.dini, dm, du));
  PetscCall(Expect(c.dini, 1, 3, 2, "a tangent again"));
  PetscCall(VecScale(dm, 2.0));
  PetscCall(DiniJVP(c.dini, dm, du));
  PetscCall(Expect(c.dini, 2, 3, 2, "a tangent of twice the direction"));
  PetscCall(DiniSetTolerances(c.dini, PETSC_DEFAULT, 1e-13));
  PetscCall(VJPIsRight(&c, other, mbar, ref, "with a tighter tolerance"));
  PetscCall(Expect(c.dini, 2, 4, 2, "a tighter tolerance"));
  PetscCall(DiniSetTolerances(c.dini, PETSC_DEFAULT, 1e-10));
  PetscCall(VJPIsRight(&c, other, mbar, ref, "with a looser tolerance"));
  PetscCall(Expect(c.dini, 2, 5, 2, "a looser tolerance: somebody wants to see it"));
  PetscCall(VecShift(c.m, 0.25));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(VJPIsRight(&c, other, mbar, ref, "at another point"));
  PetscCall(Expect(c.dini, 2, 6, 2, "another point"));
  PetscCall(DiniSolve(c.dini, c.u)); /* the same point, found anew */
  PetscCall(VJPIsRight(&c, other, mbar, ref, "at the point found anew"));
  PetscCall(Expect(c.dini, 2, 7, 2, "a point found anew"));
  PetscCall(DiniGetAdjointKSP(c.dini, &ksp)); /* somebody wants to watch it */
  PetscCall(VJPIsRight(&c, other, mbar, ref, "with the solver asked for"));
  PetscCall(Expect(c.dini, 2, 8, 2, "the solver asked for"));
  PetscCall(DiniSetTranspose(c.dini, DINI_TRANSPOSE_EXPLICIT));
  PetscCall(VJPIsRight(&c, other, mbar, ref, "another way to transpose"));
  PetscCall(Expect(c.dini, 2, 9, 2, "another way to transpose"));
  PetscCall(VecSetValue(other, 0, 3.0, INSERT_VALUES));
  PetscCall(VecAssemblyBegin(other));
  PetscCall(VecAssemblyEnd(other));
  PetscCall(VJPIsRight(&c, other, mbar, ref, "one entry changed"));
  PetscCall(Expect(c.dini, 2, 10, 2, "one entry changed"));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&copy));
  PetscCall(VecDestroy(&other));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&ref));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Loose solves of a gradient tolerance are not taken for tight ones; the adjoint of an objective is remembered as any. */
static PetscErrorCode TestLoose(void)
{
  Transport t;
  Vec       ubar, mbar, ref;

  PetscFunctionBeginUser;
  PetscCall(TransportCreate(8, 7, &t));
  PetscCall(TransportDini(&t, DINIPARAMETERMATRIX));
  PetscCall(DiniTestVec(t.u, 7, &ubar));
  PetscCall(VecDuplicate(t.m, &mbar));
  PetscCall(VecDuplicate(t.m, &ref));
  PetscCall(DiniSolve(t.dini, t.u));
  PetscCall(DiniSetGradientTolerance(t.dini, 1e-2));
  PetscCall(DiniVJP(t.dini, ubar, mbar));
  PetscCall(DiniSetGradientTolerance(t.dini, 0.0));
  PetscCall(DiniVJP(t.dini, ubar, mbar));
  PetscCall(TransportReferenceVJP(&t, ubar, ref));
  PetscCall(DiniTestVecsClose(mbar, ref, 1e-8, "a tight VJP after a loose one"));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&ref));
  PetscCall(TransportDestroy(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestPoints());
  PetscCall(TestLoose());
  PetscCall(PetscFinalize());
  return 0;
}
