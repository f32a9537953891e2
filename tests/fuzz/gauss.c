/* Random linear relations and priors, and their posterior by dense algebra that knows no eigensolver but Jacobi's */
#include "gauss.h"

#define SWEEPS 30

/* Eigenvalues of a real symmetric matrix, the largest first */
static void Jacobi(PetscInt n, PetscReal a[], PetscReal lambda[])
{
  for (PetscInt sweep = 0; sweep < SWEEPS; sweep++) {
    PetscReal off = 0.0, on = 0.0;

    for (PetscInt i = 0; i < n; i++) {
      on += a[i * n + i] * a[i * n + i];
      for (PetscInt j = 0; j < i; j++) off += a[i * n + j] * a[i * n + j];
    }
    if (off <= 1e-30 * on) break;
    for (PetscInt p = 0; p < n; p++)
      for (PetscInt q = p + 1; q < n; q++) {
        PetscReal theta, t, c, s;

        if (a[p * n + q] == 0.0) continue;
        theta = (a[q * n + q] - a[p * n + p]) / (2.0 * a[p * n + q]);
        t     = (theta < 0.0 ? -1.0 : 1.0) / (PetscAbsReal(theta) + PetscSqrtReal(1.0 + theta * theta));
        c     = 1.0 / PetscSqrtReal(1.0 + t * t);
        s     = c * t;
        for (PetscInt k = 0; k < n; k++) {
          const PetscReal x = a[k * n + p], y = a[k * n + q];

          a[k * n + p] = c * x - s * y;
          a[k * n + q] = s * x + c * y;
        }
        for (PetscInt k = 0; k < n; k++) {
          const PetscReal x = a[p * n + k], y = a[q * n + k];

          a[p * n + k] = c * x - s * y;
          a[q * n + k] = s * x + c * y;
        }
      }
  }
  for (PetscInt i = 0; i < n; i++) lambda[i] = -a[i * n + i];
  (void)PetscSortReal(n, lambda);
  for (PetscInt i = 0; i < n; i++) lambda[i] = -lambda[i];
}

