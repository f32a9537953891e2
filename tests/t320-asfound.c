static char help[] = "The SNES is left as found: with derivatives in between it solves as if there were no Dini.\n";

#include "support/fixtures.h"

#define SOLVES 3

/* What a user can see of a sequence of solves. */
typedef struct {
  PetscInt            its[SOLVES], linear[SOLVES], jacobians[SOLVES];
  SNESConvergedReason reason[SOLVES];
  Vec                 u[SOLVES];
} Record;

/* What a user has set, or finds set. */
typedef struct {
  PetscInt  lagj, lagp, maxit, maxf, kspmaxit;
  PetscBool lagjp, lagpp, reuse, guess, ew;
  PetscReal atol, rtol, stol, krtol, katol, kdtol;
  KSPType   ksptype;
  PCType    pctype;
  Mat       J, P, A, B;
} Settings;

static PetscErrorCode SettingsGet(SNES snes, Settings *s)
{
  KSP ksp;
  PC  pc;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(s, sizeof(*s)));
  PetscCall(SNESGetKSP(snes, &ksp));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(SNESGetLagJacobian(snes, &s->lagj));
  PetscCall(SNESGetLagPreconditioner(snes, &s->lagp));
  PetscCall(SNESGetTolerances(snes, &s->atol, &s->rtol, &s->stol, &s->maxit, &s->maxf));
  PetscCall(SNESKSPGetUseEW(snes, &s->ew));
  PetscCall(KSPGetTolerances(ksp, &s->krtol, &s->katol, &s->kdtol, &s->kspmaxit));
  PetscCall(KSPGetInitialGuessNonzero(ksp, &s->guess));
  PetscCall(PCGetReusePreconditioner(pc, &s->reuse));
  PetscCall(KSPGetType(ksp, &s->ksptype));
  PetscCall(PCGetType(pc, &s->pctype));
  PetscCall(SNESGetJacobian(snes, &s->J, &s->P, NULL, NULL));
  PetscCall(PCGetOperators(pc, &s->A, &s->B));
  PetscFunctionReturn(PETSC_SUCCESS);
}

#define Same(a, b, field, options) DiniTestTrue(a.field == b.field, "%s: derivatives have changed " #field, options)

static PetscErrorCode SettingsCompare(const char options[], Settings a, Settings b)
{
  PetscBool same;

  PetscFunctionBeginUser;
  Same(a, b, lagj, options);
  Same(a, b, lagp, options);
  Same(a, b, maxit, options);
  Same(a, b, maxf, options);
  Same(a, b, kspmaxit, options);
  Same(a, b, reuse, options);
  Same(a, b, guess, options);
  Same(a, b, ew, options);
  Same(a, b, atol, options);
  Same(a, b, rtol, options);
  Same(a, b, stol, options);
  Same(a, b, krtol, options);
  Same(a, b, katol, options);
  Same(a, b, kdtol, options);
  Same(a, b, J, options);
  Same(a, b, P, options);
  Same(a, b, A, options);
  Same(a, b, B, options);
  PetscCall(PetscStrcmp(a.ksptype, b.ksptype, &same));
  DiniTestTrue(same, "%s: derivatives have changed the KSP type to %s", options, b.ksptype);
  PetscCall(PetscStrcmp(a.pctype, b.pctype, &same));
  DiniTestTrue(same, "%s: derivatives have changed the PC type to %s", options, b.pctype);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Derive(Transport *t, const char options[])
{
  Settings  before, after;
  Vec       ubar, mbar, mbar_ref, du, u;
  PetscInt  its[2], linear[2];
  PetscReal norm[2];

  PetscFunctionBeginUser;
  PetscCall(DiniTestVec(t->u, 3, &ubar));
  PetscCall(VecDuplicate(t->m, &mbar));
  PetscCall(VecDuplicate(t->m, &mbar_ref));
  PetscCall(VecDuplicate(t->u, &du));
  PetscCall(VecDuplicate(t->u, &u));
  PetscCall(VecCopy(t->u, u));
  PetscCall(SettingsGet(t->snes, &before));
  PetscCall(SNESGetIterationNumber(t->snes, &its[0]));
  PetscCall(SNESGetLinearSolveIterations(t->snes, &linear[0]));
  PetscCall(SNESGetFunctionNorm(t->snes, &norm[0]));
  PetscCall(DiniVJP(t->dini, ubar, mbar));
  PetscCall(DiniJVP(t->dini, ubar, du));
  PetscCall(SettingsGet(t->snes, &after));
  PetscCall(SettingsCompare(options, before, after));
  PetscCall(SNESGetIterationNumber(t->snes, &its[1]));
  PetscCall(SNESGetLinearSolveIterations(t->snes, &linear[1]));
  PetscCall(SNESGetFunctionNorm(t->snes, &norm[1]));
  DiniTestCount(its[1], its[0], "Newton iterations that the SNES reports");
  DiniTestCount(linear[1], linear[0], "linear iterations that the SNES reports");
  DiniTestClose(norm[1], norm[0], 0.0, 0.0, "residual norm that the SNES reports");
  PetscCall(DiniTestVecsClose(t->u, u, 0.0, "state after derivatives"));
  /* whatever the lags, J is that of the solution */
  PetscCall(TransportReferenceVJP(t, ubar, mbar_ref));
  PetscCall(DiniTestVecsClose(mbar, mbar_ref, 1e-8, options));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&mbar_ref));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A loose tolerance, so that any change of the path shows in the solution. */
