static char help[] =
    "The smallest singular value along a path: zero like a square root at a fold, linear where branches cross.\n";

#include "support/dinitest.h"
#include <dinislepc.h>

/*
  Two unknowns coupled by a rotation, so that J is no diagonal matrix: with v = R u, v_0^2 = m or v_0 (m - v_0) = 0, and
  v_1 = 1 + m. The values of v are on rank 0, further entries of u are 3 u_i = m.
*/
typedef struct {
  Mat         J;
  Vec         u, w;
  SNES        snes;
  Dini        dini;
  PetscScalar m;
  PetscBool   crossing;
  PetscInt    n;
  PetscReal   at[200], sigma[200];
} Problem;

#define C 0.6
#define S 0.8

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  Problem           *a = (Problem *)ctx;
  const PetscScalar *x;
  PetscScalar       *f;
  PetscInt           n;
  PetscMPIInt        rank;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCall(VecGetLocalSize(u, &n));
  PetscCall(VecGetArrayRead(u, &x));
  PetscCall(VecGetArray(F, &f));
  for (PetscInt i = rank ? 0 : 2; i < n; i++) f[i] = 3.0 * x[i] - a->m;
  if (!rank) {
    const PetscScalar v0 = C * x[0] - S * x[1], v1 = S * x[0] + C * x[1];

    f[0] = a->crossing ? v0 * (a->m - v0) : v0 * v0 - a->m;
    f[1] = v1 - 1.0 - a->m;
  }
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
  if (lo == 0) {
    const PetscInt    rows[2] = {0, 1};
    const PetscScalar v0 = C * x[0] - S * x[1], d = a->crossing ? a->m - 2.0 * v0 : 2.0 * v0;
    const PetscScalar values[4] = {C * d, -S * d, S, C};

    PetscCall(MatSetValues(J, 2, rows, 2, rows, values, INSERT_VALUES));
  }
  for (PetscInt i = PetscMax(lo, 2); i < hi; i++) PetscCall(MatSetValue(J, i, i, 3.0, INSERT_VALUES));
  PetscCall(VecRestoreArrayRead(u, &x));
  PetscCall(MatAssemblyBegin(J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(J, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Look(Dini dini, PetscReal m, Vec u, Vec dudm, PetscReal fold, void *ctx)
{
  Problem    *a = (Problem *)ctx;
  Vec         right;
  PetscReal   unorm;
  PetscScalar dot;

  PetscFunctionBeginUser;
  (void)u;
  (void)fold;
  PetscCall(VecDuplicate(dudm, &right));
  a->at[a->n] = m;
  PetscCall(DiniComputeCondition(dini, &a->sigma[a->n], NULL, NULL, right));
  a->n++;
  PetscCall(VecNorm(dudm, NORM_2, &unorm));
  PetscCall(VecDot(dudm, right, &dot));
  if (!a->crossing && m < 1e-3) /* the tangent turns into the singular vector */
    DiniTestClose(PetscAbsScalar(dot) / unorm, 1.0, 1e-2, 0.0, "angle of tangent and singular vector");
  PetscCall(VecDestroy(&right));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J = diag(d, 1, 3, ...) times a rotation: its singular values are |d|, 1 and 3; d = 2 sqrt(m), or |m| on a crossing branch */
static PetscErrorCode TestPath(PetscInt extra, PetscBool crossing)
{
  Problem                a = {0};
  PetscInt               p, n;
  PetscMPIInt            rank;
  PetscReal              where;
  DiniContinuationReason reason;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  a.crossing = crossing;
  a.m        = crossing ? -1.0 : 1.0;
  n          = (rank ? 0 : 2) + (rank % 2 ? extra : 0); /* some ranks own nothing */
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, n, n, PETSC_DETERMINE, PETSC_DETERMINE, 2, NULL, 1, NULL, &a.J));
  PetscCall(MatCreateVecs(a.J, &a.u, &a.w));
  PetscCall(VecSet(a.u, 0.0));
  if (!rank) { /* v = (1, 2), or (0, 0) */
    PetscScalar *x;

    PetscCall(VecGetArray(a.u, &x));
    x[0] = crossing ? 0.0 : C * 1.0 + S * 2.0;
    x[1] = crossing ? 0.0 : -S * 1.0 + C * 2.0;
    PetscCall(VecRestoreArray(a.u, &x));
  }
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &a.snes));
  PetscCall(SNESSetFunction(a.snes, a.w, Residual, &a));
  PetscCall(SNESSetJacobian(a.snes, a.J, a.J, Jacobian, &a));
  PetscCall(SNESSetTolerances(a.snes, 1e-13, 1e-13, 1e-13, 30, PETSC_DEFAULT));
  {
    KSP ksp;
    PC  pc;

    PetscCall(SNESGetKSP(a.snes, &ksp));
    PetscCall(KSPSetTolerances(ksp, 1e-12, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
    PetscCall(KSPGetPC(ksp, &pc));
    PetscCall(PCSetType(pc, PCNONE));
  }
  PetscCall(SNESSetFromOptions(a.snes));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &a.dini));
  PetscCall(DiniSetSNES(a.dini, a.snes));
  PetscCall(DiniAddScalarParameter(a.dini, "m", &a.m, &p));
  PetscCall(DiniContinuationMonitorSet(a.dini, Look, &a));
  PetscCall(DiniSetFromOptions(a.dini));
  PetscCall(DiniContinue(a.dini, p, crossing ? 0.613 : -1.0, a.u, &where, &reason));
  DiniTestTrue(reason == (crossing ? DINI_CONTINUATION_BIFURCATION : DINI_CONTINUATION_FOLD), "reason %d at %g",
               (int)reason, (double)where);
  DiniTestClose(where, 0.0, 0.0, 2e-6, "singular point");
  DiniTestTrue(a.n > 5, "A path of %d points", (int)a.n);
  for (PetscInt i = 0; i < a.n; i++) {
    const PetscReal d = crossing ? PetscAbsReal(a.at[i]) : 2.0 * PetscSqrtReal(a.at[i]);

    DiniTestClose(a.sigma[i], PetscMin(1.0, d), 1e-6, 1e-9, "smallest singular value on the path");
  }
  PetscCall(DiniDestroy(&a.dini));
  PetscCall(SNESDestroy(&a.snes));
  PetscCall(MatDestroy(&a.J));
  PetscCall(VecDestroy(&a.u));
  PetscCall(VecDestroy(&a.w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(SlepcInitialize(&argc, &argv, NULL, help));
  PetscCall(TestPath(0, PETSC_FALSE));
  PetscCall(TestPath(3, PETSC_FALSE));
  PetscCall(TestPath(0, PETSC_TRUE));
  PetscCall(TestPath(3, PETSC_TRUE));
  PetscCall(SlepcFinalize());
  return 0;
}
