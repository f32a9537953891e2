/*
  Entries of a field's rows that rounding hides. A row whose terms are 1e8 times what an entry changes in it leaves of that entry
  what eps 1e8 / h leaves, and neither its row nor its column shows it: both are made of what is larger. It is seen in what a row
  field and a column field have in common, and a longer step tells more, entry by entry, as far as it is within rounding of a
  shorter one.
*/
#include "../private/dinistepsimpl.h"

#define DINI_SEEN        1e-7 /* relative, of what two fields have in common: nothing to be done */
#define DINI_UNSEEN      100.0 /* roundings of its row that an entry makes when it moves by its own size: F hardly tells */
#define DINI_FIRST_TIMES 8.0 /* what rounding may be more than estimated */
#define DINI_TIMES       2.0 /* where a longer step has shown that it is not */
#define DINI_NEARER      0.5
#define DINI_LEAST       0.01 /* of what rounding may be: what it is */
#define DINI_TYPICAL     0.3  /* the same where nobody has looked */

/* An entry of a row of that size, found by the step h of its column */
void DiniEntryStart_Private(PetscReal row, PetscReal h, DiniEntry *e)
{
  e->noise   = h != 0.0 ? PETSC_MACHINE_EPSILON * row / PetscAbsReal(h) : 0.0;
  e->error   = DINI_TYPICAL * e->noise;
  e->tries   = 0;
  e->stopped = PETSC_FALSE;
}

/* Is the value by a step that is DINI_STEP_FACTOR times as long to be kept? It is so far from the one that is */
PetscBool DiniEntryFarther_Private(DiniEntry *e, PetscReal apart)
{
  const PetscReal rounding = (e->tries ? DINI_TIMES : DINI_FIRST_TIMES) * e->noise;

  if (!(apart <= PetscMax(rounding, DINI_NEARER * e->error))) {
    e->stopped = PETSC_TRUE;
    return PETSC_FALSE;
  }
  e->noise /= DINI_STEP_FACTOR;
  e->error = PetscMax(apart, e->tries ? e->error / DINI_STEP_FACTOR : DINI_LEAST * e->noise); /* but by chance */
  e->tries++;
  return PETSC_TRUE;
}

/* sums: of one row field and one column field; sizes: of the row, of the column */
void DiniLostAdd_Private(PetscReal sums[3], PetscReal value, PetscReal error, PetscReal row, PetscReal column)
{
  if (!(value > 0.0 && row > 0.0)) return; /* a row that does not move at all knows nothing of the column */
  sums[0] += PetscSqr(value * column / row);
  sums[1] += PetscSqr(error * column / row);
  sums[2] += 1.0;
}

/* The relative error of what two fields have in common, 0 where that is nothing */
PetscReal DiniLost_Private(const PetscReal sums[3])
{
  if (!(PetscSqrtReal(sums[0]) > DINI_UNSEEN * PETSC_MACHINE_EPSILON * PetscSqrtReal(sums[2]))) return 0.0;
  return PetscMin(PetscSqrtReal(sums[1] / sums[0]), 1.0);
}

PetscBool DiniIsLost_Private(const PetscReal sums[3])
{
  return (PetscBool)(DiniLost_Private(sums) > DINI_SEEN);
}

/* The next step of a column whose entries are lost: factor times that of its value, or none */
PetscBool DiniColumnLonger_Private(DiniColumn *c, PetscReal factor)
{
  c->pending = PETSC_FALSE;
  if (!c->kept || c->usedformula != DINI_FORMULA_CENTRAL) return PETSC_FALSE;
  if (!(PetscAbsReal(c->used) * factor < c->longest)) return PETSC_FALSE;
  c->h       = c->used * factor;
  c->formula = c->usedformula;
  c->pending = PETSC_TRUE;
  if (c->entry) DiniColumnExact_Private(c);
  return PETSC_TRUE;
}
