#include "fields.h"

static PetscErrorCode FieldsRelation(Fields *d, PetscScalar k, const Vec u[2], const Vec m[2], Vec f[2])
{
  PetscFunctionBeginUser;
  PetscCall(VecPointwiseMult(d->f[0], u[0], u[0])); /* u_0^2 */
  PetscCall(VecPointwiseMult(f[0], d->f[0], u[0]));
  PetscCall(VecAXPY(f[0], 3.0, u[0]));
  PetscCall(VecAXPY(f[0], -1.0, m[0]));
  PetscCall(MatMult(d->S, u[1], d->f[1]));
  PetscCall(VecAXPY(f[0], k, d->f[1]));
  PetscCall(MatMultTranspose(d->S, u[0], f[1]));
  PetscCall(VecScale(f[1], 0.3));
  PetscCall(VecAXPY(f[1], 2.0, u[1]));
  PetscCall(VecAXPY(f[1], -0.25, d->f[0]));
  PetscCall(VecPointwiseMult(d->f[1], m[1], m[1]));
  PetscCall(VecAXPY(f[1], -1.0, d->f[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The two fields of a nest; the first may be a nest of one */
PetscErrorCode FieldsParts(Vec v, Vec part[2])
{
  PetscBool nested;

  PetscFunctionBeginUser;
  PetscCall(VecNestGetSubVec(v, 0, &part[0]));
  PetscCall(VecNestGetSubVec(v, 1, &part[1]));
  PetscCall(PetscObjectTypeCompare((PetscObject)part[0], VECNEST, &nested));
  if (nested) PetscCall(VecNestGetSubVec(part[0], 0, &part[0]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  Fields *d = (Fields *)ctx;
  Vec     up[2], mp[2], fp[2];

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(FieldsParts(u, up));
  PetscCall(FieldsParts(d->m, mp));
  PetscCall(FieldsParts(F, fp));
  PetscCall(FieldsRelation(d, d->k, up, mp, fp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Between a plain vector and its two fields */
static PetscErrorCode Split(Vec v, PetscBool back, Vec part[2])
{
  PetscScalar *a, *p;
  PetscInt     n;

  PetscFunctionBeginUser;
  PetscCall(VecGetArray(v, &a));
  PetscCall(VecGetLocalSize(part[0], &n));
  for (PetscInt i = 0; i < 2; i++) {
    PetscCall(VecGetArray(part[i], &p));
    if (back) PetscCall(PetscArraycpy(&a[(size_t)i * n], p, n));
    else PetscCall(PetscArraycpy(p, &a[(size_t)i * n], n));
    PetscCall(VecRestoreArray(part[i], &p));
  }
  PetscCall(VecRestoreArray(v, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PlainResidual(Dini dini, Vec u, Vec F, void *ctx)
{
  Fields *d = (Fields *)ctx;
  Vec     v, f[2];

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecDuplicate(u, &v));
  PetscCall(VecCopy(u, v));
  PetscCall(Split(v, PETSC_FALSE, d->x));
  PetscCall(VecCopy(d->mplain, v));
  PetscCall(Split(v, PETSC_FALSE, d->y));
  PetscCall(VecDestroy(&v));
  for (int i = 0; i < 2; i++) PetscCall(VecDuplicate(d->x[i], &f[i]));
  PetscCall(FieldsRelation(d, d->kplain, d->x, d->y, f));
  PetscCall(Split(F, PETSC_TRUE, f));
  for (int i = 0; i < 2; i++) PetscCall(VecDestroy(&f[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  Fields *d = (Fields *)ctx;
  Vec     up[2];

  PetscFunctionBeginUser;
  (void)snes;
  (void)P;
  PetscCall(FieldsParts(u, up));
  PetscCall(VecPointwiseMult(d->f[0], up[0], up[0]));
  PetscCall(VecScale(d->f[0], 3.0));
  PetscCall(VecShift(d->f[0], 3.0));
  PetscCall(MatDiagonalSet(d->A[0], d->f[0], INSERT_VALUES));
  PetscCall(MatCopy(d->S, d->A[1], SAME_NONZERO_PATTERN));
  PetscCall(MatScale(d->A[1], d->k));
  PetscCall(VecCopy(up[0], d->f[0]));
  PetscCall(VecScale(d->f[0], -0.5));
  PetscCall(MatDiagonalSet(d->A[2], d->f[0], INSERT_VALUES));
  PetscCall(MatAssemblyBegin(d->N, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(d->N, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyBegin(J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(J, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A shell that needs the parts of what it is given */
static PetscErrorCode ShellMult(Mat J, Vec x, Vec y)
{
  Fields *d;
  Vec     part[2];

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(J, &d));
  PetscCall(FieldsParts(x, part));
  PetscCall(MatMult(d->N, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ShellMultTranspose(Mat J, Vec x, Vec y)
{
  Fields *d;
  Vec     part[2];

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(J, &d));
  PetscCall(FieldsParts(x, part));
  PetscCall(MatMultTranspose(d->N, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FieldsVec(Fields *d, PetscInt seed, Vec *v, Vec *plain)
{
  Vec      part[2], inner;
  PetscInt n;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < 2; i++) {
    PetscCall(DiniTestVec(d->x[0], seed + i, &part[i]));
    PetscCall(VecScale(part[i], 0.25));
    PetscCall(VecShift(part[i], 1.0));
  }
  PetscCall(VecGetLocalSize(part[0], &n));
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, 2 * n, PETSC_DETERMINE, plain));
  PetscCall(Split(*plain, PETSC_TRUE, part));
  if (d->kind == NEST_NESTED) {
    PetscCall(VecCreateNest(PETSC_COMM_WORLD, 1, NULL, &part[0], &inner));
    PetscCall(VecDestroy(&part[0]));
    part[0] = inner;
  }
  PetscCall(VecCreateNest(PETSC_COMM_WORLD, 2, NULL, part, v));
  for (int i = 0; i < 2; i++) PetscCall(VecDestroy(&part[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FieldsMatrices(Fields *d)
{
  PetscInt lo, hi, n = 5, l = PETSC_DECIDE;

  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, l, l, n, n, 2, NULL, 1, NULL, &d->S));
  PetscCall(MatGetOwnershipRange(d->S, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) {
    PetscCall(MatSetValue(d->S, i, i, 0.0, INSERT_VALUES));
    if (i + 1 < n) PetscCall(MatSetValue(d->S, i, i + 1, DiniTestScalar(1.0, 0.3), INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(d->S, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(d->S, MAT_FINAL_ASSEMBLY));
  for (int i = 0; i < 4; i++) {
    if (i == 2) PetscCall(MatTranspose(d->S, MAT_INITIAL_MATRIX, &d->A[i]));
    else PetscCall(MatDuplicate(d->S, MAT_COPY_VALUES, &d->A[i]));
    if (i == 2) PetscCall(MatScale(d->A[i], 0.3));
    if (i % 3 == 0) PetscCall(MatZeroEntries(d->A[i]));
  }
  PetscCall(MatShift(d->A[3], 2.0));
  for (int i = 0; i < 2; i++) {
    PetscCall(MatCreateVecs(d->S, &d->x[i], &d->y[i]));
    PetscCall(VecDuplicate(d->x[i], &d->f[i]));
  }
  PetscCall(MatCreateNest(PETSC_COMM_WORLD, 2, NULL, 2, NULL, d->A, &d->N));
  PetscCall(MatNestSetVecType(d->N, VECNEST));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FieldsSolver(Fields *d)
{
  PetscInt n, N;
  IS       is[2];
  KSP      ksp;
  PC       pc;

  PetscFunctionBeginUser;
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &d->snes));
  PetscCall(SNESSetFunction(d->snes, NULL, Residual, d));
  PetscCall(SNESSetTolerances(d->snes, 1e-12, 1e-13, 0.0, 500, 10000));
  PetscCall(PetscObjectReference((PetscObject)d->N));
  d->J = d->N;
  if (d->kind == NEST_NESTED) {
    PetscCall(SNESSetType(d->snes, SNESNGMRES));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (d->kind == NEST_SHELL) {
    PetscCall(MatDestroy(&d->J));
    PetscCall(VecGetLocalSize(d->u, &n));
    PetscCall(VecGetSize(d->u, &N));
    PetscCall(MatCreateShell(PETSC_COMM_WORLD, n, n, N, N, d, &d->J));
    PetscCall(MatShellSetOperation(d->J, MATOP_MULT, (void (*)(void))ShellMult));
    PetscCall(MatShellSetOperation(d->J, MATOP_MULT_TRANSPOSE, (void (*)(void))ShellMultTranspose));
  }
  PetscCall(SNESSetJacobian(d->snes, d->J, d->N, Jacobian, d));
  PetscCall(SNESGetKSP(d->snes, &ksp));
  PetscCall(KSPSetType(ksp, KSPFGMRES));
  PetscCall(KSPSetTolerances(ksp, 1e-10, PETSC_DEFAULT, PETSC_DEFAULT, 100));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCFIELDSPLIT));
  PetscCall(MatNestGetISs(d->N, is, NULL));
  PetscCall(PCFieldSplitSetIS(pc, "0", is[0]));
  PetscCall(PCFieldSplitSetIS(pc, "1", is[1]));
  PetscCall(PCFieldSplitSetType(pc, PC_COMPOSITE_ADDITIVE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FieldsCreate(FieldsKind kind, Fields *d)
{
  const PetscScalar *a;
  PetscScalar       *b;
  PetscInt           n;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(d, sizeof(*d)));
  d->kind = kind;
  d->k = d->kplain = 0.5;
  PetscCall(FieldsMatrices(d));
  PetscCall(FieldsVec(d, 1, &d->u, &d->uplain));
  PetscCall(FieldsVec(d, 3, &d->m, &d->mplain));
  PetscCall(FieldsSolver(d));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &d->dini));
  PetscCall(DiniSetSNES(d->dini, d->snes));
  if (kind == NEST_DIFFERENCES) PetscCall(DiniSetJacobianType(d->dini, DINI_JACOBIAN_FD));
  PetscCall(DiniAddParameter(d->dini, "m", d->m, NULL));
  PetscCall(DiniAddScalarParameter(d->dini, "k", &d->k, NULL));
  PetscCall(DiniSetFromOptions(d->dini));
  PetscCall(DiniSolve(d->dini, d->u));
  PetscCall(VecGetLocalSize(d->u, &n));
  PetscCall(VecGetArrayRead(d->u, &a));
  PetscCall(VecGetArray(d->uplain, &b));
  PetscCall(PetscArraycpy(b, a, n));
  PetscCall(VecRestoreArray(d->uplain, &b));
  PetscCall(VecRestoreArrayRead(d->u, &a));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &d->plain));
  PetscCall(DiniSetType(d->plain, DINISHELL));
  PetscCall(DiniSetResidual(d->plain, PlainResidual, d));
  PetscCall(DiniAddParameter(d->plain, "m", d->mplain, NULL));
  PetscCall(DiniAddScalarParameter(d->plain, "k", &d->kplain, NULL));
  PetscCall(DiniAttach(d->plain, d->uplain));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FieldsDestroy(Fields *d)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&d->dini));
  PetscCall(DiniDestroy(&d->plain));
  PetscCall(SNESDestroy(&d->snes));
  PetscCall(MatDestroy(&d->S));
  PetscCall(MatDestroy(&d->N));
  PetscCall(MatDestroy(&d->J));
  for (int i = 0; i < 4; i++) PetscCall(MatDestroy(&d->A[i]));
  for (int i = 0; i < 2; i++) {
    PetscCall(VecDestroy(&d->x[i]));
    PetscCall(VecDestroy(&d->y[i]));
    PetscCall(VecDestroy(&d->f[i]));
  }
  PetscCall(VecDestroy(&d->u));
  PetscCall(VecDestroy(&d->m));
  PetscCall(VecDestroy(&d->uplain));
  PetscCall(VecDestroy(&d->mplain));
  PetscFunctionReturn(PETSC_SUCCESS);
}
