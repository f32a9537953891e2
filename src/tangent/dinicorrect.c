/* A loose solve for the residual of another one: what that one's solution is off by. It is not counted, and nobody is told. */
#include "../private/diniengineimpl.h"

/* The fields of the state, of each local unknown; n is 1 where all are of one unit */
PetscErrorCode DiniEngineGetFields_Private(Dini dini, PetscInt *n, const unsigned char **field)
{
  PetscFunctionBegin;
  *n     = dini->engine->nfields;
  *field = dini->engine->field;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J^H e = ubar - J^H lambda on the rung where the last adjoint solve ended, or not good; r is work */
PetscErrorCode DiniEngineCorrect_Private(Dini dini, Vec ubar, Vec r, Vec e, PetscReal rtol, PetscBool *good)
{
  DiniEngine                engine = dini->engine;
  const PetscReal           before = engine->rtol[DINI_ADJOINT];
  const DiniConvergedReason reason = dini->reason;
  DiniSolveStatus           status = {.bnorm = 1.0, .relative = 1.0, .loose = PETSC_TRUE};
  PetscReal                 norm;
  PetscInt                  iterations;
  PetscBool                 entries;
  PetscErrorCode            failed;

  PetscFunctionBegin;
  *good = PETSC_FALSE;
  PetscCall(DiniEngineIterations_Private(dini, &iterations));
  if (!engine->J || dini->linearsolve[DINI_ADJOINT] || iterations || engine->null[0] || engine->null[1] ||
      !engine->start[DINI_ADJOINT])
    PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatHasOperation(engine->J, MATOP_GET_ROW, &entries)); /* F_m may have moved what a shell looks at */
  if (!entries) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniEngineMult_Private(dini, DINI_ADJOINT, dini->lambda, r));
  PetscCall(VecAYPX(r, -1.0, ubar));
  PetscCall(DiniActiveProject_Private(dini, r));
  PetscCall(DiniNorm_Private(r, &norm));
  if (!(norm > 0.0)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecScale(r, 1.0 / norm));
  engine->rtol[DINI_ADJOINT] = rtol;
  failed = DiniEngineTryRung_Private(dini, DINI_ADJOINT, engine->start[DINI_ADJOINT], r, e, &status);
  engine->rtol[DINI_ADJOINT] = before;
  dini->reason               = reason;
  PetscCall(failed);
  *good = status.good;
  PetscCall(VecScale(e, norm));
  PetscFunctionReturn(PETSC_SUCCESS);
}
