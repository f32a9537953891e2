static char help[] =
    "A linear system that someone else writes to after the solve: derivatives are those of the present system or an error,\n\
never those of a matrix that is gone. And calls that make no sense: code and words on every rank.\n";

#include "support/fixtures.h"
#include <petsc/private/petscimpl.h> /* object states */

/* A and b belong to the application, nothing assembles them; b is no parameter, m is one that nobody reads */
static PetscErrorCode CaseCreate(PetscInt N, const char pctype[], Linear *l, Vec *ubar, Mat *Abar)
{
  PC pc;

  PetscFunctionBeginUser;
  PetscCall(LinearCreate(N, l));
  PetscCall(KSPGetPC(l->ksp, &pc));
  if (pctype) PetscCall(PCSetType(pc, pctype));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &l->dini));
  PetscCall(DiniSetKSP(l->dini, l->ksp));
  PetscCall(DiniSetLinearSystem(l->dini, l->b, NULL, NULL));
  PetscCall(DiniSetFromOptions(l->dini));
  PetscCall(DiniTestVec(l->u, 1, ubar));
  PetscCall(MatDuplicate(l->A, MAT_DO_NOT_COPY_VALUES, Abar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CaseDestroy(Linear *l, Vec *ubar, Mat *Abar)
{
  PetscFunctionBeginUser;
  PetscCall(VecDestroy(ubar));
  PetscCall(MatDestroy(Abar));
  PetscCall(LinearDestroy(l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The derivative of the present system, with this A */
static PetscErrorCode CheckBar(Linear *l, Mat A, Vec ubar, Mat Abar, const char what[])
{
  Vec lambda;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(ubar, &lambda));
  PetscCall(DiniTestDirectSolve(A, PETSC_TRUE, ubar, lambda));
  PetscCall(DiniMatrixVJP(l->dini, ubar, Abar));
  PetscCall(DiniTestOuter(Abar, 1, &lambda, &l->u, PETSC_FALSE, -1, 1e-8, what));
  PetscCall(VecDestroy(&lambda));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* derived: a derivative has been taken before, so that a linearization is there to be stale */
static PetscErrorCode TestMatrix(const char pctype[], PetscBool derived)
{
  Linear           l;
  PetscObjectState state;
  Vec              ubar, lambda, g;
  Mat              Abar, B;
  PetscInt         lo, hi;
  PetscReal        distance;

  PetscFunctionBeginUser;
  PetscCall(CaseCreate(9, pctype, &l, &ubar, &Abar));
  PetscCall(VecDuplicate(ubar, &lambda));
  PetscCall(VecDuplicate(ubar, &g));
  PetscCall(DiniSolve(l.dini, l.u));
  if (derived) PetscCall(CheckBar(&l, l.A, ubar, Abar, "before any change"));

  /* values that are the same again change nothing */
  PetscCall(MatScale(l.A, 2.0));
  PetscCall(MatScale(l.A, 0.5));
  PetscCall(CheckBar(&l, l.A, ubar, Abar, "A written to and put back"));

  /* others, with which u is no solution: by one entry, small against the norm of A, far above rounding */
  PetscCall(MatGetOwnershipRange(l.A, &lo, &hi));
  if (lo <= 4 && 4 < hi) PetscCall(MatSetValue(l.A, 4, 4, 1e-6, ADD_VALUES));
  PetscCall(MatAssemblyBegin(l.A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(l.A, MAT_FINAL_ASSEMBLY));
  DiniTestExpect(DiniMatrixVJP(l.dini, ubar, Abar), PETSC_ERR_ARG_WRONGSTATE, "The matrix A of the linear system");
  DiniTestExpect(DiniAdjointSolve(l.dini, ubar, lambda), PETSC_ERR_ARG_WRONGSTATE, "The matrix A of the linear system");
  DiniTestExpect(DiniTangentSolve(l.dini, ubar, lambda), PETSC_ERR_ARG_WRONGSTATE, "The matrix A of the linear system");
  PetscCall(DiniSolve(l.dini, l.u));
  PetscCall(CheckBar(&l, l.A, ubar, Abar, "after another solve"));

  /* b alone */
  PetscCall(VecScale(l.b, 1.5));
  DiniTestExpect(DiniMatrixVJP(l.dini, ubar, Abar), PETSC_ERR_ARG_WRONGSTATE, "The right-hand side b of the linear");
  PetscCall(DiniSolve(l.dini, l.u));

  /* both, with the same solution: the present A, and no factorisation of the one before */
  PetscCall(MatScale(l.A, 2.0));
  PetscCall(VecScale(l.b, 2.0));
  PetscCall(CheckBar(&l, l.A, ubar, Abar, "A and b scaled alike"));
  PetscCall(DiniAdjointSolve(l.dini, ubar, lambda));
  PetscCall(DiniTestDirectSolve(l.A, PETSC_TRUE, ubar, g));
  PetscCall(DiniTestVecsClose(lambda, g, 1e-8, "adjoint solve with A scaled"));

  /* another matrix in the KSP */
  PetscCall(MatDuplicate(l.A, MAT_COPY_VALUES, &B));
  PetscCall(MatShift(B, 0.5));
  PetscCall(PetscObjectStateGet((PetscObject)l.A, &state));
  PetscCall(PetscObjectStateSet((PetscObject)B, state)); /* as many writes as to the one before */
  PetscCall(KSPSetOperators(l.ksp, B, B));
  DiniTestExpect(DiniMatrixVJP(l.dini, ubar, Abar), PETSC_ERR_ARG_WRONGSTATE, "The matrix A of the linear system");
  PetscCall(DiniSolve(l.dini, l.u));
  PetscCall(CheckBar(&l, B, ubar, Abar, "another matrix in the KSP"));
  PetscCall(DiniTestDirectSolve(l.A, PETSC_TRUE, ubar, g));
  PetscCall(DiniTestDirectSolve(B, PETSC_TRUE, ubar, lambda));
  PetscCall(DiniTestDistance(g, lambda, &distance));
  DiniTestTrue(distance > 1e-3, "The two matrices are too alike for this test: %g", (double)distance);
  PetscCall(MatDestroy(&B));
  PetscCall(VecDestroy(&lambda));
  PetscCall(VecDestroy(&g));
  PetscCall(CaseDestroy(&l, &ubar, &Abar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- What the assembly callback leaves alone ---- */

typedef struct {
  Vec m;
} Diagonal;

static PetscErrorCode Assemble(Dini dini, Mat A, Mat P, Vec b, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)P;
  PetscCall(LinearAssemble((Linear *)ctx, A, b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Writes the diagonal only: the rest belongs to the application */
static PetscErrorCode AssembleDiagonal(Dini dini, Mat A, Mat P, Vec b, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)P;
  (void)b;
  PetscCall(MatDiagonalSet(A, ((Diagonal *)ctx)->m, INSERT_VALUES));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A has the m on its diagonal, and b. The rest of A changes between solves, or A is another one: differences see it. */
static PetscErrorCode TestCallback(PetscBool replace)
{
  Linear   l;
  Vec      ubar, mbar, expected;
  Mat      B;
  Diagonal d;
  PetscInt p;

  PetscFunctionBeginUser;
  PetscCall(LinearCreate(8, &l));
  PetscCall(VecShift(l.m, 6.0));
  d.m = l.m;
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &l.dini));
  PetscCall(DiniSetKSP(l.dini, l.ksp));
  PetscCall(DiniSetLinearSystem(l.dini, l.b, AssembleDiagonal, &d));
  PetscCall(DiniAddParameter(l.dini, "m", l.m, &p));
  PetscCall(DiniSetParameterDifference(l.dini, p, DINI_DIFFERENCE_FORWARD, 0.0));
  PetscCall(DiniSetParameterAffine(l.dini, p, PETSC_TRUE));
  PetscCall(DiniTestVec(l.u, 2, &ubar));
  PetscCall(VecDuplicate(l.m, &mbar));
  PetscCall(VecDuplicate(l.m, &expected));
  for (PetscInt k = 0; k < 3; k++) {
    if (k && replace) { /* a pattern of its own, too */
      PetscCall(MatDuplicate(l.A, MAT_COPY_VALUES, &B));
      PetscCall(MatSetOption(B, MAT_NEW_NONZERO_ALLOCATION_ERR, PETSC_FALSE));
      if (k == 2) {
        PetscInt lo, hi;

        PetscCall(MatGetOwnershipRange(B, &lo, &hi));
        if (lo == 0) PetscCall(MatSetValue(B, 0, 7, 0.25, INSERT_VALUES));
      }
      PetscCall(MatAssemblyBegin(B, MAT_FINAL_ASSEMBLY));
      PetscCall(MatAssemblyEnd(B, MAT_FINAL_ASSEMBLY));
      PetscCall(KSPSetOperators(l.ksp, B, B));
      PetscCall(MatDestroy(&l.A));
      l.A = B;
    }
    if (k) PetscCall(MatScale(l.A, 1.5));
    PetscCall(DiniSolve(l.dini, l.u));
    PetscCall(DiniVJP(l.dini, ubar, mbar)); /* F_m = diag(u) */
    PetscCall(DiniTestDirectSolve(l.A, PETSC_TRUE, ubar, expected));
    PetscCall(VecConjugate(l.u)); /* put back before Dini sees it */
    PetscCall(VecPointwiseMult(expected, expected, l.u));
    PetscCall(VecConjugate(l.u));
    PetscCall(VecScale(expected, -1.0));
    PetscCall(DiniTestVecsClose(mbar, expected, 1e-8, "VJP where the callback writes the diagonal only"));
  }
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&expected));
  PetscCall(LinearDestroy(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A callback and no parameter at all: every solve assembles anew, and only solves do */
static PetscErrorCode TestNoParameter(void)
{
  Linear l;
  Vec    ubar;
  Mat    Abar, B, U;

  PetscFunctionBeginUser;
  PetscCall(LinearCreate(6, &l));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &l.dini));
  PetscCall(DiniSetKSP(l.dini, l.ksp));
  PetscCall(DiniSetLinearSystem(l.dini, l.b, Assemble, &l));
  PetscCall(DiniTestVec(l.u, 3, &ubar));
  PetscCall(MatDuplicate(l.A, MAT_DO_NOT_COPY_VALUES, &Abar));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, 6, 2, NULL, &B));
  PetscCall(MatSetRandom(B, NULL));
  PetscCall(MatDuplicate(B, MAT_DO_NOT_COPY_VALUES, &U));
  for (PetscInt k = 0; k < 2; k++) {
    PetscCall(VecShift(l.m, 0.5));
    l.assemblies = 0;
    PetscCall(DiniSolve(l.dini, l.u));
    PetscCall(LinearAssemble(&l, l.B, l.c)); /* what A should be */
    PetscCall(CheckBar(&l, l.B, ubar, Abar, "A assembled without parameters"));
    DiniTestCount(l.assemblies, 2, "assemblies for a solve and its derivative");
    PetscCall(VecShift(l.m, 0.5));
    PetscCall(DiniMatSolve(l.dini, B, U));
    PetscCall(LinearAssemble(&l, l.B, l.c));
    DiniTestCount(l.assemblies, 4, "assemblies for a block solve");
    PetscCall(DiniTestMatsClose(l.A, l.B, 1e-14, "A of a block solve without parameters"));
    PetscCall(DiniSolve(l.dini, l.u));
    PetscCall(VecShift(l.m, 0.5));
    DiniTestExpect(DiniAttach(l.dini, l.u), PETSC_ERR_NOT_CONVERGED, "not a solution");
  }
  PetscCall(MatDestroy(&Abar));
  PetscCall(MatDestroy(&B));
  PetscCall(MatDestroy(&U));
  PetscCall(VecDestroy(&ubar));
  PetscCall(LinearDestroy(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A residual at other parameters between solve and derivative: the application is handed those of the point again */
static PetscErrorCode TestResidualBetween(DiniType type)
{
  Cubic c;
  Vec   ubar, mbar, expected, F;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(8, DiniTestScalar(0.5, 0.3), &c));
  PetscCall(CubicDini(&c, type, DINIPARAMETERMATRIX));
  c.seen = c.backup;
  PetscCall(DiniSetParameterUpdate(c.dini, c.p, CubicUpdate, &c));
  PetscCall(DiniTestVec(c.u, 1, &ubar));
  PetscCall(VecDuplicate(c.m, &mbar));
  PetscCall(VecDuplicate(c.m, &expected));
  PetscCall(VecDuplicate(c.m, &F));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniVJP(c.dini, ubar, expected));
  PetscCall(VecCopy(c.m, F));
  PetscCall(VecShift(c.m, 0.7));
  PetscCall(DiniComputeResidual(c.dini, c.u, mbar));
  PetscCall(VecCopy(F, c.m));
  PetscCall(DiniVJP(c.dini, ubar, mbar));
  PetscCall(DiniTestVecsClose(mbar, expected, 1e-12, "VJP after a residual at other parameters"));
  PetscCall(DiniTestVecsClose(c.seen, c.m, 1e-15, "what the application has been handed"));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&expected));
  PetscCall(VecDestroy(&F));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- Misuse ---- */

static PetscErrorCode TestArguments(void)
{
  Linear   l;
  Vec      ubar, du, wrong;
  Mat      Abar, M;
  PetscInt n;

  PetscFunctionBeginUser;
  PetscCall(CaseCreate(9, NULL, &l, &ubar, &Abar));
  PetscCall(VecDuplicate(ubar, &du));
  DiniTestExpect(DiniMatrixVJP(l.dini, ubar, Abar), PETSC_ERR_ORDER, "DiniSolve()");
  DiniTestExpect(DiniMatrixJVP(l.dini, l.A, du), PETSC_ERR_ORDER, "DiniSolve()");
  PetscCall(DiniSolve(l.dini, l.u));
  DiniTestExpect(DiniMatrixVJP(l.dini, ubar, NULL), PETSC_ERR_ARG_NULL, "MatDuplicate");
  DiniTestExpect(DiniMatrixVJP(l.dini, NULL, Abar), PETSC_ERR_ARG_NULL, "ubar");
  DiniTestExpect(DiniMatrixJVP(l.dini, NULL, du), PETSC_ERR_ARG_NULL, "dA");
  DiniTestExpect(DiniMatrixJVP(l.dini, l.A, NULL), PETSC_ERR_ARG_NULL, "du");

  /* layouts: another size, another distribution */
  PetscCall(VecGetLocalSize(l.u, &n));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, n, n + 1, PETSC_DECIDE, PETSC_DECIDE, 1, NULL, 1, NULL, &M));
  PetscCall(MatAssemblyBegin(M, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(M, MAT_FINAL_ASSEMBLY));
  DiniTestExpect(DiniMatrixVJP(l.dini, ubar, M), PETSC_ERR_ARG_SIZ, "local columns");
  DiniTestExpect(DiniMatrixJVP(l.dini, M, du), PETSC_ERR_ARG_SIZ, "local columns");
  PetscCall(MatDestroy(&M));
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, n + 1, PETSC_DECIDE, &wrong));
  DiniTestExpect(DiniMatrixVJP(l.dini, wrong, Abar), PETSC_ERR_ARG_SIZ, "ubar");
  DiniTestExpect(DiniMatrixJVP(l.dini, l.A, wrong), PETSC_ERR_ARG_SIZ, "du");
  PetscCall(VecDestroy(&wrong));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, n, n, PETSC_DECIDE, PETSC_DECIDE, 1, NULL, 1, NULL, &M));
  DiniTestExpect(DiniMatrixVJP(l.dini, ubar, M), PETSC_ERR_ARG_WRONGSTATE, "not assembled");
  PetscCall(MatDestroy(&M));
  PetscCall(MatCreateSBAIJ(PETSC_COMM_WORLD, 1, n, n, PETSC_DECIDE, PETSC_DECIDE, 2, NULL, 1, NULL, &M));
  PetscCall(MatAssemblyBegin(M, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(M, MAT_FINAL_ASSEMBLY));
  DiniTestExpect(DiniMatrixVJP(l.dini, ubar, M), PETSC_ERR_SUP, "one triangle");
  PetscCall(MatDestroy(&M));

  /* the state, and the object serves on */
  PetscCall(CheckBar(&l, l.A, ubar, Abar, "after misuse"));
  PetscCall(VecShift(l.u, 1e-3));
  DiniTestExpect(DiniMatrixVJP(l.dini, ubar, Abar), PETSC_ERR_ARG_WRONGSTATE, "The state u");
  DiniTestExpect(DiniMatrixJVP(l.dini, l.A, du), PETSC_ERR_ARG_WRONGSTATE, "The state u");
  PetscCall(DiniSolve(l.dini, l.u));
  PetscCall(CheckBar(&l, l.A, ubar, Abar, "after another solve"));

  /* an F of the application's own */
  PetscCall(DiniSetJacobian(l.dini, l.A, NULL, NULL, NULL));
  PetscCall(DiniSolve(l.dini, l.u));
  DiniTestExpect(DiniMatrixVJP(l.dini, ubar, Abar), PETSC_ERR_SUP, "DiniSetJacobian()");
  PetscCall(VecDestroy(&du));
  PetscCall(CaseDestroy(&l, &ubar, &Abar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestType(DiniType type)
{
  Linear l;
  Mat    Abar;

  PetscFunctionBeginUser;
  PetscCall(LinearCreate(5, &l));
  PetscCall(LinearDini(&l, type, DINIPARAMETERMATRIX));
  PetscCall(DiniSolve(l.dini, l.u));
  PetscCall(MatDuplicate(l.A, MAT_DO_NOT_COPY_VALUES, &Abar));
  DiniTestExpect(DiniMatrixVJP(l.dini, l.u, Abar), PETSC_ERR_SUP, type);
  DiniTestExpect(DiniMatrixJVP(l.dini, l.A, l.c), PETSC_ERR_SUP, "DiniSetKSP()");
  DiniTestExpect(DiniMatSolve(l.dini, Abar, Abar), PETSC_ERR_SUP, type);
  PetscCall(MatDestroy(&Abar));
  PetscCall(LinearDestroy(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A solve that fails without an error: NaN in every entry */
static PetscErrorCode TestNaN(void)
{
  Linear              l;
  Vec                 ubar, v;
  Mat                 Abar;
  PetscReal           norm;
  DiniConvergedReason reason;

  PetscFunctionBeginUser;
  PetscCall(
      DiniTestOptionsSet("-dini_adjoint_ksp_max_it 1 -dini_direct_max 0 -dini_transpose native -dini_reuse always"));
  PetscCall(CaseCreate(9, PCNONE, &l, &ubar, &Abar));
  PetscCall(DiniSetErrorIfNotConverged(l.dini, PETSC_FALSE));
  PetscCall(DiniSolve(l.dini, l.u));
  PetscCall(DiniMatrixVJP(l.dini, ubar, Abar));
  PetscCall(DiniGetConvergedReason(l.dini, &reason));
  DiniTestTrue(reason < 0, "An adjoint solve of one iteration succeeded");
  PetscCall(VecDuplicate(ubar, &v));
  PetscCall(MatMult(Abar, ubar, v));
  PetscCall(VecNorm(v, NORM_2, &norm));
  DiniTestTrue(PetscIsInfOrNanReal(norm), "Entries of a gradient that failed: |Abar v| = %g", (double)norm);
  PetscCall(VecDestroy(&v));
  PetscCall(CaseDestroy(&l, &ubar, &Abar));
  PetscCall(DiniTestOptionsClear("-dini_adjoint_ksp_max_it -dini_direct_max -dini_transpose -dini_reuse"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestMatrix(PCLU, PETSC_FALSE));
  PetscCall(TestMatrix(PCLU, PETSC_TRUE));
  PetscCall(TestMatrix(PCBJACOBI, PETSC_TRUE));
  PetscCall(TestCallback(PETSC_FALSE));
  PetscCall(TestCallback(PETSC_TRUE));
  PetscCall(TestNoParameter());
  PetscCall(TestResidualBetween(DINISNES));
  PetscCall(TestResidualBetween(DINISHELL));
  PetscCall(TestArguments());
  PetscCall(TestType(DINISNES));
  PetscCall(TestType(DINISHELL));
  PetscCall(TestNaN());
  PetscCall(PetscFinalize());
  return 0;
}
