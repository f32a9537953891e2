#include "pumping.h"

#define GUESS 0.006 /* metres: about what a measurement is good to, so that the objective is of size one */

/* J = sum over the data of (H s(t) - d)^2 / (2 GUESS^2): one observation each */
static PetscErrorCode Observe(Aquifer *app, const Wells *w, PetscReal until, PetscInt *used)
{
  Mat       H;
  Vec       d, weight;
  PetscReal r = -1.0;

  PetscFunctionBeginUser;
  *used = 0;
  H     = NULL;
  for (PetscInt i = 0; i < w->n; i++) {
    if (w->t[i] > until) continue;
    if (w->r[i] != r) {
      PetscCall(MatDestroy(&H));
      PetscCall(AquiferPiezometer(app, w->r[i], &H));
      r = w->r[i];
    }
    PetscCall(MatCreateVecs(H, NULL, &d));
    PetscCall(VecSet(d, w->s[i]));
    PetscCall(VecDuplicate(d, &weight));
    PetscCall(VecSet(weight, 1.0 / (GUESS * GUESS)));
    PetscCall(DiniAddChainObservation(app->dini, w->t[i], H, d, weight));
    PetscCall(VecDestroy(&d));
    PetscCall(VecDestroy(&weight));
    (*used)++;
  }
  PetscCall(MatDestroy(&H));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of the Hessian at the minimum, and the residual that is left: C = sigma^2 (H GUESS^2)^-1 */
static PetscErrorCode Covariance(Aquifer *app, PetscReal value, PetscInt used, Fit *fit)
{
  PetscReal h[PARAMETERS][PARAMETERS], det;
  Vec       e, He;
  PetscInt  lo, hi;

  PetscFunctionBeginUser;
  PetscCall(DiniCreateParameterVec(app->dini, &e));
  PetscCall(VecDuplicate(e, &He));
  PetscCall(VecGetOwnershipRange(e, &lo, &hi));
  for (PetscInt j = 0; j < PARAMETERS; j++) {
    PetscCall(VecSet(e, 0.0));
    if (j >= lo && j < hi) PetscCall(VecSetValue(e, j, 1.0, INSERT_VALUES));
    PetscCall(VecAssemblyBegin(e));
    PetscCall(VecAssemblyEnd(e));
    PetscCall(DiniHVP(app->dini, e, He));
    PetscCall(PumpingEntries(He, h[j]));
  }
  PetscCall(VecDestroy(&e));
  PetscCall(VecDestroy(&He));
  fit->used  = used;
  fit->rmse  = GUESS * PetscSqrtReal(2.0 * value / (PetscReal)used);
  fit->sigma = GUESS * PetscSqrtReal(2.0 * value / (PetscReal)(used - PARAMETERS));
  det        = 0.0;
  for (int i = 0; i < 3; i++)
    det += h[0][i] * (h[1][(i + 1) % 3] * h[2][(i + 2) % 3] - h[1][(i + 2) % 3] * h[2][(i + 1) % 3]);
  PetscCheck(det > 0.0, PETSC_COMM_WORLD, PETSC_ERR_CONV_FAILED, "The data do not determine the parameters");
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++) {
      const int       a = (j + 1) % 3, b = (j + 2) % 3, c = (i + 1) % 3, d = (i + 2) % 3;
      const PetscReal inverse = (h[a][c] * h[b][d] - h[a][d] * h[b][c]) / det;

      fit->covariance[3 * i + j] = PetscSqr(fit->sigma / GUESS) * inverse;
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PumpingFit(const Wells *w, PetscReal until, PetscScalar m[], Fit *fit)
{
  Aquifer            app;
  Tao                tao;
  PetscReal          last = 0.0, value;
  PetscInt           used;
  TaoConvergedReason reason;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < w->n; i++)
    if (w->t[i] <= until) last = PetscMax(last, w->t[i]);
  PetscCall(AquiferCreate(m, last, &app));
  PetscCall(Observe(&app, w, until, &used));
  PetscCall(DiniSetState(app.dini, app.u));
  PetscCall(TaoCreate(PETSC_COMM_WORLD, &tao));
  PetscCall(TaoSetType(tao, TAONTR));
  PetscCall(DiniSetTao(app.dini, tao));
  PetscCall(TaoSetTolerances(tao, 1e-4, 1e-9, 1e-9));
  PetscCall(TaoSetFromOptions(tao));
  PetscCall(TaoSolve(tao));
  PetscCall(TaoGetConvergedReason(tao, &reason));
  PetscCheck(reason > 0, PETSC_COMM_WORLD, PETSC_ERR_NOT_CONVERGED, "The fit stopped with %s",
             TaoConvergedReasons[reason]);
  PetscCall(TaoGetSolutionStatus(tao, NULL, &value, NULL, NULL, NULL, NULL));
  PetscCall(Covariance(&app, value, used, fit));
  PetscCall(TaoDestroy(&tao));
  for (int i = 0; i < PARAMETERS; i++) m[i] = app.m[i];
  PetscCall(AquiferDestroy(&app));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscReal PumpingDeviation(const Fit *fit, const PetscReal g[])
{
  PetscReal variance = 0.0;

  for (int i = 0; i < PARAMETERS; i++)
    for (int j = 0; j < PARAMETERS; j++) variance += g[i] * fit->covariance[3 * i + j] * g[j];
  return PetscSqrtReal(PetscMax(variance, 0.0));
}
