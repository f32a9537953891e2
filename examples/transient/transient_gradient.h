/* Prints the gradient, and checks it if asked to with -transient_check: no part of what makes the gradient. */
#pragma once
#include <dini.h>
#include "transient_physics.h"

extern PetscErrorCode TransientReportGradient(Dini, Vec weights, Vec gradient);
