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

/* dini->r = -F_m dm / unit */
static PetscErrorCode DiniRightHandSide(Dini dini, Vec dm, PetscReal *unit)
{
  Vec            scaled;
  PetscBool      zero;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(DiniTakeUnit_Private(dm, unit, &scaled));
  failed = DiniParameterApply_Private(dini, scaled, dini->r, &zero);
  PetscCall(DiniReturnUnit_Private(dm, &scaled));
  PetscCall(failed);
  PetscCall(VecScale(dini->r, -1.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniBlockJVP(Dini dini, const DiniBlock *block, PetscReal unit[], PetscBool *all)
{
  const PetscInt first = block->first, count = block->count;
  Vec            dm;
  PetscBool     *good;
  PetscErrorCode failed;

  PetscFunctionBegin;
  for (PetscInt j = 0; j < count; j++) {
    PetscCall(MatDenseGetColumnVecRead(block->in, first + j, &dm));
    failed = DiniRightHandSide(dini, dm, &unit[j]);
    PetscCall(MatDenseRestoreColumnVecRead(block->in, first + j, &dm));
    PetscCall(failed);
    PetscCall(DiniSetColumn_Private(block->R, j, PETSC_FALSE, dini->r));
  }
  PetscCall(PetscMalloc1(count, &good));
  failed = DiniLinearMatSolve_Private(dini, DINI_TANGENT, block->R, block->X, good);
  for (PetscInt j = 0; j < count && !failed; j++)
    if (!good[j]) *all = PETSC_FALSE; /* it is NaN already */
  PetscCall(PetscFree(good));
  PetscCall(failed);
  for (PetscInt j = 0; j < count; j++) {
    PetscCall(DiniGetColumn_Private(block->X, j, dini->r));
    PetscCall(DiniScaleBack_Private(dini, unit[j], dini->r, "A column of the result dU"));
    PetscCall(DiniSetColumn_Private(block->out, first + j, PETSC_FALSE, dini->r));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* good: is each column a derivative? */
PetscErrorCode DiniRuleMatJVP_Private(Dini dini, const DiniBlock *block, PetscBool *good)
{
  PetscReal     *unit;
  PetscErrorCode failed;

  PetscFunctionBegin;
  *good = PETSC_TRUE;
  if (dini->ops->jvp) {
    PetscCall(DiniColumnsJVP(dini, block->in, block->out, block->first, block->count));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscMalloc1(block->count, &unit));
  failed = DiniBlockJVP(dini, block, unit, good);
  PetscCall(PetscFree(unit));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}
