/* Products with J = I - G_u of a fixed point: from callbacks, from a matrix G_u, or from differences of F along a direction. */
#include "../private/dinifixedpointimpl.h"

/* What products need, before the first one */
PetscErrorCode DiniFixedPointWork_Private(Dini dini)
{
  Dini_FixedPoint *ctx = (Dini_FixedPoint *)dini->data;

  PetscFunctionBegin;
  for (int i = 0; i < 2; i++)
    if (!ctx->w[i]) PetscCall(VecDuplicate(dini->u, &ctx->w[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The largest h for which h x shifts no entry of u by more than its size; small entries count as a tenth of the largest */
static PetscErrorCode DiniLargestStep(Dini dini, Vec x, PetscReal *h)
{
  const Vec          point = dini->beside ? dini->sized : dini->u;
  const PetscScalar *u, *a;
  PetscReal          largest, mine = PETSC_MAX_REAL;
  PetscInt           n;

  PetscFunctionBegin;
  PetscCall(DiniNormMax_Private(point, &largest));
  PetscCall(VecGetLocalSize(x, &n));
  PetscCall(VecGetArrayRead(point, &u));
  PetscCall(VecGetArrayRead(x, &a));
  for (PetscInt i = 0; i < n; i++) {
    const PetscReal size = largest > DINI_NOUGHT ? PetscMax(PetscAbsScalar(u[i]), 0.1 * largest) : 1.0;

    if (PetscAbsScalar(a[i]) > 0.0) mine = PetscMin(mine, size / PetscAbsScalar(a[i]));
  }
  PetscCall(VecRestoreArrayRead(x, &a));
  PetscCall(VecRestoreArrayRead(point, &u));
  PetscCall(MPIU_Allreduce(&mine, h, 1, MPIU_REAL, MPIU_MIN, PetscObjectComm((PetscObject)dini)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = J x = (F(u + h x) - F(u - h x)) / 2 h */
static PetscErrorCode DiniDifferenceMult(Dini dini, Vec x, Vec y)
{
  Dini_FixedPoint *ctx = (Dini_FixedPoint *)dini->data;
  PetscReal        h;

  PetscFunctionBegin;
  PetscCall(DiniLargestStep(dini, x, &h));
  PetscCall(VecSet(y, 0.0));
  if (h == PETSC_MAX_REAL) PetscFunctionReturn(PETSC_SUCCESS); /* x = 0 */
  h *= PetscPowReal(PETSC_MACHINE_EPSILON, 1.0 / 3.0);
  PetscCall(VecWAXPY(ctx->w[0], h, x, dini->u));
  PetscCall(DiniResidual_Private(dini, ctx->w[0], y, NULL));
  PetscCall(VecWAXPY(ctx->w[0], -h, x, dini->u));
  PetscCall(DiniResidual_Private(dini, ctx->w[0], ctx->w[1], NULL));
  PetscCall(VecAXPY(y, -1.0, ctx->w[1]));
  PetscCall(VecScale(y, 0.5 / h));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = G_u x or G_u^H x by the application's callback */
static PetscErrorCode DiniCallApply(Dini dini, DiniDirection direction, Vec x, Vec y)
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
static PetscErrorCode DiniShellMult(Mat J, Vec x, Vec y)
{
  Dini             dini;
  Dini_FixedPoint *ctx;

  PetscFunctionBegin;
  PetscCall(DiniShellContext_Private(J, &dini));
  ctx = (Dini_FixedPoint *)dini->data;
  if (ctx->kind == DINI_FIXEDPOINT_FD || (ctx->kind == DINI_FIXEDPOINT_OPERATOR && !ctx->apply[DINI_TANGENT])) {
    PetscCall(DiniDifferenceMult(dini, x, y));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (ctx->kind == DINI_FIXEDPOINT_OPERATOR) PetscCall(DiniCallApply(dini, DINI_TANGENT, x, y));
  else PetscCall(MatMult(ctx->Gu, x, y));
  PetscCall(VecAYPX(y, -1.0, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = x - G_u^T x, by G_u^T x = conj(G_u^H conj(x)) */
static PetscErrorCode DiniShellMultTranspose(Mat J, Vec x, Vec y)
{
  Dini             dini;
  Dini_FixedPoint *ctx;

  PetscFunctionBegin;
  PetscCall(DiniShellContext_Private(J, &dini));
  ctx = (Dini_FixedPoint *)dini->data;
  if (ctx->kind == DINI_FIXEDPOINT_OPERATOR) {
    PetscCall(VecCopy(x, ctx->w[0]));
    PetscCall(VecConjugate(ctx->w[0]));
    PetscCall(DiniCallApply(dini, DINI_ADJOINT, ctx->w[0], y));
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
  PetscCall(MatShellSetOperation(ctx->J, MATOP_MULT, (void (*)(void))DiniShellMult));
  if (transposes) PetscCall(MatShellSetOperation(ctx->J, MATOP_MULT_TRANSPOSE, (void (*)(void))DiniShellMultTranspose));
  if (ctx->Gu) PetscCall(PetscObjectCompose((PetscObject)ctx->J, DINI_RESTS_ON, (PetscObject)ctx->Gu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  A dense matrix, column by column from products with J, or from differences of F where J is NULL. It has the size of the
  state squared, so it is for small ones.
*/
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
    failed = J ? MatMult(J, e, column) : DiniDifferenceMult(dini, e, column);
    PetscCall(MatDenseRestoreColumnVecWrite(*dense, j, &column));
  }
  PetscCall(VecDestroy(&e));
  PetscCall(failed);
  PetscCall(MatAssemblyBegin(*dense, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*dense, MAT_FINAL_ASSEMBLY));
  dini->stats.jacobian_assemblies++;
  PetscFunctionReturn(PETSC_SUCCESS);
}
