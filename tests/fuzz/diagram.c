/* The path of a curve: natural steps of a two thousandth of the way and less, none of which may change the sign of g_y */
#include "diagram.h"

#define SCAN_STEPS   2000
#define SCAN_MISS    0.05  /* of the change of y may be missed by the tangent */
#define SCAN_STILL   1e-9  /* a change that is none */
#define SCAN_LEAST   1e-12 /* of the way: the smallest step */
#define SCAN_FAR     1e-4  /* of the way: the exponent is measured from here */
#define SCAN_NEAR    1e-6  /* to here */
#define SCAN_HISTORY 16384

void CurveValue(const Curve *curve, PetscReal y, PetscReal nu, PetscReal *g, PetscReal *gy, PetscReal *gnu)
{
  const PetscReal x  = y - curve->shift - curve->slope * nu;
  PetscReal       gx = 0.0, value = 0.0, dnu = 0.0;

  for (int i = CURVE_DEGREE - 1; i >= 0; i--) {
    PetscReal a = 0.0, da = 0.0;

    for (int j = CURVE_DEGREE - 1; j >= 0; j--) {
      da = da * nu + a;
      a  = a * nu + curve->c[i][j];
    }
    gx    = gx * x + value;
    value = value * x + a;
    dnu   = dnu * x + da;
  }
  *g   = value;
  *gy  = gx;
  *gnu = dnu - curve->slope * gx;
}

static PetscBool Newton(const Curve *curve, PetscReal nu, PetscReal *y, PetscReal *gy, PetscReal *slope)
{
  PetscReal g, gnu, step;

  for (int its = 0; its < 20; its++) {
    CurveValue(curve, *y, nu, &g, gy, &gnu);
    if (*gy == 0.0) return PETSC_FALSE;
    *slope = -gnu / *gy;
    step   = -g / *gy;
    if (!(PetscAbsReal(step) < 1e12)) return PETSC_FALSE;
    *y += step;
    if (PetscAbsReal(step) <=
        (its < 10 ? 1e-14 : 1e-9) * (1.0 + PetscAbsReal(*y))) { /* rounding over g_y, in the end */
      CurveValue(curve, *y, nu, &g, gy, &gnu);
      *slope = -gnu / *gy;
      return (PetscBool)(*gy != 0.0);
    }
  }
  return PETSC_FALSE;
}

/* Of g_y ~ |end - nu|^p, from the last points that are this far away */
static End Exponent(PetscInt n, const PetscReal nu[], const PetscReal gy[], PetscReal end, PetscReal way)
{
  PetscReal distance[2], value[2], p;

  if (n < 1) return END_OTHER;
  for (int k = 0; k < 2; k++) {
    PetscInt i = n - 1;

    while (i > 0 && PetscAbsReal(end - nu[i]) < (k ? SCAN_NEAR : SCAN_FAR) * way) i--;
    distance[k] = PetscAbsReal(end - nu[i]);
    value[k]    = PetscAbsReal(gy[i]);
  }
  if (!(distance[1] > 0.0) || !(distance[0] > 3.0 * distance[1]) || !(value[1] > 0.0)) return END_OTHER;
  p = PetscLogReal(value[0] / value[1]) / PetscLogReal(distance[0] / distance[1]);
  return PetscAbsReal(p - 0.5) < 0.08 ? END_FOLD : PetscAbsReal(p - 1.0) < 0.08 ? END_CROSSING : END_OTHER;
}

void CurveScan(const Curve *curve, PetscReal target, Scan *scan)
{
  static const PetscReal most = 1.0 / SCAN_STEPS;
  const PetscReal        way = PetscAbsReal(target - curve->nu), sign = target < curve->nu ? -1.0 : 1.0;
  PetscReal              h = most * way, gy, slope, nus[SCAN_HISTORY], gys[SCAN_HISTORY];
  PetscInt               n = 0;

  *scan = (Scan){.end = END_NONE, .nu = curve->nu, .y = curve->y};
  if (!Newton(curve, scan->nu, &scan->y, &scan->gy, &scan->slope)) {
    scan->end = END_OTHER;
    return;
  }
  while (scan->nu != target) {
    const PetscReal left = PetscAbsReal(target - scan->nu), step = PetscMin(h, left);
    const PetscReal nu        = h < left ? scan->nu + sign * step : target,
                    predicted = scan->y + (nu - scan->nu) * scan->slope;
    PetscReal y               = predicted;
    PetscBool good;

    good = (PetscBool)(Newton(curve, nu, &y, &gy, &slope) && gy * scan->gy > 0.0 &&
                       PetscAbsReal(y - predicted) <= SCAN_MISS * PetscAbsReal(y - scan->y) + SCAN_STILL);
    if (good) {
      nus[n % SCAN_HISTORY] = scan->nu;
      gys[n % SCAN_HISTORY] = scan->gy;
      n++;
      scan->nu    = nu;
      scan->y     = y;
      scan->gy    = gy;
      scan->slope = slope;
      h           = PetscMin(2.0 * step, most * way);
    } else h = 0.5 * step;
    if (n == SCAN_HISTORY || h < SCAN_LEAST * way || scan->nu + sign * h == scan->nu) {
      scan->end  = n == SCAN_HISTORY ? END_OTHER : Exponent(n, nus, gys, scan->nu, way);
      scan->last = 2.0 * h;
      return;
    }
  }
}

