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

/* A smooth error of u is a thousand times smaller in F: the condition of J is in what is reported */
static PetscErrorCode Conditioned(void)
{
  const PetscInt N = 64;
  Mat            A;
  Vec            u, b, mbar;
  KSP            ksp;
  Dini           dini;
  PetscInt       lo, hi;
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
  PetscCall(VecDuplicate(b, &mbar));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &ksp));
  PetscCall(KSPSetOperators(ksp, A, A));
  PetscCall(KSPSetFromOptions(ksp));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetKSP(dini, ksp));
  PetscCall(DiniSetLinearSystem(dini, b, NULL, NULL));
  PetscCall(DiniAddParameter(dini, "b", b, NULL));
  for (int point = 0; point < 3; point++) {
    PetscCall(DiniTestFill(u, point));
    PetscCall(MatMult(A, u, b));
    for (PetscInt i = lo; i < hi; i++)
      PetscCall(VecSetValue(u, i, 1e-9 * PetscSinReal(PETSC_PI * (PetscReal)(i + 1) / (PetscReal)(N + 1)), ADD_VALUES));
    PetscCall(VecAssemblyBegin(u));
    PetscCall(VecAssemblyEnd(u));
    PetscCall(DiniAttach(dini, u));
    PetscCall(DiniVJP(dini, u, mbar));
    PetscCall(DiniGetStatistics(
        dini, &stats)); /* |u| is about 0.58 sqrt(N), or 0.82 with imaginary parts, |e| 0.71 sqrt(N) */
    DiniTestTrue(stats.state_error > 1e-10 && stats.state_error < 1e-8, "point %d: u is off by 1e-9, reported %g",
                 point, (double)stats.state_error);
  }
  PetscCall(DiniDestroy(&dini));
  PetscCall(KSPDestroy(&ksp));
  PetscCall(MatDestroy(&A));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&b));
  PetscCall(VecDestroy(&mbar));
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
  PetscCall(Conditioned());
  PetscCall(PetscFinalize());
  return 0;
}
