/*
  The engine: who solves with J and with J^H. Private to the library, a part of diniimpl.h.

  It knows no Dini. It is given a state for its layout, J and P at a point, and the solver that the forward solve has left behind;
  what it needs of those above it, it is handed as callbacks. A solve returns what has come of it, and raises no error for
  having failed: whoever has asked for it judges.
*/
#pragma once
#include "dinidefs.h"

typedef struct _p_DiniEngine *DiniEngine;

DINI_INTERN PetscClassId DINI_ENGINE_CLASSID; /* the package registers it; the first engine, where there is none */

/* The two linear systems: J x = r and J^H x = r. An argument, never a sticky flag. */
typedef enum { DINI_TANGENT, DINI_ADJOINT } DiniDirection;

#define DINI_MAX_FIELDS 32 /* more are judged together */
#define DINI_MAX_WORK   16

/* Norms by field: a residual, its right-hand side, and what the residual is measured by */
typedef struct {
  PetscBool hasb; /* b is known */
  PetscReal b[DINI_MAX_FIELDS], r[DINI_MAX_FIELDS], scale[DINI_MAX_FIELDS];
  PetscReal limit[DINI_MAX_FIELDS];    /* what it has to come down to, times the tolerance */
  PetscReal relative;                  /* the largest r / scale */
  PetscReal rounding[DINI_MAX_FIELDS]; /* what r may be made of */
  PetscInt  worst;                     /* the field with the largest r / scale */
} DiniFieldNorms;

/* One linear solve: on its way up the ladder, and what has come of it */
typedef struct {
  PetscReal      bnorm, relative; /* |b|, and |b - A x| / |b|, of the worst field where there are several */
  DiniFieldNorms fields;
  PetscReal      seconds;      /* in Krylov methods, on the last rung */
  PetscInt       its, rungits; /* iterations in all, and on the last rung */
  PetscBool      good;
  PetscBool      stalled;     /* the last rung claims convergence and misses the tolerance */
  PetscBool      ran;         /* a rung has had a preconditioner that gives finite answers */
  PetscBool      guess;       /* x holds an initial guess */
  PetscBool      loose;       /* a KSP need not do better than the tolerance */
  PetscBool      moves;       /* the residual is small, and a correction moves x all the same, or there is none */
  PetscBool      groups;      /* it is to be known whether entries of x are orders of magnitude apart */
  PetscBool      several;     /* they are, in groups, as of the last residual */
  PetscBool      unwritten;   /* nobody has written into J, on any rank, up to the last residual */
  PetscBool      pcfailed;    /* the forward preconditioner could not be set up at this point */
  PetscReal      error;       /* of the worst field of x, where a correction has told; else zero */
  PetscReal      rate;        /* of a plain iteration: what it contracts by */
  DiniRung       rung;        /* the last one tried */
  PetscInt64     kind;        /* of like solves, like errors are expected */
  char           tried[2048]; /* what was tried, and why it has not served */
} DiniSolveResult;

/* What the engine asks for above it; each may be NULL, where there is none */
typedef struct {
  void *ctx;
  /* a solve has ended, after so many seconds */
  PetscErrorCode (*monitor)(void *ctx, DiniDirection, const DiniSolveResult *, PetscReal seconds);
  /* J with entries in place of one that lacks products with J^H; NULL where there is none, for the reason `why` */
  PetscErrorCode (*assembled)(void *ctx, Mat J, Mat P, Mat *A, const char **why);
  /* the KSP of the forward solve, whose preconditioner is kept; NULL: it has used none */
  PetscErrorCode (*forward)(void *ctx, KSP *);
  /* has somebody written into J since it was taken? what this rank knows */
  PetscErrorCode (*written)(void *ctx, PetscBool *mine);
  /* takes out of a random right-hand side what solves do not see */
  PetscErrorCode (*project)(void *ctx, Vec);
} DiniEngineCallbacks;

/* What holds for a while and is set by the owner, before it asks for something */
typedef struct {
  PetscObject owner;       /* whose prefix, options and indentation KSPs have; NULL: the engine's */
  const char *label;       /* how errors call it */
  PetscBool   guard;       /* what the application says is looked at */
  PetscBool   fromoptions; /* KSPs and preconditioners read options */
  PetscBool   forward;     /* there may be a forward solver, to be asked for */
  PetscBool
      fronts; /* entries of a solution may be next to nothing, where it has not come yet, without units of their own */
  PetscReal stepseconds;    /* of a forward step, which holds a set-up of the preconditioner; 0: not known */
  PetscReal testseconds[2]; /* for tests, in place of the clock: of an iteration and of a set-up; 0: the clock */
} DiniEngineTerms;

