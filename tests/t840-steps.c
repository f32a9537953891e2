static char help[] =
    "Differences of F, entry by entry: values of unlike sizes, edges of the domain of F, a second point.\n";

#include "support/dinitest.h"

/*
  u_i + u_i^3 / 10 = g(m_i): diagonal, so that du_i/dm_i = g'(m_i) / (1 + 3 u_i^2 / 10), and du_i/dm_i reaches as far as g'
  does. Outside the domain of g the residual is NaN.
*/
typedef struct Law Law;
struct Law {
  const char *name;
  PetscReal (*g)(PetscReal m, PetscInt component);
  PetscReal (*derivative)(PetscReal m, PetscInt component);
  PetscReal   values[3]; /* in turn */
  PetscInt    bs;
  PetscReal   rtol; /* entry by entry */
  const char *view; /* words in the view */
};

typedef struct {
  const Law *law;
  Vec        u, m, r;
  Mat        J, pattern;
  SNES       snes;
  Dini       dini;
  PetscInt   residuals;
} Diagonal;

static PetscReal Root(PetscReal m, PetscInt c)
{
  return c >= 0 ? PetscSqrtReal(m) : m;
}

static PetscReal RootD(PetscReal m, PetscInt c)
{
  return c >= 0 ? 0.5 / PetscSqrtReal(m) : m;
}

static PetscReal Saturates(PetscReal m, PetscInt c)
{
  return m / (1e-6 + m) + 0.0 * (PetscReal)c;
}

static PetscReal SaturatesD(PetscReal m, PetscInt c)
{
  return 1e-6 / PetscSqr(1e-6 + m) + 0.0 * (PetscReal)c;
}

static PetscReal Logarithm(PetscReal m, PetscInt c)
{
  return PetscLogReal(m) + 0.0 * (PetscReal)c;
}

static PetscReal LogarithmD(PetscReal m, PetscInt c)
{
  return 1.0 / m + 0.0 * (PetscReal)c;
}

static PetscReal Below(PetscReal m, PetscInt c)
{
  return Root(1.0 - m, c);
}

static PetscReal BelowD(PetscReal m, PetscInt c)
{
  return -RootD(1.0 - m, c);
}

/* m (1 + sqrt(m) m): values from zero on, and a derivative there */
static PetscReal Edge(PetscReal m, PetscInt c)
{
  return m + m * m * Root(m, c);
}

static PetscReal EdgeD(PetscReal m, PetscInt c)
{
  return 1.0 + 2.5 * m * Root(m, c);
}

static PetscReal Steep(PetscReal m, PetscInt c)
{
  return 1e-2 * PetscExpReal(40.0 * m) + 0.0 * (PetscReal)c;
}

static PetscReal SteepD(PetscReal m, PetscInt c)
{
  return 0.4 * PetscExpReal(40.0 * m) + 0.0 * (PetscReal)c;
}

/* Thickness, friction and bed side by side */
static PetscReal Ice(PetscReal m, PetscInt c)
{
  return c == 0 ? 1e-3 * m * m * m : c == 1 ? 0.1 * PetscLogReal(m) : PetscSinReal(m / 100.0);
}

static PetscReal IceD(PetscReal m, PetscInt c)
{
  return c == 0 ? 3e-3 * m * m : c == 1 ? 0.1 / m : PetscCosReal(m / 100.0) / 100.0;
}

