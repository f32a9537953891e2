static char help[] =
    "Clusters: means are differentiated, members refused with their gap; modes are tracked through a crossing.\n";

#include "support/eigen.h"

/* A membrane of n x n points, -a d2/dx2 - b d2/dy2: lambda_pq = a s_p + b s_q, so that (1,2) and (2,1) coincide for a = b */
typedef struct {
  PetscInt    n;
  PetscScalar a, b;
  Mat         A;
  EPS         eps;
  Dini        dini;
} Membrane;

static PetscErrorCode Assemble(Dini dini, PetscInt nmats, Mat M[], void *ctx)
{
  Membrane       *membrane = (Membrane *)ctx;
  const PetscInt  n        = membrane->n;
  const PetscReal h2       = PetscSqr((PetscReal)(n + 1));
  PetscInt        lo, hi;

  PetscFunctionBeginUser;
  (void)dini;
  (void)nmats;
  PetscCall(MatGetOwnershipRange(M[0], &lo, &hi));
  for (PetscInt row = lo; row < hi; row++) {
    const PetscInt i = row % n, j = row / n;

    PetscCall(MatSetValue(M[0], row, row, 2.0 * h2 * (membrane->a + membrane->b), INSERT_VALUES));
    if (i > 0) PetscCall(MatSetValue(M[0], row, row - 1, -h2 * membrane->a, INSERT_VALUES));
    if (i < n - 1) PetscCall(MatSetValue(M[0], row, row + 1, -h2 * membrane->a, INSERT_VALUES));
    if (j > 0) PetscCall(MatSetValue(M[0], row, row - n, -h2 * membrane->b, INSERT_VALUES));
    if (j < n - 1) PetscCall(MatSetValue(M[0], row, row + n, -h2 * membrane->b, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(M[0], MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(M[0], MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscReal S(const Membrane *membrane, PetscInt p)
{
  const PetscReal n1 = (PetscReal)(membrane->n + 1);

  return 4.0 * n1 * n1 * PetscSqr(PetscSinReal((PetscReal)p * PETSC_PI / (2.0 * n1)));
}

/* complete: a basis of the whole space, without which a Krylov method may find one vector of two */
static PetscErrorCode Create(PetscInt n, PetscScalar a, EPSProblemType type, PetscBool complete, Membrane *membrane)
{
  PetscFunctionBeginUser;
  membrane->n = n;
  membrane->a = a;
  membrane->b = 1.0;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, n * n, n * n, 5, NULL, 5, NULL, &membrane->A));
  PetscCall(Assemble(NULL, 1, &membrane->A, membrane));
  PetscCall(EPSCreate(PETSC_COMM_WORLD, &membrane->eps));
  PetscCall(EPSSetOperators(membrane->eps, membrane->A, NULL));
  PetscCall(EPSSetProblemType(membrane->eps, type));
  PetscCall(EPSSetWhichEigenpairs(membrane->eps, EPS_SMALLEST_REAL));
  PetscCall(EPSSetDimensions(membrane->eps, 4, complete ? n * n : PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(EPSSetTolerances(membrane->eps, 1e-13, 1000));
  PetscCall(EPSSetFromOptions(membrane->eps));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &membrane->dini));
  PetscCall(DiniSetEPS(membrane->dini, membrane->eps));
  PetscCall(DiniSetEigenSystem(membrane->dini, Assemble, membrane));
  PetscCall(DiniAddScalarParameter(membrane->dini, "a", &membrane->a, NULL));
  PetscCall(DiniAddScalarParameter(membrane->dini, "b", &membrane->b, NULL));
  for (PetscInt p = 0; p < 2; p++) PetscCall(DiniSetParameterAffine(membrane->dini, p, PETSC_TRUE));
  PetscCall(DiniSetFromOptions(membrane->dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Membrane *membrane)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&membrane->dini));
  PetscCall(EPSDestroy(&membrane->eps));
  PetscCall(MatDestroy(&membrane->A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* d/da and d/db of lambda, or of the mean of its cluster, are da and db */
static PetscErrorCode Gradient(Membrane *membrane, PetscBool cluster, PetscInt i, PetscReal da, PetscReal db)
{
  Vec          g, dm;
  PetscScalar *all, d, di;

  PetscFunctionBeginUser;
  PetscCall(DiniCreateParameterVec(membrane->dini, &g));
  PetscCall(VecDuplicate(g, &dm));
  if (cluster) PetscCall(DiniEigenClusterVJP(membrane->dini, i, 1.0, 0.0, g));
  else PetscCall(DiniEigenvalueVJP(membrane->dini, i, 1.0, 0.0, g));
  PetscCall(GatherAll(g, &all));
  DiniTestClose(PetscRealPart(all[0]), da, 1e-7, 0.0, "derivative by a");
  DiniTestClose(PetscRealPart(all[1]), db, 1e-7, 0.0, "derivative by b");
  PetscCall(PetscFree(all));
  PetscCall(VecSet(dm, 1.0));
  if (cluster) PetscCall(DiniEigenClusterJVP(membrane->dini, i, dm, &d, &di));
  else PetscCall(DiniEigenvalueJVP(membrane->dini, i, dm, &d, &di));
  DiniTestClose(PetscRealPart(d), da + db, 1e-7, 0.0, "derivative along (1, 1)");
  PetscCall(VecDestroy(&g));
  PetscCall(VecDestroy(&dm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestDouble(EPSProblemType type, const char options[])
{
  Membrane        membrane;
  const PetscInt *members;
  PetscInt        n;
  PetscReal       gap, s1, s2;
  Vec             dm, dx;
  PetscScalar     d;

  PetscFunctionBeginUser;
  if (options) PetscCall(DiniTestOptionsSet(options));
  PetscCall(Create(6, 1.0, type, PETSC_TRUE, &membrane));
  s1 = S(&membrane, 1);
  s2 = S(&membrane, 2);
  PetscCall(DiniEigenSolve(membrane.dini));
  PetscCall(Gradient(&membrane, PETSC_FALSE, 0, s1, s1));
  PetscCall(Gradient(&membrane, PETSC_TRUE, 0, s1, s1)); /* a cluster of one */
  PetscCall(DiniGetEigenCluster(membrane.dini, 1, &n, &members, &gap));
  DiniTestCount(n, 2, "members of the double eigenvalue");
  DiniTestCount(members[0] + 10 * members[1], 21, "numbers of the members");
  DiniTestTrue(gap < 1e-8 * s1, "The gap of a double eigenvalue is %g", (double)gap);
  PetscCall(DiniCreateParameterVec(membrane.dini, &dm));
  PetscCall(VecSet(dm, 1.0));
  PetscCall(MatCreateVecs(membrane.A, &dx, NULL));
  DiniTestExpect(DiniEigenvalueJVP(membrane.dini, 1, dm, &d, NULL), PETSC_ERR_SUP, "cluster of 2 with a gap of");
  DiniTestExpect(DiniEigenvalueVJP(membrane.dini, 2, 1.0, 0.0, dm), PETSC_ERR_SUP, "cluster of 2 with a gap of");
  DiniTestExpect(DiniEigenvectorJVP(membrane.dini, 1, dm, dx, NULL), PETSC_ERR_SUP, "its vector is not defined");
  if (type == EPS_HEP || options) {
    PetscCall(Gradient(&membrane, PETSC_TRUE, 1, 0.5 * (s1 + s2), 0.5 * (s1 + s2)));
    PetscCall(Gradient(&membrane, PETSC_TRUE, 2, 0.5 * (s1 + s2), 0.5 * (s1 + s2)));
  } else DiniTestExpect(DiniEigenClusterVJP(membrane.dini, 1, 1.0, 0.0, dm), PETSC_ERR_SUP, "EPSSetTwoSided()");
  PetscCall(Gradient(&membrane, PETSC_FALSE, 0, s1, s1)); /* what was refused has broken nothing */
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&dx));
  PetscCall(Destroy(&membrane));
  if (options) PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Near a crossing: a gap of 6e-7, refused by default and right when it is let pass */
static PetscErrorCode TestNear(void)
{
  Membrane    membrane;
  Vec         dm;
  PetscScalar d;

  PetscFunctionBeginUser;
  PetscCall(Create(6, 1.0 + 1e-6, EPS_HEP, PETSC_TRUE, &membrane));
  PetscCall(DiniEigenSolve(membrane.dini));
  PetscCall(DiniCreateParameterVec(membrane.dini, &dm));
  PetscCall(VecSet(dm, 1.0));
  DiniTestExpect(DiniEigenvalueJVP(membrane.dini, 1, dm, &d, NULL), PETSC_ERR_SUP, "-dini_eigen_gap below");
  PetscCall(Gradient(&membrane, PETSC_TRUE, 1, 0.5 * (S(&membrane, 1) + S(&membrane, 2)),
                     0.5 * (S(&membrane, 1) + S(&membrane, 2))));
  PetscCall(DiniSetEigenGap(membrane.dini, 1e-8));
  DiniTestExpect(DiniEigenvalueJVP(membrane.dini, 1, dm, &d, NULL), PETSC_ERR_ORDER, "no solution");
  PetscCall(DiniEigenSolve(membrane.dini));
  PetscCall(Gradient(&membrane, PETSC_FALSE, 1, S(&membrane, 1), S(&membrane, 2)));
  PetscCall(Gradient(&membrane, PETSC_FALSE, 2, S(&membrane, 2), S(&membrane, 1)));
  DiniTestExpect(DiniSetEigenGap(membrane.dini, -1.0), PETSC_ERR_ARG_OUTOFRANGE, "negative");
  PetscCall(VecDestroy(&dm));
  PetscCall(Destroy(&membrane));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Through the crossing at a = 1: tracked, mode 1 stays (2,1), and once it is out of reach it is lost, not another one */
static PetscErrorCode TestCrossing(PetscBool track)
{
  const PetscReal path[] = {0.9, 0.97, 1.03, 1.1};
  Membrane        membrane;
  PetscReal       s1, s2, overlap;
  PetscScalar     lambda;
  Vec             dm;

  PetscFunctionBeginUser;
  PetscCall(Create(6, 0.9, EPS_HEP, PETSC_FALSE, &membrane));
  if (track) PetscCall(DiniSetEigenTracking(membrane.dini, PETSC_TRUE, 0.7));
  s1 = S(&membrane, 1);
  s2 = S(&membrane, 2);
  for (size_t step = 0; step < PETSC_STATIC_ARRAY_LENGTH(path); step++) {
    const PetscReal a      = path[step];
    const PetscBool second = (PetscBool)(track || a < 1.0); /* mode 1 is (2,1), which has s2 in x */

    membrane.a = a;
    PetscCall(DiniEigenSolve(membrane.dini));
    PetscCall(DiniGetEigenpair(membrane.dini, 1, &lambda, NULL, NULL, NULL));
    DiniTestClose(PetscRealPart(lambda), second ? a * s2 + s1 : a * s1 + s2, 1e-10, 0.0,
                  "eigenvalue through a crossing");
    PetscCall(Gradient(&membrane, PETSC_FALSE, 1, second ? s2 : s1, second ? s1 : s2));
    PetscCall(DiniGetEigenOverlap(membrane.dini, 1, &overlap));
    DiniTestClose(overlap, 1.0, 1e-8, 0.0, "overlap of a mode whose vector does not change");
  }
  if (track) {
    membrane.a = 9.0;
    PetscCall(DiniEigenSolve(membrane.dini));
    PetscCall(DiniCreateParameterVec(membrane.dini, &dm));
    DiniTestExpect(DiniEigenvalueVJP(membrane.dini, 1, 1.0, 0.0, dm), PETSC_ERR_ARG_WRONGSTATE,
                   "has been lost: its overlap");
    PetscCall(Gradient(&membrane, PETSC_FALSE, 0, s1, s1));
    PetscCall(DiniSetEigenMode(membrane.dini, 1));
    DiniTestExpect(DiniEigenSolve(membrane.dini), PETSC_ERR_NOT_CONVERGED, "mode 1 lost"); /* still */
    membrane.a = 1.1;
    PetscCall(DiniEigenSolve(membrane.dini)); /* and found again */
    PetscCall(DiniGetEigenpair(membrane.dini, 1, &lambda, NULL, NULL, NULL));
    DiniTestClose(PetscRealPart(lambda), 1.1 * s2 + s1, 1e-10, 0.0, "eigenvalue of a mode that was lost for a while");
    PetscCall(VecDestroy(&dm));
  }
  PetscCall(Destroy(&membrane));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Two equal blocks: every eigenvalue is double, and a solver that is asked for one finds one */
static PetscScalar Twins(PetscInt i, PetscInt j, const PetscScalar m[])
{
  const PetscInt k = i / 2, l = j / 2; /* the blocks alternate */

  if (i % 2 != j % 2) return 0.0;
  return k == l ? 2.0 * m[0] + 0.1 * (PetscReal)k : k - l == 1 || l - k == 1 ? -m[1] : 0.0;
}

static PetscErrorCode TestIncomplete(void)
{
  const PetscScalar m[] = {1.0, 1.0};
  Small             small;
  Vec               g;
  PetscInt          n;

  PetscFunctionBeginUser;
  PetscCall(SmallCreate(24, 2, m, Twins, EPS_HEP, &small));
  PetscCall(EPSSetDimensions(small.eps, 1, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(EPSSetWhichEigenpairs(small.eps, EPS_SMALLEST_REAL));
  PetscCall(DiniEigenSolve(small.dini));
  PetscCall(DiniGetNumberEigenpairs(small.dini, &n));
  PetscCall(DiniCreateParameterVec(small.dini, &g));
  if (n == 1)
    DiniTestExpect(DiniEigenvalueVJP(small.dini, 0, 1.0, 0.0, g), PETSC_ERR_SUP, "that the solver has not returned");
  else DiniTestExpect(DiniEigenvalueVJP(small.dini, 0, 1.0, 0.0, g), PETSC_ERR_SUP, "");
  PetscCall(VecDestroy(&g));
  PetscCall(SmallDestroy(&small));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Eigenvalues m0 +- sqrt(m1), defective at m1 = 0 */
static PetscScalar Jordan(PetscInt i, PetscInt j, const PetscScalar m[])
{
  if (i > 1 || j > 1) return i == j ? 5.0 + (PetscReal)i : 0.0;
  return i == j ? m[0] : i ? m[1] : 1.0;
}

static PetscErrorCode TestDefective(PetscReal m1)
{
  const PetscScalar m[] = {1.0, m1};
  Small             small;
  Vec               g;
  PetscInt          i;
  PetscReal         norm;

  PetscFunctionBeginUser;
  PetscCall(SmallCreate(4, 2, m, Jordan, EPS_NHEP, &small));
  PetscCall(DiniEigenSolve(small.dini));
  PetscCall(DiniCreateParameterVec(small.dini, &g));
  PetscCall(NearestPair(small.dini, 6.0 + 1.0, 0.0, &i));
  PetscCall(DiniEigenvalueVJP(small.dini, i, 1.0, 0.0, g)); /* it knows no m, which is no reason to refuse */
  PetscCall(VecNorm(g, NORM_2, &norm));
  DiniTestClose(norm, 0.0, 0.0, 1e-10, "gradient of an eigenvalue that no parameter moves");
  for (i = 0; i < 4; i++) {
    PetscScalar lambda;

    PetscCall(DiniGetEigenpair(small.dini, i, &lambda, NULL, NULL, NULL));
    if (PetscAbsScalar(lambda - 1.0) > 0.5) continue;
    DiniTestExpect(DiniEigenvalueVJP(small.dini, i, 1.0, 0.0, g), PETSC_ERR_SUP, "");
    DiniTestExpectAny(DiniEigenClusterVJP(small.dini, i, 1.0, 0.0, g), "");
  }
  PetscCall(VecDestroy(&g));
  PetscCall(SmallDestroy(&small));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscMPIInt size;

  PetscCall(SlepcInitialize(&argc, &argv, NULL, help));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(TestDouble(EPS_HEP, NULL));
  PetscCall(TestDouble(EPS_NHEP, NULL));
  /* where rounding makes a pair of the double eigenvalue, as OpenBLAS does on 4 ranks, SLEPc asks LAPACK for half of it */
  if (size < 4) PetscCall(TestDouble(EPS_NHEP, "-eps_two_sided"));
  PetscCall(TestNear());
  PetscCall(TestCrossing(PETSC_FALSE));
  PetscCall(TestCrossing(PETSC_TRUE));
  PetscCall(TestIncomplete());
  PetscCall(TestDefective(0.0));
  PetscCall(SlepcFinalize());
  return 0;
}
