static char help[] =
    "Tangents of second order: closed forms, symmetry, differences of tangents, costs, bounds, misuse.\n";

#include "support/fixtures.h"

/* u + u^3 = m: u'' = -6 u u'^3 entry by entry, and zero where the upper bound holds u (entries of odd number) */
static PetscErrorCode TestClosedForm(PetscInt N, const char type[], PetscBool bounded)
{
  Cubic       c;
  Vec         a, b, ddu, expected, lower, upper;
  PetscInt    lo, hi;
  PetscScalar u, va, vb;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(N, 0.0, &c));
  PetscCall(VecDuplicate(c.u, &lower));
  PetscCall(VecDuplicate(c.u, &upper));
  PetscCall(VecGetOwnershipRange(c.u, &lo, &hi));
  if (bounded) {
    PetscCall(SNESSetType(c.snes, SNESVINEWTONRSLS));
    PetscCall(VecSet(lower, -10.0));
    for (PetscInt i = lo; i < hi; i++) PetscCall(VecSetValue(upper, i, i % 2 ? 0.5 : 10.0, INSERT_VALUES));
    PetscCall(VecAssemblyBegin(upper));
    PetscCall(VecAssemblyEnd(upper));
    PetscCall(SNESSetFunction(c.snes, c.backup, NULL, NULL));
    PetscCall(SNESVISetVariableBounds(c.snes, lower, upper));
  }
  PetscCall(CubicDini(&c, type, DINIPARAMETERMATRIX));
  if (!bounded) {
    PetscCall(DiniTestFill(c.m, 93));
    PetscCall(VecShift(c.m, DiniTestScalar(2.0, 0.5)));
  }
  PetscCall(DiniSetTolerances(c.dini, 1e-12, 1e-12));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniTestVec(c.m, 94, &a));
  PetscCall(DiniTestVec(c.m, 95, &b));
  PetscCall(VecDuplicate(c.u, &ddu));
  PetscCall(VecDuplicate(c.u, &expected));
  for (PetscInt i = lo; i < hi; i++) {
    PetscScalar slope;

    PetscCall(VecGetValues(c.u, 1, &i, &u));
    PetscCall(VecGetValues(a, 1, &i, &va));
    PetscCall(VecGetValues(b, 1, &i, &vb));
    slope = bounded && i % 2 ? 0.0 : 1.0 / (1.0 + 3.0 * u * u);
    PetscCall(VecSetValue(expected, i, -6.0 * u * slope * slope * slope * va * vb, INSERT_VALUES));
  }
  PetscCall(VecAssemblyBegin(expected));
  PetscCall(VecAssemblyEnd(expected));
  PetscCall(DiniSecondJVP(c.dini, a, b, ddu));
  PetscCall(DiniTestVecsClose(ddu, expected, 1e-8, "second tangent and its closed form"));
  PetscCall(VecDestroy(&a));
  PetscCall(VecDestroy(&b));
  PetscCall(VecDestroy(&ddu));
  PetscCall(VecDestroy(&expected));
  PetscCall(VecDestroy(&lower));
  PetscCall(VecDestroy(&upper));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The derivative of the tangent along b by central differences with solves beside the point; the object is back afterwards */
static PetscErrorCode DifferenceOfTangents(Dini dini, Vec u, Vec m, Vec a, Vec b, Vec ddu)
{
  const PetscReal h = 1e-5;
  Vec             m0, du;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(m, &m0));
  PetscCall(VecDuplicate(u, &du));
  PetscCall(VecCopy(m, m0));
  PetscCall(VecWAXPY(m, h, b, m0));
  PetscCall(DiniSolve(dini, u));
  PetscCall(DiniJVP(dini, a, ddu));
  PetscCall(VecWAXPY(m, -h, b, m0));
  PetscCall(DiniSolve(dini, u));
  PetscCall(DiniJVP(dini, a, du));
  PetscCall(VecAXPY(ddu, -1.0, du));
  PetscCall(VecScale(ddu, 0.5 / h));
  PetscCall(VecCopy(m0, m));
  PetscCall(DiniSolve(dini, u));
  PetscCall(VecDestroy(&m0));
  PetscCall(VecDestroy(&du));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Against differences of tangents, symmetric in the directions, at the cost promised, and the point is untouched */
