static char help[] =
    "What is right at the first point and frozen there, or later: J, F_m, dJ/du, dJ/dm are found out at once, and nothing is asked\n\
of what moves but at the second, the fourth, the sixteenth point.\n";

#include "support/fixtures.h"

typedef enum { NOTHING, JACOBIAN, PARAMETER, DJDU, DJDM, FROZEN_MAX } Frozen;
static const char *const says[] = {"", "The Jacobian is not dF/du", "is not dF/dm", "dJ/du and differences",
                                   "dJ/dm and differences"};

/* u^3 = m^2, entry by entry, and J = (sum |u|^4 + sum |m|^4) / 4 */
typedef struct {
  Vec      u, m, old;
  Mat      J, Fm;
  Dini     dini;
  Frozen   frozen;
  PetscInt point, from, taken, residuals; /* from this point on what is frozen keeps the values of the one before */
} Cubes;

static PetscErrorCode Solve(Dini dini, Vec u, void *ctx)
{
  Cubes *c = (Cubes *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecCopy(c->m, u));
  PetscCall(VecPow(u, 2.0 / 3.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Residual(Dini dini, Vec u, Vec F, void *ctx)
{
  Cubes             *c = (Cubes *)ctx;
  const PetscScalar *a, *m;
  PetscScalar       *f;
  PetscInt           n;

  PetscFunctionBeginUser;
  (void)dini;
  c->residuals++;
  PetscCall(VecGetLocalSize(u, &n));
  PetscCall(VecGetArrayRead(u, &a));
  PetscCall(VecGetArrayRead(c->m, &m));
  PetscCall(VecGetArrayWrite(F, &f));
  for (PetscInt i = 0; i < n; i++) f[i] = a[i] * a[i] * a[i] - m[i] * m[i];
  PetscCall(VecRestoreArrayWrite(F, &f));
  PetscCall(VecRestoreArrayRead(c->m, &m));
  PetscCall(VecRestoreArrayRead(u, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* factor v^power on the diagonal, or what was there */
static PetscErrorCode Fill(Cubes *c, Frozen what, Vec v, PetscReal factor, PetscReal power, Mat A)
{
  Vec d;

  PetscFunctionBeginUser;
  if (c->frozen == what && c->point >= c->from) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecDuplicate(v, &d));
  PetscCall(VecCopy(v, d));
  PetscCall(VecPow(d, power));
  PetscCall(VecScale(d, factor));
  PetscCall(MatDiagonalSet(A, d, INSERT_VALUES));
  PetscCall(VecDestroy(&d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(Dini dini, Vec u, Mat J, Mat P, void *ctx)
{
  (void)dini, (void)P;
  return Fill((Cubes *)ctx, JACOBIAN, u, 3.0, 2.0, J);
}

static PetscErrorCode ParameterJacobian(Dini dini, Vec u, Vec m, Mat Fm, void *ctx)
{
  (void)dini, (void)u;
  return Fill((Cubes *)ctx, PARAMETER, m, -2.0, 1.0, Fm);
}

static PetscErrorCode Value(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  Cubes    *c = (Cubes *)ctx;
  Vec       v;
  PetscReal norm;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecDuplicate(u, &v));
  *value = 0.0;
  for (int i = 0; i < 2; i++) {
    PetscCall(VecPointwiseMult(v, i ? c->m : u, i ? c->m : u));
    PetscCall(VecNorm(v, NORM_2, &norm));
    *value += 0.25 * norm * norm;
  }
  PetscCall(VecDestroy(&v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* v^3; m and u are real here */
static PetscErrorCode Cube(Cubes *c, Frozen what, Vec v, Vec g)
{
  PetscFunctionBeginUser;
  PetscCall(VecCopy(v, g));
  PetscCall(VecPow(g, 3.0));
  if (c->frozen == what && c->point >= c->from) PetscCall(VecCopy(c->old, g));
  else if (c->frozen == what && c->taken != c->point)
    PetscCall(VecCopy(g, c->old)); /* the first one, at the point itself */
  if (c->frozen == what) c->taken = c->point;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  Cubes *c = (Cubes *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(Cube(c, DJDU, u, dJdu));
  PetscCall(Cube(c, DJDM, c->m, dJdm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(Frozen frozen, PetscInt from, Cubes *c)
{
  PetscInt lo, hi;

  PetscFunctionBeginUser;
  *c = (Cubes){.frozen = frozen, .from = from};
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, 7, 7, 1, NULL, 0, NULL, &c->J));
  PetscCall(MatCreateVecs(c->J, &c->u, &c->m));
  PetscCall(VecDuplicate(c->u, &c->old));
  PetscCall(VecGetOwnershipRange(c->m, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) {
    PetscCall(VecSetValue(c->m, i, 1.0 + 0.2 * (PetscReal)i, INSERT_VALUES));
    PetscCall(MatSetValue(c->J, i, i, 1.0, INSERT_VALUES));
  }
  PetscCall(VecAssemblyBegin(c->m));
  PetscCall(VecAssemblyEnd(c->m));
  PetscCall(MatAssemblyBegin(c->J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(c->J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatDuplicate(c->J, MAT_COPY_VALUES, &c->Fm));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &c->dini));
  PetscCall(DiniSetType(c->dini, DINISHELL));
  PetscCall(DiniSetState(c->dini, c->u));
  PetscCall(DiniSetSolve(c->dini, Solve, c));
  PetscCall(DiniSetResidual(c->dini, Residual, c));
  PetscCall(DiniSetJacobian(c->dini, c->J, c->J, Jacobian, c));
  PetscCall(DiniAddParameter(c->dini, "m", c->m, NULL));
  PetscCall(DiniSetParameterJacobian(c->dini, 0, c->Fm, ParameterJacobian, c));
  PetscCall(DiniSetObjective(c->dini, Value, Gradient, c));
  PetscCall(DiniSetFromOptions(c->dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Cubes *c)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&c->dini));
  PetscCall(MatDestroy(&c->J));
  PetscCall(MatDestroy(&c->Fm));
  PetscCall(VecDestroy(&c->u));
  PetscCall(VecDestroy(&c->m));
  PetscCall(VecDestroy(&c->old));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* m^3 + (2/3) m^{-1/3} u^3 = m^3 + (2/3) m^{5/3} */
static PetscErrorCode Expected(Vec m, Vec g)
{
  Vec v;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(m, &v));
  PetscCall(VecCopy(m, v));
  PetscCall(VecPow(v, 5.0 / 3.0));
  PetscCall(VecCopy(m, g));
  PetscCall(VecPow(g, 3.0));
  PetscCall(VecAXPY(g, 2.0 / 3.0, v));
  PetscCall(VecDestroy(&v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestFrozen(Frozen frozen, PetscInt from, PetscInt found)
{
  Cubes     c;
  Vec       m, g, right;
  PetscReal value;

  PetscFunctionBeginUser;
  PetscCall(Create(frozen, from, &c));
  PetscCall(VecDuplicate(c.m, &m));
  PetscCall(VecCopy(c.m, m));
  PetscCall(DiniCreateParameterVec(c.dini, &g));
  PetscCall(VecDuplicate(g, &right));
  for (c.point = 1; c.point < found; c.point++) {
    PetscCall(DiniComputeObjectiveAndGradient(c.dini, m, &value, g));
    PetscCall(Expected(m, right));
    if (c.point < from) PetscCall(DiniTestVecsClose(g, right, 1e-9, "a gradient before anything is frozen"));
    PetscCall(VecScale(m, 1.1));
  }
  DiniTestExpect(DiniComputeObjectiveAndGradient(c.dini, m, &value, g), PETSC_ERR_ARG_WRONG, says[frozen]);
  DiniTestExpect(DiniComputeObjectiveAndGradient(c.dini, m, &value, g), PETSC_ERR_ARG_WRONG,
                 says[frozen]); /* as before */
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&g));
  PetscCall(VecDestroy(&right));
  PetscCall(Destroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Right throughout; more than at other points is asked at the first one, the second, the fourth and the sixteenth */
static PetscErrorCode TestCost(void)
{
  Cubes     c;
  Vec       m, g, right;
  PetscReal value;
  PetscInt  before, usual = 0, counts[21] = {0};

  PetscFunctionBeginUser;
  PetscCall(Create(NOTHING, 0, &c));
  PetscCall(VecDuplicate(c.m, &m));
  PetscCall(VecCopy(c.m, m));
  PetscCall(DiniCreateParameterVec(c.dini, &g));
  PetscCall(VecDuplicate(g, &right));
  for (c.point = 1; c.point <= 20; c.point++) {
    before = c.residuals;
    PetscCall(DiniComputeObjectiveAndGradient(c.dini, m, &value, g));
    counts[c.point] = c.residuals - before;
    PetscCall(Expected(m, right));
    PetscCall(DiniTestVecsClose(g, right, 1e-9, "a gradient"));
    PetscCall(VecScale(m, 1.01));
  }
  usual = counts[3];
  for (PetscInt i = 1; i <= 20; i++) {
    const PetscBool due = (PetscBool)(i == 1 || i == 2 || i == 4 || i == 16);

    if (due) DiniTestTrue(counts[i] > usual, "%" PetscInt_FMT " residuals at point %" PetscInt_FMT, counts[i], i);
    else DiniTestCount(counts[i], usual, "residuals at a point at which nothing is due");
  }
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&g));
  PetscCall(VecDestroy(&right));
  PetscCall(Destroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (int frozen = JACOBIAN; frozen < FROZEN_MAX; frozen++) {
    PetscCall(TestFrozen((Frozen)frozen, 2, 2));
    PetscCall(TestFrozen((Frozen)frozen, 3, 3));
    PetscCall(TestFrozen((Frozen)frozen, 14, 14));
    PetscCall(TestFrozen((Frozen)frozen, 6, 6));
  }
  PetscCall(TestCost());
  PetscCall(PetscFinalize());
  return 0;
}
