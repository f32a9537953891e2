/*
  J = I - G_u of a fixed point: a shell around products with G_u, or assembled from a matrix, from coloured differences of G
  or from dense columns. Where it is a shell, tangents may come from differences of F along the direction itself.
*/
#include "../private/dinifixedpointimpl.h"

/* What has been given decides, unless the user has: matrix, operator, coloring, fd */
PetscErrorCode DiniFixedPointKind_Private(Dini dini, DiniFixedPointDerivative *kind)
{
  Dini_FixedPoint *ctx = (Dini_FixedPoint *)dini->data;

  PetscFunctionBegin;
  *kind = ctx->derivative;
  if (*kind == DINI_FIXEDPOINT_AUTO) {
    if (ctx->Gu && ctx->fill) *kind = DINI_FIXEDPOINT_MATRIX;
    else if (ctx->apply[DINI_TANGENT] || ctx->apply[DINI_ADJOINT]) *kind = DINI_FIXEDPOINT_OPERATOR;
    else *kind = ctx->Gu ? DINI_FIXEDPOINT_COLORING : DINI_FIXEDPOINT_FD;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- Products ---- */

static PetscErrorCode DiniNeedWork(Dini dini)
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
  const PetscScalar *u, *a;
  PetscReal          largest, mine = PETSC_MAX_REAL;
  PetscInt           n;

  PetscFunctionBegin;
  PetscCall(DiniNormMax_Private(dini->u, &largest));
  PetscCall(VecGetLocalSize(x, &n));
  PetscCall(VecGetArrayRead(dini->u, &u));
  PetscCall(VecGetArrayRead(x, &a));
  for (PetscInt i = 0; i < n; i++) {
    const PetscReal size = largest > 0.0 ? PetscMax(PetscAbsScalar(u[i]), 0.1 * largest) : 1.0;

    if (PetscAbsScalar(a[i]) > 0.0) mine = PetscMin(mine, size / PetscAbsScalar(a[i]));
  }
  PetscCall(VecRestoreArrayRead(x, &a));
  PetscCall(VecRestoreArrayRead(dini->u, &u));
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
  PetscCall(MatShellGetContext(J, &dini));
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
  PetscCall(MatShellGetContext(J, &dini));
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

static PetscErrorCode DiniCreateShell(Dini dini, PetscBool transposes)
{
  Dini_FixedPoint *ctx = (Dini_FixedPoint *)dini->data;

  PetscFunctionBegin;
  PetscCall(MatCreateShell(PetscObjectComm((PetscObject)dini), dini->n, dini->n, dini->N, dini->N, dini, &ctx->J));
  PetscCall(MatShellSetOperation(ctx->J, MATOP_MULT, (void (*)(void))DiniShellMult));
  if (transposes) PetscCall(MatShellSetOperation(ctx->J, MATOP_MULT_TRANSPOSE, (void (*)(void))DiniShellMultTranspose));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A dense matrix, column by column from products with J: of the size of the state squared, so for small ones */
static PetscErrorCode DiniDenseColumns(Dini dini, PetscErrorCode (*mult)(Dini, Mat, Vec, Vec), Mat J, Mat *dense)
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
    failed = (*mult)(dini, J, e, column);
    PetscCall(MatDenseRestoreColumnVecWrite(*dense, j, &column));
  }
  PetscCall(VecDestroy(&e));
  PetscCall(failed);
  PetscCall(MatAssemblyBegin(*dense, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*dense, MAT_FINAL_ASSEMBLY));
  dini->stats.jacobian_assemblies++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniColumnByDifference(Dini dini, Mat J, Vec e, Vec column)
{
  PetscFunctionBegin;
  (void)J;
  PetscCall(DiniDifferenceMult(dini, e, column));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniColumnByProduct(Dini dini, Mat J, Vec e, Vec column)
{
  PetscFunctionBegin;
  (void)dini;
  PetscCall(MatMult(J, e, column));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- A matrix G_u ---- */

static PetscErrorCode DiniCheckGu(Dini dini)
{
  Dini_FixedPoint *ctx = (Dini_FixedPoint *)dini->data;
  PetscInt         m, n;
  PetscBool        wrong, any;

  PetscFunctionBegin;
  PetscCheck(ctx->Gu, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "G_u of this fixed point shall come from a matrix, and there is none; call DiniSetFixedPointJacobian()");
  PetscCall(MatGetLocalSize(ctx->Gu, &m, &n));
  wrong = (PetscBool)(m != dini->n || n != dini->n);
  PetscCall(MPIU_Allreduce(&wrong, &any, 1, DINI_MPI_BOOL, MPI_LOR, PetscObjectComm((PetscObject)dini)));
  PetscCheck(!any, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_SIZ,
             "G_u has %" PetscInt_FMT " local rows and %" PetscInt_FMT
             " local columns where the state has %" PetscInt_FMT " local entries",
             m, n, dini->n);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniFillGu(Dini dini)
{
  Dini_FixedPoint *ctx = (Dini_FixedPoint *)dini->data;

  PetscFunctionBegin;
  PetscCall(DiniCheckGu(dini));
  if (ctx->kind == DINI_FIXEDPOINT_COLORING) PetscCall(DiniFixedPointColor_Private(dini));
  else if (ctx->fill)
    DiniCallUserReads(dini, dini->u, "The callback for G_u (DiniSetFixedPointJacobian())",
                      (*ctx->fill)(dini, dini->u, ctx->Gu, ctx->fillctx));
  if (ctx->kind == DINI_FIXEDPOINT_COLORING || ctx->fill) dini->stats.jacobian_assemblies++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J = I - G_u, on the pattern of G_u and the diagonal */
static PetscErrorCode DiniIdentityMinus(Dini dini)
{
  Dini_FixedPoint *ctx = (Dini_FixedPoint *)dini->data;
  PetscObjectState pattern;
  PetscBool        changed, any;

  PetscFunctionBegin;
  PetscCall(MatGetNonzeroState(ctx->Gu, &pattern));
  changed = (PetscBool)(pattern != ctx->pattern);
  PetscCall(MPIU_Allreduce(&changed, &any, 1, DINI_MPI_BOOL, MPI_LOR, PetscObjectComm((PetscObject)dini)));
  if (any) PetscCall(MatDestroy(&ctx->J));
  ctx->pattern = pattern;
  if (!ctx->J) {
    PetscCall(MatDuplicate(ctx->Gu, MAT_DO_NOT_COPY_VALUES, &ctx->J));
    PetscCall(MatSetOption(ctx->J, MAT_NEW_NONZERO_LOCATION_ERR, PETSC_FALSE));
    PetscCall(MatSetOption(ctx->J, MAT_NEW_NONZERO_ALLOCATION_ERR, PETSC_FALSE));
    PetscCall(MatSetNullSpace(ctx->J, NULL));
    PetscCall(MatSetTransposeNullSpace(ctx->J, NULL));
  }
  PetscCall(MatZeroEntries(ctx->J));
  PetscCall(MatShift(ctx->J, 1.0));
  PetscCall(MatAXPY(ctx->J, -1.0, ctx->Gu, SUBSET_NONZERO_PATTERN));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Matrices that PETSc can shift and add are assembled, so that preconditioners can be made of them; others are applied. */
static PetscErrorCode DiniJacobianOfMatrix(Dini dini)
{
  Dini_FixedPoint *ctx = (Dini_FixedPoint *)dini->data;
  PetscBool        plain, transposes;

  PetscFunctionBegin;
  PetscCall(DiniFillGu(dini));
  PetscCall(
      PetscObjectBaseTypeCompareAny((PetscObject)ctx->Gu, &plain, MATSEQAIJ, MATMPIAIJ, MATSEQDENSE, MATMPIDENSE, ""));
  if (plain) PetscCall(DiniIdentityMinus(dini));
  else if (!ctx->J) {
    PetscCall(MatHasOperation(ctx->Gu, MATOP_MULT_TRANSPOSE, &transposes));
    PetscCall(DiniCreateShell(dini, transposes));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- What the engine asks for ---- */

PetscErrorCode DiniJacobian_FixedPoint(Dini dini, Vec u, Mat *J, Mat *P)
{
  Dini_FixedPoint         *ctx = (Dini_FixedPoint *)dini->data;
  DiniFixedPointDerivative kind;

  PetscFunctionBegin;
  (void)u; /* the point */
  PetscCall(DiniNeedWork(dini));
  PetscCall(DiniFixedPointKind_Private(dini, &kind));
  if (kind != ctx->kind) PetscCall(MatDestroy(&ctx->J));
  ctx->kind = kind;
  if (kind == DINI_FIXEDPOINT_OPERATOR) {
    PetscCheck(
        ctx->apply[0] || ctx->apply[1], PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
        "G_u of this fixed point shall come from callbacks, and there are none; call DiniSetFixedPointOperator()");
    if (!ctx->J) PetscCall(DiniCreateShell(dini, (PetscBool)(ctx->apply[DINI_ADJOINT] != NULL)));
  } else if (kind == DINI_FIXEDPOINT_FD) {
    if (dini->N <= ctx->maxcolumns) PetscCall(DiniDenseColumns(dini, DiniColumnByDifference, NULL, &ctx->J));
    else if (!ctx->J) PetscCall(DiniCreateShell(dini, PETSC_FALSE));
  } else PetscCall(DiniJacobianOfMatrix(dini));
  PetscCall(PetscObjectStateIncrease((PetscObject)ctx->J));
  *J = *P = ctx->J;
  if (dini->guard && !dini->guarded && ctx->method == DINI_FIXEDPOINT_KRYLOV)
    PetscCall(DiniMeasureContraction_Private(dini, ctx->J));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* For an adjoint where J is a shell without one: dense columns of J, of small states */
PetscErrorCode DiniAssembled_FixedPoint(Dini dini, Vec u, Mat *J)
{
  Dini_FixedPoint *ctx = (Dini_FixedPoint *)dini->data;

  PetscFunctionBegin;
  (void)u;
  PetscCheck(dini->N <= ctx->maxcolumns, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
             "Nobody has given the adjoint product with G_u, and the state has %" PetscInt_FMT
             " unknowns, more than the %" PetscInt_FMT
             " for which dense columns are made. Ways out: DiniSetFixedPointOperator() with an adjoint product, "
             "DiniSetFixedPointJacobian() with a callback, or with a preallocated pattern alone, which is filled by "
             "coloured differences of G, DiniSetAdjointSolve(), or a larger -dini_fixedpoint_max_columns",
             dini->N, ctx->maxcolumns);
  PetscCall(DiniDenseColumns(dini, DiniColumnByProduct, ctx->J, &ctx->dense));
  PetscCall(PetscInfo(dini, "No adjoint product with G_u has been given: J assembled from %" PetscInt_FMT " products\n",
                      dini->N));
  *J = ctx->dense;
  PetscCall(PetscObjectReference((PetscObject)*J));
  PetscFunctionReturn(PETSC_SUCCESS);
}
