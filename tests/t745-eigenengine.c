static char help[] = "The linear systems of an eigenproblem: what they cost, what options of the prefix eigen_ do, and "
                     "what is refused.\n";

#include "support/eigen.h"
#include <stdarg.h>

/* What PETSc prints, caught */
static char printed[16384];

static PetscErrorCode Catch(FILE *file, const char format[], va_list arguments)
{
  const size_t used = strlen(printed);

  PetscFunctionBeginUser;
  (void)file;
  (void)vsnprintf(printed + used, sizeof(printed) - used, format, arguments);
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  Spring chain;
  Vec    dm, mbar, x, dx;
} Bench;

static PetscErrorCode BenchCreate(const char options[], Bench *b)
{
  PetscFunctionBeginUser;
  if (options) PetscCall(DiniTestOptionsSet(options));
  PetscCall(SpringCreate(6, PETSC_FALSE, PETSC_FALSE, &b->chain));
  PetscCall(SpringDini(&b->chain, DINIPARAMETERMATRIX));
  PetscCall(DiniEigenSolve(b->chain.dini));
  PetscCall(DiniCreateParameterVec(b->chain.dini, &b->dm));
  PetscCall(DiniTestFill(b->dm, 45));
  PetscCall(VecRealPart(b->dm)); /* the problem stays Hermitian */
  PetscCall(VecDuplicate(b->dm, &b->mbar));
  PetscCall(MatCreateVecs(b->chain.A, &b->dx, &b->x));
  PetscCall(DiniTestFill(b->x, 46));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode BenchDestroy(const char options[], Bench *b)
{
  PetscFunctionBeginUser;
  PetscCall(VecDestroy(&b->dm));
  PetscCall(VecDestroy(&b->mbar));
  PetscCall(VecDestroy(&b->x));
  PetscCall(VecDestroy(&b->dx));
  PetscCall(SpringDestroy(&b->chain));
  if (options) PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of a Hermitian problem: a solve for a vector's derivative, one set-up for all solves of a mode, none for what is known */
static PetscErrorCode TestCounts(void)
{
  Bench          b;
  DiniStatistics s[4];

  PetscFunctionBeginUser;
  PetscCall(BenchCreate(NULL, &b));
  PetscCall(DiniGetStatistics(b.chain.dini, &s[0]));
  PetscCall(DiniEigenvectorJVP(b.chain.dini, 1, b.dm, b.dx, NULL));
  PetscCall(DiniGetStatistics(b.chain.dini, &s[1]));
  DiniTestCount(s[1].tangent_solves - s[0].tangent_solves, 1, "tangent solves for the derivative of a vector");
  DiniTestTrue(s[1].tangent_residual > 0.0 && s[1].tangent_residual <= 1e-10, "worst true relative residual %g",
               (double)s[1].tangent_residual);
  DiniTestTrue(s[1].tangent_iterations > s[0].tangent_iterations, "no iteration is counted");
  DiniTestCount(s[1].rungs[DINI_RUNG_KEPT] - s[0].rungs[DINI_RUNG_KEPT], 1, "solves on the kept preconditioner");
  PetscCall(DiniEigenvectorJVP(b.chain.dini, 1, b.dm, b.dx, NULL));
  PetscCall(DiniGetStatistics(b.chain.dini, &s[2]));
  DiniTestCount(s[2].tangent_solves - s[1].tangent_solves, 0, "tangent solves for the same direction once more");
  PetscCall(VecScale(b.dm, 2.0));
  PetscCall(DiniEigenvectorJVP(b.chain.dini, 1, b.dm, b.dx, NULL));
  PetscCall(DiniEigenvectorVJP(b.chain.dini, 1, b.x, NULL, b.mbar));
  PetscCall(DiniGetStatistics(b.chain.dini, &s[3]));
  DiniTestCount(s[3].tangent_solves - s[2].tangent_solves, 1, "tangent solves for another direction");
  DiniTestCount(s[3].adjoint_solves - s[2].adjoint_solves, 1, "adjoint solves for the cotangent of a vector");
  DiniTestTrue(s[3].adjoint_residual > 0.0 && s[3].adjoint_residual <= 1e-10, "worst true relative residual %g",
               (double)s[3].adjoint_residual);
  DiniTestCount(s[3].pc_setups - s[1].pc_setups, 0, "set-ups after the first solve");
  PetscCall(BenchDestroy(NULL, &b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Right to the tolerance, or an error that names the options */
static PetscErrorCode TestRefused(void)
{
  Bench b;

  PetscFunctionBeginUser;
  PetscCall(BenchCreate(NULL, &b));
  PetscCall(DiniSetTolerances(b.chain.dini, 1e-40, PETSC_DEFAULT));
  DiniTestExpect(DiniEigenvectorJVP(b.chain.dini, 1, b.dm, b.dx, NULL), PETSC_ERR_NOT_CONVERGED, "residual 1e-40");
  PetscCall(BenchDestroy(NULL, &b));
  for (int k = 0; k < 2; k++) {
    const char *options = k ? "-eigen_dini_adjoint_rtol 1e-40" : "-eigen_dini_tangent_rtol 1e-40";

    PetscCall(BenchCreate(options, &b));
    if (k)
      DiniTestExpect(DiniEigenvectorVJP(b.chain.dini, 1, b.x, NULL, b.mbar), PETSC_ERR_NOT_CONVERGED,
                     "accept less with -eigen_dini_adjoint_rtol");
    else
      DiniTestExpect(DiniEigenvectorJVP(b.chain.dini, 1, b.dm, b.dx, NULL), PETSC_ERR_NOT_CONVERGED,
                     "accept less with -eigen_dini_tangent_rtol");
    PetscCall(BenchDestroy(options, &b));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What is said while a derivative is taken, and when the Dini goes */
static PetscErrorCode Said(const char words[])
{
  PetscErrorCode (*before)(FILE *, const char[], va_list) = PetscVFPrintf;
  PetscMPIInt    rank;
  PetscErrorCode failed;
  Bench          b;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCall(BenchCreate(NULL, &b));
  printed[0]    = 0;
  PetscVFPrintf = Catch;
  failed        = DiniEigenvectorJVP(b.chain.dini, 0, b.dm, b.dx, NULL);
  if (!failed) failed = BenchDestroy(NULL, &b);
  PetscVFPrintf = before;
  PetscCall(failed);
  if (!rank) DiniTestTrue(strstr(printed, words), "\"%s\" has not been said, but \"%s\"", words, printed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestSaid(const char options[], const char words[])
{
  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(Said(words));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The KSP of the shifted operator, and those of the engine, are what options make of them */
static PetscErrorCode TestSolvers(void)
{
  PetscFunctionBeginUser;
  PetscCall(TestSaid("-eigen_dini_monitor", "eigen_Dini tangent"));
  PetscCall(TestSaid("-eigen_dini_converged_reason", "eigen_Dini tangent solve: CONVERGED_TANGENT"));
  PetscCall(TestSaid("-eigen_dini_view", "accepted true relative residuals"));
  PetscCall(TestSaid("-eigen_dini_tangent_rtol 1e-9 -eigen_dini_view", "tangent 1e-09"));
  PetscCall(TestSaid("-eigen_pc_type jacobi -eigen_dini_view", "preconditioner: jacobi"));
  PetscCall(TestSaid("-eigen_dini_tangent_ksp_type gmres -eigen_dini_tangent_ksp_view", "(eigen_dini_tangent_)"));
  PetscCall(PetscOptionsSetValue(NULL, "-eigen_dini_tangent_rtoll", "1e-9"));
  PetscCall(Said("nearest name is -eigen_dini_tangent_rtol\n"));
  PetscCall(PetscOptionsClearValue(NULL, "-eigen_dini_tangent_rtoll"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscCall(SlepcInitialize(&argc, &argv, NULL, help));
  PetscCall(TestCounts());
  PetscCall(TestRefused());
  PetscCall(TestSolvers());
  PetscCall(SlepcFinalize());
  return 0;
}
