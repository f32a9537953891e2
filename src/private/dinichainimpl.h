/* Private to the type chain: steps R(u_{n+1}; u_n, ..., m) = 0, one after the other. */
#pragma once
#include "diniparameterimpl.h"

#define DINI_CHAIN_TRAJECTORIES 4 /* the point's, those on both sides of it, and one more where differences go about */
#define DINI_CHAIN_INITIAL      (-1)
#define DINI_CHAIN_NOWHERE      (-2)

/* A state that is kept while others are not, with the earlier ones that a step reads with it */
typedef struct {
  PetscInt n; /* its number, negative: free */
  Vec     *u; /* u_n, u_{n-1}, ... */
} DiniCheckpoint;

/* The states u_0 .. u_n at one set of parameters: all of them, or those at checkpoints, u_0 among them, and the last one */
typedef struct {
  PetscInt n, size; /* states after u_0 that are there, and Vecs that are allocated */
  Vec     *u;
  PetscInt nslots, width,
      stride; /* checkpoints, Vecs in each, and every which one is kept of a loop that is recorded */
  DiniCheckpoint *slot;
  Vec             last;
  PetscReal       value; /* of the objective in time, as the terms of it were then */
  PetscInt64      terms;
  uint64_t        stamp; /* of u_0 and the parameters, on this rank */
  PetscInt64      used;  /* when it was needed last */
  PetscBool       valid;
} DiniTrajectory;

/* A sweep back, kept for the blocks that ask for the rest of it */
typedef struct {
  uint64_t   stamp; /* of the trajectory and the cotangent, on this rank */
  PetscInt64 call;  /* in which it was made: what the steps read may be something else in the next one */
  Vec       *mbar;  /* (du_N/dm)^H lambda, for each block of the chain */
  PetscBool  valid;
} DiniSweepBack;

/* Data at a time, see DiniAddChainObservation() */
typedef struct {
  PetscReal t;
  Mat       H;         /* NULL: the state itself */
  Vec       d, weight; /* weight NULL: all one */
  Vec       r, wr;     /* the misfit, and weighted */
} DiniObservation;

typedef struct _DiniTS     DiniTS;
typedef struct _Dini_Chain Dini_Chain;

struct _Dini_Chain {
  DiniTS *ts; /* type ts: whose steps these are; NULL for others */

  /* set by the type; NULL for a chain of the application's own */
  PetscErrorCode (*place)(Dini_Chain *, PetscInt n);                         /* step n is next */
  PetscErrorCode (*guess)(const Dini_Chain *, const Vec window[], Vec next); /* to begin its solve with */

  /* set by the user */
  Dini             step;
  PetscInt         nprevious, previous[DINI_CHAIN_MOST]; /* blocks of the step: u_n, u_{n-1}, ... */
  Vec              u0;
  PetscInt         N;
  PetscReal       *t;        /* N + 1 of them, */
  PetscInt         roomfort; /* and room for so many */
  PetscInt         hidden;   /* 1: the second state is a TS's own, of which the application knows nothing */
  PetscInt         slots;    /* checkpoints of a trajectory; 0: all states */
  DiniChainStepFn *fn;
  void            *fnctx;

  DiniChainObjectiveFn *objective;
  void                 *objectivectx;
  PetscInt              nobservations;
  DiniObservation      *observation;

  /* work, dropped by DiniReset() */
  PetscInt       nmap;
  PetscInt      *map; /* the step's block for each of the chain, or DINI_CHAIN_INITIAL, DINI_CHAIN_NOWHERE */
  DiniTrajectory trajectory[DINI_CHAIN_TRAJECTORIES]; /* the first one is the point's */
  DiniSweepBack  back;
  Vec            flat, bar;                    /* of the step: values, and directions or cotangents */
  Vec            w[2];                         /* a state, and its tangent or cotangent */
  Vec            pending[DINI_CHAIN_MOST + 1]; /* tangents or cotangents of u_{n+1}, u_n, ... */
  Vec            window[DINI_CHAIN_MOST];      /* u_n, u_{n-1}, ... of a march that keeps them nowhere else */
  Vec            next;                         /* u_{n+1} of a sweep back */
  Mat            J;

  /* status */
  PetscInt64 clock;
  PetscInt64 replays;  /* steps solved again for states that were not kept */
  PetscInt64 terms;    /* number of the objective's terms as they are */
  PetscReal  error;    /* relative, the largest that a step has told of its own in the last sweep */
  PetscReal  residual; /* the largest relative one of a step's linear solve */
  PetscBool  recording;
  char       why[160]; /* the step's own word for a forward solve that has failed */
};

