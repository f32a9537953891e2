/*
  The right-hand side of a SNES: SNESSolve(snes, b, u) solves F(u) = b, and SNESComputeFunction() gives F - b as long as the SNES
  holds b.

  An application that has called it has told b, and the SNES keeps it. Whoever solves with the SNES may give it another one,
  so the point remembers its own, F and J are evaluated with that one lent to the SNES, and a solve that would have to guess
  which of two is meant is refused.
*/
#include "../../private/dinisnesimpl.h"
#include "../../private/diniparameterimpl.h"

/* The one that has been given, else that of the point, else, where there is none, the SNES's present one; NULL: F(u) = 0 */
PetscErrorCode DiniGetRHS_SNES(Dini dini, Vec *b)
{
  Dini_SNES *ctx = (Dini_SNES *)dini->data;

  PetscFunctionBegin;
  *b = NULL;
  if (ctx->given) *b = ctx->given;
  else if (dini->stage != DINI_STAGE_NEW) *b = ctx->b;
  else if (ctx->snes) PetscCall(SNESGetRhs(ctx->snes, b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* u has become the point. What is known of blocks that are b goes with another b. */
PetscErrorCode DiniRememberRHS_SNES(Dini dini)
{
  Dini_SNES *ctx = (Dini_SNES *)dini->data;
  Vec        b;

  PetscFunctionBegin;
  PetscCall(DiniGetRHS_SNES(dini, &b));
  if (ctx->known && b != ctx->b)
    for (PetscInt p = 0; p < dini->nparams; p++) PetscCall(DiniParameterDrop_Private(dini, dini->params[p]));
  PetscCall(PetscObjectReference((PetscObject)b));
  PetscCall(VecDestroy(&ctx->b));
  ctx->b     = b;
  ctx->known = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Before a solve: one b, of the right layout, for a solver that heeds it */
PetscErrorCode DiniCheckRHS_SNES(Dini dini, SNES snes)
{
  Dini_SNES *ctx = (Dini_SNES *)dini->data;
  Vec        b;
  PetscBool  ssls;

  PetscFunctionBegin;
  PetscCall(DiniGetRHS_SNES(dini, &b));
  PetscCheck(
      ctx->given || !ctx->known || b == ctx->b, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONGSTATE,
      "%s: the SNES has %s, and the last solution of this Dini was one %s: someone else has called SNESSolve(snes, b, "
      "u) or SNESReset(), so which b is meant can not be known. Say so with DiniSetRHS(), or call DiniReset() to take "
      "what the SNES has now",
      DiniLabel_Private(dini), b ? "a right-hand side b" : "no right-hand side",
      !ctx->b ? "of F(u, m) = 0"
      : b     ? "with another b"
              : "of F(u, m) = b");
  if (!b) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniCheckState_Private(dini, b, "The right-hand side b of SNESSolve(snes, b, u)"));
  PetscCall(PetscObjectTypeCompare((PetscObject)snes, SNESVINEWTONSSLS, &ssls));
  PetscCheck(!ssls, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
             "%s: SNES type %s takes b off its semismooth function and not off F, so SNESSolve(snes, b, u) solves "
             "another problem than F(u, m) - b and its bounds; use -snes_type %s, or put b into F",
             DiniLabel_Private(dini), SNESVINEWTONSSLS, SNESVINEWTONRSLS);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniResetRHS_SNES(Dini dini)
{
  Dini_SNES *ctx = (Dini_SNES *)dini->data;

  PetscFunctionBegin;
  PetscCall(VecDestroy(&ctx->b));
  ctx->known = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* SNESSolve() with the right-hand side of the relation. A grid sequence ends on another grid than that of u. */
PetscErrorCode DiniSNESSolve_Private(Dini dini, SNES snes, Vec u)
{
  Vec            b, before, after, found;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(DiniGetRHS_SNES(dini, &b));
  PetscCall(SNESGetRhs(snes, &before));
  PetscCall(PetscObjectReference((PetscObject)before));
  failed = SNESSolve(snes, b, u);
  if (!failed) failed = SNESGetRhs(snes, &after);
  if (!failed && after != before) failed = DiniSNESReturnRHS_Private(snes, before);
  PetscCall(VecDestroy(&before));
  PetscCall(failed);
  PetscCall(SNESGetSolution(snes, &found));
  PetscCheck(found == u, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
             "%s: the SNES has left its solution in another Vec than u, as -snes_grid_sequence does, which ends on a "
             "finer grid. Refine the grid and solve on it without the sequence",
             DiniLabel_Private(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F(u, m) - b */
PetscErrorCode DiniResidual_SNES(Dini dini, Vec u, Vec F)
{
  SNES snes;
  Vec  b, before;

  PetscFunctionBegin;
  PetscCall(DiniNeedSNES_Private(dini, &snes));
  PetscCall(DiniGetRHS_SNES(dini, &b));
  before = DiniSNESLendRHS_Private(snes, b);
  DiniCallUserReadsThen(dini, u, "The residual callback of the SNES", SNESComputeFunction(snes, u, F),
                        (void)DiniSNESLendRHS_Private(snes, before));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The right-hand side itself as a block: F_b is known */
PetscErrorCode DiniParameterKind_SNES(Dini dini, Vec m, DiniParameterType *type)
{
  Vec b;

  PetscFunctionBegin;
  PetscCall(DiniGetRHS_SNES(dini, &b));
  if (m == b && !dini->residual) *type = DINIPARAMETERRHS;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives the right-hand side b of a SNES that is solved as SNESSolve(snes, b, u), so that the relation is F(u, m) = b.
  @level{intermediate}

  Collective. An application that has called SNESSolve(snes, b, u) itself need not: DiniSolve() and DiniAttach() find the b that
  the SNES holds then, and a DiniSolve() that would have to choose between two is refused.

  @param[in] dini the Dini, of type DINISNES
  @param[in] b    right-hand side with the layout of the state; referenced; NULL for what the SNES holds. It may itself be a
                  parameter block: DiniAddParameter() with this very Vec knows F_b, as type DINIPARAMETERRHS
  @return 0 or a PETSc error code; PETSC_ERR_ORDER when the Dini is not of type DINISNES

  @see DiniSetSNES(), DiniSetLinearSystem()
*/
PetscErrorCode DiniSetRHS(Dini dini, Vec b)
{
  Dini_SNES *ctx;
  PetscBool  is;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(PetscObjectTypeCompare((PetscObject)dini, DINISNES, &is));
  PetscCheck(is, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "%s: DiniSetRHS() goes with DiniSetSNES(); call that first. The b of a linear system is given to "
             "DiniSetLinearSystem()",
             DiniLabel_Private(dini));
  if (b) PetscCall(DiniCheckComm_Private(dini, (PetscObject)b, "The right-hand side b"));
  ctx = (Dini_SNES *)dini->data;
  PetscCall(PetscObjectReference((PetscObject)b));
  PetscCall(VecDestroy(&ctx->given));
  ctx->given = b;
  PetscCall(DiniReset(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}
