static char help[] =
    "Picard iteration and its adjoint: nonlinear diffusion as a fixed point. Option prefix -picard_.\n"
    "    -(e^m (1 + u^2) u')' = f  on (0, 1), u = 0 at both ends, m(x) the parameter.\n"
    "  The code that exists freezes the conductivity and solves: u <- G(u, m) = A(u, m)^{-1} b. It knows no Jacobian "
    "of\n"
    "  A(u, m) u - b, and needs none: products with G_u and its adjoint take one linear solve with A each.\n"
    "  The gradient of the mean of u is compared with that of Newton's method on the same equation.\n"
    "  Try:  mpiexec -n 2 ./fixedpoint -da_refine 3 -dini_fixedpoint_snes_type anderson -dini_fixedpoint_method "
    "iterate "
    "-dini_view\n\n";

#include <dini.h>
#include <petscdmda.h>

typedef struct {
  DM       da;
  Mat      A, T;           /* A(u, m), and d(A g)/da for a fixed g = u */
  Vec      m, b, a, au, w; /* a = e^m (1 + u^2) at the nodes, its derivative by u, work */
  KSP      ksp;
  PetscInt solves; /* with A */
} App;

/* a = e^m (1 + u^2), au = e^m 2 u */
static PetscErrorCode Conductivity(App *app, Vec u)
{
  const PetscScalar *m, *v;
  PetscScalar       *a, *au;
  PetscInt           n;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(u, &n));
  PetscCall(VecGetArrayRead(app->m, &m));
  PetscCall(VecGetArrayRead(u, &v));
  PetscCall(VecGetArray(app->a, &a));
  PetscCall(VecGetArray(app->au, &au));
  for (PetscInt i = 0; i < n; i++) {
    a[i]  = PetscExpScalar(m[i]) * (1.0 + v[i] * v[i]);
    au[i] = PetscExpScalar(m[i]) * 2.0 * v[i];
  }
  PetscCall(VecRestoreArray(app->au, &au));
  PetscCall(VecRestoreArray(app->a, &a));
  PetscCall(VecRestoreArrayRead(u, &v));
  PetscCall(VecRestoreArrayRead(app->m, &m));
  PetscFunctionReturn(0);
}

