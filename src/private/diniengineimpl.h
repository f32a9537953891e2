/* Private to src/linear: who solves with J and with J^H. No Dini is known here. */
#pragma once
#include <petsc/private/petscimpl.h>
#include "dinidefs.h"
#include "dinilinearimpl.h"
#include "dinisysimpl.h"

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

/* What an assembled transpose was made from */
typedef struct {
  PetscObjectState pattern, values;
} DiniTransposeState;

/* A solve that has been done, good to rtol; norm 0: none */
typedef struct {
  Vec        b, x;
  PetscReal  norm, relative, rtol, error; /* |b|, |b - A x| / |b|, and what a correction has told of x */
  PetscInt64 point, kind;
} DiniLast;

struct _p_DiniEngine {
  PETSCHEADER(int);
  DiniEngineCallbacks up;
  DiniEngineTerms     terms;
  DiniStatistics     *stats; /* counted into; the owner's */

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
  PC           pc;         /* of the forward solver, or the engine's own where there is none */
  PC           direct;     /* of the last rung */
  PetscBool    ownpc;      /* pc has been made by the engine */
  char         pctype[64]; /* of the forward solver's, when it was looked at last */
  Mat          J, P;       /* at the point, references */
  Mat          JH;         /* J^H by products */
  Mat          PH;         /* P^H assembled, for the explicit transpose */
  Mat          AH;   /* J^H assembled, where J is not P and the forward preconditioner has blocks of J in it; or PH */
  Vec          u;    /* a state, for its layout, a reference */
  PetscInt     n, N; /* its sizes */
  Vec          b, e; /* right-hand side and correction: PETSc never sees a vector of the caller */
  Vec          c;    /* conjugates in complex builds */
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
  PetscInt64         point; /* where J belongs, by its owner's count */
  DiniTransposed     transposed;
  PetscBool          symmetric; /* nothing needs transposing */
  PetscBool          decided;   /* symmetric and transposed are known for this J, P and PC */
  PetscBool          choose[2]; /* the method of the KSP is Dini's to choose, and has not been yet */
  PetscBool          ready[2];  /* the KSP has the operators of the point */
  PetscBool          companionready, companionfailed, directready;
  PetscBool          fresh;             /* the PC belongs to the point */
  PetscBool          broken;            /* its set-up at the point has failed */
  PetscBool          pcfailed;          /* that has stood in the way of the solve under way */
  PetscBool          mend;              /* so has that of the forward solver's, which keeps what is left of it */
  PetscBool          stood;             /* it has been set up when last looked at */
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
DINI_INTERN PetscErrorCode DiniEngineGetPC_Private(DiniEngine);
DINI_INTERN PetscErrorCode DiniEngineSetUpPC_Private(DiniEngine, PetscBool refresh);
DINI_INTERN PetscErrorCode DiniEngineStands_Private(DiniEngine);
DINI_INTERN PetscErrorCode DiniEnginePCFailed_Private(DiniEngine, PC, PetscBool *failed);
DINI_INTERN PetscErrorCode DiniEngineSetShell_Private(DiniEngine, PC);
DINI_INTERN PetscErrorCode DiniEngineSetApply_Private(KSP, DiniApply);
DINI_INTERN DiniApply      DiniEngineRungApply_Private(DiniEngine, DiniDirection, DiniRung);
DINI_INTERN DiniApply      DiniEngineApplies_Private(DiniEngine, DiniDirection);
DINI_INTERN PetscErrorCode DiniEngineDestroyKSP_Private(KSP *);
DINI_INTERN PetscErrorCode DiniEngineApplyAdjoint_Private(DiniEngine, PC, Vec x, Vec y);
DINI_INTERN PetscErrorCode DiniEngineGetForward_Private(DiniEngine, KSP *);
/* shape */
DINI_INTERN PetscErrorCode DiniEngineTakesPlain_Private(DiniEngine, PetscBool *);
DINI_INTERN PetscErrorCode DiniEngineKSPSolve_Private(DiniEngine, KSP, Vec b, Vec x);
DINI_INTERN PetscErrorCode DiniEnginePCApply_Private(PC, PetscBool transpose, Vec x, Vec y);
/* probe, nested */
DINI_INTERN PetscErrorCode DiniEngineProbe_Private(DiniEngine);
DINI_INTERN PetscErrorCode DiniEngineTransposable_Private(DiniEngine, PetscBool *);
DINI_INTERN PetscErrorCode DiniUsesAmat_Private(PC, PetscBool *);
DINI_INTERN PetscErrorCode DiniUsesGrid_Private(PC, PetscBool *);
DINI_INTERN PetscErrorCode DiniKnownLiar_Private(PC, const char **why);
DINI_INTERN PetscErrorCode DiniSetUpInside_Private(PC);
DINI_INTERN PetscErrorCode DiniFreeze_Private(PC, DiniFrozen *);
DINI_INTERN PetscErrorCode DiniThaw_Private(DiniFrozen *);
DINI_INTERN PetscErrorCode DiniGiveBack_Private(PC);
/* operator */
DINI_INTERN PetscErrorCode DiniEngineHermitian_Private(Mat J, Mat *JH);
DINI_INTERN PetscErrorCode DiniEnginePrepare_Private(DiniEngine, DiniDirection);
DINI_INTERN PetscErrorCode DiniEngineNeedProduct_Private(DiniEngine, DiniDirection);
DINI_INTERN PetscErrorCode DiniEngineGetGMRES_Private(DiniEngine, DiniDirection, KSP *);
DINI_INTERN PetscErrorCode DiniEngineOwnsPC_Private(DiniEngine, DiniDirection, PetscBool *);
/* copypc */
DINI_INTERN PetscErrorCode DiniCopyPC_Private(PC from, PC to);
DINI_INTERN PetscErrorCode DiniCopyInside_Private(PC from, PC to);
DINI_INTERN PetscErrorCode DiniAvoidSecondGrid_Private(PC);
/* sor */
DINI_INTERN PetscErrorCode DiniAvoidTrick_Private(PC);
DINI_INTERN PetscErrorCode DiniEngineStandIn_Private(DiniEngine, PC trick);
DINI_INTERN PetscErrorCode DiniEngineDivides_Private(DiniEngine, PetscBool *zero);
/* companion */
DINI_INTERN PetscErrorCode DiniTransposable_Private(Mat, PetscBool *yes);
DINI_INTERN PetscErrorCode DiniEngineDropCompanion_Private(DiniEngine);
DINI_INTERN PetscErrorCode DiniEngineGetCompanion_Private(DiniEngine, KSP *);
DINI_INTERN PetscErrorCode DiniEngineGetDirect_Private(DiniEngine, PetscBool *);
DINI_INTERN PetscErrorCode DiniEngineSetUpDirect_Private(DiniEngine, PetscBool *failed);
/* ladder */
DINI_INTERN PetscErrorCode DiniEngineTryRung_Private(DiniEngine, DiniDirection, DiniRung, Vec b, Vec x,
                                                     DiniSolveResult *);
DINI_INTERN PetscErrorCode DiniEngineClimb_Private(DiniEngine, DiniDirection, Vec b, Vec x, DiniSolveResult *);
DINI_INTERN PetscErrorCode DiniEngineRefine_Private(DiniEngine, DiniDirection, KSP, Vec b, Vec x, DiniSolveResult *,
                                                    KSPConvergedReason *);
DINI_INTERN PetscErrorCode DiniEngineResidual_Private(DiniEngine, DiniDirection, Vec b, Vec x, DiniSolveResult *);
DINI_INTERN PetscErrorCode DiniEngineConfirm_Private(DiniEngine, DiniDirection, KSP, Vec b, Vec x, DiniSolveResult *);
DINI_INTERN PetscErrorCode DiniEngineSettled_Private(DiniEngine, DiniDirection, Vec b, Vec x, Vec d, PetscReal part,
                                                     DiniSolveResult *, PetscBool *settled);
DINI_INTERN PetscErrorCode DiniEngineRenewKSPs_Private(DiniEngine, DiniDirection, PetscReal from, PetscReal to);
/* fields */
DINI_INTERN PetscErrorCode DiniEngineFindFields_Private(DiniEngine);
DINI_INTERN PetscErrorCode DiniEngineForgetFields_Private(DiniEngine);
DINI_INTERN PetscErrorCode DiniEngineAllocateFields_Private(DiniEngine, PetscInt n);
DINI_INTERN PetscErrorCode DiniEngineFieldsKnown_Private(DiniEngine, Mat J);
#define DINI_BINS 600 /* for sizes 4^-300 to 4^299; the first one for zero */
DINI_INTERN PetscErrorCode DiniEngineCountGroups_Private(DiniEngine, Vec x, PetscReal count[DINI_BINS]);
DINI_INTERN PetscBool      DiniEngineSeveral_Private(DiniEngine, const PetscReal count[DINI_BINS]);
DINI_INTERN PetscErrorCode DiniEngineGroupError_Private(DiniEngine, Vec x, Vec d, PetscReal *error);
DINI_INTERN PetscErrorCode DiniEngineResidualNorm_Private(DiniEngine, Vec x, Vec r, PetscReal *, DiniSolveResult *);
DINI_INTERN PetscErrorCode DiniEngineJudge_Private(DiniEngine, DiniDirection, Vec b, Vec x, Vec r, DiniFieldNorms *,
                                                   PetscReal *asked, DiniSolveResult *);
DINI_INTERN PetscErrorCode DiniEngineCancels_Private(DiniEngine, DiniDirection, Vec x, Vec Ax, PetscReal *ratio);
DINI_INTERN PetscBool      DiniEngineFieldRounding_Private(DiniEngine, DiniDirection, const DiniFieldNorms *,
                                                           PetscReal most);
DINI_INTERN PetscErrorCode DiniRestrict_Private(Vec, const unsigned char **field, const PetscBool keep[]);
DINI_INTERN PetscErrorCode DiniEngineFailing_Private(DiniEngine, DiniDirection, const DiniFieldNorms *, Vec r,
                                                     PetscReal *norm, PetscReal *wanted);
/* one solve */
DINI_INTERN PetscErrorCode DiniEngineKrylov_Private(DiniEngine, DiniDirection, KSP, PetscReal norm);
DINI_INTERN PetscErrorCode DiniEngineBegin_Private(DiniEngine, DiniDirection, Vec b, Vec x, DiniSolveResult *);
DINI_INTERN PetscErrorCode DiniEngineAtRounding_Private(DiniEngine, DiniDirection, Vec x, DiniSolveResult *);
/* recall */
DINI_INTERN PetscErrorCode DiniEngineForgetAll_Private(DiniEngine);
/* reuse */
DINI_INTERN PetscErrorCode DiniEngineReuse_Private(DiniEngine, DiniDirection);
DINI_INTERN PetscErrorCode DiniEngineFreshIterations_Private(DiniEngine, DiniDirection, PetscInt *);
DINI_INTERN PetscErrorCode DiniEngineSpent_Private(DiniEngine, DiniDirection, const DiniSolveResult *);
/* null space */
DINI_INTERN PetscErrorCode DiniEngineNullSpaces_Private(DiniEngine);
DINI_INTERN PetscErrorCode DiniEngineProject_Private(DiniEngine, DiniDirection, Vec x);
/* singular */
DINI_INTERN PetscErrorCode DiniEngineLookSingular_Private(DiniEngine, DiniDirection, Vec b, Vec x,
                                                          const DiniSolveResult *);
DINI_INTERN PetscErrorCode DiniEngineSingularBare_Private(DiniEngine);
