/*
  A residual judged field by field: |r_f| / s_f for each field f, where

    s_f = max(|b_f|, min(sum over g != f of |A_fg| |x_g|, |A_ff| min over g != f of |b_g| / |A_gf|))

  is its right-hand side, or what the other fields put into its equations, but no more than they would notice of it, where it
  has a diagonal block: multipliers have none, and are judged by what others put into their equations. Neither the units of the
  equations nor those of the unknowns change the quotient, and of a single field it is the relative residual. Where |b| of all
  fields together is less, and rounding lets it be met, it stays the measure. |A_fg| is measured by random products, a field at
  a time, once for a point, and only where |b_f| alone does not decide.
*/
#include "../private/diniengineimpl.h"
#include <math.h>

#define DINI_ROUNDING (20.0 * PETSC_MACHINE_EPSILON) /* of the terms that make up a residual */
#define DINI_CLEAR    0.1   /* times a limit: far enough below it for sizes that are known from another point */
#define DINI_PLAIN    0.01  /* an error beyond this may be that of a field at rest */
#define DINI_IDLE     1e-6  /* of what others make of it: less is as good as no diagonal block, as of multipliers */
#define DINI_FAINT    1e-10 /* of what others would notice: driven less than this, a field is as good as at rest */

/* ---- Norms that do not over- or underflow, of all fields and of several vectors by one reduction ---- */

/* By field */
static PetscErrorCode DiniAddSquares(Vec v, const unsigned char **field, PetscReal sums[])
{
  PetscBool          nest;
  PetscInt           n;
  Vec               *parts;
  const PetscScalar *a;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)v, VECNEST, &nest));
  if (nest) {
    PetscCall(VecNestGetSubVecs(v, &n, &parts));
    for (PetscInt i = 0; i < n; i++) PetscCall(DiniAddSquares(parts[i], field, sums));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(VecGetLocalSize(v, &n));
  PetscCall(VecGetArrayRead(v, &a));
  for (PetscInt i = 0; i < n; i++) {
    DiniAddSquare_Private(PetscRealPart(a[i]), &sums[3 * (size_t)(*field)[i]]);
    if (PetscDefined(USE_COMPLEX)) DiniAddSquare_Private(PetscImaginaryPart(a[i]), &sums[3 * (size_t)(*field)[i]]);
  }
  PetscCall(VecRestoreArrayRead(v, &a));
  *field += n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  norms[0][f] of v[0], and norms[1][f] of v[1] unless that is NULL. With status, v[0] is the residual of x, and what else is to
  be known of x comes with it: whether J has been written to meanwhile, and whether entries of x fall into groups.
*/
static PetscErrorCode DiniNorms(DiniEngine e, Vec v[2], PetscReal *norms[2], Vec x, DiniSolveResult *status)
{
  const PetscInt n = 3 * e->nfields, groups = status && status->groups && e->nfields == 1 ? DINI_BINS : 0;
  const PetscInt used                                  = v[1] ? 2 * n : n;
  PetscReal      sums[6 * DINI_MAX_FIELDS + DINI_BINS] = {0.0};
  PetscReal     *group                                 = &sums[used + 1];
  PetscBool      written                               = PETSC_FALSE;

  PetscFunctionBegin;
  for (int k = 0; k < 2 && v[k]; k++) {
    const unsigned char *field = e->field;

    if (e->nfields > 1) PetscCall(DiniAddSquares(v[k], &field, &sums[(size_t)k * n]));
    else PetscCall(DiniSquares_Private(v[k], &sums[(size_t)k * n]));
  }
  if (status && e->up.written) PetscCall((*e->up.written)(e->up.ctx, &written));
  sums[used] = written ? 1.0 : 0.0;
  if (groups) PetscCall(DiniEngineCountGroups_Private(e, x, group));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, sums, (PetscMPIInt)(used + 1 + groups), MPIU_REAL, MPIU_SUM,
                           PetscObjectComm((PetscObject)e)));
  for (int k = 0; k < 2 && v[k]; k++)
    for (PetscInt f = 0; f < e->nfields; f++) norms[k][f] = DiniRoot_Private(&sums[(size_t)k * n + 3 * (size_t)f]);
  if (status) status->unwritten = (PetscBool)(sums[used] == 0.0);
  if (groups) status->several = DiniEngineSeveral_Private(e, group);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- Sizes of blocks ---- */

