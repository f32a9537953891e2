/* The application that is differentiated, and a case: its objects, its faults, what became of it */
#pragma once
#include "fuzz.h"

/* ---- faults.c: what a callback is made to do, and what an error says ---- */
typedef enum { FAULT_OFF, FAULT_NAN_ALL, FAULT_NAN_ONE, FAULT_ERROR_ALL, FAULT_ERROR_ONE, FAULT_KINDS } FaultKind;
typedef enum { AT_RESIDUAL, AT_JACOBIAN, AT_PARAMETER, AT_UPDATE, AT_SOLVE, AT_OBJECTIVE, AT_PLACES } FaultPlace;

typedef struct {
  FaultKind   kind;
  FaultPlace  place;
  PetscInt    wait; /* calls that go well before */
  PetscMPIInt rank;
  PetscBool   fired;
} Injected;

/* What the error handler has seen since FuzzBegin() */
typedef struct {
  PetscInt  raised;
  PetscBool dini; /* the last message was raised in the library */
  PetscBool own;  /* one of the messages was this program's */
  char      text[640], function[64];
} Trace;

/* ---- what a call came to ---- */
typedef enum { RIGHT, TOLD, REFUSED, NAMED, WRONG, RAW, ONESIDED, OUTCOMES } Outcome;

/* ---- blocks ---- */
typedef enum { WAY_MATRIX, WAY_CONSTANT, WAY_OPERATOR, WAY_COLORING, WAY_FD, WAY_RHS, WAY_ZERO, WAYS } Way;
typedef enum { STORE_DIRECT, STORE_COPY, STORE_RAW, STORE_GHOSTED, STORE_NESTED, STORE_NUMBER, STORES } Store;

struct App;
typedef struct {
  struct App  *app;
  PetscInt     b, n;
  char         name[16];
  Way          way;
  Store        store;
  Vec          m, part[2];
  PetscScalar *raw, *spare; /* arrays under m */
  PetscBool    placed;
  PetscScalar  copy[FUZZ_M], number; /* what the residual reads */
  PetscInt     order[FUZZ_M];        /* parameter (within the block) of each column of F_m, by rank */
  PetscInt     start;                /* first column of this rank */
  Mat          Fm;
} Block;

typedef enum {
  JACOBIAN_EXACT,
  JACOBIAN_APPROXIMATE,
  JACOBIAN_FD,
  JACOBIAN_FDCOLOR,
  JACOBIAN_MF,
  JACOBIAN_MFOPERATOR,
  JACOBIAN_SHELL,
  JACOBIAN_NONE,
  JACOBIANS
} JacobianKind;

typedef struct {
  PetscReal tolerance, second;       /* of derivatives, of Hessian products */
  PetscBool unverified, soft, plain; /* no guard; reasons in place of errors; the transpose in place of the adjoint */
} Demands;

#define FUZZ_PINS 3
/* A Dini, its state, and the point at which it has a right to differentiate */
typedef struct {
  Dini         dini;
  Vec          u;
  PetscScalar *raw, *spare;
  Point        at;
  Mat          pin[FUZZ_PINS];
  PetscInt     pinned[FUZZ_PINS]; /* the block, or DINI_ALL_PARAMETERS */
  Point        pinnedat[FUZZ_PINS];
  PetscBool    monitored, unknown; /* after a call that failed half-way: whatever u and m are */
  PetscInt     linearizations;     /* before any at this point; -1: there has been one */
  PetscBool    assembled;          /* before its statistics were reset */
} Handle;

