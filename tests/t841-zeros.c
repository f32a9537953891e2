static char help[] =
    "Derivatives that are zero at a point, rightly, and what is declared of F_m and J checked at each point.\n";

#include "support/dinitest.h"

/*
  F = u + u^3 - s - a(m, u) with m of three entries on any ranks. The kinds of a: m_0^2; m_0^3; m_0 u; m_0 exp(u / 10);
  m_0 (1 + u^2); nothing.
*/
typedef enum { SQUARE, CUBE, COEFFICIENT, FACTOR, QUADRATIC, NOTHING } Kind;

typedef struct {
  Kind        kind;
  PetscScalar source, m; /* scalars in the application's context */
  Vec         u, r;
  Mat         J, Fm;
  SNES        snes;
  Dini        dini;
  PetscInt    source_block, block;
} Problem;

static PetscScalar Term(const Problem *p, PetscScalar u)
{
  switch (p->kind) {
  case SQUARE:
    return p->m * p->m;
  case CUBE:
    return p->m * p->m * p->m;
  case COEFFICIENT:
    return p->m * u;
  case FACTOR:
    return p->m * PetscExpScalar(0.1 * u);
  case QUADRATIC:
    return p->m * (1.0 + u * u);
  default:
    return 0.0;
  }
}

/* In u and in m */
static PetscScalar TermU(const Problem *p, PetscScalar u)
{
  return p->kind == COEFFICIENT ? p->m
         : p->kind == FACTOR    ? 0.1 * p->m * PetscExpScalar(0.1 * u)
         : p->kind == QUADRATIC ? 2.0 * p->m * u
                                : 0.0;
}