/* |A_fg| = |A_fg v| / |v| for a random v in field g */
static PetscErrorCode DiniMeasureBlocks(DiniEngine e, DiniDirection direction)
{
  Vec       v, y, both[2]                                        = {NULL};
  PetscReal out[DINI_MAX_FIELDS], in[DINI_MAX_FIELDS], *norms[2] = {out, in};

  PetscFunctionBegin;
  if (e->blocksready[direction]) PetscFunctionReturn(PETSC_SUCCESS);
  if (!e->blocks[direction]) PetscCall(PetscCalloc1(e->nfields * e->nfields, &e->blocks[direction]));
  PetscCall(VecDuplicate(e->b, &v));
  PetscCall(VecDuplicate(e->b, &y));
  for (PetscInt g = 0; g < e->nfields; g++) {
    const unsigned char *field                 = e->field;
    PetscBool            keep[DINI_MAX_FIELDS] = {PETSC_FALSE};

    keep[g] = PETSC_TRUE;
    PetscCall(VecSet(y, 0.0));
    PetscCall(DiniRandom_Private(50 + g, v));
    PetscCall(DiniRestrict_Private(v, &field, keep));
    PetscCall(DiniEngineMult_Private(e, direction, v, y));
    both[0] = y;
    both[1] = v;
    PetscCall(DiniNorms(e, both, norms, NULL, NULL));
    for (PetscInt f = 0; f < e->nfields; f++)
      e->blocks[direction][f * e->nfields + g] = in[g] > 0.0 ? out[f] / in[g] : 0.0;
  }
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&y));
  e->blocksready[direction] = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is there next to no A_ff, beside what eliminating the others leaves there, |A_fg| |A_gf| / |A_gg|? */
static PetscBool DiniIdle(const PetscReal A[], PetscInt n, PetscInt f)
{
  PetscReal others = 0.0;

  for (PetscInt g = 0; g < n; g++)
    if (g != f && A[g * n + g] > 0.0) others = PetscMax(others, A[f * n + g] * (A[g * n + f] / A[g * n + g]));
  return (PetscBool)(A[f * n + f] <= DINI_IDLE * others);
}

/*
  The residual in field f that a field g with a right-hand side of its own would notice: changes of x_f by r_f / |A_ff| move its
  equations by |A_gf| times that. Where all units are alike, this is about |b|. Infinity where nobody would. With any, by what
  x_g itself is, which f moves by r_f / |A_fg| where it has no A_ff.
*/
static PetscReal DiniNoticed(DiniEngine e, const PetscReal A[], const PetscReal b[], const PetscReal drive[],
                             PetscInt f, PetscBool any)
{
  const PetscInt  n     = e->nfields;
  const PetscBool idle  = DiniIdle(A, n, f);
  PetscReal       least = HUGE_VAL;

  if (idle && !any) return least;
  for (PetscInt g = 0; g < n; g++) {
    const PetscReal size = A[g * n + (any ? g : f)], own = A[f * n + (idle ? g : f)];

    if ((any || g != f) && own > 0.0 && size > 0.0 && b[g] > DINI_FAINT * drive[g])
      least = PetscMin(least, own * (b[g] / size));
  }
  return least;
}

