#include "nest.h"

static PetscErrorCode InnerResidual(SNES snes, Vec v, Vec F, void *ctx)
{
  Nest *n = (Nest *)ctx;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(MatMult(n->S, v, F));
  PetscCall(VecAXPBY(F, 1.0, n->a, v));
  PetscCall(VecPointwiseMult(n->d, v, v));
  PetscCall(VecPointwiseMult(n->d, n->d, v));
  PetscCall(VecAXPY(F, 1.0, n->d));
  PetscCall(VecAXPY(F, -1.0, n->uin));
  PetscCall(VecPointwiseMult(n->d, n->m, n->m));
  PetscCall(VecAXPY(F, -1.0, n->d));
  PetscCall(VecShift(F, n->hidden));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* 1 + 3 v^2 + a S */
PetscErrorCode NestInnerMatrix(Nest *n, Vec v, Mat A)
{
  PetscFunctionBeginUser;
  PetscCall(VecPointwiseMult(n->d, v, v));
  PetscCall(VecScale(n->d, 3.0));
  PetscCall(VecShift(n->d, 1.0));
  PetscCall(MatCopy(n->S, A, SAME_NONZERO_PATTERN));
  PetscCall(MatScale(A, n->a));
  PetscCall(MatDiagonalSet(A, n->d, INSERT_VALUES));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode InnerJacobian(SNES snes, Vec v, Mat J, Mat P, void *ctx)
{
  PetscFunctionBeginUser;
  (void)snes;
  (void)J;
  PetscCall(NestInnerMatrix((Nest *)ctx, v, P));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NestInner(Nest *n, Vec u)
{
  PetscFunctionBeginUser;
  PetscCall(VecCopy(u, n->uin));
  PetscCall(DiniSolve(n->inner, n->v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OuterResidual(SNES snes, Vec u, Vec F, void *ctx)
{
  Nest *n = (Nest *)ctx;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(NestInner(n, u));
  PetscCall(MatMultTranspose(n->S, u, F));
  PetscCall(VecAXPBY(F, 3.0, n->b, u));
  PetscCall(VecPointwiseMult(n->d, u, n->v));
  PetscCall(VecAXPY(F, 1.0, n->d));
  PetscCall(VecAXPY(F, -1.0, n->m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* R_u = 3 + b S^T + v and R_v = u */
static PetscErrorCode OuterMatrices(Nest *n, Vec u, Vec v, Mat Ru, Mat Rv)
{
  Mat T;

  PetscFunctionBeginUser;
  PetscCall(MatTranspose(n->S, MAT_INITIAL_MATRIX, &T));
  PetscCall(MatScale(T, n->b));
  PetscCall(VecCopy(v, n->d));
  PetscCall(VecShift(n->d, 3.0));
  PetscCall(MatDiagonalSet(T, n->d, INSERT_VALUES));
  PetscCall(MatCopy(T, Ru, DIFFERENT_NONZERO_PATTERN));
  PetscCall(MatDestroy(&T));
  PetscCall(MatZeroEntries(Rv));
  PetscCall(MatDiagonalSet(Rv, u, INSERT_VALUES));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OuterJacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  Nest *n = (Nest *)ctx;

  PetscFunctionBeginUser;
  (void)snes;
  (void)P; /* is R_u */
  PetscCall(NestInner(n, u));
  PetscCall(OuterMatrices(n, u, n->v, n->Ru, n->Rv));
  if (n->pinned) PetscCall(DiniPinDerivative(n->Du));
  PetscCall(MatAssemblyBegin(J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(J, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OuterFill(Dini outer, Vec u, Vec m, Mat Fm, void *ctx)
{
  Nest *n = (Nest *)ctx;

  PetscFunctionBeginUser;
  (void)outer;
  (void)m;
  (void)Fm;
  PetscCall(NestInner(n, u));
  PetscCall(DiniPinDerivative(n->Dm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OuterApply(Dini outer, Vec u, Vec m, Vec x, Vec y, void *ctx)
{
  PetscFunctionBeginUser;
  (void)outer;
  (void)u;
  (void)m;
  PetscCall(MatMult(((Nest *)ctx)->Fm, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OuterApplyAdjoint(Dini outer, Vec u, Vec m, Vec x, Vec y, void *ctx)
{
  PetscFunctionBeginUser;
  (void)outer;
  (void)u;
  (void)m;
  PetscCall(MatMultHermitianTranspose(((Nest *)ctx)->Fm, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* *C = A + B2 B1 */
static PetscErrorCode SumAndChain(Mat A, Mat B1, Mat B2, Mat *C)
{
  Mat chain[2] = {B1, B2}, sum[2] = {A, NULL};

  PetscFunctionBeginUser;
  PetscCall(MatCreateComposite(PETSC_COMM_WORLD, 2, chain, &sum[1]));
  PetscCall(MatCompositeSetType(sum[1], MAT_COMPOSITE_MULTIPLICATIVE));
  PetscCall(MatCreateComposite(PETSC_COMM_WORLD, 2, sum, C));
  PetscCall(MatDestroy(&sum[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NestCreate(PetscInt N, Nest *n)
{
  PetscInt lo, hi;
  KSP      ksp;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(n, sizeof(*n)));
  n->pinned = PETSC_TRUE;
  n->a      = DiniTestScalar(0.5, 0.3);
  n->b      = DiniTestScalar(-0.7, 0.4);
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, 2, NULL, 1, NULL, &n->S));
  PetscCall(MatGetOwnershipRange(n->S, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) {
    PetscCall(MatSetValue(n->S, i, i, 0.0, INSERT_VALUES));
    if (i + 1 < N) PetscCall(MatSetValue(n->S, i, i + 1, 1.0, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(n->S, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(n->S, MAT_FINAL_ASSEMBLY));
  PetscCall(MatDuplicate(n->S, MAT_COPY_VALUES, &n->Gv));
  PetscCall(MatTranspose(n->S, MAT_INITIAL_MATRIX, &n->Ru));
  PetscCall(MatDuplicate(n->S, MAT_COPY_VALUES, &n->Rv));
  PetscCall(MatCreateConstantDiagonal(PETSC_COMM_WORLD, hi - lo, hi - lo, N, N, -1.0, &n->Rm));
  PetscCall(MatCreateVecs(n->S, &n->u, &n->v));
  PetscCall(VecDuplicate(n->u, &n->m));
  PetscCall(VecDuplicate(n->u, &n->uin));
  PetscCall(VecDuplicate(n->u, &n->d));
  PetscCall(DiniTestFill(n->m, 3));
  PetscCall(VecShift(n->m, 1.5));

  PetscCall(SNESCreate(PETSC_COMM_WORLD, &n->insnes));
  PetscCall(SNESSetOptionsPrefix(n->insnes, "inner_"));
  PetscCall(SNESSetFunction(n->insnes, NULL, InnerResidual, n));
  PetscCall(SNESSetJacobian(n->insnes, n->Gv, n->Gv, InnerJacobian, n));
  PetscCall(SNESSetTolerances(n->insnes, 1e-14, 1e-13, 0.0, 50, 1000));
  PetscCall(SNESGetKSP(n->insnes, &ksp));
  PetscCall(KSPSetTolerances(ksp, 1e-12, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(SNESSetFromOptions(n->insnes));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &n->inner));
  PetscCall(PetscObjectSetName((PetscObject)n->inner, "inner"));
  PetscCall(DiniSetSNES(n->inner, n->insnes));
  PetscCall(DiniAddParameter(n->inner, "u", n->uin, NULL));
  PetscCall(DiniSetParameterType(n->inner, 0, DINIPARAMETERRHS));
  PetscCall(DiniAddParameter(n->inner, "m", n->m, NULL));
  PetscCall(NestInner(n, n->u));
  PetscCall(DiniCreateDerivative(n->inner, 0, &n->Du));
  PetscCall(DiniCreateDerivative(n->inner, 1, &n->Dm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NestOuter(Nest *n, PetscBool operators)
{
  KSP ksp;
  PC  pc;

  PetscFunctionBeginUser;
  PetscCall(SumAndChain(n->Ru, n->Du, n->Rv, &n->J));
  PetscCall(SumAndChain(n->Rm, n->Dm, n->Rv, &n->Fm));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &n->snes));
  PetscCall(SNESSetFunction(n->snes, NULL, OuterResidual, n));
  PetscCall(SNESSetJacobian(n->snes, n->J, n->Ru, OuterJacobian, n));
  PetscCall(SNESSetTolerances(n->snes, 1e-13, 1e-12, 0.0, 50, 1000));
  PetscCall(SNESGetKSP(n->snes, &ksp));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCJACOBI));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &n->outer));
  PetscCall(PetscObjectSetName((PetscObject)n->outer, "outer"));
  PetscCall(DiniSetSNES(n->outer, n->snes));
  PetscCall(DiniAddParameter(n->outer, "m", n->m, NULL));
  if (operators) PetscCall(DiniSetParameterOperator(n->outer, 0, OuterApply, OuterApplyAdjoint, n));
  else PetscCall(DiniSetParameterJacobian(n->outer, 0, n->Fm, OuterFill, n));
  if (!operators) PetscCall(DiniSetParameterType(n->outer, 0, DINIPARAMETERMATRIX));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NestDestroy(Nest *n)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&n->inner)); /* before what is pinned to it */
  PetscCall(DiniDestroy(&n->outer));
  PetscCall(SNESDestroy(&n->insnes));
  PetscCall(SNESDestroy(&n->snes));
  PetscCall(MatDestroy(&n->J));
  PetscCall(MatDestroy(&n->Fm));
  PetscCall(MatDestroy(&n->Du));
  PetscCall(MatDestroy(&n->Dm));
  PetscCall(MatDestroy(&n->S));
  PetscCall(MatDestroy(&n->Gv));
  PetscCall(MatDestroy(&n->Ru));
  PetscCall(MatDestroy(&n->Rv));
  PetscCall(MatDestroy(&n->Rm));
  PetscCall(VecDestroy(&n->u));
  PetscCall(VecDestroy(&n->v));
  PetscCall(VecDestroy(&n->m));
  PetscCall(VecDestroy(&n->uin));
  PetscCall(VecDestroy(&n->d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  The references are of the joint relation in (u, v): J = R_u + R_v G_v^{-1} and F_m = -1 + R_v G_v^{-1} 2 m, column by
  column in dense matrices. Ginv is G_v^{-1}.
*/
PetscErrorCode NestReference(Nest *n, Vec u, Vec v, Vec m, Mat *J, Mat *Fm)
{
  Mat      G, Ru, Rv, Ginv;
  Vec      e, w;
  PetscInt nl, N, lo, hi;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(u, &nl));
  PetscCall(VecGetSize(u, &N));
  PetscCall(VecGetOwnershipRange(u, &lo, &hi));
  PetscCall(MatDuplicate(n->S, MAT_DO_NOT_COPY_VALUES, &G));
  PetscCall(MatDuplicate(n->Ru, MAT_DO_NOT_COPY_VALUES, &Ru));
  PetscCall(MatDuplicate(n->Rv, MAT_DO_NOT_COPY_VALUES, &Rv));
  PetscCall(NestInnerMatrix(n, v, G));
  PetscCall(OuterMatrices(n, u, v, Ru, Rv));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, nl, nl, N, N, NULL, &Ginv));
  PetscCall(VecDuplicate(u, &e));
  for (PetscInt j = 0; j < N; j++) {
    PetscCall(VecSet(e, 0.0));
    if (j >= lo && j < hi) PetscCall(VecSetValue(e, j, 1.0, INSERT_VALUES));
    PetscCall(VecAssemblyBegin(e));
    PetscCall(VecAssemblyEnd(e));
    PetscCall(DiniTestDirectSolve(G, PETSC_FALSE, e, n->d));
    PetscCall(MatDenseGetColumnVecWrite(Ginv, j, &w));
    PetscCall(VecCopy(n->d, w));
    PetscCall(MatDenseRestoreColumnVecWrite(Ginv, j, &w));
  }
  PetscCall(MatDiagonalScale(Ginv, u, NULL));
  PetscCall(MatDuplicate(Ginv, MAT_COPY_VALUES, Fm));
  PetscCall(VecCopy(m, e));
  PetscCall(VecScale(e, 2.0));
  PetscCall(MatDiagonalScale(*Fm, NULL, e));
  PetscCall(MatShift(*Fm, -1.0));
  PetscCall(MatConvert(Ru, MATDENSE, MAT_INITIAL_MATRIX, J));
  PetscCall(MatAXPY(*J, 1.0, Ginv, SAME_NONZERO_PATTERN));
  PetscCall(VecDestroy(&e));
  PetscCall(MatDestroy(&G));
  PetscCall(MatDestroy(&Ru));
  PetscCall(MatDestroy(&Rv));
  PetscCall(MatDestroy(&Ginv));
  PetscFunctionReturn(PETSC_SUCCESS);
}
