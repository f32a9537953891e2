static char help[] =
    "SOR whose matrix has a zero on the diagonal, or no diagonal that anybody knows of, and multigrid that an error has left half-way:\n\
derivatives are right or refused by a sentence, and all of it can be destroyed.\n";

#include "support/dinitest.h"

#define CELLS 4 /* on each rank */

/* A u = m in cells of two, A = (0 2; 3 1) in each */
typedef enum {
  ENTRIES,
  ROWS,
  BLOCKS,
  SHELL
} Kind; /* by entries: rows of one pattern taken together, or each by itself */

typedef struct {
  Kind     kind;
  PetscInt left; /* products until one fails */
  PetscInt sweeps;
  Mat      A;
  Vec      u, m;
  SNES     snes;
  Dini     dini;
} Cells;

static void Multiply(PetscBool transpose, const PetscScalar x[], PetscScalar y[])
{
  y[0] = transpose ? 3.0 * x[1] : 2.0 * x[1];
  y[1] = transpose ? 2.0 * x[0] + x[1] : 3.0 * x[0] + x[1];
}

static void Divide(PetscBool transpose, const PetscScalar b[], PetscScalar x[])
{
  if (transpose) {
    x[1] = b[0] / 3.0;
    x[0] = 0.5 * (b[1] - x[1]);
  } else {
    x[1] = 0.5 * b[0];
    x[0] = (b[1] - x[1]) / 3.0;
  }
}

