/* Second derivatives of the objective, and of F paired with lambda: by callbacks, or by differences of first-order products. */
#include "../private/diniimpl.h"

#define DINI_SECOND_RTOL 1e-3 /* agreement that the guard asks of a callback */

#define DINI_SECOND_CURE                                                                                               \
  "Give them to DiniSetResidualHessian() and DiniSetObjectiveHessian(), or set a step that serves with "               \
  "-dini_hessian_step"

/* Derivatives of dJ/du and dJ/dm, and of J^H lambda and F_m^H lambda; negative: not wanted */
typedef struct {
  PetscInt             objective, residual; /* where in value */
  Vec                  value[DINI_SECOND_PARTS];
  Vec                  wu, wm; /* work */
  PetscBool            probe;  /* only sizes matter: whether the differences serve is not asked */
  DiniSecondDifference d;
} DiniDifferencing;

static PetscErrorCode DiniProducts(Dini dini, Vec w[], void *ctx)
{
  const DiniDifferencing *d = (const DiniDifferencing *)ctx;

  PetscFunctionBegin;
  if (d->objective >= 0)
    PetscCall(DiniObjectivePartials_Private(dini, dini->objective, w[d->objective], w[d->objective + 1]));
  if (d->residual >= 0)
    PetscCall(DiniBesideAdjoint_Private(dini, dini->hessian.lambda, w[d->residual], w[d->residual + 1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The callback's answer against the differences', which are spoilt; once an object */
static PetscErrorCode DiniGuardSecond(Dini dini, const char what[], const char cure[], Vec found,
                                      const DiniDifferencing *d, PetscInt k)
{
  const PetscReal noise      = PetscMax(10.0 * d->d.noise[k] * d->d.size[k] / d->d.h, 20.0 * d->d.rounding[k]);
  Vec             difference = d->value[k];
  PetscReal       a, b, error;

  PetscFunctionBegin;
  PetscCall(DiniNorm_Private(found, &a));
  PetscCall(DiniNorm_Private(difference, &b));
  PetscCall(VecAXPY(difference, -1.0, found));
  PetscCall(DiniNorm_Private(difference, &error));
  PetscCall(
      PetscInfo(dini, "%s: |callback| %g, |differences| %g, apart by %g\n", what, (double)a, (double)b, (double)error));
  PetscCheck(error <= DINI_SECOND_RTOL * PetscMax(a, b) + noise, PetscObjectComm((PetscObject)dini),
             PETSC_ERR_ARG_WRONG,
             "%s disagrees with differences of first-order products: |callback| = %g, |differences| = %g, apart by %g. "
             "Correct the callback (%s), or leave it out: differences are then taken; -dini_guard 0 switches this "
             "comparison off",
             what, (double)a, (double)b, (double)error, cure);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniObjectivePart(Dini dini, DiniDifferencing *d, Vec du, Vec dm, Vec hu, Vec hm)
{
  const char what[] = "The objective Hessian callback (DiniSetObjectiveHessian())", set[] = "DiniSetObjectiveHessian()";

  PetscFunctionBegin;
  PetscCall(VecSet(hu, 0.0));
  PetscCall(VecSet(hm, 0.0));
  if (!dini->hessian.objective) {
    PetscCall(VecAXPY(hu, 1.0, d->value[d->objective]));
    PetscCall(VecAXPY(hm, 1.0, d->value[d->objective + 1]));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  DiniCallUserReads(dini, dini->u, what,
                    (*dini->hessian.objective)(dini, dini->u, du, dm, hu, hm, dini->hessian.objectivectx));
  PetscCall(DiniCheckFinite_Private(dini, hu, what, NULL));
  PetscCall(DiniCheckFinite_Private(dini, hm, what, NULL));
  PetscCall(DiniParameterRealPart_Private(dini, hm));
  if (d->objective >= 0 && d->d.serves) {
    PetscCall(DiniGuardSecond(dini, "J_uu du + J_um dm", set, hu, d, d->objective));
    PetscCall(DiniGuardSecond(dini, "J_mu du + J_mm dm", set, hm, d, d->objective + 1));
    dini->hessian.objectiveguarded = PETSC_TRUE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* hu and hm less a fraction of the second derivatives of F */
static PetscErrorCode DiniResidualPart(Dini dini, DiniDifferencing *d, PetscReal fraction, Vec du, Vec dm, Vec hu,
                                       Vec hm)
{
  const char what[] = "The residual Hessian callback (DiniSetResidualHessian())", set[] = "DiniSetResidualHessian()";

  PetscFunctionBegin;
  if (!dini->hessian.residual) {
    PetscCall(VecAXPY(hu, -fraction, d->value[d->residual]));
    PetscCall(VecAXPY(hm, -fraction, d->value[d->residual + 1]));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(VecSet(d->wu, 0.0));
  PetscCall(VecSet(d->wm, 0.0));
  DiniCallUserReads(
      dini, dini->u, what,
      (*dini->hessian.residual)(dini, dini->u, dini->hessian.lambda, du, dm, d->wu, d->wm, dini->hessian.residualctx));
  PetscCall(DiniCheckFinite_Private(dini, d->wu, what, NULL));
  PetscCall(DiniCheckFinite_Private(dini, d->wm, what, NULL));
  PetscCall(DiniParameterRealPart_Private(dini, d->wm));
  PetscCall(VecAXPY(hu, -fraction, d->wu));
  PetscCall(VecAXPY(hm, -fraction, d->wm));
  if (d->residual >= 0 && d->d.serves) {
    PetscCall(DiniGuardSecond(dini, "(F_uu du + F_um dm)^H lambda", set, d->wu, d, d->residual));
    PetscCall(DiniGuardSecond(dini, "(F_mu du + F_mm dm)^H lambda", set, d->wm, d, d->residual + 1));
    dini->hessian.residualguarded = PETSC_TRUE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What parts by differences leave in hu and hm */
static PetscErrorCode DiniSecondError(Dini dini, const DiniDifferencing *d, PetscReal fraction, PetscReal error[2])
{
  const PetscInt  parts[2] = {dini->hessian.objective ? -1 : d->objective, dini->hessian.residual ? -1 : d->residual};
  const PetscReal share[2] = {1.0, PetscAbsReal(fraction)};

  PetscFunctionBegin;
  error[0] = error[1] = 0.0;
  for (int i = 0; i < 4; i++) {
    const PetscInt part = parts[i / 2] + i % 2;
    PetscReal      norm;

    if (parts[i / 2] < 0) continue;
    PetscCall(DiniNorm_Private(d->value[part], &norm));
    error[i % 2] += share[i / 2] * (d->d.error * norm + d->d.rounding[part]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniSecond(Dini dini, DiniDifferencing *d, PetscReal fraction, Vec du, Vec dm, Vec hu, Vec hm,
                                 PetscReal error[2])
{
  PetscFunctionBegin;
  if (d->d.n) {
    PetscCall(DiniSecondDifference_Private(dini, du, dm, &d->d));
    if (d->probe) PetscCall(PetscInfo(dini, "Two steps are apart by %g\n", (double)d->d.apart));
    else if (!dini->hessian.objective || (d->residual >= 0 && !dini->hessian.residual))
      PetscCall(DiniSecondServes_Private(dini, &d->d, DINI_SECOND_CURE));
    else if (!d->d.serves) PetscCall(PetscInfo(dini, "No difference serves to compare the Hessian callbacks with\n"));
  }
  PetscCall(DiniObjectivePart(dini, d, du, dm, hu, hm));
  if (fraction != 0.0) PetscCall(DiniResidualPart(dini, d, fraction, du, dm, hu, hm));
  PetscCall(DiniSecondError(dini, d, fraction, error));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Two parts more, in u and in m; which: where they are */
static PetscErrorCode DiniWant(DiniDifferencing *d, PetscInt *which)
{
  PetscFunctionBegin;
  *which = d->d.n;
  PetscCall(VecDuplicate(d->wu, &d->value[d->d.n++]));
  PetscCall(VecDuplicate(d->wm, &d->value[d->d.n++]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  hu = J_uu du + J_um dm - (F_uu du + F_um dm)^H lambda and hm = J_mu du + J_mm dm - (F_mu du + F_mm dm)^H lambda, and what
  differences leave in them
*/
static PetscErrorCode DiniSecondTerms(Dini dini, PetscBool probe, Vec du, Vec dm, Vec hu, Vec hm, PetscReal error[2])
{
  const DiniHessian *hessian  = &dini->hessian;
  DiniDifferencing   d        = {.objective = -1, .residual = -1, .probe = probe};
  PetscReal          fraction = hessian->type == DINI_HESSIAN_FULL           ? 1.0
                                : hessian->type == DINI_HESSIAN_GAUSS_NEWTON ? 0.0
                                                                             : hessian->blend;
  PetscReal          norm, change;
  PetscErrorCode     failed;
  Mat                J, P;

  PetscFunctionBegin;
  error[0] = error[1] = 0.0;
  PetscCall(DiniNorm_Private(du, &norm));
  PetscCall(DiniNorm_Private(dm, &change));
  if (norm == 0.0 && change == 0.0) { /* nothing that a guard could learn from */
    PetscCall(VecSet(hu, 0.0));
    PetscCall(VecSet(hm, 0.0));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(DiniFilterProject_Private(dini, hessian->lambda)); /* where a bound holds u, F says nothing */
  PetscCall(DiniNormMax_Private(hessian->lambda, &norm));
  if (norm == 0.0) fraction = 0.0;
  PetscCall(VecDuplicate(du, &d.wu));
  PetscCall(VecDuplicate(dm, &d.wm));
  if (!hessian->objective || (dini->guard && !hessian->objectiveguarded)) PetscCall(DiniWant(&d, &d.objective));
  PetscCall(DiniEngineGetJacobian_Private(dini->engine, &J,
                                          &P)); /* NULL where nothing but the application's own solves knows J */
  if (fraction != 0.0 && (!hessian->residual || (J && dini->guard && !hessian->residualguarded)))
    PetscCall(DiniWant(&d, &d.residual));
  d.d.evaluate = DiniProducts;
  d.d.ctx      = &d;
  d.d.value    = d.value;
  d.d.matrices = (PetscBool)(d.residual >= 0);
  failed       = DiniSecond(dini, &d, fraction, du, dm, hu, hm, error);
  PetscCall(VecDestroy(&d.wu));
  PetscCall(VecDestroy(&d.wm));
  for (PetscInt k = 0; k < d.d.n; k++) PetscCall(VecDestroy(&d.value[k]));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What errors of du and of lambda, of a part of the largest entry and everywhere, make of hu and hm; t: like u, u, u and m */
static PetscErrorCode DiniSecondShaken(Dini dini, PetscReal left, Vec du, Vec dm, Vec hu, Vec hm, const Vec t[4],
                                       PetscReal error[2])
{
  const Vec      lambda = dini->hessian.lambda;
  PetscReal      ignored[2], norm;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(DiniShake_Private(dini, 41, left, du, t[0]));
  PetscCall(DiniShake_Private(dini, 42, dini->hessian.left, lambda, t[1]));
  dini->hessian.lambda = t[1];
  failed               = DiniSecondTerms(dini, PETSC_TRUE, t[0], dm, t[2], t[3], ignored);
  dini->hessian.lambda = lambda;
  PetscCall(failed);
  PetscCall(VecAXPY(t[2], -1.0, hu));
  PetscCall(VecAXPY(t[3], -1.0, hm));
  for (int i = 0; i < 2; i++) {
    PetscCall(DiniNorm_Private(t[2 + i], &norm));
    error[i] += norm > ignored[i] ? norm : 0.0; /* else it is that of differences */
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  The same with the norms of what is wrong in hu and hm: by differences, and by what the solves for du (left, relative) and for
  lambda have left. An optimiser's loose products are not worth the second half.
*/
PetscErrorCode DiniSecond_Private(Dini dini, PetscReal left, Vec du, Vec dm, Vec hu, Vec hm, PetscReal error[2])
{
  PetscErrorCode failed;
  Vec            t[4];

  PetscFunctionBegin;
  PetscCall(DiniSecondTerms(dini, PETSC_FALSE, du, dm, hu, hm, error));
  if (PetscMax(left, dini->hessian.left) <= DINI_SHAKEN || dini->hessian.rtol > 0.0) PetscFunctionReturn(PETSC_SUCCESS);
  for (int i = 0; i < 3; i++) PetscCall(VecDuplicate(du, &t[i]));
  PetscCall(VecDuplicate(dm, &t[3]));
  failed = DiniSecondShaken(dini, left, du, dm, hu, hm, t, error);
  for (int i = 0; i < 4; i++) PetscCall(VecDestroy(&t[i]));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives the second derivatives of the objective, in both arguments at once.
  @level{intermediate}

  Logically Collective. Without them, the gradient callback of DiniSetObjective() is differenced, which is exact but for
  rounding where it is linear in u and m, as for quadratic objectives. The first answer of the callback is compared with such
  a difference, see DiniSetGuard().

  @param[in] dini the Dini
  @param[in] fn   adds J_uu du + J_um dm to hu, with the layout of the state, and J_mu du + J_mm dm to hm, a flat parameter
                  vector; both are zero on entry. For a least-squares objective these may be the Gauss-Newton parts of its
                  residuals, with -dini_guard 0. NULL for differences
  @param[in] ctx  context of fn, may be NULL
  @return 0 or a PETSc error code

  @see DiniSetResidualHessian(), DiniHVP()
*/
PetscErrorCode DiniSetObjectiveHessian(Dini dini, DiniObjectiveHessianFn *fn, void *ctx)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniSetObjectiveHessian()"));
  dini->hessian.objective        = fn;
  dini->hessian.objectivectx     = ctx;
  dini->hessian.objectiveguarded = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives the second derivatives of F paired with an adjoint state.
  @level{intermediate}

  Logically Collective. Without them J^H lambda and F_m^H lambda are differenced along (du, dm): two assemblies of J and of
  F_m a product, which need no factorisation. The first answer of the callback is compared with such a difference, see
  DiniSetGuard().

  @param[in] dini the Dini
  @param[in] fn   adds (F_uu du + F_um dm)^H lambda to hu, with the layout of the state, and (F_mu du + F_mm dm)^H lambda to
                  hm, a flat parameter vector; both are zero on entry. NULL for differences
  @param[in] ctx  context of fn, may be NULL
  @return 0 or a PETSc error code

  @see DiniSetObjectiveHessian(), DiniSetHessianStep(), DiniHVP()
*/
PetscErrorCode DiniSetResidualHessian(Dini dini, DiniResidualHessianFn *fn, void *ctx)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniSetResidualHessian()"));
  dini->hessian.residual        = fn;
  dini->hessian.residualctx     = ctx;
  dini->hessian.residualguarded = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}
