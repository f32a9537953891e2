/* Differences of F in the parameters: the step rule, the residual beside the point, products. */
#include "../private/diniparameterimpl.h"

/*
  F(u, m + h direction) in F, with the values of m put back whatever happens. A caller that takes the norm copes with NaN.
  The shifted values are made in the application's own Vec, since its residual may read that.
*/
PetscErrorCode DiniParameterShifted_Private(Dini dini, DiniParameter par, Vec u, PetscScalar h, Vec direction, Vec F,
                                            PetscReal *norm)
{
  const PetscInt64 stamp = dini->mstamp;
  PetscErrorCode   failed;
  PetscInt         locked;

  PetscFunctionBegin;
  PetscCall(VecLockGet(par->m, &locked));
  PetscCheck(!locked, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONGSTATE,
             "%s: The Vec of parameter \"%s\" is locked by the application, so no difference of F can be taken in it",
             DiniLabel_Private(dini), par->name);
  PetscCall(VecWAXPY(par->m, h, direction, par->copy));
  PetscCall(DiniGhosts_Private(par->m));
  failed = DiniParameterPushOne_Private(dini, par);
  if (!failed) failed = DiniFilterShifted_Private(dini, par);
  if (!failed) failed = DiniResidual_Private(dini, u, F, norm);
  PetscCall(VecCopy(par->copy, par->m));
  PetscCall(DiniGhosts_Private(par->m));
  PetscCall(PetscObjectStateGet((PetscObject)par->m, &par->state));
  if (failed) (void)DiniParameterPushOne_Private(dini, par); /* the first error is the one to report */
  else failed = DiniParameterPushOne_Private(dini, par);
  PetscCall(failed);
  dini->mstamp = stamp; /* the values are those of the stamp again */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The relative step, see DiniSetParameterDifference() for the rule */
static PetscReal DiniRelativeStep(DiniParameter par)
{
  const PetscReal eps = PETSC_MACHINE_EPSILON;

  if (par->step > 0.0) return par->step;
  if (par->difference == DINI_DIFFERENCE_COMPLEX) return eps; /* nothing is subtracted: the smaller the better */
  if (par->affine) return 1.0;
  return par->difference == DINI_DIFFERENCE_CENTRAL ? PetscPowReal(eps, 1.0 / 3.0) : PetscSqrtReal(eps);
}

static PetscErrorCode DiniBlockShifted(Dini dini, void *ctx, PetscReal factor, Vec direction, Vec F, PetscReal *norm)
{
  DiniParameter par = (DiniParameter)ctx;

  PetscFunctionBegin;
  if (par->difference == DINI_DIFFERENCE_COMPLEX)
    PetscCall(DiniComplexStep_Private(dini, par, factor, direction, F, norm));
  else PetscCall(DiniParameterShifted_Private(dini, par, dini->u, factor, direction, F, norm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* How F is differenced in this block. Where it is affine one difference is exact; complex steps have nothing to subtract. */
PetscErrorCode DiniParameterScheme_Private(Dini dini, DiniParameter par, DiniScheme *scheme)
{
  const PetscBool complexstep = (PetscBool)(par->difference == DINI_DIFFERENCE_COMPLEX);
  const PetscBool central     = (PetscBool)(par->difference == DINI_DIFFERENCE_CENTRAL && !par->affine);

  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(par->what, sizeof(par->what), "parameter \"%s\"", par->name));
  PetscCall(PetscSNPrintf(par->cure, sizeof(par->cure),
                          "give F_m to DiniSetParameterJacobian(), or another step with -dini_parameter_%s_step",
                          par->name));
  scheme->what    = par->what;
  scheme->cure    = par->cure;
  scheme->shifted = DiniBlockShifted;
  scheme->ctx     = par;
  scheme->formula = central ? DINI_FORMULA_CENTRAL : DINI_FORMULA_FORWARD;
  scheme->step    = DiniRelativeStep(par);
  scheme->nought  = 0.0;
  scheme->judged  = (PetscBool)(central && !dini->beside && par->step == 0.0);
  scheme->probed  = (PetscBool)(!complexstep && !par->affine && !dini->beside);
  scheme->sized   = scheme->probed;
  scheme->error = scheme->missed = scheme->lost = 0.0;
  scheme->base = scheme->rows = NULL;
  if (complexstep) PetscCall(DiniComplexStepBase_Private(dini, par));
  else if (!central || scheme->judged) PetscCall(DiniPointResidual_Private(dini, &scheme->base));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* After a fill: what it is good to, and a refusal of what nobody could use */
PetscErrorCode DiniParameterSmooth_Private(Dini dini, DiniParameter par, const DiniScheme *scheme)
{
  PetscFunctionBegin;
  if (dini->beside) PetscFunctionReturn(PETSC_SUCCESS); /* the errors are those of the point */
  par->error = PetscMax(scheme->error, scheme->missed);
  par->lost  = scheme->lost;
  if (!dini->guard || !scheme->judged) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(!(scheme->error > DINI_ROUGH) || scheme->worst.search == (PetscReal)DINI_SEARCH_NONE ||
                 scheme->worst.search == (PetscReal)DINI_SEARCH_FAR,
             PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
             "%s: F_m of parameter \"%s\" (type \"%s\") is not dF/dm: differences by steps about %g in its entry "
             "%" PetscInt_FMT
             ", whose value is %g, disagree by a relative %g. F is not smooth here, or noisy, as with an "
             "inner iteration. Give F_m to DiniSetParameterJacobian(), or another step with -dini_parameter_%s_step",
             DiniLabel_Private(dini), par->name, par->kind->name, (double)PetscAbsReal(scheme->worst.h),
             scheme->worst.entry, (double)scheme->worst.value, (double)scheme->error, par->name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A direction in which each entry moves by as much as its step, in units of eps^(1/3): F has been seen to be smooth there */
PetscErrorCode DiniParameterSteps_Private(DiniParameter par, Vec dm)
{
  const PetscReal unit = PetscPowReal(PETSC_MACHINE_EPSILON, 1.0 / 3.0);
  PetscScalar    *a;
  PetscInt        first;

  PetscFunctionBegin;
  if (par->affine || par->difference != DINI_DIFFERENCE_CENTRAL || !(par->coloring || par->columns))
    PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecGetOwnershipRange(dm, &first, NULL));
  PetscCall(VecGetArray(dm, &a));
  for (PetscInt j = 0; j < par->n; j++) {
    const DiniColumn *c    = par->coloring ? DiniColoringColumn_Private(par->coloring, j) : &par->columns[first + j];
    const PetscReal   size = PetscAbsScalar(a[j]);

    if (!c->kept || !(size > 0.0)) continue;
    a[j] *= PetscAbsReal(c->used) / (unit * size);
    if (c->usedformula == DINI_FORMULA_ONESIDED) a[j] = c->used / unit;
  }
  PetscCall(VecRestoreArray(dm, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What rounding of the rows leaves of y, a difference along a direction, in each field */
static PetscErrorCode DiniDirectionLost(Dini dini, const DiniScheme *scheme, const DiniColumn *c, Vec y,
                                        PetscReal *lost)
{
  const PetscReal    size = PetscAbsReal(c->first) / scheme->step;
  const PetscScalar *rows, *a;
  unsigned char     *field;
  PetscReal         *sums;
  PetscInt           n;

  PetscFunctionBegin;
  *lost = 0.0;
  if (!scheme->probed || !scheme->rows || c->failed) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniEngineSaidFields_Private(dini->engine, PETSC_FALSE, &n, &field));
  PetscCall(PetscCalloc1(3 * n, &sums));
  PetscCall(VecGetArrayRead(scheme->rows, &rows));
  PetscCall(VecGetArrayRead(y, &a));
  for (PetscInt i = 0; i < dini->n; i++) {
    const PetscReal row = PetscRealPart(rows[i]);
    DiniEntry       e;

    DiniEntryStart_Private(row, c->used, &e);
    DiniLostAdd_Private(&sums[3 * (size_t)field[i]], PetscAbsScalar(a[i]), e.error, row, size);
  }
  PetscCall(VecRestoreArrayRead(y, &a));
  PetscCall(VecRestoreArrayRead(scheme->rows, &rows));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, sums, (PetscMPIInt)(3 * n), MPIU_REAL, MPIU_SUM,
                           PetscObjectComm((PetscObject)dini)));
  for (PetscInt f = 0; f < n; f++) *lost = PetscMax(*lost, DiniLost_Private(&sums[3 * (size_t)f]));
  PetscCall(PetscFree(sums));
  PetscCall(PetscFree(field));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The tangent of a block too large for dense columns: one difference along the direction itself. */
static PetscErrorCode DiniDirectionalMult(Mat Fm, Vec x, Vec y)
{
  DiniParameter par;
  Dini          dini;
  PetscReal     relative, own, lost;
  DiniScheme    scheme;
  DiniColumn    column;

  PetscFunctionBegin;
  PetscCall(DiniShellContext_Private(Fm, &par));
  dini = par->dini;
  PetscCall(DiniRelativeSize_Private(x, par->copy, 0.0, PETSC_MAX_REAL, &relative, &own));
  PetscCall(VecSet(y, 0.0));
  if (relative == 0.0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniParameterScheme_Private(dini, par, &scheme));
  PetscCall(DiniSchemeRows_Private(dini, &scheme));
  DiniColumnStart_Private(&scheme, scheme.step / relative, own > 0.0 ? 1.0 / own : 0.0, &column);
  column.entry = PETSC_FALSE;
  PetscCall(DiniDifferenceAlong_Private(dini, &scheme, x, &column, y));
  if (scheme.judged && !column.failed && column.usedformula == DINI_FORMULA_CENTRAL) {
    DiniColumnSuspect_Private(&column);
    PetscCall(DiniRefineAlong_Private(dini, &scheme, scheme.rows, x, &column, y));
    par->error = PetscMax(par->error, column.error);
  }
  PetscCall(DiniDirectionLost(dini, &scheme, &column, y, &lost));
  par->lost = PetscMax(par->lost, lost);
  PetscCall(DiniHome_Private(dini));
  if (column.failed) PetscCall(DiniColumnFailed_Private(dini, &scheme, -1, 0.0, column.h));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniParameterCreate_FD(Dini dini, DiniParameter par, Mat *Fm)
{
  MPI_Comm comm = PetscObjectComm((PetscObject)dini);

  PetscFunctionBegin;
  if (par->N <= par->maxcolumns) {
    PetscCall(MatCreateDense(comm, dini->n, par->n, dini->N, par->N, NULL, Fm));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscInfo(dini,
                      "Parameter \"%s\" has %" PetscInt_FMT " entries, too many for dense columns: tangents only\n",
                      par->name, par->N));
  PetscCall(MatCreateShell(comm, dini->n, par->n, dini->N, par->N, par, Fm));
  PetscCall(MatShellSetOperation(*Fm, MATOP_MULT, (void (*)(void))DiniDirectionalMult));
  PetscFunctionReturn(PETSC_SUCCESS);
}
