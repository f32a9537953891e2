static char help[] =
    "What an SVD of du/dm refuses, where it stands, and ranks and equal values that it has to get right.\n";

#include "support/dense.h"
#include "support/eigen.h"

static const char *const types[] = {SVDTRLANCZOS, SVDLANCZOS, SVDCROSS, SVDCYCLIC, SVDRANDOMIZED};

static PetscScalar Skewed(PetscInt i, PetscInt j, PetscInt N)
{
  (void)N;
  if (i == j) return DiniTestScalar(3.0 + 0.2 * (PetscReal)i, 0.5);
  return j == i + 1 ? DiniTestScalar(1.5, -0.8) : i == j + 1 ? DiniTestScalar(-0.4, 0.3) : 0.0;
}

static PetscScalar Sensors(PetscInt i, PetscInt j, PetscInt N)
{
  (void)N;
  return DiniTestScalar(1.0 / (1.0 + PetscSqr((PetscReal)(j - 2 * i))), 0.2 * (PetscReal)i - 0.1 * (PetscReal)j);
}

/* the third sensor is the sum of the others */
static PetscScalar Dependent(PetscInt i, PetscInt j, PetscInt N)
{
  return i < 2 ? Sensors(i, j, N) : Sensors(0, j, N) + Sensors(1, j, N);
}

