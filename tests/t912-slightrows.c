static char help[] =
    "An F_m that moves F by a millionth of its terms, and lacks a part that is far less still: refused.\n";

#include "support/dinitest.h"

#define LARGE 1e-6 /* what the first parameter moves F by */

/* u + u^3 - 2 - LARGE p - part q = 0 on each rank, with m = (p, q) at (1, 1); given: what F_m says of q */
typedef struct {
  PetscReal part, given;
  Vec       m;
} Slight;

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  const Slight      *c = (const Slight *)ctx;
  const PetscScalar *a, *m;
  PetscScalar       *f;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(VecGetArrayRead(u, &a));
  PetscCall(VecGetArrayRead(c->m, &m));
  PetscCall(VecGetArrayWrite(F, &f));
  f[0] = a[0] + a[0] * a[0] * a[0] - 2.0 - LARGE * m[0] - c->part * m[1];
  PetscCall(VecRestoreArrayWrite(F, &f));
  PetscCall(VecRestoreArrayRead(c->m, &m));
  PetscCall(VecRestoreArrayRead(u, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  const PetscScalar *a;
  PetscInt           row;

  PetscFunctionBeginUser;
  (void)snes, (void)P, (void)ctx;
  PetscCall(VecGetOwnershipRange(u, &row, NULL));
  PetscCall(VecGetArrayRead(u, &a));
  PetscCall(MatSetValue(J, row, row, 1.0 + 3.0 * a[0] * a[0], INSERT_VALUES));
  PetscCall(VecRestoreArrayRead(u, &a));
  PetscCall(MatAssemblyBegin(J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(J, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ParameterJacobian(Dini dini, Vec u, Vec m, Mat Fm, void *ctx)
{
  const Slight *c = (const Slight *)ctx;
  PetscInt      row;

  PetscFunctionBeginUser;
  (void)dini, (void)m;
  PetscCall(VecGetOwnershipRange(u, &row, NULL));
  PetscCall(MatSetValue(Fm, row, 2 * row, -LARGE, INSERT_VALUES));
  PetscCall(MatSetValue(Fm, row, 2 * row + 1, -c->given, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(Fm, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(Fm, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A tangent along q alone */
static PetscErrorCode Test(PetscReal part, PetscBool lacks)
{
  Slight         c    = {.part = part, .given = lacks ? 0.0 : part};
  MPI_Comm       comm = PETSC_COMM_WORLD;
  PetscErrorCode ierr;
  PetscScalar   *a, *x;
  PetscReal      error = 0.0;
  Vec            u, dm, du;
  Mat            J, Fm;
  SNES           snes;
  Dini           dini;

  PetscFunctionBeginUser;
  PetscCall(VecCreateMPI(comm, 1, PETSC_DETERMINE, &u));
  PetscCall(VecCreateMPI(comm, 2, PETSC_DETERMINE, &c.m));
  PetscCall(VecDuplicate(u, &du));
  PetscCall(VecDuplicate(c.m, &dm));
  PetscCall(MatCreateAIJ(comm, 1, 1, PETSC_DETERMINE, PETSC_DETERMINE, 1, NULL, 0, NULL, &J));
  PetscCall(MatCreateAIJ(comm, 1, 2, PETSC_DETERMINE, PETSC_DETERMINE, 2, NULL, 0, NULL, &Fm));
  PetscCall(SNESCreate(comm, &snes));
  PetscCall(SNESSetFunction(snes, NULL, Residual, &c));
  PetscCall(SNESSetJacobian(snes, J, J, Jacobian, &c));
  PetscCall(SNESSetTolerances(snes, 1e-14, 1e-14, 0.0, 50, 1000));
  PetscCall(SNESSetFromOptions(snes));
  PetscCall(DiniCreate(comm, &dini));
  PetscCall(DiniSetSNES(dini, snes));
  PetscCall(DiniAddParameter(dini, "m", c.m, NULL));
  PetscCall(DiniSetParameterJacobian(dini, 0, Fm, ParameterJacobian, &c));
  PetscCall(DiniSetFromOptions(dini));
  PetscCall(VecSet(c.m, 1.0));
  PetscCall(VecSet(u, 1.0));
  PetscCall(DiniSolve(dini, u));
  PetscCall(VecGetArray(dm, &a));
  a[1] = 1.0;
  PetscCall(VecRestoreArray(dm, &a));
  PetscCall(DiniTestCatch());
  ierr = DiniJVP(dini, dm, du);
  PetscCall(DiniTestRelease());
  if (!ierr) {
    PetscCall(VecGetArray(u, &a));
    PetscCall(VecGetArray(du, &x));
    error = PetscAbsScalar(x[0] * (1.0 + 3.0 * a[0] * a[0]) / part - 1.0);
    PetscCall(VecRestoreArray(du, &x));
    PetscCall(VecRestoreArray(u, &a));
  }
  if (lacks)
    DiniTestTrue(ierr == PETSC_ERR_ARG_WRONG, "without a part of %g: error %d, off by %g", (double)part, (int)ierr,
                 (double)error);
  else DiniTestTrue(!ierr && error < 1e-8, "a part of %g: error %d, off by %g", (double)part, (int)ierr, (double)error);
  PetscCall(DiniDestroy(&dini));
  PetscCall(SNESDestroy(&snes));
  PetscCall(MatDestroy(&J));
  PetscCall(MatDestroy(&Fm));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&c.m));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&dm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  static const PetscReal parts[] = {1e-6, 1e-7, 1e-8, 1e-9, 5e-10, 3e-10, 2e-10, 1.5e-10};

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(parts); k++)
    for (int lacks = 0; lacks < 2; lacks++) PetscCall(Test(parts[k], lacks ? PETSC_TRUE : PETSC_FALSE));
  PetscCall(PetscFinalize());
  return 0;
}
