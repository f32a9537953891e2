/*
  Type ksp with a least-squares KSP, where A has more rows than columns: u minimises |A u - b|, so that

    F(u, m) = A^H (A u - b),   J = A^H A,   F_b = -A^H.

  This is exact: the derivative of F in A has the term of the residual, dA^H (A u - b). J is assembled where A is an AIJ matrix
  and J is small enough to be factorised if need be; else it is applied by products.
*/
#include "../../private/dinikspimpl.h"

/* F = A^H (A u - b) */
PetscErrorCode DiniNormalResidual_KSP(Dini dini, Mat A, Vec b, Vec u, Vec F)
{
  Dini_KSP *ctx = (Dini_KSP *)dini->data;

  PetscFunctionBegin;
  if (!ctx->r) PetscCall(VecDuplicate(ctx->b, &ctx->r));
  PetscCall(MatMult(A, u, ctx->r));
  PetscCall(VecAXPY(ctx->r, -1.0, b));
  PetscCall(MatMultHermitianTranspose(A, ctx->r, F));
  if (dini->stage != DINI_STAGE_LINEARIZED) PetscCall(DiniKernelTake_KSP(dini)); /* later it is that of the point */
  if (ctx->kernel.n) PetscCall(DiniKernelResidual_KSP(dini, A, u, F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* N = A^H A assembled */
static PetscErrorCode DiniNormalProduct_KSP(Mat A, Mat *N)
{
  Mat conj;

  PetscFunctionBegin;
  if (PetscDefined(USE_COMPLEX)) {
    PetscCall(MatDuplicate(A, MAT_COPY_VALUES, &conj));
    PetscCall(MatConjugate(conj));
    PetscCall(MatTransposeMatMult(conj, A, MAT_INITIAL_MATRIX, PETSC_DEFAULT, N));
    PetscCall(MatDestroy(&conj));
  } else PetscCall(MatTransposeMatMult(A, A, MAT_INITIAL_MATRIX, PETSC_DEFAULT, N));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J of the present A; the matrix is kept where the pattern of A is, so that a preconditioner of it serves on */
static PetscErrorCode DiniNormal_KSP(Dini dini, Mat A)
{
  Dini_KSP        *ctx = (Dini_KSP *)dini->data;
  PetscObjectId    id;
  PetscObjectState state, pattern;
  PetscBool        aij, mine[2], all[2];
  PetscInt         directmax;
  Mat              N;

  PetscFunctionBegin;
  PetscCall(PetscObjectGetId((PetscObject)A, &id));
  PetscCall(PetscObjectStateGet((PetscObject)A, &state));
  PetscCall(MatGetNonzeroState(A, &pattern));
  mine[0] = (PetscBool)(ctx->normal && id == ctx->normalid && state == ctx->normalstate);
  mine[1] = (PetscBool)(ctx->normal && id == ctx->normalid && pattern == ctx->normalpattern);
  PetscCall(MPIU_Allreduce(mine, all, 2, DINI_MPI_BOOL, MPI_LAND, PetscObjectComm((PetscObject)dini)));
  if (all[0]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscObjectBaseTypeCompareAny((PetscObject)A, &aij, MATSEQAIJ, MATMPIAIJ, ""));
  PetscCall(DiniEngineGetDirectMax_Private(dini->engine, &directmax));
  if (aij && dini->N <= directmax) {
    PetscCall(DiniNormalProduct_KSP(A, &N));
    if (ctx->kernel.n) PetscCall(DiniKernelShift_KSP(dini, N));
    else if (all[1]) {
      PetscCall(DiniMatCopy_Private(N, ctx->normal, SAME_NONZERO_PATTERN));
      PetscCall(MatDestroy(&N));
    }
  } else if (PetscDefined(USE_COMPLEX)) PetscCall(MatCreateNormalHermitian(A, &N));
  else PetscCall(MatCreateNormal(A, &N));
  if (N) {
    PetscCall(MatDestroy(&ctx->normal));
    ctx->normal = N;
  }
  PetscCall(MatSetOption(ctx->normal, MAT_HERMITIAN, PETSC_TRUE));
  if (!PetscDefined(USE_COMPLEX)) PetscCall(MatSetOption(ctx->normal, MAT_SYMMETRIC, PETSC_TRUE));
  ctx->normalid      = id;
  ctx->normalstate   = state;
  ctx->normalpattern = pattern;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniJacobian_LeastSquares(Dini dini, Vec u, Mat *J, Mat *P)
{
  Dini_KSP *ctx = (Dini_KSP *)dini->data;
  Mat       A;

  PetscFunctionBegin;
  (void)u;
  if (ctx->assemble && ctx->stamp != dini->mstamp) dini->stats.jacobian_assemblies++;
  PetscCall(DiniAssembleOwn_KSP(dini));
  PetscCall(KSPGetOperators(ctx->ksp, &A, NULL));
  PetscCall(DiniKernelTake_KSP(dini));
  PetscCall(DiniNormal_KSP(dini, A));
  *J = *P = ctx->normal;
  if (ctx->kernel.n) PetscCall(DiniKernelJacobian_KSP(dini, NULL, J));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Independent columns? Where they are not, the solver returns one of many solutions, and this J does not know the derivative
  of the one it chose. A random right-hand side lies outside the range of a singular J, and no solution of it passes.
*/
static PetscErrorCode DiniDetermined_KSP(Dini dini)
{
  Dini_KSP *ctx = (Dini_KSP *)dini->data;
  Vec       r, x;

  PetscFunctionBegin;
  if (!dini->guard || ctx->determined || dini->Juser || dini->residual) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecDuplicate(dini->u, &r));
  PetscCall(VecDuplicate(dini->u, &x));
  PetscCall(VecSet(x, 0.0));
  PetscCall(DiniRandomDirection_Private(dini, 31, x, r));
  PetscCall(DiniTrySolve_KSP(dini, r, x, &ctx->determined));
  PetscCall(VecDestroy(&r));
  PetscCall(VecDestroy(&x));
  PetscCheck(ctx->determined, PetscObjectComm((PetscObject)dini), PETSC_ERR_NOT_CONVERGED,
             "%s is singular, or no solver has been found for it: with linearly dependent columns of A the "
             "least-squares solution is one of many, and its derivative is not determined. Drop dependent columns, add "
             "rows that regularise, attach %s null space to A with MatSetNullSpace(), before the first solve, for the "
             "solution of least norm, or, if the columns are independent, choose a preconditioner with -dini_pc_type",
             ctx->square ? "A" : "A^H A", ctx->kernel.n ? "the whole" : "the");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniLinearized_LeastSquares(Dini dini)
{
  Dini_KSP *ctx = (Dini_KSP *)dini->data;

  PetscFunctionBegin;
  if (ctx->kernel.n != ctx->kernels) ctx->determined = PETSC_FALSE;
  PetscCall(DiniDetermined_KSP(dini));
  ctx->kernels = ctx->kernel.n;
  PetscCall(DiniKernelLinearized_KSP(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J of the A that belongs to the parameters that are set */
static PetscErrorCode DiniBeside_LeastSquares(Dini dini, Mat *J)
{
  Dini_KSP *ctx = (Dini_KSP *)dini->data;
  Mat       A;
  Vec       b;

  PetscFunctionBegin;
  PetscCall(DiniCurrentSystem_KSP(dini, &A, &b));
  if (ctx->kernel.n) {
    PetscCall(DiniKernelStays_KSP(dini, A));
    PetscCall(DiniKernelJacobian_KSP(dini, A, J));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(MatDestroy(&ctx->beside));
  if (PetscDefined(USE_COMPLEX)) PetscCall(MatCreateNormalHermitian(A, &ctx->beside));
  else PetscCall(MatCreateNormal(A, &ctx->beside));
  PetscCall(MatSetOption(ctx->beside, MAT_HERMITIAN, PETSC_TRUE));
  *J = ctx->beside;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- F_b = -A^H, with A at the parameters that are set ---- */

static PetscErrorCode DiniRHSMult_KSP(Mat Fb, Vec x, Vec y)
{
  Dini dini;
  Mat  A;
  Vec  b;

  PetscFunctionBegin;
  PetscCall(DiniShellContext_Private(Fb, &dini));
  PetscCall(DiniCurrentSystem_KSP(dini, &A, &b));
  PetscCall(MatMultHermitianTranspose(A, x, y));
  PetscCall(VecScale(y, -1.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The plain transpose, -conj(A) x */
static PetscErrorCode DiniRHSMultTranspose_KSP(Mat Fb, Vec x, Vec y)
{
  Dini dini;
  Mat  A;
  Vec  b, c;

  PetscFunctionBegin;
  PetscCall(DiniShellContext_Private(Fb, &dini));
  PetscCall(DiniCurrentSystem_KSP(dini, &A, &b));
  PetscCall(VecDuplicate(x, &c));
  PetscCall(VecCopy(x, c));
  PetscCall(VecConjugate(c));
  PetscCall(MatMult(A, c, y));
  PetscCall(VecConjugate(y));
  PetscCall(VecScale(y, -1.0));
  PetscCall(VecDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniRHSJacobian_LeastSquares(Dini dini, Vec m, Mat *Fb)
{
  Dini_KSP *ctx = (Dini_KSP *)dini->data;
  PetscInt  n, N;

  PetscFunctionBegin;
  PetscCheck(m == ctx->b, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
             "A parameter of type \"rhs\" of a least-squares problem is the Vec b of DiniSetLinearSystem() itself");
  PetscCall(VecGetLocalSize(ctx->b, &n));
  PetscCall(VecGetSize(ctx->b, &N));
  PetscCall(MatCreateShell(PetscObjectComm((PetscObject)dini), dini->n, n, dini->N, N, dini, Fb));
  PetscCall(MatShellSetOperation(*Fb, MATOP_MULT, (void (*)(void))DiniRHSMult_KSP));
  PetscCall(MatShellSetOperation(*Fb, MATOP_MULT_TRANSPOSE, (void (*)(void))DiniRHSMultTranspose_KSP));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const DiniSystemOps DiniSystem_LeastSquares = {.beside      = DiniBeside_LeastSquares,
                                                      .touched     = DiniTouched_KSP,
                                                      .recheck     = DiniRecheck_KSP,
                                                      .renew       = DiniRenew_KSP,
                                                      .linearized  = DiniLinearized_LeastSquares,
                                                      .rhsjacobian = DiniRHSJacobian_LeastSquares};
static const DiniSystemOps DiniSystem_Square       = {.beside     = DiniBeside_KSP,
                                                      .touched    = DiniTouched_KSP,
                                                      .recheck    = DiniRecheck_KSP,
                                                      .renew      = DiniRenew_KSP,
                                                      .linearized = DiniDetermined_KSP};

/*
  A square A with independent columns is regular, and the least-squares solution is the root of A u - b: J = A, whose
  condition is not squared. With dependent columns there is a residual, or the root is one of many: refused either way, unless
  A carries its null space. The preconditioner of the KSP is not one of A.
*/
PetscErrorCode DiniSquareIsRoot_KSP(Dini dini)
{
  Dini_KSP    *ctx = (Dini_KSP *)dini->data;
  PetscInt     M, N;
  MatNullSpace null;
  Mat          A;

  PetscFunctionBegin;
  PetscCall(KSPGetOperators(ctx->ksp, &A, NULL));
  PetscCall(MatGetSize(A, &M, &N));
  PetscCall(MatGetNullSpace(A, &null));
  ctx->square = (PetscBool)(M == N && !null);
  if (!ctx->square) PetscFunctionReturn(PETSC_SUCCESS);
  ctx->leastsquares = PETSC_FALSE;
  dini->ops->getksp = NULL;
  dini->system      = &DiniSystem_Square;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniUseLeastSquares_KSP(Dini dini)
{
  Dini_KSP    *ctx = (Dini_KSP *)dini->data;
  PetscInt     M, N;
  MatNullSpace null;
  Mat          A;

  PetscFunctionBegin;
  PetscCall(KSPGetOperators(ctx->ksp, &A, NULL));
  PetscCall(MatGetSize(A, &M, &N));
  PetscCall(MatGetNullSpace(A, &null));
  PetscCheck(
      M >= N || null, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
      "A has %" PetscInt_FMT " rows and %" PetscInt_FMT
      " columns, so that A u = b leaves u free and the KSP chooses the smallest one, whose derivative is not that "
      "of the normal equations. Solve A A^H y = b instead, with u = A^H y, or attach the null space of A with "
      "MatSetNullSpace(), before the first solve",
      M, N);
  dini->ops->jacobian = DiniJacobian_LeastSquares;
  dini->ops->getksp   = NULL; /* its preconditioner is not one of J */
  dini->system        = &DiniSystem_LeastSquares;
  dini->antilinear    = PetscDefined(USE_COMPLEX);
  PetscFunctionReturn(PETSC_SUCCESS);
}
