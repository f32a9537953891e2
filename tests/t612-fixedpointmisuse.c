static char help[] =
    "What a fixed point is told wrongly, or what its callbacks do wrong: an error on all ranks, and fit again.\n";

#include "support/fixedmap.h"

/* Solved, linearized, right: the object is fit for use */
static PetscErrorCode Converge(FixedMap *f, PetscReal rtol)
{
  Vec ubar, mbar, expected;

  PetscFunctionBeginUser;
  PetscCall(DiniTestVec(f->u, 11, &ubar));
  PetscCall(VecDuplicate(f->m, &mbar));
  PetscCall(VecDuplicate(f->m, &expected));
  PetscCall(VecSet(f->u, 0.0));
  PetscCall(DiniSolve(f->dini, f->u));
  PetscCall(FixedMapReference(f, NULL, NULL, ubar, expected));
  PetscCall(DiniVJP(f->dini, ubar, mbar));
  PetscCall(DiniTestVecsClose(mbar, expected, rtol, "after an error"));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&expected));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Calls in the wrong order, or with nothing */
static PetscErrorCode TestOrder(void)
{
  Dini      dini;
  Vec       u;
  PetscReal rate;
  SNES      snes;

  PetscFunctionBeginUser;
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, PETSC_DECIDE, 5, &u));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  DiniTestExpect(DiniSetFixedPoint(dini, NULL, NULL), PETSC_ERR_ARG_NULL, "no map G");
  DiniTestExpect(DiniSetFixedPointOperator(dini, FixedMapProduct, NULL, NULL), PETSC_ERR_ORDER, "DiniSetFixedPoint()");
  DiniTestExpect(DiniSetFixedPointMethod(dini, DINI_FIXEDPOINT_ITERATE), PETSC_ERR_ORDER, "DiniSetFixedPoint()");
  DiniTestExpect(DiniGetFixedPointSNES(dini, &snes), PETSC_ERR_ORDER, "DiniSetFixedPoint()");
  DiniTestExpect(DiniGetContractionRate(dini, &rate), PETSC_ERR_SUP, "contraction rate");
  PetscCall(DiniSetType(dini, DINIFIXEDPOINT));
  DiniTestExpect(DiniSolve(dini, u), PETSC_ERR_ORDER, "DiniSetFixedPoint()");
  DiniTestExpect(DiniSetFixedPointJacobian(dini, NULL, NULL, NULL), PETSC_ERR_ARG_NULL, "matrix Gu");
  DiniTestExpect(DiniSetFixedPointMaxColumns(dini, -1), PETSC_ERR_ARG_OUTOFRANGE, "columns");
  DiniTestExpect(DiniSetFixedPointMaxIterations(dini, 0), PETSC_ERR_ARG_OUTOFRANGE, "iterations");
  PetscCall(VecDestroy(&u));
  PetscCall(DiniDestroy(&dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The three ways that are asked for and have not been given */
static PetscErrorCode TestMissing(PetscInt N)
{
  FixedMap f;
  Vec      ubar, mbar, dm, du, expected;

  PetscFunctionBeginUser;
  PetscCall(FixedMapCreate(N, FIXEDMAP_SYMMETRIC, 0.5, 0.2, &f));
  PetscCall(FixedMapDini(&f, DINI_FIXEDPOINT_FD));
  PetscCall(DiniTestVec(f.u, 12, &ubar));
  PetscCall(DiniTestVec(f.m, 13, &dm));
  PetscCall(VecDuplicate(f.m, &mbar));
  PetscCall(VecDuplicate(f.m, &expected));
  PetscCall(VecDuplicate(f.u, &du));
  PetscCall(DiniSolve(f.dini, f.u));
  PetscCall(DiniSetFixedPointDerivative(f.dini, DINI_FIXEDPOINT_MATRIX));
  DiniTestExpect(DiniVJP(f.dini, ubar, mbar), PETSC_ERR_ORDER, "DiniSetFixedPointJacobian()");
  PetscCall(DiniSetFixedPointDerivative(f.dini, DINI_FIXEDPOINT_COLORING));
  DiniTestExpect(DiniVJP(f.dini, ubar, mbar), PETSC_ERR_ORDER, "DiniSetFixedPointJacobian()");
  PetscCall(DiniSetFixedPointDerivative(f.dini, DINI_FIXEDPOINT_OPERATOR));
  DiniTestExpect(DiniVJP(f.dini, ubar, mbar), PETSC_ERR_ORDER, "DiniSetFixedPointOperator()");
  /* a state too large for dense columns: tangents by differences, adjoints refused with the ways out */
  PetscCall(DiniSetFixedPointDerivative(f.dini, DINI_FIXEDPOINT_AUTO));
  PetscCall(DiniSetFixedPointMaxColumns(f.dini, 0));
  PetscCall(
      DiniSetTolerances(f.dini, 1e-7, PETSC_DEFAULT)); /* differences along directions are not linear to 10 digits */
  PetscCall(FixedMapReference(&f, dm, du, ubar, expected));
  PetscCall(DiniJVP(f.dini, dm, mbar));
  PetscCall(DiniTestVecsClose(mbar, du, 1e-5, "tangent by directional differences"));
  DiniTestExpect(DiniVJP(f.dini, ubar, mbar), PETSC_ERR_SUP, "-dini_fixedpoint_max_columns");
  DiniTestExpect(DiniVJP(f.dini, ubar, mbar), PETSC_ERR_SUP, "adjoint product");
  PetscCall(DiniSetFixedPointMethod(f.dini, DINI_FIXEDPOINT_ITERATE));
  DiniTestExpect(DiniVJP(f.dini, ubar, mbar), PETSC_ERR_SUP, "adjoint product");
  PetscCall(DiniSetFixedPointMethod(f.dini, DINI_FIXEDPOINT_KRYLOV));
  /* one product of the two: the other from differences, or from dense columns */
  PetscCall(DiniSetFixedPointOperator(f.dini, FixedMapProduct, NULL, &f));
  DiniTestExpect(DiniVJP(f.dini, ubar, mbar), PETSC_ERR_SUP, "adjoint product");
  PetscCall(DiniSetFixedPointMaxColumns(f.dini, N));
  PetscCall(DiniVJP(f.dini, ubar, mbar));
  PetscCall(DiniTestVecsClose(mbar, expected, 1e-8, "adjoint by dense columns of products"));
  PetscCall(DiniSetFixedPointOperator(f.dini, NULL, FixedMapAdjoint, &f));
  PetscCall(DiniVJP(f.dini, ubar, mbar));
  PetscCall(DiniTestVecsClose(mbar, expected, 1e-8, "adjoint product alone"));
  PetscCall(DiniJVP(f.dini, dm, mbar));
  PetscCall(DiniTestVecsClose(mbar, du, 1e-5, "tangent by differences beside an adjoint product"));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&expected));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(FixedMapDestroy(&f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Each callback fails in each way; the message names it, and the object is fit afterwards */
static PetscErrorCode TestFault(DiniFixedPointDerivative derivative, DiniFixedPointMethod method, size_t which,
                                Fault fault, const char words[])
{
  FixedMap f;
  Fault   *where = (Fault *)((char *)&f + which);
  Vec      ubar, mbar;

  PetscFunctionBeginUser;
  PetscCall(FixedMapCreate(7, FIXEDMAP_SYMMETRIC, 0.5, 0.2, &f));
  PetscCall(FixedMapDini(&f, derivative));
  PetscCall(DiniSetFixedPointMethod(f.dini, method));
  PetscCall(DiniTestVec(f.u, 14, &ubar));
  PetscCall(VecDuplicate(f.m, &mbar));
  *where = fault;
  if (which == offsetof(FixedMap, map)) DiniTestExpect(DiniSolve(f.dini, f.u), 0, words);
  else {
    PetscCall(DiniSolve(f.dini, f.u));
    DiniTestExpect(DiniVJP(f.dini, ubar, mbar), 0, words);
  }
  *where = FAULT_NONE;
  PetscCall(Converge(&f, 1e-7));
  if (which == offsetof(FixedMap, map) && fault != FAULT_WRONG) { /* and in the differences */
    PetscCall(DiniSetFixedPointDerivative(f.dini, DINI_FIXEDPOINT_FD));
    *where = fault;
    DiniTestExpectAny(DiniVJP(f.dini, ubar, mbar), "");
    *where = FAULT_NONE;
    PetscCall(Converge(&f, 1e-6));
  }
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(FixedMapDestroy(&f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestFaults(DiniFixedPointMethod method)
{
  const Fault faults[] = {FAULT_NAN, FAULT_ERROR, FAULT_ERROR_ONE};

  PetscFunctionBeginUser;
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(faults); i++) {
    PetscCall(TestFault(DINI_FIXEDPOINT_OPERATOR, method, offsetof(FixedMap, map), faults[i],
                        i ? "The map G" : "NaN or Inf"));
    PetscCall(
        TestFault(DINI_FIXEDPOINT_OPERATOR, method, offsetof(FixedMap, product), faults[i], "The product with G_u"));
    PetscCall(TestFault(DINI_FIXEDPOINT_OPERATOR, method, offsetof(FixedMap, adjoint), faults[i],
                        "adjoint product with G_u"));
    PetscCall(
        TestFault(DINI_FIXEDPOINT_MATRIX, method, offsetof(FixedMap, fill), faults[i], i ? "callback for G_u" : "NaN"));
  }
  /* wrong, but finite: the guard */
  PetscCall(TestFault(DINI_FIXEDPOINT_OPERATOR, method, offsetof(FixedMap, product), FAULT_WRONG, "not dF/du"));
  PetscCall(TestFault(DINI_FIXEDPOINT_OPERATOR, method, offsetof(FixedMap, adjoint), FAULT_WRONG, "does not belong"));
  PetscCall(TestFault(DINI_FIXEDPOINT_MATRIX, method, offsetof(FixedMap, fill), FAULT_WRONG, "not dF/du"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F_m is -G_m: the other sign is refused */
static PetscErrorCode PlusGm(Dini dini, Vec u, Vec m, Mat Fm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)u;
  (void)ctx;
  PetscCall(MatZeroEntries(Fm));
  PetscCall(MatDiagonalSet(Fm, m, INSERT_VALUES));
  PetscCall(MatScale(Fm, 0.5));
  PetscCall(MatShift(Fm, 1.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestShapes(void)
{
  FixedMap f;
  Vec      ubar, mbar;
  Mat      wrong, pattern;
  PetscInt first, last;

  PetscFunctionBeginUser;
  PetscCall(FixedMapCreate(6, FIXEDMAP_SYMMETRIC, 0.5, 0.2, &f));
  PetscCall(FixedMapDini(&f, DINI_FIXEDPOINT_FD));
  PetscCall(DiniTestVec(f.u, 15, &ubar));
  PetscCall(VecDuplicate(f.m, &mbar));
  PetscCall(DiniSolve(f.dini, f.u));
  PetscCall(MatCreateConstantDiagonal(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, 7, 7, 1.0, &wrong));
  PetscCall(DiniSetFixedPointJacobian(f.dini, wrong, FixedMapMatrix, &f));
  DiniTestExpect(DiniVJP(f.dini, ubar, mbar), PETSC_ERR_ARG_SIZ, "G_u has");
  PetscCall(MatDestroy(&wrong));
  /* a pattern that lacks entries: found by the guard */
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, 6, 6, 1, NULL, 0, NULL, &pattern));
  PetscCall(MatGetOwnershipRange(pattern, &first, &last));
  for (PetscInt i = first; i < last; i++) PetscCall(MatSetValue(pattern, i, i, 0.0, INSERT_VALUES));
  PetscCall(DiniSetFixedPointJacobian(f.dini, pattern, NULL, NULL));
  DiniTestExpect(DiniVJP(f.dini, ubar, mbar), PETSC_ERR_ARG_WRONGSTATE, "assembled matrix of type AIJ");
  PetscCall(MatAssemblyBegin(pattern, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(pattern, MAT_FINAL_ASSEMBLY));
  DiniTestExpect(DiniVJP(f.dini, ubar, mbar), PETSC_ERR_ARG_WRONG, "not dF/du");
  PetscCall(MatDestroy(&pattern));
  PetscCall(DiniSetFixedPointDerivative(f.dini, DINI_FIXEDPOINT_FD));
  PetscCall(Converge(&f, 1e-7));
  PetscCall(DiniSetParameterJacobian(f.dini, f.p, f.Fm, PlusGm, NULL));
  PetscCall(DiniSolve(f.dini, f.u));
  DiniTestExpect(DiniVJP(f.dini, ubar, mbar), PETSC_ERR_ARG_WRONG, "is not dF/dm");
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(FixedMapDestroy(&f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A constant matrix; a matrix that is a shell; a dense one; options instead of calls */
static PetscErrorCode MultShell(Mat A, Vec x, Vec y)
{
  FixedMap *f;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(A, &f));
  PetscCall(FixedMapProduct(NULL, f->u, x, y, f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestMatrices(void)
{
  FixedMap       f;
  Mat            A;
  PetscInt       n;
  DiniStatistics s;

  PetscFunctionBeginUser;
  PetscCall(FixedMapCreate(6, FIXEDMAP_NILPOTENT, 0.7, 0.0, &f)); /* linear, and no diagonal in G_u */
  PetscCall(FixedMapDini(&f, DINI_FIXEDPOINT_FD));
  PetscCall(DiniSetFixedPointJacobian(f.dini, f.M, NULL, NULL));
  PetscCall(DiniSetFixedPointDerivative(f.dini, DINI_FIXEDPOINT_MATRIX));
  PetscCall(Converge(&f, 1e-8));
  PetscCall(Converge(&f, 1e-8));
  PetscCall(MatDuplicate(f.M, MAT_DO_NOT_COPY_VALUES, &A)); /* a pattern with an empty row and an empty column */
  PetscCall(DiniSetFixedPointJacobian(f.dini, A, NULL, NULL));
  PetscCall(DiniSetFixedPointDerivative(f.dini, DINI_FIXEDPOINT_AUTO));
  PetscCall(Converge(&f, 1e-7));
  PetscCall(MatDestroy(&A));
  PetscCall(DiniSetFixedPointDerivative(f.dini, DINI_FIXEDPOINT_MATRIX));
  PetscCall(MatConvert(f.M, MATDENSE, MAT_INITIAL_MATRIX, &A));
  PetscCall(DiniSetFixedPointJacobian(f.dini, A, NULL, NULL));
  PetscCall(Converge(&f, 1e-8));
  PetscCall(MatDestroy(&A));
  PetscCall(MatConvert(f.M, MATBAIJ, MAT_INITIAL_MATRIX, &A)); /* applied, both ways */
  PetscCall(DiniSetFixedPointJacobian(f.dini, A, NULL, NULL));
  PetscCall(DiniSetFixedPointMaxColumns(f.dini, 0));
  PetscCall(Converge(&f, 1e-8));
  PetscCall(MatDestroy(&A));
  PetscCall(DiniSetFixedPointMaxColumns(f.dini, 6));
  PetscCall(VecGetLocalSize(f.u, &n));
  PetscCall(MatCreateShell(PETSC_COMM_WORLD, n, n, 6, 6, &f, &A));
  PetscCall(MatShellSetOperation(A, MATOP_MULT, (void (*)(void))MultShell));
  PetscCall(DiniSetFixedPointJacobian(f.dini, A, NULL, NULL));
  PetscCall(Converge(&f, 1e-8)); /* no transposed product: dense columns */
  PetscCall(MatDestroy(&A));
  PetscCall(
      DiniTestOptionsSet("-dini_fixedpoint_method iterate -dini_fixedpoint_derivative fd -dini_fixedpoint_max_it 77 "
                         "-dini_fixedpoint_max_columns 6 -dini_fixedpoint_snes_type anderson"));
  PetscCall(DiniReset(f.dini));
  PetscCall(DiniSetFromOptions(f.dini));
  PetscCall(DiniResetStatistics(f.dini));
  PetscCall(Converge(&f, 1e-7));
  PetscCall(DiniGetStatistics(f.dini, &s));
  DiniTestTrue(s.adjoint_rung == DINI_RUNG_ITERATION, "rung %s", DiniRungs[s.adjoint_rung]);
  PetscCall(DiniTestOptionsClear("-dini_fixedpoint_method -dini_fixedpoint_derivative -dini_fixedpoint_max_it "
                                 "-dini_fixedpoint_max_columns -dini_fixedpoint_snes_type"));
  PetscCall(FixedMapDestroy(&f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestOrder());
  PetscCall(TestMissing(3));
  PetscCall(TestMissing(10));
  PetscCall(TestShapes());
  PetscCall(TestMatrices());
  PetscCall(DiniTestForgiveLeaks()); /* of PETSc, on the way out of errors */
  PetscCall(TestFaults(DINI_FIXEDPOINT_KRYLOV));
  PetscCall(TestFaults(DINI_FIXEDPOINT_ITERATE));
  PetscCall(PetscFinalize());
  return 0;
}
