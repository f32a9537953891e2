/*
  Where the path turns back. At a fold du/dm is infinite, but the path itself is smooth: with xi the component of u that du/dm
  grows along, which turns into the singular vector of J as the fold comes near, m is a smooth function of xi, whose
  derivative 1/(dxi/dm) is zero at the fold. So m(xi) is interpolated with its derivative at the last points, and its
  maximum is looked for ahead: an error in xi enters the value there in second order.
*/
#include "../private/dinicontinuationimpl.h"

#define DINI_FOLD_REACH       6.0 /* times the length of the known path: past that, a polynomial foretells nothing */
#define DINI_FOLD_SCAN        400
#define DINI_FOLD_POWER_LEAST 0.2 /* that is told from others */
#define DINI_FOLD_POWER_MOST  1.5
#define DINI_FOLD_GROWTH                                                                                               \
  0.05 /* part by which du/dm has to change in a step, in some entry, for a fold to be foretold from it */
#define DINI_FOLD_NOUGHT 1e-8 /* of |u| over the way: du/dm below that is none */
#define DINI_FOLD_STILL                                                                                                \
  0.2 /* of du/dm: changes are measured in this part at least, so that its rounding does not count */

/* Newton's form of a polynomial, with its derivative */
static PetscReal DiniNewtonForm(PetscInt n, const PetscReal z[], const PetscReal c[], PetscReal x,
                                PetscReal *derivative)
{
  PetscReal value = c[n - 1];

  *derivative = 0.0;
  for (PetscInt j = n - 2; j >= 0; j--) {
    *derivative = *derivative * (x - z[j]) + value;
    value       = value * (x - z[j]) + c[j];
  }
  return value;
}

/* Coefficients on nodes that are doubled, values f and derivatives df at n points; returns their number */
static PetscInt DiniHermite(PetscInt n, const PetscReal x[], const PetscReal f[], const PetscReal df[], PetscReal z[],
                            PetscReal c[])
{
  for (PetscInt i = 0; i < 2 * n; i++) {
    z[i] = x[i / 2];
    c[i] = f[i / 2];
  }
  for (PetscInt order = 1; order < 2 * n; order++)
    for (PetscInt i = 2 * n - 1; i >= order; i--)
      c[i] = z[i] == z[i - order] ? df[i / 2] : (c[i] - c[i - 1]) / (z[i] - z[i - order]);
  return 2 * n;
}

/* The first maximum of mu(xi) within reach ahead of xi[0], from n points; false when there is none */
static PetscBool DiniTurningPoint(PetscInt n, const PetscReal xi[], const PetscReal mu[], const PetscReal slope[],
                                  PetscReal reach, PetscReal *maximum)
{
  PetscReal z[2 * DINI_PATH_POINTS], c[2 * DINI_PATH_POINTS];
  PetscReal low = xi[0], high, derivative;
  PetscInt  nodes;

  for (PetscInt i = 0; i < n; i++)
    if (!(slope[i] > 0.0) || (i && !(xi[i] < xi[i - 1]))) return PETSC_FALSE;
  nodes = DiniHermite(n, xi, mu, slope, z, c);
  for (int k = 1; k <= DINI_FOLD_SCAN; k++) {
    high = xi[0] + reach * (PetscReal)k / DINI_FOLD_SCAN;
    (void)DiniNewtonForm(nodes, z, c, high, &derivative);
    if (derivative <= 0.0) {
      for (int bisection = 0; bisection < 60; bisection++) {
        const PetscReal middle = 0.5 * (low + high);

        (void)DiniNewtonForm(nodes, z, c, middle, &derivative);
        if (derivative > 0.0) low = middle;
        else high = middle;
      }
      *maximum = DiniNewtonForm(nodes, z, c, low, &derivative);
      return PETSC_TRUE;
    }
    low = high;
  }
  return PETSC_FALSE;
}

