static char help[] = "The application's objects after an error, and objects that it has reset or uses twice.\n";

#include "support/fixtures.h"

/* A matrix that nobody holds a column of: it can be written, and destroyed */
static PetscErrorCode ExpectFree(Mat *A)
{
  Vec column;

  PetscFunctionBeginUser;
  PetscCall(MatDenseGetColumnVecWrite(*A, 0, &column));
  PetscCall(VecSet(column, 1.0));
  PetscCall(MatDenseRestoreColumnVecWrite(*A, 0, &column));
  PetscCall(MatDestroy(A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Dense(Vec like, PetscInt more, PetscInt columns, Mat *A)
{
  PetscInt n;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(like, &n));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, n + more, PETSC_DECIDE, PETSC_DETERMINE, columns, NULL, A));
  PetscCall(MatSetRandom(*A, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestLocks(void)
{
  Curved    c;
  Mat       A, B;
  PetscReal values[2];

  PetscFunctionBeginUser;
  PetscCall(CurvedCreate(7, &c));
  PetscCall(CurvedDini(&c, DINIPARAMETERMATRIX));
  PetscCall(DiniSetState(c.dini, c.u));
  PetscCall(DiniSetObjective(c.dini, CurvedObjective, CurvedObjectiveGradient, &c));
  for (int k = 0; k < 2; k++)
    PetscCall(DiniAddObjective(c.dini, "J", CurvedObjective, CurvedObjectiveGradient, &c, NULL));
  PetscCall(DiniSolve(c.dini, c.u));
  for (int k = 0; k < 2; k++) { /* the first, then the second of the two is wrong */
    PetscCall(Dense(c.m, k ? 0 : 1, 2, &A));
    PetscCall(Dense(c.u, k ? 1 : 0, 2, &B));
    DiniTestExpect(DiniMatJVP(c.dini, A, B), PETSC_ERR_ARG_SIZ, "size");
    PetscCall(ExpectFree(&A));
    PetscCall(ExpectFree(&B));
    PetscCall(Dense(c.u, k ? 0 : 1, 2, &A));
    PetscCall(Dense(c.m, k ? 1 : 0, 2, &B));
    DiniTestExpect(DiniMatVJP(c.dini, A, B), PETSC_ERR_ARG_SIZ, "size");
    PetscCall(ExpectFree(&A));
    PetscCall(ExpectFree(&B));
    PetscCall(Dense(c.m, k ? 0 : 1, 2, &A));
    PetscCall(Dense(c.m, k ? 1 : 0, 2, &B));
    DiniTestExpect(DiniMatHVP(c.dini, A, B), PETSC_ERR_ARG_SIZ, "size");
    PetscCall(ExpectFree(&A));
    PetscCall(ExpectFree(&B));
  }
  PetscCall(Dense(c.m, 1, 2, &A));
  DiniTestExpect(DiniComputeObjectives(c.dini, c.m, values, A), PETSC_ERR_ARG_SIZ, "size");
  PetscCall(ExpectFree(&A));
  PetscCall(Dense(c.m, 0, 3, &A));
  DiniTestExpect(DiniComputeObjectives(c.dini, c.m, values, A), PETSC_ERR_ARG_SIZ, "room for 3");
  PetscCall(ExpectFree(&A));
  PetscCall(Dense(c.m, 0, 2, &A)); /* and the Dini is as good as new */
  PetscCall(DiniComputeObjectives(c.dini, c.m, values, A));
  DiniTestClose(values[0], values[1], 1e-14, 0.0, "twice the same objective");
  PetscCall(ExpectFree(&A));
  PetscCall(CurvedDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One memory in two places: refused by the names of both */
static PetscErrorCode TestAlias(void)
{
  Cubic        c;
  Vec          alias;
  PetscScalar *a;
  PetscInt     n, N;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(9, 0.0, &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERMATRIX));
  DiniTestExpect(DiniAddParameter(c.dini, "again", c.m, NULL), PETSC_ERR_ARG_IDN, "\"again\" shares its Vec");
  PetscCall(VecGetSize(c.m, &N));
  PetscCall(VecGetLocalSize(c.m, &n));
  PetscCall(VecGetArray(c.m, &a));
  PetscCall(VecCreateMPIWithArray(PETSC_COMM_WORLD, 1, n, N, a, &alias));
  PetscCall(VecRestoreArray(c.m, &a));
  DiniTestExpect(DiniAddParameter(c.dini, "view", alias, NULL), PETSC_ERR_ARG_IDN, "with parameter \"m\"");
  PetscCall(VecDestroy(&alias));
  DiniTestExpect(DiniSolve(c.dini, c.m), PETSC_ERR_ARG_IDN, "the state u is the Vec of parameter \"m\"");
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The application resets its solver between derivatives, or scales its systems: right, or an error that says so */
static PetscErrorCode TestReset(const char options[])
{
  Transport      t;
  Vec            ubar, mbar, ref;
  KSP            ksp;
  PetscErrorCode failed;
  PetscBool      right;

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(TransportCreate(6, 5, &t));
  PetscCall(TransportDini(&t, DINIPARAMETERMATRIX));
  PetscCall(SNESSetFromOptions(t.snes));
  PetscCall(SNESGetKSP(t.snes, &ksp));
  PetscCall(VecDuplicate(t.m, &mbar));
  PetscCall(VecDuplicate(t.m, &ref));
  for (int k = 0; k < 6; k++) {
    PetscCall(DiniTestVec(t.u, 10 + k, &ubar));
    PetscCall(DiniTestCatch());
    failed = PETSC_SUCCESS;
    if (k == 0 || k == 3 || k == 5) failed = DiniSolve(t.dini, t.u);
    if (!failed) failed = DiniVJP(t.dini, ubar, mbar);
    PetscCall(TransportReferenceVJP(&t, ubar, ref));
    PetscCall(DiniTestRightOrError(failed, mbar, ref, 1e-8, options, &right));
    DiniTestTrue(right || k == 2, "%s: VJP %d has failed: %s", options, k, DiniTestMessages());
    if (k < 2) PetscCall(KSPReset(ksp));
    else if (k < 4) PetscCall(SNESReset(t.snes));
    PetscCall(VecDestroy(&ubar));
  }
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&ref));
  PetscCall(TransportDestroy(&t));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestLocks());
  PetscCall(TestAlias());
  PetscCall(TestReset("-pc_type bjacobi"));
  PetscCall(TestReset("-pc_type redundant -ksp_type preonly"));
  PetscCall(PetscFinalize());
  return 0;
}
