static char help[] =
    "From one branch to the other where they cross: normal forms in all units, a rod that buckles, a reaction.\n";

#include "support/dinitest.h"
#include <math.h>

/*
  Row 0 has one of these relations in v = u_0 / unit and mu = m - critical; the others (2 + i) u_i = mu. Or all are the nodes of a
  differential equation in (0, 1), on which the path is zero.
*/
typedef enum {
  PITCHFORK,     /* mu v - v^3: the other branch lies ahead, v^2 = mu */
  SUBCRITICAL,   /* mu v + v^3: behind, v^2 = -mu */
  TRANSCRITICAL, /* v (mu - v): on both sides, v = mu */
  OBLIQUE,       /* the first one in v - 1 - mu: the path is not at rest */
  STEEP,         /* v (mu - v / 1e4): v = 1e4 mu */
  ROD,           /* w'' + m sin(w), w' = 0 at both ends: buckles at pi^2 */
  REACTION,      /* -w'' - m w + w^2, w = 0 at both ends: transcritical at pi^2 */
  ALONE,         /* mu (v - 1)^2 + v: J is singular nowhere near zero, and no other branch crosses */
  KINDS
} Kind;

typedef struct {
  Kind        kind;
  PetscInt    N;
  PetscReal   critical, unit;
  PetscScalar m;
  PetscInt    p;
  Mat         J;
  Vec         u, w;
  VecScatter  scatter;
  SNES        snes;
  Dini        dini;
} Problem;

/* The value, and the derivative in v */
static PetscScalar Relation(Kind kind, PetscScalar v, PetscScalar mu, PetscScalar *slope)
{
  PetscScalar y;

  switch (kind) {
  case PITCHFORK:
    *slope = mu - 3.0 * v * v;
    return mu * v - v * v * v;
  case SUBCRITICAL:
    *slope = mu + 3.0 * v * v;
    return mu * v + v * v * v;
  case TRANSCRITICAL:
    *slope = mu - 2.0 * v;
    return v * (mu - v);
  case STEEP:
    *slope = mu - 2e-4 * v;
    return v * (mu - 1e-4 * v);
  case ALONE:
    *slope = 1.0 + 2.0 * mu * (v - 1.0);
    return mu * (v - 1.0) * (v - 1.0) + v;
  default:
    y      = v - 1.0 - mu;
    *slope = mu - 3.0 * y * y;
    return mu * y - y * y * y;
  }
}

/* Row i of the differential equations, from all of the state; entries of J at i - 1, i, i + 1 */
static PetscScalar Node(const Problem *a, const PetscScalar w[], PetscInt i, PetscScalar J[3])
{
  const PetscInt  n = a->N;
  const PetscReal h = a->kind == ROD ? 1.0 / (PetscReal)n : 1.0 / (PetscReal)(n + 1), k = 1.0 / (h * h);

  if (a->kind == ROD) { /* nodes in the middle of cells */
    const PetscScalar left = i ? w[i - 1] : w[i], right = i + 1 < n ? w[i + 1] : w[i];

    J[0] = k;
    J[1] = -(PetscReal)((i > 0) + (i + 1 < n)) * k + a->m * PetscCosScalar(w[i]);
    J[2] = k;
    return k * (left - 2.0 * w[i] + right) + a->m * PetscSinScalar(w[i]);
  }
  J[0] = J[2] = -k;
  J[1]        = 2.0 * k - a->m + 2.0 * w[i];
  return k * (2.0 * w[i] - (i ? w[i - 1] : 0.0) - (i + 1 < n ? w[i + 1] : 0.0)) - a->m * w[i] + w[i] * w[i];
}

