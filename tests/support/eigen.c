#include "eigen.h"

PetscErrorCode GatherAll(Vec v, PetscScalar **all)
{
  VecScatter         scatter;
  Vec                copy;
  const PetscScalar *a;
  PetscInt           N;

  PetscFunctionBeginUser;
  PetscCall(VecScatterCreateToAll(v, &scatter, &copy));
  PetscCall(VecScatterBegin(scatter, v, copy, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(scatter, v, copy, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecGetSize(v, &N));
  PetscCall(PetscMalloc1(N, all));
  PetscCall(VecGetArrayRead(copy, &a));
  PetscCall(PetscArraycpy(*all, a, N));
  PetscCall(VecRestoreArrayRead(copy, &a));
  PetscCall(VecScatterDestroy(&scatter));
  PetscCall(VecDestroy(&copy));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The 2 x 2 matrix of element e per unit of parameter: 0 stiffness, 1 mass, 2 convection */
static void Element(const Spring *chain, int which, PetscScalar element[4])
{
  const PetscReal   h = 1.0 / (PetscReal)(chain->N + 1);
  const PetscScalar z = DiniTestScalar(PetscCosReal(chain->angle), PetscSinReal(chain->angle));

  if (which == 0) {
    element[0] = element[3] = 1.0 / h;
    element[1]              = -z / h;
    element[2]              = -PetscConj(z) / h;
  } else if (which == 1) {
    element[0] = element[3] = h / 3.0;
    element[1]              = z * h / 6.0;
    element[2]              = PetscConj(z) * h / 6.0;
  } else {
    element[0] = element[3] = 0.0;
    element[1]              = 1.0;
    element[2]              = -1.0;
  }
}

static PetscErrorCode AddElements(const Spring *chain, int which, Mat M)
{
  PetscScalar *value, element[4], scaled[4];
  PetscInt     lo, hi;

  PetscFunctionBeginUser;
  PetscCall(GatherAll(chain->m[which], &value));
  PetscCall(MatGetOwnershipRange(M, &lo, &hi));
  Element(chain, which, element);
  for (PetscInt e = 0; e <= chain->N; e++) {
    const PetscInt node[2] = {e - 1, e < chain->N ? e : -1};

    if (e < lo || e - 1 >= hi) continue;
    for (int k = 0; k < 4; k++) scaled[k] = value[e] * element[k];
    for (PetscInt r = 0; r < 2; r++) /* each rank adds to its own rows; negative ones are ignored */
      if (node[r] >= lo && node[r] < hi)
        PetscCall(MatSetValues(M, 1, &node[r], 2, node, scaled + (size_t)2 * (size_t)r, ADD_VALUES));
  }
  PetscCall(PetscFree(value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SpringAssemble(Dini dini, PetscInt n, Mat M[], void *ctx)
{
  Spring *chain = (Spring *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  for (PetscInt k = 0; k < n; k++) PetscCall(MatZeroEntries(M[k]));
  PetscCall(AddElements(chain, 0, M[0]));
  if (chain->convection) PetscCall(AddElements(chain, 2, M[0]));
  if (n > 1) PetscCall(AddElements(chain, 1, M[1]));
  if (chain->nan >= 0 && chain->assemblies >= chain->nan && chain->N > 1) {
    PetscInt lo, hi;

    PetscCall(MatGetOwnershipRange(M[0], &lo, &hi));
    if (hi == chain->N && hi > lo) PetscCall(MatSetValue(M[0], hi - 1, hi - 1, NAN, ADD_VALUES));
  }
  for (PetscInt k = 0; k < n; k++) {
    PetscCall(MatAssemblyBegin(M[k], MAT_FINAL_ASSEMBLY));
    PetscCall(MatAssemblyEnd(M[k], MAT_FINAL_ASSEMBLY));
  }
  chain->assemblies++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F_m = c_k (element matrix) u in column e: rows e - 1 and e */
static PetscErrorCode FillElements(Dini dini, Spring *chain, int which, Vec u, Mat Fm)
{
  const PetscScalar *c;
  PetscScalar       *all, element[4];
  PetscInt           lo, hi;

  PetscFunctionBeginUser;
  PetscCall(DiniGetEigenCoefficients(dini, NULL, &c));
  PetscCall(GatherAll(u, &all));
  PetscCall(MatGetOwnershipRange(Fm, &lo, &hi));
  PetscCall(MatZeroEntries(Fm));
  Element(chain, which, element);
  for (PetscInt e = 0; e <= chain->N; e++) {
    const PetscInt    node[2]  = {e - 1, e};
    const PetscScalar value[2] = {e > 0 ? all[e - 1] : 0.0, e < chain->N ? all[e] : 0.0};
    const PetscScalar factor   = which != 1 ? c[0] : chain->forgetful ? -7.0 : c[1];

    for (PetscInt r = 0; r < 2; r++)
      if (node[r] >= lo && node[r] < hi)
        PetscCall(MatSetValue(Fm, node[r], e, factor * (element[r ? 2 : 0] * value[0] + element[r ? 3 : 1] * value[1]),
                              INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(Fm, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(Fm, MAT_FINAL_ASSEMBLY));
  PetscCall(PetscFree(all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FillK(Dini dini, Vec u, Vec m, Mat Fm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)m;
  PetscCall(FillElements(dini, (Spring *)ctx, 0, u, Fm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FillRho(Dini dini, Vec u, Vec m, Mat Fm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)m;
  PetscCall(FillElements(dini, (Spring *)ctx, 1, u, Fm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FillC(Dini dini, Vec u, Vec m, Mat Fm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)m;
  PetscCall(FillElements(dini, (Spring *)ctx, 2, u, Fm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateMatrix(PetscInt m, PetscInt n, Mat *M)
{
  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, m, n, 3, NULL, 3, NULL, M));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SpringCreate(PetscInt N, PetscBool convection, PetscBool standard, Spring *chain)
{
  ST st;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(chain, sizeof(*chain)));
  chain->N          = N;
  chain->angle      = PetscDefined(USE_COMPLEX) ? 0.7 : 0.0;
  chain->convection = convection;
  chain->standard   = standard;
  chain->nan        = -1;
  for (int k = 0; k < 3; k++) {
    PetscCall(VecCreateMPI(PETSC_COMM_WORLD, PETSC_DECIDE, N + 1, &chain->m[k]));
    PetscCall(VecSet(chain->m[k], 1.0));
    PetscCall(CreateMatrix(N, N + 1, &chain->Fm[k]));
  }
  PetscCall(CreateMatrix(N, N, &chain->A));
  if (!standard) PetscCall(CreateMatrix(N, N, &chain->B));
  {
    Mat M[2] = {chain->A, chain->B};

    PetscCall(SpringAssemble(NULL, standard ? 1 : 2, M, chain));
  }
  PetscCall(EPSCreate(PETSC_COMM_WORLD, &chain->eps));
  PetscCall(EPSSetOperators(chain->eps, chain->A, chain->B));
  PetscCall(EPSSetProblemType(chain->eps, convection ? (standard ? EPS_NHEP : EPS_GNHEP)
                                          : standard ? EPS_HEP
                                                     : EPS_GHEP));
  PetscCall(EPSSetTolerances(chain->eps, 1e-13, 500));
  PetscCall(EPSSetTarget(chain->eps, 0.1));
  PetscCall(EPSSetWhichEigenpairs(chain->eps, EPS_TARGET_MAGNITUDE));
  PetscCall(EPSGetST(chain->eps, &st));
  PetscCall(STSetType(st, STSINVERT));
  {
    KSP         ksp;
    PC          pc;
    PetscMPIInt size;

    PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
    PetscCall(STGetKSP(st, &ksp));
    PetscCall(KSPSetType(ksp, KSPPREONLY));
    PetscCall(KSPGetPC(ksp, &pc));
    PetscCall(PCSetType(pc, PCLU));
    if (size > 1) PetscCall(PCFactorSetMatSolverType(pc, MATSOLVERMUMPS));
  }
  PetscCall(EPSSetDimensions(chain->eps, PetscMin(N, 4), PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(EPSSetFromOptions(chain->eps));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SpringDini(Spring *chain, DiniParameterType kind)
{
  static const char *const       name[] = {"k", "rho", "c"};
  DiniParameterJacobianFn *const fill[] = {FillK, FillRho, FillC};
  PetscBool                      matrix, pattern;

  PetscFunctionBeginUser;
  PetscCall(PetscStrcmp(kind, DINIPARAMETERMATRIX, &matrix));
  PetscCall(PetscStrcmp(kind, DINIPARAMETERCOLORING, &pattern));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &chain->dini));
  PetscCall(DiniSetEPS(chain->dini, chain->eps));
  PetscCall(DiniSetEigenSystem(chain->dini, SpringAssemble, chain));
  for (int k = 0; k < 3; k++) {
    PetscInt p;

    if ((k == 1 && chain->standard) || (k == 2 && !chain->convection)) continue;
    PetscCall(DiniAddParameter(chain->dini, name[k], chain->m[k], &p));
    if (matrix) PetscCall(DiniSetParameterJacobian(chain->dini, p, chain->Fm[k], fill[k], chain));
    if (pattern) { /* assembled once for its pattern */
      PetscInt lo, hi;

      PetscCall(MatGetOwnershipRange(chain->Fm[k], &lo, &hi));
      for (PetscInt i = lo; i < hi; i++)
        for (PetscInt j = i; j <= i + 1; j++) PetscCall(MatSetValue(chain->Fm[k], i, j, 1.0, INSERT_VALUES));
      PetscCall(MatAssemblyBegin(chain->Fm[k], MAT_FINAL_ASSEMBLY));
      PetscCall(MatAssemblyEnd(chain->Fm[k], MAT_FINAL_ASSEMBLY));
      PetscCall(DiniSetParameterJacobian(chain->dini, p, chain->Fm[k], NULL, NULL));
    }
    PetscCall(DiniSetParameterAffine(chain->dini, p, PETSC_TRUE));
    PetscCall(DiniSetParameterType(chain->dini, p, kind));
  }
  PetscCall(DiniSetFromOptions(chain->dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SpringDestroy(Spring *chain)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&chain->dini));
  PetscCall(EPSDestroy(&chain->eps));
  for (int k = 0; k < 3; k++) {
    PetscCall(VecDestroy(&chain->m[k]));
    PetscCall(MatDestroy(&chain->Fm[k]));
  }
  PetscCall(MatDestroy(&chain->A));
  PetscCall(MatDestroy(&chain->B));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SmallAssemble(Dini dini, PetscInt nmats, Mat M[], void *ctx)
{
  Small       *small = (Small *)ctx;
  PetscScalar *m;
  PetscInt     lo, hi;

  PetscFunctionBeginUser;
  (void)dini;
  (void)nmats;
  PetscCall(GatherAll(small->m, &m));
  PetscCall(MatGetOwnershipRange(M[0], &lo, &hi));
  for (PetscInt i = lo; i < hi; i++)
    for (PetscInt j = 0; j < small->n; j++) PetscCall(MatSetValue(M[0], i, j, (*small->entry)(i, j, m), INSERT_VALUES));
  PetscCall(MatAssemblyBegin(M[0], MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(M[0], MAT_FINAL_ASSEMBLY));
  PetscCall(PetscFree(m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SmallCreate(PetscInt n, PetscInt nm, const PetscScalar m[], SmallFn *entry, EPSProblemType type,
                           Small *small)
{
  PetscInt lo, hi;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(small, sizeof(*small)));
  small->n     = n;
  small->nm    = nm;
  small->entry = entry;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, n, n, n, NULL, n, NULL, &small->A));
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, PETSC_DECIDE, nm, &small->m));
  PetscCall(VecGetOwnershipRange(small->m, &lo, &hi));
  for (PetscInt j = lo; j < hi; j++) PetscCall(VecSetValue(small->m, j, m[j], INSERT_VALUES));
  PetscCall(VecAssemblyBegin(small->m));
  PetscCall(VecAssemblyEnd(small->m));
  PetscCall(SmallAssemble(NULL, 1, &small->A, small));
  PetscCall(EPSCreate(PETSC_COMM_WORLD, &small->eps));
  PetscCall(EPSSetOperators(small->eps, small->A, NULL));
  PetscCall(EPSSetProblemType(small->eps, type));
  PetscCall(EPSSetDimensions(small->eps, n, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(EPSSetTolerances(small->eps, 1e-13, 500));
  PetscCall(EPSSetFromOptions(small->eps));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &small->dini));
  PetscCall(DiniSetEPS(small->dini, small->eps));
  PetscCall(DiniSetEigenSystem(small->dini, SmallAssemble, small));
  PetscCall(DiniAddParameter(small->dini, "m", small->m, NULL));
  PetscCall(DiniSetParameterDifference(small->dini, 0, DINI_DIFFERENCE_CENTRAL, 0.0));
  PetscCall(DiniSetFromOptions(small->dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SmallDestroy(Small *small)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&small->dini));
  PetscCall(EPSDestroy(&small->eps));
  PetscCall(MatDestroy(&small->A));
  PetscCall(VecDestroy(&small->m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NearestPair(Dini dini, PetscReal re, PetscReal im, PetscInt *nearest)
{
  PetscInt  n;
  PetscReal best = PETSC_INFINITY;

  PetscFunctionBeginUser;
  PetscCall(DiniGetNumberEigenpairs(dini, &n));
  *nearest = -1;
  for (PetscInt i = 0; i < n; i++) {
    PetscScalar lambda, imag;
    PetscReal   li, distance;

    PetscCall(DiniGetEigenpair(dini, i, &lambda, &imag, NULL, NULL));
    li       = PetscDefined(USE_COMPLEX) ? PetscImaginaryPart(lambda) : PetscRealPart(imag);
    distance = PetscSqrtReal(PetscSqr(PetscRealPart(lambda) - re) + PetscSqr(li - im));
    if (distance < best) {
      best     = distance;
      *nearest = i;
    }
  }
  DiniTestTrue(best < 1e-6 * (1.0 + PetscAbsReal(re) + PetscAbsReal(im)),
               "No eigenvalue near %g%+gi, the nearest is %g away", (double)re, (double)im, (double)best);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ShiftEntry(Vec m, PetscInt j, PetscScalar h)
{
  PetscInt lo, hi;

  PetscFunctionBeginUser;
  PetscCall(VecGetOwnershipRange(m, &lo, &hi));
  if (j >= lo && j < hi) PetscCall(VecSetValue(m, j, h, ADD_VALUES));
  PetscCall(VecAssemblyBegin(m));
  PetscCall(VecAssemblyEnd(m));
  PetscFunctionReturn(PETSC_SUCCESS);
}
