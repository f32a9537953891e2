#include "fixtures.h"

/* y = f(u, m, x, i) entry by entry */
static PetscErrorCode Entries(Vec u, Vec m, Vec x, PetscScalar (*f)(PetscScalar, PetscScalar, PetscScalar), Vec y)
{
  const PetscScalar *ua, *ma, *xa = NULL;
  PetscScalar       *ya;
  PetscInt           n;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(u, &n));
  PetscCall(VecGetArrayRead(u, &ua));
  PetscCall(VecGetArrayRead(m, &ma));
  if (x) PetscCall(VecGetArrayRead(x, &xa));
  PetscCall(VecGetArrayWrite(y, &ya));
  for (PetscInt i = 0; i < n; i++) ya[i] = (*f)(ua[i], ma[i], xa ? xa[i] : 0.0);
  PetscCall(VecRestoreArrayWrite(y, &ya));
  if (x) PetscCall(VecRestoreArrayRead(x, &xa));
  PetscCall(VecRestoreArrayRead(m, &ma));
  PetscCall(VecRestoreArrayRead(u, &ua));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscScalar Local(PetscScalar u, PetscScalar m, PetscScalar x)
{
  return u + m * u * u * u - 2.0 + 0.0 * x;
}
static PetscScalar LocalU(PetscScalar u, PetscScalar m, PetscScalar x)
{
  return 1.0 + 3.0 * m * u * u + 0.0 * x;
}
static PetscScalar LocalM(PetscScalar u, PetscScalar m, PetscScalar x)
{
  return u * u * u + 0.0 * (m + x);
}
static PetscScalar Product(PetscScalar u, PetscScalar m, PetscScalar x)
{
  return m * m * u + 0.0 * x;
}
static PetscScalar ProductU(PetscScalar u, PetscScalar m, PetscScalar x)
{
  return m * m + 0.0 * (u + x);
}
static PetscScalar ProductM(PetscScalar u, PetscScalar m, PetscScalar x)
{
  return 2.0 * m * u + 0.0 * x;
}

