#include "lownorm.h"

static PetscReal Number(PetscInt i, PetscInt j, PetscInt seed)
{
  return PetscSinReal((PetscReal)(1 + 3 * i + 7 * j + 11 * seed + 5 * i * j));
}

static PetscScalar Entry(PetscInt i, PetscInt j, PetscInt seed)
{
  return DiniTestScalar(Number(i, j, seed), 0.5 * Number(i, j, seed + 1));
}

void LowNormFactors(const LowNorm *p, const PetscScalar m[], LowNormDense B, LowNormDense C)
{
  for (PetscInt i = 0; i < p->M; i++)
    for (PetscInt j = 0; j < p->r; j++)
      B[i][j] = Entry(i, j, 1) + m[0] * Entry(i, j, 3) + PetscSinScalar(m[1]) * Entry(i, j, 5);
  for (PetscInt j = 0; j < p->r; j++)
    for (PetscInt l = 0; l < p->N; l++) {
      C[j][l] = Entry(j, l, 7);
      if (p->family != LOWNORM_FIXED) C[j][l] += m[1] * Entry(j, l, 9) + m[0] * m[2] * Entry(j, l, 11);
      if (p->family == LOWNORM_FALLS && j == 0) C[j][l] *= m[0] - 1.0;
      if (p->family == LOWNORM_TOUCHES && j == 0) C[j][l] *= (m[0] - 1.0) * (m[0] - 1.0);
    }
}

PetscScalar LowNormRightHandSide(const LowNorm *p, const PetscScalar m[], PetscInt i)
{
  return Entry(i, 0, 13) + (p->bdepends ? PetscSinScalar(m[2]) * Entry(i, 1, 13) : 0.0);
}

/* x <- G^-1 x for a Hermitian positive G */
static void Solve(PetscInt n, LowNormDense G, PetscScalar x[])
{
  for (PetscInt k = 0; k < n; k++)
    for (PetscInt i = k + 1; i < n; i++) {
      const PetscScalar f = G[i][k] / G[k][k];

      for (PetscInt j = k; j < n; j++) G[i][j] -= f * G[k][j];
      x[i] -= f * x[k];
    }
  for (PetscInt i = n - 1; i >= 0; i--) {
    for (PetscInt j = i + 1; j < n; j++) x[i] -= G[i][j] * x[j];
    x[i] /= G[i][i];
  }
}

/* u = C^H (C C^H)^-1 (B^H B)^-1 B^H b */
void LowNormPseudoInverse(const LowNorm *p, LowNormDense B, LowNormDense C, const PetscScalar b[], PetscScalar u[])
{
  const PetscInt r = p->r;
  LowNormDense   G;
  PetscScalar    x[LOWNORM_MAX] = {0.0};

  for (PetscInt i = 0; i < r; i++)
    for (PetscInt k = 0; k < p->M; k++) x[i] += PetscConj(B[k][i]) * b[k];
  for (PetscInt pass = 0; pass < 2; pass++) {
    for (PetscInt i = 0; i < r; i++)
      for (PetscInt j = 0; j < r; j++) {
        G[i][j] = 0.0;
        if (!pass)
          for (PetscInt k = 0; k < p->M; k++) G[i][j] += PetscConj(B[k][i]) * B[k][j];
        else
          for (PetscInt l = 0; l < p->N; l++) G[i][j] += C[i][l] * PetscConj(C[j][l]);
      }
    Solve(r, G, x);
  }
  for (PetscInt l = 0; l < p->N; l++) {
    u[l] = 0.0;
    for (PetscInt i = 0; i < r; i++) u[l] += PetscConj(C[i][l]) * x[i];
  }
}

void LowNormSolution(const LowNorm *p, const PetscScalar m[], PetscScalar u[])
{
  LowNormDense B, C;
  PetscScalar  b[LOWNORM_MAX];

  LowNormFactors(p, m, B, C);
  for (PetscInt i = 0; i < p->M; i++) b[i] = LowNormRightHandSide(p, m, i);
  LowNormPseudoInverse(p, B, C, b, u);
}

/* Orthonormal v[k][] with C v = 0: unit vectors without their part in the rows of C and in those before */
static PetscInt NullVectors(const LowNorm *p, PetscInt first, LowNormDense C, LowNormDense v)
{
  PetscInt     n = 0, rows = p->r - first;
  LowNormDense q = {{0.0}};

  for (PetscInt i = 0; i < rows + p->N && n < p->N - rows; i++) {
    PetscScalar x[LOWNORM_MAX];
    PetscReal   norm = 0.0;

    for (PetscInt l = 0; l < p->N; l++)
      x[l] = i < rows ? PetscConj(C[i + first][l]) : (PetscScalar)(l == i - rows ? 1.0 : 0.0);
    for (PetscInt pass = 0; pass < 2; pass++)
      for (PetscInt j = 0; j < PetscMin(i, rows) + n; j++) {
        PetscScalar *y = j < PetscMin(i, rows) ? q[j] : v[j - PetscMin(i, rows)], dot = 0.0;

        for (PetscInt l = 0; l < p->N; l++) dot += PetscConj(y[l]) * x[l];
        for (PetscInt l = 0; l < p->N; l++) x[l] -= dot * y[l];
      }
    for (PetscInt l = 0; l < p->N; l++) norm += PetscRealPart(PetscConj(x[l]) * x[l]);
    norm = PetscSqrtReal(norm);
    if (i >= rows && norm < 0.05) continue;
    for (PetscInt l = 0; l < p->N; l++) (i < rows ? q[i] : v[n])[l] = x[l] / norm;
    if (i >= rows) n++;
  }
  return n;
}