/* Tolerances of linear solves for the time of a call, and what they were before */
typedef struct {
  PetscReal rtol[2];   /* indexed by DiniDirection */
  KSP       ksp[2][3]; /* as they were, not references */
  PetscReal kspas[2][3];
} DiniTolerances;

/* Right-hand sides seen so far, and how they span the next */
typedef struct {
  PetscInt     n, size; /* columns in all, and in the basis */
  PetscInt    *column;  /* of the basis */
  PetscScalar *gram;    /* B^H B, n x n by columns */
  PetscScalar *L;       /* lower triangle of the factor, n x n by rows */
  PetscScalar *y;       /* work, then the coefficients */
  PetscScalar *mine;    /* this rank's part of the sum */
} DiniSpan;

/* life */
DINI_INTERN PetscErrorCode DiniEngineCreate_Private(MPI_Comm, const DiniEngineCallbacks *, DiniStatistics *,
                                                    DiniEngine *);
DINI_INTERN PetscErrorCode DiniEngineSetTerms_Private(DiniEngine, const DiniEngineTerms *);
DINI_INTERN PetscErrorCode DiniEngineSetState_Private(DiniEngine, Vec u);
DINI_INTERN PetscErrorCode DiniEngineSetPC_Private(DiniEngine, PC);
DINI_INTERN PetscErrorCode DiniEngineSetFromOptions_Private(DiniEngine, DiniOptionItems);
DINI_INTERN PetscErrorCode DiniEngineView_Private(DiniEngine, PetscViewer);
DINI_INTERN PetscErrorCode DiniEngineReset_Private(DiniEngine);
DINI_INTERN PetscErrorCode DiniEngineDestroy_Private(DiniEngine *);
DINI_INTERN PetscErrorCode DiniEngineLinearize_Private(DiniEngine, Mat J, Mat P, PetscInt64 point);
DINI_INTERN PetscErrorCode DiniEngineGetJacobian_Private(DiniEngine, Mat *J, Mat *P);
DINI_INTERN PetscErrorCode DiniEngineSameValues_Private(DiniEngine, Mat, PetscObjectState before);

/* setters, and what they have set */
DINI_INTERN PetscErrorCode DiniEngineSetTolerances_Private(DiniEngine, PetscReal tangent, PetscReal adjoint);
DINI_INTERN PetscErrorCode DiniEngineGetTolerances_Private(DiniEngine, PetscReal *tangent, PetscReal *adjoint);
DINI_INTERN PetscReal      DiniEngineTolerance_Private(DiniEngine, DiniDirection);
DINI_INTERN PetscErrorCode DiniEngineUseTolerances_Private(DiniEngine, PetscReal tangent, PetscReal adjoint,
                                                           DiniTolerances *before);
DINI_INTERN PetscErrorCode DiniEngineRestoreTolerances_Private(DiniEngine, const DiniTolerances *before);
DINI_INTERN PetscErrorCode DiniEngineSetTranspose_Private(DiniEngine, DiniTranspose);
DINI_INTERN PetscErrorCode DiniEngineSetReuse_Private(DiniEngine, DiniReuse);
DINI_INTERN PetscErrorCode DiniEngineGetReuse_Private(DiniEngine, DiniReuse *);
DINI_INTERN PetscErrorCode DiniEngineBeginDirect_Private(DiniEngine);
DINI_INTERN PetscErrorCode DiniEngineSetDirectMax_Private(DiniEngine, PetscInt);
DINI_INTERN PetscErrorCode DiniEngineGetDirectMax_Private(DiniEngine, PetscInt *);
DINI_INTERN PetscErrorCode DiniEngineSetBlockSize_Private(DiniEngine, PetscInt);
DINI_INTERN PetscErrorCode DiniEngineGetBlockSize_Private(DiniEngine, PetscInt *);
DINI_INTERN PetscErrorCode DiniEngineGetKSP_Private(DiniEngine, DiniDirection, KSP *);
DINI_INTERN PetscErrorCode DiniEngineWork_Private(DiniEngine, Vec *work[DINI_MAX_WORK], int *n);

/* solves */
DINI_INTERN PetscErrorCode DiniEngineCompatible_Private(DiniEngine, DiniDirection, Vec b, Vec *projected);
DINI_INTERN PetscErrorCode DiniEngineSolve_Private(DiniEngine, DiniDirection, Vec b, Vec x, DiniSolveResult *);
DINI_INTERN PetscErrorCode DiniEngineIterate_Private(DiniEngine, DiniDirection, PetscInt max, Vec b, Vec x,
                                                     DiniSolveResult *);
