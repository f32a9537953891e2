static char help[] =
    "Products of second order where parameters hardly move the state, which is differenced with a step of its own, and where\n\
solves for their factors are loose, which is told.\n";

#include "support/dinitest.h"

#define CELLS 3  /* on each rank */
#define N     24 /* of the line */

/* The objective is |w u|^2/2, entry by entry */
typedef struct {
  PetscReal T;
  Mat       A, J;
  Vec       u, m, w, r;
  SNES      snes;
  Dini      dini;
} Relation;

static PetscErrorCode Value(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  Relation *c = (Relation *)ctx;
  PetscReal norm;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecPointwiseMult(c->r, c->w, u));
  PetscCall(VecNorm(c->r, NORM_2, &norm));
  *value = 0.5 * norm * norm;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  Relation *c = (Relation *)ctx;

  PetscFunctionBeginUser;
  (void)dini, (void)dJdm;
  PetscCall(VecPointwiseMult(dJdu, c->w, u));
  PetscCall(VecPointwiseMult(dJdu, c->w, dJdu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* u + u^3 = p + T q^2 in each cell, with m = (p, q) there */
static PetscErrorCode CellsResidual(SNES snes, Vec u, Vec F, void *ctx)
{
  Relation          *c = (Relation *)ctx;
  const PetscScalar *a, *m;
  PetscScalar       *f;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(VecGetArrayRead(u, &a));
  PetscCall(VecGetArrayRead(c->m, &m));
  PetscCall(VecGetArray(F, &f));
  for (size_t i = 0; i < CELLS; i++) f[i] = a[i] + a[i] * a[i] * a[i] - m[2 * i] - c->T * m[2 * i + 1] * m[2 * i + 1];
  PetscCall(VecRestoreArray(F, &f));
  PetscCall(VecRestoreArrayRead(c->m, &m));
  PetscCall(VecRestoreArrayRead(u, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CellsJacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  PetscFunctionBeginUser;
  (void)snes, (void)P, (void)ctx;
  PetscCall(VecPointwiseMult(((Relation *)ctx)->r, u, u));
  PetscCall(VecScale(((Relation *)ctx)->r, 3.0));
  PetscCall(VecShift(((Relation *)ctx)->r, 1.0));
  PetscCall(MatDiagonalSet(J, ((Relation *)ctx)->r, INSERT_VALUES));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A u + u^3/10 = m, A tridiagonal: from one entry to the next a half of it is left */
static PetscErrorCode LineResidual(SNES snes, Vec u, Vec F, void *ctx)
{
  Relation *c = (Relation *)ctx;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(MatMult(c->A, u, F));
  PetscCall(VecPointwiseMult(c->r, u, u));
  PetscCall(VecPointwiseMult(c->r, c->r, u));
  PetscCall(VecAXPY(F, 0.1, c->r));
  PetscCall(VecAXPY(F, -1.0, c->m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode LineJacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  Relation *c = (Relation *)ctx;

  PetscFunctionBeginUser;
  (void)snes, (void)P;
  PetscCall(MatCopy(c->A, J, SAME_NONZERO_PATTERN));
  PetscCall(VecPointwiseMult(c->r, u, u));
  PetscCall(VecScale(c->r, 0.3));
  PetscCall(MatDiagonalSet(J, c->r, ADD_VALUES));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RelationCreate(PetscInt local, PetscInt global, PetscReal off, Relation *c)
{
  PetscInt lo, hi, n;

  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, local, local, global, global, 3, NULL, 2, NULL, &c->A));
  PetscCall(MatGetOwnershipRange(c->A, &lo, &hi));
  PetscCall(MatGetSize(c->A, &n, NULL));
  for (PetscInt i = lo; i < hi; i++)
    for (PetscInt j = PetscMax(i - 1, 0); j <= PetscMin(i + 1, n - 1); j++)
      if (i == j || off != 0.0) PetscCall(MatSetValue(c->A, i, j, i == j ? 2.5 : off, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(c->A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(c->A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatDuplicate(c->A, MAT_COPY_VALUES, &c->J));
  PetscCall(MatCreateVecs(c->A, &c->u, &c->w));
  PetscCall(VecDuplicate(c->u, &c->r));
  PetscCall(VecSet(c->u, 1.0));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &c->snes));
  PetscCall(SNESSetTolerances(c->snes, 1e-50, 1e-14, 1e-15, 50, 500));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RelationDini(DiniParameterType type, Relation *c)
{
  PetscInt p;

  PetscFunctionBeginUser;
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &c->dini));
  PetscCall(DiniSetSNES(c->dini, c->snes));
  PetscCall(DiniAddParameter(c->dini, "m", c->m, &p));
  PetscCall(DiniSetParameterType(c->dini, p, type));
  PetscCall(DiniSetObjective(c->dini, Value, Gradient, c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RelationDestroy(Relation *c)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&c->dini));
  PetscCall(SNESDestroy(&c->snes));
  PetscCall(MatDestroy(&c->A));
  PetscCall(MatDestroy(&c->J));
  PetscCall(VecDestroy(&c->u));
  PetscCall(VecDestroy(&c->m));
  PetscCall(VecDestroy(&c->w));
  PetscCall(VecDestroy(&c->r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* H along q, by closed forms: with s = 1/(1 + 3 u^2), u_p = s, u_q = 2 T q s, u_pq = -6 u s^2 u_q and so on */
static PetscErrorCode CellsRight(const Relation *c, Vec right)
{
  const PetscScalar *a, *m;
  PetscScalar       *h;

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(c->u, &a));
  PetscCall(VecGetArrayRead(c->m, &m));
  PetscCall(VecGetArray(right, &h));
  for (size_t i = 0; i < CELLS; i++) {
    const PetscReal u = PetscRealPart(a[i]), q = PetscRealPart(m[2 * i + 1]), s = 1.0 / (1.0 + 3.0 * u * u);
    const PetscReal uq = 2.0 * c->T * q * s, upq = -6.0 * u * s * s * uq;
    const PetscReal uqq = 2.0 * c->T * s - 6.0 * u * s * uq * uq;

    h[2 * i]     = s * uq + u * upq;
    h[2 * i + 1] = uq * uq + u * uqq;
  }
  PetscCall(VecRestoreArray(right, &h));
  PetscCall(VecRestoreArrayRead(c->m, &m));
  PetscCall(VecRestoreArrayRead(c->u, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Entries of p, and of q, in units of the largest of them */
static PetscErrorCode CellsError(Vec found, Vec right, PetscReal *error)
{
  const PetscScalar *a, *b;
  PetscReal          worst[2][2] = {{0.0}};

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(found, &a));
  PetscCall(VecGetArrayRead(right, &b));
  for (size_t i = 0; i < (size_t)2 * CELLS; i++) {
    worst[i % 2][0] = PetscMax(worst[i % 2][0], PetscAbsScalar(a[i] - b[i]));
    worst[i % 2][1] = PetscMax(worst[i % 2][1], PetscAbsScalar(b[i]));
  }
  PetscCall(VecRestoreArrayRead(right, &b));
  PetscCall(VecRestoreArrayRead(found, &a));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, worst, 4, MPIU_REAL, MPIU_MAX, PETSC_COMM_WORLD));
  *error = PetscMax(worst[0][0] / worst[0][1], worst[1][0] / worst[1][1]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestCells(PetscReal T)
{
  Relation       c = {.T = T};
  Vec            v, hv, right;
  PetscScalar   *a;
  PetscReal      error = 0.0;
  DiniStatistics s;

  PetscFunctionBeginUser;
  PetscCall(RelationCreate(CELLS, PETSC_DETERMINE, 0.0, &c));
  PetscCall(VecSet(c.w, 1.0));
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, 2 * CELLS, PETSC_DETERMINE, &c.m));
  PetscCall(VecDuplicate(c.m, &v));
  PetscCall(VecDuplicate(c.m, &hv));
  PetscCall(VecDuplicate(c.m, &right));
  PetscCall(VecGetArray(c.m, &a));
  for (size_t i = 0; i < CELLS; i++) {
    a[2 * i]     = 2.0 + 0.1 * (PetscReal)i;
    a[2 * i + 1] = 0.7 + 0.05 * (PetscReal)i;
  }
  PetscCall(VecRestoreArray(c.m, &a));
  PetscCall(VecGetArray(v, &a));
  for (size_t i = 0; i < CELLS; i++) a[2 * i + 1] = 1.0;
  PetscCall(VecRestoreArray(v, &a));
  PetscCall(SNESSetFunction(c.snes, NULL, CellsResidual, &c));
  PetscCall(SNESSetJacobian(c.snes, c.J, c.J, CellsJacobian, &c));
  PetscCall(RelationDini(DINIPARAMETERFD, &c));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniHVP(c.dini, v, hv));
  PetscCall(CellsRight(&c, right));
  PetscCall(CellsError(hv, right, &error));
  PetscCall(DiniGetStatistics(c.dini, &s));
  DiniTestTrue(error <= 1e-7 && error <= 20.0 * s.second_error, "T %g: off by %g, told %g", (double)T, (double)error,
               (double)s.second_error);
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&hv));
  PetscCall(VecDestroy(&right));
  PetscCall(RelationDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* With an objective that sees the first two entries alone */
static PetscErrorCode LineCreate(PetscReal rtol, Relation *c)
{
  PetscInt lo;
  KSP      ksp;
  PC       pc;

  PetscFunctionBeginUser;
  PetscCall(RelationCreate(PETSC_DECIDE, N, -1.0, c));
  PetscCall(VecDuplicate(c->u, &c->m));
  PetscCall(VecSet(c->m, 1.5));
  PetscCall(VecGetOwnershipRange(c->w, &lo, NULL));
  if (!lo)
    for (PetscInt i = 0; i < 2; i++) PetscCall(VecSetValue(c->w, i, 1.0, INSERT_VALUES));
  PetscCall(VecAssemblyBegin(c->w));
  PetscCall(VecAssemblyEnd(c->w));
  PetscCall(SNESSetFunction(c->snes, NULL, LineResidual, c));
  PetscCall(SNESSetJacobian(c->snes, c->J, c->J, LineJacobian, c));
  PetscCall(SNESGetKSP(c->snes, &ksp));
  PetscCall(KSPSetTolerances(ksp, 1e-13, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCNONE));
  PetscCall(RelationDini(DINIPARAMETERRHS, c));
  PetscCall(DiniSetTolerances(c->dini, rtol, rtol));
  PetscCall(DiniSolve(c->dini, c->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Apply(Relation *c, PetscBool hessian, Vec v, Vec y)
{
  PetscFunctionBeginUser;
  if (hessian) PetscCall(DiniHVP(c->dini, v, y));
  else PetscCall(DiniSecondJVP(c->dini, v, v, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestLine(PetscReal rtol, PetscReal least)
{
  Relation       loose, tight;
  Vec            v, y, right;
  PetscReal      error, norm, largest = 0.0;
  PetscInt       lo, hi;
  DiniStatistics s;

  PetscFunctionBeginUser;
  PetscCall(LineCreate(rtol, &loose));
  PetscCall(LineCreate(1e-13, &tight));
  PetscCall(VecDuplicate(loose.m, &v));
  PetscCall(VecDuplicate(loose.m, &y));
  PetscCall(VecDuplicate(loose.m, &right));
  PetscCall(VecGetOwnershipRange(v, &lo, &hi));
  for (PetscInt k = 0; k < 2 * N; k += 5) {
    const PetscBool hessian = (PetscBool)(k >= N);

    PetscCall(VecSet(v, 0.0));
    if (k % N >= lo && k % N < hi) PetscCall(VecSetValue(v, k % N, 1.0, INSERT_VALUES));
    PetscCall(VecAssemblyBegin(v));
    PetscCall(VecAssemblyEnd(v));
    PetscCall(Apply(&loose, hessian, v, y));
    PetscCall(Apply(&tight, hessian, v, right));
    PetscCall(DiniGetStatistics(loose.dini, &s));
    PetscCall(VecAXPY(y, -1.0, right));
    PetscCall(VecNorm(y, NORM_2, &error));
    PetscCall(VecNorm(right, NORM_2, &norm));
    error /= norm;
    largest = PetscMax(largest, error);
    DiniTestTrue(error <= 20.0 * s.second_error, "%s along entry %" PetscInt_FMT ", solves to %g: off by %g, told %g",
                 hessian ? "DiniHVP()" : "DiniSecondJVP()", k % N, (double)rtol, (double)error, (double)s.second_error);
  }
  DiniTestTrue(largest >= least, "solves to %g: the errors, %g, are too small to tell anything", (double)rtol,
               (double)largest);
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&y));
  PetscCall(VecDestroy(&right));
  PetscCall(RelationDestroy(&loose));
  PetscCall(RelationDestroy(&tight));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestCells(1.0));
  PetscCall(TestCells(1e-4));
  PetscCall(TestCells(1e-8));
  PetscCall(TestCells(1e-12));
  PetscCall(TestLine(1e-1, 0.5));
  PetscCall(TestLine(1e-2, 0.5));
  PetscCall(TestLine(1e-4, 1e-2));
  PetscCall(TestLine(1e-6, 1e-4));
  PetscCall(PetscFinalize());
  return 0;
}
