/*
  Parts of a state or of a block where nobody has told any apart: entries of sizes that are orders of magnitude from each other,
  with nothing in between, are of different fields. Those of an ordinary state are all of one group.
*/
#include "../private/dinistepsimpl.h"
#include <math.h>

#define GROUP_GAP   7    /* so many empty bins, factors of two, part two groups: a hundred at least */
#define GROUP_FLOOR 1e-3 /* of what is typical of a group: the least that a direction moves an entry by */

/* How many factors of two below the largest; DINI_GROUP_BINS: it stands for zero */
static PetscInt DiniGroupBin(PetscReal size, PetscReal largest)
{
  int exponents[2];

  if (!(size > 0.0)) return DINI_GROUP_BINS;
  (void)frexp((double)largest, &exponents[0]);
  (void)frexp((double)size, &exponents[1]);
  return (PetscInt)PetscMin(PetscMax(exponents[0] - exponents[1], 0), DINI_GROUP_BINS);
}

/* group[bin] and the typical entry of each, by sums[2 bin], of how many, and sums[2 bin + 1], of logarithms; how many there are */
static PetscInt DiniGroupsOfBins(const PetscReal sums[], unsigned char group[], PetscReal typical[])
{
  PetscInt  n = 0, empty = 0;
  PetscReal count[DINI_MAX_GROUPS] = {0.0}, logarithm[DINI_MAX_GROUPS] = {0.0};

  for (size_t bin = 0; bin < DINI_GROUP_BINS; bin++) {
    if (sums[2 * bin] > 0.0) {
      if (!n || empty >= GROUP_GAP) n++;
      count[n - 1] += sums[2 * bin];
      logarithm[n - 1] += sums[2 * bin + 1];
    }
    empty      = sums[2 * bin] > 0.0 ? 0 : empty + 1;
    group[bin] = (unsigned char)PetscMax(n - 1, 0);
  }
  group[DINI_GROUP_BINS] = (unsigned char)PetscMax(n - 1, 0); /* what has no size is with what is smallest */
  for (PetscInt g = 0; g < n; g++) typical[g] = PetscExpReal(logarithm[g] / count[g]);
  return n;
}

/* The groups of v, on all ranks; nothing, and parts->n is 1, for one. Two reductions */
PetscErrorCode DiniPartsOfSizes_Private(Vec v, PetscReal nought, DiniParts *parts)
{
  MPI_Comm           comm                      = PetscObjectComm((PetscObject)v);
  PetscReal          sums[2 * DINI_GROUP_BINS] = {0.0}, typical[DINI_MAX_GROUPS], largest;
  unsigned char      group[DINI_GROUP_BINS + 1];
  const PetscScalar *a;
  PetscInt           n, groups;

  PetscFunctionBegin;
  *parts = (DiniParts){.n = 1};
  PetscCall(DiniNormMax_Private(v, &largest));
  if (!(largest > nought) || PetscIsInfOrNanReal(largest)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecGetLocalSize(v, &n));
  PetscCall(VecGetArrayRead(v, &a));
  for (PetscInt i = 0; i < n; i++) {
    const size_t bin = (size_t)DiniGroupBin(PetscAbsScalar(a[i]), largest);

    if (bin == DINI_GROUP_BINS) continue;
    sums[2 * bin] += 1.0;
    sums[2 * bin + 1] += PetscLogReal(PetscAbsScalar(a[i]));
  }
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, sums, 2 * DINI_GROUP_BINS, MPIU_REAL, MPIU_SUM, comm));
  groups = DiniGroupsOfBins(sums, group, typical);
  if (groups > 1) {
    PetscCall(PetscMalloc1(
        n + 1, &parts->group)); /* not NULL where there are no entries: what is asked with it is collective */
    for (PetscInt i = 0; i < n; i++) parts->group[i] = group[DiniGroupBin(PetscAbsScalar(a[i]), largest)];
    PetscCall(PetscArraycpy(parts->typical, typical, groups));
    parts->n     = groups;
    parts->field = parts->group;
    parts->like  = v;
  }
  PetscCall(VecRestoreArrayRead(v, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniPartsDestroy_Private(DiniParts *parts)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(parts->group));
  *parts = (DiniParts){.n = 1};
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Entries of v that move by more than those of their group are large move by that: what is typical of all of them together has
  nothing to do with a group of smaller ones. Nothing for parts that somebody has told apart.
*/
PetscErrorCode DiniPartsDirection_Private(const DiniParts *parts, Vec v)
{
  const PetscScalar *u;
  PetscScalar       *a;
  PetscInt           n;

  PetscFunctionBegin;
  if (!parts->group || !parts->like) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecGetLocalSize(v, &n));
  PetscCall(VecGetArrayRead(parts->like, &u));
  PetscCall(VecGetArray(v, &a));
  for (PetscInt i = 0; i < n; i++) {
    const PetscReal most = PetscAbsScalar(u[i]) + GROUP_FLOOR * parts->typical[parts->group[i]];
    const PetscReal size = PetscAbsScalar(a[i]);

    if (size > most) a[i] *= most / size;
  }
  PetscCall(VecRestoreArray(v, &a));
  PetscCall(VecRestoreArrayRead(parts->like, &u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A random direction of the size of u, of each of its groups where it is of one component */
PetscErrorCode DiniGroupDirection_Private(Dini dini, PetscInt seed, Vec v)
{
  DiniParts groups;
  PetscInt  bs;

  PetscFunctionBegin;
  PetscCall(DiniRandomDirection_Private(dini, seed, dini->u, v));
  PetscCall(VecGetBlockSize(dini->u, &bs));
  if (bs > 1) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniPartsOfSizes_Private(dini->u, DINI_NOUGHT, &groups));
  PetscCall(DiniPartsDirection_Private(&groups, v));
  PetscCall(DiniPartsDestroy_Private(&groups));
  PetscFunctionReturn(PETSC_SUCCESS);
}
