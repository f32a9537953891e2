static char help[] = "Preconditioners that go wrong: never a wrong derivative, never a hang, no leak.\n";

#include "support/fixtures.h"
#include <petsc/private/petscimpl.h> /* the state of an object */

typedef struct {
  Linear   l;
  FaultyPC f;
  Vec      ubar, mbar, lambda, dm, du, du_ref;
} Case;

static PetscErrorCode CaseCreate(FaultyPCFault fault, Case *c)
{
  PC pc;

  PetscFunctionBeginUser;
  PetscCall(LinearCreate(24, &c->l));
  PetscCall(KSPGetPC(c->l.ksp, &pc));
  PetscCall(FaultyPCSet(pc, fault, &c->f));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &c->l.dini));
  PetscCall(DiniSetKSP(c->l.dini, c->l.ksp));
  PetscCall(DiniSetLinearSystem(c->l.dini, c->l.b, NULL, NULL));
  PetscCall(DiniAddParameter(c->l.dini, "b", c->l.b, NULL));
  PetscCall(DiniSetParameterType(c->l.dini, 0, DINIPARAMETERRHS));
  PetscCall(DiniSetFromOptions(c->l.dini));
  PetscCall(DiniTestVec(c->l.u, 1, &c->ubar));
  PetscCall(DiniTestVec(c->l.b, 2, &c->dm));
  PetscCall(VecDuplicate(c->l.b, &c->mbar));
  PetscCall(VecDuplicate(c->l.u, &c->lambda));
  PetscCall(VecDuplicate(c->l.u, &c->du));
  PetscCall(VecDuplicate(c->l.u, &c->du_ref));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CaseDestroy(Case *c)
{
  PetscFunctionBeginUser;
  PetscCall(VecDestroy(&c->ubar));
  PetscCall(VecDestroy(&c->mbar));
  PetscCall(VecDestroy(&c->lambda));
  PetscCall(VecDestroy(&c->dm));
  PetscCall(VecDestroy(&c->du));
  PetscCall(VecDestroy(&c->du_ref));
  PetscCall(LinearDestroy(&c->l));
  PetscCall(FaultyPCDestroy(&c->f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* du/db = A^{-1}, so the JVP is A^{-1} dm and the VJP A^{-H} ubar */
static PetscErrorCode CaseReference(Case *c)
{
  PetscFunctionBeginUser;
  PetscCall(DiniTestDirectSolve(c->l.A, PETSC_TRUE, c->ubar, c->lambda));
  PetscCall(DiniTestDirectSolve(c->l.A, PETSC_FALSE, c->dm, c->du_ref));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Both directions several times over, and once more after a forward solve without the fault. */
static PetscErrorCode TestFault(FaultyPCFault fault, PetscBool must)
{
  Case           c;
  Vec            before;
  PetscReal      changed;
  PetscBool      right;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  PetscCall(CaseCreate(fault, &c));
  PetscCall(CaseReference(&c));
  PetscCall(DiniSolve(c.l.dini, c.l.u));
  PetscCall(VecDuplicate(c.ubar, &before));
  PetscCall(VecCopy(c.ubar, before));
  c.f.armed = PETSC_TRUE;
  for (int k = 0; k < 4; k++) {
    PetscCall(VecSet(c.mbar, 1.0));
    PetscCall(DiniTestCatch());
    ierr = DiniVJP(c.l.dini, c.ubar, c.mbar);
    PetscCall(DiniTestRightOrError(ierr, c.mbar, c.lambda, 1e-8, FaultyPCNames[fault], &right));
    DiniTestTrue(right || !must, "%s: the VJP fails: %s", FaultyPCNames[fault], DiniTestMessages());
    PetscCall(VecSet(c.du, 1.0));
    PetscCall(DiniTestCatch());
    ierr = DiniJVP(c.l.dini, c.dm, c.du);
    PetscCall(DiniTestRightOrError(ierr, c.du, c.du_ref, 1e-8, FaultyPCNames[fault], &right));
    DiniTestTrue(right || !must, "%s: the JVP fails: %s", FaultyPCNames[fault], DiniTestMessages());
  }
  PetscCall(DiniTestDistance(c.ubar, before, &changed));
  DiniTestTrue(changed == 0.0, "%s: the caller's cotangent has been overwritten", FaultyPCNames[fault]);
  PetscCall(VecDestroy(&before));
  c.f.armed = PETSC_FALSE;
  PetscCall(KSPSetOperators(c.l.ksp, c.l.A, c.l.A));
  PetscCall(PetscObjectStateIncrease((PetscObject)c.l.A)); /* a set-up that failed is done again */
  PetscCall(DiniSolve(c.l.dini, c.l.u));
  PetscCall(DiniVJP(c.l.dini, c.ubar, c.mbar));
  PetscCall(DiniTestVecsClose(c.mbar, c.lambda, 1e-8, "VJP once the fault is gone"));
  PetscCall(CaseDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The set-up of the forward solver itself fails on one rank. */
static PetscErrorCode TestForwardSetUp(void)
{
  Case           c;
  PetscBool      right;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  PetscCall(CaseCreate(FAULTYPC_SETUP_ONE, &c));
  PetscCall(CaseReference(&c));
  c.f.armed = PETSC_TRUE;
  PetscCall(DiniTestCatch());
  ierr = DiniSolve(c.l.dini, c.l.u);
  PetscCall(DiniTestRelease());
  if (!ierr) {
    PetscCall(DiniTestCatch());
    ierr = DiniVJP(c.l.dini, c.ubar, c.mbar);
    PetscCall(DiniTestRightOrError(ierr, c.mbar, c.lambda, 1e-8, "a set-up that failed on one rank", &right));
  }
  PetscCall(CaseDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The operator drifts from solve to solve and the preconditioner is never set up again: it stays that of the first. */
static PetscErrorCode TestDrift(PetscBool told)
{
  Case c;

  PetscFunctionBeginUser;
  PetscCall(CaseCreate(FAULTYPC_NONE, &c));
  PetscCall(KSPSetReusePreconditioner(c.l.ksp, PETSC_TRUE));
  for (int k = 0; k < 5; k++) {
    PetscObjectState state;

    PetscCall(PetscObjectStateGet((PetscObject)c.l.A, &state));
    PetscCall(MatScale(c.l.A, 1.0 + 0.03 * k));
    PetscCall(MatShift(c.l.A, DiniTestScalar(0.1 * k, 0.2 * k)));
    if (!told) PetscCall(PetscObjectStateSet((PetscObject)c.l.A, state)); /* as if by the array */
    PetscCall(DiniSolve(c.l.dini, c.l.u));
    PetscCall(CaseReference(&c));
    PetscCall(DiniVJP(c.l.dini, c.ubar, c.mbar));
    PetscCall(DiniTestVecsClose(c.mbar, c.lambda, 1e-8, "VJP with a drifting operator"));
    PetscCall(DiniJVP(c.l.dini, c.dm, c.du));
    PetscCall(DiniTestVecsClose(c.du, c.du_ref, 1e-8, "JVP with a drifting operator"));
  }
  PetscCall(CaseDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  /* an error is accepted where the answer could be had, but not a wrong answer */
  const PetscBool must[FAULTYPC_MAX] = {
      [FAULTYPC_NONE] = PETSC_TRUE, [FAULTYPC_TRANSPOSE_WRONG] = PETSC_TRUE, [FAULTYPC_DRIFT] = PETSC_TRUE};
  char      name[64];
  PetscBool one;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-fault", name, sizeof(name), &one));
  for (int k = 0; k < FAULTYPC_MAX; k++) {
    PetscBool is = PETSC_TRUE;

    if (one) PetscCall(PetscStrcmp(name, FaultyPCNames[k], &is));
    if (is) PetscCall(TestFault((FaultyPCFault)k, must[k]));
  }
  PetscCall(TestForwardSetUp());
  PetscCall(TestDrift(PETSC_TRUE));
  PetscCall(TestDrift(PETSC_FALSE));
  PetscCall(PetscFinalize());
  return 0;
}
