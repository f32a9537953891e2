/* The derivative actions on blocks of columns: checks here, formulas in src/rules. */
#include "../private/diniimpl.h"

/* Two dense matrices with as many columns each */
PetscErrorCode DiniCheckColumns_Private(Dini dini, Mat X, Mat Y, const char what[], PetscInt *n)
{
  PetscInt  ny;
  PetscBool xdense, ydense;

  PetscFunctionBegin;
  PetscCheck(X && Y, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_NULL, "%s needs two dense matrices", what);
  PetscCall(DiniCheckComm_Private(dini, (PetscObject)X, what));
  PetscCall(DiniCheckComm_Private(dini, (PetscObject)Y, what));
  PetscCall(PetscObjectTypeCompareAny((PetscObject)X, &xdense, MATSEQDENSE, MATMPIDENSE, ""));
  PetscCall(PetscObjectTypeCompareAny((PetscObject)Y, &ydense, MATSEQDENSE, MATMPIDENSE, ""));
  PetscCheck(X != Y, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_IDN,
             "%s does not work in place: directions and results must be different matrices", what);
  PetscCheck(xdense && ydense, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
             "%s takes dense matrices, created with MatCreateDense()", what);
  PetscCall(MatGetSize(X, NULL, n));
  PetscCall(MatGetSize(Y, NULL, &ny));
  PetscCheck(*n == ny, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_SIZ,
             "%s got %" PetscInt_FMT " directions and room for %" PetscInt_FMT " results", what, *n, ny);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The error of tangents S with J S = R, or of gradients Y with J^H S = R, by the first column that is not zero */
static PetscErrorCode DiniEstimateColumns(Dini dini, DiniDirection direction, Mat R, Mat S, Mat X, Mat Y,
                                          PetscInt first)
{
  const PetscBool own    = (PetscBool)(direction == DINI_TANGENT ? dini->ops->jvp != NULL : dini->ops->vjp != NULL);
  DiniObjective  *all    = dini->cotangents;
  PetscErrorCode  failed = PETSC_SUCCESS;
  PetscReal       norm   = 0.0;
  PetscInt        n, j;
  Vec             b, x, y;

  PetscFunctionBegin;
  if (own) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatGetSize(R, NULL, &n));
  PetscCall(VecDuplicate(dini->u, &b));
  PetscCall(VecDuplicate(dini->u, &x));
  for (j = 0; j < n && norm == 0.0 && !failed; j++) {
    failed = DiniGetColumn_Private(R, j, b);
    if (!failed) failed = DiniNorm_Private(b, &norm);
    if (!failed && norm > 0.0) failed = DiniGetColumn_Private(S, j, direction == DINI_TANGENT ? x : dini->lambda);
  }
  if (!failed && norm > 0.0) {
    dini->lastnorm = norm;
    dini->lastunit = DiniUnit_Private(norm);
  }
  if (!failed && norm > 0.0 && direction == DINI_TANGENT)
    failed = DiniEstimateTangentColumn_Private(dini, X, first + j - 1, b, x);
  else if (!failed && norm > 0.0 && dini->lastunit == 1.0) {
    PetscCall(MatDenseGetColumnVecRead(Y, first + j - 1, &y));
    if (all) dini->cotangents = &all[first + j - 1];
    failed           = DiniEstimateGradient_Private(dini, b, y);
    dini->cotangents = all;
    PetscCall(MatDenseRestoreColumnVecRead(Y, first + j - 1, &y));
  }
  PetscCall(VecDestroy(&b));
  PetscCall(VecDestroy(&x));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  DiniDirection       direction;
  PetscBool           conj; /* the plain transpose */
  Mat                 X, Y;
  PetscBool           good;
  DiniConvergedReason all; /* of the first block that has failed, where one has */
} DiniColumnsCall;

