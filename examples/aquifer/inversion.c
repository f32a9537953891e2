/* The inverse problem on one grid: minimise

     J = 1/(2 n) ( sum over the n wells ((h(x_i) - d_i)/head_error)^2 + weight (|xi_m|^2 + |xi_hb|^2) )

   over the unknowns xi of both blocks. Dini gives Tao the objective and its gradient; here stands what they are of u.
   The sum is taken per well because Tao's quasi-Newton methods start with a step of up to 100 times the gradient: about
   1/weight times that of the sum, which is the prior's own inverse Hessian. */
#include "aquifer.h"

/* DiniObjectiveFn */
static PetscErrorCode Objective(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  Inversion *inv = (Inversion *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(ObservationMisfit(&inv->observation, u, &inv->rms));
  *value = 0.5 * PetscSqr(inv->rms / inv->options->head_error);
  for (PetscInt p = 0; p < BLOCKS; p++) {
    PetscReal norm;

    PetscCall(VecNorm(inv->block[p].xi, NORM_2, &norm));
    *value += 0.5 * inv->weight * norm * norm / (PetscReal)inv->observation.total;
  }
  PetscFunctionReturn(0);
}

/* DiniObjectiveGradientFn: the partial derivatives, in u and in the unknowns */
static PetscErrorCode ObjectiveGradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  Inversion      *inv = (Inversion *)ctx;
  const PetscReal n   = (PetscReal)inv->observation.total;

  PetscFunctionBeginUser;
  PetscCall(ObservationMisfit(&inv->observation, u, &inv->rms));
  PetscCall(ObservationMisfitGradient(&inv->observation, 1 / (n * PetscSqr(inv->options->head_error)), dJdu));
  for (PetscInt p = 0; p < BLOCKS; p++) {
    Vec part;

    PetscCall(DiniGetParameterSubVec(dini, dJdm, p, &part));
    PetscCall(VecAXPY(part, inv->weight / n, inv->block[p].xi));
    PetscCall(DiniRestoreParameterSubVec(dini, dJdm, p, &part));
  }
  PetscFunctionReturn(0);
}

/* DiniObjectiveHessianFn: both terms are quadratic */
static PetscErrorCode ObjectiveHessian(Dini dini, Vec u, Vec du, Vec dm, Vec hu, Vec hm, void *ctx)
{
  Inversion      *inv = (Inversion *)ctx;
  const PetscReal n   = (PetscReal)inv->observation.total;

  PetscFunctionBeginUser;
  (void)dini, (void)u;
  PetscCall(ObservationMisfitHessian(&inv->observation, 1 / (n * PetscSqr(inv->options->head_error)), du, hu));
  PetscCall(VecAXPY(hm, inv->weight / n, dm));
  PetscFunctionReturn(0);
}

static PetscErrorCode SetUpDini(MPI_Comm comm, Inversion *inv)
{
  PetscFunctionBeginUser;
  PetscCall(DiniCreate(comm, &inv->dini));
  PetscCall(DiniSetType(inv->dini, DINIKSP));
  PetscCall(DiniSetKSP(inv->dini, inv->flow.ksp));
  PetscCall(DiniSetLinearSystem(inv->dini, inv->flow.b, FlowAssemble, &inv->flow));
  PetscCall(BlocksAdd(inv));
  PetscCall(DiniSetState(inv->dini, inv->flow.head));
  PetscCall(DiniSetObjective(inv->dini, Objective, ObjectiveGradient, inv));
  PetscCall(DiniSetObjectiveHessian(inv->dini, ObjectiveHessian, inv));
  PetscCall(DiniSetResidualHessian(inv->dini, BlocksCurvature, inv));
  PetscCall(DiniSetFromOptions(inv->dini));
  PetscFunctionReturn(0);
}

/* In the unknowns xi, J - min J is at most about n/(2 weight) times the squared gradient norm: so the tolerance is
   absolute. Quasi-Newton with a long memory, since 85 data make about that many directions matter */
