/* Private to the library: the object and what its rooms offer each other. Not installed. */
#pragma once
#include <petsc/private/petscimpl.h>
#include "dinidefs.h"
#include "dinilinearimpl.h"
#include "dinimarkimpl.h"
#include "diniproductsimpl.h"
#include "dinisingularimpl.h"

typedef struct _DiniParameter *DiniParameter;
typedef struct _DiniObjective *DiniObjective;
typedef struct _DiniActive    *DiniActive;
typedef struct _DiniColoring  *DiniColoring;
#include "dinifilterimpl.h"

struct _DiniObjective {
  char                    *name;
  DiniObjectiveFn         *value;
  DiniObjectiveGradientFn *gradient;
  void                    *ctx;
  PetscInt                 tries;     /* of the guard of its partial derivatives */
  DiniSteady               steady[2]; /* the numbers of dJ/du and dJ/dm */
  PetscInt                 asked;     /* the rangestate of J when they were last held against differences */
  PetscReal                error;     /* relative, of them, as differences see it */
  PetscReal                bend;      /* what dJ/du changes by over the error of u, of which that is relative */
  PetscReal                bentat;    /* |dJ/du| when that was last measured; 0: never */
  PetscBool                inside;    /* its gradient calls the Dini for derivatives */
  PetscBool                visits;    /* its value calls the Dini for derivatives, which are those of the point */
};

/* What a type offers besides where its F is made of matrices of its own, A(m) u - b(m), which others can write into */
typedef struct {
  PetscErrorCode (*beside)(Dini, Mat *J);              /* J at shifted parameters, in another Mat than the point's */
  PetscErrorCode (*touched)(Dini, PetscBool[2]);       /* has someone else written into A or b? local */
  PetscErrorCode (*recheck)(Dini, const PetscBool[2]); /* someone has: refuses, or takes the present one */
  PetscErrorCode (*renew)(Dini); /* the next F at the point is that of matrices assembled anew, not of the solve's */
  PetscErrorCode (*linearized)(Dini); /* J is known: what there is to say before it is used; NULL: nothing */
  PetscErrorCode (*rhsjacobian)(Dini, Vec m, Mat *Fm); /* F_m of type "rhs"; NULL: -I */
} DiniSystemOps;

/* Derivatives are legal from DINI_STAGE_SOLVED on; setters of the relation fall back to DINI_STAGE_NEW. */
typedef enum { DINI_STAGE_NEW, DINI_STAGE_SOLVED, DINI_STAGE_LINEARIZED } DiniStage;

#define DINI_MAX_MONITORS 5

/* Largest relative disagreement of products with differences of F: of what is given, and of Dini's own differences */
#define DINI_GUARD_RTOL      1e-6
#define DINI_DIFFERENCE_RTOL 1e-6
#define DINI_ATTACH_RTOL     1e-6 /* what |F| of attached states may be of |J u|, unless the user says otherwise */
#define DINI_STAYS_RTOL      1e-6 /* products of a matrix that stays what it is agree to this */

#include "dinicallimpl.h"

/* What keeping the forward preconditioner has cost since its last set-up, and what that cost; seconds of this rank */
typedef struct {
  PetscBool built;
  PetscInt  its; /* linear iterations of the solve that built it */
  PetscReal setup, extra;
  PetscInt  steps; /* iterations of all forward solves, and their seconds */
  PetscReal seconds;
} DiniForwardReuse;

/* Ways to J by differences of F, in the order in which they are tried */
typedef enum {
  DINI_WAY_NONE,
  DINI_WAY_MESH,  /* coloured, on the pattern of the solver's mesh */
  DINI_WAY_GIVEN, /* coloured, on the pattern of the given matrix */
  DINI_WAY_DENSE, /* column by column, for small problems */
  DINI_WAY_APPLY  /* products only */
} DiniJacobianWay;

/* Sizes of the entries of a Vec, by component of its block size */
typedef struct {
  PetscInt   bs; /* 0 before the first look */
  PetscReal *largest, *smallest, *typical;
} DiniRange;

