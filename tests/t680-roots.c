static char help[] =
    "Roots however found: bisection, Newton and least squares give one derivative; it follows the branch; none at a "
    "double root.\n";

#include "support/fixtures.h"

/* F_i(u, m) entry by entry, with its derivatives */
typedef enum {
  ROOT_MONOTONE, /* u^3 + u - m */
  ROOT_SQUARE,   /* u^2 - m: two roots, one double root at m = 0 */
  ROOT_DOUBLE    /* (u - m)^2 */
} RootFunction;
typedef enum { BY_BISECTION, BY_NEWTON, BY_LEAST_SQUARES, BY_FORMULA } RootMethod;

typedef struct {
  RootFunction f;
  RootMethod   by;
  Mat          J, Fm;
  Vec          u, m;
  PetscInt     evaluations;
} Root;

static PetscScalar F(RootFunction f, PetscScalar u, PetscScalar m)
{
  return f == ROOT_MONOTONE ? u * u * u + u - m : f == ROOT_SQUARE ? u * u - m : (u - m) * (u - m);
}

static PetscScalar Fu(RootFunction f, PetscScalar u, PetscScalar m)
{
  return f == ROOT_MONOTONE ? 3.0 * u * u + 1.0 : f == ROOT_SQUARE ? 2.0 * u : 2.0 * (u - m);
}

static PetscScalar Fm(RootFunction f, PetscScalar u, PetscScalar m)
{
  return f == ROOT_DOUBLE ? -2.0 * (u - m) : -1.0;
}

static PetscScalar FindRoot(Root *r, PetscScalar u, PetscScalar m)
{
  PetscReal lo = -10.0, hi = 10.0;

  switch (r->by) {
  case BY_BISECTION: /* knows signs only */
    for (int k = 0; k < 80; k++) {
      const PetscReal middle = 0.5 * (lo + hi);

      r->evaluations++;
      if (PetscRealPart(F(r->f, middle, m)) > 0.0) hi = middle;
      else lo = middle;
    }
    return 0.5 * (lo + hi);
  case BY_NEWTON:
    for (int k = 0; k < 60; k++) u -= F(r->f, u, m) / Fu(r->f, u, m);
    return u;
  case BY_LEAST_SQUARES: /* Levenberg and Marquardt on F^2 / 2 */
    for (int k = 0; k < 4000; k++) {
      const PetscScalar slope = Fu(r->f, u, m);

      u -= slope * F(r->f, u, m) / (slope * slope + 0.5);
    }
    return u;
  default:
    return m;
  }
}