static PetscErrorCode Run(const char options[], PetscBool derive, Record *r)
{
  Transport t;

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(TransportCreate(8, 7, &t));
  PetscCall(SNESSetTolerances(t.snes, 0.0, 1e-4, 0.0, 500, 10000));
  if (derive) PetscCall(TransportDini(&t, DINIPARAMETERMATRIX));
  for (PetscInt k = 0; k < SOLVES; k++) {
    PetscInt before = t.jacobians;

    PetscCall(VecShift(t.m, 0.2));
    if (derive) PetscCall(DiniSolve(t.dini, t.u));
    else PetscCall(SNESSolve(t.snes, NULL, t.u));
    PetscCall(SNESGetIterationNumber(t.snes, &r->its[k]));
    PetscCall(SNESGetLinearSolveIterations(t.snes, &r->linear[k]));
    PetscCall(SNESGetConvergedReason(t.snes, &r->reason[k]));
    DiniTestTrue(r->reason[k] > 0, "\"%s\" does not converge (%d), with Dini or without", options, (int)r->reason[k]);
    r->jacobians[k] = t.jacobians - before;
    PetscCall(VecDuplicate(t.u, &r->u[k]));
    PetscCall(VecCopy(t.u, r->u[k]));
    if (derive) PetscCall(Derive(&t, options));
  }
  PetscCall(TransportDestroy(&t));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestAsFound(const char options[])
{
  Record with, without;

  PetscFunctionBeginUser;
  PetscCall(Run(options, PETSC_FALSE, &without));
  PetscCall(Run(options, PETSC_TRUE, &with));
  for (PetscInt k = 0; k < SOLVES; k++) {
    PetscReal distance;

    DiniTestTrue(with.its[k] == without.its[k] && with.linear[k] == without.linear[k] &&
                     with.jacobians[k] == without.jacobians[k] && with.reason[k] == without.reason[k],
                 "Solve %d with \"%s\": %d Newton and %d linear iterations, %d Jacobians, reason %d; without Dini %d, "
                 "%d, %d, %d",
                 (int)k, options, (int)with.its[k], (int)with.linear[k], (int)with.jacobians[k], (int)with.reason[k],
                 (int)without.its[k], (int)without.linear[k], (int)without.jacobians[k], (int)without.reason[k]);
    PetscCall(DiniTestDistance(with.u[k], without.u[k], &distance));
    DiniTestTrue(distance <= 1e-11, "Solve %d with \"%s\": the solution is off by %g", (int)k, options,
                 (double)distance);
    PetscCall(VecDestroy(&with.u[k]));
    PetscCall(VecDestroy(&without.u[k]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A SNES that starts at the solution converges before its KSP is ever set up. */
static PetscErrorCode TestZeroIterations(void)
{
  PetscFunctionBeginUser;
  for (int k = 0; k < 2; k++) { /* solved or attached */
    Cubic    c;
    Vec      ubar, mbar, expected;
    PetscInt its;

    PetscCall(CubicCreate(9, 0.0, &c));
    PetscCall(SNESSetTolerances(c.snes, 1e-10, 1e-10, 0.0, 50, 1000));
    PetscCall(VecSet(c.u, 1.0));
    PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERRHS));
    if (k) PetscCall(DiniAttach(c.dini, c.u));
    else PetscCall(DiniSolve(c.dini, c.u));
    PetscCall(SNESGetIterationNumber(c.snes, &its));
    DiniTestCount(its, 0, "Newton iterations from the solution");
    PetscCall(DiniTestVec(c.u, 5, &ubar));
    PetscCall(DiniTestVec(c.u, 5, &expected));
    PetscCall(VecDuplicate(c.m, &mbar));
    PetscCall(DiniVJP(c.dini, ubar, mbar));
    PetscCall(VecScale(expected, 0.25));
    PetscCall(DiniTestVecsClose(mbar, expected, 1e-9, "VJP after no iteration"));
    /* and the forward solve still works */
    PetscCall(VecSet(c.m, 10.0));
    PetscCall(DiniSolve(c.dini, c.u));
    PetscCall(DiniVJP(c.dini, ubar, mbar));
    PetscCall(VecScale(expected, 4.0 / 13.0));
    PetscCall(DiniTestVecsClose(mbar, expected, 1e-9, "VJP after some iterations"));
    PetscCall(VecDestroy(&ubar));
    PetscCall(VecDestroy(&mbar));
    PetscCall(VecDestroy(&expected));
    PetscCall(CubicDestroy(&c));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  const char *const options[] = {
      "",
      "-snes_lag_jacobian 2",
      "-snes_lag_preconditioner 3",
      "-snes_lag_jacobian 2 -snes_lag_jacobian_persists true",
      "-snes_lag_preconditioner 3 -snes_lag_preconditioner_persists true",
      "-snes_lag_preconditioner 2 -snes_lag_preconditioner_persists -snes_lag_jacobian 3 -snes_lag_jacobian_persists",
      "-snes_lag_jacobian -2",
      "-snes_lag_preconditioner -2",
      "-snes_ksp_ew",
      "-ksp_type preonly -pc_type redundant",
      "-ksp_type preonly -pc_type redundant -snes_lag_jacobian 2",
      "-ksp_type bcgs -pc_type asm",
      "-ksp_initial_guess_nonzero -ksp_rtol 1e-2",
  };

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (size_t k = 0; k < sizeof(options) / sizeof(*options); k++) PetscCall(TestAsFound(options[k]));
  PetscCall(TestZeroIterations());
  PetscCall(PetscFinalize());
  return 0;
}
