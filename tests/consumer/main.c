static char help[] = "An installed Dini at work: u + u^3 = m at each point, so that du/dm = 1/(1 + 3 u^2).\n";

#include <dini.h>

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  Vec                m = (Vec)ctx;
  const PetscScalar *ua, *ma;
  PetscScalar       *Fa;
  PetscInt           n;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(VecGetLocalSize(u, &n));
  PetscCall(VecGetArrayRead(u, &ua));
  PetscCall(VecGetArrayRead(m, &ma));
  PetscCall(VecGetArray(F, &Fa));
  for (PetscInt i = 0; i < n; i++) Fa[i] = ua[i] + ua[i] * ua[i] * ua[i] - ma[i];
  PetscCall(VecRestoreArray(F, &Fa));
  PetscCall(VecRestoreArrayRead(m, &ma));
  PetscCall(VecRestoreArrayRead(u, &ua));
  PetscFunctionReturn(0);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  const PetscScalar *ua;
  PetscInt           start, end;

  PetscFunctionBeginUser;
  (void)snes;
  (void)P;
  (void)ctx;
  PetscCall(VecGetOwnershipRange(u, &start, &end));
  PetscCall(VecGetArrayRead(u, &ua));
  for (PetscInt i = start; i < end; i++) {
    PetscCall(MatSetValue(J, i, i, 1.0 + 3.0 * ua[i - start] * ua[i - start], INSERT_VALUES));
  }
  PetscCall(VecRestoreArrayRead(u, &ua));
  PetscCall(MatAssemblyBegin(J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(J, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  const PetscInt n = 4;
  SNES           snes;
  Dini           dini;
  Mat            J;
  Vec            u, m, ubar, mbar;
  PetscReal      lowest, highest;

  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, n, PETSC_DETERMINE, &u));
  PetscCall(VecDuplicate(u, &m));
  PetscCall(VecDuplicate(u, &ubar));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, n, n, PETSC_DETERMINE, PETSC_DETERMINE, 1, NULL, 0, NULL, &J));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &snes));
  PetscCall(SNESSetFunction(snes, NULL, Residual, m));
  PetscCall(SNESSetJacobian(snes, J, J, Jacobian, NULL));
  PetscCall(SNESSetFromOptions(snes));

  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetSNES(dini, snes));
  PetscCall(DiniAddParameter(dini, "m", m, NULL));
  PetscCall(DiniSetParameterType(dini, 0, DINIPARAMETERRHS));
  PetscCall(DiniSetFromOptions(dini));
  PetscCall(VecSet(m, 2.0)); /* so that u = 1 and du/dm = 1/4 */
  PetscCall(VecSet(ubar, 8.0));
  PetscCall(DiniSolve(dini, u));
  PetscCall(DiniCreateParameterVec(dini, &mbar));
  PetscCall(DiniVJP(dini, ubar, mbar));
  PetscCall(VecRealPart(mbar));
  PetscCall(VecMin(mbar, NULL, &lowest));
  PetscCall(VecMax(mbar, NULL, &highest));
  PetscCheck(PetscAbsReal(lowest - 2.0) < 1e-7 && PetscAbsReal(highest - 2.0) < 1e-7, PETSC_COMM_WORLD, PETSC_ERR_PLIB,
             "du/dm^H 8 is %g to %g, not 2", (double)lowest, (double)highest);
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "consumer: right\n"));

  PetscCall(VecDestroy(&mbar));
  PetscCall(DiniDestroy(&dini));
  PetscCall(SNESDestroy(&snes));
  PetscCall(MatDestroy(&J));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&u));
  PetscCall(PetscFinalize());
  return 0;
}
