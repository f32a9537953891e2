/* The prior's pointwise variance, the diagonal of S S^T, exactly and without a solve for each node.

   With robin conditions and lumped mass the field's K is a sum of products of one-dimensional matrices,
     K = kappa^2 Mx My + Ax My + Mx Ay,   and its modes are products of those of  Ax f = alpha Mx f  and  Ay g = beta My g.
   With modes of unit mass,
     (S S^T)_(ij)(ij) = scale^2 sum over modes a, b  f_a(i)^2 g_b(j)^2 / (kappa^2 + alpha_a + beta_b)^2.
   The check -aquifer_check_prior compares it with solves at some nodes. */
#include "aquifer.h"
#include <slepceps.h>

typedef struct {
  PetscInt   n;
  PetscReal *value;  /* alpha_a */
  PetscReal *square; /* f_a(i)^2 at [a n + i] */
} Modes;

static PetscReal Mass(PetscInt n, PetscReal h, PetscInt i)
{
  return i == 0 || i == n - 1 ? 0.5 * h : h;
}

/* M^{-1/2} A M^{-1/2} in one direction: nodes a distance h apart, half a volume at either end */
static PetscErrorCode CreateMatrix(PetscInt n, PetscReal h, PetscReal robin, Mat *T)
{
  PetscFunctionBeginUser;
  PetscCall(MatCreateSeqAIJ(PETSC_COMM_SELF, n, n, 3, NULL, T));
  for (PetscInt i = 0; i < n; i++) {
    const PetscReal a = i == 0 || i == n - 1 ? 1 / h + robin : 2 / h;

    PetscCall(MatSetValue(*T, i, i, a / Mass(n, h, i), INSERT_VALUES));
    for (PetscInt k = PetscMax(i - 1, 0); k <= PetscMin(i + 1, n - 1); k++) {
      if (k == i) continue;
      PetscCall(MatSetValue(*T, i, k, -1 / (h * PetscSqrtReal(Mass(n, h, i) * Mass(n, h, k))), INSERT_VALUES));
    }
  }
  PetscCall(MatAssemblyBegin(*T, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*T, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(0);
}

/* All of them, by LAPACK, the same on every rank */
static PetscErrorCode ModesCreate(PetscInt n, PetscReal h, PetscReal robin, Modes *modes)
{
  EPS      eps;
  Mat      T;
  Vec      f;
  PetscInt converged;

  PetscFunctionBeginUser;
  modes->n = n;
  PetscCall(PetscMalloc2(n, &modes->value, n * n, &modes->square));
  PetscCall(CreateMatrix(n, h, robin, &T));
  PetscCall(MatCreateVecs(T, &f, NULL));
  PetscCall(EPSCreate(PETSC_COMM_SELF, &eps));
  PetscCall(EPSSetOperators(eps, T, NULL));
  PetscCall(EPSSetProblemType(eps, EPS_HEP));
  PetscCall(EPSSetType(eps, EPSLAPACK));
  PetscCall(EPSSetDimensions(eps, n, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(EPSSolve(eps));
  PetscCall(EPSGetConverged(eps, &converged));
  PetscCheck(converged >= n, PETSC_COMM_SELF, PETSC_ERR_LIB, "%" PetscInt_FMT " of %" PetscInt_FMT " modes found",
             converged, n);
  for (PetscInt a = 0; a < n; a++) {
    const PetscScalar *v;
    PetscScalar        value;

    PetscCall(EPSGetEigenpair(eps, a, &value, NULL, f, NULL));
    modes->value[a] = PetscRealPart(value);
    PetscCall(VecGetArrayRead(f, &v));
    for (PetscInt i = 0; i < n; i++) modes->square[a * n + i] = PetscSqr(PetscAbsScalar(v[i])) / Mass(n, h, i);
    PetscCall(VecRestoreArrayRead(f, &v));
  }
  PetscCall(EPSDestroy(&eps));
  PetscCall(VecDestroy(&f));
  PetscCall(MatDestroy(&T));
  PetscFunctionReturn(0);
}

/* The variance at one row of nodes, x from xs on; work has an entry for each mode of x */
static void RowVariance(const Prior *p, const Modes *x, const Modes *y, PetscInt j, PetscInt xs, PetscInt xm,
                        PetscReal *work, PetscScalar *variance)
{
  for (PetscInt a = 0; a < x->n; a++) {
    work[a] = 0;
    for (PetscInt b = 0; b < y->n; b++)
      work[a] += y->square[b * y->n + j] / PetscSqr(PetscSqr(p->kappa) + x->value[a] + y->value[b]);
  }
  for (PetscInt i = 0; i < xm; i++) {
    PetscReal sum = 0;

    for (PetscInt a = 0; a < x->n; a++) sum += x->square[a * x->n + xs + i] * work[a];
    variance[i] = PetscSqr(p->scale) * sum;
  }
}

/* Variance of the field under the prior of PriorCreateField(), on the nodes */
PetscErrorCode PriorFieldVariance(const Grid *g, const Prior *p, Vec variance)
{
  Modes         x, y;
  PetscReal    *work;
  PetscScalar **v;

  PetscFunctionBeginUser;
  PetscCall(SlepcInitializeNoArguments()); /* nothing if SLEPc is there already */
  PetscCall(ModesCreate(g->nx, g->dx, p->robin, &x));
  PetscCall(ModesCreate(g->ny, g->dy, p->robin, &y));
  PetscCall(PetscMalloc1(g->nx, &work));
  PetscCall(DMDAVecGetArrayWrite(g->da, variance, &v));
  for (PetscInt j = g->ys; j < g->ys + g->ym; j++) RowVariance(p, &x, &y, j, g->xs, g->xm, work, &v[j][g->xs]);
  PetscCall(DMDAVecRestoreArrayWrite(g->da, variance, &v));
  PetscCall(PetscFree(work));
  PetscCall(PetscFree2(x.value, x.square));
  PetscCall(PetscFree2(y.value, y.square));
  PetscFunctionReturn(0);
}
