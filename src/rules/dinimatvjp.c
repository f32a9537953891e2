/* J^H L = Ubar,  Mbar = -F_m^H L, many columns at once */
#include "../private/diniimpl.h"
#include <math.h>

/* One by one, by a type that has its own way; the cotangents are in R */
static PetscErrorCode DiniColumnsVJP(Dini dini, PetscBool conj, Mat R, Mat Mbar, PetscInt first, PetscInt count)
{
  Vec r, mbar;

  PetscFunctionBegin;
  for (PetscInt j = 0; j < count; j++) {
    PetscCall(MatDenseGetColumnVecRead(R, j, &r));
    PetscCall(MatDenseGetColumnVecWrite(Mbar, first + j, &mbar));
    PetscUseTypeMethod(dini, vjp, r, mbar);
    if (conj) PetscCall(VecConjugate(mbar));
    PetscCall(MatDenseRestoreColumnVecWrite(Mbar, first + j, &mbar));
    PetscCall(MatDenseRestoreColumnVecRead(R, j, &r));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* conj: the plain transpose, as the conjugate of the rule on conjugates. R and X as in DiniRuleMatJVP_Private() */
PetscErrorCode DiniRuleMatVJP_Private(Dini dini, PetscBool conj, Mat Ubar, Mat Mbar, PetscInt first, PetscInt count,
                                      Mat R, Mat X)
{
  Vec        mbar;
  PetscBool *good;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(count, &good));
  for (PetscInt j = 0; j < count; j++) {
    PetscCall(DiniGetColumn_Private(Ubar, first + j, dini->r));
    PetscCall(DiniSetColumn_Private(R, j, conj, dini->r));
  }
  if (dini->ops->vjp) {
    PetscCall(PetscFree(good));
    PetscCall(DiniColumnsVJP(dini, conj, R, Mbar, first, count));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(DiniEngineMatSolve_Private(dini, DINI_ADJOINT, R, X, good));
  for (PetscInt j = 0; j < count; j++) {
    PetscCall(MatDenseGetColumnVecWrite(Mbar, first + j, &mbar));
    if (good[j]) {
      PetscCall(DiniGetColumn_Private(X, j, dini->lambda));
      PetscCall(DiniParameterApplyAdjoint_Private(dini, dini->lambda, mbar));
      PetscCall(VecScale(mbar, -1.0));
      if (conj) PetscCall(VecConjugate(mbar));
    } else PetscCall(VecSet(mbar, NAN)); /* keep a lambda of NaN away from the application's code */
    PetscCall(MatDenseRestoreColumnVecWrite(Mbar, first + j, &mbar));
  }
  PetscCall(PetscFree(good));
  PetscFunctionReturn(PETSC_SUCCESS);
}
