#include "pumping.h"

#define CELLS  300
#define BEGINS 1e-6 /* days: the first step */
#define GROWS  1.07

const char *const PumpingNames[PARAMETERS] = {"log_k", "log_Ss", "log_c"};

/* Cell i from ln r = ln radius + i dx on: its area over pi d */
static PetscReal Area(const Aquifer *app, PetscInt i)
{
  const PetscReal inner = app->radius * PetscExpReal(app->dx * (PetscReal)i);

  return inner * inner * (PetscExpReal(2.0 * app->dx) - 1.0);
}

/* S ds/dt + s / c - (2 T / area) (sum of s_j - s over neighbours) / dx - Q / (pi area) at the well */
static PetscErrorCode IFunction(TS ts, PetscReal t, Vec u, Vec udot, Vec F, void *ctx)
{
  const Aquifer    *app = (Aquifer *)ctx;
  const PetscScalar T = PetscExpScalar(app->m[0]) * app->thickness, S = PetscExpScalar(app->m[1]) * app->thickness,
                    c = PetscExpScalar(app->m[2]);
  DMDALocalInfo      info;
  Vec                local;
  const PetscScalar *s, *d;
  PetscScalar       *f;

  PetscFunctionBeginUser;
  (void)ts, (void)t;
  PetscCall(DMDAGetLocalInfo(app->da, &info));
  PetscCall(DMGetLocalVector(app->da, &local));
  PetscCall(DMGlobalToLocal(app->da, u, INSERT_VALUES, local));
  PetscCall(DMDAVecGetArrayRead(app->da, local, &s));
  PetscCall(DMDAVecGetArrayRead(app->da, udot, &d));
  PetscCall(DMDAVecGetArray(app->da, F, &f));
  for (PetscInt i = info.xs; i < info.xs + info.xm; i++) {
    const PetscScalar between = 2.0 * T / (Area(app, i) * app->dx), inner = i > 0 ? s[i - 1] - s[i] : 0.0,
                      outer = i < info.mx - 1 ? s[i + 1] - s[i] : 0.0;

    f[i] = S * d[i] + s[i] / c - between * (inner + outer) - (i ? 0.0 : app->rate / (PETSC_PI * Area(app, 0)));
  }
  PetscCall(DMDAVecRestoreArray(app->da, F, &f));
  PetscCall(DMDAVecRestoreArrayRead(app->da, udot, &d));
  PetscCall(DMDAVecRestoreArrayRead(app->da, local, &s));
  PetscCall(DMRestoreLocalVector(app->da, &local));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode IJacobian(TS ts, PetscReal t, Vec u, Vec udot, PetscReal shift, Mat J, Mat P, void *ctx)
{
  const Aquifer    *app = (Aquifer *)ctx;
  const PetscScalar T = PetscExpScalar(app->m[0]) * app->thickness, S = PetscExpScalar(app->m[1]) * app->thickness,
                    c = PetscExpScalar(app->m[2]);
  DMDALocalInfo info;

  PetscFunctionBeginUser;
  (void)ts, (void)t, (void)u, (void)udot, (void)P;
  PetscCall(DMDAGetLocalInfo(app->da, &info));
  for (PetscInt i = info.xs; i < info.xs + info.xm; i++) {
    const PetscScalar between = 2.0 * T / (Area(app, i) * app->dx);
    const PetscInt    sides   = (i > 0) + (i < info.mx - 1);
    MatStencil        row = {.i = i}, columns[3] = {row, row, row};
    PetscScalar       a[3] = {S * shift + 1.0 / c + between * (PetscReal)sides, -between, -between};
    PetscInt          n    = 1;

    if (i > 0) columns[n++].i = i - 1;
    if (i < info.mx - 1) columns[n++].i = i + 1;
    PetscCall(MatSetValuesStencil(J, 1, &row, n, columns, a, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(J, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* BDF2 in steps that grow, which TSAdapt takes from a list */
static PetscErrorCode Stepper(Aquifer *app, PetscReal end)
{
  TSAdapt adapt;
  SNES    snes;
  KSP     ksp;
  PC      pc;

  PetscFunctionBeginUser;
  app->n = 1 + (PetscInt)PetscCeilReal(PetscLogReal(1.0 + end * (GROWS - 1.0) / BEGINS) / PetscLogReal(GROWS));
  PetscCall(PetscMalloc1(app->n + 1, &app->at));
  for (PetscInt k = 0; k <= app->n; k++)
    app->at[k] = end * (PetscPowReal(GROWS, (PetscReal)k) - 1.0) / (PetscPowReal(GROWS, (PetscReal)app->n) - 1.0);
  PetscCall(TSCreate(PETSC_COMM_WORLD, &app->ts));
  PetscCall(TSSetDM(app->ts, app->da));
  PetscCall(TSSetIFunction(app->ts, NULL, IFunction, app));
  PetscCall(TSSetIJacobian(app->ts, app->J, app->J, IJacobian, app));
  PetscCall(TSSetType(app->ts, TSBDF));
  PetscCall(TSGetAdapt(app->ts, &adapt));
  PetscCall(TSAdaptSetType(adapt, TSADAPTHISTORY));
  PetscCall(TSAdaptHistorySetHistory(adapt, app->n + 1, app->at, PETSC_FALSE));
  PetscCall(TSSetTimeStep(app->ts, app->at[1]));
  PetscCall(TSSetMaxTime(app->ts, end));
  PetscCall(TSSetExactFinalTime(app->ts, TS_EXACTFINALTIME_MATCHSTEP));
  PetscCall(TSGetSNES(app->ts, &snes));
  PetscCall(SNESSetTolerances(snes, 1e-50, 1e-10, 1e-14, 20, 1000));
  PetscCall(SNESGetKSP(snes, &ksp));
  PetscCall(KSPSetTolerances(ksp, 1e-12, 1e-50, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCREDUNDANT));
  PetscCall(TSSetFromOptions(app->ts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode AquiferCreate(const PetscScalar m[], PetscReal end, Aquifer *app)
{
  PetscFunctionBeginUser;
  *app = (Aquifer){.thickness = 37.0, .rate = 761.0, .radius = 0.1, .far = 2e4};
  for (int i = 0; i < PARAMETERS; i++) app->m[i] = m[i];
  PetscCall(DMDACreate1d(PETSC_COMM_WORLD, DM_BOUNDARY_NONE, CELLS, 1, 1, NULL, &app->da));
  PetscCall(DMSetUp(app->da));
  app->dx = PetscLogReal(app->far / app->radius) / CELLS;
  PetscCall(DMCreateGlobalVector(app->da, &app->zero));
  PetscCall(VecDuplicate(app->zero, &app->u));
  PetscCall(DMCreateMatrix(app->da, &app->J));
  PetscCall(Stepper(app, end));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &app->dini));
  PetscCall(DiniSetTS(app->dini, app->ts));
  PetscCall(DiniSetChainInitial(app->dini, app->zero));
  for (int i = 0; i < PARAMETERS; i++) PetscCall(DiniAddScalarParameter(app->dini, PumpingNames[i], &app->m[i], NULL));
  PetscCall(DiniSetFromOptions(app->dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode AquiferDestroy(Aquifer *app)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&app->dini));
  PetscCall(TSDestroy(&app->ts));
  PetscCall(MatDestroy(&app->J));
  PetscCall(VecDestroy(&app->zero));
  PetscCall(VecDestroy(&app->u));
  PetscCall(PetscFree(app->at));
  PetscCall(DMDestroy(&app->da));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode AquiferPiezometer(const Aquifer *app, PetscReal r, Mat *H)
{
  const PetscReal x = PetscLogReal(r / app->radius) / app->dx - 0.5; /* middles of cells are whole */
  const PetscInt  i = (PetscInt)PetscFloorReal(x);
  PetscInt        n, lo, hi;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(app->zero, &n));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, n, 1, CELLS, 2, NULL, 2, NULL, H));
  PetscCall(MatGetOwnershipRange(*H, &lo, &hi));
  if (hi > lo) {
    PetscCall(MatSetValue(*H, 0, i, 1.0 - (x - (PetscReal)i), INSERT_VALUES));
    PetscCall(MatSetValue(*H, 0, i + 1, x - (PetscReal)i, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(*H, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*H, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PumpingEntries(Vec v, PetscReal entries[])
{
  const PetscScalar *a;
  PetscInt           lo, hi;

  PetscFunctionBeginUser;
  for (int i = 0; i < PARAMETERS; i++) entries[i] = 0.0;
  PetscCall(VecGetOwnershipRange(v, &lo, &hi));
  PetscCall(VecGetArrayRead(v, &a));
  for (PetscInt i = lo; i < hi; i++) entries[i] = PetscRealPart(a[i - lo]);
  PetscCall(VecRestoreArrayRead(v, &a));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, entries, PARAMETERS, MPIU_REAL, MPIU_SUM, PETSC_COMM_WORLD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode AquiferForecast(Aquifer *app, PetscReal r, PetscReal *s, PetscReal gradient[])
{
  Mat         H;
  Vec         y, one, ubar, mbar;
  PetscScalar sum;

  PetscFunctionBeginUser;
  PetscCall(AquiferPiezometer(app, r, &H));
  PetscCall(MatCreateVecs(H, NULL, &y));
  PetscCall(VecDuplicate(y, &one));
  PetscCall(VecSet(one, 1.0));
  PetscCall(MatMult(H, app->u, y));
  PetscCall(VecSum(y, &sum));
  *s = PetscRealPart(sum);
  PetscCall(VecDuplicate(app->u, &ubar));
  PetscCall(MatMultTranspose(H, one, ubar));
  PetscCall(DiniCreateParameterVec(app->dini, &mbar));
  PetscCall(DiniVJP(app->dini, ubar, mbar));
  PetscCall(PumpingEntries(mbar, gradient));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&one));
  PetscCall(VecDestroy(&y));
  PetscCall(MatDestroy(&H));
  PetscFunctionReturn(PETSC_SUCCESS);
}