/* Where J comes from: what is asked for, and what the first linearization has found to be right */
typedef struct {
  DiniJacobianType type, used; /* used: DINI_JACOBIAN_AUTO before the first linearization */
  PetscInt         maxcolumns;
  DiniJacobianWay  way;
  PetscBool        differenced; /* what the type gives is made of differences itself */
  PetscBool        thin;        /* by PETSc's for each column, which leave small entries out of the matrix */
  PetscBool        accepts;     /* those of its solver, since Dini's own have not served */
  PetscReal        error;       /* relative, of J at the point, as differences see it */
  PetscReal        apart;       /* of what is given, when it was last held against them */
  PetscReal        columns;     /* of what has been filled by differences at the point: by its columns */
  PetscReal        missed;      /* and of rows in which all columns move */
  PetscReal        lost;        /* and of fields, by rounding */
  PetscReal        rough;       /* of Dini's own differences where that was too much of it; else 0 */
  DiniRange        range;       /* of u, when J was last held against differences */
  PetscInt         points, due; /* points so far, and the next one at which everything given is asked again */
  PetscBool        asks;        /* that is this one */
  PetscBool        newpoint;    /* nothing has been taken at it yet */
  DiniSteady       steady;      /* the numbers of what is given */
  PetscObjectId    fits;        /* the matrix that has been found to have the layout of the state */
  PetscInt         rangestate;  /* counts how often the range has moved, or that was due */
  PetscBool        renewed;     /* the solver has another callback for J */
  PetscBool        strict;      /* what is given is wrong in a field: differences have to know that one */
  PetscInt         fieldstate;  /* the same when J was last looked at field by field */
  PetscReal        fields;      /* what differences have told of it then, in the worst field */
  Mat              J;           /* by differences */
  DiniColoring     coloring;
  DiniColoring     filled;   /* by whose differences J at the point is made, or NULL */
  char             why[512]; /* what has been tried and found wanting */
} DiniJacobianSource;

#include "dinihessianimpl.h"

/* What errors of mbar have to do with residuals, as measured by a correction; one for each kind of solve */
#define DINI_SOLVE_KINDS 32
typedef struct {
  PetscInt64 kind;
  PetscInt   uses, next; /* VJPs with an estimate, and the one at which it is measured again */
  PetscBool  measured;
  PetscReal  factor;     /* relative error of mbar, of its worst part, over the relative residual */
  PetscReal  gain;       /* |mbar| / |ubar| at that time */
  PetscReal  last;       /* of the last solve */
  PetscReal  doubt;      /* |J^{-1} y| / |y| for what is open in F_m dm */
  PetscReal  doubtgain;  /* |x| / |b| when that was measured, */
  PetscInt64 doubtpoint; /* and where */
} DiniAccuracy;

/* What errors of u have to do with residuals, and those of derivatives with errors of u */
typedef struct {
  PetscInt  uses, next; /* points with an estimate, and the one at which it is measured again */
  PetscBool measured;
  PetscReal factor;       /* relative error of u, of its worst field, over the relative residual */
  PetscReal residual;     /* that at the time */
  PetscReal bend;         /* relative change of J over the relative error of u */
  PetscReal condition[2]; /* |x| / |b| of the derivative's own solve at the time, by DiniDirection; 0: of none */
} DiniStateAccuracy;

#define DINI_HISTORY 8

/* The last states and their parameters, newest first, from which states of linear systems are predicted */
typedef struct {
  PetscInt n;
  Vec      u[DINI_HISTORY], m[DINI_HISTORY]; /* m flat */
  Vec      lambda;                           /* of the last gradient of the objective, NULL before */
} DiniHistory;

struct _p_Dini { /* NOLINT(clang-analyzer-optin.performance.Padding): in sections, by who sets what */
  PETSCHEADER(DiniOps);
  /* set by the user */
  DiniAdjointType adjointtype;
  PetscReal       attachrtol, attachatol;
  PetscReal       gradientrtol; /* of reduced gradients; 0: the adjoint tolerance decides */
  PetscBool       predict, reuseforward, polish;
  PetscBool       told; /* inside DiniSolveAt_Private(): all blocks have been handed to the application just now */
  PetscBool       guard, fromoptions;
  PetscBool       erroriffail, errorasked; /* now, and as the user has it */
  PetscBool       checkrequested, reasonrequested, viewrequested;
  PetscReal       testseconds[2]; /* for tests, in place of the clock: of an iteration and of a set-up; 0: the clock */
  char            sought[128];    /* a name that DiniFindParameter() has not found */
  PetscViewer     checkviewer;
  PetscInt        nparams, maxparams;
  DiniParameter  *params;
  Vec             state; /* for objectives */

