/*
  J by central differences of F, where nobody gives one that is dF/du: coloured on a pattern, column by column (a full
  pattern, as many colours as columns), or applied only. Pattern and colouring are made once and serve at all points.
*/
#include "../private/diniimpl.h"

/* F(u + h) - F(u - h), to be divided by 2 h */
static PetscErrorCode DiniStateDifference(Dini dini, void *ctx, Vec h, Vec dF, PetscReal *divisor)
{
  Vec x = (Vec)ctx;

  PetscFunctionBegin;
  PetscCall(VecWAXPY(x, 1.0, h, dini->u));
  PetscCall(DiniResidual_Private(dini, x, dF, NULL));
  PetscCall(VecWAXPY(x, -1.0, h, dini->u));
  PetscCall(DiniResidual_Private(dini, x, dini->w[0], NULL));
  PetscCall(VecAXPY(dF, -1.0, dini->w[0]));
  *divisor = 2.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* h_j = eps^(1/3) max(|u_j|, |u|_inf / 10), exact in u_j + h_j: the rule of the parameters */
PetscErrorCode DiniStateSteps_Private(Dini dini, Vec h)
{
  const PetscReal    relative = PetscPowReal(PETSC_MACHINE_EPSILON, 1.0 / 3.0);
  PetscReal          largest;
  const PetscScalar *u;
  PetscScalar       *a;

  PetscFunctionBegin;
  PetscCall(DiniNormMax_Private(dini->u, &largest));
  PetscCall(VecGetArrayRead(dini->u, &u));
  PetscCall(VecGetArray(h, &a));
  for (PetscInt j = 0; j < dini->n; j++) {
    const PetscReal    size    = largest > 0.0 ? PetscMax(PetscAbsScalar(u[j]), 0.1 * largest) : 1.0;
    const PetscReal    uj      = PetscRealPart(u[j]);
    volatile PetscReal shifted = uj + relative * size; /* volatile: extended precision must not hide the rounding */

    a[j] = shifted - uj;
  }
  PetscCall(VecRestoreArray(h, &a));
  PetscCall(VecRestoreArrayRead(dini->u, &u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

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

static PetscErrorCode DiniFullPattern(Dini dini, Mat *A, const char **why)
{
  const PetscInt n = dini->n, N = dini->N;
  PetscInt       first, last, *cols;
  PetscScalar   *zeros;

  PetscFunctionBegin;
  *why = "there are too many unknowns for a difference each (-dini_jacobian_max_columns)";
  if (N > dini->source.maxcolumns) PetscFunctionReturn(PETSC_SUCCESS);
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
  PetscInt  n = dini->n;
  PetscBool wrong, any;

  PetscFunctionBegin;
  *A   = NULL;
  *why = "the solver has no mesh";
  if (way == DINI_WAY_MESH && dini->ops->pattern) PetscUseTypeMethod(dini, pattern, A);
  else if (way == DINI_WAY_GIVEN) PetscCall(DiniGivenPattern(P, A, why));
  else if (way == DINI_WAY_DENSE) PetscCall(DiniFullPattern(dini, A, why));
  if (!*A) PetscFunctionReturn(PETSC_SUCCESS);
  /* what P says of itself need not hold for J */
  PetscCall(MatSetOption(*A, MAT_SYMMETRIC, PETSC_FALSE));
  PetscCall(MatSetOption(*A, MAT_HERMITIAN, PETSC_FALSE));
  PetscCall(MatGetLocalSize(*A, &n, NULL));
  wrong = (PetscBool)(n != dini->n);
  PetscCall(MPIU_Allreduce(&wrong, &any, 1, DINI_MPI_BOOL, MPI_LOR, PetscObjectComm((PetscObject)dini)));
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
  PetscCall(DiniStateSteps_Private(dini, DiniColoringSteps_Private(s->coloring)));
  PetscCall(VecDuplicate(dini->u, &x));
  failed = DiniColoringFill_Private(dini, s->coloring, DiniStateDifference, x, s->J, NULL, NULL);
  PetscCall(VecDestroy(&x));
  PetscCall(failed);
  dini->stats.jacobian_assemblies++;
  *J = s->J;
  PetscFunctionReturn(PETSC_SUCCESS);
}
