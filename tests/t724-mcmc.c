static char help[] = "The Laplace approximation of a nonlinear posterior against a long Markov chain.\n";

#include "support/dinitest.h"
#include <dinislepc.h>
#include <stdint.h>

#define D     12     /* numbers that are measured */
#define CHAIN 400000 /* steps of the chain */
#define SIGMA 0.1    /* of the data */
#define PRIOR 0.7    /* precision of the prior, times the identity, around zero */

/* u_i + 0.1 u_i^3 = m_0 + m_1 t_i with t_i in [-1, 1]; data at u_i of m = (0.8, -0.5), off by +-0.1 in turn */
static PetscReal Time(PetscInt i)
{
  return 2.0 * (PetscReal)i / (D - 1) - 1.0;
}

static PetscReal State(PetscInt i, const PetscReal m[2])
{
  PetscReal u = 0.0;

  for (int k = 0; k < 30; k++) u -= (u + 0.1 * u * u * u - m[0] - m[1] * Time(i)) / (1.0 + 0.3 * u * u);
  return u;
}

static PetscReal Datum(PetscInt i)
{
  static const PetscReal truth[2] = {0.8, -0.5};

  return State(i, truth) + (i % 2 ? SIGMA : -SIGMA);
}

/* -log of the posterior's density */
static PetscReal Energy(const PetscReal m[2])
{
  PetscReal sum = 0.5 * PRIOR * (m[0] * m[0] + m[1] * m[1]);

  for (PetscInt i = 0; i < D; i++) sum += 0.5 * PetscSqr((State(i, m) - Datum(i)) / SIGMA);
  return sum;
}

/* The least of it, by Newton's method on differences, which know nothing of Dini */
static void Minimum(PetscReal m[2])
{
  const PetscReal h = 1e-4;

  m[0] = 0.8;
  m[1] = -0.5;
  for (int it = 0; it < 20; it++) {
    PetscReal g[2], H[2][2], E[3][3], det;

    for (int i = 0; i < 3; i++)
      for (int j = 0; j < 3; j++) {
        const PetscReal at[2] = {m[0] + (i - 1) * h, m[1] + (j - 1) * h};

        E[i][j] = Energy(at);
      }
    g[0]    = (E[2][1] - E[0][1]) / (2.0 * h);
    g[1]    = (E[1][2] - E[1][0]) / (2.0 * h);
    H[0][0] = (E[2][1] - 2.0 * E[1][1] + E[0][1]) / (h * h);
    H[1][1] = (E[1][2] - 2.0 * E[1][1] + E[1][0]) / (h * h);
    H[0][1] = (E[2][2] - E[2][0] - E[0][2] + E[0][0]) / (4.0 * h * h);
    det     = H[0][0] * H[1][1] - H[0][1] * H[0][1];
    m[0] -= (H[1][1] * g[0] - H[0][1] * g[1]) / det;
    m[1] -= (H[0][0] * g[1] - H[0][1] * g[0]) / det;
  }
}

static PetscReal Uniform(uint64_t *state)
{
  *state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
  return (PetscReal)(*state >> 11) / 9007199254740992.0;
}

/* Metropolis' random walk from the minimum: means, and the covariance */
static void Chain(const PetscReal start[2], PetscReal mean[2], PetscReal C[2][2])
{
  uint64_t  state = 12345;
  PetscReal m[2] = {start[0], start[1]}, energy = Energy(m), sums[5] = {0.0};

  for (int k = 0; k < CHAIN; k++) {
    const PetscReal tried[2] = {m[0] + 0.15 * (Uniform(&state) - 0.5), m[1] + 0.25 * (Uniform(&state) - 0.5)};
    const PetscReal moved    = Energy(tried);

    if (Uniform(&state) < PetscExpReal(energy - moved)) {
      m[0]   = tried[0];
      m[1]   = tried[1];
      energy = moved;
    }
    sums[0] += m[0] - start[0];
    sums[1] += m[1] - start[1];
    sums[2] += (m[0] - start[0]) * (m[0] - start[0]);
    sums[3] += (m[0] - start[0]) * (m[1] - start[1]);
    sums[4] += (m[1] - start[1]) * (m[1] - start[1]);
  }
  for (int i = 0; i < 5; i++) sums[i] /= CHAIN;
  mean[0] = start[0] + sums[0];
  mean[1] = start[1] + sums[1];
  C[0][0] = sums[2] - sums[0] * sums[0];
  C[0][1] = C[1][0] = sums[3] - sums[0] * sums[1];
  C[1][1]           = sums[4] - sums[1] * sums[1];
}

