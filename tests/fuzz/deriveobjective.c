/* Objectives, their gradients and Hessian products */
#include "derive.h"

/* The point after a call that has solved at new parameters */
static PetscErrorCode Moved(App *app, Handle *handle)
{
  PetscScalar v[FUZZ_N] = {0.0}, q[FUZZ_M] = {0.0};

  PetscFunctionBeginUser;
  PetscCall(AppState(app, handle->u, v));
  PetscCall(ParametersGather(app, q));
  (void)OracleAt(&app->R, app->context, v, q, &handle->at);
  handle->unknown        = PETSC_FALSE;
  handle->linearizations = -1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Objectives solve: in PETSc's own solvers an error on one rank hangs, and any error spoils PETSc's colourings */
static void NoFaultsInPETSc(App *app)
{
  if (app->R.type != TYPE_SNES) return;
  if (app->fault.kind == FAULT_ERROR_ONE) app->fault.kind = FAULT_ERROR_ALL;
  if (app->fault.kind == FAULT_ERROR_ALL && app->jacobian > JACOBIAN_APPROXIMATE) app->fault.kind = FAULT_OFF;
}

static void NewParameters(App *app, PetscScalar q[])
{
  const PetscBool same = RandomChance(&app->random, 0.4);

  if (same) return;
  for (PetscInt k = 0; k < app->R.M; k++)
    if (app->R.shape[RelationBlock(&app->R, k)] != SHAPE_RHS) q[k] = RelationParameter(&app->R, k, &app->random);
}

static void Values(App *app, PetscInt which, PetscReal value, const PetscScalar got[])
{
  PetscScalar right[FUZZ_M];
  PetscReal   size[FUZZ_M], exact;
  Handle     *handle = app->current;

  exact = OracleObjective(&app->R, which, &handle->at, right, size);
  FuzzCompare(app, "an objective", PetscAbsReal(value - exact) / (PetscAbsReal(exact) + 1e-300), 1e-8);
  if (got) DeriveCompareParameters(app, "the gradient of an objective", got, right, size, app->demands.tolerance);
}

PetscErrorCode DeriveObjective(App *app, Handle *handle)
{
  PetscScalar q[FUZZ_M] = {0.0}, got[FUZZ_M];
  PetscReal   value;
  PetscBool   yes;
  Vec         m, g;

  PetscFunctionBeginUser;
  PetscCall(ParametersGather(app, q));
  NewParameters(app, q);
  PetscCall(DeriveFlat(app, handle, q, PETSC_FALSE, &m));
  if (!m) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecDuplicate(m, &g));
  handle->unknown = PETSC_TRUE;
  NoFaultsInPETSc(app);
  FuzzBegin(app, "DiniComputeObjectiveAndGradient");
  PetscCall(DeriveAnswered(app, handle, "DiniComputeObjectiveAndGradient",
                           DiniComputeObjectiveAndGradient(handle->dini, m, &value, g), &yes));
  if (yes && !PetscIsInfOrNanReal(value)) {
    PetscCall(Moved(app, handle));
    PetscCall(ParametersReadFlat(app, g, PETSC_TRUE, got));
    app->current = handle;
    Values(app, 0, value, got);
  }
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&g));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DeriveObjectives(App *app, Handle *handle)
{
  PetscScalar q[FUZZ_M] = {0.0}, got[FUZZ_M];
  PetscReal   values[2];
  PetscBool   yes;
  Vec         m, column;
  Mat         G;

  PetscFunctionBeginUser;
  PetscCall(ParametersGather(app, q));
  NewParameters(app, q);
  PetscCall(DeriveFlat(app, handle, q, PETSC_FALSE, &m));
  if (!m) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatCreateDense(app->comm, app->nflat, PETSC_DECIDE, app->R.M, 2, NULL, &G));
  PetscCall(MatAssemblyBegin(G, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(G, MAT_FINAL_ASSEMBLY));
  handle->unknown = PETSC_TRUE;
  NoFaultsInPETSc(app);
  FuzzBegin(app, "DiniComputeObjectives");
  PetscCall(
      DeriveAnswered(app, handle, "DiniComputeObjectives", DiniComputeObjectives(handle->dini, m, values, G), &yes));
  if (yes) PetscCall(Moved(app, handle));
  app->current = handle;
  for (PetscInt which = 1; which < 3 && yes; which++) {
    PetscCall(MatDenseGetColumnVecRead(G, which - 1, &column));
    PetscCall(ParametersReadFlat(app, column, PETSC_TRUE, got));
    PetscCall(MatDenseRestoreColumnVecRead(G, which - 1, &column));
    Values(app, which, values[which - 1], got);
  }
  PetscCall(VecDestroy(&m));
  PetscCall(MatDestroy(&G));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Parameters that are zero, in units of which nothing tells: second differences have no length to go by */
static PetscBool NoSize(const App *app, const Handle *handle)
{
  if (!DeriveDifferenced(app)) return PETSC_FALSE;
  for (PetscInt k = 0; k < app->R.M; k++) {
    const PetscReal d = app->R.d[k];

    if (handle->at.q[k] == (PetscScalar)0.0 && (d > FUZZ_WIDE || d < 1.0 / FUZZ_WIDE)) return PETSC_TRUE;
  }
  return PETSC_FALSE;
}

/* By blocks, relative to the terms of first order and to the largest second-order entry of the block */
PetscErrorCode DeriveHessian(App *app, Handle *handle)
{
  const Relation *R          = &app->R;
  PetscScalar     dq[FUZZ_M] = {0.0}, right[FUZZ_M], got[FUZZ_M], zero[FUZZ_M] = {0.0};
  PetscReal       size[FUZZ_M];
  PetscBool       yes;
  Vec             v, Hv;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < R->M; k++) dq[k] = RandomScalar(&app->random, R->imaginary);
  PetscCall(DeriveFlat(app, handle, dq, PETSC_FALSE, &v));
  if (!v) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DeriveFlat(app, handle, zero, PETSC_FALSE, &Hv));
  if (!Hv) PetscFunctionReturn(VecDestroy(&v));
  FuzzBegin(app, "DiniHVP");
  PetscCall(DeriveAnswered(app, handle, "DiniHVP", DiniHVP(handle->dini, v, Hv), &yes));
  if (NoSize(app, handle)) yes = PETSC_FALSE;
  if (yes && OracleHessian(R, &handle->at, dq, right)) {
    PetscCall(ParametersReadFlat(app, Hv, PETSC_TRUE, got));
    for (PetscInt k = 0; k < R->M; k++) {
      size[k] = 0.1 + PetscAbsScalar(right[k]);
      for (PetscInt j = 0; j < R->N; j++)
        for (PetscInt l = 0; l < R->M; l++) size[k] += handle->at.size[j][k] * handle->at.size[j][l];
    }
    DeriveCompareParameters(app, "DiniHVP", got, right, size,
                            (DeriveDifferenced(app) ? 5.0 : 1.0) * app->demands.second);
  }
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&Hv));
  PetscFunctionReturn(PETSC_SUCCESS);
}
