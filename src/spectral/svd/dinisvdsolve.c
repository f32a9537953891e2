/* The singular values solved for, by SLEPc, and what has to be true before and after. */
#include "../../private/dinisvdimpl.h"

/* Of magnitude 1 and with both parts in complex builds */
PetscErrorCode DiniSVDRandom_Private(DiniSVD *ctx, PetscInt seed, Vec v)
{
  PetscFunctionBegin;
  PetscCall(VecSet(v, 0.0));
  PetscCall(DiniRandomDirection_Private(ctx->dini, seed, v, v));
#if defined(PETSC_USE_COMPLEX)
  {
    Vec imag;

    PetscCall(VecDuplicate(v, &imag));
    PetscCall(VecSet(imag, 0.0));
    PetscCall(DiniRandomDirection_Private(ctx->dini, seed + 1, imag, imag));
    PetscCall(VecAXPY(v, PETSC_i, imag));
    PetscCall(VecDestroy(&imag));
  }
#endif
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Types that read the entries of a matrix, and problems that are another one */
static PetscErrorCode DiniCheckType_SVD(SVD svd, DiniSVD *ctx)
{
  const char *const entries[] = {SVDLAPACK, SVDSCALAPACK, SVDELEMENTAL, "ksvd"};
  SVDType           type;
  PetscBool         same, hyperbolic;

  PetscFunctionBegin;
  PetscCall(SVDGetType(svd, &type));
  for (size_t k = 0; k < sizeof(entries) / sizeof(entries[0]); k++) {
    PetscCall(PetscStrcmp(type, entries[k], &same));
    PetscCheck(
        !same, PetscObjectComm((PetscObject)svd), PETSC_ERR_SUP,
        "%s: the SVD is of type \"%s\", which reads the entries of a matrix, and du/dm is known by its products; "
        "choose trlanczos, cross, cyclic or randomized, or fill a matrix with MatComputeOperator()",
        DiniLabel_Private(ctx->dini), type);
  }
  PetscCall(SVDIsHyperbolic(svd, &hyperbolic));
  PetscCheck(!hyperbolic, PetscObjectComm((PetscObject)svd), PETSC_ERR_SUP,
             "%s: the SVD is hyperbolic; DiniSVDSolve() verifies singular values proper, so leave the problem type as "
             "DiniCreateSVD() has set it",
             DiniLabel_Private(ctx->dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Singular values can not be better than the products that they are made of */
static PetscErrorCode DiniCheckTolerances_SVD(SVD svd, DiniSVD *ctx)
{
  PetscReal tol, tangent, adjoint;
  PetscInt  its;

  PetscFunctionBegin;
  PetscCall(SVDGetTolerances(svd, &tol, &its));
  if (tol <= 0.0) { /* left to SLEPc */
    tol = DINI_SVD_TOL;
    PetscCall(SVDSetTolerances(svd, tol, its));
  }
  PetscCall(DiniGetTolerances(ctx->dini, &tangent, &adjoint));
  PetscCheck(PetscMax(tangent, adjoint) <= DINI_SVD_SLACK * tol, PetscObjectComm((PetscObject)svd),
             PETSC_ERR_ARG_INCOMP,
             "%s: singular values are to be verified to %g, and the linear solves in the products are accepted at %g "
             "(tangent) and %g (adjoint); tighten -dini_tangent_rtol and -dini_adjoint_rtol, or ask for less with "
             "-dini_svd_tol",
             DiniLabel_Private(ctx->dini), (double)(DINI_SVD_SLACK * tol), (double)tangent, (double)adjoint);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* |<M x, y> - <x, M^H y>| relative to |M x| |y| + |x| |M^H y|; w = x, M^H y, y, M x */
static PetscErrorCode DiniAdjointError_SVD(DiniSVD *ctx, Mat M, const char *const what[2], Vec w[4], PetscReal *error)
{
  PetscScalar left, right;
  PetscReal   norm[4], scale;

  PetscFunctionBegin;
  PetscCall(DiniSVDRandom_Private(ctx, 11, w[0]));
  PetscCall(DiniSVDRandom_Private(ctx, 13, w[2]));
  PetscCall(DiniSVDApply_Private(ctx, M, PETSC_FALSE, what[0], w[0], w[3]));
  PetscCall(DiniSVDApply_Private(ctx, M, PETSC_TRUE, what[1], w[2], w[1]));
  PetscCall(VecDot(w[3], w[2], &left));
  PetscCall(VecDot(w[0], w[1], &right));
  for (int k = 0; k < 4; k++) PetscCall(DiniNorm_Private(w[k], &norm[k]));
  scale  = norm[3] * norm[2] + norm[0] * norm[1];
  *error = scale > 0.0 ? PetscAbsScalar(left - right) / scale : 0.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* <M x, y> = <x, M^H y>, or everything that follows is about another operator */
static PetscErrorCode DiniCheckAdjoint_SVD(DiniSVD *ctx, Mat M, const char forward[], const char adjoint[])
{
  const char *const what[2] = {forward, adjoint};
  Vec               w[4];
  PetscReal         error = 0.0;
  PetscErrorCode    failed;

  PetscFunctionBegin;
  if (!M || !ctx->dini->guard) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatCreateVecs(M, &w[0], &w[2]));
  PetscCall(VecDuplicate(w[0], &w[1]));
  PetscCall(VecDuplicate(w[2], &w[3]));
  failed = DiniAdjointError_SVD(ctx, M, what, w, &error);
  for (int k = 0; k < 4; k++) PetscCall(VecDestroy(&w[k]));
  PetscCall(failed);
  PetscCheck(error <= DINI_SVD_ADJOINT_RTOL, PetscObjectComm((PetscObject)ctx->dini), PETSC_ERR_ARG_WRONG,
             "%s: %s is not the adjoint of its MatMult(): <M x, y> and <x, M^H y> differ by a relative %g; mend its "
             "transposed product",
             DiniLabel_Private(ctx->dini), adjoint, (double)error);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* SVDSolve() takes a solve for done, whatever came of it: the next one starts anew */
static PetscErrorCode DiniStartOver_SVD(SVD svd, Mat A)
{
  PetscFunctionBegin;
  PetscCall(PetscObjectReference((PetscObject)A));
  PetscCall(SVDReset(svd));
  PetscCall(SVDSetOperators(svd, A, NULL));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniConverged_SVD(SVD svd, DiniSVD *ctx)
{
  SVDConvergedReason reason;
  PetscInt           nconv, nsv, its;
  PetscReal          tol;

  PetscFunctionBegin;
  PetscCall(SVDGetConvergedReason(svd, &reason));
  PetscCall(SVDGetConverged(svd, &nconv));
  PetscCall(SVDGetDimensions(svd, &nsv, NULL, NULL));
  PetscCall(SVDGetIterationNumber(svd, &its));
  PetscCall(SVDGetTolerances(svd, &tol, NULL));
  PetscCheck(reason > 0 && nconv > 0, PetscObjectComm((PetscObject)svd), PETSC_ERR_NOT_CONVERGED,
             "%s: the SVD has not converged: %s after %" PetscInt_FMT " iterations, with %" PetscInt_FMT
             " of %" PetscInt_FMT
             " singular values found to %g. Allow more with -dini_svd_max_it or -dini_svd_ncv, ask "
             "for fewer with -dini_svd_nsv, or for less with -dini_svd_tol",
             DiniLabel_Private(ctx->dini), SVDConvergedReasons[reason], its, nconv, nsv, (double)tol);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* SVDSolve(), or the triplets where there is room for them; errors of products are raised at the end */
static PetscErrorCode DiniInside_SVD(SVD svd, Mat A, DiniSVD *ctx, DiniTriplets *triplets)
{
  PetscErrorCode failed, product;

  PetscFunctionBegin;
  ctx->inside = PETSC_TRUE;
  failed      = triplets ? DiniTripletsCreate_Private(svd, A, triplets) : SVDSolve(svd);
  product     = (PetscErrorCode)ctx->failed;
  ctx->inside = PETSC_FALSE;
  ctx->failed = 0;
  PetscCheck(!product, PetscObjectComm((PetscObject)svd), product,
             "%s: a product has failed while the SVD was at work; the message above says why",
             DiniLabel_Private(ctx->dini));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniSolveVerified_SVD(SVD svd, Mat A, DiniSVD *ctx, DiniTriplets *triplets, PetscInt *nonzero)
{
  SVDWhich  which;
  PetscReal tol;

  PetscFunctionBegin;
  PetscCall(DiniInside_SVD(svd, A, ctx, NULL));
  PetscCall(DiniConverged_SVD(svd, ctx));
  PetscCall(DiniInside_SVD(svd, A, ctx, triplets)); /* some types have yet to make the left vectors */
  PetscCall(DiniTripletsMeasure_Private(A, triplets));
  PetscCall(SVDGetTolerances(svd, &tol, NULL));
  PetscCall(SVDGetWhichSingularTriplets(svd, &which));
  PetscCall(DiniTripletsVerify_Private(ctx, A, triplets, DINI_SVD_SLACK * tol, nonzero));
  if (which == SVD_LARGEST) PetscCall(DiniTripletsMissed_Private(ctx, A, triplets, DINI_SVD_SLACK * tol));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Solves an SVD of DiniCreateSVD() and verifies what it returns.
  @level{intermediate}

  Collective. For each triplet that SVDGetConverged() counts, |A v - s u| and |A^H u - s v| are measured with products of
  their own and must be below ten times the tolerance of the SVD, relative to the largest singular value; the vectors must
  be orthonormal; and, for the largest values, three steps of power iteration beside the vectors found must see no value that
  the solver has passed over, which Krylov methods may do with equal ones. Values below that same bound are zero to the
  tolerance: one of their vectors is determined at best, so of them only |A v| or |A^H u| is checked.

  @param[in]  svd     from DiniCreateSVD()
  @param[out] nonzero number of triplets above that bound, which are verified in full; they come first unless the smallest
                      values were asked for; may be NULL
  @return 0 or a PETSc error code; PETSC_ERR_NOT_CONVERGED when the solver has not converged, or a triplet is not verified,
          PETSC_ERR_ARG_WRONG when B or S and their transposed products do not belong together, PETSC_ERR_SUP for types that
          need the entries of a matrix, PETSC_ERR_ARG_INCOMP for linear solves looser than the values are to be

  Options: `-dini_svd_tol`; `-dini_guard 0` leaves out the looks at B and S and for values passed over.

  @see DiniCreateSVD()
*/
PetscErrorCode DiniSVDSolve(SVD svd, PetscInt *nonzero)
{
  DiniSVD       *ctx;
  Mat            A;
  DiniTriplets   triplets = {0};
  PetscErrorCode failed;
  PetscInt       count = 0;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(svd, SVD_CLASSID, 1);
  PetscCall(DiniSVDGet_Private(svd, &A, &ctx));
  PetscCall(DiniCheckType_SVD(svd, ctx));
  PetscCall(DiniCheckTolerances_SVD(svd, ctx));
  PetscCall(DiniCheckAdjoint_SVD(ctx, ctx->B, DINI_SVD_B, DINI_SVD_B_ADJOINT));
  PetscCall(DiniCheckAdjoint_SVD(ctx, ctx->S, DINI_SVD_S, DINI_SVD_S_ADJOINT));
  failed = DiniSolveVerified_SVD(svd, A, ctx, &triplets, &count);
  PetscCall(DiniTripletsDestroy_Private(&triplets));
  if (failed) PetscCall(DiniStartOver_SVD(svd, A));
  PetscCall(failed);
  if (nonzero) *nonzero = count;
  PetscFunctionReturn(PETSC_SUCCESS);
}
