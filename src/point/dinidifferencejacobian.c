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

#define THIN_DROPS 1e-14 /* of a column: entries that SNESComputeJacobianDefault() does not store */
#define THIN_LOST  1e-8  /* of a row: what may be missing there */

/*
  A matrix of PETSc's differences for each column lacks what is small in its column, whatever it is in its row. Does it have
  entries for all that matters, by the sizes of its columns and rows?
*/
PetscErrorCode DiniThinPattern_Private(Dini dini, Mat P, PetscBool *serves, const char **why)
{
  PetscReal          ends[2] = {0.0, -PETSC_MAX_REAL}, *norms, *sizes; /* of the largest column, of the smallest row */
  const PetscScalar *y[2];
  PetscInt           first;
  Vec                v, rows[2];

  PetscFunctionBegin;
  *why = "PETSc's differences store no entry below 1e-14 of its column, which may be much of a row of small numbers "
         "(-dini_jacobian_max_columns allows for a difference each)";
  PetscCall(PetscMalloc2(dini->N, &norms, dini->n, &sizes));
  PetscCall(MatGetColumnNorms(P, NORM_INFINITY, norms));
  PetscCall(DiniSizes_Private(dini->u, DINI_NOUGHT, sizes));
  PetscCall(VecDuplicate(dini->u, &v));
  for (int k = 0; k < 2; k++) { /* since one product may cancel by chance */
    PetscCall(VecDuplicate(dini->u, &rows[k]));
    PetscCall(DiniGroupDirection_Private(dini, k ? 13 : 1, v));
    PetscCall(MatMult(P, v, rows[k]));
    PetscCall(VecGetArrayRead(rows[k], &y[k]));
  }
  PetscCall(VecGetOwnershipRange(dini->u, &first, NULL));
  for (PetscInt i = 0; i < dini->n; i++) {
    ends[0] = PetscMax(ends[0], norms[first + i] * sizes[i]);
    ends[1] = PetscMax(ends[1], -PetscMax(PetscAbsScalar(y[0][i]), PetscAbsScalar(y[1][i])));
  }
  for (int k = 0; k < 2; k++) {
    PetscCall(VecRestoreArrayRead(rows[k], &y[k]));
    PetscCall(VecDestroy(&rows[k]));
  }
  PetscCall(VecDestroy(&v));
  PetscCall(PetscFree2(norms, sizes));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, ends, 2, MPIU_REAL, MPIU_MAX, PetscObjectComm((PetscObject)dini)));
  *serves = (PetscBool)(THIN_DROPS * ends[0] <= THIN_LOST * -ends[1]);
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

/* Nothing for few unknowns, where a difference each comes next, and nothing is left out */
static PetscErrorCode DiniThinServes(Dini dini, Mat P, Mat *A, const char **why)
{
  const PetscBool few    = (PetscBool)(dini->source.type == DINI_JACOBIAN_AUTO && dini->N <= dini->source.maxcolumns);
  PetscBool       serves = PETSC_FALSE;

  PetscFunctionBegin;
  *why = "PETSc's differences leave small entries out of it, and a difference for each column none";
  if (!few) PetscCall(DiniThinPattern_Private(dini, P, &serves, why));
  if (!serves) PetscCall(MatDestroy(A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniPattern(Dini dini, DiniJacobianWay way, Mat P, Mat *A, const char **why)
{
  PetscBool any;

  PetscFunctionBegin;
  *A   = NULL;
  *why = "the solver has no mesh";
  if (way == DINI_WAY_MESH && dini->ops->pattern) PetscUseTypeMethod(dini, pattern, A);
  else if (way == DINI_WAY_GIVEN) {
    PetscCall(DiniGivenPattern(P, A, why));
    if (*A && dini->source.thin) PetscCall(DiniThinServes(dini, P, A, why));
  } else if (way == DINI_WAY_DENSE) {
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

/* Has J entries that are known to be missing in the matrix of the forward solver? */
PetscBool DiniJacobianFuller_Private(Dini dini)
{
  const DiniJacobianSource *s = &dini->source;

  return (PetscBool)(s->used != DINI_JACOBIAN_GIVEN && s->way == DINI_WAY_DENSE && (s->thin || s->strict));
}