static PetscErrorCode Create(Dini dini, Mat B, Mat S, SVDType type, PetscInt count, SVD *svd)
{
  PetscFunctionBeginUser;
  PetscCall(DiniCreateSVD(dini, B, S, svd));
  PetscCall(SVDSetType(*svd, type));
  PetscCall(SVDSetDimensions(*svd, count, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(SVDSetFromOptions(*svd));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Refused at creation: no point, layouts, communicators, a missing transposed product */
static PetscErrorCode TestCreation(void)
{
  const PetscInt N = 6;
  Linear         l;
  SVD            svd;
  Mat            B, S, other;
  PetscInt       m, n;
  PetscMPIInt    rank, size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(LinearCreate(N, &l));
  PetscCall(LinearDini(&l, DINIKSP, DINIPARAMETERMATRIX));
  PetscCall(PetscObjectSetName((PetscObject)l.dini, "spectrum"));
  DiniTestExpect(DiniCreateSVD(l.dini, NULL, NULL, &svd), PETSC_ERR_ORDER, "DiniSolve()");
  PetscCall(DiniSolve(l.dini, l.u));
  PetscCall(VecGetLocalSize(l.u, &n));
  PetscCall(DenseMat(PETSC_DECIDE, PETSC_DECIDE, 3, N + 1, Sensors, &B));
  DiniTestExpect(DiniCreateSVD(l.dini, B, NULL, &svd), PETSC_ERR_ARG_SIZ,
                 "Dini \"spectrum\": the columns of the operator B on the state must have the layout of the state u");
  DiniTestExpect(DiniCreateSVD(l.dini, NULL, B, &svd), PETSC_ERR_ARG_SIZ,
                 "the rows of the operator S on the parameters must have the layout of a flat parameter vector");
  PetscCall(MatDestroy(&B));
  if (size > 1) { /* all on the last rank */
    const PetscInt all = rank == size - 1 ? N : 0;

    PetscCall(DenseMat(PETSC_DECIDE, all, 3, N, Sensors, &B));
    PetscCall(DenseMat(all, PETSC_DECIDE, N, 2, Sensors, &S));
    DiniTestExpect(DiniCreateSVD(l.dini, B, NULL, &svd), PETSC_ERR_ARG_SIZ, "the columns of the operator B");
    DiniTestExpect(DiniCreateSVD(l.dini, NULL, S, &svd), PETSC_ERR_ARG_SIZ, "the rows of the operator S");
    PetscCall(MatDestroy(&B));
    PetscCall(MatDestroy(&S));
    PetscCall(MatCreateSeqDense(PETSC_COMM_SELF, N, N, NULL, &other));
    DiniTestExpect(DiniCreateSVD(l.dini, other, NULL, &svd), PETSC_ERR_ARG_NOTSAMECOMM, "another communicator");
    PetscCall(MatDestroy(&other));
  }
  PetscCall(DenseMat(PETSC_DECIDE, n, 3, N, Sensors, &B));
  PetscCall(MatGetLocalSize(B, &m, NULL));
  PetscCall(MatCreateShell(PETSC_COMM_WORLD, m, n, 3, N, NULL, &other)); /* without any product */
  DiniTestExpect(DiniCreateSVD(l.dini, other, NULL, &svd), PETSC_ERR_SUP,
                 "the operator B on the state has no MatMultTranspose()");
  PetscCall(MatDestroy(&other));
  PetscCall(MatDestroy(&B));
  PetscCall(DiniSetParameterActive(l.dini, 0, PETSC_FALSE));
  DiniTestExpect(DiniCreateSVD(l.dini, NULL, NULL, &svd), PETSC_ERR_ORDER, "no active parameter");
  PetscCall(DiniSetParameterActive(l.dini, 0, PETSC_TRUE));
#if defined(PETSC_USE_COMPLEX)
  PetscCall(DiniSetParameterReal(l.dini, 0, PETSC_TRUE));
  DiniTestExpectAny(DiniCreateSVD(l.dini, NULL, NULL, &svd), "");
#endif
  PetscCall(LinearDestroy(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Types and problems that are not verified, and a solver that needs more steps; the same SVD serves afterwards */
static PetscErrorCode TestSolver(void)
{
  const char *const entries[] = {SVDLAPACK};
  System            s;
  SVD               svd, own;
  Dense             A;
  Mat               op;
  Vec               omega;
  PetscInt          nonzero;

  PetscFunctionBeginUser;
  PetscCall(SystemCreate(16, Skewed, &s));
  PetscCall(DenseJVPs(s.dini, &A));
  PetscCall(Create(s.dini, NULL, NULL, SVDTRLANCZOS, 5, &svd));
  for (size_t k = 0; k < sizeof(entries) / sizeof(entries[0]); k++) {
    PetscCall(SVDSetType(svd, entries[k]));
    DiniTestExpect(DiniSVDSolve(svd, NULL), PETSC_ERR_SUP, "reads the entries of a matrix");
  }
  PetscCall(SVDSetType(svd, SVDTRLANCZOS));
  PetscCall(SVDSetDimensions(svd, 5, 6, PETSC_DEFAULT));
  PetscCall(SVDSetTolerances(svd, 1e-8, 1));
  DiniTestExpect(DiniSVDSolve(svd, NULL), PETSC_ERR_NOT_CONVERGED, "the SVD has not converged: DIVERGED_ITS");
  PetscCall(SVDSetDimensions(svd, 5, 14, 14));
  PetscCall(SVDSetTolerances(svd, 1e-8, 100));
  PetscCall(DiniSVDSolve(svd, &nonzero));
  PetscCall(DenseExpect(&A, svd, 5, 1e-7, "values after a failure"));
  PetscCall(DiniSVDSolve(svd, &nonzero)); /* nothing to solve, and verified again */
  PetscCall(SVDGetOperators(svd, &op, NULL));
  PetscCall(SVDCreate(PETSC_COMM_WORLD, &own));
  DiniTestExpect(DiniSVDSolve(own, NULL), PETSC_ERR_ORDER, "DiniCreateSVD()");
  PetscCall(SVDSetOperators(own, s.A, NULL));
  DiniTestExpect(DiniSVDSolve(own, NULL), PETSC_ERR_ARG_WRONG, "not those of DiniCreateSVD()");
  PetscCall(SVDSetOperators(own, op, op));
  DiniTestExpect(DiniSVDSolve(own, NULL), PETSC_ERR_ARG_WRONG, "not those of DiniCreateSVD()");
  PetscCall(SVDDestroy(&own));
  PetscCall(VecDuplicate(s.u, &omega));
  PetscCall(VecSet(omega, 1.0));
  PetscCall(SVDSetSignature(svd, omega));
  PetscCall(SVDSetProblemType(svd, SVD_HYPERBOLIC));
  DiniTestExpect(DiniSVDSolve(svd, NULL), PETSC_ERR_SUP, "hyperbolic");
  PetscCall(VecDestroy(&omega));
  PetscCall(SVDDestroy(&svd));
  PetscCall(DenseDestroy(&A));
  PetscCall(SystemDestroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The SVD stays at its point while the Dini goes on, and says so when there is none any more */
static PetscErrorCode TestMoved(void)
{
  Curved   c;
  SVD      svd;
  Dense    A;
  Vec      m, before;
  PetscInt nonzero;

  PetscFunctionBeginUser;
  PetscCall(CurvedCreate(7, &c));
  PetscCall(CurvedDini(&c, DINIPARAMETERMATRIX));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DenseJVPs(c.dini, &A));
  PetscCall(Create(c.dini, NULL, NULL, SVDTRLANCZOS, 3, &svd));
  PetscCall(VecDuplicate(c.m, &m));
  PetscCall(VecDuplicate(c.m, &before));
  PetscCall(VecScale(c.m, 1.3));
  PetscCall(VecCopy(c.m, m));
  PetscCall(DiniSVDSolve(svd, &nonzero)); /* the parameters have other values than at the point */
  PetscCall(DenseExpect(&A, svd, 3, 1e-7, "values at a point that the parameters have left"));
  PetscCall(DiniTestVecsClose(c.m, m, 1e-15, "parameters after an SVD"));
  PetscCall(SVDDestroy(&svd));
  PetscCall(VecCopy(m, before));
  PetscCall(VecScale(c.m, 1.0 / 1.3));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(Create(c.dini, NULL, NULL, SVDCROSS, 3, &svd));
  PetscCall(VecCopy(before, c.m));
  PetscCall(DiniSolve(c.dini, c.u)); /* another point */
  PetscCall(DiniSVDSolve(svd, &nonzero));
  PetscCall(DenseExpect(&A, svd, 3, 1e-7, "values at a point that the Dini has left"));
  PetscCall(DiniTestVecsClose(c.m, before, 1e-15, "parameters after an SVD"));
  PetscCall(SVDDestroy(&svd));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(Create(c.dini, NULL, NULL, SVDTRLANCZOS, 3, &svd));
  PetscCall(DiniReset(c.dini));
  DiniTestExpect(DiniSVDSolve(svd, NULL), PETSC_ERR_ARG_WRONGSTATE, "has been reset");
  PetscCall(SVDDestroy(&svd));
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&before));
  PetscCall(DenseDestroy(&A));
  PetscCall(CurvedDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Two of three sensors are independent: two values, and a third that is zero to the tolerance */
static PetscErrorCode TestRank(SVDType type)
{
  const PetscInt N = 9;
  System         s;
  SVD            svd;
  Dense          A, Bd, BA;
  Mat            B;
  PetscInt       n, nonzero;

  PetscFunctionBeginUser;
  PetscCall(SystemCreate(N, Skewed, &s));
  PetscCall(VecGetLocalSize(s.u, &n));
  PetscCall(DenseMat(PETSC_DECIDE, n, 3, N, Dependent, &B));
  PetscCall(DenseJVPs(s.dini, &A));
  PetscCall(DenseFill(3, N, Dependent, &Bd));
  PetscCall(DenseProduct(&Bd, &A, &BA));
  for (PetscInt count = 1; count <= 3; count++) {
    PetscReal *sigma;
    PetscBool  randomized;

    PetscCall(PetscStrcmp(type, SVDRANDOMIZED, &randomized));
    if (count == 3 && randomized) continue; /* a zero is never found to a tolerance relative to itself */

    PetscCall(Create(s.dini, B, NULL, type, count, &svd));
    PetscCall(DiniSVDSolve(svd, &nonzero));
    DiniTestTrue(nonzero >= PetscMin(count, 2) && nonzero <= 2, "%s: rank %" PetscInt_FMT " where it is two", type,
                 nonzero);
    PetscCall(DenseSingularValues(&BA, &sigma));
    for (PetscInt i = 0; i < count; i++) {
      PetscReal found;

      PetscCall(SVDGetSingularTriplet(svd, i, &found, NULL, NULL));
      DiniTestClose(found, sigma[i], 0.0, 1e-7 * sigma[0], "value of dependent sensors");
    }
    PetscCall(PetscFree(sigma));
    PetscCall(SVDDestroy(&svd));
  }
  PetscCall(DenseDestroy(&A));
  PetscCall(DenseDestroy(&Bd));
  PetscCall(DenseDestroy(&BA));
  PetscCall(MatDestroy(&B));
  PetscCall(SystemDestroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* 1, 1, 1, 2, 2, 2, ...: Krylov methods may see one of three, and then DiniSVDSolve() must say so */
static PetscScalar Triples(PetscInt i, PetscInt j, PetscInt N)
{
  (void)N;
  return i == j ? DiniTestScalar((PetscReal)(i / 3 + 1), 0.0) : 0.0;
}

static PetscErrorCode TestEqual(SVDType type, PetscInt count)
{
  System         s;
  SVD            svd;
  Dense          A;
  PetscErrorCode failed;

  PetscFunctionBeginUser;
  PetscCall(SystemCreate(15, Triples, &s));
  PetscCall(DenseJVPs(s.dini, &A));
  PetscCall(Create(s.dini, NULL, NULL, type, count, &svd));
  PetscCall(DiniTestCatch());
  failed = DiniSVDSolve(svd, NULL);
  PetscCall(DiniTestRelease());
  if (failed) DiniTestTrue(failed == PETSC_ERR_NOT_CONVERGED, "Error %d for equal values", (int)failed);
  else PetscCall(DenseExpect(&A, svd, count, 1e-7, "equal values"));
  PetscCall(SVDDestroy(&svd));
  PetscCall(DenseDestroy(&A));
  PetscCall(SystemDestroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  One step of subspace iteration ends with a product that makes one of the two residuals vanish, on the longer side: the other
  one has to speak.
*/
static PetscErrorCode TestOneSide(PetscBool wide)
{
  const PetscInt N = 14, M = 7;
  System         s;
  SVD            svd;
  Mat            F;
  PetscInt       n;

  PetscFunctionBeginUser;
  PetscCall(SystemCreate(N, Skewed, &s));
  PetscCall(VecGetLocalSize(s.u, &n));
  if (wide) PetscCall(DenseMat(PETSC_DECIDE, n, M, N, Sensors, &F));
  else PetscCall(DenseMat(n, PETSC_DECIDE, N, M, Sensors, &F));
  PetscCall(Create(s.dini, wide ? F : NULL, wide ? NULL : F, SVDRANDOMIZED, 2, &svd));
  PetscCall(SVDSetDimensions(svd, 2, 3, 3));
  PetscCall(SVDSetConvergenceTest(svd, SVD_CONV_MAXIT));
  PetscCall(SVDSetTolerances(svd, 1e-8, 1));
  DiniTestExpect(DiniSVDSolve(svd, NULL), PETSC_ERR_NOT_CONVERGED, "is not verified");
  PetscCall(SVDDestroy(&svd));
  PetscCall(MatDestroy(&F));
  PetscCall(SystemDestroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(SlepcInitialize(&argc, &argv, NULL, help));
  PetscCall(TestCreation());
  PetscCall(TestSolver());
  PetscCall(TestMoved());
  PetscCall(TestOneSide(PETSC_FALSE));
  PetscCall(TestOneSide(PETSC_TRUE));
  for (size_t k = 0; k < sizeof(types) / sizeof(types[0]); k++) {
    PetscBool cyclic;

    PetscCall(
        PetscStrcmp(types[k], SVDCYCLIC, &cyclic)); /* it stumbles over the zeros of operators that are not square */
    if (!cyclic) PetscCall(TestRank(types[k]));
    PetscCall(TestEqual(types[k], 5));
  }
  PetscCall(SlepcFinalize());
  return 0;
}
