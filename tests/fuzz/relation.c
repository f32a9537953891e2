/* A relation of order-one numbers: diagonally dominant and monotone in v, so that it has one solution near the drawn one */
#include "fuzz.h"

PetscInt RelationBlock(const Relation *R, PetscInt k)
{
  PetscInt b = 0;

  while (k >= R->first[b + 1]) b++;
  return b;
}

static PetscScalar H(Shape shape, PetscScalar q)
{
  switch (shape) {
  case SHAPE_SQUARE:
    return q * q;
  case SHAPE_EXP:
    return PetscExpScalar(q / 2.0);
  case SHAPE_ROOT:
    return PetscSqrtScalar(q);
  case SHAPE_ABSENT:
    return 0.0;
  default:
    return q;
  }
}

static PetscScalar Slope(Shape shape, PetscScalar q)
{
  switch (shape) {
  case SHAPE_SQUARE:
    return 2.0 * q;
  case SHAPE_EXP:
    return PetscExpScalar(q / 2.0) / 2.0;
  case SHAPE_ROOT:
    return 0.5 / PetscSqrtScalar(q);
  case SHAPE_ABSENT:
    return 0.0;
  default:
    return 1.0;
  }
}

void RelationValue(const Relation *R, PetscScalar context, const PetscScalar v[], const PetscScalar q[],
                   PetscScalar G[], PetscReal size[])
{
  for (PetscInt i = 0; i < R->N; i++) {
    PetscScalar term = context * (R->shift[i] * v[i] + R->cubic[i] * v[i] * v[i] * v[i]), sum = term;
    PetscReal   total = PetscAbsScalar(term) + PetscAbsScalar(context * R->source[i]);

    sum -= context * R->source[i];
    for (PetscInt j = 0; j < R->N; j++) {
      sum += R->A[i][j] * v[j];
      total += PetscAbsScalar(R->A[i][j] * v[j]);
    }
    if (R->product[i] != 0.0) {
      term = R->product[i] * q[R->pk[i]] * v[R->pl[i]];
      sum += term;
      total += PetscAbsScalar(term);
    }
    for (PetscInt b = 0; b < R->nb; b++)
      for (PetscInt k = R->first[b]; k < R->first[b + 1]; k++) {
        if (R->C[i][k] == 0.0) continue;
        term = R->C[i][k] * H(R->shape[b], q[k]);
        sum += term;
        total += PetscAbsScalar(term);
      }
    G[i] = sum;
    if (size) size[i] = total;
  }
}

void RelationInState(const Relation *R, PetscScalar context, const PetscScalar v[], const PetscScalar q[],
                     PetscScalar Gv[FUZZ_N][FUZZ_N])
{
  for (PetscInt i = 0; i < R->N; i++) {
    for (PetscInt j = 0; j < R->N; j++) Gv[i][j] = R->A[i][j];
    Gv[i][i] += context * (R->shift[i] + 3.0 * R->cubic[i] * v[i] * v[i]);
    if (R->product[i] != 0.0) Gv[i][R->pl[i]] += R->product[i] * q[R->pk[i]];
  }
}

void RelationInParameters(const Relation *R, const PetscScalar v[], const PetscScalar q[],
                          PetscScalar Gq[FUZZ_N][FUZZ_M])
{
  for (PetscInt i = 0; i < R->N; i++) {
    for (PetscInt b = 0; b < R->nb; b++)
      for (PetscInt k = R->first[b]; k < R->first[b + 1]; k++)
        Gq[i][k] = R->C[i][k] == 0.0 ? 0.0 : R->C[i][k] * Slope(R->shape[b], q[k]);
    if (R->product[i] != 0.0) Gq[i][R->pk[i]] += R->product[i] * v[R->pl[i]];
  }
}

PetscBool RelationCouples(const Relation *R, PetscInt i, PetscInt j)
{
  return (PetscBool)(i == j || R->A[i][j] != 0.0 || (R->product[i] != 0.0 && R->pl[i] == j));
}

PetscBool RelationDepends(const Relation *R, PetscInt i, PetscInt k)
{
  return (PetscBool)(R->C[i][k] != 0.0 || (R->product[i] != 0.0 && R->pk[i] == k));
}

PetscScalar RelationParameter(const Relation *R, PetscInt k, Random *random)
{
  const Shape     shape = R->shape[RelationBlock(R, k)];
  const PetscReal re = RandomReal(random, 0.4, 1.5), im = RandomReal(random, 0.1, 0.5);

  (void)im;
  if (shape == SHAPE_ROOT || shape == SHAPE_EXP || !R->imaginary) return re;
  return DiniTestScalar(re, im);
}

