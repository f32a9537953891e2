/* Private to src/parameter: one block of parameters and the ways to F_m. */
#pragma once
#include "dinistepsimpl.h"
#include <petscdm.h>

/* A way to obtain F_m. Every one ends in a Mat, so that the rules know of no other kind. */
typedef struct {
  const char *name;
  PetscErrorCode (*create)(Dini, DiniParameter, Mat *Fm); /* NULL Fm: the block does not enter F */
  PetscErrorCode (*fill)(Dini, DiniParameter, Mat Fm);    /* at the point (u, m); NULL: nothing to fill */
} DiniParameterKind;

struct _DiniParameter {
  /* set by the user */
  char          *name;
  Vec            m;      /* the application's own, or Dini's for a scalar */
  PetscScalar   *scalar; /* where the application reads a scalar, on every rank */
  PetscBool      active, affine;
  PetscBool      real; /* numbers of a complex build that are real by nature */
  DiniDifference difference;
  PetscReal      step; /* relative, 0 for the rule */
  PetscInt       maxcolumns;
  char           type[32]; /* empty: by what was given */
  Mat            Fmuser;

  /* user functions */
  DiniParameterUpdateFn   *update;
  void                    *updatectx;
  DiniParameterJacobianFn *fill;
  void                    *fillctx;
  DiniParameterApplyFn    *apply, *applyadjoint;
  void                    *applyctx;

  /* work */
  Dini         dini;    /* whose block this is, a plain pointer */
  PetscInt     n, N;    /* local and global size */
  Vec          copy;    /* the values at the solution */
  Vec          x;       /* a piece of a flat vector, shaped like m */
  Vec          ureal;   /* Re u, for complex steps */
  DM           pattern; /* of the state, when the pattern of Fm follows from it */
  Mat          Fm;
  DiniColoring coloring;
  DiniColumn  *columns; /* of dense differences, the same on all ranks */
  PetscInt64   columnspoint;
  PetscReal   *errors; /* of their entries by rounding, of columns in which a field was lost, else -1; or NULL */
  char         what[128], cure[256]; /* of differences, in messages */
  DiniRange    range;                /* of the values, when F_m was last held against differences */

  /* status */
  const DiniParameterKind *kind; /* of Fm */
  PetscObjectState         state;
  DiniMark                 held;     /* Fm as it was filled */
  PetscScalar              value;    /* of a scalar, as last handed to the application */
  PetscReal                error;    /* relative, of Fm, as differences see it */
  PetscReal                carried;  /* relative, of products that a type makes by solves: their own error */
  PetscReal                noise;    /* relative, of products that somebody knows the noise of, else 0 */
  PetscReal                missed;   /* the same but for what its columns know of themselves */
  PetscReal                lost;     /* and of its fields, by rounding */
  PetscBool                current;  /* Fm belongs to the point */
  PetscBool                together; /* its products are the type's, which makes those of several blocks at once */
  PetscBool                moves;    /* dm of the product under way is not zero in this block */
  PetscBool                guarded, boundsguarded; /* held against differences of F, and of bounds */
  PetscBool                seenzero;               /* F_m was zero at a point and is not everywhere */
  DiniSteady               steady;                 /* the numbers of F_m */
  PetscInt                 rangestate;             /* of u, when it was guarded */
};

DINI_INTERN const DiniParameterKind DiniParameterKinds[];

DINI_INTERN PetscErrorCode DiniGetParameter_Private(Dini, PetscInt p, DiniParameter *);
DINI_INTERN PetscErrorCode DiniParameterGetKind_Private(Dini, DiniParameter, const DiniParameterKind **);
DINI_INTERN PetscErrorCode DiniParameterRefuseAlias_Private(Dini, const char name[], Vec m);
DINI_INTERN PetscErrorCode DiniParameterDrop_Private(Dini, DiniParameter);
DINI_INTERN PetscErrorCode DiniParameterPushOne_Private(Dini, DiniParameter);
DINI_INTERN PetscErrorCode DiniParameterCheckReal_Private(Dini, DiniParameter, Vec, const char what[]);
DINI_INTERN PetscBool      DiniParameterShared_Private(Dini, DiniParameter);
DINI_INTERN PetscErrorCode DiniParameterShare_Private(Dini, DiniParameter);
DINI_INTERN PetscErrorCode DiniParameterEnsure_Private(Dini, DiniParameter);
DINI_INTERN PetscErrorCode DiniParameterMoved_Private(Dini, DiniParameter);
DINI_INTERN PetscErrorCode DiniParameterTake_Private(DiniParameter, Vec flat, PetscInt offset);
DINI_INTERN PetscErrorCode DiniParameterGive_Private(DiniParameter, Vec flat, PetscInt offset);

/* patterns that follow from the DMs of state and block */
DINI_INTERN PetscErrorCode DiniPatternStateDM_Private(Dini, DM *);
DINI_INTERN PetscErrorCode DiniPatternRelated_Private(Dini, DiniParameter, PetscBool *related, char why[], size_t);
DINI_INTERN PetscErrorCode DiniPatternCreate_Private(Dini, DiniParameter, Mat *);
DINI_INTERN PetscErrorCode DiniPatternRelated_Grid(DM state, DM block, PetscBool *related);
DINI_INTERN PetscErrorCode DiniPatternFill_Grid(DM state, DM block, Mat);
DINI_INTERN PetscErrorCode DiniPatternRelated_Plex(DM state, DM block, PetscBool *related);
DINI_INTERN PetscErrorCode DiniPatternFill_Plex(DM state, DM block, Mat);

/* differences of F in the block */
DINI_INTERN PetscErrorCode DiniParameterShifted_Private(Dini, DiniParameter, Vec u, PetscScalar h, Vec direction, Vec F,
                                                        PetscReal *norm);
DINI_INTERN PetscErrorCode DiniComplexStepBase_Private(Dini, DiniParameter);
DINI_INTERN PetscErrorCode DiniComplexStep_Private(Dini, DiniParameter, PetscReal factor, Vec h, Vec dF,
                                                   PetscReal *norm);
DINI_INTERN PetscErrorCode DiniParameterScheme_Private(Dini, DiniParameter, DiniScheme *);
DINI_INTERN PetscBool      DiniOwnDifferences_Private(DiniParameter);
DINI_INTERN PetscErrorCode DiniParameterDoubt_Private(Dini, DiniParameter, PetscBool adjoint, Vec x, Vec y,
                                                      PetscBool *known);
DINI_INTERN PetscErrorCode DiniParameterSteps_Private(DiniParameter, Vec dm);
DINI_INTERN PetscErrorCode DiniUnitVector_Private(DiniParameter, PetscInt j, Vec e);
DINI_INTERN PetscErrorCode DiniColumnsLost_Private(Dini, DiniParameter, DiniScheme *, Mat Fm, Vec rows, Vec e);
DINI_INTERN PetscErrorCode DiniParameterSmooth_Private(Dini, DiniParameter, const DiniScheme *);
DINI_INTERN PetscErrorCode DiniParameterCreate_FD(Dini, DiniParameter, Mat *);
DINI_INTERN PetscErrorCode DiniParameterFill_FD(Dini, DiniParameter, Mat);
DINI_INTERN PetscErrorCode DiniParameterCreate_Coloring(Dini, DiniParameter, Mat *);
DINI_INTERN PetscErrorCode DiniParameterFill_Coloring(Dini, DiniParameter, Mat);
