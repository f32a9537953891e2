static char help[] = "The derivative du/dm as a Mat: products, adjoint products, dense blocks, scaling, composition.\n";

#include "support/fixtures.h"

static PetscErrorCode TestProducts(void)
{
  Transport t;
  Mat       D, Dscaled;
  Vec       dm, ubar, a, b, c, d;
  PetscInt  rows, cols, n, N;

  PetscFunctionBeginUser;
  PetscCall(TransportCreate(7, 6, &t));
  PetscCall(TransportDini(&t, DINIPARAMETERMATRIX));
  PetscCall(DiniSolve(t.dini, t.u));
  PetscCall(DiniGetDerivative(t.dini, &D));
  PetscCall(MatGetSize(D, &rows, &cols));
  PetscCall(VecGetSize(t.u, &N));
  DiniTestCount(rows, N, "rows of the derivative");
  DiniTestCount(cols, N, "columns of the derivative");
  PetscCall(MatGetLocalSize(D, &rows, &cols));
  PetscCall(VecGetLocalSize(t.u, &n));
  PetscCheck(rows == n && cols == n, PETSC_COMM_SELF, PETSC_ERR_PLIB, "Local sizes of the derivative");
  PetscCall(DiniTestVec(t.m, 81, &dm));
  PetscCall(DiniTestVec(t.u, 82, &ubar));
  PetscCall(MatCreateVecs(D, &b, &a));
  PetscCall(VecDuplicate(t.u, &c));
  PetscCall(VecDuplicate(t.u, &d));
  PetscCall(MatMult(D, dm, a));
  PetscCall(DiniJVP(t.dini, dm, c));
  PetscCall(DiniTestVecsClose(a, c, 1e-9, "MatMult and JVP"));
  PetscCall(MatMultHermitianTranspose(D, ubar, b));
  PetscCall(DiniVJP(t.dini, ubar, c));
  PetscCall(DiniTestVecsClose(b, c, 1e-9, "MatMultHermitianTranspose and VJP"));
  /* the plain transpose is the conjugate of the adjoint on the conjugate */
  PetscCall(VecCopy(ubar, d));
  PetscCall(VecConjugate(d));
  PetscCall(MatMultTranspose(D, d, b));
  PetscCall(VecConjugate(b));
  PetscCall(DiniTestVecsClose(b, c, 1e-9, "MatMultTranspose and VJP"));
  /* adding variants come for free */
  PetscCall(MatMult(D, dm, a));
  PetscCall(VecAXPY(a, 2.0, ubar));
  PetscCall(MatMultAdd(D, dm, ubar, c));
  PetscCall(VecAXPY(c, 1.0, ubar));
  PetscCall(DiniTestVecsClose(a, c, 1e-9, "MatMultAdd"));
  /* the Mat keeps working while it scales; the Dini does not notice */
  PetscCall(MatMult(D, dm, a));
  PetscCall(VecScale(a, -3.0));
  PetscCall(PetscObjectReference((PetscObject)D));
  Dscaled = D;
  PetscCall(MatScale(Dscaled, -3.0));
  PetscCall(MatMult(Dscaled, dm, c));
  PetscCall(DiniTestVecsClose(a, c, 1e-9, "scaled derivative"));
  PetscCall(DiniJVP(t.dini, dm, c));
  PetscCall(VecScale(c, -3.0));
  PetscCall(DiniTestVecsClose(a, c, 1e-9, "JVP beside a scaled derivative"));
  PetscCall(MatScale(Dscaled, -1.0 / 3.0));
  PetscCall(MatDestroy(&Dscaled));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&a));
  PetscCall(VecDestroy(&b));
  PetscCall(VecDestroy(&c));
  PetscCall(VecDestroy(&d));
  PetscCall(TransportDestroy(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The columns of D X and D^T Y are products with the columns of X and Y. */
static PetscErrorCode CheckColumns(Mat D, Mat X, Mat DX, PetscBool transpose)
{
  PetscInt k;
  Vec      x, y, z;

  PetscFunctionBeginUser;
  PetscCall(MatGetSize(X, NULL, &k));
  for (PetscInt j = 0; j < k; j++) {
    PetscCall(MatDenseGetColumnVecRead(X, j, &x));
    PetscCall(MatDenseGetColumnVecRead(DX, j, &y));
    PetscCall(VecDuplicate(y, &z));
    if (transpose) PetscCall(MatMultTranspose(D, x, z));
    else PetscCall(MatMult(D, x, z));
    PetscCall(DiniTestVecsClose(z, y, 1e-8, transpose ? "column of D^T Y" : "column of D X"));
    PetscCall(VecDestroy(&z));
    PetscCall(MatDenseRestoreColumnVecRead(DX, j, &y));
    PetscCall(MatDenseRestoreColumnVecRead(X, j, &x));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FillDense(Mat X, PetscInt seed)
{
  PetscInt k;
  Vec      x;

  PetscFunctionBeginUser;
  PetscCall(MatGetSize(X, NULL, &k));
  for (PetscInt j = 0; j < k; j++) {
    PetscCall(MatDenseGetColumnVecWrite(X, j, &x));
    PetscCall(DiniTestFill(x, seed + j));
    PetscCall(MatDenseRestoreColumnVecWrite(X, j, &x));
  }
  PetscCall(MatAssemblyBegin(X, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(X, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of the derivative at the last solution, or of one that is pinned there */
static PetscErrorCode TestDense(PetscBool pinned)
{
  Transport t;
  Mat       D, X, Y, DX, DtY;
  PetscInt  n, N;

  PetscFunctionBeginUser;
  PetscCall(TransportCreate(7, 6, &t));
  PetscCall(TransportDini(&t, DINIPARAMETERMATRIX));
  PetscCall(DiniSolve(t.dini, t.u));
  if (pinned) PetscCall(DiniCreateDerivative(t.dini, DINI_ALL_PARAMETERS, &D));
  else PetscCall(DiniGetDerivative(t.dini, &D));
  PetscCall(VecGetLocalSize(t.u, &n));
  PetscCall(VecGetSize(t.u, &N));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, n, PETSC_DECIDE, N, 4, NULL, &X));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, n, PETSC_DECIDE, N, 3, NULL, &Y));
  PetscCall(FillDense(X, 300));
  PetscCall(FillDense(Y, 400));
  PetscCall(MatMatMult(D, X, MAT_INITIAL_MATRIX, PETSC_DEFAULT, &DX));
  PetscCall(CheckColumns(D, X, DX, PETSC_FALSE));
  PetscCall(FillDense(X, 310));
  PetscCall(MatMatMult(D, X, MAT_REUSE_MATRIX, PETSC_DEFAULT, &DX));
  PetscCall(CheckColumns(D, X, DX, PETSC_FALSE));
  PetscCall(MatTransposeMatMult(D, Y, MAT_INITIAL_MATRIX, PETSC_DEFAULT, &DtY));
  PetscCall(CheckColumns(D, Y, DtY, PETSC_TRUE));
  PetscCall(MatDestroy(&DX));
  PetscCall(MatDestroy(&DtY));
  PetscCall(MatDestroy(&X));
  PetscCall(MatDestroy(&Y));
  if (pinned) PetscCall(MatDestroy(&D));
  PetscCall(TransportDestroy(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One handle for the life of the object: it follows the point, and says so when there is none. */
static PetscErrorCode TestLife(void)
{
  Cubic c;
  Mat   D, again;
  Vec   dm, du, d;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(9, 0.0, &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERRHS));
  PetscCall(DiniTestVec(c.m, 83, &dm));
  PetscCall(VecDuplicate(c.u, &du));
  PetscCall(VecDuplicate(c.u, &d));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniGetDerivative(c.dini, &D));
  PetscCall(MatMult(D, dm, du));
  PetscCall(VecCopy(dm, d));
  PetscCall(VecScale(d, 0.25));
  PetscCall(DiniTestVecsClose(du, d, 1e-9, "derivative at m = 2"));
  PetscCall(VecSet(c.m, 10.0)); /* u = 2, 1 + 3 u^2 = 13 */
  DiniTestExpect(MatMult(D, dm, du), PETSC_ERR_ARG_WRONGSTATE, "\"m\"");
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniGetDerivative(c.dini, &again));
  PetscCall(MatMult(again, dm, du));
  PetscCall(VecCopy(dm, d));
  PetscCall(VecScale(d, 1.0 / 13.0));
  PetscCall(DiniTestVecsClose(du, d, 1e-9, "derivative at m = 10"));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&d));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestProducts());
  PetscCall(TestDense(PETSC_FALSE));
  PetscCall(TestDense(PETSC_TRUE));
  PetscCall(TestLife());
  PetscCall(PetscFinalize());
  return 0;
}
