/* Who watches: monitors, reasons and statistics. */
#include "../private/diniimpl.h"

/**
  @brief Adds a function that is called after each forward solve, linearization, tangent and adjoint solve.
  @level{intermediate}

  Logically Collective. One that is there already, with this context, is not added again. A monitor may take derivatives of the same Dini: they work in vectors of their own, to the tolerances
  that have been set, and no monitor is called for what a monitor does. It may not solve anew, attach, reset or change the
  relation, nor write to u or m: these are errors, because the call that it watches goes on from there.

  @param[in] dini    the Dini
  @param[in] monitor the function, DiniMonitorDefault() for one
  @param[in] ctx     its context, may be NULL
  @param[in] destroy frees the context with the Dini, may be NULL
  @return 0 or a PETSc error code; PETSC_ERR_ARG_OUTOFRANGE for a sixth monitor

  Option: `-dini_monitor`.
*/
PetscErrorCode DiniMonitorSet(Dini dini, DiniMonitorFn *monitor, void *ctx, PetscErrorCode (*destroy)(void **))
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  for (PetscInt i = 0; i < dini->nmonitors; i++)
    if (dini->monitor[i] == monitor && dini->monitorctx[i] == ctx && dini->monitordestroy[i] == destroy)
      PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(dini->nmonitors < DINI_MAX_MONITORS, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_OUTOFRANGE,
             "A Dini takes at most %d monitors; DiniMonitorCancel() drops them", DINI_MAX_MONITORS);
  dini->monitor[dini->nmonitors]        = monitor;
  dini->monitorctx[dini->nmonitors]     = ctx;
  dini->monitordestroy[dini->nmonitors] = destroy;
  dini->nmonitors++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Removes all monitors.
  @level{intermediate}

  Logically Collective.

  @param[in] dini the Dini
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniMonitorCancel(Dini dini)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  for (PetscInt i = 0; i < dini->nmonitors; i++) {
    if (dini->monitordestroy[i]) PetscCall((*dini->monitordestroy[i])(&dini->monitorctx[i]));
  }
  dini->nmonitors = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief The monitor of `-dini_monitor`: one line per operation on standard output.
  @level{advanced}

  Collective.

  @param[in] dini      the Dini
  @param[in] operation what has just been done
  @param[in] its       iterations it took, Newton or Krylov
  @param[in] rnorm     |F| after a forward solve, the true relative residual after a tangent or adjoint solve
  @param[in] ctx       not used
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniMonitorDefault(Dini dini, DiniOperation operation, PetscInt its, PetscReal rnorm, void *ctx)
{
  MPI_Comm    comm   = PetscObjectComm((PetscObject)dini);
  const char *prefix = ((PetscObject)dini)->prefix;

  PetscFunctionBegin;
  (void)ctx;
  if (!prefix) prefix = "";
  if (operation == DINI_OPERATION_LINEARIZE) PetscCall(PetscPrintf(comm, "  %sDini linearize\n", prefix));
  else if (operation == DINI_OPERATION_FORWARD)
    PetscCall(PetscPrintf(comm, "  %sDini %-9s %3" PetscInt_FMT " its, |F| %g\n", prefix, DiniOperations[operation],
                          its, (double)rnorm));
  else
    PetscCall(PetscPrintf(comm, "  %sDini %-9s %3" PetscInt_FMT " its, true relative residual %g, rung %s\n", prefix,
                          DiniOperations[operation], its, (double)rnorm, DiniRungs[dini->lastrung]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  The monitors, with the door open to derivatives: nothing is half done. They may take derivatives, and leave u and m as they
  are, which the call under way goes on from.
*/
static PetscErrorCode DiniMonitors(Dini dini, DiniOperation operation, PetscInt its, PetscReal rnorm)
{
  const PetscBool watched = (PetscBool)(dini->stage == DINI_STAGE_LINEARIZED && !dini->closed);
  PetscErrorCode  failed  = PETSC_SUCCESS;

  PetscFunctionBegin;
  if (!dini->nmonitors || dini->monitoring) PetscFunctionReturn(PETSC_SUCCESS);
  dini->monitoring = PETSC_TRUE;
  for (PetscInt i = 0; i < dini->nmonitors && !failed; i++)
    DiniCallOut(dini, DINI_DOOR_DERIVATIVES, "a monitor (DiniMonitorSet())", failed,
                (*dini->monitor[i])(dini, operation, its, rnorm, dini->monitorctx[i]));
  dini->monitoring = PETSC_FALSE;
  PetscCall(DiniAgree_Private(dini, "A monitor (DiniMonitorSet())", failed));
  if (watched) PetscCall(DiniCheckPoint_Private(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniMonitor_Private(Dini dini, DiniOperation operation, PetscInt its, PetscReal rnorm)
{
  PetscFunctionBegin;
  PetscCall(DiniMonitors(dini, operation, its, rnorm));
  if (dini->reasonrequested && operation != DINI_OPERATION_LINEARIZE) {
    const char *text, *prefix = ((PetscObject)dini)->prefix;

    PetscCall(DiniConvergedReasonString(dini->reason, &text));
    PetscCall(PetscPrintf(PetscObjectComm((PetscObject)dini), "  %sDini %s solve: %s, iterations %" PetscInt_FMT "\n",
                          prefix ? prefix : "", DiniOperations[operation], text, its));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Tells how the last solve of a Dini ended.
  @level{intermediate}

  Not Collective.

  @param[in]  dini   the Dini
  @param[out] reason positive: it converged; negative: there is no result
  @return 0 or a PETSc error code

  Option: `-dini_converged_reason` prints it after each solve.
*/
PetscErrorCode DiniGetConvergedReason(Dini dini, DiniConvergedReason *reason)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  *reason = dini->reason;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Copies the counters of a Dini: the evidence that nothing was paid twice.
  @level{intermediate}

  Not Collective.

  @param[in]  dini  the Dini
  @param[out] stats the counters
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniGetStatistics(Dini dini, DiniStatistics *stats)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  *stats = dini->stats;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Sets the counters of a Dini to zero.
  @level{intermediate}

  Logically Collective.

  @param[in] dini the Dini
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniResetStatistics(Dini dini)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(PetscMemzero(&dini->stats, sizeof(dini->stats)));
  PetscFunctionReturn(PETSC_SUCCESS);
}
