#include "fixtures.h"

/* A_jj = 4 + 0.3 i + m_j, A_{j+1,j} = -1/4 - 0.7 i + m_j / 2, A_{j-1,j} = -1 + i/2; b = 1 + i/5 + m^2 */
PetscErrorCode LinearAssemble(Linear *l, Mat A, Vec b)
{
  const PetscScalar *m;
  PetscInt           lo, hi, N;

  PetscFunctionBeginUser;
  l->assemblies++;
  PetscCall(MatGetSize(A, &N, NULL));
  PetscCall(VecGetOwnershipRange(l->m, &lo, &hi));
  PetscCall(VecGetArrayRead(l->m, &m));
  PetscCall(MatZeroEntries(A));
  for (PetscInt j = lo; j < hi; j++) {
    const PetscScalar mj = m[j - lo];

    PetscCall(MatSetValue(A, j, j, DiniTestScalar(4.0, 0.3) + mj, INSERT_VALUES));
    if (j + 1 < N) PetscCall(MatSetValue(A, j + 1, j, DiniTestScalar(-0.25, -0.7) + 0.5 * mj, INSERT_VALUES));
    if (j > 0) PetscCall(MatSetValue(A, j - 1, j, DiniTestScalar(-1.0, 0.5), INSERT_VALUES));
  }
  PetscCall(VecRestoreArrayRead(l->m, &m));
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscCall(VecPointwiseMult(b, l->m, l->m));
  PetscCall(VecShift(b, DiniTestScalar(1.0, 0.2)));
  PetscCall(FaultInject(l->assembly, b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* dF_j/dm_j = u_j - 2 m_j, dF_{j+1}/dm_j = u_j / 2 */
PetscErrorCode LinearFill(Linear *l, Vec u, Vec m, Mat Fm)
{
  const PetscScalar *ua, *ma;
  PetscInt           lo, hi, N;

  PetscFunctionBeginUser;
  (void)l;
  PetscCall(MatGetSize(Fm, &N, NULL));
  PetscCall(VecGetOwnershipRange(m, &lo, &hi));
  PetscCall(VecGetArrayRead(u, &ua));
  PetscCall(VecGetArrayRead(m, &ma));
  PetscCall(MatZeroEntries(Fm));
  for (PetscInt j = lo; j < hi; j++) {
    PetscCall(MatSetValue(Fm, j, j, ua[j - lo] - 2.0 * ma[j - lo], INSERT_VALUES));
    if (j + 1 < N) PetscCall(MatSetValue(Fm, j + 1, j, 0.5 * ua[j - lo], INSERT_VALUES));
  }
  PetscCall(VecRestoreArrayRead(u, &ua));
  PetscCall(VecRestoreArrayRead(m, &ma));
  PetscCall(MatAssemblyBegin(Fm, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(Fm, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Fill(Dini dini, Vec u, Vec m, Mat Fm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(LinearFill((Linear *)ctx, u, m, Fm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode System(Dini dini, Mat A, Mat P, Vec b, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)A;
  PetscCall(LinearAssemble((Linear *)ctx, P, b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Residual(Linear *l, Vec u, Vec F)
{
  PetscFunctionBeginUser;
  PetscCall(LinearAssemble(l, l->B, l->c));
  PetscCall(MatMult(l->B, u, F));
  PetscCall(VecAXPY(F, -1.0, l->c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SNESResidual(SNES snes, Vec u, Vec F, void *ctx)
{
  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(Residual((Linear *)ctx, u, F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SNESJacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  Linear *l = (Linear *)ctx;

  PetscFunctionBeginUser;
  (void)snes;
  (void)u;
  (void)J;
  PetscCall(LinearAssemble(l, P, l->c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ShellResidual(Dini dini, Vec u, Vec F, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(Residual((Linear *)ctx, u, F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ShellJacobian(Dini dini, Vec u, Mat J, Mat P, void *ctx)
{
  PetscFunctionBeginUser;
  (void)u;
  PetscCall(System(dini, J, P, ((Linear *)ctx)->c, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ShellSolve(Dini dini, Vec u, void *ctx)
{
  Linear *l = (Linear *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(LinearAssemble(l, l->B, l->c));
  PetscCall(DiniTestDirectSolve(l->B, PETSC_FALSE, l->c, u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LinearCreate(PetscInt N, Linear *l)
{
  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(l, sizeof(*l)));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, 3, NULL, 2, NULL, &l->A));
  PetscCall(MatCreateVecs(l->A, &l->u, &l->m));
  PetscCall(VecDuplicate(l->m, &l->b));
  PetscCall(VecDuplicate(l->m, &l->c));
  PetscCall(DiniTestFill(l->m, 3));
  PetscCall(LinearAssemble(l, l->A, l->b));
  PetscCall(MatDuplicate(l->A, MAT_COPY_VALUES, &l->B));
  PetscCall(MatDuplicate(l->A, MAT_DO_NOT_COPY_VALUES, &l->Fm));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &l->ksp));
  PetscCall(KSPSetOperators(l->ksp, l->A, l->A));
  PetscCall(KSPSetTolerances(l->ksp, 1e-13, 1e-50, PETSC_DEFAULT, 500));
  PetscCall(KSPSetFromOptions(l->ksp));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &l->snes));
  PetscCall(SNESSetFunction(l->snes, NULL, SNESResidual, l));
  PetscCall(SNESSetJacobian(l->snes, l->A, l->A, SNESJacobian, l));
  PetscCall(SNESSetTolerances(l->snes, 1e-13, 1e-13, 0.0, 50, 1000));
  PetscCall(SNESSetFromOptions(l->snes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LinearDini(Linear *l, DiniType type, DiniParameterType kind)
{
  PetscBool shell, ksp, coloring, fd;

  PetscFunctionBeginUser;
  PetscCall(PetscStrcmp(type, DINISHELL, &shell));
  PetscCall(PetscStrcmp(type, DINIKSP, &ksp));
  PetscCall(PetscStrcmp(kind, DINIPARAMETERCOLORING, &coloring));
  PetscCall(PetscStrcmp(kind, DINIPARAMETERFD, &fd));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &l->dini));
  if (shell) {
    PetscCall(DiniSetType(l->dini, DINISHELL));
    PetscCall(DiniSetResidual(l->dini, ShellResidual, l));
    PetscCall(DiniSetJacobian(l->dini, l->A, l->A, ShellJacobian, l));
    PetscCall(DiniSetSolve(l->dini, ShellSolve, l));
  } else if (ksp) {
    PetscCall(DiniSetKSP(l->dini, l->ksp));
    PetscCall(DiniSetLinearSystem(l->dini, l->b, System, l));
  } else PetscCall(DiniSetSNES(l->dini, l->snes));
  PetscCall(DiniAddParameter(l->dini, "m", l->m, &l->p));
  if (!fd) PetscCall(DiniSetParameterJacobian(l->dini, l->p, l->Fm, coloring ? NULL : Fill, l));
  PetscCall(DiniSetParameterType(l->dini, l->p, kind));
  PetscCall(DiniSetFromOptions(l->dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LinearDestroy(Linear *l)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&l->dini));
  PetscCall(KSPDestroy(&l->ksp));
  PetscCall(SNESDestroy(&l->snes));
  PetscCall(MatDestroy(&l->A));
  PetscCall(MatDestroy(&l->B));
  PetscCall(MatDestroy(&l->Fm));
  PetscCall(VecDestroy(&l->b));
  PetscCall(VecDestroy(&l->c));
  PetscCall(VecDestroy(&l->m));
  PetscCall(VecDestroy(&l->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}
