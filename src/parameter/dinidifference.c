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
  failed = DiniParameterPushOne_Private(dini, par);
  if (!failed) failed = DiniActiveShifted_Private(dini, par);
  if (!failed) failed = DiniResidual_Private(dini, u, F, norm);
  PetscCall(VecCopy(par->copy, par->m));
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

/* h_j so that m_j + h_j is exact in floating point, where it is a real step */
PetscErrorCode DiniParameterSteps_Private(Dini dini, DiniParameter par, Vec h)
{
  const PetscReal    relative = DiniRelativeStep(par);
  PetscReal          largest;
  const PetscScalar *m;
  PetscScalar       *a;

  PetscFunctionBegin;
  (void)dini;
  PetscCall(DiniNormMax_Private(par->copy, &largest));
  PetscCall(VecGetArrayRead(par->copy, &m));
  PetscCall(VecGetArray(h, &a));
  for (PetscInt j = 0; j < par->n; j++) {
    const PetscReal    size    = largest > 0.0 ? PetscMax(PetscAbsScalar(m[j]), 0.1 * largest) : 1.0;
    const PetscReal    mj      = PetscRealPart(m[j]);
    volatile PetscReal shifted = mj + relative * size; /* volatile: extended precision must not hide the rounding */

    a[j] = par->difference == DINI_DIFFERENCE_COMPLEX ? relative * size : shifted - mj;
  }
  PetscCall(VecRestoreArray(h, &a));
  PetscCall(VecRestoreArrayRead(par->copy, &m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscBool DiniOneSided(DiniParameter par)
{
  return (PetscBool)(par->affine || par->difference == DINI_DIFFERENCE_FORWARD);
}

/* What all columns share: F(u, m) in w[0] for one-sided differences, a point that is real for complex steps */
PetscErrorCode DiniParameterBase_Private(Dini dini, DiniParameter par)
{
  PetscFunctionBegin;
  if (par->difference == DINI_DIFFERENCE_COMPLEX) PetscCall(DiniComplexStepBase_Private(dini, par));
  else if (DiniOneSided(par)) PetscCall(DiniResidual_Private(dini, dini->u, dini->w[0], NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  dF = F(u, m + h) - F(u, m - h), to be divided by 2 h, or F(u, m + h) - F(u, m), to be divided by h. Where F is affine the
  second is exact. Or dF = Im F(u, m + i h), to be divided by h.
*/
PetscErrorCode DiniParameterDifference_Private(Dini dini, DiniParameter par, Vec h, Vec dF, PetscReal *divisor)
{
  PetscFunctionBegin;
  *divisor = 1.0;
  if (par->difference == DINI_DIFFERENCE_COMPLEX) {
    PetscCall(DiniComplexStep_Private(dini, par, h, dF));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(DiniParameterShifted_Private(dini, par, dini->u, 1.0, h, dF, NULL));
  if (!DiniOneSided(par)) {
    PetscCall(DiniParameterShifted_Private(dini, par, dini->u, -1.0, h, dini->w[0], NULL));
    *divisor = 2.0;
  }
  PetscCall(VecAXPY(dF, -1.0, dini->w[0]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The tangent of a block too large for dense columns: one difference along the direction itself. */
static PetscErrorCode DiniDirectionalMult(Mat Fm, Vec x, Vec y)
{
  DiniParameter  par;
  Dini           dini;
  PetscReal      xnorm, mnorm, h, divisor;
  Vec            hx;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(DiniShellContext_Private(Fm, &par));
  dini = par->dini;
  PetscCall(DiniNormMax_Private(x, &xnorm));
  PetscCall(DiniNormMax_Private(par->copy, &mnorm));
  PetscCall(VecSet(y, 0.0));
  if (xnorm == 0.0) PetscFunctionReturn(PETSC_SUCCESS);
  h = DiniRelativeStep(par) * (mnorm > 0.0 ? mnorm : 1.0) / xnorm;
  PetscCall(DiniParameterBase_Private(dini, par));
  PetscCall(VecDuplicate(x, &hx));
  PetscCall(VecAXPBY(hx, h, 0.0, x));
  failed = DiniParameterDifference_Private(dini, par, hx, dini->w[1], &divisor);
  PetscCall(VecDestroy(&hx));
  PetscCall(failed);
  PetscCall(DiniHome_Private(dini));
  PetscCall(VecAXPY(y, 1.0 / (divisor * h), dini->w[1]));
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

/* Column j of F_m: hj is the vector with step h_j in entry j, all others zero */
static PetscErrorCode DiniFillColumn(Dini dini, DiniParameter par, Mat Fm, PetscInt j, Vec h, Vec hj)
{
  PetscInt           first;
  PetscReal          divisor, step = 0.0;
  const PetscScalar *steps;
  PetscScalar       *a;
  Vec                column;

  PetscFunctionBegin;
  PetscCall(VecGetOwnershipRange(h, &first, NULL));
  PetscCall(VecSet(hj, 0.0));
  if (j >= first && j < first + par->n) {
    PetscCall(VecGetArrayRead(h, &steps));
    step = PetscRealPart(steps[j - first]);
    PetscCall(VecRestoreArrayRead(h, &steps));
    PetscCall(VecGetArray(hj, &a));
    a[j - first] = step;
    PetscCall(VecRestoreArray(hj, &a));
  }
  PetscCall(PetscObjectStateIncrease((PetscObject)hj)); /* on all ranks */
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &step, 1, MPIU_REAL, MPIU_SUM, PetscObjectComm((PetscObject)dini)));
  PetscCall(DiniParameterDifference_Private(dini, par, hj, dini->w[1], &divisor));
  PetscCall(MatDenseGetColumnVecWrite(Fm, j, &column));
  PetscCall(DiniCopy_Private(dini->w[1], column));
  PetscCall(VecScale(column, 1.0 / (divisor * step)));
  PetscCall(MatDenseRestoreColumnVecWrite(Fm, j, &column));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniParameterFill_FD(Dini dini, DiniParameter par, Mat Fm)
{
  Vec            h, hj;
  PetscBool      dense;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompareAny((PetscObject)Fm, &dense, MATSEQDENSE, MATMPIDENSE, ""));
  if (!dense) PetscFunctionReturn(PETSC_SUCCESS); /* by directions */
  PetscCall(DiniParameterBase_Private(dini, par));
  PetscCall(VecDuplicate(par->m, &h));
  PetscCall(VecDuplicate(par->m, &hj));
  failed = DiniParameterSteps_Private(dini, par, h);
  for (PetscInt j = 0; j < par->N && !failed; j++) failed = DiniFillColumn(dini, par, Fm, j, h, hj);
  PetscCall(VecDestroy(&h));
  PetscCall(VecDestroy(&hj));
  PetscCall(failed);
  PetscCall(MatAssemblyBegin(Fm, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(Fm, MAT_FINAL_ASSEMBLY));
  dini->stats.parameter_assemblies++;
  PetscFunctionReturn(PETSC_SUCCESS);
}
