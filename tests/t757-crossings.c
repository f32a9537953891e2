static char help[] =
    "Continuation through known diagrams: every fold and crossing is found, in whatever units the rows of F are, "
    "with whatever stands beside.\n";

#include "support/dinitest.h"

/*
  n unknowns of a diagram, then `passive` ones with (2 + i) u_i = m, that grow with m and have nothing to do with it. Each row
  of F is multiplied by a number of its own where `scaled`.
*/
typedef struct _Problem Problem;
typedef void            DiagramFn(const Problem *, const PetscScalar u[], PetscScalar F[], PetscScalar J[]);
typedef PetscReal       PlaceFn(const Problem *);

typedef struct { /* NOLINT(clang-analyzer-optin.performance.Padding): as the table reads */
  const char            *name;
  PetscInt               n;
  DiagramFn             *f;
  PetscReal              start, u0, target; /* u_i = u0, or a shape of its own for u0 = 0 */
  DiniContinuationReason reason;
  PetscReal              place; /* of what ends the path, or by a formula: */
  PlaceFn               *formula;
  PetscReal              rtol;
} Diagram;

struct _Problem {
  const Diagram *diagram;
  PetscInt       passive;
  PetscBool      scaled;
  PetscScalar    m;
  VecScatter     all;
  Vec            everywhere;
};

#define J(i, j) J[(i)*p->diagram->n + (j)]

static void Fold(const Problem *p, const PetscScalar u[], PetscScalar F[], PetscScalar J[])
{
  F[0]    = u[0] * u[0] + p->m - 1.0;
  J(0, 0) = 2.0 * u[0];
}

static void Pitchfork(const Problem *p, const PetscScalar u[], PetscScalar F[], PetscScalar J[])
{
  F[0]    = u[0] * u[0] * u[0] - p->m * u[0];
  J(0, 0) = 3.0 * u[0] * u[0] - p->m;
}

static void Imperfect(const Problem *p, const PetscScalar u[], PetscScalar F[], PetscScalar J[])
{
  Pitchfork(p, u, F, J);
  F[0] += 0.1;
}

static void Transcritical(const Problem *p, const PetscScalar u[], PetscScalar F[], PetscScalar J[])
{
  F[0]    = u[0] * (u[0] - p->m);
  J(0, 0) = 2.0 * u[0] - p->m;
}

static void Cusp(const Problem *p, const PetscScalar u[], PetscScalar F[], PetscScalar J[])
{
  F[0]    = u[0] * u[0] * u[0] - 3.0 * u[0] + p->m;
  J(0, 0) = 3.0 * u[0] * u[0] - 3.0;
}

/* Prey u_0 (1 - u_0) - u_0 u_1, predators u_1 (3 u_0 / (u_0 + 1/2) - m): they can live below m = 2 */
static void Predators(const Problem *p, const PetscScalar u[], PetscScalar F[], PetscScalar J[])
{
  const PetscScalar food = u[0] + 0.5;

  F[0]    = u[0] * (1.0 - u[0]) - u[0] * u[1];
  F[1]    = u[1] * (3.0 * u[0] / food - p->m);
  J(0, 0) = 1.0 - 2.0 * u[0] - u[1];
  J(0, 1) = -u[0];
  J(1, 0) = u[1] * 1.5 / (food * food);
  J(1, 1) = 3.0 * u[0] / food - p->m;
}

/* Interior points of (0, 1): (-D2 u)_i, and its derivative */
static void Laplacian(const Problem *p, const PetscScalar u[], PetscScalar F[], PetscScalar J[])
{
  const PetscInt  n  = p->diagram->n;
  const PetscReal h2 = PetscSqr((PetscReal)(n + 1));

  for (PetscInt i = 0; i < n; i++) {
    F[i]    = h2 * (2.0 * u[i] - (i ? u[i - 1] : 0.0) - (i + 1 < n ? u[i + 1] : 0.0));
    J(i, i) = 2.0 * h2;
    if (i) J(i, i - 1) = -h2;
    if (i + 1 < n) J(i, i + 1) = -h2;
  }
}

static PetscReal Eigenvalue(const Problem *p, PetscInt k)
{
  const PetscReal n = (PetscReal)(p->diagram->n + 1);

  return PetscSqr(2.0 * n * PetscSinReal(0.5 * PETSC_PI * (PetscReal)k / n));
}