  /* set by the user: continuation */
  DiniContinuation continuation;

  /* set by the user: variational inequalities */
  DiniWeakActivity weakactivity;
  PetscReal        weakrtol;

  /* user functions */
  DiniSolveFn       *solve;
  void              *solvectx;
  DiniResidualFn    *residual;
  void              *residualctx;
  DiniJacobianFn    *jacobian;
  void              *jacobianctx;
  Mat                Juser, Puser;
  DiniJacobianSource source;
  DiniLinearSolveFn *linearsolve[2]; /* indexed by DiniDirection */
  void              *linearsolvectx[2];
  DiniObjective      objective; /* DiniSetObjective()'s, NULL when there is none */
  PetscInt           nobjectives, maxobjectives;
  DiniObjective     *objectives; /* DiniAddObjective()'s */
  PetscInt           nmonitors;
  DiniMonitorFn     *monitor[DINI_MAX_MONITORS];
  void              *monitorctx[DINI_MAX_MONITORS];
  PetscErrorCode (*monitordestroy[DINI_MAX_MONITORS])(void **);

  /* children and work */
  DiniEngine  engine;  /* src/linear */
  Vec         r;       /* right-hand sides, layout of u */
  Vec         lambda;  /* adjoint solutions, layout of u */
  Vec         w[2];    /* guards and differences, layout of u */
  Vec         c;       /* conjugates for the plain transpose, layout of u */
  Vec         F;       /* F(u, m) at the point, where somebody has computed it */
  Vec         Fbeside; /* the same beside the point */
  Vec         rows;    /* sizes of the rows of F */
  DiniHessian hessian;
  DiniHistory history;
  Vec         guess; /* for the adjoint solve of a VJP under way, or NULL */
  Mat         D;     /* the derivative, owned; knows the Dini by a plain pointer */

  /* set by the type */
  void *data;
  PetscErrorCode (*another)(MPI_Comm, Dini *); /* by which this one was created: a type may be made of others */
  const DiniSystemOps *system;                 /* NULL where F is not made of matrices of the type's own */
  PetscInt             iterations;             /* most of a linear solve by x <- b + (I - J) x; 0: by the ladder */

  /* conditioning of J, at its own point */
  DiniCondition condition;

  /* of a variational inequality; NULL where u solves F(u, m) = 0 */
  DiniActive           active;
  const DiniFilterOps *filter; /* of the active set; NULL where there is none */

  /* calls under way */
  DiniCall   *call;
  const char *visitor;    /* the application's callback that is running, NULL for none */
  DiniDoor    door;       /* how far it is open to that one */
  PetscInt64  calls;      /* so far, from outside */
  PetscInt64  callouts;   /* calls of the application's code, so far */
  PetscInt64  visits;     /* calls for derivatives from inside calls, so far */
  PetscInt    closed;     /* > 0: the Dini is not where the application thinks, no door opens */
  PetscBool   monitoring; /* monitors are running: they are not called for what they do themselves */

