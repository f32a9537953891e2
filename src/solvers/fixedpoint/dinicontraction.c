/*
  How fast does u <- G(u, m) contract? The spectral radius of G_u = I - J, from the Ritz values that GMRES leaves behind on J:
  Arnoldi finds the outermost eigenvalues first, complex pairs as well as real ones.
*/
#include "../../private/dinifixedpointimpl.h"
#include <petscksp.h>

#define DINI_ARNOLDI 30 /* products with G_u */

static PetscErrorCode DiniArnoldi_FixedPoint(Dini dini, KSP ksp, Mat J, Vec b, Vec x)
{
  PC             pc;
  PetscInt       n = PetscMin(DINI_ARNOLDI, dini->N), found;
  PetscReal      re[DINI_ARNOLDI], im[DINI_ARNOLDI], rate = 0.0;
  PetscErrorCode failed;
  PetscInt       locks;

  PetscFunctionBegin;
  PetscCall(KSPSetOperators(ksp, J, J));
  PetscCall(KSPSetType(ksp, KSPGMRES));
  PetscCall(KSPGMRESSetRestart(ksp, n));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCNONE));
  PetscCall(KSPSetTolerances(ksp, 100.0 * PETSC_MACHINE_EPSILON, 1e-300, PETSC_DEFAULT, n));
  PetscCall(KSPSetComputeEigenvalues(ksp, PETSC_TRUE));
  PetscCall(DiniRandomDirection_Private(dini, 7, dini->u, b));
  PetscCall(VecLockGet(b, &locks));
  failed = KSPSolve(ksp, b, x);
  PetscCall(DiniUnlock_Private(b, locks));
  PetscCall(failed);
  PetscCall(KSPComputeEigenvalues(ksp, n, re, im, &found));
  for (PetscInt i = 0; i < found; i++) {
    const PetscReal size = PetscSqrtReal((1.0 - re[i]) * (1.0 - re[i]) + im[i] * im[i]);

    rate = size > rate || PetscIsInfOrNanReal(size) ? size : rate;
  }
  if (found > 0 && !PetscIsInfOrNanReal(rate)) {
    dini->rate      = rate;
    dini->rateknown = PETSC_TRUE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniMeasureContraction_Private(Dini dini, Mat J)
{
  KSP            ksp;
  Vec            b, x;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(KSPCreate(PetscObjectComm((PetscObject)dini), &ksp));
  PetscCall(VecDuplicate(dini->u, &b));
  PetscCall(VecDuplicate(dini->u, &x));
  failed = DiniArnoldi_FixedPoint(dini, ksp, J, b, x);
  PetscCall(KSPDestroy(&ksp));
  PetscCall(VecDestroy(&b));
  PetscCall(VecDestroy(&x));
  PetscCall(failed);
  if (dini->rateknown)
    PetscCall(PetscInfo(dini, "Contraction rate of G: %g%s\n", (double)dini->rate,
                        dini->rate < 1.0 ? "" : ", so plain iteration diverges; Krylov methods do not mind"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Tells how fast the iteration u <- G(u, m) contracts near the solution: the spectral radius of G_u.
  @level{intermediate}

  Collective. After a solve by DINI_FIXEDPOINT_ITERATE it is the rate of that iteration, a geometric mean over its later
  half at least. Otherwise it is measured now, once for a point: the largest Ritz value of at most 30 Arnoldi steps, so 30
  products with G_u. It is exact up to rounding for states of at most 30 unknowns, and an estimate from below for normal G_u
  beyond that; where G_u is far from normal it tells what the first 30 iterations do, which may be worse than the spectral
  radius. Neighbouring adjoint iterations cost about log(rtol) / log(rate) products.

  @param[in]  dini the Dini, of type DINIFIXEDPOINT, after DiniSolve() or DiniAttach()
  @param[out] rate the rate, 1 or more where plain iteration diverges
  @return 0 or a PETSc error code; PETSC_ERR_SUP for other types

  @see DiniSetFixedPointMethod()
*/
PetscErrorCode DiniGetContractionRate(Dini dini, PetscReal *rate)
{
  Mat       J;
  PetscBool is;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(PetscObjectTypeCompare((PetscObject)dini, DINIFIXEDPOINT, &is));
  PetscCheck(is, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
             "A Dini of type \"%s\" has no contraction rate; type \"fixedpoint\" has one, DiniSetFixedPoint()",
             ((PetscObject)dini)->type_name ? ((PetscObject)dini)->type_name : "not set");
  PetscCall(DiniGetJacobian(dini, &J, NULL));
  if (!dini->rateknown) PetscCall(DiniMeasureContraction_Private(dini, J));
  PetscCheck(dini->rateknown, PetscObjectComm((PetscObject)dini), PETSC_ERR_FP,
             "The contraction rate can not be measured: the products with G_u give NaN or Inf");
  *rate = dini->rate;
  PetscFunctionReturn(PETSC_SUCCESS);
}
