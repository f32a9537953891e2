static char help[] = "Monitors, converged reasons, log events and the statistics as data.\n";

#include "support/fixtures.h"

typedef struct {
  PetscInt  calls[4], its[4], destroyed;
  PetscReal worst[4];
} Seen;

static PetscErrorCode Monitor(Dini dini, DiniOperation operation, PetscInt its, PetscReal rnorm, void *ctx)
{
  Seen *seen = (Seen *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  seen->calls[operation]++;
  seen->its[operation] += its;
  seen->worst[operation] = PetscMax(seen->worst[operation], rnorm);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MonitorDestroy(void **ctx)
{
  PetscFunctionBeginUser;
  (*(Seen **)ctx)->destroyed++;
  *ctx = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ExpectReason(Dini dini, DiniConvergedReason expected)
{
  DiniConvergedReason reason;
  const char         *found, *wanted;

  PetscFunctionBeginUser;
  PetscCall(DiniGetConvergedReason(dini, &reason));
  PetscCall(DiniConvergedReasonString(reason, &found));
  PetscCall(DiniConvergedReasonString(expected, &wanted));
  DiniTestTrue(reason == expected, "Converged reason %s, expected %s", found, wanted);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Monitor calls, statistics and reasons are three accounts of the same events. */
static PetscErrorCode TestMonitor(void)
{
  Cubic          c;
  Seen           seen;
  Vec            ubar, mbar, du;
  DiniStatistics s;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(&seen, sizeof(seen)));
  PetscCall(CubicCreate(9, DiniTestScalar(0.5, 0.2), &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERMATRIX));
  PetscCall(DiniMonitorSet(c.dini, Monitor, &seen, MonitorDestroy));
  PetscCall(DiniTestVec(c.u, 7, &ubar));
  PetscCall(DiniTestVec(c.m, 8, &mbar));
  PetscCall(VecDuplicate(c.u, &du));
  PetscCall(ExpectReason(c.dini, DINI_CONVERGED_ITERATING));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(ExpectReason(c.dini, DINI_CONVERGED_FORWARD));
  PetscCall(DiniJVP(c.dini, mbar, du));
  PetscCall(ExpectReason(c.dini, DINI_CONVERGED_TANGENT));
  PetscCall(DiniVJP(c.dini, ubar, mbar));
  PetscCall(VecScale(ubar, 2.0)); /* the same again would be answered from memory */
  PetscCall(DiniVJP(c.dini, ubar, mbar));
  PetscCall(ExpectReason(c.dini, DINI_CONVERGED_ADJOINT));
  PetscCall(DiniGetStatistics(c.dini, &s));
  DiniTestCount(s.forward_solves, 1, "forward solves");
  DiniTestCount(s.forward_failures, 0, "forward failures");
  DiniTestCount(s.linearizations, 1, "linearizations");
  DiniTestCount(s.jacobian_assemblies, 1, "Jacobian assemblies");
  DiniTestCount(s.tangent_solves, 1, "tangent solves");
  DiniTestCount(s.adjoint_solves, 2, "adjoint solves");
  DiniTestCount(seen.calls[DINI_OPERATION_FORWARD], 1, "monitored forward solves");
  DiniTestCount(seen.calls[DINI_OPERATION_LINEARIZE], 1, "monitored linearizations");
  DiniTestCount(seen.calls[DINI_OPERATION_TANGENT], 1, "monitored tangent solves");
  DiniTestCount(seen.calls[DINI_OPERATION_ADJOINT], 2, "monitored adjoint solves");
  DiniTestCount(seen.its[DINI_OPERATION_TANGENT], s.tangent_iterations, "tangent iterations");
  DiniTestCount(seen.its[DINI_OPERATION_ADJOINT], s.adjoint_iterations, "adjoint iterations");
  DiniTestCount(seen.its[DINI_OPERATION_FORWARD], s.forward_iterations, "forward iterations");
  DiniTestClose(seen.worst[DINI_OPERATION_ADJOINT], s.adjoint_residual, 1e-12, 0.0, "worst adjoint residual");
  DiniTestClose(seen.worst[DINI_OPERATION_TANGENT], s.tangent_residual, 1e-12, 0.0, "worst tangent residual");
  DiniTestTrue(s.adjoint_residual > 0.0 && s.adjoint_residual <= 1e-10, "An adjoint residual of %g was accepted",
               (double)s.adjoint_residual);
  DiniTestTrue(s.adjoint_iterations >= s.adjoint_solves, "%" PetscInt_FMT " iterations in the adjoint solves",
               s.adjoint_iterations);
  DiniTestTrue(s.forward_seconds > 0.0 && s.adjoint_seconds > 0.0 && s.tangent_seconds > 0.0 &&
                   s.linearize_seconds > 0.0,
               "A time is not positive");
  /* a zero right-hand side is answered without a solve */
  PetscCall(VecSet(ubar, 0.0));
  PetscCall(DiniVJP(c.dini, ubar, mbar));
  PetscCall(VecNorm(mbar, NORM_INFINITY, &s.adjoint_residual));
  DiniTestClose(s.adjoint_residual, 0.0, 0.0, 0.0, "VJP of zero");
  PetscCall(DiniGetStatistics(c.dini, &s));
  DiniTestCount(s.adjoint_solves, 2, "adjoint solves after a zero right-hand side");
  PetscCall(DiniResetStatistics(c.dini));
  PetscCall(DiniGetStatistics(c.dini, &s));
  DiniTestCount(s.adjoint_solves + s.forward_solves + s.tangent_iterations, 0, "statistics after a reset");
  PetscCall(DiniMonitorCancel(c.dini));
  DiniTestCount(seen.destroyed, 1, "destroyed monitor contexts");
  PetscCall(DiniTestFill(ubar, 9));
  seen.calls[DINI_OPERATION_ADJOINT] = 0;
  PetscCall(DiniVJP(c.dini, ubar, mbar));
  DiniTestCount(seen.calls[DINI_OPERATION_ADJOINT], 0, "calls of a cancelled monitor");
  PetscCall(DiniMonitorSet(c.dini, Monitor, &seen, MonitorDestroy));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&du));
  PetscCall(CubicDestroy(&c));
  DiniTestCount(seen.destroyed, 2, "monitor contexts destroyed with the object");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestAttachReason(void)
{
  Cubic          c;
  DiniStatistics s;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(9, 0.0, &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERRHS));
  PetscCall(VecSet(c.u, 1.0));
  PetscCall(DiniAttach(c.dini, c.u));
  PetscCall(ExpectReason(c.dini, DINI_CONVERGED_ATTACHED));
  PetscCall(DiniGetStatistics(c.dini, &s));
  DiniTestCount(s.forward_solves, 0, "forward solves of an attached object");
  DiniTestTrue(s.forward_residual < 1e-12, "Forward residual %g at a solution", (double)s.forward_residual);
  PetscCall(VecSet(c.u, 1.5));
  DiniTestExpect(DiniAttach(c.dini, c.u), PETSC_ERR_NOT_CONVERGED, "F(u, m)");
  PetscCall(ExpectReason(c.dini, DINI_DIVERGED_FORWARD_RESIDUAL));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Every reason and operation has its name. */
static PetscErrorCode TestNames(void)
{
  const struct {
    DiniConvergedReason reason;
    const char         *name;
  } names[]                      = {{DINI_CONVERGED_ITERATING, "CONVERGED_ITERATING"},
                                    {DINI_CONVERGED_FORWARD, "CONVERGED_FORWARD"},
                                    {DINI_CONVERGED_ATTACHED, "CONVERGED_ATTACHED"},
                                    {DINI_CONVERGED_TANGENT, "CONVERGED_TANGENT"},
                                    {DINI_CONVERGED_ADJOINT, "CONVERGED_ADJOINT"},
                                    {DINI_DIVERGED_FORWARD, "DIVERGED_FORWARD"},
                                    {DINI_DIVERGED_FORWARD_RESIDUAL, "DIVERGED_FORWARD_RESIDUAL"},
                                    {DINI_DIVERGED_TANGENT, "DIVERGED_TANGENT"},
                                    {DINI_DIVERGED_ADJOINT, "DIVERGED_ADJOINT"},
                                    {DINI_DIVERGED_NAN, "DIVERGED_NAN"},
                                    {DINI_DIVERGED_PC_FAILED, "DIVERGED_PC_FAILED"}};
  const char *const operations[] = {"forward", "linearize", "tangent", "adjoint"};

  PetscFunctionBeginUser;
  for (size_t k = 0; k < sizeof(names) / sizeof(*names); k++) {
    const char *name;
    PetscBool   same;

    PetscCall(DiniConvergedReasonString(names[k].reason, &name));
    PetscCall(PetscStrcmp(name, names[k].name, &same));
    DiniTestTrue(same, "Reason %d is called %s, expected %s", (int)names[k].reason, name, names[k].name);
  }
  for (int k = 0; k < 4; k++) {
    PetscBool same;

    PetscCall(PetscStrcasecmp(DiniOperations[k], operations[k], &same));
    DiniTestTrue(same, "Operation %d is called %s, expected %s", k, DiniOperations[k], operations[k]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -log_view shows where the time goes: one event an operation, stage-free. */
static PetscErrorCode TestEvents(void)
{
  Cubic    c;
  Vec      ubar, mbar;
  PetscInt solve, linearize, adjoint, tangent;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(9, 0.0, &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERRHS));
  PetscCall(DiniTestVec(c.u, 7, &ubar));
  PetscCall(VecDuplicate(c.m, &mbar));
  PetscCall(DiniTestEvent("DiniSolve", &solve));
  PetscCall(DiniTestEvent("DiniLinearize", &linearize));
  PetscCall(DiniTestEvent("DiniAdjoint", &adjoint));
  PetscCall(DiniTestEvent("DiniTangent", &tangent));
  for (int k = 0; k < 2; k++) {
    PetscInt now;

    PetscCall(DiniSolve(c.dini, c.u));
    PetscCall(DiniVJP(c.dini, ubar, mbar));
    PetscCall(DiniTestEvent("DiniSolve", &now));
    DiniTestCount(now - solve, k + 1, "logged DiniSolve events");
    PetscCall(DiniTestEvent("DiniLinearize", &now));
    DiniTestCount(now - linearize, k + 1, "logged DiniLinearize events");
    PetscCall(DiniTestEvent("DiniAdjoint", &now));
    DiniTestTrue(now - adjoint >= k + 1, "No DiniAdjoint event was logged");
    PetscCall(DiniTestEvent("DiniTangent", &now));
    DiniTestCount(now - tangent, 0, "logged DiniTangent events");
  }
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscLogDefaultBegin());
  PetscCall(TestMonitor());
  PetscCall(TestAttachReason());
  PetscCall(TestNames());
  PetscCall(TestEvents());
  PetscCall(PetscFinalize());
  return 0;
}
