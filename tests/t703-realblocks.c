static char help[] =
    "Real parameters of complex states: gradients, several of them, and Hessian products are real, whatever the "
    "callbacks return.\n";

#include "support/dinitest.h"

/*
  F = u - a m^2 and J = |u - d m|^2, entry by entry, a and d complex, m real. So the reduced objective is the sum of
  |a|^2 m^4 - 2 Re(conj(a) d) m^3 + |d|^2 m^2.
*/
typedef struct {
  Vec         m;
  PetscScalar a, d;
} Problem;

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  Problem *p = (Problem *)ctx;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(VecPointwiseMult(F, p->m, p->m));
  PetscCall(VecAYPX(F, -p->a, u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  PetscInt lo, hi;

  PetscFunctionBeginUser;
  (void)snes;
  (void)P;
  (void)ctx;
  PetscCall(VecGetOwnershipRange(u, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) PetscCall(MatSetValue(J, i, i, 1.0, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(J, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* r = u - d m */
static PetscErrorCode Misfit(Problem *p, Vec u, Vec r)
{
  PetscFunctionBeginUser;
  PetscCall(VecWAXPY(r, -p->d, p->m, u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Value(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  Vec r;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecDuplicate(u, &r));
  PetscCall(Misfit((Problem *)ctx, u, r));
  PetscCall(VecNorm(r, NORM_2, value));
  *value *= *value;
  PetscCall(VecDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* dJ/dm as a complex number: nobody who writes 2 (dr/dm)^H r takes its real part */
static PetscErrorCode Gradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  Problem *p = (Problem *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(Misfit(p, u, dJdu));
  PetscCall(VecScale(dJdu, 2.0));
  PetscCall(VecAXPY(dJdm, -PetscConj(p->d), dJdu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ObjectiveHessian(Dini dini, Vec u, Vec du, Vec dm, Vec hu, Vec hm, void *ctx)
{
  Problem *p = (Problem *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  (void)u;
  PetscCall(VecWAXPY(hu, -p->d, dm, du));
  PetscCall(VecScale(hu, 2.0));
  PetscCall(VecAXPY(hm, -PetscConj(p->d), hu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F_mm dm = -2 a dm */
static PetscErrorCode ResidualHessian(Dini dini, Vec u, Vec lambda, Vec du, Vec dm, Vec hu, Vec hm, void *ctx)
{
  Problem *p = (Problem *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  (void)u;
  (void)du;
  (void)hu;
  PetscCall(VecPointwiseMult(hm, dm, lambda)); /* dm is real */
  PetscCall(VecScale(hm, -2.0 * PetscConj(p->a)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* scale (c3 m^3 + c2 m^2 + c1 m) in every entry */
static PetscErrorCode Polynomial(Vec m, PetscReal c3, PetscReal c2, PetscReal c1, PetscReal c0, Vec y)
{
  const PetscScalar *x;
  PetscScalar       *v;
  PetscInt           n;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(m, &n));
  PetscCall(VecGetArrayRead(m, &x));
  PetscCall(VecGetArray(y, &v));
  for (PetscInt i = 0; i < n; i++) v[i] = ((c3 * x[i] + c2) * x[i] + c1) * x[i] + c0;
  PetscCall(VecRestoreArray(y, &v));
  PetscCall(VecRestoreArrayRead(m, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Products with the Hessian, which is diagonal: alone, and two of them at once in matrices like G */
static PetscErrorCode CheckHessian(Dini dini, Mat G, Vec expected)
{
  Mat V, HV;
  Vec v, hv, column;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(expected, &v));
  PetscCall(VecDuplicate(expected, &hv));
  PetscCall(VecSet(v, 1.0));
  PetscCall(DiniHVP(dini, v, hv));
  PetscCall(DiniTestVecsClose(hv, expected, 1e-6, "Hessian product"));
  PetscCall(MatDuplicate(G, MAT_DO_NOT_COPY_VALUES, &V));
  PetscCall(MatDuplicate(G, MAT_DO_NOT_COPY_VALUES, &HV));
  for (PetscInt j = 0; j < 2; j++) {
    PetscCall(MatDenseGetColumnVecWrite(V, j, &column));
    PetscCall(VecSet(column, 1.0 + (PetscReal)j));
    PetscCall(MatDenseRestoreColumnVecWrite(V, j, &column));
  }
  PetscCall(DiniMatHVP(dini, V, HV));
  for (PetscInt j = 0; j < 2; j++) {
    PetscCall(MatDenseGetColumnVecRead(HV, j, &column));
    PetscCall(VecCopy(column, hv));
    PetscCall(MatDenseRestoreColumnVecRead(HV, j, &column));
    PetscCall(VecScale(hv, 1.0 / (1.0 + (PetscReal)j)));
    PetscCall(DiniTestVecsClose(hv, expected, 1e-6, "column of a Hessian product"));
  }
  PetscCall(MatDestroy(&V));
  PetscCall(MatDestroy(&HV));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&hv));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Test(PetscBool objective, PetscBool residual)
{
  Problem         p  = {.a = DiniTestScalar(1.0, 2.0), .d = DiniTestScalar(0.5, -1.0)};
  const PetscReal aa = PetscRealPart(p.a * PetscConj(p.a)), ad = PetscRealPart(PetscConj(p.a) * p.d),
                  dd = PetscRealPart(p.d * PetscConj(p.d));
  PetscInt  n;
  PetscReal value, values[2];
  Mat       J, G;
  Vec       u, r, g, expected, v, column;
  SNES      snes;
  Dini      dini;

  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, 5, 5, 1, NULL, 0, NULL, &J));
  PetscCall(MatCreateVecs(J, &u, &r));
  PetscCall(VecDuplicate(u, &p.m));
  PetscCall(DiniTestFill(p.m, 3));
  PetscCall(VecRealPart(p.m));
  PetscCall(VecShift(p.m, 1.5));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &snes));
  PetscCall(SNESSetFunction(snes, r, Residual, &p));
  PetscCall(SNESSetJacobian(snes, J, J, Jacobian, &p));
  PetscCall(SNESSetTolerances(snes, 1e-12, 1e-13, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(SNESSetFromOptions(snes));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetSNES(dini, snes));
  PetscCall(DiniAddParameter(dini, "m", p.m, NULL));
  PetscCall(DiniSetParameterReal(dini, 0, PETSC_TRUE));
  PetscCall(DiniSetState(dini, u));
  PetscCall(DiniSetObjective(dini, Value, Gradient, &p));
  for (int k = 0; k < 2; k++) PetscCall(DiniAddObjective(dini, k ? "second" : "first", Value, Gradient, &p, NULL));
  if (objective) PetscCall(DiniSetObjectiveHessian(dini, ObjectiveHessian, &p));
  if (residual) PetscCall(DiniSetResidualHessian(dini, ResidualHessian, &p));
  PetscCall(DiniSetFromOptions(dini));
  PetscCall(DiniCreateParameterVec(dini, &v));
  PetscCall(VecDuplicate(v, &g));
  PetscCall(VecDuplicate(v, &expected));
  PetscCall(DiniGetParameters(dini, v));
  PetscCall(DiniComputeObjectiveAndGradient(dini, v, &value, g));
  PetscCall(Polynomial(p.m, 4.0 * aa, -6.0 * ad, 2.0 * dd, 0.0, expected));
  PetscCall(DiniTestVecsClose(g, expected, 1e-10, "gradient"));
  /* two objectives at once, one column each */
  PetscCall(VecGetLocalSize(v, &n));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, n, PETSC_DECIDE, PETSC_DETERMINE, 2, NULL, &G));
  PetscCall(DiniComputeObjectives(dini, v, values, G));
  for (PetscInt j = 0; j < 2; j++) {
    DiniTestClose(values[j], value, 1e-12, 0.0, "value of one of several objectives");
    PetscCall(MatDenseGetColumnVecRead(G, j, &column));
    PetscCall(DiniTestVecsClose(column, expected, 1e-10, "gradient of one of several objectives"));
    PetscCall(MatDenseRestoreColumnVecRead(G, j, &column));
  }
  PetscCall(Polynomial(p.m, 0.0, 12.0 * aa, -12.0 * ad, 2.0 * dd, expected));
  PetscCall(CheckHessian(dini, G, expected));
  PetscCall(MatDestroy(&G));
  PetscCall(MatDestroy(&J));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&r));
  PetscCall(VecDestroy(&g));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&expected));
  PetscCall(DiniDestroy(&dini));
  PetscCall(SNESDestroy(&snes));
  PetscCall(VecDestroy(&p.m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (int way = 0; way < 4; way++) PetscCall(Test((PetscBool)(way % 2), (PetscBool)(way / 2)));
  PetscCall(PetscFinalize());
  return 0;
}
