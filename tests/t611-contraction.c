static char help[] = "The contraction rate against known spectra; maps that do not contract: refused or right.\n";

#include "support/fixedmap.h"

typedef struct {
  FixedMapKind kind;
  PetscReal    s;
} Case;

/* The spectral radius of s times the map of this kind, with c = 0 */
static PetscReal Radius(PetscInt N, FixedMapKind kind, PetscReal s)
{
  if (kind == FIXEDMAP_SYMMETRIC) return s * PetscCosReal(PETSC_PI / (PetscReal)(N + 1));
  return kind == FIXEDMAP_NILPOTENT ? 0.0 : s;
}

static PetscErrorCode Create(PetscInt N, FixedMapKind kind, PetscReal s, DiniFixedPointMethod method, FixedMap *f)
{
  PetscFunctionBeginUser;
  PetscCall(FixedMapCreate(N, kind, s, 0.0, f));
  PetscCall(FixedMapDini(f, DINI_FIXEDPOINT_OPERATOR));
  PetscCall(DiniSetFixedPointMethod(f->dini, method));
  PetscCall(DiniSetSolve(f->dini, FixedMapNewton, f)); /* converges whether the map contracts or not */
  PetscCall(DiniSolve(f->dini, f->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* By Arnoldi, from no more products than it says; at most 30 unknowns: the radius itself, else from below */
static PetscErrorCode TestArnoldi(PetscInt N, FixedMapKind kind, PetscReal s)
{
  const PetscReal radius = Radius(N, kind, s);
  FixedMap        f;
  PetscReal       rate, again;
  PetscInt        products;

  PetscFunctionBeginUser;
  PetscCall(Create(N, kind, s, DINI_FIXEDPOINT_KRYLOV, &f));
  PetscCall(DiniSetGuard(f.dini, PETSC_FALSE));
  f.products = 0;
  PetscCall(DiniGetContractionRate(f.dini, &rate));
  DiniTestTrue(f.products <= PetscMin(N, 30) + 1, "%" PetscInt_FMT " products for %" PetscInt_FMT " unknowns",
               f.products, N);
  products = f.products;
  PetscCall(DiniGetContractionRate(f.dini, &again));
  DiniTestCount(f.products, products, "products of a second question at a point");
  DiniTestClose(rate, again, 0.0, 0.0, "rate asked for twice");
  if (kind == FIXEDMAP_NILPOTENT) DiniTestTrue(rate < 0.2, "nilpotent, N %" PetscInt_FMT ": rate %g", N, (double)rate);
  else DiniTestClose(rate, radius, N <= 10 ? 1e-3 : 0.02, 1e-12, "rate by Arnoldi and spectral radius");
  PetscCall(FixedMapDestroy(&f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* By the iteration's own residuals: what it grows to at first does not count */
static PetscErrorCode TestIteration(PetscInt N, FixedMapKind kind, PetscReal s)
{
  FixedMap       f;
  Vec            ubar, mbar, expected;
  PetscReal      rate;
  DiniStatistics stats;

  PetscFunctionBeginUser;
  PetscCall(Create(N, kind, s, DINI_FIXEDPOINT_ITERATE, &f));
  PetscCall(DiniTestVec(f.u, 5, &ubar));
  PetscCall(VecDuplicate(f.m, &mbar));
  PetscCall(VecDuplicate(f.m, &expected));
  PetscCall(DiniVJP(f.dini, ubar, mbar));
  PetscCall(FixedMapReference(&f, NULL, NULL, ubar, expected));
  PetscCall(DiniTestVecsClose(mbar, expected, 1e-7, "VJP by iteration"));
  f.products = f.adjoints = 0;
  PetscCall(DiniGetContractionRate(f.dini, &rate));
  DiniTestTrue(f.products + f.adjoints <= 1, "a rate that is known takes products"); /* is the map still the same? */
  PetscCall(DiniGetStatistics(f.dini, &stats));
  if (kind == FIXEDMAP_NILPOTENT) { /* exact after N steps */
    DiniTestTrue(stats.adjoint_iterations <= N, "nilpotent: %" PetscInt_FMT " steps", stats.adjoint_iterations);
    DiniTestTrue(rate < 0.2, "nilpotent, N %" PetscInt_FMT ": rate %g", N, (double)rate);
  } else
    DiniTestClose(rate, Radius(N, kind, s), kind == FIXEDMAP_NONNORMAL ? 0.2 : 0.02, 1e-12, "rate of the iteration");
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&expected));
  PetscCall(FixedMapDestroy(&f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A map that does not contract: under iterate an error with the rate, on all ranks; then Krylov on the same object is right */
static PetscErrorCode TestExpanding(PetscInt N, FixedMapKind kind, PetscReal s, const char words[])
{
  FixedMap            f;
  Vec                 dm, du, duref, ubar, mbar, mbarref;
  DiniConvergedReason reason;
  PetscReal           rate;

  PetscFunctionBeginUser;
  PetscCall(Create(N, kind, s, DINI_FIXEDPOINT_ITERATE, &f));
  PetscCall(DiniTestVec(f.m, 6, &dm));
  PetscCall(DiniTestVec(f.u, 7, &ubar));
  PetscCall(VecDuplicate(f.u, &du));
  PetscCall(VecDuplicate(f.u, &duref));
  PetscCall(VecDuplicate(f.m, &mbar));
  PetscCall(VecDuplicate(f.m, &mbarref));
  PetscCall(FixedMapReference(&f, dm, duref, ubar, mbarref));
  PetscCall(DiniSetFixedPointMaxIterations(f.dini, 200));
  DiniTestExpect(DiniVJP(f.dini, ubar, mbar), PETSC_ERR_NOT_CONVERGED, "does not contract");
  PetscCall(DiniGetConvergedReason(f.dini, &reason));
  DiniTestTrue(reason == DINI_DIVERGED_ADJOINT, "reason %d", (int)reason);
  DiniTestExpect(DiniJVP(f.dini, dm, du), PETSC_ERR_NOT_CONVERGED, words);
  PetscCall(DiniGetConvergedReason(f.dini, &reason));
  DiniTestTrue(reason == DINI_DIVERGED_TANGENT, "reason %d", (int)reason);
  DiniTestExpect(DiniVJP(f.dini, ubar, mbar), PETSC_ERR_NOT_CONVERGED, "-dini_fixedpoint_method krylov");
  PetscCall(DiniGetContractionRate(f.dini, &rate));
  DiniTestTrue(rate >= 0.99, "rate %g of a map that does not contract", (double)rate);
  PetscCall(DiniSetErrorIfNotConverged(f.dini, PETSC_FALSE)); /* a reason and NaN in place of the error */
  PetscCall(DiniVJP(f.dini, ubar, mbar));
  PetscCall(DiniGetConvergedReason(f.dini, &reason));
  PetscCall(VecNorm(mbar, NORM_2, &rate));
  DiniTestTrue(reason == DINI_DIVERGED_ADJOINT && PetscIsInfOrNanReal(rate), "reason %d, |mbar| %g", (int)reason,
               (double)rate);
  PetscCall(DiniSetErrorIfNotConverged(f.dini, PETSC_TRUE));
  PetscCall(DiniSetFixedPointMethod(f.dini, DINI_FIXEDPOINT_KRYLOV));
  PetscCall(DiniVJP(f.dini, ubar, mbar));
  PetscCall(DiniTestVecsClose(mbar, mbarref, 1e-8, "VJP without contraction"));
  PetscCall(DiniJVP(f.dini, dm, du));
  PetscCall(DiniTestVecsClose(du, duref, 1e-8, "JVP without contraction"));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&duref));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&mbarref));
  PetscCall(FixedMapDestroy(&f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The rate belongs to the point: |c cos u| for one unknown */
static PetscErrorCode TestPoints(DiniFixedPointMethod method)
{
  FixedMap    f;
  Vec         ubar, mbar;
  PetscScalar u;
  PetscReal   rate;

  PetscFunctionBeginUser;
  PetscCall(FixedMapCreate(1, FIXEDMAP_ROTATION, 0.0, 0.6, &f));
  PetscCall(FixedMapDini(&f, DINI_FIXEDPOINT_MATRIX));
  PetscCall(DiniSetFixedPointMethod(f.dini, method));
  PetscCall(DiniTestVec(f.u, 10, &ubar));
  PetscCall(VecDuplicate(f.m, &mbar));
  for (int k = 0; k < 3; k++) {
    PetscCall(DiniSolve(f.dini, f.u));
    if (method == DINI_FIXEDPOINT_ITERATE) PetscCall(DiniVJP(f.dini, ubar, mbar));
    PetscCall(DiniGetContractionRate(f.dini, &rate));
    PetscCall(VecSum(f.u, &u));
    DiniTestClose(rate, PetscAbsScalar(f.c * PetscCosScalar(u)), 1e-5, 0.0, "rate at this point");
    PetscCall(VecShift(f.m, 0.2));
  }
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(FixedMapDestroy(&f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Too slow for the steps allowed is not the same as diverging, and says so */
static PetscErrorCode TestSlow(void)
{
  FixedMap f;
  Vec      ubar, mbar;

  PetscFunctionBeginUser;
  PetscCall(Create(6, FIXEDMAP_ROTATION, 0.9, DINI_FIXEDPOINT_ITERATE, &f));
  PetscCall(DiniTestVec(f.u, 8, &ubar));
  PetscCall(VecDuplicate(f.m, &mbar));
  PetscCall(DiniSetFixedPointMaxIterations(f.dini, 20));
  DiniTestExpect(DiniVJP(f.dini, ubar, mbar), PETSC_ERR_NOT_CONVERGED, "contracts too slowly, its rate is 0.9");
  PetscCall(DiniSetFixedPointMaxIterations(f.dini, 1000));
  PetscCall(DiniVJP(f.dini, ubar, mbar));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(FixedMapDestroy(&f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The forward iteration of a map that does not contract fails, and names its options; the rate is in the view */
static PetscErrorCode TestReports(void)
{
  FixedMap    f;
  PetscViewer viewer;
  char        text[8192];
  Vec         ubar, mbar;

  PetscFunctionBeginUser;
  PetscCall(FixedMapCreate(6, FIXEDMAP_ROTATION, 1.5, 0.0, &f));
  PetscCall(FixedMapDini(&f, DINI_FIXEDPOINT_MATRIX));
  DiniTestExpect(DiniSolve(f.dini, f.u), PETSC_ERR_NOT_CONVERGED, "-dini_fixedpoint_snes_monitor");
  PetscCall(DiniSetSolve(f.dini, FixedMapNewton, &f));
  PetscCall(VecSet(f.u, 0.0));
  PetscCall(DiniSolve(f.dini, f.u));
  PetscCall(DiniTestVec(f.u, 9, &ubar));
  PetscCall(VecDuplicate(f.m, &mbar));
  PetscCall(DiniVJP(f.dini, ubar, mbar));
  PetscCall(DiniTestTextOpen(&viewer));
  PetscCall(DiniView(f.dini, viewer));
  PetscCall(DiniTestTextClose(&viewer, text, sizeof(text)));
  PetscCall(DiniTestTextHas(text, "contraction rate: 1.5\n"));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(FixedMapDestroy(&f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode HalfSquare(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)ctx;
  PetscCall(VecNorm(u, NORM_2, value));
  *value *= 0.5 * *value;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode HalfSquareGradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)dJdm;
  (void)ctx;
  PetscCall(VecCopy(u, dJdu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Differences of a J that is made of differences take a step that its rounding asks for. */
static PetscErrorCode TestHessian(DiniFixedPointDerivative kind)
{
  const DiniFixedPointDerivative kinds[] = {DINI_FIXEDPOINT_MATRIX, kind};
  FixedMap                       f;
  Vec                            v, Hv[2];

  PetscFunctionBeginUser;
  for (int k = 0; k < 2; k++) {
    PetscCall(FixedMapCreate(6, FIXEDMAP_SYMMETRIC, 0.5, 0.3, &f));
    PetscCall(FixedMapDini(&f, kinds[k]));
    PetscCall(DiniSetObjective(f.dini, HalfSquare, HalfSquareGradient, NULL));
    PetscCall(DiniSolve(f.dini, f.u));
    PetscCall(DiniTestVec(f.m, 5, &v));
    PetscCall(VecDuplicate(v, &Hv[k]));
    PetscCall(DiniHVP(f.dini, v, Hv[k]));
    PetscCall(VecDestroy(&v));
    PetscCall(FixedMapDestroy(&f));
  }
  PetscCall(DiniTestVecsClose(Hv[0], Hv[1], 3e-6, "H v with G_u by differences"));
  PetscCall(VecDestroy(&Hv[0]));
  PetscCall(VecDestroy(&Hv[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  const PetscInt sizes[] = {1, 2, 3, 7, 10};
  const Case     cases[] = {{FIXEDMAP_SYMMETRIC, 0.9},
                            {FIXEDMAP_NONNORMAL, 0.6},
                            {FIXEDMAP_ROTATION, 0.8},
                            {FIXEDMAP_NILPOTENT, 1.2},
                            {FIXEDMAP_ROTATION, 1.3}};

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestHessian(DINI_FIXEDPOINT_FD));
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(cases); i++) {
    for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(sizes); k++) {
      PetscCall(TestArnoldi(sizes[k], cases[i].kind, cases[i].s));
      if (cases[i].s < 1.0 || cases[i].kind == FIXEDMAP_NILPOTENT)
        PetscCall(TestIteration(sizes[k], cases[i].kind, cases[i].s));
    }
  }
  PetscCall(TestArnoldi(200, FIXEDMAP_SYMMETRIC, 0.9));
  PetscCall(TestExpanding(6, FIXEDMAP_ROTATION, 1.3, "rate is 1.3"));
  PetscCall(TestExpanding(6, FIXEDMAP_ROTATION, 1.0, "does not contract"));
  PetscCall(TestExpanding(5, FIXEDMAP_SYMMETRIC, 3.0, "rate is 2.59"));
  PetscCall(TestExpanding(1, FIXEDMAP_ROTATION, 2.0, "rate is 2"));
  PetscCall(TestPoints(DINI_FIXEDPOINT_KRYLOV));
  PetscCall(TestPoints(DINI_FIXEDPOINT_ITERATE));
  PetscCall(TestSlow());
  PetscCall(TestReports());
  PetscCall(PetscFinalize());
  return 0;
}
