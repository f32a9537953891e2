/* Private to src/solvers/ksp: what stands behind type ksp. */
#pragma once
#include "diniimpl.h"

/* How the solve of one of many right-hand sides went */
typedef struct {
  KSPConvergedReason reason; /* KSP_CONVERGED_ITERATING: never tried, since one before it has failed */
  PetscInt           its;
  PetscReal          relative; /* |A u - b| / |b| */
} DiniSolvedColumn;

/* dF/du of A, or of the KSP's own A where that is NULL: the context of the shell J */
typedef struct {
  Dini dini;
  Mat  A, J;
} DiniHat;

/* What a kernel has been made of */
typedef struct {
  PetscObjectId    A, null;
  PetscObjectState Astate, states;
} DiniKernelMark;

/* The null space that A carries at the point, for a least-squares solution of least norm */
typedef struct {
  PetscInt       n;    /* its dimension, 0: none */
  Vec           *v;    /* an orthonormal basis */
  PetscScalar   *dot;  /* work */
  PetscReal      s;    /* size of A^H A */
  Vec            y;    /* A^H y = u, y in the range of A */
  MatNullSpace   null; /* a reference */
  DiniKernelMark mark;
  PetscInt       ranked; /* the dimension for which the rank has been found not to change */
  DiniHat        hat[2]; /* at the point, and beside it */
} DiniKernel;

typedef struct {
  KSP                 ksp;
  Vec                 b;
  DiniLinearSystemFn *assemble;
  void               *assemblectx;
  PetscInt64          stamp; /* of the parameters that the KSP's own A belongs to, 0 for none */
  PetscReal           rnorm; /* |F| at the point */

  /* copies, for residuals beside the point: the KSP's factorisation stays good */
  Mat              A, P;
  Vec              bcopy;
  PetscInt64       copystamp;
  PetscObjectId    copiedid; /* of the A that A has been made from */
  PetscObjectState copiedpattern;
  PetscBool        renew;   /* the next residual is that of a system assembled anew */
  PetscBool        inplace; /* the KSP's own have been assembled beside the point, for want of copies */

  /* the system that the point belongs to */
  PetscObjectId    Aid;
  PetscObjectState Astate, bstate;
  Vec              bpoint; /* values of b */

  /* least squares: F = A^H (A u - b) */
  PetscBool        leastsquares, determined; /* determined: the columns of A have been found independent */
  PetscBool        square;                   /* a least-squares KSP on a square A: its solution is the root A u = b */
  Mat              normal;                   /* J = A^H A */
  Mat              beside;                   /* the same of a copy of A, by products */
  PetscObjectId    normalid;                 /* of the A that it belongs to */
  PetscObjectState normalstate, normalpattern;
  Vec              r; /* A u - b, layout of b */
  DiniKernel       kernel;
  PetscInt         kernels; /* its dimension when the columns were last found to be determined */

  /* many right-hand sides: A U = B */
  Mat               U; /* the application's, a reference */
  PetscObjectState  Ustate;
  PetscInt          nparams;
  Vec               column;
  PetscBool         linearized;
  PetscInt          nsolved; /* columns of the last DiniMatSolve() */
  DiniSolvedColumn *solved;
} Dini_KSP;

/* A and b at the current parameters: the KSP's own where it has been assembled at them, else the copies */
DINI_INTERN PetscErrorCode DiniCurrentSystem_KSP(Dini, Mat *A, Vec *b);
/* The KSP's own A and b at the current parameters */
DINI_INTERN PetscErrorCode DiniAssembleOwn_KSP(Dini);
/* The next F is made of a system assembled anew, see DiniOps */
DINI_INTERN PetscErrorCode DiniRenew_KSP(Dini);
/* Assembles at the point again what has been assembled beside it; see DiniOps */
DINI_INTERN PetscErrorCode DiniHome_KSP(Dini, PetscBool *moved);
/* Has anyone else written into A, or put another one in its place? A local answer */
DINI_INTERN PetscErrorCode DiniMatrixTouched_KSP(Dini, PetscBool *touched);
DINI_INTERN PetscErrorCode DiniRaw_KSP(Dini);
/* What the type remembers of a point, and how it finds out that it is gone; see DiniOps */
DINI_INTERN PetscErrorCode DiniPoint_KSP(Dini);
DINI_INTERN PetscErrorCode DiniTouched_KSP(Dini, PetscBool touched[2]);
DINI_INTERN PetscErrorCode DiniRecheck_KSP(Dini, const PetscBool touched[2]);
/* An error where the type is another one, or where F is not that of the linear system */
DINI_INTERN PetscErrorCode DiniNeedLinear_KSP(Dini, const char what[]);

/* least squares */
DINI_INTERN PetscErrorCode DiniUseLeastSquares_KSP(Dini);
DINI_INTERN PetscErrorCode DiniSquareIsRoot_KSP(Dini);
DINI_INTERN PetscErrorCode DiniNormalResidual_KSP(Dini, Mat A, Vec b, Vec u, Vec F);
DINI_INTERN PetscErrorCode DiniTrySolve_KSP(Dini, Vec r, Vec x, PetscBool *good);

/* least squares where A carries a null space */
DINI_INTERN PetscErrorCode DiniKernelTake_KSP(Dini);
DINI_INTERN PetscErrorCode DiniKernelReset_KSP(Dini);
DINI_INTERN PetscErrorCode DiniKernelPart_KSP(Dini, Vec x, Vec part);
DINI_INTERN PetscErrorCode DiniKernelResidual_KSP(Dini, Mat A, Vec u, Vec F);
DINI_INTERN PetscErrorCode DiniKernelJacobian_KSP(Dini, Mat A, Mat *J);
DINI_INTERN PetscErrorCode DiniKernelStays_KSP(Dini, Mat A);
DINI_INTERN PetscErrorCode DiniKernelShift_KSP(Dini, Mat);
DINI_INTERN PetscErrorCode DiniKernelLinearized_KSP(Dini);
DINI_INTERN PetscErrorCode DiniKernelDirection_KSP(Dini, Mat dA);
DINI_INTERN PetscErrorCode DiniLeastNorm_KSP(Dini, Vec u);

/* Abar = alpha l r^H on its pattern, or added to it with the help of *work */
DINI_INTERN PetscErrorCode DiniOuter_Private(Mat Abar, PetscBool add, Mat *work, PetscScalar alpha, Vec l, Vec r);
DINI_INTERN PetscErrorCode DiniCheckPattern_Private(Dini, Mat Abar, const char what[]);
DINI_INTERN PetscErrorCode DiniCheckMatrix_Private(Dini, Mat dA, const char what[]);

/* columns of dense matrices with the layout of the state in their rows */
DINI_INTERN PetscErrorCode DiniCheckBlock_Private(Dini, Mat X, const char what[], PetscInt *n);