typedef struct App {
  MPI_Comm     comm;
  PetscMPIInt  rank, size;
  Random       random;
  Relation     R;
  PetscReal    unit;     /* the largest factor that directions and cotangents have had */
  PetscScalar  context;  /* a number that the residual reads and Dini does not know */
  PetscInt     n, start; /* unknowns of this rank */
  Block        block[FUZZ_B];
  JacobianKind jacobian;
  PetscBool    rawstate, dense;
  Mat          J, Gu;
  Vec          b, f;
  PetscScalar  shell[FUZZ_N][FUZZ_N]; /* the Jacobian shell at its point */
  SNES         snes;
  KSP          ksp;
  Handle       handle[2];
  Demands      demands;
  Injected     fault;
  Trace        trace;
  const char  *avoid;        /* subjects left out, -avoid */
  PetscInt     depth, armed; /* of calls out of monitors */
  Handle      *current;
  PetscInt     flat[FUZZ_M], nflat; /* parameter of each entry of a flat vector, by rank */
  char         text[FUZZ_TEXT], options[2048];
  size_t       length;
  PetscInt     step;
  PetscBool    talk;
  PetscInt     count[OUTCOMES];
  char         failure[1024], refusal[640];
  PetscReal    worst, told; /* of its tolerance; what Dini says of the last derivative */
} App;

/* faults.c */
extern PetscErrorCode FuzzHandler(MPI_Comm, int, const char *, const char *, PetscErrorCode, PetscErrorType,
                                  const char *, void *);
extern PetscBool      FuzzAvoids(const App *, const char what[]);
extern void           FuzzBegin(App *, const char what[]);
/* All ranks agree on what a call came to */
extern Outcome        FuzzEnd(App *, const char what[], PetscErrorCode);
extern void           FuzzFail(App *, Outcome, const char what[], const char why[]);
extern PetscErrorCode FuzzInject(App *, FaultPlace, PetscBool *nan);
extern void           FuzzSay(App *, const char format[], ...) PETSC_ATTRIBUTE_FORMAT(2, 3);
#define FuzzTry(app, what, call) (FuzzBegin(app, what), FuzzEnd(app, what, call))

/* application.c */
extern PetscErrorCode AppGather(App *, Vec, PetscScalar all[]);
extern PetscErrorCode AppState(App *, Vec u, PetscScalar v[]);
extern PetscErrorCode AppWriteState(App *, const PetscScalar v[], Vec u);
extern PetscErrorCode AppCreate(App *);
extern PetscErrorCode AppDestroy(App *);
extern PetscErrorCode AppFillJacobian(App *, Vec u, Mat J, PetscBool fixedpoint, PetscBool exact);
extern PetscErrorCode AppResidual(App *, Vec u, Vec F, PetscBool fixedpoint);

/* parameters.c */
extern PetscErrorCode ParametersCreate(App *);
extern PetscErrorCode ParametersDestroy(App *);
extern PetscErrorCode ParametersFlat(App *);
extern PetscErrorCode ParametersRead(App *, PetscScalar q[]);   /* what the residual reads: may be stale */
extern PetscErrorCode ParametersGather(App *, PetscScalar q[]); /* what the Vecs hold */
extern PetscErrorCode ParametersWriteFlat(App *, const PetscScalar q[], PetscBool dual, Vec flat);
extern PetscErrorCode ParametersReadFlat(App *, Vec flat, PetscBool dual, PetscScalar q[]);
/* The parameters (within the block) of this rank's entries, in the order of its local part */
extern PetscErrorCode BlockOwned(Block *, PetscInt *n, PetscInt mine[]);
extern PetscErrorCode BlockWrite(Block *, const PetscScalar q[], const PetscInt route);

/* callbacks.c */
extern PetscErrorCode          ParametersAdd(App *, Dini);
extern DiniParameterJacobianFn FuzzFill;

/* solvers.c */
extern PetscErrorCode SolversCreate(App *);
extern PetscErrorCode HandleCreate(App *, Handle *); /* through FuzzTry(): its errors are Dini's */
extern PetscErrorCode HandleDestroy(App *, Handle *);

/* options.c */
extern PetscErrorCode OptionsDraw(App *);
extern PetscErrorCode OptionsClear(App *);

/* sequence.c, derive.c, changes.c */
extern PetscErrorCode SequenceRun(App *);
extern PetscErrorCode Forward(App *, Handle *);
extern PetscErrorCode Derive(App *, Handle *);
extern PetscErrorCode Change(App *, Handle *);
extern PetscErrorCode DeriveMonitored(App *, Handle *);
extern PetscBool      FuzzTold(const App *, PetscReal distance); /* by what Dini reports */
extern void           FuzzCompare(App *, const char what[], PetscReal distance, PetscReal tolerance);