DINI_INTERN PetscErrorCode DiniChainGet_Private(Dini, const char call[], Dini_Chain **);
DINI_INTERN PetscErrorCode DiniChainGetOwn_Private(Dini, const char call[], Dini_Chain **);
DINI_INTERN PetscErrorCode DiniChainForget_Private(Dini, Dini_Chain *);
DINI_INTERN PetscErrorCode DiniChainSetUp_Private(Dini, Dini_Chain *);
DINI_INTERN PetscErrorCode DiniResidual_Chain(Dini, Vec u, Vec F);

// a loop that is recorded
DINI_INTERN PetscErrorCode DiniChainBegin_Private(Dini, Dini_Chain *, PetscReal t, Vec u);
DINI_INTERN PetscErrorCode DiniChainRecord_Private(Dini, Dini_Chain *, PetscReal t, Vec u);
DINI_INTERN PetscErrorCode DiniChainRecorded_Private(Dini, Dini_Chain *);

// blocks of the chain and of its step, and one step
DINI_INTERN PetscErrorCode DiniChainMap_Private(Dini, Dini_Chain *);
DINI_INTERN PetscErrorCode DiniChainUnmap_Private(Dini_Chain *);
DINI_INTERN PetscErrorCode DiniChainApart_Private(Dini, const Dini_Chain *, Vec, const char what[]);
DINI_INTERN PetscErrorCode DiniChainStamp_Private(Dini, Dini_Chain *, uint64_t *stamp);
DINI_INTERN PetscErrorCode DiniChainOpen_Private(Dini, Dini_Chain *);
DINI_INTERN PetscErrorCode DiniChainPut_Private(Dini_Chain *, PetscInt q, Vec v, Vec flat);
DINI_INTERN PetscErrorCode DiniChainAdd_Private(Dini_Chain *, PetscInt q, Vec flat, Vec v);
DINI_INTERN PetscErrorCode DiniChainPlace_Private(Dini, Dini_Chain *, const Vec window[], PetscInt n);
DINI_INTERN PetscErrorCode DiniChainAdvance_Private(Dini, Dini_Chain *, const Vec window[], PetscInt n, Vec next,
                                                    PetscBool *converged);
DINI_INTERN PetscErrorCode DiniChainShift_Private(Dini_Chain *, Vec next);

// trajectories
DINI_INTERN PetscErrorCode DiniChainMarch_Private(Dini, Dini_Chain *, DiniTrajectory *, PetscBool *converged);
DINI_INTERN PetscErrorCode DiniChainFind_Private(Dini, Dini_Chain *, DiniTrajectory **, PetscBool *converged);
DINI_INTERN PetscErrorCode DiniTrajectoryBegin_Private(Dini_Chain *, DiniTrajectory *, Vec u0);
DINI_INTERN PetscErrorCode DiniTrajectoryAppend_Private(Dini, Dini_Chain *, DiniTrajectory *, Vec u);
DINI_INTERN PetscErrorCode DiniTrajectoryWindow_Private(Dini, Dini_Chain *, DiniTrajectory *, PetscInt n, Vec window[]);
DINI_INTERN PetscErrorCode DiniTrajectoryState_Private(const DiniTrajectory *, PetscInt n, Vec *u);
DINI_INTERN PetscErrorCode DiniTrajectoryDestroy_Private(DiniTrajectory *);
DINI_INTERN PetscReal      DiniChainAgain_Private(const Dini_Chain *);
DINI_INTERN PetscReal      DiniScheduleCost_Private(PetscInt steps, PetscInt slots);
DINI_INTERN PetscInt       DiniScheduleSplit_Private(PetscInt steps, PetscInt slots);

// sweeps
DINI_INTERN PetscErrorCode       DiniChainAttach_Private(Dini, Dini_Chain *, const Vec window[], PetscInt n, Vec next);
DINI_INTERN PetscErrorCode       DiniParameterMult_Chain(Dini, const Vec x[], Vec y);
DINI_INTERN PetscErrorCode       DiniChainSweep_Private(Dini, Dini_Chain *, Vec lambda);
DINI_INTERN DiniParameterApplyFn DiniChainApply_Private, DiniChainApplyAdjoint_Private;

// objectives in time
DINI_INTERN PetscErrorCode DiniChainTerm_Private(Dini, Dini_Chain *, PetscInt n, Vec u, PetscReal *value, Vec g);
DINI_INTERN PetscErrorCode DiniChainTerms_Private(Dini_Chain *, PetscInt n, Vec u, Vec next, PetscReal *value, Vec g,
                                                  Vec gnext);
DINI_INTERN PetscErrorCode DiniObservationsDestroy_Private(Dini_Chain *);