/* ---- drawing ---- */
static void DrawBlocks(Relation *R, Random *random)
{
  R->nb       = 1 + RandomInt(random, FUZZ_B - 1);
  R->first[0] = 0;
  for (PetscInt b = 0; b < R->nb; b++) {
    const PetscInt pick = RandomInt(random, 20);

    R->size[b]  = RandomChance(random, 0.02) ? 0 : 1 + RandomInt(random, 6);
    R->shape[b] = pick < 7 ? SHAPE_LINEAR : pick < 11 ? SHAPE_SQUARE : pick < 15 ? SHAPE_EXP : SHAPE_ROOT;
    if (b > 0 && RandomChance(random, 0.06)) R->shape[b] = SHAPE_ABSENT;
    if (b == R->nb - 1 && RandomChance(random, 0.15)) {
      R->shape[b] = SHAPE_RHS;
      R->size[b]  = R->N;
    }
    R->first[b + 1] = R->first[b] + R->size[b];
  }
  R->M = R->first[R->nb];
}

static void DrawMatrix(Relation *R, Random *random)
{
  static const PetscReal dominances[] = {0.2, 0.5, 0.8, 0.95};
  const PetscReal        density      = RandomChance(random, 0.3) ? 1.0 : RandomReal(random, 0.1, 0.7);
  const PetscReal        dominance    = R->type == TYPE_FIXEDPOINT ? 0.4 : dominances[RandomInt(random, 4)];
  PetscReal              row[FUZZ_N]  = {0.0};

  for (PetscInt i = 0; i < R->N; i++)
    for (PetscInt j = 0; j < i + 1; j++) {
      if (i == j || !RandomChance(random, density)) continue;
      R->A[i][j] = RandomScalar(random, R->imaginary);
      R->A[j][i] = R->symmetric ? R->A[i][j] : RandomScalar(random, R->imaginary);
      row[i] += PetscAbsScalar(R->A[i][j]);
      row[j] += PetscAbsScalar(R->A[j][i]);
    }
  for (PetscInt i = 0; i < R->N; i++) {
    R->A[i][i] = row[i] / dominance + 0.5;
    if (R->type == TYPE_FIXEDPOINT) { /* v - G(v) contracts */
      for (PetscInt j = 0; j < R->N; j++)
        if (i != j && row[i] > 0.0) R->A[i][j] *= dominance / PetscMax(row[i], dominance);
      R->A[i][i] = 0.9;
    }
    R->shift[i] = RandomReal(random, 0.0, 0.2);
    R->cubic[i] = R->affine ? 0.0 : RandomReal(random, 0.01, R->type == TYPE_FIXEDPOINT ? 0.1 : 0.5);
  }
}

static void DrawDependence(Relation *R, Random *random)
{
  const PetscBool products = (PetscBool)(!R->symmetric && RandomChance(random, 0.5));
  const PetscReal density  = RandomReal(random, 0.2, 1.0);
  PetscBool       rhs      = PETSC_FALSE;

  for (PetscInt b = 0; b < R->nb; b++) rhs = (PetscBool)(rhs || R->shape[b] == SHAPE_RHS);
  for (PetscInt i = 0; i < R->N; i++) {
    for (PetscInt k = 0; k < R->M; k++) {
      const PetscInt b = RelationBlock(R, k);

      if (R->shape[b] == SHAPE_RHS) R->C[i][k] = k - R->first[b] == i ? -1.0 : 0.0;
      else if (R->shape[b] != SHAPE_ABSENT && !(R->type == TYPE_KSP && rhs) &&
               (i == k % R->N || RandomChance(random, density)))
        R->C[i][k] = RandomScalar(random, R->imaginary);
    }
    if (!products || !R->M) continue;
    R->pk[i] = RandomInt(random, R->M);
    R->pl[i] = RandomInt(random, R->N);
    if (R->shape[RelationBlock(R, R->pk[i])] < SHAPE_RHS) R->product[i] = RandomReal(random, 0.01, 0.15);
  }
  for (PetscInt b = 0; b < R->nb; b++) { /* what enters nowhere */
    PetscBool enters = (PetscBool)(R->size[b] == 0);

    for (PetscInt k = R->first[b]; k < R->first[b + 1]; k++)
      for (PetscInt i = 0; i < R->N; i++) enters = (PetscBool)(enters || RelationDepends(R, i, k));
    if (!enters) R->shape[b] = SHAPE_ABSENT;
  }
}

