static char help[] =
    "Fields that nobody has declared, of units so unlike that one looks like rounding of the other: what is wrong with\n\
J or F_m in it is seen all the same.\n";

#include "support/dinitest.h"

#define CELLS 3   /* on each rank */
#define LARGE 1e7 /* x is of this size */

/* x/X - 1 - p = 0 and v + v^3 + 0.1 x/X - q = 0 with v = y/Y in each cell, one after the other; m = (p, q) in each cell */
typedef struct {
  PetscReal   X, Y;
  PetscScalar J, Fm; /* factors of dF_y/dy and dF_y/dq: 1 where they are right */
  Vec         m;
} Cells;

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  const Cells       *c = (const Cells *)ctx;
  const PetscScalar *a, *p;
  PetscScalar       *f;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(VecGetArrayRead(u, &a));
  PetscCall(VecGetArrayRead(c->m, &p));
  PetscCall(VecGetArray(F, &f));
  for (PetscInt i = 0; i < 2 * CELLS; i += 2) {
    const PetscScalar v = a[i + 1] / c->Y;

    f[i]     = a[i] / c->X - 1.0 - p[i];
    f[i + 1] = v + v * v * v + 0.1 * a[i] / c->X - p[i + 1];
  }
  PetscCall(VecRestoreArray(F, &f));
  PetscCall(VecRestoreArrayRead(c->m, &p));
  PetscCall(VecRestoreArrayRead(u, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(Dini dini, Vec u, Mat J, Mat P, void *ctx)
{
  const Cells       *c = (const Cells *)ctx;
  const PetscScalar *a;
  PetscInt           lo;

  PetscFunctionBeginUser;
  (void)dini, (void)P;
  PetscCall(VecGetOwnershipRange(u, &lo, NULL));
  PetscCall(VecGetArrayRead(u, &a));
  for (PetscInt i = 0; i < 2 * CELLS; i += 2) {
    const PetscScalar v       = a[i + 1] / c->Y;
    const PetscInt    cell[2] = {lo + i, lo + i + 1};
    const PetscScalar J2[4]   = {1.0 / c->X, 0.0, 0.1 / c->X, c->J * (1.0 + 3.0 * v * v) / c->Y};

    PetscCall(MatSetValues(J, 2, cell, 2, cell, J2, INSERT_VALUES));
  }
  PetscCall(VecRestoreArrayRead(u, &a));
  PetscCall(MatAssemblyBegin(J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(J, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ParameterJacobian(Dini dini, Vec u, Vec m, Mat Fm, void *ctx)
{
  const Cells *c = (const Cells *)ctx;
  PetscInt     lo;

  PetscFunctionBeginUser;
  (void)dini, (void)m;
  PetscCall(VecGetOwnershipRange(u, &lo, NULL));
  for (PetscInt i = lo; i < lo + 2 * CELLS; i += 2) {
    PetscCall(MatSetValue(Fm, i, i, -1.0, INSERT_VALUES));
    PetscCall(MatSetValue(Fm, i + 1, i + 1, -c->Fm, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(Fm, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(Fm, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A gradient in q of sum v, and what Dini says of it */
static PetscErrorCode Gradient(Cells *c, PetscErrorCode *ierr, PetscReal *error)
{
  const PetscScalar *a, *g;
  PetscScalar       *b;
  Mat                J, Fm;
  Vec                u, ubar, mbar;
  SNES               snes;
  Dini               dini;

  PetscFunctionBeginUser;
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, 2 * CELLS, PETSC_DETERMINE, &u));
  PetscCall(VecDuplicate(u, &c->m));
  PetscCall(VecDuplicate(u, &ubar));
  PetscCall(VecDuplicate(u, &mbar));
  PetscCall(
      MatCreateAIJ(PETSC_COMM_WORLD, 2 * CELLS, 2 * CELLS, PETSC_DETERMINE, PETSC_DETERMINE, 2, NULL, 0, NULL, &J));
  PetscCall(MatDuplicate(J, MAT_DO_NOT_COPY_VALUES, &Fm));
  PetscCall(VecSet(c->m, 0.5));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &snes));
  PetscCall(SNESSetFunction(snes, NULL, Residual, c));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetSNES(dini, snes));
  PetscCall(DiniSetJacobian(dini, J, J, Jacobian, c));
  PetscCall(DiniAddParameter(dini, "m", c->m, NULL));
  PetscCall(DiniSetParameterJacobian(dini, 0, Fm, ParameterJacobian, c));
  PetscCall(DiniSetFromOptions(dini));
  PetscCall(VecGetArray(u, &b));
  for (PetscInt i = 0; i < 2 * CELLS; i += 2) {
    PetscReal v = 0.3;

    for (int k = 0; k < 50; k++) v -= (v + v * v * v + 0.15 - 0.5) / (1.0 + 3.0 * v * v);
    b[i]     = 1.5 * c->X;
    b[i + 1] = v * c->Y;
  }
  PetscCall(VecRestoreArray(u, &b));
  PetscCall(DiniAttach(dini, u));
  PetscCall(VecGetArray(ubar, &b));
  for (PetscInt i = 0; i < 2 * CELLS; i++) b[i] = i % 2 ? 1.0 / c->Y : 0.0;
  PetscCall(VecRestoreArray(ubar, &b));
  PetscCall(DiniTestCatch());
  *ierr = DiniVJP(dini, ubar, mbar);
  PetscCall(DiniTestRelease());
  *error = 0.0;
  PetscCall(VecGetArrayRead(u, &a));
  PetscCall(VecGetArrayRead(mbar, &g));
  for (PetscInt i = 1; i < 2 * CELLS && !*ierr; i += 2) {
    const PetscScalar right = 1.0 / (1.0 + 3.0 * a[i] * a[i] / (c->Y * c->Y));

    *error = PetscMax(*error, PetscAbsScalar(g[i] - right));
  }
  PetscCall(VecRestoreArrayRead(mbar, &g));
  PetscCall(VecRestoreArrayRead(u, &a));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, error, 1, MPIU_REAL, MPIU_MAX, PETSC_COMM_WORLD));
  PetscCall(DiniDestroy(&dini));
  PetscCall(SNESDestroy(&snes));
  PetscCall(MatDestroy(&J));
  PetscCall(MatDestroy(&Fm));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&c->m));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  static const PetscReal small[] = {1.0, 1e-3, 1e-5, 1e-7, 1e-9};

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (int s = 0; s < 5; s++)
    for (int flaw = 0; flaw < 3; flaw++) {
      Cells          c = {.X = LARGE, .Y = small[s], .J = flaw == 1 ? 1.08 : 1.0, .Fm = flaw == 2 ? 1.1 : 1.0};
      PetscErrorCode ierr;
      PetscReal      error;

      PetscCall(Gradient(&c, &ierr, &error));
      if (flaw)
        DiniTestTrue(ierr == PETSC_ERR_ARG_WRONG, "unit %g, %s wrong: error %d, off by %g", (double)c.Y,
                     flaw == 1 ? "J" : "F_m", (int)ierr, (double)error);
      else DiniTestTrue(!ierr && error < 1e-8, "unit %g: error %d, off by %g", (double)c.Y, (int)ierr, (double)error);
    }
  PetscCall(PetscFinalize());
  return 0;
}
