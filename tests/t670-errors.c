static char help[] = "Every callback, made to fail at each of its calls in turn, in every way, through every type: an "
                     "error on all ranks that\n"
                     "names callback and object, and right derivatives from the same object afterwards.\n";

#include "support/failing.h"

/* All that a Dini does, from nothing: with guards, since a reset forgets what has passed them */
static PetscErrorCode Run(Failing *k, PetscInt at)
{
  Dini      dini = k->l.dini;
  PetscReal value;

  PetscFunctionBeginUser;
  k->at    = at;
  k->count = 0;
  PetscCall(DiniReset(dini));
  PetscCall(VecSet(k->l.u, 0.0));
  PetscCall(DiniSetParameters(dini, k->m));
  PetscCall(DiniSolve(dini, k->l.u));
  PetscCall(DiniJVP(dini, k->dm, k->du));
  PetscCall(DiniVJP(dini, k->ubar, k->mbar));
  PetscCall(DiniComputeObjectiveAndGradient(dini, k->m, &value, k->g));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What a run has to give, by factorisations */
static PetscErrorCode References(Failing *k)
{
  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(k->du, &k->du0));
  PetscCall(VecDuplicate(k->mbar, &k->mbar0));
  PetscCall(VecDuplicate(k->g, &k->g0));
  PetscCall(LinearAssemble(&k->l, k->l.B, k->l.c));
  PetscCall(DiniTestDirectSolve(k->l.B, PETSC_FALSE, k->l.c, k->l.u));
  PetscCall(LinearFill(&k->l, k->l.u, k->m, k->Fm));
  PetscCall(DiniTestReferenceJVP(k->l.B, k->Fm, k->dm, k->du0));
  PetscCall(DiniTestReferenceVJP(k->l.B, k->Fm, k->ubar, k->mbar0));
  PetscCall(DiniTestReferenceVJP(k->l.B, k->Fm, k->l.u, k->g0));
  PetscCall(VecAXPY(k->g0, 1.0, k->m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Right(Failing *k, const char what[])
{
  PetscFunctionBeginUser;
  PetscCall(DiniTestVecsClose(k->du, k->du0, 1e-8, what));
  PetscCall(DiniTestVecsClose(k->mbar, k->mbar0, 1e-8, what));
  PetscCall(DiniTestVecsClose(k->g, k->g0, 1e-8, what));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The whole matrix on two ranks, or on one with a heap that is not walked at each allocation; else a part of each cell */
static PetscErrorCode Brief(PetscBool *brief)
{
  PetscMPIInt size;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsHasName(NULL, NULL, "-malloc_debug", brief));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  if (size > 2) *brief = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  The fault at the first call, the second, and so on until there are no more. An error that a callback returns must come out;
  a NaN or a wrong value may also be none of Dini's business, as at a trial point, but then the results are right.
*/
static PetscErrorCode Sweep(DiniType type, Call call, Fault fault, PetscErrorCode code)
{
  Failing        k;
  PetscErrorCode ierr;
  char           what[128];
  PetscBool      struck = PETSC_TRUE;
  PetscBool      brief;

  PetscFunctionBeginUser;
  PetscCall(Brief(&brief));
  PetscCall(FailingCreate(type, call, fault, &k));
  PetscCall(References(&k));
  PetscCall(Run(&k, 0));
  PetscCall(Right(&k, "before any fault"));
  for (PetscInt at = 1; struck && at <= (brief ? 1 : 40); at++) {
    PetscCall(PetscSNPrintf(what, sizeof(what), "type %s, callback %d, fault %d at call %d", type, (int)call,
                            (int)fault, (int)at));
    PetscCall(DiniTestCatch());
    ierr   = Run(&k, at);
    struck = (PetscBool)(k.count >= at);
    if (struck && (ierr || fault == FAULT_ERROR || fault == FAULT_ERROR_ONE)) {
      PetscCall(DiniTestCaught(ierr, code, CallWords[call], what, __FILE__, __LINE__));
      PetscCall(DiniTestTextHas(DiniTestMessages(), "Dini \"errors\""));
    } else {
      PetscCall(DiniTestRelease());
      DiniTestTrue(!ierr, "%s: error %d with no fault", what, (int)ierr);
      PetscCall(Right(&k, what));
    }
    PetscCall(Run(&k, 0));
    PetscCall(Right(&k, what));
  }
  PetscCall(FailingDestroy(&k));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A callback that is wrong always: refused by a guard, by the true residual, or by the size of F */
static PetscErrorCode Persistent(DiniType type, Call call, Fault fault, PetscErrorCode code, const char must[])
{
  Failing        k;
  PetscErrorCode ierr;
  PetscBool      brief;

  PetscFunctionBeginUser;
  PetscCall(FailingCreate(type, call, fault, &k));
  PetscCall(References(&k));
  PetscCall(Brief(&brief));
  for (int again = 0; again < (brief ? 1 : 2); again++) {
    PetscCall(DiniTestCatch());
    ierr = Run(&k, ALWAYS);
    PetscCall(DiniTestCaught(ierr, code, must, CallWords[call], __FILE__, __LINE__));
    PetscCall(DiniTestTextHas(DiniTestMessages(), "Dini \"errors\""));
    PetscCall(Run(&k, 0));
    PetscCall(Right(&k, "after a callback that was wrong"));
  }
  PetscCall(FailingDestroy(&k));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  const DiniType types[] = {DINISNES, DINIKSP, DINISHELL};
  PetscBool      brief;
  PetscMPIInt    size;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(Brief(&brief));
  for (int t = 0; t < 3; t++)
    for (int call = 0; call < CALL_MAX; call++) {
      const PetscBool assembly = (PetscBool)(call == CALL_VECTOR || call == CALL_MATRIX);

      if (assembly && t != 1) continue;
      if (brief && call % 3 != t && !assembly) continue; /* each call through one type */
      if (!brief) PetscCall(Sweep(types[t], (Call)call, FAULT_ERROR, PETSC_ERR_USER));
      PetscCall(Sweep(types[t], (Call)call, FAULT_ERROR_ONE, PETSC_ERR_USER));
      if (call != CALL_UPDATE) PetscCall(Sweep(types[t], (Call)call, FAULT_NAN, PETSC_ERR_FP));
    }
  for (int t = 0; t < (brief ? 1 : 3); t++) {
    PetscCall(Persistent(types[t], CALL_JACOBIAN, FAULT_WRONG, PETSC_ERR_ARG_WRONG, "Jacobian is not dF/du"));
    PetscCall(Persistent(types[t], CALL_FILL, FAULT_WRONG, PETSC_ERR_ARG_WRONG, "F_m of parameter \"m\""));
    PetscCall(Persistent(types[t], CALL_APPLY, FAULT_WRONG, PETSC_ERR_ARG_WRONG, "is not dF/dm"));
    PetscCall(
        Persistent(types[t], CALL_APPLY_ADJOINT, FAULT_WRONG, PETSC_ERR_ARG_WRONG, "does not belong to its product"));
    PetscCall(Persistent(types[t], CALL_TANGENT, FAULT_WRONG, PETSC_ERR_NOT_CONVERGED, "application's own solve"));
    PetscCall(Persistent(types[t], CALL_ADJOINT, FAULT_WRONG, PETSC_ERR_NOT_CONVERGED, "application's own solve"));
    PetscCall(Persistent(types[t], CALL_SOLVE, FAULT_WRONG, PETSC_ERR_NOT_CONVERGED, "is not a solution"));
    if (size > 1)
      PetscCall(Persistent(types[t], CALL_OBJECTIVE, FAULT_RANKS, PETSC_ERR_ARG_INCOMP, "on different ranks"));
  }
  PetscCall(PetscFinalize());
  return 0;
}
