static char help[] = "Calls from inside calls: monitors and callbacks that call the Dini which calls them.\n";

#include "support/fixtures.h"

/* A monitor that takes every derivative of its Dini at each call, other ones than the call it watches */
typedef struct {
  Vec       ubar, mbar, dm, du, x; /* directions and room for results */
  Vec       right[3];              /* VJP, JVP and tangent solve by a Dini that nobody watches */
  Vec       gradient;              /* of the objective, or NULL */
  PetscBool objective;
  PetscInt  calls, depth;
} Nosy;

static PetscErrorCode Peek(Dini dini, DiniOperation operation, PetscInt its, PetscReal rnorm, void *ctx)
{
  Nosy               *nosy = (Nosy *)ctx;
  DiniConvergedReason reason;

  PetscFunctionBeginUser;
  (void)its;
  (void)rnorm;
  nosy->calls++;
  DiniTestCount(++nosy->depth, 1, "depth of the monitors");
  PetscCall(DiniVJP(dini, nosy->ubar, nosy->mbar));
  PetscCall(DiniTestVecsClose(nosy->mbar, nosy->right[0], 1e-8, "VJP inside"));
  PetscCall(DiniJVP(dini, nosy->dm, nosy->du));
  PetscCall(DiniTestVecsClose(nosy->du, nosy->right[1], 1e-8, "JVP inside"));
  PetscCall(DiniTangentSolve(dini, nosy->ubar, nosy->x));
  PetscCall(DiniTestVecsClose(nosy->x, nosy->right[2], 1e-8, "tangent solve inside"));
  PetscCall(DiniGetConvergedReason(dini, &reason));
  DiniTestCount(reason, DINI_CONVERGED_TANGENT, "reason of the call inside");
  if (nosy->objective && operation != DINI_OPERATION_FORWARD) {
    PetscReal value;
    Vec       m;

    PetscCall(DiniHVP(dini, nosy->dm, nosy->mbar));
    PetscCall(DiniSecondJVP(dini, nosy->dm, nosy->dm, nosy->du));
    PetscCall(VecDuplicate(nosy->mbar, &m));
    PetscCall(DiniGetParameters(dini, m));
    PetscCall(DiniComputeObjectiveAndGradient(dini, m, &value, nosy->mbar)); /* of the same point */
    PetscCall(VecDestroy(&m));
    if (nosy->gradient) PetscCall(DiniTestVecsClose(nosy->mbar, nosy->gradient, 1e-8, "gradient inside"));
  }
  nosy->depth--;
  PetscFunctionReturn(PETSC_SUCCESS);
}

enum { VJP, JVP, TANGENT, ADJOINT, HVP, GRADIENT, ACCURATE, MATVJP, MATJVP, NRESULTS };

