static char help[] =
    "Chains that an application's own loop has recorded, chains of chains, steps by a KSP, and what is refused.\n";

#include "support/marching.h"

/* Derivatives of a recorded loop are those of a chain that has marched itself; the loop's solver is looser than the chain's */
static PetscErrorCode TestRecorded(PetscBool second)
{
  Marching  marched, recorded;
  Vec       dm, du[2], mbar[2], ubar, u;
  PetscReal t;
  PetscInt  n;

  PetscFunctionBeginUser;
  PetscCall(MarchingCreate(9, second, PETSC_TRUE, &marched));
  PetscCall(MarchingCreate(9, second, PETSC_TRUE, &recorded));
  PetscCall(DiniSolve(marched.chain, marched.u));
  PetscCall(MarchingLoop(&recorded, PETSC_TRUE, recorded.u));
  PetscCall(DiniTestVec(marched.u, 4, &ubar));
  for (int k = 0; k < 2; k++) {
    PetscCall(DiniCreateParameterVec(marched.chain, &mbar[k]));
    PetscCall(VecDuplicate(ubar, &du[k]));
  }
  PetscCall(DiniTestVec(mbar[0], 6, &dm));
  PetscCall(DiniJVP(marched.chain, dm, du[0]));
  PetscCall(DiniJVP(recorded.chain, dm, du[1]));
  PetscCall(DiniTestVecsClose(du[1], du[0], 1e-9, "tangents"));
  PetscCall(DiniVJP(marched.chain, ubar, mbar[0]));
  PetscCall(DiniVJP(recorded.chain, ubar, mbar[1]));
  PetscCall(DiniTestVecsClose(mbar[1], mbar[0], 1e-9, "adjoints"));
  PetscCall(DiniGetChainLength(recorded.chain, &n));
  DiniTestCount(n, 9, "recorded steps");
  PetscCall(DiniGetChainState(recorded.chain, 9, &t, &u));
  DiniTestClose(t, recorded.times[9], 1e-15, 0.0, "the last time");
  PetscCall(DiniTestVecsClose(u, recorded.u, 1e-15, "the last state"));
  PetscCall(MarchingLoop(&recorded, PETSC_TRUE, recorded.u)); /* and again */
  PetscCall(DiniVJP(recorded.chain, ubar, mbar[1]));
  PetscCall(DiniTestVecsClose(mbar[1], mbar[0], 1e-9, "adjoints of the second loop"));
  for (int k = 0; k < 2; k++) {
    PetscCall(VecDestroy(&mbar[k]));
    PetscCall(VecDestroy(&du[k]));
  }
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&ubar));
  PetscCall(MarchingDestroy(&marched));
  PetscCall(MarchingDestroy(&recorded));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Two chains of three steps, one after the other, are one of six */
static PetscErrorCode TestChains(void)
{
  Marching all, part;
  Dini     outer;
  Vec      u, u0, mbar[2], ubar;

  PetscFunctionBeginUser;
  PetscCall(MarchingCreate(6, PETSC_FALSE, PETSC_TRUE, &all));
  PetscCall(MarchingCreate(3, PETSC_FALSE, PETSC_TRUE, &part));
  PetscCall(VecSet(all.f, 0.0)); /* so that nothing depends on the time itself */
  PetscCall(VecSet(part.f, 0.0));
  PetscCall(DiniSetParameterActive(all.chain, all.pf, PETSC_FALSE));
  PetscCall(DiniSetParameterActive(part.chain, part.pf, PETSC_FALSE));
  PetscCall(VecDuplicate(all.u, &u));
  PetscCall(DiniTestVec(all.u, 5, &u0));
  PetscCall(DiniTestVec(all.u, 2, &ubar));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &outer));
  PetscCall(DiniSetChain(outer, part.chain, part.p0));
  PetscCall(DiniSetChainInitial(outer, u0));
  PetscCall(DiniSetChainTimes(outer, 2, NULL));
  PetscCall(DiniAddScalarParameter(outer, "p", &part.p, NULL));
  PetscCall(DiniAddParameter(outer, "initial", u0, NULL));
  PetscCall(DiniSolve(all.chain, all.u));
  PetscCall(DiniSolve(outer, u));
  PetscCall(DiniTestVecsClose(u, all.u, 1e-11, "the last state"));
  PetscCall(DiniCreateParameterVec(all.chain, &mbar[0]));
  PetscCall(DiniCreateParameterVec(outer, &mbar[1]));
  PetscCall(DiniVJP(all.chain, ubar, mbar[0]));
  PetscCall(DiniVJP(outer, ubar, mbar[1]));
  PetscCall(DiniTestVecsClose(mbar[1], mbar[0], 1e-9, "adjoints"));
  PetscCall(DiniTestDotProduct(outer, 1e-9));
  for (int k = 0; k < 2; k++) PetscCall(VecDestroy(&mbar[k]));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&u0));
  PetscCall(VecDestroy(&ubar));
  PetscCall(DiniDestroy(&outer));
  PetscCall(MarchingDestroy(&all));
  PetscCall(MarchingDestroy(&part));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A state that solves nothing, a number that has changed beside the parameters, a step that fails */
