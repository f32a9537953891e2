/* The equations at the nodes of a grid: central differences, five-point stencil, each row times the area of its cell. */
#include "cavity_physics.h"

/* The unknowns at a node: stream function, vorticity, temperature. */
typedef struct {
  PetscScalar psi, omega, t;
} Field;

/* A node and its neighbours; a neighbour beyond a wall is NULL. */
typedef struct {
  const Field *c, *w, *e, *s, *n;
  PetscReal    x, hx, hy;
} Node;

static PetscErrorCode CavityResidual(DMDALocalInfo *, void *, void *, void *);

PetscErrorCode CavityCreate(MPI_Comm comm, Cavity *cavity)
{
  PetscInt mx, my;

  PetscFunctionBeginUser;
  *cavity = (Cavity){.lid_velocity = 50.0, .prandtl = 0.71, .grashof = 1.0e4, .smooth_lid = PETSC_TRUE};
  PetscOptionsBegin(comm, NULL, "Cavity with a moving lid", NULL);
  PetscCall(PetscOptionsScalar("-cavity_lid_velocity", "Speed of the lid", NULL, cavity->lid_velocity,
                               &cavity->lid_velocity, NULL));
  PetscCall(PetscOptionsScalar("-cavity_prandtl", "Prandtl number", NULL, cavity->prandtl, &cavity->prandtl, NULL));
  PetscCall(PetscOptionsScalar("-cavity_grashof", "Grashof number", NULL, cavity->grashof, &cavity->grashof, NULL));
  PetscCall(PetscOptionsBool("-cavity_smooth_lid", "Lid that rests in its corners", NULL, cavity->smooth_lid,
                             &cavity->smooth_lid, NULL));
  PetscCall(PetscOptionsEnum("-cavity_number", "What to compute", NULL, CavityNumbers, (PetscEnum)cavity->number,
                             (PetscEnum *)&cavity->number, NULL));
  PetscCall(PetscOptionsReal("-cavity_expect", "Value of the number to be met within 1 per cent", NULL, cavity->expect,
                             &cavity->expect, NULL));
  PetscOptionsEnd();
  PetscCall(DMDACreate2d(comm, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DMDA_STENCIL_STAR, 33, 33, PETSC_DECIDE,
                         PETSC_DECIDE, 3, 1, NULL, NULL, &cavity->da));
  PetscCall(DMSetFromOptions(cavity->da));
  PetscCall(DMSetUp(cavity->da));
  PetscCall(DMDAGetInfo(cavity->da, NULL, &mx, &my, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL));
  PetscCheck(mx > 2 && my > 2, comm, PETSC_ERR_ARG_OUTOFRANGE,
             "A grid of %" PetscInt_FMT " x %" PetscInt_FMT
             " nodes has no inside; use 3 x 3 at least, -da_grid_x and -da_grid_y",
             mx, my);
  PetscCall(DMDASetUniformCoordinates(cavity->da, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0));
  PetscCall(DMDASetFieldName(cavity->da, 0, "stream_function"));
  PetscCall(DMDASetFieldName(cavity->da, 1, "vorticity"));
  PetscCall(DMDASetFieldName(cavity->da, 2, "temperature"));
  PetscCall(DMDASNESSetFunctionLocal(cavity->da, INSERT_VALUES, CavityResidual, cavity));
  PetscFunctionReturn(0);
}

PetscErrorCode CavityDestroy(Cavity *cavity)
{
  PetscFunctionBeginUser;
  PetscCall(DMDestroy(&cavity->da));
  PetscFunctionReturn(0);
}

static PetscScalar LidSpeed(const Cavity *cavity, PetscReal x)
{
  return cavity->lid_velocity * (cavity->smooth_lid ? 16.0 * PetscSqr(x * (1.0 - x)) : 1.0);
}