static PetscErrorCode DiniScales(DiniEngine e, DiniDirection direction, Vec x, DiniFieldNorms *fields)
{
  const PetscInt   n                     = e->nfields;
  Vec              v[2]                  = {x, NULL};
  PetscReal        size[DINI_MAX_FIELDS] = {0.0}, drive[DINI_MAX_FIELDS] = {0.0}, all = 0.0, *norms[2] = {size, NULL};
  const PetscReal *A;

  PetscFunctionBegin;
  PetscCall(DiniMeasureBlocks(e, direction));
  PetscCall(DiniNorms(e, v, norms, NULL, NULL));
  A = e->blocks[direction];
  for (PetscInt f = 0; f < n; f++) all = hypot(all, fields->b[f]);
  for (PetscInt f = 0; f < n; f++) {
    drive[f] = 0.0;
    for (PetscInt g = 0; g < n; g++)
      if (g != f) drive[f] += A[f * n + g] * size[g];
    fields->rounding[f] = DINI_ROUNDING * (fields->b[f] + drive[f] + A[f * n + f] * size[f]);
  }
  for (PetscInt f = 0; f < n; f++) {
    const PetscReal noticed = DiniNoticed(e, A, fields->b, drive, f, PETSC_FALSE);
    const PetscReal rest    = isinf(noticed) ? DiniNoticed(e, A, fields->b, drive, f, PETSC_TRUE) : noticed;

    fields->scale[f] = PetscMax(fields->b[f], PetscMin(drive[f], noticed));
    /* what drives it may be nothing but what a Krylov method leaves in fields at rest */
    if (!isinf(rest)) fields->scale[f] = PetscMax(fields->scale[f], DINI_FAINT * rest);
    fields->limit[f] = PetscMin(fields->scale[f], PetscMax(all, fields->rounding[f] / e->rtol[direction]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscReal DiniWorst(DiniEngine e, DiniFieldNorms *fields, const PetscReal scale[])
{
  PetscReal worst = 0.0;

  fields->worst = 0;
  for (PetscInt f = 0; f < e->nfields; f++) {
    const PetscReal ratio = fields->r[f] == 0.0 ? 0.0 : fields->r[f] / scale[f];

    if (ratio <= worst) continue; /* not so for NaN */
    worst         = ratio;
    fields->worst = f;
    if (PetscIsNanReal(ratio)) break;
  }
  return worst;
}

/* ---- What the solves ask ---- */

/* |r| of a single field */
PetscErrorCode DiniEngineResidualNorm_Private(DiniEngine e, Vec x, Vec r, PetscReal *norm, DiniSolveResult *status)
{
  Vec        v[2]     = {r, NULL};
  PetscReal *norms[2] = {norm, NULL};

  PetscFunctionBegin;
  PetscCall(DiniNorms(e, v, norms, x, status));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  For the residual r of x: fields->relative = the largest |r_f| / s_f, and what has to come down to the tolerance, which is the
  same or, by |b| of all fields, more. status, where it is that of a solve, is told what else DiniNorms() tells
*/
PetscErrorCode DiniEngineJudge_Private(DiniEngine e, DiniDirection direction, Vec b, Vec x, Vec r,
                                       DiniFieldNorms *fields, PetscReal *asked, DiniSolveResult *status)
{
  Vec        v[2]     = {r, fields->hasb ? NULL : b};
  PetscReal *norms[2] = {fields->r, fields->b};

  PetscFunctionBegin;
  PetscCall(DiniNorms(e, v, norms, x, status));
  fields->hasb = PETSC_TRUE;
  PetscCall(PetscArraycpy(fields->scale, fields->b, e->nfields));
  PetscCall(PetscArraycpy(fields->limit, fields->b, e->nfields));
  *asked = fields->relative = DiniWorst(e, fields, fields->scale);
  if (*asked <= e->rtol[direction]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniScales(e, direction, x, fields));
  *asked           = DiniWorst(e, fields, fields->limit);
  fields->relative = DiniWorst(e, fields, fields->scale);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* How much of its terms A x is, in the field where that is most: near zero for a null vector, whatever the units */
PetscErrorCode DiniEngineCancels_Private(DiniEngine e, DiniDirection direction, Vec x, Vec Ax, PetscReal *ratio)
{
  const PetscInt n                  = e->nfields;
  Vec            v[2]               = {Ax, x};
  PetscReal      r[DINI_MAX_FIELDS] = {0.0}, size[DINI_MAX_FIELDS] = {0.0}, *norms[2] = {r, size};

  PetscFunctionBegin;
  PetscCall(DiniMeasureBlocks(e, direction));
  PetscCall(DiniNorms(e, v, norms, NULL, NULL));
  *ratio = 0.0;
  for (PetscInt f = 0; f < n; f++) {
    PetscReal terms = 0.0;

    for (PetscInt g = 0; g < n; g++) terms += e->blocks[direction][f * n + g] * size[g];
    if (terms > 0.0 && !(r[f] / terms <= *ratio)) *ratio = r[f] / terms;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is each field's residual good enough, or rounding, |r_f| <= 20 eps (|b_f| + sum |A_fg| |x_g|)? After a judgement that was bad */
PetscBool DiniEngineFieldRounding_Private(DiniEngine e, DiniDirection direction, const DiniFieldNorms *fields,
                                          PetscReal most)
{

  for (PetscInt f = 0; f < e->nfields; f++) {
    const PetscReal good = e->rtol[direction] * fields->limit[f];

    if (!(fields->r[f] <= PetscMax(good, PetscMin(fields->rounding[f], most * fields->scale[f])))) return PETSC_FALSE;
  }
  return PETSC_TRUE;
}

/*
  Leaves in the residual r the fields that fail, so that a Krylov method sees them and not what is larger and good; its norm,
  and the norm that all of them would be good at
*/
PetscErrorCode DiniEngineFailing_Private(DiniEngine e, DiniDirection direction, const DiniFieldNorms *fields, Vec r,
                                         PetscReal *norm, PetscReal *wanted)
{
  const unsigned char *field                 = e->field;
  PetscBool            keep[DINI_MAX_FIELDS] = {PETSC_FALSE}, all = PETSC_TRUE;

  PetscFunctionBegin;
  *norm   = 0.0;
  *wanted = PETSC_MAX_REAL;
  for (PetscInt f = 0; f < e->nfields; f++) {
    /* with a null space, a part of r is not compatible */
    keep[f] = (PetscBool)(e->null[!direction] || !(fields->r[f] <= e->rtol[direction] * fields->limit[f]));
    if (!keep[f]) all = PETSC_FALSE;
    if (!keep[f]) continue;
    *norm = hypot(*norm, fields->r[f]);
    if (fields->r[f] > e->rtol[direction] * fields->limit[f])
      *wanted = PetscMin(*wanted, e->rtol[direction] * fields->limit[f]);
  }
  if (!all) PetscCall(DiniRestrict_Private(r, &field, keep));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- What is asked of the state ---- */

/* A field of the state that is smaller is zero but for rounding: its residual is held against that of numbers of size one */
static PetscErrorCode DiniNought(DiniEngine e, Vec u, DiniFieldNorms *fields)
{
  PetscReal size[DINI_MAX_FIELDS], *norms[2] = {size, NULL};
  Vec       v[2] = {u, NULL};

  PetscFunctionBegin;
  PetscCall(DiniNorms(e, v, norms, NULL, NULL));
  for (PetscInt f = 0; f < e->nfields; f++) {
    if (size[f] > DINI_NOUGHT * PetscSqrtReal((PetscReal)e->N)) continue;
    fields->scale[f] = PetscMax(fields->scale[f], e->blocks[DINI_TANGENT][f * e->nfields + f]);
    fields->limit[f] = PetscMax(fields->limit[f], fields->scale[f]);
  }
  fields->relative = DiniWorst(e, fields, fields->scale);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  F is the residual of J u = J u - F, the system that Newton's method would solve for u once more, and is judged like that of
  a tangent solve: by field, so that units hide nothing. *relative is the largest |F_f| / s_f, 0 for F = 0. Sizes of the fields
  of J u - F are remembered: with them known, and a relative residual far below the limit, there is no product.
*/
PetscErrorCode DiniEngineJudgeState_Private(DiniEngine e, Vec u, Vec F, PetscReal limit, PetscReal *relative,
                                            PetscBool *good, const char **field)
{
  DiniFieldNorms  fields = {0};
  const PetscReal before = e->rtol[DINI_TANGENT];
  PetscReal       asked, *norms[2] = {fields.r, NULL};
  Vec             v[2] = {F, NULL};

  PetscFunctionBegin;
  PetscCall(DiniEngineFindFields_Private(e));
  *good  = PETSC_TRUE;
  *field = NULL;
  if (e->statefields == e->nfields) {
    PetscCall(DiniNorms(e, v, norms, NULL, NULL));
    *relative = DiniWorst(e, &fields, e->statesize);
    if (*relative <= DINI_CLEAR * limit) PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(MatMult(e->J, u, e->e));
  PetscCall(VecAXPY(e->e, -1.0, F));
  e->rtol[DINI_TANGENT] = limit;
  PetscCall(DiniEngineJudge_Private(e, DINI_TANGENT, e->e, u, F, &fields, &asked, NULL));
  if (fields.relative > limit) PetscCall(DiniNought(e, u, &fields));
  *relative = fields.relative;
  *good     = (PetscBool)(fields.relative <= limit || DiniEngineFieldRounding_Private(e, DINI_TANGENT, &fields, 1.0));
  if (e->nfields > 1) *field = e->fieldname[fields.worst];
  e->rtol[DINI_TANGENT] = before;
  PetscCall(PetscArraycpy(e->statesize, fields.scale, e->nfields));
  e->statefields = e->nfields;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* *relative of another F by the sizes of the last judgement */
PetscErrorCode DiniEngineStateFalls_Private(DiniEngine e, Vec F, PetscReal *relative)
{
  DiniFieldNorms fields   = {0};
  PetscReal     *norms[2] = {fields.r, NULL};
  Vec            v[2]     = {F, NULL};

  PetscFunctionBegin;
  PetscCall(DiniNorms(e, v, norms, NULL, NULL));
  *relative = DiniWorst(e, &fields, e->statesize);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  How far off is x, which A e would correct? The largest |e_f| / |x_f|, where a field at rest is as large as others would notice
  of it, or as its right-hand side b makes it
*/
PetscErrorCode DiniEngineFieldError_Private(DiniEngine e, DiniDirection direction, Vec b, Vec x, Vec d,
                                            PetscReal *error)
{
  DiniFieldNorms fields                = {.hasb = PETSC_TRUE};
  PetscReal      size[DINI_MAX_FIELDS] = {0.0}, *norms[2] = {fields.r, size}, *bnorms[2] = {fields.b, NULL}, largest;
  Vec            v[2] = {d, x}, vb[2] = {b, NULL};

  PetscFunctionBegin;
  PetscCall(DiniNorms(e, v, norms, NULL, NULL));
  *error = DiniWorst(e, &fields, size);
  if (e->nfields == 1 && !e->terms.fronts) {
    PetscCall(DiniEngineGroupError_Private(e, x, d, &largest));
    *error = PetscMax(*error, largest);
  }
  if (*error <= DINI_PLAIN || e->nfields == 1) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniNorms(e, vb, bnorms, NULL, NULL));
  PetscCall(DiniScales(e, direction, x, &fields));
  for (PetscInt f = 0; f < e->nfields; f++) {
    const PetscReal own = e->blocks[direction][f * e->nfields + f];

    if (own > 0.0) size[f] = PetscMax(size[f], fields.scale[f] / own);
  }
  *error = DiniWorst(e, &fields, size);
  PetscFunctionReturn(PETSC_SUCCESS);
}