static PetscErrorCode SetUpTao(MPI_Comm comm, Inversion *inv)
{
#if !defined(PETSC_USE_COMPLEX) /* Tao's methods are for real scalars, and TaoGetLMVMMatrix() is missing otherwise */
  Mat hessian;
#endif

  PetscFunctionBeginUser;
#if !defined(PETSC_USE_COMPLEX)
  PetscCall(TaoCreate(comm, &inv->tao));
  PetscCall(TaoSetType(inv->tao, TAOBQNLS));
  PetscCall(TaoGetLMVMMatrix(inv->tao, &hessian));
  PetscCall(MatLMVMSetHistorySize(hessian, 30));
  PetscCall(TaoSetTolerances(inv->tao, 0.2 / (PetscReal)inv->observation.total, 0.0, 0.0));
  PetscCall(TaoSetMaximumIterations(inv->tao, 300));
  PetscCall(TaoSetSolution(inv->tao, inv->x));
  PetscCall(DiniSetTao(inv->dini, inv->tao));
  if (!inv->options->quiet) PetscCall(TaoMonitorSet(inv->tao, ReportMonitor, inv, NULL));
  PetscCall(TaoSetFromOptions(inv->tao));
  PetscCall(TaoSetConvergenceTest(inv->tao, InterruptTest, inv));
#else
  (void)comm, (void)inv;
#endif
  PetscFunctionReturn(0);
}

/* On the grid of -aquifer_cells, or on the next finer one than coarse, which also gives the first guess */
PetscErrorCode InversionCreate(MPI_Comm comm, const AquiferOptions *o, const Wells *wells, Inversion *coarse,
                               Inversion **inversion)
{
  Inversion *inv;
  PetscReal  domain[4];

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&inv));
  inv->options = o;
  inv->weight  = coarse ? coarse->weight : o->weight;
  PetscCall(TrendFit(comm, wells, &inv->trend));
  PetscCall(WellsGetDomain(comm, wells, o, domain));
  if (coarse) PetscCall(GridRefine(&coarse->grid, &inv->grid));
  else PetscCall(GridCreate(comm, domain, o->cells, &inv->grid));
  PetscCall(FlowCreate(&inv->grid, o, &inv->flow));
  PetscCall(ObservationCreate(&inv->grid, wells, &inv->observation));
  PetscCall(SetUpDini(comm, inv));
  if (coarse) PetscCall(BlocksProlong(coarse, inv));
  else PetscCall(VecSet(inv->flow.head, inv->trend.a));
  PetscCall(DiniCreateParameterVec(inv->dini, &inv->x));
  PetscCall(SetUpTao(comm, inv));
  *inversion = inv;
  PetscFunctionReturn(0);
}

/* Objective, and gradient unless g is NULL, at x; leaves head, misfit and parameters at x */
PetscErrorCode InversionEvaluate(Inversion *inv, PetscReal *value, Vec g)
{
  PetscFunctionBeginUser;
  if (g) PetscCall(DiniComputeObjectiveAndGradient(inv->dini, inv->x, value, g));
  else PetscCall(DiniComputeObjective(inv->dini, inv->x, value));
  PetscFunctionReturn(0);
}

/* One optimisation at the present weight, from the present x */
PetscErrorCode InversionSolve(Inversion *inv)
{
  TaoConvergedReason reason;
  PetscInt           its;
  PetscReal          value;

  PetscFunctionBeginUser;
  if (!inv->options->quiet) PetscCall(ReportHeader(inv));
  PetscCall(TaoSolve(inv->tao));
  PetscCall(TaoGetSolutionStatus(inv->tao, &its, NULL, NULL, NULL, NULL, &reason));
  PetscCheck(reason > 0, PetscObjectComm((PetscObject)inv->tao), PETSC_ERR_NOT_CONVERGED,
             "Tao stopped with %s after %" PetscInt_FMT " iterations: try another -tao_type, or a larger -tao_gatol",
             TaoConvergedReasons[reason], its);
  inv->iterations += its;
  PetscCall(InversionEvaluate(inv, &value, NULL));
  PetscFunctionReturn(0);
}

PetscErrorCode InversionDestroy(Inversion **inversion)
{
  Inversion *inv = *inversion;

  PetscFunctionBeginUser;
  if (!inv) PetscFunctionReturn(0);
  PetscCall(TaoDestroy(&inv->tao));
  PetscCall(DiniDestroy(&inv->dini));
  PetscCall(VecDestroy(&inv->x));
  PetscCall(BlocksDestroy(inv));
  PetscCall(ObservationDestroy(&inv->observation));
  PetscCall(FlowDestroy(&inv->flow));
  PetscCall(GridDestroy(&inv->grid));
  PetscCall(PetscFree(inv));
  *inversion = NULL;
  PetscFunctionReturn(0);
}
