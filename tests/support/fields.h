/* Two fields in a VECNEST, and the same relation on plain vectors. */
#pragma once
#include "fixtures.h"

/*
  f_0 = 3 u_0 + u_0^3 + k S u_1 - m_0,  f_1 = 2 u_1 - u_0^2 / 4 + 0.3 S^T u_0 - m_1^2 by entries, S the upper shift over the
  ranks. The plain twin has the local parts one after the other, as a nest has them.
*/
typedef enum { NEST_MATRIX, NEST_SHELL, NEST_DIFFERENCES, NEST_NESTED, NEST_MAX } FieldsKind;

typedef struct {
  FieldsKind  kind;
  PetscScalar k, kplain;
  Mat         S, A[4], N, J; /* J: N, or a shell of it */
  Vec         u, m, x[2], y[2], f[2];
  Vec         uplain, mplain;
  SNES        snes;
  Dini        dini, plain;
} Fields;

/* The nest's Dini has solved, the plain one is attached there; blocks m and k */
extern PetscErrorCode FieldsCreate(FieldsKind kind, Fields *);
extern PetscErrorCode FieldsDestroy(Fields *);
/* Filled, as a nest and as the plain one */
extern PetscErrorCode FieldsVec(Fields *, PetscInt seed, Vec *v, Vec *plain);
/* The two fields of a nest, the first of which may be a nest of one */
extern PetscErrorCode FieldsParts(Vec v, Vec part[2]);
