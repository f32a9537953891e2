static char help[] = "Second derivatives that cancel, linear systems on one factorisation, and a PDE.\n";

#include "support/fixedmap.h"

/*
  F = (u - m) w entry by entry, w = 1 + u^2 + b m^2 + c u m: u = m, whatever the weights, though F_uu = (4 + 2 c) m,
  F_um = 2 (b - 1) m and F_mm = -(4 b + 2 c) m. With |u - d|^2 / 2 the Hessian is the identity.
*/
#define B 0.3
#define C 0.7

typedef struct {
  Vec      m;
  PetscInt what; /* of the residual Hessian: 0 all, 1 to 3 one of the three left out */
} Cancel;

static PetscErrorCode Residual(Dini dini, Vec u, Vec F, void *ctx)
{
  const PetscScalar *ua, *ma;
  PetscScalar       *f;
  PetscInt           n;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecGetLocalSize(u, &n));
  PetscCall(VecGetArrayRead(u, &ua));
  PetscCall(VecGetArrayRead(((Cancel *)ctx)->m, &ma));
  PetscCall(VecGetArrayWrite(F, &f));
  for (PetscInt i = 0; i < n; i++)
    f[i] = (ua[i] - ma[i]) * (1.0 + ua[i] * ua[i] + B * ma[i] * ma[i] + C * ua[i] * ma[i]);
  PetscCall(VecRestoreArrayWrite(F, &f));
  PetscCall(VecRestoreArrayRead(((Cancel *)ctx)->m, &ma));
  PetscCall(VecRestoreArrayRead(u, &ua));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* dF/du and dF/dm on the diagonal */
