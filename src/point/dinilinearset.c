/* What the user tells the linear solves, by function or by option. */
#include "../private/diniimpl.h"

PetscErrorCode DiniLinearSetFromOptions_Private(Dini dini, DiniOptionItems PetscOptionsObject)
{
  PetscFunctionBegin;
  PetscCall(DiniEngineSetFromOptions_Private(dini->engine, PetscOptionsObject));
  PetscCall(PetscOptionsReal("-dini_test_iteration_seconds", "For tests: what an iteration costs, for the clock's",
                             "DiniSetReuse", dini->testseconds[0], &dini->testseconds[0], NULL));
  PetscCall(PetscOptionsReal("-dini_test_setup_seconds", "For tests: what a set-up costs, for the clock's",
                             "DiniSetReuse", dini->testseconds[1], &dini->testseconds[1], NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniGetLinearSolver(Dini dini, DiniDirection direction, KSP *ksp)
{
  DiniEngine e;

  PetscFunctionBegin;
  PetscCall(DiniLinearize_Private(dini));
  PetscCall(DiniLinear_Private(dini, &e));
  PetscCall(DiniEngineGetKSP_Private(e, direction, ksp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Sets the true relative residuals that tangent and adjoint solves have to reach.
  @level{intermediate}

  Logically Collective. |r - J x| <= rtol |r| is measured after each solve, whatever its KSP says; a solve that misses it is
  refined, then tried with dearer preconditioners, and then it is an error.

  @param[in] dini         the Dini
  @param[in] tangent_rtol bound for J x = r, initially 1e-10; PETSC_DEFAULT leaves it as it is
  @param[in] adjoint_rtol bound for J^H lambda = g, initially 1e-10; PETSC_DEFAULT leaves it as it is
  @return 0 or a PETSc error code; PETSC_ERR_ARG_OUTOFRANGE unless both are between 0 and 1

  Options: `-dini_tangent_rtol`, `-dini_adjoint_rtol`.
*/
PetscErrorCode DiniSetTolerances(Dini dini, PetscReal tangent_rtol, PetscReal adjoint_rtol)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniEngineSetTolerances_Private(dini->engine, tangent_rtol, adjoint_rtol));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Tells the true relative residuals that tangent and adjoint solves have to reach.
  @level{intermediate}

  Not Collective.

  @param[in]  dini         the Dini
  @param[out] tangent_rtol bound for J x = r, may be NULL
  @param[out] adjoint_rtol bound for J^H lambda = g, may be NULL
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniGetTolerances(Dini dini, PetscReal *tangent_rtol, PetscReal *adjoint_rtol)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniEngineGetTolerances_Private(dini->engine, tangent_rtol, adjoint_rtol));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Chooses how adjoint solves apply J^H and a preconditioner for it.
  @level{intermediate}

  Logically Collective. Whatever is chosen, the true residual of each adjoint solve is measured with J itself.

  @param[in] dini      the Dini
  @param[in] transpose DINI_TRANSPOSE_AUTO (default): symmetric where the matrix says it is Hermitian, else the ladder of the
                       guide, from native, where the forward preconditioner has a transpose that passes a probe, to
                       explicit and direct; or one of
                       DINI_TRANSPOSE_NATIVE, DINI_TRANSPOSE_EXPLICIT, DINI_TRANSPOSE_SYMMETRIC
  @return 0 or a PETSc error code; PETSC_ERR_ARG_OUTOFRANGE for another value

  Options: `-dini_transpose <auto|native|explicit|symmetric>`. `-dini_adjoint_pc_type` chooses the preconditioner of the
  explicit transpose, and implies it.
*/
PetscErrorCode DiniSetTranspose(Dini dini, DiniTranspose transpose)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniSetTranspose()"));
  PetscCall(DiniCheckEnum_Private(dini, (int)transpose, DiniTransposes, "way to transpose"));
  PetscCall(DiniEngineSetTranspose_Private(dini->engine, transpose));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives the KSP of the tangent solves, prepared for the present point, to look at or to tune.
  @level{advanced}

  Collective.

  @param[in]  dini the Dini, after DiniSolve() or DiniAttach()
  @param[out] ksp  the solver, not to be destroyed
  @return 0 or a PETSc error code

  Options: `-dini_tangent_ksp_...`.
*/
PetscErrorCode DiniGetTangentKSP(Dini dini, KSP *ksp)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  DiniServe(dini, "DiniGetTangentKSP()", DINI_DOOR_DERIVATIVES, DiniGetLinearSolver(dini, DINI_TANGENT, ksp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives the KSP of the adjoint solves, prepared for the present point, to look at or to tune.
  @level{advanced}

  Collective.

  @param[in]  dini the Dini, after DiniSolve() or DiniAttach()
  @param[out] ksp  the solver, whose operator is J^H; not to be destroyed
  @return 0 or a PETSc error code

  Options: `-dini_adjoint_ksp_...`.
*/
PetscErrorCode DiniGetAdjointKSP(Dini dini, KSP *ksp)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  DiniServe(dini, "DiniGetAdjointKSP()", DINI_DOOR_DERIVATIVES, DiniGetLinearSolver(dini, DINI_ADJOINT, ksp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Chooses when the preconditioner that the forward solve has left behind is set up again at the solution.
  @level{intermediate}

  Logically Collective. The kept preconditioner costs nothing and may cost iterations; it never decides about accuracy. A
  linear forward solve has built it from the very matrix, and there is nothing to choose.

  @param[in] dini  the Dini
  @param[in] reuse DINI_REUSE_AUTO (default): once the iterations beyond a fresh one's have cost as much time as a set-up,
                   which is never worse than twice the best choice; DINI_REUSE_ALWAYS: only when it fails;
                   DINI_REUSE_NEVER: before the first solve at each new point
  @return 0 or a PETSc error code; PETSC_ERR_ARG_OUTOFRANGE for another value

  Options: `-dini_reuse <auto|always|never>`.
*/
PetscErrorCode DiniSetReuse(Dini dini, DiniReuse reuse)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniCheckEnum_Private(dini, (int)reuse, DiniReuses, "reuse policy"));
  PetscCall(DiniEngineSetReuse_Private(dini->engine, reuse));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Tells when the preconditioner that the forward solve has left behind is set up again, see DiniSetReuse().
  @level{intermediate}

  Not Collective.

  @param[in]  dini  the Dini
  @param[out] reuse the policy
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniGetReuse(Dini dini, DiniReuse *reuse)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniEngineGetReuse_Private(dini->engine, reuse));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Bounds the size of problem whose Jacobian may be factorised as a last resort.
  @level{advanced}

  Logically Collective. The last rung of the ladder, after everything else has failed.

  @param[in] dini the Dini
  @param[in] max  most unknowns, initially 200000; 0 forbids it
  @return 0 or a PETSc error code; PETSC_ERR_ARG_OUTOFRANGE for a negative bound

  Options: `-dini_direct_max`; `-dini_direct_pc_...` for the factorisation itself.
*/
PetscErrorCode DiniSetDirectMax(Dini dini, PetscInt max)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniEngineSetDirectMax_Private(dini->engine, max));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Bounds how many right-hand sides are solved together.
  @level{advanced}

  Logically Collective. A block of k takes the memory of 4 k states in DiniMatJVP(), DiniMatVJP() and products of the
  derivative with dense matrices.

  @param[in] dini the Dini
  @param[in] size most right-hand sides in a block, initially 32
  @return 0 or a PETSc error code; PETSC_ERR_ARG_OUTOFRANGE unless it is positive

  Options: `-dini_block_size`.
*/
PetscErrorCode DiniSetBlockSize(Dini dini, PetscInt size)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniEngineSetBlockSize_Private(dini->engine, size));
  PetscFunctionReturn(PETSC_SUCCESS);
}