/*
  What the path bends along: q, by which du/dm has changed since the point before, each entry in units of the largest change that
  it has seen. At a fold that is the singular vector of J; entries that go on in a straight line, or bend no more
  than they did, do not count, in whatever units and however many they are.
*/
PetscErrorCode DiniPathBend_Private(DiniPath *path)
{
  const PetscReal    way = PetscAbsReal(path->ends[0] - path->start);
  const PetscScalar *now, *before, *sizes;
  PetscScalar       *weight, *along;
  PetscReal          grown = 0.0;
  PetscInt           n;

  PetscFunctionBegin;
  if (path->n < 2) PetscCall(VecSet(path->weight, 0.0));
  if (path->n < 2) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecGetArrayRead(path->size, &sizes));
  PetscCall(VecGetLocalSize(path->weight, &n));
  PetscCall(VecGetArrayRead(path->point[0].t, &now));
  PetscCall(VecGetArrayRead(path->point[1].t, &before));
  PetscCall(VecGetArray(path->weight, &weight));
  PetscCall(VecGetArrayWrite(path->along, &along));
  for (PetscInt i = 0; i < n; i++) {
    const PetscReal size = PetscMax(PetscAbsScalar(now[i]), PetscAbsScalar(before[i])), old = PetscRealPart(weight[i]);
    const PetscReal most =
        PetscMax(old > 0.0 ? 1.0 / old : 0.0, PetscMax(PetscAbsScalar(now[i] - before[i]), DINI_FOLD_STILL * size));

    weight[i] = most > 0.0 ? 1.0 / most : 0.0;
    along[i]  = (now[i] - before[i]) * weight[i] * weight[i];
    grown     = PetscMax(grown, PetscAbsScalar(now[i] - before[i]) /
                                    PetscMax(size, DINI_FOLD_NOUGHT * PetscRealPart(sizes[i]) / way));
  }
  PetscCall(VecRestoreArrayRead(path->size, &sizes));
  PetscCall(VecRestoreArrayWrite(path->along, &along));
  PetscCall(VecRestoreArray(path->weight, &weight));
  PetscCall(VecRestoreArrayRead(path->point[1].t, &before));
  PetscCall(VecRestoreArrayRead(path->point[0].t, &now));
  PetscCall(MPIU_Allreduce(&grown, &path->grown, 1, MPIU_REAL, MPIU_MAX, PetscObjectComm((PetscObject)path->u)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The component of v along that */
PetscErrorCode DiniPathAlong_Private(DiniPath *path, Vec v, PetscReal *along)
{
  PetscScalar dot;

  PetscFunctionBegin;
  PetscCall(VecDot(v, path->along, &dot));
  *along = PetscRealPart(dot);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Foretells the fold from all points, and how sure that is from one point less */
PetscErrorCode DiniPathFold_Private(DiniPath *path)
{
  PetscReal xi[DINI_PATH_POINTS], mu[DINI_PATH_POINTS], slope[DINI_PATH_POINTS], reach, ahead, fewer;
  PetscReal change = 0.0, rate = 0.0;

  PetscFunctionBegin;
  path->seen = PETSC_FALSE;
  if (path->n < 2 || !path->moves || path->grown < DINI_FOLD_GROWTH) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt i = 0; i < path->n; i++) {
    PetscCall(VecWAXPY(path->w[0], -1.0, path->point[0].u, path->point[i].u));
    PetscCall(DiniPathAlong_Private(path, path->w[0], &change));
    PetscCall(DiniPathAlong_Private(path, path->point[i].t, &rate));
    xi[i]    = path->sign * change;
    mu[i]    = path->sign * (path->point[i].m - path->point[0].m);
    slope[i] = 1.0 / rate; /* dmu/dxi */
  }
  reach      = DINI_FOLD_REACH * (xi[0] - xi[path->n - 1]);
  path->seen = DiniTurningPoint(path->n, xi, mu, slope, reach, &ahead);
  if (!path->seen) PetscFunctionReturn(PETSC_SUCCESS);
  path->fold = path->point[0].m + path->sign * ahead;
  if (path->n > 2 && DiniTurningPoint(path->n - 1, xi, mu, slope, reach, &fewer))
    path->spread = PetscAbsReal(ahead - fewer);
  else path->spread = 0.5 * ahead;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* p in lambda ~ |m - critical|^p at the last two points, of what shrinks most: 1/2 at a fold, 1 where branches cross */
PetscReal DiniPathGrowth_Private(const DiniPath *path, PetscReal critical)
{
  PetscReal d[2];

  if (path->n < 2 || !(path->ratio[0] > 0.0)) return 0.0;
  for (int i = 0; i < 2; i++) d[i] = PetscAbsReal(critical - path->point[i].m);
  return d[0] > 0.0 && d[1] > d[0] ? PetscLogReal(path->ratio[0]) / PetscLogReal(d[1] / d[0]) : 0.0;
}

/* By how much lambda^q bends upwards at the last three points: the slope before the last step over that in it, less one */
static PetscReal DiniPathBends(const DiniPath *path, PetscReal q)
{
  const PetscReal now = PetscPowReal(path->ratio[0], q), before = PetscPowReal(path->ratio[1], q);
  const PetscReal h[2] = {path->point[0].m - path->point[1].m, path->point[1].m - path->point[2].m};

  return now * (before - 1.0) / (now - 1.0) * PetscAbsReal(h[0] / h[1]) - 1.0;
}

/*
  p in lambda ~ |m - critical|^p, of the eigenvalue that shrinks most: the one for which lambda^(1/p) is a straight line through
  the last three points. 1/2 at a fold, 3/4 and so on at flatter ones, 1 where branches cross. 0 where none shrinks.
*/
PetscReal DiniPathPower_Private(const DiniPath *path)
{
  PetscReal low = 1.0 / DINI_FOLD_POWER_MOST, high = 1.0 / DINI_FOLD_POWER_LEAST;

  if (path->n < 3 || !(path->ratio[0] > 1.0) || !(path->ratio[1] > 1.0)) return 0.0;
  for (int bisection = 0; bisection < 40; bisection++) {
    const PetscReal q = 0.5 * (low + high);

    if (DiniPathBends(path, q) > 0.0) high = q;
    else low = q;
  }
  return 2.0 / (low + high);
}

/* Where that eigenvalue is zero if it goes on like the power p; infinite if none shrinks */
PetscReal DiniPathWhereZero_Private(const DiniPath *path, PetscReal p)
{
  PetscReal slope;

  if (path->n < 2 || !(path->ratio[0] > 1.0)) return path->sign * PETSC_INFINITY;
  if (PetscAbsReal(p - 0.5) < 0.1) p = 0.5;
  if (!(p > 0.0) || PetscAbsReal(p - 1.0) < 0.13) p = 1.0;
  slope = (PetscPowReal(path->ratio[0], 1.0 / p) - 1.0) / PetscAbsReal(path->point[0].m - path->point[1].m);
  return path->point[0].m + path->sign / slope;
}
