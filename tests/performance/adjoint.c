/* The adjoint as it is written by hand on PETSc: J(u) lambda' = ubar by KSPSolveTranspose(), g = -F_m^H lambda. */
#include "benchmark.h"

/* BoomerAMG's transposed apply returns zero before PETSc 3.23.5. */
static PetscErrorCode TransposeIsBroken(PC pc, PetscBool *broken)
{
  PetscFunctionBeginUser;
  *broken = PETSC_FALSE;
#if PETSC_VERSION_LT(3, 23, 5)
  PetscCall(PetscObjectTypeCompare((PetscObject)pc, PCHYPRE, broken));
#else
  (void)pc;
#endif
  PetscCall(PetscOptionsGetBool(NULL, NULL, "-expert_explicit", broken, NULL));
  PetscFunctionReturn(0);
}

/* GMRES with right preconditioning tests the true residual. */
PetscErrorCode AdjointCreate(Problem *problem, Adjoint *adjoint)
{
  KSP    forward;
  PC     pc, own;
  PCType type;

  PetscFunctionBeginUser;
  adjoint->problem = problem;
  PetscCall(SNESGetKSP(problem->snes, &forward));
  PetscCall(KSPGetPC(forward, &pc));
  PetscCall(TransposeIsBroken(pc, &adjoint->explicitly));
  PetscCall(KSPCreate(PetscObjectComm((PetscObject)problem->snes), &adjoint->ksp));
  PetscCall(KSPSetType(adjoint->ksp, KSPGMRES));
  PetscCall(KSPGMRESSetRestart(adjoint->ksp, 100));
  PetscCall(KSPSetPCSide(adjoint->ksp, PC_RIGHT));
  PetscCall(KSPSetNormType(adjoint->ksp, KSP_NORM_UNPRECONDITIONED));
  PetscCall(KSPSetTolerances(adjoint->ksp, 1e-10, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(KSPSetErrorIfNotConverged(adjoint->ksp, PETSC_TRUE));
  if (adjoint->explicitly) {
    PetscCall(PCGetType(pc, &type));
    PetscCall(KSPGetPC(adjoint->ksp, &own));
    PetscCall(PCSetType(own, type));
    PetscCall(PCSetFromOptions(own));
  } else PetscCall(KSPSetPC(adjoint->ksp, pc));
  PetscCall(VecDuplicate(problem->u, &adjoint->rhs));
  PetscCall(VecDuplicate(problem->u, &adjoint->lambda));
  PetscFunctionReturn(0);
}

PetscErrorCode AdjointDestroy(Adjoint *adjoint)
{
  PetscFunctionBeginUser;
  PetscCall(KSPDestroy(&adjoint->ksp));
  PetscCall(MatDestroy(&adjoint->JT));
  PetscCall(VecDestroy(&adjoint->rhs));
  PetscCall(VecDestroy(&adjoint->lambda));
  PetscFunctionReturn(0);
}

PetscErrorCode AdjointGradient(Adjoint *adjoint, PetscBool keep, PetscBool again, Vec ubar, Vec g)
{
  Problem *problem = adjoint->problem;
  KSP      ksp     = adjoint->ksp;
  Mat      J       = problem->J;

  PetscFunctionBeginUser;
  if (!again) PetscCall(ProblemJacobian(problem->snes, problem->u, J, J, problem));
  PetscCall(VecCopy(ubar, adjoint->rhs));
  PetscCall(VecConjugate(adjoint->rhs));
  if (adjoint->explicitly) {
    if (!again) PetscCall(MatTranspose(J, adjoint->JT ? MAT_REUSE_MATRIX : MAT_INITIAL_MATRIX, &adjoint->JT));
    PetscCall(KSPSetOperators(ksp, adjoint->JT, adjoint->JT));
    PetscCall(KSPSolve(ksp, adjoint->rhs, adjoint->lambda));
  } else {
    PetscCall(KSPSetOperators(ksp, J, J));
    PetscCall(KSPSetReusePreconditioner(ksp, keep));
    PetscCall(KSPSolveTranspose(ksp, adjoint->rhs, adjoint->lambda));
    PetscCall(KSPSetReusePreconditioner(ksp, PETSC_FALSE)); /* the next Newton step sets it up as ever */
  }
  PetscCall(KSPGetIterationNumber(ksp, &adjoint->iterations));
  PetscCall(VecConjugate(adjoint->lambda));
  PetscCall(MatMultHermitianTranspose(problem->Fm, adjoint->lambda, g));
  PetscCall(VecScale(g, -1.0));
  PetscFunctionReturn(0);
}