static PetscErrorCode Diagonal(Vec u, Vec m, PetscBool in_m, Mat A)
{
  const PetscScalar *ua, *ma;
  PetscInt           lo, hi;

  PetscFunctionBeginUser;
  PetscCall(VecGetOwnershipRange(u, &lo, &hi));
  PetscCall(VecGetArrayRead(u, &ua));
  PetscCall(VecGetArrayRead(m, &ma));
  for (PetscInt i = 0; i < hi - lo; i++) {
    const PetscScalar x = ua[i], y = ma[i], w = 1.0 + x * x + B * y * y + C * x * y;
    const PetscScalar d = in_m ? -w + (x - y) * (2.0 * B * y + C * x) : w + (x - y) * (2.0 * x + C * y);

    PetscCall(MatSetValue(A, lo + i, lo + i, d, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscCall(VecRestoreArrayRead(m, &ma));
  PetscCall(VecRestoreArrayRead(u, &ua));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(Dini dini, Vec u, Mat J, Mat P, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)P;
  PetscCall(Diagonal(u, ((Cancel *)ctx)->m, PETSC_FALSE, J));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Fill(Dini dini, Vec u, Vec m, Mat Fm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)ctx;
  PetscCall(Diagonal(u, m, PETSC_TRUE, Fm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Solve(Dini dini, Vec u, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecCopy(((Cancel *)ctx)->m, u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* At u = m */
static PetscErrorCode ResidualHessian(Dini dini, Vec u, Vec lambda, Vec du, Vec dm, Vec hu, Vec hm, void *ctx)
{
  const PetscInt     what = ((Cancel *)ctx)->what;
  const PetscReal    uu = what == 1 ? 0.0 : 4.0 + 2.0 * C, um = what == 2 ? 0.0 : 2.0 * (B - 1.0);
  const PetscReal    mm = what == 3 ? 0.0 : -(4.0 * B + 2.0 * C);
  const PetscScalar *ua, *la, *da, *va;
  PetscScalar       *pu, *pm;
  PetscInt           n;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecGetLocalSize(u, &n));
  PetscCall(VecGetArrayRead(u, &ua));
  PetscCall(VecGetArrayRead(lambda, &la));
  PetscCall(VecGetArrayRead(du, &da));
  PetscCall(VecGetArrayRead(dm, &va));
  PetscCall(VecGetArray(hu, &pu));
  PetscCall(VecGetArray(hm, &pm));
  for (PetscInt i = 0; i < n; i++) {
    pu[i] += PetscConj(ua[i] * (uu * da[i] + um * va[i])) * la[i];
    pm[i] += PetscConj(ua[i] * (um * da[i] + mm * va[i])) * la[i];
  }
  PetscCall(VecRestoreArray(hu, &pu));
  PetscCall(VecRestoreArray(hm, &pm));
  PetscCall(VecRestoreArrayRead(u, &ua));
  PetscCall(VecRestoreArrayRead(lambda, &la));
  PetscCall(VecRestoreArrayRead(du, &da));
  PetscCall(VecRestoreArrayRead(dm, &va));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Value(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  Vec d;

  PetscFunctionBeginUser;
  (void)dini;
  (void)ctx;
  PetscCall(VecDuplicate(u, &d));
  PetscCall(VecCopy(u, d));
  PetscCall(VecShift(d, -0.3));
  PetscCall(VecNorm(d, NORM_2, value));
  *value *= 0.5 * *value;
  PetscCall(VecDestroy(&d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)dJdm;
  (void)ctx;
  PetscCall(VecCopy(u, dJdu));
  PetscCall(VecShift(dJdu, -0.3));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestCancel(PetscInt N)
{
  Cancel   ctx = {0};
  Dini     dini;
  Mat      J, Fm;
  Vec      u, v, Hv;
  PetscInt lo, hi;

  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, 1, NULL, 0, NULL, &J));
  PetscCall(MatGetOwnershipRange(J, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) PetscCall(MatSetValue(J, i, i, 1.0, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatDuplicate(J, MAT_COPY_VALUES, &Fm));
  PetscCall(MatCreateVecs(J, &u, &ctx.m));
  PetscCall(DiniTestFill(ctx.m, 10));
  PetscCall(VecShift(ctx.m, DiniTestScalar(1.5, 0.4)));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetType(dini, DINISHELL));
  PetscCall(DiniSetResidual(dini, Residual, &ctx));
  PetscCall(DiniSetJacobian(dini, J, J, Jacobian, &ctx));
  PetscCall(DiniSetSolve(dini, Solve, &ctx));
  PetscCall(DiniAddParameter(dini, "m", ctx.m, NULL));
  PetscCall(DiniSetParameterJacobian(dini, 0, Fm, Fill, NULL));
  PetscCall(DiniSetObjective(dini, Value, Gradient, NULL));
  PetscCall(DiniSetTolerances(dini, 1e-13, 1e-13));
  PetscCall(DiniSolve(dini, u));
  PetscCall(DiniTestVec(u, 11, &v));
  PetscCall(VecDuplicate(v, &Hv));
  for (int with = 0; with < 2; with++) {
    PetscCall(DiniSetResidualHessian(dini, with ? ResidualHessian : NULL, &ctx));
    PetscCall(DiniHVP(dini, v, Hv));
    PetscCall(DiniTestVecsClose(Hv, v, with ? 1e-10 : 1e-7, "Hessian of a map that is the identity"));
  }
  for (ctx.what = 1; ctx.what <= 3; ctx.what++) { /* each of the three matters */
    PetscCall(DiniSetResidualHessian(dini, ResidualHessian, &ctx));
    DiniTestExpect(DiniHVP(dini, v, Hv), PETSC_ERR_ARG_WRONG, "disagrees with differences");
    PetscCall(DiniSetGuard(dini, PETSC_FALSE));
    PetscCall(DiniHVP(dini, v, Hv));
    PetscCall(DiniTestVecsDiffer(Hv, v, 1e-3, "Hessian without one of the second derivatives"));
    PetscCall(DiniSetGuard(dini, PETSC_TRUE));
  }
  PetscCall(DiniDestroy(&dini));
  PetscCall(MatDestroy(&J));
  PetscCall(MatDestroy(&Fm));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&Hv));
  PetscCall(VecDestroy(&ctx.m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The derivative of the gradient, by solves beside the point; the statistics are put back to zero */
static PetscErrorCode Reference(Dini dini, Vec v, Vec Hv)
{
  const PetscReal h = 1e-5;
  Vec             m0, m, g;
  PetscReal       value;

  PetscFunctionBeginUser;
  PetscCall(DiniCreateParameterVec(dini, &m0));
  PetscCall(VecDuplicate(m0, &m));
  PetscCall(VecDuplicate(m0, &g));
  PetscCall(VecWAXPY(m, h, v, m0));
  PetscCall(DiniComputeObjectiveAndGradient(dini, m, &value, Hv));
  PetscCall(VecWAXPY(m, -h, v, m0));
  PetscCall(DiniComputeObjectiveAndGradient(dini, m, &value, g));
  PetscCall(VecAXPY(Hv, -1.0, g));
  PetscCall(VecScale(Hv, 0.5 / h));
  PetscCall(DiniComputeObjective(dini, m0, &value));
  PetscCall(VecDestroy(&m0));
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&g));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A(m) u = b(m): one factorisation for the solve, the tangent, the adjoint and the Hessian */
static PetscErrorCode TestLinear(PetscInt N, DiniParameterType kind)
{
  Linear         l;
  Vec            v, Hv, reference, g, m, du;
  PetscInt       before, after;
  PetscReal      value;
  DiniStatistics s;

  PetscFunctionBeginUser;
  PetscCall(LinearCreate(N, &l));
  PetscCall(LinearDini(&l, DINIKSP, kind));
  PetscCall(DiniSetState(l.dini, l.u));
  PetscCall(DiniSetObjective(l.dini, Value, Gradient, NULL));
  PetscCall(DiniSetTolerances(l.dini, 1e-13, 1e-13));
  PetscCall(DiniTestVec(l.m, 11, &v));
  PetscCall(VecDuplicate(v, &Hv));
  PetscCall(VecDuplicate(v, &g));
  PetscCall(VecDuplicate(v, &reference));
  PetscCall(DiniCreateParameterVec(l.dini, &m));
  PetscCall(DiniComputeObjective(l.dini, m, &value));
  PetscCall(Reference(l.dini, v, reference));
  PetscCall(VecDuplicate(l.u, &du));
  PetscCall(VecShift(m, 1e-14)); /* another point, all but in its values */
  PetscCall(DiniResetStatistics(l.dini));
  PetscCall(DiniTestEvent("MatLUFactorNum", &before));
  PetscCall(DiniComputeObjectiveAndGradient(l.dini, m, &value, g));
  PetscCall(DiniJVP(l.dini, v, du));
  PetscCall(DiniHVP(l.dini, v, Hv));
  PetscCall(DiniTestEvent("MatLUFactorNum", &after));
  PetscCall(DiniTestVecsClose(Hv, reference, 1e-5, "Hessian of a linear system"));
  PetscCall(DiniGetStatistics(l.dini, &s));
  DiniTestCount(s.forward_solves, 1, "forward solves");
  DiniTestCount(s.pc_setups, 0, "set-ups");
  DiniTestCount(after - before, 1, "factorisations for solve, tangent, adjoint and Hessian");
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&Hv));
  PetscCall(VecDestroy(&g));
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&reference));
  PetscCall(LinearDestroy(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A nonsymmetric, nonlinear PDE, by differences; Gauss-Newton is another matrix, and positive */
static PetscErrorCode TestPDE(DiniParameterType kind, PetscReal rtol)
{
  Transport   t;
  Vec         v, w, Hv, Hw, reference, m;
  PetscReal   value, nw, nHv;
  PetscScalar a, b;

  PetscFunctionBeginUser;
  PetscCall(TransportCreate(7, 6, &t));
  PetscCall(SNESSetTolerances(t.snes, 1e-13, 1e-13, 0.0, 50, 1000));
  PetscCall(TransportDini(&t, kind));
  PetscCall(DiniSetState(t.dini, t.u));
  PetscCall(DiniSetObjective(t.dini, TransportObjective, TransportObjectiveGradient, &t));
  PetscCall(DiniSetTolerances(t.dini, 1e-12, 1e-12));
  PetscCall(DiniTestVec(t.m, 12, &v));
  PetscCall(DiniTestVec(t.m, 13, &w));
  PetscCall(VecDuplicate(v, &Hv));
  PetscCall(VecDuplicate(v, &Hw));
  PetscCall(VecDuplicate(v, &reference));
  PetscCall(DiniCreateParameterVec(t.dini, &m));
  PetscCall(DiniComputeObjective(t.dini, m, &value));
  PetscCall(Reference(t.dini, v, reference));
  PetscCall(DiniHVP(t.dini, v, Hv));
  PetscCall(DiniTestVecsClose(Hv, reference, rtol, "Hessian of a PDE"));
  PetscCall(DiniHVP(t.dini, w, Hw));
  PetscCall(VecDot(w, Hv, &a));
  PetscCall(VecDot(Hw, v, &b));
  PetscCall(VecNorm(w, NORM_2, &nw));
  PetscCall(VecNorm(Hv, NORM_2, &nHv));
  DiniTestClose(PetscRealPart(a), PetscRealPart(b), 0.0, 1e-6 * nw * nHv, "symmetry of the Hessian of a PDE");
  PetscCall(DiniSetHessianType(t.dini, DINI_HESSIAN_GAUSS_NEWTON));
  PetscCall(DiniHVP(t.dini, v, Hv));
  PetscCall(DiniTestVecsDiffer(Hv, reference, 1e-3, "Gauss-Newton and the full Hessian"));
  PetscCall(VecDot(Hv, v, &a));
  DiniTestTrue(PetscRealPart(a) > 0.0, "<v, H v> = %g for Gauss-Newton", (double)PetscRealPart(a));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&w));
  PetscCall(VecDestroy(&Hv));
  PetscCall(VecDestroy(&Hw));
  PetscCall(VecDestroy(&reference));
  PetscCall(VecDestroy(&m));
  PetscCall(TransportDestroy(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* u = G(u, m), however G_u is known */
static PetscErrorCode TestFixedPoint(DiniFixedPointDerivative derivative)
{
  FixedMap  f;
  Vec       v, Hv, reference, m;
  PetscReal value;

  PetscFunctionBeginUser;
  PetscCall(FixedMapCreate(6, FIXEDMAP_ROTATION, 0.5, 0.1, &f));
  PetscCall(FixedMapDini(&f, derivative));
  PetscCall(DiniSetState(f.dini, f.u));
  PetscCall(DiniSetObjective(f.dini, Value, Gradient, NULL));
  PetscCall(DiniTestVec(f.m, 14, &v));
  PetscCall(VecDuplicate(v, &Hv));
  PetscCall(VecDuplicate(v, &reference));
  PetscCall(DiniCreateParameterVec(f.dini, &m));
  PetscCall(DiniComputeObjective(f.dini, m, &value));
  PetscCall(Reference(f.dini, v, reference));
  PetscCall(DiniHVP(f.dini, v, Hv));
  PetscCall(DiniTestVecsClose(Hv, reference, 1e-4, DiniFixedPointDerivatives[derivative]));
  PetscCall(DiniSetHessianType(f.dini, DINI_HESSIAN_GAUSS_NEWTON));
  PetscCall(DiniHVP(f.dini, v, Hv));
  PetscCall(DiniTestVecsDiffer(Hv, reference, 1e-3, "Gauss-Newton of a fixed point and the full Hessian"));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&Hv));
  PetscCall(VecDestroy(&reference));
  PetscCall(VecDestroy(&m));
  PetscCall(FixedMapDestroy(&f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscMPIInt size;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscLogDefaultBegin());
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  for (PetscInt N = 1; N <= 7; N += 3) PetscCall(TestCancel(N));
  if (size == 1) {
    PetscCall(DiniTestOptionsSet("-pc_type lu -ksp_type preonly"));
    PetscCall(TestLinear(8, DINIPARAMETERMATRIX));
    PetscCall(TestLinear(8, DINIPARAMETERFD));
    PetscCall(DiniTestOptionsClear("-pc_type lu -ksp_type preonly"));
  }
  PetscCall(TestPDE(DINIPARAMETERMATRIX, 1e-5));
  PetscCall(TestPDE(DINIPARAMETERCOLORING, 1e-4));
  PetscCall(TestFixedPoint(DINI_FIXEDPOINT_MATRIX));
  PetscCall(TestFixedPoint(DINI_FIXEDPOINT_OPERATOR));
  PetscCall(TestFixedPoint(DINI_FIXEDPOINT_COLORING));
  PetscCall(TestFixedPoint(DINI_FIXEDPOINT_FD));
  PetscCall(PetscFinalize());
  return 0;
}
