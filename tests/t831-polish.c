static char help[] = "What a loose forward solve leaves in gradients: estimated, and taken out by -dini_polish.\n";

#include "support/fixedmap.h"

typedef struct {
  Dini dini;
  Vec  u, m;
  SNES snes;
  KSP  ksp;
} Loose; /* one problem, whatever is behind it */

static PetscErrorCode Tolerance(Loose *l, PetscReal rtol)
{
  PetscFunctionBeginUser;
  if (l->snes) PetscCall(SNESSetTolerances(l->snes, 1e-50, rtol, 0.0, 100, 10000));
  if (l->ksp) PetscCall(KSPSetTolerances(l->ksp, rtol, 1e-50, PETSC_DEFAULT, 500));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* mbar of a solve from zero */
static PetscErrorCode Gradient(Loose *l, PetscReal rtol, PetscBool polish, Vec ubar, Vec mbar, DiniStatistics *s)
{
  PetscFunctionBeginUser;
  PetscCall(Tolerance(l, rtol));
  PetscCall(DiniSetPolish(l->dini, polish));
  PetscCall(DiniResetStatistics(l->dini));
  PetscCall(VecSet(l->u, 0.0));
  PetscCall(DiniSolve(l->dini, l->u));
  PetscCall(DiniVJP(l->dini, ubar, mbar));
  PetscCall(DiniGetStatistics(l->dini, s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Distance2(Vec a, Vec b, PetscReal *relative)
{
  PetscReal norm;
  Vec       d;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(a, &d));
  PetscCall(VecWAXPY(d, -1.0, a, b));
  PetscCall(VecNorm(d, NORM_2, relative));
  PetscCall(VecNorm(b, NORM_2, &norm));
  *relative /= norm;
  PetscCall(VecDestroy(&d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* e without, about e^2 with; the report is of the size of the truth in both */
static PetscErrorCode Compare(Loose *l, PetscReal rtol, PetscReal exponent, const char what[])
{
  Vec            ubar, mbar, exact, u;
  PetscReal      plain, polished, before, after;
  DiniStatistics s;

  PetscFunctionBeginUser;
  PetscCall(DiniTestVec(l->u, 5, &ubar));
  PetscCall(DiniCreateParameterVec(l->dini, &mbar));
  PetscCall(VecDuplicate(mbar, &exact));
  PetscCall(VecDuplicate(l->u, &u));
  PetscCall(Gradient(l, 1e-13, PETSC_FALSE, ubar, exact, &s));
  PetscCall(VecCopy(l->u, u));
  DiniTestCount(s.polishes, 0, "polishes that nobody has asked for");
  DiniTestTrue(s.gradient_error <= 1e-7, "%s: a tight gradient with an estimated error of %g", what,
               (double)s.gradient_error);
  PetscCall(Gradient(l, rtol, PETSC_FALSE, ubar, mbar, &s));
  PetscCall(Distance2(mbar, exact, &plain));
  PetscCall(Distance2(l->u, u, &before));
  DiniTestTrue(before > 1e-6, "%s: a state that is good to %g, too good for this test", what, (double)before);
  DiniTestTrue(s.state_error > 0.3 * before && s.state_error < 3.0 * before, "%s: state off by %g, reported %g", what,
               (double)before, (double)s.state_error);
  DiniTestTrue(s.gradient_error >= 0.1 * plain && s.gradient_error >= s.state_error,
               "%s: gradient off by %g, reported %g", what, (double)plain, (double)s.gradient_error);
  PetscCall(Gradient(l, rtol, PETSC_TRUE, ubar, mbar, &s));
  PetscCall(Distance2(mbar, exact, &polished));
  PetscCall(Distance2(l->u, u, &after));
  DiniTestCount(s.polishes, 1, "polishes");
  DiniTestCount(s.polishes_accepted, 1, "polishes that were kept");
  DiniTestTrue(after <= 3.0 * PetscPowReal(before, exponent), "%s: u off by %g, polished %g", what, (double)before,
               (double)after);
  DiniTestTrue(polished <= 10.0 * PetscPowReal(before, exponent), "%s: gradient off by %g, of a polished u %g", what,
               (double)plain, (double)polished);
  DiniTestTrue(s.state_error <= 0.1 * before && s.state_error >= 0.01 * after, "%s: polished u off by %g, reported %g",
               what, (double)after, (double)s.state_error);
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&exact));
  PetscCall(VecDestroy(&u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestCubic(DiniType type)
{
  Cubic c;
  Loose l = {0};

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(8, DiniTestScalar(0.5, 0.3), &c));
  PetscCall(CubicDini(&c, type, DINIPARAMETERRHS));
  PetscCall(DiniSetAttachTolerances(c.dini, 0.1, PETSC_DEFAULT));
  l = (Loose){.dini = c.dini, .u = c.u, .m = c.m, .snes = c.snes};
  PetscCall(Compare(&l, 1e-2, 2.0, type));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A linear solve becomes as good as the correction */
static PetscErrorCode TestLinear(void)
{
  Linear lin;
  Loose  l = {0};

  PetscFunctionBeginUser;
  PetscCall(LinearCreate(12, &lin));
  PetscCall(KSPSetType(lin.ksp, KSPBCGS));
  PetscCall(LinearDini(&lin, DINIKSP, DINIPARAMETERMATRIX));
  l = (Loose){.dini = lin.dini, .u = lin.u, .m = lin.m, .ksp = lin.ksp};
  PetscCall(DiniTestOptionsSet("-pc_type none"));
  PetscCall(KSPSetFromOptions(lin.ksp));
  PetscCall(Compare(&l, 1e-3, 1.5, DINIKSP));
  PetscCall(LinearDestroy(&lin));
  PetscCall(DiniTestOptionsClear("-pc_type none"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestFixedPoint(void)
{
  FixedMap f;
  Loose    l = {0};

  PetscFunctionBeginUser;
  PetscCall(FixedMapCreate(8, FIXEDMAP_SYMMETRIC, 0.5, 0.2, &f));
  PetscCall(FixedMapDini(&f, DINI_FIXEDPOINT_MATRIX));
  PetscCall(DiniGetFixedPointSNES(f.dini, &l.snes));
  l.dini = f.dini;
  l.u    = f.u;
  l.m    = f.m;
  PetscCall(Compare(&l, 1e-2, 1.7, DINIFIXEDPOINT));
  PetscCall(FixedMapDestroy(&f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* u = 1 + (a root of which Newton's first step from 0.05 leads far away): |F| does not fall, and u stays */
static PetscErrorCode Steep(SNES snes, Vec u, Vec F, void *ctx)
{
  const PetscScalar *a;
  PetscScalar       *f;
  PetscInt           n;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(VecCopy((Vec)ctx, F));
  PetscCall(VecScale(F, -1.0));
  PetscCall(VecGetLocalSize(u, &n));
  PetscCall(VecGetArrayRead(u, &a));
  PetscCall(VecGetArray(F, &f));
  for (PetscInt i = 0; i < n; i++) f[i] += a[i] / PetscSqrtScalar(1.0 + a[i] * a[i]);
  PetscCall(VecRestoreArray(F, &f));
  PetscCall(VecRestoreArrayRead(u, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SteepJacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  Vec          d;
  PetscScalar *a;
  PetscInt     n;

  PetscFunctionBeginUser;
  (void)snes, (void)J, (void)ctx;
  PetscCall(VecDuplicate(u, &d));
  PetscCall(VecCopy(u, d));
  PetscCall(VecGetLocalSize(d, &n));
  PetscCall(VecGetArray(d, &a));
  for (PetscInt i = 0; i < n; i++) a[i] = PetscPowScalar(1.0 + a[i] * a[i], -1.5);
  PetscCall(VecRestoreArray(d, &a));
  PetscCall(MatDiagonalSet(P, d, INSERT_VALUES));
  PetscCall(VecDestroy(&d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TakeAnything(Dini dini, Vec u, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecSet(u, *(PetscScalar *)ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* u / sqrt(1 + u^2) = m: Newton's step from |u| > 1 goes to -u^3, away from the root at 0 */
static PetscErrorCode TestPutBack(void)
{
  Vec            u, m, du;
  Mat            J;
  SNES           snes;
  Dini           dini;
  DiniStatistics s;
  PetscScalar    start = 1.5;
  PetscReal      norm;

  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, 6, 6, 1, NULL, 0, NULL, &J));
  PetscCall(MatCreateVecs(J, &u, &m));
  PetscCall(VecDuplicate(u, &du));
  PetscCall(VecSet(m, 1e-3));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &snes));
  PetscCall(SNESSetFunction(snes, NULL, Steep, m));
  PetscCall(SNESSetJacobian(snes, J, J, SteepJacobian, NULL));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetSNES(dini, snes));
  PetscCall(DiniAddParameter(dini, "m", m, NULL));
  PetscCall(DiniSetParameterType(dini, 0, DINIPARAMETERRHS));
  PetscCall(DiniSetSolve(dini, TakeAnything, &start));
  PetscCall(DiniSetAttachTolerances(dini, PETSC_INFINITY, PETSC_DEFAULT));
  PetscCall(DiniSetPolish(dini, PETSC_TRUE));
  PetscCall(DiniSolve(dini, u));
  PetscCall(DiniGetStatistics(dini, &s));
  DiniTestCount(s.polishes, 1, "polishes");
  DiniTestCount(s.polishes_accepted, 0, "polishes that raise |F|, kept");
  PetscCall(VecShift(u, -start));
  PetscCall(VecNorm(u, NORM_INFINITY, &norm));
  DiniTestTrue(norm == 0.0, "A refused correction leaves u off by %g", (double)norm);
  PetscCall(VecShift(u, start));
  PetscCall(DiniJVP(dini, m, du)); /* the point stands */
  start = 0.01;
  PetscCall(DiniSolve(dini, u));
  PetscCall(DiniGetStatistics(dini, &s));
  DiniTestCount(s.polishes, 2, "polishes");
  DiniTestCount(s.polishes_accepted, 1, "polishes that lower |F|, kept");
  start = 1e-3 / PetscSqrtReal(1.0 - 1e-6); /* the root: nothing to polish */
  PetscCall(DiniSolve(dini, u));
  PetscCall(DiniGetStatistics(dini, &s));
  DiniTestCount(s.polishes, 2, "polishes of a state that is right to rounding");
  PetscCall(DiniDestroy(&dini));
  PetscCall(SNESDestroy(&snes));
  PetscCall(MatDestroy(&J));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&du));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The option, the report, and who refuses */
static PetscErrorCode TestOption(void)
{
  Cubic          c;
  DiniStatistics s;
  PetscViewer    viewer;
  char           text[16384];
  Vec            ubar, mbar;

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet("-dini_polish"));
  PetscCall(CubicCreate(6, 0.0, &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERRHS));
  PetscCall(SNESSetTolerances(c.snes, 1e-50, 1e-2, 0.0, 50, 1000));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniGetStatistics(c.dini, &s));
  DiniTestCount(s.polishes_accepted, 1, "polishes by option");
  PetscCall(DiniTestVec(c.u, 3, &ubar));
  PetscCall(VecDuplicate(c.m, &mbar));
  PetscCall(DiniVJP(c.dini, ubar, mbar));
  PetscCall(DiniTestTextOpen(&viewer));
  PetscCall(DiniView(c.dini, viewer));
  PetscCall(DiniTestTextClose(&viewer, text, sizeof(text)));
  PetscCall(DiniTestTextHas(text, "polished states 1, kept 1"));
  PetscCall(DiniTestTextHas(text, "of which the state"));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(CubicDestroy(&c));
  if (!PetscDefined(USE_COMPLEX)) {
    Box b;

    PetscCall(BoxCreate(8, 0.5, 0.0, SNESVINEWTONRSLS, &b));
    PetscCall(BoxDini(&b));
    PetscCall(DiniSetPolish(b.dini, PETSC_TRUE));
    DiniTestExpect(DiniSolve(b.dini, b.u), PETSC_ERR_SUP, "variational inequalities");
    PetscCall(BoxDestroy(&b));
  }
  PetscCall(DiniTestOptionsClear("-dini_polish"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestCubic(DINISNES));
  PetscCall(TestCubic(DINISHELL));
  PetscCall(TestLinear());
  PetscCall(TestFixedPoint());
  PetscCall(TestPutBack());
  PetscCall(TestOption());
  PetscCall(PetscFinalize());
  return 0;
}