/* A solution, and the sources that make it one */
static void DrawSolution(Relation *R, PetscBool narrow, Random *random)
{
  const PetscBool zero = RandomChance(random, 0.05);
  PetscScalar     G[FUZZ_N];
  PetscInt        rhs = -1;

  for (PetscInt b = 0; b < R->nb; b++) {
    const PetscBool none  = (PetscBool)(R->shape[b] != SHAPE_ROOT && RandomChance(random, 0.04));
    const PetscBool range = RandomChance(random, 0.15);

    if (R->shape[b] == SHAPE_RHS) rhs = b;
    for (PetscInt k = R->first[b]; k < R->first[b + 1]; k++) {
      R->q[k] = RelationParameter(R, k, random);
      if (none) R->q[k] = 0.0;
      if (range && R->shape[b] == SHAPE_ROOT) R->q[k] = narrow ? 1.0 : RandomPower(random, -6.0, 0.0);
    }
  }
  for (PetscInt j = 0; j < R->N; j++) {
    R->v[j] = RandomScalar(random, R->imaginary);
    if (zero) R->v[j] = 0.0;
  }
  if (rhs >= 0)
    for (PetscInt i = 0; i < R->N; i++) R->q[R->first[rhs] + i] = 0.0;
  RelationValue(R, 1.0, R->v, R->q, G, NULL);
  for (PetscInt i = 0; i < R->N; i++) {
    if (rhs >= 0) R->q[R->first[rhs] + i] = G[i];
    else R->source[i] = G[i];
  }
}

static void DrawUnits(Relation *R, PetscBool alike, PetscBool even, Random *random)
{
  const PetscInt  scheme = RandomInt(random, 10);
  const PetscBool state = (PetscBool)(scheme == 6 || scheme >= 8), rows = (PetscBool)(scheme >= 7);
  const PetscReal reach  = RandomChance(random, 0.2) ? 10.0 : 5.0;
  const PetscBool spread = RandomChance(random, 0.05), blocks = RandomChance(random, 0.4);
  PetscReal       c[3], r[3], d;

  R->fields = 1 + RandomInt(random, 3);
  for (PetscInt f = 0; f < 3; f++) {
    c[f] = state ? RandomPower(random, -reach, reach) : 1.0;
    r[f] = rows ? RandomPower(random, -reach, reach) : 1.0;
    if (alike) c[f] = r[f] = 1.0;
  }
  for (PetscInt i = 0; i < R->N; i++) {
    R->c[i] = c[i % R->fields];
    R->r[i] = R->type == TYPE_FIXEDPOINT ? R->c[i] : R->symmetric ? 1.0 / R->c[i] : r[i % R->fields];
  }
  for (PetscInt b = 0; b < R->nb; b++) {
    d = blocks ? RandomPower(random, -6.0, 6.0) : 1.0;
    for (PetscInt k = R->first[b]; k < R->first[b + 1]; k++) {
      R->d[k] = spread ? RandomPower(random, -4.0, 4.0) : d;
      if (even) R->d[k] = d;
      if (R->shape[b] == SHAPE_RHS) R->d[k] = R->r[k - R->first[b]];
    }
  }
  for (PetscInt i = 0; i < R->N; i++)
    for (PetscInt j = 0; j < R->N; j++)
      if (R->c[i] > FUZZ_WIDE * R->c[j] || R->r[i] > FUZZ_WIDE * R->r[j]) R->wide = PETSC_TRUE;
}

/* The first unknown that has units like those of j, so that a norm may take the two together */
PetscInt RelationUnits(const Relation *R, PetscInt j)
{
  for (PetscInt i = 0; i < j; i++) {
    const PetscReal c = R->c[i] / R->c[j], r = R->r[i] / R->r[j];

    if (c <= FUZZ_WIDE && c >= 1.0 / FUZZ_WIDE && r <= FUZZ_WIDE && r >= 1.0 / FUZZ_WIDE) return i;
  }
  return j;
}

PetscErrorCode RelationDraw(Relation *R, Type type, PetscBool alike, PetscBool even, PetscBool narrow, Random *random)
{
  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(R, sizeof(*R)));
  R->type      = type;
  R->imaginary = (PetscBool)(PetscDefined(USE_COMPLEX) && RandomChance(random, 0.7));
  R->N         = RandomChance(random, 0.12) ? 1 : 2 + RandomInt(random, FUZZ_N - 3);
  R->symmetric = (PetscBool)(!PetscDefined(USE_COMPLEX) && type != TYPE_FIXEDPOINT && RandomChance(random, 0.2));
  R->affine    = (PetscBool)(type == TYPE_KSP || RandomChance(random, 0.4));
  DrawBlocks(R, random);
  DrawMatrix(R, random);
  DrawDependence(R, random);
  DrawSolution(R, narrow, random);
  DrawUnits(R, alike, even, random);
  PetscFunctionReturn(PETSC_SUCCESS);
}
