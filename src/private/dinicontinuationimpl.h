/* Private to src/continuation: the path m -> u(m) through one scalar parameter. */
#pragma once
#include "diniimpl.h"

#define DINI_PATH_POINTS 3 /* good points that are kept: what a fold is foretold from */

/* One solution on the path */
typedef struct {
  PetscReal m;
  Vec       u;
  Vec       t; /* du/dm */
} DiniPathPoint;

/* How a step ended */
typedef enum {
  DINI_STEP_GOOD,
  DINI_STEP_FORWARD, /* the forward solve failed */
  DINI_STEP_TANGENT, /* a tangent solve failed */
  DINI_STEP_JUMP,    /* far from where the tangent points: another branch */
  DINI_STEP_TURN     /* J is singular on the way */
} DiniStep;

typedef struct {
  /* set by the caller */
  PetscInt    p;
  const char *name;
  PetscReal   start, target, sign; /* the parameter runs to target: sign * m grows */
  PetscReal   ends[2];             /* where it runs to behind an even and an odd number of folds */
  PetscInt    maxfolds;            /* to go round */
  PetscReal   minstep, rtol, near; /* near: how near to a fold the path ends where it is at zero */
  PetscReal   tight; /* factor of these, smaller each time that what looks like a fold has no other side */
  Vec         u;     /* the caller's */

  /* work */
  Vec      flat;   /* of all active blocks */
  Vec      dm;     /* one in the parameter, zero elsewhere */
  Vec      w[2];   /* layout of u */
  Vec      size;   /* largest |u_i| seen */
  Vec      along;  /* what du/dm grows along */
  Vec      weight; /* of its entries: 1 over the largest change of (du/dm)_i in a step, 0 for none */
  Mat      before; /* J at the latest point, a copy; NULL where it can not be copied */
  PetscInt n;      /* good points, the latest first */

  DiniPathPoint point[DINI_PATH_POINTS], trial;

  /* status */
  PetscBool here;         /* the Dini is at the latest point */
  PetscReal grown;        /* part by which du/dm has changed in the last step, where it has most */
  PetscBool moves;        /* u changes along the path, by more than rounding */
  PetscBool seen;         /* a fold is in sight: */
  PetscReal fold, spread; /* where, and how far two ways to foretell it are apart */
  PetscReal end;          /* where the path ends, as told to the caller */
  PetscReal ratio[2];     /* lambda at the point before the latest over lambda at the latest, of what shrinks most */
  PetscReal zero;         /* where the eigenvalue that shrinks most is zero, as it seemed at the latest point */
  PetscReal turn;         /* where J is singular, inside of the last step of kind DINI_STEP_TURN */
} DiniPath;

/* What is known where two branches cross */
typedef struct {
  Dini      dini;
  DiniPath  path;
  Vec       phi, psi;       /* null vectors of J and of J^H */
  Vec       base, t;        /* u at the crossing, by the old branch, and du/dm */
  Vec       weight;         /* 1 / size^2 */
  PetscReal critical, from; /* from: where all this has been found */
  PetscReal norm;           /* |phi|^2, weighted */
  PetscReal along, before;  /* of du/dm along phi, at the last point and four times as far from the crossing */
} DiniBranch;

DINI_INTERN PetscErrorCode DiniCheckContinuation_Private(Dini, PetscInt p, PetscReal target, Vec u);
DINI_INTERN PetscErrorCode DiniPathCreate_Private(Dini, PetscInt p, PetscReal target, Vec u, DiniPath *);
DINI_INTERN PetscErrorCode DiniPathDestroy_Private(DiniPath *);
DINI_INTERN PetscErrorCode DiniPathParameter_Private(Dini, DiniPath *, PetscReal m);
DINI_INTERN PetscErrorCode DiniPathBegin_Private(Dini, DiniPath *);
DINI_INTERN PetscErrorCode DiniPathStep_Private(Dini, DiniPath *, PetscReal m, DiniStep *, PetscReal *error);
DINI_INTERN PetscErrorCode DiniPathReturn_Private(Dini, DiniPath *);
DINI_INTERN PetscErrorCode DiniPathConverged_Private(Dini, PetscBool *);
DINI_INTERN PetscErrorCode DiniPathTangent_Private(Dini, DiniPath *, PetscReal m, PetscBool *converged);
DINI_INTERN PetscErrorCode DiniPathAccept_Private(Dini, DiniPath *);
DINI_INTERN PetscErrorCode DiniPathRound_Private(Dini, DiniPath *, PetscReal *step, DiniContinuationReason *);
DINI_INTERN PetscErrorCode DiniPathBehind_Private(Dini, DiniPath *, PetscReal fold, PetscBool *behind);
DINI_INTERN PetscErrorCode DiniPathHold_Private(Dini, DiniPath *);
DINI_INTERN PetscErrorCode DiniPathCrossing_Private(Dini, DiniPath *, PetscBool *converged, PetscBool *crosses,
                                                    PetscReal *ratio);
DINI_INTERN PetscErrorCode DiniPathBend_Private(DiniPath *);
DINI_INTERN PetscErrorCode DiniPathAlong_Private(DiniPath *, Vec v, PetscReal *along);
DINI_INTERN PetscErrorCode DiniPathFold_Private(DiniPath *);
DINI_INTERN PetscReal      DiniPathPower_Private(const DiniPath *);
DINI_INTERN PetscReal      DiniPathWhereZero_Private(const DiniPath *, PetscReal power);
DINI_INTERN PetscReal      DiniPathGrowth_Private(const DiniPath *, PetscReal critical);
DINI_INTERN PetscErrorCode DiniBranchDot_Private(DiniBranch *, Vec, Vec, PetscReal *dot);
DINI_INTERN PetscErrorCode DiniBranchNull_Private(DiniBranch *, PetscReal step, PetscBool *good);
DINI_INTERN PetscErrorCode DiniBranchScale_Private(DiniBranch *, PetscReal dm, PetscInt side, PetscReal *scale);
