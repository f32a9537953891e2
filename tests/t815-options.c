static char help[] =
    "Options: names that mean nothing are said aloud, those of the user's solvers stay, and calls repeat.\n";

#include "support/fixtures.h"
#include <stdarg.h>

/* What PETSc prints, caught */
static char printed[8192];

static PetscErrorCode Catch(FILE *file, const char format[], va_list arguments)
{
  const size_t used = strlen(printed);

  PetscFunctionBeginUser;
  (void)file;
  (void)vsnprintf(printed + used, sizeof(printed) - used, format, arguments);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Said(const char words[], PetscBool expected)
{
  PetscMPIInt rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  if (rank) PetscFunctionReturn(PETSC_SUCCESS);
  DiniTestTrue((strstr(printed, words) != NULL) == expected, "\"%s\" has%s been said: \"%s\"", words,
               expected ? " not" : "", printed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Sets an option, makes a Dini that reads options or does not, and looks at what is said by then and at its end */
static PetscErrorCode TestName(const char name[], const char value[], PetscBool reads, const char atonce[],
                               const char atend[])
{
  PetscErrorCode (*before)(FILE *, const char[], va_list) = PetscVFPrintf;
  Cubic c;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsSetValue(NULL, name, value));
  PetscCall(CubicCreate(5, 0.0, &c));
  printed[0]    = 0;
  PetscVFPrintf = Catch;
  if (reads) PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERMATRIX));
  else {
    PetscCall(DiniCreate(PETSC_COMM_WORLD, &c.dini));
    PetscCall(DiniSetSNES(c.dini, c.snes));
    PetscCall(DiniAddParameter(c.dini, "m", c.m, NULL));
    PetscCall(DiniSolve(c.dini, c.u));
  }
  PetscVFPrintf = before;
  PetscCall(Said(atonce ? atonce : "Warning", (PetscBool)(atonce != NULL)));
  printed[0]    = 0;
  PetscVFPrintf = Catch;
  PetscCall(DiniDestroy(&c.dini));
  PetscVFPrintf = before;
  PetscCall(Said(atend ? atend : "Warning", (PetscBool)(atend != NULL)));
  PetscCall(CubicDestroy(&c));
  PetscCall(PetscOptionsClearValue(NULL, name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestNames(void)
{
  PetscFunctionBeginUser;
  PetscCall(TestName("-dini_adjoint_rtoll", "1e-3", PETSC_TRUE, "-dini_adjoint_rtol\n", NULL));
  PetscCall(TestName("-dini_gaurd", "0", PETSC_TRUE, "-dini_guard\n", NULL));
  PetscCall(TestName("-dini_chekc", NULL, PETSC_TRUE, "-dini_check\n", NULL));
  PetscCall(TestName("-dini_parameter_m_tpye", "fd", PETSC_TRUE, "-dini_parameter_m_type\n", NULL));
  PetscCall(TestName("-dini_parameter_k_type", "fd", PETSC_TRUE, "-dini_parameter_m_type\n", "no such parameter"));
  PetscCall(TestName("-dini_parameter_conductivity_type", "fd", PETSC_TRUE, NULL, "its parameters: m"));
  PetscCall(TestName("-dini_adjoint_ksp_max_it", "100", PETSC_TRUE, NULL, NULL)); /* read by a solve that never came */
  PetscCall(TestName("-dini_adjoint_sub_pc_type", "ilu", PETSC_TRUE, NULL, NULL));
  PetscCall(TestName("-dini_guard", "1", PETSC_TRUE, NULL, NULL));
  PetscCall(TestName("-other_dini_gaurd", "1", PETSC_TRUE, NULL, NULL)); /* another prefix */
  PetscCall(TestName("-dini_check", NULL, PETSC_FALSE, NULL, "DiniSetFromOptions() was not called"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The prefix counts */
static PetscErrorCode TestPrefix(void)
{
  PetscErrorCode (*before)(FILE *, const char[], va_list) = PetscVFPrintf;
  Dini dini;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsSetValue(NULL, "-flow_dini_transpoze", "native"));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetOptionsPrefix(dini, "flow_"));
  printed[0]    = 0;
  PetscVFPrintf = Catch;
  PetscCall(DiniSetFromOptions(dini));
  PetscVFPrintf = before;
  PetscCall(Said("the nearest name is -flow_dini_transpose\n", PETSC_TRUE));
  PetscCall(DiniDestroy(&dini));
  PetscCall(PetscOptionsClearValue(NULL, "-flow_dini_transpoze"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A block that is not there */
static PetscErrorCode TestFind(void)
{
  Cubic    c;
  PetscInt p;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(5, 0.0, &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERMATRIX));
  PetscCall(DiniFindParameter(c.dini, "m", &p));
  DiniTestCount(p, 0, "number of the block m");
  PetscCall(DiniFindParameter(c.dini, "mm", &p));
  DiniTestCount(p, -1, "number of no block");
  DiniTestExpect(DiniSetParameterActive(c.dini, p, PETSC_FALSE), PETSC_ERR_ARG_OUTOFRANGE, "has found no \"mm\"");
  DiniTestExpect(DiniSetParameterActive(c.dini, 3, PETSC_FALSE), PETSC_ERR_ARG_OUTOFRANGE, "they are 0 \"m\"");
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* So many blocks that a message has no room for all of their names */
static PetscErrorCode TestMany(void)
{
  static PetscScalar values[100];
  Dini               dini;
  char               name[32];

  PetscFunctionBeginUser;
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  for (int k = 0; k < 100; k++) {
    PetscCall(PetscSNPrintf(name, sizeof(name), "a_coefficient_number_%d", k));
    PetscCall(DiniAddScalarParameter(dini, name, &values[k], NULL));
  }
  DiniTestExpect(DiniSetParameterActive(dini, 100, PETSC_FALSE), PETSC_ERR_ARG_OUTOFRANGE,
                 "they are 0 \"a_coefficient_number_0\", 1 \"a_coefficient_number_1\"");
  PetscCall(DiniDestroy(&dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The KSP tolerances that the user has named stay, through loose solves of Dini's own; Dini's follow Dini's. */
static PetscErrorCode ExpectKSPs(Dini dini, PetscReal tangent, PetscReal adjoint, const char when[])
{
  KSP       ksp;
  PetscReal rtol;

  PetscFunctionBeginUser;
  PetscCall(DiniGetTangentKSP(dini, &ksp));
  PetscCall(KSPGetTolerances(ksp, &rtol, NULL, NULL, NULL));
  DiniTestClose(rtol, tangent, 1e-14, 0.0, when);
  PetscCall(DiniGetAdjointKSP(dini, &ksp));
  PetscCall(KSPGetTolerances(ksp, &rtol, NULL, NULL, NULL));
  DiniTestClose(rtol, adjoint, 1e-14, 0.0, when);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestKSPs(const char options[], PetscReal tangent, PetscReal adjoint)
{
  Curved    c;
  Vec       ubar, mbar, Hv;
  Tao       tao;
  Mat       H;
  PetscReal rtol[2];

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(CurvedCreate(7, &c));
  PetscCall(CurvedDini(&c, DINIPARAMETERMATRIX));
  PetscCall(DiniSetTolerances(c.dini, 1e-10, 1e-10));
  PetscCall(DiniSetState(c.dini, c.u));
  PetscCall(DiniSetObjective(c.dini, CurvedObjective, CurvedObjectiveGradient, &c));
  PetscCall(DiniTestVec(c.u, 7, &ubar));
  PetscCall(DiniTestVec(c.m, 8, &mbar));
  PetscCall(VecDuplicate(c.m, &Hv));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniSetGradientTolerance(c.dini, 1e-3)); /* the KSPs are made inside of a loose call */
  PetscCall(DiniVJP(c.dini, ubar, mbar));
  PetscCall(ExpectKSPs(c.dini, tangent, adjoint, "KSP tolerance after a gradient to a tolerance"));
  PetscCall(VecScale(ubar, 2.0));
  PetscCall(DiniVJP(c.dini, ubar, mbar));
  PetscCall(ExpectKSPs(c.dini, tangent, adjoint, "KSP tolerance after another"));
  PetscCall(DiniSetGradientTolerance(c.dini, 0.0));
  if (!PetscDefined(USE_COMPLEX)) {
    PetscCall(TaoCreate(PETSC_COMM_WORLD, &tao));
    PetscCall(TaoSetType(tao, TAONLS));
    PetscCall(DiniSetTao(c.dini, tao));
    PetscCall(TaoGetHessian(tao, &H, NULL, NULL, NULL));
    PetscCall(TaoComputeHessian(tao, c.m, H, H));
    PetscCall(MatMult(H, mbar, Hv)); /* as loose as Newton's steps are */
    PetscCall(ExpectKSPs(c.dini, tangent, adjoint, "KSP tolerance after a Tao's Hessian product"));
    PetscCall(TaoDestroy(&tao));
  }
  PetscCall(DiniSetPredict(c.dini, PETSC_TRUE));
  PetscCall(VecShift(mbar, 1.0));
  PetscCall(VecAXPY(mbar, 1.0, c.m));
  PetscCall(DiniComputeObjective(c.dini, mbar, &rtol[0])); /* predicts by a loose tangent solve */
  PetscCall(ExpectKSPs(c.dini, tangent, adjoint, "KSP tolerance after a prediction"));
  PetscCall(DiniGetTolerances(c.dini, &rtol[0], &rtol[1]));
  DiniTestClose(rtol[0], 1e-10, 1e-14, 0.0, "tangent tolerance");
  DiniTestClose(rtol[1], 1e-10, 1e-14, 0.0, "adjoint tolerance");
  PetscCall(DiniSetTolerances(c.dini, 1e-8, 1e-8));
  PetscCall(ExpectKSPs(c.dini, tangent == 0.5e-10 ? 0.5e-8 : tangent, adjoint == 0.5e-10 ? 0.5e-8 : adjoint,
                       "KSP tolerance after DiniSetTolerances()"));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&Hv));
  PetscCall(CurvedDestroy(&c));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* DiniSetFromOptions() may be called again and again, and a value that makes no sense is an error that spoils nothing. */
static PetscErrorCode TestAgain(void)
{
  const char *wrong[] = {"-dini_type nonesuch",
                         "-dini_adjoint_rtol 2",
                         "-dini_block_size 0",
                         "-dini_guard perhaps",
                         "-dini_parameter_m_type nonesuch",
                         "-dini_jacobian_max_columns x",
                         "-dini_hessian_blend 2",
                         "-dini_continuation_rtol -1",
                         "-dini_weak_activity_rtol -1",
                         "-dini_gradient_rtol 1"};
  Cubic       c;
  Vec         ubar, mbar, ref;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(5, 0.0, &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERMATRIX));
  PetscCall(DiniTestVec(c.u, 7, &ubar));
  PetscCall(VecDuplicate(c.m, &mbar));
  PetscCall(VecDuplicate(c.m, &ref));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniVJP(c.dini, ubar, ref));
  PetscCall(PetscOptionsSetValue(NULL, "-dini_monitor", "0"));
  for (int k = 0; k < 8; k++) PetscCall(DiniSetFromOptions(c.dini));
  PetscCall(PetscOptionsClearValue(NULL, "-dini_monitor"));
  for (int k = 0; k < 8; k++)
    PetscCall(DiniMonitorSet(c.dini, DiniMonitorDefault, NULL, NULL)); /* as -dini_monitor does */
  PetscCall(DiniMonitorCancel(c.dini));
  for (size_t k = 0; k < sizeof(wrong) / sizeof(*wrong); k++) {
    Dini           fresh;
    PetscErrorCode failed;

    PetscCall(PetscOptionsInsertString(NULL, wrong[k]));
    PetscCall(DiniTestCatch());
    failed = DiniSetFromOptions(c.dini); /* the application goes on all the same */
    PetscCall(DiniTestRelease());
    DiniTestTrue(failed, "%s is no error", wrong[k]);
    PetscCall(VecSet(c.u, 0.5));
    PetscCall(DiniSolve(c.dini, c.u));
    PetscCall(DiniVJP(c.dini, ubar, mbar));
    PetscCall(DiniTestVecsClose(mbar, ref, 1e-8, wrong[k]));
    PetscCall(DiniCreate(PETSC_COMM_WORLD, &fresh)); /* and with one that has nothing yet */
    PetscCall(DiniTestCatch());
    (void)DiniSetFromOptions(fresh);
    failed = DiniSolve(fresh, c.u);
    PetscCall(DiniTestRelease());
    DiniTestTrue(failed, "%s: a Dini without a solver has solved", wrong[k]);
    PetscCall(DiniDestroy(&fresh));
    PetscCall(DiniTestOptionsClear(wrong[k]));
  }
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&ref));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestNames());
  PetscCall(TestPrefix());
  PetscCall(TestFind());
  PetscCall(TestMany());
  PetscCall(TestKSPs("-snes_rtol 1e-10", 0.5e-10, 0.5e-10));
  PetscCall(TestKSPs("-dini_adjoint_ksp_rtol 1e-5 -dini_tangent_ksp_rtol 1e-6", 1e-6, 1e-5));
  PetscCall(TestAgain());
  PetscCall(PetscFinalize());
  return 0;
}
