static char help[] =
    "What derivatives rest on is written to by others: two Dinis on one SNES, with one J and one F_m, and everything that may\n\
move them. Derivatives are those of the closed form, each time, or there is an error.\n";

#include "support/dinitest.h"
#include <petsc/private/petscimpl.h> /* object states */

/* F = m u^2 + m^2 u - c on every entry: roots u+ and u-, J = 2 m u + m^2, F_m = u^2 + 2 m u */
typedef enum { KIND_AIJ, KIND_NEST, KIND_SHELL } Kind;

typedef struct {
  Kind      kind;
  PetscReal c;
  PetscBool writes; /* the residual fills J, too */
  Mat       J, Fm, B;
  Vec       m, ujac, w;
  SNES      snes;
  PetscInt  n, fills, jacobians;
} Roots;

static PetscErrorCode FillJ(Roots *r, Vec u)
{
  Mat A = r->J;

  PetscFunctionBeginUser;
  PetscCall(VecCopy(u, r->ujac)); /* all that a shell knows */
  if (r->kind == KIND_SHELL) PetscFunctionReturn(PETSC_SUCCESS);
  if (r->kind == KIND_NEST) A = r->B;
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
  if (r->writes) PetscCall(FillJ(r, u));
  PetscCall(VecPointwiseMult(F, u, u));
  PetscCall(VecPointwiseMult(F, F, r->m));
  PetscCall(VecPointwiseMult(r->w, r->m, r->m));
  PetscCall(VecPointwiseMult(r->w, r->w, u));
  PetscCall(VecAXPY(F, 1.0, r->w));
  PetscCall(VecShift(F, -r->c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  PetscFunctionBeginUser;
  (void)snes;
  (void)J;
  (void)P;
  ((Roots *)ctx)->jacobians++;
  PetscCall(FillJ((Roots *)ctx, u));
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

static PetscErrorCode FillFm(Dini dini, Vec u, Vec m, Mat Fm, void *ctx)
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

static PetscErrorCode FillZero(Dini dini, Vec u, Vec m, Mat Fm, void *ctx)
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

static PetscErrorCode RootsCreate(Kind kind, Roots *r)
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
  if (kind == KIND_SHELL) {
    PetscCall(MatCreateShell(PETSC_COMM_WORLD, r->n, r->n, N, N, r, &r->J));
    PetscCall(MatShellSetOperation(r->J, MATOP_MULT, (void (*)(void))ShellMult));
    PetscCall(MatShellSetOperation(r->J, MATOP_MULT_TRANSPOSE, (void (*)(void))ShellMult));
  } else if (kind == KIND_NEST) {
    PetscCall(Diagonal(r->w, &r->B));
    PetscCall(MatCreateNest(PETSC_COMM_WORLD, 1, NULL, 1, NULL, &r->B, &r->J));
  } else PetscCall(Diagonal(r->w, &r->J));
  PetscCall(Diagonal(r->w, &r->Fm));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &r->snes));
  PetscCall(SNESSetFunction(r->snes, NULL, Residual, r));
  PetscCall(SNESSetJacobian(r->snes, r->J, r->J, Jacobian, r));
  PetscCall(SNESSetTolerances(r->snes, 1e-14, 1e-14, 0.0, 50, 1000));
  PetscCall(SNESGetKSP(r->snes, &ksp));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, kind == KIND_AIJ ? PCJACOBI : PCNONE));
  PetscCall(KSPSetTolerances(ksp, 1e-12, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RootsDestroy(Roots *r)
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
static PetscErrorCode Branch(Roots *r, PetscReal near, PetscBool matrix, Dini *dini, Vec *u)
{
  PetscInt p;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(r->m, u));
  PetscCall(VecSet(*u, near));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, dini));
  PetscCall(DiniSetSNES(*dini, r->snes));
  PetscCall(DiniAddParameter(*dini, "m", r->m, &p));
  if (matrix) PetscCall(DiniSetParameterJacobian(*dini, p, r->Fm, FillFm, r));
  PetscCall(DiniSolve(*dini, *u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* du/dm = -(u^2 + 2 m u) / (2 m u + m^2) in every entry, at m = 1 and u = 2 or u = -3 */
static PetscReal Slope(PetscReal u)
{
  return -(u * u + 2.0 * u) / (2.0 * u + 1.0);
}

static PetscErrorCode Expect(Vec v, PetscReal value, const char what[])
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
static PetscErrorCode CheckAll(Roots *r, Dini dini, PetscReal u, const char what[])
{
  Vec v, w;
  Mat V, W;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(r->m, &v));
  PetscCall(VecDuplicate(r->m, &w));
  PetscCall(VecSet(v, 1.0));
  PetscCall(DiniVJP(dini, v, w));
  PetscCall(Expect(w, Slope(u), what));
  PetscCall(DiniJVP(dini, v, w));
  PetscCall(Expect(w, Slope(u), what));
  PetscCall(DiniAdjointSolve(dini, v, w));
  PetscCall(Expect(w, 1.0 / (2.0 * u + 1.0), what));
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
  PetscCall(Expect(w, 2.0 * Slope(u), what));
  PetscCall(MatDestroy(&V));
  PetscCall(MatDestroy(&W));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Two roots, one SNES, one J, one F_m; in turns, and by pinned derivatives */
static PetscErrorCode TestBranches(Kind kind)
{
  const PetscReal roots[2] = {2.0, -3.0};
  Roots           r;
  Dini            dini[2];
  Vec             u[2], v, w;
  Mat             D[2];
  DiniStatistics  s;

  PetscFunctionBeginUser;
  PetscCall(RootsCreate(kind, &r));
  for (int k = 0; k < 2; k++) PetscCall(Branch(&r, 1.2 * roots[k], PETSC_TRUE, &dini[k], &u[k]));
  for (int round = 0; round < 2; round++)
    for (int k = 0; k < 2; k++) PetscCall(CheckAll(&r, dini[k], roots[k], "two Dinis on one SNES"));
  PetscCall(DiniGetStatistics(dini[0], &s));
  DiniTestTrue(s.relinearizations >= 2, "%" PetscInt_FMT " matrices made again", s.relinearizations);
  DiniTestCount(s.linearizations, 1, "points");

  PetscCall(VecDuplicate(r.m, &v));
  PetscCall(VecDuplicate(r.m, &w));
  PetscCall(VecSet(v, 1.0));
  for (int k = 0; k < 2; k++) PetscCall(DiniCreateDerivative(dini[k], DINI_ALL_PARAMETERS, &D[k]));
  for (int round = 0; round < 2; round++)
    for (int k = 0; k < 2; k++) {
      PetscCall(MatMultTranspose(D[k], v, w));
      PetscCall(Expect(w, Slope(roots[k]), "pinned, two Dinis on one SNES"));
      PetscCall(MatMult(D[k], v, w));
      PetscCall(Expect(w, Slope(roots[k]), "pinned tangent, two Dinis on one SNES"));
    }
  for (int k = 0; k < 2; k++) {
    PetscCall(MatDestroy(&D[k]));
    PetscCall(DiniDestroy(&dini[k]));
    PetscCall(VecDestroy(&u[k]));
  }
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&w));
  PetscCall(RootsDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Everybody who may write into J or F_m; and nothing is made again where nobody does */
static PetscErrorCode TestMovers(Kind kind)
{
  Roots          r, other;
  Dini           dini;
  Vec            u, elsewhere;
  DiniStatistics s;

  PetscFunctionBeginUser;
  PetscCall(RootsCreate(kind, &r));
  PetscCall(RootsCreate(kind, &other));
  PetscCall(Branch(&r, 2.5, PETSC_TRUE, &dini, &u));
  PetscCall(CheckAll(&r, dini, 2.0, "alone"));
  PetscCall(CheckAll(&r, dini, 2.0, "alone, again"));
  PetscCall(DiniGetStatistics(dini, &s));
  DiniTestCount(s.relinearizations, 0, "matrices made again where nobody has written");
  DiniTestCount(r.fills, 1, "fills of F_m where nobody has written");
  PetscCall(VecDuplicate(u, &elsewhere));
  PetscCall(VecSet(elsewhere, 17.0));
  if (kind != KIND_SHELL) { /* by hand */
    PetscCall(MatScale(r.J, 3.0));
    PetscCall(CheckAll(&r, dini, 2.0, "after MatScale() of J"));
    if (kind == KIND_NEST) PetscCall(MatShift(r.B, 1.0));
    else PetscCall(MatZeroEntries(r.J));
    PetscCall(CheckAll(&r, dini, 2.0, "after a block of J, or all of it, was overwritten"));
  }
  PetscCall(MatScale(r.Fm, 3.0));
  PetscCall(CheckAll(&r, dini, 2.0, "after MatScale() of F_m"));
  if (kind == KIND_SHELL) PetscCall(PetscObjectStateIncrease((PetscObject)r.J)); /* as a callback of a shell has to */
  PetscCall(SNESComputeJacobian(r.snes, elsewhere, r.J, r.J));
  PetscCall(CheckAll(&r, dini, 2.0, "after SNESComputeJacobian() elsewhere"));
  if (kind == KIND_AIJ) { /* another relation's SNES, with the same matrix */
    PetscCall(MatDestroy(&other.J));
    PetscCall(PetscObjectReference((PetscObject)r.J));
    other.J = r.J;
    other.c = 20.0;
    PetscCall(SNESSetJacobian(other.snes, r.J, r.J, Jacobian, &other));
    PetscCall(SNESSolve(other.snes, NULL, elsewhere));
    PetscCall(CheckAll(&r, dini, 2.0, "after a solve by another SNES with the same matrix"));
  }
  PetscCall(DiniGetStatistics(dini, &s));
  DiniTestTrue(s.relinearizations >= 2, "%" PetscInt_FMT " matrices made again", s.relinearizations);
  PetscCall(VecDestroy(&elsewhere));
  PetscCall(VecDestroy(&u));
  PetscCall(DiniDestroy(&dini));
  PetscCall(RootsDestroy(&r));
  PetscCall(RootsDestroy(&other));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A residual that fills J on the way: differences of F move it, between linearization and solve too */
static PetscErrorCode TestResidualWrites(void)
{
  Roots r;
  Dini  dini;
  Vec   u;

  PetscFunctionBeginUser;
  PetscCall(RootsCreate(KIND_AIJ, &r));
  r.writes = PETSC_TRUE;
  PetscCall(Branch(&r, 2.5, PETSC_FALSE, &dini, &u)); /* F_m by differences */
  PetscCall(CheckAll(&r, dini, 2.0, "a residual that fills J"));
  PetscCall(CheckAll(&r, dini, 2.0, "a residual that fills J, again"));
  PetscCall(VecDestroy(&u));
  PetscCall(DiniDestroy(&dini));
  PetscCall(RootsDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same where the first derivative is a tangent: filling F_m moves J between linearization and solve */
static PetscErrorCode TestTangentFirst(void)
{
  Roots r;
  Dini  dini;
  Vec   u, v, w;

  PetscFunctionBeginUser;
  PetscCall(RootsCreate(KIND_AIJ, &r));
  r.writes = PETSC_TRUE;
  PetscCall(Branch(&r, 2.5, PETSC_FALSE, &dini, &u));
  PetscCall(VecDuplicate(u, &v));
  PetscCall(VecDuplicate(u, &w));
  PetscCall(VecSet(v, 1.0));
  PetscCall(DiniJVP(dini, v, w));
  PetscCall(Expect(w, Slope(2.0), "a tangent first, where the residual fills J"));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&w));
  PetscCall(DiniDestroy(&dini));
  PetscCall(RootsDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What Dini gives away is that of the point, whoever has written into it; its own F_m, too */
static PetscErrorCode TestGiven(void)
{
  Roots r;
  Dini  dini;
  Vec   u, v;
  Mat   J, Fm;

  PetscFunctionBeginUser;
  PetscCall(RootsCreate(KIND_AIJ, &r));
  PetscCall(Branch(&r, 2.5, PETSC_FALSE, &dini, &u));
  PetscCall(VecDuplicate(u, &v));
  PetscCall(DiniGetParameterJacobian(dini, 0, &Fm));
  PetscCall(MatScale(Fm, 3.0));
  PetscCall(CheckAll(&r, dini, 2.0, "after MatScale() of an F_m by differences"));
  PetscCall(MatScale(r.J, 3.0));
  PetscCall(DiniGetJacobian(dini, &J, NULL));
  PetscCall(MatGetDiagonal(J, v));
  PetscCall(Expect(v, 5.0, "DiniGetJacobian() after MatScale() of J"));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&v));
  PetscCall(DiniDestroy(&dini));
  PetscCall(RootsDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Two blocks whose F_m is one matrix: each is filled when it is its turn */
static PetscErrorCode TestOneMatrix(void)
{
  Roots    r;
  Dini     dini;
  Vec      u, v, w, other;
  PetscInt p, n;

  PetscFunctionBeginUser;
  PetscCall(RootsCreate(KIND_AIJ, &r));
  PetscCall(Branch(&r, 2.5, PETSC_TRUE, &dini, &u));
  PetscCall(VecDuplicate(u, &other));
  PetscCall(VecSet(other, 1.0));
  PetscCall(DiniAddParameter(dini, "other", other, &p)); /* enters nowhere: its F_m is zero, in the matrix of m */
  PetscCall(DiniSetParameterJacobian(dini, p, r.Fm, FillZero, &r));
  PetscCall(DiniSetGuard(dini, PETSC_FALSE));
  PetscCall(DiniSolve(dini, u));
  PetscCall(VecDuplicate(u, &v));
  PetscCall(VecSet(v, 1.0));
  PetscCall(DiniCreateParameterVec(dini, &w));
  for (int k = 0; k < 3; k++) {
    const PetscScalar *a;
    PetscReal          off[2] = {0.0, 0.0};

    PetscCall(DiniVJP(dini, v, w));
    PetscCall(VecGetLocalSize(u, &n));
    PetscCall(VecGetArrayRead(w, &a));
    for (PetscInt i = 0; i < n; i++) off[0] = PetscMax(off[0], PetscAbsScalar(a[i] - Slope(2.0)));
    for (PetscInt i = n; i < 2 * n; i++) off[0] = PetscMax(off[0], PetscAbsScalar(a[i]));
    PetscCall(VecRestoreArrayRead(w, &a));
    PetscCall(MPIU_Allreduce(&off[0], &off[1], 1, MPIU_REAL, MPIU_MAX, PETSC_COMM_WORLD));
    DiniTestTrue(off[1] <= 1e-8, "Two blocks with one matrix, VJP %d: off by %g", k, (double)off[1]);
  }
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&w));
  PetscCall(VecDestroy(&other));
  PetscCall(DiniDestroy(&dini));
  PetscCall(RootsDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Matrices that nobody fills again: held against F once more, or refused */
static PetscErrorCode TestConstant(PetscBool guard)
{
  Roots          r;
  Dini           dini;
  Vec            u, v, w;
  PetscErrorCode code = guard ? PETSC_ERR_ARG_WRONG : PETSC_ERR_ARG_WRONGSTATE;

  PetscFunctionBeginUser;
  PetscCall(RootsCreate(KIND_AIJ, &r));
  PetscCall(Branch(&r, 2.5, PETSC_TRUE, &dini, &u));
  PetscCall(FillJ(&r, u));
  PetscCall(FillFm(NULL, u, r.m, r.Fm, &r));
  PetscCall(DiniSetJacobian(dini, r.J, NULL, NULL, NULL));
  PetscCall(DiniSetParameterJacobian(dini, 0, r.Fm, NULL, NULL));
  PetscCall(DiniSetParameterType(dini, 0, DINIPARAMETERMATRIX));
  PetscCall(DiniSetGuard(dini, guard));
  PetscCall(DiniAttach(dini, u));
  PetscCall(VecDuplicate(u, &v));
  PetscCall(VecDuplicate(u, &w));
  PetscCall(VecSet(v, 1.0));
  PetscCall(CheckAll(&r, dini, 2.0, "constant J and F_m"));
  PetscCall(MatScale(r.Fm, 2.0));
  DiniTestExpect(DiniVJP(dini, v, w), code, "parameter \"m\"");
  PetscCall(MatScale(r.Fm, 0.5));
  PetscCall(DiniAttach(dini, u));
  PetscCall(CheckAll(&r, dini, 2.0, "constant F_m put back"));
  PetscCall(MatScale(r.J, 2.0));
  DiniTestExpect(DiniVJP(dini, v, w), code, "Jacobian");
  PetscCall(MatScale(r.J, 0.5));
  PetscCall(DiniAttach(dini, u));
  PetscCall(CheckAll(&r, dini, 2.0, "constant J put back"));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&w));
  PetscCall(DiniDestroy(&dini));
  PetscCall(RootsDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (int kind = KIND_AIJ; kind <= KIND_SHELL; kind++) {
    PetscCall(TestBranches((Kind)kind));
    PetscCall(TestMovers((Kind)kind));
  }
  PetscCall(TestResidualWrites());
  PetscCall(TestTangentFirst());
  PetscCall(TestGiven());
  PetscCall(TestOneMatrix());
  PetscCall(TestConstant(PETSC_TRUE));
  PetscCall(TestConstant(PETSC_FALSE));
  PetscCall(PetscFinalize());
  return 0;
}
