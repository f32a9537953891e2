/* Second-order differences along directions whose blocks, and the state, change by unlike parts of themselves: a step for each */
#include "../private/diniparameterimpl.h"

#define DINI_ALIKE   100.0                         /* times the mildest relative change: one step serves */
#define DINI_DROWNED (1e3 * PETSC_MACHINE_EPSILON) /* of an entry: a step that says little of it */
#define DINI_UNLIKE  1e6 /* what changes by so much more than the parameters do is zero, but for rounding */

/* An error as a part of what it is in */
PetscReal DiniShare_Private(PetscReal error, PetscReal all)
{
  return error < all ? error / all : error > 0.0 ? 1.0 : 0.0;
}

/* How much block p, or for p = nparams the state, changes in units of its size; zero for what does not change */
static PetscErrorCode DiniSecondSizes(Dini dini, Vec du, Vec dm, PetscReal relative[])
{
  PetscInt offset = 0;

  PetscFunctionBegin;
  for (PetscInt p = 0; p < dini->nparams; p++) {
    DiniParameter par = dini->params[p];

    relative[p] = 0.0;
    if (!par->active) continue;
    PetscCall(DiniParameterTake_Private(par, dm, offset));
    offset += par->n;
    PetscCall(DiniRelativeSize_Private(par->x, par->copy, 0.0, PETSC_MAX_REAL, &relative[p], NULL));
  }
  PetscCall(DiniRelativeSize_Private(du, dini->u, 0.0, PETSC_MAX_REAL, &relative[dini->nparams], NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  group[p]: those that one step serves, from the mildest change on. What changes by so much more than the mildest that it is
  zero but for rounding has no size of its own, and goes with that.
*/
static PetscInt DiniSecondGroups(PetscInt n, const PetscReal relative[], PetscInt group[], PetscReal *mildest)
{
  PetscInt  groups = 0;
  PetscReal least  = PETSC_MAX_REAL, from;

  for (PetscInt p = 0; p < n; p++) {
    group[p] = relative[p] > 0.0 ? -1 : 0;
    if (relative[p] > 0.0) least = PetscMin(least, relative[p]);
  }
  for (PetscInt p = 0; p < n; p++)
    if (relative[p] / DINI_UNLIKE > least) group[p] = 0;
  *mildest = least;
  for (;; groups++) {
    from = PETSC_MAX_REAL;
    for (PetscInt p = 0; p < n; p++)
      if (group[p] < 0) from = PetscMin(from, relative[p]);
    if (from == PETSC_MAX_REAL) return PetscMax(1, groups);
    for (PetscInt p = 0; p < n; p++)
      if (group[p] < 0 && relative[p] <= DINI_ALIKE * from) group[p] = groups;
  }
}

/* Is there an entry of d, no zero, whose step h d_i is lost in the rounding of v_i? */
static PetscErrorCode DiniSecondDrowns(Vec d, Vec v, PetscReal h, PetscBool *drowns)
{
  const PetscScalar *a, *b;
  PetscInt           n;

  PetscFunctionBegin;
  PetscCall(VecGetLocalSize(v, &n));
  PetscCall(VecGetArrayRead(d, &a));
  PetscCall(VecGetArrayRead(v, &b));
  for (PetscInt i = 0; i < n; i++)
    if (a[i] != 0.0 && h * PetscAbsScalar(a[i]) < DINI_DROWNED * PetscAbsScalar(b[i])) *drowns = PETSC_TRUE;
  PetscCall(VecRestoreArrayRead(v, &b));
  PetscCall(VecRestoreArrayRead(d, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  What rounding may have left in the derivatives. Products that are the same on both sides have none, unless the direction has
  parts that are too small beside their entries to be seen at all.
*/
static PetscErrorCode DiniSecondRounding(Dini dini, Vec du, Vec dm, DiniSecondDifference *d)
{
  PetscReal norm[DINI_SECOND_PARTS];
  PetscBool same = PETSC_FALSE, drowns = PETSC_FALSE;
  PetscInt  offset = 0;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < d->n; k++) {
    PetscCall(DiniNorm_Private(d->value[k], &norm[k]));
    if (norm[k] == 0.0) same = PETSC_TRUE;
  }
  if (same) {
    PetscCall(DiniSecondDrowns(du, dini->u, d->h, &drowns));
    for (PetscInt p = 0; p < dini->nparams; p++) {
      if (!dini->params[p]->active) continue;
      PetscCall(DiniParameterTake_Private(dini->params[p], dm, offset));
      offset += dini->params[p]->n;
      PetscCall(DiniSecondDrowns(dini->params[p]->x, dini->params[p]->copy, d->h, &drowns));
    }
    PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &drowns, 1, DINI_MPI_BOOL, MPI_LOR, PetscObjectComm((PetscObject)dini)));
  }
  for (PetscInt k = 0; k < d->n; k++)
    d->rounding[k] =
        d->h > 0.0 && (norm[k] > 0.0 || drowns) ? d->noise[k] * PetscMax(d->size[k], d->terms) / (2.0 * d->h) : 0.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The blocks of one group of dm in part */
static PetscErrorCode DiniSecondPart(Dini dini, const PetscInt group[], PetscInt g, Vec dm, Vec part)
{
  PetscScalar *a;
  PetscInt     offset = 0;

  PetscFunctionBegin;
  PetscCall(VecCopy(dm, part));
  PetscCall(PetscObjectStateIncrease((PetscObject)part));
  PetscCall(VecGetArray(part, &a));
  for (PetscInt p = 0; p < dini->nparams; p++) {
    if (!dini->params[p]->active) continue;
    if (group[p] != g) PetscCall(PetscArrayzero(&a[offset], dini->params[p]->n));
    offset += dini->params[p]->n;
  }
  PetscCall(VecRestoreArray(part, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  The sum over the groups, each with a step of its own, but none that is too long for the state: how that changes tells of the
  domain of F, which a block may leave. The state goes with the first group, or is the last one by itself.
*/
static PetscErrorCode DiniSecondSum(Dini dini, const PetscInt group[], PetscInt groups, PetscReal state,
                                    PetscReal longest, Vec du, Vec dm, DiniSecondDifference *d)
{
  const PetscInt home  = group[dini->nparams];
  PetscReal      apart = 0.0, error = 0.0, rounding[DINI_SECOND_PARTS] = {0.0};
  PetscErrorCode failed = PETSC_SUCCESS;
  Vec            part, zero, *sum;

  PetscFunctionBegin;
  PetscCall(VecDuplicate(dm, &part));
  PetscCall(VecDuplicate(du, &zero));
  PetscCall(VecSet(zero, 0.0));
  PetscCall(PetscMalloc1(d->n, &sum));
  for (PetscInt k = 0; k < d->n; k++) {
    PetscCall(VecDuplicate(d->value[k], &sum[k]));
    PetscCall(VecSet(sum[k], 0.0));
  }
  for (PetscInt g = 0; g < groups && !failed; g++) {
    const Vec along = g == home ? du : zero;

    failed = DiniSecondPart(dini, group, g, dm, part);
    if (!failed)
      failed = DiniSecondAlong_Private(dini, along, part, home ? 0.0 : state, home && g == home ? 0.0 : longest, d);
    if (!failed) failed = DiniSecondRounding(dini, along, part, d);
    for (PetscInt k = 0; k < d->n && !failed; k++) {
      failed = VecAXPY(sum[k], 1.0, d->value[k]);
      rounding[k] += d->rounding[k];
    }
    apart = PetscMax(apart, d->apart);
    error = PetscMax(error, d->error);
  }
  d->apart = apart;
  d->error = error;
  for (PetscInt k = 0; k < d->n; k++) {
    d->rounding[k] = rounding[k];
    if (!failed) failed = VecCopy(sum[k], d->value[k]);
    PetscCall(VecDestroy(&sum[k]));
  }
  PetscCall(PetscFree(sum));
  PetscCall(VecDestroy(&part));
  PetscCall(VecDestroy(&zero));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  d->value by differences along (du, dm); d->apart tells whether they are of any use. Linear in the direction, so that blocks
  whose relative changes are orders apart are taken one after the other: the step that is right for one would drown the other.
  So is a state that parameters hardly move.
*/
PetscErrorCode DiniSecondDifference_Private(Dini dini, Vec du, Vec dm, DiniSecondDifference *d)
{
  PetscReal     *relative, least = 1.0, state;
  PetscInt      *group, groups   = 1;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(dini->nparams + 1, &relative, dini->nparams + 1, &group));
  failed = DiniSecondSizes(dini, du, dm, relative);
  if (!failed && dini->hessian.step == 0.0) groups = DiniSecondGroups(dini->nparams, relative, group, &least);
  state = relative[dini->nparams];
  if (state / DINI_UNLIKE > least) state = 0.0; /* it is zero, but for rounding */
  group[dini->nparams] = 0;
  if (dini->hessian.step == 0.0 && state > 0.0 && least < PETSC_MAX_REAL && DINI_ALIKE * state < least)
    group[dini->nparams] = groups++;
  if (!failed && groups > 1) failed = DiniSecondSum(dini, group, groups, state, 1.0 / least, du, dm, d);
  else if (!failed) {
    failed = DiniSecondAlong_Private(dini, du, dm, 0.0, 0.0, d);
    if (!failed) failed = DiniSecondRounding(dini, du, dm, d);
  }
  PetscCall(PetscFree2(relative, group));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}
