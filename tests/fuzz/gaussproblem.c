/* The application of mode "posterior": relation, objective, matrices */
#include "gauss.h"

static PetscScalar EntryA(PetscInt i, PetscInt j, const void *ctx)
{
  return ((const Gauss *)ctx)->A[i][j];
}

static PetscScalar EntryFm(PetscInt i, PetscInt j, const void *ctx)
{
  return -((const Gauss *)ctx)->B[i][j];
}

static PetscScalar EntryR(PetscInt i, PetscInt j, const void *ctx)
{
  return ((const Gauss *)ctx)->R[i][j];
}

static PetscScalar EntryS(PetscInt i, PetscInt j, const void *ctx)
{
  return ((const Gauss *)ctx)->S[i][j];
}

static PetscErrorCode FuzzGaussResidual(SNES snes, Vec u, Vec F, void *ctx)
{
  const Gauss *g = (const Gauss *)ctx;
  PetscScalar  all[GAUSS_U], m[GAUSS_N], rows[GAUSS_U];

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(AppGather(g->app, u, all));
  PetscCall(AppGather(g->app, g->m, m));
  for (PetscInt i = 0; i < g->U; i++) {
    rows[i] = -g->c[i];
    for (PetscInt j = 0; j < g->U; j++) rows[i] += g->A[i][j] * all[j];
    for (PetscInt k = 0; k < g->N; k++) rows[i] -= g->B[i][k] * m[k];
  }
  PetscCall(ModeWrite(g->app, rows, F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FuzzGaussJacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  PetscFunctionBeginUser;
  (void)snes, (void)u, (void)J, (void)ctx;
  PetscCall(MatAssemblyBegin(P, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(P, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FuzzGaussFill(Dini dini, Vec u, Vec m, Mat Fm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini, (void)u, (void)m, (void)ctx; /* it is constant */
  PetscCall(MatAssemblyBegin(Fm, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(Fm, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscReal GaussPrior(const Gauss *g, const PetscScalar m[], PetscScalar r[])
{
  PetscReal value = 0.0;

  for (PetscInt i = 0; i < g->N; i++) {
    r[i] = 0.0;
    for (PetscInt j = 0; j < g->N; j++) r[i] += g->R[i][j] * (m[j] - g->m0[j]);
    value += PetscRealPart(PetscConj(m[i] - g->m0[i]) * r[i]);
  }
  return value;
}

static PetscErrorCode FuzzGaussValue(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  const Gauss *g = (const Gauss *)ctx;
  PetscScalar  all[GAUSS_U], m[GAUSS_N], r[GAUSS_N];

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(AppGather(g->app, u, all));
  PetscCall(AppGather(g->app, g->m, m));
  *value = g->inside ? GaussPrior(g, m, r) : 0.0;
  for (PetscInt i = 0; i < g->U; i++) *value += g->w[i] * PetscSqr(PetscAbsScalar(all[i] - g->d[i]));
  *value /= 2.0 * g->s;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FuzzGaussGradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  const Gauss *g = (const Gauss *)ctx;
  PetscScalar  all[GAUSS_U], m[GAUSS_N], r[GAUSS_N];
  Vec          part;

  PetscFunctionBeginUser;
  PetscCall(AppGather(g->app, u, all));
  PetscCall(AppGather(g->app, g->m, m));
  for (PetscInt i = 0; i < g->U; i++) all[i] = g->w[i] * (all[i] - g->d[i]) / g->s;
  PetscCall(ModeWrite(g->app, all, dJdu));
  if (!g->inside) PetscFunctionReturn(PETSC_SUCCESS);
  (void)GaussPrior(g, m, r);
  for (PetscInt k = 0; k < g->N; k++) r[k] /= g->s;
  PetscCall(DiniGetParameterSubVec(dini, dJdm, 0, &part));
  PetscCall(ModeWrite(g->app, r, part));
  PetscCall(DiniRestoreParameterSubVec(dini, dJdm, 0, &part));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FuzzGaussCreate(Gauss *g)
{
  App            *app    = g->app;
  const PetscBool dense  = RandomChance(&app->random, 0.5),
                  newton = PetscDefined(USE_COMPLEX) || RandomChance(&app->random, 0.5);
  PetscScalar m[GAUSS_N];
  KSP         ksp;
  PC          pc;

  PetscFunctionBeginUser;
  PetscCall(ModeVec(app, g->N, &g->m));
  PetscCall(ModeVec(app, g->U, &g->u));
  PetscCall(VecDuplicate(g->u, &g->F));
  PetscCall(ModeMatrix(app, g->u, g->u, PETSC_FALSE, EntryA, g, &g->matA));
  PetscCall(ModeMatrix(app, g->u, g->m, dense, EntryFm, g, &g->Fm));
  PetscCall(ModeMatrix(app, g->m, g->m, dense, EntryR, g, &g->matR));
  PetscCall(ModeMatrix(app, g->m, g->m, PETSC_TRUE, EntryS, g, &g->matS));
  for (PetscInt k = 0; k < g->N; k++) m[k] = RandomScalar(&app->random, PETSC_TRUE);
  PetscCall(ModeWrite(app, m, g->m));
  PetscCall(SNESCreate(app->comm, &g->snes));
  PetscCall(SNESSetFunction(g->snes, g->F, FuzzGaussResidual, g));
  PetscCall(SNESSetJacobian(g->snes, g->matA, g->matA, FuzzGaussJacobian, g));
  PetscCall(SNESSetTolerances(g->snes, 1e-13, 1e-10, 1e-13, 50, 10000));
  PetscCall(SNESGetKSP(g->snes, &ksp));
  PetscCall(KSPSetTolerances(ksp, 1e-12, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, app->size > 1 ? PCREDUNDANT : PCLU));
  PetscCall(DiniCreate(app->comm, &g->dini));
  PetscCall(DiniSetSNES(g->dini, g->snes));
  PetscCall(DiniAddParameter(g->dini, "m", g->m, NULL));
  PetscCall(DiniSetParameterJacobian(g->dini, 0, g->Fm, FuzzGaussFill, g));
  PetscCall(DiniSetState(g->dini, g->u));
  PetscCall(DiniSetObjective(g->dini, FuzzGaussValue, FuzzGaussGradient, g));
  if (newton) PetscCall(DiniSetHessianType(g->dini, DINI_HESSIAN_GAUSS_NEWTON));
  PetscCall(DiniSetFromOptions(g->dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GaussDestroy(Gauss *g)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&g->dini));
  PetscCall(SNESDestroy(&g->snes));
  PetscCall(MatDestroy(&g->matA));
  PetscCall(MatDestroy(&g->matR));
  PetscCall(MatDestroy(&g->matS));
  PetscCall(MatDestroy(&g->Fm));
  PetscCall(VecDestroy(&g->m));
  PetscCall(VecDestroy(&g->u));
  PetscCall(VecDestroy(&g->F));
  PetscFunctionReturn(PETSC_SUCCESS);
}
