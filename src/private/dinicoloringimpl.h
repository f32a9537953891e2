/* Private to the library: the columns of a matrix by colours, and the differences that fill it. */
#pragma once
#include "dinistepsimpl.h"

struct _DiniColoring {
  PetscInt         ncolors, ncols; /* ncols: columns owned here */
  ISColoringValue *own;            /* colour of each column owned here */
  PetscInt         nrows, first;   /* rows owned here */
  PetscInt        *rowptr, *cols;  /* pattern by rows, global columns */
  PetscInt        *ghost;          /* where an entry's column sits among the ghosts */
  PetscInt        *colorptr, *nz;  /* entries by colour */
  PetscInt        *row;            /* local row of each entry */
  PetscScalar     *values, *tried; /* kept, and of the round under way */
  PetscScalar     *last;           /* of the fill before */
  PetscReal       *second;         /* second differences of the round; negative: NaN */
  PetscReal       *rowsizes;
  DiniColumn      *columns;                      /* owned here */
  Vec              one, two;                     /* shifts of one colour */
  Vec              ghosth, ghostformula, ghostw; /* of the columns seen here: steps of the round, 0 for none; work */
  Vec              ghostsize;                    /* what the first step of each was measured by */
  VecScatter       scatter;
  PetscInt64       point;       /* where the steps have been found */
  PetscInt         fills;       /* so far */
  PetscBool        steady;      /* the last two fills, at different points, have found the same */
  PetscReal        error, lost; /* of the last one */
  PetscReal       *errors;      /* of its entries by rounding, where a field was lost; else NULL */
  DiniMark         filled;      /* the matrix, as it was left */
  DiniScheme      *scheme;      /* of the fill under way */
};

/* Sums over the rows of each column of a round */
typedef enum {
  DINI_SUM_FIRST,
  DINI_SUM_SECOND,
  DINI_SUM_BAD_ONE,
  DINI_SUM_BAD_TWO,
  DINI_SUM_APART, /* of new values and those that are kept */
  DINI_SUM_VALUE, /* of those that are kept */
  DINI_SUM_BAD
} DiniSum;

DINI_INTERN PetscErrorCode DiniColoringToGhosts_Private(DiniColoring, Vec ghosts);
DINI_INTERN PetscErrorCode DiniColoringRound_Private(Dini, DiniColoring, PetscInt active[]);
DINI_INTERN PetscErrorCode DiniColoringColor_Private(Dini, DiniColoring, DiniScheme *, PetscInt q, PetscBool *bad,
                                                     PetscReal *all, PetscReal *stray);
DINI_INTERN PetscErrorCode DiniColoringRowSizes_Private(DiniColoring, const DiniScheme *);
DINI_INTERN PetscErrorCode DiniColoringSum_Private(DiniColoring, DiniSum);
DINI_INTERN PetscErrorCode DiniColoringKeep_Private(DiniColoring);
DINI_INTERN PetscErrorCode DiniColoringProbe_Private(DiniColoring, Vec point);
DINI_INTERN PetscErrorCode DiniColoringSteady_Private(Dini, DiniColoring, DiniScheme *, Vec point, Mat A,
                                                      PetscBool *same, PetscBool *there);
DINI_INTERN PetscErrorCode DiniColoringCompare_Private(Dini, DiniColoring, const DiniScheme *);
DINI_INTERN PetscErrorCode DiniColoringLost_Private(Dini, DiniColoring, DiniScheme *, Vec point, PetscInt active[]);
DINI_INTERN PetscErrorCode DiniColoringVerify_Private(Dini, DiniColoring, DiniScheme *, Vec point, PetscInt active[]);
