/* A relation that contains the solve of another one. */
#pragma once
#include "fixtures.h"

/*
  inner: v + v^3 + a S v = u + m^2, S the upper shift; blocks u and m
  outer: 3 u + b S^T u + u v(u, m) = m; block m, the same Vec
  All products of vectors are by entries.
*/
typedef struct {
  PetscScalar a, b;
  PetscReal   hidden; /* added to the inner relation; no parameter */
  Vec         u, v, m, uin, d;
  SNES        insnes, snes;
  Dini        inner, outer;
  Mat         S, Gv, Ru, Rv, Rm, Du, Dm, J, Fm;
  PetscBool   pinned;
} Nest;

/* The inner Dini with its derivatives pinned where u = 0; NestOuter() adds the outer one, F_m as a matrix or by products */
extern PetscErrorCode NestCreate(PetscInt N, Nest *);
extern PetscErrorCode NestOuter(Nest *, PetscBool operators);
extern PetscErrorCode NestDestroy(Nest *);
/* v(u, m), by the inner Dini: wherever that was before */
extern PetscErrorCode NestInner(Nest *, Vec u);
/* G_v at v, in a matrix with the pattern of S */
extern PetscErrorCode NestInnerMatrix(Nest *, Vec v, Mat A);
/* The dense J and F_m of the outer relation, by elimination column by column */
extern PetscErrorCode NestReference(Nest *, Vec u, Vec v, Vec m, Mat *J, Mat *Fm);
