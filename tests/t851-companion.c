static char help[] =
    "Preconditioners on the explicit transpose: what may fail is asked for beforehand, nothing is caught.\n";

#include "support/fixtures.h"

/* n nodes with two velocities and a pressure each, by threes: A without a diagonal for the pressures, P with one */
typedef struct {
  Mat  A, P;
  Vec  u, b, ubar, expected, mbar;
  KSP  ksp;
  PC   pc;
  Dini dini;
} Saddle;

static PetscErrorCode SaddleMatrix(PetscInt nodes, PetscBool diagonal, PetscReal pressure, Mat *M)
{
  PetscInt lo, hi, n = PETSC_DECIDE;
  Mat      A;

  PetscFunctionBeginUser;
  PetscCall(PetscSplitOwnership(PETSC_COMM_WORLD, &n, &nodes));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, 3 * n, 3 * n, 3 * nodes, 3 * nodes, 6, NULL, 6, NULL, &A));
  PetscCall(MatGetOwnershipRange(A, &lo, &hi));
  for (PetscInt i = lo / 3; i < hi / 3; i++) {
    const PetscInt v = 3 * i, w = v + 1, p = v + 2;

    PetscCall(MatSetValue(A, v, v, DiniTestScalar(4.0, 0.5), INSERT_VALUES));
    PetscCall(MatSetValue(A, w, w, 3.0, INSERT_VALUES));
    PetscCall(MatSetValue(A, v, w, 0.5, INSERT_VALUES));
    PetscCall(MatSetValue(A, v, p, 1.0, INSERT_VALUES));
    PetscCall(MatSetValue(A, p, v, DiniTestScalar(1.5, -0.2), INSERT_VALUES));
    if (diagonal) PetscCall(MatSetValue(A, p, p, pressure, INSERT_VALUES));
    if (i > 0) PetscCall(MatSetValue(A, v, v - 3, -1.5, INSERT_VALUES));
    if (i > 0) PetscCall(MatSetValue(A, p, v - 3, -1.0, INSERT_VALUES));
    if (i < nodes - 1) PetscCall(MatSetValue(A, v, v + 3, -0.5, INSERT_VALUES));
    if (i < nodes - 1) PetscCall(MatSetValue(A, v, p + 3, -1.0, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  *M = A;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* u, b = A u, and the gradient in b, of ubar = A^H y: y itself */
static PetscErrorCode SaddleVecs(Saddle *s)
{
  PetscFunctionBeginUser;
  PetscCall(MatCreateVecs(s->A, &s->u, &s->b));
  PetscCall(DiniTestFill(s->u, 3));
  PetscCall(MatMult(s->A, s->u, s->b));
  PetscCall(DiniTestVec(s->b, 4, &s->expected));
  PetscCall(VecDuplicate(s->b, &s->mbar));
  PetscCall(VecDuplicate(s->u, &s->ubar));
  PetscCall(MatMultHermitianTranspose(s->A, s->expected, s->ubar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SaddleCreate(PetscBool same, Saddle *s)
{
  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(s, sizeof(*s)));
  PetscCall(SaddleMatrix(8, PETSC_FALSE, 0.0, &s->A));
  if (same) {
    PetscCall(PetscObjectReference((PetscObject)s->A));
    s->P = s->A;
  } else PetscCall(SaddleMatrix(8, PETSC_TRUE, -0.5, &s->P));
  PetscCall(SaddleVecs(s));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &s->ksp));
  PetscCall(KSPSetOperators(s->ksp, s->A, s->P));
  PetscCall(KSPSetType(s->ksp, KSPFGMRES));
  PetscCall(KSPSetTolerances(s->ksp, 1e-12, PETSC_DEFAULT, PETSC_DEFAULT, 200));
  PetscCall(KSPGetPC(s->ksp, &s->pc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SaddleDestroy(Saddle *s)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&s->dini));
  PetscCall(KSPDestroy(&s->ksp));
  PetscCall(MatDestroy(&s->A));
  PetscCall(MatDestroy(&s->P));
  PetscCall(VecDestroy(&s->u));
  PetscCall(VecDestroy(&s->b));
  PetscCall(VecDestroy(&s->ubar));
  PetscCall(VecDestroy(&s->mbar));
  PetscCall(VecDestroy(&s->expected));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The gradient on the rung explicit alone, twice, with collectives between; explicit: that many solves ended there */
static PetscErrorCode SaddleRight(Saddle *s, PetscBool attach, PetscBool answers, const char what[])
{
  DiniStatistics statistics;

  PetscFunctionBeginUser;
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &s->dini));
  PetscCall(DiniSetKSP(s->dini, s->ksp));
  PetscCall(DiniSetLinearSystem(s->dini, s->b, NULL, NULL));
  PetscCall(DiniAddParameter(s->dini, "b", s->b, NULL));
  PetscCall(DiniSetTranspose(s->dini, DINI_TRANSPOSE_EXPLICIT));
  PetscCall(DiniSetFromOptions(s->dini));
  if (attach) {
    PetscCall(DiniAttach(s->dini, s->u));
  } else PetscCall(DiniSolve(s->dini, s->u));
  if (!answers) {
    DiniTestExpect(DiniVJP(s->dini, s->ubar, s->mbar), PETSC_ERR_NOT_CONVERGED, "adjoint");
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (int k = 0; k < 2; k++) {
    PetscCall(VecSet(s->mbar, 0.0));
    PetscCall(DiniVJP(s->dini, s->ubar, s->mbar));
    PetscCall(DiniTestVecsClose(s->mbar, s->expected, 1e-8, what));
    PetscCall(DiniSolve(s->dini, s->u));
  }
  PetscCall(DiniGetStatistics(s->dini, &statistics));
  DiniTestTrue(statistics.rungs[DINI_RUNG_EXPLICIT] == 2, "%s: %" PetscInt_FMT " answers of the rung explicit", what,
               statistics.rungs[DINI_RUNG_EXPLICIT]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SaddleSplits(Saddle *s)
{
  const PetscInt velocity[] = {0, 1}, pressure[] = {2};

  PetscFunctionBeginUser;
  PetscCall(PCSetType(s->pc, PCFIELDSPLIT));
  PetscCall(PCFieldSplitSetBlockSize(s->pc, 3));
  PetscCall(PCFieldSplitSetFields(s->pc, "v", 2, velocity, velocity));
  PetscCall(PCFieldSplitSetFields(s->pc, "p", 1, pressure, pressure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The solvers of the splits, chosen by calls after the set-up */
static PetscErrorCode SaddleInside(Saddle *s, PCType velocity, PCType pressure)
{
  KSP     *sub;
  PC       pc;
  PetscInt n;

  PetscFunctionBeginUser;
  PetscCall(KSPSetUp(s->ksp));
  PetscCall(PCFieldSplitGetSubKSP(s->pc, &n, &sub));
  for (PetscInt i = 0; i < n; i++) {
    PetscCall(KSPSetType(sub[i], KSPPREONLY));
    PetscCall(KSPGetPC(sub[i], &pc));
    PetscCall(PCSetType(pc, i ? pressure : velocity));
  }
  PetscCall(PetscFree(sub));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Blocks of J, which the companion has by products alone: PETSc's tutorial ksp ex43 */
static PetscErrorCode TestAmat(PCCompositeType type, PetscBool attach)
{
  Saddle s;

  PetscFunctionBeginUser;
  PetscCall(SaddleCreate(PETSC_FALSE, &s));
  PetscCall(DiniTestOptionsSet("-amat_pc_use_amat"));
  PetscCall(KSPSetOptionsPrefix(s.ksp, "amat_"));
  PetscCall(SaddleSplits(&s));
  PetscCall(PCFieldSplitSetType(s.pc, type));
  PetscCall(KSPSetFromOptions(s.ksp));
  PetscCall(SaddleRight(&s, attach, PETSC_TRUE, attach ? "-pc_use_amat, attached" : "-pc_use_amat"));
  PetscCall(DiniTestOptionsClear("-amat_pc_use_amat"));
  PetscCall(SaddleDestroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A zero block without a diagonal, whose solver is not PETSc's default because that would fail */
static PetscErrorCode TestInside(void)
{
  Saddle s;

  PetscFunctionBeginUser;
  PetscCall(SaddleCreate(PETSC_TRUE, &s));
  PetscCall(SaddleSplits(&s));
  PetscCall(PCFieldSplitSetType(s.pc, PC_COMPOSITE_ADDITIVE));
  PetscCall(SaddleInside(&s, PCJACOBI, PCNONE));
  PetscCall(SaddleRight(&s, PETSC_FALSE, PETSC_TRUE, "solvers of the splits"));
  PetscCall(SaddleDestroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Apply(PC pc, Vec x, Vec y)
{
  PetscFunctionBeginUser;
  (void)pc;
  PetscCall(VecCopy(x, y));
  PetscCall(VecScale(y, 0.5));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The application's own code, for a matrix that PETSc's default can not be set up for */
static PetscErrorCode TestShell(PetscBool same)
{
  Saddle s;

  PetscFunctionBeginUser;
  PetscCall(SaddleCreate(same, &s));
  PetscCall(PCSetType(s.pc, PCSHELL));
  PetscCall(PCShellSetApply(s.pc, Apply));
  PetscCall(SaddleRight(&s, PETSC_FALSE, PETSC_TRUE, "a shell"));
  PetscCall(SaddleDestroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A P that has no transpose of its own: a nest with a virtual one in it. The rung is not there, and says so. */
static PetscErrorCode TestNest(void)
{
  Saddle s;
  Mat    K, B, Bt, C, blocks[4];
  IS     is[2];

  PetscFunctionBeginUser;
  PetscCall(SaddleCreate(PETSC_TRUE, &s));
  PetscCall(SaddleMatrix(8, PETSC_TRUE, -0.5, &K));
  PetscCall(MatDuplicate(K, MAT_COPY_VALUES, &B));
  PetscCall(MatScale(B, 0.1));
  PetscCall(MatCreateTranspose(B, &Bt));
  PetscCall(MatDuplicate(K, MAT_COPY_VALUES, &C));
  blocks[0] = K;
  blocks[1] = Bt;
  blocks[2] = B;
  blocks[3] = C;
  PetscCall(MatDestroy(&s.A));
  PetscCall(MatDestroy(&s.P));
  PetscCall(MatCreateNest(PETSC_COMM_WORLD, 2, NULL, 2, NULL, blocks, &s.A));
  PetscCall(PetscObjectReference((PetscObject)s.A));
  s.P = s.A;
  for (int i = 0; i < 4; i++) PetscCall(MatDestroy(&blocks[i]));
  PetscCall(VecDestroy(&s.u));
  PetscCall(VecDestroy(&s.b));
  PetscCall(VecDestroy(&s.ubar));
  PetscCall(VecDestroy(&s.mbar));
  PetscCall(VecDestroy(&s.expected));
  PetscCall(SaddleVecs(&s));
  PetscCall(KSPSetOperators(s.ksp, s.A, s.A));
  PetscCall(PCSetType(s.pc, PCFIELDSPLIT));
  PetscCall(MatNestGetISs(s.A, is, NULL));
  PetscCall(PCFieldSplitSetIS(s.pc, "0", is[0]));
  PetscCall(PCFieldSplitSetIS(s.pc, "1", is[1]));
  PetscCall(SaddleRight(&s, PETSC_FALSE, PETSC_FALSE, "a nest"));
  PetscCall(SaddleDestroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestAmat(PC_COMPOSITE_SYMMETRIC_MULTIPLICATIVE, PETSC_FALSE));
  PetscCall(TestAmat(PC_COMPOSITE_ADDITIVE, PETSC_TRUE));
  PetscCall(TestInside());
  PetscCall(TestShell(PETSC_TRUE));
  PetscCall(TestShell(PETSC_FALSE));
  PetscCall(TestNest());
  PetscCall(PetscFinalize());
  return 0;
}
