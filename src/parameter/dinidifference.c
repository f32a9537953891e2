/* Differences of F in the parameters: the step rule, the residual beside the point, dense columns. */
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
  if (!failed) failed = DiniActiveShifted_Private(dini, par);
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
  scheme->base = scheme->rows = NULL;
  if (complexstep) PetscCall(DiniComplexStepBase_Private(dini, par));
  else if (!central || scheme->judged) PetscCall(DiniPointResidual_Private(dini, &scheme->base));
  if (scheme->judged) PetscCall(DiniRowSizes_Private(dini, &scheme->rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The tangent of a block too large for dense columns: one difference along the direction itself. */
static PetscErrorCode DiniDirectionalMult(Mat Fm, Vec x, Vec y)
{
  DiniParameter par;
  Dini          dini;
  PetscReal     relative, own;
  DiniScheme    scheme;
  DiniColumn    column;

  PetscFunctionBegin;
  PetscCall(DiniShellContext_Private(Fm, &par));
  dini = par->dini;
  PetscCall(DiniRelativeSize_Private(x, par->copy, 0.0, PETSC_MAX_REAL, &relative, &own));
  PetscCall(VecSet(y, 0.0));
  if (relative == 0.0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniParameterScheme_Private(dini, par, &scheme));
  DiniColumnStart_Private(&scheme, scheme.step / relative, own > 0.0 ? 1.0 / own : 0.0, &column);
  PetscCall(DiniDifferenceAlong_Private(dini, &scheme, x, &column, y));
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

/* The first step of column j, on all ranks; e becomes its unit vector */
static PetscErrorCode DiniStartColumn(Dini dini, DiniParameter par, const DiniScheme *scheme, const PetscReal sizes[],
                                      PetscInt j, Vec e)
{
  PetscInt           first;
  PetscReal          told[2] = {0.0, 0.0};
  DiniColumn        *c       = &par->columns[j];
  const PetscScalar *m;
  PetscScalar       *a;

  PetscFunctionBegin;
  PetscCall(VecGetOwnershipRange(e, &first, NULL));
  PetscCall(VecSet(e, 0.0));
  if (j >= first && j < first + par->n) {
    PetscCall(VecGetArrayRead(par->copy, &m));
    told[0] = DiniExactStep_Private(m[j - first], scheme->step * sizes[j - first]);
    told[1] = PetscAbsScalar(m[j - first]);
    PetscCall(VecRestoreArrayRead(par->copy, &m));
    PetscCall(VecGetArray(e, &a)); /* VecSetValue() is not for nests */
    a[j - first] = 1.0;
    PetscCall(VecRestoreArray(e, &a));
  }
  PetscCall(PetscObjectStateIncrease((PetscObject)e)); /* on all ranks */
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, told, 2, MPIU_REAL, MPIU_SUM, PetscObjectComm((PetscObject)dini)));
  if (dini->beside && par->columnspoint == dini->point) {
    const signed char formula = c->usedformula;

    DiniColumnStart_Private(scheme, c->used, told[1], c); /* as the point has found it */
    c->formula = formula;
  } else DiniColumnStart_Private(scheme, told[0], told[1], c);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniFillColumns(Dini dini, DiniParameter par, Mat Fm, const PetscReal sizes[], Vec e)
{
  DiniScheme scheme;

  PetscFunctionBegin;
  PetscCall(DiniParameterScheme_Private(dini, par, &scheme));
  for (PetscInt j = 0; j < par->N; j++) {
    DiniColumn    *c = &par->columns[j];
    Vec            column;
    PetscErrorCode failed;

    PetscCall(DiniStartColumn(dini, par, &scheme, sizes, j, e));
    PetscCall(MatDenseGetColumnVecWrite(Fm, j, &column));
    failed = DiniDifferenceAlong_Private(dini, &scheme, e, c, column);
    PetscCall(MatDenseRestoreColumnVecWrite(Fm, j, &column));
    PetscCall(failed);
    if (c->failed) PetscCall(DiniColumnFailed_Private(dini, &scheme, j, c->own, c->h));
  }
  par->columnspoint = dini->point;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniParameterFill_FD(Dini dini, DiniParameter par, Mat Fm)
{
  Vec            e;
  PetscReal     *sizes;
  PetscBool      dense;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompareAny((PetscObject)Fm, &dense, MATSEQDENSE, MATMPIDENSE, ""));
  if (!dense) PetscFunctionReturn(PETSC_SUCCESS); /* by directions */
  if (!par->columns) PetscCall(PetscCalloc1(par->N, &par->columns));
  PetscCall(PetscMalloc1(par->n, &sizes));
  PetscCall(VecDuplicate(par->m, &e));
  failed = DiniSizes_Private(par->copy, 0.0, sizes);
  if (!failed) failed = DiniFillColumns(dini, par, Fm, sizes, e);
  PetscCall(VecDestroy(&e));
  PetscCall(PetscFree(sizes));
  PetscCall(failed);
  PetscCall(MatAssemblyBegin(Fm, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(Fm, MAT_FINAL_ASSEMBLY));
  dini->stats.parameter_assemblies++;
  PetscFunctionReturn(PETSC_SUCCESS);
}
