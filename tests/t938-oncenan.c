static char help[] =
    "A residual that is NaN once, at any of its calls in mid-difference: derivatives are what they are "
    "without, or there is an error.\n";

#include "support/dinitest.h"

#define CELLS 3 /* on each rank */

/* u + u^3 = sin(m) in each cell */
typedef struct {
  PetscBool differences; /* for J, too */
  PetscInt  calls, nan;  /* residuals, and which of them fails; negative: none does */
  Mat       J, Fm;
  Vec       u, m;
  SNES      snes;
  Dini      dini;
} Cells;

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  Cells             *c = (Cells *)ctx;
  const PetscScalar *a, *m;
  PetscScalar       *f;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(VecGetArrayRead(u, &a));
  PetscCall(VecGetArrayRead(c->m, &m));
  PetscCall(VecGetArray(F, &f));
  for (PetscInt i = 0; i < CELLS; i++) f[i] = a[i] + a[i] * a[i] * a[i] - PetscSinScalar(m[i]);
  if (c->calls++ == c->nan) f[0] = (PetscScalar)NAN;
  PetscCall(VecRestoreArray(F, &f));
  PetscCall(VecRestoreArrayRead(c->m, &m));
  PetscCall(VecRestoreArrayRead(u, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  Vec d;

  PetscFunctionBeginUser;
  (void)snes, (void)P, (void)ctx;
  PetscCall(VecDuplicate(u, &d));
  PetscCall(VecPointwiseMult(d, u, u));
  PetscCall(VecScale(d, 3.0));
  PetscCall(VecShift(d, 1.0));
  PetscCall(MatDiagonalSet(J, d, INSERT_VALUES));
  PetscCall(VecDestroy(&d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CellsCreate(DiniParameterType type, PetscBool differences, Cells *c)
{
  PetscInt  lo, hi, p;
  PetscBool pattern;

  PetscFunctionBeginUser;
  c->differences = differences;
  c->nan         = -1;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, CELLS, CELLS, PETSC_DETERMINE, PETSC_DETERMINE, 1, NULL, 0, NULL, &c->J));
  PetscCall(MatGetOwnershipRange(c->J, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) PetscCall(MatSetValue(c->J, i, i, 1.0, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(c->J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(c->J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatDuplicate(c->J, MAT_COPY_VALUES, &c->Fm));
  PetscCall(MatCreateVecs(c->J, &c->u, &c->m));
  PetscCall(DiniTestFill(c->m, 3));
  PetscCall(VecRealPart(c->m));
  PetscCall(VecSet(c->u, 0.5));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &c->snes));
  PetscCall(SNESSetFunction(c->snes, NULL, Residual, c));
  PetscCall(SNESSetJacobian(c->snes, c->J, c->J, Jacobian, c));
  PetscCall(SNESSetTolerances(c->snes, 1e-50, 1e-14, 1e-15, 50, 500));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &c->dini));
  PetscCall(DiniSetSNES(c->dini, c->snes));
  if (differences) PetscCall(DiniSetJacobianType(c->dini, DINI_JACOBIAN_COLORING));
  PetscCall(DiniAddParameter(c->dini, "m", c->m, &p));
  PetscCall(DiniSetParameterType(c->dini, p, type));
  PetscCall(PetscStrcmp(type, DINIPARAMETERCOLORING, &pattern));
  if (pattern) PetscCall(DiniSetParameterJacobian(c->dini, p, c->Fm, NULL, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CellsDestroy(Cells *c)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&c->dini));
  PetscCall(SNESDestroy(&c->snes));
  PetscCall(MatDestroy(&c->J));
  PetscCall(MatDestroy(&c->Fm));
  PetscCall(VecDestroy(&c->u));
  PetscCall(VecDestroy(&c->m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* u_m = cos(m)/(1 + 3 u^2) and u_mm = -(sin(m) + 6 u u_m^2)/(1 + 3 u^2) */
static PetscErrorCode Right(const Cells *c, Vec du, Vec ddu)
{
  const PetscScalar *u, *m;
  PetscScalar       *d, *dd;

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(c->u, &u));
  PetscCall(VecGetArrayRead(c->m, &m));
  PetscCall(VecGetArray(du, &d));
  PetscCall(VecGetArray(ddu, &dd));
  for (PetscInt i = 0; i < CELLS; i++) {
    const PetscScalar s = 1.0 / (1.0 + 3.0 * u[i] * u[i]);

    d[i]  = PetscCosScalar(m[i]) * s;
    dd[i] = -(PetscSinScalar(m[i]) + 6.0 * u[i] * d[i] * d[i]) * s;
  }
  PetscCall(VecRestoreArray(ddu, &dd));
  PetscCall(VecRestoreArray(du, &d));
  PetscCall(VecRestoreArrayRead(c->m, &m));
  PetscCall(VecRestoreArrayRead(c->u, &u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The k-th residual after the solve fails (negative: none); *calls: how many there were, *refused: an error says something */
static PetscErrorCode TestOne(DiniParameterType type, PetscBool differences, PetscInt k, PetscInt *calls,
                              PetscBool *refused)
{
  Cells          c = {0};
  Vec            dm, du, ddu, right, second;
  PetscErrorCode error;

  PetscFunctionBeginUser;
  PetscCall(CellsCreate(type, differences, &c));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(VecDuplicate(c.u, &du));
  PetscCall(VecDuplicate(c.u, &ddu));
  PetscCall(VecDuplicate(c.u, &right));
  PetscCall(VecDuplicate(c.u, &second));
  PetscCall(DiniCreateParameterVec(c.dini, &dm));
  PetscCall(VecSet(dm, 1.0));
  PetscCall(Right(&c, right, second));
  c.calls = 0;
  c.nan   = k;
  PetscCall(DiniTestCatch());
  error = DiniJVP(c.dini, dm, du);
  if (!error) error = DiniSecondJVP(c.dini, dm, dm, ddu);
  PetscCall(DiniTestRelease());
  *refused = (PetscBool)(error != PETSC_SUCCESS);
  *calls   = c.calls;
  if (!error) {
    PetscCall(DiniTestVecsClose(du, right, 1e-7, type));
    PetscCall(DiniTestVecsClose(ddu, second, 3e-6, type));
  }
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&ddu));
  PetscCall(VecDestroy(&right));
  PetscCall(VecDestroy(&second));
  PetscCall(CellsDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Test(DiniParameterType type, PetscBool differences)
{
  PetscInt  calls, ignored, refusals = 0;
  PetscBool refused;

  PetscFunctionBeginUser;
  PetscCall(TestOne(type, differences, -1, &calls, &refused));
  DiniTestTrue(!refused, "%s: an error without any NaN", type);
  DiniTestTrue(calls > 4, "%s: %" PetscInt_FMT " residuals", type, calls);
  for (PetscInt k = 0; k < calls; k++) {
    PetscCall(TestOne(type, differences, k, &ignored, &refused));
    refusals += (PetscInt)refused;
  }
  DiniTestTrue(2 * refusals < calls, "%s: %" PetscInt_FMT " errors of %" PetscInt_FMT, type, refusals, calls);
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(Test(DINIPARAMETERFD, PETSC_FALSE));
  PetscCall(Test(DINIPARAMETERCOLORING, PETSC_FALSE));
  PetscCall(Test(DINIPARAMETERCOLORING, PETSC_TRUE));
  PetscCall(PetscFinalize());
  return 0;
}
