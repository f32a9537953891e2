/* The modes of "fuzz -mode": each draws a problem of its kind from app->random, and holds what Dini says of it against a truth
   that is known without Dini. */
#pragma once
#include "app.h"

extern PetscErrorCode ModeContinuation(App *);
extern PetscErrorCode ModePosterior(App *); /* these two need SLEPc */
extern PetscErrorCode ModeEigen(App *);

/* modes.c: of all modes */
#define MODE_MOST 128 /* unknowns */
/* A Vec of N entries over the ranks, by RandomLayout() */
extern PetscErrorCode ModeVec(App *, PetscInt N, Vec *);
/* An assembled matrix with these rows and columns, with entry(i, j, ctx) wherever that is not zero; AIJ or dense */
typedef PetscScalar   ModeEntryFn(PetscInt i, PetscInt j, const void *ctx);
extern PetscErrorCode ModeMatrix(App *, Vec rows, Vec columns, PetscBool dense, ModeEntryFn *entry, const void *ctx,
                                 Mat *M);
/* The values on every rank, to and from */
extern PetscErrorCode ModeWrite(App *, const PetscScalar values[], Vec);
/* B <- A^{-1} B by rows, A is spent; false where A is singular */
extern PetscBool ModeSolve(PetscInt n, PetscInt columns, PetscScalar A[], PetscScalar B[]);
/* |a - b|_inf / |b|_inf, at least `size` */
extern PetscReal ModeDistance(PetscInt n, const PetscScalar a[], const PetscScalar b[], PetscReal size);
/* Right, or FuzzFail() with both numbers */
extern void ModeCompare(App *, const char what[], PetscReal distance, PetscReal tolerance);
