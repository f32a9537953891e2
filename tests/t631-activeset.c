static char help[] = "Active sets: kinds of matrices, null spaces, bare solves, weak activity, mixed units.\n";

#include "support/fixtures.h"

/* ---- Matrices ---- */

static PetscErrorCode TestMatrix(SNESType type, MatType mtype, PetscBool ownP, const char options[])
{
  Contact c;
  Vec     dm, du, expected;

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(ContactCreate(10, type, mtype, ownP, &c));
  PetscCall(DiniSetFromOptions(c.dini));
  PetscCall(DiniTestVec(c.m, 4, &dm));
  PetscCall(VecRealPart(dm));
  PetscCall(VecDuplicate(c.u, &du));
  PetscCall(VecDuplicate(c.u, &expected));
  PetscCall(ContactDifferences(&c, dm, expected));
  for (int round = 0; round < 3; round++) { /* the contact set moves: another reduction of the same matrix */
    PetscCall(VecSet(c.lower, round == 1 ? -1.5 : -3.3));
    PetscCall(VecSet(c.u, 0.0));
    PetscCall(DiniSolve(c.dini, c.u));
    PetscCall(DiniJVP(c.dini, dm, du));
    if (round == 1) PetscCall(DiniTestVecsDiffer(du, expected, 1e-3, "tangents with two contact sets"));
    else PetscCall(DiniTestVecsClose(du, expected, 1e-7, mtype ? mtype : "aij"));
    PetscCall(DiniTestDotProduct(c.dini, 1e-8));
  }
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&expected));
  PetscCall(ContactDestroy(&c));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A floating string: J is singular, but what remains of it beside a contact is not. (SSLS would project its own systems.) */
