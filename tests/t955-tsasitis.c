static char help[] = "A TS as it is: lagged Jacobians and preconditioners, linear ones, loose solvers, steps that "
                     "adapt; what is refused, by name.\n";

#include "support/stepping.h"

/* With a problem that says so and one linear solve a step */
static PetscErrorCode Linear(Stepping *s)
{
  SNES snes;

  PetscFunctionBeginUser;
  s->q = 0.0;
  PetscCall(TSSetProblemType(s->ts, TS_LINEAR));
  PetscCall(TSGetSNES(s->ts, &snes));
  PetscCall(SNESSetType(snes, SNESKSPONLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* du along p, f and u_0, of differences of a TS with the options `base` */
static PetscErrorCode Expected(const char base[], SteppingForm form, SteppingMass mass, PetscBool linear, Vec *du)
{
  Stepping s;
  Vec      dm;

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(base));
  PetscCall(SteppingCreate(form, mass, &s));
  if (linear) s.q = 0.0;
  PetscCall(VecDuplicate(s.u, du));
  PetscCall(DiniCreateParameterVec(s.dini, &dm));
  PetscCall(DiniTestFill(dm, 6));
  PetscCall(SteppingDifferences(&s, dm, 1e-3, *du));
  PetscCall(VecDestroy(&dm));
  PetscCall(SteppingDestroy(&s));
  PetscCall(DiniTestOptionsClear(base));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same from a Dini of a TS with more options */
static PetscErrorCode TestRow(const char base[], const char more[], SteppingForm form, SteppingMass mass,
                              PetscBool linear)
{
  char     options[256];
  Stepping s;
  Vec      dm, du, expected;

  PetscFunctionBeginUser;
  PetscCall(Expected(base, form, mass, linear, &expected));
  PetscCall(PetscSNPrintf(options, sizeof(options), "%s %s", base, more));
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(SteppingCreate(form, mass, &s));
  if (linear) PetscCall(Linear(&s));
  PetscCall(VecDuplicate(s.u, &du));
  PetscCall(DiniCreateParameterVec(s.dini, &dm));
  PetscCall(DiniTestFill(dm, 6));
  for (int twice = 0; twice < 2; twice++) {
    PetscCall(DiniSolve(s.dini, s.u));
    PetscCall(DiniJVP(s.dini, dm, du));
    PetscCall(DiniTestVecsClose(du, expected, 1e-7, options));
    PetscCall(DiniTestDotProduct(s.dini, 1e-9));
  }
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&expected));
  PetscCall(SteppingDestroy(&s));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What TSAdjoint gets wrong without a word */
static PetscErrorCode TestRows(void)
{
  const char none[] = "-ts_adapt_type none", cn[] = "-ts_adapt_type none -ts_type cn",
             bdf[] = "-ts_adapt_type none -ts_type bdf";

  PetscFunctionBeginUser;
  PetscCall(TestRow(none, "-snes_lag_jacobian -2", STEPPING_IMPLICIT, STEPPING_ONE, PETSC_FALSE));
  PetscCall(TestRow(cn, "-snes_lag_jacobian -2", STEPPING_RHS, STEPPING_ONE, PETSC_FALSE));
  PetscCall(TestRow(none, "-snes_lag_jacobian -2 -snes_lag_jacobian_persists -ksp_rtol 1e-13", STEPPING_IMPLICIT,
                    STEPPING_DIAGONAL, PETSC_TRUE));
  PetscCall(TestRow(
      none, "-snes_lag_preconditioner -2 -snes_lag_preconditioner_persists -ksp_type preonly -pc_type redundant",
      STEPPING_IMPLICIT, STEPPING_ONE, PETSC_FALSE));
  PetscCall(TestRow(cn, "-ksp_rtol 1e-13", STEPPING_RHS, STEPPING_ONE, PETSC_TRUE));
  PetscCall(TestRow(bdf, "-ksp_rtol 1e-13", STEPPING_BOTH, STEPPING_DIAGONAL, PETSC_TRUE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A loose solver: right to 1e-6, or an error */
static PetscErrorCode TestLoose(void)
{
  const char     options[] = "-ts_adapt_type none -ts_type cn -ksp_rtol 1e-5";
  Stepping       s;
  Vec            dm, du, expected;
  PetscBool      right;
  PetscErrorCode failed;

  PetscFunctionBeginUser;
  PetscCall(Expected("-ts_adapt_type none -ts_type cn", STEPPING_RHS, STEPPING_ONE, PETSC_TRUE, &expected));
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(SteppingCreate(STEPPING_RHS, STEPPING_ONE, &s));
  PetscCall(Linear(&s));
  PetscCall(VecDuplicate(s.u, &du));
  PetscCall(DiniCreateParameterVec(s.dini, &dm));
  PetscCall(DiniTestFill(dm, 6));
  PetscCall(DiniTestCatch());
  failed = DiniSolve(s.dini, s.u);
  if (!failed) failed = DiniJVP(s.dini, dm, du);
  PetscCall(DiniTestRightOrError(failed, du, expected, 1e-6, "a loose solver", &right));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&expected));
  PetscCall(SteppingDestroy(&s));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Steps that adapt: those that were accepted, taken again by PETSc's own replay of a history of steps */
static PetscErrorCode TestAdaptive(const char type[])
{
  char      options[256];
  Stepping  s, fixed;
  Vec       dm, du, expected;
  PetscInt  n, kept       = 0;
  PetscReal t, times[100] = {0.0};
  TSAdapt   adapt;

  PetscFunctionBeginUser;
  PetscCall(
      PetscSNPrintf(options, sizeof(options), "-ts_type %s -ts_adapt_type basic -ts_rtol 1e-3 -ts_atol 1e-3", type));
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(SteppingCreate(STEPPING_IMPLICIT, STEPPING_STATE, &s));
  PetscCall(DiniTestOptionsClear(options));
  PetscCall(DiniSolve(s.dini, s.u));
  PetscCall(DiniGetChainLength(s.dini, &n));
  for (PetscInt k = 0; k <= n && kept < 100; k++) {
    PetscCall(DiniGetChainState(s.dini, k, &times[kept++], NULL));
  }
  t = (times[2] - times[1]) / (times[1] - times[0]);
  DiniTestTrue(PetscAbsReal(t - 1.0) > 1e-3, "the steps do not adapt: the second is %g times the first", (double)t);
  PetscCall(PetscSNPrintf(options, sizeof(options), "-ts_type %s -ts_adapt_type history", type));
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(SteppingCreate(STEPPING_IMPLICIT, STEPPING_STATE, &fixed));
  PetscCall(DiniTestOptionsClear(options));
  PetscCall(TSGetAdapt(fixed.ts, &adapt));
  PetscCall(TSAdaptHistorySetHistory(adapt, kept, times, PETSC_FALSE));
  fixed.dt = times[1] - times[0];
  PetscCall(VecDuplicate(s.u, &du));
  PetscCall(VecDuplicate(s.u, &expected));
  PetscCall(DiniCreateParameterVec(s.dini, &dm));
  PetscCall(DiniTestFill(dm, 6));
  PetscCall(SteppingDifferences(&fixed, dm, 1e-3, expected));
  PetscCall(DiniJVP(s.dini, dm, du));
  PetscCall(DiniTestVecsClose(du, expected, 1e-7, options));
  PetscCall(DiniTestDotProduct(s.dini, 1e-10));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&expected));
  PetscCall(SteppingDestroy(&s));
  PetscCall(SteppingDestroy(&fixed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- Refused, by name ---- */

static PetscErrorCode TestRefused(const char options[], const char words[])
{
  Stepping s;

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(SteppingCreate(STEPPING_IMPLICIT, STEPPING_ONE, &s));
  DiniTestExpect(DiniSolve(s.dini, s.u), PETSC_ERR_SUP, words);
  PetscCall(DiniTestForgiveLeaks());
  PetscCall(SteppingDestroy(&s));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A number that is no parameter changes between the solve and the derivative */
static PetscErrorCode TestHidden(void)
{
  Stepping s;
  Vec      dm, du;

  PetscFunctionBeginUser;
  PetscCall(SteppingCreate(STEPPING_IMPLICIT, STEPPING_ONE, &s));
  PetscCall(VecDuplicate(s.u, &du));
  PetscCall(DiniCreateParameterVec(s.dini, &dm));
  PetscCall(DiniTestFill(dm, 6));
  PetscCall(SteppingSolve(&s, s.u));
  PetscCall(DiniAttach(s.dini, s.u));
  s.hidden = 0.3;
  DiniTestExpect(DiniJVP(s.dini, dm, du), PETSC_ERR_NOT_CONVERGED, "is not solved by the state that follows it");
  s.hidden = 0.0;
  PetscCall(DiniSolve(s.dini, s.u));
  PetscCall(DiniJVP(s.dini, dm, du));
  PetscCall(VecScale(s.u, 1.001));
  DiniTestExpect(DiniAttach(s.dini, s.u), PETSC_ERR_NOT_CONVERGED, "is not a solution");
  DiniTestExpect(DiniSetChainTimes(s.dini, 3, NULL), PETSC_ERR_ORDER, "does not go with DiniSetTS()");
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(SteppingDestroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

#if PETSC_VERSION_LT(3, 21, 0)
typedef PetscScalar EventValue;
#else
typedef PetscReal EventValue;
#endif

/* At t = 0.35 an event adds to the state */
static PetscErrorCode Indicator(TS ts, PetscReal t, Vec u, EventValue value[], void *ctx)
{
  PetscFunctionBeginUser;
  (void)ts, (void)u, (void)ctx;
  value[0] = t - 0.35;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jump(TS ts, PetscInt n, PetscInt which[], PetscReal t, Vec u, PetscBool forward, void *ctx)
{
  PetscFunctionBeginUser;
  (void)ts, (void)n, (void)which, (void)t, (void)forward;
  PetscCall(VecShift(u, *(PetscReal *)ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestEvent(PetscReal jump)
{
  Stepping       s;
  Vec            dm, du;
  PetscInt       direction = 0;
  PetscBool      terminate = PETSC_FALSE;
  PetscErrorCode failed;

  PetscFunctionBeginUser;
  PetscCall(SteppingCreate(STEPPING_IMPLICIT, STEPPING_ONE, &s));
  PetscCall(VecDuplicate(s.u, &du));
  PetscCall(DiniCreateParameterVec(s.dini, &dm));
  PetscCall(DiniTestFill(dm, 6));
  PetscCall(TSSetEventHandler(s.ts, 1, &direction, &terminate, Indicator, Jump, &jump));
  PetscCall(DiniTestCatch());
  failed = DiniSolve(s.dini, s.u);
  if (!failed) failed = DiniJVP(s.dini, dm, du);
  PetscCall(DiniTestRelease());
  DiniTestTrue((jump == 0.0) == (failed == PETSC_SUCCESS), "an event that adds %g to the state: error %d", (double)jump,
               (int)failed);
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(SteppingDestroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Another Jacobian for the TS, after derivatives: half of what it should be, which is found out as it would be at first */
static PetscErrorCode Half(TS ts, PetscReal t, Vec u, Vec udot, PetscReal shift, Mat J, Mat P, void *ctx)
{
  PetscFunctionBeginUser;
  (void)ts, (void)t, (void)u, (void)udot, (void)P, (void)ctx;
  PetscCall(MatZeroEntries(J));
  PetscCall(MatShift(J, 0.5 * shift));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestRenewed(void)
{
  Stepping s;
  Vec      dm, du;
  SNES     snes, before;
  Dini     step;

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet("-ts_adapt_type none"));
  PetscCall(SteppingCreate(STEPPING_IMPLICIT, STEPPING_ONE, &s));
  PetscCall(DiniTestOptionsClear("-ts_adapt_type none"));
  PetscCall(VecDuplicate(s.u, &du));
  PetscCall(DiniCreateParameterVec(s.dini, &dm));
  PetscCall(DiniTestFill(dm, 6));
  PetscCall(DiniSolve(s.dini, s.u));
  PetscCall(DiniJVP(s.dini, dm, du));
  PetscCall(DiniGetChainStep(s.dini, &step));
  PetscCall(DiniGetSNES(step, &before));
  PetscCall(PetscObjectReference((PetscObject)before));
  PetscCall(TSSetIJacobian(s.ts, s.J, s.J, Half, &s));
  PetscCall(TSGetSNES(s.ts, &snes));
  PetscCall(SNESSetTolerances(snes, 1e-50, 1e-13, 1e-15, 5000, 50000)); /* Newton's method becomes a slow one */
  PetscCall(DiniSolve(s.dini, s.u));
  PetscCall(DiniGetChainStep(s.dini, &step));
  PetscCall(DiniGetSNES(step, &snes));
  DiniTestTrue(snes != before, "the step is that of the Jacobian before");
  DiniTestExpect(DiniJVP(s.dini, dm, du), PETSC_ERR_ARG_WRONG, "is not dF/dm");
  PetscCall(DiniTestForgiveLeaks());
  PetscCall(SNESDestroy(&before));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(SteppingDestroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestRows());
  PetscCall(TestLoose());
  PetscCall(TestAdaptive(TSBDF));
  PetscCall(TestAdaptive(TSTHETA));
  PetscCall(TestHidden());
  PetscCall(TestRenewed());
  PetscCall(TestEvent(0.0));
  PetscCall(TestEvent(0.1));
  PetscCall(TestRefused("-ts_type rosw", "A TS of type rosw is not differentiated"));
  PetscCall(TestRefused("-ts_type alpha", "A TS of type alpha is not differentiated"));
  PetscCall(TestRefused("-ts_adapt_type none -ts_max_time 0.75 -ts_exact_final_time interpolate", "interpolated"));
  PetscCall(PetscFinalize());
  return 0;
}