static const Law laws[] = {
    {"sqrt(m), 1e-9 to 1", Root, RootD, {1e-9, 1.0, 1.0}, 1, 1e-6, "shorter steps"},
    {"sqrt(m), 2e-5 and 1", Root, RootD, {1.0, 2e-5, 1.0}, 1, 1e-7, "shorter steps"},
    {"sqrt(1 - m), near the upper edge", Below, BelowD, {0.5, 1.0 - 1e-6, 0.3}, 1, 1e-6, ""},
    {"m / (K + m)", Saturates, SaturatesD, {1e-8, 1e-7, 1.0}, 1, 1e-4, ""},
    {"log(m)", Logarithm, LogarithmD, {1e-7, 1e-3, 2.0}, 1, 1e-6, "shorter steps"},
    {"values from zero on", Edge, EdgeD, {0.0, 1.0, 0.7}, 1, 1e-7, "one-sided"},
    {"exp(40 m)", Steep, SteepD, {0.1, 0.11, -0.2}, 1, 1e-7, ""},
    {"a struct", Ice, IceD, {1e1, 6e9, -3e1}, 3, 1e-7, ""},
    {"a struct with zeros", Ice, IceD, {1e1, 6e9, 0.0}, 3, 1e-7, ""},
    {"a struct without a block size", Ice, IceD, {1e1, 6e9, -3e1}, 1, 1e-6, ""},
};

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  Diagonal          *d = (Diagonal *)ctx;
  const PetscScalar *x, *m;
  PetscScalar       *f;
  PetscInt           first, last;

  PetscFunctionBeginUser;
  (void)snes;
  d->residuals++;
  PetscCall(VecGetOwnershipRange(u, &first, &last));
  PetscCall(VecGetArrayRead(u, &x));
  PetscCall(VecGetArrayRead(d->m, &m));
  PetscCall(VecGetArrayWrite(F, &f));
  for (PetscInt i = 0; i < last - first; i++)
    f[i] = x[i] + 0.1 * x[i] * x[i] * x[i] - (*d->law->g)(PetscRealPart(m[i]), (first + i) % 3);
  PetscCall(VecRestoreArrayWrite(F, &f));
  PetscCall(VecRestoreArrayRead(d->m, &m));
  PetscCall(VecRestoreArrayRead(u, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  Vec                d;
  const PetscScalar *x;
  PetscScalar       *a;
  PetscInt           n;

  PetscFunctionBeginUser;
  (void)snes;
  (void)J;
  (void)ctx;
  PetscCall(VecDuplicate(u, &d));
  PetscCall(VecGetLocalSize(u, &n));
  PetscCall(VecGetArrayRead(u, &x));
  PetscCall(VecGetArrayWrite(d, &a));
  for (PetscInt i = 0; i < n; i++) a[i] = 1.0 + 0.3 * x[i] * x[i];
  PetscCall(VecRestoreArrayWrite(d, &a));
  PetscCall(VecRestoreArrayRead(u, &x));
  PetscCall(MatDiagonalSet(P, d, INSERT_VALUES));
  PetscCall(VecDestroy(&d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetValues(Diagonal *d, const PetscReal values[3])
{
  PetscInt first, last;

  PetscFunctionBeginUser;
  PetscCall(VecGetOwnershipRange(d->m, &first, &last));
  for (PetscInt i = first; i < last; i++) PetscCall(VecSetValue(d->m, i, values[i % 3], INSERT_VALUES));
  PetscCall(VecAssemblyBegin(d->m));
  PetscCall(VecAssemblyEnd(d->m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(const Law *law, PetscInt points, PetscBool coloring, Diagonal *d)
{
  PC  pc;
  KSP ksp;

  PetscFunctionBeginUser;
  d->law       = law;
  d->residuals = 0;
  PetscCall(VecCreate(PETSC_COMM_WORLD, &d->m));
  PetscCall(VecSetBlockSize(d->m, law->bs));
  PetscCall(VecSetSizes(d->m, PETSC_DECIDE, 3 * points));
  PetscCall(VecSetType(d->m, VECSTANDARD));
  PetscCall(VecDuplicate(d->m, &d->u));
  PetscCall(VecDuplicate(d->m, &d->r));
  PetscCall(VecSet(d->u, 0.5));
  PetscCall(SetValues(d, law->values));
  {
    PetscInt n, N;

    PetscCall(VecGetLocalSize(d->u, &n));
    PetscCall(VecGetSize(d->u, &N));
    PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, n, n, N, N, 1, NULL, 0, NULL, &d->J));
  }
  PetscCall(VecSet(d->r, 1.0));
  PetscCall(MatDiagonalSet(d->J, d->r, INSERT_VALUES));
  PetscCall(MatDuplicate(d->J, MAT_DO_NOT_COPY_VALUES, &d->pattern));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &d->snes));
  PetscCall(SNESSetFunction(d->snes, d->r, Residual, d));
  PetscCall(SNESSetJacobian(d->snes, d->J, d->J, Jacobian, d));
  PetscCall(SNESSetTolerances(d->snes, 1e-14, 1e-13, 0.0, 60, 1000));
  PetscCall(SNESGetKSP(d->snes, &ksp));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCJACOBI));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &d->dini));
  PetscCall(DiniSetSNES(d->dini, d->snes));
  PetscCall(DiniAddParameter(d->dini, "m", d->m, NULL));
  if (coloring) PetscCall(DiniSetParameterJacobian(d->dini, 0, d->pattern, NULL, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Diagonal *d)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&d->dini));
  PetscCall(SNESDestroy(&d->snes));
  PetscCall(MatDestroy(&d->J));
  PetscCall(MatDestroy(&d->pattern));
  PetscCall(VecDestroy(&d->u));
  PetscCall(VecDestroy(&d->m));
  PetscCall(VecDestroy(&d->r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Each entry of x is w_i du_i/dm_i, by the closed form, relative to itself */
static PetscErrorCode Entrywise(Diagonal *d, Vec w, Vec x, const char what[])
{
  const PetscScalar *a, *u, *m, *b;
  PetscInt           first, last;
  PetscReal          worst = 0.0;

  PetscFunctionBeginUser;
  PetscCall(VecGetOwnershipRange(x, &first, &last));
  PetscCall(VecGetArrayRead(x, &a));
  PetscCall(VecGetArrayRead(w, &b));
  PetscCall(VecGetArrayRead(d->u, &u));
  PetscCall(VecGetArrayRead(d->m, &m));
  for (PetscInt i = 0; i < last - first; i++) {
    const PetscReal   slope    = (*d->law->derivative)(PetscRealPart(m[i]), (first + i) % 3);
    const PetscScalar expected = b[i] * slope / (1.0 + 0.3 * u[i] * u[i]);
    const PetscReal   error    = PetscAbsScalar(a[i] - expected) / PetscAbsScalar(expected);

    worst = PetscMax(worst, PetscIsNanReal(error) ? 1.0 : error);
  }
  PetscCall(VecRestoreArrayRead(d->m, &m));
  PetscCall(VecRestoreArrayRead(d->u, &u));
  PetscCall(VecRestoreArrayRead(w, &b));
  PetscCall(VecRestoreArrayRead(x, &a));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &worst, 1, MPIU_REAL, MPIU_MAX, PETSC_COMM_WORLD));
  DiniTestTrue(worst <= d->law->rtol, "%s, %s: off by a relative %g", d->law->name, what, (double)worst);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All results of one size, as far as the laws go */
static PetscErrorCode Sizes(Vec m, Vec dm)
{
  PetscScalar *a;
  PetscInt     n;

  PetscFunctionBeginUser;
  PetscCall(VecCopy(m, dm));
  PetscCall(VecGetLocalSize(dm, &n));
  PetscCall(VecGetArray(dm, &a));
  for (PetscInt i = 0; i < n; i++) a[i] = PetscAbsScalar(a[i]) > 0.0 ? PetscAbsScalar(a[i]) : 1.0;
  PetscCall(VecRestoreArray(dm, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Both(Diagonal *d, const char what[])
{
  Vec ones, x, dm;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(d->u, &ones));
  PetscCall(VecDuplicate(d->u, &x));
  PetscCall(VecDuplicate(d->m, &dm));
  PetscCall(VecSet(ones, 1.0));
  PetscCall(DiniVJP(d->dini, ones, x));
  PetscCall(Entrywise(d, ones, x, what));
  PetscCall(Sizes(d->m, dm));
  PetscCall(DiniJVP(d->dini, dm, x));
  PetscCall(Entrywise(d, dm, x, what));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&ones));
  PetscCall(VecDestroy(&x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* At the first point, and at a second one of a Dini that has seen values of one size only */
static PetscErrorCode TestLaw(const Law *law, PetscBool coloring)
{
  const PetscReal alike[] = {0.6, 0.7, 0.8};
  Diagonal        d;
  PetscViewer     viewer;
  char            text[4096];

  PetscFunctionBeginUser;
  PetscCall(Create(law, 3, coloring, &d));
  PetscCall(DiniSolve(d.dini, d.u));
  PetscCall(Both(&d, "first point"));
  if (law->view[0]) {
    PetscCall(DiniTestTextOpen(&viewer));
    PetscCall(DiniView(d.dini, viewer));
    PetscCall(DiniTestTextClose(&viewer, text, sizeof(text)));
    PetscCall(DiniTestTextHas(text, law->view));
  }
  PetscCall(Destroy(&d));
  PetscCall(Create(law, 3, coloring, &d));
  PetscCall(SetValues(&d, alike));
  PetscCall(DiniSolve(d.dini, d.u));
  PetscCall(Both(&d, "values alike"));
  PetscCall(SetValues(&d, law->values));
  PetscCall(DiniSolve(d.dini, d.u));
  PetscCall(Both(&d, "second point"));
  PetscCall(Destroy(&d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where one column's step is good, it costs two residuals, the point one, and all columns together two; the guards take theirs, and
   the error of the state one */
static PetscErrorCode TestCost(void)
{
  const PetscReal alike[] = {0.6, 0.7, 0.8};
  Diagonal        d;
  DiniStatistics  s[2];

  PetscFunctionBeginUser;
  PetscCall(Create(&laws[0], 3, PETSC_TRUE, &d));
  PetscCall(SetValues(&d, alike));
  for (int k = 0; k < 3; k++) { /* guards at the first point and at the second; nothing has moved by an order */
    PetscCall(VecScale(d.m, 1.1));
    PetscCall(DiniSolve(d.dini, d.u));
    PetscCall(DiniGetStatistics(d.dini, &s[0]));
    PetscCall(Both(&d, "alike"));
    PetscCall(DiniGetStatistics(d.dini, &s[1]));
    DiniTestCount(s[1].residuals - s[0].residuals, k == 0 ? 10 : k == 1 ? 9 : 5, "residuals for one colour");
  }
  PetscCall(Destroy(&d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscReal Nowhere(PetscReal m, PetscInt c)
{
  return PetscSqrtReal(-PetscAbsReal(m)) + (PetscReal)c;
}

/* An entry without a derivative is named, with its block */
static PetscErrorCode TestNowhere(PetscBool coloring)
{
  const Law nowhere = {"nowhere", Nowhere, RootD, {0.0, 0.0, 0.0}, 1, 0.0, ""};
  Diagonal  d;
  Vec       ones, x;

  PetscFunctionBeginUser;
  PetscCall(Create(&nowhere, 2, coloring, &d));
  PetscCall(DiniSolve(d.dini, d.u));
  PetscCall(VecDuplicate(d.u, &ones));
  PetscCall(VecDuplicate(d.u, &x));
  PetscCall(VecSet(ones, 1.0));
  DiniTestExpect(DiniVJP(d.dini, ones, x), PETSC_ERR_FP, "of parameter \"m\", down to a step of");
  PetscCall(VecDestroy(&ones));
  PetscCall(VecDestroy(&x));
  PetscCall(Destroy(&d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(laws); k++) {
    PetscCall(TestLaw(&laws[k], PETSC_FALSE));
    PetscCall(TestLaw(&laws[k], PETSC_TRUE));
  }
  PetscCall(TestCost());
  PetscCall(TestNowhere(PETSC_FALSE));
  PetscCall(TestNowhere(PETSC_TRUE));
  PetscCall(PetscFinalize());
  return 0;
}
