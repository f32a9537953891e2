static char help[] =
    "A(m) U = B for many right-hand sides: DiniMatSolve and its derivatives against references column by column, with one\n\
factorisation for all.\n";

#include "support/fixtures.h"

static PetscErrorCode Dense(Vec like, PetscInt k, PetscInt seed, Mat *X)
{
  PetscInt n, N;
  Vec      x;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(like, &n));
  PetscCall(VecGetSize(like, &N));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, n, PETSC_DECIDE, N, k, NULL, X));
  for (PetscInt j = 0; j < k; j++) {
    PetscCall(MatDenseGetColumnVecWrite(*X, j, &x));
    if (seed >= 0) PetscCall(DiniTestFill(x, seed + j));
    else PetscCall(VecSet(x, 0.0));
    PetscCall(MatDenseRestoreColumnVecWrite(*X, j, &x));
  }
  PetscCall(MatAssemblyBegin(*X, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*X, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Column(Mat X, PetscInt k, Vec x)
{
  Vec column;

  PetscFunctionBeginUser;
  PetscCall(MatDenseGetColumnVecRead(X, k, &column));
  PetscCall(VecAXPBY(x, 1.0, 0.0, column));
  PetscCall(MatDenseRestoreColumnVecRead(X, k, &column));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* d(A u)/dm alone: what LinearFill() gives for F = A u - b, with the derivative of b = 1 + m^2 taken out */
static PetscErrorCode FillA(Linear *l, Vec u, Mat Fm)
{
  Vec twice;

  PetscFunctionBeginUser;
  PetscCall(LinearFill(l, u, l->m, Fm));
  PetscCall(VecDuplicate(l->m, &twice));
  PetscCall(VecAXPBY(twice, 2.0, 0.0, l->m));
  PetscCall(MatDiagonalSet(Fm, twice, ADD_VALUES));
  PetscCall(VecDestroy(&twice));
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  PetscInt k;
  Vec     *u, *lambda; /* by factorisations of their own */
  Vec      mbar;
} Reference;

static PetscErrorCode ReferenceCreate(Linear *l, Mat B, Mat Ubar, PetscBool plain, Reference *r)
{
  Vec x, y;
  Mat Fm;

  PetscFunctionBeginUser;
  PetscCall(MatGetSize(B, NULL, &r->k));
  PetscCall(VecDuplicate(l->m, &x));
  PetscCall(VecDuplicate(l->m, &y));
  PetscCall(VecDuplicateVecs(l->m, r->k, &r->u));
  PetscCall(VecDuplicateVecs(l->m, r->k, &r->lambda));
  PetscCall(VecDuplicate(l->m, &r->mbar));
  PetscCall(VecSet(r->mbar, 0.0));
  PetscCall(MatDuplicate(l->A, MAT_DO_NOT_COPY_VALUES, &Fm));
  for (PetscInt j = 0; j < r->k; j++) {
    PetscCall(Column(B, j, x));
    PetscCall(DiniTestDirectSolve(l->A, PETSC_FALSE, x, r->u[j]));
    PetscCall(Column(Ubar, j, x));
    if (plain) PetscCall(VecConjugate(x));
    PetscCall(DiniTestDirectSolve(l->A, PETSC_TRUE, x, r->lambda[j]));
    PetscCall(FillA(l, r->u[j], Fm));
    PetscCall(MatMultHermitianTranspose(Fm, r->lambda[j], y));
    PetscCall(VecAXPY(r->mbar, -1.0, y));
  }
  if (plain) PetscCall(VecConjugate(r->mbar));
  PetscCall(MatDestroy(&Fm));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReferenceDestroy(Reference *r)
{
  PetscFunctionBeginUser;
  PetscCall(VecDestroyVecs(r->k, &r->u));
  PetscCall(VecDestroyVecs(r->k, &r->lambda));
  PetscCall(VecDestroy(&r->mbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckColumns(Mat X, const Vec x[], PetscInt k, PetscBool plain, const char what[])
{
  Vec v;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(x[0], &v));
  for (PetscInt j = 0; j < k; j++) {
    PetscCall(Column(X, j, v));
    if (plain) PetscCall(VecConjugate(v));
    PetscCall(DiniTestVecsClose(v, x[j], 1e-8, what));
  }
  PetscCall(VecDestroy(&v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckVJP(Linear *l, Mat B, PetscBool plain)
{
  Mat       Ubar, Abar, Bbar;
  Vec       mbar;
  Reference r;

  PetscFunctionBeginUser;
  PetscCall(MatGetSize(B, NULL, &r.k));
  PetscCall(Dense(l->m, r.k, 70, &Ubar));
  PetscCall(Dense(l->m, r.k, -1, &Bbar));
  PetscCall(MatDuplicate(l->A, MAT_DO_NOT_COPY_VALUES, &Abar));
  PetscCall(VecDuplicate(l->m, &mbar));
  PetscCall(DiniSetAdjointType(l->dini, plain ? DINI_ADJOINT_TRANSPOSE : DINI_ADJOINT_HERMITIAN));
  PetscCall(ReferenceCreate(l, B, Ubar, plain, &r));
  PetscCall(DiniMatSolveVJP(l->dini, Ubar, Abar, Bbar, mbar));
  PetscCall(CheckColumns(Bbar, r.lambda, r.k, plain, "Bbar"));
  PetscCall(DiniTestOuter(Abar, r.k, r.lambda, r.u, plain, -1, 1e-8, "Abar of many right-hand sides"));
  PetscCall(DiniTestVecsClose(mbar, r.mbar, 1e-7, "mbar of many right-hand sides"));
  /* one at a time */
  PetscCall(MatZeroEntries(Abar));
  PetscCall(MatZeroEntries(Bbar));
  PetscCall(VecSet(mbar, 0.0));
  PetscCall(DiniMatSolveVJP(l->dini, Ubar, Abar, NULL, NULL));
  PetscCall(DiniMatSolveVJP(l->dini, Ubar, NULL, Bbar, NULL));
  PetscCall(DiniMatSolveVJP(l->dini, Ubar, NULL, NULL, mbar));
  PetscCall(CheckColumns(Bbar, r.lambda, r.k, plain, "Bbar alone"));
  PetscCall(DiniTestOuter(Abar, r.k, r.lambda, r.u, plain, -1, 1e-8, "Abar alone"));
  PetscCall(DiniTestVecsClose(mbar, r.mbar, 1e-7, "mbar alone"));
  PetscCall(ReferenceDestroy(&r));
  PetscCall(MatDestroy(&Ubar));
  PetscCall(MatDestroy(&Abar));
  PetscCall(MatDestroy(&Bbar));
  PetscCall(VecDestroy(&mbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A dU = dB - dA U - (A_m dm) U */
static PetscErrorCode CheckJVP(Linear *l, Mat U, PetscInt k)
{
  Mat dU, dA, dB, Fm;
  Vec dm, t, r, *expected, rows;
  Mat none = NULL;

  PetscFunctionBeginUser;
  PetscCall(Dense(l->m, k, 80, &dB));
  PetscCall(Dense(l->m, k, -1, &dU));
  PetscCall(DiniTestVec(l->m, 90, &dm));
  PetscCall(DiniTestVec(l->m, 91, &rows));
  PetscCall(VecDuplicate(dm, &t));
  PetscCall(VecDuplicate(dm, &r));
  PetscCall(VecDuplicateVecs(dm, k, &expected));
  PetscCall(MatDuplicate(l->A, MAT_COPY_VALUES, &dA));
  PetscCall(MatDiagonalScale(dA, rows, NULL));
  PetscCall(MatDuplicate(l->A, MAT_DO_NOT_COPY_VALUES, &Fm));
  for (PetscInt which = 0; which < 4; which++) { /* each alone, and all together */
    const PetscBool a = (PetscBool)(which == 0 || which == 3), b = (PetscBool)(which == 1 || which == 3),
                    m = (PetscBool)(which == 2 || which == 3);

    for (PetscInt j = 0; j < k; j++) {
      PetscCall(Column(U, j, t));
      PetscCall(FillA(l, t, Fm));
      PetscCall(VecSet(r, 0.0));
      if (m) PetscCall(MatMultAdd(Fm, dm, r, r));
      if (a) PetscCall(MatMultAdd(dA, t, r, r));
      PetscCall(VecScale(r, -1.0));
      PetscCall(Column(dB, j, t));
      if (b) PetscCall(VecAXPY(r, 1.0, t));
      PetscCall(DiniTestDirectSolve(l->A, PETSC_FALSE, r, expected[j]));
    }
    PetscCall(DiniMatSolveJVP(l->dini, a ? dA : none, b ? dB : none, m ? dm : NULL, dU));
    PetscCall(CheckColumns(dU, expected, k, PETSC_FALSE, "dU"));
  }
  PetscCall(VecDestroyVecs(k, &expected));
  PetscCall(MatDestroy(&dU));
  PetscCall(MatDestroy(&dA));
  PetscCall(MatDestroy(&dB));
  PetscCall(MatDestroy(&Fm));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&t));
  PetscCall(VecDestroy(&r));
  PetscCall(VecDestroy(&rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* direct: one factorisation by the forward solve; else a Krylov method, column by column */
static PetscErrorCode TestColumns(PetscInt N, PetscInt k, DiniParameterType kind, PetscBool direct)
{
  Linear         l;
  Mat            B, U;
  PC             pc;
  Reference      r;
  PetscInt       before, after;
  DiniStatistics s;

  PetscFunctionBeginUser;
  PetscCall(LinearCreate(N, &l));
  if (direct) {
    PetscCall(KSPSetType(l.ksp, KSPPREONLY));
    PetscCall(KSPGetPC(l.ksp, &pc));
    PetscCall(PCSetType(pc, PCLU));
  }
  PetscCall(LinearDini(&l, DINIKSP, kind));
  PetscCall(DiniSetBlockSize(l.dini, 3)); /* some blocks are not full */
  PetscCall(Dense(l.m, k, 60, &B));
  PetscCall(Dense(l.m, k, -1, &U));
  PetscCall(DiniTestEvent("MatLUFactorNum", &before));
  PetscCall(DiniMatSolve(l.dini, B, U));
  PetscCall(DiniTestEvent("MatLUFactorNum", &after));
  if (direct) DiniTestCount(after - before, 1, "factorisations for the forward solve");
  DiniTestCount(l.assemblies, 2, "assemblies, one by the fixture");
  PetscCall(ReferenceCreate(&l, B, B, PETSC_FALSE, &r));
  PetscCall(CheckColumns(U, r.u, k, PETSC_FALSE, "U"));
  PetscCall(ReferenceDestroy(&r));
  PetscCall(CheckVJP(&l, B, PETSC_FALSE));
  if (PetscDefined(USE_COMPLEX)) PetscCall(CheckVJP(&l, B, PETSC_TRUE));
  PetscCall(CheckJVP(&l, U, k));
  PetscCall(DiniGetStatistics(l.dini, &s));
  DiniTestCount(s.linearizations, 1, "linearizations for all derivatives");
  DiniTestCount(s.pc_setups + s.factorizations, 0, "set-ups by Dini");
  DiniTestCount(s.jacobian_assemblies, 0, "assemblies of A by Dini");
  PetscCall(MatDestroy(&B));
  PetscCall(MatDestroy(&U));
  PetscCall(LinearDestroy(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestMisuse(void)
{
  Linear   l;
  Mat      B, U, X, Abar;
  Vec      mbar, other;
  PC       pc;
  PetscInt n;

  PetscFunctionBeginUser;
  PetscCall(LinearCreate(7, &l));
  PetscCall(LinearDini(&l, DINIKSP, DINIPARAMETERMATRIX));
  PetscCall(Dense(l.m, 3, 60, &B));
  PetscCall(Dense(l.m, 3, -1, &U));
  PetscCall(VecDuplicate(l.m, &mbar));
  PetscCall(MatDuplicate(l.A, MAT_DO_NOT_COPY_VALUES, &Abar));
  DiniTestExpect(DiniMatSolveVJP(l.dini, B, Abar, NULL, NULL), PETSC_ERR_ORDER, "DiniMatSolve()");
  DiniTestExpect(DiniMatSolveJVP(l.dini, NULL, B, NULL, B), PETSC_ERR_ORDER, "DiniMatSolve()");
  DiniTestExpect(DiniMatSolve(l.dini, NULL, U), PETSC_ERR_ARG_NULL, "B");
  DiniTestExpect(DiniMatSolve(l.dini, B, NULL), PETSC_ERR_ARG_NULL, "U");
  DiniTestExpect(DiniMatSolve(l.dini, B, B), PETSC_ERR_ARG_IDN, "different");
  DiniTestExpect(DiniMatSolve(l.dini, B, l.A), PETSC_ERR_ARG_WRONG, "dense");
  PetscCall(Dense(l.m, 2, -1, &X));
  DiniTestExpect(DiniMatSolve(l.dini, B, X), PETSC_ERR_ARG_SIZ, "2 columns");
  PetscCall(DiniMatSolve(l.dini, B, U));
  DiniTestExpect(DiniMatSolveVJP(l.dini, X, Abar, NULL, NULL), PETSC_ERR_ARG_SIZ, "2 columns");
  DiniTestExpect(DiniMatSolveVJP(l.dini, NULL, Abar, NULL, NULL), PETSC_ERR_ARG_NULL, "Ubar");
  DiniTestExpect(DiniMatSolveJVP(l.dini, NULL, X, NULL, U), PETSC_ERR_ARG_SIZ, "dB");
  PetscCall(VecGetLocalSize(l.m, &n));
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, n + 1, PETSC_DECIDE, &other));
  DiniTestExpect(DiniMatSolveVJP(l.dini, B, NULL, NULL, other), PETSC_ERR_ARG_SIZ, "mbar");
  PetscCall(VecDestroy(&other));
  PetscCall(MatDestroy(&X));
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, n + 1, PETSC_DECIDE, &other));
  PetscCall(Dense(other, 3, -1, &X));
  DiniTestExpect(DiniMatSolveVJP(l.dini, X, NULL, NULL, mbar), PETSC_ERR_ARG_SIZ, "local rows");
  PetscCall(VecDestroy(&other));
  PetscCall(MatDestroy(&X));
  /* a point of many columns is none for single ones */
  DiniTestExpect(DiniVJP(l.dini, l.u, mbar), PETSC_ERR_ORDER, "DiniSolve()");
  PetscCall(CheckVJP(&l, B, PETSC_FALSE));
  /* changed since */
  PetscCall(MatScale(U, 2.0));
  DiniTestExpect(DiniMatSolveVJP(l.dini, B, Abar, NULL, NULL), PETSC_ERR_ARG_WRONGSTATE, "U of solutions");
  PetscCall(DiniMatSolve(l.dini, B, U));
  PetscCall(MatScale(l.A, 2.0));
  DiniTestExpect(DiniMatSolveVJP(l.dini, B, Abar, NULL, NULL), PETSC_ERR_ARG_WRONGSTATE, "The matrix A");
  PetscCall(DiniMatSolve(l.dini, B, U));
  PetscCall(VecShift(l.m, 0.1));
  DiniTestExpect(DiniMatSolveVJP(l.dini, B, Abar, NULL, NULL), PETSC_ERR_ARG_WRONGSTATE, "\"m\"");
  PetscCall(DiniMatSolve(l.dini, B, U));
  PetscCall(CheckVJP(&l, B, PETSC_FALSE));
  /* a single solve ends the point */
  PetscCall(DiniSolve(l.dini, l.u));
  DiniTestExpect(DiniMatSolveVJP(l.dini, B, Abar, NULL, NULL), PETSC_ERR_ORDER, "DiniMatSolve()");
  PetscCall(DiniVJP(l.dini, l.u, mbar));
  PetscCall(DiniMatSolve(l.dini, B, U));
  PetscCall(DiniAddParameter(l.dini, "more", l.c, NULL));
  DiniTestExpect(DiniMatSolveVJP(l.dini, B, Abar, NULL, NULL), PETSC_ERR_ORDER, "DiniMatSolve()");
  /* a solve that fails */
  PetscCall(KSPGetPC(l.ksp, &pc));
  PetscCall(PCSetType(pc, PCNONE));
  PetscCall(KSPSetTolerances(l.ksp, 1e-13, 1e-50, PETSC_DEFAULT, 1));
  PetscCall(MatZeroEntries(U));
  DiniTestExpect(DiniMatSolve(l.dini, B, U), PETSC_ERR_NOT_CONVERGED, "A U = B");
  DiniTestExpect(DiniMatSolveVJP(l.dini, B, Abar, NULL, NULL), PETSC_ERR_ORDER, "DiniMatSolve()");
  PetscCall(VecDestroy(&mbar));
  PetscCall(MatDestroy(&Abar));
  PetscCall(MatDestroy(&B));
  PetscCall(MatDestroy(&U));
  PetscCall(LinearDestroy(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode NoFill(Dini dini, Vec u, Vec m, Mat Fm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)u;
  (void)m;
  (void)Fm;
  (void)ctx;
  PetscFunctionReturn(PETSC_ERR_USER);
}

/* A callback's error within the columns leaves nothing behind. */
static PetscErrorCode TestInterrupted(void)
{
  Linear   l;
  Mat      B, U;
  Vec      m;
  PetscInt n, N;

  PetscFunctionBeginUser;
  PetscCall(LinearCreate(6, &l));
  PetscCall(LinearDini(&l, DINIKSP, DINIPARAMETERMATRIX));
  PetscCall(DiniSetParameterJacobian(l.dini, l.p, l.Fm, NoFill, NULL));
  PetscCall(VecGetLocalSize(l.u, &n));
  PetscCall(VecGetSize(l.u, &N));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, n, PETSC_DECIDE, N, 2, NULL, &B));
  PetscCall(MatSetRandom(B, NULL));
  PetscCall(MatDuplicate(B, MAT_COPY_VALUES, &U));
  PetscCall(DiniTestVec(l.m, 3, &m));
  PetscCall(DiniMatSolve(l.dini, B, U));
  DiniTestExpect(DiniMatSolveVJP(l.dini, B, NULL, NULL, m), PETSC_ERR_USER, "DiniSetParameterJacobian()");
  PetscCall(DiniTestFill(m, 3));
  DiniTestExpect(DiniMatSolveJVP(l.dini, NULL, NULL, m, B), PETSC_ERR_USER, "DiniSetParameterJacobian()");
  PetscCall(MatDestroy(&B));
  PetscCall(MatDestroy(&U));
  PetscCall(VecDestroy(&m));
  PetscCall(LinearDestroy(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Fails(PC pc, Vec x, Vec y)
{
  PetscFunctionBeginUser;
  (void)x, (void)y;
  SETERRQ(PetscObjectComm((PetscObject)pc), PETSC_ERR_USER, "This preconditioner fails");
}

/* The solve of a column fails by an error: B and U are the caller's again */
static PetscErrorCode TestForward(void)
{
  Linear l;
  Mat    B, U;
  PC     pc;

  PetscFunctionBeginUser;
  PetscCall(LinearCreate(6, &l));
  PetscCall(LinearDini(&l, DINIKSP, DINIPARAMETERMATRIX));
  PetscCall(KSPGetPC(l.ksp, &pc));
  PetscCall(PCSetType(pc, PCSHELL));
  PetscCall(PCShellSetApply(pc, Fails));
  PetscCall(Dense(l.u, 2, 4, &B));
  PetscCall(Dense(l.u, 2, -1, &U));
  DiniTestExpect(DiniMatSolve(l.dini, B, U), PETSC_ERR_USER, "This preconditioner fails");
  PetscCall(MatCopy(B, U, SAME_NONZERO_PATTERN));
  PetscCall(MatScale(B, 2.0));
  PetscCall(MatDestroy(&B));
  PetscCall(MatDestroy(&U));
  PetscCall(LinearDestroy(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestInterrupted());
  PetscCall(TestForward());
  PetscCall(PetscLogDefaultBegin());
  PetscCall(TestColumns(1, 1, DINIPARAMETERMATRIX, PETSC_TRUE));
  PetscCall(TestColumns(3, 5, DINIPARAMETERMATRIX, PETSC_TRUE));
  PetscCall(TestColumns(10, 4, DINIPARAMETERMATRIX, PETSC_TRUE));
  PetscCall(TestColumns(10, 4, DINIPARAMETERFD, PETSC_TRUE));
  PetscCall(TestColumns(10, 4, DINIPARAMETERMATRIX, PETSC_FALSE));
  PetscCall(TestMisuse());
  PetscCall(PetscFinalize());
  return 0;
}
