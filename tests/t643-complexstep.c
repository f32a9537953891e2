static char help[] = "Complex steps: F_m of a real problem in a complex build, exact to rounding.\n";

#include "support/fixtures.h"
#include "support/spread.h"

/* G_i = E_i / 2 + E_{i-1} / 4 + ..., by a matrix */
static PetscErrorCode SpreadMatrix(Vec E, Vec G, void *ctx)
{
  PetscFunctionBeginUser;
  PetscCall(MatMult((Mat)ctx, E, G));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* n x k, three entries a row at most; ranks beyond n own nothing */
static PetscErrorCode Band(PetscInt n, PetscInt k, Mat *S)
{
  PetscInt first, last;

  PetscFunctionBeginUser;
  PetscCall(MatCreate(PETSC_COMM_WORLD, S));
  PetscCall(MatSetSizes(*S, PETSC_DECIDE, PETSC_DECIDE, n, k));
  PetscCall(MatSetType(*S, MATAIJ));
  PetscCall(MatSetUp(*S));
  PetscCall(MatGetOwnershipRange(*S, &first, &last));
  for (PetscInt i = first; i < last; i++)
    for (PetscInt j = PetscMax(0, i * k / n - 1); j <= PetscMin(k - 1, i * k / n + 1); j++)
      PetscCall(MatSetValue(*S, i, j, 0.1 * (PetscReal)(3 + (i + 2 * j) % 3), INSERT_VALUES));
  PetscCall(MatAssemblyBegin(*S, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*S, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode BandCreate(PetscInt n, PetscInt k, PetscBool real, Mat *S, Spread *s)
{
  Vec u, m;

  PetscFunctionBeginUser;
  PetscCall(Band(n, k, S));
  PetscCall(MatCreateVecs(*S, &m, &u));
  PetscCall(SpreadCreate(u, m, real, SpreadMatrix, *S, s));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Dense columns, coloured columns and directions: to rounding, and at one residual a column, colour or direction */
static PetscErrorCode TestExact(PetscInt n, PetscInt k)
{
  const char options[] = "-dini_parameter_m_difference complex";
  Mat        S, pattern;
  Spread     s;

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(BandCreate(n, k, PETSC_TRUE, &S, &s));
  PetscCall(DiniSetTolerances(s.dini, 1e-14, 1e-14));
  PetscCall(SpreadCheck(&s, 1e-13, "dense columns by complex steps"));
  {
    DiniStatistics before, after;
    Mat            Fm;

    for (int point = 2; point <= 3; point++) { /* at the second one F_m is held against differences again */
      PetscCall(DiniSolve(s.dini, s.u));
      PetscCall(DiniGetStatistics(s.dini, &before));
      PetscCall(DiniGetParameterJacobian(s.dini, 0, &Fm));
    }
    PetscCall(DiniGetStatistics(s.dini, &after));
    DiniTestCount(after.residuals - before.residuals, k + 1, "residuals for k columns"); /* one is the check */
  }
  PetscCall(MatDuplicate(S, MAT_DO_NOT_COPY_VALUES, &pattern));
  PetscCall(DiniSetParameterJacobian(s.dini, 0, pattern, NULL, NULL));
  PetscCall(SpreadCheck(&s, 1e-13, "coloured columns by complex steps"));
  PetscCall(MatDestroy(&pattern));
  { /* a state that is real but for rounding, which would be divided by h */
    Mat Fm, before;
    Vec u;

    PetscCall(DiniGetParameterJacobian(s.dini, 0, &Fm));
    PetscCall(MatDuplicate(Fm, MAT_COPY_VALUES, &before));
    PetscCall(VecDuplicate(s.u, &u));
    PetscCall(VecCopy(s.u, u));
    PetscCall(VecScale(u, DiniTestScalar(1.0, 1e-13)));
    PetscCall(DiniAttach(s.dini, u));
    PetscCall(DiniGetParameterJacobian(s.dini, 0, &Fm));
    PetscCall(DiniTestMatsClose(Fm, before, 1e-13, "a state that is real but for rounding"));
    PetscCall(MatDestroy(&before));
    PetscCall(VecDestroy(&u));
  }
  PetscCall(SpreadDestroy(&s));
  PetscCall(MatDestroy(&S));

  /* directions, complex ones too: F_m (a + i b) takes two steps */
  PetscCall(BandCreate(n, k, PETSC_TRUE, &S, &s));
  PetscCall(DiniSetTolerances(s.dini, 1e-14, 1e-14));
  PetscCall(DiniSetParameterMaxColumns(s.dini, 0, 0));
  {
    Mat Fm;
    Vec dm, y, y_ref;

    PetscCall(DiniSolve(s.dini, s.u));
    PetscCall(DiniGetParameterJacobian(s.dini, 0, &Fm));
    PetscCall(DiniTestVec(s.m, 45, &dm));
    PetscCall(VecDuplicate(s.u, &y));
    PetscCall(VecDuplicate(s.u, &y_ref));
    PetscCall(MatMult(Fm, dm, y));
    PetscCall(SpreadReference(&s, &Fm));
    PetscCall(MatMult(Fm, dm, y_ref));
    PetscCall(MatDestroy(&Fm));
    PetscCall(DiniTestVecsClose(y, y_ref, 1e-13, "directions by complex steps"));
    PetscCall(VecDestroy(&dm));
    PetscCall(VecDestroy(&y));
    PetscCall(VecDestroy(&y_ref));
  }
  PetscCall(SpreadDestroy(&s));
  PetscCall(MatDestroy(&S));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A complex block, a complex state and a complex coefficient: each refused by what is wrong */
static PetscErrorCode TestNotReal(void)
{
  Mat       S;
  Spread    s;
  Transport t;
  Vec       ubar, mbar;

  PetscFunctionBeginUser;
  PetscCall(BandCreate(7, 5, PETSC_FALSE, &S, &s));
  PetscCall(DiniSetParameterDifference(s.dini, 0, DINI_DIFFERENCE_COMPLEX, PETSC_DEFAULT));
  PetscCall(DiniTestVec(s.u, 46, &ubar));
  PetscCall(VecDuplicate(s.m, &mbar));
  PetscCall(DiniSolve(s.dini, s.u));
  DiniTestExpect(DiniVJP(s.dini, ubar, mbar), PETSC_ERR_ARG_WRONG, "need real values of it");
  PetscCall(DiniSetParameterDifference(s.dini, 0, DINI_DIFFERENCE_CENTRAL, PETSC_DEFAULT));
  PetscCall(SpreadCheck(&s, 1e-8, "central differences after complex steps were refused"));
  PetscCall(SpreadDestroy(&s));
  PetscCall(MatDestroy(&S));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));

  PetscCall(TransportCreate(5, 4, &t)); /* its coefficients are complex, and so is its state */
  PetscCall(VecRealPart(t.m));
  PetscCall(TransportDini(&t, NULL));
  PetscCall(DiniSetParameterDifference(t.dini, t.p, DINI_DIFFERENCE_COMPLEX, PETSC_DEFAULT));
  PetscCall(DiniTestVec(t.u, 46, &ubar));
  PetscCall(VecDuplicate(t.m, &mbar));
  PetscCall(DiniSolve(t.dini, t.u));
  DiniTestExpect(DiniVJP(t.dini, ubar, mbar), PETSC_ERR_ARG_WRONG, "the state has imaginary parts");
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(TransportDestroy(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef enum { REAL_PART, MODULUS, COEFFICIENT } Spoil;

/* F = u - S m^2 written in a way that is not analytic, or with a coefficient that is not real */
static PetscErrorCode SpoiltResidual(Dini dini, Vec u, Vec F, void *ctx)
{
  Spoil              spoil = *(Spoil *)ctx;
  Vec                m;
  const PetscScalar *ma, *ua;
  PetscScalar       *Fa;
  PetscInt           n;

  PetscFunctionBeginUser;
  PetscCall(DiniGetParameter(dini, 0, NULL, &m));
  PetscCall(VecGetLocalSize(u, &n));
  PetscCall(VecGetArrayRead(m, &ma));
  PetscCall(VecGetArrayRead(u, &ua));
  PetscCall(VecGetArray(F, &Fa));
  for (PetscInt i = 0; i < n; i++) {
    if (spoil == REAL_PART) Fa[i] = ua[i] - PetscRealPart(ma[i]) * PetscRealPart(ma[i]);
    if (spoil == MODULUS) Fa[i] = ua[i] - PetscAbsScalar(ma[i]) * PetscAbsScalar(ma[i]);
    if (spoil == COEFFICIENT) Fa[i] = (ua[i] - ma[i] * ma[i]) * DiniTestScalar(1.0, 0.5) + DiniTestScalar(0.0, 1e-13);
  }
  PetscCall(VecRestoreArray(F, &Fa));
  PetscCall(VecRestoreArrayRead(u, &ua));
  PetscCall(VecRestoreArrayRead(m, &ma));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Not analytic: the guard finds out. Not real by a hair, where the state is: the check does. */
static PetscErrorCode TestSpoilt(Spoil spoil, const char words[])
{
  Dini dini;
  Mat  J;
  Vec  u, m, ubar, mbar;

  PetscFunctionBeginUser;
  PetscCall(VecCreate(PETSC_COMM_WORLD, &u));
  PetscCall(VecSetSizes(u, PETSC_DECIDE, 6));
  PetscCall(VecSetFromOptions(u));
  PetscCall(DiniTestVec(u, 47, &m));
  PetscCall(VecRealPart(m));
  PetscCall(DiniTestVec(u, 48, &ubar));
  PetscCall(VecDuplicate(m, &mbar));
  PetscCall(VecPointwiseMult(u, m, m));
  {
    PetscInt n;

    PetscCall(VecGetLocalSize(u, &n));
    PetscCall(MatCreateConstantDiagonal(PETSC_COMM_WORLD, n, n, PETSC_DETERMINE, PETSC_DETERMINE,
                                        spoil == COEFFICIENT ? DiniTestScalar(1.0, 0.5) : 1.0, &J));
  }
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetType(dini, DINISHELL));
  PetscCall(DiniSetResidual(dini, SpoiltResidual, &spoil));
  PetscCall(DiniSetJacobian(dini, J, NULL, NULL, NULL));
  PetscCall(DiniAddParameter(dini, "m", m, NULL));
  PetscCall(DiniSetParameterDifference(dini, 0, DINI_DIFFERENCE_COMPLEX, PETSC_DEFAULT));
  PetscCall(DiniAttach(dini, u));
  DiniTestExpect(DiniVJP(dini, ubar, mbar), PETSC_ERR_ARG_WRONG, words);
  PetscCall(DiniDestroy(&dini));
  PetscCall(MatDestroy(&J));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* With real scalars complex steps are refused where they are asked for, and nothing changes. */
static PetscErrorCode TestRealBuild(void)
{
  Mat    S;
  Spread s;

  PetscFunctionBeginUser;
  PetscCall(BandCreate(7, 5, PETSC_TRUE, &S, &s));
  DiniTestExpect(DiniSetParameterDifference(s.dini, 0, DINI_DIFFERENCE_COMPLEX, PETSC_DEFAULT), PETSC_ERR_SUP,
                 "complex scalars");
  PetscCall(SpreadCheck(&s, 1e-8, "central differences after complex steps were refused"));
  PetscCall(SpreadDestroy(&s));
  PetscCall(MatDestroy(&S));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  if (PetscDefined(USE_COMPLEX)) {
    PetscCall(TestExact(11, 7));
    PetscCall(TestExact(5, 2)); /* some ranks own nothing of the block */
    PetscCall(TestExact(1, 1));
    PetscCall(TestNotReal());
    PetscCall(TestSpoilt(REAL_PART, "F is not "));
    PetscCall(TestSpoilt(MODULUS, "F is not "));
    PetscCall(TestSpoilt(COEFFICIENT, "is real where u and m are"));
  } else PetscCall(TestRealBuild());
  PetscCall(PetscFinalize());
  return 0;
}