DINI_INTERN PetscErrorCode DiniEngineVerify_Private(DiniEngine, DiniDirection, Vec b, Vec x, DiniSolveResult *);
DINI_INTERN PetscErrorCode DiniEngineDoubt_Private(DiniEngine);
DINI_INTERN PetscErrorCode DiniEngineRegular_Private(DiniEngine, DiniDirection, const DiniSolveResult *);
DINI_INTERN PetscErrorCode DiniEngineBlockSolve_Private(DiniEngine, DiniDirection, Mat B, Mat X,
                                                        const PetscReal bnorm[], PetscBool good[], PetscBool *alone);
DINI_INTERN PetscErrorCode DiniEngineLooseRung_Private(DiniEngine, DiniDirection, PetscBool setup, DiniRung *);
DINI_INTERN PetscErrorCode DiniEngineLoose_Private(DiniEngine, DiniDirection, DiniRung, Vec r, Vec d, PetscReal rtol,
                                                   PetscBool *good);
DINI_INTERN PetscBool      DiniEngineSolved_Private(DiniEngine, DiniDirection);
DINI_INTERN PetscErrorCode DiniEngineMult_Private(DiniEngine, DiniDirection, Vec x, Vec y);
DINI_INTERN PetscInt64     DiniEngineKind_Private(DiniEngine, const DiniSolveResult *);
DINI_INTERN const char    *DiniEngineSingular_Private(DiniEngine);
DINI_INTERN PetscErrorCode DiniEngineIsSingular_Private(DiniEngine, PetscBool *singular);
DINI_INTERN PetscErrorCode DiniEngineMend_Private(DiniEngine);
DINI_INTERN PetscErrorCode DiniEngineGiveBack_Private(DiniEngine);
DINI_INTERN PetscErrorCode DiniEngineBeforeForward_Private(DiniEngine);
DINI_INTERN PetscErrorCode DiniEngineNullSpace_Private(DiniEngine, DiniDirection, MatNullSpace *);
DINI_INTERN PetscErrorCode DiniCopyNullSpaces_Private(Mat from, Mat to);
DINI_INTERN PetscErrorCode DiniFactorTakesBlocks_Private(PC, PetscBool *takes);

/* verdicts */
DINI_INTERN PetscErrorCode      DiniEngineCount_Private(DiniEngine, DiniDirection, const DiniSolveResult *,
                                                        PetscReal seconds);
DINI_INTERN PetscErrorCode      DiniEngineRefuse_Private(DiniEngine, DiniDirection, const DiniSolveResult *,
                                                         const char near[]);
DINI_INTERN DiniConvergedReason DiniEngineReason_Private(DiniDirection, const DiniSolveResult *);

/* the last solve */
DINI_INTERN PetscErrorCode DiniEngineForget_Private(DiniEngine, DiniDirection);
DINI_INTERN PetscErrorCode DiniEngineRecall_Private(DiniEngine, DiniDirection, Vec b, PetscReal norm, Vec x,
                                                    DiniSolveResult *, PetscBool *known);
DINI_INTERN PetscErrorCode DiniEngineRemember_Private(DiniEngine, DiniDirection, Vec b, Vec x, const DiniSolveResult *);

/* right-hand sides that span each other */
DINI_INTERN PetscErrorCode DiniSpanCreate_Private(Mat B, DiniSpan *);
DINI_INTERN PetscErrorCode DiniSpanDestroy_Private(DiniSpan *);
DINI_INTERN PetscErrorCode DiniSpanGuess_Private(DiniSpan *, Mat X, PetscInt j, Vec x, PetscBool *worth);
DINI_INTERN PetscErrorCode DiniSpanDistinct_Private(Mat B, PetscInt like[], PetscScalar factor[], PetscInt *distinct);

/* fields of unlike units */
DINI_INTERN PetscErrorCode DiniEngineGetFields_Private(DiniEngine, PetscInt *n, const unsigned char **field);
DINI_INTERN PetscErrorCode DiniEngineSaidFields_Private(DiniEngine, PetscBool each, PetscInt *n,
                                                        unsigned char *field[]);
DINI_INTERN PetscErrorCode DiniEngineDeclared_Private(DiniEngine, Mat J, PetscInt *n, const unsigned char **field);
DINI_INTERN const char    *DiniEngineFieldName_Private(DiniEngine, PetscInt f);
DINI_INTERN PetscErrorCode DiniEngineFieldError_Private(DiniEngine, DiniDirection, Vec b, Vec x, Vec d,
                                                        PetscReal *error);
DINI_INTERN PetscErrorCode DiniEngineJudgeState_Private(DiniEngine, Vec u, Vec F, PetscReal limit, PetscReal *relative,
                                                        PetscBool *good, const char **field);
DINI_INTERN PetscErrorCode DiniEngineStateFalls_Private(DiniEngine, Vec F, PetscReal *relative);
