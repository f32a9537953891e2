/* Nonlinear diffusion, -div((1 + u^2) grad u), by finite volumes in two or three dimensions. */
#include "benchmark.h"

/* The conductance of the face between u and v is (1 + (u^2 + v^2) / 2) area / h. */
PetscErrorCode DiffusionResidual(const Grid *grid, const PetscScalar *u, PetscScalar *F)
{
  const DMDALocalInfo *info = &grid->info;
  PetscInt             x[3], row = 0;

  PetscFunctionBeginUser;
  for (x[2] = info->zs; x[2] < info->zs + info->zm; x[2]++) {
    for (x[1] = info->ys; x[1] < info->ys + info->ym; x[1]++) {
      for (x[0] = info->xs; x[0] < info->xs + info->xm; x[0]++) {
        const PetscInt    c   = GridIndex(grid, x);
        const PetscScalar uc  = u[c];
        PetscScalar       sum = 0.0;

        for (PetscInt d = 0; d < grid->dim; d++) {
          const PetscReal area = grid->volume / (grid->h[d] * grid->h[d]);

          for (PetscInt side = -1; side <= 1; side += 2) {
            const PetscScalar v = GridInside(grid, x, d, side) ? u[c + side * grid->stride[d]] : 0.0;

            sum += area * (1.0 + 0.5 * (uc * uc + v * v)) * (uc - v);
          }
        }
        F[row++] = sum;
      }
    }
  }
  PetscCall(PetscLogFlops(18.0 * grid->dim * row));
  PetscFunctionReturn(0);
}

PetscErrorCode DiffusionJacobian(const Grid *grid, const PetscScalar *u, Mat J)
{
  const DMDALocalInfo *info = &grid->info;
  PetscInt             x[3];

  PetscFunctionBeginUser;
  for (x[2] = info->zs; x[2] < info->zs + info->zm; x[2]++) {
    for (x[1] = info->ys; x[1] < info->ys + info->ym; x[1]++) {
      for (x[0] = info->xs; x[0] < info->xs + info->xm; x[0]++) {
        const PetscInt    c         = GridIndex(grid, x);
        const PetscScalar uc        = u[c];
        PetscInt          column[7] = {c}, n = 1;
        PetscScalar       a[7] = {0.0};

        for (PetscInt d = 0; d < grid->dim; d++) {
          const PetscReal area = grid->volume / (grid->h[d] * grid->h[d]);

          for (PetscInt side = -1; side <= 1; side += 2) {
            const PetscBool   inside = GridInside(grid, x, d, side);
            const PetscScalar v      = inside ? u[c + side * grid->stride[d]] : 0.0;
            const PetscScalar k      = 1.0 + 0.5 * (uc * uc + v * v);

            a[0] += area * (k + uc * (uc - v));
            if (!inside) continue;
            column[n] = c + side * grid->stride[d];
            a[n++]    = area * (v * (uc - v) - k);
          }
        }
        PetscCall(MatSetValuesLocal(J, 1, &c, n, column, a, INSERT_VALUES));
      }
    }
  }
  PetscCall(PetscLogFlops(26.0 * grid->dim * info->xm * info->ym * info->zm));
  PetscFunctionReturn(0);
}
