/*
  Derivatives of eigenvectors. With f = (T_m dm) x and dlambda = y^H f, z from K z = dlambda p - f, and

    dx = z - x (q^H z) - 1/2 x (x^H (B_m dm) x)

  where the last term stands in Hermitian problems only: it keeps x^H B(m) x = 1. The phase is that of the vector at the
  point, x0^H B0 x(m) real (x0^H x(m) in general problems), which makes dx linear in dm in complex builds too.
*/
#include "../../private/dinieigenimpl.h"

/* -1/2 B_m, by the term whose coefficient is -lambda; nothing to do where B = I */
static PetscBool DiniNormChanges_Eigen(const Dini_Eigen *ctx)
{
  return (PetscBool)(ctx->hermitian && ctx->nmats == 2);
}

static const DiniComplex halfB[DINI_EIGEN_TERMS] = {{0.0, 0.0}, {-0.5, 0.0}};

static PetscErrorCode DiniVectorJVP_Eigen(Dini dini, DiniMode *mode, Vec dm, DiniEigenVec f, DiniEigenVec z)
{
  Dini_Eigen *ctx     = (Dini_Eigen *)dini->data;
  DiniComplex dlambda = {0.0, 0.0}, dot = {0.0, 0.0};

  PetscFunctionBegin;
  PetscCall(DiniEigenParameterApply_Private(dini, ctx->c, mode->x, dm, f));
  PetscCall(DiniEigenVecDot_Private(f, mode->y, &dlambda));
  PetscCall(DiniEigenVecScale_Private(f, DiniCx(-1.0, 0.0)));
  PetscCall(DiniEigenVecAXPY_Private(f, dlambda, ctx->p));
  PetscCall(DiniEigenLinearSolve_Private(dini, DINI_TANGENT, f, z));
  dini->stats.tangent_error = DiniSolveError_Private(dini);
  PetscCall(DiniEigenVecDot_Private(z, ctx->q, &dot)); /* q^H z */
  if (DiniNormChanges_Eigen(ctx)) {
    DiniComplex change = {0.0, 0.0};

    PetscCall(DiniEigenParameterApply_Private(dini, halfB, mode->x, dm, f));
    PetscCall(DiniEigenVecDot_Private(f, mode->x, &change));
    dot = DiniCxSub(dot, change);
  }
  PetscCall(DiniEigenVecAXPY_Private(z, DiniCx(-dot.re, -dot.im), mode->x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The adjoint of the above, factor by factor */
static PetscErrorCode DiniVectorVJP_Eigen(Dini dini, DiniMode *mode, DiniEigenVec xbar, DiniEigenVec w, Vec mbar)
{
  Dini_Eigen  *ctx = (Dini_Eigen *)dini->data;
  DiniEigenVec g   = xbar;
  DiniComplex  dot = {0.0, 0.0}, part = {0.0, 0.0};

  PetscFunctionBegin;
  PetscCall(DiniEigenVecDot_Private(xbar, mode->x, &dot)); /* x^H xbar */
  PetscCall(DiniEigenVecAXPY_Private(g, DiniCx(-dot.re, -dot.im), ctx->q));
  PetscCall(DiniEigenLinearSolve_Private(dini, DINI_ADJOINT, g, w));
  dini->stats.gradient_error = DiniSolveError_Private(dini);
  PetscCall(DiniEigenVecDot_Private(w, ctx->p, &part)); /* p^H w */
  PetscCall(DiniEigenVecAXPY_Private(w, DiniCx(-part.re, -part.im), mode->y));
  PetscCall(DiniEigenVecScale_Private(w, DiniCx(-1.0, 0.0)));
  PetscCall(DiniEigenParameterApplyAdjoint_Private(dini, ctx->c, mode->x, w, mbar));
  if (DiniNormChanges_Eigen(ctx)) { /* (-1/2 x^H B_m x)^H (x^H xbar) */
    PetscCall(DiniEigenVecCopy_Private(mode->x, w));
    PetscCall(DiniEigenVecScale_Private(w, dot));
    PetscCall(DiniEigenParameterApplyAdjoint_Private(dini, halfB, mode->x, w, mbar));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A vector of the application's as one of ours: the imaginary part is needed where the mode has one, in real builds */
static PetscErrorCode DiniTakeParts_Eigen(Dini dini, DiniMode *mode, Vec r, Vec i, const char what[], DiniEigenVec *v)
{
  PetscFunctionBegin;
  PetscCall(DiniCheckState_Private(dini, r, what));
  v->r = r;
  v->i = NULL;
  if (!mode->x.i) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(i, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_NULL,
             "%s needs an imaginary part: the eigenvalue %g%+gi is one of a complex pair", what,
             (double)mode->lambda.re, (double)mode->lambda.im);
  PetscCall(DiniCheckState_Private(dini, i, what));
  v->i = i;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Differentiates the eigenvector of a simple eigenvalue.
  @level{intermediate}

  Collective. Costs one tangent solve with the bordered operator, verified in its true residual. The vector is normalised to
  x^H B x = 1 in Hermitian problems (EPS_HEP, EPS_GHEP) and to x^H x = 1 in others, also along dm; its phase is that of the
  vector at the point, so that x0^H B0 x(m), or x0^H x(m), stays real and positive.

  @param[in]  dini the Dini, after DiniEigenSolve() or DiniEigenAttach()
  @param[in]  i    number of the pair
  @param[in]  dm   direction, a flat parameter vector
  @param[out] dx   derivative of the vector, in real builds of its real part
  @param[out] dxi  in real builds derivative of the imaginary part, for complex pairs; may be NULL otherwise, and in complex
                   builds
  @return 0 or a PETSc error code; PETSC_ERR_SUP for a member of a cluster, with the gap; see DiniEigenvalueJVP()

  Options: `-eigen_pc_...`, `-eigen_dini_tangent_...`: the linear solves.

  @see DiniEigenvectorVJP(), DiniGetEigenpair()
*/
PetscErrorCode DiniEigenvectorJVP(Dini dini, PetscInt i, Vec dm, Vec dx, Vec dxi)
{
  DiniMode      *mode;
  DiniEigenVec   f, z;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniEigenReady_Private(dini, i, "DiniEigenvectorJVP()", "vector", &mode));
  PetscCall(DiniCheckFlat_Private(dini, dm, "The direction dm"));
  PetscCall(DiniTakeParts_Eigen(dini, mode, dx, dxi, "The result dx", &z));
  PetscCall(DiniEigenLinearize_Private(dini, i));
  PetscCall(DiniEigenVecCreate_Private(mode->x.r, (PetscBool)(mode->x.i != NULL), &f));
  failed = DiniVectorJVP_Eigen(dini, mode, dm, f, z);
  PetscCall(DiniEigenVecDestroy_Private(&f));
  PetscCall(failed);
  if (dxi && !z.i) PetscCall(VecSet(dxi, 0.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Applies the adjoint of the derivative of the eigenvector of a simple eigenvalue: mbar = (dx/dm)^H xbar.
  @level{intermediate}

  Collective. Costs one adjoint solve with the bordered operator. In real builds and for complex pairs mbar is the gradient of
  <xbar, Re x> + <xbari, Im x>. For functions of eigenvalues and vectors add DiniEigenvalueVJP().

  @param[in]  dini  the Dini, after DiniEigenSolve() or DiniEigenAttach()
  @param[in]  i     number of the pair
  @param[in]  xbar  cotangent of the vector, in real builds of its real part
  @param[in]  xbari in real builds cotangent of the imaginary part, for complex pairs; not read otherwise
  @param[out] mbar  cotangent of the parameters, a flat parameter vector
  @return 0 or a PETSc error code, see DiniEigenvectorJVP()

  Options: `-eigen_pc_...`, `-eigen_dini_adjoint_...`: the linear solves.
*/
PetscErrorCode DiniEigenvectorVJP(Dini dini, PetscInt i, Vec xbar, Vec xbari, Vec mbar)
{
  DiniMode      *mode;
  DiniEigenVec   given, g, w;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniEigenReady_Private(dini, i, "DiniEigenvectorVJP()", "vector", &mode));
  PetscCall(DiniCheckFlat_Private(dini, mbar, "The result mbar"));
  PetscCall(DiniTakeParts_Eigen(dini, mode, xbar, xbari, "The cotangent xbar", &given));
  PetscCall(DiniEigenLinearize_Private(dini, i));
  PetscCall(DiniEigenVecCreate_Private(mode->x.r, (PetscBool)(mode->x.i != NULL), &g));
  PetscCall(DiniEigenVecCreate_Private(mode->x.r, (PetscBool)(mode->x.i != NULL), &w));
  PetscCall(VecSet(mbar, 0.0));
  PetscCall(DiniEigenVecCopy_Private(given, g));
  if (DiniEigenConjugates_Private(dini)) PetscCall(VecConjugate(g.r));
  failed = DiniVectorVJP_Eigen(dini, mode, g, w, mbar);
  PetscCall(DiniEigenVecDestroy_Private(&g));
  PetscCall(DiniEigenVecDestroy_Private(&w));
  PetscCall(failed);
  if (DiniEigenConjugates_Private(dini)) PetscCall(VecConjugate(mbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* DiniJVP() and DiniVJP(): the state is the vector of the selected mode */
static PetscErrorCode DiniCheckStateIsVector_Eigen(Dini dini)
{
  Dini_Eigen *ctx;

  PetscFunctionBegin;
  PetscCall(DiniGetModes_Private(dini, "DiniJVP()", &ctx));
  PetscCheck(!ctx->modes[ctx->selected].x.i, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
             "Mode %" PetscInt_FMT " is one of a complex pair, whose vector is no real state u; use "
             "DiniEigenvectorJVP() and DiniEigenvectorVJP(), or a PETSc with complex scalars",
             ctx->selected);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniJVP_Eigen(Dini dini, Vec dm, Vec du)
{
  PetscFunctionBegin;
  PetscCall(DiniCheckStateIsVector_Eigen(dini));
  PetscCall(DiniEigenvectorJVP(dini, ((Dini_Eigen *)dini->data)->selected, dm, du, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* In the Hermitian convention: who calls has seen to conjugates */
PetscErrorCode DiniVJP_Eigen(Dini dini, Vec ubar, Vec mbar)
{
  const DiniAdjointType type = dini->adjointtype;
  PetscErrorCode        failed;

  PetscFunctionBegin;
  PetscCall(DiniCheckStateIsVector_Eigen(dini));
  dini->adjointtype = DINI_ADJOINT_HERMITIAN;
  failed            = DiniEigenvectorVJP(dini, ((Dini_Eigen *)dini->data)->selected, ubar, NULL, mbar);
  dini->adjointtype = type;
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}
