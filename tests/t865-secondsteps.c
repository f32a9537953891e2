static char help[] =
    "Second derivatives by differences: entries of unlike sizes, zero states and blocks, kinks, callbacks.\n";

#include "support/dinitest.h"

/*
  u_i + u_i^3 / 10 = g(m_i) and 1/2 |u|^2: with s = 1 + 3 u^2 / 10, u' = g' / s and u'' = (g'' - 6 u u'^2 / 10) / s, and
  H = u'^2 + u u'', entry by entry.
*/
typedef struct {
  const char *name;
  int         law;
  PetscReal   values[3]; /* in turn */
  PetscReal   rtol;      /* negative: there is no second derivative */
} Case;

enum { LINEAR, ROOT, EXPONENTIAL, SQUARE, KINK };

static const Case cases[] = {
    {"linear, m = 0", LINEAR, {0.0, 0.0, 0.0}, 1e-9},
    {"linear, m = 1e-15", LINEAR, {1e-15, -2e-15, 1e-15}, 1e-9},
    {"square, m = 0", SQUARE, {0.0, 0.0, 0.0}, 1e-9},
    {"exp(m) - 1, m = 0", EXPONENTIAL, {0.0, 0.0, 0.0}, 1e-6},
    {"sqrt(m), 1e-6 to 1", ROOT, {1e-6, 1e-3, 1.0}, 1e-3},
    {"sqrt(m), one entry is tiny", ROOT, {1.0, 1.0, 1e-7}, 1e-3},
    {"sqrt(m)", ROOT, {0.5, 1.0, 2.0}, 1e-6},
    {"a kink", KINK, {0.5, 0.5, 0.5}, -1.0},
    {"beside a kink", KINK, {0.5 + 1e-6, 0.5 + 1e-6, 0.7}, 1e-3},
};

typedef struct {
  const Case *c;
  PetscBool   wrong; /* the callback's answer */
  PetscReal   shift; /* added and subtracted, for rounding */
  Vec         u, m, r;
  Mat         J, Fm;
  SNES        snes;
  Dini        dini;
} App;

