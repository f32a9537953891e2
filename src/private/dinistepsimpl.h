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
  Vec            base;   /* F at the point, for all but central differences that are not judged; NULL: zero */
  Vec            rows;   /* the sizes of the rows of F, or NULL */
} DiniScheme;

/* One column: an entry of the state or of a block, or a direction */
typedef struct {
  PetscReal   h, first, used; /* signed: the next one, the one to begin with, that of the value that is kept */
  PetscReal   own;            /* |m_j|, 0 for zero: a length that F may vary on */
  PetscReal   rho;            /* curvature of the value that is kept */
  signed char formula, tries, usedformula, inside; /* inside: the side on which F has values */
  signed char kept, pending, failed, refined;
} DiniColumn;

/* What a difference has told: |dF| and |second difference|, rows in units of their sizes; NaN on either side */
typedef struct {
  PetscReal first, second;
  PetscBool bad[2];
} DiniSeen;

DINI_INTERN PetscReal   DiniExactStep_Private(PetscScalar v, PetscReal h);
DINI_INTERN void        DiniColumnStart_Private(const DiniScheme *, PetscReal h, PetscReal own, DiniColumn *);
DINI_INTERN PetscBool   DiniColumnJudge_Private(const DiniScheme *, const DiniSeen *, DiniColumn *);
DINI_INTERN PetscReal   DiniColumnFactor_Private(const DiniColumn *, int side);
DINI_INTERN PetscScalar DiniColumnValue_Private(const DiniColumn *, PetscScalar one, PetscScalar two, PetscScalar base,
                                                PetscScalar *second);
DINI_INTERN PetscErrorCode DiniColumnCounts_Private(const DiniColumn[], PetscInt n, PetscInt counts[2]);
DINI_INTERN PetscErrorCode DiniColumnFailed_Private(Dini, const DiniScheme *, PetscInt j, PetscReal value, PetscReal h);
DINI_INTERN PetscErrorCode DiniDifferenceAlong_Private(Dini, DiniScheme *, Vec direction, DiniColumn *, Vec y);
DINI_INTERN PetscErrorCode DiniRowSizes_Private(Dini, Vec *rows);
DINI_INTERN PetscErrorCode DiniStateScheme_Private(Dini, Vec work, DiniScheme *);

/* coloured differences */
DINI_INTERN PetscErrorCode DiniColoringFill_Private(Dini, DiniColoring, DiniScheme *, Vec point, Mat A, PetscReal *all,
                                                    PetscReal *stray);
DINI_INTERN PetscErrorCode DiniColoringCounts_Private(Dini, DiniColoring, PetscInt *ncolors, PetscInt counts[2]);
