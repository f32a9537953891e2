/* J^H L = Ubar,  Mbar = -F_m^H L, many columns at once */
#include "../private/diniimpl.h"
#include <math.h>

/* One by one, by a type that has its own way; the cotangents are in R */
static PetscErrorCode DiniColumnsVJP(Dini dini, PetscBool conj, Mat R, Mat Mbar, PetscInt first, PetscInt count)
{
  Vec            r, mbar;
  PetscErrorCode failed;

  PetscFunctionBegin;
  for (PetscInt j = 0; j < count; j++) {
    PetscCall(MatDenseGetColumnVecRead(R, j, &r));
    PetscCall(MatDenseGetColumnVecWrite(Mbar, first + j, &mbar));
    failed = (*dini->ops->vjp)(dini, r, mbar);
    if (conj) PetscCall(VecConjugate(mbar));
    PetscCall(MatDenseRestoreColumnVecWrite(Mbar, first + j, &mbar));
    PetscCall(MatDenseRestoreColumnVecRead(R, j, &r));
    PetscCall(failed);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* column = -F_m^H x, or its conjugate */
static PetscErrorCode DiniColumnVJP(Dini dini, PetscBool conj, Mat X, PetscInt j, Vec column)
{
  PetscFunctionBegin;
  PetscCall(DiniGetColumn_Private(X, j, dini->lambda));
  PetscCall(DiniParameterApplyAdjoint_Private(dini, dini->lambda, column));
  PetscCall(VecScale(column, -1.0));
  if (conj) PetscCall(VecConjugate(column));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* conj: the plain transpose, as the conjugate of the rule on conjugates */
PetscErrorCode DiniRuleMatVJP_Private(Dini dini, PetscBool conj, const DiniBlock *block, PetscBool *all)
{
  const PetscInt first = block->first, count = block->count;
  const Mat      Mbar = block->out, R = block->R, X = block->X;
  Vec            mbar;
  PetscBool     *good;
  PetscErrorCode failed;

  PetscFunctionBegin;
  *all = PETSC_TRUE;
  PetscCall(PetscMalloc1(count, &good));
  for (PetscInt j = 0; j < count; j++) {
    PetscCall(DiniGetColumn_Private(block->in, first + j, dini->r));
    PetscCall(DiniSetColumn_Private(R, j, conj, dini->r));
  }
  if (dini->ops->vjp) {
    PetscCall(PetscFree(good));
    PetscCall(DiniColumnsVJP(dini, conj, R, Mbar, first, count));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  failed = DiniLinearMatSolve_Private(dini, DINI_ADJOINT, R, X, good);
  for (PetscInt j = 0; j < count && !failed; j++) {
    PetscCall(MatDenseGetColumnVecWrite(Mbar, first + j, &mbar));
    if (good[j]) failed = DiniColumnVJP(dini, conj, X, j, mbar);
    else {
      *all = PETSC_FALSE;
      PetscCall(VecSet(mbar, NAN)); /* keep a lambda of NaN away from the application's code */
    }
    PetscCall(MatDenseRestoreColumnVecWrite(Mbar, first + j, &mbar));
  }
  PetscCall(PetscFree(good));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}