static PetscErrorCode Column(Mat A, Vec v)
{
  Vec a;

  PetscFunctionBeginUser;
  PetscCall(MatDenseGetColumnVecRead(A, 1, &a));
  PetscCall(VecCopy(a, v));
  PetscCall(MatDenseRestoreColumnVecRead(A, 1, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Every kind of call, in its own right */
static PetscErrorCode Everything(Dini dini, Vec u, Vec m, Vec result[NRESULTS])
{
  Vec                 x, y;
  Mat                 X, Y;
  PetscReal           value;
  PetscInt            n, N, nm, NM;
  DiniConvergedReason reason;

  PetscFunctionBeginUser;
  for (int k = 0; k < NRESULTS; k++) {
    const PetscBool state = (PetscBool)(k == JVP || k == TANGENT || k == ADJOINT || k == MATJVP);

    PetscCall(VecDuplicate(state ? u : m, &result[k]));
  }
  PetscCall(DiniTestVec(u, 3, &x));
  PetscCall(DiniTestVec(m, 4, &y));
  PetscCall(DiniVJP(dini, x, result[VJP]));
  PetscCall(DiniJVP(dini, y, result[JVP]));
  PetscCall(DiniTangentSolve(dini, x, result[TANGENT]));
  PetscCall(VecScale(x, 1.5));
  PetscCall(DiniAdjointSolve(dini, x, result[ADJOINT]));
  PetscCall(DiniGetConvergedReason(dini, &reason));
  DiniTestCount(reason, DINI_CONVERGED_ADJOINT, "reason of a call that may have been watched");
  PetscCall(DiniHVP(dini, y, result[HVP]));
  PetscCall(DiniComputeObjectiveAndGradient(dini, m, &value, result[GRADIENT]));
  PetscCall(DiniSetGradientTolerance(dini, 1e-9));
  PetscCall(VecScale(x, 1.5));
  PetscCall(DiniVJP(dini, x, result[ACCURATE]));
  PetscCall(DiniSetGradientTolerance(dini, 0.0));
  PetscCall(VecGetSize(u, &N));
  PetscCall(VecGetLocalSize(u, &n));
  PetscCall(VecGetSize(m, &NM));
  PetscCall(VecGetLocalSize(m, &nm));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, n, PETSC_DECIDE, N, 3, NULL, &X));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, nm, PETSC_DECIDE, NM, 3, NULL, &Y));
  PetscCall(MatSetRandom(X, NULL));
  PetscCall(DiniMatVJP(dini, X, Y));
  PetscCall(Column(Y, result[MATVJP]));
  PetscCall(DiniMatJVP(dini, Y, X));
  PetscCall(Column(X, result[MATJVP]));
  PetscCall(MatDestroy(&X));
  PetscCall(MatDestroy(&Y));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CurvedStart(Curved *c, const char kind[])
{
  PetscFunctionBeginUser;
  PetscCall(CurvedCreate(7, c));
  PetscCall(CurvedDini(c, kind));
  PetscCall(DiniSetState(c->dini, c->u));
  PetscCall(DiniSetObjective(c->dini, CurvedObjective, CurvedObjectiveGradient, c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestMonitors(const char kind[])
{
  Curved    c[2];
  Nosy      nosy = {0};
  Vec       result[2][NRESULTS];
  PetscReal value;
  PetscInt  calls;

  PetscFunctionBeginUser;
  for (int k = 0; k < 2; k++) PetscCall(CurvedStart(&c[k], kind));
  PetscCall(DiniTestVec(c[0].u, 11, &nosy.ubar));
  PetscCall(DiniTestVec(c[0].m, 12, &nosy.dm));
  PetscCall(VecDuplicate(c[0].m, &nosy.mbar));
  PetscCall(VecDuplicate(c[0].u, &nosy.du));
  PetscCall(VecDuplicate(c[0].u, &nosy.x));
  PetscCall(DiniSolve(c[0].dini, c[0].u));
  PetscCall(VecDuplicate(c[0].m, &nosy.right[0]));
  for (int k = 1; k < 3; k++) PetscCall(VecDuplicate(c[0].u, &nosy.right[k]));
  PetscCall(DiniVJP(c[0].dini, nosy.ubar, nosy.right[0]));
  PetscCall(DiniJVP(c[0].dini, nosy.dm, nosy.right[1]));
  PetscCall(DiniTangentSolve(c[0].dini, nosy.ubar, nosy.right[2]));
  PetscCall(VecDuplicate(c[0].m, &nosy.gradient));
  PetscCall(DiniComputeObjectiveAndGradient(c[0].dini, c[0].m, &value, nosy.gradient));
  nosy.objective = PETSC_TRUE;
  PetscCall(DiniMonitorSet(c[1].dini, Peek, &nosy, NULL));
  PetscCall(DiniSolve(c[1].dini, c[1].u));
  for (int k = 0; k < 2; k++) PetscCall(Everything(c[k].dini, c[k].u, c[k].m, result[k]));
  calls = nosy.calls;
  DiniTestTrue(calls >= 10, "The monitor was called %" PetscInt_FMT " times", calls);
  for (int k = 0; k < NRESULTS; k++) {
    PetscCall(DiniTestVecsClose(result[0][k], result[1][k], 1e-7, "a call that was watched, and one that was not"));
    for (int i = 0; i < 2; i++) PetscCall(VecDestroy(&result[i][k]));
  }
  PetscCall(VecDestroy(&nosy.ubar));
  PetscCall(VecDestroy(&nosy.mbar));
  PetscCall(VecDestroy(&nosy.gradient));
  PetscCall(VecDestroy(&nosy.dm));
  PetscCall(VecDestroy(&nosy.du));
  PetscCall(VecDestroy(&nosy.x));
  for (int k = 0; k < 3; k++) PetscCall(VecDestroy(&nosy.right[k]));
  for (int k = 0; k < 2; k++) PetscCall(CurvedDestroy(&c[k]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- Linear solves of the application's that use the Dini ---- */

typedef struct {
  Cubic    *c;
  Vec       dm, du, x; /* of a JVP from inside */
  PetscBool itself;
  PetscInt  calls;
} Own;

static PetscErrorCode OwnAdjoint(Dini dini, Vec b, Vec x, void *ctx)
{
  Own *own = (Own *)ctx;
  Mat  J;

  PetscFunctionBeginUser;
  own->calls++;
  if (own->itself) {
    PetscCall(DiniAdjointSolve(dini, own->x, own->du));
    PetscCall(VecCopy(own->du, x));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(DiniGetJacobian(dini, &J, NULL));
  PetscCall(DiniJVP(dini, own->dm, own->du)); /* b is still the right-hand side afterwards */
  PetscCall(DiniTestDirectSolve(J, PETSC_TRUE, b, x));
  PetscCall(DiniTangentSolve(dini, own->x, own->du));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestOwnSolves(void)
{
  Cubic c;
  Own   own = {.c = &c};
  Vec   ubar, mbar, ref;
  Mat   J;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(9, DiniTestScalar(0.5, 0.2), &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERMATRIX));
  PetscCall(DiniTestVec(c.u, 7, &ubar));
  PetscCall(DiniTestVec(c.u, 8, &own.x));
  PetscCall(VecDuplicate(c.u, &own.du));
  PetscCall(DiniTestVec(c.m, 9, &own.dm));
  PetscCall(VecDuplicate(c.m, &mbar));
  PetscCall(VecDuplicate(c.m, &ref));
  PetscCall(DiniSetAdjointSolve(c.dini, OwnAdjoint, &own));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniVJP(c.dini, ubar, mbar));
  DiniTestCount(own.calls, 1, "calls of the application's own solve");
  PetscCall(DiniGetJacobian(c.dini, &J, NULL));
  PetscCall(DiniTestReferenceVJP(J, c.Fm, ubar, ref));
  PetscCall(DiniTestVecsClose(mbar, ref, 1e-9, "VJP by a solve that takes a JVP"));
  own.itself = PETSC_TRUE;
  PetscCall(VecScale(ubar, 2.0));
  DiniTestExpect(DiniVJP(c.dini, ubar, mbar), PETSC_ERR_ARG_WRONGSTATE, "a callback that calls itself");
  PetscCall(DiniSetAdjointSolve(c.dini, NULL, NULL));
  PetscCall(VecScale(ubar, 0.5));
  PetscCall(DiniVJP(c.dini, ubar, mbar));
  PetscCall(DiniTestVecsClose(mbar, ref, 1e-9, "VJP after it"));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&ref));
  PetscCall(VecDestroy(&own.x));
  PetscCall(VecDestroy(&own.du));
  PetscCall(VecDestroy(&own.dm));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- Objectives that contain a derivative ---- */

static PetscErrorCode Sensitive(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  Vec         dm, du;
  PetscScalar dot;

  PetscFunctionBeginUser;
  (void)ctx;
  PetscCall(DiniCreateParameterVec(dini, &dm));
  PetscCall(VecDuplicate(u, &du));
  PetscCall(VecSet(dm, 1.0));
  PetscCall(DiniJVP(dini, dm, du)); /* 1/2 |du/dm 1|^2 */
  PetscCall(VecDot(du, du, &dot));
  *value = 0.5 * PetscRealPart(dot);
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestObjective(void)
{
  Cubic       c;
  Vec         dm, du;
  Mat         J;
  PetscReal   value;
  PetscScalar dot;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(9, DiniTestScalar(0.5, 0.2), &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERMATRIX));
  PetscCall(DiniSetState(c.dini, c.u));
  PetscCall(DiniSetObjective(c.dini, Sensitive, NULL, NULL));
  PetscCall(DiniCreateParameterVec(c.dini, &dm));
  PetscCall(DiniComputeObjective(c.dini, dm, &value));
  PetscCall(DiniGetJacobian(c.dini, &J, NULL));
  PetscCall(VecDuplicate(c.u, &du));
  PetscCall(VecSet(dm, 1.0));
  PetscCall(DiniTestReferenceJVP(J, c.Fm, dm, du));
  PetscCall(VecDot(du, du, &dot));
  DiniTestClose(value, 0.5 * PetscRealPart(dot), 1e-9, 0.0, "an objective of the derivative");
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestMonitors(DINIPARAMETERMATRIX));
  PetscCall(TestMonitors(DINIPARAMETERFD));
  PetscCall(TestOwnSolves());
  PetscCall(TestObjective());
  PetscCall(PetscFinalize());
  return 0;
}
