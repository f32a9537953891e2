static char help[] =
    "Least squares of least norm where something is wrong with the null space, or A changes its rank: errors that say so;\n\
a given F_m, and second derivatives where the null space does not turn.\n";

#include "support/lownorm.h"

/* At m_0 = 1 a singular value is zero and elsewhere it is not: u jumps */
static PetscErrorCode TestRank(PetscInt M, PetscInt N, LowNormFamily family)
{
  LowNorm p;
  Vec     ubar, mbar;

  PetscFunctionBeginUser;
  PetscCall(LowNormCreate(M, N, 3, family, PETSC_TRUE, KSPLSQR, &p));
  PetscCall(VecSet(p.u, 0.0));
  PetscCall(DiniSolve(p.dini, p.u));
  PetscCall(DiniTestVec(p.u, 4, &ubar));
  PetscCall(VecDuplicate(p.m, &mbar));
  DiniTestExpect(DiniVJP(p.dini, ubar, mbar), PETSC_ERR_ARG_WRONG, "The rank of A changes with the parameters");
  DiniTestExpect(DiniJVP(p.dini, mbar, ubar), PETSC_ERR_ARG_WRONG, "The rank of A changes with the parameters");
  /* elsewhere there is a derivative */
  if (!PetscDefined(USE_COMPLEX)) {
    PetscCall(VecShift(p.m, 0.3));
    PetscCall(LowNormSolve(&p));
    PetscCall(DiniVJP(p.dini, ubar, mbar));
    PetscCall(VecShift(p.m, -0.3)); /* and back to a point without, of the same Dini */
    PetscCall(LowNormFill(p.m, (PetscScalar[]){1.0, 0.4, -0.6}));
    PetscCall(VecSet(p.u, 0.0));
    PetscCall(KSPSetInitialGuessNonzero(p.ksp, PETSC_FALSE));
    PetscCall(DiniSolve(p.dini, p.u));
    DiniTestExpect(DiniVJP(p.dini, ubar, mbar), PETSC_ERR_ARG_WRONG, "The rank of A changes with the parameters");
  }
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(LowNormDestroy(&p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Not all of the null space, not a null space, none of it, and a state that is not of least norm */
static PetscErrorCode TestWrong(PetscInt M, PetscInt N, PetscInt r)
{
  LowNorm      p;
  Vec          bbar, n;
  MatNullSpace null;
  PetscInt     count;
  const Vec   *vecs;

  PetscFunctionBeginUser;
  PetscCall(LowNormCreate(M, N, r, LOWNORM_FIXED, PETSC_FALSE, KSPLSQR, &p));
  PetscCall(VecDuplicate(p.b, &bbar));
  PetscCall(LowNormSolve(&p));
  PetscCall(DiniVJP(p.dini, p.u, bbar));
  PetscCall(MatGetNullSpace(p.A, &null));
  PetscCall(MatNullSpaceGetVecs(null, NULL, &count, &vecs));
  PetscCall(VecDuplicate(p.u, &n));
  PetscCall(VecCopy(p.u, n));
  PetscCall(DiniAttach(p.dini, n));
  PetscCall(VecAXPY(n, 1e-3, vecs[0]));
  DiniTestExpect(DiniAttach(p.dini, n), PETSC_ERR_NOT_CONVERGED, "is not a solution");
  if (N - r > 1) {
    p.leave = 1;
    PetscCall(LowNormAssemble(NULL, p.A, p.A, p.b, &p));
    PetscCall(DiniSolve(p.dini, p.u));
    DiniTestExpect(DiniVJP(p.dini, p.u, bbar), PETSC_ERR_NOT_CONVERGED, "attach the whole null space");
    p.leave = 0;
  }
  p.tilt = 0.1;
  PetscCall(LowNormAssemble(NULL, p.A, p.A, p.b, &p));
  DiniTestExpect(DiniSolve(p.dini, p.u), PETSC_ERR_ARG_INCOMP, "is not one of A");
  p.tilt = 0.0;
  PetscCall(LowNormAssemble(NULL, p.A, p.A, p.b, &p));
  PetscCall(LowNormSolve(&p));
  PetscCall(DiniVJP(p.dini, p.u, bbar));
  PetscCall(MatSetNullSpace(p.A, NULL));
  PetscCall(DiniSolve(p.dini, p.u));
  DiniTestExpect(DiniVJP(p.dini, p.u, bbar), PETSC_ERR_NOT_CONVERGED, "attach the null space");
  PetscCall(VecDestroy(&bbar));
  PetscCall(VecDestroy(&n));
  PetscCall(LowNormDestroy(&p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

#if !defined(PETSC_USE_COMPLEX)
/* d/dm A^H (A u - b) at a fixed u, by differences of what every rank computes */
static PetscErrorCode FillFm(Dini dini, Vec u, Vec mvec, Mat Fm, void *ctx)
{
  const PetscReal h = 1e-5;
  LowNorm        *p = (LowNorm *)ctx;
  LowNormDense    B, C;
  PetscScalar     m[LOWNORM_NM], values[LOWNORM_MAX], F[2][LOWNORM_MAX];
  PetscInt        lo, hi;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(LowNormGather(u, values));
  PetscCall(MatGetOwnershipRange(Fm, &lo, &hi));
  for (PetscInt i = 0; i < LOWNORM_NM; i++) {
    for (PetscInt side = 0; side < 2; side++) {
      PetscCall(LowNormGather(mvec, m));
      m[i] += side ? h : -h;
      LowNormFactors(p, m, B, C);
      for (PetscInt l = 0; l < p->N; l++) F[side][l] = 0.0;
      for (PetscInt k = 0; k < p->M; k++) {
        PetscScalar r = -LowNormRightHandSide(p, m, k);

        for (PetscInt j = 0; j < p->r; j++)
          for (PetscInt l = 0; l < p->N; l++) r += B[k][j] * C[j][l] * values[l];
        for (PetscInt j = 0; j < p->r; j++)
          for (PetscInt l = 0; l < p->N; l++) F[side][l] += B[k][j] * C[j][l] * r;
      }
    }
    for (PetscInt l = lo; l < hi; l++) PetscCall(MatSetValue(Fm, l, i, (F[1][l] - F[0][l]) / (2.0 * h), INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(Fm, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(Fm, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* That is F_m where the null space is fixed, and where it turns the guard says that it is not */
static PetscErrorCode TestGiven(LowNormFamily family)
{
  LowNorm     p;
  PetscScalar d[LOWNORM_NM], du[LOWNORM_MAX];
  Vec         dm, found, expected;
  PetscInt    n, nm;
  Mat         Fm;

  PetscFunctionBeginUser;
  PetscCall(LowNormCreate(7, 5, 3, family, PETSC_TRUE, KSPLSQR, &p));
  PetscCall(VecGetLocalSize(p.u, &n));
  PetscCall(VecGetLocalSize(p.m, &nm));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, n, nm, 5, LOWNORM_NM, NULL, &Fm));
  PetscCall(DiniSetParameterJacobian(p.dini, 0, Fm, FillFm, &p));
  PetscCall(LowNormSolve(&p));
  PetscCall(DiniTestVec(p.m, 3, &dm));
  PetscCall(VecDuplicate(p.u, &found));
  PetscCall(VecDuplicate(p.u, &expected));
  PetscCall(LowNormGather(dm, d));
  if (family == LOWNORM_TURNS) DiniTestExpect(DiniJVP(p.dini, dm, found), PETSC_ERR_ARG_WRONG, "is not dF/dm");
  else {
    PetscCall(LowNormDifference(&p, d, du));
    PetscCall(LowNormFill(expected, du));
    PetscCall(DiniJVP(p.dini, dm, found));
    PetscCall(DiniTestVecsClose(found, expected, 1e-6, "JVP of A^+ b by a given F_m"));
  }
  PetscCall(MatDestroy(&Fm));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&found));
  PetscCall(VecDestroy(&expected));
  PetscCall(LowNormDestroy(&p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Value(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  PetscScalar dot;

  PetscFunctionBeginUser;
  (void)dini;
  (void)ctx;
  PetscCall(VecDot(u, u, &dot));
  *value = 0.5 * dot;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)ctx;
  (void)dJdm;
  PetscCall(VecCopy(u, dJdu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* (du(m + h d) - du(m - h d)) / 2 h along e, and the same of the gradient of |u|^2 / 2 along e */
static PetscErrorCode SecondDifference(LowNorm *p, Vec d, const PetscScalar e[], PetscScalar ddu[], PetscScalar *dg)
{
  const PetscReal h = 1e-3;
  PetscScalar     m[LOWNORM_NM], du[2][LOWNORM_MAX], u[LOWNORM_MAX], g[2] = {0.0, 0.0};

  PetscFunctionBeginUser;
  for (PetscInt side = 0; side < 2; side++) {
    PetscCall(VecAXPY(p->m, side ? h : -h, d));
    PetscCall(LowNormDifference(p, e, du[side]));
    PetscCall(LowNormGather(p->m, m));
    LowNormSolution(p, m, u);
    for (PetscInt l = 0; l < p->N; l++) g[side] += u[l] * du[side][l];
    PetscCall(VecAXPY(p->m, side ? -h : h, d));
  }
  for (PetscInt l = 0; l < p->N; l++) ddu[l] = (du[1][l] - du[0][l]) / (2.0 * h);
  *dg = (g[1] - g[0]) / (2.0 * h);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestSecond(LowNormFamily family)
{
  LowNorm     p;
  PetscScalar d[LOWNORM_NM], ddu[LOWNORM_MAX], other[LOWNORM_MAX], H[LOWNORM_NM], dg;
  Vec         dm, found, expected, v, Hv, wanted;

  PetscFunctionBeginUser;
  PetscCall(LowNormCreate(7, 5, 3, family, PETSC_TRUE, KSPLSQR, &p));
  PetscCall(DiniSetObjective(p.dini, Value, Gradient, NULL));
  PetscCall(DiniTestVec(p.m, 3, &dm));
  PetscCall(DiniTestVec(p.m, 5, &v));
  PetscCall(VecDuplicate(p.m, &Hv));
  PetscCall(VecDuplicate(p.m, &wanted));
  PetscCall(VecDuplicate(p.u, &found));
  PetscCall(VecDuplicate(p.u, &expected));
  PetscCall(LowNormGather(dm, d));
  PetscCall(SecondDifference(&p, dm, d, ddu, &dg));
  PetscCall(LowNormFill(expected, ddu));
  for (PetscInt i = 0; i < LOWNORM_NM; i++) {
    PetscScalar e[LOWNORM_NM] = {0.0};

    e[i] = 1.0;
    PetscCall(SecondDifference(&p, v, e, other, &H[i]));
  }
  PetscCall(LowNormFill(wanted, H));
  PetscCall(DiniSetState(p.dini, p.u));
  PetscCall(LowNormSolve(&p));
  if (family == LOWNORM_TURNS) {
    DiniTestExpect(DiniSecondJVP(p.dini, dm, dm, found), PETSC_ERR_SUP, "turns with the parameters");
    DiniTestExpect(DiniHVP(p.dini, v, Hv), PETSC_ERR_SUP, "turns with the parameters");
  } else {
    PetscCall(DiniSecondJVP(p.dini, dm, dm, found));
    PetscCall(DiniTestVecsClose(found, expected, 1e-4, "second JVP of A^+ b"));
    PetscCall(DiniHVP(p.dini, v, Hv));
    PetscCall(DiniTestVecsClose(Hv, wanted, 1e-4, "Hessian of |A^+ b|^2"));
  }
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&Hv));
  PetscCall(VecDestroy(&wanted));
  PetscCall(VecDestroy(&found));
  PetscCall(VecDestroy(&expected));
  PetscCall(LowNormDestroy(&p));
  PetscFunctionReturn(PETSC_SUCCESS);
}
#endif

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestRank(6, 5, LOWNORM_FALLS));
  PetscCall(TestRank(6, 5, LOWNORM_TOUCHES));
  PetscCall(TestRank(3, 5, LOWNORM_FALLS));
  PetscCall(TestWrong(6, 5, 3));
  PetscCall(TestWrong(4, 4, 3));
  PetscCall(TestWrong(3, 4, 3));
#if !defined(PETSC_USE_COMPLEX)
  PetscCall(TestGiven(LOWNORM_FIXED));
  PetscCall(TestGiven(LOWNORM_TURNS));
  PetscCall(TestSecond(LOWNORM_FIXED));
  PetscCall(TestSecond(LOWNORM_TURNS));
#endif
  PetscCall(PetscFinalize());
  return 0;
}
