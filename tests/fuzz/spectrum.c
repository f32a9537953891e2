/* Matrices from their eigenpairs, and first-order perturbation theory as the sum over all other pairs */
#include "spectrum.h"

static void Multiply(PetscInt n, SpectrumMatrix A, SpectrumMatrix B, SpectrumMatrix C) /* C = A B */
{
  for (PetscInt i = 0; i < n; i++)
    for (PetscInt j = 0; j < n; j++) {
      C[i][j] = 0.0;
      for (PetscInt k = 0; k < n; k++) C[i][j] += A[i][k] * B[k][j];
    }
}

static PetscErrorCode Invert(PetscInt n, SpectrumMatrix A, SpectrumMatrix B)
{
  PetscScalar a[SPECTRUM_N * SPECTRUM_N], b[SPECTRUM_N * SPECTRUM_N];

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < n; i++)
    for (PetscInt j = 0; j < n; j++) a[i * n + j] = A[i][j], b[i * n + j] = i == j ? 1.0 : 0.0;
  PetscCheck(ModeSolve(n, n, a, b), PETSC_COMM_SELF, PETSC_ERR_PLIB, "A singular matrix");
  for (PetscInt i = 0; i < n; i++)
    for (PetscInt j = 0; j < n; j++) B[i][j] = b[i * n + j];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Adjoint(PetscInt n, SpectrumMatrix A, SpectrumMatrix B)
{
  for (PetscInt i = 0; i < n; i++)
    for (PetscInt j = 0; j < n; j++) B[i][j] = PetscConj(A[j][i]);
}

/* Rotations of random pairs of rows, of the identity or of a diagonal: a unitary matrix, or one with a condition of a few */
static void DrawMixed(PetscInt n, PetscBool unitary, SpectrumMatrix Q, Random *random)
{
  for (PetscInt i = 0; i < n; i++)
    for (PetscInt j = 0; j < n; j++) Q[i][j] = i == j ? (unitary ? 1.0 : RandomReal(random, 0.5, 2.0)) : 0.0;
  for (PetscInt r = 0; r < 4 * n && n > 1; r++) {
    const PetscInt  i = RandomInt(random, n), j = (i + 1 + RandomInt(random, n - 1)) % n;
    const PetscReal angle = RandomReal(random, 0.0, 6.3), phase = RandomReal(random, 0.0, 6.3);
    const PetscReal d = unitary ? 1.0 : RandomReal(random, 0.8, 1.25), c = PetscCosReal(angle);
#if defined(PETSC_USE_COMPLEX)
    const PetscScalar s = PetscSinReal(angle) * DiniTestScalar(PetscCosReal(phase), PetscSinReal(phase));
#else
    const PetscScalar s = PetscSinReal(angle);

    (void)phase; /* drawn all the same: a seed is the same case */
#endif

    for (PetscInt k = 0; k < n; k++) {
      const PetscScalar a = Q[i][k], b = Q[j][k];

      Q[i][k] = c * a + s * b;
      Q[j][k] = d * (-PetscConj(s) * a + c * b);
    }
  }
}

/* Eigenvalues at some distance from each other, but for the first few; the last 2 pairs are complex ones of a real problem */
static void DrawEigenvalues(Spectrum *S, PetscInt pairs, Random *random)
{
  const PetscInt  n = S->n, copies = RandomInt(random, 3) ? 0 : 1 + RandomInt(random, 2);
  const PetscReal gap = RandomInt(random, 2) ? 0.0 : RandomPower(random, -10.0, -1.0);

  S->scale = RandomInt(random, 3) ? 1.0 : RandomPower(random, -3.0, 3.0);
  for (PetscInt k = 0; k < n; k++) {
    const PetscReal re = ((PetscReal)k - 0.5 * (PetscReal)n) * 0.7 + RandomReal(random, 0.1, 0.5);
    const PetscReal im = RandomSigned(random, 0.2, 2.0);

    S->lambda[k] = S->scale * re;
    if (!S->hermitian && PetscDefined(USE_COMPLEX)) S->lambda[k] += S->scale * im * (Cx)I;
    if (k < n - 2 * pairs) continue;
    S->lambda[k] += S->scale * im * (Cx)I;
    if ((n - k) % 2) S->lambda[k] = conj(S->lambda[k - 1]);
  }
  for (PetscInt k = 1; k <= copies && k < n - 2 * pairs; k++) S->lambda[k] = S->lambda[0] * (1.0 + (PetscReal)k * gap);
}

