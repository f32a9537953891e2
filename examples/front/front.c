static char help[] =
    "A time stepper before and after: a travelling front, u_t = D u_xx + r u (1 - u) on (0, 20), by backward Euler.\n"
    "  The code that exists has a loop of SNESSolve(). Handing over each state makes its result differentiable, by D, "
    "r and the\n"
    "  initial state. Then D and r are found from what four instruments have seen at three times, by an optimiser of "
    "Tao.\n"
    "  Try:  mpiexec -n 2 ./front -da_refine 1 -dini_monitor -tao_monitor\n\n";

#include <dini.h>
#include <petscdmda.h>

#define STEPS 24
#define DATA  3

/* The code that exists */
typedef struct {
  DM          da;
  PetscReal   dt, hx;
  PetscScalar logD, logr;
  Vec         u0, before;
  Mat         J;
  SNES        snes;
} App;

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  App               *app = (App *)ctx;
  const PetscScalar  D = PetscExpScalar(app->logD) / (app->hx * app->hx), r = PetscExpScalar(app->logr);
  DMDALocalInfo      info;
  Vec                local;
  const PetscScalar *v, *b;
  PetscScalar       *f;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(DMDAGetLocalInfo(app->da, &info));
  PetscCall(DMGetLocalVector(app->da, &local));
  PetscCall(DMGlobalToLocal(app->da, u, INSERT_VALUES, local));
  PetscCall(DMDAVecGetArrayRead(app->da, local, &v));
  PetscCall(DMDAVecGetArrayRead(app->da, app->before, &b));
  PetscCall(DMDAVecGetArray(app->da, F, &f));
  for (PetscInt i = info.xs; i < info.xs + info.xm; i++) {
    const PetscScalar left = i > 0 ? v[i - 1] : v[i], right = i < info.mx - 1 ? v[i + 1] : v[i];

    f[i] = v[i] - b[i] - app->dt * (D * (left - 2.0 * v[i] + right) + r * v[i] * (1.0 - v[i]));
  }
  PetscCall(DMDAVecRestoreArray(app->da, F, &f));
  PetscCall(DMDAVecRestoreArrayRead(app->da, app->before, &b));
  PetscCall(DMDAVecRestoreArrayRead(app->da, local, &v));
  PetscCall(DMRestoreLocalVector(app->da, &local));
  PetscFunctionReturn(0);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  App               *app = (App *)ctx;
  const PetscScalar  D = PetscExpScalar(app->logD) / (app->hx * app->hx), r = PetscExpScalar(app->logr);
  DMDALocalInfo      info;
  const PetscScalar *v;

  PetscFunctionBeginUser;
  (void)snes, (void)P;
  PetscCall(DMDAGetLocalInfo(app->da, &info));
  PetscCall(DMDAVecGetArrayRead(app->da, u, &v));
  for (PetscInt i = info.xs; i < info.xs + info.xm; i++) {
    const PetscInt sides = (i > 0) + (i < info.mx - 1);
    MatStencil     row = {.i = i}, column[3] = {row, row, row};
    PetscScalar    a[3] = {1.0 - app->dt * (r * (1.0 - 2.0 * v[i]) - (PetscReal)sides * D), -app->dt * D, -app->dt * D};
    PetscInt       n    = 1;

    if (i > 0) column[n++].i = i - 1;
    if (i < info.mx - 1) column[n++].i = i + 1;
    PetscCall(MatSetValuesStencil(J, 1, &row, n, column, a, INSERT_VALUES));
  }
  PetscCall(DMDAVecRestoreArrayRead(app->da, u, &v));
  PetscCall(MatAssemblyBegin(J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(J, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(0);
}

static PetscErrorCode AppCreate(App *app)
{
  DMDALocalInfo info;
  PetscScalar  *a;

  PetscFunctionBeginUser;
  app->dt   = 0.25;
  app->logD = app->logr = 0.0;
  PetscCall(DMDACreate1d(PETSC_COMM_WORLD, DM_BOUNDARY_NONE, 81, 1, 1, NULL, &app->da));
  PetscCall(DMSetFromOptions(app->da));
  PetscCall(DMSetUp(app->da));
  PetscCall(DMDAGetLocalInfo(app->da, &info));
  app->hx = 20.0 / (info.mx - 1.0);
  PetscCall(DMCreateGlobalVector(app->da, &app->u0));
  PetscCall(VecDuplicate(app->u0, &app->before));
  PetscCall(DMCreateMatrix(app->da, &app->J));
  PetscCall(DMDAVecGetArray(app->da, app->u0, &a));
  for (PetscInt i = info.xs; i < info.xs + info.xm; i++) a[i] = 1.0 / (1.0 + PetscExpReal(2.0 * (app->hx * i - 4.0)));
  PetscCall(DMDAVecRestoreArray(app->da, app->u0, &a));
  PetscCall(VecCopy(app->u0, app->before));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &app->snes));
  PetscCall(SNESSetFunction(app->snes, NULL, Residual, app));
  PetscCall(SNESSetJacobian(app->snes, app->J, app->J, Jacobian, app));
  PetscCall(SNESSetTolerances(app->snes, 1e-50, 1e-12, 1e-14, 30, 300));
  PetscCall(SNESSetFromOptions(app->snes));
  PetscFunctionReturn(0);
}

