/**
  @file dinilinear.h
  @brief Linear systems A(m) u = b(m): assembly, the matrix as a parameter, many right-hand sides. Included by dini.h.
*/
#pragma once
#include <dini.h>

/*
  Linear systems
  --------------
  A(m) u = b(m), solved by the KSP of DiniSetKSP(). Beside the parameters, the entries of A and b can be differentiated by,
  and one factorisation serves many right-hand sides, A(m) U = B.
*/

/** Callback of DiniSetLinearSystem(): A, P and b at the current parameters. */
typedef PetscErrorCode DiniLinearSystemFn(Dini dini, Mat A, Mat P, Vec b, void *ctx);

// b, and how A and b are assembled
DINI_PUBLIC PetscErrorCode DiniSetLinearSystem(Dini, Vec, DiniLinearSystemFn *, void *);

// by the entries of A, on a pattern
DINI_PUBLIC PetscErrorCode DiniMatrixJVP(Dini, Mat, Vec);
DINI_PUBLIC PetscErrorCode DiniMatrixVJP(Dini, Vec, Mat);

// many right-hand sides
DINI_PUBLIC PetscErrorCode DiniMatSolve(Dini, Mat, Mat);
DINI_PUBLIC PetscErrorCode DiniGetMatSolveColumn(Dini, PetscInt, KSPConvergedReason *, PetscInt *, PetscReal *);
DINI_PUBLIC PetscErrorCode DiniMatSolveJVP(Dini, Mat, Mat, Vec, Mat);
DINI_PUBLIC PetscErrorCode DiniMatSolveVJP(Dini, Mat, Mat, Mat, Vec);
