static char help[] = "Jacobians that are none, or hard to transpose: Picard, matrix-free, differenced, wrong.\n";

#include "support/fixtures.h"

/* A(u) u = m with A = diag(1 + u^2) + a S: Picard's matrix, not the Jacobian */
static PetscErrorCode PicardMatrix(SNES snes, Vec u, Mat A, Mat P, void *ctx)
{
  Cubic *c = (Cubic *)ctx;

  PetscFunctionBeginUser;
  (void)snes;
  (void)A;
  PetscCall(MatCopy(c->S, P, SAME_NONZERO_PATTERN));
  PetscCall(MatScale(P, c->a));
  PetscCall(VecPointwiseMult(c->d, u, u));
  PetscCall(VecShift(c->d, 1.0));
  PetscCall(MatDiagonalSet(P, c->d, ADD_VALUES));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PicardRight(SNES snes, Vec u, Vec b, void *ctx)
{
  PetscFunctionBeginUser;
  (void)snes;
  (void)u;
  PetscCall(VecCopy(((Cubic *)ctx)->m, b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ExactJacobian(Dini dini, Vec u, Mat J, Mat P, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)J;
  PetscCall(CubicJacobian((Cubic *)ctx, u, P));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Expected(Cubic *c, Vec ubar, Vec lambda)
{
  Mat J;

  PetscFunctionBeginUser;
  PetscCall(MatDuplicate(c->S, MAT_DO_NOT_COPY_VALUES, &J));
  PetscCall(CubicJacobian(c, c->u, J));
  PetscCall(DiniTestDirectSolve(J, PETSC_TRUE, ubar, lambda));
  PetscCall(MatDestroy(&J));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Refused where nothing else is allowed; and right once the exact Jacobian is given beside the solver's own matrix. */
static PetscErrorCode TestPicard(void)
{
  Cubic c;
  Mat   J;
  Vec   ubar, mbar, lambda;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(9, DiniTestScalar(0.1, 0.05), &c));
  PetscCall(VecSet(c.m, 0.5));
  PetscCall(SNESSetPicard(c.snes, NULL, PicardRight, c.J, c.J, PicardMatrix, &c));
  PetscCall(SNESSetTolerances(c.snes, 1e-13, 1e-13, 0.0, 200, 5000));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERRHS));
  PetscCall(DiniSetJacobianType(c.dini, DINI_JACOBIAN_GIVEN));
  PetscCall(DiniTestVec(c.u, 1, &ubar));
  PetscCall(VecDuplicate(c.m, &mbar));
  PetscCall(VecDuplicate(c.u, &lambda));
  PetscCall(DiniSolve(c.dini, c.u));
  DiniTestExpect(DiniVJP(c.dini, ubar, mbar), PETSC_ERR_ORDER, "Picard");
  DiniTestExpect(DiniJVP(c.dini, ubar, mbar), PETSC_ERR_ORDER, "DiniSetJacobian()");
  PetscCall(MatDuplicate(c.S, MAT_DO_NOT_COPY_VALUES, &J));
  PetscCall(DiniSetJacobian(c.dini, J, J, ExactJacobian, &c));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniVJP(c.dini, ubar, mbar));
  PetscCall(Expected(&c, ubar, lambda));
  PetscCall(DiniTestVecsClose(mbar, lambda, 1e-9, "VJP with the exact Jacobian beside Picard's matrix"));
  PetscCall(DiniSolve(c.dini, c.u)); /* the solver still has its own */
  PetscCall(MatDestroy(&J));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&lambda));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A callback that is wrong, which Newton survives. */
