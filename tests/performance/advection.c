/*
  A viscous flow u = (u_1, u_2) carried by a wind w and by itself, in two dimensions, by central differences:
    -nu Laplace(u_c) + ((w + u) . grad) u_c
*/
#include "benchmark.h"

static const PetscReal viscosity = 0.05, wind[] = {2.0, 1.0};

PetscErrorCode AdvectionResidual(const Grid *grid, const PetscScalar *u, PetscScalar *F)
{
  const DMDALocalInfo *info = &grid->info;
  PetscInt             x[3] = {0, 0, 0}, row = 0;

  PetscFunctionBeginUser;
  for (x[1] = info->ys; x[1] < info->ys + info->ym; x[1]++) {
    for (x[0] = info->xs; x[0] < info->xs + info->xm; x[0]++) {
      const PetscInt     point = 2 * GridIndex(grid, x);
      const PetscScalar *uc    = u + point;

      for (PetscInt c = 0; c < 2; c++) {
        PetscScalar sum = 0.0;

        for (PetscInt d = 0; d < 2; d++) {
          const PetscReal   h = grid->h[d], step = grid->volume / (2.0 * h);
          const PetscScalar left  = GridInside(grid, x, d, -1) ? uc[c - 2 * grid->stride[d]] : 0.0;
          const PetscScalar right = GridInside(grid, x, d, 1) ? uc[c + 2 * grid->stride[d]] : 0.0;

          sum += viscosity * grid->volume / (h * h) * (2.0 * uc[c] - left - right);
          sum += step * (wind[d] + uc[d]) * (right - left);
        }
        F[row++] = sum;
      }
    }
  }
  PetscCall(PetscLogFlops(24.0 * row));
  PetscFunctionReturn(0);
}

PetscErrorCode AdvectionJacobian(const Grid *grid, const PetscScalar *u, Mat J)
{
  const DMDALocalInfo *info = &grid->info;
  PetscInt             x[3] = {0, 0, 0};

  PetscFunctionBeginUser;
  for (x[1] = info->ys; x[1] < info->ys + info->ym; x[1]++) {
    for (x[0] = info->xs; x[0] < info->xs + info->xm; x[0]++) {
      const PetscInt     point = 2 * GridIndex(grid, x);
      const PetscScalar *uc    = u + point;

      for (PetscInt c = 0; c < 2; c++) {
        const PetscInt row       = point + c;
        PetscInt       column[6] = {point, point + 1}, n = 2;
        PetscScalar    a[6] = {0.0};

        for (PetscInt d = 0; d < 2; d++) {
          const PetscReal   h = grid->h[d], step = grid->volume / (2.0 * h), k = viscosity * grid->volume / (h * h);
          const PetscBool   inside[] = {GridInside(grid, x, d, -1), GridInside(grid, x, d, 1)};
          const PetscScalar left     = inside[0] ? uc[c - 2 * grid->stride[d]] : 0.0;
          const PetscScalar right    = inside[1] ? uc[c + 2 * grid->stride[d]] : 0.0;

          a[c] += 2.0 * k;
          a[d] += step * (right - left);
          for (PetscInt s = 0; s < 2; s++) {
            const PetscReal side = s ? 1.0 : -1.0;

            if (!inside[s]) continue;
            column[n] = row + (s ? 2 : -2) * grid->stride[d];
            a[n++]    = side * step * (wind[d] + uc[d]) - k;
          }
        }
        PetscCall(MatSetValuesLocal(J, 1, &row, n, column, a, INSERT_VALUES));
      }
    }
  }
  PetscCall(PetscLogFlops(60.0 * info->xm * info->ym));
  PetscFunctionReturn(0);
}
