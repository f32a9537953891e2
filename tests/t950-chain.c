static char help[] =
    "Chains of implicit steps: a closed form, tangents, adjoints and second derivatives against differences of an "
    "application's own loop, and what they cost.\n";

#include "support/marching.h"

/* ---- u' = -p u by backward Euler: u_N = u_0 (1 + h p)^-N ---- */

typedef struct {
  PetscScalar p;
  Vec         before;
  Mat         J;
} Decay;

static PetscErrorCode DecayResidual(SNES snes, Vec u, Vec F, void *ctx)
{
  Decay *d = (Decay *)ctx;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(VecWAXPY(F, -1.0, d->before, u));
  PetscCall(VecAXPY(F, 0.01 * d->p, u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DecayJacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  PetscFunctionBeginUser;
  (void)snes, (void)u, (void)P;
  PetscCall(MatZeroEntries(J));
  PetscCall(MatShift(J, 1.0 + 0.01 * ((Decay *)ctx)->p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestClosedForm(void)
{
  Decay              d = {.p = 2.0};
  SNES               snes;
  Dini               step, chain;
  Vec                u, u0, dm, du, mbar, ubar;
  PetscScalar       *a;
  PetscInt           previous, N, lo, ranks;
  const PetscScalar *b;

  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, 1, 1, PETSC_DETERMINE, PETSC_DETERMINE, 1, NULL, 0, NULL, &d.J));
  PetscCall(MatGetOwnershipRange(d.J, &lo, NULL));
  PetscCall(MatGetSize(d.J, &ranks, NULL));
  PetscCall(MatSetValue(d.J, lo, lo, 1.0, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(d.J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(d.J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatCreateVecs(d.J, &u, &d.before));
  PetscCall(VecDuplicate(u, &u0));
  PetscCall(VecSet(u0, 1.5));
  PetscCall(VecSet(d.before, 0.0));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &snes));
  PetscCall(SNESSetFunction(snes, NULL, DecayResidual, &d));
  PetscCall(SNESSetJacobian(snes, d.J, d.J, DecayJacobian, &d));
  PetscCall(SNESSetTolerances(snes, 1e-50, 1e-14, 1e-15, 50, 500));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &step));
  PetscCall(DiniSetSNES(step, snes));
  PetscCall(DiniAddParameter(step, "before", d.before, &previous));
  PetscCall(DiniSetParameterType(step, previous, DINIPARAMETERRHS));
  PetscCall(DiniAddScalarParameter(step, "p", &d.p, NULL));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &chain));
  PetscCall(DiniSetChain(chain, step, previous));
  PetscCall(DiniSetChainInitial(chain, u0));
  PetscCall(DiniSetChainTimes(chain, 100, NULL));
  PetscCall(DiniAddScalarParameter(chain, "p", &d.p, NULL));
  PetscCall(DiniAddParameter(chain, "initial", u0, NULL));
  PetscCall(DiniSolve(chain, u));
  PetscCall(VecGetArrayRead(u, &b));
  DiniTestClose(PetscRealPart(b[0]), 0.20704945079661813, 1e-12, 0.0, "u at the end");
  PetscCall(VecRestoreArrayRead(u, &b));
  PetscCall(DiniCreateParameterVec(chain, &dm));
  PetscCall(VecSet(dm, 0.0));
  PetscCall(VecGetLocalSize(dm, &N));
  PetscCall(VecGetArray(dm, &a));
  if (N == 2) a[0] = 1.0; /* the rank that has p */
  PetscCall(VecRestoreArray(dm, &a));
  PetscCall(VecDuplicate(u, &du));
  PetscCall(DiniJVP(chain, dm, du));
  PetscCall(VecGetArrayRead(du, &b));
  DiniTestClose(PetscRealPart(b[0]), -0.20298965764374327, 1e-9, 0.0, "du/dp");
  PetscCall(VecRestoreArrayRead(du, &b));
  PetscCall(VecDuplicate(dm, &mbar));
  PetscCall(VecDuplicate(u, &ubar));
  PetscCall(VecSet(ubar, 1.0));
  PetscCall(DiniVJP(chain, ubar, mbar));
  PetscCall(VecGetArrayRead(mbar, &b));
  if (N == 2) DiniTestClose(PetscRealPart(b[0]), -0.20298965764374327 * (PetscReal)ranks, 1e-9, 0.0, "adjoint of p");
  DiniTestClose(PetscRealPart(b[N - 1]), 0.20704945079661813 / 1.5, 1e-10, 0.0, "du/du_0");
  PetscCall(VecRestoreArrayRead(mbar, &b));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&ubar));
  PetscCall(DiniDestroy(&chain));
  PetscCall(DiniDestroy(&step));
  PetscCall(SNESDestroy(&snes));
  PetscCall(MatDestroy(&d.J));
  PetscCall(VecDestroy(&d.before));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&u0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- Reaction and diffusion ---- */

