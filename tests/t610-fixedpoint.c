static char help[] = "Derivatives of u = G(u, m): every way to G_u, both ways to solve, every way to find u.\n";

#include "support/fixedmap.h"

/* JVP and VJP against factorisations of an I - G_u that Dini never sees */
static PetscErrorCode Compare(FixedMap *f, PetscReal rtol, const char what[])
{
  Vec dm, du, ubar, mbar, duref, mbarref;

  PetscFunctionBeginUser;
  PetscCall(DiniTestVec(f->m, 1, &dm));
  PetscCall(DiniTestVec(f->u, 2, &ubar));
  PetscCall(VecDuplicate(f->u, &du));
  PetscCall(VecDuplicate(f->u, &duref));
  PetscCall(VecDuplicate(f->m, &mbar));
  PetscCall(VecDuplicate(f->m, &mbarref));
  PetscCall(FixedMapReference(f, dm, duref, ubar, mbarref));
  PetscCall(DiniJVP(f->dini, dm, du));
  PetscCall(DiniTestVecsClose(du, duref, rtol, what));
  PetscCall(DiniVJP(f->dini, ubar, mbar));
  PetscCall(DiniTestVecsClose(mbar, mbarref, rtol, what));
  PetscCall(DiniTestDotProduct(f->dini, rtol));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&duref));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&mbarref));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All ways to G_u by both methods, at two points: what was assembled at the first must not serve at the second */
