/*
  The guards of the first linearization: what the application says of J and F_m is held against differences of F.

  A difference is informative when its size h |y| stands clear of the rounding in F, which is about eps |J v| for v of the
  size of u. Several steps are tried before anyone is accused: kinks and strong curvature spoil one step, not all.
*/
#include "../private/diniparameterimpl.h"

static const PetscReal guardsteps[] = {1e-6, 1e-4, 1e-2, 1e-8};
#define GUARD_STAYS_RTOL 1e-6

typedef PetscErrorCode DiniShift(Dini, PetscReal h, Vec direction, void *ctx);

/*
  Compares h y with F(shifted by h) - F in w[0] for each step. `worst` is the best relative disagreement among the
  informative steps, negative when there was none; `moved` tells whether F ever changed.
*/
static PetscErrorCode DiniGuardCompare(Dini dini, DiniShift *residual, Vec direction, void *ctx, Vec y, PetscReal *best,
                                       PetscBool *moved)
{
  PetscReal ynorm, fnorm, dnorm, enorm;
  Vec       d = dini->w[1];

  PetscFunctionBegin;
  *best  = -1.0;
  *moved = PETSC_FALSE;
  PetscCall(DiniNorm_Private(y, &ynorm));
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(guardsteps); i++) {
    const PetscReal h     = guardsteps[i];
    const PetscReal noise = 20.0 * PETSC_MACHINE_EPSILON * dini->scale;

    PetscCall((*residual)(dini, h, direction, ctx)); /* leaves F in w[1] */
    PetscCall(DiniNorm_Private(d, &fnorm));
    if (PetscIsInfOrNanReal(fnorm)) continue; /* outside the domain of F */
    PetscCall(VecAXPY(d, -1.0, dini->w[0]));
    PetscCall(DiniNorm_Private(d, &dnorm));
    if (dnorm > 0.0) *moved = PETSC_TRUE;
    if (PetscMax(h * ynorm, dnorm) <= 10.0 * noise) continue;
    PetscCall(VecAXPY(d, -h, y));
    PetscCall(DiniNorm_Private(d, &enorm));
    enorm = PetscMax(enorm - noise, 0.0) / PetscMax(h * ynorm, dnorm);
    if (*best < 0.0 || enorm < *best) *best = enorm;
    if (*best <= DINI_GUARD_RTOL) break;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Along i v a holomorphic F changes by i times what it changes along v. F in w[0]; spoils v and d. Asked only where there are
  imaginary parts at all: a real problem in a complex build need not be holomorphic.
*/
static PetscErrorCode DiniGuardHolomorphic(Dini dini, DiniShift *residual, Vec v, void *ctx, Vec d,
                                           PetscBool *holomorphic)
{
  PetscFunctionBegin;
  PetscCall(DiniIsReal_Private(v, holomorphic));
#if defined(PETSC_USE_COMPLEX)
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(guardsteps) && !*holomorphic; i++) {
    PetscReal dnorm, enorm;

    PetscCall((*residual)(dini, guardsteps[i], v, ctx));
    PetscCall(VecWAXPY(d, -1.0, dini->w[0], dini->w[1]));
    PetscCall(VecScale(v, PETSC_i));
    PetscCall((*residual)(dini, guardsteps[i], v, ctx));
    PetscCall(VecScale(v, -PETSC_i));
    PetscCall(VecAXPY(dini->w[1], -1.0, dini->w[0]));
    PetscCall(VecAXPY(dini->w[1], -PETSC_i, d));
    PetscCall(DiniNorm_Private(d, &dnorm));
    PetscCall(DiniNorm_Private(dini->w[1], &enorm));
    if (enorm <= 1e-3 * dnorm) *holomorphic = PETSC_TRUE;
  }
#else
  (void)residual;
  (void)ctx;
  (void)d;
  (void)dini;
#endif
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F(u + h v, m) in w[1]; the shifted state is built in r */
static PetscErrorCode DiniShiftState(Dini dini, PetscReal h, Vec v, void *ctx)
{
  PetscReal norm;

  PetscFunctionBegin;
  (void)ctx;
  PetscCall(VecWAXPY(dini->r, h, v, dini->u));
  PetscCall(DiniResidual_Private(dini, dini->r, dini->w[1], &norm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  An A that is applied by the application's code must stay that of the point when F is evaluated beside it: one that reads
  what the last residual has left behind, such as an inner solve, would follow every difference and line search. Av = A v.
*/
static PetscErrorCode DiniGuardStays(Dini dini, Mat A, const char what[], DiniShift *residual, Vec v, void *ctx, Vec Av,
                                     Vec work)
{
  PetscReal norm, change;
  PetscBool assembled, differenced;

  PetscFunctionBegin;
  PetscCall(MatHasOperation(A, MATOP_GET_ROW, &assembled));
  PetscCall(PetscObjectTypeCompare((PetscObject)A, MATMFFD, &differenced)); /* keeps its point, and is too noisy */
  if (assembled || differenced) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall((*residual)(dini, 1e-3, v, ctx));
  PetscCall(MatMult(A, v, work));
  PetscCall(VecAXPY(work, -1.0, Av));
  PetscCall(DiniNorm_Private(Av, &norm));
  PetscCall(DiniNorm_Private(work, &change));
  PetscCheck(change <= GUARD_STAYS_RTOL * norm, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
             "%s: %s does not stay at its point: its product changes by a relative %g when F is evaluated beside the "
             "point. It must keep the values that it was filled at; the derivative of an inner Dini has to be pinned, "
             "see DiniCreateDerivative()",
             DiniLabel_Private(dini), what, (double)(change / norm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* <w, A v> = <A^H w, v> catches a shell or a library whose transposed product is another matrix's */
static PetscErrorCode DiniGuardTranspose(Dini dini, Mat A, const char what[], Vec v, Vec Av, Vec w, Vec AHw)
{
  PetscScalar forward, adjoint;
  PetscReal   nw, nv, nAv, nAHw;

  PetscFunctionBegin;
  PetscCall(DiniRandomDirection_Private(dini, 2, Av, w));
  PetscCall(MatMultHermitianTranspose(A, w, AHw));
  PetscCall(VecDot(Av, w, &forward));  /* w^H (A v) */
  PetscCall(VecDot(v, AHw, &adjoint)); /* (A^H w)^H v */
  PetscCall(DiniNorm_Private(w, &nw));
  PetscCall(DiniNorm_Private(v, &nv));
  PetscCall(DiniNorm_Private(Av, &nAv));
  PetscCall(DiniNorm_Private(AHw, &nAHw));
  PetscCheck(PetscAbsScalar(forward - adjoint) <= 1e-8 * PetscMax(nw * nAv, nv * nAHw),
             PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
             "%s: The adjoint product of %s does not belong to its product: <w, A v> and <A^H w, v> differ by %g where "
             "|w||A v| "
             "is %g; correct the transposed product, or the symmetry the matrix claims",
             DiniLabel_Private(dini), what, (double)PetscAbsScalar(forward - adjoint), (double)(nw * nAv));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniGuardJacobian(Dini dini, Mat J, Vec work[4], PetscReal *error, PetscBool *moved)
{
  Vec       v = work[0], Jv = work[1];
  PetscReal best;
  PetscBool transposes, holomorphic = PETSC_TRUE;

  PetscFunctionBegin;
  PetscCall(DiniRandomDirection_Private(dini, 1, dini->u, v));
  PetscCall(MatMult(J, v, Jv));
  PetscCall(DiniCheckFinite_Private(dini, Jv, "The Jacobian, from the Jacobian callback,", &dini->scale));
  PetscCall(DiniResidual_Private(dini, dini->u, dini->w[0], NULL));
  if (!dini->active) {
    PetscCall(DiniNorm_Private(dini->w[0], &dini->fnorm));
    dini->stats.forward_residual = dini->fnorm;
  }
  PetscCall(DiniGuardCompare(dini, DiniShiftState, v, NULL, Jv, &best, moved));
  if (best < 0.0) PetscCall(PetscInfo(dini, "No difference of F was informative, so J is not guarded\n"));
  else PetscCall(PetscInfo(dini, "J v agrees with a difference of F to %g\n", (double)best));
  if (best > DINI_GUARD_RTOL) PetscCall(DiniGuardHolomorphic(dini, DiniShiftState, v, NULL, work[2], &holomorphic));
  PetscCheck(
      holomorphic, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
      "%s: F is not holomorphic in u: along i v it does not change by i times what it changes along v, so no Jacobian "
      "gives its derivative (J v and differences disagree by a relative %g). A conjugate, a modulus or a real part "
      "of u is in it: make real and imaginary parts separate unknowns, in a real build of PETSc",
      DiniLabel_Private(dini), (double)best);
  *error = PetscMax(best, 0.0);
  if (*error > DINI_GUARD_RTOL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniGuardStays(dini, J, "the Jacobian", DiniShiftState, v, NULL, Jv, work[2]));
  PetscCall(DiniHasAdjoint_Private(J, &transposes));
  if (transposes)
    PetscCall(DiniGuardTranspose(dini, J, "the Jacobian", v, Jv, work[2], work[3])); /* else the engine speaks up */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F(u, m + h dm) in w[1] */
static PetscErrorCode DiniShiftParameter(Dini dini, PetscReal h, Vec dm, void *ctx)
{
  PetscReal norm;

  PetscFunctionBegin;
  PetscCall(DiniParameterShifted_Private(dini, (DiniParameter)ctx, dini->u, h, dm, dini->w[1], &norm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniGuardParameter(Dini dini, DiniParameter par, Vec dm, Vec y, Vec w, Vec mbar)
{
  PetscReal best, ynorm;
  PetscBool moved, holomorphic = PETSC_TRUE;
  char      what[256];

  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(what, sizeof(what), "F_m of parameter \"%s\" (type \"%s\")", par->name, par->kind->name));
  PetscCall(DiniRandomDirection_Private(dini, 3, par->copy, dm));
  PetscCall(MatMult(par->Fm, dm, y));
  PetscCall(DiniCheckFinite_Private(dini, y, what, &ynorm));
  PetscCall(DiniResidual_Private(dini, dini->u, dini->w[0], NULL));
  PetscCall(DiniGuardCompare(dini, DiniShiftParameter, dm, par, y, &best, &moved));
  if (best < 0.0) PetscCall(PetscInfo(dini, "No difference of F was informative, so %s is not guarded\n", what));
  else PetscCall(PetscInfo(dini, "%s agrees with a difference of F to %g\n", what, (double)best));
  PetscCheck(
      moved || ynorm > 0.0, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
      "%s: F_m of parameter \"%s\" is zero: F does not change with it. Give the update callback that hands it to the "
      "residual (DiniSetParameterUpdate()), see that the residual reads this very Vec, or, if it truly does not enter, "
      "say so with -dini_parameter_%s_type zero",
      DiniLabel_Private(dini), par->name, par->name);
  PetscCheck(
      moved || best < 0.0, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
      "%s: %s is not zero, but F does not change with the parameter: the update callback (DiniSetParameterUpdate()) is "
      "missing or does not reach the residual",
      DiniLabel_Private(dini), what);
  if (best > DINI_GUARD_RTOL) PetscCall(DiniGuardHolomorphic(dini, DiniShiftParameter, dm, par, w, &holomorphic));
  PetscCheck(holomorphic, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
             "%s: F is not holomorphic in parameter \"%s\": along i dm it does not change by i times what it changes "
             "along dm. A conjugate, a modulus or a real part of it is in F: make its real and imaginary parts two "
             "blocks, each with real values (-dini_parameter_<name>_real)",
             DiniLabel_Private(dini), par->name);
  PetscCheck(
      best <= DINI_GUARD_RTOL, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
      "%s: %s is not dF/dm: F_m dm and differences of F disagree by a relative %g. Correct it (DiniCheck() shows "
      "how far off it is), complete the pattern,%s or, if F is not smooth here, switch this guard off with -dini_guard "
      "0",
      DiniLabel_Private(dini), what, (double)best,
      par->difference == DINI_DIFFERENCE_COMPLEX ? " take central differences if F is not analytic," : "");
  if ((par->apply && par->applyadjoint) || par->Fmuser) {
    PetscCall(DiniGuardStays(dini, par->Fm, what, DiniShiftParameter, dm, par, y, w));
    PetscCall(DiniGuardTranspose(dini, par->Fm, what, dm, y, w, mbar));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* error: the relative disagreement of J v and differences of F, 0 where they tell nothing; moved: F depends on u */
PetscErrorCode DiniGuardJacobian_Private(Dini dini, Mat J, PetscReal *error, PetscBool *moved)
{
  Vec            work[4];
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(PetscLogEventBegin(DINI_Guard, dini, 0, 0, 0));
  for (int i = 0; i < 4; i++) PetscCall(VecDuplicate(dini->u, &work[i]));
  failed = DiniGuardJacobian(dini, J, work, error, moved);
  for (int i = 0; i < 4; i++) PetscCall(VecDestroy(&work[i]));
  PetscCall(PetscLogEventEnd(DINI_Guard, dini, 0, 0, 0));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same for a J made of central differences, which a central difference must meet much closer */
PetscErrorCode DiniGuardDifferences_Private(Dini dini, Mat J, PetscReal *error)
{
  Vec            v, Jv, y;
  PetscErrorCode failed;
  PetscReal      size;

  PetscFunctionBegin;
  PetscCall(VecDuplicate(dini->u, &v));
  PetscCall(VecDuplicate(dini->u, &Jv));
  PetscCall(VecDuplicate(dini->u, &y));
  PetscCall(DiniRandomDirection_Private(dini, 31, dini->u, v));
  PetscCall(MatMult(J, v, Jv));
  PetscCall(DiniNorm_Private(Jv, &dini->scale));
  failed = DiniDifferenceMult_Private(dini, v, y);
  if (!failed) {
    PetscCall(DiniNorm_Private(y, &size));
    size = PetscMax(size, dini->scale);
    PetscCall(VecAXPY(y, -1.0, Jv));
    PetscCall(DiniNorm_Private(y, error));
    if (size > 0.0) *error /= size;
    PetscCall(PetscInfo(dini, "J by differences: J v agrees with another difference to %g\n", (double)*error));
  }
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&Jv));
  PetscCall(VecDestroy(&y));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniGuardParameter_Private(Dini dini, DiniParameter par)
{
  Vec            work[4]; /* layouts: block, state, state, block */
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(PetscLogEventBegin(DINI_Guard, dini, 0, 0, 0));
  for (int i = 0; i < 4; i++) PetscCall(VecDuplicate(i == 1 || i == 2 ? dini->u : par->m, &work[i]));
  failed = DiniGuardParameter(dini, par, work[0], work[1], work[2], work[3]);
  for (int i = 0; i < 4; i++) PetscCall(VecDestroy(&work[i]));
  PetscCall(PetscLogEventEnd(DINI_Guard, dini, 0, 0, 0));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}
