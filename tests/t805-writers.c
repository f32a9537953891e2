static char help[] =
    "A residual that writes into J, two blocks with one F_m, matrices that nobody fills again: derivatives are those of the\n\
closed form, or there is an error.\n";

#include "support/roots.h"

/* A residual that fills J on the way: differences of F move it, between linearization and solve too */
static PetscErrorCode TestResidualWrites(void)
{
  Roots r;
  Dini  dini;
  Vec   u;

  PetscFunctionBeginUser;
  PetscCall(RootsCreate(ROOTS_AIJ, &r));
  r.writes = PETSC_TRUE;
  PetscCall(RootsBranch(&r, 2.5, PETSC_FALSE, &dini, &u)); /* F_m by differences */
  PetscCall(RootsCheck(&r, dini, 2.0, "a residual that fills J"));
  PetscCall(RootsCheck(&r, dini, 2.0, "a residual that fills J, again"));
  PetscCall(VecDestroy(&u));
  PetscCall(DiniDestroy(&dini));
  PetscCall(RootsDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same where the first derivative is a tangent: filling F_m moves J between linearization and solve */
static PetscErrorCode TestTangentFirst(void)
{
  Roots r;
  Dini  dini;
  Vec   u, v, w;

  PetscFunctionBeginUser;
  PetscCall(RootsCreate(ROOTS_AIJ, &r));
  r.writes = PETSC_TRUE;
  PetscCall(RootsBranch(&r, 2.5, PETSC_FALSE, &dini, &u));
  PetscCall(VecDuplicate(u, &v));
  PetscCall(VecDuplicate(u, &w));
  PetscCall(VecSet(v, 1.0));
  PetscCall(DiniJVP(dini, v, w));
  PetscCall(RootsExpect(w, RootsSlope(2.0), "a tangent first, where the residual fills J"));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&w));
  PetscCall(DiniDestroy(&dini));
  PetscCall(RootsDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What Dini gives away is that of the point, whoever has written into it; its own F_m, too */
static PetscErrorCode TestGiven(void)
{
  Roots r;
  Dini  dini;
  Vec   u, v;
  Mat   J, Fm;

  PetscFunctionBeginUser;
  PetscCall(RootsCreate(ROOTS_AIJ, &r));
  PetscCall(RootsBranch(&r, 2.5, PETSC_FALSE, &dini, &u));
  PetscCall(VecDuplicate(u, &v));
  PetscCall(DiniGetParameterJacobian(dini, 0, &Fm));
  PetscCall(MatScale(Fm, 3.0));
  PetscCall(RootsCheck(&r, dini, 2.0, "after MatScale() of an F_m by differences"));
  PetscCall(MatScale(r.J, 3.0));
  PetscCall(DiniGetJacobian(dini, &J, NULL));
  PetscCall(MatGetDiagonal(J, v));
  PetscCall(RootsExpect(v, 5.0, "DiniGetJacobian() after MatScale() of J"));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&v));
  PetscCall(DiniDestroy(&dini));
  PetscCall(RootsDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Two blocks whose F_m is one matrix: each is filled when it is its turn */
static PetscErrorCode TestOneMatrix(void)
{
  Roots    r;
  Dini     dini;
  Vec      u, v, w, other;
  PetscInt p, n;

  PetscFunctionBeginUser;
  PetscCall(RootsCreate(ROOTS_AIJ, &r));
  PetscCall(RootsBranch(&r, 2.5, PETSC_TRUE, &dini, &u));
  PetscCall(VecDuplicate(u, &other));
  PetscCall(VecSet(other, 1.0));
  PetscCall(DiniAddParameter(dini, "other", other, &p)); /* enters nowhere: its F_m is zero, in the matrix of m */
  PetscCall(DiniSetParameterJacobian(dini, p, r.Fm, RootsFillZero, &r));
  PetscCall(DiniSetGuard(dini, PETSC_FALSE));
  PetscCall(DiniSolve(dini, u));
  PetscCall(VecDuplicate(u, &v));
  PetscCall(VecSet(v, 1.0));
  PetscCall(DiniCreateParameterVec(dini, &w));
  for (int k = 0; k < 3; k++) {
    const PetscScalar *a;
    PetscReal          off[2] = {0.0, 0.0};

    PetscCall(DiniVJP(dini, v, w));
    PetscCall(VecGetLocalSize(u, &n));
    PetscCall(VecGetArrayRead(w, &a));
    for (PetscInt i = 0; i < n; i++) off[0] = PetscMax(off[0], PetscAbsScalar(a[i] - RootsSlope(2.0)));
    for (PetscInt i = n; i < 2 * n; i++) off[0] = PetscMax(off[0], PetscAbsScalar(a[i]));
    PetscCall(VecRestoreArrayRead(w, &a));
    PetscCall(MPIU_Allreduce(&off[0], &off[1], 1, MPIU_REAL, MPIU_MAX, PETSC_COMM_WORLD));
    DiniTestTrue(off[1] <= 1e-8, "Two blocks with one matrix, VJP %d: off by %g", k, (double)off[1]);
  }
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&w));
  PetscCall(VecDestroy(&other));
  PetscCall(DiniDestroy(&dini));
  PetscCall(RootsDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Matrices that nobody fills again: held against F once more, or refused */
static PetscErrorCode TestConstant(PetscBool guard)
{
  Roots          r;
  Dini           dini;
  Vec            u, v, w;
  PetscErrorCode code = guard ? PETSC_ERR_ARG_WRONG : PETSC_ERR_ARG_WRONGSTATE;

  PetscFunctionBeginUser;
  PetscCall(RootsCreate(ROOTS_AIJ, &r));
  PetscCall(RootsBranch(&r, 2.5, PETSC_TRUE, &dini, &u));
  PetscCall(RootsFillJ(&r, u));
  PetscCall(RootsFillFm(NULL, u, r.m, r.Fm, &r));
  PetscCall(DiniSetJacobian(dini, r.J, NULL, NULL, NULL));
  PetscCall(DiniSetParameterJacobian(dini, 0, r.Fm, NULL, NULL));
  PetscCall(DiniSetParameterType(dini, 0, DINIPARAMETERMATRIX));
  PetscCall(DiniSetGuard(dini, guard));
  PetscCall(DiniAttach(dini, u));
  PetscCall(VecDuplicate(u, &v));
  PetscCall(VecDuplicate(u, &w));
  PetscCall(VecSet(v, 1.0));
  PetscCall(RootsCheck(&r, dini, 2.0, "constant J and F_m"));
  PetscCall(MatScale(r.Fm, 2.0));
  DiniTestExpect(DiniVJP(dini, v, w), code, "parameter \"m\"");
  PetscCall(MatScale(r.Fm, 0.5));
  PetscCall(DiniAttach(dini, u));
  PetscCall(RootsCheck(&r, dini, 2.0, "constant F_m put back"));
  PetscCall(MatScale(r.J, 2.0));
  DiniTestExpect(DiniVJP(dini, v, w), code, "Jacobian");
  PetscCall(MatScale(r.J, 0.5));
  PetscCall(DiniAttach(dini, u));
  PetscCall(RootsCheck(&r, dini, 2.0, "constant J put back"));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&w));
  PetscCall(DiniDestroy(&dini));
  PetscCall(RootsDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestResidualWrites());
  PetscCall(TestTangentFirst());
  PetscCall(TestGiven());
  PetscCall(TestOneMatrix());
  PetscCall(TestConstant(PETSC_TRUE));
  PetscCall(TestConstant(PETSC_FALSE));
  PetscCall(PetscFinalize());
  return 0;
}
