/* What has come of a solve: counted, and where there is no solution refused, with what was tried and what to do. */
#include "../private/diniengineimpl.h"

/* A solve has ended, after so many seconds: into the statistics of the owner */
PetscErrorCode DiniEngineCount_Private(DiniEngine e, DiniDirection direction, const DiniSolveResult *result,
                                       PetscReal seconds)
{
  DiniStatistics *s    = e->stats;
  const DiniRung  rung = result->good ? result->rung : DINI_RUNG_NONE;

  PetscFunctionBegin;
  if (direction == DINI_TANGENT) {
    s->tangent_solves++;
    s->tangent_iterations += result->its;
    s->tangent_seconds += seconds;
    s->tangent_rung = rung;
    if (result->good) s->tangent_residual = PetscMax(s->tangent_residual, result->relative);
  } else {
    s->adjoint_solves++;
    s->adjoint_iterations += result->its;
    s->adjoint_seconds += seconds;
    s->adjoint_rung = rung;
    if (result->good) s->adjoint_residual = PetscMax(s->adjoint_residual, result->relative);
  }
  if (result->good) s->rungs[result->rung]++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

DiniConvergedReason DiniEngineReason_Private(DiniDirection direction, const DiniSolveResult *result)
{
  const PetscBool tangent = (PetscBool)(direction == DINI_TANGENT);

  if (result->good) return tangent ? DINI_CONVERGED_TANGENT : DINI_CONVERGED_ADJOINT;
  if (result->pcfailed) return DINI_DIVERGED_PC_FAILED;
  if (PetscIsInfOrNanReal(result->relative)) return DINI_DIVERGED_NAN;
  return tangent ? DINI_DIVERGED_TANGENT : DINI_DIVERGED_ADJOINT;
}

/* What is known of a singular J, why there is no derivative, what to do */
static PetscErrorCode DiniRefuseSingular(DiniEngine e, DiniDirection direction)
{
  PetscFunctionBegin;
  PetscCheck(
      !e->singular[0], PetscObjectComm((PetscObject)e), PETSC_ERR_NOT_CONVERGED,
      "%s: J is singular at this solution: %s. So du/dm is not determined, and there is no %s solve. If F(u, m) = "
      "0 leaves a part of u free, such as a constant, say so with MatSetNullSpace() and MatSetTransposeNullSpace() "
      "on J; else this is a fold, a bifurcation or a double root, where u(m) has no derivative",
      e->terms.label, e->singular, DiniOperations[DINI_OPERATION_TANGENT + direction]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The error of a solve that is not good; near: what else is known of J, to end the text with */
PetscErrorCode DiniEngineRefuse_Private(DiniEngine e, DiniDirection direction, const DiniSolveResult *result,
                                        const char near[])
{
  const MPI_Comm comm       = PetscObjectComm((PetscObject)e);
  const char    *what       = DiniOperations[DINI_OPERATION_TANGENT + direction];
  const char    *prefix     = ((PetscObject)e)->prefix ? ((PetscObject)e)->prefix : "";
  const double   rtol       = (double)e->rtol[direction];
  char           field[160] = "";

  PetscFunctionBegin;
  PetscCall(DiniRefuseSingular(e, direction));
  if (e->nfields > 1)
    PetscCall(PetscSNPrintf(field, sizeof(field), " in field %s of %" PetscInt_FMT " fields, each in its own units",
                            DiniEngineFieldName_Private(e, result->fields.worst), e->nfields));
  PetscCheck(
      result->rung != DINI_RUNG_ITERATION, comm, PETSC_ERR_NOT_CONVERGED,
      "%s: The %s solve missed the true relative residual %g it has to reach%s: %s. The derivative would be wrong, so "
      "there is none; -%sdini_fixedpoint_method krylov gives it whether the map contracts or not%s",
      e->terms.label, what, rtol, field, result->tried, prefix, near);
  PetscCheck(
      result->ran || result->rung < DINI_RUNG_KEPT, comm, PETSC_ERR_NOT_CONVERGED,
      "%s: The %s solve has no preconditioner that gives a finite answer (%s), as when a factorisation meets "
      "a zero pivot. If F(u, m) = 0 leaves a part of u free, such as a constant, say so with MatSetNullSpace() and "
      "MatSetTransposeNullSpace() on J; else choose another preconditioner, or another order or a shift of the "
      "factorisation, as with -pc_factor_shift_type nonzero%s",
      e->terms.label, what, result->tried, near);
  SETERRQ(comm, PETSC_ERR_NOT_CONVERGED,
          "%s: The %s solve missed the true relative residual %g it has to reach%s (%s). The derivative would be "
          "wrong, so there "
          "is none. Try -%sdini_%s_ksp_max_it, -%sdini_%s_ksp_gmres_restart, -%sdini_%s_pc_type or a better forward "
          "preconditioner, watch it with -%sdini_%s_ksp_monitor_true_residual, or accept less with -%sdini_%s_rtol%s",
          e->terms.label, what, rtol, field, result->tried, prefix, what, prefix, what, prefix, what, prefix, what,
          prefix, what, near);
}