/* F and J, whichever is wanted */
static PetscErrorCode Evaluate(Problem *a, Vec u, Vec F, Mat J)
{
  const PetscScalar mu = a->m - a->critical, *w;
  PetscScalar      *f  = NULL;
  PetscInt          lo, hi;

  PetscFunctionBeginUser;
  PetscCall(VecScatterBegin(a->scatter, u, a->w, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(a->scatter, u, a->w, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecGetOwnershipRange(u, &lo, &hi));
  PetscCall(VecGetArrayRead(a->w, &w));
  if (F) PetscCall(VecGetArray(F, &f));
  for (PetscInt i = lo; i < hi; i++) {
    PetscScalar value, row[3] = {0.0, 0.0, 0.0};

    if (a->kind == ROD || a->kind == REACTION) value = Node(a, w, i, row);
    else if (i) {
      value  = (PetscReal)(2 + i) * w[i] - mu;
      row[1] = (PetscReal)(2 + i);
    } else {
      value = Relation(a->kind, w[0] / a->unit, mu, &row[1]);
      row[1] /= a->unit;
    }
    if (F) f[i - lo] = value;
    for (PetscInt k = 0; k < 3 && J; k++)
      if (k == 1 || (row[k] != (PetscScalar)0.0 && i + k >= 1 && i + k - 1 < a->N))
        PetscCall(MatSetValue(J, i, i + k - 1, row[k], INSERT_VALUES));
  }
  if (F) PetscCall(VecRestoreArray(F, &f));
  PetscCall(VecRestoreArrayRead(a->w, &w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(Evaluate((Problem *)ctx, u, F, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  PetscFunctionBeginUser;
  (void)snes, (void)P;
  PetscCall(Evaluate((Problem *)ctx, u, NULL, J));
  PetscCall(MatAssemblyBegin(J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(J, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where a matrix -D2 has its eigenvalue */
static PetscReal Critical(Kind kind, PetscInt N)
{
  const PetscReal h = kind == ROD ? 1.0 / (PetscReal)N : 1.0 / (PetscReal)(N + 1);

  if (kind != ROD && kind != REACTION) return 2.0;
  return 4.0 / (h * h) * PetscSqr(PetscSinReal(0.5 * PETSC_PI * h));
}

static PetscErrorCode Create(Kind kind, PetscInt N, PetscReal unit, PetscReal from, Problem *a)
{
  KSP ksp;
  PC  pc;

  PetscFunctionBeginUser;
  *a = (Problem){.kind = kind, .N = N, .unit = unit, .critical = Critical(kind, N)};
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, PETSC_DECIDE, N, &a->u));
  PetscCall(VecScatterCreateToAll(a->u, &a->scatter, &a->w));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, 3, NULL, 2, NULL, &a->J));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &a->snes));
  PetscCall(SNESSetFunction(a->snes, NULL, Residual, a));
  PetscCall(SNESSetJacobian(a->snes, a->J, a->J, Jacobian, a));
  PetscCall(SNESSetTolerances(a->snes, kind == ROD || kind == REACTION ? 1e-11 : 1e-13, 1e-12, 0.0, 50, 1000));
  PetscCall(SNESGetKSP(a->snes, &ksp));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCREDUNDANT));
  PetscCall(SNESSetFromOptions(a->snes));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &a->dini));
  PetscCall(DiniSetSNES(a->dini, a->snes));
  a->m = from;
  PetscCall(DiniAddScalarParameter(a->dini, "m", &a->m, &a->p));
  PetscCall(DiniSetFromOptions(a->dini));
  if (kind == OBLIQUE) { /* a guess near the path; elsewhere it is at zero */
    PetscCall(VecSet(a->u, 0.0));
    PetscCall(VecSetValue(a->u, 0, 0.0, INSERT_VALUES));
    PetscCall(VecAssemblyBegin(a->u));
    PetscCall(VecAssemblyEnd(a->u));
    PetscCall(VecSet(a->u, unit * (1.0 + from - a->critical)));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Problem *a)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&a->dini));
  PetscCall(SNESDestroy(&a->snes));
  PetscCall(MatDestroy(&a->J));
  PetscCall(VecScatterDestroy(&a->scatter));
  PetscCall(VecDestroy(&a->w));
  PetscCall(VecDestroy(&a->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* u_0 on every rank */
static PetscErrorCode First(Problem *a, PetscReal *v)
{
  const PetscScalar *w;

  PetscFunctionBeginUser;
  PetscCall(VecScatterBegin(a->scatter, a->u, a->w, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(a->scatter, a->u, a->w, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecGetArrayRead(a->w, &w));
  *v = PetscRealPart(w[a->kind == REACTION ? a->N / 2 : 0]);
  PetscCall(VecRestoreArrayRead(a->w, &w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What v = u_0 / unit is on the other branch at mu */
static PetscReal Other(Kind kind, PetscReal mu, PetscInt side)
{
  switch (kind) {
  case PITCHFORK:
    return (PetscReal)side * PetscSqrtReal(mu);
  case SUBCRITICAL:
    return (PetscReal)side * PetscSqrtReal(-mu);
  case OBLIQUE:
    return 1.0 + mu + (PetscReal)side * PetscSqrtReal(mu);
  case STEEP:
    return 1e4 * mu;
  default:
    return mu;
  }
}

/* To the crossing, over to the other branch, and along it */
static PetscErrorCode Forms(Kind kind, PetscReal unit, PetscReal from, PetscInt side, PetscInt N)
{
  Problem                a;
  PetscReal              reached, v, mu;
  DiniContinuationReason reason;
  DiniBifurcation        found;
  const DiniBifurcation  expected =
      kind == TRANSCRITICAL || kind == STEEP ? DINI_BIFURCATION_TRANSCRITICAL : DINI_BIFURCATION_PITCHFORK;

  PetscFunctionBeginUser;
  PetscCall(Create(kind, N, unit, from, &a));
  PetscCall(DiniContinue(a.dini, a.p, 4.0 - from, a.u, &reached, &reason));
  DiniTestTrue(reason == DINI_CONTINUATION_BIFURCATION && PetscAbsReal(reached - 2.0) < 1e-3,
               "kind %d, unit %g: reason %d at %g", (int)kind, (double)unit, (int)reason, (double)reached);
  PetscCall(DiniSwitchBranch(a.dini, a.p, reached, 0.04, side, a.u, &found));
  DiniTestTrue(found == expected, "kind %d, unit %g, side %d: %s", (int)kind, (double)unit, (int)side,
               DiniBifurcations[found]);
  mu = PetscRealPart(a.m) - 2.0;
  DiniTestClose(PetscAbsReal(mu), 0.04, 1e-2, 0.0, "how far beside the crossing");
  PetscCall(First(&a, &v));
  DiniTestClose(v / unit, Other(kind, mu, side), 1e-6, 1e-9, "the other branch beside the crossing");
  PetscCall(DiniContinue(a.dini, a.p, 2.0 + 10.0 * mu, a.u, &reached, &reason));
  DiniTestTrue(reason == DINI_CONTINUATION_TARGET, "kind %d, unit %g: along the other branch: reason %d at %g",
               (int)kind, (double)unit, (int)reason, (double)reached);
  PetscCall(First(&a, &v));
  DiniTestClose(v / unit, Other(kind, 10.0 * mu, side), 1e-6, 1e-9, "the other branch");
  PetscCall(Destroy(&a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* pi / 2 over the arithmetic-geometric mean of 1 and cos(angle / 2): K(sin(angle / 2)) */
static PetscReal Complete(PetscReal angle)
{
  PetscReal x = 1.0, y = PetscCosReal(0.5 * angle);

  for (int k = 0; k < 30; k++) {
    const PetscReal z = 0.5 * (x + y);

    y = PetscSqrtReal(x * y);
    x = z;
  }
  return 0.5 * PETSC_PI / x;
}

/* The angle at the end of a rod that has buckled: sqrt(m) = 2 K(sin(angle / 2)) */
static PetscErrorCode Rod(PetscInt N, PetscInt side, PetscReal *error)
{
  Problem                a;
  PetscReal              reached, angle, low = 1e-3, high = 3.1;
  DiniContinuationReason reason;
  DiniBifurcation        found;

  PetscFunctionBeginUser;
  PetscCall(Create(ROD, N, 1.0, 5.0, &a));
  PetscCall(DiniContinue(a.dini, a.p, 20.0, a.u, &reached, &reason));
  DiniTestTrue(reason == DINI_CONTINUATION_BIFURCATION && PetscAbsReal(reached - a.critical) < 1e-3 * a.critical,
               "rod: reason %d at %g", (int)reason, (double)reached);
  PetscCall(DiniSwitchBranch(a.dini, a.p, reached, 0.0, side, a.u, &found));
  DiniTestTrue(found == DINI_BIFURCATION_PITCHFORK && PetscRealPart(a.m) > a.critical, "rod: %s at %g",
               DiniBifurcations[found], (double)PetscRealPart(a.m));
  PetscCall(DiniContinue(a.dini, a.p, 20.0, a.u, &reached, &reason));
  DiniTestTrue(reason == DINI_CONTINUATION_TARGET, "rod: reason %d at %g", (int)reason, (double)reached);
  PetscCall(First(&a, &angle));
  for (int k = 0; k < 60; k++) {
    const PetscReal middle = 0.5 * (low + high);

    if (2.0 * Complete(middle) < PetscSqrtReal(20.0)) low = middle;
    else high = middle;
  }
  *error = PetscAbsReal(PetscAbsReal(angle) - low);
  PetscCall(Destroy(&a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From both directions, to both sides: positive ahead, negative behind */
static PetscErrorCode Reaction(PetscReal from, PetscInt side)
{
  Problem                a;
  PetscReal              reached, middle;
  DiniContinuationReason reason;
  DiniBifurcation        found;

  PetscFunctionBeginUser;
  PetscCall(Create(REACTION, 30, 1.0, from, &a));
  PetscCall(DiniContinue(a.dini, a.p, 20.0 - from, a.u, &reached, &reason));
  DiniTestTrue(reason == DINI_CONTINUATION_BIFURCATION, "reaction: reason %d at %g", (int)reason, (double)reached);
  PetscCall(DiniSwitchBranch(a.dini, a.p, reached, 0.2, side, a.u, &found));
  DiniTestTrue(found == DINI_BIFURCATION_TRANSCRITICAL, "reaction: %s", DiniBifurcations[found]);
  PetscCall(First(&a, &middle));
  DiniTestTrue(middle * side > 0.1 && (PetscRealPart(a.m) - a.critical) * side > 0.0, "reaction: %g at %g",
               (double)middle, (double)PetscRealPart(a.m));
  PetscCall(Destroy(&a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where nothing crosses: said, and everything as it was */
static PetscErrorCode Nothing(void)
{
  Problem         a;
  PetscReal       v, before;
  DiniBifurcation found;

  PetscFunctionBeginUser;
  PetscCall(Create(ALONE, 3, 1.0, 2.0, &a));
  PetscCall(DiniSolve(a.dini, a.u));
  PetscCall(First(&a, &before));
  PetscCall(DiniSwitchBranch(a.dini, a.p, 2.01, 0.01, 1, a.u, &found));
  PetscCall(First(&a, &v));
  DiniTestTrue(found == DINI_BIFURCATION_NONE, "nothing crosses, and %s is found", DiniBifurcations[found]);
  DiniTestClose(v, before, 1e-12, 1e-12, "the state after a search in vain");
  DiniTestClose(PetscRealPart(a.m), 2.0, 1e-14, 0.0, "the parameter after a search in vain");
  DiniTestExpect(DiniSwitchBranch(a.dini, a.p, 2.01, 0.01, 1, a.u, NULL), PETSC_ERR_NOT_CONVERGED,
                 "No other branch has been found");
  DiniTestExpect(DiniSwitchBranch(a.dini, a.p, 2.01, 0.01, 0, a.u, &found), PETSC_ERR_ARG_OUTOFRANGE, "and not 0");
  DiniTestExpect(DiniSwitchBranch(a.dini, a.p, 2.01, -1.0, 1, a.u, &found), PETSC_ERR_ARG_OUTOFRANGE, "and not -1");
  DiniTestExpect(DiniSwitchBranch(a.dini, a.p, PETSC_INFINITY, 0.01, 1, a.u, &found), PETSC_ERR_ARG_OUTOFRANGE,
                 "not a number");
  PetscCall(Destroy(&a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  static const PetscReal units[] = {1.0, 1e3, 1e-3};
  PetscReal              error[2];

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (int kind = PITCHFORK; kind <= STEEP; kind++)
    for (int k = 0; k < 3; k++)
      for (PetscInt side = -1; side <= 1; side += 2) {
        PetscCall(Forms((Kind)kind, units[k], 1.0, side, 1));
        PetscCall(Forms((Kind)kind, units[k], 3.0, side, 4));
        PetscCall(Forms((Kind)kind, units[k], 0.5, side, 60));
      }
  PetscCall(Rod(10, 1, &error[0]));
  PetscCall(Rod(20, -1, &error[1]));
  DiniTestTrue(error[1] < 0.02 && error[0] > 3.0 * error[1] && error[0] < 5.0 * error[1],
               "The rod is off by %g and %g with half the cells", (double)error[1], (double)error[0]);
  for (PetscInt side = -1; side <= 1; side += 2) {
    PetscCall(Reaction(5.0, side));
    PetscCall(Reaction(15.0, side));
  }
  PetscCall(Nothing());
  PetscCall(PetscFinalize());
  return 0;
}
