/*
  Complex steps: F_m dm = Im F(u, m + i h dm) / h + O(h^2) for an F that is real-analytic. Nothing is subtracted, so h may be
  as small as rounding and the product is exact to rounding. Everything but the step must be exactly real: what is imaginary
  in u or F already would be divided by h.
*/
#include "../private/diniparameterimpl.h"

#define DINI_REAL_RTOL 1e-10 /* of the state: what solvers that work in complex arithmetic leave of a real solution */

#if defined(PETSC_USE_COMPLEX)
static PetscErrorCode DiniImaginaryMax(Vec v, PetscReal *max)
{
  const PetscScalar *a;
  PetscInt           n;
  PetscReal          mine = 0.0;

  PetscFunctionBegin;
  PetscCall(VecGetLocalSize(v, &n));
  PetscCall(VecGetArrayRead(v, &a));
  for (PetscInt i = 0; i < n; i++) mine = PetscMax(mine, PetscAbsReal(PetscImaginaryPart(a[i])));
  PetscCall(VecRestoreArrayRead(v, &a));
  PetscCall(MPIU_Allreduce(&mine, max, 1, MPIU_REAL, MPIU_MAX, PetscObjectComm((PetscObject)v)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* par->ureal = Re u in a Vec of its own, which no solver writes to, and F there, which may be known */
static PetscErrorCode DiniRealState(Dini dini, DiniParameter par, Vec *F)
{
  PetscReal imaginary, size;

  PetscFunctionBegin;
  PetscCall(DiniImaginaryMax(dini->u, &imaginary));
  PetscCall(DiniNormMax_Private(dini->u, &size));
  PetscCheck(
      imaginary <= DINI_REAL_RTOL * size, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
      "Complex steps in parameter \"%s\" need a real problem, and the state has imaginary parts up to %g where its "
      "size is %g; take -dini_parameter_%s_difference central",
      par->name, (double)imaginary, (double)size, par->name);
  if (!par->ureal) PetscCall(VecDuplicate(dini->u, &par->ureal));
  PetscCall(VecCopy(dini->u, par->ureal));
  PetscCall(VecRealPart(par->ureal));
  *F = dini->w[0];
  if (imaginary == 0.0) PetscCall(DiniPointResidual_Private(dini, F));
  else PetscCall(DiniResidual_Private(dini, par->ureal, *F, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}
#endif

/* Is everything real but the step? One residual at most, whatever the number of columns. */
PetscErrorCode DiniComplexStepBase_Private(Dini dini, DiniParameter par)
{
  PetscFunctionBegin;
#if defined(PETSC_USE_COMPLEX)
  PetscReal imaginary;
  Vec       F;

  PetscCall(DiniImaginaryMax(par->copy, &imaginary));
  PetscCheck(imaginary == 0.0, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
             "Complex steps in parameter \"%s\" need real values of it, and they have imaginary parts up to %g; take "
             "-dini_parameter_%s_difference central",
             par->name, (double)imaginary, par->name);
  PetscCall(DiniRealState(dini, par, &F));
  PetscCall(DiniImaginaryMax(F, &imaginary));
  PetscCheck(
      imaginary == 0.0, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
      "Complex steps in parameter \"%s\" need a residual that is real where u and m are, and F(u, m) has imaginary "
      "parts up to %g: from a coefficient, another parameter, or a power or root of a negative number "
      "(PetscPowScalar() leaves rounding there; write products); take -dini_parameter_%s_difference central",
      par->name, (double)imaginary, par->name);
#else
  SETERRQ(PetscObjectComm((PetscObject)dini), PETSC_ERR_PLIB, "Complex steps in \"%s\" with real scalars", par->name);
#endif
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  dF = Im F(u, m + i factor h), for a real h. F_m is real, so that a complex direction takes two steps:
  F_m (a + i b) = F_m a + i F_m b. Work in w[0].
*/
PetscErrorCode DiniComplexStep_Private(Dini dini, DiniParameter par, PetscReal factor, Vec h, Vec dF, PetscReal *norm)
{
  PetscFunctionBegin;
#if defined(PETSC_USE_COMPLEX)
  PetscReal      imaginary;
  Vec            part;
  PetscErrorCode failed;

  PetscCall(DiniImaginaryMax(h, &imaginary));
  PetscCall(VecDuplicate(h, &part));
  PetscCall(VecCopy(h, part));
  PetscCall(VecRealPart(part));
  failed = DiniParameterShifted_Private(dini, par, par->ureal, factor * PETSC_i, part, dF, norm);
  if (!failed) failed = VecImaginaryPart(dF);
  if (!failed && imaginary > 0.0) {
    PetscCall(VecCopy(h, part));
    PetscCall(VecImaginaryPart(part));
    failed = DiniParameterShifted_Private(dini, par, par->ureal, factor * PETSC_i, part, dini->w[0], NULL);
    if (!failed) failed = VecImaginaryPart(dini->w[0]);
    if (!failed) failed = VecAXPY(dF, PETSC_i, dini->w[0]);
  }
  PetscCall(VecDestroy(&part));
  PetscCall(failed);
#else
  (void)factor;
  (void)dF;
  (void)h;
  (void)norm;
  SETERRQ(PetscObjectComm((PetscObject)dini), PETSC_ERR_PLIB, "Complex steps in \"%s\" with real scalars", par->name);
#endif
  PetscFunctionReturn(PETSC_SUCCESS);
}
