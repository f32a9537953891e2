/* A relation with two roots, one SNES and one matrix for both of them. */
#pragma once
#include "dinitest.h"

/* F = m u^2 + m^2 u - c on every entry: roots u+ and u-, J = 2 m u + m^2, F_m = u^2 + 2 m u */
typedef enum { ROOTS_AIJ, ROOTS_NEST, ROOTS_SHELL } RootsKind;

typedef struct {
  RootsKind kind;
  PetscReal c;
  PetscBool writes; /* the residual fills J, too */
  Mat       J, Fm, B;
  Vec       m, ujac, w;
  SNES      snes;
  PetscInt  n, fills, jacobians;
} Roots;

/* callbacks, and what they do */
extern PetscErrorCode RootsFillJ(Roots *r, Vec u);
extern PetscErrorCode RootsJacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx);
extern PetscErrorCode RootsFillFm(Dini dini, Vec u, Vec m, Mat Fm, void *ctx);
extern PetscErrorCode RootsFillZero(Dini dini, Vec u, Vec m, Mat Fm, void *ctx);

extern PetscErrorCode RootsCreate(RootsKind kind, Roots *r);
extern PetscErrorCode RootsDestroy(Roots *r);
extern PetscErrorCode RootsBranch(Roots *r, PetscReal near, PetscBool matrix, Dini *dini, Vec *u);
extern PetscReal      RootsSlope(PetscReal u);
extern PetscErrorCode RootsExpect(Vec v, PetscReal value, const char what[]);
extern PetscErrorCode RootsCheck(Roots *r, Dini dini, PetscReal u, const char what[]);
