static char help[] =
    "Round folds: circles, hysteresis, the Bratu problem against its closed form; with unknowns beside in whatever units, and\n\
where the forward solve does not find the other side.\n";

#include "support/dinitest.h"
#include <math.h>

/* Row 0 has one of these relations f(u, m) = 0; the others (2 + i) u_i = unit m. Or all are the nodes of Bratu's problem. */
typedef enum {
  CIRCLE,    /* u^2 + m^2 - 1: folds at -1 and 1 */
  CUBIC,     /* u^3 - 3 u + m: folds at 2, u = 1, and -2, u = -1 */
  QUARTIC,   /* u^4 + m - 1: a flat fold at 1 */
  PARABOLA,  /* u^2 + m / 1e6 - 1: a fold at 1e6 */
  ITERATION, /* u - u^2 - m: a fold at 1/4; u <- u^2 + m goes away from the solutions above 1/2 */
  BRATU      /* -u'' - m e^u, u = 0 at both ends of (0, 1) */
} Kind;

typedef struct {
  Kind        kind;
  PetscReal   unit;
  PetscInt    N;
  PetscScalar m;
  PetscInt    p, points, last; /* of the monitor: calls, and the sign of the last step of m */
  PetscReal   before;
  PetscInt    turns;
  Mat         A;
  Vec         u, r, everywhere;
  VecScatter  all;
  SNES        snes;
  Dini        dini;
} Problem;

static PetscScalar Relation(const Problem *a, PetscScalar u)
{
  switch (a->kind) {
  case CIRCLE:
    return u * u + a->m * a->m - 1.0;
  case CUBIC:
    return u * u * u - 3.0 * u + a->m;
  case QUARTIC:
    return u * u * u * u + a->m - 1.0;
  case PARABOLA:
    return u * u + 1e-6 * a->m - 1.0;
  default:
    return u - u * u - a->m;
  }
}

static PetscScalar Slope(const Problem *a, PetscScalar u)
{
  switch (a->kind) {
  case CUBIC:
    return 3.0 * u * u - 3.0;
  case QUARTIC:
    return 4.0 * u * u * u;
  case ITERATION:
    return 1.0 - 2.0 * u;
  default:
    return 2.0 * u;
  }
}

