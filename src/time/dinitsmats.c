/*
  Derivatives of a TS's step by u_{n+1}, u_n, u_{n-1}, ..., of what the application has given to the TS: F_U + shift F_Udot of
  TSSetIJacobian(), which is affine in the shift, and G_U of TSSetRHSJacobian(). They are filled into matrices of Dini's own by the
  callbacks themselves: TSComputeIJacobian() shifts the TS's matrices in place, and remembers for which time it has done so.
*/
#include "../private/dinitsimpl.h"

#define DINI_TS_FAR                                                                                                    \
  1e6 /* shift over that of the step, at which F_Udot is what is left of the matrix but for rounding */

PetscErrorCode DiniTSMatsDestroy_Private(DiniTSMats *mats)
{
  PetscFunctionBegin;
  PetscCall(MatDestroy(&mats->I0));
  PetscCall(MatDestroy(&mats->I1));
  PetscCall(MatDestroy(&mats->G));
  mats->valid = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Can others be made like it, for a callback to fill? */
static PetscErrorCode DiniTSServes(Mat A, PetscBool *serves)
{
  PetscFunctionBegin;
  *serves = PETSC_FALSE;
  if (!A) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatAssembled(A, serves));
  if (*serves) PetscCall(DiniMatCopies_Private(A, serves));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the application has given, if it can be used: else J stays NULL, and derivatives are differences */
PetscErrorCode DiniTSCallbacks_Private(DiniTS *data)
{
  Mat       A, B, G, Gp;
  PetscBool serves, servesP, aij = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(TSGetIJacobian(data->ts, &A, &B, &data->ijacobian, &data->ijacobianctx));
  PetscCall(TSGetRHSJacobian(data->ts, &G, &Gp, &data->rhsjacobian, &data->rhsjacobianctx));
  if (data->rhsjacobian == TSComputeRHSJacobianConstant) data->Grhs = G, data->Prhs = Gp;
  if (!data->ijacobian && data->rhsjacobian) A = G, B = Gp;
  PetscCall(DiniTSServes(A, &serves));
  PetscCall(DiniTSServes(B, &servesP));
  if (!serves && servesP) A = B; /* products by differences, and P */
  if (!servesP) B = A;
  if (serves || servesP) PetscCall(MatDuplicate(A, MAT_DO_NOT_COPY_VALUES, &data->like));
  if (data->ijacobian == TSComputeIJacobianDefaultColor || data->ijacobian == TSComputeIJacobianConstant ||
      (!data->ijacobian && !data->rhsjacobian) || !(serves || servesP)) {
    if (data->like) PetscCall(PetscObjectBaseTypeCompareAny((PetscObject)data->like, &aij, MATSEQAIJ, MATMPIAIJ, ""));
    if (!aij) PetscCall(MatDestroy(&data->like)); /* no pattern for differences */
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(MatDuplicate(A, MAT_DO_NOT_COPY_VALUES, &data->J));
  if (A != B && !(data->ijacobian && data->rhsjacobian)) PetscCall(MatDuplicate(B, MAT_DO_NOT_COPY_VALUES, &data->P));
  else {
    PetscCall(PetscObjectReference((PetscObject)data->J));
    data->P = data->J;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Has the application given the TS other callbacks since, or another context of theirs? */
PetscErrorCode DiniTSRenewed_Private(DiniTS *data, PetscBool *renewed)
{
  DiniTSIJacobianFn   *ijacobian;
  DiniTSRHSJacobianFn *rhsjacobian;
  void                *ctx[2];

  PetscFunctionBegin;
  PetscCall(TSGetIJacobian(data->ts, NULL, NULL, &ijacobian, &ctx[0]));
  PetscCall(TSGetRHSJacobian(data->ts, NULL, NULL, &rhsjacobian, &ctx[1]));
  *renewed =
      (PetscBool)(ijacobian != data->ijacobian || rhsjacobian != data->rhsjacobian ||
                  (ijacobian && ctx[0] != data->ijacobianctx) || (rhsjacobian && ctx[1] != data->rhsjacobianctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* G = dG/dU at (t, U), and what is to precondition it */
static PetscErrorCode DiniTSFillRHS(DiniTS *data, PetscReal t, Vec U, Mat G, Mat P)
{
  PetscFunctionBegin;
  if (data->Grhs) {
    PetscCall(MatCopy(data->Grhs, G, DIFFERENT_NONZERO_PATTERN));
    if (P != G) PetscCall(MatCopy(data->Prhs, P, DIFFERENT_NONZERO_PATTERN));
  } else PetscCall((*data->rhsjacobian)(data->ts, t, U, G, P, data->rhsjacobianctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of the SNES that solves a step: F_U + shift F_Udot - G_U */
PetscErrorCode DiniTSJacobian_Private(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  DiniTS             *data  = (DiniTS *)ctx;
  const DiniTSScheme *now   = &data->now;
  const PetscReal     shift = now->w / now->a;

  PetscFunctionBegin;
  (void)snes;
  PetscCall(DiniTSStage_Private(data, u));
  if (!data->ijacobian) {
    PetscCall(DiniTSFillRHS(data, now->t, data->U, J, P));
    PetscCall(MatScale(J, -1.0));
    PetscCall(MatShift(J, shift));
    if (P == J) PetscFunctionReturn(PETSC_SUCCESS);
    PetscCall(MatScale(P, -1.0));
    PetscCall(MatShift(P, shift));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall((*data->ijacobian)(data->ts, now->t, data->U, data->Udot, shift, J, P, data->ijacobianctx));
  if (!data->rhsjacobian) PetscFunctionReturn(PETSC_SUCCESS);
  if (!data->stage.G) PetscCall(MatDuplicate(data->like, MAT_DO_NOT_COPY_VALUES, &data->stage.G));
  data->stage.valid = PETSC_FALSE;
  PetscCall(DiniTSFillRHS(data, now->t, data->U, data->stage.G, data->stage.G));
  PetscCall(MatAXPY(J, -1.0, data->stage.G, UNKNOWN_NONZERO_PATTERN));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- By earlier states ---- */

static PetscErrorCode DiniTSFill(Dini step, DiniTS *data, PetscReal t, DiniTSMats *mats, PetscBool mass)
{
  PetscFunctionBegin;
  if (data->ijacobian) {
    mats->far = DINI_TS_FAR * data->now.w / data->now.a;
    if (!mats->I0) PetscCall(MatDuplicate(data->like, MAT_DO_NOT_COPY_VALUES, &mats->I0));
    if (mass && !mats->I1) PetscCall(MatDuplicate(data->like, MAT_DO_NOT_COPY_VALUES, &mats->I1));
    DiniCallUser(step, "The Jacobian callback of the TS",
                 (*data->ijacobian)(data->ts, t, data->U, data->Udot, 0.0, mats->I0, mats->I0, data->ijacobianctx));
    if (mass)
      DiniCallUser(
          step, "The Jacobian callback of the TS",
          (*data->ijacobian)(data->ts, t, data->U, data->Udot, mats->far, mats->I1, mats->I1, data->ijacobianctx));
    PetscCall(DiniFilled_Private(mats->I0));
    if (mass) PetscCall(DiniFilled_Private(mats->I1));
  }
  if (data->rhsjacobian) {
    if (!mats->G) PetscCall(MatDuplicate(data->like, MAT_DO_NOT_COPY_VALUES, &mats->G));
    DiniCallUser(step, "The Jacobian callback of the TS's right-hand side",
                 DiniTSFillRHS(data, t, data->U, mats->G, mats->G));
    PetscCall(DiniFilled_Private(mats->G));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Do the matrices belong to this step, state and parameters, in this call from outside? */
static PetscErrorCode DiniTSStamp(Dini step, const DiniTS *data, Vec u, uint64_t *stamp, PetscBool *same)
{
  PetscBool mine;

  PetscFunctionBegin;
  *stamp = (uint64_t)data->now.n + 1024u * (uint64_t)data->listener->dini->calls;
  PetscCall(DiniVecSum_Private(u, stamp));
  for (PetscInt q = 0; q < step->nparams; q++) PetscCall(DiniVecSum_Private(step->params[q]->m, stamp));
  mine = (PetscBool)(data->stage.valid && data->stage.stamp == *stamp);
  PetscCall(MPIU_Allreduce(&mine, same, 1, DINI_MPI_BOOL, MPI_LAND, PetscObjectComm((PetscObject)step)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniTSUpToDate(Dini step, DiniTS *data, Vec u)
{
  uint64_t  stamp;
  PetscBool same;

  PetscFunctionBegin;
  PetscCall(DiniTSStamp(step, data, u, &stamp, &same));
  if (same) PetscFunctionReturn(PETSC_SUCCESS);
  data->stage.valid = PETSC_FALSE;
  PetscCall(DiniTSStage_Private(data, u));
  PetscCall(DiniTSFill(step, data, data->now.t, &data->stage, PETSC_TRUE));
  if (data->now.gamma != 0.0) {
    PetscCall(VecCopy(data->previous[0], data->U));
    PetscCall(VecZeroEntries(data->Udot));
    PetscCall(PetscObjectStateIncrease((PetscObject)data->U));
    PetscCall(DiniTSFill(step, data, data->now.t0, &data->begin, PETSC_FALSE));
  }
  data->stage.stamp = stamp;
  data->stage.valid = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y += c A x, or its adjoint; nothing without A */
static PetscErrorCode DiniTSAdd(DiniTS *data, Mat A, PetscBool adjoint, PetscReal c, Vec x, Vec y)
{
  PetscFunctionBegin;
  if (!A || c == 0.0) PetscFunctionReturn(PETSC_SUCCESS);
  if (adjoint) PetscCall(MatMultHermitianTranspose(A, x, data->w));
  else PetscCall(MatMult(A, x, data->w));
  PetscCall(VecAXPY(y, c, data->w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniTSProduct(Dini step, Vec u, Vec m, PetscBool adjoint, Vec x, Vec y, DiniTS *data)
{
  const DiniTSScheme *now   = &data->now;
  const DiniTSMats   *stage = &data->stage;
  PetscReal           c, mass;
  PetscInt            k = 0;

  PetscFunctionBegin;
  while (k < DINI_CHAIN_MOST && data->previous[k] != m) k++;
  PetscCheck(k < DINI_CHAIN_MOST, PetscObjectComm((PetscObject)step), PETSC_ERR_PLIB, "no earlier state");
  c    = now->A[k] / now->a;
  mass = now->W[k] / now->a;
  PetscCall(VecSet(y, 0.0));
  if (c == 0.0 && mass == 0.0 && (k || now->gamma == 0.0)) PetscFunctionReturn(PETSC_SUCCESS);
  if (data->ijacobian || c != 0.0 || (!k && now->gamma != 0.0)) PetscCall(DiniTSUpToDate(step, data, u));
  if (data->ijacobian) {
    PetscCall(DiniTSAdd(data, stage->I0, adjoint, c - mass / stage->far, x, y));
    PetscCall(DiniTSAdd(data, stage->I1, adjoint, mass / stage->far, x, y));
  } else PetscCall(VecAXPY(y, mass, x));
  PetscCall(DiniTSAdd(data, stage->G, adjoint, -c, x, y));
  if (k || now->gamma == 0.0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniTSAdd(data, data->begin.I0, adjoint, now->gamma, x, y));
  PetscCall(DiniTSAdd(data, data->begin.G, adjoint, -now->gamma, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniTSApply(Dini step, Vec u, Vec m, Vec x, Vec y, void *ctx)
{
  PetscFunctionBegin;
  PetscCall(DiniTSProduct(step, u, m, PETSC_FALSE, x, y, (DiniTS *)ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniTSApplyAdjoint(Dini step, Vec u, Vec m, Vec x, Vec y, void *ctx)
{
  PetscFunctionBegin;
  PetscCall(DiniTSProduct(step, u, m, PETSC_TRUE, x, y, (DiniTS *)ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Derivatives of the step by earlier states: those of the callbacks, else differences on the pattern of J, or of the mesh */
PetscErrorCode DiniTSBlocks_Private(Dini step, Dini_Chain *ctx)
{
  DiniTS *data = ctx->ts;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < ctx->nprevious; k++) {
    Mat pattern;

    if (data->J) {
      PetscCall(DiniSetParameterOperator(step, ctx->previous[k], DiniTSApply, DiniTSApplyAdjoint, data));
      continue;
    }
    if (!data->like) continue;
    PetscCall(MatDuplicate(data->like, MAT_DO_NOT_COPY_VALUES, &pattern));
    PetscCall(DiniSetParameterType(step, ctx->previous[k], DINIPARAMETERCOLORING));
    PetscCall(DiniSetParameterJacobian(step, ctx->previous[k], pattern, NULL, NULL));
    PetscCall(MatDestroy(&pattern));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
