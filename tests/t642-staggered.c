static char help[] = "Coloured differences without a pattern of the application's, on staggered grids: DMStag.\n";

#include "support/spread.h"
#include <petscdmda.h>
#include <petscdmstag.h>

/* Faces and vertices of the state read the elements beside them; `block` may be a DMDA whose points are the elements. */
typedef struct {
  DM        state, block;
  PetscBool da;
} Staggered;

static PetscErrorCode SpreadDMStag(Vec E, Vec G, void *ctx)
{
  Staggered                  *s           = (Staggered *)ctx;
  const DMStagStencilLocation locations[] = {DMSTAG_LEFT, DMSTAG_DOWN, DMSTAG_DOWN_LEFT, DMSTAG_ELEMENT};
  const PetscInt              dx[] = {1, 0, 1, 0}, dy[] = {0, 1, 1, 0};
  PetscInt                    x, y, m, n, ex, ey, Nx, Ny, slot = 0, element = 0, dof;
  Vec                         el, gl;
  const PetscScalar        ***e;
  PetscScalar              ***g;

  PetscFunctionBeginUser;
  PetscCall(DMStagGetGlobalSizes(s->state, &Nx, &Ny, NULL));
  PetscCall(DMStagGetCorners(s->state, &x, &y, NULL, &m, &n, NULL, &ex, &ey, NULL));
  PetscCall(DMGetLocalVector(s->block, &el));
  PetscCall(DMGetLocalVector(s->state, &gl));
  PetscCall(VecSet(gl, 0.0));
  PetscCall(DMGlobalToLocal(s->block, E, INSERT_VALUES, el));
  if (s->da) PetscCall(DMDAVecGetArrayDOFRead(s->block, el, &e));
  else {
    PetscCall(DMStagVecGetArrayRead(s->block, el, &e));
    PetscCall(DMStagGetLocationSlot(s->block, DMSTAG_ELEMENT, 0, &element));
  }
  PetscCall(DMStagVecGetArray(s->state, gl, &g));
  for (size_t l = 0; l < sizeof(locations) / sizeof(*locations); l++) {
    PetscCall(DMStagGetLocationDOF(s->state, locations[l], &dof));
    if (!dof) continue;
    PetscCall(DMStagGetLocationSlot(s->state, locations[l], 0, &slot));
    for (PetscInt j = y; j < y + n + (dy[l] ? ey : 0); j++) {
      for (PetscInt i = x; i < x + m + (dx[l] ? ex : 0); i++) {
        g[j][i][slot] = 0.0;
        for (PetscInt dj = -dy[l]; dj <= 0; dj++) {
          for (PetscInt di = -dx[l]; di <= 0; di++) {
            if (i + di < 0 || i + di >= Nx || j + dj < 0 || j + dj >= Ny) continue;
            g[j][i][slot] += 0.1 * (PetscReal)(3 + di + 2 * dj + (PetscInt)l) * e[j + dj][i + di][element];
          }
        }
      }
    }
  }
  PetscCall(DMStagVecRestoreArray(s->state, gl, &g));
  if (s->da) PetscCall(DMDAVecRestoreArrayDOFRead(s->block, el, &e));
  else PetscCall(DMStagVecRestoreArrayRead(s->block, el, &e));
  PetscCall(DMLocalToGlobal(s->state, gl, INSERT_VALUES, G));
  PetscCall(DMRestoreLocalVector(s->block, &el));
  PetscCall(DMRestoreLocalVector(s->state, &gl));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestDMStag(PetscInt nx, PetscInt ny, DMStagStencilType stencil, PetscInt vertices, PetscInt faces,
                                 PetscInt elements, PetscBool da)
{
  Staggered stag;
  Spread    s;
  Vec       u, m;
  PetscInt  ncolors;

  PetscFunctionBeginUser;
  stag.da = da;
  PetscCall(DMStagCreate2d(PETSC_COMM_WORLD, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, nx, ny, PETSC_DECIDE, PETSC_DECIDE,
                           vertices, faces, elements, stencil, 1, NULL, NULL, &stag.state));
  PetscCall(DMSetUp(stag.state));
  if (da) {
    PetscInt        px, py;
    const PetscInt *lx, *ly;

    PetscCall(DMStagGetNumRanks(stag.state, &px, &py, NULL));
    PetscCall(DMStagGetOwnershipRanges(stag.state, &lx, &ly, NULL));
    PetscCall(DMDACreate2d(PETSC_COMM_WORLD, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DMDA_STENCIL_BOX, nx, ny, px, py, 1, 1,
                           lx, ly, &stag.block));
    PetscCall(DMSetUp(stag.block));
  } else PetscCall(DMStagCreateCompatibleDMStag(stag.state, 0, 0, 1, 0, &stag.block));
  PetscCall(DMCreateGlobalVector(stag.state, &u));
  PetscCall(DMCreateGlobalVector(stag.block, &m));
  PetscCall(SpreadCreate(u, m, PETSC_FALSE, SpreadDMStag, &stag, &s));
  PetscCall(DiniSetParameterType(s.dini, 0, DINIPARAMETERCOLORING));
  PetscCall(SpreadCheck(&s, 1e-8, "DMStag"));
  PetscCall(SpreadColors(&s, &ncolors));
  DiniTestTrue(ncolors <= (stencil == DMSTAG_STENCIL_STAR ? 13 : 25), "DMStag: %" PetscInt_FMT " colours", ncolors);
  PetscCall(SpreadDestroy(&s));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&m));
  PetscCall(DMDestroy(&stag.state));
  PetscCall(DMDestroy(&stag.block));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestDMStag(6, 5, DMSTAG_STENCIL_STAR, 0, 1, 0, PETSC_FALSE)); /* faces */
  PetscCall(TestDMStag(4, 4, DMSTAG_STENCIL_STAR, 0, 1, 1, PETSC_FALSE)); /* faces and elements */
  PetscCall(TestDMStag(6, 5, DMSTAG_STENCIL_BOX, 1, 1, 1, PETSC_FALSE));  /* everywhere */
  PetscCall(TestDMStag(6, 5, DMSTAG_STENCIL_BOX, 1, 1, 0, PETSC_TRUE));   /* a DMDA beside it */
  PetscCall(PetscFinalize());
  return 0;
}