/* -(q_xx + q_yy) hx hy */
#define DIFFUSION(q)                                                                                                   \
  ((2.0 * k->c->q - k->w->q - k->e->q) * k->hy / k->hx + (2.0 * k->c->q - k->s->q - k->n->q) * k->hx / k->hy)
/* (u q_x + v q_y) hx hy with u = psi_y and v = -psi_x */
#define ADVECTION(q)                                                                                                   \
  (0.25 * ((k->n->psi - k->s->psi) * (k->e->q - k->w->q) - (k->e->psi - k->w->psi) * (k->n->q - k->s->q)))

static void Inside(const Cavity *cavity, const Node *k, Field *f)
{
  f->psi   = DIFFUSION(psi) - k->hx * k->hy * k->c->omega;
  f->omega = DIFFUSION(omega) + ADVECTION(omega) - 0.5 * k->hy * cavity->grashof * (k->e->t - k->w->t);
  f->t     = DIFFUSION(t) + cavity->prandtl * ADVECTION(t);
}

/* Hot on the left, cold on the right. A wall's vorticity is -psi_xx from psi = psi_x = 0 there (Thom's formula). */
static void SideWall(const Node *k, Field *f)
{
  const Field *inner = k->e ? k->e : k->w;

  if (!inner) return; /* CavityCreate() refuses such a grid */
  f->psi   = k->c->psi;
  f->omega = k->hx * k->hy * k->c->omega + 2.0 * inner->psi * k->hy / k->hx;
  f->t     = k->c->t - (k->e ? 1.0 : 0.0);
}

/* Floor and lid let no heat through: T_y = 0 mirrors the inner node, on half a cell. The lid drags: psi_y = speed. */
static void FloorOrLid(const Cavity *cavity, const Node *k, Field *f)
{
  const Field      *inner = k->n ? k->n : k->s;
  const PetscScalar speed = k->n ? 0.0 : LidSpeed(cavity, k->x);

  if (!inner) return; /* CavityCreate() refuses such a grid */
  f->psi   = k->c->psi;
  f->omega = k->hx * k->hy * k->c->omega + 2.0 * (inner->psi + k->hy * speed) * k->hx / k->hy;
  f->t     = 0.5 * (2.0 * k->c->t - k->w->t - k->e->t) * k->hy / k->hx + (k->c->t - inner->t) * k->hx / k->hy +
         0.25 * cavity->prandtl * speed * k->hy * (k->e->t - k->w->t);
}

/* The vorticity of a corner enters no other equation: zero. */
static void Corner(const Node *k, Field *f)
{
  SideWall(k, f);
  f->omega = k->hx * k->hy * k->c->omega;
}

static PetscErrorCode CavityResidual(DMDALocalInfo *info, void *unknowns, void *residual, void *ctx)
{
  const Cavity *cavity = (const Cavity *)ctx;
  Field       **x = (Field **)unknowns, **f = (Field **)residual;
  Node          k = {.hx = 1.0 / (info->mx - 1), .hy = 1.0 / (info->my - 1)};

  PetscFunctionBeginUser;
  for (PetscInt j = info->ys; j < info->ys + info->ym; j++) {
    for (PetscInt i = info->xs; i < info->xs + info->xm; i++) {
      k.x = i * k.hx;
      k.c = &x[j][i];
      k.w = i > 0 ? &x[j][i - 1] : NULL;
      k.e = i < info->mx - 1 ? &x[j][i + 1] : NULL;
      k.s = j > 0 ? &x[j - 1][i] : NULL;
      k.n = j < info->my - 1 ? &x[j + 1][i] : NULL;
      if (k.w && k.e && k.s && k.n) Inside(cavity, &k, &f[j][i]);
      else if (k.w && k.e) FloorOrLid(cavity, &k, &f[j][i]);
      else if (k.s && k.n) SideWall(&k, &f[j][i]);
      else Corner(&k, &f[j][i]);
    }
  }
  PetscFunctionReturn(0);
}
