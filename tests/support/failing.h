/* The linear problem with callbacks of every kind, one of which fails when it is told to. */
#pragma once
#include "fixtures.h"

typedef enum {
  CALL_RESIDUAL,
  CALL_JACOBIAN,
  CALL_UPDATE,
  CALL_FILL,
  CALL_APPLY,
  CALL_APPLY_ADJOINT,
  CALL_SOLVE,
  CALL_TANGENT,
  CALL_ADJOINT,
  CALL_OBJECTIVE,
  CALL_GRADIENT_U,
  CALL_GRADIENT_M,
  CALL_VECTOR, /* the right-hand side of the assembly callback */
  CALL_MATRIX, /* its matrix */
  CALL_MAX
} Call;

/* What the error has to name */
extern const char *const CallWords[CALL_MAX];

#define ALWAYS      (-1)
#define FAULT_RANKS ((Fault)(FAULT_WRONG + 1)) /* another number on each rank */

typedef struct {
  Linear   l;
  Call     call; /* the one that fails */
  Fault    fault;
  PetscInt at, count; /* at this call of it, 0 for never, or ALWAYS */
  Mat      J, Fm;
  KSP      ksp;
  Vec      m, dm, ubar, du, mbar, g, w, du0, mbar0, g0;
} Failing;

/* Dini and application on a problem of five unknowns; this call fails in this way */
extern PetscErrorCode FailingCreate(DiniType, Call, Fault, Failing *);
extern PetscErrorCode FailingDestroy(Failing *);
