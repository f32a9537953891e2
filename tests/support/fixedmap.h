/* A fixed-point problem with known derivatives and known contraction. */
#pragma once
#include "fixtures.h"

typedef enum {
  FIXEDMAP_SYMMETRIC, /* s tridiag(1/2, 0, 1/2): eigenvalues s cos(k pi / (N + 1)) */
  FIXEDMAP_NONNORMAL, /* upper bidiagonal, ones above distinct eigenvalues between s/2 and s */
  FIXEDMAP_ROTATION,  /* s times rotations in planes: complex pairs of modulus s */
  FIXEDMAP_NILPOTENT  /* s times the upper shift, without a diagonal: all eigenvalues are zero */
} FixedMapKind;

/*
  u = G(u, m) = M u + c sin(u) + m + m^2 / 4, with M turned by a phase in complex builds. So J = I - M - c diag(cos u), which
  is linear for c = 0, and F_m = -diag(1 + m / 2).
*/
typedef struct {
  Mat         M, Gu, Fm;
  PetscScalar c;
  Vec         u, m, d;
  Dini        dini;
  PetscInt    p, maps, products, adjoints, fills; /* calls */
  Fault       map, product, adjoint, fill;
} FixedMap;

/* Creates all but the Dini, with m of the size of 0.3. */
extern PetscErrorCode FixedMapCreate(PetscInt N, FixedMapKind kind, PetscReal s, PetscReal c, FixedMap *);
/* A Dini of type "fixedpoint" that knows G_u this way; it still has its own forward iteration. */
extern PetscErrorCode FixedMapDini(FixedMap *, DiniFixedPointDerivative);
extern PetscErrorCode FixedMapDestroy(FixedMap *);
/* J = I - G_u assembled at u, to be destroyed */
extern PetscErrorCode FixedMapJacobian(FixedMap *, Vec u, Mat *J);
/* u - G(u, m), and F_m */
extern PetscErrorCode FixedMapResidual(FixedMap *, Vec u, Vec F);
extern PetscErrorCode FixedMapFill(FixedMap *, Vec u, Mat Gu);
extern PetscErrorCode FixedMapReference(FixedMap *, Vec dm, Vec du, Vec ubar, Vec mbar);
/* callbacks: the map, G_u x, G_u^H x, G_u, and Newton's method for DiniSetSolve() */
extern PetscErrorCode FixedMapMap(Dini, Vec u, Vec G, void *ctx);
extern PetscErrorCode FixedMapProduct(Dini, Vec u, Vec x, Vec y, void *ctx);
extern PetscErrorCode FixedMapAdjoint(Dini, Vec u, Vec x, Vec y, void *ctx);
extern PetscErrorCode FixedMapMatrix(Dini, Vec u, Mat Gu, void *ctx);
extern PetscErrorCode FixedMapNewton(Dini, Vec u, void *ctx);
