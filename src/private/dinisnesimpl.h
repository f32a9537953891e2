/* Private to src/solvers/snes: the type "snes". */
#pragma once
#include "diniimpl.h"
#include "petscaccess.h"

typedef struct {
  SNES                snes;
  Mat                 J, P;    /* Dini's own copies, where the SNES changes its matrices behind Dini's back */
  Mat                 made;    /* for a callback of a SNES that has made no matrix */
  DiniSNESJacobianFn *compute; /* of the SNES, and its context, as they were guarded */
  void               *computectx;
  DiniSNESJacobianFn *local[2]; /* PETSc's own for DMs with local functions: of DMDAs, and of all */
  PetscObjectId       filled;   /* of the matrix that the SNES has been seen to fill */
  PetscReal           fnorm;    /* |F| at the end of the last solve */
  Vec                 given;    /* right-hand side b of F(u) = b, from DiniSetRHS() */
  Vec                 b;        /* the one that the point solves with; NULL: none */
  PetscBool           known;    /* there has been a point, so b is not for others to change */
} Dini_SNES;

DINI_INTERN PetscErrorCode DiniNeedSNES_Private(Dini, SNES *);
DINI_INTERN PetscErrorCode DiniLeftPreconditioned_SNES(SNES, PetscBool *);
DINI_INTERN PetscErrorCode DiniResidual_SNES(Dini, Vec u, Vec F);
/* right-hand side */
DINI_INTERN PetscErrorCode DiniGetRHS_SNES(Dini, Vec *b);
DINI_INTERN PetscErrorCode DiniRememberRHS_SNES(Dini);
DINI_INTERN PetscErrorCode DiniCheckRHS_SNES(Dini, SNES);
DINI_INTERN PetscErrorCode DiniSNESSolve_Private(Dini, SNES, Vec u);
DINI_INTERN PetscErrorCode DiniResetRHS_SNES(Dini);
DINI_INTERN PetscErrorCode DiniParameterKind_SNES(Dini, Vec m, DiniParameterType *);
DINI_INTERN PetscErrorCode DiniJacobian_SNES(Dini, Vec u, Mat *J, Mat *P);
DINI_INTERN PetscErrorCode DiniPattern_SNES(Dini, Mat *);
