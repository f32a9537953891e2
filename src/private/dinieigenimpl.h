/* Private to src/spectral: eigenpairs of T(lambda; m) x = 0, T = sum_k c_k(lambda) M_k(m), and their derivatives. */
#pragma once
#include "diniimpl.h"
#include <dinislepc.h>

#define DINI_EIGEN_TERMS 16 /* most terms of T */

/* A complex number and a complex vector in either build. In complex builds i is NULL and r is complex; in real builds i is
   NULL where the mode is real. */
typedef struct {
  PetscReal re, im;
} DiniComplex;

typedef struct {
  Vec r, i;
} DiniEigenVec;

/* What differs between EPS, PEP and NEP */
typedef struct {
  const char *type;
  PetscErrorCode (*getterms)(PetscObject, PetscInt *n, Mat M[]); /* a NULL matrix stands for the identity */
  PetscErrorCode (*setterms)(PetscObject, PetscInt n, Mat M[]);
  PetscErrorCode (*solve)(PetscObject);
  PetscErrorCode (*outcome)(PetscObject, PetscInt *its, PetscInt *nconv, PetscBool *good, const char **why);
  PetscErrorCode (*hermitian)(PetscObject, PetscBool *);
  PetscErrorCode (*pair)(PetscObject, PetscInt i, PetscScalar *, PetscScalar *, Vec, Vec);
  PetscErrorCode (*left)(PetscObject, PetscInt i, Vec, Vec, PetscBool *has);
  PetscErrorCode (*coefficients)(PetscObject, PetscInt n, DiniComplex lambda, DiniComplex c[], DiniComplex dc[]);
} DiniEigenSolver;

/* One pair: T(lambda) x = 0, y^H T(lambda) = 0, y^H D x = 1 with D = -T'(lambda), which is B for an EPS */
typedef struct {
  DiniComplex  lambda;
  DiniEigenVec x, y;  /* y is made when first needed */
  DiniEigenVec lost;  /* with tracking, the vector that none of the last pairs overlaps with; else NULL */
  PetscInt     index; /* in the solver */
  PetscReal    error; /* of lambda: |T x| / |D x| */
  PetscReal    gap;   /* to the nearest other eigenvalue found */
  PetscReal    overlap;
  PetscInt     cluster;  /* number of its cluster, the first of its members */
  PetscBool    infinite; /* D x = 0: no derivatives, and no part in clusters and gaps */
  PetscBool    probed;
  DiniComplex  c[DINI_EIGEN_TERMS],
      dc[DINI_EIGEN_TERMS]; /* coefficients at lambda, and their derivatives, as the pair was found */
} DiniMode;

typedef struct {
  /* set by the user */
  PetscObject        solver;
  DiniEigenSystemFn *assemble;
  void              *assemblectx;
  PetscReal          gaprtol, minoverlap;
  PetscBool          tracking;
  PetscInt           selected; /* the mode whose vector is the state u */

  /* children and work */
  const DiniEigenSolver *kind;
  PetscInt               nterms, nmats;
  Mat                    M[DINI_EIGEN_TERMS], copy[DINI_EIGEN_TERMS];
  Vec                    u;      /* the state of DiniEigenSolve() */
  Vec                    w[2];   /* of products */
  DiniEngine             engine; /* solves with K = T + alpha (D x) q^H */
  KSP                    ksp;    /* of the shifted operator; its preconditioner serves the engine, too */
  Mat                    K;
  Vec                    like;             /* what K applies to, for its layout */
  DiniEigenVec           p, q, e[2], z, v; /* D x, the normalisation q^H x = 1, and work */
  DiniComplex            alpha, c[DINI_EIGEN_TERMS], dc[DINI_EIGEN_TERMS];

  /* status */
  PetscInt64       stamp, copystamp; /* parameters that M and the copies belong to, 0 for none */
  PetscObjectState state[DINI_EIGEN_TERMS];
  PetscBool        attaching, hermitian;
  PetscBool        monitored, reasons, viewed; /* solves with K, how they end, and their engine */
  PetscBool        inplace;   /* the solver's own matrices have been assembled beside the point, for want of copies */
  PetscInt64       pairstamp; /* parameters that the modes belong to */
  PetscInt         nmodes;
  DiniMode        *modes;
  PetscInt        *members; /* scratch of DiniGetEigenCluster() */
  PetscInt         nfocus;
  PetscScalar      focus[DINI_EIGEN_TERMS]; /* coefficients of F = sum_k focus_k M_k(m) u */
  PetscInt         kmode;                   /* the mode that K belongs to, -1 for none */
  char             why[256];
} Dini_Eigen;