PetscErrorCode CurvedResidual(Curved *c, Vec u, Vec F)
{
  PetscFunctionBeginUser;
  PetscCall(Entries(u, c->m, NULL, Product, c->w));
  PetscCall(MatMult(c->S, c->w, F));
  PetscCall(VecScale(F, c->a));
  PetscCall(Entries(u, c->m, NULL, Local, c->w));
  PetscCall(VecAXPY(F, 1.0, c->w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A = a S diag(right) + diag(left) */
static PetscErrorCode Assemble(Curved *c, Vec u, Vec m, Mat A, PetscBool in_m)
{
  PetscFunctionBeginUser;
  PetscCall(MatCopy(c->S, A, SAME_NONZERO_PATTERN));
  PetscCall(MatScale(A, c->a));
  PetscCall(Entries(u, m, NULL, in_m ? ProductM : ProductU, c->w));
  PetscCall(MatDiagonalScale(A, NULL, c->w));
  PetscCall(Entries(u, m, NULL, in_m ? LocalM : LocalU, c->w));
  PetscCall(MatDiagonalSet(A, c->w, ADD_VALUES));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SNESResidual(SNES snes, Vec u, Vec F, void *ctx)
{
  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(CurvedResidual((Curved *)ctx, u, F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SNESJacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  Curved *c = (Curved *)ctx;

  PetscFunctionBeginUser;
  (void)snes;
  (void)J;
  c->jacobians++;
  PetscCall(Assemble(c, u, c->m, P, PETSC_FALSE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Fill(Dini dini, Vec u, Vec m, Mat Fm, void *ctx)
{
  Curved *c = (Curved *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  c->fills++;
  PetscCall(Assemble(c, u, m, Fm, PETSC_TRUE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F_m x and F_m^H x by products: at the u and m that are handed over, not at the fixture's */
static PetscErrorCode Apply(Dini dini, Vec u, Vec m, Vec x, Vec y, void *ctx)
{
  Curved *c = (Curved *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(Assemble(c, u, m, c->A, PETSC_TRUE));
  PetscCall(MatMult(c->A, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ApplyAdjoint(Dini dini, Vec u, Vec m, Vec x, Vec y, void *ctx)
{
  Curved *c = (Curved *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(Assemble(c, u, m, c->A, PETSC_TRUE));
  PetscCall(MatMultHermitianTranspose(c->A, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J as a shell that keeps its own matrix */
static PetscErrorCode ShellMult(Mat J, Vec x, Vec y)
{
  Curved *c;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(J, &c));
  PetscCall(MatMult(c->B, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ShellMultTranspose(Mat J, Vec x, Vec y)
{
  Curved *c;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(J, &c));
  PetscCall(MatMultTranspose(c->B, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ShellJacobian(Dini dini, Vec u, Mat J, Mat P, void *ctx)
{
  Curved *c = (Curved *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  (void)J;
  (void)P;
  PetscCall(Assemble(c, u, c->m, c->B, PETSC_FALSE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode CurvedObjective(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  Curved     *c = (Curved *)ctx;
  PetscReal   misfit, norm;
  PetscScalar cross;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecCopy(u, c->w));
  PetscCall(VecShift(c->w, -c->data));
  PetscCall(VecNorm(c->w, NORM_2, &misfit));
  PetscCall(VecNorm(c->m, NORM_2, &norm));
  PetscCall(VecDot(u, c->m, &cross));
  *value = 0.5 * misfit * misfit + 0.5 * c->alpha * norm * norm + c->beta * PetscRealPart(cross);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode CurvedObjectiveGradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  Curved *c = (Curved *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecCopy(u, dJdu));
  PetscCall(VecShift(dJdu, -c->data));
  PetscCall(VecAXPY(dJdu, c->beta, c->m));
  PetscCall(VecAXPBY(dJdm, c->alpha, 0.0, c->m));
  PetscCall(VecAXPY(dJdm, c->beta, u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode CurvedObjectiveHessian(Dini dini, Vec u, Vec du, Vec dm, Vec hu, Vec hm, void *ctx)
{
  Curved *c = (Curved *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  (void)u;
  c->seconds++;
  PetscCall(VecAXPY(hu, 1.0, du));
  PetscCall(VecAXPY(hu, c->beta, dm));
  PetscCall(VecAXPY(hm, c->alpha, dm));
  PetscCall(VecAXPY(hm, c->beta, du));
  PetscCall(FaultInject(c->second, hu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* hu = conj(3 v u^2 + 6 m u du) lambda + conj(2 a m v) s,  hm = conj(3 u^2 du) lambda + conj(2 a (v u + m du)) s,  s = S^H lambda */
PetscErrorCode CurvedResidualHessian(Dini dini, Vec u, Vec lambda, Vec du, Vec dm, Vec hu, Vec hm, void *ctx)
{
  Curved            *c = (Curved *)ctx;
  const PetscScalar *ua, *ma, *la, *da, *va, *sa;
  PetscScalar       *pu, *pm;
  PetscInt           n;

  PetscFunctionBeginUser;
  (void)dini;
  c->seconds++;
  PetscCall(MatMultTranspose(c->S, lambda, c->w));
  PetscCall(VecGetLocalSize(u, &n));
  PetscCall(VecGetArrayRead(u, &ua));
  PetscCall(VecGetArrayRead(c->m, &ma));
  PetscCall(VecGetArrayRead(lambda, &la));
  PetscCall(VecGetArrayRead(du, &da));
  PetscCall(VecGetArrayRead(dm, &va));
  PetscCall(VecGetArrayRead(c->w, &sa));
  PetscCall(VecGetArray(hu, &pu));
  PetscCall(VecGetArray(hm, &pm));
  for (PetscInt i = 0; i < n; i++) {
    pu[i] += PetscConj(3.0 * va[i] * ua[i] * ua[i] + 6.0 * ma[i] * ua[i] * da[i]) * la[i];
    pu[i] += PetscConj(2.0 * c->a * ma[i] * va[i]) * sa[i];
    pm[i] += PetscConj(3.0 * ua[i] * ua[i] * da[i]) * la[i];
    pm[i] += PetscConj(2.0 * c->a * (va[i] * ua[i] + ma[i] * da[i])) * sa[i];
  }
  PetscCall(VecRestoreArray(hu, &pu));
  PetscCall(VecRestoreArray(hm, &pm));
  PetscCall(VecRestoreArrayRead(u, &ua));
  PetscCall(VecRestoreArrayRead(c->m, &ma));
  PetscCall(VecRestoreArrayRead(lambda, &la));
  PetscCall(VecRestoreArrayRead(du, &da));
  PetscCall(VecRestoreArrayRead(dm, &va));
  PetscCall(VecRestoreArrayRead(c->w, &sa));
  PetscCall(FaultInject(c->second, hm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode CurvedCreate(PetscInt N, Curved *c)
{
  PetscInt lo, hi;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(c, sizeof(*c)));
  c->a     = DiniTestScalar(0.3, 0.2);
  c->alpha = 0.4;
  c->beta  = 0.25;
  c->data  = DiniTestScalar(0.3, -0.1);
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, 2, NULL, 1, NULL, &c->S));
  PetscCall(MatGetOwnershipRange(c->S, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) {
    PetscCall(MatSetValue(c->S, i, i, 0.0, INSERT_VALUES));
    if (i + 1 < N) PetscCall(MatSetValue(c->S, i, i + 1, 1.0, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(c->S, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(c->S, MAT_FINAL_ASSEMBLY));
  PetscCall(MatDuplicate(c->S, MAT_COPY_VALUES, &c->J));
  PetscCall(MatDuplicate(c->S, MAT_COPY_VALUES, &c->Fm));
  PetscCall(MatDuplicate(c->S, MAT_COPY_VALUES, &c->A));
  PetscCall(MatDuplicate(c->S, MAT_COPY_VALUES, &c->B));
  PetscCall(MatCreateVecs(c->S, &c->u, &c->m));
  PetscCall(VecDuplicate(c->u, &c->w));
  PetscCall(DiniTestFill(c->m, 90));
  PetscCall(VecScale(c->m, 0.2));
  PetscCall(VecShift(c->m, 0.9));
  PetscCall(VecSet(c->u, 0.8));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &c->snes));
  PetscCall(SNESSetFunction(c->snes, NULL, SNESResidual, c));
  PetscCall(SNESSetJacobian(c->snes, c->J, c->J, SNESJacobian, c));
  PetscCall(SNESSetTolerances(c->snes, 1e-13, 1e-14, 0.0, 50, 1000));
  PetscCall(SNESSetFromOptions(c->snes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode CurvedDini(Curved *c, DiniParameterType kind)
{
  PetscBool is;
  PetscInt  n, N;

  PetscFunctionBeginUser;
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &c->dini));
  PetscCall(DiniSetSNES(c->dini, c->snes));
  PetscCall(DiniAddParameter(c->dini, "m", c->m, NULL));
  PetscCall(PetscStrcmp(kind, DINIPARAMETEROPERATOR, &is));
  if (is) PetscCall(DiniSetParameterOperator(c->dini, 0, Apply, ApplyAdjoint, c));
  PetscCall(PetscStrcmp(kind, DINIPARAMETERMATRIX, &is));
  if (is) PetscCall(DiniSetParameterJacobian(c->dini, 0, c->Fm, Fill, c));
  PetscCall(PetscStrcmp(kind, DINIPARAMETERCOLORING, &is));
  if (is) PetscCall(DiniSetParameterJacobian(c->dini, 0, c->Fm, NULL, NULL));
  PetscCall(DiniSetParameterType(c->dini, 0, kind));
  if (c->shell) { /* J by products, preconditioned by nothing */
    Mat J;

    PetscCall(VecGetLocalSize(c->u, &n));
    PetscCall(VecGetSize(c->u, &N));
    PetscCall(MatCreateShell(PETSC_COMM_WORLD, n, n, N, N, c, &J));
    PetscCall(MatShellSetOperation(J, MATOP_MULT, (void (*)(void))ShellMult));
    PetscCall(MatShellSetOperation(J, MATOP_MULT_TRANSPOSE, (void (*)(void))ShellMultTranspose));
    PetscCall(DiniSetJacobian(c->dini, J, J, ShellJacobian, c));
    PetscCall(MatDestroy(&J));
  }
  PetscCall(DiniSetState(c->dini, c->u));
  PetscCall(DiniSetObjective(c->dini, CurvedObjective, CurvedObjectiveGradient, c));
  PetscCall(DiniSetTolerances(c->dini, 1e-13, 1e-13));
  PetscCall(DiniSetFromOptions(c->dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode CurvedDestroy(Curved *c)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&c->dini));
  PetscCall(SNESDestroy(&c->snes));
  PetscCall(MatDestroy(&c->S));
  PetscCall(MatDestroy(&c->J));
  PetscCall(MatDestroy(&c->Fm));
  PetscCall(MatDestroy(&c->A));
  PetscCall(MatDestroy(&c->B));
  PetscCall(VecDestroy(&c->u));
  PetscCall(VecDestroy(&c->m));
  PetscCall(VecDestroy(&c->w));
  PetscFunctionReturn(PETSC_SUCCESS);
}
