/* G_u on a given pattern by coloured central differences of G: columns that share no row are shifted together. */
#include "../private/dinifixedpointimpl.h"

/* dG = G(u + h) - G(u - h), to be divided by 2 h */
static PetscErrorCode DiniMapDifference(Dini dini, void *work, Vec h, Vec dG, PetscReal *divisor)
{
  const char what[] = "The map G (DiniSetFixedPoint()), shifted for a difference,";
  Vec        u      = (Vec)work;

  PetscFunctionBegin;
  for (int side = 0; side < 2; side++) {
    Vec G = side ? dini->w[0] : dG;

    PetscCall(VecWAXPY(u, side ? -1.0 : 1.0, h, dini->u));
    PetscCall(DiniFixedPointMap_Private(dini, u, G));
    PetscCall(DiniCheckFinite_Private(dini, G, what, NULL));
    dini->stats.residuals++;
  }
  PetscCall(VecAXPY(dG, -1.0, dini->w[0]));
  *divisor = 2.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniFixedPointColor_Private(Dini dini)
{
  Dini_FixedPoint *ctx = (Dini_FixedPoint *)dini->data;
  PetscBool        assembled, aij;
  PetscErrorCode   failed;
  Vec              u;

  PetscFunctionBegin;
  if (!ctx->coloring) {
    PetscCall(MatAssembled(ctx->Gu, &assembled));
    PetscCall(PetscObjectTypeCompareAny((PetscObject)ctx->Gu, &aij, MATSEQAIJ, MATMPIAIJ, ""));
    PetscCheck(assembled && aij, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONGSTATE,
               "%s: the pattern of G_u must be an assembled matrix of type AIJ; preallocate it, set its entries (zeros "
               "will do) and assemble it, or give DiniSetFixedPointJacobian() a callback",
               DiniLabel_Private(dini));
    PetscCall(DiniColoringCreate_Private(dini, ctx->Gu, dini->u, "G_u", &ctx->coloring));
  }
  PetscCall(DiniStateSteps_Private(dini, DiniColoringSteps_Private(ctx->coloring)));
  PetscCall(VecDuplicate(dini->u, &u));
  failed = DiniColoringFill_Private(dini, ctx->coloring, DiniMapDifference, u, ctx->Gu, NULL, NULL);
  PetscCall(VecDestroy(&u));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}
