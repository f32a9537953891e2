/*
  A given derivative y held against differences of F along a direction, which are as good as they say themselves.

  One central difference decides where it agrees with y, row by row, to what rounding in F leaves of it; a second, ten times
  shorter, takes truncation out. Where they disagree differences are taken at all steps: two neighbours tell truncation, since
  shorter steps fall together, and rounding or the noise of an inner solve, since shorter steps fall apart by what the noise is
  over the step. So y is wrong where it misses the best of them by many times what that one is good to, and never because
  F is noisy.
*/
#include "../private/diniguardimpl.h"

#define SLOPE_STEPS  11
#define SLOPE_FIRST  1e-5
#define SLOPE_SURE   10.0  /* times the error of a difference: no longer chance */
#define SLOPE_ROUND  50.0  /* roundings in a row of F */
#define SLOPE_KINK   1e-3  /* of the slope: what F bends by within the first step, where that looks like a corner */
#define SLOPE_SEEN   1e-12 /* of the terms of a row: a slope that differences do not see */
#define SLOPE_STAYS  0.3   /* of a miss, at a step ten times shorter: that was no truncation */
#define SLOPE_SMOOTH 1e-3  /* relative: differences at several steps that agree so well are no quanta of rounding */

static const PetscReal slopesteps[SLOPE_STEPS] = {1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-12};

typedef struct {
  Vec       T;    /* the difference */
  Vec       even; /* |F(h) + F(-h) - 2 F| / h, where both sides are there */
  PetscReal h;
  PetscBool valid, both;
} DiniTaken;

