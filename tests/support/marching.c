#include "marching.h"

#define CELLS 3 /* on each rank */

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  Marching          *m = (Marching *)ctx;
  const PetscScalar *a, *b, *o, *f, *du;
  PetscScalar       *r;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(MatMult(m->D, u, m->w));
  PetscCall(VecGetArrayRead(u, &a));
  PetscCall(VecGetArrayRead(m->before, &b));
  PetscCall(VecGetArrayRead(m->older, &o));
  PetscCall(VecGetArrayRead(m->f, &f));
  PetscCall(VecGetArrayRead(m->w, &du));
  PetscCall(VecGetArray(F, &r));
  for (PetscInt i = 0; i < CELLS; i++) {
    r[i] = m->a[0] * a[i] + m->a[1] * b[i] + m->a[2] * o[i] -
           m->h * (-m->p * a[i] - m->q * a[i] * a[i] * a[i] + du[i] + f[i] * PetscCosReal(m->t1) + m->hidden);
    if (m->fails > 0.0 && m->t1 > m->fails) r[i] = (PetscScalar)NAN;
  }
  PetscCall(VecRestoreArray(F, &r));
  PetscCall(VecRestoreArrayRead(m->w, &du));
  PetscCall(VecRestoreArrayRead(m->f, &f));
  PetscCall(VecRestoreArrayRead(m->older, &o));
  PetscCall(VecRestoreArrayRead(m->before, &b));
  PetscCall(VecRestoreArrayRead(u, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  Marching *m = (Marching *)ctx;

  PetscFunctionBeginUser;
  (void)snes, (void)P;
  PetscCall(MatCopy(m->D, J, SAME_NONZERO_PATTERN));
  PetscCall(MatScale(J, -m->h));
  PetscCall(VecPointwiseMult(m->w, u, u));
  PetscCall(VecScale(m->w, 3.0 * m->h * m->q));
  PetscCall(VecShift(m->w, m->a[0] + m->h * m->p));
  PetscCall(MatDiagonalSet(J, m->w, ADD_VALUES));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode MarchingPlace(Marching *m, PetscInt n, PetscReal t, PetscReal dt)
{
  PetscFunctionBeginUser;
  m->h    = dt;
  m->t1   = t + dt;
  m->a[0] = 1.0;
  m->a[1] = -1.0;
  m->a[2] = 0.0;
  if (m->second && n > 0) { /* of unlike steps */
    const PetscReal w = dt / (t - m->times[n - 1]);

    m->a[0] = (1.0 + 2.0 * w) / (1.0 + w);
    m->a[1] = -(1.0 + w);
    m->a[2] = w * w / (1.0 + w);
  }
  m->placed++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Place(Dini chain, PetscInt n, PetscReal t, PetscReal dt, void *ctx)
{
  PetscFunctionBeginUser;
  (void)chain;
  PetscCall(MarchingPlace((Marching *)ctx, n, t, dt));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Solver(Marching *m)
{
  KSP ksp;
  PC  pc;

  PetscFunctionBeginUser;
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &m->snes));
  PetscCall(SNESSetFunction(m->snes, NULL, Residual, m));
  PetscCall(SNESSetJacobian(m->snes, m->J, m->J, Jacobian, m));
  PetscCall(SNESSetTolerances(m->snes, 1e-50, 1e-13, 1e-15, 50, 500));
  PetscCall(SNESGetKSP(m->snes, &ksp));
  PetscCall(KSPSetTolerances(ksp, 1e-12, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCJACOBI));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Step(Marching *m, PetscInt *before, PetscInt *older)
{
  Mat pattern;

  PetscFunctionBeginUser;
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &m->step));
  PetscCall(DiniSetSNES(m->step, m->snes));
  PetscCall(DiniSetOptionsPrefix(m->step, "step_"));
  PetscCall(DiniAddParameter(m->step, "before", m->before, before));
  PetscCall(DiniAddParameter(m->step, "older", m->older, older));
  if (!m->second) PetscCall(DiniSetParameterActive(m->step, *older, PETSC_FALSE));
  PetscCall(DiniAddScalarParameter(m->step, "p", &m->p, NULL));
  PetscCall(DiniAddParameter(m->step, "f", m->f, NULL));
  for (PetscInt k = 0; k < 4; k++)
    if (k != 2) {
      PetscCall(DiniSetParameterType(m->step, k, DINIPARAMETERCOLORING));
      PetscCall(MatDuplicate(m->D, MAT_DO_NOT_COPY_VALUES, &pattern));
      PetscCall(DiniSetParameterJacobian(m->step, k, pattern, NULL, NULL));
      PetscCall(MatDestroy(&pattern));
    }
  PetscCall(DiniSetTolerances(m->step, 1e-13, 1e-13));
  PetscCall(DiniSetFromOptions(m->step));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode MarchingCreate(PetscInt N, PetscBool second, PetscBool initial, Marching *m)
{
  PetscInt lo, hi, cells, before, older;

  PetscFunctionBeginUser;
  *m = (Marching){.N = N, .second = second, .p = 0.7, .q = 0.4};
  for (PetscInt n = 0; n < N; n++) m->times[n + 1] = m->times[n] + 0.1 + 0.03 * (PetscReal)(n % 3);
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, CELLS, CELLS, PETSC_DETERMINE, PETSC_DETERMINE, 3, NULL, 2, NULL, &m->D));
  PetscCall(MatGetOwnershipRange(m->D, &lo, &hi));
  PetscCall(MatGetSize(m->D, &cells, NULL));
  for (PetscInt i = lo; i < hi; i++)
    for (PetscInt j = PetscMax(i - 1, 0); j <= PetscMin(i + 1, cells - 1); j++)
      PetscCall(MatSetValue(m->D, i, j, i == j ? -1.0 : 0.5, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(m->D, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(m->D, MAT_FINAL_ASSEMBLY));
  PetscCall(MatDuplicate(m->D, MAT_COPY_VALUES, &m->J));
  PetscCall(MatCreateVecs(m->D, &m->u, &m->w));
  PetscCall(DiniTestVec(m->u, 3, &m->f));
  PetscCall(DiniTestVec(m->u, 5, &m->u0));
  PetscCall(VecDuplicate(m->u, &m->before));
  PetscCall(VecDuplicate(m->u, &m->older));
  PetscCall(VecSet(m->before, 0.0));
  PetscCall(VecSet(m->older, 0.0));
  PetscCall(Solver(m));
  PetscCall(Step(m, &before, &older));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &m->chain));
  PetscCall(DiniSetChain(m->chain, m->step, before));
  if (second) PetscCall(DiniAddChainHistory(m->chain, older));
  PetscCall(DiniSetChainInitial(m->chain, m->u0));
  PetscCall(DiniSetChainTimes(m->chain, N, m->times));
  PetscCall(DiniSetChainStep(m->chain, Place, m));
  PetscCall(DiniAddScalarParameter(m->chain, "p", &m->p, &m->pp));
  PetscCall(DiniAddParameter(m->chain, "f", m->f, &m->pf));
  if (initial) PetscCall(DiniAddParameter(m->chain, "initial", m->u0, &m->p0));
  PetscCall(DiniSetFromOptions(m->chain));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode MarchingLoop(Marching *m, PetscBool record, Vec u)
{
  PetscFunctionBeginUser;
  PetscCall(VecCopy(m->u0, u));
  PetscCall(VecCopy(m->u0, m->before));
  if (record) PetscCall(DiniChainBegin(m->chain, m->times[0], u));
  for (PetscInt n = 0; n < m->N; n++) {
    PetscCall(VecCopy(m->before, m->older));
    PetscCall(VecCopy(u, m->before));
    PetscCall(MarchingPlace(m, n, m->times[n], m->times[n + 1] - m->times[n]));
    PetscCall(SNESSolve(m->snes, NULL, u));
    if (record) PetscCall(DiniChainRecord(m->chain, m->times[n + 1], u));
  }
  if (record) PetscCall(DiniChainEnd(m->chain));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode MarchingDestroy(Marching *m)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&m->chain));
  PetscCall(DiniDestroy(&m->step));
  PetscCall(SNESDestroy(&m->snes));
  PetscCall(MatDestroy(&m->D));
  PetscCall(MatDestroy(&m->J));
  PetscCall(VecDestroy(&m->f));
  PetscCall(VecDestroy(&m->u0));
  PetscCall(VecDestroy(&m->u));
  PetscCall(VecDestroy(&m->before));
  PetscCall(VecDestroy(&m->older));
  PetscCall(VecDestroy(&m->w));
  PetscFunctionReturn(PETSC_SUCCESS);
}
