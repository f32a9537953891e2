/* What is right: dense elimination in numbers of order one, on every rank */
#include "fuzz.h"

/* inverse of a, by Gauss and Jordan with pivots; false where a pivot is no more than rounding */
static PetscBool Invert(PetscInt n, PetscScalar a[FUZZ_N][FUZZ_N], PetscScalar inverse[FUZZ_N][FUZZ_N])
{
  PetscReal largest = 0.0;

  for (PetscInt i = 0; i < n; i++)
    for (PetscInt j = 0; j < n; j++) {
      inverse[i][j] = i == j ? 1.0 : 0.0;
      largest       = PetscMax(largest, PetscAbsScalar(a[i][j]));
    }
  for (PetscInt c = 0; c < n; c++) {
    PetscInt    pivot = c;
    PetscScalar scale;

    for (PetscInt i = c + 1; i < n; i++)
      if (PetscAbsScalar(a[i][c]) > PetscAbsScalar(a[pivot][c])) pivot = i;
    if (!(PetscAbsScalar(a[pivot][c]) > 1e-9 * largest)) return PETSC_FALSE;
    for (PetscInt j = 0; j < n; j++) {
      PetscScalar t = a[c][j];

      a[c][j]           = a[pivot][j];
      a[pivot][j]       = t;
      t                 = inverse[c][j];
      inverse[c][j]     = inverse[pivot][j];
      inverse[pivot][j] = t;
    }
    scale = 1.0 / a[c][c];
    for (PetscInt j = 0; j < n; j++) {
      a[c][j] *= scale;
      inverse[c][j] *= scale;
    }
    for (PetscInt i = 0; i < n; i++) {
      const PetscScalar factor = a[i][c];

      if (i == c || factor == 0.0) continue;
      for (PetscInt j = 0; j < n; j++) {
        a[i][j] -= factor * a[c][j];
        inverse[i][j] -= factor * inverse[c][j];
      }
    }
  }
  return PETSC_TRUE;
}

PetscBool OracleAt(const Relation *R, PetscScalar context, const PetscScalar v[], const PetscScalar q[], Point *point)
{
  PetscScalar Gv[FUZZ_N][FUZZ_N];

  point->context = context;
  for (PetscInt j = 0; j < R->N; j++) point->v[j] = v[j];
  for (PetscInt k = 0; k < R->M; k++) point->q[k] = q[k];
  RelationInState(R, context, v, q, Gv);
  RelationInParameters(R, v, q, point->Gq);
  point->valid = Invert(R->N, Gv, point->inverse);
  for (PetscInt j = 0; j < R->N; j++)
    for (PetscInt k = 0; k < R->M; k++) {
      point->D[j][k]    = 0.0;
      point->size[j][k] = 0.0;
      for (PetscInt i = 0; i < R->N; i++) {
        point->D[j][k] -= point->inverse[j][i] * point->Gq[i][k];
        point->size[j][k] += PetscAbsScalar(point->inverse[j][i]) * PetscAbsScalar(point->Gq[i][k]);
      }
    }
  return point->valid;
}

PetscBool OracleSolve(const Relation *R, PetscScalar context, PetscScalar v[], const PetscScalar q[])
{
  PetscScalar Gv[FUZZ_N][FUZZ_N], inverse[FUZZ_N][FUZZ_N], G[FUZZ_N];
  PetscReal   moved = 1.0;

  for (PetscInt it = 0; it < 60; it++) {
    RelationValue(R, context, v, q, G, NULL);
    RelationInState(R, context, v, q, Gv);
    if (!Invert(R->N, Gv, inverse)) return PETSC_FALSE;
    moved = 0.0;
    for (PetscInt j = 0; j < R->N; j++) {
      PetscScalar step = 0.0;

      for (PetscInt i = 0; i < R->N; i++) step += inverse[j][i] * G[i];
      v[j] -= step;
      moved = PetscMax(moved, PetscAbsScalar(step) / (1.0 + PetscAbsScalar(v[j])));
    }
    if (moved < 1e-14) return PETSC_TRUE;
  }
  return (PetscBool)(moved < 1e-11);
}

