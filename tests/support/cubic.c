#include "fixtures.h"

PetscErrorCode CubicResidual(Cubic *c, Vec u, Vec F)
{
  PetscFunctionBeginUser;
  c->residuals++;
  PetscCall(MatMult(c->S, u, F));
  PetscCall(VecAXPBYPCZ(F, 1.0, -1.0, c->a, u, c->seen)); /* F = a S u + u - m */
  PetscCall(VecPointwiseMult(c->d, u, u));
  PetscCall(VecPointwiseMult(c->d, c->d, u));
  PetscCall(VecAXPY(F, 1.0, c->d));
  PetscCall(FaultInject(c->residual, F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode CubicJacobian(Cubic *c, Vec u, Mat J)
{
  PetscFunctionBeginUser;
  c->jacobians++;
  PetscCall(MatCopy(c->S, J, SAME_NONZERO_PATTERN));
  PetscCall(MatScale(J, c->a));
  PetscCall(VecPointwiseMult(c->d, u, u));
  PetscCall(VecScale(c->d, 3.0));
  PetscCall(VecShift(c->d, 1.0));
  PetscCall(MatDiagonalSet(J, c->d, ADD_VALUES));
  PetscCall(FaultInjectMat(c->jacobian, J));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SNESResidual(SNES snes, Vec u, Vec F, void *ctx)
{
  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(CubicResidual((Cubic *)ctx, u, F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SNESJacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(CubicJacobian((Cubic *)ctx, u, P));
  if (J != P) {
    PetscCall(MatAssemblyBegin(J, MAT_FINAL_ASSEMBLY));
    PetscCall(MatAssemblyEnd(J, MAT_FINAL_ASSEMBLY));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ShellResidual(Dini dini, Vec u, Vec F, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(CubicResidual((Cubic *)ctx, u, F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ShellJacobian(Dini dini, Vec u, Mat J, Mat P, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)J;
  PetscCall(CubicJacobian((Cubic *)ctx, u, P));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ShellSolve(Dini dini, Vec u, void *ctx)
{
  Cubic *c = (Cubic *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  c->solves++;
  PetscCall(SNESSolve(c->snes, NULL, u));
  PetscCall(FaultInject(c->solve, u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Fill(Dini dini, Vec u, Vec m, Mat Fm, void *ctx)
{
  Cubic *c = (Cubic *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  (void)u;
  (void)m;
  c->fills++;
  PetscCall(MatZeroEntries(Fm));
  PetscCall(MatShift(Fm, -1.0));
  PetscCall(FaultInjectMat(c->fill, Fm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F_m = -I is its own adjoint, so one function serves both directions. */
static PetscErrorCode Apply(Dini dini, Vec u, Vec m, Vec x, Vec y, void *ctx)
{
  Cubic *c = (Cubic *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  (void)u;
  (void)m;
  c->fills++;
  PetscCall(VecCopy(x, y));
  PetscCall(VecScale(y, -1.0));
  PetscCall(FaultInject(c->fill, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode CubicUpdate(Dini dini, Vec m, void *ctx)
{
  Cubic *c = (Cubic *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  c->updates++;
  PetscCall(VecCopy(m, c->backup));
  PetscCall(FaultInject(c->update, c->backup));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode CubicCreate(PetscInt N, PetscScalar a, Cubic *c)
{
  PetscInt lo, hi;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(c, sizeof(*c)));
  c->a = a;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, 2, NULL, 1, NULL, &c->S));
  PetscCall(MatGetOwnershipRange(c->S, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) {
    PetscCall(MatSetValue(c->S, i, i, 0.0, INSERT_VALUES));
    if (i + 1 < N) PetscCall(MatSetValue(c->S, i, i + 1, 1.0, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(c->S, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(c->S, MAT_FINAL_ASSEMBLY));
  PetscCall(MatDuplicate(c->S, MAT_COPY_VALUES, &c->J));
  PetscCall(MatCreateVecs(c->S, &c->u, &c->m));
  PetscCall(VecDuplicate(c->u, &c->d));
  PetscCall(VecDuplicate(c->m, &c->backup));
  PetscCall(VecSet(c->m, 2.0));
  c->seen = c->m;

  PetscCall(SNESCreate(PETSC_COMM_WORLD, &c->snes));
  PetscCall(SNESSetFunction(c->snes, NULL, SNESResidual, c));
  PetscCall(SNESSetJacobian(c->snes, c->J, c->J, SNESJacobian, c));
  PetscCall(SNESSetTolerances(c->snes, 1e-14, 1e-14, 0.0, 50, 1000));
  PetscCall(SNESSetFromOptions(c->snes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode CubicDini(Cubic *c, DiniType type, DiniParameterType kind)
{
  PetscBool shell, is;

  PetscFunctionBeginUser;
  PetscCall(PetscStrcmp(type, DINISHELL, &shell));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &c->dini));
  if (shell) {
    PetscCall(DiniSetType(c->dini, DINISHELL));
    PetscCall(DiniSetResidual(c->dini, ShellResidual, c));
    PetscCall(DiniSetJacobian(c->dini, c->J, c->J, ShellJacobian, c));
    PetscCall(DiniSetSolve(c->dini, ShellSolve, c));
  } else PetscCall(DiniSetSNES(c->dini, c->snes));
  PetscCall(DiniAddParameter(c->dini, "m", c->m, &c->p));
  PetscCall(PetscStrcmp(kind ? kind : "", DINIPARAMETEROPERATOR, &is));
  if (is) PetscCall(DiniSetParameterOperator(c->dini, c->p, Apply, Apply, c));
  PetscCall(PetscStrcmp(kind ? kind : "", DINIPARAMETERMATRIX, &is));
  if (is) {
    PetscCall(MatDuplicate(c->S, MAT_DO_NOT_COPY_VALUES, &c->Fm));
    PetscCall(DiniSetParameterJacobian(c->dini, c->p, c->Fm, Fill, c));
  }
  PetscCall(PetscStrcmp(kind ? kind : "", DINIPARAMETERCOLORING, &is));
  if (is) {
    PetscCall(MatDuplicate(c->S, MAT_DO_NOT_COPY_VALUES, &c->Fm));
    PetscCall(DiniSetParameterJacobian(c->dini, c->p, c->Fm, NULL, NULL));
  }
  if (kind) PetscCall(DiniSetParameterType(c->dini, c->p, kind));
  PetscCall(DiniSetFromOptions(c->dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode CubicDestroy(Cubic *c)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&c->dini));
  PetscCall(SNESDestroy(&c->snes));
  PetscCall(MatDestroy(&c->S));
  PetscCall(MatDestroy(&c->J));
  PetscCall(MatDestroy(&c->Fm));
  PetscCall(VecDestroy(&c->u));
  PetscCall(VecDestroy(&c->m));
  PetscCall(VecDestroy(&c->d));
  PetscCall(VecDestroy(&c->backup));
  PetscFunctionReturn(PETSC_SUCCESS);
}
