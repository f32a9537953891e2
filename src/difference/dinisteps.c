/*
  The steps of differences, entry by entry. The first one is eps^(1/3) times the size of the entry, and the three values of F
  that a central difference has seen, the one at the point included, tell whether it was good: the second difference over the
  first is the curvature within the step, rho, whose square is about the relative error. Where it is too large the step
  becomes shorter by what it tells, or is taken from |m_j| itself; where one side is outside the domain of F, which shows as
  NaN, a one-sided formula of second order takes over.
*/
#include "../private/dinistepsimpl.h"

#define DINI_CURVED    2e-4 /* rho: an error of 3e-8 */
#define DINI_FAR       0.3  /* rho tells nothing of the length on which F varies */
#define DINI_SHORTER   1e-3 /* then */
#define DINI_BENT      0.05 /* rho of a step that has not come near that length */
#define DINI_CLEAR     1e3  /* of rounding: what is left to lose */
#define DINI_MAX_TRIES 6
#define DINI_LONGEST   0.1 /* relative */

static PetscReal DiniFineStep(void)
{
  return PetscPowReal(PETSC_MACHINE_EPSILON, 0.25); /* of the length on which F varies, where rounding weighs more */
}

/* h such that v + h is exact in floating point */
PetscReal DiniExactStep_Private(PetscScalar v, PetscReal h)
{
  volatile PetscReal shifted = PetscRealPart(v) + h; /* volatile: extended precision must not hide the rounding */

  h = shifted - PetscRealPart(v);
  return h > 0.0 ? h : PETSC_MACHINE_EPSILON * PetscAbsScalar(v);
}

void DiniColumnStart_Private(const DiniScheme *scheme, PetscReal h, PetscReal own, DiniColumn *c)
{
  c->h = c->first = h;
  c->inside       = 0;
  c->own          = own;
  c->rho          = PETSC_MAX_REAL;
  c->formula      = (signed char)scheme->formula;
  c->tries        = 0;
  c->kept = c->failed = c->refined = PETSC_FALSE;
  c->pending                       = PETSC_TRUE;
  c->search                        = DINI_SEARCH_NONE;
  c->entry                         = PETSC_TRUE;
  c->error = c->rounding = c->noise = 0.0;
  c->longest                        = DINI_LONGEST / scheme->step * PetscAbsReal(h);
}

/* The two points of a formula, in units of h */
PetscReal DiniColumnFactor_Private(const DiniColumn *c, int side)
{
  if (!side) return 1.0;
  return c->formula == DINI_FORMULA_CENTRAL ? -1.0 : 2.0;
}

/* The derivative from F at the two points and at the column's own, and the second difference */
PetscScalar DiniColumnValue_Private(const DiniColumn *c, PetscScalar one, PetscScalar two, PetscScalar base,
                                    PetscScalar *second)
{
  *second = 0.0;
  if (c->formula == DINI_FORMULA_FORWARD) return (one - base) / c->h;
  if (c->formula == DINI_FORMULA_CENTRAL) {
    *second = one + two - 2.0 * base;
    return (one - two) / (2.0 * c->h);
  }
  *second = base - 2.0 * one + two;
  return (4.0 * one - two - 3.0 * base) / (2.0 * c->h);
}

/* The other formula, on the side where F has values */
static DiniColumn DiniColumnInside(DiniColumn c)
{
  c.h       = c.inside * c.first;
  c.formula = DINI_FORMULA_ONESIDED;
  c.pending = PETSC_TRUE;
  return c;
}

