static char help[] =
    "Which thickness tunes which tone? Sensitivities of a plate's natural frequencies. Option prefix -eigen_.\n"
    "  A simply supported steel plate with a worn patch vibrates at omega:  A(t) x = omega^2 B(t) x,\n"
    "  A the bending stiffness, of t^3, and B the mass, of t. Each frequency's gradient by the thickness field is a "
    "map.\n"
    "  Try:  mpiexec -n 2 ./eigen -da_grid_x 95 -da_grid_y 63 -eigen_output eigen.txt -dini_view\n\n";

#include "plate.h"

#define MODES 4

/* The EPS of any vibration code: the lowest frequencies, by shift and invert at zero */
static PetscErrorCode CreateSolver(Plate *plate, EPS *eps)
{
  ST          st;
  KSP         ksp;
  PC          pc;
  PetscMPIInt size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(EPSCreate(PETSC_COMM_WORLD, eps));
  PetscCall(EPSSetOperators(*eps, plate->A, plate->B));
  PetscCall(EPSSetProblemType(*eps, EPS_GHEP));
  PetscCall(EPSSetDimensions(*eps, MODES, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(EPSSetTarget(*eps, 0.0));
  PetscCall(EPSSetWhichEigenpairs(*eps, EPS_TARGET_MAGNITUDE));
  PetscCall(EPSSetTolerances(*eps, 1e-12, 200));
  PetscCall(EPSGetST(*eps, &st));
  PetscCall(STSetType(st, STSINVERT));
  PetscCall(STGetKSP(st, &ksp));
  PetscCall(KSPSetType(ksp, KSPPREONLY));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCLU));
  if (size > 1) PetscCall(PCFactorSetMatSolverType(pc, MATSOLVERMUMPS));
  PetscCall(EPSSetFromOptions(*eps));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* f = sqrt(lambda) / 2 pi in Hz, and df/dt = dlambda/dt / (8 pi^2 f) */
static PetscErrorCode Frequency(Dini dini, PetscInt i, PetscReal *f)
{
  PetscScalar lambda;

  PetscFunctionBeginUser;
  PetscCall(DiniGetEigenpair(dini, i, &lambda, NULL, NULL, NULL));
  *f = PetscSqrtReal(PetscRealPart(lambda)) / (2.0 * PETSC_PI);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FrequencyGradient(Dini dini, PetscInt i, PetscReal f, Vec gradient)
{
  PetscFunctionBeginUser;
  PetscCall(DiniEigenvalueVJP(dini, i, 1.0 / (8.0 * PETSC_PI * PETSC_PI * f), 0.0, gradient));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  omega^2 grows like t^2, since D does like t^3 and the mass like t: so sum_j t_j df/dt_j = f whatever the field. And a
  difference of two solves along the field's own changes.
*/
static PetscErrorCode Check(Plate *plate, Dini dini, const PetscReal f[], Vec gradient[])
{
  const PetscReal h = 1e-5;
  Vec             t0, dt;
  PetscScalar     sum, slope;
  PetscReal       worst = 0.0, shifted[2][MODES];

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(plate->t, &t0));
  PetscCall(VecCopy(plate->t, t0));
  PetscCall(VecDuplicate(t0, &dt));
  PetscCall(VecCopy(t0, dt));
  PetscCall(VecShift(dt, -4e-3)); /* along the wear */
  for (int sign = 0; sign < 2; sign++) {
    PetscCall(VecWAXPY(plate->t, sign ? -h : h, dt, t0));
    PetscCall(DiniEigenSolve(dini));
    for (PetscInt i = 0; i < MODES; i++) PetscCall(Frequency(dini, i, &shifted[sign][i]));
  }
  for (PetscInt i = 0; i < MODES; i++) {
    PetscCall(VecDot(t0, gradient[i], &sum));
    PetscCall(VecDot(dt, gradient[i], &slope));
    worst = PetscMax(worst, PetscAbsReal(PetscRealPart(sum) - f[i]) / f[i]);
    worst = PetscMax(worst, PetscAbsReal(PetscRealPart(slope) - (shifted[0][i] - shifted[1][i]) / (2.0 * h)) / f[i]);
  }
  PetscCall(VecCopy(t0, plate->t));
  PetscCall(VecDestroy(&t0));
  PetscCall(VecDestroy(&dt));
  PetscCheck(worst < 1e-6, PETSC_COMM_WORLD, PETSC_ERR_PLIB, "The gradients are off by a relative %g", (double)worst);
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "gradients agree with homogeneity and differences: passed\n"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  Plate     plate;
  EPS       eps;
  Dini      dini;
  Vec       gradient[MODES];
  PetscReal f[MODES];
  PetscInt  N;
  char      file[PETSC_MAX_PATH_LEN];
  PetscBool write;

  PetscFunctionBeginUser;
  PetscCall(SlepcInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-eigen_output", file, sizeof(file), &write));
  PetscCall(PlateCreate(PETSC_COMM_WORLD, &plate));
  PetscCall(CreateSolver(&plate, &eps));

  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetEPS(dini, eps));
  PetscCall(DiniSetEigenSystem(dini, PlateAssemble, &plate));
  PetscCall(DiniAddParameter(dini, "thickness", plate.t, NULL));
  PetscCall(DiniSetParameterOperator(dini, 0, PlateApply, PlateApplyAdjoint, &plate));
  PetscCall(DiniSetFromOptions(dini));
  PetscCall(DiniEigenSolve(dini));

  PetscCall(VecGetSize(plate.t, &N));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "a plate of %" PetscInt_FMT " nodes\n", N));
  for (PetscInt i = 0; i < MODES; i++) {
    PetscReal lowest, highest;

    PetscCall(VecDuplicate(plate.t, &gradient[i]));
    PetscCall(Frequency(dini, i, &f[i]));
    PetscCall(FrequencyGradient(dini, i, f[i], gradient[i]));
    PetscCall(VecRealPart(gradient[i])); /* thickness is real, also where PetscScalar is complex */
    PetscCall(VecMin(gradient[i], NULL, &lowest));
    PetscCall(VecMax(gradient[i], NULL, &highest));
    PetscCall(PetscPrintf(PETSC_COMM_WORLD,
                          "mode %" PetscInt_FMT ": %8.3f Hz, %+.3f to %+.3f Hz for a millimetre more on one node\n",
                          i + 1, (double)f[i], (double)(1e-3 * lowest), (double)(1e-3 * highest)));
  }
  PetscCall(Check(&plate, dini, f, gradient));
  if (write) { /* per millimetre and square metre: what a node has, over its share of the area */
    for (PetscInt i = 0; i < MODES; i++) PetscCall(VecScale(gradient[i], 1e-3 * (PetscReal)N / (plate.lx * plate.ly)));
    PetscCall(PlateWrite(&plate, file, MODES, gradient));
    PetscCall(PetscPrintf(PETSC_COMM_WORLD, "written: %s\n", file));
  }

  for (PetscInt i = 0; i < MODES; i++) PetscCall(VecDestroy(&gradient[i]));
  PetscCall(DiniDestroy(&dini));
  PetscCall(EPSDestroy(&eps));
  PetscCall(PlateDestroy(&plate));
  PetscCall(SlepcFinalize());
  return 0;
}
