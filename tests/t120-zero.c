static char help[] =
    "A parameter that the residual never reads is reported by name; a block declared zero costs nothing.\n";

#include "support/fixtures.h"

/* The block "unread" changes nothing in F, though differences are taken. */
static PetscErrorCode TestUnread(DiniParameterType kind)
{
  Cubic     c;
  Vec       unread, ubar, mbar;
  PetscBool coloring;
  PetscInt  p;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(9, DiniTestScalar(0.5, 0.2), &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERRHS));
  PetscCall(DiniTestVec(c.m, 61, &unread));
  PetscCall(DiniAddParameter(c.dini, "unread", unread, &p));
  PetscCall(MatDuplicate(c.S, MAT_DO_NOT_COPY_VALUES, &c.Fm));
  PetscCall(PetscStrcmp(kind, DINIPARAMETERCOLORING, &coloring));
  if (coloring) PetscCall(DiniSetParameterJacobian(c.dini, p, c.Fm, NULL, NULL));
  PetscCall(DiniSetParameterType(c.dini, p, kind));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniTestVec(c.u, 62, &ubar));
  PetscCall(DiniCreateParameterVec(c.dini, &mbar));
  DiniTestExpect(DiniVJP(c.dini, ubar, mbar), PETSC_ERR_ARG_WRONG, "\"unread\"");
  /* declared zero, the object serves: the part is zero and the rest is right */
  PetscCall(DiniSetParameterType(c.dini, p, DINIPARAMETERZERO));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniVJP(c.dini, ubar, mbar));
  {
    Vec       part, lambda;
    PetscReal norm;

    PetscCall(DiniGetParameterSubVec(c.dini, mbar, p, &part));
    PetscCall(VecNorm(part, NORM_INFINITY, &norm));
    DiniTestClose(norm, 0.0, 0.0, 0.0, "gradient in a block declared zero");
    PetscCall(DiniRestoreParameterSubVec(c.dini, mbar, p, &part));
    PetscCall(VecDuplicate(c.u, &lambda));
    PetscCall(CubicJacobian(&c, c.u, c.J));
    PetscCall(DiniTestDirectSolve(c.J, PETSC_TRUE, ubar, lambda));
    PetscCall(DiniGetParameterSubVec(c.dini, mbar, c.p, &part));
    PetscCall(DiniTestVecsClose(part, lambda, 1e-9, "gradient beside a block declared zero"));
    PetscCall(DiniRestoreParameterSubVec(c.dini, mbar, c.p, &part));
    PetscCall(VecDestroy(&lambda));
  }
  PetscCall(VecDestroy(&unread));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode NoUpdate(Dini dini, Vec m, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)m;
  (void)ctx;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The update callback forgets to hand the values on: the residual reads its old copy, and F does not move. */
static PetscErrorCode TestForgottenUpdate(void)
{
  Cubic c;
  Vec   ubar, mbar, expected;

  PetscFunctionBeginUser;
  for (int k = 0; k < 2; k++) {
    PetscCall(CubicCreate(9, 0.0, &c));
    PetscCall(CubicDini(&c, DINISNES, k ? DINIPARAMETERRHS : DINIPARAMETERFD)); /* claimed, or by differences */
    PetscCall(VecSet(c.backup, 2.0));
    c.seen = c.backup;
    PetscCall(DiniSetParameterUpdate(c.dini, c.p, NoUpdate, NULL));
    PetscCall(DiniSolve(c.dini, c.u));
    PetscCall(DiniTestVec(c.u, 63, &ubar));
    PetscCall(VecDuplicate(c.m, &mbar));
    DiniTestExpect(DiniVJP(c.dini, ubar, mbar), PETSC_ERR_ARG_WRONG, "\"m\"");
    /* mended */
    PetscCall(DiniSetParameterUpdate(c.dini, c.p, CubicUpdate, &c));
    PetscCall(DiniSolve(c.dini, c.u));
    PetscCall(DiniVJP(c.dini, ubar, mbar));
    PetscCall(DiniTestVec(c.u, 63, &expected));
    PetscCall(VecScale(expected, 0.25));
    PetscCall(DiniTestVecsClose(mbar, expected, 1e-6, "VJP after the update was mended"));
    PetscCall(VecDestroy(&ubar));
    PetscCall(VecDestroy(&mbar));
    PetscCall(VecDestroy(&expected));
    PetscCall(CubicDestroy(&c));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F_m is small but not zero: not an error. The residual is of order 1, the dependence of order 1e-9. */
static PetscErrorCode TestSmall(void)
{
  Cubic c;
  Vec   ubar, mbar, expected;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(9, 0.0, &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERRHS));
  PetscCall(VecSet(c.m, 2e-9));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniTestVec(c.u, 64, &ubar));
  PetscCall(VecDuplicate(c.m, &mbar));
  PetscCall(DiniVJP(c.dini, ubar, mbar));
  PetscCall(DiniTestVec(c.u, 64, &expected));
  PetscCall(DiniTestVecsClose(mbar, expected, 1e-9, "VJP at small values"));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&expected));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestUnread(DINIPARAMETERFD));
  PetscCall(TestUnread(DINIPARAMETERCOLORING));
  PetscCall(TestUnread(DINIPARAMETERRHS)); /* a wrong claim */
  PetscCall(TestForgottenUpdate());
  PetscCall(TestSmall());
  PetscCall(PetscFinalize());
  return 0;
}
