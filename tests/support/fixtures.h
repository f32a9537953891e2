/* Problems to differentiate, small enough for closed forms and mean enough for faults to show. */
#pragma once
#include "dinitest.h"
#include <petscdmda.h>

/* What a callback does wrong, on purpose. */
typedef enum {
  FAULT_NONE,
  FAULT_NAN,       /* NaN in one entry, on the last rank */
  FAULT_ERROR,     /* returns PETSC_ERR_USER on all ranks */
  FAULT_ERROR_ONE, /* returns PETSC_ERR_USER on the last rank only */
  FAULT_WRONG      /* a value that is off by half */
} Fault;

extern PetscErrorCode FaultInject(Fault fault, Vec v);
extern PetscErrorCode FaultInjectMat(Fault fault, Mat A);

/*
  u + u^3 + a S u = m on every row, S the upper shift. With a = 0 everything is diagonal: J = 1 + 3 u^2, F_m = -1, and
  m = 2 gives u = 1. With a /= 0 the system is nonsymmetric, and complex in complex builds.
*/
typedef struct {
  PetscScalar a;
  Mat         S, J, Fm;
  Vec         u, m, d; /* state, parameter, work */
  Vec         seen;    /* what the residual reads: m itself, or the copy that the update callback has made */
  Vec         backup;  /* the copy */
  SNES        snes;
  Dini        dini;
  PetscInt    p;                                            /* number of the block */
  PetscInt    residuals, jacobians, fills, solves, updates; /* calls */
  Fault       residual, jacobian, fill, solve, update;
} Cubic;

extern PetscErrorCode CubicCreate(PetscInt N, PetscScalar a, Cubic *);
/* A Dini of type "snes" or "shell" with the block "m" of this kind; NULL: left to the library, which takes differences. */
extern PetscErrorCode CubicDini(Cubic *, DiniType type, DiniParameterType kind);
extern PetscErrorCode CubicDestroy(Cubic *);
extern PetscErrorCode CubicResidual(Cubic *, Vec u, Vec F);
extern PetscErrorCode CubicJacobian(Cubic *, Vec u, Mat J);
extern PetscErrorCode CubicUpdate(Dini, Vec m, void *ctx);

/*
  -div(e^m (1 + u^2) grad u) + Pe b.grad u + s u^3 = f on the unit square, u = 0 on its boundary, five points on a DMDA.
  Nonsymmetric, nonlinear in state and parameters, complex in complex builds. F_m has the pattern of J and its own values.
*/
typedef struct {
  DM          dm;
  PetscScalar peclet, reaction;
  Mat         J, Fm;
  Vec         u, m, f;
  SNES        snes;
  Dini        dini;
  PetscInt    p, residuals, jacobians, fills;
  PetscReal   alpha; /* of the objective 1/2 |u - 0.3|^2 + alpha/2 |m|^2 */
  Fault       objective;
} Transport;

extern PetscErrorCode TransportCreate(PetscInt nx, PetscInt ny, Transport *);
extern PetscErrorCode TransportDini(Transport *, DiniParameterType kind);
extern PetscErrorCode TransportDestroy(Transport *);
extern PetscErrorCode TransportResidual(Transport *, Vec u, Vec F);
extern PetscErrorCode TransportJacobian(Transport *, Vec u, Mat J);
extern PetscErrorCode TransportFill(Transport *, Vec u, Vec m, Mat Fm);
/* The reference derivatives at (t->u, t->m), with matrices of their own. */
extern PetscErrorCode TransportReferenceJVP(Transport *, Vec dm, Vec du);
extern PetscErrorCode TransportReferenceVJP(Transport *, Vec ubar, Vec mbar);
extern PetscErrorCode TransportObjective(Dini, Vec u, PetscReal *value, void *ctx);
extern PetscErrorCode TransportObjectiveGradient(Dini, Vec u, Vec dJdu, Vec dJdm, void *ctx);

