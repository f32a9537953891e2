/* Tangents of second order, forward over forward: differences of J a + F_m dm along a second tangent, no adjoint. */
#include "../private/diniimpl.h"

typedef struct {
  Vec a, dm; /* the first direction: du and dm */
} DiniFirst;

static PetscErrorCode DiniTangentProduct(Dini dini, Vec w[], void *ctx)
{
  const DiniFirst *first = (const DiniFirst *)ctx;

  PetscFunctionBegin;
  PetscCall(DiniBesideTangent_Private(dini, first->a, first->dm, w[0]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* error: relative, of differences. y = F_uu[a, b] + F_um[a, dm2] + F_mu[dm1, b] + F_mm[dm1, dm2], where a bound holds u zero */
PetscErrorCode DiniSecondTangent_Private(Dini dini, Vec a, Vec dm1, Vec b, Vec dm2, Vec y, PetscReal *error)
{
  DiniFirst            first = {.a = a, .dm = dm1};
  DiniSecondDifference d = {.evaluate = DiniTangentProduct, .ctx = &first, .matrices = PETSC_TRUE, .n = 1, .value = &y};
  PetscReal            norm, change;
  PetscBool            zero;

  PetscFunctionBegin;
  *error = 0.0;
  PetscCall(VecSet(y, 0.0));
  PetscCall(DiniNorm_Private(b, &norm));
  PetscCall(DiniNorm_Private(dm2, &change));
  if (norm == 0.0 && change == 0.0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniParameterApply_Private(dini, dm1, y, &zero)); /* J a + F_m dm1 is zero at the point */
  PetscCall(DiniNorm_Private(y, &d.terms));
  PetscCall(DiniSecondDifference_Private(dini, b, dm2, &d));
  PetscCall(DiniSecondServes_Private(dini, &d, "Set a step that serves with -dini_hessian_step"));
  *error = d.error;
  PetscCall(DiniFilterProject_Private(dini, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}