static PetscErrorCode TestRefused(void)
{
  Marching            m;
  Vec                 ubar, mbar;
  DiniConvergedReason reason;

  PetscFunctionBeginUser;
  PetscCall(MarchingCreate(5, PETSC_FALSE, PETSC_TRUE, &m));
  PetscCall(DiniCreateParameterVec(m.chain, &mbar));
  PetscCall(DiniTestVec(m.u, 4, &ubar));
  PetscCall(MarchingLoop(&m, PETSC_TRUE, m.u));
  PetscCall(DiniVJP(m.chain, ubar, mbar));
  m.hidden = 1e-3;
  DiniTestExpect(DiniVJP(m.chain, ubar, mbar), PETSC_ERR_NOT_CONVERGED, "Step 4 of 5");
  m.hidden = 0.0;
  PetscCall(DiniVJP(m.chain, ubar, mbar));
  PetscCall(VecCopy(m.u0, m.u));
  PetscCall(DiniChainBegin(m.chain, 0.0, m.u));
  for (PetscInt n = 0; n < 5; n++) PetscCall(DiniChainRecord(m.chain, m.times[n + 1], m.u)); /* it has not moved */
  PetscCall(DiniChainEnd(m.chain));
  DiniTestExpect(DiniVJP(m.chain, ubar, mbar), PETSC_ERR_NOT_CONVERGED, "is not solved by the state");
  m.fails = 0.4;
  DiniTestExpect(DiniSolve(m.chain, m.u), PETSC_ERR_NOT_CONVERGED, "step 3 of 5");
  PetscCall(DiniSetErrorIfNotConverged(m.chain, PETSC_FALSE));
  PetscCall(DiniSolve(m.chain, m.u));
  PetscCall(DiniGetConvergedReason(m.chain, &reason));
  DiniTestTrue(reason < 0, "a step that fails: reason %d", (int)reason);
  m.fails = 0.0;
  PetscCall(DiniSolve(m.chain, m.u));
  PetscCall(DiniVJP(m.chain, ubar, mbar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&ubar));
  PetscCall(MarchingDestroy(&m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* u_0 is no parameter, and is changed after the first derivative: refused, until a solve */
static PetscErrorCode TestInitial(void)
{
  Marching m;
  Vec      ubar, mbar[2];

  PetscFunctionBeginUser;
  PetscCall(MarchingCreate(5, PETSC_FALSE, PETSC_FALSE, &m));
  PetscCall(DiniTestVec(m.u, 4, &ubar));
  for (int k = 0; k < 2; k++) PetscCall(DiniCreateParameterVec(m.chain, &mbar[k]));
  PetscCall(DiniSolve(m.chain, m.u));
  PetscCall(DiniVJP(m.chain, ubar, mbar[0]));
  PetscCall(VecScale(m.u0, 1.5));
  DiniTestExpect(DiniVJP(m.chain, ubar, mbar[1]), PETSC_ERR_ARG_WRONGSTATE, "changed since the solve");
  PetscCall(VecScale(m.u0, 1.0 / 1.5));
  PetscCall(DiniSolve(m.chain, m.u));
  PetscCall(DiniVJP(m.chain, ubar, mbar[1]));
  PetscCall(DiniTestVecsClose(mbar[1], mbar[0], 1e-9, "after another solve"));
  for (int k = 0; k < 2; k++) PetscCall(VecDestroy(&mbar[k]));
  PetscCall(VecDestroy(&ubar));
  PetscCall(MarchingDestroy(&m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A derivative pinned to a point, while the chain goes elsewhere and comes back */
static PetscErrorCode TestPinned(void)
{
  Marching m;
  Mat      D;
  Vec      dm, du[2];

  PetscFunctionBeginUser;
  PetscCall(MarchingCreate(5, PETSC_TRUE, PETSC_TRUE, &m));
  PetscCall(DiniSolve(m.chain, m.u));
  PetscCall(DiniCreateParameterVec(m.chain, &dm));
  PetscCall(DiniTestFill(dm, 4));
  for (int k = 0; k < 2; k++) PetscCall(VecDuplicate(m.u, &du[k]));
  PetscCall(DiniJVP(m.chain, dm, du[0]));
  PetscCall(DiniCreateDerivative(m.chain, DINI_ALL_PARAMETERS, &D));
  m.p *= 1.4;
  PetscCall(DiniSolve(m.chain, m.u));
  PetscCall(DiniJVP(m.chain, dm, du[1]));
  PetscCall(DiniTestVecsDiffer(du[0], du[1], 1e-3, "another point"));
  PetscCall(MatMult(D, dm, du[1]));
  PetscCall(DiniTestVecsClose(du[1], du[0], 1e-8, "pinned"));
  for (int k = 0; k < 2; k++) PetscCall(VecDestroy(&du[k]));
  PetscCall(VecDestroy(&dm));
  PetscCall(MatDestroy(&D));
  PetscCall(MarchingDestroy(&m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestMisuse(void)
{
  Marching  m;
  Dini      chain;
  Vec       other, u;
  PetscReal t;

  PetscFunctionBeginUser;
  PetscCall(MarchingCreate(3, PETSC_FALSE, PETSC_FALSE, &m));
  PetscCall(VecDuplicate(m.u, &u));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &chain));
  DiniTestExpect(DiniSetChainTimes(chain, 3, NULL), PETSC_ERR_ORDER, "DiniSetChain()");
  DiniTestExpect(DiniSetChain(chain, m.step, 17), PETSC_ERR_ARG_OUTOFRANGE, "17");
  DiniTestExpect(DiniSetChain(chain, chain, 0), PETSC_ERR_ARG_IDN, "its own step");
  PetscCall(DiniSetChain(chain, m.step, 0));
  DiniTestExpect(DiniAddChainHistory(chain, 0), PETSC_ERR_ARG_WRONG, "before");
  DiniTestExpect(DiniSolve(chain, u), PETSC_ERR_ORDER, "DiniSetChainInitial()");
  PetscCall(DiniSetChainInitial(chain, m.u0));
  DiniTestExpect(DiniSolve(chain, u), PETSC_ERR_ORDER, "DiniSetChainTimes()");
  DiniTestExpect(DiniSetChainTimes(chain, 0, NULL), PETSC_ERR_ARG_OUTOFRANGE, "one step at least");
  DiniTestExpect(DiniChainRecord(chain, 1.0, u), PETSC_ERR_ORDER, "DiniChainBegin()");
  DiniTestExpect(DiniChainEnd(chain), PETSC_ERR_ORDER, "DiniChainBegin()");
  PetscCall(DiniSetChainTimes(chain, 3, m.times));
  DiniTestExpect(DiniGetChainState(chain, 0, &t, &other), PETSC_ERR_ARG_OUTOFRANGE, "no state");
  PetscCall(VecDuplicate(m.u, &other));
  PetscCall(DiniAddParameter(chain, "elsewhere", other, NULL));
  DiniTestExpect(DiniSolve(chain, u), PETSC_ERR_ARG_WRONG, "elsewhere");
  PetscCall(DiniDestroy(&chain));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &chain));
  PetscCall(DiniSetChain(chain, m.step, 0));
  PetscCall(DiniSetChainInitial(chain, m.u0));
  PetscCall(DiniSetChainTimes(chain, 3, m.times));
  DiniTestExpect(DiniSolve(chain, m.before), PETSC_ERR_ARG_IDN, "reads an earlier state");
  DiniTestExpect(DiniSolve(chain, m.u0), PETSC_ERR_ARG_IDN, "initial state");
  PetscCall(DiniSetChainInitial(chain, m.before));
  DiniTestExpect(DiniSolve(chain, u), PETSC_ERR_ARG_IDN, "The initial state is the Vec");
  PetscCall(DiniSetChainInitial(chain, m.u0));
  PetscCall(DiniAddParameter(chain, "state", m.before, NULL));
  DiniTestExpect(DiniSolve(chain, u), PETSC_ERR_ARG_WRONG, "reads an earlier state");
  PetscCall(DiniDestroy(&chain));
  PetscCall(VecDestroy(&other));
  PetscCall(VecDestroy(&u));
  PetscCall(MarchingDestroy(&m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A callback that writes to a parameter of the step, which the chain would set back: a scalar, and a Vec */
static PetscErrorCode Writes(Dini chain, PetscInt n, PetscReal t, PetscReal dt, void *ctx)
{
  Marching *m = (Marching *)ctx;

  PetscFunctionBeginUser;
  (void)chain;
  PetscCall(MarchingPlace(m, n, t, dt));
  if (m->hidden > 0.0) m->p = 0.7 + 0.1 * (PetscReal)n;
  else PetscCall(VecSet(m->f, 0.1 * (PetscReal)n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestWrites(PetscBool scalar)
{
  Marching m;

  PetscFunctionBeginUser;
  PetscCall(MarchingCreate(3, PETSC_FALSE, PETSC_TRUE, &m));
  m.hidden = scalar ? 1e-3 : 0.0;
  PetscCall(DiniSetChainStep(m.chain, Writes, &m));
  DiniTestExpect(DiniSolve(m.chain, m.u), PETSC_ERR_ARG_WRONG, "which the chain sets");
  PetscCall(DiniTestForgiveLeaks());
  PetscCall(MarchingDestroy(&m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A scalar of the step that is none of the chain's, changed before a loop that is recorded */
static PetscErrorCode TestOwnScalar(void)
{
  Marching m;
  Vec      ubar, mbar;

  PetscFunctionBeginUser;
  PetscCall(MarchingCreate(3, PETSC_FALSE, PETSC_TRUE, &m));
  PetscCall(DiniAddScalarParameter(m.step, "q", &m.q, NULL));
  PetscCall(DiniSolve(m.chain, m.u));
  m.q = 0.6;
  PetscCall(MarchingLoop(&m, PETSC_TRUE, m.u));
  PetscCall(DiniTestVec(m.u, 4, &ubar));
  PetscCall(DiniCreateParameterVec(m.chain, &mbar));
  PetscCall(DiniVJP(m.chain, ubar, mbar));
  PetscCall(DiniTestDotProduct(m.chain, 1e-10));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(MarchingDestroy(&m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestRecorded(PETSC_FALSE));
  PetscCall(TestRecorded(PETSC_TRUE));
  PetscCall(TestChains());
  PetscCall(TestRefused());
  PetscCall(TestInitial());
  PetscCall(TestPinned());
  PetscCall(TestMisuse());
  PetscCall(TestWrites(PETSC_TRUE));
  PetscCall(TestWrites(PETSC_FALSE));
  PetscCall(TestOwnScalar());
  PetscCall(PetscFinalize());
  return 0;
}