static PetscErrorCode Residual(Dini dini, Vec u, Vec y, void *ctx)
{
  Root              *r = (Root *)ctx;
  const PetscScalar *ua, *ma;
  PetscScalar       *ya;
  PetscInt           n;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecGetLocalSize(u, &n));
  PetscCall(VecGetArrayRead(u, &ua));
  PetscCall(VecGetArrayRead(r->m, &ma));
  PetscCall(VecGetArrayWrite(y, &ya));
  for (PetscInt i = 0; i < n; i++) ya[i] = F(r->f, ua[i], ma[i]);
  PetscCall(VecRestoreArrayWrite(y, &ya));
  PetscCall(VecRestoreArrayRead(r->m, &ma));
  PetscCall(VecRestoreArrayRead(u, &ua));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Diagonal(Root *r, Vec u, PetscScalar (*f)(RootFunction, PetscScalar, PetscScalar), Mat A)
{
  const PetscScalar *ua, *ma;
  PetscInt           lo, hi;

  PetscFunctionBeginUser;
  PetscCall(VecGetOwnershipRange(u, &lo, &hi));
  PetscCall(VecGetArrayRead(u, &ua));
  PetscCall(VecGetArrayRead(r->m, &ma));
  for (PetscInt i = lo; i < hi; i++) PetscCall(MatSetValue(A, i, i, f(r->f, ua[i - lo], ma[i - lo]), INSERT_VALUES));
  PetscCall(VecRestoreArrayRead(r->m, &ma));
  PetscCall(VecRestoreArrayRead(u, &ua));
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(Dini dini, Vec u, Mat J, Mat P, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)P;
  PetscCall(Diagonal((Root *)ctx, u, Fu, J));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Fill(Dini dini, Vec u, Vec m, Mat A, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)m;
  PetscCall(Diagonal((Root *)ctx, u, Fm, A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Solve(Dini dini, Vec u, void *ctx)
{
  Root              *r = (Root *)ctx;
  const PetscScalar *ma;
  PetscScalar       *ua;
  PetscInt           n;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecGetLocalSize(u, &n));
  PetscCall(VecGetArray(u, &ua));
  PetscCall(VecGetArrayRead(r->m, &ma));
  for (PetscInt i = 0; i < n; i++) ua[i] = FindRoot(r, ua[i], ma[i]);
  PetscCall(VecRestoreArrayRead(r->m, &ma));
  PetscCall(VecRestoreArray(u, &ua));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RootCreate(PetscInt N, RootFunction f, RootMethod by, Root *r, Dini *dini)
{
  PetscInt lo, hi;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(r, sizeof(*r)));
  r->f  = f;
  r->by = by;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, 1, NULL, 0, NULL, &r->J));
  PetscCall(MatGetOwnershipRange(r->J, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) PetscCall(MatSetValue(r->J, i, i, 1.0, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(r->J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(r->J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatDuplicate(r->J, MAT_COPY_VALUES, &r->Fm));
  PetscCall(MatCreateVecs(r->J, &r->u, &r->m));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, dini));
  PetscCall(DiniSetType(*dini, DINISHELL));
  PetscCall(DiniSetResidual(*dini, Residual, r));
  PetscCall(DiniSetJacobian(*dini, r->J, r->J, Jacobian, r));
  PetscCall(DiniSetSolve(*dini, Solve, r));
  PetscCall(DiniAddParameter(*dini, "m", r->m, NULL));
  PetscCall(DiniSetParameterJacobian(*dini, 0, r->Fm, Fill, r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RootDestroy(Root *r, Dini *dini)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(dini));
  PetscCall(MatDestroy(&r->J));
  PetscCall(MatDestroy(&r->Fm));
  PetscCall(VecDestroy(&r->u));
  PetscCall(VecDestroy(&r->m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* m real and between 1 and 3, so that bisection has a sign to look at in complex builds too */
static PetscErrorCode RealParameters(Vec m)
{
  PetscFunctionBeginUser;
  PetscCall(DiniTestFill(m, 20));
  if (PetscDefined(USE_COMPLEX)) PetscCall(VecRealPart(m));
  PetscCall(VecShift(m, 2.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* du/dm = 1 / (1 + 3 u^2), whoever has found u */
static PetscErrorCode TestMethods(PetscInt N)
{
  Root               r;
  Dini               dini;
  Vec                v, du, mbar, expected;
  const PetscScalar *u, *va;
  PetscScalar       *e;
  PetscInt           n;

  PetscFunctionBeginUser;
  for (int by = BY_BISECTION; by <= BY_LEAST_SQUARES; by++) {
    PetscCall(RootCreate(N, ROOT_MONOTONE, (RootMethod)by, &r, &dini));
    PetscCall(RealParameters(r.m));
    PetscCall(VecSet(r.u, 1.0));
    PetscCall(DiniSolve(dini, r.u));
    PetscCall(DiniTestVec(r.u, 21, &v));
    PetscCall(VecDuplicate(v, &du));
    PetscCall(VecDuplicate(v, &mbar));
    PetscCall(VecDuplicate(v, &expected));
    PetscCall(VecGetLocalSize(v, &n));
    PetscCall(VecGetArrayRead(r.u, &u));
    PetscCall(VecGetArrayRead(v, &va));
    PetscCall(VecGetArrayWrite(expected, &e));
    for (PetscInt i = 0; i < n; i++) e[i] = va[i] / (1.0 + 3.0 * u[i] * u[i]);
    PetscCall(VecRestoreArrayWrite(expected, &e));
    PetscCall(VecRestoreArrayRead(v, &va));
    PetscCall(VecRestoreArrayRead(r.u, &u));
    PetscCall(DiniJVP(dini, v, du));
    PetscCall(DiniTestVecsClose(du, expected, 1e-9, "tangent of a root"));
    PetscCall(DiniVJP(dini, v, mbar));
    PetscCall(DiniTestVecsClose(mbar, expected, 1e-9, "adjoint of a root"));
    PetscCall(VecDestroy(&v));
    PetscCall(VecDestroy(&du));
    PetscCall(VecDestroy(&mbar));
    PetscCall(VecDestroy(&expected));
    PetscCall(RootDestroy(&r, &dini));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* u = +-sqrt(m): du/dm = 1 / (2 u), of the sign of the root that was found, one sign here and the other there */
static PetscErrorCode TestBranches(PetscInt N)
{
  Root               r;
  Dini               dini;
  Vec                v, du, expected;
  const PetscScalar *m;
  PetscScalar       *u, *e;
  PetscInt           lo, hi;

  PetscFunctionBeginUser;
  PetscCall(RootCreate(N, ROOT_SQUARE, BY_NEWTON, &r, &dini));
  PetscCall(RealParameters(r.m));
  PetscCall(VecGetOwnershipRange(r.u, &lo, &hi));
  PetscCall(VecGetArrayWrite(r.u, &u));
  for (PetscInt i = lo; i < hi; i++) u[i - lo] = i % 2 ? -1.0 : 1.0;
  PetscCall(VecRestoreArrayWrite(r.u, &u));
  PetscCall(DiniSolve(dini, r.u));
  PetscCall(VecDuplicate(r.m, &v));
  PetscCall(VecSet(v, 1.0));
  PetscCall(VecDuplicate(v, &du));
  PetscCall(VecDuplicate(v, &expected));
  PetscCall(VecGetArrayRead(r.m, &m));
  PetscCall(VecGetArrayWrite(expected, &e));
  for (PetscInt i = lo; i < hi; i++) e[i - lo] = (i % 2 ? -0.5 : 0.5) / PetscSqrtScalar(m[i - lo]);
  PetscCall(VecRestoreArrayWrite(expected, &e));
  PetscCall(VecRestoreArrayRead(r.m, &m));
  PetscCall(DiniJVP(dini, v, du));
  PetscCall(DiniTestVecsClose(du, expected, 1e-9, "tangent on the branch that was found"));
  PetscCall(DiniVJP(dini, v, du));
  PetscCall(DiniTestVecsClose(du, expected, 1e-9, "adjoint on the branch that was found"));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&expected));
  PetscCall(RootDestroy(&r, &dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J is singular at a double root, everywhere or in one entry only: an error, or NaN and a negative reason, never a number */
static PetscErrorCode TestDegenerate(PetscInt N, RootFunction f)
{
  Root                r;
  Dini                dini;
  Vec                 v, du;
  PetscReal           norm;
  PetscInt            lo, hi;
  DiniConvergedReason reason;

  PetscFunctionBeginUser;
  PetscCall(RootCreate(N, f, f == ROOT_DOUBLE ? BY_FORMULA : BY_NEWTON, &r, &dini));
  PetscCall(DiniSetGuard(dini, PETSC_FALSE)); /* it would speak up first */
  PetscCall(VecSet(r.m, 1.0));
  PetscCall(VecSet(r.u, 1.0));
  if (f == ROOT_SQUARE) { /* m = 0 and u = 0 in the last entry, found by attaching */
    PetscCall(VecGetOwnershipRange(r.m, &lo, &hi));
    if (hi == N && hi > lo) PetscCall(VecSetValue(r.m, N - 1, 0.0, INSERT_VALUES));
    PetscCall(VecAssemblyBegin(r.m));
    PetscCall(VecAssemblyEnd(r.m));
    PetscCall(VecCopy(r.m, r.u));
    PetscCall(DiniAttach(dini, r.u));
  } else PetscCall(DiniSolve(dini, r.u));
  PetscCall(DiniTestVec(r.u, 22, &v));
  PetscCall(VecDuplicate(v, &du));
  DiniTestExpect(DiniVJP(dini, v, du), PETSC_ERR_NOT_CONVERGED, "The adjoint solve");
  DiniTestExpect(DiniTangentSolve(dini, v, du), PETSC_ERR_NOT_CONVERGED, "The tangent solve");
  PetscCall(DiniSetErrorIfNotConverged(dini, PETSC_FALSE));
  PetscCall(DiniVJP(dini, v, du));
  PetscCall(DiniGetConvergedReason(dini, &reason));
  PetscCall(VecNorm(du, NORM_2, &norm));
  DiniTestTrue(reason < 0 && PetscIsInfOrNanReal(norm), "A double root has reason %d and a derivative of norm %g",
               (int)reason, (double)norm);
  /* the object serves elsewhere */
  PetscCall(VecSet(r.m, 4.0));
  PetscCall(VecSet(r.u, 2.0));
  if (f == ROOT_SQUARE) {
    PetscCall(DiniSetErrorIfNotConverged(dini, PETSC_TRUE));
    PetscCall(DiniSolve(dini, r.u));
    PetscCall(DiniVJP(dini, v, du));
    PetscCall(VecScale(v, 0.25));
    PetscCall(DiniTestVecsClose(du, v, 1e-9, "derivative after a double root"));
  }
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&du));
  PetscCall(RootDestroy(&r, &dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (PetscInt N = 1; N <= 10; N += 3) {
    PetscCall(TestMethods(N));
    PetscCall(TestBranches(N));
    PetscCall(TestDegenerate(N, ROOT_DOUBLE));
    PetscCall(TestDegenerate(N, ROOT_SQUARE));
  }
  PetscCall(PetscFinalize());
  return 0;
}
