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

static PetscErrorCode Invert(MPI_Comm comm, const AquiferOptions *options, const Wells *wells)
{
  Inversion *inv;
  Summary    summary;

  PetscFunctionBeginUser;
  if (PetscDefined(USE_COMPLEX)) {
    PetscCall(EvaluateOnly(comm, options, wells));
    PetscFunctionReturn(0);
  }
  PetscCall(InversionRun(comm, options, wells, &inv, &summary));
  PetscCall(ReportSummary(comm, options, wells, &summary));
  if (options->output[0]) PetscCall(OutputWrite(inv, wells));
#if defined(AQUIFER_POSTERIOR)
  if (options->posterior) PetscCall(PosteriorRun(inv, wells));
#endif
  if (options->compare) PetscCall(CompareMethods(inv));
  PetscCall(InversionDestroy(&inv));
  if (options->folds) PetscCall(CrossValidate(comm, options, wells));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  AquiferOptions options;
  Wells          wells;
  PetscBool      done;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(AquiferOptionsGet(PETSC_COMM_WORLD, &options));
  PetscCall(WellsRead(PETSC_COMM_WORLD, options.wells, &wells));
  PetscCall(CheckFromOptions(PETSC_COMM_WORLD, &options, &wells, &done));
  if (!done) PetscCall(Invert(PETSC_COMM_WORLD, &options, &wells));
  PetscCall(WellsDestroy(&wells));
  PetscCall(AquiferOptionsCheck(PETSC_COMM_WORLD, PETSC_TRUE));
  PetscCall(PetscFinalize());
  return 0;
}
