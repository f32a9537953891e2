static char help[] =
    "Folds of the Bratu problem in one and two dimensions, against a scalar equation and against the literature.\n";

#include "support/dinitest.h"
#include <petscdmda.h>

/* u'' + m e^u = 0, or its two-dimensional form, u = 0 at the ends, which the grid leaves out: n points inside of each axis */
typedef struct {
  DM          da;
  SNES        snes;
  Dini        dini;
  Vec         u;
  PetscScalar m;
  PetscInt    dim, p;
} Bratu;

static PetscErrorCode Residual1(DMDALocalInfo *info, PetscScalar *x, PetscScalar *f, Bratu *b)
{
  const PetscReal h = 1.0 / (PetscReal)(info->mx + 1);

  PetscFunctionBeginUser;
  for (PetscInt i = info->xs; i < info->xs + info->xm; i++) {
    const PetscScalar w = i > 0 ? x[i - 1] : 0.0, e = i < info->mx - 1 ? x[i + 1] : 0.0;

    f[i] = (2.0 * x[i] - w - e) / (h * h) - b->m * PetscExpScalar(x[i]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Residual2(DMDALocalInfo *info, PetscScalar **x, PetscScalar **f, Bratu *b)
{
  const PetscReal h = 1.0 / (PetscReal)(info->mx + 1);

  PetscFunctionBeginUser;
  for (PetscInt j = info->ys; j < info->ys + info->ym; j++) {
    for (PetscInt i = info->xs; i < info->xs + info->xm; i++) {
      const PetscScalar w = i > 0 ? x[j][i - 1] : 0.0, e = i < info->mx - 1 ? x[j][i + 1] : 0.0;
      const PetscScalar s = j > 0 ? x[j - 1][i] : 0.0, n = j < info->my - 1 ? x[j + 1][i] : 0.0;

      f[j][i] = (4.0 * x[j][i] - w - e - s - n) / (h * h) - b->m * PetscExpScalar(x[j][i]);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  Bratu        *b = (Bratu *)ctx;
  DMDALocalInfo info;
  Vec           local;
  void         *x, *f;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(DMGetLocalVector(b->da, &local));
  PetscCall(DMGlobalToLocal(b->da, u, INSERT_VALUES, local));
  PetscCall(DMDAGetLocalInfo(b->da, &info));
  PetscCall(DMDAVecGetArrayRead(b->da, local, &x));
  PetscCall(DMDAVecGetArray(b->da, F, &f));
  if (b->dim == 1) PetscCall(Residual1(&info, (PetscScalar *)x, (PetscScalar *)f, b));
  else PetscCall(Residual2(&info, (PetscScalar **)x, (PetscScalar **)f, b));
  PetscCall(DMDAVecRestoreArray(b->da, F, &f));
  PetscCall(DMDAVecRestoreArrayRead(b->da, local, &x));
  PetscCall(DMRestoreLocalVector(b->da, &local));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  Bratu        *b = (Bratu *)ctx;
  DMDALocalInfo info;
  Vec           diagonal;
  PetscReal     h2;

  PetscFunctionBeginUser;
  (void)snes;
  (void)P;
  PetscCall(DMDAGetLocalInfo(b->da, &info));
  h2 = 1.0 / PetscSqr(1.0 / (PetscReal)(info.mx + 1));
  PetscCall(MatZeroEntries(J));
  for (PetscInt j = info.ys; j < info.ys + info.ym; j++) {
    for (PetscInt i = info.xs; i < info.xs + info.xm; i++) {
      const PetscInt di[4] = {-1, 1, 0, 0}, dj[4] = {0, 0, -1, 1};
      MatStencil     row = {0}, col[5];
      PetscScalar    v[5];
      PetscInt       n = 0;

      row.i  = i;
      row.j  = j;
      col[n] = row;
      v[n++] = 2.0 * (PetscReal)b->dim * h2;
      for (PetscInt k = 0; k < 2 * b->dim; k++) {
        if (i + di[k] < 0 || i + di[k] >= info.mx || j + dj[k] < 0 || j + dj[k] >= info.my) continue;
        col[n]   = row;
        col[n].i = i + di[k];
        col[n].j = j + dj[k];
        v[n++]   = -h2;
      }
      PetscCall(MatSetValuesStencil(J, 1, &row, n, col, v, INSERT_VALUES));
    }
  }
  PetscCall(MatAssemblyBegin(J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(J, MAT_FINAL_ASSEMBLY));
  PetscCall(VecDuplicate(u, &diagonal));
  PetscCall(VecCopy(u, diagonal));
  PetscCall(VecExp(diagonal));
  PetscCall(VecScale(diagonal, -b->m));
  PetscCall(MatDiagonalSet(J, diagonal, ADD_VALUES));
  PetscCall(VecDestroy(&diagonal));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(PetscInt dim, PetscInt n, Bratu *b)
{
  Mat J;

  PetscFunctionBeginUser;
  b->dim = dim;
  b->m   = 0.0;
  if (dim == 1) PetscCall(DMDACreate1d(PETSC_COMM_WORLD, DM_BOUNDARY_NONE, n, 1, 1, NULL, &b->da));
  else
    PetscCall(DMDACreate2d(PETSC_COMM_WORLD, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DMDA_STENCIL_STAR, n, n, PETSC_DECIDE,
                           PETSC_DECIDE, 1, 1, NULL, NULL, &b->da));
  PetscCall(DMSetUp(b->da));
  PetscCall(DMCreateGlobalVector(b->da, &b->u));
  PetscCall(DMCreateMatrix(b->da, &J));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &b->snes));
  PetscCall(SNESSetDM(b->snes, b->da));
  PetscCall(SNESSetFunction(b->snes, NULL, Residual, b));
  PetscCall(SNESSetJacobian(b->snes, J, J, Jacobian, b));
  PetscCall(MatDestroy(&J));
  PetscCall(SNESSetTolerances(b->snes, 1e-10, 1e-12, PETSC_DEFAULT, 30, PETSC_DEFAULT));
  PetscCall(SNESSetFromOptions(b->snes));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &b->dini));
  PetscCall(DiniSetSNES(b->dini, b->snes));
  PetscCall(DiniAddScalarParameter(b->dini, "m", &b->m, &b->p));
  PetscCall(DiniSetFromOptions(b->dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Bratu *b)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&b->dini));
  PetscCall(SNESDestroy(&b->snes));
  PetscCall(VecDestroy(&b->u));
  PetscCall(DMDestroy(&b->da));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The fold of a grid, reported before a Newton solve has failed, with the parameter and the state just short of it */
static PetscErrorCode FoldOf(PetscInt dim, PetscInt n, PetscReal rtol, PetscReal *fold)
{
  Bratu                  b;
  DiniContinuationReason reason;
  DiniStatistics         stats;

  PetscFunctionBeginUser;
  PetscCall(Create(dim, n, &b));
  if (rtol > 0.0) PetscCall(DiniSetContinuation(b.dini, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT, rtol));
  PetscCall(DiniContinue(b.dini, b.p, 10.0, b.u, fold, &reason));
  DiniTestTrue(reason == DINI_CONTINUATION_FOLD, "%" PetscInt_FMT " points: reason %d at %g", n, (int)reason,
               (double)*fold);
  PetscCall(DiniGetStatistics(b.dini, &stats));
  DiniTestCount(stats.forward_failures, 0, "failed forward solves before the fold is reported");
  DiniTestTrue(PetscRealPart(b.m) < *fold, "The parameter is beyond the fold");
  PetscCall(Destroy(&b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  The discrete problem in one dimension once more, by shooting: from u_0 at the middle, where the slope is zero, down to the
  end; m(u_0) is found by Newton's method in m, and its maximum by golden section. n is odd.
*/
static PetscReal ShootingParameter(PetscInt n, PetscReal top)
{
  const PetscReal h = 1.0 / (PetscReal)(n + 1);
  PetscReal       m = 3.0;

  for (int it = 0; it < 60; it++) { /* u_{k+1} = 2 u_k - u_{k-1} - h^2 m e^{u_k}, and its derivative in m */
    PetscReal u = top, before, du = 0.0, dbefore;

    before  = u - 0.5 * h * h * m * PetscExpReal(u); /* the neighbour of the middle */
    dbefore = -0.5 * h * h * PetscExpReal(u);
    {
      PetscReal now = before, dnow = dbefore, last = u, dlast = du;

      for (PetscInt k = 1; k < (n + 1) / 2; k++) {
        const PetscReal e    = h * h * PetscExpReal(now);
        const PetscReal next = 2.0 * now - last - m * e, dnext = 2.0 * dnow - dlast - e - m * e * dnow;

        last  = now;
        dlast = dnow;
        now   = next;
        dnow  = dnext;
      }
      m -= now / dnow;
      if (PetscAbsReal(now / dnow) < 1e-15) break;
    }
  }
  return m;
}

static PetscReal ShootingFold(PetscInt n)
{
  const PetscReal golden = 0.5 * (PetscSqrtReal(5.0) - 1.0);
  PetscReal       low = 0.8, high = 1.6;

  while (high - low > 1e-8) {
    const PetscReal a = high - golden * (high - low), b = low + golden * (high - low);

    if (ShootingParameter(n, a) > ShootingParameter(n, b)) high = b;
    else low = a;
  }
  return ShootingParameter(n, 0.5 * (low + high));
}

/* One dimension: the discrete fold to eight digits, and second-order convergence to the exact one */
static PetscErrorCode TestLine(void)
{
  const PetscReal exact = 3.513830719125;
  PetscReal       fold[3], order;
  PetscMPIInt     size;

  PetscFunctionBeginUser;
  for (PetscInt k = 0, n = 7; k < 3; k++, n = 2 * n + 1) {
    PetscCall(FoldOf(1, n, 0.0, &fold[k]));
    DiniTestClose(fold[k], ShootingFold(n), 1e-8, 0.0, "fold of the discrete problem");
  }
  order = PetscLog2Real((fold[0] - exact) / (fold[1] - exact));
  DiniTestClose(order, 2.0, 0.05, 0.0, "order of convergence of the fold");
  DiniTestClose((4.0 * fold[2] - fold[1]) / 3.0, exact, 1e-6, 0.0, "extrapolated fold");
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  if (size == 1) { /* one point: 8 u = m e^u */
    PetscCall(FoldOf(1, 1, 0.0, &fold[0]));
    DiniTestClose(fold[0], 8.0 * PetscExpReal(-1.0), 1e-8, 0.0, "fold on one point");
  }
  PetscCall(FoldOf(1, 15, 1e-2, &fold[2])); /* found from afar, and still to more digits than were asked for */
  DiniTestClose(fold[2], fold[1], 1e-5, 0.0, "fold with a loose tolerance");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Two dimensions: three digits of 6.808124423 by extrapolation from two coarse grids */
static PetscErrorCode TestSquare(void)
{
  PetscReal coarse, fine;

  PetscFunctionBeginUser;
  PetscCall(FoldOf(2, 7, 0.0, &coarse));
  PetscCall(FoldOf(2, 15, 0.0, &fine));
  DiniTestClose((4.0 * fine - coarse) / 3.0, 6.808124423, 2e-4, 0.0, "fold on the unit square");
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestLine());
  PetscCall(TestSquare());
  PetscCall(PetscFinalize());
  return 0;
}
