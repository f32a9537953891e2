/*
  J = I - G_u of a fixed point: a shell around products with G_u, or assembled from a matrix, from coloured differences of G
  or from a difference for each column.
*/
#include "../../private/dinifixedpointimpl.h"

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

/* ---- A matrix G_u ---- */

static PetscErrorCode DiniCheckGu_FixedPoint(Dini dini)
{
  Dini_FixedPoint *ctx = (Dini_FixedPoint *)dini->data;
  PetscInt         m, n;
  PetscBool        any;

  PetscFunctionBegin;
  PetscCheck(ctx->Gu, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "G_u of this fixed point shall come from a matrix, and there is none; call DiniSetFixedPointJacobian()");
  PetscCall(MatGetLocalSize(ctx->Gu, &m, &n));
  PetscCall(DiniOtherLayout_Private(PetscObjectComm((PetscObject)dini), (PetscObject)ctx->Gu, dini->n, dini->n, &any));
  PetscCheck(!any, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_SIZ,
             "G_u has %" PetscInt_FMT " local rows and %" PetscInt_FMT
             " local columns where the state has %" PetscInt_FMT " local entries",
             m, n, dini->n);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniFillGu_FixedPoint(Dini dini)
{
  Dini_FixedPoint *ctx = (Dini_FixedPoint *)dini->data;

  PetscFunctionBegin;
  PetscCall(DiniCheckGu_FixedPoint(dini));
  if (ctx->kind == DINI_FIXEDPOINT_COLORING) PetscCall(DiniFixedPointColor_Private(dini));
  else if (ctx->fill)
    DiniCallUserReads(dini, dini->u, "The callback for G_u (DiniSetFixedPointJacobian())",
                      (*ctx->fill)(dini, dini->u, ctx->Gu, ctx->fillctx));
  if (ctx->kind == DINI_FIXEDPOINT_COLORING || ctx->fill) dini->stats.jacobian_assemblies++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  What differences of G are good to, in units of J: where G changes as u does, such as a G made of u - F whose F does not see the
  step, I - G_u is what is left of two ones.
*/
static PetscErrorCode DiniCancels_FixedPoint(Dini dini)
{
  Dini_FixedPoint   *ctx = (Dini_FixedPoint *)dini->data;
  const PetscScalar *d, *r;
  PetscReal          worst = 1.0;
  Vec                diagonal, rows;

  PetscFunctionBegin;
  PetscCall(VecDuplicate(dini->u, &diagonal));
  PetscCall(VecDuplicate(dini->u, &rows));
  PetscCall(MatGetDiagonal(ctx->Gu, diagonal));
  PetscCall(MatGetRowMaxAbs(ctx->J, rows, NULL));
  PetscCall(VecGetArrayRead(diagonal, &d));
  PetscCall(VecGetArrayRead(rows, &r));
  for (PetscInt i = 0; i < dini->n; i++) {
    const PetscReal left = PetscMax(PetscAbsScalar(r[i]), PETSC_MACHINE_EPSILON);

    if (PetscAbsScalar(d[i]) > worst * left) worst = PetscAbsScalar(d[i]) / left;
  }
  PetscCall(VecRestoreArrayRead(rows, &r));
  PetscCall(VecRestoreArrayRead(diagonal, &d));
  PetscCall(VecDestroy(&diagonal));
  PetscCall(VecDestroy(&rows));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &worst, 1, MPIU_REAL, MPIU_MAX, PetscObjectComm((PetscObject)dini)));
  dini->source.columns *= worst;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J = I - G_u, on the pattern of G_u and the diagonal */
static PetscErrorCode DiniIdentityMinus_FixedPoint(Dini dini)
{
  Dini_FixedPoint *ctx = (Dini_FixedPoint *)dini->data;
  PetscObjectState pattern;
  PetscBool        changed, any;

  PetscFunctionBegin;
  PetscCall(MatGetNonzeroState(ctx->Gu, &pattern));
  changed = (PetscBool)(pattern != ctx->pattern);
  PetscCall(MPIU_Allreduce(&changed, &any, 1, DINI_MPI_BOOL, MPI_LOR, PetscObjectComm((PetscObject)dini)));
  if (any) PetscCall(DiniShellDestroy_Private(&ctx->J, dini));
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
  if (ctx->kind == DINI_FIXEDPOINT_COLORING) PetscCall(DiniCancels_FixedPoint(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Matrices that PETSc can shift and add are assembled, so that preconditioners can be made of them; others are applied. */
static PetscErrorCode DiniJacobianOfMatrix_FixedPoint(Dini dini)
{
  Dini_FixedPoint *ctx = (Dini_FixedPoint *)dini->data;
  PetscBool        plain, transposes;

  PetscFunctionBegin;
  PetscCall(DiniFillGu_FixedPoint(dini));
  PetscCall(
      PetscObjectBaseTypeCompareAny((PetscObject)ctx->Gu, &plain, MATSEQAIJ, MATMPIAIJ, MATSEQDENSE, MATMPIDENSE, ""));
  if (plain) PetscCall(DiniIdentityMinus_FixedPoint(dini));
  else if (!ctx->J) {
    PetscCall(MatHasOperation(ctx->Gu, MATOP_MULT_TRANSPOSE, &transposes));
    PetscCall(DiniFixedPointShell_Private(dini, transposes));
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
  PetscCall(DiniFixedPointWork_Private(dini));
  PetscCall(DiniFixedPointKind_Private(dini, &kind));
  if (kind != ctx->kind) {
    PetscCall(DiniShellDestroy_Private(&ctx->J, dini));
    PetscCall(DiniColoringDestroy_Private(&ctx->coloring));
  }
  ctx->kind                = kind;
  dini->source.differenced = (PetscBool)(kind == DINI_FIXEDPOINT_FD || kind == DINI_FIXEDPOINT_COLORING);
  if (kind == DINI_FIXEDPOINT_OPERATOR) {
    PetscCheck(
        ctx->apply[0] || ctx->apply[1], PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
        "G_u of this fixed point shall come from callbacks, and there are none; call DiniSetFixedPointOperator()");
    if (!ctx->J) PetscCall(DiniFixedPointShell_Private(dini, (PetscBool)(ctx->apply[DINI_ADJOINT] != NULL)));
  } else if (kind == DINI_FIXEDPOINT_FD) {
    if (dini->N <= ctx->maxcolumns) PetscCall(DiniFixedPointColumns_Private(dini));
    else if (!ctx->J) PetscCall(DiniFixedPointShell_Private(dini, PETSC_FALSE));
  } else PetscCall(DiniJacobianOfMatrix_FixedPoint(dini));
  PetscCall(MatAssemblyBegin(ctx->J, MAT_FINAL_ASSEMBLY)); /* the values of a shell are new ones too */
  PetscCall(MatAssemblyEnd(ctx->J, MAT_FINAL_ASSEMBLY));
  *J = *P = ctx->J;
  if (dini->guard && !dini->guarded && ctx->method == DINI_FIXEDPOINT_KRYLOV)
    PetscCall(DiniMeasureContraction_Private(dini, ctx->J));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* For an adjoint where J is a shell without one: dense columns of J, of small states */
PetscErrorCode DiniAssembled_FixedPoint(Dini dini, Mat *J)
{
  Dini_FixedPoint *ctx = (Dini_FixedPoint *)dini->data;

  PetscFunctionBegin;
  PetscCheck(dini->N <= ctx->maxcolumns, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
             "Nobody has given the adjoint product with G_u, and the state has %" PetscInt_FMT
             " unknowns, more than the %" PetscInt_FMT
             " for which dense columns are made. Ways out: DiniSetFixedPointOperator() with an adjoint product, "
             "DiniSetFixedPointJacobian() with a callback, or with a preallocated pattern alone, which is filled by "
             "coloured differences of G, DiniSetAdjointSolve(), or a larger -dini_fixedpoint_max_columns",
             dini->N, ctx->maxcolumns);
  PetscCall(DiniFixedPointDense_Private(dini, ctx->J, &ctx->dense));
  PetscCall(PetscInfo(dini, "No adjoint product with G_u has been given: J assembled from %" PetscInt_FMT " products\n",
                      dini->N));
  *J = ctx->dense;
  PetscFunctionReturn(PETSC_SUCCESS);
}
