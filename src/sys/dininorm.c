/* Norms over the whole range of numbers, the same on all ranks, and units that keep what is solved for inside it. */
#include "../private/diniimpl.h"
#include <math.h>

#define DINI_LARGE      1e140  /* squares of numbers beyond this, or below its inverse, are summed apart */
#define DINI_SHIFT      600    /* powers of two */
#define DINI_SQUARE_MIN 1e-250 /* of plain sums of squares: outside, some of the squares may have under- or overflown */
#define DINI_SQUARE_MAX 1e280
#define DINI_UNIT_MIN   1e-30 /* of right-hand sides: a KSP has an absolute tolerance, of 1e-50 */
#define DINI_UNIT_MAX   1e100
#define DINI_UNIT_SHIFT 1000

/* Adds the square of a number to sums of small ones, of others, and of large ones */
void DiniAddSquare_Private(PetscReal a, PetscReal sums[3])
{
  const PetscReal shift = ldexp(1.0, DINI_SHIFT), size = PetscAbsReal(a);

  if (size > DINI_LARGE) sums[2] += (a / shift) * (a / shift);
  else if (size < 1.0 / DINI_LARGE) sums[0] += (a * shift) * (a * shift);
  else sums[1] += a * a; /* NaN too */
}

/* The norm that such sums stand for */
PetscReal DiniRoot_Private(const PetscReal sums[3])
{
  const PetscReal shift = ldexp(1.0, DINI_SHIFT);

  if (isnan(sums[1]) || isinf(sums[2])) return NAN;
  if (sums[2] > 0.0) return PetscMin(PETSC_MAX_REAL / shift, PetscSqrtReal(sums[2] + sums[1] / shift / shift)) * shift;
  return sums[1] > 0.0 ? PetscSqrtReal(sums[1]) : PetscSqrtReal(sums[0]) / shift;
}

/* The plain sum where nothing under- or overflows in it, by four independent ones */
static void SumSquares(const PetscReal *a, PetscCount n, PetscReal sums[3])
{
  PetscReal  s[4] = {0.0}, all;
  PetscCount i    = 0;

  for (; i + 4 <= n; i += 4)
    for (int k = 0; k < 4; k++) s[k] += a[i + k] * a[i + k];
  for (; i < n; i++) s[0] += a[i] * a[i];
  all = (s[0] + s[1]) + (s[2] + s[3]);
  if (all > DINI_SQUARE_MIN && all < DINI_SQUARE_MAX) sums[1] += all;
  else
    for (i = 0; i < n; i++) DiniAddSquare_Private(a[i], sums);
}

/* Adds this rank's squares of v: summed over the ranks they make DiniRoot_Private() the norm of v. A device keeps its numbers. */
PetscErrorCode DiniSquares_Private(Vec v, PetscReal sums[3])
{
  const PetscScalar *a;
  PetscOffloadMask   mask;
  PetscBool          nest;
  PetscInt           n;
  Vec               *parts, local;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)v, VECNEST, &nest));
  if (nest) {
    PetscCall(VecNestGetSubVecs(v, &n, &parts));
    for (PetscInt i = 0; i < n; i++) PetscCall(DiniSquares_Private(parts[i], sums));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(VecGetOffloadMask(v, &mask));
  if (mask == PETSC_OFFLOAD_GPU) {
    PetscScalar dot;

    PetscCall(VecCreateLocalVector(v, &local));
    PetscCall(VecGetLocalVectorRead(v, local));
    PetscCall(VecDot(local, local, &dot));
    PetscCall(VecRestoreLocalVectorRead(v, local));
    PetscCall(VecDestroy(&local));
    if (PetscRealPart(dot) > DINI_SQUARE_MIN && PetscRealPart(dot) < DINI_SQUARE_MAX) {
      sums[1] += PetscRealPart(dot);
      PetscFunctionReturn(PETSC_SUCCESS);
    }
  }
  PetscCall(VecGetLocalSize(v, &n));
  PetscCall(VecGetArrayRead(v, &a));
  SumSquares((const PetscReal *)a, (PetscDefined(USE_COMPLEX) ? 2 : 1) * (PetscCount)n, sums);
  PetscCall(VecRestoreArrayRead(v, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  |v| without VecNorm()'s cache. PETSc keeps a norm as long as the object state stands, and the state counts what this rank
  did: where one rank alone has touched v, some ranks would reduce and the others would not. Squares that may have under- or
  overflown are taken again, of numbers nearer to one.
*/
PetscErrorCode DiniNorm_Private(Vec v, PetscReal *norm)
{
  PetscReal sums[3] = {0.0};

  PetscFunctionBegin;
  PetscCall(DiniSquares_Private(v, sums));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, sums, 3, MPIU_REAL, MPIU_SUM, PetscObjectComm((PetscObject)v)));
  *norm = DiniRoot_Private(sums);
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

PetscBool DiniHasImaginary_Private(PetscScalar a)
{
  return (PetscBool)(PetscAbsReal(PetscImaginaryPart(a)) > 1e-8 * PetscAbsScalar(a));
}

/* Has v no imaginary parts, beyond rounding? */
PetscErrorCode DiniIsReal_Private(Vec v, PetscBool *real)
{
  const PetscScalar *a;
  PetscInt           n;
  PetscBool          mine = PETSC_TRUE;

  PetscFunctionBegin;
  PetscCall(VecGetLocalSize(v, &n));
  PetscCall(VecGetArrayRead(v, &a));
  for (PetscInt i = 0; i < n; i++)
    if (DiniHasImaginary_Private(a[i])) mine = PETSC_FALSE;
  PetscCall(VecRestoreArrayRead(v, &a));
  PetscCall(MPIU_Allreduce(&mine, real, 1, DINI_MPI_BOOL, MPI_LAND, PetscObjectComm((PetscObject)v)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Has a reduction before told |v|? It is told once. */
PetscBool DiniKnownNorm_Private(Dini dini, Vec v, PetscReal *norm)
{
  DiniAhead *ahead = dini->call ? &dini->call->ahead : NULL;

  if (!ahead || !v || ahead->normed != v) return PETSC_FALSE;
  *norm         = ahead->norm;
  ahead->normed = NULL;
  return PETSC_TRUE;
}

/* The norm is collective, so every rank sees the NaN of one. */
PetscErrorCode DiniCheckFinite_Private(Dini dini, Vec v, const char what[], PetscReal *norm)
{
  PetscReal nrm = 0.0;

  PetscFunctionBegin;
  if (!DiniKnownNorm_Private(dini, v, &nrm)) PetscCall(DiniNorm_Private(v, &nrm));
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
