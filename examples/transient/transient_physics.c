#include "transient_physics.h"

typedef struct {
  PetscScalar u, v;
} Cell;

static PetscErrorCode IFunction(DMDALocalInfo *info, PetscReal t, Cell **x, Cell **xdot, Cell **F, void *ctx)
{
  const Transient *app = (Transient *)ctx;
  const PetscReal  h2  = PetscSqr((PetscReal)info->mx / app->side);
  PetscScalar    **feed;

  PetscFunctionBeginUser;
  (void)t;
  PetscCall(DMDAVecGetArrayRead(app->fields, app->feed, &feed));
  for (PetscInt j = info->ys; j < info->ys + info->ym; j++)
    for (PetscInt i = info->xs; i < info->xs + info->xm; i++) {
      const Cell c = x[j][i], w = i > 0 ? x[j][i - 1] : c, e = i < info->mx - 1 ? x[j][i + 1] : c,
                 s = j > 0 ? x[j - 1][i] : c, n = j < info->my - 1 ? x[j + 1][i] : c;
      const PetscScalar reaction = c.u * c.v * c.v;

      F[j][i].u =
          xdot[j][i].u - app->Du * h2 * (w.u + e.u + s.u + n.u - 4.0 * c.u) + reaction - feed[j][i] * (1.0 - c.u);
      F[j][i].v =
          xdot[j][i].v - app->Dv * h2 * (w.v + e.v + s.v + n.v - 4.0 * c.v) - reaction + (feed[j][i] + app->kill) * c.v;
    }
  PetscCall(DMDAVecRestoreArrayRead(app->fields, app->feed, &feed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TransientCreate(MPI_Comm comm, Transient *app)
{
  PetscFunctionBeginUser;
  *app = (Transient){.side = 2.0, .Du = 8.0e-5, .Dv = 4.0e-5, .kill = 0.06};
  PetscCall(DMDACreate2d(comm, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DMDA_STENCIL_STAR, 24, 24, PETSC_DECIDE,
                         PETSC_DECIDE, 2, 1, NULL, NULL, &app->da));
  PetscCall(DMSetFromOptions(app->da));
  PetscCall(DMSetUp(app->da));
  PetscCall(DMDACreateCompatibleDMDA(app->da, 1, &app->fields));
  PetscCall(DMCreateGlobalVector(app->fields, &app->feed));
  PetscCall(VecSet(app->feed, 0.024));
  PetscCall(DMDATSSetIFunctionLocal(
      app->da, INSERT_VALUES, (PetscErrorCode(*)(DMDALocalInfo *, PetscReal, void *, void *, void *, void *))IFunction,
      app));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TransientDestroy(Transient *app)
{
  PetscFunctionBeginUser;
  PetscCall(VecDestroy(&app->feed));
  PetscCall(DMDestroy(&app->fields));
  PetscCall(DMDestroy(&app->da));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TransientInitial(const Transient *app, Vec u)
{
  DMDALocalInfo info;
  Cell        **x;

  PetscFunctionBeginUser;
  PetscCall(DMDAGetLocalInfo(app->da, &info));
  PetscCall(DMDAVecGetArray(app->da, u, &x));
  for (PetscInt j = info.ys; j < info.ys + info.ym; j++)
    for (PetscInt i = info.xs; i < info.xs + info.xm; i++) {
      const PetscReal X = (PetscReal)i / (PetscReal)info.mx, Y = (PetscReal)j / (PetscReal)info.my;
      const PetscReal inside = X > 0.35 && X < 0.65 && Y > 0.35 && Y < 0.65 ? 1.0 : 0.0;

      x[j][i].v =
          0.25 * inside * PetscSqr(PetscSinReal(4.0 * PETSC_PI * X)) * PetscSqr(PetscSinReal(4.0 * PETSC_PI * Y));
      x[j][i].u = 1.0 - 2.0 * x[j][i].v;
    }
  PetscCall(DMDAVecRestoreArray(app->da, u, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TransientWeights(const Transient *app, Vec *weights)
{
  PetscInt cells;

  PetscFunctionBeginUser;
  PetscCall(VecGetSize(app->feed, &cells));
  PetscCall(DMCreateGlobalVector(app->da, weights));
  PetscCall(VecSet(*weights, 0.0));
  PetscCall(VecStrideSet(*weights, 1, 1.0 / (PetscReal)cells));
  PetscFunctionReturn(PETSC_SUCCESS);
}
