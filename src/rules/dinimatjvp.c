/* J dU = -F_m dM, many columns at once */
#include "../private/diniimpl.h"

/* One by one, by a type that has its own way */
static PetscErrorCode DiniColumnsJVP(Dini dini, Mat dM, Mat dU, PetscInt first, PetscInt count)
{
  Vec            dm, du;
  PetscErrorCode failed;

  PetscFunctionBegin;
  for (PetscInt j = first; j < first + count; j++) {
    PetscCall(MatDenseGetColumnVecRead(dM, j, &dm));
    PetscCall(MatDenseGetColumnVecWrite(dU, j, &du));
    failed = (*dini->ops->jvp)(dini, dm, du);
    PetscCall(MatDenseRestoreColumnVecWrite(dU, j, &du));
    PetscCall(MatDenseRestoreColumnVecRead(dM, j, &dm));
    PetscCall(failed);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniBlockJVP(Dini dini, Mat dM, Mat dU, PetscInt first, PetscInt count, Mat R, Mat X,
                                   PetscBool good[])
{
  Vec            dm;
  PetscBool      zero;
  PetscErrorCode failed;

  PetscFunctionBegin;
  for (PetscInt j = 0; j < count; j++) {
    PetscCall(MatDenseGetColumnVecRead(dM, first + j, &dm));
    failed = DiniParameterApply_Private(dini, dm, dini->r, &zero);
    PetscCall(MatDenseRestoreColumnVecRead(dM, first + j, &dm));
    PetscCall(failed);
    PetscCall(VecScale(dini->r, -1.0));
    PetscCall(DiniSetColumn_Private(R, j, PETSC_FALSE, dini->r));
  }
  PetscCall(DiniEngineMatSolve_Private(dini, DINI_TANGENT, R, X, good));
  for (PetscInt j = 0; j < count; j++) { /* what has failed is NaN already */
    PetscCall(DiniGetColumn_Private(X, j, dini->r));
    PetscCall(DiniSetColumn_Private(dU, first + j, PETSC_FALSE, dini->r));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Columns first to first + count - 1 of dM and dU; R and X are count columns of work with the layout of the state */
PetscErrorCode DiniRuleMatJVP_Private(Dini dini, Mat dM, Mat dU, PetscInt first, PetscInt count, Mat R, Mat X)
{
  PetscBool     *good;
  PetscErrorCode failed;

  PetscFunctionBegin;
  if (dini->ops->jvp) {
    PetscCall(DiniColumnsJVP(dini, dM, dU, first, count));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscMalloc1(count, &good));
  failed = DiniBlockJVP(dini, dM, dU, first, count, R, X, good);
  PetscCall(PetscFree(good));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}
