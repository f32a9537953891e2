/* Calls from inside calls, see src/relation/dinicall.c; a part of diniimpl.h. */
#pragma once
#include <dini.h>

/* Where a callback of the application may call the Dini that called it: how far the door is open while it runs */
typedef enum {
  DINI_DOOR_SHUT,
  DINI_DOOR_RESIDUALS,   /* F may be evaluated */
  DINI_DOOR_DERIVATIVES, /* and derivatives may be taken: the Dini is at its point, nothing is half done */
  DINI_DOOR_NEVER        /* what moves the point under a call */
} DiniDoor;

/* What one reduction has told of a call's vectors and of J before they are asked about: see src/point/diniahead.c */
typedef struct {
  Vec       v[2]; /* what is handed in, and what comes out */
  PetscInt  n[2], N[2];
  PetscBool told;
  PetscBool laid[2]; /* they have these layouts, on all ranks */
  Vec       normed;  /* a Vec whose norm is known, until that has been asked for */
  PetscReal norm;
  PetscBool stays; /* nobody has written into J, until that has been asked for */
} DiniAhead;

#define DINI_AHEAD 5 /* sums: two layouts, and a norm */

/* A call of the application under way; of one that it was made from inside of, what that must find again afterwards */
typedef struct _DiniCall {
  struct _DiniCall *outer;
  const char       *what, *visitor;
  DiniDoor          door;
  int               depth;
  PetscBool         aside; /* the rest is filled */
  Vec               work[DINI_MAX_WORK], guess;
  PetscReal         lastnorm, lastrelative, lasterror, lastunit, hessianrtol;
  PetscInt64        lastkind;
  DiniRung          lastrung;
  PetscBool         erroriffail;
  DiniTolerances    tolerances;
  DiniAhead         ahead;
} DiniCall;

/* No door is open while the Dini is beside its point */
static inline DiniDoor DiniDoorNow(int closed, DiniDoor opens)
{
  return closed ? DINI_DOOR_SHUT : opens;
}

/*
  The application's code in ierr = fn, with its door open so far; `what` names it. A plain statement, not a call. While it runs
  the reason is that of its own calls.
*/
#define DiniCallOut(dini, opens, named, ierr, ...)                                                                     \
  do {                                                                                                                 \
    const char     *visitor_user_ = (dini)->visitor;                                                                   \
    const DiniDoor  door_user_    = (dini)->door;                                                                      \
    const PetscEnum reason_user_  = (PetscEnum)(dini)->reason;                                                         \
    (dini)->visitor               = named;                                                                             \
    (dini)->door                  = DiniDoorNow((dini)->closed, opens);                                                \
    (dini)->callouts++;                                                                                                \
    ierr            = (__VA_ARGS__);                                                                                   \
    (dini)->visitor = visitor_user_;                                                                                   \
    (dini)->door    = door_user_;                                                                                      \
    (dini)->reason  = (DiniConvergedReason)reason_user_;                                                               \
  } while (0)

/* A call of the application's code: an error on one rank is an error on all, and names the callback. */
#define DiniCallUserOpen(dini, opens, what, ...)                                                                       \
  do {                                                                                                                 \
    PetscErrorCode ierr_user_;                                                                                         \
    DiniCallOut(dini, opens, what, ierr_user_, __VA_ARGS__);                                                           \
    PetscCall(DiniAgree_Private(dini, what, ierr_user_));                                                              \
  } while (0)
#define DiniCallUser(dini, what, ...) DiniCallUserOpen(dini, DINI_DOOR_SHUT, what, __VA_ARGS__)

/* The same with v read-only meanwhile. A call that fails may leave v locked several times over: that is undone. */
#define DiniCallUserReadsOpen(dini, v, opens, what, ...)                                                               \
  DiniCallUserReadsOpenThen(dini, v, opens, what, (__VA_ARGS__), (void)0)

/* And then, whether it failed or not, something is put back */
#define DiniCallUserReadsOpenThen(dini, v, opens, what, call, then)                                                    \
  do {                                                                                                                 \
    PetscErrorCode ierr_user_;                                                                                         \
    PetscInt       locks_user_;                                                                                        \
    PetscCall(VecLockGet(v, &locks_user_));                                                                            \
    PetscCall(VecLockReadPush(v));                                                                                     \
    DiniCallOut(dini, opens, what, ierr_user_, call);                                                                  \
    then;                                                                                                              \
    PetscCall(DiniUnlock_Private(v, locks_user_));                                                                     \
    PetscCall(DiniAgree_Private(dini, what, ierr_user_));                                                              \
  } while (0)
#define DiniCallUserReadsThen(dini, v, what, call, then)                                                               \
  DiniCallUserReadsOpenThen(dini, v, DINI_DOOR_SHUT, what, call, then)
#define DiniCallUserReads(dini, v, what, ...) DiniCallUserReadsOpen(dini, v, DINI_DOOR_SHUT, what, __VA_ARGS__)

/* calls from inside calls: fn as a call named `what`, which needs a door where another call is under way */
DINI_INTERN PetscErrorCode DiniBegin_Private(Dini, const char what[], DiniDoor needs, DiniCall *);
DINI_INTERN PetscErrorCode DiniEnd_Private(Dini, DiniCall *);
DINI_INTERN PetscErrorCode DiniIdle_Private(Dini, const char what[]);
DINI_INTERN PetscBool      DiniNested_Private(Dini);
#define DiniServe(dini, what, needs, ...)                                                                              \
  do {                                                                                                                 \
    DiniCall       call_serve_;                                                                                        \
    PetscErrorCode ierr_serve_;                                                                                        \
    PetscCall(DiniBegin_Private(dini, what, needs, &call_serve_));                                                     \
    ierr_serve_ = (__VA_ARGS__);                                                                                       \
    PetscCall(DiniEnd_Private(dini, &call_serve_));                                                                    \
    PetscCall(ierr_serve_);                                                                                            \
  } while (0)
