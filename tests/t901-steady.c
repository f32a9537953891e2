static char help[] = "Differences in a block that F is affine in: two residuals a point once that is known, and right "
                     "whoever writes into F_m\n"
                     "between points, and when F bends after all.\n";

#include "support/fixtures.h"
#include <petsc/private/petscimpl.h> /* object states */

#define N 6

/* F = u + u^3 - (m + k m^2): F_m = -(1 + 2 k m), on the diagonal */
typedef struct {
  Cubic       c;
  PetscScalar k;
  Vec         ubar, mbar, expected;
} Steady;

static PetscErrorCode Hand(Dini dini, Vec m, void *ctx)
{
  Steady *s = (Steady *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecPointwiseMult(s->c.backup, m, m));
  PetscCall(VecAYPX(s->c.backup, s->k, m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SteadyCreate(PetscScalar k, Steady *s)
{
  Cubic   *c = &s->c;
  PetscInt lo, hi;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(N, 0.0, c));
  s->k    = k;
  c->seen = c->backup;
  PetscCall(CubicDini(c, DINISNES, NULL));
  PetscCall(DiniSetParameterUpdate(c->dini, c->p, Hand, s));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, 1, NULL, 0, NULL, &c->Fm));
  PetscCall(MatGetOwnershipRange(c->Fm, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) PetscCall(MatSetValue(c->Fm, i, i, 0.0, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(c->Fm, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(c->Fm, MAT_FINAL_ASSEMBLY));
  PetscCall(DiniSetParameterJacobian(c->dini, c->p, c->Fm, NULL, NULL));
  PetscCall(DiniSetParameterType(c->dini, c->p, DINIPARAMETERCOLORING));
  PetscCall(DiniTestVec(c->u, 5, &s->ubar));
  PetscCall(VecDuplicate(c->m, &s->mbar));
  PetscCall(VecDuplicate(c->m, &s->expected));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SteadyDestroy(Steady *s)
{
  PetscFunctionBeginUser;
  PetscCall(VecDestroy(&s->ubar));
  PetscCall(VecDestroy(&s->mbar));
  PetscCall(VecDestroy(&s->expected));
  PetscCall(CubicDestroy(&s->c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The gradient at a point that m has moved to, and what it has cost; mbar = conj((1 + 2 k m) / (1 + 3 u^2)) ubar */
static PetscErrorCode Point(Steady *s, PetscReal shift, PetscInt residuals, const char what[])
{
  Cubic         *c = &s->c;
  DiniStatistics stats;

  PetscFunctionBeginUser;
  PetscCall(VecShift(c->m, shift));
  PetscCall(DiniSolve(c->dini, c->u));
  PetscCall(DiniResetStatistics(c->dini));
  PetscCall(DiniVJP(c->dini, s->ubar, s->mbar));
  PetscCall(DiniGetStatistics(c->dini, &stats));
  PetscCall(VecCopy(c->m, s->expected));
  PetscCall(VecScale(s->expected, 2.0 * s->k));
  PetscCall(VecShift(s->expected, 1.0));
  PetscCall(VecPointwiseMult(c->d, c->u, c->u));
  PetscCall(VecScale(c->d, 3.0));
  PetscCall(VecShift(c->d, 1.0));
  PetscCall(VecPointwiseDivide(s->expected, s->expected, c->d));
  PetscCall(VecConjugate(s->expected));
  PetscCall(VecPointwiseMult(s->expected, s->expected, s->ubar));
  PetscCall(DiniTestVecsClose(s->mbar, s->expected, 1e-8, what));
  if (residuals) DiniTestCount(stats.residuals, residuals, what);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An array that was handed out once is written to past PETSc */
static PetscErrorCode Raw(Mat A, PetscScalar factor)
{
  PetscMPIInt        size;
  const PetscScalar *a;
  Mat                part = A;
  PetscInt           n;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  if (size > 1) PetscCall(MatMPIAIJGetSeqAIJ(A, &part, NULL, NULL));
  PetscCall(MatGetLocalSize(A, &n, NULL));
  PetscCall(MatSeqAIJGetArrayRead(part, &a));
  for (PetscInt i = 0; i < n; i++) ((PetscScalar *)(uintptr_t)a)[i] *= factor;
  PetscCall(MatSeqAIJRestoreArrayRead(part, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Affine(void)
{
  Steady           s;
  PetscObjectState before, after;

  PetscFunctionBeginUser;
  PetscCall(SteadyCreate(0.0, &s));
  for (int point = 0; point < 4; point++)
    PetscCall(Point(&s, 0.1, 0, "a first point")); /* the state is measured at the fourth */
  PetscCall(PetscObjectStateGet((PetscObject)s.c.Fm, &before));
  PetscCall(Point(&s, 0.1, 2, "an affine block")); /* does u still solve, and the block's */
  PetscCall(PetscObjectStateGet((PetscObject)s.c.Fm, &after));
  DiniTestTrue(after == before, "F_m has been filled with what it has");
  PetscCall(MatScale(s.c.Fm, 2.0));
  PetscCall(Point(&s, 0.1, 2, "F_m scaled between points"));
  PetscCall(Raw(s.c.Fm, 3.0));
  PetscCall(Point(&s, 0.1, 2, "F_m written to past PETSc"));
  PetscCall(MatZeroEntries(s.c.Fm));
  PetscCall(Point(&s, 0.0, 2, "F_m zeroed, and the same m again"));
  s.k = 0.2; /* what the residual does with m is another thing from now on */
  PetscCall(Point(&s, 0.1, 0, "a block that is affine no more"));
  s.k = 0.0;
  PetscCall(Point(&s, 0.1, 0, "affine again"));
  PetscCall(SteadyDestroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Points that hardly differ find the same F_m, though F bends: forwards misses that, and backwards tells */
static PetscErrorCode Bent(void)
{
  Steady s;

  PetscFunctionBeginUser;
  PetscCall(SteadyCreate(0.3, &s));
  for (int point = 0; point < 4; point++)
    PetscCall(Point(&s, 1e-11, 0, "a first point")); /* the state is measured at the fourth */
  PetscCall(Point(&s, 1e-11, 3, "a point like the last one"));
  PetscCall(Point(&s, 1e-4, 0, "a point a little farther"));
  PetscCall(Point(&s, 1.0, 0, "a point elsewhere"));
  PetscCall(SteadyDestroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(Affine());
  PetscCall(Bent());
  PetscCall(PetscFinalize());
  return 0;
}