static PetscScalar TermM(const Problem *p, PetscScalar u)
{
  switch (p->kind) {
  case SQUARE:
    return 2.0 * p->m;
  case CUBE:
    return 3.0 * p->m * p->m;
  case COEFFICIENT:
    return u;
  case FACTOR:
    return PetscExpScalar(0.1 * u);
  case QUADRATIC:
    return 1.0 + u * u;
  default:
    return 0.0;
  }
}

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  Problem           *p = (Problem *)ctx;
  const PetscScalar *x;
  PetscScalar       *f;
  PetscInt           n;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(VecGetLocalSize(u, &n));
  PetscCall(VecGetArrayRead(u, &x));
  PetscCall(VecGetArrayWrite(F, &f));
  for (PetscInt i = 0; i < n; i++) f[i] = x[i] + x[i] * x[i] * x[i] - p->source - Term(p, x[i]);
  PetscCall(VecRestoreArrayWrite(F, &f));
  PetscCall(VecRestoreArrayRead(u, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The diagonal of J, or of -F_m */
static PetscErrorCode Diagonal(const Problem *p, Vec u, PetscBool in_m, Vec d)
{
  const PetscScalar *x;
  PetscScalar       *a;
  PetscInt           n;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(u, &n));
  PetscCall(VecGetArrayRead(u, &x));
  PetscCall(VecGetArrayWrite(d, &a));
  for (PetscInt i = 0; i < n; i++) a[i] = in_m ? TermM(p, x[i]) : 1.0 + 3.0 * x[i] * x[i] - TermU(p, x[i]);
  PetscCall(VecRestoreArrayWrite(d, &a));
  PetscCall(VecRestoreArrayRead(u, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  Vec d;

  PetscFunctionBeginUser;
  (void)snes;
  (void)J;
  PetscCall(VecDuplicate(u, &d));
  PetscCall(Diagonal((Problem *)ctx, u, PETSC_FALSE, d));
  PetscCall(MatDiagonalSet(P, d, INSERT_VALUES));
  PetscCall(VecDestroy(&d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(Kind kind, PetscScalar source, PetscScalar m, Problem *p)
{
  PC       pc;
  KSP      ksp;
  PetscInt n;

  PetscFunctionBeginUser;
  p->kind   = kind;
  p->source = source;
  p->m      = m;
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, PETSC_DECIDE, 5, &p->u));
  PetscCall(VecDuplicate(p->u, &p->r));
  PetscCall(VecGetLocalSize(p->u, &n));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, n, n, 5, 5, 1, NULL, 0, NULL, &p->J));
  PetscCall(VecSet(p->r, 1.0));
  PetscCall(MatDiagonalSet(p->J, p->r, INSERT_VALUES));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &p->snes));
  PetscCall(SNESSetFunction(p->snes, p->r, Residual, p));
  PetscCall(SNESSetJacobian(p->snes, p->J, p->J, Jacobian, p));
  PetscCall(SNESSetTolerances(p->snes, 1e-14, 1e-13, 0.0, 60, 1000));
  PetscCall(SNESGetKSP(p->snes, &ksp));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCJACOBI));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &p->dini));
  PetscCall(DiniSetSNES(p->dini, p->snes));
  PetscCall(DiniAddScalarParameter(p->dini, "source", &p->source, &p->source_block));
  PetscCall(DiniAddScalarParameter(p->dini, "m", &p->m, &p->block));
  p->Fm = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Problem *p)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&p->dini));
  PetscCall(SNESDestroy(&p->snes));
  PetscCall(MatDestroy(&p->J));
  PetscCall(MatDestroy(&p->Fm));
  PetscCall(VecDestroy(&p->u));
  PetscCall(VecDestroy(&p->r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The sum of du/dm and of du/dsource by closed forms, against a VJP */
static PetscErrorCode Right(Problem *p, const char what[])
{
  Vec         ones, mbar, part, d, a;
  PetscScalar sum[2], found[2];

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(p->u, &ones));
  PetscCall(VecDuplicate(p->u, &d));
  PetscCall(VecDuplicate(p->u, &a));
  PetscCall(VecSet(ones, 1.0));
  PetscCall(DiniCreateParameterVec(p->dini, &mbar));
  PetscCall(DiniVJP(p->dini, ones, mbar));
  PetscCall(Diagonal(p, p->u, PETSC_FALSE, d));
  PetscCall(VecReciprocal(d));
  PetscCall(VecSum(d, &sum[0]));
  PetscCall(Diagonal(p, p->u, PETSC_TRUE, a));
  PetscCall(VecPointwiseMult(a, a, d));
  PetscCall(VecSum(a, &sum[1]));
  for (int k = 0; k < 2; k++) {
    PetscCall(DiniGetParameterSubVec(p->dini, mbar, k ? p->block : p->source_block, &part));
    PetscCall(VecSum(part, &found[k]));
    PetscCall(DiniRestoreParameterSubVec(p->dini, mbar, k ? p->block : p->source_block, &part));
    DiniTestClose(PetscRealPart(found[k]), PetscRealPart(sum[k]), 1e-8, 1e-9, what);
  }
  PetscCall(VecDestroy(&ones));
  PetscCall(VecDestroy(&d));
  PetscCall(VecDestroy(&a));
  PetscCall(VecDestroy(&mbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode At(Problem *p, PetscScalar source, PetscScalar m)
{
  PetscFunctionBeginUser;
  p->source = source;
  p->m      = m;
  PetscCall(VecSet(p->u, 0.0));
  PetscCall(DiniSolve(p->dini, p->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Zero at the first point, and something else at the next */
static PetscErrorCode TestLegitimate(Kind kind, PetscScalar source, PetscScalar m)
{
  Problem p;

  PetscFunctionBeginUser;
  PetscCall(Create(kind, source, m, &p));
  PetscCall(At(&p, source, m));
  PetscCall(Right(&p, "where F_m is zero"));
  PetscCall(At(&p, 2.0, 0.5));
  PetscCall(Right(&p, "where it is not"));
  PetscCall(At(&p, source, m));
  PetscCall(Right(&p, "where F_m is zero again"));
  PetscCall(Destroy(&p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A block that F never reads is still found, zero state or not */
static PetscErrorCode TestNothing(PetscScalar source)
{
  Problem p;
  Vec     ones, mbar;

  PetscFunctionBeginUser;
  PetscCall(Create(NOTHING, source, 0.3, &p));
  PetscCall(At(&p, source, 0.3));
  PetscCall(VecDuplicate(p.u, &ones));
  PetscCall(VecSet(ones, 1.0));
  PetscCall(DiniCreateParameterVec(p.dini, &mbar));
  DiniTestExpect(DiniVJP(p.dini, ones, mbar), PETSC_ERR_ARG_WRONG, "F does not change with it, neither here nor at");
  PetscCall(VecDestroy(&ones));
  PetscCall(VecDestroy(&mbar));
  PetscCall(Destroy(&p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Refused(Problem *p, const char words[])
{
  Vec ones, mbar;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(p->u, &ones));
  PetscCall(VecSet(ones, 1.0));
  PetscCall(DiniCreateParameterVec(p->dini, &mbar));
  DiniTestExpect(DiniVJP(p->dini, ones, mbar), PETSC_ERR_ARG_WRONG, words);
  PetscCall(VecDestroy(&ones));
  PetscCall(VecDestroy(&mbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Declared zero at u = 0, where it is: right there and refused at the next point; where it is true, a residual or two */
static PetscErrorCode TestDeclaredZero(void)
{
  Problem        p;
  DiniStatistics s[2];

  PetscFunctionBeginUser;
  PetscCall(Create(COEFFICIENT, 0.0, 0.5, &p));
  PetscCall(DiniSetParameterType(p.dini, p.block, DINIPARAMETERZERO));
  PetscCall(At(&p, 0.0, 0.5));
  PetscCall(Right(&p, "declared zero where it is"));
  PetscCall(At(&p, 2.0, 0.5));
  PetscCall(Refused(&p, "take back -dini_parameter_m_type zero"));
  PetscCall(Destroy(&p));
  PetscCall(Create(NOTHING, 2.0, 0.5, &p));
  PetscCall(DiniSetParameterType(p.dini, p.block, DINIPARAMETERZERO));
  for (int k = 0; k < 3; k++) {
    PetscCall(At(&p, 2.0 + k, 0.5));
    PetscCall(DiniGetStatistics(p.dini, &s[0]));
    PetscCall(Right(&p, "declared zero and so it is"));
    PetscCall(DiniGetStatistics(p.dini, &s[1]));
    if (k)
      DiniTestTrue(s[1].residuals - s[0].residuals <= 5, "%" PetscInt_FMT " residuals",
                   s[1].residuals - s[0].residuals);
  }
  PetscCall(Destroy(&p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Affine at one point only, m^2 being flat as far as rounding tells from afar: a declaration is asked again */
static PetscErrorCode TestDeclaredAffine(void)
{
  Problem p;

  PetscFunctionBeginUser;
  PetscCall(Create(FACTOR, 1.0, 0.5, &p));
  PetscCall(DiniSetParameterAffine(p.dini, p.block, PETSC_TRUE));
  PetscCall(At(&p, 1.0, 0.5));
  PetscCall(Right(&p, "affine"));
  p.kind = SQUARE; /* as a code that switches its model */
  PetscCall(At(&p, 1.0, 0.5));
  PetscCall(Refused(&p, "take back -dini_parameter_m_affine"));
  PetscCall(Destroy(&p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A matrix F_m without a callback is a constant: right at the first point, refused at one where it is not */
static PetscErrorCode TestConstant(void)
{
  Problem     p;
  Vec         d, column;
  PetscInt    n;
  PetscMPIInt rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCall(Create(QUADRATIC, 1.0, 0.1, &p));
  PetscCall(VecGetLocalSize(p.u, &n));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, n, rank ? 0 : 1, 5, 1, NULL, &p.Fm));
  PetscCall(At(&p, 1.0, 0.1));
  PetscCall(VecDuplicate(p.u, &d));
  PetscCall(Diagonal(&p, p.u, PETSC_TRUE, d));
  PetscCall(MatDenseGetColumnVecWrite(p.Fm, 0, &column));
  PetscCall(VecAXPBY(column, -1.0, 0.0, d));
  PetscCall(MatDenseRestoreColumnVecWrite(p.Fm, 0, &column));
  PetscCall(MatAssemblyBegin(p.Fm, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(p.Fm, MAT_FINAL_ASSEMBLY));
  PetscCall(DiniSetParameterJacobian(p.dini, p.block, p.Fm, NULL, NULL));
  PetscCall(DiniSetParameterType(p.dini, p.block, DINIPARAMETERMATRIX));
  PetscCall(At(&p, 1.0, 0.1));
  PetscCall(Right(&p, "a constant F_m"));
  PetscCall(At(&p, 4.0, 0.1));
  PetscCall(Refused(&p, "(type \"matrix\") is not dF/dm"));
  PetscCall(VecDestroy(&d));
  PetscCall(Destroy(&p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J without a callback is a constant, too; F_m zero when first seen says nothing of the next point */
static PetscErrorCode TestConstantJacobian(void)
{
  Problem p;
  Mat     J;

  PetscFunctionBeginUser;
  PetscCall(Create(FACTOR, 1.0, 0.1, &p));
  PetscCall(At(&p, 1.0, 0.1));
  PetscCall(Jacobian(NULL, p.u, p.J, p.J, &p));
  PetscCall(MatDuplicate(p.J, MAT_COPY_VALUES, &J));
  PetscCall(DiniSetJacobian(p.dini, J, NULL, NULL, NULL));
  PetscCall(At(&p, 1.0, 0.1));
  PetscCall(Right(&p, "a constant J"));
  PetscCall(At(&p, 1.5, 0.1));
  PetscCall(Refused(&p, "The Jacobian is not dF/du"));
  PetscCall(MatDestroy(&J));
  PetscCall(Destroy(&p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Blocks without an entry: alone among zeros, they are derivatives of size zero */
static PetscErrorCode TestEmpty(void)
{
  Problem p;
  Vec     empty;

  PetscFunctionBeginUser;
  PetscCall(Create(FACTOR, 1.0, 0.1, &p));
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, PETSC_DECIDE, 0, &empty));
  PetscCall(DiniAddParameter(p.dini, "empty", empty, NULL));
  PetscCall(At(&p, 1.0, 0.1));
  PetscCall(Right(&p, "beside a block of size zero"));
  PetscCall(VecDestroy(&empty));
  PetscCall(Destroy(&p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestLegitimate(SQUARE, 1.0, 0.0));
  PetscCall(TestLegitimate(CUBE, 1.0, 0.0));
  PetscCall(TestLegitimate(COEFFICIENT, 0.0, 0.5));
  PetscCall(TestLegitimate(COEFFICIENT, 0.0, 0.0));
  PetscCall(TestNothing(0.0));
  PetscCall(TestNothing(1.0));
  PetscCall(TestDeclaredZero());
  PetscCall(TestDeclaredAffine());
  PetscCall(TestConstant());
  PetscCall(TestConstantJacobian());
  PetscCall(TestEmpty());
  PetscCall(PetscFinalize());
  return 0;
}