/*
  Row i of A g is (k_w (g_i - g_w) + k_e (g_i - g_e)) / h^2 with k the mean of a on both sides of a face, a itself at the
  ends. So A for given a; and, since A g is linear in a, T(g) with T a = A(a) g.
*/
static PetscErrorCode Assemble(App *app, Vec g)
{
  DMDALocalInfo      info;
  Vec                alocal, glocal;
  const PetscScalar *a, *v;

  PetscFunctionBeginUser;
  PetscCall(DMDAGetLocalInfo(app->da, &info));
  PetscCall(DMGetLocalVector(app->da, &alocal));
  PetscCall(DMGetLocalVector(app->da, &glocal));
  PetscCall(DMGlobalToLocal(app->da, app->a, INSERT_VALUES, alocal));
  PetscCall(DMGlobalToLocal(app->da, g, INSERT_VALUES, glocal));
  PetscCall(DMDAVecGetArrayRead(app->da, alocal, &a));
  PetscCall(DMDAVecGetArrayRead(app->da, glocal, &v));
  for (PetscInt i = info.xs; i < info.xs + info.xm; i++) {
    const PetscReal h2  = 1.0 / ((info.mx + 1.0) * (info.mx + 1.0));
    MatStencil      row = {.i = i}, column[3] = {row, row, row};
    PetscScalar     A[3] = {0.0}, T[3] = {0.0};
    PetscInt        n = 1;

    for (PetscInt side = -1; side <= 1; side += 2) {
      const PetscInt    j      = i + side;
      const PetscBool   inside = (PetscBool)(j >= 0 && j < info.mx);
      const PetscScalar jump = v[i] - (inside ? v[j] : 0.0), k = inside ? 0.5 * (a[i] + a[j]) : a[i];

      A[0] += k / h2;
      T[0] += (inside ? 0.5 : 1.0) * jump / h2;
      if (!inside) continue;
      column[n].i = j;
      A[n]        = -k / h2;
      T[n++]      = 0.5 * jump / h2;
    }
    PetscCall(MatSetValuesStencil(app->A, 1, &row, n, column, A, INSERT_VALUES));
    PetscCall(MatSetValuesStencil(app->T, 1, &row, n, column, T, INSERT_VALUES));
  }
  PetscCall(DMDAVecRestoreArrayRead(app->da, glocal, &v));
  PetscCall(DMDAVecRestoreArrayRead(app->da, alocal, &a));
  PetscCall(DMRestoreLocalVector(app->da, &glocal));
  PetscCall(DMRestoreLocalVector(app->da, &alocal));
  PetscCall(MatAssemblyBegin(app->A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(app->A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyBegin(app->T, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(app->T, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(0);
}

/* x = A^{-1} y; A is symmetric, so its adjoint solve is the same */
static PetscErrorCode Solve(App *app, Vec y, Vec x)
{
  KSPConvergedReason reason;

  PetscFunctionBeginUser;
  PetscCall(KSPSolve(app->ksp, y, x));
  PetscCall(KSPGetConvergedReason(app->ksp, &reason));
  PetscCheck(reason > 0, PETSC_COMM_WORLD, PETSC_ERR_NOT_CONVERGED, "A linear solve failed: %s",
             KSPConvergedReasons[reason]);
  app->solves++;
  PetscFunctionReturn(0);
}

/* The step of the existing code: G = A(u, m)^{-1} b */
static PetscErrorCode Map(Dini dini, Vec u, Vec G, void *ctx)
{
  App *app = (App *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(Conductivity(app, u));
  PetscCall(Assemble(app, u));
  PetscCall(Solve(app, app->b, G));
  PetscFunctionReturn(0);
}

/* y = -A^{-1} T (s x): G_u x for s = au, and F_m x for s = -a; A and T belong to the solution. */
static PetscErrorCode Product(App *app, Vec u, Vec s, Vec x, Vec y)
{
  Vec right;

  PetscFunctionBeginUser;
  PetscCall(Conductivity(app, u));
  PetscCall(Assemble(app, u));
  PetscCall(VecDuplicate(u, &right));
  PetscCall(VecPointwiseMult(app->w, s, x));
  PetscCall(MatMult(app->T, app->w, right));
  PetscCall(Solve(app, right, y));
  PetscCall(VecScale(y, -1.0));
  PetscCall(VecDestroy(&right));
  PetscFunctionReturn(0);
}

/* y = -s T^H A^{-H} x */
static PetscErrorCode AdjointProduct(App *app, Vec u, Vec s, Vec x, Vec y)
{
  PetscFunctionBeginUser;
  PetscCall(Conductivity(app, u));
  PetscCall(Assemble(app, u));
  PetscCall(Solve(app, x, app->w));
  PetscCall(MatMultHermitianTranspose(app->T, app->w, y));
  PetscCall(VecPointwiseMult(y, s, y));
  PetscCall(VecScale(y, -1.0));
  PetscFunctionReturn(0);
}

static PetscErrorCode ApplyGu(Dini dini, Vec u, Vec x, Vec y, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(Product((App *)ctx, u, ((App *)ctx)->au, x, y));
  PetscFunctionReturn(0);
}

static PetscErrorCode ApplyGuAdjoint(Dini dini, Vec u, Vec x, Vec y, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(AdjointProduct((App *)ctx, u, ((App *)ctx)->au, x, y));
  PetscFunctionReturn(0);
}

/* F = u - G, so F_m = -G_m = +A^{-1} T a */
static PetscErrorCode ApplyFm(Dini dini, Vec u, Vec m, Vec x, Vec y, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini, (void)m;
  PetscCall(Product((App *)ctx, u, ((App *)ctx)->a, x, y));
  PetscCall(VecScale(y, -1.0));
  PetscFunctionReturn(0);
}

static PetscErrorCode ApplyFmAdjoint(Dini dini, Vec u, Vec m, Vec x, Vec y, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini, (void)m;
  PetscCall(AdjointProduct((App *)ctx, u, ((App *)ctx)->a, x, y));
  PetscCall(VecScale(y, -1.0));
  PetscFunctionReturn(0);
}

/* Newton's method on A(u, m) u - b, for comparison: J = A + T diag(au), F_m = T diag(a) */
static PetscErrorCode NewtonResidual(SNES snes, Vec u, Vec F, void *ctx)
{
  App *app = (App *)ctx;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(Conductivity(app, u));
  PetscCall(Assemble(app, u));
  PetscCall(MatMult(app->A, u, F));
  PetscCall(VecAXPY(F, -1.0, app->b));
  PetscFunctionReturn(0);
}

static PetscErrorCode NewtonJacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  App *app = (App *)ctx;

  PetscFunctionBeginUser;
  (void)snes, (void)J;
  PetscCall(Conductivity(app, u));
  PetscCall(Assemble(app, u));
  PetscCall(MatCopy(app->T, P, SAME_NONZERO_PATTERN));
  PetscCall(MatDiagonalScale(P, NULL, app->au));
  PetscCall(MatAXPY(P, 1.0, app->A, SAME_NONZERO_PATTERN));
  PetscFunctionReturn(0);
}

static PetscErrorCode NewtonFm(Dini dini, Vec u, Vec m, Mat Fm, void *ctx)
{
  App *app = (App *)ctx;

  PetscFunctionBeginUser;
  (void)dini, (void)m;
  PetscCall(Conductivity(app, u));
  PetscCall(Assemble(app, u));
  PetscCall(MatCopy(app->T, Fm, SAME_NONZERO_PATTERN));
  PetscCall(MatDiagonalScale(Fm, NULL, app->a));
  PetscFunctionReturn(0);
}

static PetscErrorCode ByNewton(App *app, Vec u, Vec ubar, Vec mbar)
{
  SNES snes;
  Dini dini;
  Mat  J, Fm;

  PetscFunctionBeginUser;
  PetscCall(VecSet(u, 0.0));
  PetscCall(DMCreateMatrix(app->da, &J));
  PetscCall(DMCreateMatrix(app->da, &Fm));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &snes));
  PetscCall(SNESSetOptionsPrefix(snes, "newton_"));
  PetscCall(SNESSetFunction(snes, NULL, NewtonResidual, app));
  PetscCall(SNESSetJacobian(snes, J, J, NewtonJacobian, app));
  PetscCall(SNESSetTolerances(snes, PETSC_DEFAULT, 1e-11, 0.0, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(SNESSetFromOptions(snes));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetOptionsPrefix(dini, "newton_"));
  PetscCall(DiniSetSNES(dini, snes));
  PetscCall(DiniAddParameter(dini, "m", app->m, NULL));
  PetscCall(DiniSetParameterJacobian(dini, 0, Fm, NewtonFm, app));
  PetscCall(DiniSetFromOptions(dini));
  PetscCall(DiniSolve(dini, u));
  PetscCall(DiniVJP(dini, ubar, mbar));
  PetscCall(DiniDestroy(&dini));
  PetscCall(SNESDestroy(&snes));
  PetscCall(MatDestroy(&J));
  PetscCall(MatDestroy(&Fm));
  PetscFunctionReturn(0);
}

static PetscErrorCode Create(App *app)
{
  PC pc;

  PetscFunctionBeginUser;
  PetscCall(DMDACreate1d(PETSC_COMM_WORLD, DM_BOUNDARY_NONE, 20, 1, 1, NULL, &app->da));
  PetscCall(DMSetFromOptions(app->da));
  PetscCall(DMSetUp(app->da));
  PetscCall(DMCreateMatrix(app->da, &app->A));
  PetscCall(DMCreateMatrix(app->da, &app->T));
  PetscCall(DMCreateGlobalVector(app->da, &app->m));
  PetscCall(VecDuplicate(app->m, &app->b));
  PetscCall(VecDuplicate(app->m, &app->a));
  PetscCall(VecDuplicate(app->m, &app->au));
  PetscCall(VecDuplicate(app->m, &app->w));
  PetscCall(VecSet(app->m, 0.1));
  PetscCall(VecSet(app->b, 40.0)); /* f */
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &app->ksp));
  PetscCall(KSPSetOperators(app->ksp, app->A, app->A));
  PetscCall(KSPSetType(app->ksp, KSPPREONLY)); /* what an iterative solve leaves undone is noise in G */
  PetscCall(KSPGetPC(app->ksp, &pc));
  PetscCall(PCSetType(pc, PCREDUNDANT));
  PetscCall(KSPSetOptionsPrefix(app->ksp, "picard_"));
  PetscCall(KSPSetFromOptions(app->ksp));
  PetscFunctionReturn(0);
}

static PetscErrorCode Destroy(App *app)
{
  PetscFunctionBeginUser;
  PetscCall(KSPDestroy(&app->ksp));
  PetscCall(MatDestroy(&app->A));
  PetscCall(MatDestroy(&app->T));
  PetscCall(VecDestroy(&app->m));
  PetscCall(VecDestroy(&app->b));
  PetscCall(VecDestroy(&app->a));
  PetscCall(VecDestroy(&app->au));
  PetscCall(VecDestroy(&app->w));
  PetscCall(DMDestroy(&app->da));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  App            app = {0};
  Dini           dini;
  Vec            u, ubar, gradient, newton;
  PetscInt       N;
  PetscReal      rate, error, size;
  PetscScalar    mean;
  DiniStatistics s;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(Create(&app));
  PetscCall(VecDuplicate(app.m, &u));
  PetscCall(VecDuplicate(app.m, &ubar));
  PetscCall(VecDuplicate(app.m, &gradient));
  PetscCall(VecDuplicate(app.m, &newton));
  PetscCall(VecGetSize(u, &N));
  PetscCall(VecSet(ubar, 1.0 / (PetscReal)N)); /* of the mean of u */

  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetFixedPoint(dini, Map, &app));
  PetscCall(DiniSetFixedPointOperator(dini, ApplyGu, ApplyGuAdjoint, &app));
  PetscCall(DiniAddParameter(dini, "m", app.m, NULL));
  PetscCall(DiniSetParameterOperator(dini, 0, ApplyFm, ApplyFmAdjoint, &app));
  PetscCall(DiniSetFromOptions(dini));
  PetscCall(DiniSolve(dini, u));
  PetscCall(DiniVJP(dini, ubar, gradient));

  PetscCall(DiniGetContractionRate(dini, &rate));
  PetscCall(DiniGetStatistics(dini, &s));
  PetscCall(VecDot(u, ubar, &mean));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD,
                        "mean of u = %.10f after %" PetscInt_FMT " steps; contraction rate %.3f; the adjoint took "
                        "%" PetscInt_FMT " products with the adjoint of G_u\n",
                        (double)PetscRealPart(mean), s.forward_iterations, (double)rate, s.adjoint_iterations));

  PetscCall(ByNewton(&app, u, ubar, newton));
  PetscCall(VecNorm(newton, NORM_INFINITY, &size));
  PetscCall(VecAXPY(newton, -1.0, gradient));
  PetscCall(VecNorm(newton, NORM_INFINITY, &error));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD,
                        "Gradients of the fixed point and of Newton's method agree to %.1e relative\n",
                        (double)(error / size)));
  PetscCheck(error <= 1e-8 * size, PETSC_COMM_WORLD, PETSC_ERR_PLIB, "The gradients differ by %g relative",
             (double)(error / size));
  PetscCheck(rate < 1.0, PETSC_COMM_WORLD, PETSC_ERR_PLIB, "Picard's iteration converged at a rate of %g",
             (double)rate);

  PetscCall(DiniDestroy(&dini));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&gradient));
  PetscCall(VecDestroy(&newton));
  PetscCall(Destroy(&app));
  PetscCall(PetscFinalize());
  return 0;
}
