static char help[] =
    "A u = b: the right-hand side and the entries of the matrix as parameters, against closed forms, differences and dot\n\
products, with one factorisation for everything.\n";

#include "support/fixtures.h"

/* A tridiagonal pattern's entries */
static PetscInt Entries(PetscInt N)
{
  return 3 * N - 2;
}

/* A pattern unlike A's: the diagonal and both corners, aij, baij, or everything, dense */
static PetscErrorCode Pattern(Mat A, MatType type, Mat *M, PetscInt *entries)
{
  PetscInt  m, N, lo, hi;
  PetscBool dense;

  PetscFunctionBeginUser;
  PetscCall(MatGetLocalSize(A, &m, NULL));
  PetscCall(MatGetSize(A, &N, NULL));
  PetscCall(PetscStrcmp(type, MATDENSE, &dense));
  PetscCall(MatCreate(PETSC_COMM_WORLD, M));
  PetscCall(MatSetSizes(*M, m, m, N, N));
  PetscCall(MatSetType(*M, type));
  PetscCall(MatSetUp(*M));
  PetscCall(MatGetOwnershipRange(*M, &lo, &hi));
  for (PetscInt i = lo; i < hi && !dense; i++) {
    PetscCall(MatSetValue(*M, i, i, 1.0, INSERT_VALUES));
    if (i == 0 && N > 1) PetscCall(MatSetValue(*M, 0, N - 1, 1.0, INSERT_VALUES));
    if (i == N - 1 && N > 1) PetscCall(MatSetValue(*M, N - 1, 0, 1.0, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(*M, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*M, MAT_FINAL_ASSEMBLY));
  *entries = dense ? N * N : N > 1 ? N + 2 : 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Abar = -lambda u^H, with lambda by a factorisation of its own */
static PetscErrorCode CheckBar(Linear *l, Vec ubar, Mat Abar, PetscInt entries, PetscBool plain, const char what[])
{
  Vec g, lambda;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(ubar, &g));
  PetscCall(VecCopy(ubar, g));
  if (plain) PetscCall(VecConjugate(g));
  PetscCall(VecDuplicate(ubar, &lambda));
  PetscCall(DiniTestDirectSolve(l->A, PETSC_TRUE, g, lambda));
  PetscCall(DiniMatrixVJP(l->dini, ubar, Abar));
  PetscCall(DiniTestOuter(Abar, 1, &lambda, &l->u, plain, entries, 1e-9, what));
  PetscCall(VecDestroy(&g));
  PetscCall(VecDestroy(&lambda));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* <ubar, MatrixJVP dA> = <MatrixVJP ubar, dA>: in full, since the map is holomorphic */
static PetscErrorCode CheckDot(Linear *l, Vec ubar)
{
  Mat         dA, Abar;
  Vec         du, rows, columns, work;
  PetscScalar forward, adjoint = 0.0;
  PetscInt    lo, hi, n, nn;

  PetscFunctionBeginUser;
  PetscCall(MatDuplicate(l->A, MAT_COPY_VALUES, &dA));
  PetscCall(MatCreateVecs(dA, &columns, &rows));
  PetscCall(DiniTestFill(rows, 31));
  PetscCall(DiniTestFill(columns, 32));
  PetscCall(MatDiagonalScale(dA, rows, columns)); /* values unlike those of A, on its pattern */
  PetscCall(MatDuplicate(dA, MAT_DO_NOT_COPY_VALUES, &Abar));
  PetscCall(VecDuplicate(l->u, &du));
  PetscCall(VecDuplicate(l->u, &work));
  PetscCall(DiniMatrixJVP(l->dini, dA, du));
  PetscCall(MatMult(dA, l->u, work));
  PetscCall(VecScale(work, -1.0));
  PetscCall(DiniTestDirectSolve(l->A, PETSC_FALSE, work, columns));
  PetscCall(DiniTestVecsClose(du, columns, 1e-9, "MatrixJVP"));
  PetscCall(DiniMatrixVJP(l->dini, ubar, Abar));
  PetscCall(VecDot(du, ubar, &forward));
  PetscCall(MatGetOwnershipRange(dA, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) {
    const PetscScalar *a, *b;

    PetscCall(MatGetRow(dA, i, &n, NULL, &a));
    PetscCall(MatGetRow(Abar, i, &nn, NULL, &b));
    for (PetscInt k = 0; k < n; k++) adjoint += a[k] * PetscConj(b[k]);
    PetscCall(MatRestoreRow(Abar, i, &nn, NULL, &b));
    PetscCall(MatRestoreRow(dA, i, &n, NULL, &a));
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &adjoint, 1, MPIU_SCALAR, MPIU_SUM, PETSC_COMM_WORLD));
  DiniTestTrue(PetscAbsScalar(forward) > 1e-8, "The directions are orthogonal by accident");
  DiniTestClose(PetscRealPart(forward), PetscRealPart(adjoint), 0.0, 1e-10, "dot product, real part");
  DiniTestClose(PetscImaginaryPart(forward), PetscImaginaryPart(adjoint), 0.0, 1e-10, "dot product, imaginary part");
  PetscCall(MatDestroy(&dA));
  PetscCall(MatDestroy(&Abar));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&work));
  PetscCall(VecDestroy(&rows));
  PetscCall(VecDestroy(&columns));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestEntries(PetscInt N)
{
  static MatType const types[] = {MATAIJ, MATBAIJ, MATDENSE};
  Linear               l;
  Vec                  ubar;
  Mat                  Abar;
  PetscInt             entries = 0;

  PetscFunctionBeginUser;
  PetscCall(LinearCreate(N, &l));
  PetscCall(LinearDini(&l, DINIKSP, DINIPARAMETERMATRIX));
  PetscCall(DiniSolve(l.dini, l.u));
  PetscCall(DiniTestVec(l.u, 7, &ubar));
  PetscCall(MatDuplicate(l.A, MAT_DO_NOT_COPY_VALUES, &Abar));
  PetscCall(CheckBar(&l, ubar, Abar, Entries(N), PETSC_FALSE, "entries of A"));
  PetscCall(DiniSetAdjointType(l.dini, DINI_ADJOINT_TRANSPOSE));
  PetscCall(CheckBar(&l, ubar, Abar, Entries(N), PETSC_TRUE, "entries of A, plain transpose"));
  PetscCall(DiniSetAdjointType(l.dini, DINI_ADJOINT_HERMITIAN));
  PetscCall(MatDestroy(&Abar));
  for (size_t k = 0; k < sizeof(types) / sizeof(*types); k++) {
    PetscCall(Pattern(l.A, types[k], &Abar, &entries));
    PetscCall(CheckBar(&l, ubar, Abar, entries, PETSC_FALSE, types[k]));
    PetscCall(MatDestroy(&Abar));
  }
  PetscCall(CheckDot(&l, ubar));
  PetscCall(VecDestroy(&ubar));
  PetscCall(LinearDestroy(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One entry of A moved by hand, the system solved anew by someone else: <ubar, u(A + h E) - u(A - h E)> / 2 h */
static PetscErrorCode TestDifference(PetscInt N, PetscInt i, PetscInt j)
{
  const PetscReal h = 1e-5;
  Linear          l;
  Vec             ubar, u;
  Mat             Abar, B;
  PetscScalar     side[2], found = 0.0;
  PetscInt        lo, hi;

  PetscFunctionBeginUser;
  PetscCall(LinearCreate(N, &l));
  PetscCall(LinearDini(&l, DINIKSP, DINIPARAMETERMATRIX));
  PetscCall(DiniSolve(l.dini, l.u));
  PetscCall(DiniTestVec(l.u, 8, &ubar));
  PetscCall(VecDuplicate(l.u, &u));
  PetscCall(MatDuplicate(l.A, MAT_DO_NOT_COPY_VALUES, &Abar));
  PetscCall(DiniMatrixVJP(l.dini, ubar, Abar));
  for (PetscInt s = 0; s < 2; s++) {
    PetscCall(MatDuplicate(l.A, MAT_COPY_VALUES, &B));
    PetscCall(MatGetOwnershipRange(B, &lo, &hi));
    if (i >= lo && i < hi) PetscCall(MatSetValue(B, i, j, s ? -h : h, ADD_VALUES));
    PetscCall(MatAssemblyBegin(B, MAT_FINAL_ASSEMBLY));
    PetscCall(MatAssemblyEnd(B, MAT_FINAL_ASSEMBLY));
    PetscCall(DiniTestDirectSolve(B, PETSC_FALSE, l.b, u));
    PetscCall(VecDot(u, ubar, &side[s]));
    PetscCall(MatDestroy(&B));
  }
  if (i >= lo && i < hi) PetscCall(MatGetValue(Abar, i, j, &found));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &found, 1, MPIU_SCALAR, MPIU_SUM, PETSC_COMM_WORLD));
  /* <Abar, h E> = h conj(Abar_ij) */
  DiniTestTrue(PetscAbsScalar((side[0] - side[1]) / (2.0 * h) - PetscConj(found)) <= 1e-7 * PetscAbsScalar(found),
               "entry (%" PetscInt_FMT ", %" PetscInt_FMT ") and its difference", i, j);
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&u));
  PetscCall(MatDestroy(&Abar));
  PetscCall(LinearDestroy(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The right-hand side itself as a block, and nothing said about it: F_b = -I, so VJP is A^{-H} and JVP is A^{-1} */
static PetscErrorCode TestRightHandSide(PetscInt N)
{
  Linear            l;
  Vec               ubar, dm, found, expected;
  DiniParameterType type;
  PetscBool         same;
  PetscInt          p;

  PetscFunctionBeginUser;
  PetscCall(LinearCreate(N, &l));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &l.dini));
  PetscCall(DiniSetKSP(l.dini, l.ksp));
  PetscCall(DiniSetLinearSystem(l.dini, l.b, NULL, NULL));
  PetscCall(DiniAddParameter(l.dini, "b", l.b, &p));
  PetscCall(DiniSetFromOptions(l.dini));
  PetscCall(DiniGetParameterType(l.dini, p, &type));
  PetscCall(PetscStrcmp(type, DINIPARAMETERRHS, &same));
  DiniTestTrue(same, "The right-hand side is a block of type %s", type);
  PetscCall(DiniSolve(l.dini, l.u));
  PetscCall(DiniTestVec(l.u, 9, &ubar));
  PetscCall(DiniTestVec(l.u, 10, &dm));
  PetscCall(VecDuplicate(l.u, &found));
  PetscCall(VecDuplicate(l.u, &expected));
  PetscCall(DiniVJP(l.dini, ubar, found));
  PetscCall(DiniTestDirectSolve(l.A, PETSC_TRUE, ubar, expected));
  PetscCall(DiniTestVecsClose(found, expected, 1e-9, "VJP in b"));
  PetscCall(DiniJVP(l.dini, dm, found));
  PetscCall(DiniTestDirectSolve(l.A, PETSC_FALSE, dm, expected));
  PetscCall(DiniTestVecsClose(found, expected, 1e-9, "JVP in b"));
  PetscCall(VecShift(l.b, 0.1)); /* another b, the same A */
  DiniTestExpect(DiniVJP(l.dini, ubar, found), PETSC_ERR_ARG_WRONGSTATE, "\"b\"");
  PetscCall(DiniSolve(l.dini, l.u));
  PetscCall(DiniJVP(l.dini, dm, found));
  PetscCall(DiniTestVecsClose(found, expected, 1e-9, "JVP in another b"));
  /* what is said counts: a type, or another Vec */
  PetscCall(DiniSetParameterType(l.dini, p, DINIPARAMETERFD));
  PetscCall(DiniGetParameterType(l.dini, p, &type));
  PetscCall(PetscStrcmp(type, DINIPARAMETERFD, &same));
  DiniTestTrue(same, "A type that has been set became %s", type);
  PetscCall(DiniAddParameter(l.dini, "m", l.m, &p));
  PetscCall(DiniGetParameterType(l.dini, p, &type));
  PetscCall(PetscStrcmp(type, DINIPARAMETERFD, &same));
  DiniTestTrue(same, "Another Vec is a block of type %s", type);
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&found));
  PetscCall(VecDestroy(&expected));
  PetscCall(LinearDestroy(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Forward solve, JVP, VJP and both matrix actions: one factorisation, none of them by Dini */
static PetscErrorCode TestPayOnce(void)
{
  Linear         l;
  Vec            ubar, mbar, du;
  Mat            Abar, dA;
  PC             pc;
  PetscInt       before[3], after[3];
  DiniStatistics s;

  PetscFunctionBeginUser;
  PetscCall(LinearCreate(30, &l));
  PetscCall(KSPSetType(l.ksp, KSPPREONLY));
  PetscCall(KSPGetPC(l.ksp, &pc));
  PetscCall(PCSetType(pc, PCLU));
  PetscCall(KSPSetFromOptions(l.ksp));
  PetscCall(LinearDini(&l, DINIKSP, DINIPARAMETERMATRIX));
  PetscCall(DiniTestVec(l.u, 1, &ubar));
  PetscCall(VecDuplicate(l.u, &du));
  PetscCall(VecDuplicate(l.m, &mbar));
  PetscCall(MatDuplicate(l.A, MAT_COPY_VALUES, &dA));
  PetscCall(MatDuplicate(l.A, MAT_DO_NOT_COPY_VALUES, &Abar));
  for (PetscInt k = 0; k < 2; k++) {
    PetscCall(VecShift(l.m, 0.1));
    PetscCall(DiniTestEvent("MatLUFactorNum", &before[0]));
    PetscCall(DiniTestEvent("MatLUFactorSym", &before[1]));
    PetscCall(DiniTestEvent("MatTranspose", &before[2]));
    PetscCall(DiniSolve(l.dini, l.u));
    PetscCall(DiniMatrixVJP(l.dini, ubar, Abar));
    PetscCall(DiniMatrixJVP(l.dini, dA, du));
    PetscCall(DiniVJP(l.dini, ubar, mbar));
    PetscCall(DiniJVP(l.dini, l.m, du));
    PetscCall(DiniTestEvent("MatLUFactorNum", &after[0]));
    PetscCall(DiniTestEvent("MatLUFactorSym", &after[1]));
    PetscCall(DiniTestEvent("MatTranspose", &after[2]));
    DiniTestCount(after[0] - before[0], 1, "numerical factorisations");
    DiniTestCount(after[1] - before[1], k == 0 ? 1 : 0, "symbolic factorisations");
    DiniTestCount(after[2] - before[2], 0, "transposes");
  }
  PetscCall(DiniGetStatistics(l.dini, &s));
  DiniTestCount(s.pc_setups + s.factorizations + s.refreshes + s.jacobian_assemblies, 0, "set-ups in the statistics");
  DiniTestCount(s.linearizations, 2, "linearizations");
  DiniTestCount(s.adjoint_solves, 2, "adjoint solves: both VJPs of a point have one cotangent");
  DiniTestCount(s.recalls, 2, "adjoint solves answered by the one before");
  DiniTestCount(s.tangent_solves, 4, "tangent solves");
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&mbar));
  PetscCall(MatDestroy(&dA));
  PetscCall(MatDestroy(&Abar));
  PetscCall(LinearDestroy(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  Linear   *l;
  PetscReal scale; /* of A and b, so that u does not change with it */
} Scaled;

static PetscErrorCode ScaledUpdate(Dini dini, Vec m, void *ctx)
{
  Scaled *s = (Scaled *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  (void)m;
  PetscCall(LinearAssemble(s->l, s->l->A, s->l->b));
  PetscCall(MatScale(s->l->A, s->scale));
  PetscCall(VecScale(s->l->b, s->scale));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode HalfSquare(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)ctx;
  PetscCall(VecNorm(u, NORM_2, value));
  *value *= 0.5 * *value;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode HalfSquareGradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)dJdm;
  (void)ctx;
  PetscCall(VecCopy(u, dJdu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The application scales its system: u is the same, lambda is not, and the reduced Hessian is again. */
static PetscErrorCode TestScaledHessian(void)
{
  Linear l;
  Scaled s = {&l, 1.0};
  Vec    v, Hv, expected;

  PetscFunctionBeginUser;
  PetscCall(LinearCreate(6, &l));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &l.dini));
  PetscCall(DiniSetKSP(l.dini, l.ksp));
  PetscCall(DiniSetLinearSystem(l.dini, l.b, NULL, NULL));
  PetscCall(DiniAddParameter(l.dini, "m", l.m, NULL));
  PetscCall(DiniSetParameterUpdate(l.dini, 0, ScaledUpdate, &s));
  PetscCall(DiniSetObjective(l.dini, HalfSquare, HalfSquareGradient, NULL));
  PetscCall(DiniSolve(l.dini, l.u));
  PetscCall(DiniTestVec(l.m, 5, &v));
  PetscCall(VecDuplicate(v, &Hv));
  PetscCall(VecDuplicate(v, &expected));
  PetscCall(DiniHVP(l.dini, v, expected));
  s.scale = 2.0;
  PetscCall(MatScale(l.A, 2.0));
  PetscCall(VecScale(l.b, 2.0));
  PetscCall(DiniHVP(l.dini, v, Hv));
  PetscCall(DiniTestVecsClose(Hv, expected, 1e-4, "H v of a scaled system"));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&Hv));
  PetscCall(VecDestroy(&expected));
  PetscCall(LinearDestroy(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscInt step = 1;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscLogDefaultBegin());
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-step", &step, NULL));
  for (PetscInt N = 1; N <= 10; N += step) PetscCall(TestEntries(N));
  PetscCall(TestDifference(1, 0, 0));
  PetscCall(TestDifference(7, 3, 4));
  PetscCall(TestDifference(7, 4, 3));
  PetscCall(TestDifference(7, 6, 6));
  for (PetscInt N = 1; N <= 10; N += 3) PetscCall(TestRightHandSide(N));
  PetscCall(TestPayOnce());
  PetscCall(TestScaledHessian());
  PetscCall(PetscFinalize());
  return 0;
}