PetscErrorCode LowNormFill(Vec x, const PetscScalar values[])
{
  PetscInt     lo, hi;
  PetscScalar *a;

  PetscFunctionBeginUser;
  PetscCall(VecGetOwnershipRange(x, &lo, &hi));
  PetscCall(VecGetArray(x, &a));
  for (PetscInt i = lo; i < hi; i++) a[i - lo] = values[i];
  PetscCall(VecRestoreArray(x, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All values of a distributed Vec, on every rank */
PetscErrorCode LowNormGather(Vec x, PetscScalar values[])
{
  VecScatter         scatter;
  Vec                all;
  PetscInt           n;
  const PetscScalar *a;

  PetscFunctionBeginUser;
  PetscCall(VecScatterCreateToAll(x, &scatter, &all));
  PetscCall(VecScatterBegin(scatter, x, all, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(scatter, x, all, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecGetSize(x, &n));
  PetscCall(VecGetArrayRead(all, &a));
  PetscCall(PetscArraycpy(values, a, n));
  PetscCall(VecRestoreArrayRead(all, &a));
  PetscCall(VecScatterDestroy(&scatter));
  PetscCall(VecDestroy(&all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LowNormMatrix(const LowNorm *p, LowNormDense B, LowNormDense C, Mat A)
{
  PetscInt lo, hi;

  PetscFunctionBeginUser;
  PetscCall(MatGetOwnershipRange(A, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++)
    for (PetscInt l = 0; l < p->N; l++) {
      PetscScalar a = 0.0;

      for (PetscInt j = 0; j < p->r; j++) a += B[i][j] * C[j][l];
      PetscCall(MatSetValue(A, i, l, a, INSERT_VALUES));
    }
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AttachNullSpace(const LowNorm *p, const PetscScalar m[], LowNormDense C, Mat A)
{
  const PetscBool fallen =
      (PetscBool)((p->family == LOWNORM_FALLS || p->family == LOWNORM_TOUCHES) && m[0] == (PetscScalar)1.0);
  LowNormDense   v;
  Vec            vecs[LOWNORM_MAX];
  MatNullSpace   null;
  const PetscInt n = NullVectors(p, fallen ? 1 : 0, C, v) - p->leave;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < n; i++) {
    v[i][0] += p->tilt;
    PetscCall(MatCreateVecs(A, &vecs[i], NULL));
    PetscCall(LowNormFill(vecs[i], v[i]));
    for (PetscInt j = 0; j < i; j++) { /* a tilt leans them on each other */
      PetscScalar dot;

      PetscCall(VecDot(vecs[i], vecs[j], &dot));
      PetscCall(VecAXPY(vecs[i], -dot, vecs[j]));
    }
    PetscCall(VecNormalize(vecs[i], NULL));
  }
  PetscCall(MatNullSpaceCreate(PETSC_COMM_WORLD, PETSC_FALSE, n, vecs, &null));
  PetscCall(MatSetNullSpace(A, null));
  PetscCall(MatNullSpaceDestroy(&null));
  for (PetscInt i = 0; i < n; i++) PetscCall(VecDestroy(&vecs[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LowNormAssemble(Dini dini, Mat A, Mat P, Vec b, void *ctx)
{
  LowNorm     *p = (LowNorm *)ctx;
  LowNormDense B, C;
  PetscScalar  m[LOWNORM_NM], values[LOWNORM_MAX];

  PetscFunctionBeginUser;
  (void)dini;
  (void)P;
  PetscCall(LowNormGather(p->m, m));
  LowNormFactors(p, m, B, C);
  PetscCall(LowNormMatrix(p, B, C, A == p->shell ? p->A : A));
  if (A == p->shell) PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  if (A == p->shell) PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscCall(AttachNullSpace(p, m, C, A));
  for (PetscInt i = 0; i < p->M; i++) values[i] = LowNormRightHandSide(p, m, i);
  if (p->bdepends) PetscCall(LowNormFill(b, values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* With m as a block where A is assembled from it, else with b */
PetscErrorCode LowNormCreate(PetscInt M, PetscInt N, PetscInt r, LowNormFamily family, PetscBool assembled,
                             KSPType type, LowNorm *p)
{
  PetscScalar m[LOWNORM_NM] = {family == LOWNORM_FALLS || family == LOWNORM_TOUCHES ? 1.0 : 0.7, 0.4, -0.6},
              b[LOWNORM_MAX];
  PC pc;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(p, sizeof(*p)));
  p->M        = M;
  p->N        = N;
  p->r        = r;
  p->family   = family;
  p->bdepends = assembled;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, M, N, N, NULL, N, NULL, &p->A));
  PetscCall(MatCreateVecs(p->A, &p->u, &p->b));
  PetscCall(VecCreate(PETSC_COMM_WORLD, &p->m));
  PetscCall(VecSetSizes(p->m, PETSC_DECIDE, LOWNORM_NM));
  PetscCall(VecSetType(p->m, VECSTANDARD));
  PetscCall(LowNormFill(p->m, m));
  for (PetscInt i = 0; i < M; i++) b[i] = LowNormRightHandSide(p, m, i);
  PetscCall(LowNormFill(p->b, b));
  PetscCall(LowNormAssemble(NULL, p->A, p->A, p->b, p));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &p->ksp));
  PetscCall(KSPSetOperators(p->ksp, p->A, p->A));
  PetscCall(KSPSetType(p->ksp, type));
  PetscCall(KSPSetTolerances(p->ksp, 1e-14, 1e-300, PETSC_DEFAULT, 200));
  PetscCall(KSPGetPC(p->ksp, &pc));
  PetscCall(PCSetType(pc, PCNONE));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &p->dini));
  PetscCall(DiniSetKSP(p->dini, p->ksp));
  PetscCall(DiniSetLinearSystem(p->dini, p->b, assembled ? LowNormAssemble : NULL, p));
  PetscCall(assembled ? DiniAddParameter(p->dini, "m", p->m, NULL) : DiniAddParameter(p->dini, "b", p->b, NULL));
  PetscCall(DiniSetFromOptions(p->dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ShellMult(Mat A, Vec x, Vec y)
{
  LowNorm *p;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(A, &p));
  PetscCall(MatMult(p->A, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ShellMultTranspose(Mat A, Vec x, Vec y)
{
  LowNorm *p;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(A, &p));
  PetscCall(MatMultTranspose(p->A, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LowNormShell(LowNorm *p)
{
  PetscInt     m, n;
  MatNullSpace null;

  PetscFunctionBeginUser;
  PetscCall(MatGetLocalSize(p->A, &m, &n));
  PetscCall(MatCreateShell(PETSC_COMM_WORLD, m, n, p->M, p->N, p, &p->shell));
  PetscCall(MatShellSetOperation(p->shell, MATOP_MULT, (void (*)(void))ShellMult));
  PetscCall(MatShellSetOperation(p->shell, MATOP_MULT_TRANSPOSE, (void (*)(void))ShellMultTranspose));
  PetscCall(MatGetNullSpace(p->A, &null));
  PetscCall(MatSetNullSpace(p->shell, null));
  PetscCall(KSPSetOperators(p->ksp, p->shell, p->shell));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LowNormDestroy(LowNorm *p)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&p->dini));
  PetscCall(KSPDestroy(&p->ksp));
  PetscCall(MatDestroy(&p->A));
  PetscCall(MatDestroy(&p->shell));
  PetscCall(VecDestroy(&p->b));
  PetscCall(VecDestroy(&p->m));
  PetscCall(VecDestroy(&p->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Solves from a guess that is not orthogonal to the null space */
PetscErrorCode LowNormSolve(LowNorm *p)
{
  PetscScalar m[LOWNORM_NM], u[LOWNORM_MAX];
  Vec         expected;

  PetscFunctionBeginUser;
  PetscCall(KSPSetInitialGuessNonzero(p->ksp, PETSC_TRUE));
  PetscCall(VecSet(p->u, 0.3));
  PetscCall(DiniSolve(p->dini, p->u));
  PetscCall(LowNormGather(p->m, m));
  PetscCall(VecDuplicate(p->u, &expected));
  LowNormSolution(p, m, u);
  PetscCall(LowNormFill(expected, u));
  PetscCall(DiniTestVecsClose(p->u, expected, 1e-8, "the solution of least norm"));
  PetscCall(VecDestroy(&expected));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* (u(m + h dm) - u(m - h dm)) / 2 h */
PetscErrorCode LowNormDifference(const LowNorm *p, const PetscScalar dm[], PetscScalar du[])
{
  const PetscReal h = 1e-5;
  PetscScalar     m[LOWNORM_NM], u[2][LOWNORM_MAX];

  PetscFunctionBeginUser;
  for (PetscInt side = 0; side < 2; side++) {
    PetscCall(LowNormGather(p->m, m));
    for (PetscInt i = 0; i < LOWNORM_NM; i++) m[i] += (side ? -h : h) * dm[i];
    LowNormSolution(p, m, u[side]);
  }
  for (PetscInt l = 0; l < p->N; l++) du[l] = (u[0][l] - u[1][l]) / (2.0 * h);
  PetscFunctionReturn(PETSC_SUCCESS);
}
