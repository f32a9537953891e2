static char help[] =
    "An F_m that is zero at the first point only, beside other blocks: what it is held against there leaves the "
    "products of the others alone.\n";

#include "support/dinitest.h"

/* F_i = (2 + i) (u_i - a) + b u_i^2 + sin(c u_i): at a = 0 the state is zero, and F_b = F_c = 0 there */
typedef struct {
  PetscScalar a, b, c;
  PetscInt    ia, ib, ic;
} Problem;

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  Problem           *p = (Problem *)ctx;
  const PetscScalar *x;
  PetscScalar       *f;
  PetscInt           lo, hi;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(VecGetOwnershipRange(u, &lo, &hi));
  PetscCall(VecGetArrayRead(u, &x));
  PetscCall(VecGetArray(F, &f));
  for (PetscInt i = lo; i < hi; i++) {
    const PetscScalar v = x[i - lo];

    f[i - lo] = (PetscReal)(2 + i) * (v - p->a) + p->b * v * v + PetscSinScalar(p->c * v);
  }
  PetscCall(VecRestoreArray(F, &f));
  PetscCall(VecRestoreArrayRead(u, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  Problem           *p = (Problem *)ctx;
  const PetscScalar *x;
  PetscInt           lo, hi;

  PetscFunctionBeginUser;
  (void)snes;
  (void)P;
  PetscCall(VecGetOwnershipRange(u, &lo, &hi));
  PetscCall(VecGetArrayRead(u, &x));
  for (PetscInt i = lo; i < hi; i++) {
    const PetscScalar v = x[i - lo];

    PetscCall(
        MatSetValue(J, i, i, (PetscReal)(2 + i) + 2.0 * p->b * v + p->c * PetscCosScalar(p->c * v), INSERT_VALUES));
  }
  PetscCall(VecRestoreArrayRead(u, &x));
  PetscCall(MatAssemblyBegin(J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(J, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* At u = 0: du_i/da = (2 + i) / (2 + i + c), du/db = du/dc = 0 */
typedef enum { TANGENT_A, TANGENT_B, TANGENT_ALL, ADJOINT, COLUMNS, ROWS, FIRST_CALLS } FirstCall;

static PetscErrorCode Flat(Dini dini, const Problem *p, PetscReal a, PetscReal b, PetscReal c, Vec *dm)
{
  const PetscReal values[3] = {a, b, c};
  const PetscInt  blocks[3] = {p->ia, p->ib, p->ic};
  Vec             part;

  PetscFunctionBeginUser;
  PetscCall(DiniCreateParameterVec(dini, dm));
  for (int k = 0; k < 3; k++) {
    PetscCall(DiniGetParameterSubVec(dini, *dm, blocks[k], &part));
    PetscCall(VecSet(part, values[k]));
    PetscCall(DiniRestoreParameterSubVec(dini, *dm, blocks[k], &part));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* du_i/da at u = 0, times `factor` */
static PetscErrorCode Expected(const Problem *p, PetscScalar factor, Vec du)
{
  PetscInt lo, hi;

  PetscFunctionBeginUser;
  PetscCall(VecGetOwnershipRange(du, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++)
    PetscCall(VecSetValue(du, i, factor * (PetscReal)(2 + i) / ((PetscReal)(2 + i) + p->c), INSERT_VALUES));
  PetscCall(VecAssemblyBegin(du));
  PetscCall(VecAssemblyEnd(du));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckTangent(Dini dini, const Problem *p, PetscReal a, PetscReal b, PetscReal c, Vec u)
{
  Vec       dm, du, expected;
  PetscReal size;

  PetscFunctionBeginUser;
  PetscCall(Flat(dini, p, a, b, c, &dm));
  PetscCall(VecDuplicate(u, &du));
  PetscCall(VecDuplicate(u, &expected));
  PetscCall(DiniJVP(dini, dm, du));
  PetscCall(Expected(p, a, expected));
  PetscCall(VecAXPY(expected, -1.0, du));
  PetscCall(VecNorm(expected, NORM_INFINITY, &size));
  DiniTestClose(size, 0.0, 0.0, 1e-9, "du/dm at a zero state");
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&expected));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckAdjoint(Dini dini, const Problem *p, Vec u)
{
  Vec ubar, mbar, expected, dadu;

  PetscFunctionBeginUser;
  PetscCall(DiniTestVec(u, 3, &ubar));
  PetscCall(VecDuplicate(u, &dadu));
  PetscCall(Expected(p, 1.0, dadu));
  PetscCall(DiniCreateParameterVec(dini, &mbar));
  PetscCall(DiniVJP(dini, ubar, mbar));
  {
    PetscScalar abar;
    Vec         part;

    PetscCall(VecDot(ubar, dadu, &abar)); /* dadu^H ubar */
    PetscCall(Flat(dini, p, 0.0, 0.0, 0.0, &expected));
    PetscCall(DiniGetParameterSubVec(dini, expected, p->ia, &part));
    PetscCall(VecSet(part, abar));
    PetscCall(DiniRestoreParameterSubVec(dini, expected, p->ia, &part));
  }
  PetscCall(DiniTestVecsClose(mbar, expected, 1e-9, "mbar at a zero state"));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&dadu));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&expected));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Three columns at once, on the left or on the right, against one by one afterwards */
static PetscErrorCode CheckBlocks(Dini dini, PetscBool adjoint, Vec u)
{
  Vec      m, like, column, one;
  Mat      in, out;
  PetscInt n, N;

  PetscFunctionBeginUser;
  PetscCall(DiniCreateParameterVec(dini, &m));
  like = adjoint ? u : m;
  PetscCall(VecGetLocalSize(like, &n));
  PetscCall(VecGetSize(like, &N));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, n, PETSC_DECIDE, N, 3, NULL, &in));
  PetscCall(VecGetLocalSize(adjoint ? m : u, &n));
  PetscCall(VecGetSize(adjoint ? m : u, &N));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, n, PETSC_DECIDE, N, 3, NULL, &out));
  for (PetscInt j = 0; j < 3; j++) {
    PetscCall(MatDenseGetColumnVecWrite(in, j, &column));
    PetscCall(DiniTestFill(column, 7 + j));
    PetscCall(MatDenseRestoreColumnVecWrite(in, j, &column));
  }
  if (adjoint) PetscCall(DiniMatVJP(dini, in, out));
  else PetscCall(DiniMatJVP(dini, in, out));
  for (PetscInt j = 0; j < 3; j++) {
    PetscCall(VecDuplicate(adjoint ? m : u, &one));
    PetscCall(MatDenseGetColumnVecRead(in, j, &column));
    if (adjoint) PetscCall(DiniVJP(dini, column, one));
    else PetscCall(DiniJVP(dini, column, one));
    PetscCall(MatDenseRestoreColumnVecRead(in, j, &column));
    PetscCall(MatDenseGetColumnVecRead(out, j, &column));
    PetscCall(DiniTestVecsClose(column, one, 1e-8, "a block's column and the same alone"));
    PetscCall(MatDenseRestoreColumnVecRead(out, j, &column));
    PetscCall(VecDestroy(&one));
  }
  PetscCall(MatDestroy(&in));
  PetscCall(MatDestroy(&out));
  PetscCall(VecDestroy(&m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Test(FirstCall first)
{
  Problem p = {.a = 0.0, .b = 2.0, .c = 0.5};
  Mat     J;
  Vec     u, r;
  SNES    snes;
  Dini    dini;

  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, 5, 5, 1, NULL, 0, NULL, &J));
  PetscCall(MatCreateVecs(J, &u, &r));
  PetscCall(VecSet(u, 0.0));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &snes));
  PetscCall(SNESSetFunction(snes, r, Residual, &p));
  PetscCall(SNESSetJacobian(snes, J, J, Jacobian, &p));
  PetscCall(SNESSetTolerances(snes, 1e-12, 1e-12, PETSC_DEFAULT, 30, PETSC_DEFAULT));
  PetscCall(SNESSetFromOptions(snes));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetSNES(dini, snes));
  PetscCall(DiniAddScalarParameter(dini, "a", &p.a, &p.ia));
  PetscCall(DiniAddScalarParameter(dini, "b", &p.b, &p.ib));
  PetscCall(DiniAddScalarParameter(dini, "c", &p.c, &p.ic));
  PetscCall(DiniSetFromOptions(dini));
  PetscCall(DiniSolve(dini, u));
  if (first == TANGENT_A) PetscCall(CheckTangent(dini, &p, 1.0, 0.0, 0.0, u));
  if (first == TANGENT_B) PetscCall(CheckTangent(dini, &p, 0.0, 1.0, 0.0, u));
  if (first == TANGENT_ALL) PetscCall(CheckTangent(dini, &p, 1.0, -2.0, 3.0, u));
  if (first == ADJOINT) PetscCall(CheckAdjoint(dini, &p, u));
  if (first == COLUMNS) PetscCall(CheckBlocks(dini, PETSC_FALSE, u));
  if (first == ROWS) PetscCall(CheckBlocks(dini, PETSC_TRUE, u));
  PetscCall(CheckTangent(dini, &p, 1.0, -2.0, 3.0, u));
  PetscCall(CheckAdjoint(dini, &p, u));
  PetscCall(DiniDestroy(&dini));
  PetscCall(SNESDestroy(&snes));
  PetscCall(MatDestroy(&J));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (int first = 0; first < FIRST_CALLS; first++) PetscCall(Test((FirstCall)first));
  PetscCall(PetscFinalize());
  return 0;
}
