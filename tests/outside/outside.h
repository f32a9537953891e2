/* A type and a part that live outside the library: they know its installed headers alone. */
#pragma once
#include <dinimethods.h>

#if PETSC_VERSION_LT(3, 19, 0) && !defined(PETSC_SUCCESS)
  #define PETSC_SUCCESS 0
#endif

/* Type "heron", for DiniRegister() */
extern PetscErrorCode DiniCreate_Heron(Dini dini);
extern const DiniOps  HeronOps;

/* Part "counter", for DiniRegisterFeature() */
extern const DiniFeature CounterFeature;
