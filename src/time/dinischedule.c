/*
  Where to keep states, so that all of them are had in reverse with the least number of steps that are solved again: Griewank and
  Walther, ACM TOMS 26 (2000). With s states kept, u_0 among them, t(n, s) = r n - C(s + r, s + 1) forward steps bring all of
  u_0 .. u_{n-1} back, where r is the least number with C(s + r, s) >= n; n - 1 of them are those of the march itself.
*/
#include "../private/dinichainimpl.h"

static PetscReal DiniBinomial(PetscInt n, PetscInt k)
{
  PetscReal c = 1.0;

  for (PetscInt i = 1; i <= k; i++) c *= (PetscReal)(n - k + i) / (PetscReal)i;
  return PetscFloorReal(c + 0.5);
}

/* t(steps, slots), exact as long as it is an integer of a PetscReal */
PetscReal DiniScheduleCost_Private(PetscInt steps, PetscInt slots)
{
  PetscInt r = 0;

  if (steps < 2) return 0.0;
  slots = PetscMin(slots, steps);
  while (DiniBinomial(slots + r, slots) < (PetscReal)steps) r++;
  return (PetscReal)r * (PetscReal)steps - DiniBinomial(slots + r, slots + 1);
}

/* How far to go from a state that is kept to the next one that is, of so many steps with so many slots, that one among them */
PetscInt DiniScheduleSplit_Private(PetscInt steps, PetscInt slots)
{
  PetscInt  best  = 1;
  PetscReal least = PETSC_INFINITY;

  for (PetscInt m = 1; m < steps; m++) {
    const PetscReal cost =
        (PetscReal)m + DiniScheduleCost_Private(steps - m, slots - 1) + DiniScheduleCost_Private(m, slots);

    if (cost <= least) best = m; /* the longest of the best: those behind it are cheaper to come back to */
    least = PetscMin(least, cost);
  }
  return best;
}

/* Steps that a sweep back solves again, beyond those of the march */
PetscReal DiniChainAgain_Private(const Dini_Chain *ctx)
{
  return ctx->slots ? DiniScheduleCost_Private(ctx->N, ctx->slots) - (PetscReal)(ctx->N - 1) : 0.0;
}
