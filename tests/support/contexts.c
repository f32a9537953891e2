#include "contexts.h"

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
PetscErrorCode SystemFill(System *s, Mat A, Mat P)
{
  Context *c;
  Mat      T = NULL, B = NULL;

  PetscFunctionBeginUser;
  if (s->kind == SYSTEM_SHELL || s->kind == SYSTEM_SHELL_DUPLICATE) {
    PetscCall(MatShellGetContext(A, &c));
    T = c->T;
  } else if (s->kind == SYSTEM_LRC) PetscCall(MatLRCGetMats(A, &T, NULL, NULL, NULL));
  else if (s->kind == SYSTEM_COMPOSITE) PetscCall(MatCompositeGetMat(A, 0, &T));
  else if (s->kind == SYSTEM_TRANSPOSED || s->kind == SYSTEM_TWICE) PetscCall(MatNestGetSubMat(A, 0, 0, &T));
  else T = A;
  PetscCall(FillBand(T, s->k));
  if (s->kind == SYSTEM_TRANSPOSED) {
    PetscCall(MatNestGetSubMat(A, 1, 0, &B));
    PetscCall(FillBand(B, 0.5 * s->k));
  }
  if (P != A && P != T && s->kind != SYSTEM_SHELL_P) PetscCall(FillBand(P, s->k));
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Assemble(Dini dini, Mat A, Mat P, Vec b, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)b;
  PetscCall(SystemFill((System *)ctx, A, P));
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
  if (s->kind == SYSTEM_TRANSPOSED) {
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

PetscErrorCode SystemCreate(SystemKind kind, System *s)
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
  PetscCall(
      VecRealPart(s->v)); /* in complex builds the products of MATLRC with complex factors contradict each other */
  PetscCall(Band(s->n, s->N, s->k, &s->T));
  PetscCall(Band(s->n, s->N, -0.3, &s->S));
  if (kind == SYSTEM_SHELL || kind == SYSTEM_SHELL_DUPLICATE)
    PetscCall(Shell(s->T, s->v, (PetscBool)(kind != SYSTEM_SHELL), &s->A));
  else if (kind == SYSTEM_LRC) PetscCall(CreateLRC(s));
  else if (kind == SYSTEM_TRANSPOSED || kind == SYSTEM_TWICE) PetscCall(CreateNest(s));
  else if (kind == SYSTEM_COMPOSITE) {
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

PetscErrorCode SystemDestroy(System *s)
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
