static char help[] =
    "What a check can not tell is no pass; a wrong gradient of an objective is called that, and not J.\n";

#include "support/fixedmap.h"

/* Runs DiniCheck(); its text and the messages are in text */
static PetscErrorCode Check(Dini dini, PetscErrorCode expected, const char words[], const char what[])
{
  char           text[16384];
  PetscViewer    viewer;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  PetscCall(DiniTestTextOpen(&viewer));
  PetscCall(DiniTestCatch());
  ierr = DiniCheck(dini, viewer);
  PetscCall(DiniTestRelease());
  PetscCall(DiniTestTextClose(&viewer, text, sizeof(text)));
  PetscCall(PetscStrlcat(text, DiniTestMessages(), sizeof(text)));
  DiniTestTrue(ierr == expected, "%s: error %d instead of %d:\n%s", what, (int)ierr, (int)expected, text);
  PetscCall(DiniTestTextHas(text, words));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F_m of the wrong sign, behind solves of this tolerance */
static PetscErrorCode WrongFill(Dini dini, Vec u, Vec m, Mat Fm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini, (void)u, (void)m, (void)ctx;
  PetscCall(MatZeroEntries(Fm));
  PetscCall(MatShift(Fm, 1.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  Dini      dini;
  PetscReal sign; /* of the gradient that it tells */
  PetscInt  values;
  PetscBool inm;
} Half;

static PetscErrorCode HalfValue(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  Half     *h = (Half *)ctx;
  PetscReal mnorm;
  Vec       m;

  PetscFunctionBeginUser;
  h->values++;
  PetscCall(VecNorm(u, NORM_2, value));
  PetscCall(DiniGetParameter(dini, 0, NULL, &m));
  PetscCall(VecNorm(m, NORM_2, &mnorm));
  *value = 0.5 * *value * *value + 0.25 * mnorm * mnorm;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode HalfGradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  Half *h = (Half *)ctx;
  Vec   m, part;

  PetscFunctionBeginUser;
  PetscCall(VecCopy(u, dJdu));
  if (!h->inm) PetscCall(VecScale(dJdu, h->sign));
  PetscCall(DiniGetParameter(dini, 0, NULL, &m));
  PetscCall(DiniGetParameterSubVec(dini, dJdm, 0, &part));
  PetscCall(VecAXPY(part, h->inm ? 0.5 * h->sign : 0.5, m));
  PetscCall(DiniRestoreParameterSubVec(dini, dJdm, 0, &part));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A line that can not tell names the tolerance that would; with that one the same lines do tell */
static PetscErrorCode TestLoose(void)
{
  Cubic     c;
  FixedMap  f;
  Linear    l;
  SNES      snes;
  PetscReal keep;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(7, DiniTestScalar(0.5, 0.3), &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERRHS));
  PetscCall(SNESSetTolerances(c.snes, 1e-50, 0.3, 0.0, 50, 1000));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(Check(c.dini, PETSC_ERR_NOT_CONVERGED, "tests could not tell right from wrong", "snes"));
  PetscCall(Check(c.dini, PETSC_ERR_NOT_CONVERGED, "-snes_rtol 1e-", "snes"));
  PetscCall(SNESSetTolerances(c.snes, 1e-50, 1e-12, 0.0, 50, 1000));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(Check(c.dini, PETSC_SUCCESS, "Dini check passed: 5 tests", "snes, tight"));
  PetscCall(CubicDestroy(&c));

  PetscCall(LinearCreate(10, &l));
  PetscCall(KSPSetOptionsPrefix(l.ksp, "flow_"));
  PetscCall(KSPSetType(l.ksp, KSPBCGS));
  PetscCall(LinearDini(&l, DINIKSP, DINIPARAMETERMATRIX));
  {
    PC pc;

    PetscCall(KSPGetPC(l.ksp, &pc));
    PetscCall(PCSetType(pc, PCNONE));
  }
  PetscCall(KSPSetTolerances(l.ksp, 0.05, 1e-50, PETSC_DEFAULT, 500));
  PetscCall(DiniSolve(l.dini, l.u));
  PetscCall(Check(l.dini, PETSC_ERR_NOT_CONVERGED, "-flow_ksp_rtol 1e-", "ksp"));
  PetscCall(LinearDestroy(&l));

  PetscCall(FixedMapCreate(7, FIXEDMAP_SYMMETRIC, 0.6, 0.2, &f));
  PetscCall(FixedMapDini(&f, DINI_FIXEDPOINT_MATRIX));
  PetscCall(DiniGetFixedPointSNES(f.dini, &snes));
  PetscCall(SNESGetTolerances(snes, NULL, &keep, NULL, NULL, NULL));
  PetscCall(SNESSetTolerances(snes, 1e-50, 0.1, 0.0, 50, 1000));
  PetscCall(DiniSolve(f.dini, f.u));
  PetscCall(Check(f.dini, PETSC_ERR_NOT_CONVERGED, "-dini_fixedpoint_snes_rtol 1e-", "fixedpoint"));
  PetscCall(FixedMapDestroy(&f));

  PetscCall(CubicCreate(7, 0.0, &c)); /* the application's own solve has no option of its own */
  PetscCall(CubicDini(&c, DINISHELL, DINIPARAMETERRHS));
  PetscCall(DiniSetAttachTolerances(c.dini, 1.0, PETSC_DEFAULT));
  PetscCall(SNESSetTolerances(c.snes, 1e-50, 0.3, 0.0, 50, 1000));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(Check(c.dini, PETSC_ERR_NOT_CONVERGED, "one that is tighter by", "shell"));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A gradient of the wrong sign passes at no tolerance */
static PetscErrorCode TestWrongSign(PetscReal rtol)
{
  Cubic          c;
  Half           h = {.sign = 1.0};
  PetscErrorCode ierr;
  PetscViewer    viewer;
  char           text[16384];

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(7, 0.0, &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERMATRIX));
  PetscCall(DiniSetParameterJacobian(c.dini, c.p, c.Fm, WrongFill, &c));
  PetscCall(DiniSetGuard(c.dini, PETSC_FALSE));
  PetscCall(DiniSetObjective(c.dini, HalfValue, HalfGradient, &h));
  PetscCall(SNESSetTolerances(c.snes, 1e-50, rtol, 0.0, 50, 1000));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniTestTextOpen(&viewer));
  PetscCall(DiniTestCatch());
  ierr = DiniCheck(c.dini, viewer);
  PetscCall(DiniTestRelease());
  PetscCall(DiniTestTextClose(&viewer, text, sizeof(text)));
  DiniTestTrue(ierr == PETSC_ERR_ARG_WRONG, "A gradient of the wrong sign at rtol %g: error %d\n%s", (double)rtol,
               (int)ierr, text);
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- The objective's partial derivatives ---- */

static PetscErrorCode TestObjective(PetscBool inm)
{
  const char *name = inm ? "dJ/dm" : "dJ/du", *other = inm ? "dJ/du, dJ/dm" : "dJ/dm and";
  Cubic       c;
  Half        h = {.sign = -1.0, .inm = inm};
  Vec         m, g;
  Mat         G;
  PetscReal   value, values[1];
  PetscInt    n;
  PetscBool   blamed;
  size_t      length;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(7, DiniTestScalar(0.4, 0.2), &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERRHS));
  PetscCall(DiniSetState(c.dini, c.u));
  PetscCall(DiniSetObjective(c.dini, HalfValue, HalfGradient, &h));
  PetscCall(DiniCreateParameterVec(c.dini, &m));
  PetscCall(VecDuplicate(m, &g));
  DiniTestExpect(DiniComputeObjectiveAndGradient(c.dini, m, &value, g), PETSC_ERR_ARG_WRONG, name);
  PetscCall(PetscStrlen(DiniTestMessages(), &length));
  PetscCall(DiniTestTextHas(DiniTestMessages(), "J and F_m are not to blame"));
  (void)other, (void)blamed, (void)length;
  PetscCall(Check(c.dini, PETSC_ERR_ARG_WRONG, name, "objective in DiniCheck()"));
  PetscCall(DiniSetGuard(c.dini, PETSC_FALSE));
  PetscCall(DiniComputeObjectiveAndGradient(c.dini, m, &value, g));
  PetscCall(DiniSetGuard(c.dini, PETSC_TRUE));
  /* mended: two values more at the first gradient, and none at the next */
  h.sign = 1.0;
  PetscCall(DiniSetObjective(c.dini, HalfValue, HalfGradient, &h));
  n = h.values;
  PetscCall(DiniComputeObjectiveAndGradient(c.dini, m, &value, g));
  DiniTestCount(h.values - n, 3, "values of the objective for its first gradient");
  n = h.values;
  PetscCall(DiniComputeObjectiveAndGradient(c.dini, m, &value, g));
  DiniTestCount(h.values - n, 1, "values of the objective for its second gradient");
  PetscCall(Check(c.dini, PETSC_SUCCESS, "of the objective against differences", "mended objective"));
  /* further objectives, by their names */
  h.sign = -1.0;
  PetscCall(DiniAddObjective(c.dini, "half", HalfValue, HalfGradient, &h, NULL));
  PetscCall(VecGetLocalSize(m, &n));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, n, PETSC_DECIDE, PETSC_DECIDE, 1, NULL, &G));
  DiniTestExpect(DiniComputeObjectives(c.dini, m, values, G), PETSC_ERR_ARG_WRONG, "half");
  h.sign = 1.0;
  PetscCall(DiniComputeObjectives(c.dini, m, values, G));
  PetscCall(MatDestroy(&G));
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&g));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* At the minimum of the objective, on the edge of its domain, and with parameters that are locked, nobody is accused */
static PetscErrorCode DistanceValue(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  Vec d;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecDuplicate(u, &d));
  PetscCall(VecWAXPY(d, -1.0, (Vec)ctx, u));
  PetscCall(VecNorm(d, NORM_2, value));
  *value *= 0.5 * *value;
  PetscCall(VecDestroy(&d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DistanceGradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini, (void)dJdm;
  PetscCall(VecWAXPY(dJdu, -1.0, (Vec)ctx, u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RootValue(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  PetscScalar sum;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecSum(u, &sum));
  *value = PetscSqrtReal(PetscRealPart(sum) - *(PetscReal *)ctx);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RootGradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  PetscReal value = 0.0;

  PetscFunctionBeginUser;
  (void)dJdm;
  PetscCall(RootValue(dini, u, &value, ctx));
  PetscCall(VecSet(dJdu, 0.5 / value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestInnocent(void)
{
  Cubic     c;
  Vec       m, g, target;
  PetscReal value = 0.0, edge;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(7, 0.0, &c)); /* u = 1 */
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERRHS));
  PetscCall(DiniSetState(c.dini, c.u));
  PetscCall(DiniCreateParameterVec(c.dini, &m));
  PetscCall(VecDuplicate(m, &g));
  PetscCall(VecDuplicate(c.u, &target));
  PetscCall(VecSet(target, 1.0));
  PetscCall(DiniSetObjective(c.dini, DistanceValue, DistanceGradient, target));
  PetscCall(DiniComputeObjectiveAndGradient(c.dini, m, &value, g));
  PetscCall(VecLockReadPush(c.m));
  PetscCall(VecSet(target, 0.5));
  PetscCall(DiniComputeObjectiveAndGradient(c.dini, m, &value, g));
  PetscCall(VecLockReadPop(c.m));
  edge = 7.0 - 1e-4; /* the larger steps leave the domain */
  PetscCall(DiniSetObjective(c.dini, RootValue, RootGradient, &edge));
  PetscCall(DiniComputeObjectiveAndGradient(c.dini, m, &value, g));
  PetscCall(VecDestroy(&target));
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&g));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestLoose());
  PetscCall(TestWrongSign(1e-2));
  PetscCall(TestWrongSign(1e-10));
  PetscCall(TestObjective(PETSC_FALSE));
  PetscCall(TestObjective(PETSC_TRUE));
  PetscCall(TestInnocent());
  PetscCall(PetscFinalize());
  return 0;
}
