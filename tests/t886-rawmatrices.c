static char help[] =
    "Numbers of matrices that the application writes into past PETSc, so that no object state tells: arrays of its own, arrays\n\
that have been handed out once, the context of a shell. A derivative is that of the present matrices, or an error.\n";

#include "support/roots.h"

#define N 4 /* unknowns of a rank */

/* A u = b, or F(u, m) = A u - F_m m with F_m = -B, with tridiagonal A and diagonal B on each rank */
typedef enum { ARRAYS, HANDED, DENSE, BLOCKS, NEST, SHELL, KINDS } Kind;

typedef struct {
  Kind         kind;
  PetscInt     i[N + 1], j[3 * N], none[N + 1];
  PetscScalar  a[3 * N], nothing[1], dense[N * N], k;
  Mat          A, P, B;
  Vec          u, b;
  PetscScalar *numbers; /* of A, as the application has them */
  PetscInt     count;
  KSP          ksp;
  Dini         dini;
} Raw;

static PetscErrorCode Numbers(Raw *r)
{
  PetscFunctionBeginUser;
  r->i[0] = r->none[0] = 0;
  for (PetscInt i = 0; i < N; i++) {
    r->i[i + 1]    = r->i[i];
    r->none[i + 1] = 0;
    for (PetscInt j = PetscMax(i - 1, 0); j <= PetscMin(i + 1, N - 1); j++) {
      r->j[r->i[i + 1]]   = j;
      r->a[r->i[i + 1]++] = i == j ? DiniTestScalar(3.0 + 0.1 * i, 0.5) : DiniTestScalar(-1.0, 0.2 * (j - i));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Mult(Mat A, Vec x, Vec y)
{
  Raw *r;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(A, &r));
  PetscCall(MatMult(r->P, x, y));
  PetscCall(VecAXPY(y, r->k, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MultTranspose(Mat A, Vec x, Vec y)
{
  Raw *r;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(A, &r));
  PetscCall(MatMultTranspose(r->P, x, y));
  PetscCall(VecAXPY(y, r->k, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The tridiagonal part, over the arrays of the application */
static PetscErrorCode Sparse(Raw *r, Mat *A)
{
  PetscMPIInt size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  if (size == 1) PetscCall(MatCreateSeqAIJWithArrays(PETSC_COMM_WORLD, N, N, r->i, r->j, r->a, A));
  else
    PetscCall(MatCreateMPIAIJWithSplitArrays(PETSC_COMM_WORLD, N, N, PETSC_DETERMINE, PETSC_DETERMINE, r->i, r->j, r->a,
                                             r->none, r->j, r->nothing, A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where the numbers of A are: an array that has been handed out once is the application's for ever */
static PetscErrorCode Handed(Raw *r)
{
  const PetscScalar *a;
  PetscMPIInt        size;
  PetscScalar       *array;
  Mat                part = r->A;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  if (size > 1 && r->kind == HANDED) PetscCall(MatMPIAIJGetSeqAIJ(r->A, &part, NULL, NULL));
  if (size > 1 && r->kind == BLOCKS) PetscCall(MatMPIBAIJGetSeqBAIJ(r->A, &part, NULL, NULL));
  if (r->kind == HANDED) {
    PetscCall(MatSeqAIJGetArrayRead(part, &a));
    r->numbers = (PetscScalar *)(uintptr_t)a;
    PetscCall(MatSeqAIJRestoreArrayRead(part, &a));
  } else if (r->kind == BLOCKS) {
    PetscCall(MatSeqBAIJGetArray(part, &r->numbers));
    array = r->numbers;
    PetscCall(MatSeqBAIJRestoreArray(part, &array));
  } else {
    PetscInt lo;

    PetscCall(MatGetOwnershipRange(r->A, &lo, NULL)); /* the columns of this rank's own unknowns */
    PetscCall(MatDenseGetArrayRead(r->A, &a));
    r->numbers = (PetscScalar *)(uintptr_t)(a + (size_t)lo * N);
    PetscCall(MatDenseRestoreArrayRead(r->A, &a));
    r->count = N * N;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Shell(Raw *r)
{
  PetscFunctionBeginUser;
  PetscCall(MatCreateShell(PETSC_COMM_WORLD, N, N, PETSC_DETERMINE, PETSC_DETERMINE, r, &r->A));
  PetscCall(MatShellSetOperation(r->A, MATOP_MULT, (void (*)(void))Mult));
  PetscCall(MatShellSetOperation(r->A, MATOP_MULT_TRANSPOSE, (void (*)(void))MultTranspose));
  r->numbers = &r->k;
  r->count   = 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RawCreate(Kind kind, Raw *r)
{
  PetscInt lo;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(r, sizeof(*r)));
  r->kind = kind;
  r->k    = 0.5;
  PetscCall(Numbers(r));
  PetscCall(Sparse(r, &r->P));
  r->numbers = r->a;
  r->count   = r->i[N];
  if (kind == ARRAYS) PetscCall(PetscObjectReference((PetscObject)(r->A = r->P)));
  else if (kind == NEST) PetscCall(MatCreateNest(PETSC_COMM_WORLD, 1, NULL, 1, NULL, &r->P, &r->A));
  else if (kind == SHELL) PetscCall(Shell(r));
  else {
    PetscCall(MatConvert(r->P,
                         kind == DENSE    ? MATDENSE
                         : kind == BLOCKS ? MATBAIJ
                                          : MATAIJ,
                         MAT_INITIAL_MATRIX, &r->A));
    PetscCall(Handed(r));
  }
  PetscCall(MatCreateVecs(r->P, &r->u, &r->b));
  PetscCall(DiniTestFill(r->b, 5));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, N, N, PETSC_DETERMINE, PETSC_DETERMINE, 1, NULL, 0, NULL, &r->B));
  PetscCall(MatGetOwnershipRange(r->B, &lo, NULL));
  for (PetscInt i = lo; i < lo + N; i++) PetscCall(MatSetValue(r->B, i, i, -1.0 - 0.1 * (PetscReal)i, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(r->B, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(r->B, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RawDestroy(Raw *r)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&r->dini));
  PetscCall(KSPDestroy(&r->ksp));
  PetscCall(MatDestroy(&r->A));
  PetscCall(MatDestroy(&r->P));
  PetscCall(MatDestroy(&r->B));
  PetscCall(VecDestroy(&r->u));
  PetscCall(VecDestroy(&r->b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Past PETSc, on one rank only */
static PetscErrorCode Write(Raw *r, PetscScalar factor)
{
  PetscMPIInt rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  for (PetscInt k = 0; k < r->count && (rank == 0 || r->kind == SHELL); k++) r->numbers[k] *= factor;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J^H x = y with the matrix as it is now, without a preconditioner */
static PetscErrorCode Reference(Mat A, Vec y, Vec x)
{
  KSP ksp;
  PC  pc;
  Mat AH;

  PetscFunctionBeginUser;
  PetscCall(MatCreateHermitianTranspose(A, &AH));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &ksp));
  PetscCall(KSPSetOperators(ksp, AH, AH));
  PetscCall(KSPSetType(ksp, KSPGMRES));
  PetscCall(KSPGMRESSetRestart(ksp, 100));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCNONE));
  PetscCall(KSPSetTolerances(ksp, 1e-13, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(KSPSolve(ksp, y, x));
  PetscCall(KSPDestroy(&ksp));
  PetscCall(MatDestroy(&AH));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The derivative of A u = b in b, which is A^{-H} ubar, with the present A */
static PetscErrorCode Expect(Raw *r, const char what[])
{
  Vec ubar, found, right;

  PetscFunctionBeginUser;
  PetscCall(DiniTestVec(r->u, 8, &ubar));
  PetscCall(VecDuplicate(ubar, &found));
  PetscCall(VecDuplicate(ubar, &right));
  PetscCall(DiniVJP(r->dini, ubar, found));
  PetscCall(Reference(r->A, ubar, right));
  PetscCall(DiniTestVecsClose(found, right, 1e-8, what));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&found));
  PetscCall(VecDestroy(&right));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Type ksp with an A that nobody fills: refused until it is solved again, and then right */
static PetscErrorCode TestLinear(Kind kind)
{
  Raw            r;
  Vec            x, y;
  Mat            Abar = NULL;
  PC             pc;
  DiniStatistics s;

  PetscFunctionBeginUser;
  PetscCall(RawCreate(kind, &r));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &r.ksp));
  PetscCall(KSPSetOperators(r.ksp, r.A, r.A));
  PetscCall(KSPSetType(r.ksp, KSPGMRES));
  PetscCall(KSPSetTolerances(r.ksp, 1e-12, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(KSPGetPC(r.ksp, &pc));
  PetscCall(PCSetType(pc, kind == SHELL || kind == NEST ? PCNONE : PCJACOBI));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &r.dini));
  PetscCall(DiniSetType(r.dini, DINIKSP));
  PetscCall(DiniSetKSP(r.dini, r.ksp));
  PetscCall(DiniSetLinearSystem(r.dini, r.b, NULL, NULL));
  PetscCall(DiniAddParameter(r.dini, "b", r.b, NULL));
  PetscCall(DiniSolve(r.dini, r.u));
  PetscCall(Expect(&r, "at first"));
  PetscCall(Expect(&r, "the same again"));
  PetscCall(DiniGetStatistics(r.dini, &s));
  DiniTestCount(s.relinearizations, 0, "nobody has written");

  PetscCall(Write(&r, 1.5));
  PetscCall(DiniTestVec(r.u, 8, &x));
  PetscCall(VecDuplicate(x, &y));
  DiniTestExpect(DiniVJP(r.dini, x, y), PETSC_ERR_ARG_WRONGSTATE,
                 kind == SHELL ? "no solution any more" : "The matrix A");
  if (kind == ARRAYS || kind == HANDED || kind == DENSE) {
    PetscCall(MatDuplicate(r.A, MAT_DO_NOT_COPY_VALUES, &Abar));
    DiniTestExpect(DiniMatrixVJP(r.dini, x, Abar), PETSC_ERR_ARG_WRONGSTATE, "The matrix A");
    PetscCall(MatDestroy(&Abar));
  }
  PetscCall(DiniSolve(r.dini, r.u));
  PetscCall(Expect(&r, "after another solve"));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&y));
  PetscCall(RawDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- A SNES's J, an F_m that is filled, and one that is not ---- */

/* The array of the diagonal part, past PETSc */
static PetscErrorCode Spoil(Mat A)
{
  const PetscScalar *a;
  PetscMPIInt        size, rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  if (size > 1) PetscCall(MatMPIAIJGetSeqAIJ(A, &A, NULL, NULL));
  PetscCall(MatSeqAIJGetArrayRead(A, &a));
  if (rank == size - 1) *(PetscScalar *)(uintptr_t)a *= 3.0;
  PetscCall(MatSeqAIJRestoreArrayRead(A, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestRoots(RootsKind kind)
{
  Roots          r;
  Dini           dini;
  Vec            u, v, w;
  PetscInt       p = 0;
  DiniStatistics s;

  PetscFunctionBeginUser;
  PetscCall(RootsCreate(kind, &r));
  PetscCall(RootsBranch(&r, 2.5, PETSC_TRUE, &dini, &u));
  PetscCall(RootsCheck(&r, dini, 2.0, "before anybody writes"));
  if (kind == ROOTS_SHELL) PetscCall(VecSet(r.ujac, 17.0)); /* all that the shell knows */
  else PetscCall(Spoil(kind == ROOTS_NEST ? r.B : r.J));
  PetscCall(RootsCheck(&r, dini, 2.0, "after J was written to"));
  PetscCall(Spoil(r.Fm));
  PetscCall(RootsCheck(&r, dini, 2.0, "after F_m was written to"));
  PetscCall(DiniGetStatistics(dini, &s));
  DiniTestCount(s.relinearizations, 2, "matrices made again");
  PetscCall(VecDuplicate(r.m, &v));
  PetscCall(VecDuplicate(r.m, &w));
  PetscCall(VecSet(v, 1.0));
  PetscCall(DiniSetParameterJacobian(dini, p, r.Fm, NULL, NULL)); /* by differences on its pattern */
  PetscCall(DiniSolve(dini, u));
  PetscCall(DiniVJP(dini, v, w));
  PetscCall(RootsExpect(w, RootsSlope(2.0), "F_m by differences"));
  PetscCall(Spoil(r.Fm));
  PetscCall(DiniVJP(dini, v, w));
  PetscCall(RootsExpect(w, RootsSlope(2.0), "F_m by differences, after it was written to"));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&w));
  PetscCall(VecDestroy(&u));
  PetscCall(DiniDestroy(&dini));
  PetscCall(RootsDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- J is written to during a solve ---- */

typedef struct {
  Mat      J;
  PetscInt times; /* left */
} Vandal;

static PetscErrorCode Scratch(KSP ksp, PetscInt it, PetscReal rnorm, void *ctx)
{
  Vandal *vandal = (Vandal *)ctx;

  PetscFunctionBeginUser;
  (void)ksp;
  (void)rnorm;
  if (it != 1 || vandal->times == 0) PetscFunctionReturn(PETSC_SUCCESS);
  vandal->times--;
  PetscCall(MatScale(vandal->J, 3.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Solves for the root 2, and writes to J each time */
static PetscErrorCode Scribble(Dini dini, Vec b, Vec x, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecAXPBY(x, 0.2, 0.0, b));
  PetscCall(MatScale(((Roots *)ctx)->J, 3.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestDuring(PetscBool adjoint)
{
  Roots  r;
  Dini   dini;
  Vec    u, v, w;
  KSP    ksp;
  Vandal vandal = {NULL, 1};

  PetscFunctionBeginUser;
  PetscCall(RootsCreate(ROOTS_AIJ, &r));
  PetscCall(RootsBranch(&r, 2.5, PETSC_TRUE, &dini, &u));
  PetscCall(VecDuplicate(r.m, &v));
  PetscCall(VecDuplicate(r.m, &w));
  PetscCall(VecSet(v, 1.0));
  vandal.J = r.J;
  PetscCall(adjoint ? DiniGetAdjointKSP(dini, &ksp) : DiniGetTangentKSP(dini, &ksp));
  PetscCall(KSPMonitorSet(ksp, Scratch, &vandal, NULL));
  PetscCall(adjoint ? DiniVJP(dini, v, w) : DiniJVP(dini, v, w));
  PetscCall(RootsExpect(w, RootsSlope(2.0), "J written to during a solve, once"));
  DiniTestCount(vandal.times, 0, "writes that are left");
  PetscCall(VecScale(v, 1.5)); /* the last right-hand side is remembered */
  PetscCall(adjoint ? DiniSetAdjointSolve(dini, Scribble, &r) : DiniSetTangentSolve(dini, Scribble, &r));
  PetscCall(DiniSolve(dini, u));
  DiniTestExpect(adjoint ? DiniVJP(dini, v, w) : DiniJVP(dini, v, w), PETSC_ERR_ARG_WRONGSTATE,
                 "The Jacobian is written to during");
  PetscCall(adjoint ? DiniSetAdjointSolve(dini, NULL, NULL) : DiniSetTangentSolve(dini, NULL, NULL));
  PetscCall(DiniSolve(dini, u));
  PetscCall(adjoint ? DiniVJP(dini, v, w) : DiniJVP(dini, v, w));
  PetscCall(RootsExpect(w, 1.5 * RootsSlope(2.0), "J left alone again"));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&w));
  PetscCall(VecDestroy(&u));
  PetscCall(DiniDestroy(&dini));
  PetscCall(RootsDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (int kind = 0; kind < KINDS; kind++) PetscCall(TestLinear((Kind)kind));
  for (int kind = ROOTS_AIJ; kind <= ROOTS_SHELL; kind++) PetscCall(TestRoots((RootsKind)kind));
  for (int adjoint = 0; adjoint < 2; adjoint++) PetscCall(TestDuring((PetscBool)adjoint));
  PetscCall(PetscFinalize());
  return 0;
}
