/* Private to src/tangent: who solves with J and with J^H. */
#pragma once
#include "diniimpl.h"

/* What the transposed apply of the forward preconditioner is worth, by the table of liars and a probe. */
typedef enum {
  DINI_TRANSPOSED_UNKNOWN,
  DINI_TRANSPOSED_NONE,    /* there is none, or it is not that of the apply */
  DINI_TRANSPOSED_INEXACT, /* near it, as of an inner iteration: fit for a flexible Krylov method */
  DINI_TRANSPOSED_EXACT
} DiniTransposed;

/* What stands behind the PCSHELL of Dini's KSPs. */
typedef enum {
  DINI_APPLY_FORWARD,        /* M */
  DINI_APPLY_ADJOINT,        /* M^H */
  DINI_APPLY_DIRECT,         /* the factorisation of the last rung */
  DINI_APPLY_DIRECT_ADJOINT, /* its conjugate transpose */
  DINI_APPLY_COMPANION       /* what has been set up on P^H */
} DiniApply;

/* Preconditioners whose reuse flag is raised, and what it was */
typedef struct {
  PetscInt   n, max;
  PC        *pcs;
  PetscBool *reuse;
} DiniFrozen;

#define DINI_MAX_FIELDS 32 /* more are judged together */

/* Norms by field: a residual, its right-hand side, and what the residual is measured by */
typedef struct {
  PetscBool hasb; /* b is known */
  PetscReal b[DINI_MAX_FIELDS], r[DINI_MAX_FIELDS], scale[DINI_MAX_FIELDS];
  PetscReal limit[DINI_MAX_FIELDS];    /* what it has to come down to, times the tolerance */
  PetscReal relative;                  /* the largest r / scale */
  PetscReal rounding[DINI_MAX_FIELDS]; /* what r may be made of */
  PetscInt  worst;                     /* the field with the largest r / scale */
} DiniFieldNorms;

/* One linear solve on its way up the ladder */
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
  PetscReal      error;       /* of the worst field of x, where a correction has told; else zero */
  DiniRung       rung;        /* the last one tried */
  char           tried[2048]; /* what was tried, for the error message */
} DiniSolveStatus;

/* What an assembled transpose was made from */
typedef struct {
  PetscObjectState pattern, values;
} DiniTransposeState;

/* Right-hand sides seen so far, and how they span the next */
typedef struct {
  PetscInt     n, size; /* columns in all, and in the basis */
  PetscInt    *column;  /* of the basis */
  PetscScalar *gram;    /* B^H B, n x n by columns */
  PetscScalar *L;       /* lower triangle of the factor, n x n by rows */
  PetscScalar *y;       /* work, then the coefficients */
  PetscScalar *mine;    /* this rank's part of the sum */
} DiniBasis;

/* A solve that has been done, good to rtol; norm 0: none */
typedef struct {
  Vec        b, x;
  PetscReal  norm, relative, rtol, error; /* |b|, |b - A x| / |b|, and what a correction has told of x */
  PetscInt64 point, kind;
} DiniLast;

struct _DiniEngine {
  /* set by the user */
  DiniTranspose transpose;
  DiniReuse     reuse;
  PetscReal     rtol[2];  /* accepted true relative residuals, indexed by DiniDirection: of the call under way */
  PetscReal     asked[2]; /* the same as the user has them */
  PetscInt      directmax;
  PetscInt      blocksize;

  /* children */
  KSP          ksp[2];
  KSP          gmres[2];  /* for where another Krylov method fails */
  KSP          companion; /* of the explicit transpose */
  PC           companionpc;
  PC           pc;     /* of the forward solver, or the engine's own where there is none */
  PC           direct; /* of the last rung */
  PetscBool    ownpc;  /* pc has been made by the engine */
  Mat          J, P;   /* at the point, references */
  Mat          JH;     /* J^H by products */
  Mat          PH;     /* P^H assembled, for the explicit transpose */
  Mat          AH;     /* J^H assembled, where J is not P and the forward preconditioner has blocks of J in it; or PH */
  Vec          b, e;   /* right-hand side and correction: PETSc never sees a vector of the caller */
  Vec          c;      /* conjugates in complex builds */
  Vec          projected; /* a right-hand side without its part in a null space */
  MatNullSpace null[2];   /* of J, and of J^H */
  DiniLast     last[2];