/* numbers */
static inline DiniComplex DiniCx(PetscReal re, PetscReal im)
{
  const DiniComplex z = {re, im};

  return z;
}
static inline DiniComplex DiniCxOf(PetscScalar r, PetscScalar i)
{
  if (PetscDefined(USE_COMPLEX)) return DiniCx(PetscRealPart(r), PetscImaginaryPart(r));
  return DiniCx(PetscRealPart(r), PetscRealPart(i));
}
static inline DiniComplex DiniCxMul(DiniComplex a, DiniComplex b)
{
  return DiniCx(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re);
}
static inline DiniComplex DiniCxConj(DiniComplex a)
{
  return DiniCx(a.re, -a.im);
}
static inline DiniComplex DiniCxAdd(DiniComplex a, DiniComplex b)
{
  return DiniCx(a.re + b.re, a.im + b.im);
}
static inline DiniComplex DiniCxSub(DiniComplex a, DiniComplex b)
{
  return DiniCx(a.re - b.re, a.im - b.im);
}
static inline DiniComplex DiniCxScale(PetscReal s, DiniComplex a)
{
  return DiniCx(s * a.re, s * a.im);
}
static inline PetscReal DiniCxAbs(DiniComplex a)
{
  return (PetscReal)hypot((double)a.re, (double)a.im);
}
static inline DiniComplex DiniCxInverse(DiniComplex a)
{
  const PetscReal n = DiniCxAbs(a);

  return DiniCx(a.re / n / n, -a.im / n / n);
}
/* the number as a scalar: in real builds its real part */
static inline PetscScalar DiniCxScalar(DiniComplex a)
{
#if defined(PETSC_USE_COMPLEX)
  return PetscCMPLX(a.re, a.im);
#else
  return a.re;
#endif
}

/* vectors */
DINI_INTERN PetscErrorCode DiniEigenVecCreate_Private(Vec like, PetscBool split, DiniEigenVec *);
DINI_INTERN PetscErrorCode DiniEigenVecDestroy_Private(DiniEigenVec *);
DINI_INTERN PetscErrorCode DiniEigenVecCopy_Private(DiniEigenVec from, DiniEigenVec to);
DINI_INTERN PetscErrorCode DiniEigenVecScale_Private(DiniEigenVec, DiniComplex);
DINI_INTERN PetscErrorCode DiniEigenVecAXPY_Private(DiniEigenVec y, DiniComplex, DiniEigenVec x);
DINI_INTERN PetscErrorCode DiniEigenVecDot_Private(DiniEigenVec x, DiniEigenVec y, DiniComplex *); /* y^H x */
DINI_INTERN PetscErrorCode DiniEigenVecNorm_Private(DiniEigenVec, PetscReal *);
DINI_INTERN PetscErrorCode DiniEigenVecJoin_Private(DiniEigenVec, Vec);
DINI_INTERN PetscErrorCode DiniEigenVecSplit_Private(Vec, DiniEigenVec);
DINI_INTERN PetscErrorCode DiniEigenVecPhase_Private(DiniEigenVec);

/* the solvers of SLEPc */
DINI_INTERN const DiniEigenSolver DiniEigenSolvers[];

