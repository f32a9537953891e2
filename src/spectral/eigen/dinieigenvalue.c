/* Derivatives of eigenvalues: dlambda = y^H (T_m dm) x with y^H D x = 1; the mean of a cluster sums over its dual vectors. */
#include "../../private/dinieigenimpl.h"

/* *sum += y^H (T_m dm) x */
static PetscErrorCode DiniAddValueJVP_Eigen(Dini dini, DiniMode *mode, Vec dm, DiniComplex *sum)
{
  DiniComplex    c[DINI_EIGEN_TERMS] = {{0.0, 0.0}}, dc[DINI_EIGEN_TERMS] = {{0.0, 0.0}}, dot = {0.0, 0.0};
  DiniEigenVec   f;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(DiniEigenCoefficients_Private(dini, mode->lambda, c, dc));
  PetscCall(DiniEigenVecCreate_Private(mode->x.r, (PetscBool)(mode->x.i != NULL), &f));
  failed = DiniEigenParameterApply_Private(dini, c, mode->x, dm, f);
  if (!failed) failed = DiniEigenVecDot_Private(f, mode->y, &dot);
  PetscCall(DiniEigenVecDestroy_Private(&f));
  PetscCall(failed);
  *sum = DiniCxAdd(*sum, dot);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* mbar += ((y^H T_m x))^H weight = (T_m x)^H (y weight) */
static PetscErrorCode DiniAddEigenvalueVJP_Eigen(Dini dini, DiniMode *mode, DiniComplex weight, Vec mbar)
{
  DiniComplex    c[DINI_EIGEN_TERMS] = {{0.0, 0.0}}, dc[DINI_EIGEN_TERMS] = {{0.0, 0.0}};
  DiniEigenVec   w;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(DiniEigenCoefficients_Private(dini, mode->lambda, c, dc));
  PetscCall(DiniEigenVecCreate_Private(mode->x.r, (PetscBool)!PetscDefined(USE_COMPLEX), &w));
  PetscCall(DiniEigenVecAXPY_Private(w, weight, mode->y));
  failed = DiniEigenParameterApplyAdjoint_Private(dini, c, mode->x, w, mbar);
  PetscCall(DiniEigenVecDestroy_Private(&w));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniGiveNumber_Eigen(DiniComplex z, PetscScalar *r, PetscScalar *i)
{
  PetscFunctionBegin;
  if (r) *r = DiniCxScalar(z);
  if (i) *i = PetscDefined(USE_COMPLEX) ? 0.0 : (PetscScalar)z.im;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What a derivative of one eigenvalue needs: simple, guarded, with its left vector */
PetscErrorCode DiniEigenReady_Private(Dini dini, PetscInt i, const char caller[], const char what[], DiniMode **mode)
{
  Dini_Eigen *ctx;

  PetscFunctionBegin;
  PetscCall(DiniGetMode_Private(dini, i, caller, &ctx, mode));
  PetscCall(DiniEigenSimple_Private(dini, i, what));
  PetscCall(DiniEigenGuard_Private(dini, *mode));
  PetscCall(DiniEigenLeft_Private(dini, i));
  PetscCall(DiniEigenProbe_Private(dini, i));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Differentiates a simple eigenvalue: dlambda = y^H (A_m dm - lambda B_m dm) x / (y^H B x).
  @level{intermediate}

  Collective. No linear solve in Hermitian problems; in others one adjoint solve a point for the left vector y, unless the
  solver computes it (EPSSetTwoSided()). With the guard on, a mode's first derivative also looks for eigenvalues that the
  solver has missed, which costs a factorisation.

  @param[in]  dini    the Dini, after DiniEigenSolve() or DiniEigenAttach()
  @param[in]  i       number of the pair
  @param[in]  dm      direction, a flat parameter vector (DiniCreateParameterVec())
  @param[out] dlambda derivative of the eigenvalue; in real builds of its real part
  @param[out] dimag   in real builds derivative of the imaginary part, zero in complex ones; may be NULL
  @return 0 or a PETSc error code; PETSC_ERR_SUP for a member of a cluster, with the gap, and for a defective eigenvalue;
          PETSC_ERR_ARG_WRONGSTATE when the parameters or the matrices have changed since the solve

  Option: `-dini_eigen_gap`.

  @see DiniEigenvalueVJP(), DiniEigenClusterJVP(), DiniEigenvectorJVP()
*/
PetscErrorCode DiniEigenvalueJVP(Dini dini, PetscInt i, Vec dm, PetscScalar *dlambda, PetscScalar *dimag)
{
  DiniMode   *mode;
  DiniComplex sum = {0.0, 0.0};

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniEigenReady_Private(dini, i, "DiniEigenvalueJVP()", "derivative", &mode));
  PetscCall(DiniCheckFlat_Private(dini, dm, "The direction dm"));
  PetscCall(DiniAddValueJVP_Eigen(dini, mode, dm, &sum));
  PetscCall(DiniGiveNumber_Eigen(sum, dlambda, dimag));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The plain transpose is asked for with conjugates: A^T w = conj(A^H conj(w)) */
PetscBool DiniEigenConjugates_Private(Dini dini)
{
  return (PetscBool)(PetscDefined(USE_COMPLEX) && dini->adjointtype == DINI_ADJOINT_TRANSPOSE);
}

/**
  @brief Applies the adjoint of the derivative of a simple eigenvalue: mbar = (dlambda/dm)^H weight.
  @level{beginner}

  Collective. In complex builds the weight is the complex number `weight`, and <weight, dlambda> = <mbar, dm>; in real builds
  it is weight + i wimag, and mbar = weight d(Re lambda)/dm + wimag d(Im lambda)/dm. So the gradient of Re lambda has weight
  1, that of Im lambda weight i, that of |lambda| weight lambda/|lambda|; where parameters are real in a complex build, it
  is the real part of mbar.

  @param[in]  dini   the Dini, after DiniEigenSolve() or DiniEigenAttach()
  @param[in]  i      number of the pair
  @param[in]  weight cotangent of lambda, in real builds of its real part
  @param[in]  wimag  in real builds cotangent of the imaginary part; not read in complex builds
  @param[out] mbar   cotangent of the parameters, a flat parameter vector
  @return 0 or a PETSc error code, see DiniEigenvalueJVP()
*/
PetscErrorCode DiniEigenvalueVJP(Dini dini, PetscInt i, PetscScalar weight, PetscScalar wimag, Vec mbar)
{
  DiniMode   *mode;
  DiniComplex w = DiniCxOf(weight, wimag);

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniEigenReady_Private(dini, i, "DiniEigenvalueVJP()", "derivative", &mode));
  PetscCall(DiniCheckFlat_Private(dini, mbar, "The result mbar"));
  PetscCheck(!PetscIsInfOrNanScalar(weight) && !PetscIsInfOrNanScalar(wimag), PetscObjectComm((PetscObject)dini),
             PETSC_ERR_FP, "%s: The weight of an eigenvalue is NaN or Inf", DiniLabel_Private(dini));
  if (DiniEigenConjugates_Private(dini)) w = DiniCxConj(w);
  PetscCall(VecSet(mbar, 0.0));
  PetscCall(DiniAddEigenvalueVJP_Eigen(dini, mode, w, mbar));
  if (DiniEigenConjugates_Private(dini)) PetscCall(VecConjugate(mbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The members of the cluster of mode i, with dual left vectors */
static PetscErrorCode DiniClusterReady_Eigen(Dini dini, PetscInt i, const char caller[], Dini_Eigen **ctx,
                                             PetscInt *cluster, PetscInt *n)
{
  DiniMode *mode;

  PetscFunctionBegin;
  PetscCall(DiniGetMode_Private(dini, i, caller, ctx, &mode));
  *cluster = mode->cluster;
  *n       = 0;
  for (PetscInt k = 0; k < (*ctx)->nmodes; k++)
    if ((*ctx)->modes[k].cluster == *cluster) (*n)++;
  if (*n == 1) PetscCall(DiniEigenReady_Private(dini, i, caller, "derivative", &mode));
  else {
    PetscCall(DiniEigenGuard_Private(dini, mode));
    PetscCall(DiniEigenDual_Private(dini, *cluster));
    PetscCall(DiniEigenProbe_Private(dini, *cluster));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Differentiates the mean of a cluster of eigenvalues, which is smooth where its members are not.
  @level{intermediate}

  Collective. d mean = tr((Y^H D X)^{-1} Y^H T_m dm X) / k over the k members. For a simple eigenvalue, a cluster of one, it
  is DiniEigenvalueJVP().

  @param[in]  dini  the Dini, after DiniEigenSolve() or DiniEigenAttach()
  @param[in]  i     number of any pair of the cluster
  @param[in]  dm    direction, a flat parameter vector
  @param[out] dmean derivative of the mean; in real builds of its real part
  @param[out] dimag in real builds derivative of the imaginary part; may be NULL
  @return 0 or a PETSc error code; PETSC_ERR_SUP where the cluster is defective, is not complete, or needs left vectors that
          the solver has not computed

  @see DiniGetEigenCluster()
*/
PetscErrorCode DiniEigenClusterJVP(Dini dini, PetscInt i, Vec dm, PetscScalar *dmean, PetscScalar *dimag)
{
  Dini_Eigen *ctx;
  PetscInt    cluster, n;
  DiniComplex sum = {0.0, 0.0};

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniClusterReady_Eigen(dini, i, "DiniEigenClusterJVP()", &ctx, &cluster, &n));
  PetscCall(DiniCheckFlat_Private(dini, dm, "The direction dm"));
  for (PetscInt k = 0; k < ctx->nmodes; k++)
    if (ctx->modes[k].cluster == cluster) PetscCall(DiniAddValueJVP_Eigen(dini, &ctx->modes[k], dm, &sum));
  PetscCall(DiniGiveNumber_Eigen(DiniCxScale(1.0 / (PetscReal)n, sum), dmean, dimag));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Applies the adjoint of the derivative of the mean of a cluster.
  @level{intermediate}

  Collective.

  @param[in]  dini   the Dini, after DiniEigenSolve() or DiniEigenAttach()
  @param[in]  i      number of any pair of the cluster
  @param[in]  weight cotangent of the mean, see DiniEigenvalueVJP()
  @param[in]  wimag  in real builds cotangent of its imaginary part
  @param[out] mbar   cotangent of the parameters, a flat parameter vector
  @return 0 or a PETSc error code, see DiniEigenClusterJVP()
*/
PetscErrorCode DiniEigenClusterVJP(Dini dini, PetscInt i, PetscScalar weight, PetscScalar wimag, Vec mbar)
{
  Dini_Eigen *ctx;
  PetscInt    cluster, n;
  DiniComplex w = DiniCxOf(weight, wimag);

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniClusterReady_Eigen(dini, i, "DiniEigenClusterVJP()", &ctx, &cluster, &n));
  PetscCall(DiniCheckFlat_Private(dini, mbar, "The result mbar"));
  if (DiniEigenConjugates_Private(dini)) w = DiniCxConj(w);
  PetscCall(VecSet(mbar, 0.0));
  for (PetscInt k = 0; k < ctx->nmodes; k++)
    if (ctx->modes[k].cluster == cluster)
      PetscCall(DiniAddEigenvalueVJP_Eigen(dini, &ctx->modes[k], DiniCxScale(1.0 / (PetscReal)n, w), mbar));
  if (DiniEigenConjugates_Private(dini)) PetscCall(VecConjugate(mbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}
