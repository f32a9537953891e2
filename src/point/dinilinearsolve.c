/*
  A tangent or adjoint solve from its right-hand side to its verdict, whoever does it: J where it was, numbers of a size that
  can be worked with, the application's own solve, plain iteration, or the engine's ladder. Who can not be helped is refused.
*/
#include "../private/diniimpl.h"
#include <petsctime.h>
#include <math.h>

/* ---- What the engine is told, and what it asks ---- */

static PetscErrorCode DiniLinearMonitor(void *ctx, DiniDirection direction, const DiniSolveResult *result,
                                        PetscReal seconds)
{
  Dini dini = (Dini)ctx;

  PetscFunctionBegin;
  dini->recalled     = PETSC_FALSE;
  dini->lastrelative = result->relative;
  dini->lasterror    = result->error;
  dini->lastrung     = result->good ? result->rung : DINI_RUNG_NONE;
  dini->lastkind     = result->kind;
  PetscCall(DiniEngineCount_Private(dini->engine, direction, result, seconds));
  dini->reason = DiniEngineReason_Private(direction, result);
  PetscCall(DiniMonitor_Private(dini, direction == DINI_TANGENT ? DINI_OPERATION_TANGENT : DINI_OPERATION_ADJOINT,
                                result->its, result->relative));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniLinearAssembled(void *ctx, Mat J, Mat P, Mat *A, const char **why)
{
  Dini dini = (Dini)ctx;

  PetscFunctionBegin;
  PetscCall(DiniJacobianAssembled_Private(dini, J, P, A));
  *why = dini->source.why;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Into the Jacobian of F, which is not the engine's own where there are bounds */
static PetscErrorCode DiniLinearWritten(void *ctx, PetscBool *mine)
{
  Dini dini = (Dini)ctx;

  PetscFunctionBegin;
  *mine = PETSC_FALSE;
  if (dini->stage == DINI_STAGE_LINEARIZED && dini->held.A)
    PetscCall(DiniMarkMoved_Private(&dini->held, PETSC_FALSE, mine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniLinearForward(void *ctx, KSP *ksp)
{
  Dini dini = (Dini)ctx;

  PetscFunctionBegin;
  PetscUseTypeMethod(dini, getksp, ksp);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniLinearProject(void *ctx, Vec v)
{
  return DiniFilterProject_Private((Dini)ctx, v);
}

PetscErrorCode DiniLinearCreate_Private(Dini dini)
{
  const DiniEngineCallbacks up = {.ctx       = dini,
                                  .monitor   = DiniLinearMonitor,
                                  .assembled = DiniLinearAssembled,
                                  .forward   = DiniLinearForward,
                                  .written   = DiniLinearWritten,
                                  .project   = DiniLinearProject};

  PetscFunctionBegin;
  PetscCall(DiniEngineCreate_Private(PetscObjectComm((PetscObject)dini), &up, &dini->stats, &dini->engine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The engine, told what holds at present */
PetscErrorCode DiniLinear_Private(Dini dini, DiniEngine *engine)
{
  const DiniEngineTerms terms = {
      .owner       = (PetscObject)dini,
      .label       = DiniLabel_Private(dini),
      .guard       = dini->guard,
      .fromoptions = dini->fromoptions,
      .forward     = (PetscBool)(dini->ops->getksp != NULL),
      .fronts      = dini->fronts,
      .stepseconds = dini->forward.steps > 0 ? dini->forward.seconds / (PetscReal)dini->forward.steps : 0.0,
      .testseconds = {dini->testseconds[0], dini->testseconds[1]}};

  PetscFunctionBegin;
  PetscCall(DiniEngineSetTerms_Private(dini->engine, &terms));
  *engine = dini->engine;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* How many plain iterations a linear solve may take; 0 where the ladder does it */
PetscErrorCode DiniIterations_Private(Dini dini, PetscInt *max)
{
  PetscFunctionBegin;
  *max = dini->iterations;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- The verdict ---- */

static PetscErrorCode DiniRefuse(Dini dini, DiniDirection direction, const DiniSolveResult *result)
{
  char near[256];

  PetscFunctionBegin;
  if (!dini->erroriffail) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniConditionHint_Private(dini, near, sizeof(near)));
  PetscCall(DiniEngineRefuse_Private(dini->engine, direction, result, near));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- A solve ---- */

/* The application's own solve: zero guess in, answer verified */
static PetscErrorCode DiniUserSolve(Dini dini, DiniDirection direction, Vec b, Vec x, DiniSolveResult *result)
{
  const char    *what = direction == DINI_TANGENT ? "The tangent solve callback (DiniSetTangentSolve())"
                                                  : "The adjoint solve callback (DiniSetAdjointSolve())";
  PetscReal      norm;
  PetscErrorCode failed;
  Vec            copy; /* the callback's to spoil */
  Mat            J, P;

  PetscFunctionBegin;
  PetscCall(VecSet(x, 0.0));
  PetscCall(VecDuplicate(b, &copy));
  PetscCall(VecCopy(b, copy));
  DiniCallOut(dini, DINI_DOOR_DERIVATIVES, what, failed,
              (*dini->linearsolve[direction])(dini, copy, x, dini->linearsolvectx[direction]));
  PetscCall(VecDestroy(&copy));
  PetscCall(DiniAgree_Private(dini, what, failed));
  PetscCall(DiniCheckFinite_Private(dini, x,
                                    direction == DINI_TANGENT ? "The result of the tangent solve callback"
                                                              : "The result of the adjoint solve callback",
                                    &norm));
  PetscCall(DiniEngineGetJacobian_Private(dini->engine, &J, &P));
  if (J) PetscCall(DiniEngineVerify_Private(dini->engine, direction, b, x, result));
  else {
    PetscCall(DiniVerifyUser_Private(dini, direction, b, x, result->bnorm, &result->relative));
    result->good =
        (PetscBool)(result->relative <= PetscMax(1e-5, DiniEngineTolerance_Private(dini->engine, direction)));
  }
  result->rung = DINI_RUNG_USER;
  PetscCall(PetscSNPrintf(result->tried, sizeof(result->tried),
                          "the application's own solve: true relative residual %g", (double)result->relative));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The right-hand side with the size of its numbers near one */
static PetscErrorCode DiniSolveAny(Dini dini, DiniDirection direction, Vec b, Vec x, DiniSolveResult *result)
{
  DiniEngine e;
  Vec        rhs;
  PetscInt   iterations;

  PetscFunctionBegin;
  PetscCall(DiniLinear_Private(dini, &e));
  PetscCall(DiniEngineCompatible_Private(e, direction, b, &rhs));
  PetscCall(DiniIterations_Private(dini, &iterations));
  if (dini->linearsolve[direction]) PetscCall(DiniUserSolve(dini, direction, rhs, x, result));
  else if (iterations) {
    result->rate = dini->rate;
    PetscCall(DiniEngineIterate_Private(e, direction, iterations, rhs, x, result));
    dini->rate      = result->rate;
    dini->rateknown = (PetscBool)(result->its > 0);
  } else PetscCall(DiniEngineSolve_Private(e, direction, rhs, x, result));
  result->kind = DiniEngineKind_Private(e, result);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  J has been, or has moved, elsewhere: linearizes at the point and solves. b may be a work vector, which that needs. Who writes
  into J at each linearization would have that done for ever.
*/
static PetscErrorCode DiniSolveAnew(Dini dini, DiniDirection direction, Vec b, Vec x, PetscBool guess, PetscReal *unit,
                                    PetscBool *good)
{
  PetscErrorCode failed;
  PetscBool      moved = PETSC_FALSE;
  Vec            copy;

  PetscFunctionBegin;
  PetscCall(VecDuplicate(b, &copy));
  PetscCall(VecCopy(b, copy));
  failed = DiniLinearize_Private(dini);
  if (!failed) failed = DiniJacobianStays_Private(dini, &moved);
  if (!failed && !moved) failed = DiniLinearSolveUnit_Private(dini, direction, copy, x, guess, unit, good);
  PetscCall(VecDestroy(&copy));
  PetscCall(failed);
  PetscCheck(!moved, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONGSTATE,
             "%s: The Jacobian is written to right after each linearization: by a monitor (DiniMonitorSet()) or a "
             "callback. Give derivatives a matrix of their own, with DiniSetJacobian()",
             DiniLabel_Private(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A monitor or a callback has written into J under a solve: nobody knows of which J this solution is. Once more, then. */
static PetscErrorCode DiniSolveSpoiled(Dini dini, DiniDirection direction, Vec b, Vec x, PetscReal *unit,
                                       PetscBool *good)
{
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCheck(!dini->spoiled, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONGSTATE,
             "%s: The Jacobian is written to during the %s solve, each time: by a monitor of its KSP, a preconditioner "
             "or a callback. Give derivatives a matrix of their own, with DiniSetJacobian()",
             DiniLabel_Private(dini), DiniOperations[DINI_OPERATION_TANGENT + direction]);
  dini->spoiled = PETSC_TRUE;
  failed        = DiniSolveAnew(dini, direction, b, x, PETSC_FALSE, unit, good);
  dini->spoiled = PETSC_FALSE;
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The solution is the one of the solve before */
static PetscErrorCode DiniRecalled(Dini dini, DiniDirection direction, const DiniSolveResult *result)
{
  PetscFunctionBegin;
  dini->lastrelative = result->relative;
  dini->lasterror    = result->error;
  dini->lastkind     = result->kind;
  dini->reason       = direction == DINI_TANGENT ? DINI_CONVERGED_TANGENT : DINI_CONVERGED_ADJOINT;
  dini->recalled     = PETSC_TRUE;
  dini->stats.recalls++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  J x = b / unit or J^H x = b / unit, right to the tolerance or not at all, where unit is one or, with right-hand sides at the
  ends of the range of numbers, a power of two; with guess, x holds a first approximation. Where errors are off, *good tells.
*/
PetscErrorCode DiniLinearSolveUnit_Private(Dini dini, DiniDirection direction, Vec b, Vec x, PetscBool guess,
                                           PetscReal *unit, PetscBool *good)
{
  const PetscLogEvent event  = direction == DINI_TANGENT ? DINI_Tangent : DINI_Adjoint;
  DiniSolveResult     result = {0};
  PetscLogDouble      start, end;
  Vec                 scaled = b;
  PetscBool           moved, known = PETSC_FALSE;

  PetscFunctionBegin;
  *unit = 1.0;
  *good = PETSC_TRUE;
  PetscCheck(b != x, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_IDN,
             "Right-hand side and solution of a linear solve must be different vectors");
  PetscCall(DiniJacobianStays_Private(dini, &moved));
  if (moved) {
    PetscCall(DiniSolveAnew(dini, direction, b, x, guess, unit, good));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(DiniCheckFinite_Private(dini, b,
                                    direction == DINI_TANGENT ? "The right-hand side of the tangent solve"
                                                              : "The right-hand side of the adjoint solve",
                                    &result.bnorm));
  dini->lastnorm = result.bnorm;
  dini->lastunit = 1.0;
  if (result.bnorm == 0.0) {
    PetscCall(VecSet(x, 0.0));
    dini->lastrelative = dini->lasterror = 0.0;
    dini->reason                         = direction == DINI_TANGENT ? DINI_CONVERGED_TANGENT : DINI_CONVERGED_ADJOINT;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (DiniUnit_Private(result.bnorm) != 1.0) {
    PetscCall(DiniTakeUnit_Private(b, unit, &scaled));
    result.bnorm /= *unit;
    dini->lastunit = *unit;
    guess          = PETSC_FALSE;
  } else if (!dini->linearsolve[direction]) /* what that would say is the application's to know */
    PetscCall(DiniEngineRecall_Private(dini->engine, direction, b, result.bnorm, x, &result, &known));
  if (known) {
    PetscCall(DiniRecalled(dini, direction, &result));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  result.guess    = guess;
  result.relative = 1.0;
  PetscCall(PetscTime(&start));
  PetscCall(PetscLogEventBegin(event, dini, b, x, 0));
  dini->reason = DINI_CONVERGED_ITERATING;
  PetscCall(DiniSolveAny(dini, direction, scaled, x, &result));
  PetscCall(DiniReturnUnit_Private(b, &scaled));
  PetscCall(PetscLogEventEnd(event, dini, b, x, 0));
  PetscCall(PetscTime(&end));
  if (result.good && result.unwritten) moved = PETSC_FALSE;
  else PetscCall(DiniJacobianStays_Private(dini, &moved));
  if (moved) {
    PetscCall(DiniSolveSpoiled(dini, direction, b, x, unit, good));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(DiniLinearMonitor(dini, direction, &result, (PetscReal)(end - start)));
  if (result.good && result.rung > DINI_RUNG_KEPT) {
    char near[256];

    PetscCall(DiniConditionHint_Private(dini, near, sizeof(near)));
    if (near[0]) PetscCall(PetscInfo(dini, "The solve needed rung %s%s\n", DiniRungs[result.rung], near));
  }
  if (result.good) PetscCall(DiniEngineRegular_Private(dini->engine, direction, &result));
  if (result.good && !DiniEngineSingular_Private(dini->engine)[0]) {
    if (*unit == 1.0) PetscCall(DiniEngineRemember_Private(dini->engine, direction, b, x, &result));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  *good = PETSC_FALSE;
  if (result.good) dini->reason = direction == DINI_TANGENT ? DINI_DIVERGED_TANGENT : DINI_DIVERGED_ADJOINT;
  PetscCall(VecSet(x, NAN)); /* nobody shall take it for a derivative */
  PetscCall(DiniRefuse(dini, direction, &result));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the last solution is off by, relative: by its residual, and by J */
PetscReal DiniSolveError_Private(Dini dini)
{
  return PetscMax(dini->lasterror, dini->lastrelative) + PetscMax(dini->source.error, dini->source.lost);
}

/* The same, J x = b or J^H x = b */
PetscErrorCode DiniLinearSolveGuess_Private(Dini dini, DiniDirection direction, Vec b, Vec x, PetscBool guess,
                                            PetscBool *good)
{
  PetscReal unit;

  PetscFunctionBegin;
  PetscCall(DiniLinearSolveUnit_Private(dini, direction, b, x, guess, &unit, good));
  PetscCall(DiniScaleBack_Private(dini, unit, x,
                                  direction == DINI_TANGENT ? "The result of the tangent solve"
                                                            : "The result of the adjoint solve"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniLinearSolve_Private(Dini dini, DiniDirection direction, Vec b, Vec x, PetscBool *good)
{
  PetscFunctionBegin;
  PetscCall(DiniLinearSolveGuess_Private(dini, direction, b, x, PETSC_FALSE, good));
  PetscFunctionReturn(PETSC_SUCCESS);
}
