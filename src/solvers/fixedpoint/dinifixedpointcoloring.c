/*
  G_u on a given pattern by coloured central differences of G: columns that share no row are shifted together. Without a
  pattern all of J = I - G_u, a difference for each column, where the state is small.
*/
#include "../../private/dinifixedpointimpl.h"
#include "../../private/dinistepsimpl.h"

/* G(u + factor direction); work: a Vec to build the state in */
static PetscErrorCode DiniMapShifted_FixedPoint(Dini dini, void *work, PetscReal factor, Vec direction, Vec G,
                                                PetscReal *norm)
{
  PetscFunctionBegin;
  PetscCall(VecWAXPY((Vec)work, factor, direction, dini->u));
  PetscCall(DiniFixedPointMap_Private(dini, (Vec)work, G));
  PetscCall(DiniNorm_Private(G, norm));
  dini->stats.residuals++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* As of F(u) = u - G(u), whose value at the point may be known */
static PetscErrorCode DiniMapScheme_FixedPoint(Dini dini, Vec work, Vec base, DiniScheme *scheme)
{
  Vec F;

  PetscFunctionBegin;
  PetscCall(DiniStateScheme_Private(dini, work, scheme));
  scheme->what    = "the state u, for the map G (DiniSetFixedPoint()),";
  scheme->cure    = "give G_u to DiniSetFixedPointJacobian()";
  scheme->shifted = DiniMapShifted_FixedPoint;
  PetscCall(DiniPointResidual_Private(dini, &F));
  PetscCall(VecWAXPY(base, -1.0, F, dini->u));
  scheme->base = base;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniFixedPointColor_Private(Dini dini)
{
  Dini_FixedPoint *ctx = (Dini_FixedPoint *)dini->data;
  PetscBool        assembled, aij;
  PetscErrorCode   failed;
  DiniScheme       scheme;
  Vec              u, base;

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
  PetscCall(VecDuplicate(dini->u, &u));
  PetscCall(VecDuplicate(dini->u, &base));
  failed = DiniMapScheme_FixedPoint(dini, u, base, &scheme);
  if (!failed) failed = DiniColoringFill_Private(dini, ctx->coloring, &scheme, dini->u, ctx->Gu, NULL, NULL);
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&base));
  PetscCall(failed);
  dini->source.columns = PetscMax(scheme.error, scheme.missed);
  dini->source.lost    = scheme.lost;
  dini->source.filled  = ctx->coloring;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J itself, with a full pattern */
PetscErrorCode DiniFixedPointColumns_Private(Dini dini)
{
  Dini_FixedPoint *ctx = (Dini_FixedPoint *)dini->data;
  PetscErrorCode   failed;
  DiniScheme       scheme;
  Vec              u;

  PetscFunctionBegin;
  if (!ctx->J) {
    PetscCall(DiniFullPattern_Private(dini, &ctx->J));
    PetscCall(DiniColoringCreate_Private(dini, ctx->J, dini->u, "J", &ctx->coloring));
  }
  PetscCall(VecDuplicate(dini->u, &u));
  failed = DiniStateScheme_Private(dini, u, &scheme);
  if (!failed) failed = DiniColoringFill_Private(dini, ctx->coloring, &scheme, dini->u, ctx->J, NULL, NULL);
  PetscCall(VecDestroy(&u));
  PetscCall(failed);
  dini->source.columns = PetscMax(scheme.error, scheme.missed);
  dini->source.lost    = scheme.lost;
  dini->source.filled  = ctx->coloring;
  dini->stats.jacobian_assemblies++;
  PetscFunctionReturn(PETSC_SUCCESS);
}
