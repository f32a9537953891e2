/*
  Differences by two steps. Three values of F tell how curved it is within a step, and nothing where the second difference
  vanishes, as at an inflection point. So all columns together are held against a difference at half their steps; where rows
  disagree by more than rounding, the columns in them are taken at other steps: shorter ones while two neighbours come nearer to
  each other, longer ones where shorter ones fall apart, which is noise. What is left between neighbours is a column's error.
*/
#include "../private/dinistepsimpl.h"

#define DINI_NEARER      0.5  /* neighbours that are, are on the way */
#define DINI_WITHIN      32.0 /* of a step by that factor shorter: a difference of second order is so much better */
#define DINI_MAX_REFINE  9
#define DINI_ROUNDINGS   50.0 /* that F may have made */
#define DINI_LEAST       0.05 /* of what rounding may be: what it is */
#define DINI_INSENSITIVE 1e-7 /* an error by rounding that a longer step may lower */

void DiniColumnSuspect_Private(DiniColumn *c)
{
  c->tries   = 0;
  c->search  = DINI_SEARCH_FIRST;
  c->h       = c->used / DINI_STEP_FACTOR;
  c->formula = c->usedformula;
  c->pending = PETSC_TRUE;
}

/* By a longer step truncation would be as much, as the curvature tells */
static PetscBool Truncates(const DiniColumn *c, PetscReal error)
{
  return (PetscBool)(PetscSqr(DINI_STEP_FACTOR * c->rho) > 0.1 * error);
}

/* Rows miss by so much, and shorter steps do not tell why: noise that a longer one may leave behind */
PetscBool DiniColumnFar_Private(DiniColumn *c, PetscReal noise, PetscReal error)
{
  if (c->search > DINI_SEARCH_FIRST) return PETSC_FALSE;
  if (Truncates(c, error)) return PETSC_FALSE;
  DiniColumnSuspect_Private(c);
  c->search = DINI_SEARCH_FAR;
  c->h      = c->used * DINI_STEP_FACTOR;
  c->error  = error;
  c->noise  = noise * PetscAbsReal(c->used);
  return PETSC_TRUE;
}

/* Rounding is most of the error */
PetscBool DiniColumnInsensitive_Private(DiniColumn *c)
{
  if (!(c->error > DINI_INSENSITIVE) || !c->kept || c->search || c->usedformula != DINI_FORMULA_CENTRAL)
    return PETSC_FALSE;
  if (Truncates(c, c->error)) return PETSC_FALSE;
  return DiniColumnFar_Private(c, c->error, PetscMin(DINI_ROUNDINGS * c->error, 1.0));
}

static void NextStep(DiniColumn *c, PetscReal factor)
{
  c->h       = c->used * factor;
  c->pending = (PetscBool)(c->tries < DINI_MAX_REFINE && PetscAbsReal(c->h) < c->longest);
}

static PetscBool DiniColumnShorter(DiniColumn *c, PetscReal apart)
{
  const PetscBool nearer = (PetscBool)(apart < DINI_NEARER * c->error);

  if (c->search == DINI_SEARCH_FIRST && apart <= DINI_CLOSE) { /* another column is to blame */
    c->error = PetscMax(c->error, apart);
    return PETSC_FALSE;
  }
  if (c->search == DINI_SEARCH_FIRST || nearer) {
    c->search = (signed char)(c->search == DINI_SEARCH_FIRST ? DINI_SEARCH_SECOND : DINI_SEARCH_SHORTER);
    c->used   = c->h;
    c->error  = apart;
    if (apart <= DINI_CLOSE)
      c->error = PetscMax(apart / DINI_WITHIN, PetscMin(apart, c->rounding / PetscAbsReal(c->used)));
    if (apart > DINI_CLOSE) NextStep(c, 1.0 / DINI_STEP_FACTOR);
    return PETSC_TRUE;
  }
  if (c->search == DINI_SEARCH_SECOND) { /* noise, from the first step on */
    c->search = DINI_SEARCH_TURNED;
    NextStep(c, DINI_STEP_FACTOR * DINI_STEP_FACTOR);
  } else c->error = PetscMin(c->error, apart);
  return PETSC_FALSE;
}

/* Longer while neighbours come nearer: by chance they may agree before rounding is left behind */
static PetscBool DiniColumnFarther(DiniColumn *c, PetscReal apart)
{
  if (!(apart < (c->tries == 1 ? 2.0 : DINI_NEARER) * c->error) && apart > DINI_CLOSE) {
    c->error = PetscMin(c->error, apart);
    return PETSC_FALSE;
  }
  c->used  = c->h;
  c->error = PetscMax(apart, DINI_LEAST * c->noise / PetscAbsReal(c->used));
  if (c->error > DINI_INSENSITIVE) NextStep(c, DINI_STEP_FACTOR);
  return PETSC_TRUE;
}

static PetscBool DiniColumnLonger(DiniColumn *c, PetscReal apart)
{
  const PetscBool nearer = (PetscBool)(apart < (c->search == DINI_SEARCH_TURNED ? 2.0 : DINI_NEARER) * c->error);

  c->error = PetscMin(c->error, apart);
  if (!nearer) return PETSC_FALSE;
  c->search = DINI_SEARCH_LONGER;
  c->used   = c->h;
  if (apart > DINI_CLOSE) NextStep(c, DINI_STEP_FACTOR);
  return PETSC_TRUE;
}

