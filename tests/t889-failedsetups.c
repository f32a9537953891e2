static char help[] =
    "Preconditioners whose set-up fails, or would: a factorisation of NaN leaves nothing behind for the next solve, and a matrix\n\
without entries is refused by name before anything is half done.\n";

#include "support/fixtures.h"
#include "support/roots.h"

/* NaN in J during a forward solve, then none: solved, and differentiated, as if it had not been */
static PetscErrorCode TestFactors(PetscInt N, PCType type, Fault fault)
{
  Cubic       c;
  KSP         ksp;
  PC          pc;
  Vec         ubar, mbar, right;
  PetscBool   has;
  PetscMPIInt size;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(N, DiniTestScalar(0.3, 0.1), &c));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(MatGetFactorAvailable(c.J, size > 1 ? MATSOLVERMUMPS : MATSOLVERPETSC, MAT_FACTOR_LU, &has));
  if (has) {
    PetscCall(SNESGetKSP(c.snes, &ksp));
    PetscCall(KSPSetType(ksp, KSPGMRES));
    PetscCall(KSPGetPC(ksp, &pc));
    PetscCall(PCSetType(pc, type));
    PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERMATRIX));
    PetscCall(DiniSetErrorIfNotConverged(c.dini, PETSC_FALSE));
    PetscCall(DiniTestVec(c.u, 3, &ubar));
    PetscCall(VecDuplicate(c.m, &mbar));
    PetscCall(VecDuplicate(c.m, &right));
    for (int round = 0; round < 2; round++) {
      c.jacobian = round ? fault : FAULT_NONE;
      PetscCall(VecSet(c.u, 1.0));
      PetscCall(DiniTestCatch());
      (void)DiniSolve(c.dini, c.u);
      PetscCall(DiniTestRelease());
    }
    for (int k = 0; k < 3; k++) { /* the fault has gone */
      c.jacobian = FAULT_NONE;
      PetscCall(VecSet(c.u, 1.0));
      PetscCall(VecShift(c.m, 0.1));
      PetscCall(DiniSolve(c.dini, c.u));
      PetscCall(DiniVJP(c.dini, ubar, mbar));
      PetscCall(DiniTestReferenceVJP(c.J, c.Fm, ubar, right));
      PetscCall(DiniTestVecsClose(mbar, right, 1e-7, "VJP after a factorisation that had failed"));
    }
    PetscCall(VecDestroy(&ubar));
    PetscCall(VecDestroy(&mbar));
    PetscCall(VecDestroy(&right));
  }
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J is a shell: what reads its entries is named, and the Dini can be used again at once */
static PetscErrorCode TestHollow(PCType type)
{
  Roots r;
  Dini  dini;
  Vec   u, v, w;
  KSP   ksp;
  PC    pc;

  PetscFunctionBeginUser;
  PetscCall(RootsCreate(ROOTS_SHELL, &r));
  PetscCall(RootsBranch(&r, 2.5, PETSC_TRUE, &dini, &u));
  PetscCall(VecDuplicate(r.m, &v));
  PetscCall(VecDuplicate(r.m, &w));
  PetscCall(VecSet(v, 1.0));
  PetscCall(SNESGetKSP(r.snes, &ksp));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, type));
  DiniTestExpect(DiniVJP(dini, v, w), PETSC_ERR_SUP, "reads entries of its matrix");
  DiniTestExpect(DiniJVP(dini, v, w), PETSC_ERR_SUP, "choose -pc_type none");
  PetscCall(PCSetType(pc, PCNONE));
  PetscCall(DiniVJP(dini, v, w));
  PetscCall(RootsExpect(w, RootsSlope(2.0), "with a preconditioner that reads nothing"));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&w));
  PetscCall(DiniDestroy(&dini));
  PetscCall(RootsDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestFactors(1, PCLU, FAULT_NAN));
  PetscCall(TestFactors(6, PCLU, FAULT_NAN));
  PetscCall(TestFactors(6, PCBJACOBI, FAULT_NAN));
  PetscCall(TestHollow(PCJACOBI));
  PetscCall(TestHollow(PCBJACOBI));
  PetscCall(TestHollow(PCSOR));
  PetscCall(PetscFinalize());
  return 0;
}