/* Outside the domain of F: the entry's own length, the other side, and then ever shorter steps */
static DiniColumn DiniColumnRetreat(const DiniSeen *seen, DiniColumn c)
{
  const PetscReal own = DiniFineStep() * c.own;

  if (c.formula == DINI_FORMULA_CENTRAL && seen->bad[0] != seen->bad[1]) c.inside = seen->bad[0] ? -1 : 1;
  if (c.kept) c.pending = PETSC_FALSE;
  else if (c.formula == DINI_FORMULA_CENTRAL && !c.refined && own > 0.0 && own < 0.5 * c.h) {
    c.h       = own;
    c.refined = PETSC_TRUE;
  } else if (c.formula == DINI_FORMULA_CENTRAL && c.inside) c = DiniColumnInside(c);
  else if (c.formula == DINI_FORMULA_FORWARD && c.h > 0.0) c.h = -c.h;
  else c.h *= DINI_SHORTER;
  if (c.pending && c.tries >= DINI_MAX_TRIES) {
    c.failed  = PETSC_TRUE;
    c.pending = PETSC_FALSE;
  }
  return c;
}

/* The next step, where this one is too long and a shorter one can be told */
static DiniColumn DiniColumnShorten(PetscReal rho, DiniColumn c)
{
  const PetscReal now = PetscAbsReal(c.h);
  PetscReal       h   = DiniFineStep() * (rho > DINI_FAR ? c.own : 0.5 * now / rho);

  if (rho > DINI_FAR && !(h > 0.0 && h < 0.5 * now)) h = DINI_SHORTER * now;
  if (rho <= DINI_FAR)
    h = PetscMax(h, now * PetscPowReal(0.1 * c.rounding / (now * PetscSqr(rho)), 1.0 / 3.0)); /* rounding is no less */
  if (!(h < 0.5 * now)) return c;
  c.h       = c.h > 0.0 ? h : -h;
  c.pending = PETSC_TRUE;
  return c;
}

/*
  A step of many times |m_j| that has seen curvature: of an odd function, say, it is small there and tells nothing. The entry
  stands for a field in units that nobody has declared, where a step of its own length is still seen.
*/
static PetscBool DiniColumnStrange(const DiniSeen *seen, const DiniColumn *c)
{
  const PetscReal noise = 100.0 * PETSC_MACHINE_EPSILON, now = PetscAbsReal(c->h);

  return (PetscBool)(now > c->own && c->tries < DINI_MAX_TRIES && seen->first > noise && seen->second > noise &&
                     seen->first * (DiniFineStep() * c->own / now) > 100.0 * noise);
}

/* The same as for a first step: what rounding makes of m_j + h belongs to h */
void DiniColumnExact_Private(DiniColumn *c)
{
  const PetscReal h = DiniExactStep_Private(c->own, PetscAbsReal(c->h));

  c->h = c->h > 0.0 ? h : -h;
}

static PetscBool DiniColumnJudge(const DiniScheme *scheme, const DiniSeen *seen, DiniColumn *c)
{
  const PetscReal noise = 100.0 * PETSC_MACHINE_EPSILON;
  const PetscReal rho   = seen->first > 0.0 ? seen->second / seen->first : PETSC_MAX_REAL;

  c->tries++;
  if (seen->bad[0] || seen->bad[1]) {
    *c = DiniColumnRetreat(seen, *c);
    return PETSC_FALSE;
  }
  c->pending = PETSC_FALSE;
  if (!c->kept && c->inside && c->formula == DINI_FORMULA_CENTRAL && seen->first <= noise) { /* as short as rounding */
    *c = DiniColumnInside(*c);
    return PETSC_FALSE;
  }
  if (c->kept && (seen->first <= noise || !(rho < 0.5 * c->rho))) {
    if (scheme->judged && rho > DINI_BENT && seen->first > DINI_CLEAR * noise && c->tries < DINI_MAX_TRIES) {
      c->h *= DINI_SHORTER; /* not yet on the length on which F varies, as at the edge of a root */
      c->pending = PETSC_TRUE;
    }
    return PETSC_FALSE;
  }
  if (c->kept) c->refined = PETSC_TRUE;
  c->kept        = PETSC_TRUE;
  c->rho         = rho;
  c->used        = c->h;
  c->usedformula = c->formula;
  c->error       = seen->first > 0.0 ? 2.0 * PETSC_MACHINE_EPSILON / seen->first : 0.0; /* by rounding */
  c->rounding    = c->error * PetscAbsReal(c->h);
  if (c->formula == DINI_FORMULA_ONESIDED) c->error = PetscMax(c->error, 4.0 * rho * rho); /* as of a root */
  if (!scheme->judged || c->formula == DINI_FORMULA_FORWARD) return PETSC_TRUE;
  if (DiniColumnStrange(seen, c)) {
    c->h       = c->h > 0.0 ? DiniFineStep() * c->own : -DiniFineStep() * c->own;
    c->rho     = PETSC_MAX_REAL; /* whatever the shorter one finds is better */
    c->pending = PETSC_TRUE;
  } else if (seen->first > noise && seen->second > noise && rho > DINI_CURVED && c->tries < DINI_MAX_TRIES)
    *c = DiniColumnShorten(rho, *c);
  return PETSC_TRUE;
}

