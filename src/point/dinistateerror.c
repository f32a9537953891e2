/*
  What the forward solve has left, and what that makes of derivatives, which no adjoint solve can tell.

  With du = J^{-1} F(u, m), u is off by du, and a derivative by what J and the cotangent change over du: like |du| / |u| as long
  as they are smooth, and by far more near a fold, with an exponential, or where little is left of a cotangent u - d. Measured by
  a loose solve, a residual and a dJ/du at the first point, the fourth, the sixteenth ..., after each loose forward solve, where
  |F| has grown, and where the derivative's own solve tells that J is conditioned otherwise; elsewhere the last factors hold.

  A Krylov method meets one digit of |F| without the parts of u that J hardly moves, which are those that F may leave wrong the
  most. So after a loose forward solve it has to meet more, and no error is less than what an adjoint solution lambda of ubar
  says of du, lambda^H F = ubar^H du.
*/
#include "../private/diniimpl.h"

#define ESTIMATE_RTOL 0.1   /* one digit of an error is enough */
#define LOOSE_RTOL    1e-7  /* |F| of its terms: above, each point is measured, */
#define THOROUGH_RTOL 1e-4  /* and to this */
#define MINOR         1e-10 /* errors below are not measured again for having grown */
#define CONDITION     3.0   /* by which |x| / |b| may differ from that of the last measurement */
#define COTANGENT     10.0  /* the same of |dJ/du| */

