/*
  What J and a cotangent change by over an error of u: a derivative at u is off by that.

  F(u - t du) - F(u) + t J du = t^2 y with 2 y = F_uu du du, whatever t while the next term is small: one residual tells how far
  J du changes over du. J^{-1} y, beside du, is half of the relative change of J where it counts, near a fold among others.
*/
#include "../private/diniimpl.h"

#define BEND_RTOL     0.1                            /* one digit of an error is enough */
#define BEND_MOST     0.1                            /* that F bends by along it, of what J moves it by */
#define BEND_ROUNDING (20.0 * PETSC_MACHINE_EPSILON) /* of the terms that F is made of */
#define BEND_MINOR    1e-10                          /* changes below are not measured any better */

typedef struct {
  Vec       F, du, Jdu, at, y;
  PetscReal norm, dunorm, step, size; /* |J du|, |du|, t, |t^2 y|; infinity where F has no value */
} DiniBending;

static PetscErrorCode DiniBendAt(Dini dini, PetscReal t, DiniBending *b)
{
  PetscReal fnorm;

  PetscFunctionBegin;
  b->step = t;
  PetscCall(VecWAXPY(b->at, -t, b->du, dini->u));
  PetscCall(DiniResidual_Private(dini, b->at, b->y, &fnorm));
  b->size = PETSC_INFINITY;
  if (PetscIsInfOrNanReal(fnorm)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecAXPBYPCZ(b->y, t, -1.0, 1.0, b->Jdu, b->F));
  PetscCall(DiniNorm_Private(b->y, &b->size));
  if (b->size <= BEND_ROUNDING * (dini->scale + t * b->norm)) b->size = 0.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* With steps beyond du where that drowns in rounding, but not as far as F bends away */
static PetscErrorCode DiniBendLook(Dini dini, PetscReal error, DiniBending *b)
{
  const PetscReal far = PetscSqrtReal(PETSC_SQRT_MACHINE_EPSILON) / error;
  PetscReal       t   = PetscMax(1.0, far);

  PetscFunctionBegin;
  for (int k = 0; k < 3; k++) {
    PetscCall(DiniBendAt(dini, k < 2 ? t : 1.0, b));
    if (b->step == 1.0 || b->size <= BEND_MOST * b->step * b->norm) break;
    t *= PetscIsInfOrNanReal(b->size) ? 0.01 : 0.5 * BEND_MOST * (b->step * b->norm / b->size);
    t = PetscMax(1.0, t);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What is left after a simplified Newton step, of the worst field: twice that, of what the step was, is what J changes by */
static PetscErrorCode DiniBendSolve(Dini dini, PetscReal error, DiniBending *b, PetscReal *bend, PetscBool *good)
{
  PetscReal left;

  PetscFunctionBegin;
  PetscCall(VecScale(b->y, 1.0 / b->step / b->step));
  PetscCall(VecCopy(b->y, b->at));
  PetscCall(DiniLinearLoose_Private(dini, DINI_TANGENT, b->at, b->Jdu, BEND_RTOL, PETSC_FALSE, good));
  if (!*good) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniEngineFieldError_Private(dini->engine, DINI_TANGENT, b->y, dini->u, b->Jdu, &left));
  *bend = 2.0 * left / error;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniBendOf(Dini dini, PetscReal error, PetscReal condition, DiniBending *b, PetscReal *bend)
{
  const unsigned char *field;
  PetscInt             nfields;
  PetscBool            good;
  PetscReal            most;
  Mat                  J, P;

  PetscFunctionBegin;
  PetscCall(DiniEngineGetJacobian_Private(dini->engine, &J, &P));
  PetscCall(MatMult(J, b->du, b->Jdu));
  PetscCall(DiniNorm_Private(b->Jdu, &b->norm));
  PetscCall(DiniNorm_Private(b->du, &b->dunorm));
  if (!(b->norm > 0.0) || !(b->dunorm > 0.0)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniBendLook(dini, error, b));
  if (b->size == 0.0) PetscFunctionReturn(PETSC_SUCCESS);
  *bend = 1.0; /* where F has no value as near as that, u may be anywhere */
  if (PetscIsInfOrNanReal(b->size)) PetscFunctionReturn(PETSC_SUCCESS);
  most = PetscMax(condition, b->dunorm / b->norm) * 2.0 * (b->size / b->step / b->step / b->dunorm);
  PetscCall(DiniEngineGetFields_Private(dini->engine, &nfields, &field));
  *bend = most;
  if (nfields == 1 && condition > 0.0 && most <= PetscMax(error, BEND_MINOR)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniBendSolve(dini, error, b, bend, &good));
  PetscCall(PetscInfo(dini, "Over an error of u of %g derivatives change by %g (%g)\n", (double)error, (double)*bend,
                      (double)most));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  *bend: the relative change of J over du = J^{-1} F, which is a relative error of u. condition: |x| / |b| of a solve with J, by
  which it is found to be too small to be measured
*/
PetscErrorCode DiniBend_Private(Dini dini, Vec du, PetscReal error, PetscReal condition, PetscReal *bend)
{
  DiniBending    b = {.du = du};
  PetscErrorCode failed;

  PetscFunctionBegin;
  *bend = 0.0;
  if (dini->active || !(error > 0.0) || PetscIsInfOrNanReal(error)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniPointResidual_Private(dini, &b.F));
  PetscCall(VecDuplicate(du, &b.Jdu));
  PetscCall(VecDuplicate(du, &b.at));
  PetscCall(VecDuplicate(du, &b.y));
  failed = DiniBendOf(dini, error, condition, &b, bend);
  PetscCall(VecDestroy(&b.Jdu));
  PetscCall(VecDestroy(&b.at));
  PetscCall(VecDestroy(&b.y));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniPartialsCall(Dini dini, DiniObjective objective, Vec at, Vec dJdu, Vec dJdm)
{
  PetscFunctionBegin;
  DiniCallUserReads(dini, at, "The objective gradient callback (DiniSetObjective())",
                    (*objective->gradient)(dini, at, dJdu, dJdm, objective->ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniPartialsAt(Dini dini, DiniObjective objective, Vec at, Vec dJdu)
{
  Vec            dJdm;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(DiniGhosts_Private(at));
  PetscCall(VecSet(dJdu, 0.0));
  PetscCall(DiniCreateParameterVec(dini, &dJdm));
  PetscCall(VecSet(dJdm, 0.0));
  failed = DiniPartialsCall(dini, objective, at, dJdu, dJdm);
  PetscCall(VecDestroy(&dJdm));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What dJ/du = ubar changes by over du; not of a callback that takes derivatives itself, which has none beside the point */
PetscErrorCode DiniCotangentBends_Private(Dini dini, DiniObjective objective, Vec ubar, Vec du, PetscReal error)
{
  const PetscBool beside = dini->beside;
  Vec             at, other, u = dini->u, state = dini->state, sized = dini->sized;
  PetscReal       norm;
  PetscErrorCode  failed;

  PetscFunctionBegin;
  objective->bend = 0.0;
  if (objective->inside || !(error > 0.0)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecDuplicate(u, &at));
  PetscCall(VecDuplicate(u, &other));
  PetscCall(VecWAXPY(at, -1.0, du, u));
  dini->u = dini->state = at;
  dini->sized           = u;
  dini->beside          = PETSC_TRUE;
  dini->closed++;
  failed = DiniPartialsAt(dini, objective, at, other);
  dini->closed--;
  dini->beside = beside;
  dini->sized  = sized;
  dini->u      = u;
  dini->state  = state;
  if (!failed) failed = VecAXPY(other, -1.0, ubar);
  if (!failed) failed = DiniNorm_Private(other, &norm);
  if (!failed && PetscIsInfOrNanReal(norm))
    failed = DiniNorm_Private(ubar, &norm); /* all of it: no value as near as that */
  if (!failed) objective->bend = norm / error;
  PetscCall(VecDestroy(&at));
  PetscCall(VecDestroy(&other));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}