static PetscErrorCode TestWays(PetscInt N, FixedMapKind kind, DiniFixedPointDerivative derivative,
                               DiniFixedPointMethod method)
{
  const PetscReal rtol = derivative == DINI_FIXEDPOINT_COLORING ? 1e-6 : derivative == DINI_FIXEDPOINT_FD ? 1e-7 : 1e-8;
  FixedMap        f;
  DiniStatistics  s;
  char            what[128];

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(what, sizeof(what), "N %" PetscInt_FMT ", map %d, G_u by %s, %s", N, (int)kind,
                          DiniFixedPointDerivatives[derivative], DiniFixedPointMethods[method]));
  PetscCall(FixedMapCreate(N, kind, 0.5, PetscDefined(USE_COMPLEX) ? 0.1 : 0.3, &f));
  PetscCall(FixedMapDini(&f, derivative));
  PetscCall(DiniSetFixedPointMethod(f.dini, method));
  PetscCall(DiniSolve(f.dini, f.u));
  PetscCall(Compare(&f, rtol, what));
  PetscCall(VecShift(f.m, 0.2));
  PetscCall(DiniSolve(f.dini, f.u));
  PetscCall(Compare(&f, rtol, what));
  PetscCall(DiniGetStatistics(f.dini, &s));
  if (method == DINI_FIXEDPOINT_ITERATE)
    DiniTestCount(s.rungs[DINI_RUNG_ITERATION], s.tangent_solves + s.adjoint_solves, "solves by iteration");
  else DiniTestCount(s.rungs[DINI_RUNG_ITERATION], 0, "solves by iteration");
  PetscCall(FixedMapDestroy(&f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The one unknown of a scalar map, u = cos-like: du/dm = (1 + m/2) / (1 - s - c cos u) */
static PetscErrorCode TestScalar(void)
{
  FixedMap    f;
  Vec         dm, du;
  PetscScalar expected, found, u = 0.0, m = 0.0;
  PetscScalar c;

  PetscFunctionBeginUser;
  PetscCall(FixedMapCreate(1, FIXEDMAP_SYMMETRIC, 0.0, -0.9, &f)); /* u = -0.9 sin(u) + ... */
  PetscCall(FixedMapDini(&f, DINI_FIXEDPOINT_FD));
  PetscCall(DiniSolve(f.dini, f.u));
  PetscCall(VecDuplicate(f.m, &dm));
  PetscCall(VecDuplicate(f.u, &du));
  PetscCall(VecSet(dm, 1.0));
  PetscCall(DiniJVP(f.dini, dm, du));
  PetscCall(VecSum(f.u, &u));
  PetscCall(VecSum(f.m, &m));
  PetscCall(VecSum(du, &found));
  c        = f.c;
  expected = (1.0 + 0.5 * m) / (1.0 - c * PetscCosScalar(u));
  DiniTestClose(PetscAbsScalar(found - expected), 0.0, 0.0, 1e-8, "du/dm of a scalar map");
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(FixedMapDestroy(&f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Plain, Anderson, NGMRES, a loop of the application's, a solution found elsewhere: one derivative, and Newton's */
static PetscErrorCode NewtonResidual(SNES snes, Vec u, Vec F, void *ctx)
{
  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(FixedMapResidual((FixedMap *)ctx, u, F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode NewtonJacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  Mat A;

  PetscFunctionBeginUser;
  (void)snes;
  (void)J;
  PetscCall(FixedMapJacobian((FixedMap *)ctx, u, &A));
  PetscCall(MatCopy(A, P, SAME_NONZERO_PATTERN));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ByNewton(FixedMap *f, Vec ubar, Vec mbar)
{
  SNES snes;
  Dini dini;
  Mat  J;

  PetscFunctionBeginUser;
  PetscCall(FixedMapJacobian(f, f->u, &J));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &snes));
  PetscCall(SNESSetFunction(snes, NULL, NewtonResidual, f));
  PetscCall(SNESSetJacobian(snes, J, J, NewtonJacobian, f));
  PetscCall(SNESSetTolerances(snes, PETSC_DEFAULT, 1e-12, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetSNES(dini, snes));
  PetscCall(DiniAddParameter(dini, "m", f->m, NULL));
  PetscCall(DiniSetParameterType(dini, 0, DINIPARAMETERFD));
  PetscCall(VecSet(f->u, 0.0));
  PetscCall(DiniSolve(dini, f->u));
  PetscCall(DiniVJP(dini, ubar, mbar));
  PetscCall(DiniDestroy(&dini));
  PetscCall(SNESDestroy(&snes));
  PetscCall(MatDestroy(&J));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PlainLoop(Dini dini, Vec u, void *ctx)
{
  Vec G;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(u, &G));
  for (int k = 0; k < 80; k++) {
    PetscCall(FixedMapMap(dini, u, G, ctx));
    PetscCall(VecCopy(G, u));
  }
  PetscCall(VecDestroy(&G));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestSolver(PetscInt N, const char name[])
{
  FixedMap       f;
  Vec            ubar, mbar, expected;
  SNES           snes;
  PetscBool      loop, attach;
  DiniStatistics s;

  PetscFunctionBeginUser;
  PetscCall(PetscStrcmp(name, "loop", &loop));
  PetscCall(PetscStrcmp(name, "attach", &attach));
  PetscCall(FixedMapCreate(N, FIXEDMAP_SYMMETRIC, 0.5, 0.3, &f));
  PetscCall(DiniTestVec(f.u, 3, &ubar));
  PetscCall(VecDuplicate(f.m, &mbar));
  PetscCall(VecDuplicate(f.m, &expected));
  PetscCall(ByNewton(&f, ubar, expected));
  PetscCall(FixedMapDini(&f, DINI_FIXEDPOINT_OPERATOR));
  if (loop) PetscCall(DiniSetSolve(f.dini, PlainLoop, &f));
  else if (!attach) {
    PetscCall(DiniGetFixedPointSNES(f.dini, &snes));
    PetscCall(SNESSetType(snes, name));
  }
  if (attach) PetscCall(DiniAttach(f.dini, f.u));
  else {
    PetscCall(VecSet(f.u, 0.0));
    PetscCall(DiniSolve(f.dini, f.u));
  }
  PetscCall(DiniVJP(f.dini, ubar, mbar));
  PetscCall(DiniTestVecsClose(mbar, expected, 1e-8, name));
  PetscCall(DiniGetStatistics(f.dini, &s));
  if (!loop && !attach) {
    DiniTestTrue(s.forward_iterations > 0, "%s counts no iterations", name);
    PetscCall(DiniSolve(f.dini, f.u)); /* a warm start that nothing can better */
    PetscCall(DiniVJP(f.dini, ubar, mbar));
    PetscCall(DiniTestVecsClose(mbar, expected, 1e-8, name));
  }
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&expected));
  PetscCall(FixedMapDestroy(&f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The adjoint's own stopping rule: each tolerance is reached, not bettered by far, and every product is counted. */
static PetscErrorCode TestStopping(PetscInt N)
{
  FixedMap       f;
  Vec            ubar, mbar, expected;
  DiniStatistics s, before;
  PetscInt       last = 0;

  PetscFunctionBeginUser;
  PetscCall(FixedMapCreate(N, FIXEDMAP_SYMMETRIC, 0.8, 0.0, &f));
  PetscCall(FixedMapDini(&f, DINI_FIXEDPOINT_OPERATOR));
  PetscCall(DiniSetFixedPointMethod(f.dini, DINI_FIXEDPOINT_ITERATE));
  PetscCall(DiniTestVec(f.u, 4, &ubar));
  PetscCall(VecDuplicate(f.m, &mbar));
  PetscCall(VecDuplicate(f.m, &expected));
  PetscCall(DiniSolve(f.dini, f.u));
  PetscCall(FixedMapReference(&f, NULL, NULL, ubar, expected));
  PetscCall(DiniVJP(f.dini, ubar, mbar)); /* the guard's products */
  for (int digits = 3; digits <= 12; digits += 3) {
    const PetscReal rtol = PetscPowReal(10.0, -(PetscReal)digits);

    PetscCall(DiniSetTolerances(f.dini, rtol, rtol));
    PetscCall(DiniResetStatistics(f.dini));
    PetscCall(DiniGetStatistics(f.dini, &before));
    f.adjoints = 0;
    PetscCall(DiniVJP(f.dini, ubar, mbar));
    PetscCall(DiniGetStatistics(f.dini, &s));
    DiniTestTrue(s.adjoint_residual <= rtol, "asked for %g, got %g", (double)rtol, (double)s.adjoint_residual);
    if (N > 1)
      DiniTestTrue(s.adjoint_residual > 0.3 * rtol, "asked for %g, got %g", (double)rtol, (double)s.adjoint_residual);
    DiniTestCount(f.adjoints, s.adjoint_iterations, "products with G_u^H");
    DiniTestTrue(N == 1 || f.adjoints > last, "a tighter tolerance takes no more products");
    last = f.adjoints;
    PetscCall(DiniTestVecsClose(mbar, expected, 20.0 * rtol, "VJP to the tolerance asked for"));
  }
  /* what rounding forbids is not chased for ever */
  PetscCall(DiniSetTolerances(f.dini, 1e-18, 1e-18));
  f.adjoints = 0;
  PetscCall(DiniVJP(f.dini, ubar, mbar));
  PetscCall(DiniTestVecsClose(mbar, expected, 1e-13, "VJP to rounding"));
  DiniTestTrue(f.adjoints < 1000, "%" PetscInt_FMT " products at rounding", f.adjoints);
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&expected));
  PetscCall(FixedMapDestroy(&f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* DiniCheck: dot product and Taylor remainder; block solves; a parameter that is added */
static PetscErrorCode TestCheck(DiniFixedPointMethod method)
{
  FixedMap    f;
  PetscViewer viewer;
  char        text[4096];
  Mat         Ubar, Mbar;
  Vec         ubar, mbar, column, expected;

  PetscFunctionBeginUser;
  PetscCall(FixedMapCreate(9, FIXEDMAP_ROTATION, 0.4, 0.3, &f));
  PetscCall(FixedMapDini(&f, DINI_FIXEDPOINT_MATRIX));
  PetscCall(DiniSetFixedPointMethod(f.dini, method));
  PetscCall(DiniSolve(f.dini, f.u));
  PetscCall(DiniTestTextOpen(&viewer));
  PetscCall(DiniCheck(f.dini, viewer));
  PetscCall(DiniTestTextClose(&viewer, text, sizeof(text)));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, 9, 3, NULL, &Ubar));
  PetscCall(MatSetRandom(Ubar, NULL));
  PetscCall(MatDuplicate(Ubar, MAT_DO_NOT_COPY_VALUES, &Mbar));
  PetscCall(DiniMatVJP(f.dini, Ubar, Mbar));
  PetscCall(VecDuplicate(f.u, &ubar));
  PetscCall(VecDuplicate(f.m, &mbar));
  PetscCall(VecDuplicate(f.m, &expected));
  for (PetscInt j = 0; j < 3; j++) {
    PetscCall(MatGetColumnVector(Ubar, ubar, j));
    PetscCall(FixedMapReference(&f, NULL, NULL, ubar, expected));
    PetscCall(MatDenseGetColumnVecRead(Mbar, j, &column));
    PetscCall(VecCopy(column, mbar));
    PetscCall(MatDenseRestoreColumnVecRead(Mbar, j, &column));
    PetscCall(DiniTestVecsClose(mbar, expected, 1e-8, "column of a block"));
  }
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&expected));
  PetscCall(MatDestroy(&Ubar));
  PetscCall(MatDestroy(&Mbar));
  PetscCall(FixedMapDestroy(&f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  const PetscInt    sizes[]   = {1, 2, 10, 5};
  const char *const solvers[] = {SNESNRICHARDSON, SNESANDERSON, SNESNGMRES, "loop", "attach"};

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(sizes); i++)
    for (int way = DINI_FIXEDPOINT_MATRIX; way <= DINI_FIXEDPOINT_FD; way++)
      for (int method = 0; method < 2; method++)
        PetscCall(
            TestWays(sizes[i], (FixedMapKind)(i % 4), (DiniFixedPointDerivative)way, (DiniFixedPointMethod)method));
  PetscCall(TestScalar());
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(solvers); i++) {
    PetscCall(TestSolver(3, solvers[i]));
    PetscCall(TestSolver(10, solvers[i]));
  }
  PetscCall(TestStopping(1));
  PetscCall(TestStopping(10));
  PetscCall(TestCheck(DINI_FIXEDPOINT_KRYLOV));
  PetscCall(TestCheck(DINI_FIXEDPOINT_ITERATE));
  PetscCall(PetscFinalize());
  return 0;
}
