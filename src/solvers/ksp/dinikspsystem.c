/* Type ksp: the system A u = b at the current parameters, and whether it still is the one that the point belongs to. */
#include "../../private/dinikspimpl.h"

static PetscErrorCode DiniAssemble_KSP(Dini dini, Mat A, Mat P, Vec b)
{
  Dini_KSP *ctx = (Dini_KSP *)dini->data;

  PetscFunctionBegin;
  DiniCallUser(dini, "The assembly callback (DiniSetLinearSystem())",
               (*ctx->assemble)(dini, A, P, b, ctx->assemblectx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- Has anyone written into the system since? ---- */

static PetscErrorCode DiniRemember_KSP(Dini dini)
{
  Dini_KSP *ctx = (Dini_KSP *)dini->data;
  Mat       A;

  PetscFunctionBegin;
  PetscCall(KSPGetOperators(ctx->ksp, &A, NULL));
  PetscCall(PetscObjectGetId((PetscObject)A, &ctx->Aid));
  PetscCall(DiniMatStamp_Private(A, &ctx->Astate));
  PetscCall(PetscObjectStateGet((PetscObject)ctx->b, &ctx->bstate));
  if (!ctx->bpoint) PetscCall(VecDuplicate(ctx->b, &ctx->bpoint));
  PetscCall(VecCopy(ctx->b, ctx->bpoint));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A new point: the system is the one that u belongs to. It ends that of DiniMatSolve(), but for the points of its columns. */
PetscErrorCode DiniPoint_KSP(Dini dini)
{
  Dini_KSP *ctx = (Dini_KSP *)dini->data;

  PetscFunctionBegin;
  PetscCall(DiniRemember_KSP(dini));
  if (!ctx->column || dini->u != ctx->column) {
    ctx->rnorm = dini->fnorm;
    PetscCall(MatDestroy(&ctx->U));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniMatrixTouched_KSP(Dini dini, PetscBool *touched)
{
  Dini_KSP        *ctx = (Dini_KSP *)dini->data;
  Mat              A;
  PetscObjectId    id;
  PetscObjectState state;

  PetscFunctionBegin;
  PetscCall(KSPGetOperators(ctx->ksp, &A, NULL));
  PetscCall(PetscObjectGetId((PetscObject)A, &id));
  PetscCall(DiniMatStamp_Private(A, &state));
  *touched = (PetscBool)(id != ctx->Aid || state != ctx->Astate);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Before a solve: A may have been written to past PETSc, whose preconditioners look at its state alone */
PetscErrorCode DiniRaw_KSP(Dini dini)
{
  Dini_KSP *ctx = (Dini_KSP *)dini->data;
  PetscBool mine, any;
  Mat       A;

  PetscFunctionBegin;
  if (ctx->assemble || !ctx->Aid) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniMatrixTouched_KSP(dini, &mine));
  PetscCall(MPIU_Allreduce(&mine, &any, 1, DINI_MPI_BOOL, MPI_LOR, PetscObjectComm((PetscObject)dini)));
  PetscCall(KSPGetOperators(ctx->ksp, &A, NULL));
  if (any) PetscCall(PetscObjectStateIncrease((PetscObject)A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Local answers for A and b. A right-hand side that is a parameter is looked after as such. */
PetscErrorCode DiniTouched_KSP(Dini dini, PetscBool touched[2])
{
  Dini_KSP        *ctx = (Dini_KSP *)dini->data;
  PetscObjectState state;
  PetscInt         n;
  Vec              m;

  PetscFunctionBegin;
  PetscCall(DiniMatrixTouched_KSP(dini, &touched[0]));
  PetscCall(PetscObjectStateGet((PetscObject)ctx->b, &state));
  touched[1] = (PetscBool)(state != ctx->bstate);
  if (!touched[1] && ctx->bpoint) PetscCall(DiniVecDiffers_Private(ctx->b, ctx->bpoint, PETSC_FALSE, &touched[1]));
  PetscCall(DiniGetNumberParameters(dini, &n));
  for (PetscInt p = 0; p < n && touched[1]; p++) {
    PetscCall(DiniGetParameter(dini, p, NULL, &m));
    if (m == ctx->b) touched[1] = PETSC_FALSE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Someone has written into A or b, or has put another A in its place. Where u solves the present system as well as it solved
  the one before, derivatives are those of the present one, which is assembled again where there is a callback: u = 0 solves
  A u = 0 for any A. Else they would belong to a system that is gone.
*/
PetscErrorCode DiniRecheck_KSP(Dini dini, const PetscBool touched[2])
{
  Dini_KSP       *ctx    = (Dini_KSP *)dini->data;
  const PetscReal before = ctx->rnorm;
  PetscReal       now, scale;
  Mat             A;

  PetscFunctionBegin;
  PetscCall(KSPGetOperators(ctx->ksp, &A, NULL));
  if (touched[0]) PetscCall(PetscObjectStateIncrease((PetscObject)A)); /* where it went past PETSc */
  PetscCall(DiniResidual_Private(dini, dini->u, dini->w[0], &now));
  PetscCall(VecSet(dini->r, 0.0));
  PetscCall(DiniResidual_Private(dini, dini->r, dini->w[0], &scale)); /* |b|, or |A^H b| */
  if (PetscIsInfOrNanReal(scale)) scale = 0.0;
  PetscCheck(now <= 2.0 * before + 1e-13 * scale, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONGSTATE,
             "%s of the linear system has been changed since the solve: the residual of u was %g and is %g with the "
             "present one, so u does not belong to it; call DiniSolve() again",
             touched[0] && touched[1] ? "The matrix A and the right-hand side b"
             : touched[0]             ? "The matrix A"
                                      : "The right-hand side b",
             (double)before, (double)now);
  if (touched[0] || ctx->leastsquares) { /* J, F_m and the factorisation are those of other values */
    PetscCall(DiniParameterForget_Private(dini));
    dini->stage         = DINI_STAGE_SOLVED;
    dini->hessian.point = 0; /* its lambda, too */
  }
  dini->hasF = PETSC_FALSE;
  if (ctx->assemble) ctx->stamp = 0;
  if (ctx->assemble) PetscCall(DiniAssembleOwn_KSP(dini));
  PetscCall(DiniRemember_KSP(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- The system at the current parameters ---- */

PetscErrorCode DiniAssembleOwn_KSP(Dini dini)
{
  Dini_KSP *ctx = (Dini_KSP *)dini->data;
  Mat       A, P;

  PetscFunctionBegin;
  if (!ctx->assemble || ctx->stamp == dini->mstamp) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(KSPGetOperators(ctx->ksp, &A, &P));
  PetscCall(DiniAssemble_KSP(dini, A, P, ctx->b));
  PetscCall(DiniFilled_Private(A));
  ctx->stamp = dini->mstamp;
  PetscCall(DiniRemember_KSP(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Matrices that keep what they know in a context, or refer to other ones, have no copies that are theirs: the callback is handed
  the KSP's own beside the point as well, and called again at the point.
*/
static PetscErrorCode DiniCopies_KSP(Dini dini, Mat A, Mat P, PetscBool *all)
{
  PetscBool mine, other;

  PetscFunctionBegin;
  PetscCall(DiniMatCopies_Private(A, &mine));
  PetscCall(DiniMatCopies_Private(P, &other));
  mine = (PetscBool)(mine && other);
  PetscCall(MPIU_Allreduce(&mine, all, 1, DINI_MPI_BOOL, MPI_LAND, PetscObjectComm((PetscObject)dini)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniRenew_KSP(Dini dini)
{
  Dini_KSP *ctx = (Dini_KSP *)dini->data;

  PetscFunctionBegin;
  ctx->renew = (PetscBool)(ctx->assemble && dini->nparams && !dini->residual);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniHome_KSP(Dini dini, PetscBool *moved)
{
  Dini_KSP *ctx = (Dini_KSP *)dini->data;

  PetscFunctionBegin;
  *moved = (PetscBool)(ctx->inplace && ctx->stamp != dini->mstamp);
  if (*moved) PetscCall(DiniAssembleOwn_KSP(dini));
  if (dini->mstamp == dini->mpoint) ctx->inplace = PETSC_FALSE; /* else it is not back yet */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Copies with the values and the pattern of the KSP's own: a callback may leave alone what does not hang on m. */
static PetscErrorCode DiniCopySystem_KSP(Dini dini, Mat A, Mat P)
{
  Dini_KSP        *ctx = (Dini_KSP *)dini->data;
  PetscObjectId    id;
  PetscObjectState pattern;
  PetscBool        has, mine, same;

  PetscFunctionBegin;
  PetscCall(PetscObjectGetId((PetscObject)A, &id));
  PetscCall(MatGetNonzeroState(A, &pattern));
  PetscCall(MatHasOperation(A, MATOP_COPY, &has));
  mine = (PetscBool)(ctx->A && has && (ctx->P == ctx->A) == (P == A) && id == ctx->copiedid &&
                     pattern == ctx->copiedpattern);
  PetscCall(MPIU_Allreduce(&mine, &same, 1, DINI_MPI_BOOL, MPI_LAND, PetscObjectComm((PetscObject)dini)));
  if (same) {
    PetscCall(DiniMatCopy_Private(A, ctx->A, SAME_NONZERO_PATTERN));
    if (P != A) PetscCall(DiniMatCopy_Private(P, ctx->P, DIFFERENT_NONZERO_PATTERN));
  } else {
    PetscCall(MatDestroy(&ctx->A));
    PetscCall(MatDestroy(&ctx->P));
    PetscCall(MatDuplicate(A, MAT_COPY_VALUES, &ctx->A));
    if (P == A) {
      PetscCall(PetscObjectReference((PetscObject)ctx->A));
      ctx->P = ctx->A;
    } else PetscCall(MatDuplicate(P, MAT_COPY_VALUES, &ctx->P));
    ctx->copiedid      = id;
    ctx->copiedpattern = pattern;
  }
  if (!ctx->bcopy) PetscCall(VecDuplicate(ctx->b, &ctx->bcopy));
  PetscCall(VecCopy(ctx->b, ctx->bcopy));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniCurrentSystem_KSP(Dini dini, Mat *A, Vec *b)
{
  Dini_KSP *ctx = (Dini_KSP *)dini->data;
  PetscBool copies;
  Mat       P;

  PetscFunctionBegin;
  PetscCall(KSPGetOperators(ctx->ksp, A, &P));
  *b = ctx->b;
  if (ctx->assemble && !ctx->stamp) PetscCall(DiniAssembleOwn_KSP(dini)); /* attach: no solve has assembled it */
  if (ctx->assemble && (ctx->stamp != dini->mstamp || ctx->renew)) {
    PetscCall(DiniCopies_KSP(dini, *A, P, &copies));
    if (ctx->renew) ctx->copystamp = 0;
    if (ctx->renew && !copies) ctx->stamp = 0;
    ctx->renew = PETSC_FALSE;
    if (!copies) {
      ctx->inplace = PETSC_TRUE;
      PetscCall(DiniAssembleOwn_KSP(dini));
      PetscFunctionReturn(PETSC_SUCCESS);
    }
    if (!ctx->A || ctx->copystamp != dini->mstamp) {
      ctx->copystamp = 0;
      PetscCall(DiniCopySystem_KSP(dini, *A, P));
      PetscCall(DiniAssemble_KSP(dini, ctx->A, ctx->P, ctx->bcopy));
    }
    ctx->copystamp = dini->mstamp;
    *A             = ctx->A;
    *b             = ctx->bcopy;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A at the parameters that are set: the KSP's own at the point, a copy beside it */
PetscErrorCode DiniBeside_KSP(Dini dini, Mat *J)
{
  Vec b;

  PetscFunctionBegin;
  PetscCall(DiniCurrentSystem_KSP(dini, J, &b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const DiniSystemOps DiniSystem_KSP = {
    .beside = DiniBeside_KSP, .touched = DiniTouched_KSP, .recheck = DiniRecheck_KSP, .renew = DiniRenew_KSP};
