/* Private to the library, a part of diniimpl.h: the formulas of src/rules. */
#pragma once

/* blocks of columns */
typedef PetscErrorCode     DiniBlockFn(Dini, PetscInt first, PetscInt count, Mat R, Mat X, void *ctx);
DINI_INTERN PetscErrorCode DiniEachBlock_Private(Dini, PetscInt n, DiniBlockFn *body, void *ctx);

/* Columns first to first + count - 1 of in and out; R and X: count columns of work with the layout of the state */
typedef struct {
  Mat      in, out, R, X;
  PetscInt first, count;
} DiniBlock;

/* rules */
DINI_INTERN PetscErrorCode DiniRuleSecondJVP_Private(Dini, Vec dm1, Vec dm2, Vec r, Vec ddu, PetscReal *error,
                                                     PetscBool *good);
DINI_INTERN PetscErrorCode DiniSecondTangent_Private(Dini, PetscReal left, const Vec t[4], Vec y, PetscReal *error);
DINI_INTERN PetscErrorCode DiniRuleJVP_Private(Dini, Vec dm, Vec du, PetscBool *good);
DINI_INTERN PetscErrorCode DiniRuleVJP_Private(Dini, Vec ubar, Vec mbar, PetscBool *good);
DINI_INTERN PetscErrorCode DiniRuleHVP_Private(Dini, Vec v, Vec Hv);
DINI_INTERN PetscErrorCode DiniRuleMatHVP_Private(Dini, Mat V, Mat HV, PetscInt first, PetscInt count, Mat R, Mat X);
DINI_INTERN PetscErrorCode DiniRuleMatJVP_Private(Dini, const DiniBlock *, PetscBool *good);
DINI_INTERN PetscErrorCode DiniRuleMatVJP_Private(Dini, PetscBool conj, const DiniBlock *, PetscBool *good);
