static char help[] =
    "Hessian products along directions whose blocks change by very unlike parts of themselves, by differences: each has a step\n\
of its own. What they visit beside the point leaves the errors that are reported alone; block forms report theirs.\n";

#include "support/dinitest.h"

#define N 6

/* u = s = a + b^2 from F = u + u^3 - s - s^3, and J = |u|^2 / 2; a is small, and changes by many times itself */
typedef struct {
  Vec  u, a, b;
  Dini dini;
} Squares;

static PetscErrorCode Residual(Dini dini, Vec u, Vec F, void *ctx)
{
  Squares           *s = (Squares *)ctx;
  const PetscScalar *ua, *a, *b;
  PetscScalar       *f;
  PetscInt           n;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecGetLocalSize(u, &n));
  PetscCall(VecGetArrayRead(u, &ua));
  PetscCall(VecGetArrayRead(s->a, &a));
  PetscCall(VecGetArrayRead(s->b, &b));
  PetscCall(VecGetArrayWrite(F, &f));
  for (PetscInt i = 0; i < n; i++) {
    const PetscScalar sum = a[i] + b[i] * b[i];

    f[i] = ua[i] + ua[i] * ua[i] * ua[i] - sum - sum * sum * sum;
  }
  PetscCall(VecRestoreArrayWrite(F, &f));
  PetscCall(VecRestoreArrayRead(s->b, &b));
  PetscCall(VecRestoreArrayRead(s->a, &a));
  PetscCall(VecRestoreArrayRead(u, &ua));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Objective(Dini dini, Vec u, PetscReal *J, void *ctx)
{
  PetscReal norm;

  PetscFunctionBeginUser;
  (void)dini, (void)ctx;
  PetscCall(VecNorm(u, NORM_2, &norm));
  *J = 0.5 * norm * norm;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ObjectiveGradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini, (void)ctx;
  PetscCall(VecCopy(u, dJdu));
  PetscCall(VecSet(dJdm, 0.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a of this size, b near one */
static PetscErrorCode Create(PetscReal size, Squares *s)
{
  Mat         J;
  PetscScalar first;
  PetscInt    lo, hi;

  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, 1, NULL, 0, NULL, &J));
  PetscCall(MatGetOwnershipRange(J, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) PetscCall(MatSetValue(J, i, i, 1.0, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatCreateVecs(J, &s->u, &s->a));
  PetscCall(VecDuplicate(s->a, &s->b));
  for (PetscInt i = lo; i < hi; i++) {
    first = size * (1.0 + 0.1 * (PetscReal)i);
    PetscCall(VecSetValue(s->a, i, first, INSERT_VALUES));
    PetscCall(VecSetValue(s->b, i, 0.8 + 0.1 * (PetscReal)i, INSERT_VALUES));
    PetscCall(VecSetValue(s->u, i, first + PetscSqr(0.8 + 0.1 * (PetscReal)i), INSERT_VALUES));
  }
  PetscCall(VecAssemblyBegin(s->a));
  PetscCall(VecAssemblyEnd(s->a));
  PetscCall(VecAssemblyBegin(s->b));
  PetscCall(VecAssemblyEnd(s->b));
  PetscCall(VecAssemblyBegin(s->u));
  PetscCall(VecAssemblyEnd(s->u));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &s->dini));
  PetscCall(DiniSetType(s->dini, DINISHELL));
  PetscCall(DiniSetResidual(s->dini, Residual, s));
  PetscCall(DiniSetJacobian(s->dini, J, NULL, NULL, NULL));
  PetscCall(DiniSetJacobianType(s->dini, DINI_JACOBIAN_COLORING));
  PetscCall(DiniAddParameter(s->dini, "a", s->a, NULL));
  PetscCall(DiniAddParameter(s->dini, "b", s->b, NULL));
  PetscCall(DiniSetObjective(s->dini, Objective, ObjectiveGradient, s));
  PetscCall(DiniSetFromOptions(s->dini));
  PetscCall(DiniAttach(s->dini, s->u));
  PetscCall(MatDestroy(&J));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Squares *s)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&s->dini));
  PetscCall(VecDestroy(&s->u));
  PetscCall(VecDestroy(&s->a));
  PetscCall(VecDestroy(&s->b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* H (1, 1) = (1 + 2 b, 2 s + 4 b^2 + 2 b) */
static PetscErrorCode TestHessian(PetscReal size)
{
  Squares            s;
  const PetscScalar *a, *b, *h;
  DiniStatistics     before, after;
  PetscInt           n;
  Vec                v, Hv, mbar, ubar;

  PetscFunctionBeginUser;
  PetscCall(Create(size, &s));
  PetscCall(DiniCreateParameterVec(s.dini, &v));
  PetscCall(VecDuplicate(v, &Hv));
  PetscCall(VecDuplicate(v, &mbar));
  PetscCall(DiniTestVec(s.u, 5, &ubar));
  PetscCall(DiniVJP(s.dini, ubar, mbar));
  PetscCall(DiniGetStatistics(s.dini, &before));
  PetscCall(VecSet(v, 1.0));
  PetscCall(DiniHVP(s.dini, v, Hv));
  PetscCall(VecGetLocalSize(s.a, &n));
  PetscCall(VecGetArrayRead(s.a, &a));
  PetscCall(VecGetArrayRead(s.b, &b));
  PetscCall(VecGetArrayRead(Hv, &h));
  for (PetscInt i = 0; i < n; i++) {
    const PetscScalar sum = a[i] + b[i] * b[i], ha = 1.0 + 2.0 * b[i], hb = 2.0 * sum + 4.0 * b[i] * b[i] + 2.0 * b[i];

    PetscCheck(PetscAbsScalar(h[i] - ha) <= 1e-2 * PetscAbsScalar(ha) &&
                   PetscAbsScalar(h[n + i] - hb) <= 1e-2 * PetscAbsScalar(hb),
               PETSC_COMM_SELF, PETSC_ERR_PLIB, "a about %g: H v is %g and %g, right %g and %g", (double)size,
               (double)PetscRealPart(h[i]), (double)PetscRealPart(h[n + i]), (double)PetscRealPart(ha),
               (double)PetscRealPart(hb));
  }
  PetscCall(VecRestoreArrayRead(Hv, &h));
  PetscCall(VecRestoreArrayRead(s.b, &b));
  PetscCall(VecRestoreArrayRead(s.a, &a));
  PetscCall(VecShift(ubar, 1.0)); /* another one, so that it is not answered from memory */
  PetscCall(DiniVJP(s.dini, ubar, mbar));
  PetscCall(DiniGetStatistics(s.dini, &after));
  DiniTestTrue(after.gradient_error >= 0.1 * before.gradient_error,
               "the error was %g, and is %g after a Hessian product", (double)before.gradient_error,
               (double)after.gradient_error);
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&Hv));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&ubar));
  PetscCall(Destroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The error of a block of gradients is that of its first column, and not what an earlier call has left */
static PetscErrorCode TestReports(void)
{
  Squares        s;
  DiniStatistics one, block;
  PetscInt       n, m;
  Mat            U, M;
  Vec            ubar, mbar, column;

  PetscFunctionBeginUser;
  PetscCall(Create(0.3, &s));
  PetscCall(DiniTestVec(s.u, 5, &ubar));
  PetscCall(DiniCreateParameterVec(s.dini, &mbar));
  PetscCall(VecGetLocalSize(ubar, &n));
  PetscCall(VecGetLocalSize(mbar, &m));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, n, PETSC_DECIDE, PETSC_DETERMINE, 2, NULL, &U));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, m, PETSC_DECIDE, PETSC_DETERMINE, 2, NULL, &M));
  for (PetscInt j = 0; j < 2; j++) {
    PetscCall(MatDenseGetColumnVecWrite(U, j, &column));
    PetscCall(VecCopy(ubar, column));
    if (j) PetscCall(VecShift(column, 1.0));
    PetscCall(MatDenseRestoreColumnVecWrite(U, j, &column));
  }
  PetscCall(DiniMatVJP(s.dini, U, M));
  PetscCall(DiniGetStatistics(s.dini, &block));
  PetscCall(DiniVJP(s.dini, ubar, mbar));
  PetscCall(DiniGetStatistics(s.dini, &one));
  DiniTestTrue(block.gradient_error > 0.0 && block.gradient_error <= 10.0 * one.gradient_error &&
                   one.gradient_error <= 10.0 * block.gradient_error,
               "DiniMatVJP() reports an error of %g, DiniVJP() one of %g", (double)block.gradient_error,
               (double)one.gradient_error);
  PetscCall(MatDestroy(&U));
  PetscCall(MatDestroy(&M));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(Destroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestHessian(0.5));
  PetscCall(TestHessian(1e-3));
  PetscCall(TestHessian(1e-5));
  PetscCall(TestReports());
  PetscCall(PetscFinalize());
  return 0;
}
