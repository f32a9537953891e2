/*
  What errors of differences make of derivatives. F_m to ten digits does not give mbar = -F_m^H lambda to ten digits: with a J
  that is nearly singular lambda is large, and most of it may cancel. Nor du = -J^{-1} F_m dm, where J^{-1} makes more of a
  random right-hand side of that size, nor either of them a J by differences. What is open in F_m and J is told entry by entry,
  see dinidoubt.c, and where J^{-1} comes after it a loose solve tells the rest. Nothing is asked of what is given.
*/
#include "../private/diniparameterimpl.h"

#define DINI_DOUBT_RTOL 0.1  /* one digit of an error is enough */
#define DINI_DOUBT_MOST 1e10 /* times the error of F_m or J: what is left of a derivative is rounding then */
#define DINI_OTHERWISE  3.0  /* by which |x| / |b| differs where J is conditioned otherwise */

/* A x = b and, of an adjoint solve, mbar = -F_m^H x; y: what A x - b may be off by */
typedef struct {
  Vec b, x, mbar, y;
} DiniDoubted;

static PetscReal DiniBlockError(DiniParameter par)
{
  return par->active && par->current ? PetscMax(PetscMax(par->error, par->lost), par->carried) : 0.0;
}

/* Is F_m by Dini's own differences, and not good to rounding? */
static PetscBool DiniDoubtful(DiniParameter par)
{
  return (PetscBool)(DiniBlockError(par) > 0.0 && DiniOwnDifferences_Private(par));
}

/* The worst error of the F_m that have been used; *any: is one of them doubtful? */
static PetscReal DiniBlocksError(Dini dini, PetscBool *any)
{
  PetscReal worst = 0.0;

  *any = PETSC_FALSE;
  for (PetscInt p = 0; p < dini->nparams; p++) {
    worst = PetscMax(worst, DiniBlockError(dini->params[p]));
    if (DiniDoubtful(dini->params[p])) *any = PETSC_TRUE;
  }
  return worst;
}

/* What differences have to do with the error of a derivative at the point: J and the worst of the F_m that have been used */
PetscReal DiniDifferenceError_Private(Dini dini)
{
  PetscBool any;

  return PetscMax(dini->source.error, dini->source.lost) + DiniBlocksError(dini, &any);
}