/* At this step: central, or of second order on the side where F has values. F at the point in w[0]; spoils w[1] */
static PetscErrorCode DiniSlopeTake(Dini dini, DiniShift *residual, Vec direction, void *ctx, PetscReal h, DiniTaken *t)
{
  PetscReal norm[2];

  PetscFunctionBegin;
  t->h = h;
  PetscCall((*residual)(dini, h, direction, ctx)); /* leaves F in w[1] */
  PetscCall(VecCopy(dini->w[1], t->T));
  PetscCall(DiniNorm_Private(t->T, &norm[0]));
  PetscCall((*residual)(dini, -h, direction, ctx));
  PetscCall(DiniNorm_Private(dini->w[1], &norm[1]));
  t->both = t->valid = (PetscBool) !(PetscIsInfOrNanReal(norm[0]) || PetscIsInfOrNanReal(norm[1]));
  if (t->both) {
    PetscCall(VecWAXPY(t->even, 1.0, dini->w[1], t->T));
    PetscCall(VecAXPY(t->even, -2.0, dini->w[0]));
    PetscCall(VecScale(t->even, 1.0 / h));
    PetscCall(VecAXPY(t->T, -1.0, dini->w[1]));
    PetscCall(VecScale(t->T, 0.5 / h));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (PetscIsInfOrNanReal(norm[0]) && PetscIsInfOrNanReal(norm[1])) PetscFunctionReturn(PETSC_SUCCESS);
  if (PetscIsInfOrNanReal(norm[0])) {
    PetscCall(VecCopy(dini->w[1], t->T));
    h = -h;
  }
  PetscCall((*residual)(dini, 2.0 * h, direction, ctx));
  PetscCall(DiniNorm_Private(dini->w[1], &norm[1]));
  t->valid = (PetscBool)!PetscIsInfOrNanReal(norm[1]);
  PetscCall(VecScale(t->T, 4.0));
  PetscCall(VecAXPBYPCZ(t->T, -1.0, -3.0, 1.0, dini->w[1], dini->w[0]));
  PetscCall(VecScale(t->T, 0.5 / h));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What a row is about: y and another product with A tell the size of the slope, J that of the terms that cancel in F */
typedef struct {
  const PetscScalar *y, *other, *terms;
  PetscReal          largest; /* slope of all rows: what F is made of where nobody knows its terms */
} DiniRow;

static PetscReal DiniRowSlope(const DiniRow *r, PetscInt i)
{
  return PetscMax(PetscAbsScalar(r->y[i]), r->other ? PetscAbsScalar(r->other[i]) : 0.0);
}

static PetscReal DiniRowTerms(const DiniRow *r, PetscInt i)
{
  return PetscMax(DiniRowSlope(r, i), r->terms ? PetscAbsScalar(r->terms[i]) : r->largest);
}

static PetscErrorCode DiniSlopeLargest(Dini dini, DiniRow *r)
{
  PetscReal mine = 0.0;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < dini->n; i++) mine = PetscMax(mine, DiniRowSlope(r, i));
  PetscCall(MPIU_Allreduce(&mine, &r->largest, 1, MPIU_REAL, MPIU_MAX, PetscObjectComm((PetscObject)dini)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The noise of the difference k in row i, by all that are shorter */
static PetscReal DiniSlopeNoise(const PetscScalar *const T[], const PetscReal h[], int n, int k, PetscInt i)
{
  PetscReal noise = 0.0;

  for (int l = k + 1; l < n; l++) noise = PetscMax(noise, PetscAbsScalar(T[l][i] - T[l - 1][i]) * h[l] / h[k]);
  return noise;
}

/* A row at all steps: the best difference, by what it is good to */
typedef struct {
  PetscReal dis, error, size; /* |T - y|, of T, and what they are relative to */
  PetscReal found;            /* |T| */
  PetscBool noisy;            /* noise is what limits it */
} DiniRowVerdict;

static DiniRowVerdict DiniSlopeRow(const DiniRow *r, PetscReal loose, const PetscScalar *const T[], const PetscReal h[],
                                   int n, PetscInt i, PetscReal pooled)
{
  const PetscReal slope = DiniRowSlope(r, i), terms = DiniRowTerms(r, i);
  DiniRowVerdict  v = {0.0, PETSC_MAX_REAL, 0.0, 0.0, PETSC_FALSE};

  for (int k = 1; k < n; k++) {
    const PetscReal rounding   = SLOPE_ROUND * PETSC_MACHINE_EPSILON * terms / h[k];
    const PetscReal truncation = PetscAbsScalar(T[k][i] - T[k - 1][i]); /* of the longer one */
    const PetscReal noise = PetscMax(PetscMax(DiniSlopeNoise(T, h, n, k, i), pooled * terms / h[k]), 0.1 * rounding);

    if (PetscMax(truncation, noise) >= v.error) continue;
    v.error = PetscMax(truncation, noise);
    v.noisy = (PetscBool)(noise >= truncation);
    v.dis   = PetscMax(PetscAbsScalar(T[k][i] - r->y[i]) - rounding - loose * terms, 0.0);
    v.found = PetscAbsScalar(T[k][i]);
    v.size  = PetscMax(slope, v.found);
  }
  return v;
}

/* Noise of F by what falls apart at the shortest steps, in units of the terms of a row, over all rows where it does */
static PetscErrorCode DiniSlopePool(Dini dini, const DiniRow *r, const PetscScalar *const T[], const PetscReal h[],
                                    int n, PetscReal *pooled)
{
  PetscReal sums[2] = {0.0, 0.0};

  PetscFunctionBegin;
  for (PetscInt i = 0; i < dini->n && n > 2; i++) {
    const PetscReal last   = PetscAbsScalar(T[n - 1][i] - T[n - 2][i]),
                    before = PetscAbsScalar(T[n - 2][i] - T[n - 3][i]);
    const PetscReal terms  = DiniRowTerms(r, i);

    if (!(last > 3.0 * before) || !(terms > 0.0)) continue;
    sums[0] += PetscSqr(last * h[n - 1] / terms);
    sums[1] += 1.0;
  }
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, sums, 2, MPIU_REAL, MPIU_SUM, PetscObjectComm((PetscObject)dini)));
  *pooled = sums[1] > 0.0 ? PetscSqrtReal(sums[0] / sums[1]) : 0.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The worst row after all steps */
static PetscErrorCode DiniSlopeJudge(Dini dini, const DiniRow *r, const PetscScalar *const T[], const PetscReal h[],
                                     int n, DiniSlope *s)
{
  PetscReal pooled = 0.0, worst[4] = {0.0, 0.0, 0.0, 0.0};

  PetscFunctionBegin;
  PetscCall(DiniSlopePool(dini, r, T, h, n, &pooled));
  for (PetscInt i = 0; i < dini->n; i++) {
    const DiniRowVerdict v = DiniSlopeRow(r, s->loose, T, h, n, i, pooled);
    PetscReal            relative;

    if (!(v.size > 0.0) || (s->own && !(v.error <= SLOPE_SMOOTH * v.found))) continue;
    relative = v.dis / v.size;
    if (v.error <= 0.1 * v.size) worst[0] = 1.0;
    if (v.dis > SLOPE_SURE * v.error) worst[1] = PetscMax(worst[1], relative);
    if (v.dis > 2.0 * v.error || (v.noisy && v.error > SLOPE_COARSE * v.size && DiniRowSlope(r, i) > 0.0))
      worst[2] = PetscMax(worst[2], PetscMin(relative, 1.0));
    worst[3] = PetscMax(worst[3], PetscMin(v.error / v.size, 1.0));
  }
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, worst, 4, MPIU_REAL, MPIU_MAX, PetscObjectComm((PetscObject)dini)));
  s->informative = (PetscBool)(worst[0] > 0.0);
  s->wrong       = worst[1];
  s->apart       = PetscMax(worst[1], worst[2]);
  s->error       = worst[3];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All steps */
static PetscErrorCode DiniSlopeSteps(Dini dini, DiniShift *residual, Vec direction, void *ctx, const DiniRow *r,
                                     DiniTaken *work, DiniSlope *s)
{
  const PetscScalar *T[SLOPE_STEPS];
  PetscReal          h[SLOPE_STEPS], norm[2];
  Vec               *taken;
  PetscErrorCode     failed = PETSC_SUCCESS;
  int                n      = 0;

  PetscFunctionBegin;
  PetscCall(VecDuplicateVecs(work->T, SLOPE_STEPS, &taken));
  for (int k = 0; k < SLOPE_STEPS && !failed; k++) {
    failed = DiniSlopeTake(dini, residual, direction, ctx, slopesteps[k], work);
    if (!failed && !work->valid) s->lost = PETSC_TRUE;
    if (failed || !work->valid) continue;
    PetscCall(DiniNorm_Private(work->T, &norm[0]));
    PetscCall(DiniNorm_Private(work->even, &norm[1]));
    if (norm[0] > 0.0 || (work->both && norm[1] > 0.0)) s->moved = PETSC_TRUE;
    s->values = PETSC_TRUE;
    h[n]      = slopesteps[k];
    PetscCall(VecCopy(work->T, taken[n++]));
  }
  for (int k = 0; k < n; k++) PetscCall(VecGetArrayRead(taken[k], &T[k]));
  if (!failed) failed = DiniSlopeJudge(dini, r, T, h, n, s);
  for (int k = 0; k < n; k++) PetscCall(VecRestoreArrayRead(taken[k], &T[k]));
  PetscCall(VecDestroyVecs(SLOPE_STEPS, &taken));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The first step, longer where F hardly moves along the direction: rounding weighs more there than truncation */
static PetscErrorCode DiniSlopeStart(Dini dini, const DiniRow *r, PetscReal *h)
{
  PetscReal share = 0.0;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < dini->n; i++) {
    const PetscReal terms = DiniRowTerms(r, i);

    if (terms > 0.0) share = PetscMax(share, DiniRowSlope(r, i) / terms);
  }
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &share, 1, MPIU_REAL, MPIU_MAX, PetscObjectComm((PetscObject)dini)));
  *h = SLOPE_FIRST * (share > 1e-9 ? PetscPowReal(share, -1.0 / 3.0) : 1.0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Does y agree with the difference, or with what two of them extrapolate to, to rounding, in each row? Corners do not pass */
static PetscErrorCode DiniSlopeAgrees(Dini dini, const DiniRow *r, const DiniTaken t[], int n, DiniSlope *s,
                                      PetscBool *agrees)
{
  const PetscScalar *T[2] = {NULL, NULL}, *even[2] = {NULL, NULL};
  PetscReal          h        = t[n - 1].h;
  PetscReal          worst[7] = {0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0};
  /* misses, corners, bends, moves, slopes beyond rounding, slopes near it, by how much rows far from it miss */

  PetscFunctionBegin;
  for (int k = 0; k < PetscMax(n, 1); k++) {
    PetscCall(VecGetArrayRead(t[k].T, &T[k]));
    PetscCall(VecGetArrayRead(t[k].even, &even[k]));
  }
  for (PetscInt i = 0; i < dini->n; i++) {
    const PetscReal   rounding = SLOPE_ROUND * PETSC_MACHINE_EPSILON * DiniRowTerms(r, i) / h;
    const PetscReal   allowed  = rounding + s->loose * DiniRowTerms(r, i);
    const PetscReal   slope    = PetscMax(DiniRowSlope(r, i), PetscAbsScalar(T[0][i]));
    const PetscScalar best     = n > 1 ? (100.0 * T[1][i] - T[0][i]) / 99.0 : T[0][i];
    const PetscReal   now = PetscAbsScalar(even[n - 1][i]), first = PetscAbsScalar(even[0][i]);
    const PetscReal   missed = PetscAbsScalar(T[0][i] - r->y[i]);

    if (T[0][i] != (PetscScalar)0.0 || first > 0.0) worst[3] = 1.0;
    if (!(PetscAbsScalar(best - r->y[i]) <= allowed)) worst[0] = 1.0;
    if (n > 1 && t[0].h > h && missed > allowed * h / t[0].h &&
        PetscAbsScalar(T[1][i] - r->y[i]) > SLOPE_STAYS * missed)
      worst[0] = 1.0; /* less than rounding leaves of this step, and more than it leaves of the longer one */
    if (slope > 0.0 && allowed > SLOPE_COARSE * slope) worst[5] = 1.0;
    else if (slope > 0.0) worst[6] = PetscMax(worst[6], PetscAbsScalar(best - r->y[i]) / slope);
    if (slope > rounding) worst[4] = 1.0;
    if (now > rounding && now > SLOPE_KINK * slope && now > 0.7 * first && now < 1.4 * first)
      worst[1] = PetscMax(worst[1], slope > 0.0 ? PetscMin(now / slope, 1.0) : 1.0);
    if (first > rounding && slope > 0.0) worst[2] = PetscMax(worst[2], first / slope);
  }
  for (int k = 0; k < n; k++) {
    PetscCall(VecRestoreArrayRead(t[k].T, &T[k]));
    PetscCall(VecRestoreArrayRead(t[k].even, &even[k]));
  }
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, worst, 7, MPIU_REAL, MPIU_MAX, PetscObjectComm((PetscObject)dini)));
  *agrees   = (PetscBool)(worst[0] == 0.0 && worst[1] == 0.0 && (s->few || worst[4] > 0.0));
  s->corner = n > 1 ? worst[1] : 0.0;
  s->coarse = (PetscBool)(worst[5] > 0.0);
  s->seen   = worst[6];
  if (worst[4] > 0.0) s->informative = PETSC_TRUE;
  s->bend = worst[2];
  if (worst[3] > 0.0) s->moved = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same of the rows that a step h leaves next to nothing of, at two longer ones */
static PetscErrorCode DiniSlopeFar(Dini dini, DiniShift *residual, Vec direction, void *ctx, const DiniRow *r,
                                   DiniTaken t[2], DiniSlope *s, PetscBool *agrees)
{
  const PetscReal near = s->seen, h = s->step;

  PetscFunctionBegin;
  *agrees = PETSC_FALSE;
  for (int k = 0; k < 2 && !*agrees; k++) {
    const PetscScalar *T[2];
    PetscReal          misses[2] = {0.0, near};

    PetscCall(DiniSlopeTake(dini, residual, direction, ctx, slopesteps[k], &t[k]));
    if (!t[k].both) PetscFunctionReturn(PETSC_SUCCESS);
    for (int l = 0; l <= k; l++) PetscCall(VecGetArrayRead(t[l].T, &T[l]));
    for (PetscInt i = 0; i < dini->n; i++) {
      const PetscReal   terms   = DiniRowTerms(r, i);
      const PetscReal   slope   = PetscMax(DiniRowSlope(r, i), PetscAbsScalar(T[0][i]));
      const PetscReal   allowed = (SLOPE_ROUND * PETSC_MACHINE_EPSILON / slopesteps[k] + s->loose) * terms;
      const PetscScalar best    = k ? (100.0 * T[1][i] - T[0][i]) / 99.0 : T[0][i];

      if (SLOPE_ROUND * PETSC_MACHINE_EPSILON * terms <= SLOPE_COARSE * slope * h) continue;
      if (!(PetscAbsScalar(best - r->y[i]) <= allowed)) misses[0] = 1.0;
      if (slope > SLOPE_SEEN * terms) misses[1] = PetscMax(misses[1], PetscAbsScalar(best - r->y[i]) / slope);
    }
    for (int l = 0; l <= k; l++) PetscCall(VecRestoreArrayRead(t[l].T, &T[l]));
    PetscCall(MPIU_Allreduce(MPI_IN_PLACE, misses, 2, MPIU_REAL, MPIU_MAX, PetscObjectComm((PetscObject)dini)));
    *agrees = (PetscBool)(misses[0] == 0.0);
    s->seen = misses[1];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniSlopeCompare(Dini dini, DiniShift *residual, Vec direction, void *ctx, const DiniRow *r,
                                       DiniTaken t[2], DiniSlope *s)
{
  PetscBool agrees = PETSC_FALSE, far;
  PetscReal h      = SLOPE_FIRST;

  PetscFunctionBegin;
  PetscCall(DiniSlopeStart(dini, r, &h));
  for (int k = 0; k < 2 && !agrees; k++) {
    PetscCall(DiniSlopeTake(dini, residual, direction, ctx, k ? 0.1 * h : h, &t[k]));
    if (!t[k].both) break;
    s->values = PETSC_TRUE;
    PetscCall(DiniSlopeAgrees(dini, r, t, k + 1, s, &agrees));
  }
  for (PetscReal longer = 10.0 * h; !agrees && s->corner > 0.0 && longer < 200.0 * h; longer *= 10.0) {
    PetscBool any; /* noise looks like a corner by chance, and not at four steps */

    PetscCall(DiniSlopeTake(dini, residual, direction, ctx, longer, &t[1]));
    s->corner = 0.0;
    if (t[1].both) {
      const DiniTaken turned[2] = {t[1], t[0]};

      PetscCall(DiniSlopeAgrees(dini, r, turned, 2, s, &any));
      t[1] = turned[1];
      t[0] = turned[0];
    }
  }
  far     = (PetscBool)(agrees && s->rows && s->coarse);
  s->step = h;
  if (far) PetscCall(DiniSlopeFar(dini, residual, direction, ctx, r, t, s, &agrees));
  if (!agrees) PetscCall(DiniSlopeSteps(dini, residual, direction, ctx, r, &t[0], s));
  if (!s->own) s->wrong = PetscMax(s->wrong, s->corner);
  if (!agrees)
    s->seen = far ? PetscMax(s->seen, s->wrong) : s->wrong; /* eleven steps tell less than the longest ones */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  y = A direction against differences of F; other: A times another vector of that size, or NULL; F at the point in w[0].
  Spoils w[1]. s->few, set by the caller: that nothing is seen to change need not be looked into. What F does not have any values for is an error: it can not be told whether y is its derivative.
*/
PetscErrorCode DiniGuardSlope_Private(Dini dini, DiniShift *residual, Vec direction, void *ctx, Vec y, Vec other,
                                      Vec terms, DiniSlope *s)
{
  DiniTaken      t[2];
  DiniRow        r = {NULL, NULL, NULL, 0.0};
  PetscErrorCode failed;

  PetscFunctionBegin;
  *s = (DiniSlope){.few = s->few, .rows = s->rows, .own = s->own, .loose = s->loose, .part = -1};
  for (int k = 0; k < 2; k++) {
    PetscCall(VecDuplicate(y, &t[k].T));
    PetscCall(VecDuplicate(y, &t[k].even));
  }
  PetscCall(VecGetArrayRead(y, &r.y));
  if (other) PetscCall(VecGetArrayRead(other, &r.other));
  if (terms) PetscCall(VecGetArrayRead(terms, &r.terms));
  if (!terms && dini->ops->jvp) PetscCall(DiniSlopeLargest(dini, &r)); /* of an eigenpair entries cancel to rounding */
  failed = DiniSlopeCompare(dini, residual, direction, ctx, &r, t, s);
  if (terms) PetscCall(VecRestoreArrayRead(terms, &r.terms));
  if (other) PetscCall(VecRestoreArrayRead(other, &r.other));
  PetscCall(VecRestoreArrayRead(y, &r.y));
  for (int k = 0; k < 2; k++) {
    PetscCall(VecDestroy(&t[k].T));
    PetscCall(VecDestroy(&t[k].even));
  }
  PetscCall(failed);
  if (!s->informative && s->lost && !s->few) s->values = PETSC_FALSE; /* the steps that would tell are among the lost */
  if (!s->values) dini->reason = DINI_DIVERGED_NAN;
  PetscCheck(s->values, PetscObjectComm((PetscObject)dini), PETSC_ERR_FP,
             "%s: The residual F(u, m) has NaN or Inf in it at points beside the solution, on both sides of it, "
             "so that no derivative can be held against it; -fp_trap stops where the first one arises. If "
             "F has values at the solution only, switch this guard off with -dini_guard 0",
             DiniLabel_Private(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniSlopeTell_Private(Dini dini, const char what[], const DiniSlope *s)
{
  PetscFunctionBegin;
  if (!s->informative) PetscCall(PetscInfo(dini, "No difference of F was informative, so %s is not guarded\n", what));
  else
    PetscCall(PetscInfo(dini, "%s and differences of F, good to %g, disagree by %g, and by %g more than by chance\n",
                        what, (double)s->error, (double)s->apart, (double)s->wrong));
  PetscFunctionReturn(PETSC_SUCCESS);
}
