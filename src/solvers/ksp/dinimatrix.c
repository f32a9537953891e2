/*
  Type ksp: the matrix A itself as a parameter. A u = b gives A du = -dA u and, with A^H lambda = ubar,

    <ubar, du> = -<lambda, dA u> = <Abar, dA>,   Abar = -lambda u^H on the pattern that is asked for,

  in the inner product <X, Y> = sum_ij conj(Y_ij) X_ij. Least squares, A^H (A u - b) = 0 and J = A^H A, have two terms:

    J du = -(dA^H r + A^H dA u),   Abar = -(r lambda^H + (A lambda) u^H),   r = A u - b.

  and, where A carries a null space, that of the solution of least norm, with u = A^H y and P the projection on the null space:

    J du = -((1 - P) dA^H r + A^H dA u) + s P dA^H y,   Abar = -(r ((1 - P) lambda)^H + (A lambda) u^H) + y (s P lambda)^H.

  Nothing dense is formed: rows and columns of a matrix of ones are scaled.
*/
#include "../../private/dinikspimpl.h"
#include <math.h>

PetscErrorCode DiniNeedLinear_KSP(Dini dini, const char what[])
{
  PetscBool is;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)dini, DINIKSP, &is));
  PetscCheck(is, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
             "%s is about the matrix of A u = b, so it goes with type \"ksp\" and DiniSetKSP(); this Dini is of type "
             "\"%s\": make what its residual reads a parameter, with DiniAddParameter()",
             what, ((PetscObject)dini)->type_name ? ((PetscObject)dini)->type_name : "(none)");
  PetscCheck(
      !dini->residual && !dini->Juser, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
      "%s is about F = A u - b with the KSP's operator; DiniSetResidual() or DiniSetJacobian() has given another "
      "F, of which the entries of A are no parameters",
      what);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- Checks ---- */

