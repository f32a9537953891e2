/*
  Type ksp: the derivative of U in A(m) U = B with respect to m, A and B. With A^H L = Ubar,

    A dU = dB - dA U - (A_m dm) U,   Bbar = L,   Abar = -L U^H on a pattern,   mbar = -sum_k (A_m . u_k)^H l_k.

  B is given, so of F(u, m) = A(m) u - b(m) only A counts: (A_m dm) u = F_m(u) dm - F_m(0) dm.
*/
#include "../../private/dinikspimpl.h"
#include <math.h>

/* Makes column k of U, or zero for k < 0, the point at which F_m is taken. J is the same at each. */
static PetscErrorCode DiniAtColumn_KSP(Dini dini, PetscInt k)
{
  Dini_KSP *ctx = (Dini_KSP *)dini->data;

  PetscFunctionBegin;
  if (k < 0) PetscCall(VecSet(ctx->column, 0.0));
  else PetscCall(DiniGetColumn_Private(ctx->U, k, ctx->column));
  PetscCall(DiniSetPoint_Private(dini, ctx->column));
  dini->promise = PETSC_MAX_REAL; /* of A u = b with another b; each column has been verified */
  if (ctx->linearized) dini->stage = DINI_STAGE_LINEARIZED;
  else {
    PetscErrorCode failed;

    dini->closed++; /* to monitors: the point is a column's */
    failed = DiniLinearize_Private(dini);
    dini->closed--;
    if (failed) dini->stage = DINI_STAGE_NEW;
    PetscCall(failed);
  }
  ctx->linearized = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Refuses derivatives where U, m or A is no longer that of the solve, and linearizes at the first of them. */
static PetscErrorCode DiniBlockReady_KSP(Dini dini, const char what[])
{
  Dini_KSP        *ctx;
  PetscObjectState state;
  PetscBool        mine[2], any[2];

  PetscFunctionBegin;
  PetscCall(DiniNeedLinear_KSP(dini, what));
  ctx = (Dini_KSP *)dini->data;
  PetscCheck(ctx->U && ctx->nparams == dini->nparams, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "There is no solution of A U = B to differentiate at; call DiniMatSolve() first, again after DiniSolve(), "
             "DiniAttach() or a change of the problem");
  PetscCall(DiniMatStamp_Private(ctx->U, &state));
  mine[0] = (PetscBool)(state != ctx->Ustate);
  PetscCall(DiniMatrixTouched_KSP(dini, &mine[1]));
  PetscCall(MPIU_Allreduce(mine, any, 2, DINI_MPI_BOOL, MPI_LOR, PetscObjectComm((PetscObject)dini)));
  PetscCheck(
      !any[0] && !any[1], PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONGSTATE,
      "The matrix %s has been written to since DiniMatSolve(), so derivatives of its solution are no longer known; "
      "call it again",
      any[0] ? "U of solutions" : "A");
  PetscCall(DiniParameterUnchanged_Private(dini));
  PetscCall(DiniAtColumn_KSP(dini, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = (A_m dm) u at the point, from c = F_m(0) dm */
static PetscErrorCode DiniApplyParameters_KSP(Dini dini, Vec dm, Vec c, Vec y)
{
  PetscBool zero;

  PetscFunctionBegin;
  PetscCall(DiniParameterApply_Private(dini, dm, y, &zero));
  PetscCall(VecAXPY(y, -1.0, c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A derivative under way, and its work */
typedef struct {
  Mat        dA, dB, dU; /* of a JVP */
  Vec        dm;
  Mat        Ubar, Abar, Bbar; /* of a VJP */
  Vec        mbar;
  PetscBool  conj; /* the plain transpose */
  PetscBool  all;  /* columns are good so far */
  Mat        outer;
  Vec        lambda, sum, t;
  PetscBool *good;
} DiniBlockWork;

static PetscErrorCode DiniBlockWorkDestroy_KSP(DiniBlockWork *w)
{
  PetscFunctionBegin;
  PetscCall(MatDestroy(&w->outer));
  PetscCall(VecDestroy(&w->lambda));
  PetscCall(VecDestroy(&w->sum));
  PetscCall(VecDestroy(&w->t));
  PetscCall(PetscFree(w->good));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniTangentBlock_KSP(Dini dini, PetscInt first, PetscInt count, Mat R, Mat X, void *work)
{
  Dini_KSP      *ctx = (Dini_KSP *)dini->data;
  DiniBlockWork *w   = (DiniBlockWork *)work;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < count; k++) {
    PetscCall(DiniAtColumn_KSP(dini, first + k));
    if (w->dm) PetscCall(DiniApplyParameters_KSP(dini, w->dm, w->sum, dini->r));
    else PetscCall(VecSet(dini->r, 0.0));
    if (w->dA) {
      PetscCall(MatMult(w->dA, ctx->column, w->t));
      PetscCall(VecAXPY(dini->r, 1.0, w->t));
    }
    PetscCall(VecScale(dini->r, -1.0));
    if (w->dB) {
      PetscCall(DiniGetColumn_Private(w->dB, first + k, w->t));
      PetscCall(VecAXPY(dini->r, 1.0, w->t));
    }
    PetscCall(DiniSetColumn_Private(R, k, PETSC_FALSE, dini->r));
  }
  PetscCall(DiniLinearMatSolve_Private(dini, DINI_TANGENT, R, X, w->good));
  for (PetscInt k = 0; k < count; k++) { /* what has failed is NaN already */
    PetscCall(DiniGetColumn_Private(X, k, w->t));
    PetscCall(DiniSetColumn_Private(w->dU, first + k, PETSC_FALSE, w->t));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniBlockJVP_KSP(Dini dini, DiniBlockWork *w)
{
  Dini_KSP *ctx = (Dini_KSP *)dini->data;
  PetscInt  n;
  PetscBool zero;

  PetscFunctionBegin;
  PetscCall(MatGetSize(ctx->U, NULL, &n));
  PetscCall(VecDuplicate(ctx->column, &w->sum));
  PetscCall(VecDuplicate(ctx->column, &w->t));
  PetscCall(PetscMalloc1(n, &w->good));
  if (w->dm) {
    PetscCall(DiniAtColumn_KSP(dini, -1));
    PetscCall(DiniParameterApply_Private(dini, w->dm, w->sum, &zero));
  }
  PetscCall(DiniEachBlock_Private(dini, n, DiniTangentBlock_KSP, w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What one lambda adds to the results */
static PetscErrorCode DiniBlockColumn_KSP(Dini dini, PetscInt k, PetscBool good, DiniBlockWork *w)
{
  Dini_KSP *ctx = (Dini_KSP *)dini->data;

  PetscFunctionBegin;
  PetscCall(DiniAtColumn_KSP(dini, k));
  if (w->Abar) PetscCall(DiniOuter_Private(w->Abar, (PetscBool)(k > 0), &w->outer, -1.0, w->lambda, ctx->column));
  if (!w->mbar) PetscFunctionReturn(PETSC_SUCCESS);
  if (good) { /* a lambda of NaN stays away from the application's code */
    PetscCall(DiniParameterApplyAdjoint_Private(dini, w->lambda, w->t));
    PetscCall(VecAXPY(w->mbar, -1.0, w->t));
  } else PetscCall(VecSet(w->mbar, NAN));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniAdjointBlock_KSP(Dini dini, PetscInt first, PetscInt count, Mat R, Mat X, void *work)
{
  DiniBlockWork *w = (DiniBlockWork *)work;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < count; k++) {
    PetscCall(DiniGetColumn_Private(w->Ubar, first + k, w->lambda));
    PetscCall(DiniSetColumn_Private(R, k, w->conj, w->lambda));
  }
  PetscCall(DiniLinearMatSolve_Private(dini, DINI_ADJOINT, R, X, w->good));
  for (PetscInt k = 0; k < count; k++) {
    PetscCall(DiniGetColumn_Private(X, k, w->lambda));
    if (w->Bbar) PetscCall(DiniSetColumn_Private(w->Bbar, first + k, w->conj, w->lambda));
    PetscCall(DiniBlockColumn_KSP(dini, first + k, w->good[k], w));
    PetscCall(VecAXPY(w->sum, 1.0, w->lambda));
    w->all = (PetscBool)(w->all && w->good[k]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniBlockVJP_KSP(Dini dini, DiniBlockWork *w)
{
  Dini_KSP *ctx = (Dini_KSP *)dini->data;
  PetscInt  n;

  PetscFunctionBegin;
  PetscCall(MatGetSize(ctx->U, NULL, &n));
  PetscCall(VecDuplicate(ctx->column, &w->lambda));
  PetscCall(VecDuplicate(ctx->column, &w->sum));
  PetscCall(VecSet(w->sum, 0.0));
  PetscCall(PetscMalloc1(n, &w->good));
  w->all = PETSC_TRUE;
  if (w->mbar) {
    PetscCall(VecDuplicate(w->mbar, &w->t));
    PetscCall(VecSet(w->mbar, 0.0));
  }
  PetscCall(DiniEachBlock_Private(dini, n, DiniAdjointBlock_KSP, w));
  if (w->mbar && w->all) { /* what b(m) has put into F_m */
    PetscCall(DiniAtColumn_KSP(dini, -1));
    PetscCall(DiniParameterApplyAdjoint_Private(dini, w->sum, w->t));
    PetscCall(VecAXPY(w->mbar, 1.0, w->t));
  }
  if (w->mbar && w->conj) PetscCall(VecConjugate(w->mbar));
  if (w->Abar && w->conj) PetscCall(MatConjugate(w->Abar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniMatSolveJVP_Call(Dini dini, Mat dA, Mat dB, Vec dm, Mat dU)
{
  DiniBlockWork  w = {.dA = dA, .dB = dB, .dm = dm, .dU = dU};
  PetscErrorCode failed;
  PetscInt       n = -1;

  PetscFunctionBegin;
  PetscCall(DiniBlockReady_KSP(dini, "DiniMatSolveJVP()"));
  dini->stage = DINI_STAGE_NEW; /* for DiniJVP() and the rest, this is no point */
  PetscCall(DiniCheckBlock_Private(dini, ((Dini_KSP *)dini->data)->U, "The matrix U of solutions", &n));
  if (dA) PetscCall(DiniCheckMatrix_Private(dini, dA, "The direction dA"));
  if (dB) PetscCall(DiniCheckBlock_Private(dini, dB, "The direction dB", &n));
  if (dm) PetscCall(DiniCheckFlat_Private(dini, dm, "The direction dm"));
  PetscCall(DiniCheckBlock_Private(dini, dU, "The result dU", &n));
  dini->closed++;
  failed = DiniBlockJVP_KSP(dini, &w);
  dini->closed--;
  dini->stage = DINI_STAGE_NEW;
  PetscCall(DiniBlockWorkDestroy_KSP(&w));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Derivative of U in A(m) U = B along changes of A, B and the parameters: A dU = dB - dA U - (A_m dm) U.
  @level{intermediate}

  Collective. One block of tangent solves.

  @param[in]  dini the Dini, after DiniMatSolve()
  @param[in]  dA   change of A beyond that by the parameters, as in DiniMatrixJVP(); NULL for none
  @param[in]  dB   change of B, a dense matrix like it; NULL for none
  @param[in]  dm   direction, a flat parameter vector; NULL for none. F_m is taken at each column of U, and at zero: that is a
                   fill for each
  @param[out] dU   dense matrix like U
  @return 0 or a PETSc error code, see DiniMatrixVJP(); PETSC_ERR_ORDER before DiniMatSolve()

  @see DiniMatSolveVJP()
*/
PetscErrorCode DiniMatSolveJVP(Dini dini, Mat dA, Mat dB, Vec dm, Mat dU)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  DiniServe(dini, "DiniMatSolveJVP()", DINI_DOOR_NEVER, DiniMatSolveJVP_Call(dini, dA, dB, dm, dU));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniMatSolveVJP_Call(Dini dini, Mat Ubar, Mat Abar, Mat Bbar, Vec mbar)
{
  DiniBlockWork  w = {.Ubar = Ubar, .Abar = Abar, .Bbar = Bbar, .mbar = mbar};
  PetscErrorCode failed;
  PetscInt       n = -1;

  PetscFunctionBegin;
  w.conj = (PetscBool)(PetscDefined(USE_COMPLEX) && dini->adjointtype == DINI_ADJOINT_TRANSPOSE);
  PetscCall(DiniBlockReady_KSP(dini, "DiniMatSolveVJP()"));
  dini->stage = DINI_STAGE_NEW; /* for DiniVJP() and the rest, this is no point */
  PetscCall(DiniCheckBlock_Private(dini, ((Dini_KSP *)dini->data)->U, "The matrix U of solutions", &n));
  PetscCall(DiniCheckBlock_Private(dini, Ubar, "The cotangent Ubar", &n));
  if (Abar) PetscCall(DiniCheckPattern_Private(dini, Abar, "The result Abar"));
  if (Bbar) PetscCall(DiniCheckBlock_Private(dini, Bbar, "The result Bbar", &n));
  if (mbar) PetscCall(DiniCheckFlat_Private(dini, mbar, "The result mbar"));
  dini->closed++;
  failed = DiniBlockVJP_KSP(dini, &w);
  dini->closed--;
  dini->stage = DINI_STAGE_NEW;
  PetscCall(DiniBlockWorkDestroy_KSP(&w));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gradient of an objective of U in A(m) U = B with respect to A, B and the parameters, from A^H L = Ubar:
  Bbar = L, Abar = -L U^H on a pattern, mbar = -sum_k (A_m . u_k)^H l_k.
  @level{intermediate}

  Collective. One block of adjoint solves, with the factorisation of DiniMatSolve(). In complex builds see
  DiniSetAdjointType().

  @param[in]     dini the Dini, after DiniMatSolve()
  @param[in]     Ubar cotangent of U, a dense matrix like it; not changed
  @param[in,out] Abar gradient in the entries of A, see DiniMatrixVJP(); NULL where it is not wanted
  @param[out]    Bbar gradient in B, a dense matrix like it; NULL where it is not wanted
  @param[out]    mbar gradient in the parameters through A, B being given, a flat parameter vector; NULL where it is not wanted.
                      F_m is taken at each column of U, and at zero: that is a fill for each
  @return 0 or a PETSc error code, see DiniMatrixVJP(); PETSC_ERR_ORDER before DiniMatSolve()

  Options: `-dini_block_size`.

  @see DiniMatSolveJVP(), DiniMatrixVJP()
*/
PetscErrorCode DiniMatSolveVJP(Dini dini, Mat Ubar, Mat Abar, Mat Bbar, Vec mbar)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  DiniServe(dini, "DiniMatSolveVJP()", DINI_DOOR_NEVER, DiniMatSolveVJP_Call(dini, Ubar, Abar, Bbar, mbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}
