#include "fixtures.h"

/* Row i of A(u), or of dF/du = A + 2 diag(u^2): entries i - 1, i, i + 1 */
static void ChainRow(const Chain *c, PetscScalar u, PetscBool exact, PetscScalar row[3])
{
  row[0] = -c->west;
  row[1] = 0.5 + (exact ? 0.375 : 0.125) * u * u;
  row[2] = -c->east;
}

static PetscErrorCode ChainFill(Chain *c, Vec u, PetscBool exact, PetscBool diagonal, Mat A)
{
  const PetscScalar *ua;
  PetscInt           lo, hi;

  PetscFunctionBeginUser;
  PetscCall(VecGetOwnershipRange(u, &lo, &hi));
  PetscCall(VecGetArrayRead(u, &ua));
  for (PetscInt i = lo; i < hi; i++) {
    PetscScalar    row[3];
    const PetscInt cols[3] = {diagonal || i == 0 ? -1 : i - 1, i, diagonal || i == c->N - 1 ? -1 : i + 1};

    ChainRow(c, ua[i - lo], exact, row);
    PetscCall(MatSetValues(A, 1, &i, 3, cols, row, INSERT_VALUES));
  }
  PetscCall(VecRestoreArrayRead(u, &ua));
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ChainJacobian(Chain *c, Vec u, Mat J)
{
  PetscFunctionBeginUser;
  PetscCall(ChainFill(c, u, PETSC_TRUE, PETSC_FALSE, J));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F = A(u) u - m with a matrix of its own */
static PetscErrorCode Function(SNES snes, Vec u, Vec F, void *ctx)
{
  Chain *c = (Chain *)ctx;

  PetscFunctionBeginUser;
  (void)snes;
  c->residuals++;
  PetscCall(ChainFill(c, u, PETSC_FALSE, PETSC_FALSE, c->A));
  PetscCall(MatMult(c->A, u, F));
  PetscCall(VecAXPY(F, -1.0, c->m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode JacobianOf(Chain *c, Vec u, PetscBool exact, PetscBool diagonal, Mat J, Mat P)
{
  PetscFunctionBeginUser;
  c->jacobians++;
  PetscCall(ChainFill(c, u, exact, diagonal, P));
  if (J != P) {
    PetscCall(MatAssemblyBegin(J, MAT_FINAL_ASSEMBLY));
    PetscCall(MatAssemblyEnd(J, MAT_FINAL_ASSEMBLY));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Exact(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(JacobianOf((Chain *)ctx, u, PETSC_TRUE, PETSC_FALSE, J, P));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Frozen(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(JacobianOf((Chain *)ctx, u, PETSC_FALSE, PETSC_FALSE, J, P));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Diagonal(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(JacobianOf((Chain *)ctx, u, PETSC_TRUE, PETSC_TRUE, J, P));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Right(SNES snes, Vec u, Vec b, void *ctx)
{
  PetscFunctionBeginUser;
  (void)snes;
  (void)u;
  PetscCall(VecCopy(((Chain *)ctx)->m, b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The parameter on every rank, since subdomains and coarse levels read entries of others */
static PetscErrorCode Update(Dini dini, Vec m, void *ctx)
{
  Chain     *c = (Chain *)ctx;
  VecScatter scatter;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecDestroy(&c->all));
  PetscCall(VecScatterCreateToAll(m, &scatter, &c->all));
  PetscCall(VecScatterBegin(scatter, m, c->all, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(scatter, m, c->all, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterDestroy(&scatter));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Also on subdomains, whose ghosts hold what their neighbours have, and on coarse levels */
static PetscErrorCode LocalF(DMDALocalInfo *info, void *ul, void *Fl, void *ctx)
{
  Chain             *c = (Chain *)ctx;
  const PetscScalar *u = (const PetscScalar *)ul, *m;
  PetscScalar       *F = (PetscScalar *)Fl;

  PetscFunctionBeginUser;
  c->residuals++;
  PetscCall(VecGetArrayRead(c->all, &m));
  for (PetscInt i = info->xs; i < info->xs + info->xm; i++) {
    PetscScalar row[3];

    ChainRow(c, u[i], PETSC_FALSE, row);
    F[i] = row[1] * u[i] - m[info->mx > 1 ? i * (c->N - 1) / (info->mx - 1) : 0];
    if (i > 0) F[i] += row[0] * u[i - 1];
    if (i < info->mx - 1) F[i] += row[2] * u[i + 1];
  }
  PetscCall(VecRestoreArrayRead(c->all, &m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode LocalJ(DMDALocalInfo *info, void *ul, Mat J, Mat P, void *ctx)
{
  Chain             *c = (Chain *)ctx;
  const PetscScalar *u = (const PetscScalar *)ul;

  PetscFunctionBeginUser;
  c->jacobians++;
  for (PetscInt i = info->xs; i < info->xs + info->xm; i++) {
    PetscScalar row[3];
    MatStencil  at = {0}, cols[3] = {{0}};

    ChainRow(c, u[i], PETSC_TRUE, row);
    at.i = i;
    for (int k = 0; k < 3; k++) cols[k].i = i + k - 1 < info->mx ? i + k - 1 : -1;
    PetscCall(MatSetValuesStencil(P, 1, &at, 3, cols, row, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(P, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(P, MAT_FINAL_ASSEMBLY));
  if (J != P) {
    PetscCall(MatAssemblyBegin(J, MAT_FINAL_ASSEMBLY));
    PetscCall(MatAssemblyEnd(J, MAT_FINAL_ASSEMBLY));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same for DMSNESSetFunctionLocal(), which hands over local vectors */
static PetscErrorCode LocalVecs(DM dm, Vec ul, Vec Fl, void *ctx)
{
  DMDALocalInfo info;
  PetscScalar  *u, *F;

  PetscFunctionBeginUser;
  PetscCall(DMDAGetLocalInfo(dm, &info));
  PetscCall(DMDAVecGetArrayRead(dm, ul, &u));
  PetscCall(DMDAVecGetArray(dm, Fl, &F));
  PetscCall(LocalF(&info, u, F, ctx));
  PetscCall(DMDAVecRestoreArray(dm, Fl, &F));
  PetscCall(DMDAVecRestoreArrayRead(dm, ul, &u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ChainMesh(Chain *c, ChainGives gives)
{
  PetscFunctionBeginUser;
  PetscCall(DMDACreate1d(PETSC_COMM_WORLD, DM_BOUNDARY_NONE, c->N, 1, 1, NULL, &c->dm));
  PetscCall(DMSetUp(c->dm));
  PetscCall(SNESSetDM(c->snes, c->dm));
  if (gives == CHAIN_LOCAL || gives == CHAIN_LOCAL_F)
    PetscCall(DMDASNESSetFunctionLocal(c->dm, INSERT_VALUES, LocalF, c));
  if (gives == CHAIN_LOCAL) PetscCall(DMDASNESSetJacobianLocal(c->dm, LocalJ, c));
  if (gives == CHAIN_LOCAL_VECS) PetscCall(DMSNESSetFunctionLocal(c->dm, LocalVecs, c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ChainCreate(PetscInt N, ChainGives gives, Chain *c)
{
  PetscBool mesh = (PetscBool)(gives == CHAIN_LOCAL || gives == CHAIN_LOCAL_F || gives == CHAIN_LOCAL_VECS);
  Mat       diagonal;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(c, sizeof(*c)));
  c->N    = N;
  c->west = DiniTestScalar(0.11, 0.02);
  c->east = DiniTestScalar(0.09, -0.02);
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &c->snes));
  if (mesh) {
    PetscCall(ChainMesh(c, gives));
    PetscCall(DMCreateMatrix(c->dm, &c->A));
  } else PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, 3, NULL, 2, NULL, &c->A));
  PetscCall(mesh ? DMCreateGlobalVector(c->dm, &c->u) : MatCreateVecs(c->A, &c->u, NULL));
  PetscCall(VecDuplicate(c->u, &c->m));
  PetscCall(DiniTestFill(c->m, 4));
  PetscCall(VecShift(c->m, 3.0));
  PetscCall(VecScale(c->m, 0.125));
  PetscCall(ChainFill(c, c->u, PETSC_FALSE, PETSC_FALSE, c->A));
  PetscCall(MatDuplicate(c->A, MAT_COPY_VALUES, &c->J));
  PetscCall(MatDuplicate(c->A, MAT_DO_NOT_COPY_VALUES, &c->Jown));
  if (!mesh && gives != CHAIN_PICARD) PetscCall(SNESSetFunction(c->snes, NULL, Function, c));
  if (gives == CHAIN_CALLBACK) PetscCall(SNESSetJacobian(c->snes, c->J, c->J, Exact, c));
  if (gives == CHAIN_FROZEN) PetscCall(SNESSetJacobian(c->snes, c->J, c->J, Frozen, c));
  if (gives == CHAIN_PICARD) PetscCall(SNESSetPicard(c->snes, NULL, Right, c->J, c->J, Frozen, c));
  if (gives == CHAIN_DIAGONAL) {
    PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, 1, NULL, 0, NULL, &diagonal));
    PetscCall(SNESSetJacobian(c->snes, diagonal, diagonal, Diagonal, c));
    PetscCall(MatDestroy(&diagonal));
  }
  PetscCall(SNESSetTolerances(c->snes, 1e-12, 1e-12, 0.0, 2000, 100000));
  PetscCall(SNESSetFromOptions(c->snes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ChainDini(Chain *c)
{
  PetscFunctionBeginUser;
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &c->dini));
  PetscCall(DiniSetSNES(c->dini, c->snes));
  PetscCall(DiniAddParameter(c->dini, "m", c->m, NULL));
  PetscCall(DiniSetParameterType(c->dini, 0, DINIPARAMETERRHS));
  PetscCall(DiniSetParameterUpdate(c->dini, 0, Update, c));
  PetscCall(DiniSetFromOptions(c->dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F_m = -I: JVP = J^{-1} x and VJP = J^{-H} x, with a J of the test's own */
PetscErrorCode ChainReference(Chain *c, PetscBool adjoint, Vec x, Vec y)
{
  PetscFunctionBeginUser;
  PetscCall(ChainJacobian(c, c->u, c->Jown));
  PetscCall(DiniTestDirectSolve(c->Jown, adjoint, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ChainDestroy(Chain *c)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&c->dini));
  PetscCall(SNESDestroy(&c->snes));
  PetscCall(DMDestroy(&c->dm));
  PetscCall(MatDestroy(&c->A));
  PetscCall(MatDestroy(&c->J));
  PetscCall(MatDestroy(&c->Jown));
  PetscCall(VecDestroy(&c->u));
  PetscCall(VecDestroy(&c->m));
  PetscCall(VecDestroy(&c->all));
  PetscFunctionReturn(PETSC_SUCCESS);
}
