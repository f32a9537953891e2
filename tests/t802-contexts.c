static char help[] =
    "Linear systems whose matrix has no copy of its own: shells, low-rank updates, sums, nests with virtual transposes or with\n\
one block twice. Derivatives are those of a dense copy, and the application finds its matrix at its own parameters.\n";

#include "support/contexts.h"

/* The matrix at k, column by column, and its derivative: it is affine in k */
static PetscErrorCode Explicit(System *s, PetscScalar k, Mat *D, Mat *slope)
{
  const PetscScalar now = s->k;

  PetscFunctionBeginUser;
  s->k = k + 1.0;
  PetscCall(SystemFill(s, s->A, s->P));
  PetscCall(MatComputeOperator(s->A, MATAIJ, slope));
  s->k = k;
  PetscCall(SystemFill(s, s->A, s->P));
  PetscCall(MatComputeOperator(s->A, MATAIJ, D));
  PetscCall(MatAXPY(*slope, -1.0, *D, DIFFERENT_NONZERO_PATTERN));
  s->k = now;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x = -D^{-1} D' u */
static PetscErrorCode Step(Mat D, Mat slope, Vec u, Vec x)
{
  Vec r;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(u, &r));
  PetscCall(MatMult(slope, u, r));
  PetscCall(VecScale(r, -1.0));
  PetscCall(DiniTestDirectSolve(D, PETSC_FALSE, r, x));
  PetscCall(VecDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The application's A is that of its own k: A u = b */
static PetscErrorCode CheckOwn(System *s, PetscScalar k, const char what[])
{
  Vec r;

  PetscFunctionBeginUser;
  DiniTestTrue(s->k == k, "%s: k is %g, and was %g", what, (double)PetscRealPart(s->k), (double)PetscRealPart(k));
  PetscCall(VecDuplicate(s->b, &r));
  PetscCall(MatMult(s->A, s->u, r));
  PetscCall(DiniTestVecsClose(r, s->b, 1e-10, what));
  PetscCall(VecDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The objective Re sum(conj(g) u), linear in u */
static PetscErrorCode Value(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  PetscScalar sum;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecDot(u, (Vec)ctx, &sum));
  *value = PetscRealPart(sum);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)u;
  (void)dJdm;
  PetscCall(VecCopy((Vec)ctx, dJdu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FirstEntry(Vec v, PetscScalar *value)
{
  PetscFunctionBeginUser;
  PetscCall(VecSum(v, value)); /* of a flat vector with one entry */
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Test(SystemKind kind)
{
  System      s;
  Mat         D, slope;
  Vec         g, du, ddu, x, dm, mbar, F;
  PetscScalar k, expected, found;

  PetscFunctionBeginUser;
  PetscCall(SystemCreate(kind, &s));
  PetscCall(DiniTestVec(s.u, 4, &g));
  PetscCall(VecDuplicate(s.u, &du));
  PetscCall(VecDuplicate(s.u, &ddu));
  PetscCall(VecDuplicate(s.u, &x));
  PetscCall(VecDuplicate(s.u, &F));
  PetscCall(DiniCreateParameterVec(s.dini, &dm));
  PetscCall(VecDuplicate(dm, &mbar));
  PetscCall(VecSet(dm, 1.0));
  PetscCall(DiniSetState(s.dini, s.u));
  PetscCall(DiniSetObjective(s.dini, Value, Gradient, g));
  for (int point = 0; point < 2; point++) {
    k = s.k = 1.5 + 0.5 * point;
    PetscCall(Explicit(&s, k, &D, &slope));
    PetscCall(DiniSolve(s.dini, s.u));
    PetscCall(Step(D, slope, s.u, du));
    PetscCall(Step(D, slope, du, ddu));
    PetscCall(VecScale(ddu, 2.0));
    PetscCall(VecDot(du, g, &expected));
    PetscCall(DiniVJP(s.dini, g, mbar));
    PetscCall(FirstEntry(mbar, &found));
    DiniTestTrue(PetscAbsScalar(found - PetscConj(expected)) <= 1e-7 * PetscAbsScalar(expected),
                 "Kind %d: VJP off by a relative %g", (int)kind,
                 (double)(PetscAbsScalar(found - PetscConj(expected)) / PetscAbsScalar(expected)));
    PetscCall(CheckOwn(&s, k, "after a VJP"));
    PetscCall(DiniJVP(s.dini, dm, x));
    PetscCall(DiniTestVecsClose(x, du, 1e-7, "JVP"));
    PetscCall(CheckOwn(&s, k, "after a JVP"));
    if (!PetscDefined(USE_COMPLEX)) {
      PetscCall(DiniHVP(s.dini, dm, mbar));
      PetscCall(FirstEntry(mbar, &found));
      PetscCall(VecDot(ddu, g, &expected));
      DiniTestTrue(PetscAbsScalar(found - expected) <= 1e-5 * PetscAbsScalar(expected),
                   "Kind %d: Hessian product %g where %g is right", (int)kind, (double)PetscRealPart(found),
                   (double)PetscRealPart(expected));
      PetscCall(CheckOwn(&s, k, "after a Hessian product"));
    }
    /* F at another k, and derivatives at the point again */
    s.k = 3.0;
    PetscCall(DiniComputeResidual(s.dini, s.u, F));
    s.k = k;
    PetscCall(VecZeroEntries(x));
    DiniTestExpect(DiniJVP(s.dini, dm, x), PETSC_ERR_ARG_WRONGSTATE, "Parameter \"k\"");
    PetscCall(DiniSolve(s.dini, s.u));
    PetscCall(DiniJVP(s.dini, dm, x));
    PetscCall(DiniTestVecsClose(x, du, 1e-7, "JVP after F at another k"));
    PetscCall(CheckOwn(&s, k, "after F at another k"));
    PetscCall(MatDestroy(&D));
    PetscCall(MatDestroy(&slope));
  }
  PetscCall(VecDestroy(&g));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&ddu));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&F));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&mbar));
  PetscCall(SystemDestroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (int kind = 0; kind < SYSTEM_KINDS; kind++) PetscCall(Test((SystemKind)kind));
  PetscCall(PetscFinalize());
  return 0;
}
