/* DiniPosterior on linear relations with Gaussian priors: eigenvalues, covariance, variances, gain in information, samples */
#include "gauss.h"
#include <dinislepc.h>
#include <stdio.h>

#define GAUSS_HESSIAN 1e-5 /* what products with the Hessian are good to */

typedef struct {
  DiniPosterior       post;
  DiniPosteriorMethod method;
  PetscInt            most, n;
  PetscReal           threshold, rtol, cut, left; /* left: the part of the prior's covariance that may be wrong */
  const PetscReal    *lambda;
} Estimate;

static PetscScalar EntryG(PetscInt i, PetscInt j, const void *ctx)
{
  return ((const Gauss *)ctx)->G[i][j];
}

static PetscErrorCode FuzzEstimate(Gauss *g, Estimate *e)
{
  Random   *random = &g->app->random;
  PetscReal value;
  Vec       m;

  PetscFunctionBeginUser;
  e->method    = (DiniPosteriorMethod)RandomInt(random, 2);
  e->most      = RandomChance(random, 0.15) ? 1 + RandomInt(random, g->N) : PETSC_DECIDE;
  e->threshold = RandomInt(random, 2) ? 0.01 : RandomPower(random, -6.0, -1.0);
  e->rtol      = RandomInt(random, 2) ? 1e-4 : 1e-5;
  FuzzSay(g->app, "  method %s, most %d, threshold %g, tolerance %g\n", DiniPosteriorMethods[e->method], (int)e->most,
          (double)e->threshold, (double)e->rtol);
  PetscCall(DiniCreateParameterVec(g->dini, &m));
  PetscCall(DiniGetParameters(g->dini, m));
  PetscCall(DiniComputeObjective(g->dini, m, &value));
  PetscCall(VecDestroy(&m));
  PetscCall(DiniPosteriorCreate(g->dini, &e->post));
  PetscCall(DiniPosteriorSetPrior(e->post, g->prior == PRIOR_PLAIN ? NULL : g->matR, g->inside));
  if (g->prior == PRIOR_ROOT) PetscCall(DiniPosteriorSetPriorRoot(e->post, g->matS));
  PetscCall(DiniPosteriorSetScale(e->post, g->s));
  PetscCall(DiniPosteriorSetMethod(e->post, e->method));
  PetscCall(DiniPosteriorSetDimension(e->post, e->most, e->threshold));
  PetscCall(DiniPosteriorSetTolerance(e->post, e->rtol, 100));
  PetscCall(DiniPosteriorSetFromOptions(e->post));
  PetscCall(DiniPosteriorSolve(e->post));
  PetscCall(DiniPosteriorGetEigenvalues(e->post, &e->n, &e->lambda, &e->cut));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All above the threshold, or as many as may be, each within its tolerance; and what is left out is told */
static void CheckEigenvalues(Gauss *g, Estimate *e)
{
  const PetscReal slack = 2.0 * e->rtol + GAUSS_HESSIAN;
  PetscReal       worst = 0.0;
  PetscInt        least = 0, most = 0;
  char            why[160];

  for (PetscInt j = 0; j < g->N; j++) {
    if (g->lambda[j] >= e->threshold + slack * PetscMax(1.0, g->lambda[j])) least++;
    if (g->lambda[j] >= e->threshold - slack * PetscMax(1.0, g->lambda[j])) most++;
  }
  if (e->most > 0) least = PetscMin(least, e->most), most = PetscMin(most, e->most);
  if (e->n < least || e->n > most) {
    (void)snprintf(why, sizeof(why), "%d eigenvalues, right are %d to %d", (int)e->n, (int)least, (int)most);
    FuzzFail(g->app, WRONG, "DiniPosteriorGetEigenvalues", why);
    return;
  }
  for (PetscInt j = 0; j < e->n; j++)
    worst = PetscMax(worst, PetscAbsReal(e->lambda[j] - g->lambda[j]) / PetscMax(1.0, g->lambda[j]));
  ModeCompare(g->app, "eigenvalues", worst, slack);
  /* of the prior's covariance, in the direction that is worst */
  e->left = e->n < g->N ? g->lambda[e->n] / (1.0 + g->lambda[e->n]) : 0.0;
  e->left += 4.0 * e->rtol * PetscSqrtReal((PetscReal)e->n) + GAUSS_HESSIAN;
  if (e->n < g->N) {
    const PetscReal leave =
        PetscMax(0.0, g->lambda[e->n] - PetscMax(e->threshold, slack * PetscMax(1.0, g->lambda[e->n])));

    ModeCompare(g->app, "what is left out", e->cut >= leave ? 0.0 : (leave - e->cut) / leave, 0.05);
  }
}

/* y = C x for a random x, entry by entry of what the prior says of it */
static PetscErrorCode CheckCovariance(Gauss *g, Estimate *e)
{
  PetscScalar x[GAUSS_N], y[GAUSS_N];
  PetscReal   size = 0.0, worst = 0.0;
  Vec         vx, vy;

  PetscFunctionBeginUser;
  PetscCall(DiniCreateParameterVec(g->dini, &vx));
  PetscCall(VecDuplicate(vx, &vy));
  for (PetscInt k = 0; k < g->N; k++) x[k] = RandomScalar(&g->app->random, PETSC_TRUE);
  PetscCall(ModeWrite(g->app, x, vx));
  if (FuzzTry(g->app, "DiniPosteriorApplyCovariance", DiniPosteriorApplyCovariance(e->post, vx, vy)) == RIGHT) {
    PetscCall(AppGather(g->app, vy, y));
    for (PetscInt i = 0; i < g->N; i++)
      for (PetscInt j = 0; j < g->N; j++) size += PetscRealPart(PetscConj(x[i]) * g->inverse[i][j] * x[j]);
    for (PetscInt i = 0; i < g->N; i++) {
      for (PetscInt j = 0; j < g->N; j++) y[i] -= g->C[i][j] * x[j];
      worst = PetscMax(worst, PetscAbsScalar(y[i]) / PetscSqrtReal(size * PetscRealPart(g->inverse[i][i])));
    }
    ModeCompare(g->app, "covariance", worst, e->left);
  }
  PetscCall(VecDestroy(&vx));
  PetscCall(VecDestroy(&vy));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of the parameters, or of the states that they predict */
static PetscErrorCode CheckVariance(Gauss *g, Estimate *e, PetscBool predict)
{
  const PetscInt rows = predict ? g->U : g->N;
  PetscScalar    found[GAUSS_U];
  PetscReal      worst = 0.0;
  Mat            L     = NULL;
  Vec            v;

  PetscFunctionBeginUser;
  if (predict && RandomInt(&g->app->random, 2)) {
    PetscCall(DiniGetDerivative(g->dini, &L));
    PetscCall(PetscObjectReference((PetscObject)L));
  } else if (predict) PetscCall(ModeMatrix(g->app, g->u, g->m, PETSC_TRUE, EntryG, g, &L));
  if (predict) PetscCall(VecDuplicate(g->u, &v));
  else PetscCall(DiniCreateParameterVec(g->dini, &v));
  if (FuzzTry(g->app, "DiniPosteriorGetVariance", DiniPosteriorGetVariance(e->post, L, NULL, v)) == RIGHT) {
    PetscCall(AppGather(g->app, v, found));
    for (PetscInt i = 0; i < rows; i++) {
      PetscReal right = PetscRealPart(g->C[i % g->N][i % g->N]), size = PetscRealPart(g->inverse[i % g->N][i % g->N]);

      if (predict) {
        right = size = 0.0;
        for (PetscInt k = 0; k < g->N; k++)
          for (PetscInt l = 0; l < g->N; l++) {
            right += PetscRealPart(g->G[i][k] * g->C[k][l] * PetscConj(g->G[i][l]));
            size += PetscRealPart(g->G[i][k] * g->inverse[k][l] * PetscConj(g->G[i][l]));
          }
      }
      worst = PetscMax(worst, PetscAbsReal(PetscRealPart(found[i]) - right) / size);
      if (PetscIsInfOrNanScalar(found[i])) worst = PETSC_INFINITY;
    }
    ModeCompare(g->app, predict ? "variances of predictions" : "variances", worst, e->left);
  }
  PetscCall(VecDestroy(&v));
  PetscCall(MatDestroy(&L));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* 1/2 sum ln(1 + lambda), and the divergence with the shift m - m0 */
static PetscErrorCode CheckGain(Gauss *g, Estimate *e)
{
  PetscScalar m[GAUSS_N], r[GAUSS_N];
  PetscReal   gain, expected, logs = 0.0, traces = 0.0, shift;
  Vec         v;

  PetscFunctionBeginUser;
  PetscCall(DiniCreateParameterVec(g->dini, &v));
  for (PetscInt k = 0; k < g->N; k++) r[k] = RandomScalar(&g->app->random, PETSC_TRUE);
  PetscCall(ModeWrite(g->app, r, v));
  for (PetscInt k = 0; k < g->N; k++) m[k] = r[k] + g->m0[k];
  shift = GaussPrior(g, m, r);
  if (FuzzTry(g->app, "DiniPosteriorGetInformationGain",
              DiniPosteriorGetInformationGain(e->post, v, &gain, &expected)) == RIGHT) {
    for (PetscInt j = 0; j < e->n; j++) {
      logs += PetscLogReal(1.0 + g->lambda[j]);
      traces += g->lambda[j] / (1.0 + g->lambda[j]);
    }
    ModeCompare(g->app, "expected gain", PetscAbsReal(expected - 0.5 * logs),
                (PetscReal)(1 + e->n) * (2.0 * e->rtol + GAUSS_HESSIAN));
    ModeCompare(g->app, "gain", PetscAbsReal(gain - 0.5 * (logs - traces + shift)),
                (PetscReal)(1 + e->n) * (4.0 * e->rtol + GAUSS_HESSIAN) + 1e-9 * shift);
  }
  PetscCall(VecDestroy(&v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A posterior without data: its sample of this number is S z */
static PetscErrorCode FuzzPriorSample(Gauss *g, PetscInt number, Vec v)
{
  DiniPosterior prior;

  PetscFunctionBeginUser;
  PetscCall(DiniPosteriorCreate(g->dini, &prior));
  PetscCall(DiniPosteriorSetPrior(prior, g->prior == PRIOR_PLAIN ? NULL : g->matR, g->inside));
  if (g->prior == PRIOR_ROOT) PetscCall(DiniPosteriorSetPriorRoot(prior, g->matS));
  PetscCall(DiniPosteriorSetScale(prior, g->s));
  PetscCall(DiniPosteriorSetDimension(prior, PETSC_DECIDE, 1e100));
  PetscCall(DiniPosteriorSolve(prior));
  PetscCall(DiniPosteriorSample(prior, number, v));
  PetscCall(DiniPosteriorDestroy(&prior));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* With p = S z, a sample x is a root of the covariance times p: x^H R x = (R p)^H C (R p) */
static PetscErrorCode CheckSample(Gauss *g, Estimate *e)
{
  const PetscInt number = RandomInt(&g->app->random, 1000);
  PetscScalar    x[GAUSS_N], p[GAUSS_N], Rp[GAUSS_N];
  PetscReal      square = 0.0, right = 0.0, size = 0.0;
  Vec            vx, vp;

  PetscFunctionBeginUser;
  PetscCall(DiniCreateParameterVec(g->dini, &vx));
  PetscCall(VecDuplicate(vx, &vp));
  if (FuzzTry(g->app, "DiniPosteriorSample", DiniPosteriorSample(e->post, number, vx)) == RIGHT &&
      FuzzTry(g->app, "a sample of the prior", FuzzPriorSample(g, number, vp)) == RIGHT) {
    PetscCall(AppGather(g->app, vx, x));
    PetscCall(AppGather(g->app, vp, p));
    for (PetscInt i = 0; i < g->N; i++) {
      Rp[i] = 0.0;
      for (PetscInt j = 0; j < g->N; j++) {
        Rp[i] += g->R[i][j] * p[j];
        square += PetscRealPart(PetscConj(x[i]) * g->R[i][j] * x[j]);
      }
      size += PetscRealPart(PetscConj(p[i]) * Rp[i]);
    }
    for (PetscInt i = 0; i < g->N; i++)
      for (PetscInt j = 0; j < g->N; j++) right += PetscRealPart(PetscConj(Rp[i]) * g->C[i][j] * Rp[j]);
    ModeCompare(g->app, "a sample", PetscAbsReal(square - right) / size, e->left);
  }
  PetscCall(VecDestroy(&vx));
  PetscCall(VecDestroy(&vp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ModePosterior(App *app)
{
  static const char *const priors[] = {"the identity", "R", "R and S"};
  Estimate                 e        = {.n = 0};
  Gauss                   *g;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&g));
  g->app = app;
  PetscCall(GaussDraw(g, &app->random));
  FuzzSay(app, "  %d parameters, %d data, %d states; prior %s, %s; scale %g; lambda from %g to %g\n", (int)g->N,
          (int)g->D, (int)g->U, priors[g->prior], g->inside ? "inside" : "outside", (double)g->s, (double)g->lambda[0],
          (double)g->lambda[g->N - 1]);
  if (FuzzTry(app, "creation", FuzzGaussCreate(g)) == RIGHT &&
      FuzzTry(app, "DiniPosteriorSolve", FuzzEstimate(g, &e)) == RIGHT) {
    CheckEigenvalues(g, &e);
    PetscCall(CheckCovariance(g, &e));
    PetscCall(CheckVariance(g, &e, PETSC_FALSE));
    if (RandomChance(&app->random, 0.4)) PetscCall(CheckVariance(g, &e, PETSC_TRUE));
    PetscCall(CheckGain(g, &e));
    if (g->prior != PRIOR_PRECISION) PetscCall(CheckSample(g, &e));
  }
  PetscCall(DiniPosteriorDestroy(&e.post));
  PetscCall(GaussDestroy(g));
  PetscCall(PetscFree(g));
  PetscFunctionReturn(PETSC_SUCCESS);
}