/* Is the value just found to be kept? Sets the next step where another one is worth a try */
PetscBool DiniColumnJudge_Private(const DiniScheme *scheme, const DiniSeen *seen, DiniColumn *c)
{
  const PetscBool kept = DiniColumnJudge(scheme, seen, c);

  if (c->pending && c->entry) DiniColumnExact_Private(c);
  return kept;
}

/* How many of the columns owned here have a one-sided formula, and how many another step than the first */
PetscErrorCode DiniColumnCounts_Private(const DiniColumn c[], PetscInt n, PetscInt counts[2])
{
  PetscFunctionBegin;
  counts[0] = counts[1] = 0;
  for (PetscInt j = 0; j < n; j++) {
    if (c[j].usedformula == DINI_FORMULA_ONESIDED) counts[0]++;
    else if (c[j].refined) counts[1]++;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* j: of the entry, negative for a direction. Collective, the same arguments on all ranks */
PetscErrorCode DiniColumnFailed_Private(Dini dini, const DiniScheme *scheme, PetscInt j, PetscReal value, PetscReal h)
{
  char where[64];

  PetscFunctionBegin;
  if (j >= 0)
    PetscCall(PetscSNPrintf(where, sizeof(where), "entry %" PetscInt_FMT ", whose value is %g", j, (double)value));
  else PetscCall(PetscSNPrintf(where, sizeof(where), "a direction"));
  dini->reason = DINI_DIVERGED_NAN;
  SETERRQ(
      PetscObjectComm((PetscObject)dini), PETSC_ERR_FP,
      "%s: The residual F(u, m), from the residual callback, has NaN or Inf in it on both sides of %s of %s, down to a "
      "step "
      "of %g. F has no derivative there that differences could find: %s, or -fp_trap, which stops where the first one "
      "arises",
      DiniLabel_Private(dini), where, scheme->what, (double)PetscAbsReal(h), scheme->cure);
}

/* Sums over the rows of a difference that is not NaN, in units of their sizes; one reduction */
static PetscErrorCode DiniSee(Dini dini, const DiniScheme *scheme, const DiniColumn *c, DiniSeen *seen)
{
  const PetscScalar *one, *two, *base = NULL, *rows = NULL;
  PetscReal          sums[2] = {0.0, 0.0};

  PetscFunctionBegin;
  seen->first = seen->second = 0.0;
  if (seen->bad[0] || seen->bad[1] || !scheme->judged || c->formula == DINI_FORMULA_FORWARD)
    PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecGetArrayRead(dini->w[0], &two));
  PetscCall(VecGetArrayRead(dini->w[1], &one));
  PetscCall(VecGetArrayRead(scheme->base, &base));
  if (scheme->rows) PetscCall(VecGetArrayRead(scheme->rows, &rows));
  for (PetscInt i = 0; i < dini->n; i++) {
    const PetscReal row = rows ? PetscRealPart(rows[i]) : 1.0;
    PetscScalar     second, value;

    if (!(row > 0.0)) continue;
    value = DiniColumnValue_Private(c, one[i], two[i], base[i], &second) * (2.0 * c->h);
    sums[0] += PetscSqr(PetscAbsScalar(value) / row);
    sums[1] += PetscSqr(PetscAbsScalar(second) / row);
  }
  if (scheme->rows) PetscCall(VecRestoreArrayRead(scheme->rows, &rows));
  PetscCall(VecRestoreArrayRead(scheme->base, &base));
  PetscCall(VecRestoreArrayRead(dini->w[1], &one));
  PetscCall(VecRestoreArrayRead(dini->w[0], &two));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, sums, 2, MPIU_REAL, MPIU_SUM, PetscObjectComm((PetscObject)dini)));
  seen->first  = PetscSqrtReal(sums[0]);
  seen->second = PetscSqrtReal(sums[1]);
  if (!scheme->rows && dini->scale > 0.0) { /* the scale of rounding in all of F */
    seen->first /= dini->scale;
    seen->second /= dini->scale;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniTakeValue_Private(Dini dini, const DiniScheme *scheme, const DiniColumn *c, PetscReal h, Vec y)
{
  DiniColumn         used = *c;
  const PetscScalar *one, *two, *base = NULL;
  PetscScalar       *a, second;

  PetscFunctionBegin;
  used.h = h;
  PetscCall(VecGetArrayRead(dini->w[0], &two));
  PetscCall(VecGetArrayRead(dini->w[1], &one));
  if (scheme->base) PetscCall(VecGetArrayRead(scheme->base, &base));
  PetscCall(VecGetArrayWrite(y, &a));
  for (PetscInt i = 0; i < dini->n; i++)
    a[i] = DiniColumnValue_Private(&used, one[i], two[i], base ? base[i] : 0.0, &second);
  PetscCall(VecRestoreArrayWrite(y, &a));
  if (scheme->base) PetscCall(VecRestoreArrayRead(scheme->base, &base));
  PetscCall(VecRestoreArrayRead(dini->w[1], &one));
  PetscCall(VecRestoreArrayRead(dini->w[0], &two));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  F(. + factor direction), asked for again where it is NaN: a residual that fails once, by chance or by a solve inside it, is no
  edge of its domain, and would leave a one-sided value for as long as the point stays
*/
PetscErrorCode DiniShifted_Private(Dini dini, const DiniScheme *scheme, PetscReal factor, Vec direction, Vec F,
                                   PetscReal *norm)
{
  PetscFunctionBegin;
  PetscCall((*scheme->shifted)(dini, scheme->ctx, factor, direction, F, norm));
  if (PetscIsInfOrNanReal(*norm)) PetscCall((*scheme->shifted)(dini, scheme->ctx, factor, direction, F, norm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = the derivative along the direction, for which c has been started; works in dini->w. c->failed: there is none */
PetscErrorCode DiniDifferenceAlong_Private(Dini dini, DiniScheme *scheme, Vec direction, DiniColumn *c, Vec y)
{
  PetscFunctionBegin;
  while (c->pending) {
    const DiniColumn used    = *c;
    PetscReal        norm[2] = {0.0, 0.0};
    DiniSeen         seen;

    if (c->formula == DINI_FORMULA_ONESIDED && !scheme->base) PetscCall(DiniPointResidual_Private(dini, &scheme->base));
    PetscCall(DiniShifted_Private(dini, scheme, c->h, direction, dini->w[1], &norm[0]));
    if (c->formula != DINI_FORMULA_FORWARD)
      PetscCall(
          DiniShifted_Private(dini, scheme, DiniColumnFactor_Private(c, 1) * c->h, direction, dini->w[0], &norm[1]));
    for (int side = 0; side < 2; side++) seen.bad[side] = (PetscBool)PetscIsInfOrNanReal(norm[side]);
    PetscCall(DiniSee(dini, scheme, c, &seen));
    if (DiniColumnJudge_Private(scheme, &seen, c)) PetscCall(DiniTakeValue_Private(dini, scheme, &used, used.h, y));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F where the object is: at the point evaluated once, beside it each time. Not to be written to */
PetscErrorCode DiniPointResidual_Private(Dini dini, Vec *F)
{
  PetscFunctionBegin;
  if (dini->beside) {
    if (!dini->Fbeside) PetscCall(VecDuplicate(dini->u, &dini->Fbeside));
    PetscCall(DiniResidual_Private(dini, dini->u, dini->Fbeside, NULL));
    *F = dini->Fbeside;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (!dini->hasF) {
    if (!dini->F) PetscCall(VecDuplicate(dini->u, &dini->F));
    PetscCall(DiniResidual_Private(dini, dini->u, dini->F, NULL));
    dini->hasF = PETSC_TRUE;
  }
  *F = dini->F;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Sizes of the rows of F at the point, |J v| for v of the size of u; NULL where no product with J is at hand */
PetscErrorCode DiniRowSizes_Private(Dini dini, Vec *rows)
{
  Mat       J, P;
  PetscBool entries = PETSC_FALSE;
  Vec       v, w;

  PetscFunctionBegin;
  *rows = NULL;
  PetscCall(DiniEngineGetJacobian_Private(dini->engine, &J, &P));
  if (J) PetscCall(DiniFilterFull_Private(dini, &J, &P));
  if (J && !dini->beside) PetscCall(MatHasOperation(J, MATOP_GET_ROW, &entries));
  if (!entries) PetscFunctionReturn(PETSC_SUCCESS);
  if (!dini->rows) PetscCall(VecDuplicate(dini->u, &dini->rows));
  if (dini->rowspoint != dini->point) {
    PetscCall(VecDuplicate(dini->u, &v));
    PetscCall(DiniFieldDirection_Private(dini, 1, v));
    PetscCall(MatMult(J, v, dini->rows));
    PetscCall(VecAbs(dini->rows));
    PetscCall(VecDuplicate(dini->u, &w)); /* a second one, since a product may cancel by chance */
    PetscCall(DiniFieldDirection_Private(dini, 13, v));
    PetscCall(MatMult(J, v, w));
    PetscCall(VecAbs(w));
    PetscCall(VecAXPY(dini->rows, 1.0, w));
    PetscCall(VecDestroy(&v));
    PetscCall(VecDestroy(&w));
    dini->rowspoint = dini->point;
  }
  *rows = dini->rows;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Two products with J, for a scheme that is about to be used */
PetscErrorCode DiniSchemeRows_Private(Dini dini, DiniScheme *scheme)
{
  PetscFunctionBegin;
  if (scheme->sized) PetscCall(DiniRowSizes_Private(dini, &scheme->rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F(u + factor direction, m); ctx: a Vec to build the state in */
static PetscErrorCode DiniStateShifted(Dini dini, void *ctx, PetscReal factor, Vec direction, Vec F, PetscReal *norm)
{
  PetscFunctionBegin;
  PetscCall(VecWAXPY((Vec)ctx, factor, direction, dini->u));
  PetscCall(DiniResidual_Private(dini, (Vec)ctx, F, norm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Central differences of F in the state */
PetscErrorCode DiniStateScheme_Private(Dini dini, Vec work, DiniScheme *scheme)
{
  PetscFunctionBegin;
  scheme->what    = "the state u";
  scheme->cure    = "give J to DiniSetJacobian()";
  scheme->shifted = DiniStateShifted;
  scheme->ctx     = work;
  scheme->formula = DINI_FORMULA_CENTRAL;
  scheme->step    = PetscPowReal(PETSC_MACHINE_EPSILON, 1.0 / 3.0);
  scheme->judged  = (PetscBool)!dini->beside;
  scheme->probed  = scheme->judged;
  scheme->nought  = DINI_NOUGHT;
  scheme->sized   = PETSC_FALSE;
  scheme->error = scheme->missed = scheme->lost = 0.0;
  scheme->rows = scheme->base = NULL;
  if (scheme->judged) PetscCall(DiniPointResidual_Private(dini, &scheme->base));
  PetscFunctionReturn(PETSC_SUCCESS);
}
