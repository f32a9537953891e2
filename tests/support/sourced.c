#include "sourced.h"

static PetscScalar SourcedTerm(const Sourced *p, PetscScalar u)
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
static PetscScalar SourcedTermU(const Sourced *p, PetscScalar u)
{
  return p->kind == COEFFICIENT ? p->m
         : p->kind == FACTOR    ? 0.1 * p->m * PetscExpScalar(0.1 * u)
         : p->kind == QUADRATIC ? 2.0 * p->m * u
                                : 0.0;
}

static PetscScalar SourcedTermM(const Sourced *p, PetscScalar u)
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

static PetscErrorCode SourcedResidual(SNES snes, Vec u, Vec F, void *ctx)
{
  Sourced           *p = (Sourced *)ctx;
  const PetscScalar *x;
  PetscScalar       *f;
  PetscInt           n;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(VecGetLocalSize(u, &n));
  PetscCall(VecGetArrayRead(u, &x));
  PetscCall(VecGetArrayWrite(F, &f));
  for (PetscInt i = 0; i < n; i++) f[i] = x[i] + x[i] * x[i] * x[i] - p->source - SourcedTerm(p, x[i]);
  PetscCall(VecRestoreArrayWrite(F, &f));
  PetscCall(VecRestoreArrayRead(u, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The diagonal of J, or of -F_m */
PetscErrorCode SourcedDiagonal(const Sourced *p, Vec u, PetscBool in_m, Vec d)
{
  const PetscScalar *x;
  PetscScalar       *a;
  PetscInt           n;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(u, &n));
  PetscCall(VecGetArrayRead(u, &x));
  PetscCall(VecGetArrayWrite(d, &a));
  for (PetscInt i = 0; i < n; i++)
    a[i] = in_m ? SourcedTermM(p, x[i]) : 1.0 + 3.0 * x[i] * x[i] - SourcedTermU(p, x[i]);
  PetscCall(VecRestoreArrayWrite(d, &a));
  PetscCall(VecRestoreArrayRead(u, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SourcedJacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  Vec       d;
  PetscReal norm;

  PetscFunctionBeginUser;
  (void)snes;
  (void)J;
  PetscCall(VecDuplicate(u, &d));
  PetscCall(SourcedDiagonal((Sourced *)ctx, u, PETSC_FALSE, d));
  PetscCall(VecNorm(u, NORM_INFINITY, &norm));
  if (((Sourced *)ctx)->wrong && norm > 3.0) PetscCall(VecScale(d, 1.2));
  PetscCall(MatDiagonalSet(P, d, INSERT_VALUES));
  PetscCall(VecDestroy(&d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SourcedCreate(SourcedKind kind, PetscScalar source, PetscScalar m, Sourced *p)
{
  PC       pc;
  KSP      ksp;
  PetscInt n;

  PetscFunctionBeginUser;
  p->kind   = kind;
  p->source = source;
  p->m      = m;
  p->wrong  = PETSC_FALSE;
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, PETSC_DECIDE, 5, &p->u));
  PetscCall(VecDuplicate(p->u, &p->r));
  PetscCall(VecGetLocalSize(p->u, &n));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, n, n, 5, 5, 1, NULL, 0, NULL, &p->J));
  PetscCall(VecSet(p->r, 1.0));
  PetscCall(MatDiagonalSet(p->J, p->r, INSERT_VALUES));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &p->snes));
  PetscCall(SNESSetFunction(p->snes, p->r, SourcedResidual, p));
  PetscCall(SNESSetJacobian(p->snes, p->J, p->J, SourcedJacobian, p));
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

PetscErrorCode SourcedDestroy(Sourced *p)
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
PetscErrorCode SourcedRight(Sourced *p, const char what[])
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
  PetscCall(SourcedDiagonal(p, p->u, PETSC_FALSE, d));
  PetscCall(VecReciprocal(d));
  PetscCall(VecSum(d, &sum[0]));
  PetscCall(SourcedDiagonal(p, p->u, PETSC_TRUE, a));
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

PetscErrorCode SourcedAt(Sourced *p, PetscScalar source, PetscScalar m)
{
  PetscFunctionBeginUser;
  p->source = source;
  p->m      = m;
  PetscCall(VecSet(p->u, 0.0));
  PetscCall(DiniSolve(p->dini, p->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SourcedRefused(Sourced *p, const char words[])
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
