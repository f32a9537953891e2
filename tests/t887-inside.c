static char help[] =
    "Who calls whom: a KSP of Dini's is that of its own direction, whatever has been solved before, and an objective may be made\n\
of derivatives.\n";

#include "support/fixtures.h"
#include "support/roots.h"

/* ---- The KSPs that Dini hands out ---- */

/* What stands behind a KSP: M r, or M^H r */
static PetscErrorCode Apply(KSP ksp, Vec r, Vec x)
{
  PC pc;

  PetscFunctionBeginUser;
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCApply(pc, r, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A factorisation at the solution: J^{-1} r for the tangent KSP, J^{-H} r for the adjoint one, in any order of calls */
static PetscErrorCode TestDirections(void)
{
  Transport t;
  KSP       tangent, adjoint;
  Vec       r, x, y, dm, mbar, right[2];
  Mat       J;

  PetscFunctionBeginUser;
  PetscCall(TransportCreate(5, 4, &t));
  PetscCall(TransportDini(&t, DINIPARAMETERMATRIX));
  PetscCall(DiniSetReuse(t.dini, DINI_REUSE_NEVER));
  PetscCall(DiniSolve(t.dini, t.u));
  PetscCall(DiniTestVec(t.u, 7, &r));
  PetscCall(DiniTestVec(t.m, 8, &dm));
  PetscCall(VecDuplicate(dm, &mbar));
  PetscCall(VecDuplicate(r, &x));
  PetscCall(VecDuplicate(r, &y));
  for (int d = 0; d < 2; d++) PetscCall(VecDuplicate(r, &right[d]));
  PetscCall(DiniVJP(t.dini, r, mbar));
  PetscCall(DiniJVP(t.dini, dm, x));
  PetscCall(DiniGetJacobian(t.dini, &J, NULL));
  PetscCall(DiniGetTangentKSP(t.dini, &tangent));
  PetscCall(DiniGetAdjointKSP(t.dini, &adjoint));
  PetscCall(Apply(tangent, r, right[0]));
  PetscCall(Apply(adjoint, r, right[1]));
  PetscCall(DiniTestVecsDiffer(right[0], right[1], 1e-3, "the two directions"));
  for (int order = 0; order < 2; order++) {
    PetscCall(VecScale(r, 1.5)); /* the last right-hand side is remembered */
    for (int d = 0; d < 2; d++) PetscCall(VecScale(right[d], 1.5));
    if (order == 0) PetscCall(DiniAdjointSolve(t.dini, r, y));
    else PetscCall(DiniTangentSolve(t.dini, r, y));
    PetscCall(Apply(tangent, r, x));
    PetscCall(DiniTestVecsClose(x, right[0], 1e-10, "the tangent KSP's preconditioner"));
    PetscCall(Apply(adjoint, r, x));
    PetscCall(DiniTestVecsClose(x, right[1], 1e-10, "the adjoint KSP's preconditioner"));
    PetscCall(KSPSolve(tangent, r, x));
    PetscCall(DiniTestDirectSolve(J, PETSC_FALSE, r, y));
    PetscCall(DiniTestVecsClose(x, y, 1e-7, "KSPSolve() with the tangent KSP"));
    PetscCall(KSPSolve(adjoint, r, x));
    PetscCall(DiniTestDirectSolve(J, PETSC_TRUE, r, y));
    PetscCall(DiniTestVecsClose(x, y, 1e-7, "KSPSolve() with the adjoint KSP"));
  }
  PetscCall(VecDestroy(&r));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&y));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&mbar));
  for (int d = 0; d < 2; d++) PetscCall(VecDestroy(&right[d]));
  PetscCall(TransportDestroy(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- An objective made of derivatives: J = |du/dm|^2 / 2, with du/dm = s(u, m) = -n / d entry by entry ---- */

typedef struct {
  Roots    *r;
  Vec       ones, s;
  PetscBool solves;
} Sensitive;

static PetscErrorCode Value(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  Sensitive *c = (Sensitive *)ctx;
  PetscReal  norm;

  PetscFunctionBeginUser;
  if (c->solves) PetscCall(DiniSolve(dini, u));
  PetscCall(DiniVJP(dini, c->ones, c->s));
  PetscCall(VecNorm(c->s, NORM_2, &norm));
  *value = 0.5 * norm * norm;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* n = u^2 + 2 m u, d = 2 m u + m^2; all is real */
static PetscErrorCode Gradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  const PetscScalar *x, *y;
  PetscScalar       *gu, *gm;
  Sensitive         *c = (Sensitive *)ctx;
  Vec                part;

  PetscFunctionBeginUser;
  PetscCall(DiniGetParameterSubVec(dini, dJdm, 0, &part));
  PetscCall(VecGetArrayRead(u, &x));
  PetscCall(VecGetArrayRead(c->r->m, &y));
  PetscCall(VecGetArray(dJdu, &gu));
  PetscCall(VecGetArray(part, &gm));
  for (PetscInt i = 0; i < c->r->n; i++) {
    const PetscScalar n = x[i] * x[i] + 2.0 * y[i] * x[i], d = 2.0 * y[i] * x[i] + y[i] * y[i], s = -n / d;

    gu[i] = -s * ((2.0 * x[i] + 2.0 * y[i]) * d - n * 2.0 * y[i]) / (d * d);
    gm[i] = -s * (2.0 * x[i] * d - n * (2.0 * x[i] + 2.0 * y[i])) / (d * d);
  }
  PetscCall(VecRestoreArray(part, &gm));
  PetscCall(VecRestoreArray(dJdu, &gu));
  PetscCall(VecRestoreArrayRead(c->r->m, &y));
  PetscCall(VecRestoreArrayRead(u, &x));
  PetscCall(DiniRestoreParameterSubVec(dini, dJdm, 0, &part));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestObjective(void)
{
  Roots       r;
  Sensitive   c = {&r, NULL, NULL, PETSC_FALSE};
  Dini        dini;
  Vec         u, m, g;
  PetscReal   value;
  PetscViewer viewer;
  char        text[8192];

  PetscFunctionBeginUser;
  PetscCall(RootsCreate(ROOTS_AIJ, &r));
  PetscCall(RootsBranch(&r, 2.5, PETSC_TRUE, &dini, &u));
  PetscCall(VecDuplicate(r.m, &c.ones));
  PetscCall(VecDuplicate(r.m, &c.s));
  PetscCall(VecSet(c.ones, 1.0));
  PetscCall(DiniSetState(dini, u));
  PetscCall(DiniSetObjective(dini, Value, Gradient, &c));
  PetscCall(DiniCreateParameterVec(dini, &m));
  PetscCall(VecDuplicate(m, &g));
  PetscCall(DiniComputeObjective(dini, m, &value));
  DiniTestClose(value, 0.5 * 7 * 1.6 * 1.6, 1e-8, 0.0, "an objective made of derivatives");
  PetscCall(DiniComputeObjectiveAndGradient(dini, m, &value, g));
  PetscCall(RootsExpect(g, -1.6 * (1.12 + 0.56 * 1.6), "its gradient"));
  PetscCall(DiniTestTextOpen(&viewer));
  PetscCall(DiniCheck(dini, viewer));
  PetscCall(DiniTestTextClose(&viewer, text, sizeof(text)));
  PetscCall(DiniTestTextHas(text, "Dini check passed"));
  c.solves = PETSC_TRUE;
  DiniTestExpect(DiniComputeObjective(dini, m, &value), PETSC_ERR_ARG_WRONGSTATE, "from inside the objective callback");
  PetscCall(VecDestroy(&c.ones));
  PetscCall(VecDestroy(&c.s));
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&g));
  PetscCall(VecDestroy(&u));
  PetscCall(DiniDestroy(&dini));
  PetscCall(RootsDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestDirections());
  PetscCall(TestObjective());
  PetscCall(PetscFinalize());
  return 0;
}
