/* A relation with a known path, for DiniContinue(): curves hidden among other unknowns. path.c is numbers, continuation.c PETSc. */
#pragma once
#include "diagram.h"
#include "modes.h"

/*
  z: one or two unknowns of curves, each with a course of its own nu = begin + t (target - begin), and passive ones. m = offset +
  unit t, u = C T z, and F = R Q G(z, t): T and Q mix well-conditioned, C and R are units. det J changes sign where g_y of a
  curve does, and nowhere else.
*/
#define ACTIVE_MOST  2
#define PASSIVE_MOST 30
#define PATH_N       (ACTIVE_MOST + PASSIVE_MOST)

typedef enum { PASSIVE_GROWS, PASSIVE_STANDS, PASSIVE_TURNS } PassiveKind; /* the last with its neighbour: a pair */

typedef struct {
  PassiveKind kind;
  PetscReal   linear, cubic, rate, active, constant; /* linear w + cubic w^3 = rate t + active y + constant */
} Passive;

typedef struct {
  App        *app;
  PetscInt    N, actives, passives;
  Curve       curve[ACTIVE_MOST];
  PetscReal   target[ACTIVE_MOST];
  Passive     passive[PASSIVE_MOST];
  PetscScalar T[PATH_N][PATH_N], inverse[PATH_N][PATH_N], Q[PATH_N][PATH_N];
  PetscReal   c[PATH_N], r[PATH_N], offset, unit, t; /* t: of the end */
  End         end;
  PetscInt    first; /* the curve that ends it */
  PetscBool   rows;  /* of unlike units and no field of their own: the residual of a solve is that of the largest */
  PetscBool   clear; /* the end is near neither to the beginning nor to the target nor to another one */
  PetscScalar m, other;
  PetscReal   rtol, step;
  Vec         u, F;
  Mat         J, Fm;
  SNES        snes;
  Dini        dini;
} Path;

extern void PathDraw(Path *, Random *);
/* G, its derivative in z, and in t */
extern void PathValue(const Path *, PetscReal t, const PetscScalar z[], PetscScalar G[], PetscScalar Gz[PATH_N][PATH_N],
                      PetscScalar Gt[]);
/* z of the path at t, and the least |g_y|; false where a curve has no such point */
extern PetscBool PathTruth(const Path *, PetscReal t, PetscScalar z[], PetscReal *gy);
