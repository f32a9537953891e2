static char help[] =
    "A gradient that is exactly zero: because no parameter has any effect, which costs one solve and no more, or because a loose\n\
solve has not come to where the parameter is, which is told.\n";

#include "support/dinitest.h"

#define N 64

/* A u = m e + q, with e the last unit vector or zero, and tridiagonal A: from the first entry to the last it is a long way */
typedef struct {
  PetscReal effect;
  Mat       A;
  Vec       u, b, m, q, ubar, mbar, qbar;
  KSP       ksp;
  Dini      dini;
} Line;

static PetscErrorCode Assemble(Dini dini, Mat A, Mat P, Vec b, void *ctx)
{
  Line              *l = (Line *)ctx;
  const PetscScalar *m;
  PetscInt           n;

  PetscFunctionBeginUser;
  (void)dini, (void)A, (void)P;
  PetscCall(VecCopy(l->q, b));
  PetscCall(VecGetLocalSize(l->m, &n));
  PetscCall(VecGetArrayRead(l->m, &m));
  if (n) PetscCall(VecSetValue(b, N - 1, l->effect * m[0], ADD_VALUES));
  PetscCall(VecRestoreArrayRead(l->m, &m));
  PetscCall(VecAssemblyBegin(b));
  PetscCall(VecAssemblyEnd(b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* near: q is a block, too */
static PetscErrorCode LineCreate(PetscReal effect, PetscBool near, DiniParameterType type, Line *l)
{
  PetscInt lo, hi, p;
  PC       pc;

  PetscFunctionBeginUser;
  l->effect = effect;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, 3, NULL, 2, NULL, &l->A));
  PetscCall(MatGetOwnershipRange(l->A, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++)
    for (PetscInt j = PetscMax(i - 1, 0); j <= PetscMin(i + 1, N - 1); j++)
      PetscCall(MatSetValue(l->A, i, j, i == j ? 2.05 : -1.0, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(l->A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(l->A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatCreateVecs(l->A, &l->u, &l->b));
  PetscCall(VecDuplicate(l->u, &l->ubar));
  PetscCall(VecDuplicate(l->u, &l->q));
  PetscCall(VecDuplicate(l->u, &l->qbar));
  PetscCall(DiniTestFill(l->q, 2));
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, hi == N ? 1 : 0, 1, &l->m));
  PetscCall(VecDuplicate(l->m, &l->mbar));
  PetscCall(VecSet(l->m, 1.0));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &l->ksp));
  PetscCall(KSPSetOperators(l->ksp, l->A, l->A));
  PetscCall(KSPSetTolerances(l->ksp, 1e-12, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(KSPGetPC(l->ksp, &pc));
  PetscCall(PCSetType(pc, PCNONE));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &l->dini));
  PetscCall(DiniSetKSP(l->dini, l->ksp));
  PetscCall(DiniSetLinearSystem(l->dini, l->b, Assemble, l));
  PetscCall(DiniAddParameter(l->dini, "m", l->m, &p));
  if (type) PetscCall(DiniSetParameterType(l->dini, p, type));
  if (near) PetscCall(DiniAddParameter(l->dini, "q", l->q, NULL));
  PetscCall(DiniSetTolerances(l->dini, 1e-2, 1e-2));
  PetscCall(DiniSolve(l->dini, l->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode LineDestroy(Line *l)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&l->dini));
  PetscCall(KSPDestroy(&l->ksp));
  PetscCall(MatDestroy(&l->A));
  PetscCall(VecDestroy(&l->u));
  PetscCall(VecDestroy(&l->b));
  PetscCall(VecDestroy(&l->m));
  PetscCall(VecDestroy(&l->q));
  PetscCall(VecDestroy(&l->qbar));
  PetscCall(VecDestroy(&l->ubar));
  PetscCall(VecDestroy(&l->mbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The gradient with a cotangent in the first entry alone, of another place each time: the part of m */
static PetscErrorCode Gradient(Line *l, PetscBool near, int k, PetscReal *told, PetscReal *norm)
{
  DiniStatistics stats;
  PetscInt       lo;
  Vec            flat, part;

  PetscFunctionBeginUser;
  PetscCall(VecSet(l->ubar, 0.0));
  PetscCall(VecGetOwnershipRange(l->ubar, &lo, NULL));
  if (lo == 0) PetscCall(VecSetValue(l->ubar, k, 1.0, INSERT_VALUES));
  PetscCall(VecAssemblyBegin(l->ubar));
  PetscCall(VecAssemblyEnd(l->ubar));
  if (near) {
    PetscCall(DiniCreateParameterVec(l->dini, &flat));
    PetscCall(DiniVJP(l->dini, l->ubar, flat));
    PetscCall(DiniGetParameterSubVec(l->dini, flat, 0, &part));
    PetscCall(VecCopy(part, l->mbar));
    PetscCall(DiniRestoreParameterSubVec(l->dini, flat, 0, &part));
    PetscCall(VecDestroy(&flat));
  } else PetscCall(DiniVJP(l->dini, l->ubar, l->mbar));
  PetscCall(VecNorm(l->mbar, NORM_INFINITY, norm));
  PetscCall(DiniGetStatistics(l->dini, &stats));
  *told = stats.gradient_error;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestNoEffect(void)
{
  Line      l;
  PetscReal told, norm;
  PetscInt  before, after;

  PetscFunctionBeginUser;
  PetscCall(LineCreate(0.0, PETSC_FALSE, DINIPARAMETERZERO, &l));
  for (int k = 0; k < 5; k++) {
    PetscCall(DiniTestEvent("KSPSolve", &before));
    PetscCall(Gradient(&l, PETSC_FALSE, k, &told, &norm));
    PetscCall(DiniTestEvent("KSPSolve", &after));
    DiniTestTrue(norm == 0.0 && told < 1e-6, "no effect, gradient %d: %g, told %g", k, (double)norm, (double)told);
    if (k) DiniTestCount(after - before, 1, "solves of a gradient that is zero");
  }
  PetscCall(LineDestroy(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* stops: no solve may take the iterations that it would need to come there */
static PetscErrorCode TestLost(PetscBool near, PetscBool stops)
{
  const char *options = stops ? "-dini_adjoint_ksp_max_it 20 -dini_direct_max 0" : "";
  Line        l;
  PetscReal   told, norm;

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(LineCreate(1.0, near, NULL, &l));
  PetscCall(DiniSetFromOptions(l.dini));
  for (int k = 0; k < 5; k++) {
    PetscCall(Gradient(&l, near, k, &told, &norm));
    DiniTestTrue(norm == 0.0 && told >= 0.5, "gradient %d: %g, told %g%s%s", k, (double)norm, (double)told,
                 near ? ", with one that is near" : "", stops ? ", solves that stop" : "");
  }
  PetscCall(LineDestroy(&l));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscLogDefaultBegin());
  PetscCall(TestNoEffect());
  for (int k = 0; k < 4; k++) PetscCall(TestLost((PetscBool)(k % 2), (PetscBool)(k / 2)));
  PetscCall(PetscFinalize());
  return 0;
}
