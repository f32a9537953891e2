/*
  Where the path turns back. At a fold du/dm is infinite, but the path itself is smooth: with xi the component of u along the
  latest tangent, which turns into the singular vector of J as the fold comes near, m is a smooth function of xi, whose
  derivative 1/(dxi/dm) is zero at the fold. So m(xi) is interpolated with its derivative at the last points, and its
  maximum is looked for ahead: an error in xi enters the value there in second order.
*/
#include "../private/dinicontinuationimpl.h"

#define DINI_FOLD_REACH 6.0 /* times the length of the known path: past that, a polynomial foretells nothing */
#define DINI_FOLD_SCAN  400

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

/* Foretells the fold from all points, and how sure that is from one point less */
PetscErrorCode DiniPathFold_Private(DiniPath *path)
{
  PetscReal   xi[DINI_PATH_POINTS], mu[DINI_PATH_POINTS], slope[DINI_PATH_POINTS], tnorm, reach, ahead, fewer;
  PetscScalar dot;

  PetscFunctionBegin;
  path->seen = PETSC_FALSE;
  PetscCall(DiniNorm_Private(path->point[0].t, &tnorm));
  if (path->n < 2 || !path->moves || !(tnorm > 0.0)) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt i = 0; i < path->n; i++) {
    PetscCall(VecWAXPY(path->w[0], -1.0, path->point[0].u, path->point[i].u));
    PetscCall(VecDot(path->w[0], path->point[0].t, &dot));
    xi[i] = path->sign * PetscRealPart(dot) / tnorm;
    mu[i] = path->sign * (path->point[i].m - path->point[0].m);
    PetscCall(VecDot(path->point[i].t, path->point[0].t, &dot));
    slope[i] = tnorm / PetscRealPart(dot); /* dmu/dxi */
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

  if (path->n < 2 || !(path->ratio > 0.0)) return 0.0;
  for (int i = 0; i < 2; i++) d[i] = PetscAbsReal(critical - path->point[i].m);
  return d[0] > 0.0 && d[1] > d[0] ? PetscLogReal(path->ratio) / PetscLogReal(d[1] / d[0]) : 0.0;
}
