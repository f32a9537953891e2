#include "bent.h"

static PetscErrorCode Fill(Bent *b, Vec u, PetscBool slope, Vec y)
{
  const PetscScalar *x;
  PetscScalar       *f;
  PetscInt           n;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(u, &n));
  PetscCall(VecGetArrayRead(u, &x));
  PetscCall(VecGetArray(y, &f));
  for (PetscInt i = 0; i < n; i++) {
    const PetscScalar v = x[i], e = PetscExpScalar(50.0 * (v - 1.0));

    if (b->kind == BENT_FOLD) f[i] = slope ? 2.0 * (v - 1.0) : (v - 1.0) * (v - 1.0);
    if (b->kind == BENT_EXP) f[i] = slope ? 50.0 * e : e;
    if (b->kind == BENT_CUBE) f[i] = slope ? 3.0 * (v - 1.0) * (v - 1.0) : (v - 1.0) * (v - 1.0) * (v - 1.0);
    if (b->kind == BENT_LOG) f[i] = slope ? 1.0 / v : PetscLogScalar(v);
    if (b->kind == BENT_LINE) f[i] = slope ? 3.0 : 3.0 * v;
  }
  PetscCall(VecRestoreArray(y, &f));
  PetscCall(VecRestoreArrayRead(u, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  Bent *b = (Bent *)ctx;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(Fill(b, u, PETSC_FALSE, F));
  PetscCall(VecAXPY(F, -1.0, b->m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  Bent *b = (Bent *)ctx;
  Vec   d;

  PetscFunctionBeginUser;
  (void)snes, (void)J;
  PetscCall(VecDuplicate(u, &d));
  PetscCall(Fill(b, u, PETSC_TRUE, d));
  PetscCall(MatDiagonalSet(P, d, INSERT_VALUES));
  PetscCall(VecDestroy(&d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BentCreate(BentKind kind, PetscInt N, PetscReal rtol, Bent *b)
{
  KSP ksp;
  PC  pc;

  PetscFunctionBeginUser;
  b->kind = kind;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, 1, NULL, 0, NULL, &b->J));
  PetscCall(MatCreateVecs(b->J, &b->u, &b->m));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &b->snes));
  PetscCall(SNESSetFunction(b->snes, NULL, Residual, b));
  PetscCall(SNESSetJacobian(b->snes, b->J, b->J, Jacobian, b));
  PetscCall(SNESSetTolerances(b->snes, 1e-50, rtol, 0.0, 100, 10000));
  PetscCall(SNESGetKSP(b->snes, &ksp));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCJACOBI));
  PetscCall(SNESSetFromOptions(b->snes));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &b->dini));
  PetscCall(DiniSetSNES(b->dini, b->snes));
  PetscCall(DiniAddParameter(b->dini, "m", b->m, NULL));
  PetscCall(DiniSetParameterType(b->dini, 0, DINIPARAMETERRHS));
  PetscCall(DiniSetAttachTolerances(b->dini, 0.3, PETSC_DEFAULT));
  PetscCall(DiniSetState(b->dini, b->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BentDestroy(Bent *b)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&b->dini));
  PetscCall(SNESDestroy(&b->snes));
  PetscCall(MatDestroy(&b->J));
  PetscCall(VecDestroy(&b->u));
  PetscCall(VecDestroy(&b->m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscReal BentState(BentKind kind, PetscReal m)
{
  if (kind == BENT_FOLD) return 1.0 + PetscSqrtReal(m);
  if (kind == BENT_EXP) return 1.0 + PetscLogReal(m) / 50.0;
  if (kind == BENT_CUBE) return 1.0 + PetscPowReal(m, 1.0 / 3.0);
  if (kind == BENT_LOG) return PetscExpReal(m);
  return m / 3.0;
}

PetscReal BentSlope(BentKind kind, PetscReal m)
{
  if (kind == BENT_FOLD) return 0.5 / PetscSqrtReal(m);
  if (kind == BENT_EXP) return 0.02 / m;
  if (kind == BENT_CUBE) return PetscPowReal(m, -2.0 / 3.0) / 3.0;
  if (kind == BENT_LOG) return PetscExpReal(m);
  return 1.0 / 3.0;
}

PetscErrorCode BentSolve(Bent *b, PetscReal m, PetscReal start)
{
  PetscFunctionBeginUser;
  PetscCall(VecSet(b->m, m));
  PetscCall(VecSet(b->u, BentState(b->kind, start)));
  PetscCall(DiniSolve(b->dini, b->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BentAttach(Bent *b, PetscReal m, PetscReal off)
{
  PetscFunctionBeginUser;
  PetscCall(VecSet(b->m, m));
  PetscCall(VecSet(b->u, BentState(b->kind, m) * (1.0 + off)));
  PetscCall(DiniAttach(b->dini, b->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BentDerivative(Bent *b, PetscReal m, PetscBool adjoint, PetscReal *error, PetscReal *reported)
{
  const PetscReal right = BentSlope(b->kind, m);
  DiniStatistics  s;
  Vec             v, w;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(b->u, &v));
  PetscCall(VecDuplicate(b->u, &w));
  PetscCall(VecSet(v, 1.0));
  PetscCall((adjoint ? DiniVJP : DiniJVP)(b->dini, v, w));
  PetscCall(VecShift(w, -right));
  PetscCall(VecNorm(w, NORM_INFINITY, error));
  *error /= right;
  PetscCall(DiniGetStatistics(b->dini, &s));
  *reported = adjoint ? s.gradient_error : s.tangent_error;
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&w));
  PetscFunctionReturn(PETSC_SUCCESS);
}
