/* The engine's life: what it is told, what it builds and drops, how it prints itself. */
#include "../private/diniengineimpl.h"

PetscErrorCode DiniEngineCreate_Private(Dini dini)
{
  PetscFunctionBegin;
  PetscCall(PetscNew(&dini->engine));
  dini->engine->rtol[DINI_TANGENT] = 1e-10;
  dini->engine->rtol[DINI_ADJOINT] = 1e-10;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEngineReset_Private(Dini dini)
{
  DiniEngine e = dini->engine;

  PetscFunctionBegin;
  for (int d = 0; d < 2; d++) {
    PetscCall(KSPDestroy(&e->ksp[d]));
    e->ready[d] = PETSC_FALSE;
  }
  PetscCall(PCDestroy(&e->pc));
  PetscCall(MatDestroy(&e->J));
  PetscCall(MatDestroy(&e->P));
  PetscCall(MatDestroy(&e->JH));
  PetscCall(MatDestroy(&e->PH));
  PetscCall(VecDestroy(&e->b));
  PetscCall(VecDestroy(&e->e));
  PetscCall(VecDestroy(&e->c));
  e->method = DINI_METHOD_UNDECIDED;
  e->ownpc = e->fresh = e->probed = e->transposes = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEngineDestroy_Private(Dini dini)
{
  PetscFunctionBegin;
  PetscCall(DiniEngineReset_Private(dini));
  PetscCall(PetscFree(dini->engine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Takes note of J and P at a new point; everything else waits for the first solve. */
PetscErrorCode DiniEngineLinearize_Private(Dini dini, Mat J, Mat P)
{
  DiniEngine   e = dini->engine;
  MatNullSpace nullspace;

  PetscFunctionBegin;
  if (!e->b) {
    PetscCall(VecDuplicate(dini->u, &e->b));
    PetscCall(VecDuplicate(dini->u, &e->e));
    if (PetscDefined(USE_COMPLEX)) PetscCall(VecDuplicate(dini->u, &e->c));
  }
  e->ready[DINI_TANGENT] = e->ready[DINI_ADJOINT] = e->fresh = PETSC_FALSE;
  if (!J) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatGetNullSpace(J, &nullspace));
  PetscCheck(
      !nullspace, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
      "The Jacobian carries a null space, so u is determined only up to it and its derivative is not defined as it "
      "stands; pin the free constant in F, or give the solves that fix it with DiniSetTangentSolve() and "
      "DiniSetAdjointSolve()");
  if (J != e->J || P != e->P) {
    PetscCall(MatDestroy(&e->JH));
    PetscCall(MatDestroy(&e->PH));
    e->method = DINI_METHOD_UNDECIDED;
  }
  PetscCall(PetscObjectReference((PetscObject)J));
  PetscCall(PetscObjectReference((PetscObject)P));
  PetscCall(MatDestroy(&e->J));
  PetscCall(MatDestroy(&e->P));
  e->J = J;
  e->P = P;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEngineGetJacobian_Private(Dini dini, Mat *J, Mat *P)
{
  PetscFunctionBegin;
  *J = dini->engine->J;
  *P = dini->engine->P;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEngineSetFromOptions_Private(Dini dini, DiniOptionItems PetscOptionsObject)
{
  DiniEngine    e         = dini->engine;
  DiniTranspose transpose = e->transpose;
  PetscReal     tangent = e->rtol[DINI_TANGENT], adjoint = e->rtol[DINI_ADJOINT];
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
  const PetscReal rtol[2] = {tangent_rtol == PETSC_DEFAULT ? e->rtol[0] : tangent_rtol,
                             adjoint_rtol == PETSC_DEFAULT ? e->rtol[1] : adjoint_rtol};

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  for (int d = 0; d < 2; d++) {
    PetscCheck(rtol[d] > 0.0 && rtol[d] < 1.0, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_OUTOFRANGE,
               "The accepted true relative residual of %s solves is %g; it must lie between 0 and 1",
               DiniOperations[DINI_OPERATION_TANGENT + d], (double)rtol[d]);
    if (e->ksp[d] && rtol[d] != e->rtol[d])
      PetscCall(KSPSetTolerances(e->ksp[d], 0.5 * rtol[d], PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
    e->rtol[d] = rtol[d];
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
  if (tangent_rtol) *tangent_rtol = dini->engine->rtol[DINI_TANGENT];
  if (adjoint_rtol) *adjoint_rtol = dini->engine->rtol[DINI_ADJOINT];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Chooses how adjoint solves apply J^H and a preconditioner for it.

  Logically Collective. Whatever is chosen, the true residual of each adjoint solve is measured with J itself.

  @param[in] dini      the Dini
  @param[in] transpose DINI_TRANSPOSE_AUTO (default): symmetric where the matrix says it is Hermitian, else native where the
                       forward preconditioner has a transpose that passes a probe, else explicit; or one of
                       DINI_TRANSPOSE_NATIVE, DINI_TRANSPOSE_EXPLICIT, DINI_TRANSPOSE_SYMMETRIC
  @return 0 or a PETSc error code

  Options: `-dini_transpose <auto|native|explicit|symmetric>`. `-dini_adjoint_pc_type` chooses the preconditioner of the
  explicit transpose, and implies it.
*/
PetscErrorCode DiniSetTranspose(Dini dini, DiniTranspose transpose)
{
  DiniEngine e = dini->engine;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  if (transpose != e->transpose) { /* the adjoint KSP is made for one method */
    PetscCall(KSPDestroy(&e->ksp[DINI_ADJOINT]));
    e->ready[DINI_ADJOINT] = PETSC_FALSE;
    e->method              = DINI_METHOD_UNDECIDED;
  }
  e->transpose = transpose;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniGetLinearSolver(Dini dini, DiniDirection direction, KSP *ksp)
{
  PetscFunctionBegin;
  PetscCall(DiniLinearize_Private(dini));
  PetscCall(DiniEnginePrepare_Private(dini, direction));
  *ksp = dini->engine->ksp[direction];
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
  PetscCall(DiniGetLinearSolver(dini, DINI_TANGENT, ksp));
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
  PetscCall(DiniGetLinearSolver(dini, DINI_ADJOINT, ksp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEngineView_Private(Dini dini, PetscViewer viewer)
{
  static const char *const methods[] = {"not decided yet", "symmetric, nothing is transposed",
                                        "native, transposed apply of the forward preconditioner",
                                        "explicit transpose with its own preconditioner"};
  DiniEngine               e         = dini->engine;
  PCType                   type      = NULL;

  PetscFunctionBegin;
  if (e->pc) PetscCall(PCGetType(e->pc, &type));
  if (e->pc)
    PetscCall(PetscViewerASCIIPrintf(viewer, "preconditioner: %s, %s\n", type ? type : "not set up",
                                     e->ownpc ? "Dini's own" : "the forward solver's, kept"));
  PetscCall(PetscViewerASCIIPrintf(viewer, "accepted true relative residuals: tangent %g, adjoint %g\n",
                                   (double)e->rtol[DINI_TANGENT], (double)e->rtol[DINI_ADJOINT]));
  PetscCall(PetscViewerASCIIPrintf(viewer, "transpose: %s (%s)\n", DiniTransposes[e->transpose], methods[e->method]));
  for (int d = 0; d < 2; d++) {
    KSPType ksptype;

    if (!e->ksp[d]) continue;
    PetscCall(KSPGetType(e->ksp[d], &ksptype));
    PetscCall(PetscViewerASCIIPrintf(viewer, "%s solver: %s\n", DiniOperations[DINI_OPERATION_TANGENT + d], ksptype));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