/* diag(lambda), with [a b; -b a] for a pair a +- ib, whose vectors are (1, +- i) */
static void Diagonal(const Spectrum *S, PetscInt pairs, SpectrumMatrix D)
{
  const PetscInt n = S->n;

  for (PetscInt i = 0; i < n; i++)
    for (PetscInt j = 0; j < n; j++)
      D[i][j] = i == j ? DiniTestScalar(creal(S->lambda[i]), cimag(S->lambda[i])) : (PetscScalar)0.0;
  for (PetscInt k = n - 2 * pairs; k < n; k += 2) {
    D[k][k + 1] = (PetscReal)cimag(S->lambda[k]);
    D[k + 1][k] = -D[k][k + 1];
  }
}

/* From B and the columns of Q, which are X or, of pairs, its real and imaginary parts: A, X and Y^H = (B X)^{-1} */
static PetscErrorCode Compose(Spectrum *S, PetscInt pairs, SpectrumMatrix Q, SpectrumMatrix B, SpectrumMatrix A)
{
  const PetscInt n = S->n;
  SpectrumMatrix D, W, V, inverse;

  PetscFunctionBeginUser;
  Diagonal(S, pairs, D);
  Multiply(n, B, Q, W); /* B Q */
  PetscCall(Invert(n, W, inverse));
  PetscCall(Invert(n, Q, V));
  Multiply(n, W, D, A);
  Multiply(n, A, V, W);
  for (PetscInt i = 0; i < n; i++)
    for (PetscInt j = 0; j < n; j++) {
      A[i][j]    = W[i][j];
      S->X[i][j] = Q[i][j];
      S->Y[i][j] = conj((Cx)inverse[j][i]);
    }
  for (PetscInt k = n - 2 * pairs; k < n; k += 2)
    for (PetscInt i = 0; i < n; i++) {
      S->X[i][k]     = Q[i][k] + (Cx)I * Q[i][k + 1];
      S->X[i][k + 1] = conj(S->X[i][k]);
      S->Y[i][k]     = 0.5 * (conj((Cx)inverse[k][i]) + (Cx)I * conj((Cx)inverse[k + 1][i]));
      S->Y[i][k + 1] = conj(S->Y[i][k]);
    }
  if (S->hermitian) /* of rounding */
    for (PetscInt i = 0; i < n; i++)
      for (PetscInt j = 0; j <= i; j++) {
        A[i][j] = 0.5 * (A[i][j] + PetscConj(A[j][i]));
        A[j][i] = PetscConj(A[i][j]);
      }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void DrawDirection(const Spectrum *S, PetscReal size, SpectrumMatrix M, Random *random)
{
  for (PetscInt i = 0; i < S->n; i++)
    for (PetscInt j = 0; j < S->n; j++) {
      M[i][j] = size * RandomScalar(random, PETSC_TRUE);
      if (!S->hermitian || j > i) continue;
      M[i][j] = i == j ? (PetscScalar)PetscRealPart(M[i][j]) : PetscConj(M[j][i]);
    }
}

PetscErrorCode SpectrumDraw(Spectrum *S, Random *random)
{
  PetscInt       pairs;
  SpectrumMatrix Q, L, LH, B;

  PetscFunctionBeginUser;
  S->K         = 1 + RandomInt(random, SPECTRUM_K);
  S->hermitian = (PetscBool)RandomInt(random, 2);
  S->n         = S->hermitian ? 1 + RandomInt(random, SPECTRUM_N) : 3 + RandomInt(random, SPECTRUM_N - 2);
  S->general   = (PetscBool)RandomInt(random, 2);
  pairs        = S->hermitian || PetscDefined(USE_COMPLEX) ? 0 : RandomInt(random, S->n / 2 + 1);
  DrawEigenvalues(S, pairs, random);
  DrawMixed(S->n, S->hermitian, Q, random);
  DrawMixed(S->n, (PetscBool)!S->general, L, random);
  Adjoint(S->n, L, LH);
  if (S->hermitian && S->general) { /* B = L L^H, X = L^{-H} Q */
    SpectrumMatrix inverse, X;

    Multiply(S->n, L, LH, B);
    PetscCall(Invert(S->n, LH, inverse));
    Multiply(S->n, inverse, Q, X);
    PetscCall(PetscMemcpy(Q, X, sizeof(X)));
  } else if (S->general) PetscCall(PetscMemcpy(B, L, sizeof(B)));
  else
    for (PetscInt i = 0; i < S->n; i++)
      for (PetscInt j = 0; j < S->n; j++) B[i][j] = i == j ? 1.0 : 0.0;
  PetscCall(Compose(S, pairs, Q, B, S->A0));
  PetscCall(PetscMemcpy(S->B0, B, sizeof(B)));
  for (PetscInt k = 0; k < S->K; k++) {
    S->m[k] = RandomScalar(random, (PetscBool)!S->hermitian);
    DrawDirection(S, S->scale, S->A[k], random);
    DrawDirection(S, RandomInt(random, 2) ? 0.0 : S->scale, S->A2[k], random);
    DrawDirection(S, S->general && RandomInt(random, 2) ? 0.3 : 0.0, S->B[k], random);
    for (PetscInt i = 0; i < S->n; i++)
      for (PetscInt j = 0; j < S->n; j++) {
        S->A0[i][j] -= S->m[k] * S->A[k][i][j] + 0.5 * S->m[k] * S->m[k] * S->A2[k][i][j];
        S->B0[i][j] -= S->m[k] * S->B[k][i][j];
      }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscScalar SpectrumEntry(const Spectrum *S, int which, const PetscScalar m[], PetscInt i, PetscInt j)
{
  PetscScalar a = which ? S->B0[i][j] : S->A0[i][j];

  for (PetscInt k = 0; k < S->K; k++) a += m[k] * (which ? S->B[k][i][j] : S->A[k][i][j] + 0.5 * m[k] * S->A2[k][i][j]);
  return a;
}

PetscScalar SpectrumSlope(const Spectrum *S, int which, const PetscScalar m[], PetscInt k, PetscInt i, PetscInt j)
{
  return which ? S->B[k][i][j] : S->A[k][i][j] + m[k] * S->A2[k][i][j];
}

PetscInt SpectrumNearest(const Spectrum *S, Cx lambda, PetscReal *gap)
{
  PetscInt nearest = 0;

  for (PetscInt k = 1; k < S->n; k++)
    if (cabs(S->lambda[k] - lambda) < cabs(S->lambda[nearest] - lambda)) nearest = k;
  *gap = PETSC_INFINITY;
  for (PetscInt k = 0; k < S->n; k++)
    if (k != nearest) *gap = PetscMin(*gap, cabs(S->lambda[k] - S->lambda[nearest]));
  return nearest;
}

/* y^H (A_k - lambda B_k) x for vector number l of Y */
static Cx Coupling(const Spectrum *S, PetscInt l, PetscInt k, Cx lambda, const Cx x[], PetscReal *size)
{
  Cx sum = 0.0;

  for (PetscInt i = 0; i < S->n; i++)
    for (PetscInt j = 0; j < S->n; j++) {
      const Cx term =
          conj(S->Y[i][l]) * (SpectrumSlope(S, 0, S->m, k, i, j) - lambda * SpectrumSlope(S, 1, S->m, k, i, j)) * x[j];

      sum += term;
      if (size) *size += cabs(term);
    }
  return sum;
}

Cx SpectrumValue(const Spectrum *S, PetscInt j, PetscInt k, PetscReal *size)
{
  Cx x[SPECTRUM_N];

  for (PetscInt i = 0; i < S->n; i++) x[i] = S->X[i][j];
  return Coupling(S, j, k, S->lambda[j], x, size);
}

void SpectrumVector(const Spectrum *S, PetscInt j, PetscInt k, const Cx x[], Cx dx[])
{
  Cx along = 0.0, change = 0.0;

  for (PetscInt i = 0; i < S->n; i++) dx[i] = 0.0;
  for (PetscInt l = 0; l < S->n; l++) {
    const Cx factor = l == j ? 0.0 : Coupling(S, l, k, S->lambda[j], x, NULL) / (S->lambda[j] - S->lambda[l]);

    for (PetscInt i = 0; i < S->n; i++) dx[i] += factor * S->X[i][l];
  }
  for (PetscInt i = 0; i < S->n; i++) /* of the lengths that stay one: x^H B x, or x^H x */
    for (PetscInt l = 0; l < S->n; l++) {
      const Cx b = S->hermitian ? SpectrumEntry(S, 1, S->m, i, l) : i == l ? 1.0 : 0.0;

      along += conj(x[i]) * b * dx[l];
      if (S->hermitian) change += conj(x[i]) * SpectrumSlope(S, 1, S->m, k, i, l) * x[l];
    }
  for (PetscInt i = 0; i < S->n; i++) dx[i] -= (along + 0.5 * change) * x[i];
}
