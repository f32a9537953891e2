/* A pumping test in a leaky aquifer: a well, what it does to the heads around it, and what four piezometers have seen. */
#pragma once
#include <dini.h>
#include <petscdmda.h>
#include <petscts.h>
#if PETSC_VERSION_LT(3, 19, 0) && !defined(PETSC_SUCCESS)
  #define PETSC_SUCCESS 0
#endif

enum { PARAMETERS = 3 };

/*
  Drawdown s(r, t) in metres, distances in metres, times in days:  S ds/dt = (1/r) d/dr (r T ds/dr) - s / c, with T = k d,
  S = Ss d and 2 pi r T ds/dr = -Q at the well. Unknown are the logarithms of k (m/d), Ss (1/m) and c (d).
*/
typedef struct {
  PetscScalar m[PARAMETERS]; /* ln k, ln Ss, ln c */
  PetscReal   thickness, rate, radius, far;
  DM          da; /* cells of equal size in ln r */
  PetscReal   dx; /* that size */
  PetscReal  *at; /* times of the steps, */
  PetscInt    n;  /* and their number */
  Vec         zero, u;
  Mat         J;
  TS          ts;
  Dini        dini;
} Aquifer;

extern const char *const PumpingNames[PARAMETERS];

/* pumping_aquifer.c: the aquifer to time `end`, with steps that grow by 7 %; m as they are */
extern PetscErrorCode AquiferCreate(const PetscScalar m[], PetscReal end, Aquifer *);
extern PetscErrorCode AquiferDestroy(Aquifer *);
/* The row that takes the drawdown at r out of a state, straight in ln r between two cells */
extern PetscErrorCode AquiferPiezometer(const Aquifer *, PetscReal r, Mat *H);
/* The drawdown at r when the aquifer has been solved to its end, and its derivative by m, on all ranks */
extern PetscErrorCode AquiferForecast(Aquifer *, PetscReal r, PetscReal *s, PetscReal gradient[]);
/* Three numbers of a flat parameter vector, on all ranks */
extern PetscErrorCode PumpingEntries(Vec v, PetscReal entries[]);

/* pumping_hantush.c: Hantush's solution for a well without a radius (Trans. AGU 36, 1955) */
extern PetscReal HantushDrawdown(const Aquifer *, PetscReal r, PetscReal t);

/* pumping_wells.c: what the piezometers have seen */
typedef struct {
  PetscInt   n;
  PetscReal *r, *t, *s; /* distance, time, drawdown */
} Wells;
extern PetscErrorCode WellsRead(const char directory[], Wells *);
extern PetscErrorCode WellsDestroy(Wells *);

/* pumping_fit.c: m from the data up to a time; covariance[3 i + j], and the standard deviation of a measurement */
typedef struct {
  PetscReal covariance[PARAMETERS * PARAMETERS], sigma, rmse;
  PetscInt  used;
} Fit;
extern PetscErrorCode PumpingFit(const Wells *, PetscReal until, PetscScalar m[], Fit *);
/* sqrt(g^T C g) */
extern PetscReal PumpingDeviation(const Fit *, const PetscReal g[]);

/* pumping_report.c: files for plot.gp */
extern PetscErrorCode PumpingReport(const char directory[], const Wells *, const PetscScalar m[], const Fit *);