static PetscErrorCode TestWrong(DiniType type)
{
  Cubic c;
  Vec   ubar, mbar, lambda;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(9, DiniTestScalar(0.5, 0.3), &c));
  PetscCall(SNESSetTolerances(c.snes, 1e-13, 1e-13, 0.0, 200, 5000));
  PetscCall(CubicDini(&c, type, DINIPARAMETERRHS));
  PetscCall(DiniSetJacobianType(c.dini, DINI_JACOBIAN_GIVEN));
  PetscCall(DiniTestVec(c.u, 1, &ubar));
  PetscCall(VecDuplicate(c.m, &mbar));
  PetscCall(VecDuplicate(c.u, &lambda));
  c.jacobian = FAULT_WRONG;
  PetscCall(DiniSolve(c.dini, c.u));
  DiniTestExpect(DiniVJP(c.dini, ubar, mbar), PETSC_ERR_ARG_WRONG, "J v");
  DiniTestExpect(DiniVJP(c.dini, ubar, mbar), PETSC_ERR_ARG_WRONG, "J v"); /* and again */
  c.jacobian = FAULT_NONE;
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniVJP(c.dini, ubar, mbar));
  PetscCall(Expected(&c, ubar, lambda));
  PetscCall(DiniTestVecsClose(mbar, lambda, 1e-9, "VJP with the Jacobian mended"));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&lambda));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* must: 0 right or error, 1 the VJP is right, -1 the VJP is an error */
static PetscErrorCode TestOptions(const char options[], const char words[], int must)
{
  Transport      t;
  Vec            ubar, mbar, mbar_ref, du, du_ref;
  PetscBool      right;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(TransportCreate(7, 6, &t));
  PetscCall(SNESSetTolerances(t.snes, 0.0, 1e-8, 0.0, 50, 5000));
  PetscCall(TransportDini(&t, DINIPARAMETERMATRIX));
  PetscCall(DiniSolve(t.dini, t.u));
  PetscCall(DiniTestVec(t.u, 1, &ubar));
  PetscCall(VecDuplicate(t.m, &mbar));
  PetscCall(VecDuplicate(t.m, &mbar_ref));
  PetscCall(VecDuplicate(t.u, &du));
  PetscCall(VecDuplicate(t.u, &du_ref));
  PetscCall(TransportReferenceVJP(&t, ubar, mbar_ref));
  PetscCall(TransportReferenceJVP(&t, ubar, du_ref));
  PetscCall(DiniTestCatch());
  ierr = DiniJVP(t.dini, ubar, du);
  PetscCall(DiniTestRightOrError(ierr, du, du_ref, 1e-5, options, &right));
  PetscCall(DiniTestCatch());
  ierr = DiniVJP(t.dini, ubar, mbar);
  PetscCall(DiniTestRightOrError(ierr, mbar, mbar_ref, 1e-5, options, &right));
  if (must > 0) DiniTestTrue(right, "%s: the VJP fails: %s", options, DiniTestMessages());
  if (must < 0) DiniTestTrue(!right, "%s: a VJP came out of nowhere", options);
  if (!right) PetscCall(DiniTestTextHas(DiniTestMessages(), words));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&mbar_ref));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&du_ref));
  PetscCall(TransportDestroy(&t));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Matrix-free without a DM and too large for a difference each: nobody knows a pattern, so there is no adjoint. */
static PetscErrorCode TestNoPattern(void)
{
  const char options[] = "-snes_mf";
  Cubic      c;
  Vec        ubar, mbar;

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(CubicCreate(9, 0.0, &c));
  PetscCall(SNESSetFromOptions(c.snes));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERRHS));
  PetscCall(DiniSetJacobianMaxColumns(c.dini, 8));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniTestVec(c.u, 1, &ubar));
  PetscCall(VecDuplicate(c.m, &mbar));
  DiniTestExpect(DiniVJP(c.dini, ubar, mbar), PETSC_ERR_SUP, "-snes_fd_color");
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(CubicDestroy(&c));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestPicard());
  PetscCall(TestWrong(DINISNES));
  PetscCall(TestWrong(DINISHELL));
  PetscCall(TestOptions("-snes_fd", "", 1));
  PetscCall(TestOptions("-snes_fd_color", "", 1));
  PetscCall(TestOptions("-snes_mf", "", 1));
  PetscCall(TestOptions("-snes_mf_operator", "", 1));
  PetscCall(TestNoPattern());
  PetscCall(PetscFinalize());
  return 0;
}
