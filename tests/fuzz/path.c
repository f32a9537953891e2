/* Curves and passive unknowns as numbers: draws, values, and the path itself */
#include "path.h"
#include <math.h>

static PetscReal Course(const Path *path, PetscInt k, PetscReal t)
{
  return path->curve[k].nu + t * (path->target[k] - path->curve[k].nu);
}

/* A curve in complex numbers: its polynomial is that of real ones */
static void Complexified(const Curve *curve, PetscScalar y, PetscReal nu, PetscScalar *g, PetscScalar *gy,
                         PetscScalar *gnu)
{
  const PetscScalar x = y - curve->shift - curve->slope * nu;

  *g = *gy = *gnu = 0.0;
  for (int i = CURVE_DEGREE - 1; i >= 0; i--) {
    PetscReal a = 0.0, da = 0.0;

    for (int j = CURVE_DEGREE - 1; j >= 0; j--) {
      da = da * nu + a;
      a  = a * nu + curve->c[i][j];
    }
    *gy  = *gy * x + *g;
    *g   = *g * x + a;
    *gnu = *gnu * x + da;
  }
  *gnu -= curve->slope * *gy;
}

void PathValue(const Path *path, PetscReal t, const PetscScalar z[], PetscScalar G[], PetscScalar Gz[PATH_N][PATH_N],
               PetscScalar Gt[])
{
  for (PetscInt i = 0; i < path->N; i++)
    for (PetscInt j = 0; j < path->N; j++) Gz[i][j] = 0.0;
  for (PetscInt k = 0; k < path->actives; k++) {
    Complexified(&path->curve[k], z[k], Course(path, k, t), &G[k], &Gz[k][k], &Gt[k]);
    Gt[k] *= path->target[k] - path->curve[k].nu;
  }
  for (PetscInt k = 0; k < path->passives; k++) {
    const Passive    *p = &path->passive[k];
    const PetscInt    i = path->actives + k, sign = k % 2 ? 1 : -1;
    const PetscScalar w = z[i];

    if (p->kind == PASSIVE_TURNS) { /* t - 1/2 passes through zero, and a complex pair through the imaginary axis */
      const PetscInt j = i - sign;

      G[i]     = (t - 0.5) * w + (PetscReal)sign * p->linear * z[j] - p->constant;
      Gz[i][i] = t - 0.5;
      Gz[i][j] = (PetscReal)sign * p->linear;
      Gt[i]    = w;
      continue;
    }
    G[i]     = p->linear * w + p->cubic * w * w * w - p->rate * t - p->active * z[0] - p->constant;
    Gz[i][i] = p->linear + 3.0 * p->cubic * w * w;
    Gz[i][0] = -p->active;
    Gt[i]    = -p->rate;
  }
}

/* Random rotations, in complex builds unitary ones, on the rows of both, which remain inverse to each other */
static void Mix(const Path *path, PetscScalar A[PATH_N][PATH_N], PetscScalar B[PATH_N][PATH_N], Random *random)
{
  const PetscInt N = path->N;

  for (PetscInt n = 0; n < 3 * N && N > 1; n++) {
    const PetscInt  i = RandomInt(random, N), j = (i + 1 + RandomInt(random, N - 1)) % N;
    const PetscReal angle = RandomReal(random, 0.0, 6.3), phase = RandomReal(random, 0.0, 6.3), c = PetscCosReal(angle);
    const PetscScalar s = PetscSinReal(angle) * DiniTestScalar(PetscCosReal(phase), PetscSinReal(phase)) *
                          (PetscDefined(USE_COMPLEX) ? 1.0 : 1.0 / PetscCosReal(phase));

    for (PetscInt k = 0; k < N; k++) {
      const PetscScalar ai = A[i][k], aj = A[j][k], bi = B[k][i], bj = B[k][j];

      A[i][k] = c * ai + s * aj;
      A[j][k] = -PetscConj(s) * ai + c * aj;
      B[k][i] = c * bi + PetscConj(s) * bj;
      B[k][j] = -s * bi + c * bj;
    }
  }
  for (PetscInt i = 0; i < N; i++) {
    const PetscReal d = RandomReal(random, 0.5, 2.0);

    for (PetscInt k = 0; k < N; k++) A[i][k] *= d, B[k][i] /= d;
  }
}

static void Identity(PetscScalar A[PATH_N][PATH_N], PetscInt N)
{
  for (PetscInt i = 0; i < N; i++)
    for (PetscInt j = 0; j < N; j++) A[i][j] = i == j ? 1.0 : 0.0;
}

static void DrawPassives(Path *path, Random *random)
{
  path->passives = RandomInt(random, 4) ? RandomInt(random, PASSIVE_MOST + 1) : RandomInt(random, 3);
  for (PetscInt k = 0; k < path->passives; k++) {
    Passive *p = &path->passive[k];

    p->kind     = (PassiveKind)RandomInt(random, 2);
    p->linear   = RandomSigned(random, 0.3, 3.0);
    p->constant = RandomSigned(random, 0.1, 1.0);
    if (p->kind == PASSIVE_STANDS) continue;
    p->cubic  = RandomInt(random, 2) ? 0.0 : RandomReal(random, 0.1, 1.0) * (p->linear > 0.0 ? 1.0 : -1.0);
    p->rate   = RandomSigned(random, 0.0, 2.0);
    p->active = RandomInt(random, 2) ? 0.0 : RandomSigned(random, 0.1, 1.0);
  }
  if (path->passives > 1 &&
      !RandomInt(random, 6)) { /* G_0 = (t - 1/2) w_0 - linear w_1 ..., G_1 = linear w_0 + (t - 1/2) w_1 */
    path->passive[0].kind = path->passive[1].kind = PASSIVE_TURNS;
    path->passive[1].linear                       = path->passive[0].linear;
  }
}

