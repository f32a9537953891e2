/*
  Coloured differences that come out the same at each point, as of a source or wherever F is affine, are not taken again: what two
  fills at different points have found is held against one difference in which all columns move, a residual for all colours. The
  matrix is left alone where it has these values still.
*/
#include "../private/dinicoloringimpl.h"

#define DINI_STEADY_FOUND  1e-7 /* two fills agree, entry by entry, and by what they are good to */
#define DINI_STEADY_COUNTS 1e-2 /* of its row, that each entry makes at least */
#define DINI_STEADY_MOVED  8.0  /* entries that have changed by more have steps that are not theirs */

/* Steps are those of the last fill: are they still those of the entries? This rank */
static PetscErrorCode DiniColoringStays(DiniColoring c, Vec point, PetscBool *stays)
{
  const PetscScalar *v;

  PetscFunctionBegin;
  *stays = PETSC_TRUE;
  PetscCall(VecGetArrayRead(point, &v));
  for (PetscInt j = 0; j < c->ncols; j++) {
    const PetscReal before = c->columns[j].own, now = PetscAbsScalar(v[j]);

    if (!c->columns[j].kept || c->columns[j].usedformula != DINI_FORMULA_CENTRAL) *stays = PETSC_FALSE;
    if (now > DINI_STEADY_MOVED * before || before > DINI_STEADY_MOVED * now) *stays = PETSC_FALSE;
  }
  PetscCall(VecRestoreArrayRead(point, &v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What rows miss of a difference in which all columns move; rows that the pattern couples with nothing miss all of it */
static PetscErrorCode DiniColoringRowsMiss(Dini dini, DiniColoring c, PetscReal miss[2])
{
  const PetscScalar *found, *d;
  PetscReal          mine[2] = {0.0, 0.0}, largest = 0.0;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(dini->w[1], &found));
  PetscCall(VecGetArrayRead(c->ghosth, &d));
  for (PetscInt r = 0; r < c->nrows; r++) {
    PetscScalar expected = 0.0;
    PetscReal   size     = 0.0;

    for (PetscInt k = c->rowptr[r]; k < c->rowptr[r + 1]; k++) {
      expected += c->values[k] * d[c->ghost[k]];
      size += PetscAbsScalar(c->values[k] * d[c->ghost[k]]);
    }
    largest = PetscMax(largest, PetscAbsScalar(found[r]));
    if (c->rowsizes[r] > 0.0)
      mine[0] = PetscMax(mine[0], DiniProbeRow_Private(expected, found[r], size, c->rowsizes[r]));
    else mine[1] = PetscMax(mine[1], PetscAbsScalar(found[r] - expected));
  }
  PetscCall(VecRestoreArrayRead(c->ghosth, &d));
  PetscCall(VecRestoreArrayRead(dini->w[1], &found));
  if (mine[1] > 0.0) mine[1] = largest > 0.0 ? mine[1] / largest : 1.0;
  PetscCall(MPIU_Allreduce(mine, miss, 2, MPIU_REAL, MPIU_MAX, PetscObjectComm((PetscObject)dini)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Does F move as the last fill has it when all columns do? Forwards from F at the point, which asks more than a central
  difference, since curvature is in it; where that is not met, backwards too
*/
static PetscErrorCode DiniColoringMoves(Dini dini, DiniColoring c, const DiniScheme *scheme, PetscReal *missed,
                                        PetscBool *same)
{
  Vec       found   = dini->w[1];
  PetscBool finite  = PETSC_TRUE;
  PetscReal miss[2] = {1.0, 1.0}, norm;

  PetscFunctionBegin;
  if (scheme->base) {
    PetscCall(DiniShifted_Private(dini, scheme, 1.0, c->one, found, &norm));
    finite = (PetscBool)!PetscIsInfOrNanReal(norm);
    PetscCall(VecAXPY(found, -1.0, scheme->base));
    if (finite) PetscCall(DiniColoringRowsMiss(dini, c, miss));
  }
  if (finite && !(miss[0] <= DINI_CLOSE && miss[1] <= DINI_CLOSE)) {
    if (scheme->base) {
      PetscCall(DiniShifted_Private(dini, scheme, -1.0, c->one, dini->w[0], &norm));
      finite = (PetscBool)!PetscIsInfOrNanReal(norm);
      PetscCall(VecAXPBYPCZ(found, 0.5, -0.5, 0.5, scheme->base, dini->w[0]));
    } else PetscCall(DiniProbe_Private(dini, scheme, c->one, &finite));
    if (finite) PetscCall(DiniColoringRowsMiss(dini, c, miss));
  }
  *same   = (PetscBool)(finite && miss[0] <= DINI_CLOSE && miss[1] <= DINI_CLOSE);
  *missed = miss[0];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Are the values of the last fill those of the point, and in A still? */
PetscErrorCode DiniColoringSteady_Private(Dini dini, DiniColoring c, DiniScheme *scheme, Vec point, Mat A,
                                          PetscBool *same, PetscBool *there)
{
  PetscBool mine[2], all[2], moved;
  PetscReal missed = 0.0;

  PetscFunctionBegin;
  *same = *there = PETSC_FALSE;
  if (!c->steady || !scheme->probed || dini->beside) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniColoringStays(c, point, &mine[0]));
  PetscCall(DiniMarkMoved_Private(&c->filled, PETSC_TRUE, &moved));
  mine[1] = (PetscBool)(c->filled.A == A && c->filled.known && !moved);
  PetscCall(MPIU_Allreduce(mine, all, 2, DINI_MPI_BOOL, MPI_LAND, PetscObjectComm((PetscObject)dini)));
  *same = all[0];
  if (*same) {
    PetscCall(DiniColoringProbe_Private(c, point));
    PetscCall(DiniColoringMoves(dini, c, scheme, &missed, same));
  }
  c->steady = *same;
  if (!*same) PetscFunctionReturn(PETSC_SUCCESS);
  *there         = all[1];
  c->point       = dini->point;
  scheme->error  = c->error;
  scheme->lost   = c->lost;
  scheme->missed = missed;
  PetscCall(
      PetscInfo(dini, "Differences in %s are those of the last point, to %g by rows\n", scheme->what, (double)missed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  After a fill: has it found what the one before has, at another point? Only where every entry counts in its row, so that rows
  can not hide that it has changed.
*/
PetscErrorCode DiniColoringCompare_Private(Dini dini, DiniColoring c, const DiniScheme *scheme)
{
  const PetscScalar *sizes;
  const PetscReal    found = DINI_STEADY_FOUND + 2.0 * scheme->error;
  PetscBool          mine  = (PetscBool)(c->fills > 0 && scheme->error <= DINI_DIFFERENCE_RTOL);

  PetscFunctionBegin;
  if (!scheme->probed || dini->beside) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecGetArrayRead(c->ghostsize, &sizes));
  for (PetscInt r = 0; r < c->nrows && mine; r++) {
    PetscReal row = 0.0;

    for (PetscInt k = c->rowptr[r]; k < c->rowptr[r + 1]; k++) row += PetscAbsScalar(c->values[k] * sizes[c->ghost[k]]);
    for (PetscInt k = c->rowptr[r]; k < c->rowptr[r + 1]; k++) {
      const PetscReal entry = PetscAbsScalar(c->values[k]);

      if (entry * PetscAbsScalar(sizes[c->ghost[k]]) < DINI_STEADY_COUNTS * row) mine = PETSC_FALSE;
      if (PetscAbsScalar(c->values[k] - c->last[k]) > found * entry) mine = PETSC_FALSE;
    }
  }
  PetscCall(VecRestoreArrayRead(c->ghostsize, &sizes));
  PetscCall(PetscArraycpy(c->last, c->values, c->rowptr[c->nrows]));
  PetscCall(MPIU_Allreduce(&mine, &c->steady, 1, DINI_MPI_BOOL, MPI_LAND, PetscObjectComm((PetscObject)dini)));
  c->error = scheme->error;
  c->lost  = scheme->lost;
  c->fills++;
  PetscFunctionReturn(PETSC_SUCCESS);
}
