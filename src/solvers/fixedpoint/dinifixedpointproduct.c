/* Products with J = I - G_u of a fixed point: from callbacks, from a matrix G_u, or from differences of F along a direction. */
#include "../../private/dinifixedpointimpl.h"

/* What products need, before the first one */
PetscErrorCode DiniFixedPointWork_Private(Dini dini)
{
  Dini_FixedPoint *ctx = (Dini_FixedPoint *)dini->data;

  PetscFunctionBegin;
  for (int i = 0; i < 2; i++)
    if (!ctx->w[i]) PetscCall(VecDuplicate(dini->u, &ctx->w[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = G_u x or G_u^H x by the application's callback */
static PetscErrorCode DiniCallApply_FixedPoint(Dini dini, DiniDirection direction, Vec x, Vec y)
{
  Dini_FixedPoint  *ctx  = (Dini_FixedPoint *)dini->data;
  const char *const what = direction == DINI_TANGENT ? "The product with G_u (DiniSetFixedPointOperator())"
                                                     : "The adjoint product with G_u (DiniSetFixedPointOperator())";

  PetscFunctionBegin;
  DiniCallUserReads(dini, dini->u, what, (*ctx->apply[direction])(dini, dini->u, x, y, ctx->applyctx));
  PetscCall(DiniCheckFinite_Private(dini, y, what, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = x - G_u x */
static PetscErrorCode DiniShellMult_FixedPoint(Mat J, Vec x, Vec y)
{
  Dini             dini;
  Dini_FixedPoint *ctx;

  PetscFunctionBegin;
  PetscCall(DiniShellContext_Private(J, &dini));
  ctx = (Dini_FixedPoint *)dini->data;
  if (ctx->kind == DINI_FIXEDPOINT_FD || (ctx->kind == DINI_FIXEDPOINT_OPERATOR && !ctx->apply[DINI_TANGENT])) {
    PetscCall(DiniDifferenceMult_Private(dini, x, y));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (ctx->kind == DINI_FIXEDPOINT_OPERATOR) PetscCall(DiniCallApply_FixedPoint(dini, DINI_TANGENT, x, y));
  else PetscCall(MatMult(ctx->Gu, x, y));
  PetscCall(VecAYPX(y, -1.0, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = x - G_u^T x, by G_u^T x = conj(G_u^H conj(x)) */
static PetscErrorCode DiniShellMultTranspose_FixedPoint(Mat J, Vec x, Vec y)
{
  Dini             dini;
  Dini_FixedPoint *ctx;

  PetscFunctionBegin;
  PetscCall(DiniShellContext_Private(J, &dini));
  ctx = (Dini_FixedPoint *)dini->data;
  if (ctx->kind == DINI_FIXEDPOINT_OPERATOR) {
    PetscCall(VecCopy(x, ctx->w[0]));
    PetscCall(VecConjugate(ctx->w[0]));
    PetscCall(DiniCallApply_FixedPoint(dini, DINI_ADJOINT, ctx->w[0], y));
    PetscCall(VecConjugate(y));
  } else PetscCall(MatMultTranspose(ctx->Gu, x, y));
  PetscCall(VecAYPX(y, -1.0, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J as a shell, with or without a transposed product */
PetscErrorCode DiniFixedPointShell_Private(Dini dini, PetscBool transposes)
{
  Dini_FixedPoint *ctx = (Dini_FixedPoint *)dini->data;

  PetscFunctionBegin;
  PetscCall(MatCreateShell(PetscObjectComm((PetscObject)dini), dini->n, dini->n, dini->N, dini->N, dini, &ctx->J));
  PetscCall(MatShellSetOperation(ctx->J, MATOP_MULT, (void (*)(void))DiniShellMult_FixedPoint));
  if (transposes)
    PetscCall(MatShellSetOperation(ctx->J, MATOP_MULT_TRANSPOSE, (void (*)(void))DiniShellMultTranspose_FixedPoint));
  if (ctx->Gu) PetscCall(PetscObjectCompose((PetscObject)ctx->J, DINI_RESTS_ON, (PetscObject)ctx->Gu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A dense matrix, column by column from products with J. It has the size of the state squared, so it is for small ones. */
PetscErrorCode DiniFixedPointDense_Private(Dini dini, Mat J, Mat *dense)
{
  PetscInt       first, last;
  Vec            e, column;
  PetscErrorCode failed = PETSC_SUCCESS;

  PetscFunctionBegin;
  if (!*dense)
    PetscCall(MatCreateDense(PetscObjectComm((PetscObject)dini), dini->n, dini->n, dini->N, dini->N, NULL, dense));
  PetscCall(VecDuplicate(dini->u, &e));
  PetscCall(VecGetOwnershipRange(e, &first, &last));
  for (PetscInt j = 0; j < dini->N && !failed; j++) {
    PetscCall(VecSet(e, 0.0));
    if (j >= first && j < last) PetscCall(VecSetValue(e, j, 1.0, INSERT_VALUES));
    PetscCall(VecAssemblyBegin(e));
    PetscCall(VecAssemblyEnd(e));
    PetscCall(MatDenseGetColumnVecWrite(*dense, j, &column));
    failed = MatMult(J, e, column);
    PetscCall(MatDenseRestoreColumnVecWrite(*dense, j, &column));
  }
  PetscCall(VecDestroy(&e));
  PetscCall(failed);
  PetscCall(MatAssemblyBegin(*dense, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*dense, MAT_FINAL_ASSEMBLY));
  dini->stats.jacobian_assemblies++;
  PetscFunctionReturn(PETSC_SUCCESS);
}