/* The columns of X and Y have the layouts of what is handed in and out */
static PetscErrorCode DiniCheckColumnLayouts(Dini dini, const DiniColumnsCall *call, PetscInt first)
{
  const PetscBool tangent = (PetscBool)(call->direction == DINI_TANGENT);
  Vec             x, y;
  PetscErrorCode  failed;

  PetscFunctionBegin;
  PetscCall(MatDenseGetColumnVecRead(call->X, first, &x));
  PetscCall(MatDenseGetColumnVecWrite(call->Y, first, &y));
  failed = tangent ? DiniCheckFlat_Private(dini, x, "The direction dm")
                   : DiniCheckLayout_Private(dini, x, dini->n, dini->N, "The cotangent ubar", "the state u");
  if (!failed)
    failed = tangent ? DiniCheckLayout_Private(dini, y, dini->n, dini->N, "The result du", "the state u")
                     : DiniCheckFlat_Private(dini, y, "The result mbar");
  PetscCall(MatDenseRestoreColumnVecWrite(call->Y, first, &y));
  PetscCall(MatDenseRestoreColumnVecRead(call->X, first, &x));
  PetscCall(failed); /* with the matrices given back: they are the application's */
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniApplyBlock(Dini dini, PetscInt first, PetscInt count, Mat R, Mat S, void *ctx)
{
  DiniColumnsCall *call  = (DiniColumnsCall *)ctx;
  const DiniBlock  block = {.in = call->X, .out = call->Y, .R = R, .X = S, .first = first, .count = count};
  PetscBool        good;

  PetscFunctionBegin;
  PetscCall(DiniCheckColumnLayouts(dini, call, first));
  if (call->direction == DINI_TANGENT) PetscCall(DiniRuleMatJVP_Private(dini, &block, &good));
  else PetscCall(DiniRuleMatVJP_Private(dini, call->conj, &block, &good));
  if (good) PetscCall(DiniEstimateColumns(dini, call->direction, R, S, call->X, call->Y, first));
  else call->good = PETSC_FALSE;
  if (call->all >= 0) call->all = dini->reason;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Y = (du/dm) X for the tangent; Y = (du/dm)^H X or (du/dm)^T X, by type, for the adjoint */
static PetscErrorCode DiniApplyColumns(Dini dini, DiniDirection direction, DiniAdjointType type, Mat X, Mat Y,
                                       const char what[], PetscBool *good)
{
  DiniColumnsCall call = {direction, DiniConjugates_Private(type), X, Y, PETSC_TRUE, DINI_CONVERGED_ITERATING};
  PetscInt        n;

  PetscFunctionBegin;
  PetscCall(DiniLinearize_Private(dini));
  PetscCall(DiniCheckColumns_Private(dini, X, Y, what, &n));
  if (direction == DINI_ADJOINT) PetscCall(DiniDetermines_Private(dini));
  PetscCall(DiniEachBlock_Private(dini, n, DiniApplyBlock, &call));
  if (n) dini->reason = call.all;
  *good = call.good;
  PetscCall(MatAssemblyBegin(Y, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(Y, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniMatVJP_Private(Dini dini, DiniAdjointType type, Mat Ubar, Mat Mbar, PetscBool *good)
{
  PetscFunctionBegin;
  *good = PETSC_FALSE;
  PetscCall(DiniCheckRequested_Private(dini));
  DiniServe(dini, "DiniMatVJP()", DINI_DOOR_DERIVATIVES,
            DiniApplyColumns(dini, DINI_ADJOINT, type, Ubar, Mbar, "DiniMatVJP()", good));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Applies the derivative to many directions: dU = (du/dm) dM, solved together where there is a factorisation.
  @level{intermediate}

  Collective. Directions that are zero cost nothing, equal and parallel ones a product. Options: `-dini_block_size`.

  @param[in]  dini the Dini, after DiniSolve() or DiniAttach()
  @param[in]  dM   dense matrix, rows laid out as a flat parameter vector
  @param[out] dU   dense matrix, rows laid out as the state, as many columns as dM
  @return 0 or a PETSc error code, see DiniJVP()
*/
PetscErrorCode DiniMatJVP(Dini dini, Mat dM, Mat dU)
{
  PetscBool good;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniCheckRequested_Private(dini));
  DiniServe(dini, "DiniMatJVP()", DINI_DOOR_DERIVATIVES,
            DiniApplyColumns(dini, DINI_TANGENT, dini->adjointtype, dM, dU, "DiniMatJVP()", &good));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Applies the adjoint of the derivative to many cotangents: Mbar = (du/dm)^H Ubar, solved together where there is a
  factorisation.
  @level{intermediate}

  Collective. Cotangents that are zero cost nothing, equal and parallel ones a product. Options: `-dini_block_size`.

  @param[in]  dini the Dini, after DiniSolve() or DiniAttach()
  @param[in]  Ubar dense matrix, rows laid out as the state
  @param[out] Mbar dense matrix, rows laid out as a flat parameter vector, as many columns as Ubar
  @return 0 or a PETSc error code, see DiniVJP()
*/
PetscErrorCode DiniMatVJP(Dini dini, Mat Ubar, Mat Mbar)
{
  PetscBool good;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniMatVJP_Private(dini, dini->adjointtype, Ubar, Mbar, &good));
  PetscFunctionReturn(PETSC_SUCCESS);
}
