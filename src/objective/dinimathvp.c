/* The rule of dinihvp.c, many columns at once: a block of tangent solves and a block of adjoint solves */
#include "../private/diniimpl.h"

typedef struct {
  PetscInt   first, count; /* columns */
  Vec        du, hu, v, hm;
  PetscReal *unit, (*error)[2]; /* of each column, and in its terms */
  PetscBool *good;
} DiniColumns;

/* v = column j in its unit */
static PetscErrorCode DiniDirectionOf(Mat V, PetscInt j, Vec v, PetscReal *unit)
{
  PetscReal norm;

  PetscFunctionBegin;
  PetscCall(DiniGetColumn_Private(V, j, v));
  PetscCall(DiniNorm_Private(v, &norm));
  *unit = DiniUnit_Private(norm);
  if (*unit != 1.0) PetscCall(VecScale(v, 1.0 / *unit));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniHVPBlock(Dini dini, Mat V, Mat HV, const DiniColumns *c, Mat R, Mat X)
{
  const PetscInt first = c->first, count = c->count;
  Vec            du = c->du, hu = c->hu, v = c->v, hm = c->hm;
  PetscBool      zero;
  PetscReal      left, norm, worst[2] = {0.0, 0.0};

  PetscFunctionBegin;
  for (PetscInt j = 0; j < count; j++) {
    PetscCall(DiniDirectionOf(V, first + j, v, &c->unit[j]));
    PetscCall(DiniParameterApply_Private(dini, v, dini->r, &zero));
    PetscCall(VecScale(dini->r, -1.0));
    PetscCall(DiniSetColumn_Private(R, j, PETSC_FALSE, dini->r));
  }
  PetscCall(DiniLinearMatSolve_Private(dini, DINI_TANGENT, R, X, c->good));
  left = DiniSolveError_Private(dini);
  for (PetscInt j = 0; j < count; j++) {
    PetscCall(DiniDirectionOf(V, first + j, v, &c->unit[j]));
    PetscCall(DiniGetColumn_Private(X, j, du));
    PetscCall(DiniSecond_Private(dini, left, du, v, hu, hm, c->error[j]));
    PetscCall(DiniNorm_Private(hu, &norm));
    worst[0] = PetscMax(worst[0], DiniShare_Private(c->error[j][0], norm));
    PetscCall(DiniSetColumn_Private(R, j, PETSC_FALSE, hu));
    PetscCall(DiniSetColumn_Private(HV, first + j, PETSC_FALSE, hm));
  }
  PetscCall(DiniLinearMatSolve_Private(dini, DINI_ADJOINT, R, X, c->good));
  for (PetscInt j = 0; j < count; j++) {
    PetscCall(DiniGetColumn_Private(X, j, du));
    PetscCall(DiniGetColumn_Private(HV, first + j, hm));
    PetscCall(DiniParameterApplyAdjoint_Private(dini, du, v));
    PetscCall(VecAXPY(hm, -1.0, v));
    PetscCall(DiniNorm_Private(hm, &norm));
    worst[1] = PetscMax(worst[1], DiniShare_Private(c->error[j][1], norm));
    PetscCall(DiniScaleBack_Private(dini, c->unit[j], hm, "A column of the result"));
    PetscCall(DiniSetColumn_Private(HV, first + j, PETSC_FALSE, hm));
  }
  PetscCall(DiniEstimateSecond_Private(dini, DINI_ADJOINT, worst[0] + worst[1], hu, du));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Columns first to first + count - 1 of V and HV; R and X are count columns of work with the layout of the state. A column
  that fails must be an error.
*/
PetscErrorCode DiniRuleMatHVP_Private(Dini dini, Mat V, Mat HV, PetscInt first, PetscInt count, Mat R, Mat X)
{
  DiniColumns    c = {.first = first, .count = count};
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(PetscMalloc3(count, &c.good, count, &c.unit, count, &c.error));
  PetscCall(VecDuplicate(dini->u, &c.du));
  PetscCall(VecDuplicate(dini->u, &c.hu));
  PetscCall(DiniCreateParameterVec(dini, &c.v));
  PetscCall(VecDuplicate(c.v, &c.hm));
  failed = DiniHVPBlock(dini, V, HV, &c, R, X);
  PetscCall(VecDestroy(&c.du));
  PetscCall(VecDestroy(&c.hu));
  PetscCall(VecDestroy(&c.v));
  PetscCall(VecDestroy(&c.hm));
  PetscCall(PetscFree3(c.good, c.unit, c.error));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}
