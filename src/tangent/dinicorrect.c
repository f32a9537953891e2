/* Loose solves, which tell how far off a solution is: they are not counted, nobody is told, and nothing is set up for them. */
#include "../private/diniengineimpl.h"

/* The fields of the state, of each local unknown; n is 1 where all are of one unit */
PetscErrorCode DiniEngineGetFields_Private(Dini dini, PetscInt *n, const unsigned char **field)
{
  PetscFunctionBegin;
  *n     = dini->engine->nfields;
  *field = dini->engine->field;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The rung where the last solve of this direction ended, else of the other one, else the first; none without a preconditioner */
static PetscErrorCode DiniLooseRung(Dini dini, DiniDirection direction, PetscBool setup, DiniRung *rung)
{
  DiniEngine e = dini->engine;
  PetscInt   iterations;
  PetscBool  entries, own;

  PetscFunctionBegin;
  *rung = DINI_RUNG_NONE;
  PetscCall(DiniEngineIterations_Private(dini, &iterations));
  if (!e->J || dini->linearsolve[direction] || iterations || e->null[0] || e->null[1] || e->singular[0])
    PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatHasOperation(e->J, MATOP_GET_ROW, &entries)); /* F_m may have moved what a shell looks at */
  if (!entries) PetscFunctionReturn(PETSC_SUCCESS);
  if (!setup && !e->ready[direction] && (!e->pc || !e->stood || e->broken)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniEnginePrepare_Private(dini, direction));
  PetscCall(DiniEngineOwnsPC_Private(dini, direction, &own));
  *rung = e->start[direction];
  if (!*rung) *rung = own ? DINI_RUNG_EXPLICIT : e->directready ? DINI_RUNG_DIRECT : DINI_RUNG_KEPT;
  if (*rung == DINI_RUNG_REFRESHED) *rung = DINI_RUNG_KEPT;
  if (*rung == DINI_RUNG_DIRECT && !e->directready) *rung = DINI_RUNG_NONE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A e = r to rtol, or not good; r is spoilt. setup: a preconditioner is set up where there is none */
PetscErrorCode DiniEngineLoose_Private(Dini dini, DiniDirection direction, Vec r, Vec e, PetscReal rtol,
                                       PetscBool setup, PetscBool *good)
{
  DiniEngine                engine = dini->engine;
  const PetscReal           before = engine->rtol[direction];
  const DiniConvergedReason reason = dini->reason;
  DiniSolveStatus           status = {.bnorm = 1.0, .relative = 1.0, .loose = PETSC_TRUE};
  PetscReal                 norm;
  DiniRung                  rung;
  PetscErrorCode            failed;

  PetscFunctionBegin;
  *good = PETSC_FALSE;
  PetscCall(DiniLooseRung(dini, direction, setup, &rung));
  dini->reason = reason;
  if (!rung) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniActiveProject_Private(dini, r));
  PetscCall(DiniNorm_Private(r, &norm));
  if (!(norm > 0.0) || PetscIsInfOrNanReal(norm)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecScale(r, 1.0 / norm));
  engine->rtol[direction] = rtol;
  failed                  = DiniEngineTryRung_Private(dini, direction, rung, r, e, &status);
  engine->rtol[direction] = before;
  dini->reason            = reason;
  PetscCall(failed);
  *good = status.good;
  PetscCall(VecScale(e, norm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A e = b - A x, what x is off by; r is work */
PetscErrorCode DiniEngineCorrect_Private(Dini dini, DiniDirection direction, Vec b, Vec x, Vec r, Vec e, PetscReal rtol,
                                         PetscBool *good)
{
  const DiniConvergedReason reason = dini->reason;
  DiniRung                  rung;

  PetscFunctionBegin;
  *good = PETSC_FALSE;
  PetscCall(
      DiniLooseRung(dini, direction, PETSC_FALSE, &rung)); /* no product with a shell before it is known to stay */
  dini->reason = reason;
  if (!rung || !dini->engine->start[direction]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniEngineMult_Private(dini, direction, x, r));
  PetscCall(VecAYPX(r, -1.0, b));
  PetscCall(DiniEngineLoose_Private(dini, direction, r, e, rtol, PETSC_FALSE, good));
  PetscFunctionReturn(PETSC_SUCCESS);
}
