/*
  Does u solve the relation as well as the forward solve has been asked to, in every field?

  A relative tolerance is one of the first residual, in one norm of all fields. After a start far away, or with fields of
  unlike units, it is met by a u that is no solution in some field, and of which the derivative is somebody else's.

  And is J, where differences have made it, known as well as derivatives ask for?
*/
#include "../private/dinistepsimpl.h"

#define KNOWN_RTOL 1e-2 /* of that solve */
#define KNOWN_MOST 1e-2 /* of a derivative: two digits of it */

/* max |F_f| / s_f at the point, see src/linear/dinijudge.c; negative where nobody can tell */
PetscErrorCode DiniStateResidual_Private(Dini dini, PetscReal *relative, PetscBool *good, const char **field)
{
  PetscBool singular, has;
  Mat       J, P;
  Vec       F;

  PetscFunctionBegin;
  *relative = -1.0;
  *good     = PETSC_TRUE;
  *field    = NULL;
  if (dini->ops->jvp || dini->active) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniEngineGetJacobian_Private(dini->engine, &J, &P));
  PetscCall(DiniEngineIsSingular_Private(dini->engine, &singular));
  if (!J || singular) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatHasOperation(J, MATOP_MULT, &has));
  if (!has) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniPointResidual_Private(dini, &F));
  PetscCall(DiniEngineJudgeState_Private(dini->engine, dini->u, F, dini->promise, relative, good, field));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniRefuseState(Dini dini, const char field[], PetscReal relative, PetscReal error)
{
  const char *norm, *prefix           = ((PetscObject)dini)->prefix ? ((PetscObject)dini)->prefix : "";
  char        option[256], where[128] = "", lower[300] = "", off[64] = "";
  PetscReal   rtol;

  PetscFunctionBegin;
  dini->stage  = DINI_STAGE_NEW;
  dini->reason = DINI_DIVERGED_FORWARD_RESIDUAL;
  PetscCall(DiniForwardTolerance_Private(dini, option, sizeof(option), &rtol, &norm));
  if (option[0]) PetscCall(PetscSNPrintf(lower, sizeof(lower), ", lower %s (now %g)", option, (double)rtol));
  if (field) PetscCall(PetscSNPrintf(where, sizeof(where), " in field %s", field));
  if (error >= 0.0)
    PetscCall(PetscSNPrintf(off, sizeof(off), ", and a field of u is off by a relative %g", (double)error));
  SETERRQ(
      PetscObjectComm((PetscObject)dini), PETSC_ERR_NOT_CONVERGED,
      "%s: The forward solve has not solved F(u, m) = 0%s: |F| there is %g of the terms that it is made of%s, where "
      "its tolerance promises %g. It has met that by starting far away, or by one norm of fields with unlike units. "
      "Correct u with -%sdini_polish, start nearer%s, or accept this state with -%sdini_attach_rtol",
      DiniLabel_Private(dini), where, (double)relative, off, (double)dini->promise, prefix, lower, prefix);
}

/*
  At the linearization, with F at hand: where |F| is beyond what the tolerance promises, the error of u itself, measured by a
  loose tangent solve, has the last word
*/
PetscErrorCode DiniPromiseKept_Private(Dini dini)
{
  PetscReal   relative, error = -1.0;
  PetscBool   good;
  const char *field;

  PetscFunctionBegin;
  if (!dini->guard || !dini->hasF || dini->polishing || dini->promise >= 1.0 || dini->fnorm <= dini->attachatol)
    PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniStateResidual_Private(dini, &relative, &good, &field));
  if (good) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniMeasureState_Private(dini, PETSC_TRUE, &error, &good));
  PetscCall(PetscInfo(dini, "|F| of the worst field is %g of its terms, and u off by %g\n", (double)relative,
                      good ? (double)error : -1.0));
  if (good && error <= dini->promise) {
    dini->stateerror = error;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (dini->lenient) dini->refused = PETSC_TRUE; /* a trial: whoever makes it shortens the step */
  else PetscCall(DiniRefuseState(dini, field, relative, good ? error : -1.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* May derivatives be taken at a state that a trial has found? Where it is no solution after all, the trial has failed. */
PetscErrorCode DiniTrial_Private(Dini dini, PetscBool *good)
{
  PetscErrorCode failed;

  PetscFunctionBegin;
  dini->lenient = PETSC_TRUE;
  dini->refused = PETSC_FALSE;
  failed        = DiniLinearize_Private(dini);
  dini->lenient = PETSC_FALSE;
  PetscCall(failed);
  *good = (PetscBool)!dini->refused;
  if (*good) PetscFunctionReturn(PETSC_SUCCESS);
  dini->stage  = DINI_STAGE_NEW;
  dini->reason = DINI_DIVERGED_FORWARD_RESIDUAL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Entries of J by differences that rounding hides need not matter: a row knows next to nothing of a field that it hardly depends
  on. They do where a change of their size changes derivatives: with E as large as what the entries are off by, J^{-1} E x is
  what that makes of a derivative x. One loose tangent solve, where a field is known to a digit or two only.
*/
PetscErrorCode DiniJacobianKnown_Private(Dini dini)
{
  const PetscReal missed = PetscMax(dini->source.columns, dini->source.missed);
  Vec             x, b, r, d;
  PetscReal       error = 0.0;
  PetscBool       any, good = PETSC_FALSE;
  PetscErrorCode  failed = PETSC_SUCCESS;

  PetscFunctionBegin;
  PetscCheck(
      !dini->source.filled || missed <= KNOWN_MOST, PetscObjectComm((PetscObject)dini), PETSC_ERR_FP,
      "%s: The Jacobian by differences is off by a relative %g, as two steps tell: rounding, noise or curvature is "
      "all that they see. Give the exact one; differences need an F that is smooth, and a u that is a solution to "
      "less than its own size",
      DiniLabel_Private(dini), (double)missed);
  if (!dini->source.filled || !(dini->source.lost > DINI_DOUBTFUL)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecDuplicate(dini->u, &x));
  PetscCall(VecDuplicate(dini->u, &b));
  PetscCall(VecDuplicate(dini->u, &r));
  PetscCall(VecDuplicate(dini->u, &d));
  PetscCall(DiniRandomDirection_Private(dini, 17, dini->u, x));
  PetscCall(DiniColoringErrors_Private(dini->source.filled, x, b, &any));
  if (any) {
    PetscCall(VecCopy(b, r));
    failed = DiniLinearLoose_Private(dini, DINI_TANGENT, r, d, KNOWN_RTOL, PETSC_TRUE, &good);
    if (!failed && good) failed = DiniEngineFieldError_Private(dini->engine, DINI_TANGENT, b, x, d, &error);
    if (!failed && !good) error = dini->source.lost; /* nobody knows better */
    if (!failed)
      failed = PetscInfo(dini, "What J is not known to changes derivatives by a relative %g\n", (double)error);
  }
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&b));
  PetscCall(VecDestroy(&r));
  PetscCall(VecDestroy(&d));
  PetscCall(failed);
  PetscCheck(error <= KNOWN_MOST, PetscObjectComm((PetscObject)dini), PETSC_ERR_FP,
             "%s: The Jacobian by differences of F is lost in rounding: where F couples two fields of the state, it is "
             "known to a relative %g only, and that changes derivatives by a relative %g. Give the exact one with "
             "DiniSetJacobian() or -dini_jacobian_type given, or bring the fields of F to like units",
             DiniLabel_Private(dini), (double)dini->source.lost, (double)error);
  PetscFunctionReturn(PETSC_SUCCESS);
}
