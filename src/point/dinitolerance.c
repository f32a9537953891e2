/* Which option says how tightly the forward solve works: for verdicts that a tighter one would change. */
#include "../private/diniimpl.h"

#define DINI_PROMISE_LEAST 1e-9 /* rounding and the condition of J may leave no more of a tighter tolerance */

#define DINI_NULL_RTOL 1e-6 /* |A^H w| / (|A| |w|) of a left null vector, as far as a Krylov method brings it out */

/* "-ksp_rtol", the value in force, and the norm that a KSP tests; *option is empty where the application solves itself. */
PetscErrorCode DiniForwardTolerance_Private(Dini dini, char option[], size_t size, PetscReal *rtol, const char **norm)
{
  SNES        snes   = NULL;
  KSP         ksp    = NULL;
  const char *prefix = NULL;
  KSPNormType type;

  PetscFunctionBegin;
  option[0] = 0;
  *rtol     = 0.0;
  *norm     = NULL;
  if (!dini->solve && dini->ops->forwardsolver) PetscUseTypeMethod(dini, forwardsolver, &ksp, &snes);
  if (ksp) {
    PetscCall(KSPGetOptionsPrefix(ksp, &prefix));
    PetscCall(KSPGetTolerances(ksp, rtol, NULL, NULL, NULL));
    PetscCall(KSPGetNormType(ksp, &type));
    *norm = KSPNormTypes[type];
  } else if (snes) {
    PetscCall(SNESGetOptionsPrefix(snes, &prefix));
    PetscCall(SNESGetTolerances(snes, NULL, rtol, NULL, NULL, NULL));
  } else PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscSNPrintf(option, size, "-%s%s_rtol", prefix ? prefix : "", ksp ? "ksp" : "snes"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  What |F| of a field may be, of the terms that it is made of, after a solve with this tolerance: a hundred times that, since
  a solve may start from a residual that is larger than its terms; and a thousand for a KSP, whose norm may be another one.
  Where another test than a relative one of |F| has passed, or none, the tolerance of attached states holds.
*/
PetscErrorCode DiniForwardPromise_Private(Dini dini)
{
  SNES                snes = NULL;
  KSP                 ksp  = NULL;
  SNESConvergedReason stopped;
  PetscReal           rtol, promise = dini->attachrtol;
  PetscBool           ew = PETSC_FALSE; /* Eisenstat and Walker's tolerance is nobody's */

  PetscFunctionBegin;
  if (!dini->solve && dini->ops->forwardsolver) PetscUseTypeMethod(dini, forwardsolver, &ksp, &snes);
  if (snes) PetscCall(SNESKSPGetUseEW(snes, &ew));
  if (ksp && !ew) {
    PetscCall(KSPGetTolerances(ksp, &rtol, NULL, NULL, NULL));
    promise = 1000.0 * rtol;
  } else if (snes && !ksp) {
    PetscCall(SNESGetTolerances(snes, NULL, &rtol, NULL, NULL, NULL));
    PetscCall(SNESGetConvergedReason(snes, &stopped));
    if (stopped == SNES_CONVERGED_FNORM_RELATIVE) promise = 100.0 * rtol;
    if (stopped == SNES_CONVERGED_FNORM_ABS) promise = PETSC_MAX_REAL; /* in so many words */
  }
  if (promise < PETSC_MAX_REAL) promise = PetscMin(0.1, PetscMax(promise, DINI_PROMISE_LEAST));
  if (dini->attachrtol > DINI_ATTACH_RTOL) promise = PetscMax(promise, dini->attachrtol); /* the user's */
  dini->promise = promise;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  A residual r = A u - b that no u makes smaller is a left null vector of A: one product with A^H tells, held against that of a
  random vector. Says so in dini->cause.
*/
PetscErrorCode DiniForwardSingular_Private(Dini dini, Mat A, Vec r)
{
  PetscReal rnorm, norm, vnorm, size;
  PetscBool has;
  Vec       v, w;

  PetscFunctionBegin;
  PetscCall(DiniHasAdjoint_Private(A, &has));
  if (!has) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecDuplicate(r, &v));
  PetscCall(VecDuplicate(r, &w));
  PetscCall(MatMultHermitianTranspose(A, r, w));
  PetscCall(DiniNorm_Private(w, &norm));
  PetscCall(DiniNorm_Private(r, &rnorm));
  PetscCall(VecSet(v, 0.0));
  PetscCall(DiniRandomDirection_Private(dini, 33, v, v));
  PetscCall(DiniNorm_Private(v, &vnorm));
  PetscCall(MatMultHermitianTranspose(A, v, w));
  PetscCall(DiniNorm_Private(w, &size));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&w));
  if (norm * vnorm <= DINI_NULL_RTOL * rnorm * size)
    PetscCall(PetscSNPrintf(dini->cause, sizeof(dini->cause),
                            "A is singular, and b has a part outside its range, which no u can reach: what is left of "
                            "it, w = A u - b, is a left null vector, |A^H w| = %.1e |A| |w|",
                            (double)(norm * vnorm / (rnorm * size))));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The forward solver has stopped where |F| is no solution's: cause first, then cure. */
PetscErrorCode DiniForwardRefused_Private(Dini dini, const char why[], PetscInt its)
{
  const PetscReal fnorm = dini->fnorm;
  char            option[256];
  const char     *norm, *prefix = ((PetscObject)dini)->prefix ? ((PetscObject)dini)->prefix : "";
  PetscReal       rtol;

  PetscFunctionBegin;
  PetscCheck(
      !dini->cause[0], PetscObjectComm((PetscObject)dini), PETSC_ERR_NOT_CONVERGED,
      "%s: |F(u, m)| = %g is too large for a solution: %s. Take that part out of b; where u is determined up to a "
      "null space, say so with MatSetNullSpace() and MatSetTransposeNullSpace() on A",
      DiniLabel_Private(dini), (double)fnorm, dini->cause);
  PetscCall(DiniForwardTolerance_Private(dini, option, sizeof(option), &rtol, &norm));
  PetscCheck(!norm, PetscObjectComm((PetscObject)dini), PETSC_ERR_NOT_CONVERGED,
             "%s: |F(u, m)| = %g is too large for a solution. The KSP stopped after %" PetscInt_FMT
             " iterations with %s; it tests the %s norm. Lower %s (now %g), let it test |F| itself with -ksp_norm_type "
             "unpreconditioned, or accept this state with -%sdini_attach_rtol",
             DiniLabel_Private(dini), (double)fnorm, its, why, norm, option, (double)rtol, prefix);
  PetscCheck(!option[0], PetscObjectComm((PetscObject)dini), PETSC_ERR_NOT_CONVERGED,
             "%s: |F(u, m)| = %g is too large for a solution. The SNES stopped after %" PetscInt_FMT
             " iterations with %s, which is no test of |F|, or not of this one. Lower %s (now %g) and switch its other "
             "tests off (-snes_stol 0), or accept this state with -%sdini_attach_rtol",
             DiniLabel_Private(dini), (double)fnorm, its, why, option, (double)rtol, prefix);
  SETERRQ(PetscObjectComm((PetscObject)dini), PETSC_ERR_NOT_CONVERGED,
          "%s: |F(u, m)| = %g is too large for a solution. The forward solve stopped after %" PetscInt_FMT
          " iterations with %s. Solve more tightly, or accept this state with -%sdini_attach_rtol",
          DiniLabel_Private(dini), (double)fnorm, its, why, prefix);
}
