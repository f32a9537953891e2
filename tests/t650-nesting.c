static char help[] = "A residual that contains another solve: J = R_u + R_v dv/du and F_m = R_m + R_v dv/dm from "
                     "derivatives of the inner\n"
                     "one that are pinned to the outer point, against assembled references.\n";

#include "support/nest.h"

/* JVP and VJP of the outer Dini at its solution u, v; the inner one may be anywhere, also on another branch of v */
static PetscErrorCode NestAgrees(Nest *n, Mat J, Mat Fm, const char what[])
{
  Vec x, y, z;

  PetscFunctionBeginUser;
  PetscCall(DiniTestVec(n->m, 5, &x));
  PetscCall(VecDuplicate(x, &y));
  PetscCall(VecDuplicate(x, &z));
  PetscCall(DiniVJP(n->outer, x, y));
  PetscCall(DiniTestReferenceVJP(J, Fm, x, z));
  PetscCall(DiniTestVecsClose(y, z, 1e-7, what));
  PetscCall(DiniJVP(n->outer, x, y));
  PetscCall(DiniTestReferenceJVP(J, Fm, x, z));
  PetscCall(DiniTestVecsClose(y, z, 1e-7, what));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&y));
  PetscCall(VecDestroy(&z));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The outer solve, v at its solution and the reference; where F_m is given by products nobody but the application pins D_m */