  /* status */
  DiniStage           stage;
  DiniConvergedReason reason;
  PetscBool           spoiled;                /* a solve is done again, since J has been written to under it */
  PetscInt            doubted;                /* the rangestate of J when the engine last asked whether J is regular */
  PetscBool           determines;             /* null vectors of J^H have been found to leave mbar alone */
  PetscBool           setup, guarded, inside; /* inside: a check is running in place of the guard */
  PetscBool           hasF;                   /* F belongs to the point */
  PetscBool           beside;                 /* u is not the point but beside it, see DiniBeside_Private() */
  Vec                 sized;                  /* then: u at the point, which steps are measured by */
  PetscBool           antilinear;             /* F is not holomorphic in what it is made of */
  PetscBool           elsewhere;              /* the point is that of a pinned derivative, not the last solution */
  PetscInt64          relation;               /* number of what has been given so far */
  Vec                 u, ucopy;               /* the solution: the application's (reference) and its values */
  PetscObjectState    ustate;
  DiniMark            held;       /* J of F, as of the linearization */
  PetscInt64          heldsince;  /* the callouts when that was marked */
  PetscInt64          linearized; /* the point that was linearized last */
  PetscReal           fpoint;    /* |F(u, m)| as the solve of the point has left it, negative where that is not known */
  PetscReal           fsolve;    /* the same of a solve that is to become the point */
  PetscInt64          seen;      /* the call in which u has been found to be a solution */
  PetscBool           verified;  /* u has been found to be a solution within this very call */
  PetscInt            n, N;      /* sizes of u, from the first one seen */
  PetscInt64          point;     /* number of the solution */
  PetscInt64          rowspoint; /* where rows belong */
  PetscInt64          mstamp;    /* stands for the values of the parameters: a new one at each push */
  PetscInt64          mlast;     /* last stamp given out */
  PetscInt64          mpoint;    /* stamp of the values at the solution */
  PetscReal           fnorm;     /* |F(u, m)| as last measured by a forward solve or its acceptance */
  PetscReal           lastvalue; /* of the objective at the last state that was found */
  PetscBool           hasvalue;  /* one has been found */
  PetscReal           scale;     /* |J v| for v of the size of u, seen by the guard: the scale of rounding in F */
  DiniForwardReuse    forward;
  PetscReal           rate;       /* contraction rate of x <- b + (I - J) x as last measured, negative: never */
  PetscBool           rateknown;  /* it belongs to the point */
  PetscReal           stateerror; /* relative error of u at the point, negative: not known */
  PetscReal           statebend;  /* relative change of J over it */
  PetscReal           promise; /* what |F| of each field may be, relative to its terms, by the tolerance of the solve */
  char                cause[240];       /* why a forward solve can have no solution, where its type knows */
  PetscBool           lenient, refused; /* a state that breaks it is no error but told: it does */
  PetscBool           polishing;        /* u is about to be corrected, and is not judged yet */
  DiniStateAccuracy   stateaccuracy;
  DiniObjective      *cotangents; /* the objectives whose dJ/du are the cotangents of the VJP under way; NULL: none */
  PetscBool           fronts;     /* it is a step of a march: see DiniEngineTerms */
  PetscReal           gain;       /* largest |mbar| / |ubar| seen */
  DiniAccuracy        accuracy[DINI_SOLVE_KINDS];
  PetscReal           lastunit;     /* power of two that it was divided by */
  PetscInt64          lastkind;     /* of the last tangent or adjoint solve: of like ones, like errors are expected */
  PetscReal           lastnorm;     /* norm of the right-hand side of the last tangent or adjoint solve */
  PetscReal           lastrelative; /* true relative residual of the last tangent or adjoint solve */
  PetscReal           lasterror;    /* of the worst field of its solution, where a correction has told; else zero */
  DiniRung            lastrung;     /* which answered it */
  PetscBool           recalled;     /* it has been answered by the one before */
  DiniStatistics      stats;
  char                label[128]; /* how errors call the object */
};

DINI_INTERN PetscFunctionList DiniList;
DINI_INTERN PetscLogEvent     DINI_Solve, DINI_Linearize, DINI_Tangent, DINI_Adjoint, DINI_Guard, DINI_Check,
    DINI_SNESJacobian;

/* types */
DINI_INTERN PetscErrorCode DiniCreate_SNES(Dini);
DINI_INTERN PetscErrorCode DiniCreate_KSP(Dini);
DINI_INTERN PetscErrorCode DiniCreate_Shell(Dini);
DINI_INTERN PetscErrorCode DiniCreate_FixedPoint(Dini);
DINI_INTERN PetscErrorCode DiniCreate_Chain(Dini);
DINI_INTERN PetscErrorCode DiniCreate_TS(Dini);
#if defined(DINI_HAVE_SLEPC)
DINI_INTERN PetscErrorCode DiniCreate_EPS(Dini);
DINI_INTERN PetscErrorCode DiniCreate_PEP(Dini);
DINI_INTERN PetscErrorCode DiniCreate_NEP(Dini);
#endif

/* solvers */
DINI_INTERN PetscErrorCode DiniForwardTolerance_Private(Dini, char option[], size_t, PetscReal *rtol,
                                                        const char **norm);
DINI_INTERN PetscErrorCode DiniForwardRefused_Private(Dini, const char why[], PetscInt its);
DINI_INTERN PetscErrorCode DiniRefuseDiagonalScale_Private(Dini, KSP);
DINI_INTERN PetscErrorCode DiniForwardKeeps_Private(Dini, KSP, PetscBool *keep);
DINI_INTERN PetscErrorCode DiniForwardSpent_Private(Dini, PetscBool kept, PetscInt its, PetscReal setup,
                                                    PetscReal seconds);