static PetscErrorCode Each(void (*f)(PetscBool, const PetscScalar[], PetscScalar[]), PetscBool transpose, Vec x, Vec y)
{
  const PetscScalar *a;
  PetscScalar       *b;

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(x, &a));
  PetscCall(VecGetArrayWrite(y, &b));
  for (PetscInt i = 0; i < 2 * CELLS; i += 2) f(transpose, a + i, b + i);
  PetscCall(VecRestoreArrayWrite(y, &b));
  PetscCall(VecRestoreArrayRead(x, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ShellMult(Mat A, Vec x, Vec y)
{
  Cells *c;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(A, &c));
  if (!c->left--) SETERRQ(PETSC_COMM_WORLD, PETSC_ERR_USER, "The product of the application has failed");
  PetscCall(Each(Multiply, PETSC_FALSE, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ShellMultTranspose(Mat A, Vec x, Vec y)
{
  Cells *c;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(A, &c));
  if (!c->left--) SETERRQ(PETSC_COMM_WORLD, PETSC_ERR_USER, "The product of the application has failed");
  PetscCall(Each(Multiply, PETSC_TRUE, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ShellSOR(Mat A, Vec b, PetscReal omega, MatSORType flag, PetscReal shift, PetscInt its,
                               PetscInt lits, Vec x)
{
  Cells *c;

  PetscFunctionBeginUser;
  (void)omega, (void)flag, (void)shift, (void)its, (void)lits;
  PetscCall(MatShellGetContext(A, &c));
  c->sweeps++;
  PetscCall(Each(Divide, PETSC_FALSE, b, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(Each(Multiply, PETSC_FALSE, u, F));
  PetscCall(VecAXPY(F, -1.0, ((Cells *)ctx)->m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  PetscInt lo, hi;

  PetscFunctionBeginUser;
  (void)snes, (void)P;
  if (((Cells *)ctx)->kind == SHELL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecGetOwnershipRange(u, &lo, &hi));
  for (PetscInt i = lo; i < hi; i += 2) {
    const PetscInt    cell[2] = {i, i + 1};
    const PetscScalar a[4]    = {0.0, 2.0, 3.0, 1.0};

    PetscCall(MatSetValues(J, 2, cell, 2, cell, a, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(J, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(Kind kind, const char options[], Cells *c)
{
  const PetscInt n    = 2 * CELLS;
  MPI_Comm       comm = PETSC_COMM_WORLD;

  PetscFunctionBeginUser;
  c->kind   = kind;
  c->left   = -1;
  c->sweeps = 0;
  PetscCall(VecCreateMPI(comm, n, PETSC_DETERMINE, &c->u));
  PetscCall(VecDuplicate(c->u, &c->m));
  if (kind == SHELL) {
    PetscCall(MatCreateShell(comm, n, n, PETSC_DETERMINE, PETSC_DETERMINE, c, &c->A));
    PetscCall(MatShellSetOperation(c->A, MATOP_MULT, (void (*)(void))ShellMult));
    PetscCall(MatShellSetOperation(c->A, MATOP_MULT_TRANSPOSE, (void (*)(void))ShellMultTranspose));
    PetscCall(MatShellSetOperation(c->A, MATOP_SOR, (void (*)(void))ShellSOR));
  } else if (kind == BLOCKS)
    PetscCall(MatCreateBAIJ(comm, 2, n, n, PETSC_DETERMINE, PETSC_DETERMINE, 1, NULL, 0, NULL, &c->A));
  else PetscCall(MatCreateAIJ(comm, n, n, PETSC_DETERMINE, PETSC_DETERMINE, 2, NULL, 0, NULL, &c->A));
  if (kind == ROWS) PetscCall(MatSetOption(c->A, MAT_USE_INODES, PETSC_FALSE));
  PetscCall(SNESCreate(comm, &c->snes));
  PetscCall(SNESSetFunction(c->snes, NULL, Residual, c));
  PetscCall(SNESSetJacobian(c->snes, c->A, c->A, Jacobian, c));
  PetscCall(PetscOptionsInsertString(NULL, options));
  PetscCall(SNESSetFromOptions(c->snes));
  PetscCall(DiniCreate(comm, &c->dini));
  PetscCall(DiniSetSNES(c->dini, c->snes));
  PetscCall(DiniAddParameter(c->dini, "m", c->m, NULL));
  PetscCall(DiniSetFromOptions(c->dini));
  PetscCall(PetscOptionsClear(NULL));
  PetscCall(VecSet(c->m, 6.0));
  PetscCall(Each(Divide, PETSC_FALSE, c->m, c->u));
  PetscCall(DiniAttach(c->dini, c->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Cells *c)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&c->dini));
  PetscCall(SNESDestroy(&c->snes));
  PetscCall(MatDestroy(&c->A));
  PetscCall(VecDestroy(&c->u));
  PetscCall(VecDestroy(&c->m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* du/dm is the inverse of A: right */
static PetscErrorCode Compare(Cells *c, const char what[])
{
  Vec w, mbar, right;

  PetscFunctionBeginUser;
  PetscCall(DiniTestVec(c->u, 5, &w));
  PetscCall(VecDuplicate(w, &mbar));
  PetscCall(VecDuplicate(w, &right));
  PetscCall(Each(Divide, PETSC_TRUE, w, right));
  PetscCall(DiniVJP(c->dini, w, mbar));
  PetscCall(DiniTestVecsClose(mbar, right, 1e-8, what));
  PetscCall(Each(Divide, PETSC_FALSE, w, right));
  PetscCall(DiniJVP(c->dini, w, mbar));
  PetscCall(DiniTestVecsClose(mbar, right, 1e-8, what));
  PetscCall(VecDestroy(&w));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&right));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where it can divide it stays in use; where it can not it gives way */
static PetscErrorCode TestSOR(Kind kind, const char type[], const char what[])
{
  Cells          c;
  DiniStatistics s;
  char           options[128];

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(options, sizeof(options), "-ksp_type gmres -pc_type %s", type));
  PetscCall(Create(kind, options, &c));
  PetscCall(Compare(&c, what));
  PetscCall(DiniGetStatistics(c.dini, &s));
  if (kind == ROWS) DiniTestCount(s.rungs[DINI_RUNG_KEPT], 0, what);
  else DiniTestTrue(s.rungs[DINI_RUNG_KEPT] > 0, "%s: no tangent solve has used it", what);
  if (kind == SHELL) DiniTestTrue(c.sweeps > 0, "%s: the application's own sweep has not been asked", what);
  PetscCall(Destroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A smoother's product fails in the middle of a cycle: the error is the application's, and nothing is destroyed twice */
static PetscErrorCode TestHalfway(PetscInt products)
{
  Cells          c;
  Vec            w, mbar;
  PetscBool      failed;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  PetscCall(Create(SHELL,
                   "-ksp_type fgmres -pc_type mg -pc_mg_levels 1 -mg_levels_0_ksp_type gmres -mg_coarse_ksp_type gmres "
                   "-mg_coarse_pc_type none",
                   &c));
  PetscCall(Compare(&c, "multigrid of one level"));
  PetscCall(DiniTestVec(c.u, 7, &w));
  PetscCall(VecDuplicate(w, &mbar));
  c.left = products;
  PetscCall(DiniTestCatch());
  ierr = DiniJVP(c.dini, w, mbar);
  PetscCall(DiniTestRelease());
  failed = (PetscBool)(c.left < 0);
  DiniTestTrue(!ierr == !failed, "after %" PetscInt_FMT " products: error %d", products, (int)ierr);
  DiniTestTrue(failed || products > 1, "no product has failed");
  PetscCall(VecDestroy(&w));
  PetscCall(VecDestroy(&mbar));
  PetscCall(Destroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same in the forward solve, which serves on, or raises an error again */
static PetscErrorCode TestForward(PetscInt products)
{
  Cells          c;
  PetscBool      failed;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  PetscCall(Create(SHELL,
                   "-ksp_type fgmres -pc_type mg -pc_mg_levels 1 -mg_levels_0_ksp_type gmres -mg_coarse_ksp_type gmres "
                   "-mg_coarse_pc_type none -ksp_rtol 1e-12",
                   &c));
  PetscCall(VecSet(c.u, 0.0));
  c.left = products;
  PetscCall(DiniTestCatch());
  ierr = DiniSolve(c.dini, c.u);
  PetscCall(DiniTestRelease());
  failed = (PetscBool)(c.left < 0);
  DiniTestTrue(!ierr == !failed, "forward, after %" PetscInt_FMT " products: error %d", products, (int)ierr);
  DiniTestTrue(failed || products > 1, "no product of the forward solve has failed");
  if (products % 2) {
    c.left = -1;
    PetscCall(VecSet(c.u, 0.0));
    PetscCall(DiniTestCatch());
    ierr = DiniSolve(c.dini, c.u);
    PetscCall(DiniTestRelease());
    if (!ierr) PetscCall(Compare(&c, "after a forward solve that has failed"));
    else
      DiniTestTrue(failed, "a second forward solve: error %d",
                   (int)ierr); /* newer PETSc leaves its work vectors locked */
  }
  PetscCall(Destroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscMPIInt size;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(TestSOR(ENTRIES, PCSOR, "entries, sor"));
  PetscCall(TestSOR(ROWS, PCSOR, "rows, sor"));
  PetscCall(TestSOR(ENTRIES, PCEISENSTAT, "entries, eisenstat"));
  PetscCall(TestSOR(ROWS, PCEISENSTAT, "rows, eisenstat"));
  if (size == 1) PetscCall(TestSOR(BLOCKS, PCSOR, "blocks, sor")); /* PETSc has it for one rank */
  PetscCall(TestSOR(SHELL, PCSOR, "a shell with sweeps of its own"));
  for (PetscInt k = 0; k < 6; k++) PetscCall(TestHalfway(k));
  for (PetscInt k = 0; k < 6; k++) PetscCall(TestForward(k));
  PetscCall(PetscFinalize());
  return 0;
}
