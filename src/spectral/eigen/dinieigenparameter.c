/* Derivatives of sum_k c_k M_k(m) x in the parameters, by whatever the blocks offer: F is focused on c and x for each. */
#include "../../private/diniparameterimpl.h"
#include "../../private/dinieigenimpl.h"

/* From here to DiniUnfocus_Eigen() F(u, m) = sum_k c_k M_k(m) u, and u is v */
static PetscErrorCode DiniFocus_Eigen(Dini dini, const PetscScalar c[], Vec v, Vec *u)
{
  Dini_Eigen *ctx = (Dini_Eigen *)dini->data;

  PetscFunctionBegin;
  ctx->nfocus = ctx->nterms;
  for (PetscInt k = 0; k < ctx->nterms; k++) ctx->focus[k] = c[k];
  PetscCall(DiniParameterForget_Private(dini));
  *u      = dini->u;
  dini->u = v;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Back to T(lambda) at the selected mode */
static PetscErrorCode DiniUnfocus_Eigen(Dini dini, Vec u)
{
  PetscFunctionBegin;
  dini->u = u;
  PetscCall(DiniEigenFocusSelected_Private(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEigenFocusSelected_Private(Dini dini)
{
  Dini_Eigen *ctx                 = (Dini_Eigen *)dini->data;
  DiniComplex c[DINI_EIGEN_TERMS] = {{0.0, 0.0}}, dc[DINI_EIGEN_TERMS] = {{0.0, 0.0}};

  PetscFunctionBegin;
  ctx->nfocus = 0;
  PetscCall(DiniParameterForget_Private(dini));
  if (ctx->selected >= ctx->nmodes) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniEigenCoefficients_Private(dini, ctx->modes[ctx->selected].lambda, c, dc));
  for (PetscInt k = 0; k < ctx->nterms; k++) ctx->focus[k] = DiniCxScalar(c[k]);
  ctx->nfocus = ctx->nterms;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  The guard of F_m, at a random vector, since a mode may truly not feel a parameter, and with coefficients that no eigenvalue
  has: a callback that does not read DiniGetEigenCoefficients() is found out here, which at (1, -lambda) alone it might not be.
*/
PetscErrorCode DiniEigenGuard_Private(Dini dini, DiniMode *mode)
{
  Dini_Eigen    *ctx                 = (Dini_Eigen *)dini->data;
  DiniComplex    c[DINI_EIGEN_TERMS] = {{0.0, 0.0}}, dc[DINI_EIGEN_TERMS] = {{0.0, 0.0}};
  PetscScalar    odd[DINI_EIGEN_TERMS] = {0.0};
  PetscBool      open                  = PETSC_FALSE;
  PetscErrorCode failed                = PETSC_SUCCESS;
  Vec            u                     = NULL, v;

  PetscFunctionBegin;
  if (!dini->guard) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt p = 0; p < dini->nparams; p++)
    open = (PetscBool)(open || (dini->params[p]->active && !dini->params[p]->guarded));
  if (!open) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniEigenCoefficients_Private(dini, mode->lambda, c, dc));
  for (PetscInt k = 0; k < ctx->nterms; k++)
    odd[k] = k ? (0.6 + 0.1 * (PetscReal)k) * (DiniCxAbs(c[k]) > 0.0 ? DiniCxAbs(c[k]) : 1.0) : 1.0;
  PetscCall(VecDuplicate(mode->x.r, &v));
  PetscCall(VecSet(v, 0.0));
  PetscCall(DiniRandomDirection_Private(dini, 34, v, v));
  PetscCall(DiniFocus_Eigen(dini, odd, v, &u));
  failed = DiniResidual_Private(dini, v, dini->w[0], NULL);
  if (!failed) failed = DiniNorm_Private(dini->w[0], &dini->scale);
  for (PetscInt p = 0; p < dini->nparams && !failed; p++)
    if (dini->params[p]->active) failed = DiniParameterEnsure_Private(dini, dini->params[p]);
  PetscCall(DiniUnfocus_Eigen(dini, u));
  PetscCall(VecDestroy(&v));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscBool DiniAnyNonzero_Eigen(PetscInt n, const PetscScalar c[])
{
  for (PetscInt k = 0; k < n; k++)
    if (c[k] != 0.0) return PETSC_TRUE;
  return PETSC_FALSE;
}

/* to += sign sum_k c_k (M_k)_m dm v */
static PetscErrorCode DiniApplyPart_Eigen(Dini dini, PetscReal sign, const PetscScalar c[], Vec v, Vec dm, Vec to)
{
  Dini_Eigen    *ctx = (Dini_Eigen *)dini->data;
  PetscErrorCode failed;
  PetscBool      zero;
  Vec            u = NULL;

  PetscFunctionBegin;
  if (!v || !to || !DiniAnyNonzero_Eigen(ctx->nterms, c)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniFocus_Eigen(dini, c, v, &u));
  failed = DiniParameterApply_Private(dini, dm, dini->r, &zero);
  PetscCall(DiniUnfocus_Eigen(dini, u));
  PetscCall(failed);
  PetscCall(VecAXPY(to, sign, dini->r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The real and imaginary parts of c in real builds; c itself, and zero, in complex ones */
static PetscErrorCode DiniParts_Eigen(PetscInt n, const DiniComplex c[], PetscScalar re[], PetscScalar im[])
{
  PetscFunctionBegin;
  for (PetscInt k = 0; k < n; k++) {
    re[k] = DiniCxScalar(c[k]);
    im[k] = PetscDefined(USE_COMPLEX) ? 0.0 : (PetscScalar)c[k].im;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* f = sum_k c_k (M_k)_m dm x */
PetscErrorCode DiniEigenParameterApply_Private(Dini dini, const DiniComplex c[], DiniEigenVec x, Vec dm, DiniEigenVec f)
{
  PetscScalar re[DINI_EIGEN_TERMS] = {0.0}, im[DINI_EIGEN_TERMS] = {0.0};

  PetscFunctionBegin;
  PetscCall(DiniParts_Eigen(((Dini_Eigen *)dini->data)->nterms, c, re, im));
  PetscCall(VecSet(f.r, 0.0));
  if (f.i) PetscCall(VecSet(f.i, 0.0));
  PetscCall(DiniApplyPart_Eigen(dini, 1.0, re, x.r, dm, f.r));
  PetscCall(DiniApplyPart_Eigen(dini, -1.0, im, x.i, dm, f.r));
  PetscCall(DiniApplyPart_Eigen(dini, 1.0, re, x.i, dm, f.i));
  PetscCall(DiniApplyPart_Eigen(dini, 1.0, im, x.r, dm, f.i));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* mbar += sign (sum_k c_k (M_k)_m v)^H w */
static PetscErrorCode DiniApplyAdjointPart_Eigen(Dini dini, PetscReal sign, const PetscScalar c[], Vec v, Vec w,
                                                 Vec mbar)
{
  Dini_Eigen    *ctx = (Dini_Eigen *)dini->data;
  PetscErrorCode failed;
  Vec            u = NULL, part;

  PetscFunctionBegin;
  if (!v || !w || !DiniAnyNonzero_Eigen(ctx->nterms, c)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecDuplicate(mbar, &part));
  PetscCall(DiniFocus_Eigen(dini, c, v, &u));
  failed = DiniParameterApplyAdjoint_Private(dini, w, part);
  PetscCall(DiniUnfocus_Eigen(dini, u));
  if (!failed) failed = VecAXPY(mbar, sign, part);
  PetscCall(VecDestroy(&part));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* mbar += (sum_k c_k (M_k)_m x)^H w; in real builds its real part, since m is real */
PetscErrorCode DiniEigenParameterApplyAdjoint_Private(Dini dini, const DiniComplex c[], DiniEigenVec x, DiniEigenVec w,
                                                      Vec mbar)
{
  PetscScalar re[DINI_EIGEN_TERMS] = {0.0}, im[DINI_EIGEN_TERMS] = {0.0};

  PetscFunctionBegin;
  PetscCall(DiniParts_Eigen(((Dini_Eigen *)dini->data)->nterms, c, re, im));
  PetscCall(DiniApplyAdjointPart_Eigen(dini, 1.0, re, x.r, w.r, mbar));
  PetscCall(DiniApplyAdjointPart_Eigen(dini, -1.0, im, x.i, w.r, mbar));
  PetscCall(DiniApplyAdjointPart_Eigen(dini, 1.0, re, x.i, w.i, mbar));
  PetscCall(DiniApplyAdjointPart_Eigen(dini, 1.0, im, x.r, w.i, mbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}
