#include "pumping.h"

static PetscErrorCode Open(const char directory[], const char name[], PetscViewer *file)
{
  char path[PETSC_MAX_PATH_LEN];

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(path, sizeof(path), "%s/%s", directory, name));
  PetscCall(PetscViewerASCIIOpen(PETSC_COMM_WORLD, path, file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The drawdown computed at a distance, with a standard deviation, for as long as data are there and a little longer */
static PetscErrorCode Curve(const char directory[], PetscReal r, const PetscScalar m[], const Fit *fit)
{
  PetscViewer file;
  char        name[64];

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(name, sizeof(name), "curve_%d.csv", (int)r));
  PetscCall(Open(directory, name, &file));
  PetscCall(PetscViewerASCIIPrintf(file, "t_d,drawdown_m,deviation_m\n"));
  for (PetscInt k = 0; k <= 6; k++) {
    const PetscReal t = 0.01 * PetscPowReal(34.0, (PetscReal)k / 6.0);
    Aquifer         app;
    PetscReal       s, g[PARAMETERS];

    PetscCall(AquiferCreate(m, t, &app));
    PetscCall(DiniSolve(app.dini, app.u));
    PetscCall(AquiferForecast(&app, r, &s, g));
    PetscCall(PetscViewerASCIIPrintf(file, "%.8g,%.8g,%.8g\n", (double)t, (double)s, (double)PumpingDeviation(fit, g)));
    PetscCall(AquiferDestroy(&app));
  }
  PetscCall(PetscViewerDestroy(&file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* 30 m from the well, up to 100 days of pumping */
static PetscErrorCode Forecast(const char directory[], const PetscScalar m[], const Fit *fit)
{
  PetscViewer file;

  PetscFunctionBeginUser;
  PetscCall(Open(directory, "forecast.csv", &file));
  PetscCall(PetscViewerASCIIPrintf(file, "t_d,drawdown_m,deviation_m\n"));
  for (PetscInt k = 0; k <= 8; k++) {
    const PetscReal t = 0.05 * PetscPowReal(2000.0, (PetscReal)k / 8.0);
    Aquifer         app;
    PetscReal       s, g[PARAMETERS];

    PetscCall(AquiferCreate(m, t, &app));
    PetscCall(DiniSolve(app.dini, app.u));
    PetscCall(AquiferForecast(&app, 30.0, &s, g));
    PetscCall(PetscViewerASCIIPrintf(file, "%.8g,%.8g,%.8g\n", (double)t, (double)s, (double)PumpingDeviation(fit, g)));
    PetscCall(AquiferDestroy(&app));
  }
  PetscCall(PetscViewerDestroy(&file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PumpingReport(const char directory[], const Wells *w, const PetscScalar m[], const Fit *fit)
{
  PetscViewer file;

  PetscFunctionBeginUser;
  PetscCall(Open(directory, "data.csv", &file));
  PetscCall(PetscViewerASCIIPrintf(file, "r_m,t_d,drawdown_m\n"));
  for (PetscInt i = 0; i < w->n; i++)
    PetscCall(PetscViewerASCIIPrintf(file, "%g,%g,%g\n", (double)w->r[i], (double)w->t[i], (double)w->s[i]));
  PetscCall(PetscViewerDestroy(&file));
  PetscCall(Open(directory, "posterior.csv", &file));
  PetscCall(PetscViewerASCIIPrintf(file, "parameter,log,deviation\n"));
  for (int i = 0; i < PARAMETERS; i++)
    PetscCall(PetscViewerASCIIPrintf(file, "%s,%.8g,%.8g\n", PumpingNames[i], (double)PetscRealPart(m[i]),
                                     (double)PetscSqrtReal(fit->covariance[(PARAMETERS + 1) * (size_t)i])));
  PetscCall(PetscViewerDestroy(&file));
  for (int i = 1; i <= 4; i++) PetscCall(Curve(directory, 30.0 * (PetscReal)i, m, fit));
  PetscCall(Forecast(directory, m, fit));
  PetscFunctionReturn(PETSC_SUCCESS);
}
