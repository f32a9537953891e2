/* A solve by the ladder, and what its owner asks of one that it has done in another way. */
#include "../private/diniengineimpl.h"

/*
  J x = b or J^H x = b, right to the tolerance, or not good. result holds |b|, near one, and whether x is a guess; b is what
  DiniEngineCompatible_Private() has made of a right-hand side.
*/
PetscErrorCode DiniEngineSolve_Private(DiniEngine e, DiniDirection direction, Vec b, Vec x, DiniSolveResult *result)
{
  PetscFunctionBegin;
  e->pcfailed = PETSC_FALSE;
  PetscCall(DiniEnginePrepare_Private(e, direction));
  PetscCall(DiniEngineReuse_Private(e, direction));
  PetscCall(DiniEngineClimb_Private(e, direction, b, x, result));
  PetscCall(DiniEngineSpent_Private(e, direction, result));
  result->pcfailed = e->pcfailed;
  result->kind     = DiniEngineKind_Private(e, result);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is x, which somebody else has found, right? Its part in the null space is taken out. */
PetscErrorCode DiniEngineVerify_Private(DiniEngine e, DiniDirection direction, Vec b, Vec x, DiniSolveResult *result)
{
  PetscFunctionBegin;
  PetscCall(DiniEngineProject_Private(e, direction, x));
  PetscCall(DiniEngineResidual_Private(e, direction, b, x, result));
  PetscFunctionReturn(PETSC_SUCCESS);
}
