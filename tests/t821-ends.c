static char help[] =
    "Numbers at the ends of their range: derivatives are linear, s VJP(g) = VJP(s g), or overflow by name.\n";

#include "support/units.h"

static const PetscReal scales[] = {1e-307, 1e-170, 1e-60, 1e60, 1e170, 1e300};

static PetscErrorCode Expect(Units *s, PetscBool adjoint, PetscReal scale, Vec w, const char what[])
{
  PetscReal error;

  PetscFunctionBeginUser;
  PetscCall(VecScale(w, 1.0 / scale));
  PetscCall(UnitsError(s, adjoint, 3, 5, w, &error));
  DiniTestTrue(error <= 1e-8, "%s of a direction of size %g: off by %g", what, (double)scale, (double)error);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Single(Units *s, PetscReal scale)
{
  Vec v, w;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(s->u, &v));
  PetscCall(VecDuplicate(s->u, &w));
  for (int adjoint = 0; adjoint < 2; adjoint++) {
    PetscCall(UnitsDirection(s, (PetscBool)adjoint, 3, 5, v));
    PetscCall(VecScale(v, scale));
    if (adjoint) PetscCall(DiniVJP(s->dini, v, w));
    else PetscCall(DiniJVP(s->dini, v, w));
    PetscCall(Expect(s, (PetscBool)adjoint, scale, w, adjoint ? "VJP" : "JVP"));
    if (adjoint) PetscCall(DiniAdjointSolve(s->dini, v, w));
    else PetscCall(DiniTangentSolve(s->dini, v, w));
    PetscCall(Expect(s, (PetscBool)adjoint, scale, w, adjoint ? "adjoint solve" : "tangent solve"));
  }
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All scales in the columns of one block */
static PetscErrorCode Block(Units *s, PetscBool adjoint)
{
  Mat      V, W;
  Vec      v, w, copy;
  PetscInt n;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(s->u, &n));
  PetscCall(VecDuplicate(s->u, &copy));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, n, PETSC_DECIDE, PETSC_DETERMINE, 6, NULL, &V));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, n, PETSC_DECIDE, PETSC_DETERMINE, 6, NULL, &W));
  for (PetscInt j = 0; j < 6; j++) {
    PetscCall(MatDenseGetColumnVecWrite(V, j, &v));
    PetscCall(UnitsDirection(s, adjoint, 3, 5, v));
    PetscCall(VecScale(v, scales[j]));
    PetscCall(MatDenseRestoreColumnVecWrite(V, j, &v));
  }
  if (adjoint) PetscCall(DiniMatVJP(s->dini, V, W));
  else PetscCall(DiniMatJVP(s->dini, V, W));
  for (PetscInt j = 0; j < 6; j++) {
    PetscCall(MatDenseGetColumnVecRead(W, j, &w));
    PetscCall(VecCopy(w, copy));
    PetscCall(MatDenseRestoreColumnVecRead(W, j, &w));
    PetscCall(Expect(s, adjoint, scales[j], copy, adjoint ? "MatVJP" : "MatJVP"));
  }
  PetscCall(MatDestroy(&V));
  PetscCall(MatDestroy(&W));
  PetscCall(VecDestroy(&copy));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The result itself is beyond the largest number; 1e-200 beside 1; one NaN */
static PetscErrorCode Limits(Units *s)
{
  Vec       v, w;
  PetscReal error;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(s->u, &v));
  PetscCall(VecDuplicate(s->u, &w));
  PetscCall(UnitsDirection(s, PETSC_TRUE, 3, 5, v));
  PetscCall(VecScale(v, 1e300));
  PetscCall(VecScale(v, 1e8 / s->column[0])); /* of size 1e308, and A^{-1} is larger than one */
  if (s->column[0] < 1.0) DiniTestExpect(DiniVJP(s->dini, v, w), PETSC_ERR_FP, "overflows");
  PetscCall(UnitsDirection(s, PETSC_TRUE, 3, 5, v));
  PetscCall(VecScale(v, NAN));
  DiniTestExpect(DiniVJP(s->dini, v, w), PETSC_ERR_FP, "NaN or Inf");
  PetscCall(UnitsDirection(s, PETSC_TRUE, 3, 5, v));
  PetscCall(DiniVJP(s->dini, v, w));
  PetscCall(UnitsError(s, PETSC_TRUE, 3, 5, w, &error));
  DiniTestTrue(error <= 1e-8, "VJP after errors: off by %g", (double)error);
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  const PetscReal entries[] = {1.0, 1e-150, 1e150}; /* of A */

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (int k = 0; k < 3; k++) {
    Units s = {.N = 6, .nfields = 2, .row = {1.0, 1.0}, .column = {entries[k], entries[k]}, .coupling = 0.01};

    PetscCall(UnitsCreate(&s));
    for (int i = 0; i < 6 && k == 0; i++) PetscCall(Single(&s, scales[i]));
    if (k == 0) PetscCall(Block(&s, PETSC_TRUE));
    if (k == 0) PetscCall(Block(&s, PETSC_FALSE));
    if (k > 0) PetscCall(Single(&s, 1.0));
    if (k > 0) PetscCall(Single(&s, k == 1 ? 1e100 : 1e-100));
    PetscCall(Limits(&s));
    PetscCall(UnitsDestroy(&s));
  }
  { /* two fields that know nothing of each other, 1e-200 beside 1 in one direction */
    Units s = {.N = 6, .nfields = 2, .row = {1.0, 1e-200}, .column = {1.0, 1.0}, .coupling = 0.0, .said = PETSC_TRUE};
    Vec   v, w;
    PetscReal error;

    PetscCall(UnitsCreate(&s));
    PetscCall(VecDuplicate(s.u, &v));
    PetscCall(VecDuplicate(s.u, &w));
    PetscCall(UnitsDirection(&s, PETSC_FALSE, 3, 5, v));
    PetscCall(DiniJVP(s.dini, v, w));
    PetscCall(UnitsError(&s, PETSC_FALSE, 3, 5, w, &error));
    DiniTestTrue(error <= 1e-8, "1e-200 beside 1: off by %g", (double)error);
    PetscCall(VecDestroy(&v));
    PetscCall(VecDestroy(&w));
    PetscCall(UnitsDestroy(&s));
  }
  PetscCall(PetscFinalize());
  return 0;
}
