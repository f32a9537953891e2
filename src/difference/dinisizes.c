/*
  How large are the entries of a state or of a block? By component of the block size, since neighbours in memory may be
  fields of unlike units, and by the typical entry, since one large entry says nothing of the others.
*/
#include "../private/dinistepsimpl.h"
#include <stdint.h>

#define DINI_DIRT  1e-10 /* of the largest of its component: what stands for zero */
#define DINI_FLOOR 1e-3  /* of the typical: the least that a random direction moves an entry by */
#define DINI_MOVED 10.0  /* what a guard has seen no longer tells anything */
#define DINI_AWAY  0.25  /* of the largest: no entry of a random direction is next to nothing by chance */

PetscErrorCode DiniRangeDestroy_Private(DiniRange *range)
{
  PetscFunctionBegin;
  PetscCall(PetscFree3(range->largest, range->smallest, range->typical));
  range->bs = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Largest and smallest |v_i| of each component: one reduction */
static PetscErrorCode DiniRangeEnds(Vec v, DiniRange *range)
{
  const PetscScalar *a;
  PetscInt           n, bs;
  PetscReal         *ends;

  PetscFunctionBegin;
  PetscCall(VecGetBlockSize(v, &bs));
  bs = PetscMax(bs, 1);
  PetscCall(VecGetLocalSize(v, &n));
  if (bs != range->bs) {
    PetscCall(DiniRangeDestroy_Private(range));
    PetscCall(PetscCalloc3(bs, &range->largest, bs, &range->smallest, bs, &range->typical));
    range->bs = bs;
  }
  PetscCall(PetscMalloc1(2 * bs, &ends));
  for (PetscInt c = 0; c < bs; c++) {
    ends[c]      = 0.0;
    ends[bs + c] = -PETSC_MAX_REAL;
  }
  PetscCall(VecGetArrayRead(v, &a));
  for (PetscInt c = 0; c < PetscMin(bs, n); c++) { /* no division and no call for an entry: this runs at each point */
    PetscReal largest = 0.0, smallest = PETSC_MAX_REAL;

    for (PetscInt i = c; i < n; i += bs) {
      const PetscReal size = PetscAbsScalar(a[i]);

      if (!(size <= largest)) largest = size == size ? size : PETSC_INFINITY; /* NaN */
      if (size < smallest && size > 0.0) smallest = size;
    }
    ends[c]      = largest;
    ends[bs + c] = -smallest;
  }
  PetscCall(VecRestoreArrayRead(v, &a));
  PetscCall(
      MPIU_Allreduce(MPI_IN_PLACE, ends, (PetscMPIInt)(2 * bs), MPIU_REAL, MPIU_MAX, PetscObjectComm((PetscObject)v)));
  for (PetscInt c = 0; c < bs; c++) {
    range->largest[c]  = ends[c];
    range->smallest[c] = ends[c] > 0.0 ? PetscMax(-ends[bs + c], DINI_DIRT * ends[c]) : 0.0;
  }
  PetscCall(PetscFree(ends));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* sums[0], sums[bs]: of log |a_i| above the least, by products of a few, and how many they are */
static void DiniLogarithms(const PetscScalar a[], PetscInt c, PetscInt n, PetscInt bs, PetscReal least,
                           PetscReal sums[])
{
  const PetscReal tiny = 1e-140, huge = 1e140; /* two factors between them neither under- nor overflow */
  PetscReal       product = 1.0, sum = 0.0;
  PetscInt        count = 0;

  for (PetscInt i = c; i < n; i += bs) {
    const PetscReal size = PetscAbsScalar(a[i]);

    if (!(size > least)) continue;
    count++;
    if (size > tiny && size < huge) product *= size;
    else sum += PetscLogReal(size);
    if (product > tiny && product < huge) continue;
    sum += PetscLogReal(product);
    product = 1.0;
  }
  sums[0]  = sum + PetscLogReal(product);
  sums[bs] = (PetscReal)count;
}

/* The geometric mean of the entries of each component that are not zero, 1 where there are none; one reduction more */
PetscErrorCode DiniRangeGet_Private(Vec v, DiniRange *range)
{
  const PetscScalar *a;
  PetscInt           n, bs;
  PetscReal         *sums;

  PetscFunctionBegin;
  PetscCall(DiniRangeEnds(v, range));
  bs = PetscMax(range->bs, 1);
  PetscCall(PetscCalloc1(2 * bs, &sums));
  PetscCall(VecGetLocalSize(v, &n));
  PetscCall(VecGetArrayRead(v, &a));
  for (PetscInt c = 0; c < PetscMin(bs, n); c++) DiniLogarithms(a, c, n, bs, DINI_DIRT * range->largest[c], &sums[c]);
  PetscCall(VecRestoreArrayRead(v, &a));
  PetscCall(
      MPIU_Allreduce(MPI_IN_PLACE, sums, (PetscMPIInt)(2 * bs), MPIU_REAL, MPIU_SUM, PetscObjectComm((PetscObject)v)));
  for (PetscInt c = 0; c < bs; c++) range->typical[c] = sums[bs + c] > 0.0 ? PetscExpReal(sums[c] / sums[bs + c]) : 1.0;
  PetscCall(PetscFree(sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Has v grown or shrunk by an order since the last time, in any component? One reduction */
PetscErrorCode DiniRangeMoved_Private(Vec v, DiniRange *range, PetscBool *moved)
{
  DiniRange now = {0};

  PetscFunctionBegin;
  PetscCall(DiniRangeEnds(v, &now));
  *moved = (PetscBool)(now.bs != range->bs);
  for (PetscInt c = 0; c < now.bs && !*moved; c++) {
    const PetscReal before[2] = {range->largest[c], range->smallest[c]}, after[2] = {now.largest[c], now.smallest[c]};

    for (int end = 0; end < 2; end++)
      if (after[end] > DINI_MOVED * before[end] || before[end] > DINI_MOVED * after[end]) *moved = PETSC_TRUE;
  }
  if (*moved) {
    PetscCall(DiniRangeDestroy_Private(range));
    *range = now;
  } else PetscCall(DiniRangeDestroy_Private(&now));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* sizes_i = max(|v_i|, typical of its component), 1 for one below nought: what a step in entry i is measured by */
PetscErrorCode DiniSizes_Private(Vec v, PetscReal nought, PetscReal sizes[])
{
  DiniRange          range = {0};
  const PetscScalar *a;
  PetscInt           n;

  PetscFunctionBegin;
  PetscCall(DiniRangeGet_Private(v, &range));
  PetscCall(VecGetLocalSize(v, &n));
  PetscCall(VecGetArrayRead(v, &a));
  for (PetscInt c = 0; c < range.bs; c++)
    if (range.largest[c] < nought) range.typical[c] = 1.0;
  for (PetscInt c = 0, bs = PetscMax(range.bs, 1); c < PetscMin(bs, n); c++)
    for (PetscInt i = c; i < n; i += bs) sizes[i] = PetscMax(PetscAbsScalar(a[i]), range.typical[c]);
  PetscCall(VecRestoreArrayRead(v, &a));
  PetscCall(DiniRangeDestroy_Private(&range));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The largest |d_i| in units of sizes_i, up to the cap; own: of those that are not zero, the largest in units of |v_i| */
PetscErrorCode DiniRelativeSize_Private(Vec d, Vec v, PetscReal nought, PetscReal cap, PetscReal *relative,
                                        PetscReal *own)
{
  const PetscScalar *a, *b;
  PetscInt           n;
  PetscReal         *sizes, largest[2] = {0.0, 0.0};

  PetscFunctionBegin;
  PetscCall(VecGetLocalSize(v, &n));
  PetscCall(PetscMalloc1(n, &sizes));
  PetscCall(DiniSizes_Private(v, nought, sizes));
  PetscCall(VecGetArrayRead(d, &a));
  PetscCall(VecGetArrayRead(v, &b));
  for (PetscInt i = 0; i < n; i++) {
    const PetscReal size = PetscAbsScalar(a[i]);

    if (size <= cap * sizes[i]) largest[0] = PetscMax(largest[0], size / sizes[i]);
    if (PetscAbsScalar(b[i]) > 0.0) largest[1] = PetscMax(largest[1], size / PetscAbsScalar(b[i]));
  }
  PetscCall(VecRestoreArrayRead(v, &b));
  PetscCall(VecRestoreArrayRead(d, &a));
  PetscCall(PetscFree(sizes));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, largest, 2, MPIU_REAL, MPIU_MAX, PetscObjectComm((PetscObject)v)));
  *relative = largest[0];
  if (own) *own = largest[1];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscScalar DiniAway(PetscScalar value)
{
  const PetscReal size = PetscAbsScalar(value);

  if (size >= DINI_AWAY) return value;
  return size > 0.0 ? value * (DINI_AWAY / size) : (PetscScalar)DINI_AWAY;
}

/*
  A random direction whose entries have the size of those of `like`, and imaginary parts where those have: fields of unlike
  units are all perturbed by the same relative amount, and real problems in complex builds are not led off the real axis.
  Entries that are zero move upwards: what they stand for is often at the edge of a domain, and rarely at the upper one.
*/
PetscErrorCode DiniRandomDirection_Private(Dini dini, PetscInt seed, Vec like, Vec v)
{
  uint64_t           state;
  DiniRange          range  = {0};
  const PetscReal    nought = like == dini->u && like != v ? DINI_NOUGHT : 0.0;
  const PetscScalar *l;
  PetscScalar       *a, value;
  PetscInt           n;

  PetscFunctionBegin;
  PetscCall(DiniRandomStart_Private(PetscObjectComm((PetscObject)dini), seed, &state));
  PetscCall(DiniRangeGet_Private(like, &range)); /* first: like may be v itself */
  PetscCall(VecGetLocalSize(v, &n));
  PetscCall(VecGetArrayRead(like, &l));
  PetscCall(VecGetArray(v, &a));
  for (PetscInt i = 0, bs = PetscMax(range.bs, 1); i < n; i++) {
    const PetscInt  c     = i % bs;
    const PetscBool zero  = (PetscBool)(like != v && range.largest[c] > 0.0 && PetscAbsScalar(l[i]) == 0.0);
    const PetscReal floor = range.largest[c] > nought ? DINI_FLOOR * range.typical[c] : 1.0;
    const PetscReal size  = like == v ? 0.0 : PetscAbsScalar(l[i]);

    value = DiniRandomNext_Private(&state);
    if (like == v || !DiniHasImaginary_Private(l[i])) value = PetscRealPart(value);
    a[i] = (size + floor) * DiniAway(value);
    if (zero) a[i] = PetscAbsScalar(a[i]);
  }
  PetscCall(VecRestoreArray(v, &a));
  PetscCall(VecRestoreArrayRead(like, &l));
  PetscCall(DiniRangeDestroy_Private(&range));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = x with errors everywhere that are a part of the largest entry, of each field */
PetscErrorCode DiniShake_Private(Dini dini, PetscInt seed, PetscReal error, Vec x, Vec y)
{
  MPI_Comm             comm                     = PetscObjectComm((PetscObject)dini);
  PetscReal            largest[DINI_MAX_FIELDS] = {0.0};
  const unsigned char *field;
  const PetscScalar   *from;
  PetscScalar         *to;
  PetscInt             n;

  PetscFunctionBegin;
  PetscCall(DiniEngineGetFields_Private(dini->engine, &n, &field));
  PetscCall(DiniRandomDirection_Private(dini, seed, y, y));
  PetscCall(VecGetArrayRead(x, &from));
  PetscCall(VecGetArray(y, &to));
  for (PetscInt i = 0; i < dini->n; i++) {
    PetscReal *most = &largest[n > 1 ? field[i] : 0];

    *most = PetscMax(*most, PetscAbsScalar(from[i]));
  }
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, largest, DINI_MAX_FIELDS, MPIU_REAL, MPIU_MAX, comm));
  for (PetscInt i = 0; i < dini->n; i++) to[i] = from[i] + error * largest[n > 1 ? field[i] : 0] * to[i];
  PetscCall(VecRestoreArray(y, &to));
  PetscCall(VecRestoreArrayRead(x, &from));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Typical sizes of the fields that J has been found to have, as of the components of a block size; 0 for one at rest */
static PetscErrorCode DiniFieldsTypical(Dini dini, PetscInt n, const unsigned char field[], PetscReal typical[])
{
  MPI_Comm           comm                     = PetscObjectComm((PetscObject)dini);
  PetscReal          largest[DINI_MAX_FIELDS] = {0.0}, sums[2 * DINI_MAX_FIELDS] = {0.0};
  const PetscScalar *a;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(dini->u, &a));
  for (PetscInt i = 0; i < dini->n; i++) largest[field[i]] = PetscMax(largest[field[i]], PetscAbsScalar(a[i]));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, largest, (PetscMPIInt)n, MPIU_REAL, MPIU_MAX, comm));
  for (PetscInt i = 0; i < dini->n; i++) {
    const PetscReal size = PetscAbsScalar(a[i]);

    if (!(size > DINI_DIRT * largest[field[i]])) continue;
    sums[2 * (size_t)field[i]] += PetscLogReal(size);
    sums[2 * (size_t)field[i] + 1] += 1.0;
  }
  PetscCall(VecRestoreArrayRead(dini->u, &a));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, sums, (PetscMPIInt)(2 * n), MPIU_REAL, MPIU_SUM, comm));
  for (size_t f = 0; f < (size_t)n; f++)
    typical[f] = largest[f] > DINI_NOUGHT && sums[2 * f + 1] > 0.0 ? PetscExpReal(sums[2 * f] / sums[2 * f + 1]) : 0.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same of the size of u, by its groups, and by the fields that J has been found to have where nobody has declared any */
PetscErrorCode DiniFieldDirection_Private(Dini dini, PetscInt seed, Vec v)
{
  const unsigned char *field;
  const PetscScalar   *u;
  PetscScalar         *a;
  PetscReal            typical[DINI_MAX_FIELDS];
  PetscInt             n;

  PetscFunctionBegin;
  PetscCall(DiniGroupDirection_Private(dini, seed, v));
  PetscCall(DiniEngineGetFields_Private(dini->engine, &n, &field));
  if (n < 2) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniFieldsTypical(dini, n, field, typical));
  PetscCall(VecGetArrayRead(dini->u, &u));
  PetscCall(VecGetArray(v, &a));
  for (PetscInt i = 0; i < dini->n; i++) {
    const PetscReal most = PetscAbsScalar(u[i]) + DINI_FLOOR * typical[field[i]], size = PetscAbsScalar(a[i]);

    if (typical[field[i]] > 0.0 && size > most) a[i] *= most / size;
  }
  PetscCall(VecRestoreArray(v, &a));
  PetscCall(VecRestoreArrayRead(dini->u, &u));
  PetscFunctionReturn(PETSC_SUCCESS);
}
