static char help[] = "The error of the state, of its worst field, is reported as it is, or refused where it is more "
                     "than was promised.\n";

#include "support/units.h"

static PetscErrorCode Count(Dini dini, DiniOperation operation, PetscInt its, PetscReal rnorm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini, (void)its, (void)rnorm;
  if (operation == DINI_OPERATION_TANGENT) ++*(PetscInt *)ctx;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* u = the solution, and a field of it off by a relative error, smoothly: what |F| sees least */
static PetscErrorCode Spoil(Units *s, PetscInt field, PetscReal error)
{
  PetscScalar *a;
  PetscInt     lo, hi;

  PetscFunctionBeginUser;
  PetscCall(VecCopy(s->b, s->x));
  PetscCall(VecGetOwnershipRange(s->u, &lo, &hi));
  PetscCall(VecGetArray(s->x, &a));
  for (PetscInt i = lo; i < hi; i++) a[i - lo] /= s->row[i % s->nfields];
  PetscCall(VecRestoreArray(s->x, &a));
  PetscCall(DiniTestDirectSolve(s->B, PETSC_FALSE, s->x, s->u));
  PetscCall(VecGetArray(s->u, &a));
  for (PetscInt i = lo; i < hi; i++)
    a[i - lo] *= (i % s->nfields == field ? 1.0 + error : 1.0) / s->column[i % s->nfields];
  PetscCall(VecRestoreArray(s->u, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Each error within a factor of ten, at the first points and at the later ones, where it is not measured */
static PetscErrorCode Reported(Units *s, PetscInt field)
{
  const PetscReal errors[] = {1e-9, 3e-9, 1e-9, 1e-8, 1e-9, 1e-6, 1e-4};
  Vec             v, w;
  DiniStatistics  stats;
  PetscInt        told = 0;

  PetscFunctionBeginUser;
  PetscCall(DiniSetAttachTolerances(s->dini, 0.01, PETSC_DEFAULT));
  PetscCall(DiniMonitorSet(s->dini, Count, &told, NULL));
  PetscCall(VecDuplicate(s->u, &v));
  PetscCall(VecDuplicate(s->u, &w));
  for (int k = 0; k < 7; k++) {
    PetscCall(Spoil(s, field, errors[k]));
    PetscCall(DiniAttach(s->dini, s->u));
    PetscCall(UnitsDirection(s, PETSC_TRUE, 3, k, v));
    PetscCall(DiniVJP(s->dini, v, w));
    PetscCall(DiniGetStatistics(s->dini, &stats));
    DiniTestTrue(stats.state_error <= 10.0 * errors[k] && stats.state_error >= 0.1 * errors[k],
                 "field %" PetscInt_FMT ", rows %g %g, columns %g %g, point %d: u is off by %g, reported %g", field,
                 (double)s->row[0], (double)s->row[1], (double)s->column[0], (double)s->column[1], k, (double)errors[k],
                 (double)stats.state_error);
    DiniTestTrue(stats.gradient_error >= stats.state_error, "a gradient better than its state: %g, %g",
                 (double)stats.gradient_error, (double)stats.state_error);
  }
  DiniTestCount(stats.tangent_solves, 0, "tangent solves that nobody has asked for");
  DiniTestCount(told, 0, "loose solves that monitors see");
  DiniTestTrue(stats.tangent_residual == 0.0, "the worst residual is that of an estimate: %g",
               (double)stats.tangent_residual);
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Hidden in one norm by numbers 1e8 times larger: the test of attached states sees nothing */
static PetscErrorCode Refused(Units *s, int what)
{
  const char *words = "has not solved F(u, m) = 0 in field";
  Vec         v, w;
  Mat         V, W;
  PetscInt    n;

  PetscFunctionBeginUser;
  PetscCall(Spoil(s, 1, 1e-4));
  PetscCall(DiniAttach(s->dini, s->u));
  PetscCall(VecDuplicate(s->u, &v));
  PetscCall(VecDuplicate(s->u, &w));
  PetscCall(UnitsDirection(s, (PetscBool)(what == 0), 3, 1, v));
  if (what == 0) DiniTestExpect(DiniVJP(s->dini, v, w), PETSC_ERR_NOT_CONVERGED, words);
  if (what == 1) DiniTestExpect(DiniJVP(s->dini, v, w), PETSC_ERR_NOT_CONVERGED, words);
  if (what == 2) {
    PetscCall(VecGetLocalSize(s->u, &n));
    PetscCall(MatCreateDense(PETSC_COMM_WORLD, n, PETSC_DECIDE, PETSC_DETERMINE, 1, NULL, &V));
    PetscCall(MatZeroEntries(V));
    PetscCall(MatDuplicate(V, MAT_COPY_VALUES, &W));
    DiniTestExpect(DiniMatJVP(s->dini, V, W), PETSC_ERR_NOT_CONVERGED, words);
    PetscCall(MatDestroy(&V));
    PetscCall(MatDestroy(&W));
  }
  DiniTestExpect(DiniVJP(s->dini, v, w), PETSC_ERR_ORDER, "no solution to differentiate at");
  PetscCall(Spoil(s, 1, 0.0));
  PetscCall(DiniAttach(s->dini, s->u)); /* the right one is taken */
  PetscCall(DiniVJP(s->dini, v, w));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (int kind = 0; kind < 4; kind++) {
    Units s = {.N        = 12,
               .nfields  = 2,
               .row      = {1.0, kind == 1 || kind == 3 ? 1e-8 : 1.0},
               .column   = {1.0, kind == 2   ? 1e8
                                 : kind == 3 ? 1e8
                                             : 1.0},
               .coupling = 0.01,
               .said     = PETSC_TRUE};

    for (PetscInt field = 0; field < 2; field++) {
      PetscCall(UnitsCreate(&s));
      PetscCall(Reported(&s, field));
      PetscCall(UnitsDestroy(&s));
    }
  }
  for (int what = 0; what < 3; what++) {
    Units s = {.N = 6, .nfields = 2, .row = {1.0, 1e-8}, .column = {1.0, 1.0}, .coupling = 1e-3, .said = PETSC_TRUE};

    PetscCall(UnitsCreate(&s));
    PetscCall(Refused(&s, what));
    PetscCall(UnitsDestroy(&s));
  }
  PetscCall(PetscFinalize());
  return 0;
}
