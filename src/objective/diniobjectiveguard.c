/*
  Are dJ/du and dJ/dm the derivatives of the objective's value? One central difference along a random direction of state and
  parameters, once for an objective, so that a wrong gradient callback is named and neither J nor F_m is blamed for it. Where
  it is not met to rounding, differences at more steps tell what they are good to themselves, as in dinislope.c. A value that
  is made of derivatives has none beside the point, so it can not be asked.
*/
#include "../private/diniguardimpl.h"

#define GUARD_TRIES 3    /* at a minimum differences tell nothing; elsewhere they will */
#define GUARD_SURE  10.0 /* times the error of a difference: no longer chance */
#define GUARD_STEPS 7
#define GUARD_ROUND 100.0 /* roundings in the value */

static const PetscReal objectivesteps[GUARD_STEPS] = {1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8};

typedef struct {
  DiniObjective objective;
  PetscReal     value[2]; /* behind and ahead */
} DiniSides;

/* The value where the object is, inside DiniBeside_Private(); NaN, which a domain may give, is for the caller to see */
static PetscErrorCode DiniSide(Dini dini, PetscReal sign, void *ctx)
{
  DiniSides *s     = (DiniSides *)ctx;
  PetscReal *value = &s->value[sign > 0.0], mine[2], all[2];

  PetscFunctionBegin;
  PetscCall(DiniGhosts_Private(dini->u));
  DiniCallUserReads(dini, dini->u, "The objective callback (DiniSetObjective(), DiniAddObjective())",
                    (*s->objective->value)(dini, dini->u, value, s->objective->ctx));
  mine[0] = PetscIsInfOrNanReal(*value) ? 1.0 : 0.0;
  mine[1] = mine[0] > 0.0 ? 0.0 : *value;
  PetscCall(MPIU_Allreduce(mine, all, 2, MPIU_REAL, MPIU_MAX, PetscObjectComm((PetscObject)dini)));
  *value = all[0] > 0.0 ? PETSC_INFINITY : all[1];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F_m is not evaluated on the way: what DiniBeside_Private() thinks stale is not */
static PetscErrorCode DiniSidesAt(Dini dini, PetscReal h, Vec du, Vec dm, DiniSides *sides)
{
  PetscBool     *current;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(dini->nparams, &current));
  for (PetscInt p = 0; p < dini->nparams; p++) current[p] = dini->params[p]->current;
  failed = DiniBeside_Private(dini, h, du, dm, PETSC_FALSE, DiniSide, sides);
  for (PetscInt p = 0; p < dini->nparams && !failed; p++) dini->params[p]->current = current[p];
  PetscCall(PetscFree(current));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A random flat direction by relative amounts, zero where the application has locked a block */
static PetscErrorCode DiniObjectiveDirection(Dini dini, Vec dm, PetscBool *locked)
{
  PetscInt  n;
  PetscBool mine = PETSC_FALSE;

  PetscFunctionBegin;
  for (PetscInt p = 0; p < dini->nparams; p++) {
    PetscCall(VecLockGet(dini->params[p]->m, &n));
    if (dini->params[p]->active && n) mine = PETSC_TRUE;
  }
  PetscCall(MPIU_Allreduce(&mine, locked, 1, DINI_MPI_BOOL, MPI_LOR, PetscObjectComm((PetscObject)dini)));
  PetscCall(VecSet(dm, 0.0));
  for (PetscInt p = 0; p < dini->nparams && !*locked; p++) {
    Vec part;

    if (!dini->params[p]->active) continue;
    PetscCall(DiniGetParameterSubVec(dini, dm, p, &part));
    PetscCall(DiniRandomDirection_Private(dini, 40 + p, dini->params[p]->copy, part));
    PetscCall(DiniRestoreParameterSubVec(dini, dm, p, &part));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Re <g, d>, and the size that it has along most directions */
static PetscErrorCode DiniAddSlope(Vec g, Vec d, PetscReal *slope, PetscReal *typical)
{
  PetscScalar dot;
  PetscReal   gnorm, dnorm;
  PetscInt    N;

  PetscFunctionBegin;
  PetscCall(VecGetSize(g, &N));
  PetscCall(VecDot(d, g, &dot));
  PetscCall(DiniNorm_Private(g, &gnorm));
  PetscCall(DiniNorm_Private(d, &dnorm));
  *slope += PetscRealPart(dot);
  *typical += gnorm * dnorm / PetscSqrtReal(PetscMax(1.0, (PetscReal)N));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Re (<dJdu, du> + <dJdm, dm>), and what differences of the value have told */
typedef struct {
  PetscReal slope, typical;
  PetscReal T[GUARD_STEPS], h[GUARD_STEPS], round[GUARD_STEPS]; /* differences, their steps, rounding in them */
  int       n;
} DiniAlong;

static PetscErrorCode DiniObjectiveTake(Dini dini, DiniObjective objective, PetscReal h, Vec du, Vec dm, DiniAlong *a)
{
  DiniSides sides = {.objective = objective};

  PetscFunctionBegin;
  PetscCall(DiniSidesAt(dini, h, du, dm, &sides));
  if (PetscIsInfOrNanReal(sides.value[0]) || PetscIsInfOrNanReal(sides.value[1])) PetscFunctionReturn(PETSC_SUCCESS);
  a->T[a->n] = (sides.value[1] - sides.value[0]) / (2.0 * h);
  a->h[a->n] = h;
  a->round[a->n] =
      GUARD_ROUND * PETSC_MACHINE_EPSILON * (PetscAbsReal(sides.value[0]) + PetscAbsReal(sides.value[1])) / h;
  a->n++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the best of the differences, step by step shorter, misses the slope by; and what it is good to */
static void ObjectiveBest(const DiniAlong *a, int first, PetscReal *miss, PetscReal *error, PetscReal *size)
{
  *error = PETSC_MAX_REAL;
  *miss  = 0.0;
  *size  = PetscMax(PetscAbsReal(a->slope), 0.01 * a->typical);
  for (int k = first; k < a->n; k++) {
    PetscReal e = PetscMax(PetscAbsReal(a->T[k] - a->T[k ? k - 1 : 1]), 0.1 * a->round[k]);

    for (int l = k + 1; l < a->n; l++) e = PetscMax(e, PetscAbsReal(a->T[l] - a->T[l - 1]) * a->h[l] / a->h[k]);
    if (e >= *error) continue;
    *error = e;
    *miss  = PetscMax(PetscAbsReal(a->T[k] - a->slope) - a->round[k], 0.0);
    *size  = PetscMax(PetscMax(PetscAbsReal(a->slope), PetscAbsReal(a->T[k])), 0.01 * a->typical);
  }
}

/* Partial derivatives held against central differences of the value */
typedef struct {
  PetscReal wrong; /* the relative disagreement, where it is more than chance; negative: there was no difference */
  PetscReal left;  /* any */
  PetscBool informative; /* something has been compared */
} DiniCompared;

/* part: du and dm are in one part, of which the value may see so little that the longest step tells best */
static PetscErrorCode DiniObjectiveAlong(Dini dini, DiniObjective objective, Vec dJdu, Vec dJdm, Vec du, Vec dm,
                                         PetscBool part, DiniCompared *found)
{
  DiniAlong a = {.n = 0};
  PetscReal miss, error, size;

  PetscFunctionBegin;
  PetscCall(DiniAddSlope(dJdu, du, &a.slope, &a.typical));
  PetscCall(DiniAddSlope(dJdm, dm, &a.slope, &a.typical));
  *found = (DiniCompared){0.0, 0.0, PETSC_FALSE};
  PetscCall(DiniObjectiveTake(dini, objective, 1e-4, du, dm, &a)); /* quadratic values mostly: as long as that */
  size = PetscMax(PetscAbsReal(a.slope), 0.01 * a.typical);
  if (a.n && size > 10.0 * a.round[0] && PetscAbsReal(a.T[0] - a.slope) <= a.round[0]) {
    found->informative = PETSC_TRUE;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (part && a.n && a.slope == 0.0 && a.T[0] == 0.0)
    PetscFunctionReturn(PETSC_SUCCESS); /* the value does not read it */
  a.n = 0;
  for (int k = 0; k < GUARD_STEPS; k++) PetscCall(DiniObjectiveTake(dini, objective, objectivesteps[k], du, dm, &a));
  if (!a.n) found->wrong = found->left = -1.0;
  if (a.n < 2) PetscFunctionReturn(PETSC_SUCCESS);
  ObjectiveBest(&a, part ? 0 : 1, &miss, &error, &size);
  if (!(size > 0.0)) PetscFunctionReturn(PETSC_SUCCESS);
  found->informative = (PetscBool)(error <= 0.1 * size);
  if (miss > GUARD_SURE * error) found->wrong = miss / size;
  if (miss > 2.0 * error) found->left = miss / size;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A part of a direction, of the size of its group, or of a derivative */
static PetscErrorCode DiniGuardedPart(const DiniParts *parts, PetscInt k, int direction, Vec from, Vec to)
{
  PetscFunctionBegin;
  PetscCall(DiniPartOnly_Private(parts, k, from, to));
  if (direction) PetscCall(DiniPartsDirection_Private(parts, to));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Parts of u, with no dm, or of the block p, with no du; the first one that is wrong is named. v: dJdu, dJdm, du, dm */
static PetscErrorCode DiniObjectiveParts(Dini dini, DiniObjective objective, PetscInt p, const DiniParts *parts,
                                         Vec v[4], DiniDisagreement *d)
{
  const PetscBool state = (PetscBool)(p < 0);
  const Vec       du = v[2], dm = v[3], g = state ? v[0] : v[1], all = state ? du : dm;
  Vec             only[4] = {NULL}, part[2];
  PetscErrorCode  failed  = PETSC_SUCCESS;
  DiniCompared    found;
  char            name[80];

  PetscFunctionBegin;
  for (int i = 0; i < 4; i++) PetscCall(VecDuplicate(i % 2 ? dm : du, &only[i])); /* du and dm, then dJdu and dJdm */
  for (int i = 0; i < 4; i++) PetscCall(VecSet(only[i], 0.0));
  for (PetscInt k = 0; k < parts->n && !failed && !d->part[0]; k++) {
    for (int i = 0; i < 2; i++) {
      const Vec from = i ? g : all, to = only[2 * i + (state ? 0 : 1)];

      if (state) PetscCall(DiniGuardedPart(parts, k, !i, from, to));
      else {
        PetscCall(DiniGetParameterSubVec(dini, from, p, &part[0]));
        PetscCall(DiniGetParameterSubVec(dini, to, p, &part[1]));
        PetscCall(DiniGuardedPart(parts, k, !i, part[0], part[1]));
        PetscCall(DiniRestoreParameterSubVec(dini, to, p, &part[1]));
        PetscCall(DiniRestoreParameterSubVec(dini, from, p, &part[0]));
      }
    }
    failed = DiniObjectiveAlong(dini, objective, only[2], only[3], only[0], only[1], PETSC_TRUE, &found);
    if (failed || !(found.wrong > DINI_GUARD_RTOL)) continue;
    PetscCall(DiniPartName_Private(dini, parts, k, name, sizeof(name)));
    if (state) PetscCall(PetscSNPrintf(d->part, sizeof(d->part), " in %s", name));
    else if (parts->n < 2)
      PetscCall(PetscSNPrintf(d->part, sizeof(d->part), " in parameter \"%s\"", dini->params[p]->name));
    else PetscCall(PetscSNPrintf(d->part, sizeof(d->part), " in parameter \"%s\", %s", dini->params[p]->name, name));
    d->error[0] = d->error[state ? 1 : 2] = found.wrong;
    d->error[state ? 2 : 1]               = 0.0;
  }
  for (int i = 0; i < 4; i++) PetscCall(VecDestroy(&only[i]));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Field by field, block by block and component by component, where there are several of them */
static PetscErrorCode DiniObjectiveEach(Dini dini, DiniObjective objective, Vec dJdu, Vec dJdm, Vec du, Vec dm,
                                        PetscBool locked, DiniDisagreement *d)
{
  Vec       v[4] = {dJdu, dJdm, du, dm};
  Mat       J, P;
  DiniParts parts;
  PetscInt  active = 0;

  PetscFunctionBegin;
  PetscCall(DiniEngineGetJacobian_Private(dini->engine, &J, &P));
  PetscCall(DiniPartsOfState_Private(dini, J, &parts));
  if (parts.n > 1) PetscCall(DiniObjectiveParts(dini, objective, -1, &parts, v, d));
  PetscCall(DiniPartsDestroy_Private(&parts));
  for (PetscInt p = 0; p < dini->nparams; p++) active += dini->params[p]->active;
  for (PetscInt p = 0; p < dini->nparams && !locked && !d->part[0]; p++) {
    if (!dini->params[p]->active || !dini->params[p]->N) continue;
    PetscCall(DiniPartsOfBlock_Private(dini, dini->params[p], &parts));
    if (active > 1 || parts.n > 1) PetscCall(DiniObjectiveParts(dini, objective, p, &parts, v, d));
    PetscCall(DiniPartsDestroy_Private(&parts));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The relative disagreement of partial derivatives and differences: in all, in u alone and in m alone; negative: not known */
PetscErrorCode DiniObjectiveCompare_Private(Dini dini, DiniObjective objective, Vec dJdu, Vec dJdm, DiniDisagreement *d)
{
  PetscReal     *error = d->error;
  PetscErrorCode failed;
  PetscBool      locked = PETSC_FALSE;
  DiniCompared   found  = {-1.0, 0.0, PETSC_FALSE};
  Vec            du, dm, zero;

  PetscFunctionBegin;
  *d = (DiniDisagreement){.error = {-1.0, -1.0, -1.0}};
  if (objective->visits) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecDuplicate(dini->u, &du));
  PetscCall(DiniCreateParameterVec(dini, &dm));
  failed = DiniRandomDirection_Private(dini, 39, dini->u, du);
  if (!failed) failed = DiniObjectiveDirection(dini, dm, &locked);
  if (!failed) failed = DiniObjectiveAlong(dini, objective, dJdu, dJdm, du, dm, PETSC_FALSE, &found);
  error[0] = error[1] = error[2] = found.wrong;
  objective->error               = PetscMax(found.left, 0.0);
  d->informative                 = found.informative;
  if (!failed && error[0] >= 0.0) failed = DiniObjectiveEach(dini, objective, dJdu, dJdm, du, dm, locked, d);
  if (!failed && !d->part[0] && error[0] > DINI_GUARD_RTOL) { /* whose fault? */
    PetscCall(VecDuplicate(dm, &zero));
    PetscCall(VecSet(zero, 0.0));
    failed   = DiniObjectiveAlong(dini, objective, dJdu, dJdm, du, zero, PETSC_FALSE, &found);
    error[1] = found.wrong;
    PetscCall(VecSet(du, 0.0));
    if (!failed && !locked) failed = DiniObjectiveAlong(dini, objective, dJdu, dJdm, du, dm, PETSC_FALSE, &found);
    if (!locked) error[2] = found.wrong;
    PetscCall(VecDestroy(&zero));
  }
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&dm));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Has one of the partial derivatives the numbers of the point before, though u or m has moved? */
static PetscErrorCode DiniPartialsSuspect(Dini dini, DiniObjective objective, Vec dJdu, Vec dJdm, PetscBool *suspect)
{
  Vec       partial[2] = {dJdu, dJdm};
  uint64_t  from       = 0;
  PetscBool is;

  PetscFunctionBegin;
  *suspect = PETSC_FALSE;
  if (!dini->guard) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniVecSum_Private(dini->u, &from));
  for (PetscInt p = 0; p < dini->nparams; p++) PetscCall(DiniVecSum_Private(dini->params[p]->copy, &from));
  for (int k = 0; k < 2; k++) {
    uint64_t sum = 0;

    PetscCall(DiniVecSum_Private(partial[k], &sum));
    PetscCall(
        DiniSteady_Private(PetscObjectComm((PetscObject)dini), PETSC_TRUE, from, sum, &objective->steady[k], &is));
    *suspect = (PetscBool)(*suspect || is);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniObjectiveGuard_Private(Dini dini, DiniObjective objective, Vec dJdu, Vec dJdm)
{
  DiniDisagreement found;
  const PetscReal *error = found.error;
  PetscBool        u, m, suspect;

  PetscFunctionBegin;
  PetscCall(DiniPartialsSuspect(dini, objective, dJdu, dJdm, &suspect));
  if ((suspect || objective->asked != dini->source.rangestate) && objective->tries >= GUARD_TRIES)
    objective->tries = GUARD_TRIES - 1; /* once more, as of J */
  if (!dini->guard || objective->tries >= GUARD_TRIES) PetscFunctionReturn(PETSC_SUCCESS);
  objective->asked = dini->source.rangestate;
  PetscCall(PetscLogEventBegin(DINI_Guard, dini, 0, 0, 0));
  PetscCall(DiniObjectiveCompare_Private(dini, objective, dJdu, dJdm, &found));
  PetscCall(PetscLogEventEnd(DINI_Guard, dini, 0, 0, 0));
  PetscCall(PetscInfo(dini, "Objective \"%s\": dJ/du and dJ/dm agree with differences of its value to %g\n",
                      objective->name, (double)error[0]));
  u = (PetscBool)(error[1] > DINI_GUARD_RTOL);
  m = (PetscBool)(error[2] > DINI_GUARD_RTOL);
  PetscCheck(
      error[0] <= DINI_GUARD_RTOL || (!u && !m), PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
      "%s: The gradient callback of objective \"%s\" does not belong to its value callback: %s%s and differences of "
      "the value disagree by a relative %g. J and F_m are not to blame. Correct the callback, or, if the "
      "objective is not smooth here, switch this guard off with -dini_guard 0",
      DiniLabel_Private(dini), objective->name,
      u && m ? "dJ/du, dJ/dm"
      : u    ? "dJ/du"
             : "dJ/dm",
      found.part, (double)PetscMax(u ? error[1] : 0.0, m ? error[2] : 0.0));
  for (int k = 0; k < 2 && suspect && found.informative; k++) objective->steady[k].constant = PETSC_TRUE;
  objective->tries = found.informative ? GUARD_TRIES : objective->tries + 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}
