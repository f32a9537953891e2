/* Assertions for the tests. A passing test prints nothing. */
#pragma once
#include <dini.h>

#if PETSC_VERSION_LT(3, 19, 0) && !defined(PETSC_SUCCESS)
  #define PETSC_SUCCESS 0
#endif

/* re + i im in complex builds, re in real ones */
#if defined(PETSC_USE_COMPLEX)
  #define DiniTestScalar(re, im) PetscCMPLX(re, im)
#else
  #define DiniTestScalar(re, im) ((PetscScalar)(re))
#endif

/* Exit code of a test whose external package this PETSc lacks; ctest then says "skipped" */
#define DINI_TEST_SKIPPED 100

/* Stops all ranks unless cond, a collectively identical truth, holds. */
#define DiniTestTrue(cond, ...) PetscCheck(cond, PETSC_COMM_WORLD, PETSC_ERR_PLIB, __VA_ARGS__)

/* |a - b| <= rtol * max(|a|, |b|) + atol, or an error that names both values; NaN never passes */
#define DiniTestClose(a, b, rtol, atol, what)                                                                          \
  do {                                                                                                                 \
    const PetscReal a_ = (a), b_ = (b), bound_ = (rtol)*PetscMax(PetscAbsReal(a_), PetscAbsReal(b_)) + (atol);         \
    DiniTestTrue(PetscAbsReal(a_ - b_) <= bound_, "%s: %.16g vs %.16g differ by more than %g", what, (double)a_,       \
                 (double)b_, (double)bound_);                                                                          \
  } while (0)

#define DiniTestCount(found, expected, what)                                                                           \
  do {                                                                                                                 \
    const PetscInt f_ = (found), e_ = (expected);                                                                      \
    DiniTestTrue(f_ == e_, "%s: %" PetscInt_FMT ", expected %" PetscInt_FMT, what, f_, e_);                            \
  } while (0)

/* Value number i (global) of v is a hash of i and seed in [-1, 1], in both parts: the same on any number of ranks. */
extern PetscErrorCode DiniTestFill(Vec v, PetscInt seed);
/* A duplicate of like, filled. */
extern PetscErrorCode DiniTestVec(Vec like, PetscInt seed, Vec *v);

/* |a - b|_inf / max(|a|_inf, |b|_inf), zero if both are zero */
extern PetscErrorCode DiniTestDistance(Vec a, Vec b, PetscReal *distance);
/* Every entry of the vectors agrees to rtol relative to the largest entry, and neither is zero. */
extern PetscErrorCode DiniTestVecsClose(Vec a, Vec b, PetscReal rtol, const char what[]);
/* The vectors do differ: a reference that a fault must not reach. */
extern PetscErrorCode DiniTestVecsDiffer(Vec a, Vec b, PetscReal rtol, const char what[]);
extern PetscErrorCode DiniTestMatsClose(Mat a, Mat b, PetscReal rtol, const char what[]);

/* The exact solution of J x = r, or of J^H x = r, by a factorisation of a copy of J that nobody else uses. */
extern PetscErrorCode DiniTestDirectSolve(Mat J, PetscBool adjoint, Vec r, Vec x);
/* JVP = -J^{-1} Fm dm and VJP = -Fm^H J^{-H} ubar by such factorisations. */
extern PetscErrorCode DiniTestReferenceJVP(Mat J, Mat Fm, Vec dm, Vec du);
extern PetscErrorCode DiniTestReferenceVJP(Mat J, Mat Fm, Vec ubar, Vec mbar);

/*
  Every stored entry of A is minus the sum over k of l_k r_k^H, or with plain its conjugate, and A stores as many
  entries as expected (negative: not asked).
*/
extern PetscErrorCode DiniTestOuter(Mat A, PetscInt n, const Vec l[], const Vec r[], PetscBool plain, PetscInt entries,
                                    PetscReal rtol, const char what[]);

/* <ubar, JVP dm> = <VJP ubar, dm> for two independent directions */
extern PetscErrorCode DiniTestDotProduct(Dini dini, PetscReal rtol);

/* How often PETSc has logged the event of this name; call PetscLogDefaultBegin() first. */
extern PetscErrorCode DiniTestEvent(const char name[], PetscInt *count);

/* Puts the options of str into the database, and takes them out again: each must have been read by then. */
extern PetscErrorCode DiniTestOptionsSet(const char str[]);
extern PetscErrorCode DiniTestOptionsClear(const char str[]);

/* A viewer whose text is read back: on every rank, when it is closed. */
extern PetscErrorCode DiniTestTextOpen(PetscViewer *viewer);
extern PetscErrorCode DiniTestTextClose(PetscViewer *viewer, char text[], size_t size);
extern PetscErrorCode DiniTestTextHas(const char text[], const char words[]);

/* The stack that a debug PETSc keeps: an error that a callback does not pass on leaves it too deep for the caller */
#if defined(PETSC_USE_DEBUG) && !defined(PETSC_HAVE_THREADSAFETY)
  #define DiniTestStackDepth()        (petscstack.currentsize)
  #define DiniTestStackRestore(depth) ((void)(petscstack.currentsize = (depth)))
#else
  #define DiniTestStackDepth()        0
  #define DiniTestStackRestore(depth) ((void)(depth))
#endif

/*
  DiniTestExpect(call, code, words): the call fails with this code and the words are among the messages, on every rank.
  DiniTestExpectAny(call, words): it fails on every rank, whatever the code, and the words are on at least one.
*/
#define DiniTestExpect(call, code, words)                                                                              \
  do {                                                                                                                 \
    PetscErrorCode caught_;                                                                                            \
    PetscCall(DiniTestCatch());                                                                                        \
    caught_ = call;                                                                                                    \
    PetscCall(DiniTestCaught(caught_, code, words, #call, __FILE__, __LINE__));                                        \
  } while (0)
#define DiniTestExpectAny(call, words) DiniTestExpect(call, 0, words)

extern PetscErrorCode DiniTestCatch(void);
extern PetscErrorCode DiniTestRelease(void); /* ends what DiniTestCatch() began, without an opinion */
extern PetscErrorCode DiniTestCaught(PetscErrorCode found, PetscErrorCode expected, const char words[],
                                     const char call[], const char file[], int line);

/*
  A call that may fail but must not lie: without an error, found is expected to rtol; with one, it is the same on all ranks.
  Usage: PetscCall(DiniTestCatch()); ierr = call; PetscCall(DiniTestRightOrError(ierr, found, expected, rtol, what, &right));
*/
extern PetscErrorCode DiniTestRightOrError(PetscErrorCode ierr, Vec found, Vec expected, PetscReal rtol,
                                           const char what[], PetscBool *right);
/* PETSc frees nothing on the way out of an error: for tests whose errors come from deep inside. The sanitizers still look. */
extern PetscErrorCode DiniTestForgiveLeaks(void);
/* The messages since DiniTestCatch(). */
extern const char *DiniTestMessages(void);
