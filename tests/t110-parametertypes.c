static char help[] = "One problem, F_m from every kind of provider: the same JVP and VJP, entry by entry.\n";

#include "support/fixtures.h"

typedef struct {
  DiniParameterType kind;
  const char       *options;
  PetscReal         rtol; /* what the provider promises */
} Provider;

static PetscErrorCode Derivatives(Transport *t, Vec dm, Vec ubar, Vec du, Vec mbar)
{
  PetscFunctionBeginUser;
  PetscCall(VecSet(t->u, 0.0));
  PetscCall(DiniSolve(t->dini, t->u));
  PetscCall(DiniJVP(t->dini, dm, du));
  PetscCall(DiniVJP(t->dini, ubar, mbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Against J and F_m filled here and solved with a factorisation of their own. */
static PetscErrorCode TestProviders(void)
{
  const Provider providers[] = {
      {DINIPARAMETERMATRIX, "", 1e-9},
      {DINIPARAMETEROPERATOR, "", 1e-9},
      {DINIPARAMETERCOLORING, "-dini_parameter_log_k_difference forward", 1e-5},
      {DINIPARAMETERCOLORING, "-dini_parameter_log_k_difference central", 1e-8},
      {DINIPARAMETERFD, "-dini_parameter_log_k_difference forward", 1e-5},
      {DINIPARAMETERFD, "-dini_parameter_log_k_difference central", 1e-8},
  };
  PetscReal errors[6];

  PetscFunctionBeginUser;
  for (size_t k = 0; k < sizeof(providers) / sizeof(*providers); k++) {
    Transport t;
    Vec       dm, ubar, du, mbar, du_ref, mbar_ref;
    PetscReal e1, e2;

    PetscCall(DiniTestOptionsSet(providers[k].options));
    PetscCall(TransportCreate(7, 6, &t));
    PetscCall(TransportDini(&t, providers[k].kind));
    PetscCall(DiniTestVec(t.m, 41, &dm));
    PetscCall(DiniTestVec(t.u, 42, &ubar));
    PetscCall(VecDuplicate(t.u, &du));
    PetscCall(VecDuplicate(t.m, &mbar));
    PetscCall(VecDuplicate(t.u, &du_ref));
    PetscCall(VecDuplicate(t.m, &mbar_ref));
    PetscCall(Derivatives(&t, dm, ubar, du, mbar));
    PetscCall(TransportReferenceJVP(&t, dm, du_ref));
    PetscCall(TransportReferenceVJP(&t, ubar, mbar_ref));
    PetscCall(DiniTestVecsClose(du, du_ref, providers[k].rtol, providers[k].kind));
    PetscCall(DiniTestVecsClose(mbar, mbar_ref, providers[k].rtol, providers[k].kind));
    PetscCall(DiniTestDistance(du, du_ref, &e1));
    PetscCall(DiniTestDistance(mbar, mbar_ref, &e2));
    errors[k] = PetscMax(e1, e2);
    PetscCall(VecDestroy(&dm));
    PetscCall(VecDestroy(&ubar));
    PetscCall(VecDestroy(&du));
    PetscCall(VecDestroy(&mbar));
    PetscCall(VecDestroy(&du_ref));
    PetscCall(VecDestroy(&mbar_ref));
    PetscCall(TransportDestroy(&t));
    PetscCall(DiniTestOptionsClear(providers[k].options));
  }
  DiniTestTrue(errors[3] < 0.1 * errors[2] && errors[5] < 0.1 * errors[4],
               "Central differences (%g, %g) are no better than forward ones (%g, %g)", (double)errors[3],
               (double)errors[5], (double)errors[2], (double)errors[4]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Coloured differences cost a handful of residuals, whatever the number of parameters, and dense ones a column each. */
static PetscErrorCode TestCost(void)
{
  PetscFunctionBeginUser;
  /* 42 columns; five points make 12 others neighbours of a column, so there are 5 to 13 colours */
  for (int k = 0; k < 2; k++) {
    Transport      t;
    DiniStatistics s;
    Vec            ubar, mbar;
    PetscInt       before, N;

    PetscCall(TransportCreate(7, 6, &t));
    PetscCall(TransportDini(&t, k ? DINIPARAMETERFD : DINIPARAMETERCOLORING));
    PetscCall(DiniSetGuard(t.dini, PETSC_FALSE));
    PetscCall(DiniTestVec(t.u, 42, &ubar));
    PetscCall(VecDuplicate(t.m, &mbar));
    PetscCall(VecGetSize(t.m, &N));
    PetscCall(DiniSolve(t.dini, t.u));
    before = t.residuals;
    PetscCall(DiniVJP(t.dini, ubar, mbar));
    PetscCall(DiniGetStatistics(t.dini, &s));
    DiniTestCount(s.residuals, t.residuals - before, "residuals, by statistics and by callback");
    DiniTestCount(s.parameter_assemblies, 1, "fills of F_m");
    if (k)
      DiniTestCount(s.residuals, 2 * N + 3,
                    "residuals for dense columns by central differences, of the point, and of all columns");
    else
      DiniTestTrue(s.residuals >= 12 && s.residuals <= 28, "%" PetscInt_FMT " residuals for coloured columns",
                   s.residuals);
    PetscCall(DiniVJP(t.dini, ubar, mbar)); /* F_m is kept */
    PetscCall(DiniGetStatistics(t.dini, &s));
    DiniTestCount(s.parameter_assemblies, 1, "fills of F_m after a second VJP");
    DiniTestCount(s.residuals, t.residuals - before, "residuals, by statistics and by callback");
    PetscCall(VecDestroy(&ubar));
    PetscCall(VecDestroy(&mbar));
    PetscCall(TransportDestroy(&t));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* On the cubic F is affine in m: each kind is exact, rhs and the declared difference to rounding. */
static PetscErrorCode TestAffine(void)
{
  const struct {
    DiniParameterType kind;
    const char       *options;
    PetscReal         rtol;
  } cases[] = {{DINIPARAMETERRHS, "", 1e-10},
               {DINIPARAMETERMATRIX, "", 1e-10},
               {DINIPARAMETEROPERATOR, "", 1e-10},
               {DINIPARAMETERCOLORING, "-dini_parameter_m_affine", 1e-12},
               {DINIPARAMETERFD, "-dini_parameter_m_affine", 1e-12}};

  PetscFunctionBeginUser;
  for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
    Cubic c;
    Vec   ubar, mbar, expected;

    PetscCall(DiniTestOptionsSet(cases[k].options));
    PetscCall(CubicCreate(9, 0.0, &c));
    PetscCall(CubicDini(&c, DINISNES, cases[k].kind));
    PetscCall(DiniSetTolerances(c.dini, 1e-13, 1e-13));
    PetscCall(DiniSolve(c.dini, c.u));
    PetscCall(VecSet(c.u, 1.0)); /* the exact solution, so that only F_m is left to be inexact */
    PetscCall(DiniAttach(c.dini, c.u));
    PetscCall(DiniTestVec(c.u, 43, &ubar));
    PetscCall(VecDuplicate(c.m, &mbar));
    PetscCall(DiniTestVec(c.u, 43, &expected));
    PetscCall(VecScale(expected, 0.25));
    PetscCall(DiniVJP(c.dini, ubar, mbar));
    PetscCall(DiniTestVecsClose(mbar, expected, cases[k].rtol, cases[k].kind));
    PetscCall(VecDestroy(&ubar));
    PetscCall(VecDestroy(&mbar));
    PetscCall(VecDestroy(&expected));
    PetscCall(CubicDestroy(&c));
    PetscCall(DiniTestOptionsClear(cases[k].options));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A constant matrix: type "matrix" and no fill callback. The values given are the values used. */
static PetscErrorCode TestConstant(void)
{
  Cubic c;
  Vec   ubar, mbar, expected;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(9, 0.0, &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERRHS));
  PetscCall(MatDuplicate(c.S, MAT_DO_NOT_COPY_VALUES, &c.Fm));
  PetscCall(MatZeroEntries(c.Fm));
  PetscCall(MatShift(c.Fm, -1.0));
  PetscCall(DiniSetParameterJacobian(c.dini, c.p, c.Fm, NULL, NULL));
  PetscCall(DiniSetParameterType(c.dini, c.p, DINIPARAMETERMATRIX));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniTestVec(c.u, 44, &ubar));
  PetscCall(VecDuplicate(c.m, &mbar));
  PetscCall(DiniTestVec(c.u, 44, &expected));
  PetscCall(VecScale(expected, 0.25));
  PetscCall(DiniVJP(c.dini, ubar, mbar));
  PetscCall(DiniTestVecsClose(mbar, expected, 1e-10, "constant matrix"));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&expected));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The differenced F_m as a matrix equals the analytic one, and the block is back where it was, bit for bit. */
static PetscErrorCode TestMatrix(void)
{
  PetscFunctionBeginUser;
  for (int k = 0; k < 2; k++) {
    Transport t;
    Mat       Fm, analytic;
    Vec       m, u;

    PetscCall(TransportCreate(7, 6, &t));
    PetscCall(TransportDini(&t, k ? DINIPARAMETERFD : DINIPARAMETERCOLORING));
    PetscCall(DiniSetParameterDifference(t.dini, t.p, DINI_DIFFERENCE_CENTRAL, PETSC_DEFAULT));
    PetscCall(DiniSolve(t.dini, t.u));
    PetscCall(VecDuplicate(t.m, &m));
    PetscCall(VecCopy(t.m, m));
    PetscCall(VecDuplicate(t.u, &u));
    PetscCall(VecCopy(t.u, u));
    PetscCall(DiniGetParameterJacobian(t.dini, t.p, &Fm));
    PetscCall(MatDuplicate(t.J, MAT_DO_NOT_COPY_VALUES, &analytic));
    PetscCall(TransportFill(&t, t.u, t.m, analytic));
    if (k) {
      Mat dense;

      PetscCall(MatConvert(analytic, MATDENSE, MAT_INITIAL_MATRIX, &dense));
      PetscCall(MatDestroy(&analytic));
      analytic = dense;
    }
    PetscCall(DiniTestMatsClose(Fm, analytic, 1e-8, k ? "dense differences" : "coloured differences"));
    PetscCall(DiniTestVecsClose(t.m, m, 0.0, "block after differences"));
    PetscCall(DiniTestVecsClose(t.u, u, 0.0, "state after differences"));
    PetscCall(MatDestroy(&analytic));
    PetscCall(VecDestroy(&m));
    PetscCall(VecDestroy(&u));
    PetscCall(TransportDestroy(&t));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Above the bound dense columns are refused, with the number and the way out in the message. */
static PetscErrorCode TestBound(void)
{
  Cubic c;
  Vec   ubar, mbar;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(65, 0.0, &c));
  PetscCall(CubicDini(&c, DINISNES, NULL));
  PetscCall(DiniTestVec(c.u, 44, &ubar));
  PetscCall(VecDuplicate(c.m, &mbar));
  PetscCall(DiniSolve(c.dini, c.u));
  DiniTestExpectAny(DiniVJP(c.dini, ubar, mbar), "max_columns");
  PetscCall(DiniSetParameterMaxColumns(c.dini, c.p, 65));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniVJP(c.dini, ubar, mbar));
  PetscCall(VecScale(ubar, 0.25));
  PetscCall(DiniTestVecsClose(mbar, ubar, 1e-6, "dense columns at the bound"));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestProviders());
  PetscCall(TestCost());
  PetscCall(TestAffine());
  PetscCall(TestConstant());
  PetscCall(TestMatrix());
  PetscCall(TestBound());
  PetscCall(PetscFinalize());
  return 0;
}
