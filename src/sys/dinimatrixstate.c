/*
  Matrices that others may write into: has anybody since, and can they be copied? dinimatrixvalues.c looks at their numbers.

  The object state of a matrix does not move when somebody writes into a block of a nest, or into what a virtual transpose, a
  sum or a low-rank update refers to: those are asked, too. States only grow, so that their sum tells.
*/
#include "../private/diniimpl.h"

static PetscErrorCode DiniStateOf(PetscObject object, PetscObjectState *sum)
{
  PetscObjectState state;

  PetscFunctionBegin;
  if (!object) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscObjectStateGet(object, &state));
  *sum += state;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Matrices, and a Vec, that A refers to: a list of n, to be freed; entries may be NULL */
PetscErrorCode DiniMatParts_Private(Mat A, PetscInt *n, Mat **parts, Vec *vec)
{
  PetscBool nest, composite, lrc, transpose, hermitian;
  Mat       behind = NULL;
  PetscInt  rows, columns;
  Mat     **blocks;

  PetscFunctionBegin;
  *n     = 0;
  *parts = NULL;
  *vec   = NULL;
  PetscCall(PetscObjectTypeCompare((PetscObject)A, MATNEST, &nest));
  PetscCall(PetscObjectTypeCompare((PetscObject)A, MATCOMPOSITE, &composite));
  PetscCall(PetscObjectTypeCompare((PetscObject)A, MATLRC, &lrc));
  PetscCall(PetscObjectTypeCompare((PetscObject)A, MATTRANSPOSEVIRTUAL, &transpose));
  PetscCall(PetscObjectTypeCompare((PetscObject)A, MATHERMITIANTRANSPOSEVIRTUAL, &hermitian));
  if (nest) {
    PetscCall(MatNestGetSubMats(A, &rows, &columns, &blocks));
    PetscCall(PetscMalloc1(rows * columns, parts));
    for (PetscInt i = 0; i < rows; i++)
      for (PetscInt j = 0; j < columns; j++) (*parts)[(*n)++] = blocks[i][j];
  } else if (composite) {
    PetscCall(MatCompositeGetNumberMat(A, n));
    PetscCall(PetscMalloc1(*n, parts));
    for (PetscInt i = 0; i < *n; i++) PetscCall(MatCompositeGetMat(A, i, &(*parts)[i]));
  } else if (lrc) {
    PetscCall(PetscCalloc1(3, parts));
    *n = 3;
    PetscCall(MatLRCGetMats(A, &(*parts)[0], &(*parts)[1], vec, &(*parts)[2]));
  } else if (transpose || hermitian) {
    PetscCall(PetscCalloc1(1, parts));
    *n = 1;
    PetscCall(transpose ? MatTransposeGetMat(A, *parts) : MatHermitianTransposeGetMat(A, *parts));
  } else {
    PetscCall(PetscObjectQuery((PetscObject)A, DINI_RESTS_ON, (PetscObject *)&behind));
    if (behind) PetscCall(PetscCalloc1(1, parts));
    if (behind) (*parts)[(*n)++] = behind;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Moves whenever A, or what A refers to, is written to by PETSc's calls */
PetscErrorCode DiniMatState_Private(Mat A, PetscObjectState *sum)
{
  PetscObjectState part;
  PetscInt         n;
  Mat             *parts;
  Vec              vec;

  PetscFunctionBegin;
  *sum = 0;
  if (!A) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniStateOf((PetscObject)A, sum));
  PetscCall(DiniMatParts_Private(A, &n, &parts, &vec));
  for (PetscInt i = 0; i < n; i++) {
    PetscCall(DiniMatState_Private(parts[i], &part));
    *sum += part;
  }
  PetscCall(DiniStateOf((PetscObject)vec, sum));
  PetscCall(PetscFree(parts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A callback has filled A: where all that it wrote to is a context, nobody else would know */
PetscErrorCode DiniFilled_Private(Mat A)
{
  PetscBool entries;

  PetscFunctionBegin;
  PetscCall(MatHasOperation(A, MATOP_GET_ROW, &entries));
  if (!entries) PetscCall(PetscObjectStateIncrease((PetscObject)A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Moves with the numbers of A, too, as far as they can be looked at */
PetscErrorCode DiniMatStamp_Private(Mat A, PetscObjectState *stamp)
{
  PetscBool known;
  uint64_t  sum = 0;

  PetscFunctionBegin;
  PetscCall(DiniMatState_Private(A, stamp));
  PetscCall(DiniMatSum_Private(A, &known, &sum));
  *stamp = (PetscObjectState)((uint64_t)*stamp + sum);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From now on this matrix, as it is; NULL: none */
PetscErrorCode DiniMark_Private(Mat A, DiniMark *mark)
{
  PetscFunctionBegin;
  if (A) PetscCall(PetscObjectReference((PetscObject)A));
  if (A != mark->A) {
    PetscCall(VecDestroy(&mark->w));
    PetscCall(VecDestroy(&mark->Aw));
  }
  PetscCall(MatDestroy(&mark->A));
  mark->A   = A;
  mark->sum = 0;
  PetscCall(DiniMatState_Private(A, &mark->state));
  PetscCall(DiniMatSum_Private(A, &mark->known, &mark->sum));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Written to, and with the marked values again */
PetscErrorCode DiniMarkAgain_Private(DiniMark *mark)
{
  PetscFunctionBegin;
  PetscCall(DiniMatState_Private(mark->A, &mark->state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Has it been written to since, by PETSc's calls or, with values, past them? What this rank knows */
PetscErrorCode DiniMarkMoved_Private(const DiniMark *mark, PetscBool values, PetscBool *moved)
{
  PetscObjectState state;
  PetscBool        known;
  uint64_t         sum = 0;

  PetscFunctionBegin;
  PetscCall(DiniMatState_Private(mark->A, &state));
  *moved = (PetscBool)(state != mark->state);
  if (*moved || !values) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniMatSum_Private(mark->A, &known, &sum));
  *moved = (PetscBool)(sum != mark->sum);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Has the application given a shell its own MATOP_DUPLICATE? That of PETSc shares the context. */
static PetscErrorCode DiniShellCopies(Mat A, PetscBool *copies)
{
  Mat plain;
  void (*own)(void), (*theirs)(void);

  PetscFunctionBegin;
  PetscCall(MatCreateShell(PETSC_COMM_SELF, 0, 0, 0, 0, NULL, &plain));
  PetscCall(MatGetOperation(plain, MATOP_DUPLICATE, &theirs));
  PetscCall(MatGetOperation(A, MATOP_DUPLICATE, &own));
  PetscCall(MatDestroy(&plain));
  *copies = (PetscBool)(own && own != theirs);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A nest is as good as its blocks, when they are separate ones: those of its copy are. */
static PetscErrorCode DiniNestCopies(Mat A, PetscBool *copies)
{
  PetscInt n;
  Mat     *parts;
  Vec      vec;

  PetscFunctionBegin;
  *copies = PETSC_TRUE;
  PetscCall(DiniMatParts_Private(A, &n, &parts, &vec));
  for (PetscInt i = 0; i < n && *copies; i++) {
    if (!parts[i]) continue;
    PetscCall(DiniMatCopies_Private(parts[i], copies));
    for (PetscInt j = 0; j < i; j++)
      if (parts[i] == parts[j]) *copies = PETSC_FALSE;
  }
  PetscCall(PetscFree(parts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Is a MatDuplicate() of A another matrix, with values of its own? Not for matrices that keep what they know in a context or in
  other matrices: their copies follow the original.
*/
PetscErrorCode DiniMatCopies_Private(Mat A, PetscBool *copies)
{
  PetscBool shell, nest, entries, known, duplicates, copied;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)A, MATSHELL, &shell));
  PetscCall(PetscObjectTypeCompare((PetscObject)A, MATNEST, &nest));
  if (shell) PetscCall(DiniShellCopies(A, copies));
  else if (nest) PetscCall(DiniNestCopies(A, copies));
  else {
    PetscCall(MatHasOperation(A, MATOP_GET_ROW, &entries));
    PetscCall(MatHasOperation(A, MATOP_DUPLICATE, &duplicates));
    PetscCall(MatHasOperation(A, MATOP_COPY, &copied));
    PetscCall(PetscObjectTypeCompareAny((PetscObject)A, &known, MATIS, MATCONSTANTDIAGONAL, MATHYPRE, "diagonal", ""));
    *copies = (PetscBool)((entries || known) && duplicates && (copied || known));
    PetscCall(PetscObjectTypeCompareAny((PetscObject)A, &known, MATSUBMATRIX, MATMFFD, MATLRC, MATCOMPOSITE, ""));
    if (known) *copies = PETSC_FALSE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  MatCopy() to another matrix with the same blocks and types. That of a MATNEST reads the blocks that are not there, too, and
  crashes, so its blocks are copied one by one.
*/
PetscErrorCode DiniMatCopy_Private(Mat A, Mat B, MatStructure str)
{
  PetscBool nest;
  PetscInt  rows, columns;
  Mat     **from, **to;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)A, MATNEST, &nest));
  if (!nest) {
    PetscCall(MatCopy(A, B, str));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(MatNestGetSubMats(A, &rows, &columns, &from));
  PetscCall(MatNestGetSubMats(B, NULL, NULL, &to));
  for (PetscInt i = 0; i < rows; i++)
    for (PetscInt j = 0; j < columns; j++) {
      PetscCheck(!from[i][j] == !to[i][j], PetscObjectComm((PetscObject)A), PETSC_ERR_PLIB,
                 "Two nests of unlike blocks, at %" PetscInt_FMT ", %" PetscInt_FMT, i, j);
      if (from[i][j]) PetscCall(DiniMatCopy_Private(from[i][j], to[i][j], str));
    }
  PetscCall(PetscObjectStateIncrease((PetscObject)B));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The context of a shell of Dini's that an application may have kept longer than the object behind it */
PetscErrorCode DiniShellContext_Private(Mat A, void *ctx)
{
  PetscFunctionBegin;
  PetscCall(MatShellGetContext(A, ctx));
  PetscCheck(*(void **)ctx, PetscObjectComm((PetscObject)A), PETSC_ERR_ARG_WRONGSTATE,
             "The Dini of this matrix has been destroyed, reset or given another relation since; ask it for the matrix "
             "again");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Destroys A; where the application has kept it, and it is a shell around this owner, it knows nobody from now on */
PetscErrorCode DiniShellDestroy_Private(Mat *A, const void *owner)
{
  PetscBool shell;
  void     *ctx = NULL;

  PetscFunctionBegin;
  if (!*A) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscObjectTypeCompare((PetscObject)*A, MATSHELL, &shell));
  if (shell) PetscCall(MatShellGetContext(*A, &ctx));
  if (ctx && ctx == owner) PetscCall(MatShellSetContext(*A, NULL));
  PetscCall(MatDestroy(A));
  PetscFunctionReturn(PETSC_SUCCESS);
}
