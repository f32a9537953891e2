static char help[] =
    "Seven unlike blocks of parameters at once: JVP and VJP against dense references, entry by entry.\n";

#include "support/blocks.h"

static PetscErrorCode TestDerivatives(Blocks *c, PetscInt expected, const char what[])
{
  Mat      Fm;
  Vec      flat, dm, ubar, du, mbar, du_ref, mbar_ref;
  PetscInt N;

  PetscFunctionBeginUser;
  PetscCall(DiniCreateParameterVec(c->dini, &flat));
  PetscCall(VecGetSize(flat, &N));
  DiniTestCount(N, expected, what);
  PetscCall(VecCopy(c->block[GUESS], c->u));
  PetscCall(DiniSolve(c->dini, c->u));
  PetscCall(DiniTestVec(flat, 91, &dm));
  PetscCall(DiniTestVec(c->u, 92, &ubar));
  PetscCall(VecDuplicate(c->u, &du));
  PetscCall(VecDuplicate(c->u, &du_ref));
  PetscCall(VecDuplicate(flat, &mbar));
  PetscCall(VecDuplicate(flat, &mbar_ref));
  PetscCall(DiniJVP(c->dini, dm, du));
  PetscCall(DiniVJP(c->dini, ubar, mbar));
  PetscCall(BlocksReference(c, flat, &Fm));
  PetscCall(BlocksJacobian(c, c->u, c->J));
  PetscCall(DiniTestReferenceJVP(c->J, Fm, dm, du_ref));
  PetscCall(DiniTestReferenceVJP(c->J, Fm, ubar, mbar_ref));
  PetscCall(DiniTestVecsClose(du, du_ref, 1e-8, what));
  PetscCall(DiniTestVecsClose(mbar, mbar_ref, 1e-8, what));
  PetscCall(DiniTestDotProduct(c->dini, 1e-9));
  PetscCall(MatDestroy(&Fm));
  PetscCall(VecDestroy(&flat));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&du_ref));
  PetscCall(VecDestroy(&mbar_ref));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Through one flat vector to all blocks and back, ranks without entries among them */
static PetscErrorCode TestRoundTrip(Blocks *c)
{
  Vec flat, back;

  PetscFunctionBeginUser;
  PetscCall(DiniCreateParameterVec(c->dini, &flat));
  PetscCall(VecDuplicate(flat, &back));
  PetscCall(VecScale(flat, 0.75));
  PetscCall(DiniSetParameters(c->dini, flat));
  PetscCall(DiniGetParameters(c->dini, back));
  PetscCall(DiniTestVecsClose(flat, back, 0.0, "round trip"));
  PetscCall(VecDestroy(&flat));
  PetscCall(VecDestroy(&back));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestChain(PetscInt n)
{
  const PetscInt all = 2 * n + n + 1 + 1 + 2 + NWELLS + n;
  Blocks         c;

  PetscFunctionBeginUser;
  PetscCall(BlocksCreate(n, &c));
  PetscCall(TestDerivatives(&c, all, "all blocks"));
  PetscCall(TestRoundTrip(&c));
  PetscCall(TestDerivatives(&c, all, "all blocks at other values"));
  PetscCall(DiniSetParameterActive(c.dini, CUBIC, PETSC_FALSE));
  PetscCall(DiniSetParameterActive(c.dini, WELLS, PETSC_FALSE));
  PetscCall(DiniSetParameterActive(c.dini, MEDIUM, PETSC_FALSE));
  PetscCall(TestDerivatives(&c, all - 2 * n - 1 - NWELLS, "four blocks"));
  PetscCall(BlocksDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestChain(4));
  PetscCall(TestChain(10));
  PetscCall(PetscFinalize());
  return 0;
}
