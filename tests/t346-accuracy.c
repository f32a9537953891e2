static char help[] = "Errors that a user can read: lambda^H F for the objective, an estimate for the gradient, and a "
                     "tolerance for it.\n";

#include "support/fixtures.h"

/* J(u) at a loose forward solve, J(u(m)) at a tight one: the estimate tells their difference to first order. */
static PetscErrorCode TestObjective(void)
{
  Transport      t;
  Vec            m, g;
  PetscReal      loose, tight;
  DiniStatistics s;

  PetscFunctionBeginUser;
  PetscCall(TransportCreate(8, 7, &t));
  PetscCall(TransportDini(&t, DINIPARAMETERMATRIX));
  PetscCall(DiniSetState(t.dini, t.u));
  PetscCall(DiniSetObjective(t.dini, TransportObjective, TransportObjectiveGradient, &t));
  PetscCall(DiniCreateParameterVec(t.dini, &m));
  PetscCall(VecDuplicate(m, &g));
  PetscCall(SNESSetTolerances(t.snes, 0.0, 3e-2, 0.0, 50, 1000));
  PetscCall(DiniComputeObjectiveAndGradient(t.dini, m, &loose, g));
  PetscCall(DiniGetStatistics(t.dini, &s));
  PetscCall(SNESSetTolerances(t.snes, 0.0, 1e-13, 0.0, 50, 1000));
  PetscCall(VecSet(t.u, 0.0)); /* away from the point, so that it is solved again */
  PetscCall(DiniComputeObjective(t.dini, m, &tight));
  DiniTestTrue(PetscAbsReal(loose - tight) > 1e-9, "The loose solve is too good for this test: %g",
               (double)(loose - tight));
  DiniTestClose(s.objective_error, PetscAbsReal(loose - tight), 0.3, 0.0, "error of the objective and its estimate");
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&g));
  PetscCall(TransportDestroy(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Distance2(Vec a, Vec b, PetscReal *relative)
{
  Vec       d;
  PetscReal norm;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(a, &d));
  PetscCall(VecCopy(a, d));
  PetscCall(VecAXPY(d, -1.0, b));
  PetscCall(VecNorm(d, NORM_2, relative));
  PetscCall(VecNorm(b, NORM_2, &norm));
  *relative /= norm;
  PetscCall(VecDestroy(&d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The gradient is as good as was asked for and not much better; the adjoint tolerance that a user had is untouched. */
static PetscErrorCode TestTolerance(PetscReal rtol)
{
  Transport      t;
  Vec            ubar, mbar, ref;
  PetscReal      error, adjoint;
  DiniStatistics s;

  PetscFunctionBeginUser;
  PetscCall(TransportCreate(10, 9, &t));
  PetscCall(TransportDini(&t, DINIPARAMETERMATRIX));
  PetscCall(DiniTestVec(t.u, 1, &ubar));
  PetscCall(VecDuplicate(t.m, &mbar));
  PetscCall(VecDuplicate(t.m, &ref));
  PetscCall(DiniSolve(t.dini, t.u));
  PetscCall(DiniSetGradientTolerance(t.dini, rtol));
  PetscCall(DiniVJP(t.dini, ubar, mbar));
  PetscCall(TransportReferenceVJP(&t, ubar, ref));
  PetscCall(Distance2(mbar, ref, &error));
  PetscCall(DiniGetStatistics(t.dini, &s));
  DiniTestTrue(error <= rtol, "Gradient off by %g where %g was asked for", (double)error, (double)rtol);
  DiniTestTrue(s.gradient_error <= rtol, "Estimated error %g where %g was asked for", (double)s.gradient_error,
               (double)rtol);
  DiniTestTrue(error <= 5.0 * s.gradient_error + 1e-12, "Corrected gradient off by %g, estimated %g", (double)error,
               (double)s.gradient_error);
  PetscCall(DiniGetTolerances(t.dini, NULL, &adjoint));
  DiniTestClose(adjoint, 1e-10, 0.0, 0.0, "adjoint tolerance afterwards");
  PetscCall(DiniSetGradientTolerance(t.dini, 0.0));
  PetscCall(DiniVJP(t.dini, ubar, mbar));
  PetscCall(Distance2(mbar, ref, &error));
  PetscCall(DiniGetStatistics(t.dini, &s));
  DiniTestTrue(error <= 100.0 * s.gradient_error + 1e-12, "Error %g, estimated %g", (double)error,
               (double)s.gradient_error);
  DiniTestExpect(DiniSetGradientTolerance(t.dini, -1.0), PETSC_ERR_ARG_OUTOFRANGE, "-1");
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&ref));
  PetscCall(TransportDestroy(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Eisenstat-Walker, loose tolerances, sides and types of the forward solver stay in the forward solver. */
static PetscErrorCode TestNoLeak(const char options[])
{
  Transport t;
  Vec       ubar, mbar, ref;

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(TransportCreate(8, 7, &t));
  PetscCall(TransportDini(&t, DINIPARAMETERMATRIX));
  PetscCall(DiniTestVec(t.u, 1, &ubar));
  PetscCall(VecDuplicate(t.m, &mbar));
  PetscCall(VecDuplicate(t.m, &ref));
  PetscCall(DiniSolve(t.dini, t.u));
  PetscCall(DiniVJP(t.dini, ubar, mbar));
  PetscCall(TransportReferenceVJP(&t, ubar, ref));
  PetscCall(DiniTestVecsClose(mbar, ref, 1e-8, options));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&ref));
  PetscCall(TransportDestroy(&t));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Product(Mat A, Vec x, Vec y)
{
  Mat J;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(A, &J));
  PetscCall(MatMult(J, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FillProduct(Dini dini, Vec u, Mat J, Mat P, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)J;
  PetscCall(CubicJacobian((Cubic *)ctx, u, P));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A J that can only be applied is replaced by an assembled one during the first adjoint solve. */
static PetscErrorCode TestApplied(void)
{
  Cubic    c;
  Mat      J, Fm;
  Vec      x, y, z;
  PetscInt n, N;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(8, DiniTestScalar(0.3, 0.1), &c));
  PetscCall(VecGetLocalSize(c.u, &n));
  PetscCall(VecGetSize(c.u, &N));
  PetscCall(MatCreateShell(PETSC_COMM_WORLD, n, n, N, N, c.J, &J));
  PetscCall(MatShellSetOperation(J, MATOP_MULT, (void (*)(void))Product));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERRHS));
  PetscCall(DiniSetJacobian(c.dini, J, c.J, FillProduct, &c));
  PetscCall(DiniSetGradientTolerance(c.dini, 1e-6));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniTestVec(c.u, 3, &x));
  PetscCall(VecDuplicate(x, &y));
  PetscCall(VecDuplicate(x, &z));
  PetscCall(DiniVJP(c.dini, x, y));
  PetscCall(MatDuplicate(c.J, MAT_DO_NOT_COPY_VALUES, &Fm));
  PetscCall(MatShift(Fm, -1.0));
  PetscCall(CubicJacobian(&c, c.u, c.J));
  PetscCall(DiniTestReferenceVJP(c.J, Fm, x, z));
  PetscCall(DiniTestVecsClose(y, z, 1e-6, "a gradient with an applied J"));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&y));
  PetscCall(VecDestroy(&z));
  PetscCall(MatDestroy(&J));
  PetscCall(MatDestroy(&Fm));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A gradient to a tolerance of its own leaves a loose lambda behind, which is none for the Hessian. */
static PetscErrorCode TestLooseGradient(void)
{
  Curved    c;
  Vec       m, v, g, Hv, expected;
  PetscReal value;

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet("-pc_type none"));
  PetscCall(CurvedCreate(12, &c));
  PetscCall(CurvedDini(&c, DINIPARAMETERMATRIX));
  PetscCall(DiniCreateParameterVec(c.dini, &m));
  PetscCall(DiniTestVec(m, 5, &v));
  PetscCall(VecDuplicate(m, &g));
  PetscCall(VecDuplicate(m, &Hv));
  PetscCall(VecDuplicate(m, &expected));
  PetscCall(DiniComputeObjective(c.dini, m, &value));
  PetscCall(DiniHVP(c.dini, v, expected));
  PetscCall(DiniSetGradientTolerance(c.dini, 1e-2));
  PetscCall(DiniComputeObjectiveAndGradient(c.dini, m, &value, g));
  PetscCall(DiniHVP(c.dini, v, Hv));
  PetscCall(DiniTestVecsClose(Hv, expected, 1e-9, "H v after a loose gradient"));
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&g));
  PetscCall(VecDestroy(&Hv));
  PetscCall(VecDestroy(&expected));
  PetscCall(CurvedDestroy(&c));
  PetscCall(DiniTestOptionsClear("-pc_type none"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestObjective());
  PetscCall(TestTolerance(1e-3));
  PetscCall(TestTolerance(1e-6));
  PetscCall(TestTolerance(1e-9));
  PetscCall(TestApplied());
  PetscCall(TestLooseGradient());
  PetscCall(TestNoLeak("-snes_ksp_ew -ksp_pc_side right -pc_type bjacobi"));
  PetscCall(TestNoLeak("-ksp_rtol 0.1 -ksp_pc_side left -pc_type bjacobi"));
  PetscCall(TestNoLeak("-snes_rtol 1e-2 -pc_type gamg"));
  PetscCall(TestNoLeak("-dini_adjoint_ksp_guess_type fischer -pc_type bjacobi"));
  PetscCall(PetscFinalize());
  return 0;
}
