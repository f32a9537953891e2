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
  PetscCall(PetscFinalize());
  return 0;
}