static PetscErrorCode TestNullSpace(SNESType type)
{
  Contact      c;
  MatNullSpace constants;
  Vec          dm, du, expected;
  IS           held;
  PetscInt     n;

  PetscFunctionBeginUser;
  PetscCall(ContactCreate(6, type, NULL, PETSC_FALSE, &c));
  PetscCall(MatDestroy(&c.T));
  PetscCall(ContactString(6, PETSC_FALSE, &c.T));
  PetscCall(MatNullSpaceCreate(PETSC_COMM_WORLD, PETSC_TRUE, 0, NULL, &constants));
  PetscCall(MatSetNullSpace(c.J, constants));
  PetscCall(MatSetTransposeNullSpace(c.J, constants));
  PetscCall(MatNullSpaceDestroy(&constants));
  PetscCall(VecSetValue(c.m, 0, 0.5, INSERT_VALUES));
  PetscCall(VecAssemblyBegin(c.m));
  PetscCall(VecAssemblyEnd(c.m));
  PetscCall(VecCopy(c.lower, c.u));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniGetActiveSet(c.dini, &held, NULL));
  PetscCall(ISGetSize(held, &n));
  DiniTestTrue(n > 0 && n < 6, "The floating string is to touch in part, not in %" PetscInt_FMT " nodes", n);
  PetscCall(DiniTestVec(c.m, 4, &dm));
  PetscCall(VecRealPart(dm));
  PetscCall(VecDuplicate(c.u, &du));
  PetscCall(VecDuplicate(c.u, &expected));
  PetscCall(DiniJVP(c.dini, dm, du));
  PetscCall(DiniTestDotProduct(c.dini, 1e-8));
  PetscCall(ContactDifferences(&c, dm, expected));
  PetscCall(DiniTestVecsClose(du, expected, 1e-5, "tangent of a floating string"));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&expected));
  PetscCall(ContactDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Bare solves: J_II x_I = r_I, and zero on the contact set; J itself is that of F */
static PetscErrorCode TestLinearSolves(SNESType type)
{
  Contact   c;
  Vec       r, x, lambda, Jx;
  Mat       J;
  IS        held;
  PetscReal norm;

  PetscFunctionBeginUser;
  PetscCall(ContactCreate(10, type, NULL, PETSC_FALSE, &c));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniTestVec(c.u, 4, &r));
  PetscCall(VecDuplicate(r, &x));
  PetscCall(VecDuplicate(r, &lambda));
  PetscCall(VecDuplicate(r, &Jx));
  PetscCall(DiniTangentSolve(c.dini, r, x));
  PetscCall(DiniAdjointSolve(c.dini, r, lambda));
  PetscCall(DiniTestVecsClose(x, lambda, 1e-8, "solves with a symmetric J"));
  PetscCall(DiniGetJacobian(c.dini, &J, NULL));
  PetscCall(DiniGetActiveSet(c.dini, &held, NULL));
  PetscCall(MatAXPY(c.T, -1.0, J, SAME_NONZERO_PATTERN));
  PetscCall(MatNorm(c.T, NORM_FROBENIUS, &norm));
  DiniTestTrue(norm == 0.0, "DiniGetJacobian() gives a matrix that is off J by %g", (double)norm);
  PetscCall(MatMult(J, x, Jx));
  PetscCall(VecISSet(Jx, held, 0.0));
  PetscCall(VecISSet(r, held, 0.0));
  PetscCall(DiniTestVecsClose(Jx, r, 1e-9, "J_II x_I = r_I"));
  PetscCall(VecCopy(x, Jx));
  PetscCall(VecISSet(Jx, held, 0.0));
  PetscCall(DiniTestVecsClose(Jx, x, 0.0, "x is zero where the bound holds u"));
  PetscCall(VecDestroy(&r));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&lambda));
  PetscCall(VecDestroy(&Jx));
  PetscCall(ContactDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- Weak activity ---- */

/* The load that is T l in node 0 leaves it on the obstacle without pressure. Units: u in 1e-6, F in 1e6 or the reverse */
static PetscErrorCode TestWeak(SNESType type, PetscReal unit)
{
  Contact     c;
  Vec         dm, free, held;
  PetscViewer viewer;
  char        text[16384];
  IS          weak;
  PetscInt    n;
  PetscScalar first[2] = {0.0, 0.0};
  PetscInt    lo, hi, zero = 0;

  PetscFunctionBeginUser;
  PetscCall(ContactCreate(5, type, NULL, PETSC_FALSE, &c));
  PetscCall(MatScale(c.T, unit));
  PetscCall(VecSet(c.lower, -1.0));
  PetscCall(MatMult(c.T, c.lower, c.m)); /* weakly active in every node */
  PetscCall(VecGetOwnershipRange(c.m, &lo, &hi));
  for (PetscInt i = PetscMax(lo, 1); i < hi; i++) PetscCall(VecSetValue(c.m, i, -0.5 * unit, ADD_VALUES));
  PetscCall(VecAssemblyBegin(c.m));
  PetscCall(VecAssemblyEnd(c.m));
  PetscCall(VecSet(c.u, -0.5));
  PetscCall(SNESSetTolerances(c.snes, 1e-13 * unit, 1e-13, 0.0, 100, 1000));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniGetActiveSet(c.dini, NULL, &weak));
  PetscCall(ISGetSize(weak, &n));
  DiniTestCount(n, 1, "weakly active entries");
  PetscCall(DiniTestTextOpen(&viewer));
  PetscCall(DiniView(c.dini, viewer));
  PetscCall(DiniTestTextClose(&viewer, text, sizeof(text)));
  PetscCall(DiniTestTextHas(text, "4 of 5 entries held at a bound, 1 weakly active (inactive)"));
  PetscCall(VecDuplicate(c.m, &dm));
  PetscCall(VecSet(dm, unit));
  PetscCall(VecDuplicate(c.u, &free));
  PetscCall(VecDuplicate(c.u, &held));
  PetscCall(DiniJVP(c.dini, dm, free)); /* node 0 free between the wall and node 1 that is held: du = 1 / 2 */
  PetscCall(DiniSetWeakActivity(c.dini, DINI_WEAK_ACTIVITY_ACTIVE, PETSC_DEFAULT));
  PetscCall(DiniJVP(c.dini, dm, held));
  if (lo == 0 && hi > 0) {
    PetscCall(VecGetValues(free, 1, &zero, &first[0]));
    PetscCall(VecGetValues(held, 1, &zero, &first[1]));
  }
  PetscCallMPI(MPI_Bcast(first, 2, MPIU_SCALAR, 0, PETSC_COMM_WORLD));
  DiniTestClose(PetscRealPart(first[0]), 0.5, 1e-9, 0.0, "du_0 of a weakly active node taken for free");
  DiniTestTrue(first[1] == 0.0, "du_0 of a weakly active node taken for held is not zero");
  PetscCall(DiniSetWeakActivity(c.dini, DINI_WEAK_ACTIVITY_ERROR, PETSC_DEFAULT));
  DiniTestExpect(DiniJVP(c.dini, dm, held), PETSC_ERR_ARG_WRONGSTATE, "1 entries of u are weakly active");
  DiniTestExpect(DiniSetWeakActivity(c.dini, DINI_WEAK_ACTIVITY_ERROR, -1.0), PETSC_ERR_ARG_OUTOFRANGE,
                 "weak activity");
  PetscCall(DiniTestOptionsSet("-dini_weak_activity inactive -dini_weak_activity_rtol 1e-7"));
  PetscCall(DiniSetFromOptions(c.dini));
  PetscCall(DiniTestOptionsClear("-dini_weak_activity inactive -dini_weak_activity_rtol 1e-7"));
  PetscCall(DiniJVP(c.dini, dm, held));
  PetscCall(DiniTestVecsClose(held, free, 1e-9, "options of weak activity"));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&free));
  PetscCall(VecDestroy(&held));
  PetscCall(ContactDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Two fields in units that are 1e8 apart: what is small in one is not in the other */
static PetscErrorCode TestUnits(SNESType type)
{
  const PetscReal unit[] = {1e4, 1e-4};
  Contact         c;
  Vec             dm, du;
  IS              held, weak;
  PetscInt        n, lo, hi;
  PetscReal       norm;

  PetscFunctionBeginUser;
  PetscCall(ContactCreate(24, type, NULL, PETSC_FALSE, &c)); /* blocks of two on 1 to 4 ranks */
  PetscCall(MatZeroEntries(c.T));
  PetscCall(VecDestroy(&c.u));
  PetscCall(VecGetLocalSize(c.m, &n));
  PetscCall(VecCreate(PETSC_COMM_WORLD, &c.u));
  PetscCall(VecSetSizes(c.u, n, 24));
  PetscCall(VecSetBlockSize(c.u, 2));
  PetscCall(VecSetType(c.u, VECSTANDARD));
  PetscCall(VecGetOwnershipRange(c.u, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) { /* F_i = u_i - m_i in its unit; pressed by a thousandth of it, or free */
    PetscCall(MatSetValue(c.T, i, i, 1.0, INSERT_VALUES));
    PetscCall(VecSetValue(c.lower, i, unit[i % 2], INSERT_VALUES));
    PetscCall(VecSetValue(c.m, i, unit[i % 2] * (i < 4 ? 0.999 : 1.5), INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(c.T, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(c.T, MAT_FINAL_ASSEMBLY));
  PetscCall(VecAssemblyBegin(c.lower));
  PetscCall(VecAssemblyEnd(c.lower));
  PetscCall(VecAssemblyBegin(c.m));
  PetscCall(VecAssemblyEnd(c.m));
  PetscCall(VecPointwiseMax(c.u, c.lower, c.m)); /* the solution */
  PetscCall(DiniAttach(c.dini, c.u));
  PetscCall(DiniGetActiveSet(c.dini, &held, &weak));
  PetscCall(ISGetSize(held, &n));
  DiniTestCount(n, 4, "entries held, in two units");
  PetscCall(ISGetSize(weak, &n));
  DiniTestCount(n, 0, "weakly active entries, in two units");
  PetscCall(VecDuplicate(c.m, &dm));
  PetscCall(VecSet(dm, 1.0));
  PetscCall(VecDuplicate(c.u, &du));
  PetscCall(DiniJVP(c.dini, dm, du));
  PetscCall(VecNorm(du, NORM_1, &norm));
  DiniTestClose(norm, 20.0, 1e-9, 0.0, "the sum of du, in two units");
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(ContactDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  const SNESType types[] = {SNESVINEWTONRSLS, SNESVINEWTONSSLS};

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (int t = 0; t < 2; t++) {
    PetscCall(TestMatrix(types[t], NULL, PETSC_FALSE, "-dini_transpose native"));
    PetscCall(TestMatrix(types[t], NULL, PETSC_TRUE, "-dini_pc_type jacobi"));
    PetscCall(TestMatrix(types[t], MATBAIJ, PETSC_FALSE, "-dini_transpose explicit -pc_type jacobi"));
    if (t == 0)
      PetscCall(TestMatrix(types[t], MATSBAIJ, PETSC_FALSE, "-dini_reuse never")); /* SSLS scales rows alone */
    PetscCall(TestMatrix(types[t], MATDENSE, PETSC_FALSE, "-dini_pc_type jacobi -pc_type jacobi"));
    if (t == 0) PetscCall(TestNullSpace(types[t]));
    PetscCall(TestLinearSolves(types[t]));
    PetscCall(TestWeak(types[t], 1.0));
    PetscCall(TestWeak(types[t], 1e6));
    PetscCall(TestUnits(types[t]));
  }
  PetscCall(PetscFinalize());
  return 0;
}
