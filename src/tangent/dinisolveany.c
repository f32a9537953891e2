/*
  A tangent or adjoint solve from its right-hand side to its verdict, whoever does it: J where it was, numbers of a size that
  can be worked with, the application's own solve, plain iteration, or the ladder.
*/
#include "../private/diniengineimpl.h"
#include <petsctime.h>
#include <math.h>

/* The application's own solve: zero guess in, answer verified */
static PetscErrorCode DiniUserSolve(Dini dini, DiniDirection direction, Vec b, Vec x, DiniSolveStatus *status)
{
  PetscReal norm;

  PetscFunctionBegin;
  PetscCall(VecSet(x, 0.0));
  PetscCall(VecCopy(b, dini->engine->b)); /* the callback's to spoil */
  DiniCallUserOpen(dini, DINI_DOOR_DERIVATIVES,
                   direction == DINI_TANGENT ? "The tangent solve callback (DiniSetTangentSolve())"
                                             : "The adjoint solve callback (DiniSetAdjointSolve())",
                   (*dini->linearsolve[direction])(dini, dini->engine->b, x, dini->linearsolvectx[direction]));
  PetscCall(DiniCheckFinite_Private(dini, x,
                                    direction == DINI_TANGENT ? "The result of the tangent solve callback"
                                                              : "The result of the adjoint solve callback",
                                    &norm));
  if (dini->engine->J) {
    PetscCall(DiniEngineProject_Private(dini, direction, x));
    PetscCall(DiniEngineResidual_Private(dini, direction, b, x, status));
  } else {
    PetscCall(DiniEngineVerifyUser_Private(dini, direction, b, x, status->bnorm, &status->relative));
    status->good = (PetscBool)(status->relative <= PetscMax(1e-5, dini->engine->rtol[direction]));
  }
  status->rung = DINI_RUNG_USER;
  PetscCall(PetscSNPrintf(status->tried, sizeof(status->tried),
                          "the application's own solve: true relative residual %g", (double)status->relative));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniRefuse(Dini dini, DiniDirection direction, const DiniSolveStatus *status)
{
  const char *what   = DiniOperations[DINI_OPERATION_TANGENT + direction];
  const char *prefix = ((PetscObject)dini)->prefix ? ((PetscObject)dini)->prefix : "";
  DiniEngine  e      = dini->engine;
  char        near[256], field[160] = "";

  PetscFunctionBegin;
  PetscCall(DiniEngineRefuseSingular_Private(dini, direction));
  PetscCall(DiniConditionHint_Private(dini, near, sizeof(near)));
  if (e->nfields > 1)
    PetscCall(PetscSNPrintf(field, sizeof(field), " in field %s of %" PetscInt_FMT " fields, each in its own units",
                            e->fieldname[status->fields.worst], e->nfields));
  PetscCheck(
      !dini->erroriffail || status->rung != DINI_RUNG_ITERATION, PetscObjectComm((PetscObject)dini),
      PETSC_ERR_NOT_CONVERGED,
      "%s: The %s solve missed the true relative residual %g it has to reach%s: %s. The derivative would be wrong, so "
      "there is none; -%sdini_fixedpoint_method krylov gives it whether the map contracts or not%s",
      DiniLabel_Private(dini), what, (double)e->rtol[direction], field, status->tried, prefix, near);
  PetscCheck(
      !dini->erroriffail || status->ran || status->rung < DINI_RUNG_KEPT, PetscObjectComm((PetscObject)dini),
      PETSC_ERR_NOT_CONVERGED,
      "%s: The %s solve has no preconditioner that gives a finite answer (%s), as when a factorisation meets "
      "a zero pivot. If F(u, m) = 0 leaves a part of u free, such as a constant, say so with MatSetNullSpace() and "
      "MatSetTransposeNullSpace() on J; else choose another preconditioner, or another order or a shift of the "
      "factorisation, as with -pc_factor_shift_type nonzero%s",
      DiniLabel_Private(dini), what, status->tried, near);
  PetscCheck(
      !dini->erroriffail, PetscObjectComm((PetscObject)dini), PETSC_ERR_NOT_CONVERGED,
      "%s: The %s solve missed the true relative residual %g it has to reach%s (%s). The derivative would be "
      "wrong, so there "
      "is none. Try -%sdini_%s_ksp_max_it, -%sdini_%s_ksp_gmres_restart, -%sdini_%s_pc_type or a better forward "
      "preconditioner, watch it with -%sdini_%s_ksp_monitor_true_residual, or accept less with -%sdini_%s_rtol%s",
      DiniLabel_Private(dini), what, (double)e->rtol[direction], field, status->tried, prefix, what, prefix, what,
      prefix, what, prefix, what, prefix, what, near);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The right-hand side with the size of its numbers near one */
static PetscErrorCode DiniSolveAny(Dini dini, DiniDirection direction, Vec b, Vec x, DiniSolveStatus *status)
{
  Vec      rhs;
  PetscInt iterations;

  PetscFunctionBegin;
  PetscCall(DiniEngineCompatible_Private(dini, direction, b, &rhs));
  PetscCall(DiniEngineIterations_Private(dini, &iterations));
  if (dini->linearsolve[direction]) PetscCall(DiniUserSolve(dini, direction, rhs, x, status));
  else if (iterations) PetscCall(DiniEngineIterate_Private(dini, direction, iterations, rhs, x, status));
  else {
    PetscCall(DiniEnginePrepare_Private(dini, direction));
    PetscCall(DiniEngineReuse_Private(dini, direction));
    PetscCall(DiniEngineClimb_Private(dini, direction, rhs, x, status));
    PetscCall(DiniEngineSpent_Private(dini, direction, status));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J has been, or has moved, elsewhere: linearizes at the point and solves. b may be a work vector, which that needs */
static PetscErrorCode DiniSolveAnew(Dini dini, DiniDirection direction, Vec b, Vec x, PetscBool guess, PetscReal *unit)
{
  PetscErrorCode failed;
  Vec            copy;

  PetscFunctionBegin;
  PetscCall(VecDuplicate(b, &copy));
  PetscCall(VecCopy(b, copy));
  failed = DiniLinearize_Private(dini);
  if (!failed) failed = DiniEngineSolveUnit_Private(dini, direction, copy, x, guess, unit);
  PetscCall(VecDestroy(&copy));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A monitor or a callback has written into J under a solve: nobody knows of which J this solution is. Once more, then. */
static PetscErrorCode DiniSolveSpoiled(Dini dini, DiniDirection direction, Vec b, Vec x, PetscReal *unit)
{
  DiniEngine     e = dini->engine;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCheck(!e->spoiled, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONGSTATE,
             "%s: The Jacobian is written to during the %s solve, each time: by a monitor of its KSP, a preconditioner "
             "or a callback. Give derivatives a matrix of their own, with DiniSetJacobian()",
             DiniLabel_Private(dini), DiniOperations[DINI_OPERATION_TANGENT + direction]);
  e->spoiled = PETSC_TRUE;
  failed     = DiniSolveAnew(dini, direction, b, x, PETSC_FALSE, unit);
  e->spoiled = PETSC_FALSE;
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  J x = b / unit or J^H x = b / unit, right to the tolerance or not at all, where unit is one or, with right-hand sides at the
  ends of the range of numbers, a power of two; with guess, x holds a first approximation.
*/
PetscErrorCode DiniEngineSolveUnit_Private(Dini dini, DiniDirection direction, Vec b, Vec x, PetscBool guess,
                                           PetscReal *unit)
{
  const PetscLogEvent event  = direction == DINI_TANGENT ? DINI_Tangent : DINI_Adjoint;
  DiniSolveStatus     status = {0};
  PetscLogDouble      start, end;
  Vec                 scaled = b;
  PetscBool           moved, known = PETSC_FALSE;

  PetscFunctionBegin;
  *unit = 1.0;
  PetscCheck(b != x, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_IDN,
             "Right-hand side and solution of a linear solve must be different vectors");
  PetscCall(DiniJacobianStays_Private(dini, &moved));
  if (moved) {
    PetscCall(DiniSolveAnew(dini, direction, b, x, guess, unit));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(DiniCheckFinite_Private(dini, b,
                                    direction == DINI_TANGENT ? "The right-hand side of the tangent solve"
                                                              : "The right-hand side of the adjoint solve",
                                    &status.bnorm));
  dini->lastnorm = status.bnorm;
  dini->lastunit = 1.0;
  if (status.bnorm == 0.0) {
    PetscCall(VecSet(x, 0.0));
    dini->lastrelative = dini->lasterror = 0.0;
    dini->reason                         = direction == DINI_TANGENT ? DINI_CONVERGED_TANGENT : DINI_CONVERGED_ADJOINT;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (DiniUnit_Private(status.bnorm) != 1.0) {
    PetscCall(DiniTakeUnit_Private(b, unit, &scaled));
    status.bnorm /= *unit;
    dini->lastunit = *unit;
    guess          = PETSC_FALSE;
  } else PetscCall(DiniEngineRecall_Private(dini, direction, b, status.bnorm, x, &known));
  if (known) PetscFunctionReturn(PETSC_SUCCESS);
  status.guess    = guess;
  status.relative = 1.0;
  PetscCall(PetscTime(&start));
  PetscCall(PetscLogEventBegin(event, dini, b, x, 0));
  dini->reason = DINI_CONVERGED_ITERATING;
  PetscCall(DiniSolveAny(dini, direction, scaled, x, &status));
  PetscCall(DiniReturnUnit_Private(b, &scaled));
  PetscCall(PetscLogEventEnd(event, dini, b, x, 0));
  PetscCall(PetscTime(&end));
  PetscCall(DiniJacobianStays_Private(dini, &moved));
  if (moved) {
    PetscCall(DiniSolveSpoiled(dini, direction, b, x, unit));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(DiniEngineRecord_Private(dini, direction, &status, (PetscReal)(end - start)));
  if (status.good && status.rung > DINI_RUNG_KEPT) {
    char near[256];

    PetscCall(DiniConditionHint_Private(dini, near, sizeof(near)));
    if (near[0]) PetscCall(PetscInfo(dini, "The solve needed rung %s%s\n", DiniRungs[status.rung], near));
  }
  if (status.good) PetscCall(DiniEngineRegular_Private(dini, direction, &status));
  if (status.good && !dini->engine->singular[0]) {
    if (*unit == 1.0) PetscCall(DiniEngineRemember_Private(dini, direction, b, x, &status));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (status.good) dini->reason = direction == DINI_TANGENT ? DINI_DIVERGED_TANGENT : DINI_DIVERGED_ADJOINT;
  PetscCall(VecSet(x, NAN)); /* nobody shall take it for a derivative */
  PetscCall(DiniRefuse(dini, direction, &status));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same, J x = b or J^H x = b */
PetscErrorCode DiniEngineSolveGuess_Private(Dini dini, DiniDirection direction, Vec b, Vec x, PetscBool guess)
{
  PetscReal unit;

  PetscFunctionBegin;
  PetscCall(DiniEngineSolveUnit_Private(dini, direction, b, x, guess, &unit));
  PetscCall(DiniScaleBack_Private(dini, unit, x,
                                  direction == DINI_TANGENT ? "The result of the tangent solve"
                                                            : "The result of the adjoint solve"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEngineSolve_Private(Dini dini, DiniDirection direction, Vec b, Vec x)
{
  PetscFunctionBegin;
  PetscCall(DiniEngineSolveGuess_Private(dini, direction, b, x, PETSC_FALSE));
  PetscFunctionReturn(PETSC_SUCCESS);
}
