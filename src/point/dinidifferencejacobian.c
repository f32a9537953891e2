/*
  J by central differences of F, where nobody gives one that is dF/du: coloured on a pattern, column by column (a full
  pattern, as many colours as columns), or applied only. Pattern and colouring are made once and serve at all points.
*/
#include "../private/dinistepsimpl.h"

static PetscErrorCode DiniGivenPattern(Mat P, Mat *A, const char **why)
{
  PetscBool aij, other, assembled = PETSC_FALSE;

  PetscFunctionBegin;
  *why = "no assembled matrix tells its pattern";
  if (!P) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscObjectBaseTypeCompareAny((PetscObject)P, &aij, MATSEQAIJ, MATMPIAIJ, ""));
  PetscCall(PetscObjectBaseTypeCompareAny((PetscObject)P, &other, MATSEQBAIJ, MATMPIBAIJ, MATSEQSBAIJ, MATMPISBAIJ,
                                          MATSEQDENSE, MATMPIDENSE, MATSEQSELL, MATMPISELL, ""));
  if (aij || other) PetscCall(MatAssembled(P, &assembled));
  if (!assembled) PetscFunctionReturn(PETSC_SUCCESS);
  if (aij) PetscCall(MatDuplicate(P, MAT_DO_NOT_COPY_VALUES, A));
  else PetscCall(MatConvert(P, MATAIJ, MAT_INITIAL_MATRIX, A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A new matrix of type AIJ with all entries, all zero: for small states */
PetscErrorCode DiniFullPattern_Private(Dini dini, Mat *A)
{
  const PetscInt n = dini->n, N = dini->N;
  PetscInt       first, last, *cols;
  PetscScalar   *zeros;

  PetscFunctionBegin;
  PetscCall(MatCreateAIJ(PetscObjectComm((PetscObject)dini), n, n, N, N, n, NULL, N - n, NULL, A));
  PetscCall(MatGetOwnershipRange(*A, &first, &last));
  PetscCall(PetscMalloc1(N, &cols));
  PetscCall(PetscCalloc1(N, &zeros));
  for (PetscInt j = 0; j < N; j++) cols[j] = j;
  for (PetscInt i = first; i < last; i++) PetscCall(MatSetValues(*A, 1, &i, N, cols, zeros, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(PetscFree(cols));
  PetscCall(PetscFree(zeros));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniPattern(Dini dini, DiniJacobianWay way, Mat P, Mat *A, const char **why)
{
  PetscBool any;

  PetscFunctionBegin;
  *A   = NULL;
  *why = "the solver has no mesh";
  if (way == DINI_WAY_MESH && dini->ops->pattern) PetscUseTypeMethod(dini, pattern, A);
  else if (way == DINI_WAY_GIVEN) PetscCall(DiniGivenPattern(P, A, why));
  else if (way == DINI_WAY_DENSE) {
    *why = "there are too many unknowns for a difference each (-dini_jacobian_max_columns)";
    if (dini->N <= dini->source.maxcolumns) PetscCall(DiniFullPattern_Private(dini, A));
  }
  if (!*A) PetscFunctionReturn(PETSC_SUCCESS);
  /* what P says of itself need not hold for J */
  PetscCall(MatSetOption(*A, MAT_SYMMETRIC, PETSC_FALSE));
  PetscCall(MatSetOption(*A, MAT_HERMITIAN, PETSC_FALSE));
  PetscCall(DiniOtherLayout_Private(PetscObjectComm((PetscObject)dini), (PetscObject)*A, dini->n, -1, &any));
  if (any) PetscCall(MatDestroy(A));
  *why = "its pattern has another layout than the state";
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniApplyMult(Mat A, Vec x, Vec y)
{
  Dini dini;

  PetscFunctionBegin;
  PetscCall(DiniShellContext_Private(A, &dini));
  PetscCall(DiniDifferenceMult_Private(dini, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* source.J at the point, by this way. *J is NULL where there is none such, and *why tells the reason. */
PetscErrorCode DiniDifferenceJacobian_Private(Dini dini, DiniJacobianWay way, Mat P, Mat *J, const char **why)
{
  DiniJacobianSource *s    = &dini->source;
  MPI_Comm            comm = PetscObjectComm((PetscObject)dini);
  PetscErrorCode      failed;
  DiniScheme          scheme;
  Vec                 x;

  PetscFunctionBegin;
  *J   = NULL;
  *why = NULL;
  if (way == DINI_WAY_APPLY) {
    if (!s->J) {
      PetscCall(MatCreateShell(comm, dini->n, dini->n, dini->N, dini->N, dini, &s->J));
      PetscCall(MatShellSetOperation(s->J, MATOP_MULT, (void (*)(void))DiniApplyMult));
    }
    PetscCall(PetscObjectStateIncrease((PetscObject)s->J));
    *J = s->J;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (!s->coloring) {
    PetscCall(DiniPattern(dini, way, P, &s->J, why));
    if (!s->J) PetscFunctionReturn(PETSC_SUCCESS);
    PetscCall(DiniColoringCreate_Private(dini, s->J, dini->u, "J", &s->coloring));
  }
  PetscCall(VecDuplicate(dini->u, &x));
  failed = DiniStateScheme_Private(dini, x, &scheme);
  if (!failed) failed = DiniColoringFill_Private(dini, s->coloring, &scheme, dini->u, s->J, NULL, NULL);
  PetscCall(VecDestroy(&x));
  PetscCall(failed);
  s->columns = scheme.error;
  s->missed  = scheme.missed;
  s->lost    = scheme.lost;
  dini->stats.jacobian_assemblies++;
  *J = s->J;
  PetscFunctionReturn(PETSC_SUCCESS);
}
