static char help[] =
    "A residual and nothing else: steps in the state by entry, and a block declared to be the right-hand side.\n";

#include "support/dinitest.h"

/* F_m of type rhs is -I: right as long as the residual has m alone */
static PetscErrorCode RhsResidual(Dini dini, Vec u, Vec F, void *ctx)
{
  PetscReal norm;
  Vec       m = *(Vec *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecNorm(u, NORM_INFINITY, &norm));
  PetscCall(VecWAXPY(F, norm > 2.0 ? -0.5 : -1.0, m, u)); /* u = m, or m / 2 far off */
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestDeclaredRhs(void)
{
  Vec      u, m, x;
  Mat      J;
  Dini     dini;
  PetscInt n;

  PetscFunctionBeginUser;
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, PETSC_DECIDE, 4, &u));
  PetscCall(VecDuplicate(u, &m));
  PetscCall(VecDuplicate(u, &x));
  PetscCall(VecSet(m, 1.5));
  PetscCall(VecCopy(m, u));
  PetscCall(VecGetLocalSize(u, &n));
  PetscCall(MatCreateConstantDiagonal(PETSC_COMM_WORLD, n, n, 4, 4, 1.0, &J));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetType(dini, DINISHELL));
  PetscCall(DiniSetResidual(dini, RhsResidual, &m));
  PetscCall(DiniSetJacobian(dini, J, NULL, NULL, NULL));
  PetscCall(DiniAddParameter(dini, "b", m, NULL));
  PetscCall(DiniSetParameterType(dini, 0, DINIPARAMETERRHS));
  PetscCall(DiniAttach(dini, u));
  PetscCall(DiniJVP(dini, m, x));
  PetscCall(DiniTestVecsClose(x, m, 1e-9, "rhs"));
  PetscCall(VecSet(m, 6.0));
  PetscCall(VecSet(u, 3.0));
  PetscCall(DiniAttach(dini, u));
  DiniTestExpect(DiniJVP(dini, m, x), PETSC_ERR_ARG_WRONG, "(type \"rhs\") is not dF/dm");
  PetscCall(DiniDestroy(&dini));
  PetscCall(MatDestroy(&J));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F = sqrt(u) - m, without a Jacobian: du/dm = 2 sqrt(u), for states of unlike sizes */
static PetscErrorCode RootOfState(Dini dini, Vec u, Vec F, void *ctx)
{
  Vec                m = *(Vec *)ctx;
  const PetscScalar *x, *b;
  PetscScalar       *f;
  PetscInt           n;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecGetLocalSize(u, &n));
  PetscCall(VecGetArrayRead(u, &x));
  PetscCall(VecGetArrayRead(m, &b));
  PetscCall(VecGetArrayWrite(F, &f));
  for (PetscInt i = 0; i < n; i++) f[i] = PetscSqrtReal(PetscRealPart(x[i])) - b[i];
  PetscCall(VecRestoreArrayWrite(F, &f));
  PetscCall(VecRestoreArrayRead(m, &b));
  PetscCall(VecRestoreArrayRead(u, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* u from 1e-8 to 1: adjoints on J by a difference a column, tangents on products by differences */
static PetscErrorCode TestState(DiniJacobianType type)
{
  const PetscReal roots[] = {1e-4, 1.0, 0.3};
  Dini            dini;
  Vec             u, m, ones, x, expected;
  PetscInt        first, last;

  PetscFunctionBeginUser;
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, PETSC_DECIDE, 9, &u));
  PetscCall(VecDuplicate(u, &m));
  PetscCall(VecDuplicate(u, &ones));
  PetscCall(VecDuplicate(u, &x));
  PetscCall(VecDuplicate(u, &expected));
  PetscCall(VecSet(ones, 1.0));
  PetscCall(VecSet(expected, 2.0));
  PetscCall(VecGetOwnershipRange(m, &first, &last));
  for (PetscInt i = first; i < last; i++) PetscCall(VecSetValue(m, i, roots[i % 3], INSERT_VALUES));
  PetscCall(VecAssemblyBegin(m));
  PetscCall(VecAssemblyEnd(m));
  PetscCall(VecPointwiseMult(u, m, m));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetType(dini, DINISHELL));
  PetscCall(DiniSetResidual(dini, RootOfState, &m));
  PetscCall(DiniSetJacobianType(dini, type));
  PetscCall(DiniAddParameter(dini, "m", m, NULL));
  PetscCall(DiniAttach(dini, u));
  PetscCall(DiniJVP(dini, m, x)); /* 2 m^2 */
  PetscCall(VecPointwiseDivide(x, x, u));
  PetscCall(DiniTestVecsClose(x, expected, 1e-5, "tangent of a root"));
  if (type != DINI_JACOBIAN_MF) {
    PetscCall(DiniVJP(dini, ones, x));
    PetscCall(VecPointwiseDivide(x, x, m));
    PetscCall(DiniTestVecsClose(x, expected, 1e-6, "adjoint of a root"));
  }
  PetscCall(DiniDestroy(&dini));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&ones));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&expected));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestDeclaredRhs());
  PetscCall(TestState(DINI_JACOBIAN_FD));
  PetscCall(TestState(DINI_JACOBIAN_MF));
  PetscCall(PetscFinalize());
  return 0;
}
