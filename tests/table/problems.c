/* The table's problems: what they are made of, their solver, and the reference gradient. */
#include "table.h"

#define PECLET 30.0

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  TableProblem *t = (TableProblem *)ctx;
  Vec           cube;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(VecDuplicate(u, &cube));
  PetscCall(VecPointwiseMult(cube, u, u));
  PetscCall(VecPointwiseMult(cube, cube, u));
  PetscCall(MatMult(t->L, u, F));
  PetscCall(VecAXPY(F, t->cubic, cube));
  PetscCall(VecAXPY(F, -1.0, t->b));
  PetscCall(VecDestroy(&cube));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* On the grid that the solver asks for: geometric multigrid comes here with coarse ones. */
static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  TableProblem *t = (TableProblem *)ctx;
  DM            dm;
  DMDALocalInfo info;
  Vec           d;
  PetscInt      N;
  PetscReal     coarse;

  PetscFunctionBeginUser;
  (void)J;
  PetscCall(SNESGetDM(snes, &dm));
  PetscCall(DMDAGetLocalInfo(dm, &info));
  PetscCall(TableGridAssemble(dm, PECLET, PETSC_FALSE, P));
  PetscCall(VecGetSize(t->b, &N));
  coarse = (PetscSqrtReal((PetscReal)N) - 1.0) / (PetscReal)(info.mx - 1); /* the cubic carries h^2 */
  PetscCall(VecDuplicate(u, &d));
  PetscCall(VecPointwiseMult(d, u, u));
  PetscCall(VecScale(d, 3.0 * coarse * coarse * t->cubic));
  PetscCall(MatDiagonalSet(P, d, ADD_VALUES));
  PetscCall(VecDestroy(&d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GridCreate(TableProblem *t, PetscReal peclet, PetscBool couple)
{
  DM dm;

  PetscFunctionBeginUser;
  PetscCall(DMDACreate2d(t->comm, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DMDA_STENCIL_STAR, 21, 21, PETSC_DECIDE,
                         PETSC_DECIDE, 1, 1, NULL, NULL, &dm));
  PetscCall(DMSetUp(dm));
  PetscCall(DMCreateMatrix(dm, &t->A));
  PetscCall(TableGridAssemble(dm, peclet, couple, t->A));
  t->dm = dm;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* b is zero on the boundary, so that a symmetric Krylov method can stay among the vectors that are */
static PetscErrorCode ZeroBoundary(DM dm, Vec b)
{
  DMDALocalInfo info;
  PetscScalar **a;

  PetscFunctionBeginUser;
  PetscCall(DMDAGetLocalInfo(dm, &info));
  PetscCall(DMDAVecGetArray(dm, b, &a));
  for (PetscInt j = info.ys; j < info.ys + info.ym; j++)
    for (PetscInt i = info.xs; i < info.xs + info.xm; i++)
      if (i == 0 || j == 0 || i == info.mx - 1 || j == info.my - 1) a[j][i] = 0.0;
  PetscCall(DMDAVecRestoreArray(dm, b, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TableProblemCreate(MPI_Comm comm, const char name[], TableProblem *t)
{
  const char *const names[] = {"convection", "saddle", "boundary", "elasticity", "spd"};
  PetscInt          which;
  PetscBool         found;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(t, sizeof(*t)));
  PetscCall(PetscEListFind(5, names, name, &which, &found));
  PetscCheck(found, comm, PETSC_ERR_ARG_UNKNOWN_TYPE, "No problem of the name %s", name);
  t->comm    = comm;
  t->ksptype = which < 2 ? KSPGMRES : KSPCG;
  if (which == 0) PetscCall(GridCreate(t, PECLET, PETSC_FALSE));
  else if (which == 1) PetscCall(TableSaddleCreate(comm, 12, &t->A, t->field));
  else if (which == 2) PetscCall(GridCreate(t, 0.0, PETSC_TRUE));
  else PetscCall(TableElasticityCreate(comm, 14, &t->A));
  PetscCall(MatCreateVecs(t->A, &t->u, &t->b));
  PetscCall(DiniTestFill(t->b, 1));
  PetscCall(DiniTestVec(t->u, 2, &t->ubar));
  if (which == 0) {
    t->cubic = DiniTestScalar(0.05, 0.02);
    PetscCall(MatDuplicate(t->A, MAT_COPY_VALUES, &t->L));
  } else if (which == 2) {
    PetscCall(ZeroBoundary(t->dm, t->b));
    PetscCall(DMDestroy(&t->dm)); /* its rows are no grid operator that could be coarsened */
  } else if (which == 4) {
    PetscCall(MatSetOption(t->A, MAT_HERMITIAN, PETSC_TRUE));
    if (!PetscDefined(USE_COMPLEX)) PetscCall(MatSetOption(t->A, MAT_SPD, PETSC_TRUE));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TableProblemSetSolver(TableProblem *t)
{
  PC pc;

  PetscFunctionBeginUser;
  if (t->cubic != (PetscScalar)0.0) {
    PetscCall(SNESCreate(t->comm, &t->snes));
    PetscCall(SNESSetDM(t->snes, t->dm));
    PetscCall(SNESSetFunction(t->snes, NULL, Residual, t));
    PetscCall(SNESSetJacobian(t->snes, t->A, t->A, Jacobian, t));
    PetscCall(SNESSetTolerances(t->snes, 1e-14, 1e-11, 0.0, 20, 1000));
    PetscCall(SNESGetKSP(t->snes, &t->ksp));
    PetscCall(PetscObjectReference((PetscObject)t->ksp));
  } else {
    PetscCall(KSPCreate(t->comm, &t->ksp));
    PetscCall(KSPSetOperators(t->ksp, t->A, t->A));
  }
  PetscCall(KSPSetType(t->ksp, t->ksptype));
  PetscCall(KSPSetTolerances(t->ksp, 1e-10, 1e-50, PETSC_DEFAULT, 600));
  if (t->snes) PetscCall(SNESSetFromOptions(t->snes));
  else PetscCall(KSPSetFromOptions(t->ksp));
  PetscCall(KSPGMRESSetRestart(t->ksp, 100));
  if (t->field[0]) {
    PetscCall(KSPGetPC(t->ksp, &pc));
    PetscCall(PCFieldSplitSetIS(pc, "u", t->field[0]));
    PetscCall(PCFieldSplitSetIS(pc, "p", t->field[1]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TableProblemSetDini(TableProblem *t)
{
  PetscFunctionBeginUser;
  PetscCall(DiniCreate(t->comm, &t->dini));
  if (t->snes) PetscCall(DiniSetSNES(t->dini, t->snes));
  else {
    PetscCall(DiniSetKSP(t->dini, t->ksp));
    PetscCall(DiniSetLinearSystem(t->dini, t->b, NULL, NULL));
  }
  PetscCall(DiniAddParameter(t->dini, "b", t->b, NULL));
  PetscCall(DiniSetParameterType(t->dini, 0, DINIPARAMETERRHS));
  PetscCall(DiniSetFromOptions(t->dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TableProblemDestroy(TableProblem *t)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&t->dini));
  PetscCall(KSPDestroy(&t->ksp));
  PetscCall(SNESDestroy(&t->snes));
  PetscCall(MatDestroy(&t->A));
  PetscCall(MatDestroy(&t->L));
  PetscCall(VecDestroy(&t->u));
  PetscCall(VecDestroy(&t->b));
  PetscCall(VecDestroy(&t->ubar));
  PetscCall(ISDestroy(&t->field[0]));
  PetscCall(ISDestroy(&t->field[1]));
  PetscCall(DMDestroy(&t->dm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* C x = r by Lapack's pivoted LU of the whole of C on every rank */
static PetscErrorCode DenseSolve(Mat C, Vec r, Vec x)
{
  Mat               *all, F;
  IS                 is;
  VecScatter         scatter;
  Vec                rs, xs;
  const PetscScalar *from;
  PetscScalar       *to;
  PetscInt           N, lo, hi;

  PetscFunctionBeginUser;
  PetscCall(MatGetSize(C, &N, NULL));
  PetscCall(ISCreateStride(PETSC_COMM_SELF, N, 0, 1, &is));
  PetscCall(MatCreateSubMatrices(C, 1, &is, &is, MAT_INITIAL_MATRIX, &all));
  PetscCall(MatConvert(all[0], MATSEQDENSE, MAT_INITIAL_MATRIX, &F));
  PetscCall(MatLUFactor(F, NULL, NULL, NULL));
  PetscCall(VecScatterCreateToAll(r, &scatter, &rs));
  PetscCall(VecScatterBegin(scatter, r, rs, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(scatter, r, rs, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecDuplicate(rs, &xs));
  PetscCall(MatSolve(F, rs, xs));
  PetscCall(VecGetOwnershipRange(x, &lo, &hi));
  PetscCall(VecGetArrayRead(xs, &from));
  PetscCall(VecGetArray(x, &to));
  PetscCall(PetscArraycpy(to, from + lo, hi - lo));
  PetscCall(VecRestoreArray(x, &to));
  PetscCall(VecRestoreArrayRead(xs, &from));
  PetscCall(VecDestroy(&xs));
  PetscCall(VecDestroy(&rs));
  PetscCall(VecScatterDestroy(&scatter));
  PetscCall(MatDestroy(&F));
  PetscCall(MatDestroySubMatrices(1, &all));
  PetscCall(ISDestroy(&is));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J at u of the test's own: L + 3 c diag(u^2) */
static PetscErrorCode ReferenceJacobian(TableProblem *t, Vec u, Mat *J)
{
  Vec d;

  PetscFunctionBeginUser;
  PetscCall(MatDuplicate(t->L ? t->L : t->A, MAT_COPY_VALUES, J));
  if (!t->L) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecDuplicate(u, &d));
  PetscCall(VecPointwiseMult(d, u, u));
  PetscCall(VecScale(d, 3.0 * t->cubic));
  PetscCall(MatDiagonalSet(*J, d, ADD_VALUES));
  PetscCall(VecDestroy(&d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TableReference(TableProblem *t, Vec lambda)
{
  Mat       J, JH;
  Vec       F, du;
  PetscReal norm = 1.0, bnorm;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(t->u, &F));
  PetscCall(VecDuplicate(t->u, &du));
  PetscCall(VecSet(t->u, 0.0));
  PetscCall(VecNorm(t->b, NORM_2, &bnorm));
  for (int k = 0; t->L && k < 20 && norm > 1e-14 * bnorm; k++) {
    PetscCall(Residual(NULL, t->u, F, t));
    PetscCall(VecNorm(F, NORM_2, &norm));
    PetscCall(ReferenceJacobian(t, t->u, &J));
    PetscCall(DenseSolve(J, F, du));
    PetscCall(VecAXPY(t->u, -1.0, du));
    PetscCall(MatDestroy(&J));
  }
  DiniTestTrue(!t->L || norm <= 1e-12 * bnorm, "The reference solution is off by %g", (double)norm);
  PetscCall(ReferenceJacobian(t, t->u, &J));
  PetscCall(MatHermitianTranspose(J, MAT_INITIAL_MATRIX, &JH));
  PetscCall(DenseSolve(JH, t->ubar, lambda));
  PetscCall(MatMult(JH, lambda, F));
  PetscCall(VecAXPY(F, -1.0, t->ubar));
  PetscCall(VecNorm(F, NORM_2, &norm));
  PetscCall(VecNorm(t->ubar, NORM_2, &bnorm));
  DiniTestTrue(norm <= 1e-12 * bnorm, "The reference gradient is off by %g", (double)(norm / bnorm));
  PetscCall(MatDestroy(&J));
  PetscCall(MatDestroy(&JH));
  PetscCall(VecDestroy(&F));
  PetscCall(VecDestroy(&du));
  PetscFunctionReturn(PETSC_SUCCESS);
}
