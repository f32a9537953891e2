/**
  @file dinitype.h
  @brief What authors of types of solvers need beside the rest. Included by dini.h.
*/
#pragma once
#include <dini.h>

/*
  Writing a type of solver
  ------------------------
  For authors of types that DiniSetType() and -dini_type choose by name, and for codes that load the library by
  themselves. Applications need none of these. The tables of methods are in dinimethods.h, which dini.h does not include.
*/

/** Class id of Dini objects. */
DINI_PUBLIC PetscClassId DINI_CLASSID;

DINI_PUBLIC PetscErrorCode DiniRegister(const char[], PetscErrorCode (*)(Dini));
DINI_PUBLIC PetscErrorCode DiniInitializePackage(void);
DINI_PUBLIC PetscErrorCode DiniFinalizePackage(void);
