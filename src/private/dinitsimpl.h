/* Private to the type ts: the steps of a TS as a chain. */
#pragma once
#include "dinichainimpl.h"
#include "dinicompat.h"

/* Which method the TS steps by */
typedef struct {
  PetscBool bdf, endpoint;
  PetscInt  order; /* of a BDF */
  PetscReal theta;
} DiniTSMethod;

/*
  One step of it: R = F(t, U, Udot) / a + gamma F(t_n, u_n, 0) with U = a u_{n+1} + sum of A[k] u_{n-k} and
  Udot = w u_{n+1} + sum of W[k] u_{n-k}
*/
typedef struct {
  PetscInt  n;
  PetscReal t, t0, a, w, gamma, A[DINI_CHAIN_MOST], W[DINI_CHAIN_MOST];
  PetscReal guess[DINI_CHAIN_MOST]; /* of u_{n+1}, by u_n, u_{n-1}, ... */
} DiniTSScheme;

/* What the TS calls, which may live longer than the Dini */
typedef struct {
  Dini     dini; /* NULL: gone */
  PetscInt refs;
} DiniTSListener;

/* Matrices of the application's callbacks at one (t, U, Udot): F_U = I0 - G, and F_Udot = (I1 - I0) / far, or 1 without I1 */
typedef struct {
  Mat       I0, I1, G;
  PetscReal far;
  uint64_t  stamp; /* of what they belong to, on this rank */
  PetscBool valid;
} DiniTSMats;

struct _DiniTS {
  /* set by the user */
  TS ts;

  /* children and work */
  DiniTSListener *listener;
  SNES            snes;                      /* solves a step again */
  Vec             previous[DINI_CHAIN_MOST]; /* of the step: u_n, u_{n-1}, ... */
  Vec             U, Udot, w;
  Vec             latest, half; /* iterates of the TS's solver in its first step */
  Mat             J, P;
  DiniTSMats      stage, begin; /* at (t, U, Udot), and at (t_n, u_n, 0) */

  /* callbacks of the application, and matrices that they fill */
  DiniTSIJacobianFn   *ijacobian;
  DiniTSRHSJacobianFn *rhsjacobian;
  void                *ijacobianctx, *rhsjacobianctx;
  Mat                  Grhs, Prhs; /* of the application: dG/du of a linear one with constant coefficients, else NULL */
  Mat                  like;       /* a matrix of its, for others like it */

  /* what a chain does besides */
  PetscErrorCode (*view)(Dini, PetscViewer);
  PetscErrorCode (*reset)(Dini);
  PetscErrorCode (*destroy)(Dini);

  /* status */
  DiniTSMethod method;
  DiniTSScheme now;
  PetscReal    t0, dt0;  /* where the TS starts, */
  PetscBool    starts;   /* where that is known */
  PetscInt     step;     /* number of the last one that was heard of */
  PetscBool    solving;  /* by the Dini, not by the application */
  PetscBool    follows;  /* its solver is listened to */
  PetscInt     iterates; /* solves heard of in its first step */
  PetscBool    interpolated, jumped;
  PetscReal    jump; /* when */
};

DINI_INTERN PetscErrorCode DiniTSGetMethod_Private(Dini, TS, DiniTSMethod *);
DINI_INTERN PetscErrorCode DiniTSPlace_Private(Dini_Chain *, PetscInt n);
DINI_INTERN PetscErrorCode DiniTSGuess_Private(const Dini_Chain *, const Vec window[], Vec u);
DINI_INTERN PetscErrorCode DiniTSListen_Private(Dini, TS);
DINI_INTERN PetscErrorCode DiniTSFinish_Private(Dini, Dini_Chain *);
DINI_INTERN PetscErrorCode DiniTSBuild_Private(Dini, Dini_Chain *);
DINI_INTERN PetscErrorCode DiniTSUnbuild_Private(Dini_Chain *);
DINI_INTERN PetscErrorCode DiniTSStage_Private(DiniTS *, Vec u);
DINI_INTERN PetscErrorCode DiniTSCallbacks_Private(DiniTS *);
DINI_INTERN PetscErrorCode DiniTSRenewed_Private(DiniTS *, PetscBool *);
DINI_INTERN PetscErrorCode DiniTSJacobian_Private(SNES, Vec u, Mat J, Mat P, void *);
DINI_INTERN PetscErrorCode DiniTSBlocks_Private(Dini step, Dini_Chain *);
DINI_INTERN PetscErrorCode DiniTSMatsDestroy_Private(DiniTSMats *);
