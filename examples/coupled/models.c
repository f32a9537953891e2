/* Central differences on the nodes inside the unit interval; F_m and F_p are left to coloured differences. */
#include "models.h"

/* v with its ghost values */
static PetscErrorCode Local(DM da, Vec v, Vec *local, const PetscScalar **a)
{
  PetscFunctionBeginUser;
  PetscCall(DMGetLocalVector(da, local));
  PetscCall(DMGlobalToLocalBegin(da, v, INSERT_VALUES, *local));
  PetscCall(DMGlobalToLocalEnd(da, v, INSERT_VALUES, *local));
  PetscCall(DMDAVecGetArrayRead(da, *local, (void *)a));
  PetscFunctionReturn(0);
}

static PetscErrorCode LocalRestore(DM da, Vec *local, const PetscScalar **a)
{
  PetscFunctionBeginUser;
  PetscCall(DMDAVecRestoreArrayRead(da, *local, (void *)a));
  PetscCall(DMRestoreLocalVector(da, local));
  PetscFunctionReturn(0);
}

/* Row i of a tridiagonal matrix */
static PetscErrorCode SetRow(Mat A, PetscInt i, PetscInt n, PetscScalar left, PetscScalar centre, PetscScalar right)
{
  MatStencil  row = {.i = i}, column[3] = {row, row, row};
  PetscScalar a[3] = {centre};
  PetscInt    k    = 1;

  PetscFunctionBeginUser;
  if (i > 0) column[k].i--, a[k++] = left;
  if (i < n - 1) column[k].i++, a[k++] = right;
  PetscCall(MatSetValuesStencil(A, 1, &row, k, column, a, INSERT_VALUES));
  PetscFunctionReturn(0);
}

static PetscErrorCode Assembled(Mat A)
{
  PetscFunctionBeginUser;
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(0);
}

/* -(e^m p')' = 1, with e^m in the middle between two nodes */
static PetscErrorCode FlowAssemble(Dini dini, Mat A, Mat P, Vec b, void *ctx)
{
  Models            *models = (Models *)ctx;
  DMDALocalInfo      info;
  Vec                local;
  const PetscScalar *m;

  PetscFunctionBeginUser;
  (void)dini, (void)P;
  PetscCall(DMDAGetLocalInfo(models->da, &info));
  PetscCall(Local(models->da, models->m, &local, &m));
  for (PetscInt i = info.xs; i < info.xs + info.xm; i++) {
    const PetscReal   s     = (info.mx + 1.0) * (info.mx + 1.0);
    const PetscScalar left  = s * PetscExpScalar(i > 0 ? 0.5 * (m[i - 1] + m[i]) : m[i]);
    const PetscScalar right = s * PetscExpScalar(i < info.mx - 1 ? 0.5 * (m[i] + m[i + 1]) : m[i]);

    PetscCall(SetRow(A, i, info.mx, -left, left + right, -right));
  }
  PetscCall(LocalRestore(models->da, &local, &m));
  PetscCall(Assembled(A));
  PetscCall(VecSet(b, 1.0));
  PetscFunctionReturn(0);
}

/* -c''/10 + w c' + c = 1 with the velocity w = -e^m p' */
static PetscErrorCode TransportAssemble(Dini dini, Mat A, Mat P, Vec b, void *ctx)
{
  Models            *models = (Models *)ctx;
  DMDALocalInfo      info;
  Vec                localm, localp;
  const PetscScalar *m, *p;

  PetscFunctionBeginUser;
  (void)dini, (void)P;
  PetscCall(DMDAGetLocalInfo(models->da, &info));
  PetscCall(Local(models->da, models->m, &localm, &m));
  PetscCall(Local(models->da, models->p, &localp, &p));
  for (PetscInt i = info.xs; i < info.xs + info.xm; i++) {
    const PetscReal   h = 1.0 / (info.mx + 1.0), d = 0.1 / (h * h);
    const PetscScalar west = i > 0 ? p[i - 1] : 0.0, east = i < info.mx - 1 ? p[i + 1] : 0.0;
    const PetscScalar w = -PetscExpScalar(m[i]) * (east - west) / (2.0 * h);

    PetscCall(SetRow(A, i, info.mx, -d - 0.5 * w / h, 2.0 * d + 1.0, -d + 0.5 * w / h));
  }
  PetscCall(LocalRestore(models->da, &localm, &m));
  PetscCall(LocalRestore(models->da, &localp, &p));
  PetscCall(Assembled(A));
  PetscCall(VecSet(b, 1.0));
  PetscFunctionReturn(0);
}

