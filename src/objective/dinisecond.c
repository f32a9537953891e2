/* Second derivatives of the objective, and of F paired with lambda: by callbacks, or by differences of first-order products. */
#include "../private/diniimpl.h"

#define DINI_SECOND_RTOL 1e-3 /* agreement that the guard asks of a callback */

/* Sums over both sides of the point, over 2 h; Vecs that are NULL are not wanted */
typedef struct {
  PetscReal h;
  Vec       ju, jm;     /* of dJ/du and dJ/dm */
  Vec       fu, fm;     /* of J^H lambda and F_m^H lambda */
  Vec       wu, wm;     /* work */
  PetscReal size[2][2]; /* of what is differenced, for the rounding in it: objective and residual, in u and in m */
} DiniDifferencing;

static PetscErrorCode DiniAccumulate(DiniDifferencing *d, PetscReal sign, Vec sumu, Vec summ, PetscReal size[2])
{
  PetscFunctionBegin;
  PetscCall(DiniNorm_Private(d->wu, &size[0]));
  PetscCall(DiniNorm_Private(d->wm, &size[1]));
  PetscCall(VecAXPY(sumu, 0.5 * sign / d->h, d->wu));
  PetscCall(VecAXPY(summ, 0.5 * sign / d->h, d->wm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniVisit(Dini dini, PetscReal sign, void *ctx)
{
  DiniDifferencing *d = (DiniDifferencing *)ctx;

  PetscFunctionBegin;
  if (d->ju) {
    PetscCall(DiniObjectivePartials_Private(dini, dini->objective, d->wu, d->wm));
    PetscCall(DiniAccumulate(d, sign, d->ju, d->jm, d->size[0]));
  }
  if (d->fu) {
    PetscCall(DiniBesideAdjoint_Private(dini, dini->hessian.lambda, d->wu, d->wm));
    PetscCall(DiniAccumulate(d, sign, d->fu, d->fm, d->size[1]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The callback's answer against the differences'; once an object */
static PetscErrorCode DiniGuardSecond(Dini dini, const char what[], const char cure[], Vec found, Vec difference,
                                      PetscReal size, PetscReal h)
{
  PetscReal a, b, error, noise = 100.0 * PETSC_MACHINE_EPSILON * size / h;

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
    PetscCall(VecAXPY(hu, 1.0, d->ju));
    PetscCall(VecAXPY(hm, 1.0, d->jm));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  DiniCallUserReads(dini, dini->u, what,
                    (*dini->hessian.objective)(dini, dini->u, du, dm, hu, hm, dini->hessian.objectivectx));
  PetscCall(DiniCheckFinite_Private(dini, hu, what, NULL));
  PetscCall(DiniCheckFinite_Private(dini, hm, what, NULL));
  if (d->ju) {
    PetscCall(DiniGuardSecond(dini, "J_uu du + J_um dm", set, hu, d->ju, d->size[0][0], d->h));
    PetscCall(DiniGuardSecond(dini, "J_mu du + J_mm dm", set, hm, d->jm, d->size[0][1], d->h));
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
    PetscCall(VecAXPY(hu, -fraction, d->fu));
    PetscCall(VecAXPY(hm, -fraction, d->fm));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(VecSet(d->wu, 0.0));
  PetscCall(VecSet(d->wm, 0.0));
  DiniCallUserReads(
      dini, dini->u, what,
      (*dini->hessian.residual)(dini, dini->u, dini->hessian.lambda, du, dm, d->wu, d->wm, dini->hessian.residualctx));
  PetscCall(DiniCheckFinite_Private(dini, d->wu, what, NULL));
  PetscCall(DiniCheckFinite_Private(dini, d->wm, what, NULL));
  PetscCall(VecAXPY(hu, -fraction, d->wu));
  PetscCall(VecAXPY(hm, -fraction, d->wm));
  if (d->fu) {
    PetscCall(DiniGuardSecond(dini, "(F_uu du + F_um dm)^H lambda", set, d->wu, d->fu, d->size[1][0], d->h));
    PetscCall(DiniGuardSecond(dini, "(F_mu du + F_mm dm)^H lambda", set, d->wm, d->fm, d->size[1][1], d->h));
    dini->hessian.residualguarded = PETSC_TRUE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniSecond(Dini dini, DiniDifferencing *d, PetscReal fraction, Vec du, Vec dm, Vec hu, Vec hm)
{
  PetscFunctionBegin;
  if (d->ju || d->fu) {
    PetscCall(DiniBesideStep_Private(dini, du, dm, &d->h));
    PetscCall(DiniBeside_Private(dini, d->h, du, dm, (PetscBool)(d->fu != NULL), DiniVisit, d));
  }
  PetscCall(DiniObjectivePart(dini, d, du, dm, hu, hm));
  if (fraction != 0.0) PetscCall(DiniResidualPart(dini, d, fraction, du, dm, hu, hm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniSums(Vec likeu, Vec likem, Vec *u, Vec *m)
{
  PetscFunctionBegin;
  PetscCall(VecDuplicate(likeu, u));
  PetscCall(VecDuplicate(likem, m));
  PetscCall(VecSet(*u, 0.0));
  PetscCall(VecSet(*m, 0.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* hu = J_uu du + J_um dm - (F_uu du + F_um dm)^H lambda and hm = J_mu du + J_mm dm - (F_mu du + F_mm dm)^H lambda */
PetscErrorCode DiniSecond_Private(Dini dini, Vec du, Vec dm, Vec hu, Vec hm)
{
  const DiniHessian *hessian  = &dini->hessian;
  DiniDifferencing   d        = {0};
  PetscReal          fraction = hessian->type == DINI_HESSIAN_FULL           ? 1.0
                                : hessian->type == DINI_HESSIAN_GAUSS_NEWTON ? 0.0
                                                                             : hessian->blend;
  PetscReal          norm, change;
  PetscErrorCode     failed;
  Mat                J, P;

  PetscFunctionBegin;
  PetscCall(DiniNorm_Private(du, &norm));
  PetscCall(DiniNorm_Private(dm, &change));
  if (norm == 0.0 && change == 0.0) { /* nothing that a guard could learn from */
    PetscCall(VecSet(hu, 0.0));
    PetscCall(VecSet(hm, 0.0));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(DiniActiveProject_Private(dini, hessian->lambda)); /* where a bound holds u, F says nothing */
  PetscCall(DiniNormMax_Private(hessian->lambda, &norm));
  if (norm == 0.0) fraction = 0.0;
  PetscCall(DiniSums(du, dm, &d.wu, &d.wm));
  if (!hessian->objective || (dini->guard && !hessian->objectiveguarded)) PetscCall(DiniSums(du, dm, &d.ju, &d.jm));
  PetscCall(
      DiniEngineGetJacobian_Private(dini, &J, &P)); /* NULL where nothing but the application's own solves knows J */
  if (fraction != 0.0 && (!hessian->residual || (J && dini->guard && !hessian->residualguarded)))
    PetscCall(DiniSums(du, dm, &d.fu, &d.fm));
  failed = DiniSecond(dini, &d, fraction, du, dm, hu, hm);
  PetscCall(VecDestroy(&d.wu));
  PetscCall(VecDestroy(&d.wm));
  PetscCall(VecDestroy(&d.ju));
  PetscCall(VecDestroy(&d.jm));
  PetscCall(VecDestroy(&d.fu));
  PetscCall(VecDestroy(&d.fm));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives the second derivatives of the objective, in both arguments at once.

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
