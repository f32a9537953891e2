static char help[] =
    "Linear systems whose matrix has no copy of its own: shells, low-rank updates, sums, nests with virtual transposes or with\n\
one block twice. Derivatives are those of a dense copy, and the application finds its matrix at its own parameters.\n";

#include "support/dinitest.h"

typedef enum {
  SHELL,           /* T(k) + c v v^T, applied; P = T */
  SHELL_DUPLICATE, /* the same with a MATOP_DUPLICATE of the application's */
  LRC,             /* the same as a low-rank update */
  COMPOSITE,       /* T(k) + S */
  TRANSPOSED,      /* nest [T, B^T; B, S] with a virtual B^T, B(k) */
  TWICE,           /* nest [T, T; S, 2 S] with T(k) twice */
  SHELL_P,         /* T(k), preconditioned by a shell */
  KINDS
} Kind;

typedef struct {
  Kind        kind;
  PetscScalar k;
  Mat         T, S, B, A, P;
  Vec         v, u, b;
  KSP         ksp;
  Dini        dini;
  PetscInt    n, N;
} System;

/* What a shell multiplies with */
typedef struct {
  Mat T;
  Vec v;
} Context;

/* k (2, -1 above, -1/2 below) + 1 on the diagonal; rows and columns may be as many as they like */
static PetscErrorCode FillBand(Mat T, PetscScalar k)
{
  PetscInt lo, hi, columns;

  PetscFunctionBeginUser;
  PetscCall(MatGetOwnershipRange(T, &lo, &hi));
  PetscCall(MatGetSize(T, NULL, &columns));
  for (PetscInt i = lo; i < hi; i++) {
    if (i < columns) PetscCall(MatSetValue(T, i, i, 2.0 * k + 1.0, INSERT_VALUES));
    if (i > 0 && i <= columns) PetscCall(MatSetValue(T, i, i - 1, -0.5 * k, INSERT_VALUES));
    if (i + 1 < columns) PetscCall(MatSetValue(T, i, i + 1, -k, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(T, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(T, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Band(PetscInt n, PetscInt N, PetscScalar k, Mat *T)
{
  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, n, n, N, N, 3, NULL, 2, NULL, T));
  PetscCall(FillBand(*T, k));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Mult(Mat A, Vec x, Vec y)
{
  Context    *c;
  PetscScalar dot;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(A, &c));
  PetscCall(MatMult(c->T, x, y));
  PetscCall(VecTDot(x, c->v, &dot));
  PetscCall(VecAXPY(y, 0.1 * dot, c->v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MultTranspose(Mat A, Vec x, Vec y)
{
  Context    *c;
  PetscScalar dot;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(A, &c));
  PetscCall(MatMultTranspose(c->T, x, y));
  PetscCall(VecTDot(x, c->v, &dot));
  PetscCall(VecAXPY(y, 0.1 * dot, c->v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ShellDestroy(Mat A)
{
  Context *c;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(A, &c));
  PetscCall(MatDestroy(&c->T));
  PetscCall(VecDestroy(&c->v));
  PetscCall(PetscFree(c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Duplicate(Mat A, MatDuplicateOption option, Mat *B);

static PetscErrorCode Shell(Mat T, Vec v, PetscBool duplicates, Mat *A)
{
  Context *c;
  PetscInt n, N;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&c));
  PetscCall(PetscObjectReference((PetscObject)T));
  PetscCall(PetscObjectReference((PetscObject)v));
  c->T = T;
  c->v = v;
  PetscCall(MatGetLocalSize(T, &n, NULL));
  PetscCall(MatGetSize(T, &N, NULL));
  PetscCall(MatCreateShell(PETSC_COMM_WORLD, n, n, N, N, c, A));
  PetscCall(MatShellSetOperation(*A, MATOP_MULT, (void (*)(void))Mult));
  PetscCall(MatShellSetOperation(*A, MATOP_MULT_TRANSPOSE, (void (*)(void))MultTranspose));
  PetscCall(MatShellSetOperation(*A, MATOP_DESTROY, (void (*)(void))ShellDestroy));
  if (duplicates) PetscCall(MatShellSetOperation(*A, MATOP_DUPLICATE, (void (*)(void))Duplicate));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Duplicate(Mat A, MatDuplicateOption option, Mat *B)
{
  Context *c;
  Mat      T;

  PetscFunctionBeginUser;
  (void)option;
  PetscCall(MatShellGetContext(A, &c));
  PetscCall(MatDuplicate(c->T, MAT_COPY_VALUES, &T));
  PetscCall(Shell(T, c->v, PETSC_TRUE, B));
  PetscCall(MatDestroy(&T));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Writes into the matrices it is handed, through what they give away */
static PetscErrorCode Fill(System *s, Mat A, Mat P)
{
  Context *c;
  Mat      T = NULL, B = NULL;

  PetscFunctionBeginUser;
  if (s->kind == SHELL || s->kind == SHELL_DUPLICATE) {
    PetscCall(MatShellGetContext(A, &c));
    T = c->T;
  } else if (s->kind == LRC) PetscCall(MatLRCGetMats(A, &T, NULL, NULL, NULL));
  else if (s->kind == COMPOSITE) PetscCall(MatCompositeGetMat(A, 0, &T));
  else if (s->kind == TRANSPOSED || s->kind == TWICE) PetscCall(MatNestGetSubMat(A, 0, 0, &T));
  else T = A;
  PetscCall(FillBand(T, s->k));
  if (s->kind == TRANSPOSED) {
    PetscCall(MatNestGetSubMat(A, 1, 0, &B));
    PetscCall(FillBand(B, 0.5 * s->k));
  }
  if (P != A && P != T && s->kind != SHELL_P) PetscCall(FillBand(P, s->k));
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Assemble(Dini dini, Mat A, Mat P, Vec b, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)b;
  PetscCall(Fill((System *)ctx, A, P));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateLRC(System *s)
{
  Mat                U;
  Vec                c;
  const PetscScalar *v;
  PetscScalar       *a;

  PetscFunctionBeginUser;
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, s->n, PETSC_DECIDE, s->N, 1, NULL, &U));
  PetscCall(MatDenseGetArrayWrite(U, &a));
  PetscCall(VecGetArrayRead(s->v, &v));
  for (PetscInt i = 0; i < s->n; i++) a[i] = v[i];
  PetscCall(VecRestoreArrayRead(s->v, &v));
  PetscCall(MatDenseRestoreArrayWrite(U, &a));
  PetscCall(MatAssemblyBegin(U, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(U, MAT_FINAL_ASSEMBLY));
  PetscCall(VecCreateSeq(PETSC_COMM_SELF, 1, &c));
  PetscCall(VecSet(c, 0.1));
  PetscCall(MatCreateLRC(s->T, U, c, U, &s->A));
  PetscCall(MatDestroy(&U));
  PetscCall(VecDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateNest(System *s)
{
  Mat Bt = NULL, S2 = NULL, blocks[4];

  PetscFunctionBeginUser;
  blocks[0] = blocks[1] = s->T;
  blocks[2]             = s->S;
  if (s->kind == TRANSPOSED) {
    PetscCall(Band(s->n, s->N, 0.5 * s->k, &s->B));
    PetscCall(MatCreateTranspose(s->B, &Bt));
    blocks[1] = Bt;
    blocks[2] = s->B;
    blocks[3] = s->S;
  } else {
    PetscCall(MatDuplicate(s->S, MAT_COPY_VALUES, &S2));
    PetscCall(MatScale(S2, 4.0));
    blocks[3] = S2;
  }
  PetscCall(MatCreateNest(PETSC_COMM_WORLD, 2, NULL, 2, NULL, blocks, &s->A));
  PetscCall(MatDestroy(&Bt));
  PetscCall(MatDestroy(&S2));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SystemCreate(Kind kind, System *s)
{
  PC pc;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(s, sizeof(*s)));
  s->kind = kind;
  s->k    = 1.5;
  s->N    = 5;
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, PETSC_DECIDE, s->N, &s->v));
  PetscCall(VecGetLocalSize(s->v, &s->n));
  PetscCall(DiniTestFill(s->v, 1));
  PetscCall(Band(s->n, s->N, s->k, &s->T));
  PetscCall(Band(s->n, s->N, -0.3, &s->S));
  if (kind == SHELL || kind == SHELL_DUPLICATE) PetscCall(Shell(s->T, s->v, (PetscBool)(kind != SHELL), &s->A));
  else if (kind == LRC) PetscCall(CreateLRC(s));
  else if (kind == TRANSPOSED || kind == TWICE) PetscCall(CreateNest(s));
  else if (kind == COMPOSITE) {
    const Mat sum[] = {s->T, s->S};

    PetscCall(MatCreateComposite(PETSC_COMM_WORLD, 2, sum, &s->A));
  } else {
    PetscCall(PetscObjectReference((PetscObject)s->T));
    s->A = s->T;
    PetscCall(Shell(s->T, s->v, PETSC_FALSE, &s->P));
  }
  if (!s->P) {
    PetscCall(PetscObjectReference((PetscObject)s->A));
    s->P = s->A;
  }
  PetscCall(MatCreateVecs(s->A, &s->u, &s->b));
  PetscCall(DiniTestFill(s->b, 2));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &s->ksp));
  PetscCall(KSPSetOperators(s->ksp, s->A, s->P));
  PetscCall(KSPSetTolerances(s->ksp, 1e-13, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(KSPGetPC(s->ksp, &pc));
  PetscCall(PCSetType(pc, PCNONE));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &s->dini));
  PetscCall(DiniSetKSP(s->dini, s->ksp));
  PetscCall(DiniSetLinearSystem(s->dini, s->b, Assemble, s));
  PetscCall(DiniAddScalarParameter(s->dini, "k", &s->k, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SystemDestroy(System *s)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&s->dini));
  PetscCall(KSPDestroy(&s->ksp));
  PetscCall(MatDestroy(&s->A));
  PetscCall(MatDestroy(&s->P));
  PetscCall(MatDestroy(&s->T));
  PetscCall(MatDestroy(&s->S));
  PetscCall(MatDestroy(&s->B));
  PetscCall(VecDestroy(&s->v));
  PetscCall(VecDestroy(&s->u));
  PetscCall(VecDestroy(&s->b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The matrix at k, column by column, and its derivative: it is affine in k */
static PetscErrorCode Explicit(System *s, PetscScalar k, Mat *D, Mat *slope)
{
  const PetscScalar now = s->k;

  PetscFunctionBeginUser;
  s->k = k + 1.0;
  PetscCall(Fill(s, s->A, s->P));
  PetscCall(MatComputeOperator(s->A, MATAIJ, slope));
  s->k = k;
  PetscCall(Fill(s, s->A, s->P));
  PetscCall(MatComputeOperator(s->A, MATAIJ, D));
  PetscCall(MatAXPY(*slope, -1.0, *D, DIFFERENT_NONZERO_PATTERN));
  s->k = now;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x = -D^{-1} D' u */
static PetscErrorCode Step(Mat D, Mat slope, Vec u, Vec x)
{
  Vec r;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(u, &r));
  PetscCall(MatMult(slope, u, r));
  PetscCall(VecScale(r, -1.0));
  PetscCall(DiniTestDirectSolve(D, PETSC_FALSE, r, x));
  PetscCall(VecDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The application's A is that of its own k: A u = b */
static PetscErrorCode CheckOwn(System *s, PetscScalar k, const char what[])
{
  Vec r;

  PetscFunctionBeginUser;
  DiniTestTrue(s->k == k, "%s: k is %g, and was %g", what, (double)PetscRealPart(s->k), (double)PetscRealPart(k));
  PetscCall(VecDuplicate(s->b, &r));
  PetscCall(MatMult(s->A, s->u, r));
  PetscCall(DiniTestVecsClose(r, s->b, 1e-10, what));
  PetscCall(VecDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The objective Re sum(conj(g) u), linear in u */
static PetscErrorCode Value(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  PetscScalar sum;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecDot(u, (Vec)ctx, &sum));
  *value = PetscRealPart(sum);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)u;
  (void)dJdm;
  PetscCall(VecCopy((Vec)ctx, dJdu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FirstEntry(Vec v, PetscScalar *value)
{
  PetscFunctionBeginUser;
  PetscCall(VecSum(v, value)); /* of a flat vector with one entry */
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Test(Kind kind)
{
  System      s;
  Mat         D, slope;
  Vec         g, du, ddu, x, dm, mbar, F;
  PetscScalar k, expected, found;

  PetscFunctionBeginUser;
  PetscCall(SystemCreate(kind, &s));
  PetscCall(DiniTestVec(s.u, 4, &g));
  PetscCall(VecDuplicate(s.u, &du));
  PetscCall(VecDuplicate(s.u, &ddu));
  PetscCall(VecDuplicate(s.u, &x));
  PetscCall(VecDuplicate(s.u, &F));
  PetscCall(DiniCreateParameterVec(s.dini, &dm));
  PetscCall(VecDuplicate(dm, &mbar));
  PetscCall(VecSet(dm, 1.0));
  PetscCall(DiniSetState(s.dini, s.u));
  PetscCall(DiniSetObjective(s.dini, Value, Gradient, g));
  for (int point = 0; point < 2; point++) {
    k = s.k = 1.5 + 0.5 * point;
    PetscCall(Explicit(&s, k, &D, &slope));
    PetscCall(DiniSolve(s.dini, s.u));
    PetscCall(Step(D, slope, s.u, du));
    PetscCall(Step(D, slope, du, ddu));
    PetscCall(VecScale(ddu, 2.0));
    PetscCall(VecDot(du, g, &expected));
    PetscCall(DiniVJP(s.dini, g, mbar));
    PetscCall(FirstEntry(mbar, &found));
    DiniTestTrue(PetscAbsScalar(found - PetscConj(expected)) <= 1e-7 * PetscAbsScalar(expected),
                 "Kind %d: VJP off by a relative %g", (int)kind,
                 (double)(PetscAbsScalar(found - PetscConj(expected)) / PetscAbsScalar(expected)));
    PetscCall(CheckOwn(&s, k, "after a VJP"));
    PetscCall(DiniJVP(s.dini, dm, x));
    PetscCall(DiniTestVecsClose(x, du, 1e-7, "JVP"));
    PetscCall(CheckOwn(&s, k, "after a JVP"));
    if (!PetscDefined(USE_COMPLEX)) {
      PetscCall(DiniHVP(s.dini, dm, mbar));
      PetscCall(FirstEntry(mbar, &found));
      PetscCall(VecDot(ddu, g, &expected));
      DiniTestTrue(PetscAbsScalar(found - expected) <= 1e-5 * PetscAbsScalar(expected),
                   "Kind %d: Hessian product %g where %g is right", (int)kind, (double)PetscRealPart(found),
                   (double)PetscRealPart(expected));
      PetscCall(CheckOwn(&s, k, "after a Hessian product"));
    }
    /* F at another k, and derivatives at the point again */
    s.k = 3.0;
    PetscCall(DiniComputeResidual(s.dini, s.u, F));
    s.k = k;
    PetscCall(VecZeroEntries(x));
    DiniTestExpect(DiniJVP(s.dini, dm, x), PETSC_ERR_ARG_WRONGSTATE, "Parameter \"k\"");
    PetscCall(DiniSolve(s.dini, s.u));
    PetscCall(DiniJVP(s.dini, dm, x));
    PetscCall(DiniTestVecsClose(x, du, 1e-7, "JVP after F at another k"));
    PetscCall(CheckOwn(&s, k, "after F at another k"));
    PetscCall(MatDestroy(&D));
    PetscCall(MatDestroy(&slope));
  }
  PetscCall(VecDestroy(&g));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&ddu));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&F));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&mbar));
  PetscCall(SystemDestroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (int kind = 0; kind < KINDS; kind++) PetscCall(Test((Kind)kind));
  PetscCall(PetscFinalize());
  return 0;
}