/* ---- the same to Dini ---- */
typedef struct {
  Mat B, J; /* B_i0 = 1, B_i1 = t_i */
  Vec m, b, d;
} Fit;

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  const Fit         *fit = (const Fit *)ctx;
  const PetscScalar *a, *b;
  PetscScalar       *f;
  PetscInt           n;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(MatMult(fit->B, fit->m, fit->b));
  PetscCall(VecGetLocalSize(u, &n));
  PetscCall(VecGetArrayRead(u, &a));
  PetscCall(VecGetArrayRead(fit->b, &b));
  PetscCall(VecGetArray(F, &f));
  for (PetscInt i = 0; i < n; i++) f[i] = a[i] + 0.1 * a[i] * a[i] * a[i] - b[i];
  PetscCall(VecRestoreArray(F, &f));
  PetscCall(VecRestoreArrayRead(fit->b, &b));
  PetscCall(VecRestoreArrayRead(u, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  const PetscScalar *a;
  PetscInt           lo, hi;

  PetscFunctionBeginUser;
  (void)snes, (void)P, (void)ctx;
  PetscCall(VecGetOwnershipRange(u, &lo, &hi));
  PetscCall(VecGetArrayRead(u, &a));
  for (PetscInt i = lo; i < hi; i++) PetscCall(MatSetValue(J, i, i, 1.0 + 0.3 * a[i - lo] * a[i - lo], INSERT_VALUES));
  PetscCall(VecRestoreArrayRead(u, &a));
  PetscCall(MatAssemblyBegin(J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(J, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Fill(Dini dini, Vec u, Vec m, Mat Fm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini, (void)u, (void)m;
  PetscCall(MatCopy(((const Fit *)ctx)->B, Fm, SAME_NONZERO_PATTERN));
  PetscCall(MatScale(Fm, -1.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Value(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  Vec       r;
  PetscReal norm;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecDuplicate(u, &r));
  PetscCall(VecWAXPY(r, -1.0, ((const Fit *)ctx)->d, u));
  PetscCall(VecNorm(r, NORM_2, &norm));
  PetscCall(VecDestroy(&r));
  *value = 0.5 * norm * norm / (SIGMA * SIGMA);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini, (void)dJdm;
  PetscCall(VecWAXPY(dJdu, -1.0, ((const Fit *)ctx)->d, u));
  PetscCall(VecScale(dJdu, 1.0 / (SIGMA * SIGMA)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(Fit *fit)
{
  PetscInt lo, hi, rows, columns;

  PetscFunctionBeginUser;
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, PETSC_DECIDE, 2, &fit->m));
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, PETSC_DECIDE, D, &fit->d));
  PetscCall(VecDuplicate(fit->d, &fit->b));
  PetscCall(VecGetLocalSize(fit->d, &rows));
  PetscCall(VecGetLocalSize(fit->m, &columns));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, rows, columns, D, 2, 2, NULL, 2, NULL, &fit->B));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, rows, rows, D, D, 1, NULL, 0, NULL, &fit->J));
  PetscCall(VecGetOwnershipRange(fit->d, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) {
    PetscCall(VecSetValue(fit->d, i, Datum(i), INSERT_VALUES));
    PetscCall(MatSetValue(fit->B, i, 0, 1.0, INSERT_VALUES));
    PetscCall(MatSetValue(fit->B, i, 1, Time(i), INSERT_VALUES));
  }
  PetscCall(VecAssemblyBegin(fit->d));
  PetscCall(VecAssemblyEnd(fit->d));
  PetscCall(MatAssemblyBegin(fit->B, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(fit->B, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Column j of the covariance, entry by entry on the ranks that have them, against that of the chain */
static PetscErrorCode Column(DiniPosterior post, Vec m, PetscInt j, const PetscReal C[2][2], PetscReal rtol)
{
  const PetscScalar *a;
  PetscReal          worst = 0.0;
  PetscInt           lo, hi;
  Vec                e, c;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(m, &e));
  PetscCall(VecDuplicate(m, &c));
  PetscCall(VecGetOwnershipRange(m, &lo, &hi));
  if (j >= lo && j < hi) PetscCall(VecSetValue(e, j, 1.0, INSERT_VALUES));
  PetscCall(VecAssemblyBegin(e));
  PetscCall(VecAssemblyEnd(e));
  PetscCall(DiniPosteriorApplyCovariance(post, e, c));
  PetscCall(VecGetArrayRead(c, &a));
  for (PetscInt i = lo; i < hi; i++)
    worst = PetscMax(worst, PetscAbsScalar(a[i - lo] - C[i][j]) / PetscSqrtReal(C[i][i] * C[j][j]));
  PetscCall(VecRestoreArrayRead(c, &a));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &worst, 1, MPIU_REAL, MPIU_MAX, PETSC_COMM_WORLD));
  DiniTestTrue(worst < rtol, "Column %d of the covariance is %g off the chain's", (int)j, (double)worst);
  PetscCall(VecDestroy(&e));
  PetscCall(VecDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The chain has about 400000 / 15 steps that tell something new, so that a variance is known to a hundredth of it */
static PetscErrorCode Compare(const PetscReal least[2], const PetscReal C[2][2], DiniHessianType type)
{
  Fit           fit = {0};
  Vec           r, u, m;
  Mat           Fm, R;
  SNES          snes;
  Dini          dini;
  DiniPosterior post;
  PetscReal     value;
  PetscInt      n;

  PetscFunctionBeginUser;
  PetscCall(Create(&fit));
  PetscCall(VecDuplicate(fit.d, &r));
  PetscCall(VecDuplicate(fit.d, &u));
  PetscCall(VecDuplicate(fit.m, &m));
  PetscCall(MatDuplicate(fit.B, MAT_COPY_VALUES, &Fm));
  PetscCall(VecGetLocalSize(m, &n));
  PetscCall(MatCreateConstantDiagonal(PETSC_COMM_WORLD, n, n, 2, 2, PRIOR, &R));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &snes));
  PetscCall(SNESSetFunction(snes, r, Residual, &fit));
  PetscCall(SNESSetJacobian(snes, fit.J, fit.J, Jacobian, &fit));
  PetscCall(SNESSetTolerances(snes, PETSC_DEFAULT, 1e-12, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(SNESSetFromOptions(snes));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetSNES(dini, snes));
  PetscCall(DiniAddParameter(dini, "m", fit.m, NULL));
  PetscCall(DiniSetParameterJacobian(dini, 0, Fm, Fill, &fit));
  PetscCall(DiniSetState(dini, u));
  PetscCall(DiniSetObjective(dini, Value, Gradient, &fit));
  PetscCall(DiniSetHessianType(dini, type));
  PetscCall(DiniSetFromOptions(dini));
  for (PetscInt i = 0; i < 2; i++) PetscCall(VecSetValue(m, i, least[i], INSERT_VALUES));
  PetscCall(VecAssemblyBegin(m));
  PetscCall(VecAssemblyEnd(m));
  PetscCall(DiniComputeObjective(dini, m, &value));
  PetscCall(DiniPosteriorCreate(dini, &post));
  PetscCall(DiniPosteriorSetPrior(post, R, PETSC_FALSE));
  PetscCall(DiniPosteriorSetDimension(post, PETSC_DECIDE, 1e-6));
  PetscCall(DiniPosteriorSetFromOptions(post));
  PetscCall(DiniPosteriorSolve(post));
  for (PetscInt j = 0; j < 2; j++)
    PetscCall(Column(post, fit.m, j, C, type == DINI_HESSIAN_FULL ? 0.03 : 0.06)); /* of a misfit that is not zero */
  PetscCall(DiniPosteriorDestroy(&post));
  PetscCall(DiniDestroy(&dini));
  PetscCall(SNESDestroy(&snes));
  PetscCall(MatDestroy(&Fm));
  PetscCall(MatDestroy(&R));
  PetscCall(MatDestroy(&fit.B));
  PetscCall(MatDestroy(&fit.J));
  PetscCall(VecDestroy(&fit.m));
  PetscCall(VecDestroy(&fit.b));
  PetscCall(VecDestroy(&fit.d));
  PetscCall(VecDestroy(&r));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscReal least[2], mean[2], C[2][2];

  PetscFunctionBeginUser;
  PetscCall(SlepcInitialize(&argc, &argv, NULL, help));
  Minimum(least);
  Chain(least, mean, C);
  for (int i = 0; i < 2; i++)
    DiniTestTrue(PetscAbsReal(mean[i] - least[i]) < 0.15 * PetscSqrtReal(C[i][i]),
                 "Mean %d of the chain is %g, its mode %g", i, (double)mean[i], (double)least[i]);
  if (!PetscDefined(USE_COMPLEX)) PetscCall(Compare(least, C, DINI_HESSIAN_FULL)); /* there the other one is refused */
  PetscCall(Compare(least, C, DINI_HESSIAN_GAUSS_NEWTON));
  PetscCall(SlepcFinalize());
  return 0;
}
