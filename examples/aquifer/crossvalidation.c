/* Cross-validation: well i belongs to fold i mod folds. For each fold the whole inversion, trend and weight included,
   runs without the fold's wells and predicts their heads; so does the best-fit plane. */
#include "aquifer.h"

typedef struct {
  PetscReal inversion, plane; /* sums of squared errors, m^2 */
  PetscInt  n;
} Errors;

/* Errors at the wells held out; each rank has some of them */
static PetscErrorCode HeldOut(MPI_Comm comm, const Inversion *inv, const Wells *wells, Errors *e)
{
  const PetscScalar *r;
  PetscReal          sum[2] = {0, 0};

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(inv->observation.residual, &r));
  for (PetscInt k = 0; k < inv->observation.n; k++) {
    const Well *w = &wells->well[inv->observation.id[k]];

    if (w->used) continue;
    sum[0] += PetscSqr(PetscRealPart(r[k]));
    sum[1] += PetscSqr(TrendAt(&inv->trend, w->x, w->y) - w->head);
  }
  PetscCall(VecRestoreArrayRead(inv->observation.residual, &r));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sum, 2, MPIU_REAL, MPI_SUM, comm));
  e->inversion = sum[0];
  e->plane     = sum[1];
  e->n         = 0;
  for (PetscInt i = 0; i < wells->n; i++) e->n += !wells->well[i].used;
  PetscFunctionReturn(0);
}

static PetscReal Rms(PetscReal sum, PetscInt n)
{
  return PetscSqrtReal(sum / (PetscReal)PetscMax(n, 1));
}

static PetscErrorCode HoldOut(const AquiferOptions *options, const Wells *wells, PetscInt fold, Wells *part)
{
  PetscFunctionBeginUser;
  PetscCall(PetscArraycpy(part->well, wells->well, wells->n));
  for (PetscInt i = fold; i < wells->n; i += options->folds) part->well[i].used = PETSC_FALSE;
  PetscFunctionReturn(0);
}

/* Before the first inversion: the wells without each fold have a plane */
PetscErrorCode CrossValidateCheck(MPI_Comm comm, const AquiferOptions *options, const Wells *wells)
{
  Wells part = *wells;
  char  name[PETSC_MAX_PATH_LEN + 32];
  Trend trend;

  PetscFunctionBeginUser;
  PetscCheck(options->folds <= wells->n, comm, PETSC_ERR_USER_INPUT,
             "-aquifer_crossvalidate %" PetscInt_FMT ": more folds than the %" PetscInt_FMT " wells", options->folds,
             wells->n);
  PetscCall(PetscMalloc1(wells->n, &part.well));
  for (PetscInt fold = 0; fold < options->folds; fold++) {
    PetscCall(HoldOut(options, wells, fold, &part));
    PetscCall(PetscSNPrintf(name, sizeof(name), "%s without fold %" PetscInt_FMT, wells->file, fold + 1));
    part.file = name;
    PetscCall(TrendFit(comm, &part, &trend));
  }
  PetscCall(PetscFree(part.well));
  PetscFunctionReturn(0);
}

PetscErrorCode CrossValidate(MPI_Comm comm, const AquiferOptions *options, const Wells *wells)
{
  AquiferOptions silent = *options;
  Wells          part   = *wells;
  Errors         all    = {0, 0, 0};
#if defined(AQUIFER_POSTERIOR)
  Coverage coverage = {{0}, 0};
#endif

  PetscFunctionBeginUser;
  silent.quiet = PETSC_TRUE;
  PetscCall(PetscMalloc1(wells->n, &part.well));
  PetscCall(
      PetscPrintf(comm, "\nCross-validation, %" PetscInt_FMT " folds: error at wells held out\n", options->folds));
  PetscCall(PetscPrintf(comm, "%5s %6s %14s %14s\n", "fold", "wells", "inversion (m)", "plane (m)"));
  for (PetscInt fold = 0; fold < options->folds; fold++) {
    Inversion *inv;
    Summary    summary;
    Errors     e = {0, 0, 0};

    PetscCall(HoldOut(options, wells, fold, &part));
    PetscCall(InversionRun(comm, &silent, &part, &inv, &summary));
    PetscCall(HeldOut(comm, inv, &part, &e));
#if defined(AQUIFER_POSTERIOR)
    if (options->posterior) PetscCall(CoverageAdd(inv, &part, &coverage));
#endif
    PetscCall(InversionDestroy(&inv));
    PetscCall(PetscPrintf(comm, "%5" PetscInt_FMT " %6" PetscInt_FMT " %14.2f %14.2f%s\n", fold + 1, e.n,
                          (double)Rms(e.inversion, e.n), (double)Rms(e.plane, e.n),
                          options->match && !summary.matched ? "  (misfit not matched)" : ""));
    all.inversion += e.inversion, all.plane += e.plane, all.n += e.n;
  }
  PetscCall(PetscPrintf(comm, "%5s %6" PetscInt_FMT " %14.2f %14.2f\n", "all", all.n, (double)Rms(all.inversion, all.n),
                        (double)Rms(all.plane, all.n)));
#if defined(AQUIFER_POSTERIOR)
  if (options->posterior) PetscCall(CoverageReport(comm, &coverage));
#endif
  PetscCall(PetscFree(part.well));
  PetscFunctionReturn(0);
}
