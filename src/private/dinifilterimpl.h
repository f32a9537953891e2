/* A filter between F and the linear systems, as of a variational inequality; a part of diniimpl.h. */
#pragma once

/* What a filter offers. All methods are there. */
typedef struct {
  PetscErrorCode (*destroy)(Dini); /* goes with all that it holds */
  PetscErrorCode (*natural)(Dini, Vec u, Vec F,
                            PetscReal scale);          /* F of entries at a bound becomes zero at a solution */
  PetscErrorCode (*remember)(Dini);                    /* what it is at the point */
  PetscErrorCode (*unchanged)(Dini);                   /* an error where that has changed since */
  PetscErrorCode (*differs)(Dini, PetscBool *differs); /* has it? */
  PetscErrorCode (*shifted)(Dini, DiniParameter);      /* the block has been moved beside the point */
  PetscErrorCode (*guard)(Dini, PetscBool again);      /* what it is derived from is looked at */
  PetscErrorCode (*reduce)(Dini, Mat *J, Mat *P);      /* J and P of the linear systems from those of F */
  PetscErrorCode (*full)(Dini, Mat *J, Mat *P);        /* and back */
  PetscErrorCode (*project)(Dini, Vec v);              /* takes the held entries out of v */
  PetscErrorCode (*part)(Dini, Vec v, Vec *part);      /* v without them, where there are some */
  PetscErrorCode (*tangent)(Dini, Vec m, Vec dm, Vec y, PetscBool *zero); /* what the held entries do along dm */
  PetscErrorCode (*adjoint)(Dini, Vec m, Vec lambda, Vec part, Vec mbar); /* and what they add to mbar */
  PetscErrorCode (*step)(Dini, Vec u, Vec F);                     /* F without what the held entries have of it */
  PetscErrorCode (*view)(Dini, PetscViewer);                      /* prints it */
  PetscErrorCode (*work)(Dini, Vec *work[DINI_MAX_WORK], int *n); /* vectors that a call works in */
} DiniFilterOps;

/* They do nothing where there is no filter */
DINI_INTERN PetscErrorCode DiniFilterDestroy_Private(Dini);
DINI_INTERN PetscErrorCode DiniFilterNatural_Private(Dini, Vec u, Vec F, PetscReal scale);
DINI_INTERN PetscErrorCode DiniFilterRemember_Private(Dini);
DINI_INTERN PetscErrorCode DiniFilterUnchanged_Private(Dini);
DINI_INTERN PetscErrorCode DiniFilterDiffers_Private(Dini, PetscBool *differs);
DINI_INTERN PetscErrorCode DiniFilterShifted_Private(Dini, DiniParameter);
DINI_INTERN PetscErrorCode DiniFilterGuard_Private(Dini, PetscBool again);
DINI_INTERN PetscErrorCode DiniFilterReduce_Private(Dini, Mat *J, Mat *P);
DINI_INTERN PetscErrorCode DiniFilterFull_Private(Dini, Mat *J, Mat *P);
DINI_INTERN PetscErrorCode DiniFilterProject_Private(Dini, Vec v);
DINI_INTERN PetscErrorCode DiniFilterPart_Private(Dini, Vec v, Vec *part);
DINI_INTERN PetscErrorCode DiniFilterTangent_Private(Dini, Vec m, Vec dm, Vec y, PetscBool *zero);
DINI_INTERN PetscErrorCode DiniFilterAdjoint_Private(Dini, Vec m, Vec lambda, Vec part, Vec mbar);
DINI_INTERN PetscErrorCode DiniFilterStep_Private(Dini, Vec u, Vec F);
DINI_INTERN PetscErrorCode DiniFilterView_Private(Dini, PetscViewer);
DINI_INTERN PetscErrorCode DiniFilterWork_Private(Dini, Vec *work[DINI_MAX_WORK], int *n);