static PetscReal Law(int law, int derivative, PetscReal m)
{
  const PetscReal x = m - 0.5;

  switch (law) {
  case LINEAR:
    return derivative == 0 ? m : derivative == 1 ? 1.0 : 0.0;
  case SQUARE:
    return derivative == 0 ? m + m * m : derivative == 1 ? 1.0 + 2.0 * m : 2.0;
  case EXPONENTIAL:
    return PetscExpReal(m) - (derivative ? 0.0 : 1.0);
  case ROOT:
    return derivative == 0   ? PetscSqrtReal(m)
           : derivative == 1 ? 0.5 / PetscSqrtReal(m)
                             : -0.25 / (m * PetscSqrtReal(m));
  default:
    return derivative == 0   ? m + x * PetscAbsReal(x)
           : derivative == 1 ? 1.0 + 2.0 * PetscAbsReal(x)
                             : (x > 0.0 ? 2.0 : -2.0);
  }
}

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  App               *a = (App *)ctx;
  const PetscScalar *x, *m;
  PetscScalar       *f;
  PetscInt           n;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(VecGetLocalSize(u, &n));
  PetscCall(VecGetArrayRead(u, &x));
  PetscCall(VecGetArrayRead(a->m, &m));
  PetscCall(VecGetArrayWrite(F, &f));
  for (PetscInt i = 0; i < n; i++)
    f[i] = (a->shift + x[i] + 0.1 * x[i] * x[i] * x[i]) - (a->shift + Law(a->c->law, 0, PetscRealPart(m[i])));
  PetscCall(VecRestoreArrayWrite(F, &f));
  PetscCall(VecRestoreArrayRead(a->m, &m));
  PetscCall(VecRestoreArrayRead(u, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The diagonal of A: 1 + 0.3 v^2 of J, or -g'(v) of F_m */
static PetscErrorCode Diagonal(App *a, Vec v, PetscBool state, Mat A)
{
  Vec                d;
  const PetscScalar *x;
  PetscScalar       *y;
  PetscInt           n;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(v, &d));
  PetscCall(VecGetLocalSize(v, &n));
  PetscCall(VecGetArrayRead(v, &x));
  PetscCall(VecGetArrayWrite(d, &y));
  for (PetscInt i = 0; i < n; i++) y[i] = state ? 1.0 + 0.3 * x[i] * x[i] : -Law(a->c->law, 1, PetscRealPart(x[i]));
  PetscCall(VecRestoreArrayWrite(d, &y));
  PetscCall(VecRestoreArrayRead(v, &x));
  PetscCall(MatDiagonalSet(A, d, INSERT_VALUES));
  PetscCall(VecDestroy(&d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  PetscFunctionBeginUser;
  (void)snes;
  (void)J;
  PetscCall(Diagonal((App *)ctx, u, PETSC_TRUE, P));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ParameterJacobian(Dini dini, Vec u, Vec m, Mat Fm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)u;
  PetscCall(Diagonal((App *)ctx, m, PETSC_FALSE, Fm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Value(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)ctx;
  PetscCall(VecNorm(u, NORM_2, value));
  *value *= 0.5 * *value;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)dJdm;
  (void)ctx;
  PetscCall(VecCopy(u, dJdu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ObjectiveHessian(Dini dini, Vec u, Vec du, Vec dm, Vec hu, Vec hm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)u;
  (void)dm;
  (void)hm;
  PetscCall(VecAXPY(hu, ((App *)ctx)->wrong ? 1.1 : 1.0, du));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(const Case *c, App *a)
{
  PetscInt first, last;
  PC       pc;
  KSP      ksp;

  PetscFunctionBeginUser;
  a->c     = c;
  a->wrong = PETSC_FALSE;
  a->shift = 0.0;
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, PETSC_DECIDE, 5, &a->m));
  PetscCall(VecDuplicate(a->m, &a->u));
  PetscCall(VecDuplicate(a->m, &a->r));
  PetscCall(VecGetOwnershipRange(a->m, &first, &last));
  for (PetscInt i = first; i < last; i++) PetscCall(VecSetValue(a->m, i, c->values[i % 3], INSERT_VALUES));
  PetscCall(VecAssemblyBegin(a->m));
  PetscCall(VecAssemblyEnd(a->m));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, last - first, last - first, 5, 5, 1, NULL, 0, NULL, &a->J));
  PetscCall(VecSet(a->r, 1.0));
  PetscCall(MatDiagonalSet(a->J, a->r, INSERT_VALUES));
  PetscCall(MatDuplicate(a->J, MAT_DO_NOT_COPY_VALUES, &a->Fm));
  PetscCall(VecSet(a->u, 0.0));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &a->snes));
  PetscCall(SNESSetFunction(a->snes, a->r, Residual, a));
  PetscCall(SNESSetJacobian(a->snes, a->J, a->J, Jacobian, a));
  PetscCall(SNESSetTolerances(a->snes, 1e-15, 1e-13, 0.0, 60, 1000));
  PetscCall(SNESGetKSP(a->snes, &ksp));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCJACOBI));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &a->dini));
  PetscCall(DiniSetSNES(a->dini, a->snes));
  PetscCall(DiniAddParameter(a->dini, "m", a->m, NULL));
  PetscCall(DiniSetParameterJacobian(a->dini, 0, a->Fm, ParameterJacobian, a));
  PetscCall(DiniSetObjective(a->dini, Value, Gradient, a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(App *a)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&a->dini));
  PetscCall(SNESDestroy(&a->snes));
  PetscCall(MatDestroy(&a->J));
  PetscCall(MatDestroy(&a->Fm));
  PetscCall(VecDestroy(&a->u));
  PetscCall(VecDestroy(&a->m));
  PetscCall(VecDestroy(&a->r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* H v, or with second u'' v v, by the closed forms, and the largest of their terms */
static PetscErrorCode Expected(const App *a, Vec v, PetscBool second, Vec x, PetscReal *size)
{
  const PetscScalar *u, *m, *d;
  PetscScalar       *e;
  PetscInt           n;

  PetscFunctionBeginUser;
  *size = 1.0;
  PetscCall(VecGetLocalSize(x, &n));
  PetscCall(VecGetArrayRead(a->u, &u));
  PetscCall(VecGetArrayRead(a->m, &m));
  PetscCall(VecGetArrayRead(v, &d));
  PetscCall(VecGetArrayWrite(x, &e));
  for (PetscInt i = 0; i < n; i++) {
    const PetscReal mi = PetscRealPart(m[i]), ui = PetscRealPart(u[i]), s = 1.0 + 0.3 * ui * ui;
    const PetscReal slope = Law(a->c->law, 1, mi) / s, bend = (Law(a->c->law, 2, mi) - 0.6 * ui * slope * slope) / s;

    *size = PetscMax(*size, PetscAbsReal(slope * slope) + PetscAbsReal((second ? 1.0 : ui) * bend));
    e[i]  = second ? bend * d[i] * d[i] : (slope * slope + ui * bend) * d[i];
  }
  PetscCall(VecRestoreArrayWrite(x, &e));
  PetscCall(VecRestoreArrayRead(v, &d));
  PetscCall(VecRestoreArrayRead(a->m, &m));
  PetscCall(VecRestoreArrayRead(a->u, &u));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, size, 1, MPIU_REAL, MPIU_MAX, PETSC_COMM_WORLD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* |x - e| <= rtol size, in the largest norm */
static PetscErrorCode Close(Vec x, Vec e, PetscReal size, PetscReal rtol, const char what[])
{
  PetscReal error;

  PetscFunctionBeginUser;
  PetscCall(VecAXPY(x, -1.0, e));
  PetscCall(VecNorm(x, NORM_INFINITY, &error));
  DiniTestTrue(error <= rtol * size, "%s: off by %g of %g", what, (double)error, (double)size);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestCase(const Case *c)
{
  App       a;
  Vec       v, x, e;
  PetscReal size;

  PetscFunctionBeginUser;
  PetscCall(Create(c, &a));
  PetscCall(DiniSolve(a.dini, a.u));
  PetscCall(VecDuplicate(a.m, &v));
  PetscCall(VecDuplicate(a.m, &x));
  PetscCall(VecDuplicate(a.m, &e));
  PetscCall(VecSet(v, 1.0));
  if (c->rtol < 0.0) {
    DiniTestExpect(DiniHVP(a.dini, v, x), PETSC_ERR_NOT_CONVERGED, "DiniSetResidualHessian()");
    DiniTestExpect(DiniSecondJVP(a.dini, v, v, x), PETSC_ERR_NOT_CONVERGED, "-dini_hessian_step");
  } else {
    PetscCall(DiniHVP(a.dini, v, x));
    PetscCall(Expected(&a, v, PETSC_FALSE, e, &size));
    PetscCall(Close(x, e, size, c->rtol, c->name));
    PetscCall(DiniSecondJVP(a.dini, v, v, x));
    PetscCall(Expected(&a, v, PETSC_TRUE, e, &size));
    PetscCall(Close(x, e, size, c->rtol, c->name));
  }
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&e));
  PetscCall(Destroy(&a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* At a zero state the guard still tells a right callback from a wrong one */
static PetscErrorCode TestGuard(void)
{
  App a;
  Vec v, x;

  PetscFunctionBeginUser;
  for (int wrong = 0; wrong < 2; wrong++) {
    PetscCall(Create(&cases[1], &a));
    a.wrong = (PetscBool)wrong;
    PetscCall(DiniSetObjectiveHessian(a.dini, ObjectiveHessian, &a));
    PetscCall(DiniSolve(a.dini, a.u));
    PetscCall(VecDuplicate(a.m, &v));
    PetscCall(VecDuplicate(a.m, &x));
    PetscCall(VecSet(v, 1.0));
    if (wrong) DiniTestExpect(DiniHVP(a.dini, v, x), PETSC_ERR_ARG_WRONG, "disagrees with differences");
    else PetscCall(DiniHVP(a.dini, v, x));
    PetscCall(VecDestroy(&v));
    PetscCall(VecDestroy(&x));
    PetscCall(Destroy(&a));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J by differences at a zero state, and one that is zero but for rounding; an attached one, too */
static PetscErrorCode TestDifferences(PetscReal value)
{
  Case      c = {"J by differences", SQUARE, {value, value, value}, 1e-6};
  App       a;
  Vec       v, x, e;
  PetscReal size;

  PetscFunctionBeginUser;
  for (int attach = 0; attach < 2; attach++) {
    PetscCall(Create(&c, &a));
    a.shift = 1.0;
    PetscCall(DiniSetJacobianType(a.dini, DINI_JACOBIAN_COLORING));
    if (attach) {
      PetscCall(VecCopy(a.m, a.u));
      PetscCall(DiniAttach(a.dini, a.u));
    } else PetscCall(DiniSolve(a.dini, a.u));
    PetscCall(VecDuplicate(a.m, &v));
    PetscCall(VecDuplicate(a.m, &x));
    PetscCall(VecDuplicate(a.m, &e));
    PetscCall(VecSet(v, 1.0));
    PetscCall(DiniVJP(a.dini, v, x)); /* u' = 1 + 2 m, all but */
    PetscCall(Close(x, v, 1.0, 1e-9, "VJP"));
    PetscCall(DiniHVP(a.dini, v, x));
    PetscCall(Expected(&a, v, PETSC_FALSE, e, &size));
    PetscCall(Close(x, e, size, c.rtol, "HVP"));
    PetscCall(VecDestroy(&v));
    PetscCall(VecDestroy(&x));
    PetscCall(VecDestroy(&e));
    PetscCall(Destroy(&a));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(cases); k++) PetscCall(TestCase(&cases[k]));
  PetscCall(TestGuard());
  PetscCall(TestDifferences(0.0));
  PetscCall(TestDifferences(3e-16));
  PetscCall(TestDifferences(1e-15));
  PetscCall(PetscFinalize());
  return 0;
}
