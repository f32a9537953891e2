#include "roots.h"

PetscErrorCode RootsFillJ(Roots *r, Vec u)
{
  Mat A = r->J;

  PetscFunctionBeginUser;
  PetscCall(VecCopy(u, r->ujac)); /* all that a shell knows */
  if (r->kind == ROOTS_SHELL) PetscFunctionReturn(PETSC_SUCCESS);
  if (r->kind == ROOTS_NEST) A = r->B;
  PetscCall(VecPointwiseMult(r->w, r->m, u));
  PetscCall(VecScale(r->w, 2.0));
  PetscCall(MatDiagonalSet(A, r->w, INSERT_VALUES));
  PetscCall(VecPointwiseMult(r->w, r->m, r->m));
  PetscCall(MatDiagonalSet(A, r->w, ADD_VALUES));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  Roots *r = (Roots *)ctx;

  PetscFunctionBeginUser;
  (void)snes;
  if (r->writes) PetscCall(RootsFillJ(r, u));
  PetscCall(VecPointwiseMult(F, u, u));
  PetscCall(VecPointwiseMult(F, F, r->m));
  PetscCall(VecPointwiseMult(r->w, r->m, r->m));
  PetscCall(VecPointwiseMult(r->w, r->w, u));
  PetscCall(VecAXPY(F, 1.0, r->w));
  PetscCall(VecShift(F, -r->c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RootsJacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  PetscFunctionBeginUser;
  (void)snes;
  (void)J;
  (void)P;
  ((Roots *)ctx)->jacobians++;
  PetscCall(RootsFillJ((Roots *)ctx, u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = (2 m u + m^2) x with the u of the last fill; diagonal, so its own transpose */
static PetscErrorCode ShellMult(Mat A, Vec x, Vec y)
{
  Roots *r;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(A, &r));
  PetscCall(VecPointwiseMult(y, r->m, r->ujac));
  PetscCall(VecScale(y, 2.0));
  PetscCall(VecPointwiseMult(r->w, r->m, r->m));
  PetscCall(VecAXPY(y, 1.0, r->w));
  PetscCall(VecPointwiseMult(y, y, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RootsFillFm(Dini dini, Vec u, Vec m, Mat Fm, void *ctx)
{
  Roots *r = (Roots *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  r->fills++;
  PetscCall(VecPointwiseMult(r->w, u, m));
  PetscCall(VecScale(r->w, 2.0));
  PetscCall(MatDiagonalSet(Fm, r->w, INSERT_VALUES));
  PetscCall(VecPointwiseMult(r->w, u, u));
  PetscCall(MatDiagonalSet(Fm, r->w, ADD_VALUES));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RootsFillZero(Dini dini, Vec u, Vec m, Mat Fm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)u;
  (void)m;
  (void)ctx;
  PetscCall(MatZeroEntries(Fm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Diagonal(Vec like, Mat *A)
{
  PetscInt n, N;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(like, &n));
  PetscCall(VecGetSize(like, &N));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, n, n, N, N, 1, NULL, 0, NULL, A));
  PetscCall(MatDiagonalSet(*A, like, INSERT_VALUES));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RootsCreate(RootsKind kind, Roots *r)
{
  KSP      ksp;
  PC       pc;
  PetscInt N;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(r, sizeof(*r)));
  r->kind = kind;
  r->c    = 6.0;
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, PETSC_DECIDE, 7, &r->m));
  PetscCall(VecSet(r->m, 1.0));
  PetscCall(VecDuplicate(r->m, &r->ujac));
  PetscCall(VecDuplicate(r->m, &r->w));
  PetscCall(VecSet(r->w, 1.0));
  PetscCall(VecGetLocalSize(r->m, &r->n));
  PetscCall(VecGetSize(r->m, &N));
  if (kind == ROOTS_SHELL) {
    PetscCall(MatCreateShell(PETSC_COMM_WORLD, r->n, r->n, N, N, r, &r->J));
    PetscCall(MatShellSetOperation(r->J, MATOP_MULT, (void (*)(void))ShellMult));
    PetscCall(MatShellSetOperation(r->J, MATOP_MULT_TRANSPOSE, (void (*)(void))ShellMult));
  } else if (kind == ROOTS_NEST) {
    PetscCall(Diagonal(r->w, &r->B));
    PetscCall(MatCreateNest(PETSC_COMM_WORLD, 1, NULL, 1, NULL, &r->B, &r->J));
  } else PetscCall(Diagonal(r->w, &r->J));
  PetscCall(Diagonal(r->w, &r->Fm));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &r->snes));
  PetscCall(SNESSetFunction(r->snes, NULL, Residual, r));
  PetscCall(SNESSetJacobian(r->snes, r->J, r->J, RootsJacobian, r));
  PetscCall(SNESSetTolerances(r->snes, 1e-14, 1e-14, 0.0, 50, 1000));
  PetscCall(SNESGetKSP(r->snes, &ksp));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, kind == ROOTS_AIJ ? PCJACOBI : PCNONE));
  PetscCall(KSPSetTolerances(ksp, 1e-12, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RootsDestroy(Roots *r)
{
  PetscFunctionBeginUser;
  PetscCall(SNESDestroy(&r->snes));
  PetscCall(MatDestroy(&r->J));
  PetscCall(MatDestroy(&r->B));
  PetscCall(MatDestroy(&r->Fm));
  PetscCall(VecDestroy(&r->m));
  PetscCall(VecDestroy(&r->ujac));
  PetscCall(VecDestroy(&r->w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The root near this value, solved for and the point of a new Dini */
PetscErrorCode RootsBranch(Roots *r, PetscReal near, PetscBool matrix, Dini *dini, Vec *u)
{
  PetscInt p;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(r->m, u));
  PetscCall(VecSet(*u, near));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, dini));
  PetscCall(DiniSetSNES(*dini, r->snes));
  PetscCall(DiniAddParameter(*dini, "m", r->m, &p));
  if (matrix) PetscCall(DiniSetParameterJacobian(*dini, p, r->Fm, RootsFillFm, r));
  PetscCall(DiniSolve(*dini, *u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* du/dm = -(u^2 + 2 m u) / (2 m u + m^2) in every entry, at m = 1 and u = 2 or u = -3 */
PetscReal RootsSlope(PetscReal u)
{
  return -(u * u + 2.0 * u) / (2.0 * u + 1.0);
}

PetscErrorCode RootsExpect(Vec v, PetscReal value, const char what[])
{
  Vec e;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(v, &e));
  PetscCall(VecSet(e, value));
  PetscCall(DiniTestVecsClose(v, e, 1e-8, what));
  PetscCall(VecDestroy(&e));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Derivatives of every kind at the root u */
PetscErrorCode RootsCheck(Roots *r, Dini dini, PetscReal u, const char what[])
{
  Vec v, w;
  Mat V, W;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(r->m, &v));
  PetscCall(VecDuplicate(r->m, &w));
  PetscCall(VecSet(v, 1.0));
  PetscCall(DiniVJP(dini, v, w));
  PetscCall(RootsExpect(w, RootsSlope(u), what));
  PetscCall(DiniJVP(dini, v, w));
  PetscCall(RootsExpect(w, RootsSlope(u), what));
  PetscCall(DiniAdjointSolve(dini, v, w));
  PetscCall(RootsExpect(w, 1.0 / (2.0 * u + 1.0), what));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, r->n, PETSC_DECIDE, 7, 2, NULL, &V));
  PetscCall(MatDuplicate(V, MAT_DO_NOT_COPY_VALUES, &W));
  for (PetscInt j = 0; j < 2; j++) {
    Vec column;

    PetscCall(MatDenseGetColumnVecWrite(V, j, &column));
    PetscCall(VecSet(column, 1.0 + (PetscReal)j));
    PetscCall(MatDenseRestoreColumnVecWrite(V, j, &column));
  }
  PetscCall(DiniMatVJP(dini, V, W));
  PetscCall(MatGetColumnVector(W, w, 1));
  PetscCall(RootsExpect(w, 2.0 * RootsSlope(u), what));
  PetscCall(MatDestroy(&V));
  PetscCall(MatDestroy(&W));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&w));
  PetscFunctionReturn(PETSC_SUCCESS);
}
