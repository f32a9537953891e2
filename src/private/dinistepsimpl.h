/* Private to the library: one rule for the steps of all differences, in a state or in a block of parameters. */
#pragma once
#include "diniimpl.h"

typedef enum { DINI_FORMULA_FORWARD, DINI_FORMULA_CENTRAL, DINI_FORMULA_ONESIDED } DiniFormula;

/* F(. + factor direction) in F, which may have NaN in it: the norm tells */
typedef PetscErrorCode DiniShiftedFn(Dini, void *ctx, PetscReal factor, Vec direction, Vec F, PetscReal *norm);

/* What is differenced, and how */
typedef struct {
  const char    *what; /* in messages: parameter "m", the state */
  const char    *cure; /* an option for another step, or "" */
  DiniShiftedFn *shifted;
  void          *ctx;
  DiniFormula    formula;
  PetscReal      step;   /* relative */
  PetscReal      nought; /* what is smaller has no size */
  PetscBool      judged; /* curvature within a step makes it smaller, as far as that helps */
  PetscBool      sized;  /* J tells the sizes of the rows of F, see DiniSchemeRows_Private() */
  PetscBool      probed; /* a difference in which all columns move tells what they are good to */
  PetscReal      error;  /* of what has been filled: relative, of its worst column */
  PetscReal      missed; /* of its worst row */
  PetscReal      lost;   /* of what its worst row field and column field have in common, by rounding */
  struct {
    PetscReal error;
    PetscInt  entry;
    PetscReal value, h, search;
  } worst;  /* that column, where its error is beyond DINI_ROUGH */
  Vec base; /* F at the point, for all but central differences that are not judged; NULL: zero */
  Vec rows; /* the sizes of the rows of F, or NULL */
} DiniScheme;

/* One column: an entry of the state or of a block, or a direction */
typedef struct {
  PetscReal   h, first, used; /* signed: the next one, the one to begin with, that of the value that is kept */
  PetscReal   own;            /* |m_j|, 0 for zero: a length that F may vary on */
  PetscReal   rho;            /* curvature of the value that is kept */
  PetscReal   error, longest; /* relative, of that value, as far as it is known; a step not to be gone beyond */
  PetscReal   rounding;       /* its part that a step of 1 would have */
  PetscReal   noise;          /* the same of all noise, where rows miss by it */
  signed char formula, tries, usedformula, inside;           /* inside: the side on which F has values */
  signed char kept, pending, failed, refined, search, entry; /* entry: no direction */
} DiniColumn;

/* The search for a better step of a column that a shorter step disagrees with */
enum {
  DINI_SEARCH_NONE,
  DINI_SEARCH_FIRST,   /* a shorter step, for the first time */
  DINI_SEARCH_SECOND,  /* and again: do they come nearer? */
  DINI_SEARCH_SHORTER, /* they do */
  DINI_SEARCH_TURNED,  /* they do not: the other way */
  DINI_SEARCH_LONGER,
  DINI_SEARCH_FAR /* longer from the start, since F hardly moves */
};
#define DINI_STEP_FACTOR 8.0
#define DINI_CLOSE       1e-8 /* relative: two steps that agree */
#define DINI_ROUGH       1e-3 /* relative: an error of differences that nobody could use */
#define DINI_DOUBTFUL    1e-2 /* the same of what two fields have in common, which need not matter: it is looked at */
#define DINI_PROBE_ROUND 4.0  /* roundings in a row of F */

/* What a difference has told: |dF| and |second difference|, rows in units of their sizes; NaN on either side */
typedef struct {
  PetscReal first, second;
  PetscBool bad[2];
} DiniSeen;

/* An entry of a row field that may be lost in the rounding of its row */
typedef struct {
  PetscReal noise, error; /* of the value that is kept: rounding by the terms of the row, and what is known of it */
  PetscInt  tries;
  PetscBool stopped;
} DiniEntry;

#define DINI_GROUP_BINS 47 /* factors of two, down to 1e-14 of the largest: what is less stands for zero */
#define DINI_MAX_GROUPS 8  /* as many as there can be gaps in these */

/* Parts of a state or of a block that may have units of their own */
typedef struct {
  PetscInt             n;     /* 1: there is nothing to tell apart */
  const unsigned char *field; /* of each local entry; NULL: components of a block size n */
  unsigned char       *group; /* the same by size, to be freed, where nobody says anything; or NULL */
  PetscReal            typical[DINI_MAX_GROUPS]; /* size of a group's entries */
  Vec                  like; /* whose entries these are, borrowed; NULL: directions are what they are */
} DiniParts;

