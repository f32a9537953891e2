/* Objectives: values, partial derivatives, what differences say of them. A part of diniimpl.h. */
#pragma once

/* Partial derivatives of an objective and differences of its value */
typedef struct {
  PetscReal error[3];    /* relative: in all, in u alone and in m alone; negative: not known */
  PetscBool informative; /* differences have told something */
  char      part[160];   /* the field, block or component that is wrong, where all together do not tell */
} DiniDisagreement;

/* objective, and its Hessian */
DINI_INTERN PetscErrorCode DiniObjectiveDestroy_Private(Dini);
DINI_INTERN PetscErrorCode DiniSecond_Private(Dini, PetscReal left, Vec du, Vec dm, Vec hu, Vec hm, PetscReal error[2]);
DINI_INTERN PetscErrorCode DiniPredict_Private(Dini, Vec m, Vec *guess);
DINI_INTERN PetscErrorCode DiniHistoryReset_Private(Dini);
DINI_INTERN PetscErrorCode DiniSolveAt_Private(Dini, Vec m, PetscBool tolerated, PetscBool *converged);
DINI_INTERN PetscErrorCode DiniObjectiveValue_Private(Dini, DiniObjective, PetscReal *value);
DINI_INTERN PetscErrorCode DiniObjectivePartials_Private(Dini, DiniObjective, Vec dJdu, Vec dJdm);
DINI_INTERN PetscErrorCode DiniObjectiveGuard_Private(Dini, DiniObjective, Vec dJdu, Vec dJdm);
DINI_INTERN PetscErrorCode DiniObjectiveCompare_Private(Dini, DiniObjective, Vec dJdu, Vec dJdm, DiniDisagreement *);
DINI_INTERN PetscErrorCode DiniEvaluate_Private(Dini, Vec m, PetscBool tolerated, PetscReal *value, Vec g);
