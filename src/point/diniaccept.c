/* Is a state a solution? */
#include "../private/diniimpl.h"

/*
  Is u a solution? |F| is compared with |J u|, the size of the terms that cancel in it, by one difference of F. Work in w.
*/
PetscErrorCode DiniAcceptState_Private(Dini dini, Vec u, PetscReal rtol, PetscReal *fnorm, PetscReal *scale,
                                       PetscBool *accepted)
{
  const PetscReal h = PETSC_SQRT_MACHINE_EPSILON;
  PetscReal       unorm;

  PetscFunctionBegin;
  PetscCall(DiniCheckFinite_Private(dini, u, "The state u", &unorm));
  PetscCall(DiniResidual_Private(dini, u, dini->w[0], NULL));
  PetscCall(DiniNorm_Private(dini->w[0], fnorm));
  *scale    = 0.0;
  *accepted = (PetscBool)(!dini->active && *fnorm <= dini->attachatol);
  if (!*accepted) {
    PetscCall(VecSet(dini->r, unorm > 0.0 ? 0.0 : h));
    PetscCall(VecAXPY(dini->r, 1.0 + h, u));
    PetscCall(DiniResidual_Private(dini, dini->r, dini->w[1], scale));
    if (PetscIsInfOrNanReal(*scale)) { /* outside the domain of F? then the other side is not */
      PetscCall(VecSet(dini->r, unorm > 0.0 ? 0.0 : -h));
      PetscCall(VecAXPY(dini->r, 1.0 - h, u));
      PetscCall(DiniResidual_Private(dini, dini->r, dini->w[1], NULL));
    }
    PetscCall(VecAXPY(dini->w[1], -1.0, dini->w[0]));
    PetscCall(DiniNorm_Private(dini->w[1], scale));
    *scale /= h;
    if (dini->active) {
      PetscCall(DiniFilterNatural_Private(dini, u, dini->w[0], unorm > 0.0 ? *scale / unorm : *scale));
      PetscCall(DiniNorm_Private(dini->w[0], fnorm));
    }
    /* what rounding in F can not tell from zero is zero */
    *accepted =
        (PetscBool)(*fnorm <= dini->attachatol || *fnorm <= PetscMax(rtol, 10.0 * PETSC_MACHINE_EPSILON) * *scale);
  }
  dini->fnorm = dini->stats.forward_residual = *fnorm;
  PetscFunctionReturn(PETSC_SUCCESS);
}
