/* What the run prints: a line per iteration, and the table at the end. */
#include "aquifer.h"

PetscErrorCode ReportHeader(Inversion *inv)
{
  MPI_Comm comm = PetscObjectComm((PetscObject)inv->dini);

  PetscFunctionBeginUser;
  PetscCall(PetscPrintf(comm, "\n%" PetscInt_FMT " x %" PetscInt_FMT " cells, prior weight %.4g\n", inv->grid.nx - 1,
                        inv->grid.ny - 1, (double)inv->weight));
  PetscCall(PetscPrintf(comm, "%5s %13s %12s %12s %9s %9s\n", "iter", "objective", "misfit (m)", "gradient", "fwd its",
                        "adj its"));
  PetscFunctionReturn(0);
}

/* Tao's monitor; the Krylov iterations are those since the line before */
PetscErrorCode ReportMonitor(Tao tao, void *ctx)
{
  Inversion     *inv = (Inversion *)ctx;
  PetscInt       it;
  PetscReal      f, gnorm;
  DiniStatistics s;

  PetscFunctionBeginUser;
  PetscCall(TaoGetSolutionStatus(tao, &it, &f, &gnorm, NULL, NULL, NULL));
  PetscCall(DiniGetStatistics(inv->dini, &s));
  PetscCall(PetscPrintf(PetscObjectComm((PetscObject)tao),
                        "%5" PetscInt_FMT " %13.6f %12.3f %12.4g %9" PetscInt_FMT " %9" PetscInt_FMT "\n", it,
                        (double)f, (double)inv->rms, (double)gnorm,
                        s.forward_iterations - inv->shown.forward_iterations,
                        s.adjoint_iterations - inv->shown.adjoint_iterations));
  inv->shown = s;
  PetscFunctionReturn(0);
}

PetscErrorCode ReportSummary(MPI_Comm comm, const AquiferOptions *o, const Wells *wells, const Summary *s)
{
  const DiniStatistics *t     = &s->statistics;
  const char           *after = s->matched ? ", matched" : (o->match ? ", NOT matched" : ", not matched on purpose");

  PetscFunctionBeginUser;
  PetscCall(PetscPrintf(comm, "\nHeads at %" PetscInt_FMT " wells, %" PetscInt_FMT " x %" PetscInt_FMT " cells\n",
                        wells->n, s->cells[0], s->cells[1]));
  PetscCall(PetscPrintf(comm, "  RMS misfit, best-fit plane        %10.2f m\n", (double)s->rms_before));
  PetscCall(PetscPrintf(comm, "  RMS misfit, inversion             %10.2f m  (asked for: %.2f m%s)\n",
                        (double)s->rms_after, (double)o->head_error, s->signal ? ", interrupted" : after));
  PetscCall(PetscPrintf(comm, "  prior weight                      %10.4g\n", (double)s->weight));
  PetscCall(PetscPrintf(comm, "  optimisation iterations           %10" PetscInt_FMT "  on %" PetscInt_FMT " grids\n",
                        s->iterations, s->grids));
  PetscCall(PetscPrintf(
      comm, "  forward solves                    %10" PetscInt_FMT "  %" PetscInt_FMT " iterations, %.2f s\n",
      t->forward_solves, t->forward_iterations, (double)t->forward_seconds));
  PetscCall(PetscPrintf(
      comm, "  adjoint solves                    %10" PetscInt_FMT "  %" PetscInt_FMT " iterations, %.2f s\n",
      t->adjoint_solves, t->adjoint_iterations, (double)t->adjoint_seconds));
  PetscCall(PetscPrintf(comm, "  Jacobian assemblies for adjoints  %10" PetscInt_FMT "\n", t->jacobian_assemblies));
  PetscCall(PetscPrintf(comm, "  PC set-ups for adjoints           %10" PetscInt_FMT "\n", t->pc_setups));
  PetscCall(PetscPrintf(comm, "  worst adjoint residual            %10.1e\n", (double)t->adjoint_residual));
  PetscCall(PetscPrintf(comm, "  seconds                           %10.2f\n", (double)s->seconds));
  if (!s->matched && o->match && !s->signal)
    PetscCall(PetscPrintf(comm,
                          "No weight of the prior gives this misfit: change -aquifer_head_error, or the priors' sigmas "
                          "and lengths.\n"));
  PetscFunctionReturn(0);
}
