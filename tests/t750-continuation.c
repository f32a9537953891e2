static char help[] =
    "Continuation: folds in closed form from both sides, targets, bifurcations, and what is left behind.\n";

#include "support/dinitest.h"

/* Row 0 has one of these relations f(u, m) = 0; the others (2 + i) u_i = m. */
typedef enum {
  SQUARE,        /* u^2 - m: fold at 0 */
  EXPONENTIAL,   /* u e^-u - m: fold at 1/e, u = 1 */
  CUBIC,         /* u^3 - 3 u - m: folds at -2, u = 1, and at 2, u = -1 */
  MONOTONE,      /* u + u^3/3 - m */
  PARABOLA,      /* u - (m - 1)^2: du/dm changes sign, and nothing is singular */
  PITCHFORK,     /* m u - u^3 */
  TRANSCRITICAL, /* u (m - u) */
  ROOT           /* u - sqrt(m): the end of the path, with a regular J */
} Kind;

typedef struct {
  Kind        kind;
  Mat         J;
  Vec         u, w;
  SNES        snes;
  Dini        dini;
  PetscScalar m;
  PetscInt    p;
} Problem;

static PetscScalar Relation(Kind kind, PetscScalar u, PetscScalar m)
{
  switch (kind) {
  case SQUARE:
    return u * u - m;
  case EXPONENTIAL:
    return u * PetscExpScalar(-u) - m;
  case CUBIC:
    return u * u * u - 3.0 * u - m;
  case MONOTONE:
    return u + u * u * u / 3.0 - m;
  case PARABOLA:
    return u - (m - 1.0) * (m - 1.0);
  case PITCHFORK:
    return m * u - u * u * u;
  case TRANSCRITICAL:
    return u * (m - u);
  default:
    return u - PetscSqrtScalar(m);
  }
}

