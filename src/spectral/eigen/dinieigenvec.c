/* Complex vectors in either build: one Vec in complex builds, real and imaginary parts where a real build needs them. */
#include "../../private/dinieigenimpl.h"

PetscErrorCode DiniEigenVecCreate_Private(Vec like, PetscBool split, DiniEigenVec *v)
{
  PetscFunctionBegin;
  v->i = NULL;
  PetscCall(VecDuplicate(like, &v->r));
  PetscCall(VecSet(v->r, 0.0));
  if (split) {
    PetscCall(VecDuplicate(like, &v->i));
    PetscCall(VecSet(v->i, 0.0));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEigenVecDestroy_Private(DiniEigenVec *v)
{
  PetscFunctionBegin;
  PetscCall(VecDestroy(&v->r));
  PetscCall(VecDestroy(&v->i));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEigenVecCopy_Private(DiniEigenVec from, DiniEigenVec to)
{
  PetscFunctionBegin;
  PetscCall(VecCopy(from.r, to.r));
  if (to.i && from.i) PetscCall(VecCopy(from.i, to.i));
  else if (to.i) PetscCall(VecSet(to.i, 0.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEigenVecScale_Private(DiniEigenVec v, DiniComplex a)
{
  Vec w;

  PetscFunctionBegin;
  if (!v.i) {
    PetscCall(VecScale(v.r, DiniCxScalar(a)));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(VecDuplicate(v.r, &w));
  PetscCall(VecCopy(v.r, w));
  PetscCall(VecAXPBY(v.r, -a.im, a.re, v.i));
  PetscCall(VecAXPBY(v.i, a.im, a.re, w));
  PetscCall(VecDestroy(&w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y += a x */
PetscErrorCode DiniEigenVecAXPY_Private(DiniEigenVec y, DiniComplex a, DiniEigenVec x)
{
  PetscFunctionBegin;
  PetscCall(VecAXPY(y.r, DiniCxScalar(a), x.r));
  if (!y.i) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecAXPY(y.i, a.im, x.r));
  if (x.i) {
    PetscCall(VecAXPY(y.r, -a.im, x.i));
    PetscCall(VecAXPY(y.i, a.re, x.i));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniRealDot_Eigen(Vec x, Vec y, PetscReal *dot)
{
  PetscScalar d = 0.0;

  PetscFunctionBegin;
  if (x && y) PetscCall(VecDot(x, y, &d));
  *dot = PetscRealPart(d);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y^H x */
PetscErrorCode DiniEigenVecDot_Private(DiniEigenVec x, DiniEigenVec y, DiniComplex *dot)
{
  PetscFunctionBegin;
  if (PetscDefined(USE_COMPLEX)) {
    PetscScalar d;

    PetscCall(VecDot(x.r, y.r, &d));
    *dot = DiniCx(PetscRealPart(d), PetscImaginaryPart(d));
  } else {
    PetscReal rr = 0.0, ii = 0.0, ri = 0.0, ir = 0.0;

    PetscCall(DiniRealDot_Eigen(x.r, y.r, &rr));
    PetscCall(DiniRealDot_Eigen(x.i, y.i, &ii));
    PetscCall(DiniRealDot_Eigen(x.i, y.r, &ir));
    PetscCall(DiniRealDot_Eigen(x.r, y.i, &ri));
    *dot = DiniCx(rr + ii, ir - ri);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEigenVecNorm_Private(DiniEigenVec v, PetscReal *norm)
{
  PetscReal r, i = 0.0;

  PetscFunctionBegin;
  PetscCall(DiniNorm_Private(v.r, &r));
  if (v.i) PetscCall(DiniNorm_Private(v.i, &i));
  *norm = PetscSqrtReal(r * r + i * i);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Both parts in one vector that has, on each rank, first the real and then the imaginary entries */
PetscErrorCode DiniEigenVecJoin_Private(DiniEigenVec v, Vec joined)
{
  const PetscScalar *part;
  PetscScalar       *a;
  PetscInt           n;

  PetscFunctionBegin;
  if (!v.i) {
    PetscCall(VecCopy(v.r, joined));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(VecGetLocalSize(v.r, &n));
  PetscCall(VecGetArray(joined, &a));
  PetscCall(VecGetArrayRead(v.r, &part));
  PetscCall(PetscArraycpy(a, part, n));
  PetscCall(VecRestoreArrayRead(v.r, &part));
  PetscCall(VecGetArrayRead(v.i, &part));
  PetscCall(PetscArraycpy(a + n, part, n));
  PetscCall(VecRestoreArrayRead(v.i, &part));
  PetscCall(VecRestoreArray(joined, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEigenVecSplit_Private(Vec joined, DiniEigenVec v)
{
  const PetscScalar *a;
  PetscScalar       *part;
  PetscInt           n;

  PetscFunctionBegin;
  if (!v.i) {
    PetscCall(VecCopy(joined, v.r));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(VecGetLocalSize(v.r, &n));
  PetscCall(VecGetArrayRead(joined, &a));
  PetscCall(VecGetArray(v.r, &part));
  PetscCall(PetscArraycpy(part, a, n));
  PetscCall(VecRestoreArray(v.r, &part));
  PetscCall(VecGetArray(v.i, &part));
  PetscCall(PetscArraycpy(part, a + n, n));
  PetscCall(VecRestoreArray(v.i, &part));
  PetscCall(VecRestoreArrayRead(joined, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniSizes_Eigen(DiniEigenVec v, const PetscScalar **r, const PetscScalar **i, PetscInt *lo,
                                      PetscInt *n)
{
  PetscFunctionBegin;
  PetscCall(VecGetOwnershipRange(v.r, lo, NULL));
  PetscCall(VecGetLocalSize(v.r, n));
  PetscCall(VecGetArrayRead(v.r, r));
  *i = NULL;
  if (v.i) PetscCall(VecGetArrayRead(v.i, i));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Makes the largest entry of v real and positive. Among entries equal to a thousandth the first counts, so that rounding and
  the number of ranks do not decide.
*/
PetscErrorCode DiniEigenVecPhase_Private(DiniEigenVec v)
{
  const PetscScalar *r, *i;
  PetscReal          size, mine = 0.0, largest, entry[2] = {0.0, 0.0}, found[2];
  PetscInt           lo, n, first = PETSC_MAX_INT, firstof;

  PetscFunctionBegin;
  PetscCall(DiniSizes_Eigen(v, &r, &i, &lo, &n));
  for (PetscInt j = 0; j < n; j++) mine = PetscMax(mine, DiniCxAbs(DiniCxOf(r[j], i ? i[j] : 0.0)));
  PetscCall(MPIU_Allreduce(&mine, &largest, 1, MPIU_REAL, MPIU_MAX, PetscObjectComm((PetscObject)v.r)));
  for (PetscInt j = 0; j < n && first == PETSC_MAX_INT; j++)
    if (DiniCxAbs(DiniCxOf(r[j], i ? i[j] : 0.0)) >= 0.999 * largest) first = lo + j;
  PetscCall(MPIU_Allreduce(&first, &firstof, 1, MPIU_INT, MPI_MIN, PetscObjectComm((PetscObject)v.r)));
  if (first == firstof && n) {
    const DiniComplex z = DiniCxOf(r[first - lo], i ? i[first - lo] : 0.0);

    entry[0] = z.re;
    entry[1] = z.im;
  }
  PetscCall(VecRestoreArrayRead(v.r, &r));
  if (v.i) PetscCall(VecRestoreArrayRead(v.i, &i));
  PetscCall(MPIU_Allreduce(entry, found, 2, MPIU_REAL, MPIU_SUM, PetscObjectComm((PetscObject)v.r)));
  size = DiniCxAbs(DiniCx(found[0], found[1]));
  if (size > 0.0) PetscCall(DiniEigenVecScale_Private(v, DiniCx(found[0] / size, -found[1] / size)));
  PetscFunctionReturn(PETSC_SUCCESS);
}