/* What is near nu = 0: kind, how y begins, and on which side */
static void Form(Curve *curve, Random *random)
{
  const PetscReal a = RandomReal(random, 0.3, 3.0), b = RandomReal(random, 0.2, 1.0),
                  e   = RandomPower(random, -2.5, -0.5);
  const PetscReal far = RandomReal(random, 0.3, 2.0), signe = RandomInt(random, 2) ? e : -e;
  PetscReal(*c)[CURVE_DEGREE] = curve->c;

  switch (RandomInt(random, 10)) {
  case 0:
    curve->name = "a line or a cubic";
    c[1][0] = a, c[3][0] = RandomInt(random, 2) ? b : 0.0, c[0][1] = -1.0, c[1][2] = RandomInt(random, 2) ? b : 0.0;
    curve->nu = RandomSigned(random, 0.3, 2.0), curve->y = 0.0;
    for (int k = 0; k < 60; k++) { /* monotone: Newton from afar */
      PetscReal g, gy, gnu;

      CurveValue(curve, curve->y, curve->nu, &g, &gy, &gnu);
      curve->y -= g / gy;
    }
    break;
  case 1:
    curve->name = "a fold";
    c[2][0] = a, c[0][1] = 1.0;
    curve->nu = -far, curve->y = RandomSigned(random, 1.0, 1.0) * PetscSqrtReal(far / a);
    break;
  case 2:
    curve->name = "a transcritical bifurcation";
    c[2][0] = 1.0, c[1][1] = -a;
    curve->nu = RandomSigned(random, 0.3, 2.0), curve->y = RandomInt(random, 2) ? a * curve->nu : 0.0;
    break;
  case 3:
    curve->name = "a pitchfork";
    c[3][0] = 1.0, c[1][1] = -a;
    curve->nu = RandomSigned(random, 0.3, 2.0);
    curve->y =
        curve->nu > 0.0 && RandomInt(random, 2) ? RandomSigned(random, 1.0, 1.0) * PetscSqrtReal(a * curve->nu) : 0.0;
    break;
  case 4:
    curve->name = "a cusp unfolded";
    c[3][0] = 1.0, c[1][0] = RandomInt(random, 3) ? -3.0 * b * b : b, c[0][1] = 1.0;
    curve->y  = RandomSigned(random, 2.1, 3.0) * b;
    curve->nu = -curve->y * (curve->y * curve->y + c[1][0]);
    break;
  case 5:
    curve->name = "an imperfect pitchfork";
    c[3][0] = 1.0, c[1][1] = -1.0, c[0][0] = signe;
    curve->y  = RandomSigned(random, 0.3, 1.5);
    curve->nu = curve->y * curve->y + signe / curve->y;
    break;
  case 6:
    curve->name = "an imperfect transcritical bifurcation";
    c[2][0] = 1.0, c[1][1] = -1.0, c[0][0] = signe;
    curve->y  = RandomSigned(random, 0.3, 1.5);
    curve->nu = curve->y + signe / curve->y;
    break;
  case 7:
    curve->name = "a pole";
    c[1][1] = a, c[0][0] = -1.0;
    curve->nu = RandomSigned(random, 0.3, 2.0), curve->y = 1.0 / (a * curve->nu);
    break;
  case 8:
    curve->name = "a circle or hyperbola";
    c[2][0] = 1.0, c[0][2] = RandomInt(random, 2) ? a : -a, c[0][0] = c[0][2] > 0.0 ? -b : -e;
    curve->nu = c[0][2] > 0.0 ? RandomReal(random, -0.8, 0.8) * PetscSqrtReal(b / a) : RandomSigned(random, 0.3, 2.0);
    curve->y  = RandomSigned(random, 1.0, 1.0) * PetscSqrtReal(-c[0][0] - c[0][2] * curve->nu * curve->nu);
    break;
  default:
    curve->name = "a random cubic";
    for (int i = 0; i < CURVE_DEGREE; i++)
      for (int j = 0; i + j < CURVE_DEGREE; j++) c[i][j] = RandomSigned(random, 0.1, 1.0);
    curve->nu = RandomSigned(random, 0.3, 2.0), curve->y = RandomSigned(random, 0.1, 1.5);
    {
      PetscReal g, gy, gnu;

      CurveValue(curve, curve->y, curve->nu, &g, &gy, &gnu);
      c[0][0] -= g;
    }
  }
}

PetscReal CurveDraw(Curve *curve, Random *random)
{
  PetscReal target;

  *curve = (Curve){.nu = 0.0};
  Form(curve, random);
  if (RandomChance(random, 0.5)) {
    curve->shift = RandomSigned(random, 0.1, 3.0);
    curve->slope = RandomSigned(random, 0.0, 1.0);
    curve->y += curve->shift + curve->slope * curve->nu;
  }
  target = RandomSigned(random, 0.2, 3.0);
  if (RandomChance(random, 0.6))
    target = curve->nu > 0.0 ? -PetscAbsReal(target) : PetscAbsReal(target); /* through zero */
  if (PetscAbsReal(target - curve->nu) < 0.2) target = curve->nu + 0.7;
  return target;
}