/* Its loop; with a chain, what it comes to is handed over: three lines */
static PetscErrorCode March(App *app, Dini chain, Vec u, Vec kept[])
{
  PetscFunctionBeginUser;
  PetscCall(VecCopy(app->u0, u));
  if (chain) PetscCall(DiniChainBegin(chain, 0.0, u));
  for (PetscInt n = 0; n < STEPS; n++) {
    PetscCall(VecCopy(u, app->before));
    PetscCall(SNESSolve(app->snes, NULL, u));
    if (chain) PetscCall(DiniChainRecord(chain, app->dt * (n + 1.0), u));
    if (kept && (n + 1) % (STEPS / DATA) == 0) PetscCall(VecCopy(u, kept[n / (STEPS / DATA)]));
  }
  if (chain) PetscCall(DiniChainEnd(chain));
  PetscFunctionReturn(0);
}

/* What Dini has to know: one step, and that there are many of them */
static PetscErrorCode Chain(App *app, Dini *step, Dini *chain)
{
  PetscInt before;

  PetscFunctionBeginUser;
  PetscCall(DiniCreate(PETSC_COMM_WORLD, step));
  PetscCall(DiniSetOptionsPrefix(*step, "step_"));
  PetscCall(DiniSetSNES(*step, app->snes));
  PetscCall(DiniAddParameter(*step, "before", app->before, &before));
  PetscCall(DiniAddScalarParameter(*step, "log_D", &app->logD, NULL));
  PetscCall(DiniAddScalarParameter(*step, "log_r", &app->logr, NULL));
  PetscCall(DiniSetFromOptions(*step));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, chain));
  PetscCall(DiniSetChain(*chain, *step, before));
  PetscCall(DiniSetChainInitial(*chain, app->u0));
  PetscCall(DiniAddScalarParameter(*chain, "log_D", &app->logD, NULL));
  PetscCall(DiniAddScalarParameter(*chain, "log_r", &app->logr, NULL));
  PetscCall(DiniSetFromOptions(*chain));
  PetscFunctionReturn(0);
}

/* The derivative of the loop along D and r against a difference of two loops */
static PetscErrorCode Compare(App *app, Dini chain, PetscReal *error)
{
  const PetscReal h = 1e-4;
  Vec             u, lower, upper, dm, du;
  PetscReal       norm;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(app->u0, &u));
  PetscCall(VecDuplicate(u, &lower));
  PetscCall(VecDuplicate(u, &upper));
  PetscCall(VecDuplicate(u, &du));
  app->logD -= h, app->logr -= h;
  PetscCall(March(app, NULL, lower, NULL));
  app->logD += 2.0 * h, app->logr += 2.0 * h;
  PetscCall(March(app, NULL, upper, NULL));
  app->logD -= h, app->logr -= h;
  PetscCall(March(app, chain, u, NULL));
  PetscCall(DiniCreateParameterVec(chain, &dm));
  PetscCall(VecSet(dm, 1.0));
  PetscCall(DiniJVP(chain, dm, du));
  PetscCall(VecNorm(du, NORM_INFINITY, &norm));
  PetscCall(VecAXPY(upper, -1.0, lower));
  PetscCall(VecAXPY(du, -0.5 / h, upper));
  PetscCall(VecNorm(du, NORM_INFINITY, error));
  *error /= norm;
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&lower));
  PetscCall(VecDestroy(&upper));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&dm));
  PetscFunctionReturn(0);
}

