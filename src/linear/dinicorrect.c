/* Loose solves, which tell how far off a solution is: they are not counted, nobody is told, and nothing is set up for them. */
#include "../private/diniengineimpl.h"

/* The fields of the state, of each local unknown; n is 1 where all are of one unit */
PetscErrorCode DiniEngineGetFields_Private(DiniEngine e, PetscInt *n, const unsigned char **field)
{
  PetscFunctionBegin;
  *n     = e->nfields;
  *field = e->field;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Has a solve of this direction succeeded? */
PetscBool DiniEngineSolved_Private(DiniEngine e, DiniDirection direction)
{
  return (PetscBool)(e->start[direction] != DINI_RUNG_NONE);
}

/*
  The rung where the last solve of this direction ended, else of the other one, else the first; none without a preconditioner,
  where one is set up for it only if `setup` says so
*/
PetscErrorCode DiniEngineLooseRung_Private(DiniEngine e, DiniDirection direction, PetscBool setup, DiniRung *rung)
{
  const PetscBool pcfailed = e->pcfailed;
  PetscBool       entries, own;

  PetscFunctionBegin;
  *rung = DINI_RUNG_NONE;
  if (!e->J || e->null[0] || e->null[1] || e->singular[0]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatHasOperation(e->J, MATOP_GET_ROW, &entries)); /* F_m may have moved what a shell looks at */
  if (!entries) PetscFunctionReturn(PETSC_SUCCESS);
  if (!setup && !e->ready[direction] && (!e->pc || !e->stood || e->broken)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniEnginePrepare_Private(e, direction));
  e->pcfailed = pcfailed;
  PetscCall(DiniEngineOwnsPC_Private(e, direction, &own));
  *rung = e->start[direction];
  if (!*rung) *rung = own ? DINI_RUNG_EXPLICIT : e->directready ? DINI_RUNG_DIRECT : DINI_RUNG_KEPT;
  if (*rung == DINI_RUNG_REFRESHED) *rung = DINI_RUNG_KEPT;
  if (*rung == DINI_RUNG_DIRECT && !e->directready) *rung = DINI_RUNG_NONE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A d = r to rtol on this rung, or not good; r is spoilt */
PetscErrorCode DiniEngineLoose_Private(DiniEngine e, DiniDirection direction, DiniRung rung, Vec r, Vec d,
                                       PetscReal rtol, PetscBool *good)
{
  const PetscReal before   = e->rtol[direction];
  const PetscBool pcfailed = e->pcfailed;
  DiniSolveResult result   = {.bnorm = 1.0, .relative = 1.0, .loose = PETSC_TRUE};
  PetscReal       norm;
  PetscErrorCode  failed;

  PetscFunctionBegin;
  *good = PETSC_FALSE;
  PetscCall(DiniNorm_Private(r, &norm));
  if (!(norm > 0.0) || PetscIsInfOrNanReal(norm)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecScale(r, 1.0 / norm));
  e->rtol[direction] = rtol;
  failed             = DiniEngineTryRung_Private(e, direction, rung, r, d, &result);
  e->rtol[direction] = before;
  e->pcfailed        = pcfailed;
  PetscCall(failed);
  *good = result.good;
  PetscCall(VecScale(d, norm));
  PetscFunctionReturn(PETSC_SUCCESS);
}
