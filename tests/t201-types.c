static char help[] =
    "One linear problem through the types ksp, snes and shell, with the user's own solves on top of each.\n";

#include "support/fixtures.h"

typedef struct {
  Linear  *l;
  PetscInt forward, tangent, adjoint;
} Own;

static PetscErrorCode OwnSolve(Dini dini, Vec u, void *ctx)
{
  Own *own = (Own *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  own->forward++;
  PetscCall(LinearAssemble(own->l, own->l->B, own->l->c));
  PetscCall(DiniTestDirectSolve(own->l->B, PETSC_FALSE, own->l->c, u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OwnTangent(Dini dini, Vec r, Vec x, void *ctx)
{
  Own *own = (Own *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  own->tangent++;
  PetscCall(LinearAssemble(own->l, own->l->B, own->l->c));
  PetscCall(DiniTestDirectSolve(own->l->B, PETSC_FALSE, r, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OwnAdjoint(Dini dini, Vec r, Vec x, void *ctx)
{
  Own *own = (Own *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  own->adjoint++;
  PetscCall(LinearAssemble(own->l, own->l->B, own->l->c));
  PetscCall(DiniTestDirectSolve(own->l->B, PETSC_TRUE, r, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* which: bit 0 the forward solve, bit 1 the tangent, bit 2 the adjoint are the user's */
static PetscErrorCode TestLinear(DiniType type, DiniParameterType kind, int which)
{
  Linear    l;
  Own       own = {&l, 0, 0, 0};
  Vec       ubar, mbar, dm, du, u_ref, du_ref, mbar_ref;
  PetscReal rtol = 1e-9;
  PetscBool is;

  PetscFunctionBeginUser;
  PetscCall(LinearCreate(12, &l));
  PetscCall(LinearDini(&l, type, kind));
  if (which & 1) PetscCall(DiniSetSolve(l.dini, OwnSolve, &own));
  if (which & 2) PetscCall(DiniSetTangentSolve(l.dini, OwnTangent, &own));
  if (which & 4) PetscCall(DiniSetAdjointSolve(l.dini, OwnAdjoint, &own));
  PetscCall(PetscStrcmp(kind, DINIPARAMETERMATRIX, &is));
  if (!is) {
    PetscCall(DiniSetParameterDifference(l.dini, l.p, DINI_DIFFERENCE_CENTRAL, PETSC_DEFAULT));
    rtol = 1e-7;
  }
  PetscCall(VecDuplicate(l.u, &u_ref));
  PetscCall(VecDuplicate(l.u, &du));
  PetscCall(VecDuplicate(l.u, &du_ref));
  PetscCall(VecDuplicate(l.m, &mbar));
  PetscCall(VecDuplicate(l.m, &mbar_ref));
  for (PetscInt k = 0; k < 2; k++) {
    PetscCall(DiniTestVec(l.m, 17 + k, &dm));
    PetscCall(DiniTestVec(l.u, 19 + k, &ubar));
    PetscCall(DiniTestFill(l.m, 3 + k));
    PetscCall(DiniSolve(l.dini, l.u));
    PetscCall(DiniJVP(l.dini, dm, du));
    PetscCall(DiniVJP(l.dini, ubar, mbar));
    PetscCall(LinearAssemble(&l, l.B, l.c));
    PetscCall(DiniTestDirectSolve(l.B, PETSC_FALSE, l.c, u_ref));
    PetscCall(DiniTestVecsClose(l.u, u_ref, 1e-10, type));
    {
      Mat Fm;

      PetscCall(MatDuplicate(l.B, MAT_DO_NOT_COPY_VALUES, &Fm));
      PetscCall(LinearFill(&l, u_ref, l.m, Fm));
      PetscCall(DiniTestReferenceJVP(l.B, Fm, dm, du_ref));
      PetscCall(DiniTestReferenceVJP(l.B, Fm, ubar, mbar_ref));
      PetscCall(MatDestroy(&Fm));
    }
    PetscCall(DiniTestVecsClose(du, du_ref, rtol, type));
    PetscCall(DiniTestVecsClose(mbar, mbar_ref, rtol, type));
    PetscCall(VecDestroy(&dm));
    PetscCall(VecDestroy(&ubar));
  }
  DiniTestCount(own.forward, which & 1 ? 2 : 0, "calls of the user's forward solve");
  DiniTestTrue(which & 2 ? own.tangent >= 2 : !own.tangent, "%" PetscInt_FMT " user tangent solves", own.tangent);
  DiniTestTrue(which & 4 ? own.adjoint >= 2 : !own.adjoint, "%" PetscInt_FMT " user adjoint solves", own.adjoint);
  PetscCall(DiniTestDotProduct(l.dini, 1e-7));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&u_ref));
  PetscCall(VecDestroy(&du_ref));
  PetscCall(VecDestroy(&mbar_ref));
  PetscCall(LinearDestroy(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* No callback at all: A and b constant, b itself the parameter. u = A^{-1} m, so VJP = A^{-H} ubar. */
static PetscErrorCode TestConstantSystem(void)
{
  Linear l;
  Vec    ubar, mbar, lambda;

  PetscFunctionBeginUser;
  PetscCall(LinearCreate(12, &l));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &l.dini));
  PetscCall(DiniSetKSP(l.dini, l.ksp));
  PetscCall(DiniSetLinearSystem(l.dini, l.b, NULL, NULL));
  PetscCall(DiniAddParameter(l.dini, "b", l.b, &l.p));
  PetscCall(DiniSetParameterType(l.dini, l.p, DINIPARAMETERRHS));
  PetscCall(DiniSetFromOptions(l.dini));
  PetscCall(DiniTestVec(l.u, 21, &ubar));
  PetscCall(VecDuplicate(l.b, &mbar));
  PetscCall(VecDuplicate(l.u, &lambda));
  PetscCall(DiniTestDirectSolve(l.A, PETSC_TRUE, ubar, lambda));
  for (PetscInt k = 0; k < 2; k++) { /* another right-hand side, the same A */
    PetscCall(DiniTestFill(l.b, 22 + k));
    PetscCall(DiniSolve(l.dini, l.u));
    PetscCall(DiniVJP(l.dini, ubar, mbar));
    PetscCall(DiniTestVecsClose(mbar, lambda, 1e-9, "VJP of a constant system"));
    PetscCall(DiniTestDirectSolve(l.A, PETSC_FALSE, l.b, mbar));
    PetscCall(DiniTestVecsClose(l.u, mbar, 1e-9, "solution of a constant system"));
  }
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&lambda));
  PetscCall(LinearDestroy(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The two solves themselves, DiniComputeResidual() and DiniGetJacobian(). */
static PetscErrorCode TestPieces(DiniType type)
{
  Linear    l;
  Mat       J;
  Vec       r, x, x_ref, F;
  PetscReal norm;

  PetscFunctionBeginUser;
  PetscCall(LinearCreate(12, &l));
  PetscCall(LinearDini(&l, type, DINIPARAMETERMATRIX));
  PetscCall(DiniSolve(l.dini, l.u));
  PetscCall(DiniTestVec(l.u, 25, &r));
  PetscCall(VecDuplicate(r, &x));
  PetscCall(VecDuplicate(r, &x_ref));
  PetscCall(VecDuplicate(r, &F));
  PetscCall(LinearAssemble(&l, l.B, l.c));
  PetscCall(DiniTangentSolve(l.dini, r, x));
  PetscCall(DiniTestDirectSolve(l.B, PETSC_FALSE, r, x_ref));
  PetscCall(DiniTestVecsClose(x, x_ref, 1e-9, "tangent solve"));
  PetscCall(DiniAdjointSolve(l.dini, r, x));
  PetscCall(DiniTestDirectSolve(l.B, PETSC_TRUE, r, x_ref));
  PetscCall(DiniTestVecsClose(x, x_ref, 1e-9, "adjoint solve"));
  PetscCall(DiniComputeResidual(l.dini, l.u, F));
  PetscCall(VecNorm(F, NORM_INFINITY, &norm));
  DiniTestClose(norm, 0.0, 0.0, 1e-10, "residual at the solution");
  PetscCall(DiniComputeResidual(l.dini, r, F));
  PetscCall(MatMult(l.B, r, x_ref));
  PetscCall(VecAXPY(x_ref, -1.0, l.c));
  PetscCall(DiniTestVecsClose(F, x_ref, 1e-13, "residual elsewhere"));
  PetscCall(DiniGetJacobian(l.dini, &J, NULL));
  PetscCall(DiniTestMatsClose(J, l.B, 1e-14, "Jacobian"));
  PetscCall(VecDestroy(&r));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&x_ref));
  PetscCall(VecDestroy(&F));
  PetscCall(LinearDestroy(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  const DiniType          types[] = {DINIKSP, DINISNES, DINISHELL};
  const DiniParameterType kinds[] = {DINIPARAMETERMATRIX, DINIPARAMETERCOLORING, DINIPARAMETERFD};

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (int t = 0; t < 3; t++) {
    for (int k = 0; k < 3; k++) PetscCall(TestLinear(types[t], kinds[k], k == 1 ? 2 : 0));
    for (int which = 1; which < 8; which += 3)
      PetscCall(TestLinear(types[t], DINIPARAMETERMATRIX, which)); /* 1, 4, 7 */
    PetscCall(TestPieces(types[t]));
  }
  PetscCall(TestConstantSystem());
  PetscCall(PetscFinalize());
  return 0;
}
