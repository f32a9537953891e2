static char help[] =
    "The estimated error of a tangent, of its worst field, is within a factor of ten of the true one.\n";

#include "support/units.h"

#define FLOOR (1000.0 * PETSC_MACHINE_EPSILON) /* of what rounding lets tell */

static PetscErrorCode Honest(Units *s, Vec w, PetscInt mask, PetscInt seed, const char what[])
{
  DiniStatistics stats;
  PetscReal      error;

  PetscFunctionBeginUser;
  PetscCall(UnitsError(s, PETSC_FALSE, mask, seed, w, &error));
  PetscCall(DiniGetStatistics(s->dini, &stats));
  DiniTestTrue(stats.tangent_error <= 10.0 * PetscMax(error, FLOOR) &&
                   error <= 10.0 * PetscMax(stats.tangent_error, FLOOR),
               "%s of fields %" PetscInt_FMT ", rows %g, columns %g: the error is %g, estimated %g", what, mask,
               (double)s->row[1], (double)s->column[1], (double)error, (double)stats.tangent_error);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Tangents(Units *s, PetscReal rtol)
{
  Vec         v, w;
  Mat         V, W;
  PetscInt    n;
  PetscViewer viewer;
  char        text[16384];

  PetscFunctionBeginUser;
  PetscCall(DiniSetTolerances(s->dini, rtol, PETSC_DEFAULT));
  PetscCall(VecGetLocalSize(s->u, &n));
  PetscCall(VecDuplicate(s->u, &w));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, n, PETSC_DECIDE, PETSC_DETERMINE, 1, NULL, &V));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, n, PETSC_DECIDE, PETSC_DETERMINE, 1, NULL, &W));
  for (PetscInt seed = 0; seed < 3; seed++) {
    PetscCall(MatDenseGetColumnVecWrite(V, 0, &v));
    PetscCall(UnitsDirection(s, PETSC_FALSE, 3, seed, v));
    PetscCall(DiniJVP(s->dini, v, w));
    PetscCall(MatDenseRestoreColumnVecWrite(V, 0, &v));
    PetscCall(Honest(s, w, 3, seed, "JVP"));
    PetscCall(DiniMatJVP(s->dini, V, W));
    PetscCall(MatDenseGetColumnVecRead(W, 0, &v));
    PetscCall(Honest(s, v, 3, seed, "MatJVP"));
    PetscCall(MatDenseRestoreColumnVecRead(W, 0, &v));
  }
  PetscCall(DiniTestTextOpen(&viewer));
  PetscCall(DiniView(s->dini, viewer));
  PetscCall(DiniTestTextClose(&viewer, text, sizeof(text)));
  PetscCall(DiniTestTextHas(text, "tangent "));
  PetscCall(MatDestroy(&V));
  PetscCall(MatDestroy(&W));
  PetscCall(VecDestroy(&w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -u'' = b: a residual of 1e-4 may leave an error a thousand times larger */
static PetscErrorCode Conditioned(void)
{
  const PetscInt N = 64;
  Mat            A;
  Vec            u, b, du, exact;
  KSP            ksp;
  Dini           dini;
  PetscInt       lo, hi;
  PetscReal      error, norm;
  DiniStatistics stats;

  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, 3, NULL, 2, NULL, &A));
  PetscCall(MatGetOwnershipRange(A, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++)
    for (PetscInt j = PetscMax(i - 1, 0); j <= PetscMin(i + 1, N - 1); j++)
      PetscCall(MatSetValue(A, i, j, i == j ? 2.0 : -1.0, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatCreateVecs(A, &u, &b));
  PetscCall(VecDuplicate(u, &du));
  PetscCall(VecDuplicate(u, &exact));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &ksp));
  PetscCall(KSPSetOperators(ksp, A, A));
  PetscCall(KSPSetFromOptions(ksp));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetKSP(dini, ksp));
  PetscCall(DiniSetLinearSystem(dini, b, NULL, NULL));
  PetscCall(DiniAddParameter(dini, "b", b, NULL));
  PetscCall(DiniSetTolerances(dini, 1e-2, PETSC_DEFAULT));
  PetscCall(DiniTestFill(u, 1));
  PetscCall(MatMult(A, u, b));
  PetscCall(DiniAttach(dini, u));
  PetscCall(DiniJVP(dini, b, du));
  PetscCall(DiniGetStatistics(dini, &stats));
  PetscCall(DiniTestDirectSolve(A, PETSC_FALSE, b, exact));
  PetscCall(VecNorm(exact, NORM_2, &norm));
  PetscCall(VecAXPY(du, -1.0, exact));
  PetscCall(VecNorm(du, NORM_2, &error));
  error /= norm;
  DiniTestTrue(stats.tangent_error <= 10.0 * PetscMax(error, 1e-11) &&
                   error <= 10.0 * PetscMax(stats.tangent_error, FLOOR),
               "ill-conditioned: the error is %g, estimated %g, with a residual of %g", (double)error,
               (double)stats.tangent_error, (double)stats.tangent_residual);
  PetscCall(DiniDestroy(&dini));
  PetscCall(KSPDestroy(&ksp));
  PetscCall(MatDestroy(&A));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&b));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&exact));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (int kind = 0; kind < 4; kind++) { /* like units; unknowns; a similarity, told and not told */
    Units s = {.N        = 12,
               .nfields  = 2,
               .row      = {1.0, kind >= 2 ? 1e-6 : 1.0},
               .column   = {1.0, kind ? 1e6 : 1.0},
               .coupling = 0.01,
               .said     = (PetscBool)(kind < 3)};

    PetscCall(UnitsCreate(&s));
    PetscCall(Tangents(&s, 1e-5));
    PetscCall(Tangents(&s, 1e-10));
    PetscCall(UnitsDestroy(&s));
  }
  PetscCall(Conditioned());
  PetscCall(PetscFinalize());
  return 0;
}
