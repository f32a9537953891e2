/*
  The steps of second-order differences. First-order products are differenced along (du, dm) at the longest step that sizes
  allow; the product at the point, which costs no assembly, tells the curvature within a step, rho, whose square is about the
  relative error. Where it is too large the step becomes shorter, until it is not, or until two steps agree. What does not
  fall with the step is rounding, and is remembered as such.
*/
#include "../private/diniparameterimpl.h"

#define DINI_AGREE     1e-3  /* relative: two steps that do */
#define DINI_CURVED    1e-3  /* rho: an error of 1e-6 */
#define DINI_CURVEDMAX 0.03  /* rho: an error of 1e-3 */
#define DINI_FAR       0.3   /* rho tells nothing of the length on which the products vary */
#define DINI_SHORTER   1e-2  /* then */
#define DINI_UNLIKE    1e6   /* what changes by so much more than the parameters do is zero, but for rounding */
#define DINI_TELLING   100.0 /* times the noise: a difference that says something */
#define DINI_LONGER    100.0 /* a step, where none does */
#define DINI_MAX_TRIES 8
#define DINI_MAX_PARTS DINI_SECOND_PARTS

typedef struct {
  PetscReal first, second, size; /* |difference|, |second difference|, |product| */
} DiniBend;

typedef struct {
  DiniSecondDifference *d;
  Vec                  *base, *plus, *minus, *last; /* last: the values of the step before */
} DiniSides;

typedef struct {
  PetscReal h, ok;                     /* the next step, and the curvature that will do */
  PetscReal last, expected, told, rho; /* of the one before: its step, error, what is told of that, curvature */
  DiniBend  bend[DINI_MAX_PARTS], before[DINI_MAX_PARTS], longest[DINI_MAX_PARTS];
  PetscBool kept, kink;
} DiniTrials;

/* The relative error of what is differenced. Products with differences of F are good to 1e-10 at best */
PetscReal DiniProductNoise_Private(Dini dini)
{
  const PetscReal central = PetscPowReal(PETSC_MACHINE_EPSILON, 2.0 / 3.0);
  PetscReal       noise   = PETSC_MACHINE_EPSILON;

  if (dini->source.way || dini->source.differenced)
    noise = PetscMax(central, 0.1 * dini->source.error); /* J is made of central differences */
  for (PetscInt p = 0; p < dini->nparams; p++) {
    const DiniParameter par = dini->params[p];
    const PetscBool     differences =
        (PetscBool)(par->active && par->kind &&
                    (par->kind->fill == DiniParameterFill_FD || par->kind->fill == DiniParameterFill_Coloring));

    if (par->active) noise = PetscMax(noise, par->noise);
    if (!differences || par->affine || par->difference == DINI_DIFFERENCE_COMPLEX) continue; /* exact to rounding */
    noise = PetscMax(noise, par->difference == DINI_DIFFERENCE_CENTRAL ? central : PETSC_SQRT_MACHINE_EPSILON);
    noise = PetscMax(noise, 0.1 * par->error); /* what columns know of themselves is their worst */
  }
  return noise;
}