  /* fields of unlike units */
  PetscInt       nfields; /* 0: not looked at yet */
  unsigned char *field;   /* of each local unknown */
  char (*fieldname)[64];
  PetscReal *blocks[2];      /* sizes of the blocks of J and of J^H, row by row */
  PetscBool  blocksready[2]; /* they belong to the point */
  PetscBool  fieldssaid;     /* by the application, not found in the sizes of J */
  PetscInt   statefields;    /* of so many fields the sizes of the terms of F are known, at the state of some point */
  PetscReal  statesize[DINI_MAX_FIELDS];

  /* status */
  DiniTransposed     transposed;
  PetscBool          symmetric; /* nothing needs transposing */
  PetscBool          decided;   /* symmetric and transposed are known for this J, P and PC */
  PetscBool          choose[2]; /* the method of the KSP is Dini's to choose, and has not been yet */
  PetscBool          ready[2];  /* the KSP has the operators of the point */
  PetscBool          companionready, companionfailed, directready;
  PetscBool          spoiled;           /* a solve is done again, since J has been written to under it */
  PetscBool          fresh;             /* the PC belongs to the point */
  PetscBool          broken;            /* its set-up at the point has failed */
  PetscBool          stood;             /* it has been set up when last looked at */
  PetscBool          determines;        /* null vectors of J^H have been found to leave mbar alone */
  PetscBool          regular;           /* a random right-hand side has been solved for, once for an object */
  char               singular[320];     /* what shows that J is singular at the point, empty when nothing does */
  DiniRung           start[2];          /* where the last solve succeeded */
  DiniTransposeState transposedfrom[2]; /* of P and J when PH and AH were made */

  /* what keeping the PC has cost at this point, and what a set-up costs */
  PetscInt  overspent;           /* iterations beyond a fresh PC's */
  PetscReal extra, setupseconds; /* their seconds, and those of a set-up; on this rank */
  PetscInt  freshits[2];
};