/* F at the point as the right-hand side whose solution is the error of u: another thing only under bounds. May be in w[0] */
PetscErrorCode DiniPointStep_Private(Dini dini, Vec *F)
{
  PetscFunctionBegin;
  PetscCall(DiniPointResidual_Private(dini, F));
  if (!dini->active) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecCopy(*F, dini->w[0]));
  *F = dini->w[0];
  PetscCall(DiniFilterStep_Private(dini, dini->u, *F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* du = J^{-1} F to rtol, and how large that is of u, of the worst field; du may be NULL */
static PetscErrorCode DiniMeasureStateTo(Dini dini, PetscBool setup, PetscReal rtol, Vec du, PetscReal *error,
                                         PetscBool *good)
{
  Vec            F, r, e = du;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(DiniPointStep_Private(dini, &F));
  PetscCall(VecDuplicate(dini->u, &r));
  if (!du) PetscCall(VecDuplicate(dini->u, &e));
  PetscCall(VecCopy(F, r));
  failed = DiniLinearLoose_Private(dini, DINI_TANGENT, r, e, rtol, setup, good);
  if (!failed && *good) failed = DiniEngineFieldError_Private(dini->engine, DINI_TANGENT, F, dini->u, e, error);
  PetscCall(VecDestroy(&r));
  if (!du) PetscCall(VecDestroy(&e));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniMeasureState_Private(Dini dini, PetscBool setup, PetscReal *error, PetscBool *good)
{
  PetscFunctionBegin;
  PetscCall(DiniMeasureStateTo(dini, setup, THOROUGH_RTOL, NULL, error, good));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* With J^H lambda = ubar: |lambda^H F|, which is |ubar^H du| for the right du, over what it would be of u at most */
static PetscErrorCode DiniLeastStateError(Dini dini, Vec ubar, Vec lambda, PetscReal *least)
{
  Vec         F, w;
  PetscScalar seen;
  PetscReal   most;

  PetscFunctionBegin;
  PetscCall(DiniPointStep_Private(dini, &F));
  PetscCall(VecDot(F, lambda, &seen));
  PetscCall(VecDuplicate(ubar, &w));
  PetscCall(VecPointwiseMult(w, ubar, dini->u));
  PetscCall(VecNorm(w, NORM_1, &most));
  PetscCall(VecDestroy(&w));
  *least = most > 0.0 ? PetscAbsScalar(seen) / most : 0.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Whose dJ/du is the cotangent of the VJP under way? */
static DiniObjective DiniCotangentOf(Dini dini, DiniDirection direction)
{
  return dini->cotangents && direction == DINI_ADJOINT && !DiniNested_Private(dini) ? *dini->cotangents : NULL;
}

/* Has the condition of J, as A x = b sees it, changed since the last measurement of this direction? */
static PetscBool DiniConditioned(const DiniStateAccuracy *a, DiniDirection direction, PetscReal condition)
{
  const PetscReal before = a->condition[direction];

  return (PetscBool)(condition > 0.0 && (condition > CONDITION * before || before > CONDITION * condition));
}

/* Has the dJ/du of this objective to be asked what it changes by? Where it is curved, that is another thing where it is small */
static PetscBool DiniUntold(DiniObjective objective, PetscReal norm)
{
  if (!objective || objective->inside || !(norm > 0.0)) return PETSC_FALSE;
  return (PetscBool)(norm > COTANGENT * objective->bentat || objective->bentat > COTANGENT * norm);
}

/* Both errors anew, with the factors that later points take */
static PetscErrorCode DiniMeasureDerivative(Dini dini, DiniDirection direction, PetscReal relative, PetscReal condition,
                                            DiniObjective objective, Vec b, Vec x, PetscBool *measured)
{
  const PetscBool    tells = (PetscBool)(direction == DINI_ADJOINT && !dini->active && dini->lastunit == 1.0);
  const PetscReal    rtol  = relative > LOOSE_RTOL ? THOROUGH_RTOL : ESTIMATE_RTOL;
  DiniStateAccuracy *a     = &dini->stateaccuracy;
  PetscReal          error = 0.0, bend = 0.0, least = 0.0;
  PetscErrorCode     failed;
  Vec                du;

  PetscFunctionBegin;
  PetscCall(VecDuplicate(dini->u, &du));
  failed = DiniMeasureStateTo(dini, PETSC_FALSE, rtol, du, &error, measured);
  if (!failed && *measured) failed = DiniBend_Private(dini, du, error, condition, &bend);
  if (!failed && *measured && objective) failed = DiniCotangentBends_Private(dini, objective, b, du, error);
  if (!failed && *measured && tells) failed = DiniLeastStateError(dini, b, x, &least);
  PetscCall(VecDestroy(&du));
  PetscCall(failed);
  if (!*measured) PetscFunctionReturn(PETSC_SUCCESS);
  if (least > error && error > 0.0) bend *= least / error;
  error            = PetscMax(error, least);
  dini->stateerror = error;
  dini->statebend  = bend;
  if (!(relative > 0.0)) PetscFunctionReturn(PETSC_SUCCESS);
  a->measured = PETSC_TRUE;
  a->factor   = error / relative;
  a->residual = relative;
  a->bend     = error > 0.0 ? bend / error : 0.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Once for a point, at its first derivative A x = b, and where its cotangent is the first of an objective, or far smaller than
  those before. Without a tangent solve to be had the error of u is its relative residual. It stays unknown, which is a negative
  number, without the guard, and for singular J.
*/
static PetscErrorCode DiniEstimateState(Dini dini, DiniDirection direction, Vec b, PetscReal bnorm, Vec x,
                                        DiniObjective objective)
{
  DiniStateAccuracy *a      = &dini->stateaccuracy;
  const PetscBool    untold = DiniUntold(objective, bnorm);
  PetscReal          relative, condition;
  PetscBool          good, due, measured = PETSC_FALSE;
  const char        *field;

  PetscFunctionBegin;
  if ((dini->statebend >= 0.0 && !untold) || !(dini->scale > 0.0)) PetscFunctionReturn(PETSC_SUCCESS);
  if (dini->active) relative = dini->fnorm / dini->scale;
  else PetscCall(DiniStateResidual_Private(dini, &relative, &good, &field));
  if (relative < 0.0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniNorm_Private(x, &condition));
  condition = dini->lastunit == 1.0 && bnorm > 0.0 ? condition / bnorm : 0.0;
  if (dini->statebend < 0.0) a->uses++;
  due = (PetscBool)(a->uses >= a->next || untold || relative > LOOSE_RTOL);
  due = (PetscBool)(due || DiniConditioned(a, direction, condition));
  due = (PetscBool)(due || (relative * a->factor > MINOR && relative > 10.0 * a->residual));
  if (due) {
    PetscCall(DiniMeasureDerivative(dini, direction, relative, condition, objective, b, x, &measured));
    if (a->uses >= a->next) a->next = 4 * a->uses;
    a->condition[direction] = condition;
    if (objective) objective->bentat = bnorm;
  }
  if (measured) PetscFunctionReturn(PETSC_SUCCESS);
  if (dini->stateerror < 0.0) dini->stateerror = relative * (a->measured ? a->factor : 1.0);
  dini->statebend = dini->stateerror * a->bend;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  To the error of a derivative, by A x = b, comes what the forward solve has left: what J and b change by over it, and no less
  than |du| / |u|
*/
PetscErrorCode DiniAddStateError_Private(Dini dini, DiniDirection direction, Vec b, PetscReal bnorm, Vec x,
                                         PetscReal *error)
{
  DiniObjective objective = DiniCotangentOf(dini, direction);
  PetscReal     share     = 0.0;

  PetscFunctionBegin;
  PetscCall(DiniEstimateState(dini, direction, b, bnorm, x, objective));
  dini->stats.state_error = dini->stateerror;
  if (dini->stateerror >= 0.0 && objective && bnorm > 0.0) share = objective->bend * (dini->stateerror / bnorm);
  share += PetscMax(dini->statebend, 0.0);
  *error += PetscMax(share, dini->stateerror);
  PetscFunctionReturn(PETSC_SUCCESS);
}
