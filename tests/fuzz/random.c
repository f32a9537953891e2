/* splitmix64: small, and the same on every machine */
#include "fuzz.h"

static uint64_t Next(Random *random)
{
  uint64_t z = (random->state += 0x9e3779b97f4a7c15ULL);

  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

PetscInt RandomInt(Random *random, PetscInt n)
{
  return (PetscInt)(Next(random) % (uint64_t)n);
}

PetscReal RandomReal(Random *random, PetscReal from, PetscReal to)
{
  return from + (to - from) * (PetscReal)((double)(Next(random) >> 11) * 0x1p-53);
}

PetscBool RandomChance(Random *random, PetscReal probability)
{
  return (PetscBool)(RandomReal(random, 0.0, 1.0) < probability);
}

PetscReal RandomSigned(Random *random, PetscReal from, PetscReal to)
{
  const PetscReal value = RandomReal(random, from, to);

  return RandomInt(random, 2) ? value : -value;
}

PetscReal RandomPower(Random *random, PetscReal from, PetscReal to)
{
  return PetscPowReal(10.0, RandomReal(random, from, to));
}

PetscScalar RandomScalar(Random *random, PetscBool imaginary)
{
  const PetscReal re = RandomSigned(random, 0.1, 1.0), im = RandomSigned(random, 0.1, 1.0);

  (void)im;
  return imaginary ? DiniTestScalar(re, im) : (PetscScalar)re;
}

void RandomLayout(Random *random, PetscInt n, PetscMPIInt size, PetscMPIInt rank, PetscInt *local)
{
  const PetscBool even = RandomChance(random, 0.5);
  PetscInt        left = n;

  for (PetscMPIInt p = 0; p < size; p++) {
    PetscInt mine = even ? n / size + (n % size > p) : RandomInt(random, left + 1);

    if (p == size - 1) mine = left;
    if (p == rank) *local = mine;
    left -= mine;
  }
}
