#include "failing.h"

const char *const CallWords[CALL_MAX] = {"esidual callback",
                                         "Jacobian",
                                         "update callback of parameter \"m\"",
                                         "parameter \"m\"",
                                         "apply callback of parameter \"m\"",
                                         "adjoint apply callback of parameter \"m\"",
                                         "solve callback",
                                         "tangent solve",
                                         "adjoint solve",
                                         "bjective",
                                         "objective gradient callback",
                                         "objective gradient callback",
                                         "assembly callback",
                                         "assembly callback"};

static Fault Strikes(Failing *k, Call call)
{
  if (k->call != call) return FAULT_NONE;
  k->count++;
  return k->at == ALWAYS || k->at == k->count ? k->fault : FAULT_NONE;
}

static PetscErrorCode Residual(Dini dini, Vec u, Vec F, void *ctx)
{
  Failing *k = (Failing *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(LinearAssemble(&k->l, k->l.B, k->l.c));
  PetscCall(MatMult(k->l.B, u, F));
  PetscCall(VecAXPY(F, -1.0, k->l.c));
  PetscCall(FaultInject(Strikes(k, CALL_RESIDUAL), F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(Dini dini, Vec u, Mat J, Mat P, void *ctx)
{
  Failing *k = (Failing *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  (void)u;
  (void)P;
  PetscCall(LinearAssemble(&k->l, J, k->l.c));
  PetscCall(FaultInjectMat(Strikes(k, CALL_JACOBIAN), J));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Update(Dini dini, Vec m, void *ctx)
{
  Failing *k = (Failing *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecCopy(m, k->w));
  PetscCall(FaultInject(Strikes(k, CALL_UPDATE), k->w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Fill(Dini dini, Vec u, Vec m, Mat Fm, void *ctx)
{
  Failing *k = (Failing *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(LinearFill(&k->l, u, m, Fm));
  PetscCall(FaultInjectMat(Strikes(k, CALL_FILL), Fm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Apply(Dini dini, Vec u, Vec m, Vec x, Vec y, void *ctx)
{
  Failing *k = (Failing *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(LinearFill(&k->l, u, m, k->Fm));
  PetscCall(MatMult(k->Fm, x, y));
  PetscCall(FaultInject(Strikes(k, CALL_APPLY), y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ApplyAdjoint(Dini dini, Vec u, Vec m, Vec x, Vec y, void *ctx)
{
  Failing *k = (Failing *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(LinearFill(&k->l, u, m, k->Fm));
  PetscCall(MatMultHermitianTranspose(k->Fm, x, y));
  PetscCall(FaultInject(Strikes(k, CALL_APPLY_ADJOINT), y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode LinearSolve(Failing *k, Call call, Vec r, Vec x)
{
  PetscFunctionBeginUser;
  PetscCall(LinearAssemble(&k->l, k->l.B, k->l.c));
  PetscCall(KSPSetOperators(k->ksp, k->l.B, k->l.B));
  PetscCall(VecCopy(r ? r : k->l.c, k->w));
  if (call == CALL_ADJOINT) { /* J^H x = r is J^T conj(x) = conj(r) */
    PetscCall(VecConjugate(k->w));
    PetscCall(KSPSolveTranspose(k->ksp, k->w, x));
    PetscCall(VecConjugate(x));
  } else PetscCall(KSPSolve(k->ksp, k->w, x));
  PetscCall(FaultInject(Strikes(k, call), x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Solve(Dini dini, Vec u, void *ctx)
{
  (void)dini;
  return LinearSolve((Failing *)ctx, CALL_SOLVE, NULL, u);
}

static PetscErrorCode Tangent(Dini dini, Vec r, Vec x, void *ctx)
{
  (void)dini;
  return LinearSolve((Failing *)ctx, CALL_TANGENT, r, x);
}

static PetscErrorCode Adjoint(Dini dini, Vec g, Vec lambda, void *ctx)
{
  (void)dini;
  return LinearSolve((Failing *)ctx, CALL_ADJOINT, g, lambda);
}

/* 1/2 |u|^2 + 1/2 |m|^2 */
static PetscErrorCode Objective(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  Failing    *k     = (Failing *)ctx;
  const Fault fault = Strikes(k, CALL_OBJECTIVE);
  PetscReal   unorm, mnorm;
  PetscMPIInt rank, size;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(VecNorm(u, NORM_2, &unorm));
  PetscCall(VecNorm(k->l.m, NORM_2, &mnorm));
  *value = 0.5 * (unorm * unorm + mnorm * mnorm);
  if (fault == FAULT_RANKS) *value += (PetscReal)rank;
  if (fault == FAULT_NAN && rank == size - 1) *value = NAN;
  else PetscCall(FaultInject(fault == FAULT_ERROR || fault == FAULT_ERROR_ONE ? fault : FAULT_NONE, k->w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  Failing *k = (Failing *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecCopy(u, dJdu));
  PetscCall(VecCopy(k->l.m, dJdm));
  PetscCall(FaultInject(Strikes(k, CALL_GRADIENT_U), dJdu));
  PetscCall(FaultInject(Strikes(k, CALL_GRADIENT_M), dJdm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode System(Dini dini, Mat A, Mat P, Vec b, void *ctx)
{
  Failing *k = (Failing *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  (void)P;
  PetscCall(LinearAssemble(&k->l, A, b));
  PetscCall(FaultInject(Strikes(k, CALL_VECTOR), b));
  PetscCall(FaultInjectMat(Strikes(k, CALL_MATRIX), A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FailingCreate(DiniType type, Call call, Fault fault, Failing *k)
{
  const PetscBool products = (PetscBool)(call == CALL_APPLY || call == CALL_APPLY_ADJOINT);
  Dini            dini;
  PetscBool       shell, ksp;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(k, sizeof(*k)));
  k->call  = call;
  k->fault = fault;
  PetscCall(PetscStrcmp(type, DINISHELL, &shell));
  PetscCall(PetscStrcmp(type, DINIKSP, &ksp));
  PetscCall(LinearCreate(5, &k->l));
  PetscCall(MatDuplicate(k->l.A, MAT_COPY_VALUES, &k->J));
  PetscCall(MatDuplicate(k->l.Fm, MAT_COPY_VALUES, &k->Fm));
  PetscCall(LinearDini(&k->l, type, DINIPARAMETERMATRIX));
  dini = k->l.dini;
  PetscCall(PetscObjectSetName((PetscObject)dini, "errors"));
  if (ksp) PetscCall(DiniSetLinearSystem(dini, k->l.b, System, k));
  if (shell || call == CALL_RESIDUAL) PetscCall(DiniSetResidual(dini, Residual, k));
  if (shell || call == CALL_JACOBIAN) PetscCall(DiniSetJacobian(dini, k->J, k->J, Jacobian, k));
  if (shell || call == CALL_SOLVE) PetscCall(DiniSetSolve(dini, Solve, k));
  if (call == CALL_TANGENT) PetscCall(DiniSetTangentSolve(dini, Tangent, k));
  if (call == CALL_ADJOINT) PetscCall(DiniSetAdjointSolve(dini, Adjoint, k));
  PetscCall(DiniSetParameterUpdate(dini, 0, Update, k));
  PetscCall(DiniSetParameterJacobian(dini, 0, k->l.Fm, Fill, k));
  PetscCall(DiniSetParameterOperator(dini, 0, Apply, ApplyAdjoint, k));
  PetscCall(DiniSetParameterType(dini, 0, products ? DINIPARAMETEROPERATOR : DINIPARAMETERMATRIX));
  PetscCall(DiniSetState(dini, k->l.u));
  PetscCall(DiniSetObjective(dini, Objective, Gradient, k));
  PetscCall(VecDuplicate(k->l.m, &k->m));
  PetscCall(VecCopy(k->l.m, k->m));
  PetscCall(DiniTestVec(k->l.m, 21, &k->dm));
  PetscCall(DiniTestVec(k->l.u, 22, &k->ubar));
  PetscCall(VecDuplicate(k->l.m, &k->w));
  PetscCall(VecDuplicate(k->l.u, &k->du));
  PetscCall(VecDuplicate(k->l.m, &k->mbar));
  PetscCall(VecDuplicate(k->l.m, &k->g));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &k->ksp));
  PetscCall(KSPSetOptionsPrefix(k->ksp, "errors_"));
  PetscCall(KSPSetTolerances(k->ksp, 1e-13, 1e-50, PETSC_DEFAULT, 100));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FailingDestroy(Failing *k)
{
  PetscFunctionBeginUser;
  PetscCall(VecDestroy(&k->m));
  PetscCall(VecDestroy(&k->dm));
  PetscCall(VecDestroy(&k->ubar));
  PetscCall(VecDestroy(&k->du));
  PetscCall(VecDestroy(&k->mbar));
  PetscCall(VecDestroy(&k->g));
  PetscCall(VecDestroy(&k->w));
  PetscCall(VecDestroy(&k->du0));
  PetscCall(VecDestroy(&k->mbar0));
  PetscCall(VecDestroy(&k->g0));
  PetscCall(KSPDestroy(&k->ksp));
  PetscCall(MatDestroy(&k->J));
  PetscCall(MatDestroy(&k->Fm));
  PetscCall(LinearDestroy(&k->l));
  PetscFunctionReturn(PETSC_SUCCESS);
}
