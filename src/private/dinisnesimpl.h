/* Private to src/solvers: the type "snes". */
#pragma once
#include "diniimpl.h"
#include <petsc/private/snesimpl.h> /* usesksp: does the forward solve have a linear solver to take over? */

typedef struct {
  SNES          snes;
  Mat           J, P;   /* Dini's own copies, where the SNES changes its matrices behind Dini's back */
  Mat           made;   /* for a callback of a SNES that has made no matrix */
  PetscObjectId filled; /* of the matrix that the SNES has been seen to fill */
  PetscReal     fnorm;  /* |F| at the end of the last solve */
} Dini_SNES;

DINI_INTERN PetscErrorCode DiniNeedSNES_Private(Dini, SNES *);
DINI_INTERN PetscErrorCode DiniLeftPreconditioned_SNES(SNES, PetscBool *);
DINI_INTERN PetscErrorCode DiniResidual_SNES(Dini, Vec u, Vec F);
DINI_INTERN PetscErrorCode DiniJacobian_SNES(Dini, Vec u, Mat *J, Mat *P);
DINI_INTERN PetscErrorCode DiniPattern_SNES(Dini, Mat *);