#include "dinisysimpl.h"
#include "dinifeatureimpl.h"
#include "dinipointimpl.h"

/* core */
DINI_INTERN const DiniProductOps DiniDerivativeProducts_Private; /* of a Dini */

DINI_INTERN PetscErrorCode DiniReset_Private(Dini);
DINI_INTERN PetscErrorCode DiniWarnOptions_Private(Dini, PetscBool atend);
DINI_INTERN PetscErrorCode DiniWarnOptionsOf_Private(Dini, const char prefix[], PetscBool atend);
DINI_INTERN PetscErrorCode DiniParameterHint_Private(Dini, PetscInt p, char hint[], size_t length);
DINI_INTERN PetscErrorCode DiniSetUpLayout_Private(Dini, Vec u);
DINI_INTERN PetscErrorCode DiniResidual_Private(Dini, Vec u, Vec F, PetscReal *norm);
DINI_INTERN PetscErrorCode DiniSolve_Private(Dini, Vec u, PetscBool *converged);
DINI_INTERN PetscErrorCode DiniAttach_Private(Dini, Vec u, PetscBool *accepted);
DINI_INTERN PetscErrorCode DiniSetPoint_Private(Dini, Vec u);
DINI_INTERN PetscErrorCode DiniForwardHalfway_Private(Dini);
DINI_INTERN PetscErrorCode DiniInvalidate_Private(Dini);
DINI_INTERN PetscErrorCode DiniCheckPoint_Private(Dini);
DINI_INTERN PetscErrorCode DiniLinearize_Private(Dini);
DINI_INTERN PetscErrorCode DiniVecDiffers_Private(Vec, Vec copy, PetscBool moved, PetscBool *differs);
DINI_INTERN PetscErrorCode DiniHome_Private(Dini);
DINI_INTERN PetscErrorCode DiniStillSolves_Private(Dini, PetscBool *solves);
DINI_INTERN PetscErrorCode DiniRefuseStale_Private(Dini);
DINI_INTERN PetscErrorCode DiniJacobianMoved_Private(Dini);
DINI_INTERN PetscErrorCode DiniJacobianStays_Private(Dini, PetscBool *moved);
DINI_INTERN PetscErrorCode DiniAcceptState_Private(Dini, Vec u, PetscReal rtol, PetscReal *fnorm, PetscReal *scale,
                                                   PetscBool *accepted);
DINI_INTERN PetscErrorCode DiniGuardDifferences_Private(Dini, Mat J, PetscBool own, PetscReal *error);
DINI_INTERN PetscErrorCode DiniGuardProducts_Private(Dini, PetscReal *error);
DINI_INTERN PetscErrorCode DiniGuardParameter_Private(Dini, DiniParameter);
DINI_INTERN PetscErrorCode DiniGuardCurvature_Private(Dini, Vec v, Vec y, Vec even, PetscBool *agrees);
DINI_INTERN PetscErrorCode DiniGuardEliminated_Private(Dini, Mat J, PetscBool *eliminated);
DINI_INTERN PetscErrorCode DiniMonitor_Private(Dini, DiniOperation, PetscInt its, PetscReal rnorm);
DINI_INTERN PetscErrorCode DiniCheckRequested_Private(Dini);
DINI_INTERN PetscErrorCode DiniCheckFlat_Private(Dini, Vec m, const char what[]);
DINI_INTERN PetscErrorCode DiniCheckColumns_Private(Dini, Mat X, Mat Y, const char what[], PetscInt *n);
DINI_INTERN PetscBool      DiniConjugates_Private(DiniAdjointType);
DINI_INTERN PetscErrorCode DiniJVP_Private(Dini, Vec dm, Vec du, PetscBool *good);
DINI_INTERN PetscErrorCode DiniVJP_Private(Dini, DiniAdjointType, Vec ubar, Vec mbar, PetscBool *good);
DINI_INTERN PetscErrorCode DiniMatVJP_Private(Dini, DiniAdjointType, Mat Ubar, Mat Mbar, PetscBool *good);
DINI_INTERN PetscErrorCode DiniTangentSolve_Private(Dini, Vec r, Vec x, PetscBool *good);
DINI_INTERN PetscErrorCode DiniViewStatistics_Private(Dini, PetscViewer);