/* What the instruments see of a state: every 20th node or so, whichever rank has it */
static PetscErrorCode Instruments(App *app, Mat *H)
{
  PetscInt nodes, local;

  PetscFunctionBeginUser;
  PetscCall(VecGetSize(app->u0, &nodes));
  PetscCall(VecGetLocalSize(app->u0, &local));
  PetscCall(MatCreate(PETSC_COMM_WORLD, H));
  PetscCall(MatSetSizes(*H, PETSC_DECIDE, local, 4, nodes));
  PetscCall(MatSetType(*H, MATAIJ));
  PetscCall(MatSetUp(*H));
  for (PetscInt k = 0; k < 4; k++) {
    PetscInt lo, hi;

    PetscCall(MatGetOwnershipRange(*H, &lo, &hi));
    if (k >= lo && k < hi) PetscCall(MatSetValue(*H, k, (k + 1) * (nodes - 1) / 5, 1.0, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(*H, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*H, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(0);
}

/* Data made with logD = 0.3 and logr = -0.2, the chain from zero to what has made them; complex builds have no Tao */
static PetscErrorCode Estimate(App *app, Dini chain, PetscReal *error)
{
  const PetscReal made[2] = {0.3, -0.2};
  Vec             u, seen[DATA], d[DATA];
  Mat             H;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(app->u0, &u));
  PetscCall(Instruments(app, &H));
  for (int i = 0; i < DATA; i++) PetscCall(VecDuplicate(u, &seen[i]));
  app->logD = made[0], app->logr = made[1];
  PetscCall(March(app, NULL, u, seen));
  app->logD = app->logr = 0.0;
  for (int i = 0; i < DATA; i++) {
    PetscCall(MatCreateVecs(H, NULL, &d[i]));
    PetscCall(MatMult(H, seen[i], d[i]));
    PetscCall(DiniAddChainObservation(chain, app->dt * (i + 1.0) * (STEPS / DATA), H, d[i], NULL));
  }
  PetscCall(VecCopy(app->u0, u));
  PetscCall(DiniSetState(chain, u));
  *error = 0.0;
#if !defined(PETSC_USE_COMPLEX)
  {
    Tao tao;

    PetscCall(TaoCreate(PETSC_COMM_WORLD, &tao));
    PetscCall(TaoSetType(tao, TAOLMVM));
    PetscCall(DiniSetTao(chain, tao));
    PetscCall(TaoSetTolerances(tao, 1e-10, 1e-12, 1e-10));
    PetscCall(TaoSetFromOptions(tao));
    PetscCall(TaoSolve(tao));
    PetscCall(TaoDestroy(&tao));
    PetscCall(PetscPrintf(PETSC_COMM_WORLD, "  found: D %.6f (%.6f), r %.6f (%.6f)\n", (double)PetscExpReal(app->logD),
                          (double)PetscExpReal(made[0]), (double)PetscExpReal(app->logr),
                          (double)PetscExpReal(made[1])));
    *error = PetscMax(PetscAbsReal(app->logD - made[0]), PetscAbsReal(app->logr - made[1]));
  }
#endif
  for (int i = 0; i < DATA; i++) {
    PetscCall(VecDestroy(&seen[i]));
    PetscCall(VecDestroy(&d[i]));
  }
  PetscCall(MatDestroy(&H));
  PetscCall(VecDestroy(&u));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  App       app;
  Dini      step, chain;
  PetscReal error[2];

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(AppCreate(&app));
  PetscCall(Chain(&app, &step, &chain));
  PetscCall(Compare(&app, chain, &error[0]));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD,
                        "  du/d(log D, log r) of %d steps, against a difference of two loops: %.1e apart\n", STEPS,
                        (double)error[0]));
  PetscCall(Estimate(&app, chain, &error[1]));
  PetscCheck(error[0] < 1e-6 && error[1] < 1e-4, PETSC_COMM_WORLD, PETSC_ERR_PLIB,
             "The derivative is %g off its difference, D and r are %g off what the data have been made with",
             (double)error[0], (double)error[1]);
  PetscCall(DiniDestroy(&chain));
  PetscCall(DiniDestroy(&step));
  PetscCall(SNESDestroy(&app.snes));
  PetscCall(MatDestroy(&app.J));
  PetscCall(VecDestroy(&app.u0));
  PetscCall(VecDestroy(&app.before));
  PetscCall(DMDestroy(&app.da));
  PetscCall(PetscFinalize());
  return 0;
}
