/* Random numbers: the same for a seed and a rank, whatever the build. */
#include "../private/dinidefs.h"
#include "../private/dinisysimpl.h"

/* Uniform between -1 and 1, by SplitMix64 (Steele, Lea and Flood 2014) */
static PetscReal DiniRandomReal(uint64_t *state)
{
  uint64_t z = *state += 0x9e3779b97f4a7c15u;

  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  z = z ^ (z >> 31);
  return (PetscReal)(z >> 11) * (PetscReal)0x1p-52 - 1.0;
}

/* Of this rank: VecSetRandom() is not for nests, and PetscRandom costs what a product does */
PetscErrorCode DiniRandomStart_Private(MPI_Comm comm, PetscInt seed, uint64_t *state)
{
  PetscMPIInt rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  *state = (uint64_t)(0x5eed + 977 * (int64_t)seed) << 32 | (uint64_t)(uint32_t)rank;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The next one, with an imaginary part in complex builds */
PetscScalar DiniRandomNext_Private(uint64_t *state)
{
  const PetscReal re = DiniRandomReal(state);

#if defined(PETSC_USE_COMPLEX)
  return PetscCMPLX(re, DiniRandomReal(state));
#else
  return re;
#endif
}

/* v of real random numbers of size one */
PetscErrorCode DiniRandom_Private(PetscInt seed, Vec v)
{
  uint64_t     state;
  PetscScalar *a;
  PetscInt     n;

  PetscFunctionBegin;
  PetscCall(DiniRandomStart_Private(PetscObjectComm((PetscObject)v), seed, &state));
  PetscCall(VecGetLocalSize(v, &n));
  PetscCall(VecGetArray(v, &a));
  for (PetscInt i = 0; i < n; i++) a[i] = PetscRealPart(DiniRandomNext_Private(&state));
  PetscCall(VecRestoreArray(v, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}