/* Curves until there is one whose path is clear; where the first of them ends */
static void DrawCurves(Path *path, Random *random)
{
  path->actives = RandomInt(random, 4) ? 1 : ACTIVE_MOST;
  do {
    PetscReal ends[ACTIVE_MOST], g, gy, gnu;

    path->t     = 1.0;
    path->end   = END_NONE;
    path->clear = PETSC_TRUE;
    path->first = 0;
    for (PetscInt k = 0; k < path->actives; k++) {
      Scan scan;

      path->target[k] = CurveDraw(&path->curve[k], random);
      CurveValue(&path->curve[k], path->curve[k].y, path->curve[k].nu, &g, &gy, &gnu);
      CurveScan(&path->curve[k], path->target[k], &scan);
      ends[k] = scan.end ? (scan.nu - path->curve[k].nu) / (path->target[k] - path->curve[k].nu) : 2.0;
      if (PetscAbsReal(g) > 1e-10 || PetscAbsReal(gy) < 0.05 || ends[k] < 0.02) path->clear = PETSC_FALSE;
      if (scan.end && ends[k] > 0.98) path->clear = PETSC_FALSE;
      if (ends[k] < path->t) {
        path->t     = ends[k];
        path->end   = scan.end;
        path->first = k;
      }
    }
    if (path->actives > 1 && path->end && PetscAbsReal(ends[0] - ends[1]) < 0.02) path->clear = PETSC_FALSE;
  } while (!path->clear);
}

void PathDraw(Path *path, Random *random)
{
  App            *app   = path->app;
  const PetscBool mixed = RandomChance(random, 0.6), rows = RandomChance(random, 0.7),
                  units = RandomChance(random, 0.3);
  PetscScalar scrap[PATH_N][PATH_N];

  DrawCurves(path, random);
  DrawPassives(path, random);
  path->N = path->actives + path->passives;
  Identity(path->T, path->N);
  Identity(path->inverse, path->N);
  Identity(path->Q, path->N);
  Identity(scrap, path->N);
  if (mixed) Mix(path, path->T, path->inverse, random);
  if (mixed && RandomChance(random, 0.7)) Mix(path, path->Q, scrap, random);
  for (PetscInt i = 0; i < path->N; i++) {
    path->c[i] = units ? RandomPower(random, -2.0, 2.0) : 1.0;
    path->r[i] = rows ? RandomPower(random, -4.0, 4.0) : 1.0;
  }
  path->unit = RandomSigned(random, 0.3, 3.0) * (RandomInt(random, 3) ? 1.0 : RandomPower(random, -6.0, 6.0));
  path->offset =
      path->unit *
      (RandomChance(random, 0.3) ? -path->t : RandomSigned(random, 0.0, 1.0) * RandomPower(random, -1.0, 1.0));
  path->rtol = RandomInt(random, 3) ? 1e-4 : 1e-6;
  path->rows = rows;
  path->step = RandomInt(random, 3) ? 0.0 : RandomPower(random, -3.0, -0.5) * PetscAbsReal(path->unit);
  FuzzSay(app, "  %d unknowns%s%s%s\n", (int)path->N, mixed ? ", mixed" : "", rows ? ", rows scaled" : "",
          units ? ", in units" : "");
}

PetscBool PathTruth(const Path *path, PetscReal t, PetscScalar z[], PetscReal *gy)
{
  *gy = 1.0;
  for (PetscInt k = 0; k < path->actives; k++) {
    Scan scan;

    CurveScan(&path->curve[k], Course(path, k, t), &scan);
    if (scan.end && PetscAbsReal(scan.nu - Course(path, k, t)) > 1e-10) return PETSC_FALSE;
    z[k] = scan.y;
    *gy  = PetscMin(*gy, PetscAbsReal(scan.gy));
  }
  for (PetscInt k = 0; k < path->passives; k++) {
    const Passive  *p = &path->passive[k];
    const PetscReal f = p->rate * t + p->active * PetscRealPart(z[0]) + p->constant;
    PetscReal       w = p->cubic != 0.0 ? cbrt((double)(f / p->cubic)) : f / p->linear;

    if (p->kind == PASSIVE_TURNS) {
      const PetscReal s = t - 0.5, det = s * s + p->linear * p->linear, other = path->passive[k ? 0 : 1].constant;

      w = k ? (s * p->constant - p->linear * other) / det : (s * p->constant + p->linear * other) / det;
    } else if (p->cubic != 0.0) /* a monotone convex side: Newton from beyond */
      for (int its = 0; its < 80; its++)
        w -= (p->linear * w + p->cubic * w * w * w - f) / (p->linear + 3.0 * p->cubic * w * w);
    z[path->actives + k] = w;
  }
  return PETSC_TRUE;
}