/* preconditioner */
DINI_INTERN PetscErrorCode DiniEngineGetPC_Private(Dini);
DINI_INTERN PetscErrorCode DiniEngineSetUpPC_Private(Dini, PetscBool refresh);
DINI_INTERN PetscErrorCode DiniEngineStands_Private(Dini);
DINI_INTERN PetscErrorCode DiniEnginePCFailed_Private(Dini, PC, PetscBool *failed);
DINI_INTERN PetscErrorCode DiniEngineSetShell_Private(Dini, PC);
DINI_INTERN PetscErrorCode DiniEngineSetApply_Private(KSP, DiniApply);
DINI_INTERN DiniApply      DiniEngineRungApply_Private(DiniEngine, DiniDirection, DiniRung);
DINI_INTERN DiniApply      DiniEngineApplies_Private(DiniEngine, DiniDirection);
DINI_INTERN PetscErrorCode DiniEngineDestroyKSP_Private(KSP *);
DINI_INTERN PetscErrorCode DiniEngineApplyAdjoint_Private(Dini, PC, Vec x, Vec y);
/* shape */
DINI_INTERN PetscErrorCode DiniEngineTakesPlain_Private(Dini, PetscBool *);
DINI_INTERN PetscErrorCode DiniEngineKSPSolve_Private(Dini, KSP, Vec b, Vec x);
DINI_INTERN PetscErrorCode DiniEnginePCApply_Private(PC, PetscBool transpose, Vec x, Vec y);
/* probe, nested */
DINI_INTERN PetscErrorCode DiniEngineProbe_Private(Dini);
DINI_INTERN PetscErrorCode DiniEngineTransposable_Private(Dini, PetscBool *);
DINI_INTERN PetscErrorCode DiniUsesAmat_Private(PC, PetscBool *);
DINI_INTERN PetscErrorCode DiniKnownLiar_Private(PC, const char **why);
DINI_INTERN PetscErrorCode DiniSetUpInside_Private(PC);
DINI_INTERN PetscErrorCode DiniFreeze_Private(PC, DiniFrozen *);
DINI_INTERN PetscErrorCode DiniThaw_Private(DiniFrozen *);
/* operator */
DINI_INTERN PetscErrorCode DiniEngineHermitian_Private(Mat J, Mat *JH);
DINI_INTERN PetscErrorCode DiniEnginePrepare_Private(Dini, DiniDirection);
DINI_INTERN PetscErrorCode DiniEngineNeedProduct_Private(Dini, DiniDirection);
DINI_INTERN PetscErrorCode DiniEngineMult_Private(Dini, DiniDirection, Vec x, Vec y);
DINI_INTERN PetscErrorCode DiniEngineGetGMRES_Private(Dini, DiniDirection, KSP *);
DINI_INTERN PetscErrorCode DiniEngineOwnsPC_Private(Dini, DiniDirection, PetscBool *);
/* copypc */
DINI_INTERN PetscErrorCode DiniCopyPC_Private(PC from, PC to);
DINI_INTERN PetscErrorCode DiniCopyInside_Private(PC from, PC to);
DINI_INTERN PetscErrorCode DiniAvoidTrick_Private(PC);
DINI_INTERN PetscErrorCode DiniAvoidSecondGrid_Private(PC);
/* companion */
DINI_INTERN PetscErrorCode DiniTransposable_Private(Mat, PetscBool *yes);
DINI_INTERN PetscErrorCode DiniEngineDropCompanion_Private(Dini);
DINI_INTERN PetscErrorCode DiniEngineGetCompanion_Private(Dini, KSP *);
DINI_INTERN PetscErrorCode DiniEngineGetDirect_Private(Dini, PetscBool *);
DINI_INTERN PetscErrorCode DiniEngineSetUpDirect_Private(Dini, PetscBool *failed);
/* ladder */
DINI_INTERN PetscErrorCode DiniEngineTryRung_Private(Dini, DiniDirection, DiniRung, Vec b, Vec x, DiniSolveStatus *);
DINI_INTERN PetscErrorCode DiniEngineClimb_Private(Dini, DiniDirection, Vec b, Vec x, DiniSolveStatus *);
DINI_INTERN PetscErrorCode DiniEngineRefine_Private(Dini, DiniDirection, KSP, Vec b, Vec x, DiniSolveStatus *,
                                                    KSPConvergedReason *);
DINI_INTERN PetscErrorCode DiniEngineResidual_Private(Dini, DiniDirection, Vec b, Vec x, DiniSolveStatus *);
DINI_INTERN PetscErrorCode DiniEngineConfirm_Private(Dini, DiniDirection, KSP, Vec b, Vec x, DiniSolveStatus *);
DINI_INTERN PetscErrorCode DiniEngineSettled_Private(Dini, DiniDirection, Vec b, Vec x, Vec e, PetscReal part,
                                                     DiniSolveStatus *, PetscBool *settled);
DINI_INTERN PetscErrorCode DiniEngineRenewKSPs_Private(Dini, DiniDirection, PetscReal from, PetscReal to);
/* fields */
DINI_INTERN PetscErrorCode DiniEngineFindFields_Private(Dini);
DINI_INTERN PetscErrorCode DiniEngineSaidFields_Private(Dini, PetscBool each, PetscInt *n, unsigned char *field[]);
DINI_INTERN PetscErrorCode DiniEngineForgetFields_Private(Dini);
DINI_INTERN PetscErrorCode DiniEngineAllocateFields_Private(Dini, PetscInt n);
DINI_INTERN PetscErrorCode DiniEngineFieldsKnown_Private(Dini, Mat J);
DINI_INTERN PetscErrorCode DiniEngineGroups_Private(Dini, Vec x, PetscBool *several);
DINI_INTERN PetscErrorCode DiniEngineGroupError_Private(Dini, Vec x, Vec e, PetscReal *error);
DINI_INTERN PetscErrorCode DiniEngineJudge_Private(Dini, DiniDirection, Vec b, Vec x, Vec r, DiniFieldNorms *,
                                                   PetscReal *asked);
