/* T(lambda), its derivative, and the pairs that have been found. */
#include "../../private/dinieigenimpl.h"

/* y = sum_k c_k M_k x, or its adjoint sum_k conj(c_k) M_k^H x; x and y have both parts or neither */
PetscErrorCode DiniEigenMult_Private(Dini dini, const Mat M[], PetscBool adjoint, const DiniComplex c[], DiniEigenVec x,
                                     DiniEigenVec y)
{
  Dini_Eigen *ctx = (Dini_Eigen *)dini->data;

  PetscFunctionBegin;
  if (!ctx->w[0])
    for (int i = 0; i < 2; i++) PetscCall(VecDuplicate(x.r, &ctx->w[i]));
  PetscCall(VecSet(y.r, 0.0));
  if (y.i) PetscCall(VecSet(y.i, 0.0));
  for (PetscInt k = 0; k < ctx->nterms; k++) {
    const DiniComplex ck     = adjoint ? DiniCxConj(c[k]) : c[k];
    DiniEigenVec      w      = {ctx->w[0], x.i ? ctx->w[1] : NULL};
    const Vec         from[] = {x.r, x.i}, to[] = {w.r, w.i};

    if (ck.re == 0.0 && ck.im == 0.0) continue;
    for (int part = 0; part < (x.i ? 2 : 1); part++) {
      if (!M[k]) PetscCall(VecCopy(from[part], to[part]));
      else if (adjoint) PetscCall(MatMultHermitianTranspose(M[k], from[part], to[part]));
      else PetscCall(MatMult(M[k], from[part], to[part]));
    }
    PetscCall(DiniEigenVecAXPY_Private(y, ck, w));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEigenCoefficients_Private(Dini dini, DiniComplex lambda, DiniComplex c[], DiniComplex dc[])
{
  Dini_Eigen *ctx = (Dini_Eigen *)dini->data;

  PetscFunctionBegin;
  PetscCall((*ctx->kind->coefficients)(ctx->solver, ctx->nterms, lambda, c, dc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = D x with D = -T'(lambda) at the mode's lambda */
PetscErrorCode DiniEigenD_Private(Dini dini, DiniMode *mode, DiniEigenVec x, DiniEigenVec y)
{
  Dini_Eigen *ctx                 = (Dini_Eigen *)dini->data;
  DiniComplex c[DINI_EIGEN_TERMS] = {{0.0, 0.0}}, dc[DINI_EIGEN_TERMS] = {{0.0, 0.0}};

  PetscFunctionBegin;
  PetscCall(DiniEigenCoefficients_Private(dini, mode->lambda, c, dc));
  PetscCall(DiniEigenMult_Private(dini, ctx->M, PETSC_FALSE, dc, x, y));
  PetscCall(DiniEigenVecScale_Private(y, DiniCx(-1.0, 0.0)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The data of an eigenproblem; `caller` is a public function, for the message */
PetscErrorCode DiniGetEigen_Private(Dini dini, const char caller[], Dini_Eigen **ctx)
{
  PetscBool is;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompareAny((PetscObject)dini, &is, DINIEPS, DINIPEP, DININEP, ""));
  PetscCheck(is, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "%s is for eigenproblems; call DiniSetEPS(), DiniSetPEP() or DiniSetNEP() first", caller);
  *ctx = (Dini_Eigen *)dini->data;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Are the coefficients, as functions of lambda that the application has given to a NEP, what they were for the pairs? */
static PetscErrorCode DiniCoefficientsStay(Dini dini, PetscBool *stay)
{
  Dini_Eigen *ctx                 = (Dini_Eigen *)dini->data;
  DiniComplex c[DINI_EIGEN_TERMS] = {{0.0, 0.0}}, dc[DINI_EIGEN_TERMS] = {{0.0, 0.0}};

  PetscFunctionBegin;
  *stay = PETSC_TRUE;
  for (PetscInt i = 0; i < ctx->nmodes && *stay; i++) {
    const DiniMode *mode = &ctx->modes[i];

    if (mode->infinite) continue;
    PetscCall(DiniEigenCoefficients_Private(dini, mode->lambda, c, dc));
    for (PetscInt k = 0; k < ctx->nterms; k++)
      if (c[k].re != mode->c[k].re || c[k].im != mode->c[k].im || dc[k].re != mode->dc[k].re ||
          dc[k].im != mode->dc[k].im)
        *stay = PETSC_FALSE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same at a point whose pairs are known and still belong to matrices and parameters */
PetscErrorCode DiniGetModes_Private(Dini dini, const char caller[], Dini_Eigen **eigen)
{
  Dini_Eigen *ctx;
  PetscBool   mine, any;

  PetscFunctionBegin;
  PetscCall(DiniGetEigen_Private(dini, caller, eigen));
  ctx = *eigen;
  PetscCall(DiniCheckPoint_Private(dini));
  PetscCheck(ctx->pairstamp && ctx->pairstamp == dini->mstamp, PetscObjectComm((PetscObject)dini),
             PETSC_ERR_ARG_WRONGSTATE,
             "The eigenpairs belong to earlier parameters; call DiniEigenSolve() or DiniEigenAttach() again");
  PetscCall(DiniCoefficientsStay(dini, &mine));
  mine = (PetscBool)!mine;
  for (PetscInt k = 0; k < ctx->nmats; k++) {
    PetscObjectState state;

    PetscCall(DiniMatStamp_Private(ctx->M[k], &state));
    if (state != ctx->state[k]) mine = PETSC_TRUE;
  }
  PetscCall(MPIU_Allreduce(&mine, &any, 1, DINI_MPI_BOOL, MPI_LOR, PetscObjectComm((PetscObject)dini)));
  PetscCheck(!any, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONGSTATE,
             "A matrix of the %s, or a function of its terms, has been changed since the solve, so that the pairs no "
             "longer belong to it; call DiniEigenSolve() again",
             ctx->kind->type);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniGetMode_Private(Dini dini, PetscInt i, const char caller[], Dini_Eigen **ctx, DiniMode **mode)
{
  PetscFunctionBegin;
  PetscCall(DiniGetModes_Private(dini, caller, ctx));
  PetscCheck(i >= 0 && i < (*ctx)->nmodes, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_OUTOFRANGE,
             "There is no eigenpair %" PetscInt_FMT " among the %" PetscInt_FMT
             " found; ask for more with EPSSetDimensions() and the like",
             i, (*ctx)->nmodes);
  *mode = &(*ctx)->modes[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}
