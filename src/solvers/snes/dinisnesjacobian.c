/*
  J as a SNES gives it: its matrices and its callback, whatever its type does with them. Many types never form a Jacobian,
  and what others have in its place is not dF/du: SNESSetPicard()'s A(u), the Jacobian of a preconditioned function.
*/
#include "../../private/dinisnesimpl.h"
#include <petscdmda.h>

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
static PetscErrorCode DiniGetMesh_SNES(SNES snes, DM *dm)
{
  PetscBool shell;

  PetscFunctionBegin;
  PetscCall(SNESGetDM(snes, dm));
  PetscCall(PetscObjectTypeCompare((PetscObject)*dm, DMSHELL, &shell));
  if (shell) *dm = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniLocalFunction_SNES(DMDALocalInfo *info, void *u, void *F, void *ctx)
{
  PetscFunctionBegin;
  (void)info;
  (void)u;
  (void)F;
  (void)ctx;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniLocalVecFunction_SNES(DM dm, Vec u, Vec F, void *ctx)
{
  PetscFunctionBegin;
  (void)dm;
  (void)u;
  (void)F;
  (void)ctx;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* PETSc's callbacks for DMs with local functions, known by asking DMs that have some; once for an object */
static PetscErrorCode DiniLocalCallbacks_SNES(Dini_SNES *ctx)
{
  DM dm;

  PetscFunctionBegin;
  for (int k = 0; k < 2 && !ctx->local[k]; k++) {
    PetscCall(DMDACreate1d(PETSC_COMM_SELF, DM_BOUNDARY_NONE, 1, 1, 0, NULL, &dm));
    if (k) PetscCall(DMSNESSetFunctionLocal(dm, DiniLocalVecFunction_SNES, NULL));
    else PetscCall(DMDASNESSetFunctionLocal(dm, INSERT_VALUES, DiniLocalFunction_SNES, NULL));
    PetscCall(DMSNESGetJacobian(dm, &ctx->local[k], NULL));
    PetscCall(DMDestroy(&dm));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  PETSc's callback for DMs with local functions makes differences where there is no local Jacobian, with a colouring that it
  ties to the DM and to the first matrix it is given; it must not be given another one. That of a DMDA does not tell which it will do.
*/
static PetscErrorCode DiniIsLocal_SNES(Dini dini, SNES snes, DiniSNESJacobianFn *compute, PetscBool *local)
{
  Dini_SNES *ctx = (Dini_SNES *)dini->data;
  DM         dm;
  PetscErrorCode (*exact)(DM, Vec, Mat, Mat, void *) = NULL;

  PetscFunctionBegin;
  PetscCall(DiniLocalCallbacks_SNES(ctx));
  *local = (PetscBool)(compute == ctx->local[0]);
  if (*local || compute != ctx->local[1]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(SNESGetDM(snes, &dm)); /* this one does tell */
  PetscCall(DMSNESGetJacobianLocal(dm, &exact, NULL));
  *local = (PetscBool)!exact;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is the callback one of PETSc's own, for the matrices of the SNES that has made them only? */
static PetscErrorCode DiniDiffers_SNES(Dini dini, SNES snes, DiniSNESJacobianFn *compute, PetscBool *differs)
{
  PetscFunctionBegin;
  *differs =
      (PetscBool)(!compute || compute == SNESComputeJacobianDefault || compute == SNESComputeJacobianDefaultColor);
  if (!*differs && dini->source.type != DINI_JACOBIAN_GIVEN) PetscCall(DiniIsLocal_SNES(dini, snes, compute, differs));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Does the callback take one-sided differences? PETSc's own for DMs do where they have composed a colouring with the DM, which
  is there from the first time on.
*/
static PetscErrorCode DiniOneSided_SNES(Dini dini, SNES snes, DiniSNESJacobianFn *compute, PetscBool *onesided)
{
  PetscBool local;
  DM        dm;

  PetscFunctionBegin;
  *onesided = (PetscBool)(compute == SNESComputeJacobianDefault || compute == SNESComputeJacobianDefaultColor);
  if (*onesided || !compute) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniIsLocal_SNES(dini, snes, compute, &local));
  PetscCall(SNESGetDM(snes, &dm));
  if (local) PetscCall(DiniDMHasColoring_Private(dm, onesided));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Has the SNES filled P, as each Newton step does? */
static PetscErrorCode DiniFilled_SNES(Dini dini, SNES snes, Mat P, PetscBool *filled)
{
  Dini_SNES    *ctx = (Dini_SNES *)dini->data;
  PetscObjectId id;
  PetscInt      its;

  PetscFunctionBegin;
  PetscCall(PetscObjectGetId((PetscObject)P, &id));
  PetscCall(SNESGetIterationNumber(snes, &its));
  PetscCall(MatAssembled(P, filled));
  if (its > 0) ctx->filled = id;
  if (ctx->filled != id) *filled = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Can the DM make a matrix? Asked beforehand: an error that comes back out of it would leave messages behind. */
static PetscErrorCode DiniMakesMatrix_SNES(DM dm, PetscBool *yes)
{
  PetscBool    mesh;
  PetscSection section = NULL;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompareAny((PetscObject)dm, yes, DMDA, DMSTAG, DMCOMPOSITE, DMREDUNDANT, DMSLICED, DMPLEX,
                                      DMNETWORK, DMP4EST, DMP8EST, ""));
  PetscCall(PetscObjectTypeCompareAny((PetscObject)dm, &mesh, DMPLEX, DMP4EST, DMP8EST, ""));
  if (mesh) PetscCall(DMGetLocalSection(dm, &section));
  if (mesh && !section) *yes = PETSC_FALSE;
  if (!*yes) PetscCall(PetscInfo(dm, "A DM of type %s that makes no matrix\n", ((PetscObject)dm)->type_name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The DM's matrix, of type AIJ; NULL where it makes none */
static PetscErrorCode DiniMeshMatrix_SNES(DM dm, Mat *A)
{
  char      type[256];
  MatType   found;
  PetscBool aij, makes;

  PetscFunctionBegin;
  PetscCall(DiniMakesMatrix_SNES(dm, &makes));
  if (!makes) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DMGetMatType(dm, &found));
  PetscCall(PetscStrncpy(type, found ? found : MATAIJ, sizeof(type)));
  PetscCall(DMSetMatType(dm, MATAIJ));
  PetscCall(DMCreateMatrix(dm, A));
  PetscCall(DMSetMatType(dm, type));
  PetscCall(PetscObjectBaseTypeCompareAny((PetscObject)*A, &aij, MATSEQAIJ, MATMPIAIJ, ""));
  if (!aij) PetscCall(MatDestroy(A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A matrix with the pattern of the DM, else of a matrix that is there to be filled by differences; NULL where neither is. */
PetscErrorCode DiniPattern_SNES(Dini dini, Mat *A)
{
  DM                  dm;
  Mat                 B;
  SNES                snes;
  PetscBool           aij, assembled, differs;
  DiniSNESJacobianFn *compute;

  PetscFunctionBegin;
  *A = NULL;
  PetscCall(DiniNeedSNES_Private(dini, &snes));
  PetscCall(DiniGetMesh_SNES(snes, &dm));
  if (dm) {
    PetscCall(DiniMeshMatrix_SNES(dm, A));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(SNESGetJacobian(snes, NULL, &B, &compute, NULL));
  PetscCall(DiniDiffers_SNES(dini, snes, compute, &differs));
  if (!B || !differs) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscObjectBaseTypeCompareAny((PetscObject)B, &aij, MATSEQAIJ, MATMPIAIJ, ""));
  if (aij) PetscCall(MatAssembled(B, &assembled));
  if (aij && assembled) PetscCall(MatDuplicate(B, MAT_DO_NOT_COPY_VALUES, A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A SNES that has not solved anything yet knows no state, from which its set-up and its products by differences begin. */
static PetscErrorCode DiniGiveState_SNES(Dini dini, SNES snes)
{
  Vec u;

  PetscFunctionBegin;
  PetscCall(SNESGetSolution(snes, &u));
  if (!u) PetscCall(SNESSetSolution(snes, dini->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Matrices and callback. Where the SNES has made no matrix itself one is made, here for a callback of the application. */
static PetscErrorCode DiniGetMatrices_SNES(Dini dini, SNES snes, Mat *A, Mat *B, DiniSNESJacobianFn **compute)
{
  Dini_SNES *ctx = (Dini_SNES *)dini->data;
  DM         dm;
  PetscBool  differs, mf;

  PetscFunctionBegin;
  PetscCall(SNESGetUseMatrixFree(snes, NULL, &mf));
  PetscCall(DiniGetMesh_SNES(snes, &dm));
  PetscCall(SNESGetJacobian(snes, A, B, compute, NULL));
  if ((!*A || !*B) && ((DiniSNESUsesKSP_Private(snes) && (dm || *B)) || mf)) { /* not set up yet */
    PetscCall(DiniGiveState_SNES(dini, snes));
    PetscCall(SNESSetUp(snes));
    PetscCall(SNESSetUpMatrices(snes));
    PetscCall(SNESGetJacobian(snes, A, B, compute, NULL));
  }
  PetscCall(DiniDiffers_SNES(dini, snes, *compute, &differs));
  if ((!*A || !*B) && dm && !differs) {
    if (!ctx->made) PetscCall(DMCreateMatrix(dm, &ctx->made));
    *A = *B = ctx->made;
  }
  if (!*A || !*B || !*compute || (!DiniSNESUsesKSP_Private(snes) && differs)) *A = *B = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  J at u by the callback of the SNES itself: SNESComputeJacobian() may leave it out (lags, a nonlinear preconditioner on the
  left), touches the reuse flag of the KSP, and calls collectives after a callback that has failed on one rank alone.
*/
static PetscErrorCode DiniComputeJacobian_SNES(Dini dini, SNES snes, Vec u, Mat J, Mat P)
{
  DiniSNESJacobianFn *compute;
  void               *ctx;
  Vec                 b, before;
  PetscBool           mffd;

  PetscFunctionBegin;
  PetscCall(DiniGiveState_SNES(dini, snes));
  PetscCall(SNESGetJacobian(snes, NULL, NULL, &compute, &ctx));
  PetscCall(DiniGetRHS_SNES(dini, &b));
  PetscCall(PetscLogEventBegin(DINI_SNESJacobian, snes, u, J, P));
  before = DiniSNESLendRHS_Private(
      snes, b); /* coloured differences of PETSc's take the SNES's last F for a base where there is none */
  DiniCallUserReadsThen(dini, u, "The Jacobian callback of the SNES", (*compute)(snes, u, J, P, ctx),
                        (void)DiniSNESLendRHS_Private(snes, before));
  PetscCall(PetscObjectTypeCompare((PetscObject)J, MATMFFD, &mffd));
  if (mffd) PetscCall(MatMFFDSetBase(J, u, NULL)); /* PETSc takes the SNES's last state and its F */
  PetscCall(PetscLogEventEnd(DINI_SNESJacobian, snes, u, J, P));
  PetscCall(DiniMatSetState_Private(P, u)); /* some preconditioners ask for it */
  PetscCall(DiniFilled_Private(J));
  dini->stats.jacobian_assemblies++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* old = the values of A; where there is an old already they are put back into A */
static PetscErrorCode DiniSwap_SNES(Mat A, Mat *copy, PetscBool back)
{
  PetscFunctionBegin;
  if (!*copy) PetscCall(MatDuplicate(A, MAT_COPY_VALUES, copy));
  else if (back) PetscCall(DiniMatCopy_Private(*copy, A, SAME_NONZERO_PATTERN));
  else PetscCall(DiniMatCopy_Private(A, *copy, SAME_NONZERO_PATTERN));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  A SNES that lags its Jacobian must find its old values again: the new ones go into copies, the old ones back. A matrix that
  can not be copied, such as a shell, serves as it is, and the SNES finds the newer values in it.
*/
static PetscErrorCode DiniLaggedJacobian_SNES(Dini dini, SNES snes, Vec u, Mat *J, Mat *P)
{
  Dini_SNES     *ctx  = (Dini_SNES *)dini->data;
  Mat            oldJ = NULL, oldP = NULL, A = *J, B = *P;
  PetscBool      copiesA, copiesB;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(DiniMatCopies_Private(A, &copiesA));
  PetscCall(DiniMatCopies_Private(B, &copiesB));
  if (A != B && copiesA) PetscCall(DiniSwap_SNES(A, &oldJ, PETSC_FALSE));
  if (copiesB) PetscCall(DiniSwap_SNES(B, &oldP, PETSC_FALSE));
  failed = DiniComputeJacobian_SNES(dini, snes, u, A, B);
  if (!failed && oldJ) failed = DiniSwap_SNES(A, &ctx->J, PETSC_FALSE);
  if (!failed && oldP) failed = DiniSwap_SNES(B, &ctx->P, PETSC_FALSE);
  if (oldJ) PetscCall(DiniSwap_SNES(A, &oldJ, PETSC_TRUE));
  if (oldP) PetscCall(DiniSwap_SNES(B, &oldP, PETSC_TRUE));
  PetscCall(MatDestroy(&oldJ));
  PetscCall(MatDestroy(&oldP));
  PetscCall(failed);
  if (copiesB) *P = ctx->P;
  if (A == B) *J = *P;
  else if (copiesA) *J = ctx->J;
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
  void               *computectx;
  PetscBool           mffd, mfP, left, filled;

  PetscFunctionBegin;
  PetscCall(DiniNeedSNES_Private(dini, &snes));
  PetscCall(DiniGetMatrices_SNES(dini, snes, J, P, &compute));
  PetscCall(SNESGetJacobian(snes, NULL, NULL, NULL, &computectx));
  if (ctx->compute && (compute != ctx->compute || computectx != ctx->computectx)) dini->source.renewed = PETSC_TRUE;
  ctx->compute    = compute;
  ctx->computectx = computectx;
  if (!*J) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscObjectTypeCompare((PetscObject)*J, MATMFFD, &mffd));
  PetscCall(PetscObjectTypeCompareAny((PetscObject)*P, &mfP, MATMFFD, MATSHELL, ""));
  PetscCall(DiniLeftPreconditioned_SNES(snes, &left));
  if (mffd && mfP && dini->source.type != DINI_JACOBIAN_GIVEN) /* will not serve, so it is not taken to the point */
    PetscFunctionReturn(PETSC_SUCCESS);
  if (compute == SNESPicardComputeJacobian && !mffd) { /* evaluating F fills A(u), now and at each later evaluation */
    PetscCall(DiniResidual_SNES(dini, u, dini->w[0]));
    PetscCall(DiniSwap_SNES(*P, &ctx->P, PETSC_FALSE));
    *J = NULL;
    *P = ctx->P;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(DiniOneSided_SNES(dini, snes, compute, &dini->source.differenced));
  dini->source.thin = (PetscBool)(compute == SNESComputeJacobianDefault);
  if (dini->source.differenced && dini->source.type != DINI_JACOBIAN_GIVEN && !dini->source.accepts) {
    PetscCall(DiniFilled_SNES(dini, snes, *P, &filled));
    *J = NULL; /* Dini's own are central, and P goes on to precondition as it is */
    if (left || mfP || mffd || !filled) *P = NULL;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (left) { /* P may be that of F */
    *J = *P = mfP ? NULL : *P;
    if (!*P) PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(SNESGetLagJacobian(snes, &lag));
  if (lag == 1) PetscCall(DiniComputeJacobian_SNES(dini, snes, u, *J, *P));
  else PetscCall(DiniLaggedJacobian_SNES(dini, snes, u, J, P));
  if (dini->source.differenced) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniOneSided_SNES(dini, snes, compute, &dini->source.differenced)); /* a DM tells after the first time */
  if (dini->source.differenced && dini->source.type != DINI_JACOBIAN_GIVEN) *J = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}