DINI_INTERN PetscErrorCode DiniEngineCancels_Private(Dini, DiniDirection, Vec x, Vec Ax, PetscReal *ratio);
DINI_INTERN PetscBool      DiniEngineFieldRounding_Private(Dini, DiniDirection, const DiniFieldNorms *, PetscReal most);
DINI_INTERN PetscErrorCode DiniEngineFailing_Private(Dini, DiniDirection, const DiniFieldNorms *, Vec r,
                                                     PetscReal *norm, PetscReal *wanted);
/* one solve */
DINI_INTERN PetscErrorCode DiniEngineKrylov_Private(Dini, DiniDirection, KSP, PetscReal norm);
DINI_INTERN PetscErrorCode DiniEngineBegin_Private(Dini, DiniDirection, Vec b, Vec x, DiniSolveStatus *);
DINI_INTERN PetscErrorCode DiniEngineAtRounding_Private(Dini, DiniDirection, Vec x, DiniSolveStatus *);
DINI_INTERN PetscErrorCode DiniEngineRecord_Private(Dini, DiniDirection, const DiniSolveStatus *, PetscReal seconds);
/* recall */
DINI_INTERN PetscErrorCode DiniEngineForgetAll_Private(Dini);
DINI_INTERN PetscErrorCode DiniEngineRecall_Private(Dini, DiniDirection, Vec b, PetscReal norm, Vec x,
                                                    PetscBool *known);
DINI_INTERN PetscErrorCode DiniEngineRemember_Private(Dini, DiniDirection, Vec b, Vec x, const DiniSolveStatus *);
/* basis */
DINI_INTERN PetscErrorCode DiniBasisCreate_Private(Mat B, DiniBasis *);
DINI_INTERN PetscErrorCode DiniBasisDestroy_Private(DiniBasis *);
DINI_INTERN PetscErrorCode DiniBasisGuess_Private(DiniBasis *, Mat X, PetscInt j, Vec x, PetscBool *worth);
DINI_INTERN PetscErrorCode DiniBasisDistinct_Private(Mat B, PetscInt like[], PetscScalar factor[], PetscInt *distinct);
/* plain iteration */
DINI_INTERN PetscErrorCode DiniEngineIterations_Private(Dini, PetscInt *max);
DINI_INTERN PetscErrorCode DiniEngineIterate_Private(Dini, DiniDirection, PetscInt max, Vec b, Vec x,
                                                     DiniSolveStatus *);
/* reuse */
DINI_INTERN PetscErrorCode DiniEngineReuse_Private(Dini, DiniDirection);
DINI_INTERN PetscErrorCode DiniEngineFreshIterations_Private(Dini, DiniDirection, PetscInt *);
DINI_INTERN PetscErrorCode DiniEngineSpent_Private(Dini, DiniDirection, const DiniSolveStatus *);
/* null space */
DINI_INTERN PetscErrorCode DiniEngineNullSpaces_Private(Dini);
DINI_INTERN PetscErrorCode DiniEngineCompatible_Private(Dini, DiniDirection, Vec b, Vec *projected);
DINI_INTERN PetscErrorCode DiniEngineProject_Private(Dini, DiniDirection, Vec x);
/* singular */
DINI_INTERN PetscErrorCode DiniEngineSingular_Private(Dini, DiniDirection, Vec b, Vec x, const DiniSolveStatus *);
DINI_INTERN PetscErrorCode DiniEngineRegular_Private(Dini, DiniDirection, const DiniSolveStatus *);
DINI_INTERN PetscErrorCode DiniEngineSingularBare_Private(Dini);
DINI_INTERN PetscErrorCode DiniEngineRefuseSingular_Private(Dini, DiniDirection);
/* verify */
DINI_INTERN PetscErrorCode DiniEngineVerifyUser_Private(Dini, DiniDirection, Vec b, Vec x, PetscReal bnorm,
                                                        PetscReal *relative);