static void Bratu(const Problem *p, const PetscScalar u[], PetscScalar F[], PetscScalar J[])
{
  Laplacian(p, u, F, J);
  for (PetscInt i = 0; i < p->diagram->n; i++) {
    F[i] -= p->m * PetscExpScalar(u[i]);
    J(i, i) -= p->m * PetscExpScalar(u[i]);
  }
}

static void Rod(const Problem *p, const PetscScalar u[], PetscScalar F[], PetscScalar J[])
{
  Laplacian(p, u, F, J);
  for (PetscInt i = 0; i < p->diagram->n; i++) {
    F[i] -= p->m * PetscSinScalar(u[i]);
    J(i, i) -= p->m * PetscCosScalar(u[i]);
  }
}

static PetscReal FirstMode(const Problem *p)
{
  return Eigenvalue(p, 1);
}

static PetscReal SecondMode(const Problem *p)
{
  return Eigenvalue(p, 2);
}

/* -w'' - m w + w^2 with rows u = 0 at both ends, whose size, 1, is the smallest in sight */
static void Boundary(const Problem *p, const PetscScalar u[], PetscScalar F[], PetscScalar J[])
{
  const PetscInt  n  = p->diagram->n;
  const PetscReal h2 = PetscSqr((PetscReal)(n - 1));

  for (PetscInt i = 0; i < n; i++) {
    if (i == 0 || i == n - 1) {
      F[i]    = u[i];
      J(i, i) = 1.0;
      continue;
    }
    F[i]        = h2 * (2.0 * u[i] - u[i - 1] - u[i + 1]) - p->m * u[i] + u[i] * u[i];
    J(i, i - 1) = J(i, i + 1) = -h2;
    J(i, i)                   = 2.0 * h2 - p->m + 2.0 * u[i];
  }
}

static PetscReal BoundaryMode(const Problem *p)
{
  const PetscReal n = (PetscReal)(p->diagram->n - 1);

  return PetscSqr(2.0 * n * PetscSinReal(0.5 * PETSC_PI / n));
}

/* (1 + D2)^2 u - m u - u^2 / 2 + u^3 on (0, 20) */
#define HOHENBERG 20.0
static void SwiftHohenberg(const Problem *p, const PetscScalar u[], PetscScalar F[], PetscScalar J[])
{
  const PetscInt  n  = p->diagram->n;
  const PetscReal h2 = PetscSqr((PetscReal)(n + 1) / HOHENBERG), d = 1.0 - 2.0 * h2;

  for (PetscInt i = 0; i < n; i++) {
    F[i] = (-p->m - 0.5 * u[i] + u[i] * u[i]) * u[i];
    for (PetscInt j = PetscMax(0, i - 2); j <= PetscMin(n - 1, i + 2); j++) {
      /* row i of the square of tridiag(h2, d, h2) */
      const PetscReal ends = (PetscReal)((i > 0) + (i < n - 1)), l = j == i                    ? d * d + ends * h2 * h2
                                                                     : PetscAbsInt(i - j) == 1 ? 2.0 * d * h2
                                                                                               : h2 * h2;

      F[i] += l * u[j];
      J(i, j) = l;
    }
    J(i, i) += -p->m - u[i] + 3.0 * u[i] * u[i];
  }
}

static PetscReal LowestMode(const Problem *p)
{
  PetscReal lowest = PETSC_MAX_REAL;

  for (PetscInt k = 1; k <= p->diagram->n; k++)
    lowest = PetscMin(lowest, PetscSqr(1.0 - Eigenvalue(p, k) / PetscSqr(HOHENBERG)));
  return lowest;
}

#define IS_FOLD   DINI_CONTINUATION_FOLD
#define IS_BRANCH DINI_CONTINUATION_BIFURCATION
#define IS_TARGET DINI_CONTINUATION_TARGET

