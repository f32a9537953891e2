/* The derivative of one state of a chain by an earlier one, as a Mat: windows, Floquet multipliers, optimal perturbations, 4D-Var. */
#include "../private/dinichainimpl.h"

typedef struct {
  Dini       dini; /* the chain, referenced */
  PetscInt   from, to;
  PetscInt64 point, relation; /* where it belongs */
} DiniPropagator;

/* The states of the chain at the point; what it is marched at since is another chain's */
static PetscErrorCode DiniPropagatorThere(const DiniPropagator *p, Dini_Chain *ctx, DiniTrajectory **along)
{
  Dini      dini = p->dini;
  PetscBool converged;

  PetscFunctionBegin;
  PetscCall(DiniLinearize_Private(dini));
  PetscCheck(p->relation == dini->relation && p->point == dini->point, PetscObjectComm((PetscObject)dini),
             PETSC_ERR_ARG_WRONGSTATE,
             "%s: The chain has been solved again, reset or changed since this propagator was created; call "
             "DiniCreatePropagator() again",
             DiniLabel_Private(dini));
  PetscCall(DiniChainFind_Private(dini, ctx, along, &converged));
  PetscCheck(converged && *along == &ctx->trajectory[0], PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONGSTATE,
             "%s: The initial state of the chain, or a parameter of its step, has been changed since the solve; call "
             "DiniSolve() again",
             DiniLabel_Private(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* w[1] = A_to ... A_from x with A_n = du_{n+1}/du_n, or its adjoint */
static PetscErrorCode DiniPropagatorSteps(const DiniPropagator *p, Dini_Chain *ctx, DiniTrajectory *along,
                                          PetscBool adjoint, Vec x)
{
  Dini      dini = p->dini, step = ctx->step;
  PetscBool good = PETSC_TRUE;
  Vec       v    = ctx->pending[0];

  PetscFunctionBegin;
  PetscCall(VecCopy(x, v));
  PetscCall(VecSet(ctx->bar, 0.0));
  for (PetscInt k = p->from; k < p->to; k++) {
    const PetscInt n = adjoint ? p->from + p->to - 1 - k : k;

    PetscCall(PetscObjectStateIncrease((PetscObject)v));
    PetscCall(DiniChainAttach_Private(dini, ctx, &along->u[n], n, along->u[n + 1]));
    if (adjoint) {
      PetscCall(DiniVJP_Private(step, DINI_ADJOINT_HERMITIAN, v, ctx->bar, &good));
      PetscCall(VecSet(v, 0.0));
      PetscCall(DiniChainAdd_Private(ctx, ctx->previous[0], ctx->bar, v));
    } else {
      PetscCall(DiniChainPut_Private(ctx, ctx->previous[0], v, ctx->bar));
      PetscCall(DiniJVP_Private(step, ctx->bar, ctx->w[1], &good));
      PetscCall(VecCopy(ctx->w[1], v));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniPropagatorApply_Call(const DiniPropagator *p, PetscBool adjoint, Vec x, Vec y)
{
  Dini            dini = p->dini;
  Dini_Chain     *ctx;
  DiniTrajectory *along;
  PetscBool       erroriffail;
  PetscErrorCode  failed;

  PetscFunctionBegin;
  PetscCall(DiniChainGet_Private(dini, "A propagator", &ctx));
  PetscCall(DiniPropagatorThere(p, ctx, &along));
  PetscCall(DiniCheckState_Private(dini, x, "What the propagator is applied to"));
  PetscCall(DiniCheckFinite_Private(dini, x, "What the propagator is applied to", NULL));
  PetscCall(DiniChainOpen_Private(dini, ctx));
  erroriffail = ctx->step->erroriffail;
  PetscCall(DiniSetErrorIfNotConverged(ctx->step, PETSC_TRUE));
  failed = DiniPropagatorSteps(p, ctx, along, adjoint, x);
  PetscCall(DiniSetErrorIfNotConverged(ctx->step, erroriffail));
  PetscCall(failed);
  PetscCall(VecCopy(ctx->pending[0], y));
  PetscCall(PetscObjectStateIncrease((PetscObject)y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniPropagatorApply(const DiniPropagator *p, PetscBool adjoint, Vec x, Vec y)
{
  PetscFunctionBegin;
  DiniServe(p->dini, "A propagator's product", DINI_DOOR_DERIVATIVES, DiniPropagatorApply_Call(p, adjoint, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniPropagatorMult(void *ctx, Vec x, Vec y)
{
  return DiniPropagatorApply((DiniPropagator *)ctx, PETSC_FALSE, x, y);
}

static PetscErrorCode DiniPropagatorMultTranspose(void *ctx, Vec x, Vec y)
{
  Vec w;

  PetscFunctionBegin;
  PetscCall(VecDuplicate(x, &w));
  PetscCall(VecCopy(x, w));
  PetscCall(VecConjugate(w));
  PetscCall(DiniPropagatorApply((DiniPropagator *)ctx, PETSC_TRUE, w, y));
  PetscCall(VecConjugate(y));
  PetscCall(VecDestroy(&w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Column by column */
static PetscErrorCode DiniPropagatorColumns(void *ctx, Mat X, Mat Y, PetscErrorCode (*mult)(void *, Vec, Vec))
{
  PetscInt n;
  Vec      x, y;

  PetscFunctionBegin;
  PetscCall(MatGetSize(X, NULL, &n));
  for (PetscInt j = 0; j < n; j++) {
    PetscErrorCode failed;

    PetscCall(MatDenseGetColumnVecRead(X, j, &x));
    PetscCall(MatDenseGetColumnVecWrite(Y, j, &y));
    failed = (*mult)(ctx, x, y);
    PetscCall(MatDenseRestoreColumnVecWrite(Y, j, &y));
    PetscCall(MatDenseRestoreColumnVecRead(X, j, &x));
    PetscCall(failed);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniPropagatorMatMult(void *ctx, Mat X, Mat Y)
{
  return DiniPropagatorColumns(ctx, X, Y, DiniPropagatorMult);
}

static PetscErrorCode DiniPropagatorTransposeMatMult(void *ctx, Mat X, Mat Y)
{
  return DiniPropagatorColumns(ctx, X, Y, DiniPropagatorMultTranspose);
}

static PetscErrorCode DiniPropagatorDestroy(void *ctx)
{
  DiniPropagator *p = (DiniPropagator *)ctx;

  PetscFunctionBegin;
  PetscCall(DiniDestroy(&p->dini));
  PetscCall(PetscFree(p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const DiniProductOps DiniPropagatorProducts = {.what             = "propagator",
                                                      .again            = "DiniCreatePropagator()",
                                                      .mult             = DiniPropagatorMult,
                                                      .multtranspose    = DiniPropagatorMultTranspose,
                                                      .matmult          = DiniPropagatorMatMult,
                                                      .transposematmult = DiniPropagatorTransposeMatMult,
                                                      .destroy          = DiniPropagatorDestroy};

/**
  @brief Creates the derivative of a state of a chain by an earlier one, du_to/du_from, as a Mat.
  @level{intermediate}

  Collective. The product of the steps' du_{n+1}/du_n, with the parameters fixed: MatMult() marches a tangent along the steps,
  MatMultHermitianTranspose() an adjoint back, one solve a step, each verified. Its eigenvalues over the period of a periodic
  orbit are the Floquet multipliers (EPS), its largest singular value is the growth of the optimal perturbation (SVD). It belongs
  to the present solution.

  @param[in]  dini the Dini, of type DINICHAIN or DINITS, after DiniSolve() or DiniAttach(); steps read one earlier state each, and
                   all states are kept
  @param[in]  from number of the state to begin with, 0 the initial one
  @param[in]  to   number of the state to end with, more than from, N at most
  @param[out] A    rows and columns laid out as the state; references the Dini; the caller destroys it
  @return 0 or a PETSc error code; PETSC_ERR_SUP for steps that read several states, or with checkpoints, PETSC_ERR_ARG_OUTOFRANGE
          for states that are not there. Products raise PETSC_ERR_ARG_WRONGSTATE when the chain has moved on

  @see DiniCreateDerivative(), DiniGetChainLength()
*/
PetscErrorCode DiniCreatePropagator(Dini dini, PetscInt from, PetscInt to, Mat *A)
{
  Dini_Chain     *ctx;
  DiniPropagator *p;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniChainGet_Private(dini, "DiniCreatePropagator()", &ctx));
  PetscCheck(dini->stage != DINI_STAGE_NEW, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "%s: There is no solution whose steps could be propagated along; call DiniSolve() before "
             "DiniCreatePropagator()",
             DiniLabel_Private(dini));
  PetscCheck(ctx->nprevious == 1, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
             "%s: A step reads %" PetscInt_FMT " earlier states, so that none of them determines those that follow; "
             "propagators are for steps that read one",
             DiniLabel_Private(dini), ctx->nprevious);
  PetscCheck(!ctx->slots, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
             "%s: A propagator needs all states, and %" PetscInt_FMT " are kept; call DiniSetCheckpoints() with 0",
             DiniLabel_Private(dini), ctx->slots);
  PetscCheck(from >= 0 && from < to && to <= ctx->trajectory[0].n, PetscObjectComm((PetscObject)dini),
             PETSC_ERR_ARG_OUTOFRANGE,
             "%s: A propagator goes from a state to a later one, among 0 to %" PetscInt_FMT
             ", and not from %" PetscInt_FMT " to %" PetscInt_FMT,
             DiniLabel_Private(dini), ctx->trajectory[0].n, from, to);
  PetscCall(PetscNew(&p));
  *p = (DiniPropagator){.dini = dini, .from = from, .to = to, .point = dini->point, .relation = dini->relation};
  PetscCall(PetscObjectReference((PetscObject)dini));
  PetscCall(DiniProductsCreate_Private((PetscObject)dini, (PetscInt[2]){dini->n, dini->N},
                                       (PetscInt[2]){dini->n, dini->N}, &DiniPropagatorProducts, p, A));
  PetscFunctionReturn(PETSC_SUCCESS);
}
