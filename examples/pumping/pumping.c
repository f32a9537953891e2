static char help[] = "A pumping test: what conductivity, storage and leakage an aquifer has, from what four "
                     "piezometers have seen in 8 hours.\n"
                     "  S ds/dt = (1/r) d/dr (r T ds/dr) - s / c in 300 cells that grow with r, by BDF2 in steps that "
                     "grow with t; ln k, ln Ss and\n"
                     "  ln c by Tao with gradients and Hessian products of the whole run, their covariance from the "
                     "Hessian, and a forecast.\n"
                     "  Options: -pumping_data <directory>, -pumping_output <directory> for files that plot.gp draws, "
                     "-pumping_checks_only\n"
                     "  Try:  ./pumping -pumping_output . -tao_monitor && gnuplot plot.gp\n\n";

#include "pumping.h"

/* Hantush's fit, other analysts' are within 2 % of it: k in m/d, Ss in 1/m, c in d */
static const PetscReal hantush[PARAMETERS] = {45.332, 4.762e-5, 331.14};

static PetscErrorCode Must(PetscBool holds, const char what[])
{
  PetscFunctionBeginUser;
  PetscCheck(holds, PETSC_COMM_WORLD, PETSC_ERR_PLIB, "%s: failed", what);
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "  %s: passed\n", what));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The scheme against Hantush's solution, and its derivative against differences of runs, 30 and 120 m from the well at the end */
static PetscErrorCode Check(void)
{
  PetscScalar     m[PARAMETERS];
  Aquifer         app;
  PetscReal       worst = 0.0, apart = 0.0, error = 0.0, s[2], g[PARAMETERS], other[PARAMETERS];
  const PetscReal h = 1e-4;
  DiniStatistics  told;

  PetscFunctionBeginUser;
  for (int i = 0; i < PARAMETERS; i++) m[i] = PetscLogReal(hantush[i]);
  for (int k = 0; k < 4; k++) {
    const PetscReal r = k % 2 ? 120.0 : 30.0, t = k / 2 ? 0.333 : 0.02;
    PetscReal       exact;

    PetscCall(AquiferCreate(m, t, &app));
    PetscCall(DiniSolve(app.dini, app.u));
    PetscCall(AquiferForecast(&app, r, &s[0], g));
    PetscCall(DiniGetStatistics(app.dini, &told));
    error = PetscMax(error, told.gradient_error);
    exact = HantushDrawdown(&app, r, t);
    worst = PetscMax(worst, PetscAbsReal(s[0] - exact) / exact);
    PetscCall(PetscPrintf(PETSC_COMM_WORLD, "  %3g m, %5g d: drawdown %.6f m, Hantush %.6f m\n", (double)r, (double)t,
                          (double)s[0], (double)exact));
    for (int i = 0; i < PARAMETERS; i++) {
      for (int side = 0; side < 2; side++) {
        app.m[i] = m[i] + (side ? h : -h);
        PetscCall(DiniSolve(app.dini, app.u));
        PetscCall(AquiferForecast(&app, r, &s[side], other));
      }
      app.m[i] = m[i];
      apart    = PetscMax(apart, PetscAbsReal(g[i] - (s[1] - s[0]) / (2.0 * h)));
    }
    PetscCall(AquiferDestroy(&app));
  }
  PetscCall(PetscPrintf(PETSC_COMM_WORLD,
                        "  off Hantush by %.1e of the drawdown; the gradient is %.1e m off differences\n",
                        (double)worst, (double)apart));
  PetscCall(Must((PetscBool)(worst < 2e-3), "the scheme against Hantush's solution"));
  PetscCall(Must((PetscBool)(apart < 1e-6), "the gradient against differences"));
  PetscCall(
      Must((PetscBool)(error < 0.1), "the error that is told, though drawdowns of 1e-160 m are among the states"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

#if !defined(PETSC_USE_COMPLEX) /* no Tao methods */
static PetscErrorCode Estimate(const Wells *w, PetscScalar m[], Fit *fit)
{
  PetscReal off = 0.0;

  PetscFunctionBeginUser;
  m[0] = PetscLogReal(20.0);
  m[1] = PetscLogReal(1e-4);
  m[2] = PetscLogReal(1000.0);
  PetscCall(PumpingFit(w, PETSC_INFINITY, m, fit));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "  %" PetscInt_FMT " data, misfit %.5f m (root of the mean square)\n",
                        fit->used, (double)fit->rmse));
  for (int i = 0; i < PARAMETERS; i++) {
    const PetscReal value = PetscExpReal(PetscRealPart(m[i]));

    off = PetscMax(off, PetscAbsReal(value / hantush[i] - 1.0));
    PetscCall(
        PetscPrintf(PETSC_COMM_WORLD, "  %-7s %11.5g, standard deviation %4.1f %%; by Hantush's solution %11.5g\n",
                    PumpingNames[i] + 4, (double)value,
                    100.0 * (double)PetscSqrtReal(fit->covariance[(PARAMETERS + 1) * (size_t)i]), (double)hantush[i]));
  }
  PetscCall(Must((PetscBool)(off < 0.01), "k, Ss and c within 1 % of those of Hantush's solution"));
  PetscCall(Must((PetscBool)(PetscAbsReal(fit->rmse - 0.005917) < 1e-4), "the misfit"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The last hours are held out: are they where a fit to the first ones puts them? */
static PetscErrorCode HoldOut(const Wells *w, const PetscScalar guess[])
{
  const PetscReal until = 0.15;
  PetscScalar     m[PARAMETERS];
  Fit             fit;
  Aquifer         app;
  PetscInt        inside = 0, held = 0;

  PetscFunctionBeginUser;
  for (int i = 0; i < PARAMETERS; i++) m[i] = guess[i];
  PetscCall(PumpingFit(w, until, m, &fit));
  for (PetscInt i = 0; i < w->n; i++) {
    PetscReal s, g[PARAMETERS], deviation;

    if (w->t[i] <= until) continue;
    PetscCall(AquiferCreate(m, w->t[i], &app));
    PetscCall(DiniSolve(app.dini, app.u));
    PetscCall(AquiferForecast(&app, w->r[i], &s, g));
    PetscCall(AquiferDestroy(&app));
    deviation = PetscSqrtReal(PetscSqr(PumpingDeviation(&fit, g)) + PetscSqr(fit.sigma));
    inside += PetscAbsReal(s - w->s[i]) < 2.0 * deviation;
    held++;
  }
  PetscCall(PetscPrintf(PETSC_COMM_WORLD,
                        "  fitted to %" PetscInt_FMT " data up to %g d; of the %" PetscInt_FMT
                        " after that %" PetscInt_FMT " lie within two standard deviations\n",
                        fit.used, (double)until, held, inside));
  PetscCall(Must((PetscBool)(10 * inside >= 8 * held && held > 5), "the band against data held out"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Run(void)
{
  char        data[PETSC_MAX_PATH_LEN] = PUMPING_DATA, output[PETSC_MAX_PATH_LEN] = "";
  PetscScalar m[PARAMETERS];
  Wells       w;
  Fit         fit;
  Aquifer     app;
  PetscReal   s, g[PARAMETERS];
  PetscBool   write;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsGetString(NULL, NULL, "-pumping_data", data, sizeof(data), NULL));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-pumping_output", output, sizeof(output), &write));
  PetscCall(WellsRead(data, &w));
  PetscCall(Estimate(&w, m, &fit));
  PetscCall(HoldOut(&w, m));
  PetscCall(AquiferCreate(m, 100.0, &app));
  PetscCall(DiniSolve(app.dini, app.u));
  PetscCall(AquiferForecast(&app, 30.0, &s, g));
  PetscCall(AquiferDestroy(&app));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD,
                        "  after 100 days, 30 m from the well: drawdown %.4f m, standard deviation %.4f m\n", (double)s,
                        (double)PumpingDeviation(&fit, g)));
  if (write) PetscCall(PumpingReport(output, &w, m, &fit));
  PetscCall(WellsDestroy(&w));
  PetscFunctionReturn(PETSC_SUCCESS);
}
#endif

int main(int argc, char **argv)
{
  PetscBool only = PETSC_FALSE;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscOptionsGetBool(NULL, NULL, "-pumping_checks_only", &only, NULL));
  PetscCall(Check());
#if defined(PETSC_USE_COMPLEX)
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "  complex scalars have no Tao methods: the fit is left out\n"));
#else
  if (!only) PetscCall(Run());
#endif
  PetscCall(PetscFinalize());
  return 0;
}
