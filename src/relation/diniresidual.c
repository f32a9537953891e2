/* F(u, m), by the callback of the application or by the solver. */
#include "../private/diniimpl.h"

static PetscErrorCode DiniResidualFinite(Dini dini, Vec F, PetscReal *norm)
{
  PetscFunctionBegin;
  PetscCall(DiniCheckFinite_Private(dini, F,
                                    dini->system && !dini->residual
                                        ? "The residual A u - b, from the assembly callback,"
                                        : "The residual F(u, m), from the residual callback,",
                                    norm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F at the parameters last pushed. A caller that takes the norm copes with NaN itself. */
PetscErrorCode DiniResidual_Private(Dini dini, Vec u, Vec F, PetscReal *norm)
{
  PetscFunctionBegin;
  dini->stats.residuals++;
  PetscCall(DiniGhosts_Private(u));
  if (dini->residual) {
    DiniCallUserReads(dini, u, "The residual callback (DiniSetResidual())",
                      (*dini->residual)(dini, u, F, dini->residualctx));
  } else {
    PetscCheck(dini->ops->residual, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
               "%s, of type \"%s\", has no residual of its own; call DiniSetResidual()", DiniLabel_Private(dini),
               ((PetscObject)dini)->type_name);
    PetscUseTypeMethod(dini, residual, u, F);
  }
  if (norm) PetscCall(DiniNorm_Private(F, norm));
  else PetscCall(DiniResidualFinite(dini, F, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}
