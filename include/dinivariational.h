/**
  @file dinivariational.h
  @brief Variational inequalities: a SNES that keeps bounds, differentiated on its active set. Included by dini.h.
*/
#pragma once
#include <dini.h>

/*
  Variational inequalities
  ------------------------
  A SNES of type vinewtonrsls or vinewtonssls is given to DiniSetSNES() as any other. Entries that a bound holds are the
  active set: they follow the bound, the others solve F = 0. An entry at a bound where F is zero as well is weakly active,
  and has a derivative in some directions only.
*/

/** What derivatives make of weakly active entries of a variational inequality, see DiniSetWeakActivity(). */
typedef enum {
  DINI_WEAK_ACTIVITY_INACTIVE, /**< they are free: the derivative along directions that lift them off the bound */
  DINI_WEAK_ACTIVITY_ACTIVE,   /**< they follow the bound: along directions that press them against it */
  DINI_WEAK_ACTIVITY_ERROR     /**< there is no derivative */
} DiniWeakActivity;
DINI_PUBLIC const char *const DiniWeakActivities[]; /**< names of the values of DiniWeakActivity, as in options */

DINI_PUBLIC PetscErrorCode DiniGetActiveSet(Dini, IS *, IS *);
DINI_PUBLIC PetscErrorCode DiniSetWeakActivity(Dini, DiniWeakActivity, PetscReal);