static PetscErrorCode TestAgainstTangents(Dini dini, Vec u, Vec m, PetscInt assemblies, PetscReal rtol,
                                          const char what[])
{
  Vec            a, b, ddu, other, reference, du;
  DiniStatistics before, after;
  PetscReal      norm;

  PetscFunctionBeginUser;
  PetscCall(DiniTestVec(m, 91, &a));
  PetscCall(DiniTestVec(m, 92, &b));
  PetscCall(VecDuplicate(u, &ddu));
  PetscCall(VecDuplicate(u, &other));
  PetscCall(VecDuplicate(u, &reference));
  PetscCall(VecDuplicate(u, &du));
  PetscCall(DiniSolve(dini, u));
  PetscCall(DiniSetTolerances(dini, 1e-12, 1e-12));
  PetscCall(DifferenceOfTangents(dini, u, m, a, b, reference));
  PetscCall(DiniJVP(dini, a, du));
  PetscCall(DiniSecondJVP(dini, a, b, ddu));
  PetscCall(DiniTestVecsClose(ddu, reference, rtol, what));
  PetscCall(DiniGetStatistics(dini, &before));
  PetscCall(DiniSecondJVP(dini, b, a, other));
  PetscCall(DiniGetStatistics(dini, &after));
  PetscCall(DiniTestVecsClose(ddu, other, rtol, "second tangents with their directions exchanged"));
  DiniTestCount(after.tangent_solves - before.tangent_solves, 3, "tangent solves");
  DiniTestCount(after.adjoint_solves - before.adjoint_solves, 0, "adjoint solves");
  DiniTestCount(after.pc_setups - before.pc_setups, 0, "set-ups");
  if (assemblies >= 0)
    DiniTestCount(after.jacobian_assemblies - before.jacobian_assemblies, assemblies, "assemblies of J");
  PetscCall(DiniSecondJVP(dini, a, a, other));
  PetscCall(DiniGetStatistics(dini, &before));
  DiniTestCount(before.tangent_solves - after.tangent_solves, 2, "tangent solves along one direction twice");
  PetscCall(DiniJVP(dini, a, other)); /* what differences have touched is back */
  PetscCall(DiniTestVecsClose(du, other, 1e-9, "tangent after a second one"));
  PetscCall(VecSet(b, 0.0));
  PetscCall(DiniSecondJVP(dini, a, b, ddu));
  PetscCall(VecNorm(ddu, NORM_INFINITY, &norm));
  DiniTestTrue(norm == 0.0, "A second tangent along zero is %g", (double)norm);
  PetscCall(VecDestroy(&a));
  PetscCall(VecDestroy(&b));
  PetscCall(VecDestroy(&ddu));
  PetscCall(VecDestroy(&other));
  PetscCall(VecDestroy(&reference));
  PetscCall(VecDestroy(&du));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestKinds(void)
{
  const char *kinds[] = {DINIPARAMETERMATRIX, DINIPARAMETEROPERATOR, DINIPARAMETERCOLORING, DINIPARAMETERFD};
  const char *types[] = {DINIKSP, DINISNES, DINISHELL};

  PetscFunctionBeginUser;
  for (int k = 0; k < 5; k++) { /* the last with a J that is a shell */
    Curved c;

    PetscCall(CurvedCreate(7, &c));
    c.shell = (PetscBool)(k == 4);
    PetscCall(CurvedDini(&c, kinds[k % 4]));
    PetscCall(TestAgainstTangents(c.dini, c.u, c.m, k == 4 ? -1 : 2, k == 2 || k == 3 ? 1e-5 : 1e-6, kinds[k % 4]));
    PetscCall(CurvedDestroy(&c));
  }
  for (int k = 0; k < 3; k++) {
    Linear l;

    PetscCall(LinearCreate(7, &l));
    PetscCall(LinearDini(&l, types[k], DINIPARAMETERMATRIX));
    PetscCall(TestAgainstTangents(l.dini, l.u, l.m, -1, 1e-6, types[k]));
    PetscCall(LinearDestroy(&l));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

#if !defined(PETSC_USE_COMPLEX)
/* The rows of entries that a bound holds have second derivatives of their own, which must not count */
static PetscErrorCode TestBound(void)
{
  Curved   c;
  Vec      lower, upper, F;
  PetscInt lo, hi;

  PetscFunctionBeginUser;
  PetscCall(CurvedCreate(7, &c));
  PetscCall(VecDuplicate(c.u, &lower));
  PetscCall(VecDuplicate(c.u, &upper));
  PetscCall(VecDuplicate(c.u, &F));
  PetscCall(VecSet(lower, -10.0));
  PetscCall(VecGetOwnershipRange(upper, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) PetscCall(VecSetValue(upper, i, i % 2 ? 0.3 : 10.0, INSERT_VALUES));
  PetscCall(VecAssemblyBegin(upper));
  PetscCall(VecAssemblyEnd(upper));
  PetscCall(SNESSetType(c.snes, SNESVINEWTONRSLS));
  PetscCall(SNESSetFunction(c.snes, F, NULL, NULL));
  PetscCall(SNESVISetVariableBounds(c.snes, lower, upper));
  PetscCall(CurvedDini(&c, DINIPARAMETERMATRIX));
  PetscCall(TestAgainstTangents(c.dini, c.u, c.m, -1, 1e-6, "with a bound"));
  PetscCall(CurvedDestroy(&c));
  PetscCall(VecDestroy(&lower));
  PetscCall(VecDestroy(&upper));
  PetscCall(VecDestroy(&F));
  PetscFunctionReturn(PETSC_SUCCESS);
}
#endif

static PetscErrorCode TestMisuse(void)
{
  Cubic c;
  Vec   small, ddu;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(4, 0.3, &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERMATRIX));
  PetscCall(VecDuplicate(c.u, &ddu));
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, PETSC_DECIDE, 9, &small));
  DiniTestExpect(DiniSecondJVP(c.dini, c.m, c.m, ddu), PETSC_ERR_ORDER, "no solution to differentiate at");
  PetscCall(DiniSolve(c.dini, c.u));
  DiniTestExpect(DiniSecondJVP(c.dini, c.m, small, ddu), PETSC_ERR_ARG_SIZ, "The direction dm2");
  c.jacobian = FAULT_ERROR_ONE;
  DiniTestExpect(DiniSecondJVP(c.dini, c.m, c.m, ddu), PETSC_ERR_USER, "");
  PetscCall(VecDestroy(&small));
  PetscCall(VecDestroy(&ddu));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestClosedForm(5, DINISNES, PETSC_FALSE));
  PetscCall(TestClosedForm(2, DINISHELL, PETSC_FALSE));
#if !defined(PETSC_USE_COMPLEX)
  PetscCall(TestClosedForm(6, DINISNES, PETSC_TRUE));
  PetscCall(TestBound());
#endif
  PetscCall(TestKinds());
  PetscCall(TestMisuse());
  PetscCall(PetscFinalize());
  return 0;
}
