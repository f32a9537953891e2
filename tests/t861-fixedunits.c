static char help[] = "A fixed point in unlike units that nobody has declared, with J by differences.\n";

#include "support/dinitest.h"
#include <math.h>

#define N 6

/* u_i = c_i v_i with v_i = cos(v_i) / 2 + m_i, so du_i/dm_i = c_i / (1 + sin(v_i) / 2) */
static PetscReal Unit(PetscInt i)
{
  return pow(10.0, (double)(3 - 2 * (i % 4)));
}

static PetscErrorCode Map(Dini dini, Vec u, Vec G, void *ctx)
{
  const PetscScalar *a, *m;
  PetscScalar       *g;
  PetscInt           lo, hi;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecGetOwnershipRange(u, &lo, &hi));
  PetscCall(VecGetArrayRead(u, &a));
  PetscCall(VecGetArrayRead((Vec)ctx, &m));
  PetscCall(VecGetArray(G, &g));
  for (PetscInt i = 0; i < hi - lo; i++) g[i] = Unit(lo + i) * (0.5 * PetscCosScalar(a[i] / Unit(lo + i)) + m[i]);
  PetscCall(VecRestoreArray(G, &g));
  PetscCall(VecRestoreArrayRead((Vec)ctx, &m));
  PetscCall(VecRestoreArrayRead(u, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* In units of each entry */
static PetscErrorCode TestUnits(void)
{
  Dini               dini;
  Vec                u, m, dm, du;
  PetscInt           lo, hi;
  const PetscScalar *a, *d;
  PetscReal          worst = 0.0;

  PetscFunctionBeginUser;
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, PETSC_DECIDE, N, &u));
  PetscCall(VecDuplicate(u, &m));
  PetscCall(VecDuplicate(u, &dm));
  PetscCall(VecDuplicate(u, &du));
  PetscCall(VecSet(m, 0.3));
  PetscCall(VecSet(dm, 1.0));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetFixedPoint(dini, Map, m));
  PetscCall(DiniAddParameter(dini, "m", m, NULL));
  PetscCall(DiniSetFromOptions(dini));
  for (PetscInt k = 0; k < 80; k++) { /* plain iteration, to rounding in every unit */
    PetscCall(Map(dini, u, du, m));
    PetscCall(VecCopy(du, u));
  }
  PetscCall(DiniAttach(dini, u));
  PetscCall(DiniJVP(dini, dm, du));
  PetscCall(VecGetOwnershipRange(u, &lo, &hi));
  PetscCall(VecGetArrayRead(u, &a));
  PetscCall(VecGetArrayRead(du, &d));
  for (PetscInt i = 0; i < hi - lo; i++) {
    const PetscScalar right = 1.0 / (1.0 + 0.5 * PetscSinScalar(a[i] / Unit(lo + i)));

    worst = PetscMax(worst, PetscAbsScalar(d[i] / Unit(lo + i) - right));
  }
  PetscCall(VecRestoreArrayRead(du, &d));
  PetscCall(VecRestoreArrayRead(u, &a));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &worst, 1, MPIU_REAL, MPIU_MAX, PETSC_COMM_WORLD));
  DiniTestTrue(worst < 1e-7, "A derivative is off by %g in its own units", (double)worst);
  PetscCall(DiniDestroy(&dini));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestUnits());
  PetscCall(PetscFinalize());
  return 0;
}