/* parameter */
DINI_INTERN PetscErrorCode DiniParameterLayout_Private(Dini, PetscInt *n, PetscInt *N);
DINI_INTERN PetscErrorCode DiniParameterPull_Private(Dini);
DINI_INTERN PetscErrorCode DiniParameterPush_Private(Dini);
DINI_INTERN PetscErrorCode DiniParameterSet_Private(Dini, Vec m);
DINI_INTERN PetscErrorCode DiniParameterRemember_Private(Dini);
DINI_INTERN PetscErrorCode DiniParameterChanged_Private(Dini, const char **culprit);
DINI_INTERN PetscErrorCode DiniParameterUnchanged_Private(Dini);
DINI_INTERN PetscErrorCode DiniParameterForget_Private(Dini);
DINI_INTERN PetscErrorCode DiniParameterSetFromOptions_Private(Dini, DiniOptionItems);
DINI_INTERN PetscErrorCode DiniParameterView_Private(Dini, PetscViewer);
DINI_INTERN PetscErrorCode DiniParameterReset_Private(Dini);
DINI_INTERN PetscErrorCode DiniParameterDestroy_Private(Dini);
DINI_INTERN PetscErrorCode DiniParameterAnyReal_Private(Dini, PetscBool *);
DINI_INTERN PetscErrorCode DiniParameterRealPart_Private(Dini, Vec flat);
DINI_INTERN PetscErrorCode DiniParameterApply_Private(Dini, Vec dm, Vec y, PetscBool *zero);
DINI_INTERN PetscErrorCode DiniParameterApplyAdjoint_Private(Dini, Vec lambda, Vec mbar);
DINI_INTERN PetscErrorCode DiniParameterApplyAdjointF_Private(Dini, Vec lambda, Vec mbar);
DINI_INTERN PetscErrorCode DiniParameterGradient_Private(Dini, Vec lambda, Vec mbar);

/* linear solves: J where it was, right-hand sides of any size, whoever solves, and a verdict */
DINI_INTERN PetscErrorCode DiniLinearCreate_Private(Dini);
DINI_INTERN PetscErrorCode DiniLinear_Private(Dini, DiniEngine *);
DINI_INTERN PetscErrorCode DiniLinearSetFromOptions_Private(Dini, DiniOptionItems);
DINI_INTERN PetscErrorCode DiniIterations_Private(Dini, PetscInt *max);
DINI_INTERN PetscErrorCode DiniLinearSolve_Private(Dini, DiniDirection, Vec r, Vec x, PetscBool *good);
DINI_INTERN PetscErrorCode DiniLinearSolveGuess_Private(Dini, DiniDirection, Vec b, Vec x, PetscBool guess,
                                                        PetscBool *good);
DINI_INTERN PetscErrorCode DiniLinearSolveUnit_Private(Dini, DiniDirection, Vec b, Vec x, PetscBool guess,
                                                       PetscReal *unit, PetscBool *good);
DINI_INTERN PetscErrorCode DiniLinearMatSolve_Private(Dini, DiniDirection, Mat B, Mat X, PetscBool good[]);
DINI_INTERN PetscErrorCode DiniLinearLoose_Private(Dini, DiniDirection, Vec r, Vec d, PetscReal rtol, PetscBool setup,
                                                   PetscBool *good);
DINI_INTERN PetscErrorCode DiniLinearCorrect_Private(Dini, DiniDirection, Vec b, Vec x, Vec r, Vec d, PetscReal rtol,
                                                     PetscBool *good);
DINI_INTERN PetscErrorCode DiniDetermines_Private(Dini);
DINI_INTERN PetscErrorCode DiniVerifyUser_Private(Dini, DiniDirection, Vec b, Vec x, PetscReal bnorm,
                                                  PetscReal *relative);
DINI_INTERN PetscErrorCode DiniRandomDirection_Private(Dini, PetscInt seed, Vec like, Vec v);
DINI_INTERN PetscErrorCode DiniFieldDirection_Private(Dini, PetscInt seed, Vec v);

#include "diniaccuracyimpl.h"
#include "diniobjectiveimpl.h"
#include "dinirulesimpl.h"
