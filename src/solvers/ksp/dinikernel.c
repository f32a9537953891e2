/*
  Type ksp, least squares where the columns of A are dependent and A carries its null space N (MatSetNullSpace()): u = A^+ b,
  the solution of least norm. Its derivative, where the rank is locally constant (Golub and Pereyra), is

    du = J^+ (-(dA^H r + A^H dA u) + A^H db) + P_N dA^H y,   J = A^H A,  r = A u - b,  A^H y = u with y in the range of A,

  which is the implicit function theorem for a regular relation, with N, y and s, the size of J, those of the point:

    F(u, m) = (1 - P_N) A^H (A u - b) + s P_N (u - A^H y),   dF/du = A^H A + s P_N,   P_N = N N^H.
*/
#include "../../private/dinikspimpl.h"

PetscErrorCode DiniKernelReset_KSP(Dini dini)
{
  DiniKernel *k = &((Dini_KSP *)dini->data)->kernel;

  PetscFunctionBegin;
  PetscCall(VecDestroyVecs(k->n, &k->v));
  PetscCall(PetscFree(k->dot));
  PetscCall(VecDestroy(&k->y));
  PetscCall(MatNullSpaceDestroy(&k->null));
  for (int i = 0; i < 2; i++) PetscCall(DiniShellDestroy_Private(&k->hat[i].J, &k->hat[i]));
  PetscCall(PetscMemzero(k, sizeof(*k)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the kernel has been made of, as this rank sees it */
static PetscErrorCode DiniKernelStates_KSP(Mat A, MatNullSpace null, DiniKernelMark *mark)
{
  PetscObjectState state;
  PetscInt         n;
  const Vec       *vecs;

  PetscFunctionBegin;
  PetscCall(PetscObjectGetId((PetscObject)A, &mark->A));
  PetscCall(DiniMatState_Private(A, &mark->Astate));
  mark->null   = 0;
  mark->states = 0;
  if (!null) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscObjectGetId((PetscObject)null, &mark->null));
  PetscCall(MatNullSpaceGetVecs(null, NULL, &n, &vecs));
  for (PetscInt i = 0; i < n; i++) {
    PetscCall(PetscObjectStateGet((PetscObject)vecs[i], &state));
    mark->states += state;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* v[j] orthogonal to those before it, and of norm one; twice is enough */
static PetscErrorCode DiniOrthonormal_KSP(Dini dini, PetscInt j, Vec v[])
{
  PetscReal   before, norm;
  PetscScalar dot;

  PetscFunctionBegin;
  PetscCall(DiniNorm_Private(v[j], &before));
  for (int pass = 0; pass < 2; pass++)
    for (PetscInt i = 0; i < j; i++) {
      PetscCall(VecDot(v[j], v[i], &dot));
      PetscCall(VecAXPY(v[j], -dot, v[i]));
    }
  PetscCall(DiniNorm_Private(v[j], &norm));
  PetscCheck(norm > 1e-8 * before, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
             "%s: The vectors of the null space that is attached with MatSetNullSpace() are dependent, or one is zero",
             DiniLabel_Private(dini));
  PetscCall(VecScale(v[j], 1.0 / norm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An orthonormal basis of Dini's own: the application may write the next one into its vectors */
static PetscErrorCode DiniKernelBasis_KSP(Dini dini, MatNullSpace null, DiniKernel *k)
{
  PetscInt   n    = 0;
  PetscBool  ones = PETSC_FALSE;
  const Vec *vecs = NULL;
  PetscBool  other, any = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(VecDestroyVecs(k->n, &k->v));
  PetscCall(PetscFree(k->dot));
  k->n = 0;
  if (null) PetscCall(MatNullSpaceGetVecs(null, &ones, &n, &vecs));
  if (!ones && !n) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt i = 0; i < n; i++) {
    PetscCall(DiniOtherLayout_Private(PetscObjectComm((PetscObject)dini), (PetscObject)vecs[i], dini->n, -1, &other));
    if (other) any = PETSC_TRUE;
  }
  PetscCheck(!any, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_SIZ,
             "%s: The vectors of the null space that is attached with MatSetNullSpace() have another layout than u",
             DiniLabel_Private(dini));
  PetscCall(VecDuplicateVecs(dini->w[0], n + (ones ? 1 : 0), &k->v));
  k->n = n + (ones ? 1 : 0);
  PetscCall(PetscMalloc1(k->n, &k->dot));
  if (ones) PetscCall(VecSet(k->v[n], 1.0));
  for (PetscInt i = 0; i < n; i++) PetscCall(VecCopy(vecs[i], k->v[i]));
  for (PetscInt i = 0; i < k->n; i++) PetscCall(DiniOrthonormal_KSP(dini, i, k->v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* s, the mean of the diagonal of A^H A in the mean, and A N = 0 */
static PetscErrorCode DiniKernelHolds_KSP(Dini dini, Mat A, DiniKernel *k)
{
  PetscReal norm, size, worst = 0.0;
  Vec       v, Av;

  PetscFunctionBegin;
  PetscCall(VecDuplicate(k->v[0], &v));
  PetscCall(MatCreateVecs(A, NULL, &Av));
  PetscCall(VecSet(v, 0.0));
  PetscCall(DiniRandomDirection_Private(dini, 33, v, v));
  PetscCall(DiniNorm_Private(v, &norm));
  PetscCall(MatMult(A, v, Av));
  PetscCall(DiniNorm_Private(Av, &size));
  size = norm > 0.0 ? size / norm : 0.0;
  k->s = size > 0.0 ? size * size : 1.0;
  for (PetscInt i = 0; i < k->n; i++) {
    PetscCall(MatMult(A, k->v[i], Av));
    PetscCall(DiniNorm_Private(Av, &norm));
    worst = PetscMax(worst, norm);
  }
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&Av));
  PetscCheck(
      worst <= 1e-6 * PetscSqrtReal(k->s), PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_INCOMP,
      "%s: The null space attached with MatSetNullSpace() is not one of A: a vector n in it has |A n| = %g where "
      "the size of A is %g. Attach the right one; where it turns with the parameters, the assembly callback "
      "attaches it to the A that it fills",
      DiniLabel_Private(dini), (double)worst, (double)PetscSqrtReal(k->s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The kernel of the KSP's own A, which has been assembled at the point */
PetscErrorCode DiniKernelTake_KSP(Dini dini)
{
  Dini_KSP      *ctx  = (Dini_KSP *)dini->data;
  DiniKernel    *k    = &ctx->kernel;
  DiniKernelMark mark = {0};
  PetscBool      mine, all;
  MatNullSpace   null;
  Mat            A;

  PetscFunctionBegin;
  PetscCall(KSPGetOperators(ctx->ksp, &A, NULL));
  PetscCall(MatGetNullSpace(A, &null));
  PetscCall(DiniKernelStates_KSP(A, null, &mark));
  mine = (PetscBool)(mark.A == k->mark.A && mark.Astate == k->mark.Astate && mark.null == k->mark.null &&
                     mark.states == k->mark.states);
  PetscCall(MPIU_Allreduce(&mine, &all, 1, DINI_MPI_BOOL, MPI_LAND, PetscObjectComm((PetscObject)dini)));
  if (all) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMemzero(&k->mark, sizeof(k->mark))); /* until all has gone well */
  if (null || k->n) ctx->normalid = 0;                /* A^H A is shifted where there is a kernel */
  PetscCall(DiniKernelBasis_KSP(dini, null, k));
  PetscCall(PetscObjectReference((PetscObject)null)); /* so that its number is not another's */
  PetscCall(MatNullSpaceDestroy(&k->null));
  k->null = null;
  if (k->n) PetscCall(DiniKernelHolds_KSP(dini, A, k));
  k->mark = mark;
  if (k->hat[0].J) PetscCall(PetscObjectStateIncrease((PetscObject)k->hat[0].J));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* part = P_N x; x and part may be the same */
PetscErrorCode DiniKernelPart_KSP(Dini dini, Vec x, Vec part)
{
  DiniKernel *k = &((Dini_KSP *)dini->data)->kernel;

  PetscFunctionBegin;
  PetscCall(VecMDot(x, k->n, k->v, k->dot));
  PetscCall(VecSet(part, 0.0));
  PetscCall(VecMAXPY(part, k->n, k->dot, k->v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F from A^H (A u - b), which is what F holds; r has the layout of b. y is not known before the point is linearized: A^H y
   has no part in N as long as A is that of the point. */
PetscErrorCode DiniKernelResidual_KSP(Dini dini, Mat A, Vec u, Vec F)
{
  DiniKernel *k = &((Dini_KSP *)dini->data)->kernel;
  Vec         w, t;

  PetscFunctionBegin;
  PetscCall(VecDuplicate(u, &w));
  PetscCall(VecDuplicate(u, &t));
  PetscCall(DiniKernelPart_KSP(dini, F, w));
  PetscCall(VecAXPY(F, -1.0, w));
  PetscCall(VecCopy(u, w));
  if (k->y && dini->stage == DINI_STAGE_LINEARIZED) {
    PetscCall(MatMultHermitianTranspose(A, k->y, t));
    PetscCall(VecAXPY(w, -1.0, t));
  }
  PetscCall(DiniKernelPart_KSP(dini, w, t));
  PetscCall(VecAXPY(F, k->s, t));
  PetscCall(VecDestroy(&w));
  PetscCall(VecDestroy(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A solve may start anywhere: of its solutions u becomes the one of least norm */
PetscErrorCode DiniLeastNorm_KSP(Dini dini, Vec u)
{
  Dini_KSP *ctx = (Dini_KSP *)dini->data;
  Vec       part;

  PetscFunctionBegin;
  PetscCall(DiniKernelTake_KSP(dini));
  if (!ctx->kernel.n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecDuplicate(u, &part));
  PetscCall(DiniKernelPart_KSP(dini, u, part));
  PetscCall(VecAXPY(u, -1.0, part));
  PetscCall(VecDestroy(&part));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- dF/du = A^H A + s P_N, which is Hermitian ---- */

static PetscErrorCode DiniHatMult_KSP(Mat J, Vec x, Vec y)
{
  DiniHat    *hat;
  DiniKernel *k;
  Mat         A;
  Vec         Ax;

  PetscFunctionBegin;
  PetscCall(DiniShellContext_Private(J, &hat));
  k = &((Dini_KSP *)hat->dini->data)->kernel;
  A = hat->A;
  if (!A) PetscCall(KSPGetOperators(((Dini_KSP *)hat->dini->data)->ksp, &A, NULL));
  PetscCall(MatCreateVecs(A, NULL, &Ax));
  PetscCall(MatMult(A, x, Ax));
  PetscCall(MatMultHermitianTranspose(A, Ax, y));
  PetscCall(VecDestroy(&Ax));
  PetscCall(VecMDot(x, k->n, k->v, k->dot));
  for (PetscInt i = 0; i < k->n; i++) k->dot[i] *= k->s;
  PetscCall(VecMAXPY(y, k->n, k->dot, k->v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The plain transpose is the conjugate */
static PetscErrorCode DiniHatMultTranspose_KSP(Mat J, Vec x, Vec y)
{
  Vec c;

  PetscFunctionBegin;
  PetscCall(VecDuplicate(x, &c));
  PetscCall(VecCopy(x, c));
  PetscCall(VecConjugate(c));
  PetscCall(DiniHatMult_KSP(J, c, y));
  PetscCall(VecConjugate(y));
  PetscCall(VecDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of A, or of the KSP's own where A is NULL */
PetscErrorCode DiniKernelJacobian_KSP(Dini dini, Mat A, Mat *J)
{
  DiniHat *hat = &((Dini_KSP *)dini->data)->kernel.hat[A ? 1 : 0];

  PetscFunctionBegin;
  hat->dini = dini;
  hat->A    = A;
  if (!hat->J) {
    PetscCall(MatCreateShell(PetscObjectComm((PetscObject)dini), dini->n, dini->n, dini->N, dini->N, hat, &hat->J));
    PetscCall(MatShellSetOperation(hat->J, MATOP_MULT, (void (*)(void))DiniHatMult_KSP));
    PetscCall(MatShellSetOperation(hat->J, MATOP_MULT_TRANSPOSE, (void (*)(void))DiniHatMultTranspose_KSP));
    PetscCall(MatShellSetOperation(hat->J, MATOP_MULT_HERMITIAN_TRANSPOSE, (void (*)(void))DiniHatMult_KSP));
    PetscCall(MatSetOption(hat->J, MAT_HERMITIAN, PETSC_TRUE));
    if (!PetscDefined(USE_COMPLEX)) PetscCall(MatSetOption(hat->J, MAT_SYMMETRIC, PETSC_TRUE));
  }
  *J = hat->J;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The row of the largest entry of w, and the entries of v there */
static PetscErrorCode DiniPivot_KSP(Dini dini, PetscInt j, Vec v[], Vec w, PetscInt *row, PetscScalar at[])
{
  DiniKernel        *k = &((Dini_KSP *)dini->data)->kernel;
  PetscInt           lo, hi;
  PetscReal          largest;
  const PetscScalar *a;

  PetscFunctionBegin;
  PetscCall(VecCopy(v[j], w));
  PetscCall(VecAbs(w));
  PetscCall(VecMax(w, row, &largest));
  PetscCall(VecGetOwnershipRange(w, &lo, &hi));
  for (PetscInt i = j; i < k->n; i++) {
    at[i] = 0.0;
    if (*row < lo || *row >= hi) continue;
    PetscCall(VecGetArrayRead(v[i], &a));
    at[i] = a[*row - lo];
    PetscCall(VecRestoreArrayRead(v[i], &a));
  }
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, at + j, (PetscMPIInt)(k->n - j), MPIU_SCALAR, MPIU_SUM,
                           PetscObjectComm((PetscObject)dini)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  A regular neighbour of dF/du that is as sparse as A^H A: s is added to as many of its diagonal entries as N has vectors, in rows
  on which N is regular, found by elimination. It differs by a matrix of rank 2 n, so that Krylov methods take 2 n + 1 steps.
*/
PetscErrorCode DiniKernelShift_KSP(Dini dini, Mat N)
{
  DiniKernel  *k = &((Dini_KSP *)dini->data)->kernel;
  Vec         *v, d, w;
  PetscInt     row, lo, hi;
  PetscScalar *at, *a;

  PetscFunctionBegin;
  PetscCall(VecDuplicateVecs(k->v[0], k->n, &v));
  PetscCall(VecDuplicate(k->v[0], &d));
  PetscCall(VecDuplicate(d, &w));
  PetscCall(PetscMalloc1(k->n, &at));
  PetscCall(VecSet(d, 0.0));
  PetscCall(VecGetOwnershipRange(d, &lo, &hi));
  for (PetscInt i = 0; i < k->n; i++) PetscCall(VecCopy(k->v[i], v[i]));
  for (PetscInt j = 0; j < k->n; j++) {
    PetscCall(DiniPivot_KSP(dini, j, v, w, &row, at));
    PetscCall(VecGetArray(d, &a));
    if (row >= lo && row < hi) a[row - lo] = k->s;
    PetscCall(VecRestoreArray(d, &a));
    for (PetscInt i = j + 1; i < k->n; i++) PetscCall(VecAXPY(v[i], -at[i] / at[j], v[j]));
  }
  PetscCall(MatSetOption(N, MAT_NEW_NONZERO_ALLOCATION_ERR, PETSC_FALSE)); /* a column of zeros has no diagonal */
  PetscCall(MatDiagonalSet(N, d, ADD_VALUES));
  PetscCall(PetscFree(at));
  PetscCall(VecDestroyVecs(k->n, &v));
  PetscCall(VecDestroy(&d));
  PetscCall(VecDestroy(&w));
  PetscFunctionReturn(PETSC_SUCCESS);
}