/* Is the value just found, by so much apart from the one that is kept, to be kept in its place? Sets the next step */
PetscBool DiniColumnRefine_Private(DiniColumn *c, PetscReal apart, PetscBool bad)
{
  PetscBool kept;

  c->tries++;
  c->pending = PETSC_FALSE;
  if (bad) return PETSC_FALSE;
  if (c->search < DINI_SEARCH_TURNED) kept = DiniColumnShorter(c, apart);
  else kept = c->search == DINI_SEARCH_FAR ? DiniColumnFarther(c, apart) : DiniColumnLonger(c, apart);
  if (kept) c->refined = PETSC_TRUE;
  if (c->pending && c->entry) DiniColumnExact_Private(c);
  return kept;
}

/* Where column j, by its global number, moves to when all columns move: by less than its step, in any sign */
PetscReal DiniColumnProbe_Private(const DiniColumn *c, PetscInt j)
{
  const unsigned int hash = ((unsigned int)j + 77u) * 2654435761u >> 8;
  const PetscReal    size = 0.25 + 0.25 * (PetscReal)(hash & 1023u) / 1023.0;

  if (!c->kept || c->usedformula == DINI_FORMULA_ONESIDED) return 0.0;
  return (hash & 1024u ? size : -size) * PetscAbsReal(c->used);
}

/* F(+d) - F(-d) in w[1], halved; *finite: it has values */
PetscErrorCode DiniProbe_Private(Dini dini, const DiniScheme *scheme, Vec d, PetscBool *finite)
{
  PetscReal norm[2];

  PetscFunctionBegin;
  PetscCall(DiniShifted_Private(dini, scheme, 1.0, d, dini->w[1], &norm[0]));
  PetscCall(DiniShifted_Private(dini, scheme, -1.0, d, dini->w[0], &norm[1]));
  *finite = (PetscBool) !(PetscIsInfOrNanReal(norm[0]) || PetscIsInfOrNanReal(norm[1]));
  if (!*finite) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecAXPY(dini->w[1], -1.0, dini->w[0]));
  PetscCall(VecScale(dini->w[1], 0.5));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* How far a row is off, relative to what its columns make of it, beyond rounding of its terms */
PetscReal DiniProbeRow_Private(PetscScalar expected, PetscScalar found, PetscReal size, PetscReal terms)
{
  const PetscReal apart = PetscAbsScalar(found - expected) - DINI_PROBE_ROUND * PETSC_MACHINE_EPSILON * terms;

  size = PetscMax(size, PetscAbsScalar(found));
  return apart > 0.0 && size > 0.0 ? apart / size : 0.0;
}

/* From sums of squares: how far a value is from the one that is kept, relative to that, which noise makes larger */
PetscReal DiniApart_Private(PetscReal apart, PetscReal kept)
{
  if (!(apart > 0.0)) return 0.0;
  return kept > 0.0 ? PetscSqrtReal(apart / kept) : PETSC_MAX_REAL;
}

/* The same of x and y, which is kept; rows in units of their sizes; one reduction */
static PetscErrorCode DiniColumnsApart(Dini dini, Vec x, Vec y, Vec rows, PetscReal *apart)
{
  const PetscScalar *a, *b, *r = NULL;
  PetscReal          sums[2] = {0.0, 0.0};

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(x, &a));
  PetscCall(VecGetArrayRead(y, &b));
  if (rows) PetscCall(VecGetArrayRead(rows, &r));
  for (PetscInt i = 0; i < dini->n; i++) {
    const PetscReal row = r ? PetscRealPart(r[i]) : 1.0;

    if (!(row > 0.0)) continue;
    sums[0] += PetscSqr(PetscAbsScalar(a[i] - b[i]) / row);
    sums[1] += PetscSqr(PetscAbsScalar(b[i]) / row);
  }
  if (rows) PetscCall(VecRestoreArrayRead(rows, &r));
  PetscCall(VecRestoreArrayRead(y, &b));
  PetscCall(VecRestoreArrayRead(x, &a));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, sums, 2, MPIU_REAL, MPIU_SUM, PetscObjectComm((PetscObject)dini)));
  *apart = DiniApart_Private(sums[0], sums[1]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A column that is suspect, with its value in y, by other steps */
PetscErrorCode DiniRefineAlong_Private(Dini dini, DiniScheme *scheme, Vec rows, Vec direction, DiniColumn *c, Vec y)
{
  PetscErrorCode failed = PETSC_SUCCESS;
  Vec            tried;

  PetscFunctionBegin;
  PetscCall(VecDuplicate(dini->u, &tried));
  while (c->pending && !failed) {
    const DiniColumn used = *c;
    PetscReal        norm[2], apart = 0.0;
    PetscBool        bad = PETSC_TRUE;

    failed = DiniShifted_Private(dini, scheme, c->h, direction, dini->w[1], &norm[0]);
    if (!failed) failed = DiniShifted_Private(dini, scheme, -c->h, direction, dini->w[0], &norm[1]);
    if (!failed) bad = (PetscBool)(PetscIsInfOrNanReal(norm[0]) || PetscIsInfOrNanReal(norm[1]));
    if (!failed && !bad) failed = DiniTakeValue_Private(dini, scheme, &used, used.h, tried);
    if (!failed && !bad) failed = DiniColumnsApart(dini, tried, y, rows, &apart);
    if (!failed && DiniColumnRefine_Private(c, apart, bad)) failed = VecCopy(tried, y);
  }
  PetscCall(VecDestroy(&tried));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}
