static char help[] =
    "A coupling forgotten in J or in F_m, between entries of unlike units that nobody has declared to be fields: in a given\n\
J, in a given pattern, in what -snes_fd leaves out, and in no matrix at all. Each gradient is right, or refused, or told.\n";

#include "support/dinitest.h"

typedef enum { SOURCE_GIVEN, SOURCE_PATTERN, SOURCE_DEFAULT, SOURCE_DENSE, SOURCE_PARAMETER, SOURCES } Source;

static const char *const sources[] = {"a given J", "its pattern", "-snes_fd", "differences for each column", "F_m"};

/*
  In each cell, with v = a/T0 and w = b/T1: S0 (v + K v^3 + c w - (1 + K) p - d q/M1) = 0, S1 (w + K w^3 - (1 + K) q/M1) = 0.
  The state is (a, b) in each cell, the block of parameters q, or (p, q) where F_m is in question.
*/
typedef struct {
  Source    source;
  PetscReal T[2], S[2], M1, K, c, d;
  PetscBool forgets;
  PetscInt  cells;
  Vec       m;
} Cells;

static PetscInt Width(const Cells *c)
{
  return c->source == SOURCE_PARAMETER ? 2 : 1;
}

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  const Cells       *c = (const Cells *)ctx;
  const size_t       n = (size_t)Width(c);
  const PetscScalar *a, *m;
  PetscScalar       *f;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(VecGetArrayRead(u, &a));
  PetscCall(VecGetArrayRead(c->m, &m));
  PetscCall(VecGetArray(F, &f));
  for (size_t i = 0; i < (size_t)c->cells; i++) {
    const PetscScalar v = a[2 * i] / c->T[0], w = a[2 * i + 1] / c->T[1];
    const PetscScalar p = n > 1 ? m[2 * i] : 1.0, q = m[n * i + n - 1] / c->M1;

    f[2 * i]     = c->S[0] * (v + c->K * v * v * v + c->c * w - (1.0 + c->K) * p - c->d * q);
    f[2 * i + 1] = c->S[1] * (w + c->K * w * w * w - (1.0 + c->K) * q);
  }
  PetscCall(VecRestoreArray(F, &f));
  PetscCall(VecRestoreArrayRead(c->m, &m));
  PetscCall(VecRestoreArrayRead(u, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  const Cells       *c = (const Cells *)ctx;
  const PetscScalar *a;
  PetscInt           lo;

  PetscFunctionBeginUser;
  (void)snes, (void)J;
  PetscCall(VecGetOwnershipRange(u, &lo, NULL));
  PetscCall(VecGetArrayRead(u, &a));
  for (PetscInt i = 0; i < 2 * c->cells; i += 2) {
    const PetscScalar v = a[i] / c->T[0], w = a[i + 1] / c->T[1];

    PetscCall(MatSetValue(P, lo + i, lo + i, c->S[0] * (1.0 + 3.0 * c->K * v * v) / c->T[0], INSERT_VALUES));
    PetscCall(MatSetValue(P, lo + i + 1, lo + i + 1, c->S[1] * (1.0 + 3.0 * c->K * w * w) / c->T[1], INSERT_VALUES));
    if (!c->forgets || c->source == SOURCE_PARAMETER)
      PetscCall(MatSetValue(P, lo + i, lo + i + 1, c->S[0] * c->c / c->T[1], INSERT_VALUES));
  }
  PetscCall(VecRestoreArrayRead(u, &a));
  PetscCall(MatAssemblyBegin(P, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(P, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ParameterJacobian(Dini dini, Vec u, Vec m, Mat Fm, void *ctx)
{
  const Cells   *c = (const Cells *)ctx;
  const PetscInt n = Width(c);
  PetscInt       row, col;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecGetOwnershipRange(u, &row, NULL));
  PetscCall(VecGetOwnershipRange(m, &col, NULL));
  for (PetscInt i = 0; i < c->cells; i++, row += 2, col += n) {
    const PetscInt q = col + n - 1;

    if (n > 1) PetscCall(MatSetValue(Fm, row, col, -c->S[0] * (1.0 + c->K), INSERT_VALUES));
    PetscCall(MatSetValue(Fm, row + 1, q, -c->S[1] * (1.0 + c->K) / c->M1, INSERT_VALUES));
    if (n > 1 && !c->forgets) PetscCall(MatSetValue(Fm, row, q, -c->S[0] * c->d / c->M1, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(Fm, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(Fm, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateMatrix(const Cells *c, PetscInt width, Mat *A)
{
  const PetscInt m = 2 * c->cells, n = width * c->cells;

  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, m, n, PETSC_DETERMINE, PETSC_DETERMINE, 2, NULL, 0, NULL, A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateSNES(Cells *c, SNES *snes)
{
  SNESLineSearch search;
  Mat            J;

  PetscFunctionBeginUser;
  PetscCall(SNESCreate(PETSC_COMM_WORLD, snes));
  PetscCall(SNESSetFunction(*snes, NULL, Residual, c));
  PetscCall(SNESGetLineSearch(*snes, &search));
  PetscCall(SNESLineSearchSetType(search, SNESLINESEARCHBASIC)); /* others shorten steps by the units of u */
  PetscCall(SNESSetTolerances(*snes, 0.0, 1e-13, 0.0, 60, 1000));
  if (c->source == SOURCE_DEFAULT) PetscCall(SNESSetJacobian(*snes, NULL, NULL, SNESComputeJacobianDefault, NULL));
  else {
    PetscCall(CreateMatrix(c, 2, &J));
    PetscCall(SNESSetJacobian(*snes, J, J, Jacobian, c));
    PetscCall(MatDestroy(&J));
  }
  PetscCall(SNESSetFromOptions(*snes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Somewhat beside the solution, for the forward solve */
static PetscErrorCode Guess(const Cells *c, Vec u)
{
  PetscScalar *a;

  PetscFunctionBeginUser;
  PetscCall(VecGetArray(u, &a));
  for (PetscInt i = 0; i < 2 * c->cells; i++) a[i] = 0.9 * c->T[i % 2];
  PetscCall(VecRestoreArray(u, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateDini(Cells *c, SNES snes, Dini *dini)
{
  Mat Fm;

  PetscFunctionBeginUser;
  PetscCall(DiniCreate(PETSC_COMM_WORLD, dini));
  PetscCall(DiniSetSNES(*dini, snes));
  PetscCall(DiniAddParameter(*dini, "m", c->m, NULL));
  if (c->source == SOURCE_PATTERN) PetscCall(DiniSetJacobianType(*dini, DINI_JACOBIAN_COLORING));
  if (c->source == SOURCE_DENSE) PetscCall(DiniSetJacobianType(*dini, DINI_JACOBIAN_FD));
  PetscCall(CreateMatrix(c, Width(c), &Fm));
  PetscCall(DiniSetParameterJacobian(*dini, 0, Fm, ParameterJacobian, c));
  PetscCall(MatDestroy(&Fm));
  PetscCall(DiniSetFromOptions(*dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* How far the gradient of sum v in q is off, relative to what it is: -d/A - (1 + K) c/(A B), and per unit of q */
static PetscErrorCode Off(const Cells *c, Vec u, Vec mbar, PetscReal *off)
{
  const size_t       n = (size_t)Width(c);
  const PetscScalar *a, *g;

  PetscFunctionBeginUser;
  *off = 0.0;
  PetscCall(VecGetArrayRead(u, &a));
  PetscCall(VecGetArrayRead(mbar, &g));
  for (size_t i = 0; i < (size_t)c->cells; i++) {
    const PetscScalar v = a[2 * i] / c->T[0], w = a[2 * i + 1] / c->T[1];
    const PetscScalar A = 1.0 + 3.0 * c->K * v * v, B = 1.0 + 3.0 * c->K * w * w;
    const PetscScalar right = (c->d - (1.0 + c->K) * c->c / B) / A;

    *off = PetscMax(*off, PetscAbsScalar(g[n * i + n - 1] * c->M1 / right - 1.0));
  }
  PetscCall(VecRestoreArrayRead(mbar, &g));
  PetscCall(VecRestoreArrayRead(u, &a));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, off, 1, MPIU_REAL, MPIU_MAX, PETSC_COMM_WORLD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient(Cells *c, PetscErrorCode *ierr, PetscReal *off, PetscReal *told)
{
  DiniStatistics stats = {0};
  PetscScalar   *b;
  Vec            u, ubar, mbar;
  SNES           snes;
  Dini           dini;

  PetscFunctionBeginUser;
  *off = *told = 0.0;
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, 2 * c->cells, PETSC_DETERMINE, &u));
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, Width(c) * c->cells, PETSC_DETERMINE, &c->m));
  PetscCall(VecDuplicate(u, &ubar));
  PetscCall(VecDuplicate(c->m, &mbar));
  PetscCall(VecSet(c->m, 1.0));
  PetscCall(VecGetArray(c->m, &b));
  for (PetscInt i = 0; i < c->cells; i++) b[Width(c) * (i + 1) - 1] = c->M1;
  PetscCall(VecRestoreArray(c->m, &b));
  PetscCall(VecGetArray(ubar, &b));
  for (PetscInt i = 0; i < 2 * c->cells; i++) b[i] = i % 2 ? 0.0 : 1.0 / c->T[0];
  PetscCall(VecRestoreArray(ubar, &b));
  PetscCall(Guess(c, u));
  PetscCall(CreateSNES(c, &snes));
  PetscCall(CreateDini(c, snes, &dini));
  PetscCall(DiniTestCatch());
  *ierr = DiniSolve(dini, u);
  if (!*ierr) *ierr = DiniVJP(dini, ubar, mbar);
  PetscCall(DiniTestRelease());
  if (!*ierr) PetscCall(DiniGetStatistics(dini, &stats));
  if (!*ierr) PetscCall(Off(c, u, mbar, off));
  *told = stats.gradient_error;
  PetscCall(DiniDestroy(&dini));
  PetscCall(SNESDestroy(&snes));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&c->m));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What is there in full is never refused, nor is what -snes_fd leaves out of a few; a given F_m that is not right always is */
static PetscErrorCode Ask(Cells *c, PetscReal units)
{
  const PetscBool few =
      (PetscBool)(c->source == SOURCE_DEFAULT && c->cells < 10 && (c->K == 0.0 || c->T[0] == c->T[1]));
  const PetscBool never = (PetscBool)(!c->forgets && (c->source == SOURCE_GIVEN || c->source == SOURCE_PARAMETER));
  const PetscBool must  = (PetscBool)(c->forgets && c->source == SOURCE_PARAMETER);
  PetscErrorCode  ierr  = PETSC_SUCCESS;
  PetscReal       off, told;
  PetscBool       good;

  PetscFunctionBeginUser;
  PetscCall(Gradient(c, &ierr, &off, &told));
  good = ierr ? (PetscBool)(!never && !few) : (PetscBool)(!must && off <= PetscMax(1e-8, 10.0 * told));
  if (few && told > 1e-2 && units < 1e10)
    good = PETSC_FALSE; /* beyond, what is small counts as zero, and takes long steps */
  DiniTestTrue(good, "%s%s, units %g apart, K %g, rows %g apart, coupling %g: error %d, off by %g, told %g",
               sources[c->source], c->forgets ? " without it" : "", (double)units, (double)c->K,
               (double)(c->S[1] / c->S[0]), (double)(c->source == SOURCE_PARAMETER ? c->d : c->c), (int)ierr,
               (double)off, (double)told);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Units of the state, of the rows, of both */
static PetscErrorCode AskAll(Source source, PetscReal units, PetscReal coupling, PetscInt cells)
{
  const PetscReal root = PetscSqrtReal(units);
  const PetscBool own  = (PetscBool)(source == SOURCE_PARAMETER);

  PetscFunctionBeginUser;
  for (int shape = 0; shape < 5; shape++)
    for (int forgets = 0; forgets < 2; forgets++) {
      const PetscBool alike = (PetscBool)(shape == 4), rows = (PetscBool)(shape > 1), cubic = (PetscBool)(shape % 2);
      Cells           c = {.source  = source,
                           .T       = {alike || cubic ? 1.0 : 1.0 / root, alike   ? 1.0
                                                                          : cubic ? units
                                                                                  : root},
                           .S       = {rows ? 1.0 / root : 1.0, rows ? root : 1.0},
                           .M1      = own ? units : 1.0,
                           .K       = cubic ? 1.0 : 0.0,
                           .c       = own ? 0.0 : coupling,
                           .d       = own ? coupling : 0.0,
                           .forgets = (PetscBool)forgets,
                           .cells   = cells};

      /* what is less than 1e-6 of a row is not seen where all entries are of one size */
      if (forgets && coupling < 1e-5 && (units < 1e3 || (alike && !own)) && source != SOURCE_DEFAULT) continue;
      /* nor is what differences miss of a small entry told there, of more unknowns than count as a field each */
      if (alike && source == SOURCE_PATTERN && cells > 10) continue;
      PetscCall(Ask(&c, units));
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  static const PetscReal units[]     = {1.0, 1e3, 1e6, 1e8, 1e12};
  static const PetscReal couplings[] = {1e-1, 1e-3, 1e-6};
  PetscInt               cells = 3, first = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-cells", &cells, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-units", &first, NULL));
  for (PetscInt k = first; k < (PetscInt)PETSC_STATIC_ARRAY_LENGTH(units); k++)
    for (size_t l = 0; l < PETSC_STATIC_ARRAY_LENGTH(couplings); l++)
      for (int source = 0; source < (int)SOURCES; source++)
        PetscCall(AskAll((Source)source, units[k], couplings[l], cells));
  PetscCall(PetscFinalize());
  return 0;
}
