/* How good is what is returned? A part of diniimpl.h. */
#pragma once

#define DINI_FLAT_PARTS 256 /* of a flat vector: what is beyond is taken together */

/* what is reported, and a better state */
DINI_INTERN PetscErrorCode DiniPolish_Private(Dini, Vec u);
DINI_INTERN PetscErrorCode DiniMeasureState_Private(Dini, PetscBool setup, PetscReal *error, PetscBool *good);
DINI_INTERN PetscErrorCode DiniAddStateError_Private(Dini, DiniDirection, Vec b, PetscReal bnorm, Vec x,
                                                     PetscReal *error);
DINI_INTERN PetscErrorCode DiniBend_Private(Dini, Vec du, PetscReal error, PetscReal condition, PetscReal *bend);
DINI_INTERN PetscErrorCode DiniCotangentBends_Private(Dini, DiniObjective, Vec ubar, Vec du, PetscReal error);
DINI_INTERN PetscErrorCode DiniPointStep_Private(Dini, Vec *F);
DINI_INTERN PetscErrorCode DiniAccurateVJP_Private(Dini, Vec ubar, Vec mbar, PetscBool *good);
DINI_INTERN PetscErrorCode DiniEstimateObjective_Private(Dini);
DINI_INTERN PetscReal      DiniDifferenceError_Private(Dini);
DINI_INTERN PetscErrorCode DiniEstimateSecond_Private(Dini, DiniDirection, PetscReal terms, Vec b, Vec x);
DINI_INTERN PetscErrorCode DiniPartError_Private(Dini, Vec delta, Vec mbar, PetscReal *error);
DINI_INTERN PetscErrorCode DiniPartNorms_Private(Dini, Vec v, PetscReal norms[]);
DINI_INTERN PetscErrorCode DiniAddGradientDoubt_Private(Dini, DiniAccuracy *, PetscBool due, Vec ubar, Vec mbar,
                                                        PetscReal *error);
DINI_INTERN PetscErrorCode DiniAddTangentDoubt_Private(Dini, DiniAccuracy *, PetscBool due, Vec dm, Vec b, Vec x,
                                                       PetscReal *error);
DINI_INTERN PetscErrorCode DiniEstimateTangent_Private(Dini, Vec dm, Vec b, Vec x);
DINI_INTERN PetscErrorCode DiniEstimateTangentColumn_Private(Dini, Mat dM, PetscInt j, Vec b, Vec x);
DINI_INTERN PetscErrorCode DiniEstimateGradient_Private(Dini, Vec ubar, Vec mbar);

/* what the forward solve promises of its state */
DINI_INTERN PetscErrorCode DiniForwardPromise_Private(Dini);
DINI_INTERN PetscErrorCode DiniForwardSingular_Private(Dini, Mat A, Vec r);
DINI_INTERN PetscErrorCode DiniPromiseKept_Private(Dini);
DINI_INTERN PetscErrorCode DiniTrial_Private(Dini, PetscBool *good);
DINI_INTERN PetscErrorCode DiniStateResidual_Private(Dini, PetscReal *relative, PetscBool *good, const char **field);
