/* What the user tells the engine, by function or by option, and what it prints. */
#include "../private/diniengineimpl.h"

PetscErrorCode DiniEngineSetFromOptions_Private(Dini dini, DiniOptionItems PetscOptionsObject)
{
  DiniEngine    e         = dini->engine;
  DiniTranspose transpose = e->transpose;
  DiniReuse     reuse     = e->reuse;
  PetscInt      directmax = e->directmax, blocksize = e->blocksize;
  PetscReal     tangent = e->asked[DINI_TANGENT], adjoint = e->asked[DINI_ADJOINT];
  PetscBool     set;

  PetscFunctionBegin;
  PetscCall(PetscOptionsReal("-dini_tangent_rtol", "Accepted true relative residual of J x = r", "DiniSetTolerances",
                             tangent, &tangent, NULL));
  PetscCall(PetscOptionsReal("-dini_adjoint_rtol", "Accepted true relative residual of J^H lambda = g",
                             "DiniSetTolerances", adjoint, &adjoint, NULL));
  PetscCall(DiniSetTolerances(dini, tangent, adjoint));
  PetscCall(PetscOptionsEnum("-dini_transpose", "How J^H is applied", "DiniSetTranspose", DiniTransposes,
                             (PetscEnum)transpose, (PetscEnum *)&transpose, &set));
  if (set) PetscCall(DiniSetTranspose(dini, transpose));
  PetscCall(PetscOptionsEnum("-dini_reuse", "When the forward preconditioner is set up again", "DiniSetReuse",
                             DiniReuses, (PetscEnum)reuse, (PetscEnum *)&reuse, &set));
  if (set) PetscCall(DiniSetReuse(dini, reuse));
  PetscCall(PetscOptionsInt("-dini_direct_max", "Most unknowns for which J may be factorised as a last resort",
                            "DiniSetDirectMax", directmax, &directmax, &set));
  if (set) PetscCall(DiniSetDirectMax(dini, directmax));
  PetscCall(PetscOptionsInt("-dini_block_size", "Most right-hand sides that are solved together", "DiniSetBlockSize",
                            blocksize, &blocksize, &set));
  if (set) PetscCall(DiniSetBlockSize(dini, blocksize));
  PetscCall(PetscOptionsReal("-dini_test_iteration_seconds", "For tests: what an iteration costs, for the clock's",
                             "DiniSetReuse", dini->testseconds[0], &dini->testseconds[0], NULL));
  PetscCall(PetscOptionsReal("-dini_test_setup_seconds", "For tests: what a set-up costs, for the clock's",
                             "DiniSetReuse", dini->testseconds[1], &dini->testseconds[1], NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Sets the true relative residuals that tangent and adjoint solves have to reach.

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
  DiniEngine      e       = dini->engine;
  const PetscReal rtol[2] = {tangent_rtol == PETSC_DEFAULT ? e->asked[0] : tangent_rtol,
                             adjoint_rtol == PETSC_DEFAULT ? e->asked[1] : adjoint_rtol};

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  for (int d = 0; d < 2; d++) {
    PetscCheck(rtol[d] > 0.0 && rtol[d] < 1.0, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_OUTOFRANGE,
               "The accepted true relative residual of %s solves is %g; it must lie between 0 and 1",
               DiniOperations[DINI_OPERATION_TANGENT + d], (double)rtol[d]);
    PetscCall(DiniEngineRenewKSPs_Private(dini, (DiniDirection)d, e->rtol[d], rtol[d]));
    if (rtol[d] != e->asked[d]) PetscCall(DiniEngineForget_Private(dini, (DiniDirection)d));
    e->asked[d] = rtol[d];
    e->rtol[d]  = rtol[d];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Tells the true relative residuals that tangent and adjoint solves have to reach.

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
  if (tangent_rtol) *tangent_rtol = dini->engine->asked[DINI_TANGENT];
  if (adjoint_rtol) *adjoint_rtol = dini->engine->asked[DINI_ADJOINT];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Chooses how adjoint solves apply J^H and a preconditioner for it.

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
  DiniEngine e = dini->engine;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniSetTranspose()"));
  PetscCall(DiniCheckEnum_Private(dini, (int)transpose, DiniTransposes, "way to transpose"));
  if (transpose != e->transpose) { /* the adjoint KSP is made for one method */
    PetscCall(DiniEngineForget_Private(dini, DINI_ADJOINT));
    PetscCall(DiniEngineDestroyKSP_Private(&e->ksp[DINI_ADJOINT]));
    PetscCall(DiniEngineDestroyKSP_Private(&e->gmres[DINI_ADJOINT]));
    e->ready[DINI_ADJOINT] = e->decided = PETSC_FALSE;
    e->start[DINI_ADJOINT]              = DINI_RUNG_NONE;
  }
  e->transpose = transpose;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Who asks for the solver wants to see it at work, perhaps changed */
static PetscErrorCode DiniGetLinearSolver(Dini dini, DiniDirection direction, KSP *ksp)
{
  PetscFunctionBegin;
  PetscCall(DiniEngineForget_Private(dini, direction));
  PetscCall(DiniLinearize_Private(dini));
  PetscCall(DiniEnginePrepare_Private(dini, direction));
  *ksp = dini->engine->ksp[direction];
  PetscCall(DiniEngineSetApply_Private(*ksp, DiniEngineApplies_Private(dini->engine, direction)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives the KSP of the tangent solves, prepared for the present point, to look at or to tune.

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
  dini->engine->reuse = reuse;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Tells when the preconditioner that the forward solve has left behind is set up again, see DiniSetReuse().

  Not Collective.

  @param[in]  dini  the Dini
  @param[out] reuse the policy
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniGetReuse(Dini dini, DiniReuse *reuse)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  *reuse = dini->engine->reuse;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Bounds the size of problem whose Jacobian may be factorised as a last resort.

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
  PetscCheck(max >= 0, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_OUTOFRANGE,
             "The most unknowns to factorise J for are %" PetscInt_FMT "; they can not be negative", max);
  dini->engine->directmax = max;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Bounds how many right-hand sides are solved together.

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
  PetscCheck(size > 0, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_OUTOFRANGE,
             "Blocks of %" PetscInt_FMT " right-hand sides can not be; the size must be positive", size);
  dini->engine->blocksize = size;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEngineGetDirectMax_Private(Dini dini, PetscInt *max)
{
  PetscFunctionBegin;
  *max = dini->engine->directmax;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEngineGetBlockSize_Private(Dini dini, PetscInt *size)
{
  PetscFunctionBegin;
  *size = dini->engine->blocksize;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEngineView_Private(Dini dini, PetscViewer viewer)
{
  static const char *const transposed[] = {"not probed", "not used", "inexact", "exact"};
  DiniEngine               e            = dini->engine;
  PCType                   type         = NULL;

  PetscFunctionBegin;
  if (e->pc) {
    PetscCall(PCGetType(e->pc, &type));
    PetscCall(PetscViewerASCIIPrintf(viewer, "preconditioner: %s, %s, reuse %s\n", type ? type : "not set up",
                                     e->ownpc ? "Dini's own" : "the forward solver's", DiniReuses[e->reuse]));
  }
  PetscCall(PetscViewerASCIIPrintf(viewer, "accepted true relative residuals: tangent %g, adjoint %g\n",
                                   (double)e->asked[DINI_TANGENT], (double)e->asked[DINI_ADJOINT]));
  if (e->decided && e->symmetric)
    PetscCall(
        PetscViewerASCIIPrintf(viewer, "transpose: %s, nothing needs transposing\n", DiniTransposes[e->transpose]));
  else
    PetscCall(PetscViewerASCIIPrintf(viewer, "transpose: %s, transposed apply of the preconditioner %s\n",
                                     DiniTransposes[e->transpose], transposed[e->transposed]));
  for (int d = 0; d < 2; d++) {
    KSPType ksptype;

    if (!e->ksp[d]) continue;
    PetscCall(KSPGetType(e->ksp[d], &ksptype));
    PetscCall(PetscViewerASCIIPrintf(viewer, "%s solver: %s, next solve begins on rung %s\n",
                                     DiniOperations[DINI_OPERATION_TANGENT + d], ksptype,
                                     DiniRungs[e->start[d] ? e->start[d] : DINI_RUNG_KEPT]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
