#include "stepping.h"

#define CELLS 3 /* on each rank */

static PetscReal MassOf(const Stepping *s, PetscInt i, PetscScalar u)
{
  switch (s->mass) {
  case STEPPING_DIAGONAL:
    return 1.0 + 0.5 * (PetscReal)(i % 3);
  case STEPPING_STATE:
    return 1.0 + PetscRealPart(u * u);
  case STEPPING_SINGULAR:
    return i % 3 == 2 ? 0.0 : 1.0;
  default:
    return 1.0;
  }
}

/* r += c (-p u - q u^3 + f cos t) */
static PetscErrorCode Reaction(Stepping *s, PetscReal t, Vec u, PetscReal c, Vec r)
{
  const PetscScalar *a, *f;
  PetscScalar       *b;

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(u, &a));
  PetscCall(VecGetArrayRead(s->f, &f));
  PetscCall(VecGetArray(r, &b));
  for (PetscInt i = 0; i < CELLS; i++)
    b[i] += c * (-s->p * a[i] - s->q * a[i] * a[i] * a[i] + f[i] * PetscCosReal(t) + s->hidden);
  PetscCall(VecRestoreArray(r, &b));
  PetscCall(VecRestoreArrayRead(s->f, &f));
  PetscCall(VecRestoreArrayRead(u, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode IFunction(TS ts, PetscReal t, Vec u, Vec udot, Vec F, void *ctx)
{
  Stepping          *s = (Stepping *)ctx;
  const PetscScalar *a, *d;
  PetscScalar       *b;
  PetscInt           lo;

  PetscFunctionBeginUser;
  (void)ts;
  PetscCall(MatMult(s->D, u, F));
  PetscCall(VecScale(F, -1.0));
  PetscCall(VecGetOwnershipRange(u, &lo, NULL));
  PetscCall(VecGetArrayRead(u, &a));
  PetscCall(VecGetArrayRead(udot, &d));
  PetscCall(VecGetArray(F, &b));
  for (PetscInt i = 0; i < CELLS; i++) {
    if (s->mass == STEPPING_STATE) b[i] += (1.0 + a[i] * a[i]) * d[i];
    else b[i] += MassOf(s, lo + i, a[i]) * d[i];
  }
  PetscCall(VecRestoreArray(F, &b));
  PetscCall(VecRestoreArrayRead(udot, &d));
  PetscCall(VecRestoreArrayRead(u, &a));
  if (s->form != STEPPING_BOTH) PetscCall(Reaction(s, t, u, -1.0, F));
  if (s->edge > 0.0 && PetscRealPart(s->p) > s->edge) PetscCall(VecSet(F, (PetscScalar)NAN));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RHSFunction(TS ts, PetscReal t, Vec u, Vec F, void *ctx)
{
  Stepping *s = (Stepping *)ctx;

  PetscFunctionBeginUser;
  (void)ts;
  if (s->form == STEPPING_BOTH) PetscCall(VecZeroEntries(F));
  else PetscCall(MatMult(s->D, u, F));
  PetscCall(Reaction(s, t, u, 1.0, F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* w = -p - 3 q u^2 */
static PetscErrorCode Slope(Stepping *s, Vec u)
{
  PetscFunctionBeginUser;
  PetscCall(VecPointwiseMult(s->w, u, u));
  PetscCall(VecScale(s->w, -3.0 * s->q));
  PetscCall(VecShift(s->w, -s->p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode IJacobian(TS ts, PetscReal t, Vec u, Vec udot, PetscReal shift, Mat J, Mat P, void *ctx)
{
  Stepping          *s = (Stepping *)ctx;
  const PetscScalar *a, *d;
  PetscScalar       *b;
  PetscInt           lo;

  PetscFunctionBeginUser;
  (void)ts, (void)t, (void)P;
  s->jacobians++;
  PetscCall(MatCopy(s->D, J, SAME_NONZERO_PATTERN));
  PetscCall(MatScale(J, -1.0));
  if (s->form == STEPPING_BOTH) PetscCall(VecZeroEntries(s->w));
  else PetscCall(Slope(s, u));
  PetscCall(VecScale(s->w, -1.0));
  PetscCall(VecGetOwnershipRange(u, &lo, NULL));
  PetscCall(VecGetArrayRead(u, &a));
  PetscCall(VecGetArrayRead(udot, &d));
  PetscCall(VecGetArray(s->w, &b));
  for (PetscInt i = 0; i < CELLS; i++) {
    if (s->mass == STEPPING_STATE) b[i] += 2.0 * a[i] * d[i] + shift * (1.0 + a[i] * a[i]);
    else b[i] += shift * MassOf(s, lo + i, a[i]);
  }
  PetscCall(VecRestoreArray(s->w, &b));
  PetscCall(VecRestoreArrayRead(udot, &d));
  PetscCall(VecRestoreArrayRead(u, &a));
  PetscCall(MatDiagonalSet(J, s->w, ADD_VALUES));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RHSJacobian(TS ts, PetscReal t, Vec u, Mat G, Mat P, void *ctx)
{
  Stepping *s = (Stepping *)ctx;

  PetscFunctionBeginUser;
  (void)ts, (void)t, (void)P;
  s->jacobians++;
  PetscCall(MatCopy(s->D, G, SAME_NONZERO_PATTERN));
  if (s->form == STEPPING_BOTH) PetscCall(MatZeroEntries(G));
  PetscCall(Slope(s, u));
  PetscCall(MatDiagonalSet(G, s->w, ADD_VALUES));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Stepper(Stepping *s)
{
  SNES snes;
  KSP  ksp;
  PC   pc;

  PetscFunctionBeginUser;
  PetscCall(TSCreate(PETSC_COMM_WORLD, &s->ts));
  PetscCall(TSSetProblemType(s->ts, TS_NONLINEAR));
  if (s->form != STEPPING_RHS) PetscCall(TSSetIFunction(s->ts, NULL, IFunction, s));
  if (s->form == STEPPING_IMPLICIT || s->form == STEPPING_BOTH)
    PetscCall(TSSetIJacobian(s->ts, s->J, s->J, IJacobian, s));
  if (s->form == STEPPING_COLOURED) PetscCall(TSSetIJacobian(s->ts, s->J, s->J, TSComputeIJacobianDefaultColor, NULL));
  if (s->form == STEPPING_RHS || s->form == STEPPING_BOTH) {
    PetscCall(TSSetRHSFunction(s->ts, NULL, RHSFunction, s));
    PetscCall(TSSetRHSJacobian(s->ts, s->G, s->G, RHSJacobian, s));
  }
  PetscCall(TSSetType(s->ts, TSBEULER));
  PetscCall(TSSetTimeStep(s->ts, s->dt));
  PetscCall(TSSetMaxTime(s->ts, s->t1));
  PetscCall(TSSetExactFinalTime(s->ts, TS_EXACTFINALTIME_MATCHSTEP));
  PetscCall(TSGetSNES(s->ts, &snes));
  PetscCall(SNESSetTolerances(snes, 1e-50, 1e-13, 1e-15, 50, 500));
  PetscCall(SNESGetKSP(snes, &ksp));
  PetscCall(KSPSetTolerances(ksp, 1e-12, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCJACOBI));
  PetscCall(TSSetFromOptions(s->ts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SteppingCreate(SteppingForm form, SteppingMass mass, Stepping *s)
{
  PetscInt  lo, hi, cells;
  PetscReal skew = 0.2;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-stepping_skew", &skew, NULL));
  *s = (Stepping){.form = form, .mass = mass, .t1 = 0.8, .dt = 0.1, .p = 0.7, .q = 0.4};
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, CELLS, CELLS, PETSC_DETERMINE, PETSC_DETERMINE, 3, NULL, 2, NULL, &s->D));
  PetscCall(MatGetOwnershipRange(s->D, &lo, &hi));
  PetscCall(MatGetSize(s->D, &cells, NULL));
  for (PetscInt i = lo; i < hi; i++)
    for (PetscInt j = PetscMax(i - 1, 0); j <= PetscMin(i + 1, cells - 1); j++)
      PetscCall(MatSetValue(s->D, i, j, i == j ? -1.0 : j < i ? 0.5 + skew : 0.5 - skew, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(s->D, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(s->D, MAT_FINAL_ASSEMBLY));
  PetscCall(MatDuplicate(s->D, MAT_COPY_VALUES, &s->J));
  PetscCall(MatDuplicate(s->D, MAT_COPY_VALUES, &s->G));
  PetscCall(MatCreateVecs(s->D, &s->u, &s->w));
  PetscCall(DiniTestVec(s->u, 3, &s->f));
  PetscCall(DiniTestVec(s->u, 5, &s->u0));
  PetscCall(Stepper(s));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &s->dini));
  PetscCall(DiniSetTS(s->dini, s->ts));
  PetscCall(DiniSetChainInitial(s->dini, s->u0));
  PetscCall(DiniAddScalarParameter(s->dini, "p", &s->p, NULL));
  PetscCall(DiniAddParameter(s->dini, "f", s->f, NULL));
  PetscCall(DiniAddParameter(s->dini, "initial", s->u0, NULL));
  PetscCall(DiniSetTolerances(s->dini, 1e-13, 1e-13));
  PetscCall(DiniSetFromOptions(s->dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SteppingSolve(Stepping *s, Vec u)
{
  PetscFunctionBeginUser;
  PetscCall(VecCopy(s->u0, u));
  PetscCall(TSSetStepNumber(s->ts, 0));
  PetscCall(TSSetTime(s->ts, 0.0));
  PetscCall(TSSetTimeStep(s->ts, s->dt));
  PetscCall(TSSolve(s->ts, u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SteppingDifferences(Stepping *s, Vec dm, PetscReal h, Vec du)
{
  static const PetscReal weight[] = {1.0 / 12.0, -2.0 / 3.0, 0.0, 2.0 / 3.0, -1.0 / 12.0};
  Vec                    at, shifted, u;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(s->u, &u));
  PetscCall(DiniCreateParameterVec(s->dini, &at));
  PetscCall(DiniGetParameters(s->dini, at));
  PetscCall(VecDuplicate(at, &shifted));
  PetscCall(VecSet(du, 0.0));
  for (int k = 0; k < 5; k++) {
    if (k == 2) continue;
    PetscCall(VecWAXPY(shifted, h * (PetscReal)(k - 2), dm, at));
    PetscCall(DiniSetParameters(s->dini, shifted));
    PetscCall(SteppingSolve(s, u));
    PetscCall(VecAXPY(du, weight[k] / h, u));
  }
  PetscCall(DiniSetParameters(s->dini, at));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&at));
  PetscCall(VecDestroy(&shifted));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SteppingDestroy(Stepping *s)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&s->dini));
  PetscCall(TSDestroy(&s->ts));
  PetscCall(MatDestroy(&s->D));
  PetscCall(MatDestroy(&s->J));
  PetscCall(MatDestroy(&s->G));
  PetscCall(VecDestroy(&s->f));
  PetscCall(VecDestroy(&s->u0));
  PetscCall(VecDestroy(&s->u));
  PetscCall(VecDestroy(&s->w));
  PetscFunctionReturn(PETSC_SUCCESS);
}