DINI_INTERN PetscErrorCode DiniPartsOfSizes_Private(Vec, PetscReal nought, DiniParts *);
DINI_INTERN PetscErrorCode DiniPartsDestroy_Private(DiniParts *);
DINI_INTERN PetscErrorCode DiniPartsDirection_Private(const DiniParts *, Vec v);
DINI_INTERN PetscErrorCode DiniGroupDirection_Private(Dini, PetscInt seed, Vec v);

DINI_INTERN void      DiniEntryStart_Private(PetscReal row, PetscReal h, DiniEntry *);
DINI_INTERN PetscBool DiniEntryFarther_Private(DiniEntry *, PetscReal apart);
DINI_INTERN void      DiniLostAdd_Private(PetscReal sums[3], PetscReal value, PetscReal error, PetscReal row,
                                          PetscReal column);
DINI_INTERN PetscReal DiniLost_Private(const PetscReal sums[3]);
DINI_INTERN PetscBool DiniIsLost_Private(const PetscReal sums[3]);
DINI_INTERN PetscBool DiniColumnLonger_Private(DiniColumn *, PetscReal factor);

DINI_INTERN PetscReal   DiniExactStep_Private(PetscScalar v, PetscReal h);
DINI_INTERN void        DiniColumnStart_Private(const DiniScheme *, PetscReal h, PetscReal own, DiniColumn *);
DINI_INTERN PetscBool   DiniColumnJudge_Private(const DiniScheme *, const DiniSeen *, DiniColumn *);
DINI_INTERN PetscReal   DiniColumnFactor_Private(const DiniColumn *, int side);
DINI_INTERN PetscScalar DiniColumnValue_Private(const DiniColumn *, PetscScalar one, PetscScalar two, PetscScalar base,
                                                PetscScalar *second);
DINI_INTERN void        DiniColumnExact_Private(DiniColumn *);
DINI_INTERN void        DiniColumnSuspect_Private(DiniColumn *);
DINI_INTERN PetscBool   DiniColumnFar_Private(DiniColumn *, PetscReal noise, PetscReal error);
DINI_INTERN PetscBool   DiniColumnInsensitive_Private(DiniColumn *);
DINI_INTERN PetscBool   DiniColumnRefine_Private(DiniColumn *, PetscReal apart, PetscBool bad);
DINI_INTERN PetscReal   DiniApart_Private(PetscReal apart, PetscReal kept);
DINI_INTERN PetscReal   DiniColumnProbe_Private(const DiniColumn *, PetscInt j);
DINI_INTERN PetscReal   DiniProbeRow_Private(PetscScalar expected, PetscScalar found, PetscReal size, PetscReal terms);
DINI_INTERN PetscErrorCode DiniProbe_Private(Dini, const DiniScheme *, Vec d, PetscBool *finite);
DINI_INTERN PetscErrorCode DiniColumnCounts_Private(const DiniColumn[], PetscInt n, PetscInt counts[2]);
DINI_INTERN PetscErrorCode DiniColumnFailed_Private(Dini, const DiniScheme *, PetscInt j, PetscReal value, PetscReal h);
DINI_INTERN PetscErrorCode DiniShifted_Private(Dini, const DiniScheme *, PetscReal factor, Vec direction, Vec F,
                                               PetscReal *norm);
DINI_INTERN PetscErrorCode DiniDifferenceAlong_Private(Dini, DiniScheme *, Vec direction, DiniColumn *, Vec y);
DINI_INTERN PetscErrorCode DiniRefineAlong_Private(Dini, DiniScheme *, Vec rows, Vec direction, DiniColumn *, Vec y);
DINI_INTERN PetscErrorCode DiniTakeValue_Private(Dini, const DiniScheme *, const DiniColumn *, PetscReal h, Vec y);
DINI_INTERN PetscErrorCode DiniRowSizes_Private(Dini, Vec *rows);
DINI_INTERN PetscErrorCode DiniSchemeRows_Private(Dini, DiniScheme *);
DINI_INTERN PetscErrorCode DiniStateScheme_Private(Dini, Vec work, DiniScheme *);

/* coloured differences */
DINI_INTERN PetscErrorCode DiniColoringFill_Private(Dini, DiniColoring, DiniScheme *, Vec point, Mat A, PetscReal *all,
                                                    PetscReal *stray);
DINI_INTERN const DiniColumn *DiniColoringColumn_Private(DiniColoring, PetscInt j);
DINI_INTERN PetscErrorCode    DiniColoringCounts_Private(Dini, DiniColoring, PetscInt *ncolors, PetscInt counts[2]);
DINI_INTERN PetscErrorCode    DiniColoringDoubt_Private(DiniColoring, PetscReal missed, PetscBool rounds,
                                                        PetscBool adjoint, PetscReal size, Vec x, Vec y);
