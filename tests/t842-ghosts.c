static char help[] =
    "Ghosted vectors as blocks and as the state, with nobody but Dini to bring their ghosts up to date.\n";

#include "support/dinitest.h"

/* F_i = u_i + u_i^3 / 10 - m_i m_(i+1), the last one m_i^2, read from the local form of m: ghosts are the next rank's first */
typedef struct {
  PetscInt N;
  Vec      u, m, r;
  Mat      J;
  SNES     snes;
  Dini     dini;
} Chained;

static PetscErrorCode Ghosted(PetscInt N, Vec like, Vec *v)
{
  PetscInt first, last, next;

  PetscFunctionBeginUser;
  PetscCall(VecGetOwnershipRange(like, &first, &last));
  next = last < N ? last : 0;
  PetscCall(VecCreateGhost(PETSC_COMM_WORLD, last - first, N, 1, &next, v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  Chained           *c = (Chained *)ctx;
  const PetscScalar *x, *m;
  PetscScalar       *f;
  PetscInt           first, last;
  Vec                local;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(VecGetOwnershipRange(u, &first, &last));
  PetscCall(VecGhostGetLocalForm(c->m, &local));
  PetscCall(VecGetArrayRead(local, &m));
  PetscCall(VecGetArrayRead(u, &x));
  PetscCall(VecGetArrayWrite(F, &f));
  for (PetscInt i = 0; i < last - first; i++)
    f[i] = x[i] + 0.1 * x[i] * x[i] * x[i] - m[i] * m[first + i == c->N - 1 ? i : i + 1];
  PetscCall(VecRestoreArrayWrite(F, &f));
  PetscCall(VecRestoreArrayRead(u, &x));
  PetscCall(VecRestoreArrayRead(local, &m));
  PetscCall(VecGhostRestoreLocalForm(c->m, &local));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  Vec d;

  PetscFunctionBeginUser;
  (void)snes;
  (void)J;
  (void)ctx;
  PetscCall(VecDuplicate(u, &d));
  PetscCall(VecPointwiseMult(d, u, u));
  PetscCall(VecScale(d, 0.3));
  PetscCall(VecShift(d, 1.0));
  PetscCall(MatDiagonalSet(P, d, INSERT_VALUES));
  PetscCall(VecDestroy(&d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(PetscInt N, Chained *c)
{
  PC       pc;
  KSP      ksp;
  PetscInt n, first, last;

  PetscFunctionBeginUser;
  c->N = N;
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, PETSC_DECIDE, N, &c->u));
  PetscCall(VecDuplicate(c->u, &c->r));
  PetscCall(Ghosted(N, c->u, &c->m));
  PetscCall(VecGetOwnershipRange(c->m, &first, &last));
  for (PetscInt i = first; i < last; i++) PetscCall(VecSetValue(c->m, i, 1.0 + 0.1 * (PetscReal)i, INSERT_VALUES));
  PetscCall(VecAssemblyBegin(c->m));
  PetscCall(VecAssemblyEnd(c->m)); /* its ghosts are not up to date, either */
  PetscCall(VecGetLocalSize(c->u, &n));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, n, n, N, N, 1, NULL, 0, NULL, &c->J));
  PetscCall(VecSet(c->u, 1.0));
  PetscCall(MatDiagonalSet(c->J, c->u, INSERT_VALUES));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &c->snes));
  PetscCall(SNESSetFunction(c->snes, c->r, Residual, c));
  PetscCall(SNESSetJacobian(c->snes, c->J, c->J, Jacobian, c));
  PetscCall(SNESSetTolerances(c->snes, 1e-14, 1e-13, 0.0, 60, 1000));
  PetscCall(SNESGetKSP(c->snes, &ksp));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCJACOBI));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &c->dini));
  PetscCall(DiniSetSNES(c->dini, c->snes));
  PetscCall(DiniAddParameter(c->dini, "m", c->m, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Chained *c)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&c->dini));
  PetscCall(SNESDestroy(&c->snes));
  PetscCall(MatDestroy(&c->J));
  PetscCall(VecDestroy(&c->u));
  PetscCall(VecDestroy(&c->m));
  PetscCall(VecDestroy(&c->r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* u of q = m_i m_(i+1): Newton by hand */
static PetscScalar State(PetscScalar q)
{
  PetscScalar u = q;

  for (int k = 0; k < 60; k++) u -= (u + 0.1 * u * u * u - q) / (1.0 + 0.3 * u * u);
  return u;
}

/* The gradient of sum u, from values of m = 1 + 0.1 i, times a factor, that every rank knows */
static PetscErrorCode Expected(const Chained *c, PetscReal factor, Vec g)
{
  PetscInt first, last;

  PetscFunctionBeginUser;
  PetscCall(VecGetOwnershipRange(g, &first, &last));
  for (PetscInt i = first; i < last; i++) {
    PetscScalar value = 0.0;

    for (PetscInt row = PetscMax(i - 1, 0); row <= i; row++) {
      const PetscInt    next = row == c->N - 1 ? row : row + 1;
      const PetscScalar a = factor * (1.0 + 0.1 * (PetscReal)row), b = factor * (1.0 + 0.1 * (PetscReal)next);
      const PetscScalar u = State(a * b), slope = 1.0 / (1.0 + 0.3 * u * u);

      if (row == i) value += slope * b;
      if (next == i) value += slope * a;
    }
    PetscCall(VecSetValue(g, i, value, INSERT_VALUES));
  }
  PetscCall(VecAssemblyBegin(g));
  PetscCall(VecAssemblyEnd(g));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient(Chained *c, PetscReal factor, const char what[])
{
  Vec ones, g, expected;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(c->u, &ones));
  PetscCall(VecSet(ones, 1.0));
  PetscCall(DiniCreateParameterVec(c->dini, &g));
  PetscCall(VecDuplicate(c->u, &expected));
  PetscCall(Expected(c, factor, expected));
  PetscCall(DiniVJP(c->dini, ones, g));
  PetscCall(DiniTestVecsClose(g, expected, 1e-8, what));
  PetscCall(VecDestroy(&ones));
  PetscCall(VecDestroy(&g));
  PetscCall(VecDestroy(&expected));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Differences, new values by DiniSetParameters(), a derivative pinned at the first point */
static PetscErrorCode TestBlock(void)
{
  Chained c;
  Vec     m, ones, g, expected;
  Mat     pinned;

  PetscFunctionBeginUser;
  PetscCall(Create(9, &c));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(Gradient(&c, 1.0, "first point"));
  PetscCall(DiniCreateDerivative(c.dini, 0, &pinned));
  PetscCall(DiniCreateParameterVec(c.dini, &m));
  PetscCall(VecScale(m, 1.5));
  PetscCall(DiniSetParameters(c.dini, m));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(Gradient(&c, 1.5, "after DiniSetParameters()"));
  PetscCall(VecScale(c.m, 2.0)); /* by the application, which forgets the ghosts */
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(Gradient(&c, 3.0, "values of the application"));
  PetscCall(VecDuplicate(c.u, &ones));
  PetscCall(VecDuplicate(c.u, &expected));
  PetscCall(VecDuplicate(m, &g));
  PetscCall(VecSet(ones, 1.0));
  PetscCall(MatMultHermitianTranspose(pinned, ones, g));
  PetscCall(Expected(&c, 1.0, expected));
  PetscCall(DiniTestVecsClose(g, expected, 1e-8, "pinned at the first point"));
  PetscCall(MatDestroy(&pinned));
  PetscCall(VecDestroy(&ones));
  PetscCall(VecDestroy(&expected));
  PetscCall(VecDestroy(&g));
  PetscCall(VecDestroy(&m));
  PetscCall(Destroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The block a VECNEST with the ghosted Vec in it */
static PetscErrorCode TestNest(void)
{
  Chained c;
  Vec     nest, m;

  PetscFunctionBeginUser;
  PetscCall(Create(9, &c));
  PetscCall(DiniDestroy(&c.dini));
  PetscCall(VecCreateNest(PETSC_COMM_WORLD, 1, NULL, &c.m, &nest));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &c.dini));
  PetscCall(DiniSetSNES(c.dini, c.snes));
  PetscCall(DiniAddParameter(c.dini, "m", nest, NULL));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(Gradient(&c, 1.0, "a ghosted part of a nest"));
  PetscCall(DiniCreateParameterVec(c.dini, &m));
  PetscCall(VecScale(m, 1.5));
  PetscCall(DiniSetParameters(c.dini, m));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(Gradient(&c, 1.5, "a ghosted part of a nest after DiniSetParameters()"));
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&nest));
  PetscCall(Destroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F_i = u_i + u_i u_(i+1) / 10 - m_i with a ghosted state, which the residual takes as it comes */
static PetscErrorCode StateResidual(Dini dini, Vec u, Vec F, void *ctx)
{
  Chained           *c = (Chained *)ctx;
  const PetscScalar *x, *m;
  PetscScalar       *f;
  PetscInt           first, last;
  Vec                local;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecGetOwnershipRange(u, &first, &last));
  PetscCall(VecGhostGetLocalForm(u, &local));
  PetscCall(VecGetArrayRead(local, &x));
  PetscCall(VecGetArrayRead(c->r, &m));
  PetscCall(VecGetArrayWrite(F, &f));
  for (PetscInt i = 0; i < last - first; i++) f[i] = x[i] + 0.1 * x[i] * x[first + i == c->N - 1 ? i : i + 1] - m[i];
  PetscCall(VecRestoreArrayWrite(F, &f));
  PetscCall(VecRestoreArrayRead(c->r, &m));
  PetscCall(VecRestoreArrayRead(local, &x));
  PetscCall(VecGhostRestoreLocalForm(u, &local));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J by differences of a ghosted state u = 1: 1.1 on the diagonal, 0.1 beside it, 1.2 at the end */
static PetscErrorCode TestState(void)
{
  Chained c;
  Dini    dini;
  Vec     u, du, back;

  PetscFunctionBeginUser;
  PetscCall(Create(7, &c));
  PetscCall(Ghosted(c.N, c.u, &u));
  PetscCall(VecSet(u, 1.0));
  PetscCall(VecSet(c.r, 1.1));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetType(dini, DINISHELL));
  PetscCall(DiniSetResidual(dini, StateResidual, &c));
  PetscCall(DiniAddParameter(dini, "r", c.r, NULL));
  PetscCall(DiniAttach(dini, u));
  PetscCall(VecDuplicate(c.u, &du));
  PetscCall(VecDuplicate(c.u, &back));
  PetscCall(VecSet(back, 1.2)); /* J of ones is 1.2 everywhere */
  PetscCall(DiniJVP(dini, back, du));
  PetscCall(VecSet(back, 1.0));
  PetscCall(DiniTestVecsClose(du, back, 1e-8, "a ghosted state"));
  PetscCall(DiniDestroy(&dini));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&back));
  PetscCall(Destroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A local Vec of the application's beside the block, filled once: F does not move, and that is found */
static PetscErrorCode TestLocal(void)
{
  Chained c;
  Dini    dini;
  Vec     m, ones, x;

  PetscFunctionBeginUser;
  PetscCall(Create(7, &c));
  PetscCall(VecDuplicate(c.u, &m));
  PetscCall(VecCopy(c.m, m));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetSNES(dini, c.snes));
  PetscCall(DiniAddParameter(dini, "global", m, NULL)); /* the residual reads c.m */
  PetscCall(DiniSolve(dini, c.u));
  PetscCall(VecDuplicate(c.u, &ones));
  PetscCall(VecDuplicate(c.u, &x));
  PetscCall(VecSet(ones, 1.0));
  DiniTestExpect(DiniVJP(dini, ones, x), PETSC_ERR_ARG_WRONG, "\"global\"");
  PetscCall(DiniDestroy(&dini));
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&ones));
  PetscCall(VecDestroy(&x));
  PetscCall(Destroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestBlock());
  PetscCall(TestNest());
  PetscCall(TestState());
  PetscCall(TestLocal());
  PetscCall(PetscFinalize());
  return 0;
}
