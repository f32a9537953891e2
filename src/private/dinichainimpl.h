/* Private to the type chain: steps R(u_{n+1}; u_n, ..., m) = 0, one after the other. */
#pragma once
#include "diniparameterimpl.h"

#define DINI_CHAIN_TRAJECTORIES 4 /* the point's, those on both sides of it, and one more where differences go about */
#define DINI_CHAIN_INITIAL      (-1)
#define DINI_CHAIN_NOWHERE      (-2)

/* The states u_0 .. u_n at one set of parameters */
typedef struct {
  PetscInt   n, size; /* states after u_0 that are there, and Vecs that are allocated */
  Vec       *u;
  uint64_t   stamp; /* of u_0 and the parameters, on this rank */
  PetscInt64 used;  /* when it was needed last */
  PetscBool  valid;
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

typedef struct {
  /* set by the user */
  Dini             step;
  PetscInt         nprevious, previous[DINI_CHAIN_MOST]; /* blocks of the step: u_n, u_{n-1}, ... */
  Vec              u0;
  PetscInt         N;
  PetscReal       *t; /* N + 1 of them */
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
  Mat            J;

  /* status */
  PetscInt64 clock;
  PetscReal  error; /* relative, the largest that a step has told of its own in the last sweep */
  PetscBool  recording;
  char       why[160]; /* the step's own word for a forward solve that has failed */
} Dini_Chain;

DINI_INTERN PetscErrorCode DiniChainGet_Private(Dini, const char call[], Dini_Chain **);
DINI_INTERN PetscErrorCode DiniChainMap_Private(Dini, Dini_Chain *);
DINI_INTERN PetscErrorCode DiniChainUnmap_Private(Dini_Chain *);
DINI_INTERN PetscErrorCode DiniChainStamp_Private(Dini, Dini_Chain *, uint64_t *stamp);
DINI_INTERN PetscErrorCode DiniChainOpen_Private(Dini, Dini_Chain *);
DINI_INTERN PetscErrorCode DiniChainPut_Private(Dini_Chain *, PetscInt q, Vec v, Vec flat);
DINI_INTERN PetscErrorCode DiniChainAdd_Private(Dini_Chain *, PetscInt q, Vec flat, Vec v);
DINI_INTERN PetscErrorCode DiniChainPlace_Private(Dini, Dini_Chain *, const DiniTrajectory *, PetscInt n);
DINI_INTERN PetscErrorCode DiniChainMarch_Private(Dini, Dini_Chain *, DiniTrajectory *, PetscBool *converged);
DINI_INTERN PetscErrorCode DiniChainFind_Private(Dini, Dini_Chain *, DiniTrajectory **, PetscBool *converged);
DINI_INTERN PetscErrorCode DiniChainAppend_Private(Dini_Chain *, DiniTrajectory *, Vec u);
DINI_INTERN PetscErrorCode DiniParameterMult_Chain(Dini, const Vec x[], Vec y);
DINI_INTERN PetscErrorCode DiniChainSweep_Private(Dini, Dini_Chain *, Vec lambda);
DINI_INTERN PetscErrorCode DiniChainCotangent_Private(Dini, Dini_Chain *, const DiniTrajectory *, PetscInt n, Vec g);
DINI_INTERN PetscErrorCode DiniObservationsDestroy_Private(Dini_Chain *);
DINI_INTERN PetscErrorCode DiniTrajectoryDestroy_Private(DiniTrajectory *);
DINI_INTERN DiniParameterApplyFn DiniChainApply_Private, DiniChainApplyAdjoint_Private;
