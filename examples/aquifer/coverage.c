/* Cross-validation of the posterior: how often a head at a well held out lies in the interval predicted for it.

   With L = B du/dxi at those wells, a head measured there has the variance (L C L^T)_ii + head_error^2 about the model's,
   where C is the posterior's covariance without them, at the weight matched without them. */
#include "posterior.h"

static const PetscReal levels[COVERAGE_LEVELS]  = {0.50, 0.68, 0.90, 0.95};
static const PetscReal normals[COVERAGE_LEVELS] = {0.674490, 0.994458, 1.644854, 1.959964}; /* half widths, per sigma */

/* Errors over standard deviations, at this rank's wells held out */
static PetscErrorCode Count(Inversion *inv, const Wells *wells, Vec variance, PetscReal sums[])
{
  const Observation *ob    = &inv->observation;
  const PetscReal    error = inv->options->head_error;
  const PetscScalar *v, *r;
  PetscInt           next = 0;

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(variance, &v));
  PetscCall(VecGetArrayRead(ob->residual, &r));
  for (PetscInt k = 0; k < ob->n; k++) {
    PetscReal miss, sigma;

    if (wells->well[ob->id[k]].used) continue;
    miss  = PetscAbsScalar(r[k]);
    sigma = PetscSqrtReal(PetscRealPart(v[next++]) + error * error);
    for (PetscInt l = 0; l < COVERAGE_LEVELS; l++) {
      sums[l] += miss <= normals[l] * sigma;
      sums[COVERAGE_LEVELS + l] += miss <= normals[l] * error;
    }
    sums[COVERAGE_RELATIVE] += PetscSqr(miss / sigma);
    sums[COVERAGE_SIGMA] += sigma;
    sums[COVERAGE_ERROR] += miss * miss;
  }
  PetscCall(VecRestoreArrayRead(ob->residual, &r));
  PetscCall(VecRestoreArrayRead(variance, &v));
  PetscFunctionReturn(0);
}

/* Adds the wells that are held out of inv */
PetscErrorCode CoverageAdd(Inversion *inv, const Wells *wells, Coverage *c)
{
  DiniPosterior post;
  Prediction    prediction;
  Vec           variance;
  PetscReal     sums[COVERAGE_SUMS] = {0};

  PetscFunctionBeginUser;
  PetscCall(PosteriorCreate(inv, &post));
  PetscCall(PredictionCreate(inv, wells, PETSC_FALSE, &prediction));
  PetscCall(MatCreateVecs(prediction.L, NULL, &variance));
  PetscCall(DiniPosteriorGetVariance(post, prediction.L, NULL, variance));
  PetscCall(Count(inv, wells, variance, sums));
  PetscCallMPI(
      MPI_Allreduce(MPI_IN_PLACE, sums, COVERAGE_SUMS, MPIU_REAL, MPI_SUM, PetscObjectComm((PetscObject)post)));
  for (PetscInt k = 0; k < COVERAGE_SUMS; k++) c->sums[k] += sums[k];
  for (PetscInt i = 0; i < wells->n; i++) c->n += !wells->well[i].used;
  PetscCall(VecDestroy(&variance));
  PetscCall(PredictionDestroy(&prediction));
  PetscCall(DiniPosteriorDestroy(&post));
  PetscFunctionReturn(0);
}

/* At the end: shares of wells inside the intervals, and inside those of the head error alone */
PetscErrorCode CoverageReport(MPI_Comm comm, const Coverage *c)
{
  const PetscReal *s = c->sums;
  const PetscReal  n = (PetscReal)PetscMax(c->n, 1);

  PetscFunctionBeginUser;
  PetscCall(
      PetscPrintf(comm, "\nIntervals predicted for the heads of wells held out, and how many hold the measured one\n"));
  PetscCall(PetscPrintf(comm, "%8s %12s %22s\n", "nominal", "posterior", "head error only"));
  for (PetscInt l = 0; l < COVERAGE_LEVELS; l++)
    PetscCall(PetscPrintf(comm, "%6.0f %% %10.1f %% %20.1f %%\n", (double)(100 * levels[l]), (double)(100 * s[l] / n),
                          (double)(100 * s[COVERAGE_LEVELS + l] / n)));
  PetscCall(PetscPrintf(comm,
                        "standard deviation predicted %.1f m on average; RMS error %.1f m, %.2f of the prediction\n",
                        (double)(s[COVERAGE_SIGMA] / n), (double)PetscSqrtReal(s[COVERAGE_ERROR] / n),
                        (double)PetscSqrtReal(s[COVERAGE_RELATIVE] / n)));
  PetscFunctionReturn(0);
}
