/* Private to the library, a part of diniimpl.h: the point, the active set at it, where J comes from, going beside it. */
#pragma once

/* what one reduction tells ahead */
DINI_INTERN PetscErrorCode DiniAhead_Private(Dini, DiniDirection, Vec in, Vec out);
DINI_INTERN PetscErrorCode DiniAheadMine_Private(Dini, PetscReal mine[DINI_AHEAD]);
DINI_INTERN PetscErrorCode DiniAheadTold_Private(Dini, const PetscReal all[DINI_AHEAD], PetscBool stays);
DINI_INTERN PetscErrorCode DiniAheadNow_Private(Dini);

/* where J comes from */
DINI_INTERN const char *const DiniWays_Private[];
DINI_INTERN PetscErrorCode    DiniJacobianDue_Private(Dini);
DINI_INTERN PetscErrorCode    DiniJacobianSuspect_Private(Dini, Mat given, PetscBool *suspect);
DINI_INTERN PetscErrorCode    DiniJacobianFind_Private(Dini, Mat *J, Mat *P);
DINI_INTERN PetscBool         DiniJacobianFuller_Private(Dini);
DINI_INTERN PetscErrorCode    DiniJacobianBeside_Private(Dini, Mat *J);
DINI_INTERN PetscErrorCode    DiniJacobianAssembled_Private(Dini, Mat given, Mat P, Mat *J);
DINI_INTERN PetscErrorCode    DiniJacobianSetFromOptions_Private(Dini, DiniOptionItems);
DINI_INTERN PetscErrorCode    DiniJacobianView_Private(Dini, PetscViewer);
DINI_INTERN PetscErrorCode    DiniJacobianReset_Private(Dini);
DINI_INTERN PetscErrorCode    DiniDifferenceJacobian_Private(Dini, DiniJacobianWay, Mat P, Mat *J, const char **why);
DINI_INTERN PetscErrorCode    DiniThinPattern_Private(Dini, Mat P, PetscBool *serves, const char **why);
DINI_INTERN PetscErrorCode    DiniFullPattern_Private(Dini, Mat *);
DINI_INTERN PetscErrorCode    DiniDifferenceMult_Private(Dini, Vec v, Vec y);
DINI_INTERN PetscErrorCode    DiniDifferenceBest_Private(Dini, Vec v, Vec y, PetscReal *error);

/* differences: how large entries are, F at the point */
DINI_INTERN PetscErrorCode DiniRangeGet_Private(Vec, DiniRange *);
DINI_INTERN PetscErrorCode DiniRangeMoved_Private(Vec, DiniRange *, PetscBool *moved);
DINI_INTERN PetscErrorCode DiniRangeDestroy_Private(DiniRange *);
DINI_INTERN PetscErrorCode DiniSizes_Private(Vec, PetscReal nought, PetscReal sizes[]);
DINI_INTERN PetscErrorCode DiniRelativeSize_Private(Vec d, Vec v, PetscReal nought, PetscReal cap, PetscReal *relative,
                                                    PetscReal *own);
DINI_INTERN PetscErrorCode DiniPointResidual_Private(Dini, Vec *F);

/* errors of products of second order */
#define DINI_SHAKEN 1e-9 /* relative: what solves have left is looked at where it is more */
DINI_INTERN PetscReal      DiniSolveError_Private(Dini);
DINI_INTERN PetscErrorCode DiniShake_Private(Dini, PetscInt seed, PetscReal error, Vec x, Vec y);
DINI_INTERN PetscReal      DiniShare_Private(PetscReal error, PetscReal all);

DINI_INTERN PetscErrorCode DiniColoringCreate_Private(Dini, Mat A, Vec like, const char what[], DiniColoring *);
DINI_INTERN PetscErrorCode DiniColoringDestroy_Private(DiniColoring *);
DINI_INTERN PetscErrorCode DiniColoringErrors_Private(DiniColoring, Vec x, Vec y, PetscBool *any);
DINI_INTERN PetscErrorCode DiniJacobianKnown_Private(Dini);

/* beside the point */
DINI_INTERN PetscErrorCode DiniBeside_Private(Dini, PetscReal h, Vec du, Vec dm, PetscBool matrices,
                                              PetscErrorCode (*visit)(Dini, PetscReal sign, void *), void *ctx);
DINI_INTERN PetscErrorCode DiniBesideJacobian_Private(Dini, const char product[], const char cure[], Mat *J);
DINI_INTERN PetscErrorCode DiniBesideTangent_Private(Dini, Vec du, Vec dm, Vec y);
DINI_INTERN PetscErrorCode DiniBesideAdjoint_Private(Dini, Vec lambda, Vec yu, Vec ym);
DINI_INTERN PetscReal      DiniProductNoise_Private(Dini);
DINI_INTERN PetscErrorCode DiniSecondAlong_Private(Dini, Vec du, Vec dm, PetscReal least, PetscReal longest,
                                                   DiniSecondDifference *);
DINI_INTERN PetscErrorCode DiniSecondDifference_Private(Dini, Vec du, Vec dm, DiniSecondDifference *);
DINI_INTERN PetscErrorCode DiniSecondServes_Private(Dini, const DiniSecondDifference *, const char cure[]);
