/* The Gaussian priors of both parameters, as x = mean + S xi with xi standard normal.

   S = scale K^{-1} M^{1/2},  K = kappa^2 M - Laplacian with lumped mass M: the covariance S S^T is the inverse of a
   bilaplacian precision, a Matern covariance. In d dimensions, of smoothness nu = 2 - d/2, scale and kappa follow from
   the pointwise standard deviation sigma and the length at which the correlation has fallen to 0.14:
     field (d = 2): kappa = sqrt(8)/length,   scale^2 = 4 pi kappa^2 sigma^2
     ring (d = 1):  kappa = sqrt(12)/length,  scale^2 = 4 kappa^3 sigma^2
   The unknowns of the inversion are the xi. In them the prior term is half their squared length, so that optimising
   takes about the same number of iterations on every grid, whatever Tao's method. */
#include "aquifer.h"

static PetscErrorCode CreateSolver(Prior *p, const char prefix[], PCType type)
{
  PC pc;

  PetscFunctionBeginUser;
  PetscCall(MatAssemblyBegin(p->K, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(p->K, MAT_FINAL_ASSEMBLY));
  PetscCall(MatSetOption(p->K, MAT_SPD, PETSC_TRUE));
  PetscCall(VecSqrtAbs(p->rootmass));
  PetscCall(VecDuplicate(p->rootmass, &p->work));
  PetscCall(VecDuplicate(p->rootmass, &p->mean));
  PetscCall(KSPCreate(PetscObjectComm((PetscObject)p->K), &p->ksp));
  PetscCall(KSPSetOptionsPrefix(p->ksp, prefix));
  PetscCall(KSPSetOperators(p->ksp, p->K, p->K));
  PetscCall(KSPSetType(p->ksp, KSPCG));
  PetscCall(KSPGetPC(p->ksp, &pc));
  PetscCall(PCSetType(pc, type));
  PetscCall(KSPSetTolerances(p->ksp, 1e-11, PETSC_DEFAULT, PETSC_DEFAULT, 500));
  PetscCall(KSPSetErrorIfNotConverged(p->ksp, PETSC_TRUE));
  PetscCall(KSPSetFromOptions(p->ksp));
  PetscFunctionReturn(0);
}

/* On the nodes, with -grad m . n = (kappa/1.42) m on the boundary, which keeps the variance there near that inside */
PetscErrorCode PriorCreateField(const Grid *g, PetscReal sigma, PetscReal length, Prior *p)
{
  const PetscReal kappa = PetscSqrtReal(8.0) / length, robin = kappa / 1.42;
  PetscScalar   **mass;

  PetscFunctionBeginUser;
  p->kappa = kappa;
  p->robin = robin;
  p->scale = PetscSqrtReal(4 * PETSC_PI) * kappa * sigma;
  PetscCall(DMCreateMatrix(g->da, &p->K));
  PetscCall(DMCreateGlobalVector(g->da, &p->rootmass));
  PetscCall(DMDAVecGetArrayWrite(g->da, p->rootmass, &mass));
  for (PetscInt j = g->ys; j < g->ys + g->ym; j++) {
    for (PetscInt i = g->xs; i < g->xs + g->xm; i++) {
      const PetscInt  di[4] = {-1, 1, 0, 0}, dj[4] = {0, 0, -1, 1};
      const PetscReal wx  = i == 0 || i == g->nx - 1 ? 0.5 * g->dx : g->dx; /* size of the node's volume */
      const PetscReal wy  = j == 0 || j == g->ny - 1 ? 0.5 * g->dy : g->dy;
      MatStencil      row = {.i = i, .j = j}, col[5];
      PetscScalar     v[5];
      PetscInt        n = 1;

      col[0] = row;
      v[0]   = kappa * kappa * wx * wy;
      for (PetscInt k = 0; k < 4; k++) {
        const PetscInt  a = i + di[k], b = j + dj[k];
        const PetscReal face = k < 2 ? wy : wx, c = face / (k < 2 ? g->dx : g->dy);

        if (a < 0 || b < 0 || a >= g->nx || b >= g->ny) v[0] += robin * face;
        else {
          col[n] = (MatStencil){.i = a, .j = b};
          v[0] += c;
          v[n++] = -c;
        }
      }
      mass[j][i] = wx * wy;
      PetscCall(MatSetValuesStencil(p->K, 1, &row, n, col, v, INSERT_VALUES));
    }
  }
  PetscCall(DMDAVecRestoreArrayWrite(g->da, p->rootmass, &mass));
  PetscCall(CreateSolver(p, "prior_field_", PCGAMG));
  PetscFunctionReturn(0);
}

/* One row of the ring's K: the two neighbours along the boundary, which at a corner are one of each direction */
static PetscErrorCode RingRow(const Grid *g, PetscInt k, PetscReal kappa, PetscScalar **number, Mat K,
                              PetscScalar *mass)
{
  PetscInt    i, j, row, col[3], n = 1;
  PetscScalar v[3] = {0, 0, 0};
  PetscReal   size = 0;

  PetscFunctionBeginUser;
  GridGetBoundaryPoint(g, k, &i, &j);
  row    = (PetscInt)PetscRealPart(number[j][i]);
  col[0] = row;
  for (PetscInt s = 0; s < 4; s++) {
    const PetscInt  a = i + (s == 0) - (s == 1), b = j + (s == 2) - (s == 3);
    const PetscReal distance = s < 2 ? g->dx : g->dy;
    const PetscBool along    = (PetscBool)(s < 2 ? j == 0 || j == g->ny - 1 : i == 0 || i == g->nx - 1);

    if (!along || a < 0 || b < 0 || a >= g->nx || b >= g->ny) continue;
    col[n] = (PetscInt)PetscRealPart(number[b][a]);
    v[0] += 1 / distance;
    v[n++] = -1 / distance;
    size += 0.5 * distance;
  }
  v[0] += kappa * kappa * size;
  *mass = size;
  PetscCall(MatSetValues(K, 1, &row, n, col, v, INSERT_VALUES));
  PetscFunctionReturn(0);
}

/* Along the closed ring of boundary nodes: few unknowns, so every rank factorises all of K */
PetscErrorCode PriorCreateBoundary(const Grid *g, PetscReal sigma, PetscReal length, Prior *p)
{
  const PetscReal kappa = PetscSqrtReal(12.0) / length;
  PetscScalar   **number, *mass;
  MPI_Comm        comm = PetscObjectComm((PetscObject)g->da);

  PetscFunctionBeginUser;
  p->scale = 2 * kappa * PetscSqrtReal(kappa) * sigma;
  PetscCall(GridCreateBoundaryVec(g, &p->rootmass));
  PetscCall(MatCreateAIJ(comm, g->nb, g->nb, PETSC_DETERMINE, PETSC_DETERMINE, 3, NULL, 2, NULL, &p->K));
  PetscCall(VecGetArrayWrite(p->rootmass, &mass));
  PetscCall(DMDAVecGetArrayRead(g->da, g->number, &number));
  for (PetscInt k = 0; k < g->nb; k++) PetscCall(RingRow(g, k, kappa, number, p->K, &mass[k]));
  PetscCall(DMDAVecRestoreArrayRead(g->da, g->number, &number));
  PetscCall(VecRestoreArrayWrite(p->rootmass, &mass));
  PetscCall(CreateSolver(p, "prior_boundary_", PCREDUNDANT));
  PetscFunctionReturn(0);
}

/* y = S x, without the mean */
PetscErrorCode PriorApply(Prior *p, Vec x, Vec y)
{
  PetscFunctionBeginUser;
  PetscCall(VecPointwiseMult(p->work, p->rootmass, x));
  PetscCall(KSPSolve(p->ksp, p->work, y));
  PetscCall(VecScale(y, p->scale));
  PetscFunctionReturn(0);
}

/* y = S^T x; S is real and K symmetric */
PetscErrorCode PriorApplyAdjoint(Prior *p, Vec x, Vec y)
{
  PetscFunctionBeginUser;
  PetscCall(KSPSolve(p->ksp, x, p->work));
  PetscCall(VecPointwiseMult(y, p->rootmass, p->work));
  PetscCall(VecScale(y, p->scale));
  PetscFunctionReturn(0);
}

PetscErrorCode PriorDestroy(Prior *p)
{
  PetscFunctionBeginUser;
  PetscCall(KSPDestroy(&p->ksp));
  PetscCall(MatDestroy(&p->K));
  PetscCall(VecDestroy(&p->rootmass));
  PetscCall(VecDestroy(&p->mean));
  PetscCall(VecDestroy(&p->work));
  PetscFunctionReturn(0);
}
