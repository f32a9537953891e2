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

/* The sum of DiniSecondTangent_Private(), and what differences leave in it; probe: whether they serve is not asked */
static PetscErrorCode DiniTangentTerms(Dini dini, PetscBool probe, const Vec t[4], Vec y, PetscReal *error)
{
  const Vec            a = t[0], b = t[1], dm1 = t[2], dm2 = t[3];
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
  if (!probe) PetscCall(DiniSecondServes_Private(dini, &d, "Set a step that serves with -dini_hessian_step"));
  PetscCall(DiniFilterProject_Private(dini, y));
  PetscCall(DiniNorm_Private(y, &norm));
  *error = d.error * norm + d.rounding[0];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What errors in a and b, of a part of the largest entry and everywhere, make of y; work: three vectors like u */
static PetscErrorCode DiniTangentShaken(Dini dini, PetscReal left, const Vec t[4], Vec y, const Vec work[3],
                                        PetscReal *error)
{
  const Vec shaken[4] = {work[0], work[1], t[2], t[3]};
  PetscReal ignored, norm;

  PetscFunctionBegin;
  PetscCall(DiniShake_Private(dini, 43, left, t[0], work[0]));
  PetscCall(DiniShake_Private(dini, 44, left, t[1], work[1]));
  PetscCall(DiniTangentTerms(dini, PETSC_TRUE, shaken, work[2], &ignored));
  PetscCall(VecAXPY(work[2], -1.0, y));
  PetscCall(DiniNorm_Private(work[2], &norm));
  if (norm > ignored) *error += norm; /* else it is that of differences */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  y = F_uu[a, b] + F_um[a, dm2] + F_mu[dm1, b] + F_mm[dm1, dm2], where a bound holds u zero, of t = (a, b, dm1, dm2). error:
  relative, of differences and of what the solves for a and b have left, relative
*/
PetscErrorCode DiniSecondTangent_Private(Dini dini, PetscReal left, const Vec t[4], Vec y, PetscReal *error)
{
  Vec            work[3];
  PetscReal      norm;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(DiniTangentTerms(dini, PETSC_FALSE, t, y, error));
  if (left > DINI_SHAKEN) {
    for (int i = 0; i < 3; i++) PetscCall(VecDuplicate(y, &work[i]));
    failed = DiniTangentShaken(dini, left, t, y, work, error);
    for (int i = 0; i < 3; i++) PetscCall(VecDestroy(&work[i]));
    PetscCall(failed);
  }
  PetscCall(DiniNorm_Private(y, &norm));
  *error = DiniShare_Private(*error, norm);
  PetscFunctionReturn(PETSC_SUCCESS);
}
