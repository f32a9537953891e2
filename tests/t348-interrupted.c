static char help[] =
    "Errors inside blocks of solves, and on the way back from a point beside: nothing leaks, the object serves on.\n";

#include "support/fixtures.h"

/* A Jacobian whose products fail from some number on; the preconditioner is made from the matrix behind it */
typedef struct {
  Cubic    cubic;
  Mat      shell;
  PetscInt products, fine; /* so many products are fine; negative: all */
  PetscInt solves, good;   /* and so many calls of the application's linear solve */
} Failing;

static PetscErrorCode Count(PetscInt *calls, PetscInt fine)
{
  PetscFunctionBeginUser;
  (*calls)++;
  PetscCheck(fine < 0 || *calls <= fine, PETSC_COMM_WORLD, PETSC_ERR_USER, "call %" PetscInt_FMT " fails on purpose",
             *calls);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Mult(Mat A, Vec x, Vec y)
{
  Failing *f;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(A, &f));
  PetscCall(Count(&f->products, f->fine));
  PetscCall(MatMult(f->cubic.J, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* PETSc's own, in complex builds by way of MatMultTranspose(), leaks when that fails */
static PetscErrorCode MultHermitian(Mat A, Vec x, Vec y)
{
  Failing *f;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(A, &f));
  PetscCall(Count(&f->products, f->fine));
  PetscCall(MatMultHermitianTranspose(f->cubic.J, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat A, Mat P, void *ctx)
{
  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(CubicJacobian((Cubic *)ctx, u, P));
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode LinearSolve(Dini dini, Vec r, Vec x, void *ctx)
{
  Failing *f = (Failing *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(Count(&f->solves, f->good));
  PetscCall(DiniTestDirectSolve(f->cubic.J, PETSC_FALSE, r, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FailingCreate(PetscInt N, Failing *f)
{
  PetscInt n;
  KSP      ksp;
  PC       pc;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(N, 0.2, &f->cubic));
  f->products = f->solves = 0;
  f->fine = f->good = -1;
  PetscCall(VecGetLocalSize(f->cubic.u, &n));
  PetscCall(MatCreateShell(PETSC_COMM_WORLD, n, n, N, N, f, &f->shell));
  PetscCall(MatShellSetOperation(f->shell, MATOP_MULT, (void (*)(void))Mult));
  PetscCall(MatShellSetOperation(f->shell,
                                 PetscDefined(USE_COMPLEX) ? MATOP_MULT_HERMITIAN_TRANSPOSE : MATOP_MULT_TRANSPOSE,
                                 (void (*)(void))MultHermitian));
  PetscCall(SNESSetJacobian(f->cubic.snes, f->shell, f->cubic.J, Jacobian, &f->cubic));
  PetscCall(SNESGetKSP(f->cubic.snes, &ksp));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCLU));
  PetscCall(PCFactorSetMatSolverType(pc, MATSOLVERMUMPS));
  PetscCall(CubicDini(&f->cubic, DINISNES, DINIPARAMETERMATRIX));
  PetscCall(DiniSolve(f->cubic.dini, f->cubic.u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FailingDestroy(Failing *f)
{
  PetscFunctionBeginUser;
  PetscCall(MatDestroy(&f->shell));
  PetscCall(CubicDestroy(&f->cubic));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Dense(Vec like, Mat *X)
{
  PetscInt n, N;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(like, &n));
  PetscCall(VecGetSize(like, &N));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, n, PETSC_DECIDE, N, 4, NULL, X));
  for (PetscInt j = 0; j < 4; j++) {
    Vec x;

    PetscCall(MatDenseGetColumnVecWrite(*X, j, &x));
    PetscCall(DiniTestFill(x, j == 2 ? 30 : 30 + j)); /* column 2 is column 0 again */
    PetscCall(MatDenseRestoreColumnVecWrite(*X, j, &x));
  }
  PetscCall(MatAssemblyBegin(*X, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*X, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Right(Failing *f, Mat X, Mat Y, PetscBool adjoint)
{
  Vec x, y, z;

  PetscFunctionBeginUser;
  for (PetscInt j = 0; j < 4; j++) {
    PetscCall(MatDenseGetColumnVecRead(X, j, &x));
    PetscCall(MatDenseGetColumnVecRead(Y, j, &y));
    PetscCall(VecDuplicate(y, &z));
    if (adjoint) PetscCall(DiniTestReferenceVJP(f->cubic.J, f->cubic.Fm, x, z));
    else PetscCall(DiniTestReferenceJVP(f->cubic.J, f->cubic.Fm, x, z));
    PetscCall(DiniTestVecsClose(y, z, 1e-8, adjoint ? "VJP after an error" : "JVP after an error"));
    PetscCall(VecDestroy(&z));
    PetscCall(MatDenseRestoreColumnVecRead(Y, j, &y));
    PetscCall(MatDenseRestoreColumnVecRead(X, j, &x));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Products that fail one after the other: wherever it is, the error comes through, and the next call is right */
static PetscErrorCode TestProducts(void)
{
  Failing f;
  Mat     X, Y;

  PetscFunctionBeginUser;
  PetscCall(FailingCreate(6, &f));
  PetscCall(Dense(f.cubic.u, &X));
  PetscCall(Dense(f.cubic.u, &Y));
  PetscCall(DiniMatJVP(f.cubic.dini, X, Y)); /* with the guards of a new object */
  PetscCall(DiniMatVJP(f.cubic.dini, X, Y));
  for (PetscInt fine = 0; fine < 3; fine++) {
    f.products = 0, f.fine = fine;
    DiniTestExpectAny(DiniMatJVP(f.cubic.dini, X, Y), "on purpose");
    f.products = 0;
    DiniTestExpectAny(DiniMatVJP(f.cubic.dini, X, Y), "on purpose");
    f.fine = -1;
    PetscCall(DiniMatJVP(f.cubic.dini, X, Y));
    PetscCall(Right(&f, X, Y, PETSC_FALSE));
    PetscCall(DiniMatVJP(f.cubic.dini, X, Y));
    PetscCall(Right(&f, X, Y, PETSC_TRUE));
  }
  PetscCall(MatDestroy(&X));
  PetscCall(MatDestroy(&Y));
  PetscCall(FailingDestroy(&f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestColumns(void)
{
  Failing f;
  Mat     X, Y;

  PetscFunctionBeginUser;
  PetscCall(FailingCreate(6, &f));
  PetscCall(DiniSetTangentSolve(f.cubic.dini, LinearSolve, &f));
  PetscCall(Dense(f.cubic.u, &X));
  PetscCall(Dense(f.cubic.u, &Y));
  f.good = 1;
  DiniTestExpect(DiniMatJVP(f.cubic.dini, X, Y), PETSC_ERR_USER, "DiniSetTangentSolve()");
  f.good = -1;
  PetscCall(DiniMatJVP(f.cubic.dini, X, Y));
  PetscCall(Right(&f, X, Y, PETSC_FALSE));
  PetscCall(MatDestroy(&X));
  PetscCall(MatDestroy(&Y));
  PetscCall(FailingDestroy(&f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- Beside the point ---- */

typedef struct {
  Cubic    cubic;
  PetscInt updates, fine;
} Moving;

static PetscErrorCode Update(Dini dini, Vec m, void *ctx)
{
  Moving *f = (Moving *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(Count(&f->updates, f->fine));
  PetscCall(VecCopy(m, f->cubic.backup));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Value(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini, (void)ctx;
  PetscCall(VecNorm(u, NORM_2, value));
  *value *= 0.5 * *value;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini, (void)dJdm, (void)ctx;
  PetscCall(VecCopy(u, dJdu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An update callback fails at a point beside, or on the way back from it: then what it has left is not trusted */
static PetscErrorCode TestBeside(void)
{
  Moving    f;
  Vec       m, v, expected, Hv;
  PetscReal value;
  PetscInt  calls;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(5, 0.2, &f.cubic));
  f.fine       = -1;
  f.cubic.seen = f.cubic.backup;
  PetscCall(CubicDini(&f.cubic, DINISNES, DINIPARAMETERMATRIX));
  PetscCall(DiniSetParameterUpdate(f.cubic.dini, 0, Update, &f));
  PetscCall(DiniSetState(f.cubic.dini, f.cubic.u));
  PetscCall(DiniSetObjective(f.cubic.dini, Value, Gradient, NULL));
  PetscCall(DiniCreateParameterVec(f.cubic.dini, &m));
  PetscCall(DiniTestVec(m, 3, &v));
  PetscCall(VecDuplicate(m, &expected));
  PetscCall(VecDuplicate(m, &Hv));
  PetscCall(DiniComputeObjective(f.cubic.dini, m, &value));
  PetscCall(DiniHVP(f.cubic.dini, v, expected)); /* with the guards */
  f.updates = 0;
  PetscCall(DiniHVP(f.cubic.dini, v, expected));
  calls = f.updates;
  DiniTestTrue(calls >= 3, "%" PetscInt_FMT " updates in a product by differences", calls);
  for (PetscInt fine = 0; fine < calls; fine++) {
    f.updates = 0, f.fine = fine;
    DiniTestExpect(DiniHVP(f.cubic.dini, v, Hv), PETSC_ERR_USER, "on purpose");
    f.fine = -1;
    if (fine + 1 == calls) DiniTestExpect(DiniHVP(f.cubic.dini, v, Hv), PETSC_ERR_ORDER, "DiniSolve()");
    PetscCall(DiniComputeObjective(f.cubic.dini, m, &value));
    PetscCall(DiniHVP(f.cubic.dini, v, Hv));
    PetscCall(DiniTestVecsClose(Hv, expected, 1e-6, "a Hessian product after an error"));
  }
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&expected));
  PetscCall(VecDestroy(&Hv));
  PetscCall(CubicDestroy(&f.cubic));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestProducts());
  PetscCall(TestColumns());
  PetscCall(TestBeside());
  PetscCall(PetscFinalize());
  return 0;
}