/*
  u + m u^3 + a S (m^2 u) = 2 with the upper shift S, and the objective 1/2 |u - data|^2 + alpha/2 |m|^2 + beta Re <u, m>:
  every second derivative of F and of the objective but F_mm's diagonal has entries of its own, complex in complex builds.
*/
typedef struct {
  PetscScalar a, data;
  PetscReal   alpha, beta;
  Mat         S, J, Fm, A, B; /* A, B: of the products */
  Vec         u, m, w;
  SNES        snes;
  Dini        dini;
  PetscBool   shell; /* set before CurvedDini(): J is a shell */
  Fault       second;
  PetscInt    jacobians, fills, seconds;
} Curved;

extern PetscErrorCode          CurvedCreate(PetscInt N, Curved *);
extern PetscErrorCode          CurvedDini(Curved *, DiniParameterType kind);
extern PetscErrorCode          CurvedDestroy(Curved *);
extern PetscErrorCode          CurvedResidual(Curved *, Vec u, Vec F);
extern DiniObjectiveFn         CurvedObjective;
extern DiniObjectiveGradientFn CurvedObjectiveGradient;
extern DiniObjectiveHessianFn  CurvedObjectiveHessian;
extern DiniResidualHessianFn   CurvedResidualHessian;

/*
  A(m) u = b(m): tridiagonal, nonsymmetric, with complex entries in complex builds; column j of A depends on m_j in two
  rows and b is quadratic in m. The same problem through each type: "ksp", "snes" and "shell".
*/
typedef struct {
  Mat      A, B, Fm; /* B: the residual's own matrix */
  Vec      b, c, m, u;
  KSP      ksp;
  SNES     snes;
  Dini     dini;
  PetscInt p, assemblies;
  Fault    assembly;
} Linear;

extern PetscErrorCode LinearCreate(PetscInt N, Linear *);
extern PetscErrorCode LinearDini(Linear *, DiniType type, DiniParameterType kind);
extern PetscErrorCode LinearDestroy(Linear *);
extern PetscErrorCode LinearAssemble(Linear *, Mat A, Vec b);
extern PetscErrorCode LinearFill(Linear *, Vec u, Vec m, Mat Fm);

/* Replaces pc by a diagonal shell that counts its set-ups and applies, and can be wrong on purpose. */
typedef struct {
  PetscInt  setups, applies, transposes;
  PetscReal transpose_scale; /* 1: right; other: the transposed apply is that of another matrix; NaN: NaN */
  PetscReal apply_scale;     /* likewise for the apply itself */
  Vec       d;
} CountingPC;

extern PetscErrorCode CountingPCSet(PC pc, CountingPC *);
extern PetscErrorCode CountingPCDestroy(CountingPC *);

/* Replaces pc by a diagonal shell that has this fault while it is armed. */
typedef enum {
  FAULTYPC_NONE,
  FAULTYPC_TRANSPOSE_WRONG, /* the transposed apply is that of another matrix */
  FAULTYPC_TRANSPOSE_ZERO,
  FAULTYPC_SPOIL, /* the transposed apply overwrites its input */
  FAULTYPC_NAN,   /* every seventh apply, on the last rank */
  FAULTYPC_TRANSPOSE_NAN,
  FAULTYPC_DRIFT,     /* not the same operator from one apply to the next */
  FAULTYPC_ONE,       /* an apply fails on the last rank, by PCSetFailedReason() and Inf */
  FAULTYPC_SETUP_ONE, /* a set-up fails on the last rank, by PCSetFailedReason() */
  FAULTYPC_ERROR,     /* an apply returns an error on all ranks */
  FAULTYPC_MAX
} FaultyPCFault;
extern const char *const FaultyPCNames[];

typedef struct {
  FaultyPCFault fault;
  PetscBool     armed;
  PetscInt      applies;
  Vec           d, w;
} FaultyPC;

extern PetscErrorCode FaultyPCSet(PC pc, FaultyPCFault fault, FaultyPC *);
extern PetscErrorCode FaultyPCDestroy(FaultyPC *);
