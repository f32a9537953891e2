/* A(k) u = b with matrices that have no copy of their own. */
#pragma once
#include "dinitest.h"

typedef enum {
  SYSTEM_SHELL,           /* T(k) + c v v^T, applied; P = T */
  SYSTEM_SHELL_DUPLICATE, /* the same with a MATOP_DUPLICATE of the application's */
  SYSTEM_LRC,             /* the same as a low-rank update */
  SYSTEM_COMPOSITE,       /* T(k) + S */
  SYSTEM_TRANSPOSED,      /* nest [T, B^T; B, S] with a virtual B^T, B(k) */
  SYSTEM_TWICE,           /* nest [T, T; S, 2 S] with T(k) twice */
  SYSTEM_SHELL_P,         /* T(k), preconditioned by a shell */
  SYSTEM_KINDS
} SystemKind;

typedef struct {
  SystemKind  kind;
  PetscScalar k;
  Mat         T, S, B, A, P;
  Vec         v, u, b;
  KSP         ksp;
  Dini        dini;
  PetscInt    n, N;
} System;

extern PetscErrorCode SystemFill(System *s, Mat A, Mat P);
extern PetscErrorCode SystemCreate(SystemKind kind, System *s);
extern PetscErrorCode SystemDestroy(System *s);
