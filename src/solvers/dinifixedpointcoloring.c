/*
  G_u on a given pattern by coloured central differences of G: columns that share no row are shifted together.

  PETSc's MatFDColoring takes one-sided differences and keeps pointers into the matrix; this keeps the colour of each column
  as the value of its entries in a copy of the matrix, so that nothing but rows and diagonal scalings is needed.
*/
#include "../private/dinifixedpointimpl.h"

/* colour + 1 of each column, as a Vec of the state's layout */
static PetscErrorCode DiniColorColumns(Dini dini, Mat Gu, Vec color, PetscInt *ncolors)
{
  Mat                    conflicts;
  MatColoring            coloring;
  ISColoring             iscoloring;
  const ISColoringValue *own;
  PetscInt               n, mine;
  PetscScalar           *a;

  PetscFunctionBegin;
  PetscCall(MatTransposeMatMult(Gu, Gu, MAT_INITIAL_MATRIX, PETSC_DEFAULT, &conflicts));
  PetscCall(MatColoringCreate(conflicts, &coloring));
  PetscCall(MatColoringSetDistance(coloring, 1));
  PetscCall(MatColoringSetType(coloring, MATCOLORINGGREEDY));
  PetscCall(MatColoringApply(coloring, &iscoloring));
  PetscCall(ISColoringGetColors(iscoloring, &n, &mine, &own));
  PetscCall(MPIU_Allreduce(&mine, ncolors, 1, MPIU_INT, MPI_MAX, PetscObjectComm((PetscObject)dini)));
  PetscCall(VecGetLocalSize(color, &n));
  PetscCall(VecGetArray(color, &a));
  for (PetscInt j = 0; j < n; j++) a[j] = 1.0 + (PetscReal)own[j];
  PetscCall(VecRestoreArray(color, &a));
  PetscCall(ISColoringDestroy(&iscoloring));
  PetscCall(MatColoringDestroy(&coloring));
  PetscCall(MatDestroy(&conflicts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Each entry (i, j) of A on the pattern: values[colour(i, j) of colors * n + i], or 1 where there are no colours yet. Two
  matrices, since the rows of one that is read can not be written.
*/
static PetscErrorCode DiniSetRows(Mat pattern, const PetscScalar values[], PetscInt n, Mat A)
{
  PetscInt           first, last, ncols, size = 0;
  const PetscInt    *cols;
  const PetscScalar *color;
  PetscScalar       *row = NULL;

  PetscFunctionBegin;
  PetscCall(MatGetOwnershipRange(pattern, &first, &last));
  for (PetscInt i = first; i < last; i++) {
    PetscCall(MatGetRow(pattern, i, &ncols, NULL, NULL));
    size = PetscMax(size, ncols);
    PetscCall(MatRestoreRow(pattern, i, &ncols, NULL, NULL));
  }
  PetscCall(PetscMalloc1(size, &row));
  for (PetscInt i = first; i < last; i++) {
    PetscCall(MatGetRow(pattern, i, &ncols, &cols, &color));
    for (PetscInt k = 0; k < ncols; k++)
      row[k] = values ? values[((PetscInt)(PetscRealPart(color[k]) + 0.5) - 1) * n + i - first] : 1.0;
    PetscCall(MatSetValues(A, 1, &i, ncols, cols, row, INSERT_VALUES));
    PetscCall(MatRestoreRow(pattern, i, &ncols, &cols, &color));
  }
  PetscCall(PetscFree(row));
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniCreateColors(Dini dini)
{
  Dini_FixedPoint *ctx = (Dini_FixedPoint *)dini->data;
  PetscBool        assembled, aij;

  PetscFunctionBegin;
  PetscCall(MatAssembled(ctx->Gu, &assembled));
  PetscCall(PetscObjectTypeCompareAny((PetscObject)ctx->Gu, &aij, MATSEQAIJ, MATMPIAIJ, ""));
  PetscCheck(assembled && aij, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONGSTATE,
             "The pattern of G_u must be an assembled matrix of type AIJ; preallocate it, set its entries (zeros will "
             "do) and assemble it, or give DiniSetFixedPointJacobian() a callback");
  PetscCall(VecDuplicate(dini->u, &ctx->color));
  PetscCall(DiniColorColumns(dini, ctx->Gu, ctx->color, &ctx->ncolors));
  PetscCall(MatDuplicate(ctx->Gu, MAT_DO_NOT_COPY_VALUES, &ctx->colors));
  PetscCall(DiniSetRows(ctx->Gu, NULL, dini->n, ctx->colors));
  PetscCall(MatDiagonalScale(ctx->colors, NULL, ctx->color));
  PetscCall(PetscInfo(dini, "G_u: %" PetscInt_FMT " columns in %" PetscInt_FMT " colours\n", dini->N, ctx->ncolors));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* h: steps by the rule of central differences; inverse: 1 / 2 h */
static PetscErrorCode DiniSteps(Dini dini, Vec h, Vec inverse)
{
  PetscReal          largest;
  const PetscScalar *u;
  PetscScalar       *a, *b;

  PetscFunctionBegin;
  PetscCall(DiniNormMax_Private(dini->u, &largest));
  PetscCall(VecGetArrayRead(dini->u, &u));
  PetscCall(VecGetArray(h, &a));
  PetscCall(VecGetArray(inverse, &b));
  for (PetscInt j = 0; j < dini->n; j++) {
    const PetscReal size = largest > 0.0 ? PetscMax(PetscAbsScalar(u[j]), 0.1 * largest) : 1.0;

    a[j] = PetscPowReal(PETSC_MACHINE_EPSILON, 1.0 / 3.0) * size;
    b[j] = 0.5 / a[j];
  }
  PetscCall(VecRestoreArray(inverse, &b));
  PetscCall(VecRestoreArray(h, &a));
  PetscCall(VecRestoreArrayRead(dini->u, &u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* values = G(u + d) - G(u - d), d the steps h of the columns of one colour */
static PetscErrorCode DiniColorDifference(Dini dini, PetscInt color, Vec h, Vec d, Vec G[2], PetscScalar values[])
{
  Dini_FixedPoint   *ctx = (Dini_FixedPoint *)dini->data;
  const PetscScalar *c, *a;
  PetscScalar       *b;

  PetscFunctionBegin;
  for (int side = 0; side < 2; side++) {
    PetscCall(VecCopy(dini->u, d));
    PetscCall(VecGetArrayRead(ctx->color, &c));
    PetscCall(VecGetArrayRead(h, &a));
    PetscCall(VecGetArray(d, &b));
    for (PetscInt j = 0; j < dini->n; j++)
      if ((PetscInt)(PetscRealPart(c[j]) + 0.5) == color + 1) b[j] += side ? -a[j] : a[j];
    PetscCall(VecRestoreArray(d, &b));
    PetscCall(VecRestoreArrayRead(h, &a));
    PetscCall(VecRestoreArrayRead(ctx->color, &c));
    dini->stats.residuals++;
    PetscCall(DiniFixedPointMap_Private(dini, d, G[side]));
    PetscCall(
        DiniCheckFinite_Private(dini, G[side], "The map G (DiniSetFixedPoint()), shifted for a difference,", NULL));
  }
  PetscCall(VecAXPY(G[0], -1.0, G[1]));
  PetscCall(VecGetArrayRead(G[0], &a));
  PetscCall(PetscArraycpy(values, a, dini->n));
  PetscCall(VecRestoreArrayRead(G[0], &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniFixedPointColor_Private(Dini dini)
{
  Dini_FixedPoint *ctx = (Dini_FixedPoint *)dini->data;
  Vec              work[5]; /* steps, their inverses, the shifted state, two values of G */
  PetscScalar     *values;
  PetscErrorCode   failed = PETSC_SUCCESS;

  PetscFunctionBegin;
  if (!ctx->colors) PetscCall(DiniCreateColors(dini));
  PetscCall(PetscMalloc1(ctx->ncolors * dini->n, &values));
  for (int i = 0; i < 5; i++) PetscCall(VecDuplicate(dini->u, &work[i]));
  PetscCall(DiniSteps(dini, work[0], work[1]));
  for (PetscInt q = 0; q < ctx->ncolors && !failed; q++)
    failed = DiniColorDifference(dini, q, work[0], work[2], work + 3, values + (size_t)q * (size_t)dini->n);
  if (!failed) failed = DiniSetRows(ctx->colors, values, dini->n, ctx->Gu);
  if (!failed) failed = MatDiagonalScale(ctx->Gu, NULL, work[1]);
  for (int i = 0; i < 5; i++) PetscCall(VecDestroy(&work[i]));
  PetscCall(PetscFree(values));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}