static const Diagram diagrams[] = {
    {"fold", 1, Fold, -5.0, 3.0, 5.0, IS_FOLD, 1.0, NULL, 1e-5},
    {"fold, the other branch", 1, Fold, -4.0, -2.0, 5.0, IS_FOLD, 1.0, NULL, 1e-5},
    {"pitchfork, middle", 1, Pitchfork, -5.0, 0.0, 5.0, IS_BRANCH, 0.0, NULL, 1e-4},
    {"pitchfork, middle, backwards", 1, Pitchfork, 5.0, 0.0, -4.0, IS_BRANCH, 0.0, NULL, 1e-4},
    {"pitchfork, a prong", 1, Pitchfork, 5.0, 2.0, -5.0, IS_BRANCH, 0.0, NULL, 1e-4},
    {"imperfect pitchfork", 1, Imperfect, -5.0, 0.1, 5.0, IS_TARGET, 5.0, NULL, 1e-9},
    {"imperfect pitchfork, a prong", 1, Imperfect, 5.0, 2.0, -5.0, IS_FOLD, 0.4071626424, NULL, 1e-5},
    {"transcritical, slope 1", 1, Transcritical, -5.0, -5.0, 7.0, IS_BRANCH, 0.0, NULL, 1e-4},
    {"transcritical, slope 0", 1, Transcritical, 6.0, -0.1, -5.0, IS_BRANCH, 0.0, NULL, 1e-4},
    {"cusp from above", 1, Cusp, -1.0, 2.0, 5.0, IS_FOLD, 2.0, NULL, 1e-5},
    {"cusp from below", 1, Cusp, 1.0, -2.0, -5.0, IS_FOLD, -2.0, NULL, 1e-5},
    {"predators die out", 2, Predators, 1.0, 0.4, 5.0, IS_BRANCH, 2.0, NULL, 1e-4},
    {"predators come in", 2, Predators, 5.0, 1.0, 0.5, IS_BRANCH, 2.0, NULL, 1e-4},
    {"Bratu", 15, Bratu, 0.5, 0.0, 10.0, IS_FOLD, 3.513830719, NULL, 5e-3},
    {"buckling of a rod", 15, Rod, 1.0, 0.0, 35.0, IS_BRANCH, 0.0, FirstMode, 1e-4},
    {"buckling of a rod, between", 15, Rod, 12.0, 0.0, 80.0, IS_BRANCH, 0.0, SecondMode, 1e-4},
    {"buckling of a rod, backwards", 15, Rod, 25.0, 0.0, -9.0, IS_BRANCH, 0.0, FirstMode, 1e-4},
    {"rows of the boundary", 25, Boundary, -100.0, 0.0, 30.0, IS_BRANCH, 0.0, BoundaryMode, 1e-4},
    {"Swift-Hohenberg", 39, SwiftHohenberg, -1.0, 0.0, 0.2, IS_BRANCH, 0.0, LowestMode, 1e-3},
};

static PetscReal Scale(const Problem *p, PetscInt i)
{
  static const PetscReal scales[] = {1e-6, 1e5, 1.0, 1e-3};

  return p->scaled ? scales[i % 4] : 1.0;
}