/* Of a Hermitian matrix: as a real one of twice the size, where each counts twice */
static PetscErrorCode Eigenvalues(PetscInt n, const PetscScalar H[], PetscReal lambda[])
{
  const PetscInt k = PetscDefined(USE_COMPLEX) ? 2 : 1, N = k * n;
  PetscReal     *a, *all;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(N * N, &a, N, &all));
  for (PetscInt i = 0; i < n; i++)
    for (PetscInt j = 0; j < n; j++) {
      a[i * N + j] = PetscRealPart(H[i * n + j]);
      if (k == 1) continue;
      a[(n + i) * N + n + j] = a[i * N + j];
      a[(n + i) * N + j]     = PetscImaginaryPart(H[i * n + j]);
      a[i * N + n + j]       = -PetscImaginaryPart(H[i * n + j]);
    }
  Jacobi(N, a, all);
  for (PetscInt i = 0; i < n; i++) lambda[i] = all[(size_t)k * (size_t)i];
  PetscCall(PetscFree2(a, all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* R = M^H M / N + 0.3 or a band, in some unit; S = L^{-H} of its Cholesky factor L */
static void DrawPrior(Gauss *g, Random *random)
{
  const PetscInt  N    = g->N;
  const PetscReal unit = RandomPower(random, -2.0, 2.0);
  const PetscBool band = RandomChance(random, 0.5), imaginary = RandomChance(random, 0.7);
  PetscScalar     M[GAUSS_N][GAUSS_N], L[GAUSS_N][GAUSS_N]    = {{0.0}};

  g->prior = (Prior)RandomInt(random, PRIORS);
  for (PetscInt i = 0; i < N; i++)
    for (PetscInt j = 0; j < N; j++) {
      M[i][j] = !band || j == i || j == i + 1 ? RandomScalar(random, imaginary) : (PetscScalar)0.0;
      if (band && i == j) M[i][j] += 1.5 * M[i][j] / PetscAbsScalar(M[i][j]);
    }
  for (PetscInt i = 0; i < N; i++)
    for (PetscInt j = 0; j < N; j++) {
      g->R[i][j] = i == j ? 0.3 : 0.0;
      for (PetscInt k = 0; k < N; k++) g->R[i][j] += PetscConj(M[k][i]) * M[k][j] / (band ? 1.0 : (PetscReal)N);
      g->R[i][j] *= unit;
      if (g->prior == PRIOR_PLAIN) g->R[i][j] = i == j ? 1.0 : 0.0;
    }
  for (PetscInt j = 0; j < N; j++)
    for (PetscInt i = j; i < N; i++) {
      PetscScalar sum = g->R[i][j];

      for (PetscInt k = 0; k < j; k++) sum -= L[i][k] * PetscConj(L[j][k]);
      L[i][j] = i == j ? PetscSqrtReal(PetscRealPart(sum)) : sum / L[j][j];
    }
  for (PetscInt j = 0; j < N; j++) /* L^H S = I, column by column */
    for (PetscInt i = N - 1; i >= 0; i--) {
      PetscScalar sum = i == j ? 1.0 : 0.0;

      for (PetscInt k = i + 1; k < N; k++) sum -= PetscConj(L[k][i]) * g->S[k][j];
      g->S[i][j] = sum / L[i][i];
    }
}

static void DrawRelation(Gauss *g, Random *random)
{
  const PetscReal level     = RandomReal(random, -3.0, 3.0),
                  spread    = RandomInt(random, 3) ? RandomReal(random, 0.0, 2.0) : 0.0;
  const PetscBool imaginary = RandomChance(random, 0.7), smooth = RandomChance(random, 0.5);

  for (PetscInt i = 0; i < g->U; i++) {
    for (PetscInt j = 0; j < g->U; j++) {
      g->A[i][j] = PetscAbsInt(i - j) == 1 ? 0.4 * RandomScalar(random, imaginary) : (PetscScalar)0.0;
      if (i == j) g->A[i][j] = RandomReal(random, 1.5, 3.0);
    }
    for (PetscInt k = 0; k < g->N; k++) /* smooth ones see the later parameters less and less */
      g->B[i][k] =
          RandomScalar(random, imaginary) * (smooth ? PetscPowReal(10.0, -6.0 * (PetscReal)k / (PetscReal)g->N) : 1.0);
    g->c[i] = RandomScalar(random, imaginary);
    g->d[i] = RandomScalar(random, imaginary);
    g->w[i] = i < g->D ? PetscPowReal(10.0, level + RandomReal(random, -spread, spread)) : 0.0;
  }
  for (PetscInt k = 0; k < g->N; k++) g->m0[k] = RandomScalar(random, imaginary);
}

/* X = S^H (G^H W G) S, R^{-1} = S S^H, C = (G^H W G + R)^{-1} */
static PetscErrorCode Posterior(Gauss *g)
{
  const PetscInt N = g->N, U = g->U;
  PetscScalar   *A, *B, *X;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(U * U, &A, PetscMax(U, N) * N, &B, N * N, &X));
  for (PetscInt i = 0; i < U; i++) {
    for (PetscInt j = 0; j < U; j++) A[i * U + j] = g->A[i][j];
    for (PetscInt k = 0; k < N; k++) B[i * N + k] = g->B[i][k];
  }
  PetscCheck(ModeSolve(U, N, A, B), PETSC_COMM_SELF, PETSC_ERR_PLIB, "A is singular");
  for (PetscInt i = 0; i < U; i++)
    for (PetscInt k = 0; k < N; k++) g->G[i][k] = B[i * N + k];
  for (PetscInt i = 0; i < U; i++) /* B = W^{1/2} G S */
    for (PetscInt k = 0; k < N; k++) {
      B[i * N + k] = 0.0;
      for (PetscInt l = 0; l < N; l++) B[i * N + k] += PetscSqrtReal(g->w[i]) * g->G[i][l] * g->S[l][k];
    }
  for (PetscInt i = 0; i < N; i++)
    for (PetscInt j = 0; j < N; j++) {
      X[i * N + j] = 0.0;
      for (PetscInt l = 0; l < U; l++) X[i * N + j] += PetscConj(B[l * N + i]) * B[l * N + j];
    }
  PetscCall(Eigenvalues(N, X, g->lambda));
  for (PetscInt i = 0; i < N; i++)
    for (PetscInt j = 0; j < N; j++) { /* (1 + X)^{-1} S^H */
      B[i * N + j] = PetscConj(g->S[j][i]);
      X[i * N + j] += i == j ? 1.0 : 0.0;
    }
  PetscCheck(ModeSolve(N, N, X, B), PETSC_COMM_SELF, PETSC_ERR_PLIB, "The precision is singular");
  for (PetscInt i = 0; i < N; i++)
    for (PetscInt j = 0; j < N; j++) {
      g->C[i][j] = g->inverse[i][j] = 0.0;
      for (PetscInt k = 0; k < N; k++) {
        g->C[i][j] += g->S[i][k] * B[k * N + j];
        g->inverse[i][j] += g->S[i][k] * PetscConj(g->S[j][k]);
      }
    }
  PetscCall(PetscFree3(A, B, X));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GaussDraw(Gauss *g, Random *random)
{
  PetscFunctionBeginUser;
  g->N      = RandomInt(random, 2) ? 1 + RandomInt(random, 12) : 1 + RandomInt(random, GAUSS_N);
  g->D      = RandomInt(random, 4) ? RandomInt(random, 2 * g->N + 1) : RandomInt(random, PetscMin(g->N, 6) + 1);
  g->U      = g->D + 1 + RandomInt(random, 4);
  g->inside = (PetscBool)RandomInt(random, 2);
  g->s      = RandomInt(random, 2) ? 1.0 : RandomPower(random, -2.0, 2.0);
  DrawPrior(g, random);
  DrawRelation(g, random);
  PetscCall(Posterior(g));
  PetscFunctionReturn(PETSC_SUCCESS);
}
