static char help[] =
    "The Hessian of the reduced objective: closed forms, Taylor order, symmetry, callbacks against differences, "
    "blocks, costs and misuse.\n";

#include "support/fixtures.h"
#include <petsc/private/petscimpl.h>

static PetscErrorCode Dot(Vec x, Vec y, PetscReal *value)
{
  PetscScalar dot;

  PetscFunctionBeginUser;
  PetscCall(VecDot(x, y, &dot));
  *value = PetscRealPart(dot);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Callbacks(Curved *c, PetscBool with)
{
  PetscFunctionBeginUser;
  PetscCall(DiniSetObjectiveHessian(c->dini, with ? CurvedObjectiveHessian : NULL, c));
  PetscCall(DiniSetResidualHessian(c->dini, with ? CurvedResidualHessian : NULL, c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The derivative of the gradient by central differences with solves beside the point; the object is back at m0 afterwards */
static PetscErrorCode DifferenceOfGradients(Curved *c, Vec v, Vec Hv)
{
  const PetscReal h = 1e-5;
  Vec             m0, m, g;
  PetscReal       value;

  PetscFunctionBeginUser;
  PetscCall(DiniCreateParameterVec(c->dini, &m0));
  PetscCall(VecDuplicate(m0, &m));
  PetscCall(VecDuplicate(m0, &g));
  PetscCall(VecWAXPY(m, h, v, m0));
  PetscCall(DiniComputeObjectiveAndGradient(c->dini, m, &value, Hv));
  PetscCall(VecWAXPY(m, -h, v, m0));
  PetscCall(DiniComputeObjectiveAndGradient(c->dini, m, &value, g));
  PetscCall(VecAXPY(Hv, -1.0, g));
  PetscCall(VecScale(Hv, 0.5 / h));
  PetscCall(DiniComputeObjectiveAndGradient(c->dini, m0, &value, g));
  PetscCall(VecDestroy(&m0));
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&g));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* |J(m + h v) - J - h <g, v> - h^2/2 <v, H v>| falls with the third power of h */
static PetscErrorCode Taylor(Curved *c, Vec v, Vec Hv)
{
  Vec       m0, m, g;
  PetscReal value0, value, slope = 0.0, curvature = 0.0, rest[3], h = 0.1, order;

  PetscFunctionBeginUser;
  PetscCall(DiniCreateParameterVec(c->dini, &m0));
  PetscCall(VecDuplicate(m0, &m));
  PetscCall(VecDuplicate(m0, &g));
  PetscCall(DiniComputeObjectiveAndGradient(c->dini, m0, &value0, g));
  PetscCall(Dot(v, g, &slope));
  PetscCall(Dot(v, Hv, &curvature));
  for (int k = 0; k < 3; k++, h /= 4.0) {
    PetscCall(VecWAXPY(m, h, v, m0));
    PetscCall(DiniComputeObjective(c->dini, m, &value));
    rest[k] = PetscAbsReal(value - value0 - h * slope - 0.5 * h * h * curvature);
  }
  order = PetscLogReal(rest[1] / rest[2]) / PetscLogReal(4.0);
  DiniTestTrue(order > 2.8 && order < 4.2, "Taylor remainders %g %g %g, order %g", (double)rest[0], (double)rest[1],
               (double)rest[2], (double)order);
  PetscCall(DiniComputeObjectiveAndGradient(c->dini, m0, &value, g));
  PetscCall(VecDestroy(&m0));
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&g));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* With each kind of F_m, callbacks and differences: right, symmetric, of third order, cheap, and the point is untouched */
static PetscErrorCode TestKind(PetscInt N, DiniParameterType kind, PetscBool shell, PetscReal rtol)
{
  Curved           c;
  Vec              v, w, Hv, Hw, reference, g, again;
  PetscReal        value, a = 0.0, b = 0.0;
  DiniStatistics   before, after;
  PetscObjectState states[2];

  PetscFunctionBeginUser;
  PetscCall(CurvedCreate(N, &c));
  c.shell = shell;
  PetscCall(CurvedDini(&c, kind));
  PetscCall(DiniTestVec(c.m, 91, &v));
  PetscCall(DiniTestVec(c.m, 92, &w));
  PetscCall(VecDuplicate(v, &Hv));
  PetscCall(VecDuplicate(v, &Hw));
  PetscCall(VecDuplicate(v, &reference));
  PetscCall(VecDuplicate(v, &g));
  PetscCall(VecDuplicate(v, &again));
  PetscCall(VecCopy(c.m, w));
  PetscCall(DiniComputeObjectiveAndGradient(c.dini, w, &value, g));
  PetscCall(DiniTestFill(w, 92));
  PetscCall(DifferenceOfGradients(&c, v, reference));
  for (int with = 0; with < 2; with++) {
    PetscCall(Callbacks(&c, (PetscBool)with));
    PetscCall(PetscObjectStateGet((PetscObject)c.J, &states[0]));
    PetscCall(DiniHVP(c.dini, v, Hv));
    PetscCall(PetscObjectStateGet((PetscObject)c.J, &states[1]));
    DiniTestTrue(states[0] == states[1], "J has another object state after a product with the Hessian");
    PetscCall(DiniTestVecsClose(Hv, reference, PetscMax(rtol, 1e-6), kind));
    PetscCall(DiniGetStatistics(c.dini, &before));
    PetscCall(DiniHVP(c.dini, w, Hw));
    PetscCall(DiniGetStatistics(c.dini, &after));
    DiniTestCount(after.tangent_solves - before.tangent_solves, 1, "tangent solves a product");
    DiniTestCount(after.adjoint_solves - before.adjoint_solves, 1, "adjoint solves a product");
    DiniTestCount(after.pc_setups - before.pc_setups, 0, "set-ups a product");
    DiniTestCount(after.factorizations - before.factorizations, 0, "factorisations a product");
    DiniTestCount(after.hessian_products - before.hessian_products, 1, "products");
    if (with)
      DiniTestCount(after.jacobian_assemblies - before.jacobian_assemblies, 0, "assemblies of J with callbacks");
    else if (!shell)
      DiniTestCount(after.jacobian_assemblies - before.jacobian_assemblies, 2, "assemblies of J by differences");
    PetscCall(Dot(w, Hv, &a));
    PetscCall(Dot(Hw, v, &b));
    DiniTestClose(a, b, with && rtol < 1e-8 ? 1e-10 : 1e-6, 1e-12, "symmetry");
    PetscCall(Taylor(&c, v, Hv));
    /* what differences have touched is back: the gradient without a new solve, and the solution as it was */
    PetscCall(DiniHVP(c.dini, v, Hv));
    PetscCall(VecCopy(c.m, again));
    PetscCall(DiniGetStatistics(c.dini, &before));
    PetscCall(DiniComputeObjectiveAndGradient(c.dini, again, &value, Hv));
    PetscCall(DiniGetStatistics(c.dini, &after));
    DiniTestCount(after.forward_solves - before.forward_solves, 0, "forward solves after a Hessian product");
    DiniTestCount(after.jacobian_assemblies - before.jacobian_assemblies, 0, "assemblies after a Hessian product");
    PetscCall(DiniTestVecsClose(Hv, g, 1e-9, "gradient after Hessian products"));
  }
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&w));
  PetscCall(VecDestroy(&Hv));
  PetscCall(VecDestroy(&Hw));
  PetscCall(VecDestroy(&reference));
  PetscCall(VecDestroy(&g));
  PetscCall(VecDestroy(&again));
  PetscCall(CurvedDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* u + u^3 = m entry by entry: u' = 1 / (1 + 3 u^2), u'' = -6 u u'^3, and with 1/2 |u|^2: H v = |u'|^2 v + conj(u'' v) u */
static PetscErrorCode CubicValue(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)ctx;
  PetscCall(VecNorm(u, NORM_2, value));
  *value *= 0.5 * *value;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CubicGradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)dJdm;
  (void)ctx;
  PetscCall(VecCopy(u, dJdu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestClosedForm(PetscInt N, const char type[])
{
  Cubic              c;
  Vec                v, Hv, expected;
  PetscInt           n;
  PetscScalar       *e;
  const PetscScalar *u, *va;
  DiniHessianType    types[]    = {DINI_HESSIAN_FULL, DINI_HESSIAN_GAUSS_NEWTON, DINI_HESSIAN_BLEND};
  const PetscReal    fraction[] = {1.0, 0.0, 0.25};

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(N, 0.0, &c));
  PetscCall(CubicDini(&c, type, DINIPARAMETERRHS));
  PetscCall(DiniTestFill(c.m, 93));
  PetscCall(VecShift(c.m, DiniTestScalar(2.0, 0.5)));
  PetscCall(DiniSetObjective(c.dini, CubicValue, CubicGradient, NULL));
  PetscCall(DiniSetTolerances(c.dini, 1e-12, 1e-12));
  PetscCall(DiniSetHessianBlend(c.dini, 0.25));
  PetscCall(DiniSolve(c.dini, c.u)); /* no DiniSetState(): the Hessian is that of the solution */
  PetscCall(DiniTestVec(c.m, 94, &v));
  PetscCall(VecDuplicate(v, &Hv));
  PetscCall(VecDuplicate(v, &expected));
  PetscCall(VecGetLocalSize(v, &n));
  for (int k = 0; k < 3; k++) {
    PetscCall(VecGetArrayRead(c.u, &u));
    PetscCall(VecGetArrayRead(v, &va));
    PetscCall(VecGetArrayWrite(expected, &e));
    for (PetscInt i = 0; i < n; i++) {
      const PetscScalar slope = 1.0 / (1.0 + 3.0 * u[i] * u[i]);

      e[i] = slope * PetscConj(slope) * va[i];
      e[i] += fraction[k] * PetscConj(-6.0 * u[i] * slope * slope * slope * va[i]) * u[i];
    }
    PetscCall(VecRestoreArrayWrite(expected, &e));
    PetscCall(VecRestoreArrayRead(v, &va));
    PetscCall(VecRestoreArrayRead(c.u, &u));
    PetscCall(DiniSetHessianType(c.dini, types[k]));
    PetscCall(DiniHVP(c.dini, v, Hv));
    PetscCall(DiniTestVecsClose(Hv, expected, 1e-8, DiniHessianTypes[types[k]]));
  }
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&Hv));
  PetscCall(VecDestroy(&expected));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* lambda belongs to a point: a product at a new one, without a gradient there, is that of the new one */
static PetscErrorCode TestPoints(void)
{
  Curved    c;
  Vec       v, Hv, reference, m0, m1, g;
  PetscReal value;

  PetscFunctionBeginUser;
  PetscCall(CurvedCreate(5, &c));
  PetscCall(CurvedDini(&c, DINIPARAMETERMATRIX));
  PetscCall(DiniTestVec(c.m, 91, &v));
  PetscCall(VecDuplicate(v, &Hv));
  PetscCall(VecDuplicate(v, &reference));
  PetscCall(VecDuplicate(v, &g));
  PetscCall(VecDuplicate(v, &m1));
  PetscCall(DiniCreateParameterVec(c.dini, &m0));
  PetscCall(VecWAXPY(m1, 0.2, v, m0));
  PetscCall(DiniComputeObjectiveAndGradient(c.dini, m1, &value, g));
  PetscCall(DifferenceOfGradients(&c, v, reference));
  PetscCall(DiniComputeObjectiveAndGradient(c.dini, m0, &value, g));
  PetscCall(DiniHVP(c.dini, v, Hv));
  PetscCall(DiniTestVecsDiffer(Hv, reference, 1e-3, "Hessian products at two points"));
  PetscCall(DiniComputeObjective(c.dini, m1, &value));
  PetscCall(DiniHVP(c.dini, v, Hv));
  PetscCall(DiniTestVecsClose(Hv, reference, 1e-6, "Hessian product where no gradient has been"));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&Hv));
  PetscCall(VecDestroy(&reference));
  PetscCall(VecDestroy(&g));
  PetscCall(VecDestroy(&m0));
  PetscCall(VecDestroy(&m1));
  PetscCall(CurvedDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A block and the Mat against single products; a zero direction costs nothing */
static PetscErrorCode TestBlock(PetscInt N)
{
  Curved         c;
  Mat            V, HV, H, P;
  Vec            v, Hv, column;
  PetscInt       n;
  DiniStatistics before, after;
  PetscReal      norm;

  PetscFunctionBeginUser;
  PetscCall(CurvedCreate(N, &c));
  PetscCall(CurvedDini(&c, DINIPARAMETERMATRIX));
  PetscCall(Callbacks(&c, PETSC_TRUE));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(VecGetLocalSize(c.m, &n));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, n, PETSC_DECIDE, N, 3, NULL, &V));
  PetscCall(MatDuplicate(V, MAT_DO_NOT_COPY_VALUES, &HV));
  for (PetscInt j = 0; j < 3; j++) {
    PetscCall(MatDenseGetColumnVecWrite(V, j, &column));
    PetscCall(DiniTestFill(column, 95 + j));
    PetscCall(MatDenseRestoreColumnVecWrite(V, j, &column));
  }
  PetscCall(DiniMatHVP(c.dini, V, HV));
  PetscCall(DiniGetHessian(c.dini, &H));
  PetscCall(MatMatMult(H, V, MAT_INITIAL_MATRIX, PETSC_DEFAULT, &P));
  PetscCall(DiniTestMatsClose(HV, P, 1e-9, "block product and MatMatMult()"));
  PetscCall(MatCreateVecs(H, &v, &Hv));
  for (PetscInt j = 0; j < 3; j++) {
    PetscCall(DiniTestFill(v, 95 + j));
    PetscCall(MatMult(H, v, Hv));
    PetscCall(MatDenseGetColumnVecRead(HV, j, &column));
    PetscCall(DiniTestVecsClose(column, Hv, 1e-9, "column of a block product"));
    PetscCall(MatDenseRestoreColumnVecRead(HV, j, &column));
  }
  PetscCall(VecSet(v, 0.0));
  PetscCall(DiniGetStatistics(c.dini, &before));
  PetscCall(DiniHVP(c.dini, v, Hv));
  PetscCall(DiniGetStatistics(c.dini, &after));
  PetscCall(VecNorm(Hv, NORM_INFINITY, &norm));
  DiniTestClose(norm, 0.0, 0.0, 0.0, "H 0");
  DiniTestCount(after.tangent_solves + after.adjoint_solves, before.tangent_solves + before.adjoint_solves, "solves");
  PetscCall(MatDestroy(&P));
  PetscCall(MatDestroy(&V));
  PetscCall(MatDestroy(&HV));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&Hv));
  PetscCall(CurvedDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Faults in callbacks are named, on all ranks, and the object serves afterwards */
static PetscErrorCode TestFaults(void)
{
  static const struct {
    Fault          fault;
    PetscErrorCode code;
    const char    *words;
  } cases[] = {
      {FAULT_WRONG, PETSC_ERR_ARG_WRONG, "disagrees with differences"},
      {FAULT_NAN, PETSC_ERR_FP, "Hessian callback"},
      {FAULT_ERROR, PETSC_ERR_USER, "Hessian callback"},
      {FAULT_ERROR_ONE, PETSC_ERR_USER, "Hessian callback"},
  };
  Curved c;
  Vec    v, Hv, reference, small;

  PetscFunctionBeginUser;
  PetscCall(CurvedCreate(7, &c));
  PetscCall(CurvedDini(&c, DINIPARAMETERMATRIX));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniTestVec(c.m, 91, &v));
  PetscCall(VecDuplicate(v, &Hv));
  PetscCall(VecDuplicate(v, &reference));
  PetscCall(DiniHVP(c.dini, v, reference));
  for (int which = 0; which < 2; which++) {
    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
      PetscCall(DiniSetObjectiveHessian(c.dini, which ? NULL : CurvedObjectiveHessian, &c));
      PetscCall(DiniSetResidualHessian(c.dini, which ? CurvedResidualHessian : NULL, &c));
      c.second = cases[k].fault;
      DiniTestExpect(DiniHVP(c.dini, v, Hv), cases[k].code, cases[k].words);
      c.second = FAULT_NONE;
      PetscCall(DiniHVP(c.dini, v, Hv));
      PetscCall(DiniTestVecsClose(Hv, reference, 1e-7, "Hessian product after a fault"));
    }
  }
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, PETSC_DECIDE, 3, &small));
  DiniTestExpect(DiniHVP(c.dini, small, Hv), PETSC_ERR_ARG_SIZ, "The direction v");
  DiniTestExpect(DiniHVP(c.dini, v, v), PETSC_ERR_ARG_WRONG, "two different vectors");
  DiniTestExpect(DiniSetHessianType(c.dini, (DiniHessianType)7), PETSC_ERR_ARG_OUTOFRANGE, "number 7");
  DiniTestExpect(DiniSetHessianBlend(c.dini, 1.5), PETSC_ERR_ARG_OUTOFRANGE, "between 0 and 1");
  DiniTestExpect(DiniSetHessianStep(c.dini, -1.0), PETSC_ERR_ARG_OUTOFRANGE, "between 0 and 1");
  PetscCall(DiniSetObjective(c.dini, NULL, NULL, NULL));
  DiniTestExpect(DiniHVP(c.dini, v, Hv), PETSC_ERR_ORDER, "DiniSetObjective()");
  PetscCall(VecDestroy(&small));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&Hv));
  PetscCall(VecDestroy(&reference));
  PetscCall(CurvedDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestKind(9, DINIPARAMETERMATRIX, PETSC_FALSE, 1e-10));
  PetscCall(TestKind(9, DINIPARAMETEROPERATOR, PETSC_FALSE, 1e-10));
  PetscCall(TestKind(9, DINIPARAMETERCOLORING, PETSC_FALSE, 3e-6));
  PetscCall(TestKind(9, DINIPARAMETERFD, PETSC_FALSE, 3e-6));
  PetscCall(TestKind(6, DINIPARAMETERMATRIX, PETSC_TRUE, 1e-10));
  PetscCall(TestKind(1, DINIPARAMETERMATRIX, PETSC_FALSE, 1e-10));
  PetscCall(TestClosedForm(5, DINISNES));
  PetscCall(TestClosedForm(2, DINISHELL));
  PetscCall(TestPoints());
  PetscCall(TestBlock(8));
  PetscCall(TestFaults());
  PetscCall(PetscFinalize());
  return 0;
}
