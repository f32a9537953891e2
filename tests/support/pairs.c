#include "pairs.h"

static void Values(const Pairs *p, const PetscScalar *u, const PetscScalar *m, PetscInt i, PetscScalar z[4])
{
  for (PetscInt f = 0; f < 2; f++) {
    z[f]     = u[PairsAt(p, i, f)];
    z[2 + f] = m[PairsAt(p, i, f)];
  }
}

static void PairF(const Pairs *p, const PetscScalar z[4], PetscScalar F[2])
{
  const PetscScalar x = z[0], y = z[1], a = z[2], b = z[3];

  F[0] = 3.0 * x + 0.01 * y * y + 0.01 * PetscExpScalar(-y) - a / p->T - 0.02 * b * y;
  F[1] = 3.0 * y + 0.1 * y * y + 0.1 * PetscSinScalar(y) + 0.5 * p->T * x - b - 0.1 * a * y;
}

/* J and F_m, row by row */
static void PairJ(const Pairs *p, const PetscScalar z[4], PetscScalar J[4], PetscScalar Fm[4])
{
  const PetscScalar y = z[1], a = z[2], b = z[3];

  J[0]  = 3.0;
  J[1]  = 0.02 * y - 0.01 * PetscExpScalar(-y) - 0.02 * b;
  J[2]  = 0.5 * p->T;
  J[3]  = 3.0 + 0.2 * y + 0.1 * PetscCosScalar(y) - 0.1 * a;
  Fm[0] = -1.0 / p->T;
  Fm[1] = -0.02 * y;
  Fm[2] = -0.1 * y;
  Fm[3] = -1.0;
}