static PetscErrorCode CreateModel(Models *models, const char prefix[], DiniLinearSystemFn *assemble, Dini *dini)
{
  MPI_Comm comm = PetscObjectComm((PetscObject)models->da);
  KSP      ksp;
  Mat      A;
  Vec      b;

  PetscFunctionBeginUser;
  PetscCall(DMCreateMatrix(models->da, &A));
  PetscCall(VecDuplicate(models->m, &b));
  PetscCall(KSPCreate(comm, &ksp));
  PetscCall(KSPSetOptionsPrefix(ksp, prefix));
  PetscCall(KSPSetOperators(ksp, A, A));
  PetscCall(KSPSetTolerances(ksp, 1.0e-13, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(KSPSetFromOptions(ksp));
  PetscCall(DiniCreate(comm, dini));
  PetscCall(DiniSetOptionsPrefix(*dini, prefix)); /* errors and options name it */
  PetscCall(DiniSetKSP(*dini, ksp));
  PetscCall(DiniSetLinearSystem(*dini, b, assemble, models));
  PetscCall(KSPDestroy(&ksp));
  PetscCall(MatDestroy(&A));
  PetscCall(VecDestroy(&b));
  PetscFunctionReturn(0);
}

/* A block whose F_m has the pattern of A */
static PetscErrorCode AddField(Models *models, Dini dini, const char name[], Vec field)
{
  Mat      pattern;
  PetscInt block;

  PetscFunctionBeginUser;
  PetscCall(DMCreateMatrix(models->da, &pattern));
  PetscCall(DiniAddParameter(dini, name, field, &block));
  PetscCall(DiniSetParameterJacobian(dini, block, pattern, NULL, NULL));
  PetscCall(MatDestroy(&pattern));
  PetscFunctionReturn(0);
}

PetscErrorCode ModelsCreate(MPI_Comm comm, Models *models)
{
  PetscScalar  *m;
  DMDALocalInfo info;

  PetscFunctionBeginUser;
  PetscCall(DMDACreate1d(comm, DM_BOUNDARY_NONE, 12, 1, 1, NULL, &models->da));
  PetscCall(DMSetFromOptions(models->da));
  PetscCall(DMSetUp(models->da));
  PetscCall(DMCreateGlobalVector(models->da, &models->m));
  PetscCall(VecDuplicate(models->m, &models->p));
  PetscCall(VecDuplicate(models->m, &models->c));
  PetscCall(DMDAGetLocalInfo(models->da, &info));
  PetscCall(DMDAVecGetArray(models->da, models->m, &m));
  for (PetscInt i = info.xs; i < info.xs + info.xm; i++) m[i] = PetscSinReal(3.0 * (i + 1.0) / (info.mx + 1.0));
  PetscCall(DMDAVecRestoreArray(models->da, models->m, &m));
  PetscCall(CreateModel(models, "flow_", FlowAssemble, &models->flow));
  PetscCall(AddField(models, models->flow, "m", models->m));
  PetscCall(CreateModel(models, "transport_", TransportAssemble, &models->transport));
  PetscCall(AddField(models, models->transport, "p", models->p));
  PetscCall(AddField(models, models->transport, "m", models->m));
  PetscCall(DiniSetFromOptions(models->flow));
  PetscCall(DiniSetFromOptions(models->transport));
  PetscFunctionReturn(0);
}

PetscErrorCode ModelsDestroy(Models *models)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&models->flow));
  PetscCall(DiniDestroy(&models->transport));
  PetscCall(VecDestroy(&models->m));
  PetscCall(VecDestroy(&models->p));
  PetscCall(VecDestroy(&models->c));
  PetscCall(DMDestroy(&models->da));
  PetscFunctionReturn(0);
}