/*
  How much (du, dm) changes what it changes most, in units of its size. A state, or a block, that would change by orders more
  than the parameters is zero but for rounding, and has no size: curvature shortens the step where that is wrong.
*/
static PetscErrorCode DiniSecondRelative(Dini dini, Vec du, Vec dm, PetscReal *relative)
{
  PetscReal part, least = PETSC_MAX_REAL;

  PetscFunctionBegin;
  *relative = 0.0;
  for (int pass = 0; pass < 2; pass++) {
    PetscInt offset = 0;

    for (PetscInt p = 0; p < dini->nparams; p++) {
      DiniParameter par = dini->params[p];

      if (!par->active) continue;
      PetscCall(DiniParameterTake_Private(par, dm, offset));
      offset += par->n;
      PetscCall(DiniRelativeSize_Private(par->x, par->copy, 0.0, DINI_UNLIKE * least, &part, NULL));
      if (!pass && part > 0.0) least = PetscMin(least, part);
      if (pass) *relative = PetscMax(*relative, part);
    }
    if (!(least < PETSC_MAX_REAL / DINI_UNLIKE)) least = PETSC_MAX_REAL / DINI_UNLIKE;
  }
  PetscCall(DiniRelativeSize_Private(du, dini->u, 0.0, DINI_UNLIKE * least, &part, NULL));
  *relative = PetscMax(*relative, part);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniSideVisit(Dini dini, PetscReal sign, void *ctx)
{
  const DiniSides *s = (const DiniSides *)ctx;

  PetscFunctionBegin;
  PetscCall((*s->d->evaluate)(dini, sign > 0.0 ? s->plus : s->minus, s->d->ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The derivatives at this step, those before it kept, and what they tell; bad: NaN on either side */
static PetscErrorCode DiniSecondTake(const DiniSides *s, PetscReal h, DiniBend bend[], PetscBool *bad)
{
  PetscFunctionBegin;
  *bad = PETSC_FALSE;
  for (PetscInt k = 0; k < s->d->n; k++) {
    PetscReal norm[2];

    PetscCall(DiniNorm_Private(s->plus[k], &norm[0]));
    PetscCall(DiniNorm_Private(s->minus[k], &norm[1]));
    bend[k].size = PetscMax(norm[0], norm[1]);
    if (PetscIsInfOrNanReal(norm[0]) || PetscIsInfOrNanReal(norm[1])) *bad = PETSC_TRUE;
  }
  for (PetscInt k = 0; k < s->d->n && !*bad; k++) {
    PetscCall(VecCopy(s->d->value[k], s->last[k]));
    PetscCall(VecWAXPY(s->d->value[k], -1.0, s->minus[k], s->plus[k]));
    PetscCall(DiniNorm_Private(s->d->value[k], &bend[k].first));
    PetscCall(VecScale(s->d->value[k], 0.5 / h));
    PetscCall(VecAXPY(s->plus[k], 1.0, s->minus[k]));
    PetscCall(VecAXPY(s->plus[k], -2.0, s->base[k]));
    PetscCall(DiniNorm_Private(s->plus[k], &bend[k].second));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The largest curvature that is no rounding and too large, 0 where there is none; what has not fallen is rounding */
static PetscReal DiniSecondJudge(DiniSecondDifference *d, const DiniBend before[], const DiniBend bend[], PetscReal ok)
{
  PetscReal rho = 0.0;

  for (PetscInt k = 0; k < d->n; k++) {
    const DiniBend b = bend[k];

    if (before && b.size > 0.0 && b.second > 0.5 * before[k].second)
      d->noise[k] = PetscMax(d->noise[k], 4.0 * b.second / b.size);
    if (b.second <= d->noise[k] * b.size || b.second <= ok * b.first) continue;
    rho = PetscMax(rho, b.first > d->noise[k] * b.size ? b.second / b.first : PETSC_MAX_REAL);
  }
  return rho;
}

/* The errors that are to be expected, relative, in the parts that the longest step has told anything of */
static PetscErrorCode DiniSecondExpect(const DiniSecondDifference *d, const DiniBend longest[], const DiniBend bend[],
                                       PetscReal *truncation, PetscReal *rounding)
{
  PetscFunctionBegin;
  *truncation = *rounding = 0.0;
  for (PetscInt k = 0; k < d->n; k++) {
    const DiniBend  b     = bend[k];
    const PetscReal floor = d->noise[k] * b.size, rho = b.second > floor ? b.second / PetscMax(b.first, floor) : 0.0;

    if (longest[k].first <= d->noise[k] * longest[k].size) continue;
    *truncation = PetscMax(*truncation, PetscSqr(PetscMin(rho, 1.0)));
    *rounding   = PetscMax(*rounding, 0.1 * floor / PetscMax(b.first, 0.1 * floor));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The step before was better */
static PetscErrorCode DiniSecondReturn(const DiniSides *s, const DiniBend before[], PetscReal h)
{
  PetscFunctionBegin;
  for (PetscInt k = 0; k < s->d->n; k++) {
    PetscCall(VecCopy(s->last[k], s->d->value[k]));
    s->d->size[k] = before[k].size;
  }
  s->d->h = h;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  How far the last two steps are apart, beyond rounding; relative. A second difference falls with the square of the step: one
  that falls with the step itself is a kink, on whose middle all steps agree.
*/
static PetscErrorCode DiniSecondApart(const DiniSides *s, const DiniBend before[], const DiniBend bend[], PetscReal h,
                                      PetscReal *apart, PetscBool *kinked)
{
  const PetscReal kink = PetscPowReal(h / s->d->h, 1.5);

  PetscFunctionBegin;
  *apart  = 0.0;
  *kinked = PETSC_FALSE;
  for (PetscInt k = 0; k < s->d->n; k++) {
    PetscReal norm, error;

    PetscCall(VecAXPY(s->last[k], -1.0, s->d->value[k]));
    PetscCall(DiniNorm_Private(s->last[k], &error));
    PetscCall(DiniNorm_Private(s->d->value[k], &norm));
    error = PetscMax(error - s->d->noise[k] * bend[k].size / h, 0.0);
    if (error > 0.0) *apart = PetscMax(*apart, error / PetscMax(norm, error));
    if (bend[k].second > PetscMax(kink * before[k].second, s->d->noise[k] * bend[k].size)) *kinked = PETSC_TRUE;
  }
  if (*kinked) *apart = 1.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Second differences are rounding, all of them */
static PetscBool DiniSecondLost(const DiniSecondDifference *d, const DiniBend bend[])
{
  for (PetscInt k = 0; k < d->n; k++)
    if (bend[k].second > d->noise[k] * bend[k].size) return PETSC_FALSE;
  return PETSC_TRUE;
}

/* The step is good, or it is the last one; else h becomes the next one */
static PetscErrorCode DiniSecondStep(Dini dini, const DiniSides *s, DiniTrials *t, PetscBool *done)
{
  DiniSecondDifference *d = s->d;
  PetscReal             rho, expected, truncation, rounding;

  PetscFunctionBegin;
  *done = PETSC_TRUE;
  rho   = DiniSecondJudge(d, t->kept ? t->before : NULL, t->bend, t->ok);
  if (!t->kept) PetscCall(PetscArraycpy(t->longest, t->bend, d->n));
  PetscCall(DiniSecondExpect(d, t->longest, t->bend, &truncation, &rounding));
  expected = truncation + rounding;
  PetscCall(PetscInfo(dini, "Second derivatives by differences at a step of %g: curvature %g, error about %g\n",
                      (double)t->h, (double)rho, (double)expected));
  if (t->kept && t->rho < DINI_FAR && expected > t->expected && t->expected <= DINI_AGREE) {
    PetscCall(DiniSecondReturn(s, t->before, d->h));
    d->apart = 0.0;
    d->error = t->told;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (rho == 0.0 && t->kink && DiniSecondLost(d, t->bend)) d->apart = 1.0; /* all the way down to rounding */
  else if (rho == 0.0) d->apart = t->kept && expected > 10.0 * DINI_AGREE ? expected : 0.0;
  else if (t->kept) PetscCall(DiniSecondApart(s, t->before, t->bend, t->h, &d->apart, &t->kink));
  d->h     = t->h;
  d->error = truncation;
  if (t->kept) d->error = PetscMax(d->error, PetscMin(d->apart, 1.0) * PetscMin(1.0, PetscSqr(t->h / t->last)));
  t->last = t->h;
  t->told = d->error;
  for (PetscInt k = 0; k < d->n; k++) d->size[k] = t->bend[k].size;
  if (rho == 0.0 || (t->kept && d->apart <= DINI_AGREE)) PetscFunctionReturn(PETSC_SUCCESS);
  t->kept     = PETSC_TRUE;
  t->expected = expected;
  t->rho      = rho;
  /* where truncation falls to what rounding rises to */
  t->h *= rho > DINI_FAR ? DINI_SHORTER
                         : PetscMin(0.25, PetscPowReal(0.5 * PetscMax(rounding, PETSC_MACHINE_EPSILON), 1.0 / 3.0) /
                                              PetscPowReal(rho, 2.0 / 3.0));
  PetscCall(PetscArraycpy(t->before, t->bend, d->n));
  *done = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniSecondTry(Dini dini, const DiniSides *s, Vec du, Vec dm, DiniTrials *t)
{
  DiniSecondDifference *d    = s->d;
  PetscBool             done = PETSC_FALSE, bad;
  PetscReal             truncation, rounding;

  PetscFunctionBegin;
  PetscCall((*d->evaluate)(dini, s->base, d->ctx));
  for (int tries = 0; tries < DINI_MAX_TRIES && !done; tries++) {
    PetscCall(DiniBeside_Private(dini, t->h, du, dm, d->matrices, DiniSideVisit, (void *)s));
    PetscCall(DiniSecondTake(s, t->h, t->bend, &bad));
    if (bad) t->h *= DINI_SHORTER;
    else if (dini->hessian.step > 0.0) { /* asked for */ d->h = t->h;
      d->apart                                                = 0.0;
      for (PetscInt k = 0; k < d->n; k++) d->size[k] = t->bend[k].size;
      PetscCall(DiniSecondExpect(d, t->bend, t->bend, &truncation, &rounding));
      d->error = truncation;
      done     = PETSC_TRUE;
    } else PetscCall(DiniSecondStep(dini, s, t, &done));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Has F values there, so that derivatives can be asked for? */
static PetscErrorCode DiniSideFinite(Dini dini, PetscReal sign, void *ctx)
{
  PetscBool *finite = (PetscBool *)ctx;
  PetscReal  norm;

  PetscFunctionBegin;
  (void)sign;
  PetscCall(DiniResidual_Private(dini, dini->u, dini->w[1], &norm));
  if (PetscIsInfOrNanReal(norm)) *finite = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Nothing has been said at the step that was right for the direction: longer ones may tell, as long as nothing bends */
static PetscErrorCode DiniSecondLonger(Dini dini, const DiniSides *s, Vec du, Vec dm, PetscReal longest, DiniTrials *t)
{
  DiniSecondDifference *d      = s->d;
  PetscBool             silent = PETSC_TRUE, bad;
  PetscReal             h      = d->h, first;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < d->n; k++) {
    PetscCall(DiniNorm_Private(d->value[k], &first));
    if (2.0 * h * first > DINI_TELLING * d->noise[k] * d->size[k]) silent = PETSC_FALSE;
  }
  while (silent && h < longest) {
    PetscBool bends = PETSC_FALSE, finite = PETSC_TRUE;

    h = PetscMin(DINI_LONGER * h, longest);
    PetscCall(DiniBeside_Private(dini, h, du, dm, PETSC_FALSE, DiniSideFinite, &finite));
    if (!finite) break;
    PetscCall(DiniBeside_Private(dini, h, du, dm, d->matrices, DiniSideVisit, (void *)s));
    PetscCall(DiniSecondTake(s, h, t->bend, &bad));
    if (bad) break;
    for (PetscInt k = 0; k < d->n; k++) {
      const DiniBend  b     = t->bend[k];
      const PetscReal noise = d->noise[k] * b.size;

      if (b.first > DINI_TELLING * noise) silent = PETSC_FALSE;
      if (b.second > PetscMax(t->ok * b.first, noise)) bends = PETSC_TRUE;
    }
    for (PetscInt k = 0; k < d->n && bends; k++) PetscCall(VecCopy(s->last[k], d->value[k]));
    if (bends) break;
    d->h = h;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* d->value by differences along (du, dm), which are of like relative sizes; least: a relative change that is to be thought of; longest: the step that others would
 take */
PetscErrorCode DiniSecondAlong_Private(Dini dini, Vec du, Vec dm, PetscReal least, PetscReal longest,
                                       DiniSecondDifference *d)
{
  const PetscReal noise = DiniProductNoise_Private(dini);
  const PetscReal step  = dini->hessian.step > 0.0 ? dini->hessian.step : PetscPowReal(noise, 1.0 / 3.0);
  PetscReal       relative;
  DiniSides       s = {.d = d};
  DiniTrials      t = {.ok = PetscMin(PetscMax(DINI_CURVED, 30.0 * step), DINI_CURVEDMAX)};
  PetscErrorCode  failed;

  PetscFunctionBegin;
  d->apart = PETSC_INFINITY;
  d->h     = 0.0;
  d->error = 1.0;
  for (PetscInt k = 0; k < d->n; k++) d->noise[k] = 10.0 * noise;
  PetscCall(DiniSecondRelative(dini, du, dm, &relative));
  relative = PetscMax(relative, least);
  PetscCall(PetscMalloc4(d->n, &s.base, d->n, &s.plus, d->n, &s.minus, d->n, &s.last));
  for (PetscInt k = 0; k < d->n; k++) {
    PetscCall(VecDuplicate(d->value[k], &s.base[k]));
    PetscCall(VecDuplicate(d->value[k], &s.plus[k]));
    PetscCall(VecDuplicate(d->value[k], &s.minus[k]));
    PetscCall(VecDuplicate(d->value[k], &s.last[k]));
    PetscCall(VecSet(d->value[k], 0.0));
  }
  t.h    = relative > 0.0 ? step / relative : step;
  failed = DiniSecondTry(dini, &s, du, dm, &t);
  if (!failed && d->apart <= DINI_AGREE) failed = DiniSecondLonger(dini, &s, du, dm, longest * step, &t);
  for (PetscInt k = 0; k < d->n; k++) {
    PetscCall(VecDestroy(&s.base[k]));
    PetscCall(VecDestroy(&s.plus[k]));
    PetscCall(VecDestroy(&s.minus[k]));
    PetscCall(VecDestroy(&s.last[k]));
  }
  PetscCall(PetscFree4(s.base, s.plus, s.minus, s.last));
  PetscCall(failed);
  d->serves = (PetscBool)(d->apart <= DINI_AGREE);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Nobody shall take what does not serve for a derivative. Collective */
PetscErrorCode DiniSecondServes_Private(Dini dini, const DiniSecondDifference *d, const char cure[])
{
  PetscFunctionBegin;
  PetscCheck(d->h > 0.0, PetscObjectComm((PetscObject)dini), PETSC_ERR_FP,
             "%s: Second derivatives are wanted by differences of first-order products, and these have NaN or Inf in "
             "them beside the point, however close: it is at the edge of a domain. %s",
             DiniLabel_Private(dini), cure);
  PetscCheck(d->serves, PetscObjectComm((PetscObject)dini), PETSC_ERR_NOT_CONVERGED,
             "%s: Second derivatives by differences of first-order products are apart by a relative %g at two steps, "
             "however short: F or the objective bends too sharply here, or is not twice differentiable. %s",
             DiniLabel_Private(dini), (double)d->apart, cure);
  PetscFunctionReturn(PETSC_SUCCESS);
}
