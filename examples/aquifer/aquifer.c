static char help[] = "Infers an aquifer's transmissivity from the heads of wells. Options -aquifer_...\n"
                     "  Steady confined flow  -div(e^m grad h) = 0,  with unknown m = ln T and unknown heads on the "
                     "boundary, both with a\n"
                     "  Gaussian prior; 85 measured heads of the Wolfcamp aquifer; gradients by the adjoint that Dini "
                     "makes of the flow's KSP.\n"
                     "  Try:  mpiexec -n 2 ./aquifer -aquifer_cells 256,192 -aquifer_crossvalidate 10 -dini_check\n\n";

#include "aquifer.h"

/* Tao has no methods for complex scalars: the forward solve and the gradient are what is left to show */
static PetscErrorCode EvaluateOnly(MPI_Comm comm, const AquiferOptions *options, const Wells *wells)
{
  Inversion *inv;
  Vec        g;
  PetscReal  value, norm;

  PetscFunctionBeginUser;
  PetscCall(InversionCreate(comm, options, wells, NULL, &inv));
  PetscCall(VecDuplicate(inv->x, &g));
  PetscCall(InversionEvaluate(inv, &value, g));
  PetscCall(VecNorm(g, NORM_2, &norm));
  PetscCall(PetscPrintf(comm, "objective %.6f, RMS misfit %.3f m, gradient norm %.6g at the prior mean\n",
                        (double)value, (double)inv->rms, (double)norm));
  PetscCall(
      PetscPrintf(comm, "This PETSc has complex scalars, for which Tao has no methods: the inversion is left out.\n"));
  PetscCall(VecDestroy(&g));
  PetscCall(InversionDestroy(&inv));
  PetscFunctionReturn(0);
}

/* What can be found out before hours of computing */
static PetscErrorCode CheckFirst(MPI_Comm comm, const AquiferOptions *options, const Wells *wells)
{
  Trend     trend;
  PetscReal domain[4];

  PetscFunctionBeginUser;
  PetscCall(WellsCheckScale(comm, wells, options));
  PetscCall(TrendFit(comm, wells, &trend));
  PetscCall(WellsGetDomain(comm, wells, options, domain));
  PetscCall(PlacesCheck(comm, options, wells));
  PetscCall(CrossValidateCheck(comm, options, wells));
  PetscCall(OutputCheck(comm, options));
  PetscFunctionReturn(0);
}

/* The inversion and its files; number: of the signal that has ended it early, or 0 */
static PetscErrorCode Invert(MPI_Comm comm, const AquiferOptions *options, const Wells *wells, Inversion **inv,
                             int *number)
{
  Summary summary;

  PetscFunctionBeginUser;
  InterruptWatch(PETSC_TRUE);
  PetscCall(InversionRun(comm, options, wells, inv, &summary));
  PetscCall(ReportSummary(comm, options, wells, &summary));
  if (options->output[0]) PetscCall(OutputWrite(*inv, wells));
  InterruptWatch(PETSC_FALSE); /* what follows prints as it goes */
  PetscCall(InterruptGet(comm, number));
  if (*number)
    PetscCall(PetscPrintf(comm,
                          "\nInterrupted by signal %d after %" PetscInt_FMT
                          " iterations: the results are those so far%s; nothing else is computed.\n",
                          *number, summary.iterations, summary.signal ? "" : ", and complete"));
  PetscFunctionReturn(0);
}

static PetscErrorCode Run(MPI_Comm comm, const AquiferOptions *options, const Wells *wells, int *number)
{
  Inversion *inv;

  PetscFunctionBeginUser;
  if (PetscDefined(USE_COMPLEX)) {
    PetscCall(EvaluateOnly(comm, options, wells));
    PetscFunctionReturn(0);
  }
  PetscCall(Invert(comm, options, wells, &inv, number));
#if defined(AQUIFER_POSTERIOR)
  if (options->posterior && !*number) PetscCall(PosteriorRun(inv, wells));
#endif
  if (options->compare && !*number) PetscCall(CompareMethods(inv));
  PetscCall(InversionDestroy(&inv));
  if (options->folds && !*number) PetscCall(CrossValidate(comm, options, wells));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  AquiferOptions options;
  Wells          wells;
  PetscBool      done;
  int            number = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(AquiferOptionsGet(PETSC_COMM_WORLD, &options));
  PetscCall(WellsRead(PETSC_COMM_WORLD, options.wells, &wells));
  PetscCall(CheckFirst(PETSC_COMM_WORLD, &options, &wells));
  PetscCall(CheckFromOptions(PETSC_COMM_WORLD, &options, &wells, &done));
  if (!done) PetscCall(Run(PETSC_COMM_WORLD, &options, &wells, &number));
  PetscCall(WellsDestroy(&wells));
  if (!number)
    PetscCall(AquiferOptionsCheck(PETSC_COMM_WORLD, PETSC_TRUE)); /* an interrupted run has not asked for all */
  PetscCall(PetscFinalize());
  return number ? 128 + number : 0; /* as shells tell of signals */
}
