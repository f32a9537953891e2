static char help[] =
    "What an error of u makes of derivatives where F bends over it is reported, to a factor of ten: near folds and\n"
    "inflections, in exponentials and logarithms, after loose and tight solves, attached and polished states.\n";

#include "support/bent.h"

#define FLOOR 2e-10 /* what the adjoint solves and the state's error may be by themselves, of a tight solve */

static PetscErrorCode Honest(Bent *b, PetscReal m, PetscBool adjoint, const char what[])
{
  PetscReal error, reported;

  PetscFunctionBeginUser;
  PetscCall(BentDerivative(b, m, adjoint, &error, &reported));
  DiniTestTrue(error <= 10.0 * PetscMax(reported, FLOOR) && reported <= 10.0 * PetscMax(error, FLOOR),
               "%s, kind %d, m = %g, %s: off by %g, reported %g", what, (int)b->kind, (double)m,
               adjoint ? "gradient" : "tangent", (double)error, (double)reported);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Solved(BentKind kind, PetscReal m, PetscReal start, PetscReal rtol, PetscBool polish)
{
  Bent b;

  PetscFunctionBeginUser;
  PetscCall(BentCreate(kind, 4, rtol, &b));
  PetscCall(DiniSetPolish(b.dini, polish));
  PetscCall(BentSolve(&b, m, start));
  PetscCall(Honest(&b, m, PETSC_TRUE, polish ? "polished" : "solved"));
  PetscCall(Honest(&b, m, PETSC_FALSE, polish ? "polished" : "solved"));
  PetscCall(BentDestroy(&b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Off by more and more and by less again, at points that are measured and at points that are not */
static PetscErrorCode Attached(BentKind kind, PetscReal m, const PetscReal off[])
{
  Bent b;

  PetscFunctionBeginUser;
  PetscCall(BentCreate(kind, 4, 1e-8, &b));
  for (int k = 0; k < 6; k++) {
    PetscCall(BentAttach(&b, m, off[k]));
    PetscCall(Honest(&b, m, (PetscBool)(k != 3), "attached"));
  }
  PetscCall(BentDestroy(&b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One row near its fold, the others far from theirs: what counts is which are off, not what J could make of it */
static PetscErrorCode Mixed(PetscReal first, PetscReal others)
{
  const PetscReal m[] = {1e-6, 1.0}, off[] = {first, others};
  Bent            b;
  DiniStatistics  s;
  Vec             v, w;
  PetscInt        lo, hi;
  PetscReal       error = 0.0;

  PetscFunctionBeginUser;
  PetscCall(BentCreate(BENT_FOLD, 4, 1e-8, &b));
  PetscCall(VecDuplicate(b.u, &v));
  PetscCall(VecDuplicate(b.u, &w));
  PetscCall(VecGetOwnershipRange(b.u, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) {
    PetscCall(VecSetValue(b.m, i, m[i > 0], INSERT_VALUES));
    PetscCall(VecSetValue(b.u, i, BentState(BENT_FOLD, m[i > 0]) + off[i > 0], INSERT_VALUES));
  }
  PetscCall(VecAssemblyBegin(b.m));
  PetscCall(VecAssemblyEnd(b.m));
  PetscCall(VecAssemblyBegin(b.u));
  PetscCall(VecAssemblyEnd(b.u));
  PetscCall(VecSet(v, 1.0));
  PetscCall(DiniAttach(b.dini, b.u));
  PetscCall(DiniVJP(b.dini, v, w));
  PetscCall(DiniGetStatistics(b.dini, &s));
  for (int k = 0; k < 2; k++) error = PetscMax(error, off[k] / PetscSqrtReal(m[k])); /* to first order */
  DiniTestTrue(error <= 10.0 * s.gradient_error && s.gradient_error <= 10.0 * error,
               "one fold, off by %g and %g: the worst row of the gradient is off by %g, reported %g", (double)first,
               (double)others, (double)error, (double)s.gradient_error);
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&w));
  PetscCall(BentDestroy(&b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  const PetscReal small[] = {1e-9, 2e-9, -3e-9, 1e-9, 1e-8, 2e-7}, large[] = {1e-5, 1e-4, -1e-4, 1e-7, 1e-3, 1e-9};

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(Solved(BENT_FOLD, 1e-6, 0.25, 1e-8, PETSC_FALSE)); /* 5e-4 off */
  PetscCall(Solved(BENT_FOLD, 1e-8, 0.25, 1e-8, PETSC_FALSE)); /* 7e-2 off */
  PetscCall(Solved(BENT_FOLD, 1e-8, 0.25, 1e-8, PETSC_TRUE));
  PetscCall(Solved(BENT_FOLD, 1e-6, 0.25, 1e-15, PETSC_FALSE));
  PetscCall(Solved(BENT_EXP, 1.0, 2e4, 1e-4, PETSC_FALSE)); /* half of it */
  PetscCall(Solved(BENT_EXP, 2.0, 2e4, 1e-6, PETSC_FALSE));
  PetscCall(Solved(BENT_EXP, 2.0, 2e4, 1e-4, PETSC_TRUE));
  PetscCall(Solved(BENT_EXP, 2.0, 20.0, 1e-13, PETSC_FALSE));
  PetscCall(Solved(BENT_CUBE, 1e-6, 1.0, 1e-8, PETSC_FALSE));
  PetscCall(Solved(BENT_CUBE, 1e-3, 1.0, 1e-4, PETSC_TRUE));
  PetscCall(Solved(BENT_LOG, -7.0, -6.0, 1e-3, PETSC_FALSE));
  PetscCall(Attached(BENT_FOLD, 1e-6, small));
  PetscCall(Attached(BENT_CUBE, 1e-6, small));
  PetscCall(Attached(BENT_EXP, 3.0, small));
  PetscCall(Attached(BENT_FOLD, 1e-2, large));
  PetscCall(Attached(BENT_EXP, 3.0, large));
  PetscCall(Attached(BENT_LOG, -7.0, large));
  PetscCall(Mixed(1e-7, 0.0));
  PetscCall(Mixed(1e-7, 1e-7));
  PetscCall(Mixed(0.0, 1e-7));
  PetscCall(PetscFinalize());
  return 0;
}
