#include "pumping.h"

static PetscErrorCode Open(const char directory[], const char name[], PetscViewer *file)
{
  char path[PETSC_MAX_PATH_LEN];

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(path, sizeof(path), "%s/%s", directory, name));
  PetscCall(PetscViewerASCIIOpen(PETSC_COMM_WORLD, path, file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The drawdown at a distance, with its standard deviation, at n + 1 times from the first to the last */
static PetscErrorCode Curve(const char directory[], const char name[], PetscReal r, PetscInt n, PetscReal first,
                            PetscReal last, const PetscScalar m[], const Fit *fit)
{
  PetscViewer file;

  PetscFunctionBeginUser;
  PetscCall(Open(directory, name, &file));
  PetscCall(PetscViewerASCIIPrintf(file, "t_d,drawdown_m,deviation_m\n"));
  for (PetscInt k = 0; k <= n; k++) {
    const PetscReal t = first * PetscPowReal(last / first, (PetscReal)k / (PetscReal)n);
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
  for (int i = 1; i <= 4; i++) {
    char name[64];

    PetscCall(PetscSNPrintf(name, sizeof(name), "curve_%d.csv", 30 * i));
    PetscCall(Curve(directory, name, 30.0 * (PetscReal)i, 6, 0.01, 0.34, m, fit));
  }
  PetscCall(Curve(directory, "forecast.csv", 30.0, 8, 0.05, 100.0, m, fit));
  PetscFunctionReturn(PETSC_SUCCESS);
}