static PetscErrorCode OuterSolve(Nest *n, PetscBool operators, Vec v, Mat *J, Mat *Fm)
{
  PetscFunctionBeginUser;
  PetscCall(DiniSolve(n->outer, n->u));
  PetscCall(NestInner(n, n->u));
  PetscCall(VecCopy(n->v, v));
  if (operators) PetscCall(DiniPinDerivative(n->Dm));
  PetscCall(MatDestroy(J));
  PetscCall(MatDestroy(Fm));
  PetscCall(NestReference(n, n->u, v, n->m, J, Fm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestNested(PetscInt N, PetscBool operators)
{
  Nest n;
  Vec  v;
  Mat  J = NULL, Fm = NULL;

  PetscFunctionBeginUser;
  PetscCall(NestCreate(N, &n));
  PetscCall(NestOuter(&n, operators));
  PetscCall(VecDuplicate(n.v, &v));
  PetscCall(OuterSolve(&n, operators, v, &J, &Fm));
  PetscCall(NestAgrees(&n, J, Fm, "nested derivatives"));
  /* the inner Dini is driven far away, also to a failure: the outer derivative does not move */
  PetscCall(VecSet(n.uin, 30.0));
  PetscCall(DiniSolve(n.inner, n.v));
  PetscCall(NestAgrees(&n, J, Fm, "nested derivatives after the inner Dini has moved"));
  PetscCall(SNESSetTolerances(n.insnes, 1e-14, 1e-13, 0.0, 1, 1000));
  PetscCall(DiniSetErrorIfNotConverged(n.inner, PETSC_FALSE));
  PetscCall(VecSet(n.uin, -20.0));
  PetscCall(DiniSolve(n.inner, n.v));
  PetscCall(DiniSetErrorIfNotConverged(n.inner, PETSC_TRUE));
  PetscCall(SNESSetTolerances(n.insnes, 1e-14, 1e-13, 0.0, 50, 1000));
  PetscCall(VecCopy(v, n.v));
  PetscCall(DiniTestDotProduct(n.outer, 1e-8));
  PetscCall(NestAgrees(&n, J, Fm, "nested derivatives after the inner Dini has failed"));
  /* and at another point, with the same Mats */
  PetscCall(VecScale(n.m, 1.3));
  PetscCall(OuterSolve(&n, operators, v, &J, &Fm));
  PetscCall(NestAgrees(&n, J, Fm, "nested derivatives at a second point"));
  PetscCall(VecDestroy(&v));
  PetscCall(MatDestroy(&J));
  PetscCall(MatDestroy(&Fm));
  PetscCall(NestDestroy(&n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The Taylor and dot-product tests of DiniCheck(), which moves everything about. */
static PetscErrorCode TestCheck(void)
{
  Nest        n;
  Vec         v;
  Mat         J = NULL, Fm = NULL;
  PetscViewer viewer;
  char        text[8192], *at;

  PetscFunctionBeginUser;
  PetscCall(NestCreate(4, &n));
  PetscCall(NestOuter(&n, PETSC_FALSE));
  PetscCall(VecDuplicate(n.v, &v));
  PetscCall(OuterSolve(&n, PETSC_FALSE, v, &J, &Fm));
  PetscCall(DiniTestTextOpen(&viewer));
  PetscCall(DiniCheck(n.outer, viewer));
  PetscCall(DiniTestTextClose(&viewer, text, sizeof(text)));
  PetscCall(PetscStrstr(text, "inconclusive", &at));
  DiniTestTrue(!at, "The check came to no verdict:\n%s", text);
  PetscCall(NestAgrees(&n, J, Fm, "nested derivatives after a check"));
  PetscCall(VecDestroy(&v));
  PetscCall(MatDestroy(&J));
  PetscCall(MatDestroy(&Fm));
  PetscCall(NestDestroy(&n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  What pinning is for: with the derivative at the last solution, a residual beside the point moves the inner Dini, and the
  products are those of another point. A guard of the outer Dini sees that; without guards it would go through.
*/
static PetscErrorCode TestTrap(void)
{
  Nest n;
  Mat  D, block, J, Fm;
  Vec  x, y, z, v;
  IS   rows, columns;

  PetscFunctionBeginUser;
  PetscCall(NestCreate(4, &n));
  PetscCall(DiniGetDerivative(n.inner, &D));
  { /* the columns of block "u" in the flat vector */
    PetscInt lo, hi, clo, nl;

    PetscCall(VecGetLocalSize(n.u, &nl));
    PetscCall(MatGetOwnershipRange(D, &lo, &hi));
    PetscCall(MatGetOwnershipRangeColumn(D, &clo, NULL));
    PetscCall(ISCreateStride(PETSC_COMM_WORLD, hi - lo, lo, 1, &rows));
    PetscCall(ISCreateStride(PETSC_COMM_WORLD, nl, clo, 1, &columns));
  }
  PetscCall(MatCreateSubMatrixVirtual(D, rows, columns, &block));
  PetscCall(ISDestroy(&rows));
  PetscCall(ISDestroy(&columns));
  PetscCall(MatDestroy(&n.Du));
  n.Du     = block;
  n.pinned = PETSC_FALSE;
  PetscCall(NestOuter(&n, PETSC_FALSE));
  PetscCall(DiniSolve(n.outer, n.u));
  PetscCall(DiniTestVec(n.m, 5, &x));
  PetscCall(VecDuplicate(x, &y));
  PetscCall(VecDuplicate(x, &z));
  DiniTestExpect(DiniVJP(n.outer, x, y), PETSC_ERR_ARG_WRONG, "Dini \"outer\": the Jacobian does not stay");
  PetscCall(DiniSetGuard(n.outer, PETSC_FALSE));
  PetscCall(DiniSolve(n.outer, n.u));
  PetscCall(VecDuplicate(n.v, &v));
  PetscCall(VecCopy(n.v, v));
  PetscCall(NestReference(&n, n.u, v, n.m, &J, &Fm));
  PetscCall(DiniTestReferenceVJP(J, Fm, x, z));
  PetscCall(DiniJVP(n.outer, x, y));
  PetscCall(VecShift(n.uin, 1.0));
  PetscCall(DiniSolve(n.inner, n.v));
  PetscCall(DiniVJP(n.outer, x, y));
  PetscCall(DiniTestVecsDiffer(y, z, 1e-3, "the trap is one"));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&y));
  PetscCall(VecDestroy(&z));
  PetscCall(MatDestroy(&J));
  PetscCall(MatDestroy(&Fm));
  PetscCall(NestDestroy(&n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  const PetscInt sizes[] = {1, 2, 3, 10};

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
    PetscCall(TestNested(sizes[i], (PetscBool)(sizes[i] % 3 == 0)));
  PetscCall(TestCheck());
  PetscCall(TestTrap());
  PetscCall(PetscFinalize());
  return 0;
}
