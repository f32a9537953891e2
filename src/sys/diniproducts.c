/* Mats that are nothing but products: one class of shells for the derivative, the Hessian and a derivative that is pinned. */
#include "../private/diniimpl.h"

/* The context, which PETSc shares among the Mat and its duplicates */
typedef struct {
  const DiniProductOps *does;
  void                 *owner; /* NULL: it has gone */
} DiniProductsContext;

/* *owner of a Mat whose owner is there still */
PetscErrorCode DiniProductsOwner_Private(Mat A, void *owner)
{
  DiniProductsContext *ctx;

  PetscFunctionBegin;
  PetscCall(MatShellGetContext(A, &ctx));
  PetscCheck(ctx->owner, PetscObjectComm((PetscObject)A), PETSC_ERR_ARG_WRONGSTATE,
             "The Dini of this %s has been destroyed, reset, or given other parameters; call %s again", ctx->does->what,
             ctx->does->again);
  *(void **)owner = ctx->owner;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniProductsOf(Mat A, const DiniProductOps **does, void **owner)
{
  DiniProductsContext *ctx;

  PetscFunctionBegin;
  PetscCall(DiniProductsOwner_Private(A, owner));
  PetscCall(MatShellGetContext(A, &ctx));
  *does = ctx->does;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniProductsMult(Mat A, Vec x, Vec y)
{
  const DiniProductOps *does  = NULL;
  void                 *owner = NULL;

  PetscFunctionBegin;
  PetscCall(DiniProductsOf(A, &does, &owner));
  PetscCall((*does->mult)(owner, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniProductsMultTranspose(Mat A, Vec x, Vec y)
{
  const DiniProductOps *does  = NULL;
  void                 *owner = NULL;

  PetscFunctionBegin;
  PetscCall(DiniProductsOf(A, &does, &owner));
  PetscCall((*does->multtranspose)(owner, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniProductsMatMult(Mat A, Mat X, Mat Y, void *unused)
{
  const DiniProductOps *does  = NULL;
  void                 *owner = NULL;

  PetscFunctionBegin;
  (void)unused;
  PetscCall(DiniProductsOf(A, &does, &owner));
  PetscCall((*does->matmult)(owner, X, Y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniProductsTransposeMatMult(Mat A, Mat X, Mat Y, void *unused)
{
  const DiniProductOps *does  = NULL;
  void                 *owner = NULL;

  PetscFunctionBegin;
  (void)unused;
  PetscCall(DiniProductsOf(A, &does, &owner));
  PetscCall((*does->transposematmult)(owner, X, Y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniProductsView(Mat A, PetscViewer viewer)
{
  DiniProductsContext *ctx;
  PetscBool            ascii;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)viewer, PETSCVIEWERASCII, &ascii));
  if (!ascii) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatShellGetContext(A, &ctx));
  PetscCall(PetscViewerASCIIPrintf(viewer, "products with the %s, see %s%s\n", ctx->does->what, ctx->does->again,
                                   ctx->owner ? "" : "; its Dini has gone, or has another layout"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniProductsDestroy(DiniContextDestroyArgument argument)
{
  DiniProductsContext *ctx = (DiniProductsContext *)DiniContextDestroyed(argument);

  PetscFunctionBegin;
  if (ctx->owner && ctx->does->destroy) PetscCall((*ctx->does->destroy)(ctx->owner));
  PetscCall(PetscFree(ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* On the communicator of `like`; rows and columns: how many are local, and in all */
PetscErrorCode DiniProductsCreate_Private(PetscObject like, const PetscInt rows[2], const PetscInt columns[2],
                                          const DiniProductOps *does, void *owner, Mat *A)
{
  DiniProductsContext *ctx;

  PetscFunctionBegin;
  PetscCall(PetscNew(&ctx));
  ctx->does  = does;
  ctx->owner = owner;
  PetscCall(MatCreateShell(PetscObjectComm(like), rows[0], columns[0], rows[1], columns[1], ctx, A));
  PetscCall(MatShellSetContextDestroy(*A, DiniProductsDestroy));
  PetscCall(MatShellSetOperation(*A, MATOP_VIEW, (void (*)(void))DiniProductsView));
  PetscCall(MatShellSetOperation(*A, MATOP_MULT, (void (*)(void))DiniProductsMult));
  PetscCall(MatShellSetMatProductOperation(*A, MATPRODUCT_AB, NULL, DiniProductsMatMult, NULL, MATDENSE, MATDENSE));
  if (does->multtranspose)
    PetscCall(MatShellSetOperation(*A, MATOP_MULT_TRANSPOSE, (void (*)(void))DiniProductsMultTranspose));
  if (does->transposematmult)
    PetscCall(MatShellSetMatProductOperation(*A, MATPRODUCT_AtB, NULL, DiniProductsTransposeMatMult, NULL, MATDENSE,
                                             MATDENSE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Products are those of another point from now on: others cache what they made of it. A may be NULL */
PetscErrorCode DiniProductsMoved_Private(Mat A)
{
  PetscFunctionBegin;
  if (A) PetscCall(PetscObjectStateIncrease((PetscObject)A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The owner goes, or its layouts change: whoever holds the Mat, or a duplicate, finds out. *A may be NULL */
PetscErrorCode DiniProductsRelease_Private(Mat *A)
{
  DiniProductsContext *ctx;

  PetscFunctionBegin;
  if (!*A) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatShellGetContext(*A, &ctx));
  ctx->owner = NULL;
  PetscCall(MatDestroy(A));
  PetscFunctionReturn(PETSC_SUCCESS);
}
