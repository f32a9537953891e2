static char help[] =
    "Least squares of least norm, where A carries its null space: derivatives of u = A^+ b against the closed form of\n\
A^+ and its differences.\n";

#include "support/lownorm.h"

/* Parameters that A and b are assembled from */
static PetscErrorCode TestBlock(PetscInt M, PetscInt N, PetscInt r, LowNormFamily family, PetscBool shell, KSPType type)
{
  LowNorm     p;
  PetscScalar d[LOWNORM_NM], du[LOWNORM_MAX], g[LOWNORM_NM] = {0.0}, w[LOWNORM_MAX];
  Vec         dm, found, expected, ubar, mbar, wanted;

  PetscFunctionBeginUser;
  PetscCall(LowNormCreate(M, N, r, family, PETSC_TRUE, type, &p));
  if (shell) PetscCall(LowNormShell(&p));
  PetscCall(LowNormSolve(&p));
  PetscCall(DiniTestVec(p.m, 3, &dm));
  PetscCall(DiniTestVec(p.u, 4, &ubar));
  PetscCall(VecDuplicate(p.u, &found));
  PetscCall(VecDuplicate(p.u, &expected));
  PetscCall(VecDuplicate(p.m, &mbar));
  PetscCall(VecDuplicate(p.m, &wanted));
  PetscCall(LowNormGather(dm, d));
  PetscCall(LowNormGather(ubar, w));
  if (PetscDefined(USE_COMPLEX)) DiniTestExpect(DiniJVP(p.dini, dm, found), PETSC_ERR_SUP, "holomorphic");
  else {
    PetscCall(LowNormDifference(&p, d, du));
    PetscCall(LowNormFill(expected, du));
    PetscCall(DiniJVP(p.dini, dm, found));
    PetscCall(DiniTestVecsClose(found, expected, 1e-6, "JVP of A^+ b"));
    for (PetscInt i = 0; i < LOWNORM_NM; i++) {
      PetscScalar e[LOWNORM_NM] = {0.0};

      e[i] = 1.0;
      PetscCall(LowNormDifference(&p, e, du));
      for (PetscInt l = 0; l < N; l++) g[i] += w[l] * du[l];
    }
    PetscCall(LowNormFill(wanted, g));
    PetscCall(DiniVJP(p.dini, ubar, mbar));
    PetscCall(DiniTestVecsClose(mbar, wanted, 1e-6, "VJP of A^+ b"));
  }
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&found));
  PetscCall(VecDestroy(&expected));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&wanted));
  PetscCall(LowNormDestroy(&p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Re sum_ij conj(X_ij) dA_ij */
static PetscErrorCode Inner(Mat X, Mat dA, PetscReal *product)
{
  PetscInt lo, hi, n;

  PetscFunctionBeginUser;
  *product = 0.0;
  PetscCall(MatGetOwnershipRange(X, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) {
    const PetscScalar *x, *a;

    PetscCall(MatGetRow(X, i, &n, NULL, &x));
    PetscCall(MatGetRow(dA, i, &n, NULL, &a));
    for (PetscInt k = 0; k < n; k++) *product += PetscRealPart(PetscConj(x[k]) * a[k]);
    PetscCall(MatRestoreRow(dA, i, &n, NULL, &a));
    PetscCall(MatRestoreRow(X, i, &n, NULL, &x));
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, product, 1, MPIU_REAL, MPIU_SUM, PETSC_COMM_WORLD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* B + h dB and C + h dC, and u there */
static void Moved(LowNorm *p, PetscReal h, PetscInt seed, const PetscScalar m[], const PetscScalar b[], LowNormDense B,
                  LowNormDense C, PetscScalar u[])
{
  LowNormFactors(p, m, B, C);
  for (PetscInt i = 0; i < LOWNORM_MAX; i++)
    for (PetscInt j = 0; j < LOWNORM_MAX; j++) {
      const PetscReal a = PetscSinReal((PetscReal)(seed + 3 * i + 5 * j)), c = PetscCosReal((PetscReal)(seed + i * j));

      if (i < p->M && j < p->r) B[i][j] += h * DiniTestScalar(a, c);
      if (i < p->r && j < p->N) C[i][j] += h * DiniTestScalar(c, -a);
    }
  LowNormPseudoInverse(p, B, C, b, u);
}

/* dA = (A(h) - A(-h)) / 2 h of the factors, and du of u */
static PetscErrorCode Direction(LowNorm *p, PetscInt seed, Mat dA, Vec du)
{
  const PetscReal h = 1e-5;
  PetscScalar     m[LOWNORM_NM], b[LOWNORM_MAX], u[2][LOWNORM_MAX];
  LowNormDense    B, C;
  Mat             A;

  PetscFunctionBeginUser;
  PetscCall(LowNormGather(p->m, m));
  PetscCall(LowNormGather(p->b, b));
  PetscCall(MatDuplicate(dA, MAT_DO_NOT_COPY_VALUES, &A));
  for (PetscInt side = 0; side < 2; side++) {
    Moved(p, side ? h : -h, seed, m, b, B, C, u[side]);
    PetscCall(LowNormMatrix(p, B, C, side ? dA : A));
  }
  PetscCall(MatAXPY(dA, -1.0, A, SAME_NONZERO_PATTERN));
  PetscCall(MatScale(dA, 0.5 / h));
  for (PetscInt l = 0; l < p->N; l++) u[1][l] = (u[1][l] - u[0][l]) / (2.0 * h);
  PetscCall(LowNormFill(du, u[1]));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The entries of A, along directions that keep its rank */
static PetscErrorCode TestEntries(PetscInt M, PetscInt N, PetscInt r)
{
  LowNorm     p;
  Mat         dA, Abar;
  Vec         ubar, du, expected;
  PetscScalar forward;
  PetscReal   adjoint;
  PetscRandom rng;

  PetscFunctionBeginUser;
  PetscCall(LowNormCreate(M, N, r, LOWNORM_TURNS, PETSC_FALSE, KSPLSQR, &p));
  PetscCall(LowNormSolve(&p));
  PetscCall(MatDuplicate(p.A, MAT_DO_NOT_COPY_VALUES, &dA));
  PetscCall(MatDuplicate(p.A, MAT_DO_NOT_COPY_VALUES, &Abar));
  PetscCall(DiniTestVec(p.u, 4, &ubar));
  PetscCall(VecDuplicate(p.u, &du));
  PetscCall(VecDuplicate(p.u, &expected));
  PetscCall(DiniMatrixVJP(p.dini, ubar, Abar));
  for (PetscInt seed = 1; seed < 4; seed++) {
    PetscCall(Direction(&p, seed, dA, expected));
    PetscCall(DiniMatrixJVP(p.dini, dA, du));
    PetscCall(DiniTestVecsClose(du, expected, 1e-6, "MatrixJVP of A^+ b"));
    PetscCall(VecDot(expected, ubar, &forward));
    PetscCall(Inner(Abar, dA, &adjoint));
    DiniTestClose(adjoint, PetscRealPart(forward), 1e-6, 1e-8, "MatrixVJP of A^+ b");
  }
  /* any other direction makes the rank larger, unless it is full */
  PetscCall(PetscRandomCreate(PETSC_COMM_WORLD, &rng));
  PetscCall(MatSetRandom(dA, rng));
  PetscCall(PetscRandomDestroy(&rng));
  if (r < M) DiniTestExpect(DiniMatrixJVP(p.dini, dA, du), PETSC_ERR_ARG_WRONG, "rank of A changes along dA");
  else PetscCall(DiniMatrixJVP(p.dini, dA, du));
  PetscCall(MatDestroy(&dA));
  PetscCall(MatDestroy(&Abar));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&expected));
  PetscCall(LowNormDestroy(&p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* b as a block: A^+ and its adjoint, or its transpose */
static PetscErrorCode TestRightHandSide(PetscInt M, PetscInt N, PetscInt r, DiniAdjointType type)
{
  const PetscBool plain = (PetscBool)(type == DINI_ADJOINT_TRANSPOSE);
  LowNorm         p;
  LowNormDense    B, C;
  PetscScalar     m[LOWNORM_NM], db[LOWNORM_MAX], u[LOWNORM_MAX], w[LOWNORM_MAX], g[LOWNORM_MAX] = {0.0};
  Vec             ubar, bdot, bbar, du, expected, wanted;

  PetscFunctionBeginUser;
  PetscCall(LowNormCreate(M, N, r, LOWNORM_TURNS, PETSC_FALSE, KSPCGLS, &p));
  PetscCall(DiniSetAdjointType(p.dini, type));
  PetscCall(LowNormSolve(&p));
  PetscCall(DiniTestVec(p.u, 4, &ubar));
  PetscCall(DiniTestVec(p.b, 5, &bdot));
  PetscCall(VecDuplicate(p.u, &du));
  PetscCall(VecDuplicate(p.u, &expected));
  PetscCall(VecDuplicate(p.b, &bbar));
  PetscCall(VecDuplicate(p.b, &wanted));
  PetscCall(LowNormGather(p.m, m));
  PetscCall(LowNormGather(bdot, db));
  PetscCall(LowNormGather(ubar, w));
  LowNormFactors(&p, m, B, C);
  LowNormPseudoInverse(&p, B, C, db, u);
  PetscCall(LowNormFill(expected, u));
  PetscCall(DiniJVP(p.dini, bdot, du));
  PetscCall(DiniTestVecsClose(du, expected, 1e-8, "JVP of A^+ b in b"));
  for (PetscInt i = 0; i < M; i++) {
    for (PetscInt k = 0; k < M; k++) db[k] = k == i ? 1.0 : 0.0;
    LowNormPseudoInverse(&p, B, C, db, u);
    for (PetscInt l = 0; l < N; l++) g[i] += w[l] * (plain ? u[l] : PetscConj(u[l]));
  }
  PetscCall(LowNormFill(wanted, g));
  PetscCall(DiniVJP(p.dini, ubar, bbar));
  PetscCall(DiniTestVecsClose(bbar, wanted, 1e-8, "VJP of A^+ b in b"));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&bdot));
  PetscCall(VecDestroy(&bbar));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&expected));
  PetscCall(VecDestroy(&wanted));
  PetscCall(LowNormDestroy(&p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Another point of the same Dini, where the null space is another */
static PetscErrorCode TestPoints(void)
{
  LowNorm     p;
  PetscScalar d[LOWNORM_NM], du[LOWNORM_MAX];
  Vec         dm, found, expected;

  PetscFunctionBeginUser;
  if (PetscDefined(USE_COMPLEX)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(LowNormCreate(6, 5, 3, LOWNORM_TURNS, PETSC_TRUE, KSPLSQR, &p));
  PetscCall(DiniTestVec(p.m, 3, &dm));
  PetscCall(VecDuplicate(p.u, &found));
  PetscCall(VecDuplicate(p.u, &expected));
  PetscCall(LowNormGather(dm, d));
  for (PetscInt point = 0; point < 3; point++) {
    PetscCall(VecAXPY(p.m, 0.1, dm));
    PetscCall(LowNormSolve(&p));
    PetscCall(LowNormDifference(&p, d, du));
    PetscCall(LowNormFill(expected, du));
    PetscCall(DiniJVP(p.dini, dm, found));
    PetscCall(DiniTestVecsClose(found, expected, 1e-6, "JVP of A^+ b at another point"));
  }
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&found));
  PetscCall(VecDestroy(&expected));
  PetscCall(LowNormDestroy(&p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestBlock(8, 4, 3, LOWNORM_TURNS, PETSC_FALSE, KSPLSQR));
  PetscCall(TestBlock(8, 5, 3, LOWNORM_TURNS, PETSC_FALSE, KSPCGLS));
  PetscCall(TestBlock(5, 5, 4, LOWNORM_TURNS, PETSC_FALSE, KSPLSQR));
  PetscCall(TestBlock(5, 5, 3, LOWNORM_FIXED, PETSC_FALSE, KSPLSQR));
  PetscCall(TestBlock(3, 5, 3, LOWNORM_TURNS, PETSC_FALSE, KSPLSQR));
  PetscCall(TestBlock(4, 5, 3, LOWNORM_TURNS, PETSC_FALSE, KSPCGLS));
  PetscCall(DiniTestOptionsSet("-dini_direct_max 0 -dini_pc_type none")); /* A^H A by products */
  PetscCall(TestBlock(6, 5, 3, LOWNORM_TURNS, PETSC_FALSE, KSPLSQR));
  PetscCall(TestBlock(6, 5, 3, LOWNORM_TURNS, PETSC_TRUE, KSPLSQR));
  PetscCall(TestBlock(3, 5, 3, LOWNORM_FIXED, PETSC_TRUE, KSPLSQR));
  PetscCall(DiniTestOptionsClear("-dini_direct_max -dini_pc_type"));
  PetscCall(TestEntries(8, 4, 3));
  PetscCall(TestEntries(5, 5, 3));
  PetscCall(TestEntries(3, 5, 3));
  PetscCall(TestEntries(4, 6, 2));
  PetscCall(TestRightHandSide(8, 4, 3, DINI_ADJOINT_HERMITIAN));
  PetscCall(TestRightHandSide(5, 5, 3, DINI_ADJOINT_TRANSPOSE));
  PetscCall(TestRightHandSide(3, 5, 3, DINI_ADJOINT_HERMITIAN));
  PetscCall(TestPoints());
  PetscCall(PetscFinalize());
  return 0;
}
