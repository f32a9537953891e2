/* The matrices of an eigenproblem: the solver's own at the point, copies beside it. */
#include "../../private/dinieigenimpl.h"

/* Takes hold of the solver's matrices. SLEPc gives them away only until their values are changed, so once is the rule. */
PetscErrorCode DiniEigenTakeTerms_Private(Dini dini)
{
  Dini_Eigen *ctx                 = (Dini_Eigen *)dini->data;
  Mat         M[DINI_EIGEN_TERMS] = {NULL};
  PetscInt    n;

  PetscFunctionBegin;
  PetscCall((*ctx->kind->getterms)(ctx->solver, &n, M));
  PetscCheck(n > 0 && M[0], PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "The %s has no matrices; set its operators before it is handed to Dini", ctx->kind->type);
  for (PetscInt k = 0; k < n; k++) PetscCall(PetscObjectReference((PetscObject)M[k]));
  for (PetscInt k = 0; k < ctx->nterms; k++) PetscCall(MatDestroy(&ctx->M[k]));
  ctx->nterms = n;
  ctx->nmats  = 0;
  for (PetscInt k = 0; k < n; k++) {
    ctx->M[k] = M[k];
    if (M[k]) ctx->nmats++;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* For a standard problem the identity is the last term, so that the matrices come first */
PetscErrorCode DiniEigenAssemble_Private(Dini dini, Mat M[])
{
  Dini_Eigen *ctx = (Dini_Eigen *)dini->data;

  PetscFunctionBegin;
  DiniCallUser(dini, "The assembly callback (DiniSetEigenSystem())",
               (*ctx->assemble)(dini, ctx->nmats, M, ctx->assemblectx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEigenRemember_Private(Dini dini)
{
  Dini_Eigen *ctx = (Dini_Eigen *)dini->data;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < ctx->nmats; k++) PetscCall(DiniMatStamp_Private(ctx->M[k], &ctx->state[k]));
  ctx->stamp = dini->mstamp;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The solver's own at the current parameters */
static PetscErrorCode DiniAssembleOwn_Eigen(Dini dini)
{
  Dini_Eigen *ctx = (Dini_Eigen *)dini->data;

  PetscFunctionBegin;
  PetscCall(DiniEigenAssemble_Private(dini, ctx->M));
  for (PetscInt k = 0; k < ctx->nmats; k++) PetscCall(DiniFilled_Private(ctx->M[k]));
  PetscCall(DiniEigenRemember_Private(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniHome_Eigen(Dini dini, PetscBool *moved)
{
  Dini_Eigen *ctx = (Dini_Eigen *)dini->data;

  PetscFunctionBegin;
  *moved = (PetscBool)(ctx->inplace && ctx->stamp != dini->mstamp);
  if (*moved) PetscCall(DiniAssembleOwn_Eigen(dini));
  if (dini->mstamp == dini->mpoint) ctx->inplace = PETSC_FALSE; /* else it is not back yet */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Matrices for the current parameters: the solver's own, or copies of them beside the point. Where one can not be copied, as a
  shell that shares its context, the solver's own are assembled there, and at the point again.
*/
PetscErrorCode DiniEigenTermsNow_Private(Dini dini, Mat *M[])
{
  Dini_Eigen *ctx  = (Dini_Eigen *)dini->data;
  PetscBool   mine = PETSC_TRUE, copies;

  PetscFunctionBegin;
  *M = ctx->M;
  if (!ctx->assemble || ctx->stamp == dini->mstamp) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt k = 0; k < ctx->nmats && mine; k++) PetscCall(DiniMatCopies_Private(ctx->M[k], &mine));
  PetscCall(MPIU_Allreduce(&mine, &copies, 1, DINI_MPI_BOOL, MPI_LAND, PetscObjectComm((PetscObject)dini)));
  if (!copies) {
    ctx->inplace = PETSC_TRUE;
    PetscCall(DiniAssembleOwn_Eigen(dini));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (PetscInt k = 0; k < ctx->nmats; k++)
    if (!ctx->copy[k]) PetscCall(MatDuplicate(ctx->M[k], MAT_COPY_VALUES, &ctx->copy[k]));
  if (ctx->copystamp != dini->mstamp) {
    ctx->copystamp = 0;
    PetscCall(DiniEigenAssemble_Private(dini, ctx->copy));
    ctx->copystamp = dini->mstamp;
  }
  *M = ctx->copy;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  After a solve, whoever has made it: the solver's own matrices are those that the callback gives. A pencil whose terms have been
  scaled alike has the same pairs, and its terms have other derivatives.
*/
PetscErrorCode DiniEigenSettle_Private(Dini dini)
{
  Dini_Eigen *ctx  = (Dini_Eigen *)dini->data;
  PetscBool   mine = PETSC_FALSE, other;
  Mat        *M;

  PetscFunctionBegin;
  PetscCall(DiniEigenTermsNow_Private(dini, &M));
  if (M == ctx->M) { /* after a solve of ours nothing can differ */
    PetscCall(DiniEigenRemember_Private(dini));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (PetscInt k = 0; k < ctx->nmats && !mine; k++) {
    PetscBool known[2];
    uint64_t  sum[2] = {0, 0};

    if (M[k] == ctx->M[k]) continue;
    PetscCall(DiniMatSum_Private(M[k], &known[0], &sum[0]));
    PetscCall(DiniMatSum_Private(ctx->M[k], &known[1], &sum[1]));
    mine = (PetscBool)(!known[0] || !known[1] || sum[0] != sum[1]);
  }
  PetscCall(MPIU_Allreduce(&mine, &other, 1, DINI_MPI_BOOL, MPI_LOR, PetscObjectComm((PetscObject)dini)));
  if (other) PetscCall(DiniAssembleOwn_Eigen(dini));
  else PetscCall(DiniEigenRemember_Private(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}