/* delta = what -F_m^H lambda may be off by, where F_m is by differences */
static PetscErrorCode DiniGradientDoubt(Dini dini, Vec delta)
{
  PetscInt offset = 0;
  Vec      part;

  PetscFunctionBegin;
  PetscCall(DiniFilterPart_Private(dini, dini->lambda, &part));
  for (PetscInt p = 0; p < dini->nparams; p++) {
    DiniParameter par = dini->params[p];
    PetscBool     known;

    if (!par->active) continue;
    if (!par->x) PetscCall(VecDuplicate(par->m, &par->x));
    if (DiniDoubtful(par)) PetscCall(DiniParameterDoubt_Private(dini, par, PETSC_TRUE, part, par->x, &known));
    else PetscCall(VecSet(par->x, 0.0));
    PetscCall(DiniParameterGive_Private(par, delta, offset));
    offset += par->n;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same of mbar by F_m, relative to each part, and no more than most */
static PetscErrorCode DiniPartsDoubt(Dini dini, Vec mbar, PetscReal most, PetscReal *error)
{
  PetscReal      d[DINI_FLAT_PARTS], m[DINI_FLAT_PARTS];
  PetscErrorCode failed;
  Vec            delta;

  PetscFunctionBegin;
  PetscCall(VecDuplicate(mbar, &delta));
  failed = DiniGradientDoubt(dini, delta);
  if (!failed) failed = DiniPartNorms_Private(dini, delta, d);
  if (!failed) failed = DiniPartNorms_Private(dini, mbar, m);
  PetscCall(VecDestroy(&delta));
  PetscCall(failed);
  *error = 0.0;
  for (PetscInt k = 0; k < DINI_FLAT_PARTS; k++)
    if (d[k] > 0.0) *error = PetscMax(*error, d[k] < most * m[k] ? d[k] / m[k] : most);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = what J x, or J^H x, may be off by, where J is filled by differences */
static PetscErrorCode DiniJacobianDoubt(Dini dini, DiniDirection direction, Vec x, Vec y)
{
  const DiniJacobianSource *s       = &dini->source;
  const PetscBool           adjoint = (PetscBool)(direction == DINI_ADJOINT);
  PetscReal                 size;

  PetscFunctionBegin;
  PetscCall(VecSet(y, 0.0));
  if (!s->filled) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniNormMax_Private(x, &size));
  if (!(size > 0.0) || PetscIsInfOrNanReal(size)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniColoringDoubt_Private(s->filled, s->missed, PETSC_TRUE, adjoint, size, x, y));
  PetscCall(DiniFilterProject_Private(dini, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A e = y, y with random signs, and what that is of x or, in a gradient, F_m^H e of mbar, part by part; y is spoilt */
static PetscErrorCode DiniMeasureDoubt(Dini dini, DiniDirection direction, const DiniDoubted *d, Vec e,
                                       PetscReal *error, PetscBool *good)
{
  PetscScalar   *a;
  uint64_t       state;
  PetscErrorCode failed;
  Vec            delta;

  PetscFunctionBegin;
  PetscCall(DiniRandomStart_Private(PetscObjectComm((PetscObject)dini), 37, &state));
  PetscCall(VecGetArray(d->y, &a));
  for (PetscInt i = 0; i < dini->n; i++)
    if (PetscRealPart(DiniRandomNext_Private(&state)) < 0.0) a[i] = -a[i];
  PetscCall(VecRestoreArray(d->y, &a));
  PetscCall(DiniLinearLoose_Private(dini, direction, d->y, e, DINI_DOUBT_RTOL, PETSC_FALSE, good));
  if (!*good) PetscFunctionReturn(PETSC_SUCCESS);
  if (!d->mbar) {
    PetscCall(DiniEngineFieldError_Private(dini->engine, direction, d->b, d->x, e, error));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(VecDuplicate(d->mbar, &delta));
  failed = DiniParameterApplyAdjoint_Private(dini, e, delta);
  if (!failed) failed = DiniPartError_Private(dini, delta, d->mbar, error);
  PetscCall(VecDestroy(&delta));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  What y makes of the derivative. With due, or at a point where J is conditioned otherwise, that is measured, and else what y of
  that size has made of it, and no less than b has
*/
static PetscErrorCode DiniAmplified(Dini dini, DiniAccuracy *a, DiniDirection direction, PetscBool due,
                                    const DiniDoubted *d, PetscReal *error)
{
  PetscReal      ynorm, xnorm, norm, gain = 0.0, least = 0.0;
  PetscBool      good   = PETSC_FALSE;
  PetscErrorCode failed = PETSC_SUCCESS;
  PetscInt       nfields;
  Vec            e;

  const unsigned char *field;

  PetscFunctionBegin;
  PetscCall(DiniNorm_Private(d->y, &ynorm));
  PetscCall(DiniNorm_Private(d->x, &xnorm));
  norm = xnorm;
  if (d->mbar) PetscCall(DiniNorm_Private(d->mbar, &norm));
  if (!(ynorm > 0.0) || !(norm > 0.0) || PetscIsInfOrNanReal(ynorm)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniEngineGetFields_Private(dini->engine, &nfields, &field));
  if (dini->lastunit == 1.0 && dini->lastnorm > 0.0) {
    gain  = xnorm / dini->lastnorm;
    least = nfields > 1 ? 0.0 : norm / dini->lastnorm; /* of fields of unlike units it says nothing */
  }
  if (!dini->recalled && a->doubtpoint != dini->point)
    due = (PetscBool)(due || gain > DINI_OTHERWISE * a->doubtgain || a->doubtgain > DINI_OTHERWISE * gain);
  if (due && gain > 0.0) {
    a->doubtpoint = dini->point;
    a->doubtgain  = gain;
    PetscCall(VecDuplicate(dini->u, &e));
    failed = DiniMeasureDoubt(dini, direction, d, e, error, &good);
    PetscCall(VecDestroy(&e));
    PetscCall(failed);
    if (good) a->doubt = *error * (norm / ynorm);
  }
  a->doubt = PetscMax(a->doubt, least);
  if (!good) *error = a->doubt * (ynorm / norm);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* To the error of mbar what J and F_m by differences leave open in it, and no less than their own errors */
PetscErrorCode DiniAddGradientDoubt_Private(Dini dini, DiniAccuracy *a, PetscBool due, Vec ubar, Vec mbar,
                                            PetscReal *error)
{
  const PetscReal source = PetscMax(dini->source.error, dini->source.lost);
  PetscReal       worst, byF = 0.0, byJ = 0.0;
  PetscBool       own;
  DiniDoubted     d      = {.b = ubar, .mbar = mbar};
  PetscErrorCode  failed = PETSC_SUCCESS;

  PetscFunctionBegin;
  worst = DiniBlocksError(dini, &own);
  if (own && !dini->ops->vjp) PetscCall(DiniPartsDoubt(dini, mbar, DINI_DOUBT_MOST * worst, &byF));
  if (dini->source.filled && !dini->ops->vjp) {
    PetscCall(DiniFilterPart_Private(dini, dini->lambda, &d.x));
    PetscCall(VecDuplicate(dini->u, &d.y));
    failed = DiniJacobianDoubt(dini, DINI_ADJOINT, d.x, d.y);
    if (!failed) failed = DiniAmplified(dini, a, DINI_ADJOINT, due, &d, &byJ);
    PetscCall(VecDestroy(&d.y));
    PetscCall(failed);
  }
  *error += PetscMax(source, PetscMin(byJ, DINI_DOUBT_MOST * source)) + PetscMax(worst, byF);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y += what b = -F_m dm may be off by. Directions have no columns: what is known of them is of all of b */
static PetscErrorCode DiniTangentDoubt(Dini dini, Vec dm, Vec b, Vec work, Vec y)
{
  PetscReal relative = 0.0;
  PetscInt  offset   = 0;

  PetscFunctionBegin;
  for (PetscInt p = 0; p < dini->nparams; p++) {
    DiniParameter par = dini->params[p];
    PetscBool     known;

    if (!par->active) continue;
    offset += par->n;
    if (!DiniDoubtful(par)) continue;
    PetscCall(DiniParameterTake_Private(par, dm, offset - par->n));
    PetscCall(DiniParameterDoubt_Private(dini, par, PETSC_FALSE, par->x, work, &known));
    if (known) PetscCall(VecAXPY(y, 1.0, work));
    else relative = PetscMax(relative, PetscMax(PetscMax(par->error, par->lost), par->carried));
  }
  if (relative > 0.0) {
    PetscCall(VecCopy(b, work));
    PetscCall(VecAbs(work));
    PetscCall(VecAXPY(y, relative, work));
  }
  PetscCall(DiniFilterProject_Private(dini, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* To the error of x, of J x = b = -F_m dm, likewise; dm and x may have been divided by the same unit */
PetscErrorCode DiniAddTangentDoubt_Private(Dini dini, DiniAccuracy *a, PetscBool due, Vec dm, Vec b, Vec x,
                                           PetscReal *error)
{
  const PetscReal source = PetscMax(dini->source.error, dini->source.lost);
  PetscReal       least, amplified = 0.0;
  PetscBool       own;
  DiniDoubted     d      = {.b = b, .x = x};
  PetscErrorCode  failed = PETSC_SUCCESS;
  Vec             work;

  PetscFunctionBegin;
  least = source + DiniBlocksError(dini, &own);
  if (own || dini->source.filled) {
    PetscCall(VecDuplicate(dini->u, &d.y));
    PetscCall(VecDuplicate(dini->u, &work));
    failed = DiniJacobianDoubt(dini, DINI_TANGENT, x, d.y);
    if (!failed && own) failed = DiniTangentDoubt(dini, dm, b, work, d.y);
    if (!failed) failed = DiniAmplified(dini, a, DINI_TANGENT, due, &d, &amplified);
    PetscCall(VecDestroy(&work));
    PetscCall(VecDestroy(&d.y));
    PetscCall(failed);
  }
  *error += PetscMax(least, PetscMin(amplified, DINI_DOUBT_MOST * least));
  PetscFunctionReturn(PETSC_SUCCESS);
}
