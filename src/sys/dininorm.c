/* Norms over the whole range of numbers, the same on all ranks, and units that keep what is solved for inside it. */
#include "../private/diniimpl.h"
#include <math.h>

#define DINI_SQUARE_MIN 1e-200 /* of sums of squares: outside, some of the squares may have under- or overflown */
#define DINI_SQUARE_MAX 1e250
#define DINI_SHIFT      600   /* powers of two */
#define DINI_UNIT_MIN   1e-30 /* of right-hand sides: a KSP has an absolute tolerance, of 1e-50 */
#define DINI_UNIT_MAX   1e100
#define DINI_UNIT_SHIFT 1000

/* |2^shift v| 2^-shift */
static PetscErrorCode DiniShiftedNorm(Vec v, int shift, PetscReal *norm)
{
  PetscScalar dot;
  Vec         copy;

  PetscFunctionBegin;
  PetscCall(VecDuplicate(v, &copy));
  PetscCall(VecCopy(v, copy));
  PetscCall(VecScale(copy, ldexp(1.0, shift)));
  PetscCall(VecDot(copy, copy, &dot));
  PetscCall(VecDestroy(&copy));
  *norm = PetscSqrtReal(PetscRealPart(dot));
  if (!PetscIsInfOrNanReal(*norm)) *norm = ldexp(PetscMin(*norm, ldexp(PETSC_MAX_REAL, shift)), -shift);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  |v| without VecNorm()'s cache. PETSc keeps a norm as long as the object state stands, and the state counts what this rank
  did: where one rank alone has touched v, some ranks would reduce and the others would not. Squares that may have under- or
  overflown are taken again, of numbers nearer to one.
*/
PetscErrorCode DiniNorm_Private(Vec v, PetscReal *norm)
{
  PetscScalar dot;
  PetscReal   square;

  PetscFunctionBegin;
  PetscCall(VecDot(v, v, &dot));
  square = PetscRealPart(dot);
  *norm  = PetscSqrtReal(square);
  if (square < DINI_SQUARE_MIN) PetscCall(DiniShiftedNorm(v, DINI_SHIFT, norm));
  else if (!(square < DINI_SQUARE_MAX)) PetscCall(DiniShiftedNorm(v, -DINI_SHIFT, norm)); /* NaN too */
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniNormMax_Private(Vec v, PetscReal *norm)
{
  const PetscScalar *a;
  PetscInt           n;
  PetscReal          mine = 0.0;

  PetscFunctionBegin;
  PetscCall(VecGetLocalSize(v, &n));
  PetscCall(VecGetArrayRead(v, &a));
  for (PetscInt i = 0; i < n; i++)
    if (!(PetscAbsScalar(a[i]) <= mine))
      mine = PetscAbsScalar(a[i]) == PetscAbsScalar(a[i]) ? PetscAbsScalar(a[i]) : PETSC_INFINITY; /* NaN */
  PetscCall(VecRestoreArrayRead(v, &a));
  PetscCall(MPIU_Allreduce(&mine, norm, 1, MPIU_REAL, MPIU_MAX, PetscObjectComm((PetscObject)v)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The norm is collective, so every rank sees the NaN of one. */
PetscErrorCode DiniCheckFinite_Private(Dini dini, Vec v, const char what[], PetscReal *norm)
{
  PetscReal nrm = 0.0;

  PetscFunctionBegin;
  PetscCall(DiniNorm_Private(v, &nrm));
  if (PetscIsInfOrNanReal(nrm)) dini->reason = DINI_DIVERGED_NAN;
  PetscCheck(!PetscIsInfOrNanReal(nrm), PetscObjectComm((PetscObject)dini), PETSC_ERR_FP,
             "%s: %s has NaN or Inf in it; -fp_trap stops where the first one arises", DiniLabel_Private(dini), what);
  if (norm) *norm = nrm;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Entries of this rank's rows; squares of finite ones may overflow in a norm */
static PetscErrorCode DiniRowsFinite(Mat A, PetscBool *finite)
{
  PetscInt lo, hi;

  PetscFunctionBegin;
  PetscCall(MatGetOwnershipRange(A, &lo, &hi));
  for (PetscInt i = lo; i < hi && *finite; i++) {
    const PetscScalar *values;
    PetscInt           n;

    PetscCall(MatGetRow(A, i, &n, NULL, &values));
    for (PetscInt k = 0; k < n; k++)
      if (PetscIsInfOrNanScalar(values[k])) *finite = PETSC_FALSE;
    PetscCall(MatRestoreRow(A, i, &n, NULL, &values));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same of a matrix that has entries; one without a norm tells in its products only */
PetscErrorCode DiniCheckMatFinite_Private(Dini dini, Mat A, const char what[])
{
  PetscBool normed, rows, mine = PETSC_TRUE, finite;
  PetscReal norm = 0.0;

  PetscFunctionBegin;
  PetscCall(MatHasOperation(A, MATOP_NORM, &normed));
  PetscCall(MatHasOperation(A, MATOP_GET_ROW, &rows));
  if (normed) PetscCall(MatNorm(A, NORM_FROBENIUS, &norm));
  if (!PetscIsInfOrNanReal(norm)) PetscFunctionReturn(PETSC_SUCCESS);
  if (rows) PetscCall(DiniRowsFinite(A, &mine));
  else mine = (PetscBool)!PetscIsNanReal(norm);
  PetscCall(MPIU_Allreduce(&mine, &finite, 1, DINI_MPI_BOOL, MPI_LAND, PetscObjectComm((PetscObject)dini)));
  if (!finite) dini->reason = DINI_DIVERGED_NAN;
  PetscCheck(finite, PetscObjectComm((PetscObject)dini), PETSC_ERR_FP,
             "%s: %s has NaN or Inf in it; -fp_trap stops where the first one arises", DiniLabel_Private(dini), what);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A power of two near the norm of a right-hand side where that is far from one, else one */
PetscReal DiniUnit_Private(PetscReal norm)
{
  int exponent;

  if (norm == 0.0 || PetscIsInfOrNanReal(norm) || (norm >= DINI_UNIT_MIN && norm <= DINI_UNIT_MAX)) return 1.0;
  (void)frexp((double)norm, &exponent);
  return ldexp(1.0, PetscMax(-DINI_UNIT_SHIFT, PetscMin(DINI_UNIT_SHIFT, exponent)));
}

/* *scaled = v / unit: v itself, or a copy; derivatives are linear. See DiniReturnUnit_Private() */
PetscErrorCode DiniTakeUnit_Private(Vec v, PetscReal *unit, Vec *scaled)
{
  PetscReal norm;

  PetscFunctionBegin;
  PetscCall(DiniNorm_Private(v, &norm));
  *unit   = DiniUnit_Private(norm);
  *scaled = v;
  if (*unit == 1.0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecDuplicate(v, scaled));
  PetscCall(VecCopy(v, *scaled));
  PetscCall(VecScale(*scaled, 1.0 / *unit));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Drops the copy that DiniTakeUnit_Private() may have made of v */
PetscErrorCode DiniReturnUnit_Private(Vec v, Vec *scaled)
{
  PetscFunctionBegin;
  if (*scaled != v) PetscCall(VecDestroy(scaled));
  *scaled = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x = unit x, which may be beyond the largest number */
PetscErrorCode DiniScaleBack_Private(Dini dini, PetscReal unit, Vec x, const char what[])
{
  PetscReal largest;

  PetscFunctionBegin;
  if (unit == 1.0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniNormMax_Private(x, &largest));
  PetscCheck(unit < 1.0 || largest >= PETSC_INFINITY || largest <= PETSC_MAX_REAL / unit,
             PetscObjectComm((PetscObject)dini), PETSC_ERR_FP,
             "%s: %s overflows: an entry of it would be %g times %g, and the largest number is %g. Derivatives are "
             "linear: scale what is handed in down, and what comes out up",
             DiniLabel_Private(dini), what, (double)largest, (double)unit, (double)PETSC_MAX_REAL);
  PetscCall(VecScale(x, unit));
  PetscFunctionReturn(PETSC_SUCCESS);
}
