/* Prints the gradient, and checks it if asked to with -cavity_check: no part of what makes the gradient. */
#pragma once
#include <dini.h>
#include "cavity_physics.h"

extern PetscErrorCode CavityReportGradient(Cavity *, Dini, Vec, Vec, Vec);