/* All of F, and the rows of J of this rank unless it is NULL: small enough for everybody to have it all */
static PetscErrorCode Evaluate(Problem *p, Vec u, Vec F, Mat A)
{
  const PetscInt     n = p->diagram->n;
  const PetscScalar *x;
  PetscScalar       *f, *J;
  PetscInt           lo, hi;

  PetscFunctionBeginUser;
  PetscCall(VecScatterBegin(p->all, u, p->everywhere, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(p->all, u, p->everywhere, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(PetscCalloc2(n, &f, n * n, &J));
  PetscCall(VecGetArrayRead(p->everywhere, &x));
  p->diagram->f(p, x, f, J);
  PetscCall(VecGetOwnershipRange(u, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) {
    const PetscScalar passive = Scale(p, i) * (PetscReal)(2 + i);

    if (F)
      PetscCall(VecSetValue(F, i, i < n ? Scale(p, i) * f[i] : passive * x[i] - Scale(p, i) * p->m, INSERT_VALUES));
    if (A && i >= n) PetscCall(MatSetValue(A, i, i, passive, INSERT_VALUES));
    for (PetscInt j = 0; A && i < n && j < n; j++)
      PetscCall(MatSetValue(A, i, j, Scale(p, i) * J[i * n + j], INSERT_VALUES));
  }
  PetscCall(VecRestoreArrayRead(p->everywhere, &x));
  PetscCall(PetscFree2(f, J));
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

/* loose: with a solver that takes a hundredth for solved, where a step that has not solved is taken back, and is no error */
static PetscErrorCode Test(const Diagram *diagram, PetscInt passive, PetscBool scaled, PetscBool loose)
{
  Problem                p     = {.diagram = diagram, .passive = passive, .scaled = scaled, .m = diagram->start};
  const PetscInt         N     = diagram->n + passive;
  const PetscReal        place = diagram->formula ? diagram->formula(&p) : diagram->place;
  Mat                    A;
  Vec                    u, r;
  SNES                   snes;
  KSP                    ksp;
  PC                     pc;
  SNESLineSearch         search;
  Dini                   dini;
  PetscInt               block;
  PetscReal              reached;
  DiniContinuationReason reason;
  const char            *text;
  char                   what[128];

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(what, sizeof(what), "%s, %" PetscInt_FMT " beside%s", diagram->name, passive,
                          scaled ? ", scaled" : ""));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, diagram->n, NULL, diagram->n, NULL, &A));
  PetscCall(MatCreateVecs(A, &u, &r));
  PetscCall(VecScatterCreateToAll(u, &p.all, &p.everywhere));
  for (PetscInt i = 0; i < diagram->n; i++)
    PetscCall(VecSetValue(u, i, diagram->f == Predators && i ? 1.0 - diagram->u0 : diagram->u0, INSERT_VALUES));
  PetscCall(VecAssemblyBegin(u));
  PetscCall(VecAssemblyEnd(u));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &snes));
  PetscCall(SNESSetFunction(snes, r, Residual, &p));
  PetscCall(SNESSetJacobian(snes, A, A, Jacobian, &p));
  PetscCall(SNESSetTolerances(snes, 1e-50, 1e-50, 1e-12, 30, PETSC_DEFAULT));
  PetscCall(SNESGetKSP(snes, &ksp));
  PetscCall(KSPSetType(ksp, KSPGMRES));
  PetscCall(KSPSetTolerances(ksp, 1e-13, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCREDUNDANT)); /* a factorisation on any number of ranks, */
  PetscCall(PCRedundantGetKSP(pc, &ksp));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCFactorSetMatOrderingType(pc, MATORDERINGNATURAL)); /* which begins with no zero of the diagonal */
  PetscCall(SNESGetLineSearch(snes, &search));
  if (loose) PetscCall(SNESSetTolerances(snes, 1e-50, 1e-2, 0.0, 30, PETSC_DEFAULT));
  if (!loose) PetscCall(SNESLineSearchSetType(search, "basic")); /* |F| in unlike units says nothing about a step */
  PetscCall(SNESSetFromOptions(snes));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetSNES(dini, snes));
  PetscCall(DiniAddScalarParameter(dini, "m", &p.m, &block));
  PetscCall(DiniSetFromOptions(dini));
  PetscCall(DiniContinue(dini, block, diagram->target, u, &reached, &reason));
  PetscCall(DiniContinuationReasonString(reason, &text));
  DiniTestTrue(loose || reason == diagram->reason, "%s: ended with %s at %.10g", what, text, (double)reached);
  if (!loose) DiniTestClose(reached, place, diagram->rtol, place == 0.0 ? 1e-4 : 0.0, what);
  PetscCall(DiniDestroy(&dini));
  PetscCall(SNESDestroy(&snes));
  PetscCall(MatDestroy(&A));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&r));
  PetscCall(VecDestroy(&p.everywhere));
  PetscCall(VecScatterDestroy(&p.all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscInt beside[2] = {0, 100}, only = -1;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-only", &only, NULL));
  for (size_t d = 0; d < PETSC_STATIC_ARRAY_LENGTH(diagrams); d++)
    for (int k = 0; k < (diagrams[d].n > 2 ? 1 : 2) && (only < 0 || only == (PetscInt)d); k++)
      for (int scaled = 0; scaled < 2; scaled++)
        PetscCall(Test(&diagrams[d], beside[k], (PetscBool)scaled, PETSC_FALSE));
  if (only < 0) PetscCall(Test(&diagrams[6], 100, PETSC_TRUE, PETSC_TRUE));
  PetscCall(PetscFinalize());
  return 0;
}