static PetscErrorCode Residual(Dini dini, Vec u, Vec F, void *ctx)
{
  Pairs             *p = (Pairs *)ctx;
  const PetscScalar *ua, *ma;
  PetscScalar       *f, z[4], r[2];

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecGetArrayRead(u, &ua));
  PetscCall(VecGetArrayRead(p->m, &ma));
  PetscCall(VecGetArray(F, &f));
  for (PetscInt i = 0; i < p->n; i++) {
    Values(p, ua, ma, i, z);
    PairF(p, z, r);
    for (PetscInt k = 0; k < 2; k++) f[PairsAt(p, i, k)] = r[k];
  }
  PetscCall(VecRestoreArray(F, &f));
  PetscCall(VecRestoreArrayRead(p->m, &ma));
  PetscCall(VecRestoreArrayRead(u, &ua));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SolverResidual(SNES snes, Vec u, Vec F, void *ctx)
{
  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(Residual(NULL, u, F, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Fill(Pairs *p, Vec u, PetscBool inm, Mat A)
{
  const PetscScalar *ua, *ma;
  PetscScalar        z[4], J[4], Fm[4];
  PetscInt           first, at[2];

  PetscFunctionBeginUser;
  PetscCall(MatGetOwnershipRange(A, &first, NULL));
  PetscCall(VecGetArrayRead(u, &ua));
  PetscCall(VecGetArrayRead(p->m, &ma));
  for (PetscInt i = 0; i < p->n; i++) {
    Values(p, ua, ma, i, z);
    PairJ(p, z, J, Fm);
    if (p->fault == PAIRS_J) J[1] = 0.0;
    if (p->fault == PAIRS_FM) Fm[1] = 0.0;
    for (PetscInt k = 0; k < 2; k++) at[k] = first + PairsAt(p, i, k);
    if (inm || p->fault != PAIRS_PATTERN) PetscCall(MatSetValues(A, 2, at, 2, at, inm ? Fm : J, INSERT_VALUES));
    else {
      PetscCall(MatSetValues(A, 1, at, 1, at, J, INSERT_VALUES));
      PetscCall(MatSetValues(A, 1, &at[1], 2, at, &J[2], INSERT_VALUES));
    }
  }
  PetscCall(VecRestoreArrayRead(p->m, &ma));
  PetscCall(VecRestoreArrayRead(u, &ua));
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(Dini dini, Vec u, Mat J, Mat P, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)J;
  PetscCall(Fill((Pairs *)ctx, u, PETSC_FALSE, P));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SolverJacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  PetscFunctionBeginUser;
  (void)snes, (void)J;
  PetscCall(Fill((Pairs *)ctx, u, PETSC_FALSE, P));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ParameterJacobian(Dini dini, Vec u, Vec m, Mat Fm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini, (void)m;
  PetscCall(Fill((Pairs *)ctx, u, PETSC_TRUE, Fm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = A^T x without A_xy */
static PetscErrorCode LeaveOut(Pairs *p, Vec x, PetscScalar y[])
{
  const PetscScalar *a;
  PetscScalar        value;
  PetscInt           first;

  PetscFunctionBeginUser;
  PetscCall(MatGetOwnershipRange(p->A, &first, NULL));
  PetscCall(VecGetArrayRead(x, &a));
  for (PetscInt i = 0; i < p->n; i++) {
    const PetscInt row = first + PairsAt(p, i, 0), col = first + PairsAt(p, i, 1);

    PetscCall(MatGetValues(p->A, 1, &row, 1, &col, &value));
    y[PairsAt(p, i, 1)] -= value * a[PairsAt(p, i, 0)];
  }
  PetscCall(VecRestoreArrayRead(x, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A plain vector of the values of one that may be a nest, and back */
static PetscErrorCode Product(Mat S, Vec x, Vec y, PetscBool transpose)
{
  Pairs             *p;
  Vec                plain[2];
  const PetscScalar *from;
  PetscScalar       *to;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(S, &p));
  PetscCall(MatCreateVecs(p->A, &plain[0], &plain[1]));
  PetscCall(VecGetArrayRead(x, &from));
  PetscCall(VecGetArray(plain[0], &to));
  PetscCall(PetscArraycpy(to, from, 2 * p->n));
  PetscCall(VecRestoreArray(plain[0], &to));
  PetscCall(VecRestoreArrayRead(x, &from));
  PetscCall(transpose ? MatMultTranspose(p->A, plain[0], plain[1]) : MatMult(p->A, plain[0], plain[1]));
  PetscCall(VecGetArrayRead(plain[1], &from));
  PetscCall(VecGetArray(y, &to));
  PetscCall(PetscArraycpy(to, from, 2 * p->n));
  if (transpose && p->fault == PAIRS_ADJOINT) PetscCall(LeaveOut(p, x, to));
  PetscCall(VecRestoreArray(y, &to));
  PetscCall(VecRestoreArrayRead(plain[1], &from));
  for (int k = 0; k < 2; k++) PetscCall(VecDestroy(&plain[k]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Mult(Mat S, Vec x, Vec y)
{
  PetscFunctionBeginUser;
  PetscCall(Product(S, x, y, PETSC_FALSE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MultTranspose(Mat S, Vec x, Vec y)
{
  PetscFunctionBeginUser;
  PetscCall(Product(S, x, y, PETSC_TRUE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Value(Dini dini, Vec u, PetscReal *J, void *ctx)
{
  Pairs             *p = (Pairs *)ctx;
  const PetscScalar *ua, *ma;
  PetscScalar        z[4];
  PetscReal          mine = 0.0, T = p->T;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecGetArrayRead(u, &ua));
  PetscCall(VecGetArrayRead(p->m, &ma));
  for (PetscInt i = 0; i < p->n; i++) {
    Values(p, ua, ma, i, z);
    mine += PetscRealPart(T * z[0] * T * z[0] + T * z[1] * z[1] + z[2] * z[2] + T * z[3] * z[3]);
  }
  PetscCall(VecRestoreArrayRead(p->m, &ma));
  PetscCall(VecRestoreArrayRead(u, &ua));
  PetscCall(MPIU_Allreduce(&mine, J, 1, MPIU_REAL, MPIU_SUM, PETSC_COMM_WORLD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Partials(Pairs *p, Vec u, PairsFault fault, Vec dJdu, Vec dJdm)
{
  const PetscScalar *ua, *ma;
  PetscScalar       *gu, *gm, z[4];

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(u, &ua));
  PetscCall(VecGetArrayRead(p->m, &ma));
  PetscCall(VecGetArray(dJdu, &gu));
  PetscCall(VecGetArray(dJdm, &gm));
  for (PetscInt i = 0; i < p->n; i++) {
    Values(p, ua, ma, i, z);
    gu[PairsAt(p, i, 0)] = 2.0 * p->T * p->T * z[0];
    gu[PairsAt(p, i, 1)] = (fault == PAIRS_STATE ? -2.0 : 2.0) * p->T * z[1];
    gm[PairsAt(p, i, 0)] = 2.0 * z[2];
    gm[PairsAt(p, i, 1)] = (fault == PAIRS_PARAMETER ? -2.0 : 2.0) * p->T * z[3];
  }
  PetscCall(VecRestoreArray(dJdm, &gm));
  PetscCall(VecRestoreArray(dJdu, &gu));
  PetscCall(VecRestoreArrayRead(p->m, &ma));
  PetscCall(VecRestoreArrayRead(u, &ua));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(Partials((Pairs *)ctx, u, ((Pairs *)ctx)->fault, dJdu, dJdm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Newton's method, pair by pair */
static PetscErrorCode Solve(Dini dini, Vec u, void *ctx)
{
  Pairs             *p = (Pairs *)ctx;
  const PetscScalar *ma;
  PetscScalar       *ua, z[4], F[2], J[4], Fm[4];

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecGetArrayRead(p->m, &ma));
  PetscCall(VecGetArray(u, &ua));
  for (PetscInt i = 0; i < p->n; i++) {
    Values(p, ua, ma, i, z);
    z[0] = z[1] = 0.0;
    for (int step = 0; step < 12; step++) {
      PetscScalar D;

      PairF(p, z, F);
      PairJ(p, z, J, Fm);
      D = J[0] * J[3] - J[1] * J[2];
      z[0] -= (J[3] * F[0] - J[1] * F[1]) / D;
      z[1] -= (J[0] * F[1] - J[2] * F[0]) / D;
    }
    for (PetscInt f = 0; f < 2; f++) ua[PairsAt(p, i, f)] = z[f];
  }
  PetscCall(VecRestoreArray(u, &ua));
  PetscCall(VecRestoreArrayRead(p->m, &ma));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Start(Pairs *p)
{
  PetscScalar *ma;
  PetscInt     size;
  PetscMPIInt  rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCall(VecGetLocalSize(p->u, &size));
  p->n = size / 2;
  PetscCall(VecGetArray(p->m, &ma));
  for (PetscInt i = 0; i < p->n; i++) {
    ma[PairsAt(p, i, 0)] = 1.0 + 0.1 * (PetscReal)(rank + i);
    ma[PairsAt(p, i, 1)] = 2.0 - 0.1 * (PetscReal)(rank + i);
  }
  PetscCall(VecRestoreArray(p->m, &ma));
  PetscCall(VecSet(p->u, 0.0));
  PetscCall(Solve(NULL, p->u, p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateMat(Pairs *p, Mat *A)
{
  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, 2 * p->n, 2 * p->n, PETSC_DETERMINE, PETSC_DETERMINE, 2, NULL, 0, NULL, A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PairsCreate(PetscReal T, PairsLayout layout, PairsFault fault, PetscBool shell, DiniType type, Pairs *p)
{
  PetscBool solver;

  PetscFunctionBeginUser;
  *p = (Pairs){.T = T, .layout = layout, .fault = fault};
  PetscCall(PairsCreateVec(layout, &p->u));
  PetscCall(VecDuplicate(p->u, &p->m));
  PetscCall(Start(p));
  PetscCall(CreateMat(p, &p->A));
  PetscCall(CreateMat(p, &p->Fm));
  if (shell) {
    PetscCall(MatCreateShell(PETSC_COMM_WORLD, 2 * p->n, 2 * p->n, PETSC_DETERMINE, PETSC_DETERMINE, p, &p->J));
    PetscCall(MatShellSetOperation(p->J, MATOP_MULT, (void (*)(void))Mult));
    PetscCall(MatShellSetOperation(p->J, MATOP_MULT_TRANSPOSE, (void (*)(void))MultTranspose));
  } else {
    p->J = p->A;
    PetscCall(PetscObjectReference((PetscObject)p->J));
  }
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &p->dini));
  PetscCall(DiniSetType(p->dini, type));
  PetscCall(PetscStrcmp(type, DINISNES, &solver));
  if (solver) {
    PetscCall(SNESCreate(PETSC_COMM_WORLD, &p->snes));
    PetscCall(SNESSetFunction(p->snes, NULL, SolverResidual, p));
    PetscCall(SNESSetJacobian(p->snes, p->A, p->A, SolverJacobian, p));
    PetscCall(SNESSetTolerances(p->snes, 1e-50, 1e-13, 0.0, 50, 1000));
    PetscCall(DiniSetSNES(p->dini, p->snes));
  } else {
    PetscCall(DiniSetResidual(p->dini, Residual, p));
    PetscCall(DiniSetSolve(p->dini, Solve, p));
    PetscCall(DiniSetJacobian(p->dini, p->J, p->A, Jacobian, p));
  }
  PetscCall(DiniAddParameter(p->dini, "m", p->m, NULL));
  PetscCall(DiniSetParameterJacobian(p->dini, 0, p->Fm, ParameterJacobian, p));
  PetscCall(DiniSetObjective(p->dini, Value, Gradient, p));
  PetscCall(DiniSetFromOptions(p->dini));
  PetscCall(DiniSetState(p->dini, p->u));
  PetscCall(DiniAttach(p->dini, p->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PairsCotangent(Pairs *p, Vec ubar)
{
  PetscScalar *a;

  PetscFunctionBeginUser;
  PetscCall(VecGetArray(ubar, &a));
  for (PetscInt i = 0; i < p->n; i++) {
    a[PairsAt(p, i, 0)] = 1.0;
    a[PairsAt(p, i, 1)] = 0.0;
  }
  PetscCall(VecRestoreArray(ubar, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PairsReference(Pairs *p, PetscBool objective, Vec g)
{
  Vec                ubar;
  const PetscScalar *ua, *ma;
  PetscScalar       *ga, *b, z[4], J[4], Fm[4];

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(p->u, &ubar));
  PetscCall(VecSet(g, 0.0));
  if (objective) PetscCall(Partials(p, p->u, PAIRS_RIGHT, ubar, g));
  else PetscCall(PairsCotangent(p, ubar));
  PetscCall(VecGetArrayRead(p->u, &ua));
  PetscCall(VecGetArrayRead(p->m, &ma));
  PetscCall(VecGetArray(ubar, &b));
  PetscCall(VecGetArray(g, &ga));
  for (PetscInt i = 0; i < p->n; i++) {
    PetscScalar D, l[2];

    Values(p, ua, ma, i, z);
    PairJ(p, z, J, Fm);
    D    = J[0] * J[3] - J[1] * J[2];
    l[0] = (J[3] * b[PairsAt(p, i, 0)] - J[2] * b[PairsAt(p, i, 1)]) / D;
    l[1] = (J[0] * b[PairsAt(p, i, 1)] - J[1] * b[PairsAt(p, i, 0)]) / D;
    for (PetscInt k = 0; k < 2; k++) ga[PairsAt(p, i, k)] -= Fm[k] * l[0] + Fm[2 + k] * l[1];
  }
  PetscCall(VecRestoreArray(g, &ga));
  PetscCall(VecRestoreArray(ubar, &b));
  PetscCall(VecRestoreArrayRead(p->m, &ma));
  PetscCall(VecRestoreArrayRead(p->u, &ua));
  PetscCall(VecDestroy(&ubar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PairsDestroy(Pairs *p)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&p->dini));
  PetscCall(SNESDestroy(&p->snes));
  PetscCall(MatDestroy(&p->J));
  PetscCall(MatDestroy(&p->A));
  PetscCall(MatDestroy(&p->Fm));
  PetscCall(VecDestroy(&p->u));
  PetscCall(VecDestroy(&p->m));
  PetscFunctionReturn(PETSC_SUCCESS);
}
