static char help[] = "Zero directions, zero cotangents and inactive blocks cost nothing, and the counters say so.\n";

#include "support/blocks.h"

/* What has been spent, by Dini's statistics and by the application's own calls */
typedef struct {
  DiniStatistics s;
  PetscInt       residuals, fills, applies;
} Spent;

static PetscErrorCode SpentGet(Blocks *c, Spent *spent)
{
  PetscFunctionBeginUser;
  PetscCall(DiniGetStatistics(c->dini, &spent->s));
  spent->residuals = c->residuals;
  spent->fills     = c->fills;
  spent->applies   = c->applies;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* solves of each kind, residuals, fills of F_m, fills of the matrix and products of the operator */
typedef struct {
  PetscInt tangent, adjoint, residuals, assemblies, fills, applies;
} Counts;

/* So much has been spent since then, and no more. */
static PetscErrorCode SpentIs(Blocks *c, const Spent *before, Counts expected, const char what[])
{
  Spent now;

  PetscFunctionBeginUser;
  PetscCall(SpentGet(c, &now));
  DiniTestCount(now.s.tangent_solves - before->s.tangent_solves, expected.tangent, what);
  DiniTestCount(now.s.adjoint_solves - before->s.adjoint_solves, expected.adjoint, what);
  DiniTestCount(now.s.residuals - before->s.residuals, expected.residuals, what);
  DiniTestCount(now.residuals - before->residuals, expected.residuals, what);
  DiniTestCount(now.s.parameter_assemblies - before->s.parameter_assemblies, expected.assemblies, what);
  DiniTestCount(now.fills - before->fills, expected.fills, what);
  DiniTestCount(now.applies - before->applies, expected.applies, what);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* dm that is not zero in one block alone */
static PetscErrorCode Only(Blocks *c, PetscInt block, Vec dm)
{
  Vec part;

  PetscFunctionBeginUser;
  PetscCall(VecSet(dm, 0.0));
  PetscCall(DiniGetParameterSubVec(c->dini, dm, block, &part));
  PetscCall(DiniTestFill(part, 61));
  PetscCall(DiniRestoreParameterSubVec(c->dini, dm, block, &part));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Zero(Vec v, const char what[])
{
  PetscReal norm;

  PetscFunctionBeginUser;
  PetscCall(VecNorm(v, NORM_INFINITY, &norm));
  DiniTestClose(norm, 0.0, 0.0, 0.0, what);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A fresh point, linearized, with no F_m filled */
static PetscErrorCode Point(Blocks *c, Spent *spent)
{
  Mat J;

  PetscFunctionBeginUser;
  PetscCall(DiniSolve(c->dini, c->u));
  PetscCall(DiniGetJacobian(c->dini, &J, NULL));
  PetscCall(SpentGet(c, spent));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A direction in one block fills that block only. */
static PetscErrorCode TestDirections(Blocks *c)
{
  Vec      dm, du;
  Spent    before;
  PetscInt medium;

  PetscFunctionBeginUser;
  PetscCall(DiniCreateParameterVec(c->dini, &dm));
  PetscCall(VecDuplicate(c->u, &du));

  PetscCall(Point(c, &before));
  PetscCall(VecSet(dm, 0.0));
  PetscCall(DiniJVP(c->dini, dm, du));
  PetscCall(SpentIs(c, &before, (Counts){0, 0, 0, 0, 0, 0}, "a zero direction"));
  PetscCall(Zero(du, "the tangent of a zero direction"));

  PetscCall(Only(c, GUESS, dm)); /* F_m = 0: a direction, but not of the state */
  PetscCall(DiniJVP(c->dini, dm, du));
  PetscCall(SpentIs(c, &before, (Counts){0, 0, 0, 0, 0, 0}, "a direction in a block of type zero"));
  PetscCall(Zero(du, "the tangent of the initial guess"));

  PetscCall(Only(c, LOAD, dm));
  PetscCall(DiniJVP(c->dini, dm, du));
  PetscCall(SpentIs(c, &before, (Counts){1, 0, 0, 0, 0, 0}, "a direction in the load"));

  PetscCall(Only(c, ENDS, dm));
  PetscCall(DiniJVP(c->dini, dm, du));
  PetscCall(SpentIs(c, &before, (Counts){2, 0, 0, 1, 1, 0}, "a direction in the ends"));

  PetscCall(Only(c, WELLS, dm));
  PetscCall(DiniJVP(c->dini, dm, du));
  PetscCall(SpentIs(c, &before, (Counts){3, 0, 0, 1, 1, 1}, "a direction in the wells"));

  PetscCall(Only(c, PECLET, dm)); /* affine: F here and F there */
  PetscCall(DiniJVP(c->dini, dm, du));
  PetscCall(SpentIs(c, &before, (Counts){4, 0, 2, 2, 1, 1}, "a direction in the Peclet number"));

  PetscCall(Only(c, MEDIUM, dm)); /* two residuals a colour, and once for the point */
  PetscCall(DiniJVP(c->dini, dm, du));
  medium = c->residuals - before.residuals - 2;
  DiniTestTrue(medium > 0 && medium % 2 == 0 && medium <= 20, "%" PetscInt_FMT " residuals for the medium", medium);
  PetscCall(VecScale(dm, 2.0)); /* the same again would be answered from memory */
  PetscCall(DiniJVP(c->dini, dm, du));
  PetscCall(SpentIs(c, &before, (Counts){6, 0, 2 + medium, 3, 1, 1}, "two directions in the medium"));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ubar = 0 solves nothing and fills nothing, by itself and as a column among others. */
static PetscErrorCode TestCotangents(Blocks *c)
{
  Vec      ubar, mbar, column;
  Mat      Ubar, Mbar, dM, dU;
  PetscInt nu, nm, N;
  Spent    before;

  PetscFunctionBeginUser;
  PetscCall(DiniCreateParameterVec(c->dini, &mbar));
  PetscCall(VecDuplicate(c->u, &ubar));
  PetscCall(VecSet(ubar, 0.0));
  PetscCall(Point(c, &before));
  PetscCall(DiniVJP(c->dini, ubar, mbar));
  PetscCall(SpentIs(c, &before, (Counts){0, 0, 0, 0, 0, 0}, "a zero cotangent"));
  PetscCall(Zero(mbar, "the adjoint of a zero cotangent"));

  PetscCall(VecGetLocalSize(c->u, &nu));
  PetscCall(VecGetLocalSize(mbar, &nm));
  PetscCall(VecGetSize(mbar, &N));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, nu, PETSC_DECIDE, c->n, 2, NULL, &Ubar));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, nm, PETSC_DECIDE, N, 2, NULL, &Mbar));
  PetscCall(MatDuplicate(Ubar, MAT_DO_NOT_COPY_VALUES, &dU));
  PetscCall(MatDuplicate(Mbar, MAT_DO_NOT_COPY_VALUES, &dM));
  PetscCall(MatZeroEntries(Ubar));
  PetscCall(MatZeroEntries(dM));
  PetscCall(DiniMatVJP(c->dini, Ubar, Mbar));
  PetscCall(DiniMatJVP(c->dini, dM, dU));
  PetscCall(SpentIs(c, &before, (Counts){0, 0, 0, 0, 0, 0}, "blocks of zero columns"));
  PetscCall(MatDenseGetColumnVecWrite(dM, 1, &column));
  PetscCall(Only(c, LOAD, column));
  PetscCall(MatDenseRestoreColumnVecWrite(dM, 1, &column));
  PetscCall(DiniMatJVP(c->dini, dM, dU));
  PetscCall(SpentIs(c, &before, (Counts){1, 0, 0, 0, 0, 0}, "a zero column and one in the load"));
  PetscCall(MatDenseGetColumnVecRead(dU, 0, &column));
  PetscCall(Zero(column, "the zero column"));
  PetscCall(MatDenseRestoreColumnVecRead(dU, 0, &column));
  PetscCall(MatDestroy(&Ubar));
  PetscCall(MatDestroy(&Mbar));
  PetscCall(MatDestroy(&dM));
  PetscCall(MatDestroy(&dU));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Inactive blocks are never differenced, filled or applied; what is left is what it was, entry by entry. */
static PetscErrorCode TestInactive(Blocks *c)
{
  const PetscInt off[] = {MEDIUM, PECLET, CUBIC, ENDS, WELLS};
  Vec            ubar, all, left, part[2], dm, du;
  Mat            D;
  Spent          before;

  PetscFunctionBeginUser;
  PetscCall(DiniCreateParameterVec(c->dini, &all));
  PetscCall(DiniTestVec(c->u, 62, &ubar));
  PetscCall(VecDuplicate(c->u, &du));
  PetscCall(Point(c, &before));
  PetscCall(DiniVJP(c->dini, ubar, all));
  PetscCall(DiniGetParameterSubVec(c->dini, all, LOAD, &part[0]));
  PetscCall(VecDuplicate(part[0], &part[1]));
  PetscCall(VecCopy(part[0], part[1]));
  PetscCall(DiniRestoreParameterSubVec(c->dini, all, LOAD, &part[0]));

  for (size_t k = 0; k < sizeof(off) / sizeof(*off); k++)
    PetscCall(DiniSetParameterActive(c->dini, off[k], PETSC_FALSE));
  PetscCall(DiniCreateParameterVec(c->dini, &left));
  PetscCall(Point(c, &before));
  PetscCall(DiniVJP(c->dini, ubar, left));
  PetscCall(SpentIs(c, &before, (Counts){0, 1, 0, 0, 0, 0}, "an adjoint beside inactive blocks"));
  PetscCall(DiniGetParameterSubVec(c->dini, left, LOAD, &part[0]));
  PetscCall(DiniTestVecsClose(part[0], part[1], 1e-9, "the load's part beside inactive blocks"));
  PetscCall(DiniRestoreParameterSubVec(c->dini, left, LOAD, &part[0]));
  PetscCall(DiniTestVec(left, 63, &dm));
  PetscCall(DiniGetDerivative(c->dini, &D));
  PetscCall(MatMult(D, dm, du));
  PetscCall(SpentIs(c, &before, (Counts){1, 1, 0, 0, 0, 0}, "a product with the derivative beside inactive blocks"));
  for (size_t k = 0; k < sizeof(off) / sizeof(*off); k++)
    PetscCall(DiniSetParameterActive(c->dini, off[k], PETSC_TRUE));
  PetscCall(VecDestroy(&all));
  PetscCall(VecDestroy(&left));
  PetscCall(VecDestroy(&part[1]));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (PetscInt n = 4; n <= 10; n += 6) {
    Blocks c;

    PetscCall(BlocksCreate(n, &c));
    PetscCall(DiniSetGuard(c.dini, PETSC_FALSE)); /* its residuals are counted, too */
    PetscCall(TestDirections(&c));
    PetscCall(TestCotangents(&c));
    PetscCall(TestInactive(&c));
    PetscCall(BlocksDestroy(&c));
  }
  PetscCall(PetscFinalize());
  return 0;
}
