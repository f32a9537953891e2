/*
  How far off is mbar? J^H (lambda + e) = ubar for the e that solves J^H e = ubar - J^H lambda, so mbar is off by -F_m^H e.

  One loose solve for e tells, too dear for each VJP. What it has told is a factor between the error of mbar, relative and of
  the worst part, and the relative residual. It is kept for solves of the same kind, and measured again at the fourth,
  sixteenth, sixty-fourth ... of them.
*/
#include "../private/diniparameterimpl.h"
#include <math.h>

#define DINI_CORRECTION_RTOL 0.1   /* one digit of an error is enough */
#define DINI_SPREAD          1.2   /* by which like residuals make unlike errors: between too little and too much */
#define DINI_CANCELLED       1e-10 /* of its terms: what is left of a part that cancels */

/*
  Parts that may have units of their own: the blocks, and in them the components of a block size, or the fields of the state
  where the block is laid out like it
*/
static PetscErrorCode DiniPartsOf(Dini dini, DiniParameter par, PetscInt *n, const unsigned char **field)
{
  PetscInt  bs, nfields;
  PetscBool mine, same;

  PetscFunctionBegin;
  PetscCall(VecGetBlockSize(par->m, &bs));
  PetscCall(DiniEngineGetFields_Private(dini->engine, &nfields, field));
  mine = (PetscBool)(par->n == dini->n && nfields > 1);
  PetscCall(MPIU_Allreduce(&mine, &same, 1, DINI_MPI_BOOL, MPI_LAND, PetscObjectComm((PetscObject)dini)));
  *n = same ? nfields : bs <= 32 ? bs : 1;
  if (!same) *field = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  The largest entry of each part of v, a flat vector; norms has room for DINI_FLAT_PARTS, and what is beyond is taken together.
  Negative where there is no such part.
*/
PetscErrorCode DiniPartNorms_Private(Dini dini, Vec v, PetscReal norms[])
{
  const unsigned char *field;
  const PetscScalar   *a;
  PetscReal            mine[DINI_FLAT_PARTS];
  PetscInt             offset = 0, first = 0, n = 1;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < DINI_FLAT_PARTS; k++) mine[k] = -1.0;
  PetscCall(VecGetArrayRead(v, &a));
  for (PetscInt p = 0; p < dini->nparams; p++) {
    DiniParameter par = dini->params[p];

    if (!par->active) continue;
    PetscCall(DiniPartsOf(dini, par, &n, &field));
    for (PetscInt i = 0; i < par->n; i++) {
      const PetscInt  part = PetscMin(first + (field ? field[i] : i % n), DINI_FLAT_PARTS - 1);
      const PetscReal size = PetscAbsScalar(a[offset + i]);

      if (!(size <= mine[part])) mine[part] = size;
    }
    offset += par->n;
    first += n;
  }
  PetscCall(VecRestoreArrayRead(v, &a));
  PetscCall(MPIU_Allreduce(mine, norms, DINI_FLAT_PARTS, MPIU_REAL, MPIU_MAX, PetscObjectComm((PetscObject)dini)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The largest entry of each part of F_m^H x, with lambda by random signs for x, or with what is zero nowhere where lambda is NULL */
static PetscErrorCode DiniPartEffects(Dini dini, Vec lambda, Vec mbar, PetscReal effects[])
{
  Vec            x, terms;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(VecDuplicate(dini->lambda, &x));
  PetscCall(VecDuplicate(mbar, &terms));
  PetscCall(VecSet(x, 0.0));
  PetscCall(DiniRandomDirection_Private(dini, 31, x, x));
  if (lambda) PetscCall(VecPointwiseMult(x, x, lambda));
  failed = DiniParameterApplyAdjointF_Private(dini, x, terms);
  if (!failed) failed = DiniPartNorms_Private(dini, terms, effects);
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&terms));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  The largest |delta| / |mbar| over the parts. Where mbar is what is left of terms that cancel, as of a block that the cotangent
  does not see, it is compared with a little of those terms: F_m^H applied to lambda with random signs tells their size.
*/
PetscErrorCode DiniPartError_Private(Dini dini, Vec delta, Vec mbar, PetscReal *error)
{
  PetscReal d[DINI_FLAT_PARTS], m[DINI_FLAT_PARTS], t[DINI_FLAT_PARTS];

  PetscFunctionBegin;
  PetscCall(DiniPartEffects(dini, dini->lambda, mbar, t));
  PetscCall(DiniPartNorms_Private(dini, delta, d));
  PetscCall(DiniPartNorms_Private(dini, mbar, m));
  *error = 0.0;
  for (PetscInt k = 0; k < DINI_FLAT_PARTS; k++) {
    const PetscReal size = PetscMax(m[k], DINI_CANCELLED * t[k]);

    if (size > 0.0) *error = PetscMax(*error, d[k] / size);
    else if (d[k] > 0.0) *error = PetscMax(*error, 1.0); /* it is zero, and should not be */
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The relative residual of the last solve; what is below rounding has nothing to do with the error */
static PetscReal DiniLastRelative(Dini dini)
{
  return PetscMax(dini->lastrelative, PETSC_MACHINE_EPSILON);
}

/* A part of mbar that is exactly zero, where F_m is not: lambda may not have come as far, nor with delta's correction */
static PetscErrorCode DiniUnreached(Dini dini, Vec mbar, Vec delta, PetscBool *unreached)
{
  PetscReal m[DINI_FLAT_PARTS], d[DINI_FLAT_PARTS], effects[DINI_FLAT_PARTS];
  PetscBool any = PETSC_FALSE;

  PetscFunctionBegin;
  *unreached = PETSC_FALSE;
  PetscCall(DiniPartNorms_Private(dini, mbar, m));
  PetscCall(DiniPartNorms_Private(dini, delta, d));
  for (PetscInt k = 0; k < DINI_FLAT_PARTS; k++)
    if (m[k] == 0.0 && d[k] == 0.0) any = PETSC_TRUE;
  if (!any) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniPartEffects(dini, NULL, mbar, effects));
  for (PetscInt k = 0; k < DINI_FLAT_PARTS; k++)
    if (m[k] == 0.0 && d[k] == 0.0 && effects[k] > 0.0) *unreached = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What a solve for e, to rtol, changes in mbar */
static PetscErrorCode DiniCorrectGradient(Dini dini, Vec ubar, PetscReal rtol, Vec delta, PetscBool *good)
{
  Vec            r, e;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(VecDuplicate(dini->u, &r));
  PetscCall(VecDuplicate(dini->u, &e));
  failed = DiniLinearCorrect_Private(dini, DINI_ADJOINT, ubar, dini->lambda, r, e, rtol, good);
  if (!failed && *good) failed = DiniParameterApplyAdjoint_Private(dini, e, delta);
  PetscCall(VecDestroy(&r));
  PetscCall(VecDestroy(&e));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  One loose solve and what it changes in mbar. A Krylov method starts at ubar and goes on from neighbour to neighbour: a
  parameter that is far from there has a gradient of zero until it has come to it, and a loose correction ends as early. That
  is told by one solve to what counts as zero; where there is none, that part may be off by all of it.
*/
static PetscErrorCode DiniMeasureGradient(Dini dini, Vec ubar, Vec mbar, PetscReal *error, PetscBool *good)
{
  Vec            delta;
  PetscReal      rtol      = DINI_CANCELLED / DiniLastRelative(dini);
  PetscBool      unreached = PETSC_FALSE;
  PetscErrorCode failed;

  PetscFunctionBegin;
  *good = PETSC_FALSE;
  if (dini->ops->vjp) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecDuplicate(mbar, &delta));
  failed = DiniCorrectGradient(dini, ubar, DINI_CORRECTION_RTOL, delta, good);
  if (!failed && *good && rtol < DINI_CORRECTION_RTOL) failed = DiniUnreached(dini, mbar, delta, &unreached);
  if (!failed && unreached) failed = DiniCorrectGradient(dini, ubar, rtol, delta, good);
  if (!failed && *good) failed = DiniPartError_Private(dini, delta, mbar, error);
  PetscCall(VecDestroy(&delta));
  PetscCall(failed);
  if (unreached && !*good) {
    *error = 1.0;
    *good  = PETSC_TRUE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What is known of solves of the last one's kind; of more kinds than there is room for, those used least make room */
static DiniAccuracy *DiniAccuracyOf(Dini dini, DiniDirection direction)
{
  const PetscInt64 kind  = 2 * dini->lastkind + (PetscInt64)direction;
  DiniAccuracy    *least = &dini->accuracy[0];

  for (int k = 0; k < DINI_SOLVE_KINDS; k++) {
    DiniAccuracy *a = &dini->accuracy[k];

    if (a->uses && a->kind == kind) return a;
    if (a->uses < least->uses) least = a;
  }
  *least = (DiniAccuracy){.kind = kind};
  return least;
}

/* Takes the geometric mean with what was known, since a single residual may be an odd one */
static PetscErrorCode DiniLearn(Dini dini, DiniAccuracy *a, PetscReal error, PetscReal gain)
{
  const PetscReal factor = error / DiniLastRelative(dini);

  PetscFunctionBegin;
  a->next = a->next ? 4 * a->uses : 2;
  if (!(error >= 0.0)) PetscFunctionReturn(PETSC_SUCCESS);
  a->gain     = gain;
  a->factor   = a->measured && factor > 0.0 ? PetscSqrtReal(a->factor * factor) : factor;
  a->measured = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* mbar is exactly zero: F_m is, as one product tells, or lambda has not come to where m is; where nobody can tell it is all of it */
static PetscErrorCode DiniMeasureZero(Dini dini, Vec ubar, Vec mbar, PetscReal *error)
{
  PetscReal effects[DINI_FLAT_PARTS];
  PetscBool good = PETSC_FALSE, any = PETSC_FALSE;

  PetscFunctionBegin;
  *error = 0.0;
  if (!(dini->lastrelative > 0.0) || dini->lastunit != 1.0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniPartEffects(dini, NULL, mbar, effects));
  for (PetscInt k = 0; k < DINI_FLAT_PARTS; k++)
    if (effects[k] > 0.0) any = PETSC_TRUE;
  if (!any) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniMeasureGradient(dini, ubar, mbar, error, &good));
  if (!good && dini->lastrelative > DINI_CANCELLED) *error = 1.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* After a VJP: the relative error of mbar. Without anything measured, the relative residual times what mbar is of ubar at most */
PetscErrorCode DiniEstimateGradient_Private(Dini dini, Vec ubar, Vec mbar)
{
  DiniAccuracy        *a     = DiniAccuracyOf(dini, DINI_ADJOINT);
  const PetscReal      unorm = dini->lastnorm;
  PetscReal            mnorm, error = 0.0, gain;
  PetscInt             nfields;
  const unsigned char *field;
  PetscBool            good = PETSC_FALSE, due;

  PetscFunctionBegin;
  PetscCall(DiniCheckFinite_Private(dini, mbar, "The result mbar", &mnorm));
  dini->stats.gradient_error =
      dini->ops->vjp ? DiniSolveError_Private(dini) : 0.0; /* a rule of its own: its last solve's */
  if (dini->ops->vjp || !(unorm > 0.0)) PetscFunctionReturn(PETSC_SUCCESS);
  if (!(mnorm > 0.0)) {
    PetscCall(DiniMeasureZero(dini, ubar, mbar, &error));
    dini->stats.gradient_error = error + DiniDifferenceError_Private(dini);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  gain       = (mnorm / dini->lastunit) / (unorm / dini->lastunit);
  dini->gain = PetscMax(dini->gain, gain);
  if (dini->recalled && a->measured) a->uses--; /* the same solve once more tells nothing new */
  due = (PetscBool)(++a->uses >= a->next && dini->lastunit == 1.0);
  if (due) {
    PetscCall(DiniMeasureGradient(dini, ubar, mbar, &error, &good));
    PetscCall(DiniLearn(dini, a, good ? error : -1.0, gain));
  }
  PetscCall(DiniEngineGetFields_Private(dini->engine, &nfields, &field));
  if (!a->measured) error = dini->lastrelative * (nfields > 1 ? 1.0 : dini->gain / gain);
  else if (!good) error = DINI_SPREAD * a->factor * DiniLastRelative(dini) * (nfields > 1 ? 1.0 : a->gain / gain);
  if (!good && dini->lasterror > 0.0) error = dini->lasterror;
  if (dini->recalled) error = PetscMax(error, a->last); /* the same solve, and not better for being asked for again */
  a->last                    = error;
  dini->stats.gradient_error = PetscMax(error, PETSC_MACHINE_EPSILON);
  PetscCall(DiniAddGradientDoubt_Private(dini, a, due, ubar, mbar, &dini->stats.gradient_error));
  PetscCall(DiniAddStateError_Private(dini, DINI_ADJOINT, ubar, unorm, dini->lambda, &dini->stats.gradient_error));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J e = b - J x and what that is of x, field by field */
static PetscErrorCode DiniMeasureTangent(Dini dini, Vec b, Vec x, PetscReal *error, PetscBool *good)
{
  Vec            r, e;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(VecDuplicate(dini->u, &r));
  PetscCall(VecDuplicate(dini->u, &e));
  failed = DiniLinearCorrect_Private(dini, DINI_TANGENT, b, x, r, e, DINI_CORRECTION_RTOL, good);
  if (!failed && *good) failed = DiniEngineFieldError_Private(dini->engine, DINI_TANGENT, b, x, e, error);
  PetscCall(VecDestroy(&r));
  PetscCall(VecDestroy(&e));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* After a JVP, with J x = b = -F_m dm: the relative error of x, of its worst field, likewise */
PetscErrorCode DiniEstimateTangent_Private(Dini dini, Vec dm, Vec b, Vec x)
{
  DiniAccuracy *a     = DiniAccuracyOf(dini, DINI_TANGENT);
  PetscReal     error = 0.0;
  PetscBool     good  = PETSC_FALSE, due;

  PetscFunctionBegin;
  if (dini->ops->jvp) PetscFunctionReturn(PETSC_SUCCESS);
  if (dini->recalled && a->measured) a->uses--;
  due = (PetscBool)(++a->uses >= a->next && dini->lastunit == 1.0);
  if (due) {
    PetscCall(DiniMeasureTangent(dini, b, x, &error, &good));
    PetscCall(DiniLearn(dini, a, good ? error : -1.0, 1.0));
  }
  if (!good && a->measured) error = DINI_SPREAD * a->factor * DiniLastRelative(dini);
  else if (!good) error = dini->lastrelative;
  if (!good && dini->lasterror > 0.0) error = dini->lasterror;
  if (dini->recalled) error = PetscMax(error, a->last);
  a->last                   = error;
  dini->stats.tangent_error = PetscMax(error, PETSC_MACHINE_EPSILON);
  PetscCall(DiniAddTangentDoubt_Private(dini, a, due, dm, b, x, &dini->stats.tangent_error));
  PetscCall(DiniAddStateError_Private(dini, DINI_TANGENT, b, dini->lastnorm, x, &dini->stats.tangent_error));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same of column j of dM, with b and x of dM in the units that the rule has taken */
PetscErrorCode DiniEstimateTangentColumn_Private(Dini dini, Mat dM, PetscInt j, Vec b, Vec x)
{
  PetscReal      unit;
  Vec            dm, scaled;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(MatDenseGetColumnVecRead(dM, j, &dm));
  PetscCall(DiniTakeUnit_Private(dm, &unit, &scaled));
  failed = DiniEstimateTangent_Private(dini, scaled, b, x);
  PetscCall(DiniReturnUnit_Private(dm, &scaled));
  PetscCall(MatDenseRestoreColumnVecRead(dM, j, &dm));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* After a product of second order: A x = b was its last solve, and what goes into b is good to that, relative */
PetscErrorCode DiniEstimateSecond_Private(Dini dini, DiniDirection direction, PetscReal terms, Vec b, Vec x)
{
  PetscReal norm, error = terms;

  PetscFunctionBegin;
  PetscCall(DiniNorm_Private(b, &norm));
  if (norm > 0.0) {
    error += DiniSolveError_Private(dini);
    PetscCall(DiniAddStateError_Private(dini, direction, b, norm, x, &error));
  }
  dini->stats.second_error = error;
  PetscFunctionReturn(PETSC_SUCCESS);
}