/* du_N along dm by central differences of the loop; ddu: the second ones, or NULL */
static PetscErrorCode Differences(Marching *m, Vec dm, PetscReal h, Vec du, Vec ddu)
{
  Vec at, shifted, u[3];

  PetscFunctionBeginUser;
  for (int k = 0; k < 3; k++) PetscCall(VecDuplicate(m->u, &u[k]));
  PetscCall(DiniCreateParameterVec(m->chain, &at));
  PetscCall(VecDuplicate(at, &shifted));
  for (int k = 0; k < 3; k++) {
    PetscCall(VecWAXPY(shifted, h * (PetscReal)(k - 1), dm, at));
    PetscCall(DiniSetParameters(m->chain, shifted));
    PetscCall(MarchingLoop(m, PETSC_FALSE, u[k]));
  }
  PetscCall(DiniSetParameters(m->chain, at));
  PetscCall(VecWAXPY(du, -1.0, u[0], u[2]));
  PetscCall(VecScale(du, 0.5 / h));
  if (ddu) {
    PetscCall(VecWAXPY(ddu, 1.0, u[0], u[2]));
    PetscCall(VecAXPY(ddu, -2.0, u[1]));
    PetscCall(VecScale(ddu, 1.0 / (h * h)));
  }
  for (int k = 0; k < 3; k++) PetscCall(VecDestroy(&u[k]));
  PetscCall(VecDestroy(&at));
  PetscCall(VecDestroy(&shifted));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J = |u - 1|^2/2 */
static PetscErrorCode Value(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  Marching *m = (Marching *)ctx;
  PetscReal norm;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecCopy(u, m->w));
  PetscCall(VecShift(m->w, -1.0));
  PetscCall(VecNorm(m->w, NORM_2, &norm));
  *value = 0.5 * norm * norm;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini, (void)dJdm, (void)ctx;
  PetscCall(VecCopy(u, dJdu));
  PetscCall(VecShift(dJdu, -1.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* H v by differences of fourth order of gradients, each at a solve of its own */
static PetscErrorCode TestHVP(Marching *m, Vec dm)
{
  static const PetscReal weight[] = {1.0 / 12.0, -2.0 / 3.0, 0.0, 2.0 / 3.0, -1.0 / 12.0};
  const PetscReal        h        = 2e-3;
  Vec                    at, shifted, g, expected, Hv;
  PetscReal              value;

  PetscFunctionBeginUser;
  PetscCall(DiniSetObjective(m->chain, Value, Gradient, m));
  PetscCall(DiniSetState(m->chain, m->u));
  PetscCall(DiniCreateParameterVec(m->chain, &at));
  PetscCall(VecDuplicate(at, &shifted));
  PetscCall(VecDuplicate(at, &g));
  PetscCall(VecDuplicate(at, &Hv));
  PetscCall(VecDuplicate(at, &expected));
  PetscCall(VecSet(expected, 0.0));
  for (int k = 0; k < 5; k++) {
    PetscCall(VecWAXPY(shifted, h * (PetscReal)(k - 2), dm, at));
    PetscCall(DiniComputeObjectiveAndGradient(m->chain, shifted, &value, g));
    PetscCall(VecAXPY(expected, weight[k] / h, g));
  }
  PetscCall(DiniSetParameters(m->chain, at));
  PetscCall(DiniSolve(m->chain, m->u));
  PetscCall(DiniHVP(m->chain, dm, Hv));
  PetscCall(DiniTestVecsClose(Hv, expected, 1e-6, "H v"));
  PetscCall(VecDestroy(&g));
  PetscCall(VecDestroy(&Hv));
  PetscCall(VecDestroy(&at));
  PetscCall(VecDestroy(&shifted));
  PetscCall(VecDestroy(&expected));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestMarching(PetscBool second)
{
  const char    *what = second ? "BDF2" : "backward Euler";
  Marching       m;
  DiniStatistics before, after;
  Vec            dm, du, ddu, expected, curved, mbar, ubar;

  PetscFunctionBeginUser;
  PetscCall(MarchingCreate(12, second, PETSC_TRUE, &m));
  PetscCall(VecDuplicate(m.u, &du));
  PetscCall(VecDuplicate(m.u, &ddu));
  PetscCall(VecDuplicate(m.u, &expected));
  PetscCall(VecDuplicate(m.u, &curved));
  PetscCall(DiniTestVec(m.u, 8, &ubar));
  PetscCall(MarchingLoop(&m, PETSC_FALSE, expected));
  PetscCall(DiniSolve(m.chain, m.u));
  PetscCall(DiniTestVecsClose(m.u, expected, 1e-11, what));
  PetscCall(DiniCreateParameterVec(m.chain, &mbar));
  PetscCall(DiniTestVec(mbar, 6, &dm));
  if (PetscDefined(USE_COMPLEX)) PetscCall(VecRealPart(dm));
  PetscCall(Differences(&m, dm, 1e-4, expected, curved));
  PetscCall(DiniSolve(m.chain, m.u));
  PetscCall(DiniJVP(m.chain, dm, du));
  PetscCall(DiniTestVecsClose(du, expected, 1e-6, what));
  PetscCall(DiniSecondJVP(m.chain, dm, dm, ddu));
  PetscCall(DiniTestVecsClose(ddu, curved, 1e-4, what));
  PetscCall(DiniTestDotProduct(m.chain, 1e-10));
  PetscCall(DiniVJP(m.chain, ubar, mbar));
  PetscCall(DiniGetStatistics(m.step, &before));
  PetscCall(DiniTestFill(ubar, 9));
  PetscCall(DiniVJP(m.chain, ubar, mbar));
  PetscCall(DiniGetStatistics(m.step, &after));
  DiniTestCount(after.adjoint_solves - before.adjoint_solves, m.N, "adjoints of the step for three blocks");
  DiniTestCount(after.forward_solves - before.forward_solves, 0, "forward solves of the step for an adjoint");
  PetscCall(DiniTestFill(dm, 16));
  PetscCall(DiniJVP(m.chain, dm, du));
  PetscCall(DiniGetStatistics(m.step, &before));
  DiniTestCount(before.tangent_solves - after.tangent_solves, m.N, "tangents of the step for three blocks");
  PetscCall(DiniTestFill(dm, 6));
  if (PetscDefined(USE_COMPLEX)) PetscCall(VecRealPart(dm));
  PetscCall(TestHVP(&m, dm));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&ddu));
  PetscCall(VecDestroy(&expected));
  PetscCall(VecDestroy(&curved));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&ubar));
  PetscCall(MarchingDestroy(&m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestClosedForm());
  PetscCall(TestMarching(PETSC_FALSE));
  PetscCall(TestMarching(PETSC_TRUE));
  PetscCall(PetscFinalize());
  return 0;
}