/* F and J, whichever is wanted */
static PetscErrorCode Evaluate(Problem *a, Vec u, Vec F, Mat A)
{
  const PetscReal    h2 = PetscSqr((PetscReal)(a->N + 1));
  const PetscScalar *x;
  PetscInt           lo, hi;

  PetscFunctionBeginUser;
  PetscCall(VecScatterBegin(a->all, u, a->everywhere, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(a->all, u, a->everywhere, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecGetArrayRead(a->everywhere, &x));
  PetscCall(VecGetOwnershipRange(u, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) {
    PetscScalar f, j;

    if (a->kind == BRATU) {
      f = h2 * (2.0 * x[i] - (i ? x[i - 1] : 0.0) - (i + 1 < a->N ? x[i + 1] : 0.0)) - a->m * PetscExpScalar(x[i]);
      j = 2.0 * h2 - a->m * PetscExpScalar(x[i]);
      if (A && i) PetscCall(MatSetValue(A, i, i - 1, -h2, INSERT_VALUES));
      if (A && i + 1 < a->N) PetscCall(MatSetValue(A, i, i + 1, -h2, INSERT_VALUES));
    } else {
      f = i ? (PetscReal)(2 + i) * x[i] - a->unit * a->m : Relation(a, x[0]);
      j = i ? (PetscReal)(2 + i) : Slope(a, x[0]);
    }
    if (F) PetscCall(VecSetValue(F, i, f, INSERT_VALUES));
    if (A) PetscCall(MatSetValue(A, i, i, j, INSERT_VALUES));
  }
  PetscCall(VecRestoreArrayRead(a->everywhere, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(Evaluate((Problem *)ctx, u, F, NULL));
  PetscCall(VecAssemblyBegin(F));
  PetscCall(VecAssemblyEnd(F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat A, Mat P, void *ctx)
{
  PetscFunctionBeginUser;
  (void)snes;
  (void)P;
  PetscCall(Evaluate((Problem *)ctx, u, NULL, A));
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* u^2 + m */
static PetscErrorCode Map(Dini dini, Vec u, Vec g, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecPointwiseMult(g, u, u));
  PetscCall(VecShift(g, ((Problem *)ctx)->m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Monitor(Dini dini, PetscReal m, Vec u, Vec dudm, PetscReal fold, void *ctx)
{
  Problem       *a    = (Problem *)ctx;
  const PetscInt sign = !a->points || m == a->before ? 0 : m > a->before ? 1 : -1;

  PetscFunctionBeginUser;
  (void)dini;
  (void)u;
  (void)dudm;
  (void)fold;
  if (sign && a->last && sign != a->last) a->turns++;
  if (sign) a->last = sign;
  a->before = m;
  a->points++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(Kind kind, PetscInt N, PetscReal unit, PetscReal m, PetscReal u0, Problem *a)
{
  KSP ksp;
  PC  pc;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(a, sizeof(*a)));
  a->kind = kind;
  a->N    = N;
  a->unit = unit;
  a->m    = m;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, 3, NULL, 2, NULL, &a->A));
  PetscCall(MatCreateVecs(a->A, &a->u, &a->r));
  PetscCall(VecScatterCreateToAll(a->u, &a->all, &a->everywhere));
  PetscCall(VecSet(a->u, 0.0));
  PetscCall(VecSetValue(a->u, 0, u0, INSERT_VALUES));
  PetscCall(VecAssemblyBegin(a->u));
  PetscCall(VecAssemblyEnd(a->u));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &a->dini));
  if (kind == ITERATION) PetscCall(DiniSetFixedPoint(a->dini, Map, a));
  else {
    PetscCall(SNESCreate(PETSC_COMM_WORLD, &a->snes));
    PetscCall(SNESSetFunction(a->snes, a->r, Residual, a));
    PetscCall(SNESSetJacobian(a->snes, a->A, a->A, Jacobian, a));
    PetscCall(SNESSetTolerances(a->snes, kind == BRATU ? 2e-12 : 1e-13, 1e-11, 1e-13, 30, PETSC_DEFAULT));
    PetscCall(SNESGetKSP(a->snes, &ksp));
    PetscCall(KSPSetTolerances(ksp, 1e-12, PETSC_DEFAULT, PETSC_DEFAULT, 10000));
    PetscCall(KSPGetPC(ksp, &pc));
    PetscCall(PCSetType(pc, PCREDUNDANT));
    PetscCall(SNESSetFromOptions(a->snes));
    PetscCall(DiniSetSNES(a->dini, a->snes));
  }
  PetscCall(DiniAddScalarParameter(a->dini, "m", &a->m, &a->p));
  PetscCall(DiniContinuationMonitorSet(a->dini, Monitor, a));
  PetscCall(DiniSetFromOptions(a->dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Problem *a)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&a->dini));
  PetscCall(SNESDestroy(&a->snes));
  PetscCall(MatDestroy(&a->A));
  PetscCall(VecDestroy(&a->u));
  PetscCall(VecDestroy(&a->r));
  PetscCall(VecDestroy(&a->everywhere));
  PetscCall(VecScatterDestroy(&a->all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* u_0 on every rank */
static PetscErrorCode First(Problem *a, PetscReal *value)
{
  const PetscScalar *x;

  PetscFunctionBeginUser;
  PetscCall(VecScatterBegin(a->all, a->u, a->everywhere, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(a->all, a->u, a->everywhere, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecGetArrayRead(a->everywhere, &x));
  *value = PetscRealPart(x[0]);
  PetscCall(VecRestoreArrayRead(a->everywhere, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct { /* NOLINT(clang-analyzer-optin.performance.Padding): as the table reads */
  const char            *name;
  Kind                   kind;
  PetscReal              m, u0, target, back;
  PetscInt               folds;
  DiniContinuationReason reason;
  PetscReal              reached, u; /* where the path ends, and u_0 there unless that is at a fold */
  PetscInt               n;
  PetscReal              fold[2];
} Case;

#define BACK PETSC_INFINITY
static const Case cases[] = {
    {"circle", CIRCLE, 0.0, -1.0, 5.0, BACK, 1, DINI_CONTINUATION_RETURN, 0.0, 1.0, 1, {1.0, 0.0}},
    {"circle, downwards",
     CIRCLE,
     0.5,
     0.9,
     -5.0,
     BACK,
     1,
     DINI_CONTINUATION_RETURN,
     0.5,
     -0.8660254037844386,
     1,
     {-1.0, 0.0}},
    {"circle, all but a quarter", CIRCLE, 0.0, -1.0, 5.0, -5.0, 1, DINI_CONTINUATION_FOLD, -1.0, 0.0, 1, {1.0, 0.0}},
    {"circle, no fold allowed", CIRCLE, 0.0, -1.0, 5.0, BACK, 0, DINI_CONTINUATION_FOLD, 1.0, 0.0, 0, {0.0, 0.0}},
    {"hysteresis, up",
     CUBIC,
     -5.0,
     3.0,
     5.0,
     BACK,
     2,
     DINI_CONTINUATION_TARGET,
     5.0,
     -2.2790187861665935,
     2,
     {2.0, -2.0}},
    {"hysteresis, down",
     CUBIC,
     5.0,
     -3.0,
     -5.0,
     BACK,
     9,
     DINI_CONTINUATION_TARGET,
     -5.0,
     2.2790187861665935,
     2,
     {-2.0, 2.0}},
    {"hysteresis, from inside",
     CUBIC,
     0.0,
     2.0,
     5.0,
     -6.0,
     2,
     DINI_CONTINUATION_TARGET,
     5.0,
     -2.2790187861665935,
     2,
     {2.0, -2.0}},
    {"hysteresis, one fold", CUBIC, -5.0, 3.0, 5.0, BACK, 1, DINI_CONTINUATION_FOLD, -2.0, 0.0, 1, {2.0, 0.0}},
    {"flat fold", QUARTIC, -5.0, 1.5, 7.0, BACK, 1, DINI_CONTINUATION_RETURN, -5.0, -1.5650845800732873, 1, {1.0, 0.0}},
    {"far fold", PARABOLA, 0.0, 1.0, 2e6, BACK, 1, DINI_CONTINUATION_RETURN, 0.0, -1.0, 1, {1e6, 0.0}}};

static PetscErrorCode Test(const Case *c, PetscInt N, PetscReal unit)
{
  Problem                a;
  DiniContinuationReason reason;
  const char            *text;
  char                   what[128];
  PetscReal              reached, u;
  PetscInt               n;
  const PetscReal       *fold;

  PetscFunctionBeginUser;
  PetscCall(
      PetscSNPrintf(what, sizeof(what), "%s, %" PetscInt_FMT " beside in units of %g", c->name, N - 1, (double)unit));
  PetscCall(Create(c->kind, N, unit, c->m, c->u0, &a));
  PetscCall(DiniSetContinuationFolds(a.dini, c->folds, c->back));
  PetscCall(DiniContinue(a.dini, a.p, c->target, a.u, &reached, &reason));
  PetscCall(DiniContinuationReasonString(reason, &text));
  DiniTestTrue(reason == c->reason, "%s: ended with %s at %.10g", what, text, (double)reached);
  DiniTestClose(reached, c->reached, 1e-4, 1e-12, what);
  PetscCall(DiniGetContinuationFolds(a.dini, &n, &fold));
  DiniTestCount(n, c->n, what);
  for (PetscInt i = 0; i < n; i++) DiniTestClose(fold[i], c->fold[i], 1e-4, 0.0, what);
  DiniTestTrue(a.turns == c->n, "%s: the monitor sees %" PetscInt_FMT " turns", what, a.turns);
  PetscCall(First(&a, &u));
  if (reason != DINI_CONTINUATION_FOLD) {
    DiniTestClose(u, c->u, 1e-9, 0.0, what);
    DiniTestClose(PetscRealPart(a.m), c->reached, 1e-14, 0.0, what);
  }
  PetscCall(Destroy(&a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Round the fold and back to m = 1: the discrete solution that Newton's method finds from the upper one of the closed form */
static PetscErrorCode TestBratu(PetscInt N)
{
  const PetscReal        theta = 10.938702772122108; /* theta = sqrt(2 m) cosh(theta / 4), the larger one at m = 1 */
  Problem                a;
  DiniContinuationReason reason;
  PetscReal              reached;
  const PetscReal       *fold;
  PetscInt               n;
  Vec                    closed;
  DiniStatistics         stats;

  PetscFunctionBeginUser;
  PetscCall(Create(BRATU, N, 1.0, 1.0, 0.0, &a));
  PetscCall(DiniSetContinuationFolds(a.dini, 1, PETSC_INFINITY));
  PetscCall(DiniContinue(a.dini, a.p, 10.0, a.u, &reached, &reason));
  DiniTestTrue(reason == DINI_CONTINUATION_RETURN, "Bratu: reason %d at %g", (int)reason, (double)reached);
  PetscCall(DiniGetContinuationFolds(a.dini, &n, &fold));
  DiniTestCount(n, 1, "folds of Bratu's problem");
  DiniTestClose(fold[0], 3.513830719, 5e-3, 0.0, "the fold of Bratu's problem");
  PetscCall(DiniGetStatistics(a.dini, &stats));
  DiniTestCount(stats.forward_failures, 0, "failed forward solves");
  PetscCall(VecDuplicate(a.u, &closed));
  for (PetscInt i = 0; i < N; i++) {
    const PetscReal x = (PetscReal)(i + 1) / (PetscReal)(N + 1);

    PetscCall(VecSetValue(closed, i,
                          -2.0 * PetscLogReal(PetscCoshReal((x - 0.5) * theta / 2.0) / PetscCoshReal(theta / 4.0)),
                          INSERT_VALUES));
  }
  PetscCall(VecAssemblyBegin(closed));
  PetscCall(VecAssemblyEnd(closed));
  PetscCall(DiniTestVecsClose(a.u, closed, 2e-2, "the upper solution in closed form"));
  PetscCall(SNESSolve(a.snes, NULL, closed));
  PetscCall(DiniTestVecsClose(a.u, closed, 1e-8, "the upper solution of the grid"));
  PetscCall(VecDestroy(&closed));
  PetscCall(Destroy(&a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An iteration that goes away from the other side: named, and the last good point is left */
static PetscErrorCode TestUnstable(void)
{
  Problem                a;
  DiniContinuationReason reason;
  PetscReal              reached, u;
  PetscInt               n;

  PetscFunctionBeginUser;
  PetscCall(Create(ITERATION, 1, 1.0, 0.0, 0.0, &a));
  PetscCall(DiniSetContinuationFolds(a.dini, 1, PETSC_INFINITY));
  PetscCall(DiniContinue(a.dini, a.p, 1.0, a.u, &reached, &reason));
  DiniTestTrue(reason == DINI_CONTINUATION_DIVERGED_FOLD, "reason %d at %.10g", (int)reason, (double)reached);
  DiniTestClose(reached, 0.25, 1e-4, 0.0, "the fold that can not be gone round");
  PetscCall(DiniGetContinuationFolds(a.dini, &n, NULL));
  DiniTestCount(n, 0, "folds gone round");
  PetscCall(First(&a, &u));
  DiniTestTrue(u < 0.5, "u = %g is on the other side", (double)u);
  DiniTestClose(u * (1.0 - u), PetscRealPart(a.m), 0.0, 1e-9, "the last good point");
  PetscCall(Destroy(&a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestMisuse(void)
{
  Problem a;

  PetscFunctionBeginUser;
  PetscCall(Create(CIRCLE, 2, 1.0, 0.0, -1.0, &a));
  DiniTestExpect(DiniSetContinuationFolds(a.dini, -1, 0.0), PETSC_ERR_ARG_OUTOFRANGE, "can not be gone round");
  DiniTestExpect(DiniSetContinuationFolds(a.dini, 1, NAN), PETSC_ERR_ARG_OUTOFRANGE, "can not run back");
  PetscCall(DiniSetContinuationFolds(a.dini, 1, 0.5));
  DiniTestExpect(DiniContinue(a.dini, a.p, 5.0, a.u, NULL, NULL), PETSC_ERR_ARG_OUTOFRANGE, "must end beyond");
  PetscCall(DiniSetContinuationFolds(a.dini, 1, PETSC_INFINITY));
  DiniTestExpect(DiniContinue(a.dini, a.p, 5.0, a.u, NULL, NULL), PETSC_ERR_NOT_CONVERGED, "RETURN");
  PetscCall(Destroy(&a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(cases); i++) {
    PetscCall(Test(&cases[i], 1, 1.0));
    PetscCall(Test(&cases[i], 4, 1e3));
    PetscCall(Test(&cases[i], 41, 1e-3));
  }
  PetscCall(TestBratu(31));
  PetscCall(TestUnstable());
  PetscCall(TestMisuse());
  PetscCall(PetscFinalize());
  return 0;
}
