static char help[] = "Public functions that applications seldom call: each does what it says.\n";

#include "support/fixtures.h"
#include <stdarg.h>

static char printed[16384];

static PetscErrorCode Catch(FILE *file, const char format[], va_list arguments)
{
  const size_t used = strlen(printed);

  PetscFunctionBeginUser;
  (void)file;
  (void)vsnprintf(printed + used, sizeof(printed) - used, format, arguments);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Words that rank 0 has printed so many times */
static PetscErrorCode Printed(const char words[], PetscInt expected)
{
  PetscMPIInt rank;
  PetscInt    found = 0;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  for (const char *s = strstr(printed, words); s; s = strstr(s + 1, words)) found++;
  DiniTestTrue(rank || found == expected, "\"%s\" %" PetscInt_FMT " times in \"%s\"", words, found, printed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The monitor of -dini_monitor prints a line an operation, with the rung that answered, whatever others do to counters. */
static PetscErrorCode TestMonitorDefault(void)
{
  PetscErrorCode (*before)(FILE *, const char[], va_list) = PetscVFPrintf;
  Cubic c;
  Vec   ubar, mbar;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(5, 0.0, &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERMATRIX));
  PetscCall(DiniTestVec(c.u, 7, &ubar));
  PetscCall(VecDuplicate(c.m, &mbar));
  PetscCall(DiniMonitorSet(c.dini, DiniMonitorDefault, NULL, NULL));
  printed[0]    = 0;
  PetscVFPrintf = Catch;
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniVJP(c.dini, ubar, mbar));
  PetscCall(DiniJVP(c.dini, mbar, ubar));
  PetscVFPrintf = before;
  PetscCall(Printed("  Dini forward ", 1));
  PetscCall(Printed("  Dini linearize\n", 1));
  PetscCall(Printed("  Dini adjoint ", 1));
  PetscCall(Printed("  Dini tangent ", 1));
  PetscCall(Printed("rung kept", 2));
  PetscCall(DiniResetStatistics(c.dini));
  printed[0]    = 0;
  PetscVFPrintf = Catch;
  PetscCall(DiniMonitorDefault(c.dini, DINI_OPERATION_TANGENT, 3, 1e-11, NULL));
  PetscVFPrintf = before;
  PetscCall(Printed("rung kept", 1));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An object printed under a name of its own, and only where that is asked for */
static PetscErrorCode TestViewFromOptions(void)
{
  PetscErrorCode (*before)(FILE *, const char[], va_list) = PetscVFPrintf;
  Cubic c;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(5, 0.0, &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERMATRIX));
  PetscCall(DiniSolve(c.dini, c.u));
  printed[0]    = 0;
  PetscVFPrintf = Catch;
  PetscCall(DiniViewFromOptions(c.dini, NULL, "-flow_view"));
  PetscVFPrintf = before;
  PetscCall(Printed("parameter 0", 0));
  PetscCall(PetscOptionsSetValue(NULL, "-flow_view", NULL));
  PetscVFPrintf = Catch;
  PetscCall(DiniViewFromOptions(c.dini, NULL, "-flow_view"));
  PetscVFPrintf = before;
  PetscCall(Printed("parameter 0 \"m\"", 1));
  PetscCall(PetscOptionsClearValue(NULL, "-flow_view"));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The KSP of the tangent solves solves J x = r as it is handed out, and what is set on it holds for the next JVP. */
static PetscErrorCode TestTangentKSP(void)
{
  Transport t;
  KSP       ksp;
  Vec       r, x, ref, dm;
  Mat       J;
  PetscInt  its;

  PetscFunctionBeginUser;
  PetscCall(TransportCreate(6, 5, &t));
  PetscCall(TransportDini(&t, DINIPARAMETERMATRIX));
  PetscCall(DiniSolve(t.dini, t.u));
  PetscCall(DiniTestVec(t.u, 7, &r));
  PetscCall(DiniTestVec(t.m, 8, &dm));
  PetscCall(VecDuplicate(r, &x));
  PetscCall(VecDuplicate(r, &ref));
  PetscCall(DiniGetTangentKSP(t.dini, &ksp));
  PetscCall(KSPSolve(ksp, r, x));
  PetscCall(DiniGetJacobian(t.dini, &J, NULL));
  PetscCall(DiniTestDirectSolve(J, PETSC_FALSE, r, ref));
  PetscCall(DiniTestVecsClose(x, ref, 1e-7, "KSPSolve() with the tangent KSP"));
  PetscCall(KSPSetTolerances(ksp, 1e-2, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(DiniJVP(t.dini, dm, x));
  PetscCall(TransportReferenceJVP(&t, dm, ref));
  PetscCall(DiniTestVecsClose(x, ref, 1e-8, "JVP by a loose KSP, refined"));
  PetscCall(KSPGetIterationNumber(ksp, &its));
  DiniTestTrue(its > 0, "The tangent KSP was not used");
  PetscCall(VecDestroy(&r));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&ref));
  PetscCall(VecDestroy(&dm));
  PetscCall(TransportDestroy(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Types are there again after the package has been finalized and an object is made. */
static PetscErrorCode TestFinalizePackage(void)
{
  Cubic c;
  Vec   ubar, mbar[2];

  PetscFunctionBeginUser;
  for (int k = 0; k < 2; k++) {
    PetscCall(CubicCreate(5, 0.0, &c));
    PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERMATRIX));
    PetscCall(DiniTestVec(c.u, 7, &ubar));
    PetscCall(VecDuplicate(c.m, &mbar[k]));
    PetscCall(DiniSolve(c.dini, c.u));
    PetscCall(DiniVJP(c.dini, ubar, mbar[k]));
    PetscCall(VecDestroy(&ubar));
    PetscCall(CubicDestroy(&c));
    if (!k) PetscCall(DiniFinalizePackage());
  }
  PetscCall(DiniTestVecsClose(mbar[0], mbar[1], 1e-12, "VJP before and after DiniFinalizePackage()"));
  for (int k = 0; k < 2; k++) PetscCall(VecDestroy(&mbar[k]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestMonitorDefault());
  PetscCall(TestViewFromOptions());
  PetscCall(TestTangentKSP());
  PetscCall(TestFinalizePackage());
  PetscCall(PetscFinalize());
  return 0;
}
