/* Loose tangent and adjoint solves, which tell how far off a solution is; there are none where the engine is not what solves. */
#include "../private/diniimpl.h"

static PetscErrorCode DiniLooseRung(Dini dini, DiniDirection direction, PetscBool setup, DiniRung *rung)
{
  DiniEngine e;
  PetscInt   iterations;

  PetscFunctionBegin;
  *rung = DINI_RUNG_NONE;
  PetscCall(DiniIterations_Private(dini, &iterations));
  if (dini->linearsolve[direction] || iterations) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniLinear_Private(dini, &e));
  PetscCall(DiniEngineLooseRung_Private(e, direction, setup, rung));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A d = r to rtol, or not good; r is spoilt. setup: a preconditioner is set up where there is none */
PetscErrorCode DiniLinearLoose_Private(Dini dini, DiniDirection direction, Vec r, Vec d, PetscReal rtol,
                                       PetscBool setup, PetscBool *good)
{
  DiniRung rung;

  PetscFunctionBegin;
  *good = PETSC_FALSE;
  PetscCall(DiniLooseRung(dini, direction, setup, &rung));
  if (!rung) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniFilterProject_Private(dini, r));
  PetscCall(DiniEngineLoose_Private(dini->engine, direction, rung, r, d, rtol, good));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A d = b - A x, what x is off by; r is work */
PetscErrorCode DiniLinearCorrect_Private(Dini dini, DiniDirection direction, Vec b, Vec x, Vec r, Vec d, PetscReal rtol,
                                         PetscBool *good)
{
  DiniRung rung;

  PetscFunctionBegin;
  *good = PETSC_FALSE;
  PetscCall(
      DiniLooseRung(dini, direction, PETSC_FALSE, &rung)); /* no product with a shell before it is known to stay */
  if (!rung || !DiniEngineSolved_Private(dini->engine, direction)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniEngineMult_Private(dini->engine, direction, x, r));
  PetscCall(VecAYPX(r, -1.0, b));
  PetscCall(DiniFilterProject_Private(dini, r));
  PetscCall(DiniEngineLoose_Private(dini->engine, direction, rung, r, d, rtol, good));
  PetscFunctionReturn(PETSC_SUCCESS);
}
