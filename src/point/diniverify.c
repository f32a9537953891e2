/* The application's own linear solves where nobody knows J: held against differences of F. */
#include "../private/diniimpl.h"
#include "../private/dinistepsimpl.h"

/* error: not NULL: by several steps, and what they are good to */
static PetscErrorCode DiniDifferenceProduct(Dini dini, Vec v, Vec y, PetscReal *error)
{
  PetscReal      relative, own;
  DiniScheme     scheme;
  DiniColumn     column = {0};
  PetscErrorCode failed;
  Vec            x;

  PetscFunctionBegin;
  PetscCall(
      DiniRelativeSize_Private(v, dini->beside ? dini->sized : dini->u, DINI_NOUGHT, PETSC_MAX_REAL, &relative, &own));
  PetscCall(VecSet(y, 0.0));
  if (relative == 0.0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecDuplicate(dini->u, &x));
  failed = DiniStateScheme_Private(dini, x, &scheme);
  if (!failed) {
    DiniColumnStart_Private(&scheme, scheme.step / relative, own > 0.0 ? 1.0 / own : 0.0, &column);
    column.entry = PETSC_FALSE;
    failed       = DiniDifferenceAlong_Private(dini, &scheme, v, &column, y);
    if (!failed && error && column.kept && column.usedformula == DINI_FORMULA_CENTRAL)
      DiniColumnSuspect_Private(&column);
    else if (!failed) (void)DiniColumnInsensitive_Private(&column);
    if (!failed && column.pending) failed = DiniRefineAlong_Private(dini, &scheme, NULL, v, &column, y);
  }
  PetscCall(VecDestroy(&x));
  PetscCall(failed);
  if (column.failed) PetscCall(DiniColumnFailed_Private(dini, &scheme, -1, 0.0, column.h));
  if (error) *error = column.error;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = J v by a central difference of F; work in dini->w */
PetscErrorCode DiniDifferenceMult_Private(Dini dini, Vec v, Vec y)
{
  PetscFunctionBegin;
  PetscCall(DiniDifferenceProduct(dini, v, y, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same as well as can be, and what it is good to, relative */
PetscErrorCode DiniDifferenceBest_Private(Dini dini, Vec v, Vec y, PetscReal *error)
{
  PetscFunctionBegin;
  *error = 0.0;
  PetscCall(DiniDifferenceProduct(dini, v, y, error));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An estimate of |b - J x| / |b|, or of |b - J^H x| / |b| by <v, b> - <J v, x> for a random v */
PetscErrorCode DiniVerifyUser_Private(Dini dini, DiniDirection direction, Vec b, Vec x, PetscReal bnorm,
                                      PetscReal *relative)
{
  Vec         v = NULL, Jv;
  PetscScalar left, right;
  PetscReal   vnorm;

  PetscFunctionBegin;
  PetscCall(VecDuplicate(b, &Jv));
  if (direction == DINI_TANGENT) {
    PetscCall(DiniDifferenceMult_Private(dini, x, Jv));
    PetscCall(VecAXPY(Jv, -1.0, b));
    PetscCall(DiniNorm_Private(Jv, relative));
    *relative /= bnorm;
  } else {
    PetscCall(VecDuplicate(b, &v));
    PetscCall(DiniRandomDirection_Private(dini, 6, dini->u, v));
    PetscCall(DiniDifferenceMult_Private(dini, v, Jv));
    PetscCall(VecDot(v, b, &left));   /* <v, b> = b^H v */
    PetscCall(VecDot(Jv, x, &right)); /* <J v, x> = x^H J v */
    PetscCall(DiniNorm_Private(v, &vnorm));
    /* a random v sees 1 / sqrt(N) of a residual vector */
    *relative = PetscSqrtReal((PetscReal)dini->N) * PetscAbsScalar(left - right) / (bnorm * vnorm);
  }
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&Jv));
  PetscFunctionReturn(PETSC_SUCCESS);
}