/* the type */
DINI_INTERN PetscErrorCode DiniJVP_Eigen(Dini, Vec dm, Vec du);
DINI_INTERN PetscErrorCode DiniVJP_Eigen(Dini, Vec ubar, Vec mbar);
DINI_INTERN PetscErrorCode DiniGetEigen_Private(Dini, const char caller[], Dini_Eigen **);
DINI_INTERN PetscErrorCode DiniGetModes_Private(Dini, const char caller[], Dini_Eigen **);
DINI_INTERN PetscErrorCode DiniGetMode_Private(Dini, PetscInt i, const char caller[], Dini_Eigen **, DiniMode **);
DINI_INTERN PetscErrorCode DiniEigenMult_Private(Dini, const Mat M[], PetscBool adjoint, const DiniComplex c[],
                                                 DiniEigenVec x, DiniEigenVec y);
DINI_INTERN PetscErrorCode DiniEigenTakeTerms_Private(Dini);
DINI_INTERN PetscErrorCode DiniEigenAssemble_Private(Dini, Mat M[]);
DINI_INTERN PetscErrorCode DiniEigenRemember_Private(Dini);
DINI_INTERN PetscErrorCode DiniEigenSettle_Private(Dini);
DINI_INTERN PetscErrorCode DiniEigenTermsNow_Private(Dini, Mat *M[]);
DINI_INTERN PetscErrorCode DiniHome_Eigen(Dini, PetscBool *moved);
DINI_INTERN PetscErrorCode DiniEigenCoefficients_Private(Dini, DiniComplex lambda, DiniComplex c[], DiniComplex dc[]);
DINI_INTERN PetscErrorCode DiniEigenD_Private(Dini, DiniMode *, DiniEigenVec x, DiniEigenVec y);

/* pairs */
DINI_INTERN PetscErrorCode DiniEigenCollect_Private(Dini, const Mat M[], PetscInt n, DiniConvergedReason *,
                                                    const char **why);
DINI_INTERN PetscErrorCode DiniModesDestroy_Private(PetscInt n, DiniMode **);
DINI_INTERN PetscErrorCode DiniEigenGaps_Private(Dini);
DINI_INTERN PetscErrorCode DiniEigenTrack_Private(Dini, PetscInt nold, DiniMode old[]);
DINI_INTERN PetscReal      DiniEigenThreshold_Private(const Dini_Eigen *, const DiniMode *, const DiniMode *);
DINI_INTERN PetscErrorCode DiniEigenSimple_Private(Dini, PetscInt i, const char what[]);

/* linear solves with the bordered operator */
DINI_INTERN PetscErrorCode DiniEigenLinearize_Private(Dini, PetscInt i);
DINI_INTERN PetscErrorCode DiniEigenLinearSolve_Private(Dini, DiniDirection, DiniEigenVec r, DiniEigenVec x);
DINI_INTERN PetscErrorCode DiniEigenLinearReset_Private(Dini);
DINI_INTERN PetscErrorCode DiniEigenEngineCreate_Private(Dini, Mat P);
DINI_INTERN PetscErrorCode DiniEigenEngineDestroy_Private(Dini);
DINI_INTERN PetscErrorCode DiniEigenProbe_Private(Dini, PetscInt i);
DINI_INTERN PetscErrorCode DiniEigenLeft_Private(Dini, PetscInt i);
DINI_INTERN PetscErrorCode DiniEigenDual_Private(Dini, PetscInt cluster);
DINI_INTERN PetscErrorCode DiniEigenReady_Private(Dini, PetscInt i, const char caller[], const char what[],
                                                  DiniMode **);
DINI_INTERN PetscBool      DiniEigenConjugates_Private(Dini);

/* parameters */
DINI_INTERN PetscErrorCode DiniEigenGuard_Private(Dini, DiniMode *);
DINI_INTERN PetscErrorCode DiniEigenFocusSelected_Private(Dini);
DINI_INTERN PetscErrorCode DiniEigenParameterApply_Private(Dini, const DiniComplex c[], DiniEigenVec x, Vec dm,
                                                           DiniEigenVec f);
DINI_INTERN PetscErrorCode DiniEigenParameterApplyAdjoint_Private(Dini, const DiniComplex c[], DiniEigenVec x,
                                                                  DiniEigenVec w, Vec mbar);
