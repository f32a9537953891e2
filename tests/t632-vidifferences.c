static char help[] =
    "Derivatives of variational inequalities against plain SNES, differences of solves, and of gradients.\n";

#include "support/fixtures.h"

/* ---- Against plain SNES, differences and DiniCheck() ---- */

/* Nothing active: the derivative is that of F = 0, by another SNES and another Dini */
static PetscErrorCode TestFree(PetscInt N, SNESType type)
{
  Box b, f;
  Vec dm, du, fu, mbar, fbar;

  PetscFunctionBeginUser;
  PetscCall(BoxCreate(N, 0.9, 0.5, type, &b));
  PetscCall(BoxCreate(N, 0.9, 0.5, SNESNEWTONLS, &f));
  PetscCall(VecSet(b.lower, -50.0));
  PetscCall(VecSet(b.upper, 50.0));
  PetscCall(BoxFill(b.m, 8));
  PetscCall(VecCopy(b.m, f.m));
  PetscCall(BoxDini(&b));
  PetscCall(BoxDini(&f));
  PetscCall(DiniSolve(b.dini, b.u));
  PetscCall(DiniSolve(f.dini, f.u));
  PetscCall(BoxExpect(b.dini, 0, 0));
  PetscCall(DiniTestVec(b.m, 9, &dm));
  PetscCall(VecDuplicate(b.u, &du));
  PetscCall(VecDuplicate(b.u, &fu));
  PetscCall(VecDuplicate(b.m, &mbar));
  PetscCall(VecDuplicate(b.m, &fbar));
  PetscCall(DiniJVP(b.dini, dm, du));
  PetscCall(DiniJVP(f.dini, dm, fu));
  PetscCall(DiniTestVecsClose(du, fu, 1e-8, "tangent with nothing active"));
  PetscCall(DiniVJP(b.dini, dm, mbar));
  PetscCall(DiniVJP(f.dini, dm, fbar));
  PetscCall(DiniTestVecsClose(mbar, fbar, 1e-8, "adjoint with nothing active"));
  DiniTestExpect(DiniGetActiveSet(f.dini, NULL, NULL), PETSC_ERR_ARG_WRONG, "Only a variational inequality");
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&fu));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&fbar));
  PetscCall(BoxDestroy(&b));
  PetscCall(BoxDestroy(&f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A nonlinear, nonsymmetric problem with both bounds, where both are parameters, and so are m and a scalar by differences */
static PetscErrorCode CreateMixed(PetscInt N, SNESType type, Box *b)
{
  PetscInt p;

  PetscFunctionBeginUser;
  PetscCall(BoxCreate(N, 0.9, 0.5, type, b));
  PetscCall(VecSet(b->lower, -0.2));
  PetscCall(VecSet(b->upper, 0.25));
  PetscCall(BoxFill(b->m, 8));
  PetscCall(VecScale(b->m, 2.0));
  b->e = 0.1;
  PetscCall(BoxDini(b));
  PetscCall(DiniAddScalarParameter(b->dini, "e", &b->e, NULL));
  PetscCall(DiniAddParameter(b->dini, "floor", b->lower, &p));
  PetscCall(DiniSetParameterType(b->dini, p, DINIPARAMETERZERO));
  PetscCall(DiniAddParameter(b->dini, "ceiling", b->upper, &p));
  PetscCall(DiniSetParameterType(b->dini, p, DINIPARAMETERZERO));
  PetscCall(DiniSetFromOptions(b->dini));
  PetscCall(DiniSolve(b->dini, b->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of two directions and of two cotangents at once, the first are these */
static PetscErrorCode Columns(Box *b, Vec dm, Vec du, Vec ubar, Vec mbar)
{
  Mat      dM, dU, Ubar, Mbar;
  Vec      column;
  PetscInt n, N, nm, Nm;

  PetscFunctionBeginUser;
  PetscCall(VecGetSize(b->u, &N));
  PetscCall(VecGetLocalSize(b->u, &n));
  PetscCall(VecGetLocalSize(dm, &nm));
  PetscCall(VecGetSize(dm, &Nm));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, nm, PETSC_DECIDE, Nm, 2, NULL, &dM));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, n, PETSC_DECIDE, N, 2, NULL, &dU));
  PetscCall(MatDuplicate(dU, MAT_DO_NOT_COPY_VALUES, &Ubar));
  PetscCall(MatDuplicate(dM, MAT_DO_NOT_COPY_VALUES, &Mbar));
  for (PetscInt j = 0; j < 2; j++) {
    PetscCall(MatDenseGetColumnVecWrite(dM, j, &column));
    if (j) PetscCall(BoxFill(column, 12));
    else PetscCall(VecCopy(dm, column));
    PetscCall(MatDenseRestoreColumnVecWrite(dM, j, &column));
    PetscCall(MatDenseGetColumnVecWrite(Ubar, j, &column));
    if (j) PetscCall(BoxFill(column, 13));
    else PetscCall(VecCopy(ubar, column));
    PetscCall(MatDenseRestoreColumnVecWrite(Ubar, j, &column));
  }
  PetscCall(DiniMatJVP(b->dini, dM, dU));
  PetscCall(DiniMatVJP(b->dini, Ubar, Mbar));
  PetscCall(MatDenseGetColumnVecRead(dU, 0, &column));
  PetscCall(DiniTestVecsClose(column, du, 1e-8, "a column of DiniMatJVP()"));
  PetscCall(MatDenseRestoreColumnVecRead(dU, 0, &column));
  PetscCall(MatDenseGetColumnVecRead(Mbar, 0, &column));
  PetscCall(DiniTestVecsClose(column, mbar, 1e-8, "a column of DiniMatVJP()"));
  PetscCall(MatDenseRestoreColumnVecRead(Mbar, 0, &column));
  PetscCall(MatDestroy(&dM));
  PetscCall(MatDestroy(&dU));
  PetscCall(MatDestroy(&Ubar));
  PetscCall(MatDestroy(&Mbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Central differences of whole solves, the whole vector; the blocks of directions and of cotangents agree with single ones */
static PetscErrorCode TestDifferences(PetscInt N, SNESType type)
{
  const PetscReal h = 1e-5;
  Box             b;
  Vec             m, dm, du, plus, minus, shifted, ubar, mbar;
  PetscViewer     viewer;
  char            text[16384];

  PetscFunctionBeginUser;
  PetscCall(CreateMixed(N, type, &b));
  if (N == 9) { /* both bounds hold some, and some are free */
    PetscReal least, most;

    PetscCall(BoxExpect(b.dini, 6, 0));
    PetscCall(VecMin(b.u, NULL, &least));
    PetscCall(VecMax(b.u, NULL, &most));
    DiniTestClose(least, -0.2, 1e-7, 0.0, "the least u");
    DiniTestClose(most, 0.25, 1e-7, 0.0, "the largest u");
  }
  PetscCall(DiniCreateParameterVec(b.dini, &m));
  PetscCall(VecDuplicate(m, &dm));
  PetscCall(VecDuplicate(m, &mbar));
  PetscCall(VecDuplicate(m, &shifted));
  PetscCall(BoxFill(dm, 9));
  PetscCall(VecDuplicate(b.u, &du));
  PetscCall(VecDuplicate(b.u, &plus));
  PetscCall(VecDuplicate(b.u, &minus));
  PetscCall(DiniTestVec(b.u, 10, &ubar));
  PetscCall(DiniJVP(b.dini, dm, du));
  PetscCall(DiniVJP(b.dini, ubar, mbar));
  PetscCall(DiniTestDotProduct(b.dini, 1e-8));
  PetscCall(Columns(&b, dm, du, ubar, mbar));
  PetscCall(DiniSetGradientTolerance(b.dini, 1e-9)); /* corrects by the residual of the adjoint system */
  PetscCall(VecCopy(mbar, shifted));
  PetscCall(DiniVJP(b.dini, ubar, mbar));
  PetscCall(DiniTestVecsClose(mbar, shifted, 1e-8, "a gradient to a tolerance of its own"));
  PetscCall(DiniSetGradientTolerance(b.dini, 0.0));

  for (PetscInt side = 0; side < 2; side++) {
    Vec u = side ? minus : plus;

    PetscCall(VecWAXPY(shifted, side ? -h : h, dm, m));
    PetscCall(DiniSetParameters(b.dini, shifted));
    PetscCall(VecSet(u, 0.0));
    PetscCall(SNESSolve(b.snes, NULL, u));
  }
  PetscCall(DiniSetParameters(b.dini, m));
  PetscCall(VecAXPY(plus, -1.0, minus));
  PetscCall(VecScale(plus, 0.5 / h));
  PetscCall(DiniTestVecsClose(du, plus, 1e-6, "tangent against differences of solves"));
  PetscCall(DiniSolve(b.dini, b.u));
  PetscCall(DiniTestTextOpen(&viewer));
  PetscCall(DiniCheck(b.dini, viewer));
  PetscCall(DiniJVP(b.dini, dm, plus)); /* the check has left the point as it was */
  PetscCall(DiniTestVecsClose(du, plus, 1e-7, "tangent after a check"));
  PetscCall(DiniView(b.dini, viewer));
  PetscCall(DiniTestTextClose(&viewer, text, sizeof(text)));
  PetscCall(DiniTestTextHas(text, "Dini check passed"));
  {
    char *at;

    PetscCall(PetscStrstr(text, "inconclusive", &at));
    DiniTestTrue(!at, "A check of a solution on its bounds calls it too loose:\n%s", text);
  }
  PetscCall(DiniTestTextHas(text, "entries held at a bound, 0 weakly active (inactive)"));
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&plus));
  PetscCall(VecDestroy(&minus));
  PetscCall(VecDestroy(&shifted));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(BoxDestroy(&b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- Curvature ---- */

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

/* The Hessian of |u|^2 / 2 in load, scalar and both bounds against differences of gradients */
static PetscErrorCode TestHessian(PetscInt N, SNESType type)
{
  const PetscReal h = 1e-5;
  Box             b;
  Vec             m, v, Hv, plus, minus, shifted;
  PetscReal       value;

  PetscFunctionBeginUser;
  PetscCall(CreateMixed(N, type, &b));
  PetscCall(DiniSetState(b.dini, b.u));
  PetscCall(DiniSetObjective(b.dini, Value, Gradient, NULL));
  PetscCall(DiniCreateParameterVec(b.dini, &m));
  PetscCall(VecDuplicate(m, &v));
  PetscCall(VecDuplicate(m, &Hv));
  PetscCall(VecDuplicate(m, &plus));
  PetscCall(VecDuplicate(m, &minus));
  PetscCall(VecDuplicate(m, &shifted));
  PetscCall(BoxFill(v, 21));
  PetscCall(VecWAXPY(shifted, h, v, m));
  PetscCall(DiniComputeObjectiveAndGradient(b.dini, shifted, &value, plus));
  PetscCall(VecWAXPY(shifted, -h, v, m));
  PetscCall(DiniComputeObjectiveAndGradient(b.dini, shifted, &value, minus));
  PetscCall(VecAXPY(plus, -1.0, minus));
  PetscCall(VecScale(plus, 0.5 / h));
  for (int round = 0; round < 2; round++) { /* lambda from a solve of its own, and from a gradient */
    PetscCall(DiniComputeObjectiveAndGradient(b.dini, m, &value, minus));
    PetscCall(DiniHVP(b.dini, v, Hv));
    PetscCall(DiniTestVecsClose(Hv, plus, 1e-6, "Hessian product of a variational inequality"));
  }
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&Hv));
  PetscCall(VecDestroy(&plus));
  PetscCall(VecDestroy(&minus));
  PetscCall(VecDestroy(&shifted));
  PetscCall(BoxDestroy(&b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  const SNESType types[] = {SNESVINEWTONRSLS, SNESVINEWTONSSLS};

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (int t = 0; t < 2; t++) {
    for (PetscInt N = 1; N <= 10; N += 3) PetscCall(TestFree(N, types[t]));
    PetscCall(TestDifferences(9, types[t]));
    PetscCall(TestDifferences(2, types[t]));
    PetscCall(TestHessian(9, types[t]));
    PetscCall(TestHessian(2, types[t]));
  }
  PetscCall(PetscFinalize());
  return 0;
}
