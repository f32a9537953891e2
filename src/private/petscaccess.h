/*
  Private to the library: what PETSc keeps to itself and Dini has to know. Only src/sys/petscaccess.c includes PETSc's private
  headers of solvers and preconditioners, and only it knows the names that PETSc composes objects with.
*/
#pragma once
#include "dinidefs.h"
#include <petscsnes.h>

/* ---- SNES ---- */

typedef PetscErrorCode DiniBoundsFn(SNES, Vec lower, Vec upper);

/* Does it have a linear solver to take over? */
DINI_INTERN PetscBool DiniSNESUsesKSP_Private(SNES);
/* The bounds of a variational inequality; NULL: the SNES has not been set up. 3.18 has no SNESVIGetVariableBounds() */
DINI_INTERN void DiniSNESBounds_Private(SNES, Vec bounds[2]);
/* Who computes them; NULL: nobody, or the bounds are Vecs of the application */
DINI_INTERN DiniBoundsFn *DiniSNESComputesBounds_Private(SNES);
/* Within this distance the reduced space method takes an entry for one at its bound */
DINI_INTERN PetscReal DiniSNESBoundTolerance_Private(SNES);
/* Ends a solve of a variational inequality that an error has cut short, as far as its DM goes */
DINI_INTERN PetscErrorCode DiniDMLeaveInequality_Private(DM);
/* The right-hand side is b from now on, without a reference; what it was is returned, to be put back */
DINI_INTERN Vec DiniSNESLendRHS_Private(SNES, Vec b);
/* The same after a solve, with a reference, and the last F is that of b */
DINI_INTERN PetscErrorCode DiniSNESReturnRHS_Private(SNES, Vec b);
/* Does a DMDA's callback for local functions take differences? It has a colouring from the first time on */
DINI_INTERN PetscErrorCode DiniDMHasColoring_Private(DM, PetscBool *has);
/* The state that a matrix of a SNES belongs to, which some preconditioners ask for; NULL: unknown */
DINI_INTERN PetscErrorCode DiniMatGetState_Private(Mat, Vec *u);
DINI_INTERN PetscErrorCode DiniMatSetState_Private(Mat, Vec u);

/* ---- KSP, PC ---- */

/* Does -help pass it over from now on? */
DINI_INTERN void      DiniKSPSetHelped_Private(KSP, PetscBool helped);
DINI_INTERN PetscBool DiniPCIsSetUp_Private(PC);
/* Has this rank seen its set-up or apply fail? */
DINI_INTERN PetscBool DiniPCHasFailed_Private(PC);
/* Has it been set up from P as P was in that state? */
DINI_INTERN PetscBool DiniPCIsFrom_Private(PC, Mat P, PetscObjectState);
/* P has the values back that it had in the state before: what was good for that one is good for the present one */
DINI_INTERN void DiniPCMoveState_Private(PC, Mat P, PetscObjectState before, PetscObjectState now);

/* A level of a PC of type mg, gamg, ml or hmg as it is: PCMGGetSmootherUp() would make one of its own where both are one */
typedef struct {
  KSP down, up; /* smoothers; up: NULL where there is none yet */
  Mat A;        /* kept from its first cycle, whatever the smoother has now */
  Mat interpolate, restrct;
} DiniLevel;

/* Right-hand sides of a cycle that an error has ended: those of the finest level are borrowed, and it would destroy them */
DINI_INTERN PetscErrorCode DiniPCGiveBack_Private(PC);
DINI_INTERN PetscInt       DiniPCLevels_Private(PC);
DINI_INTERN DiniLevel      DiniPCLevel_Private(PC, PetscInt l);
