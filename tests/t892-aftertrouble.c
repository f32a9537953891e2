static char help[] =
    "What trouble leaves behind: a derivative pinned where a check has just failed, multigrid that keeps a matrix without a\n\
transposed product from its first cycle, and a KSP that was asked for its operators before it had any.\n";

#include "support/fixtures.h"

/* A number that is no parameter has changed: a derivative pinned there is refused at once, and after the Dini has moved on */
static PetscErrorCode TestPinned(void)
{
  Cubic c;
  Mat   D;
  Vec   ubar, mbar;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(6, DiniTestScalar(0.3, 0.1), &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERMATRIX));
  PetscCall(DiniTestVec(c.u, 3, &ubar));
  PetscCall(VecDuplicate(c.m, &mbar));
  PetscCall(VecSet(c.u, 1.0));
  PetscCall(DiniSolve(c.dini, c.u));
  c.a *= 2.0;
  DiniTestExpect(DiniVJP(c.dini, ubar, mbar), PETSC_ERR_ARG_WRONGSTATE, "is no solution any more");
  PetscCall(DiniCreateDerivative(c.dini, DINI_ALL_PARAMETERS, &D));
  DiniTestExpect(MatMultTranspose(D, ubar, mbar), PETSC_ERR_ARG_WRONGSTATE, "is no solution any more");
  PetscCall(VecShift(c.m, 0.5));
  PetscCall(DiniSolve(c.dini, c.u));
  DiniTestExpect(MatMultTranspose(D, ubar, mbar), PETSC_ERR_ARG_WRONGSTATE, "is no solution any more");
  PetscCall(MatDestroy(&D));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The forward solve multiplies by differences; its multigrid holds on to them where its cycle needs a residual */
static PetscErrorCode TestMultigrid(DiniReuse reuse)
{
  Transport t;
  KSP       ksp;
  PC        pc;
  Vec       ubar, mbar, right;

  PetscFunctionBeginUser;
  PetscCall(TransportCreate(6, 5, &t));
  PetscCall(SNESGetKSP(t.snes, &ksp));
  PetscCall(KSPSetType(ksp, KSPFGMRES));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCGAMG));
  PetscCall(SNESSetUseMatrixFree(t.snes, PETSC_TRUE, PETSC_FALSE));
  PetscCall(TransportDini(&t, DINIPARAMETERMATRIX));
  PetscCall(DiniSetReuse(t.dini, reuse));
  PetscCall(DiniTestVec(t.u, 3, &ubar));
  PetscCall(VecDuplicate(t.m, &mbar));
  PetscCall(VecDuplicate(t.m, &right));
  PetscCall(DiniSolve(t.dini, t.u));
  PetscCall(DiniJVP(t.dini, t.m, right));
  for (int k = 0; k < 2; k++) {
    PetscCall(VecSet(t.u, 0.0));
    PetscCall(DiniSolve(t.dini, t.u));
    PetscCall(DiniVJP(t.dini, ubar, mbar));
    PetscCall(TransportReferenceVJP(&t, ubar, right));
    PetscCall(DiniTestVecsClose(mbar, right, 1e-6, "VJP with the multigrid of a matrix-free solve"));
  }
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&right));
  PetscCall(TransportDestroy(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* KSPGetOperators() makes matrices up, without a size, where there are none */
static PetscErrorCode TestEarly(void)
{
  Cubic c;
  KSP   ksp;
  PC    pc;
  Mat   A, P;
  Vec   ubar, mbar, right, du;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(6, DiniTestScalar(0.3, 0.1), &c));
  PetscCall(SNESGetKSP(c.snes, &ksp));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCJACOBI));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERMATRIX));
  PetscCall(VecSet(c.u, 1.0));
  PetscCall(SNESSolve(c.snes, NULL, c.u));
  PetscCall(KSPReset(ksp));
  PetscCall(KSPGetOperators(ksp, &A, &P));
  PetscCall(DiniTestVec(c.u, 3, &ubar));
  PetscCall(VecDuplicate(c.u, &du));
  PetscCall(VecDuplicate(c.m, &mbar));
  PetscCall(VecDuplicate(c.m, &right));
  PetscCall(DiniAttach(c.dini, c.u));
  PetscCall(DiniVJP(c.dini, ubar, mbar));
  PetscCall(DiniTestReferenceVJP(c.J, c.Fm, ubar, right));
  PetscCall(DiniTestVecsClose(mbar, right, 1e-8, "VJP with a KSP of no size"));
  PetscCall(DiniJVP(c.dini, c.m, du));
  PetscCall(DiniTestReferenceJVP(c.J, c.Fm, c.m, right));
  PetscCall(DiniTestVecsClose(du, right, 1e-8, "JVP with a KSP of no size"));
  PetscCall(VecShift(c.m, 0.5));
  PetscCall(DiniSolve(c.dini, c.u)); /* its KSP has the solver's own operators again */
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&right));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestPinned());
  PetscCall(TestMultigrid(DINI_REUSE_NEVER));
  PetscCall(TestMultigrid(DINI_REUSE_AUTO));
  PetscCall(TestEarly());
  PetscCall(PetscFinalize());
  return 0;
}
