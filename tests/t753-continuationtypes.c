static char help[] = "Continuation with other solvers: callbacks without an adjoint, a fixed point, a linear system at "
                     "its eigenvalue.\n";

#include "support/dinitest.h"

/* The entries of u solve f(u_i, m) = 0, i = 0; further ones are (2 + i) u_i = m. */
typedef struct {
  PetscScalar m;
  PetscInt    solves;
} Context;

typedef PetscScalar EntryFn(PetscInt i, PetscScalar u, PetscScalar m);

/* y_i = f(i, u_i, m) */
static PetscErrorCode Apply(EntryFn *f, PetscScalar m, Vec u, Vec y)
{
  const PetscScalar *x;
  PetscScalar       *v;
  PetscInt           lo, hi;

  PetscFunctionBeginUser;
  PetscCall(VecGetOwnershipRange(u, &lo, &hi));
  PetscCall(VecGetArrayRead(u, &x));
  PetscCall(VecGetArray(y, &v));
  for (PetscInt i = lo; i < hi; i++) v[i - lo] = f(i, x[i - lo], m);
  PetscCall(VecRestoreArray(y, &v));
  PetscCall(VecRestoreArrayRead(u, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- u e^-u = m with a residual, a Newton method and a tangent solve of the application's, and no J ---- */

static PetscScalar Entry(PetscInt i, PetscScalar u, PetscScalar m)
{
  return i ? (PetscReal)(2 + i) * u - m : u * PetscExpScalar(-u) - m;
}

static PetscScalar NewtonEntry(PetscInt i, PetscScalar u, PetscScalar m)
{
  if (i) return m / (PetscReal)(2 + i);
  for (int k = 0; k < 40; k++) u -= (u * PetscExpScalar(-u) - m) / ((1.0 - u) * PetscExpScalar(-u));
  return u;
}

static PetscScalar SlopeEntry(PetscInt i, PetscScalar u, PetscScalar m)
{
  (void)m;
  return i ? (PetscScalar)(PetscReal)(2 + i) : (1.0 - u) * PetscExpScalar(-u);
}

static PetscErrorCode EntryResidual(Dini dini, Vec u, Vec F, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(Apply(Entry, ((Context *)ctx)->m, u, F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EntrySolve(Dini dini, Vec u, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  ((Context *)ctx)->solves++;
  PetscCall(Apply(NewtonEntry, ((Context *)ctx)->m, u, u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EntryTangent(Dini dini, Vec r, Vec x, void *ctx)
{
  Vec u;

  PetscFunctionBeginUser;
  PetscCall(DiniGetSolution(dini, &u));
  PetscCall(Apply(SlopeEntry, ((Context *)ctx)->m, u, x));
  PetscCall(VecPointwiseDivide(x, r, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestCallbacks(PetscInt N)
{
  Context                c = {0};
  Dini                   dini;
  Vec                    u;
  PetscInt               p;
  PetscReal              fold;
  DiniContinuationReason reason;
  DiniStatistics         stats;

  PetscFunctionBeginUser;
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, PETSC_DECIDE, N, &u));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetType(dini, DINISHELL));
  PetscCall(DiniSetResidual(dini, EntryResidual, &c));
  PetscCall(DiniSetSolve(dini, EntrySolve, &c));
  PetscCall(DiniSetTangentSolve(dini, EntryTangent, &c));
  PetscCall(DiniAddScalarParameter(dini, "m", &c.m, &p));
  PetscCall(DiniSetContinuation(dini, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT, 1e-3));
  PetscCall(DiniSetFromOptions(dini));
  PetscCall(DiniContinue(dini, p, 1.0, u, &fold, &reason));
  DiniTestTrue(reason == DINI_CONTINUATION_FOLD, "%" PetscInt_FMT " unknowns: reason %d at %g", N, (int)reason,
               (double)fold);
  DiniTestClose(fold, PetscExpReal(-1.0), 1e-6, 0.0, "fold by callbacks");
  PetscCall(DiniGetStatistics(dini, &stats));
  DiniTestCount(stats.adjoint_solves, 0, "adjoint solves where there are none");
  DiniTestTrue(stats.tangent_solves <= (2 + N) * stats.forward_solves,
               "%" PetscInt_FMT " tangent solves for %" PetscInt_FMT " solutions", stats.tangent_solves,
               stats.forward_solves); /* du/dm, and Krylov spaces of at most N */
  DiniTestCount(stats.forward_failures, 0, "failed solves");
  PetscCall(DiniDestroy(&dini));
  PetscCall(VecDestroy(&u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- u = m e^u by plain iteration, which converges ever more slowly towards the fold at u = 1, m = 1/e ---- */

static PetscScalar MapEntry(PetscInt i, PetscScalar u, PetscScalar m)
{
  return i ? m / (PetscReal)(2 + i) : m * PetscExpScalar(u);
}

static PetscErrorCode Map(Dini dini, Vec u, Vec G, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(Apply(MapEntry, ((Context *)ctx)->m, u, G));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestFixedPoint(PetscInt N)
{
  Context                c = {0};
  Dini                   dini;
  SNES                   snes;
  Vec                    u;
  PetscInt               p;
  PetscReal              fold;
  DiniContinuationReason reason;

  PetscFunctionBeginUser;
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, PETSC_DECIDE, N, &u));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetFixedPoint(dini, Map, &c));
  PetscCall(DiniGetFixedPointSNES(dini, &snes));
  PetscCall(SNESSetTolerances(snes, 1e-12, 1e-12, 0.0, 10000, 100000));
  PetscCall(DiniAddScalarParameter(dini, "m", &c.m, &p));
  PetscCall(DiniSetContinuation(dini, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT, 1e-3));
  PetscCall(DiniSetFromOptions(dini));
  PetscCall(DiniContinue(dini, p, 1.0, u, &fold, &reason));
  DiniTestTrue(reason == DINI_CONTINUATION_FOLD, "%" PetscInt_FMT " unknowns: reason %d at %g", N, (int)reason,
               (double)fold);
  DiniTestClose(fold, PetscExpReal(-1.0), 1e-6, 0.0, "fold of a fixed point");
  PetscCall(DiniDestroy(&dini));
  PetscCall(VecDestroy(&u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- (K - m) u = b with K = diag(1, 2, ...): u has a pole at m = 1 ---- */

static PetscErrorCode Assemble(Dini dini, Mat A, Mat P, Vec b, void *ctx)
{
  Context *c = (Context *)ctx;
  PetscInt lo, hi;

  PetscFunctionBeginUser;
  (void)dini;
  (void)P;
  (void)b;
  PetscCall(MatGetOwnershipRange(A, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) PetscCall(MatSetValue(A, i, i, (PetscReal)(i + 1) - c->m, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestPole(PetscInt N)
{
  Context                c = {0};
  Dini                   dini;
  KSP                    ksp;
  PC                     pc;
  Mat                    A;
  Vec                    u, b;
  PetscInt               p;
  PetscReal              where;
  DiniContinuationReason reason;

  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, 1, NULL, 0, NULL, &A));
  PetscCall(MatCreateVecs(A, &u, &b));
  PetscCall(VecSet(b, 1.0));
  PetscCall(Assemble(NULL, A, A, b, &c));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &ksp));
  PetscCall(KSPSetOperators(ksp, A, A));
  PetscCall(KSPSetTolerances(ksp, 1e-12, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCJACOBI));
  PetscCall(KSPSetFromOptions(ksp));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetKSP(dini, ksp));
  PetscCall(DiniSetLinearSystem(dini, b, Assemble, &c));
  PetscCall(DiniAddScalarParameter(dini, "m", &c.m, &p));
  PetscCall(DiniSetFromOptions(dini));
  PetscCall(DiniContinue(dini, p, 0.7, u, &where, &reason));
  DiniTestTrue(reason == DINI_CONTINUATION_TARGET, "before the pole: reason %d at %g", (int)reason, (double)where);
  PetscCall(DiniContinue(dini, p, 1.6, u, &where, &reason));
  DiniTestTrue(reason == DINI_CONTINUATION_BIFURCATION, "at the pole: reason %d at %g", (int)reason, (double)where);
  DiniTestClose(where, 1.0, 1e-4, 0.0, "eigenvalue");
  PetscCall(DiniDestroy(&dini));
  PetscCall(KSPDestroy(&ksp));
  PetscCall(MatDestroy(&A));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (PetscInt N = 1; N <= 5; N += 4) {
    PetscCall(TestCallbacks(N));
    PetscCall(TestFixedPoint(N));
    PetscCall(TestPole(N));
  }
  PetscCall(PetscFinalize());
  return 0;
}
