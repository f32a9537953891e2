/* Private to src/tangent: who solves with J and with J^H. */
#pragma once
#include "diniimpl.h"

/* How an adjoint solve applies J^H and its preconditioner, once DiniTranspose has been made up from what there is. */
typedef enum {
  DINI_METHOD_UNDECIDED,
  DINI_METHOD_SYMMETRIC, /* J and M themselves */
  DINI_METHOD_NATIVE,    /* products with J^H, M^H by the transposed apply of the forward preconditioner */
  DINI_METHOD_EXPLICIT   /* an assembled P^H with a preconditioner of its own */
} DiniMethod;

/* Preconditioners whose reuse flag is raised, and what it was */
typedef struct {
  PetscInt   n, max;
  PC        *pcs;
  PetscBool *reuse;
} DiniFrozen;

struct _DiniEngine {
  /* set by the user */
  DiniTranspose transpose;
  PetscReal     rtol[2]; /* accepted true relative residuals, indexed by DiniDirection */

  /* children */
  KSP       ksp[2];
  PC        pc;    /* of the forward solver, or the engine's own where there is none */
  PetscBool ownpc; /* has been made by the engine */
  Mat       J, P;  /* at the point, references */
  Mat       JH;    /* J^H by products */
  Mat       PH;    /* P^H assembled, for the explicit method */
  Vec       b, e;  /* right-hand side and correction: PETSc never sees a vector of the caller */
  Vec       c;     /* conjugates in complex builds */

  /* status */
  DiniMethod method;
  PetscBool  ready[2]; /* the KSP has the operators of the point */
  PetscBool  fresh;    /* the PC belongs to the point */
  PetscBool  probed, transposes;
};

DINI_INTERN PetscErrorCode DiniEngineGetPC_Private(Dini);
DINI_INTERN PetscErrorCode DiniEngineSetUpPC_Private(Dini, PetscBool refresh);
DINI_INTERN PetscErrorCode DiniEngineProbe_Private(Dini);
DINI_INTERN PetscErrorCode DiniEngineTransposable_Private(Dini, PetscBool *);
DINI_INTERN PetscErrorCode DiniFreeze_Private(PC, DiniFrozen *);
DINI_INTERN PetscErrorCode DiniThaw_Private(DiniFrozen *);
DINI_INTERN PetscErrorCode DiniEngineSetShell_Private(Dini, DiniDirection, PC);
DINI_INTERN PetscErrorCode DiniEnginePrepare_Private(Dini, DiniDirection);
DINI_INTERN PetscErrorCode DiniEngineSetExplicit_Private(Dini);
DINI_INTERN PetscErrorCode DiniEngineMult_Private(Dini, DiniDirection, Vec x, Vec y);
DINI_INTERN PetscErrorCode DiniEngineVerifyUser_Private(Dini, DiniDirection, Vec b, Vec x, PetscReal bnorm,
                                                        PetscReal *relative);
