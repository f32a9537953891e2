/*
  J as a SNES gives it: its matrices and its callback, whatever its type does with them. Many types never form a Jacobian,
  and what others have in its place is not dF/du: SNESSetPicard()'s A(u), the Jacobian of a preconditioned function.
*/
#include "../private/dinisnesimpl.h"
#include <petscdm.h>

/* Is the SNES's matrix that of M(F(u)) = 0, with F preconditioned on the left? Such matrices are never assembled. */
PetscErrorCode DiniLeftPreconditioned_SNES(SNES snes, PetscBool *left)
{
  PetscBool npc, applied = PETSC_FALSE;
  PCSide    side;
  Mat       A;

  PetscFunctionBegin;
  PetscCall(SNESHasNPC(snes, &npc));
  PetscCall(SNESGetNPCSide(snes, &side));
  PetscCall(SNESGetJacobian(snes, &A, NULL, NULL, NULL));
  if (A) PetscCall(PetscObjectTypeCompareAny((PetscObject)A, &applied, MATMFFD, MATSHELL, ""));
  *left = (PetscBool)(npc && side == PC_LEFT && applied);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The DM that the application gave the SNES, NULL where there is but the empty one that PETSc makes. */
static PetscErrorCode DiniGetMesh(SNES snes, DM *dm)
{
  PetscBool shell;

  PetscFunctionBegin;
  PetscCall(SNESGetDM(snes, dm));
  PetscCall(PetscObjectTypeCompare((PetscObject)*dm, DMSHELL, &shell));
  if (shell) *dm = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A matrix with the pattern of the DM, NULL where there is no DM that knows one. */
PetscErrorCode DiniPattern_SNES(Dini dini, Mat *A)
{
  DM        dm;
  SNES      snes;
  char      type[256];
  MatType   found;
  PetscBool aij;

  PetscFunctionBegin;
  *A = NULL;
  PetscCall(DiniNeedSNES_Private(dini, &snes));
  PetscCall(DiniGetMesh(snes, &dm));
  if (!dm) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DMGetMatType(dm, &found));
  PetscCall(PetscStrncpy(type, found ? found : MATAIJ, sizeof(type)));
  PetscCall(DMSetMatType(dm, MATAIJ));
  PetscCall(DMCreateMatrix(dm, A));
  PetscCall(DMSetMatType(dm, type));
  PetscCall(PetscObjectBaseTypeCompareAny((PetscObject)*A, &aij, MATSEQAIJ, MATMPIAIJ, ""));
  if (!aij) PetscCall(MatDestroy(A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Matrices and callback. Where the SNES has made no matrix itself one is made, here for a callback of the application. */
static PetscErrorCode DiniGetMatrices(Dini dini, SNES snes, Mat *A, Mat *B, DiniSNESJacobianFn **compute, void **fctx)
{
  Dini_SNES *ctx = (Dini_SNES *)dini->data;
  PetscBool  differences;
  DM         dm;

  PetscFunctionBegin;
  PetscCall(SNESGetJacobian(snes, A, B, compute, fctx));
  if (*A && *B) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniGetMesh(snes, &dm));
  differences =
      (PetscBool)(!*compute || *compute == SNESComputeJacobianDefault || *compute == SNESComputeJacobianDefaultColor);
  if ((snes->usesksp && (dm || *B)) || snes->mf) { /* not set up yet */
    PetscCall(SNESSetUp(snes));
    PetscCall(SNESSetUpMatrices(snes));
    PetscCall(SNESGetJacobian(snes, A, B, compute, fctx));
  } else if (dm && !differences) {
    if (!ctx->made) PetscCall(DMCreateMatrix(dm, &ctx->made));
    *A = *B = ctx->made;
  } else *A = *B = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  J at u by the callback of the SNES itself: SNESComputeJacobian() may leave it out (lags, a nonlinear preconditioner on the
  left), touches the reuse flag of the KSP, and calls collectives after a callback that has failed on one rank alone.
*/
static PetscErrorCode DiniComputeJacobian(Dini dini, SNES snes, Vec u, Mat J, Mat P)
{
  DiniSNESJacobianFn *compute;
  void               *ctx;

  PetscFunctionBegin;
  PetscCall(SNESGetJacobian(snes, NULL, NULL, &compute, &ctx));
  PetscCheck(
      compute, PetscObjectComm((PetscObject)snes), PETSC_ERR_ORDER,
      "The SNES has a matrix but no callback for the Jacobian; give SNESSetJacobian() one, or call DiniSetJacobian()");
  PetscCall(PetscLogEventBegin(DINI_SNESJacobian, snes, u, J, P));
  DiniCallUserReads(dini, u, "The Jacobian callback of the SNES", (*compute)(snes, u, J, P, ctx));
  PetscCall(PetscLogEventEnd(DINI_SNESJacobian, snes, u, J, P));
  PetscCall(
      PetscObjectCompose((PetscObject)P, "__SNES_latest_X", (PetscObject)u)); /* some preconditioners ask for it */
  dini->stats.jacobian_assemblies++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* old = the values of A; where there is an old already they are put back into A */
static PetscErrorCode DiniSwap(Mat A, Mat *copy, PetscBool back)
{
  PetscFunctionBegin;
  if (!*copy) PetscCall(MatDuplicate(A, MAT_COPY_VALUES, copy));
  else if (back) PetscCall(MatCopy(*copy, A, SAME_NONZERO_PATTERN));
  else PetscCall(MatCopy(A, *copy, SAME_NONZERO_PATTERN));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A SNES that lags its Jacobian must find its old values again: the new ones go into copies, the old ones back. */
static PetscErrorCode DiniLaggedJacobian(Dini dini, SNES snes, Vec u, Mat *J, Mat *P)
{
  Dini_SNES     *ctx  = (Dini_SNES *)dini->data;
  Mat            oldJ = NULL, oldP = NULL, A = *J, B = *P;
  PetscBool      mffd;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)A, MATMFFD, &mffd));
  if (A != B && !mffd) PetscCall(DiniSwap(A, &oldJ, PETSC_FALSE));
  if (!mffd || A != B) PetscCall(DiniSwap(B, &oldP, PETSC_FALSE));
  failed = DiniComputeJacobian(dini, snes, u, A, B);
  if (!failed && oldJ) failed = DiniSwap(A, &ctx->J, PETSC_FALSE);
  if (!failed && oldP) failed = DiniSwap(B, &ctx->P, PETSC_FALSE);
  if (oldJ) PetscCall(DiniSwap(A, &oldJ, PETSC_TRUE));
  if (oldP) PetscCall(DiniSwap(B, &oldP, PETSC_TRUE));
  PetscCall(MatDestroy(&oldJ));
  PetscCall(MatDestroy(&oldP));
  PetscCall(failed);
  if (ctx->P) *P = ctx->P;
  if (A == B) *J = *P;
  else if (ctx->J) *J = ctx->J;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Newton leaves J of its last step behind, so J is assembled again at u, in place; the assembly always uses the SNES's own
  matrices, since colourings and many callbacks know no others. J is NULL where what there is can not be dF/du: then P, if
  any, is what the SNES preconditions with.
*/
PetscErrorCode DiniJacobian_SNES(Dini dini, Vec u, Mat *J, Mat *P)
{
  Dini_SNES          *ctx = (Dini_SNES *)dini->data;
  SNES                snes;
  PetscInt            lag;
  DiniSNESJacobianFn *compute;
  void               *fctx;
  PetscBool           mffd, mfP, left;

  PetscFunctionBegin;
  PetscCall(DiniNeedSNES_Private(dini, &snes));
  PetscCall(DiniGetMatrices(dini, snes, J, P, &compute, &fctx));
  if (!*J || !*P) {
    *J = *P = NULL;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscObjectTypeCompare((PetscObject)*J, MATMFFD, &mffd));
  PetscCall(PetscObjectTypeCompareAny((PetscObject)*P, &mfP, MATMFFD, MATSHELL, ""));
  PetscCall(DiniLeftPreconditioned_SNES(snes, &left));
  if (compute == SNESPicardComputeJacobian && !mffd) { /* evaluating F fills A(u), now and at each later evaluation */
    PetscCall(DiniResidual_SNES(dini, u, dini->w[0]));
    PetscCall(DiniSwap(*P, &ctx->P, PETSC_FALSE));
    *J = NULL;
    *P = ctx->P;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (left) { /* P may be that of F */
    *J = *P = mfP ? NULL : *P;
    if (!*P) PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(SNESGetLagJacobian(snes, &lag));
  if (lag == 1) PetscCall(DiniComputeJacobian(dini, snes, u, *J, *P));
  else PetscCall(DiniLaggedJacobian(dini, snes, u, J, P));
  PetscFunctionReturn(PETSC_SUCCESS);
}