PetscErrorCode OracleVerify(const Relation *R, const Point *point)
{
  const PetscReal h = 1e-5;
  PetscScalar     v[FUZZ_N], q[FUZZ_M], plus[FUZZ_N], minus[FUZZ_N], Gv[FUZZ_N][FUZZ_N], slope, exact;
  PetscReal       step, worst = 0.0;

  PetscFunctionBeginUser;
  for (PetscInt j = 0; j < R->N; j++) v[j] = point->v[j];
  for (PetscInt k = 0; k < R->M; k++) q[k] = point->q[k];
  RelationInState(R, point->context, v, q, Gv);
  for (PetscInt x = 0; x < R->N + R->M; x++) {
    PetscScalar *entry = x < R->N ? &v[x] : &q[x - R->N], keep = *entry;

    step   = x < R->N || R->shape[RelationBlock(R, x - R->N)] != SHAPE_ROOT ? h : h * PetscAbsScalar(keep);
    *entry = keep + step;
    RelationValue(R, point->context, v, q, plus, NULL);
    *entry = keep - step;
    RelationValue(R, point->context, v, q, minus, NULL);
    *entry = keep;
    for (PetscInt i = 0; i < R->N; i++) {
      slope = (plus[i] - minus[i]) / (2.0 * step);
      exact = x < R->N ? Gv[i][x] : point->Gq[i][x - R->N];
      worst = PetscMax(worst, PetscAbsScalar(slope - exact) / (1.0 + PetscAbsScalar(exact)));
    }
  }
  PetscCheck(worst < 1e-4, PETSC_COMM_SELF, PETSC_ERR_PLIB, "The oracle's own derivatives are off by %g",
             (double)worst);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscReal OracleDistance(PetscInt n, const PetscScalar x[], const PetscScalar y[], const PetscReal size[],
                         PetscInt groups, const PetscInt group[])
{
  PetscReal worst = 0.0, largest = 0.0;

  for (PetscInt i = 0; i < n; i++) largest = PetscMax(largest, size[i]);
  for (PetscInt g = 0; g < groups; g++) {
    PetscReal miss = 0.0, scale = 0.0, one;

    for (PetscInt i = 0; i < n; i++) {
      if (group[i] != g) continue;
      one = PetscAbsScalar(x[i] - y[i]);
      if (PetscIsInfOrNanReal(one)) return PETSC_INFINITY;
      miss  = PetscMax(miss, one);
      scale = PetscMax(scale, size[i]);
    }
    if (scale == 0.0) scale = 0.01 * largest; /* not coupled at all: what a solve has left */
    worst =
        PetscMax(worst, scale > 0.0 ? miss / scale : miss); /* nothing is coupled: cotangents are of the size of one */
  }
  return worst;
}

PetscReal OracleWeight(PetscInt which, PetscInt j)
{
  return 1.0 + 0.5 * (PetscReal)((j + 3 * which) % 4);
}

PetscReal OracleObjective(const Relation *R, PetscInt which, const Point *point, PetscScalar gradient[],
                          PetscReal size[])
{
  PetscReal value = 0.0;

  for (PetscInt k = 0; k < R->M; k++) {
    value += 0.05 * PetscSqr(PetscAbsScalar(point->q[k]));
    gradient[k] = 0.1 * point->q[k];
    size[k]     = 0.1 * PetscAbsScalar(point->q[k]);
  }
  for (PetscInt j = 0; j < R->N; j++) {
    const PetscScalar misfit = OracleWeight(which, j) * (point->v[j] - 0.5);

    value += 0.5 * OracleWeight(which, j) * PetscSqr(PetscAbsScalar(point->v[j] - 0.5));
    for (PetscInt k = 0; k < R->M; k++) {
      gradient[k] += PetscConj(point->D[j][k]) * misfit;
      size[k] += point->size[j][k] * PetscAbsScalar(misfit);
    }
  }
  return value;
}

PetscBool OracleHessian(const Relation *R, const Point *point, const PetscScalar dq[], PetscScalar Hdq[])
{
  const PetscReal h = 1e-4;
  Point           at;
  PetscScalar     v[FUZZ_N], q[FUZZ_M], gradient[2][FUZZ_M];
  PetscReal       size[FUZZ_M], largest = 0.0, step = h;

  for (PetscInt k = 0; k < R->M; k++) largest = PetscMax(largest, PetscAbsScalar(dq[k]));
  if (!(largest > 0.0)) return PETSC_FALSE;
  for (PetscInt k = 0; k < R->M; k++) /* stay in the domain of roots */
    if (R->shape[RelationBlock(R, k)] == SHAPE_ROOT) step = PetscMin(step, 0.01 * PetscAbsScalar(point->q[k]));
  for (int side = 0; side < 2; side++) {
    for (PetscInt j = 0; j < R->N; j++) v[j] = point->v[j];
    for (PetscInt k = 0; k < R->M; k++) q[k] = point->q[k] + (side ? -step : step) / largest * dq[k];
    if (!OracleSolve(R, point->context, v, q) || !OracleAt(R, point->context, v, q, &at)) return PETSC_FALSE;
    (void)OracleObjective(R, 0, &at, gradient[side], size);
  }
  for (PetscInt k = 0; k < R->M; k++) Hdq[k] = (gradient[0][k] - gradient[1][k]) * largest / (2.0 * step);
  return PETSC_TRUE;
}
