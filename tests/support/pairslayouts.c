/* Where the entries of a pair are. */
#include "pairs.h"
#include <petscdmcomposite.h>
#include <petscdmda.h>

#define PAIRS 4

PetscInt PairsAt(const Pairs *p, PetscInt i, PetscInt field)
{
  return p->layout == PAIRS_COMPOSITE || p->layout == PAIRS_NEST ? field * p->n + i : 2 * i + field;
}

PetscErrorCode PairsCreateVec(PairsLayout layout, Vec *u)
{
  DM       dm, part;
  Vec      v[2];
  PetscInt n = PETSC_DECIDE, N = PAIRS;

  PetscFunctionBeginUser;
  switch (layout) {
  case PAIRS_BLOCK:
  case PAIRS_PLAIN:
    PetscCall(PetscSplitOwnership(PETSC_COMM_WORLD, &n, &N));
    PetscCall(VecCreate(PETSC_COMM_WORLD, u));
    PetscCall(VecSetSizes(*u, 2 * n, 2 * N));
    if (layout == PAIRS_BLOCK) PetscCall(VecSetBlockSize(*u, 2));
    PetscCall(VecSetType(*u, VECSTANDARD));
    break;
  case PAIRS_NEST:
    for (int k = 0; k < 2; k++) PetscCall(VecCreateMPI(PETSC_COMM_WORLD, PETSC_DECIDE, PAIRS, &v[k]));
    PetscCall(VecCreateNest(PETSC_COMM_WORLD, 2, NULL, v, u));
    for (int k = 0; k < 2; k++) PetscCall(VecDestroy(&v[k]));
    break;
  default:
    PetscCall(DMDACreate1d(PETSC_COMM_WORLD, DM_BOUNDARY_NONE, PAIRS, layout == PAIRS_DA ? 2 : 1, 0, NULL, &part));
    PetscCall(DMSetUp(part));
    dm = part;
    if (layout == PAIRS_DA) {
      PetscCall(DMDASetFieldName(part, 0, "salt"));
      PetscCall(DMDASetFieldName(part, 1, "heat"));
      PetscCall(PetscObjectReference((PetscObject)part));
    } else {
      PetscCall(DMCompositeCreate(PETSC_COMM_WORLD, &dm));
      for (int k = 0; k < 2; k++) PetscCall(DMCompositeAddDM(dm, part));
    }
    PetscCall(DMCreateGlobalVector(dm, u));
    PetscCall(DMDestroy(&part));
    PetscCall(DMDestroy(&dm));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PairsDistance(Pairs *p, Vec g, Vec reference, PetscReal *distance)
{
  const PetscScalar *a, *b;
  PetscReal          most[4] = {0.0, 0.0, 0.0, 0.0};

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(g, &a));
  PetscCall(VecGetArrayRead(reference, &b));
  for (PetscInt i = 0; i < p->n; i++)
    for (PetscInt k = 0; k < 2; k++) {
      const PetscInt at = PairsAt(p, i, k);

      most[k]     = PetscMax(most[k], PetscAbsScalar(a[at] - b[at]));
      most[2 + k] = PetscMax(most[2 + k], PetscAbsScalar(b[at]));
    }
  PetscCall(VecRestoreArrayRead(reference, &b));
  PetscCall(VecRestoreArrayRead(g, &a));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, most, 4, MPIU_REAL, MPIU_MAX, PETSC_COMM_WORLD));
  *distance = PetscMax(most[0] / most[2], most[1] / most[3]);
  PetscFunctionReturn(PETSC_SUCCESS);
}
