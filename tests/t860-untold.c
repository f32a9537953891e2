static char help[] =
    "What a guard could not tell is asked again, and values that are no numbers are named at every point.\n";

#include "support/dinitest.h"
#include <math.h>

/* F_i = u_i + u_i^3 - m_i^2, so du_i/dm_i = 2 m_i / (1 + 3 u_i^2) */
typedef struct {
  Vec       u, m, F, ubar, mbar;
  Mat       J, Fm;
  SNES      snes;
  Dini      dini;
  PetscInt  good;          /* residuals until they are NaN; negative: for ever */
  PetscBool crude, spoilt; /* J without the cubic term; NaN in F_m */
} Diagonal;

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  Diagonal          *d   = (Diagonal *)ctx;
  const PetscBool    nan = (PetscBool)(d->good == 0);
  const PetscScalar *a, *m;
  PetscScalar       *f;
  PetscInt           n;

  PetscFunctionBeginUser;
  (void)snes;
  if (d->good > 0) d->good--;
  PetscCall(VecGetLocalSize(u, &n));
  PetscCall(VecGetArrayRead(u, &a));
  PetscCall(VecGetArrayRead(d->m, &m));
  PetscCall(VecGetArray(F, &f));
  for (PetscInt i = 0; i < n; i++) f[i] = nan ? NAN : a[i] + a[i] * a[i] * a[i] - m[i] * m[i];
  PetscCall(VecRestoreArray(F, &f));
  PetscCall(VecRestoreArrayRead(d->m, &m));
  PetscCall(VecRestoreArrayRead(u, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  Diagonal *d = (Diagonal *)ctx;
  Vec       v;

  PetscFunctionBeginUser;
  (void)snes, (void)P;
  PetscCall(VecDuplicate(u, &v));
  PetscCall(VecPointwiseMult(v, u, u));
  PetscCall(VecScale(v, d->crude ? 2.5 : 3.0));
  PetscCall(VecShift(v, 1.0));
  PetscCall(MatDiagonalSet(J, v, INSERT_VALUES));
  PetscCall(VecDestroy(&v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Fill(Dini dini, Vec u, Vec m, Mat Fm, void *ctx)
{
  Diagonal *d = (Diagonal *)ctx;
  Vec       v;

  PetscFunctionBeginUser;
  (void)dini, (void)u;
  PetscCall(VecDuplicate(m, &v));
  PetscCall(VecCopy(m, v));
  PetscCall(VecScale(v, d->spoilt ? NAN : -2.0));
  PetscCall(MatDiagonalSet(Fm, v, INSERT_VALUES));
  PetscCall(VecDestroy(&v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Objective(Dini dini, Vec u, PetscReal *J, void *ctx)
{
  PetscScalar sum;

  PetscFunctionBeginUser;
  (void)dini, (void)ctx;
  PetscCall(VecSum(u, &sum));
  *J = PetscRealPart(sum);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient(Dini dini, Vec u, Vec Ju, Vec Jm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini, (void)u, (void)ctx;
  PetscCall(VecSet(Ju, 1.0));
  PetscCall(VecSet(Jm, 0.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Identity(Mat *A)
{
  PetscInt lo, hi;

  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, 5, 5, 1, NULL, 0, NULL, A));
  PetscCall(MatGetOwnershipRange(*A, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) PetscCall(MatSetValue(*A, i, i, 1.0, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(PetscBool crude, Diagonal *d)
{
  KSP ksp;
  PC  pc;

  PetscFunctionBeginUser;
  *d = (Diagonal){.good = -1, .crude = crude};
  PetscCall(Identity(&d->J));
  PetscCall(Identity(&d->Fm));
  PetscCall(MatCreateVecs(d->J, &d->u, &d->F));
  PetscCall(VecDuplicate(d->u, &d->m));
  PetscCall(VecDuplicate(d->u, &d->ubar));
  PetscCall(VecDuplicate(d->u, &d->mbar));
  PetscCall(DiniTestFill(d->m, 3));
  PetscCall(VecShift(d->m, 2.0));
  PetscCall(VecSet(d->ubar, 1.0));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &d->snes));
  PetscCall(SNESSetFunction(d->snes, d->F, Residual, d));
  PetscCall(SNESSetJacobian(d->snes, d->J, d->J, Jacobian, d));
  PetscCall(SNESSetTolerances(d->snes, 1e-14, 1e-12, 0.0, 500, 10000));
  PetscCall(SNESGetKSP(d->snes, &ksp));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCJACOBI));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &d->dini));
  PetscCall(DiniSetSNES(d->dini, d->snes));
  PetscCall(DiniAddParameter(d->dini, "m", d->m, NULL));
  PetscCall(DiniSetParameterJacobian(d->dini, 0, d->Fm, Fill, d));
  PetscCall(DiniSetState(d->dini, d->u));
  PetscCall(DiniSetObjective(d->dini, Objective, Gradient, d));
  PetscCall(DiniSetFromOptions(d->dini));
  PetscCall(VecSet(d->u, 1.0));
  PetscCall(DiniSolve(d->dini, d->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Diagonal *d)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&d->dini));
  PetscCall(SNESDestroy(&d->snes));
  PetscCall(MatDestroy(&d->J));
  PetscCall(MatDestroy(&d->Fm));
  PetscCall(VecDestroy(&d->u));
  PetscCall(VecDestroy(&d->m));
  PetscCall(VecDestroy(&d->F));
  PetscCall(VecDestroy(&d->ubar));
  PetscCall(VecDestroy(&d->mbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The gradient of sum u is 2 m / (1 + 3 u^2) */
static PetscErrorCode Right(Diagonal *d, const char what[])
{
  Vec expected, v;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(d->u, &v));
  PetscCall(VecDuplicate(d->u, &expected));
  PetscCall(VecPointwiseMult(v, d->u, d->u));
  PetscCall(VecScale(v, 3.0));
  PetscCall(VecShift(v, 1.0));
  PetscCall(VecPointwiseDivide(expected, d->m, v));
  PetscCall(VecScale(expected, 2.0));
  if (PetscDefined(USE_COMPLEX)) PetscCall(VecConjugate(expected));
  PetscCall(DiniTestVecsClose(d->mbar, expected, 1e-7, what));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&expected));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F without values while J is held against it: named, and a J that is not dF/du does not pass for one afterwards */
static PetscErrorCode TestGuard(PetscBool crude)
{
  Diagonal d;

  PetscFunctionBeginUser;
  PetscCall(Create(crude, &d));
  d.good = 1; /* at the point */
  DiniTestExpect(DiniVJP(d.dini, d.ubar, d.mbar), PETSC_ERR_FP, "at points beside the solution");
  d.good = -1;
  for (int point = 0; point < 2; point++) {
    PetscCall(DiniVJP(d.dini, d.ubar, d.mbar));
    PetscCall(Right(&d, crude ? "with a J that is not dF/du" : "with an exact J"));
    PetscCall(VecScale(d.m, 1.1));
    PetscCall(DiniSolve(d.dini, d.u));
  }
  PetscCall(Destroy(&d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F_m of the second point: named by everybody, and filled again when the fault has gone */
static PetscErrorCode TestFill(void)
{
  Diagonal  d;
  PetscReal J;

  PetscFunctionBeginUser;
  PetscCall(Create(PETSC_FALSE, &d));
  PetscCall(DiniVJP(d.dini, d.ubar, d.mbar));
  PetscCall(Right(&d, "at the first point"));
  for (int what = 0; what < 4; what++) {
    PetscCall(VecScale(d.m, 1.1));
    if (what) PetscCall(DiniSolve(d.dini, d.u));
    d.spoilt = PETSC_TRUE;
    if (what == 0)
      DiniTestExpect(DiniComputeObjectiveAndGradient(d.dini, d.m, &J, d.mbar), PETSC_ERR_FP, "The F_m callback");
    else if (what == 1) DiniTestExpect(DiniVJP(d.dini, d.ubar, d.mbar), PETSC_ERR_FP, "The F_m callback");
    else if (what == 2) DiniTestExpect(DiniJVP(d.dini, d.m, d.mbar), PETSC_ERR_FP, "The F_m callback");
    else DiniTestExpect(DiniHVP(d.dini, d.m, d.mbar), PETSC_ERR_FP, "The F_m callback");
    d.spoilt = PETSC_FALSE;
    PetscCall(DiniVJP(d.dini, d.ubar, d.mbar));
    PetscCall(Right(&d, "after the fault"));
  }
  PetscCall(Destroy(&d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestGuard(PETSC_FALSE));
  PetscCall(TestGuard(PETSC_TRUE));
  PetscCall(TestFill());
  PetscCall(PetscFinalize());
  return 0;
}