/* Rows as those of A, columns as the state */
PetscErrorCode DiniCheckMatrix_Private(Dini dini, Mat dA, const char what[])
{
  PetscInt  m, n, rows, columns;
  PetscBool any, assembled;
  Mat       A;
  KSP       ksp;

  PetscFunctionBegin;
  PetscCheck(dA, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_NULL,
             "%s is NULL; give it the layout of A, as by MatDuplicate(A, MAT_DO_NOT_COPY_VALUES, &M)", what);
  PetscCall(DiniCheckComm_Private(dini, (PetscObject)dA, what));
  PetscCall(DiniGetKSP(dini, &ksp));
  PetscCall(KSPGetOperators(ksp, &A, NULL));
  PetscCall(MatGetLocalSize(A, &rows, &columns));
  PetscCall(MatGetLocalSize(dA, &m, &n));
  PetscCall(DiniOtherLayout_Private(PetscObjectComm((PetscObject)dini), (PetscObject)dA, rows, columns, &any));
  PetscCheck(!any, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_SIZ,
             "%s has %" PetscInt_FMT " local rows and %" PetscInt_FMT " local columns where A has %" PetscInt_FMT
             " and %" PetscInt_FMT " on this rank",
             what, m, n, rows, columns);
  PetscCall(MatAssembled(dA, &assembled));
  PetscCheck(assembled, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONGSTATE,
             "%s is not assembled; call MatAssemblyBegin() and MatAssemblyEnd()", what);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A matrix that stores each of its entries once */
PetscErrorCode DiniCheckPattern_Private(Dini dini, Mat Abar, const char what[])
{
  PetscBool stores;
  MatType   type;

  PetscFunctionBegin;
  PetscCall(DiniCheckMatrix_Private(dini, Abar, what));
  PetscCall(PetscObjectBaseTypeCompareAny((PetscObject)Abar, &stores, MATSEQAIJ, MATMPIAIJ, MATSEQBAIJ, MATMPIBAIJ,
                                          MATSEQDENSE, MATMPIDENSE, ""));
  PetscCall(MatGetType(Abar, &type));
  PetscCheck(
      stores, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
      "%s is of type %s; it has to be of type aij, baij or dense, whatever that of A. Where A stores one triangle "
      "only (sbaij), take an aij matrix: the derivative in a stored entry is the sum of those in both places",
      what, type);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- Abar = alpha l r^H on its pattern ---- */

/* The stored entries of one sequential part */
static PetscErrorCode DiniSetOnesPart_KSP(Mat A)
{
  PetscBool    aij, baij;
  MatInfo      info;
  PetscInt     m, n, lda;
  PetscScalar *a;

  PetscFunctionBegin;
  PetscCall(PetscObjectBaseTypeCompare((PetscObject)A, MATSEQAIJ, &aij));
  PetscCall(PetscObjectBaseTypeCompare((PetscObject)A, MATSEQBAIJ, &baij));
  if (aij || baij) {
    PetscCall(MatGetInfo(A, MAT_LOCAL, &info));
    PetscCall(aij ? MatSeqAIJGetArray(A, &a) : MatSeqBAIJGetArray(A, &a));
    for (PetscCount k = 0; k < (PetscCount)info.nz_used; k++) a[k] = 1.0;
    PetscCall(aij ? MatSeqAIJRestoreArray(A, &a) : MatSeqBAIJRestoreArray(A, &a));
  } else {
    PetscCall(MatGetSize(A, &m, &n));
    PetscCall(MatDenseGetLDA(A, &lda));
    PetscCall(MatDenseGetArrayWrite(A, &a));
    for (PetscInt j = 0; j < n; j++)
      for (PetscInt i = 0; i < m; i++) a[i + (size_t)j * (size_t)lda] = 1.0;
    PetscCall(MatDenseRestoreArrayWrite(A, &a));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniSetOnes_KSP(Mat A)
{
  PetscBool       aij, baij, dense;
  Mat             diagonal = A, other = NULL;
  const PetscInt *columns;

  PetscFunctionBegin;
  PetscCall(PetscObjectBaseTypeCompare((PetscObject)A, MATMPIAIJ, &aij));
  PetscCall(PetscObjectBaseTypeCompare((PetscObject)A, MATMPIBAIJ, &baij));
  PetscCall(PetscObjectBaseTypeCompare((PetscObject)A, MATMPIDENSE, &dense));
  if (aij) PetscCall(MatMPIAIJGetSeqAIJ(A, &diagonal, &other, &columns));
  if (baij) PetscCall(MatMPIBAIJGetSeqBAIJ(A, &diagonal, &other, &columns));
  if (dense) PetscCall(MatDenseGetLocalMatrix(A, &diagonal));
  PetscCall(DiniSetOnesPart_KSP(diagonal));
  if (other) PetscCall(DiniSetOnesPart_KSP(other));
  PetscCall(PetscObjectStateIncrease((PetscObject)A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniOuter_Private(Mat Abar, PetscBool add, Mat *work, PetscScalar alpha, Vec l, Vec r)
{
  Mat M = Abar;
  Vec left, right;

  PetscFunctionBegin;
  if (add) {
    if (!*work) PetscCall(MatDuplicate(Abar, MAT_DO_NOT_COPY_VALUES, work));
    M = *work;
  }
  PetscCall(VecDuplicate(l, &left));
  PetscCall(VecAXPBY(left, alpha, 0.0, l));
  PetscCall(VecDuplicate(r, &right));
  PetscCall(VecCopy(r, right));
  PetscCall(VecConjugate(right));
  PetscCall(DiniSetOnes_KSP(M));
  PetscCall(MatDiagonalScale(M, left, right));
  if (add) PetscCall(MatAXPY(Abar, 1.0, M, SAME_NONZERO_PATTERN));
  PetscCall(VecDestroy(&left));
  PetscCall(VecDestroy(&right));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- The rules ---- */

/* Abar from lambda at the point */
static PetscErrorCode DiniMatrixBar_KSP(Dini dini, Vec lambda, Mat Abar)
{
  Dini_KSP *ctx  = (Dini_KSP *)dini->data;
  Mat       work = NULL, A;
  Vec       q, l = lambda, part;

  PetscFunctionBegin;
  if (!ctx->leastsquares) {
    PetscCall(DiniOuter_Private(Abar, PETSC_FALSE, NULL, -1.0, lambda, dini->u));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(KSPGetOperators(ctx->ksp, &A, NULL));
  PetscCall(VecDuplicate(ctx->b, &q));
  PetscCall(MatMult(A, dini->u, q));
  PetscCall(VecAXPY(q, -1.0, ctx->b));
  if (ctx->kernel.n) {
    PetscCall(VecDuplicate(lambda, &l));
    PetscCall(VecDuplicate(lambda, &part));
    PetscCall(DiniKernelPart_KSP(dini, lambda, part));
    PetscCall(VecWAXPY(l, -1.0, part, lambda));
  }
  PetscCall(DiniOuter_Private(Abar, PETSC_FALSE, NULL, -1.0, q, l));
  PetscCall(MatMult(A, l, q));
  PetscCall(DiniOuter_Private(Abar, PETSC_TRUE, &work, -1.0, q, dini->u));
  if (ctx->kernel.n) {
    PetscCall(DiniOuter_Private(Abar, PETSC_TRUE, &work, ctx->kernel.s, ctx->kernel.y, part));
    PetscCall(VecDestroy(&l));
    PetscCall(VecDestroy(&part));
  }
  PetscCall(MatDestroy(&work));
  PetscCall(VecDestroy(&q));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* r without its part in the null space, less s P dA^H y; work t */
static PetscErrorCode DiniKernelRHS_KSP(Dini dini, Mat dA, Vec r, Vec t)
{
  Dini_KSP *ctx = (Dini_KSP *)dini->data;

  PetscFunctionBegin;
  PetscCall(DiniKernelPart_KSP(dini, r, t));
  PetscCall(VecAXPY(r, -1.0, t));
  PetscCall(MatMultHermitianTranspose(dA, ctx->kernel.y, t));
  PetscCall(DiniKernelPart_KSP(dini, t, t));
  PetscCall(VecAXPY(r, -ctx->kernel.s, t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* r = -dA u, or -(dA^H (A u - b) + A^H dA u) */
static PetscErrorCode DiniMatrixRHS_KSP(Dini dini, Mat dA, Vec r)
{
  Dini_KSP *ctx = (Dini_KSP *)dini->data;
  Mat       A;
  Vec       q, t;

  PetscFunctionBegin;
  if (!ctx->leastsquares) PetscCall(MatMult(dA, dini->u, r));
  else {
    PetscCall(KSPGetOperators(ctx->ksp, &A, NULL));
    PetscCall(VecDuplicate(ctx->b, &q));
    PetscCall(VecDuplicate(r, &t));
    PetscCall(MatMult(dA, dini->u, q));
    PetscCall(MatMultHermitianTranspose(A, q, r));
    PetscCall(MatMult(A, dini->u, q));
    PetscCall(VecAXPY(q, -1.0, ctx->b));
    PetscCall(MatMultHermitianTranspose(dA, q, t));
    PetscCall(VecAXPY(r, 1.0, t));
    if (ctx->kernel.n) PetscCall(DiniKernelRHS_KSP(dini, dA, r, t));
    PetscCall(VecDestroy(&q));
    PetscCall(VecDestroy(&t));
  }
  PetscCall(VecScale(r, -1.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniMatrixVJP_Call(Dini dini, Vec ubar, Mat Abar)
{
  PetscBool conj, good;
  Vec       g = ubar;

  PetscFunctionBegin;
  conj = (PetscBool)(PetscDefined(USE_COMPLEX) && dini->adjointtype == DINI_ADJOINT_TRANSPOSE);
  PetscCall(DiniNeedLinear_KSP(dini, "DiniMatrixVJP()"));
  PetscCall(DiniLinearize_Private(dini));
  PetscCall(DiniCheckState_Private(dini, ubar, "The cotangent ubar"));
  PetscCall(DiniCheckPattern_Private(dini, Abar, "The result Abar"));
  if (conj) { /* the plain transpose as the conjugate of the rule on conjugates */
    PetscCall(VecDuplicate(ubar, &g));
    PetscCall(VecCopy(ubar, g));
    PetscCall(VecConjugate(g));
  }
  PetscCall(DiniLinearSolve_Private(dini, DINI_ADJOINT, g, dini->lambda, &good));
  if (conj) PetscCall(VecDestroy(&g));
  if (!good) PetscCall(VecSet(dini->lambda, NAN));
  PetscCall(DiniMatrixBar_KSP(dini, dini->lambda, Abar));
  if (conj) PetscCall(MatConjugate(Abar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gradient with respect to the entries of A in A u = b, on a pattern of your choice: Abar = -lambda u^H with
  A^H lambda = ubar.
  @level{intermediate}

  Collective. One adjoint solve, with the factorisation or preconditioner of the forward solve, and one pass over the entries
  of Abar; nothing dense is formed. Abar_ij is what an additional entry of A at (i, j) changes in <ubar, u>, as if all entries
  of A were independent: <ubar, du> = <Abar, dA> with <X, Y> = sum_ij conj(Y_ij) X_ij, for dA within the pattern. With
  DINI_ADJOINT_TRANSPOSE it is Abar_ij = -lambda_i u_j with A^T lambda = ubar. For a least-squares KSP, where A^H (A u - b) = 0,
  it is Abar = -((A u - b) lambda^H + (A lambda) u^H) with A^H A lambda = ubar; in complex builds that map is not holomorphic,
  and the identity holds in the real parts. Where A carries a null space it is that of the solution of least norm, and the
  identity holds for dA that keep the rank of A.

  @param[in]     dini the Dini, of type DINIKSP, after DiniSolve() or DiniAttach()
  @param[in]     ubar cotangent of the state, such as dJ/du of an objective J; not changed
  @param[in,out] Abar assembled matrix of type aij, baij or dense with the layout of A in rows and columns, whose pattern says
                      which entries are wanted and whose values are overwritten; MatDuplicate() of A gives those of A itself.
                      Units of ubar times u per unit of A
  @return 0 or a PETSc error code; PETSC_ERR_SUP for other types than DINIKSP and for an Abar that stores one triangle only,
          PETSC_ERR_ARG_SIZ for a wrong layout, PETSC_ERR_ARG_WRONGSTATE for an Abar that is not assembled or when u, m, A or b
          has changed since the solve, PETSC_ERR_NOT_CONVERGED when the true residual misses its tolerance

  Options: `-dini_adjoint_rtol`, `-dini_adjoint_ksp_...`, `-dini_transpose`.

  @see DiniMatrixJVP(), DiniVJP(), DiniMatSolveVJP(), DiniSetAdjointType()
*/
PetscErrorCode DiniMatrixVJP(Dini dini, Vec ubar, Mat Abar)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniCheckRequested_Private(dini));
  DiniServe(dini, "DiniMatrixVJP()", DINI_DOOR_DERIVATIVES, DiniMatrixVJP_Call(dini, ubar, Abar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniMatrixJVP_Call(Dini dini, Mat dA, Vec du)
{
  PetscBool good;

  PetscFunctionBegin;
  PetscCall(DiniNeedLinear_KSP(dini, "DiniMatrixJVP()"));
  PetscCall(DiniLinearize_Private(dini));
  PetscCall(DiniCheckMatrix_Private(dini, dA, "The direction dA"));
  PetscCall(DiniCheckState_Private(dini, du, "The result du"));
  if (((Dini_KSP *)dini->data)->kernel.n) PetscCall(DiniKernelDirection_KSP(dini, dA));
  PetscCall(DiniMatrixRHS_KSP(dini, dA, dini->r));
  PetscCall(DiniLinearSolve_Private(dini, DINI_TANGENT, dini->r, du, &good));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Derivative of the solution of A u = b along a change of the matrix: A du = -dA u.
  @level{intermediate}

  Collective. One tangent solve. For a least-squares KSP, A^H A du = -(dA^H (A u - b) + A^H dA u). Where A carries a null space it
  is the derivative of the solution of least norm, and a dA along which the rank of A changes is an error.

  @param[in]  dini the Dini, of type DINIKSP, after DiniSolve() or DiniAttach()
  @param[in]  dA   the change of A, of any type with a product (and, for least squares, a transposed one), with the layout of A
                   in rows and columns; its pattern need not be that of A
  @param[out] du   derivative of u along dA, with the layout of the state
  @return 0 or a PETSc error code, see DiniMatrixVJP(); PETSC_ERR_ARG_WRONG when the rank of A changes along dA

  Options: `-dini_tangent_rtol`, `-dini_tangent_ksp_...`.

  @see DiniMatrixVJP(), DiniJVP()
*/
PetscErrorCode DiniMatrixJVP(Dini dini, Mat dA, Vec du)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniCheckRequested_Private(dini));
  DiniServe(dini, "DiniMatrixJVP()", DINI_DOOR_DERIVATIVES, DiniMatrixJVP_Call(dini, dA, du));
  PetscFunctionReturn(PETSC_SUCCESS);
}
