/* Pairs found, or taken from a solve of the application's, and handed out. */
#include "../../private/dinieigenimpl.h"

static PetscErrorCode DiniSolveOrAttach_Eigen(Dini dini, const char caller[], PetscBool attach)
{
  Dini_Eigen    *ctx;
  PetscBool      converged;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(DiniGetEigen_Private(dini, caller, &ctx));
  PetscCall(DiniSetUp(dini));
  if (!ctx->u) PetscCall(MatCreateVecs(ctx->M[0], &ctx->u, NULL));
  ctx->attaching = attach;
  failed         = DiniSolve_Private(dini, ctx->u, &converged);
  ctx->attaching = PETSC_FALSE;
  PetscCall(failed);
  if (attach && converged) dini->reason = DINI_CONVERGED_ATTACHED;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Assembles the eigenproblem at the current parameters, solves it, and makes all converged pairs the point of
  differentiation.
  @level{beginner}

  Collective. DiniSolve() does the same and puts the vector of the selected mode into a Vec of the caller's. Each pair is
  accepted by its residual |T(lambda) x|, relative to the terms in it, against `-dini_attach_rtol`.

  @param[in] dini the Dini, of type DINIEPS, DINIPEP or DININEP
  @return 0 or a PETSc error code; PETSC_ERR_NOT_CONVERGED with the solver's reason, or with the residual of a pair

  @see DiniEigenAttach(), DiniGetEigenpair(), DiniEigenvalueJVP()
*/
PetscErrorCode DiniEigenSolve(Dini dini)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniEigenSolve()"));
  PetscCall(DiniSolveOrAttach_Eigen(dini, "DiniEigenSolve()", PETSC_FALSE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Makes the pairs of a solver that the application has run the point of differentiation.
  @level{intermediate}

  Collective. Where DiniSetEigenSystem() has given an assembly, pairs are held against matrices assembled anew, and the solver's
  own become these where they are others.

  @param[in] dini the Dini, whose solver has been run at the current parameters
  @return 0 or a PETSc error code; PETSC_ERR_NOT_CONVERGED with the solver's reason, or with the residual of a pair
*/
PetscErrorCode DiniEigenAttach(Dini dini)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniEigenAttach()"));
  PetscCall(DiniSolveOrAttach_Eigen(dini, "DiniEigenAttach()", PETSC_TRUE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Tells how many pairs the last solve has found: all that converged, which may be more than were asked for.
  @level{intermediate}

  Not Collective.

  @param[in]  dini the Dini, after DiniEigenSolve() or DiniEigenAttach()
  @param[out] n    their number
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniGetNumberEigenpairs(Dini dini, PetscInt *n)
{
  Dini_Eigen *ctx;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniGetEigen_Private(dini, "DiniGetNumberEigenpairs()", &ctx));
  *n = dini->stage == DINI_STAGE_NEW ? 0 : ctx->nmodes;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniGiveVector_Eigen(Dini dini, DiniEigenVec v, Vec r, Vec i, const char what[])
{
  PetscFunctionBegin;
  if (r) {
    PetscCall(DiniCheckState_Private(dini, r, what));
    PetscCall(VecCopy(v.r, r));
  }
  if (i) {
    PetscCall(DiniCheckState_Private(dini, i, what));
    if (v.i) PetscCall(VecCopy(v.i, i));
    else PetscCall(VecSet(i, 0.0));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives a pair, normalised as its derivatives assume.
  @level{beginner}

  Collective. x^H B x = 1 in Hermitian problems (EPS_HEP, EPS_GHEP), x^H x = 1 in others. The first of the entries of largest
  magnitude is real and positive; with tracking on, the phase is that of the solve before instead.

  @param[in]  dini   the Dini, after DiniEigenSolve() or DiniEigenAttach()
  @param[in]  i      number of the pair
  @param[out] lambda eigenvalue, in real builds its real part; may be NULL
  @param[out] imag   in real builds its imaginary part, zero in complex ones; may be NULL
  @param[out] x      vector, in real builds its real part; may be NULL
  @param[out] xi     in real builds its imaginary part, zero in complex ones; may be NULL
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniGetEigenpair(Dini dini, PetscInt i, PetscScalar *lambda, PetscScalar *imag, Vec x, Vec xi)
{
  Dini_Eigen *ctx;
  DiniMode   *mode;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniGetMode_Private(dini, i, "DiniGetEigenpair()", &ctx, &mode));
  if (lambda) *lambda = DiniCxScalar(mode->lambda);
  if (imag) *imag = PetscDefined(USE_COMPLEX) ? 0.0 : (PetscScalar)mode->lambda.im;
  PetscCall(DiniGiveVector_Eigen(dini, mode->x, x, xi, "The eigenvector x"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives the left vector of a simple eigenvalue, y^H T(lambda) = 0, scaled to y^H D x = 1 with D = -T'(lambda), which is
  B for an EPS.
  @level{advanced}

  Collective.

  @param[in]  dini the Dini, after DiniEigenSolve() or DiniEigenAttach()
  @param[in]  i    number of the pair
  @param[out] y    left vector, in real builds its real part; may be NULL
  @param[out] yi   in real builds its imaginary part; may be NULL
  @return 0 or a PETSc error code; PETSC_ERR_SUP for a member of a cluster
*/
PetscErrorCode DiniGetLeftEigenvector(Dini dini, PetscInt i, Vec y, Vec yi)
{
  Dini_Eigen *ctx;
  DiniMode   *mode;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniGetMode_Private(dini, i, "DiniGetLeftEigenvector()", &ctx, &mode));
  PetscCall(DiniEigenSimple_Private(dini, i, "left vector"));
  PetscCall(DiniEigenLeft_Private(dini, i));
  PetscCall(DiniGiveVector_Eigen(dini, mode->y, y, yi, "The left vector y"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Tells how well a tracked mode overlaps with the one of the same number at the solve before.
  @level{intermediate}

  Collective. Within a cluster it is the part of the old vector in the span of the new ones.

  @param[in]  dini    the Dini, after DiniEigenSolve() or DiniEigenAttach()
  @param[in]  i       number of the pair
  @param[out] overlap |x_old^H B x_new| in Hermitian problems, |x_old^H x_new| in others; 1 without tracking
  @return 0 or a PETSc error code

  @see DiniSetEigenTracking()
*/
PetscErrorCode DiniGetEigenOverlap(Dini dini, PetscInt i, PetscReal *overlap)
{
  Dini_Eigen *ctx;
  DiniMode   *mode;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniGetMode_Private(dini, i, "DiniGetEigenOverlap()", &ctx, &mode));
  *overlap = mode->overlap;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives the cluster that an eigenvalue belongs to.
  @level{intermediate}

  Collective.

  @param[in]  dini    the Dini, after DiniEigenSolve() or DiniEigenAttach()
  @param[in]  i       number of the pair
  @param[out] n       number of members, 1 for a simple eigenvalue; may be NULL
  @param[out] members their numbers, good until the next call, not to be freed; may be NULL
  @param[out] gap     distance to the nearest other eigenvalue found, infinite if there is none; may be NULL
  @return 0 or a PETSc error code

  @see DiniEigenClusterVJP(), DiniSetEigenGap()
*/
PetscErrorCode DiniGetEigenCluster(Dini dini, PetscInt i, PetscInt *n, const PetscInt *members[], PetscReal *gap)
{
  Dini_Eigen *ctx;
  DiniMode   *mode;
  PetscInt    count = 0;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniGetMode_Private(dini, i, "DiniGetEigenCluster()", &ctx, &mode));
  PetscCall(PetscFree(ctx->members));
  PetscCall(PetscMalloc1(ctx->nmodes, &ctx->members));
  for (PetscInt k = 0; k < ctx->nmodes; k++)
    if (ctx->modes[k].cluster == mode->cluster) ctx->members[count++] = k;
  if (n) *n = count;
  if (members) *members = ctx->members;
  if (gap) *gap = mode->gap;
  PetscFunctionReturn(PETSC_SUCCESS);
}
