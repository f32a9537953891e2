/* Derivatives of eigenpairs of an EPS against perturbation theory: right where they are simple, and refused where they are not */
#include "eigen.h"
#include <stdio.h>

#define EIGEN_EXACT  1e-6 /* of derivatives, F_m given */
#define EIGEN_DIFFER 1e-5 /* F_m by differences */
#define EIGEN_VECTOR 1e-9 /* of the solver's vectors, over the gap relative to the largest eigenvalue */
#define EIGEN_NONE   1e-8 /* gaps below are none: the derivative of one copy is a matter of chance */

/* One pair of the solver's, and what is known of it */
typedef struct {
  PetscInt  i, j; /* its number, and that of the truth */
  PetscReal gap;  /* relative to the largest eigenvalue */
  Cx        x[SPECTRUM_N];
  PetscBool split; /* a real and an imaginary part, in a real build */
} Mode;

/* A vector of Dini's, whose parts are two Vecs in a real build */
static PetscErrorCode Gather(App *app, Vec r, Vec i, PetscInt n, Cx x[])
{
  PetscScalar re[SPECTRUM_N], im[SPECTRUM_N] = {0.0};

  PetscFunctionBeginUser;
  PetscCall(AppGather(app, r, re));
  if (!PetscDefined(USE_COMPLEX) && i) PetscCall(AppGather(app, i, im));
  for (PetscInt k = 0; k < n; k++) x[k] = re[k] + (Cx)I * im[k];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static Cx Number(PetscScalar r, PetscScalar i)
{
  return PetscDefined(USE_COMPLEX) ? (Cx)r : (Cx)r + (Cx)I * i;
}

static PetscReal Largest(const Spectrum *S)
{
  PetscReal largest = 0.0;

  for (PetscInt k = 0; k < S->n; k++) largest = PetscMax(largest, cabs(S->lambda[k]));
  return largest;
}

static PetscReal Tolerance(const Eigen *e, const Mode *mode)
{
  return (e->fills ? EIGEN_EXACT : EIGEN_DIFFER) + EIGEN_VECTOR / mode->gap;
}

/* An answer where there is none, or the distance of the answer */
static void Judge(Eigen *e, const Mode *mode, const char what[], PetscReal distance, PetscReal factor)
{
  if (mode->gap < EIGEN_NONE) FuzzFail(e->S.app, WRONG, what, "an answer for one copy of a multiple eigenvalue");
  else ModeCompare(e->S.app, what, distance, factor * Tolerance(e, mode));
}

/* The pair itself: its eigenvalue, and a vector of the right length along the right one */
static PetscErrorCode CheckPair(Eigen *e, PetscInt i, Mode *mode)
{
  Spectrum   *S = &e->S;
  PetscScalar r, im;
  Cx          lambda, along = 0.0, square = 0.0;
  PetscReal   miss = 0.0, most = 0.0;
  Vec         vr, vi;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(e->u, &vr));
  PetscCall(VecDuplicate(e->u, &vi));
  PetscCall(VecSet(vi, 0.0));
  PetscCall(DiniGetEigenpair(e->dini, i, &r, &im, vr, vi));
  lambda      = Number(r, im);
  mode->i     = i;
  mode->j     = SpectrumNearest(S, lambda, &mode->gap);
  mode->split = (PetscBool)(!PetscDefined(USE_COMPLEX) && cimag(lambda) != 0.0);
  mode->gap   = PetscMin(mode->gap, Largest(S)) / Largest(S);
  PetscCall(Gather(S->app, vr, vi, S->n, mode->x));
  for (PetscInt k = 0; k < S->n; k++)
    for (PetscInt l = 0; l < S->n; l++) {
      const Cx b = SpectrumEntry(S, 1, S->m, k, l);

      along += conj(S->Y[k][mode->j]) * b * mode->x[l];
      square += conj(mode->x[k]) * (S->hermitian ? b : k == l ? 1.0 : 0.0) * mode->x[l];
    }
  for (PetscInt k = 0; k < S->n; k++) {
    miss = PetscMax(miss, cabs(mode->x[k] - along * S->X[k][mode->j]));
    most = PetscMax(most, cabs(mode->x[k]));
  }
  FuzzSay(S->app, "    pair %d: %g%+gi, gap %g\n", (int)i, creal(lambda), cimag(lambda), (double)mode->gap);
  ModeCompare(S->app, "an eigenvalue", cabs(lambda - S->lambda[mode->j]) / Largest(S), 1e-8);
  ModeCompare(S->app, "the length of a vector", cabs(square - 1.0), 1e-8);
  if (mode->gap >= EIGEN_NONE) ModeCompare(S->app, "a vector", miss / most, 1e-8 + EIGEN_VECTOR / mode->gap);
  PetscCall(VecDestroy(&vr));
  PetscCall(VecDestroy(&vi));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckValue(Eigen *e, const Mode *mode)
{
  Spectrum   *S = &e->S;
  PetscScalar dm[SPECTRUM_K], w = RandomScalar(&S->app->random, PETSC_TRUE),
                              wi = RandomScalar(&S->app->random, PETSC_FALSE);
  PetscScalar d, di, found[SPECTRUM_K];
  Cx          right[SPECTRUM_K], sum = 0.0;
  PetscReal   size = 0.0, miss = 0.0;
  Vec         v;

  PetscFunctionBeginUser;
  PetscCall(DiniCreateParameterVec(e->dini, &v));
  for (PetscInt k = 0; k < S->K; k++) {
    dm[k]    = RandomScalar(&S->app->random, (PetscBool)!S->hermitian);
    right[k] = SpectrumValue(S, mode->j, k, &size);
    sum += dm[k] * right[k];
  }
  PetscCall(ModeWrite(S->app, dm, v));
  if (FuzzTry(S->app, "DiniEigenvalueJVP", DiniEigenvalueJVP(e->dini, mode->i, v, &d, &di)) == RIGHT)
    Judge(e, mode, "DiniEigenvalueJVP", cabs(Number(d, di) - sum) / size, 1.0);
  if (FuzzTry(S->app, "DiniEigenvalueVJP", DiniEigenvalueVJP(e->dini, mode->i, w, wi, v)) == RIGHT) {
    PetscCall(AppGather(S->app, v, found));
    for (PetscInt k = 0; k < S->K; k++) {
      const Cx bar = conj(right[k]) * Number(w, wi);
      const Cx off = PetscDefined(USE_COMPLEX) && !S->hermitian ? (Cx)found[k] - bar : creal((Cx)found[k] - bar);

      miss = PetscMax(miss, cabs(off));
    }
    Judge(e, mode, "DiniEigenvalueVJP", miss / size, 2.0);
  }
  PetscCall(VecDestroy(&v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckVector(Eigen *e, const Mode *mode)
{
  Spectrum   *S = &e->S;
  PetscScalar dm[SPECTRUM_K], bar[2][SPECTRUM_N]          = {{0.0}}, found[SPECTRUM_K];
  Cx          dx[SPECTRUM_K][SPECTRUM_N], sum[SPECTRUM_N] = {0.0}, got[SPECTRUM_N];
  PetscReal   size = 0.0, miss = 0.0;
  Vec         v, dr, di;

  PetscFunctionBeginUser;
  PetscCall(DiniCreateParameterVec(e->dini, &v));
  PetscCall(VecDuplicate(e->u, &dr));
  PetscCall(VecDuplicate(e->u, &di));
  PetscCall(VecSet(di, 0.0));
  for (PetscInt k = 0; k < S->K; k++) {
    dm[k] = RandomScalar(&S->app->random, (PetscBool)!S->hermitian);
    SpectrumVector(S, mode->j, k, mode->x, dx[k]);
    for (PetscInt i = 0; i < S->n; i++) {
      sum[i] += dm[k] * dx[k][i];
      size = PetscMax(size, cabs(dx[k][i]));
    }
  }
  size += 1e-3; /* two vectors of order one, a first-order change of the matrices */
  PetscCall(ModeWrite(S->app, dm, v));
  if (FuzzTry(S->app, "DiniEigenvectorJVP", DiniEigenvectorJVP(e->dini, mode->i, v, dr, mode->split ? di : NULL)) ==
      RIGHT) {
    PetscCall(Gather(S->app, dr, mode->split ? di : NULL, S->n, got));
    for (PetscInt i = 0; i < S->n; i++) miss = PetscMax(miss, cabs(got[i] - sum[i]));
    Judge(e, mode, "DiniEigenvectorJVP", miss / size, 4.0);
  }
  for (PetscInt i = 0; i < S->n; i++) {
    bar[0][i] = RandomScalar(&S->app->random, PETSC_TRUE);
    if (mode->split) bar[1][i] = RandomScalar(&S->app->random, PETSC_FALSE);
  }
  PetscCall(ModeWrite(S->app, bar[0], dr));
  PetscCall(ModeWrite(S->app, bar[1], di));
  if (FuzzTry(S->app, "DiniEigenvectorVJP", DiniEigenvectorVJP(e->dini, mode->i, dr, mode->split ? di : NULL, v)) ==
      RIGHT) {
    miss = 0.0;
    PetscCall(AppGather(S->app, v, found));
    for (PetscInt k = 0; k < S->K; k++) {
      Cx right = 0.0;

      for (PetscInt i = 0; i < S->n; i++) right += conj(dx[k][i]) * Number(bar[0][i], bar[1][i]);
      right -= found[k];
      miss = PetscMax(miss, PetscDefined(USE_COMPLEX) && !S->hermitian ? cabs(right) : PetscAbsReal(creal(right)));
    }
    Judge(e, mode, "DiniEigenvectorVJP", miss / size, 4.0 * (PetscReal)S->n);
  }
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&dr));
  PetscCall(VecDestroy(&di));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The mean of a cluster, if it is one of Dini's own: all that are nearer to each other than to the rest */
static PetscErrorCode CheckCluster(Eigen *e, const Mode *mode)
{
  Spectrum       *S = &e->S;
  const PetscInt *members;
  PetscInt        n, count  = 0;
  PetscReal       gap, size = 0.0, spread = 0.0, rest = PETSC_INFINITY;
  PetscScalar     dm[SPECTRUM_K], d, di;
  Cx              sum = 0.0;
  Vec             v;

  PetscFunctionBeginUser;
  PetscCall(DiniGetEigenCluster(e->dini, mode->i, &n, &members, &gap));
  if (n < 2) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt k = 0; k < S->K; k++) dm[k] = RandomScalar(&S->app->random, (PetscBool)!S->hermitian);
  for (PetscInt j = 0; j < S->n; j++) {
    const PetscReal distance = cabs(S->lambda[j] - S->lambda[mode->j]) / Largest(S);

    if (distance > 1e-3) rest = PetscMin(rest, distance);
    if (distance > 1e-3) continue;
    count++;
    spread = PetscMax(spread, distance);
    for (PetscInt k = 0; k < S->K; k++) sum += dm[k] * SpectrumValue(S, j, k, &size);
  }
  if (count != n && spread > 1e-6) PetscFunctionReturn(PETSC_SUCCESS); /* where it ends is a matter of the tolerance */
  PetscCall(DiniCreateParameterVec(e->dini, &v));
  PetscCall(ModeWrite(S->app, dm, v));
  if (FuzzTry(S->app, "DiniEigenClusterJVP", DiniEigenClusterJVP(e->dini, mode->i, v, &d, &di)) == RIGHT) {
    if (count != n) FuzzFail(S->app, WRONG, "DiniEigenClusterJVP", "an answer for a part of a cluster");
    else
      ModeCompare(S->app, "DiniEigenClusterJVP", cabs(Number(d, di) - sum / (PetscReal)n) / size,
                  EIGEN_DIFFER + EIGEN_VECTOR / rest);
  }
  PetscCall(VecDestroy(&v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An error of the solver's own, which it raises without Dini too, ends the case */
static PetscErrorCode Solve(Eigen *e, PetscBool *solved)
{
  App           *app = e->S.app;
  PetscErrorCode ierr, alone;
  EPS            twin;

  PetscFunctionBeginUser;
  *solved = PETSC_FALSE;
  FuzzBegin(app, "DiniEigenSolve");
  ierr = DiniEigenSolve(e->dini);
  if (ierr && !app->trace.dini) {
    PetscCall(EigenCreateEPS(e, &twin));
    alone = EPSSolve(twin);
    if (alone == ierr) {
      FuzzSay(app, "    as without Dini\n");
      app->count[NAMED]++;
      PetscFunctionReturn(PETSC_SUCCESS);
    }
    PetscCall(EPSDestroy(&twin));
  }
  *solved = (PetscBool)(FuzzEnd(app, "DiniEigenSolve", ierr) == RIGHT);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ModeEigen(App *app)
{
  Eigen    *e;
  PetscInt  pairs  = 0;
  PetscBool solved = PETSC_FALSE;

  PetscFunctionBeginUser;
  PetscCall(SlepcInitializeNoArguments()); /* nothing if SLEPc is there already */
  PetscCall(PetscNew(&e));
  e->S.app = app;
  PetscCall(SpectrumDraw(&e->S, &app->random));
  FuzzSay(app, "  %d unknowns, %d parameters, %s%s, eigenvalues of %g\n", (int)e->S.n, (int)e->S.K,
          e->S.general ? "general, " : "", e->S.hermitian ? "Hermitian" : "not Hermitian", (double)e->S.scale);
  if (FuzzTry(app, "creation", FuzzEigenCreate(e)) == RIGHT) PetscCall(Solve(e, &solved));
  if (solved) PetscCall(DiniGetNumberEigenpairs(e->dini, &pairs));
  for (PetscInt i = 0; i < pairs; i++) {
    Mode mode;

    PetscCall(CheckPair(e, i, &mode));
    PetscCall(CheckValue(e, &mode));
    PetscCall(CheckVector(e, &mode));
    if (RandomChance(&app->random, 0.5)) PetscCall(CheckCluster(e, &mode));
  }
  PetscCall(EigenDestroy(e));
  PetscCall(PetscFree(e));
  PetscFunctionReturn(PETSC_SUCCESS);
}
