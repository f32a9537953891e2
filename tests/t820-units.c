static char help[] = "Fields of unlike units: every field right, whatever the units of equations and unknowns.\n";

#include "support/units.h"

#define RIGHT 1e-8

static PetscErrorCode Wrong(Units *s, const char what[], PetscInt mask, PetscReal error)
{
  PetscFunctionBeginUser;
  DiniTestTrue(error <= RIGHT, "%s of fields %" PetscInt_FMT ", rows %g %g, columns %g %g: a field is off by %g", what,
               mask, (double)s->row[0], (double)s->row[1], (double)s->column[0], (double)s->column[1], (double)error);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Single(Units *s, PetscBool may)
{
  Vec            v, w;
  PetscReal      error;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(s->u, &v));
  PetscCall(VecDuplicate(s->u, &w));
  for (PetscInt mask = 1; mask < 1 << s->nfields; mask++) {
    for (int adjoint = 0; adjoint < 2; adjoint++) {
      PetscCall(UnitsDirection(s, (PetscBool)adjoint, mask, mask, v));
      PetscCall(DiniTestCatch());
      ierr = adjoint ? DiniVJP(s->dini, v, w) : DiniJVP(s->dini, v, w);
      PetscCall(DiniTestRelease());
      if (ierr && may) continue;
      DiniTestTrue(!ierr, "%s: %s", adjoint ? "VJP" : "JVP", DiniTestMessages());
      PetscCall(UnitsError(s, (PetscBool)adjoint, mask, mask, w, &error));
      PetscCall(Wrong(s, adjoint ? "VJP" : "JVP", mask, error));
    }
  }
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Block(Units *s, PetscBool adjoint)
{
  const PetscInt columns = (1 << s->nfields) - 1;
  Mat            V, W;
  Vec            v, w;
  PetscInt       n;
  PetscReal      error;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(s->u, &n));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, n, PETSC_DECIDE, PETSC_DETERMINE, columns, NULL, &V));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, n, PETSC_DECIDE, PETSC_DETERMINE, columns, NULL, &W));
  for (PetscInt j = 0; j < columns; j++) {
    PetscCall(MatDenseGetColumnVecWrite(V, j, &v));
    PetscCall(UnitsDirection(s, adjoint, j + 1, j, v));
    PetscCall(MatDenseRestoreColumnVecWrite(V, j, &v));
  }
  if (adjoint) PetscCall(DiniMatVJP(s->dini, V, W));
  else PetscCall(DiniMatJVP(s->dini, V, W));
  for (PetscInt j = 0; j < columns; j++) {
    PetscCall(MatDenseGetColumnVecRead(W, j, &w));
    PetscCall(UnitsError(s, adjoint, j + 1, j, w, &error));
    PetscCall(MatDenseRestoreColumnVecRead(W, j, &w));
    PetscCall(Wrong(s, adjoint ? "MatVJP" : "MatJVP", j + 1, error));
  }
  PetscCall(MatDestroy(&V));
  PetscCall(MatDestroy(&W));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  -may: a refusal will do, as where GMRES finds nothing and there is no factorisation. -forgive: the ladder may come to a
  companion that PETSc can not set up
*/
int main(int argc, char **argv)
{
  const PetscReal ratios[] = {1.0, 1e-2, 1e-4, 1e-8, 1e-12};
  PetscBool       may = PETSC_FALSE, block = PETSC_FALSE, forgive;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscOptionsHasName(NULL, NULL, "-forgive", &forgive));
  PetscCall(PetscOptionsGetBool(NULL, NULL, "-may", &may, NULL));
  PetscCall(PetscOptionsGetBool(NULL, NULL, "-block", &block, NULL));
  for (int k = 0; k < 5; k++) {
    for (int kind = 0; kind < 3; kind++) { /* unknowns; equations; both, the other way round */
      const PetscReal T = ratios[k];
      Units           s = {.N        = 6,
                           .nfields  = 2,
                           .row      = {1.0, kind == 0 ? 1.0 : T},
                           .column   = {kind == 2 ? T : 1.0, kind == 0 ? 1.0 / T : 1.0},
                           .coupling = 0.01,
                           .said     = (PetscBool)(kind == 1 || T == 1e-2)};

      PetscCall(UnitsCreate(&s));
      if (block) PetscCall(Block(&s, PETSC_TRUE));
      if (block) PetscCall(Block(&s, PETSC_FALSE));
      if (!block) PetscCall(Single(&s, may));
      PetscCall(UnitsDestroy(&s));
    }
  }
  if (forgive) PetscCall(DiniTestForgiveLeaks());
  PetscCall(PetscFinalize());
  return 0;
}