static PetscScalar Slope(Kind kind, PetscScalar u, PetscScalar m)
{
  switch (kind) {
  case SQUARE:
    return 2.0 * u;
  case EXPONENTIAL:
    return (1.0 - u) * PetscExpScalar(-u);
  case CUBIC:
    return 3.0 * u * u - 3.0;
  case MONOTONE:
    return 1.0 + u * u;
  case PITCHFORK:
    return m - 3.0 * u * u;
  case TRANSCRITICAL:
    return m - 2.0 * u;
  default:
    return 1.0;
  }
}

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  Problem           *a = (Problem *)ctx;
  const PetscScalar *x;
  PetscScalar       *f;
  PetscInt           lo, hi;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(VecGetOwnershipRange(u, &lo, &hi));
  PetscCall(VecGetArrayRead(u, &x));
  PetscCall(VecGetArray(F, &f));
  for (PetscInt i = lo; i < hi; i++)
    f[i - lo] = i ? (PetscReal)(2 + i) * x[i - lo] - a->m : Relation(a->kind, x[0], a->m);
  PetscCall(VecRestoreArray(F, &f));
  PetscCall(VecRestoreArrayRead(u, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  Problem           *a = (Problem *)ctx;
  const PetscScalar *x;
  PetscInt           lo, hi;

  PetscFunctionBeginUser;
  (void)snes;
  (void)P;
  PetscCall(VecGetOwnershipRange(u, &lo, &hi));
  PetscCall(VecGetArrayRead(u, &x));
  for (PetscInt i = lo; i < hi; i++)
    PetscCall(MatSetValue(J, i, i, i ? (PetscReal)(2 + i) : Slope(a->kind, x[0], a->m), INSERT_VALUES));
  PetscCall(VecRestoreArrayRead(u, &x));
  PetscCall(MatAssemblyBegin(J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(J, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* N unknowns, on the path near u_0 = guess at m */
static PetscErrorCode Create(Kind kind, PetscInt N, PetscReal m, PetscReal guess, Problem *a)
{
  KSP ksp;
  PC  pc;

  PetscFunctionBeginUser;
  a->kind = kind;
  a->m    = m;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, 1, NULL, 0, NULL, &a->J));
  PetscCall(MatCreateVecs(a->J, &a->u, &a->w));
  PetscCall(VecSet(a->u, 0.0));
  PetscCall(VecSetValue(a->u, 0, guess, ADD_VALUES)); /* each rank adds its share */
  PetscCall(VecAssemblyBegin(a->u));
  PetscCall(VecAssemblyEnd(a->u));
  {
    PetscMPIInt size;

    PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
    PetscCall(VecScale(a->u, 1.0 / size));
  }
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &a->snes));
  PetscCall(SNESSetFunction(a->snes, a->w, Residual, a));
  PetscCall(SNESSetJacobian(a->snes, a->J, a->J, Jacobian, a));
  PetscCall(SNESSetTolerances(a->snes, 1e-13, 1e-13, 1e-13, 30, PETSC_DEFAULT));
  PetscCall(SNESGetKSP(a->snes, &ksp));
  PetscCall(KSPSetTolerances(ksp, 1e-12, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCJACOBI));
  PetscCall(SNESSetFromOptions(a->snes));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &a->dini));
  PetscCall(DiniSetSNES(a->dini, a->snes));
  PetscCall(DiniAddScalarParameter(a->dini, "m", &a->m, &a->p));
  if (N == 1 && guess == 0.0) PetscCall(DiniSetGuard(a->dini, PETSC_FALSE)); /* F_m = 0 on a trivial branch */
  PetscCall(DiniSetFromOptions(a->dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Problem *a)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&a->dini));
  PetscCall(SNESDestroy(&a->snes));
  PetscCall(MatDestroy(&a->J));
  PetscCall(VecDestroy(&a->u));
  PetscCall(VecDestroy(&a->w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* u_0 on every rank */
static PetscErrorCode First(Vec u, PetscReal *value)
{
  const PetscScalar *x;
  PetscInt           lo, hi;

  PetscFunctionBeginUser;
  *value = 0.0;
  PetscCall(VecGetOwnershipRange(u, &lo, &hi));
  PetscCall(VecGetArrayRead(u, &x));
  if (lo == 0 && hi > 0) *value = PetscRealPart(x[0]);
  PetscCall(VecRestoreArrayRead(u, &x));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, value, 1, MPIU_REAL, MPIU_SUM, PETSC_COMM_WORLD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What is left behind is a solution at the parameter's value, and derivatives are right there. */
static PetscErrorCode AtSolution(Problem *a, const char what[])
{
  Vec             dm, du, expected;
  PetscReal       u, fnorm;
  PetscScalar     slope;
  const PetscReal h = 1e-6;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(a->u, &du));
  PetscCall(DiniComputeResidual(a->dini, a->u, du));
  PetscCall(VecNorm(du, NORM_2, &fnorm));
  DiniTestTrue(fnorm < 1e-9, "%s: |F| = %g where the path ended", what, (double)fnorm);
  PetscCall(First(a->u, &u));
  PetscCall(DiniCreateParameterVec(a->dini, &dm));
  PetscCall(VecSet(dm, 1.0));
  PetscCall(DiniJVP(a->dini, dm, du));
  PetscCall(VecDuplicate(du, &expected));
  slope = (Relation(a->kind, u, a->m + h) - Relation(a->kind, u, a->m - h)) / (2.0 * h);
  for (PetscInt i = 0, lo, hi; i < 1; i++) {
    PetscCall(VecGetOwnershipRange(expected, &lo, &hi));
    for (PetscInt k = lo; k < hi; k++)
      PetscCall(
          VecSetValue(expected, k, k ? (PetscScalar)(1.0 / (2 + k)) : -slope / Slope(a->kind, u, a->m), INSERT_VALUES));
  }
  PetscCall(VecAssemblyBegin(expected));
  PetscCall(VecAssemblyEnd(expected));
  if (PetscAbsScalar(slope) > 1e-6) PetscCall(DiniTestVecsClose(du, expected, 1e-5, what));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&expected));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Expect(Problem *a, PetscReal target, DiniContinuationReason expected, PetscReal where,
                             PetscReal atol, const char what[])
{
  DiniContinuationReason reason;
  const char            *text;
  PetscReal              reached;

  PetscFunctionBeginUser;
  PetscCall(DiniContinue(a->dini, a->p, target, a->u, &reached, &reason));
  PetscCall(DiniContinuationReasonString(reason, &text));
  DiniTestTrue(reason == expected, "%s: ended with %s at %.10g", what, text, (double)reached);
  DiniTestClose(reached, where, 0.0, atol, what);
  PetscCall(AtSolution(a, what));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A fold, to digits that its tolerance does not ask for, without one failed forward solve */
static PetscErrorCode Fold(Kind kind, PetscInt N, PetscReal m, PetscReal guess, PetscReal target, PetscReal where,
                           const char what[])
{
  Problem        a;
  DiniStatistics stats;
  PetscReal      left;

  PetscFunctionBeginUser;
  PetscCall(Create(kind, N, m, guess, &a));
  PetscCall(Expect(&a, target, DINI_CONTINUATION_FOLD, where, 1e-6, what));
  PetscCall(DiniGetStatistics(a.dini, &stats));
  DiniTestCount(stats.forward_failures, 0, "failed forward solves on the way to a fold");
  left = (target > m ? 1.0 : -1.0) * (where - PetscRealPart(a.m));
  DiniTestTrue(left > 0.0 && left <= 1.1 * PetscMax(1e-4 * PetscAbsReal(where), 1e-6 * PetscAbsReal(target - m)),
               "%s: the path ends %g before the fold", what, (double)left);
  PetscCall(Destroy(&a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestFolds(PetscInt N)
{
  const PetscReal e = PetscExpReal(1.0);

  PetscFunctionBeginUser;
  PetscCall(Fold(SQUARE, N, 1.0, 1.0, -1.0, 0.0, "u^2 = m, upper branch"));
  PetscCall(Fold(SQUARE, N, 4.0, -2.0, -1.0, 0.0, "u^2 = m, lower branch"));
  PetscCall(Fold(EXPONENTIAL, N, 0.0, 0.0, 1.0, 1.0 / e, "u e^-u = m, lower branch"));
  PetscCall(Fold(EXPONENTIAL, N, 3.0 * PetscExpReal(-3.0), 3.0, 1.0, 1.0 / e, "u e^-u = m, upper branch"));
  PetscCall(Fold(CUBIC, N, -3.0, -2.1, 3.0, 2.0, "u^3 - 3 u = m, upwards"));
  PetscCall(Fold(CUBIC, N, 3.0, 2.1, -3.0, -2.0, "u^3 - 3 u = m, downwards"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Ends(Kind kind, PetscInt N, PetscReal m, PetscReal guess, PetscReal target,
                           DiniContinuationReason reason, PetscReal where, const char what[])
{
  Problem a;

  PetscFunctionBeginUser;
  PetscCall(Create(kind, N, m, guess, &a));
  PetscCall(Expect(&a, target, reason, where, reason == DINI_CONTINUATION_TARGET ? 0.0 : 1e-5, what));
  if (reason == DINI_CONTINUATION_TARGET) DiniTestClose(PetscRealPart(a.m), target, 0.0, 0.0, what);
  PetscCall(Destroy(&a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestTargets(PetscInt N)
{
  PetscFunctionBeginUser;
  PetscCall(Ends(MONOTONE, N, 0.0, 0.0, 40.0, DINI_CONTINUATION_TARGET, 40.0, "no fold, up"));
  PetscCall(Ends(MONOTONE, N, 12.0, 3.0, -12.0, DINI_CONTINUATION_TARGET, -12.0, "no fold, down"));
  PetscCall(Ends(MONOTONE, N, 12.0, 3.0, 12.0, DINI_CONTINUATION_TARGET, 12.0, "no way to go"));
  PetscCall(Ends(PARABOLA, N, 0.0, 1.0, 3.0, DINI_CONTINUATION_TARGET, 3.0, "du/dm changes sign"));
  PetscCall(Ends(EXPONENTIAL, N, 0.0, 0.0, 0.367, DINI_CONTINUATION_TARGET, 0.367, "shortly before a fold"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestBifurcations(PetscInt N)
{
  PetscFunctionBeginUser;
  PetscCall(Ends(PITCHFORK, N, -1.0, 0.0, 0.7, DINI_CONTINUATION_BIFURCATION, 0.0, "pitchfork, trivial branch"));
  PetscCall(Ends(PITCHFORK, N, 1.0, 1.0, -1.0, DINI_CONTINUATION_BIFURCATION, 0.0, "pitchfork, other branch"));
  PetscCall(Ends(TRANSCRITICAL, N, -1.0, 0.0, 0.7, DINI_CONTINUATION_BIFURCATION, 0.0, "transcritical, u = 0"));
  PetscCall(Ends(TRANSCRITICAL, N, -1.0, -1.0, 0.7, DINI_CONTINUATION_BIFURCATION, 0.0, "transcritical, u = m"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A first step over the fold, beyond which there is another branch: Newton's method finds it, and it is not taken for this one */
static PetscErrorCode TestJump(PetscInt N)
{
  PetscFunctionBeginUser;
  for (int k = 0; k < 5; k++) {
    Problem a;

    PetscCall(Create(CUBIC, N, 1.0, -1.53, &a));
    PetscCall(DiniSetContinuation(a.dini, 1.05 + 0.5 * k, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
    PetscCall(Expect(&a, 20.0, DINI_CONTINUATION_FOLD, 2.0, 1e-6, "a first step over the fold"));
    PetscCall(Destroy(&a));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (PetscInt N = 1; N <= 4; N += 3) {
    PetscCall(TestFolds(N));
    PetscCall(TestJump(N));
    PetscCall(TestTargets(N));
    PetscCall(TestBifurcations(N));
  }
  PetscCall(PetscFinalize());
  return 0;
}
